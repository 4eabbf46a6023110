"""`make demo`: a real run of the job on this machine, and the comparison with the test oracle.

The generator sends up to 50,000 events, some of them late, duplicate or invalid. The job is a
process. The demo reads the target without Spark and compares it with the test oracle.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from stream_runtime.config import load
from stream_runtime.errors import StreamJobError
from stream_runtime.job import Job

from . import jars
from .events.generate import Event, EventSpec, generate
from .job import JobProcess
from .outcome import DemoRun, Outcome, compare, measure_latencies
from .progress import StepError
from .reconciliation import Result
from .report import page
from .servers.local import LocalServers, Servers
from .servers.process import ProcessError, terminable
from .verdict import EXACT, Row, read_quarantine

FOLDER = Path("build/demo")
LOW_LATENCY = ("continuous", "real_time")
"""The triggers whose batches always last as long as the interval."""
EVENTS = 50_000
VALUES = 2_500_000
"""The largest number of values: of events with many columns there are fewer."""
BATCH_ROWS = 5000
SPEAK_SECONDS = 10
"""Seconds between two lines of progress where the output is not a terminal."""
PLACES = {
    "Quarantine, as JSON lines": str(FOLDER / "quarantine"),
    "Metrics of each batch": str(FOLDER / "metrics.ndjson"),
    "Log of the job": str(FOLDER / "job.log"),
    "Summary, as JSON": str(FOLDER / "summary.json"),
}


SERVERS = {"make servers": "starts what the job needs, in a terminal of its own"}
COMMANDS = {
    "make produce": "sends sample events to the source",
    "make run": "runs the job, in a terminal of its own",
    "make show": "shows the newest rows of result and quarantine",
    "make status": "shows what the job is doing",
    "make test": "runs the tests of the project",
}


class EventProducer(Protocol):
    """The writer of the events that the job reads; it records their source references.

    Its arguments are a `Place`: the servers, a folder for its files, and the name of its topic or
    folder.
    """

    PLACE: str
    """The system that it writes to, for the report."""
    TYPED: bool
    """Whether the records have typed columns, so that none can be malformed."""
    settings: dict[str, str]
    """The settings with which the job reads the events."""
    origins: list[str]
    """The source reference of each event, in the order of sending."""

    def __init__(self, servers: Servers, folder: Path, name: str) -> None: ...

    @staticmethod
    def slices(events: Sequence[Event], delay: timedelta) -> Iterable[Sequence[Event]]:
        """Return the parts that are sent one after another."""

    @staticmethod
    def batches_of(rows: int) -> dict[str, str]:
        """Return the settings with which the job reads so many records in a batch."""

    def send(self, events: Sequence[Event]) -> None:
        """Send events, and return when the job can read all of them."""


class ResultReader(Protocol):
    """The reader of the target without Spark; it has the arguments of an EventProducer."""

    PLACE: str
    """The system that it reads, for the report."""
    settings: dict[str, str]
    """The settings with which the job writes to the target."""

    def __init__(self, servers: Servers, folder: Path, name: str) -> None: ...

    def rows(self) -> list[Row]:
        """Return all rows of the result."""


@runtime_checkable
class TimedReader(Protocol):
    """A ResultReader whose target stores when each row was written."""

    def written(self) -> list[tuple[Row, datetime]]:
        """Return each row of the target, and when it was written."""


@dataclass(frozen=True)
class DemoSpec:
    """The parts of a project's demo."""

    pipeline: Job
    oracle: Callable[..., Result]
    producer: type[EventProducer]
    reader: type[ResultReader]
    make_spec: Callable[[Any], EventSpec]
    """Returns the event spec for the settings."""
    make_words: Callable[[EventSpec], page.Words]
    follows_time: bool
    """Whether a batch without data follows the last one, and brings the state to the watermark."""
    has_servers: bool
    """Whether the job needs servers on this machine."""
    places: Mapping[str, str]
    """What the report names besides the output of the demo."""
    not_exercised: Sequence[str]
    interval: timedelta | None = None
    """`trigger.interval` in the demo; None for a job that ends when it has read everything."""

    def overrides(self, folder: Path, batch_rows: int) -> dict[str, str]:
        """Return the overrides of conf/dev.toml for a run in a folder, as for `--set`."""
        interval = self.interval
        return {
            "quarantine.path": str(folder / "quarantine"),
            "checkpoint.root": str(folder / "checkpoint"),
            "metrics.port": "0",
            **({"trigger.interval": f"{interval.seconds} seconds"} if interval else {}),
            **self.producer.batches_of(batch_rows),
        }

    def load_settings(self, overrides: Mapping[str, str]) -> Any:
        """Return the settings of conf/dev.toml with these overrides."""
        return load(self.pipeline.settings, "dev", [f"{key}={to}" for key, to in overrides.items()])


