"""Refusals as a user meets them: in words, at once, with the command to go on, and no traces."""

import shutil

import pytest
from machine import UNTOUCHED, command_in, goes_on, refused, repository

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
    return [f"git+file://{repository(user, template)}"]


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

    refused(user, result, *CLASH_IDS)
    goes_on(user, result)


def test_the_command_keeps_options_and_other_answers(user, template):
    """Only what was wrong is another one in it."""
    (user.work / "a=b").mkdir()
    options = ("-o", "a=b", "--no-input", "-f")
    clash = ("sink=files", "output_mode=complete")
    answers = ("project_name=My Orders", "trigger=available_now", *clash, "sorce=kafka")
    result = user.run("cookiecutter", str(template), *options, *answers)

    refused(user, result, "files-append-only", "unknown-question", before=["a=b"])
    assert command_in(result) == (
        f"cookiecutter {template} -o a=b --no-input -f "
        '"project_name=My Orders" source=kafka sink=files output_mode=append trigger=available_now'
    )
    goes_on(user, result, "a=b/my-orders")


def test_as_a_module(user, template):
    """`python -m cookiecutter` goes on as the same."""
    words = ("python", "-m", "cookiecutter", str(template), "--no-input")
    result = user.run(*words, "output_mode=update")

    refused(user, result, "delta-no-update")
    assert command_in(result).startswith("python -m cookiecutter ")
    goes_on(user, result, "clickstream-metrics")


def test_enter_to_the_end_makes_the_default_project(user, template):
    """Thirteen times Enter, and the next two commands are told."""
    result = user.run("cookiecutter", str(template), typed="\n" * 13)
    project = user.work / "clickstream-metrics"

    assert result.returncode == 0, result.stdout
    assert "cd clickstream-metrics && make demo\n    make test" in result.stdout
    folders = [".github", "monitoring", "pyproject.toml", "src"]
    assert sorted(path.name for path in project.iterdir()) == folders
    copied = project / "src" / "clickstream_metrics" / "runtime" / "copied.py"
    assert copied.read_text("utf-8") == UNTOUCHED


def test_between_the_questions(user, template):
    """A wrong answer is refused before the next question, and the typed ones are kept."""
    typed = "My Orders\n\n\n\n\n3\n"
    result = user.run("cookiecutter", str(template), typed=typed)

    refused(user, result, "auto-loader-databricks")
    assert "[7/13]" not in result.stdout
    assert command_in(result) == f'cookiecutter {template} "project_name=My Orders" source=kafka'


def test_a_misspelt_question_is_not_passed_over(user, template):
    """Cookiecutter would ignore it in silence."""
    result = user.run("cookiecutter", str(template), "--no-input", "projct_name=Orders")

    refused(user, result, "unknown-question", "Did you mean project_name?")
    goes_on(user, result, "orders")


@pytest.mark.parametrize(
    "override", ["__check_window=x", "__package=../../x", "_copy_without_render=src/*/runtime/*"]
)
def test_private_variables_are_no_questions(user, template, override):
    """Neither the check nor what follows from answers can be given."""
    result = user.run("cookiecutter", str(template), "--no-input", override)

    refused(user, result, "unknown-question")
    goes_on(user, result, "clickstream-metrics")


def test_a_default_of_the_user_is_refused_like_an_answer(user, template):
    """The command names the nearest value although the question would propose it elsewhere."""
    (user.home / ".cookiecutterrc").write_text("default_context:\n  output_mode: update\n")
    result = user.run("cookiecutter", str(template), "--no-input")

    refused(user, result, "delta-no-update")
    assert command_in(result).endswith("output_mode=append")
    goes_on(user, result, "clickstream-metrics")
