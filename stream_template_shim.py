"""Jinja's door to stream_template_rules, and the guard over what may be rendered at all."""

import hashlib
import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from cookiecutter.exceptions import InvalidModeException
from jinja2 import Environment
from jinja2.ext import Extension

TEMPLATE = Path(__file__).parent
RULES = TEMPLATE / "stream_template_rules"
TOP = "{{cookiecutter.project_slug}}"
MARKUP = re.compile(r"\{[{%#]")
OLDEST_PYTHON = (3, 11)


class Refusal(InvalidModeException, SystemExit):  # type: ignore[misc]  # cookiecutter is untyped
    """Raised when the answers are refused.

    Cookiecutter prints an InvalidModeException and exits with 1; cruft knows no such thing, but
    lets the interpreter do the same for a SystemExit.
    """

    def __init__(self, text: str) -> None:
        """Keep the text where both look for it."""
        super().__init__(text)
        self.code = text


class Rules(Extension):
    """The filters of the template: stream_check, stream_plan, stream_roles, stream_record."""

    def __init__(self, environment: Environment) -> None:
        """Read the rules anew and give the environment its filters."""
        super().__init__(environment)
        if sys.version_info < OLDEST_PYTHON:
            wanted = ".".join(map(str, OLDEST_PYTHON))
            running = ".".join(map(str, sys.version_info[:3]))
            raise Refusal(
                f"This template needs cookiecutter on Python {wanted} or newer, not {running}."
            )
        self._rules = rules = read_rules()

        def stream_check(answers: dict[str, Any]) -> str:
            text = rules.refusal({q: answers[q] for q in rules.ANSWERS if q in answers}, sys.argv)
            if text:
                raise Refusal(text)
            return ""

        environment.filters["stream_check"] = stream_check
        environment.filters["stream_plan"] = rules.plan
        environment.filters["stream_roles"] = rules.default_roles
        environment.filters["stream_record"] = rules.record

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's signature
        """Check the answers before the project's folder is made, whatever way they came.

        The folder's name is the first thing that cookiecutter renders from complete answers, for
        replays and under cruft too. It also renders the answers that a command line, a replay or
        .cruft.json gives; none of them may bring template code along.
        """
        if name is None and source == TOP:
            return "{{ cookiecutter | stream_check }}" + source
        if name is None and MARKUP.search(source) and _markup(source) not in self._own:
            plain = f"Template markup is no answer: {source!r}\nGive it as plain text."
            raise Refusal(self._rules.refusal({}, sys.argv) or plain)
        return source

    @cached_property
    def _own(self) -> set[str]:
        return {_markup(text) for text in _own_texts()}


def _markup(text: str) -> str:
    """Return the text from its first markup on; before it may stand the path of the output."""
    match = MARKUP.search(text)
    return text[match.start() :] if match else ""


def _own_texts() -> Iterator[str]:
    """Yield all that the template itself has rendered, apart from the files of the project."""
    yield from _strings(json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8")))
    for hook in (TEMPLATE / "hooks").iterdir():
        yield hook.read_text("utf-8") if hook.is_file() else ""
    for path in (TEMPLATE / TOP).rglob("*"):
        yield str(path.relative_to(TEMPLATE / TOP))


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def read_rules() -> ModuleType:
    """Return the rules as they are on disk now.

    Cruft renders two versions of a template in one process and from one folder, so neither a
    module that was imported before nor its compiled form can be trusted: the module's name is
    a digest of its files, and it is compiled from them.
    """
    files = sorted(RULES.glob("*.py"))
    digest = hashlib.sha256(
        b"\0".join(b"%s\0%s" % (f.name.encode(), f.read_bytes()) for f in files)
    )
    name = f"{RULES.name}_{digest.hexdigest()[:16]}"
    return sys.modules.get(name) or _compiled(name)


def _compiled(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        name, RULES / "__init__.py", submodule_search_locations=[str(RULES)]
    )
    if spec is None or spec.loader is None:
        raise Refusal(f"The template is incomplete: {RULES} cannot be read.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    before = sys.dont_write_bytecode, sys.pycache_prefix
    # Compiled files are then sought where there are none, and not written there.
    sys.dont_write_bytecode, sys.pycache_prefix = True, str(RULES / "no-cache")
    importlib.invalidate_caches()
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.dont_write_bytecode, sys.pycache_prefix = before
    return module
