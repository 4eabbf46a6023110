"""Reports of a running job: log messages for people, JSON lines for programs, and metrics."""

import errno
import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from .addresses import LAST_PORT, Host
from .batch import BatchProgress
from .config import TERMINAL, LogFile, Table
from .errors import StreamJobError
from .logs import Tolerance
from .metrics import LOOPBACK, Exporter
from .status_file import StatusFile, format_now

log = logging.getLogger(__name__)


class Metrics(Table):
    """The table `[metrics]` in conf/*.toml."""

    log: LogFile = TERMINAL
    """The file for JSON lines, one for each report; `-` is the standard output."""
    port: Annotated[int, Field(ge=0, le=LAST_PORT)] = 0
    """The port for Prometheus; 0 opens none."""
    address: Host = LOOPBACK
    """Where the port is open: for this machine only, or for others as well with `0.0.0.0`.

    Everybody who reaches it can read the metrics: there is no login.
    """


class Reporter:
    """Reports what happens to people, to a file of JSON lines, to Prometheus and to `status`."""

    def __init__(self, metrics: Metrics, name: str, status: StatusFile) -> None:
        self._log = metrics.log
        self._tolerance = Tolerance(f"metrics.log = {metrics.log}")
        self._exporter = Exporter(name, metrics.port, metrics.address)
        self._status = status

    def start(self, **facts: Any) -> None:
        """Report that a driver has started, with facts about the job."""
        self.event("started", **facts)
        self._status.start(**facts)

    def batch(self, batch: BatchProgress) -> None:
        """Report a finished micro-batch."""
        facts = asdict(batch)
        del facts["invalid_records"]
        self._exporter.batch(facts)
        self._status.batch(facts)
        self.event("batch", **facts)
        log.info("%s", batch)

    def idle(self) -> None:
        """Report that a trigger found nothing new: the job runs, although it has no batch."""
        self._exporter.alive()
        self._status.idle()
        self.event("idle")

    def tick(self) -> None:
        """Report that the driver watches the query."""
        self._status.alive()

    def retry(self, attempt: int, cause: str) -> None:
        """Report that the query failed and starts again; attempt 0 does not count as one."""
        self._exporter.retried()
        self._status.retry(cause)
        self.event("retry", attempt=attempt, cause=cause)
        failure = f"attempt {attempt} failed" if attempt else "the query starts again"
        log.warning("%s: %s", failure, cause)

    def unreadable_file(self, reason: str, origin: str) -> None:
        """Report a file that quarantine names (see unreadable.py)."""
        self._exporter.unreadable()
        self.event("unreadable_file", reason=reason, origin=origin)

    def stop(self, exit_code: int) -> None:
        """Report that the job is done or drained."""
        self.event("stopped", exit_code=exit_code)
        self._status.end(exit_code)

    def fail(self, error: StreamJobError) -> None:
        """Report the error that ends the job."""
        self.event("failed", cause=str(error), exit_code=error.exit_code)
        self._status.end(error.exit_code, str(error))

    def event(self, name: str, **facts: Any) -> None:
        """Write one JSON line."""
        line = json.dumps({"event": name, "at": format_now(), **facts})
        with self._tolerance.report():
            if self._log == TERMINAL:
                print(line, flush=True)
            else:
                _append(Path(self._log), f"{line}\n".encode())


def _append(file: Path, line: bytes) -> None:
    """Append a whole line, or nothing: on a disk that becomes full, a write can be partial."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab", buffering=0) as log:
        written = log.write(line)
        if written < len(line):
            log.truncate(log.tell() - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
