"""The fragments under templates/: each is included, and each value has those of its neighbours."""

import re

import pytest

from stream_template_rules import AXES
from stream_template_rules.sinks import SINKS
from tests.examples import ROOT
from tests.test_render import VARIANTS

FOLDER = ROOT / "templates"
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
INCLUDE = re.compile(
    r"\{% (?:include|from) (.+?)(?: import \w+ with context)?( ignore missing)? %\}"
)
BY_ANSWER = re.compile(r'"(\w+)/" ~ (?:cookiecutter|job)\.\w+ ~ "/([\w.]+)"')
TEXT = re.compile(r'"([^"]*)"')


def files(folder):
    """The files of the template below a folder."""
    return [path for path in folder.rglob("*") if path.is_file() and "cache" not in str(path)]


INCLUDES = [
    (expression, bool(may_be_missing))
    for folder in (FOLDER, PROJECT)
    for path in files(folder)
    for expression, may_be_missing in INCLUDE.findall(path.read_text("utf-8"))
]


def matches(expression, fragment):
    """Return whether an include can mean the fragment; each variable in it is part of a name."""
    pattern = "".join(
        re.escape(text[1]) if (text := TEXT.fullmatch(part.strip())) else r"[\w./]*"
        for part in expression.split(" ~ ")
    )
    return re.fullmatch(pattern, fragment)


def test_a_fragment_with_another_name_is_not_included():
    """No include matches every name, so the next test can fail."""
    assert not any(matches(expression, "source/kafka/other.yml") for expression, _ in INCLUDES)


@pytest.mark.parametrize("path", files(FOLDER), ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_fragment_is_included(path):
    """A fragment with a wrong name would be silently ignored if it is optional."""
    fragment = path.relative_to(FOLDER).as_posix()

    assert any(matches(expression, fragment) for expression, _ in INCLUDES)


@pytest.mark.parametrize("question", ["source", "sink"])
def test_a_value_has_the_fragments_of_its_neighbours(question):
    """What each source or sink must have is there before anything is rendered."""
    needed = {
        found[2]
        for expression, may_be_missing in INCLUDES
        if (found := BY_ANSWER.fullmatch(expression))
        and found[1] == question
        and not may_be_missing
    }
    fragments = {(value, name) for value in AXES[question] for name in needed}

    assert {"module.py", "readme.md", "runbook.md", "test.py"} <= needed
    assert [parts for parts in fragments if not FOLDER.joinpath(question, *parts).exists()] == []


@pytest.mark.parametrize("sink", [name for name in SINKS if SINKS[name].checkpoint_id_in])
def test_a_runbook_says_what_stores_the_checkpoint_id(sink):
    """The runbook of a sink has the name of its trait `checkpoint_id_in`, as CONTRACT.md does."""
    runbook = FOLDER.joinpath("sink", sink, "runbook.md").read_text("utf-8")

    assert f"`{SINKS[sink].checkpoint_id_in}`" in runbook


@pytest.mark.parametrize("question", AXES)
def test_a_value_has_a_variant(question):
    """The variants of test_render.py are formatted, linted and read for every value."""
    rendered = {AXES[question][0], *(answers.get(question) for answers in VARIANTS.values())}

    assert set(AXES[question]) <= rendered
