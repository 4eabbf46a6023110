"""Rows of JSON as Python values."""

from datetime import UTC, date, datetime
from decimal import Decimal

from pyspark.sql import types as T
from stream_devkit.rows import parse

KINDS = T.StructType().add("time", "timestamp").add("day", "date").add("total", "decimal(38,2)")


def test_times_dates_and_decimals_have_their_types():
    """A time has its zone, and a decimal all of its digits."""
    text = '{"time": "2026-01-02T03:04:05Z", "day": "2026-01-02", "total": 12345678901234567.89}'

    (row,) = parse([text], KINDS)

    assert row["time"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert row["day"] == date(2026, 1, 2)
    assert row["total"] == Decimal("12345678901234567.89")


def test_null_and_unsupported_values_stay():
    """Null stays null; a day that Python does not support stays text."""
    (row,) = parse(['{"time": null, "day": "+10000-01-01", "total": null}'], KINDS)

    assert row == {"time": None, "day": "+10000-01-01", "total": None}
