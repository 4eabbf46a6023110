"""Large totals of a DECIMAL column: a file run compares all their digits."""

import json
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from tests.examples import bake
from tests.matrix import import_project

pytestmark = pytest.mark.spark

PACKAGE = "large_decimals"
COLUMNS = "id STRING, at TIMESTAMP, kind STRING, amount DECIMAL(38, 6)"
ROLES = "id=id, time=at, key=kind, measure=amount"
AMOUNTS = ("98765432109876543210987654321.123456", "0.000001", "123456789012.01", "5")


@pytest.fixture(name="run")
def _run(spark, tmp_path):
    """Run a job over events with the amounts; its result, and the summary."""
    project = bake(
        tmp_path,
        hooks=False,
        project_slug=PACKAGE.replace("_", "-"),
        output_mode="complete",
        sink="console",
        event_schema=COLUMNS,
        event_roles=ROLES,
    )
    source = tmp_path / "events.ndjson"
    lines = [
        f'{{"id": "e{number}", "at": "2026-01-01T00:00:00Z", "kind": "a", "amount": {amount}}}\n'
        for number, amount in enumerate(AMOUNTS)
    ]
    source.write_text("".join(lines), "utf-8")

    with import_project(project, PACKAGE) as load:

        def run(more=0):
            job = load(".job")
            right = job.transform
            job.transform = lambda *given: _plus(right(*given), more)
            config = load("stream_runtime.config")
            settings = config.load(job.JOB.settings, "dev", conf=project / "conf")
            file_run = load("stream_devkit.file_run").FileRun(
                job.JOB, settings, spark, [source], tmp_path / "work", len(AMOUNTS)
            )
            summary = file_run.write(tmp_path / "out", load("tests.oracle").expected)
            return (tmp_path / "out" / "result.ndjson").read_text("utf-8"), summary

        yield run


def _plus(rows, more):
    kind = rows.schema["total_amount"].dataType
    return rows.withColumn("total_amount", (F.col("total_amount") + F.lit(more)).cast(kind))


def test_a_large_total_is_exact(run):
    """Neither the test oracle nor the comparison rounds a large total."""
    result, summary = run()

    assert summary["verdict"] == "exact"
    assert json.loads(result)["total_amount"] == float(sum(map(Decimal, AMOUNTS)))


def test_a_difference_of_a_millionth_is_found(run):
    """A relative difference of 1e-35 in one total is a difference."""
    _, summary = run(Decimal("0.000001"))

    assert summary["verdict"].startswith("1 of 1 rows differ")
