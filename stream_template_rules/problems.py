"""Violations, and the correction of misspelt names."""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .rules import Kind

# A misspelling has at most MAX_EDITS wrong letters, each among at least LETTERS_OF_AN_EDIT.
MAX_EDITS, LETTERS_OF_AN_EDIT = 2, 3


@dataclass(frozen=True)
class Violation:
    """One violation: what conflicts, why, what to choose instead.

    `answer` is set if a single typed answer is wrong; `correction` is then its replacement, or None
    if only the user can know it.
    """

    id: str
    kind: Kind
    clash: str
    reason: str
    fix: str
    answer: str = ""
    correction: str | None = None


def nearest_name(word: str, known: Iterable[str]) -> str | None:
    """Return the one known name of which the word is a misspelling, otherwise None.

    A wrong guess is worse than none: numbers are never guessed (INT8, 4.3), nor is one of two
    names that are equally near (TIMESTAMP_TZ).
    """
    edits = {name: _edits(word.lower(), name.lower()) for name in known}
    fewest = min(edits.values(), default=0)
    nearest = [name for name in edits if edits[name] == fewest]
    if len(nearest) != 1 or not _is_misspelling(word, nearest[0], fewest):
        return None
    return nearest[0]


def _is_misspelling(word: str, name: str, edits: int) -> bool:
    letters = max(len(word), len(name))
    same_numbers = re.findall(r"\d", word) == re.findall(r"\d", name)
    return same_numbers and edits <= min(MAX_EDITS, letters // LETTERS_OF_AN_EDIT)


def _edits(one: str, other: str) -> int:
    """Return the edit distance; swapped neighbours count as one edit."""
    edits = {(i, 0): i for i in range(len(one) + 1)} | {(0, j): j for j in range(len(other) + 1)}
    for i, j in itertools.product(range(1, len(one) + 1), range(1, len(other) + 1)):
        changed = edits[i - 1, j - 1] + (one[i - 1] != other[j - 1])
        edits[i, j] = min(edits[i - 1, j] + 1, edits[i, j - 1] + 1, changed)
        if min(i, j) > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
            edits[i, j] = min(edits[i, j], edits[i - 2, j - 2] + 1)
    return edits[len(one), len(other)]
