"""The comparison with the test oracle, and the reconciliation of the events that were read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isclose
from typing import Any

RELATIVE_TOLERANCE = 1e-9
"""The last digits of a sum of floating-point numbers depend on their order."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """What a stream must produce: the final state of its result, and the counts of other events.

    If windows overlap, an event counts once for each window that it is in.
    """

    rows: Sequence[Row]
    pending: Sequence[Row] = ()
    """The rows that are not written yet: of open windows, or of pending events."""
    late: int = 0
    """The number of late events."""
    assigned: int | None = None
    """How often the events count in total, if it is not once each."""
    duplicates: int | None = None
    """The number of events that were dropped or replaced because of another with their id."""
    retained: int = 0
    """The number of rows of the state at the end, without the open windows."""


Oracle = Callable[..., Result]
"""A test oracle. Its arguments are the batches of events of each input, and the settings."""


def is_of_windows(key: Sequence[str]) -> bool:
    """Return whether rows with this key are windows: events may have columns of the same names."""
    return {"window_start", "window_end"} <= set(key)


def events_in(rows: Iterable[Row], key: Sequence[str]) -> int:
    """Return the number of events in rows with this key: other rows than windows are one."""
    if is_of_windows(key):
        return sum(row.get("event_count", 1) for row in rows)
    return sum(1 for _ in rows)


def verdict(actual: Sequence[Row], expected: Sequence[Row]) -> str:
    """Return `exact`, or one sentence that says how the rows differ."""
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
