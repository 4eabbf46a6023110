"""The state of long runs: `python -m tests.flat` draws docs/state.svg, and fails where it grows.

A job of each kind of state reads the same load for twenty hours of event time, a batch every
forty minutes, out of order within the watermark's delay. What it holds must not follow what it
has read.
"""

import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from stream_devkit.events.generate import Event
from stream_devkit.report import svg

from tests import matrix, shapes, sparks
from tests.examples import ROOT, bake

PLOT = ROOT / "docs" / "state.svg"
START = datetime(2026, 3, 2, tzinfo=UTC)
SLICES = 60
SLICE = timedelta(minutes=20)
# One file of the producer: a batch takes two of them.
ROWS = 250
KEYS = 5
GROWTH = 1.2
"""How much more the second half may hold than the first: chance makes some difference."""
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


def measured(answers, stage, folder, number):
    """How many rows of state the job had after each batch with data."""
    slug = f"state-{number}"
    project = bake(folder, hooks=False, project_slug=slug, **shapes.EVENTS, **SHARED, **answers)
    with matrix.imported(project, slug.replace("-", "_")) as load:
        run = matrix.Run(load, stage, project)
        random = Random(number)  # noqa: S311 - a seed, so that a run can be repeated
        for begin in range(SLICES):
            run.producer.send(_events(begin, random, joined="join" in answers))
        run.run()
        log = Path(run.settings.metrics.log).read_text("utf-8")
        lines = [line for line in map(json.loads, log.splitlines()) if line["event"] == "batch"]
        return [line["state_rows"] for line in lines if line["input_rows"]]


def _events(number, random, *, joined):
    """The events of one slice; with a second input, half as many of it."""
    begin = START + number * SLICE
    # Every other slice a key is quiet, so that its session ends.
    keys = [f"k{key}" for key in range(number % 2, 2 * KEYS, 2)]
    found = []
    for index in range(ROWS):
        happened = begin + random.random() * (SLICE + timedelta(minutes=5))
        values = {
            "event_id": f"{number}-{index}",
            "event_time": happened.isoformat(),
            "event_type": keys[index % KEYS],
            "amount": 1.0,
        }
        found.append(Event(json.dumps(values).encode(), None, begin, "plain"))
        if joined and index % 2:
            partner = {"id": f"r{number}-{index}", "time": happened.isoformat()}
            partner |= {"event_type": keys[index % KEYS], "value": 1.0}
            found.append(Event(json.dumps(partner).encode(), None, begin, "plain", table="right"))
    return found


def is_flat(rows):
    """Whether the second half of a run held no more than the first."""
    half = len(rows) // 2
    return max(rows[half:]) <= GROWTH * max(rows[:half])


def plot(runs):
    """A picture of all runs, a line each."""
    most = max(max(rows) for rows in runs.values())
    ticks = svg.make_ticks(most)
    frame = svg.Frame(360, (0, SLICES / 2 - 1), (0, ticks[-1]), right=170)
    parts = [
        svg.draw_y_axis(frame, [(tick, f"{tick:,.0f}") for tick in ticks]),
        svg.draw_x_axis(frame, [(at, f"batch {at}") for at in range(0, SLICES // 2, 5)]),
    ]
    for number, (name, rows) in enumerate(runs.items()):
        points = [(frame.x(at), frame.y(held)) for at, held in enumerate(rows)]
        parts.append(svg.draw_line(points, f"c{number}"))
        place = (frame.width - frame.right + 12, 24 + 22 * number)
        parts.append(svg.draw_text(place, f"{name}: {rows[-1]:,} rows", f"t{number}"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {frame.height}">'
        f"<title>Rows of state after each batch of {2 * ROWS} events</title>"
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>\n"
    )


def main():
    """Run all jobs and draw; 1 if the state of one grows."""
    runs = {}
    with tempfile.TemporaryDirectory() as place:
        stage = sparks.Stage(Path(place))
        try:
            for number, (name, answers) in enumerate(JOBS.items()):
                runs[name] = measured(answers, stage, Path(place) / f"{number}", number)
                print(
                    f"{name}: {'flat' if is_flat(runs[name]) else 'GROWS'}, {runs[name]}",
                    flush=True,
                )
        finally:
            stage.close()
    PLOT.write_text(plot(runs), "utf-8")
    return int(not all(map(is_flat, runs.values())))


if __name__ == "__main__":
    sys.exit(main())
