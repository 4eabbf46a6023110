"""The tools for a job that runs by hand on this machine: `python -m dev servers|produce|show`.

`servers` starts the servers of conf/dev.toml and keeps their data, `produce` sends events to the
job's source, `export` copies records of the source to a file, `show` prints the newest rows of its
result and of its quarantine. `chaos` needs none of them: it runs the job with servers of its own,
which fail.
"""

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stream_runtime import status
from stream_runtime.addresses import split_servers
from stream_runtime.causes import to_printable
from stream_runtime.cli import to_positive
from stream_runtime.config import load
from stream_runtime.errors import ConfigError, StreamJobError
from stream_runtime.settings import RuntimeSettings
from stream_runtime.systems import System

from .events.generate import Event, EventSpec, sample
from .preflight import ENVIRONMENT_PROBLEM
from .progress import StepError
from .servers.local import LocalServers, Place
from .servers.process import ProcessError, terminable
from .servers.server import HOST
from .verdict import EXACT, Row, read_quarantine

if TYPE_CHECKING:
    from .demo import DemoSpec, EventProducer

FOLDER = Path("build/servers")
PRODUCED = Path("build/dev/produced.json")
"""How far `produce` has come: the time and the number of its last event."""
SPAN = timedelta(hours=2)
"""The event times of the first call of `produce` end now, and begin so much earlier."""
EVENTS = 1000
FASTEST = 10_000
"""The highest rate: one process makes about so many events in a second."""
EXPORT = Path("build/sample.ndjson")
EXPORTED = 100_000
QUARANTINE = ("reason", "column", "origin", "raw")
"""The columns of quarantine that `show` prints."""
LONGEST = 100
"""The longest text of a cell."""
PASSWORD = "STREAM__SINK__PASSWORD"  # noqa: S105 - the name of a variable
"""The variable of the password of the database that `servers` starts."""
INTERRUPTED = 130
"""The exit code after Ctrl-C, except of tools that run until then."""
SERVERS = {"kafka": "broker", "jdbc": "database"}
"""The server of this module for a source or sink of that kind."""


@dataclass(frozen=True)
class Tools:
    """The tools of a project, which need its demo and two of its functions."""

    demo: "DemoSpec"
    source: Callable[[Any], Place]
    """Returns where the settings have the source."""
    target: Callable[[Any], Place] | None
    """Returns where the settings have the target; None if it is the terminal."""


def main(tools: Tools, arguments: Sequence[str] | None = None) -> int:
    """Run one tool, and return its exit code."""
    options = make_parser(tools.demo).parse_args(arguments)
    if (password := FOLDER / "database" / "password").exists():
        os.environ.setdefault(PASSWORD, f"file:{password}")
    try:
        settings = load(tools.demo.pipeline.settings, "dev", options.set)
        with terminable():
            return int(options.tool(tools, settings, options))
    except KeyboardInterrupt:
        return int(options.after_ctrl_c)
    except BrokenPipeError:
        # The reader, such as `head`, has what it wants; Python must not write there at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except StreamJobError as error:
        print(to_printable(f"error: {error}"), file=sys.stderr)
        return error.exit_code
    except (ProcessError, StepError) as error:
        print(to_printable(f"error: {error}"), file=sys.stderr)
        return ENVIRONMENT_PROBLEM


