# because: the id of a batch as options of the write; classes named one by one; a join for the newest


def conflict_matrix(spark: SparkSession, make_table: Callable, pairs: list) -> DataFrame:
    outcomes = {}
    for pair in pairs:
        table, changes = make_table(*pair)
        changes.createOrReplaceTempView("changes_of_the_slow_writer")
        try:
            if pair[0] == "append":
                changes.write.insertInto(table)
            else:
                same = [f"old.{name} = new.{name}" for name in ("warehouse", "sku")]
                old = DeltaTable.forName(spark, table).alias("old")
                new = spark.table("changes_of_the_slow_writer").alias("new")
                merge = old.merge(new, " AND ".join(same))
                merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
            outcomes[pair] = "ok"
        except Exception as error:
            outcomes[pair] = error.__class__.__qualname__
    rows = [(*pair, outcome) for pair, outcome in outcomes.items()]
    return spark.createDataFrame(rows, "slow string, fast string, outcome string")


def scoped_merge(spark: SparkSession, table: str, changes: DataFrame, warehouse: str) -> None:
    same = F.col("old.sku") == F.col("new.sku")
    scope = F.col("old.warehouse").isin(warehouse) & (F.col("new.warehouse") == warehouse)
    values = {name: f"new.{name}" for name in changes.columns}
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(changes.alias("new"), same & scope)
        .whenMatchedUpdate(set=values)
        .whenNotMatchedInsert(F.col("new.warehouse") == warehouse, values=values)
        .execute()
    )


def retry(operation: Callable, attempts: int, is_retriable: Callable, wait: Callable):
    causes = []
    for failed in range(attempts):
        if failed:
            wait(failed)
        try:
            value = operation()
        except Exception as error:
            if is_retriable(error):
                causes.append(error)
                continue
            raise
        return value
    raise causes[0]


def decrement(spark: SparkSession, table: str, orders: DataFrame) -> None:
    lines = orders.collect()
    if not lines:
        return
    ordered = (
        spark.createDataFrame(lines, orders.schema)
        .groupBy("warehouse", "sku")
        .agg(F.sum("qty").alias("ordered"))
    )
    for attempt in range(12):
        try:
            stock = spark.table(table)
            rest = F.col("qty") - F.coalesce(F.col("ordered"), F.lit(0))
            (
                stock.join(F.broadcast(ordered), on=["warehouse", "sku"], how="left")
                .withColumn("qty", F.when(rest < 0, 0).otherwise(rest))
                .select(*stock.columns)
                .write.format("delta")
                .mode("overwrite")
                .option("txnAppId", lines[0].batch_id)
                .option("txnVersion", 0)
                .saveAsTable(table)
            )
            return
        except (
            exceptions.ConcurrentAppendException,
            exceptions.ConcurrentDeleteReadException,
            exceptions.ConcurrentDeleteDeleteException,
            exceptions.ConcurrentTransactionException,
            exceptions.MetadataChangedException,
            exceptions.ProtocolChangedException,
            exceptions.ConcurrentWriteException,
        ):
            if attempt == 11:
                raise


def single_writer(spark: SparkSession, table: str, queue: str) -> None:
    key = ["warehouse", "sku"]
    same = " AND ".join(f"old.{name} = new.{name}" for name in key)

    def merge():
        sent = spark.table(queue).distinct()
        last = sent.groupBy(*key).agg(F.max("updated_at").alias("updated_at"))
        newest = sent.join(last, on=[*key, "updated_at"], how="left_semi")
        old = spark.table(table).alias("old")
        news = newest.alias("new").join(
            old, on=F.expr(f"{same} AND old.updated_at >= new.updated_at"), how="left_anti"
        )
        if not news.take(1):
            return False
        (
            DeltaTable.forName(spark, table)
            .alias("old")
            .merge(news.alias("new"), same)
            .whenMatchedUpdateAll(F.col("old.updated_at") < F.col("new.updated_at"))
            .whenNotMatchedInsertAll()
            .execute()
        )
        return True

    retry(merge, 5, is_conflict, lambda failed: None)
