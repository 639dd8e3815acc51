# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [ticks_and_rides]
# topics: [joins, broadcast, as-of join, range join, bucketing, query plans]
# ---
# %% [markdown]
# # Choose the join
#
# Two jobs run on one cluster. A trading desk gives each trade the quote that was valid just before
# it. A taxi fleet gives each ride the zone from which it was ordered. Both were quick with a sample
# and don't end with a full day: Spark compares every pair of rows. You predict which join Spark
# plans, and write joins that it can plan well. At the end you have five functions, and a plan as
# evidence for each.
#
# **You will learn** to
#
# - predict the join that Spark plans from sizes, join type and condition, and see when a hint is
#   ignored,
# - turn joins on ranges and on "the newest before" into work by equal keys,
# - join tables without moving a row, because they were written for it.

# %% [markdown]
# ## The data
#
# `ticks` are trades, `quotes` are offers; both have a symbol and a time. `rides` have an address as
# a number, `bands` are ranges of addresses: from `lo` up to, but not with, `hi`. `blocked` lists
# rides that nobody should be paid for. Nulls, doubles and ties are in all of them.

# %%
import labkit

lab = labkit.open("join_strategies")
spark = lab.spark
folder = lab.data("ticks_and_rides")
COLUMNS = {
    "ticks": "tick_id long, symbol string, ts timestamp, qty long",
    "quotes": "symbol string, ts timestamp, bid double, ask double, seq long",
    "rides": "ride_id long, pickup_ip long, distance double, at timestamp",
    "bands": "lo long, hi long, name string",
    "blocked": "ride_id long",
}
frames = {
    name: spark.read.schema(ddl).json(str(folder / f"{name}.json")) for name, ddl in COLUMNS.items()
}
frames["quotes"].orderBy("symbol", "ts").show(3)
frames["bands"].orderBy("lo").show(3)

# %% [markdown]
# Here is the job of the taxi fleet, as it stands. `operators` lists the operators of a plan, the
# last one first.

# %%
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from labkit.checks import operators, settings

inside = "pickup_ip >= lo AND pickup_ip < hi"
slow = frames["rides"].join(frames["bands"], on=F.expr(inside), how="left")
operators(slow)

# %% [markdown]
# `BroadcastNestedLoopJoin` sends all bands to every executor and compares each ride with each of
# them. With 500 rides and 60 bands you don't notice.
#
# ## Task 1: predict the join
#
# Spark chooses a join before it has read a row. It knows the estimated bytes of both sides, the
# join type, and whether the condition is an equality. The next function shows what it chooses. A
# `range` of n numbers has an estimate of exactly 8n bytes, and planning reads none of them.

# %%
PARTITIONS = 8
PLANNED = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.join.preferSortMergeJoin": "false",
    "spark.sql.shuffle.partitions": str(PARTITIONS),
}


