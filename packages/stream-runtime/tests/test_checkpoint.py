"""When a start may use a checkpoint, and what is read of Spark's own logs in it."""

import json
import os
import subprocess
import sys

import pytest
from stream_runtime import checkpoint
from stream_runtime.errors import CheckpointError
from stream_runtime.storage import HadoopStorage, LocalStorage


def test_the_first_start_makes_the_contract(tmp_path):
    """The contract is written once; the same query is admitted again, under the same epoch."""
    root = LocalStorage(tmp_path)

    first = checkpoint.admit(root, {"window": "5 minutes"}, owner=None)

    assert checkpoint.admit(root, {"window": "5 minutes"}, owner=first.epoch) == first


def test_another_query_is_refused(tmp_path):
    """The refusal says what changed and how to migrate, and leaves the contract alone."""
    root = LocalStorage(tmp_path)
    checkpoint.admit(root, {"window": "5 minutes"}, owner=None)
    written = root.read(checkpoint.CONTRACT)

    with pytest.raises(CheckpointError, match=r"window: 5 minutes -> 1 hour(?s:.)*migrate"):
        checkpoint.admit(root, {"window": "1 hour"}, owner=None)

    assert root.read(checkpoint.CONTRACT) == written


def test_facts_that_come_or_go_are_differences():
    """As well as those that change; equal facts are none."""
    before, now = {"a": "1", "b": "1", "c": "1"}, {"b": "1", "c": "2", "d": "1"}

    told = checkpoint.differences(before, now)

    assert told == ["a: 1 -> none", "c: 1 -> 2", "d: none -> 1"]


def test_a_checkpoint_without_a_contract_is_refused(tmp_path):
    """Batches of unknown origin are not continued."""
    root = LocalStorage(tmp_path)
    root.write("stream/offsets/0", "v1")

    with pytest.raises(CheckpointError, match="nothing says which query they are of"):
        checkpoint.admit(root, {}, owner=None)


@pytest.mark.parametrize("contract", ["none", "another"])
def test_a_result_of_another_epoch_is_refused(tmp_path, contract):
    """A target with rows, under a checkpoint that did not write them, is left alone."""
    root = LocalStorage(tmp_path)
    if contract == "another":
        checkpoint.admit(root, {}, owner=None)
    written = root.names("")

    with pytest.raises(CheckpointError, match="would add all rows again"):
        checkpoint.admit(root, {}, owner="0123456789ab")

    assert root.names("") == written


def test_sparks_log_is_read(tmp_path):
    """The last committed batch, the one that a start would replay, and the offsets of each."""
    root = LocalStorage(tmp_path)
    for batch in (9, 10, 11):
        offsets = json.dumps({"topic": {"0": batch}})
        root.write(f"stream/offsets/{batch}", "\n".join(["v1", "metadata", offsets]))
    for batch in (9, 10):
        root.write(f"stream/commits/{batch}", "v1")

    assert checkpoint.committed(root) == 10
    assert checkpoint.planned(root) == 11
    assert checkpoint.offsets(root, 10) == ['{"topic": {"0": 10}}']
    assert checkpoint.offsets(root, 8) == []


def test_one_driver_at_a_time(tmp_path):
    """A second process on the same checkpoint is refused before it reads anything."""
    module = checkpoint.__name__
    code = f"from {module} import sole_driver\nwith sole_driver({str(tmp_path)!r}): pass"
    start = [sys.executable, "-c", code]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    with checkpoint.sole_driver(str(tmp_path)):
        second = subprocess.run(start, env=paths, capture_output=True, text=True, check=False)

    assert second.returncode == 1
    assert "Another process runs on" in second.stderr
    assert subprocess.run(start, env=paths, check=False).returncode == 0


@pytest.mark.parametrize("kind", ["local", "hadoop"])
def test_storage(spark, tmp_path, kind):
    """Both kinds of storage replace a file whole, list what is visible, and forgive absence."""
    root = LocalStorage(tmp_path) if kind == "local" else HadoopStorage(tmp_path.as_uri(), spark)

    assert root.read("a/b") is None
    assert root.names("a") == []
    root.write("a/b", "one")
    root.write("a/b", "two \N{SNOWMAN}")
    assert root.read("a/b") == "two \N{SNOWMAN}"
    assert root.names("a") == ["b"]
    root.remove("a/b")
    root.remove("a/b")
    assert root.names("a") == []
