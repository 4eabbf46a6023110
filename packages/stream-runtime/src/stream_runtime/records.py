"""What a record must be to count as an event, and the one function that judges it.

An *envelope* is a record as its source yields it:
`raw` BINARY, `key` BINARY, `headers` ARRAY<STRUCT<key: STRING, value: BINARY>>,
`ingest_time` TIMESTAMP (when the broker or the file system took it), `origin` STRING.
A source whose records are rows of a table already yields `event` as well, a STRUCT of the
schema's columns; then `raw` is the row as JSON, and is only made for bad ones.

A verdict depends on the record and `ingest_time` alone, never on the clock, so that every reading
of a record agrees: the stream's, a replay's, and the sweep that puts bad ones in quarantine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from secrets import token_urlsafe

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from .config import Duration, Table
from .names import quote

JSON = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
    "ignoreNullFields": "false",
}
"""How rows are written as JSON: nothing is left out, no part of a time is cut off."""
MARK = token_urlsafe(9)
"""A field's name that no record holds: it is chosen when the process starts."""
CORRUPT = f"corrupt-{MARK}"
WHITE_SPACE = " \t\r\n"
"""What JSON allows around a value."""


class Events(Table):
    """The table `[events]` in conf/*.toml: what an event may be."""

    max_ahead: Duration = "1 day"
    """How far an event's time may lie after its record's ingest time."""


@dataclass(frozen=True)
class EventSchema:
    """The columns of one event (name to Spark type), and the part that some play in the job."""

    columns: Mapping[str, str]
    time: str
    id: str | None = None
    key: str | None = None
    measures: tuple[str, ...] = ()
    counts: str = "records"
    """Under this name, another one for each input, a batch's progress carries `rows`, `bad_rows`
    and `unknown_field_rows`."""

    @property
    def ddl(self) -> str:
        """The columns as Spark reads them."""
        return ", ".join(f"{quote(name)} {kind}" for name, kind in self.columns.items())


def envelope(raw: Column, ingest_time: Column, origin: Column) -> list[Column]:
    """The columns of an envelope, for a source that has neither keys nor headers."""
    return [
        raw.cast("binary").alias("raw"),
        F.lit(None).cast("binary").alias("key"),
        F.lit(None).cast("array<struct<key: string, value: binary>>").alias("headers"),
        ingest_time.alias("ingest_time"),
        origin.alias("origin"),
    ]


def good(
    envelopes: DataFrame, schema: EventSchema, events: Events, *, counted: bool = True
) -> DataFrame:
    """The events in the envelopes that hold one: the schema's columns.

    Bad records are counted here, unless the query is a continuous one, in which Spark counts
    nothing; `quarantine.py` puts them in quarantine.
    """
    records = judged(envelopes, schema, events)
    if counted:
        records = records.observe(
            schema.counts,
            F.count("*").alias("rows"),
            F.count("reason").alias("bad_rows"),
            F.count_if("has_unknown_fields").alias("unknown_field_rows"),
        )
    return records.where("reason IS NULL").select(columns_of(schema))


def columns_of(schema: EventSchema) -> list[Column]:
    """The columns of the event in a judged envelope."""
    return [F.col("event")[name].alias(name) for name in schema.columns]


def bad(envelopes: DataFrame, schema: EventSchema, events: Events) -> DataFrame:
    """The records that hold no event, as they came, each with its `reason`.

    Out: `reason`, `raw` STRING, `raw_base64` STRING (only where the bytes are no UTF-8, which
    `raw` then cannot carry), `key`, `headers`, `ingest_time`, `origin`.
    """
    lossy = ~F.is_valid_utf8(F.col("raw").cast("string"))
    return (
        judged(envelopes, schema, events)
        .where("reason IS NOT NULL")
        .withColumn("raw_base64", F.when(lossy, _in_one_line(F.base64("raw"))))
        .withColumn("raw", F.make_valid_utf8(F.col("raw").cast("string")))
        .select("reason", "raw", "raw_base64", "key", "headers", "ingest_time", "origin")
    )


def _in_one_line(base64: Column) -> Column:
    return F.replace(base64, F.lit("\r\n"), F.lit(""))


def judged(envelopes: DataFrame, schema: EventSchema, events: Events) -> DataFrame:
    """The envelopes, each with its verdict.

    Adds `event` STRUCT (see `columns_of`), `reason` STRING (null for an event) and
    `has_unknown_fields` BOOLEAN.
    """
    if "event" in envelopes.columns:
        faults = _faults_of_event(schema, events)
        return envelopes.withColumns({"reason": _first(faults), "has_unknown_fields": F.lit(False)})
    text = F.col("raw").cast("string")
    unknown = F.exists(F.json_object_keys(text), lambda name: ~name.isin(*schema.columns))
    strange = F.when(_has_strange_number(text), F.lit("malformed"))
    found = F.col("has_unknown_fields")
    return (
        envelopes.withColumn("event", _parsed(text, schema))
        .withColumn("reason", _first(_faults_of_text(text) | _faults_of_event(schema, events)))
        .withColumn("has_unknown_fields", F.when(F.isnull("reason"), unknown))
        .withColumn("reason", F.coalesce("reason", F.when(F.isnull(found), strange)))
        .withColumn("has_unknown_fields", F.isnull("reason") & F.coalesce(found, F.lit(False)))
    )


def _parsed(text: Column, schema: EventSchema) -> Column:
    """A struct of the schema's columns, and of MARK, which is true for a single JSON object.

    from_json reads the first value of a text and ignores what follows. So the last bracket of
    the text is replaced by one more field, MARK, and the bracket. The first value has that field
    only if it is an object that ends where the text ends: a text cannot hold the name MARK.
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
    """The text with MARK as its last field, null where it does not end with a bracket."""
    opened = F.substring(text.cast("binary"), F.lit(1), F.octet_length(text) - 1).cast("string")
    field = f'"{MARK}":true}}'
    first = F.when(text.endswith("{}"), F.concat(opened, F.lit(field)))
    return first.when(text.endswith("}"), F.concat(opened, F.lit(f",{field}")))


def _has_strange_number(text: Column) -> Column:
    """Whether the text may hold the number +INF, -INF or +Infinity.

    from_json reads these, other readers refuse them. NaN, which many write, is no such number.
    """
    return text.contains("+I") | text.contains("-INF")


Faults = dict[str, Column]
"""Why a record is no event, and when that is so: where that is null, it is not."""


def _first(faults: Faults) -> Column:
    """The name of a record's first fault, null where it has none."""
    return F.coalesce(*(F.when(fault, F.lit(name)) for name, fault in faults.items()))


def _faults_of_text(text: Column) -> Faults:
    event = F.col("event")
    return {
        "malformed": F.isnull(event[MARK]) | F.isnotnull(event[CORRUPT]),
        "invalid_utf8": ~F.is_valid_utf8(text),
    }


def _faults_of_event(schema: EventSchema, events: Events) -> Faults:
    event = F.col("event")
    time = event[schema.time]
    latest = F.col("ingest_time") + F.expr(f"INTERVAL {events.max_ahead}")
    faults = {"missing_time": F.isnull(time), "future_time": time > latest}
    if schema.id:
        text_of_id = event[schema.id].cast("string")
        faults["missing_id"] = F.coalesce(text_of_id, F.lit("")) == ""
    if schema.key:
        faults["missing_key"] = F.isnull(event[schema.key])
    if schema.measures:
        numbers = [event[measure].cast("double") for measure in schema.measures]
        endless = [F.isnan(number) | (F.abs(number) == float("inf")) for number in numbers]
        faults["not_finite"] = reduce(Column.__or__, endless)
    return faults
