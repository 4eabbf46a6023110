"""Files that are deleted before the job is done with them: Spark skips each silently."""

import json
from pathlib import Path
from shutil import rmtree

import pytest
from stream_devkit.crash import forget_quarantine_write
from stream_runtime.spark_log import list_files
from stream_runtime.storage import LocalStorage
from stream_runtime.unreadable import FOLDER, REASON, REASON_AFTER_BATCH, UnreadableFiles

from tests import matrix, variants

FILES = {**variants.SCHEDULED, "source": "files"}
PROTECTED = pytest.mark.parametrize("is_protected", [True, False], ids=["with", "without"])


@PROTECTED
@pytest.mark.life
def test_a_new_attempt_names_each_missing_file(services, tmp_path, monkeypatch, is_protected):
    """The files were deleted after the batch was planned, while its first attempt failed."""
    _protect(monkeypatch, is_protected)
    deleted = []

    def fail_once(project):
        sink = project.load(".sink").Sink
        write = sink.write

        def delete_and_fail(_, number):
            deleted.extend(_delete_files(project, number))
            raise OSError

        def write_once(_, rows, __):
            monkeypatch.setattr(sink, "write", write)
            return rows.writeStream.foreachBatch(delete_and_fail)

        monkeypatch.setattr(sink, "write", write_once)

    assert _run(services, tmp_path, fail_once) == _named(deleted, REASON, is_protected)
    assert deleted


@PROTECTED
@pytest.mark.life
def test_a_replay_names_each_missing_file(services, tmp_path, monkeypatch, is_protected):
    """The files were deleted after the batch was committed, and before its quarantine write."""
    _protect(monkeypatch, is_protected)
    deleted = []

    def die_and_delete(project):
        quarantine = Path(project.settings.quarantine.path)
        batch = max(int(path.name) for path in quarantine.glob("*/[0-9]*"))
        (folder,) = quarantine.glob(f"*/{batch:06d}")
        rmtree(folder)
        forget_quarantine_write(Path(project.settings.checkpoint.root), batch)
        deleted.extend(_delete_files(project, batch))

    found = _run(services, tmp_path, die_and_delete)

    assert found == _named(deleted, REASON_AFTER_BATCH, is_protected)
    assert deleted


def _protect(monkeypatch, is_protected):
    """Negative control: without the search for missing files, quarantine names none."""
    if not is_protected:
        monkeypatch.setattr(UnreadableFiles, "_find", lambda *_: [])


def _delete_files(project, batch):
    """Delete the files of a batch; return their names."""
    files = list_files(LocalStorage(Path(project.settings.checkpoint.root)), 0, batch - 1, batch)
    for file in files:
        Path(file.removeprefix("file:")).unlink()
    return files


def _run(services, folder, between):
    """Run the project twice; return the names of files in quarantine, each with its reason."""
    projects = []

    def harm(project):
        projects.append(project)
        between(project)

    matrix.run_project(FILES, services, folder, between=harm)
    records = Path(projects[0].settings.quarantine.path).glob(f"*/{FOLDER}/*")
    named = [json.loads(path.read_text("utf-8")) for path in records]
    return {record["origin"]: record["reason"] for record in named}


def _named(files, reason, is_protected):
    return dict.fromkeys(files, reason) if is_protected else {}