def planned(left_bytes: int, right_bytes: int, join_type: str, equi: bool, threshold: int) -> str:
    """The join that Spark plans for two sides of these sizes."""
    left, right = spark.range(left_bytes // 8).toDF("a"), spark.range(right_bytes // 8).toDF("b")
    on = F.col("a") == F.col("b") if equi else F.col("a") < F.col("b")
    with settings(spark, PLANNED, spark__sql__autoBroadcastJoinThreshold=str(threshold)):
        found = operators(left.join(right, on=on, how=join_type))
    return next(name for name in found if name.endswith(("Join", "Product")))


for sizes in [(800, 800_000), (800_000, 800)]:
    for join_type in ("inner", "left", "full"):
        print(f"{join_type:6} {sizes}: {planned(*sizes, join_type, True, 1_000)}")

# %% [markdown]
# The small side is the same, but a left join broadcasts it only if it is the right one. Spark must
# return each left row that has no partner. An executor that holds all left rows and a part of the
# right ones can't know which have none.
#
# Write `strategy(left_bytes, right_bytes, join_type, equi, threshold)`. It returns what Spark
# plans, as one of these texts:
#
# | text | Spark's operator |
# |---|---|
# | `broadcast_hash` | `BroadcastHashJoin` |
# | `shuffled_hash` | `ShuffledHashJoin` |
# | `sort_merge` | `SortMergeJoin` |
# | `broadcast_nested_loop` | `BroadcastNestedLoopJoin` |
# | `cartesian` | `CartesianProduct` |
#
# `join_type` is `inner`, `left`, `right`, `full`, `left_semi` or `left_anti`. `equi` says whether
# the condition is an equality. `threshold` is `spark.sql.autoBroadcastJoinThreshold`. The session
# has the settings of `PLANNED`, and the query has no hints.
#
# - A side is small if it has at most `threshold` bytes. With `-1` no side is small.
# - An equality is joined by `broadcast_hash` if a side that may be broadcast is small. That is
#   either side of an inner join, the right one of `left`, `left_semi` and `left_anti`, the left one
#   of `right`, and none of `full`.
# - Otherwise it is joined by `shuffled_hash` if a side has fewer than `threshold` times
#   `PARTITIONS` bytes, and three times its bytes are at most the bytes of the other.
# - For `shuffled_hash` that may be either side, but only the right one of `left_semi` and
#   `left_anti`.
# - An equality that fits none of these is joined by `sort_merge`.
# - Without an equality, an inner join is a `broadcast_nested_loop` if one of its sides is small,
#   and `cartesian` otherwise.
# - Without an equality, any other join type is a `broadcast_nested_loop`, whatever the sizes.
#
# The checks compare your answer with what Spark plans for the same sizes. These are multiples of 8,
# and at least 8.


# %%
def strategy(left_bytes: int, right_bytes: int, join_type: str, equi: bool, threshold: int) -> str:
    """The join that Spark plans for two sides of these sizes."""
    # BEGIN SOLUTION: choose by Spark's rules, in their order
    small = {"left": left_bytes <= threshold, "right": right_bytes <= threshold}
    if not equi:
        if join_type == "inner" and not any(small.values()):
            return "cartesian"
        return "broadcast_nested_loop"
    sent = {"inner": ["left", "right"], "right": ["left"], "full": []}.get(join_type, ["right"])
    if any(small[side] for side in sent):
        return "broadcast_hash"
    limit = threshold * PARTITIONS
    fits = {
        "left": left_bytes < limit and 3 * left_bytes <= right_bytes,
        "right": right_bytes < limit and 3 * right_bytes <= left_bytes,
    }
    hashed = ["right"] if join_type in ("left_semi", "left_anti") else ["left", "right"]
    return "shuffled_hash" if any(fits[side] for side in hashed) else "sort_merge"
    # END SOLUTION


# %%
lab.check("strategy")

# %% [markdown]
# By default `preferSortMergeJoin` is true, and Spark never chooses a shuffled hash join by size.
# What does a hint change? Guess before you run the next cell: automatic broadcasts are off in it.

# %%
BIG_TABLES = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.shuffle.partitions": str(PARTITIONS),
}
left, right = spark.range(1_000).toDF("a"), spark.range(1_000).toDF("b")
same = F.col("a") == F.col("b")
with settings(spark, BIG_TABLES):
    hinted = {
        "the right side of a left join": left.join(F.broadcast(right), on=same, how="left"),
        "the left side of a left join": F.broadcast(left).join(right, on=same, how="left"),
        "a side of a full join": left.join(F.broadcast(right), on=same, how="full"),
    }
    for name, frame in hinted.items():
        print(f"broadcast of {name}: {operators(frame)[0]}")

# %% [markdown]
# Two of the three hints are ignored, without an error. So look at the plan after you write a hint.
#
# ## Task 2: leave out what is blocked
#
# The fleet's job says `ride_id NOT IN (SELECT ride_id FROM blocked)`. What comes back?

# %%
for name, frame in frames.items():
    frame.createOrReplaceTempView(name)
not_in = spark.sql("SELECT * FROM rides WHERE ride_id NOT IN (SELECT ride_id FROM blocked)")
with settings(spark, BIG_TABLES):
    print(not_in.count(), "rides;", operators(not_in.select("*"))[0])

# %% [markdown]
# No ride at all: `blocked` has a null, and nothing is known to differ from a null. The plan is
# wrong, too. `NOT IN` broadcasts the list however large it is, even where automatic broadcasts are
# off.
#
# Write `anti_join(rides, blocked)`. It returns the rides that are not blocked.
#
# - A ride is blocked if `blocked` has its `ride_id`.
# - A null in `blocked` blocks no ride.
# - A ride without `ride_id` is not blocked.
# - A ride comes back as often as it was given.
# - The columns are those of `rides`, in their order.
# - In the session of `BIG_TABLES` the plan broadcasts nothing: no `BroadcastExchange`.
# - The call runs no Spark job: it returns a plan.
#
# `blocked` may have further columns, and may name a ride twice.


# %%
def anti_join(rides: DataFrame, blocked: DataFrame) -> DataFrame:
    """The rides that are not blocked."""
    # BEGIN SOLUTION: keep rides without a partner by equality
    ids = blocked.select(F.col("ride_id").alias("_blocked_id"))
    return rides.join(ids, on=F.col("ride_id") == F.col("_blocked_id"), how="left_anti")
    # END SOLUTION


