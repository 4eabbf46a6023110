"""The results of all runs in proof/runs.md, and the variants that a next run skips."""

import pytest

from tests import matrix, runs, variants
from tests.code_hash import hash_code
from tests.examples import ROOT, bake

EVERY = variants.list_all()


def make_outcome(variant, verdict="exact"):
    """Return an outcome of a run of the variant."""
    return matrix.Outcome(variant, verdict, rows=3, late=2, quarantined=1, code="0123abcd")


def index_by_key(*outcomes):
    """Return a dictionary from the key of a variant to its outcome."""
    return {runs.make_key(outcome.variant): outcome for outcome in outcomes}


def test_the_page_stores_and_counts_outcomes(tmp_path):
    """Outcomes that were written are read unchanged, and the page counts them."""
    page = tmp_path / "runs.md"
    ran = index_by_key(make_outcome(EVERY[0]), make_outcome(EVERY[1], "2 rows are missing"))

    runs.write(ran, page)

    assert runs.read(page) == ran
    assert f"1 exact, 1 failed, {len(EVERY) - 2} not run" in page.read_text("utf-8")


def test_a_missing_page_has_no_outcomes(tmp_path):
    """The first run starts without a page."""
    assert runs.read(tmp_path / "runs.md") == {}


def test_an_error_is_one_cell_of_the_table(tmp_path):
    """Line ends and vertical bars of an error message are replaced, so the table stays valid."""
    page = tmp_path / "runs.md"
    runs.write(index_by_key(make_outcome(EVERY[0], "Error: one |\n  two")), page)

    (read,) = runs.read(page).values()

    assert read.verdict == "Error: one / two"


def test_variants_that_no_longer_exist_are_removed(tmp_path):
    """If a new rule forbids a variant, its row is removed from the page."""
    page = tmp_path / "runs.md"
    runs.write(index_by_key(make_outcome(dict.fromkeys(variants.VALUES, "gone"))), page)

    assert runs.read(page) == {}


def test_a_variant_with_unchanged_code_is_skipped(project, tmp_path):
    """A variant is skipped if its code has run, although each run names the project differently."""
    code = hash_code(project, "tests-1", "tests_1")

    assert matrix.run_project(EVERY[0], None, tmp_path, known=code) is None


def test_the_hash_covers_only_what_a_run_depends_on(project):
    """A change of the configuration changes the hash; a change of the README does not."""
    code = hash_code(project)

    (project / "README.md").write_text("New.")
    assert hash_code(project) == code

    (project / "conf" / "base.toml").write_text("")
    assert hash_code(project) != code


def test_a_text_for_readers_does_not_change_the_hash(project):
    """Comments, docstrings and blank lines are not run; each other change of a line is."""
    code = hash_code(project)
    job, conf = next(project.glob("src/*/job.py")), project / "conf" / "base.toml"
    text = job.read_text("utf-8")

    job.write_text(text.replace('"""', '"""New: ', 1) + "\n\n# New.\n")
    conf.write_text("# New.\n" + conf.read_text("utf-8"))
    assert hash_code(project) == code

    job.write_text(f'{text}\nNEW = "# new"\n')
    changed = hash_code(project)
    job.write_text(f'{text}\nNEW = "# newer"\n')
    assert len({code, changed, hash_code(project)}) == 3


@pytest.fixture
def project(tmp_path):
    """Provide a project of the first variant."""
    answers = variants.EVENTS | variants.complete(EVERY[0])
    return bake(tmp_path / "project", hooks=False, project_slug="tests-1", **answers)


def test_every_variant_has_run():
    """proof/runs.md has an exact run of each variant, and the README states their number."""
    page = runs.read()

    assert page.keys() == {runs.make_key(variant) for variant in EVERY}
    assert {outcome.verdict for outcome in page.values()} == {"exact"}
    assert f"Each of the {len(EVERY):,} job variants" in (ROOT / "README.md").read_text("utf-8")
