"""Where the result goes: a Delta table to which rows are added."""

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from .runtime.config import Location, Table

EPOCH = "stream.epoch"
"""The table property that names the checkpoint whose batches the table holds."""

SPARK_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # A commit reads the state of the table's log, by default in 50 tasks; small tables need one.
    "spark.databricks.delta.snapshotPartitions": "1",
}


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
    if not DeltaTable.isDeltaTable(spark, sink.path):
        return None
    details = DeltaTable.forPath(spark, sink.path).detail().select("properties")
    ((properties,),) = details.collect()
    return str(properties.get(EPOCH, "unknown"))


def check(sink: Sink) -> None:
    """Nothing to ask: there is no server."""


def prepare(spark: SparkSession, rows: DataFrame, sink: Sink, epoch: str) -> None:
    """Create the table with the result's columns, if it is not there."""
    table = DeltaTable.createIfNotExists(spark).location(sink.path).addColumns(rows.schema)
    table.property(EPOCH, epoch).execute()
