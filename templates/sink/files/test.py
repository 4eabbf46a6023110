"""The folder of the sink: its checkpoint id, and exact rows for readers of Spark's log."""

import shutil

import pytest
from stream_devkit.crash import forget_commit
from stream_devkit.reconciliation import verdict

from dev.target import Target
from tests.events import event, expected_of
from tests.small_stream import CHECKPOINT_ID, SmallStream


@pytest.fixture(name="target")
def _target(servers, tmp_path):
    return Target(servers, tmp_path, "result")


@pytest.fixture(name="stream")
def _stream(spark, settings, tmp_path):
    """Return a stream of two batches: several rows, and a later event."""
    stream = SmallStream(spark, settings, tmp_path)
    stream.send(*(event(number / 10, key=number, number=number) for number in range(8)))
    stream.send(event(300, number=8))
    return stream


def exact(stream, target):
    """Return the verdict: the files against the test oracle."""
    return verdict(target.rows(), expected_of(stream.events, stream.settings).rows)


def parts(stream):
    """Return all Parquet files, those of unfinished batches included."""
    return sorted(stream.folder.glob("result/part-*.parquet"))


def test_files_of_a_killed_batch_are_not_read(spark, stream, target):
    """A batch that was killed while it wrote is in Spark's log once after the next run."""
    stream.kill_when(lambda: parts(stream))
    left = parts(stream)

    stream.run()

    assert left
    assert set(left) < set(parts(stream))
    assert exact(stream, target) == "exact"
    assert spark.read.parquet(stream.settings.sink.path).count() == len(target.rows())


def test_a_replayed_batch_adds_nothing_and_the_next_is_written(stream, target):
    """A batch replay adds no file, and the next batches are written."""
    stream.run()
    before = parts(stream)
    forget_commit(stream.checkpoint)
    stream.run()
    assert parts(stream) == before

    stream.send(event(301, key=1, number=9), event(600, number=10))
    stream.run()

    assert exact(stream, target) == "exact"


def test_a_folder_keeps_its_checkpoint_id(spark, stream, target):
    """The folder keeps its checkpoint id; Spark would skip the batch ids of a new checkpoint."""
    stream.run()
    rows, place = stream.rows(), stream.settings.sink
    place.prepare(spark, rows, "another checkpoint")

    assert place.target_checkpoint_id(spark) == CHECKPOINT_ID

    shutil.rmtree(stream.checkpoint)
    shutil.rmtree(stream.folder / "in")
    stream.send(event(301, key=1, number=9), event(600, number=10))
    stream.run()
    assert exact(stream, target) != "exact"


def test_a_folder_with_other_files_has_an_unknown_checkpoint_id(spark, settings, tmp_path):
    """Parquet files without Spark's log have an unknown checkpoint id, so a start is refused."""
    assert settings.sink.target_checkpoint_id(spark) is None
    assert not settings.sink.has_target(spark)

    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "part-0.parquet").touch()

    assert settings.sink.target_checkpoint_id(spark) == "unknown"
    assert settings.sink.has_target(spark)
