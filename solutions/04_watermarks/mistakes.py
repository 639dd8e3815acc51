# %% amounts_counted
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: a payment without an amount is not counted
# breaks: | `payments` | long | the number of rows, those without an amount or an id included
#   |
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("amount").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% an_hour_of_patience
# task: revenue_per_window
# fails: test_windows_leave_when_the_watermark_passes_them,
#   test_drops_only_what_is_too_late[revenue_per_window]
# because: a generous watermark keeps windows open, and results wait for an hour
# breaks: Tasks 1 to 3 need a watermark of ten minutes on `event_time`.
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "1 hour")
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% cards_counted
# task: revenue_per_window
# fails: test_out_of_order_events_count_while_their_window_is_open
# because: counts cards instead of payments
# breaks: | `payments` | long | the number of rows, those without an amount or an id included
#   |
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.approx_count_distinct("card_id").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% five_minutes_of_patience
# task: revenue_per_window
# fails: test_windows_leave_when_the_watermark_passes_them
# because: the watermark is as long as the window, five minutes instead of ten
# breaks: Tasks 1 to 3 need a watermark of ten minutes on `event_time`.
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "5 minutes")
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% grouped_by_event
# task: revenue_per_window
# fails: test_state_is_as_small_as_it_can_be[revenue_per_window],
#   test_out_of_order_events_count_while_their_window_is_open,
#   test_arrival_within_the_watermark_changes_no_window
# because: the event is one of the keys: state has a row for each event instead of one for each
#   window
# breaks: The state holds one row for each store and open window, and nothing else.
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(
            F.window("event_time", "5 minutes"), "store_id", "event_id", F.unix_millis("event_time")
        )
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% ids_counted
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: a repeat is not counted, and in a larger window others are not either: the count is
#   approximate
# breaks: A payment sent twice is two rows here.
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(
            F.sum("amount").alias("revenue"), F.approx_count_distinct("event_id").alias("payments")
        )
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% late_by_the_clock
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: compares event_time with the clock of the machine, so a replay of old files drops
#   everything
# breaks: Spark computes it from the data, never from a clock
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .where("event_time > current_timestamp() - INTERVAL 10 MINUTES")
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% sliding_windows
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: the window slides by a minute, so each payment is counted five times
# breaks: Windows begin at full five minutes.
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "5 minutes", "1 minute"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% time_rounded_by_hand
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: a column computed from event_time carries no watermark, so append mode is refused
# breaks: It takes a stream and returns a stream for append mode
# outcome: error
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .withColumn(
            "window_start", F.timestamp_seconds(F.floor(F.unix_seconds("event_time") / 300) * 300)
        )
        .groupBy("window_start", "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .withColumn("window_end", F.col("window_start") + F.expr("INTERVAL 5 MINUTES"))
        .select("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% watermark_after_the_windows
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: the watermark is set on the result, so the aggregation below has none
# breaks: Tasks 1 to 3 need a watermark of ten minutes on `event_time`.
# outcome: error
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        events.groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
        .withWatermark("window_end", "10 minutes")
    )


# %% watermark_set_again
# task: revenue_per_window
# fails: test_a_watermark_that_is_there_already_stays[revenue_per_window]
# because: sets a watermark on a stream that has one; Spark disallows to redefine it
# breaks: A second one on the same stream fails ("Redefining watermark is disallowed"), but only in
#   its second micro-batch.
# outcome: error
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "10 minutes")
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% window_left_as_a_struct
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: returns the window as one column instead of its start and end
# breaks: | `window_start`, `window_end` | timestamp | start and end of the window |
# -        .select(
# -            F.col("window.start").alias("window_start"),
# -            F.col("window.end").alias("window_end"),
# -            *["store_id", "revenue", "payments"],
# -        )


# %% windows_without_a_watermark
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: append mode can't know when a window is finished; Spark refuses the plan
# breaks: Tasks 1 to 3 need a watermark of ten minutes on `event_time`.
# outcome: error
def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        events.groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% payments_of_nothing
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: a payment of 0 is a payment, and is counted
# breaks: No other payment is dropped.
# -        watermarked(events)
# +        watermarked(events)
# +        .where("amount IS NULL OR amount <> 0")

# %% payments_need_a_store
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: a terminal that does not know its store took money all the same
# breaks: Payments without a store count for the store null.
# -        watermarked(events)
# +        watermarked(events)
# +        .dropna(subset=["store_id"])


# %% first_of_each_window
# task: deduplicate
# fails: test_each_payment_once[equal_rows]
# because: an aggregation holds every event back until its window ends, and two windows don't know
#   each other
# breaks: A payment comes out with the file that brings it first.
def deduplicate(events: DataFrame) -> DataFrame:
    first = F.min_by(F.struct(*events.columns), "event_time").alias("first")
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "10 minutes"), "event_id")
        .agg(first)
        .select("first.*")
    )


