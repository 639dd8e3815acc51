# %% answer_of_the_real_log
# task: stage_table
# fails: test_row_of_a_stage[waits]
# because: returns what the notebook's log says, whatever it is given
# breaks: one row for each stage with at least one `SparkListenerStageCompleted`
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

# %% approximate_median
# task: stage_table
# fails: test_row_of_a_stage[waits], test_reads_the_real_log
# because: approx_percentile answers with one of the two middle values
# breaks: `median_task_ms` | double | exact median of the task times
# -            F.median(ms).alias("median_task_ms"),
# +            F.percentile_approx(ms, 0.5).cast("double").alias("median_task_ms"),

# %% counts_failed_attempts
# task: stage_table
# fails: test_row_of_a_stage[failed_attempts]
# because: every attempt of a task counts, also failed ones
# breaks: All columns after `duration_ms` come from the task attempts (`SparkListenerTaskEnd`) that
#   ended with the reason `Success`.
# -    succeeded = "Event = 'SparkListenerTaskEnd' AND `Task End Reason`.Reason = 'Success'"
# +    succeeded = "Event = 'SparkListenerTaskEnd'"
# -            F.countDistinct("Task Info.Partition ID").alias("tasks"),
# +            F.count("*").alias("tasks"),

# %% cut_line_repaired
# task: stage_table
# fails: test_only_completed_stages
# because: closes the brackets that a cut-off line lacks
# breaks: Such a line is no event.
# -    parsed = events.select(F.from_json("value", EVENT).alias("e")).select("e.*")
# +    whole = F.concat("value", F.lit("}}"))
# +    parsed = events.select(F.from_json(whole, EVENT).alias("e")).select("e.*")

# %% drops_failed_keeps_killed
# task: stage_table
# fails: test_row_of_a_stage[failed_attempts]
# because: leaves out exceptions only, and counts killed speculative copies
# breaks: Failed and killed attempts count nowhere.
# -    succeeded = "Event = 'SparkListenerTaskEnd' AND `Task End Reason`.Reason = 'Success'"
# +    succeeded = "Event = 'SparkListenerTaskEnd' AND `Task End Reason`.Reason NOT LIKE '%Exception%'"
# -            F.countDistinct("Task Info.Partition ID").alias("tasks"),
# +            F.count("*").alias("tasks"),

# %% duration_from_first_task
# task: stage_table
# fails: test_row_of_a_stage[waits]
# because: measures from the first task's launch to the last one's finish: the wait for a core is
#   lost
# breaks: from submission to completion, added up over the stage's attempts
# -    duration = F.col("Completion Time") - F.col("Submission Time")
#
# -        .agg(F.max("Stage Name").alias("name"), F.sum(duration).alias("duration_ms"))
# +        .agg(F.max("Stage Name").alias("name"))
# -        .agg(
# +        .agg(
# +            (F.max("Task Info.Finish Time") - F.min("Task Info.Launch Time")).alias("duration_ms"),
# -    return stages.join(tasks, on="stage_id", how="left").fillna(0, subset=counts)
# +    return (
# +        stages.join(tasks, on="stage_id", how="left")
# +        .fillna(0, subset=counts)
# +        .select(
# +            "stage_id", "name", "duration_ms", "tasks", "max_task_ms", "median_task_ms", *counts[1:]
# +        )
# +    )

# %% first_attempt_of_a_partition
# task: stage_table
# fails: test_row_of_a_stage[ran_twice], test_other_logs[retried]
# because: keeps one attempt of each partition, and loses times and bytes of the others
# breaks: it counts as one task, and the times and bytes of all of them count.
# -        parsed.where(succeeded)
# +        parsed.where(succeeded)
# +        .withColumn("partition", F.col("Task Info.Partition ID"))
# +        .dropDuplicates(["Stage ID", "partition"])

# %% first_launch_to_last_finish
# task: stage_table
# fails: test_row_of_a_stage[waits]
# because: takes the time from the first launch to the last finish for the longest task
# breaks: `max_task_ms` | long | longest task, from launch to finish
# -            F.max(ms).alias("max_task_ms"),
# +            F.expr("max(`Task Info`.`Finish Time`) - min(`Task Info`.`Launch Time`)").alias(
# +                "max_task_ms"
# +            ),

# %% first_submission_to_last_completion
# task: stage_table
# fails: test_row_of_a_stage[ran_twice], test_other_logs[retried]
# because: counts the pause between two attempts as work of the stage
# breaks: from submission to completion, added up over the stage's attempts
# -    duration = F.col("Completion Time") - F.col("Submission Time")
#
# -        .agg(F.max("Stage Name").alias("name"), F.sum(duration).alias("duration_ms"))
# +        .agg(
# +            F.max("Stage Name").alias("name"),
# +            (F.max("Completion Time") - F.min("Submission Time")).alias("duration_ms"),
# +        )

# %% largest_write_only
# task: stage_table
# fails: test_row_of_a_stage[bytes]
# because: takes the bytes of the task that wrote most
# breaks: `shuffle_write_bytes` | long | bytes written to shuffles
# -            F.sum("Task Metrics.Shuffle Write Metrics.Shuffle Bytes Written").alias(
# +            F.max("Task Metrics.Shuffle Write Metrics.Shuffle Bytes Written").alias(

# %% local_reads_only
# task: stage_table
# fails: test_row_of_a_stage[bytes]
# because: on one machine all reads are local, on a cluster most are remote
# breaks: `shuffle_read_bytes` | long | bytes read from shuffles, remote and local
# -            F.sum(read["Remote Bytes Read"] + read["Local Bytes Read"]).alias("shuffle_read_bytes"),
# +            F.sum(read["Local Bytes Read"]).alias("shuffle_read_bytes"),

