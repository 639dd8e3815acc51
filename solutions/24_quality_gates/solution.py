# ---
# level: senior
# minutes: 75
# needs: []
# datasets: [orders_daily]
# topics: [data quality, expectations, write-audit-publish, drift, quarantine, pipelines]
# ---
# %% [markdown]
# # Gate the publish with rules that are data
#
# The quality dashboard was green, while one order in six of today had no customer. The checks ran
# after the publish, and averaged over the month. You write rules as data, test them all in one
# read, quarantine rows with their reasons, and let a day reach its readers only when it has passed.
#
# **You will learn** to
#
# - test many rules in one read, so that nulls, an empty day and a rule that raises don't pass,
# - publish exactly the rows that were audited, in one commit,
# - judge today by a history that has bad days itself.

# %% [markdown]
# ## The data
#
# A shop's orders, one row an order: four weeks of history, and today as it was delivered. The
# rules are a list that everybody can read. All columns but `order_id` and `placed_at` can be null.

# %%
import json

import labkit

lab = labkit.open("quality_gates")
spark = lab.spark
folder = lab.data("orders_daily")
rules = json.loads((folder / "rules.json").read_text())
rules[:3]

# %%
from datetime import date

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

ORDERS = (
    "order_id long, customer_id string, amount decimal(12,2), currency string, status string, "
    "discount string, placed_at timestamp"
)
history = spark.read.schema(ORDERS).json(str(folder / "history.json"))
today = spark.read.schema(ORDERS).json(str(folder / "today.json"))
customers = f"{lab.schema}.customers"
spark.read.json(str(folder / "customers.json")).write.saveAsTable(customers)
rules[0]["to"] = customers
today.where("customer_id IS NULL OR NOT customer_id LIKE 'c-%'").show(truncate=False)

# %% [markdown]
# How green is that? The dashboard shows the share of orders without a known customer in all 29
# days. The second number is today's.

# %%
for name, orders in {"month": history.unionAll(today), "today": today}.items():
    known = orders.join(spark.table(customers), orders.customer_id == F.col("id"), "left_semi")
    print(f"{name}: {1 - known.count() / orders.count():.1%}")

# %% [markdown]
# ## The rules
#
# A rule is a dict with these keys:
#
# | key | value |
# |---|---|
# | `name` | a text, another one for each rule |
# | `kind` | `row`, `unique` or `references`: see below |
# | `action` | `warn`, `quarantine` or `fail`: what Tasks 2 and 4 do |
# | `threshold` | the share of rows that may fail, a float from 0 to 1 |
#
# Each kind says when a row passes, and has keys of its own. **A row that does not pass fails.**
#
# | kind | own keys | a row passes if |
# |---|---|---|
# | `row` | `expression` | the SQL expression is true |
# | `unique` | `columns` | no value in `columns` is null, and no other row has the same values there |
# | `references` | `column`, `to`, `key` | the value in `column` is in the column `key` of the table `to` |
#
# - A null is no pass: an expression that is null is not true, and a null is in no table.
# - A table of a `references` rule may have a value several times, other columns of any name, and
#   nulls.
# - `column` and `key` have the same type.
# - For `unique` and `references`, rows that fail other rules count as well.
#
# The next cell is for pieces that several tasks share. You may leave it as it is.

# %%
# BEGIN SOLUTION: functions that several tasks use, if you want any
def with_broken(df: DataFrame, rules: list[dict]) -> DataFrame:
    """The rows, each with `__broken`: the numbers of the rules that it fails."""
    # A row's expression must not see the columns that come later.
    judged = df.withColumn(
        "__by_itself",
        F.array(*[
            F.when(F.coalesce(F.expr(rule["expression"]), F.lit(False)), None).otherwise(number)
            for number, rule in enumerate(rules)
            if rule["kind"] == "row"
        ]).cast("array<int>"),
    )
    numbers = [F.col("__by_itself")]
    for number, rule in enumerate(rules):
        if rule["kind"] == "unique":
            same = Window.partitionBy(*rule["columns"])
            is_set = F.lit(True)
            for column in rule["columns"]:
                is_set = is_set & F.isnotnull(column)
            passes = is_set & (F.count(F.lit(1)).over(same) == 1)
        elif rule["kind"] == "references":
            known = df.sparkSession.table(rule["to"]).select(F.col(rule["key"]).alias("__known"))
            judged = judged.join(
                known.where("__known IS NOT NULL").distinct(),
                F.col(rule["column"]) == F.col("__known"),
                how="left",
            ).withColumnRenamed("__known", f"__known_{number}")
            passes = F.isnotnull(f"__known_{number}")
        else:
            continue
        numbers.append(F.array(F.when(passes, None).otherwise(number)).cast("array<int>"))
    broken = F.array_compact(F.concat(*numbers))
    return judged.select(*df.columns, broken.alias("__broken"))


