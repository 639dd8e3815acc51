# because: what is unmatched is found apart, and a bucket's first address stands for its number


def anti_join(rides: DataFrame, blocked: DataFrame) -> DataFrame:
    known, unknown = rides.where("ride_id IS NOT NULL"), rides.where("ride_id IS NULL")
    kept = known.alias("r").join(blocked.alias("b"), F.expr("r.ride_id = b.ride_id"), "left_anti")
    return kept.unionByName(unknown)


def range_join(facts: DataFrame, bands: DataFrame, bucket: int) -> DataFrame:
    copies = bands.selectExpr(
        "lo",
        "hi",
        "name",
        f"explode(CASE WHEN lo < hi THEN sequence(lo - lo % {bucket}, hi - 1, {bucket}L) END) "
        "AS _bucket",
    )
    keyed = facts.withColumn("_bucket", F.expr(f"pickup_ip - pickup_ip % {bucket}"))
    known = keyed.where("pickup_ip IS NOT NULL")
    unknown = keyed.where("pickup_ip IS NULL").withColumn("name", F.lit(None).cast("string"))
    found = known.alias("f").join(
        copies.alias("c"),
        F.expr("f._bucket = c._bucket AND f.pickup_ip >= c.lo AND f.pickup_ip < c.hi"),
        "left",
    )
    columns = [*facts.columns, "name"]
    return found.select("f.*", "c.name").select(*columns).union(unknown.select(*columns))


def as_of_join(
    left: DataFrame, right: DataFrame, by: str, ts: str, tolerance_seconds: int
) -> DataFrame:
    renamed = right.toDF(*[f"right_{name}" for name in right.columns]).where(
        f"right_{by} IS NOT NULL AND right_{ts} IS NOT NULL"
    )
    ticks = left.withColumns({"_key": F.col(by), "_at": F.col(ts), "_side": F.lit(1)})
    quotes = renamed.withColumns(
        {"_key": F.col(f"right_{by}"), "_at": F.col(f"right_{ts}"), "_side": F.lit(0)}
    ).withColumn("_quote", F.struct(*renamed.columns))
    order = Window.partitionBy("_key").orderBy("_at", "_side", "right_seq")
    before = order.rowsBetween(Window.unboundedPreceding, -1)
    both = ticks.unionByName(quotes, allowMissingColumns=True)
    found = both.withColumn("_found", F.last("_quote", True).over(before)).where("_side = 1")
    fresh = F.expr(
        f"timestampdiff(MICROSECOND, _found.right_{ts}, _at) <= {tolerance_seconds}000000"
    )
    return found.select(
        *left.columns,
        *[F.when(fresh, F.col(f"_found.{name}")).alias(name) for name in renamed.columns],
    )
