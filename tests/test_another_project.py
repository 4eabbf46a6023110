"""A project of other answers, which borrows the template's own environment.

It is a file of its own, so that it runs beside the default project (tests/test_project.py).
"""

import sys

import pytest

from tests.examples import ACCESS_LOG, bake
from tests.project import Project

pytestmark = pytest.mark.life


@pytest.fixture(scope="module", name="neighbour")
def _neighbour(tmp_path_factory):
    """Another project, in the template's own environment, which has all that a project needs."""
    answers = ACCESS_LOG | {"project_name": "Access Log", "trigger": "available_now"}
    return Project(bake(tmp_path_factory.mktemp("neighbours"), **answers), PYTHONPATH="src:lib")


def test_another_project(neighbour):
    """Other columns and another trigger: types and tests hold there as well."""
    for command in ("mypy", "pytest"):
        code, said = neighbour.run(sys.executable, "-m", command)
        assert code == 0, said
