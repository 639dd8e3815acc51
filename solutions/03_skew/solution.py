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
from pyspark.sql import DataFrame, Window
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
    ax.set(title=title, xlabel="task", ylabel="rows read from the shuffle")
    ax.set_xticks(range(len(rows)))
    ax.legend(loc="upper left")


# %% [markdown]
# Skew depends on the *share* of a key, not on the amount of data: with ten times the clicks all bars grow alike, and with a
# hundred partitions the tall one stays as it is while the others shrink.

# %%
figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
draw(ax, "Plain join: rows of each task", task_rows(plain))
plt.show()

# %% [markdown]
# ## Task 1: name the key
#
# Before any cure, name the cause. Write `key_profile(df, key, n)`: the `n` heaviest values of the column named `key`, heaviest first. Columns: the key under its own name, `rows`, and
# `share` of all rows, from 0 to 1. Null is a key like any other. Where keys tie, any of them may come; never more than `n` rows.


# %%
def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    """The n heaviest keys with their rows and their share of all rows."""
    # BEGIN SOLUTION: count the rows of each key, with their share of all rows
    total = df.agg(F.count("*").alias("total"))
    heaviest = df.groupBy(key).agg(F.count("*").alias("rows")).orderBy(F.desc("rows")).limit(n)
    share = F.col("rows") / F.col("total")
    return (
        heaviest.crossJoin(total)
        .select(key, "rows", share.alias("share"))
        .orderBy(F.desc("rows"))
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
# So the cure is free where it applies: the hot partition became eight tasks. It applies to less than one hopes. Four variants of the
# same work follow, under the same fitting thresholds; in each of them one task reads everything.

# %%
by_advertiser = {"on": "advertiser_id", "how": "left"}
variants = {
    "clicks written by one map task": clicks.coalesce(1).join(advertisers, **by_advertiser),
    "clicks on the right of the left join": advertisers.join(clicks, **by_advertiser),
    "a group by the key after the join": plain.groupBy("advertiser_id").agg(F.sum("cost")),
    "no join, a set collected by key": clicks.groupBy("advertiser_id").agg(F.collect_set("user_id")),
}
with settings(spark, FITTING):
    for name, frame in variants.items():
        print(f"{name:37} {task_rows(frame)}")

# %% [markdown]
# A skewed partition is split between the blocks of its map tasks: one map task, one piece. Only the side whose rows all survive can be split, so not the right side of a left join. A group by the same key
# needs each key in one task, so the split would cost one more shuffle, and AQE refrains (unless `spark.sql.adaptive.forceOptimizeSkewedJoin` is set). And it only treats joins. In these cases
# the cure is yours.
#
# ## Task 2: salt the join
#
# Write `salted_join(facts, dims, key, salts)`. It spreads each key over `salts` smaller ones, and returns what `facts.join(dims, on=key, how="left")` returns: the same columns in the
# same order, the same rows, identical ones included, whatever the facts' other columns are called (even `salt`). `dims` may hold a key several times, or null.
#
# - Both sides are shuffled, none is broadcast, and `dims` is copied at most `salts` times.
# - With 64 salts, eight shuffle partitions and AQE off the fullest task reads at most 3 medians.
#
# You may need [`explode`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.explode.html).


# %%
def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    """The left join of facts and dims, each key spread over `salts` partitions' worth of keys."""
    # BEGIN SOLUTION: give each fact a salt and each dimension row a copy for every salt, and join on both
    others = [name for name in facts.columns if name != key]
    salt = F.pmod(F.xxhash64(*others), F.lit(salts))
    every_salt = F.sequence(F.lit(0).cast("long"), F.lit(salts - 1).cast("long"))
    salted_facts = facts.withColumn("_salt", salt)
    copies = dims.withColumn("_salt", F.explode(every_salt))
    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")
    # END SOLUTION


# %% [markdown]
# The checks join a handful of clicks first, then the data set under another seed, and read what each task read. If rows are missing, look at
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
# fall one into each. That is why salts should be several times the partitions.

# %%
if fullest:
    figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
    copies = [advertisers.count() * salts for salts in tried]
    ax.plot(tried, fullest, marker="o", color="#0072B2", label="rows of the fullest task")
    ax.plot(tried, copies, marker="s", color="#D55E00", linestyle="--", label="copies, all tasks")
    ax.set_xscale("log", base=2)
    ax.set_xticks(tried, [str(salts) for salts in tried])
    ax.set(title="What a salt brings and what it costs", xlabel="salts", ylabel="rows")
    ax.legend()
    plt.show()

# %% [markdown]
# ## Task 3: keep hot keys out of the shuffle
#
# Salting copies the whole dimension because of one key. Write `isolate_hot_keys(facts, dims, key, hot)`: `hot` is a list of key values, as `key_profile` finds them. The result is that of the plain left join,
# as in Task 2.
#
# - Facts with a hot key are not shuffled: the few rows of `dims` that they need are [broadcast](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.broadcast.html), and only those. The rest is joined through a shuffle.
# - Every row of `facts` belongs to exactly one of the two parts. `hot` may be empty, hold null, hold a value twice, or one that `dims` doesn't know.


# %%
def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    """The left join of facts and dims; rows with a hot key meet their partners by broadcast."""
    # BEGIN SOLUTION: join the hot facts with broadcast rows, the rest through a shuffle, and put both together
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))
    hot_dims = F.broadcast(dims.where(is_hot))
    hot_rows = facts.where(is_hot).join(hot_dims, on=key, how="left")
    other_rows = facts.where(~is_hot).join(dims.where(~is_hot), on=key, how="left")
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
# One `count_distinct` is spread already: Spark shuffles by advertiser *and* user first, then adds up. With two distincts each row travels twice, and the hot advertiser is spread still. `collect_set`
# has the fewest rows and the worst task: all users of the hot advertiser, in one row. Sketches, percentiles and Python aggregates behave like it or worse: their state belongs to one key.
#
# Write `two_stage_count(facts, key, salts)`: the key under its own name, `rows`, `users` (distinct `user_id`, exact; null is no user). Aggregate by key and salt first, then by key. The salt must follow
# from `user_id`, or partial distinct counts don't add up. Null is a key here too, any number of salts gives the same counts, and in the largest shuffle no task reads more than 3 times the median's bytes.


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
# Three joins of the same clicks, one result: rows, clicks with an advertiser, and cost by segment in total must agree to the cent. These cells wait until the
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
    runs = {"plain, AQE off": runs.pop("plain, AQE off"), "plain, AQE splits": task_rows(plain)} | runs
figure, axes = plt.subplots(2, 2, figsize=(11, 6), sharey=True, layout="constrained")
for ax, (name, rows) in zip(axes.flat, runs.items(), strict=False):
    draw(ax, f"{name}: fullest {max(rows):,}", rows)
for ax in axes.flat[len(runs) :]:
    ax.set_visible(False)
plt.show()
