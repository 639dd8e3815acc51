# ---
# level: senior
# minutes: 90
# needs: []
# datasets: [people_traces]
# topics: [delta, privacy, retention, operations]
# ---
# %% [markdown]
# # Pseudonymise, and forget a person to the last byte
#
# A customer asks to be forgotten. The ticket says "`DELETE FROM people`, done", and was closed an
# hour later. You open the files and read what is still in them: data, change data, checkpoints, the
# log. Then you find every copy, erase what the DELETE left, and prove that no byte is there.
#
# **You will learn** to
#
# - look for a person in files, not in tables, and say which layer still holds what,
# - make the map of a person's data, old versions and nested columns included,
# - replace personal data by tokens that only a key can make,
# - erase a person from a Delta table: rows, files, change data and log.

# %% [markdown]
# ## The data
#
# A small shop. Nobody in it exists: names, domain and country code are made up. `people` has one
# row a person, `orders` the e-mail as it was typed each time, `notes` is what support wrote down,
# `events` has nested columns. `export` is a packed CSV that somebody made for marketing.

# %%
import json

import labkit

lab = labkit.open("pii_erasure")
spark = lab.spark
folder = lab.data("people_traces")
people, orders, notes = (
    spark.read.json(str(folder / f"{one}.json")) for one in ("people", "orders", "notes")
)
EVENTS = """event_id string, subject_id string,
    payload struct<contact: struct<email: string>, page: string>,
    consents map<string, string>, devices array<struct<label: string, os: string>>"""
events = spark.read.schema(EVENTS).json(str(folder / "events.json"))
orders.orderBy("order_id").show(5, truncate=False)
events.drop("subject_id").show(1, truncate=False)

# %% [markdown]
# **Grain:** a row is a person, an order, a note, an event. `subject_id` says whose it is; a note
# may have none. The request has the texts by which we know the person who asks. Somebody else lives
# at the same address and has the same phone.

# %%
request = json.loads((folder / "request.json").read_text("utf-8"))
name, email, phone, subject_id = request["texts"]
people.where(people.phone == phone).show(truncate=False)

# %% [markdown]
# ## Task 1: read the files
#
# A query shows what a table says. You want to know what its files hold. Write `bytes_left(path,
# needles)`. `path` is a folder, as a text or a `Path`; `needles` is a list of texts. It returns a
# list of tuples `(file, where)`: one for each file below the folder that holds any of the needles,
# in any order. Both are texts. Spark is not needed.
#
# - `file` is the file's path inside the folder, with `/` between its parts.
# - All files are read, at any depth, also those in hidden folders and those whose name begins with
#   `.` or `_`.
# - A file holds a needle if the needle, as UTF-8, is anywhere in its bytes.
# - A Parquet file, by its name `*.parquet`, also holds it if any text in it does, at any depth: in
#   a struct, an array, a key or a value of a map. Its pages are compressed, so its bytes may not
#   show it.
# - A file whose name ends in `.gz` is searched unpacked.
# - A Parquet file that is broken, since its writer crashed, is searched by its bytes.
# - A needle is searched as it is: case, blanks and all.
#
# `where` is the first of these that fits:
#
# | where | which files |
# |---|---|
# | `crc` | the name ends in `.crc` |
# | `checkpoint` | a Parquet file below a folder `_delta_log` |
# | `log` | any other file below a folder `_delta_log` |
# | `change_data` | a Parquet file below a folder `_change_data` |
# | `data` | any other Parquet file |
# | `other` | everything else |
#
# The folder may hold many tables, at any depth. Needles have letters from A to Z, digits, blanks
# and `@ . + -`, and at least one character. A packed file is whole. All files fit into memory.
# pyarrow reads the texts of these files as its type `string`.
# [`pyarrow.parquet`](https://arrow.apache.org/docs/python/parquet.html) reads a Parquet file and
# knows nothing of Delta. That is what you need here.


