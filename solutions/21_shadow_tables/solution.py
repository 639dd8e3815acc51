# ---
# level: senior
# minutes: 75
# needs: []
# datasets: [tax_events]
# topics: [structured streaming, delta, reprocessing, blue/green, views]
# ---
# %% [markdown]
# # Rebuild history beside the live table, and switch without a pause
#
# A wrong tax rule has been live for days in a table that dashboards and two streams read. The table
# must be computed again, from the first file on, while new events arrive and everybody reads. You
# build a second table beside the first, compare the two, bring in what came meanwhile, and switch.
# At the end you can go back in one step, and no reader has met an empty table or half of one.
#
# **You will learn** to
#
# - rebuild a streaming table from its files, again and again, without touching the live one,
# - compare two tables so that errors can't cancel each other, and decide by rules,
# - switch readers by one change of the catalog, and roll back without moving data.

# %% [markdown]
# ## The data
#
# `tax_events` are the events of a shop, as JSON lines. `history/` has a file for each day, and
# `arriving/` what comes on two evenings while you work. An event is one line of one file, and its
# `event_id` and `at` are never null.

# %%
import labkit

lab = labkit.open("shadow_tables")
spark = lab.spark
folder = lab.data("tax_events")
print(*sorted(str(path.relative_to(folder)) for path in folder.rglob("*.json")), sep="\n")
print((folder / "history/2026-11-01.json").read_text()[:240])

# %%
import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

EVENTS = (
    "event_id string, order_id string, country string, net decimal(12,2), at timestamp"
)
TAXES = f"{EVENTS}, tax decimal(12,2)"
DEPLOYMENTS = (
    "view string, step long, action string, from_table string, to_table string, at timestamp"
)
RATES = {"AT": 0.2, "DE": 0.19, "FR": 0.2, "IT": 0.22}

# %% [markdown]
# A rule takes events and returns each of them with its tax. The old rule misses two things: the
# rate of Austria since 4 November, and Greece, whose code is `EL`. `new_rule` also says which rate
# it took, in a column that the live table does not have.


# %%
def taxed(rate: F.Column) -> F.Column:
    """The tax of an event at this rate, in cents."""
    return F.round(F.col("net") * rate.cast("decimal(4,2)"), 2).cast("decimal(12,2)")


def rate_of(rates: dict[str, float]) -> F.Column:
    """The rate of an event's country; null for a country without one."""
    pairs = [F.lit(cell) for pair in rates.items() for cell in pair]
    return F.create_map(*pairs)[F.col("country")]


def old_rule(events: DataFrame) -> DataFrame:
    return events.withColumn("tax", taxed(F.coalesce(rate_of(RATES), F.lit(0.0))))


def new_rule(events: DataFrame) -> DataFrame:
    is_reduced = (F.col("country") == "AT") & (F.col("at") >= "2026-11-04")
    rate = F.when(is_reduced, 0.1).otherwise(rate_of(RATES))
    return events.withColumn("tax", taxed(rate)).withColumn("rate", rate)


# %% [markdown]
# For the names in all tasks:
#
# - Names of tables and views are a schema, a dot and a name, of letters, digits and `_`. They are
#   written in the same case wherever they occur.
# - Names of columns may be such that SQL needs backticks, as in `tax-code` or `eu.rate`. None has a
#   backtick in it, and no two differ by case only.
#
# This is the live pipeline, and the view that everybody reads:


# %%
inbox, checkpoints = lab.scratch / "inbox", lab.scratch / "checkpoints"
live, shadow, deployments, taxes = (
    f"{lab.schema}.{name}" for name in ("live", "shadow", "deployments", "taxes")
)


def run_live() -> None:
    """What the live pipeline does every few minutes: new files through the old rule."""
    events = spark.readStream.schema(EVENTS).json(str(inbox))
    stream = old_rule(events).writeStream.format("delta").trigger(availableNow=True)
    stream.option("checkpointLocation", checkpoints / "live").toTable(live).awaitTermination()


shutil.copytree(folder / "history", inbox, dirs_exist_ok=True)
spark.sql(f"""CREATE TABLE IF NOT EXISTS {live} ({TAXES}) USING delta PARTITIONED BY (country)
    TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'team' = 'finance')""")
run_live()
spark.sql(f"CREATE TABLE IF NOT EXISTS {deployments} ({DEPLOYMENTS}) USING delta")
spark.sql(f"""CREATE VIEW IF NOT EXISTS {taxes} COMMENT 'what we owe'
    TBLPROPERTIES ('contract' = 'v1') AS SELECT * FROM {live}""")
