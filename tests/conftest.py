"""What tests that act as a user share."""

import pytest
from machine import User, build

from tests import sparks

LONG_MARKS = ("life", "spark")
# A command of such a test has 20 minutes (tests/project.py), and a test has several commands.
LONG_SECONDS = 3600


@pytest.fixture(scope="session", name="template")
def _template(tmp_path_factory):
    return build(tmp_path_factory.mktemp("templates") / "stream-template")


@pytest.fixture(name="user")
def _user(tmp_path):
    user = User(tmp_path / "home", tmp_path / "work")
    user.home.mkdir()
    user.work.mkdir()
    return user


@pytest.fixture(scope="session", name="stage")
def _stage(tmp_path_factory):
    """One session, one broker and one database for all tests of a process."""
    stage = sparks.Stage(tmp_path_factory.mktemp("stage"))
    yield stage
    stage.close()


@pytest.fixture(scope="module", name="spark")
def _spark(stage):
    """A session whose settings are those of one file of tests."""
    return stage.spark.newSession()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep the tests of a file together, where they name no group, and start the long ones first.

    Two processes share the groups. A long group that starts last leaves one of them idle.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        if _rank(item) < len(LONG_MARKS):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
    items.sort(key=_rank)


def _rank(item):
    """Projects that run for real come first, then what starts Spark, then the rest."""
    ranks = (rank for rank, mark in enumerate(LONG_MARKS) if item.get_closest_marker(mark))
    return next(ranks, len(LONG_MARKS))
