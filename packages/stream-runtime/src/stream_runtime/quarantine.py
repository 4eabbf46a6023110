"""The quarantine: invalid records as JSON lines under `quarantine.path`/<checkpoint id>/<batch>/.

With `quarantine.late` it also has the late events that Spark dropped, each with the reason `late`.

A streaming query has one sink, and a second query over the same source would read and parse
everything twice. So the query counts its invalid records, and its report of a batch contains them
if they are few and short: then they are written from there. Otherwise a batch replay writes them,
and so it does with the late events of a batch, because no query knows its own watermark:

1. A checkpoint beside that of the query gets copies of its logs in which this batch is the last
   one, planned and not committed, as after a crash.
2. Spark replays the batch there: the same records, at the same time by the job's clock. The
   invalid ones replace what an interrupted attempt left in the batch's folder. The watermark that
   made events late is that of the batch before, in Spark's log.
3. `quarantine.json` gets the number of this batch: quarantine is complete up to it.

If the process dies before 3, its next start replays the batch, into the same folder. If it dies
between Spark's commit of a batch and 1, the next start finds in Spark's log which batches are
committed and not yet in quarantine.

Spark deletes old logs (`spark.sql.streaming.minBatchesToRetain`). If quarantine is half as many
batches behind the query, the query stops until quarantine has caught up. A batch without its log
ends the job: quarantine is never behind silently.

A side query reads the source a second time instead where a log cannot be copied, and for a
continuous query, which has no batches to replay.
"""

import json
import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery
from typing_extensions import override

from .batch import BatchProgress
from .config import Location, Table
from .errors import CheckpointError
from .records import LATE
from .reporting import Reporter
from .spark_log import SOURCE_LOGS, STREAM, committed, logged, offsets, planned, watermark
from .storage import Storage, read_json

log = logging.getLogger(__name__)

PROGRESS = "quarantine.json"
LOST = (
    'Restore that file from a backup, or write {"last_batch": N} into it, with the number of the '
    "last batch whose invalid records are in quarantine: the next start writes those of later "
    "batches."
)
CHECKPOINT = "quarantine"
COUNTS = "quarantined"
"""The name in Spark's progress for the count of a quarantine write."""

POLL_SECONDS = 1
RETAINED = "spark.sql.streaming.minBatchesToRetain"
"""Spark's setting for the number of batches whose logs it keeps."""


class QuarantineBehindError(Exception):
    """Raised when the query has to stop, so that Spark keeps the logs that quarantine needs."""


class Quarantine(Table):
    """The table `[quarantine]` in conf/*.toml."""

    path: Location
    late: bool = False
    """Whether it has late events as well. Each batch that has some is then read a second time."""


class QuarantineWrite(ABC):
    """The step that writes the invalid records of some batches to quarantine, each once.

    `invalid_records` returns them as a stream; with the watermark of the batch before, in
    milliseconds since 1970, late events as well. `is_over` returns whether a drain leaves it no
    more time: the next start writes the rest.
    """

    def __init__(
        self,
        root: Storage,
        location: str,
        target: str,
        invalid_records: Callable[..., DataFrame],
        is_over: Callable[[], bool],
    ) -> None:
        self._root = root
        self._location = location
        self._target = target
        self._invalid_records = invalid_records
        self._is_over = is_over

    @abstractmethod
    def begin(self) -> None:
        """Prepare, before the query reads its first record."""

    def require_close(self, batch: int) -> None:  # noqa: B027 - most have no limit
        """Raise QuarantineBehindError if the query has to wait until this batch is complete."""

    @abstractmethod
    def write(self, batches: range, *, alone: bool) -> int | None:
        """Write the records of these batches.

        Args:
            batches: those that are not in quarantine yet.
            alone: whether the query does not run meanwhile.

        Returns:
            The number of late events that it wrote, None if a drain ended it early: then a later
            call has to repeat it.

        Raises:
            CheckpointError: the records of a batch cannot be found any more.
            QuarantineBehindError: the query has to stop before the rest can be written.
        """


def read_last_batch(root: Storage) -> int:
    """Return the last batch whose invalid records are in quarantine, -1 before the first.

    Raises:
        CheckpointError: the file with it is damaged.
    """
    found = read_json(root, PROGRESS, lambda facts: int(facts["last_batch"]), LOST)
    return -1 if found is None else found


def list_due(root: Storage, held: int | None) -> list[int]:
    """Return the batches that are in the result and not in quarantine, if they read something.

    Args:
        root: the checkpoint's root.
        held: the last batch that the target has, None if the sink cannot tell.
    """
    last = max(batch for batch in (held, committed(root), -1) if batch is not None)
    batches = set(range(read_last_batch(root) + 1, last + 1))
    written = logged(root, f"{CHECKPOINT}/commits")
    return [b for b in sorted(batches - written) if offsets(root, b) != offsets(root, b - 1)]


