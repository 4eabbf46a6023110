"""The lookup: a reference table with one row per key, and a label.

Every batch reads a Delta table again, so the next batch uses a change. For Parquet and CSV, Spark
lists the files and their sizes when the job starts: new files are used after a restart, and files
must not be overwritten before it.
A batch replay after a crash reads the table as it is at that time.
"""

from typing import Literal

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from stream_runtime import delta
from stream_runtime.config import Location
from stream_runtime.errors import SetupError
from stream_runtime.names import OWN, quote
from stream_runtime.systems import System
from typing_extensions import override

from . import schema

LABEL = {{ (cookiecutter | stream_plan).label | stream_quoted }}
ROWS = f"{OWN}rows"


class Lookup(System):
    """The table `[lookup]` in conf/*.toml."""

    format: Literal["delta", "parquet", "csv"] = "delta"
    path: Location

    @override
    def spark_conf(self) -> dict[str, str]:
        """Return the Spark settings that this table needs."""
        return delta.SPARK_CONF

    def read(self, spark: SparkSession) -> DataFrame:
        """Return the reference table: the columns KEY and LABEL STRING.

        CSV files have a header line, and the columns in this order.
        """
        reader = spark.read.format(self.format)
        if self.format == "csv":
            columns = f"{quote(schema.KEY)} {schema.COLUMNS[schema.KEY]}, {quote(LABEL)} STRING"
            reader = reader.schema(columns).option("header", True)
        return reader.load(self.path).select(quote(schema.KEY), quote(LABEL))

    @override
    def check_data(self, spark: SparkSession) -> None:
        """Raise SetupError if the table does not exist or has a duplicate key."""
        try:
            counted = self.read(spark).groupBy(quote(schema.KEY)).agg(F.count("*").alias(ROWS))
            twice = counted.where(f"{ROWS} > 1").limit(1).collect()
        except AnalysisException as error:
            message = (
                f"The reference table {self.path} cannot be read: {error}. Set lookup.path to a "
                f"table with the columns {schema.KEY} and {LABEL}, and lookup.format to its format."
            )
            raise SetupError(message) from error
        if twice:
            message = (
                f"The reference table {self.path} has the {schema.KEY} {twice[0][0]!r} "
                f"{twice[0][1]} times: each row of the result would be there as often. Leave one."
            )
            raise SetupError(message)


def enrich(rows: DataFrame, reference: DataFrame) -> DataFrame:
    """Add the label of the key.

    Out: the columns of the rows, and LABEL STRING, null if the table does not have the key. If the
    table gets a duplicate key, the batch fails, instead of silently duplicating rows.
    """
    columns = map(quote, [*rows.columns, LABEL])
    return rows.join(_unique(reference), schema.KEY, "left").select(*columns)


def _unique(reference: DataFrame) -> DataFrame:
    """Return the table with a label that raises an error if its key is a duplicate."""
    name = F.coalesce(F.col(quote(schema.KEY)).cast("string"), F.lit("NULL"))
    text = F.concat(F.lit("lookup: this key is in the table twice: "), name)
    label = F.when(F.count("*") > 1, F.raise_error(text)).otherwise(F.first(quote(LABEL)))
    return reference.groupBy(quote(schema.KEY)).agg(label.alias(LABEL))
