{% set sliding = cookiecutter.window == "sliding" %}
{% set mode = cookiecutter.output_mode %}
{% set job = cookiecutter | stream_plan %}
{% set dedup, lookup, right = job.deduplicates, job.lookup, job.right %}
{% set ahead = "partners" if right else "seen" %}
"""The test oracle: the result in plain Python, for the tests, the demo and file runs.

It shares no code with transform.py. Change the two together.
"""

from collections import defaultdict
from collections.abc import {{ "Iterable, " if not right }}Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stream_devkit.reconciliation import Expected
from stream_runtime.config import to_timedelta

from {{ cookiecutter.__package }} import schema
from {{ cookiecutter.__package }}.settings import Settings
{% if lookup %}

from tests.oracle_lookup import labelled
{% endif %}
{% if right %}

from tests.oracle_join import Batches, Partners, in_step
{% endif %}

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Event = Mapping[str, Any]


{% if right %}
def expected(events: Batches, right: Batches, settings: Settings) -> Expected:
    """Return the result if each micro-batch reads one element of `events` and one of `right`.
{% else %}
def {{ 'unlabelled' if lookup else 'expected' }}(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """Return the result if each micro-batch reads one element of `batches`.
{% endif %}

    In: events with the columns of schema.py as Python values, times with a time zone.

{% if right %}
    An event is late if its time is not after the watermark of the previous batch.
{% if mode == "append" %}
    A window closes when no more pairs can belong to it: `join.within` later than without a
    join. A batch without data follows the last one, in which Spark closes windows.
{% endif %}
{% elif dedup %}
    An event is late if its time is not after the watermark of the previous batch,
    so an event that is not late never has a closed window.
{% if mode == "append" %}
    A window closes in the batch after the one that advanced the watermark to its end. A batch
    without data follows the last element, in which Spark closes windows.
{% endif %}
{% elif mode == "complete" %}
    No window closes, so no event is late: the result contains all events.
{% else %}
    An event is late if its window closed in an earlier batch. A window closes in the batch after
    the one that advanced the watermark to its end. A batch without data follows the last
    element, in which Spark closes windows.
{% endif %}
    """
    size = to_timedelta(settings.window.duration)
{% if sliding %}
    slide = to_timedelta(settings.window.slide)
{% endif %}
{% if right %}
    partners = Partners(settings)
{% elif dedup %}
    seen = Seen(to_timedelta(settings.watermark.delay))
{% elif mode != "complete" %}
    delay = to_timedelta(settings.watermark.delay)
{% endif %}
    windows: dict[tuple[datetime, Any], list[Event]] = defaultdict(list)
{% if sliding and not right %}
    placed = 0
{% endif %}
{% if job.drops_behind or mode == "complete" %}
    for batch in {{ "in_step(events, right)" if right else "batches" }}:
        for event in {{ "partners.rows(*batch)" if right else "seen.fresh(batch)" if dedup else "batch" }}:
{% if sliding %}
            for start in window_starts(event[schema.EVENT_TIME], size, slide):
{% if not right %}
                placed += 1
{% endif %}
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
    closed = {place for place in windows if place[0] + size <= {{ ahead ~ "." if job.drops_behind }}watermark}
{% endif %}
    return Expected(
{% if mode == "append" %}
        rows=[_row(*place, size, windows[place]) for place in closed],
        waiting=[_row(*place, size, windows[place]) for place in windows.keys() - closed],
{% else %}
        rows=[_row(*place, size, events) for place, events in windows.items()],
{% endif %}
{% if right %}
        late=partners.late,
        remembered=partners.kept,
{% elif dedup %}
        late=seen.late,
        duplicates=seen.repeats,
{% if mode == "append" %}
        remembered=seen.remembered,
{% endif %}
{% elif mode != "complete" %}
        late=late,
{% endif %}
{% if right %}
        placed=sum(map(len, windows.values())) + partners.late,
{% elif dedup and sliding %}
        placed=placed + seen.late + seen.repeats,
{% elif sliding %}
        placed=placed,
{% endif %}
    )


{% if sliding %}
def window_starts(time: datetime, size: timedelta, slide: timedelta) -> list[datetime]:
    """Return the starts of all windows that contain a time; windows are aligned to 1970 UTC."""
    last = time - (time - EPOCH) % slide
    return [last - number * slide for number in range(-(-(size - (time - last)) // slide))]
{% else %}
def window_start(time: datetime, size: timedelta) -> datetime:
    """Return the start of the window that contains a time; windows are aligned to 1970 UTC."""
    return time - (time - EPOCH) % size
{% endif %}
{% if mode != "complete" and not job.drops_behind %}


{% include "shared/milliseconds.py" %}
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
{% include "state/deduplicate/oracle.py" %}
{% endif %}
