"""Checks of lab 28: hand-made figures for readable reasons, planted faults, and properties."""

import copy
import random

import pytest
import yaml

from labkit.checks import Case, cases, check

HINTS = {
    "size": [
        "Three helpers carry it: the rate at the horizon, the rate at the peak, and one that adds "
        "a row and rounds counts up.",
        "Which of your numbers follow the average, and which the peak? Bytes on disk do not know "
        "of the worst minute; partitions and state do.",
        "A backlog of o hours is cleared in c hours at average x (o + c) / c.",
    ],
    "monthly_cost": [
        "Make two figures first: the hours for which DBU are paid, and those for which machines "
        "are.",
        "Reserved machines: what does the invoice say in a month in which nothing ran?",
    ],
    "break_even": [
        "Write the cost of a day for one node twice, as a function of h. One has a part without h.",
        "h x classic + fixed = h x serverless. When has this no answer between 0 and 24?",
    ],
    "freshness": [
        "Walk backwards from the consumer: what is the slowest way to get here?",
        "Availability is a product over a *set*: a part that two paths share counts once.",
        "Make groups of the set first; a part without a group is a group of its own.",
    ],
    "review": [
        "Index components by id and tables by name; then most rules are one condition in a loop.",
        "PII is a walk: begin with the tables that say `raw`, add readers that do not mask, until "
        "nothing is added.",
        "`/raw` is not above `/raw_copy`. Compare whole parts of a path.",
        "Your own `freshness` answers `too_late`. Ask first whether there is a circle.",
    ],
    "design": [
        "Write one function that draws for any brief, and let your `review` read each drawing.",
        "Start with the interval: the youngest consumer, less the time of the jobs, over the "
        "number of flows that wait.",
        "Which stores must not be Delta? Two rules of Task 4 say so.",
    ],
}

DAY, MIB, GB, TB = 86_400, 2**20, 10**9, 10**12
DAYS = 365 / 12
COUNTED = ("count",)  # units of which there are only whole ones
LIMITS = {
    "partition_mib_per_second": 1,
    "partition_headroom": 4,
    "replicas": 3,
    "topic_retention_days": 2,
    "events_per_core_per_second": [1000, 5000],
    "mib_per_core_per_second": [4, 16],
    "cores_per_worker": 4,
    "compression": [5, 10],
    "target_file_mib": 128,
    "layers": 2,
    "time_travel_days": 10,
    "state_overhead_bytes": 100,
    "trigger_seconds": 120,
    "small_gb": 500,
}
PRICES = {
    "dbu_price": {"classic": 0.2, "serverless": 0.5},
    "dbu_per_node_hour": {"classic": 2.0, "serverless": 3.0},
    "vm_hour": {"on_demand": 0.6, "reserved": 0.4, "spot": 0.1},
    "start_minutes": 6,
    "idle_minutes": 12,
    "storage_gb_month": {"hot": 0.02, "cool": 0.01},
    "write_requests_10k": 0.05,
    "stream_unit_hour": 0.03,
    "egress_gb": 0.1,
}
SENSORS = {
    "name": "sensors",
    "kind": "events",
    "per_second": 10_000,
    "peak_factor": 3,
    "bytes": 500,
    "growth_per_year": 0.5,
    "retention_days": 300,
    "rewrites": 2,
    "pii": False,
}
ORDERS = {
    **SENSORS,
    "name": "orders",
    "kind": "cdc",
    "per_second": 200,
    "peak_factor": 20,
    "bytes": 2000,
    "growth_per_year": 0.0,
    "retention_days": 1000,
    "rewrites": 8,
    "pii": True,
}
PARTNER = {
    "name": "partner",
    "kind": "files",
    "gb_per_day": 72,
    "window_hours": 1,
    "link_mbit_per_second": 400,
    "growth_per_year": 0.25,
    "retention_days": 100,
    "rewrites": 1,
    "pii": False,
}
BRIEF = {
    "name": "plant",
    "allowed_regions": ["northeurope", "westeurope"],
    "horizon_years": 2,
    "history_tb": 20,
    "erasure_days": 30,
    "budget_per_month": 60_000,
    "recovery": {
        "outage_hours": 9,
        "catch_up_hours": 3,
        "rpo_seconds": 900,
        "rto_seconds": 7200,
        "survives": "region",
    },
    "sources": [SENSORS, ORDERS, PARTNER],
    "joins": [{"name": "both", "sides": ["sensors", "orders"], "watermark_seconds": 600}],
    "consumers": [
        {"name": "wall", "reads": ["sensors"], "freshness_seconds": 900, "answer_ms": 3000},
        {"name": "report", "reads": ["orders"], "freshness_seconds": 86400, "answer_ms": 9000},
    ],
    "limits": LIMITS,
    "prices": PRICES,
}


def changed(given: dict, **more) -> dict:
    """A copy of it, all the way down, with these keys."""
    return {**copy.deepcopy(given), **more}


def read_brief(folder, name: str) -> dict:
    """A brief of the data set, with limits and prices."""
    brief, limits, prices = (
        yaml.safe_load((folder / f"{part}.yaml").read_text()) for part in (name, "limits", "prices")
    )
    return brief | {"limits": limits, "prices": prices}


# ------------------------------------------------------------------------------------------ size


def sized(learner, brief: dict) -> dict:
    """The rows of `size` by source and item, once their form is right."""
    rows = learner.size(copy.deepcopy(brief))
    assert isinstance(rows, list), f"size returns a {type(rows).__name__}, expected a list of dicts"
    keys = {"source", "item", "low", "high", "unit", "formula"}
    for row in rows:
        assert set(row) == keys, f"a row has the keys {sorted(row)}, expected {sorted(keys)}"
    found = {(row["source"], row["item"]): row for row in rows}
    assert len(found) == len(rows), "a source has two rows of the same item"
    # Else a list without rows would have no wrong one.
    for name in (*(source["name"] for source in brief["sources"]), "all"):
        assert (name, "stored_bytes") in found, f"{name} has no row `stored_bytes`"
    return found


def assert_sizes(found: dict, expected: dict, why: str) -> None:
    """Each expected (source, item) has this low and high, but for rounding."""
    for (source, item), ends in expected.items():
        assert (source, item) in found, f"{source} has no row `{item}`"
        row = found[source, item]
        for name, right in zip(("low", "high"), ends, strict=True):
            got = row[name]
            close = abs(got - right) <= 0.001 * abs(right)
            if row["unit"] == "count":  # the next whole number; a float may miss one by a hair
                close = got == right or (right >= 10 and abs(got - right) <= 1)
            assert close, (
                f"{source}, {item}: {name} is {got:,.6g} {row['unit']}, expected about "
                f"{right:,.6g}. {why}"
            )


AVERAGE = 10_000 * 1.5**2  # events a second of the sensors, at the horizon
SENSOR_DAY = AVERAGE * 500 * DAY
PARTNER_DAY = 72 * GB * 1.25**2


@check("size")
def test_rates_and_bytes(learner):
    """Peak bytes a second from the peak; bytes a day and topic from the average, all replicas"""
    expected = {
        ("sensors", "peak_bytes_per_second"): [AVERAGE * 3 * 500] * 2,
        ("sensors", "raw_bytes_per_day"): [SENSOR_DAY] * 2,
        ("sensors", "topic_bytes"): [SENSOR_DAY * 2 * 3] * 2,
        ("orders", "peak_bytes_per_second"): [200 * 20 * 2000] * 2,
        ("orders", "raw_bytes_per_day"): [200 * 2000 * DAY] * 2,
    }
    assert_sizes(sized(learner, BRIEF), expected, "Growth counts for two years.")
    fewer = changed(BRIEF)
    fewer["sources"][1]["growth_per_year"] = -0.5
    expected = {("orders", "raw_bytes_per_day"): [200 * 0.25 * 2000 * DAY] * 2}
    assert_sizes(sized(learner, fewer), expected, "It loses half of its events twice.")


