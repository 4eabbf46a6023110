"""`make chaos`: the demo's events, while the job and its servers fail at random moments.

The comparison is that of the demo: the test oracle computes the result from the events as they
were generated, so it shares no code with the job. A failure waits for progress of the job; the
seed decides which failure comes when. Timing still differs between two runs of the same seed.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random

from stream_runtime import spark_log
from stream_runtime.errors import CheckpointError, StreamFailedError, StreamJobError
from stream_runtime.storage import LocalStorage

from . import crash, jars
from .demo import LOW_LATENCY, DemoSpec, EventProducer, ResultReader, watermark_after
from .events.generate import Event, generate
from .job import PATIENCE_SECONDS, JobError, JobProcess
from .reconciliation import Result
from .servers.local import LocalServers
from .verdict import compare_quarantine, compare_rows, expect_quarantine, read_quarantine, verdict

FOLDER = Path("build/chaos")
EVENTS = 500
"""The number of events for each failure: enough for some batches."""
BATCH_ROWS = 100
"""The most records of a batch: many batches have many moments."""
POLL_SECONDS = 0.01
LATEST_SECONDS = {"start": 12.0, "batch": 3.0, "commit": 3.0}
"""How long after each moment a failure comes at most."""
OUTAGE_SECONDS = (2.0, 20.0)
"""The shortest and the longest time without a server."""
MOST_STARTS = 5
"""How often the job may end by itself, with an error, before the run gives up."""


class Trial:
    """The running parts of one chaos run, on which the failures act."""

    def __init__(
        self, job: JobProcess, second: JobProcess, servers: LocalServers, seed: int
    ) -> None:
        self.job, self.servers = job, servers
        self.second = second
        """The same job as another process: a second driver."""
        self.rng = Random(seed)
        self.root = FOLDER / "checkpoint"

    @property
    def committed(self) -> int:
        """Return the last batch that Spark committed, -1 before the first."""
        last = spark_log.committed(LocalStorage(self.root))
        return -1 if last is None else last

    @property
    def in_batch(self) -> bool:
        """Return whether a batch is planned and not yet committed."""
        planned = spark_log.planned(LocalStorage(self.root))
        return planned is not None and planned > self.committed

    @property
    def is_idle(self) -> bool:
        """Return whether the job has read everything: no further batch comes."""
        self.job.follow()
        return self.job.idle

    def has_reached(self, moment: str, before: int) -> bool:
        """Return whether the moment has come after batch `before`, or no batch comes any more."""
        if moment == "start" or self.is_idle:
            return True
        return self.committed > before and (moment == "commit" or self.in_batch)

    def wait(self, reached: Callable[[], bool], poll: float = POLL_SECONDS) -> bool:
        """Wait until `reached()` is true; return False if the job ends before.

        Raises:
            JobError: the job commits no batch for `PATIENCE_SECONDS`.
        """
        committed, deadline = self.committed, time.monotonic() + PATIENCE_SECONDS
        while not reached():
            if not self.job.running:
                return False
            if self.committed > committed:
                committed, deadline = self.committed, time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > deadline:
                message = f"the job made no progress for {PATIENCE_SECONDS} s: see {self.job.log}"
                raise JobError(message)
            time.sleep(poll)
        return True


@dataclass(frozen=True)
class Failure:
    """What happens to the job or to a server, and at which moments."""

    cause: Callable[[Trial], str]
    """Causes it, and returns what was observed."""
    moments: Sequence[str] = ("start", "batch", "commit")
    """`start`: while the job starts; `batch`: in a batch; `commit`: after one."""


def kill(trial: Trial) -> str:
    """Kill the driver and its JVM, like the loss of a machine."""
    trial.job.kill()
    return f"batch {trial.committed + 1} is {'replayed' if trial.in_batch else 'next'}"


def kill_jvm(trial: Trial) -> str:
    """Kill the JVM alone; the driver ends by itself.

    Raises:
        JobError: it ends with another exit code than the documented one, or not at all.
    """
    if not trial.job.process.kill_java():
        return "the job has no JVM"
    exit_code = trial.job.process.wait(PATIENCE_SECONDS)
    _require("the driver of a dead JVM", exit_code, StreamFailedError, trial.job)
    return f"the driver ends with exit code {exit_code}"


def terminate(trial: Trial) -> str:
    """Send SIGTERM, as an orchestrator does; the job drains."""
    return f"the driver ends with exit code {trial.job.terminate()}"


def freeze(trial: Trial) -> str:
    """Suspend the driver, start a second one, and continue the first.

    Raises:
        JobError: the second one is not refused.
    """
    trial.job.process.freeze()
    if not trial.job.running:
        return "the job has already ended"
    try:
        trial.second.start()
        exit_code = trial.second.process.wait(PATIENCE_SECONDS)
    finally:
        trial.second.kill()
        trial.job.process.thaw()
    _require("a second driver", exit_code, CheckpointError, trial.second)
    return "a second driver is refused"


def _require(who: str, exit_code: int | None, error: type[StreamJobError], job: JobProcess) -> None:
    if exit_code != error.exit_code:
        message = f"{who} ends with exit code {exit_code} instead of {error.exit_code}: {job.log}"
        raise JobError(message)


def forget_commit(trial: Trial) -> str:
    """Kill the job between two batches, and delete Spark's last commit.

    So the driver seems to have died between the sink's commit and Spark's.
    """
    trial.wait(lambda: trial.committed >= 0 and not trial.in_batch)
    trial.job.kill()
    last = trial.committed
    if trial.in_batch:
        return f"batch {last + 1} is replayed"
    crash.forget_commit(trial.root / spark_log.STREAM)
    return f"batch {last} is replayed, although the target has it"


def restart_servers(trial: Trial) -> str:
    """Crash the servers, and start them again with their data."""
    return _interrupt(trial, "crash", "start")


def freeze_servers(trial: Trial) -> str:
    """Suspend the servers, so that they do not answer, and continue them."""
    return _interrupt(trial, "freeze", "thaw")


def _interrupt(trial: Trial, begin: str, end: str) -> str:
    seconds = trial.rng.uniform(*OUTAGE_SECONDS)
    for server in trial.servers.started:
        getattr(server, begin)()
    time.sleep(seconds)
    for server in trial.servers.started:
        getattr(server, end)()
    names = " and ".join(server.name for server in trial.servers.started)
    return f"no {names} for {seconds:.0f} s"


OF_JOB = {
    "kill": Failure(kill),
    "kill-jvm": Failure(kill_jvm, ("batch", "commit")),
    "terminate": Failure(terminate),
    "freeze": Failure(freeze, ("batch", "commit")),
    "forget-commit": Failure(forget_commit, ("commit",)),
}
OF_SERVERS = {
    "restart-servers": Failure(restart_servers),
    "freeze-servers": Failure(freeze_servers),
}


def failures_of(demo: DemoSpec) -> dict[str, Failure]:
    """Return the failures by name that can happen to a project."""
    return OF_JOB | (OF_SERVERS if demo.has_servers else {})


class Chaos:
    """One run with failures.

    Args:
        demo: the parts of the project.
        names: the failures to choose from; each comes once before one comes again.
        count: the number of failures.
        seed: what decides the failures and their moments.
    """

    def __init__(self, demo: DemoSpec, names: Sequence[str], count: int, seed: int) -> None:
        self.demo, self.names, self.count, self.seed = demo, names, count, seed
        self.overrides = demo.overrides(FOLDER, BATCH_ROWS)
        self.settings = demo.load_settings(self.overrides)
        self.spec = demo.make_spec(self.settings)
        self.traffic = generate(self.spec, EVENTS * (count + 2), seed)
        self.observed: list[str] = []
        """What happened at each failure."""
        self._begun = time.monotonic()

    def run(self) -> str:
        """Return the verdict, `exact` or what differs; print it, and each failure."""
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        self._say(f"{self.count} failures, seed {self.seed}: {', '.join(self.names)}")
        jars.ensure_all()
        with LocalServers(FOLDER) as servers:
            producer = self.demo.producer(servers, FOLDER, self.demo.pipeline.name)
            target = self.demo.reader(servers, FOLDER, "result")
            found = self._play(servers, producer, target)
        summary = {"verdict": found, "seed": self.seed, "failures": self.observed}
        (FOLDER / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
        self._say(f"result and quarantine after {self.count} failures: {found}")
        return found

    def _play(self, servers: LocalServers, producer: EventProducer, target: ResultReader) -> str:
        overrides = {**self.overrides, **producer.settings, **target.settings}
        package, second = str(self.demo.pipeline.package), FOLDER / "second"
        second.mkdir()
        with (
            JobProcess(package, overrides, FOLDER) as job,
            JobProcess(package, overrides, second) as other,
        ):
            trial = Trial(job, other, servers, self.seed)
            wanted = self.demo.oracle(*self.traffic.valid, self.settings)
            names = list(self._choose(trial.rng))
            # The tail has the late events; it is sent when the watermark is where it must be.
            of_tail = len(names) // 4
            self._disturb(trial, producer, self.traffic.main, names[of_tail:])
            if not self._is_low_latency:
                self._catch_up(trial, self._when_read(trial, self.traffic.main))
            self._disturb(trial, producer, self.traffic.tail, names[:of_tail])
            if self._is_low_latency:
                self._catch_up(trial, lambda: self._has_written(target, wanted))
            else:
                self._catch_up(trial, self._when_read(trial, self.traffic.all))
            if trial.job.running:
                job.drain()
            return self._compare(producer, target, wanted)

    @property
    def _is_low_latency(self) -> bool:
        """Return whether the trigger has no idle moment."""
        return self.demo.pipeline.trigger in LOW_LATENCY

    def _when_read(self, trial: Trial, events: Sequence[Event]) -> Callable[[], bool]:
        return partial(self._has_read, trial, watermark_after(self.spec, events))

    def _disturb(
        self,
        trial: Trial,
        producer: EventProducer,
        events: Sequence[Event],
        names: Sequence[str],
    ) -> None:
        """Send events, with failures in between."""
        slices = list(producer.slices(events, self.spec.delay))
        ends = [len(slices) * number // (len(names) + 1) for number in range(len(names) + 2)]
        for begin, end, name in zip(ends, ends[1:], [*names, None], strict=False):
            for part in slices[begin:end]:
                producer.send(part)
            if name:
                self._fail(trial, name)

    def _choose(self, rng: Random) -> Iterator[str]:
        """Yield the names of the failures: all in random order, then all again."""
        for begin in range(0, self.count, len(self.names)):
            yield from rng.sample(self.names, min(len(self.names), self.count - begin))

    def _fail(self, trial: Trial, name: str) -> None:
        """Wait for a random moment, and cause a failure there."""
        failure = failures_of(self.demo)[name]
        moments = [at for at in failure.moments if at != "start" or not trial.job.running]
        moment = trial.rng.choice(moments)
        self._ensure_running(trial)
        before = trial.committed
        trial.job.idle = False
        if trial.wait(partial(trial.has_reached, moment, before)):
            time.sleep(trial.rng.uniform(0, LATEST_SECONDS[moment]))
        what = f"{len(self.observed) + 1}/{self.count} {name}, {moment}: {failure.cause(trial)}"
        self.observed.append(what)
        self._say(what)

    def _ensure_running(self, trial: Trial) -> None:
        """Start the job if it does not run."""
        if not trial.job.running:
            trial.job.forget()
            trial.job.start()

    def _catch_up(self, trial: Trial, is_done: Callable[[], bool]) -> None:
        """Run the job until `is_done()` is true, or until a scheduled run has read everything."""
        # An older report is not about the records that were sent last.
        trial.job.idle = False
        for _ in range(MOST_STARTS):
            self._ensure_running(trial)
            if trial.wait(is_done, 0.5) or trial.job.exit_code == 0:
                return
            self._say(f"the job ended with exit code {trial.job.exit_code}, and starts again")
        message = f"the job failed {MOST_STARTS} times without a cause of this run"
        raise JobError(message)

    def _has_read(self, trial: Trial, goal: datetime) -> bool:
        """Return whether the job has read all records, and its watermark has reached the goal."""
        is_idle, watermark = trial.is_idle, trial.job.watermark
        behind = self.demo.follows_time and (watermark is None or watermark < goal)
        return is_idle and not behind

    def _has_written(self, target: ResultReader, wanted: Result) -> bool:
        """Return whether there are as many rows and invalid records as there must be."""
        rows, records = len(target.rows()), len(read_quarantine(self._quarantine))
        invalid_records = sum(event.reason is not None for event in self.traffic.all)
        return rows >= len(wanted.rows) and records >= invalid_records

    @property
    def _quarantine(self) -> Path:
        return Path(self.overrides["quarantine.path"])

    def _compare(self, producer: EventProducer, target: ResultReader, wanted: Result) -> str:
        """Compare result and quarantine with the test oracle."""
        quarantine = expect_quarantine(producer.origins, self.traffic, self.spec)
        return verdict(
            [
                compare_rows(wanted.rows, target.rows()),
                compare_quarantine(quarantine, read_quarantine(self._quarantine)),
            ]
        )

    def _say(self, line: str) -> None:
        print(f"{time.monotonic() - self._begun:6.0f} s  {line}", flush=True)
