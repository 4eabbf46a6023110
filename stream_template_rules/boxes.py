"""Boxes that several tables use: answers that need the same server, jar, file or state."""

from .axes import Answers, Box, inside, select
from .rules import DATABRICKS, STREAM_JOINS, WINDOWED
from .sinks import SINKS
from .sources import SOURCES

Boxes = tuple[Box, ...]


def find_users(system: str) -> Boxes:
    """Return the boxes of the sources and of the sinks that need a connector for a system."""
    named = {
        "source": select(SOURCES, lambda source: source.system == system),
        "sink": select(SINKS, lambda sink: sink.system == system),
    }
    return tuple({axis: values} for axis, values in named.items() if values)


EVERYWHERE: Boxes = ({},)
LOOKUP: Box = {"join": ("static_lookup",)}
STREAM_JOIN: Box = {"join": STREAM_JOINS}
DEDUPLICATED: Box = {"state": ("deduplicate",)}
CUSTOM: Box = {"state": ("custom",)}
DELTA: Boxes = (*find_users("delta"), LOOKUP)
KAFKA: Boxes = find_users("kafka")
ICEBERG: Boxes = find_users("iceberg")
POSTGRES: Boxes = find_users("postgres")
# What logs in to a server with a user or a credential.
LOGINS: Boxes = (*KAFKA, *POSTGRES, *ICEBERG)
# What imports pyarrow, to write the source's tables or to read the sink's files.
ARROW: Boxes = (
    {"source": select(SOURCES, lambda source: "pyarrow" in source.untyped)},
    {"sink": select(SINKS, lambda sink: "pyarrow" in sink.untyped)},
)
# Answers with late events: sessions drop them even in complete mode.
DROPS_LATE: Boxes = (
    {"window": WINDOWED, "output_mode": ("append", "update")},
    {"window": ("session",)},
    DEDUPLICATED,
    STREAM_JOIN,
    CUSTOM,
)
# Answers that drop a late event although its window can still be open.
DROPS_BEHIND: Boxes = (DEDUPLICATED, STREAM_JOIN, CUSTOM)
CONNECT: Boxes = ({"platform": ("databricks_serverless",)},)
ON_DATABRICKS: Boxes = ({"platform": DATABRICKS},)


def covered(boxes: Boxes, known: Answers) -> bool:
    """Return whether one of the boxes contains the answers, with `auto` resolved."""
    return any(inside(known, box) for box in boxes)
