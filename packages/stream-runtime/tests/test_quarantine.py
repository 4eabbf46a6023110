"""Quarantine has each invalid record once after any crash.

The query under test reads text files, one per batch. Both kinds of quarantine writes are tested.
"""

import contextlib
import json
import os
import shutil
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pyspark
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from sample import EVENT, event
from stream_devkit.samples import INGESTED, raw
from stream_runtime import quarantine
from stream_runtime.batch import BatchProgress
from stream_runtime.errors import CheckpointError
from stream_runtime.lifecycle import Drain, Lifecycle, Supervisor
from stream_runtime.listener import ProgressListener, Sign, listen
from stream_runtime.quarantine import (
    CHECKPOINT,
    PROGRESS,
    RETAINED,
    BatchReplay,
    QuarantineProgress,
    SideQuery,
)
from stream_runtime.records import Events, envelope, select_invalid, select_valid
from stream_runtime.reporting import Metrics, Reporter
from stream_runtime.spark_log import logged
from stream_runtime.status_file import StatusFile
from stream_runtime.storage import LocalStorage

BATCHES = [
    [raw(event(0)), b"invalid 1"],
    [raw(event(1))],
    [b"invalid 2", b"invalid 3", raw(event(2))],
]
ALL_INVALID = ["invalid 1", "invalid 2", "invalid 3"]
BOTH = pytest.mark.parametrize("kind", [BatchReplay, SideQuery])


class KilledError(Exception):
    """Raised instead of the death of the process."""


class Dying(LocalStorage):
    """A storage that raises KilledError at the n-th write."""

    def __init__(self, root: Path, writes: int) -> None:
        super().__init__(root)
        self.left = writes

    def write(self, name, text):
        """Write a file, or raise KilledError."""
        self.left -= 1
        if self.left < 0:
            raise KilledError
        super().write(name, text)


@pytest.fixture(scope="module", name="past")
def _past(spark, tmp_path_factory):
    """Return a folder with the files of a source, and the checkpoint of a query that read them."""
    folder = tmp_path_factory.mktemp("past")
    write(folder / "source", BATCHES)
    read_all(lines(spark, folder / "source"), folder)
    return folder


def write(source, batches):
    """Write the files of a source, one for each batch."""
    source.mkdir()
    for number, messages in enumerate(batches):
        path = source / f"{number}"
        path.write_bytes(b"".join(message + b"\n" for message in messages))
        modified = INGESTED.timestamp() + number
        os.utime(path, (modified, modified))


def read_all(records, folder):
    """Run the query under test, with its checkpoint in the folder."""
    writer = records.writeStream.format("noop").trigger(availableNow=True)
    writer.option("checkpointLocation", f"{folder}/stream").start().awaitTermination()


def lines(spark, source):
    """Read a source, one file per batch."""
    return spark.readStream.format("text").option("maxFilesPerTrigger", 1).load(str(source))


def envelopes(spark, source):
    """Return the records of a source as envelopes."""
    place, time = F.col("_metadata.file_name"), F.col("_metadata.file_modification_time")
    return lines(spark, source).select(envelope(F.col("value"), time, place))


def invalid_lines(spark, source, _watermark=None):
    """Return the invalid records of a source."""
    return select_invalid(envelopes(spark, source), EVENT, Events())


@pytest.fixture(name="make_progress")
def _make_progress(spark, past, tmp_path):
    """Make the progress over batches that are already committed, as a new process does."""
    shutil.copytree(past / "stream", tmp_path / "stream")

    def make(kind=BatchReplay, storage=None, *, drains=False):
        reporter = Reporter(
            Metrics(log=str(tmp_path / "metrics.jsonl")),
            "test",
            StatusFile(LocalStorage(tmp_path / "status")),
        )
        root = storage or LocalStorage(tmp_path)
        found = partial(invalid_lines, spark, past / "source")
        write = kind(root, str(tmp_path), str(tmp_path / "records"), found, lambda: drains)
        return QuarantineProgress(root, write, reporter, LocalStorage(tmp_path / "records"))

    return make


