"""The state of long runs: `python -m tests.flat` draws docs/state.svg, and fails if state grows.

A job for each kind of state reads a constant load for 20 hours of event time. A batch holds 40
minutes of events, out of order within the watermark's delay. The number of state rows must not
grow with the number of events read.
"""

import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from stream_devkit.events.generate import Event
from stream_devkit.report import svg

from tests import matrix, sparks, variants
from tests.examples import ROOT, bake

PLOT = ROOT / "docs" / "state.svg"
START = datetime(2026, 3, 2, tzinfo=UTC)
FILES = 60
FILE_SPAN = timedelta(minutes=20)
# The rows of one file. A batch reads two files.
ROWS = 250
KEYS = 5
GROWTH = 1.2
"""The largest allowed ratio of state rows, second half to first half; random events vary it."""
SHARED = {"source": "files", "sink": "files", "trigger": "available_now", "output_mode": "append"}
JOBS = {
    "tumbling windows": {"window": "tumbling"},
    "sessions": {"window": "session"},
    "deduplicate": {"window": "none", "state": "deduplicate"},
    "custom": {"window": "none", "state": "custom"},
    "stream_left": {"window": "none", "join": "stream_left"},
}
COLOURS = ("#1f77b4", "#9467bd", "#2ca02c", "#d62728", "#ff7f0e")
STYLE = (
    "text{font:13px sans-serif;fill:#444}.grid{stroke:#ddd}.line{fill:none;stroke-width:2}"
    + "".join(f".c{number}{{stroke:{colour}}}" for number, colour in enumerate(COLOURS))
    + "".join(f"text.t{number}{{fill:{colour}}}" for number, colour in enumerate(COLOURS))
)


def measure_state(answers, services, folder, number):
    """Run a job; return its number of state rows after each batch with data."""
    slug = f"state-{number}"
    project = bake(folder, hooks=False, project_slug=slug, **variants.EVENTS, **SHARED, **answers)
    with matrix.import_project(project, slug.replace("-", "_")) as load:
        run = matrix.ProjectRun(load, services, project)
        random = Random(number)  # noqa: S311 - a seed, so that a run can be repeated
        for file in range(FILES):
            run.producer.send(_make_events(file, random, has_join="join" in answers))
        run.run_job()
        log = Path(run.settings.metrics.log).read_text("utf-8")
        lines = [line for line in map(json.loads, log.splitlines()) if line["event"] == "batch"]
        return [line["state_rows"] for line in lines if line["input_rows"]]


def _make_events(number, random, *, has_join):
    """Return the events of one file; with a join, half as many events of the right input."""
    begin = START + number * FILE_SPAN
    # A key has events only in every second file, so that its sessions end.
    keys = [f"k{key}" for key in range(number % 2, 2 * KEYS, 2)]
    events = []
    for index in range(ROWS):
        event_time = begin + random.random() * (FILE_SPAN + timedelta(minutes=5))
        values = {
            "event_id": f"{number}-{index}",
            "event_time": event_time.isoformat(),
            "event_type": keys[index % KEYS],
            "amount": 1.0,
        }
        events.append(Event(json.dumps(values).encode(), None, begin, "plain"))
        if has_join and index % 2:
            right_event = {"id": f"r{number}-{index}", "time": event_time.isoformat()}
            right_event |= {"event_type": keys[index % KEYS], "value": 1.0}
            events.append(
                Event(json.dumps(right_event).encode(), None, begin, "plain", table="right")
            )
    return events


def is_flat(rows):
    """Return whether the second half has at most GROWTH times the state rows of the first half."""
    half = len(rows) // 2
    return max(rows[half:]) <= GROWTH * max(rows[:half])


def draw_plot(runs):
    """Return an SVG of all runs, with one line per run."""
    ticks = svg.make_ticks(max(max(rows) for rows in runs.values()))
    frame = svg.Frame(360, (0, FILES / 2 - 1), (0, ticks[-1]), right=170)
    parts = [
        svg.draw_y_axis(frame, [(tick, f"{tick:,.0f}") for tick in ticks]),
        svg.draw_x_axis(frame, [(batch, f"batch {batch}") for batch in range(0, FILES // 2, 5)]),
    ]
    for number, (name, rows) in enumerate(runs.items()):
        points = [(frame.x(batch), frame.y(count)) for batch, count in enumerate(rows)]
        parts.append(svg.draw_line(points, f"c{number}"))
        position = (frame.width - frame.right + 12, 24 + 22 * number)
        parts.append(svg.draw_text(position, f"{name}: {rows[-1]:,} rows", f"t{number}"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {frame.height}">'
        f"<title>Rows of state after each batch of {2 * ROWS} events</title>"
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>\n"
    )


def main():
    """Run all jobs and draw the plot; return 1 if the state of any job grows."""
    runs = {}
    with tempfile.TemporaryDirectory() as folder:
        services = sparks.Services(Path(folder))
        try:
            for number, (name, answers) in enumerate(JOBS.items()):
                runs[name] = measure_state(answers, services, Path(folder) / f"{number}", number)
                print(
                    f"{name}: {'flat' if is_flat(runs[name]) else 'GROWS'}, {runs[name]}",
                    flush=True,
                )
        finally:
            services.close()
    PLOT.write_text(draw_plot(runs), "utf-8")
    return int(not all(map(is_flat, runs.values())))


if __name__ == "__main__":
    sys.exit(main())
