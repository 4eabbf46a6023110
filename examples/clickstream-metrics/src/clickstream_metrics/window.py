"""The windowed aggregation: tumbling windows, fixed and without overlap."""

from datetime import timedelta
from typing import Self

from pydantic import model_validator
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from stream_runtime.config import Duration, DurationOrZero, Table, to_timedelta
from stream_runtime.names import OWN, quote

from . import schema

WINDOW = f"{OWN}window"
MICROSECOND = timedelta(microseconds=1)


class Window(Table):
    """The table `[window]` in conf/*.toml."""

    duration: Duration = "5 minutes"
    offset: DurationOrZero = "0 seconds"
    """How much later a window begins than at a multiple of `duration` since 1970 UTC."""

    @model_validator(mode="after")
    def _has_a_short_offset(self) -> Self:
        if to_timedelta(self.offset) >= to_timedelta(self.duration):
            message = "offset must be shorter than duration: windows repeat after that time"
            raise ValueError(message)
        return self


def find_end(time: Column, window: Window) -> Column:
    """Return the end of the window with an event of this time."""
    size = to_timedelta(window.duration) // MICROSECOND
    offset = to_timedelta(window.offset) // MICROSECOND
    micros = F.unix_micros(time)
    return F.timestamp_micros(micros - F.pmod(micros - offset, F.lit(size)) + size)


def aggregate(events: DataFrame, window: Window) -> DataFrame:
    """Return one row per window and key with events.

    Out: `window_start`, `window_end` (inclusive and exclusive), the key,
    `event_count` BIGINT, and `total_<measure>` for each measure. A null measure counts as 0. The
    total is null if the sum overflows its type, because an error would stop the stream.
    """
    time = quote(schema.EVENT_TIME)
    window_of = F.window(time, window.duration, startTime=window.offset)
    totals = [
        F.try_sum(F.coalesce(quote(measure), F.lit(0))).alias(f"total_{measure}")
        for measure in schema.MEASURES
    ]
    return (
        events.groupBy(window_of.alias(WINDOW), quote(schema.KEY))
        .agg(F.count("*").alias("event_count"), *totals)
        .select(
            F.col(f"{WINDOW}.start").alias("window_start"),
            F.col(f"{WINDOW}.end").alias("window_end"),
            quote(schema.KEY),
            "event_count",
            *(quote(f"total_{measure}") for measure in schema.MEASURES),
        )
    )
