"""The commands, paths and configuration keys in the documents for agents and on-call exist."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from stream_devkit.tools import make_parser
from stream_runtime import errors
from stream_runtime.cli import _files, _parser

from clickstream_metrics.job import JOB
from clickstream_metrics.settings import Settings

from dev.demo import DEMO

ROOT = Path(__file__).parents[1]
PACKAGE = "clickstream_metrics"
RUNBOOK, CONTRACT = ROOT / "docs/runbook.md", ROOT / ".claude/CONTRACT.md"
AGENT = ROOT / ".claude/agents/streaming-engineer.md"
AGENTS = ROOT / "AGENTS.md"
SKILLS = sorted(ROOT.glob(".claude/skills/*/SKILL.md"))
DOCUMENTS = [AGENTS, ROOT / "CLAUDE.md", AGENT, CONTRACT, RUNBOOK, *SKILLS]
BASES = (ROOT, ROOT / "src" / PACKAGE)
FOLDERS = {path.name for base in BASES for path in base.iterdir() if path.is_dir()}
WRITTEN = ("src/**/*.py", "lib/**/*.py", "conf/*", "deploy/*", "monitoring/*", "Makefile", "*.toml")
CODE = "\n".join(
    path.read_text("utf-8")
    for pattern in WRITTEN
    for path in sorted(ROOT.glob(pattern))
    if path.is_file()
)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
MADE_AT_RUN_TIME = tuple(
    line for line in (ROOT / ".gitignore").read_text("utf-8").splitlines() if "/" in line
)


def names(text: str) -> Iterator[str]:
    """Yield each command of a shell block, and each text in backticks elsewhere."""
    blocks = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
    for language, block in blocks.findall(text):
        if language == "sh":
            yield from map(str.strip, block.splitlines())
    for _, name in re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", blocks.sub("", text)):
        yield name.strip().replace("\\|", "|")


def problem(name: str) -> str:
    """Return why a command, a path or a key is wrong; empty if it is correct or another text."""
    head = name.partition(" ")[0]
    if head == "export":
        return problem(name.removeprefix("export "))
    if head in COMMANDS and head != name:
        return COMMANDS[head](shlex.split(name)[1:])
    return name_problem(name)


def name_problem(name: str) -> str:
    """Return why a key or a path of this project is wrong; other words are not checked."""
    if found := re.fullmatch(r"STREAM__([A-Z_]+)(=.*)?", name):
        return key_problem(found[1].lower().replace("__", "."))
    if found := re.fullmatch(r"\[([a-z_]+)\]", name):
        return key_problem(found[1])
    if is_file_name(name) or name.partition("/")[0] in FOLDERS:
        return path_problem(name)
    if re.fullmatch(r"[a-z_]+\.[a-z_]+", name) and name.partition(".")[0] in KEYS:
        return key_problem(name)
    return ""


def is_file_name(name: str) -> bool:
    """Return whether a word is a file name without a folder."""
    return bool(re.fullmatch(r"[\w.-]+\.(json|md|py|sh|toml|yml)", name))


def path_problem(name: str) -> str:
    """Return why a path or glob is wrong: seen from the root, the package, or a run."""
    found = any(base.joinpath(name).exists() or any(base.glob(name)) for base in BASES)
    at_run_time = name.startswith(MADE_AT_RUN_TIME) or f'"{name}"' in CODE
    return "" if found or at_run_time else "no such file"


def key_problem(key: str) -> str:
    """Return why a table or key of the configuration is wrong."""
    return "" if key in KEYS else f"no such key; there are: {', '.join(KEYS)}"


def keys(settings: type[BaseModel]) -> Iterator[str]:
    """Yield every table and every `table.key`."""
    for table, field in settings.model_fields.items():
        yield table
        yield from (f"{table}.{key}" for key in field.annotation.model_fields)


KEYS = list(keys(Settings))


def make_problem(targets: list[str]) -> str:
    """Return why a make command is wrong."""
    return "" if set(targets) <= TARGETS else "no such target in the Makefile"


def python_problem(arguments: list[str]) -> str:
    """Return why a command of the project's Python is wrong."""
    return module_problem(*arguments[1:])


