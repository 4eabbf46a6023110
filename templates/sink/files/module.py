"""The sink: Parquet files, append only."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime.config import Location, Table
from stream_runtime.storage import storage

EPOCH = "_stream_epoch"
"""The file with the checkpoint id; readers ignore names that begin with `_`."""


class Sink(Table):
    """The table `[sink]` in conf/*.toml."""

    path: Location


def spark_conf(sink: Sink) -> dict[str, str]:
    """Return the Spark settings that this sink needs."""
    # The default is INT96, which other readers do not support or read incorrectly.
    return {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}


def write(rows: DataFrame, sink: Sink, epoch: str) -> DataStreamWriter:
    """Append files of rows, each row exactly once for readers that use `_spark_metadata`, as Spark.

    1. Spark writes the batch's offsets to the checkpoint. If the process dies here: the next start
       runs the same batch over the same offsets.
    2. Tasks write Parquet files. If the process dies here: the files stay, but `_spark_metadata`
       does not name them. Spark ignores them; a reader of all files does not.
    3. Spark adds the batch's files to `_spark_metadata` in one step, with the batch id. If the
       process dies here: the batch runs again, and Spark skips it because its id is there.
    4. Spark marks the batch as committed in the checkpoint.
    """
    return rows.writeStream.format("parquet").option("path", sink.path)


def owner(spark: SparkSession, sink: Sink) -> str | None:
    """Return the target's checkpoint id, None if the folder is empty.

    The batches of another checkpoint would have ids that are already there, and be skipped.
    """
    folder = storage(sink.path, spark)
    if epoch := folder.read(EPOCH):
        return epoch
    return "unknown" if folder.names("") else None


def check(sink: Sink) -> None:
    """Do nothing: this sink has no server."""


def prepare(spark: SparkSession, rows: DataFrame, sink: Sink, epoch: str) -> None:
    """Create the folder with this checkpoint id, if it does not exist."""
    if owner(spark, sink) is None:
        storage(sink.path, spark).write(EPOCH, epoch)
