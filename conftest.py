"""Fixtures and hooks for all tests of the repository: shared services, order and distribution."""

import pytest

LONG_MARKS = ("life", "spark")
# A command of such a test has 20 minutes (tests/project.py), and a test has several commands.
LONG_SECONDS = 3600
QUICK_RANK = 2
DISTRIBUTED_ONE_BY_ONE = ("tests/test_matrix.py", "tests/test_protections.py")
"""Files whose tests share only the services: each test runs a project of its own."""


@pytest.fixture(scope="session", name="services")
def _services(tmp_path_factory):
    """Provide one session, one broker and one database for all tests of a process."""
    from tests import sparks  # noqa: PLC0415 - most tests need no Spark

    services = sparks.Services(tmp_path_factory.mktemp("services"))
    yield services
    services.close()


@pytest.fixture(scope="module", name="spark")
def _spark(services):
    """Provide a session whose settings belong to one test file."""
    return services.spark.newSession()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Put the long tests first: a long test that starts last leaves the other processes idle."""
    for item in items:
        if "services" in item.fixturenames:
            item.add_marker(pytest.mark.spark)
        if _rank(item) < QUICK_RANK:
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
    items.sort(key=_rank)


def _rank(item):
    """Return 0 for tests of whole projects, 1 for tests that use the services, 2 for the rest."""
    if "services" not in item.fixturenames and item.get_closest_marker("life"):
        return 0
    return 1 if any(map(item.get_closest_marker, LONG_MARKS)) else QUICK_RANK


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Distribute the tests by file, but those of the matrix one by one."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - only where xdist is

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return nodeid if file in DISTRIBUTED_ONE_BY_ONE else file

    return Scheduling(config, log)
