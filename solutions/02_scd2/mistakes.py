# %% columns_of_the_open_row
# task: changed_rows
# fails: test_updates_that_come_back[new_or_changed]
# because: what the open row said was not asked for
# breaks: with the columns of `UPDATES`, in that order.
# -    return updates.join(open_rows, same_product & says_the_same, how="left_anti")
# +    changed = updates.join(open_rows, same_product & says_the_same, how="left_anti")
# +    return changed.join(open_rows, on="product_id", how="left")

# %% compares_only_the_price
# task: changed_rows
# fails: test_updates_that_come_back[new_or_changed], test_random_updates_with_nulls
# because: name and category are attributes as well
# breaks: A row comes back if the row of its product in `current` has another name, category or
#   price.
# -    says_the_same = F.struct(*ATTRIBUTES).eqNullSafe(F.col("said"))
# +    says_the_same = F.col("price").eqNullSafe(F.col("said.price"))

# %% compares_the_time_as_well
# task: changed_rows
# fails: test_updates_that_come_back[unchanged]
# because: the time of an update always differs, so every row counts as changed
# breaks: Times are not compared.
# -    open_rows = current.select("product_id", F.struct(*ATTRIBUTES).alias("said"))
# -    says_the_same = F.struct(*ATTRIBUTES).eqNullSafe(F.col("said"))
# +    known = current.withColumnRenamed("effective_from", "updated_at")
# +    values = F.struct(*ATTRIBUTES, "updated_at")
# +    open_rows = known.select("product_id", values.alias("said"))
# +    says_the_same = values.eqNullSafe(F.col("said"))

# %% compares_with_all_products
# task: changed_rows
# fails: test_updates_that_come_back[other_products]
# because: the values are looked up without their product
# breaks: A row comes back if the row of its product in `current` has another name, category or
#   price.
# -    same_product = updates["product_id"] == open_rows["product_id"]
# -    return updates.join(open_rows, same_product & says_the_same, how="left_anti")
# +    return updates.join(open_rows, says_the_same, how="left_anti")

# %% hash_of_joined_values
# task: changed_rows
# fails: test_updates_that_come_back[moved_values]
# because: concat_ws skips nulls and forgets where one value ends and the next begins
# breaks: A row comes back if the row of its product in `current` has another name, category or
#   price.
# -    open_rows = current.select("product_id", F.struct(*ATTRIBUTES).alias("said"))
# -    says_the_same = F.struct(*ATTRIBUTES).eqNullSafe(F.col("said"))
# +    digest = F.sha2(F.concat_ws("|", *ATTRIBUTES), 256)
# +    open_rows = current.select("product_id", digest.alias("said"))
# +    says_the_same = digest == F.col("said")

# %% newer_rows_only
# task: changed_rows
# fails: test_updates_that_come_back[older]
# because: looks at the times as well, and loses the changes of the past
# breaks: Times are not compared.
# -    return updates.join(open_rows, same_product & says_the_same, how="left_anti")
# +    changed = updates.join(open_rows, same_product & says_the_same, how="left_anti")
# +    began = current.select("product_id", F.col("effective_from").alias("began"))
# +    newer = changed.join(began, on="product_id", how="left")
# +    return newer.where("began IS NULL OR updated_at > began").drop("began")

# %% not_equal_operator
# task: changed_rows
# fails: test_updates_that_come_back[null_changes], test_random_updates_with_nulls
# because: != with a null on either side is null, and where drops the row
# breaks: Null is a value of its own: null to null is no change.
# -    says_the_same = F.struct(*ATTRIBUTES).eqNullSafe(F.col("said"))
# -    same_product = updates["product_id"] == open_rows["product_id"]
# -    return updates.join(open_rows, same_product & says_the_same, how="left_anti")
# +    changed = "name != said.name OR category != said.category OR price != said.price"
# +    both = updates.join(open_rows, on="product_id", how="left")
# +    return both.where(f"said IS NULL OR {changed}").drop("said")

