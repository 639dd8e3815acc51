# because: windows; frames kept in memory; the number of a transaction, read from the log, says what
#   the aggregate holds
from pyspark.sql import Window


def net_changes(feed: DataFrame) -> DataFrame:
    rank = (
        F.when(F.col("_change_type") == "delete", 0)
        .when(F.col("_change_type") == "update_preimage", 1)
        .otherwise(2)
    )
    by_step = Window.partitionBy("account_id").orderBy("_commit_version", rank)
    backwards = Window.partitionBy("account_id").orderBy(F.desc("_commit_version"), rank.desc())
    numbered = feed.withColumn("up", F.row_number().over(by_step)).withColumn(
        "down", F.row_number().over(backwards)
    )
    first = numbered.where("up = 1").select(
        "account_id",
        F.col("_change_type").alias("t"),
        F.to_json(F.struct("segment", "balance", "city")).alias("was"),
    )
    both = numbered.where("down = 1").join(first, on="account_id")
    was_there = F.col("t") != "insert"
    is_there = F.col("_change_type") != "delete"
    same = F.to_json(F.struct("segment", "balance", "city")) == F.col("was")
    return both.where((was_there | is_there) & ~(was_there & is_there & same)).select(
        "account_id",
        F.when(~is_there, "delete").when(was_there, "update").otherwise("insert").alias("op"),
        "segment",
        "balance",
        "city",
        F.col("_commit_version").alias("version"),
    )


def read_changes(spark: SparkSession, source: str, since: int) -> DataFrame:
    history = spark.sql(f"DESCRIBE HISTORY {source}").orderBy(F.desc("version")).first()
    table = spark.read.option("versionAsOf", history.version).table(source)
    rows = []
    if since != history.version:
        try:
            reader = spark.read.option("readChangeFeed", "true")
            reader = reader.option("startingVersion", since + 1)
            rows = reader.option("endingVersion", history.version).table(source).collect()
        except Exception:
            rows = [(*row, "insert", *history[:2]) for row in table.collect()]
    return spark.createDataFrame(rows, FEED)


def position(spark: SparkSession, state: str, name: str) -> int:
    versions = {row.name: row.version for row in spark.table(state).collect()}
    return versions[name]


def move(spark: SparkSession, state: str, name: str, version: int) -> None:
    rows = {row.name: row.version for row in spark.table(state).collect()} | {name: version}
    spark.createDataFrame(list(rows.items()), STATE).write.insertInto(state, overwrite=True)


def changes(spark: SparkSession, source: str, since: int, newest: int) -> DataFrame:
    reader = spark.read.format("delta").option("readChangeFeed", "true")
    return reader.option("startingVersion", since + 1).option("endingVersion", newest).table(source)


def apply_changes(spark: SparkSession, source: str, target: str, state: str) -> None:
    since = position(spark, state, target)
    newest = spark.sql(f"DESCRIBE HISTORY {source}").agg(F.max("version")).first()[0]
    if newest > since:
        order = Window.partitionBy("account_id").orderBy(
            F.desc("_commit_version"), F.desc("_change_type")
        )
        last = changes(spark, source, since, newest).where("_change_type <> 'update_preimage'")
        last = last.withColumn("n", F.row_number().over(order)).where("n = 1")
        known = spark.table(target)
        columns = known.columns
        there = last.where("_change_type <> 'delete'").select(columns)
        gone = last.where("_change_type = 'delete'").join(known, "account_id", "left_semi")
        work = there.exceptAll(known.join(there, "account_id", "left_semi").select(columns))
        work = work.withColumn("gone", F.lit(False)).unionByName(
            gone.select(columns).withColumn("gone", F.lit(True))
        )
        merge = (
            DeltaTable.forName(spark, target)
            .alias("t")
            .merge(work.alias("s"), "t.account_id = s.account_id")
        )
        values = {name: F.col(f"s.{name}") for name in columns}
        merge = merge.whenMatchedDelete("s.gone").whenMatchedUpdate(set=values)
        merge.whenNotMatchedInsert(values=values).execute()
        move(spark, state, target, newest)


def aggregate_delta(feed: DataFrame) -> DataFrame:
    minus = feed.where("_change_type in ('delete', 'update_preimage')")
    plus = feed.where("_change_type in ('insert', 'update_postimage')")
    sides = [
        side.select(
            "segment",
            (F.coalesce("balance", F.lit(0)) * sign).alias("balance"),
            F.lit(sign).cast("long").alias("n"),
        )
        for side, sign in ((minus, -1), (plus, 1))
    ]
    total = sides[0].union(sides[1]).groupBy("segment")
    total = total.agg(F.sum("balance").alias("b"), F.sum("n").alias("accounts_change"))
    return total.where("NOT (b = 0 AND accounts_change = 0)").select(
        "segment", F.col("b").cast("decimal(22,2)").alias("balance_change"), "accounts_change"
    )


def maintain(spark: SparkSession, source: str, aggregate: str, state: str) -> None:
    since = position(spark, state, aggregate)
    newest = spark.sql(f"DESCRIBE HISTORY {source}").agg(F.max("version")).first()[0]
    if newest <= since:
        return
    folder = spark.sql(f"DESCRIBE DETAIL {aggregate}").first().location
    log = spark.read.schema("txn struct<appId: string, version: long>").json(
        f"{folder}/_delta_log/*.json"
    )
    told = log.where(F.col("txn.appId") == aggregate).agg(F.max("txn.version")).first()[0]
    held = since if told is None else max(since, told)
    if held < newest:
        old = spark.table(aggregate)
        new = aggregate_delta(changes(spark, source, held, newest))
        total = (
            old.union(new)
            .groupBy("segment")
            .agg(F.sum("balance").alias("balance"), F.sum("accounts").alias("accounts"))
        )
        total = total.where("accounts <> 0").withColumn(
            "balance", F.col("balance").cast("decimal(22,2)")
        )
        writer = total.write.format("delta").option("txnAppId", aggregate)
        writer.option("txnVersion", newest).mode("overwrite").insertInto(aggregate)
    move(spark, state, aggregate, newest)
