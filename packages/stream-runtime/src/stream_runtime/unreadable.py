"""The files of a source that cannot be read: quarantine names each, and the job continues.

Spark reads a file to its end, or fails the batch; its option for damaged files silently skips the
rest of each. So the batch runs again without the whole file: none of its lines is an event, and a
correct copy with another name is read from the beginning.
"""

import hashlib
import json
import logging
import re
from contextlib import suppress
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession, is_remote

from .causes import cause_of
from .settings import RuntimeSettings
from .storage import Storage, read_json

log = logging.getLogger(__name__)

FILES = "unreadable.json"
"""The file in the checkpoint with the names of these files."""
FOLDER = "files"
"""The folder of their records in quarantine, beside those of the batches."""
REASON = "unreadable_file"
FAILURE = re.compile(
    r"\[FAILED_READ_FILE\.(?P<kind>\w+)\] Encountered error while reading file (?P<file>.+?)\."
    r"\s+(?:SQLSTATE|File does not exist)"
)
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
        # With one slash, as in the column `origin`.
        file = re.sub("^file:/+", "file:/", found["file"])
        if file in self._files or not any(
            source.can_leave_out(file) for source in settings.sources()
        ):
            return False
        if found["kind"] != "FILE_NOT_EXIST" and not _is_delivered(file, spark):
            return False
        record = {"reason": REASON, "column": None, "raw": None, "origin": file}
        name = hashlib.sha256(file.encode()).hexdigest()[:16]
        self._records.write(f"{FOLDER}/{name}.json", json.dumps(record) + "\n")
        self._root.write(FILES, json.dumps([*self._files, file], indent=2))
        self._files.append(file)
        log.warning(
            "%s cannot be read, and the job continues without it: quarantine has its name. Put a "
            "correct copy into the folder, with another name "
            "(docs/runbook.md, 'The stream failed').",
            file,
        )
        return True


def _is_delivered(file: str, spark: SparkSession) -> bool:
    """Return whether the storage delivers all bytes of a file."""
    if is_remote():
        return False
    jvm: Any = spark._jvm  # noqa: SLF001 - the only way to Hadoop's file systems
    with suppress(Py4JJavaError):
        path = jvm.org.apache.hadoop.fs.Path(jvm.java.net.URI(file))
        conf = spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001
        stream = path.getFileSystem(conf).open(path)
        try:
            jvm.org.apache.commons.io.IOUtils.consume(stream)
        finally:
            stream.close()
        return True
    return False
