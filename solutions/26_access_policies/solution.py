# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [claims]
# topics: [security, multi-tenant, delta]
# ---
# %% [markdown]
# # Decide who sees what, and make it hold
#
# A lakehouse holds the claims of eight insurers, its tenants. Last week an analyst of one saw a
# total that contained another. You write the policies as data, apply them to rows and values, break
# a view with one line of SQL, and build what an analyst's own queries can't break.
#
# **You will learn** to
#
# - work out which rules hold for a person at an instant, through groups and denials,
# - filter rows and mask values without joins that double and hashes that can be guessed,
# - tell a view from a boundary, replace one tenant's data while others write, and publish totals
#   that name nobody.

# %% [markdown]
# ## The data
#
# Everything is made up. Times are UTC.
#
# | table | grain | columns |
# |---|---|---|
# | `claims` | a claim | `claim_id`, `tenant`, `region`, `patient_name`, `diagnosis`, `amount` |
# | `grants` | a rule | `principal`, `effect`, `tenant`, `region`, `columns`, and two instants |
# | `groups` | a member of a group | `member`, `group`; a member may be a group itself |

# %%
import labkit

lab = labkit.open("access_policies")
spark = lab.spark
folder = lab.data("claims")

# %% [markdown]
# The next cell makes a Delta table of the claims, partitioned by tenant. Two tenants differ by case
# alone: `Aurora` and `aurora` are two companies. Some claims have lost their tenant. A grant holds
# from `valid_from` to `valid_to`.

# %%
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

SCHEMAS = {
    "claims": "claim_id long, tenant string, region string, patient_name string, "
    "diagnosis string, amount decimal(10,2), created_at timestamp",
    "grants": "principal string, effect string, tenant string, region string, "
    "columns array<string>, valid_from timestamp, valid_to timestamp",
    "groups": "member string, group string",
}
tables = {
    name: spark.read.schema(ddl).json(str(folder / f"{name}.json")) for name, ddl in SCHEMAS.items()
}
claims, grants, groups = tables.values()
CLAIMS = f"{lab.schema}.claims"
claims.write.format("delta").partitionBy("tenant").saveAsTable(CLAIMS)
claims.groupBy("tenant").agg(F.count("*").alias("claims"), F.sum("amount")).show()
grants.select("principal", "effect", "tenant", "region", "columns").show(truncate=False)

# %% [markdown]
# ## Task 1: the rules that hold for a person
#
# The first question of every audit is: what may she see, and why? Write `effective_access(grants,
# groups, principal, at)`. It returns the rules that hold for `principal` at the instant `at`, with
# the columns `tenant` string, `region` string, `columns` array of strings, `effect` string and
# `reason` string.
#
# - A rule is for a person if it names them, or a group that they are in.
# - A member of a group is also in the groups that this group is in, and so on, up to 40 levels.
# - Groups may be in each other, in a circle.
# - A rule holds from `valid_from`, included, to `valid_to`, not included. A null `valid_to` means
#   that it has no end.
# - `reason` is the `principal` that the rule names.
# - Rows that would be identical come back once, also if several ways lead to a group.
# - Names are the same only if they are equal, case included.
# - For a person without rules no row comes back.
#
# `at` is a `datetime` without time zone, in UTC. `effect` is `allow` or `deny`: both come back.
# Nothing but `valid_to` is null.


# %%
def effective_access(
    grants: DataFrame, groups: DataFrame, principal: str, at: datetime
) -> DataFrame:
    """The rules that hold for a person at an instant, each with whom it names."""
    # BEGIN SOLUTION: collect the groups step by step, then filter the rules by name and time
    members = groups.collect()
    names = found = {principal}
    while found:
        found = {row["group"] for row in members if row.member in found} - names
        names = names | found
    instant = F.lit(at)
    has_begun = F.col("valid_from") <= instant
    has_ended = F.coalesce(F.col("valid_to") <= instant, F.lit(False))
    return (
        grants.where(F.col("principal").isin(*names))
        .where(has_begun & ~has_ended)
        .select("tenant", "region", "columns", "effect", F.col("principal").alias("reason"))
        .distinct()
    )
    # END SOLUTION


# %% [markdown]
# The checks have groups that contain each other. If yours runs until a timeout, that is why.

# %%
lab.check("effective_access")

# %% [markdown]
# Ann is an analyst. Two of her grants are missing here: one has ended, one has not begun. A policy
# that asks for `current_timestamp()` can't be tested, and nobody can say later what she could see
# in May.

# %%
TODAY = datetime(2026, 6, 1)
ann = None
if lab.written("effective_access"):
    ann = effective_access(grants, groups, "ann", TODAY)
    ann.orderBy("reason", "tenant").show(truncate=False)

