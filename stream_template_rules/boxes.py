"""Boxes that several tables use: answers that need the same server, jar, file or state."""

from .axes import AXES, Answers, Box, inside
from .rules import DATABRICKS, STREAM_JOINS

Boxes = tuple[Box, ...]

EVERYWHERE: Boxes = ({},)
LOOKUP: Box = {"join": ("static_lookup",)}
STREAM_JOIN: Box = {"join": STREAM_JOINS}
DEDUPLICATED: Box = {"state": ("deduplicate",)}
CUSTOM: Box = {"state": ("custom",)}
DELTA: Boxes = ({"source": ("delta",)}, {"sink": ("delta", "delta_merge")}, LOOKUP)
KAFKA: Boxes = ({"source": ("kafka",)}, {"sink": ("kafka",)})
POSTGRES: Boxes = ({"sink": ("jdbc",)},)
PARQUET: Boxes = ({"sink": ("files",)},)
CONNECT: Boxes = ({"platform": ("databricks_serverless",)},)
ON_DATABRICKS: Boxes = ({"platform": DATABRICKS},)


def others(axis: str, *values: str) -> tuple[str, ...]:
    """Return the values of the axis except these."""
    return tuple(value for value in AXES[axis] if value not in values)


def covered(boxes: Boxes, known: Answers) -> bool:
    """Return whether one of the boxes contains the answers, with `auto` resolved."""
    return any(inside(known, box) for box in boxes)
