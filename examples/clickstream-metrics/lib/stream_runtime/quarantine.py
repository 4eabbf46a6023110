"""Where bad records go: JSON lines under `quarantine.path`/<epoch>/<batch>/.

A streaming query has one sink, and a second query over the same source would read and parse
everything twice. So the stream only counts its bad records, and where a batch had some, that
batch alone is swept:

1. A checkpoint beside the stream's gets copies of the stream's logs in which this batch is the
   last one, planned and not committed, as after a crash.
2. Spark repeats the batch there: the same records, at the same time by the job's clock. The bad
   ones replace what an interrupted attempt left in the batch's folder.
3. `quarantine.json` says that everything up to this batch is swept.

A process that dies before 3 repeats the batch at its next start, into the same folder; one that
dies between Spark's commit of a batch and 1 finds in Spark's log what is committed but not swept.

A source with a log that cannot be copied is read a second time instead, and so is that of a
continuous query, which has no batches to repeat (see SecondReading).
"""

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery
from typing_extensions import override

from .checkpoint import STREAM, committed, logged, offsets
from .config import Location, Table
from .progress import Batch, Reporter, say
from .storage import Storage

MARKS = "quarantine.json"
CHECKPOINT = "quarantine"
SOURCE_LOGS = "sources"
"""A folder for each input, numbered from 0."""

POLL_SECONDS = 1


class Quarantine(Table):
    """The table `[quarantine]` in conf/*.toml."""

    path: Location


class Move(ABC):
    """Moves the bad records of some of the stream's batches to quarantine, each once."""

    def __init__(
        self, root: Storage, location: str, target: str, bad_records: Callable[[], DataFrame]
    ) -> None:
        self._root = root
        self._location = location
        self._target = target
        self._bad_records = bad_records

    @abstractmethod
    def begin(self) -> None:
        """Called before the stream reads its first record."""

    @abstractmethod
    def __call__(self, batches: range) -> bool:
        """False where a drain cut it short: a later call begins with the same batches."""


class Sweeper:
    """Follows the stream's batches and has their bad records moved to quarantine."""

    def __init__(self, root: Storage, move: Move, reporter: Reporter) -> None:
        self._root = root
        self._move = move
        self._reporter = reporter
        text = root.read(MARKS)
        self._swept: int = json.loads(text)["swept"] if text else -1

    def recover(self) -> None:
        """Sweep what is committed but not swept: a process died, or a sweep failed."""
        last = committed(self._root)
        if last is None:
            self._move.begin()
        elif last > self._swept:
            self._sweep(last)

    def follow(self, batch: Batch) -> None:
        """Sweep a batch that had bad records, or that did not say; mark one that had none."""
        if batch.batch_id <= self._swept:
            return
        clean = batch.bad_rows == 0 or batch.start_offset == batch.end_offset
        if clean and batch.batch_id == self._swept + 1:
            self._mark(batch.batch_id)
        else:
            self._sweep(batch.batch_id)

    def _sweep(self, last: int) -> None:
        batches = range(self._swept + 1, last + 1)
        if not self._move(batches):
            return
        self._mark(last)
        self._reporter.event("sweep", first_batch=batches[0], last_batch=last)
        say(f"the bad records up to batch {last} are in quarantine")

    def _mark(self, swept: int) -> None:
        self._root.write(MARKS, json.dumps({"swept": swept}))
        self._swept = swept


