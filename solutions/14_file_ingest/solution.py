# ---
# level: senior
# minutes: 75
# needs: []
# datasets: [partner_drops]
# topics: [ingest, structured streaming, delta, dead letters, schema drift]
# ---
# %% [markdown]
# # Ingest files that drift, repeat and break
#
# A logistics partner drops files into a folder: some twice, some corrected under the same name,
# some cut off. Two records that the table refuses have blocked the load since Sunday. You build
# what Auto Loader gives on Databricks: every file once, new fields kept until someone asks for
# them. And you set aside what breaks a write. At the end every line of every file is accounted for.
#
# **You will learn** to
#
# - read each file of a folder once, and know which files the file source never reads,
# - keep what a schema does not hold, and promote it later without rewriting the table,
# - find the records that break a write, and bring them in once after a fix.

# %% [markdown]
# ## The data
#
# `partner_drops` is what arrived on three days, a folder for each. The partner has two lanes,
# `north` and `south`. A line is one shipment, as JSON.

# %%
import labkit

lab = labkit.open("file_ingest")
spark = lab.spark
drops = lab.data("partner_drops")
files = sorted(path for path in drops.rglob("*") if path.is_file())
for path in files:
    print(f"{str(path.relative_to(drops)):36} {path.stat().st_size:5} bytes")

# %% [markdown]
# Names tell some of it. Others of these files have a modification time of long ago, a byte order
# mark, a last line that is cut off, fields that nobody announced, or a weight with its unit. Each
# line goes through two tables:
#
# ```
#  files ──ingest──▶ bronze ──refine──▶ rows ──isolate──▶ shipments
#                   (lines)                       └─────▶ dead ──replay_dead──▶ shipments
# ```

# %%
from collections.abc import Callable

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

BRONZE = (
    "raw string, file string, file_modified timestamp, ingested_batch long, content_hash string"
)
SHIPMENTS = "shipment_id long, carrier string, weight_kg double, delivered_at timestamp"
REFINED = f"{SHIPMENTS}, rescued string, corrupt boolean, raw string, file string"
DEAD = "raw string, file string, reason string, resolved_at timestamp"
FILES_PER_BATCH = 4

# %% [markdown]
# ## Task 1: read every file once
#
# Write `ingest(spark, source, table, checkpoint)`. It appends the lines of the files in the folder
# `source` to the Delta table `table`, which has the columns of `BRONZE`. It is a stream of files
# with the trigger `availableNow` and the checkpoint folder `checkpoint`; when the call returns, all
# files that were there are read. It returns a list of paths, which the last rule describes.
#
# - A row is a line of a file, without its line end. Blank lines are rows, and so is a last line
#   without an end. Equal lines and equal files are kept as often as they come.
# - Files in folders below `source`, at any depth, are read as well.
# - A file is read whatever its modification time is.
# - A file is not read if its name, or the name of a folder between `source` and it, begins with `_`
#   or `.`. A name that ends in `.part` is not read either: the partner still writes that file, and
#   renames it at the end.
# - Each path is read once, also if a later call finds it with another content.
# - `file` and `file_modified` are the path and the modification time of the file, as
#   [`_metadata`](https://docs.databricks.com/aws/en/ingestion/file-metadata-column)
#   says them. `ingested_batch` is the number of the micro-batch. `content_hash` is the SHA-256 of
#   `raw`, in hex as `sha2` says it.
# - A micro-batch takes at most `FILES_PER_BATCH` files, and is one commit.
# - A job can die after the commit, and before the checkpoint knows of it. The next call leaves each
#   of its rows once.
# - Several folders, each with a checkpoint of its own, may feed one table.
# - The list has the files in `source` whose modification time is no longer the one in `table`: as
#   in column `file`, sorted.
#
# These are up to you: what a call does whose checkpoint was lost, files that are empty, names with
# other characters than ASCII letters, digits, blanks, `-`, `_` and `.`, and other names that Spark
# treats in its own way, such as `_metadata.json`.


