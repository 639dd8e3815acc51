# because: versions and facts in one sequence; the version of a fact by the greatest of a struct


def revenue(spark: SparkSession, tables: dict[str, str], as_known_at: datetime) -> DataFrame:
    """Facts and versions in one sequence: a fact has the last version before it."""
    facts = spark.table(tables["facts"]).where(F.col("booked_at") <= as_known_at)
    known = spark.table(tables["customers"]).where(F.col("known_at") <= as_known_at)
    begun = known.select(
        "customer_id", F.col("effective_from").alias("at"), F.lit(0).alias("kind"), "segment"
    )
    sold = facts.select(
        "customer_id", F.col("sold_at").alias("at"), F.lit(1).alias("kind"), "day", "amount"
    )
    events = begun.unionByName(sold, allowMissingColumns=True)
    by_time = Window.partitionBy("customer_id").orderBy("at", "kind")
    before = by_time.rowsBetween(Window.unboundedPreceding, 0)
    whole = by_time.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    segment = F.coalesce(
        F.last("segment", ignorenulls=True).over(before),
        F.first("segment", ignorenulls=True).over(whole),
        F.when(F.isnull("customer_id"), "not applicable").otherwise("unknown"),
    )
    return (
        events.withColumn("segment", segment)
        .where("kind = 1")
        .groupBy("day", "segment")
        .agg(F.sum("amount").alias("amount"))
    )


def repair_keys(spark: SparkSession, fact: str, dimension: str, since: datetime) -> None:
    versions = spark.table(dimension)
    late = [row.customer_id for row in versions.where(F.col("known_at") >= since).collect()]
    facts = spark.table(fact).where(F.col("customer_id").isin(late))
    pairs = facts.alias("f").join(versions.alias("v"), on="customer_id", how="inner")
    begun = F.expr("v.effective_from <= f.sold_at")
    start = F.unix_micros("v.effective_from")
    rank = F.struct(begun.alias("begun"), F.when(begun, start).otherwise(-start).alias("at"))
    right = pairs.groupBy("sale_id", "booked_at", F.col("f.customer_key").alias("had")).agg(
        F.max_by("v.customer_key", rank).alias("found")
    )
    (
        DeltaTable.forName(spark, fact)
        .alias("old")
        .merge(
            right.where("had != found").alias("new"),
            "old.sale_id = new.sale_id AND old.booked_at = new.booked_at",
        )
        .whenMatchedUpdate(set={"customer_key": "new.found"})
        .execute()
    )
