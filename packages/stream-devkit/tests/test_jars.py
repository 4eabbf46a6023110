"""The download of jars, from a Maven repository on loopback."""

import base64
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import stream_devkit
from stream_devkit import jars, progress, repository

LIBRARY = str(Path(stream_devkit.__file__).parents[1])
JARS = {f"org.example:jar{number}:1.0": b"jar %d" % number for number in range(20)}
FIRST = next(iter(JARS))
PROJECT = """\
[tool.stream-template]
version = "0.1.0"
{key}
[tool.stream-template.jars]
connectors = ["org.example:jar0:1.0"]
"""


class Server(ThreadingHTTPServer):
    """A Maven repository with JARS below /maven, which is a proxy as well.

    Attributes:
        files: path to content.
        respond: is called with the handler before each response; if it returns True, it has sent
            the response itself.
        requests: the number of requests of each path.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {f"/maven/{jars.path_of(jar)}": content for jar, content in JARS.items()}
        self.respond = lambda _: False
        self.requests = Counter()

    @property
    def address(self):
        """Its host and port."""
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self):
        """The URL of the repository."""
        return f"http://{self.address}/maven"


class Handler(BaseHTTPRequestHandler):
    """Sends a file of the server."""

    def do_GET(self):
        """Send the file, or what `respond` of the server sends."""
        self.server.requests[self.path] += 1
        if self.server.respond(self):
            return
        path = self.path.partition("maven.test")[2] or self.path
        self.answer(self.server.files.get(path))

    def answer(self, content, *, length=None):
        """Send a file, or 404 if there is none."""
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Discard the log."""


@pytest.fixture(name="server")
def _server(monkeypatch, tmp_path):
    """Provide the repository of the project in the working directory, without pauses."""
    monkeypatch.setattr(repository, "PAUSE_SECONDS", 0.01)
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(PROJECT.format(key=""), "utf-8")
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(repository.VARIABLE, server.url)
        yield server
        server.shutdown()


def _sha256(content):
    return hashlib.sha256(content).hexdigest()


def lock(contents=None):
    """Return a set with these jars, JARS by default."""
    contents = contents or JARS
    return {
        "connectors": jars.LockedSet([FIRST], {jar: _sha256(contents[jar]) for jar in contents})
    }


def read(folder=Path(".jars/connectors")):
    """Return the jars in the folder of a set."""
    return {path.name: path.read_bytes() for path in folder.glob("*.jar")}


ALL = {jars.file_name(jar): content for jar, content in JARS.items()}


def fail(sets=None):
    """Return the message of a fetch that must fail; no folder looks complete after it."""
    with pytest.raises(jars.JarsError) as failure:
        jars.fetch(sets or lock())
    assert not Path(".jars/connectors").exists()
    return str(failure.value)


# Downloads


def test_jars_are_downloaded_in_parallel(server):
    """Many requests wait for their response at the same time."""
    together = threading.Barrier(10, timeout=20)
    numbers = iter(range(10))

    def respond(_):
        if next(numbers, None) is not None:
            together.wait()
        return False

    server.respond = respond

    jars.fetch(lock())

    assert read() == ALL
    assert set(server.requests.values()) == {1}


def test_a_complete_set_is_not_downloaded_again(server):
    """A second fetch sends no request, and needs no repository."""
    jars.fetch(lock())
    server.shutdown()

    jars.fetch(lock())

    assert read() == ALL
    assert set(server.requests.values()) == {1}


def test_a_new_lock_downloads_only_what_is_new(server):
    """Jars that both locks have are copied; jars of the old one only are removed."""
    jars.fetch(lock())
    new = dict(list(JARS.items())[1:]) | {"org.example:new:2.0:all": b"new"}
    server.files["/maven/org/example/new/2.0/new-2.0-all.jar"] = b"new"

    jars.fetch(lock(new))

    assert read() == {jars.file_name(jar): content for jar, content in new.items()}
    assert set(server.requests.values()) == {1}


