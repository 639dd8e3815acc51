"""Hidden checks of lab 28: three other briefs, and the judge's own reviewer of the drawings."""

import copy
import math

import pytest
from checks import (
    BRIEF,
    DAY,
    DAYS,
    GB,
    ORDERS,
    PARTNER,
    PLAIN,
    PRICES,
    SENSORS,
    TB,
    assert_covered,
    assert_findings,
    assert_honest,
    assert_options,
    assert_sizes,
    changed,
    clean,
    flow,
    fresh,
    one,
    recommended,
    sized,
    upstream,
)

from labkit.checks import check

# One region only: data of patients that may not leave it. A zone is all that must be survived.
CLINIC = changed(
    BRIEF,
    name="clinic",
    allowed_regions=["switzerlandnorth"],
    horizon_years=3,
    budget_per_month=12_000,
    recovery={**BRIEF["recovery"], "outage_hours": 30, "catch_up_hours": 10, "survives": "zone"},
    sources=[
        {**SENSORS, "name": "monitors", "per_second": 1500, "growth_per_year": 0.2, "pii": True},
        {**PARTNER, "name": "lab_results", "gb_per_day": 5, "pii": True},
    ],
    joins=[],
    consumers=[
        {
            "name": "ward",
            "reads": ["monitors", "lab_results"],
            "freshness_seconds": 600,
            "answer_ms": 2000,
        }
    ],
)
# A lakehouse is the wrong answer to half of it: terminals ask by key, in milliseconds.
PAYMENTS = changed(
    BRIEF,
    name="payments",
    history_tb=3,
    budget_per_month=20_000,
    sources=[{**ORDERS, "name": "cards", "per_second": 1500, "peak_factor": 6}],
    joins=[],
    consumers=[
        {"name": "terminals", "reads": ["cards"], "freshness_seconds": 1200, "answer_ms": 40},
        {"name": "auditors", "reads": ["cards"], "freshness_seconds": 86400, "answer_ms": 60000},
    ],
)
# Twenty gigabytes and one file a night.
BAKERY = changed(
    BRIEF,
    name="bakery",
    history_tb=0.02,
    budget_per_month=300,
    recovery={**BRIEF["recovery"], "rpo_seconds": 86400, "rto_seconds": 86400},
    sources=[{**PARTNER, "name": "tills", "gb_per_day": 0.02, "pii": True}],
    joins=[],
    consumers=[
        {"name": "owner", "reads": ["tills"], "freshness_seconds": 90_000, "answer_ms": 5000}
    ],
)
BRIEFS = [CLINIC, PAYMENTS, BAKERY]


# ------------------------------------------------------------------------- the judge's reviewer


def slowest(drawing: dict, end: str) -> float:
    """The worst seconds until data reaches this component."""
    own = {each["id"]: each["seconds"] for each in drawing["components"]}
    waits = [
        slowest(drawing, f["from"]) + f["every_seconds"]
        for f in drawing["flows"]
        if f["to"] == end and f["mode"] != "dead_letter"
    ]
    return own[end] + max(waits, default=0)


