{% set sliding = cookiecutter.window == "sliding" %}
{% set session = cookiecutter.window == "session" %}
{% set job = cookiecutter | stream_plan %}
{% set keys = job.key_columns %}
{% set quoted = "*map(quote, schema.KEYS)" if job.several_keys else "quote(schema.KEY)" %}
{% set the_key = "KEYS" if job.several_keys else "the key" %}
{% set finds_late = job.drops_closed and job.keeps_late %}
{% set is_aligned = finds_late and not session %}
{% set step = "slide" if sliding else "duration" %}
{% if sliding %}
"""The windowed aggregation: sliding windows, which overlap."""
{% elif session %}
"""The windowed aggregation: session windows, which end after a gap without events of a key."""
{% else %}
"""The windowed aggregation: tumbling windows, fixed and without overlap."""
{% endif %}

{% if is_aligned %}
from datetime import timedelta
{% endif %}
{% if not session %}
from typing import Self

from pydantic import model_validator
{% endif %}
from pyspark.sql import {{ "Column, " if finds_late }}DataFrame
from pyspark.sql import functions as F
{% if session %}
from stream_runtime.config import Duration, Table
{% else %}
from stream_runtime.config import Duration, DurationOrZero, Table, to_timedelta
{% endif %}
from stream_runtime.names import OWN, quote

from . import schema

WINDOW = f"{OWN}window"
{% if is_aligned %}
MICROSECOND = timedelta(microseconds=1)
{% endif %}


class Window(Table):
    """The table `[window]` in conf/*.toml."""

{% if session %}
    gap: Duration = "10 minutes"
    """The time from the last event of a session to its end."""
{% elif sliding %}
    duration: Duration = "10 minutes"
    slide: Duration = "5 minutes"
    """The time from the start of a window to the start of the next one."""
    offset: DurationOrZero = "0 seconds"
    """How much later a window begins than at a multiple of `slide` since 1970 UTC."""

    @model_validator(mode="after")
    def _without_gaps(self) -> Self:
        if to_timedelta(self.slide) > to_timedelta(self.duration):
            message = "slide is longer than duration, so some events would be in no window"
            raise ValueError(message)
        return self
{% else %}
    duration: Duration = "5 minutes"
    offset: DurationOrZero = "0 seconds"
    """How much later a window begins than at a multiple of `duration` since 1970 UTC."""
{% endif %}
{% if not session %}

    @model_validator(mode="after")
    def _has_a_short_offset(self) -> Self:
        if to_timedelta(self.offset) >= to_timedelta(self.{{ step }}):
            message = "offset must be shorter than {{ step }}: windows repeat after that time"
            raise ValueError(message)
        return self
{% endif %}


{% if finds_late %}
def find_end(time: Column, window: Window) -> Column:
{% if session %}
    """Return the end of a session that has only an event of this time."""
    return time + F.expr(f"INTERVAL {window.gap}")
{% else %}
    """Return the end of the {{ "last window" if sliding else "window" }} with an event of this time."""
{% if sliding %}
    step = to_timedelta(window.slide) // MICROSECOND
{% endif %}
    size = to_timedelta(window.duration) // MICROSECOND
    offset = to_timedelta(window.offset) // MICROSECOND
    micros = F.unix_micros(time)
    return F.timestamp_micros(micros - F.pmod(micros - offset, F.lit({{ "step" if sliding else "size" }})) + size)
{% endif %}


{% endif %}
def aggregate(events: DataFrame, window: Window) -> DataFrame:
{% if session %}
    """Return one row per session and key; events at most `gap` apart are in one session.

    Out: `window_start` (of its first event), `window_end` (`gap` after its last), {{ the_key }},
{% elif sliding %}
    """Return one row per window{{ " and key" if keys }} with events; an event is in several windows.

    Out: `window_start`, `window_end` (inclusive and exclusive),{{ " " ~ the_key ~ "," if keys }}
{% else %}
    """Return one row per window{{ " and key" if keys }} with events.

    Out: `window_start`, `window_end` (inclusive and exclusive),{{ " " ~ the_key ~ "," if keys }}
{% endif %}
    `event_count` BIGINT, and `total_<measure>` for each measure. A null measure counts as 0. The
    total is null if the sum overflows its type, because an error would stop the stream.
    """
    time = quote(schema.EVENT_TIME)
{% if session %}
    window_of = F.session_window(time, window.gap)
{% elif sliding %}
    window_of = F.window(time, window.duration, window.slide, window.offset)
{% else %}
    window_of = F.window(time, window.duration, startTime=window.offset)
{% endif %}
    totals = [
        F.try_sum(F.coalesce(quote(measure), F.lit(0))).alias(f"total_{measure}")
        for measure in schema.MEASURES
    ]
    return (
        events.groupBy(window_of.alias(WINDOW){{ ", " ~ quoted if keys }})
        .agg(F.count("*").alias("event_count"), *totals)
        .select(
            F.col(f"{WINDOW}.start").alias("window_start"),
            F.col(f"{WINDOW}.end").alias("window_end"),
{% if keys %}
            {{ quoted }},
{% endif %}
            "event_count",
            *(quote(f"total_{measure}") for measure in schema.MEASURES),
        )
    )
