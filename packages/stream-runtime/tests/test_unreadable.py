"""A file that cannot be read stops nobody, and quarantine has its name."""

import gzip
import json
import os
import random
import shutil
import subprocess
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import sample
from pyspark.sql import functions as F
from stream_runtime import lifecycle
from stream_runtime.errors import CheckpointError, SetupError
from stream_runtime.lifecycle import Drain, Lifecycle, Supervisor
from stream_runtime.listener import ProgressListener, listen
from stream_runtime.spark_log import list_files
from stream_runtime.storage import LocalStorage
from stream_runtime.systems import StreamSource
from stream_runtime.unreadable import FILES, REASON, REASON_AFTER_BATCH, UnreadableFiles

LINES = random.Random(1).randbytes(200_000).hex(" ").replace(" ", "\n").encode()  # noqa: S311


class Source(StreamSource):
    """Files in a folder, as the pipeline of a project reads them."""

    path: str
    unreadable: tuple[str, ...] = ()

    def source_id(self):
        """Return the folder."""
        return self.path

    def logged_folder(self):
        """Return the folder."""
        return self.path

    def without_files(self, files):
        """Return this source without some files."""
        return self.model_copy(update={"unreadable": tuple(files)})

    def read(self, spark, files=100):
        """Return the lines of the files."""
        reader = spark.readStream.format("text").option("maxFilesPerTrigger", files)
        lines = reader.load(self.path)
        return lines.where(~F.col("_metadata.file_path").isin(*self.unreadable))


class Settings(sample.Settings):
    """Settings with such a source."""

    source: Source


@pytest.fixture(name="job")
def _job(spark, tmp_path, monkeypatch):
    """Return a job over a folder with one good file; its target is a folder with Parquet files."""
    monkeypatch.setattr(lifecycle, "POLL_SECONDS", 0.1)
    source = tmp_path / "source of 100%"
    source.mkdir()
    (source / "good").write_text("good\n", "utf-8")
    places = sample.load().model_dump() | {"source": {"path": str(source)}}
    settings = Settings.model_validate(places)
    root, records = LocalStorage(tmp_path / "root"), LocalStorage(tmp_path / "records")
    retries = []

    def make_files(**more):
        return UnreadableFiles(spark, root, settings, records, **more)

    def run(writer=lambda rows: rows.writeStream.format("parquet"), files=100):
        unreadable, listener = make_files(), ProgressListener()

        def start():
            unreadable.find_missing()
            rows = unreadable.leave_out().source.read(spark, files)
            stream = writer(rows).option("path", str(tmp_path / "target"))
            stream = stream.option("checkpointLocation", str(tmp_path / "root/stream"))
            return stream.trigger(availableNow=True).start()

        reporter = SimpleNamespace(
            batch=print, idle=print, tick=print, retry=lambda _, cause: retries.append(cause)
        )
        with listen(listener, spark):
            Supervisor(
                start=start,
                listener=listener,
                follow=lambda batch: unreadable.find_missing_of(batch.batch_id),
                require=lambda: None,
                reporter=reporter,
                drain=Drain(LocalStorage(tmp_path / "marker"), datetime.now(UTC)),
                lifecycle=Lifecycle(backoff="1 second", attempts=1),
                remedy=unreadable.add,
            ).run()

    def quarantined():
        files = (tmp_path / "records").rglob("*.json")
        return [json.loads(file.read_text("utf-8")) for file in files]

    return SimpleNamespace(
        run=run,
        make_files=make_files,
        retries=retries,
        source=source,
        root=root,
        quarantined=quarantined,
        spark=spark,
    )


def zstd(data):
    """Return compressed data."""
    return subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a truncated one.gz", gzip.compress(LINES)[:50_000]),
        ("without its end.gz", gzip.compress(LINES)[:-4]),
        ("no gzip.json.gz", b"no gzip"),
        ("truncated.zst", zstd(LINES)[:50_000]),
        ("no zstd.zst", b"no zstd"),
        ("no zlib.deflate", b"no zlib"),
    ],
)
def test_a_damaged_file_is_left_out(job, tmp_path, name, content):
    """No line of it is an event; a copy with another name is read completely, and nothing twice."""
    (job.source / name).write_bytes(content)

    job.run()
    job.run()

    (record,) = job.quarantined()
    assert record["reason"] == REASON
    assert record["origin"].startswith("file:/")
    assert json.loads(job.root.read(FILES)) == [record["origin"]]
    (cause,) = job.retries
    assert record["origin"].removeprefix("file:") in cause
    target = job.spark.read.parquet(str(tmp_path / "target"))
    assert [row.value for row in target.collect()] == ["good"]

    (job.source / "copy.gz").write_bytes(gzip.compress(b"line 1\nline 2\n"))
    job.run()
    assert sorted(
        row.value for row in target.sparkSession.read.parquet(str(tmp_path / "target")).collect()
    ) == ["good", "line 1", "line 2"]


