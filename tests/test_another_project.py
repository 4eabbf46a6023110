"""A project with other answers, in the template's own environment.

This test has a file of its own, so that it runs in parallel with tests/test_project.py.
"""

import sys

import pytest

from tests.examples import bake
from tests.project import Project

pytestmark = pytest.mark.life


@pytest.fixture(scope="module", name="project")
def _project(tmp_path_factory):
    """Provide a project with nested columns, and other source, output mode, sink and trigger."""
    answers = {
        "event_schema": "event_id STRING, request STRUCT<at: TIMESTAMP, method: STRING>, "
        "path STRING, response STRUCT<status: INT, cost: DECIMAL(9, 2)>",
        "event_roles": "id=event_id, time=request.at, key=request.method, measure=response.cost",
        "project_name": "Access Log",
        "source": "files",
        "sink": "jdbc",
        "output_mode": "update",
        "trigger": "available_now",
    }
    return Project(bake(tmp_path_factory.mktemp("other"), **answers), PYTHONPATH="src:lib")


def test_a_project_with_other_answers_passes_its_tests(project):
    """Types, tests and demo of a scheduled project pass, from files to PostgreSQL."""
    for command in ("mypy", "pytest", "dev.demo"):
        code, output = project.run(sys.executable, "-m", command)
        assert code == 0, output
