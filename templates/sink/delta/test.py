"""The table that the sink writes to: made on purpose, owned by one checkpoint, written once."""

import json
import uuid

import pytest
from delta.tables import DeltaTable

from {{ cookiecutter.__package }}.job import JOB

from tests.crash import forget_commit


def test_the_table_is_made_with_its_columns_and_its_owner(spark, settings):
    """Before the first batch the table is there, empty, with the result's columns."""
    rows = JOB.result(JOB.read(spark, settings), settings)
    before = settings.sink.target_checkpoint_id(spark)

    settings.sink.prepare(spark, rows, "checkpoint 1")

    table = DeltaTable.forPath(spark, settings.sink.path).toDF()
    assert before is None
    assert settings.sink.target_checkpoint_id(spark) == "checkpoint 1"
    assert table.schema.simpleString() == rows.schema.simpleString()
    assert table.count() == 0


def test_a_table_that_is_there_keeps_its_owner(spark, settings):
    """To create it again changes nothing: rows of another checkpoint are not taken over."""
    rows = JOB.result(JOB.read(spark, settings), settings)
    settings.sink.prepare(spark, rows, "checkpoint 1")

    settings.sink.prepare(spark, rows, "checkpoint 2")

    assert settings.sink.target_checkpoint_id(spark) == "checkpoint 1"


@pytest.fixture(name="run")
def _run(spark, settings, tmp_path):
    """Write the lines that came since to the sink, in one batch; all rows of the table then."""
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


def test_a_batch_that_the_table_has_is_not_written_again(run):
    """Its number is in the table's log; the batch after it is written as ever."""
    run("a", "b")
    forget_commit(run.checkpoint)

    assert run() == ["a", "b"]
    assert run("c") == ["a", "b", "c"]


def test_without_the_tables_memory_rows_are_doubled(run):
    """The test above can fail: under a new query id the table does not know the batch."""
    run("a", "b")
    forget_commit(run.checkpoint)
    metadata = run.checkpoint / "metadata"
    metadata.write_text(json.dumps({"id": str(uuid.uuid4())}), "utf-8")
    metadata.with_name(".metadata.crc").unlink()

    assert run() == ["a", "a", "b", "b"]
