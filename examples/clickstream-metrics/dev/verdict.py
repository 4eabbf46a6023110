"""Was it right? What the job left behind, against what is known of its input."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
Sighting = tuple[str, str]
"""The origin of a broken record, and why it is no event."""
EXACT = "exact"


@dataclass(frozen=True)
class Check:
    """One thing that had to hold, and whether it did."""

    what: str
    found: str
    holds: bool


def read_quarantine(path: Path) -> list[Row]:
    """All records in quarantine."""
    files = sorted(path.glob("*/*/part-*.json"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def same_rows(
    wanted: Sequence[Row],
    found: Sequence[Row],
    compare: Callable[[Sequence[Row], Sequence[Row]], str],
) -> Check:
    """The result holds exactly the rows of the second computation."""
    what = "The result equals a second computation in plain Python"
    if not wanted:
        return Check(what, "there is nothing to compare: the result must have rows", holds=False)
    outcome = compare(found, wanted)
    equal = outcome == EXACT
    return Check(what, f"{len(found):,} rows, each equal" if equal else outcome, equal)


def same_quarantine(wanted: Counter[Sighting], found: Sequence[Row]) -> Check:
    """In quarantine are the broken records, all of them and no other, each with its reason."""
    what = "Quarantine holds each broken record once, with its reason and its origin"
    kept = Counter((row["origin"], row["reason"]) for row in found)
    if kept == wanted:
        return Check(what, f"{len(found):,} records", holds=True)
    lost, extra = wanted - kept, kept - wanted
    parts = {"not there": lost, "there, and should not be": extra}
    faults = [
        f"{sightings.total():,} {how}, such as {next(iter(sightings))}"
        for how, sightings in parts.items()
        if sightings
    ]
    return Check(what, "; ".join(faults), holds=False)


def same_number(what: str, wanted: int, found: int, unit: str) -> Check:
    """Two ways of counting agree."""
    agree = wanted == found
    return Check(what, f"{found:,} {unit}" + ("" if agree else f" instead of {wanted:,}"), agree)


def verdict(checks: Iterable[Check]) -> str:
    """`exact`, or what differs."""
    failed = [f"{check.what}? No: {check.found}." for check in checks if not check.holds]
    return " ".join(failed) or EXACT
