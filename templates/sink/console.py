{% set job = cookiecutter | stream_plan %}
"""Where the result goes: the terminal, for a first try."""

from pydantic import PositiveInt
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.streaming.readwriter import DataStreamWriter

from .runtime.config import Table
from .runtime.names import quote
from .runtime.records import JSON

SPARK_CONF: dict[str, str] = {}


class Sink(Table):
    """The table `[sink]` in conf/*.toml."""

    num_rows: PositiveInt = 20
    """How many rows of a batch are shown at most."""


def write(rows: DataFrame, sink: Sink, epoch: str) -> DataStreamWriter:
    """Show the first rows of each batch as a table on the standard output. Nothing is promised.

{% if job.low_latency %}
    1. When an interval has passed, the driver shows its rows.
    2. Spark writes to the checkpoint how far it has read. Died before it: the next start begins
       where the last interval ended, and shows what came since once more.
    3. Spark marks that as committed in the checkpoint.
{% else %}
    1. Spark writes the batch's offsets to the checkpoint. Died after it: the next start runs
       the same batch over the same offsets.
    2. The driver shows the rows. Died after it: the batch runs again, and is shown once more.
    3. Spark marks the batch as committed in the checkpoint.
{% endif %}
    """
    shown = readable(rows).writeStream.format("console")
    return shown.option("truncate", False).option("numRows", sink.num_rows)


def readable(rows: DataFrame) -> DataFrame:
    """The rows with nested and binary columns as text: JSON, and Base64."""
    texts = {}
    for field in rows.schema:
        if isinstance(field.dataType, T.ArrayType | T.MapType | T.StructType):
            texts[field.name] = F.to_json(quote(field.name), JSON)
        elif isinstance(field.dataType, T.BinaryType):
            texts[field.name] = F.base64(quote(field.name))
    return rows.withColumns(texts)


def owner(spark: SparkSession, sink: Sink) -> str | None:
    """None: a terminal keeps nothing."""
    return None


def check(sink: Sink) -> None:
    """Nothing to ask: there is no server."""


def prepare(spark: SparkSession, rows: DataFrame, sink: Sink, epoch: str) -> None:
    """Nothing to create."""
