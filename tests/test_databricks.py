"""The Databricks bundle: only fields that Databricks knows, and values that the job needs."""

import re
import tomllib

import pytest
import yaml
from databricks.bundles.jobs import Job

COMPUTE = {
    "databricks": {"platform": "databricks"},
    "databricks-available-now": {"platform": "databricks", "trigger": "available_now"},
    "databricks-4.0": {"platform": "databricks", "spark_version": "4.0"},
    "serverless": {"platform": "databricks_serverless"},
    "serverless-4.1": {"platform": "databricks_serverless", "spark_version": "4.1"},
}
RUNTIMES = {"4.1": "18.x-scala2.13", "4.0": "17.3.x-scala2.13"}
ENVIRONMENTS = {"4.1": "5", "4.0": "4"}
RIGHTS = {"run_as", "permissions"}
TOP = {"bundle", "sync", "artifacts", "variables", "targets", "resources", "workspace"} | RIGHTS


@pytest.fixture(scope="module", name="projects")
def _projects(cookies_session):
    """Provide a project for each kind of compute, trigger and version."""
    baked = {
        name: cookies_session.bake(extra_context=answers).project_path
        for name, answers in COMPUTE.items()
    }
    assert all(baked.values())
    return baked


@pytest.fixture(params=COMPUTE, name="name")
def _name(request):
    return request.param


@pytest.fixture(name="project")
def _project(projects, name):
    return projects[name]


@pytest.fixture(name="bundle")
def _bundle(project):
    """Provide the bundle of a project, as the Databricks CLI reads it."""
    return yaml.safe_load((project / "deploy/databricks.yml").read_text("utf-8"))


@pytest.fixture(name="job")
def _job(bundle):
    return bundle["resources"]["jobs"]["stream"]


def get_table(tree, path):
    """Return the table at the end of a path of keys and indices."""
    for step in path:
        tree = tree[step]
    return tree


def test_every_field_is_known_to_databricks(bundle):
    """The models of Databricks know each field of each job."""
    jobs = bundle["resources"]["jobs"]

    assert bundle.keys() == TOP
    assert jobs.keys() == {"stream", "doctor"}
    rights = {key: bundle[key] for key in RIGHTS}
    for job in jobs.values():
        given = job | rights
        assert Job.from_dict(given).as_dict() == given


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ((), "max_concurent_runs"),
        (("health", "rules", 0), "metrics"),
        (("email_notifications",), "on_failures"),
        (("tasks", 0), "max_retry"),
        (("tasks", 0, "spark_python_task"), "params"),
    ],
)
def test_a_misspelt_field_is_found(job, path, field):
    """The check finds a misspelt field at every depth."""
    get_table(job, path)[field] = 1

    with pytest.raises(ValueError, match=f"Unexpected field '{field}'"):
        Job.from_dict(job)


def test_a_value_that_does_not_exist_is_refused(job):
    """The models refuse a metric that Databricks does not have."""
    job["health"]["rules"][0]["metric"] = "STREAMING_BACKLOG_HOURS"

    with pytest.raises(ValueError, match="STREAMING_BACKLOG_HOURS"):
        Job.from_dict(job)


def test_runs_never_overlap(job):
    """A job runs continuously or on a schedule; a scheduled run is skipped while another runs."""
    assert job["max_concurrent_runs"] == 1
    assert ("continuous" in job) != ("schedule" in job)
    assert ("schedule" in job) == (job.get("queue") == {"enabled": False})


def test_there_is_one_copy_of_the_job(bundle):
    """The place and the user of the job do not depend on who deploys it."""
    assert {target["mode"] for target in bundle["targets"].values()} == {"production"}
    assert bundle["workspace"] == {"root_path": "${var.folder}/${bundle.name}/${bundle.target}"}
    assert bundle["run_as"] == {"service_principal_name": "${var.service_principal}"}
    named = set(re.findall(r"\$\{var\.(\w+)\}", str(bundle)))
    assert named == bundle["variables"].keys()


def test_the_trigger_decides_on_the_schedule(name, job):
    """A job with available_now is scheduled, and so is a job on serverless compute."""
    scheduled = name == "databricks-available-now" or name.startswith("serverless")

    assert ("schedule" in job) == scheduled
    assert ("max_retries" in job["tasks"][0]) == scheduled


def test_compute_has_the_spark_version_of_the_tests(project, name, job):
    """The cluster's runtime, or the serverless environment, has the project's Spark version."""
    text = (project / "pyproject.toml").read_text("utf-8")
    spark = re.search(r'"pyspark==(\d\.\d)', text)[1]
    task = job["tasks"][0]

    if name.startswith("serverless"):
        [environment] = job["environments"]
        assert environment["environment_key"] == task["environment_key"]
        assert environment["spec"]["environment_version"] == ENVIRONMENTS[spark]
        assert "job_clusters" not in job
    else:
        [cluster] = job["job_clusters"]
        assert cluster["job_cluster_key"] == task["job_cluster_key"]
        assert cluster["new_cluster"]["spark_version"] == RUNTIMES[spark]
        assert cluster["new_cluster"]["data_security_mode"] == "DATA_SECURITY_MODE_DEDICATED"


def test_the_cluster_has_the_redaction_pattern_of_the_runtime(projects):
    """The bundle sets the pattern for the cluster, because a session cannot change it."""
    project = projects["databricks"]
    text = (project / "deploy/databricks.yml").read_text("utf-8")
    [cluster] = yaml.safe_load(text)["resources"]["jobs"]["stream"]["job_clusters"]
    session = (project / "lib/stream_runtime/session.py").read_text("utf-8")
    pattern = cluster["new_cluster"]["spark_conf"]["spark.redaction.regex"]

    assert f'"spark.redaction.regex": "{pattern}"' in session


def test_the_bundle_agrees_with_the_project(project, bundle, job):
    """Files, commands and environments of the bundle agree with the other files."""
    task = job["tasks"][0]["spark_python_task"]
    prod = tomllib.loads((project / "conf/prod.toml").read_text("utf-8"))

    assert (project / "deploy" / task["python_file"]).is_file()
    assert task["parameters"][:3] == ["run", "--env", "${bundle.target}"]
    assert all((project / f"conf/{target}.toml").is_file() for target in bundle["targets"])
    assert all((project / "deploy" / path).is_dir() for path in bundle["sync"]["paths"])
    assert prod["session"]["platform"] in {"databricks", "serverless"}
    assert prod["checkpoint"]["root"].startswith("/Volumes/prod.example/")
    assert "metrics" not in prod


def test_files_of_other_platforms_are_missing(project):
    """A Databricks project has no image, no service and no Prometheus files."""
    assert sorted(path.name for path in (project / "deploy").iterdir()) == [
        "databricks.yml",
        "main.py",
    ]
    assert not (project / "monitoring").exists()
    assert not (project / "tests/test_monitoring.py").exists()


def test_the_bundle_has_no_address(project):
    """The bundle contains no address of a workspace."""
    text = (project / "deploy/databricks.yml").read_text("utf-8")

    assert "://" not in text
    assert "host" not in text