def test_a_file_with_another_sha256_is_refused(server):
    """The message names jar, URL and both digests; the file is not kept."""
    path = f"/maven/{jars.path_of(FIRST)}"
    server.files[path] = b"other"

    message = fail()

    for part in (FIRST, f"http://{server.address}{path}", _sha256(b"other"), _sha256(JARS[FIRST])):
        assert part in message
    assert not list(Path(".jars").rglob(f"{jars.file_name(FIRST)}*"))
    assert server.requests[path] == repository.ATTEMPTS


def test_a_missing_jar_is_named_at_once(server):
    """A 404 is not repeated; the message names jar, URL, variable and key."""
    path = f"/maven/{jars.path_of(FIRST)}"
    del server.files[path]

    message = fail()

    for part in (FIRST, f"http://{server.address}{path}", "HTTP 404", repository.VARIABLE):
        assert part in message
    assert "maven_repository in [tool.stream-template] of pyproject.toml" in message
    assert server.requests[path] == 1


@pytest.mark.parametrize("fault", ["error", "break", "close"])
def test_a_failed_download_is_repeated(server, fault):
    """An error of the server, half a file and a closed connection do not end the set-up."""

    def respond(handler):
        if server.requests[handler.path] == repository.ATTEMPTS:
            return False
        if fault == "error":
            handler.send_error(503)
        elif fault == "break":
            handler.answer(b"j", length=5)
        handler.close_connection = True
        return True

    server.respond = respond

    jars.fetch(lock())

    assert read() == ALL
    assert set(server.requests.values()) == {repository.ATTEMPTS}


def test_a_server_without_an_answer_is_left(server, monkeypatch):
    """A download has a time limit, and the message says what happened."""
    monkeypatch.setattr(repository, "TIMEOUT_SECONDS", 0.1)
    done = threading.Event()
    server.respond = lambda _: done.wait(20) or True

    message = fail(lock({FIRST: JARS[FIRST]}))
    done.set()

    assert "timed out" in message
    assert server.requests.total() == repository.ATTEMPTS


def test_an_interrupted_download_continues(server):
    """After Ctrl-C no folder looks complete; the next call downloads only what is missing."""
    Path("jars.lock").write_text(jars.format_lock(lock()), "utf-8")
    last, done = f"/maven/{jars.path_of('org.example:jar19:1.0')}", threading.Event()
    server.respond = lambda handler: handler.path == last and not done.is_set() and done.wait(20)
    command = [sys.executable, "-m", "stream_devkit.jars"]
    environment = os.environ | {"PYTHONPATH": LIBRARY}
    running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while len(list(Path(".jars").rglob("*.jar"))) < len(JARS) - 1 or not server.requests[last]:
        time.sleep(0.05)

    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=30)[1]

    assert running.returncode != 0
    assert "Stopped" in said
    assert "Traceback" not in said
    assert not Path(".jars/connectors").exists()
    done.set()
    subprocess.run(command, env=environment, check=True)
    assert read() == ALL
    assert server.requests[last] == 2
    assert server.requests.total() == len(JARS) + 1


# The repository


def test_the_key_names_the_repository(server, monkeypatch):
    """The key in pyproject.toml is used if the variable is not set."""
    monkeypatch.delenv(repository.VARIABLE)
    key = f'maven_repository = "{server.url}/"'
    Path("pyproject.toml").write_text(PROJECT.format(key=key), "utf-8")

    jars.fetch(lock())

    assert read() == ALL


def test_a_folder_is_a_repository(server, monkeypatch, tmp_path):
    """A `file:` URL needs no server; a file that it lacks is reported as such."""
    monkeypatch.setenv(repository.VARIABLE, tmp_path.as_uri())
    for jar, content in list(JARS.items())[1:]:
        path = tmp_path / jars.path_of(jar)
        path.parent.mkdir(parents=True)
        path.write_bytes(content)

    assert "No such file" in fail()
    assert server.requests.total() == 0


