"""What the runtime asks of a pipeline: the names that its job.py offers."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from .records import EventSchema
from .settings import RuntimeSettings


class Job(Protocol):
    """The module job.py of a pipeline; `settings` is an instance of its SETTINGS."""

    __package__: str | None
    """The package of the pipeline, whose `__main__.py` starts the job."""
    __file__: str | None
    NAME: str
    GUARANTEE: str
    OUTPUT_MODE: str
    EVENT: EventSchema
    """What the result is made of: the events of the first input."""
    REPORTS: bool
    """Whether Spark reports its batches: of a continuous query it does not (see epochs.py)."""
    REPLAYABLE: bool
    """Whether a copy of the checkpoint's logs makes its source read a batch again."""
    RESULT_KEY: tuple[str, ...]
    """The columns that identify a row of the result."""
    RESULT_STATE: str
    """What the result holds after all batches: all rows (`appended`), the newest of each key
    (`upserted`), or those of the last batch (`replaced`)."""

    @property
    def SETTINGS(self) -> type[RuntimeSettings]:  # noqa: N802 - a constant of the module
        """The class of its settings."""

    @property
    def INPUTS(self) -> tuple[EventSchema, ...]:  # noqa: N802
        """What an event of each input is; the first is EVENT."""

    @property
    def PARTS(self) -> Mapping[str, str]:  # noqa: N802
        """The source, sink and trigger that it runs with."""

    def spark_conf(self, settings: Any) -> Mapping[str, str]:
        """Return the Spark settings that the session needs for its source and sink."""

    def origin(self, settings: Any) -> str:
        """What the inputs' offsets are of: under another origin they mean nothing."""

    def owner(self, spark: SparkSession, settings: Any) -> str | None:
        """The epoch whose result the target holds, None where there is no target yet."""

    def check(self, settings: Any) -> None:
        """Raises SetupError where a server that the job needs does not answer."""

    def read(self, spark: SparkSession, settings: Any) -> Sequence[DataFrame]:
        """The stream of envelopes (see records.py) of each input."""

    def result(self, inputs: Sequence[DataFrame], settings: Any) -> DataFrame:
        """The result rows of streams, or of batches, of envelopes, one for each input."""

    def prepare(self, spark: SparkSession, rows: DataFrame, settings: Any, epoch: str) -> None:
        """Create the target, with the epoch as its owner, unless it is there."""

    def write(self, rows: DataFrame, settings: Any, epoch: str) -> DataStreamWriter:
        """The result on its way to the sink, with its trigger, not yet started."""
