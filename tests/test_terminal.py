"""The questions at a terminal, answered as a person types."""

import re

import pytest
from machine import make_repository

PROJECT = "clickstream-metrics"
INTRODUCTION = "Enter takes the value in brackets"
ORDERS = "id STRING, at TIMESTAMP, shop STRING, qty INT"


def press_enter(terminal, first, last=13):
    """Press Enter at each question from the first to the last number."""
    for number in range(first, last + 1):
        terminal.answer(f"[{number}/13]")


def read_answers(user, project=PROJECT):
    """Return the answers that the project records."""
    record = (user.work / project / "pyproject.toml").read_text("utf-8")
    return dict(re.findall(r'^(\w+) = "(.*)"$', record, re.MULTILINE))


def test_the_first_question_has_an_introduction(user, template):
    """The introduction is printed once, before the first question."""
    terminal = user.open("cookiecutter", str(template))

    assert INTRODUCTION in terminal.answer("[1/13]")
    press_enter(terminal, 2)
    assert terminal.end() == 0, terminal.text
    assert terminal.text.count(INTRODUCTION) == 1


def test_cruft_asks_with_the_same_introduction_and_checks(user, template):
    """`cruft create` prints the introduction and asks a question again."""
    terminal = user.open("cruft", "create", make_repository(user, template))

    assert INTRODUCTION in terminal.answer("[1/13]")
    press_enter(terminal, 2, 2)
    terminal.answer("[3/13]", "id STRNG, at TIMESTAMP")
    assert "schema-type" in terminal.answer("[3/13]")
    press_enter(terminal, 4, 6)
    terminal.answer("[7/13]", "3")
    assert "session-needs-key" in terminal.answer("[7/13]")
    press_enter(terminal, 8)

    assert terminal.end() == 0, terminal.text
    assert read_answers(user)["event_schema"] == "id STRING, at TIMESTAMP"
    assert read_answers(user)["window"] == "tumbling"


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


def test_a_refused_pair_is_asked_again_with_the_legal_values(user, template):
    """A menu is repeated with the legal values, and the way back keeps the earlier answers."""
    terminal = user.open("cookiecutter", str(template))
    press_enter(terminal, 1, 6)
    terminal.answer("[7/13]", "3")
    press_enter(terminal, 8, 10)
    terminal.answer("[11/13]", "2")
    shown = terminal.answer("[11/13]", "2")
    press_enter(terminal, 12)

    assert terminal.end() == 0, terminal.text
    assert "session-no-update (spark): window=session, output_mode=update" in shown
    assert f"    cookiecutter {template} window=session output_mode=append\n" in shown
    assert re.findall(r"^ +(\d - \w+):", shown, re.MULTILINE) == ["1 - append", "2 - complete"]
    assert read_answers(user).items() >= {"window": "session", "output_mode": "complete"}.items()


def test_wrong_texts_are_asked_again_with_their_correction(user, template):
    """A wrong name, slug, schema or role is asked again; Enter takes the correction."""
    terminal = user.open("cookiecutter", str(template))
    terminal.answer("[1/13]", "My  Shop")
    terminal.answer("[1/13]")
    terminal.answer("[2/13]", "json")
    terminal.answer("[2/13]")
    terminal.answer("[3/13]", ORDERS.replace("TIMESTAMP", "TIMESTMP"))
    terminal.answer("[3/13]")
    terminal.answer("[4/13]", "id=id, time=at, key=shp")
    terminal.answer("[4/13]")
    press_enter(terminal, 5)

    assert terminal.end() == 0, terminal.text
    expected = {
        "project_name": "My Shop",
        "project_slug": "json-stream",
        "event_schema": ORDERS,
        "event_roles": "id=id, time=at, key=shop",
    }
    assert read_answers(user, "json-stream").items() >= expected.items()


