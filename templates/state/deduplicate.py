"""What the job remembers: the ids of the events it has seen, to drop those that come again."""

from pyspark.sql import DataFrame

from . import schema


def drop_repeats(events: DataFrame) -> DataFrame:
    """The first event of each id; in a batch with several of one id, that is any one of them.

    In: a stream with the columns of schema.py and a watermark. Out: the same.

    - An id is remembered until the watermark is `watermark.delay` past its event. So the state
      is bounded: a row for each id of about the last two delays of event time.
    - An event that comes again as it was is never let through: while its id is remembered it is
      a repeat, and after that it is late.
    - An id that comes again with a later time is a repeat while it is remembered, and a new
      event after that.
    - An event is late, and dropped here, when its time is not after the watermark of the batch
      before. A window behind never finds one late: what would still have been in time for an
      open window is dropped as well.
    """
    return events.dropDuplicatesWithinWatermark([schema.EVENT_ID])
