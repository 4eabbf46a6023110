"""The reasons for the rules of kind safety: queries that Spark accepts, with a harmful result.

Each test compares row counts of a harmful query with those of a safe one.
"""

import json

import pytest
from delta.tables import DeltaTable
from pyspark.sql import functions as F

from stream_template_rules import ROLE_RULES, RULES

pytestmark = pytest.mark.spark

SCHEMA = "id STRING, at TIMESTAMP, kind STRING, amount DOUBLE"
# Six different events of two kinds, in three files: one file is one batch.
FILES = [
    [
        {"id": f"{number}{kind}", "at": f"2026-01-01T0{number}:00:00Z", "kind": kind, "amount": 1.0}
        for kind in "ab"
    ]
    for number in range(3)
]
WRITTEN = ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsCopied")


@pytest.fixture(name="events")
def _events(spark, tmp_path):
    """Provide the events as a stream with one file per batch."""
    folder = tmp_path / "events"
    folder.mkdir()
    for number, events in enumerate(FILES):
        lines = "\n".join(map(json.dumps, events))
        (folder / f"{number}.json").write_text(lines, "utf-8")
    spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
    reader = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1)
    return reader.json(str(folder))


def run_merge(rows, key, path, mode="update"):
    """Run a stream to its end into a new Delta table, with MERGE on the key; return the table."""
    spark = rows.sparkSession
    empty = spark.createDataFrame([], rows.schema)
    empty.write.format("delta").save(str(path))
    table = DeltaTable.forPath(spark, str(path))
    equal = " AND ".join(f"old.{column} <=> new.{column}" for column in key)

    def upsert(batch, _):
        one_each = batch.dropDuplicates(list(key))
        merge = table.alias("old").merge(one_each.alias("new"), equal)
        merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()

    query = rows.writeStream.foreachBatch(upsert).outputMode(mode)
    query = query.option("checkpointLocation", f"{path}-checkpoint").trigger(availableNow=True)
    query.start().awaitTermination()
    return table


def count_rows(rows, name):
    """Run a stream to its end; return the number of its rows."""
    query = rows.writeStream.format("memory").queryName(name).trigger(availableNow=True).start()
    query.awaitTermination()
    return rows.sparkSession.table(name).count()


def test_merge_no_complete(events, tmp_path):
    """With complete mode, MERGE writes the whole result in each batch, so writes always grow."""
    window = F.window("at", "1 hour").alias("window")
    sums = events.withWatermark("at", "1 hour").groupBy(window, "kind").agg(F.sum("amount"))
    rows = sums.toDF("window", "kind", "total")

    written = {}
    for mode in ("update", "complete"):
        table = run_merge(rows, ("window", "kind"), tmp_path / mode, mode)
        merges = table.history().where("operation = 'MERGE'").orderBy("version").collect()
        written[mode] = [sum(int(one.operationMetrics[name]) for name in WRITTEN) for one in merges]

    assert written == {"update": [2, 2, 2], "complete": [2, 4, 6]}


@pytest.mark.parametrize(
    ("guess", "left"), [("id", 6), ("kind", 2), ("CAST(NULL AS STRING)", 1)], ids=str
)
def test_deduplicate_needs_id(events, guess, left):
    """Without a unique id, deduplication drops events that are not duplicates."""
    guessed = events.withColumn("guess", F.expr(guess)).withWatermark("at", "1 day")

    assert count_rows(guessed.dropDuplicatesWithinWatermark(["guess"]), f"kept_{left}") == left


@pytest.mark.parametrize(
    ("guess", "left"), [("id", 6), ("kind", 2), ("CAST(NULL AS STRING)", 1)], ids=str
)
def test_upsert_needs_id(events, tmp_path, guess, left):
    """Without a unique id, an upsert replaces one event with another."""
    guessed = events.withColumn("guess", F.expr(guess))

    assert run_merge(guessed, ("guess",), tmp_path / "table").toDF().count() == left


def test_each_rule_of_kind_safety_has_a_test():
    """Each rule of kind safety has a test in this file with the rule's name."""
    safety = [rule.id for rule in (*RULES, *ROLE_RULES) if rule.kind == "safety"]

    assert len(safety) == 3
    assert all(f"test_{name.replace('-', '_')}" in globals() for name in safety)
