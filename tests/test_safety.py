"""What the rules of kind safety keep away: Spark accepts it, and then loses events or never ends.

Each is shown beside the same query as it should be; what is compared are counts.
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
    """The events as a stream, a file a batch."""
    folder = tmp_path / "events"
    folder.mkdir()
    for number, events in enumerate(FILES):
        lines = "\n".join(map(json.dumps, events))
        (folder / f"{number}.json").write_text(lines, "utf-8")
    spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
    reader = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1)
    return reader.json(str(folder))


def merged(rows, key, path, mode="update"):
    """Run a stream to its end into a new Delta table, by MERGE on the key; the table."""
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


def kept(rows, name):
    """Run a stream to its end; how many rows came out."""
    query = rows.writeStream.format("memory").queryName(name).trigger(availableNow=True).start()
    query.awaitTermination()
    return rows.sparkSession.table(name).count()


def test_merge_no_complete(events, tmp_path):
    """As much comes in with each batch, but complete mode makes MERGE write all there ever was."""
    window = F.window("at", "1 hour").alias("window")
    sums = events.withWatermark("at", "1 hour").groupBy(window, "kind").agg(F.sum("amount"))
    rows = sums.toDF("window", "kind", "total")

    written = {}
    for mode in ("update", "complete"):
        table = merged(rows, ("window", "kind"), tmp_path / mode, mode)
        merges = table.history().where("operation = 'MERGE'").orderBy("version").collect()
        written[mode] = [sum(int(one.operationMetrics[name]) for name in WRITTEN) for one in merges]

    assert written == {"update": [2, 2, 2], "complete": [2, 4, 6]}


@pytest.mark.parametrize(
    ("guess", "left"), [("id", 6), ("kind", 2), ("CAST(NULL AS STRING)", 1)], ids=str
)
def test_deduplicate_needs_id(events, guess, left):
    """A column that is no id makes different events one, and so do ids that are missing."""
    guessed = events.withColumn("guess", F.expr(guess)).withWatermark("at", "1 day")

    assert kept(guessed.dropDuplicatesWithinWatermark(["guess"]), f"kept_{left}") == left


@pytest.mark.parametrize(
    ("guess", "left"), [("id", 6), ("kind", 2), ("CAST(NULL AS STRING)", 1)], ids=str
)
def test_upsert_needs_id(events, tmp_path, guess, left):
    """By a column that is no id, an upsert replaces one event with another."""
    guessed = events.withColumn("guess", F.expr(guess))

    assert merged(guessed, ("guess",), tmp_path / "table").toDF().count() == left


def test_each_rule_of_kind_safety_is_shown():
    """A rule of this kind has a test here that is named like it."""
    safety = [rule.id for rule in (*RULES, *ROLE_RULES) if rule.kind == "safety"]

    assert len(safety) == 3
    assert all(f"test_{name.replace('-', '_')}" in globals() for name in safety)
