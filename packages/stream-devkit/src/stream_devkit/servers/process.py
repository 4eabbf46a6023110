"""Child processes that end with the program that started them, even after its kill -9.

Each has a *leash*, a small parent process that kills it when the pipe to us closes.
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
FREEZE, THAW = signal.SIGUSR1, signal.SIGUSR2
"""The signals that suspend and continue a command, as its leash understands them."""


class ProcessError(Exception):
    """Raised when a process of the demo ends too early or does not answer."""


class Process:
    """A running command; its output is in a log file, or its standard output in another file."""

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
                # In its own session, so that Ctrl-C reaches only us, and we stop it cleanly.
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """Return the exit code of the command, None while it runs."""
        return self._watch.poll()

    def wait(self, seconds: float) -> int | None:
        """Return the exit code, None if the command is still running after `seconds`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._watch.wait(seconds)
        return None

    def stop(self, seconds: float = 30) -> None:
        """Send SIGTERM, and kill the command if it does not end within `seconds`."""
        self._watch.terminate()
        self.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """Kill the command and all its descendants (SIGKILL)."""
        if self._watch.stdin:
            self._watch.stdin.close()
        if self.wait(KILL_SECONDS) is None:
            self._watch.kill()
            self._watch.wait()

    def freeze(self) -> None:
        """Suspend the command and its process group (SIGSTOP), like a machine that hangs."""
        self._watch.send_signal(FREEZE)

    def thaw(self) -> None:
        """Continue a command that is frozen (SIGCONT)."""
        self._watch.send_signal(THAW)

    def kill_java(self) -> bool:
        """Kill the JVM that the command started (SIGKILL); return False if there is none."""
        listed = subprocess.run(
            ["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True
        )
        rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
        parents = {pid: parent for pid, parent, _ in rows}
        for pid, _, name in rows:
            if name.endswith("java") and str(self._watch.pid) in _ancestors(pid, parents):
                os.kill(int(pid), signal.SIGKILL)
                return True
        return False

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the log, for a message."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-count:])


def _ancestors(pid: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Yield the parent of a process, its parent, and so on."""
    while pid in parents:
        pid = parents[pid]
        yield pid


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
    """Run a command until it ends, or until the other end of our input is closed."""
    with contextlib.suppress(AttributeError):
        # Linux: orphans of the command become our children, and we wait for them.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    ended = threading.Event()
    # Before the child is there: without a handler, a request would end us and leave the child.
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    signal.signal(FREEZE, lambda *_: os.killpg(child.pid, signal.SIGSTOP))
    signal.signal(THAW, lambda *_: os.killpg(child.pid, signal.SIGCONT))
    if ended.is_set():
        child.terminate()
    threading.Thread(target=_follow, args=[child], daemon=True).start()
    while os.read(sys.stdin.fileno(), 1):
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    threading.Event().wait()


def _follow(child: subprocess.Popen[bytes]) -> None:
    """Exit with the command's exit code, after all its descendants have ended."""
    code = child.wait()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    _watch(sys.argv[1:])