def batch(number, invalid_rows, **facts):
    """Return a batch as the query reports it."""
    known = {"batch_id": number, "start_offset": f"{number}", "end_offset": f"{number + 1}"}
    return BatchProgress(
        **dict.fromkeys(BatchProgress.__annotations__, 0)
        | known
        | {"invalid_rows": invalid_rows, "invalid_records": None}
        | facts
    )


REPORTS = [batch(0, 1), batch(1, 0), batch(2, 2)]


def quarantined(tmp_path):
    """Return what readers of the quarantine see."""
    parts = sorted((tmp_path / "records").glob("[0-9]*/part-*.json"))
    found = [line for part in parts for line in part.read_text("utf-8").splitlines()]
    return [json.loads(line)["raw"] for line in found]


@BOTH
def test_each_batch_with_invalid_records_has_a_folder(make_progress, tmp_path, kind):
    """Each batch with invalid records gets a folder with them."""
    progress = make_progress(kind)

    for report in REPORTS:
        progress.follow(report)

    folders = sorted(path.name for path in (tmp_path / "records").glob("[0-9]*/_SUCCESS"))
    assert quarantined(tmp_path) == ALL_INVALID
    assert len(folders) == 2


def test_a_replay_reads_one_batch(make_progress, tmp_path):
    """It reads no other batch, and the batch id is the name of the folder."""
    make_progress().follow(batch(0, 1))

    assert quarantined(tmp_path) == ["invalid 1"]
    assert (tmp_path / "records/000000/_SUCCESS").exists()


def test_a_replay_reads_every_input(spark, tmp_path):
    """It reads the records of this batch from each input, even if one has fewer batches."""
    inputs = [tmp_path / "left", tmp_path / "right"]
    write(inputs[0], [[b"left 1"], [b"left 2"], [b"left 3"]])
    write(inputs[1], [[b"right 1"], [b"right 2"]])
    left, right = (lines(spark, source) for source in inputs)
    read_all(left.union(right), tmp_path)

    def invalid_records(_watermark):
        left, right = (invalid_lines(spark, source) for source in inputs)
        return left.union(right)

    root = LocalStorage(tmp_path)
    records = str(tmp_path / "records")
    replay = BatchReplay(root, str(tmp_path), records, invalid_records, lambda: False)

    assert replay.write(range(1, 3), alone=True) == 0
    assert sorted(quarantined(tmp_path)) == ["left 2", "left 3", "right 2"]


@pytest.mark.parametrize("report", [batch(0, 0), batch(0, None, start_offset="1")])
def test_a_batch_without_invalid_records_is_not_read(tmp_path, report):
    """A batch without invalid records is not read again, nor is one without records."""
    written = []
    write = SimpleNamespace(
        write=lambda batches, **_: written.append(batches), require_close=lambda _: None
    )
    reporter = Reporter(
        Metrics(log=str(tmp_path / "metrics.jsonl")),
        "test",
        StatusFile(LocalStorage(tmp_path / "status")),
    )

    QuarantineProgress(LocalStorage(tmp_path), write, reporter, None).follow(report)

    assert written == []
    assert json.loads((tmp_path / PROGRESS).read_text("utf-8")) == {"last_batch": 0}


def test_a_batch_without_a_count_is_read(make_progress, tmp_path):
    """A batch that reports no count can have invalid records."""
    make_progress().follow(batch(0, None))

    assert quarantined(tmp_path) == ["invalid 1"]


@pytest.mark.parametrize(
    ("kind", "writes"),
    [(BatchReplay, writes) for writes in range(14)] + [(SideQuery, writes) for writes in range(3)],
)
def test_a_kill_loses_and_duplicates_nothing(make_progress, tmp_path, kind, writes):
    """After a kill at any write of a file, the next process writes each record once."""
    dying = make_progress(kind, Dying(tmp_path, writes))
    with contextlib.suppress(KilledError):
        for report in REPORTS:
            dying.follow(report)

    make_progress(kind).recover()

    assert quarantined(tmp_path) == ALL_INVALID