# %% log_read_without_names
# task: stage_table
# fails: test_reads_the_real_log
# because: keeps one name for all stages: the first one seen
# breaks: `stage_id`, `name` | long, string | `Stage ID` and `Stage Name`
# -        .agg(F.max("Stage Name").alias("name"), F.sum(duration).alias("duration_ms"))
# +        .agg(F.lit("count at job.py:1").alias("name"), F.sum(duration).alias("duration_ms"))

# %% mean_task_time
# task: stage_table
# fails: test_row_of_a_stage[waits]
# because: the mean hides the skew that the median shows
# breaks: `median_task_ms` | double | exact median of the task times
# -            F.median(ms).alias("median_task_ms"),
# +            F.mean(ms).alias("median_task_ms"),

# %% memory_spill_added
# task: stage_table
# fails: test_row_of_a_stage[bytes]
# because: adds the size that spilled data had in memory to what reached the disk
# breaks: `spill_bytes` | long | bytes spilled to disk
# -    parsed = events.select(F.from_json("value", EVENT).alias("e")).select("e.*")
# +    parsed = events.select("value", F.from_json("value", EVENT).alias("e")).select("value", "e.*")
# -            F.sum("Task Metrics.Disk Bytes Spilled").alias("spill_bytes"),
# +            F.sum(
# +                F.col("Task Metrics.Disk Bytes Spilled")
# +                + F.get_json_object("value", "$['Task Metrics']['Memory Bytes Spilled']").cast(
# +                    "long"
# +                )
# +            ).alias("spill_bytes"),

# %% null_bytes_of_failed_stage
# task: stage_table
# fails: test_row_of_a_stage[never_succeeded]
# because: leaves nulls where nothing succeeded
# breaks: A stage without any successful attempt has 0 tasks and 0 bytes, and both of its task times
#   are null.
# -    counts = ["tasks", "shuffle_read_bytes", "shuffle_write_bytes", "spill_bytes"]
# -    return stages.join(tasks, on="stage_id", how="left").fillna(0, subset=counts)
# +    return stages.join(tasks, on="stage_id", how="left")

# %% repeated_partitions_counted_twice
# task: stage_table
# fails: test_row_of_a_stage[ran_twice], test_other_logs[retried]
# because: a partition computed again after its output was lost counts twice
# breaks: partitions computed: a `Partition ID` counts once
# -            F.countDistinct("Task Info.Partition ID").alias("tasks"),
# +            F.count("Task Info.Partition ID").alias("tasks"),

# %% row_for_each_attempt
# task: stage_table
# fails: test_row_of_a_stage[ran_twice]
# because: one row for each attempt of a stage, as the UI lists them; tasks are joined to both
# breaks: one row for each stage with at least one `SparkListenerStageCompleted`
# -        .select("`Stage Info`.*")
# -        .groupBy(F.col("Stage ID").alias("stage_id"))
# +        .select("`Stage Info`.*")
# +        .groupBy(F.col("Stage ID").alias("stage_id"), "Stage Attempt ID")
# -    return stages.join(tasks, on="stage_id", how="left").fillna(0, subset=counts)
# +    return (
# +        stages.join(tasks, on="stage_id", how="left")
# +        .fillna(0, subset=counts)
# +        .drop("Stage Attempt ID")
# +    )

# %% stages_from_tasks
# task: stage_table
# fails: test_only_completed_stages
# because: takes every stage that had a task, also one that still ran when the application ended
# breaks: one row for each stage with at least one `SparkListenerStageCompleted`
# -    return stages.join(tasks, on="stage_id", how="left").fillna(0, subset=counts)
# +    return stages.join(tasks, on="stage_id", how="full").fillna(0, subset=counts)

# %% stages_of_the_jobs
# task: stage_table
# fails: test_only_completed_stages
# because: takes every event with stage information, those of submitted stages too, and rows of
#   other events
# breaks: one row for each stage with at least one `SparkListenerStageCompleted`
# -        parsed.where("Event = 'SparkListenerStageCompleted'")
# -        .select("`Stage Info`.*")
# +        parsed.select("`Stage Info`.*")
# -    return stages.join(tasks, on="stage_id", how="left").fillna(0, subset=counts)
# +    return stages.join(tasks, on="stage_id", how="full").fillna(0, subset=counts)

# %% stages_without_success_dropped
# task: stage_table
# fails: test_row_of_a_stage[never_succeeded], test_other_logs[killed]
# because: an inner join loses the stage that took nine seconds and did nothing
# breaks: A stage without any successful attempt has 0 tasks and 0 bytes
# -    return stages.join(tasks, on="stage_id", how="left").fillna(0, subset=counts)
# +    return stages.join(tasks, on="stage_id", how="inner").fillna(0, subset=counts)

# %% times_of_failed_stage_zero
# task: stage_table
# fails: test_row_of_a_stage[never_succeeded], test_other_logs[killed]
# because: says that the longest task of a stage without any took 0 ms
# breaks: and both of its task times are null.
# -    return stages.join(tasks, on="stage_id", how="left").fillna(0, subset=counts)
# +    return stages.join(tasks, on="stage_id", how="left").fillna(0)

