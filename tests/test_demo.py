"""`make demo` of the template generates its project again and keeps all edits."""

import shutil
import subprocess
import sys

import pytest
from machine import COPIED, TOP

from tests.examples import ROOT, read_tree


@pytest.fixture(name="own")
def _own(template, tmp_path):
    """A copy of the template that a test may change."""
    copy = shutil.copytree(template, tmp_path / "template")
    (copy / "tests").mkdir()
    shutil.copyfile(ROOT / "tests/demo.py", copy / "tests/demo.py")
    return copy


@pytest.fixture(name="project")
def _project(own):
    """The project of a first run, with what it then sets up."""
    _generate(own)
    project = own / "build/clickstream-metrics"
    for name in (".venv", ".jars", "build"):
        (project / name).mkdir()
        (project / name / "costly").write_text("yes", "utf-8")
    return project


def _generate(own):
    """Do what `make demo` does first; what it says."""
    command = [sys.executable, "-m", "tests.demo", "build"]
    done = subprocess.run(command, cwd=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def _left(project):
    return sorted(path.name for path in project.parent.iterdir())


def test_a_second_run_changes_nothing(own, project):
    """The same files, with the same times: nothing is installed or fetched again."""
    before = read_tree(project), (project / "pyproject.toml").stat().st_mtime_ns

    _generate(own)

    assert (read_tree(project), (project / "pyproject.toml").stat().st_mtime_ns) == before
    assert _left(project) == ["clickstream-metrics"]


def test_an_edited_project_is_kept(own, project):
    """The edit is in the folder that the message names, and the new project is the template's."""
    edited = project / "lib/stream_runtime/copied.py"
    generated = edited.read_text("utf-8")
    edited.write_text("MINE = 1\n", "utf-8")
    installed = (project / "pyproject.toml").stat().st_mtime_ns

    said = _generate(own)

    kept = project.with_name("clickstream-metrics.1")
    assert f"kept as {kept.relative_to(own)}" in said
    assert (kept / edited.relative_to(project)).read_text("utf-8") == "MINE = 1\n"
    assert edited.read_text("utf-8") == generated
    assert (project / ".venv/costly").is_file()
    assert (project / ".jars/costly").is_file()
    assert (project / "pyproject.toml").stat().st_mtime_ns == installed


def test_a_changed_template_gives_a_new_project(own, project):
    """It is not mixed with the old one; new pins are newer than what is installed."""
    installed = (project / "pyproject.toml").stat().st_mtime_ns
    for name in (f"{TOP}/pyproject.toml", COPIED):
        file = own / name
        file.write_text("# New.\n" + file.read_text("utf-8"), "utf-8")

    _generate(own)

    assert (project / "lib/stream_runtime/copied.py").read_text("utf-8")[:6] == "# New."
    assert (project / "pyproject.toml").stat().st_mtime_ns > installed
    assert (project / ".venv/costly").is_file()


def test_an_interrupted_run_is_completed(own, project):
    """After an interrupted run the next one completes the project."""
    whole = read_tree(project)
    (project.parent / "fresh/clickstream-metrics").mkdir(parents=True)
    (project / "pyproject.toml").unlink()
    project.with_name("clickstream-metrics.1").mkdir()

    _generate(own)

    made = read_tree(project)
    assert {name: made[name] for name in whole if not name.startswith("build/")} == {
        name: text for name, text in whole.items() if not name.startswith("build/")
    }
    assert _left(project) == [
        "clickstream-metrics",
        "clickstream-metrics.1",
        "clickstream-metrics.2",
    ]
