"""Reports of a continuous query, which Spark itself does not make.

The checkpoint says which continuous epochs are committed, and at which offsets of Kafka each ends.
"""

import json
import time

from typing_extensions import override

from .batch import BatchProgress
from .listener import ProgressListener, Report, Sign
from .quarantine import beginning
from .spark_log import committed, offsets
from .storage import Storage

IDLE_SECONDS = 10
"""The time between two reports that nothing new came."""
STALLED_SECONDS = 120
"""The time without a new epoch, beside twice the longest one before, after which none follows."""


class ContinuousListener(ProgressListener):
    """A listener that reports all newly committed epochs as one batch."""

    def __init__(self, root: Storage) -> None:
        super().__init__()
        self._root = root
        self._last = committed(root)
        self._end = None if self._last is None else _position(root, self._last)
        self._reported = time.monotonic()
        self._run, self._committed, self._longest = "", 0.0, 0.0

    @override
    def take(self, run: str, seconds: float) -> Report | None:
        """Return the next report of a query run, None if there is none within these seconds.

        Raises:
            TimeoutError: the query commits no more epochs. Spark's thread that ends them does not
                survive an outage of the broker, and the query goes on to write without it.
        """
        if run != self._run:
            self._run, self._committed = run, time.monotonic()
        return self._new_epochs() or super().take(run, seconds)

    def _new_epochs(self) -> Report | None:
        last = committed(self._root)
        since = time.monotonic() - self._committed
        if last is None or last == self._last:
            if self._longest and since > STALLED_SECONDS + 2 * self._longest:
                message = (
                    f"the query has not committed for {since:.0f} s: its broker was probably away, "
                    "and Spark does not continue by itself"
                )
                raise TimeoutError(message)
            return None
        self._committed, self._longest = time.monotonic(), max(self._longest, since)
        start, end = self._end or beginning(self._root), _position(self._root, last)
        passed = time.monotonic() - self._reported
        self._last, self._end = last, end
        if start == end and passed < IDLE_SECONDS:
            return None
        self._reported += passed
        return Sign.IDLE if start == end else _batch(last, start, end, passed)


def _position(root: Storage, epoch: int) -> str:
    (source,) = offsets(root, epoch)
    return source


def _batch(epoch: int, start: str | None, end: str, seconds: float) -> BatchProgress:
    """Return what the checkpoint shows of some epochs; the rest is None, or zero."""
    return BatchProgress(
        batch_id=epoch,
        input_rows=_rows(end) - _rows(start),
        invalid_rows=None,
        unknown_field_rows=None,
        late_groups_dropped=0,
        duplicates_dropped=0,
        output_rows=None,
        duration_ms=round(seconds * 1000),
        newest_event=None,
        watermark=None,
        state_rows=0,
        state_bytes=0,
        backlog_rows=None,
        backlog_files=None,
        start_offset=start,
        end_offset=end,
    )


def _rows(position: str | None) -> int:
    """Count the messages before a position: `{"topic": {"partition": offset}}`."""
    topics = json.loads(position or "{}")
    return sum(offset for partitions in topics.values() for offset in partitions.values())
