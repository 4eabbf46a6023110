"""The causes of errors in Spark and in Java, for messages."""

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException


def cause_of(error: Py4JJavaError | PySparkException) -> str:
    """Return the message of the error, without the stack trace of Java and a full stop."""
    if isinstance(error, Py4JJavaError):
        cause = error.java_exception.getCause() or error.java_exception
        text = str(cause.getMessage())
    else:
        text = str(error)
    return text.partition("\n")[0].rstrip(".")
