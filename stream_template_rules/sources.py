"""The traits of each source: rules, pins, files, templates and tests read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Source:
    """The traits of a source.

    Attributes:
        replayed: what a batch replay reads again, unchanged.
        input_setting: the setting in its table that names the input; it is pinned.
        limit: the setting that limits a micro-batch.
        free: its other settings that can change on a checkpoint.
        system: the system that it needs a connector for (see boxes.py); Spark reads others itself.
        server: whether this is a server; without one, the input is a folder on this machine.
        typed: whether records have columns, so that none can be malformed.
        leaves_out_files: whether the job continues without a file that it cannot read.
        low_latency: whether the low-latency triggers can read it.
        counts_backlog: whether Spark reports how many records it has not read yet.
        replayable: whether Spark can read one batch again (`REPLAYABLE` of its module).
        secrets: settings that a cluster keeps in a secret, with their keys in it.
        untyped: packages without type hints that its modules import.
    """

    replayed: str
    input_setting: str = "path"
    limit: str = "max_files_per_trigger"
    free: tuple[str, ...] = ()
    system: str = ""
    server: bool = False
    typed: bool = False
    leaves_out_files: bool = False
    low_latency: bool = False
    counts_backlog: bool = False
    replayable: bool = True
    secrets: Mapping[str, str] = field(default_factory=dict)
    untyped: tuple[str, ...] = ()


KAFKA_SECRETS = ("password", "truststore", "keystore", "key_password")


def name_kafka_secrets(table: str) -> dict[str, str]:
    """Return the secret settings of a connection to Kafka, with their keys in a secret."""
    return {setting: f"{table}-{setting.replace('_', '-')}" for setting in KAFKA_SECRETS}


SOURCES = {
    "kafka": Source(
        replayed="offsets",
        input_setting="topic",
        limit="max_offsets_per_trigger",
        free=("fail_on_data_loss",),
        system="kafka",
        server=True,
        low_latency=True,
        counts_backlog=True,
        secrets={"bootstrap_servers": "bootstrap-servers", **name_kafka_secrets("source")},
    ),
    "delta": Source(
        replayed="table versions",
        free=("upstream_changes",),
        system="delta",
        typed=True,
        untyped=("pyarrow",),
    ),
    "auto_loader": Source(replayed="files", free=("file_names",), replayable=False),
    "files": Source(replayed="files", free=("file_names",), leaves_out_files=True),
}