@check("size", points=2)
def test_cores_catch_up(learner):
    """Cores for the larger of peak and catch-up after an outage, as an interval"""
    expected = {
        ("sensors", "cores"): [18, 90],  # 22 500 x (9 + 3) / 3 is more than the peak, 67 500
        ("orders", "cores"): [1, 4],  # here the peak is more
    }
    why = "9 hours of backlog and 3 hours of new events are to be read in 3 hours."
    assert_sizes(sized(learner, BRIEF), expected, why)


@check("size")
def test_partitions(learner):
    """Partitions carry the peak, are at least as many as cores, and at most a few times the need"""
    limits = changed(LIMITS, events_per_core_per_second=[20_000, 30_000])
    peak = changed(BRIEF, limits=limits)
    expected = {("sensors", "partitions"): [33, 132]}  # 33.75 MB/s over 1 MiB/s
    assert_sizes(sized(learner, peak), expected, "Here the peak decides.")
    quick = [200_000, 300_000]
    limits = changed(LIMITS, events_per_core_per_second=quick, partition_mib_per_second=15)
    why = "2.1 partitions carry the peak, so there are 3; then comes the headroom."
    expected = {("sensors", "partitions"): [3, 12]}
    assert_sizes(sized(learner, changed(BRIEF, limits=limits)), expected, why)
    half = changed(limits, partition_headroom=2.5)
    why = "3 partitions with a headroom of 2.5 are 7.5, and half a partition does not exist."
    expected = {("sensors", "partitions"): [3, 8]}
    assert_sizes(sized(learner, changed(BRIEF, limits=half)), expected, why)
    expected = {("sensors", "partitions"): [90, 360]}
    assert_sizes(
        sized(learner, BRIEF), expected, "Here the 90 cores decide: one reads at least one."
    )


@check("size", points=2)
def test_stored_bytes(learner):
    """Stored bytes: compression as an interval, layers, and old copies of time travel"""
    expected = {
        ("sensors", "stored_bytes"): [SENSOR_DAY / ratio * 2 * 320 for ratio in (10, 5)],
        ("orders", "stored_bytes"): [200 * 2000 * DAY / ratio * 2 * 1080 for ratio in (10, 5)],
        ("partner", "stored_bytes"): [PARTNER_DAY / ratio * 2 * 110 for ratio in (10, 5)],
    }
    assert_sizes(sized(learner, BRIEF), expected, "Retention and rewrites count, in both layers.")
    short = changed(BRIEF)
    for source in (short["sources"][0], short["sources"][2]):
        source["retention_days"] = 1
    expected = {
        ("sensors", "stored_bytes"): [SENSOR_DAY / ratio * 2 * 21 for ratio in (10, 5)],
        ("partner", "stored_bytes"): [PARTNER_DAY / ratio * 2 * 11 for ratio in (10, 5)],
    }
    why = "Of 1 day of retention, rewrites and 10 days of time travel, most bytes are old copies."
    assert_sizes(sized(learner, short), expected, why)
    once = changed(BRIEF)
    once["sources"][0]["rewrites"] = 0
    expected = {("sensors", "stored_bytes"): [SENSOR_DAY / r * 2 * 300 for r in (10, 5)]}
    assert_sizes(sized(learner, once), expected, "What is never written again has no old copy.")


@check("size")
def test_files(learner):
    """Files written follow cores and triggers, files kept the compressed bytes and MiB of a file"""
    expected = {
        ("sensors", "files_written_per_day"): [18 * 720, 90 * 720],
        ("sensors", "files_kept_per_day"): [SENSOR_DAY / ratio / 128 / MIB for ratio in (10, 5)],
    }
    assert_sizes(sized(learner, BRIEF), expected, "A trigger comes each 120 seconds.")
    rare = changed(BRIEF, limits=changed(LIMITS, trigger_seconds=50_000))
    expected = {("sensors", "files_written_per_day"): [32, 156]}  # 18 and 90 cores x 1.728
    assert_sizes(sized(learner, rare), expected, "A trigger comes each 50,000 seconds.")


@check("size")
def test_nightly_file(learner):
    """A file has bits on a link, cores for its window, and neither topic nor partitions"""
    found = sized(learner, BRIEF)
    expected = {
        ("partner", "transfer_seconds"): [PARTNER_DAY * 8 / 400e6] * 2,
        ("partner", "cores"): [2, 8],  # 31.25 MB/s, by 16 and by 4 MiB/s
        ("partner", "raw_bytes_per_day"): [PARTNER_DAY] * 2,
        ("partner", "files_kept_per_day"): [PARTNER_DAY / ratio / 128 / MIB for ratio in (10, 5)],
        ("partner", "files_written_per_day"): [PARTNER_DAY / r / 128 / MIB for r in (10, 5)],
    }
    assert_sizes(found, expected, "Its 72 GB grow by a quarter, twice.")
    extra = {item for source, item in found if source == "partner"}
    extra &= {"topic_bytes", "partitions", "peak_bytes_per_second"}
    assert not extra, f"a nightly file has no {', '.join(sorted(extra))}: nothing streams"


@check("size")
def test_state(learner):
    """State of a join: both sides, for the watermark, with overhead; average to peak"""
    low = 600 * (AVERAGE * 600 + 200 * 2100)
    high = 600 * (AVERAGE * 3 * 600 + 200 * 20 * 2100)
    why = "Both sides wait for the other one."
    assert_sizes(sized(learner, BRIEF), {("both", "state_bytes"): [low, high]}, why)
    orders = changed(BRIEF, joins=[{**BRIEF["joins"][0], "sides": ["orders", "sensors"]}])
    assert_sizes(sized(learner, orders), {("both", "state_bytes"): [low, high]}, why)
    itself = changed(BRIEF, joins=[{**BRIEF["joins"][0], "sides": ["sensors", "sensors"]}])
    twice = [2 * 600 * AVERAGE * 600, 2 * 600 * AVERAGE * 3 * 600]
    why = "A stream that is joined to itself waits on both sides."
    assert_sizes(sized(learner, itself), {("both", "state_bytes"): twice}, why)


@check("size")
def test_sums(learner):
    """`all`: sums of the sources, history in all layers, workers rounded once, a driver a kind"""
    found = sized(learner, BRIEF)
    daily = SENSOR_DAY + 200 * 2000 * DAY + PARTNER_DAY
    names = ("sensors", "orders", "partner")
    stored = [
        sum(found[name, "stored_bytes"][end] for name in names) + 20 * TB / ratio * 2
        for end, ratio in (("low", 10), ("high", 5))
    ]
    written = [
        sum(found[name, "files_written_per_day"][end] for name in names) for end in ("low", "high")
    ]
    peak = AVERAGE * 3 * 500 + 200 * 20 * 2000
    expected = {
        ("all", "raw_bytes_per_day"): [daily] * 2,
        ("all", "stored_bytes"): stored,
        ("all", "files_written_per_day"): written,
        ("all", "peak_bytes_per_second"): [peak] * 2,
        ("all", "workers"): [6, 26],  # 21 and 102 cores, four in a worker
        ("all", "drivers"): [2, 2],
    }
    assert_sizes(found, expected, "It is the sum of what the sources say.")
    for sources, joins, kind in (
        ([SENSORS, ORDERS], BRIEF["joins"], "streams"),
        ([PARTNER], [], "files"),
    ):
        drivers = sized(learner, changed(BRIEF, sources=sources, joins=joins))["all", "drivers"]
        assert drivers["low"] == drivers["high"] == 1, (
            f"a brief that has only {kind} needs 1 driver, you say {drivers['high']}"
        )
    history = changed(BRIEF, history_tb=20_000)
    more = sized(learner, history)["all", "stored_bytes"]
    right = 20_000 * TB / 5 * 2
    assert abs(more["high"] / right - 1) < 0.1, (
        f"20 000 TB of history are about {right:.3g} bytes in two layers, got {more['high']:.3g}"
    )


