"""What counts as an event, and why a record does not."""

import pytest
from stream_runtime import records
from stream_runtime.bounded import typed_rows

from clickstream_metrics.schema import COLUMNS, EVENT
from clickstream_metrics.settings import Settings

from tests.events import UNKNOWN, envelopes, event, raw

GOOD = event(0)


def _without(name: str) -> bytes:
    return raw({column: value for column, value in GOOD.items() if column != name})


def _renamed(name: str, new: str) -> bytes:
    return raw({new if column == name else column: value for column, value in GOOD.items()})


NUMBERS = [name for name, kind in COLUMNS.items() if kind in {"INT", "BIGINT", "DOUBLE", "FLOAT"}]

DEEP = b"[" * 5000 + b"]" * 5000

# What may follow an event in its message: another one, a part of one, or the ends of a wrapper.
TAILS = (
    b"]}" + raw(GOOD),
    b"]}," + raw(GOOD),
    b"]} half of an event",
    b"]} ",
    b'],"events":[' + raw(GOOD),
    b'],"x":[1',
    b'],"end":true,"events":[' + raw(GOOD),
    b"}",
    b",",
    b";",
    b"]",
    b"\x00",
    b" // a comment",
    b"\n" + raw(GOOD),
    b" " + raw(GOOD) + b" ",
    b",null",
    b"{}",
)

CASES: dict[str, tuple[bytes | None, str | None]] = {
    "a whole event": (raw(GOOD), None),
    "an unknown field": (raw(GOOD | {UNKNOWN: 1}), None),
    "white space around": (b" " + raw(GOOD) + b"\r", None),
    "no value at all": (None, "malformed"),
    "nothing in it": (b"", "malformed"),
    "not JSON": (b"oops", "malformed"),
    "JSON, but no object": (b"[1, 2]", "malformed"),
    "null": (b"null", "malformed"),
    "cut off": (raw(GOOD)[:-2], "malformed"),
    "two events in one message": (raw(GOOD) + raw(GOOD), "malformed"),
    "two events with a comma between": (raw(GOOD) + b"," + raw(GOOD), "malformed"),
    "something after the event": (raw(GOOD) + b" trailing", "malformed"),
    "a field after the event": (raw(GOOD) + b', "more": 1', "malformed"),
    "an array of events": (b"[" + raw(GOOD) + b"]", "malformed"),
    "nested too deep": (raw(GOOD)[:-1] + b', "x": ' + DEEP + b"}", "malformed"),
    "bytes that are no UTF-8": (raw(GOOD | {UNKNOWN: "?"}).replace(b"?", b"\xff"), "invalid_utf8"),
    "no event time": (_without(EVENT.time), "missing_time"),
    "an unreadable event time": (raw(GOOD | {EVENT.time: "01/02/2026"}), "malformed"),
    "epoch milliseconds": (raw(GOOD | {EVENT.time: 1767225600000}), "future_time"),
    "a day and a minute ahead": (raw(event(2 * 24 * 60 + 1)), "future_time"),
    "a day ahead": (raw(event(2 * 24 * 60)), None),
}
if (other := EVENT.time.swapcase()) != EVENT.time:
    CASES["the event time in another case"] = (_renamed(EVENT.time, other), "missing_time")
CASES |= {f"followed by {tail.decode()}": (raw(GOOD) + tail, "malformed") for tail in TAILS}
for number in ("+INF", "-INF", "+Infinity", "INF", "01", "+1", ".5", "1."):
    text = raw(GOOD)[:-1] + f', "x": {number}}}'.encode()
    CASES[f"the number {number}"] = (text, "malformed")
CASES |= {
    "single quotes": (raw(GOOD).replace(b'"', b"'"), "malformed"),
    "a comma at the end": (raw(GOOD)[:-1] + b",}", "malformed"),
    "an empty object": (b"{}", "missing_time"),
    "a byte order mark": (b"\xef\xbb\xbf" + raw(GOOD), "malformed"),
    "brackets in a text": (raw(GOOD)[:-1] + b', "x": "]}{"}', None),
}
if EVENT.id:
    CASES["no id"] = (_without(EVENT.id), "missing_id")
if EVENT.key:
    CASES["no key"] = (_without(EVENT.key), "missing_key")
if EVENT.measures:
    CASES["no measure"] = (_without(EVENT.measures[0]), None)
for number in NUMBERS:
    CASES[f"text in {number}"] = (raw(GOOD | {number: "many"}), "malformed")
for measure in EVENT.measures:
    if COLUMNS[measure] in {"DOUBLE", "FLOAT"}:
        not_a_number = raw(GOOD | {measure: 1.0}).replace(b"1.0", b"NaN")
        CASES[f"NaN in {measure}"] = (not_a_number, "not_finite")
        CASES[f"infinite {measure}"] = (not_a_number.replace(b"NaN", b"1e999"), "not_finite")


@pytest.fixture(scope="module", name="verdicts")
def _verdicts(spark):
    judged = records.judged(
        envelopes(spark, [message for message, _ in CASES.values()]), EVENT, records.Events()
    )
    rows = judged.select("origin", "reason", "has_unknown_fields").collect()
    by_place = {int(row.origin.partition("/")[2]): row for row in rows}
    return {name: by_place[place] for place, name in enumerate(CASES)}


@pytest.mark.parametrize("name", CASES)
def test_reason(verdicts, name):
    """Each kind of record gets the reason that is true of it, and an event gets none."""
    assert verdicts[name].reason == CASES[name][1]


def test_unknown_fields_are_noticed(verdicts):
    """Only an event with a field that the schema does not name has unknown fields."""
    noticed = [name for name, verdict in verdicts.items() if verdict.has_unknown_fields]

    assert noticed == ["an unknown field", "brackets in a text"]


def test_nothing_is_lost_between_good_and_bad(spark, settings: Settings):
    """Every record is an event or is bad, never both, never neither."""
    messages = envelopes(spark, [message for message, _ in CASES.values()])

    good = records.good(messages, EVENT, settings.events).count()
    bad = records.bad(messages, EVENT, settings.events).count()

    assert good == sum(reason is None for _, reason in CASES.values())
    assert good + bad == len(CASES)


def test_bad_bytes_are_kept(spark, settings: Settings):
    """A record whose bytes are no text keeps them, in base64, beside a readable form."""
    message = b'{"x": "\xff"}'

    (row,) = typed_rows(records.bad(envelopes(spark, [message]), EVENT, settings.events))

    assert row["raw"] == '{"x": "\N{REPLACEMENT CHARACTER}"}'
    assert row["raw_base64"] == "eyJ4IjogIv8ifQ=="
    assert row["origin"] == "test/0"


def test_good_events_have_the_columns_of_the_schema(spark, settings: Settings):
    """Events come out with exactly the columns of schema.py, and the values that went in."""
    events = records.good(envelopes(spark, [raw(GOOD)]), EVENT, settings.events)

    (row,) = typed_rows(events)

    assert list(row) == list(COLUMNS)
    assert row[EVENT.time] == GOOD[EVENT.time]
    assert row[EVENT.key] == GOOD[EVENT.key]
