# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [contract_versions, order_batches]
# topics: [delta, contracts, schema-evolution, quality]
# ---
# %% [markdown]
# # Enforce and evolve a schema under a contract
#
# On Friday the checkout team renamed `amount` to `total`. The nightly load wrote with
# `mergeSchema`: the table took the new column, the old one filled with nulls, and 14 dashboards
# showed no revenue. Nobody saw an error. You write the contract's gate, a migration that rewrites
# no data file, and the slow rename that would have kept the dashboards right.
#
# **You will learn** to
#
# - say which side a change of a schema breaks, as a schema registry does,
# - hold batches to a contract without a cast that silently loses something,
# - widen, rename, add and drop columns of a Delta table by metadata alone, all or nothing.

# %% [markdown]
# ## The data
#
# Five versions of a contract, agreed on by the team that produces orders and the one that reads
# them, a proposal for a sixth, and a week of batches. The producer drifts: a file a day, and each
# day something else.

# %%
import labkit

lab = labkit.open("schema_contract")
spark = lab.spark
contracts, batches = lab.data("contract_versions"), lab.data("order_batches")
print((contracts / "v4.yaml").read_text("utf-8"))

# %% [markdown]
# A contract is a dict. What holds in the whole lab:
#
# - A field has a `name` and a `type`: `string`, `int`, `bigint`, `decimal(p,s)` or `timestamp`,
#   always written like that. A struct has `fields` in place of a type.
# - Upper and lower case make no other name: `Amount` and `amount` are the same field. No two fields
#   of a contract, a batch or a table have the same name.
# - A field is optional unless it has `required: true`. It may have `allowed` (the texts that are
#   allowed) or `above` (it must be greater than this number), never both. **Null is fine in an
#   optional field**, whatever `allowed` or `above` say.
# - The fields of a struct have a name, a type and perhaps `was`, nothing else: none is required,
#   and none is a struct. We write them `address.zip`.
# - `was` is the name that a field had before. No other field of the contract has this name. A
#   struct has no `was`.
# - `key` names a field of the contract. `on_violation` is `reject` or `quarantine`.
# - Names have letters, digits and `_`. Allowed texts have no quotes.
#
# `type_of` says how Spark writes the type of a field. `ContractError` is what you raise.


# %%
import re

import yaml
from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, NullType, StringType, StructType


def read_contract(version: int) -> dict:
    return yaml.safe_load((contracts / f"v{version}.yaml").read_text("utf-8"))


def type_of(field: dict) -> str:
    """The type of a field as Spark writes it, also of a struct."""
    if "fields" not in field:
        return field["type"]
    inner = [f"{one['name']}:{type_of(one)}" for one in field["fields"]]
    return f"struct<{','.join(inner)}>"


class ContractError(Exception):
    """A batch or a table is not what a contract says; the text names the fields."""


[(field["name"], type_of(field)) for field in read_contract(4)["fields"]]

# %% [markdown]
# Look at what came on Tuesday, Thursday and Friday. Which columns moved, which changed their type,
# and which values of Thursday would a cast take for numbers?

# %%
for name in ["2_tuesday", "4_thursday", "5_friday"]:
    batch = spark.read.parquet(str(batches / f"{name}.parquet"))
    print(name, batch.dtypes)
spark.read.parquet(str(batches / "4_thursday.parquet")).where("amount RLIKE '[^0-9.]'").show(3)

# %% [markdown]
# ## Task 1: compare two versions
#
# Before a change is made, somebody must know whom it breaks. Write `compatible(old, new)`. It gets
# two contracts and returns a list of tuples `(change, field, level)`, one for each change, in any
# order. No change gives an empty list. Spark is not needed.
#
# | level | who can read what |
# |---|---|
# | `backward` | readers of `new` can read rows of `old` |
# | `forward` | readers of `old` can read rows of `new` |
# | `full` | both |
# | `breaking` | neither |
#
# | change | what happened | level |
# |---|---|---|
# | `add` | a new field | `full`; `forward` if it is required |
# | `remove` | a field is gone | `full`; `backward` if it was required |
# | `widen` | the type holds all old values and more | `backward` |
# | `narrow` | the same, the other way round | `forward` |
# | `retype` | any other change of the type | `breaking` |
# | `require` | an optional field is required now | `forward` |
# | `relax` | a required field is optional now | `backward` |
#
# - `int` widens to `bigint`. A decimal widens to one that has no fewer digits before the point and
#   no fewer after it. Nothing else widens.
# - A field is known by its name alone: a renamed one is a `remove` and an `add`, also if it has
#   `was`. Other case is no change.
# - The order of fields is no change.
# - A field whose type and `required` both change has two tuples.
# - Fields of a struct are compared one by one, as `address.zip`. There is no tuple for the struct
#   because of them.
# - A struct that is added or removed is one change, without its fields. A struct that becomes
#   another type, or the other way round, is one `retype`.
# - `field` is written as in `new`; if `new` does not have it, as in `old`.
# - Nothing but names, types and `required` is compared.