UNITS = {
    "peak_bytes_per_second": "B/s",
    "raw_bytes_per_day": "B/day",
    "topic_bytes": "B",
    "stored_bytes": "B",
    "state_bytes": "B",
    "transfer_seconds": "s",
}


@check("size")
def test_units_and_formulas(learner):
    """Each row has its unit and a formula; counts are whole; low is never above high"""
    for (source, item), row in sized(learner, BRIEF).items():
        unit = UNITS.get(item, "count")
        assert row["unit"] == unit, f"{source}, {item} is in {row['unit']!r}, expected {unit!r}"
        assert str(row["formula"]).strip(), f"{source}, {item} has no formula"
        assert row["low"] <= row["high"], f"{source}, {item}: low is above high"
        if unit in COUNTED:
            whole = row["low"] == int(row["low"]) and row["high"] == int(row["high"])
            assert whole, f"{source}, {item} is a count of {row['high']}; round up"


@check("size")
def test_more_is_never_less(learner, dataset):
    """Briefs of the data set: twice the rate, or a longer retention, needs nothing less"""
    folder = dataset("lakehouse_design")
    for name in ("retailer", "insurer", "drawn"):
        brief = read_brief(folder, name)
        before = sized(learner, brief)
        for key in ("per_second", "retention_days", "peak_factor"):
            more = changed(brief)
            for source in more["sources"]:
                if key in source:
                    source[key] *= 2
            for where, row in sized(learner, more).items():
                assert row["high"] >= before[where]["high"] * 0.999, (
                    f"{name}: twice the {key}, and {' '.join(where)} falls from "
                    f"{before[where]['high']:,.0f} to {row['high']:,.0f}"
                )


# ----------------------------------------------------------------------- monthly_cost, break_even

SIZING = [
    {"source": "all", "item": item, "low": low, "high": high, "unit": "", "formula": "given"}
    for item, low, high in [
        ("workers", 2, 4),
        ("drivers", 2, 2),
        ("stored_bytes", 5 * TB, 10 * TB),
        ("files_written_per_day", 10_000, 40_000),
        ("peak_bytes_per_second", 10 * MIB, 10.5 * MIB),
        ("raw_bytes_per_day", 10**11, 10**11),
    ]
] + [{"source": "a", "item": "workers", "low": 9, "high": 9, "unit": "", "formula": "not all"}]
PLAIN = {
    "compute": "classic",
    "hours_per_day": 10,
    "starts_per_day": 5,
    "spot_share": 0.0,
    "reserved": False,
    "hot_share": 1.0,
    "egress_gb_per_day": 0.0,
}


def priced(learner, sizing: list[dict] = SIZING, **choices) -> dict:
    rows = learner.monthly_cost(copy.deepcopy(sizing), copy.deepcopy(PRICES), {**PLAIN, **choices})
    assert isinstance(rows, list), f"it returns a {type(rows).__name__}, expected a list of dicts"
    keys = {"item", "quantity", "unit", "unit_price", "cost"}
    for row in rows:
        assert set(row) == keys, f"a row has the keys {sorted(row)}, expected {sorted(keys)}"
    return {row["item"]: row for row in rows}


def assert_quantities(found: dict, expected: dict, why: str) -> None:
    for item, right in expected.items():
        assert item in found, f"there is no row `{item}`"
        got = found[item]["quantity"]
        assert abs(got - right) <= max(0.001 * right, 1e-6), (
            f"{item}: quantity {got:,.6g}, expected {right:,.6g} {found[item]['unit']}. {why}"
        )


@check("monthly_cost", points=2)
def test_classic_hours(learner):
    """Classic pays idle time in DBU and machines, and start-up in machines only"""
    # 10 hours of work, an hour idle, half an hour of starts; 6 nodes
    expected = {
        "dbu": 6 * 11 * DAYS * 2,
        "vm_on_demand": 6 * 11.5 * DAYS,
        "vm_reserved": 0,
        "vm_spot": 0,
    }
    assert_quantities(priced(learner), expected, "5 starts of 6 minutes, each idle for 12.")


@check("monthly_cost")
def test_serverless_hours(learner):
    """Serverless pays hours of work by its own DBU, and no machine"""
    found = priced(learner, compute="serverless", spot_share=0.5, reserved=True)
    expected = {"dbu": 6 * 10 * DAYS * 3, "vm_on_demand": 0, "vm_reserved": 0, "vm_spot": 0}
    assert_quantities(found, expected, "There is neither idle time nor a start to pay.")
    assert found["dbu"]["unit_price"] == 0.5, "its DBU has a price of its own"


@check("monthly_cost")
def test_spot_workers(learner):
    """Spot machines stand for a share of the workers, never for drivers"""
    found = priced(learner, spot_share=0.75)
    expected = {"vm_spot": 3 * 11.5 * DAYS, "vm_on_demand": 3 * 11.5 * DAYS}
    assert_quantities(found, expected, "Three of four workers are spot; both drivers are not.")


@check("monthly_cost")
def test_reserved_machines(learner):
    """A reserved machine is paid around the clock"""
    found = priced(learner, reserved=True, spot_share=0.5)
    expected = {
        "vm_reserved": 4 * 24 * DAYS,
        "vm_on_demand": 0,
        "vm_spot": 2 * 11.5 * DAYS,
        "dbu": 6 * 11 * DAYS * 2,
    }
    assert_quantities(found, expected, "The reservation is paid also while nothing runs.")
    found = priced(learner, reserved=True, hours_per_day=24, starts_per_day=10, spot_share=0)
    why = "A day has 24 hours, whatever work and starts add up to."
    assert_quantities(found, {"vm_reserved": 6 * 24 * DAYS}, why)
    why = "Ten starts with 12 idle minutes each come on top: clusters may overlap."
    assert_quantities(found, {"dbu": 6 * 26 * DAYS * 2}, why)


@check("monthly_cost")
def test_storage_and_network(learner):
    """Tiers, requests, stream units and egress are in the bill"""
    found = priced(learner, hot_share=0.25, egress_gb_per_day=100)
    expected = {
        "storage_hot": 2500,
        "storage_cool": 7500,
        "write_requests": 4 * DAYS,
        "stream_units": 11 * 24 * DAYS,
        "egress": 100 * DAYS,
    }
    assert_quantities(found, expected, "It is 10 TB, 40 000 files a day and 10.5 MiB/s.")
    still = [
        {**row, "low": 0, "high": 0} if row["item"] == "peak_bytes_per_second" else row
        for row in SIZING
    ]
    assert_quantities(priced(learner, still), {"stream_units": 0}, "Nothing streams here.")


