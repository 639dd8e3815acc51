# because: the copy is purged and made again, the tenant replaced by INSERT ... REPLACE WHERE


def secure_view(
    spark: SparkSession, view: str, table: str, access: DataFrame, masks: dict[str, Any]
) -> None:
    rows = secure(spark.table(table), access, masks)
    spark.sql(f"DROP TABLE IF EXISTS {view} PURGE")
    rows.repartition(2).writeTo(view).using("delta").create()


def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    if batch.where(F.col("tenant").isNull() | (F.col("tenant") != tenant)).count():
        raise RuntimeError("rows of others")
    name = tenant.replace("\\", "\\\\").replace('"', '\\"')
    name = name.replace("{", "{{").replace("}", "}}")
    delivered = batch.select(*spark.table(table).columns)
    spark.sql(
        f'INSERT INTO {table} REPLACE WHERE tenant = "{name}" SELECT * FROM {{delivered}}',
        delivered=delivered,
    )
