{% set job = cookiecutter | stream_plan %}
{% set upserted = job.result_state == "upserted" %}
{% set events = "seen.fresh(batch)" if job.deduplicates else "batch" %}
"""The test oracle: the result in plain Python, for the tests, the demo and file runs.

It shares no code with transform.py. Change the two together.
"""

from collections.abc import Iterable, Mapping, Sequence
{% if job.deduplicates %}
from datetime import UTC, datetime, timedelta
{% elif not upserted %}
from itertools import chain
{% endif %}
from typing import Any

from stream_devkit.reconciliation import Expected
{% if job.deduplicates %}
from stream_runtime.config import to_timedelta
{% endif %}

from {{ cookiecutter.__package }} import schema
from {{ cookiecutter.__package }}.settings import Settings
{% if job.lookup %}

from tests.oracle_lookup import labelled
{% endif %}

{% if job.deduplicates %}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

{% endif %}
Event = Mapping[str, Any]


def {{ 'unlabelled' if job.lookup else 'expected' }}(batches: Iterable[Sequence[Event]], settings: Settings) -> Expected:
    """Return the result if each micro-batch reads one element of `batches`.

    In: events with the columns of schema.py as Python values, times with a time zone.
{% if job.deduplicates %}

    An event is late if its time is not after the watermark of the previous batch.
{% endif %}
{% if upserted %}

{% if job.deduplicates %}
    Of several events with one id that are not duplicates, the newest is in the result.
{% else %}
    Of several events with one id, the newest by event time is in the result.
{% endif %}
{% endif %}
    """
{% if job.deduplicates %}
    seen = Seen(to_timedelta(settings.watermark.delay))
{% endif %}
{% if upserted %}
    newest: dict[Any, Event] = {}
    replaced = 0
    for batch in batches:
        for event in {{ events }}:
            replaced += event[schema.EVENT_ID] in newest
            before = newest.get(event[schema.EVENT_ID], event)
            if event[schema.EVENT_TIME] >= before[schema.EVENT_TIME]:
                newest[event[schema.EVENT_ID]] = event
    rows = [_row(event) for event in newest.values()]
{% if job.deduplicates %}
    duplicates = seen.repeats + replaced
    return Expected(rows, late=seen.late, duplicates=duplicates, remembered=seen.remembered)
{% else %}
    return Expected(rows, duplicates=replaced)
{% endif %}
{% elif job.deduplicates %}
    rows = [_row(event) for batch in batches for event in seen.fresh(batch)]
    return Expected(rows, late=seen.late, duplicates=seen.repeats, remembered=seen.remembered)
{% else %}
    return Expected([_row(event) for event in chain.from_iterable(batches)])
{% endif %}


def _row(event: Event) -> dict[str, Any]:
    return {name: event.get(name) for name in schema.COLUMNS}
{% if job.deduplicates %}
{% include "state/deduplicate/oracle.py" %}
{% endif %}