# %%
# BEGIN SOLUTION: functions that Tasks 1 and 5 use, if you want any
def by_name(fields: list[dict]) -> dict[str, dict]:
    return {field["name"].lower(): field for field in fields}


def room(kind: str) -> tuple[str, int, int]:
    """The family of a type, and how much it holds before and after the point."""
    if kind in ("int", "bigint"):
        return "whole", len(kind), 0
    if match := re.fullmatch(r"decimal\((\d+),(\d+)\)", kind):
        precision, scale = map(int, match.groups())
        return "decimal", precision - scale, scale
    return kind, 0, 0


def type_change(old: str, new: str) -> str | None:
    """`widen`, `narrow`, `retype`, or None when the types are the same."""
    if old == new:
        return None
    (family, *had), (other, *has) = room(old), room(new)
    pairs = list(zip(had, has, strict=True))
    if family == other and all(before <= after for before, after in pairs):
        return "widen"
    if family == other and all(before >= after for before, after in pairs):
        return "narrow"
    return "retype"


# END SOLUTION


# %%
def compatible(old: dict, new: dict) -> list[tuple[str, str, str]]:
    """What changed between two contracts: (change, field, level)."""
    # BEGIN SOLUTION: compare fields by name, and the fields of structs like them
    levels = {
        "widen": "backward",
        "narrow": "forward",
        "retype": "breaking",
        "require": "forward",
        "relax": "backward",
    }

    def differences(old: dict, new: dict) -> list[tuple]:
        """What changed between two contracts, or two structs."""
        before, after = by_name(old["fields"]), by_name(new["fields"])
        old_path, path = (f"{one['name']}." if "name" in one else "" for one in (old, new))
        found = []
        for name in before | after:
            was, now = before.get(name), after.get(name)
            field = path + now["name"] if now else old_path + was["name"]
            if was is None:
                found.append(("add", field, "forward" if now.get("required") else "full"))
                continue
            if now is None:
                found.append(("remove", field, "backward" if was.get("required") else "full"))
                continue
            if "fields" in was and "fields" in now:
                found += differences(was, now)
            elif change := type_change(type_of(was), type_of(now)):
                found.append((change, field, levels[change]))
            if bool(was.get("required")) != bool(now.get("required")):
                change = "require" if now.get("required") else "relax"
                found.append((change, field, levels[change]))
        return found

    return differences(old, new)
    # END SOLUTION


# %% [markdown]
# The checks use contracts of their own. A reason gives both, and the tuples that are wrong;
# `lab.hint("compatible")` gives the first of three hints.

# %%
lab.check("compatible")

# %% [markdown]
# Now the contracts of the week. Read what is said of version 5: `remove` and `add`, of a required
# field each. A registry would have stopped Friday's rename. Which level would let it pass? Version
# 6 is a proposal. Would you agree to it?

# %%
if lab.written("compatible"):
    for version in range(1, 6):
        print(version, "->", version + 1)
        for change in compatible(read_contract(version), read_contract(version + 1)):
            print("  ", *change)

# %% [markdown]
# ## Task 2: bring a batch into form
#
# Write `conform(batch, contract)`. It returns a frame with the fields of the contract as columns:
# these names, this order, these types, also inside structs. Every row of `batch` comes back once.
#
# A batch has columns of type string, int, bigint, double, decimal, boolean, date, timestamp or
# struct.
#
# - A column of the batch is found by its name, in whatever place and case; so is a field inside a
#   struct.
# - A field that the batch does not have is null. A column that the contract does not have is left
#   out.
# - **A value that fits its field is converted. A value that does not fit becomes null**, never
#   something similar.
# - Text fits `string`, and nothing else does: `4109` as a number has lost the zero of `04109`.
# - A timestamp fits `timestamp`, and nothing else does.
# - A number fits `int` or `bigint` if it is a whole number that the type can hold.
# - A number fits `decimal(p,s)` if it has at most `s` digits after the point and `p - s` before it.
#   Zeros at the end do not count as digits after the point, nor zeros at the start before it.
# - A double counts as the number that it is printed as: `0.1` is 0.1. It has at most 15 digits
#   before the point.
# - Text counts as a number if it has only digits from 0 to 9, and perhaps a `-` before them, and
#   perhaps one point between two of them: `-12`, `007`, `0.50`. So `1e3`, `+5`, `.5`, `7.` and ` 7`
#   do not fit.
# - `true` is no number.
# - A struct fits a struct; its fields are converted one by one. Nothing else does. A struct that is
#   null stays null.
#
# Whether a field is required, allowed or above something plays no part here. So a row without an
# order id or with a negative amount comes back as well.
#
# Spark's `try_cast` is not enough. Run the next cell, and compare what it says with the rules.

