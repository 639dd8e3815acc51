# because: each kind of event by itself, an image found in a map, ALTER TABLE before a SQL MERGE


def flatten(envelopes: DataFrame) -> DataFrame:
    writes = envelopes.where(F.col("op").isin("c", "u", "r")).select("after.*", "op", "source.lsn")
    deletes = envelopes.where(F.col("op") == "d").select("before.*", "op", "source.lsn")
    return writes.unionAll(deletes).where("customer_id is not null")


def quarantine(envelopes: DataFrame) -> DataFrame:
    sides = {"c": "after", "u": "after", "r": "after", "d": "before"}
    pairs = [(F.lit(op), F.col(side)) for op, side in sides.items()]
    image = F.try_element_at(F.create_map(*sum(pairs, ())), F.col("op"))
    reason = F.when(image.isNull(), "no row image").otherwise("a row image without customer_id")
    faulty = F.col("op").isNotNull() & image["customer_id"].isNull()
    return envelopes.where(faulty).select("*", reason.alias("reason"))


def latest_changes(changes: DataFrame) -> DataFrame:
    row = F.struct(*changes.columns).alias("row")
    greatest = F.max(F.struct("lsn", row)).alias("greatest")
    return changes.groupBy("customer_id").agg(greatest).select("greatest.row.*")


def merge_evolving(spark: SparkSession, table: str, changes: DataFrame) -> None:
    newest = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    known = spark.table(table).columns
    added = [field for field in newest.schema if field.name not in known]
    for field in added:
        kind = field.dataType.simpleString()
        spark.sql(f"ALTER TABLE {table} ADD COLUMNS (`{field.name}` {kind})")
    names = ", ".join(newest.columns)
    values = ", ".join(f"s.{name}" for name in newest.columns)
    assignments = ", ".join(f"t.{name} = s.{name}" for name in newest.columns)
    spark.sql(
        f"MERGE INTO {table} t USING {{newest}} s ON t.customer_id = s.customer_id "
        f"WHEN MATCHED AND s.lsn > t.lsn THEN UPDATE SET {assignments} "
        f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})",
        newest=newest,
    )


def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    columns = ["customer_id", "op", "lsn"]
    oldest, newest, late = (1, "c", 4), (1, "d", 1000), (1, "u", 99)
    for rows in ([oldest, newest, newest, late], [late, newest, oldest, newest, late]):
        kept = candidate(spark.createDataFrame(rows, columns)).select(columns).collect()
        if [tuple(row) for row in kept] != [newest]:
            raise AssertionError(f"of {rows} it keeps {kept}")
