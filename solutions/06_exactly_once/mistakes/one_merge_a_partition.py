# fails: test_a_reader_never_sees_a_hole
# because: a MERGE for each partition of the range: a commit each, and a state between them that never was


def replay(
    spark: SparkSession,
    bootstrap: str,
    topic: str,
    tables: dict[str, str],
    offsets: dict[int, tuple[int, int]],
) -> None:
    import json

    def ends(which: int) -> str:
        return json.dumps({topic: {str(part): pair[which] for part, pair in offsets.items()}})

    raw = (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("kafka.isolation.level", "read_committed")
        .option("assign", json.dumps({topic: list(offsets)}))
        .option("startingOffsets", ends(0))
        .option("endingOffsets", ends(1))
        .load()
    )
    orders, dead = parse(raw)
    first = F.min_by(F.struct("*"), "offset").alias("first")
    once = orders.groupBy("event_id").agg(first).select("first.*")
    message = "old.topic = new.topic AND old.partition = new.partition AND old.offset = new.offset"
    for part, (start, end) in offsets.items():
        replayed = (
            f"old.topic = '{topic}' AND old.partition = {part} "
            f"AND old.offset >= {start} AND old.offset < {end}"
        )
        for name, rows, same in (
            (tables["orders"], once, "old.event_id = new.event_id"),
            (tables["dead"], dead, message),
        ):
            table = DeltaTable.forName(spark, name).alias("old")
            source = rows.where(F.col("partition") == part).alias("new")
            merge = table.merge(source, same).whenMatchedUpdateAll(condition=replayed)
            merge = merge.whenNotMatchedInsertAll()
            merge.whenNotMatchedBySourceDelete(condition=replayed).execute()
