"""The ids of what the sources read, such as the id that Kafka gives a topic.

A topic that was created again has the same name and another id, and the offsets in the checkpoint
would name other messages of it. So the first start stores the ids, and later starts compare them.
"""

import json
from collections.abc import Iterable

from pydantic import TypeAdapter
from pyspark.sql import SparkSession

from .errors import CheckpointError
from .manifest import NEW_PLACES, START_OVER
from .spark_log import STREAM, planned
from .storage import Storage, read_json
from .systems import StreamSource

FILE = "sources.json"
Ids = dict[str, str]
"""The id of each thing that a source reads, by its name."""
STORED = TypeAdapter(dict[str, Ids])


def find_source_ids(
    spark: SparkSession, root: Storage, sources: Iterable[StreamSource]
) -> dict[str, Ids]:
    """Return the ids of all that the checkpoint has read and of what the sources read now.

    Args:
        spark: a session.
        root: the checkpoint's root.
        sources: those of the job; the result has an entry for the name of each table.

    Raises:
        CheckpointError: a source no longer has what the checkpoint has read, but something else of
            the same name; or the file with the ids is damaged.
        SetupError: a server of a source refuses the job.
    """
    advice = f"Restore that file from a backup. If there is none, remove it. {START_OVER}"
    # Spark stores the first position of a source before it plans a batch.
    has_read = planned(root) is not None or bool(root.names(f"{STREAM}/sources"))
    known = (read_json(root, FILE, STORED.validate_python, advice) if has_read else None) or {}
    found = {}
    for source in sources:
        before = known.get(source.NAME, {})
        now = source.data_ids(spark)
        changed = sorted(name for name in before.keys() & now.keys() if before[name] != now[name])
        if changed and source.requires_all_data:
            message = (
                f"{', '.join(changed)} of [{source.NAME}] is not what the checkpoint has read: it "
                "was deleted and created again, or is on another server, and the offsets in the "
                f"checkpoint name other records of it. Restore it, or {NEW_PLACES}"
            )
            raise CheckpointError(message)
        # What does not exist now could be created again later.
        found[source.NAME] = {**before, **now}
    return found


def record_source_ids(spark: SparkSession, root: Storage, sources: Iterable[StreamSource]) -> None:
    """Compare the ids with those of the starts before, and store them.

    Raises:
        CheckpointError: see `find_source_ids`.
        SetupError: a server of a source refuses the job.
    """
    found = find_source_ids(spark, root, sources)
    if any(found.values()):
        root.write(FILE, json.dumps(found, indent=2))
