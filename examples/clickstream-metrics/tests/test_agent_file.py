"""What people and agents are told is true: each name and command in the documents exists."""

import importlib.util
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from clickstream_metrics import job, schema
from clickstream_metrics.runtime import errors
from clickstream_metrics.runtime.cli import _files, _parser
from clickstream_metrics.settings import Settings

ROOT = Path(__file__).parents[1]
PACKAGE = "clickstream_metrics"
RUNBOOK, CONTRACT = ROOT / "docs/runbook.md", ROOT / ".claude/CONTRACT.md"
AGENT = ROOT / ".claude/agents/streaming-engineer.md"
DOCUMENTS = [ROOT / "README.md", ROOT / "AGENTS.md", ROOT / "CLAUDE.md", AGENT, CONTRACT, RUNBOOK]

FOREIGN_COMMANDS = {"cruft", "journalctl", "spark-sql", "systemctl"}
ANSWERS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["stream-template"]
KNOWN_WORDS = {
    *(" ".join(answer.split()) for answer in ANSWERS["answers"].values()),
    AGENT.stem,
    "try_",
    *schema.COLUMNS,
    *(f"total_{measure}" for measure in schema.MEASURES),
    "CANNOT_LOAD_STATE_STORE",
    "OutOfMemoryError",
    "delta.logRetentionDuration",
    "delta.setTransactionRetentionDuration",
}
CODE = "\n".join(
    path.read_text("utf-8")
    for pattern in ("src/**/*.py", "conf/*", "deploy/*", "monitoring/*", "Makefile", "*.toml")
    for path in sorted(ROOT.glob(pattern))
    if path.is_file()
)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
MADE_AT_RUN_TIME = tuple(
    line for line in (ROOT / ".gitignore").read_text("utf-8").splitlines() if line.endswith("/")
)


def names(text: str) -> Iterator[str]:
    """Each command of a block of shell, and each text in backticks elsewhere."""
    blocks = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for language, block in blocks.findall(text):
        if language == "sh":
            yield from block.splitlines()
    for _, name in re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", blocks.sub("", text)):
        yield name.strip().replace("\\|", "|")


def problem(name: str) -> str:
    """Why a name is wrong, empty where it is right."""
    if name in KNOWN_WORDS or name.split(" ", maxsplit=1)[0] in FOREIGN_COMMANDS:
        return ""
    head, *rest = shlex.split(name) if " " in name else [name]
    if head == "export":
        return problem(rest[0])
    if head == "make":
        return "" if set(rest) <= TARGETS else "no such target in the Makefile"
    if head == ".venv/bin/python":
        return module_problem(*rest[1:])
    if head == "deploy/submit.sh" and rest:
        return command_problem(rest)
    return name_problem(name)


def name_problem(name: str) -> str:
    """Why a single word is wrong: a key, a path, or a text that the code holds."""
    if found := re.fullmatch(r"STREAM__([A-Z_]+)(=.*)?", name):
        return key_problem(found[1].lower().replace("__", "."))
    if found := re.fullmatch(r"\[(\w+)\]", name):
        return key_problem(found[1])
    if re.fullmatch(r"[a-z_]+\.[a-z_]+", name) and not is_file_name(name):
        return "" if f'"{name}"' in CODE else key_problem(name)
    if "/" in name or is_file_name(name):
        return path_problem(name)
    return "" if name in CODE else "stands nowhere in the code"


def is_file_name(name: str) -> bool:
    """Whether a word ends like a file."""
    return name.endswith((".json", ".md", ".py", ".sh", ".toml", ".yml"))


def path_problem(name: str) -> str:
    """Why a path or glob is wrong: from the root, from the package, or made at run time."""
    bases = (ROOT, ROOT / "src" / PACKAGE)
    found = any(base.joinpath(name).exists() or any(base.glob(name)) for base in bases)
    at_run_time = name.startswith(MADE_AT_RUN_TIME) or f'"{name}"' in CODE
    return "" if found or at_run_time else "no such file"


def key_problem(key: str) -> str:
    """Why a table or key of the configuration is wrong."""
    return "" if key in KEYS else f"no such key; there are: {', '.join(KEYS)}"


