"""From configuration to a running, supervised stream."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial, reduce
from itertools import count

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession, is_remote
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from . import session
from .batch import BatchProgress
from .checkpoint import sole_driver
from .config import is_local, to_timedelta
from .continuous import ContinuousListener
from .data_ids import find_data_ids, record_data_ids
from .errors import CheckpointError, SetupError, StreamJobError
from .fingerprint import Fingerprint, fingerprint
from .job import Job
from .lease import Lease
from .lifecycle import Drain, Supervisor, end_on_signal
from .listener import ProgressListener, listen
from .manifest import NEW_PLACES, START_OVER, Manifest, admit
from .places import explain
from .quarantine import RETAINED, BatchReplay, QuarantineProgress, QuarantineWrite, SideQuery
from .records import select_invalid
from .reporting import Reporter
from .rules import check_rules, record_rules
from .settings import RuntimeSettings
from .spark_log import (
    NOT_BEGUN,
    committed,
    describe_due,
    offsets,
    planned,
    query_id,
    require_whole,
)
from .start_options import ignored_options, start_options
from .status_file import StatusFile
from .storage import Storage, storage
from .unreadable import UnreadableFiles

log = logging.getLogger(__name__)


def run(job: Job, settings: RuntimeSettings) -> int:
    """Run the job until it is done or drained; return the exit code.

    Raises:
        StreamJobError: with the reason, and the exit code that goes with it.
    """
    begun = datetime.now(UTC)
    with end_on_signal(), _admitted(job, settings) as admitted:
        with Drain(admitted.root, begun).listen() as drain:
            _supervise(job, settings, admitted, drain)
        return drain.exit_code


def create(job: Job, settings: RuntimeSettings) -> int:
    """Create the target of the checkpoint before the first start; return the exit code.

    Raises:
        StreamJobError: with the reason, and the exit code that goes with it.
    """
    with _admitted(job, settings):
        log.info("the target is ready, for the checkpoint on %s", settings.checkpoint.root)
    return 0


@dataclass(frozen=True)
class Admission:
    """What a start has once checkpoint, code and target fit."""

    spark: SparkSession
    root: Storage
    manifest: Manifest
    lease: Lease
    rows: DataFrame
    """The result rows, as a stream that is not started."""


@contextmanager
def _admitted(job: Job, settings: RuntimeSettings) -> Iterator[Admission]:
    """Open a session in which checkpoint, code and target fit, and no other driver runs."""
    with _name_outages(settings), session.require_jvm(), ExitStack() as stack:
        if settings.has_lock:
            stack.enter_context(sole_driver(settings.checkpoint.root))
        settings.check()
        for warning in settings.warnings():
            log.warning(warning)
        conf = settings.spark_conf()
        log.info("starting %s", job.name)
        spark = session.build(job.name, settings.session, settings.state, conf)
        stack.callback(session.close, spark, settings.session)
        if settings.session.master:
            session.warm_up(spark)
        settings.check_file_systems(spark)
        root = storage(settings.checkpoint.root, spark)
        seconds = to_timedelta(settings.checkpoint.lease).total_seconds()
        has_sure_lock = settings.has_lock and not settings.checkpoint.shared_mount
        lease = Lease(root, seconds, locked=has_sure_lock)
        stack.enter_context(lease.hold())
        settings.check_data(spark)
        rows = job.stream(spark, settings)
        fingerprint = query_fingerprint(job, rows, settings)
        lease.confirm()
        options = start_options(settings.sources())
        target_id = settings.sink.target_checkpoint_id(spark)
        manifest = admit(root, fingerprint, target_id, options)
        held = check_progress(spark, settings, root, manifest.checkpoint_id)
        check_rules(job, settings, root, held)
        ids = find_data_ids(spark, root, settings)
        if warning := ignored_options(root, settings.sources(), manifest.start_options):
            log.warning(warning)
        settings.sink.prepare(spark, rows, manifest.checkpoint_id)
        record_data_ids(spark, root, settings, ids)
        yield Admission(spark, root, manifest, lease, rows)


@contextmanager
def _name_outages(settings: RuntimeSettings) -> Iterator[None]:
    """Raise SetupError for an error of a disk or of Java, such as a full disk during the start."""
    try:
        yield
    except (OSError, Py4JJavaError) as error:
        log.exception("The job cannot continue:")
        message = f"{explain(error, settings)}. Correct the cause, then start again."
        raise SetupError(message) from error


def check_progress(
    spark: SparkSession, settings: RuntimeSettings, root: Storage, checkpoint_id: str
) -> int | None:
    """Require that source and target are still those of the committed batches.

    Returns:
        The last batch that the target has, None if the sink cannot tell.

    Raises:
        CheckpointError: the checkpoint is damaged, the target is gone or of another moment than
            the checkpoint, or the source has lost what the next batch reads.
    """
    last, due = committed(root), planned(root)
    require_whole(root, last, due)
    held = None
    if settings.sink.has_target(spark):
        held = settings.sink.last_batch(spark, checkpoint_id, query_id(root))
        if held is not None:
            _compare_batches(held, -1 if last is None else last, due)
    elif last is not None:
        message = (
            f"The checkpoint has committed its batches up to {last}, but the sink's target does "
            "not exist: a new one would have only later rows. Restore the target, or start with a "
            f"new checkpoint, from the beginning of the source. {START_OVER}"
        )
        raise CheckpointError(message)
    ends = [] if last is None else offsets(root, last)
    for source, offset in zip(settings.sources(), ends, strict=False):
        if offset != NOT_BEGUN:
            source.check_offsets(spark, offset)
    return held


def _compare_batches(held: int, last: int, due: int | None) -> None:
    """Require that the target has all committed batches, and none that the checkpoint plans not.

    The sink skips a batch whose id the target has. So with an older checkpoint it would skip
    batches that have other records, and with an older target their rows would be missing.
    """
    if last <= held <= (-1 if due is None else due):
        return
    older, newer = ("target", "checkpoint") if held < last else ("checkpoint", "target")
    committed_batches = f"has committed its batches up to {last}" if last >= 0 else "has none"
    message = (
        f"The sink's target has the batches up to {held}, but the checkpoint {committed_batches}: "
        f"the {older} is an older copy than the {newer}, and rows would be lost or wrong. Restore "
        f"both from the same moment, or {NEW_PLACES}"
    )
    raise CheckpointError(message)


def query_fingerprint(job: Job, rows: DataFrame, settings: RuntimeSettings) -> Fingerprint:
    """Return what a checkpoint of this job pins."""
    return fingerprint(
        rows,
        job.output_mode,
        source=settings.source_id(),
        state_partitions=settings.state.partitions,
        state_store=settings.state.store,
        **settings.pinned_facts(),
    )


def _supervise(job: Job, settings: RuntimeSettings, admitted: Admission, drain: Drain) -> None:
    spark, root = admitted.spark, admitted.root
    checkpoint_id = admitted.manifest.checkpoint_id
    reporter = Reporter(settings.metrics, job.name, StatusFile(root))
    target = f"{settings.quarantine.path}/{checkpoint_id}"
    records = _reachable(target, spark)

    def find_held() -> int | None:
        return settings.sink.last_batch(spark, checkpoint_id, query_id(root))

    unreadable = UnreadableFiles(
        spark, root, settings, records, find_held, reporter.unreadable_file
    )

    def invalid_records(watermark: int | None = None) -> DataFrame:
        return read_invalid(job, spark, unreadable.leave_out(), watermark)

    def follow(batch: BatchProgress) -> int | None:
        unreadable.find_missing_of(batch.batch_id)
        return quarantine.follow(batch)

    def describe() -> str:
        lag = "" if job.continuous else quarantine.describe_lag()
        return " ".join(filter(None, (describe_due(root), lag)))

    write = _quarantine_write(
        job, spark, settings, root, target, invalid_records, drain, unreadable.find_missing_of
    )
    late = settings.quarantine.late and job.late_from is not None
    quarantine = QuarantineProgress(root, write, reporter, records, late=late)
    reporter.start(job=job.name, checkpoint_id=checkpoint_id, guarantee=job.guarantee)
    log.info("%s runs on %s; `make stop` drains it", job.name, settings.checkpoint.root)

    attempts = count()

    def begin() -> StreamingQuery:
        # An outage is not a failing batch: it ends the job with another exit code.
        settings.check()
        is_first = next(attempts) == 0
        if not is_first:
            # The last attempt may have failed because a topic was deleted.
            record_data_ids(spark, root, settings, find_data_ids(spark, root, settings))
        unreadable.find_missing()
        quarantine.recover()
        record_rules(job, settings, root)
        readable = unreadable.leave_out()
        # A new attempt looks at the source again.
        is_analyzed = is_first and readable is settings
        rows = admitted.rows if is_analyzed else job.stream(spark, readable)
        return start(job, rows, readable, checkpoint_id)

    listener = ContinuousListener(root) if job.continuous else ProgressListener()
    try:
        with listen(listener, spark):
            supervisor = Supervisor(
                start=begin,
                listener=listener,
                follow=follow,
                require=admitted.lease.require,
                reporter=reporter,
                drain=drain,
                lifecycle=settings.lifecycle,
                explain=partial(explain, settings=settings),
                remedy=unreadable.add,
                describe=describe,
            )
            supervisor.run()
    except StreamJobError as error:
        reporter.fail(error)
        raise
    reporter.stop(drain.exit_code)


def _quarantine_write(
    job: Job,
    spark: SparkSession,
    settings: RuntimeSettings,
    root: Storage,
    target: str,
    records: Callable[..., DataFrame],
    drain: Drain,
    prepare: Callable[[int], None],
) -> QuarantineWrite:
    location = settings.checkpoint.root
    if job.replays_batches(settings):
        drain_seconds = to_timedelta(settings.lifecycle.drain).total_seconds()
        is_over = partial(drain.is_over, drain_seconds)
        retained = int(str(spark.conf.get(RETAINED, "100")))
        given = (root, location, target, records, is_over)
        return BatchReplay(*given, retained=retained, prepare=prepare)
    # A drain does not wait until a second reading has read everything.
    return SideQuery(root, location, target, records, drain.is_requested)


def _reachable(target: str, spark: SparkSession) -> Storage | None:
    """Return the storage of a folder, None if only Spark can reach it."""
    return storage(target, spark) if is_local(target) or not is_remote() else None


def start(
    job: Job, rows: DataFrame, settings: RuntimeSettings, checkpoint_id: str
) -> StreamingQuery:
    """Start the query of the result rows on its checkpoint."""
    writer = job.write(rows, settings, checkpoint_id).queryName(job.name)
    return writer.option("checkpointLocation", settings.checkpoint.stream).start()


def read_invalid(
    job: Job, spark: SparkSession, settings: RuntimeSettings, watermark: int | None = None
) -> DataFrame:
    """Return the invalid records of all inputs as a stream.

    With the watermark of the batch before, in milliseconds since 1970, return late events as well.
    Its sources are those of the job's query, in the same order: a batch replay gives it their logs.
    """
    is_late = None if watermark is None else job.late_check(settings, F.lit(watermark))
    inputs = zip(job.read(spark, settings), job.inputs, strict=True)
    parts = [
        select_invalid(envelopes, schema, settings.events, is_late) for envelopes, schema in inputs
    ]
    return reduce(DataFrame.union, parts)
