"""The table that the sink writes to: made on purpose, and known to belong to one checkpoint."""

from delta.tables import DeltaTable

from {{ cookiecutter.__package }} import job, sink


def test_the_table_is_made_with_its_columns_and_its_owner(spark, settings):
    """Before the first batch the table is there, empty, with the result's columns."""
    rows = job.result(job.read(spark, settings), settings)
    before = sink.owner(spark, settings.sink)

    sink.prepare(spark, rows, settings.sink, "epoch 1")

    table = DeltaTable.forPath(spark, settings.sink.path).toDF()
    assert before is None
    assert sink.owner(spark, settings.sink) == "epoch 1"
    assert table.schema.simpleString() == rows.schema.simpleString()
    assert table.count() == 0


def test_a_table_that_is_there_keeps_its_owner(spark, settings):
    """To create it again changes nothing: rows of another checkpoint are not taken over."""
    rows = job.result(job.read(spark, settings), settings)
    sink.prepare(spark, rows, settings.sink, "epoch 1")

    sink.prepare(spark, rows, settings.sink, "epoch 2")

    assert sink.owner(spark, settings.sink) == "epoch 1"
