"""The file run: the job over a file of JSON lines, which writes the final result.

Each micro-batch reads the next lines of the file. In the last batch, which has no data, Spark
closes windows. With several inputs, each batch reads the next lines of every file that has more.
The run validates and transforms records as the live job does, and does not depend on the clock.
It compares the result with the test oracle, and the events with those that Python reads from the
file.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from itertools import groupby, islice
from os import utime
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from stream_runtime import session
from stream_runtime.causes import cause_of
from stream_runtime.errors import ConfigError, StreamFailedError
from stream_runtime.job import Job
from stream_runtime.names import OWN
from stream_runtime.records import (
    LATE,
    Events,
    EventSchema,
    LateCheck,
    envelope,
    event_columns,
    select_invalid,
    validate,
)
from stream_runtime.settings import RuntimeSettings
from stream_runtime.spark_log import STREAM, watermark
from stream_runtime.storage import LocalStorage

from .lines import BYTE_ORDER_MARK, first_wrong
from .ordinary import EXACT
from .reconciliation import Oracle, Result, Row, Split, is_of_windows, split, verdict
from .rows import as_json, parse, typed_rows

RESULT, QUARANTINE, SUMMARY = "result.ndjson", "quarantine.ndjson", "summary.json"
LINE = f"{OWN}line"
HEAD_LINES = 100
"""The number of lines that show the format of a file."""
NUMBER_WIDTH = 12
"""The number of digits of the line number at the start of each line of a slice."""


def run(
    job: Job,
    oracle: Oracle,
    settings: RuntimeSettings,
    sources: Sequence[Path],
    output: Path,
    batch_rows: int,
) -> int:
    """Write result.ndjson, quarantine.ndjson and summary.json; return 1 unless all is exact.

    Raises:
        ConfigError: an input is not a file, or the output has files of something else.
        StreamFailedError: Spark cannot process the events.
    """
    for source in sources:
        if not source.is_file():
            message = f"--input {source} is not a file. Name a file of JSON lines."
            raise ConfigError(message)
        _require_json_lines(source)
    _require_own(output)
    # The run has no source and no sink, so it needs none of their jars.
    plain = settings.session.model_copy(update={"jars": None})
    spark = session.build(job.name, plain, settings.state, {})
    try:
        with tempfile.TemporaryDirectory(prefix="file-run-") as work:
            files = FileRun(job, settings, spark, sources, Path(work), batch_rows)
            summary = files.write(output, oracle)
    except PySparkException as error:
        message = (
            f"The run over --input failed: {cause_of(error)}.\n"
            "Correct the cause, then run it again."
        )
        raise StreamFailedError(message) from error
    finally:
        session.close(spark, settings.session)
    _conclude(summary, output)
    return 0 if summary["verdict"] == "exact" else 1


def _require_json_lines(source: Path) -> None:
    """Require that at least one of the first lines looks like a JSON object.

    Raises:
        ConfigError: the file has another format, such as CSV or one JSON array.
    """
    with source.open("rb") as file:
        lines = [line.removeprefix(BYTE_ORDER_MARK).strip() for line in islice(file, HEAD_LINES)]
    starts = [line[:1] for line in lines if line]
    if not starts or (b"{" in starts and starts[0] != b"["):
        return
    what = "is one JSON array" if starts[0] == b"[" else "has no JSON object in its first lines"
    message = (
        f"--input {source} {what}. Write one JSON object a line: `jq -c '.[]'` does that with an "
        "array, and `mlr --icsv --ojsonl cat` with CSV."
    )
    raise ConfigError(message)


class Slices:
    """The file of one input, divided into one file for each micro-batch."""

    def __init__(
        self, spark: SparkSession, schema: EventSchema, events: Events, source: Path, folder: Path
    ) -> None:
        self._spark = spark
        self._schema = schema
        self._events = events
        self._source = source
        self._folder = folder
        self._kinds = T.StructType()
        self._counted: dict[int, str] = {}
        self._refused: dict[int, str] = {}

    def cut(self, batch_rows: int) -> int:
        """Write the slices, each line after its number; return the number of lines."""
        self._folder.mkdir(parents=True)
        number = 0
        with self._source.open("rb") as file:
            if file.read(len(BYTE_ORDER_MARK)) != BYTE_ORDER_MARK:
                file.seek(0)
            for index, lines in enumerate(_chunks(file, batch_rows)):
                path = self._folder / f"{index:06d}"
                with path.open("wb") as slice_file:
                    for line in lines:
                        number += 1
                        text = line.removesuffix(b"\n")
                        slice_file.write(b"%0*d%b\n" % (NUMBER_WIDTH, number, text))
                # Spark reads files in the order of their modification times.
                utime(path, (index, index))
        return number

    def stream(self) -> DataFrame:
        """Return the stream of records, one slice per batch."""
        reader = self._spark.readStream.format("text").option("maxFilesPerTrigger", 1)
        return self._envelopes(reader.option("lineSep", "\n").load(str(self._folder)))

    def quarantined(self, is_late: LateCheck | None) -> list[Row]:
        """Return the invalid records and the late events in the order of the file."""
        records = select_invalid(self._records(), self._schema, self._events, is_late)
        rows = typed_rows(records.select("reason", "column", "raw", "raw_base64", "origin"))
        self._refused = {_line_of(row): row["reason"] for row in rows if row["reason"] != LATE}
        rows.sort(key=_line_of)
        return [{name: value for name, value in row.items() if value is not None} for row in rows]

    def events(self, batch_rows: int) -> Iterator[list[Row]]:
        """Yield the events of each slice, for the test oracle."""
        events = validate(self._records(), self._schema, self._events)
        valid = events.where("reason IS NULL").sort(LINE)
        found = valid.select(LINE, *event_columns(self._schema))
        self._kinds = T.StructType([field for field in found.schema if field.name != LINE])
        texts = list(as_json(found))
        rows = parse(texts, found.schema)
        self._counted = {row[LINE]: text for row, text in zip(rows, texts, strict=True)}
        due = 0
        for number, batch in groupby(rows, key=lambda row: (row[LINE] - 1) // batch_rows):
            # Spark runs a slice without events as well, and it advances the watermark.
            yield from ([] for _ in range(due, number))
            yield list(batch)
            due = number + 1

    def wrong(self) -> str | None:
        """Return the first line that Python reads differently, after `events` and `quarantined`."""
        schema, kinds = self._schema, self._kinds
        return first_wrong(self._source, self._counted, self._refused, schema, kinds, self._events)

    def _records(self) -> DataFrame:
        lines = self._spark.read.option("lineSep", "\n").text(str(self._folder))
        return self._envelopes(lines)

    def _envelopes(self, lines: DataFrame) -> DataFrame:
        """Return numbered lines as records; the origin is `<file>:<line>`, the time the file's."""
        numbered = F.col("value").cast("binary")
        number = F.substring(numbered, 1, NUMBER_WIDTH).cast("string").cast("long")
        modified = datetime.fromtimestamp(self._source.stat().st_mtime, UTC)
        raw = F.substring(numbered, NUMBER_WIDTH + 1, 2**31 - 1)
        origin = F.concat(F.lit(f"{self._source.name}:"), number)
        return lines.select(*envelope(raw, F.lit(modified), origin), number.alias(LINE))


