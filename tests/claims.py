"""Run the test of each claim in CONTRIBUTING and say how it ended: `python -m tests.claims`.

A claim of the README, or a fault that was found once, is a row of a table there.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
TABLES = ("## What the README claims", "## Fixed defects")


def claims():
    """Each claim and its tests, as pytest names them, in the order of the page."""
    found = {}
    for title in TABLES:
        section = PAGE.read_text("utf-8").partition(title)[2].partition("\n## ")[0]
        rows = [line.split("|") for line in section.splitlines() if line.startswith("| ")][2:]
        found |= {
            claim.strip(): re.findall(r"`(tests/[^`]+)`", tests) for _, claim, tests, _ in rows
        }
    return found


def outcomes(report):
    """Each test of pytest's XML report, and whether it passed."""
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it
        file = case.attrib["classname"].replace(".", "/")
        name = case.attrib["name"].partition("[")[0]
        yield f"{file}.py::{name}", not {child.tag for child in case} & {"failure", "error"}


def main():
    """Print a line for each claim; 1 if a test of one failed or did not run."""
    named = claims()
    tests = sorted({test for tests in named.values() for test in tests})
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "--numprocesses", "2", "--dist"]
        command += ["loadfile", "--override-ini", "addopts=", f"--junitxml={report}", *tests]
        subprocess.run(command, cwd=ROOT, check=False)
        results = list(outcomes(report))
    wrong = 0
    for claim, needed in named.items():
        ran = [passed for test in needed for name, passed in results if name.startswith(test)]
        good = bool(ran) and all(ran)
        wrong += not good
        sys.stdout.write(f"{'✓' if good else '✗'} {claim}\n")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
