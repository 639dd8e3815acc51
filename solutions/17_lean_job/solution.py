# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [support_tickets]
# topics: [native functions, udf, cache, small files, query plans]
# ---
# %% [markdown]
# # Make a job lean
#
# A help desk's nightly job gets slower with every ticket. It runs Python for each row, computes the
# same rows four times, and writes hundreds of small files. You rewrite its Python as expressions of
# Spark, with equal results, nulls included. Then you compute the shared rows once, and write the
# files that you meant.
#
# **You will learn** to
#
# - replace a Python function by native expressions, and find where both differ,
# - keep Python where it must stay, with as little of the data as possible,
# - compute a branch once and release it, and plan the files of a table before you write it.

# %% [markdown]
# ## The data
#
# One row is a ticket, as a mail server delivered it; some come twice. `meta` holds headers of the
# mail. Ten tickets are from a paper archive of 1900. Nulls are in all columns but `ticket_id`.

# %%
import labkit

lab = labkit.open("lean_job")
spark = lab.spark
folder = lab.data("support_tickets")
COLUMNS = (
    "ticket_id long, subject string, tags array<string>, meta map<string,string>, "
    "amount decimal(12,2), created_at timestamp, lang string, solved_at timestamp"
)
tickets = spark.read.schema(COLUMNS).json(str(folder / "tickets.json"))
tickets.drop("meta").orderBy("ticket_id").show(3, truncate=24)

# %% [markdown]
# These are three of the job's functions, in Python. They are right, and slow.

# %%
import math
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

BLANKS = " \t\n\r\u00a0"  # the last one is a no-break space
BERLIN = ZoneInfo("Europe/Berlin")


def normal_subject(subject: str | None) -> str | None:
    """A subject by which tickets are compared."""
    if subject is None:
        return None
    text = subject.lower().replace("ß", "ss")
    text = re.sub(f"[{BLANKS}]+", " ", text).strip(" ")
    while prefix := re.match("(re|fwd?): ?", text):
        text = text[prefix.end() :]
    return text[:40]


def tag_score(tags: list[str | None] | None, weights: dict[str, float]) -> float | None:
    """How urgent the tags of a ticket are."""
    if tags is None:
        return None
    total = 0.0
    for tag in tags:
        total += weights.get(tag, 0.0)
    return total if math.isnan(total) else float(round(total))


def days_open(
    created_at: datetime | None, solved_at: datetime | None, holidays: list[date]
) -> int | None:
    """The business days from the day of `created_at` up to that of `solved_at`; both are UTC."""
    if created_at is None or solved_at is None:
        return None
    day, end = (
        time.replace(tzinfo=UTC).astimezone(BERLIN).date() for time in (created_at, solved_at)
    )
    days = 0
    while day < end:
        if day.weekday() < 5 and day not in holidays:
            days += 1
        day += timedelta(days=1)
    return days


# %% [markdown]
# As a UDF, such a function costs more than its own time. The next cell shows the plan of one:
# subjects leave the JVM for a Python worker, and results come back. The function is called once in
# the code. In how many operators does Python run? `operators` lists those of a plan, the last one
# first.

# %%
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from labkit.checks import operators

as_udf = F.udf(normal_subject, "string", useArrow=True)
slow = tickets.withColumn("subject_norm", as_udf("subject")).where("subject_norm = 'refund'")
print(operators(slow))

# %% [markdown]
# ## What holds for Tasks 1 to 4
#
# You write four functions. Each takes a DataFrame `df` and returns it with one more column. The
# first three use expressions of Spark alone.
#
# - The columns of `df` come back as they are, in their order. The new column is the last one.
# - A row comes back as often as it was given.
# - The call runs no Spark job: it returns a plan.
# - That plan has no shuffle (`ShuffleExchange`).
# - In Tasks 1 to 3 it has no Python worker, also none that makes a frame out of Python's rows.
#
# `df` has the columns that a task names, and may have others of any type, but none with the name of
# the new one. The session's time zone is UTC.
#
# ## Task 1: a subject to compare by
#
# Write `normalise_subject(df)`. The new column `subject_norm`, a string, is what `normal_subject`
# makes of `subject`:
#
# - A null stays null. A subject with nothing but whitespace becomes the empty string.
# - Whitespace at both ends goes, and each run of it in between becomes one blank. Whitespace is
#   what `BLANKS` holds.
# - Letters become lower case, and then `ß` becomes `ss`. The lower case of `ẞ` is `ß`.
# - After that, all prefixes `re:`, `fw:` and `fwd:` at the start go, each with the blank behind it,
#   if it has one.
# - The first 40 characters of the rest stay. A character is a code point: an emoji counts as one,
#   and so does an accent that is a character of its own.
#
# Subjects may be long: one in the data has a million characters. None has more than 20 prefixes.