# %%
spark.sql(
    """SELECT try_cast('12.345' AS decimal(8,2)) AS rounds, try_cast(' 7 ' AS int) AS trims,
    try_cast('1e3' AS decimal(8,2)) AS exponent, try_cast(true AS decimal(8,2)) AS yes,
    try_cast(1.5D AS bigint) AS cuts, try_cast('7.00' AS bigint) AS whole"""
).show()

# %%
# BEGIN SOLUTION: functions that Tasks 2 to 4 use, if you want any
NUMBERS = ("int", "bigint", "double", "decimal")


def columns_of(
    fields: list[dict], kind: StructType, parent: Column | None = None
) -> list[tuple[dict, Column, DataType]]:
    """Of each field what the batch has for it: a column and its type, or null."""
    known = {column.name.lower(): column for column in kind}
    found = []
    for field in fields:
        column = known.get(field["name"].lower())
        if column is None:
            found.append((field, F.lit(None), NullType()))
        else:
            value = F.col(column.name) if parent is None else parent[column.name]
            found.append((field, value, column.dataType))
    return found


def fitted(value: Column, kind: DataType, field: dict) -> Column:
    """The value in the field's type; null where it does not fit."""
    wanted = type_of(field)
    if "fields" in field and isinstance(kind, StructType):
        inner = columns_of(field["fields"], kind, value)
        parts = [fitted(part, of, one).alias(one["name"]) for one, part, of in inner]
        return F.when(value.isNotNull(), F.struct(*parts))
    if wanted in ("string", "timestamp") and kind.simpleString() == wanted:
        return value
    if room(wanted)[0] in ("whole", "decimal"):
        if isinstance(kind, StringType):
            scale = room(wanted)[2]
            exact = value.rlike(rf"\A-?\d+(\.(?=\d)\d{{0,{scale}}}0*)?\z")
            number = value.try_cast(f"decimal(38,{scale})").try_cast(wanted)
            return F.when(exact, number)
        if kind.typeName() in ("integer", "long", "double", "decimal"):
            number = value.try_cast(wanted)
            return F.when(number == value, number)
    return F.lit(None).cast(wanted)


def broken_rule(value: Column, kind: DataType, field: dict) -> Column:
    """The first rule that the value breaks; null if it breaks none."""
    good = fitted(value, kind, field)
    needed = F.when(F.lit(bool(field.get("required"))), "required")
    rule = F.when(value.isNull(), needed).when(good.isNull(), "type")
    if "allowed" in field:
        rule = rule.when(~good.isin(field["allowed"]), "allowed")
    if "above" in field:
        rule = rule.when(good <= field["above"], "above")
    return rule


def rules_of(batch: DataFrame, contract: dict) -> list[tuple[str, Column, Column]]:
    """Of each field, nested ones too: its name, its value in the batch, and the broken rule."""
    found = []
    for field, value, kind in columns_of(contract["fields"], batch.schema):
        found.append((field["name"], value, broken_rule(value, kind, field)))
        if "fields" in field and isinstance(kind, StructType):
            for one, part, of in columns_of(field["fields"], kind, value):
                rule = broken_rule(part, of, one)
                found.append((f"{field['name']}.{one['name']}", part, rule))
    return found


def unknown_fields(batch: DataFrame, contract: dict) -> list[str]:
    """Columns of the batch, and fields in its structs, that the contract lacks."""
    known = by_name(contract["fields"])
    found = []
    for column in batch.schema:
        field = known.get(column.name.lower())
        if field is None:
            found.append(column.name)
        elif "fields" in field and isinstance(column.dataType, StructType):
            inner = by_name(field["fields"])
            names = [one.name for one in column.dataType if one.name.lower() not in inner]
            found += [f"{column.name}.{name}" for name in names]
    return found


# END SOLUTION


# %%
def conform(batch: DataFrame, contract: dict) -> DataFrame:
    """The batch in the contract's form; null where a value does not fit."""
    # BEGIN SOLUTION: find each field by name, and convert what fits
    found = columns_of(contract["fields"], batch.schema)
    return batch.select(
        *[fitted(value, kind, field).alias(field["name"]) for field, value, kind in found]
    )
    # END SOLUTION


# %%
lab.check("conform")

