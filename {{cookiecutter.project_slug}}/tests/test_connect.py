{% set job = cookiecutter | stream_plan %}
"""The whole job behind Spark Connect, the only interface to Spark on serverless compute.

No test here covers a workspace: its storage, its catalog and its limits.
"""

from collections import Counter

import pytest
{% if job.promises %}
from stream_devkit.crash import forget_commit
{% endif %}
from stream_devkit.job import JobProcess
from stream_runtime.manifest import read_manifest
from stream_runtime.run import query_fingerprint
{% if job.promises %}
from stream_runtime.spark_log import STREAM
{% endif %}

from {{ cookiecutter.__package }}.job import JOB

from dev.producer import EventProducer
from dev.target import Target
from tests.test_recovery import INVALID_EVERY, Trial, records


@pytest.fixture(scope="module", name="trial")
def _trial(servers, tmp_path_factory):
    """Return a job that has read all records."""
    folder = tmp_path_factory.mktemp("connect")
    producer = EventProducer(servers, folder, "connect")
    target = Target(servers, folder, "connect_result")
    for part in records():
        producer.send(part)
    trial = Trial(producer, target, folder)
    trial.sent = len(producer.origins)
    trial.invalid = Counter(producer.origins[::INVALID_EVERY])
    served = {**trial.overrides, "session.platform": "serverless"}
    trial.job = JobProcess("tests.behind_connect", served, folder)
    trial.run_to_the_end()
    return trial


{% if job.promises %}
def test_the_result_is_exact(trial):
    """Source, state, sink and the reports of batches work without access to the JVM."""
    assert trial.verdict() == "exact"
    assert sum(batch.rows for batch in trial.job.batches) == trial.sent


{% endif %}
def test_quarantine_is_exact(trial):
    """Each batch reports its invalid records, and its first and last offsets."""
    assert trial.quarantined() == trial.invalid


def test_the_query_fingerprint_is_the_same(trial, spark):
    """The query fingerprint is the same with and without Spark Connect."""
    rows = JOB.stream(spark, trial.settings)

    manifest = read_manifest(trial.root)

    assert manifest.fingerprint == query_fingerprint(JOB, rows, trial.settings)
{% if job.promises %}


def test_a_replayed_batch_changes_nothing(trial):
    """If the driver dies between the sink's commit and Spark's, the replay changes nothing."""
    last = trial.committed()
    forget_commit(trial.folder / "checkpoint" / STREAM)

    trial.run_to_the_end()

    assert trial.committed() >= last
    assert trial.verdict() == "exact"
{% endif %}
