"""Reports of a running job: log messages for people, JSON lines for programs, and metrics."""

import json
import logging
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from .batch import BatchProgress
from .config import Table
from .metrics import Exporter

log = logging.getLogger(__name__)


class Metrics(Table):
    """The table `[metrics]` in conf/*.toml."""

    log: str = "-"
    """The file for JSON lines, one for each report; `-` is the standard output."""
    port: int = 0
    """The port for Prometheus; 0 opens none."""


class Reporter:
    """Reports what happens to people, to a file of JSON lines and to Prometheus."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        self._lines = _open(metrics.log)
        self._exporter = Exporter(name, metrics.port)

    def batch(self, batch: BatchProgress) -> None:
        """Report a finished micro-batch."""
        facts = asdict(batch)
        del facts["invalid_records"]
        self._exporter.batch(facts)
        self.event("batch", **facts)
        log.info("%s", batch)

    def idle(self) -> None:
        """Report that a trigger found nothing new: the job runs, although it has no batch."""
        self._exporter.alive()
        self.event("idle")

    def retry(self, attempt: int, cause: str) -> None:
        """Report that the query failed and starts again."""
        self._exporter.retried()
        self.event("retry", attempt=attempt, cause=cause)
        log.warning("attempt %d failed: %s", attempt, cause)

    def event(self, name: str, **facts: Any) -> None:
        """Write one JSON line."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        print(json.dumps({"event": name, "at": at, **facts}), file=self._lines, flush=True)


def _open(path: str) -> TextIO:
    if path == "-":
        return sys.stdout
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("a", encoding="utf-8")
