"""The schemas that the rules accept, read by Spark's own JSON reader."""

import json

import pytest
from pyspark.sql import functions as F

from stream_template_rules import columns
from stream_template_rules.columns import FLAT
from stream_template_rules.ddl import quoted

pytestmark = pytest.mark.spark


def read(spark, ddl, event):
    """Return the event, given as JSON, as Spark reads it with the columns of the schema."""
    schema = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns(ddl))
    frame = spark.range(1).select(F.from_json(F.lit(event), schema).alias("event"))
    return frame.select("event.*")


def test_spark_reads_each_name_and_type(spark):
    """Spark reads a schema with odd names, nested names and each type as the rules read it."""
    odd = 'user-id STRING, @timestamp TIMESTAMP, `a``b "c` INT, größe STRUCT<`x-y`: VARCHAR(3)>'
    ddl = f"{odd}, m MAP<CHAR(2), DEC>, r REAL, p DOUBLE PRECISION NOT NULL COMMENT 'it''s'"
    ddl += "".join(f", c{number} {kind}" for number, kind in enumerate(FLAT))

    found = read(spark, ddl, "{}").columns

    assert found == [name for name, _ in columns(ddl)]


def test_a_string_keeps_values_of_refused_types(spark):
    """A STRING keeps the whole JSON of a value, so it can replace refused types like VARIANT."""
    data = {"b": [1, {"c": "ö"}], "d": None}
    event = json.dumps({"data": data, "at": "12:30:00", "pause": "INTERVAL '1' DAY"})

    [row] = read(spark, "data STRING, at STRING, pause STRING", event).collect()

    assert json.loads(row["data"]) == data
    assert (row["at"], row["pause"]) == ("12:30:00", "INTERVAL '1' DAY")


def test_a_malformed_record_is_not_null(spark):
    """from_json returns a struct of nulls for a text that is not JSON, as the agent file says."""
    frame = spark.range(1).select(F.from_json(F.lit('{"a": 1'), "b STRING").alias("event"))

    [row] = frame.select(F.isnull("event").alias("is_null"), "event.b").collect()

    assert (row["is_null"], row["b"]) == (False, None)


def test_a_number_of_seconds_is_a_timestamp(spark):
    """A number in a TIMESTAMP column counts seconds since 1970."""
    [row] = read(spark, "at TIMESTAMP", '{"at": 86400}').select(F.unix_seconds("at")).collect()

    assert list(row) == [86400]
