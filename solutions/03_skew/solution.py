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
# An ad network joins its clicks with its advertisers every hour. The join has eight tasks: seven end in seconds, the last one
# works for half an hour. You find out which key does this, spread it in two ways, and count its users without one task holding them all. At
# the end every claim stands on the rows that each task read.
#
# **You will learn** to
#
# - read skew from task records, and tell when adaptive execution cures it and when it can't,
# - salt a join, or keep its hot keys out of the shuffle, without changing one row of its result,
# - count in two stages, with a salt under which distinct counts add up.

# %% [markdown]
# ## The data
#
# `clicks` has one row for each click, in eight files, one from each machine that collects them. `advertisers` has one row for each advertiser *and segment*. House ads have
# no advertiser: their clicks have a null `advertiser_id`.

# %%
import labkit

lab = labkit.open("skew")
spark = lab.spark
folder = lab.data("ad_clicks")

# %% [markdown]
# A cluster in small: eight map tasks, eight shuffle partitions, no automatic broadcast, as if the advertisers were too many for it. Adaptive query
# execution (AQE) is off for now, so that a task is exactly one shuffle partition.

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
# Some advertisers are gone: they have clicks and no row. Some work in two segments: they have two rows, and the report wants their clicks in both. Any
# cure for the skew has to leave such things as they are.

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
# The Spark UI shows for each task of a stage how many records it read from the shuffle. `run_frame` runs a frame and returns the same records;
# the checks use it too. A join's stage reads both sides: here 20,000 clicks and 60 advertisers.

# %%
from labkit.checks import run_frame, settings


def task_rows(frame: DataFrame) -> tuple[int, ...]:
    """The rows that each task of the stage with the largest shuffle reads."""
    return max((read.rows for read in run_frame(frame).reads), key=sum)


plain = clicks.join(advertisers, on="advertiser_id", how="left")
task_rows(plain)

# %% [markdown]
# As a picture: one bar a task, the dashed line is the median. The number to remember is the fullest task in medians. The stage
# takes as long as its fullest task, and adding machines doesn't shorten that one.

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
# Skew is a matter of *share*, not of amount: with ten times the clicks all bars grow alike, and with a
# hundred partitions the tall one stays as it is while the others shrink.

# %%
with plt.rc_context({"figure.figsize": (7, 3.2), "figure.constrained_layout.use": True}):
    draw(plt.gca(), "Plain join: rows of each task", task_rows(plain))
    plt.show()

# %% [markdown]
# ## Task 1: name the key
#
# Before any cure, name the cause. Write `key_profile(df, key, n)`: the `n` heaviest values of the column named `key`, heaviest first. Columns: the key under its own name, `rows` (long), and
# `share` (double) of all rows, from 0 to 1. The share is not rounded. Null is a key like any other. Where keys tie, any of them may come; never more than `n` rows.


# %%
def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    """The n heaviest keys with their rows and their share of all rows."""
    # BEGIN SOLUTION: count the rows of each key, with their share of all rows
    total = df.agg(F.count("*").alias("total"))
    heaviest = df.groupBy(key).agg(F.count("*").alias("rows")).orderBy(F.desc("rows")).limit(n)
    share = F.col("rows") / F.col("total")
    return (
        heaviest.crossJoin(total).select(key, "rows", share.alias("share")).orderBy(F.desc("rows"))
    )
    # END SOLUTION


# %% [markdown]
# The checks use other frames and other keys. `lab.hint("key_profile")` gives the first of three hints.

# %%
lab.check("key_profile")

# %% [markdown]
# Two keys stand out. The second one is no key at all: a left join sends every row with a null key through the shuffle, into one partition, though
# none of them can find a partner.

# %%
if lab.written("key_profile"):
    key_profile(clicks, "advertiser_id", 5).show()

