# %% after_only
# task: flatten
# fails: test_rows_of_envelopes[deletes]
# because: a delete has no after image, so its key and columns are lost
# breaks: The row image is `after` for `c`, `u` and `r`, and `before` for `d`.
# -    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
# +    image = F.col("after")

# %% coalesce_of_images
# task: flatten
# fails: test_rows_of_envelopes[key_elsewhere], test_whole_feed_is_flattened
# because: takes the state before an update for the one after it, when the latter is missing
# breaks: The other image never takes its place, even if the right one is missing
# -    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
# +    image = F.coalesce("after", "before")

# %% columns_by_name
# task: flatten
# fails: test_new_fields_come_along
# because: lists the columns of today, and drops the column of tomorrow without a word
# breaks: The row image may have further fields, after `city`. They become columns, too.
# -    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
# +    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
# +    names = ["customer_id", "name", "email", "city"]
# -        .select("image.*", "op", F.col("source.lsn").alias("lsn"))
# +        .select(*[F.col(f"image.{name}") for name in names], "op", "source.lsn")

# %% copies_removed_early
# task: flatten
# fails: test_rows_of_envelopes[twice], test_whole_feed_is_flattened
# because: nobody can count deliveries any more, and the day's rows no longer add up
# breaks: An event that was delivered twice has two rows.
# -        .where("customer_id is not null")
# +        .where("customer_id is not null")
# +        .distinct()

# %% image_that_has_a_key
# task: flatten
# fails: test_rows_of_envelopes[key_elsewhere], test_whole_feed_is_flattened
# because: takes the state before an update for the one after it, when the latter has no key
# breaks: The other image never takes its place, even if the right one is missing or has no key.
# -    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
# +    keyed = F.col("after.customer_id").isNotNull()
# +    image = F.when(keyed, F.col("after")).otherwise(F.col("before"))

# %% lsn_before_op
# task: flatten
# fails: test_rows_of_envelopes[writes], test_new_fields_come_along, test_whole_feed_is_flattened
# because: the columns are right and their order is not, as a later union by position will find out
# breaks: The columns are those of the row image, in its order, then `op`, then `lsn`.
# -        .select("image.*", "op", F.col("source.lsn").alias("lsn"))
# +        .select("image.*", "source.lsn", "op")

# %% null_keys_pass
# task: flatten
# fails: test_rows_of_envelopes[no_key], test_rows_of_envelopes[no_image],
#   test_whole_feed_is_flattened, test_rows_of_envelopes[faulty_twice]
# because: filters tombstones and forgets rows without a key, which no MERGE will ever match
# breaks: An envelope without a key has no row
# -        .where("customer_id is not null")

# %% rows_with_nulls_dropped
# task: flatten
# fails: test_rows_of_envelopes[nulls], test_whole_feed_is_flattened
# because: dropna looks at all columns; a customer without an email is lost
# breaks: Other columns may be null; the row stays.
# -        .where("customer_id is not null")
# +        .dropna()

# %% snapshot_rows_dropped
# task: flatten
# fails: test_rows_of_envelopes[writes], test_whole_feed_is_flattened
# because: the snapshot's reads are rows like any other; without them half the customers never
#   arrive
# breaks: It returns one row for each envelope that has a key.
# -        envelopes.where("op is not null")
# +        envelopes.where(F.col("op").isin("c", "u", "d"))

# %% tombstones_pass
# task: flatten
# fails: test_rows_of_envelopes[tombstones], test_whole_feed_is_flattened
# because: a tombstone tells the broker to forget a key; it is no row of a customer
# breaks: So tombstones have none.
# -        envelopes.where("op is not null")
# -        .withColumn("image", image)
# +        envelopes.withColumn("image", image)
# -        .where("customer_id is not null")
# +        .where("customer_id is not null or op is null")

# %% copies_quarantined_once
# task: quarantine
# fails: test_envelopes_in_quarantine[faulty_twice]
# because: the envelopes of a day no longer add up when copies are lost
# breaks: An event that was delivered twice is quarantined twice.
# -    return envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", reason)
# +    faulty = envelopes.where(F.col("op").isNotNull() & key.isNull())
# +    return faulty.distinct().withColumn("reason", reason)

