"""The transformation: events in, result rows out. No session, no files, no clock."""

from pyspark.sql import Column, DataFrame
from stream_runtime.names import quote

from . import schema
from .settings import Settings
from .window import aggregate, last_end


def transform(events: DataFrame, settings: Settings) -> DataFrame:
    """Return the rows of the result.

    In: the columns of schema.py. Out: those of window.py.
    """
    events = events.withWatermark(quote(schema.EVENT_TIME), settings.watermark.delay)
    return aggregate(events, settings.window)


def late_from(time: Column, settings: Settings) -> Column:
    """Return the watermark from which on Spark drops an event of this time as late.

    It is the end of its window. Quarantine has late events by this rule:
    change it together with `transform`.
    """
    return last_end(time, settings.window)