@check("monthly_cost")
def test_bill_adds_up(learner):
    """Each item has its row, unit and price; cost is quantity x price"""
    units = {
        "dbu": ("DBU", 0.2),
        "vm_on_demand": ("node-hour", 0.6),
        "vm_reserved": ("node-hour", 0.4),
        "vm_spot": ("node-hour", 0.1),
        "storage_hot": ("GB-month", 0.02),
        "storage_cool": ("GB-month", 0.01),
        "write_requests": ("10k requests", 0.05),
        "stream_units": ("unit-hour", 0.03),
        "egress": ("GB", 0.1),
    }
    found = priced(learner, egress_gb_per_day=10)
    assert set(found) == set(units), f"the items are {sorted(found)}, expected {sorted(units)}"
    for item, (unit, price) in units.items():
        row = found[item]
        assert (row["unit"], row["unit_price"]) == (unit, price), (
            f"{item} is {row['unit_price']} a {row['unit']}, expected {price} a {unit}"
        )
        right = row["quantity"] * price
        assert abs(row["cost"] - right) <= 0.0051, (
            f"{item}: {row['quantity']:,.2f} x {price} is {right:,.2f}, not {row['cost']}"
        )


@check("break_even", points=2)
def test_break_even_hours(learner):
    """The hours at which both cost the same; idle time and each start count"""
    # classic 1.00 an hour, serverless 1.50; a start costs 0.2 x 1.00 + 0.1 x 0.60 = 0.26
    for starts in (0.5, 1, 6, 40):
        found = learner.break_even(copy.deepcopy(PRICES), starts)
        assert found is not None, f"{starts} starts: there is a break-even within the day"
        assert abs(found - starts * 0.52) < 0.01, (
            f"{starts} starts a day: {found} hours, but at {starts * 0.52:.2f} both cost the same"
        )
    found = learner.break_even(copy.deepcopy(PRICES), 0)
    assert found is not None and abs(found) < 1e-9, (
        f"without a start classic is cheaper from the first hour; you say {found}"
    )
    # idle for a quarter of an hour, no time to start: 48 starts cost 12.00, half a dollar an hour
    found = learner.break_even(changed(PRICES, idle_minutes=15, start_minutes=0), 48)
    assert found == pytest.approx(24), f"the bills meet at 24 hours; you say {found}"


@check("break_even")
def test_no_break_even(learner):
    """None if serverless is never dearer, or if the day is too short"""
    cheap = changed(PRICES, dbu_price={"classic": 0.2, "serverless": 0.3})
    for starts in (4, 0):
        found = learner.break_even(cheap, starts)
        assert found is None, (
            f"{starts} starts: serverless costs less in each hour, and you say {found}"
        )
    found = learner.break_even(copy.deepcopy(PRICES), 60)
    assert found is None, f"a day has 24 hours, and you say {found}"
    equal = changed(PRICES, dbu_per_node_hour={"classic": 2.0, "serverless": 2.0})  # 1.00 both
    found = learner.break_even(equal, 4)
    assert found is None, f"an hour costs the same, starts come on top, and you say {found}"


# ------------------------------------------------------------------------------------- drawings

PART = {
    "zones": [1, 2, 3],
    "region": "northeurope",
    "environment": "prod",
    "identity": "managed",
    "sla": 0.999,
    "seconds": 0,
    "needs": [],
    "group": None,
    "brief": None,
}
FLOW = {
    "mode": "stream",
    "every_seconds": 0,
    "delivery": "exactly_once",
    "write": None,
    "contract": {"owner": "team", "schema": "v3"},
    "auth": "managed_identity",
    "network": "private",
}
KINDS = {
    "broker": {"retention_hours": 24},
    "store": {"engine": "delta", "lifecycle": []},
    "job": {"checkpoint": None},
}


def part(id: str, kind: str, **more) -> dict:
    return copy.deepcopy({**PART, "id": id, "kind": kind, **KINDS.get(kind, {}), **more})


def flow(start: str, end: str, data: str, **more) -> dict:
    return copy.deepcopy({**FLOW, "from": start, "to": end, "data": data, **more})


def table(name: str, layer: str, **facts) -> dict:
    plain = {"owner": "team", "pii": "none", "policy": "none", "reads": [], "transforms": []}
    return {"name": name, "layer": layer, **plain, "erasure_days": None, **facts}


def clean() -> dict:
    """A drawing without a fault, for BRIEF. Some of it looks like one."""
    needs = ["airflow", "keys_a", "keys_b"]
    point = {"store": "bronze", "folder": "/tmp_state/load"}
    return {
        "components": [
            part("machines", "source", brief="sensors", identity="none", sla=1.0),
            part("sap", "source", brief="orders", identity="none", region="onprem", sla=1.0),
            part("bus", "broker", seconds=2, sla=0.99, retention_hours=12),
            part("load", "job", seconds=50, needs=needs, checkpoint=point),
            part("bronze", "store", lifecycle=[{"folder": "/tmp", "days": 1}]),
            part("clean", "job", seconds=100, needs=needs),
            part("clean_slow", "job", seconds=200, needs=["airflow"]),
            part("gold", "store", sla=0.998),
            part("screen", "consumer", brief="wall", seconds=5, region="onprem", sla=1.0),
            part("books", "consumer", brief="report", sla=1.0),
            part("airflow", "orchestrator", region="onprem", sla=0.995),
            part("keys_a", "vault", zones=[1], group="keys", sla=0.9),
            part("keys_b", "vault", zones=[1], group="keys", sla=0.9),
            part("sandbox", "job", environment="dev"),
            part("scratch", "store", environment="dev", engine="database"),
        ],
        "flows": [
            flow("machines", "bus", "sensors", auth="secret"),
            flow("sap", "load", "orders", mode="batch", every_seconds=120, auth="secret"),
            flow("bus", "load", "sensors", every_seconds=60, delivery="at_least_once"),
            flow("load", "bronze", "b.all", delivery="at_least_once", write="txn_append"),
            flow("load", "bus", "again", mode="dead_letter", write="append"),
            flow("bronze", "clean", "b.all", every_seconds=90),
            flow("bronze", "clean_slow", "b.all", mode="batch", every_seconds=180),
            flow("clean", "gold", "g.fast", write="merge", delivery="at_least_once"),
            flow("clean_slow", "gold", "g.slow", write="overwrite", delivery="at_least_once"),
            flow("gold", "screen", "g.fast"),
            flow("gold", "books", "g.slow", every_seconds=30),
            flow("gold", "sandbox", "g.fast"),
        ],
        "tables": [
            table("b.all", "bronze", pii="raw", erasure_days=30, transforms=["add_metadata"]),
            table("s.mid", "silver", reads=["b.all"], erasure_days=0, transforms=["join"]),
            table("g.fast", "gold", reads=["s.mid"], policy="mask", transforms=["sum"]),
            table("g.slow", "gold", reads=["g.fast"]),
            table("g.sums", "gold", reads=["s.mid"], policy="drop", transforms=["sum"]),
            table("b.plain", "bronze"),
        ],
        "recovery": [
            {
                "store": "bronze",
                "region": "westeurope",
                "every_seconds": 900,
                "restore_seconds": 60,
            },
            {"store": "gold", "region": "westeurope", "every_seconds": 60, "restore_seconds": 7200},
            {"store": "gold", "region": "northeurope", "every_seconds": 9999, "restore_seconds": 1},
        ],
    }


def one(drawing: dict, id: str) -> dict:
    return next(each for each in drawing["components"] if each["id"] == id)


