# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [ad_clicks]
# topics: [joins, skew, aqe, aggregation]
# ---
# %% [markdown]
# # Fix a skewed join
#
# An ad network joins its clicks with its advertisers every hour. The join has eight tasks: seven
# end in seconds, and the last one works for half an hour. You find the key that causes this, spread
# its rows in two ways, and count its users without one task holding them all. At the end you can
# prove each claim with the number of rows that each task read.
#
# **You will learn** to
#
# - read skew from task records, and tell when adaptive execution removes it and when it can't,
# - salt a join, or keep its hot keys out of the shuffle, without changing a row of its result,
# - count in two stages, with a salt under which distinct counts add up.

# %% [markdown]
# ## The data
#
# `clicks` has one row for each click, in eight files, one from each machine that collects them.
# `advertisers` has one row for each advertiser *and segment*. House ads have no advertiser: their
# clicks have a null `advertiser_id`.

# %%
import labkit

lab = labkit.open("skew")
spark = lab.spark
folder = lab.data("ad_clicks")

# %% [markdown]
# These settings make a small cluster: eight map tasks, eight shuffle partitions, and no automatic
# broadcast, as if there were too many advertisers for it. Adaptive query execution (AQE) is off for
# now, so that one task reads exactly one shuffle partition.

# %%
small_cluster = {
    "spark.sql.files.minPartitionNum": "8",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.enabled": "false",
}
for name, value in small_cluster.items():
    spark.conf.set(name, value)

# %% [markdown]
# Some advertisers are gone: they have clicks and no row. Some work in two segments: they have two
# rows, and the report wants their clicks in both. A remedy for the skew must not change either.

# %%
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

clicks = spark.read.parquet(str(folder / "clicks"))
advertisers = spark.read.parquet(str(folder / "advertisers.parquet"))
clicks.show(4)
advertisers.orderBy("advertiser_id").show(4)

# %% [markdown]
# ## See it first
#
# The Spark UI shows how many records each task of a stage read from the shuffle. `run_frame` runs a
# frame and returns the same numbers; the checks use it too. The stage of a join reads both sides:
# here 20,000 clicks and 60 advertisers.

# %%
from labkit.checks import run_frame, settings


def task_rows(frame: DataFrame) -> tuple[int, ...]:
    """The rows that each task of the stage with the largest shuffle reads."""
    return max((read.rows for read in run_frame(frame).reads), key=sum)


plain = clicks.join(advertisers, on="advertiser_id", how="left")
task_rows(plain)

# %% [markdown]
# Now as a picture: each bar is a task, and the dashed line is the median. The number to remember is
# how many times the median the fullest task reads. A stage takes as long as its fullest task, and
# more machines don't make that task shorter.

# %%
from statistics import median

import matplotlib.pyplot as plt


def draw(ax, title: str, rows: tuple[int, ...]) -> None:
    middle = median(rows)
    ax.bar(range(len(rows)), rows, color="#0072B2")
    ax.axhline(middle, color="black", linestyle="--", label=f"median {middle:,.0f}")
    ax.set(title=title, xlabel="task", ylabel="rows read from shuffles")
    ax.set_xticks(range(len(rows)))
    ax.legend(loc="upper left")


# %% [markdown]
# Skew is about *shares*, not amounts. With ten times the clicks, all bars grow by the same factor.
# With a hundred partitions, the tall bar stays as it is while the others shrink.

# %%
with plt.rc_context({"figure.figsize": (7, 3.2), "figure.constrained_layout.use": True}):
    draw(plt.gca(), "Plain join: rows of each task", task_rows(plain))
    plt.show()