def count_failed(df: DataFrame, rules: list[dict]) -> dict:
    """`rows`, and for each rule by number `failed_0` and `sample_0`; one read of the frame."""
    broken = with_broken(df, rules)
    counts = [F.count(F.lit(1)).alias("rows")]
    for number in range(len(rules)):
        fails = F.array_contains("__broken", number)
        ids = F.sort_array(F.collect_set(F.when(fails, F.col("order_id"))))
        counts.append(F.count_if(fails).alias(f"failed_{number}"))
        counts.append(F.slice(ids, 1, 3).cast("array<string>").alias(f"sample_{number}"))
    return broken.agg(*counts).first().asDict()


# END SOLUTION

# %% [markdown]
# ## Task 1: evaluate the rules
#
# Write `evaluate(df, rules)`. `df` has the columns of `ORDERS`, and maybe more; there is at least
# one rule. It returns a DataFrame with one row for each rule and these columns, in this order:
#
# | column | type | value |
# |---|---|---|
# | `rule` | string | the rule's name |
# | `rows` | long | the number of rows of `df` |
# | `failed` | long | how many of them fail |
# | `share` | double | `failed` divided by `rows` |
# | `verdict` | string | `passed`, `failed`, `empty` or `error` |
# | `sample` | array&lt;string> | see below |
#
# - `verdict` is `passed` if `share` is the rule's `threshold` or less, else `failed`.
# - `sample` has `order_id`s of failing rows: each one once, the three smallest, the smallest
#   first. It is an empty array if no row fails.
# - If `df` has no rows, `failed` is 0, `share` is null and `verdict` is `empty`.
# - A rule is an `error` if Spark can't evaluate it: the expression raises for a row of `df`, or it
#   doesn't parse, or a column or a table of the rule isn't there. Then `failed` and `share` are
#   null, `sample` is an empty array, and `rows` is as for any rule. What isn't there or doesn't
#   parse is an `error` with an empty `df`, too.
# - Other rules have the same result as without the rule in error. More than one can be in error.
# - If no rule is in error, `df` is read once, for all rules together: by your call and whoever
#   collects what it returns. If one is, `df` may be read again.
#
# Spark runs in ANSI mode: a cast of `n/a` to a number raises, and ends the job with all its rules.


# %%
def evaluate(df: DataFrame, rules: list[dict]) -> DataFrame:
    """One row for each rule: how many rows fail it, and whether that is too many."""
    # BEGIN SOLUTION: try all rules in one read, and one by one if that raises
    try:
        found = count_failed(df, rules)
    except PySparkException:
        found = count_failed(df, [])
        for number, rule in enumerate(rules):
            try:
                alone = count_failed(df, [rule])
            except PySparkException:
                continue
            found[f"failed_{number}"] = alone["failed_0"]
            found[f"sample_{number}"] = alone["sample_0"]
    rows, result = found["rows"], []
    for number, rule in enumerate(rules):
        failed = found.get(f"failed_{number}")
        share = failed / rows if rows and failed is not None else None
        if failed is None:
            verdict = "error"
        elif not rows:
            verdict = "empty"
        else:
            verdict = "passed" if share <= rule["threshold"] else "failed"
        sample = found.get(f"sample_{number}", [])
        result.append((rule["name"], rows, failed, share, verdict, sample))
    columns = (
        "rule string, rows long, failed long, share double, verdict string, sample array<string>"
    )
    return df.sparkSession.createDataFrame(result, columns)
    # END SOLUTION


# %% [markdown]
# The checks count how often `df` is read. A frame that is cached in between counts as read once.

# %%
lab.check("evaluate")

# %% [markdown]
# Look at today. The rule of the discount is in error, for one order in 42. Had it raised in a job
# with the others, nobody would know of the missing customers.

# %%
if lab.written("evaluate"):
    evaluate(today, rules).show(truncate=False)

# %% [markdown]
# ## Task 2: split good rows from bad ones
#
# Here is the usual way to do it. Where are the other orders?

# %%
small = "CASE WHEN discount = 'n/a' THEN false ELSE CAST(discount AS double) < 0.5 END"
print(today.count(), "=", today.where(small).count(), "+", today.where(f"NOT ({small})").count())

