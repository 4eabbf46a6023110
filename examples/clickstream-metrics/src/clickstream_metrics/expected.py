"""The result computed a second time, in plain Python: what tests and the demo compare with.

It shares no line with transform.py. Change the two together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from . import schema
from .runtime.accounting import Expected
from .runtime.config import to_timedelta
from .settings import Settings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Event = Mapping[str, Any]


def expected(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """What the stream must yield when each element of `batches` is read by one micro-batch.

    In: events with the columns of schema.py as Python values, times with a time zone.

    An event is late when its window closed in an earlier batch; a window closes in the batch
    after the one that moved the watermark to its end. The last element is followed by the
    batch without data in which Spark closes windows.
    """
    size = to_timedelta(settings.window.duration)
    delay = to_timedelta(settings.watermark.delay)
    windows: dict[tuple[datetime, Any], list[Event]] = defaultdict(list)
    watermark = closed_before = EPOCH
    late = 0
    for batch in batches:
        for event in batch:
            start = window_start(event[schema.EVENT_TIME], size)
            if start + size <= closed_before:
                late += 1
            else:
                windows[start, event[schema.KEY]].append(event)
        times = [event[schema.EVENT_TIME] for event in batch]
        closed_before, watermark = watermark, max([watermark, *(_ms(t) - delay for t in times)])
    closed = {place for place in windows if place[0] + size <= watermark}
    return Expected(
        rows=[_row(*place, size, windows[place]) for place in closed],
        waiting=[_row(*place, size, windows[place]) for place in windows.keys() - closed],
        late=late,
    )


def window_start(time: datetime, size: timedelta) -> datetime:
    """The start of the window in which an instant lies; windows are aligned to 1970 UTC."""
    return time - (time - EPOCH) % size


def _ms(time: datetime) -> datetime:
    """Spark keeps the watermark in whole milliseconds."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _row(start: datetime, key: Any, size: timedelta, events: Sequence[Event]) -> dict[str, Any]:
    row = {
        "window_start": start,
        "window_end": start + size,
        schema.KEY: key,
        "event_count": len(events),
    }
    for measure in schema.MEASURES:
        row[f"total_{measure}"] = sum(event.get(measure) or 0 for event in events)
    return row
