# because: everything as SQL text; a staging table, read by its version

from collections import Counter


def text(value: str) -> str:
    """A literal of SQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def judge(df: DataFrame, rules: list[dict]) -> DataFrame:
    """`row` has a row's own columns, `ok` an array of booleans, one for each rule."""
    own = [
        f"coalesce(({rule['expression']}), false) AS ok_{number}"
        for number, rule in enumerate(rules)
        if rule["kind"] == "row"
    ]
    spark = df.sparkSession
    passes, joins = {}, []
    for number, rule in enumerate(rules):
        if rule["kind"] == "row":
            passes[number] = f"ok_{number}"
        elif rule["kind"] == "unique":
            columns = [f"row.`{name}`" for name in rule["columns"]]
            none = " OR ".join(f"{column} IS NULL" for column in columns)
            twin = f"count(*) OVER (PARTITION BY {', '.join(columns)}) > 1"
            passes[number] = f"NOT ({none} OR {twin})"
        else:
            parents = f"SELECT DISTINCT `{rule['key']}` AS value FROM {rule['to']}"
            joins.append(
                f"LEFT JOIN ({parents}) AS p{number} ON p{number}.value = row.`{rule['column']}`"
            )
            passes[number] = f"p{number}.value IS NOT NULL"
    array = ", ".join(f"{passes[number]}" for number in range(len(rules)))
    seen = spark.sql(
        f"SELECT {', '.join(['struct(*) AS row', *own])} FROM {{df}}",
        df=df,
    )
    return spark.sql(
        f"SELECT row, CAST(array({array}) AS array<boolean>) AS ok FROM {{seen}} {' '.join(joins)}",
        seen=seen,
    )


def evaluate(df: DataFrame, rules: list[dict]) -> DataFrame:
    def numbers(some: list[dict]) -> list[tuple]:
        counts = [
            f"count_if(NOT ok[{number}]), "
            f"array_sort(collect_set(CASE WHEN NOT ok[{number}] THEN row.order_id END))"
            for number in range(len(some))
        ]
        query = f"SELECT {', '.join(['count(*)', *counts])} FROM {{judged}}"
        return list(df.sparkSession.sql(query, judged=judge(df, some)).first())

    try:
        rows, *found = numbers(rules)
        results = list(zip(found[::2], found[1::2], strict=True))
    except PySparkException:
        [rows] = numbers([])
        results = []
        for rule in rules:
            try:
                results.append(tuple(numbers([rule])[1:]))
            except PySparkException:
                results.append((None, []))
    report = []
    for rule, (failed, ids) in zip(rules, results, strict=True):
        share = failed / rows if rows and failed is not None else None
        verdict = (
            "error"
            if failed is None
            else "empty"
            if share is None
            else "passed"
            if share <= rule["threshold"]
            else "failed"
        )
        report.append((rule["name"], rows, failed, share, verdict, [str(one) for one in ids[:3]]))
    return df.sparkSession.createDataFrame(
        report,
        "rule string, rows long, failed long, share double, verdict string, sample array<string>",
    )


def split(df: DataFrame, rules: list[dict]) -> tuple[DataFrame, DataFrame]:
    judged = judge(df, rules)
    bad = " OR ".join(
        f"NOT ok[{number}]" for number, rule in enumerate(rules) if rule["action"] != "warn"
    )
    names = ", ".join(
        f"CASE WHEN NOT ok[{number}] THEN {text(rule['name'])} END"
        for number, rule in enumerate(rules)
    )
    reasons = f"array_sort(array_compact(CAST(array({names}) AS array<string>))) AS reasons"
    sql = df.sparkSession.sql
    good = sql(f"SELECT row.* FROM {{judged}} WHERE NOT ({bad or 'false'})", judged=judged)
    apart = sql(
        f"SELECT row.*, {reasons} FROM {{judged}} WHERE {bad or 'false'}",
        judged=judged,
    )
    return good, apart


