"""Runs of a covering set of job variants, which together have every pair of answers."""

import re
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
from pyspark.sql import functions as F

from tests import awkward, code_hash, matrix, older_spark, sparks, variants

COVERING = variants.make_covering_set()
COMPILED = variants.choose_each_value(COVERING)
OTHER_SPARKS = sorted({variants.find_spark(variant) for variant in COVERING} - {sparks.VERSION})


def test_the_covering_set_has_every_legal_pair():
    """All variants of the set are legal, and each pair of answers of a legal variant is in it."""
    wanted = set().union(*map(variants.list_pairs, variants.list_all()))

    assert all(map(variants.is_legal, COVERING))
    assert set().union(*map(variants.list_pairs, COVERING)) == wanted


def test_half_of_the_covering_set_lacks_pairs():
    """The comparison above can fail: half of the set lacks some pairs."""
    wanted = set().union(*map(variants.list_pairs, variants.list_all()))

    assert set().union(*map(variants.list_pairs, COVERING[: len(COVERING) // 2])) < wanted


def is_runnable(variant):
    """Return whether the variant runs with the installed Spark."""
    return variants.find_spark(variant) == sparks.VERSION


@pytest.fixture(name="compiled")
def _compiled(variant, services):
    """Let Spark compile the plans of some variants, which together have every answer."""
    conf = services.spark.conf
    for name, value in (sparks.COMPILED if variant in COMPILED else sparks.INTERPRETED).items():
        conf.set(name, value)
    yield
    for name, value in sparks.INTERPRETED.items():
        conf.set(name, value)


@pytest.mark.life
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("variant", list(filter(is_runnable, COVERING)), ids=variants.format_name)
def test_the_job_is_exact(variant, services, tmp_path):
    """After two runs on one checkpoint, target and quarantine hold exactly the expected rows."""
    outcome = matrix.run_project(variant, services, tmp_path)

    print(outcome.describe())
    assert outcome.verdict == "exact"


@pytest.mark.life
@pytest.mark.parametrize("version", OTHER_SPARKS)
def test_jobs_of_an_older_spark_are_exact(version):
    """Jobs whose sink has no connector for the installed Spark are exact with an older one."""
    names = "test_the_job_is_exact or test_awkward_column_names_are_exact"

    done = older_spark.run_tests(version, "-k", names, __file__)

    assert done.returncode == 0, done.stdout + done.stderr


def run_once(values, services, folder, events):
    """Run the job of these answers with other events, as a scheduled run; return its outcome."""
    variant = dict(zip(QUESTIONS, values, strict=True)) | {"trigger": "available_now"}
    return matrix.run_project(variant, services, folder, events=events)


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
def test_events_without_a_measure_are_exact(values, services, tmp_path):
    """A job without a measure is exact: it has no total."""
    roles = "id=event_id, time=event_time, key=event_type, measure=none"
    events = variants.EVENTS | {"event_roles": roles}

    outcome = run_once(values, services, tmp_path, events)

    assert outcome.verdict == "exact"
    assert outcome.rows > 0


NO_KEY = [
    ("kafka", "tumbling", "none", "none", "delta", "append"),
    ("kafka", "tumbling", "none", "deduplicate", "delta_merge", "update"),
    ("delta", "sliding", "none", "none", "kafka", "update"),
    ("files", "tumbling", "none", "none", "kafka", "complete"),
    ("files", "sliding", "none", "deduplicate", "jdbc", "complete"),
    ("delta", "tumbling", "none", "none", "jdbc", "append"),
    ("files", "tumbling", "none", "deduplicate", "files", "append"),
    ("kafka", "sliding", "none", "none", "console", "update"),
]


@pytest.mark.life
@pytest.mark.parametrize("values", NO_KEY, ids="-".join)
def test_windows_without_a_key_are_exact(values, services, tmp_path):
    """If no column is the key, a window has one row of all events."""
    roles = "id=event_id, time=event_time, key=none, measure=amount"
    events = variants.EVENTS | {"event_roles": roles}

    outcome = run_once(values, services, tmp_path, events)

    assert outcome.verdict == "exact"
    assert outcome.rows > 0


SEVERAL_MEASURES = [
    ("kafka", "tumbling", "none", "none", "delta", "append"),
    ("delta", "sliding", "none", "deduplicate", "delta_merge", "update"),
    ("files", "session", "static_lookup", "none", "kafka", "complete"),
    ("kafka", "session", "stream_inner", "none", "files", "append"),
    ("files", "tumbling", "none", "none", "jdbc", "update"),
]


@pytest.mark.life
@pytest.mark.parametrize("values", SEVERAL_MEASURES, ids="-".join)
def test_each_measure_has_an_exact_total(values, services, tmp_path):
    """Several measures, of other types and with odd names, have a total each."""
    columns = "`Größe+m` DECIMAL(9, 2), user-n BIGINT, ratio FLOAT"
    events = {
        "event_schema": variants.EVENTS["event_schema"].replace("amount DOUBLE", columns),
        "event_roles": "id=event_id, time=event_time, key=event_type, "
        "measure=ratio+`Größe+m`+user-n",
    }

    outcome = run_once(values, services, tmp_path, events)

    assert outcome.verdict == "exact"
    assert outcome.rows > 0


SEVERAL_KEYS = [
    ("kafka", "tumbling", "none", "none", "delta", "append"),
    ("delta", "sliding", "none", "deduplicate", "delta_merge", "update"),
    ("files", "session", "none", "none", "kafka", "complete"),
    ("kafka", "session", "none", "deduplicate", "files", "append"),
    ("files", "tumbling", "none", "none", "jdbc", "update"),
    ("kafka", "none", "none", "none", "kafka", "append"),
    ("delta", "sliding", "none", "none", "console", "complete"),
]


@pytest.mark.life
@pytest.mark.parametrize("values", SEVERAL_KEYS, ids="-".join)
def test_a_key_of_several_columns_is_exact(values, services, tmp_path):
    """Columns of other types and with odd names are one key: a row for each combination."""
    events = {
        "event_schema": f"{variants.EVENTS['event_schema']}, `Land+1` STRING, day-of DATE",
        "event_roles": "id=event_id, time=event_time, key=`Land+1`+user_id+day-of, measure=amount",
    }

    outcome = run_once(values, services, tmp_path, events)

    assert outcome.verdict == "exact"
    assert outcome.rows > 0


@pytest.fixture(name="no_library_imported")
def _no_library_imported(monkeypatch):
    """Remove the shared libraries from `sys.modules`, so that the test imports them again."""
    for name in _list_library_modules():
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in _list_library_modules():
        del sys.modules[name]


def _list_library_modules():
    shared = {code_hash.RUNTIME, code_hash.DEVKIT}
    return [name for name in sys.modules if name.partition(".")[0] in shared]


def _block_modules_that_are_not_run(load):
    """Make each import of a module in NOT_RUN fail: Python does not import a name that is None."""
    package = load(".job").JOB.package
    for path in code_hash.NOT_RUN:
        module = path.removesuffix(".py").replace("/", ".")
        sys.modules[module if "." in module else f"{package}.{module}"] = None
    unused = SimpleNamespace(ContinuousListener=None)
    sys.modules[code_hash.CONTINUOUS.removesuffix(".py").replace("/", ".")] = unused


IN_STRUCTS = [
    ("kafka", "tumbling", "none", "none", "delta", "append"),
    ("files", "session", "static_lookup", "none", "jdbc", "append"),
    ("delta", "sliding", "none", "deduplicate", "kafka", "update"),
    ("kafka", "none", "none", "custom", "console", "append"),
    ("delta", "none", "stream_left", "none", "files", "append"),
    ("files", "none", "none", "deduplicate", "delta_merge", "append"),
]


@pytest.mark.life
@pytest.mark.parametrize("values", IN_STRUCTS, ids="-".join)
def test_roles_of_fields_are_exact(values, services, tmp_path):
    """Id, time, key and measure can be fields of structs; records stay as they are sent."""
    outcome = run_once(values, services, tmp_path, awkward.IN_STRUCTS)

    assert outcome.verdict == "exact"
    assert outcome.rows > 0


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


def test_awkward_names_are_tested_with_each_answer():
    """The variants in AWKWARD are legal, and have each answer to the questions."""
    jobs = [dict(zip(QUESTIONS, values, strict=True)) for values in AWKWARD]

    assert all(variants.is_legal(job | {"trigger": "available_now"}) for job in jobs)
    for question in QUESTIONS:
        wanted = {variant[question] for variant in variants.list_all()}
        assert {job[question] for job in jobs} == wanted


@pytest.mark.life
@pytest.mark.parametrize(
    "values",
    [values for values in AWKWARD if is_runnable(dict(zip(QUESTIONS, values, strict=True)))],
    ids="-".join,
)
def test_awkward_column_names_are_exact(values, services, tmp_path):
    """Column names that need quotes, or that the template uses itself, change no result."""
    variant = dict(zip(QUESTIONS, values, strict=True)) | {"trigger": "available_now"}

    outcome = matrix.run_project(variant, services, tmp_path, events=awkward.make_events(variant))

    print(outcome.describe())
    assert outcome.verdict == "exact"
    assert outcome.rows > 0


@pytest.mark.life
@pytest.mark.usefixtures("no_library_imported")
def test_a_run_needs_no_module_in_not_run(services, tmp_path):
    """A run imports no module in NOT_RUN, so a change of these modules needs no new run."""
    outcome = matrix.run_project(
        variants.SCHEDULED, services, tmp_path, modify=_block_modules_that_are_not_run
    )

    assert outcome.verdict == "exact"


def _lose_rows(load, monkeypatch):
    job = load(".job")
    original = job.transform
    monkeypatch.setattr(job, "transform", lambda *given: original(*given).where("rand(1) < 0.5"))


def _skip_quarantine(load, monkeypatch):
    progress = load("stream_runtime.quarantine").QuarantineProgress
    for name in ("follow", "recover"):
        monkeypatch.setattr(progress, name, lambda *_: None)


def _find_no_late_event(load, monkeypatch):
    job = load(".job")
    later = replace(job.JOB, late_from=lambda time, _: time + F.expr("INTERVAL 1 DAY"))
    monkeypatch.setattr(job, "JOB", later)


def _write_one_row(load, monkeypatch):
    sink = load(".sink").Sink
    original = sink.write
    monkeypatch.setattr(
        sink, "write", lambda self, rows, *given: original(self, rows.limit(1), *given)
    )


def _add_a_cent(load):
    job = load(".job")
    original = job.transform

    def wrong(events, *given):
        more = F.when(F.col("event_id") == "e-000001", 0.01).otherwise(0)
        amount = (F.col("amount") + more).cast(load(".schema").EVENT.columns["amount"])
        return original(events.withColumn("amount", amount), *given)

    job.transform = wrong


@pytest.mark.life
@pytest.mark.parametrize("kind", ["DOUBLE", "DECIMAL(9, 2)"])
@pytest.mark.parametrize(
    ("changed", "rows"),
    [({}, 1), ({"window": "none"}, 1), ({"window": "none", "state": "custom"}, 5)],
    ids=["a total", "an event", "means of a visit"],
)
def test_a_difference_of_one_cent_is_found(services, tmp_path, changed, rows, kind):
    """A run is not exact if one number in the input of the transform is wrong by 0.01."""
    schema = variants.EVENTS["event_schema"].replace("amount DOUBLE", f"amount {kind}")
    events = variants.EVENTS | {"event_schema": schema}

    outcome = matrix.run_project(
        variants.SCHEDULED | changed, services, tmp_path, events=events, modify=_add_a_cent
    )

    assert re.search(rf" {rows} of \d+ rows differ", outcome.verdict), outcome.verdict


@pytest.mark.life
@pytest.mark.parametrize(
    "error", [_lose_rows, _skip_quarantine, _find_no_late_event, _write_one_row]
)
def test_a_job_with_an_error_is_not_exact(services, tmp_path, monkeypatch, error):
    """The runs above can fail: an error in transform, quarantine, late events or sink is found."""
    modify = partial(error, monkeypatch=monkeypatch)

    assert (
        matrix.run_project(variants.SCHEDULED, services, tmp_path, modify=modify).verdict != "exact"
    )
