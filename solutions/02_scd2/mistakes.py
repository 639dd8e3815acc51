# %% compares_only_the_price
# task: changed_rows
# fails: test_new_and_changed_products_come_back, test_random_updates_with_nulls
# because: name and category are attributes as well
# breaks: whose product has no open row or whose name, category or price differs from it.
def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    both = updates.alias("u").join(current.alias("c"), on="product_id", how="left")
    changed = "c.effective_from IS NULL OR NOT (u.price <=> c.price)"
    return both.where(changed).select("product_id", "u.name", "u.category", "u.price", "updated_at")


# %% compares_the_time_as_well
# task: changed_rows
# fails: test_unchanged_products_are_dropped
# because: the time of an update always differs, so every row counts as changed
# breaks: Times are not compared here.
def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    known = current.withColumnRenamed("effective_from", "updated_at").select(updates.columns)
    return updates.subtract(known)


# %% compares_with_all_products
# task: changed_rows
# fails: test_a_product_is_compared_with_itself_only
# because: the values are looked up without their product
# breaks: whose product has no open row or whose name, category or price differs from it.
def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    changed = updates.select(ATTRIBUTES).subtract(current.select(ATTRIBUTES)).alias("changed")
    same = F.struct(*[F.col(f"u.{name}") for name in ATTRIBUTES]).eqNullSafe(
        F.struct(*[F.col(f"changed.{name}") for name in ATTRIBUTES])
    )
    return updates.alias("u").join(changed, same, how="left_semi")


# %% hash_of_joined_values
# task: changed_rows
# fails: test_values_that_move_between_columns
# because: concat_ws skips nulls and forgets where one value ends and the next begins
# breaks: whose product has no open row or whose name, category or price differs from it.
def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    digest = F.sha2(F.concat_ws("|", *ATTRIBUTES), 256)
    known = current.select("product_id", digest.alias("digest"))
    return (
        updates.withColumn("digest", digest)
        .join(known, on=["product_id", "digest"], how="left_anti")
        .select(updates.columns)
    )


# %% not_equal_operator
# task: changed_rows
# fails: test_null_is_a_value_of_its_own
# because: != with a null on either side is null, and where drops the row
# breaks: Null is a value of its own: null to null is no change, null to anything else is one.
def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    both = updates.alias("u").join(current.alias("c"), on="product_id", how="left")
    changed = "c.effective_from IS NULL OR u.name != c.name OR u.category != c.category OR u.price != c.price"
    return both.where(changed).select("product_id", "u.name", "u.category", "u.price", "updated_at")


# %% null_becomes_a_default
# task: changed_rows
# fails: test_null_is_a_value_of_its_own
# because: coalesce to '' and 0 makes null equal to an empty string and to 0
# breaks: Null is a value of its own: null to null is no change, null to anything else is one.
def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    both = updates.alias("u").join(current.alias("c"), on="product_id", how="left")
    changed = (
        F.col("c.effective_from").isNull()
        | (F.coalesce("u.name", F.lit("")) != F.coalesce("c.name", F.lit("")))
        | (F.coalesce("u.category", F.lit("")) != F.coalesce("c.category", F.lit("")))
        | (F.coalesce("u.price", F.lit(0)) != F.coalesce("c.price", F.lit(0)))
    )
    return both.where(changed).select("product_id", "u.name", "u.category", "u.price", "updated_at")


# %% only_known_products
# task: changed_rows
# fails: test_new_and_changed_products_come_back
# because: an inner join has no row for a product that the dimension doesn't know
# breaks: whose product has no open row or whose name, category or price differs from it.
def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    both = updates.alias("u").join(current.alias("c"), on="product_id", how="inner")
    same = "u.name <=> c.name AND u.category <=> c.category AND u.price <=> c.price"
    return both.where(f"NOT ({same})").select(
        "product_id", "u.name", "u.category", "u.price", "updated_at"
    )


