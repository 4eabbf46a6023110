"""The oracle of a file run parses values independently, and finds wrong ones."""

from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest
from pyspark.sql import functions as F
from pyspark.sql import types as T
from stream_devkit.events.values import dumps, value

from tests.examples import bake
from tests.matrix import import_project

PACKAGE = "lines_of_all_types"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
# Of each type: what JSON may hold there, in the forms that people send, and in wrong ones.
VALUES = {
    "TINYINT": ["1", "-128", "-129", "256", "-0", "1.0", "1e1", '"5"', "true"],
    "SMALLINT": ["32767", "32768"],
    "INT": ["-2147483648", "2147483648", "1" * 30],
    "BIGINT": ["9007199254740993", "-9223372036854775808", "9223372036854775808"],
    "DECIMAL(10,2)": [
        *("12.5", "12.345", "-0.005", "0.005", "1e2", "99999999.99", "99999999.995", "1E-3"),
        *('"12.50"', '"12,50"', "NaN", "1e400", "1e-400", "0.1000000000000000055511151231257827"),
    ],
    "DECIMAL(38,18)": ["12345678901234567890.123456789012345678", "0.1", "-0"],
    "FLOAT": ["0.1", "16777217", "1e39", "-0", "3.4028236e38", "1e-46", '"NaN"', '"1.5"', "NaN"],
    "DOUBLE": [
        *("0.1", "-0.0", "1e999", "5e-324", "123456789012345678901234567890", "1"),
        *("NaN", "Infinity", "-Infinity", "+INF", "-INF", '"INF"', '"Infinity"', '"1"', "[]"),
    ],
    "BOOLEAN": ["true", "false", '"true"', "1"],
    "DATE": [
        *('"2026-01-01"', '"0001-01-01"', '"1582-10-10"', '"2026-1-1"', '"2026-02-30"', '"2026"'),
        *('"2026-01"', '"2026-01-01T10:00:00Z"', "5"),
    ],
    "TIMESTAMP": [
        *('"2026-01-01T00:00:00Z"', '"2026-01-01 00:00:00+02:00"', '"2026-01-01T00:00:00.1Z"'),
        *('"2026-01-01T00:00:00.123456789Z"', '"2026-01-01T24:00:00Z"', '"2026-01-01T00:00:60Z"'),
        *('"2026-01-01"', '"2026-01-01T00:00"', '"2026-01-01T00:00:00"', '"10:00"', '""'),
        *('"2026-01-01T00:00:00 Europe/Berlin"', '"2026-01-01T00:00:00-0530"', "0", "-1.5", "1e3"),
        *('"2026-01-01T00:00:00+18:00"', '"2026-01-01T00:00:00+17:59"', "1767225600", "-86400"),
        *("1767225600000", '"1767225600"', "20260101", '"20260101"', "100000000", "99999999999"),
        *('"9999-12-31T23:59:59-01:00"', '"0001-01-01T00:00:00+01:00"', '"2026-01-01 00:00+01"'),
    ],
    "TIMESTAMP_NTZ": [
        *('"2026-01-01T00:00:00"', '"2026-01-01 00:00:00.000001"', '"2026-01-01T00:00:00Z"'),
        *('"2026-01-01"', "5"),
    ],
    "BINARY": ['"YWI="', '"YWI"', '"YW I="', '""', '"é"', "5"],
    "STRING": [
        *(
            "1",
            "1.10",
            "true",
            '{"a": 1}',
            "[]",
            '""',
            '"\\ud800"',
            '"\\ud83d\\ude00"',
            '"\\u0000"',
        ),
        *('"NaN"', "NaN", '"]}{"', '"\\/"'),
    ],
    "ARRAY<TINYINT>": ["[]", "[1, null]", '[1, "x"]', "{}", "5", "[[1]]"],
    "ARRAY<FLOAT>": ["[0.1, NaN]", '["NaN", 16777217]'],
    "MAP<STRING, DATE>": ['{"a": "2026-01-01", "b": null}', '{"a": null, "a": null}', "{}", "[]"],
    "MAP<STRING, DECIMAL(5,1)>": ['{"": 0.25, "é": 1e3}', '{"a": 99999.9}', '{"a": "1"}'],
    "STRUCT<`x.y`: INT, Z: ARRAY<TIMESTAMP>>": [
        *('{"x.y": 1}', '{"X.Y": 1}', '{"x.y": 1, "x.y": 2}', '{"x.y": "1"}', "{}", "[]"),
        '{"x.y": null, "Z": ["2026-01-01T00:00:00+01:00", null, 5], "more": {"a": [1]}}',
    ],
}
COLUMNS = {f"column {number}": kind for number, kind in enumerate(VALUES)}
SCHEMA = "id STRING, at TIMESTAMP, `the.key` STRING, amount DECIMAL(10,2), " + ", ".join(
    f"`{name}` {kind}" for name, kind in COLUMNS.items()
)


def event(number, **more):
    """Return the text of an event with more fields, given as texts of JSON."""
    fields = {"id": f'"e{number}"', "at": '"2025-12-31T00:00:00Z"', "the.key": '"k"'} | more
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"


FORMS = [(name, text) for name, kind in COLUMNS.items() for text in ("null", *VALUES[kind])]
ROLES = [
    {name: text}
    for name in ("id", "at", "the.key", "amount")
    for text in ("null", '""', "0", "1.5", "NaN", "1e999", "{}", '"a"', '"2026-01-01T00:00:00Z"')
]


