"""Where bad records go: JSON lines under `quarantine.path`/<epoch>/<sweep>/.

A streaming query has one sink, and a second query over the same source would read and parse
everything twice. So the stream only counts its bad records, and where a batch had some, the
offsets of that batch are read once more and the bad ones written down.

Each sweep is written ahead, like a micro-batch:

1. its number and offsets go to `quarantine.json` beside the checkpoint;
2. its folder is written, replacing what an interrupted attempt left there;
3. `quarantine.json` says that everything up to its end is swept.

A process that dies after 1 or 2 repeats the same sweep at its next start; one that dies between
Spark's commit of a batch and 1 finds in Spark's log what is committed but not swept.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from pyspark.sql import DataFrame

from .checkpoint import committed, first_offsets
from .config import Location, Table
from .progress import Batch, Reporter, say
from .storage import Storage

MARKS = "quarantine.json"

BadRecords = Callable[[str | None, str], DataFrame]
"""The bad records between two offsets of the source; the first is None at the beginning."""


class Quarantine(Table):
    """The table `[quarantine]` in conf/*.toml."""

    path: Location


@dataclass(frozen=True)
class Marks:
    """How far the source is swept; `upto` is the end of a sweep that is under way."""

    sweep: int = 0
    swept: str | None = None
    upto: str | None = None


class Sweeper:
    """Follows the stream's batches and moves their bad records to quarantine, each once."""

    def __init__(
        self, root: Storage, target: str, bad_records: BadRecords, reporter: Reporter
    ) -> None:
        self._root = root
        self._target = target
        self._bad_records = bad_records
        self._reporter = reporter
        text = root.read(MARKS)
        self._marks = Marks(**json.loads(text)) if text else Marks()

    def recover(self) -> None:
        """Sweep what is committed but not swept: a process died, or a sweep failed."""
        if self._marks.upto:
            self._finish()
        last = committed(self._root)
        if last and last.offsets[0] != self._marks.swept:
            self._sweep(last.offsets[0])

    def follow(self, batch: Batch) -> None:
        """Sweep a batch that had bad records, or that did not say; mark one that had none."""
        end = batch.end_offset
        if end is None or end == self._marks.swept:
            return
        contiguous = batch.start_offset == self._marks.swept
        if contiguous and batch.bad_rows == 0:
            self._mark(replace(self._marks, swept=end))
        else:
            self._sweep(end)

    def _sweep(self, end: str) -> None:
        self._mark(replace(self._marks, sweep=self._marks.sweep + 1, upto=end))
        self._finish()

    def _finish(self) -> None:
        end = self._marks.upto or ""
        folder = f"{self._target}/{self._marks.sweep:06d}"
        begin = self._marks.swept or first_offsets(self._root)
        records = self._bad_records(begin, end)
        # One file a sweep: bad records are few, and readers open every file.
        records.repartition(1).write.mode("overwrite").json(folder)
        self._mark(replace(self._marks, swept=end, upto=None))
        self._reporter.event("sweep", sweep=self._marks.sweep, folder=folder, upto=json.loads(end))
        say(f"bad records are in {folder}")

    def _mark(self, marks: Marks) -> None:
        self._root.write(MARKS, json.dumps(asdict(marks)))
        self._marks = marks