def test_a_password_is_sent_and_never_printed(server, monkeypatch):
    """The repository gets user and password; a redirect to another server and messages do not."""
    monkeypatch.setenv(repository.VARIABLE, server.url.replace("//", "//us%40er:pass%2Fword@"))
    login = "Basic " + base64.b64encode(b"us@er:pass/word").decode()
    elsewhere = []

    def respond(handler):
        sent = handler.headers["Authorization"]
        if handler.path.startswith("/elsewhere"):
            elsewhere.append(sent)
            handler.answer(JARS[FIRST])
        elif sent != login:
            handler.send_error(401)
        elif "jar0" in handler.path:
            handler.send_response(302)
            handler.send_header("Location", f"http://localhost:{server.server_port}/elsewhere")
            handler.end_headers()
        else:
            return False
        return True

    server.respond = respond
    jars.fetch(lock())

    assert read() == ALL
    assert elsewhere == [None]
    del server.files[f"/maven/{jars.path_of('org.example:jar1:1.0')}"]
    with pytest.raises(jars.JarsError) as failure:
        jars.fetch(lock({"org.example:jar1:1.0": b"new"}))
    assert "HTTP 404" in str(failure.value)
    assert "pass" not in str(failure.value).replace("user:password", "")


@pytest.mark.parametrize(
    "url", ["maven.example.com", "ftp://secret@host/", "https://", "https://[secret", "secret"]
)
def test_a_text_that_is_no_url_is_not_printed(server, monkeypatch, url):
    """The message names the variable, and does not quote its value."""
    monkeypatch.setenv(repository.VARIABLE, url)

    with pytest.raises(repository.RepositoryError) as failure:
        jars.fetch(lock())

    assert f"{repository.VARIABLE} is not the URL of a Maven repository" in str(failure.value)
    assert "secret" not in str(failure.value)
    assert server.requests.total() == 0


def test_the_proxy_of_the_environment_is_used(server, monkeypatch):
    """Requests go to the proxy, unless no_proxy has the host."""
    monkeypatch.setenv(repository.VARIABLE, "http://maven.test/maven")
    monkeypatch.setenv("http_proxy", f"http://{server.address}")

    jars.fetch(lock())

    assert read() == ALL
    assert all(path.startswith("http://maven.test/maven/") for path in server.requests)

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv(repository.VARIABLE, server.url)
    server.files["/maven/org/example/new/2.0/new-2.0.jar"] = b"new"
    jars.fetch(lock({"org.example:new:2.0": b"new"}))
    assert read() == {"new-2.0.jar": b"new"}


# The lock


def test_a_lock_is_read_as_it_was_written(server):
    """The text of jars.lock has all that a fetch needs."""
    Path("jars.lock").write_text(jars.format_lock(lock()), "utf-8")

    assert jars.read_locked_sets() == lock()
    assert read(jars.ensure("connectors")) == ALL
    assert server.requests.total() == len(JARS)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "jars.lock is missing"),
        ("<<<<<<< ours\n", "jars.lock cannot be read"),
        ("connectors = 1\n", "jars.lock cannot be read"),
        ("", "the coordinates of connectors differ"),
        (
            "[broker]\ncoordinates = []\nsha256 = {}\n",
            "the coordinates of broker, connectors differ",
        ),
        (
            '[connectors]\ncoordinates = ["a:b:1"]\nsha256 = {}\n',
            "the coordinates of connectors differ",
        ),
    ],
)
def test_a_lock_of_other_coordinates_is_refused(server, text, problem):
    """The message names the command that writes the lock; nothing is downloaded."""
    if text is not None:
        Path("jars.lock").write_text(text, "utf-8")

    with pytest.raises(jars.JarsError) as failure:
        jars.ensure_all()

    assert problem in str(failure.value)
    assert "Run `make lock`" in str(failure.value)
    assert server.requests.total() == 0


def test_an_unknown_set_is_named(server, capsys):
    """The message lists the sets that the lock has."""
    Path("jars.lock").write_text(jars.format_lock(lock()), "utf-8")

    assert not progress.run([jars.make_step(["connector"])])

    assert "jars.lock has no set connector. Name one of: connectors." in capsys.readouterr().err
    assert server.requests.total() == 0


def test_two_jars_with_one_file_name_are_refused(server):
    """One of them would replace the other in the folder of the set."""
    with pytest.raises(jars.JarsError) as failure:
        jars.fetch(lock({"a.b:c:1": b"1", "d.e:c:1": b"2"}))

    assert "have the same file name" in str(failure.value)
    assert server.requests.total() == 0
