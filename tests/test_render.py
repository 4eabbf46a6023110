"""The generated projects: complete, clean, and the same each time and with each tool."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter

import pytest
import yaml

from stream_template_rules.files import library
from tests import awkward, examples

WIDE = ", ".join(f"column_{'x' * 30}_{number:02d} STRING" for number in range(12))
COLUMNS = ", ".join(f"column_{number} INT" for number in range(297))
MANY = f"event_id STRING, t TIMESTAMP, kind STRING, {COLUMNS}"
LONG = f"event_id STRING, t TIMESTAMP, kind STRING, `{'m' * 85}` DOUBLE"
WIDE_LETTERS = f"event_id STRING, t TIMESTAMP, kind STRING, `{'量' * 43}` DOUBLE"
TRAFFIC = "id STRING, at TIMESTAMP, host STRING, bytes BIGINT, seconds DOUBLE, `a+b` INT"
TWO_MEASURES = "id=id, time=at, key=host, measure=bytes+seconds"
KEYED = {
    "event_schema": "id STRING, at TIMESTAMP, country STRING, day DATE, amount DOUBLE, n INT",
    "event_roles": "id=id, time=at, key=country+day, measure=amount+n",
}
MEASURED = ", ".join(f"measured_value_{number} INT" for number in range(7))
NO_KEY = {"event_roles": "id=event_id, time=event_time, key=none, measure=amount"}
NO_MEASURE = {"event_roles": "id=event_id, time=event_time, key=event_type, measure=none"}


def _awkward(**answers):
    return awkward.make_events({"source": "kafka", **answers}) | answers


VARIANTS = {
    "defaults": {},
    "available-now": {"trigger": "available_now"},
    "kubernetes": {"platform": "kubernetes"},
    "kubernetes-available-now": {"platform": "kubernetes", "trigger": "available_now"},
    "databricks": {"platform": "databricks"},
    "databricks-available-now": {"platform": "databricks", "trigger": "available_now"},
    "serverless": {"platform": "databricks_serverless"},
    "spark-4.1": {"spark_version": "4.1"},
    "spark-4.0": {"spark_version": "4.0"},
    "files": {"source": "files", "trigger": "available_now"},
    "delta-source": {"source": "delta"},
    "explicit": {"trigger": "processing_time", "spark_version": "4.2"},
    "merge": {"sink": "delta_merge"},
    "merge-update": {"sink": "delta_merge", "output_mode": "update"},
    "merge-events": {"sink": "delta_merge", "window": "none"},
    "kafka-sink": {"sink": "kafka"},
    "kafka-update": {"sink": "kafka", "output_mode": "update"},
    "kafka-complete": {"sink": "kafka", "output_mode": "complete"},
    "kafka-events": {"sink": "kafka", "window": "none"},
    "kafka-newest-events": {"sink": "kafka", "window": "none", "output_mode": "update"},
    "kafka-no-key": {
        "sink": "kafka",
        "window": "none",
        "event_schema": "at TIMESTAMP, price DOUBLE",
        "event_roles": "time=at",
    },
    "no-key": NO_KEY,
    "no-key-sliding": NO_KEY | {"window": "sliding", "sink": "kafka", "output_mode": "update"},
    "no-key-complete": NO_KEY | {"sink": "jdbc", "output_mode": "complete"},
    "no-key-deduplicate": NO_KEY | {"sink": "delta_merge", "state": "deduplicate"},
    "no-key-no-measure": {
        "event_schema": "at TIMESTAMP",
        "sink": "console",
        "window": "sliding",
        "output_mode": "complete",
    },
    "keys": KEYED | {"sink": "jdbc"},
    "keys-session": KEYED | {"window": "session", "sink": "kafka", "output_mode": "complete"},
    "keys-sliding": KEYED
    | {"window": "sliding", "state": "deduplicate", "sink": "delta_merge", "output_mode": "update"},
    "keys-events": KEYED | {"window": "none", "sink": "kafka"},
    "keys-no-id": KEYED
    | {
        "event_roles": KEYED["event_roles"].replace("id=id, ", ""),
        "window": "none",
        "sink": "kafka",
        "output_mode": "update",
    },
    "keys-wide": {
        "event_schema": f"id STRING, at TIMESTAMP, {WIDE}",
        "event_roles": f"id=id, time=at, key={'+'.join(WIDE.replace(' STRING', '').split(', '))}",
        "sink": "jdbc",
    },
    "measures": {"event_schema": TRAFFIC, "event_roles": TWO_MEASURES},
    "measures-session": {
        "event_schema": TRAFFIC,
        "event_roles": TWO_MEASURES,
        "window": "session",
        "sink": "jdbc",
        "output_mode": "complete",
        "join": "static_lookup",
    },
    "measures-many": {
        "event_schema": f"id STRING, at TIMESTAMP, {MEASURED}",
        "event_roles": f"time=at, measure={'+'.join(MEASURED.replace(' INT', '').split(', '))}",
        "sink": "delta_merge",
        "output_mode": "update",
    },
    "measures-events": {
        "event_schema": TRAFFIC,
        "event_roles": TWO_MEASURES,
        "window": "none",
        "source": "delta",
    },
    "parquet": {"sink": "files"},
    "console": {"sink": "console"},
    "long-measure": {"sink": "console", "event_schema": LONG},
    "wide-measure": {"sink": "console", "event_schema": WIDE_LETTERS},
    "console-complete": {"sink": "console", "output_mode": "complete"},
    "console-newest-events": {"sink": "console", "window": "none", "output_mode": "update"},
    "kafka-continuous": {"sink": "kafka", "window": "none", "trigger": "continuous"},
    "kafka-real-time": {
        "sink": "kafka",
        "window": "none",
        "output_mode": "update",
        "trigger": "real_time",
    },
    "console-continuous": {
        "platform": "kubernetes",
        "sink": "console",
        "window": "none",
        "trigger": "continuous",
    },
    "console-real-time": {
        "sink": "console",
        "window": "none",
        "output_mode": "update",
        "trigger": "real_time",
    },
    "iceberg": {"sink": "iceberg"},
    "iceberg-events": {"sink": "iceberg", "window": "none", "spark_version": "4.0"},
    "iceberg-kubernetes": {
        "sink": "iceberg",
        "join": "static_lookup",
        "platform": "kubernetes",
        "trigger": "available_now",
    },
    "lookup": {"join": "static_lookup"},
    "lookup-events": {"join": "static_lookup", "window": "none", "sink": "kafka"},
    "lookup-deduplicate-session": {
        "join": "static_lookup",
        "state": "deduplicate",
        "window": "session",
        "sink": "console",
        "output_mode": "complete",
    },
    "lookup-other-types": {
        "join": "static_lookup",
        "event_schema": "id BIGINT, at TIMESTAMP, day DATE, day_label STRING, n INT",
        "event_roles": "id=id, time=at, key=day, measure=n",
    },
    "no-measure": {"event_schema": "id STRING, at TIMESTAMP, kind STRING"},
    "no-measure-session": NO_MEASURE | {"window": "session", "sink": "kafka"},
    "no-measure-complete": NO_MEASURE | {"window": "sliding", "output_mode": "complete"},
    "no-measure-custom": NO_MEASURE | {"window": "none", "state": "custom", "sink": "jdbc"},
    "no-measure-left": NO_MEASURE | {"window": "none", "join": "stream_left", "sink": "console"},
    "awkward": awkward.make_events({"source": "kafka", "window": "tumbling", "sink": "delta"}),
    "awkward-events": _awkward(window="none", sink="jdbc"),
    "awkward-iceberg": _awkward(window="none", sink="iceberg", join="stream_left"),
    "awkward-merge": _awkward(window="none", sink="delta_merge"),
    "awkward-custom": _awkward(window="none", state="custom", sink="console", source="files"),
    "awkward-lookup": _awkward(window="session", join="static_lookup", sink="kafka"),
    "awkward-left": _awkward(window="none", join="stream_left", sink="files", source="delta"),
    "in-structs": awkward.IN_STRUCTS,
    "in-structs-merge": awkward.IN_STRUCTS
    | {"window": "none", "sink": "delta_merge", "source": "delta"},
    "in-structs-custom": awkward.IN_STRUCTS | {"window": "none", "state": "custom", "sink": "jdbc"},
    "in-structs-left": awkward.IN_STRUCTS
    | {"window": "none", "join": "stream_left", "sink": "kafka", "source": "delta"},
    "in-structs-lookup": awkward.IN_STRUCTS
    | {"window": "session", "join": "static_lookup", "state": "deduplicate", "source": "files"},
    "columns-300": {"event_schema": MANY},
    "columns-300-events": {"event_schema": MANY, "window": "none", "sink": "kafka"},
    "no-id": {"event_schema": "at TIMESTAMP, kind STRING, price DECIMAL(10,2)"},
    "other-types": {
        "event_schema": "id BIGINT, at TIMESTAMP, day DATE, tags ARRAY<STRING>, n INT",
        "event_roles": "id=id, time=at, key=day, measure=n",
    },
    "wide": {"event_schema": f"event_id STRING, t TIMESTAMP, {WIDE}, amount FLOAT"},
    "long-names": {
        "project_name": "An Exceedingly Long Name of 50 Characters in all.x",
        "event_schema": f"t TIMESTAMP, {'k' * 40} STRING, id STRING, {'m' * 40} DOUBLE",
    },
    "short-names": {"project_name": "Z", "event_schema": "i STRING, t TIMESTAMP, k STRING"},
    "jdbc": {"sink": "jdbc"},
    "jdbc-complete": {
        "sink": "jdbc",
        "output_mode": "complete",
        "project_name": "An Exceedingly Long Name of 50 Characters in all.x",
    },
    "jdbc-events": {"sink": "jdbc", "window": "none", "project_name": "Z"},
    "deduplicate": {"state": "deduplicate"},
    "deduplicate-update": {"state": "deduplicate", "sink": "kafka", "output_mode": "update"},
    "deduplicate-sliding": {
        "state": "deduplicate",
        "window": "sliding",
        "platform": "databricks_serverless",
    },
    "deduplicate-sliding-complete": {
        "state": "deduplicate",
        "window": "sliding",
        "sink": "jdbc",
        "output_mode": "complete",
    },
    "deduplicate-sessions": {"state": "deduplicate", "window": "session"},
    "deduplicate-sessions-complete": {
        "state": "deduplicate",
        "window": "session",
        "output_mode": "complete",
        "platform": "kubernetes",
    },
    "deduplicate-events": {"state": "deduplicate", "window": "none", "sink": "kafka"},
    "deduplicate-merge": {"state": "deduplicate", "window": "none", "sink": "delta_merge"},
    "inner": {"join": "stream_inner"},
    "inner-session": {
        "join": "stream_inner",
        "window": "session",
        "source": "files",
        "sink": "console",
        "trigger": "available_now",
    },
    "inner-update": {
        "join": "stream_inner",
        "window": "none",
        "sink": "jdbc",
        "output_mode": "update",
        "platform": "kubernetes",
    },
    "inner-names": {
        "join": "stream_inner",
        "window": "none",
        "source": "delta",
        "event_schema": "id BIGINT, time TIMESTAMP, value STRING, right_id INT",
        "event_roles": "id=id, time=time, key=value",
    },
    "left": {"join": "stream_left", "window": "none", "source": "delta", "sink": "kafka"},
    "left-serverless": {
        "join": "stream_left",
        "window": "none",
        "source": "auto_loader",
        "platform": "databricks_serverless",
    },
    "custom": {"state": "custom", "window": "none"},
    "custom-update": {
        "state": "custom",
        "window": "none",
        "sink": "jdbc",
        "output_mode": "update",
        "platform": "kubernetes",
    },
    "custom-lookup": {
        "state": "custom",
        "window": "none",
        "join": "static_lookup",
        "sink": "kafka",
        "trigger": "available_now",
    },
    "custom-databricks": {
        "state": "custom",
        "window": "none",
        "platform": "databricks",
        "sink": "delta_merge",
    },
    "custom-serverless": {
        "state": "custom",
        "window": "none",
        "platform": "databricks_serverless",
    },
    "custom-no-id": {
        "state": "custom",
        "window": "none",
        "source": "files",
        "sink": "console",
        "event_schema": "at TIMESTAMP, day DATE, visit_start INT, tags ARRAY<STRING>",
        "event_roles": "time=at, key=day",
    },
    "deduplicate-databricks": {
        "state": "deduplicate",
        "window": "none",
        "platform": "databricks",
        "event_schema": "id BIGINT, at TIMESTAMP, n INT",
        "event_roles": "id=id, time=at",
    },
}


@pytest.fixture(scope="module", name="projects")
def _projects(cookies_session):
    """Provide a project of each variant, baked by cookiecutter."""
    baked = {name: cookies_session.bake(extra_context=given) for name, given in VARIANTS.items()}
    failed = {name: result.exception for name, result in baked.items() if result.exception}
    assert not failed
    return {name: result.project_path for name, result in baked.items()}


def run(*command, cwd=None):
    """Run a Python module of this environment; return its output if it fails, otherwise ""."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("name", VARIANTS)