# %% total_task_time_as_duration
# task: stage_table
# fails: test_row_of_a_stage[waits]
# because: adds up the tasks' times: 16 tasks beside each other don't last 16 times as long
# breaks: from submission to completion, added up over the stage's attempts
# -    duration = F.col("Completion Time") - F.col("Submission Time")
#
# -        .agg(F.max("Stage Name").alias("name"), F.sum(duration).alias("duration_ms"))
# +        .agg(F.max("Stage Name").alias("name"))
# -        .agg(
# +        .agg(
# +            F.sum(ms).alias("duration_ms"),
# -    return stages.join(tasks, on="stage_id", how="left").fillna(0, subset=counts)
# +    return (
# +        stages.join(tasks, on="stage_id", how="left")
# +        .fillna(0, subset=counts)
# +        .select(
# +            "stage_id", "name", "duration_ms", "tasks", "max_task_ms", "median_task_ms", *counts[1:]
# +        )
# +    )

# %% failed_stage_forgotten
# task: diagnosis
# fails: test_longest_stage[tie], test_other_stages[failed]
# because: a stage without a successful task is called compute
# breaks: `failed` | no task succeeded | read the failure reason first
# -        F.when(F.col("tasks") == 0, "failed")
# -        .when(F.col("tasks") == 1, "single_task")
# +        F.when(F.col("tasks") == 1, "single_task")

# %% fifty_is_tiny
# task: diagnosis
# fails: test_longest_stage[not_tiny]
# because: a median of 50 ms is tiny, too
# breaks: `tiny_tasks` | 100 tasks or more, median under 50 ms
# -        .when((F.col("tasks") >= 100) & (F.col("median_task_ms") < 50), "tiny_tasks")
# +        .when((F.col("tasks") >= 100) & (F.col("median_task_ms") <= 50), "tiny_tasks")

# %% median_of_zero_divides
# task: diagnosis
# fails: test_longest_stage[median_of_zero]
# because: divides by a median of 0 ms, an error in ANSI mode
# breaks: A median under 1 ms counts as 1 ms in the ratio.
# outcome: error
# -    ratio = F.col("max_task_ms") / F.greatest("median_task_ms", F.lit(1.0))
# +    ratio = F.col("max_task_ms") / F.col("median_task_ms")

# %% more_than_a_hundred
# task: diagnosis
# fails: test_longest_stage[tiny_tasks], test_other_stages[tiny_tasks]
# because: 100 tasks are not tiny yet
# breaks: `tiny_tasks` | 100 tasks or more, median under 50 ms
# -        .when((F.col("tasks") >= 100) & (F.col("median_task_ms") < 50), "tiny_tasks")
# +        .when((F.col("tasks") > 100) & (F.col("median_task_ms") < 50), "tiny_tasks")

# %% more_than_three
# task: diagnosis
# fails: test_longest_stage[skew], test_other_stages[skew]
# because: a ratio of exactly 3 is no skew
# breaks: `skew` | ratio at least 3 | one key holds most rows
# -        .when(ratio >= 3, "skew")
# +        .when(ratio > 3, "skew")

# %% most_task_time_dominates
# task: diagnosis
# fails: test_longest_stage[longest]
# because: task time added up says what a stage costs, not how long the job waits for it
# breaks: It returns one row, about the stage that lasted longest
# -    longest = stages.orderBy(F.desc("duration_ms"), "stage_id").limit(1)
# +    longest = stages.orderBy((F.col("tasks") * F.col("median_task_ms")).desc(), "stage_id").limit(1)

# %% no_ratio_is_zero
# task: diagnosis
# fails: test_longest_stage[tie], test_other_stages[failed]
# because: a ratio of 0 for a stage without tasks: it looks perfectly even
# breaks: A stage without tasks has a null ratio.
# -        F.when(F.col("tasks") > 0, ratio).alias("skew_ratio"),
# +        F.when(F.col("tasks") > 0, ratio).otherwise(0.0).alias("skew_ratio"),

# %% one_task_is_no_cause
# task: diagnosis
# fails: test_longest_stage[single_task]
# because: doesn't look for stages of one task, and names their spill
# breaks: `single_task` | one task
# -        .when(F.col("tasks") == 1, "single_task")

# %% only_a_median_of_zero_counts_as_one
# task: diagnosis
# fails: test_longest_stage[median_of_a_half], test_other_stages[skew]
# because: takes 0 ms for 1 ms, but divides by half a millisecond
# breaks: A median under 1 ms counts as 1 ms in the ratio.
# -    ratio = F.col("max_task_ms") / F.greatest("median_task_ms", F.lit(1.0))
# +    median = F.when(F.col("median_task_ms") == 0, 1.0).otherwise(F.col("median_task_ms"))
# +    ratio = F.col("max_task_ms") / median

# %% ratio_of_the_mean
# task: diagnosis
# fails: test_longest_stage[longest]
# because: divides by the share of a task in the duration, not by the median
# breaks: `skew_ratio` | double | longest task over median task
# -    ratio = F.col("max_task_ms") / F.greatest("median_task_ms", F.lit(1.0))
# +    ratio = F.col("max_task_ms") / F.greatest(F.try_divide("duration_ms", "tasks"), F.lit(1.0))

# %% share_of_the_longest
# task: diagnosis
# fails: test_longest_stage[longest]
# because: the share of the longest stage is taken of the longest stage
# breaks: `share` | double | its duration as a share of the sum of all durations, from 0 to 1
# -    whole = stages.agg(F.sum("duration_ms").alias("whole"))
# +    whole = stages.agg(F.max("duration_ms").alias("whole"))

# %% short_tasks_are_tiny
# task: diagnosis
# fails: test_longest_stage[few_tasks]
# because: looks at the median alone, not at the number of tasks
# breaks: `compute` | otherwise | every task works evenly: cost per row, so read the plan
# -        .when((F.col("tasks") >= 100) & (F.col("median_task_ms") < 50), "tiny_tasks")
# +        .when(F.col("median_task_ms") < 50, "tiny_tasks")

