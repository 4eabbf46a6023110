"""The reports of Spark about a running query."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum

from pyspark.sql import SparkSession
from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
)

from .batch import BatchProgress
from .causes import JVM_LOSS


class Sign(Enum):
    """What a query reports besides its batches."""

    IDLE = "a trigger found nothing new"
    ENDED = "no report follows"


Report = BatchProgress | Sign


class ProgressListener(StreamingQueryListener):
    """A queue of Spark's reports, in order, for the thread of the job.

    Each has the id of its query run, because a report of an earlier run can come late.
    """

    def __init__(self) -> None:
        self.reports: queue.Queue[tuple[str, Report]] = queue.Queue()

    def take(self, run: str, seconds: float) -> Report | None:
        """Return the next report of a query run, None if there is none within these seconds."""
        try:
            while True:
                reported, report = self.reports.get(timeout=seconds)
                if reported == run:
                    return report
        except queue.Empty:
            return None

    def onQueryStarted(self, event: QueryStartedEvent) -> None:  # noqa: N802 - Spark's name
        """Do nothing: the job starts its queries itself."""

    def onQueryProgress(self, event: QueryProgressEvent) -> None:  # noqa: N802
        """Queue what a batch did."""
        self.reports.put((str(event.progress.runId), BatchProgress.of(event.progress)))

    def onQueryIdle(self, event: QueryIdleEvent) -> None:  # noqa: N802
        """Queue that a trigger found nothing new."""
        self.reports.put((str(event.runId), Sign.IDLE))

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:  # noqa: N802
        """Queue that the query has ended: no report follows."""
        self.reports.put((str(event.runId), Sign.ENDED))


@contextmanager
def listen(listener: ProgressListener, spark: SparkSession) -> Iterator[ProgressListener]:
    """Let Spark report to the listener; on Spark Connect that is a thread, which ends here."""
    spark.streams.addListener(listener)
    try:
        yield listener
    finally:
        # A JVM that is gone has no listeners.
        with suppress(*JVM_LOSS):
            spark.streams.removeListener(listener)