# %% deletes_without_key_lost
# task: quarantine
# fails: test_envelopes_in_quarantine[no_key], test_envelopes_in_quarantine[no_image]
# because: looks at after only, where a delete has nothing
# breaks: It returns the envelopes without a key, in the sense of Task 1
# -    return envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", reason)
# +    faulty = envelopes.where((F.col("op") != "d") & key.isNull())
# +    return faulty.withColumn("reason", reason)

# %% envelopes_without_images_lost
# task: quarantine
# fails: test_envelopes_in_quarantine[no_image]
# because: takes every envelope without an image for a tombstone, so an event without one is lost
# breaks: So each envelope is either flattened or quarantined or a tombstone.
# -    return envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", reason)
# +    has_image = F.col("before").isNotNull() | F.col("after").isNotNull()
# +    return envelopes.where(has_image & key.isNull()).withColumn("reason", reason)

# %% key_of_either_image
# task: quarantine
# fails: test_envelopes_in_quarantine[key_elsewhere], test_nothing_is_lost_between_the_two
# because: an update whose after image lost its key is saved by its before image, and then flatten
#   drops it
# breaks: So each envelope is either flattened or quarantined or a tombstone.
# -    key = F.when(F.col("op") == "d", before).otherwise(after)
# +    key = F.coalesce(after, before)

# %% name_in_the_reason
# task: quarantine
# fails: test_every_reason_says_why, test_nothing_is_lost_between_the_two
# because: concat is null when one part is, and an image without a key may be missing as a whole
# breaks: It is never null or blank.
# -    reason = F.concat(F.lit("no customer_id in an event with op "), F.col("op"))
# +    reason = F.concat(F.lit("no customer_id for "), F.coalesce("after.name", "before.name"))

# %% quarantine_returns_nothing
# task: quarantine
# fails: test_envelopes_in_quarantine[no_key], test_nothing_is_lost_between_the_two,
#   test_envelopes_in_quarantine[deletes], test_envelopes_in_quarantine[nulls],
#   test_envelopes_in_quarantine[twice], test_envelopes_in_quarantine[writes]
# because: the frame is made and never returned
# breaks: It returns the envelopes without a key, in the sense of Task 1
# -    return envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", reason)
# +    envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", reason)

# %% quarantines_flat_rows
# task: quarantine
# fails: test_envelopes_in_quarantine[no_key], test_nothing_is_lost_between_the_two
# because: flattened rows have lost the other image, the clock and the source: nothing to repair
#   them from
# breaks: with all columns that they have
def quarantine(envelopes: DataFrame) -> DataFrame:
    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
    flat = envelopes.withColumn("image", image).select("image.*", "op", "source.lsn")
    keyless = flat.where("op is not null and customer_id is null")
    return keyless.withColumn("reason", F.lit("no customer_id"))


# %% quarantines_tombstones
# task: quarantine
# fails: test_envelopes_in_quarantine[tombstones], test_nothing_is_lost_between_the_two
# because: a tombstone has no key by design; an alert on it is noise
# breaks: A tombstone is no fault: it is not quarantined.
# -    reason = F.concat(F.lit("no customer_id in an event with op "), F.col("op"))
# -    return envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", reason)
# +    return envelopes.where(key.isNull()).withColumn("reason", F.lit("no customer_id"))

# %% reason_first
# task: quarantine
# fails: test_every_reason_says_why, test_envelopes_in_quarantine[no_key]
# because: a column in front moves all others, and readers by position break
# breaks: and after these a column `reason` (string)
# -    return envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", reason)
# +    faulty = envelopes.where(F.col("op").isNotNull() & key.isNull())
# +    return faulty.select(reason.alias("reason"), "*")

# %% reason_missing
# task: quarantine
# fails: test_every_reason_says_why
# because: a quarantine without a reason is a bin
# breaks: `reason` says in words why the envelope is here.
# -    return envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", reason)
# +    return envelopes.where(F.col("op").isNotNull() & key.isNull())

# %% any_row_of_a_customer
# task: latest_changes
# fails: test_change_of_each_customer[newest], test_latest_of_a_feed
# because: dropDuplicates keeps any row of a customer, here the first to arrive
# breaks: It returns, for each customer, the row with the greatest `lsn`.
def latest_changes(changes: DataFrame) -> DataFrame:
    return changes.dropDuplicates(["customer_id"])


# %% columns_listed
# task: latest_changes
# fails: test_columns_come_back_as_they_are
# because: lists the columns of today; the new column of next week is lost
# breaks: `changes` has the columns `customer_id`, `op`, `lsn` and any others.
# outcome: error
# -        .drop("age")
# +        .select("customer_id", "name", "email", "city", "op", "lsn")

