{% set job = cookiecutter | stream_plan %}
{% set written_at_once = job.low_latency and job.promises %}
{% set dies_between_commits = job.promises and not job.low_latency %}
{% set replays_batches = dies_between_commits and job.source.replayable %}
{% set follows_quarantine = replays_batches and job.interval %}
"""The job as a process with real servers: terminated, killed, started again.

The tests compare the whole result and the whole quarantine with the records that were sent.
"""

{% if written_at_once %}
import json
{% endif %}
{% if replays_batches or job.knows_batch %}
import shutil
{% endif %}
import time
from collections import Counter
{% if job.interval %}
from collections.abc import Callable
{% endif %}
from datetime import UTC, datetime
{% if written_at_once %}
from functools import partial
{% endif %}
from pathlib import Path

import pytest
{% if dies_between_commits %}
from stream_devkit.crash import forget_commit{{ ", forget_quarantine_write" if replays_batches }}{{ ", go_back" if job.knows_batch }}
{% endif %}
from stream_devkit.events.generate import Event
from stream_devkit.job import FollowedJob, JobProcess
from stream_devkit.job_in_session import JobInSession
from stream_devkit.reconciliation import verdict
from stream_devkit.verdict import read_quarantine
from stream_runtime import spark_log
{% if job.follows_time and job.interval %}
from stream_runtime.config import load, to_timedelta
{% else %}
from stream_runtime.config import load
{% endif %}
{% if job.stores_checkpoint_id %}
from stream_runtime.manifest import MANIFEST
{% endif %}
{% if follows_quarantine %}
from stream_runtime.quarantine import read_last_batch
{% endif %}
from stream_runtime.storage import LocalStorage

from {{ cookiecutter.__package }} import schema
from {{ cookiecutter.__package }}.job import JOB
from {{ cookiecutter.__package }}.settings import Settings

from dev.producer import EventProducer
{% if job.interval %}
from dev.spec import INTERVAL
{% endif %}
from dev.target import Target
from tests.events import {{ "ONE_MATCH_EACH, " if job.right }}event, expected_of, raw{{ ", right_event, right_raw" if job.right }}

PACKAGE = JOB.package
RECORDS = 800
BATCH_ROWS = 100
INVALID_EVERY = 50
SECONDS = 300

