"""The size of a job: the cost of its batches, and what a rate of records asks of it."""

import json
import re
from dataclasses import asdict, replace
from itertools import pairwise

import pytest
from sample import CONF, JOB, load
from stream_runtime import cli, doctor
from stream_runtime.batch import BatchProgress
from stream_runtime.size import LEAST_BATCHES, Cost, Costs, Size
from stream_runtime.status_file import FILE, StatusFile, read_costs
from stream_runtime.storage import LocalStorage

NOTHING = BatchProgress(**dict.fromkeys(BatchProgress.__annotations__, 0))


def add_up(*batches):
    """Return the costs of batches, each given as its records and its seconds."""
    costs = Costs()
    for records, seconds in batches:
        costs = costs.add(records, seconds)
    return costs


def test_the_cost_of_batches_is_found():
    """Batches of different sizes show what each takes, and what each record takes."""
    sizes = (1000, 50_000, 200, 100_000, 30_000, 70_000)

    cost = add_up(*((records, 0.5 + records * 20e-6) for records in sizes)).fit()

    assert cost.fixed == pytest.approx(0.5)
    assert cost.each == pytest.approx(20e-6)


def test_older_batches_count_less():
    """After an update that made batches faster, the cost follows within some hundred batches."""
    slow = [(10_000 * number, 2.0 + number) for number in range(1, 50)]
    fast = [(10_000 * (number % 9 + 1), 0.2 + (number % 9 + 1) / 10) for number in range(600)]

    cost = add_up(*slow, *fast).fit()

    assert cost.of(50_000) == pytest.approx(0.7, rel=0.05)


@pytest.mark.parametrize(
    "batches",
    [
        [(10_000, 1.0), (10_100, 1.01), (9900, 1.0), (10_000, 1.0), (10_000, 1.0)],
        # Something else decides the time.
        [(10_000, 3.0), (50_000, 1.0), (20_000, 2.5), (40_000, 1.5), (30_000, 2.0)],
    ],
    ids=["equal sizes", "larger batches are faster"],
)
def test_what_cannot_be_separated_is_the_cost_of_records(batches):
    """Then the whole time counts for the records, which promises too little, not too much."""
    cost = add_up(*batches).fit()

    records, seconds = map(sum, zip(*batches, strict=True))
    assert cost.fixed == 0
    assert cost.each == pytest.approx(seconds / records, rel=0.02)


def test_a_few_batches_show_no_cost():
    """Before LEAST_BATCHES batches there is no cost."""
    batches = [(1000 * number, 1.0 + number) for number in range(1, LEAST_BATCHES + 1)]

    assert add_up(*batches[:-1]).fit() is None
    assert add_up(*batches).fit()


COST = Cost(fixed=0.5, each=20e-6)


@pytest.mark.parametrize(
    ("size", "capacity"),
    [
        (Size(1000, COST, interval=10), 50_000),
        # A batch of 100,000 takes 2.5 s, and the next one starts with the interval.
        (Size(1000, COST, interval=10, limit=100_000), 10_000),
        (Size(1000, COST, interval=1, limit=100_000), 40_000),
        (Size(1000, COST, interval=0, limit=100_000), 40_000),
    ],
)
def test_the_capacity_is_that_of_full_batches(size, capacity):
    """With a backlog, full batches follow each other, but not faster than the interval."""
    assert size.capacity == pytest.approx(capacity)
    assert size.load == pytest.approx(1000 / capacity)


def test_a_rate_that_fits_is_described():
    """The lines say how long a batch takes, and how soon a backlog is read."""
    size = Size(10_000, COST, interval=10, limit=500_000)

    load, batch, backlog = size.describe()
    assert size.fits
    assert load.startswith("10,000 records/s are 21% of what this job can read: a batch takes ")
    assert load.endswith("0.50 s, and 20.0 µs for each record")
    assert batch == "every 10 s: a batch of 100,000 records, in 2.5 s"
    assert backlog == "after an hour without the job, it has caught up in 17 min"


def test_a_scheduled_job_has_runs():
    """A scheduled job has no interval: the time of a run counts."""
    lines = list(Size(10_000, COST, interval=0, limit=100_000).describe())

    assert lines[1] == "a run every hour reads 36,000,000 records, in 15 min"
    assert len(lines) == 2


