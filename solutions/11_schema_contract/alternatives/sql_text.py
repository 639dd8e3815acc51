# because: expressions as SQL text, numbers told without a pattern, one frame a field, DESCRIBE


def sql_of(value: str, kind: DataType, field: dict) -> str:
    """SQL for the value in the field's type, null where it does not fit."""
    wanted, given = type_of(field), kind.typeName()
    nothing = f"CAST(NULL AS {wanted})"
    if "fields" in field:
        if not isinstance(kind, StructType):
            return nothing
        cells = []
        for one in field["fields"]:
            found = [part for part in kind if part.name.lower() == one["name"].lower()]
            inner = [sql_of(f"{value}.{part.name}", part.dataType, one) for part in found]
            cells.append(
                f"'{one['name']}', {inner[0] if inner else f'CAST(NULL AS {type_of(one)})'}"
            )
        return f"IF({value} IS NULL, {nothing}, named_struct({', '.join(cells)}))"
    if wanted in ("string", "timestamp"):
        return value if given == wanted else nothing
    if given in ("integer", "long", "double", "decimal"):
        return (
            f"IF(try_cast({value} AS {wanted}) = {value}, try_cast({value} AS {wanted}), {nothing})"
        )
    if given != "string":
        return nothing
    scale = int(wanted.rstrip(")").rpartition(",")[2]) if wanted.startswith("decimal") else 0
    is_number = (
        f"translate({value}, '0123456789', '') IN ('', '-', '.', '-.') "
        f"AND {value} NOT LIKE '_%-%' AND {value} NOT LIKE '.%' AND {value} NOT LIKE '-.%' "
        f"AND {value} NOT LIKE '%.' AND {value} NOT IN ('', '-')"
    )
    fits = f"length(trim(TRAILING '0' FROM split_part({value}, '.', 2))) <= {scale}"
    whole = f"try_cast(split_part({value}, '.', 1) AS decimal(38,0))"
    number = f"try_cast({whole if scale == 0 else value} AS {wanted})"
    return f"IF({is_number} AND {fits}, {number}, {nothing})"


def conform(batch: DataFrame, contract: dict) -> DataFrame:
    known = {column.name.lower(): column for column in batch.schema}
    cells = []
    for field in contract["fields"]:
        column = known.get(field["name"].lower())
        cell = (
            sql_of(column.name, column.dataType, field)
            if column
            else f"CAST(NULL AS {type_of(field)})"
        )
        cells.append(f"{cell} AS {field['name']}")
    return batch.selectExpr(*cells)


def faults(batch: DataFrame, contract: dict) -> list[tuple[str, str, str]]:
    """Of each field: its name, its value in SQL, and the SQL of the rule that it breaks."""
    known = {column.name.lower(): column for column in batch.schema}
    found = []

    def look(name: str, value: str | None, kind: DataType | None, field: dict) -> None:
        if kind is None:
            rule = "'required'" if field.get("required") else "CAST(NULL AS string)"
            found.append((name, "CAST(NULL AS string)", rule))
            return
        good = sql_of(value, kind, field)
        whens = [
            f"WHEN {value} IS NULL THEN {repr('required') if field.get('required') else 'NULL'}"
        ]
        whens.append(f"WHEN ({good}) IS NULL THEN 'type'")
        if "allowed" in field:
            texts = ", ".join(map(repr, field["allowed"]))
            whens.append(f"WHEN ({good}) NOT IN ({texts}) THEN 'allowed'")
        if "above" in field:
            whens.append(f"WHEN NOT ({good}) > {field['above']} THEN 'above'")
        found.append((name, value, f"CASE {' '.join(whens)} END"))

    for field in contract["fields"]:
        column = known.get(field["name"].lower())
        look(field["name"], column and column.name, column and column.dataType, field)
        if column is not None and "fields" in field and isinstance(column.dataType, StructType):
            for one in field["fields"]:
                for part in column.dataType:
                    if part.name.lower() == one["name"].lower():
                        place = f"{column.name}.{part.name}"
                        look(f"{field['name']}.{one['name']}", place, part.dataType, one)
    return found


def violations(batch: DataFrame, contract: dict) -> DataFrame:
    key = next((name for name in batch.columns if name.lower() == contract["key"].lower()), "NULL")
    found = None
    for name, value, rule in faults(batch, contract):
        rows = batch.selectExpr(
            f"CAST({key} AS string) AS key",
            f"'{name}' AS field",
            f"{rule} AS rule",
            f"CAST({value} AS string) AS value",
        ).where("rule IS NOT NULL")
        found = rows if found is None else found.union(rows)
    for name in unknown_fields(batch, contract):
        row = batch.sparkSession.sql(
            f"SELECT CAST(NULL AS string), '{name}', 'unknown', CAST(NULL AS string)"
        )
        found = found.union(row)
    return found


def append(spark: SparkSession, table: str, batch: DataFrame, contract: dict) -> int:
    broken = violations(batch, contract)
    counts = (
        broken.groupBy("field").agg(F.max(F.col("rule") == "unknown").alias("unknown")).collect()
    )
    if counts and (contract["on_violation"] == "reject" or any(row.unknown for row in counts)):
        raise ContractError(str([row.field for row in counts]))
    clean = " AND ".join(f"({rule}) IS NULL" for _, _, rule in faults(batch, contract))
    rows = conform(batch.where(clean), contract)
    if rows.head(1):
        rows.createOrReplaceTempView("rows_to_append")
        spark.sql(f"INSERT INTO {table} BY NAME SELECT * FROM rows_to_append")
    version = spark.sql(f"DESCRIBE HISTORY {table}").agg(F.max("version")).first()[0]
    if counts:
        broken.write.insertInto(f"{table}_violations")
    return version


def deprecate(spark: SparkSession, table: str, old_name: str, new_name: str) -> None:
    columns = spark.sql(f"DESCRIBE {table}").collect()
    kinds = {row.col_name: row.data_type for row in columns}
    if new_name not in kinds:
        spark.sql(f"ALTER TABLE {table} ADD COLUMN {new_name} {kinds[old_name]} AFTER {old_name}")
    both = f"CASE WHEN {new_name} IS NULL THEN {old_name} ELSE {new_name} END"
    cells = [
        f"{both} AS {name}" if name in (old_name, new_name) else name
        for name in spark.table(table).columns
    ]
    spark.sql(f"DROP VIEW IF EXISTS {table}_both")
    spark.sql(f"CREATE VIEW {table}_both AS SELECT {', '.join(cells)} FROM {table}")
