"""How the schema of an event and the roles of its columns are read."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_template_rules import AXES, columns, default_roles, plan, violations
from stream_template_rules.columns import FLAT, MAX_NAME, RESERVED, SchemaError
from stream_template_rules.roles import ROLES, read_roles

TIME = "at TIMESTAMP"


def refused(**answers):
    """Return the ids of all that is wrong with the answers."""
    return [problem.id for problem in violations(answers)]


@pytest.mark.parametrize(
    ("ddl", "expected"),
    [
        ("a string", [("a", "STRING")]),
        (" a   STRING ,b INT ", [("a", "STRING"), ("b", "INT")]),
        ("a: LONG, b integer, c byte", [("a", "BIGINT"), ("b", "INT"), ("c", "TINYINT")]),
        ("a DECIMAL(10,2), b dec, c NUMERIC( 5 )", None),
        ("a ARRAY<array<int>>", [("a", "ARRAY<ARRAY<INT>>")]),
        ("a MAP<STRING,BIGINT>", [("a", "MAP<STRING, BIGINT>")]),
        ("a struct<Bc:int,D string>", [("a", "STRUCT<Bc: INT, D: STRING>")]),
        ("a TIMESTAMP_LTZ, b TIMESTAMP_NTZ", [("a", "TIMESTAMP"), ("b", "TIMESTAMP_NTZ")]),
    ],
)
def test_types_are_read_in_any_spelling(ddl, expected):
    """Aliases, cases and spaces are normalised; the names inside of a struct keep their case."""
    decimals = [("a", "DECIMAL(10,2)"), ("b", "DECIMAL(10,0)"), ("c", "DECIMAL(5,0)")]

    assert columns(ddl) == (expected or decimals)


@pytest.mark.parametrize(
    ("ddl", "rule"),
    [
        ("", "schema-form"),
        ("a INT,", "schema-form"),
        ("a INT,, b INT", "schema-form"),
        ("a ARRAY<INT", "schema-form"),
        ("a INT>", "schema-form"),
        ("a ARRAY<INT)", "schema-form"),
        ("a INT\n, b INT", "schema-form"),
        ("a `INT`", "schema-form"),
        ("a " + "ARRAY<" * 500 + "INT" + ">" * 500, "schema-form"),
        ("a " + "ARRAY<" * 20 + "INT" + ">" * 20, "schema-form"),
        ("a", "schema-type"),
        ("a STRNG", "schema-type"),
        ("a ARRAY", "schema-type"),
        ("a ARRAY<>", "schema-type"),
        ("a STRUCT<>", "schema-name"),
        ("a STRUCT<b>", "schema-type"),
        ("a MAP<INT, INT>", "schema-type"),
        ("a MAP<STRING>", "schema-type"),
        ("a DECIMAL(2,3)", "schema-type"),
        ("a DECIMAL(39,0)", "schema-type"),
        ("a DECIMAL(x)", "schema-type"),
        ("a STRING NOT NULL", "schema-extras"),
        ("a STRING COMMENT", "schema-extras"),
        ("a INT b INT", "schema-extras"),
        ("1a INT", "schema-name"),
        ("a INT, A STRING", "schema-double"),
        ("a STRUCT<b: INT, B: INT>", "schema-double"),
        ("x" * (MAX_NAME + 1) + " INT", "schema-name"),
    ],
)
def test_what_is_no_schema_is_refused(ddl, rule):
    """Each mistake has a rule of its own."""
    with pytest.raises(SchemaError) as caught:
        columns(ddl)

    assert caught.value.rule == rule
    assert rule in refused(event_schema=ddl)


@pytest.mark.parametrize("name", RESERVED)
def test_a_column_of_the_result_is_not_one_of_the_event(name):
    """Names that the result or the envelope of a record uses are refused in any case."""
    assert refused(event_schema=f"{TIME}, {name.upper()} INT") == ["schema-reserved"]


def test_a_name_of_forty_letters_passes():
    """The limit is the last one that passes."""
    assert refused(event_schema=f"{TIME}, {'x' * MAX_NAME} INT") == []


def test_every_wrong_column_is_told():
    """One refusal names the mistakes of all columns."""
    found = violations({"event_schema": "a STRNG, b INT NOT NULL, b INTT"})

    assert [problem.id for problem in found] == ["schema-type", "schema-extras", "schema-type"]
    assert "Did you mean STRING?" in found[0].fix


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("VARCHAR(20)", "STRING"), ("datetime", "TIMESTAMP"), ("bool", "BOOLEAN"), ("INTT", "INT")],
)
def test_a_type_of_another_system_is_corrected(wrong, right):
    """What people write elsewhere is understood and proposed in Spark's words."""
    [problem] = violations({"event_schema": f"{TIME}, bool_ {wrong}, c INT"})

    assert problem.correction == f"{TIME}, bool_ {right}, c INT"


@pytest.mark.parametrize("ddl", ["a STRING", "a TIMESTAMP_NTZ", "a ARRAY<TIMESTAMP>", "a DATE"])
def test_an_event_needs_a_time(ddl):
    """Without a TIMESTAMP column nothing can be placed in event time."""
    assert refused(event_schema=ddl) == ["schema-no-time"]


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True)
TYPES = st.recursive(
    st.sampled_from([*FLAT, "DECIMAL(10,2)"]),
    lambda inner: st.one_of(
        inner.map("ARRAY<{}>".format),
        inner.map("MAP<STRING, {}>".format),
        st.dictionaries(NAMES.map(str.lower), inner, min_size=1, max_size=3).map(
            lambda fields: f"STRUCT<{', '.join(f'{n}: {k}' for n, k in fields.items())}>"
        ),
    ),
    max_leaves=4,
)