# %%
def ingest(spark: SparkSession, source: str, table: str, checkpoint: str) -> list[str]:
    """Appends the lines of new files to bronze; the files that changed since they were read."""
    # BEGIN SOLUTION: stream the new files into the table, each once, and look for changed files
    lines = (
        spark.readStream.format("text")
        .option("recursiveFileLookup", True)
        .option("maxFilesPerTrigger", FILES_PER_BATCH)
        .option("maxFileAge", "36500d")
        .load(source)
        .select(
            F.col("value").alias("raw"),
            F.col("_metadata.file_path").alias("file"),
            F.col("_metadata.file_modification_time").alias("file_modified"),
        )
        .where("file NOT LIKE '%.part'")
    )

    def append(batch: DataFrame, number: int) -> None:
        (
            batch.withColumn("ingested_batch", F.lit(number).cast("long"))
            .withColumn("content_hash", F.sha2("raw", 256))
            .write.format("delta")
            .mode("append")
            # The checkpoint is in the id: two folders count their batches from 0.
            .option("txnAppId", f"ingest {checkpoint}")
            .option("txnVersion", number)
            .saveAsTable(table)
        )

    stream = lines.writeStream.foreachBatch(append).option("checkpointLocation", checkpoint)
    stream.trigger(availableNow=True).start().awaitTermination()

    on_disk = (
        spark.read.format("binaryFile")
        .option("recursiveFileLookup", True)
        .load(source)
        .select(
            F.col("_metadata.file_path").alias("file"),
            F.col("_metadata.file_modification_time").alias("modified"),
        )
    )
    read = spark.table(table).select("file", "file_modified").distinct()
    changed = read.join(on_disk, on="file", how="inner").where("modified <> file_modified")
    return sorted(row.file for row in changed.collect())
    # END SOLUTION


# %% [markdown]
# The checks write a dozen small files, call, add and change files, and call again. They compare the
# rows with the lines on disk, file by file. `lab.hint("ingest")` gives the first of the hints.

# %%
lab.check("ingest")

# %% [markdown]
# ## Task 2: rescue what the schema does not hold
#
# Write `refine(bronze, schema)`. It returns a row for each row of `bronze`: the columns of
# `schema`, in its order and with its types, then `rescued` (string), `corrupt` (boolean), `raw` and
# `file`. `bronze` has the columns `raw` and `file`, and may have others. `schema` is a DDL string
# with columns of the types in the table; their names consist of letters, digits and `_`.
#
# | a column of type | takes from JSON |
# |---|---|
# | `long` | a whole number that fits 64 bits |
# | `double` | a number, whole or not |
# | `string` | a string, as it is |
# | `boolean` | `true` and `false` |
# | `timestamp` | a string of date, time and zone: `2026-10-02T08:00:00+02:00` |
#
# - No row is dropped and none is doubled; equal rows stay as many as they are.
# - `corrupt` is true if `raw` is not one JSON object: a line that is cut off, a line of a CSV, `[]`,
#   `7`, a blank line. Then the columns of `schema` and `rescued` are null. Otherwise `corrupt` is
#   false.
# - A field of the object belongs to the column of the same name. Upper and lower case are different
#   names.
# - A value that its column does not take leaves the column null; the other fields keep theirs.
# - `rescued` is a JSON object of the fields without a column, and of those whose value the column
#   does not take. Each has its value as it came: an object, a list, a number or a string.
# - `rescued` is null if there is no such field.
# - A field of the object whose value is JSON's null is like a field that is not there. Nulls
#   within a value stay.
#
# These are up to you:
#
# - blanks and the order of fields in `rescued`
# - a value that is no string for a string column, and a number for a timestamp
# - what Spark reads though JSON does not have it: single quotes, and `NaN`
# - digits of a fraction that a double does not hold, and whole numbers of more than 20 digits
# - a whole number written as `3.0`, a key that comes twice, something after the object
# - other spellings of a date, a time and a zone, and a time without a zone.
#
# [`from_json`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.from_json.html)
# reads types; the type `map<string, variant>` takes any object.

# %%
# BEGIN SOLUTION: functions that several tasks use, if you want any
FIELDS = "map<string, variant>"


def taken(typed: Column, names: list[str]) -> Column:
    """The names of the fields that have a value in `typed`."""
    return F.array_compact(F.array(*[F.when(typed[one].isNotNull(), F.lit(one)) for one in names]))


def json_without(fields: Column, names: Column) -> Column:
    """JSON of the fields whose names are not in an array; null when there is none."""
    left = F.map_filter(
        fields, lambda name, value: ~F.array_contains(names, name) & ~F.is_variant_null(value)
    )
    return F.when(F.size(left) > 0, F.to_json(left))


# END SOLUTION


