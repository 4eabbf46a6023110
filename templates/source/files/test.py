"""What counts of the files in a folder, and what never does."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stream_runtime.errors import SetupError

NOW = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.fixture(name="folder")
def _folder(settings):
    """The folder that the job reads."""
    return Path(settings.source.path)


def put(path, content, age=timedelta(0)):
    """Move a whole file in, as old as that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(content)
    modified = (NOW - age).timestamp()
    os.utime(draft, (modified, modified))
    draft.rename(path)


def batches(spark, settings, tmp_path):
    """The envelopes of each batch that the source yields now; a second call goes on from there."""
    taken = []
    envelopes = settings.source.read(spark)
    writer = envelopes.writeStream.foreachBatch(lambda rows, _: taken.append(rows.collect()))
    writer = writer.option("checkpointLocation", f"{tmp_path}/files").trigger(availableNow=True)
    writer.start().awaitTermination()
    return taken


def lines(spark, settings, tmp_path):
    """What was read, batch by batch."""
    taken = batches(spark, settings, tmp_path)
    return [[bytes(row.raw).decode() for row in rows] for rows in taken]


def test_lines_are_records_byte_for_byte(spark, settings, folder, tmp_path):
    """Empty lines and bytes that are no text are kept; a byte order mark is not part of a line."""
    put(folder / "one file", b'\xef\xbb\xbf{"a": 1}\r\n\n{"b": "caf\xe9"}\n\r\nno end')

    ((*rows,),) = batches(spark, settings, tmp_path)

    read = [bytes(row.raw) for row in rows]
    assert read == [b'{"a": 1}\r', b"", b'{"b": "caf\xe9"}', b"\r", b"no end"]
    assert {row.ingest_time.astimezone(UTC) for row in rows} == {NOW}
    assert {row.origin for row in rows} == {f"file:{folder}/one%20file"}


def test_files_are_taken_in_the_order_of_their_times(spark, make_settings, tmp_path):
    """Their names say nothing; a batch takes no more files than it may."""
    settings = make_settings("source.max_files_per_trigger=1")
    for name, days in (("a", 1), ("b", 3), ("c", 2)):
        put(Path(settings.source.path) / name, name.encode(), timedelta(days))

    assert lines(spark, settings, tmp_path) == [["b"], ["c"], ["a"]]


def test_files_that_come_later_are_read_once(spark, settings, folder, tmp_path):
    """After a restart the job reads what has come since, older files too, and nothing twice."""
    put(folder / "first", b"1")
    first = lines(spark, settings, tmp_path)
    put(folder / "older", b"2", timedelta(days=1))
    put(folder / "newer", b"3", timedelta(days=-1))
    second = lines(spark, settings, tmp_path)

    assert first == [["1"]]
    assert sorted(line for batch in second for line in batch) == ["2", "3"]
    assert lines(spark, settings, tmp_path) == []


@pytest.mark.parametrize(("age", "read"), [("7 days", []), ("30 days", [["2"]])])
def test_a_file_that_is_too_old_is_ignored(spark, make_settings, tmp_path, age, read):
    """A file that is older than the newest by more than the setting is silently ignored."""
    settings = make_settings(f"source.max_file_age={age}")
    folder = Path(settings.source.path)
    put(folder / "new", b"1")
    before = lines(spark, settings, tmp_path)
    put(folder / "moved here late", b"2", timedelta(days=8))

    assert before == [["1"]]
    assert lines(spark, settings, tmp_path) == read


def test_what_is_no_file_of_events(spark, make_settings, tmp_path):
    """Drafts, marks and other names are not read; folders in the folder are."""
    settings = make_settings("source.file_names=*.ndjson")
    folder = Path(settings.source.path)
    for name in (".draft.ndjson", "_mark.ndjson", "notes.txt", "day=1/hour=2/x.ndjson"):
        put(folder / name, name.encode())

    assert lines(spark, settings, tmp_path) == [["day=1/hour=2/x.ndjson"]]


def test_a_file_is_read_once_whatever_becomes_of_it(spark, settings, folder, tmp_path):
    """Another file under its name, or more lines in it, are not read: files arrive whole."""
    put(folder / "x", b"1")
    before = lines(spark, settings, tmp_path)
    put(folder / "x", b"1\n2", timedelta(days=-1))

    assert before == [["1"]]
    assert lines(spark, settings, tmp_path) == []


def test_the_folder_must_be_there(spark, settings, folder):
    """On this disk the check says so; elsewhere Spark does, before the start as well."""
    folder.rmdir()
    elsewhere = settings.source.model_copy(update={"path": folder.as_uri()})

    with pytest.raises(SetupError, match="There is no folder"):
        settings.source.check()
    with pytest.raises(SetupError, match="Spark cannot read"):
        elsewhere.read(spark)
