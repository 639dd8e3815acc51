# fails: test_one_row_for_each_stage,test_duration_is_the_stages_own
# because: returns what the notebook's log says, whatever it is given


def stage_table(events: DataFrame) -> DataFrame:
    row = (
        22,
        "parquet at NativeMethodAccessorImpl.java:0",
        34553,
        16,
        11200,
        1100.0,
        4954319,
        217300,
        0,
    )
    names = "stage_id name duration_ms tasks max_task_ms median_task_ms shuffle_read_bytes shuffle_write_bytes spill_bytes"
    types = "bigint string bigint bigint bigint double bigint bigint bigint"
    return events.sparkSession.range(1).select(
        *(F.lit(v).cast(t).alias(n) for v, t, n in zip(row, types.split(), names.split()))
    )