spark.table(taxes).groupBy("country").agg(F.count("*"), F.sum("tax")).orderBy("country").show()

# %% [markdown]
# ## What a table remembers
#
# A rebuild seldom succeeds at the first attempt. So you empty the table and start over, perhaps by
# `CREATE OR REPLACE TABLE`. A common writer of micro-batches gives Delta its own name and the
# number of the batch, so that a batch that comes again is skipped. How many rows do you expect in
# the last line?


# %%
def append_batch(table: str, number: int) -> None:
    writer = spark.range(3).write.format("delta").mode("append")
    writer.option("txnAppId", "rebuild").option("txnVersion", number).saveAsTable(table)


trial = f"{lab.schema}.trial"
spark.sql(f"CREATE OR REPLACE TABLE {trial} (id long) USING delta")
append_batch(trial, 0)
print("first attempt: ", spark.table(trial).count(), "rows")
spark.sql(f"CREATE OR REPLACE TABLE {trial} (id long) USING delta")
append_batch(trial, 0)
print("second attempt:", spark.table(trial).count(), "rows")

# %% [markdown]
# The table is new, but its log is not. The name `rebuild` has written batch 0 before, so Delta
# skips it, without an error. `DELETE` and `RESTORE` do not change that either.
#
# ## Task 1: rebuild beside the live table
#
# Write `build_shadow(spark, source, live, shadow, rule, checkpoint)`. It reads the files in the
# folder `source` as a stream that ends when it has read all, and appends `rule(events)` to the
# Delta table `shadow`. `events` has the columns of `EVENTS`. `live` is the name of the live table.
#
# `rule` is a function like `new_rule`. It gets a batch or a stream, and makes one row of each
# event, with further columns.
#
# - When the call returns, each event in the files is one row of `shadow`, as `rule` made it. An
#   event whose tax is null is a row, too.
# - The files lie directly in `source`. None is more than a day older than another.
# - `checkpoint` is the checkpoint folder. If it exists, an earlier call made it, and this one goes
#   on from there: it adds the events of files that are new.
# - A job can die after a commit, and before the checkpoint knows of it. The next call leaves each
#   event once.
# - If the folder `checkpoint` does not exist, the call begins anew. Then `shadow` may exist or not;
#   after the call it has the rows of this call alone, and the columns that `rule` returns.
# - `shadow` is partitioned by the columns by which `live` is, if by any, and has the table
#   properties that `live` has, with any values.
# - The call writes nothing to `live`.
#
# The order of the columns of `shadow` is up to you. Put those of the partitions last: Spark 4.2
# can't replace a table twice by another schema if they come before others.


# %%
def build_shadow(
    spark: SparkSession,
    source: str,
    live: str,
    shadow: str,
    rule: Callable[[DataFrame], DataFrame],
    checkpoint: str,
) -> None:
    """Streams all files through a rule into a table of its own, from the first one on."""
    # BEGIN SOLUTION: make the table if the checkpoint is new, then stream the files into it
    if not Path(checkpoint).exists():
        detail = spark.sql(f"DESCRIBE DETAIL {live}").first()
        rows, by = rule(spark.createDataFrame([], EVENTS)), detail.partitionColumns
        columns = rows.select(*[name for name in rows.columns if name not in by], *by).schema
        made = DeltaTable.createOrReplace(spark).tableName(shadow).addColumns(columns)
        for name, value in detail.properties.items():
            made = made.property(name, value)
        made.partitionedBy(*by).execute()
    # Delta's own sink names its batches by the id of the query, and that is in the checkpoint.
    events = spark.readStream.schema(EVENTS).json(source)
    stream = rule(events).writeStream.format("delta").option("checkpointLocation", checkpoint)
    stream.trigger(availableNow=True).toTable(shadow).awaitTermination()
    # END SOLUTION


# %% [markdown]
# The checks build a shadow, let the job die, add a file, and build again with another rule.
# `lab.hint("build_shadow")` gives the first of the hints.

# %%
lab.check("build_shadow")