def faults(drawing: dict, brief: dict) -> set[tuple[str, str]]:
    """Rule and place of each fault of a drawing."""
    parts = {each["id"]: each for each in drawing["components"]}
    every = [(f, parts[f["from"]], parts[f["to"]]) for f in drawing["flows"]]
    live = [(f, start, end) for f, start, end in every if f["mode"] != "dead_letter"]
    recovery, wanted = brief["recovery"], {each["name"]: each for each in brief["consumers"]}
    found = set()
    for f, start, end in every:
        contract = f["contract"] or {}
        tests = {
            "not_idempotent": (f["delivery"], f["write"]) == ("at_least_once", "append"),
            "no_contract": not contract.get("owner") or not contract.get("schema"),
            "public_network": f["network"] == "public",
            "needless_secret": f["auth"] == "secret"
            and {start["identity"], end["identity"]} == {"managed"},
            "prod_reads_dev": (start["environment"], end["environment"]) == ("dev", "prod"),
        }
        found |= {(rule, f"{f['from']} -> {f['to']}") for rule, true in tests.items() if true}
    circle = [name for name in parts if name in upstream(drawing, name)]
    found |= {("cycle", name) for name in circle}
    needed = [need for each in parts.values() for need in each["needs"]]
    small = _gigabytes(brief) < brief["limits"]["small_gb"]
    nightly = {s["kind"] for s in brief["sources"]} == {"files"} and all(
        each["freshness_seconds"] >= 21_600 for each in wanted.values()
    )
    for name, each in parts.items():
        kind = each["kind"]
        feeds = [start for _, start, end in live if end is each]
        point = each.get("checkpoint") or {"store": None, "folder": ""}
        expiring = parts[point["store"]]["lifecycle"] if point["store"] else []
        twins = [p for p in parts.values() if each["group"] and p["group"] == each["group"]]
        safe = [
            c
            for c in drawing["recovery"]
            if c["store"] == name and c["region"] != each["region"]
            and c["every_seconds"] <= recovery["rpo_seconds"]
            and c["restore_seconds"] <= recovery["rto_seconds"]
        ]  # fmt: skip
        regions = [each["region"]] if kind in ("broker", "job", "store") else []
        regions += [c["region"] for c in drawing["recovery"] if c["store"] == name]
        hours = recovery["outage_hours"] + recovery["catch_up_hours"]
        tests = {
            "no_dead_letter": kind == "job"
            and any(start["kind"] in ("source", "broker") for start in feeds)
            and not any(f["mode"] == "dead_letter" for f, start, _ in every if start is each),
            "no_replay": kind == "broker" and each["retention_hours"] < hours,
            "checkpoint_expires": any(
                point["folder"].strip("/").split("/")[: len(parts_of)] == parts_of
                for parts_of in (rule["folder"].strip("/").split("/") for rule in expiring)
            ),
            "single_point": kind in ("orchestrator", "vault")
            and name in needed
            and len(each["zones"]) < 2
            and len(twins) < 2,
            "wrong_region": any(region not in brief["allowed_regions"] for region in regions),
            "no_recovery": kind == "store"
            and each["environment"] == "prod"
            and recovery["survives"] == "region"
            and not safe,
            "needless_streaming": kind == "broker" and nightly,
            "needless_lakehouse": kind == "store" and each["engine"] == "delta" and small,
            "too_late": kind == "consumer"
            and not circle
            and slowest(drawing, name) > wanted[each["brief"]]["freshness_seconds"],
            "unfit_store": kind == "consumer"
            and wanted[each["brief"]]["answer_ms"] < 1000
            and any(start["kind"] == "store" and start["engine"] == "delta" for start in feeds),
        }
        found |= {(rule, name) for rule, true in tests.items() if true}
    pairs = {(f["data"], f["from"]) for f, _, end in live if end["kind"] == "store"}
    data = [name for name, _ in pairs]
    found |= {("two_writers", name) for name in data if data.count(name) > 1}
    tables = {each["name"]: each for each in drawing["tables"]}
    for name, each in tables.items():
        if _raw(name, tables):
            if each["layer"] == "gold":
                found.add(("raw_pii_in_gold", name))
            if each["erasure_days"] is None or each["erasure_days"] > brief["erasure_days"]:
                found.add(("no_erasure", name))
        if each["layer"] == "bronze" and any(t != "add_metadata" for t in each["transforms"]):
            found.add(("logic_in_bronze", name))
    return found


def _raw(name: str, tables: dict, below: tuple = ()) -> bool:
    """Whether raw PII reaches a table."""
    if name not in tables or name in below:
        return False
    each = tables[name]
    reads = any(_raw(other, tables, (*below, name)) for other in each["reads"])
    return each["pii"] == "raw" or (each["policy"] not in ("mask", "drop") and reads)


def _gigabytes(brief: dict) -> float:
    daily = sum(
        s["gb_per_day"] if s["kind"] == "files" else s["per_second"] * s["bytes"] * DAY / GB
        for s in brief["sources"]
    )
    return brief["history_tb"] * 1000 + 365 * daily


# ------------------------------------------------------------------------------------- the tasks


@check("size")
def test_size_of_other_briefs(learner):
    """Sizes of three other briefs"""
    average = 1500 * 1.2**3
    expected = {
        ("monitors", "cores"): [3, 11],
        ("monitors", "raw_bytes_per_day"): [average * 500 * DAY] * 2,
        ("monitors", "stored_bytes"): [average * 500 * DAY / r * 2 * 320 for r in (10, 5)],
        ("lab_results", "transfer_seconds"): [5e9 * 1.25**3 * 8 / 400e6] * 2,
        ("all", "workers"): [1, 3],
        ("all", "drivers"): [2, 2],
    }
    assert_sizes(sized(learner, CLINIC), expected, "An outage of 30 hours, 10 hours to catch up.")
    expected = {
        ("cards", "peak_bytes_per_second"): [1500 * 6 * 2000] * 2,
        ("cards", "cores"): [2, 9],
        ("cards", "partitions"): [18, 72],
        ("all", "drivers"): [1, 1],
        ("all", "stored_bytes"): [
            (1500 * 2000 * DAY * 1080 + 3 * TB) * 2 / ratio for ratio in (10, 5)
        ],
    }
    assert_sizes(sized(learner, PAYMENTS), expected, "One stream and a history.")
    found = sized(learner, BAKERY)
    expected = {
        ("all", "peak_bytes_per_second"): [0, 0],
        ("all", "workers"): [1, 1],
        ("all", "drivers"): [1, 1],
        ("tills", "files_kept_per_day"): [1, 1],
    }
    assert_sizes(found, expected, "One small file a night streams nowhere.")
    streaming = {"partitions", "topic_bytes"} & {item for _, item in found}
    assert not streaming, f"one file a night has no {', '.join(sorted(streaming))}"