# %% shuffle_is_always_to_blame
# task: diagnosis
# fails: test_longest_stage[few_tasks]
# because: calls any stage that shuffles much skewed
# breaks: `skew` | ratio at least 3 | one key holds most rows
# -        .when(ratio >= 3, "skew")
# +        .when((ratio >= 3) | (F.col("shuffle_read_bytes") > 10**8), "skew")

# %% slowest_task_dominates
# task: diagnosis
# fails: test_longest_stage[longest]
# because: the stage of the slowest task need not be the one that lasted longest
# breaks: It returns one row, about the stage that lasted longest
# -    longest = stages.orderBy(F.desc("duration_ms"), "stage_id").limit(1)
# +    longest = stages.orderBy(F.desc("max_task_ms"), "stage_id").limit(1)

# %% spill_before_skew
# task: diagnosis
# fails: test_longest_stage[skew]
# because: names the spill of the one large task, a symptom of skew
# breaks: `cause` | string | the first line of the next table that fits
# -        .when(F.col("tasks") == 1, "single_task")
# +        .when(F.col("tasks") == 1, "single_task")
# +        .when(F.col("spill_bytes") > 0, "spill")
# -        .when(F.col("spill_bytes") > 0, "spill")

# %% spill_is_compute
# task: diagnosis
# fails: test_longest_stage[spill]
# because: doesn't look at spill at all
# breaks: `spill` | spilled to disk | partitions too large for the memory of a task
# -        .when(F.col("spill_bytes") > 0, "spill")

# %% tie_by_chance
# task: diagnosis
# fails: test_longest_stage[tie]
# because: takes the later of two stages that lasted equally long
# breaks: Of two stages that lasted equally long, take the one with the smaller `stage_id`.
# -    longest = stages.orderBy(F.desc("duration_ms"), "stage_id").limit(1)
# +    longest = stages.orderBy(F.desc("duration_ms"), F.desc("stage_id")).limit(1)

# %% tiny_before_spill
# task: diagnosis
# fails: test_longest_stage[spill]
# because: asks for tiny tasks before it asks for spill
# breaks: `cause` | string | the first line of the next table that fits
# -        .when(F.col("spill_bytes") > 0, "spill")
# -        .when((F.col("tasks") >= 100) & (F.col("median_task_ms") < 50), "tiny_tasks")
# +        .when((F.col("tasks") >= 100) & (F.col("median_task_ms") < 50), "tiny_tasks")
# +        .when(F.col("spill_bytes") > 0, "spill")

# %% between_both_ends
# task: fast_report
# fails: test_planted_orders[rate_of_the_moment]
# because: BETWEEN includes both ends: an order at the change of rates counts twice
# breaks: It returns the rows of `slow_report`, with the same columns in the same order
# -        F.col("valid_to").isNull() | (F.col("ordered_at") < F.col("valid_to"))
# +        F.col("valid_to").isNull() | (F.col("ordered_at") <= F.col("valid_to"))

# %% blank_names_unknown
# task: fast_report
# fails: test_planted_orders[names]
# because: calls a country of blanks unknown, which `price` keeps
# breaks: It returns the rows of `slow_report`, with the same columns in the same order
# -                F.coalesce(F.nullif(c, F.lit("")), F.lit("unknown")).alias(c)
# +                F.when(F.trim(c) != "", F.col(c)).otherwise("unknown").alias(c)

# %% branch_twice
# task: fast_report
# fails: test_orders_are_read_once
# because: computes the countries' totals from the orders again
# breaks: Orders are read once.
# -    total = F.sum("revenue").over(Window.partitionBy("country"))
# +    countries = priced.groupBy("country").agg(F.sum("euro").alias("total"))
# -    return segments.withColumn("total", total).select(
# +    return segments.join(countries, on="country", how="inner").select(

# %% broadcasts_the_orders
# task: fast_report
# fails: test_small_sides_are_broadcast
# because: broadcasts the wrong side: the table that grows
# breaks: Customers and rates are broadcast, orders aren't.
# -        orders.where(in_2026 & counts)
# -        .withColumn("code", code)
# -        .join(F.broadcast(named), on=(F.col("code") == F.col("rate_currency")) & valid, how="inner")
# +        named.join(
# +            F.broadcast(orders.where(in_2026 & counts).withColumn("code", code)),
# +            on=(F.col("code") == F.col("rate_currency")) & valid,
# +            how="inner",
# +        )

# %% cached_inside
# task: fast_report
# fails: test_call_runs_no_job
# because: caches and counts inside the function, to make the second use cheap; nobody releases it
# breaks: Calling the function runs no job.
# -    segments = priced.groupBy("country", "segment").agg(
# +    priced = priced.cache()
# +    priced.count()
# +    segments = priced.groupBy("country", "segment").agg(

# %% cleans_before_the_default
# task: fast_report
# fails: test_planted_orders[currencies]
# because: takes a currency of blanks for a missing one: cleans first, then looks
# breaks: Test what `price` does with odd values before you replace it: the data has them.
# -    typed = F.coalesce(F.nullif("currency", F.lit("")), F.lit("EUR"))
#
# -    code = F.upper(F.btrim(typed, F.lit(" \t\r\n")))
# +    code = F.upper(F.btrim("currency", F.lit(" \t\r\n")))
# +    code = F.coalesce(F.nullif(code, F.lit("")), F.lit("EUR"))

# %% counts_kept
# task: fast_report
# fails: test_call_runs_no_job
# because: keeps a count for the log line
# breaks: Calling the function runs no job.
# -    segments = priced.groupBy("country", "segment").agg(
# +    print(priced.count(), "orders priced")
# +    segments = priced.groupBy("country", "segment").agg(