# %% [markdown]
# ## What adaptive execution does
#
# AQE looks at the partitions after the shuffle and splits the skewed ones. Does it help here? With its default thresholds it sees 300 KB in all, where a skewed
# partition has more than 256 MB and more than 5 medians: it only glues the small ones together. With thresholds that fit this small data it splits.

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
# So the cure is free where it applies: the hot partition became eight tasks. It applies to less than you would hope. Four variants of the
# same work follow, under the same fitting thresholds; in each of them one task reads everything.

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
# A skewed partition is split between the blocks of its map tasks: one map task, one piece. In an outer join only the side whose rows all survive can be split, so not the right side of a
# left join. A group by the same key needs each key in one task: AQE would have to add a shuffle, and refrains unless it is forced, as in the next cell. Aggregates and windows
# without a join it leaves alone.

# %%
forced = FITTING | {"spark.sql.adaptive.forceOptimizeSkewedJoin": "true"}
with settings(spark, forced):
    for read in run_frame(variants["a group by the key after the join"]).reads:
        print(read.rows)

# %% [markdown]
# The first line is the join, split; the second is the shuffle that it cost, small here because partial sums travel. In all other cases the cure is yours.
#
# ## Task 2: salt the join
#
# Write `salted_join(facts, dims, key, salts)`. It spreads each key over `salts` smaller ones, and returns what `facts.join(dims, on=key, how="left")` returns: the same columns in the
# same order, the same rows, identical ones included. A column of the facts may well be called `salt`; none begins with an underscore. `dims` may hold a key several times, or null.
#
# - Both sides are shuffled, neither is broadcast (a list of hot keys may be), and `dims` is copied at most `salts` times.
# - With 64 salts, eight shuffle partitions and AQE off the fullest task reads at most 3 medians.
#
# You may need [`explode`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.explode.html).


# %%
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    """The left join of facts and dims, each key split into `salts` smaller ones."""
    # BEGIN SOLUTION: give each fact a salt and each dimension row a copy for every salt, and join on both
    salt = F.pmod(F.xxhash64(*facts.columns), F.lit(salts))
    every_salt = F.sequence(F.lit(0).cast("long"), F.lit(salts - 1).cast("long"))
    salted_facts = facts.withColumn("_salt", salt)
    copies = dims.withColumn("_salt", F.explode(every_salt))
    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
    # END SOLUTION


# %% [markdown]
# The checks join a handful of clicks first, then the dataset under another seed, and read what each task read. If rows are missing, look at
# the first and the last salt of both sides.

# %%
lab.check("salted_join")

# %% [markdown]
# Salts aren't free: each one adds a copy of the dimension to the shuffle. The next cell measures the fullest task for 1 to 256 salts. One salt is the
# plain join with a detour.

# %%
tried = [1, 2, 4, 8, 16, 32, 64, 128, 256]
fullest = []
if lab.written("salted_join"):
    for salts in tried:
        rows = task_rows(salted_join(clicks, advertisers, "advertiser_id", salts))
        fullest.append(max(rows))
fullest

# %% [markdown]
# The curve falls as long as the hot key is split further, and rises when the copies outweigh it. With few salts it is ragged: eight salted keys on eight partitions don't
# fall one into each. Take several times as many salts as partitions.


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
# Salting copies the whole dimension because of one key. Write `isolate_hot_keys(facts, dims, key, hot)`: `hot` is a list of key values, as `key_profile` finds them. The result is that of the plain left join,
# as in Task 2.
#
# - Facts with a hot key are not shuffled: the few rows of `dims` that they need are [broadcast](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.broadcast.html), and only those. The rest is joined through a shuffle.
# - Every row of `facts` belongs to exactly one of the two parts. `hot` may be empty, hold null, hold a value twice, or one that `dims` doesn't know. A fact without a key has no partner to travel to; where it is joined is up to you.