# %%
import gzip
import hmac
import re
from collections.abc import Callable
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructType


def bytes_left(path: str | Path, needles: list[str]) -> list[tuple[str, str]]:
    """The files below a folder that hold any of the needles, and what kind of file each is."""
    # BEGIN SOLUTION: read every file, unpack what is packed, and say what kind it is
    root = Path(path)
    wanted = [needle.encode() for needle in needles]
    return [
        (file.relative_to(root).as_posix(), kind_of(file.relative_to(root)))
        for file in root.rglob("*")
        if file.is_file() and any(needle in content(file) for needle in wanted)
    ]
    # END SOLUTION


# BEGIN SOLUTION: functions that you want beside it, if any
def content(file: Path) -> bytes:
    """All bytes of a file, and the texts of a Parquet file behind them."""
    data = file.read_bytes()
    if file.suffix == ".gz":
        return gzip.decompress(data)
    if file.suffix != ".parquet":
        return data
    try:
        rows = pq.read_table(pa.BufferReader(data)).to_pylist()
    except (OSError, pa.ArrowException):
        return data
    return data + "\0".join(texts_in(rows)).encode()


def texts_in(value: object) -> list[str]:
    """All texts in a value, whatever it is nested in."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    is_nested = isinstance(value, (dict, list, tuple))
    return [text for part in parts for text in texts_in(part)] if is_nested else []


def kind_of(file: Path) -> str:
    is_parquet = file.suffix == ".parquet"
    if file.suffix == ".crc":
        return "crc"
    if "_delta_log" in file.parent.parts:
        return "checkpoint" if is_parquet else "log"
    if not is_parquet:
        return "other"
    return "change_data" if "_change_data" in file.parent.parts else "data"


# END SOLUTION

# %%
lab.check("bytes_left")

# %% [markdown]
# Which files of the shop know the e-mail?

# %%
if lab.written("bytes_left"):
    print(bytes_left(folder, [email]))

# %% [markdown]
# ## DELETE is not forgetting
#
# Now the ticket. `people` becomes a Delta table as many platforms make them: with a change feed and
# [deletion vectors][vectors]. The person moves once, and is then deleted. Each step below is what
# somebody calls "done". Read what is left after it.
#
# [vectors]: https://docs.delta.io/latest/delta-deletion-vectors.html

# %%
from collections import Counter

FEATURES = (
    "TBLPROPERTIES ('delta.enableChangeDataFeed' = true, 'delta.enableDeletionVectors' = true)"
)


def make(name: str, rows: DataFrame) -> str:
    """A Delta table of these rows, in one file."""
    table = f"{lab.schema}.{name}"
    columns = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in rows.schema)
    spark.sql(f"CREATE TABLE {table} ({columns}) USING delta {FEATURES}")
    rows.coalesce(1).write.format("delta").mode("append").saveAsTable(table)
    return table


def folder_of(table: str) -> str:
    return spark.sql(f"DESCRIBE DETAIL {table}").first().location.removeprefix("file:")


def what_is_left(step: str, table: str) -> None:
    if lab.written("bytes_left"):
        left = bytes_left(folder_of(table), [name, email, email.upper()])
        found = Counter(where for _, where in left)
        print(f"{step:<24}", dict(sorted(found.items())) or "nothing")


ticket = make("people_ticket", people)
what_is_left("written", ticket)
spark.sql(f"UPDATE {ticket} SET address = '1 Nowhere Row' WHERE subject_id = '{subject_id}'")
spark.sql(f"DELETE FROM {ticket} WHERE subject_id = '{subject_id}'")
print(spark.table(ticket).where(F.col("subject_id") == subject_id).count(), "rows of the person")
what_is_left("DELETE", ticket)

# %% [markdown]
# No row, and the person is in more files than before. The first data file is as it was, with a
# deletion vector beside it: a list of rows to skip. The UPDATE wrote a second file, and the row
# before and after it into the change feed. The log has the statistics of each file: the smallest
# and the greatest value of each column.

# %%
spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", False)
spark.sql(f"OPTIMIZE {ticket}")
what_is_left("OPTIMIZE", ticket)
spark.sql(f"VACUUM {ticket} RETAIN 0 HOURS")
what_is_left("VACUUM, 0 hours", ticket)
spark.sql(f"REORG TABLE {ticket} APPLY (PURGE)")
what_is_left("REORG PURGE", ticket)
spark.sql(f"VACUUM {ticket} RETAIN 0 HOURS")
what_is_left("VACUUM, 0 hours, again", ticket)
spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")

# %% [markdown]
# VACUUM deletes files that the table no longer has, and the file under a deletion vector *is* the
# table's file. REORG writes it anew without the deleted rows; only then can a VACUUM delete the old
# one. And the log is no data: no VACUUM touches it. Task 4 comes back to that.
#
# ## Task 2: make the map
#
# Before you erase, you must know where. Write `find_subject(spark, tables, subject)`. `tables` is a
# list of names of Delta tables, and `subject` is a list of texts by which the person is known. It
# returns a frame with the columns `table` string, `column` string, `rows` long and `versions` long,
# in this order.
#
# - There is one row for each table and column that holds the person in any version of the table's
#   history.
# - `table` is the name as given.
# - Columns of type string are searched, at any depth: in structs, arrays and maps. Other types are
#   not.
# - `column` is the path of such a column: `contact.email` is a field of a struct,
#   `devices.element` the elements of an array, `consents.key` and `consents.value` those of a map.
#   So `devices.element.label` is a field of structs in an array.
# - A value holds the person if it contains one of the texts, whatever else is in it.
# - Upper and lower case are the same.
# - Blanks and the characters `. - + ( )` do not count, neither in the text nor in the value:
#   `000-555.0107` contains `+000 555 0107`.
# - A text is found whole: in the value as it is written, no letter and no digit stands directly
#   before or after it. So `S-10` is in `(S-10) 4`, and not in `S-104`.
# - `rows` is the number of rows of the newest version that hold the person in this column. It is 0
#   if only older versions do.
# - A row counts once, however many elements of an array or a map hold the person.
# - `versions` is the number of versions, the newest one included, that hold the person in this
#   column.
# - The function only reads: no table gets a new version.
#
# All versions, from 0 on, can be read, and have the columns of the newest one. `tables` has at least
# one name; each is a schema, a dot and a name, and none is there twice. Column names have letters,
# digits and `_`. Texts have letters from A to Z, digits, blanks, `@` and the characters above, and
# at least one letter or digit. Letters are those of ASCII, digits are 0 to 9, blanks are spaces.
# The order of the rows is left open.


# %%
# BEGIN SOLUTION: functions that Task 2 uses, if you want any
IGNORED = " .-+()"


def pattern_of(texts: list[str]) -> str:
    """A pattern that finds any of the texts, whole, whatever the case and what does not count."""
    gap = f"[{re.escape(IGNORED)}]*"
    loose = [gap.join(re.escape(one) for one in text if one not in IGNORED) for text in texts]
    return rf"(?i)(?<![A-Z0-9])(?:{'|'.join(loose)})(?![A-Z0-9])"


Test = Callable[[Column], Column]


def places(what: DataType, path: str, pattern: str) -> list[tuple[str, Test]]:
    """Each string in a column of this type: its path, and whether it holds the pattern."""
    if isinstance(what, StringType):
        return [(path, lambda value: value.rlike(pattern))]
    if isinstance(what, StructType):
        return [
            (name, in_field(field.name, test))
            for field in what
            for name, test in places(field.dataType, f"{path}.{field.name}", pattern)
        ]
    parts: list[tuple[str, DataType, Test]] = []
    if isinstance(what, ArrayType):
        parts = [("element", what.elementType, lambda value: value)]
    if isinstance(what, MapType):
        parts = [("key", what.keyType, F.map_keys), ("value", what.valueType, F.map_values)]
    return [
        (name, in_any(elements, test))
        for part, of, elements in parts
        for name, test in places(of, f"{path}.{part}", pattern)
    ]


def in_field(name: str, test: Test) -> Test:
    return lambda value: test(value[name])


def in_any(elements: Test, test: Test) -> Test:
    return lambda value: F.exists(elements(value), test)


# END SOLUTION


# %%
def find_subject(spark: SparkSession, tables: list[str], subject: list[str]) -> DataFrame:
    """Where a person is: tables and columns, rows of now, and versions of the past."""
    # BEGIN SOLUTION: count the rows that hold the person, by table, column and version
    pattern = pattern_of(subject)
    found = []
    for table in tables:
        tests = [
            F.struct(F.lit(path).alias("column"), test(F.col(field.name)).alias("holds"))
            for field in spark.table(table).schema
            for path, test in places(field.dataType, field.name, pattern)
        ]
        if not tests:
            continue
        versions = [row.version for row in DeltaTable.forName(spark, table).history().collect()]
        rows = [
            spark.read.option("versionAsOf", version)
            .table(table)
            .withColumn("of-version", F.lit(version))
            for version in versions
        ]
        found.append(
            reduce(DataFrame.unionAll, rows).select(
                F.lit(table).alias("table"),
                F.col("of-version").alias("version"),
                (F.col("of-version") == max(versions)).alias("is_newest"),
                F.inline(F.array(*tests)),
            )
        )
    if not found:
        return spark.createDataFrame([], "table string, column string, rows long, versions long")
    return (
        reduce(DataFrame.unionAll, found)
        .where("holds")
        .groupBy("table", "column")
        .agg(
            F.count_if("is_newest").alias("rows"),
            F.count_distinct("version").alias("versions"),
        )
    )
    # END SOLUTION


# %%
lab.check("find_subject")

# %% [markdown]
# The map of the person who asks. Somebody has deleted the row in `people` by then: 0 rows, and
# versions that hold the person. The ticket's table is not in it: VACUUM took the files of its past,
# so its versions cannot be read.

# %%
tables = [make("people", people), make("orders", orders), make("notes", notes)]
tables.append(make("events", events))
spark.sql(f"DELETE FROM {tables[0]} WHERE subject_id = '{subject_id}'")
if lab.written("find_subject"):
    find_subject(spark, tables, request["texts"]).orderBy("table", "column").show(truncate=False)

# %% [markdown]
# ## Task 3: tokens in place of people
#
# What was never stored need not be erased. Write `tokenise(df, columns, keys)`. It returns `df`
# with tokens in some columns, which are strings then too. `columns` is a dict: the name of a column
# of type string, and a tuple `(kind, purpose)`. `keys` is a dict: a purpose, and its key as
# `bytes`.
#
# - All columns come back, with their names and in their order. Those that `columns` does not name
#   are as before.
# - Equal values of a purpose have equal tokens, in whatever column, frame or call, and in whatever
#   spelling.
# - Spellings of an `email` differ in case and in blanks before and after it.
# - Spellings of a `phone` differ in all that is not a digit.
# - A value of kind `text` has no other spelling.
# - Different values have different tokens.
# - A token depends on the key of its purpose: another key gives another token, and so does another
#   purpose.
# - Null stays null.
# - A value of which nothing is left becomes null too: an `email` of blanks alone, a `phone` without
#   a digit, a `text` that is empty.
# - A token has from 32 to 128 characters, all of them letters from A to Z or a to z, or digits.
# - The token of an `email` has `@` and the domain behind it, the domain in lower case.
# - A key is nowhere in the plan of the frame: not as text, not in hexadecimal digits, not in
#   Base64. Plans are in the Spark UI and the event log, for years.
#
# An `email` has one `@`, with something before and after it and no blank inside, or is null or
# blanks alone. Blanks are spaces; letters and digits in an `email` are those of ASCII. No value of
# one kind is compared with one of another kind. Keys have 32 bytes, and no two purposes have the
# same. `columns` may be empty. Column names have letters, digits and `_`.
#
# Without a key, a hash is no protection: the list of all phone numbers is short, so somebody hashes
# them all and looks up yours. [HMAC](https://docs.python.org/3/library/hmac.html) is a hash with a
# key. Spark has no function for it; a Python UDF does, and a plan shows the name of a UDF, not what
# it holds.


# %%
# BEGIN SOLUTION: functions that Task 3 uses, if you want any
def token_of(kind: str, key: bytes) -> Callable[[Column], Column]:
    """The column with a value's token: HMAC-SHA-256 of its one spelling."""

    def token(value: str | None) -> str | None:
        if value is not None and kind == "email":
            value = value.strip(" ").lower()
        if value is not None and kind == "phone":
            value = re.sub("[^0-9]", "", value)
        if not value:
            return None
        code = hmac.new(key, value.encode(), "sha256").hexdigest()
        return f"{code}@{value.partition('@')[2]}" if kind == "email" else code

    return F.udf(token, "string")


