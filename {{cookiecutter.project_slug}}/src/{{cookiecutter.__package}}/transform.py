{% set job = cookiecutter | stream_plan %}
"""The transformation: events in, result rows out. No session, no files, no clock."""

from pyspark.sql import DataFrame
from stream_runtime.names import quote

from . import schema
{% if job.deduplicates %}
from .deduplicate import drop_duplicates
{% endif %}
{% if job.right %}
from .join import join
{% elif job.lookup %}
from .lookup import enrich
{% endif %}
from .settings import Settings
{% if job.custom %}
from .visit_state import number_visits
{% endif %}
{% if job.windowed %}
from .window import aggregate
{% endif %}


{% if job.right %}
def transform(events: DataFrame, right: DataFrame, settings: Settings) -> DataFrame:
{% elif job.lookup %}
def transform(events: DataFrame, reference: DataFrame, settings: Settings) -> DataFrame:
{% else %}
def transform(events: DataFrame, settings: Settings) -> DataFrame:
{% endif %}
    """Return the rows of the result.

{% if job.right and job.windowed %}
    In: the columns of schema.py, of each input. Out: those of window.py.
{% elif job.right %}
    In: the columns of schema.py, of each input. Out: those of join.py.
{% elif job.windowed and job.lookup %}
    In: the columns of schema.py, and those of lookup.py. Out: those of window.py, with the label.
{% elif job.lookup %}
    In: the columns of schema.py, and those of lookup.py. Out: one row per event, with its label.
{% elif job.windowed %}
    In: the columns of schema.py. Out: those of window.py.
{% elif job.deduplicates %}
    In: the columns of schema.py. Out: the same, one row per event without duplicates.
{% elif job.custom %}
    In: the columns of schema.py. Out: those of visit_state.py, one row per event.
{% else %}
    In: the columns of schema.py. Out: the same, one row per event.
{% endif %}
    """
{% if job.watermark %}
    events = events.withWatermark(quote(schema.EVENT_TIME), settings.watermark.delay)
{% endif %}
{% if job.deduplicates %}
    events = drop_duplicates(events)
{% endif %}
{% if job.right %}
    right = right.withWatermark(quote(schema.RIGHT.time), settings.watermark.delay)
{% endif %}
{% if job.right and job.windowed %}
    return aggregate(join(events, right, settings.join), settings.window)
{% elif job.right %}
    return join(events, right, settings.join)
{% elif job.windowed and job.lookup %}
    return enrich(aggregate(events, settings.window), reference)
{% elif job.windowed %}
    return aggregate(events, settings.window)
{% elif job.custom and job.lookup %}
    return enrich(number_visits(events, settings.visits), reference)
{% elif job.custom %}
    return number_visits(events, settings.visits)
{% elif job.lookup %}
    return enrich(events.select(*map(quote, schema.COLUMNS)), reference)
{% else %}
    return events.select(*map(quote, schema.COLUMNS))
{% endif %}
