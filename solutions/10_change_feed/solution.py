# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [accounts_commits]
# topics: [delta, change data feed, merge, idempotence]
# ---
# %% [markdown]
# # Propagate only what changed
#
# Every night a job spends four hours rebuilding two tables from `accounts`: a copy for the call
# centre, and the balances by segment. On most nights 0.3 % of the accounts have changed. You keep
# both tables in step from the change data feed of the source. They stay right when a job dies
# between two commits, when an update changes nothing, and when the feed has a gap.
#
# **You will learn** to
#
# - read the change data feed of a Delta table, and notice that a part of it is missing,
# - reduce many changes to what changed in the end,
# - write two tables in two commits so that a crash between them does no harm.

# %% [markdown]
# ## The data
#
# The files are the commits of a table of bank accounts, in order. The name of a file says what kind
# of commit it is. A row of a `write` or an `overwrite` is an account. A row of a `merge` also has
# `op`, which is `upsert` or `delete`. The files of `enable_feed` and `optimize` are empty.

# %%
from pathlib import Path

import labkit

lab = labkit.open("change_feed")
spark = lab.spark
folder = lab.data("accounts_commits")
files = sorted(folder.iterdir())
[path.name for path in files]

# %% [markdown]
# These are the schemas of this lab. `account_id` is never null and is the key: a version of the
# table has an account at most once. Segment, balance and city may be null. A text is empty or has
# letters and blanks; `null` and `unknown` are texts like others. No commit has left a table's log.

# %%
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

ACCOUNTS = "account_id long, segment string, balance decimal(12,2), city string"
FEED = f"{ACCOUNTS}, _change_type string, _commit_version long, _commit_timestamp timestamp"
STATE = "name string, version long"

# %% [markdown]
# `commit` makes one commit out of a file, so the number of a file is the version that it makes. The
# feed begins with the commit that switches it on, and tells nothing of earlier ones.


# %%
def commit(path: Path, table: str) -> None:
    """Commits a file to the table, as its name says."""
    kind = path.stem.split("-")[1]
    if kind == "enable_feed":
        spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")
    elif kind == "optimize":
        spark.sql(f"OPTIMIZE {table}")
    elif kind == "merge":
        merge(spark.read.schema(f"{ACCOUNTS}, op string").json(str(path)), table)
    else:
        rows = spark.read.schema(ACCOUNTS).json(str(path))
        rows.coalesce(1).write.insertInto(table, overwrite=kind == "overwrite")


def merge(rows: DataFrame, table: str) -> None:
    """Inserts, updates and deletes accounts, and updates those that are equal as well."""
    values = {name: f"new.{name}" for name in spark.table(table).columns}
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(rows.alias("new"), "old.account_id = new.account_id")
        .whenMatchedDelete("new.op = 'delete'")
        .whenMatchedUpdate(set=values)
        .whenNotMatchedInsert(values=values)
        .execute()
    )


# %% [markdown]
# What does the feed say of each commit? Find the versions without a row, the updates, and the
# overwrite. The overwrite deletes and inserts *every* account, in one version. The MERGE in version
# 5 wrote some accounts as they were: the feed has both images of them all the same. The OPTIMIZE
# made version 4 out of two files, and the feed has no row of it.

# %%
accounts = f"{lab.schema}.accounts"
spark.sql(f"CREATE TABLE {accounts} ({ACCOUNTS}) USING delta")
for path in files:
    commit(path, accounts)

feed = spark.read.options(readChangeFeed=True, startingVersion=2).table(accounts)
feed.groupBy("_commit_version").pivot("_change_type").count().orderBy("_commit_version").show()
DeltaTable.forName(spark, accounts).history().select("version", "operation").show()

# %% [markdown]
# ## Task 1: net changes
#
# Downstream wants to know what changed in the end, not each step. Write `net_changes(feed)`. It
# returns at most one row of an account, with the columns `account_id`, `op` (string), `segment`,
# `balance`, `city` and `version` (long), in this order.
#
# `feed` has the columns of `FEED`. It holds all changes of the accounts in some versions that
# follow one another, in any order. "Before" and "after" mean before the account's first change in
# `feed`, and after its last one.
#
# - Only `_commit_version` orders the changes; times may be equal or go back.
# - One version may have a `delete` and an `insert` of an account, as an overwrite does: the delete
#   comes first.
# - An account that was not there before and is there after has the op `insert`.
# - An account that was there before and is not there after has the op `delete`.
# - An account that was there before and after, with another segment, balance or city, has the op
#   `update`.
# - An account that was there before and after with the same values has no row; null equals null,
#   and nothing else.
# - An account that was there neither before nor after has no row.
# - Segment, balance and city are those after the last change. For a `delete` they are those of its
#   last `delete` row.
# - `version` is the greatest `_commit_version` of the account in `feed`, also where that version
#   changed nothing.