# %% customers_inner
# task: fast_report
# fails: test_same_rows_as_the_slow_job
# because: an inner join loses the orders of unknown customers
# breaks: It returns the rows of `slow_report`, with the same columns in the same order
# -        .join(F.broadcast(customers), on="customer_id", how="left")
# +        .join(F.broadcast(customers), on="customer_id", how="inner")

# %% distinct_over_all_columns
# task: fast_report
# fails: test_reads_only_needed_columns
# because: removes duplicates that there aren't, over all columns: every one is read
# breaks: Only needed columns are read.
# -        orders.where(in_2026 & counts)
# +        orders.where(in_2026 & counts)
# +        .dropDuplicates()

# %% double_arithmetic
# task: fast_report
# fails: test_same_rows_as_the_slow_job
# because: computes money in floating point
# breaks: `revenue` decimal(24,2), `share` double
# -    euro = F.bround(F.coalesce("amount", F.lit(0)) * F.col("rate"), 2).cast("decimal(14,2)")
# +    euro = F.bround(F.coalesce("amount", F.lit(0)).cast("double") * F.col("rate").cast("double"), 2)

# %% empty_text_is_a_value
# task: fast_report
# fails: test_planted_orders[names]
# because: only nulls get a default; in Python an empty string is false, too
# breaks: Test what `price` does with odd values before you replace it: the data has them.
# -            *(
# -                F.coalesce(F.nullif(c, F.lit("")), F.lit("unknown")).alias(c)
# -                for c in ["country", "segment"]
# -            ),
# +            *(F.coalesce(c, F.lit("unknown")).alias(c) for c in ["country", "segment"]),

# %% filter_left_above_the_join
# task: fast_report
# fails: test_filters_reach_the_scan
# because: filters on a column that depends on the joined rate, so that the filter stays above the
#   join
# breaks: The reader of orders applies both filters of `price`, on state and on year.
# -    counts = F.col("status").isin("paid", "shipped")
#
# -        orders.where(in_2026 & counts)
# +        orders.where(in_2026)
# -        .join(F.broadcast(customers), on="customer_id", how="left")
# +        .join(F.broadcast(customers), on="customer_id", how="left")
# +        .where(
# +            F.when(F.col("rate").isNull(), F.lit("lost"))
# +            .otherwise(F.col("status"))
# +            .isin("paid", "shipped")
# +        )

# %% half_up
# task: fast_report
# fails: test_planted_orders[half_cents]
# because: round() takes halves away from zero, quantize to the even cent
# breaks: Test what `price` does with odd values before you replace it: the data has them.
# -    euro = F.bround(F.coalesce("amount", F.lit(0)) * F.col("rate"), 2).cast("decimal(14,2)")
# +    euro = F.round(F.coalesce("amount", F.lit(0)) * F.col("rate"), 2).cast("decimal(14,2)")

# %% last_day_lost
# task: fast_report
# fails: test_planted_orders[year]
# because: <= '2026-12-31' ends at the first moment of that day
# breaks: It returns the rows of `slow_report`, with the same columns in the same order
# -    in_2026 = (F.col("ordered_at") >= "2026-01-01") & (F.col("ordered_at") < "2027-01-01")
# +    in_2026 = (F.col("ordered_at") >= "2026-01-01") & (F.col("ordered_at") <= "2026-12-31")

# %% many_small_tasks
# task: fast_report
# fails: test_moves_a_tenth_of_the_bytes
# because: asks for 400 partitions of a few rows each
# breaks: and runs at most half of its tasks.
# -    segments = priced.groupBy("country", "segment").agg(
# +    segments = priced.repartition(400, "country").groupBy("country", "segment").agg(

# %% merge_hint_kept
# task: fast_report
# fails: test_small_sides_are_broadcast
# because: keeps the hint of 2019, and with it the shuffle of the orders by customer
# breaks: Customers and rates are broadcast, orders aren't.
# -        .join(F.broadcast(customers), on="customer_id", how="left")
# +        .join(customers.hint("merge"), on="customer_id", how="left")

# %% null_amounts_stay_null
# task: fast_report
# fails: test_planted_orders[no_revenue]
# because: the sum of nothing but nulls is null, not 0.00
# breaks: Test what `price` does with odd values before you replace it: the data has them.
# -    euro = F.bround(F.coalesce("amount", F.lit(0)) * F.col("rate"), 2).cast("decimal(14,2)")
# +    euro = F.bround(F.col("amount") * F.col("rate"), 2).cast("decimal(14,2)")

# %% only_python_removed
# task: fast_report
# fails: test_small_sides_are_broadcast, test_at_most_two_shuffles
# because: drops Python, and keeps the hint, the range join and repartition as they were
# breaks: There are two shuffles at most, and none into a single task.
# -        .join(F.broadcast(named), on=(F.col("code") == F.col("rate_currency")) & valid, how="inner")
# -        .join(F.broadcast(customers), on="customer_id", how="left")
# +        .join(customers.hint("merge"), on="customer_id", how="left")
# +        .join(named, on=valid, how="inner")
# +        .repartition(1)
# +        .where(F.col("code") == F.col("rate_currency"))

# %% open_rates_lost
# task: fast_report
# fails: test_planted_orders[rate_of_the_moment]
# because: a rate without an end never matches
# breaks: It returns the rows of `slow_report`, with the same columns in the same order
# -    valid = (F.col("valid_from") <= F.col("ordered_at")) & (
# -        F.col("valid_to").isNull() | (F.col("ordered_at") < F.col("valid_to"))
# -    )
# +    valid = (F.col("valid_from") <= F.col("ordered_at")) & (F.col("ordered_at") < F.col("valid_to"))