# %% [markdown]
# Write `split(df, rules)`. It returns two DataFrames, `(good, quarantined)`. No rule is in error.
#
# - Each row of `df` is in exactly one of the two, as often as it is in `df`.
# - A row is quarantined if it fails a rule whose `action` is `quarantine` or `fail`. Thresholds
#   don't count here.
# - `good` has the columns of `df`. `quarantined` has them too, and after them `reasons`, an array
#   of strings.
# - `reasons` has the names of all rules that the row fails, those with the action `warn` as well,
#   each once, in the order of the alphabet: as `sorted` has them in Python.
# - `rules` can be in any order, and there may be none: then all rows are good.


# %%
def split(df: DataFrame, rules: list[dict]) -> tuple[DataFrame, DataFrame]:
    """The rows that may be published, and the others with the names of the rules they fail."""
    # BEGIN SOLUTION: name the rules that each row fails, then choose by the names
    in_order = sorted(rules, key=lambda rule: rule["name"])
    names = F.array(*[F.lit(rule["name"]) for rule in in_order]).cast("array<string>")
    barred = [number for number, rule in enumerate(in_order) if rule["action"] != "warn"]
    # A rule of a row, then one of the whole frame: their numbers are not in order.
    broken = F.array_sort("__broken")
    is_barred = F.exists("__broken", lambda number: number.isin(barred))
    reasons = F.transform(broken, lambda number: F.element_at(names, number + 1))
    judged = with_broken(df, in_order)
    good = judged.where(~is_barred).drop("__broken")
    return good, judged.where(is_barred).withColumn("reasons", reasons).drop("__broken")
    # END SOLUTION


# %%
lab.check("split")

# %% [markdown]
# ## Task 3: notice drift
#
# No rule of a row sees that only half of the orders came, or that amounts came in cents. For this,
# a day is compared with days before it. The usual alarm is at three standard deviations. The next
# cell puts an absurd value beside nine equal days, and then beside nine more.

# %%
from statistics import mean, stdev

for days in (9, 18):
    values = [100.0] * days + [1_000_000.0]
    print(f"{days} days and today: z = {(values[-1] - mean(values)) / stdev(values):.2f}")

# %% [markdown]
# With ten values, today among them, no value can be further away than three standard deviations:
# the alarm can't ring. A bad day in the history does the same to later days. The median does not
# move so.
#
# Write `drifted(today, history, z)`. Both frames have the columns of `ORDERS`. A day of the history
# is a date of `placed_at` (UTC) that has rows there; all rows of `today` are one day. It returns
# `metric` (string), `value`, `expected`, `score` (double) and `verdict` (string), in this order,
# and these rows:
#
# | metric | a day's value |
# |---|---|
# | `rows` | the number of its rows |
# | `no_customer` | the share of its rows whose `customer_id` is null |
# | `amount.EUR` | the mean amount of its rows in EUR; so for each currency in `today` or `history` |
#
# - A day has no value for a currency in which it has no amount. An amount that is null is none.
#   Rows whose currency is null count for no currency. A currency that has no amount in either frame
#   has no row.
# - `value` is today's. `expected` is the median of the values of the history's days; of an even
#   number of values, it is the mean of the two in the middle.
# - The spread is the greatest of 1.4826 times the median of the distances of these values from
#   `expected`, 5 % of `expected` without its sign, and 0.01.
# - `score` is the distance of `value` from `expected`, divided by the spread.
# - `verdict` is `drifted` if `score` is greater than `z`, else `ok`.
# - If `value` is there and `expected` isn't, `verdict` is `new`. If `value` isn't there, it is
#   `missing`. In both cases `score` is null, and so is what isn't there.
# - `today` may be empty: `rows` is 0 then, and `no_customer` has no value. Or `history` may be
#   empty; not both are.
#
# Numbers are compared to five digits.


