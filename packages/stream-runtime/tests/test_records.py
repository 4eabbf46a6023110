"""The validation of records, and the reason of each invalid one."""

import json
from functools import partial
from types import SimpleNamespace

import pytest
from pyspark.sql import functions as F
from sample import EVENT
from stream_devkit.rows import typed_rows
from stream_devkit.samples import UNKNOWN, envelopes, make_event, make_record
from stream_runtime import records
from stream_runtime.records import Events, EventSchema

SCHEMAS = {
    "all roles": EVENT,
    "names that need quoting": EventSchema(
        columns={
            "event.time": "TIMESTAMP",
            "`a b`": "BIGINT",
            "Größe, m²": "FLOAT",
            "price": "DECIMAL(9, 2)",
            "tags": "MAP<STRING, INT>",
        },
        time="event.time",
        id="`a b`",
        key="price",
        measures=("Größe, m²", "price"),
    ),
    "fields of structs": EventSchema(
        columns={
            "meta": "STRUCT<id: STRING, `sent.at`: TIMESTAMP, from: STRUCT<shop: INT, till: INT>>",
            "data": "STRUCT<amount: DOUBLE, tags: ARRAY<STRING>>",
            "id": "STRING",
            "time": "TIMESTAMP",
            "meta_from_shop": "INT",
            "amount, €": "DOUBLE",
        },
        time="time",
        id="id",
        key="meta_from_shop",
        measures=("amount, €",),
        paths={
            "id": ("meta", "id"),
            "time": ("meta", "sent.at"),
            "meta_from_shop": ("meta", "from", "shop"),
            "amount, €": ("data", "amount"),
        },
    ),
    "a time alone": EventSchema(columns={"时间": "TIMESTAMP", "note": "STRING"}, time="时间"),
}
NUMBERS = ("INT", "BIGINT", "DOUBLE", "FLOAT")
DEEP = b"[" * 5000 + b"]" * 5000


def cases(schema):
    """Return records and their expected reasons, by name of the case."""
    valid, raw = make_event(schema, 0), partial(make_record, schema)
    whole = raw(valid)
    found = {
        "a whole event": (whole, None),
        "an unknown field": (raw(valid | {UNKNOWN: 1}), None),
        "white space around": (b" " + whole + b"\r", None),
        "no value at all": (None, "malformed"),
        "nothing in it": (b"", "malformed"),
        "not JSON": (b"oops", "malformed"),
        "JSON, but no object": (b"[1, 2]", "malformed"),
        "null": (b"null", "malformed"),
        "cut off": (whole[:-2], "malformed"),
        "two events in one message": (whole + whole, "malformed"),
        "two events with a comma between": (whole + b"," + whole, "malformed"),
        "something after the event": (whole + b" trailing", "malformed"),
        "a field after the event": (whole + b', "more": 1', "malformed"),
        "an array of events": (b"[" + whole + b"]", "malformed"),
        "nested too deep": (whole[:-1] + b', "x": ' + DEEP + b"}", "malformed"),
        "bytes that are no UTF-8": (
            raw(valid | {UNKNOWN: "?"}).replace(b"?", b"\xff"),
            "invalid_utf8",
        ),
        "no event time": (_without(schema, valid, schema.time), "missing_time"),
        "an unreadable event time": (raw(valid | {schema.time: "01/02/2026"}), "malformed"),
        "epoch milliseconds": (raw(valid | {schema.time: 1767225600000}), "malformed"),
        "eleven minutes ahead": (raw(make_event(schema, 24 * 60 + 11)), "future_time"),
        "ten minutes ahead": (raw(make_event(schema, 24 * 60 + 10)), None),
        "single quotes": (whole.replace(b'"', b"'"), "malformed"),
        "a comma at the end": (whole[:-1] + b",}", "malformed"),
        "an empty object": (b"{}", "missing_time"),
        "a byte order mark": (b"\xef\xbb\xbf" + whole, "malformed"),
        "brackets in a text": (whole[:-1] + b', "x": "]}{"}', None),
    }
    if (other := schema.time.swapcase()) != schema.time:
        renamed = {other if name == schema.time else name: value for name, value in valid.items()}
        found["the event time in another case"] = (raw(renamed), "missing_time")
    found |= {f"followed by {tail.decode()}": (whole + tail, "malformed") for tail in _tails(whole)}
    for number in ("+INF", "-INF", "+Infinity", "INF", "01", "+1", ".5", "1."):
        text = whole[:-1] + f', "x": {number}}}'.encode()
        found[f"the number {number}"] = (text, "malformed")
    return found | dict(_cases_of_roles(schema, valid))


