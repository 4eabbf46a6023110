"""Rows of a result, as a client reads them."""

from decimal import Decimal

from stream_devkit.results import from_json

KINDS = {"event_type": "STRING", "total_amount": "DOUBLE", "window_start": "TIMESTAMP"}


def test_values_have_the_types_of_their_columns():
    """Text of a time is a time, and a number of a DOUBLE column a float."""
    row = from_json(KINDS, {"total_amount": Decimal("1.5"), "window_start": "2026-01-01T00:00:00Z"})

    assert row["total_amount"] == 1.5
    assert isinstance(row["total_amount"], float)
    assert row["window_start"].year == 2026


def test_a_column_without_a_type_keeps_its_value():
    """An aggregate that the owner has added is compared with the oracle, without a type for it."""
    row = from_json(KINDS, {"max_amount": Decimal("1.5"), "least": None, "users": 3, "who": "7"})

    assert row == {"max_amount": 1.5, "least": None, "users": 3, "who": "7"}
    assert isinstance(row["max_amount"], float)
