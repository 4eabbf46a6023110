"""docs/speed.md, made from the numbers of `make bench` in proof/speed.json."""

import json
import os
import platform
from statistics import median as exact_median

import pyspark

from tests.bench.load import START as FROM
from tests.bench.load import WINDOW, check
from tests.examples import ROOT

NUMBERS = ROOT / "proof" / "speed.json"
PAGE = ROOT / "docs" / "speed.md"
EVENTS = 1_000_000
TEXT = """\
# Speed

<!-- Written by `make bench` from proof/speed.json; run it instead of changing this page. -->

Measured on one machine: {machine}.
Broker, job and programs share its cores, so compare the ratios: the programs of a table ran in
turns, in one run. Each run had exactly the rows that plain Python expects. The load is a million
events of about 130 bytes, in time order, in a topic of four partitions, with 100 keys; a batch has
at most 100,000 events.
"""
THROUGHPUT = """\
## Throughput

Kafka, 5-minute totals for each key, Delta. The JVM is warm: each program has run before. The time
is that of all batches. The generated job also validates each record, counts, and writes quarantine
and metrics. The snippet is what tutorials show, with the defaults of Spark and Delta; it ran once,
after its own warm-up.

"""
PIECES = """\
## One batch

Where the time of a batch of 100,000 events goes: medians of the generated job, warm. Before it
writes a batch, Delta reads its own log to know whether the table has that batch already; no setting
avoids this. It takes as long for a large batch as for a small one: with batches of {large:,} events
(`source.max_offsets_per_trigger`), the job reaches {share:.2f} of the speed of its plan without a
sink.

"""
COLD = """\
## A whole process

From its start to its end, with nothing warm. The generated job has committed its first batch after
{generated:.0f} s. With the Java options of conf/dev.toml (`development`), which compile less at the
cost of throughput, it is {development:.0f} s. bytewax, a stream processor without a JVM, computes
the same totals from the same topic into a file, with one worker; it has no table, no validation
and no recovery here.

"""
INVALID = """\
## Invalid records

The generated job, warm. In this run, up to {limit:,} invalid records of a batch (`events.reported`)
are in Spark's own report of it; a batch with more is read a second time, beside the next one.

"""
LATENCY = """\
## Latency

From the time at which an event is sent to the time of its row: in a topic that at which the job's
producer sent it, in a table that of the commit. The jobs have no window and read 1,000 events a
second, of which the first minute does not count; the micro-batches follow each other without a
pause. 0 is less than half a millisecond.

"""
SIZES = """\
## Size

The generated job, warm. Of {batches:,} batches of 200 events, the first 100 need {first:,.0f} ms
each, and the last 100 {last:,.0f} ms.

"""


def read_numbers():
    """Return the numbers of the last run; none before the first."""
    return json.loads(NUMBERS.read_text("utf-8")) if NUMBERS.exists() else {}


def describe_machine(now):
    """Return what the numbers depend on, as text."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{now:%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, "
        f"Spark {pyspark.__version__}, Python {platform.python_version()}"
    )


def median(values):
    """Return the median, with three digits."""
    return float(f"{exact_median(values):.3g}")


def check_bytewax(load, output):
    """Require that the lines of bytewax_run.py are the rows of the load."""
    rows = []
    for line in output.read_text("utf-8").splitlines():
        key, number, count, total = json.loads(line)
        rows.append((FROM + number * WINDOW, key, count, total))
    check(load, rows, delay=-WINDOW)


def write(found):
    """Write the numbers, and the page from them."""
    NUMBERS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    PAGE.write_text(render(found), "utf-8")


def render(found):
    """Return the text of the page; a part whose numbers are missing is left out."""
    parts = {
        (): _introduce,
        ("hot", "snippet"): _draw_throughput,
        ("pieces",): _draw_pieces,
        ("cold",): _draw_cold,
        ("hot",): _draw_invalid,
        ("latency",): _draw_latency,
        ("sizes", "hot", "tiny"): _draw_sizes,
    }
    return "\n".join(draw(found) for needed, draw in parts.items() if found.keys() >= {*needed})


def _introduce(found):
    return TEXT.format(machine=found["machine"])


def _table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def compute_ratios(found):
    """Return the ratios that the README quotes: of the job's speed, and of a snippet's time."""
    job = exact_median(found["hot"]["generated"])
    return {
        "noop": exact_median(found["hot"]["noop"]) / job,
        "noop, large batches": found["pieces"]["share"],
        "snippet": found["snippet"] / job,
    }


def _draw_throughput(found):
    hot = found["hot"]
    seconds = {
        "the generated job, into Delta": exact_median(hot["generated"]),
        "its plan without a sink (noop)": exact_median(hot["noop"]),
        "the snippet, into Delta": found["snippet"],
    }
    job = seconds["the generated job, into Delta"]
    rows = [
        [name, f"{time:.1f}", f"{EVENTS / time:,.0f}", f"{time / job:.2f}"]
        for name, time in seconds.items()
    ]
    return THROUGHPUT + _table(["program", "seconds", "events/s", "time, job = 1"], rows)


def _draw_pieces(found):
    measured = found["pieces"]
    names = {
        "query": "the query: Kafka, validation, windows, state, Parquet files",
        "read": "Delta reads its own log",
        "commit": "Delta commits",
        "checkpoint": "Spark plans the batch, and writes the logs of the checkpoint",
    }
    rows = [
        [what, f"{measured[name]:,}", f"{measured[name] / measured['whole']:.2f}"]
        for name, what in names.items()
    ]
    return PIECES.format(**measured) + _table(["piece", "ms", "batch = 1"], rows)


def _draw_cold(found):
    cold = found["cold"]
    job = cold["generated"]["seconds"]
    rows = [
        [name, f"{of['seconds']:.1f}", f"{of['seconds'] / job:.2f}", f"{of['mib']:,}"]
        for name, of in cold.items()
    ]
    first = {name: cold[name]["first_batch"] for name in ("generated", "development")}
    return COLD.format(**first) + _table(["program", "seconds", "job = 1", "MiB"], rows)


def _draw_invalid(found):
    hot = {name: exact_median(of) for name, of in found["hot"].items()}
    names = {
        "generated": "none",
        "one-invalid": "one in each batch of 100,000",
        "percent-invalid": "1 in 100",
    }
    rows = [[what, f"{hot[name] / hot['generated']:.2f}"] for name, what in names.items()]
    return INVALID.format(limit=found["reported"]) + _table(
        ["invalid records", "time, none = 1"], rows
    )


def _draw_latency(found):
    rows = [[name, median_ms, late_ms] for name, (median_ms, late_ms) in found["latency"].items()]
    return LATENCY + _table(["job", "median, ms", "95 in 100, ms"], rows)


def _draw_sizes(found):
    job = exact_median(found["hot"]["generated"]) / EVENTS
    rows = [
        [name, f"{of['seconds']:.1f}", f"{of['seconds'] / of['events'] / job:.2f}"]
        for name, of in found["sizes"].items()
    ]
    return SIZES.format(**found["tiny"]) + _table(
        ["load", "seconds", "time for an event, main load = 1"], rows
    )
