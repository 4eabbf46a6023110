"""The sink: a Delta table to which rows are appended."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime import delta
from stream_runtime.config import Location
from stream_runtime.systems import StreamSink
from typing_extensions import override

TIME = "window_start"
"""The column that clusters the table: readers filter by time."""


class Sink(StreamSink):
    """The table `[sink]` in conf/*.toml."""

    KIND = "delta"
    path: Location

    @override
    def spark_conf(self) -> dict[str, str]:
        """Return the Spark settings that this sink needs."""
        return delta.SPARK_CONF

    @override
    def write(self, rows: DataFrame, checkpoint_id: str) -> DataStreamWriter:
        """Append rows to the table, each exactly once.

        1. Spark writes the batch's offsets to the checkpoint. If the process dies here: the next
           start runs the same batch over the same offsets.
        2. Tasks write Parquet files that are not visible yet. If the process dies here: the files
           stay invisible, and VACUUM removes them.
        3. One commit makes them visible and records the query id and the batch id. If the process
           dies here: the batch runs again, and Delta skips it because its log has the batch id.
        4. Spark marks the batch as committed in the checkpoint.
        """
        return rows.writeStream.format("delta").option("path", self.path)

    @override
    def target_checkpoint_id(self, spark: SparkSession) -> str | None:
        """Return the target's checkpoint id, None if there is no table."""
        return delta.target_checkpoint_id(spark, self.path)

    @override
    def prepare(self, spark: SparkSession, rows: DataFrame, checkpoint_id: str) -> None:
        """Create the table with the columns of the result, if it does not exist."""
        delta.create(spark, self.path, rows.schema, checkpoint_id=checkpoint_id, cluster_by=TIME)