def module_problem(module: str, *arguments: str) -> str:
    """Return why `python -m module arguments` is wrong."""
    if module == PACKAGE:
        return command_problem(arguments)
    if module == "dev":
        return tool_problem(arguments)
    spec = importlib.util.find_spec(module)
    if not spec:
        return f"no such module: {module}"
    options = [argument for argument in arguments if argument.startswith("--")]
    if unknown := [option for option in options if option not in Path(spec.origin).read_text()]:
        return f"no such options: {unknown}"
    return "".join(path_problem(argument) for argument in arguments if "/" in argument)


def command_problem(arguments) -> str:
    """Return why the job's command line refuses the arguments."""
    try:
        options = _parser(JOB).parse_args(arguments)
        if options.command == "run" and options.input:
            _files(JOB, options)
    except SystemExit as refusal:
        return f"refused: {arguments}" if refusal.code else ""
    except errors.ConfigError as refusal:
        return str(refusal)
    return "".join(key_problem(override.partition("=")[0]) for override in options.set)


def tool_problem(arguments) -> str:
    """Return why the tools for work by hand refuse the arguments."""
    try:
        make_parser(DEMO).parse_args(arguments)
    except SystemExit as refusal:
        return f"refused: {arguments}" if refusal.code else ""
    return ""


COMMANDS = {
    "make": make_problem,
    ".venv/bin/python": python_problem,
    "deploy/submit.sh": command_problem,
}


def header(document: Path) -> tuple[dict[str, str], str]:
    """Return the fields above a document for agents, and the text below them."""
    _, head, body = document.read_text("utf-8").split("---\n", 2)
    fields = re.findall(r"^(\w+): (.+(?:\n(?:  .*)?)*)", head, re.MULTILINE)
    assert "".join(f"{name}: {value}" for name, value in fields) == head
    return {name: value.strip() for name, value in fields}, body


def headings(document: Path) -> set[str]:
    """Return the sections of a document."""
    return set(re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE))


def link_problem(document: Path, link: str) -> str:
    """Return why a link of a document to another file or section is wrong."""
    name, _, anchor = link.partition("#")
    target = document.parent / name if name else document
    if "://" in link:
        return ""
    if not target.exists():
        return "no such file"
    anchors = {heading.lower().replace(" ", "-") for heading in headings(target)}
    return "no such section" if anchor and anchor not in anchors else ""


def place(document: Path, text: str = "") -> str:
    """Return the path of a document, with the first line that has the text."""
    path = document.relative_to(ROOT).as_posix()
    lines = enumerate(document.read_text("utf-8").splitlines(), 1)
    return path + next((f":{number}" for number, line in lines if text and text in line), "")


def document_id(path: Path) -> str:
    """Return a short name of a document: each playbook has the same file name."""
    return path.parent.name if path in SKILLS else path.name


@pytest.mark.parametrize("document", DOCUMENTS, ids=document_id)
def test_every_name_exists(document):
    """Each path, make target, command, option and key that a document names exists."""
    found = {name: problem(name) for name in names(document.read_text("utf-8"))}
    wrong = [f"{place(document, name)}: {name}: {why}" for name, why in found.items() if why]

    assert wrong == []


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
        "deploy/submit.sh halt --env prod",
        f".venv/bin/python -m {PACKAGE} run --batchrows 1",
        f".venv/bin/python -m {PACKAGE} run --set sink.pathh=x",
        ".venv/bin/python -m stream_devkit.nothing",
        ".venv/bin/python -m dev produce --speed 10",
        ".venv/bin/python -m pytest tests/test_nothing.py",
    ],
)
def test_a_wrong_name_is_found(name):
    """The check of names reports a wrong name."""
    assert problem(name)


@pytest.mark.parametrize(
    "name", ["growth", "#stream-oncall", "growth.events", "terraform apply", "https://wiki/x.md"]
)
def test_words_of_the_owner_are_not_checked(name):
    """Names of teams, channels, tables and tools outside of the project are accepted."""
    assert problem(name) == ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=document_id)
def test_links_lead_to_sections(document):
    """Each link to a file of this project, and to a section of it, has a target."""
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8"))
    found = {link: link_problem(document, link) for link in links}
    wrong = [f"{place(document, link)}: {link}: {why}" for link, why in found.items() if why]

    assert wrong == []


