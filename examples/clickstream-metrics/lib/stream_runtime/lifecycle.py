"""How a running job is watched, drained, and tried again.

The marker `stop` in the checkpoint's root is the way to stop a job on purpose: it ends at the
boundary of a batch with exit code 0. SIGTERM ends it there as well, but with 143, so that an
orchestrator that evicted it starts it again. A second signal ends it at once. Whatever is cut
is replayed by the next start: draining saves work, it does not save data.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from py4j.protocol import Py4JError
from pydantic import PositiveInt
from pyspark.errors import PySparkException
from pyspark.sql.streaming.query import StreamingQuery

from .config import Duration, Table, to_timedelta
from .errors import StreamFailedError
from .progress import Batch, Feed, Reporter, Sign, say
from .storage import Storage

MARKER = "stop"
POLL_SECONDS = 0.5
BOUNDARY_SECONDS = 0.02
MOST_DOUBLINGS = 7
"""Of the pause between two attempts; without a limit, the pauses of many attempts last for days."""
LAST_REPORT_SECONDS = 10
"""How long the last report of a query that has ended may take."""


class Lifecycle(Table):
    """The table `[lifecycle]` in conf/*.toml."""

    attempts: PositiveInt = 3
    """How often a batch may fail before the job gives up."""
    backoff: Duration = "5 seconds"
    """The pause before the second attempt; it doubles with each further one, up to 128 times."""
    drain: Duration = "2 minutes"
    """How long a batch may take to end before a drain cuts it."""


class Drain:
    """Whether the job was asked to end, by whom, and the exit code that this means."""

    def __init__(self, root: Storage) -> None:
        self._root = root
        self._signal = 0

    @property
    def exit_code(self) -> int:
        """0 for the marker, 128 + n for signal n."""
        return 128 + self._signal if self._signal else 0

    def asked(self) -> bool:
        """Whether a signal came or the marker is there."""
        return self._signal > 0 or self._root.read(MARKER) is not None

    def cause(self) -> str:
        """What asked for it, in a word for the log."""
        return signal.Signals(self._signal).name if self._signal else "marker"

    @contextmanager
    def listening(self) -> Iterator["Drain"]:
        """Take SIGTERM and SIGINT as wishes to drain; a marker of former times is removed."""
        self._root.remove(MARKER)
        wishes = (signal.SIGTERM, signal.SIGINT)
        before = {wish: signal.signal(wish, self._note) for wish in wishes}
        try:
            yield self
        finally:
            for wish, handler in before.items():
                signal.signal(wish, handler)
            self._root.remove(MARKER)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self._signal:
            raise KeyboardInterrupt
        self._signal = number


class Supervisor:
    """Runs a query to its end: watches, drains, and starts it again when it fails."""

    def __init__(
        self,
        start: Callable[[], StreamingQuery],
        feed: Feed,
        follow: Callable[[Batch], None],
        reporter: Reporter,
        drain: Drain,
        lifecycle: Lifecycle,
    ) -> None:
        self._start = start
        self._feed = feed
        self._follow = follow
        self._reporter = reporter
        self._drain = drain
        self._lifecycle = lifecycle
        self._advanced = False

    def run(self) -> None:
        """Until the query has nothing more to do or is drained.

        Raises:
            StreamFailedError: the same batch failed `lifecycle.attempts` times.
        """
        failures = 0
        while cause := self._once():
            failures = 1 if self._advanced else failures + 1
            if failures >= self._lifecycle.attempts:
                message = (
                    f"The stream failed {failures} times at the same batch: {cause}\n"
                    "Nothing of that batch is committed; the next start tries it again. Mend the "
                    "cause first (docs/runbook.md, 'The stream failed')."
                )
                raise StreamFailedError(message)
            self._reporter.retry(failures, cause)
            if not self._rested(2 ** min(failures - 1, MOST_DOUBLINGS)):
                return

    def _once(self) -> str:
        """Why one run of the query failed; empty where it ended as it should."""
        self._advanced = False
        error: Exception | None
        try:
            query = self._start()
            try:
                self._watch(query)
            finally:
                # Where following a batch failed, the query itself still goes on.
                if query.isActive:
                    query.stop()
            error = query.exception()
        except PySparkException as failure:
            error = failure
        except Py4JError as loss:
            message = (
                f"Spark's JVM is gone ({_first_line(loss)}): out of memory, or killed. Nothing is "
                "lost; look into its log, then start again."
            )
            raise StreamFailedError(message) from loss
        return _first_line(error) if error else ""

    def _watch(self, query: StreamingQuery) -> None:
        """Take the reports until the last one; stop the query once that is asked for."""
        stopping = False
        while not self._take_report(query):
            if not stopping and self._drain.asked():
                say(f"draining ({self._drain.cause()}): the running batch may end")
                self._stop(query)
                stopping = True

    def _take_report(self, query: StreamingQuery) -> bool:
        """Handle one report, if any; True where it was the query's last."""
        # Once it has ended, its last reports may still be on their way.
        active = query.isActive
        seconds = POLL_SECONDS if active else LAST_REPORT_SECONDS
        report = self._feed.take(str(query.runId), seconds)
        if isinstance(report, Batch):
            self._advanced = True
            self._reporter.batch(report)
            self._follow(report)
        elif report is Sign.IDLE:
            self._reporter.idle()
        return report is Sign.ENDED or (report is None and not active)

    def _stop(self, query: StreamingQuery) -> None:
        """Stop when the running batch has ended, if it does in time: stop() alone cuts it.

        Under load the next batch begins at once; it is cut while it has hardly begun.
        """
        deadline = time.monotonic() + to_timedelta(self._lifecycle.drain).total_seconds()
        reports = self._feed.reports.qsize()
        while query.isActive and query.status["isTriggerActive"]:
            if self._feed.reports.qsize() > reports:
                break
            if time.monotonic() > deadline:
                say(f"the batch did not end within {self._lifecycle.drain}: it is cut")
                break
            time.sleep(BOUNDARY_SECONDS)
        query.stop()

    def _rested(self, times: int) -> bool:
        """Pause before the next attempt; False where a drain was asked for meanwhile."""
        pause = to_timedelta(self._lifecycle.backoff).total_seconds() * times
        deadline = time.monotonic() + pause
        while time.monotonic() < deadline:
            if self._drain.asked():
                return False
            time.sleep(POLL_SECONDS)
        return True


def _first_line(error: Exception) -> str:
    """The cause without the Java stack that follows it."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