@BOTH
def test_a_kill_after_the_folder_is_written(make_progress, tmp_path, kind, monkeypatch):
    """A write that fails after its folder and before Spark's commit duplicates no record."""
    store = quarantine._store  # noqa: SLF001 - the step after which the process dies

    def dying(*given):
        store(*given)
        raise KilledError

    monkeypatch.setattr(quarantine, "_store", dying)
    with pytest.raises(PySparkException, match="KilledError"):
        make_progress(kind).follow(batch(0, 1))
    monkeypatch.undo()
    before = quarantined(tmp_path)

    make_progress(kind).recover()

    assert before == ["invalid 1"]
    assert quarantined(tmp_path) == ALL_INVALID


@BOTH
def test_a_drain_interrupts_a_quarantine_write(make_progress, tmp_path, monkeypatch, kind):
    """A write that takes too long is interrupted, and the next start repeats it."""
    monkeypatch.setattr(quarantine, "POLL_SECONDS", 0.001)
    make_progress(kind, drains=True).follow(batch(0, 1))
    cut_short = not (tmp_path / PROGRESS).exists()

    make_progress(kind).recover()

    assert cut_short
    assert quarantined(tmp_path) == ALL_INVALID


@BOTH
def test_a_lost_report_loses_no_record(make_progress, tmp_path, kind):
    """The next start writes the invalid records of a batch that was never reported."""
    make_progress(kind).recover()

    assert quarantined(tmp_path) == ALL_INVALID


def test_a_batch_without_invalid_records_can_be_behind_too(make_progress, tmp_path):
    """A slow storage alone can let the supervisor fall behind: Spark then deletes its logs."""
    progress = make_progress()
    progress.recover()
    for number in range(3, 60):
        (tmp_path / f"stream/offsets/{number}").write_text("v1", "utf-8")

    with pytest.raises(quarantine.QuarantineBehindError, match="56 batches behind"):
        progress.follow(batch(3, 0))


def test_what_quarantine_lacks_is_described(make_progress):
    """The message that ends a job says which invalid records the next start writes first."""
    progress = make_progress()
    said = "Batch 2 is committed, but the invalid records of batch 0 and later ones are not"
    assert said in progress.describe_lag()

    progress.recover()

    assert progress.describe_lag() == ""


def test_each_batch_is_prepared_before_its_replay(spark, past, tmp_path):
    """What a replay needs can be missing by then: the caller finds out before Spark skips it."""
    shutil.copytree(past / "stream", tmp_path / "stream")
    prepared = []
    root, place = LocalStorage(tmp_path), str(tmp_path / "records")
    found = partial(invalid_lines, spark, past / "source")
    write = BatchReplay(root, str(tmp_path), place, found, lambda: False, prepare=prepared.append)

    write.write(range(3), alone=True)

    assert prepared == [0, 1, 2]


def test_a_batch_that_spark_deleted_is_never_passed(make_progress, tmp_path):
    """Without the log of a batch, the job stops and says which; a person decides to go on."""
    for batch_id in (0, 1):
        (tmp_path / f"stream/offsets/{batch_id}").unlink()

    for _ in range(2):
        with pytest.raises(CheckpointError, match=r"logs of the batches 0 to 2 .*last_batch\": 2}"):
            make_progress().recover()

    assert not (tmp_path / PROGRESS).exists()
    (tmp_path / PROGRESS).write_text('{"last_batch": 2}', "utf-8")
    make_progress().recover()
    assert quarantined(tmp_path) == []


