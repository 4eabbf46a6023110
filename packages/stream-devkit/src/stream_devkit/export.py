"""Copies of the source's records, for file runs: `python -m dev export`."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import DataFrame
from stream_runtime import session
from stream_runtime.job import Job
from stream_runtime.settings import RuntimeSettings

POLL_SECONDS = 1


def export(job: Job, settings: RuntimeSettings, files: Sequence[Path], most: int) -> list[int]:
    """Write the records of each input of the job to a file, one a line; return their numbers.

    The records are those that a first start of the job would read, in the order in which the
    source got them. The job's own checkpoint is not used.

    Args:
        job: the job.
        settings: the settings that name the source.
        files: a file for each input.
        most: the largest number of records of an input.

    Raises:
        SetupError: there is nothing to read.
    """
    spark = session.build(job.name, settings.session, settings.state, settings.spark_conf())
    try:
        settings.check_data(spark)
        inputs = zip(job.read(spark, settings), files, strict=True)
        return [_copy(envelopes, file, most) for envelopes, file in inputs]
    finally:
        session.close(spark, settings.session)


def _copy(envelopes: DataFrame, file: Path, most: int) -> int:
    count = 0
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as output, TemporaryDirectory() as checkpoint:

        def write(batch: DataFrame, _: int) -> None:
            nonlocal count
            records = batch.where("raw IS NOT NULL").orderBy("ingest_time").select("raw")
            for (raw,) in records.limit(most - count).collect():
                # JSON has line ends only between its tokens.
                output.write(bytes(raw).replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
                count += 1

        writer = envelopes.writeStream.foreachBatch(write).trigger(availableNow=True)
        query = writer.option("checkpointLocation", checkpoint).start()
        while not query.awaitTermination(POLL_SECONDS):
            if count >= most:
                query.stop()
    return count
