# because: overwrites that read within the write conflict like a MERGE; the batch is in the history


def conflict_matrix(spark: SparkSession, make_table: Callable, pairs: list) -> DataFrame:
    def outcome(slow: str, fast: str) -> str:
        table, changes = make_table(slow, fast)
        try:
            if slow == "append":
                changes.writeTo(table).append()
            else:
                (
                    changes.alias("new")
                    .mergeInto(
                        table,
                        (F.col(f"{table}.warehouse") == F.col("new.warehouse"))
                        & (F.col(f"{table}.sku") == F.col("new.sku")),
                    )
                    .whenMatched()
                    .updateAll()
                    .whenNotMatched()
                    .insertAll()
                    .merge()
                )
        except Exception as error:
            return type(error).__name__
        return "ok"

    rows = [(slow, fast, outcome(slow, fast)) for slow, fast in reversed(pairs)]
    return spark.createDataFrame(rows, ["slow", "fast", "outcome"])


def scoped_merge(spark: SparkSession, table: str, changes: DataFrame, warehouse: str) -> None:
    is_mine = F.col("warehouse") == warehouse
    mine = changes.where(is_mine)
    stock = spark.table(table).where(is_mine)
    kept = stock.join(mine.select("sku"), on="sku", how="left_anti").select(changes.columns)
    literal = warehouse.replace("\\", "\\\\").replace("'", "\\'")
    (
        kept.unionByName(mine)
        .write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", f"warehouse = '{literal}'")
        .saveAsTable(table)
    )


def retry(operation: Callable, attempts: int, is_retriable: Callable, wait: Callable):
    errors = []
    while True:
        try:
            return operation()
        except Exception as error:
            if not is_retriable(error):
                raise
            errors.append(error)
        if len(errors) >= attempts:
            raise errors[0]
        wait(len(errors))


def decrement(spark: SparkSession, table: str, orders: DataFrame) -> None:
    ordered = orders.groupBy("warehouse", "sku").agg(F.sum("qty").alias("ordered"))
    batch = orders.agg(F.min("batch_id")).first()[0]
    if batch is None:
        return
    note = "spark.databricks.delta.commitInfo.userMetadata"

    def overwrite():
        history = DeltaTable.forName(spark, table).history()
        if not history.where(F.col("userMetadata") == f"batch {batch}").isEmpty():
            return
        left = F.greatest(F.col("qty") - F.coalesce("ordered", F.lit(0)), F.lit(0))
        spark.conf.set(note, f"batch {batch}")
        try:
            (
                spark.table(table)
                .join(ordered, on=["warehouse", "sku"], how="left")
                .withColumn("qty", left)
                .drop("ordered")
                .write.format("delta")
                .mode("overwrite")
                .saveAsTable(table)
            )
        finally:
            spark.conf.unset(note)

    retry(overwrite, 10, is_conflict, lambda failed: None)


def single_writer(spark: SparkSession, table: str, queue: str) -> None:
    key = ["warehouse", "sku"]

    def overwrite():
        stock = spark.table(table)
        sent = spark.table(queue).select(stock.columns)
        # The table's row comes first where both have the same time.
        rows = stock.withColumn("rank", F.lit(1)).unionByName(sent.withColumn("rank", F.lit(0)))
        newest_first = Window.partitionBy(*key).orderBy(F.desc("updated_at"), F.desc("rank"))
        newest = rows.withColumn("age", F.row_number().over(newest_first)).where("age = 1")
        if newest.where("rank = 0").isEmpty():
            return
        (newest.drop("age", "rank").write.format("delta").mode("overwrite").saveAsTable(table))

    retry(overwrite, 10, is_conflict, lambda failed: None)