# %%
lab.check("anti_join")

# %% [markdown]
# ## Task 3: join on a range
#
# A hash needs an equality, and `lo <= pickup_ip < hi` is none. So make one. Cut the addresses into
# buckets of equal width: bucket 0 has the addresses from 0 up to, but not with, `bucket`, and so
# on. A ride is in one bucket. A band is in one or in several.
#
# ```text
# bucket        0         1         2         3
#          |---------|---------|---------|---------|
# carrier  [=============================)              a row in each of 0, 1, 2
# zone-07         [=====)                               a row in each of 0, 1
# a ride                 x                              bucket 1: meets both, then lo <= x < hi
# ```
#
# Write `range_join(facts, bands, bucket)`. It returns all columns of `facts` in their order, then
# `name`, a string.
#
# - A band holds the addresses from `lo` up to, but not with, `hi`.
# - A row of `facts` comes back once for each band that holds its `pickup_ip`.
# - A row in no band, or without `pickup_ip`, comes back once, with a null `name`.
# - Rows of `facts` that are equal stay as many rows.
# - In the session of `BIG_TABLES` the plan has no `BroadcastNestedLoopJoin`, no `CartesianProduct`
#   and no `BroadcastExchange`.
# - There no stage reads more rows from a shuffle than this: one for each row of `facts`, and for
#   each band one for each bucket in which it has an address.
# - Rows of different buckets are joined by different keys: with rides in 64 buckets, no task reads
#   more than half of the rows of its stage.
# - The call runs no Spark job.
#
# `bucket` is an integer, at least 1. Addresses and bounds are long, 0 or greater. A band without
# `lo` or `hi`, or with a `hi` that is not greater than `lo`, holds no address. No column of `facts`
# is called `lo`, `hi` or `name`.


# %%
def range_join(facts: DataFrame, bands: DataFrame, bucket: int) -> DataFrame:
    """Each row of facts with the names of the bands that hold its address."""
    # BEGIN SOLUTION: give each band a row in each of its buckets, join by bucket, compare bounds
    first, last = F.expr(f"lo div {bucket}"), F.expr(f"(hi - 1) div {bucket}")
    copies = bands.where("lo < hi").select(
        "lo", "hi", "name", F.explode(F.sequence(first, last)).alias("_band_bucket")
    )
    same_bucket = F.expr(f"pickup_ip div {bucket}") == F.col("_band_bucket")
    held = F.expr("pickup_ip >= lo AND pickup_ip < hi")
    joined = facts.join(copies, on=same_bucket & held, how="left")
    return joined.select(*facts.columns, "name")
    # END SOLUTION


# %%
lab.check("range_join")

# %% [markdown]
# What is a good width? Small buckets make many rows of a wide band, large ones leave many pairs to
# compare. The next cell counts both for the rides of today.

# %%
rides, bands = frames["rides"], frames["bands"]
for bucket in (2**8, 2**12, 2**16, 2**20):
    copies = bands.selectExpr(f"explode(sequence(lo div {bucket}, (hi - 1) div {bucket})) AS b")
    pairs = rides.selectExpr(f"pickup_ip div {bucket} AS b").join(copies, on="b", how="inner")
    print(f"bucket {bucket:9,}: {copies.count():6,} rows of bands, {pairs.count():6,} pairs")

# %% [markdown]
# One huge band makes most of the rows. With a table of many such bands, take two widths: join the
# wide bands by large buckets, the others by small ones, and unite both.
#
# ## Task 4: the newest quote before each tick
#
# The desk's job joins ticks with all earlier quotes of the symbol, then keeps the newest by
# `row_number`. Half of all pairs of a symbol pass through that join, and the hot symbol has the
# most. There is a way without a join: put ticks and quotes into one frame, sort each symbol by
# time, and carry the last quote forward.
#
# Write `as_of_join(left, right, by, ts, tolerance_seconds)`. `by` and `ts` are names of columns
# that both frames have: a key, and a timestamp. `right` also has `seq`, a long. It returns all
# columns of `left`, then all columns of `right`, in their order, each of `right` with `right_`
# before its name.
#
# - The quote of a left row is the newest right row with the same `by`, at or before its `ts`.
# - Of several right rows with that time, it is the one with the greatest `seq`.
# - All `right_` columns of a row come from one right row, also where that has nulls.
# - A quote that is more than `tolerance_seconds` older than the left row is none. Microseconds
#   count.
# - A left row without a quote stays, with nulls in the `right_` columns. So does one with a null
#   `by` or `ts`: nulls never meet.
# - Each left row comes back once, equal ones as often as they were given.
# - In the session of `BIG_TABLES` the plan has no join at all, at most one `ShuffleExchange`, and
#   no Python worker.
# - The call runs no Spark job.
#
# `tolerance_seconds` is an integer, 0 or greater. `seq` is not null, and unique for a key and a
# time. No column of `left` begins with `right_`. Both frames may have other columns of one name:
# `left` may have a `seq` as well, which means nothing.


