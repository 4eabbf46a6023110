"""A Delta table as the job's target: made on purpose, and known to belong to one checkpoint."""

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
EPOCH = "stream.epoch"
"""The table property that names the checkpoint whose batches the table holds."""
ALL_COLUMNS = {"delta.dataSkippingNumIndexedCols": "-1"}
"""Statistics of every column: one by which a table is clustered must have them."""


def owner(spark: SparkSession, path: str) -> str | None:
    """The epoch of the checkpoint whose batches the table holds, None where there is no table."""
    if not DeltaTable.isDeltaTable(spark, path):
        return None
    details = DeltaTable.forPath(spark, path).detail().select("properties")
    ((properties,),) = details.collect()
    return str(properties.get(EPOCH, "unknown"))


def create(
    spark: SparkSession, path: str, columns: T.StructType, *, epoch: str, cluster_by: str
) -> None:
    """Create the table, owned by a checkpoint's epoch, if it is not there.

    OPTIMIZE then keeps rows that are near to each other by `cluster_by` in the same files.
    """
    table = DeltaTable.createIfNotExists(spark).location(path).addColumns(columns)
    for name, value in ({EPOCH: epoch} | ALL_COLUMNS).items():
        table = table.property(name, value)
    table.clusterBy(quote(cluster_by)).execute()
