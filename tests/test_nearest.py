"""What a refusal proposes is legal, keeps what somebody typed, and is the smallest such change.

The rules are not asked what is legal: the oracle is.
"""

import functools
import itertools
import random
import shlex

import pytest
from oracle import is_legal

from stream_template_rules import AXES, QUESTIONS, nearest, refusal
from stream_template_rules.verdict import proposed

PROGRAM = "/usr/bin/cookiecutter"
EVENTS = {
    "default columns": {},
    "no id": {"event_schema": "at TIMESTAMP, kind STRING, amount DOUBLE"},
    "no key": {"event_schema": "id STRING, at TIMESTAMP, amount DOUBLE"},
    "no measure": {"event_schema": "id BIGINT, at TIMESTAMP, kind STRING"},
    "no key by its roles": {"event_roles": "id=event_id, time=event_time"},
    "nothing but a time": {"event_schema": "at TIMESTAMP"},
}
UPSERTS = {"delta_merge", "jdbc"}


def accepted(values, *, event_id=True, key=True):
    """Return whether the oracle accepts the choices for events with or without these columns."""
    platform, _, window, join, state, sink, _, trigger, spark = values
    if trigger == "auto":
        trigger = "available_now" if platform == "databricks_serverless" else "processing_time"
    if spark == "auto":
        serverless = "4.1" if state == "custom" else "4.0"
        newest = "4.1" if sink == "iceberg" else "4.2"
        spark = {"databricks": "4.1", "databricks_serverless": serverless}.get(platform, newest)
    if not event_id and (state == "deduplicate" or (window == "none" and sink in UPSERTS)):
        return False
    if not key and ((window, join) != ("none", "none") or state == "custom"):
        return False
    return is_legal(*values[:7], trigger, spark)


@functools.cache
def all_accepted(name):
    """Return the accepted choices of these events, each as a set of bits, one for each value."""
    parts = {
        "event_id": name not in {"no id", "nothing but a time"},
        "key": "key" in parts_of(name),
    }
    return {bits(v) for v in itertools.product(*AXES.values()) if accepted(v, **parts)}


def parts_of(name):
    """Return the parts that the proposed or given roles of these events name."""
    events = EVENTS[name]
    roles = events.get("event_roles") or proposed(events)["event_roles"]
    return {pair.partition("=")[0] for pair in roles.split(", ")}


PLACES = {pair: 1 << n for n, pair in enumerate((a, v) for a in AXES for v in AXES[a])}


def bits(values, axes=tuple(AXES)):
    """Return the choices as a number in which each value is one bit."""
    return sum(PLACES[axis, value] for axis, value in zip(axes, values, strict=True))


def fewest_changes(name, given):
    """Return how many given choices, and then how many defaults, have to change: brute force."""
    wanted = {axis: values[0] for axis, values in AXES.items()} | given
    typed = bits(given.values(), given.keys())
    rest = bits(wanted.values()) - typed
    kept = max(
        ((known & typed).bit_count(), (known & rest).bit_count()) for known in all_accepted(name)
    )
    return len(given) - kept[0], len(AXES) - len(given) - kept[1]


def walk(line, typed=()):
    """Answer the questions as cookiecutter does, and return the first refusal."""
    words = line[1:]
    given = dict(word.split("=", 1) for word in words if "=" in word)
    answers = {}
    for question in QUESTIONS:
        offered = {**proposed(answers), **given}[question]
        answers[question] = dict(typed).get(question, offered)
        text = refusal(answers, line)
        if text:
            return text, answers
    return refusal(answers, line, final=True), answers


def printed(text):
    """Return the command in the text, as a shell splits it, and the answers it names."""
    words = shlex.split(text.partition("Continue with:\n\n")[2])
    return words, dict(word.split("=", 1) for word in words if "=" in word)


