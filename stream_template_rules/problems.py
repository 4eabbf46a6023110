"""What is wrong with one answer or with several, as every reader of the rules sees it."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from .rules import Kind


@dataclass(frozen=True)
class Violation:
    """One refusal: what clashes, why, what to choose instead.

    `answer` is set where a single typed answer is wrong; `correction` is then the text to put in
    its place, or None where only the user can know it.
    """

    id: str
    kind: Kind
    clash: str
    reason: str
    fix: str
    answer: str = ""
    correction: str | None = None


def nearest_name(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that the word was probably meant to be."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, 1)
    return by_lower[close[0]] if close else None