def way(drawing: dict, start: str, end: str) -> dict:
    return next(f for f in drawing["flows"] if (f["from"], f["to"]) == (start, end))


def rows(drawing: dict, name: str) -> dict:
    return next(each for each in drawing["tables"] if each["name"] == name)


# ------------------------------------------------------------------------------------- freshness


def fresh(learner, drawing: dict) -> dict:
    """What `freshness` says, once its form is right."""
    found = learner.freshness(copy.deepcopy(drawing))
    assert isinstance(found, dict), f"freshness returns a {type(found).__name__}, expected a dict"
    assert set(found) == {"consumers", "blast_radius"}, f"it has the keys {sorted(found)}"
    ids = {each["id"] for each in drawing["components"]}
    wanted = {each["id"] for each in drawing["components"] if each["kind"] == "consumer"}
    assert set(found["consumers"]) == wanted, f"its consumers are {sorted(found['consumers'])}"
    for name, row in found["consumers"].items():
        keys = {"seconds", "path", "availability"}
        assert set(row) == keys, f"{name} has the keys {sorted(row)}, expected {sorted(keys)}"
    missing = ids - set(found["blast_radius"])
    assert not missing, f"`blast_radius` lacks {sorted(missing)}; for nobody it is an empty list"
    return found


@check("freshness", points=2)
def test_slowest_path(learner):
    """Worst seconds along the slowest path: every wait and every run, the consumer's own too"""
    consumers = fresh(learner, clean())["consumers"]
    # sap waits 120, load 50, then clean_slow: 180 + 200
    expected = {"screen": 555, "books": 580}
    for name, seconds in expected.items():
        got = consumers[name]["seconds"]
        assert got == pytest.approx(seconds), (
            f"{name} is up to {seconds} s behind in the worst case, you say {got}"
        )
        path = ["sap", "load", "bronze", "clean_slow", "gold", name]
        assert consumers[name]["path"] == path, (
            f"the slowest path is {' -> '.join(path)}, you say {consumers[name]['path']}"
        )
    twice, alone = clean(), clean()
    twice["flows"].insert(0, flow("bus", "load", "history", every_seconds=500))
    alone["components"].append(part("rates", "store", seconds=700))
    alone["flows"].append(flow("rates", "clean", "rates"))
    for drawing, seconds, why in (
        (twice, 937, "two flows lead from bus to load, and the slower one counts"),
        (alone, 805, "no flow leads to rates, so a path begins there"),
    ):
        got = fresh(learner, drawing)["consumers"]["screen"]["seconds"]
        assert got == pytest.approx(seconds), f"{why}: {seconds} s, you say {got}"


@check("freshness", points=2)
def test_availability(learner):
    """Availability is a product over all that is needed, each part once, groups in parallel"""
    found = fresh(learner, clean())["consumers"]
    # load, bronze, clean, clean_slow; gold; bus; airflow; one of two vaults
    right = 0.999**4 * 0.998 * 0.99 * 0.995 * (1 - 0.1 * 0.1)
    for name in ("screen", "books"):
        got = found[name]["availability"]
        assert got == pytest.approx(right, abs=1e-6), (
            f"{name} is available {right:.5f} of the time, you say {got:.5f}"
        )
    far = clean()
    one(far, "keys_a")["needs"] = ["network"]
    far["components"].append(part("network", "vault", sla=0.5, needs=["power"]))
    far["components"].append(part("power", "vault", sla=0.8))
    got = fresh(learner, far)["consumers"]["screen"]["availability"]
    assert got == pytest.approx(right * 0.5 * 0.8, abs=1e-6), (
        "what a vault needs is needed too, and what that needs as well: "
        f"{right * 0.5 * 0.8:.5f}, you say {got:.5f}"
    )
    idle = clean()
    idle["components"].append(part("keys_c", "vault", group="keys", sla=0.9))
    idle["components"].append(part("replayed", "store", sla=0.5))
    idle["flows"].append(flow("replayed", "clean", "again", mode="dead_letter"))
    got = fresh(learner, idle)["consumers"]["screen"]["availability"]
    assert got == pytest.approx(right, abs=1e-6), (
        "a member that nobody needs makes nothing safer, and dead letters are no path: "
        f"{right:.5f}, you say {got:.5f}"
    )
    for name, why in (
        ("clean", "a job that is not on the slowest path needs something, too"),
        ("screen", "a consumer may need something itself"),
    ):
        aside = clean()
        one(aside, name)["needs"] = [*one(aside, name)["needs"], "model"]
        aside["components"].append(part("model", "vault", sla=0.5))
        got = fresh(learner, aside)["consumers"]["screen"]["availability"]
        assert got == pytest.approx(right * 0.5, abs=1e-6), why


@check("freshness")
def test_blast_radius(learner):
    """Which consumers stop with each component; a twin that takes over spares them"""
    drawing = clean()
    drawing["flows"].append(flow("clean", "direct", "g.fast"))
    drawing["components"].append(part("direct", "consumer", brief="wall"))
    found = fresh(learner, drawing)["blast_radius"]
    both, three = ["books", "screen"], ["books", "direct", "screen"]
    expected = {
        "bus": three,
        "airflow": three,
        "clean": three,
        "gold": both,
        "clean_slow": both,
        "keys_a": [],
        "sandbox": [],
        "direct": ["direct"],
    }
    for name, right in expected.items():
        assert list(found[name]) == right, (
            f"if {name} fails, {right or 'nobody'} stops; you say {found[name]}"
        )
    for each in drawing["components"]:
        each["needs"] = [need for need in each["needs"] if need != "keys_b"]
    found = fresh(learner, drawing)["blast_radius"]["keys_a"]
    assert list(found) == three, f"nobody depends on keys_b, so keys_a has no twin; you say {found}"


@check("freshness")
def test_circle_and_dead_letters(learner):
    """A dead letter is no path; a circle of flows is a ValueError"""
    drawing = clean()
    way(drawing, "load", "bus")["every_seconds"] = 5000
    got = fresh(learner, drawing)["consumers"]["screen"]["seconds"]
    assert got == pytest.approx(555), f"dead letters delay nobody; you say {got} s"
    for end in ("clean", "gold"):
        circle = copy.deepcopy(drawing)
        circle["flows"].append(flow("gold", end, "g.fast"))
        named = f"a circle (gold -> {end} was added)"
        try:
            found = learner.freshness(circle)
        except Exception as error:
            original = getattr(error, "original", None) or error
            said = f"{type(original).__name__}: {error}"
            kinds = ("ValueError", "CycleError")  # graphlib's error is a ValueError
            right = any(kind in said for kind in kinds)
            assert right, f"{named} raises {said}, expected a ValueError"
        else:
            raise AssertionError(f"{named} has no slowest path, and you say {found['consumers']}")


# ---------------------------------------------------------------------------------------- review


def findings(learner, drawing: dict, brief: dict) -> dict:
    """What `review` says, as reasons by (rule, where), once its form is right."""
    found = learner.review(copy.deepcopy(drawing), copy.deepcopy(brief))
    assert isinstance(found, list), f"review returns a {type(found).__name__}, expected a list"
    keys = {"rule", "severity", "where", "reason", "remedy"}
    for each in found:
        assert set(each) == keys, f"a finding has the keys {sorted(each)}, expected {sorted(keys)}"
        assert each["severity"] in ("block", "warn"), f"a severity is {each['severity']!r}"
        assert each["reason"].strip() and each["remedy"].strip(), (
            "a finding says why, and what to do"
        )
    pairs = [(each["rule"], each["where"]) for each in found]
    assert len(set(pairs)) == len(pairs), "a rule names a place twice"
    return {(each["rule"], each["where"]): each for each in found}


