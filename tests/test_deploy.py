"""The files in deploy/ for one machine: what the job may write, and what it may not."""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.examples import bake

FROM_FILES = {"source": "files", "sink": "files", "window": "none"}


def read_compose(folder, answers):
    """Bake a project; return its service `job` in compose.yml, and its Dockerfile."""
    deploy = bake(folder, hooks=False, **answers) / "deploy"
    services = yaml.safe_load((deploy / "compose.yml").read_text("utf-8"))["services"]
    return services["job"], (deploy / "Dockerfile").read_text("utf-8")


def test_a_container_can_write_in_the_folder_of_its_user(tmp_path):
    """A job that shares build/ with this machine runs as the owner of that folder."""
    job, dockerfile = read_compose(tmp_path, FROM_FILES)
    last = dockerfile.rpartition("\nFROM ")[2]

    assert job["volumes"] == ["../build:/app/build"]
    assert "USER_ID=${USER_ID:-1000}" in job["build"]["args"]
    assert re.search(r"ARG USER_ID=10001\nRUN useradd --uid \"\$USER_ID\"", last)
    assert "\nUSER $USER_ID\n" in last


def test_a_container_with_a_volume_has_its_own_user(tmp_path):
    """Without a shared folder, the user of the image owns the volume."""
    job, _ = read_compose(tmp_path, {})

    assert job["volumes"] == ["job:/app/build"]
    assert not any(argument.startswith("USER_ID") for argument in job["build"]["args"])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd")
@pytest.mark.parametrize("key", ["NoNewPrivileges", "NoNewPrivilege"])
def test_systemd_knows_each_key_of_the_service(tmp_path, key):
    """A misspelt key is ignored, and with it the protection; the check of systemd finds one."""
    service = bake(tmp_path, hooks=False) / "deploy/stream.service"
    text = service.read_text("utf-8")
    assert text.count("NoNewPrivileges=yes") == 1
    service.write_text(text.replace("NoNewPrivileges", key), "utf-8")

    done = subprocess.run(
        ["systemd-analyze", "verify", service], capture_output=True, text=True, check=False
    )

    # The machine has no job to start, so the check always ends with another message.
    assert "submit.sh is not executable" in done.stderr
    assert ("Unknown key" in done.stderr) == (key == "NoNewPrivilege")


@pytest.mark.parametrize(
    ("command", "master"),
    [("run", "yarn"), ("stop", "local[1]"), ("status", "local[1]"), ("doctor", "local[1]")],
)
def test_only_a_run_waits_for_the_cluster(tmp_path, command, master):
    """If the job has all of the cluster, it can still be stopped and examined."""
    submit = tmp_path / "spark/bin/spark-submit"
    submit.parent.mkdir(parents=True)
    submit.write_text('#!/bin/sh\necho "$@"\n', "utf-8")
    submit.chmod(0o755)
    script = bake(tmp_path, hooks=False) / "deploy/submit.sh"
    found = {"SPARK_HOME": str(tmp_path / "spark"), "SPARK_MASTER": "yarn", "PATH": "/usr/bin:/bin"}

    done = subprocess.run([script, command], env=found, capture_output=True, text=True, check=True)

    assert done.stdout.startswith(f"--master {master} ")
    assert done.stdout.endswith(f"deploy/main.py {command}\n")
