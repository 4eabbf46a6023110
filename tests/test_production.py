"""A job in production needs neither the test oracle nor the devkit."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import stream_runtime
from stream_runtime.cli import main

from tests.examples import bake
from tests.matrix import import_project

PACKAGE = "in_production"
BROKEN = "import not_there\n"


@pytest.fixture(scope="module", name="project")
def _project(tmp_path_factory):
    """A project from files to files, which needs no server."""
    answers = {"source": "files", "sink": "files", "window": "none", "trigger": "available_now"}
    slug = PACKAGE.replace("_", "-")
    project = bake(tmp_path_factory.mktemp("project"), hooks=False, project_slug=slug, **answers)
    (project / "tests/oracle.py").write_text(BROKEN, "utf-8")
    return project


@pytest.fixture(name="options")
def _options(project, tmp_path, monkeypatch):
    """The options of a command in the project's root, with one event in the source."""
    monkeypatch.chdir(project)
    (tmp_path / "source").mkdir()
    fields = {"event_id": "1", "event_time": "2026-01-01T00:00:00Z", "event_type": "a"}
    (tmp_path / "source/events.ndjson").write_text(json.dumps(fields) + "\n", "utf-8")
    overrides = {
        "source.path": tmp_path / "source",
        "sink.path": tmp_path / "result",
        "checkpoint.root": tmp_path / "checkpoint",
        "quarantine.path": tmp_path / "quarantine",
        "metrics.log": tmp_path / "metrics.ndjson",
        # With this platform the job uses the active session.
        "session.platform": "databricks",
        "state.partitions": 1,
    }
    return [f"--set={key}={value}" for key, value in overrides.items()]


@pytest.fixture(name="no_devkit")
def _no_devkit(monkeypatch):
    """An environment without the devkit: Python refuses to import what is None."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "stream_devkit"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "stream_devkit", None)


def _run_main(arguments, monkeypatch):
    """Run `python -m <package>` and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["main", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(PACKAGE, run_name="__main__", alter_sys=True)
    return ended.value.code


@pytest.mark.life
@pytest.mark.usefixtures("spark", "no_devkit")
def test_commands_need_no_oracle(project, options, tmp_path, monkeypatch):
    """Without the devkit, and with an oracle that cannot be imported, each command works."""
    with import_project(project, PACKAGE):
        codes = {
            command: _run_main([command, *options], monkeypatch)
            for command in ("create", "doctor", "run", "status", "stop")
        }

    assert codes == dict.fromkeys(codes, 0)
    assert list((tmp_path / "result").glob("*.parquet"))
    assert (tmp_path / "checkpoint/status.json").exists()


def _run_file(load, options, tmp_path):
    arguments = ["--input", str(tmp_path / "events.ndjson"), "--output", str(tmp_path / "out")]
    return main(load(".job").JOB, ["run", *arguments, *options])


def test_a_failing_oracle_ends_a_file_run(project, options, tmp_path, capsys):
    """The message names the oracle, the reason and what to do."""
    with import_project(project, PACKAGE) as load:
        assert _run_file(load, options, tmp_path) == 2

    said = capsys.readouterr().err
    assert f"module tests.oracle in {project}, which cannot be imported: No module named" in said
    assert "'not_there'. Correct it, or run the command in a checkout" in said


def test_an_installed_job_has_no_file_run(project, options, tmp_path):
    """A wheel has no tests, so a file run says where it works."""
    installed = tmp_path / "site-packages"
    for package in (project / "src" / PACKAGE, Path(stream_runtime.__file__).parent):
        shutil.copytree(package, installed / package.name)
    shutil.copytree(project / "conf", tmp_path / "conf")
    files = ["--input", "events.ndjson", "--output", "out"]
    command = [sys.executable, "-m", PACKAGE, "run", *files, *options]
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("error: --input compares the result with the test oracle")
    assert f"module tests.oracle in {tmp_path}, which cannot be imported" in done.stderr


@pytest.mark.usefixtures("no_devkit")
def test_a_file_run_needs_the_devkit(project, options, tmp_path, capsys):
    """Without lib/stream_devkit the message names the missing package."""
    with import_project(project, PACKAGE) as load:
        assert _run_file(load, options, tmp_path) == 2

    said = capsys.readouterr().err
    assert "which cannot be imported" in said
    assert "stream_devkit" in said
