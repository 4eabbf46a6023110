"""Quarantine has each invalid record once after any crash.

The query under test reads text files, one per batch. Both kinds of quarantine writes are tested.
"""

import contextlib
import json
import os
import shutil
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from sample import EVENT, event
from stream_devkit.samples import INGESTED, raw
from stream_runtime import quarantine
from stream_runtime.batch import BatchProgress
from stream_runtime.quarantine import (
    CHECKPOINT,
    PROGRESS,
    BatchReplay,
    QuarantineProgress,
    SideQuery,
)
from stream_runtime.records import Events, envelope, select_invalid
from stream_runtime.reporting import Metrics, Reporter
from stream_runtime.storage import LocalStorage

BATCHES = [
    [raw(event(0)), b"invalid 1"],
    [raw(event(1))],
    [b"invalid 2", b"invalid 3", raw(event(2))],
]
ALL_INVALID = ["invalid 1", "invalid 2", "invalid 3"]
BOTH = pytest.mark.parametrize("kind", [BatchReplay, SideQuery])


class KilledError(Exception):
    """Raised instead of the death of the process."""


class Dying(LocalStorage):
    """A storage that raises KilledError at the n-th write."""

    def __init__(self, root: Path, writes: int) -> None:
        super().__init__(root)
        self.left = writes

    def write(self, name, text):
        """Write a file, or raise KilledError."""
        self.left -= 1
        if self.left < 0:
            raise KilledError
        super().write(name, text)


@pytest.fixture(scope="module", name="past")
def _past(spark, tmp_path_factory):
    """Return a folder with the files of a source, and the checkpoint of a query that read them."""
    folder = tmp_path_factory.mktemp("past")
    write(folder / "source", BATCHES)
    read_all(lines(spark, folder / "source"), folder)
    return folder


def write(source, batches):
    """Write the files of a source, one for each batch."""
    source.mkdir()
    for number, messages in enumerate(batches):
        path = source / f"{number}"
        path.write_bytes(b"".join(message + b"\n" for message in messages))
        modified = INGESTED.timestamp() + number
        os.utime(path, (modified, modified))


def read_all(records, folder):
    """Run the query under test, with its checkpoint in the folder."""
    writer = records.writeStream.format("noop").trigger(availableNow=True)
    writer.option("checkpointLocation", f"{folder}/stream").start().awaitTermination()


def lines(spark, source):
    """Read a source, one file per batch."""
    return spark.readStream.format("text").option("maxFilesPerTrigger", 1).load(str(source))


def invalid_lines(spark, source):
    """Return the invalid records of a source."""
    place, time = F.col("_metadata.file_name"), F.col("_metadata.file_modification_time")
    return select_invalid(
        lines(spark, source).select(envelope(F.col("value"), time, place)), EVENT, Events()
    )


@pytest.fixture(name="make_progress")
def _make_progress(spark, past, tmp_path):
    """Make the progress over batches that are already committed, as a new process does."""
    shutil.copytree(past / "stream", tmp_path / "stream")

    def make(kind=BatchReplay, storage=None, *, drains=False):
        reporter = Reporter(Metrics(log=str(tmp_path / "metrics.jsonl")), "test")
        root = storage or LocalStorage(tmp_path)
        found = partial(invalid_lines, spark, past / "source")
        places = str(tmp_path), str(tmp_path / "records"), found
        more = (lambda: drains,) if kind is SideQuery else ()
        return QuarantineProgress(root, kind(root, *places, *more), reporter)

    return make


def batch(number, invalid_rows, **facts):
    """Return a batch as the query reports it."""
    known = {"batch_id": number, "start_offset": f"{number}", "end_offset": f"{number + 1}"}
    return BatchProgress(
        **dict.fromkeys(BatchProgress.__annotations__, 0)
        | known
        | {"invalid_rows": invalid_rows}
        | facts
    )


REPORTS = [batch(0, 1), batch(1, 0), batch(2, 2)]


def quarantined(tmp_path):
    """Return what readers of the quarantine see."""
    parts = sorted((tmp_path / "records").glob("[0-9]*/part-*.json"))
    found = [line for part in parts for line in part.read_text("utf-8").splitlines()]
    return [json.loads(line)["raw"] for line in found]


@BOTH
def test_each_batch_with_invalid_records_has_a_folder(make_progress, tmp_path, kind):
    """Each batch with invalid records gets a folder with them."""
    progress = make_progress(kind)

    for report in REPORTS:
        progress.follow(report)

    folders = sorted(path.name for path in (tmp_path / "records").glob("[0-9]*/_SUCCESS"))
    assert quarantined(tmp_path) == ALL_INVALID
    assert len(folders) == 2


