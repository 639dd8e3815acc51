# %% counts_the_key_column
# task: key_profile
# fails: test_heaviest_keys[heaviest], test_profile_of_any_frame
# because: count(column) skips null: the null key gets 0 rows and sorts last
# breaks: Null is a key like any other.
# -    heaviest = df.groupBy(key).agg(F.count("*").alias("rows")).orderBy(F.desc("rows")).limit(n)
# +    heaviest = df.groupBy(key).agg(F.count(key).alias("rows")).orderBy(F.desc("rows")).limit(n)

# %% cuts_before_the_sort
# task: key_profile
# fails: test_heaviest_keys[heaviest]
# because: limit before orderBy takes any n keys
# breaks: the `n` heaviest values of the column named `key`, heaviest first
# -    heaviest = df.groupBy(key).agg(F.count("*").alias("rows")).orderBy(F.desc("rows")).limit(n)
# +    heaviest = df.groupBy(key).agg(F.count("*").alias("rows")).limit(n)

# %% filters_null_keys
# task: key_profile
# fails: test_heaviest_keys[heaviest]
# because: null keys are filtered as bad data, though the shuffle carries them
# breaks: Null is a key like any other.
# -    heaviest = df.groupBy(key).agg(F.count("*").alias("rows")).orderBy(F.desc("rows")).limit(n)
# +    keyed = df.where(F.col(key).isNotNull()).groupBy(key)
# +    heaviest = keyed.agg(F.count("*").alias("rows")).orderBy(F.desc("rows")).limit(n)

# %% keeps_ties
# task: key_profile
# fails: test_ties_are_cut_off, test_other_ties
# because: rank gives equal keys one rank: more than n rows come back
# breaks: Where keys tie, any of them may come, but never more than `n` rows.
# -    heaviest = df.groupBy(key).agg(F.count("*").alias("rows")).orderBy(F.desc("rows")).limit(n)
# +    place = F.rank().over(Window.orderBy(F.desc("rows")))
# +    counted = df.groupBy(key).agg(F.count("*").alias("rows"))
# +    heaviest = counted.withColumn("place", place).where(F.col("place") <= n)

from pyspark.sql import Window

# %% lightest_first
# task: key_profile
# fails: test_heaviest_keys[heaviest], test_heaviest_keys[order]
# because: sorts the heaviest keys by name at the end
# breaks: heaviest first, with these columns in this order:
# -        heaviest.crossJoin(total).select(key, "rows", share.alias("share")).orderBy(F.desc("rows"))
# +        heaviest.crossJoin(total).select(key, "rows", share.alias("share")).orderBy(key)

# %% no_row_needs_a_key
# task: key_profile
# fails: test_heaviest_keys[empty]
# because: a row of zeros for an empty frame, so that a chart has something to draw
# breaks: An empty frame gives no rows.
# -        heaviest.crossJoin(total).select(key, "rows", share.alias("share")).orderBy(F.desc("rows"))
# +        total.join(heaviest, how="left")
# +        .select(key, F.coalesce("rows", F.lit(0)).alias("rows"), share.alias("share"))
# +        .orderBy(F.desc("rows"))

# %% renames_the_key
# task: key_profile
# fails: test_heaviest_keys[heaviest], test_profile_of_any_frame
# because: the key's column is called key, whatever its name was
# breaks: named by `key` | as in `df` | a value of that column
# -        heaviest.crossJoin(total).select(key, "rows", share.alias("share")).orderBy(F.desc("rows"))
# +        heaviest.crossJoin(total)
# +        .select(F.col(key).alias("key"), "rows", share.alias("share"))
# +        .orderBy(F.desc("rows"))

# %% null_by_name
# task: key_profile
# fails: test_heaviest_keys[heaviest]
# because: null is called unknown, and the key a text
# breaks: named by `key` | as in `df` | a value of that column
# -        heaviest.crossJoin(total).select(key, "rows", share.alias("share")).orderBy(F.desc("rows"))
# +        heaviest.crossJoin(total)
# +        .select(F.coalesce(key, F.lit("unknown")).alias(key), "rows", share.alias("share"))
# +        .orderBy(F.desc("rows"))

