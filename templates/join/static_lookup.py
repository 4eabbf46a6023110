"""What a row's key stands for: a reference table, which has one row for each key.

A Delta table is read anew with every batch, so that a change shows in the next one. Of Parquet
and CSV files Spark lists the names and lengths when the job starts: what is added later shows
after a restart, and none may be overwritten before.
A batch that is repeated after a crash sees the table as it is then.
"""

from typing import Literal

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from . import schema
from .runtime import delta
from .runtime.config import Location, Table
from .runtime.errors import SetupError
from .runtime.names import OWN, quote

SPARK_CONF = delta.SPARK_CONF
LABEL = {{ (cookiecutter | stream_plan).label | stream_quoted }}
ROWS = f"{OWN}rows"


class Lookup(Table):
    """The table `[lookup]` in conf/*.toml."""

    format: Literal["delta", "parquet", "csv"] = "delta"
    path: Location


def read(spark: SparkSession, lookup: Lookup) -> DataFrame:
    """The reference table: the columns KEY and LABEL STRING.

    CSV files have a first line of names, and the columns in this order.
    """
    reader = spark.read.format(lookup.format)
    if lookup.format == "csv":
        columns = f"{quote(schema.KEY)} {schema.COLUMNS[schema.KEY]}, {quote(LABEL)} STRING"
        reader = reader.schema(columns).option("header", True)
    return reader.load(lookup.path).select(quote(schema.KEY), quote(LABEL))


def check(spark: SparkSession, lookup: Lookup) -> None:
    """Raises SetupError where there is no table, or a key stands in it twice."""
    try:
        counted = read(spark, lookup).groupBy(quote(schema.KEY)).agg(F.count("*").alias(ROWS))
        twice = counted.where(f"{ROWS} > 1").limit(1).collect()
    except AnalysisException as error:
        message = (
            f"The reference table {lookup.path} cannot be read: {error}. Name a table with the "
            f"columns {schema.KEY} and {LABEL} in lookup.path, and what it is in lookup.format."
        )
        raise SetupError(message) from error
    if twice:
        message = (
            f"The reference table {lookup.path} has the {schema.KEY} {twice[0][0]!r} "
            f"{twice[0][1]} times: each row of the result would be there as often. Leave one."
        )
        raise SetupError(message)


def enrich(rows: DataFrame, reference: DataFrame) -> DataFrame:
    """Add what the key stands for.

    Out: the columns of the rows, and LABEL STRING, null where the table lacks the key. Where a key
    comes to stand in the table twice the batch fails: no row is doubled in silence.
    """
    columns = map(quote, [*rows.columns, LABEL])
    return rows.join(_unique(reference), schema.KEY, "left").select(*columns)


def _unique(reference: DataFrame) -> DataFrame:
    """The table with a label that cannot be read where its key stands there twice."""
    name = F.coalesce(F.col(quote(schema.KEY)).cast("string"), F.lit("NULL"))
    text = F.concat(F.lit("lookup: this key stands in the table twice: "), name)
    label = F.when(F.count("*") > 1, F.raise_error(text)).otherwise(F.first(quote(LABEL)))
    return reference.groupBy(quote(schema.KEY)).agg(label.alias(LABEL))
