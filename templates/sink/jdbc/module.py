{% set job = cookiecutter | stream_plan %}
"""The sink: a PostgreSQL table with one row per key of the result."""

import uuid
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, Literal, LiteralString
from urllib import parse

import psycopg
from psycopg import sql
from pydantic import Field, PositiveInt, SecretStr
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime.addresses import Host, join_address
from stream_runtime.config import Secret
from stream_runtime.errors import CheckpointError, ConfigError, SetupError
from stream_runtime.names import OWN, quote
from stream_runtime.records import JSON
from stream_runtime.systems import StreamSink
from typing_extensions import override

from . import schema

CONNECT_SECONDS = 10
OLDEST_SERVER = 15
"""The first version of PostgreSQL with NULLS NOT DISTINCT."""

NESTED = (T.ArrayType, T.MapType, T.StructType)
TYPES: dict[type[T.DataType], str] = {
    T.StringType: "text",
    T.BooleanType: "boolean",
    T.ByteType: "smallint",
    T.ShortType: "smallint",
    T.IntegerType: "integer",
    T.LongType: "bigint",
    T.FloatType: "real",
    T.DoubleType: "double precision",
    T.DateType: "date",
    T.TimestampType: "timestamptz",
    T.TimestampNTZType: "timestamp",
    T.BinaryType: "bytea",
    **dict.fromkeys(NESTED, "jsonb"),
}
# Types that Spark's writer does not support, or would shift by the time zone of the JVM.
STAGED_AS_TEXT = (*NESTED, T.TimestampNTZType)
LONGEST_NAME = 63
"""In bytes: PostgreSQL truncates longer names."""
# Additional columns of the staging table.
ATTEMPT, BATCH = f"{OWN}attempt", f"{OWN}batch"
NUL_IN_JSON = r"(?<!\\)((?:\\\\)*)\\u0000"

TARGET = """
CREATE TABLE {target} ({definitions}, UNIQUE NULLS NOT DISTINCT ({key}))
"""
# Unlogged: rows are written once, not twice, and a crash of the server empties the table.
STAGING = """
CREATE UNLOGGED TABLE {staging}
({staged}, {attempt} text NOT NULL, {batch} bigint NOT NULL)
"""
LEDGER = """
CREATE TABLE {ledger}
(checkpoint_id text PRIMARY KEY, batch_id bigint NOT NULL, committed_at timestamptz NOT NULL)
"""
CLAIM = """
INSERT INTO {ledger} SELECT %(checkpoint_id)s, -1, now() WHERE NOT EXISTS (SELECT FROM {ledger})
"""
LAST_BATCH = "SELECT batch_id FROM {ledger} WHERE checkpoint_id = %(checkpoint_id)s FOR UPDATE"
BEGIN = """
INSERT INTO {staging} ({attempt}, {batch}) VALUES (%(mark)s, %(batch_id)s)
"""
MARK = "SELECT 1 FROM {staging} WHERE {attempt} = %(mark)s"
{% if cookiecutter.output_mode == "complete" %}
# Readers see the old rows until the commit. If Spark runs a task twice, it may stage rows twice.
MOVE = (
    "DELETE FROM {target}",
    """
    INSERT INTO {target} ({columns})
    SELECT DISTINCT ON ({key}) {values} FROM {staging} WHERE {attempt} = %(attempt)s
    """,
)
{% elif cookiecutter.window == "none" %}
# Of several events with one id, keep the newest, within a batch and across batches.
MOVE = (
    """
    INSERT INTO {target} AS held ({columns})
    SELECT DISTINCT ON ({key}) {values} FROM {staging} WHERE {attempt} = %(attempt)s
    ORDER BY {key}, {time} DESC
    ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE held.{time} < excluded.{time}
    """,
)
{% else %}
# If Spark runs a task twice, it may stage its rows twice.
MOVE = (
    """
    INSERT INTO {target} ({columns})
    SELECT DISTINCT ON ({key}) {values} FROM {staging} WHERE {attempt} = %(attempt)s
    ON CONFLICT ({key}) DO UPDATE SET {changes}
    """,
)
{% endif %}
FINISH = (
    "DELETE FROM {staging} WHERE {batch} <= %(batch_id)s",
    """
    UPDATE {ledger} SET batch_id = %(batch_id)s, committed_at = now()
    WHERE checkpoint_id = %(checkpoint_id)s
    """,
)


