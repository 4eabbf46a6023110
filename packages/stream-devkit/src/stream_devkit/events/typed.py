"""The conversion of JSON values to the Python values of Spark's DDL types."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from .values import FLOATING, INTEGERS, Value, base_of, fields_of, inside, parts


def typed(kind: str, value: Any) -> Value:
    """Return a value of JSON as the Python value of a type."""
    return None if value is None else READERS[base_of(kind)](kind, value)


def _time(_: str, value: str) -> datetime:
    time = datetime.fromisoformat(value)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _array(kind: str, value: list[Any]) -> list[Value]:
    return [typed(inside(kind), element) for element in value]


def _map(kind: str, value: Mapping[str, Any]) -> dict[str, Value]:
    of_keys, of_values = parts(inside(kind))
    return {typed(of_keys, key): typed(of_values, one) for key, one in value.items()}


def _struct(kind: str, value: Mapping[str, Any]) -> dict[str, Value]:
    return {name: typed(of, value.get(name)) for name, of in fields_of(kind).items()}


READERS: dict[str, Callable[[str, Any], Value]] = {
    **dict.fromkeys(INTEGERS, lambda _, value: int(value)),
    **dict.fromkeys(FLOATING, lambda _, value: float(value)),
    "STRING": lambda _, value: value,
    "BOOLEAN": lambda _, value: value in {True, "true"},
    # By way of text, because a JSON number has the digits of a float.
    "DECIMAL": lambda _, value: Decimal(str(value)),
    "DATE": lambda _, value: date.fromisoformat(value),
    "TIMESTAMP": _time,
    "TIMESTAMP_NTZ": lambda _, value: datetime.fromisoformat(value),
    "BINARY": lambda _, value: base64.b64decode(value),
    "ARRAY": _array,
    "MAP": _map,
    "STRUCT": _struct,
}
