# because: plain Python decides: collected rows, a stack of rows, and a hash of Python's

import hashlib


def build_shadow(
    spark: SparkSession,
    source: str,
    live: str,
    shadow: str,
    rule: Callable[[DataFrame], DataFrame],
    checkpoint: str,
) -> None:
    begins = not Path(checkpoint).exists()
    events = spark.readStream.format("json").schema(EVENTS).load(source)
    made = rule(events)
    if begins:
        detail = DeltaTable.forName(spark, live).detail().first()
        writer = spark.createDataFrame([], made.schema).writeTo(shadow).using("delta")
        for name, value in detail.properties.items():
            writer = writer.tableProperty(name, value)
        if detail.partitionColumns:
            writer = writer.partitionedBy(*[F.col(name) for name in detail.partitionColumns])
        writer.createOrReplace()
    query = made.writeStream.outputMode("append").trigger(availableNow=True)
    query = query.option("checkpointLocation", checkpoint).format("delta").toTable(shadow)
    query.awaitTermination()


def compare(
    live: DataFrame, shadow: DataFrame, tolerance: Decimal, expected: dict[str, date]
) -> DataFrame:
    sides = []
    for frame in (live, shadow):
        taxes = {}
        for row in frame.select("country", "at", "event_id", "tax").collect():
            events = taxes.setdefault((row.country, row["at"].date()), {})
            events.setdefault(row.event_id, []).append(row.tax)
        sides.append(taxes)

    def total(values):
        known = [value for value in values if value is not None]
        return sum(known, Decimal(0)) if known else None

    def differs(one, other):
        if one is None or other is None:
            return one is not other
        return abs(one - other) > tolerance

    rows = []
    for segment in sides[0].keys() | sides[1].keys():
        country, day = segment
        old, new = (side.get(segment, {}) for side in sides)
        counts = [sum(len(taxes) for taxes in side.values()) for side in (old, new)]
        sums = [total([tax for taxes in side.values() for tax in taxes]) for side in (old, new)]
        missing, extra = len(set(old) - set(new)), len(set(new) - set(old))
        changed = sum(differs(total(old[one]), total(new[one])) for one in set(old) & set(new))
        if missing or extra or counts[0] != counts[1]:
            verdict = "broken"
        elif not changed:
            verdict = "equal"
        else:
            allowed = country in expected and expected[country] <= day
            verdict = "expected" if allowed else "broken"
        zero = Decimal(0)
        cells = [*counts, missing, extra, changed, sums[0] or zero, sums[1] or zero]
        rows.append((country, day, *cells, verdict))
    ddl = (
        "country string, day date, live_rows long, shadow_rows long, missing long, extra long, "
        "changed long, live_tax decimal(22,2), shadow_tax decimal(22,2), verdict string"
    )
    return live.sparkSession.createDataFrame(rows, ddl)


def catch_up(
    spark: SparkSession,
    live: str,
    shadow: str,
    rule: Callable[[DataFrame], DataFrame],
    since: int,
) -> int:
    newest = max(row.version for row in DeltaTable.forName(spark, live).history().collect())
    old = spark.read.option("versionAsOf", since).table(live).select("event_id").collect()
    known = {row.event_id for row in old}
    known |= {row.event_id for row in spark.table(shadow).select("event_id").collect()}
    now = spark.read.option("versionAsOf", newest).table(live)
    rows = [row for row in now.collect() if row.event_id not in known]
    if rows:
        names = ["event_id", "order_id", "country", "net", "at"]
        events = spark.createDataFrame([tuple(row[name] for name in names) for row in rows], EVENTS)
        rule(events).writeTo(shadow).append()
    return newest


def switch(
    spark: SparkSession, view: str, to: str, verdicts: DataFrame, deployments: str
) -> None:
    rows = verdicts.collect()
    if not rows or any(row.verdict == "broken" for row in rows):
        raise ValueError("the comparison does not allow it")
    mine = [row for row in spark.table(deployments).collect() if row.view == view]
    last = max(mine, key=lambda row: row.step, default=None)
    if last is None or last.to_table != to:
        move(spark, view, to, deployments, last, "switch")


def move(
    spark: SparkSession, view: str, to: str, deployments: str, last: object, action: str
) -> None:
    """Gives the view another text if the table fits, then adds a step by MERGE."""
    fields = spark.table(view).schema.fields
    try:
        others = spark.table(to).schema
    except Exception as error:
        raise ValueError(f"no table {to}") from error
    for field in fields:
        if field.name not in others.names or others[field.name].dataType != field.dataType:
            raise ValueError(f"{field.name} is not in {to} as it has to be")
    names = ", ".join(field.name for field in fields)
    spark.sql(f"ALTER VIEW {view} AS (SELECT {names} FROM {to})")
    step = (view, 1 if last is None else last.step + 1, action, last and last.to_table, to)
    row = spark.createDataFrame([step], DEPLOYMENTS.rpartition(",")[0])
    (
        DeltaTable.forName(spark, deployments)
        .alias("old")
        .merge(
            row.withColumn("at", F.now()).alias("new"),
            "old.view = new.view AND old.step = new.step",
        )
        .whenNotMatchedInsertAll()
        .execute()
    )


def roll_back(spark: SparkSession, view: str, deployments: str) -> None:
    mine = [row for row in spark.table(deployments).collect() if row.view == view]
    mine.sort(key=lambda row: row.step)
    open_switches = []
    for row in mine:
        if row.action == "switch":
            open_switches.append(row)
        else:
            open_switches.pop()
    if not open_switches or not open_switches[-1].from_table:
        raise ValueError("no way back")
    move(spark, view, open_switches[-1].from_table, deployments, mine[-1], "roll_back")


def canary(df: DataFrame, key: str, share: float, salt: str) -> DataFrame:
    @F.udf("string")
    def arm(value):
        if value is None:
            return "old"
        digest = hashlib.md5(f"{salt} {value}".encode()).digest()
        return "new" if int.from_bytes(digest[:6], "big") < share * 2**48 else "old"

    return df.select("*", arm(F.col(key)).alias("arm"))