# END SOLUTION


# %%
def tokenise(
    df: DataFrame, columns: dict[str, tuple[str, str]], keys: dict[str, bytes]
) -> DataFrame:
    """The frame with tokens in place of these columns' values."""
    # BEGIN SOLUTION: a token for each value, made with the key of its purpose
    return df.withColumns(
        {
            name: token_of(kind, keys[purpose])(F.col(name))
            for name, (kind, purpose) in columns.items()
        }
    )
    # END SOLUTION


# %%
lab.check("tokenise")

# %% [markdown]
# Tokens of one purpose still join: the orders of a person, in every spelling of the e-mail. With
# two keys they do not, so a leak of one table says nothing of the other.

# %%
import secrets

keys = {"billing": secrets.token_bytes(32), "support": secrets.token_bytes(32)}
if lab.written("tokenise"):
    who = tokenise(people, {"email": ("email", "billing")}, keys).select("subject_id", "email")
    of_billing = tokenise(orders, {"email": ("email", "billing")}, keys).select("email", "amount")
    of_support = tokenise(orders, {"email": ("email", "support")}, keys).select("email", "amount")
    print(who.join(of_billing, on="email", how="inner").count(), "orders find their person")
    print(who.join(of_support, on="email", how="inner").count(), "with the other key")

# %% [markdown]
# ## Task 4: forget
#
# Write `forget(spark, tables, subject)`. `tables` is a list of names of Delta tables, each with a
# column `subject_id` of type string. `subject` is the id of the person; ids have letters, digits
# and `-`.
#
# - No table has a row with this `subject_id` after the call.
# - All other rows stay as they are, also those without a `subject_id`, and those of people who
#   share an address or a phone with the person.
# - A table stays what it is: columns, properties (but for two, below), features and history are
#   those from before, with the new commits behind them.
# - No file in the table's folder holds anything of the person after the call, but for the files in
#   `_delta_log`: no value that only this person's rows had.
# - That means data files, change data, and files that no version of the table has any longer.
# - **This holds too if somebody has deleted the rows before**: then their bytes are still there.
# - Nothing of the person gets into the log by the parameters of an operation, which the history
#   shows for ever. Only the `subject_id` may.
# - The log forgets by itself: `delta.logRetentionDuration` is `interval 1 days` after the call.
#   Then Delta deletes older entries when it next writes a checkpoint.
# - `delta.deletedFileRetentionDuration` is `interval 1 days` too, since Delta wants it no longer
#   than that of the log.
# - A second call changes no row and writes no data file.
# - The settings of the session are after the call as they were before it.
#
# Versions from before the call need not be readable after it. No one else reads or writes the
# tables meanwhile. A table may have a change feed or not, deletion vectors or not; none has
# partitions or clones, and its properties are those that it was made with. How many commits you
# make is left open. `forget` returns nothing.
#
# [`REORG TABLE`][reorg] and [`VACUUM`][vacuum] are two of the tools.
#
# [reorg]: https://docs.delta.io/latest/delta-deletion-vectors.html
# [vacuum]: https://docs.delta.io/latest/delta-utility.html