# %% appends_again_on_replay
# task: apply_scd2
# fails: test_a_batch_delivered_twice_changes_nothing[apply_scd2]
# because: >= lets the row in again that made the open version, and nobody compares it with that
#   version
# breaks: The same batch again, in any order, changes no row.
# -    """Closes and opens versions for the updates that are newer than their open version."""
# +    """Closes and opens versions for the updates that are newer than their open version."""
# +    stored_first = Window.partitionBy("product_id").orderBy("effective_from", "is_new")
# -    counts = "NOT is_new OR began IS NULL OR effective_from > began"
# -    versions = said.withColumn("began", began).where(counts).transform(intervals)
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    counted = said.withColumn("began", began).where("began IS NULL OR effective_from >= began")
# +    new = intervals(counted.where("is_new")).where("NOT repeats").select(counted.columns)
# +    versions = counted.where("NOT is_new").unionByName(new)
# +    versions = versions.withColumn("effective_to", F.lead("effective_from").over(stored_first))
# +    versions = versions.withColumn("is_current", F.isnull("effective_to"))
# +    key = F.when(~F.col("is_new"), F.col("product_id"))
# -        .merge(to_write.alias("new"), SAME_VERSION)
# +        .merge(
# +            versions.where("is_new OR NOT is_current").withColumn("merge_key", key).alias("new"),
# +            "old.product_id = new.merge_key AND old.is_current",
# +        )

# %% closes_absent_products
# task: apply_scd2
# fails: test_products_after_a_batch[absent_products]
# because: whenNotMatchedBySource treats a batch of changes as if it were the whole catalogue
# breaks: Products that the batch doesn't mention stay open.
# -        .whenNotMatchedInsertAll()
# +        .whenNotMatchedInsertAll()
# +        .whenNotMatchedBySourceUpdate(
# +            condition="old.is_current",
# +            set={"is_current": F.lit(False), "effective_to": F.current_timestamp()},
# +        )

# %% closes_and_opens_in_two_commits
# task: apply_scd2
# fails: test_readers_see_the_batch_in_one_step[apply_scd2]
# because: between MERGE and append, readers find products without a current row
# breaks: Old and new change in **one commit**: in every version of the table a reader sees either
#   the state before the batch or the one after it
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)").localCheckpoint()
# -        .whenNotMatchedInsertAll()
#
# -    )
# +    )
# +    opened = to_write.where("is_new").select(spark.table(table).columns)
# +    opened.write.format("delta").mode("append").saveAsTable(table)

# %% closes_at_the_time_of_the_run
# task: apply_scd2
# fails: test_products_after_a_batch[a_change]
# because: effective_to is when the job ran, not when the next version began
# breaks: the version before it ends where it begins.
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    end = F.when(F.col("effective_to").isNotNull(), F.current_timestamp())
# +    to_write = to_write.withColumn("effective_to", end)

# %% closes_every_version
# task: apply_scd2
# fails: test_products_after_a_batch[a_change]
# because: without is_current in the condition, closed versions get the new end as well
# breaks: the version before it ends where it begins.
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    key = F.when(~F.col("is_new"), F.col("product_id"))
# +    to_write = to_write.withColumn("merge_key", key)
# -        .merge(to_write.alias("new"), SAME_VERSION)
# -        .whenMatchedUpdateAll()
# +        .merge(to_write.alias("new"), "old.product_id = new.merge_key")
# +        .whenMatchedUpdate(set={"effective_to": "new.effective_to", "is_current": F.lit(False)})

