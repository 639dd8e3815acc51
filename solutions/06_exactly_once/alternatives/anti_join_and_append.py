# because: all faults of a message in an array, the first is the reason; what is absent is appended


def parse(raw: DataFrame) -> tuple[DataFrame, DataFrame]:
    iso = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"
    kinds = {
        "event_id": "string",
        "order_id": "string",
        "seq": "long",
        "status": "string",
        "amount": "decimal(10,2)",
        "event_time": "string",
    }
    pair = F.concat(F.lit("["), F.col("value").cast("string"), F.lit(",0]"))
    read = raw.withColumn("pair", F.try_parse_json(pair)).select(
        *("value", "topic", "partition", "offset", F.col("timestamp").alias("produced_at"), "pair"),
        F.try_variant_get("pair", "$", "array<variant>").alias("pieces"),
        F.try_variant_get("pair", "$[0]", "map<string,variant>").alias("message"),
        F.try_variant_get("pair", "$[0].amount", "decimal(38,10)").alias("exact"),
        *(
            F.try_variant_get("pair", f"$[0].{name}", kind).alias(name)
            for name, kind in kinds.items()
        ),
        *(
            F.schema_of_variant(F.try_variant_get("pair", f"$[0].{name}", "variant")).alias(
                f"type_of_{name}"
            )
            for name in kinds
        ),
    )
    text = F.col("event_time")
    typed = read.withColumn("event_time", F.when(text.rlike(iso), text.try_cast("timestamp")))
    faults = {
        "no_value": "value IS NULL",
        "not_json": "message IS NULL OR size(pieces) <> 2",
        "bad_event_id": "type_of_event_id IS DISTINCT FROM 'STRING' OR trim(event_id) = ''",
        "bad_order_id": "type_of_order_id IS DISTINCT FROM 'STRING' OR trim(order_id) = ''",
        "bad_seq": "type_of_seq IS DISTINCT FROM 'BIGINT' OR seq IS NULL OR seq < 1",
        "bad_status": f"status IS NULL OR status NOT IN {STATUSES}",
        "bad_amount": "amount IS NULL OR exact < 0 OR type_of_amount IN ('STRING', 'BOOLEAN')",
        "bad_event_time": "event_time IS NULL",
    }
    found = F.array_compact(F.array(*(F.when(F.expr(at), name) for name, at in faults.items())))
    told = typed.withColumn("reason", F.get(found, F.lit(0)))
    columns = [part.split()[0] for part in ORDERS.split(", ")]
    orders = told.where("reason IS NULL").select(columns)
    dead = told.where("reason IS NOT NULL")
    return orders, dead.select("topic", "partition", "offset", "reason", "value")


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
