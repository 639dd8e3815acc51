# %% appends_alone_counted
# task: suspect_versions
# fails: test_versions[merges], test_versions[updates]
# because: numOutputRows is the only metric that is looked at
# breaks: `rows_written` is the number of rows that the commit inserted or updated.
# -        .withColumn("rows_written", sum(map(metric, written), appended))
# +        .withColumn("rows_written", appended)

# %% copied_rows_counted
# task: suspect_versions
# fails: test_versions[merges]
# because: numOutputRows of a MERGE holds the rows that were only copied
# breaks: A row that a commit only copied to another file counts in neither.
# -    appended = F.when(F.col("operation") == "WRITE", metric("numOutputRows")).otherwise(0)
# -    counts = (
# -        DeltaTable.forName(spark, table)
# -        .history()
# -        .withColumn("rows_written", sum(map(metric, written), appended))
# +    output = metric("numOutputRows") + metric("numUpdatedRows")
# +    counts = (
# +        DeltaTable.forName(spark, table)
# +        .history()
# +        .withColumn("rows_written", output)

# %% updates_written_only
# task: suspect_versions
# fails: test_versions[updates], test_versions[merges]
# because: an update also takes the old row away
# breaks: `rows_removed` is the number of rows that it deleted or updated: an update counts in both.
# -    removed = ["numTargetRowsDeleted", "numTargetRowsUpdated", "numDeletedRows", "numUpdatedRows"]
# +    removed = ["numTargetRowsDeleted", "numDeletedRows"]

# %% deletes_of_a_merge_forgotten
# task: suspect_versions
# fails: test_versions[merges], test_versions[both]
# because: a MERGE may delete, too
# breaks: `rows_removed` is the number of rows that it deleted or updated
# -    removed = ["numTargetRowsDeleted", "numTargetRowsUpdated", "numDeletedRows", "numUpdatedRows"]
# +    removed = ["numTargetRowsUpdated", "numDeletedRows", "numUpdatedRows"]

# %% null_counts
# task: suspect_versions
# in: metric
# fails: test_versions[optimize], test_versions[first]
# because: a metric that a commit does not have is null, and so is every sum with it
# breaks: A commit that changes no row, such as an `OPTIMIZE`, has 0 in both, never null.
# -    return F.coalesce(F.col("operationMetrics")[name].cast("long"), F.lit(0))
# +    return F.col("operationMetrics")[name].cast("long")

# %% removed_files_make_a_suspect
# task: suspect_versions
# fails: test_versions[optimize]
# because: an OPTIMIZE removes many files and not one row
# breaks: A commit that changes no row, such as an `OPTIMIZE`, has 0 in both
# -        .withColumn("rows_removed", sum(map(metric, removed), F.lit(0)))
# +        .withColumn("rows_removed", sum(map(metric, removed), metric("numRemovedFiles")))

# %% newest_count_everywhere
# task: suspect_versions
# fails: test_versions[appends], test_versions[shrank], test_versions[first]
# because: the table is counted as it is now
# breaks: `live_rows` is the number of rows that the table has in this version.
# -        .withColumn("live_rows", F.sum(F.expr("rows_written - rows_removed")).over(so_far))
# +        .withColumn("live_rows", F.lit(spark.table(table).count()).cast("long"))

# %% live_rows_never_fall
# task: suspect_versions
# fails: test_versions[shrank], test_versions[merges]
# because: what was removed is not taken off
# breaks: `live_rows` is the number of rows that the table has in this version.
# -        .withColumn("live_rows", F.sum(F.expr("rows_written - rows_removed")).over(so_far))
# +        .withColumn("live_rows", F.sum("rows_written").over(so_far))

# %% shrank_by_operation
# task: suspect_versions
# fails: test_versions[both]
# because: a MERGE can make a table smaller as well
# breaks: A version is suspicious if it has fewer rows than the version before; `reason` is
#   `shrank`.
# -    shrank = F.when(F.col("live_rows") < F.col("before"), "shrank")
# +    shrank = F.when(F.col("operation") == "DELETE", "shrank")

# %% shrinking_not_seen
# task: suspect_versions
# fails: test_versions[shrank], test_versions[both]
# because: only the share is looked at
# breaks: A version is suspicious if it has fewer rows than the version before; `reason` is
#   `shrank`.
# -    return counts.withColumn("reason", F.coalesce(shrank, rewrote)).select(
# +    return counts.withColumn("reason", rewrote).select(

# %% not_growing_is_shrinking
# task: suspect_versions
# fails: test_versions[updates], test_versions[optimize]
# because: an update or an OPTIMIZE leaves the count as it is
# breaks: All other versions, and version 0, are not suspicious: false, and null as the reason.
# -    shrank = F.when(F.col("live_rows") < F.col("before"), "shrank")
# +    shrank = F.when(F.col("live_rows") <= F.col("before"), "shrank")

# %% a_fifth_is_too_much
# task: suspect_versions
# fails: test_versions[updates]
# because: the limit itself counts as above it
# breaks: Exactly 20 % is not suspicious.
# -    rewrote = F.when(F.col("rows_removed") * 5 > F.col("before"), "rewrote")
# +    rewrote = F.when(F.col("rows_removed") * 5 >= F.col("before"), "rewrote")

# %% share_of_the_rows_after
# task: suspect_versions
# fails: test_versions[rewrote]
# because: a MERGE that also inserts much hides how much it rewrote
# breaks: A version is suspicious if its commit removed more than 20 % of the rows that the version
#   before had; `reason` is `rewrote`.
# -    rewrote = F.when(F.col("rows_removed") * 5 > F.col("before"), "rewrote")
# +    rewrote = F.when(F.col("rows_removed") * 5 > F.col("live_rows"), "rewrote")

# %% update_statements_only
# task: suspect_versions
# fails: test_versions[rewrote]
# because: a MERGE rewrites rows as well
# breaks: A version is suspicious if its commit removed more than 20 % of the rows that the version
#   before had
# -    rewrote = F.when(F.col("rows_removed") * 5 > F.col("before"), "rewrote")
# +    is_update = F.col("operation") == "UPDATE"
# +    rewrote = F.when(is_update & (F.col("rows_removed") * 5 > F.col("before")), "rewrote")

# %% rewrote_comes_first
# task: suspect_versions
# fails: test_versions[both]
# because: the reasons are asked in the other order
# breaks: If both hold, the reason is `shrank`.
# -    return counts.withColumn("reason", F.coalesce(shrank, rewrote)).select(
# +    return counts.withColumn("reason", F.coalesce(rewrote, shrank)).select(

