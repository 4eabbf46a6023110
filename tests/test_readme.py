"""The commands of the README, run as a new user types them.

The tests replace `gh:org/stream-template` with the path of a clone.
"""

import json
import shlex

import pytest

from tests.claims import read_claims
from tests.examples import ROOT, bake, read_tree
from tests.readme import TEMPLATE_URL, clone, find_commands, open_shell

ENTER = "\n" * 20
RUN_BY = {
    "pipx install cookiecutter": "none: it changes the machine",
    f"cookiecutter {TEMPLATE_URL}": "test_enter_gives_the_default_project",
    "cd clickstream-metrics && make demo": "test_a_new_project_runs_anywhere",
    "make demo": "tests/test_project.py::test_make_demo",
    "make test": "none: it runs this test",
    f"cookiecutter {TEMPLATE_URL} --no-input window=session output_mode=update": (
        "tests/test_docs.py::test_the_readme_shows_a_real_refusal"
    ),
    f"cookiecutter {TEMPLATE_URL} --no-input window=session output_mode=append": (
        "test_the_command_of_the_refusal_makes_a_project"
    ),
}
ENVIRONMENTS = {
    "plain": ("work", ()),
    "a space and non-ASCII letters": ("a b/größe", ()),
    "no PWD": ("work", ("-u", "PWD")),
    "a terminal of Windows": ("größe/订单", ("PYTHONIOENCODING=cp1252",)),
    "the C locale": ("größe", ("LC_ALL=C", "LANG=C")),
}


def test_each_command_is_known():
    """A test runs each command in the README, or RUN_BY states why no test runs it."""
    assert find_commands((ROOT / "README.md").read_text("utf-8")) == list(RUN_BY)


def test_each_claim_has_a_test():
    """CONTRIBUTING names tests for each claim, and these tests exist."""
    claims = read_claims()

    assert len(claims) > 20
    for claim, tests in claims.items():
        assert tests, claim
        for file, _, name in (test.partition("::") for test in tests):
            assert f"def {name}" in (ROOT / file).read_text("utf-8"), name


@pytest.fixture(scope="module", name="template")
def _template(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("clone") / "stream-template")


@pytest.fixture(scope="module", name="default")
def _default(tmp_path_factory):
    return read_tree(bake(tmp_path_factory.mktemp("default")))


@pytest.mark.parametrize(("name", "environment"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_enter_gives_the_default_project(user, template, default, name, environment):
    """Enter at each question gives the default project; a second run changes nothing in it."""
    folder = user.work / name
    folder.mkdir(parents=True, exist_ok=True)
    command = f"cd {shlex.quote(str(folder))} && cookiecutter {shlex.quote(str(template))}"
    words = ("env", *environment, "sh", "-c", command)

    first, second = (user.run(*words, typed=ENTER) for _ in range(2))

    assert first.returncode == 0, first.stdout + first.stderr
    assert "make demo" in first.stdout
    assert second.returncode == 1
    assert "already exists" in second.stdout + second.stderr
    assert read_tree(folder / "clickstream-metrics") == default


def test_a_bake_into_a_repository_keeps_its_history(user, template, default):
    """A bake into the folder of a git repository does not damage the repository."""
    user.run("git", "init", "-q", "clickstream-metrics").check_returncode()

    words = ("cookiecutter", "--no-input", "--overwrite-if-exists", str(template))
    for _ in range(2):
        user.run(*words).check_returncode()

    user.run("git", "-C", "clickstream-metrics", "status").check_returncode()
    made = read_tree(user.work / "clickstream-metrics")
    assert {name: text for name, text in made.items() if not name.startswith(".git/")} == default


def test_the_command_of_the_refusal_makes_a_project(user, template):
    """The command at the end of the README's refusal generates the project."""
    words = ("--no-input", "window=session", "output_mode=append")

    user.run("cookiecutter", str(template), *words).check_returncode()

    assert user.list_work() == ["clickstream-metrics"]


def test_misspelt_values_and_keys_are_reported(user, template):
    """A misspelt value is reported with the legal values, a misspelt key with a suggestion."""
    value = user.run("cookiecutter", "--no-input", str(template), "source=kafak")
    key = user.run("cookiecutter", "--no-input", str(template), "sorce=kafka")

    assert (value.returncode, key.returncode) == (1, 1)
    assert "auto_loader" in (value.stdout + value.stderr).strip().splitlines()[-1]
    assert "source" in key.stdout + key.stderr
    assert "Traceback" not in key.stderr
    assert user.list_work() == []


@pytest.mark.life
@pytest.mark.long
def test_a_new_project_runs_anywhere(tmp_path):
    """The demo runs twice in a folder whose path has a space and non-ASCII letters."""
    folder = tmp_path / "a b" / "größe"
    template = clone(folder / "stream-template")
    shell = open_shell(folder, tmp_path / "home")
    bake_command, demo_command = (
        command.replace(TEMPLATE_URL, shlex.quote(str(template))) for command in list(RUN_BY)[1:3]
    )

    code, output = shell.run("sh", "-c", f"yes '' | {bake_command}")
    assert code == 0, output
    for _ in range(2):
        code, output = shell.run("sh", "-c", demo_command)
        assert code == 0, output

    summary = (folder / "clickstream-metrics/build/demo/summary.json").read_text("utf-8")
    assert json.loads(summary)["verdict"] == "exact"
