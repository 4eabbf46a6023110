"""The speed of generated jobs: `make bench` measures it and writes docs/speed.md.

Everything runs on this machine, with a real broker. Programs that are compared take turns, and the
page has ratios of one run. Each run must have exactly the rows that plain Python expects.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from deltalake import DeltaTable
from stream_devkit.servers.kafka import Broker
from stream_runtime.records import Events

from tests import sparks
from tests.bench import latency, page, pieces
from tests.bench.load import Load, check
from tests.bench.memory import PeakMemory
from tests.bench.spark_runs import ANSWER
from tests.examples import PACKAGES, ROOT, bake

BYTEWAX = ["bytewax==0.21.1", "confluent-kafka==2.16.1"]
EVENTS = 1_000_000
HERE = Path(__file__).parent
TINY_BATCH, TINY_BATCHES = 200, 1000
LARGE_BATCH = 300_000
LATENCY = {
    "Kafka to Kafka, micro-batch": (
        {"trigger": "processing_time", "sink": "kafka"},
        {"trigger.interval": "0 seconds"},
    ),
    "Kafka to Delta, micro-batch": (
        {"trigger": "processing_time", "sink": "delta"},
        {"trigger.interval": "0 seconds"},
    ),
    "Kafka to Kafka, real time": (
        {"trigger": "real_time", "sink": "kafka", "output_mode": "update"},
        {},
    ),
    "Kafka to Kafka, continuous": ({"trigger": "continuous", "sink": "kafka"}, {}),
}


class Bench:
    """One run of the benchmark: the broker, the topics and the generated project.

    Args:
        folder: for all files of the run.
        broker: a running broker.
        events: the number of events of the main load.
        rounds: how often each compared program is measured, after a round to warm up.
    """

    def __init__(self, folder, broker, events, rounds):
        self.folder, self.broker, self.rounds = folder, broker, rounds
        self.jars = sparks.fetch_connector_jars()
        self.project = bake(folder, hooks=False, trigger="available_now")
        one_per_batch = frozenset(range(0, events, 100_000))
        self.loads = {
            "warm-up": Load(200_000),
            "main": Load(events),
            "one-invalid": Load(events, invalid=one_per_batch),
            "percent-invalid": Load(events, invalid=frozenset(range(0, events, 100))),
        }
        self._sent = set()

    def sum_batches(self, answer, load="main"):
        """Return the seconds of all batches, which must have read each record of the load."""
        read = sum(rows for rows, _ in answer["batches"])
        assert read == self.loads[load].records, f"the batches have {read} records of {load}"
        return round(sum(milliseconds for _, milliseconds in answer["batches"]) / 1000, 1)

    def request(self, name, load="main", **more):
        """Return a request to spark_runs.py; the events of the load are in a topic."""
        if load not in self._sent:
            self.loads[load].send(self.broker, load)
            self._sent.add(load)
        return {
            "run": name,
            "topic": load,
            "bootstrap_servers": self.broker.bootstrap_servers,
            "folder": str(self.folder / "run"),
            "jars_folder": str(self.jars),
            "jars": ",".join(map(str, self.jars.glob("*.jar"))),
            **more,
        }

    def check(self, load="main"):
        """Require that the table of the last run is exact."""
        table = DeltaTable(str(self.folder / "run" / "result")).to_pyarrow_table()
        columns = ("window_start", "event_type", "event_count", "total_amount")
        rows = list(zip(*(table[name].to_pylist() for name in columns), strict=True))
        check(self.loads[load], rows)

    @contextmanager
    def runner(self, log, variables=()):
        """Start a process for runs in one JVM; yield the function that sends it a request."""
        with (self.folder / f"{log}.log").open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.spark_runs"],
                cwd=self.project,
                env=make_environment(self.project) | dict(variables),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

            def ask(request):
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                for line in process.stdout:
                    if line.startswith(ANSWER):
                        return json.loads(line.removeprefix(ANSWER))
                message = (
                    f"{request['run']} failed:\n{Path(errors.name).read_text('utf-8')[-3000:]}"
                )
                raise RuntimeError(message)

            try:
                yield ask
            finally:
                process.stdin.close()
                process.wait()


def measure_hot(bench):
    """Measure programs in turns in warm JVMs; return the seconds of all batches of each round."""
    runs = {
        "generated": ("generated", "main"),
        "noop": ("noop", "main"),
        "one-invalid": ("generated", "one-invalid"),
        "percent-invalid": ("generated", "percent-invalid"),
    }
    seconds = {name: [] for name in runs}
    with bench.runner("hot") as ask:
        for number in range(bench.rounds + 1):
            for name, (run, load) in runs.items():
                answer = ask(bench.request(run, load))
                if run == "generated":
                    bench.check(load)
                taken = bench.sum_batches(answer, load)
                if number:
                    seconds[name].append(taken)
                _report(f"{name}: {taken:.1f} s")
    return seconds


def measure_pieces(bench):
    """Return what a warm batch spends its time on, and the ratio to noop with large batches."""
    logs = bench.folder / "event-logs"
    logs.mkdir()
    with bench.runner("pieces", pieces.log_options(logs)) as ask:
        for _ in range(bench.rounds):
            ask(bench.request("generated"))
            bench.check()
            newest = max(logs.iterdir(), key=lambda log: log.stat().st_mtime)
            found = pieces.read_pieces(newest)
            _report(f"pieces: {found}")
        taken = {"noop": [], "generated": []}
        for _ in range(bench.rounds):
            for name, seconds in taken.items():
                answer = ask(bench.request(name, batch=LARGE_BATCH))
                seconds.append(bench.sum_batches(answer))
                _report(f"{name}, batches of {LARGE_BATCH:,}: {seconds[-1]:.1f} s")
    bench.check()
    share = page.median(taken["noop"]) / page.median(taken["generated"])
    return {**found, "large": LARGE_BATCH, "share": round(share, 2)}


def measure_snippet(bench):
    """Measure the snippet in a warm JVM."""
    with bench.runner("snippet") as ask:
        ask(bench.request("snippet", "warm-up"))
        answer = ask(bench.request("snippet"))
    bench.check()
    taken = bench.sum_batches(answer)
    _report(f"snippet: {taken:.1f} s")
    return taken


def measure_cold(bench):
    """Measure whole processes; return seconds to the first batch and the end, and peak memory."""
    results = {}
    requests = {
        "generated": bench.request("generated"),
        "development": bench.request("generated", java_options=None),
        "snippet": bench.request("snippet"),
    }
    for name, request in requests.items():
        shutil.rmtree(bench.folder / "run", ignore_errors=True)
        metrics = bench.folder / "run" / "metrics.ndjson"
        begun = time.time()
        with PeakMemory().watch() as memory, bench.runner(f"cold-{name}") as ask:
            ask(request)
        results[name] = {"seconds": round(time.time() - begun, 1), "mib": memory.mib}
        bench.check()
        if metrics.exists():
            lines = map(json.loads, metrics.read_text("utf-8").splitlines())
            first = next(line["at"] for line in lines if line["event"] == "batch")
            first_batch = datetime.fromisoformat(first).timestamp() - begun
            results[name]["first_batch"] = round(first_batch, 1)
        _report(f"cold {name}: {results[name]}")
    results["bytewax"] = _measure_bytewax(bench)
    _report(f"cold bytewax: {results['bytewax']}")
    return results


def _measure_bytewax(bench):
    python = _install_bytewax(ROOT / "build" / "bench-peers")
    output = bench.folder / "bytewax.jsonl"
    command = [python, str(HERE / "bytewax_run.py"), bench.broker.bootstrap_servers, "main", output]
    begun = time.time()
    with PeakMemory().watch() as memory:
        subprocess.run(command, check=True)
    seconds = round(time.time() - begun, 1)
    page.check_bytewax(bench.loads["main"], output)
    return {"seconds": seconds, "mib": memory.mib}


def _install_bytewax(folder):
    """Return the Python of an environment with bytewax; create it at the first call."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *BYTEWAX], check=True)
    return str(python)


