# ---
# level: senior
# minutes: 75
# needs: []
# datasets: [customer_sources]
# topics: [delta, data vault, hash keys, late data, audit]
# ---
# %% [markdown]
# # Load a Data Vault and publish a dimension from it
#
# Three systems know the customer, two of them disagree about the address, and an auditor asks what
# each said on 3 March. Batches arrive late and twice, and a fourth system comes next month. You
# load hubs, links and satellites that only ever grow, in any order and by two loaders at once. Then
# you publish a dimension from them, with a rule for whose address wins.
#
# **You will learn** to
#
# - compute hash keys that never confuse two keys or two values,
# - load tables by inserts alone, so that order, replay and other loaders don't matter,
# - derive changes and deletions when you read, from what was said.

# %% [markdown]
# ## The data
#
# One row of `crm` is what the CRM said of a customer; it sends new and changed customers, some of
# them twice. One row of `shop` is a customer in the shop's full extract: each evening the shop
# sends all the customers that it has. One row of `erp_orders` is an order with its customer.
# `load_ts` is when the source wrote the row. It says nothing of when the file arrived.

# %%
import labkit

lab = labkit.open("data_vault")
spark = lab.spark
folder = lab.data("customer_sources")
sorted(path.name for path in folder.iterdir())

# %% [markdown]
# `customer_no` is the business key. People type it in several ways, `  Web-001` for `web-001`. The
# address of the CRM may be null, or empty, which is not the same.

# %%
from datetime import datetime

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

ATTRIBUTES = {
    "crm": {
        "name": "string",
        "address": "string",
        "credit_limit": "decimal(12,2)",
        "contacted_at": "timestamp",
    },
    "shop": {"name": "string", "address": "string"},
    "erp_orders": {"order_no": "string"},
}


def read_batch(source: str, day: str) -> DataFrame:
    """What a system said on a day: key, attributes, `load_ts` and `record_source`."""
    said = ", ".join(f"{name} {type}" for name, type in ATTRIBUTES[source].items())
    ddl = f"customer_no string, {said}, load_ts timestamp, record_source string"
    return spark.read.schema(ddl).json(str(folder / f"{source}_{day}.json"))


read_batch("crm", "2026-03-04").where("customer_no LIKE '%001%' OR address IS NULL").show()

# %% [markdown]
# The raw vault has three kinds of Delta tables, and nothing in it is ever updated or deleted:
#
# - A **hub** has a row for each business key that some source has named: `hash_key`, the key,
#   `load_ts` and `record_source`.
# - A **link** has a row for each relation of keys, such as an order and its customer. It looks like
#   a hub whose key has several columns.
# - A **satellite** has a row for what a source said of a key at a time: `hash_key`, `load_ts`,
#   `record_source`, `hash_diff` and the attributes.
#
# A hash of the key is the key of all three. So no loader has to ask another table for a number. The
# next cell is for pieces that several tasks share. You may leave it as it is.

# %%
# BEGIN SOLUTION: functions that several tasks use, if you want any
def normal(name: str) -> str:
    """The SQL of a key column as all sources would write it."""
    return f"upper(trim(`{name}`))"


def hash_of(texts: list[str]) -> str:
    """The SQL of a hash of texts, each with its length before it: none runs into the next."""
    told = [f"coalesce(concat(length({text}), ':', {text}), '-')" for text in texts]
    return f"sha2(concat({', '.join(told)}), 256)"


def insert_new(spark: SparkSession, table: str, rows: DataFrame, identity: list[str]) -> None:
    """Appends the rows that the table does not have, by the columns `identity`."""
    same = " AND ".join(f"old.{name} = new.{name}" for name in identity)
    merge = DeltaTable.forName(spark, table).alias("old").merge(rows.alias("new"), same)
    merge.whenNotMatchedInsertAll().execute()


# END SOLUTION

