"""The folder that the sink adds to: owned by one checkpoint, exact for those who obey its log."""

import shutil

import pytest
from stream_devkit.reconciliation import verdict

from dev.target import Target
from tests.crash import forget_commit
from tests.events import event, expected_of
from tests.small_stream import CHECKPOINT_ID, SmallStream


@pytest.fixture(name="target")
def _target(servers, tmp_path):
    return Target(servers, tmp_path, "result")


@pytest.fixture(name="stream")
def _stream(spark, settings, tmp_path):
    """Several rows in one batch, and what closes their windows."""
    stream = SmallStream(spark, settings, tmp_path)
    stream.send(*(event(number / 10, key=number, number=number) for number in range(8)))
    stream.send(event(300, number=8))
    return stream


def exact(stream, target):
    """How the files differ from a computation in plain Python, if they do."""
    return verdict(target.rows(), expected_of(stream.events, stream.settings).rows)


def parts(stream):
    """All files of rows, those of batches that died included."""
    return sorted(stream.folder.glob("result/part-*.parquet"))


def test_a_kill_leaves_files_that_no_reader_sees(spark, stream, target):
    """Killed while its tasks write, the job writes the batch again; Spark's log has it once."""
    stream.kill_when(lambda: parts(stream))
    left = parts(stream)

    stream.run()

    assert left
    assert set(left) < set(parts(stream))
    assert exact(stream, target) == "exact"
    assert spark.read.parquet(stream.settings.sink.path).count() == len(target.rows())


def test_a_replayed_batch_adds_nothing_and_later_ones_flow(stream, target):
    """Dead between the sink's commit and Spark's, the batch runs again and is skipped."""
    stream.run()
    before = parts(stream)
    forget_commit(stream.checkpoint)
    stream.run()
    assert parts(stream) == before

    stream.send(event(301, key=1, number=9), event(600, number=10))
    stream.run()

    assert exact(stream, target) == "exact"


def test_a_folder_knows_its_checkpoint(spark, stream, target):
    """Batches of a new checkpoint would have numbers that are there, and be dropped."""
    stream.run()
    rows, place = stream.rows(), stream.settings.sink
    place.prepare(spark, rows, "another checkpoint")

    assert place.target_checkpoint_id(spark) == CHECKPOINT_ID

    shutil.rmtree(stream.checkpoint)
    shutil.rmtree(stream.folder / "in")
    stream.send(event(301, key=1, number=9), event(600, number=10))
    stream.run()
    assert exact(stream, target) != "exact"


def test_files_of_others_are_no_place_for_the_result(spark, settings, tmp_path):
    """They would vanish for all who read the folder as Spark does."""
    assert settings.sink.target_checkpoint_id(spark) is None

    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "part-0.parquet").touch()

    assert settings.sink.target_checkpoint_id(spark) == "unknown"
