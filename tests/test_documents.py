"""The documents of generated projects: their content is correct, and the owner can edit them."""

import os
import re
import subprocess
import sys

import pytest

from tests.examples import bake
from tests.test_render import VARIANTS
from tests.test_style import COVERING

OWNER = (
    "\nOwner: team `growth`, on-call in `#stream-oncall`, tables `growth.events` and `billing`.\n"
)
DOCUMENTS = ("README.md", "AGENTS.md", "docs/runbook.md", ".claude/**/*.md")
CODE = (
    "src/**/*.py",
    "lib/stream_runtime/*.py",
    "tests/oracle.py",
    "conf/*",
    "deploy/*",
    "monitoring/*",
    "Makefile",
    "*.toml",
)
# Words of Spark, Delta and PostgreSQL, and of the agent file itself.
FOREIGN = {
    *("CANNOT_LOAD_STATE_STORE", "OutOfMemoryError", "autovacuum_vacuum_scale_factor"),
    *("delta.logRetentionDuration", "delta.setTransactionRetentionDuration"),
    *("F.try_avg", "F.approx_count_distinct"),
    *("streaming-engineer", "try_"),
}


def spans(text):
    """Yield each text in back quotes outside of blocks of code."""
    plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (span.strip() for _, span in re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", plain))


def read(project, patterns):
    """Return the texts of the files that fit one of the patterns."""
    files = sorted({path for pattern in patterns for path in project.glob(pattern)})
    return [path.read_text("utf-8") for path in files if path.is_file()]


def unknown_words(project):
    """Return the single words in back quotes that the code of the project does not contain."""
    documents, code = read(project, DOCUMENTS), "\n".join(read(project, CODE))
    words = {span for text in documents for span in spans(text) if re.fullmatch(r"\w[\w.-]*", span)}
    names = {word for word in words - FOREIGN if not _is_file(project, word)}
    return {name for name in names if not all(part in code for part in _parts(name))}


def _parts(name):
    """Return what the code contains of a name: a table and a key, or a measure without `total_`."""
    if name.startswith("STREAM__"):
        return name.removeprefix("STREAM__").lower().split("__")
    return name.removeprefix("total_").split(".")


def _is_file(project, word):
    return bool([*project.glob(word), *project.glob(f"src/*/{word}")])


@pytest.mark.parametrize("variant", COVERING)
def test_a_document_names_what_the_code_has(tmp_path, variant):
    """Metrics, columns, events and settings in the documents occur in the code."""
    assert unknown_words(bake(tmp_path, **VARIANTS[variant])) == set()


def test_an_unknown_word_is_found(tmp_path):
    """A word that does not occur in the code is reported."""
    project = bake(tmp_path)
    with (project / "docs/runbook.md").open("a", encoding="utf-8") as file:
        file.write("Look at `stream_lost_rows_total`.\n")

    assert unknown_words(project) == {"stream_lost_rows_total"}


def test_the_readme_is_short(tmp_path):
    """A new owner reads the README of a project in a few minutes."""
    assert len((bake(tmp_path) / "README.md").read_text("utf-8").splitlines()) <= 130


def test_the_owner_can_edit_documents(tmp_path):
    """Names of a team, a channel or a table in them do not fail the tests of the project."""
    project = bake(tmp_path)
    for name in ("README.md", "AGENTS.md", "docs/runbook.md"):
        with (project / name).open("a", encoding="utf-8") as file:
            file.write(OWNER)

    paths = os.pathsep.join(str(project / folder) for folder in ("src", "lib", "."))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_agent_file.py"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
