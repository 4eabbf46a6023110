"""The lease of a checkpoint: one driver, also where no lock works, as on an object store.

A driver writes its name to `driver.json`, and renews it while it runs. The next start watches that
file for `checkpoint.lease`: if it changes, the driver lives and the start is refused; if not, the
start takes over. So it needs no clock that two machines share. A driver that was suspended finds
another name in the file, and ends.
"""

import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError

from .errors import CheckpointError
from .storage import Storage

log = logging.getLogger(__name__)

FILE = "driver.json"
RENEWALS = 3
"""How often a driver renews its lease before another may take over."""
SECONDS = 60
"""The age of a renewal at which `is_held` takes a driver for dead, if its lease is not longer."""
POLL_SECONDS = 1.0
SETTLE_SECONDS = 2.0
"""The time for another start to show itself that wrote at the same moment."""


class Lease:
    """The lease of this driver.

    Args:
        root: the root of the checkpoint.
        seconds: the time without a renewal after which another driver may take over.
        locked: whether a lock shows that no other driver runs: then nothing waits.
    """

    def __init__(self, root: Storage, seconds: float, *, locked: bool) -> None:
        self._root, self._seconds, self._locked = root, seconds, locked
        self._id = uuid.uuid4().hex
        self._before: str | None = None
        self._watched_since = self._claimed_at = 0.0
        self._successor = ""
        self._ended = threading.Event()
        self._renewal = threading.Thread(target=self._renew, daemon=True)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Claim the lease if nobody has it, or watch who has it; release it at the end.

        What the start does until `confirm` happens while it waits for signs of other drivers.
        """
        self._before = self._root.read(FILE)
        self._watched_since = time.monotonic()
        if self._locked or not self._before:
            self._claim()
        try:
            yield
        finally:
            self._release()

    def confirm(self) -> None:
        """Wait until no other driver can have the lease.

        Raises:
            CheckpointError: another driver runs on the checkpoint.
        """
        if self._locked:
            return
        if self._before:
            self._outlast(self._before)
            self._claim()
        time.sleep(max(0.0, self._claimed_at + SETTLE_SECONDS - time.monotonic()))
        self._refuse(self._root.read(FILE))

    def require(self) -> None:
        """Require that no other driver has taken over.

        Raises:
            CheckpointError: another has, because this one did not renew its lease in time.
        """
        if self._successor:
            message = (
                f"{self._successor} has taken over the checkpoint, because this driver did not "
                f"renew its lease for {self._seconds:g} seconds: it was suspended, or its storage "
                "did not answer. It ends, and the other one goes on."
            )
            raise CheckpointError(message)

    def _claim(self) -> None:
        self._write()
        self._claimed_at = time.monotonic()
        self._renewal.start()

    def _release(self) -> None:
        self._ended.set()
        if self._renewal.is_alive():
            self._renewal.join()
        if _id_of(self._root.read(FILE)) == self._id:
            self._root.remove(FILE)

    def _outlast(self, before: str) -> None:
        """Wait until the lease of the last driver is over, or released."""
        seconds = max(self._seconds, _seconds_of(before))
        deadline = self._watched_since + seconds
        if time.monotonic() < deadline:
            log.info(
                "%s has not released the checkpoint: waiting up to %g seconds for a sign of life",
                _describe(before),
                seconds,
            )
        while (now := self._root.read(FILE)) == before and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if now != before:
            self._refuse(now)

    def _refuse(self, found: str | None) -> None:
        """Raise CheckpointError if the file has the name of another driver."""
        if found and _id_of(found) != self._id:
            message = (
                f"{_describe(found)} runs on this checkpoint. Stop it first (`make stop`); one "
                f"that is dead is replaced after {self._seconds:g} seconds."
            )
            raise CheckpointError(message)

    def _renew(self) -> None:
        while not self._ended.wait(self._seconds / RENEWALS):
            try:
                found = self._root.read(FILE)
                if found and _id_of(found) != self._id:
                    self._successor = _describe(found)
                    return
                self._write()
            except (OSError, Py4JError) as error:
                # The next renewal may succeed; if another driver takes over, that one shows it.
                log.warning("the lease of the checkpoint was not renewed: %s", error)

    def _write(self) -> None:
        facts = {
            "id": self._id,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "renewed": time.time(),
            "seconds": self._seconds,
        }
        self._root.write(FILE, json.dumps(facts))


def is_held(root: Storage) -> bool:
    """Return whether a driver has renewed its lease a short time ago, by the clocks of both."""
    facts = _read(root.read(FILE))
    renewed, seconds = facts.get("renewed"), facts.get("seconds", SECONDS)
    if not isinstance(renewed, int | float) or not isinstance(seconds, int | float):
        return False
    return time.time() - renewed < max(2 * seconds, SECONDS)


def _id_of(text: str | None) -> str:
    return str(_read(text).get("id", ""))


def _seconds_of(text: str) -> float:
    """Return the lease that a driver has, which can differ from that of the next start."""
    seconds = _read(text).get("seconds", 0)
    return seconds if isinstance(seconds, int | float) else 0


def _describe(text: str) -> str:
    facts = _read(text)
    return f"The driver on {facts.get('host', '?')}, process {facts.get('process', '?')},"


def _read(text: str | None) -> dict[str, object]:
    """Return the facts of a lease; none of a file that is damaged."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
