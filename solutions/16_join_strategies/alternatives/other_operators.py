# because: a left join with a mark, shuffled hash joins by a hint, the greatest struct in a range frame


def strategy(left_bytes: int, right_bytes: int, join_type: str, equi: bool, threshold: int) -> str:
    sides = [(left_bytes, right_bytes, "left"), (right_bytes, left_bytes, "right")]
    if not equi:
        largest = min(left_bytes, right_bytes) > threshold
        return "cartesian" if join_type == "inner" and largest else "broadcast_nested_loop"
    for size, _, side in sides:
        allowed = {
            "left": join_type in ("inner", "right"),
            "right": join_type not in ("right", "full"),
        }
        if allowed[side] and size <= threshold:
            return "broadcast_hash"
    for size, other, side in sides:
        if side == "left" and join_type.startswith("left_"):
            continue
        if size < threshold * PARTITIONS and size * 3 <= other:
            return "shuffled_hash"
    return "sort_merge"


def anti_join(rides: DataFrame, blocked: DataFrame) -> DataFrame:
    ids = blocked.select("ride_id").dropna().distinct().withColumn("_blocked", F.lit(True))
    marked = rides.join(ids, on="ride_id", how="left").where(F.col("_blocked").isNull())
    return marked.select(*rides.columns)


def range_join(facts: DataFrame, bands: DataFrame, bucket: int) -> DataFrame:
    width = F.lit(bucket)

    def number(address):
        return ((address - F.pmod(address, width)) / width).cast("long")

    real = bands.where(F.col("hi") > F.col("lo"))
    copies = real.withColumn(
        "_bucket", F.explode(F.sequence(number(F.col("lo")), number(F.col("hi") - 1)))
    ).hint("shuffle_hash")
    numbered = facts.withColumn("_bucket", number(F.col("pickup_ip")))
    held = (
        (numbered["_bucket"] == copies["_bucket"])
        & (copies["lo"] <= numbered["pickup_ip"])
        & (numbered["pickup_ip"] < copies["hi"])
    )
    joined = numbered.join(copies, on=held, how="left")
    return joined.select(*[numbered[name] for name in facts.columns], copies["name"])


def as_of_join(
    left: DataFrame, right: DataFrame, by: str, ts: str, tolerance_seconds: int
) -> DataFrame:
    quotes = right.dropna(subset=[by, ts]).select(
        F.col(by).alias("_by"),
        F.col(ts).alias("_ts"),
        F.lit(None)
        .cast(left.select(F.struct("*").alias("row")).schema["row"].dataType)
        .alias("_row"),
        F.struct(
            F.col(ts).alias("ts"), F.col("seq").alias("seq"), F.struct("*").alias("row")
        ).alias("_quote"),
    )
    ticks = left.select(
        F.col(by).alias("_by"),
        F.col(ts).alias("_ts"),
        F.struct("*").alias("_row"),
        F.lit(None).cast(quotes.schema["_quote"].dataType).alias("_quote"),
    )
    # A range frame ends with the last row of the same time, so quotes of it count.
    until_now = (
        Window.partitionBy("_by")
        .orderBy("_ts")
        .rangeBetween(Window.unboundedPreceding, Window.currentRow)
    )
    found = ticks.union(quotes.select(*ticks.columns)).select(
        "_row", "_ts", F.max("_quote").over(until_now).alias("_quote")
    )
    age = F.unix_micros("_ts") - F.unix_micros("_quote.ts")
    near = age <= tolerance_seconds * 1_000_000
    return found.where("_row IS NOT NULL").select(
        "_row.*",
        *[F.when(near, F.col("_quote.row")[name]).alias(f"right_{name}") for name in right.columns],
    )


def bucketed_join(spark: SparkSession, left_table: str, right_table: str, key: str) -> DataFrame:
    def copy(table: str) -> DataFrame:
        name = table + "_bucketed"
        spark.sql(f"DROP TABLE IF EXISTS {name}")
        rows = spark.table(table).selectExpr(
            f"cast({key} AS long) AS {key}",
            *[column for column in spark.table(table).columns if column != key],
        )
        rows.coalesce(1).write.bucketBy(BUCKETS, key).sortBy(key).saveAsTable(
            name, format="parquet"
        )
        return spark.table(name)

    return copy(left_table).join(copy(right_table), key)
