"""Updates by cruft: of projects of older templates, with new answers, with edits of the owner."""

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
"""The oldest template from which these tests update a project."""
BEFORE = "dc7cdb1b6099ae5a0e5a8154eafa4f8b398b61fa"
"""The last template whose projects exclude their pipeline from updates."""
INSIDE = "1afd7ecf34e7e252b75987da6c43dfa1fd2efa48"
"""The last template whose projects have the runtime in their own package."""
PROJECT = "clickstream-metrics"
PACKAGE = "src/clickstream_metrics"
RUNTIME = "lib/stream_runtime"
EDITED = ("README.md", "conf/base.toml", f"{PACKAGE}/transform.py", "tests/test_transform.py")
REWRITTEN = ("conf/base.toml", f"{PACKAGE}/transform.py", "tests/test_transform.py")
"""The edited files whose first lines differ in the older templates."""
EDIT = "# ours\n"
WATERMARK = "\n[watermark]\n"
"""Lines of conf/base.toml that are equal in all templates; its first and last lines are not."""
SKIP_TABLE = re.compile(r"# Cruft updates leave.+?\n\[tool\.cruft\]\n.+?\n\]\n\n", re.DOTALL)
MISMATCH = """\
WRONG  interface: {runtime} has interface 99, {pipeline} is written for 3.
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
    """Provide a clone of the repository whose last commit is the working tree."""
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
    """Configure git with the user's name."""
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
    """Provide a committed project of the current template."""
    folder = tmp_path_factory.mktemp("default")
    user = User(folder / "home", folder / "work")
    user.home.mkdir()
    user.work.mkdir()
    return _make_project(user, template)


@pytest.fixture(name="project")
def _project(default, user):
    """Provide a copy of the default project for one test."""
    return shutil.copytree(default, user.work / PROJECT)


def _make_project(user, template, *words):
    """Generate a project with cruft, and commit it."""
    done = user.run("cruft", "create", "--no-input", *words, str(template))
    assert done.returncode == 0, done.stdout + done.stderr
    project = user.work / PROJECT
    user.commit(project)
    return project


def _edit(project, names=EDITED, at_the_end=()):
    """Change files in lines that the template does not change, and commit the changes."""
    for name in names:
        path = project / name
        text = path.read_text("utf-8")
        edited = text + EDIT if name in at_the_end else EDIT + text
        if name in at_the_end and name == "conf/base.toml":
            edited = text.replace(WATERMARK, EDIT + WATERMARK)
        path.write_text(edited, "utf-8")
    if (project / ".git").exists():
        _commit(project, "edits")


def _update(user, *words):
    """Run cruft update; return its exit code and output."""
    done = user.run("cruft", "update", "--skip-apply-ask", "--project-dir", PROJECT, *words)
    return done.returncode, done.stdout + done.stderr


def _delete_skip(project):
    path = project / "pyproject.toml"
    text, count = SKIP_TABLE.subn("", path.read_text("utf-8"))
    assert count == 1
    path.write_text(text, "utf-8")
    _commit(project, "updates skip nothing")


def _read_files(folder):
    files = examples.read_tree(folder)
    return {
        name: text
        for name, text in files.items()
        if not name.startswith(".git/") and name != ".cruft.json"
    }


def _make_fresh(folder, template, names=EDITED, at_the_end=(), **answers):
    """Return the files of a new project with these answers and the same edits."""
    pairs = [f"{question}={answer}" for question, answer in answers.items()]
    words = (str(template), "--no-input", "--output-dir", str(folder))
    command = (sys.executable, "-m", "cookiecutter", *words, *pairs)
    # Python imports the extension from the working directory, so it must be the template's.
    subprocess.run(command, cwd=template, capture_output=True, check=True)
    _edit(folder / PROJECT, names, at_the_end)
    return _read_files(folder / PROJECT)


def _status(project):
    """Return each path with changes that are not staged, with its two letters of git status."""
    lines = _git(project, "status", "--porcelain").splitlines()
    return {line[3:]: line[:2] for line in lines if not re.match(r"[AMDR] ", line)}


