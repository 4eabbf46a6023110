"""docs/choices.md shows every combination, and the oracle of the rules agrees with each cell."""

import itertools
import math
import re

from oracle import is_legal

from stream_template_rules import AXES, docs, guarantee

NUMBERED = {number: rule for rule, number in docs.NUMBERS.items()}


def table(text):
    """The rows of the first table in a text, its head apart."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in lines]
    return head, rows


def combinations(page):
    """Return each cell of the tables: (trigger, source, window, mode, sink) and its text."""
    for section in (
        page.partition("## Legal combinations")[2].partition("\n## ")[0].split("### ")[1:]
    ):
        ends, _, text = section.partition("\n")
        sources, triggers = (re.findall(r"`(\w+)`", names) for names in ends.split(" with "))
        everything = itertools.product(AXES["window"], AXES["output_mode"])
        rows = [(*names, *["refused"] * len(docs.SINKS)) for names in everything]
        if "|" in text:
            head, rows = table(text)
            assert head[2:] == list(docs.SINKS)
        for trigger, source, (window, mode, *cells) in itertools.product(triggers, sources, rows):
            for sink, cell in zip(docs.SINKS, cells, strict=True):
                yield (trigger, source, window, mode, sink), cell


def legal_somewhere(trigger, source, window, mode, sink):
    """Return whether the oracle accepts the job, without join and state, on any platform."""
    return any(
        is_legal(platform, source, window, "none", "none", sink, mode, trigger, spark)
        for platform, spark in itertools.product(AXES["platform"], ("4.2", "4.1", "4.0"))
    )


def test_every_combination_has_a_cell_that_the_oracle_agrees_with():
    """Source, window, mode, sink and trigger: it runs, or a rule refuses it."""
    shown = dict(combinations(docs.page()))

    parts = (docs.TRIGGERS, docs.SOURCES, AXES["window"], AXES["output_mode"], docs.SINKS)
    assert shown.keys() == set(itertools.product(*parts))
    assert [ends for ends in shown if (shown[ends] == docs.LEGAL) != legal_somewhere(*ends)] == []
    named = {number for cell in shown.values() for number in re.findall(r"\d+", cell)}
    assert {NUMBERED[number] for number in named} > {"delta-no-update", "merge-no-complete"}


def test_every_source_sink_and_trigger_has_its_guarantee():
    """The table says of each, in short, what a generated project says of itself."""
    text = docs.page().partition("## Delivery guarantees")[2]
    head, rows = table(text.partition("\n\n| source |")[0])

    shown = 0
    for sink, triggers, *cells in rows:
        for trigger in re.findall(r"\w+", triggers):
            for source, cell in zip(head[2:], cells, strict=True):
                answers = {"source": source, "sink": sink, "trigger": trigger}
                refused = not any(
                    legal_somewhere(trigger, source, window, mode, sink)
                    for window, mode in itertools.product(AXES["window"], AXES["output_mode"])
                )
                assert refused or guarantee(answers).lower().startswith(cell)
                assert refused == bool(re.fullmatch(r"[\d, ]+", cell))
                shown += 1
    assert shown == math.prod(map(len, (docs.SINKS, docs.TRIGGERS, docs.SOURCES)))
