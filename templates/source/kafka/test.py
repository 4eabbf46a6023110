{% set job = cookiecutter | stream_plan %}
"""How the messages of a topic are read, and from where."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from stream_runtime.errors import SetupError

from {{ cookiecutter.__package }} import source

from dev.events import Event
from dev.feed import Feed

SENT = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.fixture(name="feed")
def _feed(services, tmp_path):
    """A topic of the test's own."""
    return Feed(services, tmp_path, f"source-{uuid.uuid4().hex}")


@pytest.fixture(name="run")
def _run(spark, make_settings, feed, tmp_path):
    """Read on from where the last run ended: the envelopes of each batch."""

    def run(*overrides):
        taken = []
        own = [f"{key}={value}" for key, value in feed.settings.items()]
        envelopes = source.read(spark, make_settings(*own, *overrides).source)
        writer = envelopes.writeStream.foreachBatch(lambda rows, _: taken.append(rows.collect()))
        writer = writer.option("checkpointLocation", f"{tmp_path}/messages")
        writer.trigger(availableNow=True).start().awaitTermination()
        return taken

    return run


def send(feed, *texts):
    """Messages, a second apart."""
    feed.send(
        [Event(text, b"key", SENT + timedelta(seconds=at), "") for at, text in enumerate(texts)]
    )


def test_a_message_in_its_envelope(run, feed):
    """Its bytes, its key, the time that the broker has, and where it stands in the topic."""
    send(feed, b"caf\xe9", None)

    (rows,) = run()

    assert {(row.raw and bytes(row.raw), row.origin) for row in rows} == {
        (b"caf\xe9", feed.origins[0]),
        (None, feed.origins[1]),
    }
    assert {bytes(row.key) for row in rows} == {b"key"}
    assert min(row.ingest_time for row in rows).astimezone(UTC) == SENT


{% if job.low_latency %}
def test_a_restart_goes_on_where_the_last_run_ended(run, feed):
    """Nothing twice."""
    send(feed, *([b"1"] * 6))
    first = [len(rows) for rows in run()]
    send(feed, b"2")

    assert first == [6]
{% else %}
def test_a_restart_goes_on_where_the_last_run_ended(run, feed):
    """Nothing twice; a batch takes no more messages than it may."""
    send(feed, *([b"1"] * 6))
    first = [len(rows) for rows in run("source.max_offsets_per_trigger=2")]
    send(feed, b"2")

    assert first == [2, 2, 2]
{% endif %}
    assert [bytes(row.raw) for rows in run() for row in rows] == [b"2"]


def test_a_broker_that_is_away_is_named(settings):
    """Before the start, with what to do."""
    away = settings.source.model_copy(update={"bootstrap_servers": "127.0.0.1:1"})

    with pytest.raises(SetupError, match=r"No Kafka broker answers \(127.0.0.1:1"):
        source.check(away)
