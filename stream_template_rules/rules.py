"""The rules: forbidden boxes of plain data. Nothing else in this repository knows what is legal."""

from dataclasses import dataclass
from typing import Literal

from .axes import AXES, NOT_YET, Box

# spark: Spark refuses it. safety: Spark accepts it, then loses data or grows without end.
# platform: the platform has no such thing. scope: legal, not generated. form: cannot be read.
Kind = Literal["spark", "safety", "platform", "scope", "form"]

WINDOWED = ("tumbling", "sliding", "session")
STREAM_JOINS = ("stream_inner", "stream_left")
MICRO_BATCH = ("processing_time", "available_now")
LOW_LATENCY = ("continuous", "real_time")
DATABRICKS = ("databricks", "databricks_serverless")
NO = ("no",)  # a name of a column that a sink cannot have
# Which names are in the result: those of all columns, or of the key and the measure.
NAMED = (("columns", ("none",)), ("result", WINDOWED))
MISSING = ("missing",)  # of a part in event_roles
# What has to know how far time has come: it needs a watermark.
EVENT_TIME: tuple[Box, ...] = (
    {"window": WINDOWED},
    {"join": STREAM_JOINS},
    {"state": ("deduplicate", "custom")},
)


@dataclass(frozen=True)
class Rule:
    """A forbidden box: it speaks when every axis it names has one of the values it lists."""

    id: str
    kind: Kind
    box: Box
    reason: str
    fix: str


