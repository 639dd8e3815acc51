# because: versions in a sorted list, keys by a hash, facts overwritten or updated


def hashed(*names: str) -> F.Column:
    """63 bits, so that a key is above 0."""
    return F.xxhash64(*names).bitwiseAND(F.lit(2**63 - 1))


def valid_keys(facts: DataFrame, dimension: DataFrame) -> DataFrame:
    """The facts with `key`, by an aggregate over the versions of each customer."""
    versions = dimension.where("customer_key > 0").select(
        "customer_id", F.struct("effective_from", "customer_key").alias("version")
    )
    lists = versions.groupBy("customer_id").agg(
        F.sort_array(F.collect_list("version")).alias("versions")
    )
    begun = F.filter("versions", lambda one: one.effective_from <= F.col("sold_at"))
    found = F.when(F.size(begun) > 0, F.element_at(begun, -1)).otherwise(
        F.element_at("versions", 1)
    )
    special = F.when(F.isnull("customer_id"), -2).otherwise(-1).cast("long")
    return (
        facts.join(lists, on="customer_id", how="left")
        .withColumn("key", F.coalesce(found.customer_key, special))
        .drop("versions")
    )


def load_facts(
    spark: SparkSession, fact: str, dimension: str, sales: DataFrame, mode: str
) -> None:
    members = spark.table(dimension)
    strangers = (
        sales.where(F.col("customer_id").rlike(VALID_ID))
        .join(members, on="customer_id", how="left_anti")
        .select("customer_id")
        .distinct()
    )
    inferred = strangers.select(
        hashed("customer_id").alias("customer_key"),
        "customer_id",
        F.lit("unknown").alias("segment"),
        F.lit(True).alias("is_inferred"),
    )
    if not inferred.isEmpty():
        every = inferred.unionByName(members, allowMissingColumns=True).select(members.columns)
        every.where("is_inferred").join(members, on="customer_key", how="left_anti").select(
            members.columns
        ).write.mode("append").format("delta").saveAsTable(dimension)

    facts = spark.table(fact)
    once = sales.distinct()
    old = facts.groupBy("sale_id").agg(
        F.max("booked_at").alias("newest"), F.sum("amount").alias("said")
    )
    counted = once.join(old, on="sale_id", how="left").where(
        "newest IS NULL OR booked_at > newest"
    )
    by_booking = Window.partitionBy("sale_id").orderBy("booked_at")
    if mode == "restate":
        newest = Window.partitionBy("sale_id").orderBy(F.desc("booked_at"))
        rows = counted.withColumn("place", F.row_number().over(newest)).where("place = 1")
    else:
        before = F.coalesce(F.lag("amount").over(by_booking), "said")
        rows = counted.withColumn("before", before).where("NOT amount <=> before")
        rows = rows.withColumn("qty", F.expr("if(before IS NULL, qty, 0)"))
        rows = rows.withColumn("amount", F.expr("amount - coalesce(before, 0)"))
    keyed = valid_keys(rows, spark.table(dimension)).select(
        "sale_id",
        F.col("key").alias("customer_key"),
        "customer_id",
        "product_id",
        F.to_date("sold_at").alias("day"),
        "sold_at",
        "qty",
        F.col("amount").cast("decimal(12,2)"),
        "booked_at",
    )
    if mode == "restate":
        rest = facts.join(keyed, on="sale_id", how="left_anti").select(facts.columns)
        keyed.unionByName(rest).write.mode("overwrite").format("delta").saveAsTable(fact)
    else:
        keyed.write.mode("append").format("delta").saveAsTable(fact)


def repair_keys(spark: SparkSession, fact: str, dimension: str, since: datetime) -> None:
    versions = spark.table(dimension)
    late = versions.where(F.col("known_at") >= since).select("customer_id").distinct()
    facts = spark.table(fact)
    wrong = valid_keys(facts.join(late, on="customer_id", how="left_semi"), versions).where(
        "key != customer_key"
    )
    fact_id = F.concat_ws(" at ", "sale_id", "booked_at")
    rows = wrong.select(fact_id.alias("fact_id"), "key").collect()
    right = {row.fact_id: row.key for row in rows}
    if right:
        keys = F.create_map(*(F.lit(part) for pair in right.items() for part in pair))
        table = DeltaTable.forName(spark, fact)
        table.update(fact_id.isin(*right), {"customer_key": keys[fact_id]})
