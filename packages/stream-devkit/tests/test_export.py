"""Copies of the source's records."""

from types import SimpleNamespace

import pytest
from pyspark.sql import functions as F
from stream_devkit.export import export
from stream_runtime.session import Session, State


@pytest.fixture(name="copy")
def _copy(spark, tmp_path):
    """Return a function that exports the lines of a source: `~` is a line end, `-` is null."""
    settings = SimpleNamespace(
        session=Session(platform="databricks"), state=State(), spark_conf=dict, check_data=id
    )

    def read(*_):
        lines = spark.readStream.text(str(tmp_path / "source"))
        text = F.when(F.col("value") != "-", F.translate("value", "~", "\n"))
        # The line is also the time at which the source got it.
        return [lines.select(text.cast("binary").alias("raw"), F.col("value").alias("ingest_time"))]

    def copy(lines, most):
        (tmp_path / "source").mkdir()
        (tmp_path / "source" / "lines.txt").write_text("\n".join(lines), "utf-8")
        job = SimpleNamespace(name="export", read=read)
        file = tmp_path / "build" / "sample.ndjson"
        (count,) = export(job, settings, [file], most)
        return count, file.read_text("utf-8")

    return copy


def test_each_record_is_a_line_in_the_order_of_the_source(copy):
    """A line end in a record becomes a space, and a record without a value is left out."""
    assert copy(["b{~}", "-", "a{}"], 10) == (2, "a{}\nb{ }\n")


def test_no_more_records_are_copied_than_asked_for(copy):
    """The first records are copied."""
    assert copy(["c", "a", "b"], 2) == (2, "a\nb\n")
