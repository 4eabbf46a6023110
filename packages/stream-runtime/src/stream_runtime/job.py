"""What a job is to the runtime: the functions of its pipeline, and the facts about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import modules
from typing import Any, Generic, TypeVar

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from .records import EventSchema, LateCheck
from .settings import RuntimeSettings

Settings = TypeVar("Settings", bound=RuntimeSettings)


@dataclass(frozen=True, kw_only=True)
class StreamJob(Generic[Settings]):
    """One pipeline, with an instance of its settings in every call."""

    name: str
    guarantee: str
    """How often an event counts in the target after any crash, as a sentence."""
    settings: type[Settings]
    inputs: tuple[EventSchema, ...]
    """The event schema of each input."""
    result_key: tuple[str, ...]
    """The columns that identify a row of the result."""
    output_mode: str
    write_disposition: str
    """What the target holds after all batches: all rows (`append`), the newest of each key
    (`merge`), or those of the last batch (`replace`)."""
    trigger: str
    read: Callable[[SparkSession, Settings], Sequence[DataFrame]]
    """Returns a stream of envelopes (see records.py) for each input."""
    result: Callable[[Sequence[DataFrame], Settings], DataFrame]
    """Returns the result rows of streams, or of batches, of envelopes, one for each input."""
    write: Callable[[DataFrame, Settings, str], DataStreamWriter]
    """Returns the writer of the result rows, with a checkpoint id, and does not start it."""
    late_from: Callable[[Column, Settings], Column] | None = None
    """Returns for an event time, which can be null, the watermark from which on the event is late:
    Spark drops it if the batch before had that watermark. None if the job drops no late events."""

    def stream(self, spark: SparkSession, settings: Settings) -> DataFrame:
        """Return the result rows of the job's source, as a stream that is not started.

        Raises:
            SetupError: there is nothing to read, or it does not fit the event schema.
        """
        return self.result(self.read(spark, settings), settings)

    def late_check(self, settings: Settings, watermark: Column) -> LateCheck | None:
        """Return the check for late events, None if quarantine has none.

        Args:
            settings: the settings.
            watermark: the watermark of the batch before, in milliseconds since 1970.
        """
        late_from = self.late_from
        if late_from is None or not settings.quarantine.late:
            return None
        return lambda time: late_from(time, settings) <= F.timestamp_millis(watermark)

    def replays_batches(self, settings: Settings) -> bool:
        """Return whether quarantine replays batches, instead of reading the source again."""
        return settings.source.REPLAYABLE and not self.continuous

    @property
    def package(self) -> str:
        """The package of the pipeline, whose `__main__.py` starts the job."""
        return self.result.__module__.rpartition(".")[0]

    @property
    def folder(self) -> Path:
        """The folder of the pipeline's package."""
        return Path(str(modules[self.result.__module__].__file__)).resolve().parent

    @property
    def continuous(self) -> bool:
        """Whether Spark reports no batches and no counts (see continuous.py)."""
        return self.trigger == "continuous"


Job = StreamJob[Any]
"""A job with any settings."""
