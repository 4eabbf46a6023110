"""The command `doctor`: what a start would find. It changes nothing and reads no record."""

from collections.abc import Callable
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, SparkSession, is_remote

from . import INTERFACE, session
from .causes import cause_of, to_printable
from .config import to_timedelta
from .data_ids import find_data_ids
from .errors import StreamJobError
from .job import Job
from .manifest import find_manifest, read_manifest
from .rules import check_rules
from .run import check_progress, query_fingerprint
from .settings import RuntimeSettings
from .size import LEAST_BATCHES, Size
from .spark_log import committed, planned
from .start_options import ignored_options
from .status import find_interval, is_running
from .status_file import read_costs, read_status
from .storage import storage

TIMELESS = ("continuous", "real_time")
"""The triggers with which a batch lasts as long as its interval, whatever it reads."""
JAVA_ERRORS = (Py4JJavaError, PySparkException)


def examine(job: Job, settings: RuntimeSettings, rate: int | None = None) -> int:
    """Print a line for each finding; return 0, or the exit code of the first error.

    With a rate of records in a second, say also whether the job can read as many.
    """
    report = Report()
    report.ask("interface", lambda: f"{INTERFACE}, of runtime and pipeline")
    report.ask("configuration", lambda: "complete")
    for warning in settings.warnings():
        print(f"?      configuration: {warning}")
    reachable = report.ask("servers", lambda: _servers(settings))
    try:
        conf = settings.spark_conf()
        spark = session.build(job.name, settings.session, settings.state, conf)
    except StreamJobError as error:
        return report.add_error("session", error)
    try:
        report.ask("session", lambda: f"Spark {spark.version}")
        if report.ask("file systems", lambda: _file_systems(spark, settings)):
            _examine_query(report, job, spark, settings, reachable=reachable)
            if rate:
                _examine_size(job, spark, settings, rate)
    finally:
        session.close(spark, settings.session)
    return report.exit_code


def _examine_query(
    report: "Report", job: Job, spark: SparkSession, settings: RuntimeSettings, *, reachable: bool
) -> None:
    try:
        if reachable:
            settings.check_data(spark)
        rows = job.stream(spark, settings)
    except StreamJobError as error:
        report.add_error("data", error)
        return
    except JAVA_ERRORS as error:
        report.add_error("data", _make_error(error))
        return
    report.ask("query plan", lambda: _plan(spark, rows, job.output_mode))
    if not reachable:
        print("?      target, checkpoint: not compared, because a server does not answer")
        return
    report.ask("target", lambda: _target(spark, settings, rows))
    report.ask("checkpoint", lambda: _checkpoint(job, spark, settings, rows))
    if warning := _ignored_options(spark, settings):
        print(f"?      start options: {warning}")


def _examine_size(job: Job, spark: SparkSession, settings: RuntimeSettings, rate: int) -> None:
    if job.trigger in TIMELESS:
        print(f"?      size: with the trigger {job.trigger}, a batch lasts as long as its interval")
        return
    root = storage(settings.checkpoint.root, spark)
    cost = read_costs(read_status(root)).fit()
    if cost is None:
        print(f"?      size: unknown before the job has run {LEAST_BATCHES} batches with records")
        return
    interval = find_interval(settings)
    seconds = to_timedelta(interval).total_seconds() if interval else 0
    limit = getattr(settings.source, "max_offsets_per_trigger", None)
    size = Size(rate, cost, seconds, limit)
    for line in size.describe():
        print(f"{'ok' if size.fits else '?':7}size: {line}")


class Report:
    """Findings, printed as they come."""

    def __init__(self) -> None:
        self.exit_code = 0

    def ask(self, subject: str, finding: Callable[[], str]) -> bool:
        """Print the finding, or the error instead of it; return whether it is a finding."""
        try:
            print(to_printable(f"ok     {subject}: {finding()}"))
        except StreamJobError as error:
            self.add_error(subject, error)
            return False
        except JAVA_ERRORS as error:
            self.add_error(subject, _make_error(error))
            return False
        return True

    def add_error(self, subject: str, error: StreamJobError) -> int:
        """Print an error; return the exit code of the first one."""
        print(to_printable(f"WRONG  {subject}: {error}"))
        self.exit_code = self.exit_code or error.exit_code
        return self.exit_code


def _make_error(error: Exception) -> StreamJobError:
    """Return an error of Spark as one line: a storage without access, for example."""
    message = f"{cause_of(error)}. Correct the cause; the log of `run` has the whole error."
    return StreamJobError(message)


def _target(spark: SparkSession, settings: RuntimeSettings, rows: DataFrame) -> str:
    if not settings.sink.has_target(spark):
        return "does not exist yet; the next start creates it"
    settings.sink.check_target(spark, rows)
    return "can store the result"


def _file_systems(spark: SparkSession, settings: RuntimeSettings) -> str:
    settings.check_file_systems(spark)
    own = settings.session.platform == "own"
    return "one for each folder" if own else "those of the platform"


def _servers(settings: RuntimeSettings) -> str:
    settings.check()
    return "answer"


def _plan(spark: SparkSession, rows: DataFrame, output_mode: str) -> str:
    """Run Spark's own check of streaming queries, which start() runs as well."""
    if is_remote():
        return f"Spark resolves it; the start shows whether it accepts it in {output_mode} mode"
    jvm: Any = spark._jvm  # noqa: SLF001 - PySpark has no name for this check
    mode = getattr(jvm.org.apache.spark.sql.streaming.OutputMode, output_mode.title())()
    checker = jvm.org.apache.spark.sql.catalyst.analysis.UnsupportedOperationChecker
    try:
        checker.checkForStreaming(rows._jdf.queryExecution().analyzed(), mode)  # noqa: SLF001
    except AnalysisException as error:
        message = f"Spark refuses it in {output_mode} mode: {error}. Correct transform.py."
        raise StreamJobError(message) from error
    return f"Spark accepts it in {output_mode} mode"


def _checkpoint(job: Job, spark: SparkSession, settings: RuntimeSettings, rows: DataFrame) -> str:
    root = storage(settings.checkpoint.root, spark)
    current = query_fingerprint(job, rows, settings)
    found = find_manifest(root, current, settings.sink.target_checkpoint_id(spark))
    if found is None:
        return "none yet; the next start creates it"
    held = check_progress(spark, settings, root, found.checkpoint_id)
    # A driver that runs has nearly always a batch that is not in quarantine yet.
    if not is_running(settings, root):
        check_rules(job, settings, root, held)
    find_data_ids(spark, root, settings)
    done, last = committed(root), planned(root)
    if last is None:
        state = "no batch yet"
    elif last != done:
        state = f"the next start replays batch {last}, which began and did not end"
    else:
        state = f"clean after batch {done}"
    frozen = {name: found.fingerprint[name] for name in ("state_partitions", "state_store")}
    pinned = ", ".join(f"{name} {value}" for name, value in frozen.items())
    return f"checkpoint id {found.checkpoint_id}, {state}; pinned: {pinned}"


def _ignored_options(spark: SparkSession, settings: RuntimeSettings) -> str:
    root = storage(settings.checkpoint.root, spark)
    manifest = read_manifest(root)
    first = manifest.start_options if manifest else None
    return ignored_options(root, settings.sources(), first)