def make_parser(spec: "DemoSpec") -> argparse.ArgumentParser:
    """Return the parser of the command line of a project's tools."""
    parser = argparse.ArgumentParser(prog="python -m dev", description=spec.pipeline.name)
    parser.set_defaults(after_ctrl_c=INTERRUPTED)
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    servers = commands.add_parser(
        "servers", parents=[shared], help="run the servers of conf/dev.toml until Ctrl-C"
    )
    servers.add_argument("--fresh", action="store_true", help="empty them first")
    servers.set_defaults(tool=run_servers, after_ctrl_c=0)
    produce = commands.add_parser(
        "produce", parents=[shared], help="send sample events to the source of conf/dev.toml"
    )
    produce.add_argument(
        "--events", type=to_positive, help=f"how many; {EVENTS}, or with --rate without end"
    )
    produce.add_argument(
        "--rate", type=_rate, help="events per second, with the present time, until Ctrl-C"
    )
    produce.add_argument(
        "--faulty", type=_part, default=0.02, help="the part that is invalid or late (0.02)"
    )
    produce.add_argument("--file", type=Path, help="a file of JSON lines to send instead")
    if len(spec.pipeline.inputs) > 1:
        produce.add_argument(
            "--to", choices=("source", "right"), default="source", help="the input for --file"
        )
    produce.set_defaults(tool=run_produce, to="source", after_ctrl_c=0)
    show = commands.add_parser(
        "show", parents=[shared], help="print the newest rows of result and quarantine"
    )
    show.add_argument("--rows", type=to_positive, default=10, help="how many (10)")
    show.set_defaults(tool=run_show)
    export = commands.add_parser(
        "export", parents=[shared], help="copy records of the source to a file, for `run --input`"
    )
    export.add_argument(
        "--records", type=to_positive, help=f"how many at most ({EXPORTED:,}, but all of a batch)"
    )
    export.add_argument(
        "--batch",
        type=int,
        help="copy the records of this batch of the checkpoint, or what follows its last one (the "
        "next number); without it, what a first start of the job would read",
    )
    export.add_argument("--output", type=Path, default=EXPORT, help=f"the file ({EXPORT})")
    export.set_defaults(tool=run_export)
    chaos = commands.add_parser(
        "chaos", help="let the job and its servers fail while they work, and compare the result"
    )
    chaos.add_argument("--failures", type=to_positive, help="how many; each kind once")
    chaos.add_argument("--only", help="the kinds, such as kill,terminate; all")
    chaos.add_argument("--seed", type=int, help="decides the failures; a random one")
    chaos.set_defaults(tool=run_chaos, set=[])
    return parser


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= FASTEST:
        message = f"{text} is not a number above 0, at most {FASTEST:,}"
        raise argparse.ArgumentTypeError(message)
    return rate


def _part(text: str) -> float:
    part = float(text)
    if not 0 <= part <= 1:
        message = f"{text} is not a number from 0 to 1"
        raise argparse.ArgumentTypeError(message)
    return part


def run_servers(tools: Tools, settings: RuntimeSettings, options: argparse.Namespace) -> int:
    """Run the servers of the settings until Ctrl-C, with the topics of the source."""
    ports = _ports(settings)
    if not ports:
        print("This job needs no server.")
        return 0
    with LocalServers(FOLDER, **ports, keep=not options.fresh) as servers:
        if "broker_port" in ports:
            print(f"Kafka answers at {servers.broker.bootstrap_servers}.", flush=True)
        if "database_port" in ports:
            password = servers.database.password_file
            print(f"PostgreSQL answers at {HOST}:{servers.database.port}.", flush=True)
            print(
                f"Its password is in {password}; `make` knows it. For other commands:", flush=True
            )
            print(f"export {PASSWORD}=file:{password}", flush=True)
        # It creates the topics that it writes to.
        tools.demo.producer(*tools.source(settings))
        print("Data is kept; --fresh empties it. Ctrl-C ends the servers.", flush=True)
        while servers.running:
            time.sleep(1)
    return ENVIRONMENT_PROBLEM


def _ports(settings: RuntimeSettings) -> dict[str, int]:
    """Return the port of each server that the settings name, as LocalServers expects them."""
    ports = {}
    for system, server in _list_servers(settings):
        host, port = _address(system)
        if host not in (HOST, "localhost"):
            message = (
                f"[{system.NAME}] names a server on {host}: this command starts servers on this "
                "machine only. Start that one there, or name 127.0.0.1 in conf/dev.toml."
            )
            raise ConfigError(message)
        ports[f"{server}_port"] = port
    return ports


def _list_servers(settings: RuntimeSettings) -> Iterator[tuple[System, str]]:
    """Yield each source or sink that is a server, with its name in SERVERS."""
    for system in settings.systems():
        if server := SERVERS.get(getattr(system, "KIND", "")):
            yield system, server