# %% [markdown]
# ## Task 2: rows and values
#
# Write `secure(df, access, masks)`. `df` has the columns `tenant` and `region`, and any others.
# `access` is what Task 1 returns, and `masks` is a dict from names of columns to constants. It
# returns the rows and values that `access` lets a person see.
#
# - A rule covers the rows whose `tenant` and `region` equal its own, case included.
# - A `*` in a rule's `tenant` or `region` stands for every one that is not null. A row without a
#   tenant or a region is covered by no rule.
# - A rule is about the columns that `columns` names. A `*` in it stands for all of them.
# - A value is visible if an `allow` for it exists, and no `deny`.
# - A row comes back if at least one of its values is visible.
# - A value that is not visible is replaced by `masks` of its column, or by null if `masks` has
#   none. So is a null that is not visible.
# - The columns of `df` come back with the same names, types and order.
# - A row comes back once, however many rules cover it. Identical rows come back as often as in
#   `df`.
# - Of a table partitioned by `tenant`, files of tenants that no `allow` names or covers are not
#   read.
#
# `columns` may name columns that `df` does not have. A rule for such a column changes nothing.
# Names of columns are lower-case letters and `_`. Columns that you add on the way may have any
# names: `df` has none of them. `access` has few rows. In `masks`, columns of instants have an
# instant, columns of numbers a number that their type can hold, columns of text a number or a text
# that is not empty, and others nothing.
#
# A trap of Spark: in a `select`, it may take a name inside a lambda, as in `F.exists`, for the new
# column of that name.


# %%
def secure(df: DataFrame, access: DataFrame, masks: dict[str, Any]) -> DataFrame:
    """The rows and values that the rules of `access` let a person see."""
    # BEGIN SOLUTION: make one condition for each column, of the rules that are about it
    rules = access.collect()

    def covered(name: str, effect: str) -> Column:
        named = [rule for rule in rules if {name, "*"} & {*rule.columns}]
        about = [rule for rule in named if rule.effect == effect]
        return reduce(or_, map(covers, about), F.lit(False))

    def covers(rule: Row) -> Column:
        tenant, region = (
            F.col(part).isNotNull() if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])
            for part in ("tenant", "region")
        )
        return tenant & region

    visible = {name: covered(name, "allow") & ~covered(name, "deny") for name in df.columns}
    return df.where(reduce(or_, visible.values())).select(
        *[
            F.when(visible[field.name], F.col(field.name))
            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
            .alias(field.name)
            for field in df.schema
        ]
    )
    # END SOLUTION


# %% [markdown]
# A check asks for a tenant that has no claims, of a table whose files are not on disk. An answer
# that opens one of them has read another tenant's data.

# %%
lab.check("secure")

# %% [markdown]
# A mask of your own design is tempting: a hash, so that one can still group and join. Diagnoses
# have twelve codes. An analyst hashes all of them and compares.

# %%
hashed = claims.where("tenant = 'Cedar'").select("claim_id", F.sha2("diagnosis", 256).alias("mask"))
codes = spark.range(1, 13).select(F.format_string("D%02d", "id").alias("code"))
guessed = codes.withColumn("mask", F.sha2("code", 256)).join(hashed, on="mask", how="inner")
print(f"{guessed.count()} of {hashed.count()} hashed diagnoses are known again")

# %% [markdown]
# ## What a view lets through
#
# The platform team gave Ann a view. It keeps tenants that a table of policies names, and she can
# read nothing else: that is the plan. Run what she runs. She expects no row from these queries, and
# she is not interested in rows.

# %%
POLICY = f"{lab.schema}.policy"
VIEW = f"{lab.schema}.claims_of_ann"
policy = spark.createDataFrame([("ann", "Aurora")], "principal string, tenant string")
policy.write.saveAsTable(POLICY)
_ = spark.sql(f"""
    CREATE VIEW {VIEW} AS SELECT * FROM {CLAIMS}
    WHERE tenant IN (SELECT tenant FROM {POLICY} WHERE principal = 'ann')
""")


# %%
def try_out(query: str) -> None:
    """Prints the rows of a query, or the error that its reader gets."""
    try:
        spark.sql(query).show(3)
    except Exception as error:
        print(str(error).splitlines()[0])


try_out(f"SELECT count(DISTINCT tenant) AS tenants, max(tenant) FROM {VIEW}")
ATTACK = """
    SELECT count(*) FROM {view} WHERE CASE WHEN tenant = 'Cedar'
    THEN raise_error(patient_name || ' has ' || diagnosis) ELSE true END
"""
try_out(ATTACK.format(view=VIEW))