# %% customer_first
# task: latest_changes
# fails: test_columns_come_back_as_they_are
# because: grouping puts the key in front, wherever it was
# breaks: The result has the same columns, in the same order.
def latest_changes(changes: DataFrame) -> DataFrame:
    others = F.struct(*[name for name in changes.columns if name != "customer_id"])
    newest = F.max_by(others, "lsn").alias("row")
    return changes.groupBy("customer_id").agg(newest).select("customer_id", "row.*")


# %% deletes_filtered_first
# task: latest_changes
# fails: test_change_of_each_customer[deletes], test_latest_of_a_feed
# because: without its delete, the update before it looks like the newest state
# breaks: A delete is a change like any other.
# -        changes.withColumn("age", F.row_number().over(newest_first))
# +        changes.where("op <> 'd'")
# +        .withColumn("age", F.row_number().over(newest_first))

# %% deletes_filtered_last
# task: latest_changes
# fails: test_change_of_each_customer[deletes], test_latest_of_a_feed
# because: a customer whose newest change is a delete has no row, and stays in the table for ever
# breaks: A delete is a change like any other.
# -        .where("age = 1")
# +        .where("age = 1 and op <> 'd'")

# %% last_value_that_is_there
# task: latest_changes
# fails: test_change_of_each_customer[nulls], test_latest_of_a_feed
# because: fills a null from an older change; a value can never be emptied
# breaks: The row comes back as it is: a null stays null.
def latest_changes(changes: DataFrame) -> DataFrame:
    newest = [
        F.max_by(name, F.when(F.col(name).isNotNull(), F.col("lsn"))).alias(name)
        for name in changes.columns
        if name != "customer_id"
    ]
    return changes.groupBy("customer_id").agg(*newest).select(*changes.columns)


# %% lsn_as_text
# task: latest_changes
# fails: test_change_of_each_customer[newest]
# because: as text, 99 is greater than 1007
# breaks: It returns, for each customer, the row with the greatest `lsn`.
# -    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
# +    as_text = F.col("lsn").cast("string")
# +    newest_first = Window.partitionBy("customer_id").orderBy(F.desc(as_text))

# %% rank_keeps_ties
# task: latest_changes
# fails: test_change_of_each_customer[copies], test_latest_of_a_feed
# because: rank gives 1 to both copies of a redelivered event, and MERGE then refuses the source
# breaks: If an event was delivered twice, one of the two copies stays.
# -        changes.withColumn("age", F.row_number().over(newest_first))
# +        changes.withColumn("age", F.rank().over(newest_first))

# %% sorted_then_deduplicated
# task: latest_changes
# fails: test_newest_is_chosen_by_its_lsn
# because: dropDuplicates keeps any row; that a sort came first holds until a shuffle, a retry or a
#   spill
# breaks: Which row stays follows from its `lsn` alone, not from the order in which rows arrive or
#   are sorted.
def latest_changes(changes: DataFrame) -> DataFrame:
    return changes.orderBy(F.desc("lsn")).dropDuplicates(["customer_id"])


# %% sorted_then_first
# task: latest_changes
# fails: test_newest_is_chosen_by_its_lsn
# because: after a shuffle `first` is the first to arrive, whatever was sorted before
# breaks: Which row stays follows from its `lsn` alone, not from the order in which rows arrive or
#   are sorted.
def latest_changes(changes: DataFrame) -> DataFrame:
    newest = F.first(F.struct("*")).alias("row")
    return changes.orderBy(F.desc("lsn")).groupBy("customer_id").agg(newest).select("row.*")


# %% absent_customers_deleted
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-absent],
#   test_any_cut_of_the_feed_ends_in_the_same_table
# because: takes a batch of changes for a full copy, and removes whoever is not in it
# breaks: Customers without a change in the batch stay as they are.
# -        .whenNotMatchedInsertAll()
# +        .whenNotMatchedInsertAll()
# +        .whenNotMatchedBySourceDelete()

# %% delete_keeps_old_columns
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-delete]
# because: the row keeps an older state when the changes in between came in no batch
# breaks: `lsn` and the other columns come from the event, as always.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdate(
# +            condition="s.lsn > t.lsn and s.is_deleted",
# +            set={"lsn": "s.lsn", "is_deleted": "true"},
# +        )
# +        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")

