"""The test oracle: the result in plain Python, for the tests, the demo and file runs.

It shares no code with transform.py. Change the two together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stream_devkit.reconciliation import Expected
from stream_runtime.config import to_timedelta

from clickstream_metrics import schema
from clickstream_metrics.settings import Settings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Event = Mapping[str, Any]


def expected(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """Return the result if each micro-batch reads one element of `batches`.

    In: events with the columns of schema.py as Python values, times with a time zone.

    An event is late if its window closed in an earlier batch. A window closes in the batch after
    the one that advanced the watermark to its end. A batch without data follows the last
    element, in which Spark closes windows.
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
    """Return the start of the window that contains a time; windows are aligned to 1970 UTC."""
    return time - (time - EPOCH) % size


def _ms(time: datetime) -> datetime:
    """Round down to milliseconds, the precision of Spark's watermark."""
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