# %%
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    """The left join of facts and dims; rows with a hot key meet their partners by broadcast."""
    # BEGIN SOLUTION: join the hot facts with broadcast rows, the rest through a shuffle, and put both together
    is_hot = F.col(key).isin([value for value in hot if value is not None])
    # a null key has no partner either way, so its rows can stay where they are
    stays = F.col(key).isNull() | is_hot
    hot_rows = facts.where(stays).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    other_rows = facts.where(~stays).join(dims.where(~is_hot), on=key, how="left")
    return hot_rows.unionByName(other_rows)
    # END SOLUTION


# %% [markdown]
# The same handful of clicks comes back, with hot keys that have one row, two rows and none. Two checks then count what was broadcast and
# what went through a shuffle.

# %%
lab.check("isolate_hot_keys")

# %% [markdown]
# ## Task 4: count in two stages
#
# The next report wants the clicks and the distinct users of each advertiser. No join, so AQE doesn't help. But what is Spark's own plan like? The
# next cell prints, for three ways to count, what the largest shuffle carries.

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
# One `count_distinct` is spread already: Spark shuffles by advertiser *and* user first, then adds up. With two distincts every row is doubled before it is aggregated and shuffled; the hot advertiser is spread still. `collect_set`
# has the fewest rows and the worst task: all users of the hot advertiser, in one row. An exact percentile and a Python aggregate behave like it or worse: what they keep of a key grows with its rows.
#
# Write `two_stage_count(facts, key, salts)`: the key under its own name, `rows` (long), `users` (long: distinct `user_id`, exact; null is no user). Aggregate by key and salt first, then by key. The salt must follow
# from `user_id`, or partial distinct counts don't add up. Null is a key here too, and any number of salts gives the same counts. With 64 salts no task
# of any stage reads more than 3 times the bytes that the median task of the largest shuffle reads.


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
# Small counts are checked by hand, the thousands of users of the hot advertiser exactly. No check minds how you count within a part: a set of a
# 64th of the users is small.

# %%
lab.check("two_stage_count")