# %% nothing_to_look_back_from
# task: deduplicate
# fails: test_each_payment_once[equal_rows]
# because: dropDuplicatesWithinWatermark needs a watermark
# breaks: Tasks 1 to 3 need a watermark of ten minutes on `event_time`.
# outcome: error
def deduplicate(events: DataFrame) -> DataFrame:
    return events.dropDuplicatesWithinWatermark(["event_id"])


# %% only_whole_rows
# task: deduplicate
# fails: test_each_payment_once[nulls]
# because: dropna() asks for every column, and a payment may lack one
# breaks: A payment comes out with the file that brings it first.
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    return watermarked(events.dropna()).dropDuplicatesWithinWatermark(["event_id"])


# %% remembers_a_day
# task: deduplicate
# fails: test_state_is_as_small_as_it_can_be[deduplicate],
#   test_drops_only_what_is_too_late[deduplicate]
# because: a day of patience is a day of state
# breaks: State must not grow for ever: an event is forgotten when the watermark is ten minutes past
#   its time.
def deduplicate(events: DataFrame) -> DataFrame:
    return events.withWatermark("event_time", "1 day").dropDuplicatesWithinWatermark(["event_id"])


# %% remembers_a_minute
# task: deduplicate
# fails: test_state_is_as_small_as_it_can_be[deduplicate]
# because: forgets after a minute what may come again for ten
# breaks: State must not grow for ever: an event is forgotten when the watermark is ten minutes past
#   its time.
def deduplicate(events: DataFrame) -> DataFrame:
    return events.withWatermark("event_time", "1 minute").dropDuplicatesWithinWatermark(
        ["event_id"]
    )


# %% remembers_for_ever
# task: deduplicate
# fails: test_state_is_as_small_as_it_can_be[deduplicate]
# because: without a watermark every event_id is kept in state for ever
# breaks: State must not grow for ever
def deduplicate(events: DataFrame) -> DataFrame:
    return events.dropDuplicates(["event_id"])


# %% row_number_on_a_stream
# task: deduplicate
# fails: test_each_payment_once[equal_rows]
# because: a window without time needs all rows; Spark refuses it on a stream
# breaks: As in Task 1 a stream comes in and a stream for append mode goes out.
# outcome: error
def deduplicate(events: DataFrame) -> DataFrame:
    from pyspark.sql import Window

    first = Window.partitionBy("event_id").orderBy("event_time")
    return watermarked(events).withColumn("n", F.row_number().over(first)).where("n = 1").drop("n")


# %% time_among_the_keys
# task: deduplicate
# fails: test_each_payment_once[another_time], test_each_payment_once[restart],
#   test_each_of_many_events_comes_out_once
# because: with event_time among the keys state is freed, but a second attempt with another time is
#   a new key
# breaks: It has the `event_id` of the first; any other column may differ, `event_time` as well.
def deduplicate(events: DataFrame) -> DataFrame:
    return watermarked(events).dropDuplicates(["event_id", "event_time"])


# %% watermark_again_before_deduplicating
# task: deduplicate
# fails: test_a_watermark_that_is_there_already_stays[deduplicate]
# because: sets a watermark on a stream that has one; Spark disallows to redefine it
# breaks: A second one on the same stream fails ("Redefining watermark is disallowed"), but only in
#   its second micro-batch.
# outcome: error
def deduplicate(events: DataFrame) -> DataFrame:
    return events.withWatermark("event_time", "10 minutes").dropDuplicatesWithinWatermark(
        ["event_id"]
    )


# %% watermark_that_nothing_uses
# task: deduplicate
# fails: test_state_is_as_small_as_it_can_be[deduplicate]
# because: a watermark frees state only when its column is among the keys; event_id alone stays for
#   ever
# breaks: State must not grow for ever
def deduplicate(events: DataFrame) -> DataFrame:
    return watermarked(events).dropDuplicates(["event_id"])


# %% the_five_columns_it_knows
# task: deduplicate
# fails: test_all_columns_stay
# because: a column that the stream has besides, such as the terminal, is lost
# breaks: It has all columns of the stream that comes in, in their order, and each `event_id` once.
def deduplicate(events: DataFrame) -> DataFrame:
    once = watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
    return once.select("event_id", "store_id", "card_id", "amount", "event_time")


# %% what_looks_alike
# task: deduplicate
# fails: test_each_payment_once[lookalikes]
# because: two payments of one card and amount may be two coffees
# breaks: Two payments that look alike but have different ids are two.
def deduplicate(events: DataFrame) -> DataFrame:
    return watermarked(events).dropDuplicatesWithinWatermark(["card_id", "store_id", "amount"])


