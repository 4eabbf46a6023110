"""Copies of the source's records."""

from types import SimpleNamespace

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import functions as F
from stream_devkit.export import export
from stream_runtime.errors import ConfigError
from stream_runtime.session import Session, State


@pytest.fixture(name="copy")
def _copy(spark, tmp_path):
    """Return a function that exports the lines of a source: `~` is a line end, `-` is null."""
    settings = SimpleNamespace(
        session=Session(platform="databricks"),
        state=State(),
        spark_conf=dict,
        check_data=id,
        checkpoint=SimpleNamespace(root=str(tmp_path / "checkpoint")),
        without_files=lambda files: SimpleNamespace(**vars(settings) | {"left_out": files}),
        left_out=[],
    )

    def read(_=spark, given=settings):
        lines = spark.readStream.text(str(tmp_path / "source"))
        lines = lines.where(~F.col("_metadata.file_path").isin(*given.left_out))
        text = F.when(F.col("value") != "-", F.translate("value", "~", "\n"))
        # The line is also the time at which the source got it.
        return [lines.select(text.cast("binary").alias("raw"), F.col("value").alias("ingest_time"))]

    def copy(lines, most):
        (tmp_path / "source").mkdir()
        (tmp_path / "source" / "lines.txt").write_text("\n".join(lines), "utf-8")
        return run(most)

    def run(most, batch=None):
        job = SimpleNamespace(name="export", read=read)
        file = tmp_path / "build" / "sample.ndjson"
        (count,) = export(job, settings, [file], most, batch)
        return count, file.read_text("utf-8")

    copy.run, copy.read = run, read
    return copy


def test_each_record_is_a_line_in_the_order_of_the_source(copy):
    """A line end in a record becomes a space, and a record without a value is left out."""
    assert copy(["b{~}", "-", "a{}"], 10) == (2, "a{}\nb{ }\n")


def test_no_more_records_are_copied_than_asked_for(copy):
    """The first records are copied."""
    assert copy(["c", "a", "b"], 2) == (2, "a\nb\n")


@pytest.fixture(name="stream")
def _stream(copy, tmp_path):
    """Return a function that adds a line to the source and runs the next batch of a job."""
    (tmp_path / "source").mkdir()

    def run(line, sink=lambda *_: None):
        (tmp_path / "source" / line).write_text(f"{line}\n", "utf-8")
        (lines,) = copy.read()
        writer = lines.writeStream.foreachBatch(sink).trigger(availableNow=True)
        checkpoint = str(tmp_path / "checkpoint/stream")
        writer.option("checkpointLocation", checkpoint).start().awaitTermination()

    return run


@pytest.fixture(name="begun")
def _begun(copy, stream, tmp_path):
    """Return the export of a job that has committed batch 0 and whose batch 1 failed."""

    def fail(*_):
        raise ValueError

    stream("first")
    with pytest.raises(StreamingQueryException):
        stream("poison", fail)
    (tmp_path / "source/later").write_text("later\n", "utf-8")
    return copy.run


def test_the_records_of_one_batch_are_copied(begun):
    """The batch need not be committed, and no record of another one is copied."""
    assert begun(10, 0) == (1, "first\n")
    assert begun(10, 1) == (1, "poison\n")


def test_the_records_after_the_last_batch_are_copied(copy, stream, tmp_path):
    """A job that fails before it has planned the next batch would read all of them."""
    stream("first")
    for line in ("next", "poison"):
        (tmp_path / "source" / line).write_text(f"{line}\n", "utf-8")

    assert copy.run(10, 0) == (1, "first\n")
    assert copy.run(10, 1) == (2, "next\npoison\n")
    with pytest.raises(ConfigError, match=r"can be copied: 0 to 1"):
        copy.run(10, 2)


def test_a_batch_of_a_log_without_facts_is_copied(begun, tmp_path):
    """The continuous trigger leaves the line of the facts empty."""
    for file in (tmp_path / "checkpoint/stream/offsets").glob("[0-9]"):
        version, _, *ends = file.read_text("utf-8").splitlines()
        file.write_text("\n".join([version, "", *ends]), "utf-8")

    assert begun(10, 0) == (1, "first\n")
    assert begun(10, 1) == (1, "poison\n")


def test_a_file_that_the_job_leaves_out_is_not_copied(begun, tmp_path):
    """A damaged file would end the copy of its batch, as it ended the batch."""
    damaged = tmp_path / "source/poison"
    (tmp_path / "checkpoint/unreadable.json").write_text(f'["file:{damaged}"]', "utf-8")

    assert begun(None, 1) == (0, "")


@pytest.mark.parametrize("batch", [-1, 2])
def test_another_batch_is_refused(begun, batch):
    """The message says which batches can be copied."""
    with pytest.raises(ConfigError, match=rf"no batch {batch}\. .* can be copied: 0 to 1"):
        begun(10, batch)
