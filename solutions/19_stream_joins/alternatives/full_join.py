# because: a full join for both, filtered; times as numbers in state_plan; as-of by a window's end


def _both(impressions: DataFrame, clicks: DataFrame) -> DataFrame:
    shown = impressions.withWatermark("shown_at", "10 minutes").dropDuplicates()
    clicked = clicks.withWatermark("clicked_at", "20 minutes").dropDuplicates()
    belongs = [
        shown["imp_id"] == clicked["imp_id"],
        clicked["clicked_at"] >= shown["shown_at"],
        clicked["clicked_at"] <= shown["shown_at"] + F.make_dt_interval(mins=F.lit(60)),
    ]
    joined = shown.join(clicked, on=belongs, how="full_outer")
    return joined.select(
        shown["imp_id"], "ad_id", "shown_at", "click_id", "clicked_at"
    )


def attributed(impressions: DataFrame, clicks: DataFrame) -> DataFrame:
    return _both(impressions, clicks).where("imp_id IS NOT NULL AND click_id IS NOT NULL")


def unclicked(impressions: DataFrame, clicks: DataFrame) -> DataFrame:
    rows = _both(impressions, clicks).where("imp_id IS NOT NULL AND click_id IS NULL")
    return rows.drop("click_id", "clicked_at")


def state_plan(watermarks, bounds, behind):
    keep = []
    for bound in (bounds[1], None if bounds[0] is None else -bounds[0]):
        if bound is None or watermarks[0] is None or watermarks[1] is None:
            keep.append(None)
        else:
            keep.append(max(watermarks[0] + behind[0] + bound, watermarks[1] + behind[1] + bound))
    return tuple(keep)


def enrich_as_of(clicks: DataFrame, history_table: str) -> DataFrame:
    versions = clicks.sparkSession.read.table(history_table)
    versions = versions.select("ad_id", "campaign", "bid", "valid_from").alias("v")
    later = versions.select(F.col("ad_id").alias("same"), F.col("valid_from").alias("begins"))
    after = (F.col("same") == F.col("ad_id")) & (F.col("begins") > F.col("valid_from"))
    ends = versions.join(later, on=after, how="left").groupBy(
        "ad_id", "campaign", "bid", "valid_from"
    ).agg(F.min("begins").alias("ends"))
    ends = ends.toDF("v_ad", "v_campaign", "v_bid", "v_from", "v_to")
    holds = F.expr(
        "ad_id = v_ad AND clicked_at >= v_from AND coalesce(clicked_at < v_to, true)"
    )
    return clicks.join(ends, on=holds, how="left_outer").select(
        *clicks.columns, F.col("v_campaign").alias("campaign"), F.col("v_bid").alias("bid")
    )