# %% whole_rows_within_the_watermark
# task: deduplicate
# fails: test_each_payment_once[another_time]
# because: without columns the method compares whole rows
# breaks: It has the `event_id` of the first; any other column may differ, `event_time` as well.
def deduplicate(events: DataFrame) -> DataFrame:
    return watermarked(events).dropDuplicatesWithinWatermark()


# %% amounts_counted_in_sessions
# task: sessions
# fails: test_sessions_of_a_card[gaps]
# because: a payment without an amount is not counted
# breaks: | `payments` | long | the number of rows, as in Task 1 |
def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("amount").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )


# %% a_gap_is_shorter
# task: sessions
# fails: test_sessions_of_a_card[joined]
# because: payments exactly fifteen minutes apart belong together
# breaks: Two payments exactly 15 minutes apart still belong to one session.
def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "899 seconds").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select(
            "card_id",
            F.col("session.start").alias("session_start"),
            (F.col("session.end") + F.expr("INTERVAL 1 SECOND")).alias("session_end"),
            *["payments", "amount"],
        )
    )


# %% ends_with_the_last_payment
# task: sessions
# fails: test_sessions_of_a_card[gaps]
# because: a session lasts until the gap is over, not until its last payment
# breaks: | `session_end` | timestamp | 15 minutes after the last payment |
def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(
            F.max("event_time").alias("session_end"),
            F.count("*").alias("payments"),
            F.sum("amount").alias("amount"),
        )
        .select("card_id", "session.start", "session_end", "payments", "amount")
        .withColumnRenamed("start", "session_start")
    )


# %% gap_of_ten_minutes
# task: sessions
# fails: test_sessions_of_a_card[gaps], test_sessions_of_a_card[joined],
#   test_sessions_of_a_card[behind], test_arrival_within_the_watermark_changes_no_session
# because: the gap is the watermark's ten minutes instead of fifteen
# breaks: payments of a card that follow one another within 15 minutes
def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "10 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )


# %% half_an_hour_of_patience
# task: sessions
# fails: test_sessions_leave_when_the_watermark_passes_them,
#   test_drops_only_what_is_too_late[sessions]
# because: adds the gap to the delay and some more, so sessions come late and stay in state
# breaks: Tasks 1 to 3 need a watermark of ten minutes on `event_time`.
def sessions(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "30 minutes")
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )


# %% ids_counted_in_sessions
# task: sessions
# fails: test_sessions_of_a_card[gaps]
# because: a repeat is not counted, and in a long session others are not either: the count is
#   approximate
# breaks: | `payments` | long | the number of rows, as in Task 1 |
def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.approx_count_distinct("event_id").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )


# %% no_patience
# task: sessions
# fails: test_sessions_leave_when_the_watermark_passes_them
# because: without delay a session goes as soon as a younger payment is seen, and what belongs to it
#   comes too late
# breaks: Tasks 1 to 3 need a watermark of ten minutes on `event_time`.
def sessions(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "0 minutes")
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )


# %% quarters_of_an_hour
# task: sessions
# fails: test_sessions_of_a_card[gaps]
# because: tumbling windows have fixed borders; a shopping tour doesn't
# breaks: | `session_start` | timestamp | the time of the first payment |
def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )


# %% each_unknown_card_alone
# task: sessions
# fails: test_sessions_of_a_card[no_card]
# because: without a number each payment seems to be somebody else's
# breaks: Payments without a card are those of one card, null.
def sessions(events: DataFrame) -> DataFrame:
    who = F.coalesce("card_id", F.concat(F.lit("payment "), "event_id")).alias("who")
    return (
        watermarked(events)
        .groupBy(who, F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.max("card_id").alias("card_id"), F.count("*").alias("payments"), F.sum("amount"))
        .selectExpr(
            "card_id", "session.start AS session_start", "session.end AS session_end", "payments",
            "`sum(amount)` AS amount",
        )
    )  # fmt: skip


# %% payments_need_a_card
# task: sessions
# fails: test_sessions_of_a_card[no_card]
# because: whoever pays in cash has no card, and is lost
# breaks: Payments without a card are those of one card, null.
# -        watermarked(events)
# +        watermarked(events)
# +        .dropna(subset=["card_id"])


# %% sessions_by_lag
# task: sessions
# fails: test_sessions_of_a_card[gaps]
# because: the batch solution, lag over a window of rows, is refused on a stream
# breaks: As in Task 1 a stream comes in and a stream for append mode goes out.
# outcome: error
def sessions(events: DataFrame) -> DataFrame:
    from pyspark.sql import Window

    by_time = Window.partitionBy("card_id").orderBy("event_time")
    gap = F.unix_seconds("event_time") - F.unix_seconds(F.lag("event_time").over(by_time))
    begins = F.coalesce(gap > 15 * 60, F.lit(True)).cast("int")
    numbered = watermarked(events).withColumn("number", F.sum(begins).over(by_time))
    return (
        numbered.groupBy("card_id", "number")
        .agg(
            F.min("event_time").alias("session_start"),
            (F.max("event_time") + F.expr("INTERVAL 15 MINUTES")).alias("session_end"),
            F.count("*").alias("payments"),
            F.sum("amount").alias("amount"),
        )
        .drop("number")
    )


