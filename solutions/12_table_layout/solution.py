# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [dashboard_events]
# topics: [delta, data skipping, partitioning, clustering, small files]
# ---
# %% [markdown]
# # Lay out a table so that queries read few files
#
# A shop's table of events is partitioned by customer, and each load adds a small file for each of
# them. Every dashboard reads all of it. You measure what queries could skip, without reading a
# row. Then you choose partitioning, clustering and statistics by what they save, lay the table out
# in one rewrite, and rewrite the predicates that no layout can help.
#
# **You will learn** to
#
# - read from a table's log which files a query opens, and what the workload costs,
# - choose a layout by the bytes that it saves a day, and apply it once, while others read,
# - tell which predicates can skip files, and rewrite those that can't.

# %% [markdown]
# ## The data
#
# `dashboard_events` has three days of events, with 46 columns. It also has the queries that
# dashboards run: a predicate each, and how often it runs in a day. All times are UTC.

# %%
import labkit

lab = labkit.open("table_layout")
spark = lab.spark
folder = lab.data("dashboard_events")
QUERIES = "query_id long, predicate string, runs_per_day long"
workload = spark.read.schema(QUERIES).json(str(folder / "workload.json"))
workload.orderBy("query_id").show(truncate=60)

# %% [markdown]
# A loader appends the three files, one a day, to a table with a partition for each customer. So
# each day leaves thirty files.

# %%
import json
import math
import re

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

FIRST = (
    "event_id long, event_time timestamp, customer_id long, country string, amount double, "
    "payload string"
)
OTHERS = [f"attr_{at:02} long" if at != 40 else "campaign string" for at in range(7, 47)]
EVENTS = ", ".join([FIRST, *OTHERS])
events = f"{lab.schema}.events"
spark.sql(f"DROP TABLE IF EXISTS {events}")
for path in sorted(folder.glob("events_*.json")):
    day = spark.read.schema(EVENTS).json(str(path))
    day.write.format("delta").mode("append").partitionBy("customer_id").saveAsTable(events)
spark.sql(f"DESCRIBE DETAIL {events}").select("partitionColumns", "numFiles", "sizeInBytes").show()

# %% [markdown]
# What Delta knows of a file is an `add` action in the table's log: its path, its size, and, as
# JSON, its statistics. A `remove` action takes the file out of the table; the file itself stays on
# disk. The function below reads these actions. In this lab no commit is missing from the log.

# %%
ACTIONS = "add struct<path string, size long, stats string>, remove struct<path string>"


def log_actions(spark: SparkSession, table: str) -> DataFrame:
    """What the log says of files: `version`, and `add` or `remove`, one of which is null."""
    location = spark.sql(f"DESCRIBE DETAIL {table}").first().location
    return (
        spark.read.schema(ACTIONS)
        .json(f"{location}/_delta_log/*.json")
        .withColumn("version", F.substring("_metadata.file_name", 1, 20).cast("long"))
        .where("add IS NOT NULL OR remove IS NOT NULL")
    )


log_actions(spark, events).selectExpr("version", "add.path", "add.size").show(3, truncate=60)
added = log_actions(spark, events).first().add
print(json.dumps(json.loads(added.stats), indent=1)[:420])

# %% [markdown]
# The next cell is for functions that several of your tasks use. You may leave it as it is.

# %%
# BEGIN SOLUTION: functions that several tasks use, if you want any


def live_files(spark: SparkSession, table: str) -> DataFrame:
    """The files of the newest version: path, size and stats."""
    last = Window.partitionBy("path").orderBy(F.desc("version"))
    return (
        log_actions(spark, table)
        .withColumn("path", F.coalesce("add.path", "remove.path"))
        .withColumn("age", F.row_number().over(last))
        .where("age = 1 AND add IS NOT NULL")
        .select("path", "add.size", "add.stats")
    )


# END SOLUTION

