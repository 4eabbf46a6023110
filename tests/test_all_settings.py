"""Each setting of every project: what is refused, and what the refusal does not show."""

import pytest
from pydantic import BaseModel, SecretStr
from stream_runtime.config import PREFIX, load, to_timedelta
from stream_runtime.errors import ConfigError

from tests import variants
from tests.examples import bake
from tests.matrix import import_project

CHOSEN = variants.choose_each_value(variants.list_all())
PACKAGE = "all_settings"
CANARY = "hunter2.example"
"""A password that looks like a placeholder of conf/prod.toml."""


@pytest.fixture(scope="module", params=CHOSEN, ids=variants.format_name, name="read")
def _read(request, tmp_path_factory):
    """Provide a function that loads the settings of a project; `settings` is their class."""
    folder, slug = tmp_path_factory.mktemp("project"), PACKAGE.replace("_", "-")
    answers = variants.complete(request.param)
    project = bake(folder, hooks=False, project_slug=slug, **answers)

    with import_project(project, PACKAGE) as imported:
        settings = imported(".settings").Settings

        def read(*overrides, conf=project / "conf"):
            return load(settings, "dev", overrides, conf=conf)

        read.settings = settings
        yield read


def list_keys(table, *above):
    """Yield each key of a table and of the tables in it, with its field."""
    for name, field in table.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from list_keys(kind, *above, name)
        else:
            yield (*above, name), field


def is_duration(text):
    """Return whether a default is a duration."""
    try:
        return bool(to_timedelta(text))
    except (TypeError, AttributeError, ValueError):
        return False


def find_problem(read, *overrides, **where):
    """Return the message of a refusal, or "" for accepted settings."""
    try:
        read(*overrides, **where)
    except ConfigError as error:
        return str(error)
    return ""


def test_each_duration_is_checked(read):
    """A duration that is none, or longer than timestamps allow, is refused at the start."""
    keys = [".".join(key) for key, field in list_keys(read.settings) if is_duration(field.default)]

    assert {"lifecycle.drain", "lifecycle.backoff", "events.max_ahead"} <= set(keys)
    for key in keys:
        for text in ("soon", "365001 days", ""):
            assert f"--set {key}: {key} = {text!r}: it is" in find_problem(read, f"{key}={text}")


def test_a_refused_variable_is_not_shown(read, monkeypatch):
    """A variable may have a secret that belongs to another setting, or a misspelt name."""
    fields = dict(list_keys(read.settings))
    tables = {key[:end] for key in fields for end in range(1, len(key))}
    misspelt = {name for key in fields for name in ((*key, "x"), (*key[:-1], f"{key[-1]}x"))}
    refused = 0
    for name in (*fields, *tables, *misspelt):
        variable = PREFIX + "__".join(name).upper()
        monkeypatch.setenv(variable, CANARY)
        shown = find_problem(read)
        refused += bool(shown)
        assert CANARY not in shown, variable
        monkeypatch.delenv(variable)

    assert refused > len(misspelt)


def test_a_secret_in_a_file_is_not_shown(read, tmp_path, monkeypatch):
    """A secret is not shown if its key, its type or its place is wrong."""
    secrets = {key for key, field in list_keys(read.settings) if field.annotation is SecretStr}
    (tmp_path / "base.toml").touch()
    lines = ("{} = '{}'", "{}x = '{}'", "{} = ['{}']", "{}.x = '{}'", "{} = {}", "{}:'{}'")
    for key in map(".".join, secrets):
        for line in lines:
            (tmp_path / "dev.toml").write_text(line.format(key, CANARY), "utf-8")
            shown = find_problem(read, conf=tmp_path)
            assert "dev.toml" in shown
            assert CANARY not in shown, line
        for sign in ("=", "x=", ":", ".x=", "["):
            assert CANARY not in find_problem(read, f"{key}{sign}{CANARY}"), sign
        monkeypatch.setenv(PREFIX + key.replace(".", "__").upper(), "hunter2")
        # Some settings refuse a secret that they do not use.
        assert "hunter2" not in (find_problem(read) or repr(read()))
