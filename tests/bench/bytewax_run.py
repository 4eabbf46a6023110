"""The same totals with bytewax: `python bytewax_run.py BROKER TOPIC OUTPUT`, in its own packages.

It writes a JSON line for each window and key. At the end of the topic it closes all windows.
"""

import json
import sys
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
from bytewax.connectors.files import FileSink
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, TumblingWindower, fold_window
from bytewax.testing import run_main

FROM = datetime(2026, 3, 2, 6, tzinfo=UTC)
WINDOW, DELAY = timedelta(minutes=5), timedelta(minutes=10)


def parse(message):
    """Return the key, and time and amount, of a message."""
    event = json.loads(message.value)
    time = datetime.fromisoformat(event["event_time"])
    return event["event_type"], (time, event["amount"])


def add(total, event):
    """Return count and total with one more event."""
    return total[0] + 1, total[1] + event[1]


def merge(one, other):
    """Return count and total of two parts of a window."""
    return one[0] + other[0], one[1] + other[1]


def main():
    """Read the topic to its end."""
    broker, topic, output = sys.argv[1:]
    flow = Dataflow("totals")
    messages = op.input("messages", flow, KafkaSource([broker], [topic], tail=False))
    events = op.map("parse", messages, parse)
    clock = EventClock(ts_getter=lambda event: event[0], wait_for_system_duration=DELAY)
    windower = TumblingWindower(length=WINDOW, align_to=FROM)
    totals = fold_window("totals", events, clock, windower, lambda: (0, 0.0), add, merge)
    lines = op.map(
        "format",
        totals.down,
        lambda row: (row[0], json.dumps([row[0], row[1][0], *row[1][1]])),
    )
    op.output("rows", lines, FileSink(output))
    run_main(flow)


if __name__ == "__main__":
    main()
