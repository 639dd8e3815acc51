# fails: test_duration_is_the_stages_own
# because: measures from the first task's launch to the last one's finish: the wait for a core is lost


def stage_table(events: DataFrame) -> DataFrame:
    """One row for each completed stage of an event log."""
    parsed = events.select(F.from_json("value", EVENT).alias("e")).select("e.*")
    stages = (
        parsed.where("Event = 'SparkListenerStageCompleted'")
        .select("`Stage Info`.*")
        .groupBy(F.col("Stage ID").alias("stage_id"))
        .agg(F.max("Stage Name").alias("name"))
    )
    ms = F.expr("`Task Info`.`Finish Time` - `Task Info`.`Launch Time`")
    read = F.col("Task Metrics.Shuffle Read Metrics")
    succeeded = "Event = 'SparkListenerTaskEnd' AND `Task End Reason`.Reason = 'Success'"
    tasks = (
        parsed.where(succeeded)
        .groupBy(F.col("Stage ID").alias("stage_id"))
        .agg(
            (F.max("Task Info.Finish Time") - F.min("Task Info.Launch Time")).alias("duration_ms"),
            F.countDistinct("Task Info.Partition ID").alias("tasks"),
            F.max(ms).alias("max_task_ms"),
            F.median(ms).alias("median_task_ms"),
            F.sum(read["Remote Bytes Read"] + read["Local Bytes Read"]).alias("shuffle_read_bytes"),
            F.sum("Task Metrics.Shuffle Write Metrics.Shuffle Bytes Written").alias(
                "shuffle_write_bytes"
            ),
            F.sum("Task Metrics.Disk Bytes Spilled").alias("spill_bytes"),
        )
    )
    counts = ["tasks", "shuffle_read_bytes", "shuffle_write_bytes", "spill_bytes"]
    return (
        stages.join(tasks, on="stage_id", how="left")
        .fillna(0, subset=counts)
        .select(
            "stage_id", "name", "duration_ms", "tasks", "max_task_ms", "median_task_ms", *counts[1:]
        )
    )
