{% set job = cookiecutter | stream_plan %}
{% set several = not job.windowed and not job.deduplicates %}
{% set numbered = cookiecutter.platform != "databricks_serverless" %}
"""The sink: a Delta table with one row per key of the result."""

{% if numbered %}
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
{% endif %}
from functools import partial

from delta.tables import DeltaTable
{% if numbered %}
from pyspark.sql import DataFrame, Row, SparkSession
{% else %}
from pyspark.sql import DataFrame, SparkSession
{% endif %}
{% if several %}
from pyspark.sql import functions as F
{% endif %}
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime.delta import DeltaSink
{% if several %}
from stream_runtime.names import OWN, quote
{% else %}
from stream_runtime.names import quote
{% endif %}
from typing_extensions import override

from . import schema

# <=> also compares NULL, which a grouping column can be.
SAME_KEY = " AND ".join(f"held.{name} <=> new.{name}" for name in map(quote, schema.RESULT_KEY))
{% if not job.windowed %}
NOT_OLDER = f"new.{quote(schema.EVENT_TIME)} >= held.{quote(schema.EVENT_TIME)}"
{% endif %}
{% if several %}
LAST = f"{OWN}last"
{% endif %}
{% if numbered %}
QUERY = f"{__name__.partition('.')[0]}/result"
TXN = "spark.databricks.delta.write"
NOTE = "spark.databricks.delta.commitInfo.userMetadata"
{% endif %}


class Sink(DeltaSink):
    """The table `[sink]` in conf/*.toml."""

    KIND = "delta_merge"
    # Rows that change together are close in time.
    CLUSTER_BY = {{ '"window_start"' if job.windowed else "schema.EVENT_TIME" }}

    @override
    def write(self, rows: DataFrame, checkpoint_id: str) -> DataStreamWriter:
        """Write rows to the table, replacing those with the same key, each batch exactly once.

        1. Spark writes the batch's offsets to the checkpoint. If the process dies here: the next
           start runs the same batch over the same offsets.
        2. MERGE searches the keys in the whole table and writes Parquet files that are not visible
           yet. If the process dies here: the files stay invisible, and VACUUM removes them.
{% if numbered %}
        3. One commit replaces the files with the old rows, and records the checkpoint id and the
           batch id. If the process dies here: the batch runs again, and MERGE skips it because the
           table has the batch id.
{% else %}
        3. One commit replaces the files with the old rows. If the process dies here: the batch runs
           again, and MERGE writes the same rows.
{% endif %}
        4. Spark marks the batch as committed in the checkpoint.

        MERGE rewrites a whole file if one row in it changes. OPTIMIZE clusters the table by time,
        so that these rows are in few files.
        """
        return rows.writeStream.foreachBatch(partial(merge, sink=self, checkpoint_id=checkpoint_id))
{% if numbered %}

    @override
    def batch_of(self, entry: Row, checkpoint_id: str, query_id: str) -> int | None:
        """Return the batch id in an entry of the history, None if it is not of this query."""
        note = None
        # A MERGE of somebody else has no note, or another one.
        with suppress(TypeError, ValueError):
            note = json.loads(entry.userMetadata) if entry.operation == "MERGE" else None
        if isinstance(note, dict) and note.get("checkpoint_id") == checkpoint_id:
            return int(note["batch_id"])
        return None
{% endif %}


def merge(batch: DataFrame, batch_id: int, *, sink: Sink, checkpoint_id: str) -> None:
    """Run steps 2 and 3 of `write`."""
    spark = batch.sparkSession
    table = DeltaTable.forPath(spark, sink.path).alias("held")
{% if job.windowed %}
    merging = table.merge(batch.alias("new"), SAME_KEY).whenMatchedUpdateAll()
{% elif job.deduplicates %}
    # A batch has one event per id; the table may have an older one, whose id is no longer retained.
    merging = table.merge(batch.alias("new"), SAME_KEY).whenMatchedUpdateAll(NOT_OLDER)
{% else %}
    merging = table.merge(newest(batch).alias("new"), SAME_KEY).whenMatchedUpdateAll(NOT_OLDER)
{% endif %}
{% if numbered %}
    with _numbered(spark, checkpoint_id, batch_id):
        counts = merging.whenNotMatchedInsertAll().execute()
    if counts.isEmpty():
        # Skipped, but the batch has to be read: otherwise Spark does not commit its state.
        batch.write.format("noop").mode("overwrite").save()
{% else %}
    merging.whenNotMatchedInsertAll().execute()
{% endif %}
{% if several %}


def newest(batch: DataFrame) -> DataFrame:
    """Return the newest event of each id, because MERGE accepts one row per key."""
    last = F.max_by(F.struct("*"), quote(schema.EVENT_TIME)).alias(LAST)
    return batch.groupBy(*map(quote, schema.RESULT_KEY)).agg(last).select(f"{LAST}.*")
{% endif %}
{% if numbered %}


@contextmanager
def _numbered(spark: SparkSession, checkpoint_id: str, batch_id: int) -> Iterator[None]:
    """Add the batch id to Delta commits within the context: by it Delta skips a batch."""
    numbers = {
        f"{TXN}.txnAppId": f"{QUERY}/{checkpoint_id}",
        f"{TXN}.txnVersion": str(batch_id),
        # For people, and for `last_batch`: the history does not show the other two.
        NOTE: json.dumps({"checkpoint_id": checkpoint_id, "batch_id": batch_id}),
    }
    for name, value in numbers.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name in numbers:
            spark.conf.unset(name)
{% endif %}
