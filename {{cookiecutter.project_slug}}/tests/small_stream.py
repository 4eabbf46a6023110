"""The project's sink behind a small stream: files of messages in, one a batch."""

import sys
import time
from collections.abc import Callable
from os import utime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from {{ cookiecutter.__package }} import job, sink
from {{ cookiecutter.__package }}.runtime import session
from {{ cookiecutter.__package }}.settings import Settings

from dev.process import Process
from tests.events import INGESTED, Event, raw

SLOWLY = "reflect('java.lang.Thread', 'sleep', 1000L) IS NOT NULL"
SECONDS = 120
EPOCH = "epoch"


class SmallStream:
    """One stream on a checkpoint of its own; it can be run, replayed and killed."""

    def __init__(self, spark: SparkSession, settings: Settings, folder: Path) -> None:
        self.spark, self.settings, self.folder = spark, settings, folder
        self.checkpoint = folder / "stream"
        self.events: list[list[Event]] = []
        """What was sent, by batch."""

    def send(self, *events: Event) -> None:
        """Write a file, which one batch will read."""
        source = self.folder / "in"
        source.mkdir(exist_ok=True)
        text = b"".join(raw(event) + b"\n" for event in events)
        file = source / f"{len(self.events):03d}"
        file.write_bytes(text)
        # Spark takes files in the order of their modification times.
        utime(file, (len(self.events), len(self.events)))
        self.events.append(list(events))

    def rows(self) -> DataFrame:
        """The result's rows as a stream."""
        reader = self.spark.readStream.option("maxFilesPerTrigger", 1)
        texts = reader.text(str(self.folder / "in")).select(F.col("value").cast("binary"))
        envelopes = texts.select(
            F.col("value").alias("raw"),
            F.lit(None).cast("binary").alias("key"),
            F.lit(None).cast("array<struct<key: string, value: binary>>").alias("headers"),
            F.lit(INGESTED).alias("ingest_time"),
            F.lit("test").alias("origin"),
        )
        return job.result(envelopes, self.settings)

    def run(self, *, slowly: bool = False) -> None:
        """Write all batches that are due, and the one that closes windows."""
        rows = self.rows()
        sink.prepare(self.spark, rows, self.settings.sink, EPOCH)
        writer = job.write(rows.where(SLOWLY) if slowly else rows, self.settings, EPOCH)
        located = writer.option("checkpointLocation", str(self.checkpoint))
        located.trigger(availableNow=True).start().awaitTermination()

    def kill_when(self, reached: Callable[[], bool]) -> None:
        """Run it as a process, a second a row, and kill that once something is reached."""
        settings = self.settings.model_dump_json()
        command = [sys.executable, "-m", __name__, str(self.folder), settings]
        process = Process(command, self.folder / "killed.log")
        deadline = time.monotonic() + SECONDS
        try:
            while not reached():
                assert process.exit_code is None, process.last_lines()
                assert time.monotonic() < deadline, process.last_lines()
                time.sleep(0.1)
        finally:
            process.kill()

    def planned(self, batch: int) -> bool:
        """Whether Spark has begun a batch."""
        return (self.checkpoint / "offsets" / f"{batch}").exists()

    def forget_commit(self) -> None:
        """Leave what a driver leaves that dies between the sink's commit and Spark's own."""
        commits = self.checkpoint / "commits"
        last = max(int(path.name) for path in commits.iterdir() if path.name.isdigit())
        (commits / f"{last}").unlink()
        # With a stale checksum Spark would take the rewritten file for another driver's.
        (commits / f".{last}.crc").unlink()


def main(folder: str, settings: str) -> None:
    """Run the small stream of a folder slowly, to be killed."""
    loaded = Settings.model_validate_json(settings)
    spark = session.build("to be killed", loaded.session, loaded.state, job.SPARK_CONF)
    SmallStream(spark, loaded, Path(folder)).run(slowly=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