@pytest.mark.parametrize("commit", [FIRST, BEFORE])
def test_a_project_with_an_excluded_pipeline_is_updated(user, template, tmp_path, commit):
    """The update is refused until the owner deletes [tool.cruft]; then it updates all files."""
    project = _make_project(user, template, "--checkout", commit)
    names = [name for name in EDITED if (project / name).is_file()]
    _edit(project, names, REWRITTEN)
    code, output = _update(user)

    assert code == 1, output
    assert f"half-update (form): cruft skips conf and {PACKAGE}/*.py" in output
    assert "Traceback" not in output
    assert not _git(project, "status", "--porcelain")

    _delete_skip(project)
    code, output = _update(user)

    assert code == 0, output
    assert _status(project) == {".cruft.json": " M"}
    assert _read_files(project) == _make_fresh(tmp_path / "fresh", template, names, REWRITTEN)


def test_an_old_partial_update_is_reverted(user, template, tmp_path):
    """If an older template updated only the runtime, the refusal's steps update both parts."""
    project = _make_project(user, template, "--checkout", FIRST)
    names = [name for name in EDITED if (project / name).is_file()]
    _edit(project, names, REWRITTEN)
    assert _update(user, "--checkout", BEFORE)[0] == 0
    _commit(project, "half an update")
    code, output = _update(user)

    assert code == 1, output
    assert "git revert --no-edit COMMIT" in output
    *updates, _ = _git(project, "log", "--format=%h", "--", ".cruft.json").split()
    for commit in updates:
        user.run("git", "-C", PROJECT, "revert", "--no-edit", commit).check_returncode()
    _delete_skip(project)
    assert _update(user)[0] == 0
    assert _status(project) == {".cruft.json": " M"}
    assert _read_files(project) == _make_fresh(tmp_path / "fresh", template, names, REWRITTEN)


def test_the_runtime_moves_out_of_the_package(user, template, tmp_path):
    """An update moves the runtime from the project's package to lib/."""
    project = _make_project(user, template, "--checkout", INSIDE)
    _edit(project, at_the_end=REWRITTEN)
    code, output = _update(user)

    assert code == 0, output
    assert _status(project) == {".cruft.json": " M"}
    assert not (project / PACKAGE / "runtime").exists()
    assert _read_files(project) == _make_fresh(tmp_path / "fresh", template, at_the_end=REWRITTEN)
    assert _run_python(user, "-m", "clickstream_metrics", "--help")[0] == 0


def test_cruft_diff_shows_a_changed_library(user, project):
    """`cruft diff` also compares the copies of the packages in lib/."""
    _edit(project, [f"{RUNTIME}/cli.py"])

    shown = user.run("cruft", "diff", "--project-dir", PROJECT).stdout

    assert re.findall(r"^diff --git \S+?/(\S+)", shown, re.MULTILINE) == [f"{RUNTIME}/cli.py"]


def test_an_update_does_not_restore_a_deleted_runtime(user, project):
    """If the owner replaced the copy in lib/ with a dependency, an update adds no copy."""
    shutil.rmtree(project / RUNTIME)
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text("utf-8")
    line = 'dependencies = [\n    "stream-runtime==0.1.0",\n'
    pyproject.write_text(text.replace("dependencies = [\n", line, 1), "utf-8")
    _commit(project, "the runtime comes from an index")
    code, output = _update(user, "--variables-to-update", '{"sink": "files"}')

    assert code == 0, output
    assert "UU" not in _status(project).values()
    assert not (project / RUNTIME).exists()
    assert line in pyproject.read_text("utf-8")
    assert 'sink = "files"' in pyproject.read_text("utf-8")


def test_edited_imports_of_the_runtime_are_a_conflict(user, template):
    """If the owner edited an import that the update changes, the file shows both versions."""
    project = _make_project(user, template, "--checkout", INSIDE)
    transform = project / PACKAGE / "transform.py"
    text = transform.read_text("utf-8")
    old = "from .runtime.names import quote\n"
    assert old in text
    transform.write_text(text.replace(old, "from .runtime.names import OWN, quote\n"), "utf-8")
    _commit(project, "edits")
    code, output = _update(user)

    assert code == 0, output
    assert _status(project)[f"{PACKAGE}/transform.py"] == "UU"
    assert "<<<<<<<" in transform.read_text("utf-8")