@pytest.fixture(scope="module", name="load")
def _load(tmp_path_factory):
    answers = {"source": "files", "window": "none", "sink": "files", "event_schema": SCHEMA}
    roles = {"event_roles": "id=id, time=at, key=the.key, measure=amount"}
    slug = PACKAGE.replace("_", "-")
    folder = tmp_path_factory.mktemp("project")
    project = bake(folder, hooks=False, project_slug=slug, **answers, **roles)
    with import_project(project, PACKAGE) as load:
        yield load


@pytest.fixture(name="slices")
def _slices(load, spark, tmp_path):
    """What the oracle finds in lines: the first that is wrong, and how many are events."""

    def slices(lines):
        source = tmp_path / "events.ndjson"
        source.write_bytes("".join(f"{line}\n" for line in lines).encode())
        schema, events = load(".schema").EVENT, load("stream_runtime.records").Events()
        found = load("stream_devkit.file_run").Slices(
            spark, schema, events, source, tmp_path / "slices"
        )
        found.cut(len(lines))
        found.quarantined(None)
        good = sum(len(batch) for batch in found.events(len(lines)))
        return found.wrong(), good

    return slices


@pytest.mark.spark
def test_no_form_of_a_value_is_a_false_alarm(slices):
    """Right, wrong, odd and missing values of each type, and values as the demo makes them."""
    rng = Random(3)  # noqa: S311 - a seed, so that a failure repeats
    made = [
        {name: dumps(value(kind, rng, NOW)) for name, kind in COLUMNS.items()} for _ in range(100)
    ]
    strange = ["", "oops", "[]", "{}", event(0) + event(0), event(0)[:-1], event(0, id="null")]
    cases = [*({name: text} for name, text in FORMS), *ROLES, *made]
    lines = [*strange, *(event(number, **more) for number, more in enumerate(cases))]

    wrong, good = slices(lines)

    assert wrong is None
    assert len(made) + len(FORMS) // 3 < good < len(lines) - len(FORMS) // 5


@pytest.mark.spark
@pytest.mark.parametrize(("column", "more"), [("amount", 0.01), ("column 7", 0.01), ("at", 1)])
def test_a_changed_value_is_found(load, slices, monkeypatch, column, more):
    """One cent, or one second, in one event: the oracle names the line and the column."""
    records = load("stream_runtime.records")
    right, quote = records._converted, load("stream_runtime.names").quote  # noqa: SLF001 - broken here

    def wrong(kinds, events):
        found = right(kinds, events)
        changed = _plus(found[column], more).cast(kinds[column].dataType)
        is_second = F.col("raw").cast("string").contains('"e1"')
        return F.when(is_second, found.withField(quote(column), changed)).otherwise(found)

    monkeypatch.setattr(records, "_converted", wrong)
    numbers = {"amount": "1.25", "column 7": "1.25"}

    wrong, _ = slices([event(number, **numbers) for number in range(3)])

    assert wrong.startswith("events.ndjson:2: the job reads ")
    assert f" in {column}, but the line says " in wrong


def _plus(column, more):
    if isinstance(more, int):
        return column + F.expr(f"INTERVAL {more} SECOND")
    return column + F.lit(Decimal(str(more)))


@pytest.mark.parametrize(
    ("kind", "line", "job"),
    [
        (T.DoubleType(), "1.5", "1.51"),
        (T.DoubleType(), "1.5", "null"),
        (T.DoubleType(), "null", "1.5"),
        (T.DoubleType(), '"1.5"', "null"),
        (T.DoubleType(), "NaN", "1.5"),
        (T.FloatType(), "0.1", "0.100001"),
        (T.ByteType(), "200", "-56"),
        (T.DecimalType(10, 2), "12.345", "12.34"),
        (T.DecimalType(5, 2), "12345.6", "345.6"),
        (T.StringType(), '"a"', '"b"'),
        (T.StringType(), '"a"', '"A"'),
        (T.BooleanType(), "true", "false"),
        (T.DateType(), '"2026-01-01"', '"2026-01-02"'),
        (T.TimestampType(), '"2026-01-01T00:00:00Z"', '"2026-01-01T00:00:00.000001Z"'),
        (T.TimestampType(), "5", '"1970-01-01T00:00:00.005000Z"'),
        (T.TimestampNTZType(), '"2026-01-01T00:00:00"', '"2026-01-01T01:00:00.000000"'),
        (T.BinaryType(), '"YWI="', '"YWM="'),
        (T.ArrayType(T.LongType()), "[1, 2]", "[1]"),
        (T.ArrayType(T.LongType()), "[1, 2]", "[1, null]"),
        (T.MapType(T.StringType(), T.LongType()), '{"a": 1}', '{"b": 1}'),
        (T.StructType([T.StructField("a", T.LongType())]), '{"a": 1}', '{"a": null}'),
    ],
)
def test_a_difference_shows(load, tmp_path, kind, line, job):
    """Of each type: two values that are not the same are not taken for the same."""
    lines, forms = load("stream_devkit.lines"), load("stream_runtime.values").TimeForms()
    source = tmp_path / "lines"
    source.write_text(event(0, v=line) + "\n", "utf-8")
    kinds, schema = T.StructType().add("v", kind), load(".schema").EVENT

    wrong = lines.first_wrong(source, {1: f'{{"v": {job}}}'}, {}, schema, kinds, forms)

    assert " in v, but the line says " in wrong