def _address(system: Any) -> tuple[str, int]:
    if hasattr(system, "bootstrap_servers"):
        return split_servers(system.bootstrap_servers)[0]
    return system.host, system.port


def run_produce(tools: Tools, settings: RuntimeSettings, options: argparse.Namespace) -> int:
    """Send sample events, or the lines of a file, to the source of the settings."""
    _check_servers(settings, "source", "right")
    producer = tools.demo.producer(*tools.source(settings))
    if options.file:
        events = _read(options.file, options.to, typed=producer.TYPED)
        producer.send(events)
        print(f"sent {len(events):,} records of {options.file} to {producer.PLACE}")
        return 0
    event_spec = tools.demo.make_spec(settings)
    progress = _Progress()
    if options.rate:
        _send_live(producer, event_spec, progress, options)
        return 0
    events = list(_burst(event_spec, progress, options.events or EVENTS, options.faulty))
    for part in producer.slices(events, event_spec.delay):
        producer.send(part)
    until = f"{progress.until:%H:%M:%S} UTC"
    print(f"sent {len(events):,} records to {producer.PLACE}; their times end at {until}")
    if event_spec.drops_late:
        print(
            f"The watermark is {event_spec.delay} behind the newest of them; rows that wait for it "
            "are written after the next events."
        )
    return 0


class _Progress:
    """The time and the number of the last event that `produce` has sent."""

    def __init__(self) -> None:
        kept = json.loads(PRODUCED.read_text("utf-8")) if PRODUCED.exists() else {}
        self.sent: int = kept.get("sent", 0)
        self.until = datetime.fromisoformat(kept["until"]) if kept else datetime.now(UTC) - SPAN

    def advance(self, sent: int, until: datetime) -> None:
        self.sent, self.until = self.sent + sent, until
        PRODUCED.parent.mkdir(parents=True, exist_ok=True)
        PRODUCED.write_text(json.dumps({"sent": self.sent, "until": until.isoformat()}), "utf-8")


def _burst(spec: EventSpec, progress: _Progress, count: int, faulty: float) -> Iterator[Event]:
    """Yield events whose times are between the last call and now."""
    now = datetime.now(UTC)
    step = (now - progress.until) / count
    moments = [_to_millis(progress.until + step * number) for number in range(1, count + 1)]
    made = sample(spec, moments, first=progress.sent, faulty=faulty)
    progress.advance(count, now)
    events = (replace(event, sent=min(event.sent, now)) for event in made)
    yield from sorted(events, key=lambda event: event.sent)


def _send_live(
    producer: "EventProducer", spec: EventSpec, progress: _Progress, options: argparse.Namespace
) -> None:
    """Send events of the present time, so many in a second, until Ctrl-C or so many are sent."""
    print(f"sends {options.rate:g} events per second to {producer.PLACE} until Ctrl-C", flush=True)
    begun, sent = time.monotonic(), 0
    while options.events is None or sent < options.events:
        due = int((time.monotonic() - begun) * options.rate) + 1
        count = min(due, options.events or due) - sent
        now = _to_millis(datetime.now(UTC))
        made = sample(spec, [now] * count, first=progress.sent, faulty=options.faulty)
        if events := [replace(event, sent=now) for event in made]:
            producer.send(events)
            progress.advance(count, now)
            sent += count
        time.sleep(max(0.1, 1 / options.rate / 2))
    print(f"sent {sent:,} events")


