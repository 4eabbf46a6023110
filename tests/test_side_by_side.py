"""The distribution of the tests of `make test` to processes."""

import re
import subprocess
import sys

from tests.examples import ROOT

FILES = ("tests/test_literals.py", "tests/test_page.py", "tests/test_time_limits.py")


def test_the_tests_of_a_file_run_in_one_process():
    """One process runs all tests of a file, because they share a project, a session or servers."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    [options] = re.findall(r"^SIDE_BY_SIDE := (.+)$", makefile, re.MULTILINE)
    command = (sys.executable, "-m", "pytest", "-v", *options.split(), *FILES)

    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    ran = set(re.findall(r"^\[(gw\d)\] .*? PASSED (\S+?)::", output, re.MULTILINE))

    assert sorted(file for _, file in ran) == sorted(FILES), output
