"""Was it right? What the job left behind, against what is known of its input."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deltalake import DeltaTable, QueryBuilder

Row = Mapping[str, Any]
EXACT = "exact"


@dataclass(frozen=True)
class Check:
    """One thing that had to hold, and whether it did."""

    what: str
    found: str
    holds: bool


def read_table(path: Path) -> list[Row]:
    """All rows of a Delta table."""
    query = QueryBuilder().register("result", DeltaTable(str(path)))
    found = query.execute("SELECT * FROM result").read_all()
    names = found.schema.names
    cells = zip(*(list(found[name].to_pylist()) for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in cells]


def read_quarantine(path: Path) -> list[Row]:
    """All records in quarantine."""
    files = sorted(path.glob("*/*/part-*.json"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def same_rows(
    wanted: Sequence[Row],
    found: Sequence[Row],
    compare: Callable[[Sequence[Row], Sequence[Row]], str],
) -> Check:
    """The result table holds exactly the rows of the second computation."""
    what = "The result table equals a second computation in plain Python"
    if not wanted:
        return Check(what, "there is nothing to compare: no window was closed", holds=False)
    outcome = compare(found, wanted)
    equal = outcome == EXACT
    return Check(what, f"{len(found):,} rows, each equal" if equal else outcome, equal)


def same_quarantine(wanted: Mapping[str, str], found: Sequence[Row]) -> Check:
    """In quarantine are the broken records, all of them and no other, each with its reason."""
    what = "Quarantine holds each broken record once, with its reason and its place in Kafka"
    reasons = {row["origin"]: row["reason"] for row in found}
    origins = {**wanted, **reasons}
    other = [origin for origin in origins if wanted.get(origin) != reasons.get(origin)]
    twice = len(found) - len(reasons)
    if not other and not twice:
        return Check(what, f"{len(found):,} records", holds=True)
    fault = f"{len(other):,} differ, {twice:,} are there twice"
    if other:
        first = other[0]
        fault += f"; {first} is {reasons.get(first)} and should be {wanted.get(first)}"
    return Check(what, fault, holds=False)


def same_number(what: str, wanted: int, found: int, unit: str) -> Check:
    """Two ways of counting agree."""
    agree = wanted == found
    return Check(what, f"{found:,} {unit}" + ("" if agree else f" instead of {wanted:,}"), agree)


def verdict(checks: Iterable[Check]) -> str:
    """`exact`, or what differs."""
    failed = [f"{check.what}? No: {check.found}." for check in checks if not check.holds]
    return " ".join(failed) or EXACT
