"""The report of the demo: valid HTML, escaped texts, and correct charts."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jobs import KINDS, play
from stream_devkit.events.generate import Event, EventSpec, GeneratedEvents
from stream_devkit.job import BatchReport
from stream_devkit.outcome import DemoRun, Outcome
from stream_devkit.reconciliation import Split
from stream_devkit.report import charts, diagram, page
from stream_devkit.report.svg import NARROW, WIDTH
from stream_devkit.verdict import EXACT, Check

HOSTILE = """</title></style>"'><x-hostile onload='1' a=">{{ 7 * 7 }}"""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEP = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
SMALLEST = 320
"""The width of a small screen, in pixels."""
LETTERS = {WIDTH: 13, NARROW: 17, diagram.WIDTH: 14}
"""The largest letters of a picture with this width, as the stylesheet has them."""
LETTER = 0.55
"""The width of a letter, as a part of its height."""
VOID = {"meta", "rect", "line", "path"}
"""Elements without an end tag; SVG closes its own within the start tag."""
SPEC = EventSpec(
    {"id": "STRING", "at": "TIMESTAMP", "kind": "STRING"},
    time="at",
    key="kind",
    id="id",
    result_key=("window_start", "window_end", "kind"),
)
INSIDE = {"in the result", "in the join", "in a window"}
WORDS = page.Words(title="clicks", source="a topic", target="a table", steps=(), rows="", twice="")
SUMMARY = {
    "verdict": EXACT,
    "input_rows": 17,
    "output_rows": 2,
    "counted_rows": 15,
    "open_rows": 0,
    "late_rows": 1,
    "duplicate_rows": None,
    "invalid_rows": 1,
    "quarantined_rows": 1,
    "guarantee": "exactly once",
    "not_exercised": ["a cluster"],
}


class Page(HTMLParser):
    """An HTML text: its start tags, its visible text, and whether its tags are balanced."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self._open = [], "", []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        """Store a start tag."""
        self.tags.append((tag, dict(attrs)))
        self._open += [tag] if tag not in VOID else []

    def handle_endtag(self, tag):
        """Compare an end tag with the open element."""
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        """Store visible text."""
        self.text += "" if "style" in self._open else data


def window(steps, events, kind="view"):
    """Return a row of the result: a window so many steps after noon."""
    start = NOON + steps * STEP
    return {"window_start": start, "window_end": start + STEP, "kind": kind, "event_count": events}


def made(rows=(), pending=(), **changes):
    """Return the outcome of a job that wrote these rows."""
    splits = [Split("records", 17, {"in the result": 15, "pending": 0, "late": 1, "duplicate": 0})]
    return Outcome(rows, pending, splits, [Check("all", "17 rows", holds=True)], SUMMARY | changes)


@pytest.fixture(name="played")
def _played():
    """Return a run with an invalid record, a late event, and two batches."""
    cut = Event(b'{"id":', b"view", NOON, "truncated", "malformed")
    late = Event(b"{}", b"view", NOON, "late", None, {"at": NOON + 1.5 * STEP})
    first = BatchReport(0, NOON, 16, 4.0, NOON + STEP, None, 0)
    second = BatchReport(1, NOON, 0, 1.0, None, NOON, 0)
    return DemoRun(
        SPEC, GeneratedEvents([cut], [late]), ["clicks/0/0", "clicks/0/1"], [first, second]
    )


def render(played, outcome, words=WORDS, *, has_batches=True, **places):
    """Return the page as text."""
    return page.render(
        words,
        played,
        outcome,
        interval=SECOND,
        places=places,
        commands={"make run": "runs the job"},
        has_batches=has_batches,
    )


def test_the_report_is_valid_html(played):
    """Each element has its end tag, and the page declares language, encoding and width."""
    found = Page(render(played, made([window(0, 10), window(1, 5)]), where="build/demo"))

    assert found.tags[0] == ("html", {"lang": "en"})
    assert ("meta", {"charset": "utf-8"}) in found.tags
    assert [tag for tag, _ in found.tags].count("svg") == 5
    for text in ("exact: equal to the test oracle", "malformed", "build/demo"):
        assert text in found.text


def test_texts_are_not_markup(played):
    """Titles, keys, records, source references and paths are escaped."""
    event = replace(played.traffic.main[0], raw=HOSTILE.encode(), kind=HOSTILE, reason=HOSTILE)
    hostile = replace(
        played,
        spec=replace(SPEC, key=HOSTILE),
        traffic=replace(played.traffic, main=[event]),
        origins=[HOSTILE, ""],
    )
    row = window(0, 10) | {HOSTILE: HOSTILE}
    outcome = replace(made([row], guarantee=HOSTILE, not_exercised=[HOSTILE]), checks=[])
    failed = [Check(HOSTILE, HOSTILE, holds=False)]
    step = page.Step(HOSTILE, HOSTILE)
    words = page.Words(HOSTILE, HOSTILE, HOSTILE, [step], HOSTILE, HOSTILE)

    plain_words = replace(WORDS, steps=[page.Step("join", "by key")])
    plain = Page(render(played, made([window(0, 10)]), plain_words, place="here"))
    text = render(hostile, replace(outcome, checks=failed), words, **{HOSTILE: HOSTILE})
    found = Page(text)

    assert "<x-hostile" not in text
    assert "49" not in found.text
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in plain.tags]
    assert found.text.count(HOSTILE) == 19


def test_a_key_of_several_columns_is_one_band(played):
    """The chart has a band for each combination, and its title names all columns."""
    rows = [window(0, 10) | {"shop": shop} for shop in ("a", "b")]
    spec = replace(SPEC, key=(SPEC.key, "shop"))
    found = Page(render(replace(played, spec=spec), made(rows)))

    assert f"by {SPEC.key} and shop" in found.text
    assert all(f"{rows[0][SPEC.key]}, {shop}" in found.text for shop in "ab")


def test_a_report_without_rows_says_so(played):
    """A job that writes no row has a report that says so."""
    found = Page(render(played, made(output_rows=0, counted_rows=0, verdict="no rows")))

    assert "0rows in the result" in found.text
    assert "No row has an event, so there is no chart." in found.text
    assert "not exact" in found.text
    assert [tag for tag, _ in found.tags].count("svg") == 3


def test_counts_of_missing_features_are_not_shown(played):
    """A count of a feature that the job lacks has neither a tile nor a part of the bar."""
    found = Page(render(played, made([window(0, 10)])))

    assert "late events" in found.text
    assert "pending" not in found.text
    assert "duplicates" not in found.text


def test_a_job_without_a_watermark_has_no_chart_of_it(played):
    """Without a watermark the page has neither its chart nor its text."""
    batches = [replace(batch, newest=None, watermark=None) for batch in played.batches]
    found = Page(render(replace(played, batches=batches), made([window(0, 10)])))

    assert "Duration of each batch" in found.text
    assert "Event time and watermark" not in found.text


@pytest.fixture(name="job", scope="module", params=KINDS)
def _job(request):
    """Return the run and the outcome of a job of each kind."""
    return *play(KINDS[request.param]), KINDS[request.param].steps


def test_the_parts_of_a_bar_add_up_to_its_headline(job):
    """Records are split by what became of them, and so are pairs and memberships of windows."""
    played, outcome, _ = job
    text = render(played, outcome)

    bars = re.findall(
        r"<h3>([\d,]+) ([\w ]+)</h3>.*?<div class=\"key\">(.*?)</div>", text, re.DOTALL
    )
    for whole, _, parts in bars:
        numbers = re.findall(r">([\d,]+) [a-z ]+</span>", parts)
        assert sum(map(to_int, numbers)) == to_int(whole) > 0
    assert outcome.summary["verdict"] == EXACT
    assert [unit for _, unit, _ in bars] == [split.unit for split in outcome.splits]
    assert to_int(bars[0][0]) == len(played.traffic.all)
    overlaps = played.spec.step < timedelta(minutes=10) and "window_end" in played.spec.result_key
    assert len(bars) == 1 + bool(played.spec.right) + overlaps


def test_a_lost_pair_is_found():
    """If a pair is missing in the result, the verdict says that the pairs do not add up."""
    _, outcome = play(replace(KINDS["inner join"], lost=1))

    assert "The pairs add up" in outcome.summary["verdict"]
    assert "The records add up" not in outcome.summary["verdict"]


def test_the_diagram_has_every_number_once(job):
    """Each part has its arrow; what reaches the sink is in the result, or replaced there."""
    played, outcome, steps = job
    svg = str(diagram.draw_stream("a topic", "a table", steps, played, outcome, page.COLOURS))

    beside = re.findall(r'"count" [^>]*middle">([\d,]+)<.*?"name" [^>]*>([^<]+)<', svg)
    parts = [part for split in outcome.splits for part in split.parts.items()]
    left_out = {name: count for name, count in parts if count and name not in INSIDE}
    assert {name: to_int(count) for count, name in beside} == left_out
    *_, last = re.findall(r'"count" [^>]*start">([\d,]+) [\w ]+<', svg)
    at_sink = svg.rpartition("Sink: ")[2]
    replaced = [to_int(count) for count in re.findall(r'"count" [^>]*>([\d,]+)<', at_sink)]
    assert to_int(last) - sum(replaced) == outcome.splits[-1].parts["in the result"]


def to_int(text):
    """Return the number of a text such as `1,234`."""
    return int(text.replace(",", ""))


def heights(svg, css):
    """Return the height of each step of a band, in pixels."""
    (path,) = re.findall(rf'<path class="{css}" d="M(.*)Z"/>', svg.replace("/><", "/>\n<"))
    points = [tuple(map(float, point.split(","))) for point in path.split("L")]
    steps = (len(points) - 1) // 4
    upper, lower = points[1 : 1 + 2 * steps : 2], points[1 + 2 * steps :: 2][::-1]
    return [round(low[1] - high[1], 1) for high, low in zip(upper, lower, strict=True)]


def test_the_height_of_a_step_is_its_number_of_events(played):
    """The height of a step is proportional to its events; keys are stacked."""
    rows = [window(0, 8), window(1, 4), window(3, 4), window(1, 2, "buy")]
    svg = str(charts.draw_events(made(rows), played))

    whole, half, gap, other = heights(svg, "s0")
    assert (whole, gap) == (2 * half, 0)
    assert half == other == 2 * heights(svg, "s1")[1] > 10
    assert "02 Mar 12:05: 6 events\nview: 4\nbuy: 2" in svg
    assert ">8</text>" in svg


def test_pending_events_are_a_band_of_their_own(played):
    """Events of windows that are not yet written have the colour of pending rows, on top."""
    written = [window(0, 8), window(1, 8)]
    svg = str(charts.draw_events(made(written, [window(1, 2, "buy"), window(2, 4)]), played))

    whole = heights(svg, "s0")[0]
    assert heights(svg, "s0") == [whole, whole, 0]
    assert heights(svg, "pending") == [0, whole / 4, whole / 2]
    assert "02 Mar 12:05: 10 events\nview: 8\npending: 2" in svg
    assert "pending" not in str(charts.draw_events(made(written), played))


def test_a_narrow_screen_has_its_own_chart(job):
    """The chart of all steps exists in two widths, of which the stylesheet shows one."""
    played, outcome, _ = job
    text = render(played, outcome)

    assert re.findall(r'<div class="chart w(\d+)"><svg viewBox="0 0 (\d+) ', text) == [
        ("1000", "1000"),
        ("480", "480"),
    ]
    assert all(f".w{width} {{ display:" in text for width in (WIDTH, NARROW))
    pixels = [int(size) for size in re.findall(r"[ {;]min-width: (\d+)px", text)]
    assert max(pixels) < SMALLEST


def test_no_label_is_cut_or_lies_on_another(job):
    """Every text of a picture is inside of it, with the letters of a narrow screen."""
    played, outcome, steps = job
    words = replace(WORDS, steps=steps)
    pages = (
        render(played, outcome, words),
        render(played, replace(outcome, latencies=[0.001, 0.03, 0.4, 20]), words),
    )

    for svg in (found for text in pages for found in re.findall(r"<svg.*?</svg>", text, re.DOTALL)):
        width, height = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg)[0])
        size = LETTERS[width]
        labels = re.findall(
            r'<text class="(\w*)" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">([^<]*)<', svg
        )
        ends = {}
        for kind, x, y, anchor, label in labels:
            wide = len(label) * size * LETTER
            left = float(x) - wide * {"start": 0, "middle": 0.5, "end": 1}[anchor]
            assert left >= 0, label
            assert left + wide <= width, label
            assert size < float(y) < height, label
            if (kind, anchor) == ("tick", "middle"):
                assert left > ends.get(y, 0), label
                ends[y] = left + wide
    assert len(labels) > 5


def test_a_colour_has_one_meaning():
    """No two classes of the page share a colour, and a dark screen has all of them."""
    css = (Path(page.__file__).parent / "report.css").read_text("utf-8")

    light, dark = (
        dict(re.findall(r"--(\w+): (#\w+)", part)) for part in css.split("@media", 2)[:2]
    )
    assert light.keys() == dark.keys() > {*page.COLOURS.values(), "watermark"}
    for scheme in (light, dark):
        meanings = {*page.COLOURS.values(), "watermark", "bar", "idle", "good", "bad", "soft"}
        assert len({scheme[name] for name in meanings}) == len(meanings)


def test_the_report_ends_with_the_next_commands(played):
    """The last part of the page says how to continue."""
    text = Page(render(played, made([window(0, 10)]))).text

    assert text.rpartition("README.md says more.")[2].strip() == "make runruns the job"


def test_the_bars_of_latencies_have_all_rows(played):
    """A bar of the histogram has the number of its rows; text and tile have the quantiles."""
    latencies = [0.0007, *[0.012] * 60, *[0.03] * 38, 3]
    svg = str(charts.draw_latencies(latencies))

    found = re.findall(r"<title>(.*?): (\d+) rows</title>", svg)
    assert sorted(found) == sorted(
        [
            ("0 ms to 1 ms", "1"),
            ("10 ms to 20 ms", "60"),
            ("20 ms to 50 ms", "38"),
            ("2 s to 5 s", "1"),
        ]
    )
    text = Page(render(played, replace(made(), latencies=latencies), has_batches=False)).text
    assert "12 ms after their event was sent, 99 of 100 after 30 ms" in text
    assert "the 100 events" in text


def test_a_low_latency_job_has_no_durations_of_batches(played):
    """Its batches last as long as the interval, so that neither the chart nor its text is there."""
    text = Page(render(played, made([window(0, 10)]), has_batches=False)).text

    assert "Duration of each batch" not in text
    assert "trigger" not in text
    assert "Latency" not in text


def test_the_height_of_a_batch_is_its_duration(played):
    """The height of a batch is its duration; a batch without records has another colour."""
    svg = str(charts.draw_durations(played, SECOND))

    bars = re.findall(r'<rect class="(\w+)" .*? height="([\d.]+)"', svg)
    assert [css for css, _ in bars] == ["bar", "idle"]
    assert float(bars[0][1]) == pytest.approx(4 * float(bars[1][1]), abs=0.3)
    assert "batch 0: 16 records in 4.00 s" in svg
    assert 'class="fence"' in svg
    assert 'class="fence"' not in str(charts.draw_durations(played, None))


def dots(svg, css):
    """Return the places of the dots of a class."""
    (path,) = re.findall(rf'class="dots {css}" d="([^"]*)"', svg)
    return [tuple(map(float, dot)) for dot in re.findall(r"M([\d.]+),([\d.]+)h0", path)]


@pytest.mark.parametrize("kind", ["tumbling", "left join", "custom"])
def test_only_late_events_are_below_the_watermark(kind):
    """Every late event has a dot, below the line; a few of the others have one, above the line."""
    played, _ = play(KINDS[kind])
    svg = str(charts.draw_arrivals(played))

    (path,) = re.findall(r'class="line watermark" d="M([^"]+)"', svg)
    line = [tuple(map(float, point.split(","))) for point in path.split("L")]
    late, others = dots(svg, "late"), dots(svg, "result")
    assert len(late) == sum(event.late for event in played.traffic.all)
    assert charts.SAMPLE / 2 < len(others) <= charts.SAMPLE
    assert line == sorted(line, key=lambda point: (point[0], -point[1]))
    for x, y in late:
        assert y > max(height for at, height in line if at >= x)
    for x, y in others:
        assert y <= min(height for at, height in line if at <= x + 1) + 1
