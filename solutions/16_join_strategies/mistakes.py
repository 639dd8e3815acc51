# %% below_the_threshold
# task: strategy
# fails: test_plans[threshold], test_plans[no_equality], test_random_plans
# because: a side of exactly the threshold is broadcast, too
# breaks: A side is small if it has at most `threshold` bytes.
# -    small = {"left": left_bytes <= threshold, "right": right_bytes <= threshold}
# +    small = {"left": left_bytes < threshold, "right": right_bytes < threshold}

# %% off_means_any_size
# task: strategy
# fails: test_plans[off]
# because: takes -1 for "no limit"
# breaks: With `-1` no side is small.
# -    small = {"left": left_bytes <= threshold, "right": right_bytes <= threshold}
# +    if threshold == -1:
# +        threshold = 10**18
# +    small = {"left": left_bytes <= threshold, "right": right_bytes <= threshold}

# %% zero_is_not_set
# task: strategy
# fails: test_plans[off]
# because: a threshold of 0 is a number as well
# breaks: A side is small if it has at most `threshold` bytes.
# -    small = {"left": left_bytes <= threshold, "right": right_bytes <= threshold}
# +    threshold = threshold or 10 * 1024 * 1024
# +    small = {"left": left_bytes <= threshold, "right": right_bytes <= threshold}

# %% any_small_side
# task: strategy
# fails: test_plans[kept_side], test_random_plans
# because: the side that a join type has to keep is broadcast
# breaks: the right one of `left`, `left_semi` and `left_anti`, the left one of `right`
# -    sent = {"inner": ["left", "right"], "right": ["left"], "full": []}.get(join_type, ["right"])
# +    sent = [] if join_type == "full" else ["left", "right"]

# %% full_joins_are_broadcast
# task: strategy
# fails: test_plans[kept_side], test_random_plans
# because: a full join has rows of both sides to keep
# breaks: the left one of `right`, and none of `full`.
# -    sent = {"inner": ["left", "right"], "right": ["left"], "full": []}.get(join_type, ["right"])
# +    sent = {"inner": ["left", "right"], "right": ["left"]}.get(join_type, ["right"])

# %% the_side_of_its_name
# task: strategy
# fails: test_plans[kept_side], test_plans[threshold], test_random_plans
# because: takes the preserved side for the one that is broadcast
# breaks: the right one of `left`, `left_semi` and `left_anti`, the left one of `right`
# -    sent = {"inner": ["left", "right"], "right": ["left"], "full": []}.get(join_type, ["right"])
# +    sides = {"inner": ["left", "right"], "right": ["right"], "full": []}
# +    sent = sides.get(join_type, ["left"])

# %% semi_joins_from_both_sides
# task: strategy
# fails: test_plans[kept_side], test_random_plans
# because: a semi join keeps left rows, so they can't be the side that is sent
# breaks: the right one of `left`, `left_semi` and `left_anti`
# -    sent = {"inner": ["left", "right"], "right": ["left"], "full": []}.get(join_type, ["right"])
# +    both = ["left", "right"]
# +    sides = {"inner": both, "left_semi": both, "right": ["left"], "full": []}
# +    sent = sides.get(join_type, ["right"])

# %% hashes_by_the_threshold
# task: strategy
# fails: test_plans[shuffled], test_plans[three_times], test_random_plans
# because: a side below the threshold would be broadcast; this limit is one for each partition
# breaks: a side has fewer than `threshold` times `PARTITIONS` bytes
# -    limit = threshold * PARTITIONS
# +    limit = threshold

# %% hashes_up_to_the_limit
# task: strategy
# fails: test_plans[shuffled]
# because: the limit itself is too large
# breaks: a side has fewer than `threshold` times `PARTITIONS` bytes
# -    limit = threshold * PARTITIONS
# +    limit = threshold * PARTITIONS + 1

# %% smaller_is_enough
# task: strategy
# fails: test_plans[three_times], test_random_plans
# because: a hash table of nearly the same size is no gain over a sort
# breaks: three times its bytes are at most the bytes of the other.
# -        "left": left_bytes < limit and 3 * left_bytes <= right_bytes,
# -        "right": right_bytes < limit and 3 * right_bytes <= left_bytes,
# +        "left": left_bytes < limit and left_bytes <= right_bytes,
# +        "right": right_bytes < limit and right_bytes <= left_bytes,

# %% more_than_three_times
# task: strategy
# fails: test_plans[three_times]
# because: exactly three times counts
# breaks: three times its bytes are at most the bytes of the other.
# -        "left": left_bytes < limit and 3 * left_bytes <= right_bytes,
# -        "right": right_bytes < limit and 3 * right_bytes <= left_bytes,
# +        "left": left_bytes < limit and 3 * left_bytes < right_bytes,
# +        "right": right_bytes < limit and 3 * right_bytes < left_bytes,

# %% hashes_as_it_broadcasts
# task: strategy
# fails: test_plans[either_side], test_random_plans
# because: a shuffled hash join knows which rows of a kept side had no partner; a broadcast doesn't
# breaks: For `shuffled_hash` that may be either side
# -    hashed = ["right"] if join_type in ("left_semi", "left_anti") else ["left", "right"]
# +    hashed = sent

# %% hashes_either_side
# task: strategy
# fails: test_plans[either_side], test_random_plans
# because: the left side of a semi or anti join is hashed
# breaks: but only the right one of `left_semi` and `left_anti`.
# -    hashed = ["right"] if join_type in ("left_semi", "left_anti") else ["left", "right"]
# +    hashed = ["left", "right"]

# %% no_full_hash
# task: strategy
# fails: test_plans[either_side], test_random_plans
# because: a full join is always sorted, as it was in Spark 2
# breaks: For `shuffled_hash` that may be either side
# -    return "shuffled_hash" if any(fits[side] for side in hashed) else "sort_merge"
# +    if join_type == "full":
# +        return "sort_merge"
# +    return "shuffled_hash" if any(fits[side] for side in hashed) else "sort_merge"

# %% never_sorted
# task: strategy
# fails: test_plans[shuffled], test_plans[three_times], test_random_plans
# because: with preferSortMergeJoin off, everything is hashed
# breaks: An equality that fits none of these is joined by `sort_merge`.
# -    return "shuffled_hash" if any(fits[side] for side in hashed) else "sort_merge"
# +    return "shuffled_hash"

# %% never_hashed
# task: strategy
# fails: test_plans[shuffled], test_plans[three_times], test_random_plans
# because: the choice of a session with preferSortMergeJoin on
# breaks: Otherwise it is joined by `shuffled_hash`
# -    return "shuffled_hash" if any(fits[side] for side in hashed) else "sort_merge"
# +    return "sort_merge"