def test_several_damaged_files_are_left_out(job):
    """They do not count as attempts of the same batch, however many there are."""
    for number in range(4):
        (job.source / f"{number}.gz").write_bytes(b"no gzip")

    job.run()

    assert len(job.quarantined()) == len(job.retries) == 4


def test_a_file_that_is_deleted_before_it_is_read_is_named(job, tmp_path):
    """The next attempt of Spark skips it silently: quarantine says which file it was."""
    gone = job.source / "gone"
    gone.write_text("gone\n", "utf-8")

    def store(batch, _):
        gone.unlink(missing_ok=True)
        batch.write.mode("append").parquet(str(tmp_path / "target"))

    job.run(lambda rows: rows.writeStream.foreachBatch(store))

    (record,) = job.quarantined()
    assert record["origin"].endswith("/gone")
    target = job.spark.read.parquet(str(tmp_path / "target"))
    assert [row.value for row in target.collect()] == ["good"]


def test_each_deleted_file_of_a_batch_is_named(job, tmp_path):
    """Spark names the first one only, and skips the others silently in the next attempt."""
    for name in ("gone 1", "gone 2", "gone 3"):
        (job.source / name).write_text("gone\n", "utf-8")

    def store(batch, _):
        for file in job.source.glob("gone*"):
            file.unlink()
        batch.write.mode("append").parquet(str(tmp_path / "target"))

    job.run(lambda rows: rows.writeStream.foreachBatch(store))

    assert len(job.retries) == 1
    records = sorted((record["origin"][-6:], record["reason"]) for record in job.quarantined())
    assert records == [(f"gone%20{n}"[-6:], REASON) for n in (1, 2, 3)]


def test_a_deleted_file_of_a_committed_batch_has_its_own_reason(job):
    """Nobody knows whether the batch has read it: its events may be in the result."""
    job.run()
    (job.source / "good").rename(job.source / ".keep")

    job.make_files().find_missing()
    assert job.quarantined() == []
    for _ in range(2):
        job.make_files().find_missing_of(0)

    (record,) = job.quarantined()
    assert record["reason"] == REASON_AFTER_BATCH
    assert record["origin"].endswith("/good")
    assert job.root.read(FILES) is None


def test_a_file_that_is_deleted_before_its_batch_is_planned_is_named(job, tmp_path):
    """A scheduled run lists the folder once: later batches silently skip what is gone by then."""
    for number in range(3):
        (job.source / f"later {number}").write_text("later\n", "utf-8")
        os.utime(job.source / f"later {number}", (2e9 + number, 2e9 + number))

    def store(batch, number):
        if number == 0:
            (job.source / "later 2").unlink()
        batch.write.mode("append").parquet(str(tmp_path / "target"))

    job.run(lambda rows: rows.writeStream.foreachBatch(store), files=1)

    (record,) = job.quarantined()
    assert record["reason"] == REASON_AFTER_BATCH
    assert record["origin"].endswith("/later%202")
    assert job.retries == []


def test_a_file_that_is_logged_and_not_planned_is_found(job, tmp_path):
    """Spark logs the files of a batch before it plans the batch, and never lists them again."""
    job.run()
    (job.source / "gone").write_text("gone\n", "utf-8")
    job.run()
    (job.source / "gone").unlink()
    for log in ("offsets", "commits"):
        (tmp_path / f"root/stream/{log}/1").unlink()

    job.make_files().find_missing()

    (record,) = job.quarantined()
    assert (record["reason"], record["origin"][-5:]) == (REASON, "/gone")


def test_a_storage_that_is_not_mounted_is_refused(job, tmp_path):
    """Its folder is empty; with any file in it, the files of the batch count as deleted."""
    job.run()
    (tmp_path / "root/stream/commits/0").unlink()
    (job.source / "good").unlink()

    with pytest.raises(
        SetupError, match=r"read 1 files of source\.path, .*, which is empty.* Mount"
    ):
        job.make_files().find_missing()
    assert job.quarantined() == []
    (job.source / ".keep").touch()
    job.make_files().find_missing()

    assert [record["reason"] for record in job.quarantined()] == [REASON]


def test_a_mount_is_looked_for_at_each_source(job, tmp_path):
    """The files of another source do not hide that this one is not mounted."""
    job.run()
    other = tmp_path / "other"
    other.mkdir()
    shutil.copytree(tmp_path / "root/stream/sources/0", tmp_path / "root/stream/sources/1")
    offset = tmp_path / "root/stream/offsets/0"
    offset.write_text(f'{offset.read_text("utf-8")}\n{{"logOffset":0}}', "utf-8")
    (tmp_path / "root/stream/commits/0").unlink()
    folders = (job.source, other)
    sources = [SimpleNamespace(NAME=f.name, logged_folder=lambda f=f: str(f)) for f in folders]
    both = SimpleNamespace(sources=lambda: sources)

    with pytest.raises(SetupError, match=r"1 files of other\.path"):
        UnreadableFiles(job.spark, job.root, both, LocalStorage(tmp_path / "x")).find_missing()


