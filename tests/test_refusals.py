"""Refusals as a user meets them: in words, at once, with the command to go on, and no traces."""

import shutil
import sys
from pathlib import Path

import pytest
from machine import UNTOUCHED, assert_command_works, assert_refused, find_command, make_repository

from stream_template_rules import AXES
from stream_template_rules.commandline import read

CLASH = ("window=session", "output_mode=update", "project_slug=json")
CLASH_IDS = {"session-no-update", "slug-taken"}


def given_as_relative_path(user, template):
    """Give a folder beside the working directory."""
    shutil.copytree(template, user.home / "stream-template")
    return ["../home/stream-template"]


def given_as_path(_, template):
    """Give an absolute path."""
    return [str(template)]


def given_as_git(user, template):
    """Give a repository to clone."""
    return [f"git+file://{make_repository(user, template)}"]


def given_as_zip(user, template):
    """Give an archive to unpack."""
    archive = shutil.make_archive(
        str(user.home / "archive"), "zip", template.parent, "stream-template"
    )
    return [archive]


def given_as_directory(user, template):
    """Give a template in a folder of a larger repository."""
    shutil.copytree(template, user.home / "many" / "stream-template")
    user.commit(user.home / "many")
    return [f"git+file://{user.home}/many", "--directory", "stream-template"]


WAYS = (
    given_as_relative_path,
    given_as_path,
    given_as_git,
    given_as_zip,
    given_as_directory,
)


@pytest.mark.parametrize("way", WAYS)
def test_wherever_the_template_comes_from(user, template, way):
    """All clashes are told, nothing is left, and the printed command works."""
    words = ("cookiecutter", *way(user, template), "--no-input", *CLASH)
    result = user.run(*words)

    assert_refused(user, result, *CLASH_IDS)
    assert_command_works(user, result)


def test_the_command_keeps_options_and_other_answers(user, template):
    """The printed command keeps options and answers, and changes only what was wrong."""
    (user.work / "a=b").mkdir()
    options = ("-o", "a=b", "--no-input", "-f")
    clash = ("sink=files", "output_mode=complete")
    answers = ("project_name=My Orders", "trigger=available_now", *clash, "sorce=kafka")
    result = user.run("cookiecutter", str(template), *options, *answers)

    assert_refused(user, result, "files-append-only", "unknown-question", before=["a=b"])
    assert find_command(result) == (
        f"cookiecutter {template} -o a=b --no-input -f "
        '"project_name=My Orders" source=kafka sink=files output_mode=append trigger=available_now'
    )
    assert_command_works(user, result, "a=b/my-orders")


def test_as_a_module(user, template):
    """`python3 -m cookiecutter` goes on as the same, with the name that was typed."""
    words = ("python3", "-m", "cookiecutter", str(template), "--no-input")
    result = user.run(*words, "output_mode=update")

    assert_refused(user, result, "delta-no-update")
    assert find_command(result).startswith("python3 -m cookiecutter ")
    assert_command_works(user, result, "clickstream-metrics")


def test_a_program_outside_of_the_path(user, template):
    """It is named by its path: its name alone would not be found."""
    program = Path(sys.executable).parent / "cookiecutter"
    words = [str(program), str(template), "--no-input", "output_mode=update"]
    result = user.run("env", "PATH=/usr/bin:/bin", *words)

    assert_refused(user, result, "delta-no-update")
    assert find_command(result).startswith(f"{program} ")
    assert_command_works(user, result, "clickstream-metrics")


def test_enter_to_the_end_makes_the_default_project(user, template):
    """Thirteen times Enter, and the next two commands are told."""
    result = user.run("cookiecutter", str(template), typed="\n" * 13)
    project = user.work / "clickstream-metrics"

    assert result.returncode == 0, result.stdout
    assert "cd clickstream-metrics && make demo\n    make test" in result.stdout
    folders = [".github", "lib", "monitoring", "pyproject.toml", "src"]
    assert sorted(path.name for path in project.iterdir()) == folders
    copied = project / "lib" / "stream_runtime" / "copied.py"
    assert copied.read_text("utf-8") == UNTOUCHED