# %% compares_with_ignored_rows
# task: apply_scd2
# fails: test_products_after_a_batch[not_newer]
# because: a row that is too old is still the one that the next row is compared with
# breaks: Of the rest, each row that differs from the one before it in time (at first: from the open
#   version) becomes a version
# -    said = entries(spark.table(table).where("is_current"), updates)
# -    stored_start = F.when(~F.col("is_new"), F.col("effective_from"))
# -    began = F.max(stored_start).over(Window.partitionBy("product_id"))
# -    counts = "NOT is_new OR began IS NULL OR effective_from > began"
# -    versions = said.withColumn("began", began).where(counts).transform(intervals)
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    in_batch = Window.partitionBy("product_id").orderBy("updated_at")
# +    by_time = Window.partitionBy("product_id").orderBy("effective_from")
# +    values = F.struct(*ATTRIBUTES)
# +    open_versions = spark.table(table).where("is_current")
# +    opened = open_versions.select(
# +        "product_id", values.alias("said"), F.col("effective_from").alias("began")
# +    )
# +    changed = (
# +        updates.withColumn("previous", F.lag(values).over(in_batch))
# +        .join(opened, on="product_id", how="left")
# +        .where(~values.eqNullSafe(F.coalesce("previous", "said")))
# +        .where("began IS NULL OR updated_at > began")
# +        .select(updates.columns)
# +    )
# +    versions = entries(open_versions, changed).withColumn(
# +        "effective_to", F.lead("effective_from").over(by_time)
# +    )
# +    versions = versions.withColumn("is_current", F.isnull("effective_to"))
# -        .merge(to_write.alias("new"), SAME_VERSION)
# +        .merge(versions.where("is_new OR NOT is_current").alias("new"), SAME_VERSION)

# %% compares_with_not_equal
# task: apply_scd2
# fails: test_products_after_a_batch[null_changes], test_every_newer_update_is_found
# because: changes from and to null are lost by !=
# breaks: Null is a value of its own: null to null is no change, null to anything else is one.
# -    versions = said.withColumn("began", began).where(counts).transform(intervals)
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    versions = said.withColumn("began", began).where(counts)
# +    by_time = Window.partitionBy("product_id").orderBy("effective_from")
# +    differs = F.row_number().over(by_time) == 1
# +    for name in ATTRIBUTES:
# +        differs = differs | (F.col(name) != F.lag(name).over(by_time))
# +    versions = versions.withColumn("differs", differs).where("differs")
# +    versions = versions.withColumn("effective_to", F.lead("effective_from").over(by_time))
# +    versions = versions.withColumn("is_current", F.isnull("effective_to"))
# +    to_write = versions.where("is_new OR NOT is_current")

# %% drops_and_makes_again
# task: apply_scd2
# fails: test_readers_see_the_batch_in_one_step[apply_scd2]
# because: the right rows in a table made again: for a moment there is none, and its history is gone
# breaks: and the table is not dropped.
def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    said = entries(spark.table(table).where("is_current"), updates)
    stored_start = F.when(~F.col("is_new"), F.col("effective_from"))
    began = F.max(stored_start).over(Window.partitionBy("product_id"))
    counts = "NOT is_new OR began IS NULL OR effective_from > began"
    versions = said.withColumn("began", began).where(counts).transform(intervals)
    changed = versions.where("NOT repeats AND (is_new OR NOT is_current)")
    before = spark.table(table)
    kept = before.join(changed, on=["product_id", "effective_from"], how="left_anti")
    rows = kept.select(before.columns).union(changed.select(before.columns)).collect()
    schema = before.schema
    spark.sql(f"DROP TABLE {table}")
    spark.createDataFrame([], schema).write.format("delta").saveAsTable(table)
    spark.createDataFrame(rows, schema).write.format("delta").mode("append").saveAsTable(table)


# %% drops_values_seen_before
# task: apply_scd2
# fails: test_products_after_a_batch[every_change]
# because: keeping each combination of values once loses a value that returns
# breaks: Three changes in a batch are three versions, also when a value returns.
# -    versions = said.withColumn("began", began).where(counts).transform(intervals)
# +    versions = said.withColumn("began", began).where(counts).transform(once)
# +    versions = intervals(versions)


def once(said: DataFrame) -> DataFrame:
    by_time = Window.partitionBy("product_id", *ATTRIBUTES).orderBy("effective_from")
    return said.withColumn("times", F.row_number().over(by_time)).where("times = 1")