# %%
def net_changes(feed: DataFrame) -> DataFrame:
    """One row per account that is not what it was: inserted, updated or deleted in the end."""
    # BEGIN SOLUTION: compare what each account was before its first change and after its last
    came = F.col("_change_type").isin("insert", "update_postimage")
    step = F.struct("_commit_version", came)
    values = F.struct("segment", "balance", "city")
    image = F.struct(came.alias("came"), values.alias("values"))
    ends = feed.groupBy("account_id").agg(
        F.min_by(image, step).alias("first"),
        F.max_by(image, step).alias("last"),
        F.max("_commit_version").alias("version"),
    )
    was_there, is_there = ~F.col("first.came"), F.col("last.came")
    differs = ~F.col("first.values").eqNullSafe(F.col("last.values"))
    op = (
        F.when(is_there & ~was_there, "insert")
        .when(was_there & ~is_there, "delete")
        .when(was_there & is_there & differs, "update")
    )
    net = ends.withColumn("op", op).where("op IS NOT NULL")
    return net.select("account_id", "op", "last.values.*", "version")
    # END SOLUTION


# %% [markdown]
# The checks make feeds by hand, with the newest rows first. `lab.hint("net_changes")` gives the
# first of three hints.

# %%
lab.check("net_changes")

# %% [markdown]
# ## Task 2: read the changes, or notice that you can't
#
# Write `read_changes(spark, source, since)`. It returns the changes of the Delta table named
# `source` in the versions after `since`, up to the newest one. The frame has the columns of `FEED`,
# as `source` has those of `ACCOUNTS`. `since` is a version of `source`, or -1 for "none yet".
#
# - If the feed of these versions can be read, all its rows come back as they are, both images of
#   an update included.
# - `since` itself is not read: its changes are known already.
# - If `since` is the newest version, no row comes back.
# - In three cases a part of the feed is missing: it was not recorded in one of these versions, one
#   of its files is gone, or a version is older than Delta's retention allows.
# - Then all rows that the table has come back, each as an `insert`, with the newest version as
#   `_commit_version` and the time of its commit in the history as `_commit_timestamp`, whatever the
#   session's time zone.
# - What is missing in `since` or before it does not matter. The version that switches the feed on
#   counts as recorded.
# - The frame tells the state at the time of the call, also if the source has further commits before
#   somebody reads the frame.
#
# Delta's page on the [change data feed][cdf] has the options. The retention is a property of the
# table, `delta.deletedFileRetentionDuration`, a week unless it says otherwise. Whether you read the
# feed more than once is left open.
#
# [cdf]: https://docs.delta.io/latest/delta-change-data-feed.html


# %%
def read_changes(spark: SparkSession, source: str, since: int) -> DataFrame:
    """The feed after a version, or all rows as inserts where a part of the feed is missing."""
    # BEGIN SOLUTION: read the feed up to the newest version; if that fails, read the table
    newest = DeltaTable.forName(spark, source).history(1).select("version", "timestamp").first()
    if since < newest.version:
        try:
            feed = feed_between(spark, source, since, newest.version)
            read_to_its_end(feed)
            return feed
        except Exception as error:
            if not any(gap in str(error) for gap in GAPS):
                raise
    rows = spark.read.option("versionAsOf", newest.version).table(source)
    return rows.where(F.lit(since < newest.version)).select(
        "*",
        F.lit("insert").alias("_change_type"),
        F.lit(newest.version).cast("long").alias("_commit_version"),
        F.lit(newest.timestamp).alias("_commit_timestamp"),
    )
    # END SOLUTION


# %% [markdown]
# If you want a function of your own for this task or the next ones, put it here.

# %%
# BEGIN SOLUTION: functions of your own, if you want any
GAPS = ("DELTA_MISSING_CHANGE_DATA", "FILE_NOT_EXIST", "RETENTION_DURATION")


def feed_between(spark: SparkSession, source: str, since: int, newest: int) -> DataFrame:
    options = {"readChangeFeed": True, "startingVersion": since + 1, "endingVersion": newest}
    return spark.read.options(**options).table(source)