# %%
def forget(spark: SparkSession, tables: list[str], subject: str) -> None:
    """Erases a person from tables: rows, files, change data; the log forgets a day later."""
    # BEGIN SOLUTION: delete the rows, write their files anew, and let the old files and the log go
    check = "spark.databricks.delta.retentionDurationCheck.enabled"
    before = spark.conf.get(check, None)
    try:
        spark.conf.set(check, False)
        for table in tables:
            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
            spark.sql(f"REORG TABLE {table} APPLY (PURGE)")
            spark.sql(
                f"ALTER TABLE {table} SET TBLPROPERTIES ("
                "'delta.logRetentionDuration' = 'interval 1 days', "
                "'delta.deletedFileRetentionDuration' = 'interval 1 days')"
            )
            spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
    finally:
        if before is None:
            spark.conf.unset(check)
        else:
            spark.conf.set(check, before)
    # END SOLUTION


# %%
lab.check("forget")

# %% [markdown]
# ## Put it together
#
# Forget the person in all four tables, and read their folders again.

# %%
if lab.written("forget"):
    forget(spark, tables, subject_id)
    for table in tables:
        what_is_left(table.split(".")[1], table)

# %% [markdown]
# The logs of three tables still hold the person, as their entries are of today. And the data of
# `notes` do: two notes name the person and do not have the `subject_id`. The map had found them,
# an id never will. Somebody must read such texts and write them anew. Your second call then takes
# away what the UPDATE left.