# %% [markdown]
# ## Task 1: name the key
#
# Before you remove the skew, find its cause. Write `key_profile(df, key, n)`. It returns the `n`
# heaviest values of the column named `key`, heaviest first, with these columns in this order:
#
# | column | type | meaning |
# |---|---|---|
# | named by `key` | as in `df` | a value of that column |
# | `rows` | long | rows with this value |
# | `share` | double | the share of these rows in all rows of `df`, from 0 to 1 |
#
# - Null is a key like any other.
# - All rows count for the share: those with a null key, and those of keys that are cut off.
# - The share is not rounded.
# - With fewer than `n` keys, all of them come back. An empty frame gives no rows.
# - Where keys tie, any of them may come, but never more than `n` rows.
#
# The key is never itself called `rows`, `share` or `count`.


# %%
def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    """The n heaviest keys, with their rows and their share of all rows."""
    # BEGIN SOLUTION: count the rows of each key, with their share of all rows
    total = df.agg(F.count("*").alias("total"))
    heaviest = df.groupBy(key).agg(F.count("*").alias("rows")).orderBy(F.desc("rows")).limit(n)
    share = F.col("rows") / F.col("total")
    return (
        heaviest.crossJoin(total).select(key, "rows", share.alias("share")).orderBy(F.desc("rows"))
    )
    # END SOLUTION


# %% [markdown]
# The checks use other frames and other keys. `lab.hint("key_profile")` gives the first of three
# hints.

# %%
lab.check("key_profile")

# %% [markdown]
# Two keys stand out, and the second one is null. A left join sends all rows with a null key through
# the shuffle, into one partition, although none of them can find a partner.

# %%
if lab.written("key_profile"):
    key_profile(clicks, "advertiser_id", 5).show()

# %% [markdown]
# ## What adaptive execution does
#
# AQE looks at the partitions after the shuffle and splits the skewed ones. By default a partition
# is skewed when it has more than 256 MB and more than 5 times the median. This shuffle has 300 KB
# in all, so AQE only merges small partitions. With thresholds that fit the small data, it splits
# the large one.

# %%
AQE = {"spark.sql.adaptive.enabled": "true"}
FITTING = AQE | {
    "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes": "32KB",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "16KB",
}
for name, values in {"off": {}, "on": AQE, "on, fitting thresholds": FITTING}.items():
    with settings(spark, values):
        print(f"{name:23} {task_rows(plain)}")

# %% [markdown]
# So AQE removes the skew for free where it applies: the hot partition became eight tasks. But it
# doesn't always apply. Here are four variants of the same work under the same thresholds. In each
# of them, one task reads everything.

# %%
by_advertiser = {"on": "advertiser_id", "how": "left"}
variants = {
    "clicks written by one map task": clicks.coalesce(1).join(advertisers, **by_advertiser),
    "clicks on the right of the left join": advertisers.join(clicks, **by_advertiser),
    "a group by the key after the join": plain.groupBy("advertiser_id").agg(F.sum("cost")),
    "no join, a set collected by key": clicks.groupBy("advertiser_id").agg(
        F.collect_set("user_id")
    ),
}
with settings(spark, FITTING):
    for name, frame in variants.items():
        print(f"{name:37} {task_rows(frame)}")

# %% [markdown]
# - A skewed partition is split between the outputs of its map tasks. With one map task there is
#   nothing to split.
# - In a left or right join, AQE can split only the side whose rows all survive. The right side of
#   a left join is not that side. In a full join, it can split neither.
# - A group by the same key needs all rows of a key in one task. To split the join, AQE would have
#   to add a shuffle, and it does so only when it is forced, as in the next cell.
# - AQE doesn't split the partitions of aggregates and windows that have no join.

# %%
forced = FITTING | {"spark.sql.adaptive.forceOptimizeSkewedJoin": "true"}
with settings(spark, forced):
    for read in run_frame(variants["a group by the key after the join"]).reads:
        print(read.rows)