def read_to_its_end(frame: DataFrame) -> None:
    """Runs a frame and throws its rows away: Delta looks for the changes only then."""
    frame.write.format("noop").mode("overwrite").save()


def newest_version(spark: SparkSession, table: str) -> int:
    return DeltaTable.forName(spark, table).history(1).first().version


def recorded(spark: SparkSession, state: str, name: str) -> int:
    return spark.table(state).where(F.col("name") == name).first().version


def record(spark: SparkSession, state: str, name: str, version: int) -> None:
    DeltaTable.forName(spark, state).update(F.col("name") == name, {"version": F.lit(version)})


# END SOLUTION

# %% [markdown]
# The tables of the checks had their feed switched off and on, lost files, and have old commits.
# Each frame is read after a further commit.

# %%
lab.check("read_changes")

# %% [markdown]
# ## Task 3: keep a copy in step
#
# Write `apply_changes(spark, source, target, state)`. It brings the copy of `source` named `target`
# to the newest version of `source`. All parameters but `spark` are names of Delta tables such as
# `bank.Copy_2`: letters, digits, underscores and one dot. `source` and `target` have the columns of
# `ACCOUNTS`, and `source` has a feed of all its versions. `state` has the columns of `STATE`. It
# has one row for each table that is kept so: its name as it is given in `target`, and how far the
# source was read. Before your first call `target` holds the version that `state` says, or a later
# one: an earlier job may have died before it wrote `state`.
#
# - After the call `target` has exactly the rows that `source` has in its newest version.
# - After the call `state` says this version under the name `target`. Its other rows stay. If the
#   feed has no new row, as after an OPTIMIZE alone, whether `state` moves is left open.
# - A call makes at most one commit in `target` and one in `state`, and drops neither of them.
# - Both keep their columns.
# - The call reads the feed after the recorded version, and no other rows of `source`: in the
#   checks, files that this feed does not need may be gone.
# - Rows of `target` that are right already are not written.
# - If `source` has no newer version than `state` says, there is no commit.
# - `source` may get a commit during the call. Whether the call takes it in is left open.
#
# The two commits are separate. The job may die between them, or at either of them:
#
# - If one of the two tables refuses its commit, the call raises.
# - `state` never names a version that `target` does not hold.
# - The next call makes both tables right, also if `source` has gone on in between.


# %%
def apply_changes(spark: SparkSession, source: str, target: str, state: str) -> None:
    """Brings the copy to the source's newest version, from the changes since the recorded one."""
    # BEGIN SOLUTION: the last image of each account, in one MERGE that may come again
    since, newest = recorded(spark, state, target), newest_version(spark, source)
    if since == newest:
        return
    step = F.struct("_commit_version", F.col("_change_type") == "insert")
    latest = (
        feed_between(spark, source, since, newest)
        .where("_change_type != 'update_preimage'")
        .groupBy("account_id")
        .agg(F.max_by(F.struct("*"), step).alias("last"))
        .select("last.*")
    )
    columns = spark.table(target).columns
    values = {name: f"new.{name}" for name in columns}
    differs = " OR ".join(f"NOT old.{name} <=> new.{name}" for name in columns)
    (
        DeltaTable.forName(spark, target)
        .alias("old")
        .merge(latest.alias("new"), "old.account_id = new.account_id")
        .whenMatchedDelete("new._change_type = 'delete'")
        .whenMatchedUpdate(condition=differs, set=values)
        .whenNotMatchedInsert(condition="new._change_type != 'delete'", values=values)
        .execute()
    )
    record(spark, state, target, newest)
    # END SOLUTION


# %% [markdown]
# The checks crash your job on purpose: `target` refuses a commit for a while, and in a later call
# `state` does. The source goes on, and the next call has to make up for it. In one of the calls the
# source gets one more commit while `target` is written.

# %%
lab.check("apply_changes")

# %% [markdown]
# ## Task 4: the difference of an aggregate
#
# Write `aggregate_delta(feed)`. It returns what the changes of a feed change in the balances by
# segment, with the columns `segment`, `balance_change` (decimal(22,2)) and `accounts_change`
# (long), in this order. `feed` is as in Task 1.
#
# - Balance and account are added to the segment that the account came to, and taken from the one
#   that it left. So an account that moves counts -1 in one segment and +1 in the other.
# - An update within a segment changes its balance by the difference, and counts no account.
# - A null segment is a segment of its own.
# - A null balance counts as 0.
# - A segment where both numbers come to 0 has no row. If one of them does not, it has one.


