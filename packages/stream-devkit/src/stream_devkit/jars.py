"""The jars of Spark and the broker, downloaded once into `.jars/<set>/` of the project.

pyproject.toml lists them; jars.lock has each jar that they need, with its sha256. Everybody gets
the same files, and they download in parallel. `jars.py lock` writes the lock (resolver.py).

The module uses only the standard library, because it runs before the installation.
"""

import hashlib
import shutil
import sys
import threading
import tomllib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .preflight import ENVIRONMENT_PROBLEM
from .progress import Step, StepError, run
from .repository import PROJECT, Repository, RepositoryError, StoppedError, find_repository

FOLDER = Path(".jars")
"""The folder of the jars, in the root of a project."""
LOCK = Path("jars.lock")
STAMP = "jars.lock"
ON_SPARKS_CLASS_PATH = frozenset({"connectors"})
THREADS = 16
LOCK_AGAIN = "Run `make lock`, and commit jars.lock."


class JarsError(StepError):
    """Raised when jars cannot be fetched; the message says what to do."""


@dataclass(frozen=True)
class LockedSet:
    """The jars of one set.

    Attributes:
        coordinates: the `group:artifact:version` that pyproject.toml lists.
        sha256: those and all that they need, `group:artifact:version[:classifier]` to sha256.
    """

    coordinates: Sequence[str]
    sha256: Mapping[str, str]


def ensure(name: str, folder: Path = FOLDER) -> Path:
    """Return the folder of one set of pyproject.toml, and fetch its jars if they are missing."""
    fetch({name: read_locked_sets()[name]}, folder)
    return folder.resolve() / name


def ensure_all() -> None:
    """Fetch the missing sets of pyproject.toml."""
    fetch(read_locked_sets())


def read_listed_sets() -> dict[str, list[str]]:
    """Return the coordinates of each set in pyproject.toml."""
    project = tomllib.loads(PROJECT.read_text("utf-8"))
    sets: dict[str, list[str]] = project["tool"]["stream-template"]["jars"]
    return sets


def read_locked_sets() -> dict[str, LockedSet]:
    """Return the sets of jars.lock.

    Raises:
        JarsError: it is not there, or is not the lock of what pyproject.toml lists.
    """
    try:
        text = LOCK.read_text("utf-8")
        sets = {name: LockedSet(**locked) for name, locked in tomllib.loads(text).items()}
    except FileNotFoundError:
        raise JarsError(f"{LOCK} is missing: it has the jars of {PROJECT}. {LOCK_AGAIN}") from None
    except (TypeError, ValueError) as error:
        message = f"{LOCK} cannot be read ({error}), for example after a conflict. {LOCK_AGAIN}"
        raise JarsError(message) from None
    listed = read_listed_sets()
    other = sorted(
        name
        for name in listed.keys() | sets.keys()
        if name not in listed or name not in sets or listed[name] != sets[name].coordinates
    )
    if other:
        raise JarsError(
            f"{LOCK} is not the lock of [tool.stream-template.jars] in {PROJECT}: the coordinates "
            f"of {', '.join(other)} differ. {LOCK_AGAIN}"
        )
    return sets


def format_lock(sets: Mapping[str, LockedSet]) -> str:
    """Return the text of jars.lock."""
    lines = [
        "# Every jar that [tool.stream-template.jars] in pyproject.toml needs, with its sha256.",
        "# `make lock` writes this file: run it after a change there, and commit both files.",
    ]
    for name, locked in sets.items():
        lines += ["", f"[{name}]", "coordinates = ["]
        lines += [*(f'    "{coordinate}",' for coordinate in locked.coordinates), "]"]
        lines += ["", f"[{name}.sha256]"]
        lines += [f'"{jar}" = "{locked.sha256[jar]}"' for jar in sorted(locked.sha256)]
    return "\n".join(lines) + "\n"


