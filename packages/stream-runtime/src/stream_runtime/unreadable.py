"""The files of a source that cannot be read: quarantine names each, and the job continues.

Spark reads a file to its end, or fails the batch; its option for damaged files silently skips the
rest of each. So the batch runs again without the whole file: none of its lines is an event, and a
correct copy with another name is read from the beginning.

Spark also silently skips a file that is deleted before its batch runs, which can be long after
Spark has listed the folder. So each attempt looks for the files that it will read, and each batch
for those that it should have read.
"""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession, is_remote

from .causes import cause_of
from .errors import SetupError
from .quarantine import read_last_batch
from .settings import RuntimeSettings
from .spark_log import committed, list_files, planned, to_one_slash
from .storage import Storage, hadoop_conf, read_json
from .systems import StreamSource

log = logging.getLogger(__name__)

FILES = "unreadable.json"
"""The file in the checkpoint with the names of the files that are left out."""
FOLDER = "files"
"""The folder of their records in quarantine, beside those of the batches."""
REASON = "unreadable_file"
"""No line of the file is an event."""
REASON_AFTER_BATCH = "unreadable_after_batch"
"""The batch of the file has run. Nobody knows whether it read the file."""
WARNINGS = {
    REASON: (
        "%s cannot be read, and the job continues without it: quarantine has its name. Put a "
        "correct copy into the folder, with another name "
        "(docs/runbook.md, 'The stream failed')."
    ),
    REASON_AFTER_BATCH: (
        "%s cannot be read after its batch: it is unknown whether its events are in the result, "
        "and its invalid records may not be in quarantine, which has its name "
        "(docs/runbook.md, 'The stream failed')."
    ),
}
FAILURE = re.compile(
    r"\[FAILED_READ_FILE\.(?P<kind>\w+)\] Encountered error while reading file (?P<file>.+?)\."
    r"\s+(?:SQLSTATE|File does not exist)"
)
AT_ONCE = ThreadPoolExecutor(8)
"""An object store answers one request after the other too slowly."""
ADVICE = "Restore that file from a backup, or remove it: the job then finds such files again."


