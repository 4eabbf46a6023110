"""Bad records reach quarantine exactly once, wherever the process that moves them dies.

The stream under test reads text files, one a batch, in both ways of finding bad records again.
"""

import contextlib
import json
import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from sample import EVENT, event
from stream_devkit.samples import INGESTED, raw
from stream_runtime import quarantine
from stream_runtime.progress import (
    Batch,
    Metrics,
    Reporter,
)
from stream_runtime.quarantine import (
    CHECKPOINT,
    MARKS,
    Replay,
    SecondReading,
    Sweeper,
)
from stream_runtime.records import Events, bad, envelope
from stream_runtime.storage import LocalStorage

BATCHES = [
    [raw(event(0)), b"bad 1"],
    [raw(event(1))],
    [b"bad 2", b"bad 3", raw(event(2))],
]
ALL_BAD = ["bad 1", "bad 2", "bad 3"]
WAYS = pytest.mark.parametrize("way", [Replay, SecondReading])


class KilledError(Exception):
    """The process dies here."""


class Dying(LocalStorage):
    """A storage whose process dies at the n-th write."""

    def __init__(self, root: Path, writes: int) -> None:
        super().__init__(root)
        self.left = writes

    def write(self, name, text):
        """Write, unless this is where the process dies."""
        self.left -= 1
        if self.left < 0:
            raise KilledError
        super().write(name, text)


@pytest.fixture(scope="module", name="past")
def _past(spark, tmp_path_factory):
    """A folder with the source's files, and the checkpoint of a stream that has read them."""
    folder = tmp_path_factory.mktemp("past")
    write(folder / "source", BATCHES)
    pass_over(lines(spark, folder / "source"), folder)
    return folder


def write(source, batches):
    """The files of a source, one for each batch."""
    source.mkdir()
    for number, messages in enumerate(batches):
        path = source / f"{number}"
        path.write_bytes(b"".join(message + b"\n" for message in messages))
        modified = INGESTED.timestamp() + number
        os.utime(path, (modified, modified))


def pass_over(records, folder):
    """The stream under test, with its checkpoint in the folder."""
    writer = records.writeStream.format("noop").trigger(availableNow=True)
    writer.option("checkpointLocation", f"{folder}/stream").start().awaitTermination()


def lines(spark, source):
    """A source: one file a batch."""
    return spark.readStream.format("text").option("maxFilesPerTrigger", 1).load(str(source))


def bad_lines(spark, source):
    """The bad records of a source."""
    place, time = F.col("_metadata.file_name"), F.col("_metadata.file_modification_time")
    return bad(lines(spark, source).select(envelope(F.col("value"), time, place)), EVENT, Events())


@pytest.fixture(name="sweeper")
def _sweeper(spark, past, tmp_path):
    """Make a sweeper over the stream's past, as a new process would."""
    shutil.copytree(past / "stream", tmp_path / "stream")

    def make(way=Replay, storage=None, *, drains=False):
        reporter = Reporter(Metrics(log=str(tmp_path / "metrics.jsonl")), "test")
        root = storage or LocalStorage(tmp_path)
        found = partial(bad_lines, spark, past / "source")
        places = str(tmp_path), str(tmp_path / "records"), found
        move = way(root, *places) if way is Replay else way(root, *places, lambda: drains)
        return Sweeper(root, move, reporter)

    return make


def batch(number, bad_rows, **facts):
    """A batch as the stream reports it."""
    known = {"batch_id": number, "start_offset": f"{number}", "end_offset": f"{number + 1}"}
    return Batch(**dict.fromkeys(Batch.__annotations__, 0) | known | {"bad_rows": bad_rows} | facts)


REPORTS = [batch(0, 1), batch(1, 0), batch(2, 2)]


def quarantined(tmp_path):
    """What readers of the quarantine see."""
    parts = sorted((tmp_path / "records").glob("[0-9]*/part-*.json"))
    found = [line for part in parts for line in part.read_text("utf-8").splitlines()]
    return [json.loads(line)["raw"] for line in found]


@WAYS
def test_batches_are_followed(sweeper, tmp_path, way):
    """The bad records of each batch are moved, into a folder for each that had some."""
    following = sweeper(way)

    for report in REPORTS:
        following.follow(report)

    folders = sorted(path.name for path in (tmp_path / "records").glob("[0-9]*/_SUCCESS"))
    assert quarantined(tmp_path) == ALL_BAD
    assert len(folders) == 2


def test_a_replay_reads_one_batch(sweeper, tmp_path):
    """Neither what came before it nor what came after it, and it names its folder."""
    sweeper().follow(batch(0, 1))

    assert quarantined(tmp_path) == ["bad 1"]
    assert (tmp_path / "records/000000/_SUCCESS").exists()


