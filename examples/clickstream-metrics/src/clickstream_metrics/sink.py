"""Where the result goes: a Delta table to which rows are added."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from .runtime import delta
from .runtime.config import Location, Table

SPARK_CONF = delta.SPARK_CONF
TIME = "window_start"
"""The column by which the table is clustered: readers ask for a span of time."""


class Sink(Table):
    """The table `[sink]` in conf/*.toml."""

    path: Location


def write(rows: DataFrame, sink: Sink, epoch: str) -> DataStreamWriter:
    """Add rows to the table, each exactly once.

    1. Spark writes the batch's offsets to the checkpoint. Died after it: the next start runs
       the same batch over the same offsets.
    2. Tasks write Parquet files that no reader sees yet. Died after it: the files stay unseen,
       and VACUUM removes them.
    3. One commit makes them visible and records the query's id and the batch's number. Died
       after it: the batch runs again, and Delta skips it since it has that number.
    4. Spark marks the batch as committed in the checkpoint.
    """
    return rows.writeStream.format("delta").option("path", sink.path)


def owner(spark: SparkSession, sink: Sink) -> str | None:
    """The epoch of the checkpoint whose batches the table holds, None where there is no table."""
    return delta.owner(spark, sink.path)


def check(sink: Sink) -> None:
    """Nothing to ask: there is no server."""


def prepare(spark: SparkSession, rows: DataFrame, sink: Sink, epoch: str) -> None:
    """Create the table with the result's columns, if it is not there."""
    delta.create(spark, sink.path, rows.schema, epoch=epoch, cluster_by=TIME)
