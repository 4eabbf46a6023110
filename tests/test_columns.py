"""The parsing of the event schema and of the roles of its columns."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_template_rules import AXES, columns, default_roles, plan, violations
from stream_template_rules.columns import FLAT, MAX_NAME, OWN, UNWRITABLE
from stream_template_rules.ddl import MARKUP, MAX_DDL, MAX_DEPTH, FormError, quoted
from stream_template_rules.event import named_fields
from stream_template_rules.roles import ROLES, read_event, read_roles, written
from tests.machine import ROOT

TIME = "at TIMESTAMP"


def refused(**answers):
    """Return the ids of all violations of the answers."""
    return [problem.id for problem in violations(answers)]


@pytest.mark.parametrize(
    ("ddl", "expected"),
    [
        ("a string", [("a", "STRING")]),
        (" a   STRING ,b INT ", [("a", "STRING"), ("b", "INT")]),
        ("a: LONG, b integer, c byte", [("a", "BIGINT"), ("b", "INT"), ("c", "TINYINT")]),
        (
            "a DECIMAL(10,2), b dec, c NUMERIC( 5 )",
            [("a", "DECIMAL(10,2)"), ("b", "DECIMAL(10,0)"), ("c", "DECIMAL(5,0)")],
        ),
        ("a ARRAY<array<int>>", [("a", "ARRAY<ARRAY<INT>>")]),
        ("a MAP<STRING,BIGINT>", [("a", "MAP<STRING, BIGINT>")]),
        ("a struct<Bc:int,D string>", [("a", "STRUCT<Bc: INT, D: STRING>")]),
        ("a TIMESTAMP_LTZ, b TIMESTAMP_NTZ", [("a", "TIMESTAMP"), ("b", "TIMESTAMP_NTZ")]),
        ("a timestamp with local time zone", [("a", "TIMESTAMP")]),
        ("a TIMESTAMP WITHOUT TIME ZONE", [("a", "TIMESTAMP_NTZ")]),
        ("a double precision, b REAL", [("a", "DOUBLE"), ("b", "FLOAT")]),
        ("a VARCHAR(20), b char(3), c Character(1)", [(name, "STRING") for name in "abc"]),
        ("a MAP<VARCHAR(3), INT>", [("a", "MAP<STRING, INT>")]),
    ],
)
def test_types_are_read_in_any_spelling(ddl, expected):
    """Aliases, cases and spaces are normalised; the names inside of a struct keep their case."""
    assert columns(ddl) == expected


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("`user-id`", "user-id"),
        ("`a``b`", "a`b"),
        ("`two words`", "two words"),
        ("`a, b`", "a, b"),
        ('`"it\'s"`', '"it\'s"'),
        ("user-agent", "user-agent"),
        ("@timestamp", "@timestamp"),
        ("geo.city", "geo.city"),
        ("$ref", "$ref"),
        ("größe", "größe"),
        ("订单", "订单"),
        ("1st", "1st"),
        ("UserId", "UserId"),
        ("select", "select"),
        ("timestamp", "timestamp"),
        ("x" * MAX_NAME, "x" * MAX_NAME),
        *((name, name) for name in ("reason", "origin", "raw", "headers", "window", "line")),
    ],
)
def test_a_column_can_have_any_name(written, name):
    """Any sign is taken in back quotes, and without them where it is clear what is meant."""
    assert columns(f"{written} INT, {TIME}") == [(name, "INT"), ("at", "TIMESTAMP")]


def test_a_field_has_back_quotes_where_spark_needs_them():
    """A type is valid DDL for any names of its fields."""
    [(_, kind)] = columns("a STRUCT<`user-id`: INT, größe STRING, `x``y`: INT, plain: INT>")

    assert kind == "STRUCT<`user-id`: INT, `größe`: STRING, `x``y`: INT, plain: INT>"


@pytest.mark.parametrize(
    "ddl",
    [
        "a INT,\n\tb STRING\n",
        "a INT, -- how many, it's a count\n b STRING",
        "a INT /* how, many */, b STRING;",
        "a INT NOT NULL, b STRING COMMENT 'what, it\\'s (not) <this>' NOT NULL",
        'a INT COMMENT "how many", b STRING NULL',
        "(a INT, b STRING)",
        "STRUCT<a: INT NOT NULL, b: STRING COMMENT 'x'>",
        "CREATE TABLE IF NOT EXISTS shop.orders (a INT, b STRING) USING delta LOCATION 'x'",
        """{"type": "struct", "fields": [
            {"name": "a", "type": "integer", "nullable": true, "metadata": {}},
            {"name": "b", "type": "string", "nullable": true, "metadata": {}}]}""",
    ],
)
def test_comments_and_attributes_of_a_schema_are_ignored(ddl):
    """Comments, line ends and column attributes in DDL are ignored."""
    assert columns(ddl) == [("a", "INT"), ("b", "STRING")]


def test_a_schema_may_be_sparks_json():
    """What `df.schema.json()` returns is read with all that is nested in it."""
    fields = [
        ("@id", {"type": "array", "elementType": "long", "containsNull": True}),
        ("m", {"type": "map", "keyType": "string", "valueType": "double"}),
        ("s", {"type": "struct", "fields": [{"name": "a b", "type": "decimal(9,2)"}]}),
    ]
    text = json.dumps({"type": "struct", "fields": [{"name": n, "type": t} for n, t in fields]})

    assert columns(text) == [
        ("@id", "ARRAY<BIGINT>"),
        ("m", "MAP<STRING, DOUBLE>"),
        ("s", "STRUCT<`a b`: DECIMAL(9,2)>"),
    ]


def test_a_wide_schema_is_read():
    """A schema of 300 columns is accepted."""
    wide = [(f"measurement_of_sensor_{number}", "DECIMAL(18,6)") for number in range(300)]

    assert columns(",\n".join(f"{name} {kind}" for name, kind in wide)) == wide


@pytest.mark.parametrize(
    ("ddl", "rule"),
    [
        ("", "schema-form"),
        ("a INT,", "schema-form"),
        ("a INT,, b INT", "schema-form"),
        ("a ARRAY<INT", "schema-form"),
        ("a INT>", "schema-form"),
        ("a ARRAY<INT)", "schema-form"),
        ("`a INT", "schema-form"),
        ("`{{ a }}` INT", "schema-form"),
        ("a INT COMMENT '{% if %}'", "schema-form"),
        ("`c_{%` STRING", "schema-form"),
        ("a INT COMMENT 'b", "schema-form"),
        ("a " + "ARRAY<" * 500 + "INT" + ">" * 500, "schema-form"),
        ("a " + "ARRAY<" * (MAX_DEPTH + 1) + "INT" + ">" * (MAX_DEPTH + 1), "schema-form"),
        ("a INT, " * (MAX_DDL // 7) + "b BIGINT", "schema-form"),
        ("a", "schema-type"),
        ("a STRNG", "schema-type"),
        ("a `INT`", "schema-type"),
        ("a ARRAY", "schema-type"),
        ("a ARRAY<>", "schema-type"),
        ("a STRUCT<>", "schema-type"),
        ("a STRUCT<b>", "schema-type"),
        ("a MAP<INT, INT>", "schema-type"),
        ("a MAP<STRING>", "schema-type"),
        ("a DECIMAL(2,3)", "schema-type"),
        ("a DECIMAL(39,0)", "schema-type"),
        ("a DECIMAL(x)", "schema-type"),
        ("a STRING COMMENT", "schema-extras"),
        ("a STRING COMMENT b", "schema-extras"),
        ("a INT DEFAULT 1", "schema-extras"),
        ("a INT GENERATED ALWAYS AS (b + 1)", "schema-extras"),
        ("a INT b INT", "schema-extras"),
        ("a INT; b INT", "schema-extras"),
        ("`` INT", "schema-name"),
        ("< INT>", "schema-name"),
        ("`a\nb` INT", "schema-name"),
        ("a\x00 INT", "schema-name"),
        ("`a\u2028b` INT", "schema-name"),
        ("a INT, A STRING", "schema-double"),
        ("a STRUCT<b: INT, B: INT>", "schema-double"),
        ("x" * (MAX_NAME + 1) + " INT", "schema-name"),
    ],
)
def test_what_is_no_schema_is_refused(ddl, rule):
    """Each error of a schema has its own rule."""
    with pytest.raises(FormError) as caught:
        columns(ddl)

    assert caught.value.rule == rule
    assert rule in refused(event_schema=ddl)


def test_the_prefix_of_the_job_s_own_columns_is_taken():
    """A column with it could meet one of the job's in a relation; a field of a STRUCT cannot."""
    runtime = (ROOT / "packages/stream-runtime/src/stream_runtime/names.py").read_text("utf-8")

    assert f'OWN = "{OWN}"' in runtime
    with pytest.raises(FormError, match="begins with __stream_"):
        columns(f"{OWN.upper()}line STRING, t TIMESTAMP")
    assert columns(f"a STRUCT<{OWN}line: STRING>")


