{% set job = cookiecutter | stream_plan %}
{% set on_databricks = job.platform.family == "databricks" %}
"""The Delta source: rows, their order, and tables that the job refuses."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from delta.tables import DeltaTable
from pyspark.errors import StreamingQueryException
from pyspark.sql import functions as F
from stream_devkit.events.generate import Event
from stream_devkit.rows import typed_rows
from stream_devkit.samples import UNKNOWN
from stream_runtime import records
from stream_runtime.errors import CheckpointError, ConfigError, SetupError
from stream_runtime.names import quote

from {{ cookiecutter.__package }} import source
from {{ cookiecutter.__package }}.schema import COLUMNS, EVENT

from dev.producer import EventProducer
from tests.events import event, raw

TIME = ".".join(map(quote, EVENT.path(EVENT.time)))
"""The event time in the table."""


@pytest.fixture(name="send")
def _send(servers, tmp_path):
    """Return a function that adds events to the table in one commit with one file."""
    producer = EventProducer(servers, tmp_path, "events")

    def send(*events):
        now = datetime.now(UTC)
        producer.send([Event(raw(values), None, now, "test") for values in events])
        return producer

    return send


@pytest.fixture(name="run")
def _run(spark, make_settings, tmp_path):
    """Return a function that reads the next batches, and returns the validated rows of each."""

    def run(*overrides, checkpoint="rows"):
        taken, settings = [], make_settings(*overrides)
        rows = records.validate(settings.source.read(spark), EVENT, settings.events)
        writer = rows.writeStream.foreachBatch(lambda rows, _: taken.append(rows.collect()))
        writer = writer.option("checkpointLocation", str(tmp_path / checkpoint))
        writer.trigger(availableNow=True).start().awaitTermination()
        return taken

    return run


def minutes(batches):
    """Return the minute of each event, batch by batch."""
    return [sorted(row.event[EVENT.time].minute for row in rows) for rows in batches]


def test_invalid_rows_are_in_quarantine_as_json(spark, settings, send):
    """A valid row is an event; an invalid row is in quarantine as JSON, with its reason."""
    lost = {name: value for name, value in event(1).items() if name != EVENT.time}
    producer = send(event(0), lost)
    envelopes = settings.source.read(spark)
    valid = records.select_valid(envelopes, EVENT, settings.events)
    invalid = records.select_invalid(envelopes, EVENT, settings.events)
    for name, rows in (("valid", valid), ("invalid", invalid)):
        writer = rows.writeStream.format("memory").queryName(name).trigger(availableNow=True)
        writer.start().awaitTermination()

    (row,) = typed_rows(spark.table("valid"))
    assert {name: row[name] for name in event(0)} == event(0)
    assert list(row) == list(COLUMNS)
    (row,) = spark.table("invalid").collect()
    assert row.reason == "missing_time"
    assert row.origin == producer.origins[0]
    rows = spark.read.format("delta").load(settings.source.path).where(F.isnull(TIME))
    assert row.raw == rows.select(F.to_json(F.struct("*"), records.JSON)).first()[0]


def test_a_row_as_json_has_all_digits_of_a_time(spark, settings, send):
    """A replay of a quarantined row has the event time of the table, with its microseconds."""
    send(event(0) | {EVENT.time: datetime(2090, 1, 1, microsecond=123456, tzinfo=UTC)})
    invalid = records.select_invalid(settings.source.read(spark), EVENT, settings.events)
    writer = invalid.writeStream.format("memory").queryName("ahead").trigger(availableNow=True)
    writer.start().awaitTermination()

    (row,) = spark.table("ahead").collect()

    assert row.reason == "future_time"
    assert "2090-01-01T00:00:00.123456" in row.raw


def test_a_valid_row_is_not_converted_to_json(spark, settings, send, capsys):
    """Spark converts only invalid rows to JSON."""
{% if job.longest_record %}
    # To measure a record takes its JSON as well.
    events = settings.events.model_copy(update={"longest_record": None})
{% else %}
    events = settings.events
{% endif %}
    send(event(0))
    envelopes = settings.source.read(spark)

    def plan(rows):
        query = rows.writeStream.format("noop").trigger(availableNow=True).start()
        query.awaitTermination()
        query.explain()
        return capsys.readouterr().out

    assert "ToJson" not in plan(records.select_valid(envelopes, EVENT, events))
    assert "ToJson" in plan(records.select_invalid(envelopes, EVENT, events))


def test_commits_are_read_in_their_order(run, send):
    """The source reads commits in their order; a restart continues and reads no row twice."""
    for minute in (7, 3, 5):
        send(event(minute))
    first = minutes(run("source.max_files_per_trigger=1"))
    send(event(1))

    assert first == [[7], [3], [5]]
    assert minutes(run()) == [[1]]
    assert run() == []


def test_the_first_version_is_a_setting(spark, run, send, settings):
    """The first start reads from a version, from a time, or from the current snapshot."""
    for minute in (1, 2, 3):
        send(event(minute))
    history = DeltaTable.forPath(spark, settings.source.path).history().where("version = 2")
    iso = F.date_format("timestamp", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
    ((second,),) = history.select(iso).collect()

    version = run("source.starting_version=3", checkpoint="version")
    time = run(f"source.starting_time={second}", checkpoint="time")
    snapshot = run("source.starting_version=snapshot", checkpoint="snapshot")

    assert minutes(version) == [[3]]
    assert minutes(time) == [[2, 3]]
    assert minutes(snapshot) == [[1, 2, 3]]


def test_a_replayed_batch_keeps_its_ingest_time(run, send, tmp_path):
    """A batch replay has the same ingest time and source reference."""
    send(event(0))
    ((before,),) = run()
    shutil.rmtree(tmp_path / "rows/commits")
    ((again,),) = run()

    assert again.ingest_time == before.ingest_time
    assert again.origin == before.origin


@pytest.mark.parametrize(
    ("deleted", "policy", "outcome"),
    [
        ([1, 2], "fail", "DELTA_SOURCE_IGNORE_DELETE"),
        ([1, 2], "ignore_deletes", [[1, 2], [3]]),
        ([1], "ignore_deletes", "DELTA_SOURCE_TABLE_IGNORE_CHANGES"),
        ([1], "skip_change_commits", [[1, 2], [3]]),
    ],
)
def test_a_delete_follows_the_setting(spark, run, send, settings, deleted, policy, outcome):
    """A commit that deletes rows stops the job, unless `source.upstream_changes` allows it."""
    overrides = (f"source.upstream_changes={policy}", "source.max_files_per_trigger=1")
    send(event(1), event(2))
    before = run(*overrides)
    table = DeltaTable.forPath(spark, settings.source.path)
    table.delete(F.minute(TIME).isin(deleted))
    send(event(3))

    if isinstance(outcome, str):
        with pytest.raises(StreamingQueryException, match=outcome):
            run(*overrides)
    else:
        assert minutes(before) + minutes(run(*overrides)) == outcome


def test_a_new_column_upstream_is_not_read(run, send, spark, settings):
    """After a new column upstream, the job continues with the columns of its schema."""
    send(event(1))
    before = run()
    spark.sql(f"ALTER TABLE delta.`{settings.source.path}` ADD COLUMN {UNKNOWN} STRING")
    table = spark.read.format("delta").load(settings.source.path)
    table.withColumn(UNKNOWN, F.lit("!")).write.format("delta").mode("append").save(
        settings.source.path
    )

    assert minutes(before) == minutes(run()) == [[1]]


def test_wrong_columns_are_refused_before_the_start(spark, tmp_path, make_settings):
    """One message names all columns with a wrong type, and all that are missing."""
    wrong, *lost = EVENT.sent
    table = spark.createDataFrame([], f"{quote(wrong)} ARRAY<INT>").write.format("delta")
    table.save(str(tmp_path / "other"))

    with pytest.raises(SetupError, match="does not hold the events") as refusal:
        make_settings(f"source.path={tmp_path}/other").source.read(spark)

    text = str(refusal.value)
    assert f"{wrong} is ARRAY<INT> and not {EVENT.sent[wrong]}" in text
    assert all(f"there is no column {name}" in text for name in lost)


@pytest.mark.parametrize(
    ("found", "wanted", "fits"),
    [
        ("INT", "BIGINT", True),
        ("BIGINT", "INT", False),
        ("BIGINT", "DOUBLE", False),
        ("FLOAT", "DOUBLE", True),
        ("STRING", "TIMESTAMP", False),
        ("TIMESTAMP_NTZ", "TIMESTAMP", True),
        ("DECIMAL(9, 2)", "DECIMAL(12, 3)", True),
        ("DECIMAL(9, 2)", "DECIMAL(9, 3)", False),
        ("ARRAY<STRUCT<a: INT>>", "ARRAY<STRUCT<a: INT>>", True),
        ("ARRAY<STRUCT<a: INT>>", "ARRAY<STRUCT<a: BIGINT>>", False),
    ],
)
def test_a_type_fits_if_no_value_changes(spark, found, wanted, fits):
    """A type is accepted if no value changes: a wider number, but not a narrower one."""
    table = spark.createDataFrame([], f"x {found}").schema

    assert bool(list(source._misfits(table, {"x": wanted}))) != fits  # noqa: SLF001


def test_a_table_of_the_catalog_is_read(spark, send, settings):
    """A table name of the catalog reads the same rows as its path."""
    send(event(4))
    spark.sql(f"CREATE TABLE named USING delta LOCATION '{settings.source.path}'")
    given = settings.source.model_copy(update={"table": "named", "path": None})
    rows = given.read(spark).writeStream.format("memory").queryName("by_name")
    rows.trigger(availableNow=True).start().awaitTermination()
    spark.sql("DROP TABLE named")

    assert spark.table("by_name").count() == 1
    assert given.source_id() != settings.source.source_id()


def test_either_a_table_or_a_path_is_required(make_settings):
    """Both a table and a path, or neither, is a configuration error."""
    with pytest.raises(ConfigError, match="name the table in `table` or its folder in `path`"):
        make_settings("source.table=x")


def test_a_missing_table_is_refused(spark, tmp_path, make_settings):
{% if on_databricks %}
    """A missing table is refused, and so is an order that only the workspace supports."""
{% else %}
    """A missing table is refused by its path and by its name."""
{% endif %}
    here = make_settings(f"source.path={tmp_path}/nowhere").source
    named = here.model_copy(update={"table": "nowhere", "path": None})
{% if on_databricks %}
    ordered = make_settings("source.event_time_order=true").source
{% endif %}

    with pytest.raises(SetupError, match="There is no Delta table in"):
        here.check()
    with pytest.raises(SetupError, match="There is no Delta table in nowhere"):
        named.read(spark)
{% if on_databricks %}
    with pytest.raises(SetupError, match="event_time_order=false"):
        ordered.check()
{% endif %}


def test_a_table_that_was_created_again_is_refused(spark, settings, send, tmp_path):
    """Another table in the same place, or an older copy, does not belong to the checkpoint."""
    send(event(0))
    send(event(1))
    place = str(tmp_path / "events")
    identity = spark.sql(f"DESCRIBE DETAIL delta.`{place}`").first().id
    position = {"reservoirId": identity, "reservoirVersion": 3, "index": -1}

    settings.source.check_offsets(spark, json.dumps(position))

    with pytest.raises(CheckpointError, match="its newest commit is 2 now"):
        settings.source.check_offsets(spark, json.dumps(position | {"reservoirVersion": 9}))
    with pytest.raises(CheckpointError, match="it is another table now"):
        settings.source.check_offsets(spark, json.dumps(position | {"reservoirId": "other"}))