def _to_millis(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _read(file: Path, table: str, *, typed: bool) -> list[Event]:
    """Return the lines of a file as records.

    Raises:
        ConfigError: the file cannot be read, or a line cannot become a typed row.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        message = f"--file {file} cannot be read: {error.strerror}. Name a file of JSON lines."
        raise ConfigError(message) from None
    now = datetime.now(UTC)
    for number, line in enumerate(lines, 1):
        if typed and not _is_object(line):
            message = (
                f"{file}, line {number}, is no JSON object, and the source has typed columns. "
                "Correct the line, or remove it."
            )
            raise ConfigError(message)
    return [Event(line, None, now, "file", table=table) for line in lines]


def _is_object(line: bytes) -> bool:
    with suppress(ValueError):
        return isinstance(json.loads(line), dict)
    return False


def run_show(tools: Tools, settings: RuntimeSettings, options: argparse.Namespace) -> int:
    """Print the status of the job, and the newest rows of its result and of its quarantine."""
    status.show(tools.demo.pipeline, settings, as_json=False)
    if tools.target:
        _check_servers(settings)
        reader = tools.demo.reader(*tools.target(settings))
        rows = _in_order(reader.rows(), tools.demo.make_spec(settings).time)
        print(f"\nResult, {reader.PLACE}: {len(rows):,} rows")
        _print_rows(rows[-options.rows :])
    else:
        print("\nResult: in the terminal of `make run`")
    invalid = read_quarantine(Path(settings.quarantine.path))
    reasons = Counter(row["reason"] for row in invalid)
    told = "".join(f"; {number:,} {_cell(reason)}" for reason, number in reasons.most_common())
    print(f"\nQuarantine: {len(invalid):,} records{told}")
    _print_rows([{name: row.get(name) for name in QUARANTINE} for row in invalid[-options.rows :]])
    return 0


def _in_order(rows: Iterable[Row], time: str) -> list[Row]:
    """Sort rows by the begin of their window, or by their event time."""
    return sorted(rows, key=lambda row: str(row.get("window_start") or row.get(time)))


def _check_servers(settings: RuntimeSettings, *tables: str) -> None:
    """Require that the servers answer: all of them, or those of some tables of the settings."""
    for system, _ in _list_servers(settings):
        if not tables or system.NAME in tables:
            system.check()


def _print_rows(rows: Sequence[Row]) -> None:
    """Print rows as a table of texts, as wide as they are."""
    lines = (
        [map(_cell, row) for row in ([*rows[0]], *(row.values() for row in rows))]
        if rows
        else [["nothing yet"]]
    )
    columns = list(zip(*lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    for cells in zip(*columns, strict=True):
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        print("  " + "  ".join(padded).rstrip())


def _cell(value: Any) -> str:
    """Return a value as a short text without control characters."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = "" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
    plain = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def run_export(tools: Tools, settings: RuntimeSettings, options: argparse.Namespace) -> int:
    """Copy records of each input to a file, that of the right input with `-right` in its name."""
    # Only this tool starts Spark.
    from .export import export  # noqa: PLC0415

    _check_servers(settings, "source", "right")
    file = options.output
    files = [file, file.with_stem(f"{file.stem}-right")][: len(tools.demo.pipeline.inputs)]
    most = options.records or (EXPORTED if options.batch is None else None)
    counts = export(tools.demo.pipeline, settings, files, most, options.batch)
    for path, count in zip(files, counts, strict=True):
        print(f"copied {count:,} records to {path}")
    return 0


def run_chaos(tools: Tools, _: RuntimeSettings, options: argparse.Namespace) -> int:
    """Run the demo's events with failures, and return 0 if result and quarantine are exact."""
    # Only chaos needs the demo's modules, and with them the report's.
    from .chaos import Chaos, failures_of  # noqa: PLC0415
    from .job import JobError  # noqa: PLC0415

    if tools.target is None:
        message = "this job writes to the terminal, where a failure repeats rows or loses them"
        raise ConfigError(message)
    known = failures_of(tools.demo)
    names = options.only.split(",") if options.only else list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"there is no failure {unknown[0]}; there are {', '.join(known)}"
        raise ConfigError(message)
    seed = random.randrange(1000) if options.seed is None else options.seed
    chaos = Chaos(tools.demo, names, options.failures or len(names), seed)
    try:
        return 0 if chaos.run() == EXACT else 1
    except JobError as error:
        print(to_printable(f"error: {error}"), file=sys.stderr)
        return 1
