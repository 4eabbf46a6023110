"""What is legal and bites later: warnings, as data like the rules."""

from dataclasses import dataclass

from .axes import Answers, Box, inside, resolved
from .rules import EVENT_TIME


@dataclass(frozen=True)
class Warn:
    """Something legal that bites later: it speaks when the answers lie in one of the boxes."""

    id: str
    boxes: tuple[Box, ...]
    text: str


WARNINGS = (
    Warn(
        "complete-keeps-all",
        ({"output_mode": ("complete",)},),
        "Complete mode keeps the state of every window for ever: the watermark removes none.",
    ),
    Warn(
        "kafka-backlog",
        tuple({"source": ("kafka",), **box} for box in EVENT_TIME),
        "A topic read from `earliest` in slices moves the one global watermark by its fullest "
        "partition: where partitions are skewed, older rows of the others arrive late and are "
        "dropped. Read a backlog in one batch, or with a delay longer than the skew.",
    ),
    Warn(
        "delta-first-snapshot",
        tuple({"source": ("delta",), **box} for box in EVENT_TIME),
        "The first snapshot of a Delta table is read in the order of its files, not of its events, "
        "and moves the one global watermark past rows not read yet: start at a version, read the "
        "snapshot in one batch, or use a delay longer than the history.",
    ),
)


def warnings(answers: Answers) -> list[str]:
    """Return what to beware of with these answers, one text each."""
    known = {**answers, **resolved(answers)}
    return [warn.text for warn in WARNINGS if any(inside(known, box) for box in warn.boxes)]
