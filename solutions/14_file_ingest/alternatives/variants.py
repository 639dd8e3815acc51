# because: variants alone: JSON's own type decides whether a value fits, and fields are rows


def kinds_of(value: str) -> str:
    """The type that JSON says: BIGINT, DOUBLE, DECIMAL(3,1), STRING, BOOLEAN, OBJECT<...>."""
    return f"schema_of_variant({value})"


def taken_as(value: str, kind: str) -> str:
    """The value of a variant as a column of this type; null when JSON's type is another."""
    told = kinds_of(value)
    number = f"({told} = 'BIGINT' OR {told} LIKE 'DECIMAL%' OR {told} = 'DOUBLE')"
    fits = {
        "long": f"({told} = 'BIGINT')",
        "bigint": f"({told} = 'BIGINT')",
        "double": number,
        "string": f"({told} = 'STRING')",
        "boolean": f"({told} = 'BOOLEAN')",
        "timestamp": f"({told} = 'STRING')",
    }[kind]
    return f"CASE WHEN {fits} THEN try_variant_get({value}, '$', '{kind}') END"


def columns_of(fields: str, kinds: dict[str, str]) -> dict[str, str]:
    return {name: taken_as(f"{fields}['{name}']", kind) for name, kind in kinds.items()}


def left_of(fields: str, columns: dict[str, str]) -> str:
    takes = [f"(k = '{name}' AND ({value}) IS NOT NULL)" for name, value in columns.items()]
    keep = f"NOT ({' OR '.join(takes)}) AND NOT is_variant_null(v)"
    return f"nullif(to_json(map_filter({fields}, (k, v) -> {keep})), '{{}}')"


def refine(bronze: DataFrame, schema: str) -> DataFrame:
    kinds = {field.name: field.dataType.simpleString() for field in StructType.fromDDL(schema)}
    columns = columns_of("fields", kinds)
    objects = bronze.withColumn("fields", F.expr("from_json(raw, 'map<string, variant>')"))
    return objects.selectExpr(
        *[f"{value} AS `{name}`" for name, value in columns.items()],
        f"{left_of('fields', columns)} AS rescued",
        "fields IS NULL AS corrupt",
        "raw",
        "file",
    )


def isolate(batch: DataFrame, write: Callable[[DataFrame], None]) -> tuple[int, DataFrame]:
    spark = batch.sparkSession
    rows = batch.collect()
    dead = []

    def halves(first: int, count: int) -> int:
        if count == 0:
            return 0
        part = spark.createDataFrame(rows[first : first + count], batch.schema)
        try:
            write(part)
            return count
        except ValueError as error:
            reason = str(error)
        except Exception as error:
            reason = str(error)
        if count == 1:
            dead.append({"raw": rows[first].raw, "file": rows[first].file, "reason": reason})
            return 0
        small = count // 2
        return halves(first, small) + halves(first + small, count - small)

    total = halves(0, len(rows))
    return total, spark.createDataFrame(dead, "raw string, file string, reason string")