# %% null_becomes_a_default
# task: changed_rows
# fails: test_updates_that_come_back[null_changes]
# because: coalesce to '' and 0 makes null equal to an empty text and to 0
# breaks: Null to anything else is one, also to an empty text or 0.
# -    says_the_same = F.struct(*ATTRIBUTES).eqNullSafe(F.col("said"))
# +    default = {"name": "''", "category": "''", "price": "0"}
# +    same = [f"coalesce({n}, {d}) = coalesce(said.{n}, {d})" for n, d in default.items()]
# +    says_the_same = F.expr(" AND ".join(same))

# %% null_names_are_new
# task: changed_rows
# fails: test_updates_that_come_back[unchanged]
# because: takes a product for new when its open version has no name
# breaks: No other row comes back.
# -    open_rows = current.select("product_id", F.struct(*ATTRIBUTES).alias("said"))
# +    named = current.where("name IS NOT NULL")
# +    open_rows = named.select("product_id", F.struct(*ATTRIBUTES).alias("said"))

# %% nulls_of_a_left_join
# task: changed_rows
# fails: test_updates_that_come_back[new_or_changed]
# because: after a left join an unknown product looks like one whose values are all null
# breaks: A row comes back if `current` has no row of its product.
# -    return updates.join(open_rows, same_product & says_the_same, how="left_anti")
# +    both = updates.join(open_rows, on="product_id", how="left")
# +    same = [f"{name} <=> said.{name}" for name in ATTRIBUTES]
# +    return both.where(f"NOT ({' AND '.join(same)})").drop("said")

# %% only_known_products
# task: changed_rows
# fails: test_updates_that_come_back[new_or_changed]
# because: drops the rows of products that the dimension does not know
# breaks: A row comes back if `current` has no row of its product.
# -    return updates.join(open_rows, same_product & says_the_same, how="left_anti")
# +    changed = updates.join(open_rows, same_product & says_the_same, how="left_anti")
# +    return changed.join(current, on="product_id", how="left_semi")

# %% prices_in_cents
# task: changed_rows
# fails: test_updates_that_come_back[small_changes]
# because: rounds before it compares, and loses a price that changed by less than a cent
# breaks: a blank at the end, a capital letter or a fraction of a cent is a difference.
# -    open_rows = current.select("product_id", F.struct(*ATTRIBUTES).alias("said"))
# -    says_the_same = F.struct(*ATTRIBUTES).eqNullSafe(F.col("said"))
# +    values = F.struct("name", "category", F.round("price", 2).alias("price"))
# +    open_rows = current.select("product_id", values.alias("said"))
# +    says_the_same = values.eqNullSafe(F.col("said"))

# %% tidied_names
# task: changed_rows
# fails: test_updates_that_come_back[small_changes]
# because: trims and lowers names before it compares them: the correction of a name is lost
# breaks: Values are compared as they are
# -    open_rows = current.select("product_id", F.struct(*ATTRIBUTES).alias("said"))
# -    says_the_same = F.struct(*ATTRIBUTES).eqNullSafe(F.col("said"))
# +    values = F.struct(F.trim(F.lower("name")).alias("name"), "category", "price")
# +    open_rows = current.select("product_id", values.alias("said"))
# +    says_the_same = values.eqNullSafe(F.col("said"))

# %% adds_columns
# task: apply_scd2
# fails: test_products_after_a_batch
# because: the columns that only the computation needs become columns of the table
# breaks: It changes the Delta table named `table`, which has the columns of `DIMENSION` and keeps
#   them.
# -        .merge(to_write.alias("new"), SAME_VERSION)
# +        .merge(to_write.alias("new"), SAME_VERSION)
# +        .withSchemaEvolution()

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
# breaks: Products that the batch does not mention stay open.
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
#   the state before the batch or the one after it.
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
# breaks: The version before it ends where it begins.
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    end = F.when(F.col("effective_to").isNotNull(), F.current_timestamp())
# +    to_write = to_write.withColumn("effective_to", end)

