"""The validation of records: which are events, and why the others are invalid.

An *envelope* is a record as its source yields it:
`raw` BINARY, `key` BINARY, `headers` ARRAY<STRUCT<key: STRING, value: BINARY>>,
`ingest_time` TIMESTAMP (when the broker or the file system took it), `origin` STRING.
A source whose records are rows of a table already yields `event` as well, a STRUCT of the
schema's columns; then `raw` is the row as JSON, which Spark computes for invalid records only.

The result depends on the record and `ingest_time` alone, never on the clock. So it is the same
whenever a record is read: by the query, in a batch replay, and in the quarantine write.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from secrets import token_urlsafe

from pydantic import NonNegativeInt
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from .config import Duration, Table
from .names import OWN, quote

JSON = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
    "ignoreNullFields": "false",
}
"""The options for rows as JSON, with every field and all digits of a time."""
MARK = token_urlsafe(9)
"""The name of a field that no record has: it is random, and new in each process."""
CORRUPT = f"corrupt-{MARK}"
REPORTED = f"{OWN}reported"
LONGEST = 8192
"""The longest invalid record in a report of Spark, as JSON in bytes."""
REPORTS_SINCE = (4, 2)
"""The first version of Spark with an aggregate that keeps a limited number of rows."""
WHITE_SPACE = " \t\r\n"
"""The characters that JSON allows around a value."""


class Events(Table):
    """The table `[events]` in conf/*.toml: limits of a valid event."""

    max_ahead: Duration = "1 day"
    """How far the event time can be after the ingest time of the record."""
    reported: NonNegativeInt = 50
    """The largest number of invalid records that Spark's report of a batch contains, for each
    input. More, or longer ones, cost a batch replay. Spark's event log and its log at level INFO
    contain the reports: 0 keeps the records out of them."""


@dataclass(frozen=True)
class EventSchema:
    """The columns of one event (name to Spark type), and the roles that some have in the job."""

    columns: Mapping[str, str]
    time: str
    id: str | None = None
    key: str | None = None
    measures: tuple[str, ...] = ()
    counts: str = "records"
    """The name in Spark's progress for the counts of this input: `rows`, `invalid_rows`,
    `unknown_field_rows` and `invalid_records` (see `_reported`). Each input has another name."""

    @property
    def ddl(self) -> str:
        """The columns in Spark's syntax."""
        return ", ".join(f"{quote(name)} {kind}" for name, kind in self.columns.items())


def envelope(raw: Column, ingest_time: Column, origin: Column) -> list[Column]:
    """Return the columns of an envelope, for a source that has neither keys nor headers."""
    return [
        raw.cast("binary").alias("raw"),
        F.lit(None).cast("binary").alias("key"),
        F.lit(None).cast("array<struct<key: string, value: binary>>").alias("headers"),
        ingest_time.alias("ingest_time"),
        origin.alias("origin"),
    ]


def select_valid(
    envelopes: DataFrame, schema: EventSchema, events: Events, *, counted: bool = True
) -> DataFrame:
    """Return the events of the valid records: the schema's columns.

    Spark counts the invalid records here, and reports a few of them, except in a continuous query,
    where it cannot; quarantine.py writes them to quarantine.
    """
    records = validate(envelopes, schema, events)
    if counted:
        counts = [
            F.count("*").alias("rows"),
            F.count("reason").alias("invalid_rows"),
            F.count_if("has_unknown_fields").alias("unknown_field_rows"),
        ]
        # A source of rows would compute the JSON of every row.
        if events.reported and "event" not in envelopes.columns and _can_report(envelopes):
            records = records.withColumn(REPORTED, _reported(schema))
            order = F.when(F.octet_length(REPORTED) <= LONGEST, F.col("origin"))
            counts.append(F.min_by(REPORTED, order, events.reported).alias("invalid_records"))
        records = records.observe(schema.counts, *counts)
    return records.where("reason IS NULL").select(event_columns(schema))


def event_columns(schema: EventSchema) -> list[Column]:
    """Return the columns of the event in a validated envelope."""
    return [F.col("event")[name].alias(name) for name in schema.columns]


def select_invalid(envelopes: DataFrame, schema: EventSchema, events: Events) -> DataFrame:
    """Return the invalid records as they are in the source, each with its `reason`.

    Out: `reason`, `column` STRING (the column that is wrong, null if the whole record is), `raw`
    STRING, `raw_base64` STRING (only for bytes that are not UTF-8, which `raw` cannot hold),
    `key`, `headers`, `ingest_time`, `origin`.
    """
    column = _column_of_role(schema)
    if "event" not in envelopes.columns:
        column = F.coalesce(column, _column_of_type(schema))
    invalid = validate(envelopes, schema, events).where("reason IS NOT NULL")
    return invalid.select(_in_quarantine(column))


def _in_quarantine(column: Column) -> list[Column]:
    """Return the columns of an invalid record in quarantine."""
    text = F.col("raw").cast("string")
    return [
        F.col("reason"),
        column.alias("column"),
        F.make_valid_utf8(text).alias("raw"),
        F.when(~F.is_valid_utf8(text), _in_one_line(F.base64("raw"))).alias("raw_base64"),
        *map(F.col, ("key", "headers", "ingest_time", "origin")),
    ]


def _column_of_role(schema: EventSchema) -> Column:
    """Return the name of the column whose value does not fit its role, null if all do."""
    event, reason = F.col("event"), F.col("reason")
    role = F.when(reason.isin("missing_time", "future_time"), F.lit(schema.time))
    role = role.when(reason == "missing_id", F.lit(schema.id))
    role = role.when(reason == "missing_key", F.lit(schema.key))
    for measure in schema.measures:
        found = (reason == "not_finite") & _is_endless(event[measure])
        role = role.when(found, F.lit(measure))
    return role


def _column_of_type(schema: EventSchema) -> Column:
    """Return the name of the first column whose value does not fit its type, null if all do.

    It has a value in the text and none in the event: Spark parses the columns one by one, and
    leaves out those that do not fit.
    """
    event = F.col("event")

    def misfit(texts: Column) -> Column:
        found = [
            F.when(F.isnull(event[name]) & F.isnotnull(texts[name]), F.lit(name))
            for name in schema.columns
        ]
        return F.coalesce(*found)

    text = F.col("raw").cast("string")
    # As a variable of a lambda, because Spark would parse the text again for each column.
    texts = F.array(F.from_json(text, "map<string, string>"))
    is_object = (F.col("reason") == "malformed") & F.isnotnull(event[MARK])
    return F.when(is_object, F.transform(texts, misfit)[0])


def _reported(schema: EventSchema) -> Column:
    """Return the JSON line of an invalid record, null for an event."""
    column = F.coalesce(_column_of_role(schema), _column_of_type(schema))
    return F.when(F.isnotnull("reason"), F.to_json(F.struct(*_in_quarantine(column))))


def _can_report(envelopes: DataFrame) -> bool:
    major, minor = envelopes.sparkSession.version.split(".")[:2]
    return (int(major), int(minor)) >= REPORTS_SINCE


def _in_one_line(base64: Column) -> Column:
    return F.replace(base64, F.lit("\r\n"), F.lit(""))


def validate(envelopes: DataFrame, schema: EventSchema, events: Events) -> DataFrame:
    """Validate the records in the envelopes.

    Adds `event` STRUCT (see `event_columns`), `reason` STRING (null for an event) and
    `has_unknown_fields` BOOLEAN.
    """
    if "event" in envelopes.columns:
        checks = _checks_of_event(schema, events)
        return envelopes.withColumns(
            {"reason": _first_reason(checks), "has_unknown_fields": F.lit(False)}
        )
    text = F.col("raw").cast("string")
    unknown = F.exists(F.json_object_keys(text), lambda name: ~name.isin(*schema.columns))
    infinite = F.when(_has_signed_infinity(text), F.lit("malformed"))
    found = F.col("has_unknown_fields")
    return (
        envelopes.withColumn("event", _parsed(text, schema))
        .withColumn(
            "reason", _first_reason(_checks_of_text(text) | _checks_of_event(schema, events))
        )
        .withColumn("has_unknown_fields", F.when(F.isnull("reason"), unknown))
        .withColumn("reason", F.coalesce("reason", F.when(F.isnull(found), infinite)))
        .withColumn("has_unknown_fields", F.isnull("reason") & F.coalesce(found, F.lit(False)))
    )


def _parsed(text: Column, schema: EventSchema) -> Column:
    """Parse a text: a struct of the schema's columns and MARK, true if the text is one JSON object.

    from_json reads the first value of a text and ignores the rest. So one more field, MARK, is
    added before the last bracket of the text. The first value has that field only if it is an
    object that ends where the text ends: no text contains the name MARK.
    """
    trimmed = F.btrim(text, F.lit(WHITE_SPACE))
    return F.from_json(
        F.when(text.endswith("}"), _marked(text)).otherwise(_marked(trimmed)),
        f"{schema.ddl}, `{MARK}` BOOLEAN, `{CORRUPT}` STRING",
        {
            "mode": "PERMISSIVE",
            "columnNameOfCorruptRecord": CORRUPT,
            "allowSingleQuotes": "false",
        },
    )


def _marked(text: Column) -> Column:
    """Return the text with MARK as its last field, null if it does not end with a bracket."""
    opened = F.substring(text.cast("binary"), F.lit(1), F.octet_length(text) - 1).cast("string")
    field = f'"{MARK}":true}}'
    first = F.when(text.endswith("{}"), F.concat(opened, F.lit(field)))
    return first.when(text.endswith("}"), F.concat(opened, F.lit(f",{field}")))


def _has_signed_infinity(text: Column) -> Column:
    """Return whether the text may contain the number +INF, -INF or +Infinity.

    from_json reads these, other readers refuse them. NaN, which many producers write, is not one.
    """
    return text.contains("+I") | text.contains("-INF")


Checks = dict[str, Column]
"""Each reason, with the condition under which a record is invalid; null means valid."""


def _first_reason(checks: Checks) -> Column:
    """Return the first reason whose condition is true, null for a valid record."""
    return F.coalesce(*(F.when(check, F.lit(name)) for name, check in checks.items()))


def _checks_of_text(text: Column) -> Checks:
    event = F.col("event")
    return {
        "malformed": F.isnull(event[MARK]) | F.isnotnull(event[CORRUPT]),
        "invalid_utf8": ~F.is_valid_utf8(text),
    }


def _checks_of_event(schema: EventSchema, events: Events) -> Checks:
    event = F.col("event")
    time = event[schema.time]
    latest = F.col("ingest_time") + F.expr(f"INTERVAL {events.max_ahead}")
    checks = {"missing_time": F.isnull(time), "future_time": time > latest}
    if schema.id:
        text_of_id = event[schema.id].cast("string")
        checks["missing_id"] = F.coalesce(text_of_id, F.lit("")) == ""
    if schema.key:
        checks["missing_key"] = F.isnull(event[schema.key])
    if schema.measures:
        endless = (_is_endless(event[measure]) for measure in schema.measures)
        checks["not_finite"] = reduce(Column.__or__, endless)
    return checks


def _is_endless(measure: Column) -> Column:
    number = measure.cast("double")
    return F.isnan(number) | (F.abs(number) == float("inf"))
