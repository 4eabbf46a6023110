"""The events that reach an operator, batch by batch: watermark, late events, duplicates.

Spark uses two watermarks in a batch. It removes state by the one that the batches before have
reached, and an event is late by the one that applied to the batch before.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from stream_runtime.config import to_timedelta
from stream_runtime.records import EventSchema

from stream_devkit.reconciliation import Derived

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)
"""A watermark that no event is behind."""

Event = Mapping[str, Any]
Batches = Iterable[Sequence[Event]]
"""The events that each micro-batch reads, times with a time zone."""


@dataclass(frozen=True)
class Batch:
    """The events of a micro-batch, and the two watermarks that apply to it."""

    events: Sequence[Event]
    watermark: datetime = NEVER
    late_until: datetime = NEVER


@dataclass(frozen=True)
class Stream:
    """All batches that an operator reads, and what the operators before it did with other events.

    The last batch has no data: in it, Spark closes windows and removes state.
    """

    batches: Sequence[Batch]
    late: int = 0
    duplicates: int | None = None
    pending: Sequence[Event] = ()
    """The rows that a join has not written yet."""
    retained: int = 0
    """The number of rows of state, without those of `pending`."""
    derived: Sequence[Derived] = ()
    """What a join made of the events, if these are its rows."""


class Watermark:
    """The watermark of an input: its newest event time, minus the delay."""

    def __init__(self, delay: timedelta) -> None:
        self.now = self.late_until = EPOCH
        self._delay = delay

    def advance(self, times: Iterable[datetime]) -> None:
        """End a batch with events of these times."""
        newest = max(map(to_milliseconds, times), default=EPOCH)
        self.late_until, self.now = self.now, max(self.now, newest - self._delay)


def to_milliseconds(time: datetime) -> datetime:
    """Round down to milliseconds, the precision of Spark's watermark."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def read(batches: Batches, schema: EventSchema, *, delay: str | None = None) -> Stream:
    """Return all events. Without a delay there is no watermark, and no event is late."""
    if delay is None:
        return Stream([Batch(events) for events in [*batches, ()]])
    watermark, found = Watermark(to_timedelta(delay)), []
    for events in [*batches, ()]:
        found.append(Batch(events, watermark.now, watermark.late_until))
        watermark.advance(event[schema.time] for event in events)
    return Stream(found)


def deduplicate(batches: Batches, schema: EventSchema, *, delay: str) -> Stream:
    """Return the events that are neither late nor duplicates, as dropDuplicatesWithinWatermark.

    The state has the id of an event until the watermark is `delay` past its time.
    """
    watermark, duration = Watermark(to_timedelta(delay)), to_timedelta(delay)
    until: dict[Any, datetime] = {}
    found, late, duplicates = [], 0, 0
    for events in [*batches, ()]:
        fresh = []
        for event in events:
            time, identity = event[schema.time], event[str(schema.id)]
            if time <= watermark.late_until:
                late += 1
            elif identity in until:
                duplicates += 1
            else:
                until[identity] = time + duration
                fresh.append(event)
        until = {identity: end for identity, end in until.items() if end > watermark.now}
        found.append(Batch(fresh, watermark.now, watermark.late_until))
        watermark.advance(event[schema.time] for event in events)
    return Stream(found, late, duplicates, retained=len(until))


@dataclass(frozen=True)
class Ordered:
    """The events of each key in the order of their times, and the last watermark."""

    keys: Sequence[Sequence[Event]]
    watermark: datetime
    late: int
    duplicates: int


def order(batches: Batches, schema: EventSchema, *, delay: str) -> Ordered:
    """Return the events that are not late, for code that keeps its own state.

    Duplicates have the same key, time and id, without an id the same content. The one whose text
    comes first is kept.
    """
    watermark = Watermark(to_timedelta(delay))
    keys: dict[Any, dict[tuple[datetime, str], Event]] = defaultdict(dict)
    late = duplicates = 0
    for events in batches:
        for event in events:
            if event[schema.time] <= watermark.late_until:
                late += 1
                continue
            text = _to_text(event, schema)
            place = event[schema.time], str(event[schema.id]) if schema.id else text
            same = keys[event[str(schema.key)]]
            duplicates += place in same
            if place not in same or text < _to_text(same[place], schema):
                same[place] = event
        watermark.advance(event[schema.time] for event in events)
    ordered = [[events[place] for place in sorted(events)] for events in keys.values()]
    return Ordered(ordered, watermark.now, late, duplicates)


def _to_text(event: Event, schema: EventSchema) -> str:
    values = {name: event.get(name) for name in schema.columns}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=str)
