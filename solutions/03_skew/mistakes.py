# %% counts_the_key_column
# task: key_profile
# fails: test_null_is_a_key
# because: count(column) skips null: the null key gets 0 rows and sorts last
# breaks: Null is a key like any other.
def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(key).agg(F.count(key).alias("rows"))
    return counts.withColumn("share", F.col("rows") / F.lit(total)).orderBy(F.desc("rows")).limit(n)


# %% cuts_before_the_sort
# task: key_profile
# fails: test_heaviest_keys_come_first
# because: limit before orderBy takes any n keys
# breaks: the `n` heaviest values of the column named `key`, heaviest first
def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(key).agg(F.count("*").alias("rows")).limit(n)
    return counts.withColumn("share", F.col("rows") / F.lit(total)).orderBy(F.desc("rows"))


# %% filters_null_keys
# task: key_profile
# fails: test_null_is_a_key
# because: null keys are filtered as bad data, though the shuffle carries them
# breaks: Null is a key like any other.
def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.where(F.col(key).isNotNull()).groupBy(key).agg(F.count("*").alias("rows"))
    return counts.withColumn("share", F.col("rows") / F.lit(total)).orderBy(F.desc("rows")).limit(n)


# %% keeps_ties
# task: key_profile
# fails: test_profile_has_n_rows_when_keys_tie
# because: rank gives equal keys one rank: more than n rows come back
# breaks: Where keys tie, any of them may come, but never more than `n` rows.
from pyspark.sql import Window


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(key).agg(F.count("*").alias("rows"))
    ranked = counts.withColumn("place", F.rank().over(Window.orderBy(F.desc("rows"))))
    share = (F.col("rows") / F.lit(total)).alias("share")
    return ranked.where(F.col("place") <= n).select(key, "rows", share).orderBy(F.desc("rows"))


# %% renames_the_key
# task: key_profile
# fails: test_profile_has_its_columns
# because: the key's column is called key, whatever its name was
# breaks: | named by `key` | as in `df` | a value of that column |
def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(F.col(key).alias("key")).agg(F.count("*").alias("rows"))
    return counts.withColumn("share", F.col("rows") / F.lit(total)).orderBy(F.desc("rows")).limit(n)


# %% rounds_the_share
# task: key_profile
# fails: test_profile_of_any_frame
# because: a rounded share is 0 for a key of few rows, and shares don't add up
# breaks: The share is not rounded.
def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(key).agg(F.count("*").alias("rows"))
    share = F.round(F.col("rows") / F.lit(total), 2)
    return counts.withColumn("share", share).orderBy(F.desc("rows")).limit(n)


# %% share_of_the_rest
# task: key_profile
# fails: test_share_is_of_all_rows
# because: the share is computed after the cut, of the n heaviest keys alone
# breaks: All rows count for the share: those with a null key, and those of keys that are cut off.
from pyspark.sql import Window


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    heaviest = df.groupBy(key).agg(F.count("*").alias("rows")).orderBy(F.desc("rows")).limit(n)
    share = F.col("rows") / F.sum("rows").over(Window.partitionBy())
    return heaviest.withColumn("share", share).orderBy(F.desc("rows"))


# %% always_64_salts
# task: salted_join
# fails: test_copies_follow_the_number_of_salts
# because: the number of salts is fixed: the copies cost more than was asked for
# breaks: Each row of `dims` goes through the shuffle at most `salts` times.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salted_facts = facts.withColumn("_salt", F.floor(F.rand() * 64))
    copies = dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(63))))
    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")


# %% broadcasts_the_copies
# task: salted_join
# fails: test_salted_join_broadcasts_nothing
# because: a broadcast needs no salt; and the dimension is too large for one
# breaks: Both sides are shuffled, and neither is broadcast.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .join(
            F.broadcast(
                dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1))))
            ),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )


# %% deduplicates_the_dimension
# task: salted_join
# fails: test_salted_keys_with_two_rows_match_both
# because: one row a key was taken for granted: an advertiser in two segments loses one
# breaks: `dims` may hold a key several times, or null.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    copies = dims.dropDuplicates([key]).withColumn(
        "_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))
    )
    return (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .join(copies, on=[key, "_salt"], how="left")
        .drop("_salt")
    )


