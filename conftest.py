"""What all tests of the repository share: a stage with Spark and servers, and how they are run."""

import pytest

LONG_MARKS = ("life", "spark")
# A command of such a test has 20 minutes (tests/project.py), and a test has several commands.
LONG_SECONDS = 3600


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
    """Start the long tests first.

    Processes share the files. A long file that starts last leaves the others idle.
    """
    for item in items:
        if "stage" in item.fixturenames:
            item.add_marker(pytest.mark.spark)
        if _rank(item) < len(LONG_MARKS):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
    items.sort(key=_rank)


def _rank(item):
    """Projects that run for real come first, then what starts Spark, then the rest."""
    ranks = (rank for rank, mark in enumerate(LONG_MARKS) if item.get_closest_marker(mark))
    return next(ranks, len(LONG_MARKS))
