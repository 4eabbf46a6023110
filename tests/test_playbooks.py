"""Playbooks of a generated project, carried out to the letter by tests/playbooks.py."""

from contextlib import ExitStack, nullcontext

import pytest

from tests import playbooks
from tests.examples import bake
from tests.playbooks import (
    PLAYBOOKS,
    Stream,
    carry_out,
    follow,
    install,
    open_stream,
    read_parts,
    read_steps,
)
from tests.project import Project

STEP = """\
1. Run `make doctor`. You see `ok` in front of `checkpoint`, with "clean; after batch" and a number.
2. Ask here:

   ```sh
   export STREAM__A=b
   make doctor
   ```

   If you see "none", go back. Repeat `make status` until you see "exit code 0".
   Read `conf/dev.toml` and `make`. You see neither in `docs/`.

## Go back

3. Run `make clean`.
"""


def test_steps_have_commands_and_texts_that_you_see():
    """Commands and expected texts are found in their order; conditions and names are neither."""
    (first, doctor), (second, ask) = read_steps(STEP)
    found = [part for part in read_parts(doctor) if part.commands or part.seen]
    asked = [part for part in read_parts(ask) if part.commands or part.seen]

    assert (first, second) == ("1", "2")
    assert [part.commands for part in found] == [["make doctor"], []]
    assert found[1].seen == ["ok", "checkpoint", "clean; after batch"]
    assert found[1].in_front == [("ok", "checkpoint")]
    assert [part.commands for part in asked] == [
        ["export STREAM__A=b", "make doctor"],
        ["make status"],
    ]
    assert (asked[1].seen, asked[1].repeats) == (["exit code 0"], True)


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ('Run `wc -l lines`. You see "2".', True),
        ('Run `wc -l lines`. You see "3".', False),
        ("Run `wc -l lines`. You see `2` in front of `lines`.", True),
        ("Run `wc -l lines`. You see `lines` in front of `2`.", False),
        ("Run `wc -l nothing`. You see the number.", False),
        ("Run `wc -l lines`. You see `b` in `build/log`.", True),
        ("Run `wc -l lines`. You see `c` in `build/log`.", False),
        ("Run `wc -l lines`. You see `b` in `build/nothing`.", False),
    ],
)
def test_what_you_do_not_see_ends_the_script(tmp_path, monkeypatch, step, found):
    """A step fails if its command fails, or if output or file have not what it says."""
    monkeypatch.setattr(playbooks, "PATIENCE_SECONDS", 0)
    (tmp_path / "lines").write_text("a\nb\n", "utf-8")
    (tmp_path / "build").mkdir()
    (tmp_path / "build/log").write_text("b\n", "utf-8")
    stream = Stream(Project(tmp_path), ExitStack())

    with nullcontext() if found else pytest.raises(AssertionError):
        follow(stream, step, "step 1")


def test_decisions_belong_to_steps(tmp_path):
    """Each step with a decision of a person exists in its playbook."""
    project = bake(tmp_path)
    for name, playbook in PLAYBOOKS.items():
        text = (project / f".claude/skills/{name}/SKILL.md").read_text("utf-8")
        steps = dict(read_steps(text))

        assert playbook.decisions.keys() | {*playbook.failing} <= steps.keys(), name
        assert any(part.commands for step in steps.values() for part in read_parts(step))


@pytest.fixture(scope="module", name="jars")
def _jars(tmp_path_factory):
    """Provide a folder `.jars` that the projects of all tests share."""
    project = install(bake(tmp_path_factory.mktemp("jars")))
    code, output = project.run("make", "jars")
    assert code == 0, output
    return project.folder / ".jars"


@pytest.mark.life
@pytest.mark.long
@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_playbook_ends_where_it_says(name, tmp_path, jars):
    """A script that only follows the steps sees what they say, and reaches the end state."""
    with open_stream(tmp_path, jars) as stream:
        carry_out(name, stream)
