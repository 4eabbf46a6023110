"""A guard for coding agents: it stops a tool call that would damage the stream, and says why.

Claude Code runs it before each call (.claude/settings.json), with the call as JSON on standard
input. Exit code 2 stops the call, and the agent reads the reason on standard error. The guard
prevents accidents: it does not follow scripts or variables.
"""

import json
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

STOPPED = 2
WRAPPERS = {"sudo", "env", "nice", "time", "nohup", "xargs", "exec", "command"}
SHELLS = {"bash", "sh", "zsh"}
DELETERS = {"rm", "rmdir", "unlink", "shred", "truncate"}
STORAGES = {"hdfs", "hadoop", "aws", "gsutil", "gcloud", "az", "databricks", "kubectl", "docker"}
DELETING = {"rm", "-rm", "-rmr", "rb", "delete", "delete-batch", "-delete"}
SQL_CLIENTS = {"spark-sql", "psql", "beeline", "trino", "pyspark", "python", "python3", *STORAGES}
DESTRUCTIVE = re.compile(r"\b(VACUUM|TRUNCATE|DROP\s+TABLE)\b|\.vacuum\(", re.IGNORECASE)
WITH_TABLES = re.compile(r"\bDROP\s+(SCHEMA|DATABASE)\b|\bdropdb\b", re.IGNORECASE)
REMOVAL = re.compile(r"\brmtree\(|\.unlink\(|os\.remove\(|\bfs\.rm\(")
IGNORED = re.compile(r" -[a-wyz]*x", re.IGNORECASE)
TOKEN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bdapi[0-9a-f]{32}\b"
    r"|\bgh[pousr]_\w{36}|\bxox[abp]-[\w-]{10}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
)
ASSIGNED = re.compile(
    r"(?:password|passwd|secret|credential|token|access_?key|api_?key)[\"']?"
    r"\s*[=:]\s*[\"']?(?!file:)[^\s\"'#$<{%(/]",
    re.IGNORECASE,
)
CONFIGURATION = ("conf/", "deploy/", "monitoring/", ".env", ".github/")


@dataclass(frozen=True)
class Project:
    """What the guard protects.

    Attributes:
        root: the folder of the project.
        checkpoints: the location of each environment's checkpoint: a URI or an absolute path.
        tables: the tables and paths of sources and sink.
    """

    root: Path
    checkpoints: frozenset[str]
    tables: frozenset[str]


def read_project(root: Path) -> Project:
    """Return what conf/*.toml names; a file that is not valid TOML is left out."""
    checkpoints, tables = set(), set()
    for file in sorted(root.glob("conf/*.toml")):
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except tomllib.TOMLDecodeError:
            continue
        if place := values.get("checkpoint", {}).get("root"):
            checkpoints.add(_located(place, root))
        for table in ("source", "right", "sink", "lookup"):
            found = values.get(table, {})
            tables |= {found[key] for key in ("path", "table") if found.get(key)}
    return Project(root, frozenset(checkpoints), frozenset(tables))


def refusal(call: Mapping[str, Any], project: Project) -> str:
    """Return why a tool call is stopped, empty if it may run."""
    given = call.get("tool_input", {})
    folder = call.get("cwd") or str(project.root)
    if "command" in given:
        return next(_command_problems(given["command"], folder, project), "")
    path = given.get("file_path") or given.get("notebook_path") or ""
    edits = [given, *given.get("edits", [])]
    keys = ("content", "new_string", "new_source")
    text = "\n".join(str(edit[key]) for edit in edits for key in keys if key in edit)
    if not path:
        return ""
    problems = chain(
        _vendored_problems(path, folder, project), _write_problems(path, text, folder, project)
    )
    return next(problems, "")


def _command_problems(command: str, folder: str, project: Project) -> Iterator[str]:
    here = folder
    for words in _simple_commands(command):
        program = Path(words[0]).name
        if program == "cd" and len(words) > 1:
            here = _located(words[1], here)
        if program in SHELLS and "-c" in words[:-1]:
            yield from _command_problems(words[words.index("-c") + 1], here, project)
        if _deletes(program, words):
            for word in words[1:]:
                yield from _deletion_problems(word, here, project)
        if program == "git" and "clean" in words[:2] and IGNORED.search(" ".join(words)):
            yield (
                "git clean -x deletes build/, with the checkpoint of this machine and its result. "
                "Use `make clean`, or git clean without -x."
            )
        if program in SQL_CLIENTS:
            yield from _statement_problems(command, project)
        for path in _written(program, words):
            yield from _vendored_problems(path, here, project)
            if program != "mv":  # a checkpoint that moves keeps its manifest under another name
                yield from _write_problems(path, command, here, project)


