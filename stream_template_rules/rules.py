"""The rules: forbidden boxes of plain data, the only place that knows what is legal."""

from dataclasses import dataclass
from typing import Literal

from .axes import Box, select
from .sinks import SINKS
from .sources import SOURCES

# spark: Spark refuses it. safety: Spark accepts it, then loses data or grows without limit.
# platform: the platform does not support it. scope: legal, not generated. form: cannot be read.
Kind = Literal["spark", "safety", "platform", "scope", "form"]

WINDOWED = ("tumbling", "sliding", "session")
STREAM_JOINS = ("stream_inner", "stream_left")
MICRO_BATCH = ("processing_time", "available_now")
LOW_LATENCY = ("continuous", "real_time")
DATABRICKS = ("databricks", "databricks_serverless")
NO = ("no",)  # a column name that a sink does not support
# The columns in the result: all of the event, or key and measure.
NAMED = (("columns", ("none",)), ("result", WINDOWED))
DELTA_SINKS = select(SINKS, lambda sink: sink.system == "delta")
MISSING = ("missing",)  # of a role in event_roles
SEVERAL = ("several",)  # columns of a role
# What needs a watermark.
EVENT_TIME: tuple[Box, ...] = (
    {"window": WINDOWED},
    {"join": STREAM_JOINS},
    {"state": ("deduplicate", "custom")},
)


