"""The messages of old versions of cookiecutter, each in a virtual environment of its own."""

import subprocess
import sys

import pytest
from machine import ROOT

pytestmark = pytest.mark.long


@pytest.fixture(name="old")
def _old(request, user):
    """Install cookiecutter in the version of the parameter; provide its path."""
    tools = user.home / "tools"
    subprocess.run([sys.executable, "-m", "venv", tools], check=True)
    pip = [str(tools / "bin/python"), "-m", "pip", "-q", "install"]
    subprocess.run([*pip, f"cookiecutter=={request.param}"], check=True)
    return str(tools / "bin/cookiecutter")


@pytest.mark.parametrize(
    ("old", "words"),
    [
        ("1.7.3", "Unable to load extension"),
        ("2.1.1", "This template needs cookiecutter 2.2.3 or newer on Python 3.11 or newer."),
    ],
    indirect=["old"],
)
def test_an_old_cookiecutter_is_reported_and_writes_nothing(user, old, words):
    """An old cookiecutter ends with one line and writes no file.

    The line of 1.7.3 is cookiecutter's own; the README explains it.
    """
    done = user.run(old, "--no-input", str(ROOT))

    assert done.returncode == 1
    output = done.stdout + done.stderr
    assert words in output
    assert len(output.splitlines()) == 1
    assert user.list_work() == []


@pytest.mark.parametrize("old", ["2.2.3"], indirect=True)
def test_the_oldest_supported_cookiecutter_makes_the_project(user, old):
    """The oldest version that the README names generates the project."""
    done = user.run(old, "--no-input", str(ROOT))

    assert done.returncode == 0, done.stderr
    assert user.list_work() == ["clickstream-metrics"]