RULES = (
    Rule(
        "complete-needs-window",
        "spark",
        {"output_mode": ("complete",), "window": ("none",)},
        "Complete mode rewrites an aggregate after every batch; without a window there is none.",
        "Choose a window, or output_mode=append.",
    ),
    Rule(
        "session-no-update",
        "spark",
        {"window": ("session",), "output_mode": ("update",)},
        "A session may still merge with its neighbour, so Spark never updates one.",
        "Choose output_mode=append: a session is written once it has ended.",
    ),
    Rule(
        "files-append-only",
        "spark",
        {"sink": ("files",), "output_mode": ("update", "complete")},
        "A file that is written cannot be changed, so Spark's file sink only appends.",
        "Choose output_mode=append, or a sink that replaces rows: delta_merge or jdbc.",
    ),
    Rule(
        "delta-no-update",
        "spark",
        {"sink": ("delta",), "output_mode": ("update",)},
        "Delta's streaming sink has no update mode; changed rows need MERGE.",
        "Choose sink=delta_merge, or output_mode=append.",
    ),
    Rule(
        "left-join-append-only",
        "spark",
        {"join": ("stream_left",), "output_mode": ("update", "complete")},
        "An event is known to have no partner only when the watermark has passed it.",
        "Choose output_mode=append.",
    ),
    Rule(
        "inner-join-no-complete",
        "spark",
        {"join": ("stream_inner",), "output_mode": ("complete",)},
        "Spark has no complete result of two joined streams to rewrite.",
        "Choose output_mode=append.",
    ),
    Rule(
        "inner-join-update",
        "spark",
        {
            "join": ("stream_inner",),
            "output_mode": ("update",),
            "spark_version": ("4.1", "4.0"),
        },
        "Spark joins two streams in update mode from version 4.2 on.",
        "Choose output_mode=append, or spark_version=4.2 on a platform that has it.",
    ),
    Rule(
        "low-latency-source",
        "spark",
        {"trigger": LOW_LATENCY, "source": ("delta", "auto_loader", "files")},
        "Of these sources Spark reads only Kafka row by row.",
        "Choose trigger=processing_time, or source=kafka.",
    ),
    Rule(
        "low-latency-no-window",
        "spark",
        {"trigger": LOW_LATENCY, "window": WINDOWED},
        "The row-by-row triggers cannot aggregate.",
        "Choose trigger=processing_time, or window=none.",
    ),
    Rule(
        "low-latency-no-stream-join",
        "spark",
        {"trigger": LOW_LATENCY, "join": STREAM_JOINS},
        "The row-by-row triggers cannot join two streams.",
        "Choose trigger=processing_time, or join=none.",
    ),
    Rule(
        "continuous-no-lookup",
        "spark",
        {"trigger": ("continuous",), "join": ("static_lookup",)},
        "The continuous trigger cannot join.",
        "Choose trigger=processing_time, or join=none.",
    ),
    Rule(
        "low-latency-no-state",
        "spark",
        {"trigger": LOW_LATENCY, "state": ("deduplicate", "custom")},
        "The row-by-row triggers keep no state.",
        "Choose trigger=processing_time, or state=none.",
    ),
    Rule(
        "low-latency-sink",
        "spark",
        {"trigger": LOW_LATENCY, "sink": ("delta", "delta_merge", "jdbc", "files")},
        "The row-by-row triggers write to Kafka or to the terminal only.",
        "Choose trigger=processing_time, or sink=kafka.",
    ),
    Rule(
        "real-time-update-only",
        "spark",
        {"trigger": ("real_time",), "output_mode": ("append", "complete")},
        "The real-time trigger knows update mode only.",
        "Choose output_mode=update.",
    ),
    Rule(
        "real-time-spark-4.2",
        "spark",
        {"trigger": ("real_time",), "spark_version": ("4.1", "4.0")},
        "The real-time trigger reached Python with Spark 4.2.",
        "Choose spark_version=4.2 on a platform that has it, or trigger=processing_time.",
    ),
    Rule(
        "merge-no-complete",
        "safety",
        {"sink": ("delta_merge",), "output_mode": ("complete",)},
        "It would rewrite the whole result by MERGE after every batch, ever more slowly.",
        "Choose sink=delta, which replaces the table in one commit, or output_mode=update.",
    ),
    Rule(
        "auto-loader-databricks",
        "platform",
        {"source": ("auto_loader",), "platform": ("spark_submit", "kubernetes")},
        "Auto Loader exists on Databricks only.",
        "Choose source=files, or platform=databricks.",
    ),
    Rule(
        "databricks-spark",
        "platform",
        {"platform": DATABRICKS, "spark_version": ("4.2",)},
        "No Databricks runtime has Spark 4.2 yet.",
        "Choose spark_version=auto.",
    ),
    Rule(
        "serverless-available-now",
        "platform",
        {
            "platform": ("databricks_serverless",),
            "trigger": ("processing_time", *LOW_LATENCY),
        },
        "A stream on serverless compute must stop once it has caught up.",
        "Choose trigger=available_now, or platform=databricks.",
    ),
    Rule(
        "custom-serverless-spark-4.1",
        "platform",
        {
            "platform": ("databricks_serverless",),
            "state": ("custom",),
            "spark_version": ("4.0",),
        },
        "Serverless compute is a client of Spark, and that of 4.0 cannot ask for custom state.",
        "Choose spark_version=auto or 4.1, or platform=databricks.",
    ),
    Rule(
        "continuous-not-databricks",
        "platform",
        {"trigger": ("continuous",), "platform": DATABRICKS},
        "The continuous trigger does not run on Databricks.",
        "Choose trigger=auto, or platform=spark_submit.",
    ),
    Rule(
        "real-time-not-databricks",
        "scope",
        {"trigger": ("real_time",), "platform": DATABRICKS},
        "Databricks has a real-time mode of its own, which is not generated.",
        "Choose trigger=auto, or platform=spark_submit.",
    ),
    Rule(
        "real-time-no-lookup",
        "scope",
        {"trigger": ("real_time",), "join": ("static_lookup",)},
        "Spark allows it for small tables that never change; it is not generated.",
        "Choose trigger=processing_time, or join=none.",
    ),
    Rule(
        "left-join-no-window",
        "scope",
        {"join": ("stream_left",), "window": WINDOWED},
        "Windows over events without a partner are not generated.",
        "Choose window=none, or join=stream_inner.",
    ),
    Rule(
        "custom-no-window",
        "scope",
        {"state": ("custom",), "window": WINDOWED},
        "Windows over the output of custom state are not generated.",
        "Choose window=none, or state=none.",
    ),
    Rule(
        "stream-join-no-state",
        "scope",
        {"join": STREAM_JOINS, "state": ("deduplicate", "custom")},
        "Deduplication or custom state behind a join of two streams is not generated.",
        "Choose state=none, or join=none.",
    ),
)