# %% [markdown]
# ## Task 2: compare
#
# Two tables can have equal counts and equal sums, and no equal row. Write `compare(live, shadow,
# tolerance, expected)`. `live` and `shadow` are frames with the columns of `TAXES` and perhaps
# more, of any names, in any order. `tolerance` is a `Decimal`. `expected` is a dict from a country
# to a `date`. Countries and events are the same only if their texts are, case and blanks included.
#
# It returns a row for each country and day of an event in `live` or `shadow`:
#
# | column | what it is |
# |---|---|
# | `country` string, `day` date | the country, and the date of `at` |
# | `live_rows`, `shadow_rows` long | how many rows there are on this side |
# | `missing` long | how many events `live` has and `shadow` has not |
# | `extra` long | how many events `shadow` has and `live` has not |
# | `changed` long | how many events are on both sides, with another tax |
# | `live_tax`, `shadow_tax` decimal(22,2) | the sum of `tax` on this side; 0 if there is none |
# | `verdict` string | `equal`, `expected` or `broken` |
#
# - Events are told apart by `event_id`. An event has one country and one `at` in all of its rows.
# - Through a fault, an event may have several rows on a side. It is one event then, and its tax on
#   that side is the sum of theirs. A sum leaves out nulls, and is null if all are null.
# - An event has another tax if exactly one of the two sides is null, or if they differ by more than
#   `tolerance`.
# - `country` may be null. These events are compared as those of a country are.
#
# The first of these rules that holds gives the verdict:
#
# 1. `broken`: an event is missing or extra, or the counts of rows differ.
# 2. `equal`: no event is changed.
# 3. `expected`: the country is in `expected`, and the day is the date that it has there, or later.
# 4. `broken`: all the rest.


# %%
def compare(
    live: DataFrame, shadow: DataFrame, tolerance: Decimal, expected: dict[str, date]
) -> DataFrame:
    """What differs between two tables, by country and day, and whether it may."""
    # BEGIN SOLUTION: bring each event of both sides into one row, then sum by country and day
    event = ["country", "day", "event_id"]

    def side(rows: DataFrame, number: int) -> DataFrame:
        named = rows.withColumn("day", F.to_date("at")).withColumn("side", F.lit(number))
        return named.select("country", "day", "event_id", "tax", "side")

    def on(number: int, value: F.Column) -> F.Column:
        return F.when(F.col("side") == number, value)

    events = (
        side(live, 0)
        .unionByName(side(shadow, 1))
        .groupBy(event)
        .agg(
            F.count(on(0, F.lit(1))).alias("live_rows"),
            F.count(on(1, F.lit(1))).alias("shadow_rows"),
            F.sum(on(0, F.col("tax"))).alias("live_tax"),
            F.sum(on(1, F.col("tax"))).alias("shadow_tax"),
        )
    )
    is_far = F.abs(F.col("live_tax") - F.col("shadow_tax")) > F.lit(tolerance)
    one_is_null = F.isnull("live_tax") != F.isnull("shadow_tax")
    on_both = (F.col("live_rows") > 0) & (F.col("shadow_rows") > 0)
    first_days = [F.lit(cell) for pair in expected.items() for cell in pair]
    first_day = F.create_map(*first_days)[F.col("country")] if expected else F.lit(None)
    return (
        events.groupBy("country", "day")
        .agg(
            F.sum("live_rows").alias("live_rows"),
            F.sum("shadow_rows").alias("shadow_rows"),
            F.count_if(F.col("shadow_rows") == 0).alias("missing"),
            F.count_if(F.col("live_rows") == 0).alias("extra"),
            F.count_if(on_both & (one_is_null | is_far)).alias("changed"),
            F.coalesce(F.sum("live_tax"), F.lit(0)).cast("decimal(22,2)").alias("live_tax"),
            F.coalesce(F.sum("shadow_tax"), F.lit(0)).cast("decimal(22,2)").alias("shadow_tax"),
        )
        .withColumn(
            "verdict",
            F.when(F.expr("missing + extra > 0 OR live_rows <> shadow_rows"), "broken")
            .when(F.col("changed") == 0, "equal")
            .when(F.col("day") >= first_day.cast("date"), "expected")
            .otherwise("broken"),
        )
    )
    # END SOLUTION


# %% [markdown]
# The checks compare hand-made countries and random ones, each with a fault of its own.

# %%
lab.check("compare")

