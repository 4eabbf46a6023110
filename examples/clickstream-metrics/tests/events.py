"""Test events of this project's schema, and the result that the test oracle expects."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from stream_devkit.reconciliation import Result
from stream_devkit.samples import Event, envelopes, make_event, make_record

from clickstream_metrics.job import JOB
from clickstream_metrics.schema import EVENT
from clickstream_metrics.settings import Settings

from tests.oracle import expected

event, raw = partial(make_event, EVENT), partial(make_record, EVENT)


def key(number: int) -> Any:
    """Return the grouping key of `event(…, key=number)`."""
    return event(0, key=number)[EVENT.key or ""]


def expected_of(batches: Sequence[Sequence[Event]], settings: Settings) -> Result:
    """Return the expected result if each micro-batch reads one element of `batches`."""
    return expected(batches, settings)


def batch_result(spark: SparkSession, settings: Settings, events: Sequence[Event]) -> DataFrame:
    """Return the result of one batch."""
    return JOB.result([envelopes(spark, list(map(raw, events)))], settings)
