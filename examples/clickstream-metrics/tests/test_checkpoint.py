"""The changes that need a new checkpoint, and those that do not."""

import pytest
from pyspark.sql import functions as F
from stream_runtime.manifest import differences
from stream_runtime.names import quote
from stream_runtime.run import query_fingerprint

from clickstream_metrics import job
from clickstream_metrics.schema import EVENT


def current(spark, settings):
    """Return the query fingerprint of the job with these settings."""
    return query_fingerprint(job.JOB, job.result(job.read(spark, settings), settings), settings)


@pytest.mark.parametrize(
    ("override", "fact"),
    [
        ("window.duration=1 hour", "window"),
        ("window.offset=1 minute", "window"),
        ("watermark.delay=1 hour", "EventTimeWatermark"),
        ("state.partitions=7", "state_partitions"),
        ("state.store=rocksdb", "state_store"),
        ("source.topic=elsewhere", "source"),
    ],
)
def test_a_pinned_setting_changes_the_fingerprint(spark, make_settings, override, fact):
    """A changed pinned setting is a difference of the query fingerprint."""
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
def test_a_free_setting_keeps_the_fingerprint(spark, make_settings, override):
    """A setting of speed, frequency or monitoring is not part of the query fingerprint."""
    before, after = current(spark, make_settings()), current(spark, make_settings(override))

    assert differences(before, after) == []


def test_a_filter_of_events_keeps_the_fingerprint(spark, settings, monkeypatch):
    """A filter of events does not change the query fingerprint."""
    before, original = current(spark, settings), job.transform
    some = F.col(quote(EVENT.time)) > "2020-01-01"
    monkeypatch.setattr(job, "transform", lambda events, *more: original(events.where(some), *more))

    assert differences(before, current(spark, settings)) == []


def test_an_added_aggregation_changes_the_fingerprint(spark, settings, monkeypatch):
    """An added aggregation is another query, which the checkpoint does not fit."""
    before, original = current(spark, settings), job.transform
    monkeypatch.setattr(job, "transform", lambda *given: original(*given).groupBy().count())

    changes = differences(before, current(spark, settings))

    assert [change.partition(":")[0] for change in changes] == ["Aggregate", "result"]
