"""A Delta table as the target: created by the job, with the checkpoint id as a property."""

from typing import ClassVar

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, Row, SparkSession
from typing_extensions import override

from .columns import require_columns
from .config import Location
from .errors import CheckpointError
from .manifest import NEW_PLACES
from .names import quote
from .systems import StreamSink

SPARK_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # A commit reads the state of the table's log, by default in 50 tasks; small tables need one.
    "spark.databricks.delta.snapshotPartitions": "1",
}
CHECKPOINT_ID = "stream.checkpoint_id"
"""The table property with the checkpoint id."""
HISTORY = 100
"""The number of entries of the history that are read: maintenance adds some after each batch."""
HISTORY_COLUMNS = "version", "operation", "operationParameters", "userMetadata"
ALL_COLUMNS = {"delta.dataSkippingNumIndexedCols": "-1"}
"""Statistics of every column: the column that clusters a table needs them."""


class DeltaSink(StreamSink):
    """The table `[sink]` in conf/*.toml, for a Delta table."""

    CLUSTER_BY: ClassVar[str]
    """The column by which OPTIMIZE clusters: rows that are near to each other share files."""
    path: Location

    @override
    def spark_conf(self) -> dict[str, str]:
        return SPARK_CONF

    @override
    def has_target(self, spark: SparkSession) -> bool:
        return DeltaTable.isDeltaTable(spark, self.path)

    @override
    def target_checkpoint_id(self, spark: SparkSession) -> str | None:
        if not self.has_target(spark):
            return None
        details = DeltaTable.forPath(spark, self.path).detail().select("properties")
        ((properties,),) = details.collect()
        return str(properties.get(CHECKPOINT_ID, "unknown"))

    @override
    def last_batch(self, spark: SparkSession, checkpoint_id: str, query_id: str) -> int | None:
        """Return the last batch in the table's history, None if its newest entries have none.

        Raises:
            CheckpointError: the table was restored to a time.
        """
        history = DeltaTable.forPath(spark, self.path).history(HISTORY)
        newest = None
        for entry in history.select(*HISTORY_COLUMNS).collect():
            if newest is not None and entry.version > newest:
                continue
            if entry.operation == "RESTORE":
                # Delta keeps the ids of the batches that it undoes.
                version = entry.operationParameters.get("version")
                if version is None:
                    message = (
                        f"The table in {self.path} was restored to a time, so it is unknown which "
                        f"batches it has. Restore it to the number of that version, or {NEW_PLACES}"
                    )
                    raise CheckpointError(message)
                newest = int(version)
            batch = self.batch_of(entry, checkpoint_id, query_id)
            if batch is not None:
                return batch
        return None

    def batch_of(self, entry: Row, checkpoint_id: str, query_id: str) -> int | None:  # noqa: ARG002
        """Return the batch id in an entry of the history, None if it is not of this query."""
        values = entry.operationParameters
        is_ours = entry.operation == "STREAMING UPDATE" and values["queryId"].startswith(query_id)
        return int(values["epochId"]) if is_ours else None

    @override
    def check_target(self, spark: SparkSession, rows: DataFrame) -> None:
        held = DeltaTable.forPath(spark, self.path).toDF().schema
        require_columns(self.path, held, rows.schema)

    @override
    def prepare(self, spark: SparkSession, rows: DataFrame, checkpoint_id: str) -> None:
        if self.has_target(spark):
            self.check_target(spark, rows)
            return
        table = DeltaTable.createIfNotExists(spark).location(self.path).addColumns(rows.schema)
        for name, value in ({CHECKPOINT_ID: checkpoint_id} | ALL_COLUMNS).items():
            table = table.property(name, value)
        table.clusterBy(quote(self.CLUSTER_BY)).execute()