# %% distinct_at_the_end
# task: salted_join
# fails: test_salted_identical_rows_stay_apart
# because: distinct against doubled rows removes rows that are identical in the facts
# breaks: and the same rows, identical ones included
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
        .distinct()
    )


# %% hints_the_skew
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: a hint that another platform knows: here it is ignored, without an error
# breaks: The fullest of them reads at most 3 times the rows of the median task.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return facts.hint("skew", key).join(dims, on=key, how="left")


# %% inner_salted_join
# task: salted_join
# fails: test_salted_rows_without_partner_stay
# because: an inner join loses rows without a partner
# breaks: returns what `facts.join(dims, on=key, how="left")` returns
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="inner",
        )
        .drop("_salt")
    )


# %% joins_on_text
# task: salted_join
# fails: test_salted_rows_find_their_partner
# because: key and salt glued into a text: the key comes back as another type
# breaks: the same columns with the same types, in the same order
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    glued = F.concat_ws("_", F.col(key).cast("string"), F.col("_salt"))
    copies = (
        dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1))))
        .withColumn("_key", glued)
        .drop(key, "_salt")
    )
    others = [name for name in facts.columns if name != key]
    joined = (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .withColumn("_key", glued)
        .join(copies, on="_key", how="left")
    )
    text = F.split("_key", "_")[0].alias(key)
    return joined.select(text, *others, *[name for name in dims.columns if name != key])


# %% negative_salts
# task: salted_join
# fails: test_salted_rows_find_their_partner
# because: % keeps the sign of the hash: half of the salts are negative and meet no copy
# breaks: returns what `facts.join(dims, on=key, how="left")` returns
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.hash("click_id" if "click_id" in facts.columns else facts.columns[0]) % salts
    return (
        facts.withColumn("_salt", salt)
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )


# %% null_equals_null
# task: salted_join
# fails: test_salted_rows_without_partner_stay
# because: <=> joins null with null: house ads become a partner
# breaks: As in any join, a null key has no partner.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    left, right = (
        facts.withColumn("_salt", F.floor(F.rand() * salts)).alias("left"),
        dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))).alias("right"),
    )
    same = F.col(f"left.{key}").eqNullSafe(F.col(f"right.{key}")) & F.expr(
        "left._salt = right._salt"
    )
    others = [f"left.{name}" for name in facts.columns if name != key]
    columns = [f"left.{key}", *others, *[f"right.{name}" for name in dims.columns if name != key]]
    return left.join(right, same, how="left").select(columns)


# %% one_copy_more
# task: salted_join
# fails: test_copies_follow_the_number_of_salts
# because: a sequence includes its end: salts + 1 copies, of which no fact ever meets the last
# breaks: Each row of `dims` goes through the shuffle at most `salts` times.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salted_facts = facts.withColumn("_salt", F.floor(F.rand() * salts).cast("int"))
    copies = dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts))))
    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")