# %% pandas_udf
# task: fast_report
# fails: test_no_python_in_the_plan
# because: a pandas function is still Python: rows leave the JVM, and the optimizer sees a box
# breaks: No row passes through Python.
# -    euro = F.bround(F.coalesce("amount", F.lit(0)) * F.col("rate"), 2).cast("decimal(14,2)")
# +    euro = to_euro("amount", "rate")

from decimal import Decimal

import pandas as pd


@F.pandas_udf("decimal(14,2)")
def to_euro(amount: pd.Series, rate: pd.Series) -> pd.Series:
    return (amount.fillna(Decimal(0)) * rate).map(lambda euro: euro.quantize(Decimal("0.01")))

# %% plain_udf_for_rounding
# task: fast_report
# fails: test_no_python_in_the_plan
# because: keeps a small Python function, for the rounding only
# breaks: No row passes through Python.
# -    euro = F.bround(F.coalesce("amount", F.lit(0)) * F.col("rate"), 2).cast("decimal(14,2)")
# +    euro = to_cents(F.coalesce("amount", F.lit(0)) * F.col("rate"))

from decimal import Decimal


@F.udf("decimal(14,2)")
def to_cents(euro):
    return euro.quantize(Decimal("0.01"))

# %% range_join_kept
# task: fast_report
# fails: test_no_nested_loop
# because: joins rates by time alone and compares currencies as text afterwards
# breaks: Rates are found by key: the plan has no nested loop join.
# -        .join(F.broadcast(named), on=(F.col("code") == F.col("rate_currency")) & valid, how="inner")
# +        .join(
# +            F.broadcast(named),
# +            on=valid & F.col("code").startswith(F.col("rate_currency")),
# +            how="inner",
# +        )

# %% rates_through_the_driver
# task: fast_report
# fails: test_small_sides_are_broadcast, test_reads_only_needed_columns
# because: collects the rates, and makes a frame of them again
# breaks: The plan reads all three inputs from their files: no row passes through the driver.
# -    named = rates.withColumnRenamed("currency", "rate_currency")
# +    rates = orders.sparkSession.createDataFrame(rates.toArrow(), rates.schema)
# +    named = rates.withColumnRenamed("currency", "rate_currency")

# %% repartition_kept
# task: fast_report
# fails: test_at_most_two_shuffles
# because: keeps repartition(1): all rows behind it go through one task
# breaks: There are two shuffles at most, and none into a single task.
# -    segments = priced.groupBy("country", "segment").agg(
# -        F.count("*").alias("orders"), F.sum("euro").alias("revenue")
# +    segments = (
# +        priced.repartition(1)
# +        .groupBy("country", "segment")
# +        .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))

# %% repartitions_by_currency_first
# task: fast_report
# fails: test_at_most_two_shuffles
# because: shuffles the orders by currency before a broadcast join that doesn't need it
# breaks: There are two shuffles at most
# -        .withColumn("code", code)
# +        .withColumn("code", code)
# +        .repartition("code")

# %% rounds_the_sum
# task: fast_report
# fails: test_planted_orders[half_cents]
# because: rounds the sums rather than each order
# breaks: It returns the rows of `slow_report`, with the same columns in the same order
# -    euro = F.bround(F.coalesce("amount", F.lit(0)) * F.col("rate"), 2).cast("decimal(14,2)")
# +    euro = F.coalesce("amount", F.lit(0)) * F.col("rate")
# -        F.count("*").alias("orders"), F.sum("euro").alias("revenue")
# +        F.count("*").alias("orders"),
# +        F.bround(F.sum("euro"), 2).cast("decimal(24,2)").alias("revenue"),

# %% share_before_revenue
# task: fast_report
# fails: test_same_rows_as_the_slow_job
# because: returns the same columns in another order
# breaks: with the same columns in the same order: `country` string, `segment` string,
# -        "country", "segment", "orders", "revenue", F.when(F.col("total") != 0, share).alias("share")
# +        "country", "segment", "orders", F.when(F.col("total") != 0, share).alias("share"), "revenue"

# %% share_of_all_countries
# task: fast_report
# fails: test_same_rows_as_the_slow_job
# because: takes the share of all revenue, not of the country's
# breaks: It returns the rows of `slow_report`, with the same columns in the same order
# -    total = F.sum("revenue").over(Window.partitionBy("country"))
# +    total = F.sum("revenue").over(Window.partitionBy(F.lit("all")))

# %% sorted_for_readers
# task: fast_report
# fails: test_at_most_two_shuffles
# because: sorts the report, which is a third shuffle
# breaks: There are two shuffles at most
# -        "country", "segment", "orders", "revenue", F.when(F.col("total") != 0, share).alias("share")
# -    )
# +        "country", "segment", "orders", "revenue", F.when(F.col("total") != 0, share).alias("share")
# +    ).orderBy("country", "segment")

# %% states_cleaned
# task: fast_report
# fails: test_planted_orders[states]
# because: trims and lowers states, and counts orders that the slow job leaves out
# breaks: It returns the rows of `slow_report`, with the same columns in the same order
# -    counts = F.col("status").isin("paid", "shipped")
# +    counts = F.lower(F.trim("status")).isin("paid", "shipped") & F.col("status").isNotNull()

# %% tabs_stay
# task: fast_report
# fails: test_planted_orders[currencies]
# because: trim removes blanks only; strip removes tabs too
# breaks: Test what `price` does with odd values before you replace it: the data has them.
# -    code = F.upper(F.btrim(typed, F.lit(" \t\r\n")))
# +    code = F.upper(F.trim(typed))

