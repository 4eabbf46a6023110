{% set job = cookiecutter | stream_plan %}
"""What the documents say about this job is true; a wrong line is reported with its place.

Only sentences of a known form are compared, so other text in a document fails no test.
"""

import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import pytest
{% if job.windowed %}
from stream_devkit.oracle import Window
from stream_devkit.samples import START
{% endif %}
from stream_runtime import errors
from stream_runtime.config import to_timedelta

from {{ cookiecutter.__package }}.job import JOB
from {{ cookiecutter.__package }}.settings import Settings

from tests import test_checkpoint
{% if job.windowed %}
from tests.oracle import window_row
{% endif %}
from tests.test_agent_file import (
    AGENTS,
    CODE,
    DOCUMENTS,
    KEYS,
    ROOT,
    RUNBOOK,
    document_id,
    names,
    place,
)

README = ROOT / "README.md"
OTHERS = [README, *ROOT.glob("monitoring/alerts.yml")]
BASE = tomllib.loads((ROOT / "conf/base.toml").read_text("utf-8"))
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
KNOWN = CODE + (ROOT / "tests/oracle.py").read_text("utf-8")
IDENTIFIERS = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", KNOWN))
MEANINGS = {
    errors.ConfigError: r"configuration|command line",
    errors.CheckpointError: r"refuse|nothing was changed|change nothing",
    errors.StreamFailedError: r"\bretry\b|attempt|stream.failed|an expression|table twice",
    errors.SetupError: r"broker|server|database|environment|Java|revoked|times: each|schema change",
}
{% if job.delta %}
WEEK = 168
"""The hours for which a Delta table keeps removed files, by default."""
{% endif %}
GUARANTEES = ("Exactly once", "At least once", "At most once", "Effectively once", "None")


def parametrized(function) -> list[str]:
    """Return the settings that a test of the checkpoint changes."""
    cases = function.pytestmark[0].args[1]
    changes = [case if isinstance(case, str) else case[0] for case in cases]
    return [change.partition("=")[0] for change in changes]


PINNED = parametrized(test_checkpoint.test_a_pinned_setting_changes_the_fingerprint)
FREE = parametrized(test_checkpoint.test_a_free_setting_keeps_the_fingerprint)


def default(key: str) -> str:
    """Return the value of a setting in conf/base.toml, or the default of its class."""
    table, _, name = key.partition(".")
    fields = Settings.model_fields[table].annotation.model_fields
    return str(BASE.get(table, {}).get(name, fields[name].default))


def value_problems(line: str) -> Iterator[str]:
    """Yield each value in brackets after its setting that is not the configured one."""
    for key, said in re.findall(r"([a-z]+\.[a-z_]+)`? \((\d+(?: [a-z]+)?)\)", line):
        if key in KEYS and not is_same(said, default(key)):
            yield f"{key} is {default(key)}, not {said}"


def is_same(said: str, value: str) -> bool:
    """Return whether two values are equal, as durations or as texts."""
    try:
        return to_timedelta(said) == to_timedelta(value)
    except ValueError:
        return said == value


def code_problems(line: str) -> Iterator[str]:
    """Yield each exit code that means something else than its line says."""
    for part in re.split(r", (?=\d )", line):
        row = re.match(r" *\| (\d+) \|", part) or re.match(r"(?:Exit codes: )?(\d) [a-z]", part)
        found = row or re.search(r"exit code (\d+)", part, re.IGNORECASE)
        meant = [
            error.exit_code
            for error, words in MEANINGS.items()
            if re.search(words, part, re.IGNORECASE)
        ]
        if found and meant and int(found[1]) not in [*meant, 0, 1]:
            yield f"exit code {found[1]} does not mean this; {meant[0]} does"


def name_problems(line: str) -> Iterator[str]:
    """Yield each word that the code does not have, but almost."""
    for name in names(line):
        if re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", name) and name not in IDENTIFIERS:
            near = get_close_matches(name, IDENTIFIERS, 1, cutoff=0.75)
            yield from (f"did you mean {other} instead of {name}?" for other in near)


def danger_problems(line: str) -> Iterator[str]:
    """Yield advice that would damage the stream."""
{% if job.delta %}
    retained = re.search(r"RETAIN (\d+) HOURS", line)
    if retained and int(retained[1]) < WEEK:
        yield f"a batch replay and other readers need the files of {WEEK} hours"
{% endif %}
    if re.match(r"- ALWAYS (put a secret|collect|edit `lib|.*delete a checkpoint)", line):
        yield "this is forbidden"


def fact_problems(line: str) -> Iterator[str]:
    """Yield what a line says differently from the job about its parts."""
    tables = {name: field.annotation for name, field in Settings.model_fields.items()}
    facts = {
        r"PySpark (\d+\.\d+\.\d+)": re.search(r"pyspark==([\d.]+)", PYPROJECT)[1],
        r"^\| source \| `(\w+)`": tables["source"].KIND,
        r"^\| sink \| `(\w+)`": tables["sink"].KIND,
        r"^\| sink \|.+output mode `(\w+)`": JOB.output_mode,
        r"^\| trigger \| `(\w+)`": JOB.trigger,
        r"[Dd]elivery guarantee: (.+)$": JOB.guarantee.removeprefix("None: "),
        rf"^((?:{'|'.join(GUARANTEES)})\b.*)$": JOB.guarantee,
    }
    for pattern, value in facts.items():
        found = re.search(pattern, line)
        if found and found[1].lower() != value.lower():
            yield f"it is {value}"


