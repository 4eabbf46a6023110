{% set job = cookiecutter | stream_plan %}
{% set mode = cookiecutter.output_mode %}
"""The event spec of this project, for the demo and the tests."""

{% if job.right %}
from dataclasses import replace
{% endif %}
{% if job.interval %}
from datetime import timedelta
{% endif %}
{% if job.right or job.interval %}

{% endif %}
from stream_devkit.events.generate import EventSpec
{% if job.windowed or job.watermark %}
from stream_runtime.config import to_timedelta
{% endif %}

from {{ cookiecutter.__package }} import schema
from {{ cookiecutter.__package }}.settings import Settings

from dev.producer import EventProducer
{% if job.interval %}

INTERVAL = timedelta(seconds={{ job.interval.shortest }})
"""`trigger.interval` in the demo and in the recovery tests: the job runs until it is stopped."""
{% endif %}


def make_spec({{ "settings" if job.windowed or job.watermark else "_" }}: Settings) -> EventSpec:
    """Return the event spec of this project."""
    event = schema.EVENT
{% if job.right %}
    spec = EventSpec(
{% else %}
    return EventSpec(
{% endif %}
        columns=event.columns,
        time=event.time,
        key=event.key,
        id=event.id,
        measure=next(iter(event.measures), None),
{% if job.custom %}
        step=to_timedelta(settings.visits.idle),
        pauses=True,
{% elif cookiecutter.window == "session" %}
        step=to_timedelta(settings.window.gap),
        pauses=True,
{% elif cookiecutter.window == "sliding" %}
        step=to_timedelta(settings.window.slide),
{% elif job.windowed %}
        step=to_timedelta(settings.window.duration),
{% endif %}
{% if job.watermark %}
        delay=to_timedelta(settings.watermark.delay),
{% endif %}
{% if mode == "complete" and job.drops_late and not job.deduplicates %}
        # Which events are late depends on the bounds of the batches.
        drops_late=False,
{% elif not job.drops_late %}
        drops_late=False,
{% endif %}
{% if job.keeps_late %}
        keeps_late=settings.quarantine.late,
{% endif %}
{% if not job.reports_duplicates %}
        duplicates=False,
{% elif job.drops_duplicates %}
        drops_duplicates=True,
{% endif %}
{% if not job.counts_state %}
        # After a restart Spark 4.0 counts timers as rows of state.
        counts_state=False,
{% endif %}
        result_key=schema.RESULT_KEY,
        typed=EventProducer.TYPED,
{% if job.paths %}
        paths=event.paths,
{% endif %}
    )
{% if job.right %}
    right = schema.RIGHT
    right_spec = replace(
        spec,
        columns=right.columns,
        time=right.time,
        key=right.key,
        id=right.id,
        measure=next(iter(right.measures), None),
{% if job.paths %}
        paths=right.paths,
{% endif %}
    )
    return replace(spec, right=right_spec)
{% endif %}
