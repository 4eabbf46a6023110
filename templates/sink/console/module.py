{% set job = cookiecutter | stream_plan %}
"""The sink: the console, for a first test."""

from pydantic import PositiveInt
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.streaming.readwriter import DataStreamWriter
from stream_runtime.names import quote
from stream_runtime.records import JSON
from stream_runtime.systems import StreamSink
from typing_extensions import override


class Sink(StreamSink):
    """The table `[sink]` in conf/*.toml."""

    KIND = "console"
    num_rows: PositiveInt = 20
    """The largest number of rows that are shown per batch."""

    @override
    def write(self, rows: DataFrame, checkpoint_id: str) -> DataStreamWriter:
        """Show the first rows of each batch as a table on standard output, without a guarantee.

{% if job.low_latency %}
        1. After an interval, the driver shows its rows. If the process dies here: the next start
           begins where the last interval ended, and shows the rows again.
        2. Spark writes the offsets of the interval to the checkpoint.
        3. Spark marks the interval as committed in the checkpoint.
{% else %}
        1. Spark writes the batch's offsets to the checkpoint. If the process dies here: the next
           start runs the same batch over the same offsets.
        2. The driver shows the rows. If the process dies here: the batch runs again, and the driver
           shows its rows again.
        3. Spark marks the batch as committed in the checkpoint.
{% endif %}
        """
        shown = readable(rows).writeStream.format("console")
        return shown.option("truncate", False).option("numRows", self.num_rows)


def readable(rows: DataFrame) -> DataFrame:
    """Return the rows with nested columns as JSON and binary columns as Base64."""
    texts = {}
    for field in rows.schema:
        if isinstance(field.dataType, T.ArrayType | T.MapType | T.StructType):
            texts[field.name] = F.to_json(quote(field.name), JSON)
        elif isinstance(field.dataType, T.BinaryType):
            texts[field.name] = F.base64(quote(field.name))
    return rows.withColumns(texts)
