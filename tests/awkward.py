"""Events whose columns have names that go wrong where a name is not quoted, or not one's own."""

import itertools

from stream_template_rules.sinks import SINKS
from stream_template_rules.sources import SOURCES

# Names that the template itself uses or used for a column, and names that need quotes.
OWN_NAMES = (
    "_metadata reason raw raw_base64 origin key headers ingest_time event events parsed line "
    "_corrupt_record value session_window window_start window_end event_count total_Größe.m "
    "batch_id stream_attempt happened time mark measure number start rows count last held new "
    "excluded"
)
ODD_NAMES = (
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
# Delta takes none of these names where they are the result's.
SPACED_NAMES = ("a b", "x,y", "f(x)", "k=v")
KINDS = ["STRING", "INT", "BOOLEAN", "FLOAT", "TIMESTAMP", "ARRAY<TIMESTAMP>", "DATE", "BINARY"]
KINDS += ["DECIMAL(9,2)", "TIMESTAMP_NTZ", "MAP<STRING, INT>"]
ROLE_COLUMNS = ("`Event.ID` STRING", "`@timestamp` TIMESTAMP", "`window` STRING")
ROLE_COLUMNS += ("`Größe.m` DOUBLE",)
ROLES = "id=`Event.ID`, time=`@timestamp`, key=`window`, measure=`Größe.m`"


def events(parts):
    """Events whose columns have awkward names, as many as the source and the sink can take."""
    source, sink = SOURCES[parts["source"]], SINKS[parts["sink"]]
    into_delta = sink.system == "delta"
    plain = source.system == "delta" or (into_delta and parts["window"] == "none")
    # MERGE takes no back quote, whatever is in the table.
    unquoted = plain or (into_delta and sink.replaces_rows)
    names = [*OWN_NAMES.split(), *ODD_NAMES, *(() if plain else SPACED_NAMES)]
    columns = [
        f"{quoted(name)} {kind}"
        for name, kind in zip(names, itertools.cycle(KINDS))
        if not (unquoted and "`" in name)
    ]
    inner = quoted("a-b" if unquoted else "a`b")
    nested = f"`a.struct` STRUCT<`a.b`: INT, `x.y`: DATE, {inner}: ARRAY<BIGINT>>"
    return {"event_schema": ", ".join([*ROLE_COLUMNS, *columns, nested]), "event_roles": ROLES}


def quoted(name):
    """The name as Spark's DDL has it."""
    return "`" + name.replace("`", "``") + "`"
