# %% after_only
# task: flatten
# fails: test_before_image_of_deletes
# because: a delete has no after image, so its key and columns are lost
# breaks: The image is `after` for `c`, `u` and `r`, and `before` for `d`.
def flatten(envelopes: DataFrame) -> DataFrame:
    rows = envelopes.where("op is not null").select("after.*", "op", F.col("source.lsn").alias("lsn"))
    return rows.where("customer_id is not null")


# %% columns_by_name
# task: flatten
# fails: test_new_fields_come_along
# because: lists the columns of today, and drops the column of tomorrow without a word
# breaks: then any further field that the image has
# -    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
# +    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
# +    names = ["customer_id", "name", "email", "city"]
# -        .select("image.*", "op", F.col("source.lsn").alias("lsn"))
# +        .select(*[F.col(f"image.{name}") for name in names], "op", F.col("source.lsn").alias("lsn"))

# %% image_that_has_a_key
# task: flatten
# fails: test_tombstones_and_keyless_rows_are_left_out
# because: takes the state before an update for the one after it, when the latter has no key
# breaks: The image is `after` for `c`, `u` and `r`, and `before` for `d`.
# -    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
# +    keyed = F.col("after.customer_id").isNotNull()
# +    image = F.when(keyed, F.col("after")).otherwise(F.col("before"))

# %% null_keys_pass
# task: flatten
# fails: test_tombstones_and_keyless_rows_are_left_out, test_whole_feed_is_flattened
# because: filters tombstones and forgets rows without a key, which no MERGE will ever match
# breaks: Tombstones and rows without a key stay out.
# -        .where("customer_id is not null")

# %% snapshot_rows_dropped
# task: flatten
# fails: test_after_image_of_writes
# because: the snapshot's reads are rows like any other; without them half the customers never
#   arrive
# breaks: one row per event with the columns of the row image
# -        envelopes.where("op is not null")
# +        envelopes.where(F.col("op").isin("c", "u", "d"))

# %% deletes_without_key_lost
# task: quarantine
# fails: test_keyless_envelopes_are_kept_with_a_reason
# because: looks at after only, where a delete has nothing
# breaks: the envelopes whose row image (of Task 1) has no `customer_id` or is missing
def quarantine(envelopes: DataFrame) -> DataFrame:
    faulty = (F.col("op") != "d") & F.col("after.customer_id").isNull()
    return envelopes.where(faulty).withColumn("reason", F.lit("no customer_id"))


# %% key_of_either_image
# task: quarantine
# fails: test_keyless_envelopes_are_kept_with_a_reason
# because: an update whose after image lost its key is saved by its before image, and then flatten
#   drops it
# breaks: the envelopes whose row image (of Task 1) has no `customer_id` or is missing
def quarantine(envelopes: DataFrame) -> DataFrame:
    key = F.coalesce("after.customer_id", "before.customer_id")
    faulty = F.col("op").isNotNull() & key.isNull()
    return envelopes.where(faulty).withColumn("reason", F.lit("no customer_id"))


# %% quarantine_returns_nothing
# task: quarantine
# fails: test_keyless_envelopes_are_kept_with_a_reason, test_nothing_is_lost_between_the_two
# because: the frame is made and never returned
# breaks: Write `quarantine(envelopes)`: the envelopes whose row image (of Task 1) has no
#   `customer_id` or is missing
def quarantine(envelopes: DataFrame) -> DataFrame:
    key = F.when(F.col("op") == "d", F.col("before.customer_id")).otherwise(F.col("after.customer_id"))
    envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", F.lit("no key"))


# %% quarantines_flat_rows
# task: quarantine
# fails: test_keyless_envelopes_are_kept_with_a_reason, test_nothing_is_lost_between_the_two
# because: flattened rows have lost the other image, the clock and the source: nothing to repair
#   them from
# breaks: all their columns, and a column `reason` that says why in words.
def quarantine(envelopes: DataFrame) -> DataFrame:
    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
    flat = envelopes.withColumn("image", image).select("image.*", "op", F.col("source.lsn").alias("lsn"))
    keyless = flat.where("op is not null and customer_id is null")
    return keyless.withColumn("reason", F.lit("no customer_id"))