# %%
def refine(bronze: DataFrame, schema: str) -> DataFrame:
    """Typed columns, what they do not hold, and whether the line is no object."""
    # BEGIN SOLUTION: parse each line twice, typed and as a map, and keep what is left
    names = StructType.fromDDL(schema).names
    parsed = bronze.select(
        "raw",
        "file",
        F.from_json("raw", schema).alias("typed"),
        F.from_json("raw", FIELDS).alias("fields"),
    ).withColumn("corrupt", F.isnull("fields"))
    typed = F.when(~F.col("corrupt"), F.col("typed"))
    return parsed.select(
        *[typed[name].alias(name) for name in names],
        json_without(F.col("fields"), taken(typed, names)).alias("rescued"),
        "corrupt",
        "raw",
        "file",
    )
    # END SOLUTION


# %% [markdown]
# The checks give lines of all kinds. A reason names the line that became another row.

# %%
lab.check("refine")

# %% [markdown]
# ## Task 3: promote a field
#
# On the second day the partner sends `co2_kg`, and later someone wants it. Write `evolve(spark,
# table, batch, promote)`. It appends `batch` to the Delta table `table`, and makes columns of the
# fields in `promote`: a dict from the name of a field to its type, one of those of Task 2. It may
# be empty. The names consist of letters, digits and `_`, and no column has one of them in another
# case.
#
# `batch` has the columns that `refine` returns. `table` has these, with the same `schema`, and may
# have some more that were promoted before.
#
# - A new column comes last, in the order of `promote`.
# - Where `rescued` has a promoted field whose value the type takes, the value moves into the column
#   and leaves `rescued`. What a type takes is as in Task 2.
# - This goes for the rows of `batch` and for the rows that are stored already.
# - A value that the type does not take stays in `rescued`. So do all fields that `promote` does not
#   name.
# - `rescued` becomes null where nothing is left in it.
# - Nothing else changes in a row, and each row of `table` and of `batch` is there as often as it
#   was.
# - A field that is promoted again goes the same way: its column is there, and values that came
#   since move into it.
# - A stored data file is rewritten only if a value moves in one of its rows.


# %%
def evolve(spark: SparkSession, table: str, batch: DataFrame, promote: dict[str, str]) -> None:
    """Appends a batch; promoted fields move from `rescued` into columns, in stored rows too."""
    # BEGIN SOLUTION: add the columns, move values in stored rows and in the batch, append
    names = list(promote)
    new = [name for name in names if name not in spark.table(table).columns]
    if new:
        columns = ", ".join(f"`{name}` {promote[name]}" for name in new)
        spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({columns})")
    if names:
        ddl = ", ".join(f"`{name}` {kind}" for name, kind in promote.items())
        typed = F.from_json("rescued", ddl)
        moving = taken(typed, names)
        left = {"rescued": json_without(F.from_json("rescued", FIELDS), moving)}
        moved = {name: F.coalesce(typed[name], F.col(name)) for name in names}
        DeltaTable.forName(spark, table).update(F.size(moving) > 0, {**moved, **left})
        batch = batch.withColumns({**{name: typed[name] for name in names}, **left})
    batch.write.format("delta").mode("append").saveAsTable(table)
    # END SOLUTION


# %% [markdown]
# The checks call twice, on a table with two columns that were promoted before: with three new fields
# and one of these, then with the other. They look at the rows, and at the data files by their paths.

# %%
lab.check("evolve")

# %% [markdown]
# ## Task 4: isolate what breaks a write
#
# The table of shipments has a constraint, and one record that violates it refuses the whole append.
# Write `isolate(batch, write)`. `batch` has the columns `raw` and `file`, and any others; no name
# begins with `_`. Names are as in Task 3. Each time that `batch` is read it has the same rows, maybe
# in another order. `write(frame)` writes the rows of a frame, all of them or none: it raises an
# exception if it can't write one of them. Such a record is poison, and `write` refuses every frame
# that it is in.
#
# The function calls `write` for parts of `batch`, and returns two values: how many rows were
# written, and a frame of the poison records with the columns `raw`, `file` and `reason` (string).
#
# - Each record that is not poison is written once, with all its columns and no others.
# - Each poison record is a row of the frame. `reason` is `str(error)` of the exception that `write`
#   raised for this record alone.
# - Records may be equal. Each of them is written, or is a row of the frame.
# - `write` is called at most 1 + 2·k·⌈log₂ n⌉ times for n records, k of them poison. So a batch
#   without poison is one call.
# - An empty batch gives 0 and a frame without rows. Whether `write` is called for it is up to you.