# %% ends_a_second_early
# task: apply_scd2
# fails: test_no_gap[apply_scd2]
# because: an end that is the last second of a version leaves an instant that belongs to none
# breaks: the version before it ends where it begins.
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    last_second = F.col("effective_to") - F.expr("INTERVAL 1 SECOND")
# +    to_write = to_write.withColumn("effective_to", last_second)

# %% every_update_is_a_version
# task: apply_scd2
# fails: test_products_after_a_batch[no_change], test_no_equal_neighbours[apply_scd2]
# because: an update that repeats what is known opens a version
# breaks: A version should begin only where something changed.
# -    versions = said.withColumn("began", began).where(counts).transform(intervals)
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    versions = said.withColumn("began", began).where(counts).distinct()
# +    by_time = Window.partitionBy("product_id").orderBy("effective_from")
# +    versions = versions.withColumn("effective_to", F.lead("effective_from").over(by_time))
# +    versions = versions.withColumn("is_current", F.isnull("effective_to"))
# +    to_write = versions.where("is_new OR NOT is_current")

# %% keeps_the_last_row_of_a_day
# task: apply_scd2
# fails: test_products_after_a_batch[every_change]
# because: several changes a day are several versions
# breaks: Three changes in a batch are three versions, also when a value returns.
# -    said = entries(spark.table(table).where("is_current"), updates)
# +    newest = Window.partitionBy("product_id", F.to_date("updated_at")).orderBy(F.desc("updated_at"))
# +    last = updates.withColumn("age", F.row_number().over(newest)).where("age = 1")
# +    said = entries(spark.table(table).where("is_current"), last)

# %% late_rows_become_current
# task: apply_scd2
# fails: test_products_after_a_batch[not_newer], test_no_overlap[apply_scd2]
# because: whatever arrives is taken for the newest, also when it is from the past
# breaks: Rows that are not newer than the version of their product that is open in the table are
#   ignored.
# -    said = entries(spark.table(table).where("is_current"), updates)
# -    stored_start = F.when(~F.col("is_new"), F.col("effective_from"))
# -    began = F.max(stored_start).over(Window.partitionBy("product_id"))
# -    counts = "NOT is_new OR began IS NULL OR effective_from > began"
# -    versions = said.withColumn("began", began).where(counts).transform(intervals)
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    arrived_last = Window.partitionBy("product_id").orderBy("is_new", "effective_from")
# +    said = entries(spark.table(table).where("is_current"), updates).distinct()
# +    before = F.lag(F.struct(*ATTRIBUTES)).over(arrived_last)
# +    versions = (
# +        said.withColumn("same", F.struct(*ATTRIBUTES).eqNullSafe(before))
# +        .where("NOT same")
# +        .withColumn("effective_to", F.lead("effective_from").over(arrived_last))
# +        .withColumn("is_current", F.isnull("effective_to"))
# +        .where("is_new OR NOT is_current")
# +    )
# -        .merge(to_write.alias("new"), SAME_VERSION)
# +        .merge(versions.alias("new"), SAME_VERSION + " AND NOT new.is_new")

# %% leaves_all_new_versions_open
# task: apply_scd2
# fails: test_one_current_version[apply_scd2]
# because: every new version of a batch is written as the current one
# breaks: The open version has no end (null) and is the only one with `is_current`.
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    end = F.when(~F.col("is_new"), F.col("effective_to"))
# +    to_write = to_write.withColumn("effective_to", end).withColumn("is_current", F.col("is_new"))