# %%
def normalise_subject(df: DataFrame) -> DataFrame:
    """`df` with the subject by which tickets are compared."""
    # BEGIN SOLUTION: the steps of normal_subject, each as an expression of Spark
    text = F.regexp_replace(F.lower("subject"), "ß", "ss")
    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))
    text = F.regexp_replace(text, "^(?:(?:re|fwd?): ?)++", "")
    return df.withColumn("subject_norm", F.substring(text, 1, 40))
    # END SOLUTION


# %%
lab.check("normalise_subject")

# %% [markdown]
# Equal rules are not yet equal results. With both versions at hand, you can compare them on real
# rows. `eqNullSafe` says that two nulls are equal.

# %%
if lab.written("normalise_subject"):
    both = normalise_subject(tickets).withColumn("slow", as_udf("subject"))
    differ = both.where(~F.col("subject_norm").eqNullSafe(F.col("slow")))
    print(differ.count(), "of", both.count(), "subjects differ")

# %% [markdown]
# ## Task 2: a score of the tags
#
# Write `score_tags(df, weights)`. The new column `score`, a double, is what `tag_score` makes of
# `tags`. `weights` is a dict from tag to weight, a float.
#
# - The score is null where `tags` is null, and 0 where `tags` is empty.
# - A tag adds its weight as often as the array holds it.
# - A tag without a weight adds nothing, and neither does a null.
# - Tags with other capitals are other tags.
# - The sum is rounded to a whole number. A half goes to the even one, as in Python: 1.5 and 2.5
#   both become 2.
# - A weight may be NaN. The score of a ticket with such a tag is NaN.
# - `weights` may be empty.
#
# Other weights are multiples of 0.25 from -1000 to 1000, so sums are exact in any order.


# %%
def score_tags(df: DataFrame, weights: dict[str, float]) -> DataFrame:
    """`df` with the score of its tags."""
    # BEGIN SOLUTION: a map of the weights, and the sum over each array
    pairs = [F.lit(part) for pair in weights.items() for part in pair]
    known = F.create_map(*pairs).cast("map<string, double>")
    total = F.aggregate(
        "tags",
        F.lit(0.0),
        lambda sum_so_far, tag: sum_so_far + F.coalesce(known[tag], F.lit(0.0)),
    )
    return df.withColumn("score", F.bround(total))
    # END SOLUTION


# %%
lab.check("score_tags")

# %% [markdown]
# ## Task 3: business days
#
# Write `business_days(df, holidays)`. The new column `business_days`, an int, is what `days_open`
# makes of the timestamps `created_at` and `solved_at`. `holidays` is a list of dates.
#
# - It counts from the day of `created_at`, which counts, to the day of `solved_at`, which doesn't.
# - A day is a day in Berlin, in winter and in summer.
# - Saturdays and Sundays don't count.
# - Holidays don't count either. A holiday may be in the list twice, or be a Sunday.
# - `holidays` may be empty.
# - The result is 0 if the ticket was solved on the day it was created, or on an earlier one.
# - It is null if one of the two times is null.
#
# Times may be of any year from 1895 on.

# %%
HOLIDAYS = [date(2026, 4, 3), date(2026, 4, 5), date(2026, 4, 6), date(1900, 1, 1)]


# %%
def business_days(df: DataFrame, holidays: list[date]) -> DataFrame:
    """`df` with the business days that each ticket was open."""
    # BEGIN SOLUTION: the days in between as an array, without those that don't count
    first, end = (
        F.to_date(F.from_utc_timestamp(name, BERLIN.key)) for name in ("created_at", "solved_at")
    )
    # A sequence whose end is before its start runs backwards.
    days = F.when(first < end, F.sequence(first, F.date_sub(end, 1)))
    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
    count = F.when(first >= end, 0).otherwise(F.size(worked))
    return df.withColumn("business_days", F.when(first.isNotNull() & end.isNotNull(), count))
    # END SOLUTION


# %%
lab.check("business_days")