# %% [markdown]
# ## Task 3: catch up
#
# The rebuild has ended, and files are moved away each night. Yet the live table went on growing
# after the version that you compared. Write `catch_up(spark, live, shadow, rule, since)`. It
# appends to the table `shadow` the events that came into the table `live` after version `since`.
# It returns a version of `live`, an int.
#
# `live` has the columns of `TAXES`, is only appended to and compacted, and has each event once. Its
# version 0 made the table, without rows.
# `shadow` has the columns that `rule` returns. Both may have their columns in any order.
#
# - Each event that came after version `since` is one row of `shadow`. `rule` makes it, of a batch
#   frame with the columns of `EVENTS`.
# - An event that `shadow` has already is not added: the rebuild may have read its file.
# - An event that `live` had at version `since` is not added.
# - The version that it returns says how far it got: with it as `since`, a later call brings the
#   rest. `live` may get commits at any moment during the call, and no event is lost.
# - A call that finds no event to add writes no data file.
# - The rows that `shadow` has do not change. The call writes nothing to `live`.
# - `at` is the time of the invoice, not of the arrival: an event may come late.


# %%
def catch_up(
    spark: SparkSession,
    live: str,
    shadow: str,
    rule: Callable[[DataFrame], DataFrame],
    since: int,
) -> int:
    """Brings events of later versions of the live table into the shadow; the version it read."""
    # BEGIN SOLUTION: pin the newest version, take what it has and `since` has not, append the rest
    newest = DeltaTable.forName(spark, live).history(1).first().version

    def live_at(version: int) -> DataFrame:
        return spark.read.option("versionAsOf", version).table(live)

    arrived = live_at(newest).join(live_at(since), on="event_id", how="left_anti")
    missing = arrived.join(spark.table(shadow), on="event_id", how="left_anti")
    names = spark.createDataFrame([], EVENTS).columns
    rule(missing.select(names)).write.format("delta").mode("append").saveAsTable(shadow)
    return newest
    # END SOLUTION


# %% [markdown]
# The checks let an event arrive while `rule` runs, with events to add and without.

# %%
lab.check("catch_up")

# %% [markdown]
# ## How atomic is a view?
#
# Readers know the view only, so a switch is a new text for the view. `CREATE OR REPLACE VIEW` looks
# like one step. Look at what the view said of itself before and after:

# %%
spark.sql(f"""CREATE OR REPLACE VIEW {lab.schema}.trial_view COMMENT 'read by 30 dashboards'
    TBLPROPERTIES ('contract' = 'v1') AS SELECT * FROM {trial}""")
print(spark.sql(f"SHOW TBLPROPERTIES {lab.schema}.trial_view").collect())
spark.sql(f"CREATE OR REPLACE VIEW {lab.schema}.trial_view AS SELECT * FROM {trial}")
print(spark.sql(f"SHOW TBLPROPERTIES {lab.schema}.trial_view").collect())

# %% [markdown]
# In Spark this statement drops the view and creates another one. In between there is no view, and a
# query that starts then fails. What belonged to the old view is gone: comment and properties, and
# in many catalogs its grants.
# [The reference](https://spark.apache.org/docs/latest/sql-ref-syntax-ddl-alter-view.html) has the
# statement that changes a view in place.
#
# ## Task 4: switch
#
# Write `switch(spark, view, to, verdicts, deployments)`. It makes the view `view` read the table
# `to`. `verdicts` is a frame that `compare` returned. `deployments` is a Delta table with the
# columns of `DEPLOYMENTS`, in any order, that has the steps of all views; `step` orders those of a
# view. Names of tables and views are recorded as they are given. The view exists, and so does the
# table that it reads.
#
# - After the call a query on the view reads `to`: all rows, also those that come later. The columns
#   of the view are as before: the same names, types and order, though `to` may have them in another
#   order, and more of them.
# - The view is changed in place: it is never dropped, created again or renamed. It keeps its
#   comment and its properties.
# - One row is added to `deployments`: `view`, the next `step` of this view, `switch` as `action`,
#   `from_table`, `to_table`, and the time of the call as `at`.
# - The next step is one more than the view's greatest, and 1 for a view without steps.
# - `from_table` is the `to_table` of the view's greatest step, and null for a view without steps.
# - If the view's greatest step has `to` as `to_table`, the call changes nothing. It raises
#   `ValueError` all the same for the reasons below.
# - Nothing is written to any other table. No table or view is added, not even a temporary one. No
#   row of `deployments` changes.
#
# The call raises `ValueError` and changes nothing, neither view nor `deployments`,
#
# - if a row of `verdicts` is `broken`, or if `verdicts` has no row: nothing was compared
# - if there is no table `to`, if it lacks a column of the view, or has it with another type.


