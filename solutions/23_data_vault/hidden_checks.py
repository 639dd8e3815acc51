"""Hidden checks of lab 23: batches in several orders, and vaults of other extracts."""

import random

from checks import (
    CUSTOMERS,
    DIMENSION_KEY,
    HUB,
    LAST,
    MICROSECOND,
    PAIR,
    SATELLITE,
    SATELLITE_KEY,
    Hashes,
    Loads,
    Satellites,
    dimension,
    marks_in,
    names,
    normalised,
    published,
    random_names,
    random_people,
    random_statements,
    random_texts,
)

from labkit.checks import assert_rows, check, make_table, table_rows


@check("hash_key")
def test_many_keys(learner, spark, seed):
    """Random keys of four columns: the same hash if and only if they are equal"""
    rng = random.Random(f"many keys {seed}")
    columns = ["d", "c", "b.x", "a y"]
    answer = learner.hash_key(columns)
    texts = random_texts(rng, marks_in(answer), 500)
    rows = [(*row, rng.choice([None, "", "x", "X "])) for row in texts]
    hashes = Hashes(spark, answer, ", ".join(f"`{name}` string" for name in columns), rows)
    hashes.assert_apart(normalised, rows)


@check("load_hub", points=2)
def test_hub_in_any_order(learner, quick, frame, shared_schema, seed):
    """Has the same keys in whatever order three batches come, from an empty table on"""
    rng = random.Random(f"any order {seed}")
    loads = Loads(learner, quick, frame, shared_schema)
    _, staged, _ = random_names(rng, 25)
    batches = [staged[:30], staged[20:50], staged[45:]]
    for number, order in enumerate(([0, 1, 2, 1], [2, 0, 1])):
        table = f"{shared_schema}.any_hub_{number}"
        make_table(quick, table, HUB)
        first = {}
        for place in order:
            loads.hub(table, ["customer_no"], batches[place])
            for key, time, source in sorted(batches[place], key=lambda row: row[1:]):
                first.setdefault(key.strip().upper(), (time, source))
        expected = [(key, *one) for key, one in first.items()]
        right = loads.hub_rows(names(HUB), ["customer_no"], expected)
        assert_rows(table_rows(quick, table), right, key="customer_no", columns=HUB)


@check("load_satellite", points=2)
def test_satellite_in_any_order(learner, quick, frame, shared_schema, seed):
    """Ends in the same table in whatever order three batches come, each of them twice"""
    rng = random.Random(f"any batch {seed}")
    saying = Satellites(learner, quick, frame, shared_schema)
    said = sorted(random_statements(rng, 80), key=lambda row: row[2])
    batches = [said[:30], said[25:55], said[50:]]
    right = saying.satellite_rows(said)
    for number, order in enumerate(([2, 0, 2, 1], [1, 2, 0])):
        table = f"{shared_schema}.any_satellite_{number}"
        make_table(quick, table, SATELLITE)
        for place in order:
            saying.satellite(table, batches[place], keys=PAIR)
        assert_rows(table_rows(quick, table), right, key=SATELLITE_KEY, columns=SATELLITE)


@check("publish_customer", points=2)
def test_other_extracts(learner, quick, schema, seed):
    """Random customers: has the versions that follow, with extracts at other times"""
    rng = random.Random(f"other people {seed}")
    hours = sorted(rng.sample(range(1, 14), 6))
    extracts = [hour + rng.choice([0, MICROSECOND]) for hour in hours]
    people = random_people(rng, 60, extracts)
    rows = published(learner, quick, schema, people, seed, stranger=extracts)
    expected = [row for one in people for row in dimension(*one)]
    assert_rows(rows, expected, key=DIMENSION_KEY, columns=CUSTOMERS)


@check("publish_customer")
def test_a_vault_without_a_shop(learner, quick, schema):
    """Publishes what the CRM says while the shop's satellite is still empty"""
    people = [("R-1", {3.0: ("A", "x"), 5.0: ("A", None)}, {}), ("R-2", {}, {})]
    rows = published(learner, quick, schema, people, 0, stranger=[])
    expected = [row for one in people for row in dimension(*one)]
    assert_rows(rows, expected, key=DIMENSION_KEY, columns=CUSTOMERS)


@check("publish_customer")
def test_a_vault_without_a_crm(learner, quick, schema):
    """Publishes what the shop says while the CRM's satellite is still empty"""
    people = [("R-1", {}, {3.0: ("A", "x"), 5.0: None, LAST: ("A", "y")}), ("R-2", {}, {})]
    rows = published(learner, quick, schema, people, 0, stranger=[3.0, 5.0], is_in_crm=False)
    expected = [row for one in people for row in dimension(*one)]
    assert_rows(rows, expected, key=DIMENSION_KEY, columns=CUSTOMERS)
