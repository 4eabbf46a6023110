"""What became of the demo's events: every record accounted for, and checked in several ways."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from stream_runtime.accounting import events_in

from {{ cookiecutter.__package }}.schema import RESULT_KEY

from dev.events import Shape, Traffic
from dev.stream import Batch
from dev.verdict import Check, Row, Sighting, same_number, same_quarantine, same_rows, verdict


class Expected(Protocol):
    """What the project's test oracle says must come out."""

    @property
    def rows(self) -> Sequence[Row]:
        """The result."""

    @property
    def waiting(self) -> Sequence[Row]:
        """The rows of windows that are not written yet."""

    @property
    def late(self) -> int:
        """Events that came too late."""

    @property
    def placed(self) -> int | None:
        """How often the events count together, where it is not once each."""

    @property
    def remembered(self) -> int:
        """Rows of the state besides the open windows, where all of it can be told."""

    @property
    def duplicates(self) -> int | None:
        """Events that gave way to another one with their id."""


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
    waiting: Sequence[Row]
    """The rows of windows that were not written yet, as the truth has them."""
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
    counts = _counts(played, rows, quarantined, expected)
    checks = [
        same_rows(expected.rows, rows, compare),
        same_quarantine(broken(played.origins, played.traffic), quarantined),
        *_agreements(played, counts, expected),
    ]
    return Outcome(rows, expected.waiting, checks, counts | {"verdict": verdict(checks)})


def broken(origins: Sequence[str], traffic: Traffic) -> Counter[Sighting]:
    """What has to be in quarantine: the origin of each broken record, and why."""
    sent = zip(origins, traffic.all, strict=True)
    return Counter((origin, event.reason) for origin, event in sent if event.reason)


def _agreements(played: Played, counts: Mapping[str, Any], expected: Expected) -> Iterator[Check]:
    """Numbers that have to agree although they come from different places."""
    sent = len(played.origins)
    yield same_number("The job read every record once", sent, counts["input_rows"], "records")
    good = sent - counts["quarantined_rows"]
    parts = ("counted_rows", "open_rows", "late_rows", "duplicate_rows")
    found = sum(counts[part] or 0 for part in parts)
    if expected.placed is None:
        what = "Each record is accounted for: in the result, {}or in quarantine"
        elsewhere = {
            "still open": bool(expected.waiting),
            "too late": played.shape.drops_late,
            "a repeat": expected.duplicates is not None,
        }
        among = "".join(f"{place}, " for place, possible in elsewhere.items() if possible)
        yield same_number(what.format(among), good, found, "events that are not in quarantine")
    else:
        what = "Each event is wherever it has to be, or was left out for a reason"
        yield same_number(what, expected.placed, found, "places")
    if played.shape.drops_repeats:
        repeated = sum(event.kind == "repeated" for event in played.traffic.all)
        what = "The events that were left out as repeats are those that were sent twice"
        yield same_number(what, repeated, counts["duplicate_rows"], "events")
    if played.shape.drops_late and expected.placed is None:
        late = sum(event.late for event in played.traffic.all)
        what = "The events that were left out as too late are those that were made late"
        yield same_number(what, late, counts["late_rows"], "events")
    if played.shape.counts_state and (expected.waiting or expected.remembered):
        what = "The job's state holds what is open or still remembered, and nothing else"
        rows = len(expected.waiting) + expected.remembered
        yield same_number(what, rows, played.batches[-1].state_rows, "rows of state")


def _counts(
    played: Played, rows: Sequence[Row], quarantined: Sequence[Row], expected: Expected
) -> dict[str, Any]:
    busy = [batch for batch in played.batches if batch.rows]
    read, seconds = sum(batch.rows for batch in busy), sum(batch.seconds for batch in busy)
    return {
        "input_rows": read,
        "output_rows": len(rows),
        "counted_rows": events_in(rows, RESULT_KEY),
        "open_rows": events_in(expected.waiting, RESULT_KEY),
        "late_rows": expected.late,
        "duplicate_rows": expected.duplicates,
        "quarantined_rows": len(quarantined),
        "batches": len(played.batches),
        "rows_per_second": round(read / seconds) if seconds else 0,
    }
