{% set job = cookiecutter | stream_plan %}
"""`make demo`: the job on this machine, for real, and the proof that it got everything right.

Up to 50,000 events (some late, repeated or broken), the job as its own process. Then its output is
read without Spark and compared with what is known of the events.
"""

import json
import shutil
import sys
import time
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from stream_runtime.accounting import verdict as compare
from stream_runtime.config import load
from stream_runtime.errors import StreamJobError

from {{ cookiecutter.__package }} import job as pipeline
from {{ cookiecutter.__package }}.settings import Settings

from dev import jars, report
from dev.about import FOLLOWS_TIME, INTERVAL, NOT_EXERCISED, shape_of, words_for
from dev.events import Event, generate
from dev.feed import Feed
from dev.outcome import Outcome, Played, judge
from dev.process import ProcessError, terminable
from dev.services import Services
from dev.stream import Job
from dev.target import Target
from dev.verdict import EXACT, read_quarantine
from tests.oracle import expected

FOLDER = Path("build/demo")
EVENTS = 50_000
VALUES = 2_500_000
"""No more than these are made: of events with many columns there are fewer."""
BATCH_ROWS = 5000
SECONDS = 600
"""After so long the demo gives up."""
SPEAK_SECONDS = 10
"""How often a log that is no terminal gets a sign of life."""
OVERRIDES = {
    **Feed.batches_of(BATCH_ROWS),
    "quarantine.path": str(FOLDER / "quarantine"),
    "checkpoint.root": str(FOLDER / "checkpoint"),
    "metrics.port": "0",
} | ({"trigger.interval": f"{INTERVAL.seconds} seconds"} if INTERVAL else {})

PLACES = {
    "Quarantine, JSON lines": str(FOLDER / "quarantine"),
    "What the job said of each batch": str(FOLDER / "metrics.ndjson"),
    "The job's own log": str(FOLDER / "job.log"),
    "These numbers as JSON": str(FOLDER / "summary.json"),
    "The computation": f"src/{pipeline.__package__}/transform.py",
    "What it is compared with": "tests/oracle.py",
    "How the events are made": "dev/events.py, dev/faults.py",
}


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


