{% set job = cookiecutter | stream_plan %}
{% set mean, upserted = job.visit.mean, job.write_disposition == "merge" %}
"""The test oracle: the result in plain Python, for the tests, the demo and file runs.

It shares no code with transform.py, visit_state.py or the logic of visits.py. Change them together:
this file says what a visit and one row of the result are, stream_devkit/oracle/ what Spark does
with the events of a stream.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from stream_devkit import oracle
from stream_runtime.config import to_timedelta

from {{ cookiecutter.__package }} import schema
{% if job.lookup %}
from {{ cookiecutter.__package }}.lookup import LABEL
{% endif %}
from {{ cookiecutter.__package }}.settings import Settings
{% if mean %}
from {{ cookiecutter.__package }}.visits import MEAN, NUMBER, RECENT, START
{% else %}
from {{ cookiecutter.__package }}.visits import NUMBER, START
{% endif %}


def expected(batches: oracle.Batches, settings: Settings) -> oracle.Result:
    """Return the result if each micro-batch reads one element of `batches`.

    In: events with the columns of schema.py as Python values, times with a time zone.

    The visit of an event is known after the watermark has reached it, independent of the batches.
    """
    idle = to_timedelta(settings.visits.idle)
    ordered = oracle.order(batches, schema.EVENT, delay=settings.watermark.delay)
    rows: list[dict[str, Any]] = []
    pending: list[oracle.Event] = []
    retained = 0
    for events in ordered.keys:
        done = [event for event in events if event[schema.EVENT_TIME] <= ordered.watermark]
        pending += events[len(done) :]
        visits = _visits(done, idle)
        rows += [row for visit in visits for row in _rows(visit)]
        if visits and visits[-1][-1][schema.EVENT_TIME] + idle > ordered.watermark:
{% if mean %}
            # One row for the visit, one for its last measures.
            retained += 1 + bool(_measures(visits[-1]))
{% else %}
            retained += 1
{% endif %}
    stream = oracle.Stream(
        [oracle.Batch(rows)],
        late=ordered.late,
        duplicates=ordered.duplicates,
        pending=pending,
        retained=retained,
    )
    {{ "found =" if job.lookup else "return" }} oracle.collect(
        stream,
        schema.EVENT,
{% if upserted %}
        newest_of=schema.RESULT_KEY,
{% endif %}
    )
{% if job.lookup %}
    return oracle.look_up(found, settings.lookup, schema.KEY, LABEL)
{% endif %}


def _visits(events: Sequence[oracle.Event], idle: timedelta) -> list[list[oracle.Event]]:
    """Split the ordered events of one key at pauses longer than `idle`."""
    visits: list[list[oracle.Event]] = []
    for event in events:
        if visits and event[schema.EVENT_TIME] - visits[-1][-1][schema.EVENT_TIME] <= idle:
            visits[-1].append(event)
        else:
            visits.append([event])
    return visits


def _rows(visit: Sequence[oracle.Event]) -> list[dict[str, Any]]:
    rows = []
{% if mean %}
    measures: list[float] = []
{% endif %}
    for number, event in enumerate(visit, 1):
        row = {name: event.get(name) for name in schema.COLUMNS}
{% if mean %}
        measures += _measures([event])
        mean = _mean(measures[-RECENT:])
        rows.append({**row, START: visit[0][schema.EVENT_TIME], NUMBER: number, MEAN: mean})
{% else %}
        rows.append({**row, START: visit[0][schema.EVENT_TIME], NUMBER: number})
{% endif %}
    return rows
{% if mean %}


def _measures(events: Sequence[oracle.Event]) -> list[float]:
    values = (event.get(schema.MEASURES[0]) for event in events)
    return [float(value) for value in values if value is not None]


def _mean(measures: Sequence[float]) -> float | None:
    return sum(measures) / len(measures) if measures else None
{% endif %}
