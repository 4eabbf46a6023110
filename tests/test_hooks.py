"""The hook after generation finds whatever the template did wrong."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHOICES = {"version": "0.1.0", "answers": {"source": "kafka"}}
PYPROJECT = """\
[tool.stream-template]
version = "0.1.0"

[tool.stream-template.answers]
source = "kafka"
"""


@pytest.fixture(name="hook")
def _hook():
    """Return the hook as a module; its Jinja stands in a string."""
    spec = importlib.util.spec_from_file_location("post_gen", ROOT / "hooks/post_gen_project.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="project")
def _project(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    return tmp_path


def test_a_sound_project_passes(hook, project):
    """Files of every kind, with signs that only look like markup, are fine."""
    files = {
        "a.py": "x = {1: {2: 3}}\n",
        "b.yml": "a: 1\n---\nb: ${{ secrets.TOKEN }}\n",
        "c.json": '{"legend": "{{ topic }}"}',
        "d.md": "{{ not ours }} 100% {#1}",
    }
    for name, text in files.items():
        (project / name).write_text(text, "utf-8")
    (project / "e.bin").write_bytes(b"\xff\xfe{{ cookiecutter }}")

    assert list(hook.problems(project, CHOICES)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "def broken(:\n"),
        ("a.toml", "key = \n"),
        ("a.yml", "a: [1\n"),
        ("a.yaml", "a: b: c\n"),
        ("a.json", "{,}"),
        ("a.md", "{{ cookiecutter.source }}"),
        ("a.md", "{{cookiecutter.source}}"),
        ("a.md", "{{- job.package }}"),
        ("a.md", "{% if x %}"),
        ("a.md", "{%- endif %}"),
        ("{{ cookiecutter.source }}.md", "x"),
    ],
)
def test_a_broken_file_is_named(hook, project, name, text):
    """A file that cannot be parsed, or holds markup, is a mistake of the template."""
    (project / name).write_text(text, "utf-8")
    found = list(hook.problems(project, CHOICES))

    assert len(found) == 1
    assert found[0].startswith(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PYPROJECT.replace("kafka", "delta"),
        PYPROJECT.replace("0.1.0", "0.2.0"),
        PYPROJECT + 'sink = "delta"\n',
    ],
)
def test_other_answers_than_the_choices_are_a_mistake(hook, project, text):
    """The record in pyproject.toml must be exactly what was chosen."""
    (project / "pyproject.toml").write_text(text, "utf-8")

    assert [line.split()[0] for line in hook.problems(project, CHOICES)] == ["pyproject.toml"]


def test_empty_folders_are_swept(hook, project):
    """Folders whose files were all left out go, and compiled files of the template."""
    (project / "a/b/c").mkdir(parents=True)
    (project / "src/__pycache__").mkdir(parents=True)
    (project / "src/__pycache__/x.pyc").write_bytes(b"x")
    (project / "kept").mkdir()
    (project / "kept/file").write_text("x", "utf-8")
    hook.sweep(project)

    assert sorted(path.name for path in project.iterdir()) == ["kept", "pyproject.toml"]


def test_a_mistake_fails_the_generation(hook, project, monkeypatch, capsys):
    """The user is told what to report, and the exit code says so."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(hook, "CHOICES", "{}")

    assert hook.main() == 1
    assert "The template made a mistake" in capsys.readouterr().err


def test_the_next_commands_start_from_the_shell(hook, project, monkeypatch, capsys):
    """`cd` leads from where the user is into the project."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("PWD", str(project.parent.parent))
    monkeypatch.setattr(hook, "CHOICES", json.dumps(CHOICES))

    assert hook.main() == 0
    assert f"cd {project.parent.name}/{project.name} && make demo" in capsys.readouterr().out
