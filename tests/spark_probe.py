"""Spark's response to a set of answers: the simplest query with these answers, checked and started.

Sources, operators and sinks are real. For Spark, `delta_merge` and `jdbc` are a `foreachBatch`, so
one `foreachBatch` that writes nothing replaces both. Custom state is in RocksDB.
"""

import itertools
import json
import time
from dataclasses import dataclass

import pandas as pd
from confluent_kafka import Producer
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor

EVENT = "id STRING, at TIMESTAMP, kind STRING, amount DOUBLE"
EVENTS = [
    {"id": f"{n}", "at": f"2026-01-01T00:{n:02d}:00Z", "kind": "ab"[n % 2], "amount": n / 4}
    for n in range(6)
]
DELAY = "10 minutes"
WINDOWS = {
    "tumbling": lambda: F.window("at", "5 minutes"),
    "sliding": lambda: F.window("at", "10 minutes", "5 minutes"),
    "session": lambda: F.session_window("at", "5 minutes"),
}
JOINS = {"stream_inner": "inner", "stream_left": "left_outer"}
PARTNER = "kind = other_kind AND other_at BETWEEN at AND at + INTERVAL 1 HOUR"
TRIGGERS = {
    "processing_time": {"processingTime": "0 seconds"},
    "available_now": {"availableNow": True},
    "continuous": {"continuous": "100 milliseconds"},
    "real_time": {"realTime": "300 milliseconds"},
}
# The format of each sink for Spark. Sinks without a format write in foreachBatch.
FORMATS = {
    "delta": "delta",
    "delta_merge": "",
    "kafka": "kafka",
    "jdbc": "",
    "files": "parquet",
    "console": "console",
    "iceberg": "iceberg",
}
CATALOG = "spark.sql.catalog.probe"
STORE = "spark.sql.streaming.stateStore.providerClass"
ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
EVENTS_TOPIC, RESULTS_TOPIC = "probe-events", "probe-results"
FIRST_BATCH_SECONDS = 60


@dataclass(frozen=True)
class Response:
    """Whether Spark accepts a query, and its error message if not."""

    accepted: bool
    message: str = ""


class UnknownTriggerError(Exception):
    """Raised if this version of PySpark does not have the trigger."""