@pytest.mark.parametrize("interval", [0, 1, 10, 60])
@pytest.mark.parametrize("rate", [9000, 20_000, 24_000])
def test_the_advised_limit_is_enough(rate, interval):
    """With the limit that is advised, half of the capacity is free."""
    before = Size(rate, COST, interval, limit=5000)

    advice = list(before.describe())[-1]

    found = re.fullmatch(r"set source.max_offsets_per_trigger to ([\d,]+): it is 5,000", advice)
    assert not before.fits
    assert found
    assert Size(rate, COST, interval, int(found[1].replace(",", ""))).load <= 0.5


def test_more_records_than_a_larger_batch_can_read_need_cores():
    """If records alone take more than half of the time, no limit helps."""
    lines = list(Size(60_000, COST, interval=10, limit=100_000).describe())

    assert lines[-1].startswith("it needs about 2.4 times its cores")
    assert not any("caught up" in line for line in lines)


def test_a_higher_rate_is_a_higher_load():
    """The load grows with the rate, for each limit and interval."""
    for limit in (None, 1000, 100_000):
        loads = [Size(rate, COST, 10, limit).load for rate in (1, 10, 1000, 100_000)]

        assert all(low < high for low, high in pairwise(loads))


@pytest.fixture(name="root")
def _root(tmp_path):
    return LocalStorage(tmp_path / "checkpoint")


def run_driver(root, sizes):
    """Write the status of a driver with batches of these sizes; the first one takes a minute."""
    status = StatusFile(root)
    status.start()
    for number, records in enumerate(sizes):
        seconds = 60 if number == 0 else 0.5 + records * 20e-6
        facts = asdict(NOTHING) | {"input_rows": records, "duration_ms": round(seconds * 1000)}
        status.batch(facts)
    status.end(0)


def read(root):
    """Return the costs in the status file."""
    return read_costs(json.loads(root.read(FILE)))


def test_a_driver_measures_its_batches(root):
    """Neither the first batch, which compiles code, nor those without records count."""
    run_driver(root, [90_000, 1000, 0, 50_000, 200, 100_000, 30_000])

    cost = read(root).fit()

    assert cost.fixed == pytest.approx(0.5, rel=0.01)
    assert cost.each == pytest.approx(20e-6, rel=0.01)


def test_the_runs_of_a_scheduled_job_add_up(root):
    """A run has few batches: the costs of the runs before count as well."""
    for size in (1000, 50_000, 2000, 100_000, 30_000):
        run_driver(root, [500, size])

    assert read(root).fit().of(80_000) == pytest.approx(2.1, rel=0.01)


@pytest.mark.parametrize("costs", [{"other": 1}, {"batches": "many"}, {"batches": None}, None, []])
def test_costs_of_another_version_are_none(root, costs):
    """A status file of another runtime costs no start: the driver measures again."""
    root.write(FILE, json.dumps({"batch": None, "costs": costs}))

    run_driver(root, [500, 1000])

    assert read(root).batches == 1


@pytest.fixture(name="ask")
def _ask(tmp_path, capsys):
    """Return a function that returns what doctor prints about a rate of records."""

    def ask(rate, **facts):
        settings = load(f"checkpoint.root={tmp_path}/checkpoint")
        doctor._examine_size(replace(JOB, **facts), None, settings, rate)  # noqa: SLF001 - no session
        return capsys.readouterr().out.splitlines()

    return ask


def test_doctor_says_what_a_rate_asks_of_the_job(root, ask):
    """Each line says at its begin whether the rate fits."""
    run_driver(root, [500, 1000, 50_000, 200, 100_000, 30_000])

    fits, too_much = ask(1000), ask(100_000)

    assert {line[:13] for line in fits} == {"ok     size: "}
    assert {line[:13] for line in too_much} == {"?      size: "}
    assert "100,000 records/s are 2" in too_much[0]
    assert "times its cores" in too_much[-1]


def test_doctor_knows_no_size_before_some_batches(ask):
    """Without measured batches doctor says so, instead of a guess."""
    (line,) = ask(1000)

    assert line == "?      size: unknown before the job has run 5 batches with records"


@pytest.mark.parametrize("trigger", ["continuous", "real_time"])
def test_doctor_knows_no_size_of_a_batch_that_waits(ask, trigger):
    """With these triggers the time of a batch is the interval, whatever it reads."""
    (line,) = ask(1000, trigger=trigger)

    assert line.startswith(f"?      size: with the trigger {trigger}, ")


@pytest.mark.parametrize("rate", ["0", "-1", "many"])
def test_a_rate_is_a_positive_number(rate, capsys):
    """Another rate is refused by the command line."""
    with pytest.raises(SystemExit, match="2"):
        cli.main(JOB, ["doctor", "--conf", str(CONF), "--size", rate])

    assert "--size" in capsys.readouterr().err
