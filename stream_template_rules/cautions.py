"""Warnings about answers that are legal and can cause harm later, as data like the rules."""

from dataclasses import dataclass

from .axes import Answers, Box, inside, resolved
from .rules import EVENT_TIME, STREAM_JOINS


@dataclass(frozen=True)
class Warn:
    """A warning for the answers in one of the boxes: legal, but it can cause harm later."""

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
        "Two joined streams have one watermark, that of the slower stream: while one is silent, "
        "the state of the other grows, and no row that waits for the watermark is written.",
    ),
    Warn(
        "kafka-backlog",
        tuple({"source": ("kafka",), **box} for box in EVENT_TIME),
        "If the job reads a backlog from `earliest` in several batches, the fullest partition "
        "advances the one global watermark: with skewed partitions, older rows of the others are "
        "late and dropped. Read a backlog in one batch, or with a delay longer than the skew.",
    ),
    Warn(
        "delta-backlog",
        tuple({"source": ("delta",), **box} for box in EVENT_TIME),
        "Spark reads a Delta table in the order of its commits: events that a later commit adds "
        "behind the watermark, such as a backfill, are late and dropped. If the first commits are "
        "gone, Spark reads a snapshot in the order of its files, which advances the one global "
        "watermark past unread rows: use one batch, or a delay longer than the table's history.",
    ),
    Warn(
        "files-backlog",
        tuple({"source": ("files", "auto_loader"), **box} for box in EVENT_TIME),
        "Spark does not read a backlog of files in the order of its events: a batch with newer "
        "events advances the one global watermark past unread files, and their events are late "
        "and dropped. Read a backlog in one batch, or with a delay longer than its disorder.",
    ),
)


def warnings(answers: Answers) -> list[str]:
    """Return the warnings for these answers, one text each."""
    known = {**answers, **resolved(answers)}
    return [warn.text for warn in WARNINGS if any(inside(known, box) for box in warn.boxes)]