# %% closes_every_version
# task: apply_scd2
# fails: test_products_after_a_batch[a_change]
# because: without is_current in the condition, closed versions get the new end as well
# breaks: Closed versions stay as they are.
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    key = F.when(~F.col("is_new"), F.col("product_id"))
# +    to_write = to_write.withColumn("merge_key", key)
# -        .merge(to_write.alias("new"), SAME_VERSION)
# -        .whenMatchedUpdateAll()
# +        .merge(to_write.alias("new"), "old.product_id = new.merge_key")
# +        .whenMatchedUpdate(set={"effective_to": "new.effective_to", "is_current": F.lit(False)})

# %% closes_without_the_flag
# task: apply_scd2
# fails: test_products_after_a_batch[a_change], test_random_histories[apply_scd2-current_is_open]
# because: the closed version gets its end and stays current
# breaks: It is the only one with `is_current`.
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = to_write.withColumn("is_current", F.lit(True))

# %% compares_with_ignored_rows
# task: apply_scd2
# fails: test_products_after_a_batch[not_newer]
# because: a row that is too old is still the one that the next row is compared with
# breaks: Other rows are ignored, as if they were not there.
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

# %% compares_with_the_open_version_only
# task: apply_scd2
# fails: test_products_after_a_batch[every_change]
# because: drops what the open version says already, also where another change comes between
# breaks: Each is compared with the row before it, the first with the open version.
# -    versions = said.withColumn("began", began).where(counts).transform(intervals)
# +    values = F.struct(*ATTRIBUTES)
# +    opened = F.max(F.when(~F.col("is_new"), values)).over(Window.partitionBy("product_id"))
# +    compared = said.withColumn("began", began).withColumn("old", values.eqNullSafe(opened))
# +    versions = compared.where(counts).where("NOT (is_new AND old)").transform(intervals)

# %% compares_with_not_equal
# task: apply_scd2
# fails: test_products_after_a_batch[null_changes], test_every_newer_update_is_found
# because: changes from and to null are lost by !=
# breaks: Null is a value of its own: null to null is no change.
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
# breaks: The table is not dropped.
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
# breaks: Every other row becomes a version from its `updated_at` on, also when a value returns.
# -    versions = said.withColumn("began", began).where(counts).transform(intervals)
# +    versions = said.withColumn("began", began).where(counts).transform(once)
# +    versions = intervals(versions)


def once(said: DataFrame) -> DataFrame:
    by_time = Window.partitionBy("product_id", *ATTRIBUTES).orderBy("effective_from")
    return said.withColumn("times", F.row_number().over(by_time)).where("times = 1")


# %% empty_batch_is_an_error
# task: apply_scd2
# fails: test_a_batch_delivered_twice_changes_nothing[apply_scd2]
# because: a line for the log that needs a row: a day without updates stops the load
# breaks: `updates` may hold several rows of a product, in any order, or no rows at all.
# outcome: error
# -    said = entries(spark.table(table).where("is_current"), updates)
# +    newest = updates.agg(F.max("updated_at")).first()[0]
# +    print(f"{table}: updates until {newest:%Y-%m-%d}")
# +    said = entries(spark.table(table).where("is_current"), updates)

# %% ends_a_second_early
# task: apply_scd2
# fails: test_random_histories[apply_scd2-no_gap]
# because: an end that is the last second of a version leaves an instant that belongs to none
# breaks: The version before it ends where it begins.
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    last_second = F.col("effective_to") - F.expr("INTERVAL 1 SECOND")
# +    to_write = to_write.withColumn("effective_to", last_second)

