"""Refusals as a user sees them: all violations, the command to continue with, and no files."""

import shutil
import sys
from pathlib import Path

import pytest
from machine import UNTOUCHED, assert_command_works, assert_refused, find_command, make_repository

from stream_template_rules import AXES
from stream_template_rules.commandline import read

CLASH = ("window=session", "output_mode=update", "project_slug=json")
CLASH_IDS = {"session-no-update", "slug-taken"}


def use_relative_path(user, template):
    """Return the arguments for a relative path."""
    shutil.copytree(template, user.home / "stream-template")
    return ["../home/stream-template"]


def use_absolute_path(_, template):
    """Return the arguments for an absolute path."""
    return [str(template)]


def use_git(user, template):
    """Return the arguments for a git repository."""
    return [f"git+file://{make_repository(user, template)}"]


def use_zip(user, template):
    """Return the arguments for a zip archive."""
    archive = shutil.make_archive(
        str(user.home / "archive"), "zip", template.parent, "stream-template"
    )
    return [archive]


def use_directory(user, template):
    """Return the arguments for a folder of a larger git repository."""
    shutil.copytree(template, user.home / "many" / "stream-template")
    user.commit(user.home / "many")
    return [f"git+file://{user.home}/many", "--directory", "stream-template"]


LOCATIONS = (
    use_relative_path,
    use_absolute_path,
    use_git,
    use_zip,
    use_directory,
)


@pytest.mark.parametrize("use_location", LOCATIONS)
def test_a_refusal_works_for_each_location_of_the_template(user, template, use_location):
    """A refusal lists all violations and leaves no file, and its command works."""
    words = ("cookiecutter", *use_location(user, template), "--no-input", *CLASH)
    result = user.run(*words)

    assert_refused(user, result, *CLASH_IDS)
    assert_command_works(user, result)


def test_the_command_keeps_options_and_other_answers(user, template):
    """The printed command keeps options and answers, and changes only refused answers."""
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


def test_the_command_of_a_module_starts_the_module(user, template):
    """After `python3 -m cookiecutter`, the printed command starts with the same words."""
    words = ("python3", "-m", "cookiecutter", str(template), "--no-input")
    result = user.run(*words, "output_mode=update")

    assert_refused(user, result, "delta-no-update")
    assert find_command(result).startswith("python3 -m cookiecutter ")
    assert_command_works(user, result, "clickstream-metrics")


def test_a_program_outside_of_path_is_named_by_its_path(user, template):
    """If PATH does not have the program's folder, the printed command has the full path."""
    program = Path(sys.executable).parent / "cookiecutter"
    words = [str(program), str(template), "--no-input", "output_mode=update"]
    result = user.run("env", "PATH=/usr/bin:/bin", *words)

    assert_refused(user, result, "delta-no-update")
    assert find_command(result).startswith(f"{program} ")
    assert_command_works(user, result, "clickstream-metrics")


def test_enter_at_each_question_makes_the_default_project(user, template):
    """With Enter at all 13 questions, the default project is generated, with the next commands."""
    result = user.run("cookiecutter", str(template), typed="\n" * 13)
    project = user.work / "clickstream-metrics"

    assert result.returncode == 0, result.stdout
    assert "cd clickstream-metrics && make demo\n    make test" in result.stdout
    folders = [".github", "lib", "monitoring", "pyproject.toml", "src"]
    assert sorted(path.name for path in project.iterdir()) == folders
    copied = project / "lib" / "stream_runtime" / "copied.py"
    assert copied.read_text("utf-8") == UNTOUCHED


def test_an_illegal_answer_is_refused_before_the_next_question(user, template):
    """The printed command keeps the answers that were typed before the refusal."""
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
def test_private_variables_are_not_accepted_as_answers(user, template, override):
    """An answer cannot replace a private variable of the template."""
    result = user.run("cookiecutter", str(template), "--no-input", override)

    assert_refused(user, result, "unknown-question")
    assert_command_works(user, result, "clickstream-metrics")