# %% delete_marks_only
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-delete]
# because: sets the flag and leaves lsn behind, so the deleted row still loses against older events
# breaks: `lsn` and the other columns come from the event, as always.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdate("s.lsn > t.lsn and s.is_deleted", set={"is_deleted": "true"})
# +        .whenMatchedUpdateAll(condition="s.lsn > t.lsn and not s.is_deleted")

# %% delete_of_unknown_ignored
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-unknown_delete],
#   test_any_cut_of_the_feed_ends_in_the_same_table
# because: a delete that overtakes its create leaves no trace, and the create makes the customer
#   alive
# breaks: A customer that the table does not know is inserted, whatever the `lsn`; by a delete as a
#   deleted row.
# -        .whenNotMatchedInsertAll()
# +        .whenNotMatchedInsertAll(condition="not s.is_deleted")

# %% deleted_stays_deleted
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-lives_again]
# because: the flag is set by a delete and never taken back
# breaks: Any newer `c`, `u` or `r` makes a deleted row live again.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdateAll(condition="s.lsn > t.lsn and not t.is_deleted")

# %% deletes_in_a_commit_of_their_own
# task: merge_changes
# fails: test_readers_see_the_batch_in_one_step[merge_changes]
# because: a reader between the two commits meets a state that never was, and a crash leaves it
# breaks: Readers see a batch in one step: all rows change in one commit.
def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    for part in (staged.where("is_deleted"), staged.where("not is_deleted")):
        (
            DeltaTable.forName(spark, table).alias("t")
            .merge(part.alias("s"), "t.customer_id = s.customer_id")
            .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
            .whenNotMatchedInsertAll()
            .execute()
        )


# %% drops_and_makes_again
# task: merge_changes
# fails: test_other_data_files_stay[merge_changes], test_replay_changes_nothing,
#   test_readers_see_the_batch_in_one_step[merge_changes]
# because: a new table at version 0 holds the right rows, and cost as much as a full load
# breaks: So a replay rewrites no data file.
def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    schema = spark.table(table).schema
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    rows = (
        spark.table(table)
        .unionByName(staged.select(schema.names))
        .withColumn("n", F.row_number().over(newest_first))
        .where("n = 1")
        .drop("n")
        .collect()
    )
    spark.sql(f"DROP TABLE {table}")
    spark.createDataFrame(rows, schema).write.format("delta").saveAsTable(table)


# %% empty_batch_is_an_error
# task: merge_changes
# fails: test_replay_changes_nothing
# because: a quiet minute at the source stops the pipeline
# breaks: `changes` holds flattened rows that are not reduced yet, or none at all.
# outcome: error
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    if changes.isEmpty():
# +        raise ValueError(f"the batch for {table} has no rows")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")

# %% evolves_by_default
# task: merge_changes
# fails: test_the_table_keeps_its_columns
# because: a column that someone adds to the feed's schema becomes a column of the table
# breaks: If `changes` has further columns, they are ignored: the table keeps its six columns.
# -        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
# +        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
# +        .withSchemaEvolution()

# %% hard_delete
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-delete],
#   test_any_cut_of_the_feed_ends_in_the_same_table
# because: with the row goes its lsn, and the next late update inserts the customer again
# breaks: A delete keeps the row.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedDelete(condition="s.lsn > t.lsn and s.is_deleted")
# +        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")

# %% high_water_mark
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-unknown],
#   test_any_cut_of_the_feed_ends_in_the_same_table
# because: takes what is below the table's greatest lsn for old, so a late batch is lost
# breaks: Batches come in any order, and more than once.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    loaded = spark.table(table).agg(F.coalesce(F.max("lsn"), F.lit(0))).first()[0]
# +    fresh = changes.where(F.col("lsn") > loaded)
# +    staged = latest_changes(fresh).withColumn("is_deleted", F.col("op") == "d").drop("op")

# %% join_and_overwrite
# task: merge_changes
# fails: test_other_data_files_stay[merge_changes], test_replay_changes_nothing
# because: the right rows, at the price of writing the whole table for every batch
# breaks: A row that does not change stays in its data file, unless a row beside it changes.
def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d")
    target = spark.table(table)
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    (
        target.unionByName(staged.select(target.columns))
        .withColumn("n", F.row_number().over(newest_first))
        .where("n = 1")
        .drop("n")
        .write.format("delta").mode("overwrite").saveAsTable(table)
    )


