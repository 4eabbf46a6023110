"""The valid names and slugs of a project."""

import importlib.metadata
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from machine import TOP
from slugify import slugify

from stream_template_rules import make_legal, proposed_slug, violations
from stream_template_rules.names import DEPENDENCIES, OWN, slug_from
from tests.examples import ROOT


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
def test_an_invalid_slug_is_refused(slug):
    """A slug that is a path, or no package name, is refused."""
    assert ids({"project_slug": slug}) == ["slug-form"]


@pytest.mark.parametrize(
    "slug",
    [
        *("json", "class", "pyspark", "delta-spark", "pydantic", "filelock", "runtime", "tests"),
        *("sitecustomize", "usercustomize", "conftest", "six", "typing-extensions", "distutils"),
        *("annotated-types", "pyyaml", "events", "main", "test-stream", "google", "compression"),
        *("py4j", "prometheus-client", "dev", "conf", "con", "nul", "com1", "lpt9", "aux", "delta"),
        *("stream-runtime", "stream-devkit", "lib"),
    ],
)
def test_a_slug_that_hides_another_package_is_refused(slug):
    """A slug with the name of a module, a dependency, a folder or a device is refused."""
    assert ids({"project_slug": slug}) == ["slug-taken"]
    assert violations(make_legal({"project_slug": slug})) == []


def test_the_package_cannot_be_given():
    """A replay file with another package than the slug's is refused."""
    answers = {"project_slug": "orders", "__package": "../../elsewhere"}

    assert ids(answers) == ["package-given"]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("", None),
        (" ", None),
        ("\n\x00", None),
        ("🙂!", None),
        ('a"b', "a b"),
        ("a\nb", "a b"),
        ("a{{b", "a b"),
        ("$(id)", "(id)"),
        ("a  b ", "a b"),
        ("a\\`b`", "a b"),
        ("<b>Müller</b> GmbH", "b Müller /b GmbH"),
        ("Zoë\u202eevil", "Zoë evil"),
        ("売上\u3000集計", "売上 集計"),
        ("x" * 81, "x" * 80),
    ],
)
def test_a_name_with_other_characters_is_refused(name, right):
    """What quotes, is code, or cannot be seen is left out of the correction, and nothing else."""
    [problem] = violations({"project_name": name})

    assert (problem.id, problem.correction) == ("project-name-form", right)
    assert right is None or ids({"project_name": right}) == []


@pytest.mark.parametrize(
    "name",
    [
        *(
            "A",
            "Web 2.0_beta-x",
            "x" * 80,
            "Müller GmbH",
            "Métriques Café",
            "订单",
            "Заказы",
            "売上",
        ),
        *("Team A/B: clicks & views", "Robert's (new) jobs!", "क्लिक", "Klicks — 5 €", "🙂 Café"),
    ],
)
def test_a_name_of_any_script_passes(name):
    """A name is a title: letters of any script and common punctuation make one."""
    assert ids({"project_name": name}) == []


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Clickstream Metrics", "clickstream-metrics"),
        ("Müller GmbH", "muller-gmbh"),
        ("订单", "ding-dan"),
        ("Team A/B: clicks & views", "team-a-b-clicks-views"),
        ("9 Lives", "stream-9-lives"),
        ("JSON", "json-stream"),
        ("x" * 80, "x" * 50),
    ],
)
def test_the_proposed_slug_is_valid(name, slug):
    """The proposed slug of any project name is valid."""
    assert proposed_slug(slugify(name)) == slug
    assert ids({"project_slug": slug}) == []


@given(
    st.text(st.characters(codec="ascii"), max_size=90).filter(
        lambda t: not ids({"project_name": t})
    )
)
@example("1,000 clicks")
@example("Robert's")
def test_rules_and_question_propose_the_same_slug(name):
    """The command of a refusal leaves out a slug that the question proposes by itself."""
    assert slug_from(name) == proposed_slug(slugify(name))


def test_a_name_that_cannot_be_transliterated_needs_a_slug():
    """A name whose letters have no ASCII form has no proposed slug; the refusal asks for one."""
    name = "\U00010380\U00010381"
    [problem] = violations({"project_name": name, "project_slug": proposed_slug(slugify(name))})

    assert (problem.id, problem.correction) == ("slug-form", None)
    assert "project_slug=" in problem.fix


def test_no_package_that_is_installed_can_be_hidden():
    """What projects and their checks import has a name that no slug can take."""
    installed = {
        name.lower().replace("-", "_")
        for module, distributions in importlib.metadata.packages_distributions().items()
        for name in (module, *distributions)
        if module.isidentifier() and not name.startswith("_")
    }

    assert "typing_extensions" in installed
    assert installed <= DEPENDENCIES | OWN


def test_no_module_of_a_project_can_be_hidden():
    """Pytest and Spark put folders on the path, whose modules would come before the package."""
    folders = [ROOT / TOP / folder for folder in ("tests", "deploy")]
    names = [path.name for folder in folders for path in folder.iterdir() if ".py" in path.name]
    slugs = {re.search(r"(\w+)\.py", name)[1].replace("_", "-") for name in names}

    assert {"conftest", "events", "main", "test-stream"} <= slugs
    assert all(ids({"project_slug": slug}) == ["slug-taken"] for slug in slugs)
