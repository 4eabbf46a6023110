"""Failures at random moments in generated projects: `make chaos-long`.

Each run generates a project and calls its `dev chaos`: real servers, real events, and a job that is
killed, terminated or frozen, or whose servers crash. proof/faults.md has every run.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field

from stream_devkit.chaos import OF_JOB, OF_SERVERS

from stream_template_rules.sinks import SINKS
from tests import older_spark, variants
from tests.examples import ROOT, bake
from tests.faults import render_faults

PAGE = ROOT / "proof" / "faults.md"
FAILURES = [*OF_JOB, *OF_SERVERS]
COLUMNS = ["project", "spark", "seed", *FAILURES, "verdict"]
PROJECTS = {
    "delta": {},
    "delta-merge": {"sink": "delta_merge", "output_mode": "update"},
    "jdbc": {"sink": "jdbc", "output_mode": "update"},
    "kafka": {"sink": "kafka", "window": "none"},
    "files": {"source": "files", "sink": "files", "window": "sliding"},
    "iceberg": {"sink": "iceberg"},
    "session": {"window": "session"},
    "deduplicate": {"state": "deduplicate", "source": "delta", "window": "none"},
    "custom": {"state": "custom", "window": "none"},
    "join": {"join": "stream_inner", "window": "none"},
    "scheduled": {"trigger": "available_now"},
    "real-time": {"trigger": "real_time", "window": "none", "sink": "kafka"},
}
"""The answers of each project: every sink and every kind of state at least once."""
TEXT = """\
# Faults

<!-- Written by `make chaos-long`; run it instead of changing this page. -->

## At random moments

A row is one run of `make chaos` in a generated project with real servers: how often the job was
killed, its JVM alone was killed, and so on, while it read events with late, duplicate and invalid
records. The result was then compared with the test oracle, which gets the events as they were
generated, and quarantine with the invalid records and late events that were sent. `forget-commit`
is a crash between the commit of the sink and that of Spark; `freeze` also starts a second driver.

{count} runs with {failures} failures, {kills} of them `kill -9`: {exact} exact, {others} not.
To repeat a run, generate the project with the answers of `tests/chaos.py`, and in it:
`.venv/bin/python -m dev chaos --failures <sum of the row> --seed <seed>`.

"""


@dataclass(frozen=True)
class Run:
    """One run: what failed how often, and the verdict."""

    project: str
    spark: str
    seed: int
    verdict: str
    failures: Counter = field(default_factory=Counter)

    @property
    def cells(self):
        """Return the cells of its row."""
        counts = [self.failures[name] for name in FAILURES]
        return [self.project, self.spark, self.seed, *counts, self.verdict]

    @property
    def key(self):
        """Return what distinguishes it from other runs."""
        return self.project, self.spark, self.seed, self.failures.total()


def run(name, seed, failures, only=None, change=None):
    """Run a project with failures; return the run.

    Args:
        name: the project.
        seed: decides the failures and their moments.
        failures: their number.
        only: the failures to choose from; None for all.
        change: a function that gets the folder of the project before it runs.
    """
    answers = PROJECTS[name]
    version = SINKS[answers.get("sink", "delta")].newest_spark or variants.NEWEST_SPARK
    with tempfile.TemporaryDirectory() as folder:
        project = bake(folder, **answers)
        if change:
            change(project)
        options = ["--seed", str(seed), "--failures", str(failures)]
        done = subprocess.run(
            [sys.executable, "-m", "dev", "chaos", *options, *(["--only", only] if only else [])],
            cwd=project,
            env=_make_environment(version),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout, flush=True)
        causes = Counter(re.findall(r"\d+/\d+ ([\w-]+), \w+: ", done.stdout))
        summary = project / "build/chaos/summary.json"
        last = done.stdout.strip().rpartition("\n")[2]
        verdict = json.loads(summary.read_text("utf-8"))["verdict"] if summary.exists() else last
        return Run(name, version, seed, verdict, causes)


def _make_environment(version):
    environment = dict(os.environ)
    path = ["src", "lib", "."]
    if version != variants.NEWEST_SPARK:
        path.insert(0, older_spark.make_environment(version)["PYTHONPATH"].split(os.pathsep)[0])
    return environment | {"PYTHONPATH": os.pathsep.join(path)}


def read(page=PAGE):
    """Read the runs of the page."""
    lines = page.read_text("utf-8").splitlines() if page.exists() else []
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return [_parse_row(row) for row in rows if len(row) == len(COLUMNS) and row[2].isdigit()]


def _parse_row(row):
    project, spark, seed, *counts, verdict = row
    failures = Counter(dict(zip(FAILURES, map(int, counts), strict=True)))
    return Run(project, spark, int(seed), verdict, failures)


def write(runs, page=PAGE):
    """Write the page: the runs by project, and the known faults with their tests."""
    runs = sorted(runs, key=lambda one: (list(PROJECTS).index(one.project), one.seed))
    failures = sum((one.failures for one in runs), Counter())
    exact = sum(one.verdict == "exact" for one in runs)
    text = TEXT.format(
        count=len(runs),
        failures=failures.total(),
        kills=failures["kill"] + failures["kill-jvm"] + failures["forget-commit"],
        exact=exact,
        others=len(runs) - exact,
    )
    table = [COLUMNS, ["---"] * len(COLUMNS), *(one.cells for one in runs)]
    lines = [f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |\n" for row in table]
    page.write_text(text + "".join(lines) + render_faults(), "utf-8")


def main():
    """Run projects with failures, and add the runs to the page; exit with 1 if one is not exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=main.__doc__)
    parser.add_argument("projects", nargs="*", default=list(PROJECTS), help="all by default")
    parser.add_argument("--failures", type=int, default=100, help="in each run (100)")
    parser.add_argument("--seed", type=int, default=1, help="of each run (1)")
    options = parser.parse_args()
    codes = []
    for name in options.projects:
        one = run(name, options.seed, options.failures)
        codes.append(one.verdict != "exact")
        write([*(known for known in read() if known.key != one.key), one])
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
