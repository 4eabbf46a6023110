"""`make demo`: the job on this machine, for real, and the proof that it got everything right.

A Kafka broker, 50,000 events (some late, repeated or broken), the job as its own process. Then
its output is read without Spark and compared with what is known of the events.
"""

import json
import shutil
import sys
import time
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from {{ cookiecutter.__package }} import job as pipeline
from {{ cookiecutter.__package }}.expected import expected
from {{ cookiecutter.__package }}.runtime.accounting import verdict as compare
from {{ cookiecutter.__package }}.runtime.config import load, to_timedelta
from {{ cookiecutter.__package }}.runtime.errors import StreamJobError
from {{ cookiecutter.__package }}.settings import Settings

from dev import jars, report
from dev.broker import Broker
from dev.events import Event, Shape, generate, in_step
from dev.outcome import Outcome, Played, judge
from dev.process import ProcessError, terminable
from dev.stream import Job, Sender
from dev.verdict import EXACT, read_quarantine, read_table

FOLDER = Path("build/demo")
PARTITIONS = 2
SECONDS = 600
"""After so long the demo gives up."""
RUNS_ON = "trigger" in Settings.model_fields
"""Whether the job runs until it is stopped; else it ends when it has read what there is."""
INTERVAL = timedelta(seconds=2) if RUNS_ON else None
OVERRIDES = {
    "source.starting_offsets": "earliest",
    "source.max_offsets_per_trigger": "5000",
    "sink.path": str(FOLDER / "result"),
    "quarantine.path": str(FOLDER / "quarantine"),
    "checkpoint.root": str(FOLDER / "checkpoint"),
    "metrics.port": "0",
} | ({"trigger.interval": f"{INTERVAL.seconds} seconds"} if INTERVAL else {})

PLACES = {
    "The result, a Delta table": str(FOLDER / "result"),
    "Quarantine, JSON lines": str(FOLDER / "quarantine"),
    "What the job said of each batch": str(FOLDER / "metrics.ndjson"),
    "The job's own log": str(FOLDER / "job.log"),
    "These numbers as JSON": str(FOLDER / "summary.json"),
    "The computation": f"src/{pipeline.__package__}/transform.py",
    "What it is compared with": f"src/{pipeline.__package__}/expected.py",
    "How the events are made": "dev/events.py, dev/faults.py",
}
NOT_EXERCISED = [
    "a cluster: driver and executors are one local process",
    "an encrypted or authenticated connection to Kafka",
    "crashes and restarts (tests/ kill the job for real)",
]


def main() -> int:
    """Run the demo; 0 if its verdict is exact."""
    console = Console(highlight=False)
    try:
        with terminable():
            return Demo(console).run()
    except KeyboardInterrupt:
        console.print("Stopped. Nothing is left running.")
        return 130
    except (ProcessError, StreamJobError, jars.JarsError) as error:
        console.print(f"demo: {error}", style="red", markup=False, soft_wrap=True)
        return 1


def shape_of(settings: Settings) -> Shape:
    """What the event generator has to know of this project."""
    event = pipeline.EVENT
    return Shape(
        columns=event.columns,
        time=event.time,
        key=event.key or "",
        id=event.id,
        measure=next(iter(event.measures), None),
        window=to_timedelta(settings.window.duration),
        delay=to_timedelta(settings.watermark.delay),
    )