# %% rounds_the_share
# task: key_profile
# fails: test_heaviest_keys[order], test_profile_of_any_frame
# because: a rounded share is 0 for a key of few rows, and shares don't add up
# breaks: The share is not rounded.
# -    share = F.col("rows") / F.col("total")
# +    share = F.round(F.col("rows") / F.col("total"), 2)

# %% share_of_known_keys
# task: key_profile
# fails: test_heaviest_keys[heaviest]
# because: divides by the rows that have a key
# breaks: All rows count for the share: those with a null key
# -    total = df.agg(F.count("*").alias("total"))
# +    total = df.agg(F.count(key).alias("total"))

# %% share_of_the_rest
# task: key_profile
# fails: test_heaviest_keys[heaviest]
# because: the share is computed after the cut, of the n heaviest keys alone
# breaks: All rows count for the share: those with a null key, and those of keys that are cut off.
# -    share = F.col("rows") / F.col("total")
# +    share = F.expr("rows / sum(rows) OVER ()")

# %% share_in_percent
# task: key_profile
# fails: test_heaviest_keys[heaviest]
# because: the share is a number of percent
# breaks: the share of these rows in all rows of `df`, from 0 to 1
# -    share = F.col("rows") / F.col("total")
# +    share = 100 * F.col("rows") / F.col("total")

# %% always_64_salts
# task: salted_join
# fails: test_copies_follow_the_number_of_salts, test_copies_of_another_dimension
# because: the number of salts is fixed: the copies cost more than was asked for
# breaks: Each row of `dims` goes through the shuffle at most `salts` times.
# -    salt = F.pmod(F.xxhash64(*facts.columns), F.lit(salts))
# +    salts = 64
# +    salt = F.pmod(F.xxhash64(*facts.columns), F.lit(salts))

# %% broadcasts_the_copies
# task: salted_join
# fails: test_salted_join_broadcasts_nothing
# because: a broadcast needs no salt; and the dimension is too large for one
# breaks: Both sides are shuffled, and neither is broadcast.
# -    copies = dims.withColumn("_salt", F.explode(every_salt))
# +    copies = dims.withColumn("_salt", F.explode(every_salt))
# +    copies = F.broadcast(copies)

# %% collects_the_dimension
# task: salted_join
# fails: test_joins_through_a_shuffle[salted_join]
# because: no join at all: the dimension goes to the driver, and into the plan as a literal
# breaks: Both sides are shuffled, and neither is broadcast.
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    rows = [tuple(row) for row in dims.where(F.col(key).isNotNull()).collect()]
# +    listed = dims.sparkSession.createDataFrame(rows, dims.schema)
# +    return facts.join(F.broadcast(listed), on=key, how="left")

# %% columns_of_the_facts_first
# task: salted_join
# fails: test_rows_of_the_join[salted_join-partner]
# because: joins on a condition, so the key stays where the facts have it
# breaks: the same columns with the same types, in the same order
# -    copies = dims.withColumn("_salt", F.explode(every_salt))
# +    copies = dims.withColumnRenamed(key, "_key").withColumn("_salt", F.explode(every_salt))
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    same = (F.col(key) == F.col("_key")) & (salted_facts["_salt"] == copies["_salt"])
# +    return salted_facts.join(copies, on=same, how="left").drop("_salt", "_key")

# %% deduplicates_the_dimension
# task: salted_join
# fails: test_rows_of_the_join[salted_join-two_partners], test_join_of_any_frames[salted_join]
# because: one row for each key was taken for granted: an advertiser in two segments loses one
# breaks: `dims` may hold a key several times, or null.
# -    copies = dims.withColumn("_salt", F.explode(every_salt))
# +    copies = dims.dropDuplicates([key]).withColumn("_salt", F.explode(every_salt))

# %% distinct_dimension
# task: salted_join
# fails: test_rows_of_the_join[salted_join-two_partners]
# because: takes identical rows of the dimension for a fault, and removes them
# breaks: and the same rows, identical ones included
# -    copies = dims.withColumn("_salt", F.explode(every_salt))
# +    copies = dims.distinct().withColumn("_salt", F.explode(every_salt))

