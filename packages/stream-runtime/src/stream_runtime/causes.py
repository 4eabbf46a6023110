"""The causes of errors in Spark and in Java, for messages."""

from py4j.protocol import Py4JJavaError


def cause_of(error: Exception) -> str:
    """Return the first line of the error's message, without a full stop and without Java's stack.

    An error of Java has the message of its cause. An error without a message has its type's name.
    """
    text = str(error)
    if isinstance(error, Py4JJavaError):
        cause = error.java_exception.getCause() or error.java_exception
        text = str(cause.getMessage())
    lines = (line.strip() for line in text.splitlines())
    return next((line.rstrip(".") for line in lines if line), type(error).__name__)