def drifted(today: DataFrame, history: DataFrame, z: float) -> DataFrame:
    return today.sparkSession.sql(
        f"""
        WITH both AS (
            SELECT NULL AS day, * FROM {{today}}
            UNION ALL SELECT to_date(placed_at), * FROM {{history}}
        ),
        valued AS (
            SELECT day, 'rows' AS metric, CAST(count(*) AS double) AS value FROM both GROUP BY day
            UNION ALL
            SELECT day, 'no_customer', count_if(customer_id IS NULL) / count(*)
            FROM both GROUP BY day
            UNION ALL
            SELECT day, concat('amount.', currency), avg(CAST(amount AS double))
            FROM both WHERE currency IS NOT NULL AND amount IS NOT NULL GROUP BY day, currency
            UNION ALL
            SELECT NULL, 'rows', 0.0D FROM (SELECT count(*) AS n FROM {{today}}) WHERE n = 0
        ),
        middle AS (
            SELECT metric, percentile(value, 0.5) AS expected
            FROM valued WHERE day IS NOT NULL GROUP BY metric
        ),
        wide AS (
            SELECT v.metric, greatest(1.4826 * percentile(abs(value - expected), 0.5),
                0.05 * abs(max(expected)), 0.01D) AS spread
            FROM valued AS v JOIN middle USING (metric) WHERE day IS NOT NULL GROUP BY v.metric
        ),
        now AS (SELECT metric, value FROM valued WHERE day IS NULL)
        SELECT metric, value, expected, abs(value - expected) / spread AS score,
            CASE WHEN value IS NULL THEN 'missing' WHEN expected IS NULL THEN 'new'
                WHEN abs(value - expected) / spread > {float(z)}D THEN 'drifted' ELSE 'ok'
            END AS verdict
        FROM now FULL JOIN (SELECT * FROM middle JOIN wide USING (metric)) USING (metric)
        """,
        today=today,
        history=history,
    )


def publish(
    spark: SparkSession, staged: DataFrame, table: str, reports: str, rules: list[dict], day: date
) -> bool:
    staging = f"{table}_audited"
    spark.sql(f"DROP TABLE IF EXISTS {staging}")
    try:
        staged.write.format("delta").saveAsTable(staging)
        kept = spark.read.option("versionAsOf", 0).table(staging)
        audit = evaluate(kept, rules).collect()
        strict = {rule["name"] for rule in rules if rule["action"] == "fail"}
        counts = Counter(
            "stop"
            if row.verdict in ("error", "empty")
            or (row.verdict == "failed" and row.rule in strict)
            else "go"
            for row in audit
        )
        version = None
        if not counts["stop"]:
            good, _ = split(kept, rules)
            dated = good.select("*", F.lit(day).alias("day"))
            dated.writeTo(table).overwrite(F.col("day") == day)
            mine = spark.conf.get("spark.databricks.delta.lastCommitVersionInSession")
            version = int(mine)
        actions = {rule["name"]: rule["action"] for rule in rules}
        rows = [
            (day, row.rule, actions[row.rule], row.rows, row.failed, row.share, row.verdict, version)
            for row in audit
        ]
        schema = spark.table(reports).schema
        spark.createDataFrame(rows, schema).writeTo(reports).append()
        return version is not None
    finally:
        spark.sql(f"DROP TABLE IF EXISTS {staging}")


def pipeline(flows: dict[str, list[str]], changed: list[str], blocked: list[str]) -> list[dict]:
    events: dict[str, str] = {}

    def visit(table: str, path: tuple[str, ...]) -> None:
        if table in events or table not in flows:
            return
        if table in path:
            raise ValueError(" -> ".join((*path[path.index(table) :], table)))
        for name in flows[table]:
            visit(name, (*path, table))
        inputs = {events.get(name) for name in flows[table]}
        if not inputs.isdisjoint(["blocked", "skipped"]):
            events[table] = "skipped"
        elif "published" in inputs or not set(changed).isdisjoint(flows[table]):
            events[table] = "blocked" if table in blocked else "published"
        else:
            events[table] = "unchanged"

    for table in flows:
        visit(table, ())
    return [dict(zip(("table", "state"), event, strict=True)) for event in events.items()]
