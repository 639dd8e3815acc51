# because: max_by over a struct, and clauses with explicit columns


def latest_changes(changes: DataFrame) -> DataFrame:
    newest = F.max_by(F.struct("*"), F.col("lsn")).alias("newest")
    return changes.groupBy("customer_id").agg(newest).select("newest.*")


def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    values = {name: f"s.{name}" for name in ("customer_id", "name", "email", "city", "lsn")}
    values["is_deleted"] = "s.op = 'd'"
    (
        DeltaTable.forName(spark, table).alias("t")
        .merge(latest_changes(changes).alias("s"), "s.customer_id = t.customer_id")
        .whenMatchedUpdate(condition="s.lsn > t.lsn", set=values)
        .whenNotMatchedInsert(values=values)
        .execute()
    )
