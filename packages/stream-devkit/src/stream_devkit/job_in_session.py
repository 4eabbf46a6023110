"""The job in a session that already runs, as on a platform: no JVM starts."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession
from stream_runtime.cli import main
from stream_runtime.config import load
from stream_runtime.job import Job
from stream_runtime.lifecycle import MARKER
from stream_runtime.storage import LocalStorage
from typing_extensions import override

from .job import END, POLL_SECONDS, FollowedJob, JobError


class JobInSession(FollowedJob):
    """The commands of a job in the session of the tests.

    Args:
        job: the job of the pipeline.
        spark: the session. It has other settings of the job only while a command runs.
        settings: the overrides of conf/dev.toml, as for `--set`.
        folder: the folder of the file to which `metrics.log` is set.
    """

    def __init__(
        self, job: Job, spark: SparkSession, settings: Mapping[str, str], folder: Path
    ) -> None:
        super().__init__({**settings, "session.platform": "databricks"}, folder)
        self._job, self._spark = job, spark
        overrides = [f"{key}={value}" for key, value in settings.items()]
        self._settings = load(job.settings, "dev", overrides)

    @override
    def run(self, until: Callable[[], bool] | None = None, what: str = END) -> None:
        self.forget()
        ended = threading.Event()
        with ThreadPoolExecutor(1) as watch:
            drained = watch.submit(self._drain_when, until, ended) if until else None
            try:
                exit_code = self.execute("run")
            finally:
                ended.set()
        self.follow()
        if exit_code or (drained and not drained.result()):
            message = f"the job ended with exit code {exit_code} before {what}"
            raise JobError(message)

    def execute(self, command: str, *more: str) -> int:
        """Execute a command and return its exit code; `more` are overrides as for `--set`."""
        with self._lend_session():
            return main(self._job, [command, *self._options, *(f"--set={to}" for to in more)])

    def _drain_when(self, reached: Callable[[], bool], ended: threading.Event) -> bool:
        """Drain the job when `reached()` is true; return False if it ended before."""
        while not ended.wait(POLL_SECONDS):
            self.follow()
            # A starting job removes the marker of an earlier run.
            if self.started and reached():
                LocalStorage(Path(self._settings.checkpoint.root)).write(MARKER, "")
                return True
        self.follow()
        return reached()

    @contextmanager
    def _lend_session(self) -> Iterator[None]:
        """Lend the session to the job, and restore the one setting that tests have otherwise."""
        name = "spark.sql.shuffle.partitions"
        before = self._spark.conf.get(name)
        for key, value in self._settings.spark_conf().items():
            # The session has all settings but those of another target, such as its catalog.
            if self._spark.conf.get(key, None) is None:
                self._spark.conf.set(key, value)
        try:
            yield
        finally:
            self._spark.conf.set(name, str(before))