# %% [markdown]
# ## Task 1: hash a key
#
# Write `hash_key(columns)`. `columns` is a list of names of string columns. It returns the text of
# a Spark SQL expression: `F.expr(hash_key(["customer_no"]))` is a column, and
# `SELECT {hash_key(["customer_no"])} FROM ...` works, too. The expression's value is the hash of a
# row's key.
#
# - It is a string of 64 hexadecimal digits in lower case, never null. All 64 digits depend on the
#   key.
# - Two keys have the same hash if and only if they are equal in each column, in the order of
#   `columns`.
# - Texts are compared as `upper(trim(text))`. Leading zeros and blanks inside a text count.
# - A null is equal to a null, and to no text, not even the empty one.
# - A text may hold any characters, also those that you put between or in place of values.
# - Only the values count, not the names of their columns: sources name the same key differently.
# - A name may hold blanks and dots, as `customer no` does.


# %%
def hash_key(columns: list[str]) -> str:
    """SQL of the hash of a business key."""
    # BEGIN SOLUTION: normalise each column, then put them together so that nothing is ambiguous
    return hash_of([normal(name) for name in columns])
    # END SOLUTION


# %% [markdown]
# The checks compute your expression for many keys, and compare them in pairs.

# %%
lab.check("hash_key")

# %% [markdown]
# ## Task 2: hash a row's attributes
#
# Write `hash_diff(columns)`. `columns` is a dict from names to types: string, long, boolean,
# timestamp, or a decimal such as `decimal(12,2)` with at most 18 digits. It returns the text of a
# Spark SQL expression, as Task 1 does. Its value changes when an attribute changes.
#
# - It is a string of 64 hexadecimal digits in lower case, never null.
# - Two rows have the same hash if and only if they are equal in each column, in the order of
#   `columns`.
# - Texts are compared as they are: case and blanks count. They may hold any characters.
# - A null is equal to a null, and to nothing else: not to the empty text, to 0 or to false.
# - Two timestamps are equal if they are the same instant, to the microsecond. The time zone of the
#   session does not change the hash.
# - Two decimals are equal if they are the same number, whatever their types: 1.5 in a
#   `decimal(4,1)` and 1.50 in a `decimal(12,2)`.
# - Only the values count, not the names of their columns. A name may hold blanks and dots.


# %%
def hash_diff(columns: dict[str, str]) -> str:
    """SQL of the hash of a row's attributes."""
    # BEGIN SOLUTION: make a text of each value by its type, then hash as for a key
    texts = []
    for name, type in columns.items():
        value = f"`{name}`"
        if type == "timestamp":
            value = f"unix_micros({value})"
        elif type.startswith("decimal"):
            value = f"cast({value} AS decimal(38,18))"
        texts.append(f"cast({value} AS string)")
    return hash_of(texts)
    # END SOLUTION


# %% [markdown]
# One check computes the hashes in a session of another time zone as well.

# %%
lab.check("hash_diff")

# %% [markdown]
# ## Task 3: load a hub
#
# Write `load_hub(spark, hub, staged, keys)`. It loads a DataFrame `staged` into the Delta table
# named `hub`. `keys` lists the key columns, which are strings. `staged` has them, `load_ts` and
# `record_source`, and may have columns that the table does not have. The table has
# `hash_key string`, the key columns, `load_ts timestamp` and `record_source string`, in any order.
# Links are loaded by the same function, with several key columns.
#
# - Each key of `staged` that the table does not have makes one row. Its `hash_key` is that of
#   `hash_key(keys)`.
# - The key columns are stored as `upper(trim(text))`.
# - `load_ts` and `record_source` are those of the staged row of this key with the smallest
#   `load_ts`; of several, the one with the smallest `record_source`. Neither is ever null.
# - Nulls and empty texts are keys like others.
# - A row of the table never changes, not even if a staged row is older.
#
# **The commits:**
#
# - A call makes at most one commit, and it removes no data file.
# - If `staged` brings no new key, a call makes no commit.
# - Another loader may commit while your call reads `staged`, the same keys even. Then your call may
#   raise Delta's error of a conflict, and changes nothing; called once more, it succeeds.
# - After both loads the table has the keys of both, each once.


