{% set how = cookiecutter.join.removeprefix("stream_") %}
{% if how == "left" %}
"""The left stream join: each event with the right events of its key that follow soon, or alone."""
{% else %}
"""The stream join: each event with the right events of its key that follow soon."""
{% endif %}

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from stream_runtime.config import Duration, Table
from stream_runtime.names import quote

from . import schema


class Join(Table):
    """The table `[join]` in conf/*.toml."""

    within: Duration = "5 minutes"
    """The longest time from an event to a matching event of the right input."""


def join(events: DataFrame, right: DataFrame, settings: Join) -> DataFrame:
{% if how == "left" %}
    """Return one row per pair of matching events, and one per event without a match.
{% else %}
    """Return one row per pair of matching events.
{% endif %}

    In: the columns of schema.py, each input with its watermark. Out: the columns of the
    event, and those of the right event under RIGHT_NAMES{{ ", null without a match" if how == "left" }}.

    - A right event matches if it has the same key, and the same time or up to `within` later.
    - There is one watermark: that of the input whose newest event is older. An event of either
      input is late, and dropped, if it is not after the watermark of the previous batch.
    - The state keeps an event until the watermark is more than `within` past it, and a right
      event until the watermark is past it: after that, no match can arrive.
{% if how == "left" %}
    - At that time an event without a match is written, alone and once.
    - A silent input stops the watermark: pairs are still written, but the state of the other
      input grows, and no event is written alone, until new events arrive.
{% else %}
    - A silent input stops the watermark: pairs are still written, but the state of the other
      input grows until new events arrive.
{% endif %}
    """
    key = quote(schema.RIGHT_KEY)
    right_events = right.select(
        key, *(F.col(quote(name)).alias(new) for name, new in schema.RIGHT_NAMES.items())
    )
    time = F.col(quote(schema.EVENT_TIME))
    latest = time + F.expr(f"INTERVAL {settings.within}")
    soon = F.col(quote(schema.RIGHT_NAMES[schema.RIGHT.time])).between(time, latest)
    same_key = events[quote(schema.KEY)] == right_events[key]
    return events.join(right_events, same_key & soon, "{{ how }}").drop(right_events[key])
