# because: the log by get_json_object and windows, max_by, a local checkpoint for a cache


def field(path: str, kind: str = "long"):
    return F.get_json_object(
        "value", "$" + "".join(f"['{part}']" for part in path.split("/"))
    ).cast(kind)


def stage_table(events: DataFrame) -> DataFrame:
    metrics = "Task Metrics/"
    ended = events.where(field("Event", "string") == "SparkListenerStageCompleted").select(
        field("Stage Info/Stage ID").alias("stage_id"),
        field("Stage Info/Stage Name", "string").alias("name"),
        (field("Stage Info/Completion Time") - field("Stage Info/Submission Time")).alias("ms"),
    )
    stages = ended.groupBy("stage_id", "name").agg(F.sum("ms").alias("duration_ms"))
    tasks = (
        events.where(field("Event", "string") == "SparkListenerTaskEnd")
        .where(field("Task End Reason/Reason", "string") == "Success")
        .select(
            field("Stage ID").alias("stage_id"),
            field("Task Info/Partition ID").alias("partition"),
            (field("Task Info/Finish Time") - field("Task Info/Launch Time")).alias("ms"),
            field(metrics + "Shuffle Read Metrics/Remote Bytes Read").alias("remote"),
            field(metrics + "Shuffle Read Metrics/Local Bytes Read").alias("local"),
            field(metrics + "Shuffle Write Metrics/Shuffle Bytes Written").alias("written"),
            field(metrics + "Disk Bytes Spilled").alias("spilled"),
        )
    )
    summed = stages.join(tasks, on="stage_id", how="left").groupBy(
        "stage_id", "name", "duration_ms"
    )
    zero = F.lit(0)
    return summed.agg(
        F.count_distinct("partition").alias("tasks"),
        F.max("ms").alias("max_task_ms"),
        F.percentile("ms", 0.5).alias("median_task_ms"),
        F.coalesce(F.sum(F.col("remote") + F.col("local")), zero).alias("shuffle_read_bytes"),
        F.coalesce(F.sum("written"), zero).alias("shuffle_write_bytes"),
        F.coalesce(F.sum("spilled"), zero).alias("spill_bytes"),
    )


def diagnosis(stages: DataFrame) -> DataFrame:
    ratio = F.try_divide("max_task_ms", F.greatest("median_task_ms", F.lit(1)))
    rules = [
        ("failed", F.col("tasks") == 0),
        ("single_task", F.col("tasks") == 1),
        ("skew", ratio >= 3),
        ("spill", F.col("spill_bytes") > 0),
        ("tiny_tasks", (F.col("tasks") >= 100) & (F.col("median_task_ms") < 50)),
    ]
    cause = F.coalesce(*(F.when(rule, name) for name, rule in rules), F.lit("compute"))
    skew = F.when(F.col("tasks") > 0, ratio).alias("skew_ratio")
    row = F.struct("stage_id", "duration_ms", skew, cause.alias("cause"))
    rank = F.struct("duration_ms", -F.col("stage_id"))
    top = stages.agg(F.max_by(row, rank).alias("top"), F.sum("duration_ms").alias("whole"))
    return top.select(
        "top.stage_id",
        (F.col("top.duration_ms") / F.col("whole")).alias("share"),
        "top.skew_ratio",
        "top.cause",
    )


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    shared = priced.localCheckpoint()
    for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
        rows = shared.groupBy(key).agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
        rows.write.mode("overwrite").saveAsTable(tables[name])