def test_the_query_does_not_run_away_from_quarantine(spark, tmp_path, monkeypatch):
    """The query stops before Spark deletes a log that quarantine needs, and then continues."""
    monkeypatch.setattr(quarantine, "POLL_SECONDS", 0.1)
    spark.conf.set(RETAINED, 20)
    write(tmp_path / "source", [[b"same", b"same", raw(event(n))] for n in range(40)])
    records = tmp_path / "records"
    invalid_records = partial(invalid_lines, spark, tmp_path / "source")
    root, location = LocalStorage(tmp_path), str(tmp_path)
    given = (root, location, str(records), invalid_records, lambda: False)
    replay = BatchReplay(*given, retained=20)
    reporter = Reporter(
        Metrics(log=str(tmp_path / "log")), "job", StatusFile(LocalStorage(tmp_path / "status"))
    )
    progress = QuarantineProgress(root, replay, reporter, LocalStorage(records))
    causes, listener = [], ProgressListener()

    def store(*_):
        # A batch ends sooner than a replay, and Spark deletes no log before a poll.
        time.sleep(0.1)

    def start():
        progress.recover()
        rows = lines(spark, tmp_path / "source")
        place, time = F.col("_metadata.file_name"), F.col("_metadata.file_modification_time")
        events = select_valid(
            rows.select(envelope(F.col("value"), time, place)), EVENT, Events(reported=0)
        )
        writer = events.writeStream.foreachBatch(store).trigger(availableNow=True)
        return writer.option("checkpointLocation", f"{tmp_path}/stream").start()

    with listen(listener, spark):
        Supervisor(
            start=start,
            listener=listener,
            follow=progress.follow,
            require=lambda: None,
            reporter=SimpleNamespace(
                batch=print,
                idle=print,
                tick=lambda: None,
                retry=lambda _, cause: causes.append(cause),
            ),
            drain=Drain(LocalStorage(tmp_path / "marker"), datetime.now(UTC)),
            lifecycle=Lifecycle(backoff="1 second"),
        ).run()
    progress.recover()

    assert causes
    assert all("batches behind the query" in cause for cause in causes)
    assert min(logged(root, "stream/offsets")) > 10
    assert sorted(quarantined(tmp_path)) == ["same"] * 80


def test_a_written_batch_is_not_written_again(make_progress, tmp_path):
    """A removed folder is not written again, unless the progress is removed too."""
    make_progress().recover()
    (tmp_path / "records/000000").rename(tmp_path / "records/000000-taken")
    make_progress().recover()
    kept = quarantined(tmp_path)
    (tmp_path / PROGRESS).unlink()
    shutil.rmtree(tmp_path / CHECKPOINT)
    make_progress().recover()

    assert sorted(kept) == ALL_INVALID
    assert sorted(quarantined(tmp_path)) == sorted([*ALL_INVALID, "invalid 1"])


# Reports that contain the invalid records


def report_of(spark, folder, messages, events):
    """Run the query over one batch, and return Spark's report and the records as a stream."""
    write(folder / "source", [messages])
    records = envelopes(spark, folder / "source")
    with listen(ProgressListener(), spark) as listener:
        writer = select_valid(records, EVENT, events).writeStream.format("noop")
        writer = writer.option("checkpointLocation", f"{folder}/stream").trigger(availableNow=True)
        query = writer.start()
        query.awaitTermination()
        report = listener.take(str(query.runId), 10)
    assert report is not Sign.ENDED
    return report, partial(invalid_lines, spark, folder / "source")


AWKWARD = [b"no JSON", b"no JSON 2", b"caf\xe9", '"\u2028"'.encode(), b"\x00\t\\", raw(event(0))]


