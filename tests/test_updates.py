"""Updates of real projects by cruft: from the first template, from new answers, with edits."""

import json
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from machine import User

from tests import examples

FIRST = "c182572ed43ec6894b3b0ab9e04d1e0eb049149f"
"""The first template that made projects of today's kind."""
BEFORE = "dc7cdb1b6099ae5a0e5a8154eafa4f8b398b61fa"
"""The last one whose projects kept their pipeline out of updates."""
INSIDE = "1afd7ecf34e7e252b75987da6c43dfa1fd2efa48"
"""The last one whose projects had the runtime in their own package."""
PROJECT = "clickstream-metrics"
PACKAGE = "src/clickstream_metrics"
RUNTIME = "lib/stream_runtime"
EDITED = ("README.md", "conf/base.toml", f"{PACKAGE}/transform.py", "tests/test_transform.py")
REWRITTEN = ("conf/base.toml", f"{PACKAGE}/transform.py", "tests/test_transform.py")
"""Those whose first lines are not the same in the older templates."""
EDIT = "# ours\n"
TABLE = re.compile(r"# Cruft updates leave.+?\n\[tool\.cruft\]\n.+?\n\]\n\n", re.DOTALL)
MISMATCH = """\
WRONG  interface: {runtime} has interface 99, {pipeline} is written for 2.
An update changed one of the two without the other. To update both:
  1. Revert the update:
     git add -A
     git commit -m "Half an update"
     git revert --no-edit $(git log -1 --format=%h -- .cruft.json)
  2. Delete the table [tool.cruft] and its comment from pyproject.toml if they are there. Commit.
  3. Run cruft update, resolve the conflicts that git status shows, then run make check test.
"""


