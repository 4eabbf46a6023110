{% set job = cookiecutter | stream_plan %}
{% set as_text = job.sink.read_back == "text" %}
{% set by_arrow = job.sink.read_back == "arrow" %}
{% set keeps_newest = as_text and (job.result_state == "upserted" or job.result_state == "replaced" and job.sink.is_log) %}
{% if as_text %}
"""Rows of the result that come as text, back as what their columns hold in Python."""

{% if keeps_newest %}
from collections.abc import Iterable, Mapping
{% else %}
from collections.abc import Mapping
{% endif %}
from typing import Any

{% elif by_arrow %}
"""Rows of the result as Arrow has them, back as what their columns hold in Python."""

from collections.abc import Mapping
from typing import Any

{% else %}
"""What the columns of the result hold."""

{% endif %}
{% if job.custom %}
from {{ cookiecutter.__package }} import schema, visits
{% else %}
from {{ cookiecutter.__package }} import schema
{% endif %}
{% if job.lookup %}
from {{ cookiecutter.__package }}.lookup import LABEL
{% endif %}
{% if as_text %}

from dev.typed import typed
{% if keeps_newest and not job.windowed %}
from dev.values import Value
{% endif %}
from dev.verdict import Row
{% elif by_arrow %}

from dev.values import NESTED, Value, base_of, fields_of, inside, parts
from dev.verdict import Row
{% endif %}

KINDS = {
{% if job.windowed %}
    "window_start": "TIMESTAMP",
    "window_end": "TIMESTAMP",
    schema.KEY: schema.COLUMNS[schema.KEY],
    "event_count": "BIGINT",
    # A total is as exact as its measure.
    **{f"total_{measure}": schema.COLUMNS[measure] for measure in schema.MEASURES},
{% else %}
    **schema.COLUMNS,
{% endif %}
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
{% if job.right and not job.windowed %}
    **{new: schema.RIGHT.columns[name] for name, new in schema.RIGHT_NAMES.items()},
{% endif %}
}
"""The columns of the result, and what each holds."""
{% if by_arrow %}


def in_python(row: Mapping[str, Any]) -> Row:
    """A row in which maps are no longer lists of pairs."""
    return {name: _with_maps(KINDS.get(name, ""), value) for name, value in row.items()}


def _with_maps(kind: str, value: Any) -> Value:
    base = base_of(kind)
    if value is None or base not in NESTED:
        return value
    if base == "ARRAY":
        return [_with_maps(inside(kind), element) for element in value]
    if base == "STRUCT":
        return {name: _with_maps(of, value[name]) for name, of in fields_of(kind).items()}
    _, of_values = parts(inside(kind))
    return {key: _with_maps(of_values, one) for key, one in value}
{% endif %}
{% if as_text %}


def in_python(row: Mapping[str, Any]) -> Row:
    """A row as JSON has it, typed."""
    return {name: typed(KINDS[name], value) for name, value in row.items()}
{% endif %}
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
