"""A bake over a folder that exists changes nothing in it that this bake did not write."""

import json
import shutil
from pathlib import Path

import pytest
from machine import assert_command_works, assert_refused, make_repository

from stream_template_rules.commandline import may_exist, output_folder
from stream_template_rules.names import MAX_SLUG, numbered_slugs, slug_violations
from tests.examples import ROOT, read_tree

PROJECT = "clickstream-metrics"
BAKE = ("--no-input", "--overwrite-if-exists")


def bake(user, template, *words):
    """Run cookiecutter over what is there."""
    return user.run("cookiecutter", str(template), *BAKE, *words)


def snapshot(folder):
    """Everything in a folder: files by their bytes, links by their targets, folders."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


@pytest.fixture(name="project")
def _project(user, template):
    """A project that was just made."""
    bake(user, template).check_returncode()
    return user.work / PROJECT


def fill(project):
    """Put in a folder what the folders of people hold."""
    files = {
        "chart/templates/job.yaml": "name: {{ .Values.name }}\n{{- if .x }}\n",
        "build/demo/x.json": '{"a": 1}\n{"a": 2}\n',
        "legacy/old.py": "print 'x'\n",
        "src/clickstream_metrics/__pycache__/job.pyc": "x",
        ".venv/lib/broken.toml": "= 1",
        "binary.json": "\0\1",
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, "utf-8")
    for folder in ("data/incoming", "empty/inside", ".git/refs/tags", ".git/objects/pack"):
        (project / folder).mkdir(parents=True)
    (project / "link").symlink_to("nowhere")
    (project / "outside").symlink_to(project.parent)


def test_a_second_bake_changes_nothing(user, template, project):
    """The same answers over the same project succeed, and leave all that is beside its files."""
    fill(project)
    before = snapshot(project)

    again = bake(user, template)

    assert again.returncode == 0, again.stdout + again.stderr
    assert snapshot(project) == before


def test_a_fresh_repository_gets_a_project(user, template):
    """`git clone` of an empty repository and a bake into it: the repository is whole."""
    user.run("git", "init", "-q", "--bare", "remote.git").check_returncode()
    user.run("git", "clone", "-q", "remote.git", PROJECT).check_returncode()
    before = snapshot(user.work / PROJECT)

    made = bake(user, template)

    assert made.returncode == 0, made.stdout + made.stderr
    status = user.run("git", "-C", PROJECT, "status", "--short")
    assert status.returncode == 0, status.stderr
    assert "pyproject.toml" in status.stdout
    assert snapshot(user.work / PROJECT).items() >= before.items()


def test_folders_that_get_no_file_are_not_left(user, template):
    """Only Databricks projects lack the folder of monitoring; an own empty one stays."""
    (user.work / PROJECT / "conf").mkdir(parents=True)

    bake(user, template, "platform=databricks").check_returncode()

    assert not (user.work / PROJECT / "monitoring").exists()
    assert (user.work / PROJECT / "conf").is_dir()


def test_an_own_empty_folder_of_the_same_name_stays(user, template):
    """An empty folder of the user stays, even if the bake writes no file into it."""
    (user.work / PROJECT / "monitoring").mkdir(parents=True)

    bake(user, template, "platform=databricks").check_returncode()

    assert (user.work / PROJECT / "monitoring").is_dir()


def test_edited_files_are_not_overwritten(user, template, project):
    """Edited files are named before anything is written."""
    (project / "pyproject.toml").open("a", encoding="utf-8").write("# mine\n")
    (project / ".github/workflows/ci.yml").write_text("mine", "utf-8")
    (project / "lib/stream_runtime/copied.py").write_text("mine", "utf-8")
    (project / "src/clickstream_metrics/__init__.py").unlink()
    before = snapshot(project)

    result = bake(user, template)

    assert_refused(user, result, "folder-taken", before=[PROJECT])
    assert (
        ".github/workflows/ci.yml, pyproject.toml, lib/stream_runtime/copied.py." in result.stdout
    )
    assert "Nothing was written." in result.stdout
    assert "To update the project: cruft link" in result.stdout
    assert snapshot(project) == before


@pytest.mark.parametrize("option", ["--skip-if-file-exists", "-s", "-fs"])
def test_edited_files_are_kept_on_request(user, template, project, option):
    """With this option missing files are written and existing ones are kept."""
    (project / "pyproject.toml").write_text("not = [toml", "utf-8")
    (project / ".github/workflows/ci.yml").write_text("mine", "utf-8")
    runtime = project / "lib/stream_runtime/copied.py"
    fresh = runtime.read_text("utf-8")
    runtime.unlink()
    before = snapshot(project)

    result = bake(user, template, option)

    assert result.returncode == 0, result.stdout + result.stderr
    assert runtime.read_text("utf-8") == fresh
    runtime.unlink()
    assert snapshot(project) == before


def test_an_edited_copy_of_a_package_is_kept(user, template, project):
    """The hook after generation copies no file that stays."""
    (project / "lib/stream_runtime/copied.py").write_text("mine", "utf-8")
    before = snapshot(project)

    result = bake(user, template, "--skip-if-file-exists")

    assert result.returncode == 0, result.stdout + result.stderr
    assert snapshot(project) == before


def test_a_bake_completes_an_interrupted_one(user, template, project):
    """The file that was being written is empty then; it is written, and nothing is refused."""
    written = snapshot(project)
    for name in ("pyproject.toml", "lib/stream_runtime/copied.py"):
        (project / name).write_bytes(b"")
    (project / ".github/workflows/ci.yml").unlink()

    result = bake(user, template)

    assert result.returncode == 0, result.stdout + result.stderr
    assert snapshot(project) == written


def test_a_repository_with_other_files_is_refused(user, template):
    """A repository with other files, such as a README, is refused."""
    folder = user.work / PROJECT
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\n", "utf-8")

    assert_refused(user, bake(user, template), "folder-taken", "pyproject.toml", before=[PROJECT])
    assert snapshot(folder) == {"pyproject.toml": b"[project]\n"}


def test_a_project_of_other_answers_is_recognised(user, template, project):
    """The refusal says which ones, and how to change them; edits are not what is wrong."""
    before = snapshot(project)

    result = bake(user, template, "sink=kafka", "output_mode=update")

    assert_refused(user, result, "other-project", before=[PROJECT])
    assert "generated with other answers: sink=delta, output_mode=append." in result.stdout
    assert snapshot(project) == before


def test_how_to_change_answers_is_a_command_that_works(user, template):
    """The command in the refusal, run in the project, changes the answers."""
    url = make_repository(user, template)
    user.run("cruft", "create", url, "--no-input").check_returncode()
    user.commit(user.work / PROJECT)
    result = user.run("cookiecutter", url, *BAKE, "sink=kafka")
    _, _, command = result.stdout.partition("run in it: ")

    changed = user.run("sh", "-c", f"cd {PROJECT} && {command.splitlines()[0]} -y")

    assert changed.returncode == 0, changed.stdout + changed.stderr
    stored = json.loads((user.work / PROJECT / ".cruft.json").read_text("utf-8"))
    assert stored["context"]["cookiecutter"]["sink"] == "kafka"


def test_links_are_not_followed_to_other_folders(user, template, project):
    """A file of the project must not be written to where a link leads."""
    elsewhere = user.home / "elsewhere"
    shutil.move(project / "src", elsewhere)
    (project / "src").symlink_to(elsewhere)
    (elsewhere / "clickstream_metrics/__init__.py").unlink()
    (project / "monitoring/alerts.yml").unlink()
    (project / "monitoring/alerts.yml").symlink_to(user.home / "not-there")

    for words in ((), ("--skip-if-file-exists",)):
        result = bake(user, template, *words)

        assert_refused(user, result, "folder-blocked", before=[PROJECT])
        assert "prevents writing: monitoring/alerts.yml, src." in result.stdout
    assert not (user.home / "not-there").exists()
    assert not (elsewhere / "clickstream_metrics/__init__.py").exists()


def test_a_file_in_the_way_of_a_folder_is_named(user, template):
    """A file at the path of a folder is named, and so is a folder at the path of a file."""
    folder = user.work / PROJECT
    (folder / "pyproject.toml").mkdir(parents=True)
    (folder / "src").write_text("x", "utf-8")

    result = bake(user, template)

    assert_refused(user, result, "folder-blocked", before=[PROJECT])
    assert "prevents writing: pyproject.toml, src." in result.stdout
    assert "Traceback" not in result.stderr
    assert (folder / "src").read_text("utf-8") == "x"


def test_without_leave_to_overwrite_nothing_is_touched(user, template, project):
    """A folder that exists is refused, and the printed command makes another project."""
    before = snapshot(project)

    result = user.run("cookiecutter", str(template), "--no-input", "sink=kafka")

    assert_refused(user, result, "folder-exists", "with a project of this", before=[PROJECT])
    assert_command_works(user, result, f"{PROJECT}-2")
    assert snapshot(project) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("cookiecutter --no-input -o out", ["project_slug=orders"]),
        ("cruft create -y --output-dir=out", ["--extra-context", '{"project_slug": "orders"}']),
    ],
)
def test_the_folder_is_looked_for_where_it_would_be_made(user, template, before, after):
    """The check reads the option for the output folder of each program."""
    (user.work / "orders").mkdir()
    words = (*before.split(), make_repository(user, template), *after)

    user.run(*words).check_returncode()
    again = user.run(*words)

    assert_refused(user, again, "folder-exists", "out/orders", before=["orders", "out"])
    assert_command_works(user, again, "out/orders-2")


def test_a_free_slug_is_legal():
    """The proposed slug keeps the limit of its length and has single hyphens."""
    slug = f"{'a' * (MAX_SLUG - 3)}-bc"

    assert slug_violations(next(numbered_slugs(slug))) == []


def test_other_programs_check_no_folder():
    """An update, and a program that calls cookiecutter, make no folder of a new project."""
    lines = (["cruft", "update"], ["cruft", "diff"], ["pytest"])

    assert [output_folder(line) for line in lines] == [None] * len(lines)
    assert output_folder(["cookiecutter", "-o", "x", "t"]) == Path("x")


@pytest.mark.parametrize(
    ("words", "expected"), [("-o x t", False), ("-fo x t", True), ("--overwrite-if-exists t", True)]
)
def test_an_option_allows_a_folder_that_exists(words, expected):
    """The check reads the option in each of its forms."""
    assert may_exist(["cookiecutter", *words.split()]) == expected


@pytest.mark.parametrize("option", [(), ("-f",), ("-f", "-s")], ids="-".join)
@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_name_that_is_no_folder_is_refused(user, template, option, kind):
    """A file, or a link to nothing, of the project's name is named, and stays as it is."""
    path = user.work / "clickstream-metrics"
    if kind == "file":
        path.write_text("mine", "utf-8")
    else:
        path.symlink_to("nowhere")

    done = user.run("cookiecutter", "--no-input", *option, str(template))

    assert_refused(user, done, "folder-exists", "is no folder", before=["clickstream-metrics"])
    assert path.is_symlink() if kind == "link" else path.read_text("utf-8") == "mine"


def test_the_real_template_is_the_same_over_itself(user):
    """A second bake of the real template changes no file, including packages and workflows."""
    for _ in range(2):
        result = user.run("cookiecutter", str(ROOT), *BAKE)
        assert result.returncode == 0, result.stdout + result.stderr

    assert len(read_tree(user.work / PROJECT)) > 90
