{% set sliding = cookiecutter.window == "sliding" %}
{% set session = cookiecutter.window == "session" %}
{% if sliding %}
"""Over what time events are summed up: sliding windows, each begins before the last one ends."""
{% elif session %}
"""Over what time events are summed up: sessions, which end when a key is quiet."""
{% else %}
"""Over what time events are summed up: tumbling windows, one after the other."""
{% endif %}

{% if sliding %}
from typing import Self

from pydantic import model_validator
{% endif %}
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from . import schema
{% if sliding %}
from .runtime.config import Duration, Table, to_timedelta
{% else %}
from .runtime.config import Duration, Table
{% endif %}
from .runtime.names import OWN, quote

WINDOW = f"{OWN}window"


class Window(Table):
    """The table `[window]` in conf/*.toml."""

{% if session %}
    gap: Duration = "10 minutes"
    """A session ends so long after its last event."""
{% elif sliding %}
    duration: Duration = "10 minutes"
    slide: Duration = "5 minutes"
    """From the start of one window to that of the next."""

    @model_validator(mode="after")
    def _without_gaps(self) -> Self:
        if to_timedelta(self.slide) > to_timedelta(self.duration):
            message = "slide is longer than duration, so some events would be in no window"
            raise ValueError(message)
        return self
{% else %}
    duration: Duration = "5 minutes"
{% endif %}


def aggregate(events: DataFrame, window: Window) -> DataFrame:
{% if session %}
    """One row for each session of a key; events less than `gap` apart are of one session.

    Out: `window_start` (of its first event), `window_end` (`gap` after its last), the key,
{% elif sliding %}
    """One row for each window and key that has events; an event is in several windows.

    Out: `window_start`, `window_end` (its first instant and the first after it), the key,
{% else %}
    """One row for each window and key that has events.

    Out: `window_start`, `window_end` (its first instant and the first after it), the key,
{% endif %}
    `event_count` BIGINT, and `total_<measure>` for each measure, to which an event without one
    adds nothing; it is null where the sum overflows its type, which must not stop the stream.
    """
    time = quote(schema.EVENT_TIME)
{% if session %}
    window_of = F.session_window(time, window.gap)
{% elif sliding %}
    window_of = F.window(time, window.duration, window.slide)
{% else %}
    window_of = F.window(time, window.duration)
{% endif %}
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
