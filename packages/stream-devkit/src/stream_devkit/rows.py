"""Rows of Spark as Python values, which a comparison and the test oracle can use."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
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
    """Return the rows as Python values (see `parse`)."""
    return parse(as_json(rows), rows.schema)


def parse(texts: Iterable[str], kinds: T.StructType) -> list[Row]:
    """Return rows of JSON with Python's times (with their zone), dates and decimals.

    A time or date that Python does not support, such as one of the year 10000, stays text.
    """
    times = [field.name for field in kinds if isinstance(field.dataType, T.TimestampType)]
    dates = [field.name for field in kinds if isinstance(field.dataType, T.DateType)]
    decimals = [field.name for field in kinds if isinstance(field.dataType, T.DecimalType)]
    return [_with_types(text, times, dates, decimals) for text in texts]


def _with_types(
    text: str, times: Sequence[str], dates: Sequence[str], decimals: Sequence[str]
) -> Row:
    row: dict[str, Any] = json.loads(text)
    for names, read in ((times, datetime.fromisoformat), (dates, date.fromisoformat)):
        for name in names:
            with contextlib.suppress(TypeError, ValueError):
                row[name] = read(row[name])
    if decimals:
        # As a float, a large total would be compared with a tolerance.
        exact = json.loads(text, parse_float=Decimal)
        row |= {name: exact[name] for name in decimals}
    return row
