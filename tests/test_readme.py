"""The README's commands, typed by a new user as they are: in order, each twice.

`gh:org/stream-template` is the path of a clone.
"""

import json
import shlex

import pytest

from tests.claims import claims
from tests.examples import ROOT, bake, tree
from tests.readme import HOME, clone, commands, newcomer

ENTER = "\n" * 20
RUN_BY = {
    "pipx install cookiecutter": "none: it changes the machine",
    f"cookiecutter {HOME}": "test_enter_to_the_end",
    "cd clickstream-metrics && make demo": "test_a_new_project_runs_anywhere",
    "make demo": "tests/test_project.py::test_make_demo",
    "make test": "none: it is what runs this test",
    f"cookiecutter {HOME} --no-input window=session output_mode=update": (
        "tests/test_docs.py::test_the_readme_shows_a_real_refusal"
    ),
    f"cookiecutter {HOME} --no-input window=session output_mode=append": "test_the_way_on",
}
PLACES = {
    "plain": ("work", ()),
    "a space and other letters": ("a b/größe", ()),
    "no PWD": ("work", ("-u", "PWD")),
    "a terminal of Windows": ("größe/订单", ("PYTHONIOENCODING=cp1252",)),
    "the C locale": ("größe", ("LC_ALL=C", "LANG=C")),
}


def test_each_command_is_known():
    """A test runs each command in the README, or RUN_BY says why not."""
    assert commands((ROOT / "README.md").read_text("utf-8")) == list(RUN_BY)


def test_each_claim_has_a_test():
    """CONTRIBUTING names a test for each claim, and each one is there."""
    named = claims()

    assert len(named) > 20
    for claim, tests in named.items():
        assert tests, claim
        for file, _, name in (test.partition("::") for test in tests):
            assert f"def {name}" in (ROOT / file).read_text("utf-8"), name


@pytest.fixture(scope="module", name="template")
def _template(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("clone") / "stream-template")


@pytest.fixture(scope="module", name="default")
def _default(tmp_path_factory):
    return tree(bake(tmp_path_factory.mktemp("default")))


@pytest.mark.parametrize(("name", "environment"), PLACES.values(), ids=PLACES)
def test_enter_to_the_end(user, template, default, name, environment):
    """The defaults, wherever it is typed; a second time the project is there and stays."""
    place = user.work / name
    place.mkdir(parents=True, exist_ok=True)
    typed = f"cd {shlex.quote(str(place))} && cookiecutter {shlex.quote(str(template))}"
    words = ("env", *environment, "sh", "-c", typed)

    first, second = (user.run(*words, typed=ENTER) for _ in range(2))

    assert first.returncode == 0, first.stdout + first.stderr
    assert "make demo" in first.stdout
    assert second.returncode == 1
    assert "already exists" in second.stdout + second.stderr
    assert tree(place / "clickstream-metrics") == default


def test_the_project_may_become_part_of_a_repository(user, template, default):
    """A folder that is a git repository already keeps all it has."""
    user.run("git", "init", "-q", "clickstream-metrics").check_returncode()

    words = ("cookiecutter", "--no-input", "--overwrite-if-exists", str(template))
    for _ in range(2):
        user.run(*words).check_returncode()

    user.run("git", "-C", "clickstream-metrics", "status").check_returncode()
    made = tree(user.work / "clickstream-metrics")
    assert {name: text for name, text in made.items() if not name.startswith(".git/")} == default


def test_the_way_on(user, template):
    """What a refusal prints at its end makes the project."""
    words = ("--no-input", "window=session", "output_mode=append")

    user.run("cookiecutter", str(template), *words).check_returncode()

    assert user.left() == ["clickstream-metrics"]


def test_misspelt_words(user, template):
    """A misspelt value gets a line with the choices, a misspelt key a suggestion; no file."""
    value = user.run("cookiecutter", "--no-input", str(template), "source=kafak")
    key = user.run("cookiecutter", "--no-input", str(template), "sorce=kafka")

    assert (value.returncode, key.returncode) == (1, 1)
    assert "auto_loader" in (value.stdout + value.stderr).strip().splitlines()[-1]
    assert "source" in key.stdout + key.stderr
    assert "Traceback" not in key.stderr
    assert user.left() == []


@pytest.mark.life
@pytest.mark.long
def test_a_new_project_runs_anywhere(tmp_path):
    """Bake, and run the demo twice, in a folder with a space and other letters."""
    place = tmp_path / "a b" / "größe"
    template = clone(place / "stream-template")
    shell = newcomer(place, tmp_path / "home")
    bake_it, run_it = (
        command.replace(HOME, shlex.quote(str(template))) for command in list(RUN_BY)[1:3]
    )

    code, said = shell.run("sh", "-c", f"yes '' | {bake_it}")
    assert code == 0, said
    for _ in range(2):
        code, said = shell.run("sh", "-c", run_it)
        assert code == 0, said

    summary = (place / "clickstream-metrics/build/demo/summary.json").read_text("utf-8")
    assert json.loads(summary)["verdict"] == "exact"