# %% reason_of_the_innocent
# task: suspect_versions
# fails: test_versions[appends], test_versions[first], test_versions[optimize]
# because: every version has a reason, and so every version is suspicious
# breaks: All other versions, and version 0, are not suspicious: false, and null as the reason.
# -    return counts.withColumn("reason", F.coalesce(shrank, rewrote)).select(
# +    return counts.withColumn("reason", F.coalesce(shrank, rewrote, F.lit("ok"))).select(

# %% suspicious_is_null
# task: suspect_versions
# fails: test_versions[appends], test_versions[first]
# because: a comparison with null is null, not false
# breaks: All other versions, and version 0, are not suspicious: false, and null as the reason.
# -        F.isnotnull("reason").alias("suspicious"),
# +        F.col("reason").isin("shrank", "rewrote").alias("suspicious"),

# %% version_zero_left_out
# task: suspect_versions
# fails: test_all_versions, test_versions[first], test_random_versions
# because: the table's first version is one, too
# breaks: It returns one row for each version of the Delta table named `table`.
# -    return counts.withColumn("reason", F.coalesce(shrank, rewrote)).select(
# +    flagged = counts.withColumn("reason", F.coalesce(shrank, rewrote))
# +    return flagged.where("version > 0").select(

# %% matched_updates_alone
# task: suspect_versions
# fails: test_versions[merges]
# because: rows that a MERGE updated although the source does not have them are forgotten
# breaks: `rows_removed` is the number of rows that it deleted or updated
# -    removed = ["numTargetRowsDeleted", "numTargetRowsUpdated", "numDeletedRows", "numUpdatedRows"]
# +    merged = ["numTargetRowsDeleted", "numTargetRowsMatchedUpdated"]
# +    removed = [*merged, "numDeletedRows", "numUpdatedRows"]

# %% whole_percents
# task: suspect_versions
# fails: test_versions[rewrote]
# because: 20.8 % is cut to 20
# breaks: A version is suspicious if its commit removed more than 20 % of the rows that the version
#   before had; `reason` is `rewrote`.
# -    rewrote = F.when(F.col("rows_removed") * 5 > F.col("before"), "rewrote")
# +    percent = F.expr("100 * rows_removed div nullif(before, 0)")
# +    rewrote = F.when(percent > 20, "rewrote")

# %% operation_in_lower_case
# task: suspect_versions
# fails: test_versions[appends], test_versions[merges]
# because: somebody looks for the history's own words
# breaks: `version` and `operation` are those of the history.
# -        "operation",
# +        F.lower("operation").alias("operation"),

# %% counts_after_the_flag
# task: suspect_versions
# fails: test_versions[appends]
# because: the columns are right and their order is not
# breaks: The columns are `version` long, `operation` string, `rows_written` long, `rows_removed`
#   long, `live_rows` long, `suspicious` boolean and `reason` string, in this order.
# -        "live_rows",
# -        F.isnotnull("reason").alias("suspicious"),
# +        F.isnotnull("reason").alias("suspicious"),
# +        "live_rows",

# %% one_direction
# task: damage
# fails: test_orders_that_differ[invented], test_orders_that_differ[bare]
# because: what only the bad version has finds no partner
# breaks: `kind` is `invented` if only `bad` has the order.
# -        before.join(after, on="order_id", how="full")
# +        before.join(after, on="order_id", how="left")

# %% pairs_alone
# task: damage
# fails: test_orders_that_differ[lost], test_orders_that_differ[invented]
# because: an inner join finds only orders that both versions have
# breaks: `kind` is `lost` if only `good` has the order.
# -        before.join(after, on="order_id", how="full")
# +        before.join(after, on="order_id", how="inner")

# %% compares_only_the_price
# task: damage
# fails: test_orders_that_differ[changed]
# because: the incident was about prices, and the comparison is about them alone
# breaks: `kind` is `changed` if both versions have the order and any column differs.
# -        .where(~F.col("before").eqNullSafe(F.col("after")))
# +        .where(
# +            F.isnull("before")
# +            | F.isnull("after")
# +            | ~F.col("before.price").eqNullSafe(F.col("after.price"))
# +        )

# %% columns_of_orders_compared
# task: damage
# fails: test_other_columns_and_direction
# outcome: error
# because: the columns of this lab's table are written out
# breaks: The table has the columns of `orders`, or any others
# -        .where(~F.col("before").eqNullSafe(F.col("after")))
# +        .where(
# +            F.isnull("before")
# +            | F.isnull("after")
# +            | ~F.col("before.customer_id").eqNullSafe(F.col("after.customer_id"))
# +            | ~F.col("before.status").eqNullSafe(F.col("after.status"))
# +            | ~F.col("before.price").eqNullSafe(F.col("after.price"))
# +            | ~F.col("before.updated_at").eqNullSafe(F.col("after.updated_at"))
# +        )

# %% null_is_no_value
# task: damage
# fails: test_orders_that_differ[nulls]
# because: a comparison with null is null, and a null condition keeps nothing
# breaks: null to null is no change, null to anything else is one.
# -    kind = (
# +    names = [name for name in spark.table(table).columns if name != "order_id"]
# +    differs = reduce(
# +        lambda one, other: one | other,
# +        [F.col(f"before.{name}") != F.col(f"after.{name}") for name in names],
# +    )
# +    missing = F.isnull("before") | F.isnull("after")
# +    kind = (
#
# -        .where(~F.col("before").eqNullSafe(F.col("after")))
# +        .where(missing | differs)

# %% null_to_null_is_a_change
# task: damage
# fails: test_orders_that_differ[equal], test_orders_that_differ[nulls]
# because: "not known to be equal" is taken for different
# breaks: null to null is no change
# -    kind = (
# +    names = spark.table(table).columns
# +    same = reduce(
# +        lambda one, other: one & other,
# +        [F.col(f"before.{name}") == F.col(f"after.{name}") for name in names],
# +    )
# +    kind = (
#
# -        .where(~F.col("before").eqNullSafe(F.col("after")))
# +        .where(~F.coalesce(same, F.lit(False)))

# %% rows_as_json
# task: damage
# fails: test_orders_that_differ[changed]
# because: JSON has milliseconds, and the times differ by less
# breaks: `kind` is `changed` if both versions have the order and any column differs.
# -        .where(~F.col("before").eqNullSafe(F.col("after")))
# +        .where(~F.to_json("before").eqNullSafe(F.to_json("after")))

