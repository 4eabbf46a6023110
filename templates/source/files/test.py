"""Which files of a folder are read."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.errors import StreamingQueryException
from stream_runtime.errors import SetupError

NOW = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.fixture(name="folder")
def _folder(settings):
    """Return the folder that the job reads."""
    return Path(settings.source.path)


def put(path, content, age=timedelta(0)):
    """Move a complete file of this age into the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(content)
    modified = (NOW - age).timestamp()
    os.utime(draft, (modified, modified))
    draft.rename(path)


def batches(spark, settings, tmp_path):
    """Return the envelopes of each new batch; a second call continues after them."""
    taken = []
    envelopes = settings.source.read(spark)
    writer = envelopes.writeStream.foreachBatch(lambda rows, _: taken.append(rows.collect()))
    writer = writer.option("checkpointLocation", f"{tmp_path}/files").trigger(availableNow=True)
    writer.start().awaitTermination()
    return taken


def lines(spark, settings, tmp_path):
    """Return the lines of each new batch."""
    taken = batches(spark, settings, tmp_path)
    return [[bytes(row.raw).decode() for row in rows] for rows in taken]


def test_lines_are_records_byte_for_byte(spark, settings, folder, tmp_path):
    """A line keeps all its bytes, except for a byte order mark; an empty line is a record."""
    put(folder / "one file", b'\xef\xbb\xbf{"a": 1}\r\n\n{"b": "caf\xe9"}\n\r\nno end')

    ((*rows,),) = batches(spark, settings, tmp_path)

    read = [bytes(row.raw) for row in rows]
    assert read == [b'{"a": 1}\r', b"", b'{"b": "caf\xe9"}', b"\r", b"no end"]
    assert {row.ingest_time.astimezone(UTC) for row in rows} == {NOW}
    assert {row.origin for row in rows} == {f"file:{folder}/one%20file"}


def test_files_are_read_in_the_order_of_their_times(spark, make_settings, tmp_path):
    """Files are read by modification time, at most `source.max_files_per_trigger` a batch."""
    settings = make_settings("source.max_files_per_trigger=1")
    for name, days in (("a", 1), ("b", 3), ("c", 2)):
        put(Path(settings.source.path) / name, name.encode(), timedelta(days))

    assert lines(spark, settings, tmp_path) == [["b"], ["c"], ["a"]]


def test_new_files_are_read_once(spark, settings, folder, tmp_path):
    """A restart reads all new files, older ones too, and no file twice."""
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


def test_hidden_files_and_other_names_are_not_read(spark, make_settings, tmp_path):
    """Hidden files and other names are not read; files in subfolders are."""
    settings = make_settings("source.file_names=*.ndjson")
    folder = Path(settings.source.path)
    for name in (".draft.ndjson", "_mark.ndjson", "notes.txt", "day=1/hour=2/x.ndjson"):
        put(folder / name, name.encode())

    assert lines(spark, settings, tmp_path) == [["day=1/hour=2/x.ndjson"]]


@pytest.mark.parametrize("ignore", ["false", "true"])
def test_an_unreadable_file_is_left_out(spark, settings, folder, tmp_path, ignore):
    """Spark does not skip it silently, and does not open it once the source leaves it out."""
    spark.conf.set("spark.sql.files.ignoreCorruptFiles", ignore)
    put(folder / "day=1/not gzip: 50%.gz", b"no gzip")
    put(folder / "good", b"1")
    with pytest.raises(StreamingQueryException) as failed:
        lines(spark, settings, tmp_path)
    (name,) = re.findall(r"reading file file://(/\S+)\.", str(failed.value))
    name = f"file:{name}"

    left = settings.source.without_files([name])
    assert lines(spark, settings.model_copy(update={"source": left}), tmp_path) == [["1"]]


def test_a_changed_file_is_not_read_again(spark, settings, folder, tmp_path):
    """A file that is replaced or extended after it was read is not read again."""
    put(folder / "x", b"1")
    before = lines(spark, settings, tmp_path)
    put(folder / "x", b"1\n2", timedelta(days=-1))

    assert before == [["1"]]
    assert lines(spark, settings, tmp_path) == []


def test_a_missing_folder_is_refused(spark, settings, folder):
    """A missing folder is refused before the start, by the check or by Spark."""
    folder.rmdir()
    elsewhere = settings.source.model_copy(update={"path": folder.as_uri()})

    with pytest.raises(SetupError, match="There is no folder"):
        settings.source.check()
    with pytest.raises(SetupError, match="Spark cannot read"):
        elsewhere.read(spark)
