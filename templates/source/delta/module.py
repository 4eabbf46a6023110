{% set job = cookiecutter | stream_plan %}
{% set on_databricks = job.platform.family == "databricks" %}
"""The source: a Delta table to which rows are appended, one event per row.

- Commits are read in order from `starting_version`; a batch reads some of their files.
- Columns are matched by name with those of schema.py. Other columns are ignored. When one is added
  or dropped, the job fails once, and its next attempt continues.
{% if on_databricks %}
- The ingest time of a row is the time at which its file was written. Without file metadata, as on
  your own machine, it is the time of the batch that reads it first. The checkpoint stores that, so
  a batch replay has the same. The source reference is the file of the table.
{% else %}
- The ingest time of a row is the time of the batch that reads it first. The checkpoint stores it,
  so a batch replay has the same. The source reference is the file of the table.
{% endif %}
"""

import json
{% if on_databricks %}
import os
{% endif %}
from collections.abc import Iterator, Mapping
{% if on_databricks %}
from contextlib import suppress
{% endif %}
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import AwareDatetime, NonNegativeInt, PositiveInt, model_validator
from pyspark.errors import AnalysisException
from pyspark.sql import {{ "Column, " if on_databricks }}DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from stream_runtime import delta
from stream_runtime.config import Location, is_local
from stream_runtime.errors import CheckpointError, SetupError
from stream_runtime.manifest import START_OVER
from stream_runtime.names import quote
from stream_runtime.records import JSON, envelope
from stream_runtime.systems import StreamSource
from typing_extensions import override

from . import schema

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
"""The types to which a column can be cast without a change of any value."""


