"""The Maven repository that jars come from: Maven Central, or a mirror that somebody names.

The module uses only the standard library, because it runs before the installation.
"""

import base64
import contextlib
import functools
import hashlib
import os
import shutil
import ssl
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import (
    BaseHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from .progress import StepError

CENTRAL = "https://repo1.maven.org/maven2"
VARIABLE = "STREAM_MAVEN_REPOSITORY"
KEY = "maven_repository"
PROJECT = Path("pyproject.toml")
SCHEMES = ("https", "http", "file")
ATTEMPTS = 4
TIMEOUT_SECONDS = 20
"""The longest wait for a connection, or for the next bytes."""
PAUSE_SECONDS = 1.0
"""The pause before the second attempt; each further one is twice as long."""
CHUNK = 1 << 18
NOT_FOUND, SERVER_ERROR = 404, 500
PASSING = (408, 425, 429)
"""Responses after which a further attempt can succeed, besides errors of the server."""
HINT = (
    f"Check the network and the proxy (https_proxy, no_proxy). If this machine must use a mirror "
    f"of Maven Central, set {VARIABLE}, or {KEY} in [tool.stream-template] of pyproject.toml, "
    f"to its URL (https://user:password@host/path if it needs a login). "
    f"Then run the same command again."
)


class RepositoryError(StepError):
    """Raised when a file cannot be downloaded; the message has no credentials."""


class StoppedError(Exception):
    """Raised when a download ends because the program does."""


@dataclass(frozen=True)
class Repository:
    """A Maven repository.

    Attributes:
        url: its URL without credentials, and without a slash at the end.
        opener: opens URLs below it, with its credentials and the proxy of the environment.
    """

    url: str
    opener: OpenerDirector = field(repr=False)

    def download(
        self, path: str, target: Path, sha256: str, stopped: threading.Event | None = None
    ) -> None:
        """Write the file at a path of the repository, if it has this sha256.

        A failed download is repeated. A target exists only after a complete download.

        Raises:
            RepositoryError: the repository does not have the file, or all attempts failed.
            StoppedError: the event was set.
        """
        stopped = stopped or threading.Event()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._download_once(path, target, sha256, stopped)
            except (OSError, HTTPException, ValueError, RepositoryError) as error:
                if attempt == ATTEMPTS or not _can_pass(error):
                    raise self._explained(path, error) from None
            if stopped.wait(PAUSE_SECONDS * 2 ** (attempt - 1)):
                raise StoppedError
        return None

    def _download_once(
        self, path: str, target: Path, sha256: str, stopped: threading.Event
    ) -> None:
        part, digest = target.with_name(f"{target.name}.part"), hashlib.sha256()
        with self.open(path) as answer, part.open("wb") as file:
            while chunk := answer.read(CHUNK):
                if stopped.is_set():
                    raise StoppedError
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            part.unlink()
            raise RepositoryError(
                f"the file has the sha256 {digest.hexdigest()}, and jars.lock has {sha256}. "
                "Either the download was damaged, or the repository has another file. Run the "
                "same command again; if the message stays, ask who runs the repository, and do "
                "not use the file."
            )
        part.replace(target)

    def open(self, path: str, method: str = "GET") -> HTTPResponse:
        """Open a file of the repository."""
        headers = {"User-Agent": "stream-devkit"}
        request = Request(f"{self.url}/{path}", headers=headers, method=method)  # noqa: S310 - SCHEMES
        return cast("HTTPResponse", self.opener.open(request, timeout=TIMEOUT_SECONDS))

    def _explained(self, path: str, error: Exception) -> RepositoryError:
        what = f"cannot download {path.rpartition('/')[2]} from {self.url}/{path}"
        if isinstance(error, RepositoryError):
            return RepositoryError(f"{what}: {error}")
        return RepositoryError(f"{what}: {_describe(error)}. {HINT}")


def _can_pass(error: Exception) -> bool:
    """Return whether a further attempt can succeed."""
    if isinstance(error, HTTPError):
        return error.code >= SERVER_ERROR or error.code in PASSING
    reason = error.reason if isinstance(error, URLError) else error
    return not isinstance(reason, ssl.SSLCertVerificationError | FileNotFoundError)


def _describe(error: Exception) -> str:
    """Return the cause of a failed request, in words that cannot contain a password."""
    if isinstance(error, HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, HTTPException | ValueError):
        # Its text can quote the URL of the proxy.
        return f"the response or the proxy is not understood ({type(error).__name__})"
    reason = error.reason if isinstance(error, URLError) else error
    return str(reason) or type(reason).__name__


def find_repository(project: Path = PROJECT) -> Repository:
    """Return the repository of the variable, else of pyproject.toml, else Maven Central.

    Raises:
        RepositoryError: what somebody has set is not a URL. The message does not quote it,
            because it may contain a password.
    """
    tools = tomllib.loads(project.read_text("utf-8")).get("tool", {})
    settings = tools.get("stream-template", {})
    places = {VARIABLE: os.environ.get(VARIABLE), f"{KEY} in {project}": settings.get(KEY)}
    place, url = next(((place, url) for place, url in places.items() if url), ("", CENTRAL))
    try:
        return make_repository(url)
    except (AttributeError, TypeError, ValueError):
        raise RepositoryError(
            f"{place} is not the URL of a Maven repository. Set it to a URL such as "
            "https://maven.example.com/central."
        ) from None


def make_repository(url: str) -> Repository:
    """Return the repository at a URL, which may contain a user and a password.

    Raises:
        ValueError: the text is not a URL that a jar can be downloaded from.
    """
    parts = urlsplit(url.rstrip("/"))
    if parts.scheme not in SCHEMES or not (parts.netloc or parts.scheme == "file"):
        raise ValueError
    _, _, address = parts.netloc.rpartition("@")
    clean = urlunsplit((parts.scheme, address, parts.path, "", ""))
    handlers: list[BaseHandler] = [HTTPSHandler(context=_certificates())]
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        handlers.append(_Login(f"{clean}/", f"Basic {base64.b64encode(secret).decode()}"))
    return Repository(clean, build_opener(*handlers))


class _Login(BaseHandler):
    """Adds user and password to requests below one URL, so to no redirect to another server.

    Threads share it: the handler of the standard library for this has a dictionary that it changes
    at each response.
    """

    def __init__(self, url: str, login: str) -> None:
        self._url, self._login = url, login

    def http_request(self, request: Request) -> Request:
        """Return the request, with the login if it needs one."""
        if request.full_url.startswith(self._url):
            request.add_unredirected_header("Authorization", self._login)
        return request

    https_request = http_request


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Return the trusted certificates; to read them takes longer than a small download."""
    return ssl.create_default_context()


@contextlib.contextmanager
def relay(repository: Repository) -> Iterator[tuple[str, list[str]]]:
    """Serve the repository on loopback; yield the URL, and a list that gets its errors.

    Java reads neither the proxy nor the certificates of the environment. With this server it needs
    neither, nor the password.
    """
    errors: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        """A server that answers with what the repository answers."""

        def do_GET(self) -> None:
            """Send the file."""
            try:
                with repository.open(self.path[1:], self.command) as answer:
                    self.send_response(200)
                    for name in ("Content-Length", "Last-Modified"):
                        if answer.headers[name]:
                            self.send_header(name, answer.headers[name])
                    self.end_headers()
                    shutil.copyfileobj(answer, self.wfile)
            except (OSError, HTTPException, ValueError) as error:
                self._fail(error)

        do_HEAD = do_GET  # noqa: N815 - its name

        def _fail(self, error: Exception) -> None:
            code = error.code if isinstance(error, HTTPError) else SERVER_ERROR
            if isinstance(getattr(error, "reason", None), FileNotFoundError):
                code = NOT_FOUND
            if code != NOT_FOUND:
                errors.append(f"{repository.url}{self.path}: {_describe(error)}")
            with contextlib.suppress(OSError):
                self.send_error(code)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
            """Discard the log of requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", errors
        finally:
            server.shutdown()