# %% quarantines_tombstones
# task: quarantine
# fails: test_tombstones_are_no_faults, test_nothing_is_lost_between_the_two
# because: a tombstone has no key by design; an alert on it is noise
# breaks: A tombstone is not a fault.
def quarantine(envelopes: DataFrame) -> DataFrame:
    key = F.coalesce("after.customer_id", "before.customer_id")
    return envelopes.where(key.isNull()).withColumn("reason", F.lit("no customer_id"))


# %% reason_missing
# task: quarantine
# fails: test_keyless_envelopes_are_kept_with_a_reason
# because: a quarantine without a reason is a bin
# breaks: a column `reason` that says why in words.
def quarantine(envelopes: DataFrame) -> DataFrame:
    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
    return envelopes.where(F.col("op").isNotNull() & image["customer_id"].isNull())


# %% any_row_of_a_customer
# task: latest_changes
# fails: test_newest_change_wins, test_latest_of_a_feed
# because: dropDuplicates keeps any row of a customer, here the first to arrive
# breaks: one per customer, the one with the greatest `lsn`.
def latest_changes(changes: DataFrame) -> DataFrame:
    return changes.dropDuplicates(["customer_id"])


# %% deletes_filtered_first
# task: latest_changes
# fails: test_deletes_are_changes
# because: without its delete, the update before it looks like the newest state
# breaks: A delete is a change like any other.
def latest_changes(changes: DataFrame) -> DataFrame:
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    live = changes.where("op <> 'd'")
    return live.withColumn("n", F.row_number().over(newest_first)).where("n = 1").drop("n")


# %% lsn_as_text
# task: latest_changes
# fails: test_newest_change_wins
# because: as text, 99 is greater than 1007
# breaks: one per customer, the one with the greatest `lsn`.
# -    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
# +    as_text = F.col("lsn").cast("string")
# +    newest_first = Window.partitionBy("customer_id").orderBy(F.desc(as_text))

# %% rank_keeps_ties
# task: latest_changes
# fails: test_redelivery_collapses
# because: rank gives 1 to both copies of a redelivered event, and MERGE then refuses the source
# breaks: A redelivered event is an exact copy: one of the copies stays.
def latest_changes(changes: DataFrame) -> DataFrame:
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    return changes.withColumn("n", F.rank().over(newest_first)).where("n = 1").drop("n")


# %% sorted_then_deduplicated
# task: latest_changes
# fails: test_newest_is_chosen_by_its_lsn
# because: dropDuplicates keeps any row; that a sort came first holds until a shuffle, a retry or a
#   spill
# breaks: ? Which row stays must follow from its `lsn` alone, not from the order that rows arrive in
#   or are sorted into.
def latest_changes(changes: DataFrame) -> DataFrame:
    return changes.orderBy(F.desc("lsn")).dropDuplicates(["customer_id"])


# %% sorted_then_first
# task: latest_changes
# fails: test_newest_is_chosen_by_its_lsn
# because: after a shuffle `first` is the first to arrive, whatever was sorted before
# breaks: ? Which row stays must follow from its `lsn` alone, not from the order that rows arrive in
#   or are sorted into.
def latest_changes(changes: DataFrame) -> DataFrame:
    newest = F.first(F.struct("*")).alias("row")
    return changes.orderBy(F.desc("lsn")).groupBy("customer_id").agg(newest).select("row.*")


# %% delete_marks_only
# task: merge_changes
# fails: test_delete_leaves_a_deleted_row
# because: sets the flag and leaves lsn behind, so the deleted row still loses against older events
# breaks: A delete leaves the row with `is_deleted` true and the columns of its image
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdate(condition="s.lsn > t.lsn and s.is_deleted", set={"is_deleted": "true"})
# +        .whenMatchedUpdateAll(condition="s.lsn > t.lsn and not s.is_deleted")

# %% delete_of_unknown_ignored
# task: merge_changes
# fails: test_delete_of_unknown_customer_is_kept
# because: a delete that overtakes its create leaves no trace, and the create makes the customer
#   alive
# breaks: a delete of an unknown customer inserts a deleted row.
# -        .whenNotMatchedInsertAll()
# +        .whenNotMatchedInsertAll(condition="not s.is_deleted")

