"""The systems around a job: what its source and its sink offer to the runtime.

Each is a table of conf/*.toml and has the settings of one system.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from .config import Table


class System(Table):
    """A system outside of the job."""

    NAME: ClassVar[str]
    """The name of its table in conf/*.toml, for messages."""

    def spark_conf(self) -> dict[str, str]:
        """Return the Spark settings that it needs."""
        return {}

    def check(self) -> None:
        """Raise SetupError if the system cannot be used; most have no server to ask."""

    def check_data(self, spark: SparkSession) -> None:
        """Raise SetupError if its data do not fit; most are checked when they are read."""

    def data_ids(self, spark: SparkSession) -> Mapping[str, str]:  # noqa: ARG002
        """Return the id of what it reads or writes by its name; most systems have no ids.

        Another id of the same name means other data: the offsets in a checkpoint name other
        records of a source, and the target of a sink lacks the result so far.

        Raises:
            SetupError: its server refuses the job.
        """
        return {}


class StreamSource(System, ABC):
    """A source of one input."""

    KIND: ClassVar[str]
    """What it is, for the summary of a file run."""
    NAME = "source"
    REPLAYABLE: ClassVar[bool] = True
    """Whether a copy of the checkpoint's logs makes it read a batch again."""
    RULES: ClassVar[tuple[str, ...]] = ()
    """The settings that decide which records of a planned batch are read when it runs again."""

    @abstractmethod
    def source_id(self) -> str:
        """Return the text that names the source: the offsets in a checkpoint belong to it."""

    @property
    def requires_all_data(self) -> bool:
        """Whether the job stops if the source has lost records before they were read."""
        return True

    def check_offsets(self, spark: SparkSession, offset: str) -> None:
        """Require that the source still has what follows an offset; most sources cannot tell.

        Args:
            spark: a session.
            offset: the end of the last committed batch, as JSON of Spark's checkpoint.

        Raises:
            CheckpointError: it was created again, or has removed records before they were read.
        """

    def logged_folder(self) -> str:
        """Return the folder of which Spark logs the files that each batch reads; empty if none."""
        return ""

    def without_files(self, files: Sequence[str]) -> Self:  # noqa: ARG002
        """Return this source without some files; most sources have no files of their own."""
        return self

    @abstractmethod
    def read(self, spark: SparkSession) -> DataFrame:
        """Return its records as a stream of envelopes (see records.py).

        Raises:
            SetupError: there is nothing to read, or it does not fit the event schema.
        """


class StreamSink(System, ABC):
    """A sink, which writes the result to its target."""

    KIND: ClassVar[str]
    """What it is, for the summary of a file run."""
    NAME = "sink"

    def target_checkpoint_id(self, spark: SparkSession) -> str | None:  # noqa: ARG002
        """Return the checkpoint id that the target stores, None without a target.

        A sink whose target stores none always returns None.
        """
        return None

    def has_target(self, spark: SparkSession) -> bool:  # noqa: ARG002
        """Return whether the target exists; one that nobody can remove always does."""
        return True

    def last_batch(self, spark: SparkSession, checkpoint_id: str, query_id: str) -> int | None:  # noqa: ARG002
        """Return the last batch that an existing target has, None if the sink cannot tell.

        Args:
            spark: a session.
            checkpoint_id: the checkpoint's id, which the target stores.
            query_id: Spark's id of the query, empty if the checkpoint has none yet.
        """
        return None

    def check_target(self, spark: SparkSession, rows: DataFrame) -> None:
        """Compare an existing target with the result rows.

        Raises:
            CheckpointError: the target cannot store the result rows.
            SetupError: the target cannot be read, or its server refuses the result rows.
        """

    def prepare(self, spark: SparkSession, rows: DataFrame, checkpoint_id: str) -> None:
        """Create the target of these result rows with this checkpoint id, if it does not exist.

        Raises:
            CheckpointError: the target exists and cannot store the result rows.
            SetupError: the target cannot be created.
        """

    @abstractmethod
    def write(self, rows: DataFrame, checkpoint_id: str) -> DataStreamWriter:
        """Return the writer of the result rows, without output mode and trigger."""
