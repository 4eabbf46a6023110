"""Copies of the source's records, for file runs: `python -m dev export`."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame
from stream_runtime import session
from stream_runtime.causes import cause_of
from stream_runtime.errors import ConfigError, SetupError
from stream_runtime.job import Job
from stream_runtime.settings import RuntimeSettings
from stream_runtime.spark_log import SOURCE_LOGS, STREAM, committed, logged
from stream_runtime.storage import LocalStorage, Storage, storage
from stream_runtime.unreadable import UnreadableFiles

POLL_SECONDS = 1
METADATA = json.dumps(
    {"batchWatermarkMs": 0, "batchTimestampMs": 0, "conf": {"spark.sql.shuffle.partitions": "1"}}
)
"""What Spark requires of a planned batch; the continuous trigger logs none."""
TO_THE_END = {"availableNow": True}
ONE_BATCH = {"once": True}
"""It ends after the planned batch."""


def export(
    job: Job,
    settings: RuntimeSettings,
    files: Sequence[Path],
    most: int | None,
    batch: int | None = None,
) -> list[int]:
    """Write the records of each input of the job to a file, one a line; return their numbers.

    They are in the order in which the source got them. The job's own checkpoint is not changed.

    Args:
        job: the job.
        settings: the settings that name the source and the checkpoint.
        files: a file for each input.
        most: the largest number of records of an input, None for all of them.
        batch: a batch of the checkpoint, which need not be committed, to copy its records; for the
            number after the last one, all records that follow it. By default, those that a first
            start of the job would read.

    Raises:
        SetupError: there is nothing to read, or it cannot be read.
        ConfigError: the checkpoint does not have the batch.
    """
    spark = session.build(job.name, settings.session, settings.state, settings.spark_conf())
    try:
        settings.check_data(spark)
        root = None if batch is None else storage(settings.checkpoint.root, spark)
        if root:
            settings = UnreadableFiles(spark, root, settings, None).leave_out()
        counts = []
        inputs = zip(job.read(spark, settings), files, strict=True)
        for number, (envelopes, file) in enumerate(inputs):
            with TemporaryDirectory() as checkpoint:
                trigger = TO_THE_END
                if root and batch is not None:
                    trigger = _plan(root, batch, number, LocalStorage(Path(checkpoint)))
                counts.append(_copy(envelopes, file, most, checkpoint, trigger))
        return counts
    except StreamingQueryException as error:
        message = f"The records cannot be read: {cause_of(error)}. Correct the cause, then repeat."
        raise SetupError(message) from error
    finally:
        session.close(spark, settings.session)


def _plan(root: Storage, batch: int, source: int, checkpoint: Storage) -> dict[str, bool]:
    """Make a checkpoint of one source in which this batch is the next; return its query's trigger.

    A batch that is not planned begins where the last one ended. The low-latency triggers plan none.
    """
    known = sorted(logged(root, f"{STREAM}/offsets"))
    # Where the oldest one begins is known only if it is the first of all.
    first = known[0] + 1 if known and known[0] else 0
    last = known[-1] + int(committed(root) == known[-1]) if known else -1
    if not first <= batch <= last:
        kept = f"{first} to {last}" if known else "none"
        message = f"The checkpoint has no batch {batch}. Batches that can be copied: {kept}."
        raise ConfigError(message)
    # The query numbers its batches from 0. It keeps no state, so the old facts do not matter.
    for number, old in enumerate(sorted({batch - 1, batch} & set(known))):
        version, _, *ends = (root.read(f"{STREAM}/offsets/{old}") or "").splitlines()
        checkpoint.write(f"offsets/{number}", "\n".join([version, METADATA, ends[source]]))
    commit = root.read(f"{STREAM}/commits/{batch - 1}")
    if commit is not None:
        checkpoint.write("commits/0", commit)
    for name in root.names(f"{STREAM}/{SOURCE_LOGS}/{source}"):
        text = root.read(f"{STREAM}/{SOURCE_LOGS}/{source}/{name}")
        checkpoint.write(f"{SOURCE_LOGS}/0/{name}", text or "")
    checkpoint.write("metadata", json.dumps({"id": str(uuid.uuid4())}))
    return ONE_BATCH if batch in known else TO_THE_END


def _copy(
    envelopes: DataFrame, file: Path, most: int | None, checkpoint: str, trigger: dict[str, bool]
) -> int:
    count = 0
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as output:

        def write(batch: DataFrame, _: int) -> None:
            nonlocal count
            records = batch.where("raw IS NOT NULL").orderBy("ingest_time").select("raw")
            wanted = records if most is None else records.limit(most - count)
            for (raw,) in wanted.collect():
                # JSON has line ends only between its tokens.
                output.write(bytes(raw).replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
                count += 1

        writer = envelopes.writeStream.foreachBatch(write).trigger(**trigger)
        query = writer.option("checkpointLocation", checkpoint).start()
        while not query.awaitTermination(POLL_SECONDS):
            if most is not None and count >= most:
                query.stop()
    return count
