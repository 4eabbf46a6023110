"""The commands of a generated project: make demo, make test, make check, and others of its README.

The tests use a real virtual environment with pinned packages, jars, a Kafka broker and Spark.
"""

import json
import re
import shutil
import sys

import pytest

from tests.project import Project
from tests.readme import clone, open_shell

pytestmark = pytest.mark.life


# The commands of the generated README that other tests in this file run.
RUN_BY_OTHER_TESTS = {"make check", "make demo", "make test"}
# The commands of a day, in their order.
DAY = (
    *("make servers", "make produce", "make run", "make show", "make status", "make stop"),
    "make clean",
)


@pytest.fixture(scope="module", name="clone")
def _clone(tmp_path_factory):
    """Provide a clone of the template and an empty home; the path has a space and "ö"."""
    folder = tmp_path_factory.mktemp("clone")
    return open_shell(clone(folder / "a b" / "größe" / "stream-template"), folder / "home")


@pytest.fixture(scope="module", name="default")
def _default(clone):
    """Provide the project that `make demo` of the template generates and runs."""
    code, output = clone.run(sys.executable, "-m", "tests.demo", "build")
    assert code == 0, output
    return Project(clone.folder / "build/clickstream-metrics", **clone.variables)


@pytest.fixture(name="copy")
def _copy(default, tmp_path):
    """Provide a copy of the default project that a test may change."""
    ignored = shutil.ignore_patterns(".venv", ".jars", "build")
    return Project(shutil.copytree(default.folder, tmp_path / "copy", ignore=ignored))


def test_make_check(default):
    """A new project passes its own formatter, linter and strict type check."""
    code, output = default.run("make", "check")

    assert code == 0, output


@pytest.mark.parametrize("time", ["first", "second"])
def test_make_demo(clone, default, time):  # noqa: ARG001 - the same each time
    """The template's demo is exact, also the second time, and leaves no process running."""
    code, output = clone.run("make", "demo")

    assert code == 0, output
    summary = json.loads((default.folder / "build/demo/summary.json").read_text("utf-8"))
    parts = ("counted_rows", "open_rows", "late_rows", "quarantined_rows")
    assert summary["verdict"] == "exact"
    assert summary["input_rows"] == sum(summary[part] for part in parts) > 10_000
    assert all(summary[part] > 0 for part in parts)
    assert (default.folder / "build/demo/report.html").stat().st_size > 10_000
    _, running = default.run("ps", "-eo", "args")
    assert str(default.folder / "build/demo") not in running


def test_make_test(default):
    """The project's own tests pass, among them those with a real broker and a killed job."""
    code, output = default.run("make", "test")

    assert code == 0, output
    assert "skipped" not in output


def test_two_days_with_its_readme(default):
    """The commands of a project's README work in their order, on the first day and on the second.

    In between, all servers and the job end. On the second day the job continues: it reads each
    record once, and the results of the first day are still there. `events.ndjson` has events of
    the user. `deploy/submit.sh` needs a cluster, so it does not run here.
    """
    text = (default.folder / "README.md").read_text("utf-8")
    table = text.partition("## Commands")[2].partition("\n## ")[0]
    commands = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    others = [command for command in commands if command not in (*DAY, *RUN_BY_OTHER_TESTS)]
    event = '{"event_id": "1", "event_time": "2026-03-01T10:00:00Z", "event_type": "view"}\n'
    (default.folder / "events.ndjson").write_text(event, "utf-8")
    metrics = default.folder / "build/dev/metrics.jsonl"

    assert [command for command in commands if command in DAY] == list(DAY)
    assert others.pop().startswith("deploy/submit.sh")
    for _ in range(2):
        with default.run_in_background("make servers", "Kafka answers"):
            # It sends what the job has not read yet, so each run has at least one batch.
            sent = _count(_successful(default, "make produce"))
            with default.run_in_background("make run", " rows in ") as job:
                _successful(default, "make produce")
                assert "runs since" in _successful(default, "make status")
                shown = _successful(default, "make show")
                assert "Quarantine" in shown
                _successful(default, "make stop")
                assert job.wait() == 0
            for command in others:
                _successful(default, command)
            code, output = default.run("make", "clean")
            assert code != 0, output
            assert "End it first" in output
        batches = _read_batches(metrics)
        assert max(batches.values()) >= sent
    assert "does not run: it ended with exit code 0" in _successful(default, "make status")
    offsets = sorted(default.folder.glob("build/dev/checkpoint/stream/offsets/[0-9]*"))
    newest = max(offsets, key=lambda path: int(path.name)).read_text("utf-8").splitlines()[-1]
    (ends,) = json.loads(newest).values()
    assert sum(batches.values()) == sum(ends.values())
    _successful(default, "make clean")
    assert not (default.folder / "build").exists()
    (default.folder / "events.ndjson").unlink()


def _successful(project, command):
    """Run a command of a README, and return its output."""
    code, output = project.run("sh", "-c", command)
    assert code == 0, f"{command}\n{output}"
    return output


def _count(output):
    """Return the number of records that `make produce` says it has sent."""
    return int(re.search(r"sent ([\d,]+) records", output)[1].replace(",", ""))


def _read_batches(metrics):
    """Return the number of records that each batch has read."""
    lines = [json.loads(line) for line in metrics.read_text("utf-8").splitlines()]
    return {line["batch_id"]: line["input_rows"] for line in lines if line["event"] == "batch"}


@pytest.mark.parametrize(
    ("name", "old", "new", "test"),
    [
        ("window.py", 'F.count("*")', "F.count_distinct(schema.KEY)", "test_transform.py"),
        ("window.py", "window.duration)", '"7 minutes")', "test_stream.py"),
        ("transform.py", "settings.watermark.delay", '"1 second"', "test_stream.py"),
    ],
)
def test_an_error_in_a_project_fails_its_tests(default, copy, name, old, new, test):
    """The tests of a project can fail: they find an error in its window or transform."""
    copy.edit(f"src/clickstream_metrics/{name}", old, new)
    (copy.folder / ".jars").symlink_to(default.folder / ".jars")
    python = str(default.folder / ".venv/bin/python")

    code, output = copy.run(python, "-m", "pytest", "-x", f"tests/{test}", PYTHONPATH="src:lib")

    assert code == 1, output
    assert "AssertionError" in output


def test_a_missing_java_is_reported(default):
    """On a machine without Java, `make demo` prints one line with the required version."""
    code, output = default.run("make", "demo", JAVA_HOME="/nowhere")

    assert code != 0
    assert "Java 17 or newer is needed" in output
    assert "Traceback" not in output
