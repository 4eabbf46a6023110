"""Rows of Spark as Python values, which a comparison and the test oracle can use."""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from stream_runtime.names import quote
from stream_runtime.records import JSON

from .reconciliation import Row

Reader = Callable[[Any], Any]
"""Converts a value of JSON."""


def as_json(rows: DataFrame) -> Iterator[str]:
    """Yield the rows as JSON. A FLOAT becomes a DOUBLE of the same value, as in Spark's sums."""
    floats = [field.name for field in rows.schema if isinstance(field.dataType, T.FloatType)]
    wide = rows.withColumns({name: F.col(quote(name)).cast("double") for name in floats})
    return (text for (text,) in wide.select(F.to_json(F.struct("*"), JSON)).toLocalIterator())


def typed_rows(rows: DataFrame) -> list[Row]:
    """Return the rows as Python values (see `parse`)."""
    return parse(as_json(rows), rows.schema)


def parse(texts: Iterable[str], kinds: T.StructType) -> list[Row]:
    """Return rows of JSON with Python's times (with their zone), dates and decimals.

    A time or date that Python does not support, such as one of the year 10000, stays text.
    """
    # As a float, a large total would be compared with a tolerance.
    number = Decimal if "decimal" in kinds.simpleString() else float
    read = _reader(kinds)
    return [read(json.loads(text, parse_float=number)) for text in texts]


def _reader(kind: T.DataType) -> Reader:
    """Return the function that converts a value of JSON to a type."""
    match kind:
        case T.StructType(fields=fields):
            readers = {field.name: _reader(field.dataType) for field in fields}
            readers = {name: read for name, read in readers.items() if read is not _keep}
            return _each(lambda value: value | {n: read(value[n]) for n, read in readers.items()})
        case T.ArrayType(elementType=element):
            one = _reader(element)
            return _each(lambda value: [one(item) for item in value])
        case T.MapType(valueType=element):
            one = _reader(element)
            return _each(lambda value: {name: one(item) for name, item in value.items()})
    return READERS.get(type(kind), _keep)


def _each(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _keep(value: Any) -> Any:
    return value


def _time(read: Reader) -> Reader:
    def convert(text: Any) -> Any:
        with contextlib.suppress(TypeError, ValueError):
            return read(text)
        return text

    return convert


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


READERS: dict[type[T.DataType], Reader] = {
    T.TimestampType: _time(datetime.fromisoformat),
    T.DateType: _time(date.fromisoformat),
    T.DoubleType: _float,
    T.FloatType: _float,
}
