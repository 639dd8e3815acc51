"""Hidden checks of lab 26: the same rules for random grants, claims and names of tenants."""

import random
from decimal import Decimal

from checks import (
    ACCESS,
    GRANTS,
    GROUPS,
    MASKS,
    NAMES,
    OWNED,
    ROWS,
    assert_nothing_else,
    assert_totals,
    day,
    look,
    owned,
)

from labkit.checks import Commit, assert_frame, assert_rows, check, run_tables, write_commits

SHOWN_MASKS = {**MASKS, "amount": Decimal(MASKS["amount"])}
TENANTS, REGIONS = ["A", "a", "B", "C"], ["n", "s", "N"]


def some_rules(rng: random.Random, count: int) -> list[tuple]:
    """Rules about random tenants, regions and columns, a fifth of them denies."""
    return [
        (
            rng.choice([*TENANTS, "*"]),
            rng.choice([*REGIONS, "*"]),
            rng.sample([*NAMES, "icd_code", "*"], rng.choice([1, 2, 3])),
            "deny" if rng.random() < 0.2 else "allow",
            "ann",
        )
        for _ in range(count)
    ]


def some_claims(rng: random.Random, count: int) -> list[tuple]:
    return [
        (
            number,
            rng.choice([*TENANTS, None]),
            rng.choice([*REGIONS, None]),
            rng.choice([None, "p1", "p2", "p3"]),
            rng.choice(["D1", "D2"]),
            Decimal(rng.randrange(1, 90)),
        )
        for number in range(count)
    ]


def seen_of(rows: list[tuple], rules: list[tuple]) -> list[tuple]:
    """What these rules show of these rows."""
    seen = []
    for row in rows:
        tenant, region = row[1], row[2]
        mine = [
            rule
            for rule in rules
            if None not in (tenant, region)
            and rule[0] in (tenant, "*")
            and rule[1] in (region, "*")
        ]

        def says(effect: str, name: str, mine: list = mine) -> bool:
            return any(rule[3] == effect and {name, "*"} & {*rule[2]} for rule in mine)

        visible = [says("allow", name) and not says("deny", name) for name in NAMES]
        if any(visible):
            masked = [SHOWN_MASKS.get(name) for name in NAMES]
            seen.append(
                tuple(
                    item if shown else mask
                    for item, shown, mask in zip(row, visible, masked, strict=True)
                )
            )
    return seen


@check("effective_access")
def test_other_groups(learner, frame, seed):
    """finds the rules of other people in a web of groups"""
    rng = random.Random(seed)
    names = [f"g{number}" for number in range(8)]
    members = [(rng.choice([*names, "ann"]), rng.choice(names)) for _ in range(9)]
    members += [("ann", "g0"), ("g0", "g1"), ("g1", "g0")]
    grants = []
    for number in range(24):
        since = rng.randrange(1, 20)
        until = rng.choice([None, since + rng.randrange(1, 12)])
        grants.append(
            (
                rng.choice([*names, "ann", "Ann"]),
                rng.choice(["allow", "deny"]),
                f"T{number}",
                "*",
                ["*"],
                day(since),
                until and day(until),
            )
        )
    mine = {"ann"}
    while more := {group for member, group in members if member in mine} - mine:
        mine |= more
    at = day(12)
    wanted = [
        (tenant, region, columns, effect, name)
        for name, effect, tenant, region, columns, since, until in grants
        if name in mine and since <= at and (until is None or at < until)
    ]
    answer = learner.effective_access(frame(GRANTS, grants), frame(GROUPS, members), "ann", at)
    assert_frame(answer, wanted, key=["tenant", "reason"], schema=ACCESS)


@check("secure")
def test_other_rules(learner, frame, seed):
    """shows of other rows what other rules allow"""
    rng = random.Random(seed)
    rows = some_claims(rng, 60)
    for count in (4, 14):
        rules = some_rules(rng, count)
        answer = learner.secure(frame(ROWS, rows), frame(ACCESS, rules), MASKS)
        assert_frame(answer, seen_of(rows, rules), key=NAMES, schema=ROWS)


@check("secure_view")
def test_other_view(learner, spark, frame, schema, seed):
    """shows what other rules allow of another table, and lets nobody read more"""
    rng = random.Random(seed)
    rows = [row for row in some_claims(rng, 40) if row[3] is not None]
    # No row can show the same as another one and hide more: each has its own claim_id.
    rules = [
        ("*", "n", ["claim_id", "amount"], "allow", "ann"),
        ("A", "*", ["claim_id", "tenant"], "allow", "ann"),
        ("C", "*", ["*"], "deny", "ann"),
    ]
    # The name of the last view is the beginning of the other one's.
    table, view, last = f"{schema}.others", f"{schema}.others_of_ann", f"{schema}.others_of"
    write_commits(spark, table, ROWS, [Commit("WRITE", rows)], key="claim_id")
    for name, mine in ((view, rules), (view, rules[1:]), (last, rules)):
        learner.secure_view(spark, name, table, frame(ACCESS, mine), MASKS)
    seen = seen_of(rows, rules[1:])
    found = look(spark, view)
    assert_rows(found.rows, seen, key=NAMES, columns=ROWS)
    assert_nothing_else(found, seen, "a file that a query on the view reads, or one beside it,")


@check("write_tenant")
def test_odd_names(learner, spark, frame, schema):
    """replaces a tenant whose name looks like a condition, and no other"""
    table = owned(spark, schema, "odd_names", [Commit("WRITE", OWNED)])
    batches = [
        [(number, name, "n", "p1", "D1", Decimal(3))]
        for number, name in ((40, "x' OR tenant <> 'x"), (41, 'a"\\n%2F/`;{x} \n\x1f$1='))
    ]

    def call(_: dict) -> None:
        for batch in batches:
            learner.write_tenant(spark, table, batch[0][1], frame(ROWS, batch))

    run = run_tables(spark, {"claims": table}, call)
    written = [row for batch in batches for row in batch]
    assert_rows(run.rows["claims"], [*OWNED, *written], key=NAMES, columns=ROWS)


@check("aggregate")
def test_other_totals(learner, frame, seed):
    """counts other patients, with other least numbers of them"""
    rng = random.Random(seed)
    rows = [
        (
            number,
            rng.choice(["A", "a", "B"]),
            rng.choice("ns"),
            f"p{rng.randrange(12)}",
            f"D{min(rng.randrange(9), rng.randrange(9))}",
            Decimal(rng.randrange(1, 90)),
        )
        for number in range(70)
    ]
    rules = [
        ("A", "*", ["tenant", "diagnosis", "amount"], "allow", "ann"),
        ("*", "n", ["*"], "allow", "ann"),
        ("a", "*", ["patient_name"], "deny", "ann"),
    ]
    counted = [row for row in rows if row[1] == "A" or row[2] == "n"]
    for k in (1, 4):
        assert_totals(learner, frame, rows, rules, k, totals_of(counted, k))


def totals_of(rows: list[tuple], k: int) -> list[tuple]:
    groups: dict[tuple, list[tuple]] = {}
    for row in rows:
        groups.setdefault((row[1], row[4]), []).append(row)
    merged: dict[tuple, list[tuple]] = {}
    for (tenant, diagnosis), mine in groups.items():
        large = len({row[3] for row in mine}) >= k
        merged.setdefault((tenant, diagnosis if large else "other"), []).extend(mine)
    return [
        (tenant, diagnosis, len({row[3] for row in mine}), sum(row[5] for row in mine))
        for (tenant, diagnosis), mine in merged.items()
        if len({row[3] for row in mine}) >= k
    ]
