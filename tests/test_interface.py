"""The interface between runtime and pipeline has a number, which changes with it."""

import ast
import hashlib
import re
from pathlib import Path

import stream_runtime

from stream_template_rules.files import PACKAGE_FOLDER
from tests.examples import ROOT

SOURCES = ROOT / "{{cookiecutter.project_slug}}" / "src" / PACKAGE_FOLDER
RUNTIME = Path(stream_runtime.__file__).parent
IMPORTED = re.compile(r"^from stream_runtime(?:\.(\w+))? import (.+)$", re.MULTILINE)
NUMBER, DIGEST = 3, "90dc07c50a58c7ed"
"""The present interface, and what `_interface` says of it."""


def _asked():
    """What pipelines import of the runtime: modules, and names in them."""
    folders = (SOURCES, ROOT / "templates")
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for module, names in IMPORTED.findall(path.read_text("utf-8")):
            for name in names.split(", "):
                known = module or (RUNTIME / f"{name}.py").exists()
                yield (module or name, name if module else "") if known else ("__init__", name)


def _signatures(tree, name):
    """The named part of a module without bodies and docstrings, or all its public parts."""
    for node in tree.body:
        named = getattr(node, "name", "")
        if named.startswith("_") or not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        if name in {"", named}:
            yield from _signature(node)


def _signature(node):
    if isinstance(node, ast.FunctionDef):
        returned = ast.unparse(node.returns) if node.returns else ""
        yield f"{node.name}({ast.unparse(node.args)}) -> {returned}"
    elif isinstance(node, ast.AnnAssign):
        yield ast.unparse(node)
    elif isinstance(node, ast.ClassDef):
        yield f"class {node.name}({', '.join(map(ast.unparse, node.bases))})"
        for part in node.body:
            if not getattr(part, "name", "").startswith("_"):
                yield from (f"  {line}" for line in _signature(part))


def _interface():
    """What the two sides use of each other, as text."""
    lines = set()
    for module, name in _asked():
        tree = ast.parse((RUNTIME / f"{module}.py").read_text("utf-8"))
        lines.update(f"{module}: {line}" for line in _signatures(tree, name))
    return "\n".join(sorted(lines))


def test_both_sides_state_the_same_number():
    """A new project's pipeline is written for its runtime."""
    text = (SOURCES / "__init__.py").read_text("utf-8")

    assert re.findall(r"require_interface\((\d+)", text) == [str(NUMBER)]
    assert stream_runtime.INTERFACE == NUMBER


def test_the_number_changes_with_the_interface():
    """Who changes what the two sides use raises the number on both of them, and NUMBER here.

    A change that an old pipeline need not follow, such as a new name, changes DIGEST only.
    """
    interface = _interface()

    assert "job: class StreamJob(Generic[Settings])" in interface
    digest = hashlib.sha256(interface.encode()).hexdigest()[:16]
    assert digest == DIGEST, f"{digest} is the digest of:\n{interface}"
