"""The columns of a table, compared with those of the result."""

import pytest
from pyspark.sql import types as T
from stream_runtime.columns import require_columns
from stream_runtime.errors import CheckpointError

XY = T.StructType().add("x", "integer").add("y", "integer")


def columns(**types):
    """Return columns, from their names to Spark's names of types."""
    fields = (T.StructType().add(name, kind)[0] for name, kind in types.items())
    return T.StructType(list(fields))


@pytest.mark.parametrize(
    ("stored", "result"),
    [
        ({"a": "string", "b": "integer"}, {"a": "string", "b": "integer"}),
        ({"b": "integer", "A": "string", "more": "date"}, {"a": "string", "b": "integer"}),
        ({"n": "long"}, {"n": "byte"}),
        ({"n": "double"}, {"n": "float"}),
        ({"n": "decimal(20,4)"}, {"n": "decimal(12,2)"}),
        ({"n": XY}, {"n": XY}),
    ],
)
def test_a_table_that_stores_every_value_is_accepted(stored, result):
    """Other columns, another order, another case and wider numbers are accepted."""
    require_columns("t", columns(**stored), columns(**result))


def test_a_missing_column_is_refused():
    """The message names each missing column with its type."""
    result = columns(a="string", b="integer", c="date")

    with pytest.raises(CheckpointError, match=r"The table t has no column b INT, c DATE, so"):
        require_columns("t", columns(a="string"), result)


@pytest.mark.parametrize(
    ("stored", "result"),
    [
        ("integer", "long"),
        ("date", "timestamp"),
        ("string", "integer"),
        ("float", "double"),
        ("float", "integer"),
        ("decimal(12,2)", "decimal(12,4)"),
        ("decimal(12,4)", "decimal(12,2)"),
        (T.StructType([XY[0]]), XY),
    ],
)
def test_a_type_that_may_lose_values_is_refused(stored, result):
    """A cast to the type of the table could lose a part of a value."""
    with pytest.raises(CheckpointError, match="stores it as"):
        require_columns("t", columns(n=stored), columns(n=result))
