"""Hidden checks of lab 11: the same rules on random contracts and values, and on another table."""

import random
from collections import Counter
from decimal import Decimal

from checks import (
    VIOLATIONS,
    assert_no_file,
    contract,
    ddl_of,
    fields,
    make_old,
    paths,
    rules_on,
    types_of,
    violations_of,
)
from pyspark.sql.types import StructType

from labkit.checks import assert_columns, assert_rows, changes_since, check, collect, table_version

# What can become of a type: the new one, and the change that this is.
BECOMES = {
    "int": [("bigint", "widen", "backward"), ("string", "retype", "breaking")],
    "bigint": [("int", "narrow", "forward"), ("decimal(19,0)", "retype", "breaking")],
    "decimal(9,3)": [
        ("decimal(10,3)", "widen", "backward"),
        ("decimal(9,2)", "retype", "breaking"),
        ("decimal(8,3)", "narrow", "forward"),
        ("decimal(10,4)", "widen", "backward"),
    ],
    "string": [("timestamp", "retype", "breaking")],
}


def drawn(rng: random.Random) -> tuple[dict, dict, list[tuple]]:
    """Two contracts, and what changed between them."""
    old, new, changes = [], [], []
    for number in range(12):
        name, kind = f"F{number}", rng.choice(list(BECOMES))
        before, after = rng.random() < 0.4, rng.random() < 0.4
        field = {"name": name, "type": kind} | ({"required": True} if before else {})
        fate = rng.choice(["add", "remove", "stay", "stay", "change"])
        now = {"name": rng.choice([name, name.lower()]), "type": kind}
        now |= {"required": True} if after else {}
        if fate == "remove":
            old.append(field)
            changes.append(("remove", name, "backward" if before else "full"))
            continue
        new.append(now)
        if fate == "add":
            changes.append(("add", now["name"], "forward" if after else "full"))
            continue
        old.append(field)
        if fate == "change":
            now["type"], change, level = rng.choice(BECOMES[kind])
            changes.append((change, now["name"], level))
        if before != after:
            change = ("relax", "backward") if before else ("require", "forward")
            changes.append((change[0], now["name"], change[1]))
    rng.shuffle(new)
    return {"fields": old, "key": "F0"}, {"fields": new, "key": "F0"}, changes


@check("compatible")
def test_random_contracts(learner, seed):
    """tells the changes between contracts, and whom they break"""
    rng = random.Random(seed)
    for _ in range(40):
        old, new, changes = drawn(rng)
        found = Counter(map(tuple, learner.compatible(old, new)))
        wrong = sorted((found - Counter(changes)) + (Counter(changes) - found))
        if wrong:
            raise AssertionError(f"for example {wrong[0]}, of the field {wrong[0][1]}")


def texts(rng: random.Random, count: int) -> dict[str, Decimal | None]:
    """Texts, and what they are as decimal(7,3)."""
    found = {}
    for _ in range(count):
        whole, fraction = rng.randrange(0, 20_000), rng.randrange(0, 10_000)
        text = f"{rng.choice(['', '-'])}{whole}.{fraction:04d}{rng.choice(['', '0', '00'])}"
        fits = whole < 10_000 and fraction % 10 == 0
        found[text] = Decimal(text).quantize(Decimal("0.001")) if fits else None
        found[rng.choice(["+", " ", "$", "."]) + text.lstrip("-")] = None
    return found


@check("conform")
def test_random_numbers(learner, frame, seed):
    """converts a text only if nothing of its number is lost"""
    said = contract("N bigint; amount decimal(7,3); place{Rate decimal(7,3)}", key="n")
    given = texts(random.Random(seed), 60)
    rows = [(at, text, (text,)) for at, text in enumerate(given)]
    batch = frame("n int, AMOUNT string, place struct<rate:string>", rows)
    answer = learner.conform(batch, said)
    assert_columns(answer, ddl_of(said["fields"]))
    right = [(at, number, (number,)) for at, number in enumerate(given.values())]
    assert_rows(collect(answer), right, key="N", columns=ddl_of(said["fields"]))


@check("violations")
def test_random_violations(learner, frame, seed):
    """reports each value that breaks a rule, once"""
    said = contract("n bigint!; amount decimal(7,3) > 100; place{rate decimal(7,3)}", key="n")
    given = texts(random.Random(f"{seed} violations"), 60)
    rows = [(at, text, (text,)) for at, text in enumerate(given)]
    batch = frame("n int, amount string, place struct<rate:string>", rows)
    right = []
    for at, (text, number) in enumerate(given.items()):
        if number is None:
            right += [(str(at), "amount", "type", text), (str(at), "place.rate", "type", text)]
        elif number <= 100:
            right.append((str(at), "amount", "above", text))
    found = violations_of(learner, batch, said)
    assert_rows(found, right, key=["key", "field"], columns=VIOLATIONS)


@check("migrate")
def test_another_table(learner, spark, frame, schema):
    """migrates a table without rewriting a file, and drops rules that no longer hold"""
    table = f"{schema}.stock"
    rows = [(1, Decimal("1.50"), ("x", 2)), (2, None, None)]
    ddl = "id int, price decimal(6,2), spot struct<aisle:string,shelf:int>"
    make_old(spark, frame, table, ddl, rows, cheap="price IS NULL OR price < 100")
    said = contract(
        "spot{lane string was aisle; shelf bigint}; cost decimal(9,4) was price; id int", dropped=[]
    )
    start, before = table_version(spark, table), paths(spark, table)
    learner.migrate(spark, table, said)
    assert_no_file(before, paths(spark, table), changes_since(spark, table, start))
    right = types_of(StructType.fromDDL(ddl_of(fields("spot{lane string; shelf bigint}"))))
    right |= {"cost": "decimal(9,4)", "id": "int"}
    found = types_of(spark.table(table).schema)
    if found != right:
        raise AssertionError(f"the table has the fields {found}")
    if rules := rules_on(spark, table):
        raise AssertionError(f"a rule is left that the contract does not have: {rules[0]}")
    answer = collect(spark.table(table).selectExpr("id", "cost", "spot.lane", "spot.shelf"))
    values = [(1, Decimal("1.5000"), "x", 2), (2, None, None, None)]
    assert_rows(answer, values, key="id", columns=["id", "cost", "lane", "shelf"])