def test_a_new_project_passes_formatter_and_linter(projects, name):
    """A new project passes its own formatter and linter without any fix."""
    assert run("ruff", "format", "--no-cache", "--check", ".", cwd=projects[name]) == ""
    assert run("ruff", "check", "--no-cache", ".", cwd=projects[name]) == ""


@pytest.fixture(scope="module", name="types_cache")
def _types_cache(tmp_path_factory):
    """Provide a folder in which mypy keeps what it knows of the packages."""
    return tmp_path_factory.mktemp("types")


@pytest.mark.parametrize("name", VARIANTS)
def test_a_new_project_passes_the_type_check(projects, types_cache, name):
    """The types of a new project are strict, without any fix."""
    assert run("mypy", "--cache-dir", types_cache, cwd=projects[name]) == ""


@pytest.mark.parametrize("name", VARIANTS)
def test_every_file_parses(projects, name):
    """Each file with the suffix of Python, TOML, YAML or JSON is valid."""
    readers = {
        ".py": ast.parse,
        ".toml": tomllib.loads,
        ".yml": lambda text: list(yaml.safe_load_all(text)),
        ".yaml": lambda text: list(yaml.safe_load_all(text)),
        ".json": json.loads,
    }
    read = Counter()
    for path, content in examples.read_tree(projects[name]).items():
        suffix = f".{path.rpartition('.')[2]}"
        if suffix in readers:
            readers[suffix](content.decode())
            read[suffix] += 1

    assert read[".py"] > 30
    assert read[".toml"] >= 5


