"""The supervision of a query: attempts, drains, and reports of idle triggers."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from py4j.protocol import Py4JJavaError, Py4JNetworkError
from pyspark.errors import PySparkException, StreamingQueryException
from stream_runtime import lifecycle, session
from stream_runtime.batch import BatchProgress
from stream_runtime.errors import CheckpointError, StreamFailedError
from stream_runtime.lifecycle import (
    Drain,
    Lifecycle,
    Supervisor,
)
from stream_runtime.listener import ProgressListener, Sign
from stream_runtime.quarantine import QuarantineBehindError
from stream_runtime.storage import LocalStorage

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = BatchProgress(**dict.fromkeys(BatchProgress.__annotations__, 0))
FAILURE = StreamingQueryException("the disk is full\n\tat java.stack")


class Query:
    """A query that has sent its reports already and ends as the test says."""

    def __init__(self, failure=None, *, busy=0, over=False):
        self.failure, self.busy, self.stopped = failure, busy, over
        self.runId = f"run {id(self)}"

    @property
    def isActive(self):  # noqa: N802 - Spark's name
        """Return whether the query runs."""
        return not self.stopped

    @property
    def status(self):
        """Return a running batch for the first calls, and then an idle query."""
        self.busy -= 1
        return {"isTriggerActive": self.busy >= 0}

    def exception(self):
        """Return the error that ended the query."""
        return self.failure

    def stop(self):
        """Stop the query."""
        self.stopped = True


class Told:
    """A reporter that stores its reports."""

    def __init__(self):
        self.said = []

    def batch(self, batch):
        """Store a batch, with the number of its late events if it has some."""
        self.said.append(f"batch with {batch.late_events} late" if batch.late_events else "batch")

    def idle(self):
        """Store an idle trigger."""
        self.said.append("idle")

    def tick(self):
        """Store nothing."""

    def retry(self, attempt, cause):
        """Store a retry."""
        self.said.append(f"retry {attempt}: {cause}")


@pytest.fixture(name="watch")
def _watch(tmp_path, monkeypatch):
    """Return a function that supervises runs of a query, each with its reports."""
    monkeypatch.setattr(lifecycle, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(lifecycle, "LAST_REPORT_SECONDS", 0.001)
    drain = Drain(LocalStorage(tmp_path), BEGUN)

    def watch(*runs, attempts=3, follow=lambda _: None, require=lambda: None, **more):
        listener, told, left = ProgressListener(), Told(), list(runs)

        def start():
            reports, query = left.pop(0)
            for report in reports:
                listener.reports.put(report if isinstance(report, tuple) else (query.runId, report))
            return query

        supervisor = Supervisor(
            start=start,
            listener=listener,
            follow=follow,
            require=require,
            reporter=told,
            drain=drain,
            lifecycle=Lifecycle(backoff="1 second", attempts=attempts),
            **more,
        )
        monkeypatch.setattr(lifecycle.time, "sleep", lambda _: None)
        monkeypatch.setattr(lifecycle, "to_timedelta", lambda _: timedelta(milliseconds=1))
        supervisor.run()
        assert not left
        return told.said

    return SimpleNamespace(run=watch, drain=drain, root=tmp_path)


def failing(*reports):
    """Return a run that reports, then fails."""
    return ([*reports, Sign.ENDED], Query(FAILURE, over=True))


def ending(*reports):
    """Return a run that reports, then ends without an error."""
    return ([*reports, Sign.ENDED], Query(over=True))


def test_a_failed_batch_starts_the_next_attempt(watch):
    """After a failed batch the next attempt starts; the log has one line without a Java stack."""
    said = watch.run(failing(), ending(BATCH))

    assert said == ["retry 1: the disk is full", "batch"]


def test_a_report_has_the_late_events_that_the_quarantine_write_found(watch):
    """Their number is known only after the quarantine write."""
    assert watch.run(ending(BATCH), follow=lambda _: 3) == ["batch with 3 late"]


class JavaError(Py4JJavaError):
    """An exception that Java throws, such as that of a storage."""

    def __init__(self, message):
        Exception.__init__(self)
        self.java_exception = SimpleNamespace(getCause=lambda: None, getMessage=lambda: message)

    def __str__(self):
        return self.java_exception.getMessage()


def test_an_exception_of_java_starts_the_next_attempt(watch):
    """A storage that does not answer for a moment is neither a dead JVM nor the end of the job."""
    errors = [JavaError("connection reset"), None]

    def follow(_):
        if error := errors.pop(0):
            raise error

    said = watch.run(ending(BATCH), ending(BATCH), follow=follow)

    assert said == ["batch", "retry 1: connection reset", "batch"]


@pytest.mark.parametrize("loss", [Py4JNetworkError("no answer"), ConnectionRefusedError(111)])
def test_a_dead_jvm_ends_the_job(watch, loss):
    """Without its JVM, no attempt can succeed: the job ends and says so.

    The first call finds no answer, and later ones no server.
    """

    def follow(_):
        raise loss

    with pytest.raises(StreamFailedError, match="JVM is gone"):
        watch.run(ending(BATCH), follow=follow)


def test_a_driver_without_its_lease_stops_the_query(watch):
    """If another driver has taken over, the query is stopped, and there is no next attempt."""
    query = Query()

    def require():
        raise CheckpointError("another has taken over")

    with pytest.raises(CheckpointError, match="taken over"):
        watch.run(([BATCH], query), require=require)

    assert query.stopped


def test_a_session_without_its_jvm_is_closed():
    """Its end hides no earlier error."""

    def stop():
        raise ConnectionRefusedError(111)

    session.close(SimpleNamespace(stop=stop), session.Session())


def test_a_drain_is_over_after_its_time(tmp_path, monkeypatch):
    """The time of a drain begins when it is noticed."""
    drain, now = Drain(LocalStorage(tmp_path), BEGUN), [100.0]
    monkeypatch.setattr(lifecycle.time, "monotonic", lambda: now[0])

    assert not drain.is_over(0)
    lifecycle.request_drain(LocalStorage(tmp_path))
    over = []
    for seconds in (0, 5, 6):
        now[0] = 100.0 + seconds
        over.append(drain.is_over(5))

    assert over == [False, False, True]


def test_attempts_of_one_batch_are_limited(watch):
    """A batch that fails in each attempt ends the job with a message that says what to do."""
    with pytest.raises(StreamFailedError, match=r"failed 3 times.*the disk is full(?s:.)*runbook"):
        watch.run(failing(), failing(), failing())


def test_a_new_batch_resets_the_attempts(watch):
    """A new batch resets the count of attempts."""
    said = watch.run(failing(), failing(BATCH), failing(), ending(), attempts=3)

    assert [word.partition(":")[0] for word in said] == ["retry 1", "batch", "retry 1", "retry 2"]


def test_a_failed_quarantine_write_is_repeated(watch):
    """A failed quarantine write fails the attempt and stops the query; the next one repeats it."""
    failures = [PySparkException("the broker is away")]
    abandoned = Query()

    def follow(_):
        if failures:
            raise failures.pop()

    said = watch.run(([BATCH, Sign.ENDED], abandoned), ending(BATCH), follow=follow)

    assert abandoned.stopped
    assert said == ["batch", "retry 1: the broker is away", "batch"]


def test_a_failure_that_is_remedied_does_not_count(watch):
    """The next attempt is without its cause, so even a single attempt is not used up by it."""
    remedies = [True, True, False]

    with pytest.raises(StreamFailedError, match="failed 1 times"):
        watch.run(failing(), failing(), failing(), attempts=1, remedy=lambda _: remedies.pop(0))

    assert remedies == []


def test_a_query_that_waits_for_quarantine_does_not_fail(watch):
    """It stops so that quarantine can catch up, and that uses up no attempt."""
    behind = [QuarantineBehindError("7 batches behind"), None]

    def follow(_):
        if error := behind.pop(0):
            raise error

    said = watch.run(ending(BATCH), ending(BATCH), attempts=1, follow=follow)

    assert said == ["batch", "retry 0: 7 batches behind", "batch"]


@pytest.mark.parametrize(
    ("describe", "said"),
    [
        (lambda: "", "The next start continues from the checkpoint"),
        (lambda: "Batch 3 is committed.", "Batch 3 is committed"),
    ],
)
def test_the_last_message_says_what_is_not_complete(watch, describe, said):
    """What the next start does depends on what the checkpoint has."""
    with pytest.raises(StreamFailedError, match=rf"the disk is full\. {said}\. Correct the cause"):
        watch.run(failing(), attempts=1, describe=describe)


def test_a_storage_that_does_not_answer_ends_the_job_with_its_cause(watch):
    """What is stored is unknown then, and the message claims nothing about it."""

    def describe():
        raise OSError

    with pytest.raises(StreamFailedError, match=r"the disk is full\. The next start continues"):
        watch.run(failing(), attempts=1, describe=describe)


def test_a_report_of_an_earlier_attempt_is_ignored(watch):
    """A late report of an earlier attempt does not end the current one."""
    stale = ("an earlier run", Sign.ENDED)

    assert watch.run(failing(), ending(stale, BATCH)) == ["retry 1: the disk is full", "batch"]


def test_an_idle_trigger_is_reported(watch):
    """A trigger without new data is reported, so an idle job differs from a dead one."""
    assert watch.run(ending(Sign.IDLE, BATCH, Sign.IDLE)) == ["idle", "batch", "idle"]


def test_a_marker_drains_at_the_end_of_the_batch(watch):
    """A drain marker stops the query after its running batch, with exit code 0."""
    query = Query(busy=5)
    with watch.drain.listen():
        (watch.root / lifecycle.MARKER).touch()
        watch.run(([], query))

    assert (query.stopped, query.busy) == (True, -1)
    assert watch.drain.exit_code == 0
    assert not (watch.root / lifecycle.MARKER).exists()


def test_a_drain_has_a_timeout(watch, caplog):
    """A drain has a timeout; the next start replays the interrupted batch."""
    query = Query(busy=10**9)
    with watch.drain.listen():
        (watch.root / lifecycle.MARKER).touch()
        watch.run(([], query))

    assert query.stopped
    assert "it is interrupted" in caplog.text


def test_a_signal_drains_with_its_exit_code(watch):
    """SIGTERM drains the job with an exit code after which an orchestrator starts it again."""
    query = Query()
    with watch.drain.listen():
        os.kill(os.getpid(), signal.SIGTERM)
        watch.run(([], query))

    assert query.stopped
    assert watch.drain.exit_code == 143


DRAINING = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from stream_runtime import lifecycle, storage

drain = lifecycle.Drain(storage.LocalStorage(Path(sys.argv[1])), datetime.now(UTC))
with lifecycle.end_on_signal():
    {start}
    with drain.listen():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            print("drains", flush=True)
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            print("cleans up", flush=True)
"""


