"""The sink: an Iceberg table to which rows are appended."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from py4j.protocol import Py4JJavaError
from pydantic import Field, SecretStr, model_validator
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime.causes import cause_of
from stream_runtime.columns import require_columns
from stream_runtime.config import Secret, Table
from stream_runtime.errors import SetupError
from stream_runtime.systems import StreamSink
from typing_extensions import override

CHECKPOINT_ID = "stream.checkpoint_id"
"""The table property with the checkpoint id."""
STREAMING = "spark.sql.streaming"
"""The prefix of what a snapshot says of its query and batch."""
PROPERTIES = {
    # Iceberg recognises a batch by its snapshot. Maintenance adds snapshots and expires old ones:
    # so many of the newest stay, however old they are.
    "history.expire.min-snapshots-to-keep": "100",
    # Each commit writes a new metadata file; without a limit, old ones stay.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
}
CONNECT_SECONDS = 10
PORTS = {"http": 80, "https": 443, "thrift": 9083}


class Catalog(Table):
    """The table `[sink.catalog]`: the Iceberg catalog that has the table."""

    type: Literal["hadoop", "hive", "rest"]
    """`hadoop` is a folder without a server. Object stores cannot commit to it safely."""
    warehouse: str = ""
    """`hadoop`, `hive`: the folder of all tables. `rest`: the name that the server expects."""
    uri: str = ""
    """The server of `hive` (thrift://host:port) or `rest` (https://host/path)."""
    credential: Secret = SecretStr("")
    """`id:secret`, if a REST catalog requires a login."""
    properties: Mapping[str, str] = Field(default_factory=dict)
    """Further properties of the catalog, as Iceberg names them, such as `io-impl`."""

    @model_validator(mode="after")
    def _complete(self) -> "Catalog":
        needed = "warehouse" if self.type == "hadoop" else "uri"
        if not getattr(self, needed):
            message = f"a catalog of type {self.type} needs {needed}"
            raise ValueError(message)
        return self


class Sink(StreamSink):
    """The table `[sink]` in conf/*.toml."""

    KIND = "iceberg"
    table: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*){2,}$")]
    """`catalog.namespace.table`; the first part is the name that the job gives the catalog."""
    catalog: Catalog

    @override
    def spark_conf(self) -> dict[str, str]:
        """Return the Spark settings that this sink needs."""
        catalog, name = self.catalog, self.table.partition(".")[0]
        warehouse = catalog.warehouse
        if catalog.type == "hadoop" and ":" not in warehouse:
            warehouse = str(Path(warehouse).absolute())
        properties = {
            "type": catalog.type,
            "warehouse": warehouse,
            "uri": catalog.uri,
            "credential": catalog.credential.get_secret_value(),
            # A start must see the checkpoint id that the table has now.
            "cache-enabled": "false",
            **catalog.properties,
        }
        prefix = f"spark.sql.catalog.{name}"
        settings = {f"{prefix}.{key}": value for key, value in properties.items() if value}
        return {prefix: "org.apache.iceberg.spark.SparkCatalog", **settings}

    @override
    def write(self, rows: DataFrame, checkpoint_id: str) -> DataStreamWriter:
        """Append rows to the table, each exactly once.

        1. Spark writes the batch's offsets to the checkpoint. If the process dies here: the next
           start runs the same batch over the same offsets.
        2. Tasks write Parquet files that no snapshot has. If the process dies here: the files
           stay invisible, and remove_orphan_files removes them.
        3. One commit adds a snapshot with the files, the query id and the batch id. If the process
           dies here: the batch runs again, and Iceberg skips it because a snapshot has its id.
        4. Spark marks the batch as committed in the checkpoint.
        """
        writer = rows.writeStream.format("iceberg").option("path", self.table)
        # In a partitioned table, tasks write to several partitions at once. Spark cannot sort a
        # stream by a partition such as days(...).
        return writer.options(**{"distribution-mode": "none", "fanout-enabled": "true"})

    @override
    def has_target(self, spark: SparkSession) -> bool:
        """Return whether the table exists."""
        return spark.catalog.tableExists(self.table)

    @override
    def target_checkpoint_id(self, spark: SparkSession) -> str | None:
        """Return the target's checkpoint id, None if there is no table."""
        if not self.has_target(spark):
            return None
        properties = spark.sql(f"SHOW TBLPROPERTIES {self.table}").collect()
        return {row.key: str(row.value) for row in properties}.get(CHECKPOINT_ID, "unknown")

    @override
    def last_batch(self, spark: SparkSession, checkpoint_id: str, query_id: str) -> int | None:
        """Return the last batch in the table's snapshots, None if none of them is of the query."""
        history = spark.table(f"{self.table}.history")
        snapshots = spark.table(f"{self.table}.snapshots")
        # A rollback leaves snapshots that are no longer ancestors of the current one.
        current = history.where("is_current_ancestor").join(snapshots, "snapshot_id")
        summary = F.col("summary")
        ours = current.where(summary[f"{STREAMING}.queryId"].startswith(query_id))
        ((last,),) = ours.select(F.max(summary[f"{STREAMING}.epochId"].cast("bigint"))).collect()
        return None if last is None else int(last)

    @override
    def check(self) -> None:
        """Raise SetupError if the server of the catalog does not accept a connection."""
        if not self.catalog.uri:
            return
        try:
            server = urlsplit(self.catalog.uri)
            address = server.hostname or "", server.port or PORTS.get(server.scheme, 0)
            socket.create_connection(address, CONNECT_SECONDS).close()
        except (OSError, ValueError) as cause:
            message = (
                f"The catalog at {self.catalog.uri} does not answer: {cause}. Start it, or correct "
                "sink.catalog.uri."
            )
            raise SetupError(message) from None

    @override
    def check_data(self, spark: SparkSession) -> None:
        """Raise SetupError if the catalog refuses the job."""
        try:
            spark.catalog.tableExists(self.table)
        except (Py4JJavaError, PySparkException) as error:
            message = (
                f"The catalog of {self.table} refuses the job: {cause_of(error)}. Correct "
                "[sink.catalog], or STREAM__SINK__CATALOG__CREDENTIAL."
            )
            raise SetupError(message) from None

    @override
    def check_target(self, spark: SparkSession, rows: DataFrame) -> None:
        """Compare the columns of the table with those of the result.

        Raises:
            CheckpointError: the table cannot store the result.
        """
        require_columns(self.table, spark.table(self.table).schema, rows.schema)

    @override
    def prepare(self, spark: SparkSession, rows: DataFrame, checkpoint_id: str) -> None:
        """Create the table with the columns of the result, if it does not exist.

        Raises:
            CheckpointError: the table exists and cannot store the result.
        """
        if self.has_target(spark):
            self.check_target(spark, rows)
            return
        spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {self.table.rpartition('.')[0]}")
        # Not createDataFrame: it would start Python on the executors.
        columns = (F.lit(None).cast(field.dataType).alias(field.name) for field in rows.schema)
        writer = spark.range(0).select(*columns).writeTo(self.table).using("iceberg")
        for name, value in {CHECKPOINT_ID: checkpoint_id, **PROPERTIES}.items():
            writer = writer.tableProperty(name, value)
        writer.create()
