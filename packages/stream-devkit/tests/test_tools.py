"""The tools for work by hand: sample events, files of events, and the rows that are shown."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import ClassVar

import pytest
from stream_devkit import tools
from stream_devkit.events.generate import EventSpec, sample
from stream_devkit.servers.local import RunningServers
from stream_runtime.kafka import Kafka
from stream_runtime.settings import RuntimeSettings
from stream_runtime.systems import System

COLUMNS = {"id": "STRING", "at": "TIMESTAMP", "kind": "STRING", "amount": "DOUBLE"}
SPEC = EventSpec(COLUMNS, time="at", key="kind", id="id", measure="amount")
CONF = """
[source]
[sink]
[checkpoint]
root = "build/dev/checkpoint"
[quarantine]
path = "build/dev/quarantine"
"""


class Source(System):
    """A source without settings."""

    KIND: ClassVar = "list"


class Settings(RuntimeSettings):
    """Settings of a job without servers."""

    source: Source
    sink: Source


class Producer:
    """A producer that keeps the events in a list."""

    PLACE = "a list"
    TYPED = False
    sent: list = []  # noqa: RUF012 - shared, because each call of a tool makes a producer

    def __init__(self, *_):
        pass

    @staticmethod
    def slices(events, _):
        """Return all events as one part."""
        return [events]

    def send(self, events):
        """Keep the events."""
        self.sent += events


class Reader:
    """A reader of two rows, in the wrong order."""

    PLACE = "a list"

    def __init__(self, *_):
        pass

    def rows(self):
        """Return the rows."""
        return [
            {"at": datetime(2026, 1, 2, tzinfo=UTC), "kind": "a\x1b[2Jb", "amount": 0.1 + 0.2},
            {"at": datetime(2026, 1, 1, tzinfo=UTC), "kind": None, "amount": 1.0},
        ]


@pytest.fixture(name="call")
def _call(tmp_path, monkeypatch):
    """Return a function that calls a tool in an empty folder, and the events that were sent."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Producer, "sent", [])
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "base.toml").write_text("", "utf-8")
    (tmp_path / "conf" / "dev.toml").write_text(CONF, "utf-8")
    job = SimpleNamespace(name="sample", settings=Settings, inputs=(SPEC,), trigger="available_now")
    demo = SimpleNamespace(pipeline=job, producer=Producer, reader=Reader, make_spec=lambda _: SPEC)

    def place(_):
        return RunningServers(), tmp_path, "events"

    def call(*arguments):
        return tools.main(tools.Tools(demo, place, place), arguments)

    return call


def _times():
    return [event.values["at"] for event in Producer.sent]


@pytest.mark.parametrize(
    ("tool", "kind", "method", "code"),
    [("produce", Producer, "send", 0), ("show", Reader, "rows", 130)],
)
def test_ctrl_c_is_no_success_of_an_unfinished_tool(call, monkeypatch, tool, kind, method, code):
    """`servers` and `produce` can run until Ctrl-C; any other tool was not done."""

    def press_ctrl_c(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(kind, method, press_ctrl_c)

    assert call(tool) == code


def test_sample_events_end_now(call):
    """The first call sends events of the last two hours, all in the past."""
    begun = datetime.now(UTC)

    assert call("produce", "--events", "300", "--faulty", "0") == 0

    assert len(Producer.sent) >= 300
    assert begun - tools.SPAN - timedelta(minutes=1) < min(_times())
    assert begun - timedelta(minutes=1) < max(_times()) <= datetime.now(UTC)
    assert max(event.sent for event in Producer.sent) <= datetime.now(UTC)


def test_a_second_call_continues(call):
    """No event of the second call is before the first call, and each has another id."""
    call("produce", "--events", "100", "--faulty", "0")
    until, first = max(_times()), {event.values["id"] for event in Producer.sent}
    Producer.sent.clear()

    call("produce", "--events", "100", "--faulty", "0")

    assert min(_times()) >= until
    assert not first & {event.values["id"] for event in Producer.sent}


def test_live_events_have_the_present_time(call):
    """With a rate, the events have the present time, and end after the given number."""
    begun = datetime.now(UTC) - timedelta(milliseconds=1)

    assert call("produce", "--events", "20", "--rate", "100", "--faulty", "0") == 0

    assert len({event.values["id"] for event in Producer.sent}) == 20
    assert begun <= min(_times()) <= max(_times()) <= datetime.now(UTC)


def test_some_sample_events_are_invalid_or_late():
    """The part of invalid and late events is the requested one, with every kind of fault."""
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(2000)]

    kinds = Counter(event.kind for event in sample(SPEC, moments, faulty=0.5))

    wrong = sum(number for kind, number in kinds.items() if kind not in ("plain", "duplicate"))
    assert 900 < wrong < 1100
    assert {"late", "truncated", "missing_time", "far_future"} <= kinds.keys()


