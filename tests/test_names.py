"""Which names and slugs a project may have."""

import pytest

from stream_template_rules import mended, violations


def ids(answers):
    """Return the ids of all that is wrong."""
    return [problem.id for problem in violations(answers)]


@pytest.mark.parametrize(
    "slug",
    [
        "../victim",
        "a/b",
        "/etc",
        "",
        "Klick",
        "a--b",
        "a-",
        "9lives",
        "a_b",
        "a\n",
        "ünder",
        "a" * 51,
    ],
)
def test_a_slug_that_is_no_slug_is_refused(slug):
    """Nothing that could leave the output folder, or is no package, passes."""
    assert ids({"project_slug": slug}) == ["slug-form"]


@pytest.mark.parametrize(
    "slug",
    [
        *("json", "class", "pyspark", "delta-spark", "pydantic", "filelock", "runtime", "tests"),
        *("py4j", "prometheus-client", "dev", "conf", "con", "nul", "com1", "lpt9", "aux", "delta"),
    ],
)
def test_a_slug_that_hides_another_package_is_refused(slug):
    """Python, dependencies, the project's own folders and Windows keep their names."""
    assert ids({"project_slug": slug}) == ["slug-taken"]
    assert violations(mended({"project_slug": slug})) == []


def test_the_package_cannot_be_given():
    """A replay file with another package than the slug's is refused."""
    answers = {"project_slug": "orders", "__package": "../../elsewhere"}

    assert ids(answers) == ["package-given"]


@pytest.mark.parametrize(
    "name", ["", " ", 'a"b', "a\nb", "a{{b", "$(id)", "é", "-a", "a'", "x" * 81]
)
def test_a_name_with_other_signs_is_refused(name):
    """A name may stand in any file and any shell without quoting."""
    assert ids({"project_name": name}) == ["project-name-form"]


@pytest.mark.parametrize("name", ["A", "Web 2.0_beta-x", "x" * 80])
def test_a_plain_name_passes(name):
    """Letters, digits, spaces and . _ - make a name."""
    assert ids({"project_name": name}) == []
