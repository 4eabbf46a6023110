"""The causes of errors in Spark and in Java, for messages, and texts that a terminal can show."""

import re
from collections.abc import Iterator
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

JVM_LOSS = (Py4JError, ConnectionError)
"""What a call raises if Spark's JVM is gone: py4j passes on the error of its own new connection."""
STORAGE_ERRORS = (OSError, Py4JError, PySparkException)
"""What the disk raises, or a storage that Spark reads and writes."""

TRACEBACK = "Traceback (most recent call last):"
JAVA_ERROR = "py4j.protocol.Py4JJavaError"
CAUSED_BY = "Caused by: "


def cause_of(error: Exception) -> str:
    """Return what is wrong, in one line: the messages of the error and of its causes.

    None ends with a full stop, or has a stack. An error of Java has the message of its cause; an
    error without a message has its type's name. If Spark reports an error of Python code that it
    called, such as that of a sink, the line is that error's, with its type. The message can
    contain a value of a record: control characters are escaped.
    """
    texts = list(filter(None, map(_first_line, _texts(error)))) or [type(error).__name__]
    line = texts[0]
    for text in texts[1:]:
        if (text.partition(": ")[2] or text) not in line:
            line += f": {text}"
    return line


def _texts(error: Exception) -> Iterator[str]:
    """Yield the messages of an error and of its causes."""
    if isinstance(error, Py4JJavaError):
        cause = error.java_exception.getCause() or error.java_exception
        yield str(cause.getMessage() or cause.toString())
        while cause := cause.getCause():
            yield str(cause.toString())
    elif TRACEBACK in str(error):
        yield from _raised(str(error))
    else:
        found: Any = error
        while found:
            yield str(found)
            # PySpark has Java's chain of causes there.
            found = getattr(found, "_cause", None)


def _raised(text: str) -> Iterator[str]:
    """Yield the error at the end of the last traceback in a text, and those in Java's stack."""
    lines = text.rpartition(TRACEBACK)[2].split("\n")
    own, *rest = (line for line in lines if line and not line[0].isspace())
    if own.startswith(JAVA_ERROR):
        own = rest[0].removeprefix(": ")
    yield re.sub(r"^(\w+\.)+(?=\w+(:|$))", "", own)
    yield from (line.removeprefix(CAUSED_BY) for line in rest if line.startswith(CAUSED_BY))


def _first_line(text: str) -> str:
    lines = (line.strip() for line in text.split("\n"))
    return to_printable(next((line.rstrip(".") for line in lines if line), ""))


def to_printable(text: str) -> str:
    """Return a text whose control characters are escaped, but not its line feeds.

    A terminal obeys them: a value of a record could clear the screen, or look like another line.
    """
    return "".join(
        letter if letter.isprintable() or letter == "\n" else _escape(letter) for letter in text
    )


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