@pytest.mark.parametrize("name", VARIANTS)
def test_a_project_has_no_traces_of_the_template(projects, name):
    """A project has no markup, no empty file or folder, no absolute path and no extra blank lines.

    The libraries are copies, so their own templates keep their markup.
    """
    copies = {projects[name] / path for path in library(examples.ROOT)}
    for path in projects[name].rglob("*"):
        if path.is_dir():
            assert any(path.iterdir()), path
            continue
        text = path.read_text("utf-8")
        if path.name == "py.typed":
            assert text == ""
            continue
        markup = r"\{\{ ?(cookiecutter|job)\b|\{%"
        assert path in copies or not re.search(markup, text), path
        assert str(examples.ROOT) not in text, path
        assert text.strip(), path
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert not text.startswith("\n"), path
        assert "\n\n\n\n" not in text, path


def list_changes(projects, name):
    """Return the files of a variant that differ from the default project, without documents."""
    before, after = examples.read_tree(projects["defaults"]), examples.read_tree(projects[name])
    paths = before.keys() | after.keys()
    return {path for path in paths if before.get(path) != after.get(path) and path[-3:] != ".md"}


def test_a_trigger_changes_only_its_files(projects):
    """Another trigger changes the job, settings, deployment and alerts, and no other code."""
    code = [path for path in list_changes(projects, "available-now") if not path.endswith(".json")]

    assert set(code) == {
        "deploy/stream.service",
        "deploy/stream.timer",
        "deploy/compose.yml",
        "monitoring/alerts.yml",
        "Makefile",
        "conf/base.toml",
        "conf/log4j2.properties",
        "dev/demo.py",
        "dev/spec.py",
        "pyproject.toml",
        "src/clickstream_metrics/job.py",
        "src/clickstream_metrics/settings.py",
        "tests/test_checkpoint.py",
        "tests/test_recovery.py",
    }


