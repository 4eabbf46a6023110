"""The sink: a Delta table to which rows are appended."""

from pyspark.sql import DataFrame
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime.delta import DeltaSink
from typing_extensions import override


class Sink(DeltaSink):
    """The table `[sink]` in conf/*.toml."""

    KIND = "delta"
    # Readers filter by time.
    CLUSTER_BY = "window_start"

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