# %% null_is_empty
# task: damage
# fails: test_orders_that_differ[nulls]
# because: the fingerprint writes null as an empty text
# breaks: null to null is no change, null to anything else is one.
# -        .where(~F.col("before").eqNullSafe(F.col("after")))
# +        .where(
# +            F.isnull("before")
# +            | F.isnull("after")
# +            | ~F.col("before")
# +            .withField("status", F.expr("coalesce(before.status, '')"))
# +            .eqNullSafe(
# +                F.col("after").withField("status", F.expr("coalesce(after.status, '')"))
# +            )
# +        )

# %% key_first_in_the_struct
# task: damage
# in: version_of
# fails: test_other_columns_and_direction
# because: the key is moved to the front, as it is in this lab's table
# breaks: `before` is a struct of all columns of the table, in their order
# -    return rows.select("order_id", F.struct("*").alias("row"))
# +    others = [name for name in rows.columns if name != "order_id"]
# +    return rows.select("order_id", F.struct("order_id", *others).alias("row"))


# %% structs_of_nulls
# task: damage
# fails: test_orders_that_differ[lost], test_orders_that_differ[invented]
# because: the structs are built after the join, and a struct of nulls is not null
# breaks: Then `after` is null, not a struct of nulls.
def damage(spark: SparkSession, table: str, good: int, bad: int) -> DataFrame:
    names = spark.table(table).columns
    before, after = (
        spark.read.option("versionAsOf", version)
        .table(table)
        .withColumn("there", F.lit(True))
        .alias(side)
        for version, side in ((good, "old"), (bad, "new"))
    )
    kind = (
        F.when(F.isnull("new.there"), "lost")
        .when(F.isnull("old.there"), "invented")
        .otherwise("changed")
    )
    return (
        before.join(after, F.col("old.order_id") == F.col("new.order_id"), how="full")
        .select(
            F.coalesce("old.order_id", "new.order_id").alias("order_id"),
            F.struct(*[f"old.{name}" for name in names]).alias("before"),
            F.struct(*[f"new.{name}" for name in names]).alias("after"),
            kind.alias("kind"),
        )
        .where(~F.col("before").eqNullSafe(F.col("after")))
    )


# %% missing_told_by_the_status
# task: damage
# fails: test_orders_that_differ[bare]
# because: a row that is there may have no status
# breaks: `kind` is `lost` if only `good` has the order.
# -        F.when(F.isnull("after"), "lost").when(F.isnull("before"), "invented").otherwise("changed")
# -    )
# +        F.when(F.isnull("after.status"), "lost")
# +        .when(F.isnull("before.status"), "invented")
# +        .otherwise("changed")
# +    )

# %% sides_swapped
# task: damage
# fails: test_orders_that_differ[changed], test_orders_that_differ[lost]
# because: before and after are the wrong way round
# breaks: the order's row in version `good`.
# -    before = version_of(spark, table, good).withColumnRenamed("row", "before")
# -    after = version_of(spark, table, bad).withColumnRenamed("row", "after")
# +    before = version_of(spark, table, bad).withColumnRenamed("row", "before")
# +    after = version_of(spark, table, good).withColumnRenamed("row", "after")

# %% key_not_in_the_struct
# task: damage
# in: version_of
# fails: test_orders_that_differ[changed], test_random_versions_compared
# because: a struct without the key can't be written back
# breaks: `before` is a struct of all columns of the table, in their order
# -    return rows.select("order_id", F.struct("*").alias("row"))
# +    others = [name for name in rows.columns if name != "order_id"]
# +    return rows.select("order_id", F.struct(*others).alias("row"))

# %% every_order_comes_back
# task: damage
# fails: test_orders_that_differ[equal], test_orders_that_differ[between]
# because: nobody asked whether anything differs
# breaks: An order that is the same in both has no row, wherever its row was moved in between.
# -        .where(~F.col("before").eqNullSafe(F.col("after")))

# %% compares_with_the_newest
# task: damage
# fails: test_orders_that_differ[later]
# because: the bad version is taken for the newest one
# breaks: Only the two versions count: not what happened between them or after them.
# -    after = version_of(spark, table, bad).withColumnRenamed("row", "after")
# +    newest = DeltaTable.forName(spark, table).history(1).first().version
# +    after = version_of(spark, table, max(newest, bad)).withColumnRenamed("row", "after")

# %% kind_before_the_rows
# task: damage
# fails: test_orders_that_differ[changed]
# because: the columns are right and their order is not
# breaks: The columns are `order_id`, `before`, `after` and `kind`, in this order.
# -        .select("order_id", "before", "after", kind.alias("kind"))
# +        .select("order_id", kind.alias("kind"), "before", "after")

# %% older_side_first
# task: damage
# fails: test_other_columns_and_direction
# because: the smaller number is always taken for the good version
# breaks: Either version may be the newer one.
# -    before = version_of(spark, table, good).withColumnRenamed("row", "before")
# -    after = version_of(spark, table, bad).withColumnRenamed("row", "after")
# +    before = version_of(spark, table, min(good, bad)).withColumnRenamed("row", "before")
# +    after = version_of(spark, table, max(good, bad)).withColumnRenamed("row", "after")


# %% steps_instead_of_versions
# task: damage
# fails: test_orders_that_differ[between]
# because: what was done and undone between the two counts as damage
# breaks: Only the two versions count: not what happened between them or after them.
def damage(spark: SparkSession, table: str, good: int, bad: int) -> DataFrame:
    low, high = min(good, bad), max(good, bad)
    steps = []
    for number in range(low + 1, high + 1):
        before = version_of(spark, table, number - 1).withColumnRenamed("row", "before")
        after = version_of(spark, table, number).withColumnRenamed("row", "after")
        steps.append(before.join(after, on="order_id", how="full"))
    touched = (
        reduce(DataFrame.unionAll, steps)
        .where(~F.col("before").eqNullSafe(F.col("after")))
        .select("order_id")
        .distinct()
    )
    before = version_of(spark, table, good).withColumnRenamed("row", "before")
    after = version_of(spark, table, bad).withColumnRenamed("row", "after")
    kind = (
        F.when(F.isnull("after"), "lost").when(F.isnull("before"), "invented").otherwise("changed")
    )
    return (
        touched.join(before, on="order_id", how="left")
        .join(after, on="order_id", how="left")
        .select("order_id", "before", "after", kind.alias("kind"))
    )


# %% restores_to_look
# task: damage
# fails: test_damage_only_reads
# because: the table itself is set back and forward again, under the eyes of its readers
# breaks: The function only reads: the table gets no new version.
# -    before = version_of(spark, table, good).withColumnRenamed("row", "before")
# +    newest = DeltaTable.forName(spark, table).history(1).first().version
# +    spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {good}")
# +    spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {newest}")
# +    before = version_of(spark, table, good).withColumnRenamed("row", "before")


