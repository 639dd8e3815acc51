# fails: test_tie_and_failed_stage
# because: takes the later of two stages that lasted equally long


def diagnosis(stages: DataFrame) -> DataFrame:
    """One row: the stage that lasted longest, its share of all durations, its skew and its cause."""
    ratio = F.col("max_task_ms") / F.greatest("median_task_ms", F.lit(1.0))
    cause = (
        F.when(F.col("tasks") == 0, "failed")
        .when(F.col("tasks") == 1, "single_task")
        .when(ratio >= 3, "skew")
        .when(F.col("spill_bytes") > 0, "spill")
        .when((F.col("tasks") >= 100) & (F.col("median_task_ms") < 50), "tiny_tasks")
        .otherwise("compute")
    )
    longest = stages.orderBy(F.desc("duration_ms"), F.desc("stage_id")).limit(1)
    whole = stages.agg(F.sum("duration_ms").alias("whole"))
    return longest.crossJoin(whole).select(
        "stage_id",
        (F.col("duration_ms") / F.col("whole")).alias("share"),
        F.when(F.col("tasks") > 0, ratio).alias("skew_ratio"),
        cause.alias("cause"),
    )
