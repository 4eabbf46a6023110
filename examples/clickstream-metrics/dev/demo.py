"""`make demo` of this project: the parts of the demo and the texts of its report."""

import sys

from stream_devkit import demo
from stream_devkit.events.generate import EventSpec
from stream_devkit.report import page

from clickstream_metrics.job import JOB

from dev.producer import EventProducer
from dev.spec import INTERVAL, make_spec
from dev.target import Target
from tests.oracle import expected

NOT_EXERCISED = [
    "a cluster: driver and executors are one local process",
    "an encrypted or authenticated connection to Kafka",
    "crashes and restarts (tests/ kill the job for real)",
]


def make_words(spec: EventSpec) -> page.Words:
    """Return the texts of the report."""
    return page.Words(
        title=JOB.name,
        source=EventProducer.PLACE,
        target=Target.PLACE,
        steps=[
            page.Step("Tumbling windows", f"of {page.spoken(spec.step)}"),
        ],
        rows=(
            f"Each step is one window of {page.spoken(spec.step)}. It is "
            f"written once, when the watermark, {page.spoken(spec.delay)} behind the newest "
            "event, has passed its end."
        ),
        twice="Events that are sent twice count twice: this job does not drop duplicates.",
    )


DEMO = demo.DemoSpec(
    JOB,
    expected,
    EventProducer,
    Target,
    make_spec,
    make_words,
    follows_time=True,
    has_servers=True,
    places={
        "Transform": f"src/{JOB.package}/transform.py",
        "Test oracle": "tests/oracle.py",
    },
    not_exercised=NOT_EXERCISED,
    interval=INTERVAL,
)

if __name__ == "__main__":
    sys.exit(demo.run(DEMO))
