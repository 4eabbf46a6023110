"""The causes of errors in Spark and in Java, for messages, and texts that a terminal can show."""

from py4j.protocol import Py4JError, Py4JJavaError

JVM_LOSS = (Py4JError, ConnectionError)
"""What a call raises if Spark's JVM is gone: py4j passes on the error of its own new connection."""


def cause_of(error: Exception) -> str:
    """Return the first line of the error's message, without a full stop and without Java's stack.

    An error of Java has the message of its cause. An error without a message has its type's name.
    The message can contain a value of a record: control characters are escaped.
    """
    text = str(error)
    if isinstance(error, Py4JJavaError):
        cause = error.java_exception.getCause() or error.java_exception
        text = str(cause.getMessage())
    return _first_line(text) or type(error).__name__


def causes_of(error: Py4JJavaError) -> str:
    """Return the cause of an error of Java, and the deepest cause if it says something else.

    Of a failed handshake, only the deepest cause says what is wrong with the certificate.
    """
    deepest = error.java_exception
    while deepest.getCause():
        deepest = deepest.getCause()
    texts = (cause_of(error), _first_line(str(deepest.getMessage())))
    return ": ".join(dict.fromkeys(texts))


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
