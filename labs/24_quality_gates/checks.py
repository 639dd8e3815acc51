"""Checks of lab 24: seeded orders against rules in plain Python, reads and commits counted."""

import copy
import random
import re
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from math import isclose
from statistics import mean, median

import pytest

from labkit.checks import (
    AnswerError,
    Case,
    Commit,
    assert_columns,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    let_in,
    require_frames,
    stored_rows,
    table_version,
    write_commits,
)

HINTS = {
    "evaluate": [
        "What does a row say of a rule, true or false, if the expression is null?",
        "A window counts equal keys and a left join finds parents; both keep every row, if you "
        "take care of parents that are there twice. Then one aggregation has all counts.",
        "Which rule it was that raised, the failed job does not say. What can you do then that "
        "you don't do otherwise? And what if only one rule is left to try?",
        "`collect_set` gathers ids, `sort_array` and `slice` keep three. When does the id become "
        "a text: before or after they are sorted?",
    ],
    "split": [
        "Give each row the list of rules that it fails, before you decide anything.",
        "Both sides are a filter on one column that is never null.",
    ],
    "drifted": [
        "Bring both frames to the form (metric, value), the history with a day for each. Then "
        "everything else is written once.",
        "`F.median` is exact. The distances from it need a second aggregation.",
        "Which join keeps a metric that only one side has?",
    ],
    "publish": [
        "Each action on `staged` reads it again: an audit, a count, a write. What holds the rows "
        "still after the first?",
        "`replaceWhere` overwrites the rows that a predicate names, in one commit.",
        "The highest version of the table may be another writer's. Delta keeps the version of the "
        "session's last commit in `spark.databricks.delta.lastCommitVersionInSession`.",
    ],
    "pipeline": [
        "Take tables whose inputs are all done, until none is left. What does it mean if none can "
        "be taken?",
        "From any table that waits, go to an input that waits, and on. Where do you end up?",
    ],
}

ORDERS = (
    "order_id long, customer_id string, amount decimal(12,2), currency string, status string, "
    "discount string, placed_at timestamp"
)
# As the checks deliver it: in another order, and with columns that are nobody's business.
DELIVERED = (
    "source string, status string, order_id long, amount decimal(12,2), customer_id string, "
    "currency string, placed_at timestamp, discount string, known boolean"
)
RESULT = "rule string, rows long, failed long, share double, verdict string, sample array<string>"
METRICS = "metric string, value double, expected double, score double, verdict string"
REPORTS = (
    "day date, rule string, action string, rows long, failed long, share double, verdict string, "
    "version long"
)
PEOPLE = "line long, number string, customer_id string, order_id long"
STATES = "status string, line long"
NOW = datetime(2025, 5, 5, 12)


def names_of(ddl: str) -> list[str]:
    return [part.split()[0] for part in ddl.split(", ")]


def order(order_id, customer_id="p1", amount="20.00", currency="EUR", status="paid", discount="0"):
    """An order as a dict by column."""
    return {
        "order_id": order_id,
        "customer_id": customer_id,
        "amount": None if amount is None else Decimal(amount),
        "currency": currency,
        "status": status,
        "discount": discount,
        "placed_at": NOW,
        "source": "till",
        "known": None,
    }


def rows_of(ddl: str, orders: list[dict]) -> list[tuple]:
    return [tuple(one[name] for name in names_of(ddl)) for one in orders]


