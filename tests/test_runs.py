"""The page of all runs says what ran, and what need not run again."""

import pytest

from tests import matrix, runs, shapes
from tests.examples import ROOT, bake

EVERY = shapes.every()


def outcome(parts, verdict="exact"):
    """What came of a run of the shape."""
    return matrix.Outcome(parts, verdict, rows=3, late=2, quarantined=1, code="0123abcd")


def known(*outcomes):
    """The outcomes by their shapes."""
    return {runs.key(one.parts): one for one in outcomes}


def test_the_page_keeps_what_ran(tmp_path):
    """What is written is read again, and counted."""
    page = tmp_path / "runs.md"
    ran = known(outcome(EVERY[0]), outcome(EVERY[1], "2 rows are missing"))

    runs.write(ran, page)

    assert runs.read(page) == ran
    assert f"1 exact, 1 failed, {len(EVERY) - 2} not run" in page.read_text("utf-8")


def test_there_need_be_no_page_yet(tmp_path):
    """The first run begins with nothing."""
    assert runs.read(tmp_path / "runs.md") == {}


def test_an_error_stays_in_its_cell(tmp_path):
    """Its lines and bars would break the table."""
    page = tmp_path / "runs.md"
    runs.write(known(outcome(EVERY[0], "Error: one |\n  two")), page)

    (read,) = runs.read(page).values()

    assert read.verdict == "Error: one / two"


def test_shapes_that_are_no_more_go(tmp_path):
    """A rule that is new takes its rows from the page."""
    page = tmp_path / "runs.md"
    runs.write(known(outcome(dict.fromkeys(shapes.PARTS, "gone"))), page)

    assert runs.read(page) == {}


def test_a_shape_whose_code_has_run_is_passed_over(project, tmp_path):
    """Whatever it is called: the next run gives it another name."""
    code = matrix.code_of(project, "tests-1", "tests_1")

    assert matrix.play(EVERY[0], None, tmp_path, known=code) is None


def test_other_code_has_not_run(project):
    """What a run depends on is in the hash; what its readers read is not."""
    code = matrix.code_of(project)

    (project / "README.md").write_text("New.")
    assert matrix.code_of(project) == code

    (project / "conf" / "base.toml").write_text("")
    assert matrix.code_of(project) != code


@pytest.fixture
def project(tmp_path):
    """A project of the first shape."""
    answers = shapes.EVENTS | shapes.whole(EVERY[0])
    return bake(tmp_path / "project", hooks=False, project_slug="tests-1", **answers)


def test_every_shape_has_run():
    """The page of this repository has them all, none failed, and the README says how many."""
    page = runs.read()

    assert page.keys() == {runs.key(parts) for parts in EVERY}
    assert {one.verdict for one in page.values()} == {"exact"}
    assert f"Each of the {len(EVERY):,} job variants" in (ROOT / "README.md").read_text("utf-8")