# %% [markdown]
# The first line is the join, which is split now. The second line is the added shuffle. It is small
# here, because Spark adds up partial sums before it shuffles. In the other cases you have to remove
# the skew yourself.
#
# ## Task 2: salt the join
#
# A salt turns one heavy key into many lighter ones. Write `salted_join(facts, dims, key, salts)`.
# It returns what `facts.join(dims, on=key, how="left")` returns: the same columns with the same
# types, in the same order, and the same rows, identical ones included. It spreads the heavy keys
# over `salts` smaller ones.
#
# - `dims` may hold a key several times, or null. As in any join, a null key has no partner.
# - The only column that both sides have is `key`. A column of the facts may well be called `salt`;
#   no column of either side begins with an underscore.
# - Both sides are shuffled, and neither is broadcast. A list of hot keys may be broadcast.
# - Each row of `dims` goes through the shuffle at most `salts` times.
# - With 64 salts, eight shuffle partitions and AQE off, the stage that reads the clicks has at
#   least eight tasks. The fullest of them reads at most 3 times the rows of the median task.
#
# `salts` is at least 1. It is up to you how a salt is chosen, and whether you salt light keys too.
# You may need
# [`explode`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.explode.html).


# %%
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    """The left join of facts and dims, its heavy keys split into `salts` smaller ones."""
    # BEGIN SOLUTION: salt each fact, copy each dimension row for every salt, and join on both
    salt = F.pmod(F.xxhash64(*facts.columns), F.lit(salts))
    every_salt = F.sequence(F.lit(0).cast("long"), F.lit(salts - 1).cast("long"))
    salted_facts = facts.withColumn("_salt", salt)
    copies = dims.withColumn("_salt", F.explode(every_salt))
    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
    # END SOLUTION


# %% [markdown]
# The first checks join a few clicks. The others join the dataset, generated from another seed, and
# look at what each task read. If rows are missing, look at the first and the last salt of both
# sides.

# %%
lab.check("salted_join")

# %% [markdown]
# Salts aren't free: each one adds a copy of the dimension to the shuffle. The next cell measures
# the fullest task for 1 to 256 salts. One salt gives the plain join, with an extra column.

# %%
tried = [1, 2, 4, 8, 16, 32, 64, 128, 256]
fullest = []
if lab.written("salted_join"):
    for salts in tried:
        rows = task_rows(salted_join(clicks, advertisers, "advertiser_id", salts))
        fullest.append(max(rows))
fullest

# %% [markdown]
# The curve falls as long as more salts split the hot key further. It rises when the copies outweigh
# that. With few salts it is ragged: eight salted keys on eight partitions don't fall into one
# partition each. Take several times as many salts as partitions.


# %%
def draw_costs(ax) -> None:
    copies = [advertisers.count() * salts for salts in tried]
    ax.plot(tried, fullest, marker="o", color="#0072B2", label="rows of the fullest task")
    ax.plot(tried, copies, marker="s", color="#D55E00", linestyle="--", label="copies, all tasks")
    ax.set_xscale("log", base=2)
    ax.set_xticks(tried, [str(salts) for salts in tried])
    ax.set(title="What salts bring and what they cost", xlabel="salts", ylabel="rows")
    ax.legend()


if fullest:
    with plt.rc_context({"figure.figsize": (7, 3.2), "figure.constrained_layout.use": True}):
        draw_costs(plt.gca())
        plt.show()

# %% [markdown]
# ## Task 3: keep hot keys out of the shuffle
#
# Salting copies the whole dimension because of one key. Write `isolate_hot_keys(facts, dims, key,
# hot)`, where `hot` is a list of key values, as `key_profile` finds them. It returns what the plain
# left join returns, as in Task 2. Columns are named as there, too.
#
# - Facts with a hot key are not shuffled: the rows of `dims` with a hot key are
#   [broadcast](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.broadcast.html)
#   to them. No other row of `dims` is broadcast.
# - The other facts are joined through a shuffle.
# - Every row of `facts` belongs to exactly one of the two parts.
# - `hot` may be empty, hold null, hold a value twice, or hold one that `dims` doesn't know.
#
# It is up to you in which part you join facts with a null key: they have no partner in either. A
# list of the hot keys may be broadcast as well.


