"""A Delta table as the target: created by the job, with the checkpoint id as a property."""

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from .names import quote

SPARK_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # A commit reads the state of the table's log, by default in 50 tasks; small tables need one.
    "spark.databricks.delta.snapshotPartitions": "1",
}
CHECKPOINT_ID = "stream.checkpoint_id"
"""The table property with the checkpoint id."""
ALL_COLUMNS = {"delta.dataSkippingNumIndexedCols": "-1"}
"""Statistics of every column: the column that clusters a table needs them."""


def target_checkpoint_id(spark: SparkSession, path: str) -> str | None:
    """Return the target's checkpoint id, None if there is no table."""
    if not DeltaTable.isDeltaTable(spark, path):
        return None
    details = DeltaTable.forPath(spark, path).detail().select("properties")
    ((properties,),) = details.collect()
    return str(properties.get(CHECKPOINT_ID, "unknown"))


def create(
    spark: SparkSession, path: str, columns: T.StructType, *, checkpoint_id: str, cluster_by: str
) -> None:
    """Create the table with a checkpoint id, if it does not exist.

    OPTIMIZE then writes rows that are near to each other by `cluster_by` to the same files.
    """
    table = DeltaTable.createIfNotExists(spark).location(path).addColumns(columns)
    for name, value in ({CHECKPOINT_ID: checkpoint_id} | ALL_COLUMNS).items():
        table = table.property(name, value)
    table.clusterBy(quote(cluster_by)).execute()