@pytest.mark.parametrize("link", ["docs/nothing.md", "docs/runbook.md#nothing", "#nothing"])
def test_a_wrong_link_is_found(link):
    """The check of links reports a missing file or section."""
    assert link_problem(AGENTS, link)


def test_messages_name_sections_of_the_runbook():
    """Each section of the runbook that a message of the code names exists."""
    assert set(re.findall(r"runbook\.md, '([^']+)'", CODE)) <= headings(RUNBOOK)


@pytest.mark.parametrize(
    "document",
    [RUNBOOK, ROOT / ".claude/skills/job-does-not-start/SKILL.md"],
    ids=document_id,
)
def test_every_exit_code_has_a_row(document):
    """The runbook, and the playbook of a start that fails, have each exit code of an error."""
    codes = set(re.findall(r"^ *\| (\d+) \|", document.read_text("utf-8"), re.MULTILINE))
    base = errors.StreamJobError

    assert {str(error.exit_code) for error in [base, *base.__subclasses__()]} <= codes


def test_the_agent_can_be_started():
    """The header of the agent file has only the fields and values that agents can have."""
    fields, body = header(AGENT)
    description = fields.pop("description")
    examples = re.findall(r"<example>\n(.+?)</example>", description, re.DOTALL)

    assert description.startswith("|\n  Use this agent ")
    assert len(examples) == 2
    for example in examples:
        lines = [line.strip() for line in example.splitlines()]
        assert [line.partition(" ")[0] for line in lines[:3]] == ["Context:", "user:", "assistant:"]
        assert lines[3].startswith("<commentary>")
    assert all(": " not in value for value in fields.values())
    assert fields.pop("name") == AGENT.stem
    assert fields.pop("model") in {"inherit", "opus", "sonnet", "haiku"}
    assert fields.pop("color") in {"red", "blue", "green", "yellow", "cyan"}
    tools = {"Read", "Write", "Edit", "Glob", "Grep", "Bash", "TodoWrite"}
    assert set(fields.pop("tools").split(", ")) == tools
    assert fields == {}
    assert body.strip()
    assert len(AGENT.read_text("utf-8")) <= 8000


@pytest.mark.parametrize("skill", SKILLS, ids=document_id)
def test_a_playbook_can_be_found_and_followed(skill):
    """Its header says when to use it, AGENTS.md links to it, and each step says what to expect."""
    fields, body = header(skill)
    steps = re.split(r"^\d+\. ", body.partition("\n## Go back")[0], flags=re.MULTILINE)[1:]

    assert fields["name"] == skill.parent.name
    assert fields["description"].startswith("Use when ")
    assert ": " not in fields["description"]
    assert len(fields["description"]) <= 500
    assert len(fields) == 2
    assert f"({skill.relative_to(ROOT).as_posix()})" in AGENTS.read_text("utf-8")
    assert len(steps) >= 3
    assert [step for step in steps if "ou see" not in step] == []
    assert headings(skill) >= {"Go back", "A person decides"}
    assert len(skill.read_text("utf-8").splitlines()) <= 60


def owned_paths() -> list[str]:
    """Return the paths of the ownership rules, in the order of their table."""
    table = CONTRACT.read_text("utf-8").split("##")[1]
    rows = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    return [path for row in rows for path in names(row)]


def test_no_file_has_two_owners():
    """The paths of the ownership rules do not overlap."""
    files = {
        path: set(ROOT.glob(f"{path}**" if path.endswith("/") else path)) for path in owned_paths()
    }

    assert len(set.union(*files.values())) == sum(map(len, files.values()))


def test_the_documents_agree_on_owners():
    """CODEOWNERS and the agent file have the paths of the ownership rules."""
    lines = (ROOT / ".github/CODEOWNERS").read_text("utf-8").splitlines()
    reviewed = [line.partition(" ")[0].removeprefix("/") for line in lines if line[:1] == "/"]
    known = re.findall(r"^- You (?:edit|read).+", AGENT.read_text("utf-8"), re.MULTILINE)

    assert reviewed == owned_paths()
    assert [path for line in known for path in names(line)] == owned_paths()


def test_the_file_that_is_always_read_is_short():
    """The file that agents read at every start is short."""
    assert (ROOT / "CLAUDE.md").read_text("utf-8") == "@AGENTS.md\n"
    assert len(AGENTS.read_text("utf-8").splitlines()) <= 75
