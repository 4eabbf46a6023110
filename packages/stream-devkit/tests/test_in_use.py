"""The check of `make clean`: nothing that a running process uses is removed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from stream_devkit import in_use

LIBRARY = Path(in_use.__file__).parents[1]


def look(folder):
    """Return the finished check of a folder, in a Python without installed packages."""
    command = [sys.executable, "-S", "-m", in_use.__name__, folder]
    environment = os.environ | {"PYTHONPATH": str(LIBRARY)}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("name", ["dev/checkpoint/lock", "servers/broker.lock"])
def test_a_folder_in_use_is_named(tmp_path, name):
    """The lock of a job or of a server is named, as long as a process has it."""
    lock = tmp_path / name
    lock.parent.mkdir(parents=True)
    with FileLock(lock):
        used = look(tmp_path)
    free = look(tmp_path)

    assert used.returncode == in_use.ENVIRONMENT_PROBLEM
    assert str(lock) in used.stderr
    assert (free.returncode, free.stderr) == (0, "")


def test_a_missing_folder_is_not_in_use(tmp_path):
    """Before the first run there is nothing to remove."""
    assert look(tmp_path / "build").returncode == 0