# %%
def aggregate_delta(feed: DataFrame) -> DataFrame:
    """What the changes add to balance and number of accounts, by segment."""
    # BEGIN SOLUTION: sum both images of each change, with their signs
    came = F.col("_change_type").isin("insert", "update_postimage")
    sign = F.when(came, 1).otherwise(-1)
    balance = F.when(came, F.col("balance")).otherwise(-F.col("balance"))
    sums = feed.groupBy("segment").agg(
        F.sum(F.coalesce(balance, F.lit(0))).cast("decimal(22,2)").alias("balance_change"),
        F.sum(sign).alias("accounts_change"),
    )
    return sums.where("balance_change != 0 OR accounts_change != 0")
    # END SOLUTION


# %% [markdown]
# Each case of the check has segments of its own, so a reason names one thing that went wrong.

# %%
lab.check("aggregate_delta")

# %% [markdown]
# ## Task 5: keep the aggregate exact
#
# Write `maintain(spark, source, aggregate, state)`. It brings the sums in `aggregate` to the newest
# version of `source`. `aggregate` has the columns `segment` string, `balance` decimal(22,2) and
# `accounts` long. `source` and `state` are as in Task 3; the name is the one given in `aggregate`.
# Before your first call `aggregate` holds the sums of the version that `state` says. `source` gets no
# commit during a call here.
#
# - After the call `aggregate` has one row for each segment that has accounts in the newest version
#   of `source`: the sum of their balances and their number.
# - A null segment is a segment of its own, and a null balance counts as 0.
# - A segment without accounts has no row.
#
# The rest is as in Task 3:
#
# - After the call `state` says the newest version under the name `aggregate`. Its other rows stay.
#   If the feed has no new row, whether `state` moves is left open.
# - A call makes at most one commit in `aggregate` and one in `state`, and drops neither of them.
# - Both keep their columns.
# - The call reads the feed after the recorded version, and no other rows of `source`: in the
#   checks, files that this feed does not need may be gone.
# - If `source` has no newer version than `state` says, there is no commit.
# - If one of the two tables refuses its commit, the call raises.
# - `state` never names a version that `aggregate` does not hold.
# - The next call makes both tables right, also if `source` has gone on in between.
# - Others may commit to `aggregate` between two calls, such as a new property or an OPTIMIZE. They
#   never change its rows. They may note a `txnVersion` of another job, or words and numbers, such
#   as `12` or `tuned with version 12`. Otherwise no note of theirs has the form of yours.
#
# A sum does not show what was added to it already, so this is harder than Task 3. Whether a call
# writes `aggregate` when its rows stay the same is left open. So is what else you note in the
# commit of `aggregate`; Delta has the option `userMetadata` for a text, and `txnAppId` with
# `txnVersion` for a number.


# %%
def maintain(spark: SparkSession, source: str, aggregate: str, state: str) -> None:
    """Brings the sums to the source's newest version; each commit tells which version it holds."""
    # BEGIN SOLUTION: add the difference once: the commit that holds it says so
    since, newest = recorded(spark, state, aggregate), newest_version(spark, source)
    if since == newest:
        return
    held = max(since, held_version(spark, aggregate))
    if held < newest:
        difference = aggregate_delta(feed_between(spark, source, held, newest))
        sums = (
            spark.table(aggregate)
            .unionAll(difference)
            .groupBy("segment")
            .agg(
                F.sum("balance").cast("decimal(22,2)").alias("balance"),
                F.sum("accounts").alias("accounts"),
            )
            .where("accounts > 0")
        )
        writer = sums.coalesce(1).writeTo(aggregate).option("userMetadata", f"{HELD}{newest}")
        writer.overwrite(F.lit(True))
    record(spark, state, aggregate, newest)
    # END SOLUTION


# %% [markdown]
# Again there is room for a function of your own.

# %%
# BEGIN SOLUTION: functions of your own, if you want any
HELD = "source version "


def held_version(spark: SparkSession, aggregate: str) -> int:
    """The greatest version that our own commits say; -1 if there is none."""
    history = DeltaTable.forName(spark, aggregate).history().select("userMetadata")
    notes = history.where(F.col("userMetadata").startswith(HELD)).collect()
    return max((int(row.userMetadata.removeprefix(HELD)) for row in notes), default=-1)


# END SOLUTION

# %% [markdown]
# The same crashes as in Task 3. The call after them finds a source that has gone on: it must not
# count again what a dead call had added.

