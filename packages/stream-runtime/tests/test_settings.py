"""The layers of the configuration, and errors that name file, key and the closest valid key."""

from datetime import timedelta

import pytest
import sample
from sample import CONF, load
from stream_runtime.cli import main
from stream_runtime.config import Duration, DurationOrZero, Table, to_timedelta
from stream_runtime.errors import ConfigError


def problem(*overrides, env="dev"):
    """Return the message of the configuration error."""
    with pytest.raises(ConfigError) as caught:
        load(*overrides, env=env)
    return str(caught.value)


def test_stronger_layers_override_weaker_ones(monkeypatch):
    """The command line overrides the environment, which overrides the files."""
    monkeypatch.setenv("STREAM__EVENTS__MAX_AHEAD", "1 hour")

    assert load().events.max_ahead == "1 hour"
    assert load("events.max_ahead=2 hours").events.max_ahead == "2 hours"


def test_a_misspelt_key_is_refused():
    """A misspelt key is refused with its file and the closest valid key."""
    text = problem("events.max_ahed=1 hour")

    assert "--set events.max_ahed: max_ahed is no key of [events]; did you mean max_ahead?" in text


def test_a_misspelt_environment_variable_is_refused(monkeypatch):
    """An environment variable with the prefix that names no setting is refused."""
    monkeypatch.setenv("STREAM__EVENS__MAX_AHEAD", "1 hour")

    assert "STREAM__EVENS__MAX_AHEAD: evens is no table; did you mean events?" in problem()


def test_one_message_lists_all_errors():
    """One message lists all errors of the configuration."""
    text = problem("events.max_ahead=5", "lifecycle.drain=soon", "state.partitions=0")

    assert "3 problem(s)" in text
    assert "events.max_ahead = '5': it is not a duration" in text
    assert "lifecycle.drain = 'soon': it is not a duration" in text
    assert "state.partitions = '0'" in text


def test_an_unknown_environment_lists_the_known_ones():
    """The refusal of an unknown environment lists the known ones."""
    assert "known environments: dev, prod" in problem(env="live")


def test_placeholders_are_refused_in_production():
    """The example's addresses are refused in production."""
    assert f"{CONF}/prod.toml: checkpoint.root still is the example" in problem(env="prod")


def test_a_local_checkpoint_is_refused_in_prod():
    """A checkpoint on the driver's disk is refused in production, because it can be lost."""
    text = problem("checkpoint.root=/var/checkpoint", env="prod")

    assert "--set checkpoint.root: checkpoint.root = '/var/checkpoint'" in text
    assert "must outlive its machine" in text
    assert "set checkpoint.shared_mount to true" in text


def test_a_shared_mount_is_allowed_by_its_key():
    """A key allows a checkpoint on a mounted folder, because only its owner knows what it is."""
    allowed = ("source.bootstrap_servers=h:1", "quarantine.path=/q", "checkpoint.root=/mnt/a")

    settings = load(*allowed, "checkpoint.shared_mount=true", env="prod")

    assert settings.checkpoint.root == "/mnt/a"
    assert settings.has_lock


def test_late_events_need_a_source_that_can_be_read_again(monkeypatch):
    """Quarantine cannot have the late events of a source without batch replays."""
    assert sample.load("quarantine.late=true").quarantine.late
    monkeypatch.setattr(sample.Source, "REPLAYABLE", False)

    found = problem("quarantine.late=true")

    assert "quarantine.late" in found
    assert "cannot be read a second time" in found


def test_an_error_ends_the_command(capsys):
    """A configuration error is a message without a traceback, and exit code 2."""
    arguments = ["run", "--conf", str(CONF), "--set", "events.max_ahead=5"]

    assert main(sample.JOB, arguments) == 2
    assert "is not a duration" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("5 minutes", timedelta(minutes=5)),
        ("1 second", timedelta(seconds=1)),
        ("36 hours", timedelta(hours=36)),
        ("2 weeks", timedelta(weeks=2)),
        ("200 milliseconds", timedelta(milliseconds=200)),
        ("5 min", timedelta(minutes=5)),
        ("5 mins", timedelta(minutes=5)),
        ("1h", timedelta(hours=1)),
        (" 30S ", timedelta(seconds=30)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, meaning):
    """A duration is a number and a unit, also in the short form that people write."""
    assert to_timedelta(text) == meaning


class Times(Table):
    """Two durations, one of which may be zero."""

    wait: Duration = "1 day"
    pause: DurationOrZero = "1 day"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("5", "is not a duration"),
        ("minutes", "is not a duration"),
        ("1 month", "is not a duration"),
        ("-1 hours", "is not a duration"),
        ("1.5 hours", "is not a duration"),
        ("0 minutes", "write a number above 0"),
        ("99999999999999 weeks", "longer than 365,000 days"),
        ("365001 days", "longer than 365,000 days"),
    ],
)
def test_another_text_is_no_duration(text, problem):
    """A text that Spark would read differently, or not at all, is refused as a duration."""
    with pytest.raises(ValueError, match=problem):
        Times(wait=text)


def test_spark_gets_a_duration_that_it_can_read():
    """A short form is spelt out, because Spark does not read it; zero is possible for a pause."""
    times = Times(wait="5 min", pause="0s")

    assert (times.wait, times.pause) == ("5 minutes", "0 seconds")
