"""The results of the tests of each claim in CONTRIBUTING: `python -m tests.claims` prints them.

Each row of the tables there is a claim: a statement of the README, or a fixed defect.
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


def read_claims():
    """Return the pytest names of the tests of each claim, in the order of the page."""
    claims = {}
    for title in TABLES:
        section = PAGE.read_text("utf-8").partition(title)[2].partition("\n## ")[0]
        rows = [line.split("|") for line in section.splitlines() if line.startswith("| ")][2:]
        claims |= {
            claim.strip(): re.findall(r"`(tests/[^`]+)`", tests) for _, claim, tests, _ in rows
        }
    return claims


def read_outcomes(report):
    """Yield each test of pytest's XML report, and whether it passed."""
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it
        file = case.attrib["classname"].replace(".", "/")
        name = case.attrib["name"].partition("[")[0]
        yield f"{file}.py::{name}", not {child.tag for child in case} & {"failure", "error"}


def main():
    """Print a line for each claim; return 1 if one of its tests failed or did not run."""
    claims = read_claims()
    tests = sorted({test for tests in claims.values() for test in tests})
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "--numprocesses", "2", "--dist"]
        command += ["loadfile", "--override-ini", "addopts=", f"--junitxml={report}", *tests]
        subprocess.run(command, cwd=ROOT, check=False)
        outcomes = list(read_outcomes(report))
    failed = 0
    for claim, needed in claims.items():
        results = [passed for test in needed for name, passed in outcomes if name.startswith(test)]
        is_proven = bool(results) and all(results)
        failed += not is_proven
        sys.stdout.write(f"{'✓' if is_proven else '✗'} {claim}\n")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
