"""The check of `make clean`: nothing that a running process uses is removed."""

import subprocess
import sys

import pytest
from filelock import FileLock
from stream_devkit import in_use

SCRIPT = [sys.executable, "-S", in_use.__file__]


@pytest.mark.parametrize("name", ["dev/checkpoint/lock", "servers/broker.lock"])
def test_a_folder_in_use_is_named(tmp_path, name):
    """The lock of a job or of a server is named, as long as a process has it."""
    lock = tmp_path / name
    lock.parent.mkdir(parents=True)
    with FileLock(lock):
        used = subprocess.run([*SCRIPT, tmp_path], check=False, capture_output=True, text=True)
    free = subprocess.run([*SCRIPT, tmp_path], check=False, capture_output=True, text=True)

    assert used.returncode == in_use.ENVIRONMENT_PROBLEM
    assert str(lock) in used.stderr
    assert (free.returncode, free.stderr) == (0, "")


def test_a_missing_folder_is_not_in_use(tmp_path):
    """Before the first run there is nothing to remove."""
    run = subprocess.run([*SCRIPT, tmp_path / "build"], check=False, capture_output=True)

    assert run.returncode == 0