def _simple_commands(command: str) -> Iterator[list[str]]:
    """Yield the words of each command of a line, without wrappers such as sudo."""
    lexer = shlex.shlex(command.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:
        words = command.split()
    simple: list[str] = []
    for word in [*words, ";"]:
        if set(word) <= set(";&|()$"):
            if simple:
                yield simple
            simple = []
        elif simple or not (word in WRAPPERS or word[0:1] == "-" or re.match(r"\w+=", word)):
            simple.append(word)


def _deletes(program: str, words: list[str]) -> bool:
    deleting = set(words) & DELETING
    return program in DELETERS or (program in STORAGES | {"find"} and bool(deleting))


def _written(program: str, words: list[str]) -> Iterator[str]:
    """Yield the paths that a command writes, as far as its words tell."""
    yield from (after for word, after in pairwise(words) if word in {">", ">>"})
    in_place = program in {"sed", "perl"} and any(word.startswith("-i") for word in words)
    if in_place or program in {"tee", "mv", *DELETERS}:
        yield from words[1:]
    elif program in {"cp", "install", "rsync", "ln"}:
        yield words[-1]


def _deletion_problems(word: str, folder: str, project: Project) -> Iterator[str]:
    place = _located(word, folder)
    named = {"checkpoint", "checkpoints"} & set(place.split("/"))
    within = [
        root
        for root in project.checkpoints
        if f"{root}/".startswith(f"{place.rstrip('/')}/")
        or place.startswith(f"{root}/")
        or fnmatchcase(root, place)
    ]
    if word[:1] != "-" and (named or within):
        yield (
            f"{word} is, or contains, {', '.join(within) or 'a checkpoint'}: without it the job "
            "cannot continue, and a new one would write rows again that the target has. "
            "On this machine `make clean` starts over; elsewhere follow 'A change that needs a new "
            "checkpoint' in docs/runbook.md, and let a person delete the old one."
        )


def _statement_problems(text: str, project: Project) -> Iterator[str]:
    if REMOVAL.search(text):
        for word in re.split(r"[\s\"'()]+", text):
            if word:
                yield from _deletion_problems(word, str(project.root), project)
    found = WITH_TABLES.search(text) or (
        DESTRUCTIVE.search(text) if any(_names(table, text) for table in project.tables) else None
    )
    if found:
        yield (
            f"{found[0].strip('.(')} would remove rows or files of the stream's tables, which the "
            "job, its replays and the readers of the result need. Leave it to a person: "
            "docs/runbook.md has the table's maintenance, and 'A change that needs a new "
            "checkpoint' says when an old result can go."
        )


def _names(table: str, text: str) -> bool:
    """Return whether a text names a table or path: its last part, or the path without its host."""
    if "/" in table:
        return re.sub(r"^[a-z0-9]+://[^/]*", "", table) in text
    return bool(re.search(rf"\b{re.escape(table.rpartition('.')[2])}", text))


def _vendored_problems(path: str, folder: str, project: Project) -> Iterator[str]:
    inside = _located(path, folder).removeprefix(f"{project.root}/")
    if inside.startswith("lib/"):
        yield (
            f"{inside} is a copy of the template's library, the same in every project: the next "
            "update would conflict with a change. Change the pipeline in src/ or a setting in "
            "conf/ instead, or propose the change to the template."
        )


def _write_problems(path: str, text: str, folder: str, project: Project) -> Iterator[str]:
    place = _located(path, folder)
    inside = place.removeprefix(f"{project.root}/")
    if any(place.startswith(f"{root}/") for root in project.checkpoints):
        yield (
            f"{path} is in a checkpoint, which only Spark and the job write: a changed file makes "
            "the job lose or repeat rows. Follow 'Restore' in docs/runbook.md."
        )
    if re.fullmatch(r"\.claude/settings[.\w]*\.json", inside):
        yield f"{inside} belongs to the team, because it holds this guard. Ask a person to edit it."
    is_configuration = inside.startswith(CONFIGURATION) and not inside.endswith(".py")
    if TOKEN.search(text) or (is_configuration and ASSIGNED.search(text)):
        yield (
            f"The text for {path} has a password or token, and everybody who can read the "
            "repository could read it. Put it into the environment as STREAM__<TABLE>__<KEY>, or "
            'name a file outside of the repository: password = "file:/its/path".'
        )


def _located(path: str, folder: str | Path) -> str:
    """Return a URI as it is, and a path as an absolute one."""
    plain = path.removeprefix("file:").rstrip("/") or "/"
    return plain if re.match(r"[a-z0-9]+:/", plain) else os.path.normpath(Path(folder, plain))


def main() -> int:
    """Check the call on standard input; return the exit code for Claude Code."""
    root = Path(os.environ.get("CLAUDE_PROJECT_DIR") or Path(__file__).parents[2])
    problem = refusal(json.load(sys.stdin), read_project(root))
    if problem:
        print(problem, file=sys.stderr)
    return STOPPED if problem else 0


if __name__ == "__main__":
    sys.exit(main())