# %%
lab.check("maintain")

# %% [markdown]
# ## Put it together
#
# Play the commits again on a table `live`, up to the OPTIMIZE of version 4, and make the first
# load. The feed of the first versions was not recorded, so `read_changes` gives all rows as
# inserts. They fill copy, aggregate and state in one go. These cells wait until all five functions
# are written.

# %%
done = lab.written("net_changes", "read_changes", "apply_changes", "aggregate_delta", "maintain")
live, copy, by_segment, state = (
    f"{lab.schema}.{name}" for name in ("live", "copy", "by_segment", "state")
)
SUMS = "segment string, balance decimal(22,2), accounts long"
for name, columns in {live: ACCOUNTS, copy: ACCOUNTS, by_segment: SUMS, state: STATE}.items():
    spark.sql(f"CREATE TABLE {name} ({columns}) USING delta")
for path in files[:4]:
    commit(path, live)

if done:
    first = read_changes(spark, live, -1)
    first.groupBy("_change_type", "_commit_version").count().show()
    first.select("account_id", "segment", "balance", "city").write.insertInto(copy)
    aggregate_delta(first).write.insertInto(by_segment)
    spark.createDataFrame([(copy, 4), (by_segment, 4)], STATE).write.insertInto(state)

# %% [markdown]
# Now the job dies. A constraint lets `state` refuse version 5, after both tables have taken its
# changes. Then the source goes on to version 8, and the job runs again.


# %%
def run() -> None:
    """Both jobs; each tells what it died of."""
    for job, table in ((apply_changes, copy), (maintain, by_segment)):
        try:
            job(spark, live, table, state)
        except Exception as error:
            print(f"{job.__name__} died:", str(error).split("] ")[-1].split("\n")[0][:60])


# %% [markdown]
# After the crash both tables are ahead of their state: they hold version 5, it says 4. After the
# second run they hold version 8 exactly, and the changes of version 5 once.

# %%
if done:
    spark.sql(f"ALTER TABLE {state} ADD CONSTRAINT frozen CHECK (version < 5)")
    commit(files[4], live)
    run()
    print("state:", [row.version for row in spark.table(state).collect()])
    spark.sql(f"ALTER TABLE {state} DROP CONSTRAINT frozen")
    for path in files[5:]:
        commit(path, live)
    run()
    print("state:", [row.version for row in spark.table(state).collect()])


# %%
def same_rows(table: str, right: DataFrame) -> bool:
    """Whether a table has these rows, whatever the names of their columns."""
    found, wanted = (
        sorted(map(tuple, frame.collect()), key=str) for frame in (spark.table(table), right)
    )
    return found == wanted


if done:
    balances = f"SELECT segment, sum(coalesce(balance, 0)), count(*) FROM {live} GROUP BY segment"
    print("the copy is right:", same_rows(copy, spark.table(live)))
    print("the aggregate is right:", same_rows(by_segment, spark.sql(balances)))

# %% [markdown]
# Why does Task 3 not merge the rows of `net_changes`? They say what to do with a table that is *at*
# the first version of the range. After the crash the copy was at version 5, and its state said 4.
# These accounts came with version 5 and went with version 6. The copy had them, the source has not,
# and no net change of the versions 5 and 6 says so.

# %%
if done:
    two = read_changes(spark, live, 4).where("_commit_version <= 6")
    at_five, at_six = (spark.read.option("versionAsOf", v).table(live) for v in (5, 6))
    left = at_five.join(at_six, on="account_id", how="left_anti")
    left.join(net_changes(two), on="account_id", how="left_anti").show(3)

# %% [markdown]
# What did each version cost downstream? The picture has the rows of the feed beside the accounts
# that were really different. A consumer pays for the first, and the overwrite makes it read every
# account twice.

# %%
import matplotlib.pyplot as plt

if done:
    counts = []
    for version in range(4, 9):
        rows = feed.where(F.col("_commit_version") == version)
        counts.append((rows.count(), net_changes(rows).count()))
    figure, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
    for shift, label, heights in zip(
        (-0.2, 0.2),
        ("rows of the feed", "accounts that differ"),
        zip(*counts, strict=True),
        strict=True,
    ):
        bars = ax.bar([n + shift for n in range(4, 9)], heights, width=0.4, label=label)
        ax.bar_label(bars)
    ax.set(
        xlabel="version (4 is the OPTIMIZE, 7 the overwrite)",
        yscale="symlog",
        ylim=(0, 4000),  # room for the greatest label
        title="What a version costs downstream",
    )
    ax.legend()
    plt.show()

