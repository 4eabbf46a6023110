{% set job = cookiecutter | stream_plan %}
"""The changes that need a new checkpoint, and those that do not."""

import pytest
from pyspark.sql import functions as F
from stream_runtime.manifest import differences
from stream_runtime.names import quote
from stream_runtime.run import query_fingerprint

from {{ cookiecutter.__package }} import job
from {{ cookiecutter.__package }}.schema import EVENT


def current(spark, settings):
    """Return the query fingerprint of the job with these settings."""
    return query_fingerprint(job.JOB, job.result(job.read(spark, settings), settings), settings)


@pytest.mark.parametrize(
    ("override", "fact"),
    [
{% if cookiecutter.window == "session" %}
        ("window.gap=1 hour", "window"),
{% elif cookiecutter.window == "sliding" %}
        ("window.duration=1 hour", "window"),
        ("window.offset=1 minute", "window"),
        ("window.slide=2 minutes", "window"),
{% elif job.windowed %}
        ("window.duration=1 hour", "window"),
        ("window.offset=1 minute", "window"),
{% endif %}
{% if job.watermark %}
        ("watermark.delay=1 hour", "EventTimeWatermark"),
{% endif %}
{% if job.right %}
        ("join.within=1 hour", "Join"),
{% endif %}
        ("state.partitions=7", "state_partitions"),
{% if job.custom %}
        ("visits.idle=1 hour", "visits.idle"),
{% else %}
        ("state.store={{ "default" if job.state_store == "rocksdb" else "rocksdb" }}", "state_store"),
{% endif %}
{% if job.source.input_setting == "topic" %}
        ("source.topic=elsewhere", "source"),
{% endif %}
{% if job.source.input_setting == "topic" and job.right %}
        ("right.topic=elsewhere", "source"),
{% endif %}
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
{% if job.batch_limit %}
        "{{ job.batch_limit }}=5",
{% endif %}
{% if job.interval %}
        "trigger.interval=1 hour",
{% endif %}
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
{% if job.lookup %}
    monkeypatch.setattr(
        job, "transform", lambda *given: original(*given).groupBy(quote(str(EVENT.key))).count()
    )
{% else %}
    monkeypatch.setattr(job, "transform", lambda *given: original(*given).groupBy().count())
{% endif %}

    changes = differences(before, current(spark, settings))

    assert [change.partition(":")[0] for change in changes] == ["Aggregate", "result"]
