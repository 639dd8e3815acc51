# because: the folder listed through Hadoop, the plan made in Python, all but the clone's files to
#   VACUUM

from datetime import timedelta


def damage(spark: SparkSession, table: str, good: int, bad: int) -> DataFrame:
    old = spark.read.option("versionAsOf", good).table(table)
    new = spark.read.option("versionAsOf", bad).table(table)
    sides = old.exceptAll(new).select(
        "order_id", F.lit(0).alias("side"), F.struct("*").alias("row")
    )
    sides = sides.unionAll(
        new.exceptAll(old).select("order_id", F.lit(1).alias("side"), F.struct("*").alias("row"))
    )
    both = sides.groupBy("order_id").agg(
        F.max(F.when(F.col("side") == 0, F.col("row"))).alias("before"),
        F.max(F.when(F.col("side") == 1, F.col("row"))).alias("after"),
        F.sum("side").alias("ones"),
        F.count("*").alias("sides"),
    )
    kind = (
        F.when(F.col("sides") == 2, "changed")
        .when(F.col("ones") == 1, "invented")
        .otherwise("lost")
    )
    return both.select("order_id", "before", "after", kind.alias("kind"))


def reclaim(spark: SparkSession, table: str, keep_days: int) -> DataFrame:
    location = spark.sql(f"DESCRIBE DETAIL {table}").first().location
    folder = spark._jvm.org.apache.hadoop.fs.Path(location)
    system = folder.getFileSystem(spark._jsc.hadoopConfiguration())
    stored = [
        (str(file.getPath().getName()), int(file.getLen()), int(file.getModificationTime()))
        for file in system.listStatus(folder)
        if file.isFile() and file.getPath().getName()[0] not in "._"
    ]
    removes = spark.read.json(f"{location}/_delta_log/*.json").where("remove IS NOT NULL")
    removed: dict[str, int] = {}
    for row in removes.select("remove.path", "remove.deletionTimestamp").collect():
        removed[row.path] = max(removed.get(row.path, 0), row.deletionTimestamp)
    database = table.split(".")[0]
    reads = {}
    for row in spark.sql(f"SHOW TABLES IN {database}").where("NOT isTemporary").collect():
        name = f"{database}.{row.tableName}"
        for path in spark.table(name).inputFiles():
            if path.startswith(location + "/"):
                reads.setdefault(path.removeprefix(location + "/"), set()).add(name)
    now = spark.sql("SELECT unix_millis(current_timestamp())").first()[0]
    oldest = now - timedelta(days=keep_days) // timedelta(milliseconds=1)
    plan, inventory = [], []
    for path, size, modified in stored:
        if table in reads.get(path, ()):
            reason, may_go = "live", False
        elif path in reads:
            reason, may_go = "cloned", False
        elif path in removed:
            reason, may_go = "tombstone", removed[path] < oldest
        else:
            may_go = modified < oldest
            reason = "orphan" if may_go else "in_flight"
        plan.append((path, size, may_go, reason))
        if reason != "cloned":
            inventory.append((f"{location}/{path}", size, False, modified))
    columns = "path string, length long, isDir boolean, modificationTime long"
    spark.createDataFrame(inventory, columns).createOrReplaceTempView("inventory")
    kept = f"interval {keep_days} days"
    spark.sql(
        f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.logRetentionDuration' = '{kept}', "
        f"'delta.deletedFileRetentionDuration' = '{kept}')"
    )
    spark.sql(f"VACUUM {table} USING INVENTORY (SELECT * FROM inventory)")
    return spark.createDataFrame(plan, "path string, bytes long, deletable boolean, reason string")