# %% always_cartesian
# task: strategy
# fails: test_plans[no_equality], test_random_plans
# because: a small side is broadcast, also without an equality
# breaks: an inner join is a `broadcast_nested_loop` if one of its sides is small
# -        if join_type == "inner" and not any(small.values()):
# +        if join_type == "inner":

# %% never_cartesian
# task: strategy
# fails: test_plans[no_equality], test_random_plans
# because: two large sides are not broadcast in an inner join
# breaks: and `cartesian` otherwise.
# -        if join_type == "inner" and not any(small.values()):
# +        if join_type == "cross":

# %% the_right_side_of_a_loop
# task: strategy
# fails: test_plans[no_equality]
# because: an inner join can send its left side as well
# breaks: if one of its sides is small
# -        if join_type == "inner" and not any(small.values()):
# +        if join_type == "inner" and not small["right"]:

# %% cartesian_whatever_the_type
# task: strategy
# fails: test_plans[other_loops], test_random_plans
# because: a product can't tell which rows had no partner
# breaks: any other join type is a `broadcast_nested_loop`, whatever the sizes.
# -        if join_type == "inner" and not any(small.values()):
# +        if not any(small.values()):

# %% not_in
# task: anti_join
# fails: test_rides[blocked], test_rides[null_blocked], test_rides_of_other_frames
# because: one null in the list, and NOT IN is true for no ride
# breaks: A null in `blocked` blocks no ride.
def anti_join(rides: DataFrame, blocked: DataFrame) -> DataFrame:
    return rides.sparkSession.sql(
        "SELECT * FROM {rides} WHERE ride_id NOT IN (SELECT ride_id FROM {blocked})",
        rides=rides,
        blocked=blocked,
    )


# %% not_in_without_nulls
# task: anti_join
# fails: test_rides[null_ride], test_rides_of_other_frames
# because: NOT IN isn't true for a null either
# breaks: A ride without `ride_id` is not blocked.
def anti_join(rides: DataFrame, blocked: DataFrame) -> DataFrame:
    return rides.sparkSession.sql(
        "SELECT * FROM {rides} "
        "WHERE ride_id NOT IN (SELECT ride_id FROM {blocked} WHERE ride_id IS NOT NULL)",
        rides=rides,
        blocked=blocked,
    )


# %% not_in_with_all_cases
# task: anti_join
# fails: test_nothing_is_broadcast
# because: the rows are right; NOT IN sends the list to every executor, whatever its size
# breaks: In the session of `BIG_TABLES` the plan broadcasts nothing: no `BroadcastExchange`.
def anti_join(rides: DataFrame, blocked: DataFrame) -> DataFrame:
    return rides.sparkSession.sql(
        "SELECT * FROM {rides} WHERE ride_id IS NULL "
        "OR ride_id NOT IN (SELECT ride_id FROM {blocked} WHERE ride_id IS NOT NULL)",
        rides=rides,
        blocked=blocked,
    )


# %% broadcasts_the_list
# task: anti_join
# fails: test_nothing_is_broadcast
# because: a hint sends the list to every executor, whatever its size
# breaks: In the session of `BIG_TABLES` the plan broadcasts nothing: no `BroadcastExchange`.
# -    ids = blocked.select(F.col("ride_id").alias("_blocked_id"))
# +    ids = F.broadcast(blocked.select(F.col("ride_id").alias("_blocked_id")))

# %% nulls_are_equal
# task: anti_join
# fails: test_rides[null_ride], test_rides_of_other_frames
# because: a null-safe equality lets the nulls of both sides meet
# breaks: A null in `blocked` blocks no ride.
# -    return rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_anti")
# +    same = F.col("ride_id").eqNullSafe(F.col("_blocked_id"))
# +    return rides.join(ids, on=same, how="left_anti")

# %% null_is_minus_one
# task: anti_join
# fails: test_rides[null_ride]
# because: a ride without an id is looked up as -1, and somebody may have blocked -1
# breaks: A ride without `ride_id` is not blocked.
# -    return rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_anti")
# +    number = F.coalesce(F.col("ride_id"), F.lit(-1))
# +    return rides.join(ids, on=number == F.col("_blocked_id"), how="left_anti")

# %% joins_by_all_common_columns
# task: anti_join
# fails: test_rides[blocked], test_rides[repeated]
# because: a further column of `blocked` may have the name of one of the rides'
# breaks: A ride is blocked if `blocked` has its `ride_id`.
def anti_join(rides: DataFrame, blocked: DataFrame) -> DataFrame:
    common = [name for name in rides.columns if name in blocked.columns]
    ids = blocked.select(*(F.col(name).alias(f"_{name}") for name in common))
    same = [F.col(name) == F.col(f"_{name}") for name in common]
    return rides.join(ids, on=same, how="left_anti")

# %% null_rides_are_dropped
# task: anti_join
# fails: test_rides[null_ride], test_rides[repeated], test_rides_of_other_frames
# because: rides without an id are taken for bad data
# breaks: A ride without `ride_id` is not blocked.
# -    return rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_anti")
# +    known = rides.where(F.col("ride_id").isNotNull())
# +    return known.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_anti")

# %% semi_join
# task: anti_join
# fails: test_rides[blocked], test_rides[null_blocked]
# because: returns the rides that are blocked
# breaks: A ride is blocked if `blocked` has its `ride_id`.
# -    return rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_anti")
# +    return rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_semi")

# %% subtract_by_except
# task: anti_join
# fails: test_rides[repeated], test_rides_of_other_frames
# because: EXCEPT is a set operation: equal rides become one
# breaks: A ride comes back as often as it was given.
# -    return rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_anti")
# +    taken = rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_semi")
# +    return rides.subtract(taken)

# %% key_in_front
# task: anti_join
# fails: test_rides, test_nothing_is_broadcast, test_runs_no_job[anti_join]
# because: a join by name moves the key to the front
# breaks: The columns are those of `rides`, in their order.
# -    return rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_anti")
# +    return rides.join(blocked, on="ride_id", how="left_anti")

# %% columns_of_the_list
# task: anti_join
# fails: test_rides, test_nothing_is_broadcast, test_runs_no_job[anti_join]
# because: the columns of the list come along
# breaks: The columns are those of `rides`, in their order.
# -    return rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_anti")
# +    joined = rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left")
# +    return joined.where(F.col("_blocked_id").isNull())


