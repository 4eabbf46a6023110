"""The packages as wheels: as a part of a project's wheel, or from a package index."""

import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
import stream_devkit
import stream_runtime

from stream_template_rules.files import COMPILED, files_in
from tests.examples import ROOT, bake

PACKAGES = {"stream_runtime": stream_runtime, "stream_devkit": stream_devkit}
OWN = {name.replace("_", "-") for name in PACKAGES}
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def build_wheels(target, *sources):
    """Build wheels into the folder; return the names of all wheels in it."""
    command = (*PIP, "wheel", "--no-deps", "--wheel-dir", str(target), *map(str, sources))
    subprocess.run(command, check=True)
    return sorted(path.name for path in target.iterdir())


def read_files(wheel):
    """Return the files of a wheel without its metadata: a dictionary from name to content."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        return {name: archive.read(name) for name in names}


def read_requirements(wheel):
    """Return the dependencies of a wheel, without those of extras."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    listed = (line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist" in line)
    return [requirement for requirement in listed if ";" not in requirement]


def install_and_import(folder, *wheels):
    """Install wheels into a folder, and import the job there.

    Return a text: the path of the runtime, the spec of the devkit, and the name of the job.
    """
    command = (*PIP, "install", "--no-deps", "--target", str(folder), *map(str, wheels))
    subprocess.run(command, check=True)
    code = (
        "import stream_runtime, importlib.util as u, sys\n"
        "print(stream_runtime.__file__, u.find_spec('stream_devkit'))\n"
        "from clickstream_metrics.job import JOB\n"
        "print(JOB.name)"
    )
    environment = os.environ | {"PYTHONPATH": str(folder)}
    words = (sys.executable, "-c", code)
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)  # noqa: PLW1510 - the code is compared
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", name="wheels")
def _wheels(tmp_path_factory):
    """Run `make wheels` on a copy of the repository's packages; provide the folder of wheels."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copytree(ROOT / "packages", folder / "packages")
    shutil.copy(ROOT / "Makefile", folder)
    make = ("make", "wheels", f"PYTHON={sys.executable}")
    subprocess.run(make, cwd=folder, check=True)
    return folder / "dist"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_wheel_has_the_files_of_its_package(wheels, name):
    """`make wheels` packs each file unchanged, under the version that the package states."""
    (wheel,) = wheels.glob(f"{name}-{PACKAGES[name].__version__}-*.whl")
    source = ROOT / "packages" / name.replace("_", "-") / "src"

    files = {name: source / name for name in files_in(source) if COMPILED not in name}

    assert read_files(wheel) == {name: path.read_bytes() for name, path in files.items()}
    assert f"{name}/py.typed" in files


def test_a_project_s_wheel_needs_no_index(tmp_path):
    """A project's wheel contains the runtime, not the devkit, and depends on neither."""
    project = bake(tmp_path)

    (name,) = build_wheels(tmp_path / "dist", project)
    wheel = tmp_path / "dist" / name
    packages = {file.partition("/")[0] for file in read_files(wheel)}

    assert packages == {"clickstream_metrics", "stream_runtime"}
    assert not any("stream" in requirement for requirement in read_requirements(wheel))
    output = install_and_import(tmp_path / "cluster", wheel)
    assert output.startswith(str(tmp_path / "cluster"))
    assert output.split()[1:] == ["None", "clickstream-metrics"]


def test_a_project_can_use_the_runtime_of_an_index(tmp_path, wheels):
    """A dependency can replace the copy in lib/, as the comment in pyproject.toml describes."""
    project = bake(tmp_path)
    path, version = project / "pyproject.toml", stream_runtime.__version__
    text = path.read_text("utf-8")
    assert "To take stream-runtime from an index: add it" in text
    line = f'dependencies = [\n    "stream-runtime=={version}",\n'
    path.write_text(text.replace("dependencies = [\n", line, 1), "utf-8")
    shutil.rmtree(project / "lib/stream_runtime")

    (name,) = build_wheels(tmp_path / "dist", project)
    wheel = tmp_path / "dist" / name

    assert not any(file.startswith("stream_runtime") for file in read_files(wheel))
    assert f"stream-runtime=={version}" in read_requirements(wheel)
    (runtime,) = wheels.glob("stream_runtime-*.whl")
    assert "clickstream-metrics" in install_and_import(tmp_path / "cluster", wheel, runtime)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_project_pins_the_dependencies_of_the_packages(tmp_path, wheels, name):
    """A project pins each dependency of the packages, in the range that they accept."""
    (wheel,) = wheels.glob(f"{name}-*.whl")
    needs = [requirement for requirement in read_requirements(wheel) if requirement not in OWN]
    text = (bake(tmp_path) / "pyproject.toml").read_text("utf-8")
    pins = dict(re.findall(r'^    "([\w-]+)==([\d.]+)",$', text, re.MULTILINE))
    ranges = tmp_path / "ranges.txt"
    ranges.write_text("\n".join(needs), "utf-8")

    needed = {re.split(r"[<>=!~]", requirement)[0] for requirement in needs}

    assert len(needed) >= 3
    assert needed <= pins.keys()
    pinned = [f"{name}=={pins[name]}" for name in needed]
    resolve = (*PIP, "install", "--dry-run", "--no-deps", "--constraint", str(ranges), *pinned)
    assert subprocess.run(resolve, check=False).returncode == 0