def run(spec: DemoSpec) -> int:
    """Run the demo, and return 0 if its verdict is exact."""
    console = Console(highlight=False)
    try:
        with terminable():
            return Demo(spec, console).run()
    except KeyboardInterrupt:
        console.print("Stopped. Nothing is left running.")
        return 130
    except (ProcessError, StreamJobError, StepError) as error:
        console.print(f"demo: {error}", style="red", markup=False, soft_wrap=True)
        return 1


def watermark_after(spec: EventSpec, events: Iterable[Event]) -> datetime:
    """Return the watermark after these events: with two inputs, the minimum of both."""
    newest: dict[str, datetime] = {}
    for event in (event for event in events if not event.reason):
        time = event.values[spec.of(event).time]
        newest[event.table] = max(time, newest.get(event.table, time))
    return min(newest.values()) - spec.delay


class Demo:
    """One run of the demo, from an empty folder to the report."""

    def __init__(self, demo: DemoSpec, console: Console) -> None:
        self.demo, self.console = demo, console
        self.begun = self.spoken = time.monotonic()
        self.overrides = demo.overrides(FOLDER, BATCH_ROWS)
        self.settings = demo.load_settings(self.overrides)
        self.spec = demo.make_spec(self.settings)
        self.traffic = generate(self.spec, min(EVENTS, VALUES // len(self.spec.columns)))

    def run(self) -> int:
        """Send events, compare the result, write the report."""
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        jars.ensure_all()
        with LocalServers(FOLDER) as servers:
            with self.console.status("Starting what the job needs"):
                producer = self.demo.producer(servers, FOLDER, self.demo.pipeline.name)
                target = self.demo.reader(servers, FOLDER, "result")
            self.console.print(
                f"The job starts and reads {len(self.traffic.main):,} events from "
                f"{producer.PLACE}. After these, it reads {len(self.traffic.tail):,} more:",
                soft_wrap=True,
            )
            played = self._play(producer, target)
            with self.console.status("Comparing the result with the test oracle"):
                outcome = self._compare(played, target)
        self._close(outcome)
        return 0 if outcome.summary["verdict"] == EXACT else 1

    def _play(self, producer: EventProducer, target: ResultReader) -> DemoRun:
        overrides = {**self.overrides, **producer.settings, **target.settings}
        times: list[datetime] = []
        package, runs_on = str(self.demo.pipeline.package), self.demo.interval is not None
        with JobProcess(package, overrides, FOLDER) as job, self._progress() as bars:
            sent = bars.add_task("sent", total=len(self.traffic.all), note="")
            counted = bars.add_task("read by the job", total=len(self.traffic.all), note="starting")
            if runs_on:
                job.start()
            for part in (self.traffic.main, self.traffic.tail):
                for events in producer.slices(part, self.spec.delay):
                    times += [datetime.now(UTC)] * len(events)
                    producer.send(events)
                    bars.advance(sent, len(events))
                    self._speak(f"sent: {len(producer.origins):,}")
                if not runs_on:
                    job.start()
                self._catch_up(job, len(producer.origins), bars, counted)
                if not runs_on:
                    job.finish()
            if runs_on:
                job.drain()
            return DemoRun(self.spec, self.traffic, producer.origins, job.batches, times)

    def _catch_up(self, job: JobProcess, records: int, bars: Progress, task: TaskID) -> None:
        """Wait until the job has read so many records and closed their windows."""
        goal = watermark_after(self.spec, self.traffic.all[:records])

        def reached() -> bool:
            seen = f"batch {job.batches[-1].number}" if job.batches else "starting"
            watermark = f", watermark {job.watermark:%H:%M}" if job.watermark else ""
            bars.update(task, completed=job.rows, note=seen + watermark)
            self._speak(f"read by the job: {job.rows:,} of {records:,}, {seen}{watermark}")
            if self.demo.follows_time and (job.watermark is None or job.watermark < goal):
                return False
            return job.rows >= records

        job.wait(reached, f"{records:,} records, and the watermark {goal}")

    def _speak(self, line: str) -> None:
        """Print a line of progress regularly if the output is not a terminal."""
        now = time.monotonic()
        if not self.console.is_terminal and now - self.spoken > SPEAK_SECONDS:
            self.console.print(f"  {now - self.begun:3.0f} s, {line}", soft_wrap=True)
            self.spoken = now

    def _progress(self) -> Progress:
        columns = (TextColumn("  {task.description:16}"), BarColumn(30), MofNCompleteColumn())
        return Progress(*columns, TextColumn("{task.fields[note]}"), console=self.console)

    def _compare(self, played: DemoRun, target: ResultReader) -> Outcome:
        wanted = self.demo.oracle(*self.traffic.valid, self.settings)
        quarantined = read_quarantine(Path(self.settings.quarantine.path))
        outcome = compare(played, wanted, target.rows(), quarantined)
        if isinstance(target, TimedReader):
            written = ((row[self.spec.time], at) for row, at in target.written())
            outcome = replace(outcome, latencies=measure_latencies(played, written))
        outcome.summary.update(
            guarantee=self.demo.pipeline.guarantee,
            not_exercised=list(self.demo.not_exercised),
            seconds=round(time.monotonic() - self.begun, 1),
        )
        summary = json.dumps(outcome.summary, indent=2, ensure_ascii=False)
        (FOLDER / "summary.json").write_text(summary + "\n", "utf-8")
        result = ", ".join(target.settings.values())
        places = {f"Result, {target.PLACE}": result, **PLACES, **self.demo.places}
        words = self.demo.make_words(self.spec)
        text = page.render(
            words,
            played,
            outcome,
            interval=self.demo.interval,
            places=places,
            commands=self._commands,
            has_batches=self.demo.pipeline.trigger not in LOW_LATENCY,
        )
        (FOLDER / "report.html").write_text(text, "utf-8")
        return outcome

    @property
    def _commands(self) -> dict[str, str]:
        return (SERVERS if self.demo.has_servers else {}) | COMMANDS

    def _close(self, outcome: Outcome) -> None:
        """Print the verdict and where the report is."""
        summary = outcome.summary
        exact = summary["verdict"] == EXACT
        colour, word = ("green", "Exact") if exact else ("red", "Not exact")
        say = self.console.print
        say()
        for check in outcome.checks:
            mark = "[green]✓[/]" if check.holds else "[red]✗[/]"
            say(f"  {mark} {check.what}: {escape(check.found)}", soft_wrap=True)
        say(f"\n[bold {colour}]{word}.[/] {summary['output_rows']:,} rows in the result.")
        for split in outcome.splits:
            say(f"  {split}", soft_wrap=True)
        say(f"{summary['rows_per_second']:,} records/s, {summary['seconds']:.0f} s in all")
        say(f"Open {(FOLDER / 'report.html').resolve().as_uri()}", soft_wrap=True)
        commands = ", ".join(self._commands)
        say(f"Nothing is left running. Next: {commands}; README.md says more.", soft_wrap=True)