# %% list_on_the_driver
# task: anti_join
# fails: test_runs_no_job[anti_join]
# because: collects the list to the driver
# breaks: The call runs no Spark job: it returns a plan.
def anti_join(rides: DataFrame, blocked: DataFrame) -> DataFrame:
    listed = [row.ride_id for row in blocked.select("ride_id").collect()]
    unblocked = ~F.col("ride_id").isin([one for one in listed if one is not None])
    return rides.where(F.col("ride_id").isNull() | unblocked)


# %% asks_before_it_joins
# task: anti_join
# fails: test_runs_no_job[anti_join]
# because: asks whether anything is blocked at all, which runs a job
# breaks: The call runs no Spark job: it returns a plan.
# -    ids = blocked.select(F.col("ride_id").alias("_blocked_id"))
# +    ids = blocked.select(F.col("ride_id").alias("_blocked_id"))
# +    if ids.isEmpty():
# +        return rides

# %% hi_included
# task: range_join
# fails: test_zones[bounds], test_zones_of_other_frames
# because: an address at the border belongs to two bands
# breaks: A band holds the addresses from `lo` up to, but not with, `hi`.
# -    held = F.expr("pickup_ip >= lo AND pickup_ip < hi")
# +    held = F.expr("pickup_ip BETWEEN lo AND hi")

# %% lo_left_out
# task: range_join
# fails: test_zones[bounds], test_zones_of_other_frames
# because: the first address of a band is lost
# breaks: A band holds the addresses from `lo` up to, but not with, `hi`.
# -    held = F.expr("pickup_ip >= lo AND pickup_ip < hi")
# +    held = F.expr("pickup_ip > lo AND pickup_ip < hi")

# %% bucket_of_lo_alone
# task: range_join
# fails: test_zones[wide], test_zones_of_other_frames
# because: a band that spans several buckets is found in the first only
# breaks: A row of `facts` comes back once for each band that holds its `pickup_ip`.
# -        "lo", "hi", "name", F.explode(F.sequence(first, last)).alias("_band_bucket")
# +        "lo", "hi", "name", first.alias("_band_bucket")

# %% buckets_of_both_ends
# task: range_join
# fails: test_zones[wide], test_zones_of_other_frames
# because: the buckets between the first and the last are left out
# breaks: A row of `facts` comes back once for each band that holds its `pickup_ip`.
# -        "lo", "hi", "name", F.explode(F.sequence(first, last)).alias("_band_bucket")
# +        "lo", "hi", "name", F.explode(F.array_distinct(F.array(first, last))).alias("_band_bucket")

# %% neighbours_too
# task: range_join
# fails: test_rows_before_the_join, test_rows_of_other_bands
# because: each band goes to the bucket before and the one after as well, to be safe
# breaks: and for each band one for each bucket in which it has an address.
# -        "lo", "hi", "name", F.explode(F.sequence(first, last)).alias("_band_bucket")
# +        "lo", "hi", "name", F.explode(F.sequence(first - 1, last + 1)).alias("_band_bucket")

# %% bucket_of_hi
# task: range_join
# fails: test_rows_before_the_join, test_rows_of_other_bands
# because: a band that ends where a bucket begins has no address in it
# breaks: and for each band one for each bucket in which it has an address.
# -    first, last = F.expr(f"lo div {bucket}"), F.expr(f"(hi - 1) div {bucket}")
# +    first, last = F.expr(f"lo div {bucket}"), F.expr(f"hi div {bucket}")


# %% facts_explode_too
# task: range_join
# fails: test_rows_before_the_join
# because: each ride goes into its bucket and the one before
# breaks: one for each row of `facts`
def range_join(facts: DataFrame, bands: DataFrame, bucket: int) -> DataFrame:
    copies = bands.where("lo < hi").select(
        "lo",
        "hi",
        "name",
        F.explode(F.expr(f"sequence(lo div {bucket}, (hi - 1) div {bucket})")).alias("_bucket"),
    )
    numbered = facts.withColumn("_row", F.monotonically_increasing_id())
    own = F.expr(f"pickup_ip div {bucket}")
    near = numbered.withColumn("_bucket", F.explode_outer(F.array(own, own - 1)))
    held = near.join(copies, on="_bucket", how="inner").where("pickup_ip >= lo AND pickup_ip < hi")
    found = held.select("_row", "name").distinct()
    joined = numbered.join(found, on="_row", how="left")
    return joined.select(*facts.columns, "name")


# %% no_comparison_of_bounds
# task: range_join
# fails: test_zones[bounds], test_zones[wide], test_zones_of_other_frames
# because: a band of the same bucket may hold other addresses of it
# breaks: once for each band that holds its `pickup_ip`.
# -    joined = facts.join(copies, on=same_bucket & held, how="left")
# +    joined = facts.join(copies, on=same_bucket, how="left")

# %% one_zone_for_each_ride
# task: range_join
# fails: test_zones[overlap], test_zones_of_other_frames
# because: one zone for each ride, though several bands hold it
# breaks: A row of `facts` comes back once for each band that holds its `pickup_ip`.
# -    return joined.select(*facts.columns, "name")
# +    numbered = facts.withColumn("_row", F.monotonically_increasing_id())
# +    found = numbered.join(copies, on=same_bucket & held, how="left")
# +    return found.groupBy("_row", *facts.columns).agg(F.min("name").alias("name")).drop("_row")

# %% distinct_bands
# task: range_join
# fails: test_zones[equal_bands]
# because: two equal bands hold an address twice
# breaks: A row of `facts` comes back once for each band that holds its `pickup_ip`.
# -    copies = bands.where("lo < hi").select(
# +    copies = bands.distinct().where("lo < hi").select(

# %% a_column_of_facts_is_lost
# task: range_join
# fails: test_zones[bounds], test_zones[wide]
# because: the bucket's number takes the place of a column that `facts` has under that name
# breaks: It returns all columns of `facts` in their order, then
# -    same_bucket = F.expr(f"pickup_ip div {bucket}") == F.col("_band_bucket")
# +    facts = facts.withColumn("bucket", F.expr(f"pickup_ip div {bucket}").cast("string"))
# +    same_bucket = F.col("bucket") == F.col("_band_bucket").cast("string")

# %% inner_range_join
# task: range_join
# fails: test_zones[without_band], test_zones[bounds], test_zones_of_other_frames
# because: rides in no band are lost
# breaks: A row in no band, or without `pickup_ip`, comes back once, with a null `name`.
# -    joined = facts.join(copies, on=same_bucket & held, how="left")
# +    joined = facts.join(copies, on=same_bucket & held, how="inner")

# %% filters_after_the_join
# task: range_join
# fails: test_zones[without_band], test_zones[bounds], test_zones_of_other_frames
# because: a filter on the bounds after a left join drops what found nothing
# breaks: A row in no band, or without `pickup_ip`, comes back once, with a null `name`.
# -    joined = facts.join(copies, on=same_bucket & held, how="left")
# +    joined = facts.join(copies, on=same_bucket, how="left").where(held | F.col("lo").isNull())