# %% distinct_at_the_end
# task: salted_join
# fails: test_rows_of_the_join[salted_join-identical], test_join_of_any_frames[salted_join]
# because: distinct against doubled rows removes rows that are identical in the facts
# breaks: and the same rows, identical ones included
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt").distinct()

# %% hints_the_skew
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: a hint that another platform knows: here it is ignored, without an error
# breaks: The fullest of them reads at most 3 times the rows of the median task.
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    return facts.hint("skew", key).join(dims, on=key, how="left")

# %% inner_salted_join
# task: salted_join
# fails: test_rows_of_the_join[salted_join-no_partner], test_join_of_any_frames[salted_join]
# because: an inner join loses rows without a partner
# breaks: returns what `facts.join(dims, on=key, how="left")` returns
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    return salted_facts.join(copies, on=[key, "_salt"], how="inner").drop("_salt")

# %% full_salted_join
# task: salted_join
# fails: test_no_other_rows[salted_join]
# because: a full join brings the copies that no fact meets
# breaks: returns what `facts.join(dims, on=key, how="left")` returns
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    return salted_facts.join(copies, on=[key, "_salt"], how="full").drop("_salt")

# %% joins_on_text
# task: salted_join
# fails: test_rows_of_the_join[salted_join-partner]
# because: key and salt glued into a text: the key comes back as another type
# breaks: the same columns with the same types, in the same order
# -    salted_facts = facts.withColumn("_salt", salt)
# +    salted_facts = facts.withColumn(key, F.col(key).cast("string")).withColumn("_salt", salt)
# -    copies = dims.withColumn("_salt", F.explode(every_salt))
# +    copies = dims.withColumn(key, F.col(key).cast("string")).withColumn("_salt", F.explode(every_salt))

# %% negative_salts
# task: salted_join
# fails: test_rows_of_the_join[salted_join-partner]
# because: % keeps the sign of the hash: half of the salts are negative and meet no copy
# breaks: returns what `facts.join(dims, on=key, how="left")` returns
# -    salt = F.pmod(F.xxhash64(*facts.columns), F.lit(salts))
# +    salt = F.xxhash64(*facts.columns) % salts

# %% null_equals_null
# task: salted_join
# fails: test_rows_of_the_join[salted_join-no_partner]
# because: <=> joins null with null: house ads become a partner
# breaks: As in any join, a null key has no partner.
# -    copies = dims.withColumn("_salt", F.explode(every_salt))
# +    copies = dims.withColumnRenamed(key, "_key").withColumn("_salt", F.explode(every_salt))
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    same_key = F.col(key).eqNullSafe(F.col("_key"))
# +    same = same_key & (salted_facts["_salt"] == copies["_salt"])
# +    others = [name for name in facts.columns + dims.columns if name != key]
# +    return salted_facts.join(copies, on=same, how="left").select(key, *others)

# %% one_copy_more
# task: salted_join
# fails: test_copies_follow_the_number_of_salts, test_copies_of_another_dimension
# because: a sequence includes its end: salts + 1 copies, of which no fact ever meets the last
# breaks: Each row of `dims` goes through the shuffle at most `salts` times.
# -    every_salt = F.sequence(F.lit(0).cast("long"), F.lit(salts - 1).cast("long"))
# +    every_salt = F.sequence(F.lit(0).cast("long"), F.lit(salts).cast("long"))

# %% overwrites_a_column
# task: salted_join
# fails: test_rows_of_the_join[salted_join-partner], test_join_of_any_frames[salted_join]
# because: the salt is called salt: a column of that name is overwritten and dropped
# breaks: A column of the facts may well be called `salt`
# -    salted_facts = facts.withColumn("_salt", salt)
# +    salted_facts = facts.withColumn("salt", salt)
# -    copies = dims.withColumn("_salt", F.explode(every_salt))
# +    copies = dims.withColumn("salt", F.explode(every_salt))
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    return salted_facts.join(copies, on=[key, "salt"], how="left").drop("salt")

# %% packs_the_facts
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: collect_list by key makes few rows, and one of them holds all of the hot key
# breaks: the stage that reads the clicks has at least eight tasks.
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    others = [name for name in facts.columns if name != key]
# +    packed = facts.groupBy(key).agg(F.collect_list(F.struct(*others)).alias("_rows"))
# +    joined = packed.join(dims, on=key, how="left").withColumn("_row", F.explode("_rows"))
# +    return joined.select(key, "_row.*", *[name for name in dims.columns if name != key])

