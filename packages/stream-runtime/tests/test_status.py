"""The status of a job: what the driver writes, and what the command shows."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from filelock import FileLock
from sample import CONF, JOB
from stream_runtime import checkpoint, cli, status, status_file
from stream_runtime.batch import BatchProgress
from stream_runtime.errors import StreamFailedError
from stream_runtime.reporting import Metrics, Reporter
from stream_runtime.status_file import StatusFile
from stream_runtime.storage import LocalStorage

NOTHING = BatchProgress(**dict.fromkeys(BatchProgress.__annotations__, 0))
BATCH = replace(
    NOTHING,
    batch_id=7,
    input_rows=1200,
    duration_ms=340,
    invalid_rows=3,
    backlog_rows=50,
    watermark="2026-01-01T10:00:00.000Z",
)


@pytest.fixture(name="root")
def _root(tmp_path):
    return tmp_path / "checkpoint"


@pytest.fixture(name="driver")
def _driver(root, tmp_path, monkeypatch):
    """Return the reporter of a driver, and a clock for the pauses between two writes."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(status_file, "time", SimpleNamespace(monotonic=lambda: clock.now))
    file = StatusFile(LocalStorage(root))
    reporter = Reporter(Metrics(log=str(tmp_path / "log")), "sample", file)
    return SimpleNamespace(reporter=reporter, clock=clock)


@pytest.fixture(name="shown")
def _shown(root, capsys):
    """Return a function that runs the command and returns its lines by their names."""

    def shown(*options):
        where = ["--conf", str(CONF), "--set", f"checkpoint.root={root}"]
        assert cli.main(JOB, ["status", *where, *options]) == 0
        text = capsys.readouterr().out
        if options:
            return json.loads(text)
        return {line[:12].strip(): line[12:] for line in text.splitlines()}

    return shown


def test_a_job_that_never_ran_has_a_status(shown):
    """Before the first start, the command says so and writes nothing."""
    assert shown()["driver"] == "has never run on this checkpoint"
    assert shown()["committed"] == "no batch"


def test_a_running_job_is_shown(driver, shown, root):
    """The lock of the driver says that it runs; the numbers are those of its last write."""
    driver.reporter.start(checkpoint_id="c1")
    driver.clock.now += 10
    driver.reporter.batch(BATCH)
    LocalStorage(root).write("stream/commits/7", "v1")

    with FileLock(root / checkpoint.LOCK):
        found = shown()

    assert found["driver"].startswith("runs since 20")
    assert found["committed"] == "up to batch 7"
    assert found["last batch"].startswith("7, 0 s ago: 1,200 records in 340 ms")
    assert found["backlog"] == "50 records in the fullest partition"
    assert found["watermark"] == "2026-01-01T10:00:00Z"
    assert found["records"] == "1,200 read by this driver, 3 invalid"


def test_what_a_job_does_not_have_is_not_shown(driver, shown):
    """A continuous job has no state and drops no late event; Spark counts no invalid record."""
    driver.reporter.start(checkpoint_id="c1")
    driver.clock.now += 10
    driver.reporter.batch(replace(BATCH, watermark=None, invalid_rows=None))

    found = shown()

    assert found["records"] == "1,200 read by this driver, quarantine has invalid ones"
    assert not {"watermark", "state", "late"} & set(found)


def test_the_batches_of_a_driver_are_added_up(driver, shown):
    """The sums have each batch once; the last batch replaces the one before."""
    for number in range(3):
        driver.clock.now += 10
        driver.reporter.batch(replace(BATCH, batch_id=number))

    found = shown("--json")

    assert (found["sums"]["input_rows"], found["sums"]["invalid_rows"]) == (3600, 9)
    assert found["batch"]["batch_id"] == 2


def test_a_new_driver_shows_the_last_batch_of_the_one_before(driver, shown, root, tmp_path):
    """Between a start and its first batch, and after a run without one, nothing shown is lost."""
    driver.reporter.batch(BATCH)
    driver.reporter.stop(0)

    file = StatusFile(LocalStorage(root))
    Reporter(Metrics(log=str(tmp_path / "log")), "sample", file).start()

    found = shown()
    assert found["last batch"].startswith("7, 0 s ago")
    assert found["backlog"] == "50 records in the fullest partition"
    assert found["records"] == "0 read by this driver, 0 invalid"


def test_a_damaged_status_does_not_stop_a_start(driver, shown, root):
    """The driver writes the file again: only the last batch of the one before is unknown."""
    LocalStorage(root).write(status_file.FILE, "{")

    driver.reporter.start()

    assert "last batch" not in shown()


