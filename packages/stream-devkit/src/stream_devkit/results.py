"""Rows of a result as a client reads them, with the values that the columns hold in Python."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from .events.typed import typed
from .events.values import NESTED, Value, base_of, fields_of, inside, parts
from .verdict import Row

Kinds = Mapping[str, str]
"""The columns of a result and their Spark types."""


def from_json(kinds: Kinds, row: Mapping[str, Any]) -> Row:
    """Return a row that was read from JSON, or from text.

    A column without a type, such as an aggregate that the owner has added, keeps its value; its
    decimal numbers are a DOUBLE.
    """
    return {
        name: typed(kinds[name], value) if name in kinds else _without_type(value)
        for name, value in row.items()
    }


def from_arrow(kinds: Kinds, row: Mapping[str, Any]) -> Row:
    """Return a row that was read with Arrow, where a map is a list of pairs."""
    return {name: _with_maps(kinds.get(name, ""), value) for name, value in row.items()}


def newest(rows: Iterable[Row], key: Sequence[str], time: str | None = None) -> list[Row]:
    """Return for each key the row with the newest time, or the last row if there is no time."""
    held: dict[tuple[Value, ...], Row] = {}
    for row in rows:
        identity = tuple(row[name] for name in key)
        if time is None or row[time] >= held.get(identity, row)[time]:
            held[identity] = row
    return list(held.values())


def _without_type(value: Any) -> Value:
    return float(value) if isinstance(value, Decimal) else value


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
