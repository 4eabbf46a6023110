"""The workflow of a project: what CI checks, and with which rights."""

import re

import yaml

from tests.examples import ROOT

WORKFLOW = ROOT / "{{cookiecutter.project_slug}}/.github/workflows/ci.yml"


def test_a_vulnerability_does_not_stop_the_tests():
    """Two jobs, neither of which waits for the other: one runs tests, one asks for advisories."""
    jobs = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]

    assert jobs.keys() == {"test", "audit"}
    assert not any("needs" in job for job in jobs.values())


def test_each_tool_and_action_has_an_exact_version():
    """A new version of a tool or an action cannot change the result of a commit."""
    text = WORKFLOW.read_text("utf-8")
    actions = re.findall(r"uses: \S+@(\S+)", text)
    tools = re.findall(r"pip install (.*)", text)

    assert actions
    assert all(re.fullmatch("[0-9a-f]{40}", version) for version in actions)
    assert all(re.fullmatch(r"[a-z-]+==[0-9.]+", tool) for tool in tools)
    assert tools


def test_jobs_can_only_read():
    """A job has no right but to read the repository, and keeps no credentials."""
    workflow = yaml.safe_load(WORKFLOW.read_text("utf-8"))

    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert job["steps"][0]["with"] == {"persist-credentials": False}
