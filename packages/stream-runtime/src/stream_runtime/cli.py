"""The commands of a job; every error is one message and an exit code (see errors.py)."""

import argparse
import io
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from . import doctor, status
from .causes import to_printable
from .config import load
from .errors import ConfigError, StreamJobError
from .job import Job
from .lifecycle import STOPPED, request_drain
from .logs import log_to
from .run import create, run
from .settings import RuntimeSettings
from .storage import storage

log = logging.getLogger(__name__)

LOOKUP = "lookup"
"""The name of the settings table of a reference table."""
BATCH_ROWS = 1000
ORACLE = "tests.oracle"


def main(job: Job, arguments: Sequence[str] | None = None, *, oracle: str = ORACLE) -> int:
    """Run one command and return its exit code.

    Args:
        job: the job of the pipeline.
        arguments: those of the command line, by default.
        oracle: the module of the test oracle, relative to the root of a checkout. A file run
            calls its function `expected`; no other command imports it.
    """
    options = _parser(job).parse_args(arguments)
    try:
        settings = load(job.settings, options.env, _overrides(options), conf=options.conf)
        with log_to(settings.logging):
            return _execute(job, oracle, settings, options)
    except StreamJobError as error:
        _say(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _say(STOPPED)
        return 128 + signal.SIGINT
    finally:
        _flush_outputs()


def _say(text: str) -> None:
    with suppress(OSError):
        print(to_printable(text), file=sys.stderr)


def _flush_outputs() -> None:
    """Discard what cannot be written, such as to a full disk: Python's exit code would be 120."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except OSError:
            setattr(sys, name, io.StringIO())


def _execute(job: Job, oracle: str, settings: RuntimeSettings, options: argparse.Namespace) -> int:
    if options.command == "stop":
        return _stop(settings)
    if options.command == "create":
        return create(job, settings)
    if options.command == "doctor":
        return doctor.examine(job, settings, options.size)
    if options.command == "status":
        return status.show(job, settings, as_json=options.json)
    if options.input:
        return _run_files(job, oracle, settings, options)
    _refuse_without_input(job, options)
    return run(job, settings)


def _parser(job: Job) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {job.package}")
    parser.description = f"{job.name}: {job.guarantee}"
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--env", default="dev", help="dev, staging or prod: conf/<env>.toml")
    shared.add_argument("--conf", type=Path, default=Path("conf"), help="the folder of *.toml")
    shared.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TABLE.KEY=VALUE",
        help='change one setting of conf/*.toml, such as --set metrics.log="-"; repeatable',
    )
    running = commands.add_parser("run", parents=[shared], help="run the stream")
    running.add_argument("--input", type=Path, help="a file of JSON lines, instead of the source")
    for name in _inputs(job)[1:]:
        running.add_argument(_option(name), type=Path, help="the same for this input")
    running.add_argument("--output", type=Path, help="with --input: the folder for the result")
    rows = f"with --input: rows a micro-batch ({BATCH_ROWS})"
    running.add_argument("--batch-rows", type=to_positive, help=rows)
    if LOOKUP in job.settings.model_fields:
        running.add_argument("--lookup", type=Path, help="the reference table, as a CSV file")
    commands.add_parser("create", parents=[shared], help="create the target before a first start")
    commands.add_parser("stop", parents=[shared], help="drain the running job")
    doctored = commands.add_parser(
        "doctor", parents=[shared], help="check everything before a start"
    )
    rate = "say as well whether the job can read so many records a second"
    doctored.add_argument("--size", type=to_positive, metavar="RECORDS", help=rate)
    shown = commands.add_parser("status", parents=[shared], help="show how the job does")
    shown.add_argument("--json", action="store_true", help="as JSON, for programs")
    return parser


def _overrides(options: argparse.Namespace) -> list[str]:
    reference: Path | None = getattr(options, LOOKUP, None)
    if not reference:
        return list(options.set)
    if not reference.is_file():
        message = f"--lookup {reference} is not a file. Name the reference table, a CSV file."
        raise ConfigError(message)
    return [*options.set, f"{LOOKUP}.format=csv", f"{LOOKUP}.path={reference}"]


def to_positive(text: str) -> int:
    """Return the positive number of an argument."""
    number = int(text)
    if number < 1:
        message = f"{text} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return number


def _inputs(job: Job) -> list[str]:
    """Return the names of the arguments for the files of a file run, one for each input."""
    return ["input", *(f"input_{schema.counts}" for schema in job.inputs[1:])]


def _option(argument: str) -> str:
    return f"--{argument.replace('_', '-')}"


def _files(job: Job, options: argparse.Namespace) -> list[Path]:
    names = _inputs(job)
    for name in names:
        if getattr(options, name) is None:
            message = f"--input needs {_option(name)} as well, a file for each input."
            raise ConfigError(message)
    return [getattr(options, name) for name in names]


def _run_files(
    job: Job, oracle: str, settings: RuntimeSettings, options: argparse.Namespace
) -> int:
    files, output = _files(job, options), _output(options)
    root = _find_root(job)
    sys.path.insert(0, str(root))
    try:
        # A production installation has neither of these modules.
        file_run = import_module("stream_devkit.file_run")
        expected = import_module(oracle).expected
    except (ImportError, AttributeError) as error:
        message = (
            f"--input compares the result with the test oracle, module {oracle} in {root}, "
            f"which cannot be imported: {error}. Correct it, or run the command in a checkout "
            "of the project: an installed package has no tests."
        )
        raise ConfigError(message) from error
    batch_rows = options.batch_rows or BATCH_ROWS
    return int(file_run.run(job, expected, settings, files, output, batch_rows))


def _find_root(job: Job) -> Path:
    """Return the root of the job's checkout, or the working directory of an installed job."""
    sources = job.folder.parent
    return sources.parent if sources.name == "src" else Path.cwd()


def _output(options: argparse.Namespace) -> Path:
    if options.output is None:
        message = "--input needs --output, the folder for the result."
        raise ConfigError(message)
    return Path(options.output)


def _refuse_without_input(job: Job, options: argparse.Namespace) -> None:
    for name in (*_inputs(job), "output", "batch_rows"):
        if getattr(options, name) is not None:
            option = _option(name)
            message = f"{option} works only with --input. Add --input, or leave {option} out."
            raise ConfigError(message)


def _stop(settings: RuntimeSettings) -> int:
    root = settings.checkpoint.root
    checkpoint = storage(root)
    if settings.has_lock and not status.is_running(settings, checkpoint):
        log.info("no job runs on %s: there is nothing to stop", root)
        return 0
    request_drain(checkpoint)
    log.info("asked the job on %s to end after its running batch", root)
    return 0
