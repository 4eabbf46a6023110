"""The output of the log messages of a job."""

import json
import logging

import pytest
from stream_runtime.errors import ConfigError
from stream_runtime.logs import Logging, log_to

CONFIG = """
[formatters.json]
format = '{{"level": "%(levelname)s", "message": "%(message)s"}}'
[handlers.file]
class = "logging.FileHandler"
filename = "{file}"
formatter = "json"
[loggers.stream_runtime]
level = "INFO"
handlers = ["file"]
"""
log = logging.getLogger("stream_runtime.example")


@pytest.fixture(name="restored")
def _restored():
    """Restore the logger after the test."""
    logger = logging.getLogger("stream_runtime")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    for handler in set(logger.handlers) - set(handlers):
        handler.close()
        logger.removeHandler(handler)


def test_messages_go_to_standard_error(capsys):
    """Without a configuration, messages are plain lines on the standard error."""
    with log_to(Logging()):
        log.info("batch %d", 1)
    log.warning("after the job")

    out, err = capsys.readouterr()
    assert (out, err) == ("", "batch 1\n")


@pytest.mark.usefixtures("restored")
def test_a_file_configures_logging(tmp_path, capsys):
    """A configuration file sets format and handlers, and no other handler is active."""
    config, file = tmp_path / "logging.toml", tmp_path / "job.log"
    config.write_text(CONFIG.format(file=file), "utf-8")

    with log_to(Logging(config=config)):
        log.warning("attempt %d failed", 1)

    assert json.loads(file.read_text("utf-8")) == {
        "level": "WARNING",
        "message": "attempt 1 failed",
    }
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("text", [None, "no TOML", "[handlers.x]\nclass = 'nothing.Here'"])
@pytest.mark.usefixtures("restored")
def test_a_wrong_file_is_refused(tmp_path, text):
    """A wrong configuration file is refused, and the error names it."""
    config = tmp_path / "logging.toml"
    if text is not None:
        config.write_text(text, "utf-8")

    with pytest.raises(ConfigError, match=r"logging.config: .*logging\.toml does not configure"):
        log_to(Logging(config=config)).__enter__()
