"""What a batch of the generated job spends its time on, from Spark's event log."""

import json
import re
from collections import defaultdict
from statistics import median

BATCH = re.compile(r"batch = (\d+)$")
"""The end of the description of an execution that is a batch."""
WITH_LOG = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
}


def log_options(folder):
    """Return the variable of PySpark with which a new JVM writes its event log to a folder."""
    settings = {**WITH_LOG, "spark.eventLog.dir": folder.as_uri()}
    options = " ".join(f"--conf {name}={value}" for name, value in settings.items())
    return {"PYSPARK_SUBMIT_ARGS": f"{options} pyspark-shell"}


def read_pieces(log):
    """Return the median milliseconds of each piece of a batch with records.

    Spark runs a batch as one execution with others in it. The longest of these is the query; Delta
    reads its own log before it, and commits after it.
    """
    begins, ends, batches, wholes = {}, {}, {}, {}
    inner = defaultdict(list)
    with log.open(encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            kind = event["Event"]
            if kind.endswith("SQLExecutionStart"):
                number, root = event["executionId"], event["rootExecutionId"]
                begins[number] = event["time"]
                if number != root:
                    inner[root].append(number)
                elif found := BATCH.search(event["description"]):
                    batches[int(found[1])] = number
            elif kind.endswith("SQLExecutionEnd"):
                ends[event["executionId"]] = event["time"]
            elif kind.endswith("QueryProgressEvent"):
                report = event["progress"]
                if any(source["numInputRows"] for source in report["sources"]):
                    root = batches[report["batchId"]]
                    wholes[root] = report["durationMs"]["triggerExecution"]
    pieces = defaultdict(list)
    for root, whole in wholes.items():
        query = max(inner[root], key=lambda number: ends[number] - begins[number])
        pieces["whole"].append(whole)
        pieces["checkpoint"].append(whole - (ends[root] - begins[root]))
        pieces["read"].append(begins[query] - begins[root])
        pieces["query"].append(ends[query] - begins[query])
        pieces["commit"].append(ends[root] - ends[query])
    return {name: round(median(times)) for name, times in pieces.items()}
