"""What Spark reports of one micro-batch.

A replayed batch reports twice, so these numbers show how the stream does; exact counts come from
counting the result.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Row
from pyspark.sql.streaming.listener import StateOperatorProgress, StreamingQueryProgress

ENDS = ("startOffset", "endOffset")
NO_WATERMARK = "1970-01-01T00:00:00.000Z"
"""The watermark that Spark reports until the end of the first batch with an event time."""
AGGREGATIONS = {"stateStoreSave", "sessionWindowStateStoreSaveExec"}
"""Spark's names of the operators that group events before they drop what is late."""
DUPLICATES = "numDroppedDuplicateRows"
"""The name of Spark's counter of dropped duplicates."""


@dataclass(frozen=True)
class BatchProgress:
    """One finished micro-batch; times in milliseconds, sizes in bytes."""

    batch_id: int
    input_rows: int
    invalid_rows: int | None
    unknown_field_rows: int | None
    late_groups_dropped: int
    """What Spark counts as late; an aggregation counts groups: of one key and window in a task."""
    duplicates_dropped: int
    output_rows: int | None
    duration_ms: int
    newest_event: str | None
    watermark: str | None
    state_rows: int
    state_bytes: int
    backlog_rows: int | None
    """The lag of the fullest partition of all inputs; only Kafka reports it."""
    backlog_files: int | None
    """The lag in files; only the sources of Databricks report it."""
    start_offset: str | None
    end_offset: str | None
    """With several inputs, a line for each, as in Spark's log."""
    late_events: int | None = 0
    """The number of late events, None as long as only the number of their groups is known."""
    invalid_records: tuple[str, ...] | None = field(default=None, repr=False)
    """All invalid records as JSON lines, None if the report does not contain all of them."""

    @classmethod
    def of(cls, progress: StreamingQueryProgress) -> "BatchProgress":
        """Read one progress report of Spark."""
        sources, state = progress.sources, progress.stateOperators
        offsets = [json.loads(source.json) for source in sources]
        start, end = (_lines(offset[name] for offset in offsets) for name in ENDS)
        counts = [row for row in progress.observedMetrics.values() if "invalid_rows" in row]
        # Unknown for one input is unknown for the batch. A sink that has the batch already does
        # not compute it: Spark then reports zero rows, although the offsets moved.
        computed = start == end or any(row["rows"] for row in counts)
        known = len(counts) == len(sources) and computed
        invalid_rows = sum(row["invalid_rows"] for row in counts)
        records = tuple(line for row in counts for line in _reported(row))
        # If Spark runs a task twice, its report can have a record twice.
        has_all = known and len(records) == len(set(records)) == invalid_rows
        return cls(
            batch_id=progress.batchId,
            input_rows=progress.numInputRows,
            invalid_rows=invalid_rows if known else None,
            unknown_field_rows=sum(row["unknown_field_rows"] for row in counts) if known else None,
            late_groups_dropped=sum(operator.numRowsDroppedByWatermark for operator in state),
            late_events=_count_late(state),
            duplicates_dropped=sum(operator.customMetrics.get(DUPLICATES, 0) for operator in state),
            output_rows=_none_if_unknown(progress.sink.numOutputRows),
            duration_ms=progress.batchDuration,
            newest_event=progress.eventTime.get("max"),
            watermark=progress.eventTime.get("watermark"),
            state_rows=sum(operator.numRowsTotal for operator in state),
            state_bytes=sum(operator.memoryUsedBytes for operator in state),
            backlog_rows=_largest(
                source.metrics.get("maxOffsetsBehindLatest") for source in sources
            ),
            backlog_files=_largest(source.metrics.get("numFilesOutstanding") for source in sources),
            start_offset=start,
            end_offset=end,
            invalid_records=records if has_all else None,
        )

    def __str__(self) -> str:
        """Describe the batch in one line for people."""
        parts = [f"batch {self.batch_id}", f"{self.input_rows:,} rows in {self.duration_ms:,} ms"]
        if self.watermark and self.watermark != NO_WATERMARK:
            parts.append(f"watermark {self.watermark[:19]}")
        counts = {
            "written": self.output_rows,
            "rows of state": self.state_rows,
            "invalid": self.invalid_rows,
            "late": self.late_events,
            "late groups": self.late_groups_dropped if self.late_events is None else 0,
            "duplicates dropped": self.duplicates_dropped,
            "behind": self.backlog_rows,
        }
        return "  ".join(
            [*parts, *(f"{count:,} {name}" for name, count in counts.items() if count)]
        )


def _count_late(state: Iterable[StateOperatorProgress]) -> int | None:
    """Return the number of late events, None if an aggregation dropped some."""
    dropped = [operator for operator in state if operator.numRowsDroppedByWatermark]
    if any(operator.operatorName in AGGREGATIONS for operator in dropped):
        return None
    return sum(operator.numRowsDroppedByWatermark for operator in dropped)


def _reported(counts: Row) -> list[str]:
    """Return the invalid records in the report of one input, if it has any (see records.py)."""
    return list(counts.asDict().get("invalid_records") or ())


def _none_if_unknown(rows: int) -> int | None:
    return None if rows < 0 else rows


def _lines(offsets: Iterable[Any]) -> str | None:
    """Return the offsets of each input, a line each; None if no input has begun."""
    lines = [_offset(offset) for offset in offsets]
    return "\n".join(line or "-" for line in lines) if any(lines) else None


def _offset(offset: Any) -> str | None:
    """Return an offset as in Spark's log; PySpark's own text differs on Spark Connect."""
    if offset is None or isinstance(offset, str):
        return offset
    return json.dumps(offset, separators=(",", ":"), ensure_ascii=False)


def _largest(texts: Iterable[str | None]) -> int | None:
    return max((round(float(text)) for text in texts if text is not None), default=None)