# %% no_address_no_row
# task: range_join
# fails: test_zones[without_band], test_zones_of_other_frames
# because: rides without an address are filtered out
# breaks: A row in no band, or without `pickup_ip`, comes back once, with a null `name`.
# -    joined = facts.join(copies, on=same_bucket & held, how="left")
# +    known = facts.where("pickup_ip IS NOT NULL")
# +    joined = known.join(copies, on=same_bucket & held, how="left")

# %% called_unknown
# task: range_join
# fails: test_zones[without_band], test_zones[bounds], test_zones_of_other_frames
# because: the zone of a ride in no band is a text
# breaks: comes back once, with a null `name`.
# -    return joined.select(*facts.columns, "name")
# +    return joined.select(*facts.columns, F.coalesce("name", F.lit("unknown")).alias("name"))

# %% distinct_result
# task: range_join
# fails: test_zones[equal_rows], test_zones_of_other_frames
# because: a distinct that hides doubles of a faulty join merges equal rides as well
# breaks: Rows of `facts` that are equal stay as many rows.
# -    return joined.select(*facts.columns, "name")
# +    return joined.select(*facts.columns, "name").distinct()

# %% bounds_come_along
# task: range_join
# fails: test_zones, test_runs_no_job[range_join]
# because: the bounds of the band are returned as well
# breaks: It returns all columns of `facts` in their order, then `name`, a string.
# -    return joined.select(*facts.columns, "name")
# +    return joined.select(*facts.columns, "lo", "hi", "name")

# %% open_bands
# task: range_join
# fails: test_zones[no_address]
# because: takes a null for a bound that is open
# breaks: A band without `lo` or `hi`, or with a `hi` that is not greater than `lo`, holds no address.
# -    copies = bands.where("lo < hi").select(
# +    bands = bands.selectExpr("coalesce(lo, 0) AS lo", "coalesce(hi, 1000) AS hi", "name")
# +    copies = bands.where("lo < hi").select(

# %% bounds_in_any_order
# task: range_join
# fails: test_zones[no_address]
# because: a band with swapped bounds is set right
# breaks: A band without `lo` or `hi`, or with a `hi` that is not greater than `lo`, holds no address.
# -    copies = bands.where("lo < hi").select(
# +    bands = bands.selectExpr(
# +        "CASE WHEN lo > hi THEN hi ELSE lo END AS lo",
# +        "CASE WHEN lo > hi THEN lo ELSE hi END AS hi",
# +        "name",
# +    )
# +    copies = bands.where("lo < hi").select(


# %% unnamed_bands_are_dropped
# task: range_join
# fails: test_zones[unnamed]
# because: a band without a name holds addresses as well
# breaks: A row of `facts` comes back once for each band that holds its `pickup_ip`.
# -    copies = bands.where("lo < hi").select(
# +    copies = bands.dropna().where("lo < hi").select(

# %% numbers_as_int
# task: range_join
# outcome: error
# fails: test_zones[large]
# because: the number of a bucket may be greater than an int
# breaks: Addresses and bounds are long, 0 or greater.
# -    first, last = F.expr(f"lo div {bucket}"), F.expr(f"(hi - 1) div {bucket}")
# +    first = F.expr(f"cast(lo div {bucket} as int)")
# +    last = F.expr(f"cast((hi - 1) div {bucket} as int)")

# %% bands_without_an_address_come_along
# task: range_join
# fails: test_rows_before_the_join, test_rows_of_other_bands
# because: a sequence also counts down, so bands that hold nothing are shuffled
# breaks: one for each row of `facts`, and for each band one for each bucket in which it has an
#   address.
# -    copies = bands.where("lo < hi").select(
# +    copies = bands.select(

# %% nested_loop
# task: range_join
# fails: test_joins_by_keys
# because: the rows are right, and each ride is compared with each band
# breaks: In the session of `BIG_TABLES` the plan has no `BroadcastNestedLoopJoin`
def range_join(facts: DataFrame, bands: DataFrame, bucket: int) -> DataFrame:
    joined = facts.join(bands, on=F.expr("pickup_ip >= lo AND pickup_ip < hi"), how="left")
    return joined.select(*facts.columns, "name")


# %% broadcast_bands
# task: range_join
# fails: test_joins_by_keys
# because: all rows of the bands are sent to every executor
# breaks: and no `BroadcastExchange`.
# -    joined = facts.join(copies, on=same_bucket & held, how="left")
# +    joined = facts.join(F.broadcast(copies), on=same_bucket & held, how="left")

# %% one_bucket_for_all
# task: range_join
# fails: test_buckets_spread
# because: an equality that always holds: one task compares all pairs
# breaks: Rows of different buckets are joined by different keys
# -    same_bucket = F.expr(f"pickup_ip div {bucket}") == F.col("_band_bucket")
# +    copies = bands.where("lo < hi").withColumn("_band_bucket", F.expr("lo * 0"))
# +    same_bucket = F.expr("pickup_ip * 0") == F.col("_band_bucket")

# %% sixty_four_keys
# task: range_join
# fails: test_buckets_spread
# because: buckets whose numbers are equal by a modulus get one key
# breaks: Rows of different buckets are joined by different keys
# -        "lo", "hi", "name", F.explode(F.sequence(first, last)).alias("_band_bucket")
# -    )
# -    same_bucket = F.expr(f"pickup_ip div {bucket}") == F.col("_band_bucket")
# +        "lo",
# +        "hi",
# +        "name",
# +        F.explode(
# +            F.array_distinct(F.transform(F.sequence(first, last), lambda number: number % 64))
# +        ).alias("_band_bucket"),
# +    )
# +    same_bucket = F.expr(f"pickup_ip div {bucket} % 64") == F.col("_band_bucket")

# %% buckets_of_its_own_width
# task: range_join
# fails: test_buckets_spread
# because: the width is fixed, and far too wide here
# breaks: with rides in 64 buckets, no task reads more than half of the rows of its stage.
# -    first, last = F.expr(f"lo div {bucket}"), F.expr(f"(hi - 1) div {bucket}")
# +    bucket = 65_536
# +    first, last = F.expr(f"lo div {bucket}"), F.expr(f"(hi - 1) div {bucket}")

# %% buckets_by_doubles
# task: range_join
# fails: test_zones[large]
# because: a double has 53 bits, so a large address gets the bucket of another
# breaks: Addresses and bounds are long, 0 or greater.
# -    same_bucket = F.expr(f"pickup_ip div {bucket}") == F.col("_band_bucket")
# +    same_bucket = F.floor(F.col("pickup_ip") / bucket) == F.col("_band_bucket")

