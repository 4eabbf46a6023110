"""A small template with the real rules, questions and hooks, and a user who runs it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.terminal import Terminal

ROOT = Path(__file__).parent.parent
PARTS = ("cookiecutter.json", "hooks", "stream_template_rules", "stream_template_extension.py")
TOP = "{{cookiecutter.project_slug}}"
PACKAGE = "src/{{cookiecutter.__package}}"
COPIED = "packages/stream-runtime/src/stream_runtime/copied.py"
RECORD = """\
[tool.stream-template]
version = "{{ (cookiecutter | stream_record).version }}"

[tool.stream-template.answers]
{% for key, value in (cookiecutter | stream_record).answers.items() %}
{{ key }} = {{ value | stream_toml }}
{% endfor %}
"""
UNTOUCHED = 'BRACES = "{{ window }} ${{ secrets }}"\n'


def build(folder):
    """Write the small template into the folder; return the folder."""
    for part in PARTS:
        source, target = ROOT / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    files = {
        "pyproject.toml": RECORD,
        f"{PACKAGE}/__init__.py": "",
        f"{PACKAGE}/join.py": "",
        "monitoring/alerts.yml": "",
        ".github/workflows/ci.yml": "run: ${{ secrets }}\n",
    }
    project = {folder / TOP / name: text for name, text in files.items()}
    for path, text in (project | {folder / COPIED: UNTOUCHED}).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


@dataclass(frozen=True)
class User:
    """A user in a shell, with a separate home and working directory."""

    home: Path
    work: Path

    @property
    def environment(self):
        """The environment of the user's programs: those of this Python come first on the path."""
        return {
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PWD": str(self.work),
            "COLUMNS": "200",
            "PYTHONDONTWRITEBYTECODE": "1",
            "GIT_CONFIG_GLOBAL": str(self.home / "gitconfig"),
        }

    def run(self, *words, typed=None):
        """Run a program in the working directory, without a terminal."""
        return subprocess.run(
            words,
            cwd=self.work,
            env=self.environment,
            input=typed,
            timeout=60,
            capture_output=True,
            text=True,
            check=False,
        )

    def open(self, *words):
        """Start a program in the working directory, at a terminal; return the Terminal."""
        return Terminal(words, self.work, self.environment)

    def commit(self, folder, message="one"):
        """Make the folder a git repository if necessary, and commit all changes."""
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", message)):
            self.run("git", "-C", str(folder), *words).check_returncode()

    def list_work(self):
        """Return the names in the working directory."""
        return sorted(path.name for path in self.work.iterdir())


def find_command(result):
    """Return the command to continue with from a refusal."""
    _, _, rest = (result.stdout + result.stderr).partition("Continue with:\n\n")
    return rest.splitlines()[0].strip()


def assert_refused(user, result, *ids, before=()):
    """Assert that the output of a refusal has these texts, and that no file was written.

    Args:
        user: the user who ran the command.
        result: the completed command.
        ids: ids of rules, or other texts that the output contains.
        before: the names that were in the working directory before the command.
    """
    output = result.stdout + result.stderr

    assert result.returncode == 1, output
    assert "Traceback" not in output
    assert all(rule in output for rule in ids), output
    assert user.list_work() == sorted(before)


def assert_command_works(user, result, project="json-stream"):
    """Assert that a refusal's command, run as it is printed, generates the project."""
    again = user.run("sh", "-c", find_command(result))

    assert again.returncode == 0, again.stdout + again.stderr
    assert (user.work / project / "pyproject.toml").is_file()


def make_repository(user, template):
    """Copy the template into a git repository; return the repository's path."""
    folder = user.home / "stream-template"
    shutil.copytree(template, folder)
    user.commit(folder)
    return str(folder)