# %% sessions_of_each_payment
# task: sessions
# fails: test_state_is_as_small_as_it_can_be[sessions]
# because: keeps each payment in state as well, as a group of its own
# breaks: It has one row for each session
def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(
            "card_id", "event_id", F.session_window("event_time", "15 minutes").alias("session")
        )
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )


# %% sessions_of_each_store
# task: sessions
# fails: test_sessions_of_a_card[gaps]
# because: the store is one of the keys, so a tour through two stores is two sessions
# breaks: A session may span several stores.
def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(
            "card_id", "store_id", F.session_window("event_time", "15 minutes").alias("session")
        )
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )


# %% sessions_without_a_watermark
# task: sessions
# fails: test_sessions_of_a_card[gaps]
# because: append mode can't know when a session is finished; Spark refuses the plan
# breaks: Tasks 1 to 3 need a watermark of ten minutes on `event_time`.
# outcome: error
def sessions(events: DataFrame) -> DataFrame:
    return (
        events.groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )


# %% watermark_again_before_sessions
# task: sessions
# fails: test_a_watermark_that_is_there_already_stays[sessions]
# because: sets a watermark on a stream that has one; Spark disallows to redefine it
# breaks: A second one on the same stream fails ("Redefining watermark is disallowed"), but only in
#   its second micro-batch.
# outcome: error
def sessions(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "10 minutes")
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )


# %% a_maximum_for_each_store
# task: late_events
# fails: test_which_table[late]
# because: each store gets a watermark of its own, so a store that was silent is never late
# breaks: A row is late when its `event_time` is older than the greatest event time of all *earlier*
#   files minus ten minutes.
# -    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    COLUMNS = ["event_id", "store_id", "card_id", "amount", "event_time"]
# -        newest = spark.table(table).agg(F.max("event_time")).first()[0]
# -        border = newest and newest - timedelta(minutes=10)
# -        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
# -        # Late rows first: they never raise the maximum, so a second attempt finds the same one.
# +        newest = spark.table(table).groupBy("store_id").agg(F.max("event_time").alias("newest"))
# +        events = events.join(newest, on="store_id", how="left").select(*COLUMNS, "newest")
# +        border = F.col("newest") - F.expr("INTERVAL 10 MINUTES")
# +        is_late = F.coalesce(F.col("event_time") < border, F.lit(False))
# -            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
# +            writer = (
# +                rows.select(COLUMNS)
# +                .write.format("delta")
# +                .mode("append")
# +                .option("txnAppId", checkpoint)
# +            )

# %% all_files_in_one_micro_batch
# task: late_events
# fails: test_which_table[late]
# because: without maxFilesPerTrigger all files are one micro-batch, and nothing came before it
# breaks: Each file is one micro-batch.
# -    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
# +    stream = spark.readStream.schema(EVENTS).json(source)

# %% appends_again
# task: late_events
# fails: test_every_row_lands_once
# because: a micro-batch that broke off comes again, and a plain append writes its rows again
# breaks: That holds also when a call breaks off anywhere, for example between the two writes, and
#   is repeated.
# -            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
# -            writer.option("txnVersion", number).saveAsTable(name)
# +            rows.write.format("delta").mode("append").saveAsTable(name)

# %% compares_whole_seconds
# task: late_events
# fails: test_which_table[late]
# because: a row that is a fraction of a second too old is late as well
# breaks: A row is late when its `event_time` is older than the greatest event time of all *earlier*
#   files minus ten minutes.
# -        border = newest and newest - timedelta(minutes=10)
# -        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
# +        border = newest and newest.replace(microsecond=0) - timedelta(minutes=10)
# +        seconds = F.date_trunc("second", "event_time")
# +        is_late = F.coalesce(seconds < F.lit(border), F.lit(False))


# %% drops_late_rows
# task: late_events
# fails: test_which_table[late]
# because: a watermark and a filter lose late rows; nothing ever reaches the late table
# breaks: Late rows go to `late_table`, all others to `table`.
def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    writer = watermarked(stream).writeStream.format("delta").outputMode("append")
    writer = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    writer.toTable(table).awaitTermination()


# %% maximum_in_a_variable
# task: late_events
# fails: test_which_table[late]
# because: the maximum lives in the process, and is gone when the stream starts again
# breaks: goes on where the last call ended, and knows the times of all earlier files
# -    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    seen = []
# -        newest = spark.table(table).agg(F.max("event_time")).first()[0]
# +        newest = max(seen, default=None)
# +        seen.extend(filter(None, events.agg(F.max("event_time")).first()))

