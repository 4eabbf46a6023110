"""Playbooks of a generated project, carried out to the letter.

A script takes the commands out of the steps of a SKILL.md, runs them in their order, and looks for
what each step says that you see. Only what a person decides or edits is data of this module.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from deltalake import DeltaTable, QueryBuilder
from stream_devkit.servers.server import HOST, free_ports

from tests.days import PATIENCE_SECONDS, count_sent, read_batches, wait_until_read
from tests.examples import bake
from tests.project import Project

PROGRAMS = (".venv/bin/python", "cp", "export", "git", "jq", "make", "wc")
"""A text in back quotes is a command if it begins with one of them and says more."""
READY = {"make servers": "Ctrl-C ends the servers", "make run": ""}
"""Commands that need a terminal of their own, and what they print before the next command."""
ADDRESS = "127.0.0.1:9092"
"""The address of Kafka in conf/dev.toml of a new project."""
TOKEN = re.compile(r'```sh\n(?P<block>.*?)```|`(?P<code>[^`\n]+)`|"(?P<text>[^"\n]+)"', re.DOTALL)
SEE = re.compile(r"(?<!If )\b[Yy]ou see\b(?! (?:neither|no)\b)")
REFERENCE = re.compile(r'Do "([^"]+)" of AGENTS\.md')


@dataclass(frozen=True)
class Part:
    """A part of a step: commands, and texts that you see after them.

    Attributes:
        commands: in their order.
        seen: the texts that the output has, or the file that is one of them.
        in_front: pairs of texts of which the first is in front of the second.
        repeats: whether the commands are repeated until you see it.
    """

    commands: list[str]
    seen: list[str]
    in_front: list[tuple[str, str]]
    repeats: bool


def read_steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield the number and the text of each step of a playbook, or of a section with steps."""
    found = re.split(r"^(\d+)\. ", text.partition("\n## Go back")[0], flags=re.MULTILINE)[1:]
    yield from zip(found[::2], found[1::2], strict=True)


def read_parts(step: str) -> Iterator[Part]:
    """Yield the parts of a step, each about one sentence."""
    tokens = list(TOKEN.finditer(step))
    number = iter(range(len(tokens)))
    marked = TOKEN.sub(lambda _: f"\0{next(number)}\0", step)
    for sentence in re.split(r"(?<=[.;:])\s+|\n\s*\n", marked):
        _, sees, expected = sentence.partition(
            match[0] if (match := SEE.search(sentence)) else "\n"
        )
        here = [tokens[int(place)] for place in re.findall(r"\0(\d+)\0", sentence)]
        pairs = re.findall(r"\0(\d+)\0 in front of \0(\d+)\0", expected)
        after = [tokens[int(place)] for place in re.findall(r"\0(\d+)\0", expected)]
        yield Part(
            [command for token in here for command in _commands(token)],
            [_text(token) for token in after if not _commands(token)] if sees else [],
            [(_text(tokens[int(one)]), _text(tokens[int(two)])) for one, two in pairs],
            repeats="until you see" in sentence,
        )


def _commands(token: re.Match[str]) -> list[str]:
    if token["block"]:
        return [line.strip() for line in token["block"].splitlines() if line.strip()]
    words = re.sub(r"^([A-Z_]+=\S+ )+", "", token["code"] or "").split()
    return [token["code"]] if len(words) > 1 and words[0] in PROGRAMS else []


def _text(token: re.Match[str]) -> str:
    return token["code"] or token["text"]


