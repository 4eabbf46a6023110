{% set sliding = cookiecutter.window == "sliding" %}
{% set mode = cookiecutter.output_mode %}
{% set job = cookiecutter | stream_plan %}
{% set dedup, lookup = job.deduplicates, job.lookup %}
"""The result computed a second time, in plain Python: what tests and the demo compare with.

It shares no line with transform.py. Change the two together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from . import schema
{% if lookup %}
from .labels import labelled
{% endif %}
from .runtime.accounting import Expected
from .runtime.config import to_timedelta
from .settings import Settings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Event = Mapping[str, Any]


def {{ 'unlabelled' if lookup else 'expected' }}(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """What the stream must yield when each element of `batches` is read by one micro-batch.

    In: events with the columns of schema.py as Python values, times with a time zone.

{% if dedup %}
    An event is late when its time is not after the watermark that the batch before worked with,
    so none is in time and its window closed.
{% if mode == "append" %}
    A window closes in the batch after the one that moved the watermark to its end; the last
    element is followed by the batch without data in which Spark closes windows.
{% endif %}
{% elif mode == "complete" %}
    No window closes, so no event is late: the result is of all events.
{% else %}
    An event is late when its window closed in an earlier batch; a window closes in the batch
    after the one that moved the watermark to its end. The last element is followed by the
    batch without data in which Spark closes windows.
{% endif %}
    """
    size = to_timedelta(settings.window.duration)
{% if sliding %}
    slide = to_timedelta(settings.window.slide)
{% endif %}
{% if dedup %}
    seen = Seen(to_timedelta(settings.watermark.delay))
{% elif mode != "complete" %}
    delay = to_timedelta(settings.watermark.delay)
{% endif %}
    windows: dict[tuple[datetime, Any], list[Event]] = defaultdict(list)
{% if sliding %}
    placed = 0
{% endif %}
{% if dedup or mode == "complete" %}
    for batch in batches:
        for event in {{ "seen.fresh(batch)" if dedup else "batch" }}:
{% if sliding %}
            for start in window_starts(event[schema.EVENT_TIME], size, slide):
                placed += 1
                windows[start, event[schema.KEY]].append(event)
{% else %}
            start = window_start(event[schema.EVENT_TIME], size)
            windows[start, event[schema.KEY]].append(event)
{% endif %}
{% else %}
    watermark = closed_before = EPOCH
    late = 0
    for batch in batches:
        for event in batch:
{% if sliding %}
            for start in window_starts(event[schema.EVENT_TIME], size, slide):
                placed += 1
                if start + size <= closed_before:
                    late += 1
                else:
                    windows[start, event[schema.KEY]].append(event)
{% else %}
            start = window_start(event[schema.EVENT_TIME], size)
            if start + size <= closed_before:
                late += 1
            else:
                windows[start, event[schema.KEY]].append(event)
{% endif %}
        times = [event[schema.EVENT_TIME] for event in batch]
        closed_before, watermark = watermark, max([watermark, *(_ms(t) - delay for t in times)])
{% endif %}
{% if mode == "append" %}
    closed = {place for place in windows if place[0] + size <= {{ "seen." if dedup }}watermark}
{% endif %}
    return Expected(
{% if mode == "append" %}
        rows=[_row(*place, size, windows[place]) for place in closed],
        waiting=[_row(*place, size, windows[place]) for place in windows.keys() - closed],
{% else %}
        rows=[_row(*place, size, events) for place, events in windows.items()],
{% endif %}
{% if dedup %}
        late=seen.late,
        duplicates=seen.repeats,
{% if mode == "append" %}
        remembered=seen.remembered,
{% endif %}
{% elif mode != "complete" %}
        late=late,
{% endif %}
{% if dedup and sliding %}
        placed=placed + seen.late + seen.repeats,
{% elif sliding %}
        placed=placed,
{% endif %}
    )


{% if sliding %}
def window_starts(time: datetime, size: timedelta, slide: timedelta) -> list[datetime]:
    """The starts of all windows that hold an instant; one of them is aligned to 1970 UTC."""
    last = time - (time - EPOCH) % slide
    return [last - number * slide for number in range(-(-(size - (time - last)) // slide))]
{% else %}
def window_start(time: datetime, size: timedelta) -> datetime:
    """The start of the window in which an instant lies; windows are aligned to 1970 UTC."""
    return time - (time - EPOCH) % size
{% endif %}
{% if mode != "complete" and not dedup %}


{% include "expected/milliseconds.py" %}
{% endif %}


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
{% if dedup %}
{% include "expected/deduplicate.py" %}
{% endif %}
