"""Rows of the result as Arrow has them, back as what their columns hold in Python."""

from collections.abc import Mapping
from typing import Any

from clickstream_metrics import schema

from dev.values import NESTED, Value, base_of, fields_of, inside, parts
from dev.verdict import Row

KINDS = {
    "window_start": "TIMESTAMP",
    "window_end": "TIMESTAMP",
    schema.KEY: schema.COLUMNS[schema.KEY],
    "event_count": "BIGINT",
    # A total is as exact as its measure.
    **{f"total_{measure}": schema.COLUMNS[measure] for measure in schema.MEASURES},
}
"""The columns of the result, and what each holds."""


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
