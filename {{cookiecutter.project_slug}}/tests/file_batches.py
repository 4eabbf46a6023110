{% set job = cookiecutter | stream_plan %}
{% set right = job.right %}
{% set drives_the_job = job.sink.test_stream or not right %}
"""A stream of events from files; each file is one batch."""

from collections.abc import Sequence
from os import utime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from stream_devkit.samples import INGESTED{{ ", Event" if drives_the_job }}
from stream_runtime.records import envelope
{% if drives_the_job %}

from tests.events import {{ "raw, right_events, right_raw" if right else "raw" }}
{% endif %}


{% if drives_the_job and right %}
def send(folder: Path, number: int, events: Sequence[Event]) -> None:
    """Write the files of one batch: the events, and those of the right input that match them."""
    write(folder / "in", number, list(map(raw, events)))
    write(folder / "right", number, list(map(right_raw, right_events(events))))


def inputs(spark: SparkSession, folder: Path) -> list[DataFrame]:
    """Return the records of both inputs."""
    return [read(spark, folder / name) for name in ("in", "right")]


{% elif drives_the_job %}
def send(folder: Path, number: int, events: Sequence[Event]) -> None:
    """Write the file of one batch."""
    write(folder / "in", number, list(map(raw, events)))


def inputs(spark: SparkSession, folder: Path) -> list[DataFrame]:
    """Return the records of the input."""
    return [read(spark, folder / "in")]


{% endif %}
def write(folder: Path, number: int, records: Sequence[bytes]) -> None:
    """Write records into a file, one a line."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{number:03d}"
    file.write_bytes(b"".join(record + b"\n" for record in records))
    # Spark reads files in the order of their modification times.
    utime(file, (number, number))


def read(spark: SparkSession, folder: Path) -> DataFrame:
    """Return the lines of the files as a stream of envelopes, one file a batch."""
    reader = spark.readStream.format("text").option("maxFilesPerTrigger", 1)
    return reader.load(str(folder)).select(envelope(F.col("value"), F.lit(INGESTED), F.lit("test")))