class FileRun:
    """One pass over a file for each input, with a new checkpoint in its own folder."""

    def __init__(
        self,
        job: Job,
        settings: RuntimeSettings,
        spark: SparkSession,
        sources: Sequence[Path],
        work: Path,
        batch_rows: int,
    ) -> None:
        self._job = job
        self._settings = settings
        self._inputs = [
            Slices(spark, schema, settings.events, source, work / f"slices-{schema.counts}")
            for schema, source in zip(job.inputs, sources, strict=True)
        ]
        self._root = LocalStorage(work)
        self._checkpoint = work / STREAM
        self._batch_rows = batch_rows
        self._watermarks: dict[int, int] = {}

    def write(self, output: Path, oracle: Oracle) -> dict[str, Any]:
        """Run, write the result, the quarantine and the summary, and return the summary."""
        input_rows = sum(slices.cut(self._batch_rows) for slices in self._inputs)
        started = time.monotonic()
        batches = self._stream()
        seconds = time.monotonic() - started
        result = self._result(batches)
        is_late = self._job.late_check(self._settings, self._watermark_before())
        quarantined = [row for slices in self._inputs for row in slices.quarantined(is_late)]
        output.mkdir(parents=True, exist_ok=True)
        _write_lines(output / RESULT, result)
        _write_lines(output / QUARANTINE, quarantined)
        events = [slices.events(self._batch_rows) for slices in self._inputs]
        # Python rounds sums of decimals to 28 digits, and Spark to 38.
        with localcontext(EXACT):
            expected = oracle(*events, self._settings)
        late = None if is_late is None else sum(row["reason"] == LATE for row in quarantined)
        summary = self._summary(input_rows, batches, result, len(quarantined), late, expected)
        summary["rows_per_second"] = round(input_rows / seconds)
        (output / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
        return summary

    def _stream(self) -> dict[int, list[Row]]:
        """Run the stream; return the rows that each micro-batch writes."""
        batches: dict[int, list[Row]] = {}

        def take(rows: DataFrame, batch_id: int) -> None:
            batches[batch_id] = typed_rows(rows)
            self._watermarks[batch_id] = watermark(self._root, batch_id)

        inputs = [slices.stream() for slices in self._inputs]
        rows = self._job.result(inputs, self._settings)
        query = (
            rows.writeStream.foreachBatch(take)
            .outputMode(self._job.output_mode)
            .option("checkpointLocation", str(self._checkpoint))
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination()
        return batches

    def _watermark_before(self) -> Column:
        """Return the watermark of the batch before that of a line, which reads one slice."""
        last = max(self._watermarks, default=-1)
        before = [0, *(self._watermarks.get(batch, 0) for batch in range(last))]
        number = F.floor((F.col(LINE) - 1) / self._batch_rows).cast("int")
        return F.get(F.from_json(F.lit(json.dumps(before)), "array<bigint>"), number)

    def _result(self, batches: dict[int, list[Row]]) -> list[Row]:
        """Return the final state of the result table."""
        if self._job.write_disposition == "replace":
            return batches[max(batches)] if batches else []
        rows = [row for batch_id in sorted(batches) for row in batches[batch_id]]
        return self._newest(rows) if self._job.write_disposition == "merge" else rows

    def _newest(self, rows: list[Row]) -> list[Row]:
        """Return the last row of each key; rows of single events are ordered by their time."""
        key, time = self._job.result_key, self._job.inputs[0].time
        newest: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            place = tuple(row[name] for name in key)
            before = newest.get(place, row)
            if is_of_windows(key) or row[time] >= before[time]:
                newest[place] = row
        return list(newest.values())

    def _summary(
        self,
        input_rows: int,
        batches: Mapping[int, Sequence[Row]],
        result: Sequence[Row],
        quarantined_rows: int,
        late: int | None,
        expected: Result,
    ) -> dict[str, Any]:
        invalid_rows = quarantined_rows - (late or 0)
        splits = split(input_rows, invalid_rows, result, self._job.result_key, expected)
        wrong = filter(None, (slices.wrong() for slices in self._inputs))
        found = next(wrong, None) or verdict(result, expected.rows)
        lost = [one for one in splits if one.sum != one.whole]
        if found == "exact" and lost:
            found = f"the parts have another sum than the whole: {lost[0]}"
        if found == "exact" and late not in {None, expected.late}:
            found = f"{late} late events in quarantine where {expected.late} were expected"
        return {
            "input_rows": input_rows,
            "output_rows": len(result),
            "invalid_rows": invalid_rows,
            "quarantined_rows": quarantined_rows,
            "late_rows": expected.late,
            "duplicate_rows": expected.duplicates,
            "counted_rows": splits[-1].parts["in the result"],
            "open_rows": splits[-1].parts["pending"],
            "parts": {one.unit: one.parts for one in splits},
            "batches": len(batches),
            "batch_rows": self._batch_rows,
            "guarantee": self._job.guarantee,
            "not_exercised": [
                f"source: {self._settings.source.KIND}",
                f"sink: {self._settings.sink.KIND}",
                f"trigger: {self._job.trigger}",
            ],
            "verdict": found,
        }


def _chunks(lines: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    lines = iter(lines)
    while chunk := list(islice(lines, size)):
        yield chunk


def _line_of(row: Row) -> int:
    return int(row["origin"].rpartition(":")[2])


def _write_lines(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False, default=_plain), file=file)


def _plain(value: datetime | date | Decimal) -> str | float:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat()


def _conclude(summary: dict[str, Any], output: Path) -> None:
    for unit, parts in summary["parts"].items():
        print(Split(unit, sum(parts.values()), parts), file=sys.stderr)
    print(f"Rows of the result in {output}: {summary['output_rows']:,}", file=sys.stderr)
    print(f"compared with the test oracle: {summary['verdict']}", file=sys.stderr)


def _require_own(output: Path) -> None:
    """Raise ConfigError if the folder has files of these names that no file run has written."""
    foreign = [name for name in (RESULT, QUARANTINE) if (output / name).exists()]
    if foreign and not (output / SUMMARY).exists():
        message = f"{output / foreign[0]} is not of a file run: name another folder with --output."
        raise ConfigError(message)