# %%
def load_hub(spark: SparkSession, hub: str, staged: DataFrame, keys: list[str]) -> None:
    """Inserts the keys that the hub does not have."""
    # BEGIN SOLUTION: one row of each key, the earliest, inserted where the hash is not there
    first = F.min(F.struct("load_ts", "record_source")).alias("first")
    rows = (
        staged.select(
            F.expr(hash_key(keys)).alias("hash_key"),
            *(F.expr(normal(name)).alias(name) for name in keys),
            "load_ts",
            "record_source",
        )
        .groupBy("hash_key", *keys)
        .agg(first)
        .select("hash_key", *keys, "first.*")
    )
    insert_new(spark, hub, rows, ["hash_key"])
    # END SOLUTION


# %% [markdown]
# The checks load a hub and a link. One has another loader commit while your call reads its rows.

# %%
lab.check("load_hub")

# %% [markdown]
# ## Task 4: load a satellite
#
# Write `load_satellite(spark, satellite, staged, keys, attributes)`. `attributes` is a dict as in
# Task 2; no key column is an attribute. `staged` has the columns of `keys` and `attributes`,
# `load_ts` and `record_source`, and may have others that the table does not have. The Delta table
# named `satellite` has `hash_key string`, `load_ts timestamp`, `record_source string`,
# `hash_diff string` and the attributes, in any order.
#
# - Each key, `load_ts` and `record_source` of `staged` that the table does not have together makes
#   one row, also if it says the same as the row before it.
# - Its `hash_key` is that of `hash_key(keys)`, its `hash_diff` that of `hash_diff(attributes)`.
# - The attributes are stored as they came: no text is trimmed, and a null stays null.
# - Staged rows with the same key, `load_ts` and `record_source` are copies. Their keys may be
#   written in several ways; the attributes are equal.
# - A batch may come late: rows may be older than those that the table has. They are loaded, too.
# - A row of the table never changes, not even if `staged` has other attributes for it.
#
# The commits are as in Task 3:
#
# - A call makes at most one commit, and it removes no data file. If there is no new row, it makes
#   no commit.
# - Another loader may commit while your call reads `staged`, the same rows even. Then your call may
#   raise Delta's error of a conflict, and changes nothing; called once more, it succeeds.
# - After both loads the table has the rows of both, each once.


# %%
def load_satellite(
    spark: SparkSession,
    satellite: str,
    staged: DataFrame,
    keys: list[str],
    attributes: dict[str, str],
) -> None:
    """Inserts what was said and is not in the satellite."""
    # BEGIN SOLUTION: one row of each key, time and source, inserted where it is not there
    identity = ["hash_key", "load_ts", "record_source"]
    rows = staged.select(
        F.expr(hash_key(keys)).alias("hash_key"),
        "load_ts",
        "record_source",
        F.expr(hash_diff(attributes)).alias("hash_diff"),
        *attributes,
    )
    insert_new(spark, satellite, rows.dropDuplicates(identity), identity)
    # END SOLUTION


# %% [markdown]
# The checks load one batch with old and new rows, and the same batch again.

# %%
lab.check("load_satellite")