# %% [markdown]
# The first query says what the view promises. The second one tells a patient's name and diagnosis
# of Cedar, in the text of an error. A view is not a step of a plan: Spark puts its text into the
# query and optimises both. The subquery becomes a join, and Ann's condition is evaluated below it.

# %%
plan = spark.sql("EXPLAIN " + ATTACK.format(view=VIEW)).first().plan
print("\n".join(line[:110] for line in plan.splitlines()))

# %% [markdown]
# A view whose filter has the tenants as literals stopped this query in our tests. That is the order
# in which today's optimiser works, and nobody promises it for tomorrow. And Ann needs no trick at
# all. The session that runs the view can open the files, so hers can, too.

# %%
file = spark.sql(f"SELECT input_file_name() AS name FROM {VIEW}").first().name
place = file.split("/tenant=")[0]
found = spark.read.format("delta").load(place)
print(f"{found.count()} claims of {found.select('tenant').distinct().count() - 1} tenants")

# %% [markdown]
# ## Task 3: a view that holds against its reader
#
# Write `secure_view(spark, view, table, access, masks)`. `table` is the name of a Delta table.
# After the call, `view` is the name of something that one reads like a table, and shows what
# `secure` returns for the table at that moment.
#
# - Its rows are those of `secure`, and its columns have the same names, types and order.
# - The data files that a query on `view` reads, and their paths, hold nothing of `table` that
#   `view` does not show, nor does any other data file in their folder.
# - A second call with the same `view` shows the table and the rules of that moment.
# - After it, no data file of the first call is left that holds more than `view` shows now: a right
#   that was taken away is gone in earlier versions, too.
# - `table` gets no new version, and other views of it stay as they are.
# - If nothing is visible, `view` is there and has no row.
#
# Rows of the table that come later are not shown before the next call. Readers may find no `view`
# for a moment during a call. What `view` reads is in a Delta table without column mapping. `view`
# has the form `database.name`. Only your calls make it, all of them for the same table, whose
# columns stay.


# %%
def secure_view(
    spark: SparkSession, view: str, table: str, access: DataFrame, masks: dict[str, Any]
) -> None:
    """Makes `view`, which holds what `access` shows of a table, and nothing else."""
    # BEGIN SOLUTION: drop the old copy with its past, and write what is visible to a new one
    seen = secure(spark.table(table), access, masks)
    spark.sql(f"DROP TABLE IF EXISTS {view}")
    seen.coalesce(1).write.format("delta").saveAsTable(view)
    # END SOLUTION


# %% [markdown]
# The checks look at the rows of the view, then at every data file in the folder of the files that
# a query of Ann's would open.

# %%
lab.check("secure_view")

# %% [markdown]
# The same attacks on what you made. The files are still hers to open: on a cluster you would let
# her read this folder and no other. But now there is nothing in them that she may not see.

# %%
if ann is not None and lab.written("secure", "secure_view"):
    COPY = f"{lab.schema}.copy_of_ann"
    secure_view(spark, COPY, CLAIMS, ann, {"patient_name": "hidden"})
    try_out(f"SELECT tenant, count(*), max(patient_name) FROM {COPY} GROUP BY tenant")
    try_out(ATTACK.format(view=COPY))

# %% [markdown]
# ## Task 4: replace one tenant's data
#
# Each insurer delivers its claims again every night, as a whole. Write `write_tenant(spark, table,
# tenant, batch)`. `table` is the name of a Delta table that is partitioned by `tenant`, and `batch`
# has its columns, in any order. It replaces the data of one tenant, and returns nothing.
#
# - After the call the rows of `tenant` are exactly those of `batch`, identical rows included.
# - An empty batch leaves no row of `tenant`.
# - Rows and files of other tenants stay, also of one whose name differs by case alone.
# - It is one commit. If there is no row to remove and none to write, it may be none.
# - A commit to another tenant's data, made by another writer during the call, does not make it
#   fail.
# - If a row of `batch` has another tenant or none, the call raises an exception, of any class, and
#   makes no commit.
# - `tenant` is not empty, and may hold any ASCII characters, such as quotes.


# %%
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    """Replaces one tenant's rows by a batch, in one commit."""
    # BEGIN SOLUTION: overwrite where the tenant is this one; Delta refuses rows that are not
    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
    (
        batch.write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", f"tenant = '{literal}'")
        .saveAsTable(table)
    )
    # END SOLUTION


# %% [markdown]
# One check has a commit of another tenant made while your batch is read. Two tenants of the checks
# are called `O'Hara`, as one in the data, and `O'H%a`.