# %% ends_at_an_update_that_repeats
# task: apply_scd2
# fails: test_products_after_a_batch[no_change], test_random_histories[apply_scd2-no_gap]
# because: looks for the end before it drops the updates that make no version
# breaks: If it says the same, it makes no version.
# in: intervals
# -        .withColumn("effective_to", F.lead("effective_from").over(by_time_apart))
# +        .withColumn("effective_to", F.lead("effective_from").over(by_time))

# %% every_update_is_a_version
# task: apply_scd2
# fails: test_products_after_a_batch[no_change],
#   test_random_histories[apply_scd2-no_equal_neighbours]
# because: an update that repeats what is known opens a version
# breaks: If it says the same, it makes no version.
# -    versions = said.withColumn("began", began).where(counts).transform(intervals)
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    versions = said.withColumn("began", began).where(counts).distinct()
# +    by_time = Window.partitionBy("product_id").orderBy("effective_from")
# +    versions = versions.withColumn("effective_to", F.lead("effective_from").over(by_time))
# +    versions = versions.withColumn("is_current", F.isnull("effective_to"))
# +    to_write = versions.where("is_new OR NOT is_current")

# %% high_water_mark
# task: apply_scd2
# fails: test_every_newer_update_is_found
# because: one time for all products: what is older than the newest version of another product is
#   lost
# breaks: A row counts if its product is new, or if its `updated_at` is later than the start of its
#   product's open version.
# -    began = F.max(stored_start).over(Window.partitionBy("product_id"))
# +    began = F.max(stored_start).over(Window.partitionBy(F.lit("all products")))

# %% first_nulls_are_lost
# task: apply_scd2
# fails: test_products_after_a_batch[every_change]
# because: column by column, a first row of nulls looks like the row before it, which is not there
# breaks: The first row of a new product always becomes one.
# in: intervals
# -        said.withColumn("repeats", values.eqNullSafe(F.lag(values).over(by_time)))
# +        said.withColumn(
# +            "repeats",
# +            F.col("name").eqNullSafe(F.lag("name").over(by_time))
# +            & F.col("category").eqNullSafe(F.lag("category").over(by_time))
# +            & F.col("price").eqNullSafe(F.lag("price").over(by_time)),
# +        )

# %% keeps_the_last_row_of_a_day
# task: apply_scd2
# fails: test_products_after_a_batch[every_change]
# because: several changes a day are several versions
# breaks: Three changes in a batch are three versions.
# -    said = entries(spark.table(table).where("is_current"), updates)
# +    newest = Window.partitionBy("product_id", F.to_date("updated_at")).orderBy(F.desc("updated_at"))
# +    last = updates.withColumn("age", F.row_number().over(newest)).where("age = 1")
# +    said = entries(spark.table(table).where("is_current"), last)

# %% late_rows_become_current
# task: apply_scd2
# fails: test_products_after_a_batch[not_newer], test_random_histories[apply_scd2-no_overlap]
# because: whatever arrives is taken for the newest, also when it is from the past
# breaks: Other rows are ignored, as if they were not there.
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
# fails: test_random_histories[apply_scd2-one_current]
# because: every new version of a batch is written as the current one
# breaks: The last version of a product is open.
# -    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
# +    end = F.when(~F.col("is_new"), F.col("effective_to"))
# +    to_write = to_write.withColumn("effective_to", end).withColumn("is_current", F.col("is_new"))


# %% merges_every_row_of_the_batch
# task: apply_scd2
# fails: test_products_after_a_batch[every_change]
# because: several rows of a product match one open version, and MERGE refuses to choose
# breaks: `updates` may hold several rows of a product, in any order, or no rows at all.
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
# breaks: Every other row becomes a version from its `updated_at` on
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
#   the state before the batch or the one after it.
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
# breaks: A row at the start of a version replaces that version's values, be it closed or open.
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
# breaks: until the next version of the table or the next row of the batch begins.
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
# breaks: All of it in one commit, and the table is not dropped, as in Task 2.
def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.desc("is_new"))
    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
    rebuilt = said.where("place = 1").transform(intervals).where("NOT repeats")
    rebuilt = rebuilt.select(spark.table(table).columns).localCheckpoint()
    products = ", ".join(str(row.product_id) for row in updates.select("product_id").collect())
    DeltaTable.forName(spark, table).delete(f"product_id IN ({products})")
    rebuilt.write.format("delta").mode("append").saveAsTable(table)


