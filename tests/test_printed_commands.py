"""The command that a refusal prints, run unchanged by a shell."""

import json
import random
import re
import tomllib

import pytest
from machine import assert_refused, find_command, make_repository

from stream_template_rules import AXES, QUESTIONS, violations
from stream_template_rules.verdict import proposed

ENTER = "\n" * len(QUESTIONS)
COUNT = 40
NAMES = ("project_name=Web  Shop 2", "project_name=It's $HOME", 'project_name="Q" <x>')
SCHEMAS = (
    "event_schema=id BIGINT, at TIMESTAMP, shop STRING, total DECIMAL(12,2)",
    "event_schema=at TIMESTAMP, tags ARRAY<STRING>",
    "event_schema=id STRNG, at TIMESTAMP, m MAP<STRING, STRUCT<a: DOUBEL>>",
)
MISSPELT = ("sorce=files", "ouput_mode=update", "schema=id INT, at TIMESTAMP", "colour=red")


def make_refused_lines(count):
    """Return random command lines that are refused, each as (kind, answers)."""
    chance = random.Random("go on")  # noqa: S311 - no secret
    lines = []
    while len(lines) < count:
        axes = chance.sample(list(AXES), chance.randint(1, 4))
        pairs = [f"{axis}={chance.choice(AXES[axis])}" for axis in axes]
        pairs += [chance.choice(t) for t in (NAMES, SCHEMAS, MISSPELT) if chance.random() < 0.4]
        if is_refused(dict(pair.split("=", 1) for pair in pairs)):
            lines.append((chance.choice(("cookiecutter", "asked", "cruft create")), pairs))
    return lines


def is_refused(given):
    """Return whether the answers, with the defaults for all others, are refused."""
    return not given.keys() <= {*QUESTIONS} or bool(violations(proposed(given) | given))


def make_line(kind, url, pairs):
    """Return a command line of this kind, as a list of words."""
    answers = json.dumps(dict(pair.split("=", 1) for pair in pairs))
    return {
        "cookiecutter": ["cookiecutter", url, "-fo", "out", "--no-input", *pairs],
        "asked": ["cookiecutter", "-o", "out", url, *pairs],
        "cruft create": [
            "cruft",
            "create",
            "-y",
            url,
            "--output-dir=out",
            "--extra-context",
            answers,
        ],
    }[kind]


def run_printed_command(user, refusal, given):
    """Run the command of a refusal; return the answers of the project that it generates.

    Assert that the project has each given answer, unless the refusal announced another one.
    """
    command = find_command(refusal)
    text = refusal.stdout + refusal.stderr
    asks = "asks for" in text
    done = user.run("sh", "-c", command, typed=ENTER)

    assert done.returncode == 0, (text, done.stdout, done.stderr)
    assert asks <= ("[1/13]" in done.stdout)
    [record] = (user.work / "out").glob("*/pyproject.toml")
    made = tomllib.loads(record.read_text("utf-8"))["tool"]["stream-template"]["answers"]
    marks = r"^(?:Nearest|Not in the command|This does).*$"
    announced = "".join(re.findall(marks, text, re.MULTILINE))
    for question, answer in given.items():
        if not re.search(rf"\b{question}\b", announced):
            assert made[question] == answer, (question, text)
    return made


@pytest.mark.parametrize(("kind", "pairs"), make_refused_lines(COUNT), ids=str)
def test_the_printed_command_is_accepted(user, template, kind, pairs):
    """The project from the printed command has all typed answers, apart from announced changes."""
    url = make_repository(user, template)
    result = user.run(*make_line(kind, url, pairs), typed=ENTER)
    given = dict(pair.split("=", 1) for pair in pairs)

    assert_refused(user, result)
    run_printed_command(user, result, {q: given[q] for q in given if q in QUESTIONS})


UNCORRECTABLE = "event_schema=id STRING, at TIMESTAMP, shape WIDGET"


@pytest.mark.parametrize("kind", ["cookiecutter", "cruft create"])
def test_the_command_asks_for_an_uncorrectable_schema(user, template, kind):
    """The printed command asks for the schema again, and the refusal's first line states it."""
    pairs = [UNCORRECTABLE, "event_roles=id=id, time=at", "window=none", "sink=kafka"]
    result = user.run(*make_line(kind, make_repository(user, template), pairs))

    assert_refused(user, result, "schema-type")
    first = (result.stdout + result.stderr).strip().splitlines()[0]
    assert first.endswith("asks for event_schema, event_roles again:")
    assert "--no-input" not in find_command(result)
    assert user.run("sh", "-c", find_command(result), typed="").returncode != 0
    made = run_printed_command(user, result, {"window": "none", "sink": "kafka"})
    assert made["event_schema"] == proposed({})["event_schema"]


def test_an_update_with_an_uncorrectable_schema_asks(user, template):
    """The command for the update asks for the schema, and does not silently keep the stored one."""
    url = make_repository(user, template)
    user.run("cruft", "create", "-y", url).check_returncode()
    project = user.work / "clickstream-metrics"
    user.commit(project)
    name, _, text = UNCORRECTABLE.partition("=")
    answers = json.dumps({name: text, "sink": "kafka"})
    words = ("cruft", "update", "-y", "-p", "clickstream-metrics", "--variables-to-update")
    result = user.run(*words, answers)

    assert_refused(user, result, "schema-type", before=["clickstream-metrics"])
    assert user.run("sh", "-c", find_command(result), typed="").returncode != 0
    assert user.run("sh", "-c", find_command(result), typed=ENTER).returncode == 0
    stored = json.loads((project / ".cruft.json").read_text("utf-8"))["context"]["cookiecutter"]
    assert (stored["event_schema"], stored["sink"]) == (proposed({})["event_schema"], "kafka")


def test_the_command_has_the_answers_of_a_file_for_cruft(user, template):
    """The printed command has all answers, because cruft ignores --extra-context with a file."""
    url = make_repository(user, template)
    (user.work / "a.json").write_text('{"window": "session", "output_mode": "update"}', "utf-8")
    result = user.run("cruft", "create", "-y", url, "-E", "a.json", "--output-dir", "out")

    assert_refused(user, result, "session-no-update", before=["a.json"])
    made = run_printed_command(user, result, {"window": "session"})
    assert made["output_mode"] == "append"