def test_a_trigger_without_new_records_shows_that_there_is_no_backlog(driver, shown):
    """A source that reports no backlog has none if a trigger found nothing; a batch ends that."""
    driver.reporter.batch(replace(BATCH, backlog_rows=None, backlog_files=None))
    before = shown()["backlog"]
    driver.reporter.idle()
    driver.clock.now += 10
    driver.reporter.tick()
    idle = shown()["backlog"]
    driver.clock.now += 10
    driver.reporter.batch(BATCH)

    assert before.startswith("unknown")
    assert idle == "none, 0 s ago: a trigger found nothing new"
    assert shown()["backlog"] == "50 records in the fullest partition"


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([(0, 0), (3, 2)], "3 events dropped"),
        ([(0, 0)], "0 events dropped"),
        ([(None, 2), (0, 0)], "2 groups dropped"),
    ],
    ids=["counted", "none", "only groups"],
)
def test_late_events_are_shown_as_the_job_counts_them(driver, shown, counts, text):
    """The status has the number of late events, or that of their groups if it is all there is."""
    for events, groups in counts:
        driver.clock.now += 10
        driver.reporter.batch(replace(BATCH, late_events=events, late_groups_dropped=groups))

    assert shown()["late"] == text


def test_fast_batches_cost_few_writes(driver, shown):
    """Within five seconds of a write nothing is written; the next sign of life catches up."""
    driver.reporter.start()
    for number in range(3):
        driver.reporter.batch(replace(BATCH, batch_id=number))
    early = shown("--json")

    driver.clock.now += status_file.EVERY_SECONDS + 1
    driver.reporter.tick()

    assert early["batch"] is None
    assert shown("--json")["batch"]["batch_id"] == 2


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (lambda reporter: reporter.stop(0), "does not run: it ended with exit code 0, 0 s ago"),
        (
            lambda reporter: reporter.fail(StreamFailedError("the disk is full")),
            "does not run: it ended with exit code 4, 0 s ago",
        ),
        (lambda _: None, "does not run: it was killed, 0 s ago or later"),
    ],
    ids=["stopped", "failed", "killed"],
)
def test_the_end_of_a_driver_is_shown(driver, shown, end, text):
    """A driver that was stopped, failed or was killed does not run, and the status says why."""
    driver.reporter.start()

    end(driver.reporter)

    assert shown()["driver"] == text


def test_a_retry_is_shown_with_its_cause(driver, shown):
    """The number of retries and the last cause are in the status immediately."""
    driver.reporter.retry(1, "the broker is away")

    assert shown()["retries"] == "1, last: the broker is away"


def test_a_watermark_before_the_first_event_is_none(driver, shown):
    """Spark's first watermark, the year 1970, is not shown as a time."""
    driver.reporter.batch(replace(BATCH, watermark="1970-01-01T00:00:00.000Z"))

    assert shown()["watermark"].startswith("none yet")


def test_a_failing_storage_does_not_end_the_job(driver, root):
    """If the status cannot be written, the job continues: its next batch shows the cause."""
    root.write_text("not a folder", "utf-8")

    driver.reporter.start()
    driver.reporter.stop(0)


def test_a_stop_without_a_job_says_so(root, caplog):
    """A request to stop, to which no job listens, is not left in the checkpoint."""
    caplog.set_level("INFO")

    assert cli.main(JOB, ["stop", "--conf", str(CONF), "--set", f"checkpoint.root={root}"]) == 0

    assert "there is nothing to stop" in caplog.text
    assert not root.exists()


def test_ctrl_c_ends_a_command_without_a_traceback(monkeypatch, capsys):
    """Ctrl-C at any moment is one line and exit code 130."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load", interrupted)

    assert cli.main(JOB, ["run"]) == 130
    assert capsys.readouterr().err.startswith("stopped;")


def test_the_line_of_a_batch_has_what_it_wrote():
    """The line for people names the rows written, and no watermark before the first event."""
    first = replace(NOTHING, input_rows=10, output_rows=4, watermark="1970-01-01T00:00:00.000Z")

    assert str(first) == "batch 0  10 rows in 0 ms  4 written"


def test_a_lock_on_a_mount_is_not_enough(tmp_path, monkeypatch):
    """It may not reach other machines: there, the lease shows the driver."""
    place = SimpleNamespace(root=str(tmp_path), shared_mount=True)
    settings = SimpleNamespace(has_lock=True, checkpoint=place)
    root = LocalStorage(tmp_path)
    assert not status.is_running(settings, root)

    root.write("driver.json", json.dumps({"renewed": time.time(), "seconds": 30}))
    assert status.is_running(settings, root)
    place.shared_mount = False
    assert not status.is_running(settings, root)

    def refuse(_):
        raise PermissionError

    monkeypatch.setattr(status, "is_locked", refuse)
    assert status.is_running(settings, root)
