"""The documents of the template: their examples, links and commands are correct."""

import re
import shlex
import subprocess
import sys

import pytest

from tests import variants
from tests.examples import ROOT, bake

HOME = "gh:org/stream-template"


def test_the_readme_shows_a_real_refusal(user):
    """The refusal in the README is, word for word, what its command prints."""
    shown = (ROOT / "README.md").read_text("utf-8").partition("    $ cookiecutter ")[2]
    command, _, text = shown.partition("## What you get")[0].partition("\n")
    words = [str(ROOT) if word == HOME else word for word in shlex.split(command)]

    refused = user.run("cookiecutter", *words)

    assert refused.returncode == 1
    said = (refused.stdout + refused.stderr).replace(str(ROOT), HOME)
    assert _lines(said) == _lines(text)


def test_links_name_existing_files():
    """Every relative link in the template's documents names an existing file."""
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_make_targets_exist():
    """Every `make …` that the template's documents name is a target."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text("utf-8")
        for named in re.findall(r"(?:`|^    )make ([a-z -]+?)(?:`|  |$)", text, re.MULTILINE):
            assert set(named.split()) <= targets, f"{document}: make {named}"


def _lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("variant", variants.make_covering_set(), ids=variants.format_name)
def test_documents_of_a_project_name_what_it_has(variant, tmp_path):
    """In each variant of the covering set, the project's own test of its documents passes."""
    project = bake(tmp_path, **variants.EVENTS, **variants.complete(variant))

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_agent_file.py"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