@pytest.mark.skipif(pyspark.__version__ < "4.2", reason="Spark 4.2 is the first to report records")
def test_a_report_has_what_a_replay_writes(spark, tmp_path):
    """The record from a report is the same line, byte by byte, as that of a batch replay."""
    report, invalid_records = report_of(spark, tmp_path, AWKWARD, Events())
    root, records = LocalStorage(tmp_path), str(tmp_path / "records")
    BatchReplay(root, str(tmp_path), records, invalid_records, lambda: False).write(
        range(1), alone=True
    )

    (part,) = (tmp_path / "records").glob("000000/part-*.json")
    assert report.invalid_rows == len(AWKWARD) - 1
    assert sorted(report.invalid_records) == sorted(part.read_text("utf-8").split("\n")[:-1])


@pytest.mark.parametrize(
    ("messages", "events"),
    [
        ([b"1st", b"2nd", b"3rd"], Events(reported=2)),
        ([b"1st"], Events(reported=0)),
        ([b"1st", b"x" * Events().longest_reported], Events()),
        ([b"same", b"same"], Events()),
    ],
    ids=["more than the limit", "none allowed", "a long record", "equal records"],
)
def test_a_report_has_all_invalid_records_or_none(spark, tmp_path, messages, events):
    """A report without all records has only their number: a batch replay writes them.

    Two equal lines can also be one record that Spark reports twice.
    """
    report, _ = report_of(spark, tmp_path, messages, events)

    assert report.invalid_rows == len(messages)
    assert report.invalid_records is None


def test_a_reported_record_is_written_without_a_replay(make_progress, tmp_path):
    """It replaces whatever an earlier attempt left in the folder, and no replay follows."""
    progress = make_progress()
    left = tmp_path / "records/000000/part-left.json"
    left.parent.mkdir(parents=True)
    left.write_text('{"raw": "invalid 1"}\n', "utf-8")

    progress.follow(batch(0, 1, invalid_records=('{"raw": "invalid 1"}',)))
    make_progress().recover()

    assert quarantined(tmp_path) == ALL_INVALID
    assert not (tmp_path / "records/000000/_SUCCESS").exists()
    assert (tmp_path / "records/000002/_SUCCESS").exists()


def test_a_report_after_a_gap_does_not_hide_the_gap(make_progress, tmp_path):
    """If an earlier batch was not reported, its records are written as well."""
    make_progress().follow(batch(2, 2, invalid_records=("{}", "{}")))

    assert quarantined(tmp_path) == ALL_INVALID


# Late events

DELAY = "10 minutes"
WINDOWS = ["window", "session"]
MINUTES = [(0,), (60, 1), (61, 2, 3, 58), (4, 2)]
"""The events of each batch. In batch 2 none is late: what batch 1 reads does not count yet."""


def drop_late(events, kind):
    """Return the query that drops late events; `event` drops one by one."""
    events = events.withWatermark(EVENT.time, DELAY)
    if kind == "event":
        return events.dropDuplicatesWithinWatermark([EVENT.id])
    of = F.session_window if kind == "session" else F.window
    return events.groupBy(of(EVENT.time, "5 minutes"), EVENT.key).count()


def late_from(time, kind):
    """Return the watermark from which on an event is late: the end of its window, or its time."""
    if kind == "event":
        return time
    begin = time if kind == "session" else F.date_trunc("hour", time)
    minutes = F.floor(F.minute(time) / 5) * 5 if kind == "window" else F.lit(0)
    return begin + F.make_dt_interval(mins=minutes.cast("int") + 5)


