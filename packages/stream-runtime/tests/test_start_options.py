"""Options of the first start that somebody changes later are reported, and nothing else."""

import logging
from types import SimpleNamespace

import pytest
import sample
from stream_runtime import config, manifest, run
from stream_runtime.doctor import _ignored_options
from stream_runtime.run import _admitted
from stream_runtime.start_options import ignored_options, start_options
from stream_runtime.storage import LocalStorage


class Source(sample.Source):
    """A source with start options."""

    starting_offsets: str = "earliest"
    starting_time: str | None = None


def source(**options):
    """Return a source whose start options are set."""
    return Source(bootstrap_servers="localhost:1", **options)


def started(root, *, batches=1, **options):
    """Return the manifest of a checkpoint that started with these options."""
    for batch in range(batches):
        root.write(f"stream/offsets/{batch}", "v1")
    return manifest.Manifest("id", {}, start_options([source(**options)]))


def warning(root, found, **options):
    """Return the warning of a start with these options."""
    return ignored_options(root, [source(**options)], found.start_options)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ({}, {}),
        ({}, {"starting_offsets": "earliest"}),
        ({"starting_time": "noon"}, {"starting_time": "noon"}),
        ({"starting_time": "noon"}, {}),
        ({"starting_offsets": "latest"}, {}),
    ],
)
def test_an_unchanged_or_removed_option_is_silent(tmp_path, first, later):
    """A second start with the same options, or after an option was removed, has no warning."""
    root = LocalStorage(tmp_path)

    assert warning(root, started(root, **first), **later) == ""


@pytest.mark.parametrize(
    ("first", "later", "before"),
    [
        ({}, {"starting_time": "noon"}, "None"),
        ({"starting_time": "dawn"}, {"starting_time": "noon"}, "dawn"),
        ({"starting_offsets": "latest"}, {"starting_offsets": "earliest"}, "latest"),
    ],
)
def test_a_changed_option_is_reported(tmp_path, first, later, before):
    """The warning names the option, both values, the batch, and the way that works."""
    root = LocalStorage(tmp_path)
    ((name, value),) = later.items()

    found = warning(root, started(root, batches=3, **first), **later)

    assert found.startswith(f"source.{name} = {value} (it was {before}) has no effect")
    assert "after batch 2" in found
    assert "set checkpoint.root and the sink's target" in found


def test_a_new_checkpoint_uses_its_options(tmp_path):
    """Before the first batch an option is not ignored."""
    root = LocalStorage(tmp_path)

    assert warning(root, started(root, batches=0), starting_time="noon") == ""


def test_the_first_start_records_its_options(tmp_path):
    """The manifest has them, later starts do not change them, and older manifests have none."""
    root = LocalStorage(tmp_path)
    options = start_options([source(starting_time="noon")])

    manifest.admit(root, {}, None, options)
    again = manifest.admit(root, {}, None, start_options([source()]))

    assert again.start_options == {
        "source.starting_offsets": "earliest",
        "source.starting_time": "noon",
    }
    root.write(manifest.MANIFEST, '{"checkpoint_id": "id", "fingerprint": {}}')
    root.write("stream/offsets/0", "v1")
    old = manifest.read_manifest(root)
    assert warning(root, old, starting_time="noon") == ""


class Settings(sample.Settings):
    """The settings of a job whose source has start options, and no server."""

    source: Source

    def check(self):
        """Ask no server."""


def test_a_start_and_doctor_report_it(tmp_path, monkeypatch, caplog):
    """Both find what the first start recorded; a start with the same options logs no warning."""
    monkeypatch.setattr(run.session, "build", lambda *_: None)
    monkeypatch.setattr(run.session, "close", lambda *_: None)
    monkeypatch.setattr(run, "query_fingerprint", lambda *_: {})
    job = SimpleNamespace(name="sample", stream=lambda *_: None)

    def start(*overrides):
        """Start the job, and return the warnings in the log and what doctor adds."""
        given = [f"checkpoint.root={tmp_path}", *overrides]
        settings = config.load(Settings, "dev", given, conf=sample.CONF)
        caplog.clear()
        with caplog.at_level(logging.WARNING), _admitted(job, settings):
            return caplog.messages, _ignored_options(None, settings)

    assert start("source.starting_time=dawn") == ([], "")
    LocalStorage(tmp_path).write("stream/offsets/0", "v1\n{}\n-")
    LocalStorage(tmp_path).write("stream/commits/0", "v1\n{}")
    LocalStorage(tmp_path).write("stream/metadata", '{"id": "0a1b"}')
    assert start("source.starting_time=dawn") == ([], "")
    (logged,), shown = start("source.starting_time=noon")
    assert logged == shown
    assert "source.starting_time = noon (it was dawn)" in shown