# %% early_corrections_ignored
# task: apply_late
# fails: test_products_after_corrections[before_all_versions], test_every_update_is_found
# because: takes what is older than the whole history for a mistake of the source
# breaks: A row before the first version becomes the first version.
# -    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    stored_start = F.when(~F.col("is_new"), F.col("effective_from"))
# +    first = F.min(stored_start).over(Window.partitionBy("product_id"))
# +    said = said.withColumn("first", first).where("first IS NULL OR effective_from >= first")

# %% flag_of_the_closed_version_stays
# task: apply_late
# fails: test_products_after_corrections[all_kinds],
#   test_random_histories[apply_late-current_is_open]
# because: a correction that closes the open version gives it an end, and leaves it current
# breaks: It is the only one with `is_current`.
# -        .whenMatchedUpdateAll(f"NOT ({' AND '.join(same)})")
# +        .whenMatchedUpdate(
# +            f"NOT ({' AND '.join(same)})",
# +            {name: f"new.{name}" for name in [*ATTRIBUTES, "effective_to"]},
# +        )


# %% ignores_the_past
# task: apply_late
# fails: test_products_after_corrections[splits],
#   test_products_after_corrections[before_all_versions]
# because: apply_scd2 skips every row that is not newer than the open version
# breaks: but rows of any time count.
def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    apply_scd2(spark, table, updates)


# %% keeps_collapsed_versions
# task: apply_late
# fails: test_products_after_corrections[becomes_equal],
#   test_random_histories[apply_late-one_current]
# because: the rebuilt history is right, but versions that are no longer in it stay in the table
# breaks: a version that says the same as the one before it becomes part of that one
# -    same = [f"old.{name} <=> new.{name}" for name in [*ATTRIBUTES, "effective_to"]]
#
# -        .whenMatchedDelete("new.repeats")
# -        .whenMatchedUpdateAll(f"NOT ({' AND '.join(same)})")
# +        .whenMatchedUpdate(
# +            "NOT new.repeats", {name: f"new.{name}" for name in spark.table(table).columns}
# +        )

# %% keeps_equal_neighbours
# task: apply_late
# fails: test_products_after_corrections[becomes_equal],
#   test_random_histories[apply_late-no_equal_neighbours]
# because: every entry of the list becomes a version, also one that changes nothing
# breaks: a version that says the same as the one before it becomes part of that one
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
# breaks: A row at the start of a version replaces that version's values, be it closed or open.
# -    same = [f"old.{name} <=> new.{name}" for name in [*ATTRIBUTES, "effective_to"]]
# -    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.desc("is_new"))
# +    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.asc("is_new"))
# -        .whenMatchedUpdateAll(f"NOT ({' AND '.join(same)})")
# +        .whenMatchedUpdateAll()

# %% late_start_stays
# task: apply_late
# fails: test_products_after_corrections[becomes_equal]
# because: takes a row that says what the next version says for no news, and that version keeps its
#   start
# breaks: becomes part of that one; the earlier start stays.
# -    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    by_time = Window.partitionBy("product_id").orderBy("effective_from")
# +    values = F.struct(*ATTRIBUTES)
# +    repeated = values.eqNullSafe(F.lead(values).over(by_time)) & F.col("is_new")
# +    said = said.where("place = 1").withColumn("repeated", repeated).where("NOT repeated")

