"""The sink: Parquet files, append only."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime.config import Location
from stream_runtime.storage import storage
from stream_runtime.systems import StreamSink
from typing_extensions import override

CHECKPOINT_ID = "_stream_checkpoint_id"
"""The file with the checkpoint id; readers ignore names that begin with `_`."""


class Sink(StreamSink):
    """The table `[sink]` in conf/*.toml."""

    KIND = "files"
    path: Location

    @override
    def spark_conf(self) -> dict[str, str]:
        """Return the Spark settings that this sink needs."""
        # The default is INT96, which other readers do not support or read incorrectly.
        return {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}

    @override
    def write(self, rows: DataFrame, checkpoint_id: str) -> DataStreamWriter:
        """Append files of rows, each exactly once for readers that use `_spark_metadata`, as Spark.

        1. Spark writes the batch's offsets to the checkpoint. If the process dies here: the next
           start runs the same batch over the same offsets.
        2. Tasks write Parquet files. If the process dies here: the files stay, but
           `_spark_metadata` does not name them. Spark ignores them; a reader of all files does not.
        3. Spark adds the batch's files to `_spark_metadata` in one step, with the batch id. If the
           process dies here: the batch runs again, and Spark skips it because its id is there.
        4. Spark marks the batch as committed in the checkpoint.
        """
        return rows.writeStream.format("parquet").option("path", self.path)

    @override
    def has_target(self, spark: SparkSession) -> bool:
        """Return whether the folder has something."""
        return bool(storage(self.path, spark).names(""))

    @override
    def last_batch(self, spark: SparkSession, checkpoint_id: str, query_id: str) -> int | None:
        """Return the last batch in `_spark_metadata`, where some files sum up those before them."""
        names = storage(self.path, spark).names("_spark_metadata")
        batches = (name.removesuffix(".compact") for name in names)
        return max((int(batch) for batch in batches if batch.isdigit()), default=-1)

    @override
    def target_checkpoint_id(self, spark: SparkSession) -> str | None:
        """Return the target's checkpoint id, None if the folder is empty.

        The batches of another checkpoint would have ids that are already there, and be skipped.
        """
        folder = storage(self.path, spark)
        if checkpoint_id := folder.read(CHECKPOINT_ID):
            return checkpoint_id
        return "unknown" if folder.names("") else None

    @override
    def prepare(self, spark: SparkSession, rows: DataFrame, checkpoint_id: str) -> None:
        """Create the folder with this checkpoint id, if it does not exist."""
        if self.target_checkpoint_id(spark) is None:
            storage(self.path, spark).write(CHECKPOINT_ID, checkpoint_id)
