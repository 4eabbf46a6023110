"""The door to the rules: always the rules on disk, and one line where it cannot work."""

import importlib.util
import os
import sys

import pytest
from cookiecutter.environment import StrictEnvironment
from cookiecutter.exceptions import InvalidModeException
from machine import TOP, build

SAME_TIME = (1_700_000_000, 1_700_000_000)


@pytest.fixture(name="shim")
def _shim(tmp_path):
    """Return the shim of a template of its own."""
    folder = build(tmp_path / "template")
    spec = importlib.util.spec_from_file_location(
        "shim_on_trial", folder / "stream_template_shim.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["shim_on_trial"] = module
    spec.loader.exec_module(module)
    yield module
    for name in [name for name in sys.modules if name.startswith("shim_on_trial")]:
        del sys.modules[name]


def environment():
    """Return what cookiecutter makes for the questions, for the files and for each hook."""
    return StrictEnvironment(context={"cookiecutter": {"_extensions": ["shim_on_trial.Rules"]}})


def test_changed_rules_are_read_again(shim, monkeypatch):
    """Neither a module in memory nor its compiled form of the same second hides a change."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    source = shim.RULES / "plan.py"
    os.utime(source, SAME_TIME)
    sys.path.insert(0, str(shim.RULES.parent))
    before = shim.read_rules()
    source.write_text(source.read_text("utf-8").replace('"0.1.0"', '"9.9.9"'), "utf-8")
    os.utime(source, SAME_TIME)
    sys.path.pop(0)

    assert (before.VERSION, shim.read_rules().VERSION) == ("0.1.0", "9.9.9")
    assert not list(shim.RULES.rglob("*.pyc"))


def test_unchanged_rules_are_read_once(shim):
    """Every rendering of a project asks for them; the answer costs no compilation."""
    assert shim.read_rules() is shim.read_rules()


def test_an_old_python_gets_one_line(shim, monkeypatch):
    """Cookiecutter runs on versions that the template does not."""
    monkeypatch.setattr(shim, "OLDEST_PYTHON", (9, 9))

    with pytest.raises(InvalidModeException) as caught:
        environment()

    assert str(caught.value).startswith("This template needs cookiecutter on Python 9.9 or newer")
    assert "\n" not in str(caught.value)


def test_the_folder_of_the_project_is_not_named_before_the_check(shim):
    """Rendering the name of the top folder refuses illegal answers."""
    folder = environment().from_string(TOP)

    assert folder.render(cookiecutter={"project_slug": "orders"}) == "orders"
    with pytest.raises(shim.Refusal):
        folder.render(cookiecutter={"project_slug": "../orders"})


def test_what_the_template_itself_renders_passes(shim):
    """Names of files, at any output folder, and hooks are no answers."""
    jinja = environment()
    name = "src/{{cookiecutter.__package}}"

    assert jinja.from_string(f"/any/where/./{name}").render(cookiecutter={"__package": "a"})
    for hook in (shim.TEMPLATE / "hooks").iterdir():
        jinja.from_string(hook.read_text("utf-8"))
    with pytest.raises(shim.Refusal):
        jinja.from_string("{{ 7 * 7 }}")


def test_a_refusal_ends_any_program_with_one():
    """The interpreter prints the text of a SystemExit and exits with 1."""
    from stream_template_shim import Refusal  # noqa: PLC0415 - needs cookiecutter only here

    refusal = Refusal("why")

    assert isinstance(refusal, SystemExit)
    assert (refusal.code, str(refusal)) == ("why", "why")


def test_the_hook_before_generation_refuses_while_it_is_rendered(shim):
    """It is the second door: whoever calls the generation by other ways meets it."""
    hook = environment().from_string(
        (shim.TEMPLATE / "hooks/pre_gen_project.py").read_text("utf-8")
    )

    hook.render(cookiecutter={"source": "kafka"})
    with pytest.raises(shim.Refusal):
        hook.render(cookiecutter={"source": "auto_loader", "platform": "kubernetes"})