# %% [markdown]
# ## Task 1: report the layout
#
# Write `layout_report(spark, table)`. It returns one row with the columns of `REPORT`, in that
# order.
#
# - The files that count are those of the table's newest version, each once.
# - No data file is opened: these tables may lie in an archive, where reading a file fails.
# - `partition_columns` has the partition columns in their order, with a comma between two, and is
#   empty if there are none.
# - `median_bytes` is the median of the files' sizes. Of an even number of files it is the mean of
#   the two in the middle, rounded down.
# - `small_files` is the number of files with fewer than `SMALL_FILE` bytes.
# - `rows_per_file_skew` is the number of rows of the file with most rows, divided by the mean of
#   all files.
# - `columns_without_stats` has the columns that lack statistics in at least one file, in the order
#   of the table. A column has statistics in a file if `nullCount` names it there; a file with nulls
#   alone has no least value. Partition columns need none, and are left out.
# - Of a table without files, median and skew are null, the other numbers are 0, and
#   `columns_without_stats` is empty.
#
# `files` and `bytes` are the number of files and their total size. Each file's statistics have
# `numRecords`. The tables have no nested columns and no deletion vectors.

# %%
REPORT = (
    "partition_columns string, files long, bytes long, median_bytes long, small_files long, "
    "rows_per_file_skew double, columns_without_stats array<string>"
)
SMALL_FILE = 16 * 1024**2


def layout_report(spark: SparkSession, table: str) -> DataFrame:
    """One row about the files of the newest version."""
    # BEGIN SOLUTION: measure the live files by what the log says of them
    partitions = spark.sql(f"DESCRIBE DETAIL {table}").first().partitionColumns
    columns = [name for name in spark.table(table).columns if name not in partitions]
    known = F.from_json("stats", "numRecords long, nullCount map<string, long>")
    lacks = {name: F.bool_or(F.isnull(F.col("known.nullCount")[name])) for name in columns}
    return (
        live_files(spark, table)
        .withColumn("known", known)
        .agg(
            F.lit(",".join(partitions)).alias("partition_columns"),
            F.count("*").alias("files"),
            F.coalesce(F.sum("size"), F.lit(0)).cast("long").alias("bytes"),
            F.floor(F.percentile("size", F.lit(0.5))).cast("long").alias("median_bytes"),
            F.count_if(F.col("size") < SMALL_FILE).alias("small_files"),
            (F.max("known.numRecords") / F.avg("known.numRecords")).alias("rows_per_file_skew"),
            F.array_compact(
                F.array(*[F.when(lacking, F.lit(name)) for name, lacking in lacks.items()])
            ).alias("columns_without_stats"),
        )
    )
    # END SOLUTION


# %% [markdown]
# The checks make tables that are a log alone, with files of many megabytes that exist nowhere. If a
# reason says that a file does not exist, your function opened one.

# %%
lab.check("layout_report")

# %% [markdown]
# What does it say of the events? In real tables a file has 128 MB to 1 GB; here each one is small.

# %%
if lab.written("layout_report"):
    layout_report(spark, events).show(vertical=True, truncate=False)

# %% [markdown]
# ## Task 2: count the files that a query reads
#
# Seconds say little on a shared cluster, and `count()` is answered from the log. The number of
# files is a better measure. Write `files_read(spark, table, predicate)`. It returns, as an integer,
# how many files Spark opens for `SELECT * FROM table WHERE predicate`.
#
# - Files that Delta rules out by partition values or by statistics don't count.
# - Files that Delta can't rule out count, also if none of their rows fits.
# - The files are those of the table's newest version.
# - A predicate that is None stands for a query without WHERE.
# - No data file is opened to find out.


# %%
def files_read(spark: SparkSession, table: str, predicate: str | None) -> int:
    """How many files a query with this predicate opens."""
    # BEGIN SOLUTION: ask Delta which files are left after pruning and skipping
    return len(spark.table(table).where(predicate or "true").inputFiles())
    # END SOLUTION


# %%
lab.check("files_read")

# %% [markdown]
# Guess before you run this cell: which of these queries read fewer than all ninety files?