def _cases_of_roles(schema, valid):
    """Return the cases that depend on the roles of columns."""
    raw = partial(make_record, schema)
    for role in ("id", "key"):
        if name := getattr(schema, role):
            yield f"no {role}", (_without(schema, valid, name), f"missing_{role}")
    for name, kind in schema.columns.items():
        if kind in NUMBERS:
            yield f"text in {name}", (raw(valid | {name: "many"}), "malformed")
    for measure in schema.measures:
        if measure != schema.key:
            yield f"no {measure}", (_without(schema, valid, measure), None)
        if schema.columns[measure] in {"DOUBLE", "FLOAT"}:
            not_a_number = raw(valid | {measure: 0.5}).replace(b"0.5", b"NaN")
            yield f"NaN in {measure}", (not_a_number, "not_finite")
            yield f"infinite {measure}", (not_a_number.replace(b"NaN", b"1e999"), "not_finite")


def _without(schema, values, name):
    rest = {column: value for column, value in values.items() if column != name}
    return make_record(schema, rest)


def _tails(whole):
    """Return texts that follow an event in its message: another event, or a part of one."""
    return (
        b"]}" + whole,
        b"]}," + whole,
        b"]} half of an event",
        b"]} ",
        b'],"events":[' + whole,
        b'],"x":[1',
        b'],"end":true,"events":[' + whole,
        b"}",
        b",",
        b";",
        b"]",
        b"\x00",
        b" // a comment",
        b"\n" + whole,
        b" " + whole + b" ",
        b",null",
        b"{}",
    )


@pytest.fixture(scope="module", name="case", params=SCHEMAS)
def _case(request, spark):
    """Return a schema, its cases as envelopes, and the result of each."""
    schema = SCHEMAS[request.param]
    known = cases(schema)
    messages = envelopes(spark, [message for message, _ in known.values()])
    validated = records.validate(messages, schema, Events())
    rows = validated.select("origin", "reason", "has_unknown_fields").collect()
    by_place = {int(row.origin.partition("/")[2]): row for row in rows}
    found = {name: by_place[place] for place, name in enumerate(known)}
    return SimpleNamespace(schema=schema, known=known, messages=messages, found=found)


def test_an_invalid_record_has_its_reason(case):
    """Each invalid record has its reason, and a valid record has none."""
    reasons = {name: reason for name, (_, reason) in case.known.items()}

    assert {name: row.reason for name, row in case.found.items()} == reasons


def test_unknown_fields_are_counted(case):
    """Only an event with a field that the schema does not name has unknown fields."""
    noticed = [name for name, row in case.found.items() if row.has_unknown_fields]

    assert noticed == ["an unknown field", "brackets in a text"]


def test_every_record_is_valid_or_invalid(case):
    """Each record is either valid or invalid."""
    valid = records.select_valid(case.messages, case.schema, Events()).count()
    invalid = records.select_invalid(case.messages, case.schema, Events()).count()

    assert valid == sum(reason is None for _, reason in case.known.values())
    assert valid + invalid == len(case.known)


def test_invalid_bytes_are_kept(spark):
    """An invalid record that is not UTF-8 has its bytes in base64 and a readable text."""
    message = b'{"x": "\xff"}'

    (row,) = typed_rows(records.select_invalid(envelopes(spark, [message]), EVENT, Events()))

    assert row["raw"] == '{"x": "\N{REPLACEMENT CHARACTER}"}'
    assert row["raw_base64"] == "eyJ4IjogIv8ifQ=="
    assert row["origin"] == "test/0"


