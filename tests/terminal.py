"""A pseudo-terminal in which a test types what a person types."""

import os
import pty
import re
import select
import time

LIMIT = 60
"""Seconds without the expected text after which a test fails."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PROMPT_END = "): "
"""The end of each question of cookiecutter: the default in brackets and a colon."""


class Terminal:
    """A program whose terminal is a pseudo-terminal.

    Attributes:
        text: everything that the program has printed so far.
    """

    def __init__(self, words, folder, environment):
        """Start the program in the folder."""
        self._program, self._person = pty.fork()
        if not self._program:
            try:
                os.chdir(folder)
                os.execvpe(words[0], words, environment)  # noqa: S606 - no shell is needed
            finally:
                os._exit(127)
        self._seen = 0
        self._bytes = b""

    @property
    def text(self):
        """The output so far, with the line ends of a file and without colours."""
        text = self._bytes.decode("utf-8", "replace").replace("\r\n", "\n")
        return COLOUR.sub("", text)

    def answer(self, question, text=""):
        """Wait for the question, and type the text and Enter.

        Return what the program printed since the last answer, with the whole question.
        """
        shown = self._wait_for(question)
        os.write(self._person, f"{text}\n".encode())
        return shown

    def end(self):
        """Wait until the program ends; return its exit code."""
        while self._read():
            pass
        os.close(self._person)
        return os.waitstatus_to_exitcode(os.waitpid(self._program, 0)[1])

    def _wait_for(self, question):
        limit = time.monotonic() + LIMIT
        while question not in self.text[self._seen :] or not self.text.endswith(PROMPT_END):
            assert time.monotonic() < limit, self.text
            assert self._read(), self.text
        shown, self._seen = self.text[self._seen :], len(self.text)
        return shown

    def _read(self):
        """Read what the program has printed; return whether it still runs."""
        ready, _, _ = select.select([self._person], [], [], LIMIT)
        assert ready, self.text
        try:
            new = os.read(self._person, 65536)
        except OSError:  # Linux reports the end of the program as an error
            return False
        self._bytes += new
        return bool(new)