# %%
# BEGIN SOLUTION: functions that two tasks use, if you want any
def steps_of(spark: SparkSession, view: str, deployments: str) -> list:
    """The steps of a view, in order."""
    steps = spark.table(deployments).where(F.col("view") == view)
    return sorted(steps.collect(), key=lambda row: row.step)


def require_fit(spark: SparkSession, view: str, to: str) -> None:
    """ValueError if the table is not there, or can't stand behind the view."""
    if not spark.catalog.tableExists(to):
        raise ValueError(f"there is no table {to}")
    columns = spark.table(view).schema
    found = {field.name: field.dataType for field in spark.table(to).schema}
    wrong = [field.name for field in columns if found.get(field.name) != field.dataType]
    if wrong:
        raise ValueError(f"{to} does not have {', '.join(wrong)} as {view} has it")


def point(spark: SparkSession, view: str, to: str) -> None:
    """Changes the view's text in place; its columns stay."""
    names = ", ".join(f"`{name}`" for name in spark.table(view).columns)
    spark.sql(f"ALTER VIEW {view} AS SELECT {names} FROM {to}")


def record(spark: SparkSession, deployments: str, *step: object) -> None:
    """Appends a step to the deployments, with the time of now."""
    ddl = DEPLOYMENTS.rpartition(",")[0]
    row = spark.createDataFrame([step], ddl).withColumn("at", F.current_timestamp())
    row.write.format("delta").mode("append").saveAsTable(deployments)


# END SOLUTION


# %%
def switch(
    spark: SparkSession, view: str, to: str, verdicts: DataFrame, deployments: str
) -> None:
    """Makes a view read another table, if the comparison allows it, and records that."""
    # BEGIN SOLUTION: look at the verdicts and the steps, change the view in place, record a step
    found = {row.verdict for row in verdicts.select("verdict").collect()}
    if not found or "broken" in found:
        raise ValueError(f"{to} is not ready: {', '.join(found) or 'nothing was compared'}")
    require_fit(spark, view, to)
    steps = steps_of(spark, view, deployments)
    now = steps[-1].to_table if steps else None
    if now == to:
        return
    point(spark, view, to)
    number = steps[-1].step + 1 if steps else 1
    record(spark, deployments, view, number, "switch", now, to)
    # END SOLUTION


# %% [markdown]
# The checks listen to the catalog, which tells each change of a view.

# %%
lab.check("switch")

# %% [markdown]
# ## Task 5: roll back
#
# Write `roll_back(spark, view, deployments)`. It makes the view read the table that it read before
# its last switch that is not rolled back yet. So after switches to A, B and C, a first call leads
# to B and a second to A.
#
# - A switch leads from its `from_table`. Each step with the action `roll_back` has undone one
#   switch: the last before it that was not undone.
# - A step is added as in Task 4, with the action `roll_back`. `from_table` is again the `to_table`
#   of the view's greatest step.
# - As in Task 4, the view keeps its columns, comment and properties, and is changed in place.
#   Nothing is written to any other table, and no table or view is added, not even a temporary one.
# - The call raises `ValueError` and changes nothing if no switch is left to undo, or if the
#   `from_table` of the switch is null.
# - So it does if that table is gone, lacks a column of the view, or has it with another type.


# %%
def roll_back(spark: SparkSession, view: str, deployments: str) -> None:
    """Makes a view read what it read before its last switch, and records that."""
    # BEGIN SOLUTION: find the last switch that is not undone, go back to where it came from
    steps = steps_of(spark, view, deployments)
    switches: list[str | None] = []
    for step in steps:
        if step.action == "switch":
            switches.append(step.from_table)
        else:
            switches.pop()
    back = switches[-1] if switches else None
    if back is None:
        raise ValueError(f"{view} has no table to go back to")
    require_fit(spark, view, back)
    point(spark, view, back)
    last = steps[-1]
    record(spark, deployments, view, last.step + 1, "roll_back", last.to_table, back)
    # END SOLUTION


# %%
lab.check("roll_back")