class Source(StreamSource):
    """The table `[source]` in conf/*.toml: set either `table` or `path`."""

    KIND = "delta"
    COLUMNS: ClassVar[Mapping[str, str]] = schema.EVENT.sent
    table: str | None = None
    """The name of the Delta table in the catalog."""
    path: Location | None = None
    starting_version: NonNegativeInt | Literal["snapshot"] = 0
    """The first commit to read at the first start of a checkpoint; later starts continue.

    The log keeps a table's commits for 30 days, and VACUUM removes the files of rewritten rows.
    Older rows are in the `snapshot` only: the table as it is now, followed by new commits. The
    files of a snapshot are not in event-time order, so events can be late.
    """
    starting_time: AwareDatetime | None = None
    """The first commit at this time or later, instead of a version."""
    upstream_changes: Literal["fail", "ignore_deletes", "skip_change_commits"] = "fail"
    """The reaction to a commit that deletes or changes rows. Rows already read stay in the result.

    `ignore_deletes` ignores commits that remove whole partitions; `skip_change_commits` skips each
    such commit completely, including the rows that it adds.
    """
    max_files_per_trigger: PositiveInt = 100
    """The largest number of files in a batch, so that a backlog is not one endless batch."""
{% if on_databricks %}
    event_time_order: bool = False
    """Whether a snapshot is read in event-time order: in the workspace only."""
{% endif %}

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        if (self.table is None) == (self.path is None):
            message = "name the table in `table` or its folder in `path`, one of them"
            raise ValueError(message)
        return self

    @property
    def place(self) -> str:
        """The table name or folder, for messages."""
        return self.table or f"the folder {self.path}"

    @override
    def spark_conf(self) -> dict[str, str]:
        """Return the Spark settings that this source needs."""
        return delta.SPARK_CONF

    @override
    def read(self, spark: SparkSession) -> DataFrame:
        """Return the rows that are added to the table as a stream of envelopes with typed events.

        Raises:
            SetupError: the table does not exist, or its columns are not those of schema.py.
        """
        reader = spark.readStream.format("delta").options(**self._options())
        try:
            rows = reader.table(self.table) if self.table else reader.load(self.path)
        except AnalysisException as cause:
            message = (
                f"There is no Delta table in {self.place} ({cause}). Create it (`make produce` "
                f"on your own machine), or set {self.NAME}.path or {self.NAME}.table to where it "
                "is."
            )
            raise SetupError(message) from cause
        if misfits := list(_misfits(rows.schema, self.COLUMNS)):
            message = (
                f"The Delta table in {self.place} does not hold the events of schema.py: "
                f"{'; '.join(misfits)}. Correct its columns there, or set another table."
            )
            raise SetupError(message)
        return _envelopes(rows, self.COLUMNS)

    @override
    def check_offsets(self, spark: SparkSession, offset: str) -> None:
        """Raise CheckpointError if the table was created again, or goes back in time."""
        table = self.table or f"delta.`{self.path}`"
        position = json.loads(offset)
        identity = spark.sql(f"DESCRIBE DETAIL {table}").first()
        newest = spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").first()
        if identity and identity.id != position["reservoirId"]:
            found = "it is another table now"
        elif newest and newest.version + 1 < position["reservoirVersion"]:
            found = f"its newest commit is {newest.version} now"
        else:
            return
        message = (
            f"The checkpoint has read {self.place} up to commit {position['reservoirVersion']}, "
            f"but {found}: the table was created again, or is an older copy. Restore it, or start "
            f"with a new checkpoint and a new target. {START_OVER}"
        )
        raise CheckpointError(message)

    @override
    def source_id(self) -> str:
        """Return the source id: the offsets in the checkpoint belong to it."""
        return f"delta table {self.table or self.path}"

    @override
    def check(self) -> None:
{% if on_databricks %}
        """Raise SetupError if a setting is not supported here; `read` checks the table."""
        if self.event_time_order and "DATABRICKS_RUNTIME_VERSION" not in os.environ:
            message = (
                "Only Databricks reads a snapshot in the order of its events: set "
                f"{self.NAME}.event_time_order=false."
            )
            raise SetupError(message)
{% else %}
        """Raise SetupError if a local table does not exist; `read` checks the table."""
{% endif %}
        if self.path and is_local(self.path):
            log = Path(self.path.removeprefix("file:")) / "_delta_log"
            if not log.is_dir():
                message = (
                    f"There is no Delta table in {self.path}. Create it (`make produce` on your "
                    f"own machine), or set {self.NAME}.path."
                )
                raise SetupError(message)

    def _options(self) -> dict[str, str]:
        options = {
            "maxFilesPerTrigger": str(self.max_files_per_trigger),
            **CHANGES[self.upstream_changes],
        }
        if self.starting_time:
            options["startingTimestamp"] = self.starting_time.isoformat()
        elif self.starting_version != "snapshot":
            options["startingVersion"] = str(self.starting_version)
{% if on_databricks %}
        if self.event_time_order:
            options["withEventTimeOrder"] = "true"
{% endif %}
        return options


def _misfits(found: T.StructType, columns: Mapping[str, str]) -> Iterator[str]:
    """Yield each column that does not fit the event schema, with the reason."""
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
    # Spark does not compute `raw` for valid rows: only quarantine reads it.
    raw = F.to_json(F.struct("*"), JSON)
{% if on_databricks %}
    time, place = _file(rows)
{% else %}
    # In a stream this is not the clock: Spark reads it from the batch's entry in its log.
    time, place = F.current_timestamp(), F.input_file_name()
{% endif %}
    return rows.select(*envelope(raw, time, place), event.alias("event"))
{% if on_databricks %}


def _file(rows: DataFrame) -> tuple[Column, Column]:
    """Return the modification time and the path of a row's file, as far as the source has them."""
    with suppress(AnalysisException):
        # Unlike a name, this does not match a column `_metadata` of the table.
        file = rows.metadataColumn("_metadata")
        rows.select(file).schema  # noqa: B018 - resolves the name, or fails
        return file["file_modification_time"], file["file_path"]
    # In a stream this is not the clock: Spark reads it from the batch's entry in its log.
    return F.current_timestamp(), F.input_file_name()
{% endif %}
