"""Log messages, through the standard library: where they go is configuration."""

import logging.config
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from typing_extensions import override

from .causes import STORAGE_ERRORS, cause_of, to_printable
from .config import Table
from .errors import ConfigError

ROOT = logging.getLogger(__package__)


class Logging(Table):
    """The table `[logging]` in conf/*.toml."""

    config: Path | None = None
    """A TOML file with what `logging.config.dictConfig` accepts: formats, handlers, levels.

    The name of the logger is `stream_runtime`. Without a file, messages go to standard error.
    """


class PrintableFormatter(logging.Formatter):
    """A formatter of messages for a terminal, which may contain values of records."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        return to_printable(super().format(record))


class Tolerance:
    """A way to continue without a file that cannot be written: each cause is reported once.

    Args:
        what: the file, for the message.
        say: reports a message; by default, it is a warning in the log.
    """

    def __init__(self, what: str, say: Callable[[str], object] = ROOT.warning) -> None:
        self._what, self._say = what, say
        self._cause = ""

    @contextmanager
    def report(self) -> Iterator[None]:
        """Suppress and report an error of the disk, or of a storage that Spark writes to."""
        try:
            yield
        except STORAGE_ERRORS as error:
            self.note(cause_of(error))
        else:
            self._cause = ""

    def note(self, cause: str) -> None:
        """Report a cause, unless the last failure had the same."""
        if cause != self._cause:
            self._say(
                f"{self._what} cannot be written: {cause}. The job continues, and what belongs "
                "into it is lost until then. Free its disk, or correct its place."
            )
        self._cause = cause


@contextmanager
def log_to(settings: Logging) -> Iterator[None]:
    """Send the log messages to where the settings say.

    Raises:
        ConfigError: the file cannot be read, or is no configuration of logging.
    """
    if settings.config:
        _configure(settings.config)
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter("%(message)s"))
    level = ROOT.level
    ROOT.addHandler(handler)
    ROOT.setLevel(logging.INFO)
    try:
        yield
    finally:
        ROOT.removeHandler(handler)
        ROOT.setLevel(level)


def _report_once(handler: logging.Handler) -> None:
    """Let a handler that cannot write report each cause once, instead of each message's stack."""
    tolerance = Tolerance(f"The log {handler}", lambda text: print(text, file=sys.stderr))

    def handle_error(record: logging.LogRecord) -> None:  # noqa: ARG001
        tolerance.note(str(sys.exception()))

    handler.handleError = handle_error  # type: ignore[method-assign]


def _configure(path: Path) -> None:
    try:
        # Loggers of other modules exist already, and stay as they are.
        options = {"version": 1, "disable_existing_loggers": False}
        logging.config.dictConfig(options | tomllib.loads(path.read_text("utf-8")))
        for handler in (*ROOT.handlers, *logging.getLogger().handlers):
            _report_once(handler)
    except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        message = (
            f"logging.config: {path} does not configure logging: {error}. Correct the file: it is "
            "what logging.config.dictConfig of Python accepts, as TOML."
        )
        raise ConfigError(message) from error
