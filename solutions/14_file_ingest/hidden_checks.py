"""Hidden checks of lab 14: lines and batches by chance, judged by a model in plain Python."""

import json
import random
from datetime import datetime

from checks import (
    ODD,
    RECORD,
    STORED,
    TAIL,
    assert_few_writes,
    batch_of,
    in_one_spelling,
    is_poison,
    plain,
    records,
    shipment,
    write,
)

from labkit.checks import (
    assert_columns,
    assert_rows,
    check,
    checkpoint_files,
    collect,
    make_table,
    table_rows,
)

SCHEMA = "sealed boolean, parcel long, opened timestamp, Label string, `3d` double"
NOON = datetime(2025, 2, 3, 12)
NO_TIMES = ["noon", "2025-02-29T12:00:00Z"]
# For each column: values that it takes, with what it then holds, and values that it does not take.
TAKES = {
    "sealed": ([(True, True), (False, False)], ["true", 1, [True]]),
    "parcel": ([(0, 0), (-3, -3), (2**63 - 1, 2**63 - 1), (-ODD, -ODD)], ["3", 2.5, 2**63, {"n": 3}]),
    "opened": ([("2025-02-03T12:00:00Z", NOON), ("2025-02-03T14:00:00+02:00", NOON)], NO_TIMES),
    "Label": ([("", ""), (" x ", " x "), ('a"b', 'a"b')], []),
    "3d": ([(2, 2.0), (0.1, 0.1), (-1.5, -1.5)], ["2", "2 l", False]),
}
OTHERS = [("label", "x"), ("extra", {"a": [1, {"b": "c"}]}), ("n", 7), ("none", None), ("t", "7")]
NO_OBJECTS = ["", " ", "[1]", "3", "null", '"a"', "a;b", '{"parcel": 1', '{"label": "', "{]"]


def any_line(draw: random.Random) -> tuple[str, tuple]:
    """A line, and the row that it becomes but for its place."""
    if draw.random() < 0.2:
        raw = draw.choice(NO_OBJECTS)
        return raw, (*[None] * len(TAKES), None, True, raw)
    fields, held, left = {}, {}, {}
    for name, (good, bad) in TAKES.items():
        kind = draw.choice(["good", "good", "bad", "null", "absent"])
        if kind == "good":
            fields[name], held[name] = draw.choice(good)
        elif kind == "bad" and bad:
            fields[name] = left[name] = draw.choice(bad)
        elif kind == "null":
            fields[name] = None
    for name, value in draw.sample(OTHERS, draw.choice([0, 0, 1, 2])):
        fields[name] = value
        left |= {} if value is None else {name: value}
    raw = json.dumps(dict(draw.sample(list(fields.items()), len(fields))))
    rescued = plain(json.dumps(left)) if left else None
    return raw, (*[held.get(name) for name in TAKES], rescued, False, raw)


@check("refine", points=2)
def test_lines_by_chance(learner, frame, seed):
    """types, rescues or marks each of many lines, with another schema"""
    draw = random.Random(f"refine {seed}")
    given = [(number, *any_line(draw)) for number in range(150)]
    bronze = frame("raw string, file string", [(raw, f"file:/{n}.json") for n, raw, _ in given])
    found = in_one_spelling(collect(learner.refine(bronze, SCHEMA)))
    expected = [(*row, f"file:/{number}.json") for number, _, row in given]
    assert_rows(found, expected, key="file", columns=f"{SCHEMA}, {TAIL}")


# Nobody has sent the last one yet.
OTHER_TYPES = {"2026": "long", "since": "timestamp", "note": "string", "sealed": "boolean"}


@check("evolve")
def test_other_types(learner, spark, frame, shared_schema):
    """promotes fields of other types, after a call that promotes nothing"""
    table, told = f"{shared_schema}.other_types", "2025-02-03T14:00:00+02:00"
    make_table(spark, table, STORED, [shipment(1, {"2026": 7, "note": "n", "x": [1]})])
    batches = [
        ([shipment(2, {"since": told, "note": "7"})], {}),
        ([shipment(3, {"since": NO_TIMES[1], "2026": 2.5, "note": ""})], OTHER_TYPES),
    ]
    for rows, promote in batches:
        learner.evolve(spark, table, frame(STORED, rows), promote)
    columns = f"{STORED}, {', '.join(f'`{name}` {kind}' for name, kind in OTHER_TYPES.items())}"
    assert_columns(spark.table(table), columns)
    none = dict.fromkeys(OTHER_TYPES)
    expected = [
        shipment(1, {"x": [1]}, {**none, "2026": 7, "note": "n"}),
        shipment(2, None, {**none, "since": NOON, "note": "7"}),
        shipment(3, {"since": NO_TIMES[1], "2026": 2.5}, {**none, "note": ""}),
    ]
    rows = in_one_spelling(table_rows(spark, table))
    assert_rows(rows, in_one_spelling(expected), key="shipment_id", columns=columns)


@check("isolate", points=2)
def test_batches_by_chance(learner, frame, seed, tmp_path):
    """writes each good record once and tells each poison one, in few calls, wherever they stand"""
    draw = random.Random(f"isolate {seed}")
    signs = ["-"] * draw.randrange(2, 5) + [""] * draw.randrange(8, 14)
    draw.shuffle(signs)
    given = records(" ".join(f"{sign}{draw.randrange(1, 6)}" for sign in signs))
    written, dead = learner.isolate(batch_of(frame, given, tmp_path), write)
    calls = [json.loads(text) for text in checkpoint_files(tmp_path, "calls").values()]
    assert_few_writes(calls, given)
    kept = [row for refused, rows in calls if not refused for row in rows]
    good = [record for record in given if not is_poison(record)]
    assert_rows(kept, good, key="raw", columns=RECORD)
    poison = [record[2:4] for record in given if is_poison(record)]
    told = [(row.raw, row.file) for row in collect(dead)]
    assert_rows(told, poison, key="raw", columns="raw string, file string")
    assert written == len(good), f"says {written} rows were written, and {len(good)} were"