# %% merges_every_row_of_the_batch
# task: apply_scd2
# fails: test_products_after_a_batch[every_change]
# because: several rows of a product match one open version, and MERGE refuses to choose
# breaks: `updates` may hold several rows of a product and rows delivered twice
# outcome: error
def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    values = {
        **{name: f"new.{name}" for name in ["product_id", *ATTRIBUTES]},
        "effective_from": "new.updated_at",
        "is_current": F.lit(True),
    }
    changed = changed_rows(spark.table(table).where("is_current"), updates)
    staged = changed.withColumn("merge_key", F.col("product_id")).unionByName(
        changed.withColumn("merge_key", F.lit(None).cast("long"))
    )
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(staged.alias("new"), "old.product_id = new.merge_key AND old.is_current")
        .whenMatchedUpdate(set={"effective_to": "new.updated_at", "is_current": F.lit(False)})
        .whenNotMatchedInsert(values=values)
        .execute()
    )


# %% overwrites_the_open_version
# task: apply_scd2
# fails: test_products_after_a_batch[a_change]
# because: updating the row in place is type 1; what was true before is gone
# breaks: becomes a version; the version before it ends where it begins.
def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    newest = Window.partitionBy("product_id").orderBy(F.desc("updated_at"))
    last = updates.withColumn("age", F.row_number().over(newest)).where("age = 1").drop("age")
    source = last.withColumn("is_current", F.lit(True)).withColumnRenamed(
        "updated_at", "effective_from"
    )
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(source.alias("new"), "old.product_id = new.product_id AND old.is_current")
        .whenMatchedUpdate(
            condition="new.effective_from > old.effective_from",
            set={name: f"new.{name}" for name in source.columns},
        )
        .whenNotMatchedInsert(values={name: f"new.{name}" for name in source.columns})
        .execute()
    )


# %% sets_the_flag_in_a_second_commit
# task: apply_scd2
# fails: test_readers_see_the_batch_in_one_step[apply_scd2]
# because: until the second commit is_current is null, and readers who filter by it miss the whole
#   batch
# breaks: Old and new change in **one commit**: in every version of the table a reader sees either
#   the state before the batch or the one after it
# -        .merge(to_write.alias("new"), SAME_VERSION)
# +        .merge(to_write.withColumn("is_current", F.lit(None)).alias("new"), SAME_VERSION)
# -    )
# +    )
# +    spark.sql(f"UPDATE {table} SET is_current = effective_to IS NULL WHERE is_current IS NULL")

# %% adds_every_correction
# task: apply_late
# fails: test_products_after_corrections[at_a_start],
#   test_a_batch_delivered_twice_changes_nothing[apply_late]
# because: a correction is added to the list, also where the list has an entry at that time
# breaks: at the start of a version it replaces that version's values.
def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    by_time = Window.partitionBy("product_id").orderBy("effective_from")
    columns = spark.table(table).columns
    said = entries(spark.table(table), updates.distinct()).drop("is_new")
    versions = said.withColumn("effective_to", F.lead("effective_from").over(by_time))
    rebuilt = versions.withColumn("is_current", F.isnull("effective_to"))
    others = spark.table(table).join(updates, on="product_id", how="left_anti").select(columns)
    others.unionByName(rebuilt).write.format("delta").mode("overwrite").saveAsTable(table)


# %% corrections_hold_for_ever
# task: apply_late
# fails: test_products_after_corrections[splits], test_a_correction_ends_at_the_next_version
# because: throws away every version that began after the correction
# breaks: A correction splits the version that was valid at its time, and holds until the next
#   version begins.
# -    same = [f"old.{name} <=> new.{name}" for name in [*ATTRIBUTES, "effective_to"]]
#
# -    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    corrected = F.min(F.when(F.col("is_new"), F.col("effective_from")))
# +    said = said.withColumn("corrected", corrected.over(Window.partitionBy("product_id")))
# +    after = "NOT is_new AND effective_from > corrected"
# +    known = said.where("place = 1")
# +    rebuilt = known.where(f"NOT ({after})").transform(intervals)
# +    gone = known.where(after).withColumn("repeats", F.lit(True))
# +    rebuilt = rebuilt.unionByName(gone, allowMissingColumns=True)
# -        .merge(said.where("place = 1").transform(intervals).alias("new"), SAME_VERSION)
# +        .merge(rebuilt.alias("new"), SAME_VERSION)
# -        .whenMatchedUpdateAll(f"NOT ({' AND '.join(same)})")
# +        .whenMatchedUpdateAll()