def test_an_illegal_default_of_the_user_is_kept(user, template):
    """A default in the user's file counts as a chosen answer: the command changes others."""
    (user.home / ".cookiecutterrc").write_text("default_context:\n  output_mode: update\n")
    result = user.run("cookiecutter", str(template), "--no-input")

    assert_refused(user, result, "delta-no-update")
    assert find_command(result).endswith(" sink=delta_merge output_mode=update")
    assert_command_works(user, result, "clickstream-metrics")


def test_a_changed_default_of_the_user_is_in_the_command(user, template):
    """The command names the new value, because the user's file still has the refused one."""
    (user.home / ".cookiecutterrc").write_text("default_context:\n  output_mode: update\n")
    result = user.run("cookiecutter", str(template), "--no-input", "sink=files")

    assert_refused(user, result, "files-append-only")
    assert find_command(result).endswith(" sink=files output_mode=append")
    assert_command_works(user, result, "clickstream-metrics")


def test_short_options_can_be_combined(user, template):
    """The word after `-fo` is a folder, and neither the template nor an answer."""
    words = ("cookiecutter", "-fo", "out", str(template), "--no-input")
    result = user.run(*words, "state=custom", "projct_name=Orders")

    assert_refused(user, result, "custom-no-window", "unknown-question")
    assert_command_works(user, result, "out/orders")
    assert user.run(*words).returncode == 0


def test_a_misspelt_value_is_reported_by_cookiecutter(user, template):
    """Cookiecutter ends before any question; its last line lists the legal values."""
    result = user.run("cookiecutter", str(template), "--no-input", "source=kafak")

    assert result.returncode == 1
    assert user.list_work() == []
    last = result.stderr.strip().splitlines()[-1]
    assert all(value in last for value in ("kafak", "source", *AXES["source"]))


def test_a_misspelt_default_of_the_user_is_replaced(user, template):
    """Cookiecutter warns about a misspelt value in the user's file and uses the default."""
    (user.home / ".cookiecutterrc").write_text("default_context:\n  source: kafak\n")
    result = user.run("cookiecutter", str(template), "--no-input")

    assert result.returncode == 0, result.stderr
    assert "kafak provided for choice variable source" in result.stderr
    record = (user.work / "clickstream-metrics" / "pyproject.toml").read_text("utf-8")
    assert 'source = "kafka"' in record


@pytest.mark.parametrize(
    ("program", "start"),
    [
        ("/home/me/.cache/uv/archive-v0/x1/bin/cookiecutter", "uvx cookiecutter"),
        ("/home/me/.cache/pipx/3127b1/bin/cookiecutter", "pipx run cookiecutter"),
        ("/home/me/.local/share/pipx/.cache/31/bin/cookiecutter", "pipx run cookiecutter"),
    ],
)
def test_the_printed_command_fetches_the_program_again(program, start):
    """If uvx or pipx fetched the program for one run, the printed command starts with them."""
    line = read([program, "gh:org/t", "--no-input"])

    assert line.again({"window": "none"}) == f"{start} gh:org/t --no-input window=none"


@pytest.mark.parametrize(
    ("on_the_path", "start"),
    [({"pipx"}, "pipx run cookiecutter"), ({"pipx", "uvx"}, "uvx cookiecutter")],
)
def test_the_printed_command_starts_with_a_program_of_the_shell(monkeypatch, on_the_path, start):
    """Pipx can use an uv of its own, which the shell does not find."""
    monkeypatch.setattr("shutil.which", lambda name: name if name in on_the_path else None)
    line = read(["/home/me/.cache/uv/archive-v0/x1/bin/cookiecutter", "gh:org/t"])

    assert line.again({}).startswith(f"{start} gh:org/t")


def test_the_command_of_an_installed_program_does_not_fetch_it():
    """What pipx has installed is not fetched again."""
    line = read(["/home/me/.local/share/pipx/venvs/cookiecutter/bin/cookiecutter", "gh:org/t"])

    assert "pipx run" not in line.again({})


def test_letters_that_the_terminal_cannot_show_are_escaped(user, template):
    """A refusal escapes letters that the encoding of the terminal does not have."""
    words = ("cookiecutter", str(template), "--no-input", "project_name=订单", "state=custom")
    result = user.run("env", "PYTHONIOENCODING=cp1252", *words)

    assert_refused(user, result, "custom-no-window")
    assert r"\u8ba2\u5355" in result.stdout