# %% deleted_stays_deleted
# task: merge_changes
# fails: test_newer_row_lives_again
# because: the flag is set by a delete and never taken back
# breaks: any newer `c`, `u` or `r` makes it live again
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    kept = {name: f"s.{name}" for name in ("name", "email", "city", "lsn")}
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdate(
# +            condition="s.lsn > t.lsn", set={**kept, "is_deleted": "t.is_deleted or s.is_deleted"}
# +        )

# %% drops_and_makes_again
# task: merge_changes
# fails: test_untouched_files_stay, test_replay_changes_nothing
# because: a new table at version 0 holds the right rows, and cost as much as a full load
# breaks: a replay must not rewrite a data file.
def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    rows = (
        spark.table(table)
        .unionByName(staged)
        .withColumn("n", F.row_number().over(newest_first))
        .where("n = 1")
        .drop("n")
        .collect()
    )
    schema = spark.table(table).schema
    spark.sql(f"DROP TABLE {table}")
    spark.createDataFrame(rows, schema).write.format("delta").saveAsTable(table)


# %% hard_delete
# task: merge_changes
# fails: test_delete_leaves_a_deleted_row
# because: with the row goes its lsn, and the next late update inserts the customer again
# breaks: A delete leaves the row with `is_deleted` true and the columns of its image
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.lit(False))
# +    columns = ["customer_id", "name", "email", "city", "lsn", "is_deleted"]
# +    values = {name: f"s.{name}" for name in columns}
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# -        .whenNotMatchedInsertAll()
# +        .whenMatchedDelete(condition="s.lsn > t.lsn and s.op = 'd'")
# +        .whenMatchedUpdate(condition="s.lsn > t.lsn", set=values)
# +        .whenNotMatchedInsert(condition="s.op <> 'd'", values=values)

# %% join_and_overwrite
# task: merge_changes
# fails: test_untouched_files_stay, test_replay_changes_nothing
# because: the right rows, at the price of writing the whole table for every batch
# breaks: a replay must not rewrite a data file.
def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    target = spark.table(table)
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    (
        target.unionByName(staged)
        .withColumn("n", F.row_number().over(newest_first))
        .where("n = 1")
        .drop("n")
        .write.format("delta").mode("overwrite").saveAsTable(table)
    )


# %% lsn_in_the_join
# task: merge_changes
# fails: test_older_changes_are_ignored, test_late_update_cannot_resurrect,
#   test_order_of_batches_does_not_matter
# because: an event that is not newer finds no partner, and what finds no partner is inserted
# breaks: A newer `lsn` wins, an older one is ignored.
# -        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .merge(staged.alias("s"), "t.customer_id = s.customer_id and s.lsn > t.lsn")
# +        .whenMatchedUpdateAll()

# %% no_dedup_in_source
# task: merge_changes
# fails: test_newer_changes_are_applied
# because: two source rows for one target row: MERGE refuses
#   (DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE)
# breaks: Write `merge_changes(spark, table, changes)` for flattened rows that are not yet reduced.
# outcome: error
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    source = changes.withColumn("is_deleted", F.col("op") == "d").drop("op")
# -        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
# +        .merge(source.alias("s"), "t.customer_id = s.customer_id")

# %% op_leaks
# task: merge_changes
# fails: test_columns_stay_as_they_were
# because: op is how the change came, not what the customer is
# breaks: The table has the columns `customer_id, name, email, city, lsn, is_deleted` and no other.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d")
# -        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
# +        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
# +        .withSchemaEvolution()

# %% same_lsn_again
# task: merge_changes
# fails: test_replay_changes_nothing
# because: >= also matches the event that is already there, so every replay rewrites its rows
# breaks: a replay must not rewrite a data file.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdateAll(condition="s.lsn >= t.lsn")

# %% update_without_condition
# task: merge_changes
# fails: test_older_changes_are_ignored, test_late_update_cannot_resurrect,
#   test_order_of_batches_does_not_matter, test_any_cut_of_the_feed_ends_in_the_same_table
# because: whatever arrives last wins, so a late event turns the row back
# breaks: A newer `lsn` wins, an older one is ignored.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdateAll()