# %% deletes_then_appends
# task: apply_late
# fails: test_readers_see_the_batch_in_one_step[apply_late]
# because: between DELETE and append the corrected products don't exist
# breaks: One commit and a harmless replay are required here as well.
def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.desc("is_new"))
    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
    rebuilt = said.where("place = 1").transform(intervals).where("NOT repeats")
    rebuilt = rebuilt.select(spark.table(table).columns).localCheckpoint()
    products = ", ".join(str(row.product_id) for row in updates.select("product_id").collect())
    DeltaTable.forName(spark, table).delete(f"product_id IN ({products})")
    rebuilt.write.format("delta").mode("append").saveAsTable(table)


# %% ignores_the_past
# task: apply_late
# fails: test_products_after_corrections[splits],
#   test_products_after_corrections[before_all_versions]
# because: apply_scd2 skips every row that is not newer than the open version
# breaks: the same table, but rows of any time count.
def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    apply_scd2(spark, table, updates)


# %% keeps_collapsed_versions
# task: apply_late
# fails: test_products_after_corrections[becomes_equal], test_one_current_version[apply_late]
# because: the rebuilt history is right, but versions that are no longer in it stay in the table
# breaks: Versions that say the same as the one before them collapse into one, from the earlier
#   start on.
# -    same = [f"old.{name} <=> new.{name}" for name in [*ATTRIBUTES, "effective_to"]]
#
# -        .whenMatchedDelete("new.repeats")
# -        .whenMatchedUpdateAll(f"NOT ({' AND '.join(same)})")
# +        .whenMatchedUpdate(
# +            "NOT new.repeats", {name: f"new.{name}" for name in spark.table(table).columns}
# +        )

# %% keeps_equal_neighbours
# task: apply_late
# fails: test_products_after_corrections[becomes_equal], test_no_equal_neighbours[apply_late]
# because: every entry of the list becomes a version, also one that changes nothing
# breaks: Versions that say the same as the one before them collapse into one, from the earlier
#   start on.
# -    same = [f"old.{name} <=> new.{name}" for name in [*ATTRIBUTES, "effective_to"]]
#
# -    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    by_time = Window.partitionBy("product_id").orderBy("effective_from")
# +    versions = said.where("place = 1").withColumn(
# +        "effective_to", F.lead("effective_from").over(by_time)
# +    )
# +    versions = versions.withColumn("is_current", F.isnull("effective_to"))
# -        .merge(said.where("place = 1").transform(intervals).alias("new"), SAME_VERSION)
# -        .whenMatchedDelete("new.repeats")
# -        .whenMatchedUpdateAll(f"NOT ({' AND '.join(same)})")
# +        .merge(versions.alias("new"), SAME_VERSION)
# +        .whenMatchedUpdateAll()
# -            condition="NOT new.repeats",

# %% keeps_the_values_at_a_start
# task: apply_late
# fails: test_products_after_corrections[at_a_start], test_every_update_is_found
# because: at an existing start the old values win over the correction
# breaks: at the start of a version it replaces that version's values.
# -    same = [f"old.{name} <=> new.{name}" for name in [*ATTRIBUTES, "effective_to"]]
# -    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.desc("is_new"))
# +    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.asc("is_new"))
# -        .whenMatchedUpdateAll(f"NOT ({' AND '.join(same)})")
# +        .whenMatchedUpdateAll()

