# because: a user's rows in one array, merged there; a calendar joined to the payments


def active_periods(subscriptions: DataFrame) -> DataFrame:
    return spark.sql(
        """
        WITH periods AS (
          SELECT user_id, array_sort(collect_list(struct(
            started_at AS begun, coalesce(ended_at, timestamp '9999-12-31') AS reached, plan
          ))) AS rows
          FROM {subscriptions}
          WHERE ended_at IS NULL OR started_at < ended_at
          GROUP BY user_id
        ),
        merged AS (
          SELECT user_id, inline(aggregate(
            rows,
            cast(array() AS array<struct<begun timestamp, reached timestamp, plans array<string>>>),
            (found, row) -> CASE
              WHEN size(found) > 0 AND row.begun <= element_at(found, -1).reached
              THEN concat(slice(found, 1, size(found) - 1), array(named_struct(
                'begun', element_at(found, -1).begun,
                'reached', greatest(element_at(found, -1).reached, row.reached),
                'plans', array_union(element_at(found, -1).plans, array(row.plan)))))
              ELSE concat(found, array(named_struct(
                'begun', row.begun, 'reached', row.reached, 'plans', array(row.plan)))) END
          ))
          FROM periods
        )
        SELECT user_id, begun AS from_ts, nullif(reached, timestamp '9999-12-31') AS to_ts,
          bigint(size(plans)) AS plans
        FROM merged
        """,
        subscriptions=subscriptions,
    )


def running_balance(events: DataFrame, as_of: date) -> DataFrame:
    paid = events.withColumn("day", F.col("paid_at").cast("date")).where(F.col("day") <= as_of)
    paid = paid.withColumn("cents", F.coalesce("amount_cents", F.lit(0)))
    latest = F.max_by("plan", F.struct("paid_at", "payment_id"))
    seen = paid.where("plan IS NOT NULL").groupBy("country", "day").agg(latest.alias("plan"))
    first = paid.groupBy("country").agg(F.min("day").alias("first"))
    days = first.select("country", F.explode(F.sequence("first", F.lit(as_of))).alias("day"))
    revenue = paid.groupBy("country", "day").agg(F.sum("cents").alias("revenue"))
    lines = days.join(revenue, ["country", "day"], "left").join(seen, ["country", "day"], "left")
    lines = lines.fillna({"revenue": 0})
    mine = Window.partitionBy("country")
    week = mine.orderBy(F.unix_date("day")).rangeBetween(-6, 0)
    best = mine.orderBy(F.col("revenue").desc())
    total = F.nullif(F.sum("revenue").over(mine), F.lit(0))
    until = mine.orderBy("day").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return lines.select(
        "country",
        "day",
        "revenue",
        F.sum("revenue").over(week).alias("revenue_7d"),
        F.rank().over(best).alias("place"),
        (F.col("revenue") / total).alias("share"),
        F.last_value("plan", True).over(until).alias("last_plan"),
    )
