"""What an old cookiecutter says, each in an environment of its own."""

import subprocess
import sys

import pytest
from machine import ROOT

pytestmark = pytest.mark.long


@pytest.fixture(name="old")
def _old(request, user):
    """The cookiecutter of that version."""
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
def test_an_old_cookiecutter_says_so_and_writes_nothing(user, old, words):
    """One line, and no half-made project. What 1.7.3 says is not ours: the README explains it."""
    done = user.run(old, "--no-input", str(ROOT))

    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert words in said
    assert len(said.splitlines()) == 1
    assert user.left() == []


@pytest.mark.parametrize("old", ["2.2.3"], indirect=True)
def test_the_oldest_cookiecutter_makes_the_project(user, old):
    """The least version that the README names works."""
    done = user.run(old, "--no-input", str(ROOT))

    assert done.returncode == 0, done.stderr
    assert user.left() == ["clickstream-metrics"]