class Demo:
    """One run, from an empty folder to the report."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.begun = self.spoken = time.monotonic()
        self.deadline = self.begun + SECONDS
        overrides = [f"{key}={value}" for key, value in OVERRIDES.items()]
        self.settings = load(Settings, "dev", overrides)
        self.shape = shape_of(self.settings)
        self.traffic = generate(self.shape, min(EVENTS, VALUES // len(self.shape.columns)))

    def run(self) -> int:
        """Play, judge, tell."""
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        jars.ensure_all()
        with Services(FOLDER) as services:
            with self.console.status("Starting what the job needs"):
                feed = Feed(services, FOLDER, pipeline.NAME)
                target = Target(services, FOLDER, "result")
            self.console.print(
                f"The job is started, gets {len(self.traffic.main):,} events from {Feed.PLACE}, "
                f"and once it has caught up {len(self.traffic.tail):,} more:",
                soft_wrap=True,
            )
            played = self._play(feed, target)
            with self.console.status("Comparing the result with what is known of the events"):
                outcome = self._judge(played, target)
        self._close(outcome)
        return 0 if outcome.summary["verdict"] == EXACT else 1

    def _play(self, feed: Feed, target: Target) -> Played:
        overrides = {**OVERRIDES, **feed.settings, **target.settings}
        with Job(str(pipeline.__package__), overrides, FOLDER) as job, self._progress() as bars:
            sent = bars.add_task("sent", total=len(self.traffic.all), note="")
            counted = bars.add_task("read by the job", total=len(self.traffic.all), note="starting")
            if INTERVAL:
                job.start()
            for part in (self.traffic.main, self.traffic.tail):
                for events in feed.slices(part, self.shape.delay):
                    feed.send(events)
                    bars.advance(sent, len(events))
                    self._speak(f"sent: {len(feed.origins):,}")
                if not INTERVAL:
                    job.start()
                self._catch_up(job, len(feed.origins), bars, counted)
                if not INTERVAL:
                    job.finish(self.deadline)
            if INTERVAL:
                job.drain(self.deadline)
            return Played(self.shape, self.traffic, feed.origins, job.batches)

    def _catch_up(self, job: Job, records: int, bars: Progress, task: TaskID) -> None:
        """Wait until the job has read so many records, and closed the windows they close."""
        goal = self._newest(self.traffic.all[:records]) - self.shape.delay

        def reached() -> bool:
            seen = f"batch {job.batches[-1].number}" if job.batches else "starting"
            watermark = f", watermark {job.watermark:%H:%M}" if job.watermark else ""
            bars.update(task, completed=job.rows, note=seen + watermark)
            self._speak(f"read by the job: {job.rows:,} of {records:,}, {seen}{watermark}")
            in_time = not FOLLOWS_TIME or (job.watermark is not None and job.watermark >= goal)
            return job.rows >= records and in_time

        job.wait(reached, self.deadline, f"{records:,} records, and the watermark {goal}")

    def _speak(self, line: str) -> None:
        """Print a line now and then where no bar moves: in a pipe, in a log."""
        now = time.monotonic()
        if not self.console.is_terminal and now - self.spoken > SPEAK_SECONDS:
            self.console.print(f"  {now - self.begun:3.0f} s, {line}", soft_wrap=True)
            self.spoken = now

{% if job.right %}
    def _newest(self, events: list[Event]) -> datetime:
        """The newest event of the input that is less far."""
        newest: dict[str, datetime] = {}
        for event in (event for event in events if not event.reason):
            time = event.values[self.shape.of(event).time]
            newest[event.table] = max(time, newest.get(event.table, time))
        return min(newest.values())
{% else %}
    def _newest(self, events: list[Event]) -> datetime:
        times = (event.values[self.shape.time] for event in events if not event.reason)
        newest: datetime = max(times)
        return newest
{% endif %}

    def _progress(self) -> Progress:
        columns = (TextColumn("  {task.description:16}"), BarColumn(30), MofNCompleteColumn())
        return Progress(*columns, TextColumn("{task.fields[note]}"), console=self.console)

    def _judge(self, played: Played, target: Target) -> Outcome:
{% if job.right %}
        events, right = self.traffic.good
        wanted = expected(events, right, self.settings)
{% else %}
        wanted = expected(self.traffic.good, self.settings)
{% endif %}
        quarantined = read_quarantine(Path(self.settings.quarantine.path))
        outcome = judge(played, wanted, compare, target.rows(), quarantined)
        outcome.summary.update(
            guarantee=pipeline.GUARANTEE,
            not_exercised=NOT_EXERCISED,
            seconds=round(time.monotonic() - self.begun, 1),
        )
        summary = json.dumps(outcome.summary, indent=2, ensure_ascii=False)
        (FOLDER / "summary.json").write_text(summary + "\n", "utf-8")
        result = ", ".join(target.settings.values())
        places = {f"The result, {Target.PLACE}": result, **PLACES}
        words = words_for(self.shape)
        page = report.page(words, played, outcome, interval=INTERVAL, places=places)
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
        parts = {
            "open": "still open",
            "late": "too late",
            "duplicate": "repeated",
            "quarantined": "in quarantine",
        }
        numbers = {what: summary[f"{part}_rows"] for part, what in parts.items()}
        rest = [f"{number:,} {what}" for what, number in numbers.items() if number is not None]
        say(
            f"\n[bold {colour}]{word}.[/] {summary['input_rows']:,} events became "
            f"{summary['output_rows']:,} rows; {', '.join(rest)} "
            f"({summary['rows_per_second']:,} events/s, {summary['seconds']:.0f} s in all).",
            soft_wrap=True,
        )
        say(f"Open {(FOLDER / 'report.html').resolve().as_uri()}", soft_wrap=True)
        say("Nothing is left running. Next: make test, then README.md.")


if __name__ == "__main__":
    sys.exit(main())