def measure_sizes(bench):
    """Measure loads of other sizes and numbers of keys; return rows and seconds of each."""
    results = {}
    loads = {
        "100,000 events": Load(100_000),
        "3,000,000 events": Load(3_000_000),
        "10,000 keys": Load(EVENTS, keys=10_000),
        "100,000 keys": Load(EVENTS, keys=100_000),
    }
    with bench.runner("sizes") as ask:
        ask(bench.request("generated"))
        for name, load in loads.items():
            topic = name.replace(" ", "-").replace(",", "")
            bench.loads[topic] = load
            answer = ask(bench.request("generated", topic))
            bench.check(topic)
            results[name] = {"events": load.events, "seconds": bench.sum_batches(answer, topic)}
            _report(f"{name}: {results[name]['seconds']:.1f} s")
    return results


def measure_tiny_batches(bench):
    """Return the median seconds of the first and the last 100 of many tiny batches."""
    bench.loads["tiny"] = Load(TINY_BATCH * TINY_BATCHES)
    with bench.runner("tiny") as ask:
        ask(bench.request("generated", "warm-up", batch=20_000))
        answer = ask(bench.request("generated", "tiny", batch=TINY_BATCH))
    bench.check("tiny")
    times = [milliseconds for rows, milliseconds in answer["batches"] if rows]
    _report(f"tiny: {len(times)} batches, {page.median(times[:100])}, {page.median(times[-100:])}")
    return {
        "batches": len(times),
        "first": page.median(times[:100]),
        "last": page.median(times[-100:]),
    }


