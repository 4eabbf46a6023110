"""What tests that act as a user share."""

import pytest
from machine import User, build


@pytest.fixture(scope="session", name="template")
def _template(tmp_path_factory):
    return build(tmp_path_factory.mktemp("templates") / "stream-template")


@pytest.fixture(name="user")
def _user(tmp_path):
    user = User(tmp_path / "home", tmp_path / "work")
    user.home.mkdir()
    user.work.mkdir()
    return user
