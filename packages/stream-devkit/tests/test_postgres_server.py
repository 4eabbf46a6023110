"""The database of demo and tests: what keeps it from starting, it says."""

import pytest
from stream_devkit.servers.postgres import Database
from stream_devkit.servers.server import ServerError


def test_a_database_whose_port_is_taken_says_so(tmp_path, stage):
    """The message names the port, even where another database answers, and nothing is left."""
    port = stage.database.port
    second = Database(tmp_path, port=port)

    with pytest.raises(ServerError, match=f"another program has port {port}"):
        second.start()

    assert not second.running


def test_a_killed_database_comes_back_with_its_data(stage):
    """What was committed before a SIGKILL is there after the restart, on the same port."""
    database = stage.database
    port = database.port
    with database.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")

    database.kill()
    assert not database.running
    database.start()

    assert database.port == port
    with database.connect() as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]
