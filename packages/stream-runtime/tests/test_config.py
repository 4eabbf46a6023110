"""Secrets and folders in the configuration, and messages that name the layer of a value."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from stream_runtime.config import Location, Secret, Table, load
from stream_runtime.errors import ConfigError

VARIABLE = "STREAM__SERVER__PASSWORD"


class Server(Table):
    """A table with a secret."""

    password: Secret = SecretStr("")
    folder: Location = "build"


class Settings(Table):
    """Settings with one table, one key without a default, and one table that may be absent."""

    name: str
    server: Server = Server()


@pytest.fixture(name="read")
def _read(tmp_path, monkeypatch):
    """Return a function that loads settings from a folder whose `dev.toml` has these lines."""
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "base.toml").write_text('name = "base"', "utf-8")

    def read(*overrides, dev=""):
        (tmp_path / "dev.toml").write_text(dev, "utf-8")
        return load(Settings, "dev", overrides, conf=tmp_path)

    return read


@pytest.mark.parametrize(("content", "secret"), [("s3cret\n", "s3cret"), ("a\n\n", "a\n")])
def test_a_secret_is_the_content_of_its_file(read, tmp_path, content, secret):
    """A secret is the content of its file without the line end that an editor adds."""
    file = tmp_path / "password"
    file.write_text(content, "utf-8")

    settings = read(f"server.password=file:{file}")

    assert settings.server.password.get_secret_value() == secret
    assert secret not in repr(settings)


def test_a_secret_without_its_file_is_refused(read, tmp_path):
    """A missing file of a secret is refused, and the message names the file."""
    with pytest.raises(ConfigError, match=f"there is no file {tmp_path}/no"):
        read(f"server.password=file:{tmp_path}/no")


def test_a_secret_comes_from_the_environment(read, monkeypatch):
    """A secret of the environment is unchanged, even if it looks like a number."""
    monkeypatch.setenv(VARIABLE, "12345")

    assert read().server.password.get_secret_value() == "12345"


@pytest.mark.parametrize(
    ("overrides", "dev"),
    [
        (["server.password=s3cret"], ""),
        ([], '[server]\npassword = "s3cret"'),
        ([], "[server]\npassword = 3735"),
    ],
)
def test_a_readable_secret_is_refused(read, overrides, dev):
    """A secret in conf/ or on the command line is refused; the message does not show it."""
    with pytest.raises(ConfigError, match=f"is a secret; put it into the variable {VARIABLE}") as e:
        read(*overrides, dev=dev)

    assert "s3cret" not in str(e.value)
    assert "3735" not in str(e.value)


def test_a_message_names_the_layer_that_has_the_value(read, tmp_path):
    """A message names the layer of the value, even if a stronger layer sets another key."""
    with pytest.raises(ConfigError, match=rf"{tmp_path}/dev\.toml: server.password is a secret"):
        read("name=other", dev='[server]\npassword = "s3cret"')


def test_an_empty_secret_is_none(read):
    """An empty secret is None, so a file of conf/ can list the key."""
    assert read(dev='[server]\npassword = ""').server.password.get_secret_value() == ""


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("data", str(Path("data").absolute())),
        ("/data/", "/data"),
        ("hdfs://node/data/", "hdfs://node/data"),
        ("file:/data", "file:/data"),
        ("file:///data/", "file:///data"),
        ("/", "/"),
        ("./a:b", str(Path("a:b").absolute())),
        ("S3A://bucket/data", "S3A://bucket/data"),
    ],
)
def test_a_folder_is_absolute(read, text, folder):
    """A relative path starts at the working directory; a URI is unchanged."""
    assert read(f"server.folder={text}").server.folder == folder


@pytest.mark.parametrize("text", ["", " ", "file:data", "file://data/x", "file:"])
def test_a_folder_is_not_guessed(read, text):
    """An empty folder is not the working directory, and the first part of a path is no server."""
    with pytest.raises(
        ConfigError, match=r"--set server.folder: server.folder.*(empty|write file)"
    ):
        read(f"server.folder={text}")


def test_a_key_without_a_value_names_the_file(read, tmp_path):
    """The message of a missing value names the file of the environment."""
    (tmp_path / "base.toml").write_text("", "utf-8")

    with pytest.raises(ConfigError, match=rf"name has no value; set it in {tmp_path}/dev\.toml"):
        read()


def test_a_table_has_keys_of_several_layers(read, monkeypatch):
    """A stronger layer replaces single keys, not the table."""
    monkeypatch.setenv(VARIABLE, "s3cret")

    server = read(dev='[server]\nfolder = "/data"').server

    assert (server.password.get_secret_value(), server.folder) == ("s3cret", "/data")


def test_an_unknown_key_lists_the_known_ones(read):
    """If no name is similar, the message lists all keys of the table."""
    with pytest.raises(ConfigError, match=r"zzz is no key of \[server\]; known here: .*password"):
        read("server.zzz=1")


def test_an_override_without_a_value_is_refused(read):
    """The refusal of an override without a value shows the correct form."""
    with pytest.raises(ConfigError, match="--set name has no value: write --set TABLE"):
        read("name")


def test_settings_are_read_only(read):
    """Settings are read-only, so a job runs with those that it checked at its start."""
    with pytest.raises(ValueError, match="frozen"):
        read().name = "other"


def test_the_error_of_a_table_shows_no_secret(read):
    """If a whole table is wrong, the message names it without its content."""
    with pytest.raises(ConfigError) as caught:
        read(dev='[name]\npassword = "s3cret"')

    assert "dev.toml: name: " in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["STREAM_SERVER_FOLDER", "STREAM_SERVER__FOLDER"])
def test_a_variable_with_one_underscore_is_refused(read, monkeypatch, name):
    """A variable that looks like a setting and has no effect is refused, with the right name."""
    monkeypatch.setenv(name, "/data")

    with pytest.raises(ConfigError, match=f"{name} has no effect.*Name it STREAM__SERVER__FOLDER"):
        read()


def test_other_variables_are_not_checked(read, monkeypatch):
    """A variable of another program may begin with STREAM_."""
    monkeypatch.setenv("STREAM_SERVER", "elsewhere")

    assert read().name == "base"


def test_an_unknown_table_has_a_similar_name(read):
    """A misspelt table is named, with the one that is probably meant."""
    with pytest.raises(ConfigError, match="servr is no table; did you mean server"):
        read("servr.folder=1")
