# because: copies known within the watermark, a right join; a version found in an array of its ad
from delta.tables import DeltaTable


def attributed(impressions: DataFrame, clicks: DataFrame) -> DataFrame:
    shown = impressions.withWatermark("shown_at", "600 seconds")
    shown = shown.dropDuplicatesWithinWatermark(["imp_id"])
    clicked = clicks.withWatermark("clicked_at", "1200 seconds")
    clicked = clicked.dropDuplicatesWithinWatermark(["click_id"]).withColumnRenamed("imp_id", "of")
    earliest = F.col("clicked_at") - F.expr("INTERVAL 1 HOUR")
    belongs = (F.col("imp_id") == F.col("of")) & F.col("shown_at").between(
        earliest, F.col("clicked_at")
    )
    return clicked.join(shown, on=belongs).select(
        "imp_id", "ad_id", "shown_at", "click_id", "clicked_at"
    )


def unclicked(impressions: DataFrame, clicks: DataFrame) -> DataFrame:
    shown = impressions.withWatermark("shown_at", "600 seconds")
    shown = shown.dropDuplicatesWithinWatermark(["imp_id"])
    clicked = clicks.withWatermark("clicked_at", "1200 seconds")
    clicked = clicked.dropDuplicatesWithinWatermark(["click_id"]).withColumnRenamed("imp_id", "of")
    until = F.col("shown_at") + F.expr("INTERVAL 1 HOUR")
    belongs = (F.col("imp_id") == F.col("of")) & F.col("clicked_at").between(
        F.col("shown_at"), until
    )
    joined = clicked.join(shown, on=belongs, how="right")
    return joined.filter(F.col("of").isNull()).select("imp_id", "ad_id", "shown_at")


def enrich(clicks: DataFrame, ads_table: str) -> DataFrame:
    ads = DeltaTable.forName(clicks.sparkSession, ads_table).toDF()
    ads = ads.select(F.col("ad_id").alias("key"), "campaign", "bid")
    joined = clicks.join(F.broadcast(ads), on=F.col("ad_id") == F.col("key"), how="left")
    return joined.drop("key")


def enrich_as_of(clicks: DataFrame, history_table: str) -> DataFrame:
    history = DeltaTable.forName(clicks.sparkSession, history_table).toDF()
    version = F.struct("valid_from", "campaign", "bid")
    by_ad = history.groupBy(F.col("ad_id").alias("key")).agg(
        F.sort_array(F.collect_list(version), asc=False).alias("versions")
    )
    joined = clicks.join(by_ad, on=F.col("ad_id") == F.col("key"), how="left")
    begun = F.filter("versions", lambda one: one["valid_from"] <= F.col("clicked_at"))
    found = joined.withColumn("version", F.get(begun, F.lit(0)))
    return found.select(*clicks.columns, "version.campaign", "version.bid")
