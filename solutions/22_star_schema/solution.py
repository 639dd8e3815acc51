# ---
# level: senior
# minutes: 75
# needs: []
# datasets: [late_sales]
# topics: [delta, dimensional modelling, scd2, late data, bitemporal]
# ---
# %% [markdown]
# # Build a star that survives late dimensions and late facts
#
# Sales arrive before their customer is known. Corrections arrive after the day was reported. So the
# revenue of last Tuesday by segment is another number each time that somebody looks, and nobody can
# say why. You build a star in which every sale has a key on its first day and ends up with the
# right one. At the end you print an old report again, with the numbers that it had then.
#
# **You will learn** to
#
# - load a type 2 dimension whose surrogate keys never change, in whatever order updates arrive,
# - load facts before their dimension, and re-point them later by a small rewrite,
# - answer "what is it?" and "what did we know then?" from the same tables.

# %% [markdown]
# ## The data
#
# A chain sells on the web and in shops. Each evening there is a file of sales and a file of
# customer updates. One row of sales is one delivery of a sale; one row of customers says to which
# segment a customer belongs from `effective_from` on. Delivery is at least once. A customer is
# known by its whole id: `web-7` and `till-7` are two.

# %%
import labkit

lab = labkit.open("star_schema")
spark = lab.spark
folder = lab.data("late_sales")
sorted(path.name for path in folder.iterdir())

# %% [markdown]
# These are the schemas of the lab. `customer_key` is the surrogate key: one for each *version* of a
# customer. All times are UTC. No column of `UPDATES` is ever null, and its ids match `VALID_ID`. Of
# `SALES` only `customer_id` may be null.

# %%
from datetime import datetime

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

UPDATES = "customer_id string, segment string, effective_from timestamp, recorded_at timestamp"
DIMENSION = (
    "customer_key long, customer_id string, segment string, effective_from timestamp, "
    "effective_to timestamp, known_at timestamp, is_inferred boolean"
)
SALES = (
    "sale_id long, customer_id string, product_id long, sold_at timestamp, qty int, "
    "amount decimal(12,2), booked_at timestamp"
)
FACTS = (
    "sale_id long, customer_key long, customer_id string, product_id long, day date, "
    "sold_at timestamp, qty int, amount decimal(12,2), booked_at timestamp"
)
VALID_ID = "^(web|till)-[0-9]+$"

# %% [markdown]
# Look at sale 7, which was booked twice, and at sales without a usable customer. `sold_at` is when
# it happened, `booked_at` when we heard of it.


# %%
def read_day(kind: str, ddl: str, day: str) -> DataFrame:
    """What arrived in the evening of a day."""
    return spark.read.schema(ddl).json(str(folder / f"{kind}_{day}.json"))


sales = spark.read.schema(SALES).json(str(folder / "sales_*.json"))
sales.where("sale_id = 7").show(truncate=False)
sales.where(f"customer_id IS NULL OR NOT customer_id RLIKE '{VALID_ID}'").show(5, truncate=False)

# %% [markdown]
# ## The star
#
# The dimension holds three kinds of rows:
#
# | row | `customer_key` | `customer_id` | `segment` | times | `is_inferred` |
# |---|---|---|---|---|---|
# | version | above 0 | id | its segment | see below | false |
# | inferred member | above 0 | id | `unknown` | null | true |
# | special member | -1 | null | `unknown` | null | false |
# | special member | -2 | null | `not applicable` | null | false |
#
# A version is valid from `effective_from`, that instant included, until `effective_to`, that
# instant excluded. `known_at` is when we heard of it. An inferred member stands for a customer who
# has sales and no version yet. A customer has versions or one inferred member, never both.
#
# The next cell is for pieces that several tasks share. You may leave it as it is, and come back
# when you write the same lines twice.

# %%
# BEGIN SOLUTION: functions that several tasks use, if you want any
VERSION = ["customer_id", "effective_from"]
BEGINNING, FOREVER = datetime(1900, 1, 1), datetime(9999, 12, 31)
SPECIAL = (
    "SELECT -1L AS customer_key, 'unknown' AS segment, false AS is_inferred "
    "UNION ALL SELECT -2L, 'not applicable', false"
)


