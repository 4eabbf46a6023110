"""Pinned settings, which need a new checkpoint to change, and free settings."""

from .axes import Answers, Box, inside
from .rules import EVENT_TIME, MICRO_BATCH, STREAM_JOINS

# Settings in the order of the documents, each with the answers that have it.
PINNED: tuple[tuple[Box, tuple[str, ...]], ...] = (
    *((box, ("watermark.delay",)) for box in EVENT_TIME),
    ({"join": STREAM_JOINS}, ("join.within",)),
    ({"window": ("tumbling",)}, ("window.duration",)),
    ({"window": ("sliding",)}, ("window.duration", "window.slide")),
    ({"window": ("session",)}, ("window.gap",)),
    ({"state": ("custom",)}, ("visits.idle",)),
    ({"source": ("kafka",)}, ("source.topic",)),
    ({"source": ("kafka",), "join": STREAM_JOINS}, ("right.topic",)),
    ({"source": ("delta", "auto_loader", "files")}, ("source.path",)),
    ({"source": ("delta", "auto_loader", "files"), "join": STREAM_JOINS}, ("right.path",)),
    ({}, ("state.partitions", "state.store")),
)
# The setting that bounds a micro-batch.
LIMITS: tuple[tuple[Box, tuple[str, ...]], ...] = (
    ({"source": ("kafka",), "trigger": MICRO_BATCH}, ("source.max_offsets_per_trigger",)),
    ({"source": ("delta", "auto_loader", "files")}, ("source.max_files_per_trigger",)),
)
FREE: tuple[tuple[Box, tuple[str, ...]], ...] = (
    ({"trigger": ("processing_time", "continuous", "real_time")}, ("trigger.interval",)),
    *LIMITS,
    ({"source": ("kafka",)}, ("source.fail_on_data_loss",)),
    ({"source": ("delta",)}, ("source.upstream_changes",)),
    ({"source": ("auto_loader", "files")}, ("source.file_names",)),
    ({}, ("events.max_ahead", "lifecycle.attempts", "metrics.log")),
)


def settings_in(table: tuple[tuple[Box, tuple[str, ...]], ...], answers: Answers) -> list[str]:
    """Return the settings of a table that jobs with these answers have; `auto` is resolved."""
    found = (key for box, keys in table if inside(answers, box) for key in keys)
    return list(dict.fromkeys(found))
