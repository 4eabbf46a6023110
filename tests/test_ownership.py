"""The ownership rules: each file of a project has one owner, and playbooks edit the agent's."""

import re

import pytest

from stream_template_rules.ownership import ENGINEER, OWNERS, TEAM, list_owners, owns
from tests.examples import bake, read_tree
from tests.test_render import VARIANTS
from tests.test_style import COVERING

FILE = r"((?:\w+/)*[\w-]+\.(?:md|py|toml|yml))"
EDITS = re.compile(rf"\b(?:Add|Change|Set|Group in|In)\b[^.]*?`{FILE}`")


def owners_of(path):
    """Return the owner of each path of the rules that contains the file."""
    return [owner.name for owner in OWNERS for pattern in owner.paths if owns(pattern, path)]


@pytest.mark.parametrize("variant", COVERING)
def test_each_file_has_one_owner(tmp_path, variant):
    """Exactly one path of the ownership rules contains each file of a bake."""
    files = read_tree(bake(tmp_path, **VARIANTS[variant]))

    assert {path: owners_of(path) for path in files if len(owners_of(path)) != 1} == {}


def test_a_file_without_an_owner_is_found():
    """A path that no line names has no owner, and one folder is not the start of another."""
    assert owners_of("notebooks/look.py") == []
    assert owners_of("library.py") == []
    assert owners_of("dev/demo.py") == ["template"]
    assert owners_of("CLAUDE.md") == [TEAM]


def test_paths_without_files_are_left_out():
    """A project without a folder has no line for it."""
    paths = [path for owner in list_owners(["src/a/job.py", "lib/b.py"]) for path in owner.paths]

    assert paths == ["src/", "lib/"]


@pytest.mark.parametrize("variant", COVERING)
def test_a_playbook_edits_files_of_the_agent(tmp_path, variant):
    """The files that a step of a playbook changes belong to the agent."""
    project = bake(tmp_path, hooks=False, **VARIANTS[variant])
    texts = [path.read_text("utf-8") for path in project.glob(".claude/skills/*/SKILL.md")]
    edited = {
        f"src/{name}" if name in {"schema.py", "window.py"} else name
        for text in texts
        for name in EDITS.findall(text)
    }

    assert any(name.startswith("conf/") for name in edited)
    assert {path: owners_of(path) for path in edited if owners_of(path) != [ENGINEER]} == {}
