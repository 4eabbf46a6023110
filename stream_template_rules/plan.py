"""Everything derived from legal answers: versions, jars, roles, the delivery guarantee."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .advice import FREE, LIMITS, PINNED, settings_in
from .axes import AXES, QUESTIONS, Answers, Box, inside, look_up, resolved, select
from .boxes import (
    CUSTOM,
    DEDUPLICATED,
    DELTA,
    DROPS_BEHIND,
    DROPS_LATE,
    KAFKA,
    LOGINS,
    LOOKUP,
    POSTGRES,
    STREAM_JOIN,
    covered,
)
from .cautions import warnings
from .event import Event, free_name
from .guarantees import guarantee
from .names import package_from
from .pins import PINS, SPARKS, list_jars, list_pins, lock_jars
from .roles import read_event, total_of
from .rules import EVENT_TIME, LOW_LATENCY, WINDOWED
from .shown import code, csv_line, in_cells, spoken
from .sinks import SINKS, Sink
from .sources import SOURCES, Source
from .value_forms import TIME_TYPES, names_of_types, value_forms

VERSION = "0.1.0"


@dataclass(frozen=True)
class Platform:
    """The part of the job's configuration that depends on the platform.

    Attributes:
        family: the platform whose commands and files it has: itself or another one.
        root: the durable location of checkpoint and quarantine, for an `{environment}`.
        session: who creates the Spark session (`session.platform` of the project).
        prometheus: whether its metrics can be scraped there.
        own_cluster: whether a job has its own cluster, with a number of cores and with Spark's UI.
    """

    family: str
    root: str
    session: str = "own"
    prometheus: bool = True
    own_cluster: bool = True


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

_HDFS = "hdfs://namenode.{environment}.example/streams"
_VOLUME = "/Volumes/{environment}.example/default/streams"
PLATFORMS = {
    "spark_submit": Platform("spark_submit", _HDFS),
    "kubernetes": Platform("kubernetes", _HDFS),
    "databricks": Platform("databricks", _VOLUME, session="databricks", prometheus=False),
    "databricks_serverless": Platform(
        "databricks", _VOLUME, session="serverless", prometheus=False, own_cluster=False
    ),
}

# Answers where a batch without data follows the last one, to apply the newest watermark.
FOLLOWS_TIME: tuple[Box, ...] = (
    *({**box, "output_mode": ("append", "update")} for box in EVENT_TIME),
    DEDUPLICATED,
)
# State that grows with the events, not with the keys, or that needs RocksDB: it belongs on disk.
# Open windows are few, and Spark's default store, in the JVM's memory, is faster for them.
LARGE_STATE: tuple[Box, ...] = (STREAM_JOIN, DEDUPLICATED, CUSTOM)
# What the target holds after all batches, by the first box that contains the answers.
WRITE_DISPOSITIONS: tuple[tuple[Box, str], ...] = (
    ({"output_mode": ("complete",)}, "replace"),
    ({"sink": select(SINKS, lambda sink: sink.replaces_rows)}, "merge"),
    ({"output_mode": ("update",), "window": WINDOWED}, "merge"),
    ({"output_mode": ("update",), "id": ("given",)}, "merge"),
    ({}, "append"),
)
# The folders under templates/ of the text about latency and of the test oracle, by the first box
# that contains the answers.
LATENCIES: tuple[tuple[Box, str], ...] = (
    *(
        ({"window": WINDOWED, "output_mode": (mode,)}, f"output_mode/{mode}")
        for mode in AXES["output_mode"]
    ),
    ({"trigger": LOW_LATENCY}, "trigger"),
    (CUSTOM, "state/custom"),
    ({}, "window/none"),
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
    pins, jars = list_pins(known), list_jars(known)
    source, sink = SOURCES[known["source"]], SINKS[known["sink"]]
    event = read_event(known["event_schema"], known["event_roles"])
    named, having = event.columns, event.roles
    # The key of a join or of custom state is one column.
    alone = ((role, having[role]) for role in ("id", "time", "key"))
    roles = {role: columns[0] if len(columns) == 1 else None for role, columns in alone}
    keys, measures = having["key"], having["measure"]
    totals = list(map(total_of, measures))
    # Spark reports neither batches nor counts of a continuous query.
    reports = known["trigger"] != "continuous"
    watermark = covered(EVENT_TIME, known)
    given_answers = record(answers)["answers"]
    given = {role: "given" for role, column in roles.items() if column}
    write_disposition = look_up(WRITE_DISPOSITIONS, known | given)
    right = _right(roles, named) if inside(known, STREAM_JOIN) else None
    inputs = {"source": "", "right": "-right"} if right else {"source": ""}
    visit = _visit_columns(next(iter(measures), None), named)
    taken = [*named, *totals, *visit.values()]
    label = free_name(f"{roles['key']}_label", taken) if roles["key"] else ""
    result_key = _result_key(known["window"], roles["id"], keys, right)
    longest_record = _longest_record(sink, known["window"], len(inputs))
    shown = _shown({**roles, "label": label}, keys, measures, visit) | {
        "result_key": _shown_key(result_key, having["id"], keys),
        "paths": spoken(
            [f"{code(name)} is {code('.'.join(path))}" for name, path in event.paths.items()]
        ),
    }
    return {
        "package": package_from(known["project_slug"]),
        "columns": named,
        "paths": event.paths,
        "value_forms": value_forms(named.values()),
        "has_other_times": bool(
            TIME_TYPES
            & names_of_types(kind for name, kind in named.items() if name != roles["time"])
        ),
        "roles": roles,
        "key_columns": keys,
        "several_keys": len(keys) > 1,
        # One task gets all events of a key; other jobs keep the partitions of their source.
        "groups_keys": bool(keys)
        and (known["window"] in WINDOWED or covered((STREAM_JOIN, CUSTOM), known)),
        "has_date_key": [named[key] for key in keys] == ["DATE"],
        "measures": measures,
        "windowed": known["window"] in WINDOWED,
        # Only a shuffle uses `state.partitions`: of state, or of a MERGE.
        "shuffles": watermark or known["sink"] == "delta_merge",
        "watermark": watermark,
        "pinned": settings_in(PINNED, known),
        "free": settings_in(FREE, known),
        "batch_limit": next(iter(settings_in(LIMITS, known)), ""),
        "source": source,
        "sink": sink,
        "result_place": sink.target_setting,
        "low_latency": known["trigger"] in LOW_LATENCY,
        "interval": INTERVALS.get(known["trigger"]),
        # Each run ends when it has read all records; a schedule starts the next one.
        "scheduled": known["trigger"] not in INTERVALS,
        "reports": reports,
        "reports_records": (
            reports and not source.typed and SPARKS[known["spark_version"]].reports_records
        ),
        "counts_unknown_fields": reports and not source.typed,
        "measures_backlog": source.counts_backlog and reports,
        "status_shows": "the last batch, backlog"
        + ", watermark, state, late events" * watermark
        + ", invalid records" * reports,
        "promises": not sink.console,
        "stores_checkpoint_id": bool(sink.checkpoint_id_in),
        # Serverless compute does not let a MERGE note its batch.
        "longest_key": 0
        if longest_record
        else _longest_key(sink, result_key, [*having["id"], *keys], named),
        "longest_record": longest_record,
        "knows_batch": bool(sink.checkpoint_id_in)
        and (known["sink"], known["platform"]) != ("delta_merge", "databricks_serverless"),
        "drops_late": covered(DROPS_LATE, known),
        # A batch of another source cannot be read again, with the watermark that it had.
        "keeps_late": covered(DROPS_LATE, known) and source.replayable,
        "drops_behind": covered(DROPS_BEHIND, known),
        # Spark drops an event when its window has closed, and counts groups of such events.
        "drops_closed": covered(DROPS_LATE, known) and not covered(DROPS_BEHIND, known),
        "drops_duplicates": covered((DEDUPLICATED, CUSTOM), known),
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
        "sent": _shown_as_sent(event, roles),
        "key_paths": [event.path(key) for key in keys],
        "reference_header": csv_line(str(roles["key"]), label),
        "right": right,
        # The table of settings of each input, and the suffix of its topic or folder.
        "inputs": inputs,
        "secrets": _list_secrets(source, inputs) | _list_secrets(sink, ["sink"]),
        "result_key": result_key,
        "write_disposition": write_disposition,
        # A log has each record, so it does not show a row that is there twice.
        "reports_duplicates": (
            not sink.is_log
            or known["window"] in WINDOWED
            or covered((DEDUPLICATED, CUSTOM), known)
            or write_disposition != "append"
        ),
        "latency_in": look_up(LATENCIES, known),
        "kafka": covered(KAFKA, known),
        # The table with the connection to Kafka, the first one if there are two.
        "kafka_table": "source" if source.system == "kafka" else "sink",
        "postgres": covered(POSTGRES, known),
        "has_logins": covered(LOGINS, known),
        "delta": covered(DELTA, known),
        "platform": PLATFORMS[known["platform"]],
        "release": SPARKS[known["spark_version"]],
        "trigger": known["trigger"],
        "spark_version": known["spark_version"],
        "versions": {pin.name: pin.version for pin in pins},
        "requirements": {
            group: [f"{pin.name}=={pin.version}" for pin in pins if pin.group == group]
            for group in dict.fromkeys(pin.group for pin in PINS)
        },
        "untyped": _list_untyped(known),
        "jars": jars,
        "locked_jars": lock_jars(jars, known["spark_version"]),
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


def _right(roles: Mapping[str, str | None], columns: Mapping[str, str]) -> Right:
    """Return a second input that can join the events of the schema: its key is the same."""
    key = str(roles["key"])
    name, time, measure = (free_name(part, [key]) for part in ("id", "time", "value"))
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


def _longest_key(
    sink: Sink,
    result_key: Iterable[str],
    named: Iterable[str],
    kinds: Mapping[str, str],
) -> int:
    """Return the longest text of an id or key, in bytes; 0 if neither has a limit.

    Neither has one if only its window identifies a row. More than two texts have the place of two.
    """
    texts = [column for column in named if kinds[column] in {"STRING", "BINARY"}]
    if not texts or not {"KEY", "*KEYS", "EVENT_ID"}.intersection(result_key):
        return 0
    return min(sink.longest_key, 2 * sink.longest_key // len(texts))


def _longest_record(sink: Sink, window: str, inputs: int) -> int:
    """Return the longest event as JSON, in bytes; 0 if it has no limit.

    A row has an event of each input, and its key can be as long as they are.
    """
    return 0 if window in WINDOWED else sink.longest_record // (2 * inputs)


def _result_key(
    window: str, event_id: str | None, keys: Sequence[str], right: Right | None
) -> list[str]:
    """Return the columns that identify a row of the result, as names in schema.py or in quotes."""
    key = [[], ["KEY"], ["*KEYS"]][min(len(keys), 2)]
    if window in WINDOWED:
        return ['"window_start"', '"window_end"', *key]
    if not event_id:
        return key
    return ["EVENT_ID", f'"{right.prefix}{right.id}"'] if right else ["EVENT_ID"]


def _shown(
    names: Mapping[str, str | None],
    keys: Iterable[str],
    measures: Iterable[str],
    visit: Mapping[str, str],
) -> dict[str, str]:
    """Return the columns with roles as documents show them: names, and lists of names."""
    grouped, summed = list(map(code, keys)), list(map(code, measures))
    return {
        **{part: code(name) for part, name in names.items() if name},
        "totals": ", ".join(code(total_of(measure)) for measure in measures),
        "visit": ", ".join(map(code, filter(None, visit.values()))),
        "key_columns": ", ".join(grouped),
        "grouped": spoken(grouped),
        "any_key": spoken(grouped, "or"),
        "group": spoken(["window", *grouped]),
        "measures": spoken(summed),
        "any_measure": spoken(summed, "or"),
    }


def _shown_as_sent(event: Event, roles: Mapping[str, str | None]) -> dict[str, str]:
    """Return the columns with roles as producers know them, for cells of a table."""

    def sent(names: Iterable[str]) -> list[str]:
        return [".".join(event.path(name)) for name in names]

    alone = {role: sent([name])[0] for role, name in roles.items() if name}
    return in_cells(_shown(alone, sent(event.roles["key"]), sent(event.roles["measure"]), {}))


def _shown_key(result_key: Iterable[str], ids: Sequence[str], keys: Sequence[str]) -> str:
    """Return the columns that identify a row as documents show them."""
    columns = {"KEY": keys, "*KEYS": keys, "EVENT_ID": ids}
    names = [name for part in result_key for name in columns.get(part, [part.strip('"')])]
    return ", ".join(map(code, names))


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


def _list_untyped(known: Answers) -> list[str]:
    """Return the packages without type hints that the project imports."""
    own = ["pandas"] if inside(known, CUSTOM) else []
    ends = (*SOURCES[known["source"]].untyped, *SINKS[known["sink"]].untyped)
    return list(dict.fromkeys(["delta", "py4j", *own, *ends]))


def _list_secrets(end: Source | Sink, tables: Iterable[str]) -> dict[str, str]:
    """Return the variables of secret settings in these tables, and their keys in the secret."""
    return {
        f"{table}__{setting}".upper(): key
        for table in tables
        for setting, key in end.secrets.items()
    }
