"""Which changes a checkpoint survives, and which it refuses."""

import pytest
from pyspark.sql import functions as F
from stream_runtime.manifest import differences
from stream_runtime.names import quote
from stream_runtime.run import query_fingerprint

from clickstream_metrics import job
from clickstream_metrics.schema import EVENT


def current(spark, settings):
    """What a checkpoint of the job would be bound to now."""
    return query_fingerprint(job.JOB, job.result(job.read(spark, settings), settings), settings)


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
    """A setting that Spark pins, or silently misreads, needs a new checkpoint."""
    before, after = current(spark, make_settings()), current(spark, make_settings(override))

    changed = differences(before, after)

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

    assert differences(before, after) == []


def test_an_edit_before_the_state_is_free(spark, settings, monkeypatch):
    """A filter before the state leaves the meaning of the state as it is."""
    before, right = current(spark, settings), job.transform
    some = F.col(quote(EVENT.time)) > "2020-01-01"
    monkeypatch.setattr(job, "transform", lambda events, *more: right(events.where(some), *more))

    assert differences(before, current(spark, settings)) == []


def test_an_edit_of_the_state_is_noticed(spark, settings, monkeypatch):
    """Spark would read the old state as what the new code computes; here it shows."""
    before, right = current(spark, settings), job.transform
    monkeypatch.setattr(job, "transform", lambda *given: right(*given).groupBy().count())

    changes = differences(before, current(spark, settings))

    assert [change.partition(":")[0] for change in changes] == ["Aggregate", "result"]