# %% [markdown]
# ## Task 3: report what breaks the contract
#
# `conform` is silent. Write `violations(batch, contract)`: a frame with the columns `key string,
# field string, rule string, value string`, in any order of rows. `batch` is as in Task 2.
#
# | rule | what is wrong |
# |---|---|
# | `required` | null in a required field |
# | `type` | a value that does not fit its field, in the sense of Task 2 |
# | `allowed` | a text that is not one of `allowed`, letter by letter |
# | `above` | a number that is not greater than `above` |
# | `unknown` | a column of the batch, or a field in a struct of it, that the contract lacks |
#
# - Each value that breaks a rule has one row. If it does not fit, the rule is `type`, and nothing
#   else is asked of it, nor of what is inside it.
# - A field that the batch does not have counts as null in every row.
# - `key` is what the batch has for the field that `contract["key"]` names, cast to string. It is
#   null if there is nothing.
# - `field` is written as in the contract, `address.zip` if it is nested.
# - `value` is what the batch has, cast to string, before any other conversion. If it is a struct,
#   the text is left open.
# - `unknown` has one row a batch for each such column or field, with `key` and `value` null, also
#   if the batch has no rows. `field` is written as in the batch. Of a struct that the contract
#   lacks there is one row, for the struct.
# - A row that comes twice has its violations twice. All rows are looked at, not a sample.


# %%
def violations(batch: DataFrame, contract: dict) -> DataFrame:
    """Key, field, rule and value of everything in the batch that the contract forbids."""
    # BEGIN SOLUTION: one row for each value that breaks a rule, and one for each unknown field
    key_field = [{"name": contract["key"]}]
    [(_, key, _)] = columns_of(key_field, batch.schema)
    faults = [
        F.when(
            rule.isNotNull(),
            F.struct(
                key.cast("string").alias("key"),
                F.lit(name).alias("field"),
                rule.alias("rule"),
                value.cast("string").alias("value"),
            ),
        )
        for name, value, rule in rules_of(batch, contract)
    ]
    found = batch.select(F.inline(F.array_compact(F.array(*faults))))
    extra = unknown_fields(batch, contract)
    if not extra:
        return found
    reported = batch.sparkSession.range(1).select(
        F.lit(None).cast("string").alias("key"),
        F.explode(F.array(*map(F.lit, extra))).alias("field"),
        F.lit("unknown").alias("rule"),
        F.lit(None).cast("string").alias("value"),
    )
    return found.unionByName(reported)
    # END SOLUTION


# %%
lab.check("violations")

# %% [markdown]
# Saturday has ten thousand orders, and one of them is bad. A sample would hardly find it.

# %%
if lab.written("violations"):
    saturday = spark.read.parquet(str(batches / "6_saturday.parquet"))
    violations(saturday, read_contract(4)).show()

# %% [markdown]
# ## Task 4: let a batch in
#
# Write `append(spark, table, batch, contract)`. `table` is a Delta table with the fields of the
# contract, in any order. `{table}_violations` is one with the columns of Task 3. The function
# appends what may go in, and returns the version of `table` that has it, an `int`.
#
# - A batch with an `unknown` violation is refused, whatever `on_violation` says: `ContractError`.
#   Nobody can say what is in such a column, or what it was called on Thursday.
# - With `on_violation: reject` a batch with any violation is refused: `ContractError`.
# - The text of `ContractError` names each field that has a violation, as `field` does in Task 3.
# - A refused batch leaves no new version in either table.
# - With `on_violation: quarantine` rows without a violation are appended, as `conform` returns
#   them, and all violations go to `{table}_violations`. A row with a violation is not appended.
# - Rows are judged one by one, not by key: rows may share a key or have none.
# - A batch makes exactly one new version of `table`. If no row may go in, it makes none, and the
#   newest version comes back.
# - A batch without a violation makes no version of `{table}_violations`.
#
# A second call appends again: delivering once is the subject of the lab `exactly_once`. Which of
# the two tables is written first is left open.


# %%
def append(spark: SparkSession, table: str, batch: DataFrame, contract: dict) -> int:
    """Appends the rows that keep the contract; the version of the table that has them."""
    # BEGIN SOLUTION: judge the batch first, then write good rows and violations
    found = violations(batch, contract)
    fields = sorted(row.field for row in found.select("field").distinct().collect())
    may_stay = contract["on_violation"] == "quarantine" and not unknown_fields(batch, contract)
    if fields and not may_stay:
        raise ContractError(f"the batch violates the contract in {', '.join(fields)}")
    good = batch
    if fields:
        found.write.format("delta").mode("append").saveAsTable(f"{table}_violations")
        for _, _, rule in rules_of(batch, contract):
            good = good.where(rule.isNull())
    # Without a row, this makes no version.
    conform(good, contract).write.format("delta").mode("append").saveAsTable(table)
    return DeltaTable.forName(spark, table).history(1).first().version
    # END SOLUTION


