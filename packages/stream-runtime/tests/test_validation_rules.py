"""The rules of validation: a batch that is not in quarantine yet keeps those of its run."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import sample
from stream_runtime.errors import CheckpointError
from stream_runtime.quarantine import PROGRESS
from stream_runtime.rules import FILE, check_rules, describe_rules, record_rules
from stream_runtime.storage import LocalStorage

JOB = replace(sample.JOB, trigger="available_now")
MORE = replace(sample.EVENT, columns={**sample.EVENT.columns, "country": "STRING"})
CHANGED = r"have changed:\n  column country: none -> STRING\nBatch {} is in the result"


@pytest.fixture(name="check")
def _check(tmp_path):
    """Return a function that starts a job on a checkpoint with committed batches 0 to 3."""
    root, settings = LocalStorage(tmp_path), sample.load()
    record_rules(JOB, settings, root)
    for batch in range(4):
        root.write(f"stream/commits/{batch}", "v1\n{}")
    for batch in range(5):
        root.write(f"stream/offsets/{batch}", f"v1\n{{}}\n{batch}")

    def check(job=JOB, *, quarantined, held=None, overrides=()):
        root.write(PROGRESS, json.dumps({"last_batch": quarantined}))
        check_rules(job, sample.load(*overrides), root, held)

    check.root = root
    return check


def test_other_rules_are_refused_before_quarantine_is_complete(check):
    """The message names what changed, the batch, and both ways to continue."""
    with pytest.raises(CheckpointError, match=CHANGED.format(3)) as refused:
        check(replace(JOB, inputs=(MORE,)), quarantined=2)

    assert "Start the previous release once and stop it" in str(refused.value)
    assert f"remove {FILE} from checkpoint.root" in str(refused.value)


def test_a_batch_that_only_the_target_has_counts_as_well(check):
    """The start replays it: the target skips it, and quarantine does not."""
    with pytest.raises(CheckpointError, match=CHANGED.format(4)):
        check(replace(JOB, inputs=(MORE,)), quarantined=3, held=4)


@pytest.mark.parametrize("held", [None, 3])
def test_other_rules_are_accepted_once_quarantine_is_complete(check, held):
    """No batch of the last start is left, so the next one can have other rules."""
    check(replace(JOB, inputs=(MORE,)), quarantined=3, held=held)


@pytest.mark.parametrize("overrides", [(), ("events.reported=5",)])
def test_the_same_rules_are_always_accepted(check, overrides):
    """How many invalid records a report contains is no rule."""
    check(quarantined=2, overrides=overrides)


def test_late_events_of_a_due_batch_are_not_forgotten(check):
    """Without the setting, a batch replay would leave them out."""
    with pytest.raises(CheckpointError, match=r"quarantine\.late: False -> True"):
        check(quarantined=2, overrides=["quarantine.late=true"])


def test_a_changed_limit_is_a_changed_rule(check):
    """The limits and forms of `[events]` are rules too."""
    with pytest.raises(CheckpointError, match=r"events\.max_ahead: 0:10:00 -> 1:00:00"):
        check(quarantined=2, overrides=["events.max_ahead=1 hour"])


def test_a_second_reading_is_not_bound_to_a_batch(check):
    """A continuous query ends before its second reading, so every release would be refused."""
    check(replace(JOB, inputs=(MORE,), trigger="continuous"), quarantined=2)


def test_a_checkpoint_of_an_older_runtime_has_no_rules(check):
    """Its next start stores them."""
    check.root.remove(FILE)

    check(replace(JOB, inputs=(MORE,)), quarantined=2)


def test_each_input_has_its_rules():
    """A join says which input has changed."""
    rules = describe_rules(replace(JOB, inputs=(sample.EVENT, MORE)), sample.load())

    assert "column country of input 1" not in rules
    assert rules["column country of input 2"] == "STRING"
    assert rules["time of input 1"] == '"event_time"'


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 3}'])
def test_a_damaged_file_is_refused(check, text):
    """The message names the file and what to do."""
    check.root.write(FILE, text)

    with pytest.raises(CheckpointError, match=r"rules.json .* is damaged.* Restore that file"):
        check(quarantined=3)


def test_batches_that_owe_nothing_are_not_due(check):
    """A batch without records, or one that a replay has written, needs no quarantine write."""
    check.root.write("stream/offsets/3", "v1\n{}\n2")
    check.root.write("quarantine/commits/2", "v1")

    check(replace(JOB, inputs=(MORE,)), quarantined=1)


def test_the_same_duration_in_other_words_is_the_same_rule(check):
    """Only the length of a duration counts."""
    check(quarantined=2, overrides=["events.max_ahead=600 seconds"])


def test_another_selection_is_refused_while_a_batch_is_planned(tmp_path):
    """Spark applies the pattern of file names to the files of a planned batch as well."""
    root = LocalStorage(tmp_path)

    def start(pattern, job=JOB):
        source = SimpleNamespace(
            NAME="source", REPLAYABLE=True, RULES=("file_names",), file_names=pattern
        )
        plain = sample.load()
        settings = SimpleNamespace(
            events=plain.events,
            quarantine=plain.quarantine,
            source=source,
            sources=lambda: [source],
        )
        check_rules(job, settings, root, None)
        record_rules(job, settings, root)

    start("*.json")
    start("*.ndjson")
    root.write("stream/offsets/0", "v1\n{}\n0")

    with pytest.raises(
        CheckpointError, match=r"source\.file_names: \*\.ndjson -> \*\nBatch 0 is p"
    ):
        start("*")
    start("*.ndjson", replace(JOB, inputs=(MORE,)))
    root.write("stream/commits/0", "v1")
    root.write(PROGRESS, '{"last_batch": 0}')
    start("*")