# %% leaves_the_old_end
# task: apply_late
# fails: test_products_after_corrections[splits], test_products_after_corrections[all_kinds],
#   test_random_histories[apply_late-no_overlap], test_random_histories[apply_late-no_gap]
# because: inserts the corrected version and forgets to shorten the one it falls into
# breaks: So it splits the version that was valid at its time.
# -    same = [f"old.{name} <=> new.{name}" for name in [*ATTRIBUTES, "effective_to"]]
#
# -        .whenMatchedUpdateAll(f"NOT ({' AND '.join(same)})")
# +        .whenMatchedUpdate(set={name: f"new.{name}" for name in ATTRIBUTES})

# %% names_each_product_of_the_batch
# task: apply_late
# fails: test_a_batch_delivered_twice_changes_nothing[apply_late]
# because: IN () is no SQL: a day without updates stops the load
# breaks: `updates` is as in Task 2: several rows of a product, copies, or no rows.
# outcome: error
# -    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    products = ", ".join(str(row[0]) for row in updates.select("product_id").distinct().collect())
# +    stored = spark.table(table).where(f"product_id IN ({products})")
# +    said = entries(stored, updates).withColumn("place", F.row_number().over(new_first))

# %% new_products_wait
# task: apply_late
# fails: test_products_after_corrections[all_kinds], test_every_update_is_found
# because: corrects what is there; the first rows of a product are lost
# breaks: New products and newer rows work as in Task 2.
# -    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    known = updates.join(spark.table(table), on="product_id", how="left_semi")
# +    said = entries(spark.table(table), known).withColumn("place", F.row_number().over(new_first))

# %% nulls_say_nothing
# task: apply_late
# fails: test_products_after_corrections[at_a_start], test_every_update_is_found
# because: fills a null of a correction from the version before it: a value can never be taken back
# breaks: A row says name, category and price of its product from its `updated_at` on
# -    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
# +    by_time = Window.partitionBy("product_id").orderBy("effective_from")
# +    said = said.where("place = 1")
# +    for name in ATTRIBUTES:
# +        said = said.withColumn(name, F.coalesce(name, F.lag(name).over(by_time)))


# %% rewrites_only_the_batch
# task: apply_late
# fails: test_products_after_corrections[absent_products]
# because: overwrites the table with the histories of the products in the batch
# breaks: Products that the batch does not mention keep their history as it is.
def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.desc("is_new"))
    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
    rebuilt = said.where("place = 1").transform(intervals).where("NOT repeats")
    rebuilt = rebuilt.select(spark.table(table).columns)
    rebuilt.write.format("delta").mode("overwrite").saveAsTable(table)


# %% closed_at_both_ends
# task: as_of
# fails: test_values_of_facts[at_a_change], test_values_of_facts[ended],
#   test_random_facts_find_their_version
# because: takes both ends, so a fact at a change finds two versions
# breaks: Every fact comes back exactly once.
# -        F.col(f"fact.{ts}") < F.col("version.effective_to")
# +        F.col(f"fact.{ts}") <= F.col("version.effective_to")

# %% drops_facts_without_a_version
# task: as_of
# fails: test_values_of_facts[no_version]
# because: an inner join loses the facts of unknown products
# breaks: A fact without a valid version keeps its row, with null in the three columns.
# -        .join(dimension.alias("version"), same_product & begun & not_ended, how="left")
# +        .join(dimension.alias("version"), same_product & begun & not_ended, how="inner")

# %% drops_incomplete_facts
# task: as_of
# fails: test_values_of_facts[no_version]
# because: takes a fact without a product or a time for dirt, and the count of facts no longer holds
# breaks: and one whose `product_id` or time is null.
# -        facts.alias("fact")
# +        facts.dropna(subset=["product_id", ts])
# +        .alias("fact")

