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
from typing_extensions import override

from . import files


class Source(files.Source):
    """The table `[source]` in conf/*.toml; Auto Loader ignores `max_file_age`."""

    KIND = "auto_loader"
    # Auto Loader stores which files it has read in a database that cannot be copied.
    REPLAYABLE = False
    max_files_per_trigger: PositiveInt = 1000
    auto_loader: bool = True
    schema_location: Location | None = None
    """A folder for this stream only, beside its checkpoint."""

    @override
    def read(self, spark: SparkSession) -> DataFrame:
        """Return the lines of the files as a stream of envelopes (see stream_runtime/records.py).

        Raises:
            SetupError: the folder does not exist.
        """
        if not self.auto_loader:
            return super().read(spark)
        reader = spark.readStream.format("cloudFiles").options(**files.LINES)
        reader = reader.option("pathGlobFilter", self.file_names)
        return self.to_envelopes(reader.options(**self._auto_loader()).load(self.path))

    def _auto_loader(self) -> dict[str, str]:
        options = {
            "format": "text",
            "maxFilesPerTrigger": str(self.max_files_per_trigger),
            # Folders such as day=2026-01-01 add no columns.
            "partitionColumns": "",
            "schemaEvolutionMode": "none",
        }
        if self.schema_location:
            options["schemaLocation"] = self.schema_location
        return {f"cloudFiles.{name}": value for name, value in options.items()}
