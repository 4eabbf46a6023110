"""How a job is watched: retries, drains, and what it says while nothing comes."""

import os
import signal
from datetime import timedelta
from types import SimpleNamespace

import pytest
from pyspark.errors import PySparkException, StreamingQueryException
from stream_runtime import lifecycle
from stream_runtime.batch import BatchProgress
from stream_runtime.errors import StreamFailedError
from stream_runtime.lifecycle import (
    Drain,
    Lifecycle,
    Supervisor,
)
from stream_runtime.listener import ProgressListener, Sign
from stream_runtime.storage import LocalStorage

BATCH = BatchProgress(**dict.fromkeys(BatchProgress.__annotations__, 0))
FAILURE = StreamingQueryException("the disk is full\n\tat java.stack")


class Query:
    """A query that has said its reports already and ends as it is told."""

    def __init__(self, failure=None, *, busy=0, over=False):
        self.failure, self.busy, self.stopped = failure, busy, over
        self.runId = f"run {id(self)}"

    @property
    def isActive(self):  # noqa: N802 - Spark's name
        """Whether it runs."""
        return not self.stopped

    @property
    def status(self):
        """A batch runs until it was asked often enough."""
        self.busy -= 1
        return {"isTriggerActive": self.busy >= 0}

    def exception(self):
        """Why it ended."""
        return self.failure

    def stop(self):
        """End it."""
        self.stopped = True


class Told:
    """A reporter that remembers."""

    def __init__(self):
        self.said = []

    def batch(self, _):
        """A batch."""
        self.said.append("batch")

    def idle(self):
        """Nothing new."""
        self.said.append("idle")

    def retry(self, attempt, cause):
        """Started again."""
        self.said.append(f"retry {attempt}: {cause}")


@pytest.fixture(name="watch")
def _watch(tmp_path, monkeypatch):
    """Supervise runs of a query: each is its reports, and the query that makes them."""
    monkeypatch.setattr(lifecycle, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(lifecycle, "LAST_REPORT_SECONDS", 0.001)
    drain = Drain(LocalStorage(tmp_path))

    def watch(*runs, attempts=3, follow=lambda _: None):
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
            reporter=told,
            drain=drain,
            lifecycle=Lifecycle(backoff="1 second", attempts=attempts),
        )
        monkeypatch.setattr(lifecycle.time, "sleep", lambda _: None)
        monkeypatch.setattr(lifecycle, "to_timedelta", lambda _: timedelta(milliseconds=1))
        supervisor.run()
        assert not left
        return told.said

    return SimpleNamespace(run=watch, drain=drain, root=tmp_path)


def failing(*reports):
    """A run that reports, then fails."""
    return ([*reports, Sign.ENDED], Query(FAILURE, over=True))


def ending(*reports):
    """A run that reports, then ends as it should."""
    return ([*reports, Sign.ENDED], Query(over=True))


def test_a_failed_batch_is_tried_again(watch):
    """A failure that passes is survived, and told in a line without the Java stack."""
    said = watch.run(failing(), ending(BATCH))

    assert said == ["retry 1: the disk is full", "batch"]


def test_the_same_batch_fails_only_so_often(watch):
    """A failure that stays ends the job with a message that says what to do."""
    with pytest.raises(StreamFailedError, match=r"failed 3 times.*the disk is full(?s:.)*runbook"):
        watch.run(failing(), failing(), failing())


def test_progress_starts_the_count_again(watch):
    """Failures at different batches do not add up."""
    said = watch.run(failing(), failing(BATCH), failing(), ending(), attempts=3)

    assert [word.partition(":")[0] for word in said] == ["retry 1", "batch", "retry 1", "retry 2"]


def test_a_failed_quarantine_write_ends_the_run_and_is_repeated(watch):
    """What fails while a batch is followed fails the run; no query goes on unwatched."""
    failures = [PySparkException("the broker is away")]
    abandoned = Query()

    def follow(_):
        if failures:
            raise failures.pop()

    said = watch.run(([BATCH, Sign.ENDED], abandoned), ending(BATCH), follow=follow)

    assert abandoned.stopped
    assert said == ["batch", "retry 1: the broker is away", "batch"]


def test_a_report_of_an_earlier_run_counts_for_nothing(watch):
    """The late last word of a failed run does not end the run that follows it."""
    stale = ("an earlier run", Sign.ENDED)

    assert watch.run(failing(), ending(stale, BATCH)) == ["retry 1: the disk is full", "batch"]


def test_quiet_is_not_dead(watch):
    """A trigger that finds nothing new is told, so that silence means something."""
    assert watch.run(ending(Sign.IDLE, BATCH, Sign.IDLE)) == ["idle", "batch", "idle"]


def test_a_marker_drains_at_the_end_of_the_batch(watch):
    """The query is stopped once its batch has ended, and the exit code is 0."""
    query = Query(busy=5)
    with watch.drain.listening():
        (watch.root / lifecycle.MARKER).touch()
        watch.run(([], query))

    assert (query.stopped, query.busy) == (True, -1)
    assert watch.drain.exit_code == 0
    assert not (watch.root / lifecycle.MARKER).exists()


def test_a_batch_that_does_not_end_is_cut(watch, caplog):
    """A drain has a bound; what is cut is replayed by the next start."""
    query = Query(busy=10**9)
    with watch.drain.listening():
        (watch.root / lifecycle.MARKER).touch()
        watch.run(([], query))

    assert query.stopped
    assert "it is cut" in caplog.text


def test_a_signal_drains_and_is_no_success(watch):
    """SIGTERM drains like the marker, and the exit code makes an orchestrator start it again."""
    query = Query()
    with watch.drain.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        watch.run(([], query))

    assert query.stopped
    assert watch.drain.exit_code == 143


def test_a_second_signal_ends_the_job_at_once(watch):
    """Nobody has to wait for a drain."""
    with watch.drain.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_job_drains_only_if_asked(watch, caplog):
    """A query that nobody asked to stop runs to its end."""
    caplog.set_level("INFO")
    watch.run(ending(BATCH, BATCH))

    assert "draining" not in caplog.text


def test_the_log_names_the_cause_of_a_drain(watch, caplog):
    """Whether a person or an orchestrator asked for it."""
    with watch.drain.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        with caplog.at_level("INFO", logger="stream_runtime"):
            watch.run(([], Query()))

    assert "draining (SIGTERM)" in caplog.text


def test_a_failure_without_a_message_has_a_name(watch):
    """The log never shows an empty cause."""
    said = watch.run(([Sign.ENDED], Query(StreamingQueryException(""), over=True)), ending(BATCH))

    assert said == ["retry 1: StreamingQueryException", "batch"]


def test_an_old_marker_does_not_stop_a_new_start(watch):
    """A marker that nobody took is removed by the next start."""
    (watch.root / lifecycle.MARKER).touch()

    with watch.drain.listening():
        assert not watch.drain.asked()


def test_a_real_query_is_tried_again(spark, tmp_path):
    """A batch that fails once in Spark itself is repeated, and every batch is followed once."""
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
    drain, limits = Drain(LocalStorage(tmp_path)), Lifecycle(backoff="1 second")
    supervisor = Supervisor(
        start=start,
        listener=listener,
        follow=lambda batch: followed.append(batch.batch_id),
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
