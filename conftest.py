"""What all tests of the repository share: a stage with Spark and servers, and how they are run."""

import pytest

LONG_MARKS = ("life", "spark")
# A command of such a test has 20 minutes (tests/project.py), and a test has several commands.
LONG_SECONDS = 3600
REST = 2
ONE_BY_ONE = ("tests/test_matrix.py",)
"""Files whose tests share no more than the stage: each test runs a project of its own."""


@pytest.fixture(scope="session", name="stage")
def _stage(tmp_path_factory):
    """One session, one broker and one database for all tests of a process."""
    from tests import sparks  # noqa: PLC0415 - most tests need no Spark

    stage = sparks.Stage(tmp_path_factory.mktemp("stage"))
    yield stage
    stage.close()


@pytest.fixture(scope="module", name="spark")
def _spark(stage):
    """A session whose settings are those of one file of tests."""
    return stage.spark.newSession()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Start the long tests first: one that starts last leaves the other processes idle."""
    for item in items:
        if "stage" in item.fixturenames:
            item.add_marker(pytest.mark.spark)
        if _rank(item) < REST:
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
    items.sort(key=_rank)


def _rank(item):
    """Whole projects come first, then what uses the stage, then the rest."""
    if "stage" not in item.fixturenames and item.get_closest_marker("life"):
        return 0
    return 1 if any(map(item.get_closest_marker, LONG_MARKS)) else REST


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Share the tests file by file, but those of the matrix one by one."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - only where xdist is

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return nodeid if file in ONE_BY_ONE else file

    return Scheduling(config, log)
