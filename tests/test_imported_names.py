"""What tests and dev/ of a project take from a module is there, also in tests that need Spark.

A whole suite runs only for a few projects. This reads the code of every variant.
"""

import ast

import pytest

from tests.examples import PACKAGES, bake
from tests.test_render import VARIANTS


def defined_names(tree):
    """Return the names that a module has at its top level, imports and branches included."""
    names = set()
    blocks = list(tree.body)
    while blocks:
        node = blocks.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            blocks += node.body + getattr(node, "orelse", [])
        else:
            stored = (part for part in ast.walk(node) if isinstance(part, ast.Name))
            names.update(part.id for part in stored if isinstance(part.ctx, ast.Store))
    return names


def find_module(name, folders):
    """Return the file or the package of a module; None if it is not of the project."""
    for folder in folders:
        path = folder.joinpath(*name.split("."))
        if path.with_suffix(".py").is_file():
            return path.with_suffix(".py")
        if path.is_dir():
            return path / "__init__.py"
    return None


def missing_names(path, folders):
    """Yield each name in a file that the module it comes from does not have."""
    tree = ast.parse(path.read_text("utf-8"))
    bound = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    modules = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.level:
            continue
        origin = find_module(node.module, folders)
        for alias in node.names if origin else ():
            inner = find_module(f"{node.module}.{alias.name}", folders)
            if inner:
                modules[alias.asname or alias.name] = inner
            elif alias.name not in _names_in(origin):
                yield f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            module = None if name in bound else modules.get(name)
            if module and node.attr not in _names_in(module) | {"__package__", "__name__"}:
                yield f"{name}.{node.attr}"


def _names_in(path):
    return defined_names(ast.parse(path.read_text("utf-8"))) if path.is_file() else set()


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_name_exists(tmp_path, variant):
    """Each import, and each attribute of an imported module, is defined in that module."""
    project = bake(tmp_path, hooks=False, **VARIANTS[variant])
    folders = [project, project / "src", *map(type(project), PACKAGES)]
    files = [*project.glob("tests/*.py"), *project.glob("dev/*.py"), *project.glob("src/*/*.py")]

    missing = {path.name: list(missing_names(path, folders)) for path in files}

    assert {name: names for name, names in missing.items() if names} == {}


@pytest.mark.parametrize("code", ["from tests.x import no\n", "from tests import x\nx.no()\n"])
def test_a_missing_name_is_found(tmp_path, code):
    """The test above can fail."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/x.py").write_text("def yes(): pass\n", "utf-8")
    (tmp_path / "tests/test_x.py").write_text(code, "utf-8")

    assert list(missing_names(tmp_path / "tests/test_x.py", [tmp_path]))
