"""The format of a file for `run --input`: JSON lines, of which some may be invalid."""

import pytest
from stream_devkit.file_run import _require_json_lines
from stream_runtime.errors import ConfigError


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'[\n{"id": 1},\n{"id": 2}\n]\n', "is one JSON array"),
        (b'[{"id": 1}, {"id": 2}]', "is one JSON array"),
        (b"id,amount\n1,12.5\n2,3\n", "has no JSON object in its first lines"),
        (b"<events/>\n", "has no JSON object in its first lines"),
    ],
    ids=["array of lines", "array in one line", "CSV", "XML"],
)
def test_another_format_is_refused(tmp_path, content, problem):
    """The error names the format and a command that converts it; nothing is read as malformed."""
    file = tmp_path / "events"
    file.write_bytes(content)

    with pytest.raises(ConfigError, match=f"{problem}. Write one JSON object a line"):
        _require_json_lines(file)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b'{"id": 1}\n',
        b'not JSON\n\n  {"id": 1}\n',
        b'\xef\xbb\xbf{"id": 1}\n',
        b'{"id": 1}\n[1, 2]\n',
    ],
    ids=["empty", "empty lines", "an object", "invalid first", "byte order mark", "array later"],
)
def test_json_lines_may_be_invalid(tmp_path, content):
    """A file with at least one object is read; its invalid lines are in quarantine."""
    file = tmp_path / "events"
    file.write_bytes(content)

    _require_json_lines(file)
