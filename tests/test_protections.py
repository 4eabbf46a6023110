"""The protections against loss and duplicates: what a job does with each of them, and without it.

Between two runs of a project something happens: its driver dies, or a person makes a mistake. With
the protection, the result is exact or the start is refused. Without it, the result is wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import pytest
from stream_devkit.crash import forget_commit, forget_quarantine_write, go_back
from stream_runtime import manifest, quarantine, run
from stream_runtime.errors import CheckpointError
from stream_runtime.spark_log import STREAM, committed

from tests import matrix, variants

REFUSED = "refused"


@dataclass(frozen=True)
class Protection:
    """One protection.

    Attributes:
        harm: what happens between the two runs, or in the second one; it receives the
            matrix.ProjectRun, and pytest's monkeypatch.
        remove: removes the protection; it receives the function that imports a module of the
            project, and pytest's monkeypatch.
        outcome: the verdict with the protection, or REFUSED.
        symptom: the begin of the verdict without it.
        sink: the sink of the project.
    """

    harm: Callable
    remove: Callable
    outcome: str
    symptom: str
    sink: str = variants.SCHEDULED["sink"]


def _lose_last_commit(project, _):
    forget_commit(_root(project) / STREAM)


def _append_each_batch(load, monkeypatch):
    def write(sink, rows, _):
        return rows.writeStream.foreachBatch(
            lambda batch, _: batch.write.format("delta").mode("append").save(sink.path)
        )

    monkeypatch.setattr(load(".sink").Sink, "write", write)


def _lose_quarantine_write(project, _):
    forget_quarantine_write(_root(project), _last_with_invalid_records(project))


def _append_to_quarantine(_, monkeypatch):
    def store(target, records, batch):
        records.write.mode("append").json(f"{target}/{batch:06d}")

    monkeypatch.setattr(quarantine, "_store", store)


def _die_before_quarantine_write(project, _):
    batch = _last_with_invalid_records(project)
    (folder,) = Path(project.settings.quarantine.path).glob(f"*/{batch:06d}")
    rmtree(folder)
    forget_quarantine_write(_root(project), batch)


def _forget_what_is_due(_, monkeypatch):
    def recover(progress):
        last = committed(progress._root)  # noqa: SLF001 - the test breaks it
        if last is not None:
            progress._save(last)  # noqa: SLF001

    monkeypatch.setattr(quarantine.QuarantineProgress, "recover", recover)


def _restore_an_older_checkpoint(project, _):
    go_back(_root(project) / STREAM, 2)


def _compare_no_batches(_, monkeypatch):
    monkeypatch.setattr(run, "_compare_batches", lambda *_: None)


def _remove_the_checkpoint(project, _):
    _root(project).rename(project.folder / "lost")


def _accept_any_target(load, monkeypatch):
    # The comparison of batches finds it as well.
    _compare_no_batches(load, monkeypatch)
    admit = manifest.admit
    monkeypatch.setattr(run, "admit", lambda root, now, _, options: admit(root, now, None, options))


def _create_the_topic_again(project, _):
    """Replace the topic by one with more messages, in another order."""
    kafka, topic = project.services.broker, project.settings.source.topic
    kafka.delete_topic(topic)
    kafka.create_topic(topic)
    sent = len(project.producer.origins)
    project.producer.send(project.events.tail)
    project.producer.send(project.events.main)
    # What the verdict compares with the quarantine was sent before.
    del project.producer.origins[sent:]


def _create_the_topic_again_while_the_job_runs(project, monkeypatch):
    """Let the first attempt of the second run fail; the next one finds another topic."""
    start = run.start

    def fail_once(*_):
        monkeypatch.setattr(run, "start", start)
        _create_the_topic_again(project, monkeypatch)
        raise OSError

    monkeypatch.setattr(run, "start", fail_once)


def _accept_any_topic(load, monkeypatch):
    monkeypatch.setattr(load(".source").Source, "data_ids", lambda *_: {})


def _create_the_target_again(project, _):
    kafka, topic = project.services.broker, project.settings.sink.topic
    kafka.delete_topic(topic)
    kafka.create_topic(topic)


def _accept_any_target_topic(load, monkeypatch):
    monkeypatch.setattr(load(".sink").Sink, "data_ids", lambda *_: {})


def _change_the_rules_before_quarantine_is_written(project, _):
    """Accept events far in the future, as a release after the death of the driver."""
    for folder in Path(project.settings.quarantine.path).glob("*/[0-9]*"):
        rmtree(folder)
    rmtree(_root(project) / quarantine.CHECKPOINT, ignore_errors=True)
    forget_quarantine_write(_root(project), 0)
    events = project.settings.events.model_copy(update={"max_ahead": "36500 days"})
    project.settings = project.settings.model_copy(update={"events": events})


def _accept_any_rules(_, monkeypatch):
    monkeypatch.setattr(run, "check_rules", lambda *_: None)


def _change_the_window(project, _):
    window = project.settings.window.model_copy(update={"duration": "7 minutes"})
    project.settings = project.settings.model_copy(update={"window": window})


def _accept_any_query(_, monkeypatch):
    monkeypatch.setattr(manifest, "differences", lambda *_: [])


PROTECTIONS = {
    "the target knows its batches": Protection(
        _lose_last_commit, _append_each_batch, "exact", "The result"
    ),
    "a quarantine write replaces its folder": Protection(
        _lose_quarantine_write, _append_to_quarantine, "exact", "Quarantine"
    ),
    "a start writes what quarantine lacks": Protection(
        _die_before_quarantine_write, _forget_what_is_due, "exact", "Quarantine"
    ),
    "checkpoint and target have the same batches": Protection(
        _restore_an_older_checkpoint, _compare_no_batches, REFUSED, "The result"
    ),
    "a target belongs to one checkpoint": Protection(
        _remove_the_checkpoint, _accept_any_target, REFUSED, "The result"
    ),
    "a checkpoint belongs to one topic, not to its name": Protection(
        _create_the_topic_again, _accept_any_topic, REFUSED, "The result"
    ),
    "a new attempt compares the topic as well": Protection(
        _create_the_topic_again_while_the_job_runs, _accept_any_topic, REFUSED, "The result"
    ),
    "the target is the topic that has the result so far": Protection(
        _create_the_target_again, _accept_any_target_topic, REFUSED, "The result", sink="kafka"
    ),
    "a batch has the same rules in result and quarantine": Protection(
        _change_the_rules_before_quarantine_is_written, _accept_any_rules, REFUSED, "Quarantine"
    ),
    "a checkpoint belongs to one query": Protection(
        _change_the_window, _accept_any_query, REFUSED, "The result"
    ),
}


def _root(project):
    return Path(project.settings.checkpoint.root)


def _last_with_invalid_records(project):
    """Return the id of the last batch whose folder in quarantine has records."""
    return max(int(path.name) for path in Path(project.settings.quarantine.path).glob("*/[0-9]*"))


@pytest.mark.life
@pytest.mark.parametrize("name", PROTECTIONS)
def test_with_its_protection_nothing_is_lost_or_duplicated(services, tmp_path, monkeypatch, name):
    """The result and quarantine are exact, or the start is refused and nothing has changed."""
    protection = PROTECTIONS[name]

    assert _play(services, tmp_path, monkeypatch, protection) == protection.outcome


@pytest.mark.life
@pytest.mark.parametrize("name", PROTECTIONS)
def test_without_its_protection_the_result_is_wrong(services, tmp_path, monkeypatch, name):
    """Negative control: the same run, from which only the protection is removed."""
    protection = PROTECTIONS[name]

    found = _play(
        services,
        tmp_path,
        monkeypatch,
        protection,
        modify=lambda load: protection.remove(load, monkeypatch),
    )

    assert found.startswith(protection.symptom), found


def _play(services, folder, monkeypatch, protection, **more):
    def harm(project):
        protection.harm(project, monkeypatch)

    try:
        variant = {**variants.SCHEDULED, "sink": protection.sink}
        return matrix.run_project(variant, services, folder, between=harm, **more).verdict
    except CheckpointError:
        return REFUSED