def test_a_deleted_subfolder_is_no_missing_mount(job, tmp_path):
    """An archive moves the files of a day away, and the folder has those of the next day."""
    (job.source / "day=2").mkdir()
    job.run()
    (tmp_path / "root/stream/commits/0").unlink()
    (job.source / "good").unlink()

    job.make_files().find_missing()

    assert [record["reason"] for record in job.quarantined()] == [REASON]


def test_a_file_that_only_an_executor_does_not_see_is_not_left_out(job):
    """Its machine has not mounted the folder: the batch has another attempt, with the file."""
    job.run()
    good = job.source.as_uri() + "/good"
    error = f"[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file {good}. File"

    assert not job.make_files().add(ValueError(f"{error} does not exist."))

    assert job.quarantined() == []


@pytest.mark.parametrize(("held", "reason"), [(-1, REASON), (0, REASON_AFTER_BATCH), (None, None)])
def test_a_batch_that_has_begun_can_be_in_the_result(job, tmp_path, held, reason):
    """A sink that cannot tell may have written rows of the file in the attempt before."""
    job.run()
    (tmp_path / "root/stream/commits/0").unlink()
    (job.source / "good").rename(job.source / ".keep")

    job.make_files(find_held=lambda: held).find_missing()

    (record,) = job.quarantined()
    assert record["reason"] == (reason or REASON_AFTER_BATCH)
    assert len(json.loads(job.root.read(FILES))) == 1


def test_two_sources_can_read_one_folder(job, tmp_path):
    """A file of both is named once, with the reason that it had first."""
    job.run()
    shutil.copytree(tmp_path / "root/stream/sources/0", tmp_path / "root/stream/sources/1")
    offset = tmp_path / "root/stream/offsets/0"
    offset.write_text(f'{offset.read_text("utf-8")}\n{{"logOffset":0}}', "utf-8")
    (tmp_path / "root/stream/commits/0").unlink()
    (job.source / "good").unlink()
    (job.source / ".keep").touch()
    twice = SimpleNamespace(
        sources=lambda: [SimpleNamespace(NAME="source", logged_folder=lambda: str(job.source))] * 2
    )
    records = LocalStorage(tmp_path / "records")

    UnreadableFiles(job.spark, job.root, twice, records).find_missing()

    assert [record["reason"] for record in job.quarantined()] == [REASON]
    assert len(json.loads(job.root.read(FILES))) == 1


@pytest.mark.parametrize("text", ["", "v1\n{", 'v1\n{"path": 3}'])
def test_a_damaged_log_of_a_source_is_refused(job, text):
    """The message names the file, as for the other logs of Spark."""
    job.run()
    job.root.write("stream/sources/0/0", text)

    with pytest.raises(CheckpointError, match="damaged: stream/sources/0/0 is truncated"):
        list_files(job.root, 0, -1, 0)


def test_the_files_of_each_batch_are_known(spark, tmp_path):
    """Spark's log of a source says it, also after Spark has merged and deleted its older files."""
    folder, log = tmp_path / "source", tmp_path / "stream/sources/0"
    folder.mkdir()
    for number in range(23):
        (folder / f"{number}").write_text("line", "utf-8")
        os.utime(folder / f"{number}", (1e9 + number, 1e9 + number))
    lines = spark.readStream.format("text").option("maxFilesPerTrigger", 2).load(str(folder))
    writer = lines.writeStream.format("noop").trigger(availableNow=True)
    writer.option("checkpointLocation", str(tmp_path / "stream")).start().awaitTermination()
    read = [list_files(LocalStorage(tmp_path), 0, batch - 1, batch) for batch in range(12)]
    (log / "3").unlink()

    assert [len(files) for files in read] == [2] * 11 + [1]
    files = [file for batch in read for file in batch]
    assert files == [f"file:{folder}/{number}" for number in sorted_in_pairs(23)]
    assert list_files(LocalStorage(tmp_path), 0, 2, 3) == read[3]
    assert list_files(LocalStorage(tmp_path), 1, 2, 3) == []
    assert list_files(LocalStorage(tmp_path), 0, 9) == [*read[10], *read[11]]
    # Spark has deleted the logs of these batches.
    assert list_files(LocalStorage(tmp_path), 0, 40, 41) == []


def sorted_in_pairs(count):
    """Return the numbers up to a count, two and two in the order of their texts."""
    pairs = [sorted(map(str, range(n, min(n + 2, count)))) for n in range(0, count, 2)]
    return [text for pair in pairs for text in pair]


def test_other_failures_leave_no_file_out(job):
    """A file that no batch reads, or one that the storage does not deliver, stays in the stream."""
    job.run()
    unreadable = job.make_files()
    text = "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file {}.  SQLSTATE: KD001"
    good = job.source.as_uri() + "/good"
    shutil.rmtree(job.source)
    errors = [text.format("file:///elsewhere/x.gz"), text.format(good), "another failure"]

    for error in errors:
        assert not unreadable.add(ValueError(error))

    assert job.quarantined() == []
