"""What a stream says of itself: a readable line and a JSON line a batch, and metrics.

A batch that is replayed reports twice, and Spark counts late rows after it has grouped them:
the numbers here tell how the stream is doing; exact counts come from counting the result.
"""

import json
import queue
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, TextIO

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession
from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
    StreamingQueryProgress,
)

from .config import Table
from .metrics import Exporter


class Metrics(Table):
    """The table `[metrics]` in conf/*.toml."""

    log: str = "-"
    """A file for one JSON object a line; `-` is the standard output."""
    port: int = 0
    """Where Prometheus may scrape; 0: nowhere."""


ENDS = ("startOffset", "endOffset")
REPEATS = "numDroppedDuplicateRows"
"""As which Spark's deduplication counts what it drops."""


@dataclass(frozen=True)
class Batch:
    """One finished micro-batch; times in milliseconds, sizes in bytes."""

    batch_id: int
    input_rows: int
    bad_rows: int | None
    unknown_field_rows: int | None
    late_groups_dropped: int
    repeats_dropped: int
    output_rows: int | None
    duration_ms: int
    newest_event: str | None
    watermark: str | None
    state_rows: int
    state_bytes: int
    backlog_rows: int | None
    """In the fullest partition of all inputs; sources other than Kafka do not say."""
    backlog_files: int | None
    """As Databricks' sources say it."""
    start_offset: str | None
    end_offset: str | None
    """With several inputs, a line for each, as in Spark's log."""

    @classmethod
    def of(cls, progress: StreamingQueryProgress) -> "Batch":
        """The facts of one progress report."""
        sources, state = progress.sources, progress.stateOperators
        offsets = [json.loads(source.json) for source in sources]
        start, end = (_lines(offset[name] for offset in offsets) for name in ENDS)
        counts = [row for row in progress.observedMetrics.values() if "bad_rows" in row]
        # What one input does not say is not known of the batch. A sink that has the batch already
        # does not compute it: Spark then reports zero rows, although the offsets moved.
        computed = start == end or any(row["rows"] for row in counts)
        told = len(counts) == len(sources) and computed
        return cls(
            batch_id=progress.batchId,
            input_rows=progress.numInputRows,
            bad_rows=sum(row["bad_rows"] for row in counts) if told else None,
            unknown_field_rows=sum(row["unknown_field_rows"] for row in counts) if told else None,
            late_groups_dropped=sum(operator.numRowsDroppedByWatermark for operator in state),
            repeats_dropped=sum(operator.customMetrics.get(REPEATS, 0) for operator in state),
            output_rows=_known(progress.sink.numOutputRows),
            duration_ms=progress.batchDuration,
            newest_event=progress.eventTime.get("max"),
            watermark=progress.eventTime.get("watermark"),
            state_rows=sum(operator.numRowsTotal for operator in state),
            state_bytes=sum(operator.memoryUsedBytes for operator in state),
            backlog_rows=_most(source.metrics.get("maxOffsetsBehindLatest") for source in sources),
            backlog_files=_most(source.metrics.get("numFilesOutstanding") for source in sources),
            start_offset=start,
            end_offset=end,
        )


def _known(rows: int) -> int | None:
    return None if rows < 0 else rows


def _lines(offsets: Iterable[Any]) -> str | None:
    """Where each input stands; None where none has begun."""
    lines = [_offset(offset) for offset in offsets]
    return "\n".join(line or "-" for line in lines) if any(lines) else None


def _offset(offset: Any) -> str | None:
    """As Spark writes it to its log; PySpark's own text of it is another one on Spark Connect."""
    if offset is None or isinstance(offset, str):
        return offset
    return json.dumps(offset, separators=(",", ":"), ensure_ascii=False)


def _most(texts: Iterable[str | None]) -> int | None:
    return max((round(float(text)) for text in texts if text is not None), default=None)


class Sign(Enum):
    """What a query reports besides its batches."""

    IDLE = "a trigger found nothing new"
    ENDED = "no report follows"


Report = Batch | Sign


class Feed(StreamingQueryListener):
    """Spark's reports, kept in order until the job's own thread takes them.

    Each stands behind the id of the run that it is of: one of an earlier run may come late.
    """

    def __init__(self) -> None:
        self.reports: queue.Queue[tuple[str, Report]] = queue.Queue()

    def take(self, run: str, seconds: float) -> Report | None:
        """The next report of a run, None where there is none for so long."""
        try:
            while True:
                of, report = self.reports.get(timeout=seconds)
                if of == run:
                    return report
        except queue.Empty:
            return None

    def onQueryStarted(self, event: QueryStartedEvent) -> None:  # noqa: N802 - Spark's name
        """Nothing to tell: the job starts its queries itself."""

    def onQueryProgress(self, event: QueryProgressEvent) -> None:  # noqa: N802
        """Keep what a batch did."""
        self.reports.put((str(event.progress.runId), Batch.of(event.progress)))

    def onQueryIdle(self, event: QueryIdleEvent) -> None:  # noqa: N802
        """Keep that a trigger found nothing new."""
        self.reports.put((str(event.runId), Sign.IDLE))

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:  # noqa: N802
        """Keep that the query has ended: no report follows this one."""
        self.reports.put((str(event.runId), Sign.ENDED))


@contextmanager
def fed(feed: Feed, spark: SparkSession) -> Iterator[Feed]:
    """The feed while it gets Spark's reports; behind Spark Connect a thread that has to end."""
    spark.streams.addListener(feed)
    try:
        yield feed
    finally:
        # A JVM that is gone reports nothing any more.
        with suppress(Py4JError):
            spark.streams.removeListener(feed)


class Reporter:
    """Tells a person, a log and Prometheus what happens."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        self._log = _opened(metrics.log)
        self._exporter = Exporter(name, metrics.port)

    def batch(self, batch: Batch) -> None:
        """A micro-batch has ended."""
        facts = asdict(batch)
        self._exporter.batch(facts)
        self.event("batch", **facts)
        say(_readable(batch))

    def idle(self) -> None:
        """A trigger found nothing new: quiet is not dead."""
        self._exporter.alive()
        self.event("idle")

    def retry(self, attempt: int, cause: str) -> None:
        """The query failed and is started again."""
        self._exporter.retried()
        self.event("retry", attempt=attempt, cause=cause)
        say(f"attempt {attempt} failed: {cause}")

    def event(self, name: str, **facts: Any) -> None:
        """One JSON line."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        print(json.dumps({"event": name, "at": at, **facts}), file=self._log, flush=True)


def say(text: str) -> None:
    """One line for the person who watches."""
    print(text, file=sys.stderr, flush=True)


def _opened(log: str) -> TextIO:
    if log == "-":
        return sys.stdout
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a", encoding="utf-8")


def _readable(batch: Batch) -> str:
    parts = [f"batch {batch.batch_id}", f"{batch.input_rows:,} rows in {batch.duration_ms:,} ms"]
    if batch.watermark:
        parts.append(f"watermark {batch.watermark[:19]}")
    if batch.state_rows:
        parts.append(f"{batch.state_rows:,} rows of state")
    if batch.bad_rows:
        parts.append(f"{batch.bad_rows:,} bad")
    if batch.late_groups_dropped:
        parts.append(f"{batch.late_groups_dropped:,} late groups dropped")
    if batch.repeats_dropped:
        parts.append(f"{batch.repeats_dropped:,} repeats dropped")
    if batch.backlog_rows:
        parts.append(f"{batch.backlog_rows:,} behind")
    return "  ".join(parts)