# %%
queries = workload.orderBy("query_id").collect()
if lab.written("files_read"):
    for query in queries:
        print(f"{files_read(spark, events, query.predicate):3} files: {query.predicate}")

# %% [markdown]
# ## Task 3: price the workload
#
# Write `workload_cost(spark, table, workload)`. `workload` has the columns of `QUERIES`. It returns
# the columns of `COST`, in that order.
#
# - There is one row for each row of `workload`, also if two have the same predicate.
# - `files` is what Task 2 counts, also for a predicate that is null.
# - `bytes` is the total size of these files, whichever of their columns a query needs.
# - `bytes_per_day` is what all runs of a day read. A query with 0 runs reads 0.
# - The query that reads most in a day comes first; of equal ones, the one with the lower
#   `query_id`.
# - No data file is opened: the queries are not run.
#
# `query_id` is unique. The checks' tables have plain paths: no character in them is encoded.

# %%
COST = "query_id long, files long, bytes long, bytes_per_day long"


def workload_cost(spark: SparkSession, table: str, workload: DataFrame) -> DataFrame:
    """What each query reads in a run and in a day, the most expensive first."""
    # BEGIN SOLUTION: add up the sizes of the files that each query reads
    location = spark.sql(f"DESCRIBE DETAIL {table}").first().location
    sizes = {f"{location}/{file.path}": file.size for file in live_files(spark, table).collect()}
    rows = []
    for query in workload.collect():
        paths = spark.table(table).where(query.predicate or "true").inputFiles()
        read = sum(sizes[path] for path in paths)
        rows.append((query.query_id, len(paths), read, read * query.runs_per_day))
    return spark.createDataFrame(rows, COST).orderBy(F.desc("bytes_per_day"), "query_id")
    # END SOLUTION


# %%
lab.check("workload_cost")

# %%
if lab.written("workload_cost"):
    workload_cost(spark, events, workload).show()

# %% [markdown]
# ## Task 4: choose a layout
#
# Write `choose_layout(stats, workload)`, in plain Python. It returns a dict with the keys
# `partition_by`, `cluster_by`, `stats_columns`, `target_file_bytes` and `reasons`.
#
# `workload` is a list of dicts with the keys of `QUERIES`. `stats` tells what was measured:
#
# ```python
# stats = {
#     "bytes": 900 * GIB,                                   # the table
#     "columns": {                                          # in the table's order
#         "customer_id": {"smallest_bytes": 2_000},         # the rows of its rarest value
#         "country": {"smallest_bytes": 3 * GIB},
#     },
#     "queries": {
#         1: {"bytes": 900 * GIB, "by": {"customer_id": GIB, "country": 90 * GIB}},
#     },
# }
# ```
#
# A run of query 1 reads 900 GiB of a table without a layout. It would read 1 GiB if the table were
# laid out by `customer_id`, and 90 GiB if by `country`. A column that is not in `by` changes
# nothing for the query. Each column of `by` is in `columns`. Each query of `workload` is in
# `stats`, which may know others.
#
# - `target_file_bytes` is the table's size divided by 8192, rounded down, but at least 128 MiB and
#   at most 1 GiB.
# - What a column saves is the sum over the queries of `workload`: the bytes that a run reads less
#   by this column, times `runs_per_day`. A query that would read more by it saves 0.
# - `partition_by` is a list with the column that saves most among those whose rarest value has at
#   least `target_file_bytes`. It is empty if no such column saves anything.
# - `cluster_by` lists up to two other columns: first the one that saves most, then the one that
#   saves most after it. Each saves something.
# - Each choice counts on those before it: a run reads what the best column chosen so far leaves,
#   and the next column saves only what it takes from that.
# - Where two columns save the same, the one that comes first in the alphabet is chosen.
# - `stats_columns` lists, in the table's order, the columns in the `by` of any query of `workload`
#   that runs at least once a day. The partition column is not among them.
# - `reasons` is a dict: for each chosen column, in the order of choice, the bytes that it saves a
#   day.
# - The arguments are not changed.