# %% restores_in_any_case
# task: recover
# fails: test_orders_after_the_repair[new_orders], test_orders_after_the_repair[good_after_bad],
#   test_random_recovery
# because: RESTORE takes back what came after the fault, good or bad
# breaks: It has the whole row that the last of them left it with
def recover(spark: SparkSession, table: str, good: int, bad: list[int]) -> None:
    spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {good}")


# %% overwrites_with_the_old_version
# task: recover
# fails: test_old_files_come_back, test_orders_after_the_repair[new_orders]
# because: every reader downstream gets all rows again, and later batches are gone
# breaks: the old data files come back, and no data file is written.
def recover(spark: SparkSession, table: str, good: int, bad: list[int]) -> None:
    old = spark.read.option("versionAsOf", good).table(table)
    old.write.format("delta").mode("overwrite").saveAsTable(table)


# %% one_version_too_far
# task: recover
# fails: test_orders_after_the_restore
# because: off by one, as a restore by the clock easily is
# breaks: It has its row of version `good` again
# -        spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {good}")
# +        spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {good - 1}")

# %% others_deleted
# task: recover
# fails: test_orders_after_the_repair[untouched]
# because: what needs no repair is not in the source of the MERGE, and is taken for wrong
# breaks: It takes back what some versions of `table` did, and nothing else.
# -        .whenNotMatchedInsert(values=values)
# +        .whenNotMatchedInsert(values=values)
# +        .whenNotMatchedBySourceDelete()

# %% merges_in_any_case
# task: recover
# fails: test_old_files_come_back
# because: the right rows, and files that a RESTORE would not have written
# breaks: If no good version after `good` changed any order, the old data files come back, and no
#   data file is written.
# -    if orders.where("is_good").isEmpty():
# -        spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {good}")
# -        return

# %% optimize_taken_for_a_good_change
# task: recover
# fails: test_old_files_come_back
# because: a version that is not bad followed, but it changed no order
# breaks: An `OPTIMIZE` moves rows to other files and changes no order.
# -    if orders.where("is_good").isEmpty():
# +    if set(range(good + 1, newest + 1)) == set(bad):

# %% restores_unless_rows_were_written
# task: recover
# fails: test_old_files_come_back
# because: a good MERGE followed, and nobody looked whether it changed an order
# breaks: If no good version after `good` changed any order, the old data files come back, and no
#   data file is written.
# -    if orders.where("is_good").isEmpty():
# +    history = DeltaTable.forName(spark, table).history().where(f"version > {good}")
# +    writes = history.where("operation <> 'OPTIMIZE'").select("version").collect()
# +    if {row.version for row in writes} <= set(bad):

# %% everything_back_to_good
# task: recover
# fails: test_orders_after_the_repair[good_after_bad], test_orders_after_the_repair[good_at_last]
# because: the order was damaged, so it gets its old row, whatever a good version said since
# breaks: Take an order that good versions after `good` changed. It has the whole row that the last
#   of them left it with, even if a bad version changed it before or after that.
# -            is_good = is_good | is_changed
# +            is_good = is_good | is_changed
# +    for number in bad:
# +        is_damaged = ~F.col(str(number)).eqNullSafe(F.col(str(number - 1)))
# +        right = F.when(is_damaged, F.col(str(good))).otherwise(right)

# %% newest_bad_version_alone
# task: recover
# fails: test_orders_after_the_repair[changed], test_orders_after_the_repair[both_bad]
# because: of several bad versions only one is taken back
# breaks: `bad` is a list of the bad versions, in any order
# -        if number not in bad:
# +        if number != max(bad):

# %% first_of_the_list_is_the_first
# task: recover
# fails: test_orders_after_the_repair[changed], test_orders_after_the_repair[lost]
# because: the list is taken for sorted, and what was before its first version for the last good row
# breaks: `bad` is a list of the bad versions, in any order
# -    right, is_good = F.col(str(good)), F.lit(False)
# +    right, is_good = F.col(str(bad[0] - 1)), F.lit(False)

# %% bad_once_bad_after
# task: recover
# fails: test_orders_after_the_repair[new_orders], test_orders_after_the_repair[good_then_bad]
# because: all versions between the first and the last bad one are taken for bad
# breaks: **All other versions after `good` are good ones.**
# -        if number not in bad:
# +        if not min(bad) <= number <= max(bad):

# %% invented_orders_stay
# task: recover
# fails: test_orders_after_the_repair[invented]
# because: rows that the fault put in are left there
# breaks: If it had no row in version `good`, it has none again.
# -    wrong = orders.where(~F.col("right").eqNullSafe(F.col("now")))
# +    wrong = orders.where("right IS NOT NULL AND NOT right <=> now")

# %% lost_orders_stay_lost
# task: recover
# fails: test_orders_after_the_repair[lost], test_orders_after_the_repair[good_then_bad]
# because: only rows that are still there are repaired
# breaks: changed rows are set back, lost ones return.
# -        .whenNotMatchedInsert(values=values)

# %% null_safe_nowhere
# task: recover
# fails: test_orders_after_the_repair[lost], test_orders_after_the_repair[invented]
# because: a row that is missing on one side compares to null
# breaks: changed rows are set back, lost ones return.
# -    wrong = orders.where(~F.col("right").eqNullSafe(F.col("now")))
# +    wrong = orders.where(F.col("right") != F.col("now"))

# %% old_row_where_a_good_one_is_missing
# task: recover
# fails: test_orders_after_the_repair[deleted]
# because: a good version deleted the order, and null is taken for "not known"
# breaks: If the last of them deleted it, it has no row.
# -            right = F.when(is_changed, after).otherwise(right)
# +            right = F.when(is_changed, F.coalesce(after, right)).otherwise(right)

# %% now_is_good_enough
# task: recover
# fails: test_orders_after_the_repair[good_then_bad]
# because: an order that a good version changed is left alone, also if a bad one came later
# breaks: even if a bad version changed it before or after that.
# -            right = F.when(is_changed, after).otherwise(right)
# +            right = F.when(is_changed, F.col(str(newest))).otherwise(right)

# %% first_good_row
# task: recover
# fails: test_orders_after_the_repair[last_of_two]
# because: of two good versions the first one wins
# breaks: It has the whole row that the last of them left it with
# -    for last, number in pairwise(numbers):
# +    for last, number in reversed(list(pairwise(numbers))):