# %% zero_is_no_address
# task: range_join
# fails: test_zones[bounds]
# because: the address 0 is taken for one that is missing
# breaks: Addresses and bounds are long, 0 or greater.
# -    copies = bands.where("lo < hi").select(
# +    copies = bands.where("lo > 0 AND lo < hi").select(

# %% one_wide_is_unbucketed
# task: range_join
# fails: test_zones_of_other_frames
# because: with a width of 1 only the first address of a band is found
# breaks: `bucket` is an integer, at least 1.
# -    first, last = F.expr(f"lo div {bucket}"), F.expr(f"(hi - 1) div {bucket}")
# +    first, last = F.expr(f"lo div {bucket}"), F.expr(f"(hi - 1) div {bucket}")
# +    last = last if bucket > 1 else first

# %% counts_the_bands
# task: range_join
# fails: test_runs_no_job[range_join]
# because: looks at the widest band before it returns
# breaks: The call runs no Spark job.
# -    first, last = F.expr(f"lo div {bucket}"), F.expr(f"(hi - 1) div {bucket}")
# +    if not bands.where("lo < hi").count():
# +        return facts.withColumn("name", F.lit(None).cast("string"))
# +    first, last = F.expr(f"lo div {bucket}"), F.expr(f"(hi - 1) div {bucket}")

# %% strictly_before
# task: as_of_join
# fails: test_quotes[same_time], test_quotes[ties], test_quotes_of_other_frames
# because: a quote at the time of the tick comes after it
# breaks: The quote of a left row is the newest right row with the same `by`, at or before its `ts`.
# -        .orderBy("_ts", F.col("_left").isNotNull(), "_right.seq")
# +        .orderBy("_ts", F.col("_left").isNull(), "_right.seq")

# %% any_order_at_one_time
# task: as_of_join
# fails: test_quotes[same_time], test_quotes_of_other_frames
# because: by `seq` alone a tick, which has none, stands before the quotes of its time
# breaks: at or before its `ts`.
# -        .orderBy("_ts", F.col("_left").isNotNull(), "_right.seq")
# +        .orderBy("_ts", "_right.seq")

# %% nearest_quote
# task: as_of_join
# fails: test_quotes[same_time], test_quotes[newest], test_quotes_of_other_frames
# because: a later quote counts if no earlier one is there
# breaks: at or before its `ts`.
# -        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
# +        .rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)

# %% looks_back_a_thousand_rows
# task: as_of_join
# fails: test_quotes[far_behind]
# because: a quote is lost when a thousand ticks came after it
# breaks: The quote of a left row is the newest right row with the same `by`
# -        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
# +        .rowsBetween(-1_000, Window.currentRow)

# %% a_column_of_left_is_lost
# task: as_of_join
# fails: test_quotes[newest], test_quotes[no_quote]
# because: the mark of the two sides takes the place of a column that `left` has under that name
# breaks: It returns all
#   columns of `left`, then all columns of `right`
# -    rows = left.select(F.col(by).alias("_by"), F.col(ts).alias("_ts"), F.struct("*").alias("_left"))
# +    left = left.withColumn("side", F.lit("left")) if "side" in left.columns else left
# +    rows = left.select(F.col(by).alias("_by"), F.col(ts).alias("_ts"), F.struct("*").alias("_left"))

# %% first_quote
# task: as_of_join
# fails: test_quotes[newest], test_quotes_of_other_frames
# because: carries the oldest quote forward
# breaks: The quote of a left row is the newest right row
# -        "_right", F.last("_right", ignorenulls=True).over(in_time)
# +        "_right", F.first("_right", ignorenulls=True).over(in_time)

# %% of_any_symbol
# task: as_of_join
# fails: test_quotes[newest], test_quotes_of_other_frames
# because: quotes of all symbols are in one window
# breaks: the newest right row with the same `by`
# -        Window.partitionBy("_by")
# -        .orderBy("_ts", F.col("_left").isNotNull(), "_right.seq")
# +        Window.partitionBy(F.col("_by").isNull())
# +        .orderBy("_ts", F.col("_left").isNotNull(), "_right.seq")

# %% least_seq
# task: as_of_join
# fails: test_quotes[ties], test_quotes_of_other_frames
# because: the correction of a quote is passed over
# breaks: Of several right rows with that time, it is the one with the greatest `seq`.
# -        .orderBy("_ts", F.col("_left").isNotNull(), "_right.seq")
# +        .orderBy("_ts", F.col("_left").isNotNull(), F.desc("_right.seq"))

# %% in_order_of_arrival
# task: as_of_join
# fails: test_quotes[ties], test_quotes_of_other_frames
# because: of quotes at one time, the one that happens to come last
# breaks: Of several right rows with that time, it is the one with the greatest `seq`.
# -        .orderBy("_ts", F.col("_left").isNotNull(), "_right.seq")
# +        .orderBy("_ts", F.col("_left").isNotNull())

# %% seq_of_the_tick
# task: as_of_join
# fails: test_quotes[same_time], test_quotes[ties]
# because: a tick with a small `seq` of its own stands before the quotes of its time
# breaks: `left` may have a `seq` as well, which means nothing.
# -        .orderBy("_ts", F.col("_left").isNotNull(), "_right.seq")
# +        .orderBy("_ts", "_seq", F.col("_left").isNotNull())
# -    newest = rows.unionByName(quotes, allowMissingColumns=True).withColumn(
# +    own = F.col("_left.seq") if "seq" in left.columns else F.lit(2**62)
# +    seq = F.coalesce(F.col("_right.seq"), own)
# +    both = rows.unionByName(quotes, allowMissingColumns=True).withColumn("_seq", seq)
# +    newest = both.withColumn(

# %% seq_without_its_sign
# task: as_of_join
# fails: test_quotes[ties]
# because: a negative `seq` is less than any other
# breaks: Of several right rows with that time, it is the one with the greatest `seq`.
# -        .orderBy("_ts", F.col("_left").isNotNull(), "_right.seq")
# +        .orderBy("_ts", F.col("_left").isNotNull(), F.abs("_right.seq"))

# %% seq_as_text
# task: as_of_join
# fails: test_quotes[ties]
# because: as text, 9 is greater than 12
# breaks: Of several right rows with that time, it is the one with the greatest `seq`.
# -        .orderBy("_ts", F.col("_left").isNotNull(), "_right.seq")
# +        .orderBy("_ts", F.col("_left").isNotNull(), F.col("_right.seq").cast("string"))

