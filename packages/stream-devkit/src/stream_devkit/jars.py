"""The jars of Spark and the broker, fetched once into `.jars/<set>/` of the project.

The project's pyproject.toml lists them; Ivy, which is part of PySpark, resolves them, without Maven
or sbt. All sets are resolved in parallel, because most of the time is spent waiting for answers.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from xml.sax.saxutils import quoteattr

from rich.console import Console

from .preflight import ENVIRONMENT_PROBLEM, java_command, java_problem

PROJECT = Path("pyproject.toml")
"""The folder of the jars, in the root of a project."""
FOLDER = Path(".jars")
STAMP = "coordinates.txt"
ON_SPARKS_CLASS_PATH = frozenset({"connectors"})
SPEAK_SECONDS = 10
"""Seconds between two lines of progress where the output is not a terminal."""
IVY_SETTINGS = """\
<ivysettings>
  <!-- Several processes share the cache. -->
  <caches lockStrategy="artifact-lock-nio"/>
  <!-- Otherwise Ivy asks for sources and documentation of each artifact as well. -->
  <property name="ivy.maven.lookup.sources" value="false"/>
  <property name="ivy.maven.lookup.javadoc" value="false"/>
  <settings defaultResolver="central"/>
  <resolvers><ibiblio name="central" m2compatible="true"/></resolvers>
</ivysettings>
"""


class JarsError(Exception):
    """Raised when jars cannot be fetched; the message names them and the log."""


def ensure(name: str, folder: Path = FOLDER) -> Path:
    """Return the folder of one set of pyproject.toml, and fetch its jars if they are missing."""
    coordinates = _sets()[name]
    shipped = shipped_with_spark() if name in ON_SPARKS_CLASS_PATH else ()
    return resolve(name, coordinates, folder.resolve(), without=shipped)


def ensure_all() -> None:
    """Fetch the missing sets of pyproject.toml."""
    for name in _sets():
        ensure(name)


def resolve(
    name: str, coordinates: Sequence[str], folder: Path, *, without: Iterable[str] = ()
) -> Path:
    """Fetch `group:artifact:version` coordinates and their dependencies into `folder/name`.

    The stamp is written last, in a folder that is then renamed: an interrupted call does not leave
    a folder that looks complete.

    Args:
        name: the name of the set, for the folder and for messages.
        coordinates: the artifacts to fetch.
        folder: the parent of the folder of the set.
        without: the artifact names to exclude, with the dependencies that only they need.
    """
    target, draft = folder / name, folder / f"{name}.draft"
    stamp = "\n".join([*coordinates, f"resolved by {_ivy().name}"])
    if (target / STAMP).is_file() and (target / STAMP).read_text("utf-8") == stamp:
        return target
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    _run_ivy(name, coordinates, draft, without)
    (draft / STAMP).write_text(stamp, "utf-8")
    shutil.rmtree(target, ignore_errors=True)
    return draft.rename(target)


def _run_ivy(name: str, coordinates: Sequence[str], draft: Path, without: Iterable[str]) -> None:
    if problem := java_problem():
        raise JarsError(problem)
    module, log = draft.with_name(f"{name}.xml"), draft.with_name(f"{name}.log")
    settings = draft.with_name(f"{name}.settings.xml")
    module.write_text(_ivy_module(coordinates, without), "utf-8")
    settings.write_text(IVY_SETTINGS, "utf-8")
    pattern = f"{draft}/[artifact]-[revision](-[classifier]).[ext]"
    command = [java_command(), "-jar", str(_ivy()), "-settings", str(settings)]
    command += ["-ivy", str(module), "-confs", "default"]
    with log.open("wb") as output:
        run = subprocess.run(
            [*command, "-retrieve", pattern],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    said = log.read_text("utf-8", "replace")
    missing = sorted(set(re.findall(r":: (\S+#\S+;\S+): (?:not found|.*missing)", said)))
    if run.returncode or missing:
        raise JarsError(_failure(name, missing or coordinates, log))


def _failure(name: str, missing: Iterable[str], log: Path) -> str:
    return (
        f"cannot fetch {', '.join(_coordinate(one) for one in missing)} for the {name} jars. "
        f"Check the network and [tool.stream-template.jars] in pyproject.toml; "
        f"Ivy's own words are in {log}. Then run the same command again."
    )


def _coordinate(text: str) -> str:
    """Return Ivy's `group#artifact;version` as `group:artifact:version`."""
    return text.replace("#", ":").replace(";", ":")


def _ivy_module(coordinates: Sequence[str], without: Iterable[str]) -> str:
    lines = ['<ivy-module version="2.0"><info organisation="local" module="jars"/>']
    lines += ['<configurations><conf name="default"/></configurations><dependencies>']
    wanted = [[quoteattr(part) for part in coordinate.split(":")] for coordinate in coordinates]
    for group, artifact, version in wanted:
        lines += [f'<dependency org={group} name={artifact} rev={version} conf="default"/>']
    lines += [f"<exclude module={quoteattr(artifact)}/>" for artifact in without]
    # The listed version wins over the versions that other artifacts need.
    for group, artifact, version in wanted:
        lines += [f"<override org={group} module={artifact} rev={version}/>"]
    return "\n".join([*lines, "</dependencies></ivy-module>"])


def shipped_with_spark() -> list[str]:
    """Return the artifacts of PySpark: another version of one would shadow Spark's own."""
    names = (re.match(r"(.+?)-\d", jar.name) for jar in _spark_jars().glob("*.jar"))
    return sorted({found[1] for found in names if found})


def _ivy() -> Path:
    return next(_spark_jars().glob("ivy-*.jar"))


def _spark_jars() -> Path:
    spec = importlib.util.find_spec("pyspark")
    if not spec or not spec.origin:
        message = "PySpark is not installed. Run `make` with any target, or pip install -e .[local]"
        raise JarsError(message)
    return Path(spec.origin).with_name("jars")


def _sets() -> dict[str, list[str]]:
    project = tomllib.loads(PROJECT.read_text("utf-8"))
    sets: dict[str, list[str]] = project["tool"]["stream-template"]["jars"]
    return sets


def main() -> int:
    """Fetch all sets, or those that the command line names."""
    console = Console(stderr=True)
    names = sys.argv[1:] or list(_sets())
    what = f"Fetching jars (once): {', '.join(names)}"
    begun = time.monotonic()
    try:
        with console.status(what), ThreadPoolExecutor() as pool:
            sets = [pool.submit(ensure, name) for name in names]
            while wait(sets, SPEAK_SECONDS).not_done:
                if not console.is_terminal:
                    console.print(f"{what}, {time.monotonic() - begun:.0f} s", soft_wrap=True)
            for fetched in sets:
                fetched.result()
    except JarsError as error:
        console.print(f"jars: {error}", style="red", markup=False, soft_wrap=True)
        return ENVIRONMENT_PROBLEM
    console.print(f"{what}: done in {time.monotonic() - begun:.0f} s", soft_wrap=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Stopped. Run the same command again to go on.")
