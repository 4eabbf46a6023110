{% set left = cookiecutter.join == "stream_left" %}
"""The join computed a second time, in plain Python: for expected.py."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, zip_longest
from math import inf
from typing import Any

from . import schema
from .runtime.config import to_timedelta
from .settings import Settings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
"""How exactly Spark tells the time of a watermark."""

Event = Mapping[str, Any]
Row = dict[str, Any]
Numbered = tuple[int, Event]
Batches = Iterable[Sequence[Event]]


def in_step(events: Batches, right: Batches) -> Iterator[tuple[Sequence[Event], Sequence[Event]]]:
    """What each micro-batch reads of the two inputs; the last one is the one without data."""
    yield from zip_longest(events, right, fillvalue=())
    yield (), ()


class Partners:
    """The events that may still meet, batch after batch; `late` counts those that came too late."""

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
        """Up to when no further row comes out of the join."""
        return self._watermark - self._within - MOMENT

    @property
    def kept(self) -> int:
        """How many events of both inputs are in the state."""
        return len(self._events) + len(self._right)
{% if left %}

    @property
    def waiting(self) -> list[Row]:
        """The rows of events that are still alone, and may not stay so."""
        return [_row(event) for number, event in self._events if number not in self._met]
{% endif %}

    def rows(self, events: Sequence[Event], right: Sequence[Event]) -> list[Row]:
{% if left %}
        """What a batch gives: a row for each pair, and for each event that will meet none."""
{% else %}
        """What a batch gives: a row for each pair."""
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
        # That of the input that is less far; it never goes back.
        behind = min(self._events.watermark, self._right.watermark)
        self._watermark = max(self._watermark, behind)
        return rows

    def _for_partners(self, right: Sequence[Event]) -> Iterator[tuple[Numbered, Event]]:
        """The pairs of new partners with the events that are there."""
        for partner in self._in_time(self._right, right):
            time = partner[schema.RIGHT.time]
            self._right.add(partner)
            for event in self._events.between(partner[schema.RIGHT_KEY], time - self._within, time):
                yield event, partner

    def _for_events(self, events: Sequence[Event]) -> Iterator[tuple[Numbered, Event]]:
        """The pairs of new events with the partners that are there."""
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
    """What is kept of one input: by key, and in the order of time."""

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
        """Let time go on."""
        newest = max((_ms(event[self.time]) for event in batch), default=EPOCH)
        self.watermark = max(self.watermark, newest - self._delay)

    def add(self, event: Event) -> int:
        """Keep an event; its number."""
        number = next(self._numbers)
        insort(self._kept[event[self._key]], (event[self.time], number, event))
        return number

    def between(self, key: Any, first: datetime, last: datetime) -> list[Numbered]:
        """The events of a key in a stretch of time, both ends included."""
        kept = self._kept[key]
        part = kept[bisect_left(kept, (first,)) : bisect_right(kept, (last, inf))]
        return [(number, event) for _, number, event in part]

    def drop(self, last: datetime) -> list[Numbered]:
        """Forget the events up to a moment; these events."""
        gone = []
        for kept in self._kept.values():
            end = bisect_right(kept, (last, inf))
            gone += [(number, event) for _, number, event in kept[:end]]
            del kept[:end]
        return gone


{% include "expected/milliseconds.py" %}


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