# %% row_before_the_last_fault
# task: recover
# fails: test_orders_after_the_repair[both_bad]
# because: two bad versions changed the order, and the row between them is bad, too
# breaks: It has its row of version `good` again
# -        if number not in bad:
# -            after = F.col(str(number))
# -            is_changed = ~after.eqNullSafe(F.col(str(last)))
# +        after = F.col(str(number))
# +        is_changed = ~after.eqNullSafe(F.col(str(last)))
# +        if number in bad:
# +            right = F.when(is_changed, F.col(str(last))).otherwise(right)
# +        else:

# %% price_alone_set_back
# task: recover
# fails: test_orders_after_the_repair[whole_row]
# because: only the column that somebody noticed is repaired
# breaks: It has its row of version `good` again
# -        .whenMatchedUpdate(set=values)
# +        .whenMatchedUpdate(set={"price": "new.right.price"})

# %% good_writers_price_repaired
# task: recover
# fails: test_orders_after_the_repair[good_after_bad]
# because: the row is put together from two versions
# breaks: It has the whole row that the last of them left it with
# -            right.alias("right"),
# +            F.when(
# +                right.isNotNull() & F.isnotnull(str(good)),
# +                right.withField("price", F.col(str(good))["price"]),
# +            )
# +            .otherwise(right)
# +            .alias("right"),

# %% written_again_is_changed
# task: recover
# fails: test_orders_after_the_repair[rewritten], test_old_files_come_back
# because: a row counts as changed when it lies in another file, and a MERGE copies rows
# breaks: A version changes an order if Task 2 has a row for it between the version before and this
#   one.
# -        version_of(spark, table, number).withColumn("version", F.lit(number)) for number in numbers
# -    ]
# +        spark.read.option("versionAsOf", number)
# +        .table(table)
# +        .select("order_id", F.struct("*").alias("row"), F.col("_metadata.file_path").alias("file"))
# +        .withColumn("version", F.lit(number))
# +        for number in numbers
# +    ]
#
# -            after = F.col(str(number))
# -            is_changed = ~after.eqNullSafe(F.col(str(last)))
# +            after = F.col(f"{number}_row")
# +            is_changed = ~F.col(f"{number}_file").eqNullSafe(F.col(f"{last}_file"))
#
# -    right, is_good = F.col(str(good)), F.lit(False)
# +    right, is_good = F.col(f"{good}_row"), F.lit(False)
#
# -        .agg(F.first("row"))
# +        .agg(F.first("row").alias("row"), F.first("file").alias("file"))
#
# -            F.col(str(newest)).alias("now"),
# +            F.col(f"{newest}_row").alias("now"),

# %% last_row_that_is_there
# task: recover
# fails: test_orders_after_the_repair[deleted]
# because: of the rows that good versions left the last one is taken that is not null
# breaks: If the last of them deleted it, it has no row.
# -    right, is_good = F.col(str(good)), F.lit(False)
# +    right, is_good = F.lit(None), F.lit(False)
#
# -            right = F.when(is_changed, after).otherwise(right)
# +            right = F.coalesce(F.when(is_changed, after), right)
#
# -            right.alias("right"),
# +            F.when(is_good, right).otherwise(F.col(str(good))).alias("right"),

# %% ends_of_good_runs
# task: recover
# fails: test_orders_after_the_repair[and_back]
# because: two good versions in a row are taken as one, and together they changed nothing
# breaks: A version changes an order if Task 2 has a row for it between the version before and this
#   one.
# -    newest = numbers[-1]
# +    newest = numbers[-1]
# +    numbers = sorted({good, newest, *bad, *[number - 1 for number in bad]})

# %% restores_again
# task: recover
# fails: test_second_recovery_makes_no_version
# because: its own RESTORE counts for nothing, and one more is a commit, also if every row is right
# breaks: If every order has its right row already, the call makes no version.
# -    right, is_good = F.col(str(good)), F.lit(False)
# +    own = DeltaTable.forName(spark, table).history().where("operation = 'RESTORE'")
# +    bad = [*bad, *[row.version for row in own.collect()]]
# +    right, is_good = F.col(str(good)), F.lit(False)
#
# -    if wrong.isEmpty():
# -        return

# %% restores_without_a_look
# task: recover
# fails: test_second_recovery_makes_no_version
# because: where a bad version undid another, the old files come back for rows that are right
# breaks: If every order has its right row already, the call makes no version.
# -    if wrong.isEmpty():
# +    if wrong.isEmpty() and not orders.where("is_good").isEmpty():

# %% deletes_then_inserts
# task: recover
# fails: test_recovers_in_one_version
# because: between the two commits a reader misses the damaged orders
# breaks: The repair is one new version of the table.
# -    values = {name: f"new.right.{name}" for name in spark.table(table).columns}
# -    (
# -        DeltaTable.forName(spark, table)
# -        .alias("old")
# -        .merge(wrong.alias("new"), "old.order_id = new.order_id")
# -        .whenMatchedDelete("new.right IS NULL")
# -        .whenMatchedUpdate(set=values)
# -        .whenNotMatchedInsert(values=values)
# -        .execute()
# -    )
# +    same_order = "old.order_id = new.order_id"
# +    target = DeltaTable.forName(spark, table).alias("old")
# +    target.merge(wrong.alias("new"), same_order).whenMatchedDelete().execute()
# +    right = wrong.where("right IS NOT NULL").select("right.*")
# +    right.write.format("delta").mode("append").saveAsTable(table)

# %% merges_what_is_right_already
# task: recover
# fails: test_second_recovery_makes_no_version
# because: the same rows are written once more with each call
# breaks: If every order has its right row already, the call makes no version.
# -    if wrong.isEmpty():
# -        return
#
# -        .merge(wrong.alias("new"), "old.order_id = new.order_id")
# +        .merge(orders.alias("new"), "old.order_id = new.order_id")

# %% right_only_if_equal_to_good
# task: recover
# fails: test_second_recovery_makes_no_version
# because: where good versions followed, the table never equals the old one, and is written again
# breaks: If every order has its right row already, the call makes no version.
# -    if wrong.isEmpty():
# +    if damage(spark, table, good, newest).isEmpty():
#
# -        .merge(wrong.alias("new"), "old.order_id = new.order_id")
# +        .merge(orders.alias("new"), "old.order_id = new.order_id")

# %% recovered_flag_in_a_property
# task: recover
# fails: test_recovers_in_one_version
# because: a property that notes the repair is a version of its own
# breaks: The repair is one new version of the table.
# -    if orders.where("is_good").isEmpty():
# +    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('recovered.to' = '{good}')")
# +    if orders.where("is_good").isEmpty():


