"""The schemas that the rules accept, against Spark's own reading of JSON."""

import json

import pytest
from pyspark.sql import functions as F

from stream_template_rules import columns
from stream_template_rules.columns import FLAT
from stream_template_rules.ddl import quoted

pytestmark = pytest.mark.spark


def read(spark, ddl, event):
    """Return the event's JSON as Spark reads it by the columns of the schema."""
    schema = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns(ddl))
    frame = spark.range(1).select(F.from_json(F.lit(event), schema).alias("event"))
    return frame.select("event.*")


def test_spark_takes_names_and_types_as_the_rules_write_them(spark):
    """Odd names, nested ones too, and each type: Spark finds the columns that were meant."""
    odd = 'user-id STRING, @timestamp TIMESTAMP, `a``b "c` INT, größe STRUCT<`x-y`: VARCHAR(3)>'
    ddl = f"{odd}, m MAP<CHAR(2), DEC>, r REAL, p DOUBLE PRECISION NOT NULL COMMENT 'it''s'"
    ddl += "".join(f", c{number} {kind}" for number, kind in enumerate(FLAT))

    found = read(spark, ddl, "{}").columns

    assert found == [name for name, _ in columns(ddl)]


def test_a_string_keeps_what_has_no_type_of_its_own(spark):
    """VARIANT and the like are refused for STRING, which holds what was sent, however nested."""
    data = {"b": [1, {"c": "ö"}], "d": None}
    event = json.dumps({"data": data, "at": "12:30:00", "pause": "INTERVAL '1' DAY"})

    [row] = read(spark, "data STRING, at STRING, pause STRING", event).collect()

    assert json.loads(row["data"]) == data
    assert (row["at"], row["pause"]) == ("12:30:00", "INTERVAL '1' DAY")


def test_whole_seconds_are_a_timestamp(spark):
    """A number in a TIMESTAMP column counts seconds since 1970."""
    [row] = read(spark, "at TIMESTAMP", '{"at": 86400}').select(F.unix_seconds("at")).collect()

    assert list(row) == [86400]
