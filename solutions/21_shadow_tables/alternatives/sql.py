# because: SQL throughout: CREATE TABLE LIKE, a full outer join by null-safe keys, text of views


def build_shadow(
    spark: SparkSession,
    source: str,
    live: str,
    shadow: str,
    rule: Callable[[DataFrame], DataFrame],
    checkpoint: str,
) -> None:
    if not Path(checkpoint).is_dir():
        spark.sql(f"DROP TABLE IF EXISTS {shadow}")
        spark.sql(f"CREATE TABLE {shadow} LIKE {live}")

    def append(batch: DataFrame, number: int) -> None:
        query = batch.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId")
        writer = rule(batch).write.format("delta").mode("append").option("mergeSchema", True)
        writer.options(txnAppId=query, txnVersion=number).saveAsTable(shadow)

    reader = spark.readStream.schema(EVENTS).format("json").option("maxFilesPerTrigger", 10)
    stream = reader.load(source).writeStream.foreachBatch(append).trigger(availableNow=True)
    stream.option("checkpointLocation", checkpoint).start().awaitTermination()


def compare(
    live: DataFrame, shadow: DataFrame, tolerance: Decimal, expected: dict[str, date]
) -> DataFrame:
    texts = {one: one.replace("\\", "\\\\").replace("'", "\\'") for one in expected}
    days = " ".join(
        f"WHEN country = '{texts[one]}' THEN DATE'{day}'" for one, day in expected.items()
    )
    first_day = f"CASE {days} END" if days else "CAST(NULL AS DATE)"
    return live.sparkSession.sql(
        f"""WITH old AS (
            SELECT country, to_date(at) AS day, event_id, count(*) AS n, sum(tax) AS tax
            FROM {{live}} GROUP BY ALL
        ), new AS (
            SELECT country, to_date(at) AS day, event_id, count(*) AS n, sum(tax) AS tax
            FROM {{shadow}} GROUP BY ALL
        ), both AS (
            SELECT ifnull(old.country, new.country) AS country, ifnull(old.day, new.day) AS day,
                old.n AS old_n, new.n AS new_n, old.tax AS old_tax, new.tax AS new_tax,
                old.n IS NOT NULL AND new.n IS NOT NULL AND NOT old.tax <=> new.tax
                    AND ifnull(abs(old.tax - new.tax) > {tolerance}, true) AS is_changed
            FROM old FULL OUTER JOIN new ON old.country <=> new.country
                AND old.day = new.day AND old.event_id = new.event_id
        ), told AS (
            SELECT country, day,
                ifnull(sum(old_n), 0L) AS live_rows, ifnull(sum(new_n), 0L) AS shadow_rows,
                count(*) FILTER (WHERE new_n IS NULL) AS missing,
                count(*) FILTER (WHERE old_n IS NULL) AS extra,
                count(*) FILTER (WHERE is_changed) AS changed,
                CAST(ifnull(sum(old_tax), 0) AS DECIMAL(22,2)) AS live_tax,
                CAST(ifnull(sum(new_tax), 0) AS DECIMAL(22,2)) AS shadow_tax
            FROM both GROUP BY country, day
        )
        SELECT *, CASE
            WHEN missing > 0 OR extra > 0 OR live_rows <> shadow_rows THEN 'broken'
            WHEN changed = 0 THEN 'equal'
            WHEN day >= {first_day} THEN 'expected'
            ELSE 'broken' END AS verdict
        FROM told""",
        live=live,
        shadow=shadow,
    )


def columns_for(spark: SparkSession, view: str, to: str) -> str:
    """The columns of the view for a query on the table; ValueError if it lacks one."""
    try:
        found = {row.col_name: row.data_type for row in spark.sql(f"DESCRIBE {to}").collect()}
    except Exception as error:
        raise ValueError(f"{to} can't be read") from error
    wanted = spark.sql(f"DESCRIBE {view}").collect()
    for row in wanted:
        if found.get(row.col_name) != row.data_type:
            raise ValueError(f"{to} has no {row.col_name} of type {row.data_type}")
    return ", ".join(f"`{row.col_name}`" for row in wanted)


def change(
    spark: SparkSession, view: str, to: str, deployments: str, step: int, action: str, now: str
) -> None:
    """Points the view to a table, and writes the step that follows `step`."""
    names = columns_for(spark, view, to)
    spark.sql(f"ALTER VIEW {view} AS SELECT {names} FROM {to}")
    came = f"'{now}'" if now else "NULL"
    spark.sql(
        f"INSERT INTO {deployments} (view, step, action, from_table, to_table, at) VALUES "
        f"('{view}', {step + 1}, '{action}', {came}, '{to}', now())"
    )


def switch(
    spark: SparkSession, view: str, to: str, verdicts: DataFrame, deployments: str
) -> None:
    counts = verdicts.selectExpr("count(*) AS n", "count_if(verdict = 'broken') AS bad").first()
    if counts.n == 0 or counts.bad > 0:
        raise ValueError("not ready")
    columns_for(spark, view, to)
    last = spark.sql(
        f"SELECT max(step) AS step, max_by(to_table, step) AS now FROM {deployments} "
        f"WHERE view = '{view}'"
    ).first()
    if last.now == to:
        return
    change(spark, view, to, deployments, last.step or 0, "switch", last.now)


def roll_back(spark: SparkSession, view: str, deployments: str) -> None:
    steps = spark.sql(f"SELECT * FROM {deployments} WHERE view = '{view}' ORDER BY step DESC")
    steps = steps.collect()
    undone = 0
    for step in steps:
        if step.action == "roll_back":
            undone += 1
        elif undone:
            undone -= 1
        elif step.from_table is None:
            break
        else:
            last = steps[0]
            change(
                spark, view, step.from_table, deployments, last.step, "roll_back", last.to_table
            )
            return
    raise ValueError("nowhere to go back to")
