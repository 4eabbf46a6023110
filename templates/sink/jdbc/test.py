{% set job = cookiecutter | stream_plan %}
"""The sink on a real PostgreSQL: a batch is in the table once after any crash."""

import contextlib
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
{% if job.longest_key %}
from random import Random
{% endif %}

import pytest
from psycopg import sql
from pydantic import SecretStr
from pyspark.sql import functions as F
from stream_devkit.crash import forget_commit
from stream_devkit.reconciliation import verdict
from stream_devkit.servers.process import Process
from stream_runtime import errors, session
from stream_runtime.config import load
from stream_runtime.names import OWN

from {{ cookiecutter.__package }} import sink
from {{ cookiecutter.__package }}.job import JOB
from {{ cookiecutter.__package }}.schema import {{ "EVENT, " if cookiecutter.window == "none" or job.longest_key }}RESULT_KEY
from {{ cookiecutter.__package }}.settings import Settings

from dev.target import Target
from tests.events import {{ "ONE_MATCH_EACH, " if job.right else "" }}batch_result, event, expected_of
from tests.file_batches import inputs, send

CHECKPOINT_ID = "checkpoint_id"
SECONDS = 120
HOLD = 4711
"""The id of the advisory lock that a held statement waits for."""
# A Spark value of each type, with its type and its text in PostgreSQL.
KINDS = {
    "cast(7 AS TINYINT)": ("smallint", "7"),
    "cast(7 AS SMALLINT)": ("smallint", "7"),
    "cast(7 AS INT)": ("integer", "7"),
    "cast(7 AS BIGINT)": ("bigint", "7"),
    "cast(0.5 AS FLOAT)": ("real", "0.5"),
    "cast('NaN' AS DOUBLE)": ("double precision", "NaN"),
    "cast(1.50 AS DECIMAL(10,2))": ("numeric", "1.50"),
    "true": ("boolean", "true"),
    "X'00FF'": ("bytea", "\\x00ff"),
    "DATE'2026-03-29'": ("date", "2026-03-29"),
    "TIMESTAMP'2026-03-29T01:30:00Z'": ("timestamp with time zone", "2026-03-29 01:30:00+00"),
    "TIMESTAMP_NTZ'2026-03-29T02:30:00'": ("timestamp without time zone", "2026-03-29 02:30:00"),
    "named_struct('a', array(1, null))": ("jsonb", '{"a": [1, null]}'),
    "map('k', 'x')": ("jsonb", '{"k": "x"}'),
    "array(TIMESTAMP'2026-03-29T01:30:00.123456Z')": ("jsonb", '["2026-03-29T01:30:00.123456Z"]'),
    # PostgreSQL has no NUL character; a text that looks like one is unchanged.
    "concat('a', char(0))": ("text", "a\N{REPLACEMENT CHARACTER}"),
    r"array(r'\u0000', char(0))": ("jsonb", '["\\\\u0000", "\N{REPLACEMENT CHARACTER}"]'),
}
# The step in which a driver dies: the trigger holds its statement until it is dead.
STEPS = {
    "after Spark's offsets": "TRIGGER hold BEFORE INSERT ON {staging} FOR EACH ROW "
    "WHEN (NEW.{attempt} LIKE '% mark')",
    "while staging": "TRIGGER hold BEFORE INSERT ON {staging} FOR EACH ROW "
    "WHEN (NEW.{column} = {value})",
    "before the commit": "TRIGGER hold BEFORE UPDATE ON {ledger} FOR EACH ROW",
    # The server commits, although the driver is already dead.
    "after the commit": "CONSTRAINT TRIGGER hold AFTER INSERT OR UPDATE ON {target} "
    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
}
ANY_STAGED_ROW = (
    "TRIGGER hold BEFORE INSERT ON {staging} FOR EACH ROW WHEN (NEW.{attempt} NOT LIKE '% mark')"
)


