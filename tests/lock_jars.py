"""The table stream_template_rules/locked_jars.py: `make lock` writes it.

It has each list of coordinates that a project can have, and those that the template's own tests
use, resolved with the PySpark of its version. The command needs Java and Maven Central, and takes
minutes.
"""

import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from stream_devkit.repository import CENTRAL, make_repository
from stream_devkit.resolver import list_shipped_with_spark, resolve

from stream_template_rules import AXES
from stream_template_rules.pins import JARS, SPARKS, list_all_connectors, list_jars
from tests.examples import ROOT
from tests.older_spark import make_environment

TABLE = ROOT / "stream_template_rules" / "locked_jars.py"
DOCSTRING = '''\
"""The jars of each set of coordinates by version of Spark, and the sha256 of each jar.

`make lock` writes this file; nobody edits it.
"""
'''


def list_coordinates(version):
    """Return each list of coordinates that a project with this version of Spark can have.

    Returns:
        The coordinates of a set, joined by spaces, to the name of the set.
    """
    axes = sorted({axis for jar in JARS for box in jar.boxes for axis in box} - {"spark_version"})
    answers = (
        dict(zip(axes, values, strict=True))
        for values in itertools.product(*(AXES[axis] for axis in axes))
    )
    sets = [list_jars({**known, "spark_version": version}) for known in answers]
    sets.append({"connectors": list_all_connectors(version)})
    return {" ".join(jars): name for found in sets for name, jars in found.items()}


def resolve_all(version, folder):
    """Resolve the sets of one version with the installed PySpark; return their jars by set."""
    shipped, repository = list_shipped_with_spark(), make_repository(CENTRAL)
    found = {}
    for coordinates, name in list_coordinates(version).items():
        without = shipped if name == "connectors" else ()
        found[coordinates] = dict(resolve(coordinates.split(), folder, repository, without).sha256)
        sys.stderr.write(f"{version}: {coordinates}: {len(found[coordinates])} jars\n")
    return found


def write_table(versions):
    """Write the module with the jars of each set of each version, and the sha256 of each jar."""
    sha256 = {}
    for jars in itertools.chain.from_iterable(sets.values() for sets in versions.values()):
        for jar, digest in jars.items():
            assert sha256.setdefault(jar, digest) == digest, f"two files have the coordinate {jar}"
    listed = {
        version: {coordinates: list(jars) for coordinates, jars in sorted(sets.items())}
        for version, sets in versions.items()
    }
    table = {"SETS": listed, "SHA256": dict(sorted(sha256.items()))}
    parts = [f"{name} = {json.dumps(part)}\n" for name, part in table.items()]
    TABLE.write_text(DOCSTRING + "\n" + "".join(parts), "utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(TABLE)], check=True)


def main():
    """Resolve each version in a process with its PySpark, and write the table."""
    if len(sys.argv) > 1:
        json.dump(resolve_all(sys.argv[1], Path(sys.argv[2])), sys.stdout)
        return
    versions = {}
    with tempfile.TemporaryDirectory() as folder:
        for version in SPARKS:
            command = [sys.executable, "-m", "tests.lock_jars", version, folder]
            environment = make_environment(version)
            run = subprocess.run(
                command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True
            )
            versions[version] = json.loads(run.stdout)
    write_table(versions)


if __name__ == "__main__":
    main()