# %% [markdown]
# ## Task 5: publish the customer
#
# Write `publish_customer(spark, vault)`. `vault` is a dict with the names of three tables: `hub`,
# with the key column `customer_no`, and the satellites `crm` and `shop`. Both satellites have
# `name` and `address`, strings that may be null, and may have other attributes. No two rows of a
# satellite have the same `hash_key` and `load_ts`. The function returns `hash_key`, `customer_no`,
# `name`, `address`, `valid_from` (timestamp) and `valid_to` (timestamp), in this order: the
# versions of each customer.
#
# **What a source says** of a customer at a time:
#
# - The CRM says what its newest row of the customer says, among those with this `load_ts` or an
#   earlier one.
# - The rows of the shop that have the same `load_ts` are one full extract, whatever their
#   `record_source`. The shop says what its newest extract at that time says. If the customer is not
#   in it, name and address of the shop are null.
#
# **What is published** at a time:
#
# - The name is that of the CRM; if it is null, that of the shop.
# - The address is that of the source whose address is newer. An address is as old as the time since
#   which its source has said it without a break. Another address, or a null, is a break.
# - If both are equally old, it is the address of the CRM. A null address never wins over a text.
# - An empty name or address is a text like others.
#
# **The versions:**
#
# - The first version of a customer begins at the smallest `load_ts` of its rows in the satellites.
# - Another one begins whenever the published name or address changes, from or to null as well, and
#   back to an old value. Nothing else makes a version.
# - A version ends where the next one of its customer begins; the last has no end (null).
# - A customer of the hub without a row in the satellites has one version: name and address are
#   null, and it begins at 1900-01-01 00:00.
# - A customer that is not in the hub has no version, but an extract that only has such customers
#   is an extract, too.


# %%
def publish_customer(spark: SparkSession, vault: dict[str, str]) -> DataFrame:
    """Versions of each customer: the CRM's name, and the newer of two addresses."""
    # BEGIN SOLUTION: find deletions, follow each source through all times, choose, keep changes
    by_time = Window.partitionBy("hash_key").orderBy("at")
    so_far = by_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)

    def said_by(source: str) -> DataFrame:
        """What a satellite says from `at` on, and since when it has said the address."""
        rows = spark.table(vault[source]).select(
            "hash_key", F.col("load_ts").alias("at"), "name", "address"
        )
        if source == "shop":
            rows = rows.unionByName(deletions(rows), allowMissingColumns=True)
        before = F.lag("address").over(by_time)
        is_new = (F.row_number().over(by_time) == 1) | ~before.eqNullSafe(F.col("address"))
        started = F.last(F.when(is_new, F.col("at")), ignorenulls=True).over(so_far)
        said = F.struct("name", "address", started.alias("since")).alias(source)
        return rows.select("hash_key", "at", said)

    def deletions(rows: DataFrame) -> DataFrame:
        """Key and time of the extracts that miss a customer who was in the one before."""
        extracts = rows.select("at").distinct()
        following = F.lead("at").over(Window.orderBy("at"))
        with_next = rows.join(extracts.withColumn("next", following), on="at", how="inner")
        is_missing = ~F.lead("at").over(by_time).eqNullSafe(F.col("next"))
        missing = with_next.withColumn("is_missing", is_missing).where("is_missing")
        return missing.where("next IS NOT NULL").select("hash_key", F.col("next").alias("at"))

    both = said_by("crm").join(said_by("shop"), on=["hash_key", "at"], how="full")
    for source in ("crm", "shop"):
        both = both.withColumn(source, F.last(source, ignorenulls=True).over(so_far))
    is_newer = F.expr("shop.since > crm.since AND shop.address IS NOT NULL")
    shop_wins = F.isnull("crm.address") | is_newer
    published = both.select(
        "hash_key",
        "at",
        F.coalesce("crm.name", "shop.name").alias("name"),
        F.when(shop_wins, F.col("shop.address")).otherwise(F.col("crm.address")).alias("address"),
    )
    now, before = F.struct("name", "address"), F.lag(F.struct("name", "address")).over(by_time)
    versions = published.withColumn("is_version", ~before.eqNullSafe(now)).where("is_version")
    customers = spark.table(vault["hub"]).select("hash_key", "customer_no")
    return customers.join(versions, on="hash_key", how="left").select(
        "hash_key",
        "customer_no",
        "name",
        "address",
        F.coalesce("at", F.lit(datetime(1900, 1, 1))).alias("valid_from"),
        F.lead("at").over(by_time).alias("valid_to"),
    )
    # END SOLUTION


# %% [markdown]
# The checks publish a vault of hand-made and random customers, once.

# %%
lab.check("publish_customer")

# %% [markdown]
# ## Put it together
#
# Five days of three systems, in a bad order: orders before their customers, Wednesday's batches
# last of all, and Monday's twice.