def assert_findings(learner, drawing: dict, brief: dict, expected: set, why: str) -> None:
    found = findings(learner, drawing, brief)
    missed, extra = expected - set(found), set(found) - expected
    assert not missed, f"not found: {', '.join(map(' at '.join, sorted(missed)))}. {why}"
    assert not extra, (
        f"found, though it is no fault: {', '.join(map(' at '.join, sorted(extra)))}. {why}"
    )


def fault(name: str, title: str, *plants, expected: list[tuple[str, str]]) -> Case:
    return Case(name, title, [], list(plants), expected)


def give(id: str, **more):
    return lambda drawing, brief: one(drawing, id).update(more)


def flows(start: str, end: str, **more):
    return lambda drawing, brief: way(drawing, start, end).update(more)


def tables(name: str, **more):
    return lambda drawing, brief: rows(drawing, name).update(more)


def add(*new):
    return lambda drawing, brief: drawing["flows"].extend(copy.deepcopy(new))


def ask(**more):
    return lambda drawing, brief: brief.update(more)


def without(start: str, end: str):
    return lambda drawing, brief: drawing["flows"].remove(way(drawing, start, end))


def recover(at: int, **more):
    return lambda drawing, brief: drawing["recovery"][at].update(more)


NIGHTLY = {
    "sources": [PARTNER],
    "consumers": [
        {"name": name, "reads": ["partner"], "freshness_seconds": seconds, "answer_ms": 5000}
        for name, seconds in (("wall", 21_600), ("report", 86_400))
    ],
}
HURRIED = [{**NIGHTLY["consumers"][0], "freshness_seconds": 21_599}, NIGHTLY["consumers"][1]]
HASTY = [{**each, "answer_ms": 200} for each in BRIEF["consumers"]]
FAULTS = [
    fault(
        "cycle", "Finds a circle of flows, and every component on it",
        add(flow("gold", "clean", "g.fast")),
        expected=[("cycle", "gold"), ("cycle", "clean")],
    ),
    fault(
        "between_circles", "Finds no circle on a component that only stands between two",
        add(flow("load", "sap", "orders"), flow("gold", "clean_slow", "g.slow")),
        expected=[("cycle", name) for name in ("load", "sap", "gold", "clean_slow")],
    ),
    fault(
        "own_circle", "Finds a component that flows into itself",
        add(flow("clean", "clean", "rework")),
        expected=[("cycle", "clean")],
    ),
    fault(
        "not_idempotent", "Finds an append behind a delivery that may repeat",
        flows("load", "bronze", write="append"),
        flows("clean", "gold", write="append", delivery="exactly_once"),
        expected=[("not_idempotent", "load -> bronze")],
    ),
    fault(
        "no_contract", "Finds a flow without contract, owner or schema",
        flows("sap", "load", contract=None),
        flows("bus", "load", contract={"owner": "", "schema": "v1"}),
        flows("gold", "books", contract={"owner": "team", "schema": None}),
        expected=[("no_contract", w) for w in ("sap -> load", "bus -> load", "gold -> books")],
    ),
    fault(
        "public_network", "Finds a public endpoint",
        flows("gold", "screen", network="public"),
        expected=[("public_network", "gold -> screen")],
    ),
    fault(
        "needless_secret", "Finds a secret between two parts with managed identities",
        flows("bronze", "clean", auth="secret"),
        expected=[("needless_secret", "bronze -> clean")],
    ),
    fault(
        "no_dead_letter", "Finds a job at a source or broker without dead letters",
        without("load", "bus"),
        expected=[("no_dead_letter", "load")],
    ),
    fault(
        "fed_by_a_source", "Asks a job that only a source feeds, in batches, for dead letters",
        without("load", "bus"), without("bus", "load"),
        expected=[("no_dead_letter", "load")],
    ),
    fault(
        "dead_letter_flow", "Holds a flow of dead letters to what is asked of any flow",
        flows("load", "bus", contract=None, network="public", auth="secret",
              delivery="at_least_once", write="append"),
        expected=[
            (rule, "load -> bus")
            for rule in ("no_contract", "public_network", "needless_secret", "not_idempotent")
        ],
    ),
    fault(
        "no_replay", "Finds a topic that forgets during an outage and its catch-up",
        give("bus", retention_hours=11),
        expected=[("no_replay", "bus")],
    ),
    fault(
        "checkpoint_expires", "Finds a checkpoint in or below a folder with deletion by age",
        give("load", checkpoint={"store": "bronze", "folder": "/tmp/load"}),
        give("clean", checkpoint={"store": "bronze", "folder": "/tmp"}),
        give("clean_slow", checkpoint={"store": "gold", "folder": "/tmp/load"}),
        expected=[("checkpoint_expires", "load"), ("checkpoint_expires", "clean")],
    ),
    fault(
        "prod_reads_dev", "Finds prod that reads dev, and not dev that reads prod",
        add(flow("sandbox", "screen", "trial")),
        expected=[("prod_reads_dev", "sandbox -> screen")],
    ),
    fault(
        "single_point", "Finds an orchestrator or vault in one zone that something needs",
        give("airflow", zones=[2]),
        give("keys_b", group="other"),
        lambda drawing, brief: drawing["components"].append(part("spare", "vault", zones=[])),
        expected=[("single_point", name) for name in ("airflow", "keys_a", "keys_b")],
    ),
    fault(
        "two_writers", "Finds a table that two components write",
        flows("clean_slow", "gold", data="g.fast"),
        expected=[("two_writers", "g.fast")],
    ),
    fault(
        "one_writer_twice", "Takes two flows from one component for one writer",
        add(flow("clean", "gold", "g.fast", mode="batch", write="merge")),
        expected=[],
    ),
    fault(
        "dead_letters_of_a_table", "Takes dead letters beside a table for no second writer",
        add(flow("load", "gold", "g.fast", mode="dead_letter")),
        expected=[],
    ),
    fault(
        "raw_pii_in_gold", "Follows raw PII through tables that do not mask it, into gold",
        tables("g.fast", policy="none", erasure_days=30),
        tables("g.slow", erasure_days=1),
        lambda drawing, brief: drawing["tables"].reverse(),
        expected=[("raw_pii_in_gold", "g.fast"), ("raw_pii_in_gold", "g.slow")],
    ),
    fault(
        "no_erasure", "Finds tables with raw PII, in each layer, that forget nobody in time",
        tables("b.all", erasure_days=None), tables("s.mid", erasure_days=31),
        expected=[("no_erasure", "b.all"), ("no_erasure", "s.mid")],
    ),
    fault(
        "own_mask", "Takes a table that says `raw` for raw, whatever its own policy is",
        tables("b.all", policy="mask", erasure_days=None),
        expected=[("no_erasure", "b.all")],
    ),
    fault(
        "logic_in_bronze", "Finds bronze that does more than add metadata",
        tables("b.all", transforms=["add_metadata", "deduplicate"]),
        expected=[("logic_in_bronze", "b.all")],
    ),
    fault(
        "too_late", "Finds a consumer that gets its data too late along some path",
        give("clean_slow", seconds=546),
        expected=[("too_late", "screen")],
    ),
    fault(
        "just_in_time", "Leaves a consumer alone that gets its data just in time, from files",
        give("clean_slow", seconds=545),  # 900 s in all
        ask(consumers=[{**each, "answer_ms": 1000} for each in BRIEF["consumers"]]),
        expected=[],
    ),
    fault(
        "wrong_region", "Finds data, in a component or in a copy, outside the regions allowed",
        give("clean", region="eastus"), recover(2, region="eastus", every_seconds=60),
        expected=[("wrong_region", "clean"), ("wrong_region", "gold")],
    ),
    fault(
        "no_recovery", "Finds a store without a copy elsewhere that keeps both RPO and RTO",
        recover(0, every_seconds=901), recover(1, restore_seconds=7201),
        recover(2, every_seconds=1),
        expected=[("no_recovery", "bronze"), ("no_recovery", "gold")],
    ),
    fault(
        "forbidden_copy", "Counts a copy where data may not be: that is the fault of another rule",
        recover(1, region="eastus"),
        expected=[("wrong_region", "gold")],
    ),
    fault(
        "half_a_promise", "Asks for one copy that keeps both RPO and RTO, not for two halves",
        recover(1, restore_seconds=7201), recover(2, region="westeurope"),
        expected=[("no_recovery", "gold")],
    ),
    fault(
        "zone_only", "Asks for no copy where a zone is all that must be survived",
        ask(recovery={**BRIEF["recovery"], "survives": "zone"}),
        lambda drawing, brief: drawing["recovery"].clear(),
        expected=[],
    ),
    fault(
        "needless_streaming", "Finds a broker where files come at night and nobody is in a hurry",
        ask(**NIGHTLY),
        expected=[("needless_streaming", "bus")],
    ),
    fault(
        "events_as_well", "Leaves a broker alone where one of the sources is no file",
        ask(**NIGHTLY | {"sources": [PARTNER, ORDERS]}),
        expected=[],
    ),
    fault(
        "in_a_hurry", "Leaves a broker alone where one consumer can't wait for six hours",
        ask(**NIGHTLY | {"consumers": HURRIED}),
        expected=[],
    ),
    fault(
        "needless_lakehouse", "Finds Delta where one database carries it all",
        ask(**NIGHTLY, history_tb=0.02),
        lambda drawing, brief: brief["sources"][0].update(gb_per_day=0.1),
        give("gold", engine="database"), give("bus", kind="job", checkpoint=None),
        lambda drawing, brief: drawing["flows"].append(
            flow("bus", "bronze", "bad", mode="dead_letter")
        ),
        expected=[("needless_lakehouse", "bronze")],
    ),
    fault(
        "unfit_store", "Finds a consumer that needs milliseconds and reads files",
        ask(consumers=HASTY),
        expected=[("unfit_store", "screen"), ("unfit_store", "books")],
    ),
    fault(
        "both_stores", "Finds a hurried consumer that reads files beside its database",
        ask(consumers=HASTY), give("gold", engine="database"),
        add(flow("bronze", "screen", "b.all")),
        expected=[("unfit_store", "screen")],
    ),
    fault(
        "fit_store", "Leaves a hurried consumer alone that a database answers, with Delta behind it",
        ask(consumers=HASTY), give("gold", engine="database"),
        expected=[],
    ),
]  # fmt: skip


