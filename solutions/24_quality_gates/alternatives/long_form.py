# because: a row for each order and rule, grouped by rule; medians and order by the standard library

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from statistics import fmean, median


def failure(df: DataFrame, rule: dict) -> F.Column:
    """True where a row fails; windows and sets only, so no row is joined."""
    if rule["kind"] == "row":
        return ~F.expr(rule["expression"]).eqNullSafe(True)
    if rule["kind"] == "references":
        parents = df.sparkSession.table(rule["to"]).select(rule["key"]).distinct().collect()
        known = [row[0] for row in parents if row[0] is not None]
        return ~F.coalesce(F.col(rule["column"]).isin(known), F.lit(False))
    nulls = [F.col(name).isNull() for name in rule["columns"]]
    any_null = F.array_contains(F.array(*nulls), True)
    return any_null | (F.count("*").over(Window.partitionBy(*rule["columns"])) > 1)


def evaluate(df: DataFrame, rules: list[dict]) -> DataFrame:
    spark = df.sparkSession
    schema = (
        "rule string, rows long, failed long, share double, verdict string, sample array<string>"
    )

    def report(some: list[dict]) -> list[tuple]:
        flags = F.array(
            *[
                F.struct(
                    F.lit(rule["name"]).alias("rule"),
                    failure(df, rule).alias("fails"),
                )
                for rule in some
            ]
        )
        flagged = df.select("order_id", flags.alias("flags"))
        each = flagged.select("order_id", F.explode("flags").alias("flag"))
        each = each.select("order_id", "flag.*")
        fails = F.col("fails")
        found = each.groupBy("rule").agg(
            F.count("*").alias("rows"),
            F.sum(fails.cast("long")).alias("failed"),
            F.array_sort(F.collect_set(F.when(fails, F.col("order_id")))).alias("ids"),
        )
        by_name = {row.rule: row for row in found.collect()}
        lines = []
        for rule in some:
            if row := by_name.get(rule["name"]):
                share = row.failed / row.rows
                verdict = "passed" if share <= rule["threshold"] else "failed"
                ids = [str(one) for one in row.ids[:3]]
                lines.append((rule["name"], row.rows, row.failed, share, verdict, ids))
            else:
                lines.append((rule["name"], 0, 0, None, "empty", []))
        return lines

    try:
        return spark.createDataFrame(report(rules), schema)
    except Exception:
        rows, lines = df.count(), []
    for rule in rules:
        try:
            lines += report([rule])
        except Exception:
            lines.append((rule["name"], rows, None, None, "error", []))
    return spark.createDataFrame(lines, schema)


def split(df: DataFrame, rules: list[dict]) -> tuple[DataFrame, DataFrame]:
    def named(some: list[dict]) -> F.Column:
        names = [F.when(failure(df, rule), F.lit(rule["name"])) for rule in some]
        return F.array_sort(F.array_compact(F.array(*names).cast("array<string>")))

    strict = [rule for rule in rules if rule["action"] in ("quarantine", "fail")]
    judged = df.select("*", named(rules).alias("reasons"), F.size(named(strict)).alias("__n"))
    good = judged.filter("__n = 0").drop("reasons", "__n")
    return good, judged.filter("__n > 0").drop("__n")


def drifted(today: DataFrame, history: DataFrame, z: float) -> DataFrame:
    def values(rows: list) -> dict[str, float]:
        told = {"rows": float(len(rows))}
        if rows:
            told["no_customer"] = fmean(row.customer_id is None for row in rows)
        amounts = defaultdict(list)
        for row in rows:
            if row.currency is not None and row.amount is not None:
                amounts[f"amount.{row.currency}"].append(float(row.amount))
        return told | {name: fmean(some) for name, some in amounts.items()}

    days = defaultdict(list)
    day = F.to_date("placed_at").alias("day")
    for row in history.select(day, "customer_id", "currency", "amount").collect():
        days[row.day].append(row)
    past, now = [values(rows) for rows in days.values()], values(today.collect())
    result = []
    for metric in {"rows", "no_customer"}.union(now, *past):
        before = [one[metric] for one in past if metric in one]
        value, expected, score = now.get(metric), None, None
        if before:
            expected = median(before)
            distance = median(abs(one - expected) for one in before)
            if value is not None:
                spread = max(1.4826 * distance, 0.05 * abs(expected), 0.01)
                score = abs(value - expected) / spread
        if value is None:
            verdict = "missing"
        elif expected is None:
            verdict = "new"
        else:
            verdict = "drifted" if score > z else "ok"
        result.append((metric, value, expected, score, verdict))
    return today.sparkSession.createDataFrame(
        result, "metric string, value double, expected double, score double, verdict string"
    )


def publish(
    spark: SparkSession, staged: DataFrame, table: str, reports: str, rules: list[dict], day: date
) -> bool:
    kept = staged.persist()
    try:
        audit = evaluate(kept, rules).collect()
        action = {rule["name"]: rule["action"] for rule in rules}
        stops = {"error", "empty"}
        blocked = [
            row
            for row in audit
            if row.verdict in stops or (action[row.rule], row.verdict) == ("fail", "failed")
        ]
        version = None
        if not blocked:
            good, _ = split(kept, rules)
            new = good.withColumn("day", F.lit(day)).select(*spark.table(table).columns)
            rest = spark.table(table).where(F.col("day") != F.lit(day))
            rest.unionAll(new).write.format("delta").mode("overwrite").saveAsTable(table)
            version = spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").first()["version"]
    finally:
        kept.unpersist()
    lines = [
        (day, row.rule, action[row.rule], row.rows, row.failed, row.share, row.verdict, version)
        for row in audit
    ]
    spark.createDataFrame(lines, spark.table(reports).schema).write.insertInto(reports)
    return not blocked


def pipeline(flows: dict[str, list[str]], changed: list[str], blocked: list[str]) -> list[dict]:
    try:
        order = list(TopologicalSorter(flows).static_order())
    except CycleError as error:
        raise ValueError(f"tables read each other: {', '.join(error.args[1])}") from None
    state: dict[str, str] = {}
    for table in order:
        if table not in flows:
            continue
        told = [state.get(name, "new" if name in changed else "") for name in flows[table]]
        if any(one in ("blocked", "skipped") for one in told):
            state[table] = "skipped"
        elif not any(one in ("published", "new") for one in told):
            state[table] = "unchanged"
        else:
            state[table] = ["published", "blocked"][table in blocked]
    return [{"table": table, "state": one} for table, one in state.items()]
