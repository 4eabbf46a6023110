"""The benchmark: its expected rows, and the page and the README that quote its numbers."""

import json
import re
from collections import defaultdict
from datetime import datetime, timedelta

import pytest

from tests.bench import page, pieces
from tests.bench.__main__ import LARGE_BATCH
from tests.bench.load import Load, check
from tests.examples import ROOT

LOAD = Load(3000, keys=7)


def _list_rows(load):
    """Compute the rows of the closed windows from the records that are sent."""
    events = [json.loads(text) for *_, text in load.make()]
    newest = max(datetime.fromisoformat(event["event_time"]) for event in events)
    rows = defaultdict(list)
    for event in events:
        time = datetime.fromisoformat(event["event_time"])
        start = time - timedelta(
            minutes=time.minute % 5, seconds=time.second, microseconds=time.microsecond
        )
        if start + timedelta(minutes=15) <= newest:
            rows[start, event["event_type"]].append(event["amount"])
    return [(*at, len(amounts), sum(amounts)) for at, amounts in rows.items()]


def test_the_expected_rows_are_those_of_the_records():
    """The rows that runs are compared with are those of the JSON that is sent."""
    rows = _list_rows(LOAD)

    check(LOAD, rows)

    assert len(rows) > 100


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[1:],
        lambda rows: [*rows, rows[0]],
        lambda rows: [(*rows[0][:3], rows[0][3] + 0.01), *rows[1:]],
        lambda rows: [(*rows[0][:2], rows[0][2] + 1, rows[0][3]), *rows[1:]],
    ],
    ids=["a row is missing", "a row is there twice", "a cent", "an event"],
)
def test_a_wrong_result_is_found(change):
    """A benchmark of a wrong result fails."""
    with pytest.raises(AssertionError):
        check(LOAD, change(_list_rows(LOAD)))


def _make_log(path):
    """Write the event log of a run with two batches with records, and one without."""
    events = []

    def execute(number, root, begin, end, description=""):
        names = {"executionId": number, "rootExecutionId": root}
        events.append(
            {"Event": "x.SQLExecutionStart", **names, "time": begin, "description": description}
        )
        events.append({"Event": "x.SQLExecutionEnd", "executionId": number, "time": end})

    for batch, rows in enumerate((5, 7, 0)):
        at, root = 10_000 * batch, 10 * batch
        execute(root, root, at + 100, at + 900, f"job\nid = 1\nbatch = {batch}")
        execute(root + 1, root, at + 150, at + 250, f"job\nbatch = {batch}: Compute snapshot")
        execute(root + 2, root, at + 300, at + 800, f"job\nbatch = {batch}")
        progress = {"batchId": batch, "durationMs": {"triggerExecution": 1000}}
        progress["sources"] = [{"numInputRows": 0}, {"numInputRows": rows}]
        events.append({"Event": "x.QueryProgressEvent", "progress": progress})
    path.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")


def test_the_pieces_of_a_batch_add_up(tmp_path):
    """Time in front of the longest execution is Delta's reading, time after it is its commit."""
    log = tmp_path / "log"
    _make_log(log)

    found = pieces.read_pieces(log)

    expected = {"whole": 1000, "read": 200, "query": 500, "commit": 100, "checkpoint": 200}
    assert found == expected
    assert found["whole"] == sum(found[name] for name in found if name != "whole")


def test_the_page_has_the_numbers():
    """docs/speed.md is made from proof/speed.json; `make bench` writes both."""
    assert page.PAGE.read_text("utf-8") == page.render(page.read_numbers())


def test_the_readme_quotes_the_page():
    """The ratios in the README are those of the last benchmark."""
    text = (ROOT / "README.md").read_text("utf-8")
    ratios = page.compute_ratios(page.read_numbers())

    quoted = re.search(
        r"(\d\.\d\d) of the speed of its own plan without a sink, "
        r"(\d\.\d\d) with batches of ([\d,]+) events, and is (\d+) times as fast",
        text,
    )

    assert float(quoted[1]) == round(ratios["noop"], 2)
    assert float(quoted[2]) == ratios["noop, large batches"]
    assert int(quoted[3].replace(",", "")) == LARGE_BATCH
    assert int(quoted[4]) == int(ratios["snippet"])
