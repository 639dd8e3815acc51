# because: SQL where there is some, one branch for each kind of file, text views of nested columns

import os

import pandas as pd


def bytes_left(path, needles):
    found = []
    for folder, _, names in os.walk(path):
        for name in names:
            inside = os.path.relpath(os.path.join(folder, name), path).replace(os.sep, "/")
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read()
            texts = [data]
            if name.endswith(".gz"):
                with gzip.open(os.path.join(folder, name)) as file:
                    texts.append(file.read())
            if name.endswith(".parquet"):
                texts += strings_in(data)
            if not any(needle.encode() in text for needle in needles for text in texts):
                continue
            parents = inside.split("/")[:-1]
            if name.endswith(".crc"):
                where = "crc"
            elif "_delta_log" in parents:
                where = "checkpoint" if name.endswith(".parquet") else "log"
            elif not name.endswith(".parquet"):
                where = "other"
            else:
                where = "change_data" if "_change_data" in parents else "data"
            found.append((inside, where))
    return sorted(found)


def strings_in(data):
    """The arrays of text in a Parquet file, at any depth, as bytes."""
    try:
        table = pq.ParquetFile(pa.BufferReader(data)).read()
    except Exception:
        return []
    todo = [chunk for column in table.columns for chunk in column.chunks]
    found = []
    while todo:
        array = todo.pop()
        kind = array.type
        if pa.types.is_string(kind):
            found += [value.encode() for value in array.to_pylist() if value is not None]
        elif pa.types.is_struct(kind):
            todo += array.flatten()
        elif pa.types.is_map(kind):
            todo += [array.keys, array.items]
        elif pa.types.is_list(kind):
            todo.append(array.values)
    return found


def find_subject(spark, tables, subject):
    gap = "[ .+()-]*"
    loose = [gap.join(one for one in text if one not in " .+()-") for text in subject]
    pattern = f"r'(?i)(?<![a-z0-9])({'|'.join(loose)})(?![a-z0-9])'"

    def tests(kind, column, path, depth=0):
        """Pairs of a path and a condition as SQL."""
        name = f"x{depth}"
        if isinstance(kind, StringType):
            yield path, f"regexp_like({column}, {pattern})"
        elif isinstance(kind, StructType):
            for field in kind:
                yield from tests(
                    field.dataType, f"{column}.`{field.name}`", f"{path}.{field.name}", depth
                )
        elif isinstance(kind, ArrayType):
            for of, test in tests(kind.elementType, name, f"{path}.element", depth + 1):
                yield of, f"exists({column}, {name} -> {test})"
        elif isinstance(kind, MapType):
            parts = (("key", kind.keyType, "map_keys"), ("value", kind.valueType, "map_values"))
            for part, of_type, elements in parts:
                for of, test in tests(of_type, name, f"{path}.{part}", depth + 1):
                    yield of, f"exists({elements}({column}), {name} -> {test})"

    rows = []
    for table in tables:
        found = [
            pair
            for field in spark.table(table).schema
            for pair in tests(field.dataType, f"`{field.name}`", field.name)
        ]
        if not found:
            continue
        sums = ", ".join(f"count_if({test}) AS c{at}" for at, (_, test) in enumerate(found))
        numbers = [row.version for row in spark.sql(f"DESCRIBE HISTORY {table}").collect()]
        parts = [f"SELECT {at} AS v, {sums} FROM {table} VERSION AS OF {at}" for at in numbers]
        counts = sorted(spark.sql(" UNION ALL ".join(parts)).collect(), key=lambda row: row.v)
        for at, (path, _) in enumerate(found):
            by_version = [row[f"c{at}"] for row in counts]
            versions = sum(count > 0 for count in by_version)
            if versions:
                rows.append((table, path, by_version[-1], versions))
    return spark.createDataFrame(rows, "table string, column string, rows long, versions long")


def tokenise(df, columns, keys):
    for name, (kind, purpose) in columns.items():
        value = F.col(name)
        if kind == "email":
            value = F.lower(F.trim(value))
        elif kind == "phone":
            value = F.regexp_replace(value, "[^0-9]", "")
        value = F.nullif(value, F.lit(""))
        code = with_key(keys[purpose])(value)
        domain = F.concat(F.lit("@"), F.substring_index(value, "@", -1))
        df = df.withColumn(name, F.concat(code, domain) if kind == "email" else code)
    return df


def with_key(key):
    @F.pandas_udf("string")
    def code(values: pd.Series) -> pd.Series:
        made = values.map(
            lambda value: hmac.digest(key, value.encode(), "sha512").hex(), na_action="ignore"
        )
        return made.astype(object)

    return code


def forget(spark, tables, subject):
    for table in tables:
        spark.sql(f"DELETE FROM {table} WHERE subject_id = '{subject}'")
        spark.sql(f"REORG TABLE {table} APPLY (PURGE)")
        for kept in ("0 hours", "1 days"):
            spark.sql(
                f"ALTER TABLE {table} SET TBLPROPERTIES ("
                f"'delta.logRetentionDuration' = 'interval 1 days', "
                f"'delta.deletedFileRetentionDuration' = 'interval {kept}')"
            )
            if kept == "0 hours":
                spark.sql(f"VACUUM {table}")
