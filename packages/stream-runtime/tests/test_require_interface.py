"""A pipeline and the runtime fit together, or the program ends with one message."""

import pytest
import stream_runtime
from stream_runtime import INTERFACE, require_interface


@pytest.fixture(name="pipeline")
def _pipeline(tmp_path):
    """The `__init__.py` of a pipeline."""
    return tmp_path / "pipeline" / "__init__.py"


def test_the_same_number_passes(pipeline, capsys):
    """Nothing is said, and the program goes on."""
    require_interface(INTERFACE, str(pipeline))

    assert capsys.readouterr().err == ""


def test_another_number_ends_the_program(pipeline, capsys):
    """The message names both sides and the steps; the exit code is that of the configuration."""
    with pytest.raises(SystemExit) as ended:
        require_interface(INTERFACE + 1, str(pipeline))

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"interface {INTERFACE}, {pipeline.parent} is written for {INTERFACE + 1}." in said
    assert "3. Run cruft update" in said


def test_rejected_changes_end_the_program(pipeline, monkeypatch, capsys):
    """Beside the pipeline or in the library: each file is named, in order."""
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