# %% [markdown]
# ## Task 6: a canary
#
# Before all readers switch, some orders try the new rule. Write `canary(df, key, share, salt)`. It
# returns `df` with one more column, the last: `arm` (string), `new` or `old`. `df` has no column of
# this name. `key` is the name of a string column, `share` a float from 0 to 1, `salt` a string.
#
# - All rows of a key have one arm. With the same `share` and `salt`, a key has the same arm in
#   another frame and in another order of rows.
# - Of many keys, about the share `share` is `new`: of 40,000 keys at most a fifth more or fewer,
#   for shares from 0.01 on.
# - With share 0 no key is `new`, with share 1 each is.
# - A key that is `new` at a share is `new` at each greater one.
# - With another `salt`, other keys are `new`.
# - A null key is `old` at every share.
# - No row and no other column changes, whatever the names of the columns.


# %%
def canary(df: DataFrame, key: str, share: float, salt: str) -> DataFrame:
    """The rows with their arm: `new` for about a share of the keys, the same at each run."""
    # BEGIN SOLUTION: make a number from 0 to 1 of salt and key, and compare it with the share
    parts = 1_000_000
    name = F.col(f"`{key}`")
    place = F.pmod(F.xxhash64(F.lit(salt), name), F.lit(parts))
    is_new = name.isNotNull() & (place < F.lit(share * parts))
    return df.withColumn("arm", F.when(is_new, "new").otherwise("old"))
    # END SOLUTION


# %%
lab.check("canary")

# %% [markdown]
# ## Put it together
#
# Now the whole deployment. These cells wait until the functions are written. The view reads the
# live table: that is its first step. Then the shadow is built and compared. Austria may differ.

# %%
done = lab.written("build_shadow", "compare", "catch_up", "switch", "roll_back", "canary")
expected = {"AT": date(2026, 11, 4)}
cent = Decimal("0.01")


def newest(table: str) -> int:
    return DeltaTable.forName(spark, table).history(1).first().version


def total() -> Decimal:
    """What a dashboard shows."""
    return spark.table(taxes).agg(F.sum("tax")).first()[0]


if done:
    spark.sql(f"""INSERT INTO {deployments}
        VALUES ('{taxes}', 1, 'switch', NULL, '{live}', current_timestamp())""")
    build_shadow(spark, str(inbox), live, shadow, new_rule, str(checkpoints / "first"))
    compared = newest(live)
    verdicts = compare(spark.table(live), spark.table(shadow), cent, expected)
    verdicts.groupBy("verdict").count().orderBy("verdict").show()
    verdicts.where("verdict = 'broken'").show(3)

# %% [markdown]
# Greece is broken: the new rule knows no rate for `EL`, so its tax is null, where the old rule said
# 0. A sum over all countries shows Austria's lower rate, and nothing of Greece. The switch refuses:

# %%
if done:
    try:
        switch(spark, taxes, shadow, verdicts, deployments)
    except ValueError as error:
        print("refused:", error)
    print("dashboard:", total())

# %% [markdown]
# So the rule is fixed, Greece may differ too, and history is built again, with a new checkpoint. A
# file arrives, and the live pipeline reads it after the comparison.


# %%
def fixed_rule(events: DataFrame) -> DataFrame:
    is_greek = F.col("country") == "EL"
    other = new_rule(events)
    rate = F.when(is_greek, 0.24).otherwise(F.col("rate"))
    return other.withColumn("tax", taxed(rate)).withColumn("rate", rate)


if done:
    build_shadow(spark, str(inbox), live, shadow, fixed_rule, str(checkpoints / "second"))
    expected["EL"] = date(2026, 11, 1)
    compared = newest(live)
    verdicts = compare(spark.table(live), spark.table(shadow), cent, expected)
    verdicts.groupBy("verdict").count().orderBy("verdict").show()
    shutil.copy(folder / "arriving/evening-1.json", inbox)
    run_live()
    compared = catch_up(spark, live, shadow, fixed_rule, compared)
    print(spark.table(live).count(), "events live,", spark.table(shadow).count(), "in the shadow")

# %% [markdown]
# The switch. A frame that a dashboard made before it goes on reading the old table: a view is
# resolved when a frame is made. So a long-lived session must ask again.

# %%
if done:
    made_before = spark.table(taxes)
    switch(spark, taxes, shadow, verdicts, deployments)
    print("old frame:", made_before.agg(F.sum("tax")).first()[0], "new query:", total())
    print("columns:", spark.table(taxes).columns)
    roll_back(spark, taxes, deployments)
    print("after the roll-back:", total())
    spark.table(deployments).orderBy("step").select("step", "action", "to_table").show(10, False)

# %% [markdown]
# One order in ten would have tried the new rule first:

