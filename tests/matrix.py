"""Runs of generated projects: many in one Spark session, with real servers.

Each project is baked, imported, and run twice by its own `run`, from its source to its sink. The
input has late events, duplicates and invalid records. The target is then compared with the
project's test oracle.
"""

import contextlib
import importlib
import itertools
import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from stream_devkit.events.generate import generate
from stream_devkit.verdict import (
    compare_number,
    compare_quarantine,
    compare_rows,
    expect_quarantine,
    read_quarantine,
    verdict,
)

from tests import variants
from tests.code_hash import hash_code
from tests.examples import PACKAGES, bake

# A session can change the settings of a catalog, although isModifiable() returns False for them.
CATALOGS = "spark.sql.catalog."
EVENTS = 800
BATCH_ROWS = 500
PARTITIONS = 1
DRAIN_SECONDS = 120
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Outcome:
    """The result of one run of a job variant."""

    variant: dict
    verdict: str
    rows: int
    late: int
    quarantined: int
    code: str

    def describe(self):
        """Return one line for the log: variant, verdict and counts."""
        numbers = f"{self.rows} rows, {self.late} late, {self.quarantined} in quarantine"
        return f"{variants.format_name(self.variant)}: {self.verdict} ({numbers})"


def run_project(
    variant,
    services,
    folder,
    *,
    events=variants.EVENTS,
    modify=lambda _: None,
    between=lambda _: None,
    known=None,
):
    """Bake the job, run it twice and compare the target with the test oracle.

    Args:
        variant: the answers of the job variant.
        services: the shared session and servers.
        folder: the parent of the generated project.
        events: the answers about the events.
        modify: a function that changes modules of the project before the run. It receives the
            function that imports them.
        between: a function of the ProjectRun that is called between the two runs.
        known: a hash of `tests/code_hash.py`. If the project has the same hash, it does not run.

    Returns:
        The Outcome, or None if the project did not run.
    """
    slug = f"run-{next(NUMBERS):04}"
    package = slug.replace("-", "_")
    answers = {**events, **variants.complete(variant)}
    project = bake(folder, hooks=False, project_slug=slug, **answers)
    code = hash_code(project, slug, package)
    if code == known:
        return None
    with import_project(project, package) as load:
        modify(load)
        result = ProjectRun(load, services, project).run_and_compare(between)
    return Outcome(variant, **result, code=code)


@contextlib.contextmanager
def import_project(project, package):
    """Yield a function that imports a module of the project: `.job` of its package, `dev.producer`.

    At the end, remove the project's modules from `sys.modules`, because each project has a package
    `dev` and a test oracle. The shared libraries are imported once, from this repository.
    """
    paths = [str(project), str(project / "src"), *PACKAGES]
    sys.path[:0] = paths

    def load(name):
        return importlib.import_module(f"{package}{name}" if name.startswith(".") else name)

    try:
        yield load
    finally:
        for path in paths:
            sys.path.remove(path)
        for name in list(sys.modules):
            if name.partition(".")[0] in {"dev", package} or name.startswith("tests.oracle"):
                del sys.modules[name]


