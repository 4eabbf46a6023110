"""Spark's own files in a checkpoint, whole and damaged."""

import pytest
from stream_runtime import spark_log
from stream_runtime.errors import CheckpointError
from stream_runtime.storage import LocalStorage

FILES = {
    "metadata": '{"id":"0a1b"}',
    "offsets/4": 'v1\n{"batchWatermarkMs":0}\n{"topic":{"0":40}}\n-',
    "offsets/5": 'v1\n{"batchWatermarkMs":0}\n{"topic":{"0":50}}\n-',
    "commits/4": 'v1\n{"nextBatchWatermarkMs":0}',
}


@pytest.fixture(name="root")
def _root(tmp_path):
    """Return a checkpoint whose batch 4 is committed and whose batch 5 is planned."""
    root = LocalStorage(tmp_path)
    for name, text in FILES.items():
        root.write(f"stream/{name}", text)
    return root


def require_whole(root):
    """Require that the newest files of a checkpoint are whole."""
    spark_log.require_whole(root, spark_log.committed(root), spark_log.planned(root))


def test_a_whole_log_is_accepted(root):
    """A checkpoint with one planned batch is whole."""
    require_whole(root)


def test_a_new_checkpoint_is_accepted(tmp_path):
    """Before the first batch there is nothing to damage."""
    require_whole(LocalStorage(tmp_path))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0, 2, -1])
def test_a_damaged_log_is_refused(root, name, kept):
    """A file that is empty or truncated is named, and what to do about it."""
    text = FILES[name].rstrip("\n-")
    root.write(f"stream/{name}", text[:kept])

    with pytest.raises(CheckpointError, match=f"{name} is truncated.*Restore"):
        require_whole(root)


@pytest.mark.parametrize("name", ["metadata", "offsets/4"])
def test_a_missing_log_is_refused(root, name):
    """A file that the next start reads is named if it is missing."""
    root.remove(f"stream/{name}")

    with pytest.raises(CheckpointError, match=f"{name} is missing.*Restore"):
        require_whole(root)


def test_an_empty_line_is_whole(root):
    """The offsets of the continuous trigger have no metadata."""
    root.write("stream/offsets/5", 'v1\n\n{"topic":{"0":50}}')

    require_whole(root)


def test_older_batches_are_not_read(root):
    """Spark removes old files, and needs none of them."""
    root.write("stream/offsets/1", "")

    require_whole(root)


def test_a_batch_that_is_not_committed_is_described(tmp_path):
    """The message that ends a job says what the next start does."""
    root = LocalStorage(tmp_path)
    assert spark_log.describe_due(root) == ""
    root.write("stream/offsets/4", "v1")

    assert "not committed batch 4: the next start runs it again" in spark_log.describe_due(root)
    root.write("stream/commits/4", "v1")
    assert spark_log.describe_due(root) == ""