# %%
lab.check("write_tenant")

# %% [markdown]
# Two ways to overwrite that look alike. A dynamic overwrite replaces the partitions that a batch
# has rows for: an empty batch replaces none, and yesterday's claims stay. And a name that is pasted
# into a condition becomes a part of it.

# %%
SCRATCH = f"{lab.schema}.scratch_claims"
WAYS = {
    "replaceWhere, a condition": {"replaceWhere": "tenant = 'Cedar'"},
    "dynamic partitions": {"partitionOverwriteMode": "dynamic"},
    "replaceWhere, a pasted name": {"replaceWhere": "tenant = 'x' OR tenant <> 'x'"},
}
for way, options in WAYS.items():
    spark.sql(f"DROP TABLE IF EXISTS {SCRATCH}")
    claims.write.format("delta").partitionBy("tenant").saveAsTable(SCRATCH)
    claims.limit(0).write.format("delta").mode("overwrite").options(**options).saveAsTable(SCRATCH)
    print(f"{spark.table(SCRATCH).count():3} of {claims.count()} claims left: {way}")

# %% [markdown]
# ## Task 5: totals that name nobody
#
# Management wants sums by diagnosis. Of a tenant with four patients, a sum is a person's bill.
# Write `aggregate(df, access, k)`. `df` has the columns of `claims`. It returns `tenant` string,
# `diagnosis` string, `patients` long and `amount` decimal(20,2).
#
# - A claim counts if its `tenant`, `diagnosis` and `amount` are visible by the rules of Task 2.
#   `patient_name` need not be visible: it is counted, not shown.
# - There is a row for each tenant and diagnosis with at least `k` different patients. `patients` is
#   their number, and `amount` the sum.
# - The claims of all other diagnoses of a tenant are one more row, with the diagnosis `other`, if
#   they have at least `k` different patients together. If not, they are in no row.
# - Tenants whose names differ by case are two tenants. The same holds for diagnoses and for
#   patients.
# - For a person without rules no row comes back.
#
# `k` is at least 1. No diagnosis is called `other`. `patient_name`, `diagnosis` and `amount` are
# never null here. Patients are the same if their names are equal.


# %%
def aggregate(df: DataFrame, access: DataFrame, k: int) -> DataFrame:
    """Patients and amounts by tenant and diagnosis, without groups of fewer than k patients."""
    # BEGIN SOLUTION: let names be seen for counting, then group twice
    is_allow = F.col("effect") == "allow"
    with_name = F.array_append("columns", F.lit("patient_name"))
    without_name = F.array_remove("columns", "patient_name")
    counting = access.withColumn("columns", F.when(is_allow, with_name).otherwise(without_name))
    seen = secure(df, counting, {}).where(
        "tenant IS NOT NULL AND diagnosis IS NOT NULL AND amount IS NOT NULL"
    )
    patients = F.count_distinct("patient_name").alias("patients")
    sizes = seen.groupBy("tenant", "diagnosis").agg(patients)
    large = sizes.where(F.col("patients") >= k).drop("patients").withColumn("large", F.lit(True))
    shown = F.when(F.col("large"), F.col("diagnosis")).otherwise("other")
    return (
        seen.join(large, on=["tenant", "diagnosis"], how="left")
        .groupBy("tenant", shown.alias("diagnosis"))
        .agg(patients, F.sum("amount").alias("amount"))
        .where(F.col("patients") >= k)
        .withColumn("amount", F.col("amount").cast("decimal(20,2)"))
    )
    # END SOLUTION


# %% [markdown]
# The checks count with `k` 3, on a few claims that you can add up by hand.

# %%
lab.check("aggregate")

# %% [markdown]
# ## Put it together
#
# Ben is an auditor. He may see everything but patients and diagnoses of `O'Hara`. These are the
# totals that he gets, the smallest groups first.

# %%
if lab.written("effective_access", "secure", "aggregate"):
    ben = effective_access(grants, groups, "ben", TODAY)
    table = spark.table(CLAIMS)
    totals = aggregate(table, ben, 5)
    totals.orderBy("patients", "tenant", "diagnosis").show(8)

# %% [markdown]
# Is that safe? Each answer alone is. Now Ben asks twice: once for all claims, and once for all but
# the newest one. He subtracts.

# %%
if lab.written("effective_access", "secure", "aggregate"):
    newest = table.where("tenant = 'Aurora'").orderBy(F.desc("created_at")).first()
    without = aggregate(table.where(F.col("claim_id") != newest.claim_id), ben, 5)
    both = totals.alias("first").join(without.alias("less"), on=["tenant", "diagnosis"], how="inner")
    both.where("first.amount <> less.amount").selectExpr(
        "tenant", "diagnosis", "first.amount - less.amount AS difference"
    ).show()
    print(f"the newest claim of Aurora: {newest.diagnosis}, {newest.amount}")

