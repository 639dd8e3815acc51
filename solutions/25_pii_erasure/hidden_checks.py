"""Hidden checks of lab 25: other folders, other people, and a log that is three days old."""

import gzip
import random
import re

import pyarrow as pa
from checks import FOUND, ORDER_ROWS, ORDERS, assert_same_table, detail, parquet

from labkit.checks import (
    Commit,
    age_log,
    assert_columns,
    assert_frame,
    assert_rows,
    check,
    collect,
    files_holding,
    make_frame,
    table_rows,
    write_commits,
)

PEOPLE = ["ilvo.zadd@mail.example", "ruska.foss@mail.example", "+000 555 0042", "Maxu Mirrin"]
# Folders, and what a Parquet file and another file in them are.
KINDS = {
    "": ("data", "other"),
    "a b/c": ("data", "other"),
    "t/_delta_log": ("checkpoint", "log"),
    "x/t/_delta_log/_sidecars": ("checkpoint", "log"),
    "t/_change_data": ("change_data", "other"),
    "t/_change_data/day=1": ("change_data", "other"),
    ".trash/t": ("data", "other"),
}


@check("bytes_left", points=2)
def test_any_folder(learner, inbox, seed):
    """finds what a folder of many files holds"""
    rng, root = random.Random(seed), inbox("any")
    needles, expected = PEOPLE[:2], set()
    for number in range(40):
        folder = rng.choice(list(KINDS))
        ending = rng.choice(["parquet", "parquet", "json", "gz", "crc"])
        some = rng.sample(PEOPLE, 2)
        file = root / folder / f"{number}.{ending}"
        file.parent.mkdir(parents=True, exist_ok=True)
        data = " and ".join(some).encode()
        if ending == "parquet":
            values = [[{"by": None, "note": text}] for text in ["nobody", *some]]
            data = parquet(pa.array(values))
        file.write_bytes(gzip.compress(data) if ending == "gz" else data)
        if set(some) & set(needles):
            kind = KINDS[folder][ending != "parquet"]
            expected.add((str(file.relative_to(root)), "crc" if ending == "crc" else kind))
    found = learner.bytes_left(root, needles)
    assert sorted(found) == sorted(expected), (
        f"{len(expected)} files hold a needle; tuples that are missing: "
        f"{sorted(expected - set(found))[:2]}; too many: {sorted(set(found) - expected)[:2]}"
    )


@check("find_subject", points=2)
def test_another_person(learner, spark, shared_schema):
    """maps another person, in a table that has an array of maps and 12 versions"""
    ddl = "id long, who struct<by: string>, `when` array<map<string, string>>"
    full = {"id": 1, "who": {"by": "by (000) 555-00-42"}, "when": [[("x", "MAXU mirrin")], None]}
    half = {"id": 2, "who": {"by": "000 555 00421"}, "when": [[("Maxu+Mirrin", None)]]}
    none = {"id": 3, "who": {"by": "Maxu Mirrinen, 000 555 00420"}, "when": []}
    past = [
        Commit("WRITE", [tuple(row.values()) for row in (full, half, none)]),
        Commit("OPTIMIZE"),
        Commit("DELETE", gone=[1]),
        *(Commit("SET TBLPROPERTIES", says=("note", str(day))) for day in range(8)),
    ]
    table = f"{shared_schema}.visits"
    write_commits(spark, table, ddl, past)
    expected = [
        (table, "who.by", 0, 2),
        (table, "when.element.value", 0, 2),
        (table, "when.element.key", 1, 11),
    ]
    answer = learner.find_subject(spark, [table], PEOPLE[2:])
    assert_frame(answer, expected, key="column", schema=FOUND)


@check("find_subject")
def test_nobody_there(learner, spark, shared_schema):
    """gives an empty frame for a person whom no table has"""
    table = f"{shared_schema}.numbers"
    write_commits(spark, table, "id long, n int", [Commit("WRITE", [(1, 2)])])
    assert_frame(learner.find_subject(spark, [table], ["S-1"]), [], key="column", schema=FOUND)


@check("tokenise", points=2)
def test_tokens_of_many(learner, frame, seed):
    """gives two values one token exactly if they are spellings of one"""
    rng = random.Random(seed)
    phones = ["".join(rng.choice(["0", "1", " ", "-", "("]) for _ in range(6)) for _ in range(150)]
    parts = [[rng.choice(one) for one in ("aAbB", ".xX", "pPq")] for _ in phones]
    emails = [f"{first}{last}@{domain}.example" for first, last, domain in parts]
    ddl = "id long, email string, phone string"
    rows = list(zip(range(150), emails, phones, strict=True))
    keys = {"p": rng.randbytes(32), "q": rng.randbytes(32)}
    columns = {"phone": ("phone", "q"), "email": ("email", "p")}
    answer = learner.tokenise(frame(ddl, rows), columns, keys)
    assert_columns(answer, ddl)
    tokens = {row.id: row for row in collect(answer)}
    for column, values, one in (
        ("email", emails, str.lower),
        ("phone", phones, lambda text: re.sub("[^0-9]", "", text)),
    ):
        pairs = {(one(value) or None, tokens[at][column]) for at, value in enumerate(values)}
        spellings, codes = ({pair[side] for pair in pairs} for side in (0, 1))
        assert len(pairs) == len(spellings) == len(codes), (
            f"150 values of the column {column} are spellings of {len(spellings)}; they have "
            f"{len(codes)} tokens, in {len(pairs)} pairs"
        )


@check("forget", points=2)
def test_no_byte_after_three_days(learner, spark, shared_schema):
    """leaves no byte of the person in the folder once the log is cleaned, and the same table"""
    table = f"{shared_schema}.receipts"
    writer = make_frame(spark, ORDERS, ORDER_ROWS).coalesce(1).write.format("delta")
    writer.option("delta.enableChangeDataFeed", True).saveAsTable(table)
    before = detail(spark, table)
    learner.forget(spark, [table], "S-1")
    assert_same_table("receipts", before, detail(spark, table))
    expected = [row for row in ORDER_ROWS if row[1] != "S-1"]
    assert_rows(table_rows(spark, table), expected, key="order_id", columns=ORDERS)
    needles = [row[2] for row in ORDER_ROWS if row[1] == "S-1"]
    held = files_holding(spark, table, needles)
    data = [file for file in held if not file.startswith("_delta_log")]
    assert not data, f"files of a table without deletion vectors that hold the person: {data}"
    age_log(spark, table, 3)
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.checkpointInterval' = 1)")
    held = files_holding(spark, table, needles)
    assert not held, f"three days and one checkpoint later these files hold it: {sorted(held)}"
