"""Events whose column names fail if a name is not quoted or clashes with an internal name."""

import itertools

from stream_template_rules.sinks import SINKS
from stream_template_rules.sources import SOURCES

# Names that the template uses or used for its own columns.
OWN_NAMES = (
    "_metadata reason raw raw_base64 origin key headers ingest_time event events parsed line "
    "_corrupt_record value session_window window_start window_end event_count total_Größe.m "
    "batch_id stream_attempt happened time mark measure number start rows count last held new "
    "excluded"
)
# Names that need quotes.
QUOTED_NAMES = (
    "user-id",
    "Order.ID",
    "@type",
    'say_"hi"',
    "it's",
    "back`quote",
    "100%",
    "订单",
    "a|b",
)
# Names that need quotes, and that Delta refuses in a table.
SPACED_NAMES = ("a b", "x,y", "f(x)", "k=v")
KINDS = ["STRING", "INT", "BOOLEAN", "FLOAT", "TIMESTAMP", "ARRAY<TIMESTAMP>", "DATE", "BINARY"]
KINDS += ["DECIMAL(9,2)", "TIMESTAMP_NTZ", "MAP<STRING, INT>"]
ROLE_COLUMNS = ("`Event.ID` STRING", "`@timestamp` TIMESTAMP", "`window` STRING")
ROLE_COLUMNS += ("`Größe.m` DOUBLE",)
ROLES = "id=`Event.ID`, time=`@timestamp`, key=`window`, measure=`Größe.m`"

IN_STRUCTS = {
    "event_schema": "meta STRUCT<id: STRING, `sent-at`: TIMESTAMP, from: STRUCT<shop: STRING>>, "
    "data STRUCT<amount: DOUBLE, n: INT>, note STRING",
    "event_roles": "id=meta.id, time=meta.sent-at, key=meta.from.shop, measure=data.amount",
}
"""Events whose columns with a role are fields of structs."""


def make_events(variant):
    """Return answers for events with awkward names: all that source and sink of a variant accept.

    Args:
        variant: answers of which `source`, `sink` and `window` are read.
    """
    source, sink = SOURCES[variant["source"]], SINKS[variant["sink"]]
    into_delta = sink.system == "delta"
    plain = source.system == "delta" or (into_delta and variant["window"] == "none")
    # MERGE accepts no back quote in any column.
    unquoted = plain or (into_delta and sink.replaces_rows)
    names = [*OWN_NAMES.split(), *QUOTED_NAMES, *(() if plain else SPACED_NAMES)]
    columns = [
        f"{quote(name)} {kind}"
        for name, kind in zip(names, itertools.cycle(KINDS))
        if not (unquoted and "`" in name)
    ]
    inner = quote("a-b" if unquoted else "a`b")
    nested = f"`a.struct` STRUCT<`a.b`: INT, `x.y`: DATE, {inner}: ARRAY<BIGINT>>"
    return {"event_schema": ", ".join([*ROLE_COLUMNS, *columns, nested]), "event_roles": ROLES}


def quote(name):
    """Return the name quoted for Spark's DDL."""
    return "`" + name.replace("`", "``") + "`"
