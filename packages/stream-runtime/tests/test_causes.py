"""The line about a failed batch names the error of the sink itself."""

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from stream_runtime.causes import cause_of


def write(rows, path, *, mode):
    """Write a batch, as a sink in Python does."""
    rows.write.mode(mode).json(path)


def reset(_):
    """Fail as a server does that goes away."""
    message = "the server is away: code 7\nDETAIL: line 2"
    raise ConnectionResetError(message)


def refuse(rows):
    """Fail in Java, with an error that PySpark does not know."""
    rows.sparkSession._jvm.java.sql.DriverManager.getConnection("jdbc:nothing")  # noqa: SLF001


def wrap(rows):
    """Fail with an error that has another one as its cause."""
    try:
        refuse(rows)
    except Exception as error:
        message = "the batch is not committed"
        raise RuntimeError(message) from error


def fail(query):
    """Return the error of a query."""
    with pytest.raises(PySparkException):
        query.awaitTermination()
    return query.exception()


@pytest.fixture(name="stream")
def _stream(spark, tmp_path):
    """Return the writer of a stream of one row, which starts a query."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/1").write_text("row\n", "utf-8")
    rows = spark.readStream.format("text").load(str(tmp_path / "source"))

    def start(writer):
        located = writer.option("checkpointLocation", str(tmp_path / "checkpoint"))
        return located.trigger(availableNow=True).start()

    return rows, start


@pytest.mark.parametrize(
    ("sink", "cause"),
    [
        (reset, "ConnectionResetError: the server is away: code 7"),
        (refuse, "SQLException: No suitable driver found for jdbc:nothing"),
        (wrap, "RuntimeError: the batch is not committed"),
        (
            lambda rows: write(rows, "/proc/nowhere", mode="append"),
            "java.io.IOException: Mkdirs failed to create file:/proc/nowhere/_temporary",
        ),
        (
            lambda rows: write(rows, "/proc/self", mode="error"),
            "AnalysisException: [PATH_ALREADY_EXISTS] Path file:/proc/self already exists",
        ),
        (
            lambda rows: rows.select(F.raise_error("value 5")).foreach(print),
            "value 5",
        ),
    ],
    ids=["Python", "Java", "chained", "a task", "Spark", "an expression"],
)
def test_an_error_of_python_code_is_named(stream, sink, cause):
    """Spark's report begins with its own stack, and the error of the sink is far below."""
    rows, start = stream

    line = cause_of(fail(start(rows.writeStream.foreachBatch(lambda batch, _: sink(batch)))))

    assert cause in line
    assert "Traceback" not in line
    assert "\n" not in line


def test_the_deepest_cause_is_named(stream, tmp_path):
    """Spark's own sinks say that a task failed; only the deepest cause says why."""
    rows, start = stream
    (tmp_path / "source/1").write_bytes(b"")
    (tmp_path / "source/2.gz").write_bytes(b"no gzip")

    line = cause_of(fail(start(rows.writeStream.format("noop"))))

    assert line.startswith("[FAILED_READ_FILE.NO_HINT] Encountered error while reading file")
    assert line.endswith("java.io.EOFException: Unexpected end of input stream")
