{% set job = cookiecutter | stream_plan %}
"""The source: files in a folder, one JSON object per line.

- A file must be complete when it arrives: write it elsewhere on the same file system, or under a
  name that begins with `.` or `_`, then rename it. Lines that are added later are not read.
- A file name is read once: a file that replaces another one is not read.
- Files are read in the order of their modification times.
- Every line is a record; an empty line is an invalid one. Lines end with a line feed; a carriage
  return before it is white space to JSON. A byte order mark is not part of the first line.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import PositiveInt
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from stream_runtime.config import Duration, Location, is_local, to_timedelta
from stream_runtime.errors import SetupError
from stream_runtime.records import envelope
from stream_runtime.systems import StreamSource
from typing_extensions import override

LINES = {
    "lineSep": "\n",
    # Subfolders are read as well; their names have no meaning.
    "recursiveFileLookup": "true",
    # Spark would skip a damaged file, or its rest, silently.
    "ignoreCorruptFiles": "false",
    "ignoreMissingFiles": "false",
}
FILE = "_metadata.file_path"


class Source(StreamSource):
    """The table `[source]` in conf/*.toml."""

    KIND = "files"
    # Spark applies the pattern to the files of a planned batch as well.
    RULES = ("file_names",)
    path: Location
    file_names: str = "*"
    """A pattern of file names, such as `*.ndjson`; names that begin with `.` or `_` never match."""
    max_files_per_trigger: PositiveInt = 100
    """The largest number of files in a batch, so that a backlog is not one endless batch."""
    max_file_age: Duration = "7 days"
    """The largest age of a file, relative to the newest file read; older ones are silently ignored.

    It limits how many names of read files Spark has to keep. The age is that of the last
    modification, so a file that was moved here late can be too old: `touch` it on arrival.
    """

    unreadable: tuple[str, ...] = ()
    """Files that are left out, as URIs; the job adds those that it cannot read."""

    @override
    def logged_folder(self) -> str:
        """Return the folder: Spark logs which of its files each batch reads."""
        return self.path

    @override
    def without_files(self, files: Sequence[str]) -> Self:
        """Return this source without some files."""
        return self.model_copy(update={"unreadable": (*self.unreadable, *files)})

    @override
    def read(self, spark: SparkSession) -> DataFrame:
        """Return the lines of the files as a stream of envelopes (see stream_runtime/records.py).

        Raises:
            SetupError: the folder does not exist.
        """
        age = to_timedelta(self.max_file_age)
        reader = spark.readStream.format("text").options(**LINES, pathGlobFilter=self.file_names)
        reader = reader.option("maxFilesPerTrigger", self.max_files_per_trigger)
        reader = reader.option("maxFileAge", f"{age.total_seconds():.0f}s")
        try:
            return self.to_envelopes(reader.load(self.path))
        except AnalysisException as cause:
            message = f"Spark cannot read {self.path}: {cause}. Create it, or set {self.NAME}.path."
            raise SetupError(message) from cause

    def to_envelopes(self, lines: DataFrame) -> DataFrame:
        """Return lines of text files as envelopes, with the time and the path of the file."""
        time = F.col("_metadata.file_modification_time")
        # Spark does not open a file that such a condition excludes.
        kept = lines.where(~F.col(FILE).isin(*self.unreadable))
        return kept.select(envelope(F.col("value"), time, F.col(FILE)))

    @override
    def source_id(self) -> str:
        """Return the source id: the offsets in the checkpoint belong to it."""
        return f"files in {self.path}"

    @override
    def check(self) -> None:
        """Raise SetupError if a local folder does not exist; `read` checks other folders."""
        if is_local(self.path) and not Path(self.path.removeprefix("file:")).is_dir():
            message = (
                f"There is no folder {self.path}. Create it (`make produce` on your own machine), "
                f"or set {self.NAME}.path."
            )
            raise SetupError(message)
