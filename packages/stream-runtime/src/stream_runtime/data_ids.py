"""The ids of what a job reads and writes, such as the id that Kafka gives a topic.

A topic that was created again has the same name and another id: the offsets in the checkpoint would
name other messages of it, and the result so far would be gone. So the first start stores the ids,
and later starts compare them.
"""

from pydantic import TypeAdapter
from pyspark.sql import SparkSession

from .errors import CheckpointError
from .manifest import NEW_PLACES, START_OVER
from .settings import RuntimeSettings
from .spark_log import SOURCE_LOGS, STREAM, committed, planned
from .storage import Storage, read_json, write_json
from .systems import StreamSink, StreamSource

FILE = "data_ids.json"
"""The file in the checkpoint's root with the ids."""
Ids = dict[str, str]
"""The id of each thing that a system has, by its name."""
STORED = TypeAdapter(dict[str, Ids])
"""For the name of each table in conf/*.toml, the ids of its system."""


def find_data_ids(spark: SparkSession, root: Storage, settings: RuntimeSettings) -> dict[str, Ids]:
    """Return the ids of all that the checkpoint has read and written, and of what is there now.

    Args:
        spark: a session.
        root: the checkpoint's root.
        settings: those of the job; the result has an entry for each source and for the sink.

    Raises:
        CheckpointError: a system no longer has what the checkpoint has read or written, but
            something else; or the file with the ids is damaged.
        SetupError: a server refuses the job.
    """
    advice = f"Restore that file from a backup. If there is none, remove it. {START_OVER}"
    known = read_json(root, FILE, STORED.validate_python, advice) or {}
    # Spark stores the first position of a source before it plans a batch.
    has_read = planned(root) is not None or bool(root.names(f"{STREAM}/{SOURCE_LOGS}"))
    found = {}
    for source in settings.sources():
        before = known.get(source.NAME, {}) if has_read else {}
        now = dict(source.data_ids(spark))
        _require_same_source(source, before, now)
        # What does not exist now could be created again later.
        found[source.NAME] = {**before, **now}
    before = known.get(settings.sink.NAME, {}) if committed(root) is not None else {}
    now = dict(settings.sink.data_ids(spark))
    _require_same_target(settings.sink, before, now)
    found[settings.sink.NAME] = now or before
    return found


def _require_same_source(source: StreamSource, before: Ids, now: Ids) -> None:
    changed = sorted(name for name in before.keys() & now.keys() if before[name] != now[name])
    if changed and source.requires_all_data:
        message = (
            f"{', '.join(changed)} of [{source.NAME}] is not what the checkpoint has read: it "
            "was deleted and created again, or is on another server, and the offsets in the "
            f"checkpoint name other records of it. Restore it, or {NEW_PLACES}"
        )
        raise CheckpointError(message)


def _require_same_target(sink: StreamSink, before: Ids, now: Ids) -> None:
    if before and now and before != now:
        if before.keys() == now.keys():
            cause = "it was deleted and created again, or is on another server"
        else:
            cause = f"the setting named {', '.join(before)} before"
        message = (
            f"{', '.join(now)} of [{sink.NAME}] is not what the checkpoint has written to: "
            f"{cause}, and the result so far is not there. Restore it or the setting, or "
            f'{NEW_PLACES} To go on without the result so far, remove "{sink.NAME}" from {FILE} in '
            "checkpoint.root."
        )
        raise CheckpointError(message)


def record_data_ids(
    spark: SparkSession, root: Storage, settings: RuntimeSettings, found: dict[str, Ids]
) -> None:
    """Store the ids that `find_data_ids` has found, and those of a target that is new.

    Raises:
        SetupError: the server of the sink refuses the job.
    """
    sink = settings.sink
    now = {**found, sink.NAME: found[sink.NAME] or dict(sink.data_ids(spark))}
    if stored := {name: ids for name, ids in now.items() if ids}:
        write_json(root, FILE, stored)