def test_a_file_is_sent_as_it_is(call, tmp_path):
    """Each line is a record, valid or not."""
    (tmp_path / "mine.ndjson").write_bytes(b'{"id": 1}\nnot JSON\n\n{"id": 2}\n')

    assert call("produce", "--file", "mine.ndjson") == 0

    assert [event.raw for event in Producer.sent] == [b'{"id": 1}', b"not JSON", b"", b'{"id": 2}']


@pytest.mark.parametrize(
    ("text", "problem"),
    [(None, "cannot be read"), ("{}\n[1]\n", "line 2, is no JSON object")],
    ids=["missing", "not a row"],
)
def test_a_file_that_cannot_be_sent_is_refused(call, tmp_path, capsys, monkeypatch, text, problem):
    """The error names the file, and the line that cannot become a typed row; nothing is sent."""
    monkeypatch.setattr(Producer, "TYPED", True)
    if text:
        (tmp_path / "mine.ndjson").write_text(text, "utf-8")

    assert call("produce", "--file", "mine.ndjson") == 2

    assert problem in capsys.readouterr().err
    assert Producer.sent == []


def test_the_newest_rows_are_shown(call, tmp_path, capsys):
    """Rows are in the order of their times; a control character of a record has no effect."""
    batch = tmp_path / "build/dev/quarantine/c1/000001"
    batch.mkdir(parents=True)
    record = {"reason": "malformed", "origin": "a/0/7", "raw": "x" * 500}
    (batch / "part-0.json").write_text(json.dumps(record), "utf-8")

    assert call("show") == 0

    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    lines = shown.splitlines()
    rows = lines[lines.index("Result, a list: 2 rows") + 2 :]
    assert rows[0].split() == ["2026-01-01", "00:00:00", "1"]
    assert rows[1].endswith("0.3")
    assert "Quarantine: 1 records; 1 malformed" in lines
    assert all(len(line) < 150 for line in lines)


@pytest.mark.parametrize(
    "option",
    [
        *("--events=0", "--events=-1", "--events=x", "--rate=0", "--rate=-1", "--rate=nan"),
        *("--rate=x", "--faulty=2", "--faulty=-0.1"),
    ],
)
def test_a_number_out_of_range_is_refused(call, capsys, option):
    """A number that makes no sense ends the command with the reason; nothing is sent."""
    with pytest.raises(SystemExit) as ended:
        call("produce", option)

    assert ended.value.code == 2
    assert option.partition("=")[2] in capsys.readouterr().err
    assert Producer.sent == []


def test_a_server_elsewhere_is_not_started(call, capsys):
    """A server on another machine is refused: this machine would not have its data."""
    settings = SimpleNamespace(
        systems=lambda: [_Cluster(bootstrap_servers="kafka.company:9092")],
    )

    with pytest.raises(tools.ConfigError, match=r"\[source\] names a server on kafka.company"):
        tools._ports(settings)  # noqa: SLF001
    assert call("servers") == 0
    assert "needs no server" in capsys.readouterr().out


class _Cluster(Kafka):
    NAME: ClassVar = "source"
    KIND: ClassVar = "kafka"


def test_shown_rows_have_no_control_characters(capsys):
    """A value of a record is shown in one line, and a terminal obeys nothing in it."""
    tools._print_rows([{"re\x1bason": "a\x1b[2J\r\nb\x9b\N{RIGHT-TO-LEFT OVERRIDE}"}])  # noqa: SLF001

    heading, row = capsys.readouterr().out.splitlines()
    assert (heading + row).isprintable()
    assert row.strip().startswith("a")