# %% overwrites_a_column
# task: salted_join
# fails: test_salted_join_of_any_frames
# because: the salt is called salt: a column of that name is overwritten and dropped
# breaks: A column of the facts may well be called `salt`
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salted_facts = facts.withColumn("salt", F.floor(F.rand() * salts))
    copies = dims.withColumn("salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1))))
    return salted_facts.join(copies, on=[key, "salt"], how="left").drop("salt")


# %% packs_the_facts
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: collect_list by key makes few rows, and one of them holds all of the hot key
# breaks: the stage that reads the clicks has at least eight tasks. The fullest of them reads at
#   most 3 times the rows of the median task.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    others = [name for name in facts.columns if name != key]
    packed = facts.groupBy(key).agg(F.collect_list(F.struct(*others)).alias("_rows"))
    joined = packed.join(dims, on=key, how="left").withColumn("_row", F.explode("_rows"))
    return joined.select(key, "_row.*", *[name for name in dims.columns if name != key])


# %% partition_as_salt
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: the number of the map task has as many values as there are map tasks, however many salts
#   are asked for
# breaks: It spreads the heavy keys over `salts` smaller ones.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.pmod(F.spark_partition_id(), F.lit(salts))
    return (
        facts.withColumn("_salt", salt)
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )


# %% plain_join
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: no salt: the hot key stays one partition
# breaks: The fullest of them reads at most 3 times the rows of the median task.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return facts.join(dims, on=key, how="left")


# %% rounds_the_salt
# task: salted_join
# fails: test_salted_rows_find_their_partner
# because: round(rand * salts) can be `salts`, for which there is no copy
# breaks: returns what `facts.join(dims, on=key, how="left")` returns
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.round(F.rand() * salts)
    return (
        facts.withColumn("_salt", salt)
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )


# %% salt_from_the_key
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: a salt computed from the key is the same for all its rows: nothing is split
# breaks: It spreads the heavy keys over `salts` smaller ones.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.pmod(F.hash(key), F.lit(salts))
    return (
        facts.withColumn("_salt", salt)
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )


# %% salts_both_sides_at_random
# task: salted_join
# fails: test_salted_rows_find_their_partner
# because: both sides draw a salt: they meet once in `salts` times
# breaks: returns what `facts.join(dims, on=key, how="left")` returns
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salted_dims = dims.withColumn("_salt", F.floor(F.rand() * salts))
    return (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .join(salted_dims, on=[key, "_salt"], how="left")
        .drop("_salt")
    )


# %% salts_only_nulls
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: the null keys are spread, the hot key is not
# breaks: The fullest of them reads at most 3 times the rows of the median task.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.when(F.col(key).isNull(), F.floor(F.rand() * salts)).otherwise(F.lit(0))
    return (
        facts.withColumn("_salt", salt)
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )


# %% salts_the_repartition
# task: salted_join
# fails: test_salted_rows_spread_over_partitions
# because: a repartition by key and salt doesn't satisfy a join by key: it shuffles once more
# breaks: The fullest of them reads at most 3 times the rows of the median task.
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    spread = (
        facts.withColumn("_salt", F.floor(F.rand() * salts)).repartition(key, "_salt").drop("_salt")
    )
    return spread.join(dims, on=key, how="left")


# %% broadcasts_all
# task: isolate_hot_keys
# fails: test_the_rest_is_shuffled
# because: everything is broadcast: the dimension is too large for that
# breaks: The other facts are joined through a shuffle.
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    return facts.join(F.broadcast(dims), on=key, how="left")


# %% dictionary_of_hot_rows
# task: isolate_hot_keys
# fails: test_isolated_keys_with_two_rows_match_both
# because: a dictionary has one value a key: the second row of a hot key is lost
# breaks: they have two rows, and the report wants their clicks in both.
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    others = [name for name in dims.columns if name != key]
    found = {row[key]: row for row in dims.where(is_hot).collect()}
    hot_rows = facts.where(is_hot)
    for name in others:
        value = F.lit(None).cast(dims.schema[name].dataType)
        for hot_key, row in found.items():
            value = F.when(F.col(key) == hot_key, row[name]).otherwise(value)
        hot_rows = hot_rows.withColumn(name, value)
    return facts.where(~is_hot).join(dims, on=key, how="left").unionByName(hot_rows)


# %% filters_only_the_dimension
# task: isolate_hot_keys
# fails: test_hot_and_other_rows_find_their_partner
# because: the rest still holds the hot facts: they come twice, once without a partner
# breaks: Every row of `facts` belongs to exactly one of the two parts.
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    hot_rows = facts.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    return hot_rows.unionByName(facts.join(dims.where(~is_hot), on=key, how="left"))


# %% inner_for_hot_keys
# task: isolate_hot_keys
# fails: test_isolated_rows_without_partner_stay
# because: a hot key that the dimension doesn't know loses its rows
# breaks: `hot` may be empty, hold null, hold a value twice, or hold one that `dims` doesn't know.
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    hot_rows = facts.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="inner")
    return hot_rows.unionByName(facts.where(~is_hot).join(dims, on=key, how="left"))