class LateStream:
    """A query that drops late events, with its quarantine; each batch reads a file."""

    def __init__(self, spark, folder, kind):
        self.spark, self.folder, self.kind = spark, folder, kind
        numbers = iter(range(100))
        batches = [
            [raw(event(minute, number=next(numbers))) for minute in minutes] for minutes in MINUTES
        ]
        batches[3].insert(1, b"invalid")
        write(folder / "source", batches)

    def run(self):
        """Run the query to its end and return its reports."""
        events = select_valid(envelopes(self.spark, self.folder / "source"), EVENT, Events())
        with listen(ProgressListener(), self.spark) as listener:
            rows = drop_late(events, self.kind)
            read_all(rows, self.folder)
            found = iter(lambda: listener.reports.get(timeout=10)[1], Sign.ENDED)
            return [report for report in found if isinstance(report, BatchProgress)]

    def select(self, watermark):
        """Return the records that belong in quarantine."""
        reached = F.timestamp_millis(F.lit(watermark))
        return select_invalid(
            envelopes(self.spark, self.folder / "source"),
            EVENT,
            Events(),
            lambda time: late_from(time, self.kind) <= reached,
        )

    def progress(self, storage=None, *, late=True):
        """Return the progress of the quarantine, as a new process makes it."""
        log, folder = Metrics(log=str(self.folder / "metrics.jsonl")), self.folder
        reporter = Reporter(log, "test", StatusFile(LocalStorage(folder / "status")))
        root, records = storage or LocalStorage(folder), folder / "records"
        records_of = self.select if late else partial(invalid_lines, self.spark, folder / "source")
        replay = BatchReplay(root, str(folder), str(records), records_of, lambda: False)
        return QuarantineProgress(root, replay, reporter, LocalStorage(records), late=late)


def sightings(folder):
    """Return the batch, the reason and the minute of each record in quarantine."""
    for part in sorted(folder.glob("records/[0-9]*/part-*.json")):
        for line in part.read_text("utf-8").splitlines():
            row = json.loads(line)
            is_late = row["reason"] == "late"
            minute = int(json.loads(row["raw"])[EVENT.time][14:16]) if is_late else None
            yield int(part.parent.name), row["reason"], minute


ALL_LATE = [(3, "late", 2), (3, "late", 4), (3, "malformed", None)]


@pytest.fixture(name="late_stream", params=["event", *WINDOWS])
def _late_stream(spark, tmp_path, request):
    """Return a stream with late events, and the reports of its batches."""
    stream = LateStream(spark, tmp_path, request.param)
    return stream, stream.run()


def test_late_events_are_in_quarantine_and_counted(late_stream, tmp_path):
    """Quarantine has exactly the events that Spark dropped, and each report their number."""
    stream, reports = late_stream
    progress = stream.progress()

    counts = [progress.follow(report) for report in reports]

    assert sorted(sightings(tmp_path), key=str) == ALL_LATE
    assert counts[:4] == [0, 0, 0, 2]
    assert sum(counts) == 2


def test_late_events_of_a_lost_report_are_counted(late_stream, tmp_path):
    """The next start reports the late events that it writes; no batch line has their number."""
    stream, _ = late_stream

    stream.progress().recover()

    lines = (tmp_path / "metrics.jsonl").read_text("utf-8").splitlines()
    written = [json.loads(line) for line in lines]
    assert [line["late_events"] for line in written] == [2]
    assert sorted(sightings(tmp_path), key=str) == ALL_LATE


def test_only_single_events_are_counted_without_quarantine(late_stream, tmp_path):
    """Without `quarantine.late`, the number of events that Spark groups first is unknown."""
    stream, reports = late_stream
    progress = stream.progress(late=False)

    counts = [progress.follow(report) for report in reports]

    assert list(sightings(tmp_path)) == [(3, "malformed", None)]
    assert counts[3] == (2 if stream.kind == "event" else None)
    assert reports[3].late_groups_dropped > 0


def test_a_kill_loses_and_duplicates_no_late_event(spark, tmp_path):
    """After a kill at any write of a file, the next process writes each late event once."""
    stream = LateStream(spark, tmp_path, "window")
    reports = stream.run()
    for writes in range(12):
        for name in ("records", CHECKPOINT):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        (tmp_path / PROGRESS).unlink(missing_ok=True)
        dying = stream.progress(Dying(tmp_path, writes))
        with contextlib.suppress(KilledError):
            for report in reports:
                dying.follow(report)

        stream.progress().recover()

        assert sorted(sightings(tmp_path), key=str) == ALL_LATE
