"""The validation of records: which are events, and why the others are invalid.

An *envelope* is a record as its source yields it:
`raw` BINARY, `key` BINARY, `headers` ARRAY<STRUCT<key: STRING, value: BINARY>>,
`ingest_time` TIMESTAMP (when the broker or the file system took it), `origin` STRING.
A source whose records are rows of a table already yields `event` as well, a STRUCT of the
schema's columns; then `raw` is the row as JSON, which Spark computes for invalid records only.

The result depends on the record and `ingest_time` alone, never on the clock. So it is the same
whenever a record is read: by the query, in a batch replay, and in the quarantine write.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import reduce
from secrets import token_urlsafe
from typing import cast

from pydantic import AwareDatetime, NonNegativeInt, PositiveInt
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from .config import Duration, to_timedelta
from .names import OWN, Key, columns_of, quote
from .values import TimeForms, convert, is_infinite, is_out_of_range, is_wrong, json_kind

JSON = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
    "ignoreNullFields": "false",
}
"""The options for rows as JSON, with every field and all digits of a time."""
MARK = token_urlsafe(9)
"""The name of a field that no record has: it is random, and new in each process."""
CORRUPT = f"corrupt-{MARK}"
PARSED, FAULT, REPORTED = f"{OWN}parsed", f"{OWN}fault", f"{OWN}reported"
REPORT_BYTES = 2**20
"""The largest size of the invalid records of one input in a report of Spark, as JSON."""
REPORTS_SINCE = (4, 2)
"""The first version of Spark with an aggregate that keeps a limited number of rows."""
LATE = "late"
"""The reason of late events in quarantine: they are valid, but Spark dropped them."""
LateCheck = Callable[[Column], Column]
"""Returns whether an event of a time is late; null for null."""
WHITE_SPACE = " \t\r\n"
"""The characters that JSON allows around a value."""
LONE_SURROGATE = (
    r"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F])"
)
"""An escape such as `\\ud83d` without its other half."""


class Events(TimeForms):
    """The table `[events]` in conf/*.toml: forms and limits of a valid event."""

    earliest_time: AwareDatetime = datetime(2000, 1, 1, tzinfo=UTC)
    """The earliest event time. A time that nobody has set, such as 1970-01-01, is before it."""
    max_ahead: Duration = "10 minutes"
    """How far the event time can be after the ingest time of the record.

    The newest event time of all producers moves the watermark. If this is longer than the delay of
    the watermark, one wrong clock makes punctual events of other producers late.
    """
    longest_key: PositiveInt | None = None
    """The longest text of an id or key, in bytes, if the target limits it."""
    longest_record: PositiveInt | None = None
    """The longest event, as JSON in bytes, if the target limits its records."""
    reported: NonNegativeInt = 1000
    """The largest number of invalid records that Spark's report of a batch contains, for each
    input; together they have at most 1 MiB. More, or longer ones, cost a batch replay. Spark's
    event log and its log at level INFO contain the reports: 0 keeps the records out of them."""

    @property
    def longest_reported(self) -> int:
        """The longest invalid record in a report of Spark, as JSON in bytes."""
        return REPORT_BYTES // self.reported

    def warnings(self, delay: str) -> list[str]:
        """Return that one wrong clock can make events late, if this watermark delay allows it."""
        if to_timedelta(self.max_ahead) <= to_timedelta(delay):
            return []
        text = (
            f"events.max_ahead ({self.max_ahead}) is longer than watermark.delay ({delay}): one "
            "producer whose clock is ahead makes punctual events of all others late. Set it to "
            "the delay or less."
        )
        return [text]


@dataclasses.dataclass(frozen=True)
class EventSchema:
    """The columns of one event (name to Spark type), and the roles that some have in the job."""

    columns: Mapping[str, str]
    time: str
    id: str | None = None
    key: Key = None
    measures: tuple[str, ...] = ()
    counts: str = "records"
    """The name in Spark's progress for the counts of this input: `rows`, `invalid_rows`,
    `unknown_field_rows` and `invalid_records` (see `_reported`). Each input has another name."""
    paths: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """The columns that are fields of structs in a record, such as `{"meta_ts": ("meta", "ts")}`."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of the key."""
        return columns_of(self.key)

    @property
    def ddl(self) -> str:
        """The columns in Spark's syntax."""
        return _ddl(self.columns)

    @property
    def sent(self) -> dict[str, str]:
        """The columns of a record, without those that are fields of others."""
        return {name: kind for name, kind in self.columns.items() if name not in self.paths}

    def path(self, column: str) -> tuple[str, ...]:
        """Return the names that lead to the column in a record."""
        return self.paths.get(column, (column,))

    def sent_as(self, column: str) -> str:
        """Return the name that the column has in a record, such as `meta.ts`."""
        return ".".join(self.path(column))

    def kinds(self) -> T.StructType:
        """Return the columns of a record as Spark's type. It needs a session."""
        return cast("T.StructType", T.StructType.fromDDL(_ddl(self.sent)))


def _ddl(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())


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
            order = F.when(F.octet_length(REPORTED) <= events.longest_reported, F.col("origin"))
            counts.append(F.min_by(REPORTED, order, events.reported).alias("invalid_records"))
        records = records.observe(schema.counts, *counts)
    return records.where("reason IS NULL").select(event_columns(schema))


def event_columns(schema: EventSchema) -> list[Column]:
    """Return the columns of the event in a validated envelope."""
    return [F.col("event")[name].alias(name) for name in schema.columns]


def select_invalid(
    envelopes: DataFrame, schema: EventSchema, events: Events, is_late: LateCheck | None = None
) -> DataFrame:
    """Return the invalid records as they are in the source, each with its `reason`.

    With a check for late events, return those as well: with the reason LATE.

    Out: `reason`, `column` STRING (the column that is wrong, null if the whole record is), `raw`
    STRING, `raw_base64` STRING (only for bytes that are not UTF-8, which `raw` cannot hold),
    `key`, `headers`, `ingest_time`, `origin`.
    """
    column = F.col(FAULT)["column"] if "event" in envelopes.columns else _wrong_column(schema)
    records = validate(envelopes, schema, events)
    if is_late:
        late = F.when(is_late(F.col("event")[schema.time]), F.lit(LATE))
        records = records.withColumn("reason", F.coalesce("reason", late))
    return records.where("reason IS NOT NULL").select(_in_quarantine(column))


def _in_quarantine(column: Column) -> list[Column]:
    """Return the columns of a record in quarantine."""
    text = F.col("raw").cast("string")
    return [
        F.col("reason"),
        column.alias("column"),
        F.make_valid_utf8(text).alias("raw"),
        F.when(~F.is_valid_utf8(text), _in_one_line(F.base64("raw"))).alias("raw_base64"),
        *map(F.col, ("key", "headers", "ingest_time", "origin")),
    ]


def _wrong_column(schema: EventSchema) -> Column:
    """Return the column of an invalid text, null if the whole record is wrong."""
    return F.coalesce(_column_of_type(schema), F.col(FAULT)["column"])


def _column_of_type(schema: EventSchema) -> Column:
    """Return the name of the first column whose value does not fit its type, null if all do.

    It has a value in the text and none in the event: Spark parses the columns one by one, and
    leaves out those that do not fit. In a struct it is the name of the field, such as `meta.n`.
    """
    text = F.col("raw").cast("string")
    is_object = (F.col("reason") == "malformed") & F.isnotnull(F.col(PARSED)[MARK])
    return F.when(is_object, _misfit(F.col("event"), text, schema.kinds(), ""))


def _misfit(values: Column, text: Column, kinds: T.StructType, path: str) -> Column:
    """Return path and name of the first field with a value in the JSON text and none in a struct.

    Args:
        values: the struct.
        text: its JSON text.
        kinds: the fields.
        path: what is in front of their names.
    """

    def find(texts: Column) -> Column:
        found = []
        for field in kinds:
            name, value, inner = f"{path}{field.name}", values[field.name], texts[field.name]
            found.append(F.when(F.isnull(value) & F.isnotnull(inner), F.lit(name)))
            if isinstance(field.dataType, T.StructType):
                found.append(_misfit(value, inner, field.dataType, f"{name}."))
        return F.coalesce(*found)

    # As a variable of a lambda, because Spark would parse the text again for each field.
    return F.transform(F.array(F.from_json(text, "map<string, string>")), find)[0]


def _reported(schema: EventSchema) -> Column:
    """Return the JSON line of an invalid record, null for an event."""
    row = F.struct(*_in_quarantine(_wrong_column(schema)))
    return F.when(F.isnotnull("reason"), F.to_json(row))


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
    kinds = schema.kinds()
    checks = [*_checks_of_roles(schema, events), *_checks_of_range(schema, kinds)]
    checks += _checks_of_size(envelopes, kinds, events)
    if "event" in envelopes.columns:
        rows = _with_fields(envelopes, schema)
        return _with_reason(rows, checks).withColumn("has_unknown_fields", F.lit(False))
    text = F.col("raw").cast("string")
    unknown = F.exists(F.json_object_keys(text), lambda name: ~name.isin(*schema.sent))
    infinite = F.when(_has_signed_infinity(text), F.lit("malformed"))
    found = F.col("has_unknown_fields")
    parsed = envelopes.withColumn(PARSED, _parsed(text, schema))
    records = _with_fields(parsed.withColumn("event", _converted(kinds, events)), schema)
    return (
        _with_reason(records, [*_checks_of_text(text, kinds, events), *checks])
        .withColumn("has_unknown_fields", F.when(F.isnull("reason"), unknown))
        .withColumn("reason", F.coalesce("reason", F.when(F.isnull(found), infinite)))
        .withColumn("has_unknown_fields", F.isnull("reason") & F.coalesce(found, F.lit(False)))
    )


def _parsed(text: Column, schema: EventSchema) -> Column:
    """Parse a text: a struct of `json_columns`; MARK is true if the text is one JSON object.

    from_json reads the first value of a text and ignores the rest. So one more field, MARK, is
    added before the last bracket of the text. The first value has that field only if it is an
    object that ends where the text ends: no text contains the name MARK.
    """
    trimmed = F.btrim(text, F.lit(WHITE_SPACE))
    return F.from_json(
        F.when(text.endswith("}"), _marked(text)).otherwise(_marked(trimmed)),
        json_columns(schema).add(MARK, "boolean").add(CORRUPT, "string"),
        {
            "mode": "PERMISSIVE",
            "columnNameOfCorruptRecord": CORRUPT,
            "allowSingleQuotes": "false",
        },
    )


def json_columns(schema: EventSchema) -> T.StructType:
    """Return the columns as from_json reads them, before the conversion to their types."""
    return cast("T.StructType", json_kind(schema.kinds()))


def _converted(kinds: T.StructType, events: Events) -> Column:
    parsed = F.col(PARSED)
    return F.struct(*(convert(parsed[f.name], f.dataType, events).alias(f.name) for f in kinds))


def _with_fields(records: DataFrame, schema: EventSchema) -> DataFrame:
    """Add the fields of structs that are columns to the event."""
    event = F.col("event")
    for name, path in schema.paths.items():
        value = reduce(lambda struct, field: struct[field], path, F.col("event"))
        event = event.withField(quote(name), value)
    return records.withColumn("event", event) if schema.paths else records


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


@dataclasses.dataclass(frozen=True)
class Check:
    """A condition under which a record is invalid, and what is wrong then."""

    reason: str
    condition: Column
    """True for an invalid record; null means valid."""
    column: str | None = None
    """The column that is wrong, None if the whole record is."""

    def fault(self) -> Column:
        """Return reason and column of an invalid record, null for a valid one."""
        column = F.lit(self.column).cast("string")
        fault = F.struct(F.lit(self.reason).alias("reason"), column.alias("column"))
        return F.when(self.condition, fault)


def _with_reason(records: DataFrame, checks: Iterable[Check]) -> DataFrame:
    """Add the fault of the first check that is true, and its reason."""
    first = F.coalesce(*(check.fault() for check in checks))
    return records.withColumn(FAULT, first).withColumn("reason", F.col(FAULT)["reason"])


def _checks_of_text(text: Column, kinds: T.StructType, events: Events) -> Iterator[Check]:
    parsed, event = F.col(PARSED), F.col("event")
    yield Check("malformed", F.isnull(parsed[MARK]) | _has_lone_surrogate(text))
    for field in kinds:
        name, kind = field.name, field.dataType
        yield Check("malformed", is_wrong(parsed[name], event[name], kind, events), name)
    yield Check("malformed", F.isnotnull(parsed[CORRUPT]))
    yield Check("invalid_utf8", ~F.is_valid_utf8(text))
    for field in kinds:
        yield Check("not_finite", is_infinite(event[field.name], field.dataType), field.name)


def _has_lone_surrogate(text: Column) -> Column:
    """Return whether an escape in the text is half of a character: Spark makes "?" of it."""
    # The first condition is false for most texts, and fast.
    return text.contains(r"\u") & text.rlike(LONE_SURROGATE)


def _checks_of_roles(schema: EventSchema, events: Events) -> Iterator[Check]:
    event = F.col("event")
    time = event[schema.time]
    latest = F.col("ingest_time") + F.expr(f"INTERVAL {events.max_ahead}")
    yield Check("missing_time", F.isnull(time), schema.sent_as(schema.time))
    yield Check("past_time", time < F.lit(events.earliest_time), schema.sent_as(schema.time))
    yield Check("future_time", time > latest, schema.sent_as(schema.time))
    if schema.id:
        text_of_id = event[schema.id].cast("string")
        is_missing = F.coalesce(text_of_id, F.lit("")) == ""
        yield Check("missing_id", is_missing, schema.sent_as(schema.id))
    for name in schema.keys:
        yield Check("missing_key", F.isnull(event[name]), schema.sent_as(name))
    for name in filter(None, (schema.id, *schema.keys)):
        if events.longest_key and schema.columns[name] in {"STRING", "BINARY"}:
            is_long = F.octet_length(event[name]) > events.longest_key
            yield Check("too_long", is_long, schema.sent_as(name))
    for measure in schema.measures:
        yield Check("not_finite", _is_endless(event[measure]), schema.sent_as(measure))


def _checks_of_range(schema: EventSchema, kinds: T.StructType) -> Iterator[Check]:
    # The event time has limits of its own.
    for field in [field for field in kinds if field.name != schema.time]:
        is_out = is_out_of_range(F.col("event")[field.name], field.dataType)
        yield Check("out_of_range", is_out, field.name)


def _checks_of_size(envelopes: DataFrame, kinds: T.StructType, events: Events) -> Iterator[Check]:
    if events.longest_record is None:
        return
    is_long = F.octet_length(F.to_json("event", JSON)) > events.longest_record
    # The JSON of most events need not be made: it is little longer than the text, unless fields of
    # nested values are missing there.
    if "event" not in envelopes.columns and not any(map(_is_nested, kinds)):
        is_long = (F.octet_length("raw") > events.longest_record // 2) & is_long
    yield Check("too_long", is_long)


def _is_nested(field: T.StructField) -> bool:
    return isinstance(field.dataType, T.ArrayType | T.MapType | T.StructType)


def _is_endless(measure: Column) -> Column:
    number = measure.cast("double")
    return F.isnan(number) | (F.abs(number) == float("inf"))
