"""Deduplication by event id."""

from pyspark.sql import DataFrame

from . import schema


def drop_duplicates(events: DataFrame) -> DataFrame:
    """Return the first event of each id; of several in one batch, Spark chooses one.

    In: a stream with the columns of schema.py and a watermark. Out: the same.

    - The state retains an id until the watermark is `watermark.delay` past its event. So the state
      is limited: one row per id of about the last two delays of event time.
    - A second, equal event never passes: while its id is retained it is a duplicate, and after
      that it is late.
    - A second event with the same id and a later time is a duplicate while the id is retained,
      and a new event after that.
    - An event is late, and dropped here, if its time is not after the watermark of the previous
      batch. This also drops late events whose window is still open.
    """
    return events.dropDuplicatesWithinWatermark([schema.EVENT_ID])