# %% lsn_in_the_join
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-older],
#   test_customers_after_a_batch[merge_changes-same], test_replay_changes_nothing
# because: an event that is not newer finds no partner, and what finds no partner is inserted
# breaks: A change that is not newer than the row is ignored.
# -        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .merge(staged.alias("s"), "t.customer_id = s.customer_id and s.lsn > t.lsn")
# +        .whenMatchedUpdateAll()

# %% no_dedup_in_source
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-newest]
# because: two source rows for one target row: MERGE refuses
#   (DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE)
# breaks: `changes` holds flattened rows that are not reduced yet, or none at all.
# outcome: error
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = changes.withColumn("is_deleted", F.col("op") == "d").drop("op")

# %% nulls_keep_the_value
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-nulls],
#   test_any_cut_of_the_feed_ends_in_the_same_table
# because: a customer who withdraws an email address keeps it
# breaks: A newer change replaces all columns of the row, with its nulls.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    values = {name: f"coalesce(s.{name}, t.{name})" for name in spark.table(table).columns}
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdate(condition="s.lsn > t.lsn", set=values)

# %% op_leaks
# task: merge_changes
# fails: test_the_table_keeps_its_columns
# because: op is how the change came, not what the customer is
# breaks: the table keeps its six columns
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d")
# -        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
# +        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
# +        .withSchemaEvolution()

# %% same_lsn_again
# task: merge_changes
# fails: test_other_data_files_stay[merge_changes], test_replay_changes_nothing
# because: >= also matches the event that is already there, so every replay rewrites its rows
# breaks: Newer means: a greater `lsn`.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdateAll(condition="s.lsn >= t.lsn")

# %% update_without_condition
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-older], test_replay_changes_nothing,
#   test_any_cut_of_the_feed_ends_in_the_same_table
# because: whatever arrives last wins, so a late event turns the row back
# breaks: A change that is not newer than the row is ignored.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdateAll()

# %% updates_revive_nobody
# task: merge_changes
# fails: test_customers_after_a_batch[merge_changes-lives_again]
# because: after a lost create, an update is all that says the customer is back
# breaks: Any newer `c`, `u` or `r` makes a deleted row live again.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d")
# +    names = ("customer_id", "name", "email", "city", "lsn")
# +    values = {name: f"s.{name}" for name in names}
# +    flag = "s.is_deleted or (s.op = 'u' and t.is_deleted)"
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdate(condition="s.lsn > t.lsn", set={**values, "is_deleted": flag})

# %% evolution_forgets_rules
# task: merge_evolving
# fails: test_customers_after_a_batch[merge_evolving-older]
# because: a second MERGE, written in a hurry, without the condition of the first
# breaks: All rules of Task 4 for rows, commits and data files hold.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdateAll()

# %% evolution_for_the_session
# task: merge_evolving
# fails: test_settings_stay
# because: the setting outlives the function, and every later MERGE of the session evolves its table
# breaks: The session's settings stay as they were.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    spark.conf.set("spark.databricks.delta.schema.autoMerge.enabled", "true")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# -        .withSchemaEvolution()

# %% evolves_and_forgets_unknown_deletes
# task: merge_evolving
# fails: test_customers_after_a_batch[merge_evolving-unknown_delete], test_columns_come_and_stay
# because: a delete that overtakes its create leaves no row here, though merge_changes leaves one
# breaks: All rules of Task 4 for rows, commits and data files hold.
# -        .whenNotMatchedInsertAll()
# +        .whenNotMatchedInsertAll(condition="not s.is_deleted")

# %% evolves_for_one_column
# task: merge_evolving
# fails: test_further_columns_arrive, test_columns_come_and_stay
# because: knows the one new column by name, and leaves out the next one
# breaks: There may be several such columns.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    known = [*spark.table(table).columns, "loyalty_tier"]
# +    staged = staged.select(*[name for name in known if name in staged.columns])

# %% evolves_in_two_steps
# task: merge_evolving
# fails: test_readers_see_the_batch_in_one_step[merge_evolving]
# because: a reader between the two commits meets a state that never was, and a crash leaves it
# breaks: All rules of Task 4 for rows, commits and data files hold.
def merge_evolving(spark: SparkSession, table: str, changes: DataFrame) -> None:
    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    for part in (staged.where("is_deleted"), staged.where("not is_deleted")):
        (
            DeltaTable.forName(spark, table).alias("t")
            .merge(part.alias("s"), "t.customer_id = s.customer_id")
            .withSchemaEvolution()
            .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
            .whenNotMatchedInsertAll()
            .execute()
        )


