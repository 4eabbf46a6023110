"""The event spec of this project, for the demo and the tests."""

from datetime import timedelta

from stream_devkit.events.generate import EventSpec
from stream_runtime.config import to_timedelta

from clickstream_metrics import schema
from clickstream_metrics.settings import Settings

from dev.producer import EventProducer

INTERVAL = timedelta(seconds=1)
"""`trigger.interval` in the demo and in the recovery tests: the job runs until it is stopped."""


def make_spec(settings: Settings) -> EventSpec:
    """Return the event spec of this project."""
    event = schema.EVENT
    return EventSpec(
        columns=event.columns,
        time=event.time,
        key=event.key,
        id=event.id,
        measure=next(iter(event.measures), None),
        step=to_timedelta(settings.window.duration),
        delay=to_timedelta(settings.watermark.delay),
        keeps_late=settings.quarantine.late,
        result_key=schema.RESULT_KEY,
        typed=EventProducer.TYPED,
    )
