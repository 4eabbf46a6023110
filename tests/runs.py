"""Runs every job variant and writes the results to proof/runs.md: `python -m tests.runs`.

The page stores the results. Variants whose code has not changed are skipped, so that an interrupted
run continues where it stopped, and a change repeats only the runs that it affects.
"""

import argparse
import contextlib
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.util import Finalize
from pathlib import Path

from stream_template_rules.sinks import SINKS
from tests import older_spark, shapes, sparks
from tests.examples import ROOT
from tests.matrix import Outcome, play

PAGE = ROOT / "proof" / "runs.md"
AXES = list(shapes.PARTS)
COLUMNS = [*AXES, "rows", "late", "quarantine", "code", "verdict"]
# A plan gives the same compiled or not, adapted or not; the covering set runs with both.
QUICK = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    # Java's second compiler pays in hours, and not in minutes.
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC",
    "spark.driver.memory": "5g",
}
# After so many jobs, JVM and servers are restarted: a JVM leaks about 3 MB per job.
JOBS_OF_A_PROCESS = 1000
TEXT = """\
# Runs

<!-- Written by `make test-all`; run it instead of changing this page. -->

Every job variant that this release generates, baked, imported and run: from its source to its sink,
with late, duplicate and invalid records, started twice on one checkpoint. The target was then
compared with the test oracle, and the quarantine with the invalid records that were sent.
{spark}.

`code` is a hash of the code that ran. `make test-all` skips a variant whose code has not changed.

{count} variants: {exact} exact, {failed} failed, {missing} not run.

"""


def read(page=PAGE):
    """What the page says: a shape's values to the outcome of its run."""
    lines = page.read_text("utf-8").splitlines() if page.exists() else []
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")][2:]
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in cells]
    return {key(outcome.parts): outcome for outcome in map(_outcome, rows)}


def key(parts):
    """By what a shape is found: its values, in the order of the questions."""
    return tuple(parts[axis] for axis in AXES)


def _outcome(row):
    numbers = (int(row[name]) for name in ("rows", "late", "quarantine"))
    return Outcome({axis: row[axis] for axis in AXES}, row["verdict"], *numbers, row["code"])


def write(outcomes, page=PAGE):
    """Write the page, in the order of the questions' values; rows of shapes that are no more go."""
    every = [key(parts) for parts in shapes.every()]
    ran = [outcomes[shape] for shape in every if shape in outcomes]
    exact = sum(outcome.verdict == "exact" for outcome in ran)
    said = {"exact": exact, "failed": len(ran) - exact, "missing": len(every) - len(ran)}
    said["spark"] = f"They ran with Spark {shapes.NEWEST_SPARK}" + "".join(
        f", those with the sink `{name}` with Spark {sink.newest_spark}"
        for name, sink in SINKS.items()
        if sink.newest_spark
    )
    table = [COLUMNS, ["---"] * len(COLUMNS), *map(_cells, ran)]
    lines = [f"| {' | '.join(map(str, row))} |\n" for row in table]
    # In one step: an interrupted run leaves a complete page.
    draft = page.with_suffix(".draft")
    draft.write_text(TEXT.format(count=len(every), **said) + "".join(lines), "utf-8")
    draft.replace(page)


def _cells(outcome):
    verdict = " ".join(outcome.verdict.replace("|", "/").split())
    numbers = [outcome.rows, outcome.late, outcome.quarantined, outcome.code]
    return [*outcome.parts.values(), *numbers, verdict]


def main():
    """Run all shapes, or some; 1 if one is not exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.runs", description=main.__doc__)
    parser.add_argument("answers", nargs="*", metavar="question=answer", help="only shapes with it")
    # One more than there are cores: each waits for its servers at times.
    processes = (os.cpu_count() or 1) + 1
    parser.add_argument(
        "--processes", type=int, default=processes, help="number of parallel processes"
    )
    asked = parser.parse_args()
    only = dict(text.split("=", 1) for text in asked.answers)
    wanted = [parts for parts in shapes.every() if only.items() <= parts.items()]
    chosen = [parts for parts in wanted if shapes.spark_of(parts) == sparks.VERSION]
    outcomes = read()
    for number, (shape, outcome) in enumerate(run(chosen, outcomes, asked.processes), 1):
        if outcome:
            outcomes[shape] = outcome
            write(outcomes)
        state = outcomes[shape].line() + ("" if outcome else ", as it was")
        print(f"{number}/{len(chosen)} {state}", flush=True)
    write(outcomes)
    codes = [int(any(outcomes[key(parts)].verdict != "exact" for parts in chosen))]
    others = {shapes.spark_of(parts) for parts in wanted} - {sparks.VERSION}
    # A process for an older version runs the shapes of that version only.
    if sparks.VERSION == shapes.NEWEST_SPARK:
        codes += map(_run_with, sorted(others))
    return max(codes)


def _run_with(version):
    """Run the same command with an older Spark; its exit code."""
    command = [sys.executable, "-m", "tests.runs", *sys.argv[1:]]
    environment = older_spark.environment(version)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def run(chosen, known, processes):
    """Run the shapes; each with its outcome once it has one, or None where nothing is new."""
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_open,
        max_tasks_per_child=JOBS_OF_A_PROCESS,
    ) as pool:
        ran = {
            shape: outcome.code for shape, outcome in known.items() if outcome.verdict == "exact"
        }
        # What has not run comes first: of the rest, most is passed over.
        order = sorted(chosen, key=lambda parts: key(parts) in ran)
        futures = {pool.submit(_attempt, parts, ran.get(key(parts))): key(parts) for parts in order}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _open():
    """Begin the work of one process, on a stage of its own."""
    global FOLDER, STAGE  # noqa: PLW0603 - what a process has for all its jobs
    FOLDER = Path(tempfile.mkdtemp())
    STAGE = sparks.Stage(FOLDER, QUICK)
    with (FOLDER / "said").open("wb") as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)
    Finalize(None, _close, exitpriority=1)


def _close():
    STAGE.close()
    shutil.rmtree(FOLDER, ignore_errors=True)


def _attempt(parts, known):
    """As `play`; a run that fails is an outcome as well."""
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        return play(parts, STAGE, folder, known=known)
    except Exception as error:
        return Outcome(parts, f"{type(error).__name__}: {str(error)[:300]}", 0, 0, 0, "-")
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
