{% if how == "left" %}
"""The second input: events, each with every event of its key that follows soon, or alone."""
{% else %}
"""The second input: events, each with every event of its key that follows soon."""
{% endif %}

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from . import schema
from .runtime.config import Duration, Table
from .runtime.names import quote


class Join(Table):
    """The table `[join]` in conf/*.toml."""

    within: Duration = "5 minutes"
    """How long after an event one of the right input may have happened to be its partner."""


def join(events: DataFrame, right: DataFrame, settings: Join) -> DataFrame:
{% if how == "left" %}
    """A row for each event and each of its partners, and one for an event that has none.
{% else %}
    """A row for each event and each of its partners.
{% endif %}

    In: the columns of schema.py, each input with its watermark. Out: the columns of an event,
    and those of its partner as RIGHT_NAMES calls them{{ ", null where it has none" if how == "left" }}.

    - A partner has the same key, and happened with the event or up to `within` after it.
    - There is one watermark: that of the input whose newest event is older. An event, of either
      input, is late when it is not after the watermark of the batch before, and then dropped.
    - The state holds an event until the watermark is more than `within` past it, and one of the
      right input until the watermark is past it: no partner in time can come then.
{% if how == "left" %}
    - That is also when an event that met none comes out, alone: once, and never before.
    - An input that is silent holds the watermark back: pairs still come out, but the state of
      the other grows, and no event comes out alone, until it speaks again.
{% else %}
    - An input that is silent holds the watermark back: pairs still come out, but the state of
      the other grows until it speaks again.
{% endif %}
    """
    key = quote(schema.RIGHT_KEY)
    partner = right.select(
        key, *(F.col(quote(name)).alias(new) for name, new in schema.RIGHT_NAMES.items())
    )
    time = F.col(quote(schema.EVENT_TIME))
    latest = time + F.expr(f"INTERVAL {settings.within}")
    soon = F.col(quote(schema.RIGHT_NAMES[schema.RIGHT.time])).between(time, latest)
    same_key = events[quote(schema.KEY)] == partner[key]
    return events.join(partner, same_key & soon, "{{ how }}").drop(partner[key])