def test_an_edit_of_the_runtime_moves_with_it(user, template):
    """The owner's change of a moved file is in the library, or in a conflict there."""
    project = _make_project(user, template, "--checkout", INSIDE)
    _edit(project, [f"{PACKAGE}/runtime/errors.py", f"{PACKAGE}/runtime/fingerprint.py"])
    code, output = _update(user)

    assert code == 0, output
    for name in ("errors.py", "fingerprint.py"):
        assert EDIT in (project / RUNTIME / name).read_text("utf-8"), output
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
    """After an update with new answers, the project equals a new one with the same edits."""
    _edit(project)
    code, output = _update(user, "--variables-to-update", json.dumps(answers))

    assert code == 0, output
    assert _status(project) == {".cruft.json": " M"}
    assert _read_files(project) == _make_fresh(tmp_path / "fresh", template, **answers)
    record = json.loads((project / ".cruft.json").read_text("utf-8"))["context"]["cookiecutter"]
    assert answers.items() <= record.items()


def test_a_project_in_a_folder_of_a_repository_is_updated(user, template, project, tmp_path):
    """An update works if the project is a folder of a larger repository."""
    shutil.rmtree(project / ".git")
    _git(user.work, "init", "--quiet")
    _commit(user.work, "one")
    _edit(project)
    _commit(user.work, "edits")
    code, output = _update(user, "--variables-to-update", '{"sink": "kafka"}')

    assert code == 0, output
    assert _read_files(project) == _make_fresh(tmp_path / "fresh", template, sink="kafka")


def test_conflicts_are_shown(user, project):
    """A conflict shows both versions in the file, and make check fails even after a commit."""
    job = project / PACKAGE / "job.py"
    text = job.read_text("utf-8")
    job.write_text(
        text.replace('"Exactly once into the Delta', '"Our words: into the Delta'), "utf-8"
    )
    _commit(project, "edits")
    code, output = _update(user, "--variables-to-update", '{"sink": "kafka"}')

    assert code == 0, output
    assert f"U {PACKAGE}/job.py" in output
    assert _status(project)[f"{PACKAGE}/job.py"] == "UU"
    assert re.search("<<<.+Our words.+===.+Kafka topic.+>>>", job.read_text("utf-8"), re.DOTALL)
    assert user.run("git", "-C", PROJECT, "commit", "-am", "no").returncode == 0
    checked = user.run("make", "-C", PROJECT, "-o", ".venv/.installed", "check")
    assert checked.returncode != 0
    assert f"{PACKAGE}/job.py\n" in checked.stdout
    assert "An update left conflicts" in checked.stderr


def test_an_edited_file_is_not_deleted(user, project):
    """If the new answers do not need an edited file, it stays, and cruft reports it."""
    _edit(project, [f"{PACKAGE}/window.py"])
    code, output = _update(user, "--variables-to-update", '{"window": "none"}')

    assert code == 0, output
    assert f"{PACKAGE}/window.py: patch does not apply" in output
    assert (project / PACKAGE / "window.py").read_text("utf-8").startswith(EDIT)


def test_a_deleted_file_is_not_restored(user, project):
    """An update does not restore a file that the owner deleted."""
    (project / "deploy" / "compose.yml").unlink()
    _commit(project, "no compose")
    code, output = _update(user, "--variables-to-update", '{"sink": "kafka"}')

    assert code == 0, output
    assert not (project / "deploy" / "compose.yml").exists()


def test_an_update_cannot_rename_the_project(user, project):
    """A new slug is refused, and the printed command makes all other changes."""
    code, output = _update(
        user, "--variables-to-update", '{"project_slug": "orders", "sink": "kafka"}'
    )

    assert code == 1, output
    assert "slug-stays (form): project_slug=orders, the project is clickstream-metrics" in output
    assert not _git(project, "status", "--porcelain")
    command = output.partition("continue without the new slug:")[2].strip()
    assert user.run("sh", "-c", command).returncode == 0
    recorded = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["tool"]
    assert recorded["stream-template"]["answers"]["sink"] == "kafka"
    assert recorded["stream-template"]["answers"]["project_slug"] == PROJECT


