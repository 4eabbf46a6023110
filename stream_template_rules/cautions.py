"""What is legal and can cause harm later: warnings, as data like the rules."""

from dataclasses import dataclass

from .axes import Answers, Box, inside, resolved
from .rules import EVENT_TIME, STREAM_JOINS


@dataclass(frozen=True)
class Warn:
    """Something legal that can cause harm later, for the answers in one of the boxes."""

    id: str
    boxes: tuple[Box, ...]
    text: str


WARNINGS = (
    Warn(
        "complete-keeps-all",
        ({"output_mode": ("complete",)},),
        "Complete mode never removes the state of a window: the watermark has no effect on it.",
    ),
    Warn(
        "silent-input",
        ({"join": STREAM_JOINS},),
        "Two joined streams have one watermark, that of the stream that is less far: while one is "
        "silent, the state of the other grows, and nothing is final.",
    ),
    Warn(
        "kafka-backlog",
        tuple({"source": ("kafka",), **box} for box in EVENT_TIME),
        "A topic read from `earliest` in slices moves the one global watermark by its fullest "
        "partition: where partitions are skewed, older rows of the others arrive late and are "
        "dropped. Read a backlog in one batch, or with a delay longer than the skew.",
    ),
    Warn(
        "delta-backlog",
        tuple({"source": ("delta",), **box} for box in EVENT_TIME),
        "A Delta table is read in the order of its commits: events that a later commit adds behind "
        "the watermark, as a backfill does, are dropped as late. Where its first commits are gone "
        "there is a snapshot, read in the order of its files, which moves the one global watermark "
        "past rows not read yet: read it in one batch, or with a delay longer than its history.",
    ),
    Warn(
        "files-backlog",
        tuple({"source": ("files", "auto_loader"), **box} for box in EVENT_TIME),
        "A backlog of files is not read in the order of its events: where a slice of it is far "
        "ahead, it moves the one global watermark past files not read yet, and their events are "
        "dropped as late. Read a backlog in one batch, or with a delay longer than its disorder.",
    ),
)


def warnings(answers: Answers) -> list[str]:
    """Return what to beware of with these answers, one text each."""
    known = {**answers, **resolved(answers)}
    return [warn.text for warn in WARNINGS if any(inside(known, box) for box in warn.boxes)]