# %%
def isolate(batch: DataFrame, write: Callable[[DataFrame], None]) -> tuple[int, DataFrame]:
    """How many rows were written, and the poison records with their reasons."""
    # BEGIN SOLUTION: number the records, and halve what can't be written
    place = F.row_number().over(Window.orderBy(F.monotonically_increasing_id())) - 1
    numbered = batch.withColumn("_place", place).localCheckpoint()
    dead: list[tuple[str, str, str]] = []

    def written(first: int, end: int) -> int:
        part = numbered.where(f"_place >= {first} AND _place < {end}").drop("_place")
        try:
            write(part)
        except Exception as error:
            if end - first > 1:
                middle = (first + end) // 2
                return written(first, middle) + written(middle, end)
            record = part.select("raw", "file").first()
            dead.append((record.raw, record.file, str(error)))
            return 0
        return end - first

    rows = numbered.count()
    total = written(0, rows) if rows else 0
    columns = "raw string, file string, reason string"
    return total, batch.sparkSession.createDataFrame(dead, columns)
    # END SOLUTION


# %% [markdown]
# The check's `write` keeps what it was given and refuses some records. It counts the calls.

# %%
lab.check("isolate")

# %% [markdown]
# ## Task 5: replay the dead
#
# Dead records wait in a table with the columns of `DEAD`; `resolved_at` is null while a record
# waits. Someone has fixed the constraint, or the schema. Write `replay_dead(spark, dead_table,
# table, schema)`. It refines the records that wait, with `schema`, and appends them to `table`.
# `table` has the columns that `refine` returns for `schema`, in any order.
#
# - Each record that waits becomes a row of `table`, unless `table` still refuses it. One that is
#   refused holds up no other.
# - A record that went in gets the time of the call as `resolved_at`, and keeps its reason.
# - A record that is refused waits on: `resolved_at` stays null, and `reason` is today's, as
#   `isolate` tells it.
# - Records that were resolved before are not written again, and stay as they are.
# - No row of `dead_table` is deleted or added.
# - Two records that wait may be equal in `raw` and `file`. Both go in.
# - A call can die between the two tables. So a record that waits is not written if `table` has a row
#   with its `raw` and `file`: it is marked only.


# %%
def replay_dead(spark: SparkSession, dead_table: str, table: str, schema: str) -> None:
    """Writes the dead records that can be written now, once, and marks them as resolved."""
    # BEGIN SOLUTION: write what waits and is not there yet, then mark what is there
    key = ["raw", "file"]

    def append(rows: DataFrame) -> None:
        rows.write.format("delta").mode("append").saveAsTable(table)

    waiting = spark.table(dead_table).where("resolved_at IS NULL").select(key).localCheckpoint()
    there = spark.table(table).select(key).localCheckpoint()
    _, refused = isolate(refine(waiting.join(there, on=key, how="left_anti"), schema), append)
    # What waited is refused, or in the table: since this call, or since one that died.
    outcomes = waiting.distinct().join(refused.dropDuplicates(key), on=key, how="left")
    (
        DeltaTable.forName(spark, dead_table)
        .alias("old")
        .merge(
            outcomes.alias("new"),
            "old.raw = new.raw AND old.file = new.file AND old.resolved_at IS NULL",
        )
        .whenMatchedUpdate("new.reason IS NULL", set={"resolved_at": F.current_timestamp()})
        .whenMatchedUpdate(set={"reason": "new.reason"})
        .execute()
    )
    # END SOLUTION


# %% [markdown]
# The checks replay records of all these kinds into a table with a constraint.

# %%
lab.check("replay_dead")

# %% [markdown]
# ## Put it together
#
# Let the three days arrive. `deliver` copies a day into the inbox, with the times of the files, and
# finishes what was half-written the day before. These cells wait until the functions are written.

# %%
import gzip
import hashlib
import shutil
from collections import Counter
from pathlib import Path

inbox, checkpoint = lab.scratch / "inbox", str(lab.scratch / "checkpoint")
bronze, shipments, dead = (f"{lab.schema}.{name}" for name in ("bronze", "shipments", "dead"))
done = lab.written("ingest", "refine", "evolve", "isolate", "replay_dead")


def deliver(day: int) -> None:
    """What the partner does on a day."""
    shutil.copytree(drops / f"day-{day}", inbox, dirs_exist_ok=True)
    for draft in inbox.rglob("*.part"):
        if draft.with_suffix("").exists():
            draft.unlink()


# %% [markdown]
# The table of shipments refuses a weight that is not positive. A weight may be missing. Unlike the
# SQL standard, Delta treats a constraint whose result is null as violated. So `weight_kg > 0` alone
# would refuse every corrupt line.

