"""The columns of an existing table, compared with those of the result."""

from pyspark.sql import types as T

from .errors import CheckpointError

WIDENINGS: tuple[tuple[type[T.DataType], ...], ...] = (
    (T.ByteType, T.ShortType, T.IntegerType, T.LongType),
    (T.FloatType, T.DoubleType),
)
"""Types that store every value of the types before them."""


def require_columns(table: str, held: T.StructType, result: T.StructType) -> None:
    """Require a column for each column of the result; a table may have more columns.

    Spark compares names without case. Delta casts values of another type silently: a TIMESTAMP in
    a DATE column loses its time.

    Raises:
        CheckpointError: the table `table` lacks a column, or has one of another type.
    """
    types = {field.name.lower(): field.dataType for field in held}
    missing = [field for field in result if field.name.lower() not in types]
    if missing:
        message = (
            f"The table {table} has no column {', '.join(map(_text, missing))}, so it cannot store "
            "the result. Add it with ALTER TABLE ... ADD COLUMN, then start again."
        )
        raise CheckpointError(message)
    for field in result:
        stored = types[field.name.lower()]
        if not _stores(stored, field.dataType):
            message = (
                f"The result has {_text(field)}, but the table {table} stores it as "
                f"{stored.simpleString().upper()}. Cast the column in transform.py, or set a new "
                "table and a new checkpoint."
            )
            raise CheckpointError(message)


def _text(field: T.StructField) -> str:
    return f"{field.name} {field.dataType.simpleString().upper()}"


def _stores(stored: T.DataType, new: T.DataType) -> bool:
    """Return whether a column of the type `stored` stores every value of the type `new`."""
    if stored.simpleString() == new.simpleString():
        return True
    if isinstance(stored, T.DecimalType) and isinstance(new, T.DecimalType):
        digits = stored.precision - stored.scale
        return stored.scale >= new.scale and digits >= new.precision - new.scale
    pair = type(new), type(stored)
    return any(_is_in_order(order, *pair) for order in WIDENINGS)


def _is_in_order(order: tuple[type[T.DataType], ...], first: type, second: type) -> bool:
    return first in order and second in order and order.index(first) < order.index(second)
