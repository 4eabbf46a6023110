"""The metrics of the job for Prometheus; monitoring/ has alerts and a dashboard for them."""

import math
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from .addresses import join_address
from .errors import SetupError

LOOPBACK = "127.0.0.1"

COUNTERS = {
    "input_rows": "Rows read, those of replayed batches included",
    "invalid_rows": "Invalid records; they are in quarantine",
    "unknown_field_rows": "Events with fields that the schema does not name",
    "late_events": "Late events, which the job dropped; it counts them if quarantine has them",
    "late_groups_dropped": "Late rows as Spark counts them: an aggregation counts their groups",
    "duplicates_dropped": "Duplicates dropped, if the job drops duplicates",
}
GAUGES = {
    "duration_ms": "Duration of the last batch",
    "state_rows": "Rows in the state store: pending and retained",
    "state_bytes": "Memory of the state store, without what RocksDB has on disk",
    "backlog_rows": "Lag: rows that wait in the fullest partition of the source",
}


class Exporter:
    """Metrics `stream_…` with the label `job`, on a port (0 opens none) of an address.

    Raises:
        SetupError: another program has the port, or the address is none of this machine.
    """

    def __init__(self, job: str, port: int, address: str = LOOPBACK) -> None:
        registry = CollectorRegistry()
        self._counters = {
            name: Counter(f"stream_{name}", text, ["job"], registry=registry).labels(job)
            for name, text in COUNTERS.items()
        }
        self._gauges = {
            name: Gauge(f"stream_{name}", text, ["job"], registry=registry).labels(job)
            for name, text in GAUGES.items()
        }
        for gauge in self._gauges.values():
            # Not 0: a source that does not know its backlog has not caught up.
            gauge.set(math.nan)
        self._alive = Gauge(
            "stream_alive_timestamp_seconds",
            "When the last batch or idle trigger ended; before the first one, the start of the job",
            ["job"],
            registry=registry,
        ).labels(job)
        # Not 0: a job whose first batch still runs has not been silent since 1970.
        self.alive()
        Gauge(
            "stream_start_timestamp_seconds", "When the job started", ["job"], registry=registry
        ).labels(job).set(time.time())
        self._watermark = Gauge(
            "stream_watermark_timestamp_seconds",
            "The watermark, in event time",
            ["job"],
            registry=registry,
        ).labels(job)
        self._retries = Counter(
            "stream_retries", "Restarts of the query after a failure", ["job"], registry=registry
        ).labels(job)
        self._unreadable = Counter(
            "stream_unreadable_files",
            "Files that quarantine names since the start: damaged, or deleted too early",
            ["job"],
            registry=registry,
        ).labels(job)
        if port:
            _serve(registry, port, address)

    def batch(self, facts: Mapping[str, Any]) -> None:
        """Add the facts of one batch (see batch.py); a null fact changes nothing."""
        for name, counter in self._counters.items():
            counter.inc(facts[name] or 0)
        for name, gauge in self._gauges.items():
            if facts[name] is not None:
                gauge.set(facts[name])
        if facts["watermark"]:
            self._watermark.set(datetime.fromisoformat(facts["watermark"]).timestamp())
        self.alive()

    def alive(self) -> None:
        """The stream has looked for data just now."""
        self._alive.set(time.time())

    def retried(self) -> None:
        """The query was started again after a failure."""
        self._retries.inc()

    def unreadable(self) -> None:
        """A file of the source cannot be read."""
        self._unreadable.inc()


def _serve(registry: CollectorRegistry, port: int, address: str) -> None:
    try:
        start_http_server(port, address, registry)
    except OSError as error:
        message = (
            f"The metrics cannot be served on {join_address(address, port)}: {error}. Set another "
            "metrics.port, or metrics.address to an address of this machine."
        )
        raise SetupError(message) from None
