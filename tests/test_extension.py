"""The Jinja extension: it uses the rules on disk, and fails with one line on old tools."""

import importlib.util
import os
import sys

import pytest
from cookiecutter.environment import StrictEnvironment
from cookiecutter.exceptions import InvalidModeException
from jinja2 import FileSystemLoader
from machine import TOP, build

from stream_template_rules import AXES
from stream_template_rules.axes import TEXT_DEFAULTS

SAME_TIME = (1_700_000_000, 1_700_000_000)


@pytest.fixture(name="extension")
def _extension(tmp_path):
    """Return the extension of a template of its own."""
    folder = build(tmp_path / "template")
    spec = importlib.util.spec_from_file_location(
        "extension_on_trial", folder / "stream_template_extension.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["extension_on_trial"] = module
    spec.loader.exec_module(module)
    yield module
    for name in [name for name in sys.modules if name.startswith("extension_on_trial")]:
        del sys.modules[name]


def environment():
    """Return what cookiecutter makes for the questions, for the files and for each hook."""
    return StrictEnvironment(
        context={"cookiecutter": {"_extensions": ["extension_on_trial.Rules"]}}
    )


def test_changed_rules_are_read_again(extension, monkeypatch):
    """Neither a module in memory nor its compiled form of the same second hides a change."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    source = extension.RULES / "plan.py"
    os.utime(source, SAME_TIME)
    sys.path.insert(0, str(extension.RULES.parent))
    before = extension.read_rules()
    source.write_text(source.read_text("utf-8").replace('"0.1.0"', '"9.9.9"'), "utf-8")
    os.utime(source, SAME_TIME)
    sys.path.pop(0)

    assert (before.VERSION, extension.read_rules().VERSION) == ("0.1.0", "9.9.9")
    assert not list(extension.RULES.rglob("*.pyc"))


def test_unchanged_rules_are_read_once(extension):
    """Every rendering of a project asks for them; the answer costs no compilation."""
    assert extension.read_rules() is extension.read_rules()


@pytest.mark.parametrize(
    ("least", "version", "words"),
    [
        ("OLDEST_PYTHON", (9, 9), "on Python 9.9 or newer. This is cookiecutter "),
        ("OLDEST_COOKIECUTTER", (9, 10), "This template needs cookiecutter 9.10 or newer"),
    ],
)
def test_old_tools_get_one_line(extension, monkeypatch, least, version, words):
    """The message about an old tool names the required version, the found one, and a fix."""
    monkeypatch.setattr(extension, least, version)

    with pytest.raises(InvalidModeException) as caught:
        environment()

    said = str(caught.value)
    assert words in said
    assert sys.executable in said
    assert "pipx install cookiecutter" in said
    assert "\n" not in said


def test_the_folder_of_the_project_is_not_named_before_the_check(extension):
    """Rendering the name of the top folder refuses illegal answers."""
    folder = environment().from_string(TOP)

    assert folder.render(cookiecutter={"project_slug": "orders"}) == "orders"
    with pytest.raises(extension.Refusal):
        folder.render(cookiecutter={"project_slug": "../orders"})


def test_markup_of_the_template_is_accepted(extension):
    """Jinja markup is accepted in the template's hooks and refused in answers."""
    jinja = environment()

    for hook in (extension.TEMPLATE / "hooks").iterdir():
        jinja.from_string(hook.read_text("utf-8"))
    with pytest.raises(extension.Refusal):
        jinja.from_string("{{ 7 * 7 }}")


@pytest.mark.usefixtures("extension")
def test_paths_are_those_of_the_answers(tmp_path):
    """While files are generated, a path renders to nothing where it is of other answers."""
    jinja = environment()
    answers = {axis: values[0] for axis, values in AXES.items()} | {"join": "stream_inner"}
    answers |= TEXT_DEFAULTS | {"project_slug": "orders"}
    answers |= {"event_roles": "time=event_time, key=event_type"}
    jinja.from_string(TOP).render(cookiecutter=answers)
    jinja.loader = FileSystemLoader(tmp_path)
    package = "src/{{cookiecutter.__package}}"

    def path(text):
        return jinja.from_string(text).render(cookiecutter={"__package": "orders"})

    assert path("README.md") == "README.md"
    assert path(f"{package}/join.py") == "src/orders/join.py"
    assert path(f"{package}/lookup.py") == ""
    assert path(f"{package}/__pycache__/join.cpython-311.pyc") == ""
    assert path(f"{tmp_path}/./{package}") == f"{tmp_path}/./src/orders"


def test_a_refusal_ends_any_program_with_one():
    """The interpreter prints the text of a SystemExit and exits with 1."""
    from stream_template_extension import Refusal  # noqa: PLC0415 - needs cookiecutter only here

    refusal = Refusal("why")

    assert isinstance(refusal, SystemExit)
    assert (refusal.code, str(refusal)) == ("why", "why")


def test_the_hook_before_generation_refuses_while_it_is_rendered(extension):
    """The hook validates the answers again, for callers that skip the questions."""
    hook = environment().from_string(
        (extension.TEMPLATE / "hooks/pre_gen_project.py").read_text("utf-8")
    )

    hook.render(cookiecutter={"source": "kafka"})
    with pytest.raises(extension.Refusal):
        hook.render(cookiecutter={"source": "auto_loader", "platform": "kubernetes"})
