"""The ordinary forms of JSON values: limits of types, and undecided values."""

from datetime import UTC, datetime

import pytest
from pyspark.sql import types as T
from stream_devkit.ordinary import ImpossibleError, Number, Repeated, UndecidedError, read
from stream_runtime.values import TimeForms

INTEGERS = {T.ByteType(): 8, T.ShortType(): 16, T.IntegerType(): 32, T.LongType(): 64}


@pytest.mark.parametrize(("kind", "bits"), INTEGERS.items())
def test_an_integer_has_its_limits(kind, bits):
    """The smallest and the largest number are read, the next ones are impossible."""
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    assert read(kind, Number(least)) == least
    assert read(kind, Number(most)) == most
    for number in (least - 1, most + 1):
        with pytest.raises(ImpossibleError):
            read(kind, Number(number))


@pytest.mark.parametrize("text", ["1000", "999.995", "999.991", "-1000", "1e3"])
@pytest.mark.parametrize("form", [Number, str])
def test_a_decimal_has_its_limits(form, text):
    """A number with more digits than the type is impossible, with and without quotes."""
    kind = T.DecimalType(5, 2)

    assert str(read(kind, form("999.99"))) == "999.99"
    assert read(kind, form("1.2500e1")) == read(kind, form("012.50"))
    with pytest.raises(ImpossibleError):
        read(kind, form(text))


UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}


@pytest.mark.parametrize(("unit", "ticks"), UNITS.items())
def test_a_number_is_a_time_in_its_unit(unit, ticks):
    """A number in a TIMESTAMP column is the time since 1970 in UTC, in one unit."""
    forms = TimeForms(epoch_unit=unit)

    assert read(T.TimestampType(), Number(864000000 * ticks), forms) == datetime(
        1997, 5, 19, tzinfo=UTC
    )
    for number in (86400 * ticks, 86400000000 * ticks * 1000):
        with pytest.raises(ImpossibleError):
            read(T.TimestampType(), Number(number), forms)


@pytest.mark.parametrize("zone", ["+18:00", "+1800", "+18"])
def test_a_zone_can_be_18_hours_from_utc(zone):
    """No zone is further from UTC."""
    found = read(T.TimestampType(), f"2026-01-01T00:00:00{zone}")

    assert found == datetime(2025, 12, 31, 6, tzinfo=UTC)


def test_another_form_of_time_is_undecided():
    """A form of the producer's own is read by Spark only."""
    forms = TimeForms(time_format="dd.MM.yyyy")

    with pytest.raises(UndecidedError) as found:
        read(T.TimestampType(), "27.11.2026", forms)
    assert not isinstance(found.value, ImpossibleError)


def test_minus_zero_is_zero():
    """-0 and 0 compare equal, because their sums in Spark are equal."""
    assert read(T.DoubleType(), Number("-0.0")) == read(T.DoubleType(), Number("0"))


@pytest.mark.parametrize("text", ["NaN", "Infinity", ""])
def test_a_text_is_a_text(text):
    """A number name such as NaN is a text in a STRING column."""
    assert read(T.StringType(), text) == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (T.StringType(), Number("5")),
        (T.BinaryType(), Number("5")),
        (T.BinaryType(), "YW"),
        (T.DecimalType(5, 2), Number("1." + "0" * 40)),
        (T.StructType(), Repeated()),
    ],
)
def test_a_value_with_several_meanings_is_undecided(kind, value):
    """A value that parsers of JSON read differently is undecided."""
    with pytest.raises(UndecidedError):
        read(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (T.StringType(), "\ud800"),
        (T.IntegerType(), Number("1.0")),
        (T.IntegerType(), "1"),
        (T.BooleanType(), "true"),
        (T.TimestampType(), Number("1.5")),
        (T.TimestampType(), "2026-01-01"),
        (T.TimestampType(), "08:15"),
        (T.TimestampType(), "2026-01-01T00:00:00+18:01"),
        (T.TimestampType(), "2026-01-01T00:00:00+19"),
        (T.TimestampType(), "20260101"),
        (T.TimestampType(), Number("20260101")),
        (T.DateType(), "2026-01"),
        (T.DateType(), "2026-02-30"),
        (T.TimestampNTZType(), "2026-01-01T00:00:00Z"),
        (T.DecimalType(5, 2), "1,5"),
        (T.DecimalType(5, 2), "NaN"),
        (T.FloatType(), Number("1e39")),
        (T.DoubleType(), Number("Infinity")),
        (T.ArrayType(T.LongType()), {}),
    ],
)
def test_a_value_that_a_type_does_not_allow_is_impossible(kind, value):
    """The job may not count it."""
    with pytest.raises(ImpossibleError):
        read(kind, value)
