"""The files of a source that cannot be read: quarantine names each, and the job continues.

Spark reads a file to its end, or fails the batch; its option for damaged files silently skips the
rest of each. So the batch runs again without the whole file: none of its lines is an event, and a
correct copy with another name is read from the beginning.

Spark also silently skips a file that was deleted after a batch was planned with it. So each attempt
looks for the files of the batch that it repeats, and a batch replay for those of its batch.
"""

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession, is_remote

from .causes import cause_of
from .settings import RuntimeSettings
from .spark_log import committed, files_read, planned, to_one_slash
from .storage import Storage, read_json

log = logging.getLogger(__name__)

FILES = "unreadable.json"
"""The file in the checkpoint with the names of these files."""
FOLDER = "files"
"""The folder of their records in quarantine, beside those of the batches."""
REASON = "unreadable_file"
"""No line of the file is an event."""
REASON_AFTER_COMMIT = "unreadable_for_quarantine"
"""The batch of the file is committed, but its invalid records are not in quarantine."""
FAILURE = re.compile(
    r"\[FAILED_READ_FILE\.(?P<kind>\w+)\] Encountered error while reading file (?P<file>.+?)\."
    r"\s+(?:SQLSTATE|File does not exist)"
)
WARNINGS = {
    REASON: (
        "%s cannot be read, and the job continues without it: quarantine has its name. Put a "
        "correct copy into the folder, with another name "
        "(docs/runbook.md, 'The stream failed')."
    ),
    REASON_AFTER_COMMIT: (
        "%s cannot be read again: its events are in the result, but its invalid records are not "
        "in quarantine, which has its name (docs/runbook.md, 'The stream failed')."
    ),
}
ADVICE = "Restore that file from a backup, or remove it: the job then finds such files again."


class UnreadableFiles:
    """The files that the sources of a job leave out.

    Args:
        root: the checkpoint's root.
        records: the folder of quarantine for this checkpoint; without it, no file is left out.
    """

    def __init__(self, root: Storage, records: Storage | None) -> None:
        self._root, self._records = root, records
        self._files: list[str] = read_json(root, FILES, list, ADVICE) or []

    def leave_out(self, settings: RuntimeSettings) -> RuntimeSettings:
        """Return the settings with sources that leave these files out."""
        return settings.without_files(self._files) if self._files else settings

    def add(self, error: Exception, spark: SparkSession, settings: RuntimeSettings) -> bool:
        """Add the file that made a query fail; return False if there is none.

        A file that the storage does not deliver is not damaged: it has another attempt. One that is
        not there is added, because Spark skips it silently in the next attempt.
        """
        found = FAILURE.search(cause_of(error))
        if not found or not self._records:
            return False
        file = to_one_slash(found["file"])
        if file in self._files or not any(
            source.can_leave_out(file) for source in settings.sources()
        ):
            return False
        if found["kind"] != "FILE_NOT_EXIST" and not _is_delivered(file, spark):
            return False
        self._add(file, settings)
        return True

    def add_missing(
        self, spark: SparkSession, settings: RuntimeSettings, batch: int | None = None
    ) -> None:
        """Add the files of a batch that are not there any more.

        Args:
            spark: a session.
            settings: those of the job.
            batch: a batch of which Spark has the logs; by default the one that the next attempt
                repeats, if there is one.

        Raises:
            Py4JJavaError: the storage does not answer.
        """
        batch = self._find_due() if batch is None else batch
        # Without Java nobody can ask, and without quarantine nobody would know.
        if batch is None or not self._records or is_remote():
            return
        for file in list(self._files_of(batch, settings)):
            if not _exists(file, spark):
                self._add(file, settings)

    def _find_due(self) -> int | None:
        """Return the batch that is planned and not committed."""
        due = planned(self._root)
        return None if due == committed(self._root) else due

    def _files_of(self, batch: int, settings: RuntimeSettings) -> Iterator[str]:
        """Yield the files of a batch that are not left out."""
        for number, source in enumerate(settings.sources()):
            for file in files_read(self._root, number, batch):
                if source.can_leave_out(file) and file not in self._files:
                    yield file

    def _add(self, file: str, settings: RuntimeSettings) -> None:
        """Leave a file out, and write its name to quarantine."""
        due = self._find_due()
        is_due = due is not None and file in self._files_of(due, settings)
        reason = REASON if is_due else REASON_AFTER_COMMIT
        record = {"reason": reason, "column": None, "raw": None, "origin": file}
        name = hashlib.sha256(file.encode()).hexdigest()[:16]
        if self._records:
            self._records.write(f"{FOLDER}/{name}.json", json.dumps(record) + "\n")
        self._root.write(FILES, json.dumps([*self._files, file], indent=2))
        self._files.append(file)
        log.warning(WARNINGS[reason], file)


def _is_delivered(file: str, spark: SparkSession) -> bool:
    """Return whether the storage delivers all bytes of a file."""
    if is_remote():
        return False
    jvm: Any = spark._jvm  # noqa: SLF001 - the only way to Hadoop's file systems
    with suppress(Py4JJavaError):
        system, path = _find(file, spark)
        stream = system.open(path)
        try:
            jvm.org.apache.commons.io.IOUtils.consume(stream)
        finally:
            stream.close()
        return True
    return False


def _exists(file: str, spark: SparkSession) -> bool:
    system, path = _find(file, spark)
    return bool(system.exists(path))


def _find(file: str, spark: SparkSession) -> tuple[Any, Any]:
    """Return Hadoop's file system of a file, and its path there."""
    jvm: Any = spark._jvm  # noqa: SLF001 - the only way to Hadoop's file systems
    path = jvm.org.apache.hadoop.fs.Path(jvm.java.net.URI(file))
    conf = spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001
    return path.getFileSystem(conf), path
