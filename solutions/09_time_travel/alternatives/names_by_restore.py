# because: a replay under a name for each RESTORE; a repair that keeps a table of right rows in
#   memory


def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    restored = DeltaTable.forName(spark, table).history().where("operation = 'RESTORE'")
    name = f"replay-after-{restored.agg(F.max('version')).first()[0]}"
    for number, rows in sorted(batches, key=lambda batch: batch[0]):
        missing = rows.join(spark.table(table), on="order_id", how="left_anti")
        writer = missing.select(rows.columns).write.format("delta").mode("append")
        writer.option("txnAppId", name).option("txnVersion", number).saveAsTable(table)


def recover(spark: SparkSession, table: str, good: int, bad: list[int]) -> None:
    newest = spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").first().version
    states = {}
    for number in range(good, newest + 1):
        rows = spark.read.option("versionAsOf", number).table(table).collect()
        states[number] = {row.order_id: row for row in rows}
    right, is_followed = dict(states[good]), False
    for number in range(good + 1, newest + 1):
        before, after = states[number - 1], states[number]
        if number in bad:
            continue
        for order_id in before.keys() | after.keys():
            if before.get(order_id) != after.get(order_id):
                is_followed = True
                right.pop(order_id, None)
                if order_id in after:
                    right[order_id] = after[order_id]
    now = states[newest]
    if right == now:
        return
    if not is_followed:
        DeltaTable.forName(spark, table).restoreToVersion(good)
        return
    schema = spark.table(table).schema
    put = [tuple(row) for order_id, row in right.items() if now.get(order_id) != row]
    gone = [(order_id, *[None] * (len(schema) - 1)) for order_id in now.keys() - right.keys()]
    source = (
        spark.createDataFrame(put, schema)
        .withColumn("is_gone", F.lit(False))
        .unionByName(spark.createDataFrame(gone, schema).withColumn("is_gone", F.lit(True)))
    )
    values = {name: f"new.{name}" for name in schema.names}
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(source.alias("new"), "old.order_id = new.order_id")
        .whenMatchedDelete("new.is_gone")
        .whenMatchedUpdate(set=values)
        .whenNotMatchedInsert(condition="NOT new.is_gone", values=values)
        .execute()
    )