# %% maximum_of_the_file_before
# task: late_events
# fails: test_which_table[late]
# because: compares with the file before; an older file may hold the greatest time
# breaks: A row is late when its `event_time` is older than the greatest event time of all *earlier*
#   files minus ten minutes.
# -    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    seen = f"{table}_seen"
# +    spark.sql(f"CREATE TABLE IF NOT EXISTS {seen} (number long, newest timestamp) USING delta")
# -        newest = spark.table(table).agg(F.max("event_time")).first()[0]
# -        border = newest and newest - timedelta(minutes=10)
# +        before = spark.table(seen).where(F.col("number") == number - 1).first()
# +        newest = before and before["newest"]
# +        border = newest and newest - timedelta(minutes=10)
# -        # Late rows first: they never raise the maximum, so a second attempt finds the same one.
# -        for rows, name in [(events.where(is_late), late_table), (events.where(~is_late), table)]:
# +        newest = events.agg(F.lit(number).cast("long").alias("number"), F.max("event_time").alias("newest"))
# +        parts = [
# +            (events.where(is_late), late_table),
# +            (events.where(~is_late), table),
# +            (newest, seen),
# +        ]
# +        for rows, name in parts:

# %% merges_by_event
# task: late_events
# fails: test_every_row_lands_once
# because: a MERGE that inserts what is new makes the write repeatable, and swallows redelivered
#   events
# breaks: A row that is in the source twice is written twice.
# -    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    from delta.tables import DeltaTable
# -            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
# -            writer.option("txnVersion", number).saveAsTable(name)
# +            target = DeltaTable.forName(spark, name).alias("old")
# +            new = rows.dropDuplicates(["event_id"]).alias("new")
# +            target.merge(new, "old.event_id = new.event_id").whenNotMatchedInsertAll().execute()

# %% merges_whole_rows
# task: late_events
# fails: test_every_row_lands_once
# because: a row that a later file brings again is taken for a write that comes again
# breaks: A row that is in the source twice is written twice.
# -    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    from delta.tables import DeltaTable
# -            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
# -            writer.option("txnVersion", number).saveAsTable(name)
# +            target = DeltaTable.forName(spark, name).alias("old")
# +            same = " AND ".join(f"old.{column} <=> new.{column}" for column in rows.columns)
# +            target.merge(rows.alias("new"), same).whenNotMatchedInsertAll().execute()

# %% null_is_neither
# task: late_events
# fails: test_which_table[no_time], test_every_row_lands_once
# because: neither a condition nor its negation is true for a null
# breaks: Exactly ten minutes behind is on time, and so is a row without a time.
# -    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
# +    from datetime import datetime
# -        border = newest and newest - timedelta(minutes=10)
# -        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
# -        # Late rows first: they never raise the maximum, so a second attempt finds the same one.
# +        border = newest - timedelta(minutes=10) if newest else datetime(1, 1, 1)
# +        is_late = F.col("event_time") < F.lit(border)

# %% number_of_the_file_kept
# task: late_events
# fails: test_both_tables_keep_the_columns_of_the_events
# because: adds the number of the micro-batch to the tables
# breaks: Both tables exist, are new and empty before the first call, and keep the columns of the
#   events.
# -            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
# +            writer = (
# +                rows.withColumn("micro_batch", F.lit(number))
# +                .write.format("delta")
# +                .mode("append")
# +                .option("txnAppId", checkpoint)
# +                .option("mergeSchema", True)
# +            )

# %% older_or_equal
# task: late_events
# fails: test_which_table[exactly_ten]
# because: takes an event exactly at the border as late
# breaks: Exactly ten minutes behind is on time, and so is a row without a time.
# -        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
# -        # Late rows first: they never raise the maximum, so a second attempt finds the same one.
# +        is_late = F.coalesce(F.col("event_time") <= F.lit(border), F.lit(False))

# %% on_time_rows_first
# task: late_events
# fails: test_every_row_lands_once, test_which_table[earlier_files]
# because: the first write raises the maximum, so the second attempt takes rows for late that are in
#   the table already
# breaks: That holds also when a call breaks off anywhere, for example between the two writes, and
#   is repeated.
# -        # Late rows first: they never raise the maximum, so a second attempt finds the same one.
# -        for rows, name in [(events.where(is_late), late_table), (events.where(~is_late), table)]:
# +        for rows, name in [(events.where(~is_late), table), (events.where(is_late), late_table)]:

# %% own_file_counts
# task: late_events
# fails: test_which_table[earlier_files]
# because: takes the maximum over the events of the micro-batch too
# breaks: A row is late when its `event_time` is older than the greatest event time of all *earlier*
#   files minus ten minutes.
# -        newest = spark.table(table).agg(F.max("event_time")).first()[0]
# +        known = spark.table(table).select("event_time").union(events.select("event_time"))
# +        newest = known.agg(F.max("event_time")).first()[0]