def random_orders(rng: random.Random, count: int) -> list[dict]:
    """Orders with nulls, with ids that come twice, and with copies of whole rows."""
    orders = [
        order(
            rng.randrange(1, 3 * count),
            rng.choice([None, "", "P1", "p1", "p2", "p3", "p4", "p5", "x9"]),
            rng.choice([None, "-3.00", "0.00", "9.99", "10.00", "250.00"]),
            rng.choice([None, "EUR", "EUR", "USD"]),
            rng.choice([None, "paid", "paid", "sent", "lost"]),
            rng.choice([None, "0.1", "0.4", "0.5"]),
        )
        for _ in range(count - count // 8)
    ]
    orders += [dict(rng.choice(orders)) for _ in range(count // 8)]
    rng.shuffle(orders)
    return orders


# ------------------------------------------------------------------------------------- the rules


def row(expression: str, passes) -> tuple[dict, object]:
    """A rule of a row, and what it says of an order in Python."""
    return {"kind": "row", "expression": expression}, lambda one, _: passes(one)


def unique(*columns: str) -> tuple[dict, object]:
    def passes(one, orders):
        mine = [one[name] for name in columns]
        same = [other for other in orders if [other[name] for name in columns] == mine]
        return None not in mine and len(same) == 1

    return {"kind": "unique", "columns": list(columns)}, passes


def references(column: str, to: str, key: str, known: set) -> tuple[dict, object]:
    rule = {"kind": "references", "column": column, "to": to, "key": key}
    return rule, lambda one, _: one[column] in known


KINDS = {
    "is_paid": row("status = 'paid'", lambda one: one["status"] == "paid"),
    "b.amount, isn't null": row("amount IS NOT NULL", lambda one: one["amount"] is not None),
    "positive": row("NOT amount <= 0", lambda one: one["amount"] is not None and one["amount"] > 0),
    "euro_or_small": row(
        "currency = 'EUR' OR amount < 10",
        lambda one: one["currency"] == "EUR" or (one["amount"] is not None and one["amount"] < 10),
    ),
    "any": row("order_id > 0", lambda _: True),
    "from_till": row("source = 'till'", lambda one: one["source"] == "till"),
    "Never": row("order_id < 0", lambda _: False),
    "known": references("customer_id", "people", "number", {"p1", "p2", "p3", "p4"}),
    "a_state": references("status", "states", "status", {"paid", "sent"}),
    "one_id": unique("order_id"),
    "one_state_each": unique("customer_id", "status", "amount"),
}
PARENTS = {
    # Twice, null, and with columns that orders have as well.
    "people": (
        PEOPLE,
        [
            (number, name, "x9", 7)
            for number, name in enumerate(["p1", "p2", "p2", None, None, "p3", "p4", "p4", "p4"])
        ],
    ),
    "states": (STATES, [(name, number) for number, name in enumerate(["sent", "paid"])]),
}


def made_rules(names, schema: str, **more) -> list[dict]:
    """The rules of these names, with tables of this database."""
    made = []
    for name in names:
        rule = {"name": name, "action": "warn", "threshold": 0.0, **KINDS[name][0], **more}
        if "to" in rule:
            rule["to"] = f"{schema}.{rule['to']}"
        made.append(rule)
    return made


def failing(name: str, orders: list[dict]) -> list[dict]:
    return [one for one in orders if not KINDS[name][1](one, orders)]


def judged(rule: dict, orders: list[dict]) -> tuple:
    """The row that `evaluate` must return for a rule."""
    failed = failing(rule["name"], orders)
    ids = sorted({one["order_id"] for one in failed})[:3]
    rows = len(orders)
    share = len(failed) / rows if rows else None
    verdict = "empty" if not rows else "passed" if share <= rule["threshold"] else "failed"
    return rule["name"], rows, len(failed), share, verdict, [str(one) for one in ids]


def make_parents(spark, schema: str) -> None:
    """Makes the tables that rules refer to."""
    for name, (ddl, rows) in PARENTS.items():
        write_commits(spark, f"{schema}.{name}", ddl, [Commit("WRITE", rows)], key="line")


@pytest.fixture(scope="module")
def parents(quick, shared_schema):
    """The database with the tables that rules refer to."""
    make_parents(quick, shared_schema)
    return shared_schema


def counted(spark, frame, schema: str, name: str):
    """The frame, and a function that says how often it has been read."""
    table = f"{schema}.{name}"
    past = [Commit("WRITE", [(number,)]) for number in range(30)]
    write_commits(spark, table, "read long", past, held=30)
    return let_in(frame, table), lambda: table_version(spark, table).number


# -------------------------------------------------------------------------------------- evaluate

RULES = [
    Case("is_paid", "Counts a null expression as failed: status = 'paid'"),
    Case("positive", "Counts a null expression as failed under NOT: NOT amount <= 0"),
    Case("euro_or_small", "Passes what is true beside a null: currency = 'EUR' OR amount < 10"),
    Case("any", "Passes a rule that no row fails, with an empty sample"),
    Case("Never", "Fails all rows, and names three"),
    Case("known", "Finds orphans and nulls, where the table has a key twice, and has nulls"),
    Case("a_state", "Refers to a column of the same name"),
    Case("from_till", "Evaluates a rule of a column that only this frame has"),
    Case("one_id", "Counts every row of a key that is there twice"),
    Case("one_state_each", "Tells keys of several columns apart, and fails a null in one of them"),
]


ALIKE = [("p", "1paid"), ("p1", "paid"), ("q|", "x"), ("q", "|x"), ("q,", "x"), ("q", ",x")]
ALIKE += [("q-", "x"), ("q", "-x"), ("q_", "x"), ("q", "_x"), ("p2 ", "paid"), ("p2", "paid ")]
ALIKE += [("P3", "paid"), ("p3", "paid")]


@pytest.fixture(scope="module")
def batch(seed):
    """64 orders, so that a share is as exact as its threshold."""
    rng = random.Random(f"batch {seed}")
    orders = [
        *(order(number, "x1", status="lost") for number in (9, 100, 100, 9000)),
        order(9001, None, None, "EUR", None),
        order(9002, None, "20.00", "EUR", "paid"),
        order(9002, None, "20.00", "EUR", "paid"),
        # Keys that look alike once they are joined to one text, or tidied up.
        *(order(9100 + n, a, "1.50", status=b) for n, (a, b) in enumerate(ALIKE)),
        {**order(9200), "source": None},
        {**order(9201), "source": "web"},
    ]
    orders += random_orders(rng, 64 - len(orders))
    rng.shuffle(orders)
    return orders


@pytest.fixture(scope="module")
def limits(batch, parents):
    """Rules whose thresholds are at their share, in turn just below and just above it."""
    made = made_rules([case.name for case in RULES], parents)
    for number, rule in enumerate(made):
        share = judged(rule, batch)[3]
        rule["threshold"] = max(0.0, share + (0, -1 / 128, 1 / 128)[number % 3])
    made[4]["threshold"] = 63 / 64
    return made


@pytest.fixture(scope="module")
def evaluated(learner, spark, frame, batch, limits, parents):
    """The result of one call without an error, and how often it read its frame."""
    df, reads = counted(spark, frame(DELIVERED, rows_of(DELIVERED, batch)), parents, "reads")
    answer = learner.evaluate(df, copy.deepcopy(limits))
    assert_columns(answer, RESULT)
    return collect(answer), reads()


@check("evaluate")
@cases(RULES)
def test_rules(evaluated, batch, limits, case):
    """{case}"""
    rule = next(rule for rule in limits if rule["name"] == case.name)
    found = [one for one in evaluated[0] if one.rule == case.name]
    try:
        assert_rows(found, [judged(rule, batch)], key="rule", columns=RESULT)
    except AssertionError as error:
        told = {name: value for name, value in rule.items() if name not in ("name", "action")}
        raise AssertionError(f"the rule {told}: {error}") from None


@check("evaluate")
def test_one_row_for_each_rule(evaluated, limits):
    """Has one row for each rule"""
    counts = Counter(one.rule for one in evaluated[0])
    assert counts == Counter(rule["name"] for rule in limits), (
        f"rows by rule: {dict(counts)}, for the rules {[rule['name'] for rule in limits]}"
    )


@check("evaluate", points=3)
def test_one_read(evaluated, limits):
    """Reads the frame once, for all rules"""
    assert evaluated[1] == 1, (
        f"{len(limits)} rules, and the frame was read {evaluated[1]} times. On a large table that "
        "is what an audit costs; and a frame that is read twice can be two different ones"
    )


ERRORS = {
    "casts": ("raises for two rows", row("CAST(discount AS double) < 0.5", None)[0]),
    "divides": ("raises for one row", row("amount / (order_id - 5) > 0", None)[0]),
    "no_column": ("names a column that isn't there", row("nosuch > 0", None)[0]),
    "no_sense": ("doesn't parse", row("amount >", None)[0]),
    "no_table": (
        "refers to a table that isn't there",
        references("status", "nosuch", "status", set())[0],
    ),
    "no_key": (
        "refers to a key that isn't there",
        references("status", "people", "nosuch", set())[0],
    ),
    "no_key_there": (
        "refers to a key that only the orders have",
        references("status", "states", "customer_id", set())[0],
    ),
    "no_unique": ("needs a column that isn't there to be unique", unique("order_id", "nosuch")[0]),
}
KINDS |= {name: (rule, None) for name, (_, rule) in ERRORS.items()}
ERROR_CASES = [Case(name, f"Is an error if the rule {what}") for name, (what, _) in ERRORS.items()]
FINE = ["is_paid", "one_id", "known"]
WITH_ERRORS = [
    order(1, "p1"),
    order(2, None, status=None, discount="n/a"),
    order(5, "x1", discount=""),
    order(5, "p2", status="sent"),
    *(order(50 + number, status="sent" if number < 13 else "paid") for number in range(18)),
]
# Of 22 rows, 15 fail `is_paid`; as floats, 15 / 22 * 22 is less than 15.
AT_THE_LIMIT = 15 / 22


def error_rules(schema: str) -> list[dict]:
    """Rules that raise, that make no sense, and good ones between them."""
    mixed = [
        "casts", "is_paid", "no_column", "one_id", "no_sense", "no_table", "known", "divides",
        "no_key", "no_key_there", "no_unique",
    ]  # fmt: skip
    return made_rules(mixed, schema, threshold=AT_THE_LIMIT)


@pytest.fixture(scope="module")
def with_errors(learner, frame, parents):
    """The result of rules of which most are in error."""
    answer = learner.evaluate(frame(ORDERS, rows_of(ORDERS, WITH_ERRORS)), error_rules(parents))
    assert_columns(answer, RESULT)
    return collect(answer)


@check("evaluate")
@cases(ERROR_CASES)
def test_errors(with_errors, case):
    """{case}"""
    found = [one for one in with_errors if one.rule == case.name]
    right = (case.name, len(WITH_ERRORS), None, None, "error", [])
    assert_rows(found, [right], key="rule", columns=RESULT)


@check("evaluate", points=2)
def test_beside_errors(with_errors, parents):
    """Judges other rules as if none were in error"""
    rules = made_rules(FINE, parents, threshold=AT_THE_LIMIT)
    found = [one for one in with_errors if one.rule in FINE]
    expected = [judged(rule, WITH_ERRORS) for rule in rules]
    assert_rows(found, expected, key="rule", columns=RESULT)


@check("evaluate")
def test_nothing_but_errors(learner, frame, parents):
    """Knows the number of rows where all rules are in error"""
    rules = made_rules(["no_table", "casts"], parents)
    found = collect(learner.evaluate(frame(ORDERS, rows_of(ORDERS, WITH_ERRORS[:3])), rules))
    right = [(name, 3, None, None, "error", []) for name in ("no_table", "casts")]
    assert_rows(found, right, key="rule", columns=RESULT)


@pytest.fixture(scope="module")
def of_nothing(learner, frame, parents):
    """The result for no rows: of rules that can be evaluated, or with some that can't."""
    fine = [*made_rules(FINE, parents, threshold=1.0), *made_rules(["any"], parents)]
    lost = [rule for rule in error_rules(parents) if rule["name"].startswith("no_")]

    @cache
    def called(*, errors: bool) -> list:
        rules = [*lost, *fine] if errors else fine
        return collect(learner.evaluate(frame(ORDERS, []), rules))

    return called


@check("evaluate")
def test_no_rows(of_nothing):
    """Says of an empty frame that it is empty"""
    right = [(name, 0, 0, None, "empty", []) for name in [*FINE, "any"]]
    for errors in (False, True):
        fine = [one for one in of_nothing(errors=errors) if not one.rule.startswith("no_")]
        assert_rows(fine, right, key="rule", columns=RESULT)


@check("evaluate")
def test_no_rows_and_errors(of_nothing):
    """Says what isn't there, or doesn't parse, of an empty frame, too"""
    lost = [name for name in ERRORS if name.startswith("no_")]
    found = [one for one in of_nothing(errors=True) if one.rule in lost]
    right = [(name, 0, None, None, "error", []) for name in lost]
    assert_rows(found, right, key="rule", columns=RESULT)


# ----------------------------------------------------------------------------------------- split

ACTIONS = {
    "one_id": "fail",
    "is_paid": "warn",
    "known": "quarantine",
    "positive": "quarantine",
    "b.amount, isn't null": "warn",
    "Never": "warn",
    "one_state_each": "fail",
}


def split_rules(names, schema: str) -> list[dict]:
    """Rules with their actions, and thresholds that would let anything pass."""
    return [
        {**rule, "action": ACTIONS[rule["name"]]}
        for rule in made_rules(names, schema, threshold=1.0)
    ]


def plain(orders, reasons=False) -> list[tuple]:
    """Rows as tuples, in a fixed order of columns."""
    names = [*names_of(DELIVERED), *(["reasons"] if reasons else [])]
    found = []
    for one in orders:
        values = one if isinstance(one, dict) else one.asDict()
        found.append(tuple(tuple(v) if isinstance(v := values[n], list) else v for n in names))
    return found


def right_split(orders, names) -> tuple[list[tuple], list[tuple]]:
    """The rows of both sides, by the rules in Python."""
    good, bad = [], []
    for one in orders:
        failed = sorted(name for name in names if not KINDS[name][1](one, orders))
        if any(ACTIONS[name] != "warn" for name in failed):
            bad.append({**one, "reasons": failed})
        else:
            good.append(one)
    return plain(good), plain(bad, reasons=True)


@pytest.fixture(scope="module")
def crowd(seed):
    """Orders, half of which are as they should be."""
    rng = random.Random(f"crowd {seed}")
    orders = [order(10_000 + number, f"p{number % 4 + 1}", f"{number}.50") for number in range(24)]
    orders += [order(20_000, "p1", "7.25", None), order(20_001, "p2", "8.25", None, "sent")]
    orders += [order(30_000, None, None, None, None, None)]
    # Good but for a row that is bad for another reason.
    orders += [order(40_000, "p1", "3.25"), order(40_000, "x9", "-1.00", status="lost")]
    # Bad by a `quarantine` rule alone.
    orders += [order(50_000, "x7", "4.75"), order(50_001, "p1", "-4.25")]
    orders += [order(50_010 + n, a, "1.50", status=b) for n, (a, b) in enumerate(ALIKE)]
    orders += random_orders(rng, 24)
    rng.shuffle(orders)
    return orders


@pytest.fixture(scope="module")
def sides(learner, frame, crowd, parents):
    """The rows of both sides, after one call."""
    df = frame(DELIVERED, rows_of(DELIVERED, crowd))
    good, bad = require_frames(learner.split(df, split_rules(ACTIONS, parents)), 2)
    assert_columns(good, DELIVERED)
    assert_columns(bad, f"{DELIVERED}, reasons array<string>")
    return plain(collect(good)), plain(collect(bad), reasons=True)


def assert_bag(found: list[tuple], right: list[tuple], side: str) -> None:
    """The same rows, as often."""
    more, less = Counter(found) - Counter(right), Counter(right) - Counter(found)
    for what, rows in {"too often": more, "missing": less}.items():
        if rows:
            told = next(iter(sorted(rows, key=str)))
            said = {n: v for n, v in zip(names_of(DELIVERED), told, strict=False) if n != "source"}
            raise AssertionError(
                f"{side} has {len(found)} rows, expected {len(right)}; {what}: {said}"
                + (f", reasons {list(told[-1] or ())}" if side == "quarantined" else "")
            )


@check("split", points=2)
def test_no_row_is_lost(sides, crowd):
    """Has each row in exactly one of the two, as often as it was given"""
    both = Counter(sides[0]) + Counter(one[:-1] for one in sides[1])
    given = Counter(plain(crowd))
    lost, more = given - both, both - given
    assert not lost and not more, (
        f"{sum(given.values())} rows were given, and {sum(both.values())} came back: "
        f"{sum(lost.values())} are missing, {sum(more.values())} came too often; such as "
        f"{next(iter(lost or more))}"
    )


@check("split", points=2)
def test_good_rows(sides, crowd):
    """Publishes rows that fail only warnings, whatever the threshold"""
    assert_bag(sides[0], right_split(crowd, ACTIONS)[0], "good")


@check("split", points=2)
def test_reasons(sides, crowd):
    """Names all rules that a quarantined row fails, in the order of the alphabet"""
    assert_bag(sides[1], right_split(crowd, ACTIONS)[1], "quarantined")


@check("split")
def test_order_of_rules(learner, frame, crowd, parents):
    """Does not depend on the order of the rules, or on other rows of the same order"""
    some = [*crowd[:10], order(60_000, "p1", "3.25"), order(60_000, "x9", "3.75", status="sent")]
    some += [order(60_001, "p2", "-2.25"), order(60_001, "p2", "2.25")]
    names = ["one_state_each", "positive", "is_paid", "b.amount, isn't null", "known"]
    df = frame(DELIVERED, rows_of(DELIVERED, some))
    for turned in (names, names[::-1]):
        _, bad = require_frames(learner.split(df, split_rules(turned, parents)), 2)
        found = plain(collect(bad), reasons=True)
        assert_bag(found, right_split(some, names)[1], "quarantined")


@check("split")
def test_no_rules(learner, frame, crowd):
    """Lets every row pass if there is no rule"""
    some = [*crowd[:8], crowd[0]]
    df = frame(DELIVERED, rows_of(DELIVERED, some))
    good, bad = require_frames(learner.split(df, []), 2)
    assert_columns(bad, f"{DELIVERED}, reasons array<string>")
    assert_bag(plain(collect(good)), plain(some), "good")
    assert_bag(plain(collect(bad), reasons=True), [], "quarantined")


# --------------------------------------------------------------------------------------- drifted


def on_day(day: int, amounts: dict[str, list], nobody: int = 0, hour: int = 12) -> list[dict]:
    """Orders of a day in May: amounts by currency, of which the first few have no customer."""
    orders = []
    for currency, values in amounts.items():
        for value in values:
            one = order(len(orders) + 1, "p1", value, None if currency == "null" else currency)
            one["placed_at"] = datetime(2025, 5, day, hour)
            orders.append(one)
    for one in orders[:nobody]:
        one["customer_id"] = None
    return orders


def day_values(orders: list[dict]) -> dict[str, float]:
    """The metrics of one day that have a value."""
    values = {"rows": float(len(orders))}
    if orders:
        values["no_customer"] = mean(float(one["customer_id"] is None) for one in orders)
    by_currency = defaultdict(list)
    for one in orders:
        if one["currency"] is not None and one["amount"] is not None:
            by_currency[one["currency"]].append(one["amount"])
    return values | {f"amount.{name}": float(mean(some)) for name, some in by_currency.items()}


def right_drift(today: list[dict], history: list[dict], z: float) -> list[tuple]:
    """The rows that `drifted` must return."""
    days = defaultdict(list)
    for one in history:
        days[one["placed_at"].date()].append(one)
    past = [day_values(some) for some in days.values()]
    now = day_values(today)
    rows = []
    for metric in sorted({"rows", "no_customer"} | set(now).union(*past)):
        before = [values[metric] for values in past if metric in values]
        value, expected = now.get(metric), median(before) if before else None
        if value is None and expected is None:
            continue  # said of no frame
        score, verdict = None, "missing" if value is None else "new"
        if value is not None and expected is not None:
            usual = median(abs(day - expected) for day in before)
            score = abs(value - expected) / max(1.4826 * usual, 0.05 * abs(expected), 0.01)
            verdict = "ok" if score <= z else "drifted"
        rows.append((metric, value, expected, score, verdict))
    return rows


def close(found: list, right: list[tuple]) -> list[tuple]:
    """What was found; numbers that agree in five digits are those expected."""
    wanted = {row[0]: row for row in right}
    near = []
    for one in found:
        values = list(one)
        for place, value in enumerate(wanted.get(one[0], [])[1:4], 1):
            mine = values[place]
            if (
                isinstance(mine, float)
                and value is not None
                and isclose(mine, value, rel_tol=1e-5, abs_tol=1e-7)
            ):
                values[place] = value
        near.append(tuple(values))
    return near


def drift(learner, frame, today, history, z) -> list:
    answer = learner.drifted(
        frame(ORDERS, rows_of(ORDERS, today)), frame(ORDERS, rows_of(ORDERS, history)), z
    )
    assert_columns(answer, METRICS)
    return collect(answer)


# Six days; the bad one has amounts in cents, the last has fewer rows, and there is a gap before it.
PAST = [
    *on_day(1, {"EUR": ["50", "54"], "USD": ["10"] * 8, "SEK": ["500"], "null": ["1"] * 3}, 2),
    *on_day(2, {"EUR": ["48", "50"], "USD": ["12"] * 10, "SEK": ["520"], "DKK": ["70"]}, 1, 0),
    *on_day(3, {"EUR": ["5100", "5300"], "USD": ["1100"] * 9, "DKK": [None]}, 12, 23),
    *on_day(4, {"EUR": ["52", "52"], "USD": ["9"] * 12, "NOK": [None], "null": ["2"]}),
    *on_day(5, {"EUR": ["49", None], "USD": ["10", "11"] * 6, "SEK": ["540"]}, 3),
    *on_day(8, {"EUR": ["55"], "USD": ["14"] * 5}, 1),
]
TODAY = on_day(
    9,
    {
        "EUR": ["5200", None],
        "USD": ["9.50"],
        "eur": ["60"],
        "GBP": ["8"],
        "null": ["3"],
        "NOK": [None],
    },
    1,
)
# One day all the same; and an id that is empty is there.
TODAY[1]["placed_at"] = datetime(2025, 5, 10, 1)
TODAY[2] |= {"placed_at": datetime(2025, 5, 8, 12), "customer_id": ""}
# The greatest of the three parts of the spread is each of them once, and scores are at the limit.
THREE = [
    *on_day(1, {"EUR": ["100"], "USD": ["-100"], "SEK": ["10"], "DKK": ["0.10"]}),
    *on_day(2, {"EUR": ["100"], "USD": ["-100"], "SEK": ["14"], "DKK": ["0.10"]}),
    *on_day(3, {"EUR": ["100"], "USD": ["-100"], "SEK": ["18"], "DKK": ["0.10"]}),
]
# History may have the date of today, and later ones.
LIMIT = on_day(2, {"EUR": ["110"], "USD": ["-111"], "SEK": ["28"], "DKK": ["0.11"]}, 1)


@pytest.fixture(scope="module")
def drifts(learner, quick, frame):
    """The result of one of four calls, by its name, with what it must be."""
    given = {
        "past": (TODAY, PAST, 3.0),
        "three": (LIMIT, THREE, 2.0),
        "empty_today": ([], PAST[:9], 3.0),
        "empty_history": (TODAY, [], 3.0),
    }

    @cache
    def called(name: str) -> tuple[list, list]:
        return drift(learner, frame, *given[name]), right_drift(*given[name])

    return called


METRIC_CASES = [
    Case("rows", "Sees that few orders came, beside days of which one is bad"),
    Case("no_customer", "Counts orders without a customer as a share of the day"),
    Case("amount.EUR".replace(".", "_"), "Sees amounts in cents, though one day had them before"),
    Case("amount_USD", "Is silent about a usual amount; a bad day does not move what is expected"),
    Case("amount_SEK", "Says that a currency is missing today, with the days that had it"),
    Case("amount_DKK", "Leaves days out that have no amount in a currency"),
    Case("amount_GBP", "Says that a currency is new"),
    Case("amount_NOK", "Has no row for a currency without an amount"),
]


@check("drifted")
@cases(METRIC_CASES)
def test_metrics(drifts, case):
    """{case}"""
    metric = case.name.replace("_", ".", 1) if case.name.startswith("amount") else case.name
    found, right = drifts("past")
    mine = [row for row in right if row[0] == metric]
    assert_rows(
        close([one for one in found if one.metric == metric], mine), mine, key="metric",
        columns=METRICS,
    )  # fmt: skip


@check("drifted")
def test_no_other_metric(drifts):
    """Has one row for each metric, and no other"""
    found = Counter(one.metric for one in drifts("past")[0])
    assert found == Counter(row[0] for row in drifts("past")[1]), f"metrics: {dict(found)}"


@check("drifted", points=2)
def test_limits(drifts):
    """Needs three days only; a score of `z` is not too much, and the spread has a floor"""
    found, right = drifts("three")
    assert_rows(close(found, right), right, key="metric", columns=METRICS)


@check("drifted")
def test_empty_today(drifts):
    """Says what is missing if nothing came today"""
    found, right = drifts("empty_today")
    assert_rows(close(found, right), right, key="metric", columns=METRICS)


@check("drifted")
def test_empty_history(drifts):
    """Says that everything is new without a history"""
    found, right = drifts("empty_history")
    assert_rows(close(found, right), right, key="metric", columns=METRICS)


# --------------------------------------------------------------------------------------- publish

# The table has its columns in an order of its own.
PUBLISHED = (
    "order_id long, status string, day date, discount string, amount decimal(12,2), "
    "customer_id string, placed_at timestamp, currency string"
)
FIRST, SECOND, THIRD = (date(2025, 5, number) for number in (5, 6, 7))
AUDIT = {
    "strict": ("order_id < 1000", "fail", 0.25),
    "euro": ("currency = 'EUR'", "quarantine", 0.1),
    "is_paid": ("status = 'paid'", "warn", 0.0),
    "casts": ("CAST(discount AS double) < 0.5", "warn", 1.0),
}


def audit_rules(*names: str) -> list[dict]:
    made = []
    for name in names:
        expression, action, threshold = AUDIT[name]
        made.append(
            {
                "name": name,
                "kind": "row",
                "expression": expression,
                "action": action,
                "threshold": threshold,
            }
        )
    return made


def stored(day: date, *orders: dict) -> list[tuple]:
    return rows_of(PUBLISHED, [{**one, "day": day} for one in orders])


OLD = {
    # Of these, 12 and 14 come again.
    FIRST: [order(1), order(2, status="sent"), order(12), order(14, amount="1.00"),
            order(14, amount="2.00")],
    SECOND: [order(3), order(4, currency="USD")],
    THIRD: [order(5), order(6)],
}  # fmt: skip
# 8 rows: one fails the strict rule, three the quarantine rule, two the warning.
ARRIVED = [
    order(11), order(12, status="sent"), order(12, status="sent"), order(14),
    order(15, currency="USD"), order(16, currency=None), order(17, currency="SEK"), order(2000),
]  # fmt: skip
# The day of a delivery is not that of its orders.
ARRIVED[0]["placed_at"] = NOW + timedelta(days=1)
LATER = [[order(18), order(3000)], [order(19), order(3001)]]


class Publishing:
    """Tables, and what each call of the learner's did to them."""

    def __init__(self, spark, schema: str, learner) -> None:
        self.spark, self.schema, self.learner = spark, schema, learner
        self.table, self.reports = f"{schema}.shop_orders", f"{schema}.audits"
        past = [Commit("WRITE", stored(FIRST, *OLD[FIRST]) + stored(SECOND, *OLD[SECOND]))]
        others = [Commit("WRITE", stored(THIRD, *OLD[THIRD]))]
        write_commits(spark, self.table, PUBLISHED, past + others, held=1)
        self.old_report = (FIRST, "strict", "warn", 7, 7, 1.0, "failed", 41)
        write_commits(spark, self.reports, REPORTS, [Commit("WRITE", [self.old_report])])
        self.results, self.commits, self.rows = {}, {}, {}
        self.newest, self.left, self.before = [], set(), set()

    def call(self, name: str, staged, day: date, *rules: str) -> None:
        before = table_version(self.spark, self.table)
        self.results[name] = self.learner.publish(
            self.spark, staged, self.table, self.reports, audit_rules(*rules), day
        )
        self.commits[name] = changes_since(self.spark, self.table, before).operations
        if self.commits[name]:
            self.newest = stored_rows(self.spark, self.table)
        self.rows[name] = self.newest
        self.left |= self.tables() - self.before

    def tables(self) -> set[str]:
        """Names of all tables of this database, and of the one that a name alone means."""
        catalog = self.spark._jsparkSession.sessionState().catalog()
        places = (self.schema, catalog.getCurrentDatabase())
        listed = [catalog.listTables(place, "*", False) for place in places]
        return {name for tables in listed for name in tables.mkString(" ").split()}


@pytest.fixture(scope="module")
def published(learner, quick, frame, shared_schema):
    """Five calls on one table: two that publish, and three that are blocked."""
    run = Publishing(quick, shared_schema, learner)
    landing = f"{shared_schema}.landing"
    arriving = [Commit("WRITE", rows_of(ORDERS, ARRIVED[:2] + ARRIVED[3:]))]
    arriving += [Commit("WRITE", rows_of(ORDERS, some)) for some in LATER]
    write_commits(quick, landing, ORDERS, arriving, held=2)
    copies = frame(ORDERS, rows_of(ORDERS, ARRIVED[2:3]))
    # Whoever reads it lets more rows arrive, and another writer commit to the table.
    staged = let_in(let_in(quick.table(landing), landing).unionAll(copies), run.table)
    run.before = run.tables()
    run.call("first", staged, FIRST, "is_paid", "strict", "euro")
    run.read = table_version(quick, landing).number
    bad = [order(31), order(32), order(4000), order(4001)]
    run.call("fail", frame(ORDERS, rows_of(ORDERS, bad)), SECOND, "strict", "is_paid")
    odd = [order(41), order(42, discount="n/a")]
    run.call("error", frame(ORDERS, rows_of(ORDERS, odd)), SECOND, "casts", "is_paid")
    run.call("empty", frame(ORDERS, []), SECOND, "is_paid")
    dear = [order(51, currency="USD"), order(52, currency=None)]
    run.call("none", frame(ORDERS, rows_of(ORDERS, dear)), FIRST, "euro")
    run.reported = stored_rows(quick, run.reports)
    return run


def on(rows, day: date) -> list:
    return [row for row in rows if row.day == day]


def assert_day(rows, day: date, orders: list[dict], story: str) -> None:
    """The table has these orders for a day, as often."""
    names = names_of(PUBLISHED)
    found = Counter(tuple(row[name] for name in names) for row in on(rows, day))
    right = Counter(stored(day, *orders))
    if found != right:
        ids = {
            what: sorted(row[0] for row in some.elements())
            for what, some in {"missing": right - found, "not expected": found - right}.items()
        }
        raise AssertionError(
            f"{story} the table has {sum(found.values())} rows for {day}, expected "
            f"{sum(right.values())}; order_ids "
            + ", ".join(f"{what}: {some}" for what, some in ids.items() if some)
        )


@check("publish", points=2)
def test_published_rows_are_audited(published):
    """Publishes the good ones of the rows that were audited, while more arrive"""
    good = [one for one in ARRIVED if one["currency"] == "EUR" and one["order_id"] < 1000]
    assert_day(published.rows["first"], FIRST, good, "while rows 18 and 19 arrived,")


@check("publish")
def test_staged_is_read_once(published):
    """Reads the staged frame once"""
    reads = published.read - 1
    assert reads == 1, (
        f"`staged` was read {'twice or more' if reads > 1 else 'not at all'}: more rows arrive in "
        "between, so rows are published that nobody audited"
    )


@check("publish")
def test_takes_the_place_of_the_day(published):
    """Takes the place of all rows of the day, whatever the times of the orders say"""
    found = {row.order_id for row in on(published.rows["first"], FIRST)}
    old = found & {1, 2}
    assert not old, f"orders {sorted(old)} of the day's last delivery are still there"
    moved = ARRIVED[0]
    assert moved["order_id"] in found, (
        f"order {moved['order_id']}, placed at {moved['placed_at']}, came with {FIRST}, and is not "
        "there"
    )


@check("publish")
def test_no_good_row(published):
    """Empties the day if no row is good, and nothing blocks it"""
    story = "after a second delivery of the day, all in quarantine,"
    assert_day(published.rows["none"], FIRST, [], story)


@check("publish", points=2)
def test_other_days_stay(published):
    """Leaves other days as they are, also one that another writer commits meanwhile"""
    for name in ("first", "none"):
        for day in (SECOND, THIRD):
            story = f"another writer committed {THIRD} while {FIRST} was audited;"
            assert_day(published.rows[name], day, OLD[day], story)


@check("publish", points=2)
def test_one_commit(published):
    """Makes one commit to the table where it publishes"""
    # The other writer's came during the first call.
    for name, others in {"first": 1, "none": 0}.items():
        own = published.commits[name][others:]
        assert len(own) == 1, (
            f"the call made {len(own)} commits to the table ({', '.join(own)}); whoever reads "
            "between them sees rows that no audit let through, or a day without rows"
        )


BLOCKS = [
    Case("fail", "Is blocked by a `fail` rule above its threshold"),
    Case("error", "Is blocked by an error of a rule that only warns"),
    Case("empty", "Is blocked by an empty delivery, with a rule that only warns"),
]


@check("publish")
@cases(BLOCKS)
def test_blocked(published, case):
    """{case}"""
    made = published.commits[case.name]
    assert not made, (
        f"the table got {len(made)} commits ({', '.join(made)}), and readers see {SECOND} with "
        f"{len(on(published.rows[case.name], SECOND))} rows; it had {len(OLD[SECOND])}"
    )


REPORTED = {
    "first": [
        (FIRST, "is_paid", "warn", 8, 2, 2 / 8, "failed", 3),
        (FIRST, "strict", "fail", 8, 1, 1 / 8, "passed", 3),
        (FIRST, "euro", "quarantine", 8, 3, 3 / 8, "failed", 3),
    ],
    "fail": [
        (SECOND, "strict", "fail", 4, 2, 0.5, "failed", None),
        (SECOND, "is_paid", "warn", 4, 0, 0.0, "passed", None),
    ],
    "error": [
        (SECOND, "casts", "warn", 2, None, None, "error", None),
        (SECOND, "is_paid", "warn", 2, 0, 0.0, "passed", None),
    ],
    "empty": [(SECOND, "is_paid", "warn", 0, 0, None, "empty", None)],
    "none": [(FIRST, "euro", "quarantine", 2, 2, 1.0, "failed", 4)],
}
REPORT_CASES = [
    Case("first", "Reports what it published with the version of its own commit"),
    Case("fail", "Reports a day that failed, without a version"),
    Case("error", "Reports an error, without a version"),
    Case("empty", "Reports an empty delivery, without a version"),
    Case("none", "Reports a second delivery, all of it in quarantine, beside the first"),
]


@check("publish")
@cases(REPORT_CASES)
def test_reports(published, case):
    """{case}"""
    # Calls differ in their rules and in `rows`, the number of rows that were audited.
    mine = {(row[1], row[3]) for row in REPORTED[case.name]}
    found = [row for row in published.reported if (row.rule, row.rows) in mine]
    assert_rows(found, REPORTED[case.name], key=["rule", "rows"], columns=REPORTS)


@check("publish")
def test_old_reports_stay(published):
    """Keeps what was reported, and adds one row for each rule"""
    found = [row for row in published.reported if row.version == 41]
    assert_rows(found, [published.old_report], key="rule", columns=REPORTS)
    count = 1 + sum(map(len, REPORTED.values()))
    assert len(published.reported) == count, (
        f"reports has {len(published.reported)} rows after five calls, expected {count}"
    )


@check("publish")
def test_result(published):
    """Returns True where it published, and False where not"""
    right = {name: name in ("first", "none") for name in published.results}
    told = {name: value for name, value in published.results.items() if value is not right[name]}
    assert not told, (
        f"the calls returned {told}, expected { ({name: right[name] for name in told}) }"
    )


@check("publish")
def test_nothing_left_behind(published):
    """Leaves no other table behind"""
    assert not published.left, f"left behind: {', '.join(sorted(published.left))}"


# -------------------------------------------------------------------------------------- pipeline


def right_states(flows: dict, changed: list, blocked: list) -> dict[str, str]:
    """The state of each table, by a walk from each table to its inputs."""
    told: dict[str, str] = {}

    def state(table: str) -> str:
        if table not in told:
            mine = [state(name) for name in flows[table] if name in flows]
            is_new = "published" in mine or any(name in changed for name in flows[table])
            if "blocked" in mine or "skipped" in mine:
                told[table] = "skipped"
            elif is_new:
                told[table] = "blocked" if table in blocked else "published"
            else:
                told[table] = "unchanged"
        return told[table]

    for table in flows:
        state(table)
    return told


def random_flows(rng: random.Random) -> tuple[dict, list, list]:
    """A graph of a few tables, from the last to the first or mixed."""
    count = rng.randrange(2, 12)
    names = rng.sample(["crm", "web", "mart", "core", "ops", "fin", "geo", "kpi", "dim", "fact",
                        "day", "bill"], count)  # fmt: skip
    sources = [f"raw_{number}" for number in range(4)]
    flows = {}
    for place, name in enumerate(names):
        known = names[:place] + sources
        flows[name] = rng.sample(known, min(len(known), rng.randrange(4)))
    items = list(flows.items())
    rng.shuffle(items)
    some = [name for name in names if rng.random() < 0.15]
    return dict(items), rng.sample(sources, rng.randrange(4)), some


def events_of(answer, flows: dict) -> list[tuple[str, str]]:
    """(table, state) in the order that came back."""
    assert isinstance(answer, list) and all(isinstance(one, dict) for one in answer), (
        f"returned {answer!r}, expected a list of dicts"
    )
    keys = {tuple(sorted(one)) for one in answer}
    assert keys <= {("state", "table")}, f"an entry has the keys {next(iter(keys))}"
    found = Counter(one["table"] for one in answer)
    assert found == Counter(list(flows)), (
        f"for the flows {flows} the tables came back as {[one['table'] for one in answer]}"
    )
    return [(one["table"], one["state"]) for one in answer]


def assert_states(answer, flows, changed, blocked) -> None:
    found, right = dict(events_of(answer, flows)), right_states(flows, changed, blocked)
    wrong = [name for name in right if found[name] != right[name]]
    assert not wrong, (
        f"flows {flows}, changed {changed}, blocked {blocked}: {wrong[0]} is {found[wrong[0]]}, "
        f"expected {right[wrong[0]]}"
    )


def assert_order(answer, flows) -> None:
    done = [table for table, _ in events_of(answer, flows)]
    for table, inputs in flows.items():
        late = [name for name in inputs if name in flows and done.index(name) > done.index(table)]
        assert not late, f"flows {flows}: {table} comes before its input {late[0]}, in {done}"


def graph(name: str, title: str, flows: str, changed: str = "", blocked: str = "") -> Case:
    """A case from "gold<silver+raw silver<raw"."""
    made = {}
    for part in flows.split():
        table, _, inputs = part.partition("<")
        made[table] = [one for one in inputs.split("+") if one]
    return Case(name, title, given=[made, changed.split(), blocked.split()])


GRAPHS = [
    graph("chain", "Publishes what is behind new data",
          "gold<silver silver<bronze bronze<raw", "raw"),
    graph("idle", "Leaves a table unchanged if none of its inputs changed",
          "gold<silver silver<bronze bronze<raw part<other", "other"),
    graph("gate", "Blocks a table, and skips all behind it",
          "gold<silver+raw silver<bronze bronze<raw far<gold side<raw", "raw", "silver"),
    graph("idle_gate", "Does not block a table that has nothing to do",
          "gold<silver+raw silver<quiet", "raw", "silver"),
    graph("skip_first", "Skips behind a gate also where nothing else changed",
          "gold<silver+calm silver<raw calm<quiet", "raw", "silver"),
    graph("two", "Skips a table that is in `blocked` itself",
          "gold<silver+raw silver<raw", "raw", "silver gold"),
    graph("one_of_two", "Publishes a table if one of two inputs changed",
          "gold<silver+calm silver<raw calm<quiet", "raw"),
    graph("no_inputs", "Leaves a table without inputs unchanged", "seed gold<seed", "raw", "seed"),
    graph("nothing", "Returns an empty list if there is no table", ""),
]  # fmt: skip


@check("pipeline")
@cases(GRAPHS)
def test_states(learner, case):
    """{case}"""
    assert_states(learner.pipeline(*copy.deepcopy(case.given)), *case.given)


@check("pipeline", points=2)
def test_inputs_come_first(learner, seed):
    """Has each table after its inputs, in random graphs"""
    rng = random.Random(f"graphs {seed}")
    for _ in range(40):
        flows, changed, blocked = random_flows(rng)
        assert_order(learner.pipeline(flows, changed, blocked), flows)


@check("pipeline", points=2)
def test_random_states(learner, seed):
    """Has the right states, in random graphs"""
    rng = random.Random(f"states {seed}")
    for _ in range(40):
        given = random_flows(rng)
        assert_states(learner.pipeline(*copy.deepcopy(given)), *given)


def circle(name: str, title: str, flows: str, *circles: str, blocked: str = "") -> Case:
    """A graph with circles, each told as "kpi+mart"."""
    return Case(name, title, given=graph(name, title, flows, "raw", blocked).given, after=circles)


CIRCLES = [
    circle("pair", "Names two tables that read each other", "kpi<mart mart<kpi+raw", "kpi+mart"),
    circle("itself", "Names a table that reads itself", "kpi<raw mart<mart+raw", "mart"),
    circle("between", "Does not name what is before and behind the circle",
           "geo<kpi core<raw kpi<mart+core mart<ops+web ops<kpi web<raw dim<geo", "kpi+mart+ops"),
    circle("either", "Names one circle of two", "kpi<mart mart<kpi web<ops+raw ops<web",
           "kpi+mart", "web+ops"),
    circle("knot", "Names one circle of two that share a table", "kpi<mart+ops mart<kpi+raw ops<kpi",
           "kpi+mart", "kpi+ops"),
    circle("gated", "Raises behind a gate, too", "web<raw kpi<mart+web mart<kpi", "kpi+mart",
           blocked="web kpi"),
]  # fmt: skip


@check("pipeline")
@cases(CIRCLES)
def test_circles(learner, case):
    """{case}"""
    flows = case.given[0]
    try:
        answer = learner.pipeline(*copy.deepcopy(case.given))
    except AnswerError as error:
        if error.outcome != "error":
            raise
        said = error.reason
    else:
        raise AssertionError(f"flows {flows}: no error, but {answer}")
    assert said.startswith("ValueError"), f"flows {flows}: raised {said}, expected a ValueError"
    names = set(flows).union(*flows.values())
    told = names & set(re.findall(r"\w+", said))
    circles = [set(one.split("+")) for one in case.after]
    assert told in circles, (
        f"flows {flows}: the message names {sorted(told)}; in a circle are "
        + ", or ".join(str(sorted(one)) for one in circles)
    )


@check("pipeline")
def test_arguments_stay(learner, seed):
    """Leaves its arguments as they are"""
    given = list(GRAPHS[2].given)
    mine = copy.deepcopy(given)
    learner.pipeline(*mine)
    for name, before, after in zip(["flows", "changed", "blocked"], given, mine, strict=True):
        assert before == after, f"`{name}` was {before}, and is {after} after the call"
