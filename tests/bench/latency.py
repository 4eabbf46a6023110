"""Latency: from the time at which an event is sent to the time of its row in the target."""

import json
import signal
import statistics
import subprocess
import time
from datetime import UTC, datetime
from urllib.parse import unquote

import pyarrow.parquet as pq
from confluent_kafka import Consumer, Producer

RATE = 1000
"""Events in a second."""
SECONDS, WARM_UP = 100, 60
"""How long events are sent, and how many of these seconds are not measured."""
QUIET_SECONDS = 10
PATIENCE_SECONDS = 120


def measure_latency(command, folder, broker, topic, read_times, *, cwd, env):
    """Run a job while events are sent; return the median and the 95th percentile, in ms.

    Args:
        command: starts the job.
        folder: has `metrics.ndjson`, and keeps the output of the job.
        broker: the broker with the topic, which the job reads.
        topic: the name of that topic.
        read_times: a function that returns the time of each event's row, in seconds.
        cwd: the working directory of the job.
        env: its environment.
    """
    with (folder / "job.log").open("wb") as log:
        job = subprocess.Popen(command, cwd=cwd, env=env, stdout=log, stderr=log)
    try:
        _wait_for_start(folder / "metrics.ndjson", job)
        sent = _send(broker, topic)
        _wait_for_end(folder / "metrics.ndjson", len(sent))
    finally:
        job.send_signal(signal.SIGTERM)
        job.wait(PATIENCE_SECONDS)
    read = read_times()
    begin = min(sent.values()) + WARM_UP
    latencies = sorted(
        1000 * (read[event] - at) for event, at in sent.items() if at >= begin and event in read
    )
    measured = sum(at >= begin for at in sent.values())
    assert len(latencies) == measured, f"{measured - len(latencies)} events have no row"
    return round(statistics.median(latencies)), round(latencies[int(0.95 * len(latencies))])


def _wait_for_start(metrics, job):
    while not metrics.exists() or '"started"' not in metrics.read_text("utf-8"):
        assert job.poll() is None, "the job ended"
        time.sleep(0.1)


def _wait_for_end(metrics, events):
    """Wait until the job reports that it has read all events."""
    read, deadline = 0, time.monotonic() + PATIENCE_SECONDS
    while read < events and time.monotonic() < deadline:
        time.sleep(1)
        whole = metrics.read_text("utf-8").rpartition("\n")[0]
        lines = map(json.loads, whole.splitlines())
        read = sum(line["input_rows"] for line in lines if line["event"] == "batch")


def _send(broker, topic):
    """Send events at a constant rate; return the time of each."""
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "linger.ms": 0})
    sent, begun = {}, time.time()
    for number in range(RATE * SECONDS):
        time.sleep(max(0.0, begun + number / RATE - time.time()))
        event = f"e-{number}"
        now = time.time()
        values = {
            "event_id": event,
            "event_time": datetime.fromtimestamp(now, UTC).isoformat(),
            "event_type": f"type-{number % 100}",
            "user_id": number,
            "amount": 1.0,
        }
        producer.produce(topic, json.dumps(values).encode(), partition=number % 2)
        producer.poll(0)
        sent[event] = now
    producer.flush()
    return sent


def read_topic(broker, topic):
    """Return the time of each event's message in a topic, as its producer set it, in seconds."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": "latency",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    times, last = {}, time.monotonic()
    while time.monotonic() < last + QUIET_SECONDS:
        if message := consumer.poll(1):
            last = time.monotonic()
            times[json.loads(message.value())["event_id"]] = message.timestamp()[1] / 1000
    consumer.close()
    return times


def read_table(path):
    """Return the time of the commit of each event's row in a Delta table, in seconds."""
    times = {}
    for log in path.glob("_delta_log/*.json"):
        for action in map(json.loads, log.read_text("utf-8").splitlines()):
            if "add" in action:
                file = path / unquote(action["add"]["path"])
                ids = pq.read_table(file, columns=["event_id"])["event_id"]
                times |= dict.fromkeys(ids.to_pylist(), log.stat().st_mtime)
    return times