def test_every_wrong_column_is_named():
    """One refusal names the errors of all columns, and its fix has all certain corrections."""
    found = violations({"event_schema": "a STRNG, b INT KEY, b INTT"})

    assert [problem.id for problem in found] == ["schema-type", "schema-extras", "schema-type"]
    assert "STRING" in found[0].fix
    assert [problem.correction for problem in found] == [
        "a STRING, b INT KEY, b INT",
        None,
        "a STRING, b INT KEY, b INT",
    ]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        *(("datetime", "TIMESTAMP"), ("bool", "BOOLEAN"), ("INTT", "INT"), ("text", "STRING")),
        # What a project cannot carry: the text of it loses nothing.
        *((wrong, "STRING") for wrong in ("VARIANT", "TIME", "time(3)", "TIME WITHOUT TIME ZONE")),
        *((wrong, "STRING") for wrong in ("INTERVAL DAY TO SECOND", "INTERVAL YEAR", "VOID")),
        *((wrong, "STRING") for wrong in ("GEOMETRY(4326)", "GEOGRAPHY(ANY)")),
        ("STRING COLLATE UTF8_LCASE", "STRING"),
        ("ARRAY<VARIANT>", "ARRAY<STRING>"),
        ("MAP<INT, VARCHAR(3)>", "MAP<STRING, VARCHAR(3)>"),
        ("STRUCT<b: VARIANT NOT NULL>", "STRUCT<b: STRING NOT NULL>"),
        ("INT DEFAULT 1", "INT"),
    ],
)
def test_a_certain_correction_is_made(wrong, right):
    """Types of other systems, and those that only some sinks can hold, have one that works."""
    [problem] = violations({"event_schema": f"{TIME}, bool_ {wrong}, c INT"})

    assert problem.correction == f"{TIME}, bool_ {right}, c INT"
    assert refused(event_schema=problem.correction) == []


