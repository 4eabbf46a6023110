"""The job as a process of its own, on a real broker: terminated, killed, started again.

Nothing may be lost and nothing may count twice, wherever it dies. What is compared is the whole
table and the whole quarantine, with what is known of the records that were sent.
"""

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clickstream_metrics import job as pipeline
from clickstream_metrics.expected import expected
from clickstream_metrics.runtime import checkpoint
from clickstream_metrics.runtime.accounting import verdict
from clickstream_metrics.runtime.config import load, to_timedelta
from clickstream_metrics.runtime.storage import LocalStorage
from clickstream_metrics.settings import Settings

from dev import events as made
from dev.stream import Job, Sender
from dev.verdict import read_quarantine, read_table
from tests.events import event, raw

RECORDS = 1200
BATCH_ROWS = 200
BAD_EVERY = 50
SECONDS = 180
RUNS_ON = "trigger" in Settings.model_fields
"""Whether the job runs until it is stopped; else it ends when it has read what there is."""

EVENTS = [event(number / 20, key=number % 3, number=number) for number in range(RECORDS)]
GOOD = [values for number, values in enumerate(EVENTS) if number % BAD_EVERY]
MESSAGES = [raw(values) if number % BAD_EVERY else b"oops" for number, values in enumerate(EVENTS)]


class Trial:
    """One job, with its checkpoint and its target in a folder of their own."""

    def __init__(self, servers: str, topic: str, folder: Path) -> None:
        overrides = {
            "source.bootstrap_servers": servers,
            "source.topic": topic,
            "source.max_offsets_per_trigger": str(BATCH_ROWS),
            "sink.path": f"{folder}/result",
            "checkpoint.root": f"{folder}/checkpoint",
            "quarantine.path": f"{folder}/quarantine",
        }
        if RUNS_ON:
            overrides["trigger.interval"] = "1 second"
        self.servers, self.topic, self.folder, self.overrides = servers, topic, folder, overrides
        self.settings = load(Settings, "dev", [f"{key}={to}" for key, to in overrides.items()])
        self.job = Job(pipeline.__package__ or "", overrides, folder)
        self.root = LocalStorage(folder / "checkpoint")

    def copy(self, folder: Path) -> "Trial":
        """The same job with the same past, but for what it has told of it, somewhere else."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("*.ndjson", "*.log"))
        return Trial(self.servers, self.topic, folder)

    def committed(self) -> int:
        """The last batch that Spark committed, -1 before the first."""
        last = checkpoint.committed(self.root)
        return last.batch_id if last else -1

    def in_a_batch(self) -> bool:
        """Whether the offsets of a batch are written that is not committed."""
        planned = checkpoint.planned(self.root)
        return planned is not None and planned > self.committed()

    def run_until(self, reached) -> None:
        """Start the job and watch its checkpoint closely until something is reached."""
        self.job.start()
        deadline = time.monotonic() + SECONDS
        while not reached():
            assert time.monotonic() < deadline, self.job.log.read_text("utf-8")[-3000:]
            time.sleep(0.002)

    def run_to_the_end(self) -> None:
        """Start the job, let it read everything and close what may close, and end it in order."""
        self.job.start()
        deadline = time.monotonic() + SECONDS
        if RUNS_ON:
            newest = GOOD[-1][pipeline.EVENT.time]
            watermark = newest - to_timedelta(self.settings.watermark.delay)
            self.job.wait(
                lambda: (self.job.watermark or datetime.min.replace(tzinfo=UTC)) >= watermark,
                deadline,
                f"the watermark {watermark}",
            )
            self.job.drain(deadline)
        else:
            self.job.finish(deadline)

    def verdict(self) -> str:
        """The table against a computation in plain Python; no event is late, however it is read."""
        wanted = expected([GOOD], self.settings)
        return verdict(read_table(self.folder / "result"), wanted.rows)

    def quarantined(self) -> Counter[str]:
        """How often each bad record is in quarantine, by its place in the topic."""
        return Counter(row["origin"] for row in read_quarantine(self.folder / "quarantine"))

    def doctor(self, *more: str) -> tuple[int, str]:
        """The exit code of `doctor`, and what it says."""
        overrides = [*(f"{key}={to}" for key, to in self.overrides.items()), *more]
        settings = [word for override in overrides for word in ("--set", override)]
        command = [sys.executable, "-m", pipeline.__package__ or "", "doctor", *settings]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def forget_last_commit(self) -> None:
        """Leave what a driver leaves that dies between the sink's commit and Spark's own."""
        commits = self.folder / "checkpoint" / checkpoint.STREAM / "commits"
        last = self.committed()
        (commits / f"{last}").unlink()
        # With a stale checksum Spark would take the rewritten file for another driver's.
        (commits / f".{last}.crc").unlink()


@pytest.fixture(scope="module", name="survivor")
def _survivor(broker, tmp_path_factory):
    """A job that was terminated, then killed inside a batch, then allowed to finish."""
    topic = f"recovery-{uuid.uuid4().hex}"
    broker.create_topic(topic, 1)
    sent = [made.Event(message, b"key", datetime.now(UTC), "test") for message in MESSAGES]
    Sender(broker.bootstrap_servers, topic, 1).send(sent)
    trial = Trial(broker.bootstrap_servers, topic, tmp_path_factory.mktemp("trial") / "job")
    with trial.job as job:
        trial.run_until(lambda: trial.committed() >= 1)
        trial.exit_code_of_sigterm = job.terminate()
        before = trial.committed()
        trial.run_until(lambda: trial.committed() > before and trial.in_a_batch())
        job.kill()
        trial.killed_inside_a_batch = trial.in_a_batch()
        trial.run_to_the_end()
        yield trial


def test_sigterm_drains_and_asks_for_a_restart(survivor):
    """An orchestrator that ends the job sees 143, which is no success: it starts it again."""
    assert survivor.exit_code_of_sigterm == 143


def test_a_kill_loses_nothing_and_doubles_nothing(survivor):
    """Killed inside a batch and started again, the job's table is exact."""
    assert survivor.killed_inside_a_batch
    assert survivor.verdict() == "exact"