@given(st.dictionaries(NAMES.map(lambda name: f"c_{name.lower()}"), TYPES, min_size=1))
def test_a_schema_is_read_as_it_is_written(found):
    """What is written from columns is read as those columns, nested types included."""
    assert columns(", ".join(f"{name} {kind}" for name, kind in found.items())) == [*found.items()]


@given(st.text(alphabet="ab_1 ,:<>()INTSRAYMPUC\n'", max_size=40))
def test_no_text_makes_the_reader_stumble(text):
    """Any text is a schema, or is refused in words."""
    with contextlib.suppress(SchemaError):
        columns(text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_answer_makes_the_rules_stumble(schema, roles):
    """Whatever is typed, the verdict is a list of violations."""
    violations({"event_schema": schema, "event_roles": roles})


@pytest.mark.parametrize(
    ("ddl", "expected"),
    [
        (
            "event_id STRING, event_time TIMESTAMP, event_type STRING, n BIGINT, amount DOUBLE",
            "id=event_id, time=event_time, key=event_type, measure=amount",
        ),
        ("id BIGINT, at TIMESTAMP, kind STRING", "id=id, time=at, key=kind"),
        ("id INT, event_id STRING, at TIMESTAMP", "id=event_id, time=at"),
        ("user_id STRING, at TIMESTAMP", "time=at, key=user_id"),
        ("id DOUBLE, at TIMESTAMP, k STRING", "time=at, key=k, measure=id"),
        ("b TIMESTAMP, a TIMESTAMP, price DECIMAL(9,2), f FLOAT", "time=b, measure=price"),
        ("at TIMESTAMP, total_amount STRING, amount DOUBLE", "time=at, measure=amount"),
        ("no schema", ""),
    ],
)
def test_roles_are_proposed_from_the_schema(ddl, expected):
    """Names and types suggest the roles; an id is not guessed."""
    assert default_roles(ddl) == expected


SCHEMA = (
    "id STRING, at TIMESTAMP, n INT, few SMALLINT, kind STRING, ok BOOLEAN, day DATE, "
    "x DOUBLE, y FLOAT"
)
LONG_SCHEMA = f"{SCHEMA}, total_x STRING, raw_at TIMESTAMP_NTZ"


@pytest.mark.parametrize(
    ("roles", "rule"),
    [
        ("", "role-form"),
        ("id", "role-form"),
        ("id=", "role-form"),
        ("time=at,\nid=id", "role-form"),
        ("time=at, ident=id", "role-unknown"),
        ("time=at, id=id, id=n", "role-twice"),
        ("time=at, id=id, key=id", "role-shared"),
        ("time=at, key=n, measure=n", "role-shared"),
        ("time=at, key=knd", "role-column"),
        ("time=at, key=Kind", "role-column"),
        ("time=at, id=x", "role-type"),
        ("time=at, id=ok", "role-type"),
        ("time=at, id=few", "role-type"),
        ("time=day", "role-type"),
        ("time=raw_at", "role-type"),
        ("time=at, key=x", "role-type"),
        ("time=at, measure=kind", "role-type"),
        ("id=id, key=kind", "role-no-time"),
        ("time=at, key=total_x, measure=x", "role-result-name"),
    ],
)
def test_roles_that_cannot_be_played_are_refused(roles, rule):
    """Each mistake has a rule of its own, and a proposal that passes."""
    found = violations({"event_schema": LONG_SCHEMA, "event_roles": roles})

    assert rule in [problem.id for problem in found]
    assert all(problem.correction for problem in found)


@pytest.mark.parametrize(
    "roles",
    [
        "time=at",
        "id=n,time=at,key=kind",
        "time=at, key=ok",
        "key=day, time = at",
        "id=id, time=at, key=kind, measure=n",
        "time=at, measure=y",
    ],
)
def test_roles_may_be_edited(roles):
    """Every column of a fitting type may play a role, in any order."""
    assert refused(event_schema=SCHEMA, event_roles=roles) == []


def test_a_misspelt_column_is_proposed_in_its_place():
    """The correction keeps the other roles as they were given."""
    [problem] = violations({"event_schema": SCHEMA, "event_roles": "time=at, key=knd, measure=y"})

    assert problem.correction == "time=at, key=kind, measure=y"


def test_roles_that_were_not_given_are_none():
    """A plan always speaks of all four roles."""
    assert read_roles("time=at") == {"id": None, "time": "at", "key": None, "measure": None}
    assert list(ROLES) == ["id", "time", "key", "measure"]


def test_the_plan_holds_columns_and_roles():
    """Templates read them from the plan, with types in Spark's spelling."""
    answers = {
        "project_name": "Orders",
        "project_slug": "order-totals",
        "event_schema": "at timestamp, kind string, price dec(9,2)",
        "event_roles": "time=at, key=kind, measure=price",
    } | {axis: values[0] for axis, values in AXES.items()}
    job = plan(answers)

    assert job["package"] == "order_totals"
    assert job["columns"] == [("at", "TIMESTAMP"), ("kind", "STRING"), ("price", "DECIMAL(9,2)")]
    assert job["roles"] == {"id": None, "time": "at", "key": "kind", "measure": "price"}
    assert (job["trigger"], job["spark_version"]) == ("processing_time", "4.2")
    assert job["answers"] == answers
