"""What Spark does with a stream, in plain Python: the part of a test oracle that projects share.

A project's tests/oracle.py says what one row of its result is, and calls these functions.
"""

from stream_devkit.reconciliation import Result, Row

from .events import Batch, Batches, Event, Stream, deduplicate, order, read
from .join import join
from .lookup import look_up
from .results import Window, aggregate_sessions, aggregate_windows, collect

__all__ = [
    "Batch",
    "Batches",
    "Event",
    "Result",
    "Row",
    "Stream",
    "Window",
    "aggregate_sessions",
    "aggregate_windows",
    "collect",
    "deduplicate",
    "join",
    "look_up",
    "order",
    "read",
]