# %% appended_under_the_old_number
# task: replay_after
# fails: test_lost_batches_come_back
# because: Delta takes these numbers as written, RESTORE or not, and skips them
# breaks: Every order of every batch is in the table after the call, exactly once.
def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    for number, rows in sorted(batches, key=lambda batch: batch[0]):
        append(table, rows, number)


# %% appended_without_a_number
# task: replay_after
# fails: test_orders_that_are_there_stay, test_second_replay_changes_nothing
# because: nothing keeps the second call from writing everything once more
# breaks: A second call with the same batches changes no row.
def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    for _, rows in batches:
        rows.write.format("delta").mode("append").saveAsTable(table)


# %% greater_numbers_of_the_loader
# task: replay_after
# fails: test_loader_goes_on
# because: the loader's own next number is no longer greater than the last, so it is skipped
# breaks: its next append, with the name `loader` and a `txnVersion` one greater than its last, is
#   written and not skipped.
def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    number = max((number for number, _ in batches), default=0)
    for _, rows in batches:
        missing = rows.join(spark.table(table), on="order_id", how="left_anti")
        if not missing.isEmpty():
            number += 1
            append(table, missing, number)


# %% another_name_for_good
# task: replay_after
# fails: test_another_restore
# because: the second RESTORE does not take back the numbers of the new name either
# breaks: Another RESTORE may take the batches away again. The next call brings them back again.
def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    for number, rows in sorted(batches, key=lambda batch: batch[0]):
        missing = rows.join(spark.table(table), on="order_id", how="left_anti")
        writer = missing.write.format("delta").mode("append")
        writer.option("txnAppId", "replay").option("txnVersion", number).saveAsTable(table)


# %% numbers_in_the_order_given
# task: replay_after
# fails: test_lost_batches_come_back
# because: after batch 5 a batch 3 of the same name is skipped
# breaks: `batches` is in any order.
def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    restored = DeltaTable.forName(spark, table).history().where("operation = 'RESTORE'")
    name = f"replay-{restored.agg(F.max('version')).first()[0]}"
    for number, rows in batches:
        missing = rows.join(spark.table(table), on="order_id", how="left_anti")
        writer = missing.write.format("delta").mode("append")
        writer.option("txnAppId", name).option("txnVersion", number).saveAsTable(table)


# %% ends_at_an_empty_batch
# task: replay_after
# fails: test_lost_batches_come_back
# because: a batch without rows is taken for the end
# breaks: A batch may have no rows, and the list may be empty.
# -    lost = reduce(DataFrame.unionByName, [rows for _, rows in batches])
# +    some = []
# +    for _, rows in batches:
# +        if rows.isEmpty():
# +            break
# +        some.append(rows)
# +    lost = reduce(DataFrame.unionByName, some)

# %% no_batches_no_frame
# task: replay_after
# fails: test_no_batches
# outcome: error
# because: nothing can be made of an empty list
# breaks: A batch may have no rows, and the list may be empty.
# -    if not batches:
# -        return

# %% orders_set_back_to_the_batch
# task: replay_after
# fails: test_orders_that_are_there_stay
# because: what happened to an order since its batch is lost
# breaks: An order that is in the table before the call stays as it is, even if its row in the batch
#   differs
# -        .whenNotMatchedInsertAll()
# +        .whenMatchedUpdateAll()
# +        .whenNotMatchedInsertAll()


# %% newer_row_wins
# task: replay_after
# fails: test_orders_that_are_there_stay
# because: the later `updated_at` decides, as in a CDC merge
# breaks: An order that is in the table before the call stays as it is, even if its row in the batch
#   differs
# -        .whenNotMatchedInsertAll()
# +        .whenMatchedUpdateAll("new.updated_at > old.updated_at")
# +        .whenNotMatchedInsertAll()


# %% a_batch_is_there_or_not
# task: replay_after
# fails: test_lost_batches_come_back
# because: one order of the batch is in the table, so the whole batch is taken as there
# breaks: A batch may be in the table as a whole, in part, or not at all.
def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    for _, rows in batches:
        if rows.join(spark.table(table), on="order_id", how="left_semi").isEmpty():
            rows.write.format("delta").mode("append").saveAsTable(table)


# %% whole_rows_compared
# task: replay_after
# fails: test_orders_that_are_there_stay
# because: an order that changed since is not equal to its batch, and comes in a second time
# breaks: Every order of every batch is in the table after the call, exactly once.
def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    for _, rows in batches:
        missing = rows.exceptAll(spark.table(table))
        missing.write.format("delta").mode("append").saveAsTable(table)


# %% table_becomes_the_batches
# task: replay_after
# fails: test_other_rows_stay
# because: what no batch holds is deleted
# breaks: All other rows of the table stay as they are.
# -        .whenNotMatchedInsertAll()
# +        .whenNotMatchedInsertAll()
# +        .whenNotMatchedBySourceDelete()


# %% newest_version_before_the_restore
# task: replay_after
# fails: test_another_restore
# because: a later RESTORE forward also brings back what was wrong
# breaks: All other rows of the table stay as they are.
def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    if batches:
        restored = DeltaTable.forName(spark, table).history().where("operation = 'RESTORE'")
        last = restored.agg(F.max("version")).first()[0]
        spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {last - 1}")


# %% orphan_in_whole_days
# task: reclaim
# fails: test_plan[orphan]
# because: an orphan of 7 days and 5 hours is 7 days old then, which is not more than 7
# breaks: `orphan`: no commit names the file, and it was last written more than `keep_days` days
#   ago.
# -    is_old = F.col("modificationTime") < oldest
# +    age = F.timestamp_diff("DAY", F.col("modificationTime"), F.current_timestamp())
# +    is_old = age > keep_days

# %% tombstone_in_whole_days
# task: reclaim
# fails: test_plan[left_by_clone]
# because: a file that was removed 7 days and 5 hours ago is kept for one more day
# breaks: Orphans are deletable, and tombstones that a commit removed more than `keep_days` days
#   ago.
# -    old_tombstone = (F.col("reason") == "tombstone") & (F.col("removed_at") < oldest)
# +    age = F.timestamp_diff("DAY", F.col("removed_at"), F.current_timestamp())
# +    old_tombstone = (F.col("reason") == "tombstone") & (age > keep_days)

