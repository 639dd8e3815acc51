# fails: test_wrong_rows_of_the_range_are_mended
# because: write_batch again on the range: rows that are there stay wrong


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
    write_batch(raw, 0, tables)