# %%
lab.check("append")

# %% [markdown]
# ## Task 5: migrate the table
#
# Write `migrate(spark, table, contract)`. It brings the Delta table `table`, which may have
# constraints, to the contract, and returns nothing. **No data file is written, and none is
# removed**: after the call the table has the same files, at the same paths.
#
# - After the call the table has the fields of the contract, with their names and types, and no
#   other column or nested field. Their order is left open, and so is their case if only that
#   differs.
# - A field with `was` that the table has under that name, and not under its own, is renamed; its
#   values stay. This also holds inside structs, where `was` is the last part of the name.
# - Another field that the table does not have is added, as null in the rows that are there.
# - What is listed in the contract's `dropped` (`channel`, `address.zip`) is dropped, if the table
#   has it.
# - After the call the table itself refuses rows that break `required`, `allowed` or `above`, and
#   takes all other rows of the contract's fields. The constraints that it had before count no more,
#   NOT NULL on a column included.
# - A second call with the same contract makes no version.
#
# The table may be one that cannot be migrated. Then `ContractError` is raised, **and no version was
# made**. That is the case if
#
# - a type would change, and not as `widen` in Task 1,
# - a field would be added that is required (left open if the table has no rows),
# - a column or nested field would be lost: the contract neither has it nor lists it in `dropped`,
# - a row that is there breaks `required`, `allowed` or `above`.
#
# The text of `ContractError` names all fields that are in the way because of the first three. If
# there are none, it names all that are in the way because of rows. A field has its name in the
# contract there, or in the table if it would be lost; case plays no part.
#
# How many versions a migration makes is left open. Delta needs [column mapping][mapping] for some
# of the changes, and [type widening][widening] for others.
#
# [mapping]: https://docs.delta.io/latest/delta-column-mapping.html
# [widening]: https://docs.delta.io/latest/delta-type-widening.html


# %%
# BEGIN SOLUTION: functions that Task 5 uses, if you want any
FEATURES = {"delta.columnMapping.mode": "name", "delta.enableTypeWidening": "true"}
CONSTRAINT = "delta.constraints."


def steps_to(
    stored: StructType, fields: list[dict], dropped: set[str], path: str = ""
) -> tuple[list[tuple[str, str]], list[str]]:
    """Steps that bring these columns to the fields, and what is in the way.

    A step is a clause of ALTER TABLE, and what stands for `{}` in it, where several may stand.
    """
    left = {column.name.lower(): column for column in stored}
    steps, reasons = [], []
    for field in fields:
        name, old_name = path + field["name"], field.get("was", "").lower()
        column = left.pop(field["name"].lower(), None)
        if column is None and old_name in left:
            column = left.pop(old_name)
            steps.append((f"RENAME COLUMN {path}{column.name} TO {field['name']}", ""))
        if column is None:
            steps.append(("ADD COLUMNS ({})", f"{name} {type_of(field)}"))
            if field.get("required"):
                reasons.append(f"{name} would be added, and is required")
            continue
        if not column.nullable and not field.get("required"):
            steps.append((f"ALTER COLUMN {name} DROP NOT NULL", ""))
        if "fields" in field and isinstance(column.dataType, StructType):
            inner = steps_to(column.dataType, field["fields"], dropped, f"{name}.")
            steps, reasons = steps + inner[0], reasons + inner[1]
        elif change := type_change(column.dataType.simpleString(), type_of(field)):
            steps.append(("ALTER COLUMN {}", f"{name} TYPE {type_of(field)}"))
            if change != "widen":
                reasons.append(f"{name} would become {type_of(field)}")
    for column in left.values():
        steps.append(("DROP COLUMNS ({})", f"{path}{column.name}"))
        if f"{path}{column.name}".lower() not in dropped:
            reasons.append(f"{path}{column.name} would be lost")
    return steps, reasons


def conditions_of(contract: dict) -> dict[str, str]:
    """What must be true of each field that has a rule; never null, for a CHECK takes null as no."""
    found = {}
    for field in contract["fields"]:
        name, rules = field["name"], []
        if "allowed" in field:
            rules.append(f"{name} IN ({', '.join(repr(text) for text in field['allowed'])})")
        if "above" in field:
            rules.append(f"{name} > {field['above']}")
        if field.get("required"):
            found[name] = " AND ".join([f"{name} IS NOT NULL", *rules])
        elif rules:
            found[name] = f"{name} IS NULL OR {rules[0]}"
    return found