# %%
def drifted(today: DataFrame, history: DataFrame, z: float) -> DataFrame:
    """Today's numbers beside those that the median day of the history has."""
    # BEGIN SOLUTION: bring both to (metric, day, value), then compare with medians
    def values(orders: DataFrame, *by: str) -> DataFrame:
        empty = F.when(F.isnull("customer_id"), 1.0).otherwise(0.0)
        of_day = (
            orders.groupBy(*by)
            .agg(F.count(F.lit(1)).cast("double").alias("rows"), F.avg(empty).alias("no"))
            .select(F.expr("stack(2, 'rows', rows, 'no_customer', no) AS (metric, value)"))
        )
        metric = F.concat(F.lit("amount."), "currency").alias("metric")
        amounts = orders.where("currency IS NOT NULL").groupBy(*by, metric)
        means = amounts.agg(F.avg(F.col("amount").cast("double")).alias("value"))
        return of_day.unionByName(means.select("metric", "value").where("value IS NOT NULL"))

    past = values(history.withColumn("day", F.to_date("placed_at")), "day")
    middle = past.groupBy("metric").agg(F.median("value").alias("expected"))
    distances = past.join(middle, on="metric").groupBy("metric", "expected")
    known = distances.agg(F.median(F.expr("abs(value - expected)")).alias("distance"))
    spread = "greatest(1.4826 * distance, 0.05 * abs(expected), 0.01D)"
    compared = values(today).join(known, on="metric", how="full")
    return compared.withColumn("score", F.expr(f"abs(value - expected) / {spread}")).select(
        "metric",
        "value",
        "expected",
        "score",
        F.when(F.isnull("value"), "missing")
        .when(F.isnull("expected"), "new")
        .when(F.col("score") > z, "drifted")
        .otherwise("ok")
        .alias("verdict"),
    )
    # END SOLUTION


# %%
lab.check("drifted")

# %% [markdown]
# On Sundays half as many orders come. Last Sunday beside two pasts: all days, one of which has
# amounts in cents, and the three Sundays before alone.

# %%
if lab.written("drifted"):
    is_sunday = F.dayofweek("placed_at") == 1
    last = history.where(F.to_date("placed_at") == "2026-03-01")
    before = history.where(F.to_date("placed_at") < "2026-03-01")
    for title, past in {"all days": before, "Sundays": before.where(is_sunday)}.items():
        print(title)
        drifted(last, past, 3.0).orderBy("metric").show()

# %% [markdown]
# ## Task 4: write, audit, publish
#
# The frame that you audited is not the one that you publish: Spark reads it a second time. This
# cell writes to a table in between.

# %%
landing = f"{lab.schema}.landing"
today.limit(2).write.format("delta").saveAsTable(landing)
arrived = spark.table(landing)
audited = arrived.count()
today.limit(5).write.insertInto(landing)
print(f"audited {audited} rows, the same frame now has {arrived.count()}")

# %% [markdown]
# Write `publish(spark, staged, table, reports, rules, day)`. It audits the rows of the frame
# `staged`, and puts the good ones into the Delta table named `table`, as the rows of `day`, a date.
# `staged` has the columns of `ORDERS`; the table has these and `day date`, in any order. `reports`
# is the name of a Delta table with the columns of `REPORTS`. Both tables are there.
#
# **What is published:**
#
# - `staged` is read once; a cached frame counts as read once. Another application may add rows to
#   what it reads while you work; they are for the next call.
# - `evaluate` audits all rows that were read.
# - The day is blocked if a rule's verdict is `error` or `empty`, whatever its action, or if a rule
#   with the action `fail` is `failed`.
# - If the day is blocked, `table` gets no commit.
# - If it is not, the good rows of `split` take the place of all rows of this day in `table`, with
#   `day` set. Rows of other days stay. `placed_at` does not matter for that.
# - Readers of `table` see the old rows or the new ones: one commit. Other writers may commit to
#   `table` while you audit; what they wrote stays.
#
# **What is reported:**
#
# - Each call adds one row for each rule to `reports`, also when the day is blocked. `action` is the
#   rule's; `rule`, `rows`, `failed`, `share` and `verdict` are those of `evaluate`.
# - `version` is the version of `table` that your commit made, null if the day is blocked.
# - Rows that `reports` has stay.
# - The call returns True if it published, else False. It leaves no other table behind.
#
# Whether quarantined rows are kept somewhere is open.

# %%
REPORTS = (
    "day date, rule string, action string, rows long, failed long, share double, verdict string, "
    "version long"
)


