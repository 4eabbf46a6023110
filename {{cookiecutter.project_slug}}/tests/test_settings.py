"""The configuration of each environment."""

import pytest
from stream_runtime.config import load
from stream_runtime.errors import ConfigError

from {{ cookiecutter.__package }}.settings import Settings


def problem(*overrides):
    """Return the message of the configuration error."""
    with pytest.raises(ConfigError) as caught:
        load(Settings, "dev", overrides)
    return str(caught.value)


def test_a_misspelt_key_is_refused():
    """The error names the setting and the closest valid key."""
    text = problem("events.max_ahed=1 hour")

    assert "max_ahed is no key of [events]; did you mean max_ahead?" in text


@pytest.mark.parametrize("env", ["staging", "prod"])
def test_each_key_of_an_environment_is_known(env):
    """No key in its file is misspelt; only its machines may have its secrets and addresses."""
    try:
        load(Settings, env)
    except ConfigError as error:
        text = str(error)
        assert "is no key of" not in text
        assert "is not valid TOML" not in text
{% if cookiecutter.window == "sliding" %}


def test_windows_leave_no_gap():
    """A slide longer than the window is refused: events in the gap would belong to no window."""
    assert "slide is longer than duration" in problem("window.slide=11 minutes")
{% endif %}
{% if cookiecutter.window in ("tumbling", "sliding") %}


def test_a_long_offset_is_refused():
    """An offset of {{ "`window.slide`" if cookiecutter.window == "sliding" else "`window.duration`" }} or more is refused: a shorter one gives the same windows."""
    assert "offset must be shorter than" in problem("window.offset=1 hour")
{% endif %}
