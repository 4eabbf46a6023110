"""A small pipeline for the tests of the runtime: its columns, its settings and its records."""

from functools import partial
from pathlib import Path

from stream_devkit.samples import make_event
from stream_runtime import config
from stream_runtime.kafka import Kafka
from stream_runtime.records import EventSchema
from stream_runtime.settings import RuntimeSettings

CONF = Path(__file__).with_name("conf")
EVENT = EventSchema(
    columns={
        "event_id": "STRING",
        "event_time": "TIMESTAMP",
        "event_type": "STRING",
        "user_id": "BIGINT",
        "amount": "DOUBLE",
    },
    id="event_id",
    time="event_time",
    key="event_type",
    measures=("amount",),
)

# The names that the command line asks of the module job.py of a pipeline.
NAME, GUARANTEE = "sample", "At least once"
INPUTS = (EVENT,)

event = partial(make_event, EVENT)


class SETTINGS(RuntimeSettings):
    """The tables of every job, and a source."""

    source: Kafka


def load(*overrides, env="dev"):
    """Load the settings of an environment."""
    return config.load(SETTINGS, env, overrides, conf=CONF)