def with_new_keys(rows: DataFrame, stored: DataFrame) -> DataFrame:
    """The rows; those without a key get one above all that are stored."""
    highest = stored.agg(F.greatest(F.max("customer_key"), F.lit(0)).alias("highest"))
    number = F.row_number().over(Window.orderBy(*VERSION))
    new_key = F.coalesce("customer_key", F.col("highest") + number)
    return rows.crossJoin(highest).withColumn("customer_key", new_key).drop("highest")


def periods(versions: DataFrame) -> DataFrame:
    """The versions with `starts` and `ends`, so that each customer has one at any time."""
    by_time = Window.partitionBy("customer_id").orderBy("effective_from")
    is_first = F.row_number().over(by_time) == 1
    following = F.lead("effective_from").over(by_time)
    return versions.where("customer_key > 0").select(
        "customer_key",
        "customer_id",
        "segment",
        F.when(is_first, BEGINNING).otherwise(F.col("effective_from")).alias("starts"),
        F.coalesce(following, F.lit(FOREVER)).alias("ends"),
    )


def with_versions(facts: DataFrame, versions: DataFrame) -> DataFrame:
    """The facts beside the version valid when they were sold; null where there is none."""
    valid = (
        (F.col("fact.customer_id") == F.col("version.customer_id"))
        & (F.col("version.starts") <= F.col("fact.sold_at"))
        & (F.col("fact.sold_at") < F.col("version.ends"))
    )
    return facts.alias("fact").join(periods(versions).alias("version"), valid, how="left")


def find_key() -> F.Column:
    """The key of a fact beside its version."""
    special = F.when(F.isnull("fact.customer_id"), -2).otherwise(-1)
    return F.coalesce(F.col("version.customer_key"), special.cast("long"))


# END SOLUTION

# %% [markdown]
# ## Task 1: load the dimension
#
# Write `load_dimension(spark, table, updates)`. It changes the Delta table named `table`, which has
# the columns of `DIMENSION` and keeps them. The table has rows as above, or none yet; the special
# members may be missing. `updates` has the columns of `UPDATES`.
#
# - Each update becomes one version, with its `recorded_at` as `known_at`, also if it says the same
#   as the version before it.
# - Two updates with the same customer and `effective_from` are copies, in a batch or across
#   batches. They make one version.
# - A version ends where the next one of its customer begins; the last has no end (null). An update
#   may come late and begin before or between versions that the table has.
# - A version keeps its `customer_key`, `segment` and `known_at` for ever, and no row is ever
#   removed.
# - A new version gets a key above 0 that no other row has.
# - If the customer has an inferred member, this row becomes the earliest of the batch's versions
#   for that customer. It keeps its key. Other updates make rows of their own.
# - After a call the table has the two special members, once each.
# - Customers that the batch does not mention stay as they are.
# - A call makes at most one commit, and the table is not dropped.
# - The same batch again, in any order, changes no row.
# - Another load may commit to the table while yours runs. Then your call may raise Delta's error of
#   a conflict, and changes nothing; called once more, it succeeds.
# - After both loads the table has the rows of both, and no two rows have the same key.
#
# How you number new keys is open; gaps do not matter.


