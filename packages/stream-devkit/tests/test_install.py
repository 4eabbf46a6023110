"""The set-up of a project: the progress of its steps."""

import re
import threading
import time

import pytest
from stream_devkit import progress
from stream_devkit.progress import Step, StepError


def test_steps_run_in_parallel_and_a_failed_one_stops_no_other(capsys):
    """Each step has a line about its end, also after the failure of another one."""
    failed = threading.Event()

    def fail(_):
        failed.set()
        raise StepError("no network. Check it.")

    assert not progress.run([Step("First", lambda _: failed.wait(20)), Step("Second", fail)])

    said = capsys.readouterr().err
    assert "Second failed: no network. Check it.\n" in said
    assert "First: done in " in said


def test_steps_report_their_progress_in_a_pipe(monkeypatch, capsys):
    """Every few seconds there is a line with the note of each step that runs."""
    monkeypatch.setattr(progress, "SPEAK_SECONDS", 0.05)

    def work(step):
        step.note = "1 of 3"
        time.sleep(1)

    assert progress.run([Step("Downloading", work), Step("Installing", work)])

    said = capsys.readouterr().err
    for title in ("Downloading", "Installing"):
        assert len(re.findall(rf"^{title}, \d s: 1 of 3$", said, re.MULTILINE)) > 1


def test_an_unexpected_error_is_not_hidden():
    """An error of the program itself ends the set-up with its traceback."""
    with pytest.raises(ZeroDivisionError):
        progress.run([Step("Dividing", lambda _: 1 / 0)])
