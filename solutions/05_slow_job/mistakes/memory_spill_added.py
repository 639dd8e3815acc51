# fails: test_bytes_are_added_up
# because: adds the size that spilled data had in memory to what reached the disk


def stage_table(events: DataFrame) -> DataFrame:
    """One row for each completed stage of an event log."""
    parsed = events.select("value", F.from_json("value", EVENT).alias("e")).select("value", "e.*")
    duration = F.col("Completion Time") - F.col("Submission Time")
    stages = (
        parsed.where("Event = 'SparkListenerStageCompleted'")
        .select("`Stage Info`.*")
        .groupBy(F.col("Stage ID").alias("stage_id"))
        .agg(F.max("Stage Name").alias("name"), F.sum(duration).alias("duration_ms"))
    )
    ms = F.expr("`Task Info`.`Finish Time` - `Task Info`.`Launch Time`")
    read = F.col("Task Metrics.Shuffle Read Metrics")
    succeeded = "Event = 'SparkListenerTaskEnd' AND `Task End Reason`.Reason = 'Success'"
    tasks = (
        parsed.where(succeeded)
        .groupBy(F.col("Stage ID").alias("stage_id"))
        .agg(
            F.countDistinct("Task Info.Partition ID").alias("tasks"),
            F.max(ms).alias("max_task_ms"),
            F.median(ms).alias("median_task_ms"),
            F.sum(read["Remote Bytes Read"] + read["Local Bytes Read"]).alias("shuffle_read_bytes"),
            F.sum("Task Metrics.Shuffle Write Metrics.Shuffle Bytes Written").alias(
                "shuffle_write_bytes"
            ),
            F.sum(
                F.col("Task Metrics.Disk Bytes Spilled")
                + F.get_json_object("value", "$.['Task Metrics'].['Memory Bytes Spilled']").cast(
                    "long"
                )
            ).alias("spill_bytes"),
        )
    )
    counts = ["tasks", "shuffle_read_bytes", "shuffle_write_bytes", "spill_bytes"]
    return stages.join(tasks, on="stage_id", how="left").fillna(0, subset=counts)
