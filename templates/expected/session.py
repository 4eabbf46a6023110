{% set mode = cookiecutter.output_mode %}
{% set job = cookiecutter | stream_plan %}
{% set dedup, lookup, right = job.deduplicates, job.lookup, job.right %}
{% set ahead = "partners" if right else "seen" %}
"""The result computed a second time, in plain Python: what tests and the demo compare with.

It shares no line with transform.py. Change the two together.
"""

from collections import defaultdict
{% if right %}
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
{% else %}
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
{% endif %}
from typing import Any

from . import schema
{% if lookup %}
from .labels import labelled
{% endif %}
{% if right %}
from .partners import Batches, Partners, in_step
{% endif %}
from .runtime.accounting import Expected
from .runtime.config import to_timedelta
from .settings import Settings

{% if not right %}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

{% endif %}
Event = Mapping[str, Any]
Session = list[Event]
"""The events of one session, in the order of their times."""


{% if right %}
def expected(events: Batches, right: Batches, settings: Settings) -> Expected:
    """What the stream must yield when a micro-batch reads one element of `events` and of `right`.
{% else %}
def {{ 'unlabelled' if lookup else 'expected' }}(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """What the stream must yield when each element of `batches` is read by one micro-batch.
{% endif %}

    In: events with the columns of schema.py as Python values, times with a time zone.

{% if job.drops_behind %}
    An event is late when its time is not after the watermark that the batch before worked with.
{% else %}
    An event is late when a session of it alone would have ended before an earlier watermark.
{% endif %}
{% if mode == "complete" %}
    No session ends, so that a later event may still join two that were apart.
{% elif right %}
    A session ends once no more pairs can come that are in it: `join.within` later than without
    a join. The batch without data in which Spark ends sessions follows the last one.
{% else %}
    A session ends in the batch after the one that moved the watermark to its end; the last
    element is followed by the batch without data in which Spark ends sessions.
{% endif %}
    """
{% if right %}
    gap, partners = to_timedelta(settings.window.gap), Partners(settings)
{% elif dedup %}
    gap, seen = to_timedelta(settings.window.gap), Seen(to_timedelta(settings.watermark.delay))
{% else %}
    gap, delay = to_timedelta(settings.window.gap), to_timedelta(settings.watermark.delay)
{% endif %}
    sessions: dict[Any, list[Session]] = defaultdict(list)
{% if right %}
    pairs = 0
{% endif %}
{% if mode != "complete" %}
    ended: list[tuple[Any, Session]] = []
{% endif %}
{% if not job.drops_behind %}
    watermark = ended_before = EPOCH
    late = 0
{% endif %}
    for batch in {{ "in_step(events, right)" if right else "[*batches, []]" }}:
{% if job.drops_behind %}
{% if mode != "complete" %}
        watermark = {{ ahead }}.watermark
{% endif %}
        for event in {{ "partners.rows(*batch)" if right else "seen.fresh(batch)" }}:
{% if right %}
            pairs += 1
{% endif %}
            sessions[event[schema.KEY]].append([event])
{% else %}
        for event in batch:
            if event[schema.EVENT_TIME] + gap <= ended_before:
                late += 1
            else:
                sessions[event[schema.KEY]].append([event])
{% endif %}
        for key, found in sessions.items():
{% if mode == "complete" %}
            sessions[key] = _merged(found, gap)
{% else %}
            merged = _merged(found, gap)
            ended += [(key, session) for session in merged if _end(session, gap) <= watermark]
            sessions[key] = [session for session in merged if _end(session, gap) > watermark]
{% endif %}
{% if not job.drops_behind %}
        times = [event[schema.EVENT_TIME] for event in batch]
        ended_before, watermark = watermark, max([watermark, *(_ms(t) - delay for t in times)])
{% endif %}
{% if mode == "complete" %}
    rows = [_row(key, session, gap) for key, found in sessions.items() for session in found]
{% if dedup %}
    return Expected(rows, late=seen.late, duplicates=seen.repeats)
{% else %}
    return Expected(rows, late=late)
{% endif %}
{% else %}
    return Expected(
        rows=[_row(key, session, gap) for key, session in ended],
        waiting=[_row(key, session, gap) for key, found in sessions.items() for session in found],
{% if right %}
        late=partners.late,
        placed=pairs + partners.late,
        remembered=partners.kept,
{% elif dedup %}
        late=seen.late,
        duplicates=seen.repeats,
        remembered=seen.remembered,
{% else %}
        late=late,
{% endif %}
    )
{% endif %}


def _merged(sessions: Iterable[Session], gap: timedelta) -> list[Session]:
    """The same events, where a session that begins before another has ended is one with it."""
    merged: list[Session] = []
    for session in sorted(sessions, key=_start):
        if merged and _start(session) <= _end(merged[-1], gap):
            merged[-1] = sorted(merged[-1] + session, key=lambda event: event[schema.EVENT_TIME])
        else:
            merged.append(session)
    return merged


def _start(session: Session) -> datetime:
    start: datetime = session[0][schema.EVENT_TIME]
    return start


def _end(session: Session, gap: timedelta) -> datetime:
    last: datetime = session[-1][schema.EVENT_TIME]
    return last + gap


{% if not job.drops_behind %}
{% include "expected/milliseconds.py" %}


{% endif %}
def _row(key: Any, session: Session, gap: timedelta) -> dict[str, Any]:
    row = {
        "window_start": _start(session),
        "window_end": _end(session, gap),
        schema.KEY: key,
        "event_count": len(session),
    }
    for measure in schema.MEASURES:
        row[f"total_{measure}"] = sum(event.get(measure) or 0 for event in session)
    return row
{% if dedup %}
{% include "expected/deduplicate.py" %}
{% endif %}
