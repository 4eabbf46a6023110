"""Pinned settings, which need a new checkpoint to change, and free settings."""

from collections.abc import Callable, Iterable

from .axes import Answers, Box, inside
from .rules import EVENT_TIME, MICRO_BATCH, STREAM_JOINS
from .sources import SOURCES, Source

Settings = tuple[tuple[Box, tuple[str, ...]], ...]


def _collect(names: Callable[[Source], Iterable[str]], **more: tuple[str, ...]) -> Settings:
    """Return the settings that follow from the traits of each source, with its box."""
    return tuple(
        ({"source": (name,), **more}, tuple(names(source))) for name, source in SOURCES.items()
    )


# Settings in the order of the documents, each with the answers that have it.
PINNED: Settings = (
    *((box, ("watermark.delay",)) for box in EVENT_TIME),
    ({"join": STREAM_JOINS}, ("join.within",)),
    ({"window": ("tumbling",)}, ("window.duration", "window.offset")),
    ({"window": ("sliding",)}, ("window.duration", "window.slide", "window.offset")),
    ({"window": ("session",)}, ("window.gap",)),
    ({"state": ("custom",)}, ("visits.idle",)),
    *_collect(lambda source: [f"source.{source.input_setting}"]),
    *_collect(lambda source: [f"right.{source.input_setting}"], join=STREAM_JOINS),
    ({}, ("state.partitions", "state.store")),
)
# The setting that bounds a micro-batch.
LIMITS: Settings = _collect(lambda source: [f"source.{source.limit}"], trigger=MICRO_BATCH)
FREE: Settings = (
    ({"trigger": ("processing_time", "continuous", "real_time")}, ("trigger.interval",)),
    *LIMITS,
    *_collect(lambda source: [f"source.{setting}" for setting in source.free]),
    ({}, ("events.max_ahead",)),
)


def settings_in(table: Settings, answers: Answers) -> list[str]:
    """Return the settings of a table that jobs with these answers have; `auto` is resolved."""
    found = (key for box, keys in table if inside(answers, box) for key in keys)
    return list(dict.fromkeys(found))