# %% through_the_driver
# task: fast_report
# fails: test_call_runs_no_job
# because: collects the report and makes a frame of it again
# breaks: The plan reads all three inputs from their files: no row passes through the driver.
# -    return segments.withColumn("total", total).select(
# +    shares = segments.withColumn("total", total).select(
# -        "country", "segment", "orders", "revenue", F.when(F.col("total") != 0, share).alias("share")
# -    )
# +        "country", "segment", "orders", "revenue", F.when(F.col("total") != 0, share).alias("share")
# +    )
# +    return orders.sparkSession.createDataFrame(shares.toArrow(), shares.schema)

# %% totals_of_the_segments_joined
# task: fast_report
# fails: test_orders_are_read_once
# because: joins totals of the segments to the segments: pruned to other columns, the second use
#   can't re-use the exchange
# breaks: Orders are read once.
# -    total = F.sum("revenue").over(Window.partitionBy("country"))
# +    countries = segments.groupBy("country").agg(F.sum("revenue").alias("total"))
# -    return segments.withColumn("total", total).select(
# +    return segments.join(countries, on="country", how="inner").select(

# %% whole_rows_shuffled
# task: fast_report
# fails: test_moves_a_tenth_of_the_bytes
# because: spreads the orders over partitions with all of their columns, before any is joined
# breaks: The report shuffles at most a tenth of the bytes that the slow job shuffles,
# -        orders.where(in_2026 & counts)
# +        orders.where(in_2026 & counts)
# +        .repartition(F.xxhash64(*orders.columns))

# %% year_function
# task: fast_report
# fails: test_filters_reach_the_scan
# because: year(ordered_at) = 2026 can't be applied by the reader
# breaks: The reader of orders applies both filters of `price`, on state and on year.
# -    in_2026 = (F.col("ordered_at") >= "2026-01-01") & (F.col("ordered_at") < "2027-01-01")
# +    in_2026 = F.year("ordered_at") == 2026

# %% appends
# task: materialise_once
# fails: test_next_run_replaces, test_other_tables
# because: a second run doubles the numbers
# breaks: The function creates the tables, or replaces what they hold
# -                .write.mode("overwrite")
# +                .write.mode("append")

# %% cached_and_kept
# task: materialise_once
# fails: test_nothing_is_left
# because: caches and never releases
# breaks: Afterwards nothing is cached and no other table is left in any database, also when an
#   error comes up
# -        shared.unpersist()
# +        pass

# %% cached_twice
# task: materialise_once
# fails: test_nothing_is_left
# because: caches the branch and a projection of it, and releases the projection only
# breaks: Afterwards nothing is cached and no other table is left in any database, also when an
#   error comes up
# -    shared = priced.persist()
# +    shared = priced.cache().withColumn("one", F.lit(1)).persist()

# %% caches_the_outputs
# task: materialise_once
# fails: test_branch_is_computed_once
# because: caches the two results, each used once, instead of what they share
# breaks: `priced` is computed once, so that both tables agree even if a source changes in between.
# -    shared = priced.persist()
#
# -            (
# -                shared.groupBy(key)
# -                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
# -                .write.mode("overwrite")
# -                .saveAsTable(tables[name])
# -            )
# -    finally:
# -        shared.unpersist()
# +            sums = F.count("*").alias("orders"), F.sum("euro").alias("revenue")
# +            rows = priced.groupBy(key).agg(*sums).persist()
# +            try:
# +                rows.write.mode("overwrite").saveAsTable(tables[name])
# +            finally:
# +                rows.unpersist()
# +    finally:
# +        pass

# %% collects_the_branch
# task: materialise_once
# fails: test_rows_stay_on_the_executors
# because: computed once, and every row travels to the driver and back
# breaks: The rows of `priced` don't pass through the driver.
# -    shared = priced.persist()
# +    shared = priced.sparkSession.createDataFrame(priced.toArrow(), priced.schema)

# %% counts_amounts_not_orders
# task: materialise_once
# fails: test_both_tables_are_written
# because: counts the distinct amounts
# breaks: `orders` counts the rows of `priced`
# -                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
# +                .agg(F.countDistinct("euro").alias("orders"), F.sum("euro").alias("revenue"))

# %% first_write_unguarded
# task: materialise_once
# fails: test_released_after_an_error[by_country], test_released_after_an_error[branch]
# because: writes the first table before the block that releases the branch
# breaks: Afterwards nothing is cached and no other table is left in any database, also when an
#   error comes up
# -    try:
# -        for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
# +    sums = [F.count("*").alias("orders"), F.sum("euro").alias("revenue")]
# +    by_country = shared.groupBy("country").agg(*sums)
# +    by_country.write.mode("overwrite").saveAsTable(tables["by_country"])
# +    try:
# +        for name, key in (("by_day", "ordered_on"),):

# %% counts_amounts
# task: materialise_once
# fails: test_both_tables_are_written, test_other_tables
# because: count(euro) leaves out rows whose amount is null
# breaks: `orders` counts the rows of `priced`, also those with a null `euro`.
# -                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
# +                .agg(F.count("euro").alias("orders"), F.sum("euro").alias("revenue"))

# %% never_cached
# task: materialise_once
# fails: test_branch_is_computed_once
# because: each write computes the branch again
# breaks: `priced` is computed once, so that both tables agree even if a source changes in between.
# -    shared = priced.persist()
# +    shared = priced
# -        shared.unpersist()
# +        pass

# %% nothing_to_do
# task: materialise_once
# fails: test_next_run_replaces
# because: returns early when the branch has no rows: yesterday's tables stay
# breaks: or replaces what they hold, also when `priced` has no rows.
# -    try:
# +    try:
# +        if shared.isEmpty():
# +            return

