"""Fixtures for tests that run the template as a user does."""

import pytest
from machine import User, build


@pytest.fixture(scope="session", name="template")
def _template(tmp_path_factory):
    """Provide a small template with the real rules, questions and hooks."""
    return build(tmp_path_factory.mktemp("templates") / "stream-template")


@pytest.fixture(name="user")
def _user(tmp_path):
    """Provide a user with an empty home and an empty working directory."""
    user = User(tmp_path / "home", tmp_path / "work")
    user.home.mkdir()
    user.work.mkdir()
    return user