# %%
def load_dimension(spark: SparkSession, table: str, updates: DataFrame) -> None:
    """Makes a version of each update, in one commit; keys that exist stay."""
    # BEGIN SOLUTION: find keys and ends of the batch's customers, and merge them by key
    stored = spark.table(table)
    mine = stored.join(updates, on="customer_id", how="left_semi")
    known = mine.withColumnRenamed("effective_to", "ended")
    said = (
        updates.withColumnRenamed("recorded_at", "known_at")
        .withColumn("is_inferred", F.lit(False))
        .withColumn("is_new", F.lit(True))
    )
    # A stored version (its `is_new` is null) comes before its copies.
    by_time = Window.partitionBy("customer_id").orderBy("effective_from", "is_new")
    waiting = F.max(F.when(F.col("is_inferred"), F.col("customer_key")))
    first_key = F.when(F.row_number().over(by_time) == 1, F.col("waiting"))
    to_write = (
        known.unionByName(said, allowMissingColumns=True)
        .withColumn("waiting", waiting.over(Window.partitionBy("customer_id")))
        .withColumn("before", F.lag("effective_from").over(by_time))
        .where("NOT is_inferred AND NOT effective_from <=> before")
        .withColumn("customer_key", F.coalesce("customer_key", first_key))
        .withColumn("effective_to", F.lead("effective_from").over(by_time))
        .where("is_new OR NOT effective_to <=> ended")
        .transform(with_new_keys, stored)
    )
    special = spark.sql(SPECIAL).join(stored, on="customer_key", how="left_anti")
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(
            to_write.unionByName(special, allowMissingColumns=True).alias("new"),
            "old.customer_key = new.customer_key",
        )
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )
    # END SOLUTION


# %% [markdown]
# The checks load one batch with hand-made and random customers into a table that has some already.
# Another load commits while your first call reads its updates; then they call again.

# %%
lab.check("load_dimension")

# %% [markdown]
# ## Task 2: load the facts
#
# Write `load_facts(spark, fact, dimension, sales, mode)`. It changes two Delta tables by name:
# `fact` has the columns of `FACTS`; `dimension` is a table that Task 1 made, with special members.
# `sales` has the columns of `SALES`.
#
# **The key** of a fact:
#
# - It is the key of the version that was valid at `sold_at`. A sale before the first version of its
#   customer gets the first version.
# - An id is valid if it matches `VALID_ID`. A valid id without any row in the dimension first gets
#   an inferred member: one row for each id, with a new key above 0. Its sales get this key.
# - A sale whose `customer_id` is null gets -2. A sale whose id is not valid gets -1.
#
# **Deliveries** of a sale differ in `amount` and `booked_at` alone. Two with the same `booked_at`
# are copies.
#
# - A delivery counts if its sale is new, or if its `booked_at` is later than that of every stored
#   row of its sale. Others are ignored.
# - With `mode="restate"` a sale has one row. It has the `amount` and `booked_at` of the last
#   delivery that counts.
# - With `mode="adjust"` no stored row ever changes. The first delivery of a new sale makes a row.
#   Each later one that counts, in order of `booked_at`, makes a row if its amount differs from the
#   amount before it: that of the delivery before, or the sum of the stored rows of the sale. This
#   row has the difference as `amount`, `qty` 0, and its own `booked_at`.
# - All sales are loaded, returns and sales of long ago as well. `day` is the date of `sold_at`;
#   other columns are as delivered.
#
# **The commits:**
#
# - At most one commit to each table. If no id needs an inferred member, no data file of the
#   dimension is written or removed.
# - The same batch again, in any order, changes no row of either table.
#
# Whether a restated row keeps its old key is open: Task 3 sees to that.


