# because: plain Python reads each line; the query's own id tells one checkpoint from another

import json
from datetime import UTC, datetime


def fits(value: object, kind: str) -> bool:
    """Whether a column of this type takes a value of JSON."""
    if kind == "timestamp":
        try:
            return datetime.fromisoformat(value).tzinfo is not None
        except (TypeError, ValueError):
            return False
    if kind == "long":
        return type(value) is int and -(2**63) <= value < 2**63
    return type(value) in {"double": (int, float), "string": (str,), "boolean": (bool,)}[kind]


def typed(value: object, kind: str) -> object:
    if kind == "timestamp":
        return datetime.fromisoformat(value).astimezone(UTC)
    return float(value) if kind == "double" else value


def refine(bronze: DataFrame, schema: str) -> DataFrame:
    kinds = dict(column.replace("`", "").split() for column in schema.split(", "))
    lines = bronze.select("raw", "file").collect()
    rows = []
    for raw, file in lines:
        try:
            found = json.loads(raw)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            rows.append((*[None] * len(kinds), None, True, raw, file))
            continue
        held = {n: found[n] for n, kind in kinds.items() if n in found and fits(found[n], kind)}
        left = {n: value for n, value in found.items() if n not in held and value is not None}
        cells = [typed(held[n], kind) if n in held else None for n, kind in kinds.items()]
        rows.append((*cells, json.dumps(left) if left else None, False, raw, file))
    ddl = f"{schema}, rescued string, corrupt boolean, raw string, file string"
    return bronze.sparkSession.createDataFrame(rows, ddl)


def ingest(spark: SparkSession, source: str, table: str, checkpoint: str) -> list[str]:
    lines = (
        spark.readStream.option("recursiveFileLookup", True)
        .option("maxFilesPerTrigger", FILES_PER_BATCH)
        .option("maxFileAge", "100000d")
        .text(source)
        .select("value", "_metadata.file_path", "_metadata.file_modification_time")
        .toDF("raw", "file", "file_modified")
    )

    def append(batch: DataFrame, number: int) -> None:
        (
            batch.where(~F.col("file").endswith(".part"))
            .withColumn("ingested_batch", F.lit(number).cast("long"))
            .withColumn("content_hash", F.sha2(F.col("raw"), 256))
            .write.format("delta")
            .mode("append")
            .options(txnAppId=query_id(batch.sparkSession), txnVersion=number)
            .saveAsTable(table)
        )

    def query_id(session: SparkSession) -> str:
        return session.sparkContext.getLocalProperty("sql.streaming.queryId")

    stream = lines.writeStream.foreachBatch(append).trigger(availableNow=True)
    stream.start(checkpointLocation=checkpoint).awaitTermination()
    seen = spark.table(table).groupBy("file").agg(F.min("file_modified").alias("read"))
    files = spark.read.format("binaryFile").option("recursiveFileLookup", True).load(source)
    listed = files.select("_metadata.file_path", "_metadata.file_modification_time")
    pairs = seen.join(listed, F.col("file") == F.col("file_path")).collect()
    return sorted(pair.file for pair in pairs if pair.read != pair.file_modification_time)


def replay_dead(spark: SparkSession, dead_table: str, table: str, schema: str) -> None:
    now = datetime.now(UTC)
    known = {tuple(row) for row in spark.table(table).select("raw", "file").collect()}
    waiting = spark.table(dead_table).where(F.col("resolved_at").isNull()).select("raw", "file")
    fresh = [row for row in waiting.collect() if tuple(row) not in known]
    frame = spark.createDataFrame(fresh, "raw string, file string")

    def write(part: DataFrame) -> None:
        part.write.mode("append").format("delta").saveAsTable(table)

    refused = isolate(refine(frame, schema), write)[1].dropDuplicates(["raw", "file"]).collect()
    dead = DeltaTable.forName(spark, dead_table)
    reasons = spark.createDataFrame(refused, "raw string, file string, reason string").alias("new")
    same = "old.raw = new.raw AND old.file = new.file AND old.resolved_at IS NULL"
    if refused:
        merge = dead.alias("old").merge(reasons, same)
        merge.whenMatchedUpdate(set={"reason": "new.reason"}).execute()
    gone = spark.table(table).select("raw", "file").distinct().alias("new")
    merge = dead.alias("old").merge(gone, same)
    merge.whenMatchedUpdate(set={"resolved_at": F.lit(now)}).execute()