# %% partition_as_salt
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: the number of the map task has as many values as there are map tasks, however many salts
#   are asked for
# breaks: It spreads the heavy keys over `salts` smaller ones.
# -    salt = F.pmod(F.xxhash64(*facts.columns), F.lit(salts))
# +    salt = F.pmod(F.spark_partition_id(), F.lit(salts))

# %% plain_join
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: no salt: the hot key stays one partition
# breaks: The fullest of them reads at most 3 times the rows of the median task.
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    return facts.join(dims, on=key, how="left")

# %% rounds_the_salt
# task: salted_join
# fails: test_rows_of_the_join[salted_join-partner]
# because: round(rand * salts) can be `salts`, for which there is no copy
# breaks: returns what `facts.join(dims, on=key, how="left")` returns
# -    salt = F.pmod(F.xxhash64(*facts.columns), F.lit(salts))
# +    salt = F.round(F.rand() * salts)

# %% salt_from_the_key
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: a salt computed from the key is the same for all its rows: nothing is split
# breaks: It spreads the heavy keys over `salts` smaller ones.
# -    salt = F.pmod(F.xxhash64(*facts.columns), F.lit(salts))
# +    salt = F.pmod(F.xxhash64(key), F.lit(salts))

# %% salts_both_sides_at_random
# task: salted_join
# fails: test_rows_of_the_join[salted_join-partner]
# because: both sides draw a salt: they meet once in `salts` times
# breaks: returns what `facts.join(dims, on=key, how="left")` returns
# -    salt = F.pmod(F.xxhash64(*facts.columns), F.lit(salts))
# +    salt = F.floor(F.rand() * salts)
# -    copies = dims.withColumn("_salt", F.explode(every_salt))
# +    copies = dims.withColumn("_salt", F.floor(F.rand() * salts))

# %% salts_only_nulls
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: the null keys are spread, the hot key is not
# breaks: The fullest of them reads at most 3 times the rows of the median task.
# -    salt = F.pmod(F.xxhash64(*facts.columns), F.lit(salts))
# +    salt = F.when(F.col(key).isNull(), F.pmod(F.xxhash64(*facts.columns), F.lit(salts)))
# +    salt = F.coalesce(salt, F.lit(0))

# %% salts_the_repartition
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: a repartition by key and salt doesn't satisfy a join by key: it shuffles once more
# breaks: The fullest of them reads at most 3 times the rows of the median task.
# -    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
# +    spread = salted_facts.repartition(key, "_salt").drop("_salt")
# +    return spread.join(dims, on=key, how="left")

# %% others_in_a_full_join
# task: isolate_hot_keys
# fails: test_no_other_rows[isolate_hot_keys]
# because: a full join brings the rows of the dimension that no fact meets
# breaks: It returns what the plain left join returns, as in Task 2.
# -    other_rows = facts.where(~stays).join(dims.where(~is_hot), on=key, how="left")
# +    other_rows = facts.where(~stays).join(dims.where(~is_hot), on=key, how="full")

# %% broadcasts_all
# task: isolate_hot_keys
# fails: test_joins_through_a_shuffle[isolate_hot_keys]
# because: everything is broadcast: the dimension is too large for that
# breaks: The other facts are joined through a shuffle.
# -    return hot_rows.unionByName(other_rows)
# +    return facts.join(F.broadcast(dims), on=key, how="left")

# %% broadcasts_the_rest
# task: isolate_hot_keys
# fails: test_only_hot_keys_are_broadcast
# because: the hot part gets the whole dimension, and a flag tells Spark nothing about its keys
# breaks: No other row of `dims` is broadcast.
# -    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
# +    flagged = facts.withColumn("_stays", stays)
# +    hot_rows = flagged.where("_stays").drop("_stays")
# +    hot_rows = hot_rows.withColumn("_key", F.col(key)).join(
# +        F.broadcast(dims.withColumnRenamed(key, "_of")),
# +        on=F.col("_key").eqNullSafe(F.col("_of")) & F.col("_of").isNotNull(),
# +        how="left",
# +    )
# +    hot_rows = hot_rows.drop("_key", "_of")
# -    return hot_rows.unionByName(other_rows)
# +    return other_rows.unionByName(hot_rows)

