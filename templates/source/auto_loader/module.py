"""The source: files in cloud storage, one JSON object per line, read by Auto Loader.

Auto Loader exists on Databricks only: with `source.auto_loader = false` Spark's own file source in
files.py reads the folder instead. Both read lines as text, so that one function validates records
everywhere. Auto Loader's schema options therefore are:

- Format: `text`. Its one column has no schema to infer; schema.py has the event schema.
- Schema location: the folder in which Auto Loader stores the schema of that column.
- Evolution mode: `none`. A new field in the events is an unknown field; the stream continues.
- Rescued data: not needed. A line that does not fit schema.py goes to quarantine as a whole.
"""

from pydantic import PositiveInt
from pyspark.sql import DataFrame, SparkSession
from stream_runtime.config import Location

from . import files

REPLAYABLE = False
"""False: Auto Loader stores which files it has read in a database that cannot be copied."""


class Source(files.Source):
    """The table `[source]` in conf/*.toml; Auto Loader ignores `max_file_age`."""

    max_files_per_trigger: PositiveInt = 1000
    auto_loader: bool = True
    schema_location: Location | None = None
    """A folder for this stream only, beside its checkpoint."""


def spark_conf(source: Source) -> dict[str, str]:
    """Return the Spark settings that this source needs."""
    return {}


def read(spark: SparkSession, source: Source) -> DataFrame:
    """Return the lines of the files as a stream of envelopes (see stream_runtime/records.py).

    Raises:
        SetupError: the folder does not exist.
    """
    if not source.auto_loader:
        return files.read(spark, source)
    reader = spark.readStream.format("cloudFiles").options(**files.LINES)
    reader = reader.option("pathGlobFilter", source.file_names)
    return files.envelopes(reader.options(**_auto_loader(source)).load(source.path))


def _auto_loader(source: Source) -> dict[str, str]:
    options = {
        "format": "text",
        "maxFilesPerTrigger": str(source.max_files_per_trigger),
        # Folders such as day=2026-01-01 add no columns.
        "partitionColumns": "",
        "schemaEvolutionMode": "none",
    }
    if source.schema_location:
        options["schemaLocation"] = source.schema_location
    return {f"cloudFiles.{name}": value for name, value in options.items()}


origin = files.origin
check = files.check
