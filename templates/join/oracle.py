{% set job = cookiecutter | stream_plan %}
{% set left = cookiecutter.join == "stream_left" %}
{% set upserted = job.result_state == "upserted" %}
"""The test oracle: the result in plain Python, for the tests, the demo and file runs.

It shares no code with transform.py. Change the two together.
"""

{% if upserted %}
from typing import Any

{% endif %}
from stream_devkit.reconciliation import Expected

{% if upserted %}
from {{ cookiecutter.__package }} import schema
{% endif %}
from {{ cookiecutter.__package }}.settings import Settings

from tests.oracle_join import Batches, Partners, {{ "Row, " if upserted }}in_step


def expected(events: Batches, right: Batches, settings: Settings) -> Expected:
    """Return the result if each micro-batch reads one element of `events` and one of `right`.

    In: events with the columns of schema.py as Python values, times with a time zone.

    An event is late if its time is not after the watermark of the previous batch.
{% if left %}
    A batch without data follows the last one; it writes events without a match.
{% endif %}
{% if upserted %}

    Of several rows with the same pair of ids, the one with the newest event is in the result.
{% endif %}
    """
    partners = Partners(settings)
    rows = [row for batch in in_step(events, right) for row in partners.rows(*batch)]
{% if upserted %}
    newest: dict[Any, Row] = {}
    for row in rows:
        ids = tuple(row[name] for name in schema.RESULT_KEY)
        if row[schema.EVENT_TIME] >= newest.get(ids, row)[schema.EVENT_TIME]:
            newest[ids] = row
{% endif %}
    return Expected(
{% if upserted %}
        list(newest.values()),
        duplicates=len(rows) - len(newest),
{% else %}
        rows,
{% endif %}
        late=partners.late,
{% if left %}
        waiting=partners.waiting,
        placed=len(rows) + len(partners.waiting) + partners.late,
        remembered=partners.kept - len(partners.waiting),
{% else %}
        placed=len(rows) + partners.late,
        remembered=partners.kept,
{% endif %}
    )
