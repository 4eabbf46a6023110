"""Which files of the template are in which project, and names that every system can have."""

import re
import subprocess
from pathlib import PurePosixPath

import pytest

from stream_template_rules import AXES, FILES, generates
from stream_template_rules.axes import TEXT_DEFAULTS
from stream_template_rules.files import files_in, library, listed, placed
from tests.examples import ROOT, bake, read_tree

TOP = "{{cookiecutter.project_slug}}"
TEMPLATE = ROOT / TOP
DEFAULTS = {axis: values[0] for axis, values in AXES.items()} | TEXT_DEFAULTS
LONGEST = 120
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[ .]$')
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def names():
    """Every path of the repository."""
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    found = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in found.stdout.split("\0") if name]


def portable(name):
    """Whether every system can check the path out."""
    parts = PurePosixPath(name).parts
    odd = [part for part in parts if FORBIDDEN.search(part) or DEVICES.fullmatch(part)]
    return not odd and len(name) <= LONGEST and name.isascii()


@pytest.mark.parametrize(
    "name", ["a|b", "a?", "a:b", "a ", "a.", "x/nul.py", "COM1", 'a"b', "a*", "ü", "x" * 121]
)
def test_a_name_that_a_system_refuses_is_found(name):
    """The check of portable names finds a name that a system refuses."""
    assert not portable(name)


def test_every_name_of_the_repository_is_portable():
    """Windows and macOS can check it out: signs, devices, length, and case."""
    found = names()

    assert len(found) > 200
    assert [name for name in found if not portable(name)] == []
    assert len({name.lower() for name in found}) == len(found)


def test_the_table_names_files_of_the_template():
    """A path in the table that is misspelt would generate its file for everybody."""
    there = {listed(path) for path in files_in(TEMPLATE)}

    assert FILES.keys() <= there
    assert list(FILES) == sorted(FILES)


def test_every_file_of_the_table_is_somewhere_and_not_everywhere():
    """Each row of the table is true for some answers and false for others."""
    for path, boxes in FILES.items():
        somewhere = [DEFAULTS | {axis: box[axis][0] for axis in box} for box in boxes]
        named = {axis for box in boxes for axis in box}
        taken = {axis: {value for box in boxes for value in box.get(axis, ())} for axis in named}
        nowhere = DEFAULTS | {
            axis: next(value for value in AXES[axis][::-1] if value not in taken[axis])
            for axis in named
        }
        assert all(generates(path, answers) for answers in somewhere), path
        assert not generates(path, nowhere), path


def test_a_project_has_the_files_of_its_answers(tmp_path):
    """A project has exactly the files that the table lists for its answers."""
    answers = DEFAULTS | {"sink": "jdbc", "platform": "databricks", "project_slug": "a-b"}

    made = bake(tmp_path, **answers)

    said = {placed(path, answers) for path in files_in(TEMPLATE) if generates(path, answers)}
    said |= library(ROOT).keys()
    assert set(read_tree(made)) == said
    assert "deploy/databricks.yml" in said
    assert "deploy/submit.sh" not in said


def test_a_checkout_with_the_line_ends_of_windows_has_the_same_files(tmp_path):
    """Git does not change the line ends of a project, also where it does so by default."""
    made = bake(tmp_path, project_slug="a-b")
    files = read_tree(made)
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (("init", "-q"), ("add", "-A"), (*author, "commit", "-qm", "first")):
        subprocess.run(("git", *command), cwd=made, check=True)

    clone = ("git", "clone", "-q", "-c", "core.autocrlf=true", made, tmp_path / "windows")
    subprocess.run(clone, check=True)

    assert files.items() <= read_tree(tmp_path / "windows").items()