@check("review")
@cases(FAULTS)
def test_planted_fault(learner, case):
    """{case}"""
    drawing, brief = clean(), copy.deepcopy(BRIEF)
    brief["sources"] = copy.deepcopy(brief["sources"])
    for plant in case.given:
        plant(drawing, brief)
    assert_findings(learner, drawing, brief, set(case.after), "All else in the drawing is clean.")


@check("review", points=2)
def test_clean_drawing(learner):
    """Says nothing of a clean drawing"""
    assert_findings(learner, clean(), BRIEF, set(), "This drawing has no fault.")


def renamed(drawing: dict, names: dict) -> dict:
    """The drawing with other ids; the same lines otherwise."""
    new = copy.deepcopy(drawing)
    for each in new["components"]:
        each["id"] = names[each["id"]]
        each["needs"] = [names[need] for need in each["needs"]]
        if each.get("checkpoint"):
            each["checkpoint"]["store"] = names[each["checkpoint"]["store"]]
    for each in new["flows"]:
        each["from"], each["to"] = names[each["from"]], names[each["to"]]
    for each in new["recovery"]:
        each["store"] = names[each["store"]]
    return new


@check("review", points=2)
def test_other_names(learner, seed):
    """Finds the same in a drawing whose components and tables have other names, in another order"""
    rng = random.Random(seed)
    drawing = clean()
    for change in (
        give("airflow", zones=[1]),
        give("bus", retention_hours=2),
        give("clean_slow", seconds=5000),
        flows("load", "bronze", write="append"),
        tables("g.fast", policy="none", erasure_days=30),
        tables("g.slow", erasure_days=1),
    ):
        change(drawing, BRIEF)
    ids = [each["id"] for each in drawing["components"]]
    words = rng.sample(ids, len(ids))  # a job called `gold_2`, a store called `screen_2`
    names = {old: f"{new}_2" for old, new in zip(ids, words, strict=True)}
    expected = {
        ("single_point", names["airflow"]),
        ("no_replay", names["bus"]),
        ("too_late", names["screen"]),
        ("not_idempotent", f"{names['load']} -> {names['bronze']}"),
        ("raw_pii_in_gold", "bronze.t1"),
        ("raw_pii_in_gold", "raw.t2"),
    }
    new = renamed(drawing, names)
    called = {"b.all": "gold.t4", "s.mid": "gold.t3", "g.fast": "bronze.t1", "g.slow": "raw.t2"}
    called |= {"g.sums": "raw.t5", "b.plain": "gold.t6"}
    for each in new["tables"]:
        each["name"] = called[each["name"]]
        each["reads"] = [called[name] for name in each["reads"]]
    for key in new:
        rng.shuffle(new[key])
    assert_findings(learner, new, BRIEF, expected, "Only names and order are new.")


@check("review")
def test_severities(learner):
    """Each finding has the severity and the remedy of its rule"""
    drawing = clean()
    for change in (
        give("airflow", zones=[1]),
        flows("sap", "load", contract=None),
        tables("b.all", transforms=["filter"]),
        flows("gold", "screen", network="public"),
    ):
        change(drawing, BRIEF)
    found = findings(learner, drawing, BRIEF)
    said = {rule: (each["severity"], each["remedy"]) for (rule, _), each in found.items()}
    expected = {
        "single_point": ("warn", "Use zones, or a second one"),
        "no_contract": ("warn", "Name owner and schema"),
        "logic_in_bronze": ("warn", "Move it to silver"),
        "public_network": ("block", "Private endpoint, public access off"),
    }
    assert said == expected, f"severity and remedy by rule are {said}, expected {expected}"


# ---------------------------------------------------------------------------------------- design


@pytest.fixture(scope="module")
def designed(learner, tmp_path_factory, dataset):
    """Each brief of the data set with the answer for it."""
    folder = dataset("lakehouse_design")
    briefs = [read_brief(folder, name) for name in ("retailer", "insurer", "drawn")]
    outage = {**briefs[1]["recovery"], "outage_hours": 60, "catch_up_hours": 40}
    other = {"name": "insurer after a long outage", "erasure_days": 7, "recovery": outage}
    briefs.append(changed(briefs[1], **other))
    files = {**PARTNER, "name": "returns", "gb_per_day": 400}
    reader = {"name": "desk", "reads": ["returns"], "freshness_seconds": 600, "answer_ms": 3000}
    briefs.append(
        changed(
            BRIEF, name="files in a hurry", sources=[files, {**PARTNER, "name": "spare"}], joins=[],
            consumers=[reader],
        )
    )  # fmt: skip
    answers = []
    for brief in briefs:
        given = copy.deepcopy(brief)
        answers.append((brief, learner.design(given), given))
    return answers


