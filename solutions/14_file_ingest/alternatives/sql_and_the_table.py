# because: the table knows its files, the schema grows with the append, halves wait on a stack

from datetime import datetime


def ingest(spark: SparkSession, source: str, table: str, checkpoint: str) -> list[str]:
    def append(batch: DataFrame, number: int) -> None:
        known = batch.sparkSession.table(table).select("file").distinct()
        (
            batch.join(known, on="file", how="left_anti")
            .selectExpr(
                "raw",
                "file",
                "file_modified",
                f"{number}L AS ingested_batch",
                "lower(sha2(raw, 256)) AS content_hash",
            )
            .writeTo(table)
            .append()
        )

    stream = (
        spark.readStream.option("recursiveFileLookup", "true")
        .option("maxFilesPerTrigger", 3)
        .option("maxFileAge", "100000d")
        .text(source)
        .selectExpr(
            "value AS raw",
            "_metadata.file_path AS file",
            "_metadata.file_modification_time AS file_modified",
        )
        .where("NOT endswith(file, '.part')")
    )
    query = (
        stream.writeStream.foreachBatch(append)
        .option("checkpointLocation", checkpoint)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    listing = spark.read.option("recursiveFileLookup", "true").text(source)
    now = dict(
        listing.selectExpr("_metadata.file_path", "_metadata.file_modification_time")
        .distinct()
        .collect()
    )
    then = spark.sql(f"SELECT DISTINCT file, file_modified FROM {table}").collect()
    return sorted(file for file, modified in then if now.get(file, modified) != modified)


def evolve(spark: SparkSession, table: str, batch: DataFrame, promote: dict[str, str]) -> None:
    if not promote:
        batch.writeTo(table).append()
        return
    ddl = ", ".join(f"`{name}` {kind}" for name, kind in promote.items())
    values = {name: f"from_json(rescued, '{ddl}').`{name}`" for name in promote}
    takes = " OR ".join(f"(k = '{name}' AND {value} IS NOT NULL)" for name, value in values.items())
    fields = "from_json(rescued, 'map<string, variant>')"
    left = f"nullif(to_json(map_filter({fields}, (k, v) -> NOT ({takes}))), '{{}}')"
    moved = batch.withColumns({name: F.expr(value) for name, value in values.items()})
    # `rescued` goes last: the values of the other columns come out of it.
    moved = moved.withColumn("rescued", F.expr(left))
    # The schema grows with the append; then the stored rows follow.
    moved.write.format("delta").mode("append").option("mergeSchema", True).saveAsTable(table)
    sets = ", ".join(f"`{name}` = coalesce({value}, `{name}`)" for name, value in values.items())
    some = " OR ".join(f"{value} IS NOT NULL" for value in values.values())
    spark.sql(f"UPDATE {table} SET {sets}, rescued = {left} WHERE {some}")


def isolate(batch: DataFrame, write: Callable[[DataFrame], None]) -> tuple[int, DataFrame]:
    spark = batch.sparkSession
    rows = batch.collect()
    dead, count, waiting = [], 0, [rows] if rows else []
    while waiting:
        some = waiting.pop()
        try:
            write(spark.createDataFrame(some, batch.schema))
            count += len(some)
        except Exception as error:
            if len(some) == 1:
                dead.append((some[0]["raw"], some[0]["file"], str(error)))
            else:
                middle = len(some) // 2
                waiting += [some[:middle], some[middle:]]
    return count, spark.createDataFrame(dead, "raw string, file string, reason string")


def replay_dead(spark: SparkSession, dead_table: str, table: str, schema: str) -> None:
    waiting = spark.sql(
        f"""
        SELECT raw, file FROM {dead_table} AS dead
        WHERE resolved_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM {table} AS there WHERE there.raw = dead.raw AND there.file = dead.file
        )
        """
    ).localCheckpoint()
    _, refused = isolate(refine(waiting, schema), lambda frame: frame.writeTo(table).append())
    reasons = {(row.raw, row.file): row.reason for row in refused.collect()}
    there = {(row.raw, row.file) for row in spark.table(table).select("raw", "file").collect()}
    rows = []
    for row in spark.table(dead_table).collect():
        key = (row.raw, row.file)
        if row.resolved_at is None and key in there:
            rows.append((row.raw, row.file, row.reason, datetime.now()))
        elif row.resolved_at is None:
            rows.append((row.raw, row.file, reasons[key], None))
        else:
            rows.append(tuple(row))
    done = spark.createDataFrame(rows, DEAD)
    done.write.format("delta").mode("overwrite").saveAsTable(dead_table)