# %% [markdown]
# ## Task 4: Python that has to stay
#
# A vendor's library makes a checksum of each subject. Nobody may copy what it does, and it exists
# in Python alone. This function stands for it.

# %%
MODULUS = 2**61 - 1


def vendor_checksum(text: str) -> int:
    """The checksum of a text, from 0 to 2**61; a text is never None."""
    total = 7
    for byte in text.encode():
        total = (total * 1_000_003 + byte) % MODULUS
    return total


# %% [markdown]
# Write `checksum(df)`. The new column `checksum`, a long, is what `vendor_checksum` makes of
# `subject`.
#
# - Each checksum is exact, to the last digit.
# - It is null where `subject` is null. The empty string has a checksum.
# - Spark calls Python with a batch of rows at a time: through a pandas UDF or an Arrow UDF.
# - Python is sent the subjects, and no other column of `df`: for 300 subjects of one letter, at
#   most 100,000 bytes.
# - A consumer that filters the result by `checksum` doesn't make Python run twice: the plan of
#   `checksum(df).where("checksum > 9")` has one operator with a Python worker.
#
# `vendor_checksum` can't be called with `None`.


# %%
def checksum(df: DataFrame) -> DataFrame:
    """`df` with the vendor's checksum of its subject."""

    # BEGIN SOLUTION: an Arrow UDF of the subject alone, which the optimiser may not copy
    @F.arrow_udf("long")
    def checksums(subjects: pa.Array) -> pa.Array:
        texts = subjects.to_pylist()
        found = [None if text is None else vendor_checksum(text) for text in texts]
        return pa.array(found, pa.int64())

    return df.withColumn("checksum", checksums.asNondeterministic()("subject"))
    # END SOLUTION


# %%
lab.check("checksum")

# %% [markdown]
# ## Task 5: compute a branch once
#
# The job makes four small tables of the same tickets, and computes the tickets four times. It has
# `cache` in twelve places. None of them helps, and nobody dares to remove one.
#
# Write `features(tickets)`. It returns a dict of four DataFrames:
#
# | name | columns, in this order | one row for |
# |---|---|---|
# | `by_lang` | `lang` string, `tickets` long, `amount` decimal(22,2) | each `lang` |
# | `by_day` | `day` date, `tickets` long, `amount` decimal(22,2) | each day of `created_at` (UTC) |
# | `largest` | `ticket_id` long, `amount` decimal(12,2) | each of the three largest amounts |
# | `total` | `tickets` long, `amount` decimal(22,2) | all tickets |
#
# - Rows of `tickets` count if their `amount` is greater than 0. This is the shared branch.
# - `tickets` is how many rows count, and `amount` is their sum.
# - A null `lang`, and a null day, have a row of their own.
# - `largest` has at most three rows.
# - Of equal amounts, those with the smaller `ticket_id` are in `largest`.
# - `total` has one row, also if no row counts: then `tickets` is 0 and `amount` is null.
# - `tickets` is computed once, during the call, and not again when the outputs are read. So the
#   four agree even if the source changes in between.
# - The rows of the branch don't pass through the driver. The rows of the outputs are few, and may:
#   for a branch of 42,000 rows, all tasks together return at most 250,000 bytes to it.
# - After the call Spark's cache holds nothing of it, also if a row of `tickets` can't be computed.
#   That error goes on to the caller.
#
# `tickets` isn't cached when you get it, and has at least the columns `ticket_id`, `lang`, `amount`
# and `created_at`. You may use `localCheckpoint`: the engine removes its blocks some time after the
# last reference to the frame is gone.


# %%
def features(tickets: DataFrame) -> dict[str, DataFrame]:
    """Four small tables from one computation of the tickets."""
    # BEGIN SOLUTION: cache the branch, take the few rows of each output, release it in any case
    measures = F.count("*").alias("tickets"), F.sum("amount").alias("amount")
    branch = tickets.where("amount > 0").select("ticket_id", "lang", "amount", "created_at")
    branch.persist()
    try:
        outputs = {
            "by_lang": branch.groupBy("lang").agg(*measures),
            "by_day": branch.groupBy(F.to_date("created_at").alias("day")).agg(*measures),
            "largest": branch.orderBy(F.desc("amount"), "ticket_id")
            .limit(3)
            .select("ticket_id", "amount"),
            "total": branch.agg(*measures),
        }
        return {
            name: tickets.sparkSession.createDataFrame(output.toArrow(), output.schema)
            for name, output in outputs.items()
        }
    finally:
        branch.unpersist()
    # END SOLUTION