# %%
def load_facts(
    spark: SparkSession, fact: str, dimension: str, sales: DataFrame, mode: str
) -> None:
    """Gives every sale a key, with inferred members where needed, and writes what is new."""
    # BEGIN SOLUTION: infer members, then find keys, then merge the deliveries that count
    stored = spark.table(dimension)
    valid = sales.where(F.col("customer_id").rlike(VALID_ID)).select("customer_id").distinct()
    unknown = valid.join(stored, on="customer_id", how="left_anti")
    names = ["customer_key", "customer_id", "segment", "is_inferred"]
    if not unknown.isEmpty():
        inferred = (
            unknown.withColumn("customer_key", F.lit(None).cast("long"))
            .withColumn("effective_from", F.lit(None).cast("timestamp"))
            .transform(with_new_keys, stored)
            .withColumn("segment", F.lit("unknown"))
            .withColumn("is_inferred", F.lit(True))
        )
        (
            DeltaTable.forName(spark, dimension)
            .alias("old")
            .merge(inferred.alias("new"), "old.customer_id = new.customer_id")
            .whenNotMatchedInsert(values={name: f"new.{name}" for name in names})
            .execute()
        )

    booked = spark.table(fact).groupBy("sale_id")
    known = booked.agg(F.max("booked_at").alias("newest"), F.sum("amount").alias("total"))
    deliveries = (
        sales.dropDuplicates(["sale_id", "booked_at"])
        .join(known, on="sale_id", how="left")
        .where("newest IS NULL OR booked_at > newest")
    )
    by_booking = Window.partitionBy("sale_id").orderBy("booked_at")
    if mode == "restate":
        is_last = F.isnull(F.lead("booked_at").over(by_booking))
        rows = deliveries.withColumn("is_last", is_last).where("is_last")
        same_row = "old.sale_id = new.sale_id"
    else:
        before = F.coalesce(F.lag("amount").over(by_booking), F.col("total"))
        rows = (
            deliveries.withColumn("before", before)
            .where("before IS NULL OR amount != before")
            .withColumn("qty", F.when(F.isnull("before"), F.col("qty")).otherwise(0))
            .withColumn("amount", F.expr("amount - coalesce(before, 0)"))
        )
        same_row = "old.sale_id = new.sale_id AND old.booked_at = new.booked_at"
    found = with_versions(rows, spark.table(dimension)).withColumn("found_key", find_key())
    to_write = found.select(
        "sale_id",
        F.col("found_key").alias("customer_key"),
        "fact.customer_id",
        "product_id",
        F.to_date("sold_at").alias("day"),
        "sold_at",
        "qty",
        F.col("amount").cast("decimal(12,2)"),
        "booked_at",
    )
    merge = DeltaTable.forName(spark, fact).alias("old").merge(to_write.alias("new"), same_row)
    if mode == "restate":
        merge = merge.whenMatchedUpdateAll()
    merge.whenNotMatchedInsertAll().execute()
    # END SOLUTION


# %% [markdown]
# The checks load the same sales in both modes. Some of their customers are in the dimension,
# others are not.

# %%
lab.check("load_facts")

# %% [markdown]
# ## Task 3: repair keys
#
# An update that comes late cuts the period of a version that facts already point to. Write
# `repair_keys(spark, fact, dimension, since)`. It changes `customer_key` of facts in the table
# `fact`, which is partitioned by `day`. `since` is a datetime.
#
# - Customers with a version whose `known_at` is `since` or later are repaired. Facts of others stay
#   as they are, right or wrong.
# - A fact of a repaired customer has the key that Task 2 would find now.
# - No other column changes, and no fact is lost or doubled.
# - All rows of a sale are repaired, its adjustments as well.
# - Only files that hold a fact with a wrong key are removed.
# - At most one commit. If no key is wrong, no data file is written or removed.
#
# A sale can have several rows; `sale_id` and `booked_at` together tell facts apart.


# %%
def repair_keys(spark: SparkSession, fact: str, dimension: str, since: datetime) -> None:
    """Points facts to the version that is valid now, and rewrites only files with wrong keys."""
    # BEGIN SOLUTION: find the wrong keys of the customers, and merge these alone
    versions = spark.table(dimension)
    customers = versions.where(F.col("known_at") >= since).select("customer_id")
    facts = spark.table(fact).join(customers, on="customer_id", how="left_semi")
    wrong = (
        with_versions(facts, versions)
        .withColumn("found_key", find_key())
        .where("found_key != fact.customer_key")
        .select("sale_id", "booked_at", "day", "found_key")
    )
    same_row = (
        "old.sale_id = new.sale_id AND old.booked_at = new.booked_at AND old.day = new.day"
    )
    (
        DeltaTable.forName(spark, fact)
        .alias("old")
        .merge(wrong.alias("new"), same_row)
        .whenMatchedUpdate(set={"customer_key": "new.found_key"})
        .execute()
    )
    # END SOLUTION


# %% [markdown]
# A reason names facts by sale and booking, and files by their day.

# %%
lab.check("repair_keys")

