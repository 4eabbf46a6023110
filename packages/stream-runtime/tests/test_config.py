"""Secrets and folders in the configuration, and messages that say where a value comes from."""

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
    """Load the settings of a folder whose `dev.toml` has these lines."""
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "base.toml").write_text('name = "base"', "utf-8")

    def read(*overrides, dev=""):
        (tmp_path / "dev.toml").write_text(dev, "utf-8")
        return load(Settings, "dev", overrides, conf=tmp_path)

    return read


@pytest.mark.parametrize(("content", "secret"), [("s3cret\n", "s3cret"), ("a\n\n", "a\n")])
def test_a_secret_is_the_content_of_its_file(read, tmp_path, content, secret):
    """Without the line end that an editor adds."""
    file = tmp_path / "password"
    file.write_text(content, "utf-8")

    settings = read(f"server.password=file:{file}")

    assert settings.server.password.get_secret_value() == secret
    assert secret not in repr(settings)


def test_a_secret_without_its_file_is_refused(read, tmp_path):
    """The message names the file."""
    with pytest.raises(ConfigError, match=f"there is no file {tmp_path}/no"):
        read(f"server.password=file:{tmp_path}/no")


def test_a_secret_comes_from_the_environment(read, monkeypatch):
    """As it is there; a number is a text as well."""
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
def test_a_secret_in_plain_sight_is_refused(read, overrides, dev):
    """In a file of conf/ or on the command line; the message does not show it."""
    with pytest.raises(ConfigError, match=f"is a secret; put it into the variable {VARIABLE}") as e:
        read(*overrides, dev=dev)

    assert "s3cret" not in str(e.value)
    assert "3735" not in str(e.value)


def test_a_message_names_the_layer_that_has_the_value(read, tmp_path):
    """Also where a stronger layer sets another key."""
    with pytest.raises(ConfigError, match=rf"{tmp_path}/dev\.toml: server.password is a secret"):
        read("name=other", dev='[server]\npassword = "s3cret"')


def test_an_empty_secret_is_none(read):
    """A file of conf/ may show the key."""
    assert read(dev='[server]\npassword = ""').server.password.get_secret_value() == ""


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("data", str(Path("data").absolute())),
        ("/data/", "/data"),
        ("hdfs://node/data/", "hdfs://node/data"),
        ("file:/data", "file:/data"),
    ],
)
def test_a_folder_is_whole(read, text, folder):
    """A relative path starts at the working directory, a URI stays as it is."""
    assert read(f"server.folder={text}").server.folder == folder


def test_a_key_without_a_value_names_the_file(read, tmp_path):
    """It is the file of the environment, where the value belongs."""
    (tmp_path / "base.toml").write_text("", "utf-8")

    with pytest.raises(ConfigError, match=rf"name has no value; set it in {tmp_path}/dev\.toml"):
        read()


def test_a_table_has_keys_of_several_layers(read, monkeypatch):
    """A stronger layer replaces single keys, not the table."""
    monkeypatch.setenv(VARIABLE, "s3cret")

    server = read(dev='[server]\nfolder = "/data"').server

    assert (server.password.get_secret_value(), server.folder) == ("s3cret", "/data")


def test_a_key_like_no_other_lists_the_known_ones(read):
    """Where no name is near, the message shows all names of that table."""
    with pytest.raises(ConfigError, match=r"zzz is no key of \[server\]; known here: .*password"):
        read("server.zzz=1")


def test_an_override_without_a_value_is_refused(read):
    """The message shows how to write it."""
    with pytest.raises(ConfigError, match="--set name has no value: write --set name="):
        read("name")


def test_settings_do_not_change(read):
    """A job runs with the settings that it checked at its start."""
    with pytest.raises(ValueError, match="frozen"):
        read().name = "other"


def test_a_mistake_in_a_table_shows_no_secret(read):
    """Where a whole table is wrong, the message names it without its content."""
    with pytest.raises(ConfigError) as caught:
        read(dev='[name]\npassword = "s3cret"')

    assert "dev.toml: name: " in str(caught.value)
    assert "s3cret" not in str(caught.value)