class ProjectRun:
    """A generated project with its producer, its job and its target.

    Args:
        load: imports a module of the project.
        services: the shared session and servers.
        project: the folder of the project.
    """

    def __init__(self, load, services, project):
        self.load, self.services, self.folder = load, services, project / "build"
        self.folder.mkdir()
        services.spark.sparkContext.setJobDescription(project.name)
        # Spark's Python workers import the project's code if it keeps custom state.
        paths = os.pathsep.join([str(project / "src"), *PACKAGES])
        services.spark.sparkContext.environment["PYTHONPATH"] = paths
        self.job = load(".job").JOB
        defaults = self._load_settings(project, {})
        self.spec = load("dev.spec").make_spec(defaults)
        self.events = generate(self.spec, EVENTS)
        self.producer = load("dev.producer").EventProducer(services, self.folder, project.name)
        self.target = load("dev.target").Target(services, self.folder, f"{project.name}-result")
        interval = getattr(load("dev.spec"), "INTERVAL", None)
        self.settings = self._load_settings(
            project,
            {
                **self.producer.settings,
                **self.producer.batches_of(BATCH_ROWS),
                **self.target.settings,
                **({"trigger.interval": f"{interval.seconds} seconds"} if interval else {}),
                # With this platform the job uses the active session.
                "session.platform": "databricks",
                "state.partitions": PARTITIONS,
                "checkpoint.root": self.folder / "checkpoint",
                "quarantine.path": self.folder / "quarantine",
                "metrics.log": self.folder / "metrics.ndjson",
                **self._find_lookup_table(project),
            },
        )
        self.is_continuous = bool(interval)

    def _find_lookup_table(self, project):
        """Return the setting of the lookup table's path, if the job has a lookup."""
        has_lookup = "lookup" in self.job.settings.model_fields
        return {"lookup.path": project / "dev" / "reference.csv"} if has_lookup else {}

    def _load_settings(self, project, overrides):
        texts = [f"{key}={value}" for key, value in overrides.items()]
        load = self.load("stream_runtime.config").load
        return load(self.job.settings, "dev", texts, conf=project / "conf")

    def run_and_compare(self, between):
        """Send events and run the job, twice; return the verdict and the counts."""
        start = self.services.output.stat().st_size if self.services.output.exists() else 0
        self._send_and_run(self.events.main)
        between(self)
        self._send_and_run(self.events.tail)
        with self.services.output.open("rb") as output:
            output.seek(start)
            (self.folder / "job.out").write_bytes(output.read())
        expected = self.load("tests.oracle").expected(*self.events.valid, self.settings)
        rows = self.target.rows()
        quarantined = read_quarantine(Path(self.settings.quarantine.path))
        return {
            "verdict": self._compare(rows, quarantined, expected),
            "rows": len(rows),
            "late": expected.late,
            "quarantined": len(quarantined),
        }

    def _send_and_run(self, events):
        self.producer.send(events)
        self.run_job()

    def _compare(self, rows, quarantined, expected):
        wanted = expect_quarantine(self.producer.origins, self.events, self.spec)
        checks = [compare_rows(expected.rows, rows), compare_quarantine(wanted, quarantined)]
        if self.spec.keeps_late:
            what = "The job counted each late event once"
            checks.append(compare_number(what, expected.late, self._count_late(), "events"))
        return verdict(checks)

    def _count_late(self):
        """Return the sum of the late events that the job reported for its batches."""
        events = map(json.loads, Path(self.settings.metrics.log).read_text("utf-8").splitlines())
        return sum(event["late_events"] or 0 for event in events if event["event"] == "batch")

    def run_job(self):
        """Call the project's own `run` in the shared session, until all input is processed."""
        for key, value in self.settings.spark_conf().items():
            if key.startswith(CATALOGS) or self.services.spark.conf.isModifiable(key):
                self.services.spark.conf.set(key, value)
        watch = threading.Thread(target=self._drain_when_idle, daemon=True)
        if self.is_continuous:
            watch.start()
        try:
            # No other driver can start, so nothing waits for one.
            with mock.patch.object(self.load("stream_runtime.lease"), "SETTLE_SECONDS", 0):
                code = self.load("stream_runtime.run").run(self.job, self.settings)
        finally:
            self.is_done = True
            if self.is_continuous:
                watch.join()
        if code:
            message = f"the job ended with exit code {code}"
            raise RuntimeError(message)

    def _drain_when_idle(self):
        """Request a drain when the job has processed all input."""
        log, self.is_done = Path(self.settings.metrics.log), False
        start = log.stat().st_size if log.exists() else 0
        deadline = time.monotonic() + DRAIN_SECONDS
        while not self.is_done and time.monotonic() < deadline:
            time.sleep(0.1)
            if log.exists() and self._is_idle(log.read_bytes()[start:]):
                break
        (self.folder / "checkpoint" / "stop").touch()

    @staticmethod
    def _is_idle(log):
        """Return whether the job was idle after a batch; idle real-time batches have no rows."""
        events = [json.loads(line) for line in log.splitlines(keepends=True)[:-1]]
        kinds = [
            "idle" if event.get("input_rows") == 0 and not event["watermark"] else event["event"]
            for event in events
        ]
        return "batch" in kinds and "idle" in kinds[kinds.index("batch") :]