class Sink(StreamSink):
    """The table `[sink]` in conf/*.toml."""

    KIND = "jdbc"
    host: Host
    port: PositiveInt = 5432
    database: str
    user: str
    password: Secret = SecretStr("")
    table: Annotated[str, Field(pattern=r"^([a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,54}$")]
    """`table` or `schema.table`; also the prefix of `<table>_staging` and `<table>_ledger`."""
    connections: PositiveInt = 16
    """The largest number of Spark tasks that write at the same time."""
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"] = "verify-full"
    sslrootcert: str | None = None
    """The certificate authorities that the job trusts: a file on every node."""

    @property
    def address(self) -> str:
        """Host and port, for the JDBC driver and for messages."""
        return join_address(self.host, self.port)

    @override
    def write(self, rows: DataFrame, checkpoint_id: str) -> DataStreamWriter:
        """Write rows to the table, each batch exactly once.

        1. Spark writes the batch's offsets to the checkpoint. If the process dies here: the next
           start runs the same batch over the same offsets.
        2. Tasks load the rows into the staging table, with the random name of this attempt. If the
           process dies here: no other attempt reads them, and the next commit removes them.
        3. One transaction locks the ledger, moves the rows to the table, and sets the batch id in
           the ledger. If the process dies before the commit: PostgreSQL rolls back the
           transaction. If it dies after the commit: the batch runs again, and the ledger has its
           id already.
        4. Spark marks the batch as committed in the checkpoint.

        If two drivers run the same batch, the second waits for the first, and finds its batch id.
        """
        return rows.writeStream.foreachBatch(partial(store, sink=self, checkpoint_id=checkpoint_id))

    @override
    def has_target(self, spark: SparkSession) -> bool:
        """Return whether the table and its ledger exist."""
        with self.connect() as connection:
            return all(_exists(connection, _name(self, suffix)) for suffix in ("", "_ledger"))

    @override
    def target_checkpoint_id(self, spark: SparkSession) -> str | None:
        """Return the target's checkpoint id, None if there is no ledger."""
        with self.connect() as connection:
            if not _exists(connection, _name(self, "_ledger")):
                return None
            found = connection.execute(_sql("SELECT checkpoint_id FROM {ledger}", self)).fetchone()
        return str(found[0]) if found else None

    @override
    def last_batch(self, spark: SparkSession, checkpoint_id: str, query_id: str) -> int | None:
        """Return the last batch in the ledger, -1 before the first."""
        with self.connect() as connection:
            found = connection.execute(_sql("SELECT max(batch_id) FROM {ledger}", self)).fetchone()
        return int(found[0]) if found and found[0] is not None else None

    @override
    def check_target(self, spark: SparkSession, rows: DataFrame) -> None:
        """Let PostgreSQL plan the statements that write.

        Raises:
            SetupError: the user may not write, or the table does not fit.
        """
        try:
            with self.connect() as connection:
                _plan_batch(connection, self, rows.schema)
        except psycopg.Error as error:
            raise _refusal(self, error) from None

    @override
    def prepare(self, spark: SparkSession, rows: DataFrame, checkpoint_id: str) -> None:
        """Create the table, its staging table and its ledger, if they do not exist.

        Raises:
            CheckpointError: the table belongs to another checkpoint.
            ConfigError: PostgreSQL has no type for a column of the result, or its name is too long.
            SetupError: the user may not create them, or an existing table does not fit.
        """
        tables = {"": TARGET, "_staging": STAGING, "_ledger": LEDGER}
        try:
            with self.connect() as connection:
                # Of two first starts at the same time, the second waits here, and finds the tables.
                connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [self.table])
                for suffix, statement in tables.items():
                    if not _exists(connection, _name(self, suffix)):
                        connection.execute(_sql(statement, self, rows.schema), {})
                connection.execute(_sql(CLAIM, self), {"checkpoint_id": checkpoint_id})
                _last_batch(connection, self, checkpoint_id)
                _plan_batch(connection, self, rows.schema)
        except psycopg.Error as error:
            raise _refusal(self, error) from None

    @override
    def check(self) -> None:
        """Raise SetupError if the server refuses the job or is too old."""
        with self.connect() as connection:
            version = connection.info.server_version // 10_000
        if version < OLDEST_SERVER:
            message = f"{self.host} runs PostgreSQL {version}. Use {OLDEST_SERVER} or newer."
            raise SetupError(message)

    def connect(self) -> psycopg.Connection[Any]:
        """Return a connection; its `with` block is one transaction, and closes it."""
        try:
            return psycopg.connect(
                host=self.host,
                port=self.port,
                dbname=self.database,
                user=self.user,
                password=self.password.get_secret_value() or None,
                sslmode=self.sslmode,
                sslrootcert=self.sslrootcert,
                connect_timeout=CONNECT_SECONDS,
            )
        except psycopg.OperationalError as error:
            message = (
                f"PostgreSQL at {self.address} does not let {self.user} in: "
                f"{_reason(error)}. Start it (`make servers` on your own machine), or "
                "correct [sink] and STREAM__SINK__PASSWORD."
            )
            raise SetupError(message) from None


