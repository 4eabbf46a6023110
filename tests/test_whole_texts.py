"""A record is an event only if its whole text is one JSON object: Spark against Python's json."""

import json
from datetime import UTC, datetime
from functools import partial
from random import Random

import pytest
from pyspark.sql import functions as F
from pyspark.sql import types as T

from tests.examples import bake
from tests.matrix import import_project

pytestmark = pytest.mark.spark

TEXTS = 6000
INGESTED = datetime(2026, 1, 2, tzinfo=UTC)
ENVELOPE = "raw BINARY, ingest_time TIMESTAMP, place INT"
ROLES = {"id": "event_id", "key": "event_type", "measure": "amount"}


def event(number, **more):
    """Return an event of the default schema."""
    time = f"2026-01-01T00:00:{number:02}Z"
    fields = {"event_id": f"e{number}", "event_time": time, "event_type": "a", "amount": 1.5}
    return fields | more


EVENTS = [
    json.dumps(fields, separators=separators)
    for separators in ((",", ":"), (" ,\t", " : "))
    for fields in (
        event(1),
        event(2, user_id=7, amount=-1e-3),
        event(3, event_type='}{"]', x={"y": [1, {}]}, amount=None),
        event(4, event_id='\\"]}', event_time=1767225600),
    )
]
PIECES = [
    *EVENTS,
    *(text[: len(text) // 2] for text in EVENTS),
    *(text[len(text) // 2 :] for text in EVENTS),
    *"{}[]\",:'\\ \t\r\n",
    *("]}", "]},", "],", "},{", "{}", "[]", '""', '\\"', "\\u0022", "\\", "\x00", "\ufeff", "é"),
    *('"events"', '],"events":[', '],"end":true,"events":[', '"event_id":"z"', '"amount":2,'),
    *("null", "true", "0", "-1", "1e5", "01", "+1", ".5", "1.", "NaN", "Infinity", "+INF", "-INF"),
    *("//", "/* */", "#", "--", ";", "half of an event"),
]


def any_text(rng):
    """Return an event to which something happened, or pieces of events in any order."""
    pieces = "".join(rng.choices(PIECES, k=rng.randrange(1, 5)))
    whole = rng.choice(EVENTS)
    place = rng.randrange(len(whole) + 1)
    forms = [
        pieces,
        whole + pieces,
        pieces + whole,
        whole[:place] + pieces + whole[place:],
        whole[:place] + whole[place + 1 :],
        whole[:-1] + "," + pieces + "}",
        whole[:-1] + ',"x":' + rng.choice(PIECES) + "}",
        rng.choice(" \t\r\n") + whole + rng.choice(" \t\r\n"),
    ]
    return rng.choice(forms)


class Repeated(dict):
    """An object in which a name comes twice."""


def _fields(pairs):
    return dict(pairs) if len(dict(pairs)) == len(pairs) else Repeated(pairs)


def read(text):
    """Return the fields of the one JSON object that a text is, None for any other text."""
    try:
        fields = json.loads(text, object_pairs_hook=_fields)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def is_strict(text):
    """Return whether a text has none of the numbers that Python and Spark read beyond JSON."""
    found = []
    json.loads(text, parse_constant=found.append)
    return not found


def has_roles(fields):
    """Return whether the columns without which nothing is an event are there."""
    required = [fields.get(name) for name in ("event_id", "event_time", "event_type")]
    return None not in required and fields["event_id"] != ""


def has_types(fields):
    """Return whether each field is of its column's type in its usual form.

    Other forms are no subject here: in a STRING column anything is text, for example.
    """
    number = fields.get("amount", 0)
    return (
        not isinstance(fields, Repeated)
        and all(type(fields[name]) is str for name in ("event_id", "event_type"))
        and fields["event_time"] in {1767225600, *(event(n)["event_time"] for n in range(1, 5))}
        and (number is None or type(number) in {int, float})
        and type(fields.get("user_id", 0)) in {int, type(None)}
    )


@pytest.fixture(scope="module", name="records")
def _records(tmp_path_factory):
    project = bake(tmp_path_factory.mktemp("project"), hooks=False, project_slug="whole-texts")
    with import_project(project, "whole_texts") as load:
        yield load("stream_runtime.records"), load(".schema").EVENT


@pytest.fixture(scope="module", name="validate")
def _validate(spark, records):
    """Return a function that validates texts with Spark: reason, id, key and measure of each."""
    module, schema = records

    def validate(texts):
        rows = [(text.encode(), INGESTED, place) for place, text in enumerate(texts)]
        valid = module.validate(spark.createDataFrame(rows, ENVELOPE), schema, module.Events())
        columns = [F.col("event")[column].alias(role) for role, column in ROLES.items()]
        found = valid.select("place", "reason", *columns).collect()
        return [row.asDict() for row in sorted(found, key=lambda row: row.place)]

    return validate


def disagreements(texts, verdicts):
    """Return each text on which Spark and Python disagree, with both results."""
    return [
        (text, verdict["reason"], read(text))
        for text, verdict in zip(texts, verdicts, strict=True)
        if not _agree(text, read(text), verdict)
    ]


def _agree(text, fields, verdict):
    if fields is None or not has_roles(fields):
        return verdict["reason"] is not None
    if not is_strict(text) or not has_types(fields):
        return True
    if verdict["reason"]:
        return False
    return all(verdict[role] == fields.get(column) for role, column in ROLES.items())


@pytest.fixture(scope="module", name="texts")
def _texts():
    rng = Random(11)  # noqa: S311 - a seed, so that a failure repeats
    return list(dict.fromkeys(any_text(rng) for _ in range(TEXTS)))


def test_only_whole_texts_are_events(validate, texts):
    """What Spark takes for an event, json reads as one object, and the other way round."""
    verdicts = validate(texts)

    assert disagreements(texts, verdicts) == []
    good = sum(verdict["reason"] is None for verdict in verdicts)
    assert good > TEXTS // 20
    assert len(texts) - good > TEXTS // 2


def _in_an_array(text, schema, records):
    """What from_json reads of an array around the text: the text itself can end the array."""
    columns = (
        T.StructType()
        .add("events", T.ArrayType(records.json_columns(schema)))
        .add("_corrupt_record", "string")
    )
    found = F.from_json(F.concat(F.lit('{"events":['), text, F.lit("]}")), columns)
    one = F.get(found["events"], F.lit(0))
    return F.struct(
        *(one[name].alias(name) for name in schema.sent),
        F.when(F.size(found["events"]) == 1, F.lit(True)).alias(records.MARK),
        found["_corrupt_record"].alias(records.CORRUPT),
    )


def test_a_wrapper_that_a_text_can_close_is_noticed(validate, texts, records, monkeypatch):
    """The comparison can fail: with an array around the text, events are lost."""
    module, _ = records
    monkeypatch.setattr(module, "_parsed", partial(_in_an_array, records=module))

    lost = [text for text, reason, _ in disagreements(texts, validate(texts)) if reason is None]

    assert any(text.count("event_id") > 1 for text in lost)


DEEP, LONG = 1001, 50_001
DIFFERENT = {
    "nested 1,001 deep": f'"x": {"[" * DEEP}{"]" * DEEP}',
    "a number of 1,001 digits": f'"amount": {"1" * DEEP}',
    "a name of 50,001 letters": f'"{"x" * LONG}": 1',
}


def test_what_json_allows_and_the_job_refuses(validate):
    """Sizes that no event has: Spark's reader of JSON ends there, and says `malformed`."""
    texts = [f"{EVENTS[0][:-1]}, {more}}}" for more in DIFFERENT.values()]

    verdicts = dict(zip(DIFFERENT, validate(texts), strict=True))

    assert {name: verdict["reason"] for name, verdict in verdicts.items()} == dict.fromkeys(
        DIFFERENT, "malformed"
    )


def test_of_a_name_that_comes_twice_the_last_value_counts(validate):
    """JSON leaves open what a repeated name means; the job and Python agree."""
    (verdict,) = validate([EVENTS[0][:-1] + ',"event_id":"second","amount":2}'])

    assert (verdict["reason"], verdict["id"], verdict["measure"]) == (None, "second", 2.0)