@dataclass(frozen=True)
class Rule:
    """A forbidden box: it applies if every axis that it names has one of the values it lists."""

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
        "Choose window=tumbling, sliding or session, or output_mode=append.",
    ),
    Rule(
        "session-no-update",
        "spark",
        {"window": ("session",), "output_mode": ("update",)},
        "An open session can still merge with another one, so Spark has no update mode for it.",
        "Choose output_mode=append: a session is written when it closes.",
    ),
    Rule(
        "files-append-only",
        "spark",
        {"sink": ("files",), "output_mode": ("update", "complete")},
        "A written file cannot be changed, so Spark's file sink only appends.",
        "Choose output_mode=append, or sink=delta_merge or jdbc, which replace rows.",
    ),
    Rule(
        "delta-no-update",
        "spark",
        {"sink": ("delta",), "output_mode": ("update",)},
        "Delta's streaming sink has no update mode; changed rows need MERGE.",
        "Choose sink=delta_merge, or output_mode=append.",
    ),
    Rule(
        "iceberg-no-update",
        "spark",
        {"sink": ("iceberg",), "output_mode": ("update",)},
        "Iceberg's streaming sink has no update mode; changed rows need MERGE.",
        "Choose output_mode=append, or sink=delta_merge or jdbc, which replace rows.",
    ),
    Rule(
        "left-join-append-only",
        "spark",
        {"join": ("stream_left",), "output_mode": ("update", "complete")},
        "Spark knows that an event has no match only after the watermark has passed it.",
        "Choose output_mode=append.",
    ),
    Rule(
        "inner-join-no-complete",
        "spark",
        {"join": ("stream_inner",), "output_mode": ("complete",)},
        "Spark keeps no complete result of a stream join that it could rewrite.",
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
        "Spark supports stream joins in update mode from version 4.2.",
        "Choose output_mode=append, or spark_version=4.2 on a platform that has it.",
    ),
    Rule(
        "low-latency-source",
        "spark",
        {
            "trigger": LOW_LATENCY,
            "source": select(SOURCES, lambda source: not source.low_latency),
        },
        "The low-latency triggers read from Kafka only.",
        "Choose trigger=processing_time, or source=kafka.",
    ),
    Rule(
        "low-latency-no-window",
        "spark",
        {"trigger": LOW_LATENCY, "window": WINDOWED},
        "The low-latency triggers do not support aggregation.",
        "Choose trigger=processing_time, or window=none.",
    ),
    Rule(
        "low-latency-no-stream-join",
        "spark",
        {"trigger": LOW_LATENCY, "join": STREAM_JOINS},
        "The low-latency triggers do not support stream joins.",
        "Choose trigger=processing_time, or join=none.",
    ),
    Rule(
        "continuous-no-lookup",
        "spark",
        {"trigger": ("continuous",), "join": ("static_lookup",)},
        "The continuous trigger does not support joins.",
        "Choose trigger=processing_time, or join=none.",
    ),
    Rule(
        "low-latency-no-state",
        "spark",
        {"trigger": LOW_LATENCY, "state": ("deduplicate", "custom")},
        "The low-latency triggers do not support state.",
        "Choose trigger=processing_time, or state=none.",
    ),
    Rule(
        "low-latency-sink",
        "spark",
        {
            "trigger": LOW_LATENCY,
            # The continuous trigger can write to Iceberg: see iceberg-no-low-latency.
            "sink": select(SINKS, lambda sink: not sink.low_latency and sink.system != "iceberg"),
        },
        "The low-latency triggers write to Kafka or the console only.",
        "Choose trigger=processing_time, or sink=kafka.",
    ),
    Rule(
        "real-time-update-only",
        "spark",
        {"trigger": ("real_time",), "output_mode": ("append", "complete")},
        "The real-time trigger supports update mode only.",
        "Choose output_mode=update.",
    ),
    Rule(
        "real-time-spark-4.2",
        "spark",
        {"trigger": ("real_time",), "spark_version": ("4.1", "4.0")},
        "The real-time trigger exists in PySpark from version 4.2.",
        "Choose spark_version=4.2 on a platform that has it, or trigger=processing_time.",
    ),
    Rule(
        "merge-no-complete",
        "safety",
        {"sink": ("delta_merge",), "output_mode": ("complete",)},
        "Every batch would MERGE the whole result, and become slower as the result grows.",
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
        "A stream on serverless compute must stop when it has caught up.",
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
        "Serverless compute uses Spark Connect, whose client in 4.0 has no custom state.",
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
        "Databricks has its own real-time mode, which is not generated.",
        "Choose trigger=auto, or platform=spark_submit.",
    ),
    Rule(
        "iceberg-spark-4.1",
        "platform",
        {"sink": ("iceberg",), "spark_version": ("4.2",)},
        "Iceberg has no connector for Spark 4.2 yet, and the one for 4.1 fails there "
        "(IncompatibleClassChangeError).",
        "Choose spark_version=auto or 4.1.",
    ),
    Rule(
        "iceberg-no-complete",
        "scope",
        {"sink": ("iceberg",), "output_mode": ("complete",)},
        "Replacing an Iceberg table after every batch is not generated.",
        "Choose output_mode=append, or sink=delta, which replaces the table in one commit.",
    ),
    Rule(
        "iceberg-no-low-latency",
        "scope",
        {"sink": ("iceberg",), "trigger": LOW_LATENCY},
        "A commit to an Iceberg table every second, event by event, is not generated.",
        "Choose trigger=processing_time, or sink=kafka.",
    ),
    Rule(
        "iceberg-not-databricks",
        "scope",
        {"sink": ("iceberg",), "platform": DATABRICKS},
        "Databricks has its own Iceberg connector and catalog; a job for them is not generated.",
        "Choose sink=delta, or platform=spark_submit.",
    ),
    Rule(
        "iceberg-no-auto-loader",
        "scope",
        {"sink": ("iceberg",), "source": ("auto_loader",)},
        "Auto Loader exists on Databricks only, and no Iceberg sink is generated for it there.",
        "Choose sink=delta, or source=files.",
    ),
    Rule(
        "real-time-no-lookup",
        "scope",
        {"trigger": ("real_time",), "join": ("static_lookup",)},
        "Spark allows it only for small tables that never change; it is not generated.",
        "Choose trigger=processing_time, or join=none.",
    ),
    Rule(
        "left-join-no-window",
        "scope",
        {"join": ("stream_left",), "window": WINDOWED},
        "Windows over events without a match are not generated.",
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
        "Deduplication or custom state after a stream join is not generated.",
        "Choose state=none, or join=none.",
    ),
)

