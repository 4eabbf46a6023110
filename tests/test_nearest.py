"""The answers that a refusal proposes: legal, with the typed answers, and the smallest change.

The oracle decides what is legal, not the rules.
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


def is_accepted(values, *, event_id=True, key=True):
    """Return whether the oracle accepts the values, for events with or without an id and a key."""
    platform, _, window, join, state, sink, _, trigger, spark = values
    if trigger == "auto":
        trigger = "available_now" if platform == "databricks_serverless" else "processing_time"
    if spark == "auto":
        serverless = "4.1" if state == "custom" else "4.0"
        newest = "4.1" if sink == "iceberg" else "4.2"
        spark = {"databricks": "4.1", "databricks_serverless": serverless}.get(platform, newest)
    if not event_id and (state == "deduplicate" or (window == "none" and sink in UPSERTS)):
        return False
    if not key and (window == "session" or join != "none" or state == "custom"):
        return False
    return is_legal(*values[:7], trigger, spark)


@functools.cache
def list_accepted(name):
    """Return the accepted sets of values for these events, each encoded by `encode`."""
    columns = {
        "event_id": name not in {"no id", "nothing but a time"},
        "key": "key" in list_roles(name),
    }
    return {encode(v) for v in itertools.product(*AXES.values()) if is_accepted(v, **columns)}


def list_roles(name):
    """Return the roles that these events have, given or proposed."""
    events = EVENTS[name]
    roles = events.get("event_roles") or proposed(events)["event_roles"]
    return {pair.partition("=")[0] for pair in roles.split(", ")}


BITS = {pair: 1 << n for n, pair in enumerate((a, v) for a in AXES for v in AXES[a])}


def encode(values, axes=tuple(AXES)):
    """Return the values as a number in which each value is one bit."""
    return sum(BITS[axis, value] for axis, value in zip(axes, values, strict=True))


def count_fewest_changes(name, given):
    """Return how many given values, and then how many defaults, must change, by brute force."""
    wanted = {axis: values[0] for axis, values in AXES.items()} | given
    typed = encode(given.values(), given.keys())
    rest = encode(wanted.values()) - typed
    kept = max(
        ((legal & typed).bit_count(), (legal & rest).bit_count()) for legal in list_accepted(name)
    )
    return len(given) - kept[0], len(AXES) - len(given) - kept[1]


def answer_questions(line, typed=()):
    """Answer the questions as cookiecutter does; return the first refusal and the answers.

    Args:
        line: the command line, as a list of words.
        typed: the answers that the user types; the others are defaults.
    """
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


def parse_refusal(text):
    """Return the command in a refusal, as a list of words, and the answers that it names."""
    words = shlex.split(text.partition("Continue with:\n\n")[2])
    return words, dict(word.split("=", 1) for word in words if "=" in word)


def make_samples(seed, count, sizes):
    """Yield random answers to random questions.

    Args:
        seed: the seed of the random numbers.
        count: the number of samples.
        sizes: the numbers of questions that a sample can have.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(count):
        axes = chance.sample(list(AXES), chance.choice(sizes))
        yield {axis: chance.choice(AXES[axis]) for axis in AXES if axis in axes}


def make_line(given, *words):
    """Return a command line with these answers, as a list of words."""
    return [PROGRAM, "gh:org/stream-template", *words, *(f"{q}={a}" for q, a in given.items())]


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize(("sizes", "count"), [((1, 2, 3, 4), 500), ((9,), 250)])
def test_the_printed_command_is_the_nearest(name, sizes, count):
    """Without questions, the command is accepted, and changes as little as brute force finds."""
    refused = 0
    for given in make_samples(f"{name} {sizes}", count, sizes):
        text, _ = answer_questions(make_line({**EVENTS[name], **given}, "--no-input"))
        least = count_fewest_changes(name, given)

        assert bool(text) == (least != (0, 0)), given
        if text:
            refused += 1
            words, named = parse_refusal(text)
            again, answers = answer_questions(words)
            wanted = {axis: values[0] for axis, values in AXES.items()} | given
            changed = {axis for axis in AXES if answers[axis] != wanted[axis]}
            assert not again, (given, again)
            assert encode([answers[axis] for axis in AXES]) in list_accepted(name)
            assert (len(changed & given.keys()), len(changed - given.keys())) == least, given
            assert EVENTS[name].items() <= named.items()
    assert refused > count / 3


@pytest.mark.parametrize("name", EVENTS)
def test_enter_accepts_a_command_with_questions(name):
    """After a refusal between questions, Enter at each question of the command is accepted.

    An answer that was typed at a question is kept as well, if it is not the default.
    """
    chance = random.Random(name)  # noqa: S311 - no secret
    refused = 0
    for given in make_samples(f"{name} asked", 300, (2, 3, 4, 5)):
        at_questions = {axis for axis in given if chance.random() < 0.5}
        line = make_line(EVENTS[name] | {a: v for a, v in given.items() if a not in at_questions})
        text, asked = answer_questions(line, {a: v for a, v in given.items() if a in at_questions})
        if text:
            refused += 1
            words, named = parse_refusal(text)
            again, answers = answer_questions(words)
            assert not again, (given, at_questions, again)
            known = {a: v for a, v in given.items() if a in asked or a not in at_questions}
            chosen = {a: v for a, v in known.items() if a not in at_questions or v != AXES[a][0]}
            if count_fewest_changes(name, chosen)[0] == 0:
                assert answers.items() >= chosen.items(), (given, at_questions)
            assert EVENTS[name].items() <= named.items()
    assert refused > 50


@pytest.mark.parametrize("words", [(), (PROGRAM, "x", "--no-input"), ("/usr/bin/pytest",)])
def test_without_questions_all_answers_are_validated_together(words):
    """Without questions, an incomplete set of answers is not refused; the complete one is."""
    complete = proposed({}) | {"state": "custom", "output_mode": "complete"}
    for count in range(len(QUESTIONS)):
        assert not refusal({q: complete[q] for q in QUESTIONS[:count]}, words)

    assert parse_refusal(refusal(complete, words))[1].items() >= {"output_mode": "complete"}.items()


@pytest.mark.long
@pytest.mark.timeout(1800)  # 200,000 sets, each 3 ms: about as long as the limit of other tests
def test_every_illegal_set_has_a_nearest_legal_set():
    """For each set of values, the proposed change is as small as possible."""
    distance = measure_distances()
    for values in itertools.product(*AXES.values()):
        if "auto" not in values:
            change = nearest(dict(zip(AXES, values, strict=True)), AXES)
            assert len(change) == distance[values], values


def measure_distances():
    """Return the smallest number of changes from each set of values to an accepted set."""
    found = dict.fromkeys((v for v in itertools.product(*AXES.values()) if is_accepted(v)), 0)
    edge = list(found)
    while edge:
        farther = []
        for values in edge:
            for index, others in enumerate(AXES.values()):
                for other in others:
                    changed = (*values[:index], other, *values[index + 1 :])
                    if changed not in found:
                        found[changed] = found[values] + 1
                        farther.append(changed)
        edge = farther
    return found


def test_brute_force_counts_changes():
    """The brute-force search counts the changes of known cases correctly."""
    assert count_fewest_changes("default columns", {"state": "custom"}) == (0, 1)
    assert count_fewest_changes(
        "default columns", {"window": "session", "output_mode": "update"}
    ) == (
        1,
        0,
    )
    assert count_fewest_changes("no key", {}) == (0, 0)
    assert count_fewest_changes("no key", {"state": "custom"}) == (1, 0)
