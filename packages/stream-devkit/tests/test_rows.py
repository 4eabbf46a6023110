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


def test_values_in_nested_columns_have_their_types():
    """Times and decimals in a struct, a list and a map are as those in columns."""
    one = T.StructType().add("at", "timestamp").add("price", "decimal(9,2)").add("n", "double")
    kinds = T.StructType().add("s", one).add("a", T.ArrayType(one))
    kinds.add("m", T.MapType(T.StringType(), T.DateType()))
    text = '{"at": "2026-01-02T03:04:05Z", "price": 1.10, "n": 0.1}'

    rows = parse(
        [
            f'{{"s": {text}, "a": [{text}, null], "m": {{"x": "2026-01-02"}}}}',
            '{"s": null, "a": null, "m": null}',
        ],
        kinds,
    )

    held = {"at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "price": Decimal("1.10"), "n": 0.1}
    assert rows[0] == {"s": held, "a": [held, None], "m": {"x": date(2026, 1, 2)}}
    assert rows[1] == {"s": None, "a": None, "m": None}


def test_null_and_unsupported_values_stay():
    """Null stays null; a day that Python does not support stays text."""
    (row,) = parse(['{"time": null, "day": "+10000-01-01", "total": null}'], KINDS)

    assert row == {"time": None, "day": "+10000-01-01", "total": None}