# %%
def as_of_join(
    left: DataFrame, right: DataFrame, by: str, ts: str, tolerance_seconds: int
) -> DataFrame:
    """Each left row with the newest right row at or before it, within the tolerance."""
    # BEGIN SOLUTION: unite both sides, sort each key by time, and carry the last right row forward
    rows = left.select(F.col(by).alias("_by"), F.col(ts).alias("_ts"), F.struct("*").alias("_left"))
    quotes = right.where(F.col(by).isNotNull() & F.col(ts).isNotNull()).select(
        F.col(by).alias("_by"), F.col(ts).alias("_ts"), F.struct("*").alias("_right")
    )
    # At one time quotes come first, the greatest seq last, so that a tick finds it.
    in_time = (
        Window.partitionBy("_by")
        .orderBy("_ts", F.col("_left").isNotNull(), "_right.seq")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    newest = rows.unionByName(quotes, allowMissingColumns=True).withColumn(
        "_right", F.last("_right", ignorenulls=True).over(in_time)
    )
    tolerance = F.make_dt_interval(secs=F.lit(tolerance_seconds))
    fresh = F.col(f"_right.{ts}") + tolerance >= F.col("_ts")
    values = [
        F.when(fresh, F.col(f"_right.{name}")).alias(f"right_{name}") for name in right.columns
    ]
    return newest.where(F.col("_left").isNotNull()).select("_left.*", *values)
    # END SOLUTION


# %%
lab.check("as_of_join")

# %%
if lab.written("as_of_join"):
    priced = as_of_join(frames["ticks"], frames["quotes"], "symbol", "ts", 300)
    priced.orderBy("tick_id").show(5)

# %% [markdown]
# ## Task 5: join without moving a row
#
# Two tables are joined by the same key every hour, and every hour both are shuffled. Write them
# once so that rows with one key lie in one file of each: then the join finds them side by side.
# Spark can do that with Parquet tables. Delta refuses `bucketBy`.
#
# Write `bucketed_join(spark, left_table, right_table, key)`. It makes a copy of each table, and
# returns the inner join of the copies by `key`: the key, then the other columns of the left table,
# then those of the right one.
#
# - The copies are Parquet tables, named like the given ones with `_bucketed` at the end. Each has
#   all rows of its table.
# - Both have `BUCKETS` buckets by `key`.
# - A copy has at most one file for each bucket.
# - The key is a long; in one of the two tables it may be an int. It is a long in both copies and in
#   the result.
# - In the session of `BIG_TABLES` the plan of the result reads the two copies, and has no
#   `ShuffleExchange` and no `BroadcastExchange`.
# - Copies of an earlier call may be there, with other rows and other columns: they are replaced.
# - The given tables stay as they are.
#
# The tables are Parquet tables too, named with their database. They have no other column in common.
# Null keys have no partner, as in any inner join.

# %%
BUCKETS = 4


def bucketed_join(spark: SparkSession, left_table: str, right_table: str, key: str) -> DataFrame:
    """The inner join of two bucketed copies."""
    # BEGIN SOLUTION: write both copies by buckets of the key, and join them
    for table in (left_table, right_table):
        rows = spark.table(table).withColumn(key, F.col(key).cast("long"))
        writer = rows.repartition(BUCKETS, key).write.format("parquet").mode("overwrite")
        writer.bucketBy(BUCKETS, key).saveAsTable(f"{table}_bucketed")
    copies = [spark.table(f"{table}_bucketed") for table in (left_table, right_table)]
    return copies[0].join(copies[1], on=key, how="inner")
    # END SOLUTION


# %%
lab.check("bucketed_join")

# %% [markdown]
# ## Put it together
#
# The taxi fleet's report, with your functions: rides that are not blocked, with their zones. Its
# joins have equal keys now. Then the same number of rows by the slow way.

# %%
if lab.written("anti_join", "range_join"):
    report = range_join(anti_join(rides, frames["blocked"]), bands, 2**14)
    with settings(spark, BIG_TABLES):
        print(report.count(), "rows;", [name for name in operators(report) if "Join" in name])
    plain = rides.join(frames["blocked"], on="ride_id", how="left_anti")
    print(plain.join(bands, on=F.expr(inside), how="left").count(), "rows by the nested loop")

# %% [markdown]
# ## In practice
#
# - **Read the plan, then the sizes in it.** `df.explain(mode="cost")` prints the estimate of each
#   operator. Bytes of files are compressed; rows in memory are often several times larger. A filter
#   that Spark can't estimate leaves the estimate as it was, so a side can be tiny and not look so.
# - **AQE corrects at run time.** After a shuffle it knows the real sizes. Then it can turn a
#   sort-merge join into a broadcast join, and into a shuffled hash join if you set
#   `spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold`. The shuffle has been paid for by
#   then. It never turns a nested loop into a join by keys.
# - **A nested loop ignores the threshold.** Without an equality, an outer join broadcasts one side
#   however large it is. It runs well in tests, and out of memory in production.
# - **A hint rests on sizes that will change.** Write the size that justified it beside it, and test
#   the plan where it matters.
# - **Duplicates in a dimension.** No join strategy protects from them. Check that the key is unique
#   before the join; a distinct after it hides the fault and removes rows that are right.
# - **Hot keys in an as-of join.** One task sorts all rows of a symbol, and spills if it has to. Cut
#   time into pieces (symbol and day) and carry the last quote into the next piece.
# - **Buckets are a contract.** Both tables need the same number of buckets, the same type, the same
#   hash. They are worth it when a table is written once and joined often by the same key.
#   Storage-partitioned joins do the same for sources that report how they are partitioned, such as
#   Iceberg.
#
# **On Databricks**, a range join hint (`/*+ RANGE_JOIN(bands, 4096) */`) makes the buckets of Task
# 3 for you, and Photon takes shuffled hash joins in place of sort-merge joins. Bucketing of Delta
# tables is not supported there either; liquid clustering skips files, but doesn't remove the
# shuffle of a join.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. Why can a left join by a key broadcast only its right side, while a shuffled hash join can hash
#    either?
# 2. A left join on a range ran for a year. Now the driver is out of memory. The threshold is 10 MB.
#    How can that be?
# 3. `NOT IN` returned the right rides for months, and none today. What happened, and what do you
#    write?
# 4. How do you choose the width of the buckets of a range join?
# 5. Why is an as-of join by sorting better than a join with all earlier quotes, and where is it
#    worse?
# 6. Both tables have 64 buckets by the same key, and the plan still has an exchange. Name three
#    reasons.

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. A left join returns left rows without a partner. If the left side is broadcast, every executor
#    has all left rows and a part of the right ones, and none knows which left rows found nothing
#    elsewhere. In a shuffled join all rows of a key are in one task. The task can mark which rows
#    of its hash table were met, and return the others at the end.
# 2. Without an equality an outer join has one operator left, the broadcast nested loop join. It
#    broadcasts a side of any size: the threshold only decides what is small enough to *choose* a
#    broadcast. The dimension grew until it no longer fitted. Give the join an equality, by buckets.
# 3. The list got its first null. `x NOT IN (1, null)` is null for every other x, never true. Write
#    an anti join or NOT EXISTS, which compares by equality and lets nulls meet nothing. It needs no
#    broadcast either.
# 4. Between two costs: rows of the exploded ranges, and pairs in a bucket that must be compared.
#    The width of a typical range is a good start: most ranges then touch one bucket or two. Measure
#    both numbers, as in Task 3. A few huge ranges get large buckets of their own.
# 5. It shuffles and sorts each row once. The join makes a pair for each tick and each earlier
#    quote, so its rows grow with the square of a symbol's rows, and `row_number` sorts them all.
#    Sorting is worse if there are few ticks and very many quotes that no tick needs: all are sorted
#    anyway. And one symbol is one task.
# 6. The key has another type on one side, so it is cast there. The condition has the key inside a
#    function, or joins by another column. A later job wrote one table without `bucketBy`, or with
#    another number. The reader ignores buckets: `spark.sql.sources.bucketing.enabled` is off.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [Performance
#   tuning](https://spark.apache.org/docs/latest/sql-performance-tuning.html), with the join hints
#   and AQE's switch of joins
# - Apache Spark, [Join strategy
#   hints](https://spark.apache.org/docs/latest/sql-ref-syntax-qry-select-hints.html)
# - Apache Spark, [Bucketing, sorting and
#   partitioning](https://spark.apache.org/docs/latest/sql-data-sources-load-save-functions.html#bucketing-sorting-and-partitioning)
# - Databricks, [Range join
#   optimization](https://docs.databricks.com/aws/en/optimizations/range-join)