# %% evolution_forgets_rules
# task: merge_evolving
# fails: test_rules_hold_while_evolving
# because: a second MERGE, written in a hurry, without the condition of the first
# breaks: A newer `lsn` wins, an older one is ignored.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdateAll()

# %% evolves_and_forgets_unknown_deletes
# task: merge_evolving
# fails: test_rules_hold_while_evolving
# because: a delete that overtakes its create leaves no row here, though merge_changes leaves one
# breaks: a delete of an unknown customer inserts a deleted row.
# -        .whenNotMatchedInsertAll()
# +        .whenNotMatchedInsertAll(condition="not s.is_deleted")

# %% evolves_nothing
# task: merge_evolving
# fails: test_new_column_arrives, test_two_new_columns_arrive
# because: without schema evolution MERGE takes the columns it knows and says nothing about the rest
# breaks: a column of the source that the table lacks is added
def merge_evolving(spark: SparkSession, table: str, changes: DataFrame) -> None:
    merge_changes(spark, table, changes)


# %% evolves_the_same_lsn_again
# task: merge_evolving
# fails: test_replay_writes_no_row_while_evolving
# because: >= takes the event that is already there, and every replay of a feed that evolves
#   rewrites its rows
# breaks: a replay must not rewrite a data file.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdateAll(condition="s.lsn >= t.lsn")

# %% evolves_without_dedup
# task: merge_evolving
# fails: test_rules_hold_while_evolving
# because: an insert has nothing to be ambiguous about, so two changes of a new customer become two
#   rows
# breaks: Write `merge_changes(spark, table, changes)` for flattened rows that are not yet reduced.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    source = changes.withColumn("is_deleted", F.col("op") == "d").drop("op")
# -        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
# +        .merge(source.alias("s"), "t.customer_id = s.customer_id")

# %% evolves_without_insert
# task: merge_evolving
# fails: test_new_column_arrives, test_rules_hold_while_evolving, test_old_shape_loses_no_column
# because: no clause for what is not matched, so new customers never reach the table
# breaks: Brings `table` to the newest state that it and `changes` know.
# -        .whenNotMatchedInsertAll()

# %% null_in_further_columns_ignored
# task: merge_evolving
# fails: test_null_in_a_further_column_is_a_value
# because: keeps the old value of a further column against a null, to survive batches that lack the
#   column
# breaks: A null in a column that the event carries is a value.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    usual = ("customer_id", "name", "email", "city", "lsn", "is_deleted")
# +    further = [field for field in staged.schema if field.name not in usual]
# +    known = spark.table(table).columns
# +    for field in further:
# +        if field.name not in known:
# +            kind = field.dataType.simpleString()
# +            spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({field.name} {kind})")
# +    values = {name: f"s.{name}" for name in usual}
# +    values |= {field.name: f"coalesce(s.{field.name}, t.{field.name})" for field in further}
# -        .withSchemaEvolution()
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# -        .whenNotMatchedInsertAll()
# +        .whenMatchedUpdate(condition="s.lsn > t.lsn", set=values)
# +        .whenNotMatchedInsert(values={name: f"s.{name}" for name in staged.columns})

# %% null_keeps_the_old_value
# task: merge_evolving
# fails: test_null_is_a_value_while_evolving, test_null_in_a_further_column_is_a_value
# because: coalesce takes an explicit null for a column that is not there, and a value can never be
#   emptied
# breaks: A null in a column that the event carries is a value.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    known = spark.table(table).columns
# +    for field in staged.schema:
# +        if field.name not in known:
# +            kind = field.dataType.simpleString()
# +            spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({field.name} {kind})")
# -        .withSchemaEvolution()
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# -        .whenNotMatchedInsertAll()
# +        .whenMatchedUpdate(
# +            condition="s.lsn > t.lsn",
# +            set={name: f"coalesce(s.{name}, t.{name})" for name in staged.columns},
# +        )
# +        .whenNotMatchedInsert(values={name: f"s.{name}" for name in staged.columns})