# %% [markdown]
# ## In practice
#
# - **The feed is not for ever.** Change files go with VACUUM, and Delta refuses versions older than
#   `delta.deletedFileRetentionDuration`, files or no files. A consumer must come more often than
#   that, with room for a long weekend. Set the retention by the slowest one. The log goes as well,
#   after `delta.logRetentionDuration`, and with it what commits noted.
# - **After a gap, compare.** A snapshot as inserts tells nothing of deleted accounts. Replace the
#   copy in one commit, or MERGE with `whenNotMatchedBySourceDelete`.
# - **A frame is not yet read.** Delta looks for the changes when the frame runs. Name both ends of
#   the range, and write down the end that you named, not the newest version after the work.
# - **A transaction number is not enough for sums.** `txnAppId` and `txnVersion` skip a commit that
#   comes again under the *same* number. After a crash the range has grown and so has the number:
#   Delta takes it for new work. Note what the table holds in the commit that makes it so.
# - **Writes that change nothing fill the feed.** A MERGE condition that compares the values saves
#   everybody downstream this work. An overwrite fills it most: a delete and an insert of every row.
# - **Streams.** `readStream` with `readChangeFeed` keeps the position in its checkpoint. Without
#   `startingVersion` it begins with the current table, as inserts, in one batch or in several.
#   `foreachBatch` may get a batch twice, so its writes need the same care.
#
# **An outbox** is the other way to publish changes: the writer also writes an event, in the same
# transaction. It can say why something changed ("closed by the customer"). The feed only knows
# what, but it needs no change of the writer.
#
# **On Databricks** the feed has the same property and the same options, and `table_changes` reads
# it in SQL, as it does here. In a pipeline, `AUTO CDC INTO` takes the feed without its preimages,
# in an order that you name, and keeps position and copy in step. `_commit_version` alone does not
# order the delete and the insert of an overwrite. A materialized view over tables with row tracking
# is refreshed from changes where its query allows that, else in full. What stays yours: the
# retention, what to do after a gap, and every consumer outside the pipeline.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. An UPDATE set a column to the value that it had. What does the feed have of it, and why does it
#    matter downstream?
# 2. Your job writes a table, then its position in another. Which goes first, and what else must
#    hold?
# 3. How do you keep a sum exactly once when the write can be repeated with a longer range?
# 4. A consumer was off for three weeks, and the feed is gone. What do you do?
# 5. When would you not use the change feed, and rebuild instead?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Both images, equal in all columns: the feed tells what a commit wrote, not what differs. Row
#    counts, alerts and sinks that append count it as a change. Compare the images, or better, do
#    not write equal rows at all: put the comparison into the MERGE condition.
# 2. The table first, then the position. The other way round a crash between them loses changes, and
#    nobody reads them again. This way they come twice, so applying them again must change nothing:
#    last image by key, present or absent. Differences relative to the recorded position, such as
#    net changes or sums, do not have that property.
# 3. Make the sum and the note of what it holds one commit: `userMetadata`, a column of the table,
#    or the number of the transaction, read back before the next range is computed. Then the range
#    begins after what the table holds, whatever the state says. Only asking Delta to skip a number
#    does not help when the repeated range ends later.
# 4. Take a snapshot at a named version, replace the copy in one commit, record that version, and go
#    on with the feed from there. Tell the owner which deletes nobody saw as events. Then alert on
#    the age of the oldest version that is not yet read, well below the retention.
# 5. When most rows change anyway (a nightly overwrite makes the feed twice the table), when the
#    result needs more than the changed rows (ranks, medians, distinct counts), or when the table is
#    small. A rebuild also repairs what an incremental job got wrong: run one now and then, and
#    compare.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Delta Lake, [Change data feed](https://docs.delta.io/latest/delta-change-data-feed.html)
# - Delta Lake, [Idempotent writes][idempotent] with `txnAppId` and `txnVersion`
# - Delta protocol, [Change data files][protocol] and `commitInfo`
# - Martin Kleppmann, [Using logs to build a solid data infrastructure][logs]
#
# [idempotent]: https://docs.delta.io/latest/delta-streaming.html
# [protocol]: https://github.com/delta-io/delta/blob/master/PROTOCOL.md
# [logs]: https://martin.kleppmann.com/2015/05/27/logs-for-data-infrastructure.html
