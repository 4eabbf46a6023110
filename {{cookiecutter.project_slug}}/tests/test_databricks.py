"""The start of the job on Databricks: its file, settings in a secret scope, exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from {{ cookiecutter.__package }}.job import JOB

ROOT = Path(__file__).parents[1]
TEST_DOUBLE = """
from types import SimpleNamespace


class Secrets:
    def listScopes(self):
        return [SimpleNamespace(name=name) for name in SCOPES]

    def list(self, scope):
        return [SimpleNamespace(key=key) for key in SCOPES[scope]]

    def get(self, scope, key):
        return SCOPES[scope][key]


dbutils = SimpleNamespace(secrets=Secrets())
"""


@pytest.fixture(name="start")
def _start(tmp_path):
    """Return a function that runs deploy/main.py with a test double of Databricks' module."""
    runtime = tmp_path / "databricks/sdk/runtime.py"
    runtime.parent.mkdir(parents=True)

    def start(scopes, *arguments, before=""):
        runtime.write_text(f"{before}\nSCOPES = {scopes!r}\n{TEST_DOUBLE}", "utf-8")
        command = [sys.executable, str(ROOT / "deploy/main.py"), *arguments]
        path = os.pathsep.join(map(str, [tmp_path, ROOT / "src", ROOT / "lib"]))
        return subprocess.run(
            [*command, "--conf", str(ROOT / "conf")],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    return start


def test_secrets_are_settings(start):
    """Each secret of the environment's scope is a setting; secrets of other scopes are not."""
    scopes = {
        f"{JOB.name}-dev": {"STREAM__STATE__PARTITIONS": "many"},
        f"{JOB.name}-prod": {"STREAM__X": "secret"},
    }

    done = start(scopes, "stop", "--env", "dev")

    assert done.returncode == 2
    assert "STREAM__STATE__PARTITIONS: state.partitions: Input should be a" in done.stderr
    assert "many" not in done.stderr
    assert "STREAM__X" not in done.stderr


def test_a_success_needs_no_scope_and_does_not_exit(start):
    """The job needs no scope, and a successful command does not call `sys.exit`."""
    done = start({"other": {}}, "stop", before="import sys; sys.exit = None")

    assert done.returncode == 0, done.stderr
    assert "there is nothing to stop" in done.stderr
