"""Wrong documents: `python -m tests.document_mutants` writes proof/agent/mutants.md.

Each mutant changes one thing in a generated project, in a document or in what it describes. The
tests of the project that need no Spark must fail, and name the document and the line.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.examples import ROOT, bake

PAGE = ROOT / "proof/agent/mutants.md"
TEXT = """\
# Wrong documents

<!-- Written by `python -m tests.document_mutants`; run it instead of changing this page. -->

Each row is one change in the default project: in a document, or in what a document describes. A
test of the project must fail then, and name the document and the line. The tests that ran start no
Spark. Free sentences belong to the owner of the project: no test reads them.

| kind | file | change | found |
| --- | --- | --- | --- |
"""

TESTS = ("agent_file", "documents", "monitoring", "settings")
AGENTS, AGENT, RUNBOOK = "AGENTS.md", ".claude/agents/streaming-engineer.md", "docs/runbook.md"
SKILL = ".claude/skills/{}/SKILL.md"
RUNTIME = "lib/stream_runtime/{}.py"
PLACE = re.compile(r"(?:\.claude/[\w/-]+|\w+/\w+|\w+)\.(?:md|yml):\d+")


@dataclass(frozen=True)
class Mutant:
    """One change: each match of a pattern in a file, or in files, becomes another text."""

    kind: str
    file: str
    pattern: str
    text: str


MUTANTS = (
    # In a document.
    Mutant("key", AGENTS, r"`sink\.path`", "`sink.pathh`"),
    Mutant("key", AGENTS, r"`watermark\.delay`", "`watermark.wait`"),
    Mutant("key", RUNBOOK, r"`checkpoint\.root`", "`checkpoint.folder`"),
    Mutant("key", SKILL.format("move-the-checkpoint"), r"CHECKPOINT__ROOT", "CHECKPOINT__PATH"),
    Mutant("command", AGENTS, r"`make doctor`", "`make health`"),
    Mutant("command", SKILL.format("falling-behind"), r"dev produce --rate", "dev produce --speed"),
    Mutant("command", SKILL.format("late-events"), r"run --input", "run --from"),
    Mutant("command", SKILL.format("deploy-a-release"), r"submit\.sh doctor", "submit.sh check"),
    Mutant("command", RUNBOOK, r"submit\.sh status", "submit.sh state"),
    Mutant("path", SKILL.format("add-an-aggregate"), r"src/\w+/window\.py", "src/windows.py"),
    Mutant("path", AGENTS, r"`tests/oracle\.py`", "`tests/model.py`"),
    Mutant("file", AGENT, r"`\.claude/CONTRACT\.md`", "`.claude/RULES.md`"),
    Mutant("file", ".claude/CONTRACT.md", r"`README\.md`", "`READ.md`"),
    Mutant("link", AGENTS, r"falling-behind/SKILL", "lagging/SKILL"),
    Mutant("link", SKILL.format("roll-back"), r"#first-look", "#look-first"),
    Mutant("metric", RUNBOOK, r"`late_groups_dropped`", "`late_rows_dropped`"),
    Mutant("metric", RUNBOOK, r"`backlog_rows`", "`backlog_row`"),
    Mutant("metric", SKILL.format("falling-behind"), r"`input_rows`", "`inputs_rows`"),
    Mutant("metric", "monitoring/alerts.yml", r"stream_retries_total", "stream_retry_total"),
    Mutant("alert", "monitoring/alerts.yml", r"#late-events", "#late"),
    Mutant("reason", RUNBOOK, r"`missing_time`", "`no_time`"),
    Mutant("reason", RUNBOOK, r"`future_time`", "`futur_time`"),
    Mutant("exit code", AGENTS, r"exit code 3", "exit code 5"),
    Mutant("exit code", RUNBOOK, r"Exit code 4\.", "Exit code 3."),
    Mutant("exit code", RUNBOOK, r"\| 3 \| the start", "| 5 | the start"),
    Mutant("exit code", SKILL.format("job-does-not-start"), r"\| 5 \|", "| 4 |"),
    Mutant("exit code", SKILL.format("poisoned-or-skewed-key"), r"exit code 4", "exit code 5"),
    Mutant("exit code", SKILL.format("rotate-credentials"), r"exit code 5", "exit code 4"),
    Mutant("exit code", "README.md", r"3 start refused", "4 start refused"),
    Mutant("column", "README.md", r"`window_end`", "`window_stop`"),
    Mutant("column", "README.md", r", `event_count`", ""),
    Mutant("duration", "README.md", r"\(5 minutes\)", "(6 minutes)"),
    Mutant("duration", "README.md", r"\(10 seconds\)", "(99 seconds)"),
    Mutant("duration", "monitoring/alerts.yml", r"\(10 seconds\)", "(30 seconds)"),
    Mutant("guarantee", AGENTS, r"guarantee: Exactly", "guarantee: At least"),
    Mutant("guarantee", "README.md", r"Exactly once into", "At least once into"),
    Mutant("fact", AGENTS, r"PySpark \d\.\d", "PySpark 3.5"),
    Mutant("fact", AGENTS, r"output mode `append`", "output mode `update`"),
    Mutant("fact", AGENTS, r"source \| `kafka`", "source | `delta`"),
    Mutant("fact", AGENTS, r"sink \| `delta`", "sink | `files`"),
    Mutant("fact", AGENTS, r"`processing_time`", "`continuous`"),
    Mutant("fact", AGENTS, r"ahead` \| `water", "ahead`, `watermark.delay` | `water"),
    Mutant("fact", AGENTS, r"`watermark\.delay`, ", ""),
    Mutant("owner", ".claude/CONTRACT.md", r"`conf/`, ", ""),
    Mutant("owner", ".github/CODEOWNERS", r"/lib/", "/libs/"),
    # In what the documents describe.
    Mutant("key", "src/*/window.py", r"\bduration\b", "length"),
    Mutant("key", RUNTIME.format("quarantine"), r"    path: Location", "    folder: Location"),
    Mutant("command", "Makefile", r"(?m)^doctor:", "health:"),
    Mutant("command", RUNTIME.format("cli"), r'"status", parents', '"state", parents'),
    Mutant("metric", RUNTIME.format("*"), r"late_groups_dropped", "late_groups_lost"),
    Mutant("exit code", RUNTIME.format("errors"), r"exit_code = 3", "exit_code = 6"),
    Mutant("exit code", RUNTIME.format("errors"), r"exit_code = 4", "exit_code = 5"),
    Mutant("column", "tests/oracle.py", r'"event_count"', '"events"'),
    Mutant("duration", "conf/base.toml", r'duration = "5 minutes"', 'duration = "7 minutes"'),
    Mutant("duration", "conf/base.toml", r'interval = "10 seconds"', 'interval = "20 seconds"'),
    Mutant("default", "conf/base.toml", r'delay = "10 minutes"', 'delay = "1 hour"'),
    Mutant("guarantee", "src/*/job.py", r"Exactly once", "At least once"),
    Mutant("fact", "src/*/job.py", r'output_mode="append"', 'output_mode="update"'),
    Mutant("fact", "pyproject.toml", r"pyspark==\d", "pyspark==5"),
    Mutant("heading", RUNBOOK, r"## The job lags", "## Lag"),
    Mutant("danger", AGENTS, r"NEVER put a secret", "ALWAYS put a secret"),
    Mutant("danger", RUNBOOK, r"RETAIN 168 HOURS", "RETAIN 0 HOURS"),
    # Sentences: no test reads them.
    Mutant("sentence", AGENT, r"replays the batch", "skips the batch"),
    Mutant("sentence", RUNBOOK, r"\(30 days\)", "(3 days)"),
)


def change(project: Path, mutant: Mutant) -> dict[Path, str]:
    """Apply a mutant; return the texts of the changed files before."""
    before = {
        file: text
        for file in project.glob(mutant.file)
        if re.search(mutant.pattern, text := file.read_text("utf-8"))
    }
    assert before, mutant
    for file, text in before.items():
        file.write_text(re.sub(mutant.pattern, mutant.text, text), "utf-8")
    return before


def test(project: Path) -> tuple[bool, str]:
    """Run the tests of the documents; return whether one failed, and the place that it names."""
    paths = os.pathsep.join(str(project / folder) for folder in ("src", "lib", "."))
    command = [sys.executable, "-m", "pytest", "-vv", "-p", "no:cacheprovider"]
    files = [
        f"tests/test_{name}.py" for name in TESTS if (project / f"tests/test_{name}.py").exists()
    ]
    done = subprocess.run(
        [*command, *files],
        cwd=project,
        env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    named = PLACE.search(done.stdout)
    return done.returncode != 0, named[0] if named else ""


def survey() -> Iterator[tuple[Mutant, bool, str]]:
    """Yield for each mutant whether a test failed, and the place that it named."""
    with tempfile.TemporaryDirectory() as folder:
        project = bake(folder)
        assert test(project) == (False, "")
        for mutant in MUTANTS:
            before = change(project, mutant)
            yield (mutant, *test(project))
            for file, text in before.items():
                file.write_text(text, "utf-8")


def row(mutant: Mutant, failed: bool, named: str) -> str:
    """Return a row of a table in Markdown."""
    change = f"{mutant.pattern} → {mutant.text}".replace("|", "&#124;").replace("\\", "")
    fate = f"red, names `{named}`" if named else "red" if failed else "survives"
    return f"| {mutant.kind} | `{mutant.file}` | {change} | {fate} |"


if __name__ == "__main__":
    rows = [row(*found) for found in survey()]
    PAGE.write_text(TEXT + "".join(f"{line}\n" for line in rows), "utf-8")
