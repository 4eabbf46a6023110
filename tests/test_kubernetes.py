"""The resource for the Spark operator: only fields that it knows, and values that the job needs."""

import copy
import json
import re
import subprocess
import tomllib

import pytest
import yaml
from kubeflow_spark_api.models.spark_v1beta2_scheduled_spark_application import (
    SparkV1beta2ScheduledSparkApplication as Scheduled,
)
from kubeflow_spark_api.models.spark_v1beta2_spark_application import (
    SparkV1beta2SparkApplication as Continuous,
)
from pydantic import ValidationError

LONGEST_LABEL = 63
MODELS = {"SparkApplication": Continuous, "ScheduledSparkApplication": Scheduled}
KINDS = {"processing_time": "SparkApplication", "available_now": "ScheduledSparkApplication"}
LONG_SLUG = "a" * 42 + "-" + "b" * 7


@pytest.fixture(scope="module", name="projects")
def _projects(cookies_session):
    """Provide a project for each trigger."""
    baked = {
        trigger: cookies_session.bake(
            extra_context={"platform": "kubernetes", "trigger": trigger}
        ).project_path
        for trigger in KINDS
    }
    assert all(baked.values())
    return baked


@pytest.fixture(params=KINDS, name="project")
def _project(request, projects):
    return projects[request.param]


@pytest.fixture(name="resource")
def _resource(project):
    return read_resource(project)


def read_resource(project):
    """Return the resource of a project, as kubectl reads it."""
    return yaml.safe_load((project / "deploy/application.yml").read_text("utf-8"))


def get_application(resource):
    """Return the table that describes the application, in either kind."""
    return resource["spec"].get("template", resource["spec"])


def has_unknown_fields(resource):
    """Return whether the operator's models drop a field, because they do not know it.

    Raises:
        ValidationError: a value has the wrong type, or is missing.
    """
    model = MODELS[resource["kind"]]
    return model.from_dict(copy.deepcopy(resource)).to_dict() != resource


def test_the_operator_knows_every_field(resource):
    """The models of the operator's API keep all fields of the resource."""
    assert resource["apiVersion"] == "sparkoperator.k8s.io/v1beta2"
    assert not has_unknown_fields(resource)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ((), "restartPolicie"),
        (("restartPolicy",), "onFailureRetrys"),
        (("driver",), "terminationGracePeriodSecond"),
        (("driver", "env", 1, "valueFrom", "secretKeyRef"), "keys"),
        (("executor",), "instance"),
        (("executor", "securityContext"), "runAsNoRoot"),
    ],
)
def test_a_misspelt_field_is_found(resource, path, field):
    """The check finds a misspelt field at every depth."""
    table = get_application(resource)
    for step in path:
        table = table[step]
    table[field] = 1

    assert has_unknown_fields(resource)


@pytest.mark.parametrize(
    ("table", "field", "value"), [("executor", "instances", "4"), ("driver", "memory", 2)]
)
def test_a_value_of_another_type_is_refused(resource, table, field, value):
    """The models refuse a number that is written as text, and a text that is a number."""
    get_application(resource)[table][field] = value

    with pytest.raises(ValidationError):
        has_unknown_fields(resource)


def test_a_missing_required_field_is_found(resource):
    """The models refuse a resource without its required driver."""
    del get_application(resource)["driver"]

    with pytest.raises(ValidationError):
        has_unknown_fields(resource)


@pytest.mark.parametrize(("trigger", "kind"), KINDS.items())
def test_the_trigger_decides_on_the_kind(projects, trigger, kind):
    """A continuous job restarts after a failure; runs of a scheduled job never overlap."""
    resource = read_resource(projects[trigger])
    policy = get_application(resource)["restartPolicy"]

    assert resource["kind"] == kind
    if kind == "SparkApplication":
        assert policy["type"] == "OnFailure"
        assert policy["onFailureRetries"] > 0
    else:
        assert policy == {"type": "Never"}
        assert resource["spec"]["concurrencyPolicy"] == "Forbid"


def test_the_resource_agrees_with_the_project(project, resource):
    """Image, command, port and times agree with the other files of the project."""
    found, dockerfile = (
        get_application(resource),
        (project / "deploy/Dockerfile").read_text("utf-8"),
    )
    prod = tomllib.loads((project / "conf/prod.toml").read_text("utf-8"))
    annotations = found["driver"]["annotations"]

    assert f"-t {found['image']} ." in dockerfile
    assert f"FROM apache/spark:{found['sparkVersion']}-" in dockerfile
    assert "WORKDIR /app\n" in dockerfile
    assert "COPY deploy/main.py deploy/main.py\n" in dockerfile
    assert found["mainApplicationFile"] == "local:///app/deploy/main.py"
    assert found["arguments"] == ["run", "--env", "prod"]
    assert annotations["prometheus.io/port"] == str(prod["metrics"]["port"])


def test_a_run_now_is_an_application(projects):
    """The command of the runbook makes an application of the schedule's template."""
    project = projects["available_now"]
    resource, runbook = read_resource(project), (project / "docs/runbook.md").read_text("utf-8")
    (program,) = re.findall(r"-o json \| jq '([^']+)' \| kubectl create -f -", runbook)

    done = subprocess.run(
        ["jq", program], input=json.dumps(resource), capture_output=True, text=True, check=True
    )

    application = json.loads(done.stdout)
    assert application["kind"] == "SparkApplication"
    assert application["spec"] == resource["spec"]["template"]
    assert not has_unknown_fields(application)


def test_the_doctor_has_what_the_driver_has(project, resource):
    """The pod of the doctor has the driver's image, environment and rights."""
    driver = get_application(resource)["driver"]
    pod = yaml.safe_load((project / "deploy/doctor.yml").read_text("utf-8"))
    (doctor,) = pod["spec"]["containers"]

    assert pod["spec"]["restartPolicy"] == "Never"
    assert doctor["image"] == get_application(resource)["image"]
    assert doctor["command"][3:] == ["doctor", "--env", "prod"]
    assert doctor["env"] == driver["env"]
    assert doctor["securityContext"] == driver["securityContext"]


def test_pods_have_no_further_rights(project, resource):
    """Driver and executors run as the user of the image, who cannot get the rights of root."""
    application = get_application(resource)
    contexts = [application[role]["securityContext"] for role in ("driver", "executor")]
    user = re.search(r"ARG USER_ID=(\d+)", (project / "deploy/Dockerfile").read_text("utf-8"))[1]

    for context in contexts:
        assert context["runAsUser"] == int(user)
        assert context["runAsNonRoot"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_the_resource_contains_no_secret(resource):
    """Each setting in the environment comes from a Secret; the file contains no value of one."""
    user, *variables = get_application(resource)["driver"]["env"]

    assert user == {"name": "SPARK_USER", "value": "stream"}
    assert variables
    assert all(variable.keys() == {"name", "valueFrom"} for variable in variables)
    assert all(variable["name"].startswith("STREAM__") for variable in variables)
    assert all("secretKeyRef" in variable["valueFrom"] for variable in variables)


@pytest.mark.parametrize(("trigger", "added"), [("processing_time", 0), ("available_now", 20)])
def test_the_longest_name_fits_a_label(cookies, trigger, added):
    """The longest name fits a label of a pod; a schedule adds the time to the name."""
    project = cookies.bake(
        extra_context={"platform": "kubernetes", "trigger": trigger, "project_slug": LONG_SLUG}
    ).project_path
    name = read_resource(project)["metadata"]["name"]

    assert len(name) + added <= LONGEST_LABEL
    assert re.fullmatch("[a-z]([a-z0-9-]*[a-z0-9])?", name)