# %%
for table, ddl in ((bronze, BRONZE), (shipments, REFINED), (dead, DEAD)):
    spark.sql(f"CREATE OR REPLACE TABLE {table} ({ddl}) USING delta")
rule = "weight_kg IS NULL OR weight_kg > 0"
spark.sql(f"ALTER TABLE {shipments} ADD CONSTRAINT positive_weight CHECK ({rule})")


def append(frame: DataFrame) -> None:
    frame.write.format("delta").mode("append").saveAsTable(shipments)


# %% [markdown]
# One load a day: new lines into bronze, typed, into the table or to the dead. `before` is the last
# micro-batch of the day before.

# %%
for day in (1, 2, 3) if done else ():
    before = spark.table(bronze).agg(F.max("ingested_batch")).first()[0]
    deliver(day)
    changed = ingest(spark, str(inbox), bronze, checkpoint)
    new = spark.table(bronze).where(
        F.col("ingested_batch") > F.lit(-1 if before is None else before)
    )
    written, refused = isolate(refine(new, SHIPMENTS), append)
    refused = refused.withColumn("resolved_at", F.lit(None).cast("timestamp"))
    refused.write.format("delta").mode("append").saveAsTable(dead)
    names = [Path(file).name for file in changed]
    print(f"day {day}: {new.count()} lines, {written} written, changed since: {names}")

# %% [markdown]
# What did the partner begin to send? `rescued` knows. The first line is a typo: a zero in place of
# the letter O. With `mergeSchema` it would be a column for ever.

# %%
if done:
    rows = spark.table(shipments)
    fields = F.expr("map_keys(from_json(rescued, 'map<string, variant>'))")
    names = rows.select(F.explode(fields).alias("field"))
    names.groupBy("field").count().orderBy("field").show()
    rows.groupBy("corrupt").count().orderBy("corrupt").show()

# %% [markdown]
# The climate report wants `co2_kg`. And the partner explains the weights below zero: they are
# returns. So the constraint goes, and the dead go in.

# %%
if done:
    nothing_new = refine(spark.table(bronze).where("false"), SHIPMENTS)
    evolve(spark, shipments, nothing_new, {"co2_kg": "double"})
    file = F.substring_index("file", "/", -1).alias("file")
    refused = spark.table(dead).orderBy("raw").select(file, F.substring("raw", 1, 60).alias("raw"))
    refused.show(truncate=False)
    spark.sql(f"ALTER TABLE {shipments} DROP CONSTRAINT positive_weight")
    replay_dead(spark, dead, shipments, f"{SHIPMENTS}, co2_kg double")
    spark.table(dead).groupBy(F.isnotnull("resolved_at").alias("resolved")).count().show()

# %% [markdown]
# Now the account: each line on disk by its hash, each line in bronze, each row of shipments. Counts
# alone would agree. By hash, two lines are on disk and nowhere else: the corrections that the
# partner wrote over a file that was read. `ingest` named that file on the second day.

# %%
on_disk: Counter[tuple[str, str]] = Counter()
for path in sorted(inbox.rglob("*")) if done else ():
    if path.is_file() and not path.name.startswith("_"):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in data.decode("utf-8-sig").splitlines():
            on_disk[path.name, hashlib.sha256(line.encode()).hexdigest()] += 1
if done:
    rows = spark.table(bronze).select("file", "content_hash").collect()
    in_bronze = Counter((Path(row.file).name, row.content_hash) for row in rows)
    table_lines = Counter(row.raw for row in spark.table(shipments).select("raw").collect())
    bronze_lines = Counter(row.raw for row in spark.table(bronze).select("raw").collect())
    print("lines on disk:", on_disk.total(), "in bronze:", in_bronze.total())
    print("in shipments: ", table_lines.total(), "missing:", (bronze_lines - table_lines).total())
    print("on disk only: ", Counter(name for name, _ in (on_disk - in_bronze).elements()))

