"""The lease of a checkpoint: between processes, on a local disk and through Hadoop."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from stream_runtime import lease
from stream_runtime.errors import CheckpointError
from stream_runtime.lease import Lease, is_held
from stream_runtime.storage import HadoopStorage, LocalStorage

SECONDS = 1.5
DRIVER = f"""
import sys, time
from pathlib import Path
from stream_runtime.lease import Lease
from stream_runtime.storage import LocalStorage

mine = Lease(LocalStorage(Path(sys.argv[1])), {SECONDS}, locked=False)
with mine.hold():
    mine.confirm()
    print("holds", flush=True)
    while True:
        mine.require()
        time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Let a start wait for less than a second for another one."""
    monkeypatch.setattr(lease, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(lease, "POLL_SECONDS", 0.05)


@pytest.fixture(name="driver")
def _driver(tmp_path):
    """Yield another process that holds the lease, and end it."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.communicate()


@contextmanager
def take(root, *, locked=False):
    """Hold the lease in this process, as a start does."""
    mine = Lease(root, SECONDS, locked=locked)
    with mine.hold():
        mine.confirm()
        yield


def test_a_released_lease_leaves_nothing(tmp_path):
    """After a clean end the next start does not wait."""
    root = LocalStorage(tmp_path)

    with take(root):
        assert root.names("") == [lease.FILE]

    assert root.names("") == []


@pytest.mark.parametrize("kind", ["local", "hadoop"])
def test_a_second_driver_is_refused(request, tmp_path, driver, kind):
    """A driver that renews its lease keeps it; the refusal names it."""
    local = kind == "local"
    root = LocalStorage(tmp_path) if local else hadoop(request, tmp_path)

    with pytest.raises(CheckpointError, match=rf"process {driver.pid}, runs on this checkpoint"):
        take(root).__enter__()

    assert driver.poll() is None


def test_a_shorter_lease_waits_for_that_of_the_last_driver(tmp_path, driver):
    """A driver renews its lease as often as its own setting says."""
    hasty = Lease(LocalStorage(tmp_path), SECONDS / 10, locked=False)

    with pytest.raises(CheckpointError, match=f"process {driver.pid}, runs on"), hasty.hold():
        hasty.confirm()

    assert driver.poll() is None


@pytest.mark.parametrize("kind", ["local", "hadoop"])
def test_a_suspended_driver_is_replaced(request, tmp_path, driver, kind):
    """A driver that does not renew its lease loses it, and ends when it continues."""
    root = LocalStorage(tmp_path) if kind == "local" else hadoop(request, tmp_path)
    driver.send_signal(signal.SIGSTOP)

    with take(root):
        driver.send_signal(signal.SIGCONT)
        _, said = driver.communicate(timeout=30)

    assert driver.returncode == 1
    assert f"process {os.getpid()}, has taken over the checkpoint" in said


def test_a_dead_driver_is_replaced_after_its_lease(tmp_path, driver):
    """After kill -9 the next start waits for a sign of life, and takes over."""
    driver.kill()
    driver.wait()
    begun = time.monotonic()

    with take(LocalStorage(tmp_path)):
        assert time.monotonic() - begun > SECONDS


def test_a_lock_makes_the_wait_needless(tmp_path, driver, monkeypatch):
    """Where a lock shows that the last driver is dead, its lease is taken at once."""
    driver.kill()
    driver.wait()
    monkeypatch.setattr(lease.time, "sleep", pytest.fail)

    with take(LocalStorage(tmp_path), locked=True):
        pass


def test_of_two_starts_at_the_same_moment_one_goes_on(tmp_path, monkeypatch):
    """Two starts see no other driver: the one that wrote first finds the other, and ends."""
    root = LocalStorage(tmp_path)
    first, second = (Lease(root, SECONDS, locked=False) for _ in range(2))

    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "read", lambda *_: None)
        claims = [start.hold() for start in (first, second)]
        for claim in claims:
            claim.__enter__()

    with pytest.raises(CheckpointError, match="runs on this checkpoint"):
        first.confirm()
    second.confirm()
    for claim in claims:
        claim.__exit__(None, None, None)
    assert root.names("") == []


def test_a_start_waits_for_the_claim_of_another_one(tmp_path):
    """The lease is claimed when a start begins: a second start finds it before it writes."""
    root = LocalStorage(tmp_path)
    first, second = (Lease(root, SECONDS, locked=False) for _ in range(2))

    with first.hold():
        with second.hold(), pytest.raises(CheckpointError, match="runs on this checkpoint"):
            second.confirm()
        first.confirm()


def test_time_that_a_start_needs_is_no_wait(tmp_path, monkeypatch):
    """Other starts show themselves while this one does its work: then it does not sleep."""
    mine = Lease(LocalStorage(tmp_path), SECONDS, locked=False)
    slept = []

    with mine.hold():
        time.sleep(lease.SETTLE_SECONDS)
        monkeypatch.setattr(lease.time, "sleep", slept.append)
        mine.confirm()

    assert slept == [0]


def test_a_start_that_fails_releases_its_claim(tmp_path):
    """A refusal between claim and confirmation leaves no lease for the next start."""
    root = LocalStorage(tmp_path)

    with pytest.raises(ValueError, match="refused"), Lease(root, SECONDS, locked=False).hold():
        raise ValueError("refused")

    assert root.names("") == []


def test_a_damaged_lease_is_of_nobody(tmp_path):
    """A truncated file does not stop a start for longer than the lease."""
    root = LocalStorage(tmp_path)
    root.write(lease.FILE, '{"id": "0a')

    with take(root):
        assert root.names("") == [lease.FILE]


def hadoop(request, folder):
    """Return the folder through Hadoop's file system API."""
    return HadoopStorage(folder.as_uri(), request.getfixturevalue("spark"))


def test_a_renewed_lease_shows_that_its_driver_runs(tmp_path, driver, monkeypatch):
    """A driver that waits for a long batch renews its lease; one that was killed does not."""
    root = LocalStorage(tmp_path)
    assert is_held(root)

    driver.kill()
    driver.wait()
    assert is_held(root)
    monkeypatch.setattr(lease, "SECONDS", 0)
    time.sleep(2 * SECONDS)

    assert not is_held(root)


@pytest.mark.parametrize("text", ["{", "{}", '{"renewed": "now"}', '{"renewed": 1, "seconds": ""}'])
def test_a_damaged_lease_shows_no_driver(tmp_path, text):
    """Nothing is known of its driver."""
    root = LocalStorage(tmp_path)
    assert not is_held(root)

    root.write(lease.FILE, text)

    assert not is_held(root)