# %% column_by_column
# task: as_of_join
# fails: test_quotes[whole_row], test_quotes_of_other_frames
# because: each column is carried forward on its own, so a null takes the value of an older quote
# breaks: All `right_` columns of a row come from one right row, also where that has nulls.
# -    newest = rows.unionByName(quotes, allowMissingColumns=True).withColumn(
# -        "_right", F.last("_right", ignorenulls=True).over(in_time)
# +    mixed = [
# +        F.last(f"_right.{name}", ignorenulls=True).over(in_time).alias(name)
# +        for name in right.columns
# +    ]
# +    newest = rows.unionByName(quotes, allowMissingColumns=True).withColumn(
# +        "_right", F.struct(*mixed)

# %% quotes_without_a_bid_are_none
# task: as_of_join
# fails: test_quotes[whole_row], test_quotes_of_other_frames
# because: drops quotes that have a null somewhere
# breaks: All `right_` columns of a row come from one right row, also where that has nulls.
# -    quotes = right.where(F.col(by).isNotNull() & F.col(ts).isNotNull()).select(
# +    quotes = right.dropna().select(

# %% younger_than_the_tolerance
# task: as_of_join
# fails: test_quotes[tolerance]
# because: a quote that is exactly as old as the tolerance counts
# breaks: A quote that is more than `tolerance_seconds` older than the left row is none.
# -    fresh = F.col(f"_right.{ts}") + tolerance >= F.col("_ts")
# +    fresh = F.col(f"_right.{ts}") + tolerance > F.col("_ts")

# %% no_tolerance
# task: as_of_join
# fails: test_quotes[tolerance], test_quotes_of_other_frames
# because: a quote of any age counts
# breaks: A quote that is more than `tolerance_seconds` older than the left row is none.
# -    fresh = F.col(f"_right.{ts}") + tolerance >= F.col("_ts")
# +    fresh = F.col(f"_right.{ts}").isNotNull()

# %% no_limit_at_zero
# task: as_of_join
# fails: test_quotes_of_other_frames
# because: takes a tolerance of 0 for none
# breaks: `tolerance_seconds` is an integer, 0 or greater.
# -    fresh = F.col(f"_right.{ts}") + tolerance >= F.col("_ts")
# +    tolerance_seconds = tolerance_seconds or 10**6
# +    tolerance = F.make_dt_interval(secs=F.lit(tolerance_seconds))
# +    fresh = F.col(f"_right.{ts}") + tolerance >= F.col("_ts")

# %% whole_seconds
# task: as_of_join
# fails: test_quotes[tolerance]
# because: as a long, a time has lost its microseconds
# breaks: Microseconds count.
# -    fresh = F.col(f"_right.{ts}") + tolerance >= F.col("_ts")
# +    age = F.col("_ts").cast("long") - F.col(f"_right.{ts}").cast("long")
# +    fresh = age <= tolerance_seconds

# %% to_the_minute
# task: as_of_join
# fails: test_quotes[tolerance], test_quotes_of_other_frames
# because: whole minutes are compared
# breaks: A quote that is more than `tolerance_seconds` older than the left row is none.
# -    fresh = F.col(f"_right.{ts}") + tolerance >= F.col("_ts")
# +    minutes = [F.date_trunc("minute", name) for name in ("_ts", f"_right.{ts}")]
# +    fresh = minutes[1] + tolerance >= minutes[0]

# %% priced_ticks_only
# task: as_of_join
# fails: test_quotes[no_quote], test_quotes[tolerance], test_quotes_of_other_frames
# because: ticks without a quote are lost
# breaks: A left row without a quote stays, with nulls in the `right_` columns.
# -    return newest.where(F.col("_left").isNotNull()).select("_left.*", *values)
# +    return newest.where(F.col("_left").isNotNull() & fresh).select("_left.*", *values)

# %% nulls_meet
# task: as_of_join
# fails: test_quotes[nulls], test_quotes_of_other_frames
# because: ticks and quotes without a symbol are in one window
# breaks: nulls never meet.
# -    quotes = right.where(F.col(by).isNotNull() & F.col(ts).isNotNull()).select(
# +    quotes = right.where(F.col(ts).isNotNull()).select(

# %% ticks_without_symbol_are_dropped
# task: as_of_join
# fails: test_quotes[nulls], test_quotes_of_other_frames
# because: a tick without a symbol is taken for bad data
# breaks: So does one with a null `by` or `ts`
# -    rows = left.select(F.col(by).alias("_by"), F.col(ts).alias("_ts"), F.struct("*").alias("_left"))
# +    left = left.where(F.col(by).isNotNull())
# +    rows = left.select(F.col(by).alias("_by"), F.col(ts).alias("_ts"), F.struct("*").alias("_left"))

# %% distinct_ticks
# task: as_of_join
# fails: test_quotes[equal_ticks], test_quotes_of_other_frames
# because: equal ticks become one
# breaks: Each left row comes back once, equal ones as often as they were given.
# -    return newest.where(F.col("_left").isNotNull()).select("_left.*", *values)
# +    return newest.where(F.col("_left").isNotNull()).select("_left.*", *values).distinct()

# %% without_its_symbol
# task: as_of_join
# fails: test_quotes, test_no_join_and_one_shuffle, test_runs_no_job[as_of_join]
# because: leaves out the columns that both sides have
# breaks: then all columns of `right`, in their order, each of `right` with `right_` before its name.
# -        F.when(fresh, F.col(f"_right.{name}")).alias(f"right_{name}") for name in right.columns
# +        F.when(fresh, F.col(f"_right.{name}")).alias(f"right_{name}")
# +        for name in right.columns
# +        if name not in (by, ts)


# %% inequality_and_row_number
# task: as_of_join
# fails: test_no_join_and_one_shuffle
# because: the rows are right; each tick meets all quotes before it
# breaks: In the session of `BIG_TABLES` the plan has no join at all
def as_of_join(
    left: DataFrame, right: DataFrame, by: str, ts: str, tolerance_seconds: int
) -> DataFrame:
    numbered = left.withColumn("_row", F.monotonically_increasing_id())
    renamed = right.select(*[F.col(name).alias(f"right_{name}") for name in right.columns])
    earlier = (F.col(by) == F.col(f"right_{by}")) & (F.col(f"right_{ts}") <= F.col(ts))
    pairs = numbered.join(renamed, on=earlier, how="left")
    newest = Window.partitionBy("_row").orderBy(F.desc(f"right_{ts}"), F.desc("right_seq"))
    one = pairs.withColumn("_age", F.row_number().over(newest)).where("_age = 1")
    fresh = F.expr(f"right_{ts} + INTERVAL {tolerance_seconds} SECONDS >= {ts}")
    kept = [F.when(fresh, F.col(name)).alias(name) for name in renamed.columns]
    return one.select(*left.columns, *kept)


