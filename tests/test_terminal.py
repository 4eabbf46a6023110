"""The questions at a terminal, answered as a person types."""

import pytest
from machine import make_repository

INTRODUCTION = "Enter takes the value in brackets"


def press_enter(terminal, first, last=13):
    """Press Enter at each question from the first to the last number."""
    for number in range(first, last + 1):
        terminal.answer(f"[{number}/13]")


def test_the_first_question_has_an_introduction(user, template):
    """The introduction is printed once, before the first question."""
    terminal = user.open("cookiecutter", str(template))

    assert INTRODUCTION in terminal.answer("[1/13]")
    press_enter(terminal, 2)
    assert terminal.end() == 0, terminal.text
    assert terminal.text.count(INTRODUCTION) == 1


def test_cruft_asks_with_the_same_introduction(user, template):
    """`cruft create` prints the introduction too."""
    terminal = user.open("cruft", "create", make_repository(user, template))

    assert INTRODUCTION in terminal.answer("[1/13]")
    press_enter(terminal, 2)
    assert terminal.end() == 0, terminal.text


@pytest.mark.parametrize(
    "words",
    [("cookiecutter", "--no-input"), ("cruft", "create", "--no-input"), ("cruft", "create", "-y")],
    ids=" ".join,
)
def test_without_questions_there_is_no_introduction(user, template, words):
    """A command without questions prints no introduction, at a terminal either."""
    terminal = user.open(*words, make_repository(user, template))

    assert terminal.end() == 0, terminal.text
    assert INTRODUCTION not in terminal.text