def keys(settings: type[BaseModel]) -> Iterator[str]:
    """Every table, and every `table.key`."""
    for table, field in settings.model_fields.items():
        yield table
        yield from (f"{table}.{key}" for key in field.annotation.model_fields)


KEYS = list(keys(Settings))


def module_problem(module: str, *arguments: str) -> str:
    """Why `python -m module arguments` is wrong."""
    if module == PACKAGE:
        return command_problem(arguments)
    spec = importlib.util.find_spec(module)
    if not spec:
        return f"no such module: {module}"
    options = [argument for argument in arguments if argument.startswith("--")]
    if unknown := [option for option in options if option not in Path(spec.origin).read_text()]:
        return f"no such options: {unknown}"
    return "".join(path_problem(argument) for argument in arguments if "/" in argument)


def command_problem(arguments) -> str:
    """Why the job's command line refuses arguments."""
    try:
        asked = _parser(job).parse_args(arguments)
        if asked.command == "run" and asked.input:
            _files(job, asked)
    except SystemExit as refusal:
        return f"refused: {arguments}" if refusal.code else ""
    except errors.ConfigError as refusal:
        return str(refusal)
    return "".join(key_problem(override.partition("=")[0]) for override in asked.set)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_name_exists(document):
    """Each path, make target, command, option and key in a document is there."""
    found = {name: problem(name) for name in names(document.read_text("utf-8"))}

    assert {name: why for name, why in found.items() if why} == {}


@pytest.mark.parametrize(
    "name",
    [
        "make nothing",
        "src/nowhere.py",
        "transfrom.py",
        "deploy/*.yaml",
        "sink.pathh",
        "[windows]",
        "STREAM__SINK__PATHH=1",
        "stream_lost_rows_total",
        "deploy/submit.sh halt --env prod",
        f".venv/bin/python -m {PACKAGE} run --batchrows 1",
        f".venv/bin/python -m {PACKAGE} run --set sink.pathh=x",
        ".venv/bin/python -m dev.nothing",
        ".venv/bin/python -m dev.broker --topics x",
        ".venv/bin/python -m pytest tests/test_nothing.py",
    ],
)
def test_a_wrong_name_is_found(name):
    """The check above can fail."""
    assert problem(name)


def test_links_lead_to_headings():
    """Each link within the runbook, and each heading of it that a message names, is there."""
    text = RUNBOOK.read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}

    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
    assert set(re.findall(r"runbook\.md, '([^']+)'", CODE)) <= set(headings)


def test_the_runbook_knows_every_exit_code():
    """Its table has a row for each error that ends a job."""
    codes = set(re.findall(r"^\| (\d+) \|", RUNBOOK.read_text("utf-8"), re.MULTILINE))
    base = errors.StreamJobError

    assert {str(error.exit_code) for error in [base, *base.__subclasses__()]} <= codes


def test_the_agent_can_be_started():
    """Its head has the fields, and only the values, that agents may have."""
    _, head, body = AGENT.read_text("utf-8").split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())

    assert fields["name"] == AGENT.stem
    assert fields["description"].startswith("Use this agent ")
    assert ": " not in fields["description"]
    assert fields["model"] in {"inherit", "opus", "sonnet", "haiku"}
    assert fields["color"] in {"red", "blue", "green", "yellow", "cyan"}
    assert set(fields["tools"].split(", ")) == {"Read", "Write", "Edit", "Glob", "Grep", "Bash"}
    assert len(fields) == 5
    assert body.strip()


def test_no_file_has_two_owners():
    """The rows of the contract do not overlap."""
    rows = re.findall(r"^\| (`.+?) \|", CONTRACT.read_text("utf-8").split("##")[1], re.MULTILINE)
    rooms = [{path for glob in names(row) for path in ROOT.glob(glob)} for row in rows]

    assert len(rooms) == 3
    assert len(set.union(*rooms)) == sum(map(len, rooms))


def test_agents_read_little():
    """What is read at every start stays short."""
    assert (ROOT / "CLAUDE.md").read_text("utf-8") == "@AGENTS.md\n"
    assert len((ROOT / "AGENTS.md").read_text("utf-8").splitlines()) <= 60
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 130
