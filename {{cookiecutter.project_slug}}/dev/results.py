{% set job = cookiecutter | stream_plan %}
{% set keeps_newest = job.result_state == "upserted" or job.result_state == "replaced" and cookiecutter.sink == "kafka" %}
"""Rows of the result that come as text, back as what their columns hold in Python."""

{% if keeps_newest %}
from collections.abc import Iterable, Mapping
{% else %}
from collections.abc import Mapping
{% endif %}
from typing import Any

{% if job.custom %}
from {{ cookiecutter.__package }} import schema, visits
{% else %}
from {{ cookiecutter.__package }} import schema
{% endif %}
{% if job.lookup %}
from {{ cookiecutter.__package }}.lookup import LABEL
{% endif %}

from dev.typed import typed
{% if keeps_newest and not job.windowed %}
from dev.values import Value
{% endif %}
from dev.verdict import Row

ADDED = {
    "window_start": "TIMESTAMP",
    "window_end": "TIMESTAMP",
    "event_count": "BIGINT",
{% if job.custom %}
    visits.START: "TIMESTAMP",
    visits.NUMBER: "BIGINT",
{% if job.visit.mean %}
    visits.MEAN: "DOUBLE",
{% endif %}
{% endif %}
{% if job.lookup %}
    LABEL: "STRING",
{% endif %}
{% if job.right %}
    **{new: schema.RIGHT.columns[name] for name, new in schema.RIGHT_NAMES.items()},
{% endif %}
}


def in_python(row: Mapping[str, Any]) -> Row:
    """A row as JSON has it, typed."""
    return {name: typed(kind_of(name), value) for name, value in row.items()}


{% if keeps_newest %}
def newest(rows: Iterable[Row]) -> list[Row]:
{% if job.windowed %}
    """Of each key the last row."""
    return list({tuple(row[name] for name in schema.RESULT_KEY): row for row in rows}.values())
{% else %}
    """Of each key the row with the newest event, whenever it was written."""
    held: dict[tuple[Value, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in schema.RESULT_KEY)
        if row[schema.EVENT_TIME] >= held.get(key, row)[schema.EVENT_TIME]:
            held[key] = row
    return list(held.values())
{% endif %}


{% endif %}
def kind_of(name: str) -> str:
    """The type of a column of the result; a total is as exact as its measure."""
    return (ADDED | schema.COLUMNS).get(name) or schema.COLUMNS[name.removeprefix("total_")]
