# because: SQL throughout; a literal escaped by hand, retries by recursion


def conflict_matrix(spark: SparkSession, make_table: Callable, pairs: list) -> DataFrame:
    writers = {
        "append": "INSERT INTO {table} BY NAME SELECT * FROM {changes}",
        "merge": "MERGE INTO {table} AS old USING {changes} AS new "
        "ON old.sku = new.sku AND old.warehouse = new.warehouse "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
    }
    ends = []
    for slow, fast in pairs:
        table, changes = make_table(slow, fast)
        try:
            spark.sql(writers[slow].replace("{table}", table), changes=changes)
        except Exception as error:
            ends.append({"slow": slow, "fast": fast, "outcome": error.__class__.__name__})
        else:
            ends.append({"slow": slow, "fast": fast, "outcome": "ok"})
    return spark.createDataFrame(ends, "slow string, fast string, outcome string")


def scoped_merge(spark: SparkSession, table: str, changes: DataFrame, warehouse: str) -> None:
    text = warehouse.replace("\\", "\\\\").replace("'", "\\'")
    literal = "'" + text.replace("{", "{{").replace("}", "}}") + "'"
    spark.sql(
        f"""
        MERGE INTO {table} AS old
        USING (SELECT * FROM {{changes}} WHERE warehouse = {literal}) AS new
        ON old.warehouse = {literal} AND old.sku = new.sku
        WHEN MATCHED THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *
        """,
        changes=changes,
    )


def retry(operation: Callable, attempts: int, is_retriable: Callable, wait: Callable):
    def attempt(number: int, first):
        try:
            return operation()
        except Exception as error:
            if not is_retriable(error):
                raise
            first = error if first is None else first
            if number == attempts:
                raise first from None
        wait(number)
        return attempt(number + 1, first)

    return attempt(1, None)


def decrement(spark: SparkSession, table: str, orders: DataFrame) -> None:
    ids = [row.batch_id for row in orders.select("batch_id").distinct().collect()]
    if not ids:
        return
    settings = {
        "spark.databricks.delta.write.txnAppId": f"orders/{ids[0]}",
        "spark.databricks.delta.write.txnVersion": "7",
    }

    def merge():
        for name, value in settings.items():
            spark.conf.set(name, value)
        try:
            spark.sql(
                f"""
                MERGE INTO {table} AS old
                USING (
                  SELECT warehouse, sku, sum(qty) AS qty FROM {{orders}} GROUP BY warehouse, sku
                ) AS new
                ON old.warehouse = new.warehouse AND old.sku = new.sku
                WHEN MATCHED THEN UPDATE SET
                  qty = CASE WHEN new.qty > old.qty THEN 0 ELSE old.qty - new.qty END
                """,
                orders=orders,
            )
        finally:
            for name in settings:
                spark.conf.unset(name)

    retry(merge, 10, is_conflict, lambda failed: None)


def single_writer(spark: SparkSession, table: str, queue: str) -> None:
    def merge():
        newest = spark.sql(
            f"""
            SELECT newest.* FROM (
              SELECT max_by(struct(*), updated_at) AS newest FROM {queue} GROUP BY warehouse, sku
            )
            """
        )
        newer = spark.sql(
            f"""
            SELECT new.* FROM {{newest}} AS new LEFT ANTI JOIN {table} AS old
            ON old.warehouse = new.warehouse AND old.sku = new.sku
              AND old.updated_at >= new.updated_at
            """,
            newest=newest,
        )
        if newer.count() > 0:
            spark.sql(
                f"""
                MERGE INTO {table} AS old USING {{newer}} AS new
                ON old.warehouse = new.warehouse AND old.sku = new.sku
                WHEN MATCHED AND new.updated_at > old.updated_at THEN UPDATE SET *
                WHEN NOT MATCHED THEN INSERT *
                """,
                newer=newer,
            )

    retry(merge, 8, is_conflict, lambda failed: None)
