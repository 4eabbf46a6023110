"""The manifest, Spark's own logs, the lock, and the storage of a checkpoint."""

import json
import os
import subprocess
import sys

import pytest
from stream_runtime import checkpoint, manifest, quarantine, spark_log
from stream_runtime.errors import CheckpointError
from stream_runtime.storage import HadoopStorage, LocalStorage


def test_the_first_start_writes_the_manifest(tmp_path):
    """Later starts of the same query get the same checkpoint id."""
    root = LocalStorage(tmp_path)

    first = manifest.admit(root, {"window": "5 minutes"}, target_id=None)

    assert manifest.admit(root, {"window": "5 minutes"}, target_id=first.checkpoint_id) == first


def test_another_query_is_refused(tmp_path):
    """The refusal says what changed and how to migrate; the manifest stays as it is."""
    root = LocalStorage(tmp_path)
    manifest.admit(root, {"window": "5 minutes"}, target_id=None)
    written = root.read(manifest.MANIFEST)

    with pytest.raises(CheckpointError, match=r"window: 5 minutes -> 1 hour(?s:.)*migrate"):
        manifest.admit(root, {"window": "1 hour"}, target_id=None)

    assert root.read(manifest.MANIFEST) == written


def test_new_and_missing_facts_are_differences():
    """New, missing and changed facts are differences; equal facts are not."""
    before, now = {"a": "1", "b": "1", "c": "1"}, {"b": "1", "c": "2", "d": "1"}

    found = manifest.differences(before, now)

    assert found == ["a: 1 -> none", "c: 1 -> 2", "d: none -> 1"]


def test_a_checkpoint_without_a_manifest_is_refused(tmp_path):
    """A checkpoint with batches and without a manifest is refused."""
    root = LocalStorage(tmp_path)
    root.write("stream/offsets/0", "v1")

    with pytest.raises(CheckpointError, match="unknown which query they are of"):
        manifest.admit(root, {}, target_id=None)


DAMAGED = ["", "{", "[]", '"text"', "{}", '{"checkpoint_id": "1", "other": 2}', "\udcff"]


@pytest.mark.parametrize("text", DAMAGED)
@pytest.mark.parametrize(
    ("name", "read"),
    [
        (manifest.MANIFEST, manifest.read_manifest),
        (quarantine.PROGRESS, lambda root: quarantine.QuarantineProgress(root, None, None, None)),
        ("stream/metadata", spark_log.query_id),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, name, read, text):
    """The refusal names the file and what to do; there is no traceback."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(CheckpointError, match=f"^{name} in checkpoint.root is damaged: .*Restore"):
        read(LocalStorage(tmp_path))


@pytest.mark.parametrize("before", ["none", "another"])
def test_a_target_of_another_checkpoint_is_refused(tmp_path, before):
    """A checkpoint that did not write the rows of the target does not add to them."""
    root = LocalStorage(tmp_path)
    if before == "another":
        manifest.admit(root, {}, target_id=None)
    written = root.names("")

    with pytest.raises(CheckpointError, match="would add all rows again"):
        manifest.admit(root, {}, target_id="0123456789ab")

    assert root.names("") == written


def test_sparks_log_is_read(tmp_path):
    """It has the last committed batch, the batch that a start replays, and their offsets."""
    root = LocalStorage(tmp_path)
    for batch in (9, 10, 11):
        offsets = json.dumps({"topic": {"0": batch}})
        root.write(f"stream/offsets/{batch}", "\n".join(["v1", "metadata", offsets]))
    for batch in (9, 10):
        root.write(f"stream/commits/{batch}", "v1")

    assert spark_log.committed(root) == 10
    assert spark_log.planned(root) == 11
    assert spark_log.offsets(root, 10) == ['{"topic": {"0": 10}}']
    assert spark_log.offsets(root, 8) == []


def test_a_second_driver_is_refused(tmp_path):
    """A second process on the same checkpoint is refused."""
    module = checkpoint.__name__
    code = f"from {module} import sole_driver\nwith sole_driver({str(tmp_path)!r}): pass"
    start = [sys.executable, "-c", code]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    with checkpoint.sole_driver(str(tmp_path)):
        second = subprocess.run(start, env=paths, capture_output=True, text=True, check=False)

    assert second.returncode == 1
    assert "Another process runs on" in second.stderr
    assert subprocess.run(start, env=paths, check=False).returncode == 0


@pytest.mark.parametrize("kind", ["local", "hadoop"])
def test_both_storages_replace_and_list_files(spark, tmp_path, kind):
    """Both storages replace files atomically, list visible ones, and accept a missing file."""
    root = LocalStorage(tmp_path) if kind == "local" else HadoopStorage(tmp_path.as_uri(), spark)

    assert root.read("a/b") is None
    assert root.names("a") == []
    root.write("a/b", "one")
    root.write("a/b", "two \N{SNOWMAN}")
    assert root.read("a/b") == "two \N{SNOWMAN}"
    assert root.names("a") == ["b"]
    root.remove("a/b")
    root.remove("a/b")
    assert root.names("a") == []
