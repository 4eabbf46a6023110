"""The result of a stream: single events, windows and sessions."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from stream_runtime.config import to_timedelta
from stream_runtime.records import EventSchema

from stream_devkit.reconciliation import MEMBERSHIPS, Derived, Result, Row

from .events import EPOCH, Event, Stream

OutputMode = Literal["append", "update", "complete"]


@dataclass(frozen=True)
class Window:
    """The events in one window or session, of one key if the schema has a key."""

    start: datetime
    end: datetime
    key: Any
    """The value of the key, or a tuple: of several values, and empty without a key."""
    events: Sequence[Event]


def collect(
    stream: Stream,
    schema: EventSchema,
    to_row: Callable[[Event], Row] = dict,
    *,
    newest_of: Sequence[str] = (),
) -> Result:
    """Return a row for each event.

    Args:
        stream: the events, or the rows of a join.
        schema: the columns of the events.
        to_row: returns the row of an event.
        newest_of: the columns of a key, of which the row with the newest event is in the result.
            Of rows with the same time, the last one is.
    """
    events = [event for batch in stream.batches for event in batch.events]
    kept, duplicates, made = events, stream.duplicates, stream.derived
    if newest_of:
        newest: dict[tuple[Any, ...], Event] = {}
        for event in events:
            key = tuple(event[name] for name in newest_of)
            if event[schema.time] >= newest.get(key, event)[schema.time]:
                newest[key] = event
        kept = list(newest.values())
        replaced = len(events) - len(kept)
        if made:
            made = [replace(made[-1], replaced=replaced)]
        else:
            duplicates = (duplicates or 0) + replaced
    return Result(
        rows=[to_row(event) for event in kept],
        pending=stream.pending,
        late=stream.late,
        derived=made,
        duplicates=duplicates,
        retained=stream.retained,
    )


def aggregate_windows(
    stream: Stream,
    schema: EventSchema,
    to_row: Callable[[Window], Row],
    mode: OutputMode,
    *,
    duration: str,
    slide: str | None = None,
    offset: str = "0 seconds",
) -> Result:
    """Return a row for each window and key, if there is a key.

    - In `append` mode a window closes in the batch after the one that advanced the watermark to
      its end. Windows that are still open are in `pending`.
    - An event is late if all its windows were closed in an earlier batch. If windows overlap, only
      some of them can be.

    Args:
        stream: the events, or the rows of a join.
        schema: the columns of the events.
        to_row: returns the row of a window.
        mode: the output mode.
        duration: the length of a window.
        slide: the time between the starts of two windows; without it they do not overlap.
        offset: how much later a window begins than at a multiple of that time since 1970 UTC.
    """
    size, step = to_timedelta(duration), to_timedelta(slide or duration)
    first = EPOCH + to_timedelta(offset)
    windows: dict[tuple[datetime, Any], list[Event]] = defaultdict(list)
    late = used = count = missed = 0
    for batch in stream.batches:
        for event in batch.events:
            starts = _starts(event[schema.time], size, step, first)
            accepting = [start for start in starts if start + size > batch.late_until]
            for start in accepting:
                windows[start, _key_of(event, schema)].append(event)
            if accepting:
                used, count = used + 1, count + len(starts)
                missed += len(starts) - len(accepting)
            else:
                late += 1
    memberships = Derived(MEMBERSHIPS, "a window", used, count, missed)
    found = [Window(start, start + size, key, events) for (start, key), events in windows.items()]
    watermark = stream.batches[-1].watermark
    return _expect(
        stream,
        to_row,
        mode,
        closed=[window for window in found if window.end <= watermark],
        still_open=[window for window in found if window.end > watermark],
        late=late,
        derived=[*stream.derived, *([memberships] if slide else [])],
    )


def aggregate_sessions(
    stream: Stream,
    schema: EventSchema,
    to_row: Callable[[Window], Row],
    mode: OutputMode,
    *,
    gap: str,
) -> Result:
    """Return a row for each session: the events of a key without a pause longer than the gap.

    - In `append` mode a session closes in the batch after the one that advanced the watermark to
      its end. In `complete` mode none does, and a later event can still merge two sessions.
    - An event is late if a session of it alone would have been closed in an earlier batch.

    Args:
        stream: the events, or the rows of a join.
        schema: the columns of the events.
        to_row: returns the row of a session, whose events are in the order of their times.
        mode: the output mode.
        gap: the time after its last event at which a session ends.
    """
    pause = to_timedelta(gap)
    sessions: dict[Any, list[Window]] = defaultdict(list)
    closed: list[Window] = []
    late = 0
    for batch in stream.batches:
        for event in batch.events:
            key, start = _key_of(event, schema), event[schema.time]
            if start + pause <= batch.late_until:
                late += 1
            else:
                sessions[key].append(Window(start, start + pause, key, [event]))
        for key, found in sessions.items():
            merged = _merge(found, schema.time)
            if mode == "append":
                closed += [session for session in merged if session.end <= batch.watermark]
                merged = [session for session in merged if session.end > batch.watermark]
            sessions[key] = merged
    return _expect(
        stream,
        to_row,
        mode,
        closed=closed,
        still_open=[session for found in sessions.values() for session in found],
        late=late,
        derived=stream.derived,
    )


def _key_of(event: Event, schema: EventSchema) -> Any:
    values = tuple(event[name] for name in schema.keys)
    return values[0] if len(values) == 1 else values


def _starts(time: datetime, size: timedelta, step: timedelta, first: datetime) -> list[datetime]:
    """Return the starts of all windows that contain a time; one window starts at `first`."""
    last = time - (time - first) % step
    return [last - number * step for number in range(-(-(size - (time - last)) // step))]


def _merge(sessions: Iterable[Window], time: str) -> list[Window]:
    """Merge sessions of a key that overlap or touch."""
    merged: list[Window] = []
    for session in sorted(sessions, key=lambda session: session.start):
        if merged and session.start <= merged[-1].end:
            last = merged[-1]
            events = sorted([*last.events, *session.events], key=lambda event: event[time])
            merged[-1] = Window(last.start, max(last.end, session.end), session.key, events)
        else:
            merged.append(session)
    return merged


def _expect(
    stream: Stream,
    to_row: Callable[[Window], Row],
    mode: OutputMode,
    *,
    closed: Sequence[Window],
    still_open: Sequence[Window],
    late: int,
    derived: Sequence[Derived],
) -> Result:
    written, pending = (closed, still_open) if mode == "append" else ([*closed, *still_open], [])
    return Result(
        rows=[to_row(window) for window in written],
        pending=[to_row(window) for window in pending],
        late=late + stream.late,
        derived=derived,
        duplicates=stream.duplicates,
        # In other modes, Spark also keeps windows whose rows it has written.
        retained=stream.retained if mode == "append" else 0,
    )
