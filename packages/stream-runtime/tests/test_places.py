"""Folders of the settings: each that the job writes is its own, and no root of a file system."""

import pytest
from sample import CONF, Settings, load
from sample import Sink as AnySink
from stream_runtime import config
from stream_runtime.config import Location
from stream_runtime.errors import ConfigError


class Sink(AnySink):
    """A sink with a folder."""

    path: Location


class Source(Settings.model_fields["source"].annotation):
    """A source with a folder."""

    path: Location | None = None


class Pipeline(Settings):
    """Settings in which each kind of system has a folder."""

    source: Source
    right: Source
    sink: Sink


PLACES = {
    "source.path": "/in/events",
    "right.path": "/in/right",
    "right.bootstrap_servers": "h:1",
    "sink.path": "/out/result",
    "checkpoint.root": "/state/checkpoint",
    "quarantine.path": "/out/quarantine",
    "metrics.log": "/var/metrics",
    "session.log_config": "/etc/log4j2.properties",
}


def read(**places):
    """Load settings with these places, whose keys have an underscore instead of the dot."""
    changed = {key.replace("_", ".", 1): value for key, value in places.items()}
    overrides = [f"{key}={value}" for key, value in (PLACES | changed).items()]
    return config.load(Pipeline, "dev", overrides, conf=CONF)


def test_places_that_are_apart_are_accepted():
    """Folders beside each other are accepted, also if the name of one begins like the other's."""
    read(checkpoint_root="/out/result_v2", sink_path="s3a://a/out", quarantine_path="s3a://b/out")


@pytest.mark.parametrize(
    ("checkpoint", "other", "relation"),
    [
        ("/out/result", {}, "it is also sink.path"),
        ("/out/result/_checkpoint", {}, "it is inside sink.path"),
        ("/out", {}, "it contains sink.path"),
        ("/in/events", {}, "it is also source.path"),
        ("/in/right/x", {}, "it is inside right.path"),
        ("/out/quarantine/", {}, "it is also quarantine.path"),
        ("/var", {}, "it contains metrics.log"),
        ("/etc", {}, "it contains session.log_config"),
        ("file:///out/result", {}, "it is also sink.path"),
        ("/out/x/../result", {}, "it is also sink.path"),
        ("s3a://b/out", {"sink_path": "s3a://b/out/"}, "it is also sink.path"),
        ("s3a://b//out/./x", {"sink_path": "s3a://b/out"}, "it is inside sink.path"),
        ("hdfs:/a", {"quarantine_path": "hdfs:/a/b"}, "it contains quarantine.path"),
    ],
)
def test_a_checkpoint_has_a_folder_of_its_own(checkpoint, other, relation):
    """A checkpoint that shares a folder is refused: one of the two would be deleted or read."""
    with pytest.raises(ConfigError, match=f"--set checkpoint.root: checkpoint.root: {relation}"):
        read(checkpoint_root=checkpoint, **other)


@pytest.mark.parametrize(
    "places",
    [
        {"quarantine_path": "/in/events/bad"},
        {"sink_path": "/in"},
        {"metrics_log": "/out/result/metrics"},
        {"sink_path": "/out/quarantine"},
    ],
)
def test_what_the_job_writes_has_a_folder_of_its_own(places):
    """A source would read what the job writes there, or readers of the result would."""
    with pytest.raises(ConfigError, match="name another folder"):
        read(**places)


def test_two_inputs_may_share_a_folder():
    """A job only reads its inputs: they may share a folder, with other patterns of file names."""
    read(right_path="/in/events")


def test_a_link_is_followed(tmp_path):
    """A link to a folder is that folder."""
    (tmp_path / "link").symlink_to("/out/result")

    with pytest.raises(ConfigError, match="it is also sink"):
        read(checkpoint_root=tmp_path / "link")


@pytest.mark.parametrize(
    "root",
    ["/", "//", "file:/", "file:///", "/a/..", "hdfs:/", "hdfs://n", "hdfs://n/", "s3a://b/."],
)
def test_a_checkpoint_is_no_root_of_a_file_system(root):
    """The root of a file system has other files, and a migration deletes the old checkpoint."""
    with pytest.raises(ConfigError, match="it is the root of a file system: name a folder"):
        load(f"checkpoint.root={root}")


@pytest.mark.parametrize("log", ["", "s3a://b/log", "file:/log"])
def test_the_metrics_log_is_a_file_of_this_machine(log):
    """A URI is refused: Python would write a folder with the name of its scheme."""
    with pytest.raises(ConfigError, match=r"metrics.log = .*: it is"):
        load(f"metrics.log={log}")