# %%
if done:
    arms = canary(spark.table(live), "order_id", 0.1, "tax-2026")
    arms.groupBy("arm").agg(F.countDistinct("order_id").alias("orders")).orderBy("arm").show()

# %% [markdown]
# ## In practice
#
# - **From where to replay?** From Kafka if it keeps enough days, else from raw files or a bronze
#   table. One code path for the past and the present is what Kappa asks for; Lambda keeps a batch
#   path and a streaming path, and each rule twice.
# - **How fast.** A rebuild should not take the live job's resources. Give it a cluster of its own,
#   bound its batches by `maxFilesPerTrigger`, and know what both tables cost until you drop one.
# - **State does not move.** A query with windows or de-duplication can't take over another query's
#   checkpoint. Spark even accepts a window of another length on an old checkpoint, and mixes old
#   state with new. A new rule gets a new checkpoint, and replays.
# - **No clone.** A shallow clone of the live table is a quick shadow, until VACUUM on the live
#   table removes files that the clone still reads.
# - **Downstream streams** read a table, not a view. After the switch they go on with the old one,
#   so each needs a plan: a new checkpoint on the new table, from a version that you agree on. If
#   you overwrite the live table instead, they stop, or with `skipChangeCommits` never see the new
#   rows.
# - **Schema first.** Add a column as nullable in one release, fill it in the next, require it in
#   the third. The view is the contract: it shows a new column when its readers are ready.
# - **Keep the old table** as long as a wrong number may still turn up: until a month-end, say. Its
#   pipeline has to run as long, or a roll-back shows yesterday's data.
#
# **On Databricks** a deep clone copies a table with its files, which open-source Delta can't: it is
# a shadow that VACUUM on the live table does not harm. A full refresh of a streaming table in a
# Lakeflow pipeline clears it and loads it again in place. To compare before readers see anything,
# let the new rule fill a second table there, too, and switch the view yourself.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. A rule was wrong for nine days in a streaming table. Walk me through the repair.
# 2. Why not delete the checkpoint, and let the live stream read everything again?
# 3. Counts and totals of both tables agree. Why don't you switch?
# 4. How do readers never meet an empty or a mixed table during the switch?
# 5. A second rebuild into the same table ended without an error, and the table is empty. What
#    happened?
# 6. What happens to streams that read the table which you replace?
# 7. How do you choose the orders that try a new rule first?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Build a second table from the raw files, with a checkpoint of its own, while the live job runs
#    on. Compare by event, and tell what may differ from what may not. Bring in what arrived after
#    the compared version. Switch the view that readers use, and keep the old table and its job for
#    a roll-back. Then move downstream streams, one by one.
# 2. All events are appended a second time, beside the old rows: nine days twice, and the rest as
#    well. If you empty the table first, readers see that, until the replay is done. And there is no
#    way back if the new rule is wrong, too.
# 3. Errors cancel: a lost event and a doubled one give the same count, a tax too low and one too
#    high the same sum. I compare event by event, null-safe, with a tolerance for each event, and
#    report by segment and day. Only named segments from a named day on may differ.
# 4. They read a view, and I change its text in place: one operation of the catalog. A query sees
#    the old text or the new one. Two renames leave a moment without a table, and in Spark CREATE OR
#    REPLACE VIEW drops and creates. DELETE and INSERT in two commits show an empty table.
# 5. The writer gave its batches a fixed `txnAppId`. Batch numbers started at 0 again, and the log
#    of the replaced table still knew them, so Delta skipped them. The id has to belong to the
#    checkpoint, as the query's own id does.
# 6. They follow the table's log, not the view, so after a switch they go on with the old table. On
#    the new one they need a new checkpoint and a starting version, and their sinks must take a
#    replay. Overwriting in place stops them with an error; with `skipChangeCommits` they go on and
#    miss the corrections.
# 7. By a hash of the order's key and a salt: the same order has the same arm in every run and on
#    every machine. A random number per row splits an order. Spark's hashes are negative for half of
#    the keys, so I take `pmod`, not `%`. Raising the share keeps those that were in.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Martin Fowler, [Blue green deployment](https://martinfowler.com/bliki/BlueGreenDeployment.html)
# - Jay Kreps, [Questioning the Lambda
#   architecture](https://www.oreilly.com/radar/questioning-the-lambda-architecture/)
# - Delta Lake, [Idempotent writes](https://docs.delta.io/latest/delta-streaming.html)