def publish(
    spark: SparkSession, staged: DataFrame, table: str, reports: str, rules: list[dict], day: date
) -> bool:
    """Puts the good rows of a day in place of its old ones, if the audit lets it through."""
    # BEGIN SOLUTION: keep the rows that you audit, judge, replace the day, write the report
    kept = staged.localCheckpoint()
    audit = evaluate(kept, rules).collect()
    actions = {rule["name"]: rule["action"] for rule in rules}
    is_blocked = any(
        row.verdict in ("error", "empty")
        or (row.verdict == "failed" and actions[row.rule] == "fail")
        for row in audit
    )
    version = None
    if not is_blocked:
        good, _ = split(kept, rules)
        (
            good.withColumn("day", F.lit(day))
            .write.format("delta")
            .mode("overwrite")
            .option("replaceWhere", f"day = '{day}'")
            .saveAsTable(table)
        )
        version = int(spark.conf.get("spark.databricks.delta.lastCommitVersionInSession"))
    report = [
        (day, row.rule, actions[row.rule], row.rows, row.failed, row.share, row.verdict, version)
        for row in audit
    ]
    spark.createDataFrame(report, REPORTS).writeTo(reports).append()
    return not is_blocked
    # END SOLUTION


# %%
lab.check("publish")

# %% [markdown]
# ## Task 5: a gate stops what is behind it
#
# In a declarative pipeline you say what each table reads. The engine finds the order, computes
# what changed, and stops behind a gate. Write `pipeline(flows, changed, blocked)`:
#
# - `flows` is a dict: for the name of each table, the list of names of its inputs. An input that is
#   no table of `flows` is a source.
# - `changed` is a list of sources that have new data. `blocked` is a list of tables whose gate
#   would block them.
#
# It returns a list of dicts, `{"table": ..., "state": ...}`: each table of `flows` once, every one
# after all tables among its inputs. `state` is the first of these that fits:
#
# - `skipped`: one of its inputs is `blocked` or `skipped` in this run.
# - `unchanged`: none of its inputs is `published` in this run, or is in `changed`.
# - `blocked`: it is in `blocked`.
# - `published`: any other table.
#
# If tables read each other in a circle, the call raises a ValueError. Its message names all tables
# of one circle, and no other table or source. A table that reads itself is a circle of one.
# `flows` can be in any order, and may be empty; a table may have no inputs. Arguments stay as they
# are.


# %%
def pipeline(flows: dict[str, list[str]], changed: list[str], blocked: list[str]) -> list[dict]:
    """What happens to each table in one run, inputs first."""
    # BEGIN SOLUTION: take tables whose inputs are done; what is left over has a circle
    states: dict[str, str] = {}
    while len(states) < len(flows):
        waiting = {
            table: [name for name in inputs if name in flows and name not in states]
            for table, inputs in flows.items()
            if table not in states
        }
        ready = [table for table, inputs in waiting.items() if not inputs]
        if not ready:
            path = [next(iter(waiting))]
            while path[-1] not in path[:-1]:
                path.append(waiting[path[-1]][0])
            raise ValueError(f"a circle: {' reads '.join(path[path.index(path[-1]) :])}")
        for table in ready:
            before = {states.get(name) for name in flows[table]}
            if before & {"blocked", "skipped"}:
                states[table] = "skipped"
            elif "published" not in before and not set(flows[table]) & set(changed):
                states[table] = "unchanged"
            else:
                states[table] = "blocked" if table in blocked else "published"
    return [{"table": table, "state": state} for table, state in states.items()]
    # END SOLUTION


# %%
lab.check("pipeline")

# %% [markdown]
# ## Put it together
#
# Today's delivery arrives three times: as it is; with the rule of the discount mended; and with the
# currency of one order changed by mistake. What do readers see after each?

# %%
orders, reports = f"{lab.schema}.orders", f"{lab.schema}.reports"
DAY = date(2026, 3, 2)
if lab.written("evaluate", "split", "publish"):
    spark.sql(f"CREATE TABLE {orders} ({ORDERS}, day date) USING delta")
    spark.sql(f"CREATE TABLE {reports} ({REPORTS}) USING delta")
    mended = [dict(rule) for rule in rules]
    mended[-1]["expression"] = "try_cast(discount AS double) < 0.5"
    odd = today.withColumn("currency", F.expr("if(order_id = 1041, 'EURO', currency)"))
    tries = {"as it is": (today, rules), "mended": (today, mended), "EURO": (odd, mended)}
    for title, (staged, used) in tries.items():
        is_published = publish(spark, staged, orders, reports, used, DAY)
        print(f"{title}: {is_published}, readers see {spark.table(orders).count()} orders")
    spark.table(reports).where("verdict != 'passed'").show()

# %% [markdown]
# A constraint on the table is the last line of defence: it stops writers that go around `publish`.
# It names one row and no rule of several, and the whole write fails. In standard SQL, a check that
# is null is no violation. See what Delta makes of the null in this insert.

