"""Which changes a checkpoint survives, and which it refuses."""

import json
import subprocess
import sys

import pytest
from pyspark.sql import functions as F
from stream_runtime import checkpoint
from stream_runtime.errors import CheckpointError
from stream_runtime.names import quote
from stream_runtime.run import shape
from stream_runtime.storage import (
    HadoopStorage,
    LocalStorage,
)

from clickstream_metrics import job
from clickstream_metrics.schema import EVENT


def current(spark, settings):
    """What a checkpoint of the job would be bound to now."""
    return shape(job, job.result(job.read(spark, settings), settings), settings)


@pytest.mark.parametrize(
    ("override", "fact"),
    [
        ("window.duration=1 hour", "window"),
        ("watermark.delay=1 hour", "EventTimeWatermark"),
        ("state.partitions=7", "state_partitions"),
        ("state.store=rocksdb", "state_store"),
        ("source.topic=elsewhere", "source"),
    ],
)
def test_frozen_settings(spark, make_settings, override, fact):
    """A setting that Spark freezes, or misreads in silence, needs a new checkpoint."""
    before, after = current(spark, make_settings()), current(spark, make_settings(override))

    changed = checkpoint.differences(before, after)

    assert [line.partition(":")[0] for line in changed] == [fact]


@pytest.mark.parametrize(
    "override",
    [
        "source.max_offsets_per_trigger=5",
        "trigger.interval=1 hour",
        "events.max_ahead=2 days",
        "lifecycle.attempts=9",
        "metrics.port=0",
    ],
)
def test_free_settings(spark, make_settings, override):
    """A setting that says how fast, how often or how loud leaves the checkpoint as it is."""
    before, after = current(spark, make_settings()), current(spark, make_settings(override))

    assert checkpoint.differences(before, after) == []


def test_an_edit_before_the_state_is_free(spark, settings, monkeypatch):
    """A filter before the state leaves the meaning of the state as it is."""
    before, right = current(spark, settings), job.transform
    some = F.col(quote(EVENT.time)) > "2020-01-01"
    monkeypatch.setattr(job, "transform", lambda events, *more: right(events.where(some), *more))

    assert checkpoint.differences(before, current(spark, settings)) == []


def test_an_edit_of_the_state_is_noticed(spark, settings, monkeypatch):
    """Spark would read the old state as what the new code computes; here it shows."""
    before, right = current(spark, settings), job.transform
    monkeypatch.setattr(job, "transform", lambda *given: right(*given).groupBy().count())

    changes = checkpoint.differences(before, current(spark, settings))

    assert [change.partition(":")[0] for change in changes] == ["Aggregate", "result"]


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

    with checkpoint.sole_driver(str(tmp_path)):
        second = subprocess.run(start, capture_output=True, text=True, check=False)

    assert second.returncode == 1
    assert "Another process runs on" in second.stderr
    assert subprocess.run(start, check=False).returncode == 0


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