# %% joins_the_list
# task: isolate_hot_keys
# fails: test_isolation_with_any_list_of_hot_keys
# because: the list became a frame and was joined: a value that is in it twice doubles its rows
# breaks: `hot` may be empty, hold null, hold a value twice, or hold one that `dims` doesn't know.
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    each = F.explode(F.array(*[F.lit(value) for value in hot])).alias(key)
    listed = F.broadcast(facts.sparkSession.range(1).select(each))
    hot_dims = F.broadcast(dims.join(listed, on=key, how="left_semi"))
    hot_rows = facts.join(listed, on=key, how="inner").join(hot_dims, on=key, how="left")
    rest = facts.join(listed, on=key, how="left_anti")
    return hot_rows.unionByName(rest.join(dims, on=key, how="left"))


# %% not_in_loses_null
# task: isolate_hot_keys
# fails: test_isolated_rows_without_partner_stay
# because: null is neither in the list nor not in it: its rows are in no part
# breaks: Every row of `facts` belongs to exactly one of the two parts.
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    is_hot = F.col(key).isin(hot)
    hot_dims = F.broadcast(dims.where(is_hot))
    hot_rows = facts.where(is_hot).join(hot_dims, on=key, how="left")
    return hot_rows.unionByName(facts.where(~is_hot).join(dims, on=key, how="left"))


# %% null_in_the_list
# task: isolate_hot_keys
# fails: test_isolation_with_any_list_of_hot_keys
# because: with a null in the list `NOT IN` is never true: the rest is empty
# breaks: `hot` may be empty, hold null, hold a value twice, or hold one that `dims` doesn't know.
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    is_hot = F.col(key).isin(hot)
    is_not = ~is_hot | F.col(key).isNull()
    hot_rows = facts.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    return hot_rows.unionByName(facts.where(is_not).join(dims, on=key, how="left"))


# %% null_is_hot_and_matches
# task: isolate_hot_keys
# fails: test_isolated_rows_without_partner_stay
# because: null counts as hot and is joined with <=>: it finds the row for house ads
# breaks: facts with a null key: they have no partner in either
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    hot_or_null = is_hot | F.col(key).isNull()
    left, right = facts.where(hot_or_null).alias("left"), dims.where(hot_or_null).alias("right")
    same = F.col(f"left.{key}").eqNullSafe(F.col(f"right.{key}"))
    other_rows = facts.where(~hot_or_null).join(dims, on=key, how="left")
    partner = [f"right.{name}" for name in dims.columns if name != key]
    hot_rows = left.join(F.broadcast(right), same, how="left").select("left.*", *partner)
    return other_rows.unionByName(hot_rows)


# %% repartitions_before_the_split
# task: isolate_hot_keys
# fails: test_hot_rows_are_not_shuffled
# because: the facts are shuffled by key before they are split, hot rows too
# breaks: Facts with a hot key are not shuffled
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    by_key = facts.repartition(key)
    hot_rows = by_key.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    return hot_rows.unionByName(by_key.where(~is_hot).join(dims, on=key, how="left"))


# %% splits_and_shuffles_both
# task: isolate_hot_keys
# fails: test_only_hot_keys_are_broadcast
# because: split in two and shuffled all the same: without the hint the hot part is one partition
#   again
# breaks: the rows of `dims` with a hot key are
#   [broadcast](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.broadcast.html)
#   to them
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    hot_rows = facts.where(is_hot).join(dims.where(is_hot), on=key, how="left")
    return hot_rows.unionByName(facts.where(~is_hot).join(dims, on=key, how="left"))


# %% sql_union
# task: isolate_hot_keys
# fails: test_isolated_identical_rows_stay_apart
# because: UNION without ALL removes identical rows
# breaks: and the same rows, identical ones included
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    hot_rows = facts.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    return hot_rows.unionByName(facts.where(~is_hot).join(dims, on=key, how="left")).distinct()


# %% takes_the_first_key
# task: isolate_hot_keys
# fails: test_isolation_without_hot_keys
# because: hot[0]: a list may be empty
# breaks: `hot` may be empty, hold null, hold a value twice, or hold one that `dims` doesn't know.
# outcome: error
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    is_hot = F.coalesce(F.col(key) == F.lit(hot[0]), F.lit(False))
    hot_rows = facts.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    return hot_rows.unionByName(facts.where(~is_hot).join(dims, on=key, how="left"))


