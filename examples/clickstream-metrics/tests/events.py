"""Events as tests need them: few, literal, and in the project's own schema."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from stream_runtime.accounting import Expected
from stream_runtime.names import OWN

from clickstream_metrics import job
from clickstream_metrics.expected import expected
from clickstream_metrics.schema import EVENT
from clickstream_metrics.settings import Settings

START = datetime(2026, 1, 1, tzinfo=UTC)
INGESTED = datetime(2026, 1, 2, tzinfo=UTC)
ENVELOPE = (
    "raw BINARY, key BINARY, headers ARRAY<STRUCT<key: STRING, value: BINARY>>, "
    "ingest_time TIMESTAMP, origin STRING"
)
UNKNOWN = f"{OWN}unknown"
"""A field that no schema has."""

Event = dict[str, Any]


def event(minute: float, *, key: int = 0, number: int = 0, measure: int | None = 1) -> Event:
    """An event so many minutes after START; the columns that play no part are left out."""
    values: Event = {EVENT.time: START + timedelta(minutes=minute)}
    if EVENT.id:
        values[EVENT.id] = _value(EVENT.columns[EVENT.id], number)
    if EVENT.key:
        values[EVENT.key] = _value(EVENT.columns[EVENT.key], key)
    if measure is not None:
        values |= {name: _value(EVENT.columns[name], measure) for name in EVENT.measures}
    return values


def key(number: int) -> Any:
    """The grouping key of `event(…, key=number)`."""
    return event(0, key=number)[EVENT.key or ""]


def raw(values: Mapping[str, Any]) -> bytes:
    """An event as a JSON message."""
    return json.dumps(values, default=_plain).encode()


def envelopes(spark: SparkSession, messages: Sequence[bytes | None]) -> DataFrame:
    """Messages as a source yields them, all ingested at INGESTED; the origin is their place."""
    rows = [
        (message, None, None, INGESTED, f"test/{place}") for place, message in enumerate(messages)
    ]
    return spark.createDataFrame(rows, ENVELOPE)


def expected_of(batches: Sequence[Sequence[Event]], settings: Settings) -> Expected:
    """What must come out when each micro-batch reads some of these events."""
    return expected(batches, settings)


def batch_result(spark: SparkSession, settings: Settings, events: Sequence[Event]) -> DataFrame:
    """The job's result of one batch."""
    return job.result([envelopes(spark, list(map(raw, events)))], settings)


def _value(kind: str, number: int) -> Any:
    base = kind.partition("(")[0]
    makers = {
        "STRING": lambda: f"v{number}",
        "BOOLEAN": lambda: bool(number % 2),
        "DATE": lambda: START.date() + timedelta(days=number),
        "FLOAT": lambda: float(number),
        "DOUBLE": lambda: float(number),
        "DECIMAL": lambda: Decimal(number),
    }
    return makers.get(base, lambda: number)()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else float(value)
