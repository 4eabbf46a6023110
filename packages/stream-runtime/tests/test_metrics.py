"""The metrics of a job in Prometheus and in its metrics log."""

import json
import math
import socket
from dataclasses import replace
from http.client import HTTPConnection
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry
from stream_runtime import metrics
from stream_runtime.batch import BatchProgress
from stream_runtime.errors import SetupError
from stream_runtime.reporting import Metrics, Reporter
from stream_runtime.status_file import StatusFile
from stream_runtime.storage import LocalStorage

GAUGES = ("duration_ms", "state_rows", "state_bytes", "backlog_rows")
COUNTERS = (
    "input_rows",
    "invalid_rows",
    "unknown_field_rows",
    "late_events",
    "late_groups_dropped",
    "duplicates_dropped",
)
NUMBERS = {name: number for number, name in enumerate((*GAUGES, *COUNTERS), 1)}
NOTHING = BatchProgress(**dict.fromkeys(BatchProgress.__annotations__, 0))
BATCH = replace(NOTHING, **NUMBERS, watermark="2026-01-01T00:00:00.000Z")


@pytest.fixture(name="job")
def _job(tmp_path, monkeypatch):
    """Return a reporter that starts at second 1000, its clock, its metrics, and its log."""
    registry, clock, log = CollectorRegistry(), SimpleNamespace(now=1000.0), tmp_path / "log"
    monkeypatch.setattr(metrics, "CollectorRegistry", lambda: registry)
    monkeypatch.setattr(metrics, "time", SimpleNamespace(time=lambda: clock.now))
    reporter = Reporter(Metrics(log=str(log)), "job", StatusFile(LocalStorage(tmp_path)))

    def read(name):
        return registry.get_sample_value(f"stream_{name}", {"job": "job"})

    def lines():
        return [json.loads(line) for line in log.read_text("utf-8").splitlines()]

    return SimpleNamespace(reporter=reporter, clock=clock, read=read, lines=lines)


@pytest.mark.parametrize("name", GAUGES)
def test_an_unknown_value_is_not_zero(job, name):
    """Before the first batch a gauge has no value: 0 would mean that there is no backlog."""
    assert math.isnan(job.read(name))


@pytest.mark.parametrize("name", GAUGES)
def test_a_gauge_has_the_value_of_the_last_batch(job, name):
    """Each batch replaces the value of a gauge."""
    job.reporter.batch(BATCH)
    assert job.read(name) == NUMBERS[name]

    job.reporter.batch(replace(BATCH, **{name: 100}))
    assert job.read(name) == 100


def test_a_batch_without_backlog_keeps_the_gauge(job):
    """A batch without a backlog leaves the gauge unchanged."""
    job.reporter.batch(replace(BATCH, backlog_rows=None))
    assert math.isnan(job.read("backlog_rows"))

    job.reporter.batch(BATCH)
    job.reporter.batch(replace(BATCH, backlog_rows=None))
    assert job.read("backlog_rows") == BATCH.backlog_rows


@pytest.mark.parametrize("name", COUNTERS)
def test_a_counter_is_the_sum_of_all_batches(job, name):
    """A counter starts at 0 and is the sum over all batches."""
    assert job.read(f"{name}_total") == 0

    for number in (2, 0, 5):
        job.reporter.batch(replace(NOTHING, **{name: number}))

    assert job.read(f"{name}_total") == 7


@pytest.mark.parametrize("name", ["invalid_rows", "unknown_field_rows"])
def test_an_unknown_count_changes_no_counter(job, name):
    """A batch whose invalid records were not counted changes no counter."""
    job.reporter.batch(BATCH)
    job.reporter.batch(replace(BATCH, **{name: None}))

    assert job.read(f"{name}_total") == NUMBERS[name]


def test_the_watermark_is_a_time(job):
    """The watermark is in seconds since 1970; a batch without one leaves it unchanged."""
    job.reporter.batch(BATCH)
    job.reporter.batch(replace(BATCH, watermark=None))

    assert job.read("watermark_timestamp_seconds") == 1767225600


def test_retries_are_counted(job):
    """The counter of retries counts each attempt after a failure."""
    job.reporter.batch(BATCH)
    assert job.read("retries_total") == 0

    job.reporter.retry(1, "the disk is full")
    job.reporter.retry(2, "the disk is full")

    assert job.read("retries_total") == 2


@pytest.mark.parametrize("sign", [Reporter.idle, lambda reporter: reporter.batch(BATCH)])
def test_an_idle_trigger_updates_the_last_progress(job, sign):
    """An idle trigger and a batch both update the time of the last progress."""
    job.clock.now = 2000.0

    sign(job.reporter)

    assert job.read("alive_timestamp_seconds") == 2000


def test_the_last_progress_begins_with_the_start(job):
    """The time of the last progress starts with the job, before its first batch ends."""
    assert job.read("alive_timestamp_seconds") == 1000


def test_a_retry_does_not_update_the_last_progress(job):
    """A retry does not update the time of the last progress."""
    job.clock.now = 2000.0

    job.reporter.retry(1, "the disk is full")

    assert job.read("alive_timestamp_seconds") == 1000


def test_each_event_is_a_line_of_the_log(job):
    """Each batch, idle trigger and retry is one line of the metrics log."""
    job.reporter.batch(BATCH)
    job.reporter.idle()
    job.reporter.retry(1, "the disk is full")

    batch, idle, retry = job.lines()

    assert [line["event"] for line in (batch, idle, retry)] == ["batch", "idle", "retry"]
    assert NUMBERS.items() <= batch.items()
    assert batch["watermark"] == BATCH.watermark
    assert (retry["attempt"], retry["cause"]) == (1, "the disk is full")
    assert all(line["at"].endswith("Z") for line in (batch, idle, retry))


def test_each_unreadable_file_is_counted(job):
    """Each file that quarantine names is a line of the log and counts in Prometheus."""
    assert job.read("unreadable_files_total") == 0

    job.reporter.unreadable_file("unreadable_file", "file:/in/a.gz")
    job.reporter.unreadable_file("unreadable_after_batch", "file:/in/b.gz")

    assert job.read("unreadable_files_total") == 2
    origins = [(line["event"], line["origin"]) for line in job.lines()]
    assert origins == [("unreadable_file", "file:/in/a.gz"), ("unreadable_file", "file:/in/b.gz")]


def test_metrics_are_served_on_the_port(monkeypatch):
    """Metrics are served by HTTP on the configured port; port 0 disables it."""
    served, serve = [], metrics.start_http_server
    monkeypatch.setattr(
        metrics, "start_http_server", lambda *given, **more: served.append(serve(*given, **more))
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    metrics.Exporter("job", 0)
    assert not served
    metrics.Exporter("job", port)

    ((server, thread),) = served
    assert server.server_address == ("127.0.0.1", port)
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert 'stream_retries_total{job="job"} 0.0' in text


def test_a_taken_port_is_one_message():
    """The message names address and port, and what to set."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(SetupError, match=f"served on 127.0.0.1:{port}.*another metrics.port"):
            metrics.Exporter("job", port)


def test_metrics_are_for_this_machine_unless_told_otherwise(tmp_path, monkeypatch):
    """Metrics have no login: another address than the loopback needs its key."""
    served = []
    monkeypatch.setattr(metrics, "start_http_server", lambda *given: served.append(given[:2]))
    status = StatusFile(LocalStorage(tmp_path))
    for settings in (Metrics(port=1), Metrics(port=1, address="0.0.0.0")):  # noqa: S104
        Reporter(settings, "job", status)

    assert served == [(1, "127.0.0.1"), (1, "0.0.0.0")]  # noqa: S104
