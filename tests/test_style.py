"""The texts: plain English and the field's terms, in this repository and in generated projects.

docs/STYLE.md lists the idioms, docs/GLOSSARY.md the terms that are refused.
"""

import re
import subprocess
from fnmatch import fnmatch

import pytest

from tests.examples import ROOT, bake, read_tree
from tests.test_render import VARIANTS

TOP = "{{cookiecutter.project_slug}}/"
# The two lists themselves, data, committed bakes, and this file.
UNREAD = ("docs/STYLE.md", "docs/GLOSSARY.md", "proof/runs.md", "examples/*", "tests/test_style.py")
COVERING = (
    *("defaults", "kubernetes-available-now", "databricks", "left-serverless", "custom-update"),
    *("lookup-deduplicate-session", "inner-session", "kafka-real-time", "console-continuous"),
    *("jdbc-complete", "delta-source", "merge-events", "parquet"),
)


def refused_words():
    """Read the words in back quotes of the style's table and of the glossary's *Avoid* lines."""
    style = (ROOT / "docs/STYLE.md").read_text("utf-8").partition("| --- | --- |\n")[2]
    glossary = (ROOT / "docs/GLOSSARY.md").read_text("utf-8")
    avoided = re.findall(r"^\*Avoid\*: (.*)$", glossary, re.MULTILINE)
    first_cells = [row.split("|")[1] for row in style.splitlines() if row.startswith("|")]
    return sorted({word for text in first_cells + avoided for word in re.findall("`(.+?)`", text)})


# A text may break between two words, in a comment as well.
GAP = r"[\s#]+"
WORDS = "|".join(word.replace(" ", GAP) for word in refused_words())
PATTERN = re.compile(rf"(?<![\w-])(?:{WORDS})(?![\w-])", re.IGNORECASE)


def found(text):
    """Return the refused words in a text, in lower case and with single spaces."""
    return {" ".join(word.lower().replace("#", " ").split()) for word in PATTERN.findall(text)}


def is_in(name, patterns):
    """Return whether the path fits one of the patterns."""
    return any(fnmatch(name, pattern) for pattern in patterns)


def repository():
    """Yield each text of this repository; what is in the project's folder under `project/`."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        path = ROOT / name
        if path.is_file() and not is_in(name, UNREAD):
            place = f"project/{name.removeprefix(TOP)}" if name.startswith(TOP) else name
            yield place, path.read_bytes().decode("utf-8", "replace")


def wrong(texts):
    """Return the refused words of each text that has some."""
    words_of = {name: sorted(found(text)) for name, text in texts}
    return {name: words for name, words in words_of.items() if words}


def test_the_repository_is_in_plain_english():
    """No text of the repository has an idiom or an avoided term."""
    assert wrong(repository()) == {}


@pytest.mark.parametrize("variant", COVERING)
def test_a_project_is_in_plain_english(tmp_path, variant):
    """No text of a generated project has one, whether it comes from a template or from a rule."""
    files = read_tree(bake(tmp_path, hooks=False, **VARIANTS[variant]))

    assert wrong((f"project/{name}", text.decode("utf-8")) for name, text in files.items()) == {}


@pytest.mark.parametrize("text", ["lasts for ever", "for\n    # ever", "Mend it.", "a bad record"])
def test_an_idiom_is_found(text):
    """The tests above can fail, across lines and in any case."""
    assert found(text)


@pytest.mark.parametrize("text", ["amend", "recommended", "bedrooms", "judge_all", "forever-young"])
def test_other_words_are_not_found(text):
    """A word that only contains a refused one is allowed."""
    assert found(text) == set()