# %% union_by_position
# task: isolate_hot_keys
# fails: test_hot_and_other_rows_find_their_partner
# because: a right join puts the dimension's columns first, and union pairs columns by position
# breaks: It returns what the plain left join returns, as in Task 2.
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    hot_rows = F.broadcast(dims.where(is_hot)).join(facts.where(is_hot), on=key, how="right")
    return facts.where(~is_hot).join(dims, on=key, how="left").union(hot_rows)


# %% approximate
# task: two_stage_count
# fails: test_count_of_many_users_is_exact
# because: a sketch is a few percent off
# breaks: `users` counts the distinct values of `user_id`, exactly.
def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    return facts.groupBy(key).agg(
        F.count("*").alias("rows"), F.approx_count_distinct("user_id", 0.01).alias("users")
    )


# %% counts_the_parts
# task: two_stage_count
# fails: test_rows_and_users_of_each_key
# because: the second stage counts the rows of the first instead of adding them up
# breaks: `rows` counts all rows of the key.
def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    counts = facts.groupBy(key, F.pmod(F.hash("user_id"), F.lit(salts)).alias("_salt")).agg(
        F.count("*").alias("rows"), F.count_distinct("user_id").alias("users")
    )
    return counts.groupBy(key).agg(F.count("rows").alias("rows"), F.sum("users").alias("users"))


# %% loses_the_null_key
# task: two_stage_count
# fails: test_null_key_is_counted
# because: the parts are put together by a join, and null joins with nothing
# breaks: Null is a key here too.
def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    salted = facts.withColumn("_salt", F.pmod(F.hash("user_id"), F.lit(salts)).alias("_salt"))
    users = salted.groupBy(key, "_salt").agg(F.count_distinct("user_id").alias("users"))
    users = users.groupBy(key).agg(F.sum("users").alias("users"))
    rows = facts.groupBy(key).agg(F.count("*").alias("rows"))
    return rows.join(users, on=key, how="inner").select(key, "rows", "users")


# %% merges_the_sets
# task: two_stage_count
# fails: test_no_task_takes_all_users
# because: the parts are spread, and then their sets travel to one task to be merged
# breaks: No task of any stage reads more than 3 times the bytes that the median of these tasks
#   reads.
def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    parts = facts.groupBy(key, F.floor(F.rand() * salts).alias("_salt"))
    sets = parts.agg(F.count("*").alias("rows"), F.collect_set("user_id").alias("some"))
    users = F.size(F.array_distinct(F.flatten(F.collect_list("some")))).cast("long").alias("users")
    return sets.groupBy(key).agg(F.sum("rows").alias("rows"), users)


# %% null_is_a_user
# task: two_stage_count
# fails: test_null_user_is_a_row_and_no_user
# because: counting distinct pairs counts null as a user
# breaks: A null is no user.
def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    pairs = facts.groupBy(key, "user_id").agg(F.count("*").alias("part"))
    return pairs.groupBy(key).agg(F.sum("part").alias("rows"), F.count("*").alias("users"))


# %% one_salt_less
# task: two_stage_count
# fails: test_counts_do_not_depend_on_the_salts
# because: modulo salts - 1: with one salt that is a division by zero
# breaks: The counts are the same for every number of salts, also for one.
# outcome: error
def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.pmod(F.hash("user_id"), F.lit(salts - 1)).alias("_salt")
    counts = facts.groupBy(key, salt).agg(
        F.count("*").alias("rows"), F.count_distinct("user_id").alias("users")
    )
    return counts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))


# %% one_set_for_each_key
# task: two_stage_count
# fails: test_no_task_takes_all_users
# because: all users of the hot key are collected in one set, in one task
# breaks: No task of any stage reads more than 3 times the bytes that the median of these tasks
#   reads.
def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    users = F.size(F.collect_set("user_id")).cast("long").alias("users")
    return facts.groupBy(key).agg(F.count("*").alias("rows"), users)


# %% random_salt
# task: two_stage_count
# fails: test_users_with_rows_in_many_parts_count_once
# because: with a random salt a user is in several parts and is counted in each
# breaks: The salt must follow from `user_id`, or partial distinct counts don't add up.
def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    parts = facts.groupBy(key, F.floor(F.rand() * salts).alias("_salt"))
    counts = parts.agg(F.count("*").alias("rows"), F.count_distinct("user_id").alias("users"))
    return counts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))
