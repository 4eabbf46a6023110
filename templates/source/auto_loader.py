"""Where the events come from: files in cloud storage, one JSON object a line, by Auto Loader.

Outside Databricks there is no Auto Loader: with `source.auto_loader = false` Spark's own file
source in files.py reads the folder instead. Both yield lines as text, so that one function judges
records everywhere; this answers what Auto Loader asks about schemas:

- Format: `text`. Its one column has no schema to infer, and schema.py is the events'.
- Schema location: Auto Loader keeps there what it knows of that column.
- Evolution mode: `none`. A new field in the events counts as unknown; the stream goes on.
- Rescued data: none is needed. A line that does not fit schema.py goes to quarantine, whole.
"""

from pydantic import PositiveInt
from pyspark.sql import DataFrame, SparkSession

from . import files
from .runtime.config import Location

SPARK_CONF = files.SPARK_CONF
REPLAYABLE = False
"""Auto Loader remembers the files that it has read in a database, which cannot be copied."""


class Source(files.Source):
    """The table `[source]` in conf/*.toml; `max_file_age` does not concern Auto Loader."""

    max_files_per_trigger: PositiveInt = 1000
    auto_loader: bool = True
    schema_location: Location | None = None
    """A folder of this stream's own, beside its checkpoint."""


def read(spark: SparkSession, source: Source) -> DataFrame:
    """The lines of the files as a stream of envelopes (see runtime/records.py).

    Raises:
        SetupError: there is no such folder.
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
