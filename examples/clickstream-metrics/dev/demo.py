"""`make demo` of this project: what the report says, and what demo and report are made of."""

import sys

from stream_devkit import demo
from stream_devkit.events.generate import EventSpec
from stream_devkit.report import page

from clickstream_metrics import job as pipeline

from dev.feed import Feed
from dev.spec import INTERVAL, make_spec
from dev.target import Target
from tests.oracle import expected

NOT_EXERCISED = [
    "a cluster: driver and executors are one local process",
    "an encrypted or authenticated connection to Kafka",
    "crashes and restarts (tests/ kill the job for real)",
]


def make_words(spec: EventSpec) -> page.Words:
    """Return what the report says of this project."""
    return page.Words(
        title=pipeline.NAME,
        story=(
            f"The job ran for real on this machine, from {Feed.PLACE} to {Target.PLACE}. What had "
            "to come out was known: some events were made to come late, twice or broken."
        ),
        rows=(
            f"Each step is one window of {page.spoken(spec.step)}. It is "
            f"written once, when the watermark, {page.spoken(spec.delay)} behind the newest "
            "event, has passed its end."
        ),
        twice="Events that were sent twice count twice: this job removes no duplicates.",
    )


def main() -> int:
    """Run the demo; 0 if the result is exact."""
    return demo.run(
        demo.DemoSpec(
            pipeline,
            expected,
            Feed,
            Target,
            make_spec,
            make_words,
            INTERVAL,
            follows_time=True,
            places={
                "The computation": f"src/{pipeline.__package__}/transform.py",
                "What it is compared with": "tests/oracle.py",
            },
            not_exercised=NOT_EXERCISED,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