class QuarantineProgress:
    """How far quarantine has followed the query: up to which batch it is complete.

    `records` is the folder of the records; without it, a report is not written from here. `late`
    says whether quarantine has late events.
    """

    def __init__(
        self,
        root: Storage,
        write: QuarantineWrite,
        reporter: Reporter,
        records: Storage | None,
        *,
        late: bool = False,
    ) -> None:
        self._root = root
        self._write = write
        self._reporter = reporter
        self._records = records
        self._late = late
        self._last_batch = read_last_batch(root)

    def recover(self) -> None:
        """Write the committed batches that a dead process or a failed write has left.

        Raises:
            CheckpointError: the records of a batch cannot be found any more.
        """
        last = committed(self._root)
        if last is None:
            self._write.begin()
        elif last > self._last_batch:
            self._complete(last, alone=True)

    def follow(self, batch: BatchProgress) -> int | None:
        """Complete quarantine up to this batch; write nothing if nothing of it belongs there.

        A continuous query does not count invalid records: a write finds out.

        Returns:
            The number of late events, None if only the number of their groups is known.
        """
        if batch.batch_id <= self._last_batch:
            return batch.late_events
        self._write.require_close(batch.batch_id)
        is_next = batch.batch_id == self._last_batch + 1
        is_empty = batch.start_offset == batch.end_offset
        has_late = self._late and batch.late_groups_dropped > 0
        if is_next and (is_empty or (batch.invalid_rows == 0 and not has_late)):
            self._save(batch.batch_id)
        elif is_next and batch.invalid_records and self._records and not has_late:
            _replace(self._records, batch.batch_id, batch.invalid_records)
            self._save(batch.batch_id)
            self._report(range(batch.batch_id, batch.batch_id + 1), late=0)
        else:
            late = self._complete(batch.batch_id, alone=False)
            return late if has_late and batch.late_events is None else batch.late_events
        return batch.late_events

    def describe_lag(self) -> str:
        """Return which committed batches are not in quarantine yet, as a sentence; empty if none.

        Raises:
            OSError, Py4JJavaError: the storage of the checkpoint does not answer.
        """
        last = committed(self._root)
        if last is None or last <= self._last_batch:
            return ""
        return (
            f"Batch {last} is committed, but the invalid records of batch {self._last_batch + 1} "
            "and later ones are not in quarantine yet: the next start writes them first."
        )

    def _complete(self, last: int, *, alone: bool) -> int | None:
        """Return the number of late events in these batches, None if a drain ended it early."""
        batches = range(self._last_batch + 1, last + 1)
        late = self._write.write(batches, alone=alone)
        if late is not None:
            self._save(last)
            self._report(batches, late)
        return late

    def _report(self, batches: range, late: int) -> None:
        first, last = batches[0], batches[-1]
        self._reporter.event(
            "quarantine_write", first_batch=first, last_batch=last, late_events=late
        )
        log.info("the invalid records up to batch %d are in quarantine", last)

    def _save(self, last: int) -> None:
        self._root.write(PROGRESS, json.dumps({"last_batch": last}))
        self._last_batch = last


