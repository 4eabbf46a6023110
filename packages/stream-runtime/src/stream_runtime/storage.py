"""The files that the runtime stores in a checkpoint, on a disk or an object store."""

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession, is_remote
from typing_extensions import override

from .causes import cause_of
from .config import is_local
from .errors import CheckpointError, ConfigError, SetupError

OBJECT_STORES = {
    "s3a": "hadoop-aws",
    "abfs": "hadoop-azure",
    "abfss": "hadoop-azure",
    "gs": "hadoop-gcp",
}
"""The artifact of Hadoop with the file system of each scheme; PySpark has none of them."""


ContentT = TypeVar("ContentT")


class Storage(Protocol):
    """A folder of small text files, each of which is replaced atomically."""

    def read(self, name: str) -> str | None:
        """Return the text of a file, None if it does not exist."""

    def write(self, name: str, text: str) -> None:
        """Replace a file atomically: a reader sees the old text or the new one."""

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""

    def names(self, folder: str) -> list[str]:
        """Return the names of the visible files in a folder; none if it does not exist."""


def read_json(
    root: Storage, name: str, make: Callable[[Any], ContentT], advice: str
) -> ContentT | None:
    """Return what `make` makes of a JSON file of the checkpoint, None if the file does not exist.

    Raises:
        CheckpointError: the file is damaged; the message ends with the advice.
    """
    try:
        text = root.read(name)
        return None if text is None else make(json.loads(text))
    except (ValueError, TypeError, LookupError) as error:
        message = f"{name} in checkpoint.root is damaged: {cause_of(error)}. {advice}"
        raise CheckpointError(message) from None


def write_json(root: Storage, name: str, facts: object) -> None:
    """Replace a JSON file of the checkpoint, unless it has these facts already."""
    text = json.dumps(facts, indent=2)
    if root.read(name) != text:
        root.write(name, text)


def storage(root: str, spark: SparkSession | None = None) -> Storage:
    """Return the storage under a root; a file system that is not local needs a session.

    Raises:
        ConfigError: the root needs the JVM, which Spark Connect does not give access to.
    """
    if is_local(root):
        return LocalStorage(Path(root.removeprefix("file:")))
    if is_remote():
        message = (
            f"checkpoint.root = {root!r} cannot be reached from serverless compute. Name a folder "
            "of a volume: /Volumes/<catalog>/<schema>/<volume>/..."
        )
        raise ConfigError(message)
    return HadoopStorage(root, spark or SparkSession.builder.getOrCreate())


def require_file_system(name: str, location: str, spark: SparkSession) -> None:
    """Raise SetupError if Spark has no file system for the location of a setting."""
    if is_local(location) or is_remote():
        return
    jvm: Any = spark._jvm  # noqa: SLF001 - the only way to Hadoop's file systems
    scheme = location.partition(":")[0]
    try:
        jvm.org.apache.hadoop.fs.FileSystem.getFileSystemClass(scheme, hadoop_conf(spark))
    except Py4JJavaError as error:
        hadoop = str(jvm.org.apache.hadoop.util.VersionInfo.getVersion())
        problem = f"{name} = {location}: Spark cannot open {scheme}: ({cause_of(error)})."
        raise SetupError(f"{problem} {advise_store(scheme, hadoop)}") from None


def advise_store(scheme: str, hadoop: str) -> str:
    """Return what to do if this version of Hadoop has no file system for a scheme."""
    artifact = OBJECT_STORES.get(scheme)
    if not artifact:
        return f"Use hdfs, {', '.join(OBJECT_STORES)} or file, or add its jar."
    if artifact == "hadoop-gcp" and hadoop < "3.5":
        return f"Hadoop {hadoop} has none: use Spark 4.2, or add the connector of the store."
    return (
        f"Add org.apache.hadoop:{artifact}:{hadoop} to `connectors` in [tool.stream-template.jars] "
        "of pyproject.toml, and run `make lock`."
    )


def hadoop_conf(spark: SparkSession) -> Any:
    """Return Hadoop's configuration of a session, as a Java object."""
    return spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001


class LocalStorage(Storage):
    """A folder on a local or mounted disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @override
    def read(self, name: str) -> str | None:
        try:
            return (self._root / name).read_text("utf-8", "replace")
        except FileNotFoundError:
            return None

    @override
    def write(self, name: str, text: str) -> None:
        target = self._root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except OSError as error:
            # On a full disk, each attempt would leave a draft.
            draft.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror, str(target)) from None

    @override
    def remove(self, name: str) -> None:
        (self._root / name).unlink(missing_ok=True)

    @override
    def names(self, folder: str) -> list[str]:
        place = self._root / folder
        if not place.is_dir():
            return []
        return [path.name for path in place.iterdir() if not path.name.startswith(".")]


class HadoopStorage(Storage):
    """A folder on any file system of Spark's Hadoop client."""

    def __init__(self, root: str, spark: SparkSession) -> None:
        jvm: Any = spark._jvm  # noqa: SLF001 - the only way to Hadoop's file systems
        self._jvm = jvm
        # Cached, because Java searches all jars for each part of such a name.
        self._hadoop = jvm.org.apache.hadoop.fs
        self._conf = hadoop_conf(spark)
        self._root = root.rstrip("/")
        require_file_system("The folder", root, spark)
        try:
            self._fs = self._path("").getFileSystem(self._conf)
        except Py4JJavaError as error:
            message = (
                f"Spark cannot open {root}: {cause_of(error)}. Correct the location, or the login "
                "of the storage."
            )
            raise SetupError(message) from None

    def _path(self, name: str) -> Any:
        return self._hadoop.Path(f"{self._root}/{name}")

    @override
    def read(self, name: str) -> str | None:
        path = self._path(name)
        if not self._fs.exists(path):
            return None
        stream = self._fs.open(path)
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    @override
    def write(self, name: str, text: str) -> None:
        draft, target = self._path(f"{name}.{uuid.uuid4().hex}.draft"), self._path(name)
        stream = self._fs.create(draft)
        try:
            stream.write(bytearray(text, "utf-8"))
        finally:
            stream.close()
        # Unlike FileSystem.rename, this rename replaces a file atomically.
        overwrite = self._hadoop.Options.Rename.OVERWRITE
        options = self._jvm.java.lang.reflect.Array.newInstance(overwrite.getClass(), 1)
        options[0] = overwrite
        files = self._hadoop.FileContext.getFileContext(target.toUri(), self._conf)
        files.rename(draft, target, options)

    @override
    def remove(self, name: str) -> None:
        self._fs.delete(self._path(name), False)

    @override
    def names(self, folder: str) -> list[str]:
        place = self._path(folder)
        if not self._fs.exists(place):
            return []
        names = [status.getPath().getName() for status in self._fs.listStatus(place)]
        return [name for name in names if not name.startswith(".")]