class Demo:
    """One run, from an empty folder to the report."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.begun = time.monotonic()
        self.deadline = self.begun + SECONDS
        overrides = [f"{key}={value}" for key, value in OVERRIDES.items()]
        self.settings = load(Settings, "dev", overrides)
        self.shape = shape_of(self.settings)
        self.traffic = generate(self.shape)

    def run(self) -> int:
        """Play, judge, tell."""
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        for name in ("connectors", "broker"):
            jars.ensure(name)
        with ExitStack() as stack:
            with self.console.status("Starting a Kafka broker"):
                broker = stack.enter_context(Broker(FOLDER / "broker"))
                broker.create_topic(self.settings.source.topic, PARTITIONS)
            self.console.print(
                f"A Kafka broker runs at {broker.bootstrap_servers}. The job is started, gets "
                f"{len(self.traffic.main):,} events, and once it has caught up "
                f"{len(self.traffic.tail):,} more, some of them too late:",
                soft_wrap=True,
            )
            played = self._play(broker.bootstrap_servers)
        with self.console.status("Comparing the result with what is known of the events"):
            outcome = self._judge(played)
        self._close(outcome)
        return 0 if outcome.summary["verdict"] == EXACT else 1

    def _play(self, servers: str) -> Played:
        sender = Sender(servers, self.settings.source.topic, PARTITIONS)
        overrides = {**OVERRIDES, "source.bootstrap_servers": servers}
        with Job(str(pipeline.__package__), overrides, FOLDER) as job, self._progress() as bars:
            sent = bars.add_task("sent to Kafka", total=len(self.traffic.all), note="")
            counted = bars.add_task("read by the job", total=len(self.traffic.all), note="starting")
            if RUNS_ON:
                job.start()
            for part in (self.traffic.main, self.traffic.tail):
                for events in in_step(part, self.shape.delay):
                    sender.send(events)
                    bars.advance(sent, len(events))
                if not RUNS_ON:
                    job.start()
                self._catch_up(job, len(sender.origins), bars, counted)
                if not RUNS_ON:
                    job.finish(self.deadline)
            if RUNS_ON:
                job.drain(self.deadline)
            return Played(self.shape, self.traffic, sender.origins, job.batches)

    def _catch_up(self, job: Job, records: int, bars: Progress, task: TaskID) -> None:
        """Wait until the job has read so many records and closed the windows they close."""
        goal = self._newest(self.traffic.all[:records]) - self.shape.delay

        def reached() -> bool:
            seen = f"batch {job.batches[-1].number}" if job.batches else "starting"
            watermark = f", watermark {job.watermark:%H:%M}" if job.watermark else ""
            bars.update(task, completed=job.rows, note=seen + watermark)
            return job.rows >= records and job.watermark is not None and job.watermark >= goal

        job.wait(reached, self.deadline, f"{records:,} records and the watermark {goal}")

    def _newest(self, events: list[Event]) -> datetime:
        times = (event.values[self.shape.time] for event in events if not event.reason)
        newest: datetime = max(times)
        return newest

    def _progress(self) -> Progress:
        columns = (TextColumn("  {task.description:16}"), BarColumn(30), MofNCompleteColumn())
        return Progress(*columns, TextColumn("{task.fields[note]}"), console=self.console)

    def _judge(self, played: Played) -> Outcome:
        main, tail = self.traffic.good
        # The empty batch is the one in which Spark closes windows before the tail comes.
        wanted = expected([main, [], tail], self.settings)
        rows = read_table(Path(self.settings.sink.path))
        quarantined = read_quarantine(Path(self.settings.quarantine.path))
        outcome = judge(played, wanted, compare, rows, quarantined)
        outcome.summary.update(
            guarantee=pipeline.GUARANTEE,
            not_exercised=NOT_EXERCISED,
            seconds=round(time.monotonic() - self.begun, 1),
        )
        summary = json.dumps(outcome.summary, indent=2, ensure_ascii=False)
        (FOLDER / "summary.json").write_text(summary + "\n", "utf-8")
        page = report.page(pipeline.NAME, played, outcome, interval=INTERVAL, places=PLACES)
        (FOLDER / "report.html").write_text(page, "utf-8")
        return outcome

    def _close(self, outcome: Outcome) -> None:
        """Say in a few lines what happened and where to look."""
        summary = outcome.summary
        exact = summary["verdict"] == EXACT
        colour, word = ("green", "Exact") if exact else ("red", "Not exact")
        say = self.console.print
        say()
        for check in outcome.checks:
            mark = "[green]✓[/]" if check.holds else "[red]✗[/]"
            say(f"  {mark} {check.what}: {escape(check.found)}", soft_wrap=True)
        say(
            f"\n[bold {colour}]{word}.[/] {summary['input_rows']:,} events became "
            f"{summary['output_rows']:,} rows: {summary['counted_rows']:,} counted, "
            f"{summary['open_rows']:,} in windows still open, {summary['late_rows']:,} too late, "
            f"{summary['quarantined_rows']:,} in quarantine "
            f"({summary['rows_per_second']:,} events/s, {summary['seconds']:.0f} s in all).",
            soft_wrap=True,
        )
        say(f"Open {(FOLDER / 'report.html').resolve().as_uri()}", soft_wrap=True)
        say("Nothing is left running. Next: make test, then README.md.")


if __name__ == "__main__":
    sys.exit(main())
