"""Cruft creates and updates projects under the same rules."""

import json
import shlex

import pytest
from machine import assert_command_works, assert_refused, find_command, make_repository

UPDATE = ("cruft", "update", "-y", "-p", "clickstream-metrics", "--variables-to-update")


def created(user, template, answers):
    """Create a project with these answers, and commit it."""
    url = make_repository(user, template)
    words = ("cruft", "create", url, "-y", "--extra-context", json.dumps(answers))
    user.run(*words).check_returncode()
    user.commit(user.work / "clickstream-metrics")
    return user.work / "clickstream-metrics"


def stored(project):
    """Return the answers that cruft has stored."""
    return json.loads((project / ".cruft.json").read_text("utf-8"))["context"]["cookiecutter"]


def test_cruft_create_is_refused_without_a_traceback(user, template):
    """Cruft ends with the refusal and without a traceback."""
    url = make_repository(user, template)
    answers = json.dumps({"window": "session", "output_mode": "update", "sorce": "kafka"})
    result = user.run("cruft", "create", url, "--no-input", "--extra-context", answers)

    assert_refused(user, result, "session-no-update", "unknown-question")
    assert_command_works(user, result, "clickstream-metrics")


def test_cruft_update_refuses_and_leaves_the_project_alone(user, template):
    """Neither a new answer nor template code in the stored ones passes an update."""
    url = make_repository(user, template)
    user.run("cruft", "create", url, "--no-input").check_returncode()
    project = user.work / "clickstream-metrics"
    user.commit(project)
    words = ("cruft", "update", "-y", "-p", "clickstream-metrics", "--variables-to-update")
    result = user.run(*words, '{"sink": "files", "output_mode": "complete"}')

    assert_refused(user, result, "files-append-only", before=["clickstream-metrics"])
    assert_command_works(user, result, "clickstream-metrics")
    stored = project / ".cruft.json"
    stored.write_text(stored.read_text("utf-8").replace("Clickstream Metrics", "{{ 7 * 7 }}"))
    user.commit(project, "two")
    result = user.run(*words, '{"trigger": "available_now"}')
    assert_refused(user, result, "must not contain template markup", before=["clickstream-metrics"])


CHANGES = (
    # Stored before, changed by the update: both legal, their mixture is not.
    ({}, {"sink": "kafka", "output_mode": "update"}),
    ({"window": "session"}, {"window": "none", "state": "custom"}),
    (
        {"source": "auto_loader", "platform": "databricks"},
        {"source": "files", "platform": "kubernetes"},
    ),
    ({"window": "none", "join": "stream_left"}, {"window": "sliding", "join": "none"}),
)


@pytest.mark.parametrize(("before", "after"), CHANGES, ids=str)
def test_an_update_may_change_several_answers(user, template, before, after):
    """The old answers are rendered too, with the same command line: each set is validated alone."""
    project = created(user, template, before)
    result = user.run(*UPDATE, json.dumps(after))

    assert result.returncode == 0, result.stdout + result.stderr
    assert stored(project).items() >= after.items()


REFUSED = (
    # Stored before, typed, and what the printed command changes beside it.
    ({}, {"output_mode": "update"}, {"sink": "delta_merge"}),
    ({"window": "session"}, {"state": "custom"}, {"window": "none"}),
    ({"sink": "jdbc", "output_mode": "update"}, {"window": "session"}, {"output_mode": "append"}),
    (
        {"window": "none", "sink": "kafka"},
        {"outptu_mode": "complete", "sink": "console"},
        {"window": "tumbling"},
    ),
)


@pytest.mark.parametrize(("before", "typed", "change"), REFUSED, ids=str)
def test_a_refused_update_keeps_what_was_typed(user, template, before, typed, change):
    """The printed command has the typed answers and the necessary changes, and no others."""
    project = created(user, template, before)
    result = user.run(*UPDATE, json.dumps(typed))
    assert_refused(user, result, before=["clickstream-metrics"])
    named = json.loads(shlex.split(find_command(result))[-1])
    assert_command_works(user, result, "clickstream-metrics")

    meant = {key.replace("outptu", "output"): value for key, value in typed.items()}
    assert named == {**meant, **change}
    assert stored(project).items() >= {**before, **meant, **change}.items()


def test_an_update_with_questions_validates_each_set_alone(user, template):
    """An update with questions validates stored and new answers separately."""
    project = created(user, template, {"window": "session"})
    words = ("cruft", "update", "-iy", "-p", "clickstream-metrics", "--variables-to-update")
    after = {"window": "none", "sink": "kafka", "output_mode": "update"}
    result = user.run(*words, json.dumps(after), typed="\n" * 13)

    assert result.returncode == 0, result.stdout + result.stderr
    assert stored(project).items() >= after.items()


def test_an_update_with_questions_starts_from_stored_answers(user, template):
    """Enter at each question of the printed command accepts it, for any stored answers."""
    project = created(user, template, {"window": "none", "state": "custom", "sink": "kafka"})
    words = ("cruft", "update", "-iy", "-p", "clickstream-metrics")
    first_value_of_window = "\n" * 6 + "2\n" + "\n" * 6
    result = user.run(*words, typed=first_value_of_window)
    assert_refused(user, result, "custom-no-window", before=["clickstream-metrics"])
    again = user.run("sh", "-c", find_command(result), typed="\n" * 13)

    assert again.returncode == 0, again.stdout + again.stderr
    assert stored(project)["sink"] == "kafka"


def test_cruft_and_cookiecutter_make_the_same_project(user, template):
    """The trees are equal, apart from cruft's own file."""
    url = make_repository(user, template)
    user.run("cruft", "create", url, "--no-input", "--output-dir", "a").check_returncode()
    user.run("cookiecutter", url, "--no-input", "-o", "b").check_returncode()

    def tree(name):
        root = user.work / name
        files = (path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root): path.read_bytes() for path in files}

    ours = {path: text for path, text in tree("a").items() if path.name != ".cruft.json"}
    assert ours == tree("b")


def test_an_update_reads_the_new_rules(user, template):
    """Cruft renders two versions in one process; each one is validated by its own rules."""
    url = make_repository(user, template)
    user.run("cruft", "create", url, "--no-input").check_returncode()
    project = user.work / "clickstream-metrics"
    user.commit(project)
    plan = user.home / "stream-template" / "stream_template_rules" / "plan.py"
    plan.write_text(plan.read_text("utf-8").replace('VERSION = "0.1.0"', 'VERSION = "0.1.1"'))
    user.commit(user.home / "stream-template", "two")
    result = user.run("cruft", "update", "-y", "-p", "clickstream-metrics")

    assert result.returncode == 0, result.stdout + result.stderr
    assert 'version = "0.1.1"' in (project / "pyproject.toml").read_text("utf-8")