EVENT_FIELDS = {
    "event_id": "1",
    "event_time": "2026-01-01T00:00:00Z",
    "event_type": "a",
    "user_id": 1,
    "amount": 1.5,
}


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"user_id": "1"}, "user_id"),
        ({"user_id": 1.0}, "user_id"),
        ({"amount": "twelve"}, "amount"),
        ({"amount": {"value": 1}}, "amount"),
        ({"user_id": [], "amount": "x"}, "user_id"),
        ({"event_time": "today"}, "event_time"),
        ({"event_time": None}, "event_time"),
        ({"event_time": "2087-01-01T00:00:00Z"}, "event_time"),
        ({"event_id": ""}, "event_id"),
        ({"event_type": None}, "event_type"),
        ({"amount": float("nan")}, "amount"),
        ({"user_id": None, "amount": "x"}, "amount"),
    ],
    ids=str,
)
def test_an_invalid_record_names_its_column(spark, changed, column):
    """Quarantine names the column whose value does not fit its type or its role."""
    message = json.dumps({**EVENT_FIELDS, **changed}).encode()

    (row,) = typed_rows(records.select_invalid(envelopes(spark, [message]), EVENT, Events()))

    assert row["column"] == column


NESTED = EventSchema(
    columns={"ts": "TIMESTAMP", "meta": "STRUCT<n: BIGINT, who: STRUCT<age: INT, at: TIMESTAMP>>"},
    time="ts",
)


@pytest.mark.parametrize(
    ("meta", "column"),
    [
        ({"n": "x"}, "meta.n"),
        ({"n": 1, "who": {"age": "old"}}, "meta.who.age"),
        ({"n": None, "who": {"age": 1.5}}, "meta.who.age"),
        ({"n": 1, "who": {"at": "today"}}, "meta.who.at"),
        ({"n": 1, "who": 5}, "meta.who"),
        ("x", "meta"),
    ],
    ids=str,
)
def test_a_wrong_value_in_a_struct_is_named_with_its_path(spark, meta, column):
    """The column in quarantine is the path of the field, so nobody has to search the record."""
    message = json.dumps({"ts": "2026-01-01T00:00:00Z", "meta": meta}).encode()

    (row,) = typed_rows(records.select_invalid(envelopes(spark, [message]), NESTED, Events()))

    assert (row["reason"], row["column"]) == ("malformed", column)


@pytest.mark.parametrize("role", ["time", "id", "key"])
def test_a_missing_field_is_named_with_its_path(spark, role):
    """The column in quarantine is the name that the producer knows, not that of the event."""
    schema = SCHEMAS["fields of structs"]
    name = getattr(schema, role)
    message = _without(schema, make_event(schema, 0), name)

    (row,) = typed_rows(records.select_invalid(envelopes(spark, [message]), schema, Events()))

    assert (row["reason"], row["column"]) == (f"missing_{role}", ".".join(schema.paths[name]))


def test_the_fields_of_a_typed_event_are_columns(spark):
    """A source of rows yields events without the columns that are fields of structs."""
    schema = SCHEMAS["fields of structs"]
    sent = make_event(schema, 0)
    text = make_record(schema, sent).decode()
    event = F.from_json(F.lit(text), schema.kinds()).alias("event")
    rows = envelopes(spark, [text.encode()]).select("*", event)

    (row,) = typed_rows(records.select_valid(rows, schema, Events()))

    assert list(row) == list(schema.columns)
    assert {name: value for name, value in row.items() if value is not None} == sent


@pytest.mark.parametrize(
    "message",
    [None, b"", b"GET / HTTP/1.1", json.dumps(EVENT_FIELDS).encode()[:-5], b"[1]", b"{}{}"],
    ids=str,
)
def test_a_record_that_is_no_object_has_no_wrong_column(spark, message):
    """If a record is not exactly one JSON object, no single column is wrong."""
    (row,) = typed_rows(records.select_invalid(envelopes(spark, [message]), EVENT, Events()))

    assert (row["reason"], row["column"]) == ("malformed", None)


@pytest.mark.parametrize("name", SCHEMAS)
def test_valid_events_have_the_columns_of_the_schema(spark, name):
    """Valid events have exactly the columns of the schema, and unchanged values."""
    schema = SCHEMAS[name]
    sent = make_event(schema, 0)

    messages = envelopes(spark, [make_record(schema, sent)])

    (row,) = typed_rows(records.select_valid(messages, schema, Events()))

    assert list(row) == list(schema.columns)
    assert {name: value for name, value in row.items() if value is not None} == sent
