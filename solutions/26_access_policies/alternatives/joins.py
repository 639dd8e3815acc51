# because: a decision for each tenant and region, joined to the claims; a view over a fresh copy


def effective_access(
    grants: DataFrame, groups: DataFrame, principal: str, at: datetime
) -> DataFrame:
    above: dict[str, set[str]] = {}
    for row in groups.collect():
        above.setdefault(row["member"], set()).add(row["group"])
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name not in seen:
            seen.add(name)
            for one in above.get(name, ()):
                visit(one)

    visit(principal)
    names = grants.sparkSession.createDataFrame([(name,) for name in seen], "principal string")
    holds = F.lit(at).between(
        F.col("valid_from"), F.col("valid_to") - F.expr("INTERVAL 0.000001 SECOND")
    )
    return (
        grants.join(names, on="principal", how="left_semi")
        .where(holds | (F.col("valid_to").isNull() & (F.lit(at) >= F.col("valid_from"))))
        .selectExpr("tenant", "region", "columns", "effect", "principal AS reason")
        .dropDuplicates()
    )


def secure(df: DataFrame, access: DataFrame, masks: dict[str, Any]) -> DataFrame:
    allows = access.where("effect = 'allow'")
    tenants = [row.tenant for row in allows.select("tenant").distinct().collect()]
    if "*" not in tenants:
        df = df.where(F.col("tenant").isin(*tenants))
    pairs = df.where("tenant IS NOT NULL AND region IS NOT NULL").select("tenant", "region")
    rules = access.select(
        F.col("tenant").alias("of_tenant"), F.col("region").alias("of_region"), "columns", "effect"
    )
    covers = F.expr("of_tenant IN (tenant, '*') AND of_region IN (region, '*')")
    name = F.explode("columns").alias("name")
    covering = pairs.distinct().join(rules, on=covers, how="inner")
    said = covering.select("tenant", "region", "effect", name)
    decided = said.groupBy("tenant", "region").agg(
        F.collect_set(F.when(F.col("effect") == "allow", F.col("name"))).alias("allowed"),
        F.collect_set(F.when(F.col("effect") == "deny", F.col("name"))).alias("denied"),
    )

    def visible(name: str) -> Column:
        names = F.array(F.lit(name), F.lit("*"))
        return F.arrays_overlap("allowed", names) & ~F.arrays_overlap("denied", names)

    joined = df.join(F.broadcast(decided), on=["tenant", "region"], how="inner")
    return joined.where(reduce(or_, map(visible, df.columns))).select(
        *[
            F.when(visible(field.name), F.col(field.name))
            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
            .alias(field.name)
            for field in df.schema
        ]
    )


def secure_view(
    spark: SparkSession, view: str, table: str, access: DataFrame, masks: dict[str, Any]
) -> None:
    database, name = view.split(".")
    copies = [
        row.tableName
        for row in spark.sql(f"SHOW TABLES IN {database} LIKE '{name}_copy_*'").collect()
    ]
    latest = max([int(one.rpartition("_")[2]) for one in copies], default=0)
    fresh = f"{view}_copy_{latest + 1}"
    secure(spark.table(table), access, masks).write.format("delta").saveAsTable(fresh)
    spark.sql(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {fresh}")
    for one in copies:
        spark.sql(f"DROP TABLE {database}.{one}")


def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    foreign = batch.where(~F.col("tenant").eqNullSafe(tenant))
    if not foreign.isEmpty():
        raise ValueError("the batch has rows of another tenant, or of none")
    if batch.isEmpty():
        name = tenant.replace("\\", "\\\\").replace("'", "\\'")
        spark.sql(f"DELETE FROM {table} WHERE tenant = '{name}'")
        return
    batch.write.format("delta").mode("overwrite").option(
        "partitionOverwriteMode", "dynamic"
    ).saveAsTable(table)


def aggregate(df: DataFrame, access: DataFrame, k: int) -> DataFrame:
    names = F.filter("columns", lambda name: name != "patient_name")
    more = F.concat(names, F.array(F.lit("patient_name")))
    is_allow = F.col("effect") == "allow"
    counted = access.withColumn("columns", F.when(is_allow, more).otherwise(names))
    seen = secure(df, counted, {}).dropna(subset=["tenant", "diagnosis", "amount"])
    groups = seen.groupBy("tenant", "diagnosis").agg(
        F.collect_set("patient_name").alias("names"), F.sum("amount").alias("amount")
    )
    shown = F.when(F.size("names") >= k, F.col("diagnosis")).otherwise("other")
    merged = groups.groupBy("tenant", shown.alias("diagnosis")).agg(
        F.size(F.array_distinct(F.flatten(F.collect_list("names")))).cast("long").alias("patients"),
        F.sum("amount").cast("decimal(20,2)").alias("amount"),
    )
    return merged.where(F.col("patients") >= k)