# %%
DAYS = [f"2026-03-0{number}" for number in (2, 3, 5, 6, 4, 2)]
HUB = "hash_key string, customer_no string, load_ts timestamp, record_source string"
SATELLITE = "hash_key string, load_ts timestamp, record_source string, hash_diff string"
vault = {name: f"{lab.schema}.{name}" for name in ("hub", "order_customer", "crm", "shop")}
is_ready = lab.written("hash_key", "hash_diff", "load_hub", "load_satellite")

if is_ready:
    spark.sql(f"CREATE TABLE {vault['hub']} ({HUB}) USING delta")
    spark.sql(f"CREATE TABLE {vault['order_customer']} ({HUB}, order_no string) USING delta")
    for source in ("crm", "shop"):
        said = ", ".join(f"{name} {type}" for name, type in ATTRIBUTES[source].items())
        spark.sql(f"CREATE TABLE {vault[source]} ({SATELLITE}, {said}) USING delta")
    for day in DAYS:
        orders = read_batch("erp_orders", day)
        load_hub(spark, vault["order_customer"], orders, ["order_no", "customer_no"])
        for source in ("crm", "shop"):
            batch = read_batch(source, day)
            load_satellite(spark, vault[source], batch, ["customer_no"], ATTRIBUTES[source])
            load_hub(spark, vault["hub"], batch.unionByName(orders, True), ["customer_no"])

# %% [markdown]
# The auditor's question: is every batch in the vault, as it was said? The next cell builds each
# batch again from hub and satellite, and compares it with the file, keys normalised.


# %%
def rebuilt(source: str, day: str) -> DataFrame:
    """The batch of a source and day, from the vault alone."""
    hub = spark.table(vault["hub"]).select("hash_key", "customer_no")
    said = spark.table(vault[source]).where(F.to_date("load_ts") == day)
    return said.join(hub, on="hash_key").select("customer_no", *ATTRIBUTES[source], "load_ts")


if is_ready:
    for source in ("crm", "shop"):
        for day in sorted(set(DAYS)):
            key = F.upper(F.trim("customer_no")).alias("customer_no")
            staged = read_batch(source, day).select(key, *ATTRIBUTES[source], "load_ts")
            same = set(staged.collect()) == set(rebuilt(source, day).collect())
            print(source, day, "is in the vault" if same else "differs")

# %% [markdown]
# Most satellites that you meet keep changes alone: a row is inserted if its hash differs from that
# of the row before it. The rule sounds as safe as yours. Watch it load the shop's five extracts in
# order, and then with Wednesday's last. Each time it compares with the nearest older row, late
# batches too.


# %%
def load_changes(stored: list, batch: list) -> None:
    """The usual satellite: inserts a row if the row before it, in order of time, differs."""
    for row in batch:
        older = [old for old in stored if old[0] == row[0] and old[1] < row[1]]
        if not older or max(older, key=lambda old: old[1])[2] != row[2]:
            stored.append(row)


for order in ("23456", "23564"):
    changes = []
    for day in order:
        batch = read_batch("shop", f"2026-03-0{day}").orderBy("customer_no")
        load_changes(changes, batch.select("customer_no", "load_ts", "address").collect())
    newest = {number: address for number, _, address in sorted(changes)}
    print(order, len(changes), "rows;", [newest[number] for number in ("web-000", "web-004")])

# %% [markdown]
# These two customers had a wrong address on Wednesday, corrected on Thursday. In the second order
# Thursday's row said the same as Tuesday's, so it was dropped. Then Wednesday's came, and is the
# newest for ever. No insert can repair that: the vault has forgotten what Thursday said. A
# satellite that only keeps changes is right as long as batches come in order.
#
# So change detection belongs where you read: a repeat is a repeat only when all is there. That is
# what your dimension did.

# %%
if is_ready and lab.written("publish_customer"):
    customers = publish_customer(spark, vault)
    shown = customers.where("customer_no IN ('WEB-001', 'WEB-002', 'WEB-004')")
    shown.drop("hash_key").orderBy("customer_no", "valid_from").show(30, truncate=False)
    unheard = customers.where("valid_from < '1950-01-01'").select("customer_no")
    print("known from orders alone:", [row.customer_no for row in unheard.collect()])

