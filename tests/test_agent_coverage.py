"""proof/agent/coverage.md: what an agent file promises, and where generated projects have it."""

import pytest

from tests.agent_coverage import PAGE, PROJECTS, PROMISES, Promise, find_all, render


@pytest.fixture(scope="module", name="found")
def _found(tmp_path_factory):
    """Provide the places in a project of each variant."""
    return find_all(tmp_path_factory.mktemp("projects"))


def test_each_promise_has_a_place(found):
    """Each promise has a place in each project whose answers need it."""
    missing = {
        (variant, promise.name)
        for variant in PROJECTS
        for promise in PROMISES
        if promise.applies(variant) and found[variant][promise.name] is None
    }

    assert not missing


def test_the_page_is_current(found):
    """The page is what the projects have; `make docs` writes it."""
    assert PAGE.read_text("utf-8") == render(found)


def test_a_missing_place_is_found(tmp_path):
    """A heading that a project does not have is no place, and a text in a line is no heading."""
    (tmp_path / "README.md").write_text("# Title\n\nSee Output here.\n", "utf-8")

    assert Promise("", [("README.md", "Title")]).find(tmp_path) == ("README.md", "Title")
    assert Promise("", [("README.md", "Output")]).find(tmp_path) is None
