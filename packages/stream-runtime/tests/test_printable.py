"""Values of records in messages: a terminal shows them, and obeys none."""

import logging
import re

import pytest
import sample
from sample import CONF, JOB
from stream_runtime import cli, status
from stream_runtime.causes import cause_of, to_printable
from stream_runtime.doctor import Report
from stream_runtime.errors import StreamFailedError
from stream_runtime.logs import Logging, log_to

HOSTILE = "\x1b[2J\r\x08\x9b1m\N{RIGHT-TO-LEFT OVERRIDE} größe"
"""What clears a screen, goes back, is a control sequence in one sign, or turns the line around."""
SHOWN = r"\x1b[2J\r\x08\x9b1m\u202e größe"
CONTROLS = re.compile(r"[^\n\x20-\x7e\xa1-\u2027\u2030-\ud7ff]")


def test_control_characters_are_escaped():
    """Letters of any script stay as they are, and so do line feeds."""
    assert to_printable(f"a\n{HOSTILE}") == f"a\n{SHOWN}"
    assert to_printable("half of a letter: \udc80") == r"half of a letter: \udc80"
    assert not CONTROLS.search(SHOWN)


def test_the_cause_of_an_error_is_one_printable_line():
    """A value in a cause cannot begin another line of the log."""
    assert cause_of(ValueError(f"{HOSTILE}\nbatch 1: all is fine")) == SHOWN


@pytest.fixture(name="shown")
def _shown(capsys):
    """Return a function that returns what was printed, without any control character."""

    def read():
        printed = "".join(capsys.readouterr())
        assert not CONTROLS.search(printed)
        return printed

    return read


def test_log_messages_are_printable(shown):
    """A message of the log shows the value that made a batch fail, escaped."""
    with log_to(Logging()):
        logging.getLogger("stream_runtime.example").warning("attempt %d failed: %s", 1, HOSTILE)

    assert SHOWN in shown()


def test_the_message_of_a_failed_job_is_printable(shown, monkeypatch):
    """The error that ends a command is shown escaped."""

    def fail(*_):
        raise StreamFailedError(HOSTILE)

    monkeypatch.setattr(cli, "run", fail)

    assert cli.main(sample.JOB, ["run", "--conf", str(CONF)]) == StreamFailedError.exit_code
    assert f"error: {SHOWN}" in shown()


def test_doctor_is_printable(shown):
    """Findings and errors of doctor are shown escaped."""
    report = Report()
    report.ask("target", lambda: HOSTILE)
    report.add_error("data", StreamFailedError(HOSTILE))

    assert shown() == f"ok     target: {SHOWN}\nWRONG  data: {SHOWN}\n"


def test_status_is_printable(shown, monkeypatch):
    """The cause of the last retry is shown escaped."""
    monkeypatch.setattr(status, "describe", lambda *_: [("retries", f"1, last: {HOSTILE}")])

    status.show(JOB, sample.load(), as_json=False)

    assert SHOWN in shown()
