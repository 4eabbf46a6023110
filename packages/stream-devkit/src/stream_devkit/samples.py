"""Events as tests need them: few, literal, and of any schema."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from stream_runtime.names import OWN
from stream_runtime.records import EventSchema

from stream_devkit.events.paths import find, structs, to_record
from stream_devkit.events.values import key_parts

START = datetime(2026, 1, 1, tzinfo=UTC)
INGESTED = datetime(2026, 1, 2, tzinfo=UTC)
ENVELOPE = (
    "raw BINARY, key BINARY, headers ARRAY<STRUCT<key: STRING, value: BINARY>>, "
    "ingest_time TIMESTAMP, origin STRING"
)
UNKNOWN = f"{OWN}unknown"
"""A field that no schema has."""

Event = dict[str, Any]


def make_event(
    schema: EventSchema,
    minute: float,
    *,
    key: int = 0,
    number: int = 0,
    measure: int | None = 1,
) -> Event:
    """Return an event so many minutes after START, with values only for columns that have a role.

    A struct with a field that is a column has its other fields too: they are null.

    Args:
        schema: the columns and their roles.
        minute: the time.
        key: the number of the key; equal numbers give equal values. Keys of several columns have
            some values in common.
        number: the number of the id.
        measure: the value of each measure, None for an event without measures.
    """
    values: Event = {schema.time: START + timedelta(minutes=minute)}
    if schema.id:
        values[schema.id] = make_value(schema.columns[schema.id], number)
    for name, part in zip(schema.keys, key_parts(key, len(schema.keys)), strict=True):
        values[name] = make_value(schema.columns[name], part)
    if measure is not None:
        values |= {name: make_value(schema.columns[name], measure) for name in schema.measures}
    return values | structs(values, schema.paths, schema.columns)


def make_value(kind: str, number: int) -> Any:
    """Return the value of a Spark type that has this number."""
    makers: dict[str, Callable[[], Any]] = {
        "STRING": lambda: f"v{number}",
        "BOOLEAN": lambda: bool(number % 2),
        "DATE": lambda: START.date() + timedelta(days=number),
        "FLOAT": lambda: float(number),
        "DOUBLE": lambda: float(number),
        "DECIMAL": lambda: Decimal(number),
    }
    return makers.get(kind.partition("(")[0], lambda: number)()


def raw(values: Mapping[str, Any]) -> bytes:
    """Return an event as a JSON message."""
    return json.dumps(values, default=_plain).encode()


def make_record(schema: EventSchema, values: Mapping[str, Any]) -> bytes:
    """Return an event of the schema as its producer sends it."""
    return raw(to_record(values, schema.paths))


def read_event(schema: EventSchema, record: bytes) -> Event:
    """Return the event with which a record begins; its times are text."""
    fields, _ = json.JSONDecoder().raw_decode(record.decode())
    return {**fields, **{column: find(fields, path) for column, path in schema.paths.items()}}


def envelopes(spark: SparkSession, messages: Sequence[bytes | None]) -> DataFrame:
    """Return messages as a source yields them, all ingested at INGESTED; the origin is a number."""
    rows = [
        (message, None, None, INGESTED, f"test/{place}") for place, message in enumerate(messages)
    ]
    return spark.createDataFrame(rows, ENVELOPE)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else float(value)
