{% set job = cookiecutter | stream_plan %}
{% set several = not job.windowed and not job.deduplicates %}
{% set numbered = cookiecutter.platform != "databricks_serverless" %}
"""Where the result goes: a Delta table with one row for each key of the result."""

{% if numbered %}
from collections.abc import Iterator
from contextlib import contextmanager
{% endif %}
from functools import partial

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
{% if several %}
from pyspark.sql import functions as F
{% endif %}
from pyspark.sql.streaming.readwriter import DataStreamWriter

from . import schema
from .runtime import delta
from .runtime.config import Location, Table
{% if several %}
from .runtime.names import OWN, quote
{% else %}
from .runtime.names import quote
{% endif %}

SPARK_CONF = delta.SPARK_CONF
{% if job.windowed %}
TIME = "window_start"
{% else %}
TIME = schema.EVENT_TIME
{% endif %}
"""The column by which the table is clustered: rows that change together are near in time."""
# NULL is a key like any other.
SAME_KEY = " AND ".join(f"held.{name} <=> new.{name}" for name in map(quote, schema.RESULT_KEY))
{% if not job.windowed %}
NOT_OLDER = f"new.{quote(TIME)} >= held.{quote(TIME)}"
{% endif %}
{% if several %}
LAST = f"{OWN}last"
{% endif %}
{% if numbered %}
QUERY = f"{__name__.partition('.')[0]}/result"
TXN = "spark.databricks.delta.write"
{% endif %}


class Sink(Table):
    """The table `[sink]` in conf/*.toml."""

    path: Location


def write(rows: DataFrame, sink: Sink, epoch: str) -> DataStreamWriter:
    """Bring rows into the table, in place of those with their keys, each batch exactly once.

    1. Spark writes the batch's offsets to the checkpoint. Died after it: the next start runs
       the same batch over the same offsets.
    2. MERGE looks for the keys in all of the table, and writes Parquet files that no reader
       sees yet. Died after it: the files stay unseen, and VACUUM removes them.
{% if numbered %}
    3. One commit puts them in the place of those that hold the old rows, and records the epoch
       and the batch's number. Died after it: the batch runs again, and MERGE skips it since
       the table has that number.
{% else %}
    3. One commit puts them in the place of those that hold the old rows. Died after it: the
       batch runs again, and MERGE makes the same rows of it.
{% endif %}
    4. Spark marks the batch as committed in the checkpoint.

    A file is rewritten whole when a row in it changes. OPTIMIZE, which clusters the table by
    time, keeps those rows in few files.
    """
    return rows.writeStream.foreachBatch(partial(merge, sink=sink, epoch=epoch))


def merge(batch: DataFrame, batch_id: int, *, sink: Sink, epoch: str) -> None:
    """Steps 2 and 3 of `write`."""
    spark = batch.sparkSession
    table = DeltaTable.forPath(spark, sink.path).alias("held")
{% if job.windowed %}
    merging = table.merge(batch.alias("new"), SAME_KEY).whenMatchedUpdateAll()
{% elif job.deduplicates %}
    # A batch has one event of each id, which may be in the table from before it was forgotten.
    merging = table.merge(batch.alias("new"), SAME_KEY).whenMatchedUpdateAll(NOT_OLDER)
{% else %}
    merging = table.merge(newest(batch).alias("new"), SAME_KEY).whenMatchedUpdateAll(NOT_OLDER)
{% endif %}
{% if numbered %}
    with _numbered(spark, f"{QUERY}/{epoch}", batch_id):
        counts = merging.whenNotMatchedInsertAll().execute()
    if counts.isEmpty():
        # Skipped. It is read all the same: Spark's state has to be brought to this batch.
        batch.write.format("noop").mode("overwrite").save()
{% else %}
    merging.whenNotMatchedInsertAll().execute()
{% endif %}
{% if several %}


def newest(batch: DataFrame) -> DataFrame:
    """Of the events with one id the newest: MERGE takes one row for each key."""
    last = F.max_by(F.struct("*"), quote(TIME)).alias(LAST)
    return batch.groupBy(*map(quote, schema.RESULT_KEY)).agg(last).select(f"{LAST}.*")
{% endif %}
{% if numbered %}


@contextmanager
def _numbered(spark: SparkSession, query: str, batch_id: int) -> Iterator[None]:
    """Let what is committed to Delta meanwhile carry the batch's number."""
    numbers = {f"{TXN}.txnAppId": query, f"{TXN}.txnVersion": str(batch_id)}
    for name, value in numbers.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name in numbers:
            spark.conf.unset(name)
{% endif %}


def owner(spark: SparkSession, sink: Sink) -> str | None:
    """The epoch of the checkpoint whose batches the table holds, None where there is no table."""
    return delta.owner(spark, sink.path)


def check(sink: Sink) -> None:
    """Nothing to ask: there is no server."""


def prepare(spark: SparkSession, rows: DataFrame, sink: Sink, epoch: str) -> None:
    """Create the table with the result's columns, if it is not there."""
    delta.create(spark, sink.path, rows.schema, epoch=epoch, cluster_by=TIME)
