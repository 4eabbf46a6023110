"""Runs of every job variant, with their results in proof/runs.md: `python -m tests.runs`.

The page stores the results. Variants whose code has not changed are skipped, so an interrupted run
continues where it stopped, and a change repeats only the runs that it affects.
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
from tests import older_spark, sparks, variants
from tests.examples import ROOT
from tests.matrix import Outcome, run_project

PAGE = ROOT / "proof" / "runs.md"
AXES = list(variants.VALUES)
COLUMNS = [*AXES, "rows", "late", "quarantine", "code", "verdict"]
# Adaptive execution does not change a result. The covering set of `make test` uses it.
QUICK = {
    "spark.sql.adaptive.enabled": "false",
    # Java's optimizing compiler, which `make test` does without, saves time in runs of hours.
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC",
    "spark.driver.memory": "5g",
}
# After this number of jobs a process restarts, because a JVM leaks about 3 MB per job.
JOBS_OF_A_PROCESS = 1000
TEXT = """\
# Runs

<!-- Written by `make test-all`; run it instead of changing this page. -->

Every job variant that this release generates, baked, imported and run: from its source to its sink,
with late, duplicate and invalid records, started twice on one checkpoint. The target was then
compared with the test oracle, and the quarantine with the invalid records and late events.
{spark}.

`code` is a hash of the code that ran, without comments and docstrings. `make test-all` skips a
variant whose code has not changed.

{count} variants: {exact} exact, {failed} failed, {missing} not run.

"""


def read(page=PAGE):
    """Read the page: a dictionary from the key of a variant to the outcome of its run."""
    lines = page.read_text("utf-8").splitlines() if page.exists() else []
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")][2:]
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in cells]
    return {make_key(outcome.variant): outcome for outcome in map(_parse_row, rows)}


def make_key(variant):
    """Return the key of a variant: its values, in the order of the questions."""
    return tuple(variant[axis] for axis in AXES)


def _parse_row(row):
    numbers = (int(row[name]) for name in ("rows", "late", "quarantine"))
    variant = {axis: row[axis] for axis in AXES}
    return Outcome(variant, row["verdict"], *numbers, row["code"])


def write(outcomes, page=PAGE):
    """Write the page, sorted by the values of the questions, without variants that do not exist."""
    every = [make_key(variant) for variant in variants.list_all()]
    ran = [outcomes[key] for key in every if key in outcomes]
    exact = sum(outcome.verdict == "exact" for outcome in ran)
    fields = {"exact": exact, "failed": len(ran) - exact, "missing": len(every) - len(ran)}
    fields["spark"] = f"They ran with Spark {variants.NEWEST_SPARK}" + "".join(
        f", those with the sink `{name}` with Spark {sink.newest_spark}"
        for name, sink in SINKS.items()
        if sink.newest_spark
    )
    table = [COLUMNS, ["---"] * len(COLUMNS), *map(_format_cells, ran)]
    lines = [f"| {' | '.join(map(str, row))} |\n" for row in table]
    # The page is replaced in one step, so an interrupted run leaves a complete page.
    draft = page.with_suffix(".draft")
    draft.write_text(TEXT.format(count=len(every), **fields) + "".join(lines), "utf-8")
    draft.replace(page)


def _format_cells(outcome):
    verdict = " ".join(outcome.verdict.replace("|", "/").split())
    numbers = [outcome.rows, outcome.late, outcome.quarantined, outcome.code]
    return [*outcome.variant.values(), *numbers, verdict]


def main():
    """Run all job variants, or those with the given answers; exit with 1 if one is not exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.runs", description=main.__doc__)
    parser.add_argument(
        "answers", nargs="*", metavar="question=answer", help="run only variants with this answer"
    )
    # One process more than cores, because a process sometimes waits for its servers.
    processes = (os.cpu_count() or 1) + 1
    parser.add_argument(
        "--processes", type=int, default=processes, help="number of parallel processes"
    )
    arguments = parser.parse_args()
    answers = dict(text.split("=", 1) for text in arguments.answers)
    wanted = [variant for variant in variants.list_all() if answers.items() <= variant.items()]
    chosen = [variant for variant in wanted if variants.find_spark(variant) == sparks.VERSION]
    outcomes = read()
    for number, (key, outcome) in enumerate(run_all(chosen, outcomes, arguments.processes), 1):
        if outcome:
            outcomes[key] = outcome
            write(outcomes)
        line = outcomes[key].describe() + ("" if outcome else ", unchanged")
        print(f"{number}/{len(chosen)} {line}", flush=True)
    write(outcomes)
    codes = [int(any(outcomes[make_key(variant)].verdict != "exact" for variant in chosen))]
    others = {variants.find_spark(variant) for variant in wanted} - {sparks.VERSION}
    # A process with an older Spark runs only the variants of that version.
    if sparks.VERSION == variants.NEWEST_SPARK:
        codes += map(_run_with, sorted(others))
    return max(codes)


def _run_with(version):
    """Run the same command with an older Spark; return its exit code."""
    command = [sys.executable, "-m", "tests.runs", *sys.argv[1:]]
    environment = older_spark.make_environment(version)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def run_all(chosen, known, processes):
    """Yield (key, outcome) of each variant when it ends; None if its code has not changed."""
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_process,
        max_tasks_per_child=JOBS_OF_A_PROCESS,
    ) as pool:
        codes = {key: outcome.code for key, outcome in known.items() if outcome.verdict == "exact"}
        # Variants that have not run come first, because most of the others are skipped.
        order = sorted(chosen, key=lambda variant: make_key(variant) in codes)
        futures = {
            pool.submit(_run_variant, variant, codes.get(make_key(variant))): make_key(variant)
            for variant in order
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _start_process():
    """Create the folder and the services of one process, and redirect its output."""
    global FOLDER, SERVICES  # noqa: PLW0603 - all jobs of a process share them
    FOLDER = Path(tempfile.mkdtemp())
    SERVICES = sparks.Services(FOLDER, QUICK)
    with (FOLDER / "output.log").open("wb") as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)
    Finalize(None, _end_process, exitpriority=1)


def _end_process():
    SERVICES.close()
    shutil.rmtree(FOLDER, ignore_errors=True)


def _run_variant(variant, known):
    """Run a variant; return its outcome also if the run fails."""
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        return run_project(variant, SERVICES, folder, known=known)
    except Exception as error:
        return Outcome(variant, f"{type(error).__name__}: {str(error)[:300]}", 0, 0, 0, "-")
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