def store(batch: DataFrame, batch_id: int, *, sink: Sink, checkpoint_id: str) -> None:
    """Run steps 2 and 3 of `write`."""
    attempt = uuid.uuid4().hex
    values = {
        "checkpoint_id": checkpoint_id,
        "batch_id": batch_id,
        "attempt": attempt,
        "mark": f"{attempt} mark",
    }
    with sink.connect() as connection:
        is_new = _last_batch(connection, sink, checkpoint_id) < batch_id
        if is_new:
            connection.execute(_sql(BEGIN, sink), values)
    if not is_new:
        # The batch has to be read: otherwise Spark does not commit its state.
        batch.write.format("noop").mode("overwrite").save()
        return
    _stage(batch, sink, attempt, batch_id)
    with sink.connect() as connection:
        if _last_batch(connection, sink, checkpoint_id) < batch_id:
            # If the mark is gone, a crash of the server has emptied the staging table.
            if not connection.execute(_sql(MARK, sink), values).fetchone():
                message = "PostgreSQL has lost the staged rows in a crash. Run the batch again."
                raise SetupError(message)
            for statement in (*MOVE, *FINISH):
                connection.execute(_sql(statement, sink, batch.schema), values)


def _stage(batch: DataFrame, sink: Sink, attempt: str, batch_id: int) -> None:
    rows = batch.select(
        *map(_staged, batch.schema),
        F.lit(attempt).alias(ATTEMPT),
        F.lit(batch_id).cast("bigint").alias(BATCH),
    )
    options: dict[str, str | int | None] = {
        "url": f"jdbc:postgresql://{sink.address}/{parse.quote(sink.database, safe='')}",
        "driver": "org.postgresql.Driver",
        "dbtable": _name(sink, "_staging").as_string(),
        "numPartitions": sink.connections,
        "reWriteBatchedInserts": "true",
        "user": sink.user,
        "password": sink.password.get_secret_value() or None,
        "sslmode": sink.sslmode,
        "sslrootcert": sink.sslrootcert,
    }
    given = {name: value for name, value in options.items() if value is not None}
    rows.write.format("jdbc").options(**given).mode("append").save()


def _staged(field: T.StructField) -> Column:
    """Return a column for the staging table; PostgreSQL does not support the character NUL."""
    column = F.col(quote(field.name))
    if isinstance(field.dataType, NESTED):
        text = F.to_json(column, JSON)
        column = F.regexp_replace(text, NUL_IN_JSON, "$1\N{REPLACEMENT CHARACTER}")
    elif isinstance(field.dataType, T.StringType):
        column = F.replace(column, F.lit("\0"), F.lit("\N{REPLACEMENT CHARACTER}"))
    elif isinstance(field.dataType, T.TimestampNTZType):
        column = column.cast("string")
    return column.alias(field.name)


