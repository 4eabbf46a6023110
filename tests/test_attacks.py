"""Hostile answers, which try to write outside of the project or to run code."""

import json
import shutil
import tomllib

import pytest
from machine import assert_command_works, assert_refused, find_command

TEXTS = ("project_name", "project_slug", "event_schema", "event_roles")


def edit_replay(user, template, **changed):
    """Generate and delete a project, then edit its replay file; return the file's path."""
    user.run("cookiecutter", str(template), "--no-input").check_returncode()
    shutil.rmtree(user.work / "clickstream-metrics")
    file = user.home / ".cookiecutter_replay" / "stream-template.json"
    context = json.loads(file.read_text("utf-8"))
    context["cookiecutter"] |= changed
    file.write_text(json.dumps(context), "utf-8")
    return file


@pytest.mark.parametrize("option", ["--replay", "--replay-file"])
def test_an_edited_replay_is_refused(user, template, option):
    """A replay asks no question, so its answers are checked before the folder is made."""
    file = edit_replay(user, template, window="session", output_mode="update", source="kafak")
    options = ["--replay"] if option == "--replay" else ["--replay-file", str(file)]
    result = user.run("cookiecutter", str(template), *options)

    assert_refused(user, result, "session-no-update", "unknown-value")
    assert_command_works(user, result, "clickstream-metrics")


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"project_slug": "../victim"}, "slug-form"),
        ({"project_slug": "/tmp/victim"}, "slug-form"),  # noqa: S108 - never made
        ({"__package": "../../../victim"}, "package-given"),
        ({"source": ["kafka"]}, "unknown-value"),
        ({"event_schema": None}, "schema"),
        ({"event_roles": 7}, "role-form"),
    ],
)
def test_an_edited_replay_cannot_leave_its_folder(user, template, changed, rule):
    """No content of a replay file can write outside of the output folder."""
    edit_replay(user, template, **changed)
    result = user.run("cookiecutter", str(template), "--replay", "-f", "--accept-hooks", "no")

    assert_refused(user, result, rule)
    assert not (user.work.parent / "victim").exists()


@pytest.mark.parametrize(
    "slug",
    ["../victim", "/tmp/victim", "a/../../victim", "", ".", "..", "a\nb"],  # noqa: S108
)
def test_a_slug_cannot_leave_the_output_folder(user, template, slug):
    """A slug with a path is refused, also without hooks and over existing folders."""
    victim = user.work.parent / "victim"
    victim.mkdir()
    options = ("--no-input", "-f", "--accept-hooks", "no")
    result = user.run("cookiecutter", str(template), *options, f"project_slug={slug}")

    assert_refused(user, result, "slug-form")
    assert list(victim.iterdir()) == []


@pytest.mark.parametrize(
    "answer",
    [
        "project_name={{ lipsum.__globals__['os'].system('touch pwned') }}",
        "project_name=x{% set y = 1 %}",
        "event_schema={# nothing #}",
        "__check_window={{ lipsum.__globals__['os'].system('touch pwned') }}",
        "project_name={{ cookiecutter.project_slug }}",
    ],
)
def test_template_code_is_refused(user, template, answer):
    """Template code in an answer is refused, because cookiecutter would run it."""
    result = user.run("cookiecutter", str(template), "--no-input", answer)

    assert_refused(user, result, "(form)")


HOSTILE = (
    *('a"b', "a'b", "a\\", 'x"; import os; "', '"""', "a\nb", "$(touch pwned)", "`touch pwned`"),
    *("%PATH%", "🙂", "\x1b[31m", "a;b", "<b>", "]]>", "${x}", "\u2028"),
)


ODD_NAMES = (
    "a\"b'c",
    'x"""; import os',
    "$(touch pwned)",
    "a``b",
    "%PATH%",
    "🙂",
    "<b>]]>",
    "${x}",
    "C:\\",
)


def test_hostile_column_names_are_only_data(user, template):
    """No column name runs code, and the stored answers equal the typed ones."""
    columns = [f"`{name.replace('`', '``')}` STRING" for name in ODD_NAMES]
    schema = "at TIMESTAMP COMMENT 'x\"\\\\', " + ", ".join(columns)
    answers = ["project_name=Zoë & Co: it's", "project_slug=zoe", f"event_schema={schema}"]
    result = user.run("cookiecutter", str(template), "--no-input", *answers)

    assert result.returncode == 0, result.stdout + result.stderr
    assert user.list_work() == ["zoe"]
    recorded = tomllib.loads((user.work / "zoe" / "pyproject.toml").read_text("utf-8"))
    found = recorded["tool"]["stream-template"]["answers"]
    assert [f"{question}={found[question]}" for question in TEXTS[:3]] == answers
    assert found["event_roles"] == "time=at, key=`a\"b'c`"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_refused(user, template, text):
    """Characters with a meaning in a shell, Python or TOML are refused."""
    answers = [f"{question}={text}" for question in TEXTS]
    result = user.run("cookiecutter", str(template), "--no-input", *answers)

    assert_refused(user, result, "(form)")
    # The command asks for the schema, because no correction is certain.
    assert user.run("sh", "-c", find_command(result), typed="\n" * 13).returncode == 0
    assert len(user.list_work()) == 1
