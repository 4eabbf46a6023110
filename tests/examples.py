"""The committed examples: `python -m tests.examples` generates examples/.

They are one project with the defaults, and its diffs to projects with other answers. The folder
`lib/` is not in them, because it is a copy of packages/.
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
"""The import paths that a project needs if it was generated without hooks."""
ACCESS_LOG = {
    "event_schema": (
        "event_id STRING, event_time TIMESTAMP, client_ip STRING, method STRING, "
        "path STRING, status INT, bytes BIGINT"
    ),
    "event_roles": "id=event_id, time=event_time, key=method, measure=bytes",
}
OTHER_ANSWERS = {
    "other-columns": ACCESS_LOG,
    "platform-kubernetes": {"platform": "kubernetes"},
    "trigger-available_now": {"trigger": "available_now"},
}


class TemplateCache(jinja2.BytecodeCache):
    """A cache of compiled templates, because compilation takes most of the time of a bake."""

    def __init__(self):
        self._codes = {}

    def load_bytecode(self, bucket):
        """Fill the bucket if its template has been compiled."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket):
        """Store the compiled template of the bucket."""
        self._codes[bucket.key, bucket.checksum] = bucket.code


CACHE = TemplateCache()


def bake(folder, *, hooks=True, **answers):
    """Generate a project into the folder; return the project's path."""
    with mock.patch.object(generation, "create_env_with_context", _make_environment):
        made = cookiecutter(
            str(ROOT),
            no_input=True,
            extra_context=answers,
            output_dir=str(folder),
            default_config=True,
            accept_hooks=hooks,
        )
    return Path(made)


def _make_environment(context):
    environment = create_env_with_context(context)
    environment.bytecode_cache = CACHE
    return environment


def generate(folder):
    """Write the contents of examples/ into the folder."""
    project = bake(folder)
    shutil.rmtree(project / "lib")
    default = read_tree(project)
    for name, answers in OTHER_ANSWERS.items():
        with tempfile.TemporaryDirectory() as elsewhere:
            other = read_tree(bake(elsewhere, **answers))
            other = {path: text for path, text in other.items() if path[:4] != "lib/"}
        (folder / f"{name}.diff").write_text("".join(make_diff(default, other)), "utf-8")


def make_diff(before, after):
    """Yield the lines of a diff between two trees."""
    for path in sorted(before.keys() | after.keys()):
        old, new = (
            files.get(path, b"").decode().splitlines(keepends=True) for files in (before, after)
        )
        yield from difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=1)


def read_tree(folder):
    """Return all files of a folder: a dictionary from relative path to content."""
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