@check("monthly_cost")
def test_a_bill_of_another_brief(learner):
    """The bill of another platform, whole"""
    found = {}
    for compute in ("classic", "serverless"):
        choices = {**PLAIN, "compute": compute, "hours_per_day": 3, "starts_per_day": 24}
        bill = learner.monthly_cost(learner.size(copy.deepcopy(PAYMENTS)), PRICES, choices)
        found[compute] = sum(row["cost"] for row in bill)
    nodes = math.ceil(9 / 4) + 1
    storage = (1500 * 2000 * DAY * 1080 + 3 * TB) * 2 / 5 / GB * 0.02
    other = storage + 9 * 720 * DAYS / 10_000 * 0.05 + 18 * 24 * DAYS * 0.03
    classic = nodes * DAYS * ((3 + 4.8) * 0.4 + (3 + 4.8 + 2.4) * 0.6)
    right = {"classic": other + classic, "serverless": other + nodes * DAYS * 3 * 1.5}
    for compute, cost in right.items():
        assert found[compute] == pytest.approx(cost, rel=0.02), (
            f"24 starts a day for three hours of work cost {cost:,.0f} with {compute}, "
            f"you say {found[compute]:,.0f}"
        )


@check("break_even")
def test_break_even_is_where_the_bills_meet(learner):
    """At the break-even the compute of both bills is the same"""
    prices = changed(PRICES, idle_minutes=30, start_minutes=3)
    hours = learner.break_even(prices, 9)
    # an hour: 1.00 and 1.50; a start: 0.5 x 1.00 + 0.05 x 0.60
    assert hours == pytest.approx(9 * 0.53 / 0.5), f"you say {hours}, the bills meet at 9.54 hours"


@check("freshness")
def test_another_drawing(learner):
    """Seconds and availability of another drawing, with twins on the way"""
    drawing = clean()
    for name in ("clean", "clean_slow"):
        one(drawing, name)["group"] = "twins"
    found = fresh(learner, drawing)
    right = 0.999**2 * (1 - 0.001**2) * 0.998 * 0.99 * 0.995 * (1 - 0.1 * 0.1)
    got = found["consumers"]["books"]
    assert got["availability"] == pytest.approx(right, abs=1e-6), (
        f"one of two twins is enough: {right:.5f}, you say {got['availability']:.5f}"
    )
    assert got["seconds"] == pytest.approx(580), "the slower twin may be the one that runs"
    assert found["blast_radius"]["clean"] == [], "its twin takes over"


@check("review")
def test_faults_of_several_kinds_at_once(learner):
    """Finds faults of several kinds in one drawing, for a brief bound to one region"""
    drawing, brief = clean(), copy.deepcopy(CLINIC)
    brief["consumers"] = copy.deepcopy(BRIEF["consumers"])
    drawing["flows"].append(flow("clean_slow", "gold", "g.fast", write="merge", network="public"))
    expected = faults(drawing, brief)
    assert len(expected) > 9
    why = "The brief allows one region, and it is neither of these."
    assert_findings(learner, drawing, brief, expected, why)


@pytest.fixture(scope="module")
def answers(learner):
    """The answer for each hidden brief."""
    return [(brief, learner.design(copy.deepcopy(brief))) for brief in BRIEFS]


@check("design", points=2)
def test_other_briefs_pass_the_judges_review(answers):
    """The recommended drawing for other briefs passes the judge's review"""
    for brief, answer in answers:
        found = faults(recommended(brief, answer)["architecture"], brief)
        said = ", ".join(sorted(f"{rule} at {where}" for rule, where in found))
        assert not found, f"{brief['name']}: {said}"


@check("design")
def test_other_briefs_are_covered(answers):
    """Options, coverage and honesty hold for other briefs"""
    for brief, answer in answers:
        assert_options(brief, answer)
        option = recommended(brief, answer)
        assert_covered(brief, option["architecture"])
        assert_honest(brief, option)


@check("design")
def test_other_budgets(answers):
    """Other budgets hold as well, by the judge's arithmetic"""
    workers = {"clinic": 3, "payments": 3, "bakery": 1}
    drivers = {"clinic": 2, "payments": 1, "bakery": 1}
    for brief, answer in answers:
        choices, prices = recommended(brief, answer)["choices"], brief["prices"]
        nodes, name = workers[brief["name"]] + drivers[brief["name"]], choices["compute"]
        hours = choices["hours_per_day"]
        if name == "classic":
            hours += choices["starts_per_day"] * prices["idle_minutes"] / 60
        cost = nodes * hours * DAYS * prices["dbu_per_node_hour"][name] * prices["dbu_price"][name]
        assert cost <= brief["budget_per_month"], (
            f"{brief['name']}: {cost:,.0f} for DBU alone, allowed are {brief['budget_per_month']:,}"
        )
