"""The Delta table of the sink: its creation, its checkpoint id, and batches written once."""

import json
import uuid
from functools import partial

import pytest
from delta.tables import DeltaTable
from pyspark.sql import functions as F
from stream_devkit.crash import forget_commit
from stream_runtime.errors import CheckpointError

from clickstream_metrics.job import JOB


def test_prepare_creates_the_table_with_its_checkpoint_id(spark, settings):
    """`prepare` creates an empty table with the result's columns and the checkpoint id."""
    rows = JOB.stream(spark, settings)
    before = settings.sink.has_target(spark), settings.sink.target_checkpoint_id(spark)

    settings.sink.prepare(spark, rows, "checkpoint 1")

    table = DeltaTable.forPath(spark, settings.sink.path).toDF()
    assert before == (False, None)
    assert settings.sink.has_target(spark)
    assert settings.sink.target_checkpoint_id(spark) == "checkpoint 1"
    assert table.schema.simpleString() == rows.schema.simpleString()
    assert table.count() == 0


def test_an_existing_table_keeps_its_checkpoint_id(spark, settings):
    """`prepare` does not change the checkpoint id of an existing table."""
    rows = JOB.stream(spark, settings)
    settings.sink.prepare(spark, rows, "checkpoint 1")

    settings.sink.prepare(spark, rows, "checkpoint 2")

    assert settings.sink.target_checkpoint_id(spark) == "checkpoint 1"


def test_a_table_that_cannot_store_the_result_is_refused(spark, settings):
    """The start is refused, not each batch: Delta would refuse a new column, and cast a type."""
    rows = JOB.stream(spark, settings)
    settings.sink.prepare(spark, rows, "checkpoint 1")
    name = rows.columns[-1]

    with pytest.raises(CheckpointError, match="has no column currency STRING"):
        settings.sink.prepare(spark, rows.withColumn("currency", F.lit("EUR")), "checkpoint 1")
    with pytest.raises(CheckpointError, match="Cast the column"):
        settings.sink.check_target(spark, rows.withColumn(name, F.lit(b"")))


@pytest.fixture(name="run")
def _run(spark, settings, tmp_path):
    """Return a function that writes lines to the sink in one batch and returns all rows."""
    source, checkpoint = tmp_path / "lines", tmp_path / "stream"
    source.mkdir()

    def run(*lines):
        for line in lines:
            (source / line).write_text(line, "utf-8")
        rows = spark.readStream.text(str(source))
        writer = settings.sink.write(rows, "checkpoint 1").trigger(availableNow=True)
        writer.option("checkpointLocation", str(checkpoint)).start().awaitTermination()
        table = spark.read.format("delta").load(settings.sink.path)
        return sorted(row.value for row in table.collect())

    run.checkpoint = checkpoint
    return run


def test_the_last_batch_is_that_of_the_present_rows(run, spark, settings):
    """The history says which batch the table has, also after a maintenance or a RESTORE."""
    run("a")
    run("b")
    query = json.loads((run.checkpoint / "metadata").read_text("utf-8"))["id"]
    last_batch = partial(settings.sink.last_batch, spark, "checkpoint 1")
    table = DeltaTable.forPath(spark, settings.sink.path)
    table.optimize().executeCompaction()

    assert (last_batch(query), last_batch(""), last_batch("another")) == (1, 1, None)
    table.restoreToVersion(0)
    assert last_batch(query) == 0


def test_a_table_that_was_restored_to_a_time_is_refused(run, spark, settings):
    """The history does not say to which version; a RESTORE by its number does."""
    run("a")
    run("b")
    query = json.loads((run.checkpoint / "metadata").read_text("utf-8"))["id"]
    last_batch = partial(settings.sink.last_batch, spark, "checkpoint 1", query)
    table = DeltaTable.forPath(spark, settings.sink.path)
    oldest = table.history().orderBy("version").first()
    table.restoreToTimestamp(f"{oldest.timestamp:%Y-%m-%d %H:%M:%S.%f}")

    with pytest.raises(CheckpointError, match="restored to a time"):
        last_batch()

    table.restoreToVersion(oldest.version)
    assert last_batch() == 0


def test_a_replayed_batch_is_written_once(run):
    """Delta skips a batch whose id is in its log, and writes the next one."""
    run("a", "b")
    forget_commit(run.checkpoint)

    assert run() == ["a", "b"]
    assert run("c") == ["a", "b", "c"]


def test_a_new_query_id_duplicates_rows(run):
    """Under a new query id Delta does not skip the replayed batch: the test above can fail."""
    run("a", "b")
    forget_commit(run.checkpoint)
    metadata = run.checkpoint / "metadata"
    metadata.write_text(json.dumps({"id": str(uuid.uuid4())}), "utf-8")
    metadata.with_name(".metadata.crc").unlink()

    assert run() == ["a", "a", "b", "b"]