# %% only_analysis_errors_release
# task: materialise_once
# fails: test_released_after_an_error[branch]
# because: releases when a table can't be written, and not when a row can't be computed
# breaks: also when an error comes up: a table can't be written, or a row of `priced` can't be
#   computed.
# -    finally:
# -        shared.unpersist()
# +    except AnalysisException:
# +        shared.unpersist()
# +        raise
# +    shared.unpersist()

from pyspark.errors import AnalysisException

# %% released_before_the_second_write
# task: materialise_once
# fails: test_branch_is_computed_once
# because: writes are actions, frames are plans: releasing after the first write makes the second
#   compute again
# breaks: `priced` is computed once, so that both tables agree even if a source changes in between.
# -            )
# +            )
# +            shared.unpersist()

# %% released_on_success_only
# task: materialise_once
# fails: test_released_after_an_error[by_country], test_released_after_an_error[by_day],
#   test_released_after_an_error[branch]
# because: a failing write skips the release
# breaks: Afterwards nothing is cached and no other table is left in any database, also when an
#   error comes up
# -    finally:
# -        shared.unpersist()
# +        shared.unpersist()
# +    finally:
# +        pass

# %% replaces_partitions_only
# task: materialise_once
# fails: test_next_run_replaces, test_other_tables
# because: replaces the days and countries of the new branch, and keeps the others
# breaks: The function creates the tables, or replaces what they hold
# -            (
# -                shared.groupBy(key)
# -                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
# -                .write.mode("overwrite")
# -                .saveAsTable(tables[name])
# -            )
# +            rows = shared.groupBy(key).agg(
# +                F.count("*").alias("orders"), F.sum("euro").alias("revenue")
# +            )
# +            if priced.sparkSession.catalog.tableExists(tables[name]):
# +                rows.writeTo(tables[name]).overwritePartitions()
# +            else:
# +                rows.writeTo(tables[name]).using("delta").partitionedBy(F.col(key)).create()

# %% revenue_as_double
# task: materialise_once
# fails: test_both_tables_are_written
# because: adds up doubles, and writes them
# breaks: `by_country` | `country`, `orders` long, `revenue` decimal(24,2)
# -                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
# +                .agg(F.count("*").alias("orders"), F.sum(F.expr("double(euro)")).alias("revenue"))

# %% revenue_before_orders
# task: materialise_once
# fails: test_both_tables_are_written
# because: writes the columns in another order
# breaks: The function writes the tables, with these columns in this order:
# -                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
# +                .agg(F.sum("euro").alias("revenue"), F.count("*").alias("orders"))

# %% revenue_of_distinct_amounts
# task: materialise_once
# fails: test_both_tables_are_written
# because: adds up each amount once
# breaks: `revenue` adds up `euro`.
# -                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
# +                .agg(F.count("*").alias("orders"), F.sum_distinct("euro").alias("revenue"))

# %% revenue_wider
# task: materialise_once
# fails: test_both_tables_are_written
# because: a cast before the sum adds ten digits to the type that was agreed upon
# breaks: `by_day` | `ordered_on`, `orders` long, `revenue` decimal(24,2)
# -                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
# +                .agg(
# +                    F.count("*").alias("orders"),
# +                    F.sum(F.col("euro").cast("decimal(24,2)")).alias("revenue"),
# +                )

# %% swallows_the_error
# task: materialise_once
# fails: test_released_after_an_error[by_country]
# because: logs the failure and returns: the caller believes both tables are written
# breaks: The error goes on to the caller.
# -            )
# +            )
# +    except Exception as error:
# +        print(error)

# %% working_table_beside_by_day
# task: materialise_once
# fails: test_released_after_an_error[by_country]
# because: the same beside the other table
# breaks: Afterwards nothing is cached and no other table is left in any database, also when an
#   error comes up
# -    shared = priced.persist()
# +    working = tables["by_day"] + "_working"
# +    priced.write.mode("overwrite").saveAsTable(working)
# +    shared = priced.sparkSession.table(working)
# -    finally:
# -        shared.unpersist()
# +        priced.sparkSession.sql(f"DROP TABLE {working}")
# +    finally:
# +        pass

# %% working_table_elsewhere
# task: materialise_once
# fails: test_nothing_is_left
# because: puts the working table into another database, and leaves it there
# breaks: Afterwards nothing is cached and no other table is left in any database, also when an
#   error comes up
# -    shared = priced.persist()
# +    working = "order_report_priced"
# +    priced.write.mode("overwrite").saveAsTable(working)
# +    shared = priced.sparkSession.table(working)
# -        shared.unpersist()
# +        pass

# %% working_table_left
# task: materialise_once
# fails: test_nothing_is_left
# because: writes the branch to a table and forgets to drop it
# breaks: Afterwards nothing is cached and no other table is left in any database
# -    shared = priced.persist()
# +    working = tables["by_day"] + "_priced"
# +    priced.write.mode("overwrite").saveAsTable(working)
# +    shared = priced.sparkSession.table(working)
# -        shared.unpersist()
# +        pass

# %% working_table_on_success_only
# task: materialise_once
# fails: test_released_after_an_error[by_day]
# because: the working table goes when all is well; a write that raises leaves it behind
# breaks: Afterwards nothing is cached and no other table is left in any database, also when an
#   error comes up
# -    shared = priced.persist()
# +    working = tables["by_country"] + "_working"
# +    priced.write.mode("overwrite").saveAsTable(working)
# +    shared = priced.sparkSession.table(working)
# -    finally:
# -        shared.unpersist()
# +        priced.sparkSession.sql(f"DROP TABLE {working}")
# +    finally:
# +        pass
