# because: OPTIMIZE ... ZORDER BY where the partitions stay, one REPLACE TABLE where they change


def apply_layout(spark: SparkSession, table: str, layout: dict) -> None:
    detail = spark.sql(f"DESCRIBE DETAIL {table}").first()
    told = json.dumps([layout[key] for key in sorted(layout) if key != "reasons"])
    history = DeltaTable.forName(spark, table).history().where("operation = 'SET TBLPROPERTIES'")
    last = history.orderBy(F.desc("version")).first()
    if last and json.loads(last.operationParameters["properties"]).get("layout") == told:
        return
    properties = {
        **detail.properties,
        "delta.dataSkippingStatsColumns": ",".join(layout["stats_columns"]),
    }
    listed = ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())
    if list(detail.partitionColumns) == layout["partition_by"]:
        spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({listed})")
        rewrite_by_z_order(spark, table, layout)
    else:
        replace_table(spark, table, layout, detail.sizeInBytes, listed)
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('layout' = '{told}')")


def rewrite_by_z_order(spark: SparkSession, table: str, layout: dict) -> None:
    name = "spark.databricks.delta.optimize.maxFileSize"
    before = spark.conf.get(name, None)
    spark.conf.set(name, layout["target_file_bytes"])
    try:
        spark.sql(f"OPTIMIZE {table} ZORDER BY ({', '.join(layout['cluster_by'])})")
    finally:
        if before is None:
            spark.conf.unset(name)
        else:
            spark.conf.set(name, before)


def replace_table(spark: SparkSession, table: str, layout: dict, size: int, listed: str) -> None:
    rows = spark.table(table)
    partitions, columns = layout["partition_by"], layout["cluster_by"]
    parts = rows.select(*partitions).distinct().count() if partitions else 1
    tiles = math.ceil(size / layout["target_file_bytes"] / parts)
    side = math.ceil(math.sqrt(tiles)) if len(columns) > 1 else tiles
    second = math.ceil(tiles / side)
    by_second = Window.partitionBy(*partitions, "_first").orderBy(columns[-1])
    (
        rows.withColumn("_first", F.ntile(side).over(Window.orderBy(columns[0])))
        .withColumn("_second", F.ntile(second).over(by_second))
        .withColumn("_tile", F.expr(f"(_first - 1) * {second} + _second - 1"))
        .repartitionById(side * second, F.col("_tile"))
        .drop("_first", "_second", "_tile")
        .createOrReplaceTempView("tiles")
    )
    by = f"PARTITIONED BY ({', '.join(partitions)})" if partitions else ""
    spark.sql(
        f"CREATE OR REPLACE TABLE {table} USING delta {by} TBLPROPERTIES ({listed}) "
        "AS SELECT * FROM tiles"
    )


def files_read(spark: SparkSession, table: str, predicate: str | None) -> int:
    rows = spark.table(table)
    return len(set((rows if predicate is None else rows.where(F.expr(predicate))).inputFiles()))
