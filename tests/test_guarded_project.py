"""The guard for coding agents in generated projects."""

import json
import re
import subprocess
import sys

import pytest
from stream_devkit import guard

from tests.examples import bake, read_tree
from tests.test_render import VARIANTS
from tests.test_style import COVERING

DOCUMENTS = ("README.md", "AGENTS.md", "docs/runbook.md", ".claude/**/*.md")
# The team edits the settings with the guard; nobody edits lib/.
PROTECTED = (".claude/settings.json", "lib/")


def commands(text):
    """Yield each command of a shell block, and each text in back quotes."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        yield from map(str.strip, block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", text)


@pytest.mark.parametrize("variant", COVERING)
def test_a_project_can_be_changed_as_its_documents_say(tmp_path, variant):
    """The guard lets an agent run each command of the documents, and write each file again."""
    folder = bake(tmp_path, **VARIANTS[variant])
    project = guard.read_project(folder)
    texts = [path.read_text("utf-8") for name in DOCUMENTS for path in folder.glob(name)]
    asked = [{"command": command} for text in texts for command in commands(text)]
    asked += [
        {"file_path": str(folder / name), "content": content.decode()}
        for name, content in read_tree(folder).items()
        if not name.startswith(PROTECTED)
    ]

    assert len(asked) > 100
    refused = [(call, guard.refusal({"tool_input": call}, project)) for call in asked]
    assert [(call, reason) for call, reason in refused if reason] == []


def test_the_settings_start_the_guard(tmp_path):
    """The command of the settings stops the deletion of the checkpoint of conf/dev.toml."""
    folder = bake(tmp_path)
    settings = json.loads((folder / ".claude/settings.json").read_text("utf-8"))
    (before,) = settings["hooks"]["PreToolUse"]
    (hook,) = before["hooks"]
    call = {"tool_name": "Bash", "tool_input": {"command": "rm -rf build/dev/checkpoint"}}

    done = subprocess.run(
        ["sh", "-c", hook["command"].replace("python3", sys.executable)],
        env={"CLAUDE_PROJECT_DIR": str(folder)},
        cwd=tmp_path,
        input=json.dumps(call),
        capture_output=True,
        text=True,
        check=False,
    )

    assert set(before["matcher"].split("|")) == {
        *("Bash", "Edit", "MultiEdit", "Write", "NotebookEdit")
    }
    assert (hook["type"], done.returncode) == ("command", guard.STOPPED), done.stderr
    assert "make clean" in done.stderr