def plain(rule: str) -> str:
    """A rule without the blanks between its words; Delta writes them in its own way."""
    return re.sub(r"('[^']*')|\s+", r"\1", rule)


# END SOLUTION


# %%
def migrate(spark: SparkSession, table: str, contract: dict) -> None:
    """Brings the table to the contract by metadata alone, or leaves it as it was."""
    # BEGIN SOLUTION: find everything that is in the way, and only then change the table
    frame = spark.table(table)
    dropped = {name.lower() for name in contract.get("dropped", [])}
    steps, reasons = steps_to(frame.schema, contract["fields"], dropped)
    conditions = conditions_of(contract)
    properties = {row.key: row.value for row in spark.sql(f"SHOW TBLPROPERTIES {table}").collect()}
    present = {key: value for key, value in properties.items() if key.startswith(CONSTRAINT)}
    wanted = " AND ".join(f"({rule})" for rule in conditions.values())
    is_there = {key: plain(rule) for key, rule in present.items()} == (
        {f"{CONSTRAINT}contract": plain(wanted)} if wanted else {}
    )
    if not steps and is_there:
        return
    if not reasons:
        known = {name.lower() for name in frame.columns}
        names = {
            field.get("was"): field["name"]
            for field in contract["fields"]
            if field["name"].lower() not in known and field.get("was", "").lower() in known
        }
        rows = frame.withColumnsRenamed(names)
        there = {column.lower() for column in rows.columns}
        held = {name: rule for name, rule in conditions.items() if name.lower() in there}
        broken = [F.count_if(~F.expr(rule)).alias(name) for name, rule in held.items()]
        counts = rows.agg(F.count("*"), *broken).first().asDict()
        reasons = [f"{counts[name]} rows break {name}" for name in held if counts[name]]
    if reasons:
        raise ContractError("; ".join(reasons))

    missing = {key: value for key, value in FEATURES.items() if properties.get(key) != value}
    if steps and missing:
        pairs = ", ".join(f"'{key}' = '{value}'" for key, value in missing.items())
        spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({pairs})")
    # A column under a constraint can be neither renamed nor widened nor dropped.
    for key in present:
        spark.sql(f"ALTER TABLE {table} DROP CONSTRAINT {key.removeprefix(CONSTRAINT)}")
    # All columns that are widened, added or dropped share a version; they may be renamed before.
    clauses: dict[str, list[str]] = {}
    for clause, part in sorted(steps, key=lambda step: "{}" in step[0]):
        clauses.setdefault(clause, []).append(part)
    for clause, parts in clauses.items():
        spark.sql(f"ALTER TABLE {table} {clause.format(', '.join(parts))}")
    if wanted:
        spark.sql(f"ALTER TABLE {table} ADD CONSTRAINT contract CHECK ({wanted})")
    # END SOLUTION


# %%
lab.check("migrate")

# %% [markdown]
# ## Task 6: rename while writers move
#
# A rename by column mapping is one commit, and at that moment every writer of the old name fails.
# Write `deprecate(spark, table, old_name, new_name)`. It opens a time in which both names work.
# `old_name` is a top-level column of the Delta table `table`, of any type. It may be null, and no
# constraint speaks of it. It returns nothing.
#
# - The table gets the column `new_name`, of the same type, null in the rows that are there. All
#   else in the table stays, `old_name` too. No data file is written, and none is removed.
# - So a batch that has only one of the two names can be appended, whichever it is.
# - The view `{table}_both` has the columns of the table, in the table's order. In each row both
#   names read the same there: the value under `new_name`, and if that is null the one under
#   `old_name`.
# - The view also shows rows that are appended later.
# - If the table has `new_name` already, as after a first call, the call makes no version of it, and
#   the view reads the same.


# %%
def deprecate(spark: SparkSession, table: str, old_name: str, new_name: str) -> None:
    """Adds the new name beside the old one, and a view in which both read the same."""
    # BEGIN SOLUTION: expand the table, and let a view read either column under both names
    schema = spark.table(table).schema
    if new_name.lower() not in [column.name.lower() for column in schema]:
        kind = schema[old_name].dataType.simpleString()
        spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({new_name} {kind})")
    names = [
        f"coalesce({new_name}, {old_name}) AS {name}" if name in (old_name, new_name) else name
        for name in spark.table(table).columns
    ]
    spark.sql(f"CREATE OR REPLACE VIEW {table}_both AS SELECT {', '.join(names)} FROM {table}")
    # END SOLUTION


# %%
lab.check("deprecate")

# %% [markdown]
# ## Put it together
#
# First the Friday that happened: a table that takes whatever comes. Wednesday and Friday, written
# with `mergeSchema`. No error, no warning, and no revenue on Friday.


