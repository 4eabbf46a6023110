"""Bad records reach quarantine exactly once, wherever the process that moves them dies."""

import contextlib
import json
from pathlib import Path

import pytest

from access_log.runtime.progress import (
    Batch,
    Metrics,
    Reporter,
)
from access_log.runtime.quarantine import MARKS, Sweeper
from access_log.runtime.records import Events, bad
from access_log.runtime.storage import LocalStorage
from access_log.schema import EVENT

from tests.events import envelopes, event, raw

RECORDS = [raw(event(0)), b"bad 1", raw(event(1)), b"bad 3", b"bad 4", raw(event(2))]


class KilledError(Exception):
    """The process dies here."""


@pytest.fixture(name="sweeper")
def _sweeper(spark, tmp_path):
    """Make a sweeper over RECORDS, as a new process would; an offset is a number of records."""

    def bad_records(start, end):
        part = envelopes(spark, RECORDS[int(start or 0) : int(end)])
        return bad(part, EVENT, Events())

    def make(storage=None):
        reporter = Reporter(Metrics(log=str(tmp_path / "metrics.jsonl")), "test")
        root = storage or LocalStorage(tmp_path)
        return Sweeper(root, str(tmp_path / "quarantine"), bad_records, reporter)

    return make


class Dying(LocalStorage):
    """A storage whose process dies at the n-th write."""

    def __init__(self, root: Path, writes: int) -> None:
        super().__init__(root)
        self.left = writes

    def write(self, name, text):
        """Write, unless this is where the process dies."""
        self.left -= 1
        if self.left < 0:
            raise KilledError
        super().write(name, text)


def batch(start, end, bad_rows):
    """A batch as the stream reports it."""
    facts = dict.fromkeys(Batch.__annotations__, 0)
    return Batch(**facts | {"bad_rows": bad_rows, "start_offset": start, "end_offset": end})


def quarantined(tmp_path):
    """What readers of the quarantine see."""
    parts = sorted((tmp_path / "quarantine").rglob("part-*.json"))
    lines = [line for part in parts for line in part.read_text("utf-8").splitlines()]
    return [json.loads(line)["raw"] for line in lines]


def committed(tmp_path, batch_id, end):
    """Spark's log after a batch."""
    root = LocalStorage(tmp_path)
    root.write(f"stream/offsets/{batch_id}", "\n".join(["v1", "metadata", end]))
    root.write(f"stream/commits/{batch_id}", "v1")


def test_batches_are_followed(sweeper, tmp_path):
    """The bad records of each batch are moved; a batch without any costs no reading."""
    following = sweeper()

    following.follow(batch(None, "2", 1))
    following.follow(batch("2", "3", 0))
    following.follow(batch("3", "6", 2))

    assert quarantined(tmp_path) == ["bad 1", "bad 3", "bad 4"]
    assert sorted(path.name for path in (tmp_path / "quarantine").iterdir()) == ["000001", "000002"]


def test_a_batch_that_did_not_count_is_read(sweeper, tmp_path):
    """No word on bad records is no proof that there were none."""
    sweeper().follow(batch(None, "2", None))

    assert quarantined(tmp_path) == ["bad 1"]


@pytest.mark.parametrize("writes", range(5))
def test_a_kill_loses_and_doubles_nothing(sweeper, tmp_path, writes):
    """Whichever write of the marks is the last, the next process ends with each record once."""
    dying = sweeper(Dying(tmp_path, writes))
    committed(tmp_path, 0, "2")
    committed(tmp_path, 1, "6")
    with contextlib.suppress(KilledError):
        dying.follow(batch(None, "2", 1))
        dying.follow(batch("2", "6", 2))

    sweeper().recover()

    assert quarantined(tmp_path) == ["bad 1", "bad 3", "bad 4"]


def test_a_sweep_that_failed_is_finished_first(sweeper, tmp_path):
    """A sweep that fails after its folder is written leaves no record twice."""
    storage = Dying(tmp_path, writes=1)
    following = sweeper(storage)
    committed(tmp_path, 0, "2")
    with contextlib.suppress(KilledError):
        following.follow(batch(None, "2", 1))

    storage.left = 99
    following.recover()
    following.follow(batch("2", "6", 2))

    assert quarantined(tmp_path) == ["bad 1", "bad 3", "bad 4"]


def test_a_lost_report_is_made_up_for(sweeper, tmp_path):
    """A batch that was committed, but never reported, is swept by the next start."""
    committed(tmp_path, 0, "6")

    sweeper().recover()

    assert quarantined(tmp_path) == ["bad 1", "bad 3", "bad 4"]


def test_without_its_marks_a_sweep_repeats(sweeper, tmp_path):
    """The marks are what keeps records from coming twice: without them they do."""
    sweeper().follow(batch(None, "2", 1))
    sweeper().follow(batch("2", "6", 2))
    LocalStorage(tmp_path).write(MARKS, json.dumps({"sweep": 2, "swept": "2", "upto": None}))

    sweeper().follow(batch("2", "6", 2))

    assert quarantined(tmp_path).count("bad 3") == 2
