"""The resolver that writes jars.lock, with a Maven repository in a folder."""

import hashlib
from pathlib import Path

import pytest
from stream_devkit import jars, preflight, repository, resolver
from stream_devkit.progress import Step

POM = """\
<project><modelVersion>4.0.0</modelVersion>
<groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>
<dependencies>{}</dependencies></project>
"""
DEPENDENCY = """\
<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>{}</dependency>
"""
CLASSIFIED = "<classifier>all</classifier>"
PROJECT = """\
[tool.stream-template]
maven_repository = "{url}"

[tool.stream-template.jars]
connectors = ["org.example:top:1.0"]
broker = ["org.example:top:1.0", "org.example:low:2.0"]
"""


def publish(folder, jar, *needs):
    """Put a jar into the repository, with what it needs."""
    group, artifact, version, *classifier = jar.split(":")
    path = folder / jars.path_of(jar)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jar.encode())
    dependencies = (DEPENDENCY.format(*(*need.split(":"), "")[:4]) for need in needs)
    if not classifier:
        pom = POM.format(group, artifact, version, "".join(dependencies))
        path.with_suffix(".pom").write_text(pom, "utf-8")


@pytest.fixture(name="central")
def _central(tmp_path, monkeypatch):
    """Provide a repository, and a project that uses it in the working directory."""
    folder = tmp_path / "central"
    native = f"org.lib:native:1.0:{CLASSIFIED}"
    publish(folder, "org.example:top:1.0", "org.example:low:1.0", native, "org.lib:py4j:3.0")
    for jar in ("org.example:low:1.0", "org.example:low:2.0", "org.lib:py4j:3.0"):
        publish(folder, jar)
    publish(folder, "org.lib:native:1.0")
    publish(folder, "org.lib:native:1.0:all")
    monkeypatch.delenv(repository.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(PROJECT.format(url=folder.as_uri()), "utf-8")
    return folder


def digests(*names):
    """Return these jars with their sha256."""
    return {jar: hashlib.sha256(jar.encode()).hexdigest() for jar in names}


@pytest.mark.spark
@pytest.mark.usefixtures("central")
def test_a_lock_has_everything_that_is_needed():
    """It has the classifier of a jar, the listed version, and nothing that Spark ships."""
    resolver.lock(repository.find_repository(), Step("", print))

    sets = jars.read_locked_sets()
    common = ("org.example:top:1.0", "org.lib:native:1.0:all")
    assert sets["connectors"].sha256 == digests("org.example:low:1.0", *common)
    assert sets["broker"].sha256 == digests("org.example:low:2.0", "org.lib:py4j:3.0", *common)
    assert not resolver.FOLDER.exists()


@pytest.mark.spark
def test_the_jars_of_a_lock_are_not_downloaded_again(central):
    """The jars that the resolver has read are where the next fetch uses them."""
    resolver.lock(repository.find_repository(), Step("", print))
    for jar in central.rglob("*.jar"):
        jar.unlink()

    jars.ensure_all()

    assert {path.name for path in Path(".jars/connectors").glob("*.jar")} == {
        "low-1.0.jar",
        "native-1.0-all.jar",
        "top-1.0.jar",
    }


@pytest.mark.spark
def test_a_missing_artifact_is_named(central):
    """The message names the coordinate, the log, the variable and the key; no lock is written."""
    for path in (central / "org/lib").rglob("py4j-3.0.*"):
        path.unlink()

    with pytest.raises(jars.JarsError) as failure:
        resolver.resolve(["org.example:top:1.0"], Path("lock"), repository.find_repository())

    for part in ("org.lib:py4j:3.0", str(Path("lock/ivy.log").resolve()), repository.VARIABLE):
        assert part in str(failure.value)
    assert "maven_repository in [tool.stream-template]" in str(failure.value)


@pytest.mark.usefixtures("central")
def test_a_missing_java_is_reported(monkeypatch):
    """The resolver needs Java, and says so before it starts."""
    monkeypatch.setenv("JAVA_HOME", "/nowhere")

    with pytest.raises(jars.JarsError) as failure:
        resolver.resolve(["org.example:top:1.0"], Path("lock"), repository.find_repository())

    assert str(failure.value) == preflight.java_problem()
    assert not Path("jars.lock").exists()