def test_a_platform_changes_only_the_deployment(projects):
    """Job, settings and configuration are the same on each platform."""
    assert list_changes(projects, "kubernetes") == {
        "deploy/Dockerfile",
        "deploy/Dockerfile.dockerignore",
        "deploy/application.yml",
        "deploy/compose.yml",
        "deploy/doctor.yml",
        "deploy/stream.service",
        "deploy/submit.sh",
        "monitoring/prometheus.yml",
        "pyproject.toml",
        "tests/test_agent_file.py",
    }


def test_compose_has_the_reference_table_of_a_lookup(projects):
    """The image has no sample data, so the file that conf/dev.toml names is a volume."""
    project = projects["lookup"]
    table = tomllib.loads((project / "conf/dev.toml").read_text("utf-8"))["lookup"]
    compose = yaml.safe_load((project / "deploy/compose.yml").read_text("utf-8"))

    assert (project / table["path"]).is_file()
    assert f"../{table['path']}:/app/{table['path']}:ro" in compose["services"]["job"]["volumes"]


def test_compose_starts_all_that_the_job_waits_for(projects):
    """Each compose.yml has the services that its services depend on."""
    files = [path for folder in projects.values() for path in folder.glob("deploy/compose.yml")]
    for path in files:
        services = yaml.safe_load(path.read_text("utf-8"))["services"]
        waited_for = {
            name for service in services.values() for name in service.get("depends_on", ())
        }

        assert "job" in services
        assert waited_for <= services.keys()
    assert files


