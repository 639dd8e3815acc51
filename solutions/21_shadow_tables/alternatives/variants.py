# because: a shallow clone that is emptied at once, a full join in place of a union, and MERGE


def build_shadow(
    spark: SparkSession,
    source: str,
    live: str,
    shadow: str,
    rule: Callable[[DataFrame], DataFrame],
    checkpoint: str,
) -> None:
    if not Path(checkpoint).exists():
        spark.sql(f"DROP TABLE IF EXISTS {shadow}")
        spark.sql(f"CREATE TABLE {shadow} SHALLOW CLONE {live}")
        spark.sql(f"DELETE FROM {shadow}")
    rows = rule(spark.readStream.json(source, schema=EVENTS))
    options = {"checkpointLocation": checkpoint, "mergeSchema": "true"}
    query = rows.writeStream.format("delta").options(**options).trigger(availableNow=True)
    query.toTable(shadow).awaitTermination()


def compare(
    live: DataFrame, shadow: DataFrame, tolerance: Decimal, expected: dict[str, date]
) -> DataFrame:
    keys = ["country", "day", "event_id"]

    def events(rows: DataFrame, side: str) -> DataFrame:
        by_event = rows.withColumn("day", F.to_date("at")).groupBy(keys)
        return by_event.agg(
            F.count("*").alias(f"{side}_rows"), F.sum("tax").alias(f"{side}_tax")
        )

    new = events(shadow, "shadow").select(
        *[F.col(name).alias(f"new_{name}") for name in keys], "shadow_rows", "shadow_tax"
    )
    same = [F.col(name).eqNullSafe(F.col(f"new_{name}")) for name in keys]
    pairs = events(live, "live").join(new, on=same, how="full")
    difference = F.abs(F.col("live_tax") - F.col("shadow_tax"))
    is_same = F.col("live_tax").eqNullSafe(F.col("shadow_tax")) | F.coalesce(
        difference <= tolerance, F.lit(False)
    )
    there, here = F.col("live_rows").isNotNull(), F.col("shadow_rows").isNotNull()

    def amount(of: str) -> F.Column:
        return F.coalesce(F.sum(of).cast("decimal(22,2)"), F.lit(Decimal(0))).cast("decimal(22,2)")

    answer = pairs.groupBy(
        F.when(there, F.col("country")).otherwise(F.col("new_country")).alias("country"),
        F.coalesce("day", "new_day").alias("day"),
    ).agg(
        F.coalesce(F.sum("live_rows"), F.lit(0)).alias("live_rows"),
        F.coalesce(F.sum("shadow_rows"), F.lit(0)).alias("shadow_rows"),
        F.count(F.when(~here, 1)).alias("missing"),
        F.count(F.when(~there, 1)).alias("extra"),
        F.count(F.when(there & here & ~is_same, 1)).alias("changed"),
        amount("live_tax").alias("live_tax"),
        amount("shadow_tax").alias("shadow_tax"),
    )
    may_differ = F.lit(False)
    for country, first_day in expected.items():
        is_listed = F.col("country").eqNullSafe(F.lit(country)) & (F.col("day") >= F.lit(first_day))
        may_differ = may_differ | is_listed
    is_whole = (F.col("missing") == 0) & (F.col("extra") == 0)
    is_whole = is_whole & (F.col("live_rows") == F.col("shadow_rows"))
    verdict = F.when(~is_whole, "broken").when(F.col("changed") == 0, "equal")
    verdict = verdict.when(may_differ, "expected").otherwise("broken")
    return answer.withColumn("verdict", verdict)


def catch_up(
    spark: SparkSession,
    live: str,
    shadow: str,
    rule: Callable[[DataFrame], DataFrame],
    since: int,
) -> int:
    newest = DeltaTable.forName(spark, live).history(1).select("version").first()[0]
    names = [column.split()[0] for column in EVENTS.split(", ")]

    def live_at(version: int) -> DataFrame:
        return spark.sql(f"SELECT {', '.join(names)} FROM {live} VERSION AS OF {version}")

    (
        DeltaTable.forName(spark, shadow)
        .alias("there")
        .merge(
            rule(live_at(newest).subtract(live_at(since))).alias("new"),
            "there.event_id = new.event_id",
        )
        .whenNotMatchedInsertAll()
        .execute()
    )
    return newest


def canary(df: DataFrame, key: str, share: float, salt: str) -> DataFrame:
    place = F.pmod(F.hash(F.lit(salt), F.col(f"`{key}`")), F.lit(10_000)) / 10_000
    arm = F.when(F.isnull(f"`{key}`"), "old").when(place < share, "new").otherwise("old")
    return df.withColumn("arm", arm)