# %%
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    """The left join of facts and dims; partners of hot keys are broadcast."""
    # BEGIN SOLUTION: join hot facts with broadcast rows, the rest by a shuffle, and unite both
    is_hot = F.col(key).isin([value for value in hot if value is not None])
    # a null key has no partner either way, so its rows can stay where they are
    stays = F.col(key).isNull() | is_hot
    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    other_rows = facts.where(~stays).join(dims.where(~is_hot), on=key, how="left")
    return hot_rows.unionByName(other_rows)
    # END SOLUTION


# %% [markdown]
# The same few clicks come back, with a list that holds null, a key twice, and a key without a row.
# Then checks count what was broadcast and what went through a shuffle. Automatic broadcasts are off
# there, as in this notebook.

# %%
lab.check("isolate_hot_keys")

# %% [markdown]
# ## Task 4: count in two stages
#
# The next report wants the clicks and the distinct users of each advertiser. There is no join, so
# AQE doesn't help. What does Spark plan by itself? The next cell prints what the largest shuffle
# carries, for three ways to count.

# %%
by_key = clicks.groupBy("advertiser_id")
ways = {
    "one distinct": by_key.agg(F.count("*"), F.count_distinct("user_id")),
    "two distincts": by_key.agg(F.count_distinct("user_id"), F.count_distinct("cost")),
    "collect_set": by_key.agg(F.count("*"), F.size(F.collect_set("user_id"))),
}
for name, frame in ways.items():
    read = max(run_frame(frame).reads, key=lambda stage: sum(stage.bytes))
    print(f"{name:13} {sum(read.rows):6,} rows, bytes by task {read.bytes}")

# %% [markdown]
# - One `count_distinct` is spread already: Spark shuffles by advertiser *and* user first, then adds
#   up.
# - With two distinct counts, every row is doubled before it is aggregated and shuffled. The hot
#   advertiser is still spread.
# - `collect_set` has the fewest rows and the worst task: all users of the hot advertiser in one
#   row. An exact percentile and a Python aggregate are as bad or worse, because the state that they
#   keep for a key grows with its rows.
#
# Write `two_stage_count(facts, key, salts)`. It aggregates by key and salt first, then by key. It
# returns one row for each key, with these columns in this order: the key under its own name and
# type, `rows` (long), `users` (long).
#
# - `rows` counts all rows of the key. Null is a key here too.
# - `users` counts the distinct values of `user_id`, exactly. A null is no user.
# - The salt must follow from `user_id`, or partial distinct counts don't add up.
# - The counts are the same for every number of salts, also for one.
# - With 64 salts, eight shuffle partitions and AQE off, the largest shuffle is read by at least
#   eight tasks. No task of any stage reads more than 3 times the bytes that the median of these
#   tasks reads.
#
# How you count within a part is up to you: the checks look at the result and at what each task
# reads, not at your code. The key is never `user_id`, nor called `rows` or `users`.


# %%
def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    """Rows and exact distinct users of each key, counted by key and salt first."""
    # BEGIN SOLUTION: count by key and a salt that follows from user_id, then add up by key
    salt = F.pmod(F.xxhash64("user_id"), F.lit(salts)).alias("_salt")
    parts = facts.groupBy(key, salt).agg(
        F.count("*").alias("rows"), F.size(F.collect_set("user_id")).alias("users")
    )
    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))
    # END SOLUTION


# %% [markdown]
# Some checks count a few rows, worked out by hand; another counts the thousands of users of the hot
# advertiser. A set within a part is fine: a 64th of the users is small.

# %%
lab.check("two_stage_count")

# %% [markdown]
# ## Put it together
#
# Three joins of the same clicks must give one result: the same number of rows, the same number of
# clicks with an advertiser, and the same cost to the cent. These cells wait until the functions
# they call are written.