# %%
KIB, MIB, GIB = 1024, 1024**2, 1024**3


def choose_layout(stats: dict, workload: list[dict]) -> dict:
    """Partition, clustering and statistics by what they save in a day, and the size of files."""
    # BEGIN SOLUTION: choose one column after the other, by what each still saves
    target = min(max(stats["bytes"] // 8192, 128 * MIB), GIB)
    runs = {query["query_id"]: query["runs_per_day"] for query in workload}
    measured = {number: stats["queries"][number] for number in runs}
    reads = {number: query["bytes"] for number, query in measured.items()}
    reasons: dict[str, int] = {}

    def less(column: str, number: int) -> int:
        return max(0, reads[number] - measured[number]["by"].get(column, reads[number]))

    def choose(columns: list[str]) -> list[str]:
        """The column that saves most, if one saves anything; from now on its savings are made."""
        saved = {
            column: sum(less(column, number) * runs[number] for number in runs)
            for column in sorted(columns)
            if column not in reasons
        }
        best = max(saved, key=saved.__getitem__, default="")
        if not saved.get(best):
            return []
        reasons[best] = saved[best]
        for number in runs:
            reads[number] -= less(best, number)
        return [best]

    columns = stats["columns"]
    large = [name for name in columns if columns[name]["smallest_bytes"] >= target]
    partition_by = choose(large)
    cluster_by = choose(list(columns)) + choose(list(columns))
    used = {name for number, query in measured.items() if runs[number] for name in query["by"]}
    return {
        "partition_by": partition_by,
        "cluster_by": cluster_by,
        "stats_columns": [name for name in columns if name in used.difference(partition_by)],
        "target_file_bytes": target,
        "reasons": reasons,
    }
    # END SOLUTION


# %%
lab.check("choose_layout")

# %% [markdown]
# ## Task 5: apply the layout
#
# Write `apply_layout(spark, table, layout)`. It lays out a table as a result of Task 4 says. The
# target is small in the checks, as their tables are.
#
# - Rows, columns and their types stay as they are. The table is not dropped.
# - In each version of the table a reader finds all of its rows.
# - Each row is written at most once, however much changes: the call removes no file that it added.
# - Afterwards the table has the partition columns of `partition_by`.
# - If it has these already, no stream that reads the table gets a row again: in the log each add
#   and each remove has `dataChange` false.
# - A filter on one value of a column in `cluster_by`, whichever of the two, reads at most half of
#   the files, where the table's bytes need three files or more for each partition.
# - No file is larger than twice `target_file_bytes`. There are at most twice as many files as the
#   table's bytes before the call need, and one more for each partition.
# - The property `delta.dataSkippingStatsColumns` names `stats_columns`, and the files have
#   statistics of these. One of them may be a partition column before the call; as long as it is,
#   Delta refuses the property.
# - The table's other properties stay.
# - The same layout again writes no file, also in a later session or after the table was renamed.
#   Another layout is applied.
# - The settings of the session are as before when the call returns.
#
# The table has rows, `stats_columns` is not empty, and no value of a column in `cluster_by` is null
# or holds for more than a few rows. `reasons` plays no part. The checks have at most 7 partitions,
# and `partition_by` is empty or has the last column of the table: with another one, this version of
# Spark can't replace the table a second time. Up to you: what streams get when partition columns
# change, what a call does with rows that were appended since the last one, properties of your own,
# and further commits that change no file.


# %%
def apply_layout(spark: SparkSession, table: str, layout: dict) -> None:
    """Rewrites the table once, if it doesn't have this layout yet."""
    # BEGIN SOLUTION: write ranges of the clustering columns over the table, and remember it
    detail = spark.sql(f"DESCRIBE DETAIL {table}").first()
    wanted = json.dumps({key: layout[key] for key in layout if key != "reasons"}, sort_keys=True)
    if detail.properties.get("lab.layout") == wanted:
        return
    partition_by, cluster_by = layout["partition_by"], layout["cluster_by"]
    rows = spark.table(table)
    sizes = [row["count"] for row in rows.groupBy(*partition_by).count().collect()]
    files = math.ceil(detail.sizeInBytes / layout["target_file_bytes"])
    # Two columns make tiles: ranges of the first, each cut into files by the second.
    share = files / len(sizes)
    ranges = len(sizes) * math.ceil(math.sqrt(share) if len(cluster_by) == 2 else share)
    keys = [*partition_by, *cluster_by[:1]]
    spread = rows.repartitionByRange(ranges, *keys) if keys else rows.repartition(ranges)
    if order := [*partition_by, *reversed(cluster_by)]:
        spread = spread.sortWithinPartitions(*order)
    properties = {
        **detail.properties,
        "delta.dataSkippingStatsColumns": ",".join(layout["stats_columns"]),
        "lab.layout": wanted,
    }
    writer = spread.writeTo(table).using("delta").option("dataChange", False)
    writer = writer.option("maxRecordsPerFile", math.ceil(sum(sizes) / files))
    for name, value in properties.items():
        writer = writer.tableProperty(name, value)
    if partition_by:
        writer = writer.partitionedBy(*[F.col(name) for name in partition_by])
    # One commit for rows, partitions and properties: a crash leaves all of them as they were.
    writer.createOrReplace()
    # END SOLUTION


# %%
lab.check("apply_layout")

# %% [markdown]
# ## Task 6: rewrite predicates
#
# Statistics know the least and the greatest value of a column. A predicate on a *function* of it is
# often out of their reach. Write `sargable(predicate)`: text in, text out, no Spark. It knows these
# forms, where `c` is a column, and `n` and `m` are whole numbers:
#
# | form | type of `c` |
# |---|---|
# | `cast(c as string) = 'text'` | long |
# | `c + n = m` and `c - n = m`, also with `<`, `<=`, `>` and `>=` | long |
# | `year(c) = n` | timestamp |
# | `year(c) = n and month(c) = m` | timestamp |
# | `substr(c, 1, n) = 'text'` | string |
#
# - The result holds for the same rows as the predicate.
# - For each form, a query with the result opens no file whose least and greatest value of `c` leave
#   no room for a row.
# - The end of a year or a month is exact: its last microsecond belongs to it, and the next one
#   doesn't.
# - In `text` the signs `%` and `_` stand for themselves.
# - `text` may be shorter or longer than `n`. It may also be no number, or one that no cast writes
#   so.
# - Any other predicate comes back as it is, also `date(c) = 'text'` and `cast(c as date) = 'text'`:
#   a look at Task 2 tells why.
#
# The forms come just so: small letters, single blanks, `n` of `c + n` without a sign, years with
# four digits, months from 1 to 12. There are no quotes or backslashes in `text`, and no number is
# near the limits of a long. Times are UTC. A predicate of a known form that holds for no row may
# become any text that holds for none.


# %%
def sargable(predicate: str) -> str:
    """A predicate for the same rows which lets files be skipped."""
    # BEGIN SOLUTION: say of each form what it means for the column itself
    if found := re.fullmatch(r"cast\((\w+) as string\) = '(0|-?[1-9]\d*)'", predicate):
        return f"{found[1]} = {found[2]}"
    if found := re.fullmatch(r"(\w+) ([+-]) (\d+) ([<>]?=|<|>) (-?\d+)", predicate):
        column, sign, moved, compared, value = found.groups()
        bound = int(value) - int(moved) if sign == "+" else int(value) + int(moved)
        return f"{column} {compared} {bound}"
    if found := re.fullmatch(r"year\((\w+)\) = (\d+)(?: and month\(\1\) = (\d+))?", predicate):
        column, year, month = found[1], int(found[2]), int(found[3] or 1)
        months = 1 if found[3] else 12
        next_year, next_month = divmod(month - 1 + months, 12)
        end = f"{year + next_year:04}-{next_month + 1:02}-01"
        return f"{column} >= '{year:04}-{month:02}-01' and {column} < '{end}'"
    if found := re.fullmatch(r"substr\((\w+), 1, (\d+)\) = '([^'\\]*)'", predicate):
        column, length, text = found[1], int(found[2]), found[3]
        if len(text) < length:
            return f"{column} = '{text}'"
        if len(text) == length:
            return f"startswith({column}, '{text}')"
    return predicate
    # END SOLUTION


# %%
lab.check("sargable")

# %% [markdown]
# ## Put it together
#
# `choose_layout` needs to know what each column would save. The function `measure` estimates it
# from the rows: in a table laid out by a column, a query reads the share of rows that it finds, and
# one file more. The function `per_day` adds up the costs of Task 3, and `ends` is for a picture.

# %%
# Not `payload`: statistics keep 32 characters of a text, and all of these begin with the same 47.
COLUMNS = ["event_id", "event_time", "customer_id", "country", "campaign"]
FILE = 24 * KIB


def measure(spark: SparkSession, table: str, predicates: dict[int, str | None]) -> dict:
    """What `choose_layout` wants to know of a table; this reads all of its rows."""
    rows, total = spark.table(table), spark.sql(f"DESCRIBE DETAIL {table}").first().sizeInBytes
    found = rows.select(
        F.count("*"), *[F.count_if(F.expr(text or "true")) for text in predicates.values()]
    ).first()
    queries = {}
    for (number, text), hits in zip(predicates.items(), found[1:], strict=True):
        names = [name for name in COLUMNS if text and re.search(rf"\b{name}\b", text)]
        left = total * hits // found[0] + FILE
        # Other functions hide their column, whatever the layout is.
        plain = "(" not in re.sub(r"\b(date|startswith)\(", "", text or "(")
        # Not what it reads today: the partitions of today will be gone.
        queries[number] = {"bytes": total, "by": dict.fromkeys(names if plain else [], left)}
    rarest = {
        name: rows.groupBy(name).count().agg(F.min("count")).first()[0] * total // found[0]
        for name in COLUMNS
    }
    columns = {name: {"smallest_bytes": rarest[name]} for name in COLUMNS}
    return {"bytes": total, "columns": columns, "queries": queries}


def per_day(predicates: dict[int, str | None]) -> str:
    """What the workload reads in a day, if its queries have these predicates."""
    rows = [(each.query_id, predicates[each.query_id], each.runs_per_day) for each in queries]
    cost = workload_cost(spark, events, spark.createDataFrame(rows, QUERIES))
    return f"{cost.agg(F.sum('bytes_per_day')).first()[0]:13,} bytes a day"


campaigns = sorted(f"C{number}" for number in range(25))


def ends(table: str) -> list[tuple[int, int, int, int]]:
    """The least and the greatest customer of each file, and the same of its campaigns."""
    files = (
        spark.table(table)
        .groupBy("_metadata.file_path")
        .agg(*[end(name) for name in ("customer_id", "campaign") for end in (F.min, F.max)])
    )
    return [
        (left, right, campaigns.index(low), campaigns.index(high))
        for _, left, right, low, high in files.collect()
    ]


# %% [markdown]
# First the predicates, as far as they can be rewritten. Then the choice, with a target that suits
# the table: with files of 128 MiB it would be one file, and no layout could skip anything.

# %%
TASKS = ["files_read", "workload_cost", "choose_layout", "apply_layout", "sargable"]
done = lab.written(*TASKS)
if done:
    given = {query.query_id: query.predicate for query in queries}
    predicates = {number: predicate and sargable(predicate) for number, predicate in given.items()}
    stats = measure(spark, events, predicates)
    layout = choose_layout(stats, [query.asDict() for query in queries])
    layout["target_file_bytes"] = stats["bytes"] // 20
    before = {number: files_read(spark, events, text) for number, text in given.items()}
    old, at_first = ends(events), per_day(given)
    for key, value in layout.items():
        print(f"{key:18} {value}")

# %% [markdown]
# Two columns are chosen, and `event_time` is not one of them: its queries run less often. Now the
# files of each query: as the table was, after the layout, and after the layout with the predicates
# that you rewrote.

# %%
if done:
    apply_layout(spark, events, layout)
    total = files_read(spark, events, None)
    for number, text in given.items():
        laid_out = files_read(spark, events, text)
        helped = files_read(spark, events, predicates[number])
        files = f"{before[number]:3} of 90, {laid_out:3} of {total}, {helped:3} of {total}"
        print(f"{files}: {predicates[number]}")
    print(f"{at_first} at first\n{per_day(given)} after the layout")
    print(f"{per_day(predicates)} with the predicates that you rewrote")

# %% [markdown]
# The table itself lost two thirds of its bytes: most of a small file is its footer.
#
# The picture shows why files are skipped. Each rectangle is a file: from its least to its greatest
# customer, and from its least to its greatest campaign. A filter on one customer is a vertical
# line, one on a campaign a horizontal line. A query opens the files that its line crosses.

# %%
import matplotlib.pyplot as plt

if done:
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for ax, title, files in zip(panels, ("before", "after"), (old, ends(events)), strict=True):
        for left, right, low, high in files:
            size = right - left + 0.8, high - low + 0.8
            corner = left - 0.4, low - 0.4
            ax.add_patch(plt.Rectangle(corner, *size, facecolor="#0072B233", edgecolor="#0072B2"))
        ax.axvline(7, color="#D55E00", linestyle="--")
        ax.axhline(campaigns.index("C17"), color="#D55E00", linestyle="--")
        ax.set(xlim=(0, 31), ylim=(-1, 25), xlabel="customer", title=f"{len(files)} files {title}")
    panels[0].set_ylabel("campaign, in the order of the text")
    panels[0].set_yticks(range(0, 25, 4), campaigns[::4])
    plt.show()

# %% [markdown]
# Two beliefs are left to test. A second `OPTIMIZE` finds nothing to do. Is that so of a second
# `ZORDER BY` of the same column?

# %%
copied = f"{lab.schema}.copied"
spark.table(events).repartition(6).write.format("delta").mode("overwrite").saveAsTable(copied)


def last_commit(table: str) -> str:
    """What the newest version did to files."""
    row = DeltaTable.forName(spark, table).history(1).first()
    counts = {
        key: row.operationMetrics.get(key, "0") for key in ("numAddedFiles", "numRemovedFiles")
    }
    return f"version {row.version}, {row.operation}: {counts}"


for command in ["ZORDER BY (customer_id)", "ZORDER BY (customer_id)", ""]:
    spark.sql(f"OPTIMIZE {copied} {command}")
    print(f"{command or 'OPTIMIZE alone':24} {last_commit(copied)}")

# %% [markdown]
# No: it rewrites the table each time that it runs. `OPTIMIZE` alone made no version.
#
# The other belief: the statistics of a column need no more than a property that names it. Column
# 40, `campaign`, has none in a table that is written as usual.

# %%
if lab.written("files_read"):
    wide = f"{lab.schema}.wide"
    spark.sql(f"DROP TABLE IF EXISTS {wide}")
    rows = spark.table(events).orderBy("campaign").coalesce(1).write.format("delta")
    rows.option("maxRecordsPerFile", 300).saveAsTable(wide)
    for step in ["as it is", "property", "rewritten"]:
        if step == "property":
            spark.sql(
                f"ALTER TABLE {wide} SET TBLPROPERTIES "
                "('delta.dataSkippingStatsColumns' = 'campaign')"
            )
        if step == "rewritten":
            rows = spark.table(wide).orderBy("campaign").coalesce(1).write.format("delta")
            rows = rows.mode("overwrite").option("maxRecordsPerFile", 300)
            rows.option("dataChange", False).saveAsTable(wide)
        reads = files_read(spark, wide, "campaign = 'C17'")
        print(f"{step:10} {reads} of {files_read(spark, wide, None)} files")

# %% [markdown]
# The property speaks of files that will be written. Old files get statistics when they are
# rewritten, and `dataChange` false keeps that from the streams.
#
# ## In practice
#
# - **Count files and bytes.** Seconds depend on neighbours and caches. `count()` is answered from
#   the log and reads nothing. In a running query the metric `numFiles` of the scan is the same
#   number as Task 2.
# - **Partition for deletes, cluster for reads.** Partitions are worth it when each fills at least a
#   file, and when whole ones are replaced or dropped. Otherwise cluster: it makes no small files,
#   and skew does no harm.
# - **Small files come back.** A write of 8 tasks to 10 partitions leaves up to 80 files. The option
#   `optimizeWrite` shuffles first and leaves 10; `delta.autoOptimize.autoCompact` compacts after a
#   write. Both work outside of Databricks.
# - **Maintenance has a price.** Compare the bytes that a rewrite reads and writes with
#   `bytes_per_day` before and after. A guard as in Task 5 is the difference between one rewrite and
#   one each night.
# - **Statistics cost as well.** They are computed with each write and parsed with each query. Of a
#   long text whose values all begin alike they tell nothing; leave it out.
# - **Fix the predicate before the table.** No layout helps `hour(event_time) = 3`. If the question
#   is asked often, store the hour in a generated column, and filter by that column.
#
# **On Databricks** predictive optimization runs `OPTIMIZE` and `ANALYZE` on managed tables.
# `CLUSTER BY AUTO` chooses the clustering columns from the queries that ran. Liquid clustering
# replaces partitions and Z-order: `ALTER TABLE ... CLUSTER BY` changes the columns without a
# rewrite, and `OPTIMIZE FULL` rewrites old files. What stays yours: predicates that can skip, which
# columns have statistics, and whether a rewrite pays.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. A table is partitioned by customer, and every query is slow. What do you look at first, and
#    what do you change?
# 2. How do Z-order and liquid clustering differ from a sort? What happens at three or four columns?
# 3. A query filters by a column, the table is clustered by it, and still all files are read. Which
#    causes do you know?
# 4. How do you choose the size of files?
# 5. You compacted a table, and a stream that reads it delivered all rows again. What happened?
# 6. How do you show that a new layout is worth its maintenance?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. The number and the median size of files, and what the most frequent queries could skip. A
#    partition for each customer means a small file for each customer and load, so opening files
#    takes most of the time. Write the table once with few partitions or none, clustered by what the
#    expensive queries filter by, and keep it so with optimized writes or compaction.
# 2. A sort by (a, b) keeps files narrow in a; b is scattered over all of them. Z-order and the
#    Hilbert curve of liquid clustering give each column a part of the bits, so each skips some.
#    Each further column takes from the others: with four, a filter on one of them reads a large
#    part of the table. Liquid clustering remembers what is clustered and is incremental;
#    `ZORDER BY` rewrites what it finds, again and again.
# 3. A function or a cast on the column's side; a type that differs, so that Spark casts the column;
#    no statistics, because the column is beyond the first 32 or the files are older than the
#    property; a text whose first 32 characters are the same; new files that are not clustered yet;
#    a value that occurs everywhere; `OR` with a column that can't skip.
# 4. Large enough that opening and planning don't dominate, small enough that skipping has something
#    to skip and that a MERGE, which rewrites whole files, stays cheap. 128 MB for tables below a
#    terabyte, up to 1 GB for very large ones, less where MERGE touches many files.
# 5. The compaction was an overwrite whose adds and removes said `dataChange` true, so the stream
#    took them for new rows. OPTIMIZE, or the writer's option `dataChange` false, says that no row
#    changed.
# 6. With `workload_cost` before and after, per day, against the bytes that maintenance reads and
#    writes per day. Both are in the log. Look again after a month: workloads change.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Delta Lake, [Optimizations](https://docs.delta.io/latest/optimizations-oss.html): OPTIMIZE, data
#   skipping, Z-order, auto compaction
# - Delta Lake, [Liquid clustering](https://docs.delta.io/latest/delta-clustering.html)
# - The Delta protocol, [Per-file statistics][stats]
#
# [stats]: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