# The same over the roles in event_roles: each is missing, given, or has several columns.
ROLE_RULES = (
    Rule(
        "deduplicate-needs-id",
        "safety",
        {"id": MISSING, "state": ("deduplicate",)},
        "Deduplication by a guessed id would lose events.",
        "Name the column in event_roles (id=...), or choose state=none.",
    ),
    Rule(
        "upsert-needs-id",
        "safety",
        {
            "id": MISSING,
            "window": ("none",),
            "sink": select(SINKS, lambda sink: sink.replaces_rows),
        },
        "Replacing single events by a guessed id would lose events.",
        "Name the column in event_roles (id=...), or choose sink=delta.",
    ),
    Rule(
        "session-needs-key",
        "spark",
        {"key": MISSING, "window": ("session",)},
        "Spark's streams have no sessions of all events together: sessions need a key, and no "
        "column is the key.",
        "Name the column in event_roles (key=...), or choose window=tumbling.",
    ),
    Rule(
        "custom-needs-key",
        "scope",
        {"key": MISSING, "state": ("custom",)},
        "Custom state is kept per key, and no column is the key.",
        "Name the column in event_roles (key=...), or choose state=none.",
    ),
    Rule(
        "custom-one-key",
        "scope",
        {"key": SEVERAL, "state": ("custom",)},
        "Custom state by a key of several columns is not generated.",
        "Name one column in event_roles (key=...), or choose state=none.",
    ),
    Rule(
        "custom-one-measure",
        "scope",
        {"measure": SEVERAL, "state": ("custom",)},
        "The custom state that is generated has the mean of one measure.",
        "Name one column in event_roles (measure=...), or choose state=none.",
    ),
    Rule(
        "join-needs-key",
        "scope",
        {"key": MISSING, "join": ("static_lookup", *STREAM_JOINS)},
        "A join matches equal keys, and no column is the key.",
        "Name the column in event_roles (key=...), or choose join=none.",
    ),
    Rule(
        "join-one-key",
        "scope",
        {"key": SEVERAL, "join": ("static_lookup", *STREAM_JOINS)},
        "A join by a key of several columns is not generated.",
        "Name one column in event_roles (key=...), or choose join=none.",
    ),
    *(
        Rule(
            f"delta-{names}-names",
            "scope",
            {f"delta_takes_{names}": NO, "window": windows, "sink": DELTA_SINKS},
            "Delta allows a space or , ; { } ( ) = in a column name only with column mapping, and "
            "MERGE does not allow a back quote.",
            "Choose sink=kafka, or rename the column at the producer.",
        )
        for names, windows in NAMED
    ),
    Rule(
        "delta-source-names",
        "scope",
        {"delta_takes_columns": NO, "source": ("delta",)},
        "Delta allows a space, a back quote or , ; { } ( ) = in a column name only with column "
        "mapping, which the project does not enable.",
        "Choose source=kafka or files, or use the column names of the table.",
    ),
    Rule(
        "lookup-key-name",
        "scope",
        {"delta_takes_key": NO, "join": ("static_lookup",)},
        "The reference table is a Delta table, which allows a space, a back quote or , ; { } ( ) = "
        "in a column name only with column mapping.",
        "Choose join=none, or another key in event_roles.",
    ),
    *(
        Rule(
            f"jdbc-{names}-names",
            "platform",
            {f"postgres_takes_{names}": NO, "window": windows, "sink": ("jdbc",)},
            "PostgreSQL allows at most 63 bytes in a column name, and reserves ctid, xmin, xmax, "
            "cmin, cmax and tableoid.",
            "Choose sink=delta, or rename the column at the producer.",
        )
        for names, windows in NAMED
    ),
)