# %% in_flight_by_the_day
# task: reclaim
# fails: test_plan[in_flight]
# because: a file of 6 days and 22 hours counts as 7 days old, and a writer may commit it yet
# breaks: `in_flight`: no commit names the file, and it is younger than that.
# -    is_old = F.col("modificationTime") < oldest
# +    hours = F.timestamp_diff("HOUR", F.col("modificationTime"), F.current_timestamp())
# +    is_old = F.ceil(hours / 24) >= keep_days

# %% old_files_may_go
# task: reclaim
# fails: test_plan[live], test_plan[gone_lately]
# because: by the time of the file alone, an old file that is live or was removed yesterday may go
# breaks: Orphans are deletable, and tombstones that a commit removed more than `keep_days` days
#   ago. No other file is deletable.
# -        .withColumn("deletable", old_tombstone | (F.col("reason") == "orphan"))
# +        .withColumn("deletable", is_old)

# %% tombstones_by_the_files_time
# task: reclaim
# fails: test_plan[gone_lately]
# because: an old file that was removed yesterday is needed by all versions up to yesterday
# breaks: tombstones that a commit removed more than `keep_days` days ago.
# -    old_tombstone = (F.col("reason") == "tombstone") & (F.col("removed_at") < oldest)
# +    old_tombstone = (F.col("reason") == "tombstone") & is_old

# %% every_tombstone_may_go
# task: reclaim
# fails: test_plan[gone_lately]
# because: not in the newest version is taken for not needed
# breaks: tombstones that a commit removed more than `keep_days` days ago.
# -    old_tombstone = (F.col("reason") == "tombstone") & (F.col("removed_at") < oldest)
# +    old_tombstone = F.col("reason") == "tombstone"

# %% tombstones_stay
# task: reclaim
# fails: test_plan[gone_long], test_deletable_files_are_gone, test_a_short_past
# because: only orphans are deleted, and the table stays as large as it was
# breaks: Orphans are deletable, and tombstones that a commit removed more than `keep_days` days
#   ago.
# -        .withColumn("deletable", old_tombstone | (F.col("reason") == "orphan"))
# +        .withColumn("deletable", F.col("reason") == "orphan")

# %% first_removal_counts
# task: reclaim
# fails: test_plan[came_back]
# because: the file came back, and was removed once more
# breaks: tombstones that a commit removed more than `keep_days` days ago.
# -        .agg(F.timestamp_millis(F.max("remove.deletionTimestamp")).alias("removed_at"))
# +        .agg(F.timestamp_millis(F.min("remove.deletionTimestamp")).alias("removed_at"))

# %% strays_are_orphans
# task: reclaim
# fails: test_plan[in_flight]
# because: a file of no commit may be one of the next commit
# breaks: `in_flight`: no commit names the file, and it is younger than that.
# -        .when(is_old, "orphan")
# -        .otherwise("in_flight")
# +        .otherwise("orphan")

# %% strays_are_in_flight
# task: reclaim
# fails: test_plan[orphan], test_deletable_files_are_gone
# because: a writer that crashed months ago will not commit any more
# breaks: `orphan`: no commit names the file, and it was last written more than `keep_days` days
#   ago.
# -        .when(is_old, "orphan")
# -        .otherwise("in_flight")
# +        .otherwise("in_flight")

# %% clones_forgotten
# task: reclaim
# fails: test_plan[cloned], test_other_files_are_there, test_clone_and_kept_versions_are_read
# because: Delta does not know who cloned a table, and neither does this plan
# breaks: `cloned`: a shallow clone in the same database has the file in its newest version.
# -        .when(F.col("path").isin(files_of_others(spark, table)), "cloned")

# %% one_clone_is_enough
# task: reclaim
# in: files_of_others
# fails: test_plan[cloned], test_other_files_are_there, test_clone_and_kept_versions_are_read
# because: the first clone that is found is taken for the only one
# breaks: Any number of clones may be in the database
# -    return [file for other in others for file in spark.table(other).inputFiles()]
# +    location = spark.sql(f"DESCRIBE DETAIL {table}").first().location
# +    for other in others:
# +        found = spark.table(other).inputFiles()
# +        if any(file.startswith(f"{location}/") for file in found):
# +            return found
# +    return []

# %% all_versions_of_a_clone
# task: reclaim
# in: files_of_others
# fails: test_plan[left_by_clone], test_deletable_files_are_gone
# because: the clone has moved on, and a file that only its past has counts as read
# breaks: `cloned`: a shallow clone in the same database has the file in its newest version.
# -    return [file for other in others for file in spark.table(other).inputFiles()]
# +    found = []
# +    for other in others:
# +        detail = spark.sql(f"DESCRIBE DETAIL {other}").first()
# +        if detail.format == "delta":
# +            log = spark.read.schema("add struct<path string>")
# +            log = log.json(f"{detail.location}/_delta_log/*.json")
# +            found += [row.path for row in log.where("add IS NOT NULL").select("add.path").collect()]
# +    return found

# %% clones_before_live
# task: reclaim
# fails: test_plan[live]
# because: a live file that a clone reads is live first
# breaks: If several reasons fit, the first in this list holds.
# -        F.when(F.col("path").isin(spark.table(table).inputFiles()), "live")
# -        .when(F.col("path").isin(files_of_others(spark, table)), "cloned")
# +        F.when(F.col("path").isin(files_of_others(spark, table)), "cloned")
# +        .when(F.col("path").isin(spark.table(table).inputFiles()), "live")

# %% tombstones_before_clones
# task: reclaim
# fails: test_plan[cloned]
# because: a removed file that a clone reads is planned as one that nobody needs
# breaks: If several reasons fit, the first in this list holds.
# -        .when(F.col("path").isin(files_of_others(spark, table)), "cloned")
# -        .when(F.isnotnull("removed_at"), "tombstone")
# +        .when(F.isnotnull("removed_at"), "tombstone")
# +        .when(F.col("path").isin(files_of_others(spark, table)), "cloned")

# %% removed_once_is_gone
# task: reclaim
# fails: test_plan[restored]
# because: a RESTORE brings removed files back, and then they are live
# breaks: `live`: the newest version of the table has the file.
# -        F.when(F.col("path").isin(spark.table(table).inputFiles()), "live")
# -        .when(F.col("path").isin(files_of_others(spark, table)), "cloned")
# -        .when(F.isnotnull("removed_at"), "tombstone")
# +        F.when(F.col("path").isin(files_of_others(spark, table)), "cloned")
# +        .when(F.isnotnull("removed_at"), "tombstone")
# +        .when(F.col("path").isin(spark.table(table).inputFiles()), "live")

