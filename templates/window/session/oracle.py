{% set mode = cookiecutter.output_mode %}
{% set job = cookiecutter | stream_plan %}
{% set dedup, lookup, right = job.deduplicates, job.lookup, job.right %}
{% set ahead = "partners" if right else "seen" %}
"""The test oracle: the result in plain Python, for the tests, the demo and file runs.

It shares no code with transform.py. Change the two together.
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

{% if not right %}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

{% endif %}
Event = Mapping[str, Any]
Session = list[Event]
"""The events of one session, in event-time order."""


{% if right %}
def expected(events: Batches, right: Batches, settings: Settings) -> Expected:
    """Return the result if each micro-batch reads one element of `events` and one of `right`.
{% else %}
def {{ 'unlabelled' if lookup else 'expected' }}(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """Return the result if each micro-batch reads one element of `batches`.
{% endif %}

    In: events with the columns of schema.py as Python values, times with a time zone.

{% if job.drops_behind %}
    An event is late if its time is not after the watermark of the previous batch.
{% else %}
    An event is late if a session of it alone would have ended before an earlier watermark.
{% endif %}
{% if mode == "complete" %}
    No session closes, so a later event can still merge two sessions.
{% elif right %}
    A session closes when no more pairs can belong to it: `join.within` later than without a
    join. A batch without data follows the last one, in which Spark closes sessions.
{% else %}
    A session closes in the batch after the one that advanced the watermark to its end. A batch
    without data follows the last element, in which Spark closes sessions.
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
    """Return the sessions after merging those that overlap or touch."""
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
{% include "shared/milliseconds.py" %}


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
{% include "state/deduplicate/oracle.py" %}
{% endif %}
