# because: a column for each rule; rows wait in the driver, and a MERGE takes the place of the day

from delta.tables import DeltaTable

REPORT_COLUMNS = (
    "rule string, rows long, failed long, share double, verdict string, "
    "sample array<string>"
)


def flag(df: DataFrame, rules: list[dict]) -> DataFrame:
    """The frame with a column `ok_N` for each rule that is true or false."""
    rows = df
    for number, rule in enumerate(rules):
        if rule["kind"] == "row":
            ok = F.coalesce(F.expr(rule["expression"]), F.lit(False))
            rows = rows.withColumn(f"ok_{number}", ok)
    for number, rule in enumerate(rules):
        if rule["kind"] == "unique":
            same = Window.partitionBy(*rule["columns"])
            alone = F.count("*").over(same) == 1
            for name in rule["columns"]:
                alone = alone & F.col(name).isNotNull()
            rows = rows.withColumn(f"ok_{number}", alone)
        if rule["kind"] == "references":
            parents = (
                df.sparkSession.table(rule["to"])
                .groupBy(F.col(rule["key"]).alias(f"parent_{number}"))
                .agg(F.lit(True).alias(f"found_{number}"))
            )
            rows = rows.join(
                parents, F.col(rule["column"]) == F.col(f"parent_{number}"), how="left_outer"
            ).withColumn(f"ok_{number}", F.coalesce(f"found_{number}", F.lit(False)))
    return rows


def evaluate(df: DataFrame, rules: list[dict]) -> DataFrame:
    def counted(some: list[dict]) -> dict:
        measures = [F.count("*").alias("rows")]
        for number in range(len(some)):
            fails = ~F.col(f"ok_{number}")
            measures += [
                F.count(F.when(fails, True)).alias(f"failed_{number}"),
                F.collect_set(F.when(fails, F.col("order_id"))).alias(f"ids_{number}"),
            ]
        return flag(df, some).agg(*measures).collect()[0].asDict()

    fine, counts = [], {}
    for rule in rules:
        try:
            flag(df, [rule]).schema  # noqa: B018
            fine.append(rule)
        except PySparkException:
            continue
    try:
        found = counted(fine)
        for number, rule in enumerate(fine):
            counts[rule["name"]] = (found[f"failed_{number}"], found[f"ids_{number}"])
    except PySparkException:
        found = {"rows": df.count()}
        for rule in fine:
            try:
                alone = counted([rule])
                counts[rule["name"]] = (alone["failed_0"], alone["ids_0"])
            except PySparkException:
                continue
    lines, rows = [], found["rows"]
    for rule in rules:
        if rule["name"] not in counts:
            lines.append((rule["name"], rows, None, None, "error", []))
            continue
        failed, ids = counts[rule["name"]]
        if rows == 0:
            lines.append((rule["name"], 0, 0, None, "empty", []))
            continue
        verdict = "failed" if failed / rows > rule["threshold"] else "passed"
        ids = [str(one) for one in sorted(ids)[:3]]
        lines.append((rule["name"], rows, failed, failed / rows, verdict, ids))
    return df.sparkSession.createDataFrame(lines, REPORT_COLUMNS)


def split(df: DataFrame, rules: list[dict]) -> tuple[DataFrame, DataFrame]:
    flagged = flag(df, rules)
    bad = F.lit(False)
    reasons = F.array().cast("array<string>")
    for number, rule in sorted(enumerate(rules), key=lambda pair: pair[1]["name"]):
        fails = ~F.col(f"ok_{number}")
        none = F.array().cast("array<string>")
        told = F.when(fails, F.array(F.lit(rule["name"]))).otherwise(none)
        reasons = F.concat(reasons, told)
        if rule["action"] != "warn":
            bad = bad | fails
    good = flagged.where(~bad).select(df.columns)
    return good, flagged.where(bad).select(*df.columns, reasons.alias("reasons"))


def publish(
    spark: SparkSession, staged: DataFrame, table: str, reports: str, rules: list[dict], day: date
) -> bool:
    # Rows of one day fit into the driver.
    kept = spark.createDataFrame(staged.toArrow(), staged.schema)
    audit = {row.rule: row for row in evaluate(kept, rules).collect()}
    is_fine = True
    for rule in rules:
        verdict = audit[rule["name"]].verdict
        is_fine &= verdict == "passed" or (verdict == "failed" and rule["action"] != "fail")
    version = None
    if is_fine:
        good = split(kept, rules)[0].withColumn("day", F.lit(day))
        old = DeltaTable.forName(spark, table).alias("old")
        names = spark.table(table).columns
        (
            old.merge(good.alias("new"), "false")
            .whenNotMatchedInsert(values={name: f"new.{name}" for name in names})
            .whenNotMatchedBySourceDelete(f"old.day = DATE'{day}'")
            .execute()
        )
        version = DeltaTable.forName(spark, table).history(1).first().version
    lines = [
        (
            day,
            rule["name"],
            rule["action"],
            audit[rule["name"]].rows,
            audit[rule["name"]].failed,
            audit[rule["name"]].share,
            audit[rule["name"]].verdict,
            version,
        )
        for rule in rules
    ]
    told = spark.createDataFrame(lines, spark.table(reports).schema)
    told.write.format("delta").mode("append").saveAsTable(reports)
    return is_fine


def pipeline(flows: dict[str, list[str]], changed: list[str], blocked: list[str]) -> list[dict]:
    waits = {table: {name for name in inputs if name in flows} for table, inputs in flows.items()}
    done: list[dict] = []
    while waits:
        ready = sorted(table for table, inputs in waits.items() if not inputs)
        if not ready:
            # Whoever nobody in the rest reads is no part of a circle.
            while ends := set(waits).difference(*waits.values()):
                for table in ends:
                    del waits[table]
            walk, at = [], min(waits)
            while at not in walk:
                walk.append(at)
                at = min(waits[at])
            raise ValueError(f"circle of {walk[walk.index(at) :]}")
        for table in ready:
            del waits[table]
            for inputs in waits.values():
                inputs.discard(table)
            states = {one["table"]: one["state"] for one in done}
            inputs = [states.get(name) for name in flows[table]]
            state = "unchanged"
            if "published" in inputs or any(name in changed for name in flows[table]):
                state = "blocked" if table in blocked else "published"
            if "blocked" in inputs or "skipped" in inputs:
                state = "skipped"
            done.append({"table": table, "state": state})
    return done
