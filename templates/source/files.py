{% set job = cookiecutter | stream_plan %}
{% set table = "{source.NAME}" if job.right else "source" %}
"""Where the events come from: files in a folder, one JSON object a line.

- A file must arrive whole: write it elsewhere on the same file system, or under a name that
  begins with `.` or `_`, then rename it. What is added to a file afterwards is not read.
- Its name counts once: a file that replaces another is not read again.
- Files are taken in the order of their modification times.
- Every line is a record, an empty one too, and that is a bad one. Lines end with a line feed; a
  carriage return before it is white space to JSON. A byte order mark is no part of the first.
"""

from pathlib import Path
{% if job.right %}
from typing import ClassVar
{% endif %}

from pydantic import PositiveInt
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from .runtime.config import Duration, Location, Table, is_local, to_timedelta
from .runtime.errors import SetupError
from .runtime.records import envelope

SPARK_CONF: dict[str, str] = {}
REPLAYABLE = True
LINES = {"lineSep": "\n", "recursiveFileLookup": "true"}
"""Folders in the folder are read as well; their names mean nothing."""


class Source(Table):
    """The table `[source]` in conf/*.toml."""

{% if job.right %}
    NAME: ClassVar = "source"
    """That of the table, for messages."""
{% endif %}
    path: Location
    file_names: str = "*"
    """Which files are read, as a pattern such as `*.ndjson`; never those with `.` or `_` first."""
    max_files_per_trigger: PositiveInt = 100
    """Files a batch takes at most, so that a backlog does not become one endless batch."""
    max_file_age: Duration = "7 days"
    """Files that are older than the newest one read by more than this are ignored, without a word.

    It bounds what Spark has to remember of files that it has read. A file's age is that of its
    content, so a file that was moved here late is older than it seems: `touch` it on arrival.
    """


def read(spark: SparkSession, source: Source) -> DataFrame:
    """The lines of the files as a stream of envelopes (see runtime/records.py).

    Raises:
        SetupError: there is no such folder.
    """
    age = to_timedelta(source.max_file_age)
    reader = spark.readStream.format("text").options(**LINES, pathGlobFilter=source.file_names)
    reader = reader.option("maxFilesPerTrigger", source.max_files_per_trigger)
    reader = reader.option("maxFileAge", f"{age.total_seconds():.0f}s")
    try:
        return envelopes(reader.load(source.path))
    except AnalysisException as cause:
        message = f"Spark cannot read {source.path}: {cause}. Create it, or set {{ table }}.path."
        raise SetupError(message) from cause


def envelopes(lines: DataFrame) -> DataFrame:
    """Lines of text files as records; the ingest time is the file's, its place the origin."""
    place, time = F.col("_metadata.file_path"), F.col("_metadata.file_modification_time")
    return lines.select(envelope(F.col("value"), time, place))


def origin(source: Source) -> str:
    """What the offsets in a checkpoint are of."""
    return f"files in {source.path}"


def check(source: Source) -> None:
    """Raises SetupError unless the folder is there; `read` asks where it is not on this disk."""
    if is_local(source.path) and not Path(source.path.removeprefix("file:")).is_dir():
        message = f"There is no folder {source.path}. Create it, or set {{ table }}.path."
        raise SetupError(message)