def fetch(sets: Mapping[str, LockedSet], folder: Path = FOLDER, step: Step | None = None) -> None:
    """Download the jars of the sets into `folder/<set>` where they are missing.

    A set is complete when its stamp is there. The stamp is written last, in a folder that is then
    renamed: an interrupted call does not leave a folder that looks complete. The next call uses
    the jars that are there already.
    """
    step = step or Step("Downloading jars", lambda _: None)
    folder = folder.resolve()
    missing = {
        name: locked for name, locked in sets.items() if not _is_complete(folder, name, locked)
    }
    if not missing:
        return
    repository = find_repository()
    jobs = [
        _Download(repository, name, jar, sha256, folder, step)
        for name, locked in missing.items()
        for jar, sha256 in _prepare(folder, name, locked).items()
    ]
    _run_all(jobs, step)
    for name, locked in missing.items():
        target, draft = folder / name, folder / f"{name}.draft"
        (draft / STAMP).write_text(format_lock({name: locked}), "utf-8")
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)


def _is_complete(folder: Path, name: str, locked: LockedSet) -> bool:
    stamp = folder / name / STAMP
    return stamp.is_file() and stamp.read_text("utf-8") == format_lock({name: locked})


def _prepare(folder: Path, name: str, locked: LockedSet) -> Mapping[str, str]:
    """Make the draft of a set without the files of another lock; return the jars of the set."""
    draft = folder / f"{name}.draft"
    draft.mkdir(parents=True, exist_ok=True)
    wanted = {file_name(jar) for jar in locked.sha256}
    if len(wanted) < len(locked.sha256):
        raise JarsError(f"two jars of {name} in {LOCK} have the same file name. {LOCK_AGAIN}")
    for file in draft.iterdir():
        if file.name not in wanted:
            file.unlink()
    return locked.sha256


@dataclass(frozen=True)
class _Download:
    repository: Repository
    set: str
    jar: str
    sha256: str
    folder: Path
    step: Step

    def __call__(self) -> None:
        """Put the jar into the draft of its set: from the last set, else from the repository."""
        target = self.folder / f"{self.set}.draft" / file_name(self.jar)
        old = self.folder / self.set / target.name
        if _has_sha256(target, self.sha256):
            return
        if _has_sha256(old, self.sha256):
            shutil.copyfile(old, target)
            return
        try:
            self.repository.download(path_of(self.jar), target, self.sha256, self.step.stopped)
        except RepositoryError as error:
            raise JarsError(f"{self.jar}, one of the {self.set} jars: {error}") from None


def _has_sha256(file: Path, sha256: str) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == sha256


def _run_all(jobs: Iterable[Callable[[], None]], step: Step) -> None:
    """Run the jobs in threads; the first error stops the others, and is raised."""
    waiting, errors = deque(jobs), deque[Exception]()
    total, done = len(waiting), deque[None]()

    def work() -> None:
        while waiting and not step.stopped.is_set():
            try:
                waiting.popleft()()
            except StoppedError:
                return
            except Exception as error:
                errors.append(error)
                step.stopped.set()
            done.append(None)
            step.note = f"{len(done)} of {total}"

    # An interrupted program does not wait for threads that wait for the network.
    threads = [threading.Thread(target=work, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    if step.stopped.is_set():
        raise StoppedError


def path_of(jar: str) -> str:
    """Return the path of a jar in a Maven repository."""
    group, artifact, version = jar.split(":")[:3]
    return f"{group.replace('.', '/')}/{artifact}/{version}/{file_name(jar)}"


def file_name(jar: str) -> str:
    """Return the name of the file: the artifact, its version, and the classifier if it has one."""
    return "-".join(jar.split(":")[1:]) + ".jar"


def make_step(names: Sequence[str] = ()) -> Step:
    """Return the step of a set-up that fetches these sets, or all of pyproject.toml."""

    def work(step: Step) -> None:
        sets = read_locked_sets()
        if unknown := ", ".join(name for name in names if name not in sets):
            raise JarsError(f"{LOCK} has no set {unknown}. Name one of: {', '.join(sets)}.")
        fetch({name: sets[name] for name in names or sets}, step=step)

    return Step("Downloading jars (once)", work)


def main() -> int:
    """Fetch all sets, or those that the command line names; `lock` writes jars.lock."""
    names = sys.argv[1:]
    if names == ["lock"]:
        from .resolver import make_lock_step  # noqa: PLC0415 - only this needs PySpark

        step = make_lock_step()
    else:
        step = make_step(names)
    return 0 if run([step]) else ENVIRONMENT_PROBLEM


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Stopped. Run the same command again to go on.")
