"""The database of demo and tests: its restart after a kill, and its errors."""

import pytest
from stream_devkit.servers.postgres import Database
from stream_devkit.servers.server import ServerError


def test_a_taken_port_of_the_database_is_named(tmp_path, services):
    """If the port is taken, even by a database, the error names it and no process is left."""
    port = services.database.port
    second = Database(tmp_path, port=port)

    with pytest.raises(ServerError, match=f"another program has port {port}"):
        second.start()

    assert not second.running


def test_a_killed_database_keeps_its_data(services):
    """After SIGKILL and a restart the database has all committed rows, on the same port."""
    database = services.database
    port = database.port
    with database.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")

    database.kill()
    assert not database.running
    database.start()

    assert database.port == port
    with database.connect() as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]


def test_a_database_by_hand_keeps_its_data(tmp_path):
    """A second program finds the tables of the first one; a fresh database has none."""
    for keep, before in ((True, 0), (True, 1), (False, 0)):
        with (
            Database(tmp_path / "database", keep=keep) as database,
            database.connect() as connection,
        ):
            found = connection.execute("SELECT 1 FROM pg_class WHERE relname = 'kept'").fetchall()
            assert len(found) == before
            connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS number")