def samples(seed, count, sizes):
    """Return choices that somebody might type, of so many questions."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(count):
        axes = chance.sample(list(AXES), chance.choice(sizes))
        yield {axis: chance.choice(AXES[axis]) for axis in AXES if axis in axes}


def line_of(given, *words):
    """Return a command line with these answers."""
    return [PROGRAM, "gh:org/stream-template", *words, *(f"{q}={a}" for q, a in given.items())]


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize(("sizes", "count"), [((1, 2, 3, 4), 500), ((9,), 250)])
def test_the_printed_command_is_the_nearest(name, sizes, count):
    """Without questions: it is accepted, and changes as little as brute force finds."""
    refused = 0
    for given in samples(f"{name} {sizes}", count, sizes):
        text, _ = walk(line_of({**EVENTS[name], **given}, "--no-input"))
        least = fewest_changes(name, given)

        assert bool(text) == (least != (0, 0)), given
        if text:
            refused += 1
            words, named = printed(text)
            again, answers = walk(words)
            wanted = {axis: values[0] for axis, values in AXES.items()} | given
            changed = {axis for axis in AXES if answers[axis] != wanted[axis]}
            assert not again, (given, again)
            assert bits([answers[axis] for axis in AXES]) in all_accepted(name)
            assert (len(changed & given.keys()), len(changed - given.keys())) == least, given
            assert EVENTS[name].items() <= named.items()
    assert refused > count / 3


@pytest.mark.parametrize("name", EVENTS)
def test_a_command_with_questions_is_accepted_by_enter(name):
    """Whoever was refused between the questions runs the command and presses Enter to the end.

    What was typed at a question counts as chosen where it is not the default, and is kept too.
    """
    chance = random.Random(name)  # noqa: S311 - no secret
    refused = 0
    for given in samples(f"{name} asked", 300, (2, 3, 4, 5)):
        spoken = {axis for axis in given if chance.random() < 0.5}
        line = line_of(EVENTS[name] | {a: v for a, v in given.items() if a not in spoken})
        text, asked = walk(line, {a: v for a, v in given.items() if a in spoken})
        if text:
            refused += 1
            words, named = printed(text)
            again, answers = walk(words)
            assert not again, (given, spoken, again)
            known = {a: v for a, v in given.items() if a in asked or a not in spoken}
            chosen = {a: v for a, v in known.items() if a not in spoken or v != AXES[a][0]}
            if fewest_changes(name, chosen)[0] == 0:
                assert answers.items() >= chosen.items(), (given, spoken)
            assert EVENTS[name].items() <= named.items()
    assert refused > 50


@pytest.mark.parametrize("words", [(), (PROGRAM, "x", "--no-input"), ("/usr/bin/pytest",)])
def test_without_questions_all_answers_are_validated_together(words):
    """A part of the answers shows a part of what is wrong, and of what somebody chose."""
    complete = proposed({}) | {"state": "custom", "output_mode": "complete"}
    for count in range(len(QUESTIONS)):
        assert not refusal({q: complete[q] for q in QUESTIONS[:count]}, words)

    assert printed(refusal(complete, words))[1].items() >= {"output_mode": "complete"}.items()


@pytest.mark.long
@pytest.mark.timeout(1800)  # 200,000 sets, each 3 ms: about as long as the limit of other tests
def test_every_illegal_set_has_its_nearest():
    """The whole product: nobody's choices change more than they must."""
    distance = distances()
    for values in itertools.product(*AXES.values()):
        if "auto" not in values:
            change = nearest(dict(zip(AXES, values, strict=True)), AXES)
            assert len(change) == distance[values], values


def distances():
    """Return how many changes each set of choices is away from an accepted one."""
    found = dict.fromkeys((v for v in itertools.product(*AXES.values()) if accepted(v)), 0)
    edge = list(found)
    while edge:
        farther = []
        for values in edge:
            for place, others in enumerate(AXES.values()):
                for other in others:
                    neighbor = (*values[:place], other, *values[place + 1 :])
                    if neighbor not in found:
                        found[neighbor] = found[values] + 1
                        farther.append(neighbor)
        edge = farther
    return found


def test_brute_force_counts_changes():
    """The brute-force search counts the changes of known cases correctly."""
    assert fewest_changes("default columns", {"state": "custom"}) == (0, 1)
    assert fewest_changes("default columns", {"window": "session", "output_mode": "update"}) == (
        1,
        0,
    )
    assert fewest_changes("no key", {}) == (0, 1)
