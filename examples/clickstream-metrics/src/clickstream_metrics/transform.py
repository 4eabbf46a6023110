"""The transformation: events in, result rows out. No session, no files, no clock."""

from pyspark.sql import DataFrame
from stream_runtime.names import quote

from . import schema
from .settings import Settings
from .window import aggregate


def transform(events: DataFrame, settings: Settings) -> DataFrame:
    """Return the rows of the result.

    In: the columns of schema.py. Out: those of window.py.
    """
    events = events.withWatermark(quote(schema.EVENT_TIME), settings.watermark.delay)
    return aggregate(events, settings.window)