class UnreadableFiles:
    """The files that the sources of a job cannot read.

    Args:
        spark: a session.
        root: the checkpoint's root.
        settings: those of the job.
        records: the folder of quarantine for this checkpoint; without it, no file is left out.
        find_held: returns the last batch that the target has, None if the sink cannot tell.
        report: called with the reason and the name of each file.
    """

    def __init__(
        self,
        spark: SparkSession,
        root: Storage,
        settings: RuntimeSettings,
        records: Storage | None,
        find_held: Callable[[], int | None] = lambda: -1,
        report: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        self._spark, self._root, self._settings = spark, root, settings
        self._records, self._find_held, self._report = records, find_held, report
        self._files: list[str] = read_json(root, FILES, list, ADVICE) or []
        # Without Java nobody can look for files, and without quarantine nobody would know.
        self._looks = records is not None and not is_remote()

    def leave_out(self) -> RuntimeSettings:
        """Return the settings with sources that leave these files out."""
        return self._settings.without_files(self._files) if self._files else self._settings

    def add(self, error: Exception) -> bool:
        """Add the file that made a query fail; return False if there is none.

        A file that the storage does not deliver is not damaged: it has another attempt. One that is
        not there is added, because Spark skips it silently in the next attempt.

        Raises:
            SetupError: see `find_missing`.
        """
        found = FAILURE.search(cause_of(error))
        if not found or not self._records:
            return False
        file = to_one_slash(found["file"])
        if file not in self._list(after=-1):
            return False
        if found["kind"] != "FILE_NOT_EXIST":
            if not self._looks or not self._storage.delivers(file):
                return False
        elif self._looks:
            # An executor that does not see the file says so as well.
            self._require_mounted()
            if self._storage.has(file):
                return False
        is_next = file in self._list(after=self._last_committed())
        self._name(file, self._find_reason() if is_next else REASON_AFTER_BATCH)
        self._leave_out([file])
        return True

    def find_missing(self) -> None:
        """Write to quarantine which files of the next attempt are not there any more.

        Raises:
            SetupError: a source has to read files of a folder that has no file at all: the storage
                is probably not mounted.
            Py4JJavaError: the storage does not answer.
        """
        if not self._looks:
            return
        self._require_mounted()
        if missing := self._find(self._list(after=self._last_committed())):
            reason = self._find_reason()
            for file in missing:
                self._name(file, reason)
            # One that came back before the attempt would be read.
            self._leave_out(missing)

    def find_missing_of(self, batch: int) -> None:
        """Write to quarantine which files of a committed batch are not there any more.

        Raises:
            Py4JJavaError: the storage does not answer.
        """
        if self._looks:
            for file in self._find(self._list(batch - 1, batch)):
                self._name(file, REASON_AFTER_BATCH)

    def _require_mounted(self) -> None:
        for number, source in self._sources:
            folder = source.logged_folder()
            files = self._list_of(number, read_last_batch(self._root))
            if files and self._storage.is_empty(folder):
                message = (
                    f"The job has to read {len(files)} files of {source.NAME}.path, {folder}, "
                    "which is empty or not there. Mount the storage. If the files were deleted, "
                    "put a file with the name .keep there: the job then continues without them."
                )
                raise SetupError(message)

    def _list(self, after: int, last: int | None = None) -> list[str]:
        """Return the files of some batches (see `list_files`), without those that are left out."""
        logged = (
            file for number, _ in self._sources for file in self._list_of(number, after, last)
        )
        # Two sources can read one folder.
        return list(dict.fromkeys(logged))

    def _list_of(self, source: int, after: int, last: int | None = None) -> list[str]:
        logged = list_files(self._root, source, after, last)
        return [file for file in logged if file not in self._files]

    def _last_committed(self) -> int:
        last = committed(self._root)
        return -1 if last is None else last

    def _find(self, files: list[str]) -> list[str]:
        """Return the files that are not there."""
        exist = AT_ONCE.map(self._storage.has, files) if files else ()
        return [file for file, is_there in zip(files, exist, strict=True) if not is_there]

    def _find_reason(self) -> str:
        """Return the reason for a file of the next attempt."""
        due = planned(self._root)
        if due is None or due <= self._last_committed():
            return REASON
        # Rows of it can be in the result, from the attempt before.
        held = self._find_held()
        return REASON_AFTER_BATCH if held is None or due <= held else REASON

    @cached_property
    def _sources(self) -> list[tuple[int, StreamSource]]:
        """The sources of which Spark logs the files, with their numbers."""
        sources = enumerate(self._settings.sources())
        return [(number, source) for number, source in sources if source.logged_folder()]

    @cached_property
    def _storage(self) -> "SourceStorage":
        return SourceStorage(self._spark)

    def _leave_out(self, files: Sequence[str]) -> None:
        self._files.extend(files)
        self._root.write(FILES, json.dumps(self._files, indent=2))

    def _name(self, file: str, reason: str) -> None:
        """Write the name of a file to quarantine, once."""
        name = f"{FOLDER}/{hashlib.sha256(file.encode()).hexdigest()[:16]}.json"
        if not self._records or self._records.read(name) is not None:
            return
        record = {"reason": reason, "column": None, "raw": None, "origin": file}
        self._records.write(name, json.dumps(record) + "\n")
        self._report(reason, file)
        log.warning(WARNINGS[reason], file)


class SourceStorage:
    """What the storage of a source has, as Spark sees it; it needs Java."""

    def __init__(self, spark: SparkSession) -> None:
        jvm: Any = spark._jvm  # noqa: SLF001 - the only way to Hadoop's file systems
        # Cached, because Java searches all jars for each part of such a name.
        self._path, self._uri = jvm.org.apache.hadoop.fs.Path, jvm.java.net.URI
        self._consume = jvm.org.apache.commons.io.IOUtils.consume
        self._conf = hadoop_conf(spark)

    def has(self, file: str) -> bool:
        """Return whether a file, given as a URI, is there."""
        path = self._path(self._uri(file))
        return bool(path.getFileSystem(self._conf).exists(path))

    def delivers(self, file: str) -> bool:
        """Return whether all bytes of a file can be read."""
        with suppress(Py4JJavaError):
            path = self._path(self._uri(file))
            stream = path.getFileSystem(self._conf).open(path)
            try:
                self._consume(stream)
            finally:
                stream.close()
            return True
        return False

    def is_empty(self, folder: str) -> bool:
        """Return whether a folder has no file at all, or is not there."""
        path = self._path(folder)
        system = path.getFileSystem(self._conf)
        return not system.exists(path) or not system.listStatus(path)
