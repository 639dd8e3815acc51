# because: SQL texts, iterators of batches, a local checkpoint of the branch


def normalise_subject(df: DataFrame) -> DataFrame:
    steps = [
        (f"[{BLANKS}]+", " "),
        ("^ | \\z", ""),
        ("^((re|fwd?): ?)+", ""),
    ]
    text = F.lower(F.col("subject"))
    text = F.replace(text, F.lit("ß"), F.lit("ss"))
    for pattern, other in steps:
        text = F.regexp_replace(text, pattern, other)
    return df.select("*", text.substr(1, 40).alias("subject_norm"))


def score_tags(df: DataFrame, weights: dict[str, float]) -> DataFrame:
    cases = [F.lit(0.0)]
    cases += [F.lit(float(weight)) for weight in weights.values()]
    names = F.array(*[F.lit(name) for name in weights]).cast("array<string>")

    def weight_of(tag):
        return F.coalesce(
            F.get(F.array(*cases), F.array_position(names, tag).cast("int")), cases[0]
        )

    added = F.aggregate(F.transform("tags", weight_of), F.lit(0.0), lambda total, one: total + one)
    down = F.floor(added)
    odd = F.pmod(down, F.lit(2)) == 1
    half = added - down == 0.5
    near = F.when(half & ~odd, down).otherwise(F.floor(added + 0.5)).cast("double")
    return df.withColumn("score", F.when(F.isnan(added), added).otherwise(near))


def business_days(df: DataFrame, holidays: list[date]) -> DataFrame:
    free = F.array(*[F.lit(day) for day in holidays]).cast("array<date>")
    first, end = (
        F.to_date(
            F.convert_timezone(
                F.lit("UTC"), F.lit("Europe/Berlin"), F.col(name).cast("timestamp_ntz")
            )
        )
        for name in ("created_at", "solved_at")
    )
    days = F.sequence(first, F.greatest(first, end))
    worked = F.filter(
        days,
        lambda day: (day < end) & ~F.dayofweek(day).isin(1, 7) & ~F.array_contains(free, day),
    )
    return df.withColumn(
        "business_days",
        F.when(F.isnotnull("created_at") & F.isnotnull("solved_at"), F.size(worked)),
    )


def checksum(df: DataFrame) -> DataFrame:
    from collections.abc import Iterator

    @F.arrow_udf("bigint")
    def checksums(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        for batch in batches:
            values = (text.as_py() for text in batch)
            found = [text if text is None else vendor_checksum(text) for text in values]
            yield pa.array(found, type=pa.int64())

    return df.select("*", checksums.asNondeterministic()(F.col("subject")).alias("checksum"))


def features(tickets: DataFrame) -> dict[str, DataFrame]:
    columns = ["ticket_id", "lang", "amount", "to_date(created_at) AS day"]
    paid = tickets.where("amount > 0").selectExpr(*columns).localCheckpoint()
    measures = "count(*) AS tickets, sum(amount) AS amount"
    spark = tickets.sparkSession
    return {
        "by_lang": spark.sql(f"SELECT lang, {measures} FROM {{paid}} GROUP BY lang", paid=paid),
        "by_day": spark.sql(f"SELECT day, {measures} FROM {{paid}} GROUP BY day", paid=paid),
        "largest": spark.sql(
            "SELECT ticket_id, amount FROM {paid} ORDER BY amount DESC, ticket_id LIMIT 3",
            paid=paid,
        ),
        "total": spark.sql(f"SELECT {measures} FROM {{paid}}", paid=paid),
    }