# %% [markdown]
# A least number of patients protects one answer, not two. Whoever may choose the filter can always
# ask for a difference. So let people choose from fixed reports, or add noise, or keep an account of
# what each of them has asked.
#
# ## In practice
#
# - **Ask who runs the query, and who can open the files.** If the reader's own code runs in the
#   process that holds the hidden rows, no filter in that process is a boundary. That is as true of
#   Spark as of a Python service.
# - **What is a boundary:** a copy in a place of its own, with storage rights for one group of
#   readers; a service that takes parameters and no code; an engine that keeps user code apart and
#   enforces filters below it.
# - **The price of copies** is storage, a job, and an hour of delay for data and for rights that
#   were taken away. Make one copy for each group with the same rights, not one for each person.
# - **One table or many?** Few large tenants, or contracts that ask for it: a table or a catalog for
#   each. Many small ones: one table, partitioned or clustered by tenant. Never by tenant *and* day
#   for forty thousand tenants: that is millions of small files.
# - **Rights are data.** They have an owner, a review, a history, and tests that attack them. Groups
#   get rights, people get groups. A deny is for exceptions, and has an end.
# - **Log each access** with the rules that held. "What could she see in May?" is then a call of
#   `effective_access` with another `at`.
#
# **On Databricks** Unity Catalog has row filters and column masks as functions of a table. They
# hold on SQL warehouses and on standard access mode, where code of users runs apart from the
# engine. `is_account_group_member` asks for a group. ABAC policies attach the same functions by
# tags. System tables hold the audit log. Open-source Unity Catalog has grants on tables, no
# filters.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. You gave an analyst a view with a row filter, in open-source Spark. Is it a boundary?
# 2. The filter of a view looks rights up in a table. What can go wrong?
# 3. One rule allows a column, another denies it. Which wins, and what if the deny is the wider one?
# 4. How do you take a right away from somebody who has a copy, and by when does it hold?
# 5. One table with a tenant column, a table for each tenant, or a catalog for each? How do you
#    decide?
# 6. Why is a hash no mask for a diagnosis, and what is left of it with a secret key?
# 7. You show sums only for five people or more. How does an analyst still learn one person's
#    amount?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. No. A view is text that becomes part of her query. The optimiser may evaluate her condition
#    before the view's, so an error message or a function of hers tells of hidden rows. And the
#    session that runs the view can open all files of the table, so hers can. A boundary is a copy
#    in a place with rights of its own, a service without user code, or an engine that keeps user
#    code apart.
# 2. Written as a join, it doubles rows for which two rules hold. A subquery is planned as a join,
#    and her conditions are evaluated below it. A reader without a rule must see nothing, not
#    everything. And whoever may write that table has all rights.
# 3. The deny, always, whatever is wider or newer or comes first. Any other order needs a definition
#    of "more specific", and somebody will get it wrong in the direction of showing. The price: an
#    exception to a deny is a new group, not a new allow.
# 4. Make the copy again without the rows and remove the old files: an overwrite alone keeps them
#    for time travel, and DELETE keeps them until VACUUM. The right ends when the old files are
#    gone, so the contract says how many minutes that may take. What was downloaded can't be taken
#    back.
# 5. By number and size of tenants, by contracts (own keys, own region, deletion), and by who makes
#    mistakes: a forgotten filter in one table shows all tenants, a forgotten grant on a table shows
#    nothing. Many small tenants: one table, partitioned or clustered by tenant, and writes that
#    name the tenant. A few large ones: a schema or catalog each. Often both, by size.
# 6. There are few diagnoses. She hashes all of them and looks hers up. With a secret key she can't,
#    but equal values still have equal hashes: she counts how often each one is there, and the most
#    frequent one is the most frequent diagnosis. If nobody has to join by it, a constant is better.
# 7. She asks for two groups that differ by that person and subtracts. Or she knows the other four.
#    A suppressed group is known too where the total is shown. These help: fixed reports, further
#    groups suppressed so that no difference is small, noise, and an account of what was asked.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - PostgreSQL, [Rules and privileges](https://www.postgresql.org/docs/current/rules-privileges.html)
# - Delta Lake, [Selective overwrite](https://docs.delta.io/delta-batch/#selective-overwrite)
# - Databricks, [Row filters and column masks](https://docs.databricks.com/aws/en/tables/row-and-column-filters)
