"""Where every input row went: the summary of a run over a known input."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isclose
from typing import Any

RELATIVE_TOLERANCE = 1e-9
"""Sums of floating-point numbers depend on their order in the last digits."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """What a stream must yield: the final state of its result, and where the other events went.

    Where windows overlap, an event counts once for each window that it is in.
    """

    rows: Sequence[Row]
    waiting: Sequence[Row] = ()
    """The rows that are not written yet: of open windows, or of events that still wait."""
    late: int = 0
    """Events that came too late."""
    placed: int | None = None
    """How often the events count together, where it is not once each."""
    duplicates: int | None = None
    """Events that were dropped or replaced because of another one with their id."""
    remembered: int = 0
    """Rows of the state at the end besides the open windows, where all of it can be told."""


SecondOpinion = Callable[..., Expected]
"""From the events that each micro-batch reads of the first input, then of the others, and the
settings, to what must come out."""


def is_of_windows(key: Sequence[str]) -> bool:
    """Whether rows with this key are windows: an event may have columns of their names as well."""
    return {"window_start", "window_end"} <= set(key)


def events_in(rows: Iterable[Row], key: Sequence[str]) -> int:
    """How many events rows with this key stand for: a window says it, other rows are of one."""
    if is_of_windows(key):
        return sum(row.get("event_count", 1) for row in rows)
    return sum(1 for _ in rows)


def verdict(actual: Sequence[Row], expected: Sequence[Row]) -> str:
    """`exact`, or one sentence on how the rows differ."""
    left, right = sorted(actual, key=_order), sorted(expected, key=_order)
    if len(left) != len(right):
        return f"{len(left)} rows where {len(right)} were expected"
    wrong = [pair for pair in zip(left, right, strict=True) if not _same(*pair)]
    if not wrong:
        return "exact"
    row, wanted = wrong[0]
    return f"{len(wrong)} of {len(left)} rows differ, the first: {row}; expected: {wanted}"


def _order(row: Row) -> tuple[str, ...]:
    return tuple(str(value) for value in row.values() if not isinstance(value, float | Decimal))


def _same(row: Row, wanted: Row) -> bool:
    return row.keys() == wanted.keys() and all(_equal(row[name], wanted[name]) for name in wanted)


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, float) and isinstance(wanted, float):
        return isclose(value, wanted, rel_tol=RELATIVE_TOLERANCE)
    return bool(value == wanted)
