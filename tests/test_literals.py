"""How any text is written into generated files."""

import ast
import subprocess
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_template_rules import python_literal, toml_literal

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
ODD = ("user-id", 'a "b"', "it's", "\"'", "a\\n", "ö 订单 🙂", "\x00\x7f\u2028\u200b", "`{x}`", "")


@given(TEXTS)
def test_a_text_comes_back_from_a_generated_file(text):
    """Python and TOML read the literal as the text, whatever is in it, and it is one line."""
    assert ast.literal_eval(python_literal(text)) == text
    assert tomllib.loads(f"answer = {toml_literal(text)}") == {"answer": text}
    assert len((python_literal(text) + toml_literal(text)).splitlines()) == 1


@pytest.mark.parametrize("text", ODD)
def test_a_formatter_keeps_the_literal(text):
    """A project is formatted as it is made."""
    code = f"NAME = {python_literal(text)}\n"
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "-"]

    assert (
        subprocess.run(ruff, check=True, input=code, capture_output=True, text=True).stdout == code
    )