# %% leaves_the_old_end
# task: apply_late
# fails: test_products_after_corrections[splits], test_no_overlap[apply_late],
#   test_products_after_corrections[all_kinds], test_no_gap[apply_late]
# because: inserts the corrected version and forgets to shorten the one it falls into
# breaks: A correction splits the version that was valid at its time, and holds until the next
#   version begins.
# -    same = [f"old.{name} <=> new.{name}" for name in [*ATTRIBUTES, "effective_to"]]
#
# -        .whenMatchedUpdateAll(f"NOT ({' AND '.join(same)})")
# +        .whenMatchedUpdate(set={name: f"new.{name}" for name in ATTRIBUTES})

# %% rewrites_only_the_batch
# task: apply_late
# fails: test_products_after_corrections[absent_products]
# because: overwrites the table with the histories of the products in the batch
# breaks: Products that the batch doesn't mention keep their history as it is.
def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.desc("is_new"))
    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
    rebuilt = said.where("place = 1").transform(intervals).where("NOT repeats")
    rebuilt = rebuilt.select(spark.table(table).columns)
    rebuilt.write.format("delta").mode("overwrite").saveAsTable(table)


# %% closed_at_both_ends
# task: as_of
# fails: test_a_fact_at_a_change_finds_one_version, test_random_facts_find_their_version
# because: between takes both ends, so a fact at a change finds two versions
# breaks: A dimension row is valid from `effective_from`, that instant included, until
#   `effective_to`, that instant excluded.
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    time, start, end = (
        F.col(f"fact.{ts}"),
        F.col("version.effective_from"),
        F.col("version.effective_to"),
    )
    valid = time.between(start, F.coalesce(end, F.lit("9999-01-01").cast("timestamp")))
    return fact.join(version, same_product & valid, how="left").select(
        "fact.*", *[f"version.{name}" for name in ATTRIBUTES]
    )


# %% drops_facts_without_a_version
# task: as_of
# fails: test_facts_without_a_version_stay
# because: an inner join loses the facts of unknown products
# breaks: A fact without a valid version keeps its row, with nulls
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    time, start, end = (
        F.col(f"fact.{ts}"),
        F.col("version.effective_from"),
        F.col("version.effective_to"),
    )
    valid = (start <= time) & (end.isNull() | (time < end))
    return fact.join(version, same_product & valid, how="inner").select(
        "fact.*", *[f"version.{name}" for name in ATTRIBUTES]
    )


# %% filters_after_the_join
# task: as_of
# fails: test_facts_without_a_version_stay
# because: a condition on the version after a left join drops the rows that found none
# breaks: A fact without a valid version keeps its row, with nulls
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    time, start, end = (
        F.col(f"fact.{ts}"),
        F.col("version.effective_from"),
        F.col("version.effective_to"),
    )
    valid = (start <= time) & (end.isNull() | (time < end))
    return (
        fact.join(version, same_product, how="left")
        .where(valid)
        .select("fact.*", *[f"version.{name}" for name in ATTRIBUTES])
    )


# %% forgets_the_null_end
# task: as_of
# fails: test_facts_get_the_version_of_their_time, test_the_open_version_has_no_end
# because: a comparison with the null end is null, so the open version never matches
# breaks: the open version is valid at any later time.
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    time, start, end = (
        F.col(f"fact.{ts}"),
        F.col("version.effective_from"),
        F.col("version.effective_to"),
    )
    valid = (start <= time) & (time < end)
    return fact.join(version, same_product & valid, how="left").select(
        "fact.*", *[f"version.{name}" for name in ATTRIBUTES]
    )


# %% ignores_the_end
# task: as_of
# fails: test_facts_without_a_version_stay, test_a_fact_at_a_change_finds_one_version,
#   test_random_facts_find_their_version
# because: the last version that began by then may have ended: a product that was closed sells on
#   for ever
# breaks: A dimension row is valid from `effective_from`, that instant included, until
#   `effective_to`, that instant excluded.
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    numbered = facts.withColumn("_row", F.monotonically_increasing_id()).alias("fact")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    begun = F.col("version.effective_from") <= F.col(f"fact.{ts}")
    newest_first = Window.partitionBy("fact._row").orderBy(F.desc("version.effective_from"))
    joined = numbered.join(dimension.alias("version"), same_product & begun, how="left")
    return (
        joined.withColumn("_age", F.row_number().over(newest_first))
        .where("_age = 1")
        .select(
            *[f"fact.{name}" for name in facts.columns],
            *[f"version.{name}" for name in ATTRIBUTES],
        )
    )


