"""What the screen shows after a bake."""

import pytest
from machine import make_repository

from stream_template_rules import AXES, QUESTIONS, default_roles
from stream_template_rules.axes import TEXT_DEFAULTS
from stream_template_rules.cautions import WARNINGS
from stream_template_rules.commandline import makes_project, skips_existing
from stream_template_rules.summary import WIDTH, summary

DEFAULTS = {
    **TEXT_DEFAULTS,
    "project_slug": "clickstream-metrics",
    "event_roles": default_roles(TEXT_DEFAULTS["event_schema"]),
    **{axis: values[0] for axis, values in AXES.items()},
}


def test_each_choice_has_a_line():
    """With what `auto` stands for."""
    lines = summary(DEFAULTS).partition("\n\n")[0].splitlines()

    assert [line.split()[0] for line in lines] == list(QUESTIONS)
    assert lines[-1].split(maxsplit=1) == ["spark_version", "auto (4.2)"]
    assert "5 columns: event_id, event_time" in lines[QUESTIONS.index("event_schema")]


def test_a_wide_schema_stays_a_line():
    """Three hundred columns are counted, and the first ones named."""
    wide = "t TIMESTAMP, " + ", ".join(f"column_{number} STRING" for number in range(299))

    text = summary(DEFAULTS | {"event_schema": wide})

    assert "300 columns: t, column_0" in text
    assert max(map(len, text.splitlines())) <= WIDTH + 4


def test_the_guarantee_and_the_warnings_are_said():
    """Those that the rules have for these answers, and no others."""
    text = " ".join(summary(DEFAULTS | {"output_mode": "complete"}).split())

    said = {warn.id for warn in WARNINGS if warn.text in text}
    assert said == {"complete-keeps-all", "kafka-backlog"}
    assert "Delivery guarantee: Exactly once into the Delta table" in text


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["/bin/cookiecutter", "gh:org/stream-template"], True),
        (["/x/cookiecutter/__main__.py", "."], True),
        (["pytest"], True),
        (["cruft", "create", "."], True),
        (["/x/cruft/__main__.py", "create", "."], True),
        (["cruft", "update"], False),
        (["cruft", "diff"], False),
        (["cruft", "check"], False),
        (["cruft", "link", "."], False),
    ],
)
def test_it_is_shown_where_a_project_is_made(argv, shown):
    """Cruft's other commands generate projects that nobody sees."""
    assert makes_project(argv) == shown


@pytest.mark.parametrize(
    ("words", "skips"),
    [("-s", True), ("-fs", True), ("--skip-if-file-exists", True), ("-f", False), ("a=-s", False)],
)
def test_existing_files_stay_where_the_user_says_so(words, skips):
    """By the option of cookiecutter, alone or with others."""
    assert skips_existing(["cookiecutter", ".", words]) == skips


def test_cruft_shows_it_once(user, template):
    """`cruft create` does; `diff`, `check` and `update` say nothing of a project."""
    url = make_repository(user, template)
    made = user.run("cruft", "create", url, "--no-input")
    user.commit(user.work / "clickstream-metrics")
    user.run("sh", "-c", f"echo >> {url}/hooks/pre_gen_project.py").check_returncode()
    user.commit(user.home / "stream-template", "two")

    assert made.stdout.count("Next:") == 1
    for command in (("diff",), ("check",), ("update", "-y")):
        result = user.run("cruft", *command, "-p", "clickstream-metrics")
        assert "Next:" not in result.stdout + result.stderr, command
        assert "Traceback" not in result.stdout + result.stderr, command