@pytest.mark.parametrize("wrong", ["NUMBER(10,2)", "KEY", "ENUM", "JSONB", "Nullable(Int32)"])
def test_an_ambiguous_type_is_not_corrected(wrong):
    """An ambiguous type has no correction, because a wrong one makes all events malformed."""
    [problem] = violations({"event_schema": f"{TIME}, a {wrong}"})

    assert problem.correction is None


@pytest.mark.parametrize("ddl", ["a STRING", "a TIMESTAMP_NTZ", "a ARRAY<TIMESTAMP>", "a DATE"])
def test_an_event_needs_a_time(ddl):
    """Without a TIMESTAMP column nothing can be placed in event time."""
    assert refused(event_schema=ddl) == ["schema-no-time"]


@pytest.mark.parametrize(
    ("ddl", "said"),
    [
        ("id STRING, sent_ms BIGINT", "seconds since 1970"),
        ("id STRING, meta STRUCT<sent_ms: BIGINT>", "seconds since 1970"),
        ("meta STRUCT<at: TIMESTAMP_NTZ>", "not a point in time"),
    ],
)
def test_an_unsupported_time_is_named(ddl, said):
    """A number, or a time without a zone, is refused with what to do; nothing is guessed."""
    [problem] = violations({"event_schema": ddl})

    assert (problem.id, problem.correction) == ("schema-no-time", None)
    assert said in problem.reason


NAMES = st.text(
    st.characters(exclude_categories=UNWRITABLE, exclude_characters="İ"), min_size=1, max_size=20
).filter(lambda name: not MARKUP.search(name))  # which is refused
TYPES = st.recursive(
    st.sampled_from([*FLAT, "DECIMAL(10,2)"]),
    lambda inner: st.one_of(
        inner.map("ARRAY<{}>".format),
        inner.map("MAP<STRING, {}>".format),
        st.dictionaries(NAMES.map(str.lower), inner, min_size=1, max_size=3).map(
            lambda fields: f"STRUCT<{', '.join(f'{quoted(n)}: {k}' for n, k in fields.items())}>"
        ),
    ),
    max_leaves=4,
)


@given(st.dictionaries(NAMES.map(lambda name: f"c_{name.lower()}"), TYPES, min_size=1))
def test_a_schema_is_read_as_it_is_written(found):
    """What is written from columns is read as those columns, nested types included."""
    ddl = ", ".join(f"{quoted(name)} {kind}" for name, kind in found.items())

    assert columns(ddl) == [*found.items()]