def test_each_project_has_a_copy_of_the_packages(projects):
    """With any answers, lib/ has the same bytes as packages/."""
    copies = [
        {
            path: text
            for path, text in examples.read_tree(project).items()
            if path.startswith("lib/")
        }
        for project in projects.values()
    ]
    packages = {path: source.read_bytes() for path, source in library(examples.ROOT).items()}

    assert "lib/stream_runtime/cli.py" in packages
    assert b"{% if" in packages["lib/stream_devkit/report/report.html.jinja"]
    assert all(copied == packages for copied in copies)


def test_examples_are_current(tmp_path):
    """examples/ is what the template generates now; `make examples` updates it."""
    examples.generate(tmp_path)

    committed, fresh = examples.read_tree(examples.FOLDER), examples.read_tree(tmp_path)

    assert sorted(committed) == sorted(fresh)
    assert [path for path in fresh if committed[path] != fresh[path]] == []


def test_two_bakes_are_the_same(tmp_path):
    """A project does not depend on time, random numbers or the machine."""
    first, second = (examples.bake(tmp_path / name) for name in ("first", "second"))

    assert examples.read_tree(first) == examples.read_tree(second)


def test_cruft_makes_the_same_project(user, tmp_path):
    """A project from cruft equals one from cookiecutter, apart from cruft's own file."""
    tracked = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        tracked, cwd=examples.ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    template = user.work / "template"
    for name in listed:
        if not name.startswith("examples/") and (examples.ROOT / name).is_file():
            target = template / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(examples.ROOT / name, target)
    user.commit(template)

    made_by_cruft = user.run("cruft", "create", "--no-input", "template", "--output-dir", "cruft")
    plain = examples.bake(tmp_path / "plain")

    assert made_by_cruft.returncode == 0, made_by_cruft.stdout + made_by_cruft.stderr
    made = examples.read_tree(user.work / "cruft" / "clickstream-metrics")
    assert made.pop(".cruft.json")
    assert made == examples.read_tree(plain)