# %%
if lab.written("forget"):
    of_others = F.col("note").ilike(f"%{email}%") | F.col("note").contains(name)
    spark.table(tables[2]).where(of_others).show(truncate=False)
    spark.sql(f"UPDATE {tables[2]} SET note = '(erased)' WHERE note_id IN ('N-0002', 'N-0005')")
    forget(spark, tables[2:3], subject_id)
    what_is_left("notes", tables[2])

# %% [markdown]
# Let three days pass: the cell sets back the time of the log's files, and then makes one commit
# that writes a checkpoint. **Delta deletes old log files when it writes a checkpoint**, and not
# each commit does. A table that nobody writes to keeps its log for ever.

# %%
import os
import time

if lab.written("forget"):
    three_days_ago = time.time() - 3 * 24 * 3600
    for file in Path(folder_of(tables[0]), "_delta_log").iterdir():
        os.utime(file, (three_days_ago, three_days_ago))
    what_is_left("three days later", tables[0])
    spark.sql(f"ALTER TABLE {tables[0]} SET TBLPROPERTIES ('delta.checkpointInterval' = 1)")
    what_is_left("and one checkpoint", tables[0])

# %% [markdown]
# Nothing, in any file. One question is left for the ticket: who has the export?

# %%
if lab.written("bytes_left"):
    print(bytes_left(folder, [email]))