def measure_latencies(bench):
    """Return for each trigger the median latency and the 95th percentile, in milliseconds."""
    results = {}
    for number, (name, (answers, settings)) in enumerate(LATENCY.items()):
        results[name] = _measure_latency(bench, f"latency-{number}", answers, settings)
        _report(f"{name}: {results[name]} ms")
    return results


def _measure_latency(bench, slug, answers, settings):
    """Run a project without a window while events are sent; return two latencies."""
    folder = bench.folder / f"run-{slug}"
    folder.mkdir()
    project = bake(bench.folder, hooks=False, project_slug=slug, window="none", **answers)
    topic = f"{slug}-in"
    bench.broker.create_topic(topic)
    target, read_times = _make_target(bench.broker, answers["sink"], f"{slug}-out", folder)
    overrides = {
        "source.bootstrap_servers": bench.broker.bootstrap_servers,
        "source.topic": topic,
        "session.jars": bench.jars,
        "session.java_options": "",
        "checkpoint.root": folder / "checkpoint",
        "quarantine.path": folder / "quarantine",
        "metrics.log": folder / "metrics.ndjson",
        "metrics.port": 0,
        **target,
        **settings,
    }
    options = [f"--set={key}={value}" for key, value in overrides.items()]
    package = slug.replace("-", "_")
    return latency.measure_latency(
        [sys.executable, "-m", package, "run", "--env", "dev", *options],
        folder,
        bench.broker,
        topic,
        read_times,
        cwd=project,
        env=make_environment(project),
    )


def _make_target(broker, sink, name, folder):
    """Return the settings of a target, and the function that reads the times of its rows."""
    if sink == "delta":
        return {"sink.path": folder / name}, partial(latency.read_table, folder / name)
    broker.create_topic(name)
    settings = {"sink.bootstrap_servers": broker.bootstrap_servers, "sink.topic": name}
    return settings, partial(latency.read_topic, broker, name)


def make_environment(project):
    """Return the environment of programs that import a generated project."""
    paths = [str(project / "src"), *PACKAGES, str(ROOT)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYSPARK_PYTHON": sys.executable}


SECTIONS = {
    "hot": measure_hot,
    "pieces": measure_pieces,
    "snippet": measure_snippet,
    "cold": measure_cold,
    "latency": measure_latencies,
    "sizes": measure_sizes,
    "tiny": measure_tiny_batches,
}


def _report(text):
    print(text, flush=True)


def main():
    """Measure what is asked for, and write the numbers and the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="some parts; all")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"of the main load ({EVENTS:,})")
    parser.add_argument("--rounds", type=int, default=3, help="of each compared program (3)")
    parser.add_argument("--dry", action="store_true", help="print the numbers, write no page")
    options = parser.parse_args()
    found = {} if options.dry else page.read_numbers()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        broker = Broker(folder / "broker", class_path=sparks.fetch_broker_jars())
        stack.enter_context(broker)
        bench = Bench(folder, broker, options.events, options.rounds)
        for name in options.only or SECTIONS:
            found[name] = SECTIONS[name](bench)
            if name == "hot":
                found["reported"] = Events().reported
            found["machine"] = page.describe_machine(datetime.now(UTC))
            if not options.dry:
                page.write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
