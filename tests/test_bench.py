"""The benchmark: its expected rows, and the page and the README that quote its numbers."""

import json
import re
from collections import defaultdict
from datetime import datetime, timedelta

import pytest

from tests.bench import page
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


def test_the_page_has_the_numbers():
    """docs/speed.md is made from proof/speed.json; `make bench` writes both."""
    assert page.PAGE.read_text("utf-8") == page.render(page.read_numbers())


def test_the_readme_quotes_the_page():
    """The ratios in the README are those of the last benchmark."""
    text = (ROOT / "README.md").read_text("utf-8")
    ratios = page.compute_ratios(page.read_numbers())

    quoted = re.search(r"(\d\.\d\d) of the speed of its own plan.*?(\d+) times as fast", text)

    assert float(quoted[1]) == round(ratios["noop"], 2)
    assert int(quoted[2]) == int(ratios["snippet"])
