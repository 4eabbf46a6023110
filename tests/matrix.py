"""Generated projects that really stream, many in one Spark session.

Each is baked to disk, imported, and run twice by its own `run`, from its source to its sink, with
real servers. The input has late events, duplicates and invalid records. The content of the target
is compared with the project's test oracle.
"""

import contextlib
import hashlib
import importlib
import itertools
import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pyspark
from stream_devkit.events.generate import generate
from stream_devkit.verdict import (
    compare_quarantine,
    compare_rows,
    invalid,
    read_quarantine,
    verdict,
)

from stream_template_rules.files import library
from tests import shapes
from tests.examples import PACKAGES, ROOT, bake, tree

# Spark does not list the settings of a catalog among those that a session may change.
CATALOGS = "spark.sql.catalog."
EVENTS = 800
BATCH_ROWS = 500
PARTITIONS = 1
SECONDS = 120
NUMBERS = itertools.count(1)
# What a run of a project depends on, but for modules that it does not import.
CODE = ("conf/", "dev/", "src/", "tests/oracle")
RUNTIME = "stream_runtime"
DEVKIT = "stream_devkit"
NOT_RUN = ("__main__.py", "dev/demo.py")
NOT_RUN += tuple(f"{DEVKIT}/report/report.{kind}" for kind in ("css", "html.jinja"))
NOT_RUN += tuple(f"{RUNTIME}/{name}.py" for name in ("cli", "doctor"))
NOT_RUN += tuple(
    f"{DEVKIT}/{name}.py"
    for name in (
        *("demo", "file_run", "install", "jars", "job", "job_in_session", "lines"),
        *("ordinary", "outcome"),
        *("preflight", "rows", "samples"),
        *("report/__init__", "report/charts", "report/page", "report/svg"),
        *("servers/kafka", "servers/postgres", "servers/server"),
    )
)


@dataclass(frozen=True)
class Outcome:
    """What came of one run."""

    parts: dict
    verdict: str
    rows: int
    late: int
    quarantined: int
    code: str

    def line(self):
        """One line of the report."""
        numbers = f"{self.rows} rows, {self.late} late, {self.quarantined} in quarantine"
        return f"{shapes.name(self.parts)}: {self.verdict} ({numbers})"


def play(parts, stage, folder, *, events=shapes.EVENTS, spoil=lambda _: None, known=None):
    """Bake the job, run it and compare its result; `spoil` can modify its modules first.

    None if its code is what is `known`: then there is nothing to run.
    """
    slug = f"run-{next(NUMBERS):04}"
    package = slug.replace("-", "_")
    answers = {**events, **shapes.whole(parts)}
    project = bake(folder, hooks=False, project_slug=slug, **answers)
    code = code_of(project, slug, package)
    if code == known:
        return None
    with imported(project, package) as load:
        spoil(load)
        run = Run(load, stage, project)
        found = run.play()
    return Outcome(parts, **found, code=code)


def code_of(project, *names):
    """A short hash of Spark's version and the code that runs, whatever the project is called."""
    files = {path: text for path, text in tree(project).items() if path.startswith(CODE)}
    files |= {path: source.read_bytes() for path, source in library(ROOT).items()}
    code = pyspark.__version__.encode() + b"".join(
        b"%b\n%b\n" % (path.encode(), content)
        for path, content in files.items()
        if not path.endswith(NOT_RUN)
    )
    for name in names:
        code = code.replace(name.encode(), b"run")
    return hashlib.sha256(code).hexdigest()[:8]


@contextlib.contextmanager
def imported(project, package):
    """A function that imports a module of the project: `.job` of its package, or `dev.producer`.

    The modules are taken out of `sys.modules` again: each project has a package `dev` and a test
    oracle. The packages that all projects share are imported once, from this repository.
    """
    places = [str(project), str(project / "src"), *PACKAGES]
    sys.path[:0] = places

    def load(name):
        return importlib.import_module(f"{package}{name}" if name.startswith(".") else name)

    try:
        yield load
    finally:
        for place in places:
            sys.path.remove(place)
        for name in list(sys.modules):
            if name.partition(".")[0] in {"dev", package} or name.startswith("tests.oracle"):
                del sys.modules[name]