@given(st.text(alphabet="ab_1 ,:;<>()INTSRAYMPUC\n'`\"-/*{}", max_size=40))
def test_any_text_is_a_schema_or_a_violation(text):
    """Any text is either a schema or a violation."""
    with contextlib.suppress(FormError):
        columns(text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_answers_give_a_list_of_violations(schema, roles):
    """For any answers, the rules return a list of violations."""
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
        ("order_id STRING, ts TIMESTAMP, shop STRING, qty INT", "time=ts, key=shop, measure=qty"),
        ("at TIMESTAMP, k STRING, n INT, price DOUBLE", "time=at, key=k, measure=price"),
        (
            "at TIMESTAMP, host STRING, userId BIGINT, status INT, sent_ts BIGINT, bytes BIGINT",
            "time=at, key=host, measure=bytes",
        ),
        ("id INT, at TIMESTAMP, k STRING, `a b` INT, shop_id INT", "id=id, time=at, key=k"),
        ("userId STRING, at TIMESTAMP, country STRING", "time=at, key=country"),
        ("window_start STRING, at TIMESTAMP, grid STRING", "time=at, key=grid"),
        ("@timestamp TIMESTAMP, user-agent STRING", "time=@timestamp, key=user-agent"),
        (
            "geo.at TIMESTAMP, none STRING, `a, b` DOUBLE",
            "time=geo.at, key=`none`, measure=`a, b`",
        ),
        ("meta STRUCT<id: STRING, at: TIMESTAMP>", "time=meta.at, key=meta.id"),
        ("at TIMESTAMP, a STRUCT<b: STRUCT<at: TIMESTAMP, n: INT>>", "time=at, measure=a.b.n"),
        ("at TIMESTAMP, n INT, s STRUCT<k: STRING, x: DOUBLE>", "time=at, key=s.k, measure=n"),
        ("a STRUCT<b: ARRAY<STRUCT<x: DOUBLE>>, at: TIMESTAMP>", "time=a.at"),
        ("no schema", ""),
    ],
)
def test_roles_are_proposed_from_the_schema(ddl, expected):
    """Names and types suggest the roles; an id is not guessed, and fields come after columns."""
    assert default_roles(ddl) == expected


SCHEMA = (
    "id STRING, at TIMESTAMP, n INT, few SMALLINT, kind STRING, ok BOOLEAN, day DATE, "
    "x DOUBLE, y FLOAT, `none` STRING, user-id STRING, `a, b` INT, sent TIMESTAMP, "
    "meta STRUCT<ts: TIMESTAMP, who: STRUCT<shop: STRING, `a+b`: INT>, tags: ARRAY<STRING>>, "
    "`meta.tag` STRING"
)
LONG_SCHEMA = f"{SCHEMA}, total_x STRING, window_end STRING, raw_at TIMESTAMP_NTZ"


