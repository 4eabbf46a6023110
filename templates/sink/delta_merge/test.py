{% set job = cookiecutter | stream_plan %}
{% set first = 3 if job.windowed and cookiecutter.output_mode == "append" else 0 %}
{% set several = not job.windowed and not job.deduplicates %}
{% set numbered = cookiecutter.platform != "databricks_serverless" %}
"""The Delta table of the sink: one row for each key, exact after any crash."""

{% if numbered %}
from types import SimpleNamespace

{% endif %}
import pytest
from delta.tables import DeltaTable
{% if job.windowed and numbered and job.spark_version != "4.0" %}
from pyspark.errors import StreamingQueryException
{% endif %}
{% if numbered or not job.windowed %}
from pyspark.sql import functions as F
{% endif %}
from stream_devkit.crash import forget_commit
from stream_devkit.reconciliation import verdict
{% if not job.windowed %}
from stream_runtime.names import quote
{% endif %}

{% if numbered or not job.windowed %}
from {{ cookiecutter.__package }} import sink
{% endif %}
{% if not job.windowed %}
from {{ cookiecutter.__package }}.schema import EVENT_TIME
{% endif %}
{% if numbered or not job.windowed %}

{% endif %}
from dev.target import Target
from tests.events import event, expected_of
{% if job.windowed and numbered %}
from tests.small_stream import CHECKPOINT_ID, SmallStream
{% else %}
from tests.small_stream import SmallStream
{% endif %}


@pytest.fixture(name="target")
def _target(servers, tmp_path):
    return Target(servers, tmp_path, "result")


@pytest.fixture(name="stream")
def _stream(spark, settings, tmp_path):
    """Return a stream of three batches: rows, changes of them, and a later event."""
    stream = SmallStream(spark, settings, tmp_path)
    stream.send(*(event(number / 10, key=number, number=number) for number in range(8)))
    stream.send(*(event(number / 10 + 1, key=number, number=number) for number in range(4)))
    stream.send(event(300, number=8))
    return stream


def exact(stream, target):
    """Return the verdict: the table against the test oracle."""
    return verdict(target.rows(), expected_of(stream.events, stream.settings).rows)


def version(stream):
    """Return the version of the table."""
    table = DeltaTable.forPath(stream.spark, stream.settings.sink.path)
    return table.history(1).first().version


def test_prepare_creates_the_table_with_its_checkpoint_id(spark, stream):
    """`prepare` creates a table clustered by time, and keeps its first checkpoint id."""
    rows, target = stream.rows(), stream.settings.sink
    before = target.target_checkpoint_id(spark)

    for checkpoint_id in ("checkpoint 1", "checkpoint 2"):
        target.prepare(spark, rows, checkpoint_id)

    table = DeltaTable.forPath(spark, target.path)
    assert before is None
    assert target.target_checkpoint_id(spark) == "checkpoint 1"
    assert table.toDF().schema.simpleString() == rows.schema.simpleString()
    (clustered_by,) = table.detail().first().clusteringColumns
    # Delta shows a name in back quotes where it needs them.
    assert clustered_by.strip("`") == target.CLUSTER_BY


{% if numbered %}
@pytest.mark.parametrize("note", [None, "by hand", "[]", '{"checkpoint_id": "another"}'])
def test_a_merge_of_somebody_else_has_no_batch(settings, note):
    """The history can have a MERGE without the note of this job."""
    entry = SimpleNamespace(operation="MERGE", userMetadata=note)

    assert settings.sink.batch_of(entry, "checkpoint 1", "") is None


{% endif %}
def test_a_killed_batch_is_written_once(stream, target):
    """If the process is killed in a batch, the next run writes this batch exactly once."""
    stream.kill_when((stream.checkpoint / "offsets" / "{{ first }}").exists)
    assert target.rows() == []

    stream.run()

    assert exact(stream, target) == "exact"


def test_a_replayed_batch_changes_nothing_and_the_next_is_written(stream, target):
    """A batch replay changes neither table nor state, and the next batches are written."""
    stream.run()
    last = version(stream)
    forget_commit(stream.checkpoint)
    stream.run()
{% if numbered %}
    assert version(stream) == last
{% endif %}
    stream.send(event(301, key=1, number=9), event(600, number=10))
    stream.run()

    assert version(stream) > last
    assert exact(stream, target) == "exact"
{% if job.windowed %}
{% if numbered %}


def test_an_older_batch_is_skipped(spark, stream, target):
    """Delta skips a batch that is older than its last one, unless the checkpoint id is new."""
    stream.run()
    held = spark.read.format("delta").load(stream.settings.sink.path)
    older = spark.createDataFrame(held.withColumn("event_count", F.lit(0)).collect(), held.schema)

    sink.merge(older, 0, sink=stream.settings.sink, checkpoint_id=CHECKPOINT_ID)
    assert exact(stream, target) == "exact"

    sink.merge(older, 0, sink=stream.settings.sink, checkpoint_id="another checkpoint")
    assert exact(stream, target) != "exact"
{% endif %}
{% if numbered and job.spark_version != "4.0" %}


def test_a_skipped_batch_must_be_read(stream, monkeypatch):
    """Spark requires that a skipped batch is read: otherwise its state is not committed."""
    stream.run()
    forget_commit(stream.checkpoint)
    monkeypatch.setattr("pyspark.sql.classic.dataframe.DataFrame.isEmpty", lambda _: False)

    with pytest.raises(StreamingQueryException) as caught:
        stream.run()

    reasons = caught.value._stackTrace  # noqa: SLF001 - the message is of the outermost alone
    assert "STATE_STORE_COMMIT_VALIDATION_FAILED" in reasons
{% endif %}
{% else %}


def test_an_older_event_never_replaces_a_newer_one(spark, stream, target):
    """A row with an older event time is ignored in any batch; a newer one is merged."""
    stream.run()
    held = spark.read.format("delta").load(stream.settings.sink.path)

    for hours, outcome in ((-1, True), (1, False)):
        time = F.col(quote(EVENT_TIME)) + F.expr(f"INTERVAL {hours} hours")
        moved = spark.createDataFrame(held.withColumn(EVENT_TIME, time).collect(), held.schema)
        sink.merge(moved, 99, sink=stream.settings.sink, checkpoint_id=f"{hours} hours")
        assert (exact(stream, target) == "exact") == outcome
{% if several %}


def test_the_newest_event_of_an_id_in_a_batch_is_kept(stream, target):
    """The table has the newest event of an id, in any order within the batch."""
    stream.send(event(602, number=1), event(604, number=1), event(603, number=1))

    stream.run()

    assert exact(stream, target) == "exact"
{% endif %}
{% endif %}
