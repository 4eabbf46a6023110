{% set left = cookiecutter.join == "stream_left" %}
"""The stream join of the test oracle, in plain Python."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, zip_longest
from math import inf
from typing import Any

from stream_runtime.config import to_timedelta

from {{ cookiecutter.__package }} import schema
from {{ cookiecutter.__package }}.settings import Settings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
"""The precision of Spark's watermarks."""

Event = Mapping[str, Any]
Row = dict[str, Any]
Numbered = tuple[int, Event]
Batches = Iterable[Sequence[Event]]


def in_step(events: Batches, right: Batches) -> Iterator[tuple[Sequence[Event], Sequence[Event]]]:
    """Yield what each micro-batch reads of the two inputs, and then the batch without data."""
    yield from zip_longest(events, right, fillvalue=())
    yield (), ()


class Partners:
    """The state of the join, updated batch by batch; `late` counts late events."""

    def __init__(self, settings: Settings) -> None:
        self.late = 0
        self._within = to_timedelta(settings.join.within)
        delay = to_timedelta(settings.watermark.delay)
        self._events = Input(schema.EVENT_TIME, schema.KEY, delay)
        self._right = Input(schema.RIGHT.time, schema.RIGHT_KEY, delay)
        self._watermark = self._late_until = EPOCH
{% if left %}
        self._met: set[int] = set()
{% endif %}

    @property
    def watermark(self) -> datetime:
        """The watermark after the join: no earlier row follows."""
        return self._watermark - self._within - MOMENT

    @property
    def kept(self) -> int:
        """The number of events of both inputs in the state."""
        return len(self._events) + len(self._right)
{% if left %}

    @property
    def waiting(self) -> list[Row]:
        """The rows of events that have no match yet, but can still get one."""
        return [_row(event) for number, event in self._events if number not in self._met]
{% endif %}

    def rows(self, events: Sequence[Event], right: Sequence[Event]) -> list[Row]:
{% if left %}
        """Return the rows of a batch: one per pair, and one per event that can match no more."""
{% else %}
        """Return the rows of a batch: one per pair."""
{% endif %}
        pairs = [*self._for_partners(right), *self._for_events(events)]
        rows = [_row(event, partner) for (_, event), partner in pairs]
{% if left %}
        self._met.update(number for (number, _), _ in pairs)
        gone = self._events.drop(self.watermark)
        rows += [_row(event) for number, event in gone if number not in self._met]
{% else %}
        self._events.drop(self.watermark)
{% endif %}
        self._right.drop(self._watermark - MOMENT)
        self._late_until = self._watermark
        # The watermark of the slower input; it never decreases.
        behind = min(self._events.watermark, self._right.watermark)
        self._watermark = max(self._watermark, behind)
        return rows

    def _for_partners(self, right: Sequence[Event]) -> Iterator[tuple[Numbered, Event]]:
        """Yield the pairs of new right events with the events in the state."""
        for partner in self._in_time(self._right, right):
            time = partner[schema.RIGHT.time]
            self._right.add(partner)
            for event in self._events.between(partner[schema.RIGHT_KEY], time - self._within, time):
                yield event, partner

    def _for_events(self, events: Sequence[Event]) -> Iterator[tuple[Numbered, Event]]:
        """Yield the pairs of new events with the right events in the state."""
        for event in self._in_time(self._events, events):
            time = event[schema.EVENT_TIME]
            number = self._events.add(event)
            for _, partner in self._right.between(event[schema.KEY], time, time + self._within):
                yield (number, event), partner

    def _in_time(self, one: "Input", batch: Sequence[Event]) -> list[Event]:
        passed = [event for event in batch if event[one.time] > self._late_until]
        self.late += len(batch) - len(passed)
        one.see(batch)
        return passed


class Input:
    """The state of one input: by key, in event-time order."""

    def __init__(self, time: str, key: str, delay: timedelta) -> None:
        self.time = time
        self.watermark = EPOCH
        self._key, self._delay = key, delay
        self._numbers = count()
        self._kept: dict[Any, list[tuple[datetime, int, Event]]] = defaultdict(list)

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))
{% if left %}

    def __iter__(self) -> Iterator[Numbered]:
        return ((number, event) for kept in self._kept.values() for _, number, event in kept)
{% endif %}

    def see(self, batch: Sequence[Event]) -> None:
        """Advance the watermark."""
        newest = max((_ms(event[self.time]) for event in batch), default=EPOCH)
        self.watermark = max(self.watermark, newest - self._delay)

    def add(self, event: Event) -> int:
        """Store an event and return its number."""
        number = next(self._numbers)
        insort(self._kept[event[self._key]], (event[self.time], number, event))
        return number

    def between(self, key: Any, first: datetime, last: datetime) -> list[Numbered]:
        """Return the events of a key between two times, both included."""
        kept = self._kept[key]
        part = kept[bisect_left(kept, (first,)) : bisect_right(kept, (last, inf))]
        return [(number, event) for _, number, event in part]

    def drop(self, last: datetime) -> list[Numbered]:
        """Remove the events up to a time and return them."""
        gone = []
        for kept in self._kept.values():
            end = bisect_right(kept, (last, inf))
            gone += [(number, event) for _, number, event in kept[:end]]
            del kept[:end]
        return gone


{% include "shared/milliseconds.py" %}


{% if left %}
def _row(event: Event, partner: Event | None = None) -> Row:
    row = {name: event.get(name) for name in schema.COLUMNS}
    found = partner or {}
    return row | {new: found.get(name) for name, new in schema.RIGHT_NAMES.items()}
{% else %}
def _row(event: Event, partner: Event) -> Row:
    row = {name: event.get(name) for name in schema.COLUMNS}
    return row | {new: partner.get(name) for name, new in schema.RIGHT_NAMES.items()}
{% endif %}
