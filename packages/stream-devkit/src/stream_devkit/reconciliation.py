"""The comparison with the test oracle, and the reconciliation of the events that were read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isclose
from typing import Any

RELATIVE_TOLERANCE = 1e-9
"""The last digits of a sum of floating-point numbers depend on their order."""

Row = Mapping[str, Any]


RECORDS, MEMBERSHIPS = "records", "window memberships"


@dataclass(frozen=True)
class Derived:
    """What a step makes of events that do not count once each: pairs, or memberships of windows."""

    unit: str
    """What they are, in the plural."""
    step: str
    """The step that makes them: `the join`, or `a window`."""
    read: int
    """The number of events or pairs that it reads, without late events and duplicates."""
    count: int
    """The number of what it makes of them."""
    missed: int = 0
    """The number of memberships of windows that had closed; the event is in another window."""
    replaced: int = 0
    """The number of pairs that newer ones with the same key replace."""


@dataclass(frozen=True)
class Result:
    """What a stream must produce: the final state of its result, and the counts of other events."""

    rows: Sequence[Row]
    pending: Sequence[Row] = ()
    """The rows that are not written yet: of open windows, or of pending events."""
    late: int = 0
    """The number of late events."""
    derived: Sequence[Derived] = ()
    """What each step makes of the events; the result counts what the last one makes."""
    duplicates: int | None = None
    """The number of events that were dropped or replaced because of another with their id."""
    retained: int = 0
    """The number of rows of the state at the end, without the open windows."""


Oracle = Callable[..., Result]
"""A test oracle. Its arguments are the batches of events of each input, and the settings."""


def alternatives(names: Sequence[str]) -> str:
    """Return the names as `one, two or three`."""
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def is_of_windows(key: Sequence[str]) -> bool:
    """Return whether rows with this key are windows: events may have columns of the same names."""
    return {"window_start", "window_end"} <= set(key)


def events_in(rows: Iterable[Row], key: Sequence[str]) -> int:
    """Return the number of events in rows with this key: other rows than windows are one."""
    if is_of_windows(key):
        return sum(row.get("event_count", 1) for row in rows)
    return sum(1 for _ in rows)


@dataclass(frozen=True)
class Split:
    """A whole, such as the records that the job read, and what became of its parts."""

    unit: str
    whole: int
    parts: Mapping[str, int]

    @property
    def sum(self) -> int:
        """Return the sum of the parts: the whole, unless something is lost."""
        return sum(self.parts.values())

    def __str__(self) -> str:
        parts = ", ".join(f"{count:,} {name}" for name, count in self.parts.items() if count)
        return f"{self.whole:,} {self.unit}: {parts or 'none'}"


def split(
    read: int, invalid: int, rows: Iterable[Row], key: Sequence[str], expected: Result
) -> list[Split]:
    """Return the parts of the records, then those of what each step makes of events.

    Args:
        read: the number of records.
        invalid: the number of invalid records.
        rows: the rows of the result.
        key: the columns that identify a row.
        expected: the rest, from the test oracle.
    """
    late, duplicates = expected.late, expected.duplicates or 0
    wholes = [(RECORDS, read, {"late": late, "duplicate": duplicates, "invalid": invalid})]
    inside = []
    for made in expected.derived:
        left_out = {"of a closed window": made.missed, "replaced": made.replaced}
        wholes.append((made.unit, made.count, left_out))
        inside.append({f"in {made.step}": made.read})
    ends = {"in the result": events_in(rows, key), "pending": events_in(expected.pending, key)}
    return [
        Split(unit, whole, parts | left_out)
        for (unit, whole, left_out), parts in zip(wholes, [*inside, ends], strict=True)
    ]


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
