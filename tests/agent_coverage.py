"""Where a project has what a streaming engineer's agent file promises.

`make docs` writes proof/agent/coverage.md. Its sections are those of a widely
used agent file for any streaming project; here each is a place in the files of a generated one.
"""

import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from stream_template_rules import AXES
from tests.examples import ROOT, bake
from tests.test_render import VARIANTS

PAGE = ROOT / "proof/agent/coverage.md"
PROJECTS = (
    *("defaults", "databricks", "left-serverless", "custom-update", "kafka-continuous"),
    "lookup-deduplicate-session",
)
"""Variants of tests/test_render.py that have little in common."""
TEXT = """\
# Coverage

<!-- Written by `make docs`; run it instead of changing this page. -->

Each row is a section or a promise of a widely used agent file for streaming projects, and where
generated projects have it: a file, and a heading or the begin of a line in it. It names those of
these variants of `tests/test_render.py` that have it there: {variants}. The others need no such
thing, because of their answers. `tests/test_agent_coverage.py` finds each place in the projects.
That a text is there does not show that it is true or complete.

| promise | place | variants |
| --- | --- | --- |
"""
AGENTS, README, RUNBOOK = "AGENTS.md", "README.md", "docs/runbook.md"
AGENT, CONTRACT = ".claude/agents/streaming-engineer.md", ".claude/CONTRACT.md"
WATERMARK = {"trigger": ("auto", "processing_time", "available_now", "real_time")}


@dataclass(frozen=True)
class Promise:
    """A section or a promise, and where a project can have it.

    Attributes:
        name: the heading of the section, and the promise in it.
        places: pairs of a file, which can be a glob, and a heading or another text in it.
        needs: the answers without which a project has no such thing: question to values.
    """

    name: str
    places: list[tuple[str, str]]
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, project):
        """Return the first place that the project has, as a file and a text; None without one."""
        for pattern, text in self.places:
            for path in sorted(project.glob(pattern)):
                if re.search(rf"^(#+ )?{re.escape(text)}", path.read_text("utf-8"), re.MULTILINE):
                    return path.relative_to(project).as_posix(), text
        return None

    def applies(self, variant):
        """Return whether a project of the variant needs it."""
        answers = {axis: values[0] for axis, values in AXES.items()} | VARIANTS[variant]
        return all(answers[axis] in values for axis, values in self.needs.items())


def skill(name, text):
    """Return a place in a playbook."""
    return f".claude/skills/{name}/SKILL.md", text