# %% [markdown]
# ## Task 4: revenue as it was known
#
# Write `revenue(spark, tables, as_known_at)`. It returns `day` (date), `segment` (string) and
# `amount` (decimal(22,2)), in this order: one row for each day and segment that has a fact.
# `tables` is `{"facts": ..., "customers": ...}`, the names of a fact table in mode `adjust` and of
# its dimension. `as_known_at` is a datetime. The answer is the report as it would have been printed
# then:
#
# - A fact counts if its `booked_at` is `as_known_at` or earlier.
# - A version counts if its `known_at` is `as_known_at` or earlier. It is valid until the next
#   version that counts begins, whatever came in between later.
# - The segment of a fact is that of the version valid at `sold_at`, among those that count. A sale
#   before the first of them gets the first.
# - If none of the versions of its customer counts, the segment is `unknown`. So it is for an id
#   that is not valid.
# - If `customer_id` is null, the segment is `not applicable`.
# - The key that a fact has does not matter: it says what is known today.


# %%
def revenue(spark: SparkSession, tables: dict[str, str], as_known_at: datetime) -> DataFrame:
    """Revenue by day and segment, from what was known at a moment."""
    # BEGIN SOLUTION: filter facts and versions by when they were known, then find versions anew
    facts = spark.table(tables["facts"]).where(F.col("booked_at") <= as_known_at)
    versions = spark.table(tables["customers"]).where(F.col("known_at") <= as_known_at)
    special = F.when(F.isnull("fact.customer_id"), "not applicable").otherwise("unknown")
    segment = F.coalesce(F.col("version.segment"), special).alias("segment")
    by_segment = with_versions(facts, versions).groupBy("day", segment)
    return by_segment.agg(F.sum("amount").alias("amount"))
    # END SOLUTION


# %% [markdown]
# The checks ask the same two tables for several moments.

# %%
lab.check("revenue")

# %% [markdown]
# ## Task 5: two facts in one report
#
# Calls to the help desk are a second fact table with the same dimension and another grain. `CALLS`
# has its columns. Write `conformed_report(sales, calls, customers)`: three DataFrames with the
# columns of `FACTS`, `CALLS` and `DIMENSION`. It returns `segment` (string), `amount`
# (decimal(22,2)) and `minutes` (long), in this order.
#
# - One row for each segment that a sale or a call points to. The segment is that of the row of
#   `customers` with the fact's `customer_key`.
# - `amount` is the sum of its sales, `minutes` the sum of its calls. Each fact counts once.
# - Where a segment has no sales, `amount` is 0; where it has no calls, `minutes` is 0.
# - A fact whose `customer_key` is null or not in `customers` counts for the segment `unknown`.

# %%
CALLS = "call_id long, customer_key long, called_at timestamp, minutes int"


def conformed_report(sales: DataFrame, calls: DataFrame, customers: DataFrame) -> DataFrame:
    """Revenue and minutes of calls by segment: each fact table is summed before they meet."""
    # BEGIN SOLUTION: bring each fact table to the grain of the report, then join the sums
    segments = customers.select("customer_key", "segment")

    def by_segment(facts: DataFrame) -> DataFrame:
        named = facts.join(segments, on="customer_key", how="left")
        return named.fillna("unknown", subset="segment").groupBy("segment")

    amounts = by_segment(sales).agg(F.sum("amount").alias("amount"))
    minutes = by_segment(calls).agg(F.sum("minutes").alias("minutes"))
    none = F.lit(0).cast("decimal(22,2)")
    return amounts.join(minutes, on="segment", how="full").select(
        "segment",
        F.coalesce("amount", none).alias("amount"),
        F.coalesce("minutes", F.lit(0)).alias("minutes"),
    )
    # END SOLUTION


# %% [markdown]
# The checks have customers with several sales and calls, and with only one of the two.

# %%
lab.check("conformed_report")

# %% [markdown]
# ## Put it together
#
# Five evenings, in the worst order: sales first, customers after them, then the repair. `printed`
# keeps what the report said each evening, through the keys of that evening.

# %%
DAYS = [f"2026-03-0{number}" for number in range(2, 7)]
tables = {name: f"{lab.schema}.{name}" for name in ("facts", "customers")}
is_ready = lab.written("load_dimension", "load_facts", "repair_keys")
printed = {}