def _last_batch(connection: psycopg.Connection[Any], sink: Sink, checkpoint_id: str) -> int:
    """Return the last batch id in the ledger, -1 before the first; locks the ledger until commit.

    Raises:
        CheckpointError: the table belongs to another checkpoint.
    """
    found = connection.execute(_sql(LAST_BATCH, sink), {"checkpoint_id": checkpoint_id}).fetchone()
    if not found:
        message = (
            f"The ledger of {sink.table} has no checkpoint id {checkpoint_id}: the table belongs "
            "to another checkpoint. Set another table, or restore that checkpoint."
        )
        raise CheckpointError(message)
    return int(found[0])


def _plan_batch(connection: psycopg.Connection[Any], sink: Sink, result: T.StructType) -> None:
    """Plan the statements of a batch, which checks columns, types and privileges."""
    values = {"attempt": "", "mark": "", "batch_id": 0, "checkpoint_id": ""}
    for statement in (BEGIN, *MOVE, *FINISH):
        connection.execute(sql.SQL("EXPLAIN ") + _sql(statement, sink, result), values)


def _refusal(sink: Sink, error: psycopg.Error) -> SetupError:
    return SetupError(
        f"PostgreSQL refuses sink.table {sink.table}: {_reason(error)}. Grant {sink.user} the "
        "privilege, or set a table that fits."
    )


def _reason(error: psycopg.Error) -> str:
    return str(error).strip().partition("\n")[0]


def _exists(connection: psycopg.Connection[Any], name: sql.Identifier) -> bool:
    found = connection.execute("SELECT to_regclass(%s)", [name.as_string()]).fetchone()
    return found is not None and found[0] is not None


def _name(sink: Sink, suffix: str = "") -> sql.Identifier:
    return sql.Identifier(*f"{sink.table}{suffix}".split("."))


def _sql(text: LiteralString, sink: Sink, result: T.StructType | None = None) -> sql.Composed:
    """Return a statement with the quoted names of the tables and of the result's columns."""
    fields = list(result or [])
    names = [field.name for field in fields]
    types = [_type(field) for field in fields]
    staged = [
        "text" if isinstance(field.dataType, STAGED_AS_TEXT) else _type(field) for field in fields
    ]
{% if job.write_disposition != "replace" %}
    changing = [name for name in names if name not in schema.RESULT_KEY]
{% endif %}
    return sql.SQL(text).format(
        target=_name(sink),
        staging=_name(sink, "_staging"),
        ledger=_name(sink, "_ledger"),
        key=_list("{}", schema.RESULT_KEY),
        attempt=sql.Identifier(ATTEMPT),
        batch=sql.Identifier(BATCH),
{% if job.write_disposition != "replace" and not job.windowed %}
        time=_column(schema.EVENT_TIME),
{% endif %}
        columns=_list("{}", names),
{% if job.write_disposition != "replace" %}
        changes=_list("{0} = excluded.{0}", changing),
{% endif %}
        definitions=_list("{} {}", names, types),
        staged=_list("{} {}", names, staged),
        values=_list("{}::{}", names, types),
    )


def _list(form: LiteralString, names: Iterable[str], *types: Iterable[str]) -> sql.Composed:
    rows = zip(names, *types, strict=True)
    return sql.SQL(", ").join(
        sql.SQL(form).format(_column(name), *map(sql.SQL, kind)) for name, *kind in rows
    )


def _column(name: str) -> sql.Identifier:
    """Return a column name for a statement with parameters, in which % is escaped.

    Raises:
        ConfigError: PostgreSQL would truncate it.
    """
    if len(name.encode()) > LONGEST_NAME:
        message = (
            f"PostgreSQL truncates names after {LONGEST_NAME} bytes, and {name} is longer. "
            "Rename the column in transform.py."
        )
        raise ConfigError(message)
    return sql.Identifier(name.replace("%", "%%"))


def _type(field: T.StructField) -> str:
    """Return the PostgreSQL type of a column.

    Raises:
        ConfigError: PostgreSQL has no such type.
    """
    if isinstance(field.dataType, T.DecimalType):
        return f"numeric({field.dataType.precision},{field.dataType.scale})"
    if type(field.dataType) not in TYPES:
        message = (
            f"PostgreSQL has no type for {field.name} {field.dataType.simpleString().upper()}. "
            "Cast the column in transform.py."
        )
        raise ConfigError(message)
    return TYPES[type(field.dataType)]
