"""The check that pipeline and runtime have the same interface."""

import pytest
import stream_runtime
from stream_runtime import INTERFACE, require_interface


@pytest.fixture(name="pipeline")
def _pipeline(tmp_path):
    """Return the `__init__.py` of a pipeline."""
    return tmp_path / "pipeline" / "__init__.py"


def test_the_same_interface_is_accepted(pipeline, capsys):
    """The same interface is accepted without a message."""
    require_interface(INTERFACE, str(pipeline))

    assert capsys.readouterr().err == ""


def test_another_interface_ends_the_program(pipeline, capsys):
    """Another interface ends the program with a configuration error that lists the steps."""
    with pytest.raises(SystemExit) as ended:
        require_interface(INTERFACE + 1, str(pipeline))

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"interface {INTERFACE}, {pipeline.parent} is written for {INTERFACE + 1}." in said
    assert "3. Run cruft update" in said


def test_rejected_changes_end_the_program(pipeline, monkeypatch, capsys):
    """Files with rejected changes end the program, and the message names each in order."""
    library = pipeline.parent.with_name("library")
    rejected = [folder / "job.py.rej" for folder in (library, pipeline.parent)]
    for path in rejected:
        path.parent.mkdir()
        path.touch()
    monkeypatch.setattr(stream_runtime, "RUNTIME", library)

    with pytest.raises(SystemExit) as ended:
        require_interface(INTERFACE, str(pipeline))

    assert ended.value.code == 2
    assert f"the rest is in {rejected[0]}, {rejected[1]}. " in capsys.readouterr().err