def print_report() -> list:
    """Revenue by day and segment, through the keys as they are now."""
    customers = spark.table(tables["customers"]).select("customer_key", "segment")
    joined = spark.table(tables["facts"]).join(customers, on="customer_key")
    return joined.groupBy("day", "segment").agg(F.sum("amount").alias("amount")).collect()


if is_ready:
    spark.sql(f"CREATE TABLE {tables['customers']} ({DIMENSION}) USING delta")
    spark.sql(f"CREATE TABLE {tables['facts']} ({FACTS}) USING delta PARTITIONED BY (day)")
    load_dimension(spark, tables["customers"], spark.createDataFrame([], UPDATES))
    for day in DAYS:
        arrived = read_day("sales", SALES, day)
        load_facts(spark, tables["facts"], tables["customers"], arrived, "adjust")
        load_dimension(spark, tables["customers"], read_day("customers", UPDATES, day))
        repair_keys(spark, tables["facts"], tables["customers"], datetime.fromisoformat(day))
        printed[day] = print_report()

# %% [markdown]
# Tuesday's revenue by segment, evening by evening. Amounts move from `unknown` to a segment when a
# customer arrives, between segments when the past is corrected, and grow when a sale comes late.

# %%
for evening, rows in printed.items():
    tuesday = {row.segment: row.amount for row in rows if str(row.day) == "2026-03-03"}
    print(evening, {segment: str(amount) for segment, amount in sorted(tuesday.items())})

# %% [markdown]
# None of these numbers is in the fact table any more: its keys say what is known today. But what
# was known then can be asked. The next cell compares each evening's print with `revenue` as known
# at the end of that day, and with the obvious way: today's keys, filtered by `booked_at`.

# %%
from datetime import timedelta


def by_todays_keys(moment: datetime) -> list:
    """The obvious way: facts that were booked by then, and the keys that they have now."""
    customers = spark.table(tables["customers"]).select("customer_key", "segment")
    facts = spark.table(tables["facts"]).where(F.col("booked_at") <= moment)
    joined = facts.join(customers, on="customer_key")
    return joined.groupBy("day", "segment").agg(F.sum("amount").alias("amount")).collect()


if printed and lab.written("revenue"):
    for evening, rows in printed.items():
        end = datetime.fromisoformat(evening) + timedelta(days=1)
        ways = {
            "as known": revenue(spark, tables, end).collect(),
            "today's keys": by_todays_keys(end),
        }
        wrong = {way: len(set(rows) - set(found)) for way, found in ways.items()}
        print(f"{evening}: {len(rows)} lines printed; differ: {wrong}")

# %% [markdown]
# So a filter on `booked_at` alone does not bring a report back. A surrogate key is an answer that
# was looked up, and a repair writes the answer anew. What happened (`sold_at`, `effective_from`)
# and when it was heard of (`booked_at`, `known_at`) have to be in the tables.
#
# The second fact table needs keys as well. Calls find theirs by `called_at`, as sales do by
# `sold_at`; here they go by the version that is current. The direct join of the two fact tables
# stands below the report: each sale meets each call of its customer.

# %%
if printed and lab.written("conformed_report"):
    customers = spark.table(tables["customers"])
    current = customers.where("customer_key > 0 AND effective_to IS NULL")
    raw = spark.read.schema(CALLS.replace("customer_key long", "customer_id string"))
    calls = (
        raw.json(str(folder / "calls.json"))
        .join(current.select("customer_id", "customer_key"), on="customer_id", how="left")
        .select("call_id", "customer_key", "called_at", "minutes")
    )
    facts = spark.table(tables["facts"])
    conformed_report(facts, calls, customers).orderBy("segment").show()
    direct = facts.join(calls, on="customer_key").join(customers, on="customer_key")
    sums = direct.groupBy("segment").agg(F.sum("amount"), F.sum("minutes"))
    sums.orderBy("segment").show()