# %% evolves_nothing
# task: merge_evolving
# fails: test_further_columns_arrive
# because: without schema evolution MERGE takes the columns it knows and says nothing about the rest
# breaks: A column of `changes` that the table lacks is added
# -        .withSchemaEvolution()

# %% evolves_the_same_lsn_again
# task: merge_evolving
# fails: test_other_data_files_stay[merge_evolving]
# because: >= takes the event that is already there, and every replay of a feed that evolves
#   rewrites its rows
# breaks: All rules of Task 4 for rows, commits and data files hold.
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdateAll(condition="s.lsn >= t.lsn")

# %% evolves_without_dedup
# task: merge_evolving
# fails: test_customers_after_a_batch[merge_evolving-unknown],
#   test_customers_after_a_batch[merge_evolving-delete],
#   test_customers_after_a_batch[merge_evolving-newest],
#   test_customers_after_a_batch[merge_evolving-nulls],
#   test_customers_after_a_batch[merge_evolving-same]
# because: two changes of one customer in the source, and MERGE refuses
# breaks: All rules of Task 4 for rows, commits and data files hold.
# outcome: error
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = changes.withColumn("is_deleted", F.col("op") == "d").drop("op")

# %% evolves_without_insert
# task: merge_evolving
# fails: test_customers_after_a_batch[merge_evolving-unknown], test_old_shape_loses_nothing,
#   test_customers_after_a_batch[merge_evolving-lives_again]
# because: no clause for what is not matched, so new customers never reach the table
# breaks: All rules of Task 4 for rows, commits and data files hold.
# -        .whenNotMatchedInsertAll()

# %% new_columns_as_text
# task: merge_evolving
# fails: test_further_columns_arrive, test_columns_come_and_stay
# because: a number as text sorts and sums wrongly for ever
# breaks: is added, whatever its name, with its type
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    for name in set(staged.columns) - set(spark.table(table).columns):
# +        staged = staged.withColumn(name, F.col(name).cast("string"))

# %% null_in_further_columns_ignored
# task: merge_evolving
# fails: test_further_columns_arrive
# because: keeps the old value of a further column against a null, to survive batches that lack the
#   column
# breaks: An event says something about the columns of `changes` only. A null in one of these is a
#   value.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    usual = ("customer_id", "name", "email", "city", "lsn", "is_deleted")
# +    known = spark.table(table).columns
# +    values = {name: f"s.{name}" for name in staged.columns}
# +    values |= {
# +        name: f"coalesce(s.{name}, t.{name})"
# +        for name in staged.columns
# +        if name in known and name not in usual
# +    }
# -        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
# +        .whenMatchedUpdate(condition="s.lsn > t.lsn", set=values)

# %% op_arrives
# task: merge_evolving
# fails: test_further_columns_arrive, test_columns_come_and_stay
# because: evolution takes every column of the source, the one that says how the change came as well
# breaks: `op` is not one of them.
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d")

# %% padded_with_nulls
# task: merge_evolving
# fails: test_old_shape_loses_nothing, test_columns_come_and_stay
# because: gives a batch of the old shape the columns that it lacks, and their nulls replace values
# breaks: It says nothing about them: a row that is updated keeps their values
# -    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
# +    shape = spark.table(table).limit(0)
# +    staged = shape.unionByName(staged, allowMissingColumns=True)

# %% table_becomes_the_batch
# task: merge_evolving
# fails: test_further_columns_arrive, test_customers_after_a_batch[merge_evolving-absent],
#   test_old_shape_loses_nothing
# because: overwriteSchema makes the write succeed, and the table holds nothing but the last batch
# breaks: Rows that no event changes have null there.
def merge_evolving(spark: SparkSession, table: str, changes: DataFrame) -> None:
    newest = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    writer = newest.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    writer.saveAsTable(table)


# %% table_follows_the_batch
# task: merge_evolving
# fails: test_old_shape_loses_nothing, test_columns_come_and_stay
# because: overwriting with the batch's schema evolves the table in both directions
# breaks: A later batch may lack columns that the table has.
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
    writer = merged.select(*names, *extra).write.format("delta").mode("overwrite")
    writer.option("overwriteSchema", "true").saveAsTable(table)


