"""The strict conversion of JSON values to Spark's types: a value is what was sent, or is wrong.

from_json itself converts values of some types freely: `"12,50"` becomes the DECIMAL 1250,
`"08:15"` a TIMESTAMP of today, and 200 the TINYINT -56. So it reads these types in a wider form
(see `json_kind`), and `convert` accepts only values that have one meaning, in every reading and on
every day. The table in docs/runbook.md of a project lists them.
"""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import Any, Literal

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from .config import Table

EpochUnit = Literal["seconds", "milliseconds", "microseconds", "nanoseconds"]
EPOCH_DIGITS: dict[EpochUnit, tuple[int, int]] = {
    "seconds": (9, 11),
    "milliseconds": (12, 14),
    "microseconds": (15, 17),
    "nanoseconds": (18, 19),
}
"""The number of digits of an epoch time in each unit, so that no unit is taken for another.

Shorter numbers can be something else, such as the date 20261127.
"""
DAY = r"(?!0000)\d{4}-\d\d-\d\d"
MINUTE, SECOND = r"\d\d:\d\d", r"\d\d:\d\d:\d\d(?:\.\d{1,9})?"
ZONE = r"(?:Z|[+-]\d\d(?::?\d\d)?)"
WITHOUT_ZONE = rf"{DAY}[T ](?:{SECOND}|{MINUTE})"
WITH_ZONE = rf"{DAY}[T ](?:{SECOND}{ZONE}?|{MINUTE})"
EXPONENT = r"-?(?:\d\.\d{1,14}|\d)E-?\d{1,3}"
"""A number that Spark has read as a DOUBLE; with 15 digits or fewer, a DOUBLE keeps them all."""


WIDER: dict[type[T.DataType], T.DataType] = {
    T.TimestampType: T.StringType(),
    T.TimestampNTZType: T.StringType(),
    T.DateType: T.StringType(),
    # As a STRING, a number would have the digits of a DOUBLE only.
    T.DecimalType: T.VariantType(),
    T.ByteType: T.ShortType(),
}
"""The types as which from_json reads values of other types."""


class TimeForms(Table):
    """The forms of a TIMESTAMP in JSON, beside ISO 8601."""

    epoch_unit: EpochUnit = "seconds"
    """The unit of a TIMESTAMP that is a whole number: the time since 1970."""
    time_format: str | None = None
    """The form of other texts, as a datetime pattern of Spark, such as `dd/MM/yyyy HH:mm:ss`."""


Conversion = Callable[[Column, T.DataType], Column]
"""A function of a value without elements or fields, and of its type in the schema."""
Conversions = dict[type[T.DataType], Conversion]


def json_kind(kind: T.DataType) -> T.DataType:
    """Return the type as which from_json reads a value, so that it keeps what was sent."""
    match kind:
        case T.ArrayType(elementType=element):
            return T.ArrayType(json_kind(element))
        case T.MapType(keyType=key, valueType=value):
            return T.MapType(key, json_kind(value))
        case T.StructType(fields=fields):
            return T.StructType([T.StructField(f.name, json_kind(f.dataType)) for f in fields])
    return WIDER.get(type(kind), kind)


def convert(value: Column, kind: T.DataType, forms: TimeForms) -> Column:
    """Convert a value of `json_kind(kind)`. What is wrong in it becomes null."""
    return _converted(value, kind, _conversions(forms))


def is_wrong(value: Column, converted: Column, kind: T.DataType, forms: TimeForms) -> Column:
    """Return whether `convert` has made null of a part of the value that is not null."""

    def check(conversion: Conversion) -> Conversion:
        return lambda leaf, kind: _is_there(leaf, kind) & F.isnull(conversion(leaf, kind))

    conversions = _conversions(forms)
    if type(kind) in conversions:
        # The most frequent case, without a second conversion.
        return _is_there(value, kind) & F.isnull(converted)
    return _any(value, kind, {of: check(run) for of, run in conversions.items()})


def _is_there(value: Column, kind: T.DataType) -> Column:
    """Return whether a value of `json_kind(kind)` is not null; a VARIANT has a null of its own."""
    if isinstance(kind, T.DecimalType):
        return F.isnotnull(value) & ~F.is_variant_null(value)
    return F.isnotnull(value)