# %% [markdown]
# ## Put it together
#
# Three joins of the same clicks, one result: rows, clicks with an advertiser, and the cost to the cent must agree. These cells wait until the
# functions they call are written.

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
# Now the tasks, all on one scale: the plain join, the one AQE splits under fitting thresholds, and yours. Find the copies of the dimension
# in the salted picture, and the clicks that are missing from the isolated one.

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
# In the isolated join tasks 0 to 7 read no shuffle at all (and pull its median down): they hold the clicks of the hot advertiser, joined where they were read, and those of none if your function keeps null keys out of the shuffle; then what is left has no heavy
# key. No advertiser was copied. The salted join moves every click and 3,840 copies of advertisers besides (60 that have an id, 64 times). AQE moves every click once and then reads the tall partition in pieces.
#
# ## In practice
#
# - **Do you need the join at all, or all its rows?** Aggregate the clicks first where the report is a sum; filter first where it can be filtered. Partial aggregation on the map side defuses sums and counts
#   of hot keys without any trick. And broadcast the dimension when it fits: no shuffle, no skew.
# - **Null keys are skew, too.** They have no partner, and a left join shuffles them all the same, into one partition. Send them past the join, as the hot rows in Task 3. An inner join drops them before the
#   shuffle by itself.
# - **A salt that follows from the row.** `rand()` depends on the order in which a task reads its rows. A task that is run again after a lost executor may draw other salts, when others have read rows of the first run already.
#   A hash of the row's own columns gives the same salt each time; it can't split rows that are identical.
# - **How many salts?** A hot key with share *s* leaves *s*/salts in one salted key; that should be well below 1/partitions. More only costs copies. Salt the hot keys alone and even that cost goes.
# - **AQE first.** It needs no code. A partition is skewed when it exceeds `skewedPartitionThresholdInBytes` (256 MB) *and* `skewedPartitionFactor` (5) medians; it is cut into pieces of `advisoryPartitionSizeInBytes` (64 MB), between map outputs.
#   So look at the bytes of the tasks, lower the first threshold for a job whose rows are expensive rather than many, and keep enough map tasks.
# - **Where does the list of hot keys come from?** From a profile that an earlier run stored, or from a count in the job itself, which reads the keys twice. A list that is out of date makes the job slow, never wrong:
#   write it that way.
# - **Inferred filters.** Spark copies a filter on the join key to the other side: `F.broadcast(dims)` without a filter of its own would have been cut to the hot rows as well. It can't do so where hot rows
#   are told by another column, such as a flag. Write the filter on both sides, and read the plan.
#
# **On Databricks** AQE is on by default with the same two thresholds, and broadcasts at run time what turns out smaller than 30 MB; older code has hints there, such as `/*+ SKEW('clicks', 'advertiser_id') */`, which open-source Spark
# ignores without an error. It costs nothing extra. What stays yours is what you saw above: aggregates and windows, the wrong side of an outer join, null keys, files written by one task, and thresholds that don't fit your rows.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. One task of a join runs for half an hour. Which numbers do you look at, in which order, before you say "skew"?
# 2. How many salts do you take, and what is wrong with too many?
# 3. AQE is on and the job is still skewed. Name four reasons.
# 4. A colleague salts both sides with `rand()`. What comes out?
# 5. Both sides have the hot key many times. Does salting help?
# 6. Which aggregates can be computed in two stages? What about a median?
# 7. Your salted join returned a few rows less after an executor was lost. How can that be?
# 8. The join is even now, and writing the result `partitionBy("advertiser_id")` has one slow task. Why, and what do you do?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. In the stage's page: the maximum and the median of *shuffle read records and bytes* over the tasks. If rows and bytes are even and only the time isn't, it is a slow machine, spill or an expensive row, not skew. If they are uneven, profile the
#    join key, nulls included. Then look at rows *out*: an even input can explode in a join of many with many.
# 2. Enough that the hot key's share divided by the salts is well below a partition's share, and several times the partitions, because hashing spreads unevenly when there are few. Each salt copies the dimension once more: copies times rows are shuffled, sorted and
#    held. Salting only the hot keys removes most of that cost.
# 3. The partition is below the threshold in bytes although its rows are expensive. The hot side is the one an outer join must not split. Few map tasks wrote it, so there is nothing to split between. An aggregate or a window follows on the same key, or
#    there is no join at all. (Also: it is one gigantic row, such as a collected array.)
# 4. A row finds its partner only when both drew the same salt, once in `salts` times. A left join then looks plausible: all rows are there, most without a partner. One side draws, the other has a copy for each salt.
# 5. It spreads the work, since each fact row still meets all partners in its salted key, but the output stays the product of both. Ask whether the product is wanted: reduce one side first (distinct, newest, a sum), or isolate the key and treat it apart.
# 6. Those whose partial results can be merged: count, sum, min, max, average as sum and count, sketches (HyperLogLog, KLL). A distinct count when the salt follows from the value that is counted. An exact median can't: its state is all values. Count by value first and
#    take it from the counts, or accept a sketch.
# 7. The salt was drawn with `rand()` over rows whose order is not fixed, for instance after another shuffle. The task that was run again gave some rows another salt than the lost one had: rows that were read already are not read again, others come twice.
#    Derive the salt from the row.
# 8. All rows of the hot key go to one folder. If the frame is distributed by that column, one task writes them. Distribute by the column and a salt (several files in the hot folder), or `/*+ REBALANCE(advertiser_id) */`, whose partitions AQE may split; or don't
#    partition by a skewed column: clustering suits it better.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [Performance tuning: adaptive query execution](https://spark.apache.org/docs/latest/sql-performance-tuning.html#adaptive-query-execution), with every setting of the skew join
# - Apache Spark, [Join strategy hints](https://spark.apache.org/docs/latest/sql-ref-syntax-qry-select-hints.html)
# - Databricks, [Adaptive query execution](https://docs.databricks.com/aws/en/optimizations/aqe)
# - D. DeWitt, J. Naughton, D. Schneider, S. Seshadri, *Practical skew handling in parallel joins*, VLDB 1992: broadcasting the hot rows, before there was Spark
