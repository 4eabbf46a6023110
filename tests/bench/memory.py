"""The peak memory of the processes that this one starts."""

import contextlib
import threading

import psutil

POLL_SECONDS = 0.2


class PeakMemory:
    """The largest resident memory of all child processes together, without those that run before.

    Attributes:
        mib: that memory, so far.
    """

    def __init__(self):
        self.mib = 0
        self._before = set(_find_children())
        self._ended = threading.Event()

    @contextlib.contextmanager
    def watch(self):
        """Watch while the block runs."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join()

    def _watch(self):
        while not self._ended.wait(POLL_SECONDS):
            new = set(_find_children()) - self._before
            self.mib = max(self.mib, sum(map(_measure_mib, new)))


def _find_children():
    return psutil.Process().children(recursive=True)


def _measure_mib(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.memory_info().rss // 2**20
    return 0