class Run:
    """One project between its source and its sink."""

    def __init__(self, load, stage, project):
        self.load, self.stage, self.folder = load, stage, project / "build"
        self.folder.mkdir()
        stage.spark.sparkContext.setJobDescription(project.name)
        # Python processes of Spark import the project's own code, where it keeps custom state.
        own = os.pathsep.join([str(project / "src"), *PACKAGES])
        stage.spark.sparkContext.environment["PYTHONPATH"] = own
        self.job = load(".job").JOB
        defaults = self._settings(project, {})
        self.spec = load("dev.spec").make_spec(defaults)
        self.traffic = generate(self.spec, EVENTS)
        self.producer = load("dev.producer").EventProducer(stage, self.folder, project.name)
        self.target = load("dev.target").Target(stage, self.folder, f"{project.name}-result")
        interval = load("dev.spec").INTERVAL
        self.settings = self._settings(
            project,
            {
                **self.producer.settings,
                **self.producer.batches_of(BATCH_ROWS),
                **self.target.settings,
                **({"trigger.interval": f"{interval.seconds} seconds"} if interval else {}),
                # As a platform does, the stage lends its session.
                "session.platform": "databricks",
                "state.partitions": PARTITIONS,
                "checkpoint.root": self.folder / "checkpoint",
                "quarantine.path": self.folder / "quarantine",
                "metrics.log": self.folder / "metrics.ndjson",
                **self._reference(project),
            },
        )
        self.runs_on = bool(interval)

    def _reference(self, project):
        """The table of the project's that its rows are looked up in, if they are."""
        looks_up = "lookup" in self.job.settings.model_fields
        return {"lookup.path": project / "dev" / "reference.csv"} if looks_up else {}

    def _settings(self, project, overrides):
        texts = [f"{key}={value}" for key, value in overrides.items()]
        load = self.load("stream_runtime.config").load
        return load(self.job.settings, "dev", texts, conf=project / "conf")

    def play(self):
        """Send and run, twice; what came out."""
        printed = self.stage.output.stat().st_size if self.stage.output.exists() else 0
        for part in (self.traffic.main, self.traffic.tail):
            self.producer.send(part)
            self.run()
        with self.stage.output.open("rb") as output:
            output.seek(printed)
            (self.folder / "job.out").write_bytes(output.read())
        wanted = self.load("tests.oracle").expected(*self.traffic.valid, self.settings)
        rows = self.target.rows()
        return {
            "verdict": self._verdict(rows, wanted),
            "rows": len(rows),
            "late": wanted.late,
            "quarantined": sum(1 for event in self.traffic.all if event.reason),
        }

    def _verdict(self, rows, wanted):
        quarantined = read_quarantine(Path(self.settings.quarantine.path))
        return verdict(
            [
                compare_rows(wanted.rows, rows),
                compare_quarantine(invalid(self.producer.origins, self.traffic), quarantined),
            ]
        )

    def run(self):
        """The project's own `run`, in the shared session, until it has done all there is."""
        for key, value in self.settings.spark_conf().items():
            if key.startswith(CATALOGS) or self.stage.spark.conf.isModifiable(key):
                self.stage.spark.conf.set(key, value)
        watch = threading.Thread(target=self._drain_when_idle, daemon=True)
        if self.runs_on:
            watch.start()
        try:
            code = self.load("stream_runtime.run").run(self.job, self.settings)
        finally:
            self.done = True
            if self.runs_on:
                watch.join()
        if code:
            message = f"the job ended with {code}"
            raise RuntimeError(message)

    def _drain_when_idle(self):
        """Ask the job to end once it finds nothing new."""
        log, self.done = Path(self.settings.metrics.log), False
        seen = log.stat().st_size if log.exists() else 0
        deadline = time.monotonic() + SECONDS
        while not self.done and time.monotonic() < deadline:
            time.sleep(0.1)
            if log.exists() and self._is_idle(log.read_bytes()[seen:]):
                break
        (self.folder / "checkpoint" / "stop").touch()

    @staticmethod
    def _is_idle(said):
        """Whether nothing new came after a batch; real-time batches end without rows then."""
        events = [json.loads(line) for line in said.splitlines(keepends=True)[:-1]]
        kinds = [
            "idle" if event.get("input_rows") == 0 and not event["watermark"] else event["event"]
            for event in events
        ]
        return "batch" in kinds and "idle" in kinds[kinds.index("batch") :]