# The same over the parts that event_roles gives to columns: `id` and `key` are missing or given.
ROLE_RULES = (
    Rule(
        "deduplicate-needs-id",
        "safety",
        {"id": MISSING, "state": ("deduplicate",)},
        "Dropping repeated events by a guessed id would lose events.",
        "Name the column in event_roles (id=...), or choose state=none.",
    ),
    Rule(
        "upsert-needs-id",
        "safety",
        {"id": MISSING, "window": ("none",), "sink": ("delta_merge", "jdbc")},
        "Replacing single events by a guessed id would lose events.",
        "Name the column in event_roles (id=...), or choose sink=delta.",
    ),
    Rule(
        "window-needs-key",
        "scope",
        {"key": MISSING, "window": WINDOWED},
        "A window is summed up per key, and no column is the key.",
        "Name the column in event_roles (key=...), or choose window=none.",
    ),
    Rule(
        "custom-needs-key",
        "scope",
        {"key": MISSING, "state": ("custom",)},
        "Custom state is kept per key, and no column is the key.",
        "Name the column in event_roles (key=...), or choose state=none.",
    ),
    Rule(
        "join-needs-key",
        "scope",
        {"key": MISSING, "join": ("static_lookup", *STREAM_JOINS)},
        "A join meets on equal keys, and no column is the key.",
        "Name the column in event_roles (key=...), or choose join=none.",
    ),
    *(
        Rule(
            f"delta-{names}-names",
            "scope",
            {f"delta_takes_{names}": NO, "window": windows, "sink": ("delta", "delta_merge")},
            "A Delta table takes a space or , ; { } ( ) = in a name only with column mapping, and "
            "MERGE takes no back quote.",
            "Choose sink=kafka, or have the producer write another name.",
        )
        for names, windows in NAMED
    ),
    Rule(
        "delta-source-names",
        "scope",
        {"delta_takes_columns": NO, "source": ("delta",)},
        "A Delta table takes a space, a back quote or , ; { } ( ) = in a name only with column "
        "mapping, which the project does not turn on.",
        "Choose source=kafka or files, or name the columns as the table does.",
    ),
    Rule(
        "lookup-key-name",
        "scope",
        {"delta_takes_key": NO, "join": ("static_lookup",)},
        "The reference table is a Delta table, which takes a space, a back quote or , ; { } ( ) = "
        "in a name only with column mapping.",
        "Choose join=none, or another key in event_roles.",
    ),
    *(
        Rule(
            f"jdbc-{names}-names",
            "platform",
            {f"postgres_takes_{names}": NO, "window": windows, "sink": ("jdbc",)},
            "PostgreSQL has no name that is longer than 63 bytes, and keeps ctid, xmin, xmax, "
            "cmin, cmax and tableoid to itself.",
            "Choose sink=delta, or have the producer write another name.",
        )
        for names, windows in NAMED
    ),
)


def _not_yet(axis: str, value: str) -> Rule:
    ready = [known for known in AXES[axis] if known not in NOT_YET[axis]]
    return Rule(
        f"{axis}-{value}-not-yet".replace("_", "-"),
        "scope",
        {axis: (value,)},
        "It works in Spark, but this release does not generate it yet.",
        f"Choose {axis}={' or '.join(ready)}.",
    )


NOT_YET_RULES = tuple(_not_yet(axis, value) for axis, values in NOT_YET.items() for value in values)
