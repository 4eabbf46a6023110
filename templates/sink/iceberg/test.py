"""The Iceberg table of the sink: its checkpoint id, batches written once, and the catalog."""

import json
import os
import signal
import sys
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr
from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import functions as F
from stream_devkit.crash import forget_commit
from stream_devkit.reconciliation import verdict
from stream_devkit.servers.process import Process
from stream_runtime import errors, session, spark_log
from stream_runtime.storage import LocalStorage

from {{ cookiecutter.__package }}.job import JOB
from {{ cookiecutter.__package }}.settings import Settings

from dev.target import Target
from tests.events import event, expected_of
from tests.small_stream import CHECKPOINT_ID, SmallStream

SECONDS = 120
NEVER = "TIMESTAMP '2999-01-01 00:00:00'"


@pytest.fixture(name="target")
def _target(servers, tmp_path):
    """Return a table in a catalog of its own: Spark keeps a catalog after its first use."""
    return Target(servers, tmp_path, tmp_path.name)


@pytest.fixture(name="settings")
def _settings(make_settings, spark, target):
    settings = make_settings(*(f"{key}={value}" for key, value in target.settings.items()))
    for name, value in settings.sink.spark_conf().items():
        spark.conf.set(name, value)
    return settings


@pytest.fixture(name="rows")
def _rows(spark, settings):
    """Return the result rows as a stream that is not started."""
    return JOB.stream(spark, settings)


@pytest.fixture(name="stream")
def _stream(spark, settings, tmp_path):
    """Return a stream of two batches: several rows, and a later event."""
    stream = SmallStream(spark, settings, tmp_path)
    stream.send(*(event(number / 10, key=number, number=number) for number in range(8)))
    stream.send(event(300, number=8))
    return stream


@pytest.fixture(name="maintain")
def _maintain(spark, settings):
    """Return a function that calls a maintenance procedure of Iceberg for the table."""
    table = settings.sink.table

    def maintain(procedure, more=""):
        catalog = table.partition(".")[0]
        return spark.sql(f"CALL {catalog}.system.{procedure}(table => '{table}'{more})").collect()

    return maintain


def exact(stream, target):
    """Return the verdict: the table against the test oracle."""
    return verdict(target.rows(), expected_of(stream.events, stream.settings).rows)


def files(stream):
    """Return all data files, those outside of every snapshot included."""
    return sorted(stream.folder.glob("*/streams/result/data/*.parquet"))


def new_query(checkpoint):
    """Give the stream another query id: no snapshot has a batch of it."""
    metadata = checkpoint / "metadata"
    metadata.write_text(json.dumps({"id": str(uuid.uuid4())}), "utf-8")
    metadata.with_name(".metadata.crc").unlink()


class KillAtCommit:
    """A listener that kills the driver and its JVM when Iceberg commits rows."""

    def notify(self, event):
        """Kill the process after Iceberg's commit; Spark's commit waits for this call."""
        if event.summary().get("added-records"):
            os.killpg(os.getpgrp(), signal.SIGKILL)

    class Java:
        """The Java interface, as py4j requires it."""

        implements = ("org.apache.iceberg.events.Listener",)


def drive(folder, settings):
    """Run the stream of a folder in a driver that is killed when Iceberg commits rows."""
    loaded = Settings.model_validate_json(settings)
    spark = session.build("driver", loaded.session, loaded.state, loaded.spark_conf())
    gateway = spark.sparkContext._gateway  # noqa: SLF001 - Python has no name for it
    ensure_callback_server_started(gateway)
    jvm = gateway.jvm
    # Java's own loader does not know the jars of Spark's connectors.
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    commit = loader.loadClass("org.apache.iceberg.events.CreateSnapshotEvent")
    jvm.org.apache.iceberg.events.Listeners.register(KillAtCommit(), commit)
    SmallStream(spark, loaded, Path(folder)).run()


# The table


def test_prepare_creates_the_table_with_its_checkpoint_id(spark, settings, rows):
    """`prepare` creates an empty table with the result's columns and the checkpoint id."""
    before = settings.sink.has_target(spark), settings.sink.target_checkpoint_id(spark)

    settings.sink.prepare(spark, rows, "checkpoint 1")

    table = spark.table(settings.sink.table)
    assert before == (False, None)
    assert settings.sink.has_target(spark)
    assert settings.sink.target_checkpoint_id(spark) == "checkpoint 1"
    assert table.columns == rows.columns
    assert table.count() == 0


def test_an_existing_table_keeps_its_checkpoint_id(spark, settings, rows):
    """`prepare` does not change the checkpoint id of an existing table."""
    settings.sink.prepare(spark, rows, "checkpoint 1")

    settings.sink.prepare(spark, rows, "checkpoint 2")

    assert settings.sink.target_checkpoint_id(spark) == "checkpoint 1"


def test_a_table_of_another_program_has_an_unknown_checkpoint_id(spark, settings, rows):
    """A table without the property has an unknown checkpoint id, so a start is refused."""
    table = settings.sink.table
    spark.sql(f"CREATE NAMESPACE {table.rpartition('.')[0]}")
    spark.createDataFrame([], rows.schema).writeTo(table).using("iceberg").create()

    assert settings.sink.target_checkpoint_id(spark) == "unknown"


def test_a_new_column_must_exist_in_the_table(spark, settings, rows):
    """The start is refused, not each batch; a column that only the table has gets null."""
    settings.sink.prepare(spark, rows, CHECKPOINT_ID)
    more = rows.withColumn("currency", F.lit("EUR"))

    with pytest.raises(errors.CheckpointError, match="has no column currency"):
        settings.sink.prepare(spark, more, CHECKPOINT_ID)

    spark.sql(f"ALTER TABLE {settings.sink.table} ADD COLUMN currency STRING")
    settings.sink.prepare(spark, more, CHECKPOINT_ID)
    settings.sink.prepare(spark, rows, CHECKPOINT_ID)


