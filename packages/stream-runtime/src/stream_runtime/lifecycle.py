"""The supervision of a running job: watch it, drain it, start it again.

The marker `stop` in the checkpoint's root drains the job: it ends after the running batch, with
exit code 0. SIGTERM drains it as well, but with exit code 143, so that an orchestrator can
distinguish the two. A second signal, or one during the start, ends the process immediately. The
next start replays a batch that was interrupted: draining saves work, not data.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import FrameType
from typing import NoReturn

from py4j.protocol import Py4JJavaError
from pydantic import PositiveInt
from pyspark.errors import PySparkException
from pyspark.sql.streaming.query import StreamingQuery

from .batch import BatchProgress
from .causes import cause_of
from .config import Duration, Table, to_timedelta
from .errors import StreamFailedError
from .listener import ProgressListener, Sign
from .quarantine import QuarantineBehindError
from .reporting import Reporter
from .session import require_jvm
from .storage import Storage

log = logging.getLogger(__name__)

MARKER = "stop"
SIGNALS = (signal.SIGTERM, signal.SIGINT)
STDERR = 2
STOPPED = "stopped; the next start continues from the checkpoint"
CONTINUES = "The next start continues from the checkpoint."
POLL_SECONDS = 0.5
BOUNDARY_SECONDS = 0.02
MOST_DOUBLINGS = 7
"""The limit for the pause between two attempts, which otherwise lasts for days after many."""
OUTAGES = (OSError, PySparkException, Py4JJavaError)
"""The errors after which another attempt can succeed."""
LAST_REPORT_SECONDS = 10
"""The time that the last report of an ended query can take."""


class Lifecycle(Table):
    """The table `[lifecycle]` in conf/*.toml."""

    attempts: PositiveInt = 3
    """How often a batch can fail before the job ends."""
    backoff: Duration = "5 seconds"
    """The pause before the second attempt; it doubles with each further one, up to 128 times."""
    drain: Duration = "2 minutes"
    """The time that a drain gives the running batch to end."""


class Drain:
    """The request to drain the job: by whom, and with which exit code.

    Args:
        root: the root of the checkpoint, which has the marker.
        begun: when the start began. A marker since then is for this driver, although the session
            may not have been there yet.
    """

    def __init__(self, root: Storage, begun: datetime) -> None:
        self._root = root
        self._begun = begun
        self._signal = 0
        self._noticed = 0.0

    @property
    def exit_code(self) -> int:
        """0 for the marker, 128 + n for signal n."""
        return 128 + self._signal if self._signal else 0

    def is_requested(self) -> bool:
        """Return whether a signal came or the marker is there.

        A storage that does not answer shows no marker: the query reports the failure, not a drain.
        """
        with suppress(*OUTAGES):
            return self._signal > 0 or self._root.read(MARKER) is not None
        return False

    def is_over(self, seconds: float) -> bool:
        """Return whether a drain was requested so many seconds ago; the first call counts as 0."""
        if not self.is_requested():
            return False
        self._noticed = self._noticed or time.monotonic()
        return time.monotonic() - self._noticed > seconds

    def cause(self) -> str:
        """Return what requested the drain, for the log."""
        return signal.Signals(self._signal).name if self._signal else "marker"

    @contextmanager
    def listen(self) -> Iterator["Drain"]:
        """Drain on SIGTERM or SIGINT; remove a marker of an earlier run."""
        if _time_of(self._root.read(MARKER)) < self._begun:
            self._root.remove(MARKER)
        with _handle_signals(self._note):
            try:
                yield self
            finally:
                self._root.remove(MARKER)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._signal:
            _end_process(number, frame)
        self._signal = number


def end_on_signal() -> AbstractContextManager[None]:
    """End the process on SIGTERM or SIGINT: there is no batch yet that could be drained."""
    return _handle_signals(_end_process)


@contextmanager
def _handle_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _end_process(number: int, _frame: FrameType | None) -> NoReturn:
    # No exception: its cleanup could wait for a server that hangs.
    with suppress(OSError):
        os.write(STDERR, f"{STOPPED}\n".encode())
    os._exit(128 + number)


def request_drain(root: Storage) -> None:
    """Write the marker, with the present time."""
    root.write(MARKER, datetime.now(UTC).isoformat())


def _time_of(marker: str | None) -> datetime:
    """Return when a marker was written; one without a time is old."""
    try:
        return datetime.fromisoformat(marker or "")
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Failure:
    """Why a query ended before its work was done."""

    cause: str
    is_remedied: bool
    """Whether the next attempt is without this cause."""


class Supervisor:
    """Runs a query to its end: watches, drains, and starts it again when it fails.

    `remedy` returns whether the next attempt is without what made this one fail. `describe`
    returns which batches are not complete, and what the next start does with them; empty if none.
    """

    def __init__(
        self,
        start: Callable[[], StreamingQuery],
        listener: ProgressListener,
        follow: Callable[[BatchProgress], int | None],
        require: Callable[[], None],
        reporter: Reporter,
        drain: Drain,
        lifecycle: Lifecycle,
        explain: Callable[[Exception], str] = cause_of,
        remedy: Callable[[Exception], bool] = lambda _: False,
        describe: Callable[[], str] = lambda: "",
    ) -> None:
        self._start = start
        self._listener = listener
        self._follow = follow
        self._require = require
        self._reporter = reporter
        self._drain = drain
        self._lifecycle = lifecycle
        self._explain, self._remedy, self._describe = explain, remedy, describe
        self._advanced = False

    def run(self) -> None:
        """Run until the query has nothing more to do or is drained.

        Raises:
            StreamFailedError: the same batch failed `lifecycle.attempts` times.
        """
        failures = 0
        while failure := self._once():
            failures = (0 if self._advanced else failures) + (not failure.is_remedied)
            if failures >= self._lifecycle.attempts:
                message = (
                    f"The stream failed {failures} times at the same batch: {failure.cause}. "
                    f"{self._describe_rest()} Correct the cause first "
                    "(docs/runbook.md, 'The stream failed')."
                )
                raise StreamFailedError(message)
            self._reporter.retry(0 if failure.is_remedied else failures, failure.cause)
            if not self._rested(2 ** min(max(failures - 1, 0), MOST_DOUBLINGS)):
                return

    def _describe_rest(self) -> str:
        """Return what the next start does, even if the storage does not answer."""
        with suppress(*OUTAGES):
            return self._describe() or CONTINUES
        return CONTINUES

    def _once(self) -> Failure | None:
        """Run the query once; return why it failed, None if it did not.

        Raises:
            StreamFailedError: Spark's JVM is gone.
        """
        self._advanced = False
        error: Exception | None
        try:
            with require_jvm():
                query = self._start()
                try:
                    self._watch(query)
                finally:
                    # If following a batch failed, the query itself still runs.
                    if query.isActive:
                        query.stop()
                error = query.exception()
        except QuarantineBehindError as behind:
            # The next start lets quarantine catch up first.
            return Failure(str(behind), is_remedied=True)
        except OUTAGES as failure:
            # Java still answers: a storage that cannot be read, for example, has another attempt.
            error = failure
        if not error:
            return None
        is_remedied = False
        with suppress(*OUTAGES):
            is_remedied = self._remedy(error)
        return Failure(self._explain(error), is_remedied)

    def _watch(self, query: StreamingQuery) -> None:
        """Take the reports until the last one; stop the query if a drain is requested."""
        stopping = False
        while not self._take_report(query):
            if not stopping and self._drain.is_requested():
                log.info("draining (%s): the running batch may end", self._drain.cause())
                self._stop(query)
                stopping = True

    def _take_report(self, query: StreamingQuery) -> bool:
        """Handle one report, if any; return whether it was the last of the query.

        Raises:
            CheckpointError: another driver has taken over the checkpoint.
        """
        self._require()
        # The last reports can arrive after the query has ended.
        active = query.isActive
        seconds = POLL_SECONDS if active else LAST_REPORT_SECONDS
        report = self._listener.take(str(query.runId), seconds)
        if isinstance(report, BatchProgress):
            self._advanced = True
            self._take_batch(report)
        elif report is Sign.IDLE:
            self._reporter.idle()
        self._reporter.tick()
        return report is Sign.ENDED or (report is None and not active)

    def _take_batch(self, batch: BatchProgress) -> None:
        """Follow a batch, then report it: only then the number of its late events is known."""
        late = batch.late_events
        try:
            late = self._follow(batch)
        finally:
            self._reporter.batch(replace(batch, late_events=late))

    def _stop(self, query: StreamingQuery) -> None:
        """Stop after the running batch, if it ends in time: stop() alone interrupts it.

        Under load the next batch begins immediately; it is interrupted at its start.
        """
        deadline = time.monotonic() + to_timedelta(self._lifecycle.drain).total_seconds()
        reports = self._listener.reports.qsize()
        while query.isActive and query.status["isTriggerActive"]:
            if self._listener.reports.qsize() > reports:
                break
            if time.monotonic() > deadline:
                log.warning(
                    "the batch did not end within %s: it is interrupted", self._lifecycle.drain
                )
                break
            time.sleep(BOUNDARY_SECONDS)
        query.stop()

    def _rested(self, times: int) -> bool:
        """Pause before the next attempt; return False if a drain is requested meanwhile."""
        pause = to_timedelta(self._lifecycle.backoff).total_seconds() * times
        deadline = time.monotonic() + pause
        while time.monotonic() < deadline:
            if self._drain.is_requested():
                return False
            time.sleep(POLL_SECONDS)
        return True
