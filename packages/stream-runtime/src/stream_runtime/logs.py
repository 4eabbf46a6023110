"""Log messages, through the standard library: where they go is configuration."""

import logging.config
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typing_extensions import override

from .causes import to_printable
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


def _configure(path: Path) -> None:
    try:
        # Loggers of other modules exist already, and stay as they are.
        options = {"version": 1, "disable_existing_loggers": False}
        logging.config.dictConfig(options | tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        message = (
            f"logging.config: {path} does not configure logging: {error}. Correct the file: it is "
            "what logging.config.dictConfig of Python accepts, as TOML."
        )
        raise ConfigError(message) from error
