"""A file that cannot be read stops nobody, and quarantine has its name."""

import gzip
import json
import os
import random
import shutil
import subprocess
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace

import pytest
import sample
from pyspark.sql import functions as F
from stream_runtime import lifecycle
from stream_runtime.lifecycle import Drain, Lifecycle, Supervisor
from stream_runtime.listener import ProgressListener, listen
from stream_runtime.places import has_file
from stream_runtime.spark_log import files_read
from stream_runtime.storage import LocalStorage
from stream_runtime.systems import StreamSource
from stream_runtime.unreadable import FILES, REASON, REASON_AFTER_COMMIT, UnreadableFiles

LINES = random.Random(1).randbytes(200_000).hex(" ").replace(" ", "\n").encode()  # noqa: S311


class Source(StreamSource):
    """Files in a folder, as the pipeline of a project reads them."""

    path: str
    unreadable: tuple[str, ...] = ()

    def source_id(self):
        """Return the folder."""
        return self.path

    def can_leave_out(self, file):
        """Return whether a file is in the folder."""
        return has_file(self.path, file)

    def without_files(self, files):
        """Return this source without some files."""
        return self.model_copy(update={"unreadable": tuple(files)})

    def read(self, spark):
        """Return the lines of the files."""
        lines = spark.readStream.format("text").load(self.path)
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

    def run(writer=lambda rows: rows.writeStream.format("parquet")):
        unreadable, listener = UnreadableFiles(root, records), ProgressListener()

        def start():
            unreadable.add_missing(spark, settings)
            rows = unreadable.leave_out(settings).source.read(spark)
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
                follow=print,
                require=lambda: None,
                reporter=reporter,
                drain=Drain(LocalStorage(tmp_path / "marker"), datetime.now(UTC)),
                lifecycle=Lifecycle(backoff="1 second", attempts=1),
                remedy=partial(unreadable.add, spark=spark, settings=settings),
            ).run()

    def quarantined():
        files = (tmp_path / "records").rglob("*.json")
        return [json.loads(file.read_text("utf-8")) for file in files]

    return SimpleNamespace(
        run=run,
        retries=retries,
        source=source,
        root=root,
        quarantined=quarantined,
        spark=spark,
        settings=settings,
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


def test_a_deleted_file_of_a_committed_batch_has_its_own_reason(job, tmp_path):
    """Its events are in the result; only its invalid records can be missing in quarantine."""
    job.run()
    (job.source / "good").unlink()
    unreadable = UnreadableFiles(job.root, LocalStorage(tmp_path / "records"))

    unreadable.add_missing(job.spark, job.settings)
    assert job.quarantined() == []
    for _ in range(2):
        unreadable.add_missing(job.spark, job.settings, 0)

    (record,) = job.quarantined()
    assert record["reason"] == REASON_AFTER_COMMIT
    assert record["origin"].endswith("/good")


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
    read = [files_read(LocalStorage(tmp_path), 0, batch) for batch in range(12)]
    (log / "3").unlink()

    assert [len(files) for files in read] == [2] * 11 + [1]
    files = [file for batch in read for file in batch]
    assert files == [f"file:{folder}/{number}" for number in sorted_in_pairs(23)]
    assert files_read(LocalStorage(tmp_path), 0, 3) == read[3]
    assert files_read(LocalStorage(tmp_path), 1, 3) == []


def sorted_in_pairs(count):
    """Return the numbers up to a count, two and two in the order of their texts."""
    pairs = [sorted(map(str, range(n, min(n + 2, count)))) for n in range(0, count, 2)]
    return [text for pair in pairs for text in pair]


def test_other_failures_leave_no_file_out(job, tmp_path):
    """A file of another system, or one that the storage does not deliver, stays in the stream."""
    settings = Settings.model_validate(
        sample.load().model_dump() | {"source": {"path": str(job.source)}}
    )
    unreadable = UnreadableFiles(job.root, LocalStorage(tmp_path / "records"))
    text = "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file {}.  SQLSTATE: KD001"
    shutil.rmtree(job.source)
    errors = [text.format(f"file://{place}/x.gz") for place in ("/elsewhere", job.source)]
    errors.append("another failure")

    for error in errors:
        assert not unreadable.add(ValueError(error), job.spark, settings)

    assert job.quarantined() == []
