"""Source and target of committed batches: what a start compares before it runs."""

from types import SimpleNamespace

import pytest
from stream_runtime.errors import CheckpointError
from stream_runtime.run import check_progress
from stream_runtime.storage import LocalStorage


@pytest.fixture(name="check")
def _check(tmp_path):
    """Return a function that compares; it returns the offsets that each source was asked about."""
    root = LocalStorage(tmp_path)

    def check(*batches, target=True, offsets=(1, 2), held=None, planned=None):
        for batch in batches:
            root.write(f"stream/offsets/{batch}", "\n".join(map(str, ["v1", "{}", *offsets])))
            root.write(f"stream/commits/{batch}", "v1\n{}")
            root.write("stream/metadata", '{"id": "0a1b"}')
        if planned is not None:
            root.write(f"stream/offsets/{planned}", "v1\n{}")
        asked = []
        sources = [
            SimpleNamespace(check_offsets=lambda _, offset, n=n: asked.append((n, offset)))
            for n in range(2)
        ]
        sink = SimpleNamespace(has_target=lambda _: target, last_batch=lambda *_: held)
        settings = SimpleNamespace(sink=sink, sources=lambda: sources)
        check_progress(None, settings, root, "checkpoint 1")
        return asked

    return check


def test_a_first_start_compares_nothing(check):
    """Before the first committed batch, the target may be missing: the start creates it."""
    assert check(target=False) == []


def test_a_missing_target_of_committed_batches_is_refused(check):
    """A new target would have only the rows of later batches."""
    with pytest.raises(CheckpointError, match=r"up to 3, but the sink's target does not exist"):
        check(2, 3, target=False)


def test_each_source_is_compared_with_the_last_committed_offsets(check):
    """Each input is asked about its own line of the last committed batch."""
    assert check(2, 3) == [(0, "1"), (1, "2")]


def test_a_source_that_has_not_begun_is_not_compared(check):
    """An input from which no batch has read has no offset."""
    assert check(0, offsets=(1, "-")) == [(0, "1")]


@pytest.mark.parametrize("held", [None, 3, 4])
def test_a_target_of_the_same_moment_is_accepted(check, held):
    """The target has all committed batches, and at most the one that the checkpoint has planned."""
    check(2, 3, planned=4, held=held)


@pytest.mark.parametrize(
    ("held", "older"), [(2, "the target is an older copy"), (5, "the checkpoint is an older copy")]
)
def test_a_target_of_another_moment_is_refused(check, held, older):
    """Rows would be missing, or batches skipped that have other records."""
    with pytest.raises(CheckpointError, match=older):
        check(2, 3, planned=4, held=held)


def test_a_target_with_batches_is_refused_by_an_empty_checkpoint(check):
    """The first batches of a checkpoint that lost its logs would be skipped."""
    check(held=-1)
    with pytest.raises(CheckpointError, match=r"up to 0, but the checkpoint has none"):
        check(held=0)
