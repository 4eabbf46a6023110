"""What only this project can say of its demo: the shape of its events, and what to call things."""

from datetime import timedelta

from stream_runtime.config import to_timedelta

from clickstream_metrics import job as pipeline
from clickstream_metrics.settings import Settings

from dev import report
from dev.events import Shape
from dev.feed import Feed
from dev.target import Target

INTERVAL: timedelta | None = timedelta(seconds=1)
"""`trigger.interval` on this machine: the job runs until it is stopped."""
FOLLOWS_TIME = True
"""Whether a batch without data follows the last one: it brings the state up to the watermark."""
NOT_EXERCISED = [
    "a cluster: driver and executors are one local process",
    "an encrypted or authenticated connection to Kafka",
    "crashes and restarts (tests/ kill the job for real)",
]


def shape_of(settings: Settings) -> Shape:
    """What the event generator has to know of this project."""
    event = pipeline.EVENT
    return Shape(
        columns=event.columns,
        time=event.time,
        key=event.key,
        id=event.id,
        measure=next(iter(event.measures), None),
        step=to_timedelta(settings.window.duration),
        delay=to_timedelta(settings.watermark.delay),
        typed=Feed.TYPED,
    )


def words_for(shape: Shape) -> report.Words:
    """What the report says of this project."""
    return report.Words(
        title=pipeline.NAME,
        story=(
            f"The job ran for real on this machine, from {Feed.PLACE} to {Target.PLACE}. What had "
            "to come out was known: some events were made to come late, twice or broken."
        ),
        rows=(
            f"Each step is one window of {report.spoken(shape.step)}. It is "
            f"written once, when the watermark, {report.spoken(shape.delay)} behind the newest "
            "event, has passed its end."
        ),
        twice="Events that were sent twice count twice: this job removes no duplicates.",
    )