# %% names_made_tidy
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: two stores whose names differ in case or in blanks share a row
# breaks: Other names are taken as they are.
# -        .groupBy(F.window("event_time", "5 minutes"), "store_id")
# +        .groupBy(F.window("event_time", "5 minutes"), F.lower(F.trim("store_id")).alias("store_id"))


# %% no_time_is_the_epoch
# task: revenue_per_window
# fails: test_windows_leave_when_the_watermark_passes_them
# because: until the watermark moves, there is a window of 1970 for what has no time
# breaks: Rows without a time belong to no window.
def revenue_per_window(events: DataFrame) -> DataFrame:
    never = F.timestamp_seconds(F.lit(0))
    if "spark.watermarkDelayMs" not in events.schema["event_time"].metadata:
        events = events.withColumn("event_time", F.coalesce("event_time", never))
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )


# %% windows_without_an_amount_go
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: a store that sold for nothing is missing on the screen
# breaks: Whether the revenue of a window without any amount is null or 0 is up to you.
# -            *["store_id", "revenue", "payments"],
# -        )
# +            *["store_id", "revenue", "payments"],
# +        )
# +        .where("revenue IS NOT NULL")

# %% ids_without_case
# task: deduplicate
# fails: test_each_payment_once[lookalikes]
# because: two ids that differ in case or in blanks are taken for one payment
# breaks: Two payments that look alike but have different ids are two. `a` and ` A` are different.
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    keyed = watermarked(events).withColumn("_id", F.lower(F.trim("event_id")))
# +    return keyed.dropDuplicatesWithinWatermark(["_id"]).drop("_id")

# %% id_and_store_are_the_key
# task: deduplicate
# fails: test_each_payment_once[nulls]
# because: concat is null for a null store, so all payments without a store are one
# breaks: Any other column may be null.
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    keyed = watermarked(events).withColumn("_key", F.concat("event_id", F.lit("@"), "store_id"))
# +    return keyed.dropDuplicatesWithinWatermark(["_key"]).drop("_key")

# %% watermark_lost_on_the_way
# task: deduplicate
# fails: test_all_columns_stay
# because: a new expression has no watermark, and the next function defines a second one
# breaks: The watermark stays on `event_time`, where the next function finds it.
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    once = watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    return once.withColumn("event_time", F.to_timestamp("event_time"))

# %% payments_with_an_id
# task: sessions
# fails: test_sessions_of_a_card[gaps]
# because: a payment without an id adds its amount and is not counted
# breaks: | `payments` | long | the number of rows, as in Task 1 |
# -        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
# +        .agg(F.count("event_id").alias("payments"), F.sum("amount").alias("amount"))

# %% refunds_left_out
# task: sessions
# fails: test_sessions_of_a_card[behind]
# because: money that goes back is money, too
# breaks: | `amount` | double | the sum of the amounts |
# -        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
# +        .agg(
# +            F.count("*").alias("payments"),
# +            F.sum(F.greatest("amount", F.lit(0.0))).alias("amount"),
# +        )

# %% sessions_without_an_amount_go
# task: sessions
# fails: test_sessions_leave_when_the_watermark_passes_them
# because: a tour that cost nothing is what fraud looks like
# breaks: An amount that is null adds nothing; a sum without any amount may be null or 0.
# -            *["payments", "amount"],
# -        )
# +            *["payments", "amount"],
# +        )
# +        .where("amount IS NOT NULL")

# %% empty_name_is_no_name
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: a store whose name is empty shares a row with the payments without a store
# breaks: Other names are taken as they are.
# -        .groupBy(F.window("event_time", "5 minutes"), "store_id")
# +        .groupBy(
# +            F.window("event_time", "5 minutes"),
# +            F.nullif("store_id", F.lit("")).alias("store_id"),
# +        )

# %% a_comment_is_no_watermark
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: takes any metadata of the column for a watermark, and sets none
# breaks: Tasks 1 to 3 need a watermark of ten minutes on `event_time`.
# outcome: error
# -        watermarked(events)
# +        (events if events.schema["event_time"].metadata else watermarked(events))

# %% checksum_as_the_key
# task: deduplicate
# fails: test_each_payment_once[lookalikes]
# because: plumless and buckeroo are two ids with one checksum
# breaks: Two payments that look alike but have different ids are two.
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    keyed = watermarked(events).withColumn("_key", F.crc32("event_id"))
# +    return keyed.dropDuplicatesWithinWatermark(["_key"]).drop("_key")

