"""Cruft creates and updates projects under the same rules."""

import json

from machine import goes_on, refused, repository


def test_cruft_create_refuses_in_words(user, template):
    """Cruft knows no refusals, but ends without a traceback all the same."""
    url = repository(user, template)
    answers = json.dumps({"window": "session", "output_mode": "update", "sorce": "kafka"})
    result = user.run("cruft", "create", url, "--no-input", "--extra-context", answers)

    refused(user, result, "session-no-update", "unknown-question")
    goes_on(user, result, "clickstream-metrics")


def test_cruft_update_refuses_and_leaves_the_project_alone(user, template):
    """Neither a new answer nor template code in the stored ones passes an update."""
    url = repository(user, template)
    user.run("cruft", "create", url, "--no-input").check_returncode()
    project = user.work / "clickstream-metrics"
    user.commit(project)
    words = ("cruft", "update", "-y", "-p", "clickstream-metrics", "--variables-to-update")
    result = user.run(*words, '{"sink": "files", "output_mode": "complete"}')

    refused(user, result, "files-append-only", before=["clickstream-metrics"])
    goes_on(user, result, "clickstream-metrics")
    stored = project / ".cruft.json"
    stored.write_text(stored.read_text("utf-8").replace("Clickstream Metrics", "{{ 7 * 7 }}"))
    user.commit(project, "two")
    result = user.run(*words, '{"trigger": "available_now"}')
    refused(user, result, "Template markup is no answer", before=["clickstream-metrics"])


def test_cruft_and_cookiecutter_make_the_same_project(user, template):
    """The trees are equal, apart from cruft's own file."""
    url = repository(user, template)
    user.run("cruft", "create", url, "--no-input", "--output-dir", "a").check_returncode()
    user.run("cookiecutter", url, "--no-input", "-o", "b").check_returncode()

    def tree(name):
        root = user.work / name
        files = (path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root): path.read_bytes() for path in files}

    ours = {path: text for path, text in tree("a").items() if path.name != ".cruft.json"}
    assert ours == tree("b")


def test_an_update_reads_the_new_rules(user, template):
    """Cruft renders two versions in one process; each one is judged by its own rules."""
    url = repository(user, template)
    user.run("cruft", "create", url, "--no-input").check_returncode()
    project = user.work / "clickstream-metrics"
    user.commit(project)
    plan = user.home / "stream-template" / "stream_template_rules" / "plan.py"
    plan.write_text(plan.read_text("utf-8").replace('VERSION = "0.1.0"', 'VERSION = "0.1.1"'))
    user.commit(user.home / "stream-template", "two")
    result = user.run("cruft", "update", "-y", "-p", "clickstream-metrics")

    assert result.returncode == 0, result.stdout + result.stderr
    assert 'version = "0.1.1"' in (project / "pyproject.toml").read_text("utf-8")
