"""The questions of cookiecutter.json are those of the rules, in the same order."""

import json
import re
from pathlib import Path

import pytest

from stream_template_rules import AXES, QUESTIONS, TEXTS, docs
from stream_template_rules.axes import TEXT_DEFAULTS

ROOT = Path(__file__).parent.parent
ASKED = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
LABELS = ASKED["__prompts__"]
CHECK = "{{ cookiecutter | stream_check }}"


def test_the_questions_are_those_of_the_rules_in_their_order():
    """Questions and rules have the same names in the same order."""
    assert [key for key in ASKED if not key.startswith("_")] == list(QUESTIONS)


def test_the_choices_are_those_of_the_rules():
    """Values and their order are the same in both places."""
    assert {axis: tuple(ASKED[axis]) for axis in AXES} == AXES


def test_the_proposed_texts_are_those_of_the_rules():
    """The command of a refusal omits answers that the question proposes anyway."""
    assert {text: ASKED[text] for text in TEXT_DEFAULTS} == TEXT_DEFAULTS


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_followed_by_the_check(question):
    """A refusal comes before the next question."""
    keys = list(ASKED)

    assert keys[keys.index(question) + 1] == f"__check_{question}"
    assert ASKED[f"__check_{question}"] == CHECK


@pytest.mark.parametrize("axis", AXES)
def test_every_label_of_a_menu_begins_with_its_value(axis):
    """A menu shows the values that documents, refusals and commands name."""
    for value in AXES[axis]:
        assert LABELS[axis][value].startswith(f"{value}: ")


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_and_value_has_a_label(question):
    """Labels are complete, and none holds a bracket, which the prompt would swallow."""
    label = LABELS[question]
    words = [label] if question in TEXTS else list(label.values())

    if question in AXES:
        assert list(label) == ["__prompt__", *AXES[question]]
    assert all(words)
    assert not any("[" in text for text in words)


def test_private_variables_are_used():
    """The first one prints the introduction, one names the package; cookiecutter has the others."""
    private = {key for key in ASKED if key.startswith("_") and not key.startswith("__check_")}

    assert next(iter(ASKED)) == "__introduction"
    assert private == {
        "__introduction",
        "__package",
        "__prompts__",
        "_extensions",
        "_jinja2_env_vars",
    }


def test_the_page_of_choices_is_current():
    """docs/choices.md is what the rules say; `python -m stream_template_rules.docs` writes it."""
    assert docs.PAGE.read_text("utf-8") == docs.page()


def test_the_page_of_choices_is_a_clean_table():
    """No text breaks a row."""
    for line in docs.page().splitlines():
        if line.startswith("|"):
            assert re.fullmatch(r"\|( [^|]* \|)+", line)
