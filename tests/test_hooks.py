"""The hook after generation finds whatever the template did wrong."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RECORD = {"version": "0.1.0", "answers": {"source": "kafka"}}
PYPROJECT = """\
[tool.stream-template]
version = "0.1.0"

[tool.stream-template.answers]
source = "kafka"
"""


@pytest.fixture(name="hook")
def _hook():
    """Return the hook as a module; its Jinja is inside a string."""
    spec = importlib.util.spec_from_file_location("post_gen", ROOT / "hooks/post_gen_project.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names(project):
    """The files of a project that was just made."""
    return sorted(path.name for path in project.iterdir())


def bake(project, **more):
    """What the hook is told of a bake."""
    told = {"files": names(project), "copies": {}, "folders": [], "record": RECORD}
    return json.dumps({**told, "start": "", "summary": "x", **more})


@pytest.fixture(name="project")
def _project(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    return tmp_path


def test_a_valid_project_passes(hook, project):
    """Files of every kind, with signs that only look like markup, are fine."""
    files = {
        "a.py": "x = {1: {2: 3}}\n",
        "b.yml": "a: 1\n---\nb: ${{ secrets.TOKEN }}\n",
        "c.json": '{"legend": "{{ topic }}"}',
        "d.md": "{{ not ours }} 100% {#1}",
    }
    for name, text in files.items():
        (project / name).write_text(text, "utf-8")

    assert list(hook.problems(project, names(project), RECORD)) == []


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
def test_an_invalid_file_is_named(hook, project, name, text):
    """A file that cannot be parsed, or that has Jinja markup, fails the bake and is named."""
    (project / name).write_text(text, "utf-8")
    found = list(hook.problems(project, names(project), RECORD))

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

    assert [line.split()[0] for line in hook.problems(project, names(project), RECORD)] == [
        "pyproject.toml"
    ]


def test_only_what_was_written_is_read(hook, project):
    """The folder may contain any other files: a chart, another language, a dead link."""
    (project / "values.yaml").write_text("a: {{ .Values.a }}: b", "utf-8")
    (project / "old.py").write_text("print 'x'\n", "utf-8")
    (project / "dead").symlink_to("nowhere")

    assert list(hook.problems(project, ["pyproject.toml"], RECORD)) == []


def test_only_folders_of_this_bake_are_removed(hook, project):
    """A folder that the bake made goes if it is empty; all others stay."""
    for folder in ("made/inside", "filled", "empty-before/.git/refs", "src/__pycache__"):
        (project / folder).mkdir(parents=True)
    (project / "filled" / "file").write_text("x", "utf-8")
    hook.remove_empty(project, ["made", "made/inside", "filled", "gone"])

    left = sorted(path.relative_to(project).as_posix() for path in project.rglob("*"))
    assert left == [
        *("empty-before", "empty-before/.git", "empty-before/.git/refs", "filled", "filled/file"),
        *("pyproject.toml", "src", "src/__pycache__"),
    ]


def test_a_mistake_fails_the_generation(hook, project, monkeypatch, capsys):
    """The user is told what to report, and the exit code says so."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(hook, "BAKE", bake(project, record={}))

    assert hook.main() == 1
    assert "The template has an error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("start", "folder"),
    [
        ("", "'{project}'"),
        ("{project}/..", "'{project}'"),
        ("{home}", "'a b/größe'"),
        ("{home}/elsewhere", "'{project}'"),
    ],
)
def test_the_next_commands_start_from_the_shell(hook, tmp_path, monkeypatch, capsys, start, folder):
    """The printed `cd` is relative to the user's directory and quoted for the shell."""
    project = tmp_path / "a b" / "größe"
    project.mkdir(parents=True)
    places = {"home": tmp_path, "project": project}
    monkeypatch.chdir(project)
    told = bake(project, start=start.format(**places))
    monkeypatch.setattr(hook, "BAKE", told)

    assert hook.main() == 0
    assert f"    cd {folder.format(**places)} && make demo\n" in capsys.readouterr().out


def test_an_update_prints_no_next_commands(hook, project, monkeypatch, capsys):
    """An update compares two fresh projects, whose folders are gone when it ends."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(hook, "BAKE", bake(project, summary=""))

    assert hook.main() == 0
    assert capsys.readouterr().out == ""
