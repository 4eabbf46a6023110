"""The ordinary forms of JSON values: limits of types, and undecided values."""

from datetime import UTC, datetime

import pytest
from pyspark.sql import types as T
from stream_devkit.ordinary import ImpossibleError, Number, Repeated, UndecidedError, read

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


@pytest.mark.parametrize("text", ["1000", "999.995", "-1000"])
def test_a_decimal_has_its_limits(text):
    """A number that needs more digits after rounding is impossible."""
    kind = T.DecimalType(5, 2)

    assert str(read(kind, Number("999.994"))) == "999.99"
    with pytest.raises(ImpossibleError):
        read(kind, Number(text))


def test_a_number_is_a_time_in_seconds():
    """A number in a TIMESTAMP column is seconds since 1970 in UTC."""
    assert read(T.TimestampType(), Number("86400")) == datetime(1970, 1, 2, tzinfo=UTC)


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
        (T.StringType(), "\ud800"),
        (T.BinaryType(), Number("5")),
        (T.IntegerType(), Number("1.0")),
        (T.TimestampType(), Number("1.5")),
        (T.StructType(), Repeated()),
    ],
)
def test_a_value_with_several_meanings_is_undecided(kind, value):
    """A value that parsers of JSON read differently is undecided."""
    with pytest.raises(UndecidedError):
        read(kind, value)
