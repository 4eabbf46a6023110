"""A small pipeline for the tests of the runtime: its columns, its settings and its records."""

from functools import partial
from pathlib import Path

from stream_devkit.samples import make_event
from stream_runtime import config
from stream_runtime.job import StreamJob
from stream_runtime.kafka import Kafka
from stream_runtime.records import EventSchema, select_valid
from stream_runtime.settings import RuntimeSettings
from stream_runtime.systems import StreamSink, StreamSource

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

event = partial(make_event, EVENT)


class Source(Kafka, StreamSource):
    """A Kafka topic that nobody reads."""

    KIND = "kafka"

    def source_id(self):
        """Return the address of the brokers."""
        return self.bootstrap_servers

    def read(self, spark):
        """Fail: no test reads it."""
        raise NotImplementedError


class Sink(StreamSink):
    """A sink that nobody writes to."""

    KIND = "nothing"

    def write(self, rows, checkpoint_id):
        """Fail: no test writes to it."""
        raise NotImplementedError


class Settings(RuntimeSettings):
    """The tables of every job."""

    source: Source
    sink: Sink = Sink()


def result(inputs, settings):
    """Return the valid events."""
    (envelopes,) = inputs
    return select_valid(envelopes, EVENT, settings.events)


JOB = StreamJob(
    name="sample",
    guarantee="At least once",
    settings=Settings,
    inputs=(EVENT,),
    result_key=(),
    output_mode="append",
    write_disposition="append",
    trigger="available_now",
    read=lambda spark, settings: [settings.source.read(spark)],
    result=result,
    write=lambda rows, settings, checkpoint_id: settings.sink.write(rows, checkpoint_id),
)


def load(*overrides, env="dev"):
    """Load the settings of an environment."""
    return config.load(Settings, env, overrides, conf=CONF)