# %% joins_identical_facts
# task: as_of
# fails: test_identical_facts_stay_apart
# because: dropDuplicates against doubled rows also drops facts that are truly equal
# breaks: Every fact comes back exactly once, identical ones included.
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    time, start, end = (
        F.col(f"fact.{ts}"),
        F.col("version.effective_from"),
        F.col("version.effective_to"),
    )
    valid = (start <= time) & (end.isNull() | (time <= end))
    newest = Window.partitionBy(*[F.col(f"fact.{name}") for name in facts.columns]).orderBy(
        start.desc()
    )
    joined = fact.join(version, same_product & valid, how="left")
    return (
        joined.withColumn("age", F.row_number().over(newest))
        .where("age = 1")
        .select("fact.*", *[f"version.{name}" for name in ATTRIBUTES])
    )


# %% joins_the_current_version
# task: as_of
# fails: test_facts_get_the_version_of_their_time
# because: gives every fact today's values
# breaks: `name`, `category` and `price` of the version valid at the time in the column named `ts`
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    return fact.join(version, same_product & F.col("version.is_current"), how="left").select(
        "fact.*", *[f"version.{name}" for name in ATTRIBUTES]
    )


# %% open_at_the_start
# task: as_of
# fails: test_a_fact_at_a_change_finds_one_version
# because: a fact at the instant of a change still finds the version before it
# breaks: A dimension row is valid from `effective_from`, that instant included, until
#   `effective_to`, that instant excluded.
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    time, start, end = (
        F.col(f"fact.{ts}"),
        F.col("version.effective_from"),
        F.col("version.effective_to"),
    )
    valid = (start < time) & (end.isNull() | (time <= end))
    return fact.join(version, same_product & valid, how="left").select(
        "fact.*", *[f"version.{name}" for name in ATTRIBUTES]
    )


# %% open_until_now
# task: as_of
# fails: test_the_open_version_has_no_end
# because: an open end filled with the time of the run loses facts dated later
# breaks: the open version is valid at any later time.
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    time, start, end = (
        F.col(f"fact.{ts}"),
        F.col("version.effective_from"),
        F.col("version.effective_to"),
    )
    valid = (start <= time) & (time < F.coalesce(end, F.current_timestamp()))
    return fact.join(version, same_product & valid, how="left").select(
        "fact.*", *[f"version.{name}" for name in ATTRIBUTES]
    )


# %% reads_one_time_column
# task: as_of
# fails: test_facts_get_the_version_of_their_time
# because: the name of the time column is a parameter
# breaks: `name`, `category` and `price` of the version valid at the time in the column named `ts`
# outcome: error
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    valid = (
        "fact.product_id = version.product_id AND version.effective_from <= fact.sold_at "
        "AND (version.effective_to IS NULL OR fact.sold_at < version.effective_to)"
    )
    joined = facts.alias("fact").join(dimension.alias("version"), F.expr(valid), how="left")
    return joined.select("fact.*", *[f"version.{name}" for name in ATTRIBUTES])


# %% returns_the_interval_as_well
# task: as_of
# fails: test_facts_get_the_version_of_their_time
# because: effective_from and is_current were not asked for
# breaks: the columns of `facts`, then `name`, `category` and `price` of the version valid at the
#   time in the column named `ts`
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    time, start, end = (
        F.col(f"fact.{ts}"),
        F.col("version.effective_from"),
        F.col("version.effective_to"),
    )
    valid = (start <= time) & (end.isNull() | (time < end))
    return fact.join(version, same_product & valid, how="left").drop(F.col("version.product_id"))