@pytest.mark.parametrize(
    ("roles", "rule", "correction"),
    [
        ("", "role-form", None),
        ("id", "role-form", None),
        ("id=", "role-form", None),
        ("time=at, id=`id", "role-form", None),
        ("time=at, mesure=x", "role-unknown", "time=at, measure=x"),
        ("time=at, weather=id", "role-unknown", None),
        ("time=at, id=id, id=n", "role-twice", None),
        ("time=at, id=id, key=ID", "role-shared", None),
        ("time=at, key=n, measure=n", "role-shared", None),
        ("time=at, key=knd, measure=y", "role-column", "time=at, key=kind, measure=y"),
        ("time=at, key=userid", "role-column", "time=at, key=user-id"),
        ("time=at, key=body.till", "role-column", None),
        ("time=at, key=meta.shop", "role-column", "time=at, key=meta.who.shop"),
        ("time=ts", "role-column", "time=meta.ts"),
        ("time=at, key=meta.tags", "role-type", None),
        ("time=meta.who.shop", "role-type", None),
        ("time=at, id=meta.who.shop, key=META.who.shop", "role-shared", None),
        ("time=at, key=meta.who.shop+META.who.Shop", "role-repeated", "time=at, key=meta.who.shop"),
        ("time=at, id=x", "role-type", None),
        ("time=at, id=ok", "role-type", None),
        ("time=at, id=few", "role-type", None),
        ("time=day", "role-type", None),
        ("time=raw_at", "role-type", None),
        ("time=at, key=x", "role-type", None),
        ("time=at, measure=kind", "role-type", None),
        ("id=id, key=kind", "role-no-time", None),
        ("time=none, key=kind", "role-no-time", None),
        ("time=at, key=total_x, measure=x", "role-result-name", None),
        ("time=at, key=Window_End", "role-result-name", None),
        ("time=at, key=total_x, measure=n+x", "role-result-name", None),
        ("time=at+sent", "role-several", None),
        ("id=id+n, time=at", "role-several", None),
        ("time=at, key=kind+total_x, measure=n+x", "role-result-name", None),
        ("time=at, key=kind+x", "role-type", None),
        ("time=at, key=kind+ok+KIND", "role-repeated", "time=at, key=kind+ok"),
        ("time=at, key=kind+n, measure=n", "role-shared", None),
        ("time=at, id=n, measure=x+n", "role-shared", None),
        ("time=at, measure=x+kind", "role-type", None),
        ("time=at, measure=x+feww", "role-column", "time=at, measure=x+few"),
        ("time=at, measure=`a, c`+x", "role-column", "time=at, measure=`a, b`+x"),
        ("time=at, measure=x + n+X", "role-repeated", "time=at, measure=x + n"),
        ("time=at, measure=x+", "role-column", None),
        ("time=at, measure=x++n", "role-column", None),
        ("time=at, measure=`x`n", "role-form", None),
        ("time=at, key=kind, measure=a, b", "role-form", None),
    ],
)
def test_invalid_roles_are_refused(roles, rule, correction):
    """Each error of the roles has its own rule, and a correction only if it is certain."""
    [problem] = violations({"event_schema": LONG_SCHEMA, "event_roles": roles})

    assert (problem.id, problem.correction) == (rule, correction)
    assert default_roles(LONG_SCHEMA) in problem.fix or str(correction) in problem.fix


def test_the_only_time_is_added():
    """If only one column can be the event time, the missing role is added."""
    [problem] = violations({"event_schema": "at TIMESTAMP, k STRING", "event_roles": "key=k"})

    assert problem.correction == "key=k, time=at"


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("time=at", {"time": ["at"]}),
        ("id=n,time=at,key=kind", {"id": ["n"], "time": ["at"], "key": ["kind"]}),
        ("key=day, time = at", {"time": ["at"], "key": ["day"]}),
        ("time=at,\n measure=y\n", {"time": ["at"], "measure": ["y"]}),
        ("TIME=AT, Key=Kind", {"time": ["at"], "key": ["kind"]}),
        ("time=at, key=none, measure=NONE, id=none", {"time": ["at"]}),
        ("time=at, key=`none`", {"time": ["at"], "key": ["none"]}),
        ("time=at, key=user-id", {"time": ["at"], "key": ["user-id"]}),
        (
            "time=`at`, key=`User-Id`, measure=`a, b`",
            {"time": ["at"], "key": ["user-id"], "measure": ["a, b"]},
        ),
        ("time=at, measure=x+N + few", {"time": ["at"], "measure": ["x", "n", "few"]}),
        ("time=at, measure=n+`a, b`+`x`", {"time": ["at"], "measure": ["n", "a, b", "x"]}),
        ("time=at, measure=n+m", {"time": ["at"], "measure": ["n+m"]}),
        ("time=at, measure=`n+m`+n", {"time": ["at"], "measure": ["n+m", "n"]}),
        ("time=at, key=c++", {"time": ["at"], "key": ["c++"]}),
        ("time=at, key=`c++`+day", {"time": ["at"], "key": ["c++", "day"]}),
        ("time=META.ts, key=meta.tag", {"time": ["meta.ts"], "key": ["meta.tag"]}),
        (
            "time=at, key=meta.who.shop+`meta.who.a+b`",
            {"time": ["at"], "key": ["meta.who.shop", "meta.who.a+b"]},
        ),
    ],
)
def test_roles_may_be_edited(text, roles):
    """Columns are named in any case, with or without back quotes; `none` removes a role.

    Several columns have `+` between them; a column with `+` in its name is one.
    """
    schema = f"{SCHEMA}, `n+m` INT, `c++` STRING"
    known = columns(schema)
    found = [*dict(known), *named_fields(known)]
    given = {role: tuple(names) for role, names in roles.items()}

    assert refused(event_schema=schema, event_roles=text) == []
    assert read_roles(text, found) == dict.fromkeys(ROLES, ()) | given


