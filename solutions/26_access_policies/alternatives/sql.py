# because: rules by a recursive query, claims by one condition as text, tenants by writeTo


def effective_access(
    grants: DataFrame, groups: DataFrame, principal: str, at: datetime
) -> DataFrame:
    spark = grants.sparkSession
    asked = spark.range(1).select(F.lit(principal).alias("name"), F.lit(at).alias("instant"))
    return spark.sql(
        """
        WITH RECURSIVE names AS (
          SELECT name, array(name) AS way FROM {asked}
          UNION ALL
          SELECT g.`group`, array_append(way, g.`group`)
          FROM {groups} AS g JOIN names ON g.member = name
          WHERE NOT array_contains(way, g.`group`)
        )
        SELECT DISTINCT tenant, region, columns, effect, principal AS reason
        FROM {grants} JOIN {asked} AS a ON a.instant >= valid_from
        WHERE principal IN (SELECT name FROM names) AND (valid_to > a.instant OR valid_to IS NULL)
        """,
        asked=asked,
        grants=grants,
        groups=groups.distinct(),
    )


def secure(df: DataFrame, access: DataFrame, masks: dict[str, Any]) -> DataFrame:
    rules = access.collect()

    def quoted(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def covers(rule: Row) -> str:
        stars = [f"{part} IS NOT NULL" for part in ("tenant", "region")]
        exact = [
            f"{part} = {quoted(rule[part])}" for part in ("tenant", "region") if rule[part] != "*"
        ]
        return "(" + " AND ".join(stars + exact) + ")"

    def any_of(name: str, effect: str) -> str:
        parts = [
            covers(rule)
            for rule in rules
            if rule.effect == effect and (name in rule.columns or "*" in rule.columns)
        ]
        return "(" + " OR ".join(["false", *parts]) + ")"

    shown = {n: f"({any_of(n, 'allow')} AND NOT {any_of(n, 'deny')})" for n in df.columns}
    tenants = sorted({rule.tenant for rule in rules if rule.effect == "allow"})
    if "*" not in tenants:
        df = df.where(f"tenant IN ({', '.join(map(quoted, tenants)) or 'NULL'})")
    columns = [
        F.expr(f"if({shown[name]}, `{name}`, NULL)").alias(name)
        if name not in masks
        else F.when(~F.expr(shown[name]), F.lit(masks[name]).cast(kind))
        .otherwise(F.col(name))
        .alias(name)
        for name, kind in df.dtypes
    ]
    return df.where(" OR ".join(shown.values())).select(*columns)


def secure_view(
    spark: SparkSession, view: str, table: str, access: DataFrame, masks: dict[str, Any]
) -> None:
    if spark.catalog.tableExists(view):
        spark.sql(f"DROP TABLE {view}")
    spark.sql(
        f"CREATE TABLE {view} USING delta AS SELECT * FROM {{seen}}",
        seen=secure(spark.table(table), access, masks),
    )


def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    batch.writeTo(table).overwrite(F.col("tenant") == tenant)


def aggregate(df: DataFrame, access: DataFrame, k: int) -> DataFrame:
    counted = access.selectExpr(
        "tenant",
        "region",
        "CASE effect WHEN 'allow' THEN array_union(columns, array('patient_name')) "
        "ELSE array_except(columns, array('patient_name')) END AS columns",
        "effect",
        "reason",
    )
    return df.sparkSession.sql(
        """
        WITH seen AS (
          SELECT * FROM {seen}
          WHERE tenant IS NOT NULL AND diagnosis IS NOT NULL AND amount IS NOT NULL
        ), sized AS (
          SELECT *, size(collect_set(patient_name) OVER of_diagnosis) AS patients
          FROM seen WINDOW of_diagnosis AS (PARTITION BY tenant, diagnosis)
        )
        SELECT tenant, if(patients >= {k}, diagnosis, 'other') AS diagnosis,
          count(DISTINCT patient_name) AS patients, cast(sum(amount) AS decimal(20,2)) AS amount
        FROM sized GROUP BY 1, 2 HAVING count(DISTINCT patient_name) >= {k}
        """,
        k=k,
        seen=secure(df, counted, {}),
    )