{% if job.deduplicates %}
# Every twentieth event is a duplicate of an earlier one, often of the previous batch.
NUMBERS = [number - 50 if number > 50 and number % 20 == 7 else number for number in range(RECORDS)]
EVENTS = [event(number / 20, key=number // 100, number=number) for number in NUMBERS]
{% elif job.custom %}
# The visit of each key continues through every stop and start of the job.
EVENTS = [event(number / 20, key=number % 3, number=number) for number in range(RECORDS)]
{% else %}
EVENTS = [event(number / 20, key=number // 100, number=number) for number in range(RECORDS)]
{% endif %}
VALID = [values for number, values in enumerate(EVENTS) if number % INVALID_EVERY]
INVALID = raw({name: value for name, value in EVENTS[0].items() if name != schema.EVENT.time})


def records():
    """Yield the events to send, batch by batch; some have no time and are invalid."""
    now = datetime.now(UTC)
    for first in range(0, RECORDS, BATCH_ROWS):
        numbers = range(first, first + BATCH_ROWS)
        messages = [raw(EVENTS[n]) if n % INVALID_EVERY else INVALID for n in numbers]
{% if job.right %}
        found = [
            right_raw(right_event(EVENTS[n])) if n % INVALID_EVERY else INVALID for n in numbers
        ]
        parts = (("source", messages), ("right", found))
        yield [
            Event(message, b"key", now, "test", table=table)
            for table, part in parts
            for message in part
        ]
{% else %}
        yield [Event(message, b"key", now, "test") for message in messages]
{% endif %}


class Trial:
    """One job with its checkpoint in its own folder."""

    def __init__(self, producer: EventProducer, target: Target, folder: Path) -> None:
        overrides = {
            **producer.settings,
            **producer.batches_of(BATCH_ROWS),
            **target.settings,
            "checkpoint.root": f"{folder}/checkpoint",
            "quarantine.path": f"{folder}/quarantine",
{% if job.right %}
            **dict(override.split("=") for override in ONE_MATCH_EACH),
{% endif %}
{% if job.interval %}
            "trigger.interval": f"{INTERVAL.seconds} seconds",
{% endif %}
        }
        self.folder, self.overrides, self.target = folder, overrides, target
        self.settings = load(Settings, "dev", [f"{key}={to}" for key, to in overrides.items()])
        self.job: FollowedJob = JobProcess(PACKAGE, overrides, folder)
        """The job that `run_to_the_end` starts."""
        self.root = LocalStorage(folder / "checkpoint")
        self.wanted = expected_of([VALID], self.settings).rows

    def committed(self) -> int:
        """Return the id of the last batch that Spark committed; -1 before the first."""
        last = spark_log.committed(self.root)
        return -1 if last is None else last
{% if written_at_once %}

    def read(self) -> int:
        """Return the number of records that are committed as read."""
        (topic,) = map(json.loads, spark_log.offsets(self.root, self.committed()))
        return sum(sum(partitions.values()) for partitions in topic.values())

    def has_written(self, parts: int) -> bool:
        """Return whether the rows of so many parts are in the result."""
        return len(self.target.rows()) >= parts * (BATCH_ROWS - BATCH_ROWS // INVALID_EVERY)
{% elif not job.low_latency %}

    def in_a_batch(self) -> bool:
        """Return whether a batch is started and not yet committed."""
        planned = spark_log.planned(self.root)
        return planned is not None and planned > self.committed()
{% endif %}
{% if replays_batches %}

    def last_with_records(self) -> int:
        """Return the id of the last batch with records."""
        numbers = range(self.committed(), -1, -1)
        return next(
            number
            for number in numbers
            if spark_log.offsets(self.root, number) != spark_log.offsets(self.root, number - 1)
        )
{% endif %}

{% if job.interval %}
    def run_to_the_end(self) -> None:
        """Start the job, wait until it has read and written everything, and stop it."""
        self.run_until(self._is_done, "the whole result")

    def run_until(self, reached: Callable[[], bool], what: str) -> None:
        """Start the job, and stop it when `reached()` is true."""
        self.job.run(reached, what)

    def _is_done(self) -> bool:
{% if job.follows_time %}
        watermark = VALID[-1][schema.EVENT.time] - to_timedelta(self.settings.watermark.delay)
        return (self.job.watermark or datetime.min.replace(tzinfo=UTC)) >= watermark
{% else %}
        return bool(self.job.batches) and len(self.target.rows()) >= len(self.wanted)
{% endif %}
{% else %}
    def run_to_the_end(self) -> None:
        """Start the job: it ends when it has read and written everything."""
        self.job.run()
{% endif %}

    def verdict(self) -> str:
        """Return the verdict: the result against the test oracle."""
        return verdict(self.target.rows(), self.wanted)

    def quarantined(self) -> Counter[str]:
        """Count the source references of invalid records in quarantine."""
        return Counter(row["origin"] for row in read_quarantine(self.folder / "quarantine"))


def watch(job, reached):
    """Poll the running job until `reached()` is true."""
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert job.exit_code is None, job.log.read_text("utf-8")[-3000:]
        assert time.monotonic() < deadline, job.log.read_text("utf-8")[-3000:]
        time.sleep(0.002)


@pytest.fixture(scope="module", name="survivor")
def _survivor(servers, spark, tmp_path_factory):
{% if job.low_latency %}
    """Return a job that was terminated, then killed while it worked, then run to the end."""
{% else %}
    """Return a job that was terminated, then killed inside a batch, then run to the end."""
{% endif %}
    folder = tmp_path_factory.mktemp("trial")
    producer = EventProducer(servers, folder, "recovery")
    target = Target(servers, folder, "recovery_result")
    trial = Trial(producer, target, folder)
    trial.commands = JobInSession(JOB, spark, trial.overrides, folder)
{% if job.low_latency %}
    parts = records()
    with JobProcess(PACKAGE, trial.overrides, folder) as job:
        producer.send(next(parts))
        job.start()
        watch(job, lambda: trial.committed() >= 1)
        trial.exit_code_of_sigterm = job.terminate()
{% if written_at_once %}
        hourly = trial.overrides | {"trigger.interval": "1 hour"}
        with JobProcess(PACKAGE, hourly, folder) as killed:
            killed.start()
            # One interval ends at the start, and the next one after the kill.
            for number in (2, 3):
                producer.send(next(parts))
                watch(killed, partial(trial.has_written, number))
        trial.killed_inside_a_batch = trial.read() < len(producer.origins)
{% else %}
        before = trial.committed()
        producer.send(next(parts))
        job.start()
        watch(job, lambda: trial.committed() > before)
        job.kill()
{% endif %}
    for part in parts:
        producer.send(part)
{% else %}
    for part in records():
        producer.send(part)
    with JobProcess(PACKAGE, trial.overrides, folder) as job:
        job.start()
        watch(job, lambda: trial.committed() >= 1)
        trial.exit_code_of_sigterm = job.terminate()
        before = trial.committed()
        job.start()
        watch(job, lambda: trial.committed() > before and trial.in_a_batch())
        job.kill()
        trial.killed_inside_a_batch = trial.in_a_batch()
{% endif %}
{% if not job.sink.console %}
    # A process of its own would take many seconds to start, each time.
    trial.job = trial.commands
{% endif %}
    trial.run_to_the_end()
    trial.invalid = Counter(producer.origins[::INVALID_EVERY])
    return trial


def test_sigterm_drains_with_its_own_exit_code(survivor):
    """After SIGTERM the job drains and exits with 143, which differs from a drain by `stop`."""
    assert survivor.exit_code_of_sigterm == 143


{% if job.promises %}
def test_a_kill_leaves_the_result_exact(survivor):
    """After a kill inside a batch and a restart, the result is exact{{ ", but for marked duplicates" if job.sink.is_log }}."""
    assert survivor.killed_inside_a_batch
    assert survivor.verdict() == "exact"


{% endif %}
def test_a_kill_leaves_quarantine_exact(survivor):
    """After a kill, quarantine has every invalid record once, with its source reference."""
    assert survivor.quarantined() == survivor.invalid


def test_doctor_shows_the_checkpoint(survivor, capsys):
    """It shows a clean checkpoint with its pinned settings, or what another query would change."""
    last = survivor.committed()

    execute = survivor.commands.execute
    exit_codes = execute("doctor"), execute("doctor", "state.partitions=7")

    output = capsys.readouterr().out
    assert exit_codes == (0, 3)
    assert f"clean after batch {last}; pinned: state_partitions 2" in output
    assert "state_partitions: 2 -> 7" in output
    assert output.count("ok     target: ") == 2
    assert survivor.committed() == last
{% if job.promises and not job.low_latency %}


def test_a_replayed_batch_changes_nothing(survivor):
    """If the driver dies between the sink's commit and Spark's, the replay changes nothing."""
    last = survivor.committed()
    forget_commit(survivor.folder / "checkpoint" / spark_log.STREAM)

    survivor.run_to_the_end()

    assert survivor.committed() >= last
    assert survivor.verdict() == "exact"
{% endif %}
{% if replays_batches %}


def test_a_replayed_batch_has_its_quarantine_write(survivor):
    """The quarantine write runs even if the driver died after the batch."""
    last = survivor.last_with_records()
    (written,) = (survivor.folder / "quarantine").glob(f"*/{last:06d}")
    shutil.rmtree(written)
    forget_quarantine_write(survivor.folder / "checkpoint", last)

{% if follows_quarantine %}
    survivor.run_until(lambda: read_last_batch(survivor.root) >= last, "the quarantine write")
{% else %}
    survivor.run_to_the_end()
{% endif %}

    assert survivor.quarantined() == survivor.invalid
    assert survivor.verdict() == "exact"
{% endif %}
{% if job.knows_batch %}


def test_a_checkpoint_that_is_older_than_the_target_is_refused(survivor, capsys):
    """The sink would skip batches whose ids it has, although they have other records."""
    checkpoint = survivor.folder / "checkpoint"
    newest = survivor.folder / "newest"
    shutil.copytree(checkpoint, newest)
    go_back(checkpoint / spark_log.STREAM, 2)

    exit_codes = [survivor.commands.execute(command) for command in ("run", "doctor")]

    shutil.rmtree(checkpoint)
    newest.rename(checkpoint)
    assert exit_codes == [3, 3]
    assert "the checkpoint is an older copy than the target" in capsys.readouterr().err
    assert survivor.verdict() == "exact"
{% endif %}
{% if job.stores_checkpoint_id %}


def test_a_start_without_the_checkpoint_is_refused(survivor, capsys):
    """A new checkpoint would add all rows to the target again."""
    (survivor.folder / "checkpoint").rename(survivor.folder / "lost")

    exit_code = survivor.commands.execute("run")

    assert exit_code == 3
    assert "starting would add all rows again" in capsys.readouterr().err
    assert survivor.root.read(MANIFEST) is None
    assert survivor.verdict() == "exact"
{% endif %}
