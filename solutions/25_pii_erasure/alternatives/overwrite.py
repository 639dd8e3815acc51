# because: what is deleted is written anew by an overwrite, and only if the files hold more than
#   the table shows; tokens from a table of keys that is joined


def find_subject(spark, tables, subject):
    plain = str.maketrans("", "", " .-+()")
    wanted = [text.translate(plain).upper() for text in subject]

    def walk(kind, value, path, found):
        """Adds the paths of the texts in a collected value that hold the person."""
        if value is None:
            return
        if isinstance(kind, StringType):
            if holds(value):
                found.add(path)
        elif isinstance(kind, StructType):
            for field in kind:
                walk(field.dataType, value[field.name], f"{path}.{field.name}", found)
        elif isinstance(kind, ArrayType):
            for one in value:
                walk(kind.elementType, one, f"{path}.element", found)
        elif isinstance(kind, MapType):
            for key, one in value.items():
                walk(kind.keyType, key, f"{path}.key", found)
                walk(kind.valueType, one, f"{path}.value", found)

    def holds(value):
        kept = [(at, one) for at, one in enumerate(value.upper()) if one not in " .-+()"]
        text = "".join(one for _, one in kept)
        for want in wanted:
            start = text.find(want)
            while start >= 0:
                first, last = kept[start][0], kept[start + len(want) - 1][0]
                around = value[first - 1 : first] if first else "", value[last + 1 : last + 2]
                if not any(one.isascii() and one.isalnum() for one in around):
                    return True
                start = text.find(want, start + 1)
        return False

    rows = []
    for table in tables:
        history = DeltaTable.forName(spark, table).history().select("version").collect()
        newest = max(row.version for row in history)
        counts = {}
        for version in (row.version for row in history):
            frame = spark.read.option("versionAsOf", version).table(table)
            for row in frame.toLocalIterator():
                found = set()
                for field in frame.schema:
                    walk(field.dataType, row[field.name], field.name, found)
                for path in found:
                    by_version = counts.setdefault(path, {})
                    by_version[version] = by_version.get(version, 0) + 1
        rows += [(table, path, of.get(newest, 0), len(of)) for path, of in counts.items()]
    return spark.createDataFrame(rows, "table string, column string, rows long, versions long")


def tokenise(df, columns, keys):
    if not columns:
        return df
    before = df.columns
    spark = df.sparkSession
    known = spark.createDataFrame(list(keys.items()), "_purpose string, _key binary")
    for name, (kind, purpose) in columns.items():
        mine = known.where(F.col("_purpose") == purpose).select("_key")
        value = F.col(name)
        if kind == "email":
            value = F.lower(F.trim(value))
        if kind == "phone":
            value = F.regexp_replace(value, r"\D", "")
        inner = F.unhex(F.sha2(F.concat(F.col("_key"), F.encode(value, "utf-8")), 256))
        code = F.sha2(F.concat(F.col("_key"), inner), 256)
        if kind == "email":
            code = F.concat_ws("@", code, F.element_at(F.split(value, "@"), -1))
        code = F.when(F.length(value) > 0, code)
        df = df.crossJoin(F.broadcast(mine)).withColumn(name, code).drop("_key")
    return df.select(before)


def forget(spark, tables, subject):
    safety = "spark.databricks.delta.retentionDurationCheck.enabled"
    was = spark.conf.getAll.get(safety)
    spark.conf.set(safety, "false")
    for table in tables:
        rows = spark.table(table)
        theirs = F.col("subject_id").eqNullSafe(F.lit(subject))
        folder = spark.sql(f"DESCRIBE DETAIL {table}").first().location
        files = spark.read.format("binaryFile").option("recursiveFileLookup", True).load(folder)
        has_vectors = not files.where("path LIKE '%deletion_vector%'").isEmpty()
        if has_vectors or not rows.where(theirs).isEmpty():
            rows.where(~theirs).write.format("delta").mode("overwrite").saveAsTable(table)
        spark.sql(
            f"ALTER TABLE {table} SET TBLPROPERTIES "
            "('delta.logRetentionDuration' = 'interval 1 days', "
            "'delta.deletedFileRetentionDuration' = 'interval 1 days')"
        )
        DeltaTable.forName(spark, table).vacuum(0)
    if was is None:
        spark.conf.unset(safety)
    else:
        spark.conf.set(safety, was)
