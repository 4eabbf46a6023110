{% set job = cookiecutter | stream_plan %}
{% set mean, tester = job.visit.mean, job.spark_version == "4.2" %}
"""The state of a key: its content, its end, and its recovery after a restart."""

from datetime import timedelta

{% if tester %}
import pandas as pd
{% endif %}
import pytest
{% if tester %}
from pyspark.sql.streaming import TwsTester
{% endif %}
from stream_devkit.reconciliation import verdict
from stream_devkit.rows import typed_rows

from {{ cookiecutter.__package }}.job import JOB
from {{ cookiecutter.__package }}.schema import EVENT
{% if tester %}
from {{ cookiecutter.__package }}.visit_state import MILLISECOND, VisitProcessor
{% endif %}
from {{ cookiecutter.__package }}.visits import NUMBER

from tests.events import event, key
from tests.file_batches import inputs, send
from tests.oracle import expected
from tests.test_settings import problem


class Stream:
    """The transform over files, which stops when it has read all of them."""

    def __init__(self, spark, settings, folder):
        self.spark, self.settings, self.folder = spark, settings, folder
        self.batches, self.rows = [], []

    def run(self, *slices):
        """Read slices of events, one a micro-batch, and continue from the checkpoint."""
        for events in slices:
            send(self.folder, len(self.batches), events)
            self.batches.append(events)
        # Spark fires timers in a batch without data before it stops.
        self.batches.append([])
        rows = JOB.result(inputs(self.spark, self.folder), self.settings)
        writer = rows.writeStream.outputMode(JOB.output_mode)
        writer = writer.foreachBatch(lambda rows, _: self.rows.extend(typed_rows(rows)))
        writer = writer.option("checkpointLocation", str(self.folder / "checkpoint"))
        writer.trigger(availableNow=True).start().awaitTermination()

    def state_rows(self):
{% if mean %}
        """Return the numbers of pending events, of visits, and of keys with measures."""
        keys = [self._state(name).select("key").distinct() for name in ("visit", "recent")]
        return self._state("pending").count() + sum(part.count() for part in keys)
{% else %}
        """Return the numbers of pending events and of visits."""
        return self._state("pending").count() + self._state("visit").count()
{% endif %}

    def _state(self, name):
        """Return a part of the state, as Spark reads it from the checkpoint."""
        place = str(self.folder / "checkpoint")
        return self.spark.read.format("statestore").load(place, stateVarName=name)

    def compare(self):
        """Compare rows and state with the test oracle, and return the number of state rows."""
        wanted = expected(self.batches, self.settings)
        assert verdict(self.rows, wanted.rows) == "exact"
        found = self.state_rows()
        assert found == len(wanted.pending) + wanted.retained
        return found


@pytest.fixture(name="stream")
def _stream(spark, settings, tmp_path):
    return Stream(spark, settings, tmp_path)


def test_a_restart_recovers_the_state(stream):
    """After a restart the pending events and the visit are in the state; no row is duplicate."""
    events = [event(number, key=number % 2, number=number) for number in range(60)]

    stream.run(events[:20], events[20:30])
    stream.compare()
    before = len(stream.rows)
    stream.run(events[30:])
    stream.compare()

    assert 0 < before < len(stream.rows)
    assert {row[NUMBER] for row in stream.rows} == set(range(1, len(stream.rows) // 2 + 1))


def test_the_state_of_an_idle_key_is_deleted(stream):
    """When the watermark passes the end of a visit, its state is deleted."""
    delay, idle = timedelta(minutes=10), timedelta(minutes=30)
    end = (delay + idle) / timedelta(minutes=1)
    stream.run([event(0, key=1)], [event(end - 0.001, number=2)])
    before = stream.compare()
    stream.run([event(end, number=3)])
    stream.compare()
    stream.run([event(end + 1, key=1, number=4), event(end + 60, number=5)])
    stream.compare()

    assert before == {{ 3 if mean else 2 }}
    again = [row[NUMBER] for row in stream.rows if row[EVENT.key] == key(1)]
    assert again == [1, 1]


def test_another_state_store_is_refused():
    """Another state store is refused at the start; Spark would fail in the first batch."""
    assert "state.store = 'default'" in problem("state.store=default")
{% if tester %}


def row(minute, text="{}"):
    """Return an event as Spark passes it to the processor."""
    time = int(minute * 60_000) * MILLISECOND
{% if mean %}
    columns = {"time": time, "mark": f"{minute}", "event": text, "measure": float(minute)}
{% else %}
    columns = {"time": time, "mark": f"{minute}", "event": text}
{% endif %}
    return pd.DataFrame([columns])


@pytest.fixture(name="tester")
def _tester():
    """Return Spark's test double of the state, whose watermark the test sets."""
    return TwsTester(
        VisitProcessor(timedelta(minutes=30)),
        timeMode="eventtime",
        eventTimeExtractor=lambda row: row["time"] // MILLISECOND,
    )


def test_pending_events_are_written_in_order(tester):
    """Pending events are written in the order of their time, with their numbers."""
    for minute in (5, 3, 8):
        assert tester.testInPandas("a", row(minute)).empty

    out = tester.setWatermark(5 * 60_000)

    assert list(out["number"]) == [1, 2]
    assert set(out["start"]) == {3 * 60_000 * MILLISECOND}
{% if mean %}
    assert list(out["mean"]) == [3, 4]
    assert tester.peekListState("recent", "a") == [(3,), (5,)]
{% endif %}
    assert len(tester.peekMapState("pending", "a")) == 1


def test_a_timer_deletes_the_visit(tester):
    """A later event of the visit moves the timer that deletes its state."""
    tester.testInPandas("a", row(0.5))
    tester.setWatermark(60_000)
    tester.testInPandas("a", row(20))
    tester.setWatermark(31 * 60_000)
    before = tester.peekValueState("visit", "a")

    tester.setWatermark(50 * 60_000)

    assert before == (30_000 * MILLISECOND, 20 * 60_000 * MILLISECOND, 2)
    assert tester.peekValueState("visit", "a") is None
{% if mean %}
    assert tester.peekListState("recent", "a") == []
{% endif %}


def test_a_duplicate_pending_event_is_kept_once(tester):
    """Of two events with one id, the state keeps the one with the smaller text."""
    for text in ("b", "a", "c"):
        tester.testInPandas("a", row(1, text))

    assert list(tester.setWatermark(60_000)["event"]) == ["a"]
{% endif %}
