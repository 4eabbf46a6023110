"""The Jinja extension that loads stream_template_rules, which contain everything that can change.

Cruft renders two versions of a template in one process, and Python imports this module only
once: the second version uses the extension of the first. So this module stays minimal.

It must *load* on Python 3.7 and newer, to report that the Python is too old.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import cookiecutter
from cookiecutter.exceptions import InvalidModeException
from jinja2 import Environment
from jinja2.ext import Extension

TEMPLATE = Path(__file__).parent
RULES = TEMPLATE / "stream_template_rules"
OLDEST_PYTHON = (3, 11)
OLDEST_COOKIECUTTER = (2, 2, 3)
"""2.1 does not find the files under templates/; 2.2.0 reports the version 2.1.2."""


class Refusal(InvalidModeException, SystemExit):  # type: ignore[misc]  # cookiecutter is untyped
    """Raised when the answers are refused.

    Cookiecutter prints an InvalidModeException and exits with 1. Cruft does not handle it, but the
    interpreter does the same for a SystemExit.
    """

    def __init__(self, text: str) -> None:
        """Store the text for both."""
        super().__init__(text)
        self.code = text


class Rules(Extension):
    """Adds the template's filters to each environment, and preprocesses everything it renders."""

    def __init__(self, environment: Environment) -> None:
        """Read the rules from disk."""
        super().__init__(environment)
        problem = _too_old()
        if problem:
            raise Refusal(problem)
        rules = read_rules()
        self._rendering = rules.Rendering(environment, TEMPLATE, sys.argv, Refusal)

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's signature
        """Return the text to render; only files have a name."""
        rendering = self._rendering
        return str(rendering.text(source) if name is None else rendering.file(name, source))


def _too_old() -> str:
    """Return why this cookiecutter cannot use the template, empty if it can."""
    python, version = sys.version_info[:3], cookiecutter.__version__
    if python >= OLDEST_PYTHON and _numbers(version) >= OLDEST_COOKIECUTTER:
        return ""
    return (
        f"This template needs cookiecutter {_dotted(OLDEST_COOKIECUTTER)} or newer on Python "
        f"{_dotted(OLDEST_PYTHON)} or newer. This is cookiecutter {version} on Python "
        f"{_dotted(python)} ({sys.executable}). Install a newer one: pipx install cookiecutter"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def read_rules() -> ModuleType:
    """Return the rules as they are on disk now.

    Cruft renders two versions of a template in one process and from one folder, so an imported
    module and its compiled form can be of the other version. Therefore the name of the module is
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
    # Python then finds no compiled files, and writes none.
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