PROMISES = [
    Promise("Header: name", [(AGENT, "name: streaming-engineer")]),
    Promise("Header: description", [(AGENT, "description: |")]),
    Promise("Header: examples", [(AGENT, "  <example>")]),
    Promise("Header: model", [(AGENT, "model: ")]),
    Promise("Header: color", [(AGENT, "color: ")]),
    Promise("Header: tools", [(AGENT, "tools: ")]),
    Promise("Core Identity", [(AGENT, "You are the streaming engineer of")]),
    Promise("Core Identity: build pipelines", [(README, "Data flow")]),
    Promise(
        "Core Identity: Kafka integration",
        [(RUNBOOK, "A login for Kafka")],
        {"source": ("kafka",)},
    ),
    Promise(
        "Core Identity: windows and watermarks",
        [skill("change-window-or-watermark", "Change the ")],
        WATERMARK,
    ),
    Promise("Core Identity: state", [(RUNBOOK, "Resize the state")], WATERMARK),
    Promise("Core Identity: exactly-once processing", [(README, "Delivery guarantee")]),
    Promise("This Project's Streaming Setup", [(AGENTS, "| part | of this stream | set in |")]),
    Promise("Discovered Files & Locations", [(README, "Data flow")]),
    Promise("Integration Points", [(CONTRACT, "Neighbours")]),
    Promise("File Ownership: OWNS", [(AGENT, "- You edit ")]),
    Promise("File Ownership: READS", [(AGENT, "- You read")]),
    Promise("Structured Streaming Basics: Read Stream", [("src/*/source.py", "class Source")]),
    Promise("Structured Streaming Basics: Write Stream", [("src/*/sink.py", "class Sink")]),
    Promise(
        "Kafka Integration: Read from Kafka",
        [("src/*/source.py", "class Source")],
        {"source": ("kafka",)},
    ),
    Promise(
        "Kafka Integration: security", [(RUNBOOK, "A login for Kafka")], {"source": ("kafka",)}
    ),
    Promise("Kafka Integration: schema parsing", [("src/*/schema.py", "COLUMNS = ")]),
    Promise(
        "Kafka Integration: Write to Kafka", [("src/*/sink.py", "class Sink")], {"sink": ("kafka",)}
    ),
    Promise(
        "Windowing: tumbling, sliding, session",
        [("src/*/window.py", "def aggregate")],
        {"window": ("tumbling", "sliding", "session")},
    ),
    Promise("Windowing: another window, source or sink", [(README, "Template updates")]),
    Promise("Watermarking", [("src/*/transform.py", "def transform")], WATERMARK),
    Promise("Triggers", [(AGENTS, "| trigger | ")]),
    Promise("Output Modes", [(AGENTS, "| sink | ")]),
    Promise(
        "foreachBatch Pattern", [("src/*/sink.py", "class Sink")], {"sink": ("jdbc", "delta_merge")}
    ),
    Promise(
        "Stream-Stream Joins",
        [("src/*/join.py", "def join")],
        {"join": ("stream_inner", "stream_left")},
    ),
    Promise("State Management", [("src/*/visits.py", "class ")], {"state": ("custom",)}),
    Promise("Monitoring: Query Progress", [(RUNBOOK, "First look")]),
    Promise(
        "Monitoring: Streaming Metrics",
        [("monitoring/alerts.yml", "groups:"), (README, "| `metrics.log` | ")],
    ),
    Promise("Response Format", [(AGENT, "How you answer")]),
    Promise("Response Format: Windowing", [(AGENT, "- **Windowing**")], WATERMARK),
    *(
        Promise(f"Response Format: {name}", [(AGENT, f"- **{name}**")])
        for name in (
            *("Stream configuration", "Implementation", "Checkpoints", "Monitoring"),
            "Next steps",
        )
    ),
    Promise(
        "Best Practices: watermarks for aggregations",
        [skill("change-window-or-watermark", "Change the ")],
        WATERMARK,
    ),
    Promise("Best Practices: trigger intervals", [(RUNBOOK, "The job lags")]),
    Promise("Best Practices: checkpointing", [(AGENTS, "Checkpoints")]),
    Promise("Best Practices: stream lag", [skill("falling-behind", "The job falls behind")]),
    Promise("Best Practices: foreachBatch for complex sinks", [(README, "Delivery guarantee")]),
    Promise(
        "Best Practices: late data", [skill("late-events", "Late events are dropped")], WATERMARK
    ),
    Promise("Best Practices: parallelism", [(RUNBOOK, "Resize the state")], WATERMARK),
    Promise("Integration: upstream", [(CONTRACT, "| upstream: data-connector-specialist |")]),
    Promise("Integration: downstream", [(CONTRACT, "| downstream: delta-lake-engineer |")]),
    Promise("Integration: coordinates with", [(CONTRACT, "| platform: workspace-admin |")]),
    Promise("Integration: reports to", [(CONTRACT, "| orchestrator, or who asked you |")]),
]


def find_all(folder):
    """Return for each variant the place of each promise: a file and a text, or None."""
    found = {}
    for variant in PROJECTS:
        project = bake(Path(folder) / variant, hooks=False, **VARIANTS[variant])
        found[variant] = {promise.name: promise.find(project) for promise in PROMISES}
    return found


def render(found):
    """Return the text of the page: a row for each place, with the variants that have it there."""
    rows = []
    for promise in PROMISES:
        needed = [variant for variant in PROJECTS if promise.applies(variant)]
        variants = {}
        for variant in needed:
            variants.setdefault(found[variant][promise.name], []).append(variant)
        rows += [
            f"| {promise.name} | {_format(place)} | {_join(having)} |"
            for place, having in variants.items()
        ]
    return TEXT.format(variants=", ".join(PROJECTS)) + "\n".join(rows) + "\n"


def _join(variants):
    return "all" if variants == [*PROJECTS] else ", ".join(variants)


def _format(place):
    if place is None:
        return "nowhere"
    file, text = place
    return f"`{file}`: {text.strip(' |-').replace('|', '/').replace('<', '&lt;')}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        PAGE.write_text(render(find_all(made)), "utf-8")