@pytest.mark.parametrize(
    ("ddl", "roles", "columns_added", "having"),
    [
        (
            "meta STRUCT<ts: TIMESTAMP, who: STRUCT<shop: STRING>>, n INT",
            "time=meta.ts, key=meta.who.shop, measure=n",
            {"meta_ts": ("meta", "ts"), "meta_who_shop": ("meta", "who", "shop")},
            {"id": (), "time": ("meta_ts",), "key": ("meta_who_shop",), "measure": ("n",)},
        ),
        # A name that a column or the result has is changed.
        (
            "meta STRUCT<ts: TIMESTAMP>, Meta_TS STRING, event STRUCT<count: INT>",
            "time=meta.ts, key=event.count",
            {"meta_ts_": ("meta", "ts"), "event_count_": ("event", "count")},
            {"id": (), "time": ("meta_ts_",), "key": ("event_count_",), "measure": ()},
        ),
        # A column of that name is the column.
        (
            "meta STRUCT<ts: TIMESTAMP>, `Meta.ts` TIMESTAMP",
            "time=meta.ts",
            {},
            {"id": (), "time": ("Meta.ts",), "key": (), "measure": ()},
        ),
    ],
)
def test_a_field_with_a_role_is_a_column(ddl, roles, columns_added, having):
    """A field of a STRUCT that has a role becomes a column of the event, with its path."""
    event = read_event(ddl, roles)

    assert event.paths == columns_added
    assert event.roles == having
    assert list(event.columns) == [*dict(columns(ddl)), *columns_added]
    assert refused(event_schema=ddl, event_roles=roles) == []


@pytest.mark.parametrize("struct", ["__stream", "x" * 250])
def test_a_field_needs_a_possible_column(struct):
    """A field whose column would have a name of the job, or one that is too long, is refused."""
    ddl, roles = f"at TIMESTAMP, {struct} STRUCT<parsed: STRING>", f"time=at, key={struct}.parsed"

    assert refused(event_schema=ddl, event_roles=roles) == ["role-column"]


def test_a_field_in_a_list_has_no_role():
    """A field in an ARRAY or a MAP has several values in an event, so it cannot have a role."""
    ddl = "at TIMESTAMP, items ARRAY<STRUCT<price: DOUBLE>>"

    [problem] = violations({"event_schema": ddl, "event_roles": "time=at, measure=items.price"})

    assert problem.id == "role-column"
    assert "an ARRAY or a MAP" in problem.reason


@given(
    st.dictionaries(
        st.sampled_from([*ROLES]), st.lists(NAMES, min_size=1, max_size=3).map(tuple), min_size=1
    )
)
def test_roles_are_read_as_they_are_written(roles):
    """What is proposed means the same columns when it is read, whatever they are called."""
    assert read_roles(written(roles)) == dict.fromkeys(ROLES, ()) | roles


@pytest.mark.timeout(10)
@pytest.mark.parametrize("text", ["measure=" + "a+" * 20_000, "measure=`" + "``+" * 20_000])
def test_a_long_list_is_read_quickly(text):
    """The time to read roles grows with their length, not with the ways to split them."""
    assert "role-form" in refused(event_schema=SCHEMA, event_roles=f"{text},")


def test_roles_that_were_not_given_have_no_column():
    """All four roles are read; one that was not given has no column."""
    assert read_roles("time=at") == {"id": (), "time": ("at",), "key": (), "measure": ()}
    assert list(ROLES) == ["id", "time", "key", "measure"]


def test_the_plan_holds_columns_and_roles():
    """Templates read them from the plan, with types in Spark's spelling."""
    answers = {
        "project_name": "Orders",
        "project_slug": "order-totals",
        "event_schema": "at timestamp, kind string, price dec(9,2)",
        "event_roles": "time=AT, key=`Kind`, measure=price",
    } | {axis: values[0] for axis, values in AXES.items()}
    job = plan(answers)

    assert job["package"] == "order_totals"
    assert job["columns"] == {"at": "TIMESTAMP", "kind": "STRING", "price": "DECIMAL(9,2)"}
    assert job["paths"] == {}
    assert job["roles"] == {"id": None, "time": "at", "key": "kind"}
    assert (job["key_columns"], job["measures"]) == (("kind",), ("price",))
    assert (job["trigger"], job["spark_version"]) == ("processing_time", "4.2")
    assert job["answers"] == answers