# %% dictionary_of_hot_rows
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-two_partners]
# because: a dictionary has one value for each key: the second row of a hot key is lost
# breaks: they have two rows, and the report wants their clicks in both.
# -    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
# +    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot).dropDuplicates([key])), on=key, how="left")

# %% distinct_hot_rows
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-two_partners]
# because: takes identical rows of the dimension for a fault, and removes them
# breaks: It returns what the plain left join returns, as in Task 2.
# -    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
# +    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot).distinct()), on=key, how="left")
# -    other_rows = facts.where(~stays).join(dims.where(~is_hot), on=key, how="left")
# +    other_rows = facts.where(~stays).join(dims.where(~is_hot).distinct(), on=key, how="left")

# %% filters_only_the_dimension
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-partner], test_join_of_any_frames[isolate_hot_keys]
# because: the rest still holds the hot facts: they come twice, once without a partner
# breaks: Every row of `facts` belongs to exactly one of the two parts.
# -    other_rows = facts.where(~stays).join(dims.where(~is_hot), on=key, how="left")
# +    other_rows = facts.join(dims.where(~is_hot), on=key, how="left")

# %% inner_for_hot_keys
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-no_partner]
# because: a hot key that the dimension doesn't know loses its rows
# breaks: `hot` may be empty, hold null, hold a value twice, or hold one that `dims` doesn't know.
# -    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
# +    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="inner")

# %% joins_the_list
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-partner], test_join_of_any_frames[isolate_hot_keys]
# because: the list became a frame and was joined: a value that is in it twice doubles its rows
# breaks: `hot` may be empty, hold null, hold a value twice, or hold one that `dims` doesn't know.
# -    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
# +    each = F.explode(F.array(*[F.lit(value) for value in hot])).alias(key)
# +    listed = F.broadcast(facts.sparkSession.range(1).select(each))
# +    found = facts.join(listed, on=key, how="inner").unionByName(facts.where(F.col(key).isNull()))
# +    hot_rows = found.join(F.broadcast(dims.where(is_hot)), on=key, how="left")

# %% part_for_each_value
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-partner]
# because: one join for each value of the list: a value that is in it twice doubles its rows
# breaks: `hot` may be empty, hold null, hold a value twice, or hold one that `dims` doesn't know.
# -    return hot_rows.unionByName(other_rows)
# +    for value in hot:
# +        same = F.col(key) == F.lit(value)
# +        partners = F.broadcast(dims.where(same))
# +        part = facts.where(same).join(partners, on=key, how="left")
# +        other_rows = other_rows.unionByName(part)
# +    return other_rows.unionByName(facts.where(F.col(key).isNull()), allowMissingColumns=True)

# %% not_in_loses_null
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-no_partner],
#   test_join_of_any_frames[isolate_hot_keys]
# because: null is neither in the list nor not in it: its rows are in no part
# breaks: Every row of `facts` belongs to exactly one of the two parts.
# -    stays = F.col(key).isNull() | is_hot
# +    stays = is_hot

# %% null_in_the_list
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-partner]
# because: with a null in the list `NOT IN` is never true: the rest is empty
# breaks: `hot` may be empty, hold null, hold a value twice, or hold one that `dims` doesn't know.
# -    is_hot = F.col(key).isin([value for value in hot if value is not None])
# +    is_hot = F.col(key).isin(hot)

# %% null_in_both_parts
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-no_partner]
# because: takes a null key into the hot part, and not out of the other one
# breaks: Every row of `facts` belongs to exactly one of the two parts.
# -    other_rows = facts.where(~stays).join(dims.where(~is_hot), on=key, how="left")
# +    other_rows = facts.where(~is_hot | F.col(key).isNull()).join(dims.where(~is_hot), on=key, how="left")

# %% null_is_hot_and_matches
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-no_partner]
# because: null counts as hot and is joined with <=>: it finds the row for house ads
# breaks: facts with a null key: they have no partner in either
# -    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
# +    right = dims.where(stays).withColumnRenamed(key, "_key")
# +    same = F.col(key).eqNullSafe(F.col("_key"))
# +    hot_rows = facts.where(stays).join(F.broadcast(right), on=same, how="left").drop("_key")
# -    return hot_rows.unionByName(other_rows)
# +    return other_rows.unionByName(hot_rows)