# %%
lab.check("features")

# %% [markdown]
# A cached frame is found by its plan. Guess which of these three reads it, before you run the cell.

# %%
paid = tickets.where("amount > 0").persist()
readers = {
    "the same filter, written again": tickets.where("amount > 0").groupBy("lang").count(),
    "a filter with the same meaning": tickets.where("0 < amount").groupBy("lang").count(),
    "columns first": tickets.select("lang", "amount").where("amount > 0").groupBy("lang").count(),
}
hits = {name: "InMemoryTableScan" in operators(frame) for name, frame in readers.items()}
paid.unpersist()
print(hits)

# %% [markdown]
# ## Task 6: write the files you meant
#
# `partitionBy` does not move rows. Each task writes a file in every partition of which it has a
# row: with 200 tasks and 30 days, up to 6,000 files. `repartition("day")` in front of it makes
# 30 files, and one task writes the largest day alone.
#
# Write `write_sized(df, table, partition_column, rows_per_file)`. It writes `df` as a new Delta
# table.
#
# - The table has the rows and columns of `df`, and `partition_column` as its only partition column.
#   A null is a value like others there.
# - No file has more than `rows_per_file` rows.
# - Each partition has as few files as that allows: its rows divided by `rows_per_file`, rounded up.
# - If `df` has ten times `rows_per_file` rows, or more, no task writes more than half of them.
# - If each task of `df` has rows of one partition only, and their numbers already make such files,
#   they are written by the tasks in which they are, without a shuffle. Counting may shuffle.
#
# `table` has its database in its name, and doesn't exist. `df` has at least one row, the same rows
# in the same tasks each time it is computed, and no column whose name begins with an underscore. It
# may be computed more than once. No value of `partition_column` is the empty string: Delta makes a
# null of it. In which file a row lies is up to you.


# %%
def write_sized(df: DataFrame, table: str, partition_column: str, rows_per_file: int) -> None:
    """Writes a partitioned table with the fewest files of at most so many rows."""
    # BEGIN SOLUTION: count rows by partition and task, number the files, give each its own rows
    pieces = df.groupBy(partition_column, F.spark_partition_id().alias("_task")).count().collect()
    rows: dict[object, int] = {}
    for value, _, count in pieces:
        rows[value] = rows.get(value, 0) + count
    files = sum(math.ceil(count / rows_per_file) for count in rows.values())
    tasks = {task for _, task, _ in pieces}
    right = len(tasks) == len(pieces) == files
    if not right or any(count > rows_per_file for _, _, count in pieces):
        order = Window.partitionBy(partition_column).orderBy(F.monotonically_increasing_id())
        number = F.floor((F.row_number().over(order) - 1) / rows_per_file)
        numbered = df.withColumn("_file", number)
        df = numbered.repartition(files, partition_column, "_file").drop("_file")
    # Two files of a partition may meet in one task, which would write them as one.
    writer = df.write.format("delta").option("maxRecordsPerFile", rows_per_file)
    writer.partitionBy(partition_column).saveAsTable(table)
    # END SOLUTION


# %%
lab.check("write_sized")

# %% [markdown]
# ## Put it together
#
# The whole job with your functions, on the tickets of today.

# %%
WEIGHTS = {"refund": 2.5, "parcel": 1.5, "login": 1.0, "spam": -4.0, "praise": -0.75}

if lab.written("normalise_subject", "score_tags", "business_days", "checksum", "features"):
    urgent = business_days(score_tags(normalise_subject(tickets), WEIGHTS), HOLIDAYS)
    for name, output in features(checksum(urgent)).items():
        print(f"{name}: {output.count()} rows")

# %%
if lab.written("write_sized", "normalise_subject"):
    table = f"{lab.schema}.tickets"
    write_sized(normalise_subject(tickets).drop("meta"), table, "lang", 50)
    files = spark.table(table).groupBy("lang", F.col("_metadata.file_path").alias("file")).count()
    files.groupBy("lang").agg(F.count("*").alias("files"), F.max("count").alias("rows")).show()

