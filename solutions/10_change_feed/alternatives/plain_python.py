# because: rows in Python dictionaries, frames made of them, MERGE for the state
import json


def ends_of(rows: list) -> dict:
    """The first and the last row of each account."""
    ends: dict = {}
    order = {"delete": 0, "update_preimage": 1, "insert": 2, "update_postimage": 3}
    for row in sorted(rows, key=lambda row: (row._commit_version, order[row._change_type])):
        ends[row.account_id] = (ends.get(row.account_id, (row, row))[0], row)
    return ends


def net_changes(feed: DataFrame) -> DataFrame:
    found = []
    for account_id, (first, last) in ends_of(feed.collect()).items():
        before = tuple(first)[1:4] if first._change_type in ("delete", "update_preimage") else None
        after = tuple(last)[1:4] if last._change_type in ("insert", "update_postimage") else None
        if before == after:
            continue
        op = "delete" if after is None else "insert" if before is None else "update"
        found.append((account_id, op, *tuple(last)[1:4], last._commit_version))
    columns = (
        "account_id long, op string, segment string, balance decimal(12,2), city string, "
        "version long"
    )
    return feed.sparkSession.createDataFrame(found, columns)


def read_changes(spark: SparkSession, source: str, since: int) -> DataFrame:
    newest = DeltaTable.forName(spark, source).history().orderBy(F.desc("version")).first()
    table = spark.read.option("versionAsOf", newest.version).table(source)
    snapshot = table.withColumns(
        {
            "_change_type": F.lit("insert"),
            "_commit_version": F.lit(newest.version).cast("long"),
            "_commit_timestamp": F.lit(newest.timestamp),
        }
    )
    if since >= newest.version:
        return snapshot.limit(0)
    try:
        reader = spark.read.option("readChangeFeed", True).option("startingVersion", since + 1)
        feed = reader.option("endingVersion", newest.version).table(source)
        return feed.localCheckpoint()
    except Exception:
        return snapshot


def write_state(spark: SparkSession, state: str, name: str, version: int) -> None:
    row = spark.createDataFrame([(name, version)], STATE)
    merge = DeltaTable.forName(spark, state).alias("t").merge(row.alias("s"), "t.name = s.name")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


def new_rows(spark: SparkSession, source: str, state: str, name: str) -> tuple:
    known = spark.table(state).where(F.col("name") == name).collect()
    newest = DeltaTable.forName(spark, source).history(1).collect()[0].version
    return known[0].version, newest


def feed_rows(spark: SparkSession, source: str, since: int, newest: int) -> list:
    reader = spark.read.option("readChangeFeed", True).option("startingVersion", since + 1)
    return reader.option("endingVersion", newest).table(source).collect()


def apply_changes(spark: SparkSession, source: str, target: str, state: str) -> None:
    since, newest = new_rows(spark, source, state, target)
    if since == newest:
        return
    ends = ends_of(feed_rows(spark, source, since, newest))
    there = {row.account_id: tuple(row) for row in spark.table(target).collect()}
    work = []
    for account_id, (_, last) in ends.items():
        gone = last._change_type == "delete"
        if gone and account_id in there or not gone and there.get(account_id) != tuple(last)[:4]:
            work.append((*tuple(last)[:4], gone))
    frame = spark.createDataFrame(work, f"{ACCOUNTS}, gone boolean")
    values = {name: f"s.{name}" for name in spark.table(target).columns}
    (
        DeltaTable.forName(spark, target)
        .alias("t")
        .merge(frame.alias("s"), "t.account_id = s.account_id")
        .whenMatchedDelete("s.gone")
        .whenMatchedUpdate(set=values)
        .whenNotMatchedInsert(values=values)
        .execute()
    )
    write_state(spark, state, target, newest)


def differences(rows: list) -> dict:
    found: dict = {}
    for row in rows:
        sign = -1 if row._change_type in ("delete", "update_preimage") else 1
        balance, accounts = found.get(row.segment, (0, 0))
        found[row.segment] = (balance + sign * (row.balance or 0), accounts + sign)
    return {segment: both for segment, both in found.items() if any(both)}


def aggregate_delta(feed: DataFrame) -> DataFrame:
    rows = [(segment, *both) for segment, both in differences(feed.collect()).items()]
    spark = feed.sparkSession
    text = spark.createDataFrame(
        [(segment, str(balance), n) for segment, balance, n in rows],
        "segment string, balance string, accounts_change long",
    )
    return text.select(
        "segment", F.col("balance").cast("decimal(22,2)").alias("balance_change"), "accounts_change"
    )


def maintain(spark: SparkSession, source: str, aggregate: str, state: str) -> None:
    since, newest = new_rows(spark, source, state, aggregate)
    if since == newest:
        return
    history = DeltaTable.forName(spark, aggregate).history().orderBy("version").collect()
    for commit in history:
        if (commit.userMetadata or "").startswith('{"to": '):
            since = max(since, json.loads(commit.userMetadata)["to"])
    if since < newest:
        sums = {
            row.segment: (row.balance, row.accounts) for row in spark.table(aggregate).collect()
        }
        for segment, (balance, n) in differences(feed_rows(spark, source, since, newest)).items():
            old = sums.get(segment, (0, 0))
            sums[segment] = (old[0] + balance, old[1] + n)
        rows = [(name, str(b), n) for name, (b, n) in sums.items() if n]
        frame = spark.createDataFrame(rows, "segment string, b string, accounts long").select(
            "segment", F.col("b").cast("decimal(22,2)").alias("balance"), "accounts"
        )
        writer = frame.write.format("delta").mode("overwrite").option("replaceWhere", "true")
        writer.option("userMetadata", json.dumps({"to": newest})).saveAsTable(aggregate)
    write_state(spark, state, aggregate, newest)
