"""A test that blocks ends its run, in the template and in generated projects."""

import subprocess
import sys

import pytest

from tests.examples import ROOT, bake

DEFAULT_SECONDS = 600
BLOCKING = """\
import threading
from pathlib import Path

def test_that_blocks():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()

def test_that_follows():
    Path("followed").touch()
"""


@pytest.mark.parametrize("generated", [False, True], ids=["template", "project"])
def test_a_test_that_blocks_ends_its_run(generated, tmp_path):
    """It says where it blocks, and no other test runs in the same process."""
    configured = bake(tmp_path, hooks=False) if generated else ROOT
    settings = (configured / "pyproject.toml").read_text("utf-8")
    assert settings.count("\ntimeout = 600\n") == 1
    folder = tmp_path / "blocking"
    folder.mkdir()
    short = settings.replace("timeout = 600", "timeout = 1")
    (folder / "pyproject.toml").write_text(short, "utf-8")
    (folder / "test_blocking.py").write_text(BLOCKING, "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "test_blocking.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "in test_that_blocks" in done.stdout
    assert not (folder / "followed").exists()


def test_tests_that_start_spark_have_more_time(request):
    """Whatever starts Spark or a whole project has more than the default, and nothing else has."""
    for item in request.session.items:
        long = any(item.get_closest_marker(mark) for mark in ("life", "spark"))
        limit = item.get_closest_marker("timeout")
        assert (limit is not None and limit.args[0] > DEFAULT_SECONDS) == long
