"""Projects on every Spark and compute that they can be made for, as their owners use them.

What `make test` of the template runs is the newest Spark; these are for `make test-all`.
"""

import json

import pytest

from tests import older_spark
from tests.examples import bake
from tests.project import Project

pytestmark = [pytest.mark.life, pytest.mark.long]

PROJECTS = {
    "spark-4.1": {"spark_version": "4.1"},
    "spark-4.0": {"spark_version": "4.0"},
    # From 4.1 on, Spark wants the state of a batch that a sink skips to be committed all the same.
    "upserts": {
        "spark_version": "4.1",
        "window": "sliding",
        "sink": "jdbc",
        "output_mode": "update",
    },
    "serverless": {"platform": "databricks_serverless"},
    "iceberg": {"sink": "iceberg"},
    "iceberg-4.0": {"sink": "iceberg", "spark_version": "4.0", "source": "files"},
}


@pytest.fixture(scope="module", params=PROJECTS, name="project")
def _project(request, tmp_path_factory):
    return Project(bake(tmp_path_factory.mktemp(request.param), **PROJECTS[request.param]))


@pytest.mark.parametrize("version", ["4.1", "4.0"])
def test_the_packages_work_with_an_older_spark(version):
    """The tests of both packages pass with each Spark that a project can have."""
    done = older_spark.run_tests(version, "-q", "packages")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", ["4.1", "4.0"])
def test_documents_name_the_hadoop_of_an_older_spark(version):
    """The coordinates of object stores have the version of the Hadoop in each PySpark."""
    done = older_spark.run_tests(version, "-k", "hadoop_of_spark", "tests/test_jar_locks.py")

    assert done.returncode == 0, done.stdout + done.stderr


def test_make_check(project):
    """Format, lint and strict types hold with the PySpark of that version."""
    code, said = project.run("make", "check")

    assert code == 0, said


def test_make_test(project):
    """All its tests pass, on serverless compute those behind Spark Connect as well."""
    code, said = project.run("make", "test")

    assert code == 0, said
    assert "skipped" not in said


def test_make_demo(project):
    """Its demo is exact."""
    code, said = project.run("make", "demo")

    assert code == 0, said
    summary = json.loads((project.folder / "build/demo/summary.json").read_text("utf-8"))
    assert summary["verdict"] == "exact"
