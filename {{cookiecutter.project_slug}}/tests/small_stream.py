{% set job = cookiecutter | stream_plan %}
{% set console = job.sink.console %}
{% set last = ", and the batch without data that follows" if job.watermark else "" %}
"""A small stream into the project's sink: its input is files, one a batch."""

import sys
{% if not console %}
import time
from collections.abc import Callable
{% endif %}
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from stream_devkit.servers.process import Process
from stream_runtime import session

from {{ cookiecutter.__package }}.job import JOB
from {{ cookiecutter.__package }}.settings import Settings

from tests.events import Event
from tests.file_batches import inputs, send

{% if not console %}
SLOWLY = "reflect('java.lang.Thread', 'sleep', 1000L) IS NOT NULL"
{% endif %}
SECONDS = 120
CHECKPOINT_ID = "checkpoint 1"


class SmallStream:
    """One stream with its own checkpoint; a test can run, replay and kill it."""

    def __init__(self, spark: SparkSession, settings: Settings, folder: Path) -> None:
        self.spark, self.settings, self.folder = spark, settings, folder
        self.checkpoint = folder / "stream"
        self.events: list[list[Event]] = []
        """The events that were sent, by batch."""

    def send(self, *events: Event) -> None:
        """Write a file, which one batch reads."""
        send(self.folder, len(self.events), events)
        self.events.append(list(events))

    def rows(self) -> DataFrame:
        """Return the rows of the result as a stream."""
        return JOB.result(inputs(self.spark, self.folder), self.settings)

{% if console %}
    def run(self) -> None:
        """Write all files that are not yet read{{ last }}{{ ", in micro-batches" if job.low_latency }}."""
        writer = JOB.write(self.rows(), self.settings, CHECKPOINT_ID)
{% else %}
    def run(self, *, slowly: bool = False) -> None:
        """Write all files that are not yet read{{ last }}{{ ", in micro-batches" if job.low_latency }}."""
        rows = self.rows()
        self.settings.sink.prepare(self.spark, rows, CHECKPOINT_ID)
        writer = JOB.write(rows.where(SLOWLY) if slowly else rows, self.settings, CHECKPOINT_ID)
{% endif %}
        located = writer.option("checkpointLocation", str(self.checkpoint))
        located.trigger(availableNow=True).start().awaitTermination()

{% if console %}
    def run_apart(self) -> None:
        """Run the stream as a process, with the standard output of the job."""
        log, output = self.folder / "job.log", self.folder / "job.out"
        process = Process(self._command(), log, output=output)
        assert process.wait(SECONDS) == 0, process.last_lines()
{% else %}
    def kill_when(self, reached: Callable[[], bool]) -> None:
        """Run the stream as a process, one row a second, and kill it when `reached()` is true."""
        process = Process(self._command(), self.folder / "killed.log")
        deadline = time.monotonic() + SECONDS
        try:
            while not reached():
                assert process.exit_code is None, process.last_lines()
                assert time.monotonic() < deadline, process.last_lines()
                time.sleep(0.1)
        finally:
            process.kill()
{% endif %}

    def _command(self) -> list[str]:
        settings = self.settings.model_dump_json()
        return [sys.executable, "-m", __name__, str(self.folder), settings]


def main(folder: str, settings: str) -> None:
    """Run the small stream of a folder{{ "" if console else " slowly, to be killed" }}."""
    loaded = Settings.model_validate_json(settings)
    spark = session.build("small stream", loaded.session, loaded.state, loaded.spark_conf())
    SmallStream(spark, loaded, Path(folder)).run({{ "" if console else "slowly=True" }})


if __name__ == "__main__":
    main(*sys.argv[1:])