def test_a_kill_leaves_quarantine_exact(survivor):
    """Every bad record is in quarantine, once, with its place in the topic."""
    bad = [f"{survivor.topic}/0/{number}" for number in range(0, RECORDS, BAD_EVERY)]

    assert survivor.quarantined() == Counter(bad)


def test_doctor_tells_what_a_start_would_find(survivor):
    """A clean checkpoint, and what pins it; or another query, and the exit code of a refusal."""
    last = survivor.committed()

    clean = survivor.doctor()
    other = survivor.doctor("watermark.delay=1 hour")

    assert clean[0] == 0
    assert f"clean after batch {last}; pinned: state_partitions 2" in clean[1]
    assert other[0] == 3
    assert "10 minutes -> " in other[1]
    assert survivor.committed() == last


def test_a_batch_that_the_sink_has_is_not_written_again(survivor, tmp_path):
    """Dead between the sink's commit and Spark's, the batch runs again and adds nothing."""
    trial = survivor.copy(tmp_path / "job")
    last = trial.committed()
    trial.forget_last_commit()

    with trial.job:
        trial.run_to_the_end()

    assert trial.committed() >= last
    assert trial.verdict() == "exact"


def test_without_the_sinks_protection_rows_are_doubled(survivor, tmp_path):
    """The test above can fail: under a new query id the sink does not know the batch."""
    trial = survivor.copy(tmp_path / "job")
    trial.forget_last_commit()
    metadata = trial.folder / "checkpoint" / checkpoint.STREAM / "metadata"
    metadata.write_text(json.dumps({"id": str(uuid.uuid4())}), "utf-8")
    metadata.with_name(".metadata.crc").unlink()

    with trial.job:
        trial.run_to_the_end()

    assert trial.verdict() != "exact"
    rows = Counter(json.dumps(row, default=str) for row in read_table(trial.folder / "result"))
    assert max(rows.values()) == 2


def test_a_lost_checkpoint_is_not_replaced_in_silence(survivor, tmp_path):
    """Without its checkpoint the job would add everything again; it refuses to start."""
    trial = survivor.copy(tmp_path / "job")
    shutil.rmtree(trial.folder / "checkpoint")

    with trial.job as job:
        job.start()
        deadline = time.monotonic() + SECONDS
        while (code := job.exit_code) is None and time.monotonic() < deadline:
            time.sleep(0.1)

    assert code == 3
    assert "starting would add all rows again" in job.log.read_text("utf-8")
    assert trial.root.read(checkpoint.CONTRACT) is None
    assert trial.verdict() == "exact"