# %% vacuum_without_the_plan
# task: reclaim
# fails: test_other_files_are_there, test_clone_and_kept_versions_are_read
# because: the plan knows the clone, and the VACUUM does not
# breaks: After the call all deletable files are gone from the folder, and no other.
# -    spark.sql(f"VACUUM {table} USING INVENTORY (SELECT * FROM files_to_delete)")
# +    spark.sql(f"VACUUM {table}")

# %% vacuum_of_everything
# task: reclaim
# fails: test_other_files_are_there, test_clone_and_kept_versions_are_read
# because: zero hours with the check switched off deletes what a writer is about to commit
# breaks: After the call all deletable files are gone from the folder, and no other.
# -    spark.sql(f"VACUUM {table} USING INVENTORY (SELECT * FROM files_to_delete)")
# +    check = "spark.databricks.delta.retentionDurationCheck.enabled"
# +    spark.conf.set(check, False)
# +    spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
# +    spark.conf.set(check, True)

# %% hours_at_the_call
# task: reclaim
# fails: test_deletable_files_are_gone, test_retention_is_a_property
# because: the number at the call is ignored; the table's property decides
# breaks: The table property `delta.deletedFileRetentionDuration` is `interval N days`, with
#   `keep_days` for N.
# -    spark.sql(
# -        f"ALTER TABLE {table} SET TBLPROPERTIES ("
# -        f"'delta.logRetentionDuration' = 'interval {max(keep_days, 30)} days', "
# -        f"'delta.deletedFileRetentionDuration' = 'interval {keep_days} days')"
# -    )
#
# -    spark.sql(f"VACUUM {table} USING INVENTORY (SELECT * FROM files_to_delete)")
# +    spark.sql(f"VACUUM {table} RETAIN {24 * keep_days} HOURS")

# %% plan_without_a_deletion
# task: reclaim
# fails: test_deletable_files_are_gone, test_history_tells_of_the_vacuum
# because: a dry run deletes nothing
# breaks: After the call all deletable files are gone from the folder, and no other.
# -    spark.sql(f"VACUUM {table} USING INVENTORY (SELECT * FROM files_to_delete)")
# +    spark.sql(f"VACUUM {table} DRY RUN").collect()

# %% deleted_behind_deltas_back
# task: reclaim
# fails: test_history_tells_of_the_vacuum
# because: the right files are gone, and nobody can see when and by whom
# breaks: The deletion is a VACUUM, so the history of the table shows `VACUUM START` and `VACUUM
#   END`.
# -    spark.sql(f"VACUUM {table} USING INVENTORY (SELECT * FROM files_to_delete)")
# +    paths = spark._jvm.org.apache.hadoop.fs.Path
# +    conf = spark._jsc.hadoopConfiguration()
# +    for row in spark.table("files_to_delete").collect():
# +        file = paths(row.path)
# +        file.getFileSystem(conf).delete(file, False)

# %% planned_when_it_is_read
# task: reclaim
# fails: test_plan_has_all_files
# outcome: error
# because: a DataFrame is no result but a recipe, and after the deletion the files are not there
# breaks: The plan shows the files as they were before the deletion, whenever it is read.
# -        .withColumn("deletable", old_tombstone | (F.col("reason") == "orphan"))
# -        .localCheckpoint()
# -    )
# +        .withColumn("deletable", old_tombstone | (F.col("reason") == "orphan"))
# +    )

# %% whole_paths
# task: reclaim
# fails: test_plan[live], test_plan_has_all_files
# because: the log writes paths inside the table, and this plan writes where the table is today
# breaks: `path` is the file's path inside the table's folder, as the log writes it.
# -    inside = F.substring("path", F.lit(len(location) + 2), F.length("path"))
# +    inside = F.col("path")

# %% bytes_of_live_files_alone
# task: reclaim
# fails: test_plan[gone_long], test_plan[orphan]
# because: the size is asked for only where it counts for queries
# breaks: `bytes` is its size on disk.
# -    return plan.select(inside.alias("path"), F.col("length").alias("bytes"), "deletable", "reason")
# +    size = F.when(F.col("reason") == "live", F.col("length")).otherwise(0)
# +    return plan.select(inside.alias("path"), size.alias("bytes"), "deletable", "reason")

# %% log_planned_as_well
# task: reclaim
# fails: test_plan_has_all_files
# because: the log's files are no data files
# breaks: What lies in `_delta_log`, and other files whose name begins with `_` or `.`, have no row.
# -        .load(location)
# +        .load([location, f"{location}/_delta_log"])

# %% live_files_left_out
# task: reclaim
# fails: test_plan[live], test_plan_has_all_files
# because: the plan lists what might go, and nobody can add up the folder
# breaks: one row for each data file that was in the folder before the call.
# -    return plan.select(inside.alias("path"), F.col("length").alias("bytes"), "deletable", "reason")
# +    size = F.col("length").alias("bytes")
# +    others = plan.where("reason <> 'live'")
# +    return others.select(inside.alias("path"), size, "deletable", "reason")

# %% reason_before_deletable
# task: reclaim
# fails: test_plan[live]
# because: the columns are right and their order is not
# breaks: The columns are `path` string, `bytes` long, `deletable` boolean and `reason` string, in
#   this order.
# -    return plan.select(inside.alias("path"), F.col("length").alias("bytes"), "deletable", "reason")
# +    return plan.select(inside.alias("path"), F.col("length").alias("bytes"), "reason", "deletable")

# %% retention_in_hours
# task: reclaim
# fails: test_retention_is_a_property
# because: as long, in other words than those that were asked for
# breaks: The table property `delta.deletedFileRetentionDuration` is `interval N days`, with
#   `keep_days` for N.
# -        f"'delta.deletedFileRetentionDuration' = 'interval {keep_days} days')"
# +        f"'delta.deletedFileRetentionDuration' = 'interval {24 * keep_days} hours')"

# %% log_kept_a_month
# task: reclaim
# fails: test_retention_is_a_property
# outcome: error
# because: the log would be gone before the files, and Delta refuses
# breaks: `delta.logRetentionDuration` is at least as long.
# -        f"'delta.logRetentionDuration' = 'interval {max(keep_days, 30)} days', "
# +        f"'delta.logRetentionDuration' = 'interval 30 days', "

# %% other_tables_are_delta
# task: reclaim
# in: files_of_others
# fails: test_plan[cloned]
# outcome: error
# because: a Parquet table in the database has no Delta log
# breaks: Any number of clones may be in the database, besides other tables, Delta or Parquet.
# -    return [file for other in others for file in spark.table(other).inputFiles()]
# +    frames = [DeltaTable.forName(spark, other).toDF() for other in others]
# +    return [file for frame in frames for file in frame.inputFiles()]
