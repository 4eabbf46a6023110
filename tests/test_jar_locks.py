"""The locked jars of each project: the table in the rules, and jars.lock of a project."""

import itertools
import re
from pathlib import Path

import pyspark
import pytest
import yaml
from stream_devkit import jars, resolver
from stream_devkit.repository import CENTRAL, VARIABLE, make_repository

from stream_template_rules.locked_jars import SETS, SHA256
from stream_template_rules.pins import SPARKS, list_all_connectors, lock_jars
from tests import sparks
from tests.examples import bake
from tests.lock_jars import list_coordinates

COMMAND = "Run `make lock`."


def test_the_table_has_each_set_of_coordinates():
    """Each set that a project can have is in the table, and nothing else is."""
    needed = {version: set(list_coordinates(version)) for version in SPARKS}
    jars_of = itertools.chain.from_iterable(sets.values() for sets in SETS.values())

    assert {version: set(sets) for version, sets in SETS.items()} == needed, COMMAND
    assert set(itertools.chain.from_iterable(jars_of)) == SHA256.keys(), COMMAND


@pytest.mark.parametrize("version", SPARKS)
def test_a_set_has_what_is_listed_and_one_version_of_it(version):
    """A listed coordinate is one of the jars, and no artifact is there in two versions."""
    for coordinates, listed in SETS[version].items():
        artifacts = [(*jar.split(":")[:2], *jar.split(":")[3:]) for jar in listed]
        assert set(coordinates.split()) <= set(listed)
        assert len(set(artifacts)) == len(artifacts)


def test_documents_name_the_hadoop_of_spark():
    """The file system of an object store has the version of the Hadoop that PySpark contains."""
    jars = (Path(pyspark.__file__).parent / "jars").glob("hadoop-client-api-*.jar")

    assert [jar.stem for jar in jars] == [f"hadoop-client-api-{SPARKS[sparks.VERSION].hadoop}"]


def test_each_digest_is_a_sha256():
    """A digest has 64 hexadecimal digits."""
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in SHA256.values())


def test_no_jar_shadows_one_of_pyspark():
    """No jar has the artifact of a jar in PySpark, because either version could be loaded."""
    ours = {
        jar.split(":")[1]
        for jar in SETS[sparks.VERSION][" ".join(list_all_connectors(sparks.VERSION))]
    }

    assert ours.isdisjoint(resolver.list_shipped_with_spark())


@pytest.mark.parametrize(
    ("answers", "spark"),
    [
        ({}, "4.2"),
        ({"source": "files", "sink": "iceberg"}, "4.1"),
        ({"source": "files", "sink": "files", "spark_version": "4.0"}, "4.0"),
    ],
)
def test_a_project_has_the_lock_that_its_own_command_writes(tmp_path, monkeypatch, answers, spark):
    """It is the lock of its pyproject.toml, in the form that `make lock` gives it."""
    monkeypatch.chdir(bake(tmp_path, hooks=False, **answers))

    sets = jars.read_locked_sets()

    assert jars.format_lock(sets) == Path("jars.lock").read_text("utf-8")
    assert {name: locked.sha256 for name, locked in sets.items()} == lock_jars(
        {name: locked.coordinates for name, locked in sets.items()}, spark
    )


@pytest.mark.parametrize("answers", [{}, {"platform": "kubernetes"}])
def test_an_image_gets_its_jars_from_a_mirror(tmp_path, answers):
    """Its build has the files that the download needs, and the variable that names a mirror."""
    deploy = bake(tmp_path, hooks=False, **answers) / "deploy"
    text = (deploy / "Dockerfile").read_text("utf-8")
    file, *parts = text.partition("AS jars\n")[2].split("\nFROM ")
    copied = re.findall(r"^COPY ([^-].*) \S+$", file, re.MULTILINE)
    allowed = (deploy / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    job = yaml.safe_load((deploy / "compose.yml").read_text("utf-8"))["services"]["job"]

    assert f"ARG {VARIABLE}\n" in file
    assert "stream_devkit.jars connectors" in file
    assert " ".join(copied).split() == ["pyproject.toml", "jars.lock", "lib/stream_devkit"]
    assert {"!pyproject.toml", "!jars.lock", "!lib"} <= set(allowed)
    assert any("COPY --from=jars /app/.jars/connectors " in part for part in parts)
    assert VARIABLE in job["build"]["args"]


@pytest.mark.spark
def test_the_table_has_what_the_resolver_finds(tmp_path):
    """The resolver gives the same jars today for all connectors of the installed Spark."""
    coordinates = list_all_connectors(sparks.VERSION)
    without = resolver.list_shipped_with_spark()

    found = resolver.resolve(coordinates, tmp_path, make_repository(CENTRAL), without)

    assert found.sha256 == lock_jars({"connectors": coordinates}, sparks.VERSION)["connectors"]