# %% copies_of_an_old_change
# task: test_latest_changes
# fails: test_your_test_notices[copies], test_your_test_notices_copies
# because: only an older change was delivered twice, so nobody notices copies of the newest
# breaks: keeps both copies of a customer's newest change, if it was delivered twice
# -    rows = [(1, "c", 4), (1, "d", 10), (1, "d", 10), (1, "u", 9), (2, "u", 3), (2, "c", 2)]
# +    rows = [(1, "c", 4), (1, "c", 4), (1, "d", 10), (1, "u", 9), (2, "u", 3), (2, "c", 2)]

# %% newest_arrives_last
# task: test_latest_changes
# fails: test_your_test_notices[last]
# because: a feed in the order of its log hides that someone goes by arrival
# breaks: keeps the row of each customer that comes first in the frame, or the one that comes last
# -    rows = [(1, "c", 4), (1, "d", 10), (1, "d", 10), (1, "u", 9), (2, "u", 3), (2, "c", 2)]
# +    rows = [(1, "c", 4), (1, "u", 9), (1, "d", 10), (1, "d", 10), (2, "c", 2), (2, "u", 3)]

# %% tests_live_rows_only
# task: test_latest_changes
# fails: test_your_test_notices[no_deletes]
# because: no delete is the newest change, so nobody notices that deletes are lost
# breaks: forgets deletes.
# -    rows = [(1, "c", 4), (1, "d", 10), (1, "d", 10), (1, "u", 9), (2, "u", 3), (2, "c", 2)]
# -    expected = spark.createDataFrame([(1, "d", 10), (2, "u", 3)], columns)
# +    rows = [(1, "c", 4), (1, "u", 10), (1, "u", 10), (1, "d", 9), (2, "u", 3), (2, "c", 2)]
# +    expected = spark.createDataFrame([(1, "u", 10), (2, "u", 3)], columns)

# %% tests_one_order_only
# task: test_latest_changes
# fails: test_your_test_notices[first], test_your_test_notices[copies]
# because: newest first and delivered once is the one order in which lazy answers are right
# breaks: keeps the row of each customer that comes first in the frame
# -    rows = [(1, "c", 4), (1, "d", 10), (1, "d", 10), (1, "u", 9), (2, "u", 3), (2, "c", 2)]
# +    rows = [(1, "d", 10), (1, "u", 9), (1, "c", 4), (2, "u", 3), (2, "c", 2)]

# %% tests_one_change_each
# task: test_latest_changes
# fails: test_your_test_notices[oldest]
# because: with one change of each customer, the oldest is the newest
# breaks: keeps the oldest change of each customer,
# -    rows = [(1, "c", 4), (1, "d", 10), (1, "d", 10), (1, "u", 9), (2, "u", 3), (2, "c", 2)]
# +    rows = [(1, "d", 10), (1, "d", 10), (2, "u", 3)]

# %% tests_raise_always
# task: test_latest_changes
# fails: test_your_test_is_silent_on_your_answer, test_your_test_accepts_another_right_answer,
#   test_your_test_accepts_any_order
# because: compares with the input, which a right answer never equals
# breaks: It returns silently if `candidate` is right
# -    expected = spark.createDataFrame([(1, "d", 10), (2, "u", 3)], columns)
# +    expected = spark.createDataFrame(rows, columns)

# %% tests_return_a_verdict
# task: test_latest_changes
# fails: test_your_test_notices[first], test_your_test_notices_copies
# because: nobody reads what a test returns; pytest looks for an error
# breaks: It raises an `AssertionError` if `candidate` is wrong.
# -    try:
# -        assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True)
# -    except Exception as difference:
# -        raise AssertionError(str(difference)) from None
# +    return sorted(actual.collect()) == sorted(expected.collect())

# %% tests_the_number_of_rows
# task: test_latest_changes
# fails: test_your_test_notices[oldest], test_your_test_notices[first], test_your_test_notices[last]
# because: the right number of wrong rows passes
# breaks: It has to notice a `candidate` that
# -    try:
# -        assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True)
# -    except Exception as difference:
# -        raise AssertionError(str(difference)) from None
# +    assert actual.count() == expected.count()

# %% tests_the_order_of_rows
# task: test_latest_changes
# fails: test_your_test_accepts_any_order
# because: rows of a frame have no order; a test that wants one rejects right answers
# breaks: in whatever order the rows come back
# -        assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True)
# +        assert_df_equality(actual, expected, ignore_nullable=True)