# %% filters_after_the_join
# task: as_of
# fails: test_values_of_facts[no_version]
# because: a condition on the version after a left join drops the rows that found none
# breaks: A fact without a valid version keeps its row, with null in the three columns.
# -        .join(dimension.alias("version"), same_product & begun & not_ended, how="left")
# +        .join(dimension.alias("version"), same_product, how="left")
# +        .where(begun & not_ended)

# %% forgets_the_null_end
# task: as_of
# fails: test_values_of_facts[in_a_version], test_values_of_facts[far_ahead]
# because: a comparison with the null end is null, so the open version never matches
# breaks: The open version is valid at any time from its start on
# -    not_ended = F.col("version.effective_to").isNull() | (
# -        F.col(f"fact.{ts}") < F.col("version.effective_to")
# -    )
# +    not_ended = F.col(f"fact.{ts}") < F.col("version.effective_to")


# %% ignores_the_end
# task: as_of
# fails: test_values_of_facts[ended], test_random_facts_find_their_version
# because: the last version that began by then may have ended: a product that was closed sells on
#   for ever
# breaks: No version is valid where there is none.
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


# %% identical_facts_once
# task: as_of
# fails: test_identical_facts_stay_apart
# because: a distinct against doubled rows also drops facts that are truly equal
# breaks: Identical facts come back as often as they were given.
# -        .select("fact.*", *[f"version.{name}" for name in ATTRIBUTES])
# +        .select("fact.*", *[f"version.{name}" for name in ATTRIBUTES])
# +        .distinct()

# %% joins_the_current_version
# task: as_of
# fails: test_values_of_facts[in_a_version]
# because: gives every fact today's values
# breaks: A fact gets the values of the version of its product that is valid at its time
# -        .join(dimension.alias("version"), same_product & begun & not_ended, how="left")
# +        .join(dimension.alias("version"), same_product & F.col("version.is_current"), how="left")

# %% key_first
# task: as_of
# fails: test_values_of_facts[in_a_version], test_random_facts_find_their_version
# because: a join by name puts the key in front, wherever the facts have it
# breaks: It returns the columns of `facts`, in their order
# -        .select("fact.*", *[f"version.{name}" for name in ATTRIBUTES])
# +        .select("fact.*", *[f"version.{name}" for name in ATTRIBUTES])
# +        .select("product_id", *[c for c in facts.columns if c != "product_id"], *ATTRIBUTES)

# %% open_at_the_start
# task: as_of
# fails: test_values_of_facts[at_a_change]
# because: a fact at the instant of a change finds no version, or the one before it
# breaks: from the start of the version, included, until its end, excluded.
# -    begun = F.col("version.effective_from") <= F.col(f"fact.{ts}")
# +    begun = F.col("version.effective_from") < F.col(f"fact.{ts}")

# %% open_until_now
# task: as_of
# fails: test_values_of_facts[far_ahead]
# because: an open end filled with the time of the run loses facts dated later
# breaks: The open version is valid at any time from its start on, in the future as well.
# -    not_ended = F.col("version.effective_to").isNull() | (
# -        F.col(f"fact.{ts}") < F.col("version.effective_to")
# -    )
# +    end = F.coalesce("version.effective_to", F.current_timestamp())
# +    not_ended = F.col(f"fact.{ts}") < end

# %% reads_one_time_column
# task: as_of
# fails: test_values_of_facts[in_a_version]
# because: the name of the time column is a parameter
# breaks: `ts` is the name of the column of `facts` that holds this time.
# outcome: error
# -    begun = F.col("version.effective_from") <= F.col(f"fact.{ts}")
# +    begun = F.col("version.effective_from") <= F.col("fact.sold_at")

# %% returns_the_interval_as_well
# task: as_of
# fails: test_values_of_facts[in_a_version]
# because: effective_from and is_current were not asked for
# breaks: It returns the columns of `facts`, in their order, then `name`, `category` and `price`
# -        .select("fact.*", *[f"version.{name}" for name in ATTRIBUTES])
# +        .drop(F.col("version.product_id"))
