{% set job = cookiecutter | stream_plan %}
"""Test events of this project's schema, and the result that the test oracle expects."""

from collections.abc import {{ "Iterable, " if job.right }}{{ "Mapping, " if job.windowed and job.several_keys }}Sequence
from functools import partial
{% if job.roles.key or (job.windowed and job.several_keys) %}
from typing import Any
{% endif %}

{% if job.drops_duplicates %}
import pytest
{% endif %}
from pyspark.sql import DataFrame, SparkSession
{% if job.custom %}
from pyspark.sql import functions as F
{% endif %}
from stream_devkit.reconciliation import Result
from stream_devkit.samples import Event, envelopes, make_event, make_record{{ ", make_value" if job.right }}
{% if job.custom %}
from stream_runtime.names import quote
{% endif %}

{% if job.custom %}
from {{ cookiecutter.__package }} import visits
{% endif %}
from {{ cookiecutter.__package }}.job import JOB
{% if job.right %}
from {{ cookiecutter.__package }}.schema import EVENT, RIGHT, RIGHT_KEY
{% else %}
from {{ cookiecutter.__package }}.schema import EVENT
{% endif %}
from {{ cookiecutter.__package }}.settings import Settings

from tests.oracle import expected

event, raw = partial(make_event, EVENT), partial(make_record, EVENT)
{% if job.right %}
right_raw = partial(make_record, RIGHT)
ONE_MATCH_EACH = ("join.within=1 second", "watermark.delay=598 seconds")
"""Settings with which each event has one match.

The join delays the watermark by `join.within`, so the result follows 10 minutes behind.
"""
{% endif %}


{% if job.roles.key %}
def key(number: int) -> Any:
    """Return the grouping key of `event(…, key=number)`."""
    return event(0, key=number)[EVENT.key or ""]


{% elif job.windowed and job.several_keys %}
def key(number: int) -> tuple[str, ...]:
    """Return the grouping key of `event(…, key=number)`, as text."""
    return key_of(event(0, key=number))


def key_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the grouping key of an event or a row as text: a file run writes dates as text."""
    return tuple(str(row[name]) for name in EVENT.keys)


{% endif %}
{% if job.right %}
def right_event(values: Event) -> Event:
    """Return the event of the right input that joins this event, and none of another time."""
    found = {str(RIGHT.id): values.get(EVENT.id or "", make_value(RIGHT.columns[str(RIGHT.id)], 0))}
    found |= {RIGHT.time: values[EVENT.time], RIGHT_KEY: values[str(EVENT.key)]}
    return found | dict.fromkeys(RIGHT.measures, 1)


def right_events(events: Iterable[Event]) -> list[Event]:
    """Return the right events that match the events: one for each pair of time and key."""
    return list({(e[EVENT.time], e[str(EVENT.key)]): right_event(e) for e in events}.values())


def expected_of(batches: Sequence[Sequence[Event]], settings: Settings) -> Result:
    """Return the expected result if each micro-batch reads one element and its matches."""
    return expected(batches, [right_events(batch) for batch in batches], settings)
{% else %}
def expected_of(batches: Sequence[Sequence[Event]], settings: Settings) -> Result:
    """Return the expected result if each micro-batch reads one element of `batches`."""
    return expected(batches, settings)
{% endif %}


def batch_result(spark: SparkSession, settings: Settings, events: Sequence[Event]) -> DataFrame:
{% if job.deduplicates %}
    """Return the result of one batch with its duplicates: Spark drops them from streams only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("{{ cookiecutter.__package }}.transform.drop_duplicates", lambda events: events)
        return JOB.result([envelopes(spark, list(map(raw, events)))], settings)
{% elif job.custom %}
    """Return the result of one batch, each event in its own visit: a batch has no state."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("{{ cookiecutter.__package }}.transform.number_visits", _alone)
        return JOB.result([envelopes(spark, list(map(raw, events)))], settings)
{% else %}
    """Return the result of one batch."""
{% if job.right %}
    inputs = (map(raw, events), map(right_raw, right_events(events)))
    return JOB.result([envelopes(spark, list(one)) for one in inputs], settings)
{% else %}
    return JOB.result([envelopes(spark, list(map(raw, events)))], settings)
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