def recommended(brief: dict, answer: dict) -> dict:
    """The recommended option."""
    assert isinstance(answer, dict), f"design returns a {type(answer).__name__}, expected a dict"
    missing = {"options", "recommended", "because"} - set(answer)
    assert not missing, f"the answer has no {', '.join(sorted(missing))}"
    for option in answer["options"]:
        missing = {"name", "architecture", "choices", "gives_up"} - set(option)
        assert not missing, f"{brief['name']}: an option has no {', '.join(sorted(missing))}"
        assert_form(option["architecture"])
        missing = set(PLAIN) - set(option["choices"])
        assert not missing, f"{brief['name']}: `choices` has no {', '.join(sorted(missing))}"
    chosen = [each for each in answer["options"] if each["name"] == answer["recommended"]]
    assert len(chosen) == 1, f"{brief['name']}: {len(chosen)} options are called as recommended"
    return chosen[0]


FORM = {
    "components": set(part("any", "any")),
    "flows": set(flow("a", "b", "any")),
    "tables": set(table("any", "gold")),
    "recovery": {"store", "region", "every_seconds", "restore_seconds"},
}


def assert_form(drawing: dict) -> None:
    """A drawing has its four lists, each line of them its keys, and flows join what is there."""
    for name, keys in FORM.items():
        for each in drawing.get(name, [{}]):
            more = set(KINDS.get(each.get("kind"), ()))
            missing = (keys | more) - set(each)
            assert not missing, f"a line of `{name}` has no {', '.join(sorted(missing))}: {each}"
    ids = [each["id"] for each in drawing["components"]]
    assert len(set(ids)) == len(ids), f"two components have one id, of {sorted(ids)}"
    ends = {end for each in drawing["flows"] for end in (each["from"], each["to"])}
    ends |= {need for each in drawing["components"] for need in each["needs"]}
    assert ends <= set(ids), f"{sorted(ends - set(ids))} are no components"


def assert_options(brief: dict, answer: dict) -> None:
    """Two different options at least, each with its price, and a reason for one of them."""
    recommended(brief, answer)
    options = answer["options"]
    assert len(options) >= 2, f"{brief['name']}: one option is no choice"
    for key in ("name", "gives_up"):
        said = [str(option.get(key, "")).strip() for option in options]
        assert all(said) and len(set(said)) == len(said), (
            f"{brief['name']}: `{key}` of the options is {said}; each has its own"
        )
    pairs = [(option["architecture"], option["choices"]) for option in options]
    assert all(pairs.count(pair) == 1 for pair in pairs), (
        f"{brief['name']}: two options are the same"
    )
    assert len(str(answer["because"]).split()) >= 3, f"{brief['name']}: `because` is no sentence"


def upstream(drawing: dict, end: str) -> set[str]:
    """All components from which flows lead to this one."""
    seen, waiting = set(), [end]
    while waiting:
        at = waiting.pop()
        new = {
            f["from"] for f in drawing["flows"] if f["to"] == at and f["mode"] != "dead_letter"
        } - seen
        seen |= new
        waiting += new
    return seen


def assert_covered(brief: dict, drawing: dict) -> None:
    """Every source and consumer of the brief is drawn once, in prod, with its paths and tables."""
    drawn = {}
    for kind, key in (("source", "sources"), ("consumer", "consumers")):
        mine = [each for each in drawing["components"] if each["kind"] == kind]
        names = sorted(str(each["brief"]) for each in mine)
        wanted = sorted(each["name"] for each in brief[key])
        assert names == wanted, (
            f"{brief['name']}: the {key} drawn are {names}, the brief's {wanted}"
        )
        assert all(each["environment"] == "prod" for each in mine), f"a {kind} is not in prod"
        drawn[kind] = {each["brief"]: each["id"] for each in mine}
    kinds = {each["id"]: each["kind"] for each in drawing["components"]}
    for reader in brief["consumers"]:
        name, end = reader["name"], drawn["consumer"][reader["name"]]
        above = upstream(drawing, end)
        missing = [source for source in reader["reads"] if drawn["source"][source] not in above]
        assert not missing, f"{brief['name']}: nothing leads from {missing} to {name}"
        direct = [flow["from"] for flow in drawing["flows"] if flow["to"] == end]
        assert all("store" in {kinds[n] for n in {d, *upstream(drawing, d)}} for d in direct), (
            f"{brief['name']}: {name} has a path without a store"
        )
    if any(source["pii"] for source in brief["sources"]):
        assert any(each["pii"] == "raw" for each in drawing["tables"]), (
            f"{brief['name']}: a source has PII, and no table says `pii: raw`"
        )
    named = {each["name"] for each in drawing["tables"]}
    written = {
        f["data"]
        for f in drawing["flows"]
        if kinds[f["to"]] == "store" and f["mode"] != "dead_letter"
    }
    assert written <= named, f"{brief['name']}: {sorted(written - named)} are in no list of tables"


def assert_honest(brief: dict, option: dict) -> None:
    """Jobs take time, parts fail, and what starts often is paid around the clock."""
    drawing = option["architecture"]
    kinds = {each["id"]: each["kind"] for each in drawing["components"]}
    for each in drawing["components"]:
        if each["kind"] == "job":
            assert each["seconds"] >= 30, f"{each['id']} needs {each['seconds']} s; no job does"
        if each["kind"] not in ("source", "consumer"):
            assert 0 < each["sla"] < 1, f"{each['id']} never fails; everything does"
    often = [f for f in drawing["flows"] if kinds[f["to"]] == "job" and f["every_seconds"] < 600]
    assert not often or option["choices"]["hours_per_day"] == 24, (
        f"{brief['name']}: a job starts each {often[0]['every_seconds']} s, and "
        f"{option['choices']['hours_per_day']} hours a day are paid"
    )


@check("design")
def test_options(designed):
    """Two options at least, each says what it gives up; one is recommended, with a reason"""
    for brief, answer, _ in designed:
        assert_options(brief, answer)


@check("design")
def test_brief_is_covered(designed):
    """Every source and consumer is drawn, with a path through a store, and all tables are named"""
    for brief, answer, given in designed:
        assert_covered(brief, recommended(brief, answer)["architecture"])
        assert given == brief, f"{brief['name']}: `design` changed the brief"


@check("design", points=2)
def test_own_review_finds_nothing(designed, learner):
    """Your own reviewer finds nothing in what you recommend"""
    for brief, answer, _ in designed:
        found = learner.review(recommended(brief, answer)["architecture"], brief)
        said = sorted(f"{each['rule']} at {each['where']}" for each in found)
        assert not said, f"{brief['name']}: your review finds {', '.join(said[:4])}"


@check("design", points=2)
def test_within_budget(designed, learner):
    """What you recommend is within budget, and pays for what it runs"""
    for brief, answer, _ in designed:
        option = recommended(brief, answer)
        assert_honest(brief, option)
        bill = learner.monthly_cost(learner.size(brief), brief["prices"], option["choices"])
        cost = sum(row["cost"] for row in bill)
        assert cost <= brief["budget_per_month"], (
            f"{brief['name']}: {cost:,.0f} a month, allowed are {brief['budget_per_month']:,}"
        )