# %%
def read_batch(day: str) -> DataFrame:
    return spark.read.parquet(str(batches / f"{day}.parquet"))


flat = f"{lab.schema}.flat"
for day in ["3_wednesday", "5_friday"]:
    writer = read_batch(day).coalesce(1).write.format("delta").mode("append")
    writer.option("mergeSchema", True).saveAsTable(flat)
revenue = "SELECT to_date(placed_at) AS day, sum(amount) AS revenue FROM {} GROUP BY 1 ORDER BY 1"
spark.sql(revenue.format(flat)).show()

# %% [markdown]
# The table has both names now, and every row has its amount under one of them. So the view of Task
# 6 repairs the dashboards, without a file written.

# %%
if lab.written("deprecate"):
    deprecate(spark, flat, "amount", "total")
    spark.sql(revenue.format(f"{flat}_both")).show()

# %% [markdown]
# Now the week behind the gate. Each day the table is migrated to the contract of that day, and then
# the batch is let in or not. `same files` compares the paths before and after the migration.

# %%
orders = f"{lab.schema}.orders"
first = ", ".join(f"{field['name']} {type_of(field)}" for field in read_contract(1)["fields"])
spark.sql(f"CREATE TABLE {orders} ({first}) USING delta")
spark.sql(
    f"CREATE TABLE {orders}_violations (key string, field string, rule string, value string) "
    "USING delta"
)


def one_day(day: str, version: int) -> None:
    """Migrates the table, appends the batch, and says what happened."""
    contract, files = read_contract(version), set(spark.table(orders).inputFiles())
    migrate(spark, orders, contract)
    same = "same files" if set(spark.table(orders).inputFiles()) == files else "other files"
    try:
        told = f"version {append(spark, orders, read_batch(day), contract)}"
    except ContractError as error:
        told = f"refused: {error}"
    print(f"{day}, contract {version}: {same}, {len(files)} before; {told}")


# %% [markdown]
# Friday comes twice: under version 4, which knows no `total`, and under version 5, which says what
# it was. On Saturday an app that nobody thought of still writes the old names: it needs Task 6, not
# a rename.

# %%
WEEK = [("1_monday", 1), ("2_tuesday", 2), ("3_wednesday", 3), ("4_thursday", 4)]
WEEK += [("5_friday", 4), ("5_friday", 5), ("6_saturday", 5)]
if lab.written("append", "migrate"):
    for day, version in WEEK:
        one_day(day, version)
    spark.table(f"{orders}_violations").show(truncate=False)
    revenue = (
        "SELECT to_date(placed_at) AS day, sum(total) AS revenue FROM {} GROUP BY 1 ORDER BY 1"
    )
    spark.sql(revenue.format(orders)).show()

# %% [markdown]
# Five versions of a schema, and not a file was rewritten. What did it cost? Count what the history
# has beside the batches, which are its WRITEs: each is a commit of metadata.

# %%
history = DeltaTable.forName(spark, orders).history().groupBy("operation").count()
history.orderBy("operation").show(truncate=False)

# %% [markdown]
# Three things that many believe of Delta tables. Say what you expect before you run the cells. The
# first: in standard SQL a CHECK that comes to null passes. Does it here?

# %%
rates = f"{lab.schema}.rates"
spark.sql(f"CREATE TABLE {rates} (id int, rate decimal(4,2)) USING delta")
spark.sql(f"ALTER TABLE {rates} ADD CONSTRAINT positive CHECK (rate > 0)")
try:
    spark.sql(f"INSERT INTO {rates} VALUES (1, NULL)")
    print("null passes")
except Py4JJavaError as error:
    print("null is refused:", "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES" in str(error.java_exception))

# %% [markdown]
# The second: a column that was dropped is gone. You can ask the table, or you can ask its file.

# %%
import pyarrow.parquet as pq

people = f"{lab.schema}.people"
spark.sql(
    f"CREATE TABLE {people} (id int, secret string) USING delta "
    "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"
)
spark.sql(f"INSERT INTO {people} VALUES (1, 'still here')")
spark.sql(f"ALTER TABLE {people} DROP COLUMN secret")
file = spark.table(people).inputFiles()[0].removeprefix("file://")
print(spark.table(people).columns, pq.ParquetFile(file).read().to_pylist())

# %% [markdown]
# The third: an INSERT finds its columns by name. Two text columns that swapped places show whether
# it does.

# %%
swapped = f"{lab.schema}.swapped"
spark.sql(f"CREATE TABLE {swapped} (currency string, channel string) USING delta")
source = "SELECT 'web' AS channel, 'EUR' AS currency"
spark.sql(f"INSERT INTO {swapped} {source}")
spark.sql(f"INSERT INTO {swapped} BY NAME {source}")
spark.table(swapped).show()