class BatchReplay(QuarantineWrite):
    """A write that replays single batches of the query; see `QuarantineWrite` for the others.

    Args:
        retained: the number of batches whose logs Spark keeps.
        prepare: called with the number of each batch before its replay, but for the last one of a
            running query: its caller has just done so.
    """

    def __init__(
        self,
        *others: Any,
        retained: int = 100,
        prepare: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__(*others)
        self._most_ahead = retained // 2
        self._prepare = prepare

    @override
    def begin(self) -> None:
        """Do nothing: the logs of the query have all that a replay needs."""

    @override
    def write(self, batches: range, *, alone: bool) -> int | None:
        """Replay each batch that read something and was not replayed before."""
        known = logged(self._root, f"{STREAM}/offsets")
        due = sorted(set(batches) - logged(self._root, f"{CHECKPOINT}/commits"))
        forgotten = [batch for batch in due if not known >= {batch, max(batch - 1, 0)}]
        if forgotten:
            message = (
                f"Spark has deleted the logs of the batches {forgotten[0]} to {forgotten[-1]} "
                "before their invalid records were in quarantine, so the job cannot find these "
                f'records in the source. To continue without them, write {{"last_batch": '
                f"{forgotten[-1]}}} into the file {PROGRESS} in checkpoint.root."
            )
            raise CheckpointError(message)
        total = 0
        for batch in due:
            if not alone:
                self.require_close(batch)
            if offsets(self._root, batch) == offsets(self._root, batch - 1):
                continue
            if alone or batch != batches[-1]:
                self._prepare(batch)
            late = self._replay(batch, alone=alone)
            if late is None:
                return None
            total += late
        return total

    @override
    def require_close(self, batch: int) -> None:
        """Raise QuarantineBehindError if the query is far ahead of a batch that is due."""
        ahead = (planned(self._root) or 0) - batch
        if ahead > self._most_ahead:
            message = (
                f"quarantine is {ahead} batches behind the query, and Spark deletes old logs: the "
                "query stops until quarantine has caught up"
            )
            raise QuarantineBehindError(message)

    def _replay(self, batch: int, *, alone: bool) -> int | None:
        """Replay a batch; return its number of late events, None if a drain ended this early."""
        before = batch - 1
        for name in (f"offsets/{before}", f"commits/{before}", f"offsets/{batch}"):
            self._copy(name)
        for number in self._root.names(f"{STREAM}/{SOURCE_LOGS}"):
            self._copy_source_log(f"{SOURCE_LOGS}/{number}")
        if self._root.read(f"{CHECKPOINT}/metadata") is None:
            self._root.write(f"{CHECKPOINT}/metadata", json.dumps({"id": str(uuid.uuid4())}))
        store = partial(_store, self._target)
        records = self._invalid_records(watermark(self._root, before))
        # Once: it ends after the planned batch. Available now would read on.
        query = _start(records, self._location, store, once=True)
        try:
            while not query.awaitTermination(POLL_SECONDS):
                if self._is_over():
                    log.warning("the drain ends before batch %d is in quarantine", batch)
                    return None
                if not alone:
                    self.require_close(batch)
            return _count_late(query)
        finally:
            query.stop()

    def _copy_source_log(self, log: str) -> None:
        """Copy one source's log, such as the files that each batch of a file source has read."""
        there = set(self._root.names(f"{STREAM}/{log}"))
        here = set(self._root.names(f"{CHECKPOINT}/{log}"))
        for name in here - there:
            self._root.remove(f"{CHECKPOINT}/{log}/{name}")
        for name in there - here:
            self._copy(f"{log}/{name}")

    def _copy(self, name: str) -> None:
        text = self._root.read(f"{STREAM}/{name}")
        # A copy is written once: Spark keeps checksums of its own files beside them.
        if text is not None and self._root.read(f"{CHECKPOINT}/{name}") is None:
            self._root.write(f"{CHECKPOINT}/{name}", text)


class SideQuery(QuarantineWrite):
    """A write that reads the source a second time, with a checkpoint of its own.

    It costs more than a replay: it also reads batches without invalid records, the first time
    from the beginning of the source. It can be ahead of the query; no record is written twice.
    """

    @override
    def begin(self) -> None:
        """Fix where it begins: a later `latest` would be another position."""
        query = self._start()
        while not self._root.names(f"{CHECKPOINT}/offsets"):
            if query.awaitTermination(POLL_SECONDS):
                return
        query.stop()

    @override
    def write(self, batches: range, *, alone: bool) -> int | None:
        """Read everything that the source has by now, which includes these batches."""
        query = self._start()
        while not self._is_over():
            if query.awaitTermination(POLL_SECONDS):
                return 0  # it does not know the watermark of a batch
        query.stop()
        return None

    def _start(self) -> StreamingQuery:
        store = partial(_store_if_any, self._target)
        return _start(self._invalid_records(), self._location, store, availableNow=True)


def beginning(root: Storage) -> str | None:
    """Return the offsets at which a side query of Kafka began, as JSON; None before that."""
    text = root.read(f"{CHECKPOINT}/{SOURCE_LOGS}/0/0")
    return text and text.rpartition("\n")[2]


def _start(
    records: DataFrame, location: str, store: Callable[[DataFrame, int], None], **trigger: Any
) -> StreamingQuery:
    # One file for each batch: quarantined records are few, and readers open every file. Counted in
    # the stage that writes the file, because Spark counts there once, whatever it computes again.
    late = F.count_if(F.col("reason") == LATE).alias(LATE)
    counted = records.repartition(1).observe(COUNTS, late)
    writer = counted.writeStream.foreachBatch(store).trigger(**trigger)
    return writer.option("checkpointLocation", f"{location}/{CHECKPOINT}").start()


def _count_late(replay: StreamingQuery) -> int:
    """Return the number of late events that an ended replay has written."""
    return sum(batch.observedMetrics[COUNTS][LATE] for batch in replay.recentProgress)


def _replace(records: Storage, batch: int, lines: Sequence[str]) -> None:
    """Write the records of a batch to one file, instead of all that its folder has."""
    folder, name = f"{batch:06d}", "part-00000.json"
    records.write(f"{folder}/{name}", "".join(f"{line}\n" for line in lines))
    for other in set(records.names(folder)) - {name}:
        records.remove(f"{folder}/{other}")


def _store(target: str, records: DataFrame, batch: int) -> None:
    records.write.mode("overwrite").json(f"{target}/{batch:06d}")


def _store_if_any(target: str, records: DataFrame, batch: int) -> None:
    if not records.isEmpty():
        _store(target, records, batch)
