"""Values of JSON as Python values: the rules of stream_runtime/values.py, without Spark.

The forms that a type allows have one meaning here and in the job. A few values are undecided, such
as a number in a STRING column, of which Spark writes its own text: there the comparison takes the
value of the job.
"""

import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from pyspark.sql import types as T
from stream_runtime.values import TimeForms

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
LOCAL_TIME = re.compile(DAY.pattern + r"[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?", re.ASCII)
ZONE = r"(Z|[+-]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))"
"""A zone is at most 18 hours from UTC, as in Java."""
TIME = re.compile(rf"{DAY.pattern}[T ]\d\d:\d\d:\d\d(\.\d{{1,9}})?{ZONE}", re.ASCII)
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
SHORT = re.compile(r"-?(?=[\d.]{1,16}[eE])\d+(\.\d+)?[eE][+-]?\d{1,3}", re.ASCII)
"""A number with an exponent that has 15 digits or fewer: a DOUBLE keeps them."""
LONGEST_DECIMAL = 38
"""The number of digits up to which Spark reads a number of JSON exactly."""
TICKS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
"""The number of each unit in a second."""
EXACT = Context(prec=2500, rounding=ROUND_HALF_UP)
BITS: dict[type[T.DataType], int] = {
    T.ByteType: 8,
    T.ShortType: 16,
    T.IntegerType: 32,
    T.LongType: 64,
}


class Number(str):
    """A number as text, because a conversion would lose digits."""

    __slots__ = ()


class Repeated(dict[str, Any]):
    """An object with a duplicate name, which parsers read differently."""


class UndecidedError(Exception):
    """Raised for a value that the job may read or refuse."""


class ImpossibleError(UndecidedError):
    """Raised for a value that the type does not allow."""


def read(kind: T.DataType, value: Any, forms: TimeForms | None = None) -> Any:
    """Return a value of JSON, with numbers as `Number`, as one of the type, comparable by `==`.

    Raises:
        ImpossibleError: the type does not allow the value.
        UndecidedError: the job may read the value or refuse it.
    """
    try:
        return _read(kind, value, forms or TimeForms())
    except (ValueError, ArithmeticError) as error:
        raise ImpossibleError from error


def _read(kind: T.DataType, value: Any, forms: TimeForms) -> Any:
    if value is None:
        return None
    if isinstance(value, Repeated):
        raise UndecidedError
    allowed, reader = READERS[type(kind)]
    if isinstance(value, allowed):
        return reader(kind, value, forms)
    if isinstance(kind, T.StringType | T.BinaryType):
        raise UndecidedError
    raise ImpossibleError


def _array(kind: Any, value: list[Any], forms: TimeForms) -> list[Any]:
    return [_read(kind.elementType, one, forms) for one in value]


def _map(kind: Any, value: dict[str, Any], forms: TimeForms) -> dict[str, Any]:
    return {_encodable(key): _read(kind.valueType, one, forms) for key, one in value.items()}


def _struct(kind: Any, value: dict[str, Any], forms: TimeForms) -> dict[str, Any]:
    return {f.name: _read(f.dataType, value.get(f.name), forms) for f in kind.fields}


def _string(_: Any, value: str, __: TimeForms) -> str:
    if isinstance(value, Number):
        raise UndecidedError
    return _encodable(value)


def _encodable(text: str) -> str:
    text.encode()  # An unpaired surrogate is an error.
    return text


def _binary(_: Any, value: str, __: TimeForms) -> bytes:
    try:
        found = b64decode(value)
    except ValueError as error:
        raise UndecidedError from error
    if isinstance(value, Number) or value != b64encode(found).decode():
        raise UndecidedError
    return found


def _decimal(kind: Any, text: str, _: TimeForms) -> Decimal:
    """Return a number, which has no more digits than the type."""
    is_plain, is_short = NUMBER.fullmatch(text), SHORT.fullmatch(text)
    digits = len(text.lstrip("-0.").replace(".", ""))
    if isinstance(text, Number) and not is_short and (not is_plain or digits > LONGEST_DECIMAL):
        raise UndecidedError
    if not is_plain and not is_short:
        raise ImpossibleError
    # Spark reads a number with an exponent as a DOUBLE, of which 1e-400 is 0.
    number = Decimal(repr(float(text)) if is_short and isinstance(text, Number) else text)
    if number != number.quantize(Decimal(1).scaleb(-kind.scale), context=EXACT):
        raise ImpossibleError
    _within(Decimal(10) ** (kind.precision - kind.scale), number)
    return number


def _time(_: Any, text: str, forms: TimeForms) -> datetime:
    ticks = TICKS[forms.epoch_unit]
    if TIME.fullmatch(text):
        return datetime.fromisoformat(text)
    if LOCAL_TIME.fullmatch(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    if re.fullmatch(r"0|-?[1-9]\d*", text, re.ASCII):
        number = int(text)
        # From 1973 to 5138: shorter numbers can be dates, longer ones have another unit.
        if number == 0 or 10**8 * ticks <= abs(number) < 10**11 * ticks:
            return EPOCH + timedelta(microseconds=number * 10**6 // ticks)
    if forms.time_format and not isinstance(text, Number):
        raise UndecidedError
    raise ImpossibleError


def _local_time(_: Any, text: str, __: TimeForms) -> datetime:
    if not LOCAL_TIME.fullmatch(text):
        raise ImpossibleError
    return datetime.fromisoformat(text)


def _date(_: Any, text: str, __: TimeForms) -> date:
    if not DAY.fullmatch(text):
        raise ImpossibleError
    return date.fromisoformat(text)


def _floating(kind: T.DataType, text: str, _: TimeForms) -> str:
    if not isinstance(text, Number) and text != "NaN":
        raise ImpossibleError
    number = float(text)
    if isinstance(kind, T.FloatType):
        number = struct.unpack("f", struct.pack("f", number))[0]
    if abs(number) == float("inf"):
        raise ImpossibleError
    # As digits: NaN does not equal itself, and -0 equals 0.
    return repr(number + 0.0)


def _integer(kind: T.DataType, text: Number, _: TimeForms) -> int:
    number, limit = int(text), 2 ** (BITS[type(kind)] - 1)
    return number if number == -limit else _within(limit, number)


def _within(limit: Any, number: Any) -> Any:
    if abs(number) >= limit:
        raise ImpossibleError
    return number


READERS: dict[type[T.DataType], tuple[type, Callable[[Any, Any, TimeForms], Any]]] = {
    T.ArrayType: (list, _array),
    T.MapType: (dict, _map),
    T.StructType: (dict, _struct),
    T.StringType: (str, _string),
    T.BinaryType: (str, _binary),
    T.BooleanType: (bool, lambda _, value, __: value),
    T.DecimalType: (str, _decimal),
    T.TimestampType: (str, _time),
    T.TimestampNTZType: (str, _local_time),
    T.DateType: (str, _date),
    **dict.fromkeys((T.FloatType, T.DoubleType), (str, _floating)),
    **dict.fromkeys(BITS, (Number, _integer)),
}
"""Of each type: the kind of a value in JSON, and its reader."""