# %% [markdown]
# ## In practice
#
# - **The map first.** An erasure is as good as the list of places: bronze files, extracts, clones,
#   checkpoints of streams, caches of BI tools, backups, other companies. Keep the list beside the
#   tables, not in somebody's memory.
# - **Delete by a key that says nothing.** `DELETE ... WHERE email = '...'` writes the address into
#   the history, in which it stays as long as the log. So does a comment in a commit, and a file's
#   path where the column is a partition.
# - **The order.** Rows, then purge, then vacuum. A VACUUM before the purge deletes nothing that
#   matters, and says that it was successful.
# - **Zero hours are for a drill.** `RETAIN 0 HOURS` breaks readers and writers that are at work,
#   and takes every old version. In production purge at once, and let a daily VACUUM delete a week
#   later, within the legal deadline of a month. VACUUM ignores any other number of hours than 0:
#   the table's property decides.
# - **The log is data.** Statistics are kept for the first 32 columns. Leave personal columns out by
#   `delta.dataSkippingStatsColumns` before the first row is written, and the log never has them.
#   And set the log's retention below the deadline: the default of 30 days, plus the wait for a
#   checkpoint, is above it.
# - **It comes back.** A replay from bronze, a restored backup or a late file brings the person
#   again. Keep a list of erased ids, as tokens, and let every load ask it.
# - **Anonymous totals stay.** A sum by month tells nothing of a person. The total of a city with
#   one customer does.
# - **Tokens are personal data too**, as long as the key exists. A key for each person makes erasure
#   cheap: delete the key. That covers backups as well, if no backup has the key.
# - **Keys live in a vault**, change once in a while, and are never in a notebook. A rotation makes
#   new tokens, so plan how old ones are joined.
#
# **On Databricks** deletion vectors are the default for new tables, so there a `DELETE` leaves the
# data file as it is. `REORG TABLE ... APPLY (PURGE)` and `VACUUM` work the same; predictive
# optimization may run VACUUM for you, with the table's retention.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. A person asks to be forgotten. Somebody ran `DELETE`, then `VACUUM`. Where may the person still
#    be, and how do you look?
# 2. Why does VACUUM, even with 0 hours, leave a deleted row in a table with deletion vectors?
# 3. What of a person is in `_delta_log`, and when does it go?
# 4. Why is SHA-256 of a phone number no pseudonym, and what do you use?
# 5. Where must a tokenisation key not be, and how does it get there by accident in Spark?
# 6. The law says 30 days, finance wants a year of time travel. What do you propose?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. In live data files under a deletion vector, in the log (statistics, parameters of operations,
#    `.crc` files, checkpoints), in shallow clones, bronze files, exports, streams' checkpoints,
#    caches and backups. Look at bytes, not at tables: read every file below the folders, unpack
#    what is packed, and search for texts that only this person has.
# 2. The DELETE writes a vector, a list of rows to skip, and the file stays a live file of the
#    table. VACUUM deletes only files that are not live. REORG with PURGE writes the file anew
#    without the skipped rows; then the old one is a file like others that are no longer needed.
# 3. The smallest and greatest value of each column of each file, in the JSON of the commit, in
#    `.crc` files and in checkpoints; and every value that a predicate named. It goes when Delta
#    cleans the log, at a checkpoint, for entries older than `delta.logRetentionDuration`. VACUUM
#    never touches it.
# 4. All phone numbers can be hashed in minutes, and so can a list of e-mail addresses. A key that
#    the attacker does not have makes that impossible: HMAC, with one key for each purpose, so that
#    tables of two purposes do not join. The values need one spelling first.
# 5. In the plan, the UI, the event log, the query history, a table, the notebook. A literal in
#    `sha2(concat('key', ...))` or an argument of `aes_encrypt` is in all of them. Take it from a
#    vault at run time, and keep it inside a function.
# 6. Separate the two: history as a modelled table whose rows can be erased, with tokens in place of
#    people, and time travel of a week for repairs. A year of files would have to be rewritten for
#    each request, and every version with them.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Delta Lake, [Deletion vectors](https://docs.delta.io/latest/delta-deletion-vectors.html): what
#   PURGE is for
# - Delta Lake, [Transaction log protocol][protocol]: statistics, checkpoints, log clean-up
# - [GDPR, Article 17: right to erasure](https://gdpr-info.eu/art-17-gdpr/)
#
# [protocol]: https://github.com/delta-io/delta/blob/master/PROTOCOL.md