def test_between_the_questions(user, template):
    """A wrong answer is refused before the next question, and the typed ones are kept."""
    typed = "My Orders\n\n\n\n\n3\n"
    result = user.run("cookiecutter", str(template), typed=typed)

    assert_refused(user, result, "auto-loader-databricks")
    assert "[7/13]" not in result.stdout
    assert find_command(result) == (
        f'cookiecutter {template} "project_name=My Orders" platform=databricks source=auto_loader'
    )
    again = user.run("sh", "-c", find_command(result), typed="\n" * 13)
    assert again.returncode == 0, again.stdout


def test_a_misspelt_question_is_refused(user, template):
    """A misspelt question is refused; cookiecutter would silently ignore it."""
    result = user.run("cookiecutter", str(template), "--no-input", "projct_name=Orders")

    assert_refused(user, result, "unknown-question", "Did you mean project_name?")
    assert_command_works(user, result, "orders")


@pytest.mark.parametrize(
    "override", ["__check_window=x", "__package=../../x", "_copy_without_render=src/*/*"]
)
def test_private_variables_are_no_questions(user, template, override):
    """Neither the check nor what follows from answers can be given."""
    result = user.run("cookiecutter", str(template), "--no-input", override)

    assert_refused(user, result, "unknown-question")
    assert_command_works(user, result, "clickstream-metrics")


def test_a_default_of_the_user_is_refused_like_an_answer(user, template):
    """It is somebody's choice, which is kept by changing a default."""
    (user.home / ".cookiecutterrc").write_text("default_context:\n  output_mode: update\n")
    result = user.run("cookiecutter", str(template), "--no-input")

    assert_refused(user, result, "delta-no-update")
    assert find_command(result).endswith(" sink=delta_merge output_mode=update")
    assert_command_works(user, result, "clickstream-metrics")


def test_a_refused_default_of_the_user_is_named_with_its_new_value(user, template):
    """The question would propose the refused one again."""
    (user.home / ".cookiecutterrc").write_text("default_context:\n  output_mode: update\n")
    result = user.run("cookiecutter", str(template), "--no-input", "sink=files")

    assert_refused(user, result, "files-append-only")
    assert find_command(result).endswith(" sink=files output_mode=append")
    assert_command_works(user, result, "clickstream-metrics")


def test_short_options_may_stand_in_one_word(user, template):
    """The value of `-fo` is a folder, and neither the template nor an answer."""
    words = ("cookiecutter", "-fo", "out", str(template), "--no-input")
    result = user.run(*words, "state=custom", "projct_name=Orders")

    assert_refused(user, result, "custom-no-window", "unknown-question")
    assert_command_works(user, result, "out/orders")
    assert user.run(*words).returncode == 0


def test_a_misspelt_value_is_told_by_cookiecutter(user, template):
    """It ends before the template is asked: its last line lists the choices, nothing is written."""
    result = user.run("cookiecutter", str(template), "--no-input", "source=kafak")

    assert result.returncode == 1
    assert user.list_work() == []
    last = result.stderr.strip().splitlines()[-1]
    assert all(value in last for value in ("kafak", "source", *AXES["source"]))


def test_a_misspelt_value_in_the_users_file_is_warned_of(user, template):
    """Cookiecutter warns, and the default is used."""
    (user.home / ".cookiecutterrc").write_text("default_context:\n  source: kafak\n")
    result = user.run("cookiecutter", str(template), "--no-input")

    assert result.returncode == 0, result.stderr
    assert "kafak provided for choice variable source" in result.stderr
    record = (user.work / "clickstream-metrics" / "pyproject.toml").read_text("utf-8")
    assert 'source = "kafka"' in record


def test_uvx_goes_on_as_uvx():
    """A program that uv fetched for one run is found by uvx only."""
    line = read(["/home/me/.cache/uv/archive-v0/x1/bin/cookiecutter", "gh:org/t", "--no-input"])

    assert line.again({"window": "none"}) == "uvx cookiecutter gh:org/t --no-input window=none"


def test_a_terminal_without_the_letters(user, template):
    """What it cannot show is escaped: a refusal never ends in an error of its own."""
    words = ("cookiecutter", str(template), "--no-input", "project_name=订单", "state=custom")
    result = user.run("env", "PYTHONIOENCODING=cp1252", *words)

    assert_refused(user, result, "custom-no-window")
    assert r"\u8ba2\u5355" in result.stdout