# %% [markdown]
# ## In practice
#
# - **A file source has a memory and an age limit.** It remembers paths, not contents, so a file
#   that is overwritten is not read again. Without `maxFileAge` it drops a file that is seven days
#   older than the newest one it has seen: no error, no row. A partner who copies with the old times
#   loses files so.
# - **On Databricks** Auto Loader lists or listens to notifications, keeps its paths in RocksDB, and
#   has `rescuedDataColumn` and `schemaEvolutionMode`. Open source accepts the option
#   `rescuedDataColumn` and ignores it: the column stays null. `COPY INTO` is a syntax error there.
# - **Ask for atomic names.** A producer that writes under another name and renames at the end takes
#   a whole class of faults away. So does a new name for each correction.
# - **`mergeSchema` is a decision of the sender.** Whoever sends a field makes a column. `rescued`
#   makes it a decision of the reader. A column of type VARIANT is the other way: keep all, type on
#   read.
# - **A dead record needs an owner and a clock.** Alarm on their number and on the age of the oldest
#   that waits. `isolate` takes a sink that is down for a batch of poison: limit how many records
#   may die before the job stops.
# - **Small files** are the price of bronze by micro-batch. `maxFilesPerTrigger` bounds what a
#   restart after a pause takes at once; OPTIMIZE mends the files later.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. How does a listing file source differ from notifications, and when does the difference matter?
# 2. A partner corrects files under the same name. What do you offer, and what do you ask for?
# 3. The constraint `weight_kg > 0` refuses rows without a weight. Why, and how do you write rules?
# 4. One record blocks the stream since Sunday. What do you do today, and what this quarter?
# 5. `isolate` runs while the database behind `write` is down. What happens, and how do you stop it?
# 6. A field changes its type from number to text. Who should notice, and what happens to the rows?
# 7. Your checkpoint was deleted. What are your options for this table?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Listing asks the store for all names of a folder each time: simple, no set-up, and its cost
#    grows with all files that were ever there. Notifications cost per new file, need a queue and
#    rights, and can be lost or come twice, so a listing once a day stays as a safety net. It matters
#    from some hundred thousand files on, or when minutes count; until then, list, and move read
#    files away.
# 2. Offer what can be seen: compare the modification times of listing and table, name the files
#    that changed, and let someone decide. Then read the file again under a decision: delete the
#    rows of its path and insert the new ones in one commit. Ask for a new name for each version, or
#    for a record key with a version, so that a correction is data.
# 3. Delta asks for a condition that is true; null is not true. The SQL standard takes null for
#    satisfied, and most databases do. So write what you mean: `weight_kg IS NULL OR weight_kg > 0`,
#    and NOT NULL where a value is required. Before you add a rule to a table with data, count what
#    breaks it: Delta refuses the rule otherwise, and one bad row refuses a whole append later. So
#    constraints are for what must never be stored; what may come is set aside before the write.
# 4. Today: isolate it. Find the record by halving, put it into a table with reason and file, let
#    the stream go on, tell the owner. This quarter: decide which rules stop a load and which set
#    records aside, watch number and age of the dead, make the replay a command that anyone on call
#    can run twice, and bring the rule to the producer as a contract.
# 5. Every write fails, so every record counts as poison: 2n - 1 calls, and a whole batch among the
#    dead with one reason. Tell the sink's faults from the record's: by the class of the error, or
#    by a write that must succeed. And set a limit: more than so many poison records, or the same
#    reason for all, is an incident, so raise and keep the batch.
# 6. The reader's contract, before the reader's numbers: the column is null where the type does not
#    fit, so a share of nulls or of `rescued` per file raises the alarm. The rows stay, with the
#    value in `rescued`. Then agree with the producer; after it, parse the text in a view or promote
#    it under a new name, and fill from what was rescued. The old column does not change its type.
# 7. If the table knows its files, as here by `file`, start a new checkpoint and leave out lines of
#    paths that are there: an anti-join at the price of reading that column. Or start behind what was
#    read, by moving the old files to another folder. Mind the `txnAppId`: the new stream counts
#    from 0, and under the old id Delta skips its batches as known, without an error. An id with the
#    path of the checkpoint is the old id if the new checkpoint has the same path.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [File source of Structured Streaming][files]
# - Delta Lake, [Idempotent table writes in foreachBatch][idempotent]
# - Databricks, [What is Auto Loader?][loader] and [its rescued data column][rescued]
# - Gregor Hohpe and Bobby Woolf, [Dead letter channel][dead]
#
# [files]: https://spark.apache.org/docs/latest/streaming/apis-on-dataframes-and-datasets.html#input-sources
# [idempotent]: https://docs.delta.io/latest/delta-streaming.html#idempotent-table-writes-in-foreachbatch
# [loader]: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/
# [rescued]: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/schema
# [dead]: https://www.enterpriseintegrationpatterns.com/patterns/messaging/DeadLetterChannel.html
