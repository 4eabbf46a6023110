"""Runs in one JVM: the job of a generated project, its plan without a sink, and a common snippet.

The program reads a request per line and answers with a line; so runs of several programs can take
turns. `python -m tests.bench.spark_runs` runs in the folder of a generated project.
"""

import json
import shutil
import sys
from importlib import import_module
from pathlib import Path

BATCH = 100_000
MOST_BATCHES = 10_000
ANSWER = "ANSWER "


def run_generated(request):
    """Run the project's own `run`, until everything is read."""
    from stream_runtime.run import run  # noqa: PLC0415 - only in a generated project

    job, settings, folder = _prepare(request)
    code = run(job, settings)
    assert code == 0, f"the job ended with exit code {code}"
    lines = map(json.loads, (folder / "metrics.ndjson").read_text("utf-8").splitlines())
    return [(line["input_rows"], line["duration_ms"]) for line in lines if line["event"] == "batch"]


def run_noop(request):
    """Run the plan of the project into Spark's noop sink: what its Spark reaches at best."""
    from stream_runtime import session  # noqa: PLC0415 - only in a generated project

    job, settings, folder = _prepare(request)
    spark = session.build(job.name, settings.session, settings.state, settings.spark_conf())
    try:
        rows = job.stream(spark, settings)
        writer = rows.writeStream.format("noop").outputMode(job.output_mode)
        return _follow(spark, writer, folder)
    finally:
        spark.stop()


def run_snippet(request):
    """Run what tutorials show, with the defaults of Spark and Delta."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - as in the other functions
    from pyspark.sql import functions as F  # noqa: PLC0415

    folder = _make_folder(request)
    spark = (
        SparkSession.builder.appName("snippet")
        .master("local[2]")
        .config("spark.jars", request["jars"])
        .config("spark.ui.enabled", "false")
        .config("spark.log.level", "ERROR")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config(
            "spark.sql.catalog.spark_catalog",
            "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        )
        # The results are compared; only this differs from the defaults.
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    schema = (
        "event_id STRING, event_time TIMESTAMP, event_type STRING, user_id BIGINT, amount DOUBLE"
    )
    try:
        messages = (
            spark.readStream.format("kafka")
            .option("kafka.bootstrap.servers", request["bootstrap_servers"])
            .option("subscribe", request["topic"])
            .option("startingOffsets", "earliest")
            .option("maxOffsetsPerTrigger", request.get("batch", BATCH))
            .load()
        )
        events = messages.select(
            F.from_json(F.col("value").cast("string"), schema).alias("event")
        ).select("event.*")
        rows = (
            events.withWatermark("event_time", "10 minutes")
            .groupBy(F.window("event_time", "5 minutes"), "event_type")
            .agg(F.count("*").alias("event_count"), F.sum("amount").alias("total_amount"))
            .select("window.start", "window.end", "event_type", "event_count", "total_amount")
            .toDF("window_start", "window_end", "event_type", "event_count", "total_amount")
        )
        writer = rows.writeStream.format("delta").outputMode("append")
        return _follow(spark, writer.option("path", str(folder / "result")), folder)
    finally:
        spark.stop()


def _prepare(request):
    """Return the job, its settings and the folder of this run, from a line of JSON."""
    from stream_runtime.config import load  # noqa: PLC0415 - only in a generated project

    package = next(Path("src").glob("*/job.py")).parent.name
    job = import_module(f"{package}.job").JOB
    folder = _make_folder(request)
    overrides = {
        "source.bootstrap_servers": request["bootstrap_servers"],
        "source.topic": request["topic"],
        "source.max_offsets_per_trigger": request.get("batch", BATCH),
        "session.jars": request["jars_folder"],
        # None: those of conf/dev.toml, which make starts fast.
        "session.java_options": request.get("java_options", ""),
        "sink.path": folder / "result",
        "checkpoint.root": folder / "checkpoint",
        "quarantine.path": folder / "quarantine",
        "metrics.log": folder / "metrics.ndjson",
        "metrics.port": 0,
    }
    options = [f"{key}={value}" for key, value in overrides.items() if value is not None]
    return job, load(job.settings, "dev", options), folder


def _make_folder(request):
    folder = Path(request["folder"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _follow(spark, writer, folder):
    """Run a query until everything is read; return rows and milliseconds of each batch."""
    # A generated project keeps the reports of a few batches only.
    spark.conf.set("spark.sql.streaming.numRecentProgressUpdates", MOST_BATCHES)
    query = (
        writer.trigger(availableNow=True)
        .option("checkpointLocation", str(folder / "checkpoint"))
        .start()
    )
    query.awaitTermination()
    return [
        (report.numInputRows, report.durationMs["triggerExecution"])
        for report in query.recentProgress
    ]


RUNS = {"generated": run_generated, "noop": run_noop, "snippet": run_snippet}


def main():
    """Answer requests until the input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"batches": RUNS[request["run"]](request)}
        print(ANSWER + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
