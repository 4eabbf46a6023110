"""What became of the demo's events: every record accounted for, and checked in several ways."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from dev.events import Event, Shape, Traffic
from dev.stream import Batch
from dev.verdict import (
    Check,
    Row,
    same_number,
    same_quarantine,
    same_rows,
    verdict,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Place = tuple[datetime, Any]
"""The start of a window, and a key."""


class Expected(Protocol):
    """What the project's expected.py says must come out."""

    @property
    def rows(self) -> Sequence[Row]:
        """The result table."""

    @property
    def late(self) -> int:
        """Events that came too late."""

    @property
    def open(self) -> int:
        """Events in windows that are not closed yet."""


@dataclass(frozen=True)
class Played:
    """A run of the demo: what was sent, where it landed, and what the job did with it."""

    shape: Shape
    traffic: Traffic
    origins: list[str]
    batches: list[Batch]


@dataclass(frozen=True)
class Outcome:
    """What the job left behind and how it compares."""

    rows: Sequence[Row]
    quarantined: Sequence[Row]
    open: Counter[Place]
    """Events in each window that was still open, as the truth has it."""
    checks: list[Check]
    summary: dict[str, Any]


def judge(
    played: Played,
    expected: Expected,
    compare: Callable[[Sequence[Row], Sequence[Row]], str],
    rows: Sequence[Row],
    quarantined: Sequence[Row],
) -> Outcome:
    """Compare what the job left behind with what is known of its input."""
    waiting = _open(played, expected.rows)
    counts = _counts(played, rows, quarantined, expected)
    checks = [
        same_rows(expected.rows, rows, compare),
        same_quarantine(_reasons(played), quarantined),
        *_agreements(played, counts, len(waiting)),
    ]
    summary = counts | {"duplicate_rows": None, "verdict": verdict(checks)}
    return Outcome(rows, quarantined, waiting, checks, summary)


def _reasons(played: Played) -> dict[str, str]:
    """What has to be in quarantine: the origin of each broken record, and why."""
    sent = zip(played.origins, played.traffic.all, strict=True)
    return {origin: event.reason for origin, event in sent if event.reason}


def _agreements(played: Played, counts: Mapping[str, Any], waiting: int) -> list[Check]:
    """Numbers that have to agree although they come from different places."""
    read, made_late = counts["input_rows"], sum(event.late for event in played.traffic.all)
    parts = ("counted_rows", "open_rows", "late_rows", "quarantined_rows")
    return [
        same_number("The job read every record once", len(played.origins), read, "records"),
        same_number(
            "Each is counted, in an open window, too late, or in quarantine",
            *(read, sum(counts[part] for part in parts), "records"),
        ),
        same_number(
            "The events that were left out as too late are those that were made late",
            *(made_late, counts["late_rows"], "events"),
        ),
        same_number(
            "The job's state holds the open windows and nothing else",
            *(waiting, played.batches[-1].open_groups, "pairs of window and key"),
        ),
    ]


def _counts(
    played: Played, rows: Sequence[Row], quarantined: Sequence[Row], expected: Expected
) -> dict[str, Any]:
    busy = [batch for batch in played.batches if batch.rows]
    read, seconds = sum(batch.rows for batch in busy), sum(batch.seconds for batch in busy)
    return {
        "input_rows": read,
        "output_rows": len(rows),
        "counted_rows": sum(row["event_count"] for row in rows),
        "open_rows": expected.open,
        "late_rows": expected.late,
        "quarantined_rows": len(quarantined),
        "batches": len(played.batches),
        "rows_per_second": round(read / seconds) if seconds else 0,
    }


def _open(played: Played, closed: Sequence[Row]) -> Counter[Place]:
    """The windows that have events but no row of the result yet."""
    shape = played.shape
    events = (event for event in played.traffic.all if not event.reason and not event.late)
    done = {(row["window_start"], row[shape.key]) for row in closed}
    places = Counter(_place(event, shape) for event in events)
    return Counter({where: count for where, count in places.items() if where not in done})


def _place(event: Event, shape: Shape) -> Place:
    """The window and the key under which a good event is counted."""
    time = event.values[shape.time]
    return time - (time - EPOCH) % shape.window, event.values[shape.key]