def test_a_text_that_only_its_author_can_correct_is_asked_again(user, template):
    """Without a correction, the question proposes what it has proposed before."""
    terminal = user.open("cookiecutter", str(template), f"event_schema={ORDERS}")
    press_enter(terminal, 1, 2)
    terminal.answer("[3/13]", "id STRING, count INT")
    assert "No column is a TIMESTAMP" in terminal.answer("[3/13]", "id STRING, (")
    assert "is not closed" in terminal.answer("[3/13]")
    press_enter(terminal, 4)

    assert terminal.end() == 0, terminal.text
    assert read_answers(user)["event_schema"] == ORDERS


def test_an_answer_of_the_command_line_is_refused_before_the_questions(user, template):
    """No question is asked again for an error that is not in its answer."""
    words = ("window=session", "output_mode=update")
    terminal = user.open("cookiecutter", str(template), *words)
    terminal.answer("[1/13]")

    assert terminal.end() == 1
    assert "session-no-update" in terminal.text
    assert "[2/13]" not in terminal.text
    assert user.list_work() == []


def test_ctrl_c_after_a_refusal_ends_without_a_project(user, template):
    """Ctrl-C at a repeated question writes nothing and prints no traceback."""
    terminal = user.open("cookiecutter", str(template))
    terminal.answer("[1/13]", "a  b")
    terminal.answer("[1/13]", "\x03")

    assert terminal.end() == 1
    assert "Traceback" not in terminal.text
    assert user.list_work() == []


def test_without_a_terminal_the_refusal_ends_the_command(user, template):
    """Answers from a pipe are not asked again."""
    result = user.run("cookiecutter", str(template), typed="a  b\n" + "\n" * 20)

    assert result.returncode == 1
    assert "project-name-form" in result.stdout + result.stderr
    assert "[2/13]" not in result.stdout
    assert user.list_work() == []


def test_an_update_asks_again(user, template):
    """`cruft update` with questions asks a refused one again, without an introduction."""
    user.run("cruft", "create", make_repository(user, template), "-y").check_returncode()
    user.commit(user.work / PROJECT)
    terminal = user.open("cruft", "update", "-iy", "-p", PROJECT)
    press_enter(terminal, 1, 10)
    terminal.answer("[11/13]", "2")
    assert "delta-no-update" in terminal.answer("[11/13]", "2")
    press_enter(terminal, 12)

    assert terminal.end() == 0, terminal.text
    assert INTRODUCTION not in terminal.text
    assert read_answers(user)["output_mode"] == "complete"


def test_an_existing_folder_is_noticed_at_the_slug(user, template):
    """An existing folder is refused after question 2, and Enter takes the next free slug."""
    for name in (PROJECT, f"{PROJECT}-2"):
        (user.work / name).mkdir()
    terminal = user.open("cookiecutter", str(template))
    press_enter(terminal, 1, 2)
    shown = terminal.answer("[2/13]", PROJECT)
    assert f"The folder {PROJECT} already exists." in shown
    assert f"({PROJECT}-3): " in shown
    assert "folder-exists" in terminal.answer("[2/13]")
    press_enter(terminal, 3)

    assert terminal.end() == 0, terminal.text
    assert read_answers(user, f"{PROJECT}-3")["project_slug"] == f"{PROJECT}-3"
    assert list((user.work / PROJECT).iterdir()) == []


@pytest.mark.parametrize("option", ["-f", "--overwrite-if-exists"])
def test_with_leave_to_overwrite_the_folder_is_compared(user, template, option):
    """With the option no slug is refused, and the folder is compared after the last question."""
    (user.work / PROJECT).mkdir()
    (user.work / PROJECT / "pyproject.toml").write_text("mine", "utf-8")
    terminal = user.open("cookiecutter", str(template), option)
    press_enter(terminal, 1)

    assert terminal.end() == 1
    assert "folder-taken" in terminal.text
    assert (user.work / PROJECT / "pyproject.toml").read_text("utf-8") == "mine"