# %%
joins = {"plain": plain}
if lab.written("key_profile", "salted_join", "isolate_hot_keys"):
    hot = [row.advertiser_id for row in key_profile(clicks, "advertiser_id", 2).collect()]
    joins["salted"] = salted_join(clicks, advertisers, "advertiser_id", 64)
    joins["isolated"] = isolate_hot_keys(clicks, advertisers, "advertiser_id", hot)
for name, joined in joins.items():
    in_cents = F.sum(F.round(F.col("cost") * 100).cast("long"))
    row = joined.agg(F.count("*"), F.count("name"), in_cents).first()
    print(f"{name:9} {row[0]:,} rows, {row[1]:,} with an advertiser, {row[2] / 100:,.2f} euro")

# %% [markdown]
# Now the tasks, all on one scale: the plain join, your two joins, and the plain join that AQE
# splits under fitting thresholds. Find the copies of the dimension in the picture of the salted
# join. Then find the clicks that are missing from that of the isolated one.

# %%
runs = {f"{name}, AQE off": task_rows(joined) for name, joined in joins.items()}
with settings(spark, FITTING):
    runs["plain, AQE on, fitting thresholds"] = task_rows(plain)


def draw_all() -> None:
    figure, axes = plt.subplots(
        len(runs) // 2, 2, figsize=(11, 6), layout="constrained", sharey=True
    )
    for ax, (name, rows) in zip(axes.flat, runs.items(), strict=True):
        draw(ax, f"{name}: fullest {max(rows):,}", rows)
    plt.show()


draw_all()

