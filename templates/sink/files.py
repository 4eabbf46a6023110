"""Where the result goes: Parquet files, which are only ever added."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from .runtime.config import Location, Table
from .runtime.storage import storage

# Spark's own default is INT96, which other readers take for something else or not at all.
SPARK_CONF = {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}
EPOCH = "_stream_epoch"
"""A file that names the checkpoint whose batches the folder holds; readers skip its name."""


class Sink(Table):
    """The table `[sink]` in conf/*.toml."""

    path: Location


def write(rows: DataFrame, sink: Sink, epoch: str) -> DataStreamWriter:
    """Add files of rows, each row exactly once for readers that obey `_spark_metadata`, as Spark.

    1. Spark writes the batch's offsets to the checkpoint. Died after it: the next start runs
       the same batch over the same offsets.
    2. Tasks write Parquet files. Died after it: the files stay. `_spark_metadata` does not name
       them, so that Spark does not read them; a reader that takes all files there are does.
    3. Spark names the batch's files in `_spark_metadata`, all in one step, under its number.
       Died after it: the batch runs again, and is skipped since its number is there.
    4. Spark marks the batch as committed in the checkpoint.
    """
    return rows.writeStream.format("parquet").option("path", sink.path)


def owner(spark: SparkSession, sink: Sink) -> str | None:
    """The epoch of the checkpoint whose batches the folder holds, None where there is nothing.

    Batches of another checkpoint would have numbers that are there, and be skipped.
    """
    folder = storage(sink.path, spark)
    if epoch := folder.read(EPOCH):
        return epoch
    return "unknown" if folder.names("") else None


def check(sink: Sink) -> None:
    """Nothing to ask: there is no server."""


def prepare(spark: SparkSession, rows: DataFrame, sink: Sink, epoch: str) -> None:
    """Make the folder, owned by this checkpoint's epoch, if it is not there."""
    if owner(spark, sink) is None:
        storage(sink.path, spark).write(EPOCH, epoch)