# %%
if lab.written("publish"):
    spark.sql(f"ALTER TABLE {orders} ADD CONSTRAINT has_currency CHECK (currency != 'EURO')")
    try:
        spark.sql(f"INSERT INTO {orders} (order_id) VALUES (1)")
    except Exception as error:
        print(str(error)[str(error).index("CHECK constraint") :].splitlines()[0])

# %% [markdown]
# One more thing about frames that hold still. The first of these is cached, the second is a
# checkpoint; a write of the same application comes in between.

# %%
cached, checkpoint = spark.table(landing).persist(), spark.table(landing).localCheckpoint()
before = cached.count(), checkpoint.count()
today.limit(1).write.insertInto(landing)
after = cached.count(), checkpoint.count()
print(f"cached: {before[0]}, then {after[0]}; checkpoint: {before[1]}, then {after[1]}")
cached.unpersist()

# %% [markdown]
# A cache is no copy: Spark reads it anew when it learns of a write to the table behind it.
#
# ## In practice
#
# - **Declarative pipelines in open-source Spark.** Those of 4.2 find order and circles as you did.
#   They run only through Spark Connect, and have no expectations.
# - **Deequ, Great Expectations, Soda, dbt tests.** Deequ, Great Expectations and Soda put many
#   simple metrics into one read; dbt runs a query for each test. Ask a tool how often it reads the
#   table, what it makes of null, and whether it runs before or after readers see the data.
# - **Write, audit, publish.** A checkpoint on executors' disks is lost with an executor. For large
#   data write a staging table, and read it by its version. Iceberg has branches for this; with
#   Delta, a staged table and one replacing commit do it.
# - **Quarantine is a queue.** Somebody owns it, its age is measured, and rows leave it through the
#   same gate.
# - **Thresholds and owners.** A rule without an owner is noise. `warn` that nobody reads becomes
#   alert fatigue: promote it to `quarantine`, or delete it.
# - **Freshness and volume** are rules of a table, not of rows. A day that did not arrive breaks no
#   rule of a row; so a schedule asks for it (lab 27).
# - **Like with like.** Compare Mondays with Mondays, and know the days of a sale.
#
# **On Databricks**, expectations of Lakeflow pipelines (once DLT) have three actions: warn, drop and
# fail. They judge row by row: uniqueness and references need a table of their own that counts.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. The dashboard was green, and one in six of today's orders had no customer. Name two reasons in
#    how the check was built.
# 2. Why do `filter(rule)` and `filter(NOT rule)` together lose rows? What do you do instead?
# 3. One of 40 rules raises for one row. What should happen to the batch, and to the other rules?
# 4. How do you make sure that the rows that you audited are the rows that readers get?
# 5. Your alarm at three standard deviations over the last ten days never rings. Why?
# 6. A gate blocks a table in the middle of the graph. What do you do with the tables behind it?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. It averaged: one order in six of one day is less than one percent of a month. Judge each batch
#    by itself. And it ran after the publish, so it could only tell what readers had seen already. A
#    third one: an inner join or a rule that is null for a null customer never counts these rows.
# 2. For a null the rule is null, so is its negation, and a filter keeps only what is true. I
#    compute for each row the list of rules that it fails, with null as failed, and choose by
#    whether the list is empty. Then each row is on exactly one side.
# 3. The rule is in error, which is neither passed nor failed: it says nothing about the data. The
#    other rules still report. The publish is blocked, since an unknown is no pass, and the rule's
#    owner is told. In ANSI mode the joint job fails, so I run the rules apart only then.
# 4. A frame is a query: read twice, it can be two results. I write the rows first (a staging table,
#    or a checkpoint), audit that, and publish that very version in one commit. The report names the
#    version of the table that it made.
# 5. If today is among ten values, the largest z-score that is possible is 9 / sqrt(10) = 2.85. One
#    bad day in the history widens the deviation for ten days. I leave today out, and use median and
#    MAD, with a floor so that equal days don't make every change an alarm.
# 6. They keep their last published version, which is old and right, and are marked as skipped: not
#    as unchanged, since somebody has to know that they are late. Tables beside them go on. When the
#    block is lifted, they run.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Spark, [Declarative
#   pipelines](https://spark.apache.org/docs/latest/declarative-pipelines-programming-guide.html)
# - Delta Lake, [Constraints](https://docs.delta.io/latest/delta-constraints.html)
# - S. Schelter and others, [Automating large-scale data quality
#   verification](https://www.vldb.org/pvldb/vol11/p1781-schelter.pdf)