# %% [markdown]
# In the isolated join, tasks 0 to 7 read no shuffle at all, which lowers the median. They join the
# clicks of the hot advertiser where they were read. They do the same with clicks that have no key,
# if your function keeps these out of the shuffle; then the rest has no heavy key. No advertiser was
# copied. The salted join shuffles every click and 3,840 copies of advertisers (60 that have an id,
# 64 times). AQE shuffles every click once, and then reads the large partition in pieces.
#
# ## In practice
#
# - **Do you need the join at all, or all its rows?** Aggregate the clicks first where the report is
#   a sum, and filter first where you can. Partial aggregation on the map side removes the skew from
#   sums and counts by itself. Broadcast the dimension when it fits into memory: without a shuffle
#   there is no skew.
# - **Null keys are skew, too.** They have no partner, and yet a left join shuffles them all, into
#   one partition. Keep them out of the join, like the hot rows in Task 3. An inner join drops them
#   before the shuffle by itself.
# - **Let the salt follow from the row.** `rand()` depends on the order in which a task reads its
#   rows. A task that runs again after a lost executor may draw other salts, when other tasks have
#   already read rows of the first run. Since 4.2 Spark compares checksums of the two runs, and runs
#   the stages that read them again, or fails; SPARK-60548 has cases that it misses. A hash of the
#   row's own columns gives the same salt each time. It can't split rows that are identical.
# - **How many salts?** A hot key with share *s* leaves *s*/salts in one salted key. That should be
#   well below 1/partitions. More salts only add copies. If you salt the hot keys alone, most of the
#   copies go away.
# - **AQE first.** It needs no code. A partition is skewed when it exceeds
#   `skewedPartitionThresholdInBytes` (256 MB) *and* `skewedPartitionFactor` (5) times the median.
#   AQE cuts it into pieces of `advisoryPartitionSizeInBytes` (64 MB), between map outputs. So look
#   at the bytes of the tasks, lower the first threshold for a job whose rows are expensive rather
#   than many, and keep enough map tasks.
# - **Where does the list of hot keys come from?** From a profile that an earlier run stored, or
#   from a count in the job itself, which reads the keys twice. Write the join so that a list that
#   is out of date makes it slow, never wrong.
# - **Inferred filters.** Spark copies a filter on the join key to the other side: it would have cut
#   `F.broadcast(dims)` to the hot rows by itself. It can't do that where another column, such as a
#   flag, says which rows are hot. Write the filter on both sides, and read the plan.
#
# **On Databricks**, AQE is on by default with the same two thresholds. At run time it broadcasts
# what turns out smaller than 30 MB. Older code has hints there, such as `/*+ SKEW('clicks',
# 'advertiser_id') */`, which open-source Spark ignores without an error. AQE has no extra cost.
# What it can't remove is what you saw above: aggregates and windows, the wrong side of an outer
# join, a shuffle written by one map task, and thresholds that don't fit your rows.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. One task of a join runs for half an hour. Which numbers do you look at, in which order, before
#    you call it skew?
# 2. How many salts do you take, and what is wrong with too many?
# 3. AQE is on and the job is still skewed. Name four reasons.
# 4. A colleague salts both sides with `rand()`. What is the result?
# 5. Both sides have the hot key many times. Does salting help?
# 6. Which aggregates can be computed in two stages? What about a median?
# 7. Your salted join returned a few rows less after an executor was lost. How can that be?
# 8. The join is even now, but one task is slow when the result is written with
#    `partitionBy("advertiser_id")`. Why, and what do you do?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. On the page of the stage: the maximum and the median of *shuffle read records and bytes* over
#    the tasks. If rows and bytes are even and only the time isn't, the cause is a slow machine,
#    spill or an expensive row, not skew. If they are uneven, profile the join key, nulls included.
#    Then look at the rows that come *out*: an even input can explode in a join of many with many.
# 2. Enough that the hot key's share divided by the salts is well below the share of a partition.
#    Also several times the number of partitions, because hashing spreads few keys unevenly. Each
#    salt adds a copy of the dimension, which is shuffled, sorted and held in memory. Salting only
#    the hot keys removes most of that cost.
# 3. The partition is below the threshold in bytes although its rows are expensive. The hot side is
#    the one that an outer join can't split. Few map tasks wrote it, so there is little to split
#    between. An aggregate or a window on the same key follows, or there is no join at all. (A
#    fifth: it is one huge row, such as a collected array.)
# 4. A row finds its partner only when both drew the same salt, which happens once in `salts` times.
#    The result of a left join looks plausible: all rows are there, most of them without a partner.
#    One side draws a salt; the other needs a copy for each salt.
# 5. It spreads the work, because each fact meets all partners in its salted key. But the output is
#    still the product of both sides. Ask whether the product is wanted. If not, reduce one side
#    first (distinct, newest, a sum), or isolate the key and treat it separately.
# 6. Those whose partial results can be merged: count, sum, min, max, average as sum and count,
#    sketches (HyperLogLog, KLL). A distinct count, when the salt follows from the value that is
#    counted. An exact median can't: its state is all values. Count by value first and take the
#    median from the counts, or accept a sketch.
# 7. The salt was drawn with `rand()` over rows whose order is not fixed, for instance after another
#    shuffle. The task that ran again gave some rows another salt than the lost one had. A row that
#    moved into a partition that had been read already is lost; one that moved out of it comes
#    twice. Since 4.2 Spark looks for this, and finds most of it. Derive the salt from the row.
# 8. All rows of the hot key go to one folder. If the frame is distributed by that column, one task
#    writes them. Distribute by the column and a salt (several files in the hot folder), or use `/*+
#    REBALANCE(advertiser_id) */`, whose partitions AQE may split. Or don't partition by a skewed
#    column: clustering suits it better.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [Performance tuning: adaptive query
#   execution](https://spark.apache.org/docs/latest/sql-performance-tuning.html#adaptive-query-execution),
#   with every setting of the skew join
# - Apache Spark, [Join strategy
#   hints](https://spark.apache.org/docs/latest/sql-ref-syntax-qry-select-hints.html)
# - Databricks, [Adaptive query execution](https://docs.databricks.com/aws/en/optimizations/aqe)
# - D. DeWitt, J. Naughton, D. Schneider, S. Seshadri, *Practical skew handling in parallel joins*,
#   VLDB 1992: broadcasting the hot rows, before there was Spark
