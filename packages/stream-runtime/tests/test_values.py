"""The strict conversion of JSON values: each text becomes its value, or names its column."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import functions as F
from stream_devkit.rows import typed_rows
from stream_devkit.samples import INGESTED, envelopes
from stream_runtime import records
from stream_runtime.records import Events, EventSchema, envelope

WRONG = None
"""What a text without one meaning in a type has instead of a value."""
MALFORMED = "malformed", "value"
TIME = '"2026-11-27T08:01:02Z"'
DAY = datetime(2026, 11, 27, 8, 1, 2, tzinfo=UTC)
BIG = "12345678901234567890123456789012.345678"
TIMES = {
    '"2026-11-27T08:01:02Z"': DAY,
    '"2026-11-27 08:01:02"': DAY,
    '"2026-11-27T09:01:02+01:00"': DAY,
    '"2026-11-27T09:01:02+0100"': DAY,
    '"2026-11-27 09:01:02+01"': DAY,
    '"2026-11-27T08:01:02.123456789Z"': DAY.replace(microsecond=123456),
    '"2026-11-27T08:01"': DAY.replace(second=0),
    "1795766462": DAY,
    '"1795766462"': DAY,
    "-631152000": datetime(1950, 1, 1, tzinfo=UTC),
    "0": datetime(1970, 1, 1, tzinfo=UTC),
    '"0001-01-01T00:00:00Z"': datetime(1, 1, 1, tzinfo=UTC),
    '"9999-12-31T23:59:59.999999Z"': datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    **dict.fromkeys(
        [
            '"08:15:00"',
            '"08:15"',
            '"T08:15"',
            '"2026"',
            '"2026-11"',
            '"2026-11-27"',
            '"20261127"',
            "20261127",
            '"20261127T080102Z"',
            '"2026-11-27T08:01:02 Europe/Berlin"',
            '"2026-11-27T08:01:02Z\\n"',
            '" 2026-11-27T08:01:02Z"',
            '"2026-11-27T08:01:02+19:00"',
            '"2026-11-27T24:00:00Z"',
            '"2026-11-27T08:01:60Z"',
            '"2026-02-30T08:01:02Z"',
            '"0000-01-01T00:00:00Z"',
            '"+58878-04-23T08:00:00Z"',
            '"-0001-01-01T00:00:00Z"',
            '"27.11.2026 08:01:02"',
            '"now"',
            '"today"',
            '"epoch"',
            '""',
            "1795766462.5",
            "1795766462000",
            "1750000000000000",
            "1750000000000000000",
            "17957664620000000000000",
            "99999999999999999999",
            "true",
            "[]",
            "{}",
        ]
    ),
}
DATES = {
    '"2026-11-27"': date(2026, 11, 27),
    '"1582-10-10"': date(1582, 10, 10),
    '"0001-01-01"': date(1, 1, 1),
    '"9999-12-31"': date(9999, 12, 31),
    **dict.fromkeys(
        [
            '"2026-11"',
            '"2026"',
            '"20261127"',
            "20261127",
            "20784",
            '"2026-11-27T08:01:02Z"',
            '"2026-02-30"',
            '"0000-01-01"',
            '"10000-01-01"',
            '"tomorrow"',
        ]
    ),
}
LOCAL_TIMES = {
    '"2026-11-27T08:01:02"': "2026-11-27T08:01:02.000000",
    '"2026-11-27 08:01"': "2026-11-27T08:01:00.000000",
    **dict.fromkeys(['"2026-11-27T08:01:02Z"', '"08:15"', "1795766462", '"2026-11-27"']),
}
MONEY = {
    "12.5": Decimal("12.50"),
    '"12.50"': Decimal("12.50"),
    "12.500": Decimal("12.50"),
    "0": Decimal(0),
    "-0.01": Decimal("-0.01"),
    '"007.5"': Decimal("7.50"),
    "1.25e1": Decimal("12.50"),
    "1E+7": Decimal(10000000),
    "99999999.99": Decimal("99999999.99"),
    **dict.fromkeys(
        [
            '"12,50"',
            '"1.234,56"',
            '"1,234.56"',
            "12.345",
            "0.005",
            "1.2345e1",
            "1e-40",
            "100000000",
            "1e8",
            "1e400",
            "NaN",
            '"NaN"',
            '"Infinity"',
            '"1_0"',
            '" 1"',
            '"+1"',
            '"."',
            '"1."',
            '".5"',
            '""',
            '"0x10"',
            '"12.50 EUR"',
            "true",
            "[1]",
        ]
    ),
}
LONG_NUMBERS = {
    BIG: Decimal(BIG),
    f'"{BIG}"': Decimal(BIG),
    f"{BIG}1": WRONG,
    f'"{BIG}1"': WRONG,
    "0.0000001": WRONG,
}
SMALL_NUMBERS = {
    "127": 127,
    "-128": -128,
    "128": WRONG,
    "200": WRONG,
    "255": WRONG,
    "-129": WRONG,
    "1.0": WRONG,
    '"1"': WRONG,
}
FLOATS = {
    "1.5": 1.5,
    "1e-50": 0.0,
    **dict.fromkeys(("3.5e38", "-1e39", "Infinity"), ("not_finite", "value")),
    '"1.5"': WRONG,
}
TEXTS = {
    '"a"': "a",
    r'"\ud83d\ude00"': "\N{GRINNING FACE}",
    r'"\\ud83d"': r"\ud83d",
    r'"\u0000"': "\x00",
    "7": "7",
    "true": "true",
    **dict.fromkeys(
        [r'"\ud83d"', r'"\ude00"', r'"\uDE00\uD83D"', r'"\\\ud83d x"'], ("malformed", None)
    ),
}
NESTED = {
    '[{"t": "2026-11-27T08:01:02Z", "m": {"k": 1.25}}]': [{"t": DAY, "m": {"k": Decimal("1.25")}}],
    '[{"t": null, "m": null}, null]': [{"t": None, "m": None}, None],
    "[]": [],
    '[{"t": "08:15", "m": null}]': WRONG,
    '[{"t": null, "m": {"k": 1.255}}]': WRONG,
    '[{"t": null, "m": {"k": "1,25"}}]': WRONG,
}
KINDS = {
    "TIMESTAMP": TIMES,
    "DATE": DATES,
    "TIMESTAMP_NTZ": LOCAL_TIMES,
    "DECIMAL(10, 2)": MONEY,
    "DECIMAL(38, 6)": LONG_NUMBERS,
    "TINYINT": SMALL_NUMBERS,
    "FLOAT": FLOATS,
    "STRING": TEXTS,
    "ARRAY<STRUCT<t: TIMESTAMP, m: MAP<STRING, DECIMAL(10, 2)>>>": NESTED,
}


def read(spark, kind, texts, events):
    """Return the value of each text in a column of the type, or the fault of its record."""
    schema = EventSchema({"at": "TIMESTAMP", "value": kind}, time="at")
    message = '{"at": "2026-01-01T00:00:00Z", "value": %s}'
    messages = envelopes(spark, [(message % text).encode() for text in texts])
    valid = records.validate(messages, schema, events).where("reason IS NULL")
    rows = typed_rows(valid.select("origin", F.col("event")["value"].alias("value")))
    found = {row["origin"]: row["value"] for row in rows}
    invalid = records.select_invalid(messages, schema, events)
    faults = {row.origin: (row.reason, row.column) for row in invalid.collect()}
    assert not found.keys() & faults.keys()
    found |= faults
    return {text: found[f"test/{place}"] for place, text in enumerate(texts)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_is_what_was_sent_or_its_column_is_wrong(spark, kind):
    """Each text is one value of the type; else the record is invalid, and names the column."""
    found = read(spark, kind, KINDS[kind], Events())
    assert found == {
        text: MALFORMED if wanted is WRONG else wanted for text, wanted in KINDS[kind].items()
    }


def test_a_value_may_be_missing(spark):
    """A column without a value, or with null, is null in an event."""
    columns = {f"column {number}": kind for number, kind in enumerate(KINDS)}
    schema = EventSchema({"at": "TIMESTAMP", **columns}, time="at")
    missing = {"at": "2026-01-01T00:00:00Z"}
    messages = [json.dumps(missing | nulls).encode() for nulls in ({}, dict.fromkeys(columns))]

    rows = typed_rows(records.select_valid(envelopes(spark, messages), schema, Events()))

    assert [{row[name] for name in columns} for row in rows] == [{None}, {None}]


@pytest.mark.parametrize(
    ("unit", "number"),
    [
        ("seconds", "1795766462"),
        ("milliseconds", "1795766462000"),
        ("microseconds", "1795766462000000"),
        ("nanoseconds", "1795766462000000999"),
    ],
)
def test_a_number_is_a_time_in_one_unit_only(spark, unit, number):
    """`events.epoch_unit` says what a number is; numbers of the other units are wrong."""
    digits = "1795766462000000999"
    others = [digits[:length] for length in (10, 13, 16, 19)]

    found = read(spark, "TIMESTAMP", [*others, TIME, "0"], Events(epoch_unit=unit))

    wrong = dict.fromkeys(others, MALFORMED)
    assert found == wrong | {number: DAY, TIME: DAY, "0": datetime(1970, 1, 1, tzinfo=UTC)}


def test_a_producers_own_form_of_time_can_be_allowed(spark):
    """`events.time_format` adds one form of text; ISO 8601 still counts."""
    texts = ['"27.11.2026 08:01:02"', '"31.02.2026 08:01:02"', '"11/27/2026"', TIME]

    found = read(spark, "TIMESTAMP", texts, Events(time_format="dd.MM.yyyy HH:mm:ss"))

    assert list(found.values()) == [DAY, MALFORMED, MALFORMED, DAY]


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("0001-01-01T00:00:00Z", "past_time"),
        ("1970-01-01T00:00:00Z", "past_time"),
        ("1999-12-31T23:59:59Z", "past_time"),
        ("2000-01-01T00:00:00Z", None),
        ("2026-01-02T00:10:00Z", None),
        ("2026-01-02T00:10:01Z", "future_time"),
    ],
)
def test_an_event_time_has_limits(spark, time, reason):
    """An event time is neither one that nobody has set, nor later than the clocks allow."""
    messages = envelopes(spark, [json.dumps({"at": time}).encode()])
    schema = EventSchema({"at": "TIMESTAMP"}, time="at")

    (row,) = records.validate(messages, schema, Events()).select("reason").collect()

    assert row.reason == reason


def test_a_target_can_limit_ids_and_keys(spark):
    """An id or key of more bytes than the target can index is invalid; letters have several."""
    columns = {"at": "TIMESTAMP", "id": "STRING", "key": "STRING"}
    schema = EventSchema(columns, time="at", id="id", key="key")
    events = [{"id": "x" * 9, "key": "ö" * 5}, {"id": "x" * 10, "key": "ö" * 5}]
    events += [{"id": "x" * 11, "key": ""}, {"id": "x", "key": "ö" * 5 + "x"}]
    messages = [json.dumps({"at": "2026-01-01T00:00:00Z"} | event).encode() for event in events]

    found = records.select_invalid(envelopes(spark, messages), schema, Events(longest_key=10))

    assert {tuple(row) for row in found.select("origin", "reason", "column").collect()} == {
        ("test/2", "too_long", "id"),
        ("test/3", "too_long", "key"),
    }


def test_each_column_of_a_key_is_checked(spark):
    """A record without one of the columns of its key is invalid, and so is one that is too long."""
    columns = {"at": "TIMESTAMP", "shop": "STRING", "day": "DATE", "till": "STRING"}
    schema = EventSchema(columns, time="at", key=("shop", "day", "till"))
    event = {"at": "2026-01-01T00:00:00Z", "shop": "a", "day": "2026-01-01", "till": "b"}
    changes = [{}, {"shop": None}, {"day": None}, {"till": "x" * 11}]
    messages = [json.dumps(event | change).encode() for change in changes]

    found = records.select_invalid(envelopes(spark, messages), schema, Events(longest_key=10))

    assert {tuple(row) for row in found.select("origin", "reason", "column").collect()} == {
        ("test/1", "missing_key", "shop"),
        ("test/2", "missing_key", "day"),
        ("test/3", "too_long", "till"),
    }


@pytest.mark.parametrize("kind", ["text", "nested", "typed"])
def test_a_target_can_limit_events(spark, kind):
    """An event of more bytes than the target takes is invalid, measured as the sink writes it."""
    columns = {"at": "TIMESTAMP", "name": "STRING", "list": "ARRAY<STRUCT<a: INT, b: INT>>"}
    if kind == "text":
        del columns["list"]
    schema = EventSchema(columns, time="at")
    at, rest = "2026-01-01T00:00:00Z", len('{"at":"2026-01-01T00:00:00.000000Z","name":""}')
    rest += 0 if kind == "text" else len(',"list":[]')
    names = ["x" * (1000 - rest), "x" * (1001 - rest), "ö" * 500]
    sent = [{"name": name, "list": []} for name in names]
    # Two bytes each in the text, and twenty in the row.
    sent += [{"name": "", "list": [{}] * 100}, {"name": "", "other": "x" * 2000}]
    messages = [json.dumps({"at": at} | event, ensure_ascii=False).encode() for event in sent]
    records_of = envelopes(spark, messages)
    if kind == "typed":
        parsed = F.from_json(F.col("raw").cast("string"), schema.kinds())
        records_of = records_of.withColumn("event", parsed)

    found = records.select_invalid(records_of, schema, Events(longest_record=1000))

    reasons = {row.origin: (row.reason, row["column"]) for row in found.collect()}
    long = [1, 2] if kind == "text" else [1, 2, 3]
    assert reasons == {f"test/{number}": ("too_long", None) for number in long}


def test_rows_of_a_table_have_times_that_all_sinks_support(spark):
    """A typed row with a time outside the years 1 to 9999 is invalid."""
    columns = {"at": "TIMESTAMP", "times": "ARRAY<TIMESTAMP>", "day": "DATE"}
    schema = EventSchema(columns, time="at")
    rows = spark.sql(
        "SELECT TIMESTAMP '2026-01-01' AS at, * FROM VALUES"
        " (ARRAY(TIMESTAMP '2026-01-01'), DATE '2026-01-01'),"
        " (ARRAY(TIMESTAMP '2026-01-01', TIMESTAMP '+12026-01-01'), NULL),"
        " (NULL, DATE '-2026-01-01') AS t(times, day)"
    )
    typed = rows.select(
        F.struct("*").alias("event"),
        *envelope(F.to_json(F.struct("*")), F.lit(INGESTED), F.lit("row")),
    )

    invalid = records.select_invalid(typed, schema, Events()).select("reason", "column")

    assert {tuple(row) for row in invalid.collect()} == {
        ("out_of_range", "times"),
        ("out_of_range", "day"),
    }