def test_a_replay_reads_one_batch(make_progress, tmp_path):
    """It reads no other batch, and the batch id is the name of the folder."""
    make_progress().follow(batch(0, 1))

    assert quarantined(tmp_path) == ["invalid 1"]
    assert (tmp_path / "records/000000/_SUCCESS").exists()


def test_a_replay_reads_every_input(spark, tmp_path):
    """It reads the records of this batch from each input, even if one has fewer batches."""
    inputs = [tmp_path / "left", tmp_path / "right"]
    write(inputs[0], [[b"left 1"], [b"left 2"], [b"left 3"]])
    write(inputs[1], [[b"right 1"], [b"right 2"]])
    left, right = (lines(spark, source) for source in inputs)
    read_all(left.union(right), tmp_path)

    def invalid_records():
        left, right = (invalid_lines(spark, source) for source in inputs)
        return left.union(right)

    root = LocalStorage(tmp_path)
    replay = BatchReplay(root, str(tmp_path), str(tmp_path / "records"), invalid_records)

    assert replay.write(range(1, 3))
    assert sorted(quarantined(tmp_path)) == ["left 2", "left 3", "right 2"]


@pytest.mark.parametrize("report", [batch(0, 0), batch(0, None, start_offset="1")])
def test_a_batch_without_invalid_records_is_not_read(tmp_path, report):
    """A batch without invalid records is not read again, nor is one without records."""
    written = []
    write = SimpleNamespace(write=written.append)
    reporter = Reporter(Metrics(log=str(tmp_path / "metrics.jsonl")), "test")

    QuarantineProgress(LocalStorage(tmp_path), write, reporter).follow(report)

    assert written == []
    assert json.loads((tmp_path / PROGRESS).read_text("utf-8")) == {"last_batch": 0}


def test_a_batch_without_a_count_is_read(make_progress, tmp_path):
    """A batch that reports no count can have invalid records."""
    make_progress().follow(batch(0, None))

    assert quarantined(tmp_path) == ["invalid 1"]


@pytest.mark.parametrize(
    ("kind", "writes"),
    [(BatchReplay, writes) for writes in range(14)] + [(SideQuery, writes) for writes in range(3)],
)
def test_a_kill_loses_and_duplicates_nothing(make_progress, tmp_path, kind, writes):
    """After a kill at any write of a file, the next process writes each record once."""
    dying = make_progress(kind, Dying(tmp_path, writes))
    with contextlib.suppress(KilledError):
        for report in REPORTS:
            dying.follow(report)

    make_progress(kind).recover()

    assert quarantined(tmp_path) == ALL_INVALID


@BOTH
def test_a_kill_after_the_folder_is_written(make_progress, tmp_path, kind, monkeypatch):
    """A write that fails after its folder and before Spark's commit duplicates no record."""
    store = quarantine._store  # noqa: SLF001 - the step after which the process dies

    def dying(*given):
        store(*given)
        raise KilledError

    monkeypatch.setattr(quarantine, "_store", dying)
    with pytest.raises(PySparkException, match="KilledError"):
        make_progress(kind).follow(batch(0, 1))
    monkeypatch.undo()
    before = quarantined(tmp_path)

    make_progress(kind).recover()

    assert before == ["invalid 1"]
    assert quarantined(tmp_path) == ALL_INVALID


def test_a_drain_does_not_wait_for_a_side_query(make_progress, tmp_path):
    """A drain interrupts the side query, and the next start repeats it."""
    make_progress(SideQuery, drains=True).follow(batch(0, 1))
    cut_short = not (tmp_path / PROGRESS).exists()

    make_progress(SideQuery).recover()

    assert cut_short
    assert quarantined(tmp_path) == ALL_INVALID


@BOTH
def test_a_lost_report_loses_no_record(make_progress, tmp_path, kind):
    """The next start writes the invalid records of a batch that was never reported."""
    make_progress(kind).recover()

    assert quarantined(tmp_path) == ALL_INVALID


def test_a_batch_that_spark_deleted_is_logged(make_progress, tmp_path, caplog):
    """Batches that Spark's log no longer has cannot be replayed: the job warns and continues."""
    for batch_id in (0, 1):
        (tmp_path / f"stream/offsets/{batch_id}").unlink()

    make_progress().recover()

    assert "no log of batches [0, 1, 2]" in caplog.text
    assert quarantined(tmp_path) == []


def test_a_written_batch_is_not_written_again(make_progress, tmp_path):
    """A removed folder is not written again, unless the progress is removed too."""
    make_progress().recover()
    (tmp_path / "records/000000").rename(tmp_path / "records/000000-taken")
    make_progress().recover()
    kept = quarantined(tmp_path)
    (tmp_path / PROGRESS).unlink()
    shutil.rmtree(tmp_path / CHECKPOINT)
    make_progress().recover()

    assert sorted(kept) == ALL_INVALID
    assert sorted(quarantined(tmp_path)) == sorted([*ALL_INVALID, "invalid 1"])