# %% repartitions_before_the_split
# task: isolate_hot_keys
# fails: test_hot_rows_are_not_shuffled
# because: the facts are shuffled by key before they are split, hot rows too
# breaks: Facts with a hot key are not shuffled
# -    stays = F.col(key).isNull() | is_hot
# +    stays = F.col(key).isNull() | is_hot
# +    facts = facts.repartition(key)

# %% splits_and_shuffles_both
# task: isolate_hot_keys
# fails: test_only_hot_keys_are_broadcast, test_hot_rows_are_not_shuffled
# because: split in two and shuffled all the same: without the hint the hot part is one partition
#   again
# breaks: Facts with a hot key are not shuffled: the rows of `dims` with a hot key are
# -    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
# +    hot_rows = facts.where(stays).join(dims.where(is_hot), on=key, how="left")

# %% sql_union
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-identical]
# because: UNION without ALL removes identical rows
# breaks: and the same rows, identical ones included
# -    return hot_rows.unionByName(other_rows)
# +    return hot_rows.unionByName(other_rows).distinct()

# %% takes_the_first_key
# task: isolate_hot_keys
# fails: test_no_key_is_hot
# because: hot[0]: a list may be empty
# breaks: `hot` may be empty, hold null, hold a value twice, or hold one that `dims` doesn't know.
# outcome: error
# -    is_hot = F.col(key).isin([value for value in hot if value is not None])
# +    first = hot[0]
# +    is_hot = F.col(key).isin([value for value in [first, *hot[1:]] if value is not None])

# %% union_by_position
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-partner]
# because: a right join puts the dimension's columns first, and union pairs columns by position
# breaks: It returns what the plain left join returns, as in Task 2.
# -    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
# +    hot_rows = F.broadcast(dims.where(is_hot)).join(facts.where(stays), on=key, how="right")
# -    return hot_rows.unionByName(other_rows)
# +    return other_rows.union(hot_rows)

# %% columns_of_the_dimension_first
# task: isolate_hot_keys
# fails: test_rows_of_the_join[isolate_hot_keys-partner]
# because: the hot part is a right join and comes first: columns of the dimension stand before
#   those of the facts
# breaks: It returns what the plain left join returns, as in Task 2.
# -    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
# +    hot_rows = F.broadcast(dims.where(is_hot)).join(facts.where(stays), on=key, how="right")

# %% approximate
# task: two_stage_count
# fails: test_count_of_many_users_is_exact
# because: a sketch is a few percent off
# breaks: `users` counts the distinct values of `user_id`, exactly.
# -        F.count("*").alias("rows"), F.size(F.collect_set("user_id")).alias("users")
# +        F.count("*").alias("rows"), F.approx_count_distinct("user_id", 0.05).alias("users")

# %% counts_the_parts
# task: two_stage_count
# fails: test_counts_of_a_key[many_rows], test_counts_of_any_key
# because: the second stage counts the rows of the first instead of adding them up
# breaks: `rows` counts all rows of the key.
# -    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))
# +    return parts.groupBy(key).agg(F.count("rows").alias("rows"), F.sum("users").alias("users"))

# %% counts_rows_with_a_user
# task: two_stage_count
# fails: test_counts_of_a_key[null_user]
# because: count(user_id) leaves out rows without a user
# breaks: `rows` counts all rows of the key.
# -        F.count("*").alias("rows"), F.size(F.collect_set("user_id")).alias("users")
# +        F.count("user_id").alias("rows"), F.size(F.collect_set("user_id")).alias("users")

# %% loses_the_null_key
# task: two_stage_count
# fails: test_counts_of_a_key[null_key], test_counts_of_any_key
# because: the parts are put together by a join, and null joins with nothing
# breaks: Null is a key here too.
# -    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))
# +    rows = parts.groupBy(key).agg(F.sum("rows").alias("rows"))
# +    users = parts.groupBy(key).agg(F.sum("users").alias("users"))
# +    return rows.join(users, on=key, how="inner")