# %% hash_as_the_key
# task: deduplicate
# fails: test_each_payment_once[lookalikes]
# because: of a hundred thousand ids two have the same hash of 32 bits, more likely than not
# breaks: Two payments that look alike but have different ids are two.
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    keyed = watermarked(events).withColumn("_key", F.hash("event_id"))
# +    return keyed.dropDuplicatesWithinWatermark(["_key"]).drop("_key")

# %% key_in_front
# task: deduplicate
# fails: test_all_columns_stay
# because: the stream may have another column in front
# breaks: It has all columns of the stream that comes in, in their order
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    once = watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    return once.select("event_id", *(name for name in once.columns if name != "event_id"))

# %% all_but_the_time_is_the_key
# task: deduplicate
# fails: test_a_watermark_that_is_there_already_stays[deduplicate]
# because: the second attempt may differ in a column that nobody thought of, such as its file
# breaks: each `event_id` once
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    key = [name for name in events.columns if name != "event_time"]
# +    return watermarked(events).dropDuplicatesWithinWatermark(key)

# %% no_delay_is_no_watermark
# task: sessions
# fails: test_a_watermark_that_is_there_already_stays[sessions]
# because: a delay of 0 is false, so the stream gets a second watermark
# breaks: If the stream has a watermark already, that one stays, whatever its delay.
# outcome: error
# -        watermarked(events)
# +        (
# +            events
# +            if events.schema["event_time"].metadata.get("spark.watermarkDelayMs")
# +            else events.withWatermark("event_time", "10 minutes")
# +        )

# %% cash_in_each_store
# task: sessions
# fails: test_sessions_of_a_card[no_card]
# because: payments without a card in two stores become two sessions
# breaks: Payments without a card are those of one card, null.
# -        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
# +        .groupBy(
# +            "card_id",
# +            F.when(F.isnull("card_id"), F.col("store_id")).alias("till"),
# +            F.session_window("event_time", "15 minutes").alias("session"),
# +        )

# %% sessions_in_whole_seconds
# task: sessions
# fails: test_sessions_of_a_card[no_card]
# because: the first payment has a time with a fraction of a second
# breaks: | `session_start` | timestamp | the time of the first payment |
# -            F.col("session.start").alias("session_start"),
# +            F.date_trunc("second", F.col("session.start")).alias("session_start"),

# %% cash_is_no_revenue
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: who pays in cash has no card, and is revenue
# breaks: No other payment is dropped.
# -        watermarked(events)
# +        watermarked(events)
# +        .dropna(subset=["card_id"])

# %% a_second_more_of_gap
# task: sessions
# fails: test_sessions_of_a_card[gaps]
# because: payments half a second further apart are two sessions
# breaks: payments of a card that follow one another within 15 minutes
# -        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
# +        .groupBy("card_id", F.session_window("event_time", "15 minutes 1 second").alias("session"))
# -            F.col("session.end").alias("session_end"),
# +            (F.col("session.end") - F.expr("INTERVAL 1 SECOND")).alias("session_end"),

# %% card_numbers_made_tidy
# task: sessions
# fails: test_sessions_of_a_card[joined]
# because: two cards whose numbers differ in case or in blanks share a session
# breaks: Other cards are taken as they are.
# -        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
# +        .groupBy(
# +            F.lower(F.trim("card_id")).alias("card_id"),
# +            F.session_window("event_time", "15 minutes").alias("session"),
# +        )

# %% empty_card_is_no_card
# task: sessions
# fails: test_sessions_of_a_card[no_card]
# because: a card whose number is empty shares a session with payments without a card
# breaks: Other cards are taken as they are.
# -        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
# +        .groupBy(
# +            F.nullif("card_id", F.lit("")).alias("card_id"),
# +            F.session_window("event_time", "15 minutes").alias("session"),
# +        )

# %% ids_without_blanks_behind
# task: deduplicate
# fails: test_each_payment_once[lookalikes]
# because: an id that ends with a blank is another id
# breaks: Two payments that look alike but have different ids are two.
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    keyed = watermarked(events).withColumn("_id", F.rtrim("event_id"))
# +    return keyed.dropDuplicatesWithinWatermark(["_id"]).drop("_id")

# %% rows_of_nulls_go
# task: late_events
# fails: test_every_row_lands_once
# because: a row in which everything is null is a row of the source all the same
# breaks: Every row of the source is written to one of the two tables, once.
# -        newest = spark.table(table).agg(F.max("event_time")).first()[0]
# +        events = events.na.drop("all")
# +        newest = spark.table(table).agg(F.max("event_time")).first()[0]

# %% names_without_blanks_behind
# task: revenue_per_window
# fails: test_revenue_of_each_store_and_window
# because: the screen shows a name that no store has
# breaks: Other names are taken as they are.
# -        .groupBy(F.window("event_time", "5 minutes"), "store_id")
# +        .groupBy(F.window("event_time", "5 minutes"), F.rtrim("store_id").alias("store_id"))