def test_a_replay_reads_every_input(spark, tmp_path):
    """Of each input the records of this batch, also where another one has fewer batches."""
    inputs = [tmp_path / "left", tmp_path / "right"]
    write(inputs[0], [[b"left 1"], [b"left 2"], [b"left 3"]])
    write(inputs[1], [[b"right 1"], [b"right 2"]])
    left, right = (lines(spark, source) for source in inputs)
    pass_over(left.union(right), tmp_path)

    def bad_records():
        left, right = (bad_lines(spark, source) for source in inputs)
        return left.union(right)

    root = LocalStorage(tmp_path)
    move = Replay(root, str(tmp_path), str(tmp_path / "records"), bad_records)

    assert move(range(1, 3))
    assert sorted(quarantined(tmp_path)) == ["left 2", "left 3", "right 2"]


@pytest.mark.parametrize("report", [batch(0, 0), batch(0, None, start_offset="1")])
def test_a_batch_without_bad_records_costs_nothing(tmp_path, report):
    """It is marked and not read again; nor is one that had no records at all."""
    moved = []
    reporter = Reporter(Metrics(log=str(tmp_path / "metrics.jsonl")), "test")

    Sweeper(LocalStorage(tmp_path), moved.append, reporter).follow(report)

    assert moved == []
    assert json.loads((tmp_path / MARKS).read_text("utf-8")) == {"swept": 0}


def test_a_batch_that_did_not_count_is_read(sweeper, tmp_path):
    """No word on bad records is no proof that there were none."""
    sweeper().follow(batch(0, None))

    assert quarantined(tmp_path) == ["bad 1"]


@pytest.mark.parametrize(
    ("way", "writes"),
    [(Replay, writes) for writes in range(14)] + [(SecondReading, writes) for writes in range(3)],
)
def test_a_kill_loses_and_doubles_nothing(sweeper, tmp_path, way, writes):
    """Whichever write of a small file is the last, the next process ends with each record once."""
    dying = sweeper(way, Dying(tmp_path, writes))
    with contextlib.suppress(KilledError):
        for report in REPORTS:
            dying.follow(report)

    sweeper(way).recover()

    assert quarantined(tmp_path) == ALL_BAD


@WAYS
def test_a_kill_after_the_folder_is_written(sweeper, tmp_path, way, monkeypatch):
    """A sweep that fails between its folder and Spark's commit of it leaves no record twice."""
    put = quarantine._put  # noqa: SLF001 - the step after which the process dies

    def dying(*given):
        put(*given)
        raise KilledError

    monkeypatch.setattr(quarantine, "_put", dying)
    with pytest.raises(PySparkException, match="KilledError"):
        sweeper(way).follow(batch(0, 1))
    monkeypatch.undo()
    before = quarantined(tmp_path)

    sweeper(way).recover()

    assert before == ["bad 1"]
    assert quarantined(tmp_path) == ALL_BAD


def test_a_drain_does_not_wait_for_a_second_reading(sweeper, tmp_path):
    """It is cut, marked as not done, and made good by the next start."""
    sweeper(SecondReading, drains=True).follow(batch(0, 1))
    cut_short = not (tmp_path / MARKS).exists()

    sweeper(SecondReading).recover()

    assert cut_short
    assert quarantined(tmp_path) == ALL_BAD


@WAYS
def test_a_lost_report_is_made_up_for(sweeper, tmp_path, way):
    """A batch that was committed, but never reported, is swept by the next start."""
    sweeper(way).recover()

    assert quarantined(tmp_path) == ALL_BAD


def test_a_batch_that_is_forgotten_is_named(sweeper, tmp_path, capsys):
    """What Spark's log no longer holds cannot be repeated: the job says so and goes on."""
    for batch_id in (0, 1):
        (tmp_path / f"stream/offsets/{batch_id}").unlink()

    sweeper().recover()

    assert "no log of batches [0, 1, 2]" in capsys.readouterr().err
    assert quarantined(tmp_path) == []


def test_what_is_marked_is_not_swept_again(sweeper, tmp_path):
    """A folder that its reader took away stays away; without the marks, it returns."""
    sweeper().recover()
    (tmp_path / "records/000000").rename(tmp_path / "records/000000-taken")
    sweeper().recover()
    marked = quarantined(tmp_path)
    (tmp_path / MARKS).unlink()
    shutil.rmtree(tmp_path / CHECKPOINT)
    sweeper().recover()

    assert sorted(marked) == ALL_BAD
    assert sorted(quarantined(tmp_path)) == sorted([*ALL_BAD, "bad 1"])