class SparkProbe:
    """Queries in one session, with the same few events in a topic, a table and a folder.

    Args:
        spark: a session with all connectors. The probe changes its settings.
        broker: a running Kafka broker.
        folder: the parent of inputs, targets and checkpoints.
    """

    def __init__(self, spark, broker, folder):
        self._spark = spark
        self._servers = broker.bootstrap_servers
        self._folder = folder
        self._names = (f"query-{number}" for number in itertools.count())
        lines = [json.dumps(event) for event in EVENTS]
        (folder / "files").mkdir()
        (folder / "files" / "events.json").write_text("\n".join(lines), "utf-8")
        events = spark.read.schema(EVENT).json(str(folder / "files"))
        events.write.format("delta").save(str(folder / "table"))
        spark.conf.set(CATALOG, "org.apache.iceberg.spark.SparkCatalog")
        spark.conf.set(f"{CATALOG}.type", "hadoop")
        spark.conf.set(f"{CATALOG}.warehouse", str(folder / "warehouse"))
        # A row-by-row trigger needs a core for each partition.
        for topic in (EVENTS_TOPIC, RESULTS_TOPIC):
            broker.create_topic(topic, partitions=1)
        producer = Producer({"bootstrap.servers": self._servers})
        for line in lines:
            producer.produce(EVENTS_TOPIC, line)
        assert producer.flush(FIRST_BATCH_SECONDS) == 0
        # Spark's default minimum for real-time batches is five seconds.
        spark.conf.set("spark.sql.streaming.realTimeMode.minBatchDuration", "300")

    def probe(self, answers, *, start=True, store=ROCKSDB):
        """Check the query with Spark's plan checker, then start it; return Spark's response.

        Args:
            answers: the answers that the query has.
            start: False to check the plan only.
            store: the class of the state store.
        """
        self._spark.conf.set(STORE, store)
        try:
            query = self._make_query(answers)
            self._check_plan(query, answers["output_mode"], answers["trigger"])
            if start:
                self._run_batch(query, answers)
        except (PySparkException, Py4JJavaError, UnknownTriggerError) as error:
            return Response(False, " ".join(str(error).partition("===")[0].split()))
        return Response(True)

    def _make_query(self, answers):
        """Return the rows for the sink, with a watermark if an operator needs one."""
        operators = {answers[axis] for axis in ("window", "join", "state")}
        rows = self._read(answers["source"])
        if operators - {"none", "static_lookup"}:
            rows = rows.withWatermark("at", DELAY)
        rows = self._join(rows, answers["join"], answers["source"])
        if answers["state"] == "deduplicate":
            rows = rows.dropDuplicatesWithinWatermark(["id"])
        if answers["state"] == "custom":
            rows = count_events(rows)
        if answers["window"] == "none":
            return rows
        window = WINDOWS[answers["window"]]().alias("window")
        keys = [] if answers.get("key") == "missing" else ["kind"]
        sums = rows.groupBy(window, *keys).agg(F.sum("amount").alias("total"))
        return sums.select("window.start", "window.end", *keys, "total")

    def _read(self, source):
        reader = self._spark.readStream
        if source == "files":
            return reader.schema(EVENT).json(str(self._folder / "files"))
        if source == "delta":
            return reader.format("delta").load(str(self._folder / "table"))
        assert source == "kafka", source
        topic = {"kafka.bootstrap.servers": self._servers, "subscribe": EVENTS_TOPIC}
        records = reader.format("kafka").options(**topic, startingOffsets="earliest").load()
        event = F.from_json(F.col("value").cast("string"), EVENT).alias("event")
        return records.select(event).select("event.*")

    def _join(self, rows, join, source):
        if join == "none":
            return rows
        if join == "static_lookup":
            names = self._spark.sql("SELECT * FROM VALUES ('a', 'first') AS (kind, name)")
            return rows.join(F.broadcast(names), "kind", "left")
        other = self._read(source).selectExpr("kind AS other_kind", "at AS other_at")
        other = other.withWatermark("other_at", DELAY)
        return rows.join(other, F.expr(PARTNER), JOINS[join]).drop("other_kind", "other_at")

    def _check_plan(self, query, mode, trigger):
        """Run Spark's own check of a plan, which reads and writes no data."""
        packages = self._spark._jvm.org.apache.spark.sql  # noqa: SLF001 - PySpark has no API for it
        checker = packages.catalyst.analysis.UnsupportedOperationChecker
        plan = query._jdf.queryExecution().analyzed()  # noqa: SLF001 - the same
        output = getattr(packages.streaming.OutputMode, mode.capitalize())()
        if trigger == "continuous":
            checker.checkForContinuous(plan, output)
        else:
            checker.checkForStreaming(plan, output)

    def _run_batch(self, query, answers):
        """Start the query, and stop it after its first commit."""
        checkpoint = self._folder / f"{next(self._names)}-checkpoint"
        writer = self._make_writer(query, answers["sink"]).outputMode(answers["output_mode"])
        writer = writer.option("checkpointLocation", str(checkpoint))
        stream = _set_trigger(writer, answers["trigger"]).start()
        try:
            deadline = time.monotonic() + FIRST_BATCH_SECONDS
            while not (checkpoint / "commits" / "0").exists():
                assert time.monotonic() < deadline, "no commit and no error in time"
                # A query that ended without an error has committed since the line above.
                if not stream.isActive and (error := stream.exception()):
                    raise error
                time.sleep(0.02)
        finally:
            stream.stop()

    def _make_writer(self, query, sink):
        writer, target = query.writeStream, str(self._folder / next(self._names))
        if sink == "kafka":
            topic = {"kafka.bootstrap.servers": self._servers, "topic": RESULTS_TOPIC}
            records = query.select(F.to_json(F.struct("*")).alias("value"))
            return records.writeStream.format("kafka").options(**topic)
        if not FORMATS[sink]:
            return writer.foreachBatch(
                lambda rows, _: rows.write.format("noop").save(mode="append")
            )
        if sink == "iceberg":
            # Iceberg's sink does not create the table. Names in a catalog cannot have hyphens.
            target = f"probe.tables.{next(self._names).replace('-', '_')}"
            self._spark.createDataFrame([], query.schema).writeTo(target).using(sink).create()
        return writer.format(FORMATS[sink]).option("path", target)


def _set_trigger(writer, trigger):
    try:
        return writer.trigger(**TRIGGERS[trigger])
    except TypeError as error:
        raise UnknownTriggerError(str(error)) from error


def count_events(rows):
    """Add custom state that counts the events of each kind."""

    # A local class is serialized by value. Workers could not import it from this module.
    class EventCounter(StatefulProcessor):
        def init(self, handle):
            self._count = handle.getValueState("count", "count BIGINT")

        def handleInputRows(self, key, rows, timerValues):  # noqa: ARG002, N802, N803 - Spark's
            events = pd.concat(rows)
            count = len(events) + (self._count.get()[0] if self._count.exists() else 0)
            self._count.update((count,))
            last = events["at"].max()
            yield pd.DataFrame({"kind": key, "at": [last], "amount": [float(count)]})

        def close(self):
            pass

    return rows.groupBy("kind").transformWithStateInPandas(
        statefulProcessor=EventCounter(),
        outputStructType="kind STRING, at TIMESTAMP, amount DOUBLE",
        outputMode="Append",
        timeMode="EventTime",
        eventTimeColumnName="at",
    )