def _raise_interface(template):
    """Commit a change of the interface between runtime and pipeline to the template."""
    package = template / "{{cookiecutter.project_slug}}/src/{{cookiecutter.__package}}"
    runtime = template / "packages/stream-runtime/src/stream_runtime"
    for path, stated in (
        (package / "__init__.py", "require_interface(3"),
        (runtime / "__init__.py", "INTERFACE = 3"),
    ):
        before = path.read_text("utf-8")
        assert before.count(stated) == 1
        path.write_text(before.replace(stated, f"{stated[:-1]}99"), "utf-8")
    for path in (package / "job.py", runtime / "cli.py", runtime / "job.py"):
        path.write_text(path.read_text("utf-8").replace("GUARANTEE", "PROMISE"), "utf-8")
    _commit(template, "another interface")


@pytest.fixture(name="next_template")
def _next_template(template, tmp_path):
    """Provide a copy of the template whose last commit has another interface."""
    folder = shutil.copytree(template, tmp_path / "next" / "stream-template")
    _raise_interface(folder)
    return folder


def _set_template(project, template):
    """Set the template's location that cruft has stored."""
    path = project / ".cruft.json"
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(record | {"template": str(template)}, indent=2), "utf-8")
    _commit(project, "the template has moved")


def _run_python(user, *words):
    """Run a Python program of the project; return its exit code and output."""
    done = user.run("env", "-C", PROJECT, "PYTHONPATH=src:lib", sys.executable, *words)
    return done.returncode, done.stdout + done.stderr


def test_an_update_changes_the_interface_of_both_parts(user, project, next_template, tmp_path):
    """Runtime and pipeline change together, and the owner's edits stay."""
    _set_template(project, next_template)
    _edit(project)
    code, output = _update(user)

    assert code == 0, output
    assert _status(project) == {".cruft.json": " M"}
    assert _read_files(project) == _make_fresh(tmp_path / "fresh", next_template)
    assert _run_python(user, "-m", "clickstream_metrics", "--help")[0] == 0


@pytest.fixture(name="half_updated")
def _half_updated(user, project, next_template):
    """Provide a project with a new runtime and the old pipeline."""
    _set_template(project, next_template)
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
def test_a_mismatch_of_interfaces_ends_every_command(user, half_updated, command):
    """With an old pipeline, each command prints only the mismatch and exits with 2."""
    code, output = _run_python(user, *command)

    assert code == 2, output
    assert output == MISMATCH.format(
        runtime=half_updated / RUNTIME, pipeline=half_updated / PACKAGE
    )


@pytest.mark.parametrize("folder", [PACKAGE, RUNTIME])
def test_rejected_changes_end_every_command(user, project, folder):
    """While a file of rejected changes exists, each command names it and exits with 2."""
    rejected = project / folder / "job.py.rej"
    rejected.write_text("", "utf-8")
    code, output = _run_python(user, *COMMANDS[0])

    assert code == 2, output
    assert output.startswith("WRONG  interface: ")
    assert str(rejected) in output
    assert len(output.splitlines()) == 1


def test_the_steps_of_the_mismatch_message_work(user, half_updated, next_template, tmp_path):
    """The printed steps update the pipeline as well, and keep the owner's edits."""
    _, output = _run_python(user, *COMMANDS[0])
    commands = re.findall(r"^     (git .+)$", output, re.MULTILINE)

    assert len(commands) == 3
    for command in commands:
        done = user.run("sh", "-c", f"cd {PROJECT} && {command}")
        assert done.returncode == 0, done.stdout + done.stderr
    assert _update(user)[0] == 0
    assert _status(half_updated) == {".cruft.json": " M"}
    assert _read_files(half_updated) == _make_fresh(tmp_path / "fresh", next_template)
    assert _run_python(user, "-m", "clickstream_metrics", "--help")[0] == 0
