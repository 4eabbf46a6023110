"""The job as a process, and the reports of its batches."""

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from typing_extensions import override

from .servers.process import Process, ProcessError

POLL_SECONDS = 0.1
# A slow machine takes long for many batches; a job that ends no batch for so long hangs.
PATIENCE_SECONDS = 240
END = "its end"


class JobError(ProcessError):
    """Raised when the job fails, ends too early or makes no progress."""


@dataclass(frozen=True)
class BatchReport:
    """One micro-batch in the job's metrics log."""

    number: int
    ended: datetime
    rows: int
    seconds: float
    newest: datetime | None
    """The newest event time of the batch, if the job has a watermark."""
    watermark: datetime | None
    state_rows: int
    late: int | None = None
    """The number of late events, if the job knows it."""

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "BatchReport":
        """Read one line of the log."""
        return cls(
            number=line["batch_id"],
            ended=datetime.fromisoformat(line["at"]),
            rows=line["input_rows"],
            seconds=line["duration_ms"] / 1000,
            newest=line["newest_event"] and datetime.fromisoformat(line["newest_event"]),
            watermark=line["watermark"] and datetime.fromisoformat(line["watermark"]),
            state_rows=line["state_rows"],
            late=line["late_events"],
        )


class FollowedJob(ABC):
    """A job whose metrics log is read while it runs.

    Args:
        settings: the overrides of conf/dev.toml, as for `--set`.
        folder: the folder of the file to which `metrics.log` is set.
    """

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self._metrics_log = folder / "metrics.ndjson"
        overrides = {**settings, "metrics.log": str(self._metrics_log)}
        self._options = [f"--set={key}={value}" for key, value in overrides.items()]
        self._read = 0
        self.started = False
        """Whether the job has started in this run."""
        self.idle = False
        """Whether the last report says that a trigger found nothing new."""
        self.batches: list[BatchReport] = []
        """The batches of this run."""

    @property
    def rows(self) -> int:
        """Return the number of records that the job has read."""
        return sum(batch.rows for batch in self.batches)

    @property
    def watermark(self) -> datetime | None:
        """Return the watermark of the last batch."""
        return self.batches[-1].watermark if self.batches else None

    @abstractmethod
    def run(self, until: Callable[[], bool] | None = None, what: str = END) -> None:
        """Run the job to its end, or drain it when `until()` is true.

        Raises:
            JobError: the job failed, or ended before `what`.
        """

    def follow(self) -> bool:
        """Read the new complete lines of metrics, and return whether there are any."""
        if not self._metrics_log.exists():
            return False
        with self._metrics_log.open("rb") as log:
            log.seek(self._read)
            lines, _, _ = log.read().rpartition(b"\n")
        if not lines:
            return False
        self._read += len(lines) + 1
        events = [json.loads(line) for line in lines.splitlines()]
        self.batches += [BatchReport.of(line) for line in events if line["event"] == "batch"]
        self.started |= any(line["event"] == "started" for line in events)
        self.idle = events[-1]["event"] == "idle"
        return True

    def forget(self) -> None:
        """Forget the earlier starts: their batches, and what their last report says."""
        self.follow()
        self.batches.clear()
        self.started = self.idle = False


class JobProcess(FollowedJob):
    """The job as a process: `with JobProcess(package, settings, folder) as job: ...`.

    Args:
        package: the package whose `__main__` runs.
        settings: the overrides of conf/dev.toml, as for `--set`.
        folder: the folder of the log (stderr, `job.log`), of the standard output (`job.out`),
            and of the file to which `metrics.log` is set.
    """

    def __init__(self, package: str, settings: Mapping[str, str], folder: Path) -> None:
        super().__init__(settings, folder)
        self.log, self._output = folder / "job.log", folder / "job.out"
        self._options[:0] = ["--env", "dev"]
        self._command = [sys.executable, "-m", package]
        self._process: Process | None = None

    @override
    def run(self, until: Callable[[], bool] | None = None, what: str = END) -> None:
        self.forget()
        with self:
            self.start()
            if until:
                self.wait(until, what)
                self.drain()
            else:
                self.finish()

    def start(self) -> None:
        """Start the job, or start it again; the batches of earlier starts are kept."""
        command = [*self._command, "run", *self._options]
        self._process = Process(command, self.log, output=self._output)

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        """Read the metrics until `reached()` is true.

        Raises:
            JobError: the job ended first, or ended no batch for `PATIENCE_SECONDS`.
        """
        ended, progress = len(self.batches), time.monotonic()
        while self.follow() or not reached():
            if len(self.batches) > ended:
                ended, progress = len(self.batches), time.monotonic()
            if self.exit_code is not None:
                self.follow()
                if not reached():
                    self._fail(f"ended with exit code {self.exit_code} before {what}")
            elif time.monotonic() > progress + PATIENCE_SECONDS:
                self._fail(f"ended no batch for {PATIENCE_SECONDS} s, before {what}")
            else:
                time.sleep(POLL_SECONDS)

    def drain(self) -> None:
        """Stop the job after the running batch, as `make stop` does."""
        stop = Process([*self._command, "stop", *self._options], self.log)
        stop.wait(PATIENCE_SECONDS)
        self.finish()

    def finish(self) -> None:
        """Wait until the job has ended with exit code 0."""
        self.wait(lambda: self.exit_code is not None, END)
        if self.exit_code:
            self._fail(f"ended with exit code {self.exit_code}")

    def kill(self) -> None:
        """Kill the job and its JVM (SIGKILL), like the loss of a machine."""
        if self._process:
            self._process.kill()

    def terminate(self) -> int | None:
        """Send SIGTERM, as an orchestrator does, and return the exit code."""
        if self._process:
            self._process.stop()
        self.follow()
        return self.exit_code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def exit_code(self) -> int | None:
        """Return the exit code, None while the job runs."""
        return self._process.exit_code if self._process else None

    @property
    def running(self) -> bool:
        """Return whether the job was started and has not ended."""
        return self._process is not None and self._process.exit_code is None

    @property
    def process(self) -> Process:
        """Return the process of the last start.

        Raises:
            JobError: the job was never started.
        """
        if self._process is None:
            message = "the job was never started"
            raise JobError(message)
        return self._process

    def _fail(self, what: str) -> NoReturn:
        said = self._process.last_lines() if self._process else ""
        message = f"the job {what}. Its log, {self.log}, ends with:\n{said}"
        raise JobError(message)
