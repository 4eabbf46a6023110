"""The committed examples: `python -m tests.examples` generates examples/.

One project with the defaults, and its diff to projects with some other answers. Its `lib/` is left
out: it is a copy of packages/.
"""

import difflib
import shutil
import tempfile
from pathlib import Path
from unittest import mock

import jinja2
from cookiecutter import generate as generation
from cookiecutter.main import cookiecutter
from cookiecutter.utils import create_env_with_context

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "examples"
PACKAGES = sorted(map(str, ROOT.glob("packages/*/src")))
"""What must be on the path where a project runs that was generated without its hooks."""
ACCESS_LOG = {
    "event_schema": (
        "event_id STRING, event_time TIMESTAMP, client_ip STRING, method STRING, "
        "path STRING, status INT, bytes BIGINT"
    ),
    "event_roles": "id=event_id, time=event_time, key=method, measure=bytes",
}
NEIGHBOURS = {
    "other-columns": ACCESS_LOG,
    "platform-kubernetes": {"platform": "kubernetes"},
    "trigger-available_now": {"trigger": "available_now"},
}


class Compiled(jinja2.BytecodeCache):
    """A cache of compiled templates: compilation takes most of the time to generate a project."""

    def __init__(self):
        self._codes = {}

    def load_bytecode(self, bucket):
        """Fill the bucket, if what it is for has been compiled."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket):
        """Keep what the bucket holds."""
        self._codes[bucket.key, bucket.checksum] = bucket.code


COMPILED = Compiled()


def bake(folder, *, hooks=True, **answers):
    """Generate a project into the folder; its path."""
    with mock.patch.object(generation, "create_env_with_context", _environment):
        made = cookiecutter(
            str(ROOT),
            no_input=True,
            extra_context=answers,
            output_dir=str(folder),
            default_config=True,
            accept_hooks=hooks,
        )
    return Path(made)


def _environment(context):
    environment = create_env_with_context(context)
    environment.bytecode_cache = COMPILED
    return environment


def generate(folder):
    """Write everything that stands under examples/ into the folder."""
    project = bake(folder)
    shutil.rmtree(project / "lib")
    default = tree(project)
    for name, answers in NEIGHBOURS.items():
        with tempfile.TemporaryDirectory() as elsewhere:
            neighbour = tree(bake(elsewhere, **answers))
            neighbour = {path: text for path, text in neighbour.items() if path[:4] != "lib/"}
        (folder / f"{name}.diff").write_text("".join(changes(default, neighbour)), "utf-8")


def changes(before, after):
    """The lines of a diff between two trees."""
    for path in sorted(before.keys() | after.keys()):
        old, new = (
            files.get(path, b"").decode().splitlines(keepends=True) for files in (before, after)
        )
        yield from difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=1)


def tree(folder):
    """All files of a folder: path to content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as fresh:
        generate(Path(fresh))
        shutil.rmtree(FOLDER, ignore_errors=True)
        shutil.copytree(fresh, FOLDER)