# %% [markdown]
# ## In practice
#
# - **Grain first.** Write down what one row is before any column. Two grains are two fact tables,
#   and they meet in a report after each has been summed.
# - **A key for each version, or for each customer?** A key of the version makes reports a join by
#   equality, and costs repairs. A key of the customer never needs repair, and every report has to
#   find the version itself. Some models hold both.
# - **Sequence, hash or IDENTITY.** `max + 1` is safe only inside the transaction that writes, with
#   conflicts on. A hash needs no look at the table and survives a rebuild, if it is wide enough. A
#   Delta IDENTITY column promises unique values, not ones without gaps, and Databricks allows no
#   concurrent transactions on such a table.
# - **Old inferred members are an alarm.** Report their count, their age and the revenue behind
#   them to the owner of the customer data.
# - **Restate or adjust** is a decision of those who read the report. Accounting closes months and
#   wants adjustments with their own date; an operational report wants the truth of today.
# - **Time travel is no archive.** `TIMESTAMP AS OF` shows a table as it was, until VACUUM. A report
#   that must be repeated in a year needs its times in the rows, or a copy.
# - **Where it belongs.** Histories can live in silver and keys in gold: then the star can be
#   rebuilt. Those who stored keys elsewhere must be told before a rebuild renumbers them.
# - **Many to many.** A customer with two accounts needs a bridge table with weights that add up to
#   one, or the amount counts twice.
#
# **On Databricks**, `PRIMARY KEY ... RELY` and `FOREIGN KEY` inform the optimiser; they are not
# enforced. You still need a job that looks for keys that occur twice.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. A sale arrives before its customer. Which row do you write on the first day, and what changes
#    when the customer arrives?
# 2. Two jobs number new rows by `max(key) + 1` in one Delta table. When do they write the same key
#    twice?
# 3. Your dimension drops updates that repeat what is known. Why does its content then depend on the
#    order of arrival?
# 4. Last month's revenue by segment changed after it was reported. How do you print the old number
#    again, and why does a filter on `booked_at` not do?
# 5. Would you restate or adjust a sale whose amount was wrong?
# 6. Revenue and calls by segment in one query: what goes wrong when you join the two fact tables?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. The sale itself, with the key of an inferred member: one row in the dimension for this customer
#    id, segment unknown. The count and sum of sales are right from the first day. When the customer
#    arrives, the inferred member is completed in place and keeps its key, so no fact is touched.
#    Only if more than one version turns up, facts of the others are re-pointed.
# 2. When they read the maximum before the transaction that writes. Both read 100, both write 101.
#    An append never conflicts with another append, so Delta lets both in. Read the maximum inside
#    the MERGE: one that reads the whole table conflicts with a MERGE that came in between. It
#    fails, runs again, and reads 101.
# 3. One row says club from 1 March. Another says club from 10 March, and is dropped as a repeat.
#    Then a third arrives late: trade from 5 March. Now trade lasts for ever; had the rows come in
#    order of time, club would be back on the 10th. Keep the repeats, or keep the raw updates and
#    build the dimension from them.
# 4. Two things changed since: facts that were booked later, and versions that became known later,
#    through which facts were re-pointed. The filter removes the first, and still reads today's
#    keys. So versions carry the time at which they became known, and the report finds each fact's
#    version among those known then. Time travel of both tables does it as well, as long as the
#    files are kept.
# 5. I ask who reads it. If a closed period was reported outside, adjust: the old row stays, and the
#    difference has the date on which we heard of it. If the report should show the best knowledge,
#    restate. In doubt I store adjustments: the sum of a sale's rows is the restated amount, and
#    nothing gives the adjustments back from restated rows.
# 6. Each sale of a customer meets each of its calls: a customer with three sales and two calls has
#    its revenue counted twice and its minutes three times, and one without calls disappears.
#    DISTINCT does not repair sums. Sum each fact table to the grain of the report, then join the
#    sums with a full join on the conformed attribute.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Kimball Group, [Dimensional modeling
#   techniques](https://www.kimballgroup.com/data-warehouse-business-intelligence-resources/)
# - M. Fowler, [Bitemporal history](https://martinfowler.com/articles/bitemporal-history.html)
# - Delta Lake, [Concurrency control](https://docs.delta.io/latest/concurrency-control.html)
