"""The reference table: its labels, its changes, and duplicate keys."""

import json
import subprocess
import sys
import time

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import functions as F
from stream_runtime.errors import SetupError
from stream_runtime.names import quote

from {{ cookiecutter.__package }} import lookup
from {{ cookiecutter.__package }}.lookup import LABEL, Lookup
from {{ cookiecutter.__package }}.schema import COLUMNS, KEY

from tests.events import event, key, raw

SECONDS = 120
SCHEMA = f"{quote(KEY)} {COLUMNS[KEY]}, {quote(LABEL)} STRING"


@pytest.fixture(name="table")
def _table(spark, tmp_path):
    """Return a function that adds rows to a reference table and returns its settings."""

    def table(form, *rows):
        place = str(tmp_path / form)
        frame = spark.createDataFrame(rows, SCHEMA).coalesce(1)
        writer = frame.write.format(form).mode("append")
        writer.options(header=True).save(place) if form == "csv" else writer.save(place)
        return Lookup(format=form, path=place)

    return table


@pytest.fixture(name="stream")
def _stream(spark, tmp_path):
    """Yield two functions: one starts an enriched stream, one returns the label of a key."""
    source, seen = tmp_path / "keys", []
    source.mkdir()
    queries = []

    def start(reference):
        for query in queries:
            query.stop()
        texts = spark.readStream.text(str(source))
        rows = texts.select(F.col("value").cast(COLUMNS[KEY]).alias(KEY))
        enriched = lookup.enrich(rows, reference.read(spark))
        writer = enriched.writeStream.foreachBatch(lambda batch, _: seen.extend(batch.collect()))
        writer = writer.option("checkpointLocation", f"{tmp_path}/checkpoint")
        queries.append(writer.trigger(processingTime="100 milliseconds").start())

    def label_of(number):
        (source / f"{len(seen)}-{time.monotonic_ns()}").write_text(str(key(number)), "utf-8")
        before, deadline = len(seen), time.monotonic() + SECONDS
        while len(seen) == before:
            assert time.monotonic() < deadline
            queries[-1].awaitTermination(0.1)
        return seen[-1][LABEL]

    yield start, label_of
    for query in queries:
        query.stop()


@pytest.mark.parametrize("form", ["delta", "parquet", "csv"])
def test_a_row_has_the_label_of_its_key(spark, table, form):
    """A row gets the label of its key, or null if the table lacks the key."""
    reference = table(form, (key(0), "zero"), (key(1), "one"))
    rows = spark.createDataFrame([(key(number), "") for number in range(3)], SCHEMA).drop(LABEL)

    enriched = lookup.enrich(rows, reference.read(spark)).collect()

    labels = {row[KEY]: row[LABEL] for row in enriched}
    assert labels == {key(0): "zero", key(1): "one", key(2): None}
    reference.check_data(spark)


@pytest.mark.parametrize("form", ["delta", "parquet", "csv"])
def test_a_duplicate_key_is_refused(spark, table, form):
    """A duplicate key is refused before the start; the message names what to do."""
    reference = table(form, (key(0), "zero"), (key(0), "nought"))

    with pytest.raises(SetupError, match=r"2 times: each row .* as often\. Leave one"):
        reference.check_data(spark)


def test_a_missing_table_is_refused(spark, tmp_path):
    """A missing table is refused before the start; the message names the settings."""
    with pytest.raises(SetupError, match=r"cannot be read(?s:.)*lookup\.path"):
        Lookup(path=str(tmp_path / "nowhere")).check_data(spark)


@pytest.fixture(name="bounded")
def _bounded(tmp_path):
    """Return a function that does a file run of two events with a reference file."""
    source, reference = tmp_path / "events.ndjson", tmp_path / "mine.csv"
    source.write_bytes(b"\n".join(raw(event(minute, number=minute)) for minute in (0, 300)))

    def run(*labels, table=reference):
        lines = [f"{KEY},{LABEL}", *(f"{key(0)},{label}" for label in labels)]
        reference.write_text("\n".join(lines), "utf-8")
        words = ["--input", source, "--output", tmp_path / "out", "--lookup", table]
        command = [sys.executable, "-m", lookup.__package__, "run", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_a_file_run_reads_a_reference_file(tmp_path, bounded):
    """With `--lookup`, a file run reads labels from that file, which must exist."""
    missing, there = bounded(table=tmp_path / "no.csv"), bounded("zero")

    lines = (tmp_path / "out" / "result.ndjson").read_text("utf-8").splitlines()
    assert missing.returncode == 2
    assert "no.csv is not a file" in missing.stderr
    assert there.returncode == 0, there.stderr
    assert {json.loads(line)[LABEL] for line in lines} == {"zero"}


def test_a_duplicate_key_fails_a_file_run(bounded):
    """A duplicate key ends a file run with a short message, without a stack trace."""
    twice = bounded("zero", "nought")

    assert twice.returncode == 4
    assert f"this key is in the table twice: {key(0)}" in twice.stderr
    assert "Traceback" not in twice.stderr


def test_a_change_of_a_delta_table_shows_in_the_next_batch(table, stream):
    """Each batch reads the Delta table again; a duplicate key stops the stream."""
    start, label_of = stream
    start(table("delta", (key(0), "zero")))
    before = label_of(1)
    table("delta", (key(1), "one"))
    after = label_of(1)
    table("delta", (key(1), "uno"))

    assert (before, after) == (None, "one")
    with pytest.raises(StreamingQueryException, match="this key is in the table twice"):
        label_of(1)


def test_a_change_of_files_shows_after_a_restart(table, stream):
    """A stream lists the files of the table at its start, so new files need a restart."""
    start, label_of = stream
    reference = table("parquet", (key(0), "zero"))
    start(reference)
    table("parquet", (key(1), "one"))
    before = label_of(1)
    start(reference)

    assert (before, label_of(1)) == (None, "one")