class Replay(Move):
    """Repeats single batches of the stream, and keeps their bad records."""

    @override
    def begin(self) -> None:
        """Nothing: what it reads stands in the stream's logs."""

    @override
    def __call__(self, batches: range) -> bool:
        """Replay each batch that read something and was not replayed before."""
        known = logged(self._root, f"{STREAM}/offsets")
        forgotten = [batch for batch in batches if not known >= {batch, max(batch - 1, 0)}]
        if forgotten:
            say(f"Spark has no log of batches {forgotten}: what was bad in them stays unknown")
        done = logged(self._root, f"{CHECKPOINT}/commits").union(forgotten)
        for batch in batches:
            if batch not in done and offsets(self._root, batch) != offsets(self._root, batch - 1):
                self._replay(batch)
        return True

    def _replay(self, batch: int) -> None:
        before = batch - 1
        for name in (f"offsets/{before}", f"commits/{before}", f"offsets/{batch}"):
            self._copy(name)
        for number in self._root.names(f"{STREAM}/{SOURCE_LOGS}"):
            self._copy_source_log(f"{SOURCE_LOGS}/{number}")
        if self._root.read(f"{CHECKPOINT}/metadata") is None:
            self._root.write(f"{CHECKPOINT}/metadata", json.dumps({"id": str(uuid.uuid4())}))
        put = partial(_put, self._target)
        # Once: after the batch that is planned comes no other. Available now would go on.
        _start(self._bad_records(), self._location, put, once=True).awaitTermination()

    def _copy_source_log(self, log: str) -> None:
        """Such as the files that a batch of a file source has read."""
        theirs = set(self._root.names(f"{STREAM}/{log}"))
        mine = set(self._root.names(f"{CHECKPOINT}/{log}"))
        for name in mine - theirs:
            self._root.remove(f"{CHECKPOINT}/{log}/{name}")
        for name in theirs - mine:
            self._copy(f"{log}/{name}")

    def _copy(self, name: str) -> None:
        text = self._root.read(f"{STREAM}/{name}")
        # A copy is never written again: Spark keeps checksums of what it wrote beside it.
        if text is not None and self._root.read(f"{CHECKPOINT}/{name}") is None:
            self._root.write(f"{CHECKPOINT}/{name}", text)


class SecondReading(Move):
    """Reads the source once more from where it last stopped, with a checkpoint of its own.

    Costs more than a replay: clean batches that came before are read as well, the first time
    from the beginning of the source. It may be ahead of the stream; no record comes twice.
    `asked` tells whether the job shall end: that may not wait until all is read.
    """

    def __init__(
        self,
        root: Storage,
        location: str,
        target: str,
        bad_records: Callable[[], DataFrame],
        asked: Callable[[], bool],
    ) -> None:
        super().__init__(root, location, target, bad_records)
        self._asked = asked

    @override
    def begin(self) -> None:
        """Note where it begins: to read from `latest` would mean another place later on."""
        query = self._start()
        while not self._root.names(f"{CHECKPOINT}/offsets"):
            if query.awaitTermination(POLL_SECONDS):
                return
        query.stop()

    @override
    def __call__(self, batches: range) -> bool:
        """Read all that is there by now, which the stream's batches are part of."""
        query = self._start()
        while not self._asked():
            if query.awaitTermination(POLL_SECONDS):
                return True
        query.stop()
        return False

    def _start(self) -> StreamingQuery:
        put = partial(_put_if_any, self._target)
        return _start(self._bad_records(), self._location, put, availableNow=True)


def beginning(root: Storage) -> str | None:
    """Where a second reading of Kafka began, as Spark keeps it; None before that."""
    text = root.read(f"{CHECKPOINT}/{SOURCE_LOGS}/0/0")
    return text and text.rpartition("\n")[2]


def _start(
    records: DataFrame, location: str, put: Callable[[DataFrame, int], None], **trigger: Any
) -> StreamingQuery:
    writer = records.writeStream.foreachBatch(put).trigger(**trigger)
    return writer.option("checkpointLocation", f"{location}/{CHECKPOINT}").start()


def _put(target: str, records: DataFrame, batch: int) -> None:
    # One file a batch: bad records are few, and readers open every file.
    records.repartition(1).write.mode("overwrite").json(f"{target}/{batch:06d}")


def _put_if_any(target: str, records: DataFrame, batch: int) -> None:
    if not records.isEmpty():
        _put(target, records, batch)
