{% set job = cookiecutter | stream_plan %}
{% set mean = job.visit.mean %}
"""The state of the job: events are pending here until their order is certain.

The result does not depend on Spark's batches, because visits.py gets the events of a key in
event-time order: an event is pending until the watermark has reached it, because until then an
earlier one may arrive. An event is late if the watermark of the previous batch had reached it:
Spark drops and counts it. Events with equal times are in the order of their
{{ "id" if job.roles.id else "JSON text" }}; a second event with equal time and {{ "id" if job.roles.id else "text" }} is a duplicate.

The state of each key, in RocksDB:

- `pending`, a map: the pending events, which the watermark has not reached, as JSON.
- `visit`, a value: the visit of the last processed event.
{% if mean %}
- `recent`, a list: the last measures of the visit.
{% endif %}
- Timers: one fires when the watermark reaches the first pending event, or the end of the visit,
  whose state is removed then.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
{% if mean %}
from math import isnan
{% endif %}
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.stateful_processor import (
    ExpiredTimerInfo,
    StatefulProcessor,
    StatefulProcessorHandle,
    TimerValues,
)
from stream_runtime.config import Duration, Table, to_timedelta
from stream_runtime.names import OWN, quote
from stream_runtime.records import JSON

from . import schema
{% if mean %}
from .visits import MEAN, NUMBER, START, Visit, Visits
{% else %}
from .visits import NUMBER, START, Visit, Visits
{% endif %}

MILLISECOND = 1000
NO_CORRUPT_COLUMN = JSON | {"columnNameOfCorruptRecord": f"{OWN}corrupt_record"}
"""Another name than `_corrupt_record`, so that an event can have a column with that name."""
Pending = tuple[tuple[int, str], tuple[Any, ...]]
"""A pending event: its time and mark, and its columns of PENDING."""

# The layout of the state. `layout` adds it to the query fingerprint.
PENDING_KEY = "time BIGINT, mark STRING"
{% if mean %}
PENDING = "event STRING, measure DOUBLE"
{% else %}
PENDING = "event STRING"
{% endif %}
VISIT = "start BIGINT, last BIGINT, events BIGINT"
{% if mean %}
RECENT = "measure DOUBLE"
OUT = "event STRING, start BIGINT, number BIGINT, mean DOUBLE"
{% else %}
OUT = "event STRING, start BIGINT, number BIGINT"
{% endif %}


class VisitSettings(Table):
    """The table `[visits]` in conf/*.toml."""

    idle: Duration = "30 minutes"
    """The longest pause within a visit; after a longer one, a new visit starts."""


def number_visits(events: DataFrame, visits: VisitSettings) -> DataFrame:
    """Add the visit to each event, after the watermark has reached the event.

    In: a stream with the columns of schema.py and a watermark. Out: the same columns, START
{% if mean %}
    TIMESTAMP of the visit, NUMBER BIGINT of the event in it, from 1, and MEAN DOUBLE of the
    visit's last measures, null where it has none.
{% else %}
    TIMESTAMP of the visit, and NUMBER BIGINT of the event in it, from 1.
{% endif %}
    """
    event = F.to_json(F.struct(*map(quote, schema.COLUMNS)), JSON)
    pending = events.select(
        F.col(quote(schema.KEY)).cast("string").alias("key"),
        # Spark drops late events by this column; pandas would lose precision.
        F.col(quote(schema.EVENT_TIME)).alias("happened"),
        F.unix_micros(quote(schema.EVENT_TIME)).alias("time"),
{% if job.roles.id %}
        F.col(quote(schema.EVENT_ID)).cast("string").alias("mark"),
{% else %}
        event.alias("mark"),
{% endif %}
        event.alias("event"),
{% if mean %}
        F.col(quote(schema.MEASURES[0])).cast("double").alias("measure"),
{% endif %}
    )
    numbered = pending.groupBy("key").transformWithStateInPandas(
        VisitProcessor(to_timedelta(visits.idle)), OUT, "append", "eventtime"
    )
    return numbered.select(
        F.from_json("event", schema.EVENT.ddl, NO_CORRUPT_COLUMN).alias("event"),
        F.timestamp_micros("start").alias(START),
        F.col("number").alias(NUMBER),
{% if mean %}
        F.col("mean").alias(MEAN),
{% endif %}
    ).select("event.*", START, NUMBER{{ ", quote(MEAN)" if mean }})


def layout(visits: VisitSettings) -> dict[str, str]:
    """Return what a checkpoint of this state depends on, beside the plan."""
{% if mean %}
    parts = {"pending": f"{PENDING_KEY}: {PENDING}", "visit": VISIT, "recent": RECENT}
{% else %}
    parts = {"pending": f"{PENDING_KEY}: {PENDING}", "visit": VISIT}
{% endif %}
    return {"visits.idle": visits.idle, **{f"state {name}": text for name, text in parts.items()}}


class VisitProcessor(StatefulProcessor):
    """The state of each key; visits.py has the business logic."""

    def __init__(self, idle: timedelta) -> None:
        self._idle = idle // timedelta(microseconds=1)

    def init(self, handle: StatefulProcessorHandle) -> None:
        """Create the parts of the state; each call of them concerns the current key."""
        self._handle = handle
        self._pending = handle.getMapState("pending", PENDING_KEY, PENDING)
        self._visit = handle.getValueState("visit", VISIT)
{% if mean %}
        self._recent = handle.getListState("recent", RECENT)
{% endif %}

    def handleInputRows(
        self, key: Any, rows: Iterator[Any], timerValues: TimerValues
    ) -> Iterator[Any]:
        """Store the events as pending; Spark may call this several times per key and batch."""
        for frame in rows:
            for event in frame.itertuples(index=False):
                self._hold(event)
            self._wake(int(frame["time"].min()))
        return iter(())

    def handleExpiredTimer(
        self, key: Any, timerValues: TimerValues, expiredTimerInfo: ExpiredTimerInfo
    ) -> Iterator[Any]:
        """Yield the events that the watermark has reached, and remove a visit that has ended."""
        watermark = timerValues.getCurrentWatermarkInMs() * MILLISECOND
        pending: list[Pending] = sorted(self._pending.iterator())
        due = [event for event in pending if event[0][0] <= watermark]
        visits = Visits(self._idle, self._remembered())
        if due:
            yield self._numbered(due, visits)
        visits.forget(watermark)
        self._remember(visits.current)
        ahead = [time for (time, _), _ in pending[len(due) :]]
        if visits.current:
            ahead.append(visits.end(visits.current))
        if ahead:
            self._wake(min(ahead))

    def _hold(self, event: Any) -> None:
        place = (int(event.time), event.mark)
        before = self._pending.getValue(place)
        # Of two duplicates with different content, the choice must not depend on arrival order.
        if before is None or event.event < before[0]:
{% if mean %}
            measure = None if isnan(event.measure) else float(event.measure)
            self._pending.updateValue(place, (event.event, measure))
{% else %}
            self._pending.updateValue(place, (event.event,))
{% endif %}

    def _wake(self, time: int) -> None:
        """Register a timer for the time, rounded up to the milliseconds of a watermark."""
        self._handle.registerTimer(-(-time // MILLISECOND))

    def _numbered(self, due: Sequence[Pending], visits: Visits) -> pd.DataFrame:
        """Remove the events from the state and return them with their visits (columns of OUT)."""
        rows = []
{% if mean %}
        for place, (event, measure) in due:
            visit = visits.add(place[0], measure)
            rows.append((event, visit.start, visit.events, visit.mean))
            self._pending.removeKey(place)
        return pd.DataFrame(rows, columns=["event", "start", "number", "mean"])
{% else %}
        for place, (event,) in due:
            visit = visits.add(place[0])
            rows.append((event, visit.start, visit.events))
            self._pending.removeKey(place)
        return pd.DataFrame(rows, columns=["event", "start", "number"])
{% endif %}

    def _remembered(self) -> Visit | None:
        found = self._visit.get()
        if not found:
            return None
        start, last, events = found
{% if mean %}
        return Visit(start, last, events, tuple(measure for (measure,) in self._recent.get()))
{% else %}
        return Visit(start, last, events)
{% endif %}

    def _remember(self, visit: Visit | None) -> None:
        if visit:
            self._visit.update((visit.start, visit.last, visit.events))
        else:
            self._visit.clear()
{% if mean %}
        if visit and visit.recent:
            self._recent.put([(measure,) for measure in visit.recent])
        else:
            self._recent.clear()
{% endif %}

    def close(self) -> None:
        """Do nothing: there is no resource to close."""
