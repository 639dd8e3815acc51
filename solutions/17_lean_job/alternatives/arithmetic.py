# because: other expressions; a pandas UDF with its own type for nulls; rows of outputs collected


def normalise_subject(df: DataFrame) -> DataFrame:
    return df.selectExpr(
        "*",
        r"""
        left(
            regexp_replace(
                btrim(
                    regexp_replace(replace(lower(subject), 'ß', 'ss'), '[ \\t\\n\\r\\u00a0]+', ' ')
                ),
                '^((re|fw|fwd): ?)*', ''
            ),
            40
        ) AS subject_norm
        """,
    )


def score_tags(df: DataFrame, weights: dict[str, float]) -> DataFrame:
    adds = F.lit(0.0)
    for tag, weight in weights.items():
        # `array_remove` removes a tag each time that it is there.
        times = F.size("tags") - F.size(F.array_remove("tags", tag))
        adds = adds + F.when(times > 0, times * F.lit(float(weight))).otherwise(0.0)
    return df.withColumn("score", F.when(F.col("tags").isNotNull(), F.rint(adds)))


def business_days(df: DataFrame, holidays: list[date]) -> DataFrame:
    """Weekdays by arithmetic: those since a Monday long ago, at both ends."""
    monday = F.lit(date(1894, 1, 1))

    def weekdays_before(day):
        since = F.datediff(day, monday)
        return F.floor(since / 7) * 5 + F.least(since % 7, F.lit(5))

    first, end = (
        F.from_utc_timestamp(name, "Europe/Berlin").cast("date")
        for name in ("created_at", "solved_at")
    )
    days = weekdays_before(end) - weekdays_before(first)
    for day in {one for one in holidays if one.weekday() < 5}:
        days = days - F.when((F.lit(day) >= first) & (F.lit(day) < end), 1).otherwise(0)
    return df.withColumn("business_days", F.when(end > first, days).otherwise(days * 0).cast("int"))


def checksum(df: DataFrame) -> DataFrame:
    import pandas as pd

    def checksums(subjects: pd.Series) -> pd.Series:
        known = subjects.dropna()
        found = pd.Series([vendor_checksum(text) for text in known], known.index, dtype="Int64")
        return found.reindex(subjects.index)

    apply = F.pandas_udf(checksums, "long").asNondeterministic()
    return df.withColumn("checksum", apply("subject"))


def features(tickets: DataFrame) -> dict[str, DataFrame]:
    spark = tickets.sparkSession
    paid = tickets.where(F.col("amount") > 0).cache()
    counts = [F.count(F.lit(1)).alias("tickets"), F.sum("amount").alias("amount")]
    found = {}
    try:
        by_day = paid.withColumn("day", F.col("created_at").cast("date")).groupBy("day")
        best = paid.select("ticket_id", "amount").sort(-F.col("amount"), "ticket_id").limit(3)
        for name, rows in {
            "by_lang": paid.groupBy("lang").agg(*counts),
            "by_day": by_day.agg(*counts),
            "largest": best,
            "total": paid.groupBy().agg(*counts),
        }.items():
            found[name] = spark.createDataFrame(rows.collect(), rows.schema)
    finally:
        paid.unpersist(blocking=True)
    return found


def write_sized(df: DataFrame, table: str, partition_column: str, rows_per_file: int) -> None:
    """A task for each file, by `repartitionById`."""
    counts = df.groupBy(partition_column, F.spark_partition_id()).count().collect()
    rows, tasks = {}, {}
    for value, task, number in counts:
        rows[value] = rows.get(value, 0) + number
        tasks.setdefault(task, []).append(number)
    files = {value: -(-number // rows_per_file) for value, number in rows.items()}
    alone = all(len(held) == 1 and held[0] <= rows_per_file for held in tasks.values())
    if not (alone and len(tasks) == sum(files.values())):
        first, start = F.lit(None), 0
        for value, number in files.items():
            here = F.col(partition_column).eqNullSafe(F.lit(value))
            first = F.when(here, F.lit(start)).otherwise(first)
            start += number
        order = Window.partitionBy(partition_column).orderBy(F.lit(1))
        place = F.floor((F.row_number().over(order) - 1) / rows_per_file)
        numbered = df.withColumn("_file", (first + place).cast("int"))
        df = numbered.repartitionById(start, F.col("_file")).drop("_file")
    df.write.format("delta").partitionBy(partition_column).saveAsTable(table)
