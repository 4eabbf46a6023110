"""From configuration to a running, supervised stream."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial, reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from . import session
from .checkpoint import Contract, admit, sole_driver
from .epochs import EpochFeed
from .errors import StreamJobError
from .fingerprint import Fingerprint, fingerprint
from .job import Job
from .lifecycle import Drain, Supervisor
from .progress import Feed, Reporter, fed, say
from .quarantine import Replay, SecondReading, Sweeper
from .records import bad
from .settings import RuntimeSettings
from .storage import Storage, storage


def run(job: Job, settings: RuntimeSettings) -> int:
    """Run the job until it is done or drained; the exit code.

    Raises:
        StreamJobError: with the reason, and the exit code that goes with it.
    """
    with _admitted(job, settings) as (spark, root, contract), Drain(root).listening() as drain:
        _supervise(job, spark, settings, root, contract, drain)
        return drain.exit_code


def create(job: Job, settings: RuntimeSettings) -> int:
    """Create the target ahead of the first start, owned by the checkpoint; the exit code.

    Raises:
        StreamJobError: with the reason, and the exit code that goes with it.
    """
    with _admitted(job, settings):
        say(f"the target is there, for the checkpoint on {settings.checkpoint.root}")
    return 0


@contextmanager
def _admitted(
    job: Job, settings: RuntimeSettings
) -> Iterator[tuple[SparkSession, Storage, Contract]]:
    """A session in which checkpoint, code and target belong together, and no other driver runs."""
    job.check(settings)
    with ExitStack() as stack:
        if settings.session.platform == "own":
            stack.enter_context(sole_driver(settings.checkpoint.root))
        spark = session.build(job.NAME, settings.session, settings.state, job.spark_conf(settings))
        stack.callback(session.close, spark, settings.session)
        root = storage(settings.checkpoint.root, spark)
        rows = job.result(job.read(spark, settings), settings)
        contract = admit(root, shape(job, rows, settings), job.owner(spark, settings))
        job.prepare(spark, rows, settings, contract.epoch)
        yield spark, root, contract


def shape(job: Job, rows: DataFrame, settings: RuntimeSettings) -> Fingerprint:
    """What a checkpoint of this job is bound to."""
    return fingerprint(
        rows,
        job.OUTPUT_MODE,
        source=job.origin(settings),
        state_partitions=settings.state.partitions,
        state_store=settings.state.store,
        **settings.bound(),
    )


def _supervise(
    job: Job,
    spark: SparkSession,
    settings: RuntimeSettings,
    root: Storage,
    contract: Contract,
    drain: Drain,
) -> None:
    reporter = Reporter(settings.metrics, job.NAME)
    target = f"{settings.quarantine.path}/{contract.epoch}"
    found = partial(bad_records, job, spark, settings)
    location = settings.checkpoint.root
    sweeper = Sweeper(
        root,
        Replay(root, location, target, found)
        if job.REPLAYABLE
        else SecondReading(root, location, target, found, drain.asked),
        reporter,
    )
    reporter.event("started", job=job.NAME, epoch=contract.epoch, guarantee=job.GUARANTEE)
    say(f"{job.NAME} runs on {settings.checkpoint.root}; `make stop` drains it")

    def begin() -> StreamingQuery:
        # An outage is not a failing batch: it ends the job with another exit code.
        job.check(settings)
        sweeper.recover()
        return start(job, spark, settings, contract.epoch)

    try:
        with fed(Feed() if job.REPORTS else EpochFeed(root), spark) as feed:
            supervisor = Supervisor(
                start=begin,
                feed=feed,
                follow=sweeper.follow,
                reporter=reporter,
                drain=drain,
                lifecycle=settings.lifecycle,
            )
            supervisor.run()
    except StreamJobError as error:
        reporter.event("failed", cause=str(error), exit_code=error.exit_code)
        raise
    reporter.event("stopped", exit_code=drain.exit_code)


def start(job: Job, spark: SparkSession, settings: RuntimeSettings, epoch: str) -> StreamingQuery:
    """Start the query on its checkpoint."""
    rows = job.result(job.read(spark, settings), settings)
    location = settings.checkpoint.stream
    writer = job.write(rows, settings, epoch).queryName(job.NAME)
    return writer.option("checkpointLocation", location).start()


def bad_records(job: Job, spark: SparkSession, settings: RuntimeSettings) -> DataFrame:
    """The records of all inputs that hold no event, as a stream.

    Its sources are those of the job's query, in the same order: a replay gives it their logs.
    """
    inputs = zip(job.read(spark, settings), job.INPUTS, strict=True)
    parts = [bad(envelopes, schema, settings.events) for envelopes, schema in inputs]
    return reduce(DataFrame.union, parts)
