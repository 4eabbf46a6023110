"""Whatever a team picks was run before: projects that together have every pair of answers."""

import re
import subprocess
import sys
from functools import partial

import pytest
from pyspark.sql import functions as F

from tests import awkward, matrix, older_spark, shapes, sparks
from tests.examples import ROOT

COVERING = shapes.covering()
OTHER_SPARKS = sorted({shapes.spark_of(parts) for parts in COVERING} - {sparks.VERSION})
DEFAULT = {axis: values[0] for axis, values in shapes.PARTS.items()} | {"trigger": "available_now"}


def test_the_set_has_every_pair_that_any_job_has():
    """Constraints are respected, and no pair of answers is left out because of them."""
    wanted = set().union(*map(shapes.pairs, shapes.every()))

    assert all(map(shapes.legal, COVERING))
    assert set().union(*map(shapes.pairs, COVERING)) == wanted


def test_half_of_the_set_misses_pairs():
    """Half of the set lacks some pairs, so the comparison can fail."""
    wanted = set().union(*map(shapes.pairs, shapes.every()))

    assert set().union(*map(shapes.pairs, COVERING[: len(COVERING) // 2])) < wanted


def runs_here(parts):
    """Whether the installed Spark is the one that runs the job."""
    return shapes.spark_of(parts) == sparks.VERSION


@pytest.mark.life
@pytest.mark.parametrize("parts", list(filter(runs_here, COVERING)), ids=shapes.name)
def test_the_job_is_exact(parts, stage, tmp_path):
    """From source to sink, twice on one checkpoint: each event is where it belongs."""
    outcome = matrix.play(parts, stage, tmp_path)

    print(outcome.line())
    assert outcome.verdict == "exact"


@pytest.mark.life
@pytest.mark.parametrize("version", OTHER_SPARKS)
def test_jobs_of_an_older_spark_are_exact(version):
    """The sets of jobs have others, whose sink has no connector for the installed Spark."""
    names = "test_the_job_is_exact or test_any_name_of_a_column_is_exact"
    tests = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", names, __file__]

    done = subprocess.run(
        tests,
        cwd=ROOT,
        env=older_spark.environment(version),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.life
@pytest.mark.parametrize(
    "values",
    [
        ("files", "sliding", "none", "none", "kafka", "complete"),
        ("files", "none", "none", "custom", "jdbc", "append"),
        ("files", "none", "stream_left", "none", "console", "append"),
    ],
    ids="-".join,
)
def test_events_without_a_measure_are_exact(values, stage, tmp_path):
    """Nothing is added up where no column is the measure."""
    parts = dict(zip(QUESTIONS, values, strict=True)) | {"trigger": "available_now"}
    roles = "id=event_id, time=event_time, key=event_type, measure=none"

    outcome = matrix.play(parts, stage, tmp_path, events=shapes.EVENTS | {"event_roles": roles})

    assert outcome.verdict == "exact"
    assert outcome.rows > 0


@pytest.fixture(name="nothing_imported")
def _nothing_imported(monkeypatch):
    """The packages that projects share are imported again."""
    for name in _names_of_packages():
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in _names_of_packages():
        del sys.modules[name]


def _names_of_packages():
    shared = {matrix.RUNTIME, matrix.DEVKIT}
    return [name for name in sys.modules if name.partition(".")[0] in shared]


def _take_away_what_is_not_run(load):
    package = load(".job").JOB.package
    for path in matrix.NOT_RUN:
        module = path.removesuffix(".py").replace("/", ".")
        sys.modules[module if "." in module else f"{package}.{module}"] = None


AWKWARD = [
    ("kafka", "tumbling", "none", "none", "delta", "append"),
    ("delta", "sliding", "none", "deduplicate", "console", "complete"),
    ("files", "session", "static_lookup", "deduplicate", "kafka", "complete"),
    ("auto_loader", "tumbling", "static_lookup", "none", "jdbc", "update"),
    ("delta", "none", "none", "none", "delta_merge", "append"),
    ("kafka", "none", "static_lookup", "deduplicate", "jdbc", "update"),
    ("files", "none", "none", "custom", "console", "append"),
    ("kafka", "none", "static_lookup", "custom", "delta", "append"),
    ("delta", "none", "stream_left", "none", "files", "append"),
    ("kafka", "none", "stream_inner", "none", "kafka", "update"),
    ("files", "session", "stream_inner", "none", "jdbc", "append"),
    ("kafka", "none", "none", "deduplicate", "iceberg", "append"),
    ("delta", "sliding", "static_lookup", "none", "iceberg", "append"),
]
QUESTIONS = ("source", "window", "join", "state", "sink", "output_mode")


def test_awkward_names_meet_each_answer():
    """The jobs below are legal, and have each source, window, join, state and sink."""
    jobs = [dict(zip(QUESTIONS, values, strict=True)) for values in AWKWARD]

    assert all(shapes.legal(job | {"trigger": "available_now"}) for job in jobs)
    for question in QUESTIONS:
        wanted = {parts[question] for parts in shapes.every()}
        assert {job[question] for job in jobs} == wanted


@pytest.mark.life
@pytest.mark.parametrize(
    "values",
    [values for values in AWKWARD if runs_here(dict(zip(QUESTIONS, values, strict=True)))],
    ids="-".join,
)
def test_any_name_of_a_column_is_exact(values, stage, tmp_path):
    """Names that are the template's own elsewhere, or that need quotes, change no result."""
    parts = dict(zip(QUESTIONS, values, strict=True)) | {"trigger": "available_now"}

    outcome = matrix.play(parts, stage, tmp_path, events=awkward.events(parts))

    print(outcome.line())
    assert outcome.verdict == "exact"
    assert outcome.rows > 0


@pytest.mark.life
@pytest.mark.usefixtures("nothing_imported")
def test_what_is_not_run_is_not_needed(stage, tmp_path):
    """So that a change of it needs no new run: Python refuses to import what is None."""
    outcome = matrix.play(DEFAULT, stage, tmp_path, spoil=_take_away_what_is_not_run)

    assert outcome.verdict == "exact"


def _lose_rows(load, monkeypatch):
    job = load(".job")
    right = job.transform
    monkeypatch.setattr(job, "transform", lambda *given: right(*given).where("rand(1) < 0.5"))


def _forget_quarantine(load, monkeypatch):
    replay = load("stream_runtime.quarantine").BatchReplay
    monkeypatch.setattr(replay, "write", lambda *_: None)


def _write_nothing(load, monkeypatch):
    sink = load(".sink").Sink
    right = sink.write
    monkeypatch.setattr(
        sink, "write", lambda self, rows, *given: right(self, rows.limit(1), *given)
    )


def _add_a_cent(load):
    job = load(".job")
    right = job.transform

    def wrong(events, *given):
        more = F.when(F.col("event_id") == "e-000001", 0.01).otherwise(0)
        amount = (F.col("amount") + more).cast(load(".schema").EVENT.columns["amount"])
        return right(events.withColumn("amount", amount), *given)

    job.transform = wrong


@pytest.mark.life
@pytest.mark.parametrize("kind", ["DOUBLE", "DECIMAL(9, 2)"])
@pytest.mark.parametrize(
    ("changed", "rows"),
    [({}, 1), ({"window": "none"}, 1), ({"window": "none", "state": "custom"}, 5)],
    ids=["a total", "an event", "means of a visit"],
)
def test_a_cent_too_much_is_noticed(stage, tmp_path, changed, rows, kind):
    """A run is not exact where one number of the result is wrong by 0.01."""
    schema = shapes.EVENTS["event_schema"].replace("amount DOUBLE", f"amount {kind}")
    events = shapes.EVENTS | {"event_schema": schema}

    outcome = matrix.play(DEFAULT | changed, stage, tmp_path, events=events, spoil=_add_a_cent)

    assert re.search(rf" {rows} of \d+ rows differ", outcome.verdict), outcome.verdict


@pytest.mark.life
@pytest.mark.parametrize("spoil", [_lose_rows, _forget_quarantine, _write_nothing])
def test_a_broken_job_is_not_exact(stage, tmp_path, monkeypatch, spoil):
    """The runs above can fail: a spoiled transform, quarantine or sink is noticed."""
    spoiled = partial(spoil, monkeypatch=monkeypatch)

    assert matrix.play(DEFAULT, stage, tmp_path, spoil=spoiled).verdict != "exact"
