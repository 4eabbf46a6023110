"""Child processes that never outlive the program that started them, not even its kill -9.

Each runs behind a *leash*, a tiny process that kills it as soon as the pipe to us breaks.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

KILL_SECONDS = 10
PR_SET_CHILD_SUBREAPER = 36


class ProcessError(Exception):
    """Raised when a process of the demo ends or is silent when it should not."""


class Process:
    """A running command; what it says goes to a log file, or its standard output to another."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("ab") as said, (output or log).open("ab") as written:
            self._watch = subprocess.Popen(
                [sys.executable, "-S", str(Path(__file__).resolve()), *command],
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=said,
                env={**os.environ, **(environment or {})},
                # Out of the terminal's group: Ctrl-C reaches us alone, and we end it in order.
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """How the command ended, None while it runs."""
        return self._watch.poll()

    def wait(self, seconds: float) -> int | None:
        """The exit code, None if the command is still running after so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._watch.wait(seconds)
        return None

    def stop(self, seconds: float = 30) -> None:
        """Ask it to end (SIGTERM), and kill it if it does not."""
        self._watch.terminate()
        self.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """End it and all that it started, at once (SIGKILL)."""
        if self._watch.stdin:
            self._watch.stdin.close()
        if self.wait(KILL_SECONDS) is None:
            self._watch.kill()
            self._watch.wait()

    def last_lines(self, count: int = 15) -> str:
        """The end of its log, for a message."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-count:])


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that context managers clean up."""

    def leave(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _watch(command: Sequence[str]) -> None:
    """Run a command until it ends, or until nobody holds the other end of our input."""
    with contextlib.suppress(AttributeError):
        # Linux: what the command leaves behind becomes our child, and is waited for.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    threading.Thread(target=_follow, args=[child], daemon=True).start()
    while os.read(sys.stdin.fileno(), 1):
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    threading.Event().wait()


def _follow(child: subprocess.Popen[bytes]) -> None:
    """Leave with the command's exit code, after the last of its descendants."""
    code = child.wait()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    _watch(sys.argv[1:])
