"""The packages as wheels: in a project's own wheel, or from a company's index."""

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


def built(target, *sources):
    """Build wheels into the folder; their names."""
    command = (*PIP, "wheel", "--no-deps", "--wheel-dir", str(target), *map(str, sources))
    subprocess.run(command, check=True)
    return sorted(path.name for path in target.iterdir())


def contents(wheel):
    """Read the files of a wheel, without those that say what it is."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        return {name: archive.read(name) for name in names}


def requirements(wheel):
    """Read what a wheel depends on, without its extras."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    found = (line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist" in line)
    return [requirement for requirement in found if ";" not in requirement]


def installed(folder, *wheels):
    """Install wheels into a folder, and return what the job says there, away from its project."""
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
    """The wheels of `make wheels`, in a copy of the repository's packages."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copytree(ROOT / "packages", folder / "packages")
    shutil.copy(ROOT / "Makefile", folder)
    make = ("make", "wheels", f"PYTHON={sys.executable}")
    subprocess.run(make, cwd=folder, check=True)
    return folder / "dist"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_wheel_is_its_package(wheels, name):
    """`make wheels` packs each file byte for byte, under the version that the package states."""
    (wheel,) = wheels.glob(f"{name}-{PACKAGES[name].__version__}-*.whl")
    source = ROOT / "packages" / name.replace("_", "-") / "src"

    files = {name: source / name for name in files_in(source) if COMPILED not in name}

    assert contents(wheel) == {name: path.read_bytes() for name, path in files.items()}
    assert f"{name}/py.typed" in files


def test_a_project_s_wheel_needs_no_index(tmp_path):
    """It contains the runtime and not the devkit, and depends on neither."""
    project = bake(tmp_path)

    (name,) = built(tmp_path / "dist", project)
    wheel = tmp_path / "dist" / name
    packages = {file.partition("/")[0] for file in contents(wheel)}

    assert packages == {"clickstream_metrics", "stream_runtime"}
    assert not any("stream" in requirement for requirement in requirements(wheel))
    said = installed(tmp_path / "cluster", wheel)
    assert said.startswith(str(tmp_path / "cluster"))
    assert said.split()[1:] == ["None", "clickstream-metrics"]


def test_a_project_takes_the_runtime_from_an_index(tmp_path, wheels):
    """One line in its dependencies instead of the copy, as the comment there says."""
    project = bake(tmp_path)
    path, version = project / "pyproject.toml", stream_runtime.__version__
    text = path.read_text("utf-8")
    assert "To take stream-runtime from an index: add it" in text
    line = f'dependencies = [\n    "stream-runtime=={version}",\n'
    path.write_text(text.replace("dependencies = [\n", line, 1), "utf-8")
    shutil.rmtree(project / "lib/stream_runtime")

    (name,) = built(tmp_path / "dist", project)
    wheel = tmp_path / "dist" / name

    assert not any(file.startswith("stream_runtime") for file in contents(wheel))
    assert f"stream-runtime=={version}" in requirements(wheel)
    (runtime,) = wheels.glob("stream_runtime-*.whl")
    assert "clickstream-metrics" in installed(tmp_path / "cluster", wheel, runtime)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_pins_of_a_project_suit_the_packages(tmp_path, wheels, name):
    """A project pins every dependency of the packages, within the range that they accept."""
    (wheel,) = wheels.glob(f"{name}-*.whl")
    needs = [requirement for requirement in requirements(wheel) if requirement not in OWN]
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
