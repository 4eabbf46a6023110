"""How Databricks starts the job: a file, settings in a secret scope, and the exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from {{ cookiecutter.__package }}.job import JOB

ROOT = Path(__file__).parents[1]
STAND_IN = """
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
    """Run deploy/main.py in another folder, beside a stand-in for Databricks' own module."""
    runtime = tmp_path / "databricks/sdk/runtime.py"
    runtime.parent.mkdir(parents=True)

    def start(scopes, *arguments, before=""):
        runtime.write_text(f"{before}\nSCOPES = {scopes!r}\n{STAND_IN}", "utf-8")
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
    """Each secret of the job's own scope is a setting; those of other scopes are not."""
    scopes = {JOB.name: {"STREAM__STATE__PARTITIONS": "many"}, "other": {"STREAM__X": "secret"}}

    done = start(scopes, "stop")

    assert done.returncode == 2
    assert "STREAM__STATE__PARTITIONS: state.partitions = 'many'" in done.stderr
    assert "STREAM__X" not in done.stderr


def test_without_secrets_and_without_an_exit(start):
    """No scope is needed; and what went well does not exit, which would count as a failure."""
    done = start({"other": {}}, "stop", before="import sys; sys.exit = None")

    assert done.returncode == 0, done.stderr
    assert "to end after its running batch" in done.stderr
