{% set job = cookiecutter | stream_plan %}
{% set table = "{source.NAME}" if job.right else "source" %}
{% set columns = "source.COLUMNS" if job.right else "schema.COLUMNS" %}
"""Where the events come from: a Delta table to which rows are added, one event a row.

- From `starting_version` on, commits are read in their order; a batch takes some files of them.
- Its columns are matched by name with those of schema.py. Others are not read, and may come or
  go; the job fails once when they do, and goes on with its next attempt.
- A row's ingest time is the time of the batch that read it first, which the checkpoint keeps: a
  batch that is repeated has the same. Its origin is the file of the table that it lies in.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import {{ "ClassVar, " if job.right }}Literal, Self

from pydantic import AwareDatetime, NonNegativeInt, PositiveInt, model_validator
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from . import schema
from .runtime import delta
from .runtime.config import Location, Table, is_local
from .runtime.errors import SetupError
from .runtime.names import quote
from .runtime.records import envelope

SPARK_CONF = delta.SPARK_CONF
REPLAYABLE = True
CHANGES: dict[str, dict[str, str]] = {
    "fail": {},
    "ignore_deletes": {"ignoreDeletes": "true"},
    "skip_change_commits": {"skipChangeCommits": "true"},
}
WIDER = {
    "tinyint": {"smallint", "int", "bigint"},
    "smallint": {"int", "bigint"},
    "int": {"bigint", "double"},
    "float": {"double"},
    # In the session's time zone, which is UTC.
    "timestamp_ntz": {"timestamp"},
}
"""What a column's type may be cast to: every value that it can hold stays what it is."""


class Source(Table):
    """The table `[source]` in conf/*.toml: either `table` or `path` says where it is."""

{% if job.right %}
    NAME: ClassVar = "source"
    """That of the table, for messages."""
    COLUMNS: ClassVar[Mapping[str, str]] = schema.COLUMNS
{% endif %}
    table: str | None = None
    """Its name in the catalog."""
    path: Location | None = None
    starting_version: NonNegativeInt | Literal["snapshot"] = 0
    """The commit with which the first start of a checkpoint begins; later ones go on from there.

    Its log holds a table's commits for 30 days, and VACUUM removes the files of rows that were
    rewritten. What is older is in the `snapshot` only: the table as it is now, and then what is
    added to it. Its files come in no order of time: beware of windows that close too early.
    """
    starting_time: AwareDatetime | None = None
    """Instead of a version: the first commit at this time or after it."""
    upstream_changes: Literal["fail", "ignore_deletes", "skip_change_commits"] = "fail"
    """What a commit does that deletes or changes rows: what was counted of them stays counted.

    `ignore_deletes` lets pass what removes whole partitions, `skip_change_commits` each such
    commit with all that is in it, rows that it adds included.
    """
    max_files_per_trigger: PositiveInt = 100
    """Files a batch takes at most, so that a backlog does not become one endless batch."""
    event_time_order: bool = False
    """Whether a snapshot is read in the order of the events. Databricks only."""

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        if (self.table is None) == (self.path is None):
            message = "name the table in `table` or its folder in `path`, one of them"
            raise ValueError(message)
        return self

    @property
    def place(self) -> str:
        """Where it is, for a message."""
        return self.table or f"the folder {self.path}"


def read(spark: SparkSession, source: Source) -> DataFrame:
    """The rows that are added to the table, as a stream of envelopes with typed events.

    Raises:
        SetupError: there is no such table, or its columns are not those of schema.py.
    """
    reader = spark.readStream.format("delta").options(**_options(source))
    try:
        rows = reader.table(source.table) if source.table else reader.load(source.path)
    except AnalysisException as cause:
        message = (
            f"There is no Delta table in {source.place} ({cause}). Create it, or set "
            {{ 'f' if job.right }}"{{ table }}.path or {{ table }}.table to where it is."
        )
        raise SetupError(message) from cause
    if misfits := list(_misfits(rows.schema, {{ columns }})):
        message = (
            f"The Delta table in {source.place} does not hold the events of schema.py: "
            f"{'; '.join(misfits)}. Mend {{ "its columns" if job.right else "COLUMNS" }} there, or name another table."
        )
        raise SetupError(message)
    return _envelopes(rows, {{ columns }})


def _options(source: Source) -> dict[str, str]:
    options = {
        "maxFilesPerTrigger": str(source.max_files_per_trigger),
        **CHANGES[source.upstream_changes],
    }
    if source.starting_time:
        options["startingTimestamp"] = source.starting_time.isoformat()
    elif source.starting_version != "snapshot":
        options["startingVersion"] = str(source.starting_version)
    if source.event_time_order:
        options["withEventTimeOrder"] = "true"
    return options


def _misfits(found: T.StructType, columns: Mapping[str, str]) -> Iterator[str]:
    """What keeps the rows of a table from being events, column by column."""
    kinds = {field.name.lower(): field.dataType for field in found}
    for name, wanted in columns.items():
        kind = kinds.get(name.lower())
        if kind is None:
            yield f"there is no column {name}"
        elif not _fits(kind, T.DataType.fromDDL(wanted)):
            yield f"{name} is {kind.simpleString().upper()} and not {wanted}"


def _fits(kind: T.DataType, wanted: T.DataType) -> bool:
    if isinstance(kind, T.DecimalType) and isinstance(wanted, T.DecimalType):
        more = wanted.scale - kind.scale
        return 0 <= more <= wanted.precision - kind.precision
    found, target = kind.simpleString(), wanted.simpleString()
    return found == target or target in WIDER.get(found, ())


def _envelopes(rows: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    event = F.struct(*(F.col(quote(name)).cast(kind).alias(name) for name, kind in columns.items()))
    # Nothing makes text of a good row: only quarantine asks for `raw`.
    raw = F.to_json(F.struct("*"))
    time, place = _file(rows)
    return rows.select(*envelope(raw, time, place), event.alias("event"))


def _file(rows: DataFrame) -> tuple[Column, Column]:
    """When the file was written that a row lies in, and which it is, where the source says so."""
    with suppress(AnalysisException):
        # By this way a column of the table with its name is no match.
        file = rows.metadataColumn("_metadata")
        rows.select(file).schema  # noqa: B018 - resolves the name, or fails
        return file["file_modification_time"], file["file_path"]
    # In a stream this is no clock: Spark takes it from the batch's entry in its log.
    return F.current_timestamp(), F.input_file_name()


def origin(source: Source) -> str:
    """What the offsets in a checkpoint are of."""
    return f"delta table {source.table or source.path}"


def check(source: Source) -> None:
    """Raises SetupError where a setting asks for what is not here; `read` looks at the table."""
    if source.event_time_order and "DATABRICKS_RUNTIME_VERSION" not in os.environ:
        message = (
            "Only Databricks reads a snapshot in the order of its events: set "
            {{ 'f' if job.right }}"{{ table }}.event_time_order=false."
        )
        raise SetupError(message)
    if source.path and is_local(source.path):
        log = Path(source.path.removeprefix("file:")) / "_delta_log"
        if not log.is_dir():
{% if job.right %}
            message = (
                f"There is no Delta table in {source.path}. Create it, or set {source.NAME}.path."
            )
{% else %}
            message = f"There is no Delta table in {source.path}. Create it, or set source.path."
{% endif %}
            raise SetupError(message)
