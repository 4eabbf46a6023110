"""Values of JSON in their *ordinary forms*, as Python values.

An ordinary form has one meaning, such as a number in a DECIMAL column or a time with a zone.
A value of any other form (`"12,50"` in a DECIMAL, a date without a day) is undecided: there the
comparison takes the value of the job.
"""

import re
import struct
from base64 import b64decode, b64encode
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from pyspark.sql import types as T

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
LOCAL_TIME = re.compile(DAY.pattern + r"[T ]\d\d:\d\d:\d\d(\.\d{1,6})?", re.ASCII)
TIME = re.compile(LOCAL_TIME.pattern + r"(Z|[+-](0\d|1[0-7]):[0-5]\d)", re.ASCII)
SMALL = re.compile(r"[^eE]+([eE][+-]?\d{1,3})?")
"""A number with an exponent that Spark can read."""
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
    """Raised for a value whose form is not an ordinary one."""


class ImpossibleError(UndecidedError):
    """Raised for a number that the type cannot hold."""


def read(kind: T.DataType, value: Any) -> Any:
    """Return a value of JSON, with numbers as `Number`, as one of the type, comparable by `==`.

    Raises:
        UndecidedError: the value has no ordinary form.
    """
    try:
        match kind, value:
            case _, None:
                return None
            case _, Number() | "NaN" | "Infinity" | "-Infinity" if not _is_text(kind):
                return _number(kind, Number(value))
            case _, list() | dict() if not isinstance(value, Repeated):
                return _nested(kind, value)
            case T.BooleanType(), bool():
                return value
            case _, str() if not isinstance(value, Number):
                return _text(kind, value)
    except (ValueError, OverflowError) as error:
        raise UndecidedError from error
    raise UndecidedError


def _is_text(kind: T.DataType) -> bool:
    return isinstance(kind, T.StringType | T.BinaryType)


def _nested(kind: T.DataType, value: Any) -> Any:
    match kind, value:
        case T.ArrayType(elementType=inner), list():
            return [read(inner, element) for element in value]
        case T.MapType(valueType=inner), dict():
            return {_text(T.StringType(), key): read(inner, one) for key, one in value.items()}
        case T.StructType(fields=fields), dict():
            return {field.name: read(field.dataType, value.get(field.name)) for field in fields}
    raise UndecidedError


def _number(kind: T.DataType, value: Number) -> Any:
    match kind:
        case T.DoubleType():
            return _comparable(float(value))
        case T.FloatType():
            return _comparable(struct.unpack("f", struct.pack("f", float(value)))[0])
        case T.DecimalType(precision=int(precision), scale=int(scale)) if SMALL.fullmatch(value):
            number = Decimal(value).quantize(Decimal(1).scaleb(-scale), context=EXACT)
            return _within(Decimal(10) ** (precision - scale), number)
        case T.TimestampType() if _is_whole(value):
            return EPOCH + timedelta(seconds=int(value))
        case _ if type(kind) in BITS and _is_whole(value):
            limit = 2 ** (BITS[type(kind)] - 1)
            number = Decimal(value)
            return number if number == -limit else _within(limit, number)
    raise UndecidedError


def _is_whole(number: Number) -> bool:
    return number.removeprefix("-").isdecimal()


def _comparable(number: float) -> str:
    """Return the digits of a number: NaN does not equal itself, and -0 equals 0."""
    return repr(number + 0.0)


def _within(limit: int | Decimal, number: Decimal) -> Decimal:
    if abs(number) >= limit:
        raise ImpossibleError
    return number


def _text(kind: T.DataType, value: str) -> Any:
    match kind:
        case T.StringType():
            value.encode()  # An unpaired surrogate is an error.
            return value
        case T.DateType() if DAY.fullmatch(value):
            return date.fromisoformat(value)
        case T.TimestampNTZType() if LOCAL_TIME.fullmatch(value):
            return datetime.fromisoformat(value)
        case T.TimestampType() if TIME.fullmatch(value):
            return datetime.fromisoformat(value)
        case T.BinaryType() if value == b64encode(found := b64decode(value)).decode():
            return found
    raise UndecidedError