# %% users_before_rows
# task: two_stage_count
# fails: test_counts_of_a_key[many_rows]
# because: returns the columns in another order
# breaks: the key under its own name and type, `rows` (long), `users` (long).
# -    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))
# +    return parts.groupBy(key).agg(F.sum("users").alias("users"), F.sum("rows").alias("rows"))

# %% part_for_each_salt
# task: two_stage_count
# fails: test_counts_of_a_key[many_rows]
# because: stops after the first stage: a row for each key and salt
# breaks: It returns one row for each key
# -    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))
# +    return parts.select(key, "rows", F.col("users").cast("long").alias("users"))

# %% merges_the_sets
# task: two_stage_count
# fails: test_no_task_takes_all_users
# because: the parts are spread, and then their sets travel to one task to be merged
# breaks: No task of any stage reads more than 3 times the bytes that the median of these tasks
#   reads.
# -    salt = F.pmod(F.xxhash64("user_id"), F.lit(salts)).alias("_salt")
# +    salt = F.floor(F.rand() * salts).alias("_salt")
# -        F.count("*").alias("rows"), F.size(F.collect_set("user_id")).alias("users")
# +        F.count("*").alias("rows"), F.collect_set("user_id").alias("some")
# -    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))
# +    users = F.size(F.array_distinct(F.flatten(F.collect_list("some")))).cast("long")
# +    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), users.alias("users"))

# %% few_partitions
# task: two_stage_count
# fails: test_no_task_takes_all_users
# because: merges the partitions of the first stage: two tasks read all
# breaks: the largest shuffle is read by at least eight tasks.
# -    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))
# +    parts = facts.repartition(2, key, salt).groupBy(key, salt).agg(
# +        F.count("*").alias("rows"), F.size(F.collect_set("user_id")).alias("users")
# +    )
# +    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))

# %% remainders_below_zero
# task: two_stage_count
# fails: test_counts_of_a_key[many_users]
# because: -71 % 8 is -7: a user with a number below 0 has none of the salts
# breaks: `users` counts the distinct values of `user_id`, exactly.
# -    salt = F.pmod(F.xxhash64("user_id"), F.lit(salts)).alias("_salt")
# -    parts = facts.groupBy(key, salt).agg(
# +    rest = F.coalesce(F.col("user_id") % salts, F.lit(0))
# +    salt = rest.alias("_salt")
# +    parts = facts.where(rest.isin(list(range(salts)))).groupBy(key, salt).agg(

# %% null_is_a_user
# task: two_stage_count
# fails: test_counts_of_a_key[null_user]
# because: counting distinct pairs counts null as a user
# breaks: A null is no user.
# -        F.count("*").alias("rows"), F.size(F.collect_set("user_id")).alias("users")
# +        F.count("*").alias("rows"),
# +        F.size(F.collect_set(F.coalesce("user_id", F.lit(-1)))).alias("users"),

# %% one_salt_less
# task: two_stage_count
# fails: test_counts_of_a_key[many_rows], test_counts_of_any_key
# because: modulo salts - 1: with one salt that is a division by zero
# breaks: The counts are the same for every number of salts, also for one.
# outcome: error
# -    salt = F.pmod(F.xxhash64("user_id"), F.lit(salts)).alias("_salt")
# +    salt = F.pmod(F.xxhash64("user_id"), F.lit(salts - 1)).alias("_salt")

# %% one_set_for_each_key
# task: two_stage_count
# fails: test_no_task_takes_all_users
# because: all users of the hot key are collected in one set, in one task
# breaks: No task of any stage reads more than 3 times the bytes that the median of these tasks
#   reads.
# -    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))
# +    users = F.size(F.collect_set("user_id")).cast("long").alias("users")
# +    return facts.groupBy(key).agg(F.count("*").alias("rows"), users)

# %% random_salt
# task: two_stage_count
# fails: test_counts_of_a_key[many_rows]
# because: with a random salt a user is in several parts and is counted in each
# breaks: The salt must follow from `user_id`, or partial distinct counts don't add up.
# -    salt = F.pmod(F.xxhash64("user_id"), F.lit(salts)).alias("_salt")
# +    salt = F.floor(F.rand() * salts).alias("_salt")