@pytest.mark.parametrize(
    ("start", "code", "said"),
    [
        ("", 143, "drains\n"),
        ("os.kill(os.getpid(), signal.SIGTERM)", 143, ""),
        ("os.kill(os.getpid(), signal.SIGINT)", 130, ""),
    ],
    ids=["second", "SIGTERM during the start", "SIGINT during the start"],
)
def test_a_signal_ends_the_process_immediately(tmp_path, start, code, said):
    """A second signal, or one during the start, waits for no cleanup, and has its exit code."""
    command = [sys.executable, "-c", DRAINING.format(start=start), str(tmp_path)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, env=paths, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (code, said)
    assert ended.stderr == f"{lifecycle.STOPPED}\n"


def test_a_job_drains_only_on_request(watch, caplog):
    """Without a drain marker or a signal, the query runs to its end."""
    caplog.set_level("INFO")
    watch.run(ending(BATCH, BATCH))

    assert "draining" not in caplog.text


def test_the_log_names_the_cause_of_a_drain(watch, caplog):
    """The log says whether a marker or a signal caused the drain."""
    with watch.drain.listen():
        os.kill(os.getpid(), signal.SIGTERM)
        with caplog.at_level("INFO", logger="stream_runtime"):
            watch.run(([], Query()))

    assert "draining (SIGTERM)" in caplog.text


def test_a_failure_without_a_message_has_its_class_name(watch):
    """A failure without a message is logged with the name of its class."""
    said = watch.run(([Sign.ENDED], Query(StreamingQueryException(""), over=True)), ending(BATCH))

    assert said == ["retry 1: StreamingQueryException", "batch"]


@pytest.mark.parametrize("text", ["", "2025-12-31T23:59:59+00:00", "not a time"])
def test_a_start_removes_an_old_marker(watch, text):
    """A start removes a drain marker of an earlier run, and one without a time."""
    (watch.root / lifecycle.MARKER).write_text(text, "utf-8")

    with watch.drain.listen():
        assert not watch.drain.is_requested()


def test_a_stop_during_the_start_is_heard(watch):
    """A marker that is written while the session starts drains the job as soon as it runs."""
    lifecycle.request_drain(LocalStorage(watch.root))
    query = Query()

    with watch.drain.listen():
        watch.run(([], query))

    assert query.stopped
    assert watch.drain.exit_code == 0


def test_a_real_query_has_a_second_attempt(spark, tmp_path):
    """A batch that fails once in Spark is run again, and each batch is reported once."""
    for number in range(3):
        (tmp_path / f"in{number}").write_text("event", "utf-8")
    reached, followed, listener, told = [], [], ProgressListener(), Told()

    def fail_once(rows, batch_id):
        reached.append((batch_id, rows.count()))
        if reached == [(0, 1), (1, 1)]:
            message = "the sink is away"
            raise ValueError(message)

    def start():
        files = spark.readStream.format("text").option("maxFilesPerTrigger", 1)
        writer = files.load(str(tmp_path / "in*")).writeStream.foreachBatch(fail_once)
        located = writer.option("checkpointLocation", str(tmp_path / "checkpoint"))
        return located.trigger(availableNow=True).start()

    spark.streams.addListener(listener)
    drain, limits = Drain(LocalStorage(tmp_path), BEGUN), Lifecycle(backoff="1 second")
    supervisor = Supervisor(
        start=start,
        listener=listener,
        follow=lambda batch: followed.append(batch.batch_id),
        require=lambda: None,
        reporter=told,
        drain=drain,
        lifecycle=limits,
    )
    try:
        supervisor.run()
    finally:
        spark.streams.removeListener(listener)

    assert reached == [(0, 1), (1, 1), (1, 1), (2, 1)]
    assert followed == [0, 1, 2]
    assert [word for word in told.said if word.startswith("retry 1")]
