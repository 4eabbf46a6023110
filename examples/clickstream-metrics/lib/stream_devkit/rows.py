"""Rows of Spark as Python values, which a comparison and the test oracle can use."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from stream_runtime.names import quote
from stream_runtime.records import JSON

from .reconciliation import Row


def as_json(rows: DataFrame) -> Iterator[str]:
    """Yield the rows as JSON. A FLOAT becomes a DOUBLE of the same value, as in Spark's sums."""
    floats = [field.name for field in rows.schema if isinstance(field.dataType, T.FloatType)]
    wide = rows.withColumns({name: F.col(quote(name)).cast("double") for name in floats})
    return (text for (text,) in wide.select(F.to_json(F.struct("*"), JSON)).toLocalIterator())


def typed_rows(rows: DataFrame) -> list[Row]:
    """Return the rows as Python values, read from JSON, in which each time has its zone."""
    return parse(as_json(rows), rows.schema)


def parse(texts: Iterable[str], kinds: T.StructType) -> list[Row]:
    """Return rows of JSON with the Python values of their types: times and decimals."""
    times = [field.name for field in kinds if isinstance(field.dataType, T.TimestampType)]
    decimals = [field.name for field in kinds if isinstance(field.dataType, T.DecimalType)]
    return [_with_types(text, times, decimals) for text in texts]


def _with_types(text: str, times: Sequence[str], decimals: Sequence[str]) -> Row:
    row: dict[str, Any] = json.loads(text)
    for name in times:
        if row[name] is not None:
            row[name] = datetime.fromisoformat(row[name])
    if decimals:
        # As a float, a large total would be compared with a tolerance.
        exact = json.loads(text, parse_float=Decimal)
        row |= {name: exact[name] for name in decimals}
    return row
