"""What a start would find; nothing is changed, no record is read."""

from collections.abc import Callable
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession, is_remote

from . import INTERFACE, checkpoint, session
from .errors import StreamJobError
from .fingerprint import Fingerprint
from .job import Job
from .run import shape
from .settings import RuntimeSettings
from .storage import Storage, storage


def examine(job: Job, settings: RuntimeSettings) -> int:
    """Print a line for each finding; 0, or the exit code of the first thing that is wrong."""
    report = Report()
    report.ask("interface", lambda: f"{INTERFACE}, of runtime and pipeline")
    report.ask("configuration", lambda: "complete")
    report.ask("servers", lambda: _servers(job, settings))
    try:
        spark = session.build(job.NAME, settings.session, settings.state, job.spark_conf(settings))
    except StreamJobError as error:
        return report.wrong("session", error)
    try:
        rows = job.result(job.read(spark, settings), settings)
        root = storage(settings.checkpoint.root, spark)
        report.ask("session", lambda: f"Spark {spark.version}")
        report.ask("query plan", lambda: _plan(spark, rows, job.OUTPUT_MODE))
        fingerprint, owner = shape(job, rows, settings), job.owner(spark, settings)
        report.ask("checkpoint", lambda: _checkpoint(root, fingerprint, owner))
    finally:
        session.close(spark, settings.session)
    return report.exit_code


class Report:
    """Findings, printed as they come."""

    def __init__(self) -> None:
        self.exit_code = 0

    def ask(self, subject: str, finding: Callable[[], str]) -> None:
        """Print what was found; an error is printed as well, and the next question asked."""
        try:
            print(f"ok     {subject}: {finding()}")
        except StreamJobError as error:
            self.wrong(subject, error)

    def wrong(self, subject: str, error: StreamJobError) -> int:
        """Print what is wrong; the exit code so far."""
        print(f"WRONG  {subject}: {error}")
        self.exit_code = self.exit_code or error.exit_code
        return self.exit_code


def _servers(job: Job, settings: RuntimeSettings) -> str:
    job.check(settings)
    return "answer"


def _plan(spark: SparkSession, rows: DataFrame, output_mode: str) -> str:
    """Spark's own check of streaming queries, which start() would make as well."""
    if is_remote():
        return f"Spark resolves it; the start shows whether it accepts it in {output_mode} mode"
    jvm: Any = spark._jvm  # noqa: SLF001 - PySpark has no name for this check
    mode = getattr(jvm.org.apache.spark.sql.streaming.OutputMode, output_mode.title())()
    checker = jvm.org.apache.spark.sql.catalyst.analysis.UnsupportedOperationChecker
    try:
        checker.checkForStreaming(rows._jdf.queryExecution().analyzed(), mode)  # noqa: SLF001
    except AnalysisException as error:
        message = f"Spark refuses it in {output_mode} mode: {error}. Mend transform.py."
        raise StreamJobError(message) from error
    return f"Spark accepts it in {output_mode} mode"


def _checkpoint(root: Storage, current: Fingerprint, owner: str | None) -> str:
    found = checkpoint.matching_contract(root, current, owner)
    if found is None:
        return "none yet; the next start makes it"
    done, planned = checkpoint.committed(root), checkpoint.planned(root)
    if planned is None:
        standing = "no batch yet"
    elif planned != done:
        standing = f"the next start replays batch {planned}"
    else:
        standing = f"clean after batch {done}"
    frozen = {name: found.fingerprint[name] for name in ("state_partitions", "state_store")}
    pinned = ", ".join(f"{name} {value}" for name, value in frozen.items())
    return f"epoch {found.epoch}, {standing}; pinned: {pinned}"
