"""The traits of each sink: rules, pins, files, templates and tests read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .sources import name_kafka_secrets


@dataclass(frozen=True)
class Sink:
    """The traits of a sink.

    Attributes:
        target_setting: the setting that names the target, empty for the console.
        system: the system that it needs a connector for (see boxes.py); Spark writes others itself.
        replaces_rows: whether a row replaces the row with the same key.
        checkpoint_id_in: what stores the checkpoint id in the target, empty if nothing does.
        checks_columns: whether a start compares the columns of an existing table with the result.
        longest_key: the longest text of an id or key that the target can store, in bytes, if not
            more than two identify a row; 0 if it has no limit.
        longest_record: the same of a row and its key together, if the row has the whole event.
        is_log: whether the target keeps every record ever written: a reader takes the newest of
            each key, and drops records with the same content.
        low_latency: whether the low-latency triggers can write to it.
        read_back: how demo and tests read the target: `arrow`, `rows` of Python values, or `text`
            that they parse.
        behind_connect: which of its functions work behind a local Spark Connect server: `all`,
            `write` only, or `nothing`.
        test_stream: the module in tests/ with the stream that its test.py runs, empty if it runs
            none. `small_stream` needs `file_batches`.
        secrets: settings that a cluster keeps in a secret, with their keys in it; `__` is before
            a key of a table in the table of the sink.
        untyped: packages without type hints that its modules import.
        newest_spark: the newest Spark version that its connector supports, empty for every version.
    """

    target_setting: str = "sink.path"
    system: str = ""
    replaces_rows: bool = False
    checkpoint_id_in: str = "stream.checkpoint_id"
    checks_columns: bool = False
    longest_key: int = 0
    longest_record: int = 0
    is_log: bool = False
    low_latency: bool = False
    read_back: Literal["arrow", "rows", "text"] = "arrow"
    behind_connect: Literal["all", "write", "nothing"] = "all"
    test_stream: Literal["small_stream", "file_batches", ""] = "small_stream"
    secrets: Mapping[str, str] = field(default_factory=dict)
    untyped: tuple[str, ...] = ()
    newest_spark: str = ""

    @property
    def console(self) -> bool:
        """Whether the result is what the process prints; this has no delivery guarantee."""
        return not self.target_setting


SINKS = {
    "delta": Sink(system="delta", checks_columns=True, behind_connect="write", test_stream=""),
    "delta_merge": Sink(
        system="delta", replaces_rows=True, checks_columns=True, behind_connect="nothing"
    ),
    "kafka": Sink(
        target_setting="sink.topic",
        system="kafka",
        checkpoint_id_in="",
        # A record has at most 1 MiB; a key is in it twice, and as JSON up to six times as long.
        longest_key=50_000,
        longest_record=1_000_000,
        is_log=True,
        low_latency=True,
        read_back="text",
        secrets=name_kafka_secrets("sink"),
    ),
    "jdbc": Sink(
        target_setting="sink.table",
        system="postgres",
        replaces_rows=True,
        checkpoint_id_in="<table>_ledger",
        # An entry of a unique index has at most 2,704 bytes, and up to two texts and a window.
        longest_key=1000,
        read_back="rows",
        test_stream="file_batches",
        secrets={"password": "sink-password"},
    ),
    "files": Sink(checkpoint_id_in="_stream_checkpoint_id", untyped=("pyarrow",)),
    "console": Sink(target_setting="", checkpoint_id_in="", low_latency=True, read_back="text"),
    "iceberg": Sink(
        target_setting="sink.table",
        system="iceberg",
        checks_columns=True,
        secrets={"catalog__credential": "sink-catalog-credential"},
        newest_spark="4.1",
    ),
}
