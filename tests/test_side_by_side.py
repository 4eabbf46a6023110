"""How `make test` shares the tests between processes."""

import re
import subprocess
import sys

from tests.examples import ROOT

FILES = ("tests/test_literals.py", "tests/test_page.py", "tests/test_time_limits.py")


def test_the_tests_of_a_file_run_in_one_process():
    """They share what is set up for them: a project, a session, servers."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    [options] = re.findall(r"^SIDE_BY_SIDE := (.+)$", makefile, re.MULTILINE)
    command = (sys.executable, "-m", "pytest", "-v", *options.split(), *FILES)

    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    ran = set(re.findall(r"^\[(gw\d)\] .*? PASSED (\S+?)::", said, re.MULTILINE))

    assert sorted(file for _, file in ran) == sorted(FILES), said
