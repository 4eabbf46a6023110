"""The comparison of a result with the test oracle, and the number of events in its rows."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from stream_devkit.reconciliation import (
    RELATIVE_TOLERANCE,
    events_in,
    is_of_windows,
    verdict,
)
from stream_devkit.rows import typed_rows

TOTALS = (1e-6, 1.0, 200.0, -35.2, 1e12)


def rows(*totals):
    """Return one row with its own key for each total."""
    return [{"key": f"k{number}", "total": total} for number, total in enumerate(totals)]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("total", TOTALS)
def test_a_float_may_differ_in_its_last_digits(total, sign):
    """A relative difference of floats below 1e-9 is ignored: their sums depend on the order."""
    near = total * (1 + sign * 0.99e-9)

    assert verdict(rows(near), rows(total)) == "exact"
    assert verdict(rows(total), rows(near)) == "exact"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("total", TOTALS)
def test_any_other_difference_of_a_float_is_one(total, sign):
    """A relative difference of floats above 1e-9 is a difference, on either side."""
    far = total * (1 + sign * 1.01e-9)

    assert verdict(rows(far), rows(total)).startswith("1 of 1 rows differ")
    assert verdict(rows(total), rows(far)).startswith("1 of 1 rows differ")


def test_the_tolerance_is_small():
    """A cent in a total of a million is a difference."""
    assert RELATIVE_TOLERANCE <= 0.01 / 1_000_000
    assert verdict(rows(1_000_000.01), rows(1_000_000.0)) != "exact"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (Decimal("12345678901.01"), Decimal("12345678901.02")),
        (10**12, 10**12 + 1),
        ("1.0", "1.00"),
        (1.0, None),
        (None, 1.0),
        (None, 0),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_other_values_have_no_tolerance(value, wanted):
    """Decimals, integers, texts, times and nulls are compared exactly."""
    assert verdict(rows(value), rows(value)) == "exact"
    assert verdict(rows(value), rows(wanted)).startswith("1 of 1 rows differ")


def test_one_wrong_row_of_many_is_found():
    """The verdict says how many rows differ, and shows the first with what was expected."""
    wanted = rows(1.0, 2.0, 3.0, 4.0)
    found = rows(1.0, 2.0, 3.01, 4.0)

    assert verdict(found, wanted) == (
        "1 of 4 rows differ, the first: {'key': 'k2', 'total': 3.01}; "
        "expected: {'key': 'k2', 'total': 3.0}"
    )


def test_the_order_of_rows_is_ignored():
    """The order of rows is ignored, also if a float differs."""
    wanted = rows(1.0, 2.0, 3.0)

    assert verdict(wanted[::-1], wanted) == "exact"
    assert verdict(rows(1.0, 2.0, 0.5)[::-1], wanted).startswith("1 of 3 rows differ")


@pytest.mark.parametrize("found", [rows(), rows(1.0), rows(1.0, 2.0, 3.0)])
def test_a_lost_or_duplicate_row_is_found(found):
    """If the numbers of rows differ, the verdict has both."""
    assert verdict(found, rows(1.0, 2.0)) == f"{len(found)} rows where 2 were expected"


def test_an_extra_or_missing_column_is_found():
    """An extra or a missing column is a difference, for any values."""
    (row,) = rows(1.0)

    assert verdict([row | {"more": None}], [row]) != "exact"
    assert verdict([row], [row | {"more": None}]) != "exact"


def test_a_window_counts_its_events():
    """A row of a window counts its events; any other row is one event."""
    window = {"window_start": 0, "window_end": 5, "event_count": 7}

    assert events_in([window, window], ["window_start", "window_end", "key"]) == 14
    assert events_in([{"window_start": 0}], ["window_start", "window_end"]) == 1
    assert events_in([window, window], ["id"]) == 2


@pytest.mark.parametrize("key", [[], ["id"], ["window_start"], ["window_end", "id"]])
def test_rows_are_windows_only_with_both_ends_in_their_key(key):
    """Rows are windows only if their key has both ends; an event can have one such column."""
    assert is_of_windows(["key", "window_end", "window_start"])
    assert is_of_windows(["window_end", "window_start"])
    assert not is_of_windows(key)


@pytest.mark.spark
def test_a_cent_of_a_large_decimal_is_a_difference(spark):
    """Decimals of Spark keep all digits and are compared without tolerance."""
    total = "98765432109876543210.01"
    found = typed_rows(spark.sql(f"SELECT 'k0' key, CAST('{total}' AS DECIMAL(38, 2)) total"))

    assert verdict(found, rows(Decimal(total))) == "exact"
    assert verdict(found, rows(Decimal(total) + Decimal("0.01"))) != "exact"
