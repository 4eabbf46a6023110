"""The join of two streams by key, within a time."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count, zip_longest
from math import inf
from typing import Any

from stream_runtime.config import to_timedelta
from stream_runtime.records import EventSchema

from stream_devkit.reconciliation import Derived, Row

from .events import EPOCH, NEVER, Batch, Batches, Event, Stream, Watermark

MOMENT = timedelta(milliseconds=1)
"""The precision of Spark's watermark."""

Numbered = tuple[int, Event]
ToRow = Callable[[Event, Event | None], Row]


def join(
    events: Batches,
    right: Batches,
    schemas: tuple[EventSchema, EventSchema],
    to_row: ToRow,
    *,
    within: str,
    delay: str,
    is_left: bool = False,
) -> Stream:
    """Return the rows of the join.

    - A right event matches an event of the same key if it has the same time, or up to `within`
      later.
    - There is one watermark, that of the slower input. An event is late if its time is not after
      the watermark of the batch before.
    - After the join, the watermark is `within` and a millisecond earlier: no earlier row follows.

    Args:
        events: the batches of the left input.
        right: the batches of the right input.
        schemas: the columns of both inputs.
        to_row: returns the row of a pair, or of an event without a match.
        within: the longest time from an event to a matching right event.
        delay: the delay of the watermark of both inputs.
        is_left: whether an event that can get no match any more is written alone.
    """
    state = _Join(schemas, to_timedelta(within), to_timedelta(delay))
    found = []
    for pair in [*zip_longest(events, right, fillvalue=()), ((), ())]:
        watermark = state.watermark
        pairs, alone = state.read(*pair)
        rows = [to_row(event, right_event) for event, right_event in pairs]
        rows += [to_row(event, None) for event in alone if is_left]
        found.append(Batch(rows, watermark, NEVER))
    pending = [to_row(event, None) for event in state.list_unmatched() if is_left]
    kept = len(state.left) + len(state.right)
    made = Derived(
        "rows of the join" if is_left else "pairs",
        "the join",
        read=state.taken,
        count=len(pending) + sum(len(batch.events) for batch in found),
    )
    return Stream(found, state.late, None, pending, kept - len(pending), [made])


class _Join:
    """The state of the join, updated batch by batch."""

    def __init__(
        self, schemas: tuple[EventSchema, EventSchema], within: timedelta, delay: timedelta
    ) -> None:
        self.late = self.taken = 0
        self.left, self.right = (_Input(schema, delay) for schema in schemas)
        self._within = within
        self._watermark = self._late_until = EPOCH
        self._matched: set[int] = set()

    @property
    def watermark(self) -> datetime:
        """The watermark after the join."""
        return self._watermark - self._within - MOMENT

    def read(
        self, events: Sequence[Event], right: Sequence[Event]
    ) -> tuple[list[tuple[Event, Event]], list[Event]]:
        """Return the pairs of a batch, and the events that can get no match any more."""
        pairs = [*self._match_right(right), *self._match_left(events)]
        self._matched.update(number for (number, _), _ in pairs)
        gone = self.left.drop(self.watermark)
        self.right.drop(self._watermark - MOMENT)
        self._late_until = self._watermark
        # The watermark of the slower input; it never decreases.
        slower = min(self.left.watermark.now, self.right.watermark.now)
        self._watermark = max(self._watermark, slower)
        alone = [event for number, event in gone if number not in self._matched]
        return [(event, right_event) for (_, event), right_event in pairs], alone

    def list_unmatched(self) -> list[Event]:
        """Return the events without a match that can still get one."""
        return [event for number, event in self.left if number not in self._matched]

    def _match_right(self, right: Sequence[Event]) -> Iterator[tuple[Numbered, Event]]:
        for right_event in self._take_in_time(self.right, right):
            self.right.add(right_event)
            key, time = self.right.place(right_event)
            for event in self.left.between(key, time - self._within, time):
                yield event, right_event

    def _match_left(self, events: Sequence[Event]) -> Iterator[tuple[Numbered, Event]]:
        for event in self._take_in_time(self.left, events):
            number = self.left.add(event)
            key, time = self.left.place(event)
            for _, right_event in self.right.between(key, time, time + self._within):
                yield (number, event), right_event

    def _take_in_time(self, one: "_Input", batch: Sequence[Event]) -> list[Event]:
        times = [one.place(event)[1] for event in batch]
        one.watermark.advance(times)
        taken = [event for event, time in zip(batch, times, strict=True) if time > self._late_until]
        self.late += len(batch) - len(taken)
        self.taken += len(taken)
        return taken


class _Input:
    """The events of one input in the state: by key, in the order of their times."""

    def __init__(self, schema: EventSchema, delay: timedelta) -> None:
        self.watermark = Watermark(delay)
        self._schema = schema
        self._numbers = count()
        self._kept: dict[Any, list[tuple[datetime, int, Event]]] = defaultdict(list)

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def __iter__(self) -> Iterator[Numbered]:
        return ((number, event) for kept in self._kept.values() for _, number, event in kept)

    def place(self, event: Event) -> tuple[Any, datetime]:
        """Return the key and the time of an event."""
        return event[str(self._schema.key)], event[self._schema.time]

    def add(self, event: Event) -> int:
        """Store an event and return its number."""
        number = next(self._numbers)
        key, time = self.place(event)
        insort(self._kept[key], (time, number, event))
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
