"""The steps of a set-up, which run in parallel, and their progress.

The module uses only the standard library, because it runs before the installation.
"""

import sys
import threading
import time
from collections.abc import Callable, Sequence

LOOK_SECONDS = 0.3
SPEAK_SECONDS = 5
"""Seconds between two lines of progress where the output is not a terminal."""
END_SECONDS = 5
WIDTH = 78


class StepError(Exception):
    """Raised when a step fails; the message ends with an instruction."""


class Step:
    """One step of a set-up.

    Args:
        title: says what the step does, for the lines of progress.
        work: does it, in a thread; it gets the step.

    Attributes:
        note: what the step does at present; `work` sets it.
        stopped: is set when `work` must end.
    """

    def __init__(self, title: str, work: "Callable[[Step], None]") -> None:
        self.title, self.note = title, ""
        self.stopped = threading.Event()
        self.error: Exception | None = None
        self._begun = time.monotonic()
        # An interrupted program does not wait for a thread that waits for the network.
        self._thread = threading.Thread(target=self._run, args=[work], daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._begun = time.monotonic()
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until the step has ended, at most so long; return whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def line(self) -> str:
        """Return what the step does, with its duration."""
        return f"{self.title}, {time.monotonic() - self._begun:.0f} s: {self.note}"

    @property
    def result(self) -> str:
        """Return what the step has done, with its duration or its error."""
        if isinstance(self.error, StepError):
            return f"{self.title} failed: {self.error}"
        return f"{self.title}: done in {time.monotonic() - self._begun:.0f} s"

    def _run(self, work: "Callable[[Step], None]") -> None:
        try:
            work(self)
        except Exception as error:
            self.error = error


def run(steps: Sequence[Step]) -> bool:
    """Run the steps in parallel, print their progress, and return whether all succeeded.

    A failed step does not stop the others: what they have done is there for the next call.
    """
    for step in steps:
        step.start()
    running, spoken = list(steps), time.monotonic()
    try:
        while running:
            for step in [step for step in running if step.wait(LOOK_SECONDS / len(running))]:
                running.remove(step)
                _end(step)
            now = time.monotonic()
            if running and (sys.stderr.isatty() or now - spoken >= SPEAK_SECONDS):
                _show(running)
                spoken = now
    finally:
        for step in running:
            step.stopped.set()
        for step in running:
            step.wait(END_SECONDS)
    return not any(step.error for step in steps)


def _end(step: Step) -> None:
    if step.error and not isinstance(step.error, StepError):
        raise step.error
    _clear()
    sys.stderr.write(f"{step.result}\n")
    sys.stderr.flush()


def _show(running: Sequence[Step]) -> None:
    """Rewrite one line about all steps on a terminal; elsewhere print a line for each."""
    if sys.stderr.isatty():
        share = WIDTH // len(running) - 1
        sys.stderr.write("\r" + " ".join(step.line[:share].ljust(share) for step in running))
    else:
        sys.stderr.writelines(f"{step.line[:WIDTH]}\n" for step in running)
    sys.stderr.flush()


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * WIDTH + "\r")
