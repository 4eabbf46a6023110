{% set job = cookiecutter | stream_plan %}
{% set mean, upserted = job.visit.mean, job.result_state == "upserted" %}
"""The test oracle: the result in plain Python, for the tests, the demo and file runs.

It shares no code with transform.py, visit_state.py or the logic of visits.py. Change them together.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stream_devkit.reconciliation import Expected
from stream_runtime.config import to_timedelta

from {{ cookiecutter.__package }} import schema
from {{ cookiecutter.__package }}.settings import Settings
{% if mean %}
from {{ cookiecutter.__package }}.visits import MEAN, NUMBER, RECENT, START
{% else %}
from {{ cookiecutter.__package }}.visits import NUMBER, START
{% endif %}
{% if job.lookup %}

from tests.oracle_lookup import labelled
{% endif %}

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Event = Mapping[str, Any]


def {{ 'unlabelled' if job.lookup else 'expected' }}(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """Return the result if each micro-batch reads one element of `batches`.

    In: events with the columns of schema.py as Python values, times with a time zone.

    An event is late if its time is not after the watermark of the previous batch.
    Its visit is known after the watermark has reached it, independent of the batches.
{% if upserted %}
    Of several events with one id, the newest is in the result.
{% endif %}
    """
    idle, seen = to_timedelta(settings.visits.idle), Seen(to_timedelta(settings.watermark.delay))
    for batch in batches:
        seen.read(batch)
    rows: list[dict[str, Any]] = []
    waiting: list[Event] = []
    remembered = 0
    for events in seen.of_key.values():
        ordered = [events[place] for place in sorted(events)]
        done = [event for event in ordered if event[schema.EVENT_TIME] <= seen.watermark]
        waiting += ordered[len(done) :]
        visits = _visits(done, idle)
        rows += [row for visit in visits for row in _rows(visit)]
        if visits and visits[-1][-1][schema.EVENT_TIME] + idle > seen.watermark:
{% if mean %}
            # One row for the visit, one for its last measures.
            remembered += 1 + bool(_measures(visits[-1]))
{% else %}
            remembered += 1
{% endif %}
{% if upserted %}
    newest: dict[Any, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row[schema.EVENT_TIME]):
        newest[row[schema.EVENT_ID]] = row
    replaced = len(rows) - len(newest)
    rows = list(newest.values())
{% endif %}
    return Expected(
        rows,
        waiting=waiting,
        late=seen.late,
        duplicates=seen.repeats{{ " + replaced" if upserted }},
        remembered=remembered,
    )


class Seen:
    """The events that are not late, without duplicates: per key by time and {{ "id" if job.roles.id else "content" }}."""

    def __init__(self, delay: timedelta) -> None:
        self.late = self.repeats = 0
        self.watermark = EPOCH
        self.of_key: dict[Any, dict[tuple[datetime, str], Event]] = defaultdict(dict)
        self._delay = delay
        self._late_until = EPOCH

    def read(self, batch: Sequence[Event]) -> None:
        """Read one micro-batch."""
        for event in batch:
            self._take(event)
        newest = max((event[schema.EVENT_TIME] for event in batch), default=EPOCH)
        self._late_until = self.watermark
        self.watermark = max(self.watermark, _ms(newest) - self._delay)

    def _take(self, event: Event) -> None:
        if event[schema.EVENT_TIME] <= self._late_until:
            self.late += 1
            return
{% if job.roles.id %}
        place = event[schema.EVENT_TIME], str(event[schema.EVENT_ID])
{% else %}
        place = event[schema.EVENT_TIME], _text(event)
{% endif %}
        events = self.of_key[event[schema.KEY]]
        self.repeats += place in events
        events[place] = min(events.get(place, event), event, key=_text)


def _text(event: Event) -> str:
    values = {name: event.get(name) for name in schema.COLUMNS}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=str)


def _visits(events: Sequence[Event], idle: timedelta) -> list[list[Event]]:
    """Split the ordered events of one key at pauses longer than `idle`."""
    visits: list[list[Event]] = []
    for event in events:
        if visits and event[schema.EVENT_TIME] - visits[-1][-1][schema.EVENT_TIME] <= idle:
            visits[-1].append(event)
        else:
            visits.append([event])
    return visits


def _rows(visit: Sequence[Event]) -> list[dict[str, Any]]:
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


def _measures(events: Sequence[Event]) -> list[float]:
    values = (event.get(schema.MEASURES[0]) for event in events)
    return [float(value) for value in values if value is not None]


def _mean(measures: Sequence[float]) -> float | None:
    return sum(measures) / len(measures) if measures else None
{% endif %}


{% include "shared/milliseconds.py" %}