# Batch replays


def test_files_of_a_killed_batch_are_not_read(spark, stream, target):
    """A batch that was killed while it wrote is in a snapshot once after the next run."""
    stream.kill_when(lambda: files(stream))
    left = files(stream)

    stream.run()

    assert left
    assert set(left) < set(files(stream))
    assert exact(stream, target) == "exact"
    assert spark.table(stream.settings.sink.table).count() == len(target.rows())


def test_a_kill_between_the_two_commits_duplicates_nothing(stream, target):
    """After SIGKILL between Iceberg's commit and Spark's, the table has the batch once."""
    stream.run()
    stream.send(event(301, key=1, number=9), event(600, number=10))
    before = len(target.rows())
    arguments = [str(stream.folder), stream.settings.model_dump_json()]
    program = "import sys; from tests.test_sink import drive; drive(*sys.argv[1:])"
    driver = Process([sys.executable, "-c", program, *arguments], stream.folder / "driver.log")

    code = driver.wait(SECONDS)

    root = LocalStorage(stream.folder)
    assert code not in {0, None}, driver.last_lines()
    assert len(target.rows()) > before, driver.last_lines()
    assert spark_log.planned(root) > spark_log.committed(root)
    stream.run()
    assert exact(stream, target) == "exact"


def test_a_replayed_batch_adds_nothing_and_the_next_is_written(stream, target):
    """A batch replay adds no row, because a snapshot has its id; the next batch is written."""
    stream.run()
    before = target.rows()
    forget_commit(stream.checkpoint)
    stream.run()
    assert target.rows() == before

    stream.send(event(301, key=1, number=9), event(600, number=10))
    stream.run()

    assert exact(stream, target) == "exact"


def test_a_new_query_id_duplicates_rows(stream, target):
    """Under a new query id Iceberg does not skip the replayed batch: the test above can fail."""
    stream.run()
    forget_commit(stream.checkpoint)
    new_query(stream.checkpoint)

    stream.run()

    assert exact(stream, target) != "exact"


# Maintenance


def test_maintenance_keeps_the_batch_ids(stream, target, maintain):
    """After files are rewritten and old snapshots expire, a batch replay adds no row."""
    stream.run()
    maintain("rewrite_data_files", ", options => map('rewrite-all', 'true')")
    maintain("expire_snapshots", f", older_than => {NEVER}")
    maintain("remove_orphan_files")
    forget_commit(stream.checkpoint)

    stream.run()

    assert exact(stream, target) == "exact"


def test_too_few_snapshots_duplicate_rows(stream, target, maintain):
    """`retain_last` overrides the number of snapshots of the table: the test above can fail."""
    stream.run()
    maintain("rewrite_data_files", ", options => map('rewrite-all', 'true')")
    maintain("expire_snapshots", f", older_than => {NEVER}, retain_last => 1")
    forget_commit(stream.checkpoint)

    stream.run()

    assert exact(stream, target) != "exact"


# The catalog


def test_a_catalog_that_does_not_answer_is_a_setup_error(make_settings):
    """A catalog without an answer has the exit code of an outage; a folder has no server."""
    catalog = ["sink.catalog.type=rest", "sink.catalog.uri=http://127.0.0.1:9"]

    with pytest.raises(errors.SetupError, match="does not answer"):
        make_settings(*catalog).sink.check()

    make_settings().sink.check()


class Unauthorized(BaseHTTPRequestHandler):
    """A REST catalog that refuses every login."""

    def do_POST(self):
        """Refuse the login."""
        self.send_error(401)

    def log_message(self, *_):
        """Log nothing."""


def test_a_refused_login_is_a_setup_error(spark, make_settings):
    """The message names the table of settings, and does not contain the credential."""
    with HTTPServer(("127.0.0.1", 0), Unauthorized) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings = make_settings(
            f"sink.table=locked_{uuid.uuid4().hex}.a.b",
            "sink.catalog.type=rest",
            f"sink.catalog.uri=http://127.0.0.1:{server.server_port}",
        )
        login = settings.sink.catalog.model_copy(update={"credential": SecretStr("me:s3cret")})
        sink = settings.sink.model_copy(update={"catalog": login})
        for name, value in sink.spark_conf().items():
            spark.conf.set(name, value)

        with pytest.raises(errors.SetupError, match=r"refuses the job: .*sink\.catalog") as failure:
            sink.check_data(spark)
        server.shutdown()

    assert "s3cret" not in str(failure.value)


def test_a_catalog_without_an_address_is_refused(make_settings):
    """The message names the missing key; Iceberg would fail with a Java error."""
    with pytest.raises(errors.ConfigError, match="a catalog of type rest needs uri"):
        make_settings("sink.catalog.type=rest")


def test_a_catalog_has_its_properties(make_settings):
    """The Spark settings have every property; the first part of the table names the catalog."""
    catalog = ["sink.table=lake.a.b", "sink.catalog.type=hive", "sink.catalog.uri=thrift://h:1"]
    settings = make_settings(*catalog, "sink.catalog.properties.clients=4")

    conf = settings.sink.spark_conf()

    assert conf["spark.sql.catalog.lake"] == "org.apache.iceberg.spark.SparkCatalog"
    assert conf["spark.sql.catalog.lake.uri"] == "thrift://h:1"
    assert conf["spark.sql.catalog.lake.clients"] == "4"
