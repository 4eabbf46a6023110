"""The resolver that writes jars.lock: Ivy, which is part of PySpark, finds what jars need.

It needs PySpark and Java, and is slow, because it reads one description after another. So it
only runs after a change of the coordinates; everybody else downloads what jars.lock has.
"""

import hashlib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from . import jars
from .jars import JarsError, LockedSet
from .preflight import java_command, java_problem
from .progress import Step
from .repository import HINT, PROJECT, Repository, find_repository, relay

FOLDER = jars.FOLDER / "lock"
"""The folder of the resolver's files: they are kept if it fails."""
PATTERN = "[organisation]/[module]/[revision]/[artifact]-[revision](-[classifier]).[ext]"
IVY_SETTINGS = """\
<ivysettings>
  <caches defaultCacheDir={cache}/>
  <!-- Otherwise Ivy asks for sources and documentation of each artifact as well. -->
  <property name="ivy.maven.lookup.sources" value="false"/>
  <property name="ivy.maven.lookup.javadoc" value="false"/>
  <settings defaultResolver="repository"/>
  <resolvers><ibiblio name="repository" root={root} m2compatible="true"/></resolvers>
</ivysettings>
"""


def make_lock_step() -> Step:
    """Return the step that writes jars.lock for what pyproject.toml lists."""
    return Step("Resolving jars", lambda step: lock(find_repository(), step))


def lock(repository: Repository, step: Step) -> None:
    """Write jars.lock for what pyproject.toml lists, and keep the jars."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    sets = {}
    for name, coordinates in jars.read_listed_sets().items():
        step.note = name
        shipped = list_shipped_with_spark() if name in jars.ON_SPARKS_CLASS_PATH else ()
        sets[name] = resolve(coordinates, FOLDER, repository, without=shipped)
        draft = jars.FOLDER / f"{name}.draft"
        draft.mkdir(parents=True, exist_ok=True)
        for file in (FOLDER / "jars").rglob("*.jar"):
            file.replace(draft / file.name)
    new = FOLDER / jars.LOCK.name
    new.parent.mkdir(parents=True, exist_ok=True)
    new.write_text(jars.format_lock(sets), "utf-8")
    new.replace(jars.LOCK)
    shutil.rmtree(FOLDER)
    jars.fetch(sets, step=step)
    for name in sets:
        shutil.rmtree(jars.FOLDER / f"{name}.draft", ignore_errors=True)


def resolve(
    coordinates: Sequence[str], folder: Path, repository: Repository, without: Iterable[str] = ()
) -> LockedSet:
    """Return the jars that `group:artifact:version` coordinates need, with their sha256.

    Args:
        coordinates: the artifacts that somebody lists.
        folder: gets Ivy's files: a cache for further calls, the jars in `jars/`, the log.
        repository: the repository of the artifacts.
        without: the artifact names to exclude, with the dependencies that only they need.

    Raises:
        JarsError: Ivy cannot find or download an artifact; the message names it and the log.
    """
    if problem := java_problem():
        raise JarsError(problem)
    folder = folder.resolve()
    found, log = folder / "jars", folder / "ivy.log"
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True)
    module, settings = folder / "ivy.xml", folder / "settings.xml"
    module.write_text(_ivy_module(coordinates, without), "utf-8")
    command = [java_command(), "-jar", str(_ivy()), "-settings", str(settings)]
    command += ["-ivy", str(module), "-confs", "default", "-retrieve", f"{found}/{PATTERN}"]
    with relay(repository) as (root, errors):
        text = IVY_SETTINGS.format(cache=quoteattr(str(folder / "cache")), root=quoteattr(root))
        settings.write_text(text, "utf-8")
        with log.open("wb") as output:
            run = subprocess.run(
                command, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
    said = log.read_text("utf-8", "replace")
    missing = sorted(set(re.findall(r":: (\S+#\S+;\S+): (?:not found|.*missing)", said)))
    if run.returncode or missing:
        raise JarsError(_failure(missing or coordinates, repository, errors, log))
    locked = {_jar(path.relative_to(found)): _hash(path) for path in found.rglob("*.jar")}
    return LockedSet(list(coordinates), dict(sorted(locked.items())))


def _failure(
    missing: Iterable[str], repository: Repository, errors: Sequence[str], log: Path
) -> str:
    # Ivy writes `group#artifact;version`.
    names = ", ".join(one.replace("#", ":").replace(";", ":") for one in missing)
    cause = f" ({errors[0]})" if errors else ""
    return (
        f"cannot resolve {names} from {repository.url}{cause}. Ivy's messages are in {log}. "
        f"Check [tool.stream-template.jars] in {PROJECT}. {HINT}"
    )


def _jar(path: Path) -> str:
    """Return `group:artifact:version[:classifier]` for a path of PATTERN."""
    group, artifact, version = path.parts[:-1]
    classifier = path.stem.removeprefix(f"{artifact}-{version}").removeprefix("-")
    return ":".join(filter(None, (group, artifact, version, classifier)))


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


def list_shipped_with_spark() -> list[str]:
    """Return the artifacts of PySpark: another version of one would shadow Spark's own."""
    names = (re.match(r"(.+?)-\d", jar.name) for jar in _spark_jars().glob("*.jar"))
    return sorted({found[1] for found in names if found})


def _ivy() -> Path:
    return next(_spark_jars().glob("ivy-*.jar"))


def _spark_jars() -> Path:
    spec = importlib.util.find_spec("pyspark")
    if not spec or not spec.origin:
        raise JarsError("PySpark is not installed: its Ivy resolves the jars. Run `make lock`.")
    return Path(spec.origin).with_name("jars")