# %% [markdown]
# ## In practice
#
# - **When not to.** One ERP and a web shop don't need a vault: twenty source tables become sixty. A
#   type 2 history of each source in silver answers the auditor, too. A vault pays if sources come
#   and change all the time, and if its code is generated.
# - **Changes alone, or all that was said?** Full extracts of ten million customers each night are
#   too much to keep whole. Keep changes and, for each delivery, a thin row of key, time and
#   `hash_diff`: an *extended record tracking satellite*. When a late row arrives, it says which
#   later repeat has to be stored after all.
# - **Raw and business vault.** What was said is raw. Whose address wins is a rule, it changes, and
#   it lives in tables that can be rebuilt. So do *same-as* links: this CRM customer is that one of
#   the ERP.
# - **Point-in-time tables** hold, for each key and date, the `load_ts` of the row that counts in
#   each satellite, and a *ghost* row where there is none. They turn the joins over time into joins
#   by equality. Bridge tables do it for links.
# - **The hub's `load_ts`** is that of the first load that came, and other orders give other times.
#   Never publish it as "customer since".
# - **Hash keys** scatter rows over all files. Cluster a satellite by time or by the natural key if
#   readers filter by them. A changed normalisation changes every key: treat it as a contract.
# - **Anti join and append.** In open-source Delta a single query that reads a table and appends to
#   it conflicts with another commit, as MERGE does. Collect or cache the new rows first, and two
#   loaders write them twice.
#
# **On Databricks**, by the default isolation level a plain append doesn't conflict with a MERGE
# either. So let all loaders of a table look before they write, inside the transaction.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. Why is `sha2(concat_ws('|', a, b, c), 256)` no safe key?
# 2. A satellite keeps a row only if its `hash_diff` differs from the row before it. Which order of
#    arrival breaks it, and what do you do?
# 3. Two loaders insert the same new customers into a hub at once. What keeps each key single?
# 4. The shop sends full extracts. How does a deletion get into the vault, and what if an older
#    extract arrives afterwards?
# 5. An auditor asks what each system said of a customer on 3 March. What has to be true of your
#    tables?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. `concat_ws` leaves nulls out, so `a, null, b` and `a, b, null` are one key. A value with a `|`
#    in it runs into the next one. Blanks and case make two keys of one customer, and a timestamp
#    among the values is written in the session's time zone. I normalise, mark nulls, and escape or
#    count lengths.
# 2. A, then A again, then a B that lies between them. The second A was dropped as a repeat, so
#    after the late B nothing says that A came back. Either batches of a source are loaded strictly
#    in order, or each delivery leaves at least its hash, so that the repeat can be stored when the
#    late row comes.
# 3. The insert must be a transaction that has read the hub: a MERGE, or one query that anti-joins
#    the table and appends. Then the second one fails with a conflict and is repeated, and finds the
#    keys. A plain append never conflicts. Looking first and appending later writes keys twice.
#    Unique constraints don't exist in Delta.
# 4. By absence: the customer is not in the next extract. I derive it when I read, from the times of
#    the extracts that are there: a gap between two extracts is a deletion. So an older extract that
#    comes later moves the deletion to its right time. A deletion that was written as a row at load
#    time would have to be taken back.
# 5. Everything a source said is there, with source and time, as it was said: no cleansing and no
#    rule before the raw vault, no update, and no row dropped because it seemed to repeat. Then the
#    answer is a filter, and I can prove it by building a whole batch again and comparing it.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Wikipedia, [Data vault modeling](https://en.wikipedia.org/wiki/Data_vault_modeling)
# - Delta Lake, [Concurrency control](https://docs.delta.io/latest/concurrency-control.html)
# - Apache Spark, [Built-in functions](https://spark.apache.org/docs/latest/api/sql/index.html)
