# because: from_json with a column for broken JSON; rows that are absent are appended, for a single writer; a window serves


def parse(raw: DataFrame) -> tuple[DataFrame, DataFrame]:
    fields = "event_id string, order_id string, seq string, status string, amount string, event_time string"
    options = {"columnNameOfCorruptRecord": "broken"}
    text = F.col("value").cast("string")
    read = raw.withColumn("fields", F.from_json(text, f"{fields}, broken string", options))
    read = read.select(
        "value",
        F.ltrim(text).alias("text"),
        *(F.col(f"fields.{name}") for name in ("broken", "event_id", "order_id", "status")),
        F.expr("try_cast(fields.seq AS long)").alias("seq"),
        F.expr("try_cast(fields.amount AS decimal(10,2))").alias("amount"),
        F.expr("try_cast(fields.event_time AS timestamp)").alias("event_time"),
        *(F.col("timestamp").alias("produced_at"), "topic", "partition", "offset"),
    )
    faults = [
        ("value IS NULL", "no_value"),
        ("broken IS NOT NULL OR text NOT LIKE '{%'", "not_json"),
        ("event_id IS NULL OR event_id = ''", "bad_event_id"),
        ("order_id IS NULL OR order_id = ''", "bad_order_id"),
        ("seq IS NULL OR seq < 1", "bad_seq"),
        (f"status IS NULL OR status NOT IN {STATUSES}", "bad_status"),
        ("amount IS NULL OR amount < 0", "bad_amount"),
        ("event_time IS NULL", "bad_event_time"),
    ]
    reasons = [F.when(F.expr(fault), reason) for fault, reason in faults]
    told = read.withColumn("reason", F.coalesce(*reasons))
    columns = [part.split()[0] for part in ORDERS.split(", ")]
    orders = told.where(F.isnull("reason")).select(columns)
    return orders, told.where("reason IS NOT NULL").select(
        "topic", "partition", "offset", "reason", "value"
    )


def write_batch(batch: DataFrame, batch_id: int, tables: dict[str, str]) -> None:
    from pyspark.sql import Window

    spark = batch.sparkSession
    orders, dead = parse(batch)
    deliveries = Window.partitionBy("event_id").orderBy("offset")
    once = orders.withColumn("delivery", F.row_number().over(deliveries)).where("delivery = 1")
    for which, rows, key in (
        ("dead", dead, ["topic", "partition", "offset"]),
        ("orders", once.drop("delivery"), ["event_id"]),
    ):
        known = spark.table(tables[which]).select(key)
        absent = rows.join(known, on=key, how="left_anti").select(rows.columns)
        absent.write.format("delta").mode("append").saveAsTable(tables[which])


def serving_view(spark: SparkSession, tables: dict[str, str]) -> DataFrame:
    from pyspark.sql import Window

    version = DeltaTable.forName(spark, tables["orders"]).history(1).first()["version"]
    events = spark.sql(f"SELECT * FROM {tables['orders']} VERSION AS OF {version}")
    order = Window.partitionBy("order_id")
    ranked = events.select(
        "*",
        F.row_number().over(order.orderBy(F.desc("seq"))).alias("place"),
        F.count(F.lit(1)).over(order).alias("seen"),
    )
    return ranked.where("place = 1").selectExpr(
        *("order_id", "status", "amount", "seq", "event_time AS updated_at"),
        "CAST(produced_at AS double) - CAST(event_time AS double) AS delay_seconds",
        "seq - seen AS missing_events",
    )
