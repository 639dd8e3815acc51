# because: rows deleted by a MERGE, tokens for batches of rows, a stack of folders

import pandas as pd


def bytes_left(path, needles):
    found, folders = {}, [(Path(path), "", None)]
    while folders:
        folder, inside, kind = folders.pop()
        for one in folder.iterdir():
            if one.is_dir():
                named = {"_delta_log": "log", "_change_data": "change_data"}.get(one.name)
                log_or_named = "log" if kind == "log" else named or kind
                folders.append((one, f"{inside}{one.name}/", log_or_named))
                continue
            text = one.read_bytes()
            if one.name.endswith(".gz"):
                with gzip.open(one) as file:
                    text = file.read()
            where = {"log": "log"}.get(kind, "other")
            if one.name.endswith(".parquet"):
                where = {"log": "checkpoint"}.get(kind, kind or "data")
                try:
                    with pq.ParquetFile(one) as file:
                        waiting = [batch.to_pylist() for batch in file.iter_batches()]
                    while waiting:
                        value = waiting.pop()
                        if isinstance(value, str):
                            text += b"\n" + value.encode()
                        elif isinstance(value, dict):
                            waiting += value.values()
                        elif isinstance(value, (list, tuple)):
                            waiting += value
                except Exception:
                    pass
            if one.name.endswith(".crc"):
                where = "crc"
            for needle in needles:
                if needle.encode() in text:
                    found[inside + one.name] = where
    return list(found.items())


def tokenise(df, columns, keys):
    def code(batches):
        for rows in batches:
            for name, (kind, purpose) in columns.items():
                rows[name] = pd.Series(
                    [one_code(value, kind, keys[purpose]) for value in rows[name]],
                    index=rows.index,
                    dtype=object,
                )
            yield rows

    def one_code(value, kind, key):
        if not isinstance(value, str):
            return None
        plain = {
            "email": value.strip(" ").casefold(),
            "phone": "".join(one for one in value if one in "0123456789"),
            "text": value,
        }[kind]
        if plain == "":
            return None
        made = hmac.new(key, f"{kind}:{plain}".encode(), "sha256").hexdigest()
        return made + plain[plain.index("@") :] if kind == "email" else made

    return df.mapInPandas(code, df.schema) if columns else df


def forget(spark, tables, subject):
    erased = spark.createDataFrame([(subject,)], "who string")
    off = "SET spark.databricks.delta.retentionDurationCheck.enabled = false"
    was_on = spark.sql(
        "SET spark.databricks.delta.retentionDurationCheck.enabled"
    ).first().value != "false"
    spark.sql(off)
    try:
        for table in tables:
            (
                DeltaTable.forName(spark, table)
                .alias("t")
                .merge(erased.alias("e"), "t.subject_id = e.who")
                .whenMatchedDelete()
                .execute()
            )
            spark.sql(f"REORG TABLE {table} APPLY (PURGE)")
            spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
            known = spark.sql(f"SHOW TBLPROPERTIES {table}").collect()
            if ("delta.logRetentionDuration", "interval 1 days") not in map(tuple, known):
                spark.sql(
                    f"ALTER TABLE {table} SET TBLPROPERTIES ("
                    "'delta.deletedFileRetentionDuration' = 'interval 1 days', "
                    "'delta.logRetentionDuration' = 'interval 1 days')"
                )
    finally:
        if was_on:
            spark.sql("RESET spark.databricks.delta.retentionDurationCheck.enabled")
