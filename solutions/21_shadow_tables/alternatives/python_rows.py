# because: plain Python decides: collected rows in dicts, and a hash of Python's

import hashlib


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

    def total(taxes):
        amounts = [tax for tax in taxes if tax is not None]
        return sum(amounts, start=Decimal(0)) if amounts else None

    def differs(one, other):
        if None in (one, other):
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
        "country string, day date, live_rows long, shadow_rows long, missing long, "
        "extra long, changed long, live_tax decimal(22,2), shadow_tax decimal(22,2), "
        "verdict string"
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


def canary(df: DataFrame, key: str, share: float, salt: str) -> DataFrame:
    @F.udf("string")
    def arm(value):
        if value is None:
            return "old"
        digest = hashlib.md5(f"{salt} {value}".encode()).digest()
        return "new" if int.from_bytes(digest[:6], "big") < share * 2**48 else "old"

    return df.select("*", arm(F.col(f"`{key}`")).alias("arm"))