class Trial:
    """A stateful stream from files, one a batch, into its own table."""

    def __init__(self, servers, folder):
        self.database = servers.database
        self.target = Target(servers, folder, f"trial_{uuid.uuid4().hex}")
        self.folder, self.batches = folder, []
        self.overrides = [
            *(f"{key}={value}" for key, value in self.target.settings.items()),
            f"checkpoint.root={folder}/checkpoint",
            f"quarantine.path={folder}/quarantine",
{% if cookiecutter.window == "sliding" %}
            # An event is in one window only, so it is one row.
            "window.slide=10 minutes",
{% endif %}
{% if job.right %}
            *ONE_MATCH_EACH,
{% endif %}
        ]
        self.settings = load(Settings, "dev", self.overrides)

    def rows(self):
        """Return the rows of the table."""
        return self.target.rows()

    def wanted(self):
        """Return the expected rows after all files are read."""
        return expected_of(self.batches, self.settings).rows

    def add_file(self):
        """Write a file with events of the next hour."""
        hour = len(self.batches)
        events = [
            event(60 * hour + 20 * (n % 3) + n / 6, key=n, number=12 * hour + n) for n in range(12)
        ]
        send(self.folder, hour, events)
        self.batches.append(events)

    def run(self, spark, *, closing=True):
        """Read all files; without `closing` Spark runs no batch without data."""
        own = spark.newSession()
        own.conf.set("spark.sql.shuffle.partitions", 2)
        own.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", closing)
        start(own, self.folder, self.settings).awaitTermination()

    def driver(self):
        """Start a driver as a process."""
        program = "from tests.test_sink import drive; drive()"
        arguments = [str(self.folder), *self.overrides]
        return Process([sys.executable, "-c", program, *arguments], self.folder / "driver.log")

    def is_alone(self):
        """Return whether no driver has a connection."""
        query = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return self.execute(query) == [(0,)]

    def execute(self, statement, **names):
        """Run SQL, with the three tables of the sink as {target}, {staging} and {ledger}."""
        suffixes = {"target": "", "staging": "_staging", "ledger": "_ledger"}
        table = self.settings.sink.table
        names |= {name: sql.Identifier(table + suffix) for name, suffix in suffixes.items()}
        names["attempt"] = sql.Identifier(sink.ATTEMPT)
        with self.database.connect() as connection:
            cursor = connection.execute(sql.SQL(statement).format(**names))
            return cursor.fetchall() if cursor.description else []

    def prepare(self, rows):
        """Create the tables for these rows."""
        self.settings.sink.prepare(rows.sparkSession, rows, CHECKPOINT_ID)

    def store(self, rows, batch_id):
        """Write a batch as the sink does."""
        sink.store(rows, batch_id, sink=self.settings.sink, checkpoint_id=CHECKPOINT_ID)

    def result(self, spark, *events):
        """Return the result of some events as one batch."""
        return batch_result(spark, self.settings, events)


class Hold:
    """A PostgreSQL trigger that holds statements until it is released."""

    def __init__(self, trial, trigger, **names):
        self._trial, self._trigger, self._names = trial, trigger, names

    def __enter__(self):
        self._lock = self._trial.database.connect()
        self._lock.execute(f"SELECT pg_advisory_lock({HOLD})")
        self._trial.execute(
            "CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS "
            f"'BEGIN PERFORM pg_advisory_xact_lock_shared({HOLD}); RETURN NEW; END'"
        )
        self._trial.execute(f"CREATE {self._trigger} EXECUTE FUNCTION hold()", **self._names)
        return self

    def __exit__(self, *_):
        self.release()
        self._trial.execute("DROP FUNCTION hold CASCADE")

    def waiting(self):
        """Return the number of held statements."""
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return self._trial.execute(query)[0][0]

    def release(self):
        """Release the held statements."""
        self._lock.close()


def start(spark, folder, settings):
    """Start the query of a trial."""
{% if job.right %}
    rows = JOB.result(inputs(spark, folder), settings)
{% else %}
    (records,) = inputs(spark, folder)
    rows = JOB.result([records.dropDuplicates(["raw"])], settings)
{% endif %}
    settings.sink.prepare(spark, rows, CHECKPOINT_ID)
    writer = settings.sink.write(rows, CHECKPOINT_ID).outputMode(JOB.output_mode)
    placed = writer.option("checkpointLocation", settings.checkpoint.stream)
    return placed.trigger(availableNow=True).start()


def drive():
    """Run a driver that a test kills; its arguments are a folder and overrides."""
    folder, *overrides = sys.argv[1:]
    settings = load(Settings, "dev", overrides)
    log = {"spark.eventLog.enabled": "true", "spark.eventLog.compress": "false"}
    log |= {"spark.eventLog.dir": folder}
    conf = settings.spark_conf() | log
    spark = session.build("driver", settings.session, settings.state, conf)
    start(spark, Path(folder), settings).awaitTermination()


