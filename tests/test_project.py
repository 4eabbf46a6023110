"""The commands of a generated project: make demo, make test, make check, and others of its README.

The tests use a real virtual environment with pinned packages, jars, a Kafka broker and Spark.
"""

import json
import re
import shutil
import sys

import pytest

from tests.days import live_two_days
from tests.examples import ROOT
from tests.project import Project
from tests.readme import clone, open_shell

pytestmark = pytest.mark.life


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
    """The demo is exact and says what README.md quotes, twice; it leaves no process running."""
    code, output = clone.run("make", "demo")

    assert code == 0, output
    quoted = re.findall("\N{CHECK MARK} .*", (ROOT / "README.md").read_text("utf-8"))
    assert len(quoted) == 3
    assert all(line in output for line in quoted)
    summary = json.loads((default.folder / "build/demo/summary.json").read_text("utf-8"))
    parts = ("counted_rows", "open_rows", "late_rows", "invalid_rows")
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
    """The commands of a project's README work on the first day and on the second."""
    live_two_days(default)


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
