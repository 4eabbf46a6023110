{% set job = cookiecutter | stream_plan %}
{% set tells_repeats = not job.sink.is_log or job.windowed or job.drops_repeats or job.result_state != "appended" %}
{% set mode = cookiecutter.output_mode %}
"""What only this project can say of its demo: the shape of its events, and what to call things."""

{% if job.right %}
from dataclasses import replace
{% endif %}
{% if job.interval %}
from datetime import timedelta
{% endif %}
{% if job.right or job.interval %}

{% endif %}
{% if job.windowed or job.watermark %}
from stream_runtime.config import to_timedelta

{% endif %}
from {{ cookiecutter.__package }} import job as pipeline
{% if job.right %}
from {{ cookiecutter.__package }} import schema
{% endif %}
from {{ cookiecutter.__package }}.settings import Settings

from dev import report
from dev.events import Shape
from dev.feed import Feed
from dev.target import Target

{% if job.interval %}
INTERVAL: timedelta | None = timedelta(seconds={{ job.interval.shortest }})
"""`trigger.interval` on this machine: the job runs until it is stopped."""
{% else %}
INTERVAL = None
"""There is no `trigger.interval`: the job ends when it has read what there is."""
{% endif %}
FOLLOWS_TIME = {{ job.follows_time }}
"""Whether a batch without data follows the last one: it brings the state up to the watermark."""
NOT_EXERCISED = [
    "a cluster: driver and executors are one local process",
{% if job.kafka %}
    "an encrypted or authenticated connection to Kafka",
{% endif %}
    "crashes and restarts (tests/ kill the job for real)",
]


def shape_of({{ "settings" if job.windowed or job.watermark else "_" }}: Settings) -> Shape:
    """What the event generator has to know of this project."""
    event = pipeline.EVENT
{% if job.right %}
    shape = Shape(
{% else %}
    return Shape(
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
        # Which of them are too late depends on where one batch ends and the next begins.
        drops_late=False,
{% elif not job.drops_late %}
        drops_late=False,
{% endif %}
{% if not tells_repeats %}
        repeats=False,
{% elif job.drops_repeats %}
        drops_repeats=True,
{% endif %}
{% if not job.counts_state %}
        # After a restart Spark 4.0 counts timers as rows of state.
        counts_state=False,
{% endif %}
        typed=Feed.TYPED,
    )
{% if job.right %}
    right = schema.RIGHT
    partner = replace(
        shape,
        columns=right.columns,
        time=right.time,
        key=right.key,
        id=right.id,
        measure=next(iter(right.measures), None),
    )
    return replace(shape, right=partner)
{% endif %}


def words_for(shape: Shape) -> report.Words:
    """What the report says of this project."""
    return report.Words(
        title=pipeline.NAME,
        story=(
            f"The job ran for real on this machine, from {Feed.PLACE} to {Target.PLACE}. What had "
            "to come out was known: some events were made to come late, twice or broken."
        ),
{% if job.windowed %}
        rows=(
{% if cookiecutter.window == "session" %}
            "Each step holds the sessions that began in it, which end when their key is quiet for "
            f"{report.spoken(shape.step)}. A session is "
{% elif cookiecutter.window == "sliding" %}
            f"Each step is one window; a new one begins every {report.spoken(shape.step)}, and an "
            "event is in several. It is "
{% else %}
            f"Each step is one window of {report.spoken(shape.step)}. It is "
{% endif %}
{% if mode == "append" and job.right %}
            "written once, when no more pairs can come that are in it."
{% elif mode == "append" %}
            f"written once, when the watermark, {report.spoken(shape.delay)} behind the newest "
            "event, has passed its end."
{% elif mode == "update" %}
            f"written each time it changes, until the watermark, {report.spoken(shape.delay)} "
            "behind the newest event, has passed its end."
{% else %}
            "written anew after every batch, like all others."
{% endif %}
        ),
{% elif job.custom %}
        rows=(
            f"Each step is {report.spoken(shape.step)}. Each event is a row of the result once the "
            f"watermark, {report.spoken(shape.delay)} behind the newest event, has reached it."
        ),
{% elif cookiecutter.join == "stream_left" %}
        rows=(
            f"Each step is {report.spoken(shape.step)}; each event is a row of the result with "
            "each of its partners, or alone."
        ),
{% elif job.right %}
        rows=f"Each step is {report.spoken(shape.step)}; each pair is a row of the result.",
{% else %}
        rows=f"Each step is {report.spoken(shape.step)}; each event is a row of the result.",
{% endif %}
{% if job.deduplicates %}
        twice="Of events that were sent twice, only the first counts.",
{% elif job.right and job.result_state == "upserted" and not job.windowed %}
        twice="Of the rows for the same two ids the newest is kept.",
{% elif job.right %}
        twice="Events that were sent twice meet their partners twice.",
{% elif job.custom %}
        twice="An event that was sent twice is one event: it counts once.",
{% elif job.result_state == "upserted" and not job.windowed %}
        twice="Of the events with one id the newest is kept.",
{% elif not tells_repeats %}
        twice="No event is sent twice: in the topic it would look like one that is written twice.",
{% else %}
        twice="Events that were sent twice count twice: this job removes no duplicates.",
{% endif %}
    )
