"""The transform as a stream over files: late events, closed windows, reconciliation."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import pytest
from pyspark.sql import functions as F
from pyspark.sql import types as T
from stream_devkit.file_run import FileRun
from stream_devkit.samples import UNKNOWN
from stream_runtime import records
from stream_runtime.cli import main
from stream_runtime.names import quote

from clickstream_metrics import job
from clickstream_metrics.schema import EVENT, KEY

from tests.events import event, key, raw
from tests.oracle import expected


@pytest.fixture(name="stream")
def _stream(spark, make_settings, tmp_path):
    """Return a function that does a file run: it returns rows, quarantine and summary."""

    def stream(messages, *overrides, batch_rows):
        source, output = tmp_path / "events.ndjson", tmp_path / "out"
        source.write_bytes(b"".join(message + b"\n" for message in messages))
        work = Path(mkdtemp(dir=tmp_path))
        inputs = [source]
        file_run = FileRun(job.JOB, make_settings(*overrides), spark, inputs, work, batch_rows)
        summary = file_run.write(output, expected)
        return _lines(output / "result.ndjson"), _lines(output / "quarantine.ndjson"), summary

    return stream


def test_late_and_out_of_order_events(stream):
    """An event counts until its window is closed, and is late afterwards.

    Two events a batch; window 5 minutes, watermark 10 minutes behind the newest event.
    """
    minutes = [
        *(0, 12),  # the watermark moves to 2: nothing closes
        *(6, 30),  # out of order; the watermark moves to 20
        *(1, 31),  # late, but [0, 5) closes only with this batch
        *(2, 32),  # [0, 5) has closed
    ]

    rows, _, summary = stream(
        [raw(event(minute, number=number)) for number, minute in enumerate(minutes)], batch_rows=2
    )

    counts = {(row["window_start"][11:16], row[KEY]): row["event_count"] for row in rows}
    assert counts == {("00:00", key(0)): 2, ("00:05", key(0)): 1, ("00:10", key(0)): 1}
    assert (summary["late_rows"], summary["open_rows"]) == (1, 3)
    assert summary["verdict"] == "exact"


def test_out_of_order_events_match_the_oracle(stream):
    """Events in random order, many of them late, give the result of the test oracle."""
    random = Random(5)  # noqa: S311 - a seed, so that a failure repeats
    minutes = [120 + number / 2 + random.gauss(0, 12) for number in range(160)]

    messages = [raw(event(minute, number=number)) for number, minute in enumerate(minutes)]

    rows, quarantined, summary = stream(messages, "window.offset=2 minutes", batch_rows=20)

    assert summary["verdict"] == "exact"
    assert [row["reason"] for row in quarantined] == ["late"] * summary["late_rows"]
    assert summary["late_rows"] > 10
    assert len(rows) > 10


def test_every_record_is_reconciled(stream):
    """Each record is counted, late, pending or invalid."""
    valid = [raw(event(minute, key=minute % 3, number=minute)) for minute in range(120)]
    messages = [*valid[:40], b"oops", *valid[40:], b"", raw(event(1)), b"[]"]

    _, quarantined, summary = stream(messages, batch_rows=10)

    invalid = [row for row in quarantined if row["reason"] != "late"]
    assert len(quarantined) - len(invalid) == summary["late_rows"]
    assert summary["input_rows"] == len(messages)
    parts = ("invalid_rows", "late_rows", "counted_rows", "open_rows")
    assert sum(summary[part] for part in parts) == len(messages) - (summary["duplicate_rows"] or 0)
    assert summary["verdict"] == "exact"
    assert [(row["raw"], row["origin"]) for row in invalid] == [
        ("oops", "events.ndjson:41"),
        ("", "events.ndjson:122"),
        ("[]", "events.ndjson:124"),
    ]


def test_the_same_event_twice_counts_twice(stream):
    """This job does not drop duplicates: a duplicate counts as an event."""
    _, _, summary = stream([raw(event(0, number=7))] * 2, batch_rows=2)

    assert summary["counted_rows"] + summary["open_rows"] == 2
    assert summary["duplicate_rows"] is None


def test_a_wrong_transform_is_not_exact(stream, monkeypatch):
    """If the transform loses rows, the verdict is not exact."""
    original = job.transform
    monkeypatch.setattr(job, "transform", lambda *given: original(*given).where("false"))

    _, _, summary = stream([raw(event(minute, number=minute)) for minute in (0, 60)], batch_rows=2)

    assert summary["verdict"].startswith("0 rows where ")


def test_other_late_events_than_those_of_spark_are_not_exact(stream, monkeypatch):
    """If quarantine has other late events than Spark drops, the verdict is not exact."""
    minutes = [0, 60, 61, 1]
    messages = [raw(event(minute, number=number)) for number, minute in enumerate(minutes)]
    _, _, unchanged = stream(messages, batch_rows=1)
    later = replace(job.JOB, late_from=lambda time, _: time + F.expr("INTERVAL 1 DAY"))
    monkeypatch.setattr(job, "JOB", later)

    _, _, wrong = stream(messages, batch_rows=1)

    assert unchanged["verdict"] == "exact"
    assert wrong["verdict"].startswith("0 late events in quarantine where ")


def test_a_message_with_two_events_is_invalid(stream):
    """A message with more than one event is in quarantine as a whole."""
    _, quarantined, summary = stream(_with_tails(), batch_rows=3)

    places = [f"events.ndjson:{number}" for number in range(1, 5)]
    assert [(row["reason"], row["origin"]) for row in quarantined] == [
        ("malformed", place) for place in places
    ]
    assert summary["quarantined_rows"] == len(places)
    assert summary["verdict"] == "exact"


def test_a_lost_event_is_not_exact(stream, monkeypatch):
    """If the job reads two events as one, the verdict is not exact."""
    monkeypatch.setattr(records, "_parsed", _in_an_array)

    _, _, summary = stream(_with_tails(), batch_rows=3)

    assert summary["verdict"].startswith("events.ndjson:1: the job counts this line")


def test_an_event_in_quarantine_is_not_exact(stream, monkeypatch):
    """If the job puts an event into quarantine, the verdict is not exact."""
    parsed = records._parsed  # noqa: SLF001 - the test breaks it
    monkeypatch.setattr(
        records,
        "_parsed",
        lambda text, schema: parsed(F.when(~text.contains(UNKNOWN), text), schema),
    )

    _, _, summary = stream([raw(event(0)), raw(event(1) | {UNKNOWN: 1})], batch_rows=2)

    assert summary["verdict"].startswith("events.ndjson:2: the job puts this line in quarantine")


def test_a_wrong_value_is_not_exact(stream, monkeypatch):
    """If the job reads another number than the oracle, the verdict is not exact."""
    with_fields = records._with_fields  # noqa: SLF001 - the test breaks it

    def wrong(rows, schema):
        event, measure = F.col("event"), schema.measures[0]
        more = (event[measure] + 1).cast(schema.columns[measure])
        is_wrong = F.col("raw").cast("string").contains(UNKNOWN)
        changed = F.when(is_wrong, event.withField(quote(measure), more)).otherwise(event)
        return with_fields(rows, schema).withColumn("event", changed)

    monkeypatch.setattr(records, "_with_fields", wrong)

    _, _, summary = stream([raw(event(0)), raw(event(1) | {UNKNOWN: 1})], batch_rows=2)

    assert summary["verdict"].startswith("events.ndjson:2: the job reads ")
    assert f" in {EVENT.sent_as(EVENT.measures[0])}, but the line says " in summary["verdict"]


def test_a_wrong_measure_is_not_exact(stream, monkeypatch):
    """If a measure differs by 0.01, or by 1 for integers, the verdict is not exact."""
    original, measure = job.transform, EVENT.measures[0]
    kind = EVENT.columns[measure]

    def wrong(events, *given):
        least = F.coalesce(F.nullif(F.lit(0.01).cast(kind), F.lit(0)), F.lit(1))
        is_first = F.col(quote(EVENT.time)) == F.lit(event(0)[EVENT.time])
        value = F.col(quote(measure)) + F.when(is_first, least).otherwise(0)
        return original(events.withColumn(measure, value.cast(kind)), *given)

    monkeypatch.setattr(job, "transform", wrong)

    _, _, summary = stream([raw(event(n, number=n)) for n in (0, 600)], batch_rows=1)

    assert " rows differ" in summary["verdict"]


def test_a_batch_of_invalid_records_advances_the_watermark(stream):
    """A batch with only invalid records advances the watermark like any other batch."""
    early, later, back, last = (
        raw(event(minute, number=number)) for number, minute in enumerate([0, 60, 5, 120])
    )

    _, _, summary = stream([early, later, b"invalid", back, last], batch_rows=1)

    assert summary["verdict"] == "exact"


def test_the_batch_size_does_not_change_an_ordered_stream(stream):
    """If no event is late, batches of any size give the same result."""
    messages = [raw(event(minute / 2, key=minute % 2, number=minute)) for minute in range(80)]

    results = [stream(messages, batch_rows=size)[0] for size in (15, 80)]

    small, large = (Counter(json.dumps(row, sort_keys=True) for row in rows) for rows in results)
    assert small == large


def test_a_missing_input_is_refused(capsys, tmp_path):
    """A missing input file is one line of error and exit code 2."""
    arguments = ["run", "--input", str(tmp_path / "no.ndjson"), "--output", str(tmp_path)]

    assert main(job.JOB, arguments) == 2
    assert "no.ndjson is not a file" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--output", "--batch-rows"])
def test_an_option_of_a_file_run_needs_the_input(capsys, option):
    """An option of a file run without `--input` is refused."""
    assert main(job.JOB, ["run", option, "7"]) == 2
    assert f"{option} works only with --input" in capsys.readouterr().err


def _with_tails():
    """Return messages in order; the first four have more text after their event."""
    first, second, third, fourth, *others = (raw(event(n, number=n)) for n in range(8))
    other = raw(event(0, number=9))
    return [
        first + b"]}" + other,
        second + b"]}," + other,
        third + b"]}" + other[: len(other) // 2],
        fourth + b'],"events":[' + other,
        *others,
    ]


def _in_an_array(text, schema):
    """Parse the text inside of a JSON array, which the text itself can close."""
    columns = T.StructType().add("events", T.ArrayType(records.json_columns(schema)))
    columns.add("_corrupt_record", "string")
    found = F.from_json(F.concat(F.lit('{"events":['), text, F.lit("]}")), columns)
    event = F.get(found["events"], F.lit(0))
    return F.struct(
        *(event[name].alias(name) for name in schema.sent),
        F.when(F.size(found["events"]) == 1, F.lit(True)).alias(records.MARK),
        found["_corrupt_record"].alias(records.CORRUPT),
    )


def _lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
