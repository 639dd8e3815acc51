# because: outputs checkpointed while the branch is cached; holidays by array_except; chained UDFs


def business_days(df: DataFrame, holidays: list[date]) -> DataFrame:
    first, end = (
        F.from_utc_timestamp(name, "Europe/Berlin").cast("date")
        for name in ("created_at", "solved_at")
    )
    free = [F.lit(day) for day in set(holidays)]
    days = F.when(end > first, F.sequence(first, F.date_add(end, -1))).otherwise(F.array(first))
    days = F.filter(days, lambda day: (day < end) & ~F.date_format(day, "E").isin("Sat", "Sun"))
    worked = F.array_except(days, F.array(*free)) if free else days
    no_time = F.col("created_at").isNull() | F.col("solved_at").isNull()
    return df.withColumn("business_days", F.when(no_time, None).otherwise(F.size(worked)))


def features(tickets: DataFrame) -> dict[str, DataFrame]:
    paid = tickets.filter("amount > 0").persist()
    measures = [F.count("amount").alias("tickets"), F.sum("amount").alias("amount")]
    order = [F.col("amount").desc(), F.col("ticket_id").asc()]
    try:
        days = paid.groupBy(F.date_trunc("day", "created_at").cast("date").alias("day"))
        outputs = {
            "by_lang": paid.groupBy("lang").agg(*measures),
            "by_day": days.agg(*measures),
            "largest": paid.sort(*order).limit(3).select("ticket_id", "amount"),
            "total": paid.agg(*measures),
        }
        return {name: output.localCheckpoint() for name, output in outputs.items()}
    finally:
        paid.unpersist()
