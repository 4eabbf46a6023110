{% set job = cookiecutter | stream_plan %}
{% set mode = cookiecutter.output_mode %}
{% set newest = "the target keeps the newest" if job.sink.replaces_rows else "a reader keeps the newest: the target has all" %}
"""`make demo` of this project: the parts of the demo and the texts of its report."""

import sys

from stream_devkit import demo
from stream_devkit.events.generate import EventSpec
from stream_devkit.report import page

from {{ cookiecutter.__package }}.job import JOB

from dev.producer import EventProducer
from dev.spec import {{ "INTERVAL, " if job.interval }}make_spec
from dev.target import Target
from tests.oracle import expected

NOT_EXERCISED = [
    "a cluster: driver and executors are one local process",
{% if job.kafka %}
    "an encrypted or authenticated connection to Kafka",
{% endif %}
    "crashes and restarts (tests/ kill the job for real)",
]


def make_words(spec: EventSpec) -> page.Words:
    """Return the texts of the report."""
    return page.Words(
        title=JOB.name,
        source=EventProducer.PLACE,
        target=Target.PLACE,
{% if job.watermark or job.windowed or job.lookup %}
        steps=[
{% if job.deduplicates %}
            page.Step("Deduplicate", "by id, within the watermark's delay"),
{% elif job.right %}
            page.Step("{{ "Left join" if cookiecutter.join == "stream_left" else "Inner join" }}", "by key, within a time bound", derives=True),
{% elif job.custom %}
            page.Step("Visits", "own state for each key"),
{% endif %}
{% if cookiecutter.window == "session" %}
            page.Step("Session windows", f"gap of {page.spoken(spec.step)}"),
{% elif cookiecutter.window == "sliding" %}
            page.Step("Sliding windows", f"one every {page.spoken(spec.step)}", derives=True),
{% elif job.windowed %}
            page.Step("Tumbling windows", f"of {page.spoken(spec.step)}"),
{% endif %}
{% if job.lookup %}
            page.Step("Lookup", "from the reference table", has_state=False),
{% endif %}
        ],
{% else %}
        steps=[],
{% endif %}
{% if job.windowed %}
        rows=(
{% if cookiecutter.window == "session" %}
            "Each step shows the sessions that start in it. A session ends when its key has no "
            f"event for {page.spoken(spec.step)}. It is "
{% elif cookiecutter.window == "sliding" %}
            f"Each step is one window; a new one starts every {page.spoken(spec.step)}, so an "
            "event is in several windows. A window is "
{% else %}
            f"Each step is one window of {page.spoken(spec.step)}. It is "
{% endif %}
{% if mode == "append" and job.right %}
            "written once, when no more pairs can belong to it."
{% elif mode == "append" %}
            f"written once, when the watermark, {page.spoken(spec.delay)} behind the newest "
            "event, has passed its end."
{% elif mode == "update" %}
            f"written each time it changes, until the watermark, {page.spoken(spec.delay)} "
            "behind the newest event, has passed its end."
{% else %}
            "written again after each batch, like all other rows."
{% endif %}
        ),
{% elif job.custom %}
        rows=(
            f"Each step is {page.spoken(spec.step)}. Each event is a row of the result once the "
            f"watermark, {page.spoken(spec.delay)} behind the newest event, has reached it."
        ),
{% elif cookiecutter.join == "stream_left" %}
        rows=(
            f"Each step is {page.spoken(spec.step)}; each pair is a row of the result, and so is "
            "each event without a match."
        ),
{% elif job.right %}
        rows=f"Each step is {page.spoken(spec.step)}; each pair is a row of the result.",
{% else %}
        rows=f"Each step is {page.spoken(spec.step)}; each event is a row of the result.",
{% endif %}
{% if job.deduplicates %}
        twice="Of events that are sent twice, only the first counts.",
{% elif job.right and job.write_disposition == "merge" and not job.windowed %}
        twice="Of the rows with the same two ids, {{ newest }}.",
{% elif job.right %}
        twice="Events that are sent twice are joined twice.",
{% elif job.custom %}
        twice="An event that is sent twice counts once.",
{% elif job.write_disposition == "merge" and not job.windowed %}
        twice="Of the events with the same id, {{ newest }}.",
{% elif not job.reports_duplicates %}
        twice=(
            "The demo sends no event twice: in the topic, its rows would look like one row that is "
            "written twice."
        ),
{% else %}
        twice="Events that are sent twice count twice: this job does not drop duplicates.",
{% endif %}
    )


DEMO = demo.DemoSpec(
    JOB,
    expected,
    EventProducer,
    Target,
    make_spec,
    make_words,
    follows_time={{ job.follows_time }},
    has_servers={{ job.kafka or job.postgres }},
    places={
        "Transform": f"src/{JOB.package}/transform.py",
        "Test oracle": "tests/oracle.py",
    },
    not_exercised=NOT_EXERCISED,
{% if job.interval %}
    interval=INTERVAL,
{% endif %}
)

if __name__ == "__main__":
    sys.exit(demo.run(DEMO))