def eventually(holds):
    """Wait until `holds()` is true."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not reached in {SECONDS} seconds"
        time.sleep(0.02)


@pytest.fixture(name="trial")
def _trial(servers, tmp_path):
    return Trial(servers, tmp_path)


# Batch replays


def test_a_replayed_batch_adds_no_row(trial, spark):
    """A replay of a batch in the ledger adds no row, and its state is committed."""
    for _ in range(3):
        trial.add_file()
    trial.run(spark, closing=False)
    taken_out = trial.rows()
    trial.execute("DELETE FROM {target}")
    forget_commit(Path(trial.settings.checkpoint.stream))

    trial.run(spark, closing=False)

    assert taken_out
    assert trial.rows() == []
    trial.add_file()
    trial.run(spark)
{% if job.write_disposition == "replace" %}
    assert verdict(trial.rows(), trial.wanted()) == "exact"
{% else %}
    wanted = [row for row in trial.wanted() if row not in taken_out]
    assert verdict(trial.rows(), wanted) == "exact"
{% endif %}


def test_the_ledger_refuses_an_old_batch(trial, spark, monkeypatch):
    """The ledger alone refuses an old batch of a driver that is slow, not dead."""
    early = trial.result(spark, event(0, number=1))
    late = trial.result(spark, event(0, number=1), event(1, number=1), event(60, number=2))
    trial.prepare(early)
    trial.store(early, 0)
    trial.store(late, 1)
    trial.execute("DELETE FROM {target}")

    trial.store(early, 0)
    assert trial.rows() == []

    monkeypatch.setattr(sink, "_last_batch", lambda *_: -1)
    trial.store(early, 0)
    assert trial.rows() != []


def test_two_drivers_write_a_batch_once(trial, spark):
    """If two drivers stage the same batch, only the first one commits it."""
    rows = trial.result(spark, event(0))
    trial.prepare(rows)
    with ThreadPoolExecutor() as pool, Hold(trial, ANY_STAGED_ROW) as hold:
        drivers = [pool.submit(trial.store, rows, 0) for _ in range(2)]
        eventually(lambda: hold.waiting() == 2)
        hold.release()
        for driver in drivers:
            driver.result()

    assert trial.execute("SELECT checkpoint_id, batch_id FROM {ledger}") == [(CHECKPOINT_ID, 0)]
    assert len(trial.rows()) == 1


def test_a_driver_killed_at_any_step_loses_no_row(trial, spark):
    """After SIGKILL at any step and a restart, no row is lost or duplicate."""
    trial.add_file()
    trial.add_file()
    trial.run(spark)
    before = trial.rows()
    trial.add_file()
    new = next(row for row in trial.wanted() if row not in before)
    names = {"column": sql.Identifier(RESULT_KEY[0]), "value": sql.Literal(new[RESULT_KEY[0]])}
    for step, trigger in STEPS.items():
        with Hold(trial, trigger, **names) as hold:
            driver = trial.driver()
            eventually(hold.waiting)
            driver.kill()
            hold.release()
            eventually(trial.is_alone)
        found = trial.wanted() if step == "after the commit" else before
        assert verdict(trial.rows(), found) == "exact", step

    trial.run(spark)
    assert verdict(trial.rows(), trial.wanted()) == "exact"
    trial.add_file()
    trial.run(spark)
    assert verdict(trial.rows(), trial.wanted()) == "exact"
    assert trial.execute("SELECT count(*) FROM {staging}") == [(0,)]
    password = trial.settings.sink.password.get_secret_value().encode()
    kept = [file for file in trial.folder.rglob("*") if file.is_file()]
    assert any("local-" in file.name for file in kept), "there is no event log"
    assert [file for file in kept if password in file.read_bytes()] == []


def test_a_crash_of_the_server_stages_the_batch_again(trial, spark, monkeypatch):
    """A crash empties the staging table; the sink does not commit the batch without its rows."""
    rows = trial.result(spark, event(0))
    trial.prepare(rows)
    stage = sink._stage  # noqa: SLF001 - the crash has to come right after it

    def stage_and_crash(*arguments):
        stage(*arguments)
        trial.database.kill()
        trial.database.start()

    with monkeypatch.context() as patch:
        patch.setattr(sink, "_stage", stage_and_crash)
        with pytest.raises(errors.SetupError, match="has lost the staged rows"):
            trial.store(rows, 0)
    assert trial.rows() == []

    trial.store(rows, 0)
    assert len(trial.rows()) == 1


def test_readers_see_a_batch_whole_or_not_at_all(trial, spark):
    """Until the commit they see what was there before, also where all is replaced."""
    first = trial.result(spark, event(0))
    second = trial.result(spark, event(0), event(60, number=1))
    trial.prepare(first)
    trial.store(first, 0)
    before = trial.rows()
    with ThreadPoolExecutor() as pool, Hold(trial, STEPS["after the commit"]) as hold:
        driver = pool.submit(trial.store, second, 1)
        eventually(hold.waiting)
        during = trial.rows()
        hold.release()
        driver.result()

    assert during == before
    assert len(before) == 1
    assert len(trial.rows()) == 2


# Rows


def test_a_null_in_the_key_is_a_value_of_the_key(trial, spark):
    """Rows whose key has the same null are one row, within a batch and across batches."""
    rows = trial.result(spark, event(0))
    null = F.lit(None).cast(rows.schema[RESULT_KEY[-1]].dataType)
    rows = rows.withColumn(RESULT_KEY[-1], null)
    trial.prepare(rows)

    # If Spark runs a task twice, its rows can be staged twice.
    trial.store(rows.union(rows), 0)
    trial.store(rows, 1)

    assert [row[RESULT_KEY[-1]] for row in trial.rows()] == [None]
{% if cookiecutter.window == "none" %}


def test_the_newest_event_of_an_id_is_kept(trial, spark):
    """The newest event of an id is kept, in any order, within a batch and across batches."""
    old, new, newest = (event(minute, key=minute) for minute in range(3))
    trial.prepare(trial.result(spark, old))

    trial.store(trial.result(spark, new, old), 0)
    within = trial.rows()
    trial.store(trial.result(spark, old), 1)
    after_an_older = trial.rows()
    trial.store(trial.result(spark, newest), 2)

    assert [row[EVENT.time] for row in within] == [new[EVENT.time]]
    assert after_an_older == within
    assert [row[EVENT.time] for row in trial.rows()] == [newest[EVENT.time]]
{% endif %}


def test_every_type_is_unchanged(trial, spark):
    """A value and a null of each type are unchanged in PostgreSQL."""
    values = [f"{value} AS {OWN}{number}" for number, value in enumerate(KINDS)]
    nulls = [f"if(true, null, {value}) AS {OWN}{number}" for number, value in enumerate(KINDS)]
    filled = trial.result(spark, event(0)).selectExpr("*", *values)
    empty = trial.result(spark, event(60, number=1)).selectExpr("*", *nulls)
    trial.prepare(filled)
    query = (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = {name}"
    )
    types = dict(trial.execute(query, name=sql.Literal(trial.settings.sink.table)))
    names = [f"{OWN}{number}" for number in range(len(KINDS))]
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)

    trial.store(filled, 0)
    (arrived,) = trial.execute("SELECT {texts} FROM {target}", texts=texts)
    trial.store(empty, 1)
    (absent,) = trial.execute(
        "SELECT {texts} FROM {target} WHERE {first} IS NULL",
        texts=texts,
        first=sql.Identifier(names[0]),
    )

    found = [(types[name], text) for name, text in zip(names, arrived, strict=True)]
    assert found == list(KINDS.values())
    assert absent == (None,) * len(KINDS)


{% if job.longest_key %}
def test_a_key_that_the_index_cannot_have_is_invalid(trial, spark):
    """The longest id and key are written; a longer one is an invalid record and stops no batch."""
    longest = trial.settings.events.longest_key
    roles = [name for name in (EVENT.id, {{ "*EVENT.keys" if job.several_keys else "EVENT.key" }}) if name and EVENT.columns[name] == "STRING"]
    text = Random(1).randbytes(longest).hex()  # noqa: S311 - no secret; it cannot be compressed
    fits, too_long = (dict.fromkeys(roles, text[:length]) for length in (longest, longest + 1))
    rows = trial.result(spark, event(0) | fits)
    trial.prepare(rows)

    trial.store(rows, 0)

    assert len(trial.rows()) == 1
    assert trial.result(spark, event(0) | too_long).isEmpty()


{% endif %}
def test_an_unsupported_type_is_refused(trial, spark):
    """An unsupported type, such as an interval, is refused with its column and a fix."""
    rows = trial.result(spark, event(0)).selectExpr("*", "INTERVAL '1' DAY AS lag")

    with pytest.raises(errors.ConfigError, match=r"no type for lag INTERVAL DAY. Cast the column"):
        trial.prepare(rows)


@pytest.mark.parametrize(("name", "fits"), [("ö" * 31, True), ("ö" * 32, False)])
def test_a_name_that_postgresql_truncates_is_refused(trial, spark, name, fits):
    """A column name of more than 63 bytes is refused, because PostgreSQL truncates it."""
    rows = trial.result(spark, event(0)).withColumn(name, F.lit(1))

    with contextlib.nullcontext() if fits else pytest.raises(errors.ConfigError, match="longer"):
        trial.prepare(rows)


# The checkpoint id of the table


def test_the_table_belongs_to_one_checkpoint(trial, spark):
    """A checkpoint id that is not in the ledger is refused, at the start and in a batch."""
    rows = trial.result(spark, event(0))
    assert trial.settings.sink.target_checkpoint_id(spark) is None
    assert not trial.settings.sink.has_target(spark)

    trial.prepare(rows)

    assert trial.settings.sink.has_target(spark)
    assert trial.settings.sink.target_checkpoint_id(spark) == CHECKPOINT_ID
    with pytest.raises(errors.CheckpointError, match="belongs to another checkpoint"):
        trial.settings.sink.prepare(spark, rows, "another")
    with pytest.raises(errors.CheckpointError, match="belongs to another checkpoint"):
        sink.store(rows, 0, sink=trial.settings.sink, checkpoint_id="another")


def test_a_table_with_other_columns_is_refused_at_the_start(trial, spark):
    """A table with other columns is refused at the start, not by the first batch."""
    rows = trial.result(spark, event(0))
    trial.execute("CREATE TABLE {target} (something_else text)")

    with pytest.raises(errors.SetupError, match=r"refuses sink\.table \w+: column"):
        trial.prepare(rows)


@pytest.mark.parametrize(
    "missing",
    ["INSERT ON {staging}", "DELETE ON {staging}", "INSERT ON {target}", "UPDATE ON {ledger}"],
)
def test_each_missing_privilege_is_refused_at_the_start(trial, spark, missing):
    """A start and doctor find it, not the first batch."""
    rows, role = trial.result(spark, event(0)), f"job_{uuid.uuid4().hex}"
    trial.prepare(rows)
    trial.execute("CREATE ROLE {role} LOGIN PASSWORD 'secret'", role=sql.Identifier(role))
    user = trial.settings.sink.model_copy(update={"user": role, "password": SecretStr("secret")})
    grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON {target}, {staging}, {ledger} TO {role}"
    trial.execute(grant, role=sql.Identifier(role))
    user.check_target(spark, rows)

    trial.execute("REVOKE " + missing + " FROM {role}", role=sql.Identifier(role))

    with pytest.raises(errors.SetupError, match=rf"permission denied.* Grant {role} the privilege"):
        user.check_target(spark, rows)
    trial.execute("DROP OWNED BY {role}", role=sql.Identifier(role))
    trial.execute("DROP ROLE {role}", role=sql.Identifier(role))


def test_a_refused_login_has_a_fix_and_no_password(trial):
    """A failed connection is one line with the settings and without the password."""
    trial.settings.sink.check()
    for override in ("sink.port=1", f"sink.password=file:{__file__}"):
        wrong = load(Settings, "dev", [*trial.overrides, override])
        with pytest.raises(errors.SetupError) as failure:
            wrong.sink.check()
        assert "correct [sink] and STREAM__SINK__PASSWORD" in str(failure.value)
        assert wrong.sink.password.get_secret_value() not in str(failure.value)


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_ipv6_has_brackets_before_a_port(host):
    """The host may be an IPv6 address; the JDBC driver needs it in brackets."""
    given = sink.Sink(host=host, database="streams", user="job", table="result")

    assert given.host == "::1"
    assert given.address == "[::1]:5432"


@pytest.mark.parametrize("table", ['a"b', "a.b.c", "a; DROP TABLE b", "A", "", "x" * 56])
def test_a_table_has_a_plain_name(trial, table):
    """A table name with SQL characters, or a long one that PostgreSQL truncates, is refused."""
    with pytest.raises(errors.ConfigError, match=r"sink\.table"):
        load(Settings, "dev", [*trial.overrides, f"sink.table={table}"])