# %% [markdown]
# ## In practice
#
# - **What a Python UDF costs.** Rows are serialised, sent to another process and back. Filters on
#   its result can't reach the source. Code generation ends in front of it. Arrow makes the
#   transport cheaper, and leaves the rest as it is.
# - **Python is right** where a library is the point: a model, a parser, a vendor's code. Send it
#   few columns and rows, in batches, and filter before.
# - **Native is not the same as equal.** Rounding, whitespace, weekdays, missing keys and nulls
#   differ in small ways. Keep the old function as a test, and compare both on random rows.
# - **Long strings.** A repeated group of Java's regular expressions recurses: on 2,000 prefixes
#   `^((re|fwd?): ?)+` ended in a `StackOverflowError` here. With `++`, which never gives back what
#   it took, 200,000 went well.
# - **Cache one thing.** A cache pays where an expensive branch feeds several actions. Cache after
#   filters and with few columns, and release it in `finally`. The default level of DataFrames is
#   memory and disk; what doesn't fit is written to local disks, not lost.
# - **Cache, checkpoint or table.** A cache can be lost with its executor. Then it is computed
#   again, perhaps from other data. `localCheckpoint` cuts the plan and can't be computed again.
#   `checkpoint` writes to storage. A table is there tomorrow, and others can read it.
# - **Files.** `repartition` shuffles, `coalesce` doesn't and reaches upstream: `coalesce(1)` runs
#   everything since the last shuffle in one task. A `REBALANCE` hint lets AQE split large shuffle
#   partitions and join small ones by bytes. `repartition("day")` without a number lets AQE join
#   them too: a small table comes out of one task. `maxRecordsPerFile` splits what one task writes;
#   it never joins.
# - **The numbering of Task 6** sorts each partition in one task. For a partition of billions of
#   rows, number the files by a hash, and let them differ in size.
#
# **On Databricks**, optimised writes and auto compaction choose sizes by bytes, and liquid
# clustering replaces most partitioning. Photon doesn't run Python UDFs: a plan with one leaves
# Photon there.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. A team replaces all Python UDFs by pandas UDFs and calls the job native. What do you answer?
# 2. A pandas UDF returns longs that are wrong in the last digits, but only in batches with a null.
#    What happened?
# 3. The vendor bills two million calls for a million rows. The job calls the UDF once. Explain.
# 4. A cache is filled, and the next step computes everything again. Name three reasons.
# 5. A job writes 200 tasks into 30 partitions. How many files come out, and what do you change?
# 6. Somebody adds `coalesce(1)` because readers complain about small files. What becomes slow?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. It is still Python: the rows go to workers and back, now in batches. That is often much
#    cheaper. But filters still stop at it, and code generation too. Native means that the plan has
#    no Python operator. I look there, and keep pandas or Arrow for what has no native form.
# 2. pandas has no null in an int64 column. When a result holds a `None`, `map` makes doubles of all
#    values, and a double has 53 bits. Spark casts them back to long without a word. I return
#    `Int64`, or an Arrow array with its type.
# 3. Spark takes a UDF for a pure function. A filter on its result is pushed below the projection,
#    with a copy of the call, so Python runs for the filter and again for the column. Tasks that are
#    retried call again as well. `asNondeterministic` keeps the optimiser from copying. What must be
#    paid once is written to a table before anybody uses it.
# 4. The plan is not the same: another filter, or the same one behind a step that the cached plan
#    doesn't have. The next step ran only after `unpersist`, when somebody read its frame. Blocks
#    were lost with an executor, or evicted at a level without disk.
# 5. Up to 6,000: each task writes a file for each partition that it has rows of. I distribute rows
#    by partition and file number before the write, with as many files as rows or bytes ask for.
#    `repartition("day")` alone gives 30, but the largest day is one task and one file.
# 6. Everything between the last shuffle and the write: `coalesce` doesn't shuffle, it lowers the
#    number of tasks of that whole stage to one. `repartition(1)` would shuffle and leave the work
#    before it parallel. Better still: a number of files that fits the size.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [Arrow in
#   PySpark](https://spark.apache.org/docs/latest/api/python/tutorial/sql/arrow_pandas.html)
# - Apache Spark, [Built-in functions](https://spark.apache.org/docs/latest/api/sql/index.html)
# - Apache Spark, [Performance
#   tuning](https://spark.apache.org/docs/latest/sql-performance-tuning.html), with caching and the
#   hints for partitions
# - Delta Lake, [Best practices](https://docs.delta.io/latest/best-practices.html)