{% if job.windowed %}
def column_problems(line: str) -> Iterator[str]:
    """Yield each column that a list of the result's columns, or of its groups, does not have."""
    said = set(names(line))
    times = {"window_start", "window_end"}
    grouped = tuple(name for name in JOB.result_key if name not in times)
    if "window_start" in said and line.startswith("| "):
        row = window_row(Window(start=START, end=START, key=grouped, events=[]))
        yield from (f"{column} is missing" for column in {*row, *grouped} - said)
    if re.match(r"\| window \|.* a row for each ", line):
        yield from (f"{column} is missing" for column in {*grouped} - said)


{% endif %}
def compatibility_problems(line: str) -> Iterator[str]:
    """Yield each setting that is in the wrong column of the table about checkpoints."""
    cells = line.split(" | ")
    if len(cells) == 2 and line.startswith("| "):
        left, right = (set(names(cell)) for cell in cells)
        yield from (f"{key} needs a new checkpoint" for key in PINNED if key in left)
        yield from (f"{key} is compatible" for key in FREE if key in right)


def problems(document: Path, *checks) -> list[str]:
    """Return what is wrong in a document, each with its file and line."""
    lines = document.read_text("utf-8").splitlines()
    return [
        f"{place(document)}:{number}: {problem}"
        for number, line in enumerate(lines, 1)
        for check in checks
        for problem in check(line)
    ]


@pytest.mark.parametrize("document", [*DOCUMENTS, *OTHERS], ids=document_id)
def test_values_codes_and_facts_are_those_of_the_job(document):
    """Values after a setting, exit codes, guarantee, source, sink, mode and trigger are true."""
    checks = (value_problems, code_problems, fact_problems, danger_problems)

    assert problems(document, *checks) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=document_id)
def test_no_name_is_almost_right(document):
    """Metrics, fields and reasons are spelt as in the code."""
    assert problems(document, name_problems) == []


def test_the_runbook_explains_existing_reasons():
    """Each reason in the table about quarantine is one that the job gives."""
    rows = re.findall(r"^\| `(\w+)` \| (?:is|has) ", RUNBOOK.read_text("utf-8"), re.MULTILINE)

    assert [place(RUNBOOK, f"| `{row}` |") for row in rows if f'"{row}"' not in CODE] == []


{% if job.windowed %}
@pytest.mark.parametrize("document", [README, AGENTS], ids=document_id)
def test_each_column_of_the_result_is_named(document):
    """README.md has every column of the test oracle, and AGENTS.md those that group the rows."""
    assert problems(document, column_problems) == []


{% endif %}
def test_the_table_about_checkpoints_is_true():
    """Settings are in the column that tests/test_checkpoint.py proves, and none is missing."""
    heading = "## Checkpoints"
    section = AGENTS.read_text("utf-8").split(heading)[1].split("\n## ")[0]
    missing = [key for key in PINNED if f"`{key}`" not in section]

    assert problems(AGENTS, compatibility_problems) == []
    assert [f"{place(AGENTS, heading)}: {key} is missing" for key in missing] == []


@pytest.mark.parametrize(
    ("check", "line"),
    [
        (value_problems, "It waits `state.partitions` (99) for nothing."),
        (code_problems, "| 3 | a server does not answer |"),
        (code_problems, "Exit codes: 0 done, 2 environment error"),
        (code_problems, "The job refuses it with exit code 5."),
        (name_problems, "Look at `quarantine_writes`."),
        (fact_problems, "| trigger | `hourly` | there |"),
        (fact_problems, "Delivery guarantee: never"),
{% if job.delta %}
        (danger_problems, "VACUUM delta.`/the/path` RETAIN 1 HOURS;"),
{% endif %}
        (danger_problems, "- ALWAYS put a secret into `conf/`."),
{% if job.windowed %}
        (column_problems, "| here | `window_start`, `window_end` |"),
{% if job.key_columns %}
        (column_problems, "| window | here, a row for each window |"),
{% endif %}
{% endif %}
        (compatibility_problems, "| `state.partitions` | nothing |"),
        (compatibility_problems, "| nothing | `lifecycle.attempts` |"),
    ],
)
def test_a_wrong_line_is_found(check, line):
    """Each check reports a wrong line."""
    assert list(check(line))


@pytest.mark.parametrize(
    "line",
    [
        "Our dashboard of `billing_events` shows 3 windows of 99 minutes.",
        "Call the platform team if the exit code is 99.",
        "| exit | call | `growth.events` (5 people) |",
    ],
)
def test_words_of_the_owner_are_not_compared(line):
    """A sentence of another form is not checked."""
    assert problems_of(line) == []


def problems_of(line: str) -> list[str]:
    """Return what all checks find in a line."""
    checks = (value_problems, code_problems, name_problems, fact_problems, compatibility_problems)
    return [problem for check in checks for problem in check(line)]
