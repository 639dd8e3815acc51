# fails: test_poison_is_dead_and_nothing_else
# because: JSON that parses can still be no event: from_json gives null for what it can not read


def parse(raw: DataFrame) -> tuple[DataFrame, DataFrame]:
    fields = "event_id string, order_id string, seq long, status string, amount decimal(10,2), event_time timestamp"
    options = {"columnNameOfCorruptRecord": "broken"}
    text = F.col("value").cast("string")
    json = F.from_json(text, f"{fields}, broken string", options).alias("json")
    read = raw.withColumnRenamed("timestamp", "produced_at").withColumn("json", json)
    broken = F.col("json.broken").isNotNull()
    reason = F.when(F.col("value").isNull(), "no_value").when(broken, "not_json")
    told = read.withColumn("reason", reason)
    columns = [part.split()[0] for part in ORDERS.split(", ")]
    orders = told.where("reason IS NULL").select("json.*", *columns[6:]).select(columns)
    dead = told.where("reason IS NOT NULL")
    return orders, dead.select("topic", "partition", "offset", "reason", "value")
