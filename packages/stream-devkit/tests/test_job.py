"""The job as a process: what is known of its starts."""

import os
from types import SimpleNamespace

import pytest
from stream_devkit import file_run
from stream_devkit.chaos import freeze
from stream_devkit.job import JobProcess
from stream_runtime.errors import ConfigError

JOB = """\
import json, pathlib, sys

log = next(word.partition("=")[2] for word in sys.argv if word.startswith("--set=metrics.log="))
path = pathlib.Path(log.partition("=")[2])
number = len(path.read_text("utf-8").splitlines()) if path.exists() else 0
line = {"event": "batch", "batch_id": number, "at": "2026-03-02T06:00:00+00:00", "input_rows": 10}
line |= dict.fromkeys(["newest_event", "watermark", "late_events"])
with path.open("a", encoding="utf-8") as output:
    output.write(json.dumps(line | {"duration_ms": 1, "state_rows": 0}) + "\\n")
"""


@pytest.fixture(name="job")
def _job(tmp_path, monkeypatch):
    """Provide a job that reads 10 records in each run, and ends."""
    (tmp_path / "scheduled").mkdir()
    (tmp_path / "scheduled" / "__main__.py").write_text(JOB, "utf-8")
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    with JobProcess("scheduled", {}, tmp_path) as job:
        yield job


def test_a_start_keeps_the_batches_of_the_start_before(job):
    """The demo of a scheduled job starts it twice, and counts the records of both runs."""
    for _ in range(2):
        job.start()
        job.finish()

    assert job.rows == 20
    assert [batch.number for batch in job.batches] == [0, 1]


def test_a_run_knows_only_its_own_batches(job):
    """A complete run begins with nothing, whatever ran before."""
    for _ in range(2):
        job.run()

    assert [batch.number for batch in job.batches] == [1]


def test_a_job_that_has_ended_cannot_be_frozen(job):
    """A scheduled job can end before it is suspended: then no second driver starts."""
    job.start()
    job.finish()

    assert freeze(SimpleNamespace(job=job, second=None)) == "the job has already ended"


def test_a_file_run_replaces_only_what_a_file_run_wrote(tmp_path):
    """Files with the names of a result stay, unless a summary is beside them."""
    (tmp_path / "in.ndjson").write_text("{}", "utf-8")
    (tmp_path / "result.ndjson").write_text("mine", "utf-8")

    with pytest.raises(ConfigError, match=r"result\.ndjson is not of a file run"):
        file_run.run(None, None, None, [tmp_path / "in.ndjson"], tmp_path, 10)

    assert (tmp_path / "result.ndjson").read_text("utf-8") == "mine"
