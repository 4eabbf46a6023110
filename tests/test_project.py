"""Generated projects, used as their owners use them: their own make demo, test and check.

What runs here is real: a virtual environment with pinned packages, jars, a Kafka broker, Spark.
"""

import json
import re
import shutil
import sys

import pytest

from tests.project import Project
from tests.readme import clone, newcomer

pytestmark = pytest.mark.life


# The commands of the generated README that a test of their own runs here.
ELSEWHERE = {"make check", "make demo", "make test"}


@pytest.fixture(scope="module", name="clone")
def _clone(tmp_path_factory):
    """The template, just cloned into a path with a space and other letters; an empty home."""
    folder = tmp_path_factory.mktemp("clone")
    return newcomer(clone(folder / "a b" / "größe" / "stream-template"), folder / "home")


@pytest.fixture(scope="module", name="default")
def _default(clone):
    """The project that `make demo` of the template generates and runs."""
    code, said = clone.run(sys.executable, "-m", "tests.demo", "build")
    assert code == 0, said
    return Project(clone.folder / "build/clickstream-metrics", **clone.variables)


@pytest.fixture(name="copy")
def _copy(default, tmp_path):
    """A copy of the default project that a test may spoil."""
    ignored = shutil.ignore_patterns(".venv", ".jars", "build")
    return Project(shutil.copytree(default.folder, tmp_path / "copy", ignore=ignored))


def test_make_check(default):
    """Fresh output is clean under its own formatter, linter and strict types."""
    code, said = default.run("make", "check")

    assert code == 0, said


@pytest.mark.parametrize("time", ["first", "second"])
def test_make_demo(clone, default, time):  # noqa: ARG001 - the same each time
    """The template's demo is exact, and again so the second time; nothing is left running."""
    code, said = clone.run("make", "demo")

    assert code == 0, said
    summary = json.loads((default.folder / "build/demo/summary.json").read_text("utf-8"))
    parts = ("counted_rows", "open_rows", "late_rows", "quarantined_rows")
    assert summary["verdict"] == "exact"
    assert summary["input_rows"] == sum(summary[part] for part in parts) > 10_000
    assert all(summary[part] > 0 for part in parts)
    assert (default.folder / "build/demo/report.html").stat().st_size > 10_000
    _, running = default.run("ps", "-eo", "args")
    assert str(default.folder / "build/demo") not in running


def test_make_test(default):
    """The project's own tests pass: units, streams, a real broker, a real kill."""
    code, said = default.run("make", "test")

    assert code == 0, said
    assert "skipped" not in said


def test_the_commands_of_its_readme(default):
    """They work in their order, each twice; those that stay are ended as the README says.

    `events.ndjson` is a file of one's own, and `deploy/submit.sh` needs a cluster.
    """
    text = (default.folder / "README.md").read_text("utf-8")
    table = text.partition("## Commands")[2].partition("\n## ")[0]
    broker, run, stop, *others, submit = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    event = '{"event_id": "1", "event_time": "2026-03-01T10:00:00Z", "event_type": "view"}\n'
    (default.folder / "events.ndjson").write_text(event, "utf-8")

    assert (run, stop, submit.split()[0]) == ("make run", "make stop", "deploy/submit.sh")
    assert any("doctor" in command for command in others)
    with default.staying(broker, "Kafka answers"):
        for _ in range(2):
            with default.staying(run, "make stop") as job:
                assert default.run("sh", "-c", stop)[0] == 0
                assert job.wait() == 0
        for command in [command for command in others if command not in ELSEWHERE] * 2:
            code, said = default.run("sh", "-c", command)
            assert code == 0, f"{command}\n{said}"
    (default.folder / "events.ndjson").unlink()


@pytest.mark.parametrize(
    ("name", "old", "new", "test"),
    [
        ("window.py", 'F.count("*")', "F.count_distinct(schema.KEY)", "test_transform.py"),
        ("window.py", "window.duration)", '"7 minutes")', "test_stream.py"),
        ("transform.py", "settings.watermark.delay", '"1 second"', "test_stream.py"),
    ],
)
def test_an_error_in_a_project_fails_its_tests(default, copy, name, old, new, test):
    """The generated tests fail if an error is put into the project."""
    copy.edit(f"src/clickstream_metrics/{name}", old, new)
    (copy.folder / ".jars").symlink_to(default.folder / ".jars")
    python = str(default.folder / ".venv/bin/python")

    code, said = copy.run(python, "-m", "pytest", "-x", f"tests/{test}", PYTHONPATH="src:lib")

    assert code == 1, said
    assert "AssertionError" in said


def test_without_java(default):
    """A machine without Java gets one clear line, and nothing else happens."""
    code, said = default.run("make", "demo", JAVA_HOME="/nowhere")

    assert code != 0
    assert "Java 17 or newer is needed" in said
    assert "Traceback" not in said
