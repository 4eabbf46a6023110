"""proof/errors.md: what a project says to common mistakes."""

from tests import errors


def test_the_page_shows_what_the_code_says():
    """Each command of the page has the printed answer and exit code."""
    assert errors.PAGE.read_text("utf-8") == errors.render()


def test_every_answer_is_short_and_has_no_traceback():
    """An answer has at most six lines, and none of Python."""
    for mistake, exit_code, said in errors.run_all():
        assert 0 < len(said.splitlines()) <= 6, mistake.what
        assert "Traceback" not in said
        assert exit_code in {0, 2, 3, 5}, mistake.what