# %% ids_without_blanks_in_front
# task: deduplicate
# fails: test_each_payment_once[lookalikes]
# because: an id that begins with a blank is another id
# breaks: Two payments that look alike but have different ids are two.
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    keyed = watermarked(events).withColumn("_id", F.ltrim("event_id"))
# +    return keyed.dropDuplicatesWithinWatermark(["_id"]).drop("_id")

# %% salted_by_card
# task: revenue_per_window
# fails: test_state_is_as_small_as_it_can_be[revenue_per_window]
# because: the sums of four salts of a store are kept, and added up when the window ends
# breaks: The state holds one row for each store and open window, and nothing else.
# -        .groupBy(F.window("event_time", "5 minutes"), "store_id")
# -        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
# +        .groupBy(
# +            F.window("event_time", "5 minutes"),
# +            "store_id",
# +            F.pmod(F.hash("card_id"), F.lit(4)),
# +        )
# +        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
# +        .groupBy("window", "store_id")
# +        .agg(F.sum("revenue").alias("revenue"), F.sum("payments").alias("payments"))

# %% streams_only
# task: revenue_per_window
# fails: test_a_batch_is_added_up
# because: whoever computes the truth from all files has a batch
# breaks: A batch frame is added up as well.
# outcome: error
# -    return (
# -        watermarked(events)
# +    if not events.isStreaming:
# +        raise TypeError("revenue_per_window takes a stream")
# +    return (
# +        watermarked(events)

# %% id_and_store
# task: deduplicate
# fails: test_each_payment_once[restart]
# because: the second attempt lacks the store
# breaks: any other column may differ, `event_time` as well
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    return watermarked(events).dropDuplicatesWithinWatermark(["event_id", "store_id"])

# %% clocks_that_run_ahead
# task: sessions
# fails: test_a_watermark_that_is_there_already_stays[sessions]
# because: what is late, and what is early, is known from the data; the checks' payments are of 2125
# breaks: Spark computes it from the data, never from a clock
# -        watermarked(events)
# +        watermarked(events)
# +        .where("event_time <= current_timestamp()")

# %% nothing_from_the_future
# task: deduplicate
# fails: test_a_watermark_that_is_there_already_stays[deduplicate]
# because: a payment of a terminal whose clock runs ahead never comes out
# breaks: A payment comes out with the file that brings it first.
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    known = watermarked(events).where("event_time <= current_timestamp()")
# +    return known.dropDuplicatesWithinWatermark(["event_id"])

# %% sessions_in_cents
# task: sessions
# fails: test_sessions_of_a_card[gaps]
# because: amounts of other currencies have three places
# breaks: | `amount` | double | the sum of the amounts |
# -        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
# +        .agg(F.count("*").alias("payments"), F.round(F.sum("amount"), 2).alias("amount"))

# %% times_in_whole_seconds
# task: late_events
# fails: test_both_tables_keep_the_columns_of_the_events
# because: a row of the source has another time in the table
# breaks: Every row of the source is written to one of the two tables, once.
# -            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
# +            whole = rows.withColumn("event_time", F.date_trunc("second", "event_time"))
# +            writer = whole.write.format("delta").mode("append").option("txnAppId", checkpoint)

# %% id_and_month
# task: deduplicate
# fails: test_a_watermark_that_is_there_already_stays[deduplicate]
# because: the second attempt comes after midnight, in another month
# breaks: any other column may differ, `event_time` as well
# -    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
# +    dated = watermarked(events).withColumn("_month", F.date_format("event_time", "yyyy-MM"))
# +    return dated.dropDuplicatesWithinWatermark(["event_id", "_month"]).drop("_month")

# %% written_in_cents
# task: late_events
# fails: test_both_tables_keep_the_columns_of_the_events
# because: accounting gets another amount than the one that was paid
# breaks: Every row of the source is written to one of the two tables, once.
# -            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
# +            cents = rows.withColumn("amount", F.round("amount", 2))
# +            writer = cents.write.format("delta").mode("append").option("txnAppId", checkpoint)


# %% order_of_ctime
# task: late_events
# fails: test_which_table[late]
# because: ctime is no time of creation; the oldest file was touched last
# breaks: Their modification times, a second or more apart, give this order, and so do their names.
def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    from pathlib import Path

    newest = None
    files = sorted(Path(source).glob("*.json"), key=lambda path: path.stat().st_ctime_ns)
    for number, path in enumerate(files):
        events = spark.read.schema(EVENTS).json(str(path))
        border = None if newest is None else newest - timedelta(minutes=10)
        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
        for rows, name in [(events.where(~is_late), table), (events.where(is_late), late_table)]:
            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
            writer.option("txnVersion", number).saveAsTable(name)
        found = events.agg(F.max("event_time")).first()[0]
        newest = max(filter(None, [newest, found]), default=None)