def is_out_of_range(value: Column, kind: T.DataType) -> Column:
    """Return whether a time in the value is outside the years 1 to 9999.

    Neither Python nor all sinks support other years.
    """

    def check(leaf: Column, _: T.DataType) -> Column:
        return ~F.year(leaf).between(1, 9999)

    return _any(
        value, kind, dict.fromkeys((T.TimestampType, T.TimestampNTZType, T.DateType), check)
    )


def is_infinite(value: Column, kind: T.DataType) -> Column:
    """Return whether a number in the value is infinite, such as 1e39 in a FLOAT."""

    def check(leaf: Column, _: T.DataType) -> Column:
        return F.abs(leaf) == float("inf")

    return _any(value, kind, dict.fromkeys((T.FloatType, T.DoubleType), check))


def _conversions(forms: TimeForms) -> Conversions:
    return {
        T.TimestampType: lambda value, _: _time(value, forms),
        T.TimestampNTZType: lambda value, _: _whole(WITHOUT_ZONE, value, "TIMESTAMP_NTZ"),
        T.DateType: lambda value, _: _whole(DAY, value, "DATE"),
        T.DecimalType: _decimal,
        T.ByteType: lambda value, _: value.try_cast("TINYINT"),
    }


def _whole(form: str, text: Column, kind: str) -> Column:
    """Return the whole text as a value of a type, null if it does not have the form."""
    return F.when(text.rlike(rf"\A(?:{form})\z"), text.try_cast(kind))


def _time(text: Column, forms: TimeForms) -> Column:
    few, many = EPOCH_DIGITS[forms.epoch_unit]
    number = _whole(rf"0|-?\d{{{few},{many}}}", text, "BIGINT")
    since_1970: dict[EpochUnit, Callable[[Column], Column]] = {
        "seconds": F.timestamp_seconds,
        "milliseconds": F.timestamp_millis,
        "microseconds": F.timestamp_micros,
        "nanoseconds": lambda number: F.timestamp_micros(
            F.call_function("div", number, F.lit(1000))
        ),
    }
    found = [_whole(WITH_ZONE, text, "TIMESTAMP"), since_1970[forms.epoch_unit](number)]
    if forms.time_format:
        found.append(F.try_to_timestamp(text, F.lit(forms.time_format)))
    return F.coalesce(*found)


def _decimal(value: Column, kind: Any) -> Column:
    """Return the number with all its digits, null if the type has fewer."""
    precision, scale = kind.precision, kind.scale
    text = F.try_variant_get(value, "$", "string")
    number = text.try_cast(kind)
    plain = rf"\A-?(?=\d)0*\d{{0,{precision - scale}}}(?:\.(?=\d)\d{{0,{scale}}}0*)?\z"
    has_exponent = text.rlike(rf"\A(?:{EXPONENT})\z")
    same = number.cast("double") == text.try_cast("double")
    return F.when(text.rlike(plain) | (has_exponent & same), number)


def _converted(value: Column, kind: T.DataType, conversions: Conversions) -> Column:
    if not _has(kind, conversions):
        return value
    match kind:
        case T.ArrayType(elementType=element):
            return F.transform(value, lambda one: _converted(one, element, conversions))
        case T.MapType(valueType=element):
            return F.transform_values(value, lambda _, one: _converted(one, element, conversions))
        case T.StructType(fields=fields):
            parts = (
                _converted(value[f.name], f.dataType, conversions).alias(f.name) for f in fields
            )
            return F.when(F.isnotnull(value), F.struct(*parts))
    return conversions[type(kind)](value, kind)


def _any(value: Column, kind: T.DataType, checks: Conversions) -> Column:
    """Return whether a check is true for any part of the value."""
    if not _has(kind, checks):
        return F.lit(False)
    match kind:
        case T.ArrayType(elementType=element):
            return F.exists(value, lambda one: _any(one, element, checks))
        case T.MapType(valueType=element):
            return F.exists(F.map_values(value), lambda one: _any(one, element, checks))
        case T.StructType(fields=fields):
            return reduce(or_, (_any(value[f.name], f.dataType, checks) for f in fields))
    return checks[type(kind)](value, kind)


def _has(kind: T.DataType, wanted: Iterable[type[T.DataType]]) -> bool:
    """Return whether a value of the type has a part of one of the wanted types."""
    match kind:
        case T.ArrayType(elementType=element) | T.MapType(valueType=element):
            return _has(element, wanted)
        case T.StructType(fields=fields):
            return any(_has(field.dataType, wanted) for field in fields)
    return type(kind) in wanted
