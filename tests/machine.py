"""The template's machinery with a project of two files, to be used as a user does."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
    """Write the template into the folder."""
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
    places = {folder / TOP / name: text for name, text in files.items()}
    for path, text in (places | {folder / COPIED: UNTOUCHED}).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


@dataclass(frozen=True)
class User:
    """Somebody in a shell, with a home and a working directory of their own."""

    home: Path
    work: Path

    def run(self, *words, typed=None):
        """Run a program of this Python's environment."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        env = {
            "HOME": str(self.home),
            "PATH": path,
            "PWD": str(self.work),
            "COLUMNS": "200",
            "PYTHONDONTWRITEBYTECODE": "1",
            "GIT_CONFIG_GLOBAL": str(self.home / "gitconfig"),
        }
        return subprocess.run(
            words,
            cwd=self.work,
            env=env,
            input=typed,
            timeout=60,
            capture_output=True,
            text=True,
            check=False,
        )

    def commit(self, folder, message="one"):
        """Make the folder a git repository, or commit what changed in it."""
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", message)):
            self.run("git", "-C", str(folder), *words).check_returncode()

    def left(self):
        """All that lies in the working directory."""
        return sorted(path.name for path in self.work.iterdir())


def command_in(result):
    """Return the command that a refusal prints."""
    _, _, rest = (result.stdout + result.stderr).partition("Continue with:\n\n")
    return rest.splitlines()[0].strip()


def refused(user, result, *ids, before=()):
    """Assert that the run was refused for these reasons and left nothing behind."""
    said = result.stdout + result.stderr

    assert result.returncode == 1, said
    assert "Traceback" not in said
    assert all(rule in said for rule in ids), said
    assert user.left() == sorted(before)


def goes_on(user, result, project="json-stream"):
    """Assert that the printed command, run as it stands, makes the project."""
    again = user.run("sh", "-c", command_in(result))

    assert again.returncode == 0, again.stdout + again.stderr
    assert (user.work / project / "pyproject.toml").is_file()


def repository(user, template):
    """Make a git repository of the template."""
    folder = user.home / "stream-template"
    shutil.copytree(template, folder)
    user.commit(folder)
    return str(folder)
