{% set job = cookiecutter | stream_plan %}
"""Events as tests need them: few, literal, and in the project's own schema."""

import json
from collections.abc import {{ "Iterable, " if job.right }}Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

{% if job.drops_repeats %}
import pytest
{% endif %}
from pyspark.sql import DataFrame, SparkSession
{% if job.custom %}
from pyspark.sql import functions as F
{% endif %}
from stream_runtime.accounting import Expected
{% if job.custom %}
from stream_runtime.names import OWN, quote
{% else %}
from stream_runtime.names import OWN
{% endif %}

{% if job.custom %}
from {{ cookiecutter.__package }} import job, visits
{% else %}
from {{ cookiecutter.__package }} import job
{% endif %}
from {{ cookiecutter.__package }}.expected import expected
{% if job.right %}
from {{ cookiecutter.__package }}.schema import EVENT, RIGHT, RIGHT_KEY
{% else %}
from {{ cookiecutter.__package }}.schema import EVENT
{% endif %}
from {{ cookiecutter.__package }}.settings import Settings

START = datetime(2026, 1, 1, tzinfo=UTC)
INGESTED = datetime(2026, 1, 2, tzinfo=UTC)
ENVELOPE = (
    "raw BINARY, key BINARY, headers ARRAY<STRUCT<key: STRING, value: BINARY>>, "
    "ingest_time TIMESTAMP, origin STRING"
)
UNKNOWN = f"{OWN}unknown"
"""A field that no schema has."""
{% if job.right %}
PARTNERS_ONLY = ("join.within=1 second", "watermark.delay=598 seconds")
"""Settings with which an event meets its partner alone, and windows close as if after 10 minutes:
the watermark behind the join is so much longer behind.
"""
{% endif %}

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


{% if job.right %}
def partner(values: Event) -> Event:
    """An event of the right input that meets this one, and none of another time."""
    found = {str(RIGHT.id): values.get(EVENT.id or "", _value(RIGHT.columns[str(RIGHT.id)], 0))}
    found |= {RIGHT.time: values[EVENT.time], RIGHT_KEY: values[str(EVENT.key)]}
    return found | dict.fromkeys(RIGHT.measures, 1)


def partners(events: Iterable[Event]) -> list[Event]:
    """Of events that happened together for one key there is one."""
    return list({(e[EVENT.time], e[str(EVENT.key)]): partner(e) for e in events}.values())


def expected_of(batches: Sequence[Sequence[Event]], settings: Settings) -> Expected:
    """What must come out when each micro-batch reads some of these events, and their partners."""
    return expected(batches, [partners(batch) for batch in batches], settings)
{% else %}
def expected_of(batches: Sequence[Sequence[Event]], settings: Settings) -> Expected:
    """What must come out when each micro-batch reads some of these events."""
    return expected(batches, settings)
{% endif %}


def batch_result(spark: SparkSession, settings: Settings, events: Sequence[Event]) -> DataFrame:
{% if job.deduplicates %}
    """The job's result of one batch. Repeats stay: Spark drops them from streams only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("{{ cookiecutter.__package }}.transform.drop_repeats", lambda events: events)
        return job.result([envelopes(spark, list(map(raw, events)))], settings)
{% elif job.custom %}
    """The job's result of one batch, each event in a visit of its own: a batch has no state."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("{{ cookiecutter.__package }}.transform.number_visits", _alone)
        return job.result([envelopes(spark, list(map(raw, events)))], settings)
{% else %}
    """The job's result of one batch."""
{% if job.right %}
    inputs = (events, partners(events))
    return job.result([envelopes(spark, list(map(raw, one))) for one in inputs], settings)
{% else %}
    return job.result([envelopes(spark, list(map(raw, events)))], settings)
{% endif %}
{% endif %}


{% if job.custom %}
def _alone(events: DataFrame, _: object) -> DataFrame:
    start, number = F.col(quote(EVENT.time)).alias(visits.START), F.lit(1).cast("bigint")
{% if job.visit.mean %}
    mean = F.col(quote(EVENT.measures[0])).cast("double").alias(visits.MEAN)
    return events.select("*", start, number.alias(visits.NUMBER), mean)
{% else %}
    return events.select("*", start, number.alias(visits.NUMBER))
{% endif %}


{% endif %}
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