@pytest.fixture(scope="module", name="template")
def _template(tmp_path_factory):
    """The repository with its history, and the working tree as its last commit."""
    folder = tmp_path_factory.mktemp("updates") / "stream-template"
    _git(folder.parent, "clone", "-q", str(examples.ROOT), str(folder))
    for path in folder.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, _git(examples.ROOT, *listed).split("\0")):
        source, target = examples.ROOT / name, folder / name
        if source.is_file() and not name.startswith("examples/"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    _commit(folder, "the working tree")
    return folder


@pytest.fixture(name="user")
def _user(user):
    """The user has told git who they are."""
    (user.home / "gitconfig").write_text("[user]\nname = a\nemail = a@example.org\n", "utf-8")
    return user


def _git(folder, *words):
    done = subprocess.run(("git", *words), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _commit(folder, message):
    _git(folder, "add", "--all")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    _git(folder, *identity, "commit", "--quiet", "--allow-empty", "--message", message)


@pytest.fixture(scope="module", name="default")
def _default(template, tmp_path_factory):
    """A project of the present template, as its first commit."""
    folder = tmp_path_factory.mktemp("default")
    user = User(folder / "home", folder / "work")
    user.home.mkdir()
    user.work.mkdir()
    return _made(user, template)


@pytest.fixture(name="project")
def _project(default, user):
    """A copy of it for one test."""
    return shutil.copytree(default, user.work / PROJECT)


def _made(user, template, *words):
    """Make a project and commit it."""
    done = user.run("cruft", "create", "--no-input", *words, str(template))
    assert done.returncode == 0, done.stdout + done.stderr
    project = user.work / PROJECT
    user.commit(project)
    return project


def _edit(project, names=EDITED, at_the_end=()):
    """Change files of each kind where the template does not, and commit them."""
    for name in names:
        path = project / name
        text = path.read_text("utf-8")
        path.write_text(text + EDIT if name in at_the_end else EDIT + text, "utf-8")
    if (project / ".git").exists():
        _commit(project, "edits")


def _update(user, *words):
    """What cruft and git say, the exit code first."""
    done = user.run("cruft", "update", "--skip-apply-ask", "--project-dir", PROJECT, *words)
    return done.returncode, done.stdout + done.stderr


def _delete_skip(project):
    path = project / "pyproject.toml"
    text, count = TABLE.subn("", path.read_text("utf-8"))
    assert count == 1
    path.write_text(text, "utf-8")
    _commit(project, "updates skip nothing")


def _tree(folder):
    files = examples.read_tree(folder)
    return {
        name: text
        for name, text in files.items()
        if not name.startswith(".git/") and name != ".cruft.json"
    }


def _fresh(folder, template, names=EDITED, at_the_end=(), **answers):
    """The files of a new project with these answers and the same edits."""
    pairs = [f"{question}={answer}" for question, answer in answers.items()]
    words = (str(template), "--no-input", "--output-dir", str(folder))
    command = (sys.executable, "-m", "cookiecutter", *words, *pairs)
    # Python imports the extension from the working directory first.
    subprocess.run(command, cwd=template, capture_output=True, check=True)
    _edit(folder / PROJECT, names, at_the_end)
    return _tree(folder / PROJECT)


def _status(project):
    """What git calls changed but not staged as merged: paths by their two letters."""
    lines = _git(project, "status", "--porcelain").splitlines()
    return {line[3:]: line[:2] for line in lines if not re.match(r"[AMDR] ", line)}


@pytest.mark.parametrize("commit", [FIRST, BEFORE])
def test_a_project_that_kept_its_pipeline_out_is_updated_whole(user, template, tmp_path, commit):
    """The update is refused until the project lets it in; then all is new but the edits."""
    project = _made(user, template, "--checkout", commit)
    names = [name for name in EDITED if (project / name).is_file()]
    _edit(project, names, REWRITTEN)
    code, said = _update(user)

    assert code == 1, said
    assert f"half-update (form): cruft skips conf and {PACKAGE}/*.py" in said
    assert "Traceback" not in said
    assert not _git(project, "status", "--porcelain")

    _delete_skip(project)
    code, said = _update(user)

    assert code == 0, said
    assert _status(project) == {".cruft.json": " M"}
    assert _tree(project) == _fresh(tmp_path / "fresh", template, names, REWRITTEN)


def test_half_an_update_of_the_past_is_taken_back(user, template, tmp_path):
    """Older templates updated the runtime alone; the refusal's steps bring the pipeline too."""
    project = _made(user, template, "--checkout", FIRST)
    names = [name for name in EDITED if (project / name).is_file()]
    _edit(project, names, REWRITTEN)
    assert _update(user, "--checkout", BEFORE)[0] == 0
    _commit(project, "half an update")
    code, said = _update(user)

    assert code == 1, said
    assert "git revert --no-edit COMMIT" in said
    *updates, _ = _git(project, "log", "--format=%h", "--", ".cruft.json").split()
    for commit in updates:
        user.run("git", "-C", PROJECT, "revert", "--no-edit", commit).check_returncode()
    _delete_skip(project)
    assert _update(user)[0] == 0
    assert _status(project) == {".cruft.json": " M"}
    assert _tree(project) == _fresh(tmp_path / "fresh", template, names, REWRITTEN)


def test_the_runtime_moves_out_of_the_package(user, template, tmp_path):
    """A project that had it in its package is whole: the library is new, the old folder gone."""
    project = _made(user, template, "--checkout", INSIDE)
    _edit(project, at_the_end=REWRITTEN)
    code, said = _update(user)

    assert code == 0, said
    assert _status(project) == {".cruft.json": " M"}
    assert not (project / PACKAGE / "runtime").exists()
    assert _tree(project) == _fresh(tmp_path / "fresh", template, at_the_end=REWRITTEN)
    assert _job(user, "-m", "clickstream_metrics", "--help")[0] == 0


def test_a_changed_copy_of_a_package_shows(user, project):
    """`cruft diff` compares the library as well."""
    _edit(project, [f"{RUNTIME}/cli.py"])

    shown = user.run("cruft", "diff", "--project-dir", PROJECT).stdout

    assert re.findall(r"^diff --git \S+?/(\S+)", shown, re.MULTILINE) == [f"{RUNTIME}/cli.py"]


def test_a_runtime_from_an_index_stays_there(user, project):
    """Where the owner deleted the copy for a dependency, an update does not bring it back."""
    shutil.rmtree(project / RUNTIME)
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text("utf-8")
    line = 'dependencies = [\n    "stream-runtime==0.1.0",\n'
    pyproject.write_text(text.replace("dependencies = [\n", line, 1), "utf-8")
    _commit(project, "the runtime comes from an index")
    code, said = _update(user, "--variables-to-update", '{"sink": "files"}')

    assert code == 0, said
    assert "UU" not in _status(project).values()
    assert not (project / RUNTIME).exists()
    assert line in pyproject.read_text("utf-8")
    assert 'sink = "files"' in pyproject.read_text("utf-8")


def test_edited_imports_of_the_runtime_are_a_conflict(user, template):
    """An owner's own import beside those that change: both versions are shown."""
    project = _made(user, template, "--checkout", INSIDE)
    transform = project / PACKAGE / "transform.py"
    text = transform.read_text("utf-8")
    old = "from .runtime.names import quote\n"
    assert old in text
    transform.write_text(text.replace(old, "from .runtime.names import OWN, quote\n"), "utf-8")
    _commit(project, "edits")
    code, said = _update(user)

    assert code == 0, said
    assert _status(project)[f"{PACKAGE}/transform.py"] == "UU"
    assert "<<<<<<<" in transform.read_text("utf-8")


def test_an_edit_of_the_runtime_moves_with_it(user, template):
    """The owner's change of a file that moved is in the library, or in a conflict there."""
    project = _made(user, template, "--checkout", INSIDE)
    _edit(project, [f"{PACKAGE}/runtime/storage.py", f"{PACKAGE}/runtime/cli.py"])
    code, said = _update(user)

    assert code == 0, said
    for name in ("storage.py", "cli.py"):
        assert EDIT in (project / RUNTIME / name).read_text("utf-8"), said
        assert not (project / PACKAGE / "runtime" / name).exists()


@pytest.mark.parametrize(
    "answers",
    [
        {"sink": "kafka", "join": "static_lookup"},
        {"window": "none"},
        {"window": "session", "trigger": "available_now"},
        {"platform": "databricks", "source": "auto_loader", "sink": "delta_merge"},
        {"sink": "jdbc", "window": "sliding", "state": "deduplicate", "platform": "kubernetes"},
        {"join": "stream_left", "window": "none", "spark_version": "4.1"},
        {"sink": "kafka", "output_mode": "update"},
    ],
    ids=lambda answers: ",".join(answers.values()),
)
def test_new_answers_change_every_file(user, template, project, tmp_path, answers):
    """The project is then the one that the new answers make, with the edits of its owner."""
    _edit(project)
    code, said = _update(user, "--variables-to-update", json.dumps(answers))

    assert code == 0, said
    assert _status(project) == {".cruft.json": " M"}
    assert _tree(project) == _fresh(tmp_path / "fresh", template, **answers)
    record = json.loads((project / ".cruft.json").read_text("utf-8"))["context"]["cookiecutter"]
    assert answers.items() <= record.items()


def test_a_project_in_a_folder_of_a_repository_is_updated(user, template, project, tmp_path):
    """Several projects in one repository are merged as well."""
    shutil.rmtree(project / ".git")
    _git(user.work, "init", "--quiet")
    _commit(user.work, "one")
    _edit(project)
    _commit(user.work, "edits")
    code, said = _update(user, "--variables-to-update", '{"sink": "kafka"}')

    assert code == 0, said
    assert _tree(project) == _fresh(tmp_path / "fresh", template, sink="kafka")


def test_conflicts_are_shown(user, project):
    """What both sides changed carries both versions, and neither git nor make lets it pass."""
    job = project / PACKAGE / "job.py"
    text = job.read_text("utf-8")
    job.write_text(
        text.replace('"Exactly once into the Delta', '"Our words: into the Delta'), "utf-8"
    )
    _commit(project, "edits")
    code, said = _update(user, "--variables-to-update", '{"sink": "kafka"}')

    assert code == 0, said
    assert f"U {PACKAGE}/job.py" in said
    assert _status(project)[f"{PACKAGE}/job.py"] == "UU"
    assert re.search("<<<.+Our words.+===.+Kafka topic.+>>>", job.read_text("utf-8"), re.DOTALL)
    assert user.run("git", "-C", PROJECT, "commit", "-am", "no").returncode == 0
    checked = user.run("make", "-C", PROJECT, "-o", ".venv/.installed", "check")
    assert checked.returncode != 0
    assert f"{PACKAGE}/job.py\n" in checked.stdout
    assert "An update left conflicts" in checked.stderr


def test_a_file_of_the_owner_survives_answers_without_it(user, project):
    """An edited file that the new answers do not need stays, and cruft says so."""
    _edit(project, [f"{PACKAGE}/window.py"])
    code, said = _update(user, "--variables-to-update", '{"window": "none"}')

    assert code == 0, said
    assert f"{PACKAGE}/window.py: patch does not apply" in said
    assert (project / PACKAGE / "window.py").read_text("utf-8").startswith(EDIT)


def test_a_file_that_its_owner_deleted_stays_away(user, project):
    """An update does not bring it back."""
    (project / "deploy" / "compose.yml").unlink()
    _commit(project, "no compose")
    code, said = _update(user, "--variables-to-update", '{"sink": "kafka"}')

    assert code == 0, said
    assert not (project / "deploy" / "compose.yml").exists()


def test_an_update_cannot_rename_the_project(user, project):
    """It is refused with the command that makes the rest of the change."""
    code, said = _update(
        user, "--variables-to-update", '{"project_slug": "orders", "sink": "kafka"}'
    )

    assert code == 1, said
    assert "slug-stays (form): project_slug=orders, the project is clickstream-metrics" in said
    assert not _git(project, "status", "--porcelain")
    command = said.partition("continue without the new slug:")[2].strip()
    assert user.run("sh", "-c", command).returncode == 0
    recorded = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["tool"]
    assert recorded["stream-template"]["answers"]["sink"] == "kafka"
    assert recorded["stream-template"]["answers"]["project_slug"] == PROJECT


def _raise_interface(template):
    """Make a template whose runtime asks another thing of a pipeline."""
    package = template / "{{cookiecutter.project_slug}}/src/{{cookiecutter.__package}}"
    runtime = template / "packages/stream-runtime/src/stream_runtime"
    for path, stated in (
        (package / "__init__.py", "require_interface(2"),
        (runtime / "__init__.py", "INTERFACE = 2"),
    ):
        before = path.read_text("utf-8")
        assert before.count(stated) == 1
        path.write_text(before.replace(stated, f"{stated[:-1]}99"), "utf-8")
    for path in (package / "job.py", runtime / "cli.py", runtime / "job.py"):
        path.write_text(path.read_text("utf-8").replace("GUARANTEE", "PROMISE"), "utf-8")
    _commit(template, "another interface")


@pytest.fixture(name="next_template")
def _next_template(template, tmp_path):
    """The template of the default project, and its next version."""
    folder = shutil.copytree(template, tmp_path / "next" / "stream-template")
    _raise_interface(folder)
    return folder


def _follow(project, template):
    """Tell cruft where the template is now."""
    path = project / ".cruft.json"
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(record | {"template": str(template)}, indent=2), "utf-8")
    _commit(project, "the template has moved")


def _job(user, *words):
    """Run a program of the project; its exit code and what it printed."""
    done = user.run("env", "-C", PROJECT, "PYTHONPATH=src:lib", sys.executable, *words)
    return done.returncode, done.stdout + done.stderr


def test_an_update_brings_another_interface_to_both_sides(user, project, next_template, tmp_path):
    """Runtime and pipeline change together, and the owner's edits stay."""
    _follow(project, next_template)
    _edit(project)
    code, said = _update(user)

    assert code == 0, said
    assert _status(project) == {".cruft.json": " M"}
    assert _tree(project) == _fresh(tmp_path / "fresh", next_template)
    assert _job(user, "-m", "clickstream_metrics", "--help")[0] == 0


@pytest.fixture(name="half")
def _half(user, project, next_template):
    """A project whose owner updated the runtime and kept the old pipeline."""
    _follow(project, next_template)
    _edit(project)
    assert _update(user)[0] == 0
    _git(project, "checkout", "HEAD", "--", f":(glob){PACKAGE}/*.py")
    return project


COMMANDS = (
    ("-m", "clickstream_metrics", "doctor"),
    ("-m", "clickstream_metrics", "stop", "--env", "prod"),
    ("deploy/main.py", "run"),
    ("-m", "pytest", "-q"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_runtime_beside_an_old_pipeline_says_so_and_no_more(user, half, command):
    """Every command ends with the same message and the exit code of a wrong configuration."""
    code, said = _job(user, *command)

    assert code == 2, said
    assert said == MISMATCH.format(runtime=half / RUNTIME, pipeline=half / PACKAGE)


@pytest.mark.parametrize("folder", [PACKAGE, RUNTIME])
def test_rejected_changes_end_every_command(user, project, folder):
    """What `git apply` could not apply is named, until its file is gone."""
    rejected = project / folder / "job.py.rej"
    rejected.write_text("", "utf-8")
    code, said = _job(user, *COMMANDS[0])

    assert code == 2, said
    assert said.startswith("WRONG  interface: ")
    assert str(rejected) in said
    assert len(said.splitlines()) == 1


def test_the_steps_of_the_message_lead_out(user, half, next_template, tmp_path):
    """Run as they are printed, they bring the pipeline too, and keep the owner's edits."""
    _, said = _job(user, *COMMANDS[0])
    commands = re.findall(r"^     (git .+)$", said, re.MULTILINE)

    assert len(commands) == 3
    for command in commands:
        done = user.run("sh", "-c", f"cd {PROJECT} && {command}")
        assert done.returncode == 0, done.stdout + done.stderr
    assert _update(user)[0] == 0
    assert _status(half) == {".cruft.json": " M"}
    assert _tree(half) == _fresh(tmp_path / "fresh", next_template)
    assert _job(user, "-m", "clickstream_metrics", "--help")[0] == 0