class Stream:
    """A generated project on this machine, with servers that run and a job that has read events.

    Attributes:
        project: runs the commands.
        broker: the address of Kafka.
        sent: the number of records that `make produce` has sent.
        notes: what a person writes down.
    """

    def __init__(self, project: Project, terminals: ExitStack, broker: str = ADDRESS) -> None:
        self.project = project
        self.broker = broker
        self.folder: Path = project.folder
        self.package = project.folder.name.replace("-", "_")
        self.sent = 0
        self.notes: dict[str, Any] = {}
        self._stack = terminals
        self._terminals: dict[str, tuple[ExitStack, Any]] = {}

    def open(self, command: str) -> Path:
        """Run a command in its own terminal, unless one runs it; return the file of its output."""
        terminal, running = self._terminals.get(command, (None, None))
        if running is None or running.poll() is not None:
            terminal = self._stack.enter_context(ExitStack())
            ready = READY.get(command, "")
            running = terminal.enter_context(self.project.run_in_background(command, ready))
            self._terminals[command] = terminal, running
        return self.project.find_log(command)

    def interrupt(self, command: str) -> None:
        """End the command of a terminal, as Ctrl-C does."""
        terminal, _ = self._terminals.pop(command)
        terminal.close()

    def run(self, command: str, *, fails: bool = False) -> str:
        """Run a command in the shell; return its output."""
        code, output = self.project.run("sh", "-c", command)
        assert bool(code) == fails, f"{command}\n{output}"
        return output

    def produce(self, options: str = "") -> None:
        """Send sample events."""
        self.sent += count_sent(self.run(f".venv/bin/python -m dev produce {options}"))

    def wait_until_read(self) -> None:
        """Wait until the job has read all records that were sent."""
        wait_until_read(self.project, self.sent)

    def read_source(self, since: datetime | None = None) -> list[bytes]:
        """Return the records of the topic that were sent from a time on, each without line ends."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.broker,
                "group.id": "playbooks",
                "enable.partition.eof": True,
            }
        )
        topic = self.folder.name
        (known,) = consumer.list_topics(topic).topics.values()
        starts = [TopicPartition(topic, number, 0) for number in known.partitions]
        if since:
            moment = round(since.timestamp() * 1000)
            times = [TopicPartition(topic, number, moment) for number in known.partitions]
            starts = consumer.offsets_for_times(times)
        consumer.assign(starts)
        records, open_partitions = [], len(starts)
        while open_partitions:
            message = consumer.poll(10)
            assert message is not None
            if message.error():
                open_partitions -= 1
            else:
                line = re.sub(rb"[\r\n]", b" ", message.value() or b"")
                records.append((message.timestamp()[1], line))
        consumer.close()
        return [line for _, line in sorted(records, key=lambda record: record[0])]

    def write_sample(self, since: datetime) -> None:
        """Copy the records of the source, from a time on, to sample.ndjson."""
        lines = self.read_source(since)
        (self.folder / "sample.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))

    def send(self, events: list[dict[str, Any]]) -> None:
        """Send these events."""
        lines = "".join(f"{json.dumps(event)}\n" for event in events)
        (self.folder / "sent.ndjson").write_text(lines, "utf-8")
        self.run(".venv/bin/python -m dev produce --file sent.ndjson")

    def read_rows(self, path: str = "build/dev/result") -> list[dict[str, Any]]:
        """Return the rows of a result; none before the job creates it."""
        if not DeltaTable.is_deltatable(str(self.folder / path)):
            return []
        table = QueryBuilder().register("result", DeltaTable(str(self.folder / path)))
        found = table.execute("SELECT * FROM result").read_all()
        cells = zip(*(list(found[name].to_pylist()) for name in found.schema.names), strict=True)
        return [dict(zip(found.schema.names, row, strict=True)) for row in cells]

    def read_json(self, path: str) -> dict[str, Any]:
        """Return what a file of JSON has."""
        return dict(json.loads((self.folder / path).read_text("utf-8")))

    def read_checkpoint_id(self, root: str = "build/dev/checkpoint") -> str:
        """Return the id of a checkpoint."""
        return str(self.read_json(f"{root}/manifest.json")["checkpoint_id"])


def install(folder: Path, jars: Path | None = None) -> Project:
    """Give a generated project an environment with the packages of this one; return it.

    Args:
        folder: the project.
        jars: the folder `.jars` of another project, with jars that need no download.
    """
    command = [sys.executable, "-m", "venv", "--without-pip", ".venv"]
    project = Project(folder, PYTHONDONTWRITEBYTECODE="1")
    assert project.run(*command)[0] == 0
    (packages,) = folder.glob(".venv/lib/*/site-packages")
    (own,) = Path(sys.prefix).glob("lib/*/site-packages")
    paths = (own, folder / "src", folder / "lib")
    (packages / "project.pth").write_text("".join(f"{path}\n" for path in paths), "utf-8")
    (folder / ".venv/.installed").touch()
    if jars:
        (folder / ".jars").symlink_to(jars)
    return project


@contextmanager
def open_stream(
    folder: Path, jars: Path | None = None, prepare: Callable[[Path], None] = lambda _: None
) -> Iterator[Stream]:
    """Provide the default project with servers that run, and a job that has read events.

    Args:
        folder: an empty folder.
        jars: see `install`.
        prepare: changes the project before its first start.
    """
    project = install(bake(folder), jars)
    prepare(project.folder)
    project.edit("conf/dev.toml", ADDRESS, address := f"{HOST}:{free_ports(0)[0]}")
    with ExitStack() as terminals:
        stream = Stream(project, terminals, address)
        stream.run("make jars")
        stream.open("make servers")
        stream.produce("--faulty 0.2")
        stream.open("make run")
        stream.wait_until_read()
        # Events that are late by the watermark of the first batch.
        stream.produce("--faulty 0.2")
        stream.wait_until_read()
        yield stream


Decision = Callable[[Stream], None]


@dataclass(frozen=True)
class Playbook:
    """What a script needs to carry out a playbook.

    Attributes:
        decisions: what a person does at the begin of a step, by its number.
        check: raises AssertionError unless the stream is where the playbook leads.
        values: texts of commands, and what a person writes instead of them.
        failing: the steps whose commands fail, because they show what is wrong.
    """

    decisions: Mapping[str, Decision]
    check: Decision
    values: Callable[[Stream], Mapping[str, str]] = lambda _: {}
    failing: tuple[str, ...] = ()


def carry_out(name: str, stream: Stream) -> None:
    """Carry out a playbook of the project, step by step, and check where it ends."""
    playbook = PLAYBOOKS[name]
    text = (stream.folder / f".claude/skills/{name}/SKILL.md").read_text("utf-8")
    for old, new in playbook.values(stream).items():
        assert old in text
        text = text.replace(old, new)
    for number, step in read_steps(text):
        if decide := playbook.decisions.get(number):
            decide(stream)
        follow(stream, step, f"{name}, step {number}", fails=number in playbook.failing)
        if reference := REFERENCE.search(step):
            agents = (stream.folder / "AGENTS.md").read_text("utf-8")
            section = agents.partition(f"\n## {reference[1]}\n")[2].partition("\n## ")[0]
            for inner, inner_step in read_steps(section):
                follow(stream, inner_step, f"{reference[1]}, step {inner}")
    playbook.check(stream)


def follow(stream: Stream, step: str, place: str, *, fails: bool = False) -> None:
    """Run the commands of a step, and look for what it says that you see."""
    look: Callable[[], str] = str
    sizes = _read_sizes(stream.folder)
    for part in read_parts(step):
        for command in part.commands:
            print(f"{datetime.now(UTC):%H:%M:%S} {place}: {command}", flush=True)
            sizes = _read_sizes(stream.folder)
            look = _start(stream, command, fails=fails)
        until = time.monotonic() + PATIENCE_SECONDS
        while missing := _find_missing(part, look(), stream.folder, sizes):
            assert time.monotonic() < until, f"{place}: you do not see {missing} in:\n{look()}"
            time.sleep(2)
            if part.repeats:
                look = _start(stream, part.commands[-1])


def _start(stream: Stream, command: str, *, fails: bool = False) -> Callable[[], str]:
    """Run a command; return a function that returns its output so far."""
    if command in READY:
        log = stream.open(command)
        return lambda: log.read_text("utf-8", "replace")
    if command.startswith("export "):
        variable, _, value = command.removeprefix("export ").partition("=")
        stream.project.variables[variable] = value.strip('"')
        return str
    output = stream.run(command, fails=fails)
    return lambda: output


def _read_sizes(folder: Path) -> dict[Path, int]:
    """Return the size of each file of metrics: what is in it by now was seen before."""
    return {path: path.stat().st_size for path in folder.glob("build/*/*.jsonl")}


def _find_missing(part: Part, output: str, folder: Path, sizes: Mapping[Path, int]) -> list[str]:
    """Return the texts that you should see, and do not see in the output or in the named file."""
    names = [text for text in part.seen if text.startswith("build/")]
    for path in (folder / name for name in names if (folder / name).is_file()):
        output = path.read_bytes()[sizes.get(path, 0) :].decode()
    missing = [name for name in names if not (folder / name).exists()]
    missing += [text for text in part.seen if text not in names and text not in output]
    return missing + [
        f"{one} in front of {two}"
        for one, two in part.in_front
        if not re.search(rf"^{re.escape(one)}\s+{re.escape(two)}\b", output, re.MULTILINE)
    ]


def _edit(name: str, old: str, new: str) -> Decision:
    """Return a decision that replaces a text in a file of the project."""
    return lambda stream: stream.project.edit(name, old, new)


def _check_late_events(stream: Stream) -> None:
    present, longer = (stream.read_json(f"build/{name}/summary.json") for name in ("late", "later"))
    assert present["late_rows"] > longer["late_rows"], (present, longer)
    assert {present["verdict"], longer["verdict"]} == {"exact"}


def _correct_records(stream: Stream) -> None:
    """Give the quarantined records a time that is not late, and a key that shows them."""
    path = stream.folder / "build/fixed.ndjson"
    moment = datetime.now(UTC) - timedelta(minutes=9)
    fixed = [
        json.loads(line) | {"event_time": moment.isoformat(), "event_type": "corrected"}
        for line in path.read_text("utf-8").splitlines()
    ]
    path.write_text("".join(f"{json.dumps(event)}\n" for event in fixed), "utf-8")
    stream.notes["corrected"] = len(fixed)


def _close_windows(stream: Stream) -> None:
    """Send an event that is so new that the windows of the corrected ones close."""
    newest = (datetime.now(UTC) + timedelta(minutes=9)).isoformat()
    stream.send([{"event_id": "newest", "event_time": newest, "event_type": "other"}])


def _check_corrected(stream: Stream) -> None:
    assert stream.notes["corrected"] > 0

    def count() -> int:
        rows = stream.read_rows()
        return sum(row["event_count"] for row in rows if row["event_type"] == "corrected")

    _wait_for(lambda: count() >= stream.notes["corrected"])
    assert count() == stream.notes["corrected"]


def _compare_copies(stream: Stream) -> None:
    """Note the id of the checkpoint and its last batch, and compare the number of files."""
    old, new = (stream.folder / f"build/dev/{name}" for name in ("checkpoint", "moved"))
    assert sum(map(Path.is_file, old.rglob("*"))) == sum(map(Path.is_file, new.rglob("*")))
    stream.notes["id"] = stream.read_checkpoint_id()
    stream.notes["last"] = max(read_batches(stream.project))


def _rename_manifest(stream: Stream) -> None:
    folder = stream.folder / "build/dev/checkpoint"
    (folder / "manifest.json").rename(folder / "manifest.json.moved")


def _use_new_place(stream: Stream) -> None:
    """Name the new folder in conf/dev.toml, while events go on to come."""
    stream.project.edit("conf/dev.toml", "build/dev/checkpoint", "build/dev/moved")
    stream.produce()


def _check_moved(stream: Stream) -> None:
    stream.wait_until_read()
    batches = read_batches(stream.project)
    assert stream.read_checkpoint_id("build/dev/moved") == stream.notes["id"]
    assert max(batches) > stream.notes["last"]
    assert sum(batches.values()) == stream.sent
    windows = [(row["window_start"], row["event_type"]) for row in stream.read_rows()]
    assert len(windows) == len(set(windows)) > 0


def _choose_time(stream: Stream) -> dict[str, str]:
    since = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    stream.notes |= {"since": since, "id": stream.read_checkpoint_id()}
    return {"2026-01-31T10:00:00Z": f"{since:%Y-%m-%dT%H:%M:%SZ}"}


def _check_replayed(stream: Stream) -> None:
    """Compare the result with a file run of the records from that time on, in one batch."""
    stream.write_sample(stream.notes["since"])
    options = "--input sample.ndjson --output build/since --batch-rows 100000"
    stream.run(f".venv/bin/python -m {stream.package} run {options}")
    lines = (stream.folder / "build/since/result.ndjson").read_text("utf-8").splitlines()
    wanted = _by_window(map(json.loads, lines))
    _wait_for(lambda: len(stream.read_rows("build/replay/result")) >= len(wanted))
    assert _by_window(stream.read_rows("build/replay/result")) == wanted != {}
    assert stream.read_checkpoint_id() == stream.notes["id"]
    assert stream.read_checkpoint_id("build/replay/checkpoint") != stream.notes["id"]


def _by_window(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[int, float]]:
    """Return count and total of each window and key."""
    return {
        (str(row["window_start"])[:16].replace("T", " "), row["event_type"]): (
            row["event_count"],
            round(row["total_amount"], 4),
        )
        for row in rows
    }


def _correct_documents(stream: Stream) -> None:
    """Correct what tests/test_documents.py names, and the limit in the alerts."""
    stream.project.edit(
        "README.md", "`watermark.delay` (10 minutes)", "`watermark.delay` (30 minutes)"
    )
    stream.project.edit("monitoring/alerts.yml", "> 1800 and", "> 3000 and")


def _check_delay(stream: Stream) -> None:
    _wait_for(lambda: bool(stream.read_rows()))
    newest = max(row["window_end"] for row in stream.read_rows()).replace(tzinfo=UTC)
    assert newest <= datetime.now(UTC) - timedelta(minutes=30)
    assert stream.read_json("build/demo/summary.json")["verdict"] == "exact"


def _wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(2)


PLAYBOOKS = {
    "late-events": Playbook({}, _check_late_events),
    "replay-quarantine": Playbook({"4": _correct_records, "7": _close_windows}, _check_corrected),
    "replay-from-a-time": Playbook({}, _check_replayed, _choose_time),
    "move-the-checkpoint": Playbook(
        {"4": _compare_copies, "5": _rename_manifest, "6": _use_new_place},
        _check_moved,
        failing=("5",),
    ),
    "change-window-or-watermark": Playbook(
        {
            "2": _edit("conf/base.toml", 'delay = "10 minutes"', 'delay = "30 minutes"'),
            "3": _correct_documents,
            "6": lambda stream: stream.interrupt("make servers"),
        },
        _check_delay,
        failing=("2", "4"),
    ),
}
