"""The start of a session: the options of its Java, and the query that warms it up."""

from pathlib import Path

import pytest
from stream_runtime import session
from stream_runtime.session import Session


def test_java_has_the_options_of_the_settings():
    """The options and the configuration of Java's log are both given; without them, nothing is."""
    log = Path("conf/log4j2.properties")

    both = session._java_options(Session(java_options="-Xint -Xss2m", log_config=log))  # noqa: SLF001

    assert both == f"-Xint -Xss2m -Dlog4j2.configurationFile={log.resolve().as_uri()}"
    assert session._java_options(Session()) == ""  # noqa: SLF001


def test_the_warm_up_runs_a_query(spark):
    """A query runs in a thread of its own, to its end."""
    tracker = spark.sparkContext.statusTracker()
    before = set(tracker.getJobIdsForGroup(None))

    session.warm_up(spark).join()

    assert set(tracker.getJobIdsForGroup(None)) > before


@pytest.mark.usefixtures("spark")
@pytest.mark.filterwarnings("error")
def test_a_warm_up_that_fails_is_no_error():
    """If the start ends before the query, with the session, nothing is reported."""

    class Stopped:
        def range(self, _):
            raise ConnectionError

    session.warm_up(Stopped()).join()
