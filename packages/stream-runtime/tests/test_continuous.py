"""The reports of a continuous query, read from its checkpoint."""

import json
from types import SimpleNamespace

import pytest
from stream_runtime import continuous
from stream_runtime.continuous import ContinuousListener
from stream_runtime.listener import Sign
from stream_runtime.storage import LocalStorage

RUN = "run"


@pytest.fixture(name="commit")
def _commit(tmp_path):
    """Return a function that commits an epoch as Spark does, with its end offsets."""
    root = LocalStorage(tmp_path)

    def commit(epoch, *offsets):
        position = {"topic": {str(number): offset for number, offset in enumerate(offsets)}}
        root.write(f"stream/offsets/{epoch}", f"v1\n\n{json.dumps(position)}")
        root.write(f"stream/commits/{epoch}", "v1\n{}")

    commit.root = root
    return commit


def test_new_epochs_are_reported_as_one_batch(commit):
    """The epochs between two reports are one batch with the id of the last epoch."""
    commit(0, 5, 5)
    listener = ContinuousListener(commit.root)
    commit(1, 7, 5)
    commit(2, 7, 9)

    batch = listener.take(RUN, 0.001)

    assert (batch.batch_id, batch.input_rows, batch.invalid_rows) == (2, 6, None)
    assert (json.loads(batch.start_offset), json.loads(batch.end_offset)) == (
        {"topic": {"0": 5, "1": 5}},
        {"topic": {"0": 7, "1": 9}},
    )
    assert listener.take(RUN, 0.001) is None


def test_the_first_batch_starts_at_the_offsets_of_quarantine(commit):
    """The first batch starts at the offsets of quarantine: Spark does not store its start."""
    listener = ContinuousListener(commit.root)
    commit.root.write("quarantine/sources/0/0", '\0v1\n{"topic":{"0":100,"1":0}}')
    commit(0, 103, 0)

    assert listener.take(RUN, 0.001).input_rows == 3


def test_epochs_without_messages_are_reported_as_idle(commit, monkeypatch):
    """Epochs without messages are reported as idle at intervals, not each."""
    commit(0, 5)
    listener = ContinuousListener(commit.root)
    commit(1, 5)
    soon = listener.take(RUN, 0.001)
    monkeypatch.setattr(continuous, "IDLE_SECONDS", 0)
    commit(2, 5)

    assert soon is None
    assert listener.take(RUN, 0.001) is Sign.IDLE


@pytest.fixture(name="clock")
def _clock(monkeypatch):
    """Return a clock; its attribute `now` is in seconds."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(continuous, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_a_query_that_commits_no_more_has_failed(commit, clock):
    """After an outage of its broker, a query writes on and commits nothing, without an error."""
    listener = ContinuousListener(commit.root)
    listener.take(RUN, 0.001)
    clock.now += 10
    commit(0, 5)
    assert listener.take(RUN, 0.001).input_rows == 5

    clock.now += 140
    assert listener.take(RUN, 0.001) is None
    clock.now += 1
    with pytest.raises(TimeoutError, match="has not committed for 141 s"):
        listener.take(RUN, 0.001)

    assert listener.take("the next attempt", 0.001) is None


def test_a_first_epoch_can_take_any_time(commit, clock):
    """How long an epoch lasts is known when one has ended."""
    listener = ContinuousListener(commit.root)
    listener.take(RUN, 0.001)
    clock.now += 10_000

    assert listener.take(RUN, 0.001) is None


def test_the_last_epochs_are_reported_before_the_end(commit):
    """The last epochs of a query are reported before its end."""
    listener = ContinuousListener(commit.root)
    listener.reports.put(("an earlier run", Sign.ENDED))
    listener.reports.put((RUN, Sign.ENDED))
    commit(0, 1)

    assert listener.take(RUN, 0.001).input_rows == 1
    assert listener.take(RUN, 0.001) is Sign.ENDED
