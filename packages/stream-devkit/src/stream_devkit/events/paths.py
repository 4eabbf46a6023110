"""Columns of an event that are fields of structs in its record."""

from collections.abc import Mapping, Sequence

from .values import Value, fields_of

Paths = Mapping[str, Sequence[str]]
"""The columns that are fields of structs, each with the names that lead to it."""


def to_record(values: Mapping[str, Value], paths: Paths) -> dict[str, Value]:
    """Return the record of an event: its columns, with those of paths in their structs.

    A column that the event does not have is not in its struct either.
    """
    record = {name: value for name, value in values.items() if name not in paths}
    for column, (*above, field) in paths.items():
        struct = record
        for name in above:
            struct[name] = dict(struct.get(name) or {})
            struct = struct[name]
        if column in values:
            struct[field] = values[column]
        else:
            struct.pop(field, None)
    return record


def structs(
    values: Mapping[str, Value], paths: Paths, columns: Mapping[str, str]
) -> dict[str, Value]:
    """Return the structs with fields that are columns, with these values; other fields are null."""
    found: dict[str, Value] = {}
    for column, (*above, field) in paths.items():
        struct, kinds = found, columns
        for name in above:
            kinds = fields_of(kinds[name])
            struct[name] = struct.get(name) or dict.fromkeys(kinds)
            struct = struct[name]
        struct[field] = values.get(column)
    return found


def find(record: Mapping[str, Value], path: Sequence[str]) -> Value:
    """Return the value at the path, None if there is none."""
    value: Value = record
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
