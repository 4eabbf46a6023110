"""Plausible values for the types of Spark's DDL: `INT`, `DECIMAL(9, 2)`, `ARRAY<DATE>`."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

Value = Any
"""A Python value of a column."""

WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "iris", "juniper")
FLOATING = frozenset({"DOUBLE", "FLOAT"})
INTEGERS = {"TINYINT": 100, "SMALLINT": 9_000, "INT": 5_000, "BIGINT": 5_000}
"""The integer types, each with the bound of its generated values."""
EPOCH = date(2020, 1, 1)
FIELD = re.compile(r"(`(?:[^`]|``)+`|[^\s:]+)\s*:?\s*(.+)", re.DOTALL)
"""The name and the type of a field of a STRUCT."""


def base_of(kind: str) -> str:
    """Return the name of a type without its arguments: `DECIMAL` for `DECIMAL(9, 2)`."""
    return re.split(r"[(<]", kind, maxsplit=1)[0]


def is_number(kind: str) -> bool:
    """Return whether a type is an integer, a float or a decimal."""
    return base_of(kind) in {"DECIMAL", *FLOATING, *INTEGERS}


def value(kind: str, rng: Random, now: datetime) -> Value:
    """Return a random Python value of a type."""
    name = base_of(kind)
    if name in INTEGERS:
        return rng.randrange(1, INTEGERS[name])
    return (SCALARS | NESTED)[name](kind, rng, now)


def key_parts(key: int, columns: int) -> list[int]:
    """Return a number for each column of a key; keys of several columns share some numbers."""
    return [key >> place & 1 if place < columns - 1 else key >> place for place in range(columns)]


def dumps(values: Value) -> str:
    """Return JSON that Spark reads without changing a character."""
    return json.dumps(values, default=_plain, separators=(",", ":"), ensure_ascii=False)


def _plain(thing: Value) -> Value:
    if isinstance(thing, datetime):
        return thing.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(thing, date):
        return thing.isoformat()
    return base64.b64encode(thing).decode() if isinstance(thing, bytes) else float(thing)


def _amount(rng: Random) -> float:
    return min(rng.lognormvariate(3, 0.9), 999.0)


def _float(kind: str, rng: Random, _: datetime) -> float:
    # Quarters are exact in 32 bits, so that a sum does not depend on the order.
    return round(_amount(rng) * 4) / 4 if base_of(kind) != "DOUBLE" else round(_amount(rng), 2)


def _decimal(kind: str, rng: Random, _: datetime) -> Decimal:
    digits = [int(number) for number in re.findall(r"\d+", kind)] or [10]
    precision, scale = digits[0], digits[1] if len(digits) > 1 else 0
    limit = Decimal(10) ** min(precision - scale, 3)
    return round(Decimal(_amount(rng)) % limit, min(scale, 6)) % limit


def _string(_: str, rng: Random, __: datetime) -> str:
    return f"{rng.choice(WORDS)}-{rng.randrange(100)}"


def _timestamp(kind: str, rng: Random, now: datetime) -> datetime:
    past = now - timedelta(seconds=rng.randrange(86_400))
    if base_of(kind) == "TIMESTAMP_NTZ":
        return past.replace(tzinfo=None)
    return past.astimezone(rng.choices([UTC, timezone(timedelta(hours=2))], [9, 1])[0])


def _date(_: str, rng: Random, __: datetime) -> date:
    return EPOCH + timedelta(days=rng.randrange(2_000))


def _array(kind: str, rng: Random, now: datetime) -> list[Value]:
    return [value(inside(kind), rng, now) for _ in range(rng.randrange(4))]


def _map(kind: str, rng: Random, now: datetime) -> dict[str, Value]:
    of_keys, of_values = parts(inside(kind))
    if of_keys != "STRING":
        return {}
    return {word: value(of_values, rng, now) for word in rng.sample(WORDS, rng.randrange(3))}


def _struct(kind: str, rng: Random, now: datetime) -> dict[str, Value]:
    return {name: value(of, rng, now) for name, of in fields_of(kind).items()}


def inside(kind: str) -> str:
    """Return the inner type: `DATE` for `ARRAY<DATE>`."""
    return kind[kind.index("<") + 1 : kind.rindex(">")]


def fields_of(kind: str) -> dict[str, str]:
    """Return the fields of a STRUCT and their types."""
    fields = (FIELD.fullmatch(field) for field in parts(inside(kind)))
    return {_unquoted(field[1]): field[2] for field in fields if field}


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def parts(text: str) -> list[str]:
    """Split a text at the commas outside of brackets and back quotes."""
    return [part.strip() for part in "".join(_marked(text)).split("\0")]


def _marked(text: str) -> Iterator[str]:
    depth, quoted = 0, False
    for character in text:
        quoted ^= character == "`"
        if not quoted:
            depth += (character in "<(") - (character in ">)")
        yield "\0" if character == "," and depth == 0 and not quoted else character


SCALARS: dict[str, Callable[[str, Random, datetime], Value]] = {
    "STRING": _string,
    "BOOLEAN": lambda _, rng, __: rng.choice([True, False]),
    "DOUBLE": _float,
    "FLOAT": _float,
    "DECIMAL": _decimal,
    "DATE": _date,
    "TIMESTAMP": _timestamp,
    "TIMESTAMP_NTZ": _timestamp,
    "BINARY": lambda _, rng, __: rng.randbytes(6),
}
NESTED = {"ARRAY": _array, "MAP": _map, "STRUCT": _struct}