# %% table_becomes_the_batch
# task: merge_evolving
# fails: test_new_column_arrives, test_rules_hold_while_evolving, test_old_shape_loses_no_column
# because: overwriteSchema makes the write succeed, and the table holds nothing but the last batch
# breaks: a column of the source that the table lacks is added; older rows have null there.
def merge_evolving(spark: SparkSession, table: str, changes: DataFrame) -> None:
    newest = latest_changes(changes).drop("op")
    newest.write.format("delta").mode("overwrite").option("overwriteSchema", "true").saveAsTable(table)


# %% table_follows_the_batch
# task: merge_evolving
# fails: test_old_shape_loses_no_column
# because: overwriting with the batch's schema evolves the table in both directions
# breaks: A later batch of the old shape loses nothing
def merge_evolving(spark: SparkSession, table: str, changes: DataFrame) -> None:
    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    target = spark.table(table)
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    merged = (
        target.unionByName(staged, allowMissingColumns=True)
        .withColumn("n", F.row_number().over(newest_first))
        .where("n = 1")
    )
    names = [name for name in target.columns if name in staged.columns]
    extra = [name for name in staged.columns if name not in names]
    (
        merged.select(*names, *extra)
        .write.format("delta").mode("overwrite").option("overwriteSchema", "true").saveAsTable(table)
    )


# %% tests_live_rows_only
# task: test_latest_changes
# fails: test_your_test_notices[deletes]
# because: no delete in the data, so nobody notices that deletes are lost
# breaks: wrong ones that go by arrival, keep the oldest, keep copies, or forget deletes.
def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    columns = "customer_id long, op string, lsn long"
    rows = [(1, "u", 2), (1, "u", 9), (1, "u", 9), (1, "u", 5), (2, "c", 3)]
    expected = spark.createDataFrame([(1, "u", 9), (2, "c", 3)], columns)
    actual = candidate(spark.createDataFrame(rows, columns))
    assert_df_equality(actual, expected, ignore_row_order=True)


# %% tests_one_order_only
# task: test_latest_changes
# fails: test_your_test_notices[first], test_your_test_notices[ties]
# because: newest first and delivered once is the one order in which lazy answers are right
# breaks: wrong ones that go by arrival, keep the oldest, keep copies, or forget deletes.
def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    columns = "customer_id long, op string, lsn long"
    changes = spark.createDataFrame([(1, "d", 2), (1, "c", 1), (2, "c", 3)], columns)
    expected = spark.createDataFrame([(1, "d", 2), (2, "c", 3)], columns)
    assert_df_equality(candidate(changes), expected, ignore_row_order=True)


# %% tests_raise_always
# task: test_latest_changes
# fails: test_your_test_is_silent_on_your_answer, test_your_test_accepts_other_right_answers
# because: compares with the input, which a right answer never equals
# breaks: It is silent on a right one and raises an `AssertionError` on a wrong one.
def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    columns = "customer_id long, op string, lsn long"
    changes = spark.createDataFrame([(1, "c", 1), (1, "d", 2)], columns)
    assert_df_equality(candidate(changes), changes, ignore_row_order=True)


# %% tests_the_number_of_rows
# task: test_latest_changes
# fails: test_your_test_notices[oldest], test_your_test_notices[first],
#   test_your_test_notices_the_last_to_arrive
# because: the right number of wrong rows passes
# breaks: wrong ones that go by arrival, keep the oldest, keep copies, or forget deletes.
def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    changes = spark.createDataFrame(
        [(1, "u", 2), (1, "c", 1), (2, "c", 3), (2, "d", 4), (2, "d", 4)],
        "customer_id long, op string, lsn long",
    )
    assert candidate(changes).count() == 2


# %% tests_the_order_of_rows
# task: test_latest_changes
# fails: test_your_test_accepts_other_right_answers[aggregate]
# because: rows of a frame have no order; a test that wants one rejects right answers
# breaks: It will meet right answers that return rows in another order
def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    columns = "customer_id long, op string, lsn long"
    rows = [(1, "c", 2), (1, "d", 9), (1, "d", 9), (1, "u", 5), (2, "c", 3)]
    found = [tuple(row) for row in candidate(spark.createDataFrame(rows, columns)).collect()]
    assert found == [(2, "c", 3), (1, "d", 9)], f"got {found}"