# %% [markdown]
# ## In practice
#
# - **Who owns the contract.** The producer changes it, in its own repository, and its CI runs
#   `compatible` against the version in production. The gate at the table is the second line: it
#   holds when the first one was forgotten.
# - **Registry modes.** `BACKWARD` lets consumers upgrade first, `FORWARD` producers, `FULL` either.
#   The `_TRANSITIVE` forms compare with all earlier versions, not the last one alone: needed when
#   somebody reads from the beginning.
# - **Expand, move, contract.** Add the new name, let both work, move the writers, then the readers,
#   and drop the old name when nobody reads it. Each step can be taken back; a rename cannot. If a
#   constraint speaks of the old name, it must come to speak of `coalesce(new, old)` first.
# - **Column mapping is costly to undo.** Old readers without it can no longer read the table, and
#   the mode `none` writes every file anew. Type widening shuts out old readers, too. Ask who reads
#   the files before you switch them on.
# - **Between DROP CONSTRAINT and ADD CONSTRAINT** a table takes anything. Stop the writers, or add
#   the new constraint under another name first where Delta lets you. ADD CONSTRAINT reads the whole
#   table, so one for all rules is one scan.
# - **Dropped is not erased.** The bytes of a dropped column stay until `REORG TABLE ... APPLY
#   (PURGE)` has rewritten the files and VACUUM has removed the old ones.
# - **One bad row.** Delta's own constraints refuse a whole batch for it. That is right for a
#   ledger. A day of clicks should not wait for one typo. The contract says which it is.
# - **dbt has contracts too** (lab `dbt_scd`): they fix names and types of a model at build time.
#   They do not look at rows, except for `constraints`, which the table itself enforces.
#
# **On Databricks** there are further layers: Auto Loader's `_rescued_data` keeps what does not fit,
# expectations in pipelines drop or fail by rule, and type widening can follow a stream's source.
# What stays yours: which side a change may break, and what becomes of a bad row.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. A producer wants to rename a column that 14 dashboards read. Which steps, and in which order?
# 2. Backward or forward compatible: which one do you demand of a topic, and who upgrades first?
# 3. Why can a contract test in the producer's CI not replace the gate at the table, nor the other
#    way round?
# 4. When do you reject a batch for one bad row, and when do you quarantine the row?
# 5. What does it cost to widen an int to a bigint on a table of 10 TB?
# 6. A column with personal data was dropped last month. Is it gone?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Expand: add the new column, and a view in which both names read the same. Move the writers, one
#    by one, then the dashboards, to the view or the new name. Contract: when lineage and query logs
#    show no reader of the old name for an agreed time, drop it. A rename in one step is a removed
#    and an added field to everybody who was not told.
# 2. It depends on which readers meet which rows. A topic that is replayed from the beginning needs
#    backward: new readers meet old rows, so consumers upgrade first. Where many consumers cannot
#    upgrade in time, you need forward: old readers meet new rows, so the producer may go first.
#    With optional fields only, both hold.
# 3. CI sees schemas and examples, before they are deployed; it sees no row of production, and not
#    the producer that nobody knew. The gate sees every row, but too late: the change is live. The
#    first prevents a change that breaks readers, the second keeps its rows out of the table.
# 4. Reject where rows only make sense together: a ledger, a full extract, a file with a control
#    total. Quarantine where each row stands alone and most of them on time are worth more than all
#    of them tomorrow. Then somebody must own the quarantine, with a limit: one bad row in 10,000 is
#    a typo, one in ten is a broken producer, and the batch should be refused after all.
# 5. With type widening: one commit of metadata, and no file. Old files keep int, and readers widen
#    as they read. The costs are elsewhere: the table needs readers that know the feature, and the
#    way back is closed, for narrowing needs a rewrite.
# 6. From the schema, yes; from the files, no. With column mapping a drop is metadata. The values
#    stay in every file written before, in old versions, in clones and copies. REORG APPLY (PURGE)
#    rewrites the files, VACUUM removes the old ones after the retention, and only then it is gone
#    from this table.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Delta Lake, [Column mapping](https://docs.delta.io/latest/delta-column-mapping.html),
#   [type widening](https://docs.delta.io/latest/delta-type-widening.html) and
#   [constraints](https://docs.delta.io/latest/delta-constraints.html)
# - Confluent, [Schema evolution and compatibility][registry]
# - Martin Fowler, [Parallel change](https://martinfowler.com/bliki/ParallelChange.html)
# - Open Data Contract Standard, [bitol.io](https://bitol.io)
#
# [registry]: https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html
