# because: deletes and writes in clauses of their own; a test with plain asserts


def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    staged = latest_changes(changes)
    row = {name: f"s.{name}" for name in ("customer_id", "name", "email", "city", "lsn")}
    (
        DeltaTable.forName(spark, table).alias("t")
        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
        .whenMatchedUpdate(
            condition="s.op = 'd' and s.lsn > t.lsn", set={**row, "is_deleted": F.lit(True)}
        )
        .whenMatchedUpdate(condition="s.lsn > t.lsn", set={**row, "is_deleted": F.lit(False)})
        .whenNotMatchedInsert(condition="s.op = 'd'", values={**row, "is_deleted": F.lit(True)})
        .whenNotMatchedInsert(values={**row, "is_deleted": F.lit(False)})
        .execute()
    )


def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    columns = "customer_id long, op string, lsn long"
    rows = [(2, "c", 1), (1, "c", 4), (1, "d", 6), (1, "d", 6), (1, "u", 5), (2, "u", 3)]
    rows.append((2, "u", 2))
    found = sorted(tuple(row) for row in candidate(spark.createDataFrame(rows, columns)).collect())
    assert found == [(1, "d", 6), (2, "u", 3)], f"got {found}"