# %% lists_of_quotes
# task: as_of_join
# fails: test_no_join_and_one_shuffle
# because: all quotes of a symbol are in one row, and travel to each of its ticks
# breaks: In the session of `BIG_TABLES` the plan has no join at all
def as_of_join(
    left: DataFrame, right: DataFrame, by: str, ts: str, tolerance_seconds: int
) -> DataFrame:
    known = right.where(F.col(ts).isNotNull()).select(
        F.col(by).alias("_by"),
        F.struct(
            F.col(ts).alias("_ts"),
            F.col("seq").alias("_seq"),
            *[F.col(name).alias(f"right_{name}") for name in right.columns],
        ).alias("_quote"),
    )
    listed = known.groupBy("_by").agg(F.sort_array(F.collect_list("_quote")).alias("_quotes"))
    joined = left.join(listed, on=F.col(by) == F.col("_by"), how="left")
    last = F.element_at(F.filter("_quotes", lambda one: one["_ts"] <= F.col(ts)), -1)
    found = joined.withColumn(
        "_quote", F.when(F.size(F.filter("_quotes", lambda one: one["_ts"] <= F.col(ts))) > 0, last)
    )
    fresh = F.expr(f"_quote._ts + INTERVAL {tolerance_seconds} SECONDS >= {ts}")
    return found.select(
        *left.columns,
        *[
            F.when(fresh, F.col(f"_quote.right_{name}")).alias(f"right_{name}")
            for name in right.columns
        ],
    )


# %% shuffles_twice
# task: as_of_join
# fails: test_no_join_and_one_shuffle
# because: both sides are distributed before they are united, and again for the window
# breaks: at most one `ShuffleExchange`
# -    newest = rows.unionByName(quotes, allowMissingColumns=True).withColumn(
# +    rows, quotes = rows.repartition(4, "_by"), quotes.repartition(4, "_by")
# +    newest = rows.unionByName(quotes, allowMissingColumns=True).withColumn(

# %% python_for_the_symbol
# task: as_of_join
# fails: test_no_join_and_one_shuffle
# because: each symbol passes through a Python worker, to be cleaned
# breaks: and no Python worker.
# -    newest = rows.unionByName(quotes, allowMissingColumns=True).withColumn(
# +    cleaned = F.udf(lambda text: text and text.strip(), "string")
# +    rows = rows.withColumn("_by", cleaned("_by"))
# +    newest = rows.unionByName(quotes, allowMissingColumns=True).withColumn(

# %% looks_before_it_joins
# task: as_of_join
# fails: test_runs_no_job[as_of_join]
# because: counts the quotes before it returns
# breaks: The call runs no Spark job.
# -    newest = rows.unionByName(quotes, allowMissingColumns=True).withColumn(
# +    quotes.count()
# +    newest = rows.unionByName(quotes, allowMissingColumns=True).withColumn(

# %% left_bucketed_join
# task: bucketed_join
# fails: test_rows_of_the_inner_join, test_other_tables
# because: rows without a partner come back
# breaks: returns the inner join of the copies by `key`
# -    return copies[0].join(copies[1], on=key, how="inner")
# +    return copies[0].join(copies[1], on=key, how="left")

# %% key_twice
# task: bucketed_join
# fails: test_rows_of_the_inner_join
# because: the key of both sides is returned
# breaks: the key, then the other columns of the left table, then those of the right one.
# -    return copies[0].join(copies[1], on=key, how="inner")
# +    return copies[0].join(copies[1], on=copies[0][key] == copies[1][key], how="inner")

# %% key_first_in_both
# task: bucketed_join
# fails: test_rows_of_the_inner_join
# because: the key need not be the first column of the right table
# breaks: the key, then the other columns of the left table, then those of the right one.
# -    return copies[0].join(copies[1], on=key, how="inner")
# +    joined = copies[0].join(copies[1], on=copies[0][key] == copies[1][key], how="inner")
# +    left = [copies[0][name] for name in copies[0].columns if name != key]
# +    right = [copies[1][name] for name in copies[1].columns[1:]]
# +    return joined.select(copies[0][key], *left, *right)

# %% columns_in_order_of_their_names
# task: bucketed_join
# fails: test_rows_of_the_inner_join
# because: the other columns of a table keep their order
# breaks: the key, then the other columns of the left table, then those of the right one.
# -    return copies[0].join(copies[1], on=key, how="inner")
# +    names = [sorted(set(copy.columns) - {key}) for copy in copies]
# +    joined = copies[0].join(copies[1], on=key, how="inner")
# +    return joined.select(key, *names[0], *names[1])

# %% copies_without_nulls
# task: bucketed_join
# fails: test_rows_of_the_copies
# because: rows that find no partner today are left out of the copies
# breaks: Each has all rows of its table.
# -        rows = spark.table(table).withColumn(key, F.col(key).cast("long"))
# +        rows = spark.table(table).withColumn(key, F.col(key).cast("long")).dropna()

# %% distinct_copies
# task: bucketed_join
# fails: test_rows_of_the_copies, test_rows_of_the_inner_join
# because: equal rows become one
# breaks: Each has all rows of its table.
# -        rows = spark.table(table).withColumn(key, F.col(key).cast("long"))
# +        rows = spark.table(table).withColumn(key, F.col(key).cast("long")).distinct()

# %% sorted_not_bucketed
# task: bucketed_join
# fails: test_copies, test_no_exchange
# because: rows with one key lie in one file, and Spark doesn't know it
# breaks: Both have `BUCKETS` buckets by `key`.
# -        writer.bucketBy(BUCKETS, key).saveAsTable(f"{table}_bucketed")
# +        writer.saveAsTable(f"{table}_bucketed")

# %% partitions_instead
# task: bucketed_join
# fails: test_copies, test_no_exchange
# because: a folder for each key is no bucket
# breaks: Both have `BUCKETS` buckets by `key`.
# -        writer.bucketBy(BUCKETS, key).saveAsTable(f"{table}_bucketed")
# +        writer.partitionBy(key).saveAsTable(f"{table}_bucketed")

# %% other_numbers_of_buckets
# task: bucketed_join
# fails: test_copies, test_no_exchange
# because: one table has twice as many buckets, so one side is shuffled
# breaks: Both have `BUCKETS` buckets by `key`.
# -        writer.bucketBy(BUCKETS, key).saveAsTable(f"{table}_bucketed")
# +        count = BUCKETS if table == left_table else 2 * BUCKETS
# +        writer.bucketBy(count, key).saveAsTable(f"{table}_bucketed")

