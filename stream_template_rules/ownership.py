"""The owner of each file of a project, for the ownership rules, the agent file and CODEOWNERS."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Owner:
    """One line of the ownership rules.

    Attributes:
        name: who edits the files.
        paths: a folder (`docs/`), a file, or a pattern of files in one folder (`dev/*.py`).
        reviewer: who reviews a change, as CODEOWNERS names people.
        others: what everybody else does.
    """

    name: str
    paths: tuple[str, ...]
    reviewer: str
    others: str


ENGINEER, TEAM, TEMPLATE = "streaming-engineer", "team", "template"
OWNERS = (
    Owner(
        ENGINEER,
        (
            *("src/", "conf/", "tests/", "docs/", "deploy/", "monitoring/", "dev/reference.csv"),
            *("README.md", "AGENTS.md", "CHANGELOG.md"),
        ),
        "@example/streaming",
        "the team reviews each change; template updates are merged",
    ),
    Owner(
        TEAM,
        (
            ".claude/",
            "CLAUDE.md",
            ".github/CODEOWNERS",
            ".gitattributes",
            ".gitignore",
            "pyproject.toml",
            "jars.lock",
        ),
        "@example/streaming",
        "`streaming-engineer` proposes a change; template updates are merged",
    ),
    Owner(
        TEMPLATE,
        ("lib/", "dev/*.py", "Makefile", ".github/workflows/"),
        "@example/stream-template",
        "read them; propose a change to the template, which updates every project",
    ),
)


def owns(pattern: str, path: str) -> bool:
    """Return whether a path of OWNERS contains the file."""
    return path.startswith(pattern) if pattern.endswith("/") else fnmatchcase(path, pattern)


def list_owners(files: Iterable[str]) -> list[Owner]:
    """Return the lines for a project with these files, without paths that it does not have."""
    names = list(files)
    return [
        replace(owner, paths=tuple(p for p in owner.paths if any(owns(p, name) for name in names)))
        for owner in OWNERS
    ]
