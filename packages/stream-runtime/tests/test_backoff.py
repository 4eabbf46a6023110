"""The pause before the next attempt of a failed batch, measured with a fake clock."""

import os
import signal
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from pyspark.errors import StreamingQueryException
from stream_runtime import lifecycle
from stream_runtime.errors import StreamFailedError
from stream_runtime.lifecycle import (
    Drain,
    Lifecycle,
    Supervisor,
)
from stream_runtime.listener import ProgressListener, Sign
from stream_runtime.storage import LocalStorage

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A fake clock, which advances only in `sleep`."""

    def __init__(self):
        self.now, self.wake = 0.0, lambda: None

    def monotonic(self):
        """Return the seconds since the start of the test."""
        return self.now

    def sleep(self, seconds):
        """Advance the clock, then run the actions that are due."""
        self.now += seconds
        self.wake()


class Failing:
    """A query that fails immediately, each time in the same batch."""

    runId, isActive = "run", False  # noqa: N815 - Spark's names

    def exception(self):
        """Return the error that ended the query."""
        return StreamingQueryException("the disk is full")


@pytest.fixture(name="job")
def _job(tmp_path, monkeypatch):
    """Return a job whose every start fails, and the times of its starts."""
    clock, drain, starts = Clock(), Drain(LocalStorage(tmp_path), BEGUN), []
    monkeypatch.setattr(lifecycle, "time", clock)

    def run(attempts, backoff):
        listener = ProgressListener()

        def start():
            starts.append(clock.now)
            listener.reports.put(("run", Sign.ENDED))
            return Failing()

        reporter = SimpleNamespace(retry=lambda *_: None, tick=lambda: None)
        limits = Lifecycle(attempts=attempts, backoff=backoff)
        with drain.listen():
            Supervisor(start, listener, lambda _: None, lambda: None, reporter, drain, limits).run()

    return SimpleNamespace(run=run, clock=clock, drain=drain, starts=starts, root=tmp_path)


def pauses(job, attempts, backoff):
    """Return the seconds between the attempts of a job that always fails."""
    with pytest.raises(StreamFailedError):
        job.run(attempts, backoff)
    assert len(job.starts) == attempts
    return [after - before for before, after in zip(job.starts, job.starts[1:], strict=False)]


def test_the_pause_doubles(job):
    """The pause doubles with each attempt, so that a server has time to recover."""
    assert pauses(job, 5, "10 seconds") == [10, 20, 40, 80]


def test_the_pause_has_an_upper_bound(job):
    """The pause does not exceed its upper bound."""
    doubled = [5, 10, 20, 40, 80, 160, 320, 640]

    assert pauses(job, 12, "5 seconds") == [*doubled, 640, 640, 640]


def test_there_is_no_pause_after_the_last_attempt(job):
    """After the last attempt the job ends without a pause."""
    assert pauses(job, 1, "10 seconds") == []
    assert job.clock.now == 0


def _by_marker(job):
    (job.root / lifecycle.MARKER).touch()


def _by_signal(_):
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(("ask", "exit_code"), [(_by_marker, 0), (_by_signal, 143)])
def test_a_drain_ends_the_pause(job, ask, exit_code):
    """A drain during the pause ends the job with the exit code of the drain and no new query."""
    asked = []

    def wake():
        if job.clock.now >= 100 and not asked:
            asked.append(job.clock.now)
            ask(job)

    job.clock.wake = wake

    job.run(3, "1 hour")

    assert (job.starts, asked) == ([0], [job.clock.now])
    assert job.drain.exit_code == exit_code