# %% another_name
# task: bucketed_join
# fails: test_rows_of_the_copies, test_no_exchange
# because: nobody finds the copies under another name
# breaks: named like the given ones with `_bucketed` at the end.
# -        writer.bucketBy(BUCKETS, key).saveAsTable(f"{table}_bucketed")
# +        writer.bucketBy(BUCKETS, key).saveAsTable(f"{table}_by_{key}")
# -    copies = [spark.table(f"{table}_bucketed") for table in (left_table, right_table)]
# +    copies = [spark.table(f"{table}_by_{key}") for table in (left_table, right_table)]

# %% orc_copies
# task: bucketed_join
# fails: test_copies
# because: another format
# breaks: The copies are Parquet tables
# -        writer = rows.repartition(BUCKETS, key).write.format("parquet").mode("overwrite")
# +        writer = rows.repartition(BUCKETS, key).write.format("orc").mode("overwrite")

# %% every_task_every_bucket
# task: bucketed_join
# fails: test_files_of_the_copies
# because: each task writes a file for each bucket
# breaks: A copy has at most one file for each bucket.
# -        writer = rows.repartition(BUCKETS, key).write.format("parquet").mode("overwrite")
# +        writer = rows.repartition(3).write.format("parquet").mode("overwrite")

# %% keys_as_they_are
# task: bucketed_join
# fails: test_rows_of_the_inner_join
# because: the result has the int of the left table
# breaks: It is a long in both copies and in the result.
# -        rows = spark.table(table).withColumn(key, F.col(key).cast("long"))
# +        rows = spark.table(table)

# %% casts_in_the_join
# task: bucketed_join
# fails: test_copies, test_no_exchange, test_other_tables
# because: an int and a long have other hashes; the side that is cast is shuffled again
# breaks: It is a long in both copies and in the result.
# -        rows = spark.table(table).withColumn(key, F.col(key).cast("long"))
# +        rows = spark.table(table)
# -    return copies[0].join(copies[1], on=key, how="inner")
# +    wide = [copy.withColumn(key, F.col(key).cast("long")) for copy in copies]
# +    return wide[0].join(wide[1], on=key, how="inner")

# %% joins_the_given_tables
# task: bucketed_join
# fails: test_no_exchange
# because: the copies are made and not used
# breaks: the plan of the result reads the two copies
# -    copies = [spark.table(f"{table}_bucketed") for table in (left_table, right_table)]
# +    copies = [spark.table(table) for table in (left_table, right_table)]
# +    copies = [copy.withColumn(key, F.col(key).cast("long")) for copy in copies]

# %% broadcast_copy
# task: bucketed_join
# fails: test_no_exchange
# because: sends one table to every executor, where nothing had to move
# breaks: has no `ShuffleExchange` and no `BroadcastExchange`.
# -    return copies[0].join(copies[1], on=key, how="inner")
# +    return copies[0].join(F.broadcast(copies[1]), on=key, how="inner")

# %% appends_to_the_copies
# task: bucketed_join
# outcome: error
# fails: test_rows_of_the_copies
# because: adds all rows to those of an earlier call
# breaks: Copies of an earlier call may be there, with other rows and other columns: they are replaced.
# -        writer = rows.repartition(BUCKETS, key).write.format("parquet").mode("overwrite")
# +        writer = rows.repartition(BUCKETS, key).write.format("parquet").mode("append")

# %% fills_the_copies_again
# task: bucketed_join
# fails: test_rows_of_the_copies
# because: a copy of an earlier call keeps its columns, and takes the rows by position
# breaks: Copies of an earlier call may be there, with other rows and other columns: they are replaced.
def bucketed_join(spark: SparkSession, left_table: str, right_table: str, key: str) -> DataFrame:
    for table in (left_table, right_table):
        rows = spark.table(table).withColumn(key, F.col(key).cast("long"))
        rows = rows.repartition(BUCKETS, key)
        if spark.catalog.tableExists(f"{table}_bucketed"):
            rows.write.insertInto(f"{table}_bucketed", overwrite=True)
        else:
            writer = rows.write.format("parquet").bucketBy(BUCKETS, key)
            writer.saveAsTable(f"{table}_bucketed")
    copies = [spark.table(f"{table}_bucketed") for table in (left_table, right_table)]
    return copies[0].join(copies[1], on=key, how="inner")

# %% copies_with_these_columns_stay
# task: bucketed_join
# fails: test_rows_of_the_copies, test_rows_of_the_inner_join
# because: a copy with the same columns is taken for current
# breaks: Copies of an earlier call may be there, with other rows and other columns: they are replaced.
# -        rows = spark.table(table).withColumn(key, F.col(key).cast("long"))
# +        rows = spark.table(table).withColumn(key, F.col(key).cast("long"))
# +        copy = f"{table}_bucketed"
# +        if spark.catalog.tableExists(copy) and spark.table(copy).dtypes == rows.dtypes:
# +            continue

# %% copies_with_as_many_rows_stay
# task: bucketed_join
# fails: test_rows_of_the_copies, test_rows_of_the_inner_join
# because: a copy with the same columns and as many rows may have other rows
# breaks: Copies of an earlier call may be there, with other rows and other columns: they are replaced.
# -        rows = spark.table(table).withColumn(key, F.col(key).cast("long"))
# +        rows = spark.table(table).withColumn(key, F.col(key).cast("long"))
# +        copy = f"{table}_bucketed"
# +        if spark.catalog.tableExists(copy) and spark.table(copy).dtypes == rows.dtypes:
# +            if spark.table(copy).count() == rows.count():
# +                continue

# %% copies_made_once
# task: bucketed_join
# fails: test_rows_of_the_copies
# because: takes the copies of an earlier call for current
# breaks: Copies of an earlier call may be there, with other rows and other columns: they are replaced.
# -        writer = rows.repartition(BUCKETS, key).write.format("parquet").mode("overwrite")
# +        writer = rows.repartition(BUCKETS, key).write.format("parquet").mode("ignore")

# %% given_tables_cleaned
# task: bucketed_join
# fails: test_given_tables
# because: deletes rows of the given table that find no partner
# breaks: The given tables stay as they are.
# -    copies = [spark.table(f"{table}_bucketed") for table in (left_table, right_table)]
# +    for table in (left_table, right_table):
# +        known = spark.createDataFrame(
# +            spark.table(table).dropna().collect(), spark.table(table).schema
# +        )
# +        known.write.format("parquet").mode("overwrite").saveAsTable(table)
# +    copies = [spark.table(f"{table}_bucketed") for table in (left_table, right_table)]
