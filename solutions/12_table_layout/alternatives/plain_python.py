# because: the log in plain Python rather than in Spark; ranges of texts and of times built otherwise


def layout_report(spark: SparkSession, table: str) -> DataFrame:
    partitions = spark.sql(f"DESCRIBE DETAIL {table}").first().partitionColumns
    live = {}
    actions = log_actions(spark, table).collect()
    for action in sorted(actions, key=lambda row: (row.version, row.add is not None)):
        if action.remove:
            live.pop(action.remove.path, None)
        else:
            live[action.add.path] = action.add
    sizes = sorted(file.size for file in live.values())
    stats = [json.loads(file.stats) for file in live.values()]
    rows = [one["numRecords"] for one in stats]
    middle = len(sizes) // 2
    median = (sizes[(len(sizes) - 1) // 2] + sizes[middle]) // 2 if sizes else None
    lacking = [
        name
        for name in spark.table(table).columns
        if name not in partitions and any(name not in one["nullCount"] for one in stats)
    ]
    row = (
        ",".join(partitions),
        len(live),
        sum(sizes),
        median,
        sum(size < SMALL_FILE for size in sizes),
        max(rows) / (sum(rows) / len(rows)) if rows else None,
        lacking,
    )
    return spark.createDataFrame([row], REPORT)


def choose_layout(stats: dict, workload: list[dict]) -> dict:
    queries = [(stats["queries"][q["query_id"]], q["runs_per_day"]) for q in workload]
    target = sorted([128 * MIB, stats["bytes"] // 8192, GIB])[1]
    order = list(stats["columns"])
    chosen = []

    def reads(query, columns):
        return min(
            [query["bytes"]] + [query["by"][name] for name in columns if name in query["by"]]
        )

    def total(columns):
        return sum(runs * reads(query, columns) for query, runs in queries)

    reasons = {}

    def pick(candidates):
        best, most = None, 0
        for name in sorted(set(candidates) - set(chosen)):
            saved = total(chosen) - total([*chosen, name])
            if saved > most:
                best, most = name, saved
        if best:
            chosen.append(best)
            reasons[best] = most
        return [best] if best else []

    partition = pick(n for n in order if stats["columns"][n]["smallest_bytes"] >= target)
    cluster = [*pick(order), *pick(order)]
    used = set().union(*[query["by"] for query, runs in queries if runs > 0])
    return {
        "partition_by": partition,
        "cluster_by": cluster,
        "stats_columns": [name for name in order if name in used and name not in partition],
        "target_file_bytes": target,
        "reasons": reasons,
    }


def sargable(predicate: str) -> str:
    from datetime import date, timedelta

    if found := re.fullmatch(r"cast\((\w+) as string\) = '(.*)'", predicate):
        column, text = found.groups()
        try:
            same = str(int(text)) == text
        except ValueError:
            same = False
        return f"{column} = {text}" if same else "1 = 0"
    if found := re.fullmatch(r"(\w+) (\+|-) (\d+) (=|<=|<|>=|>) (-?\d+)", predicate):
        turned = "-" if found[2] == "+" else "+"
        return f"{found[1]} {found[4]} {found[5]} {turned} {found[3]}"
    if found := re.fullmatch(r"year\((\w+)\) = (\d{4})", predicate):
        year = int(found[2])
        return f"{found[1]} >= timestamp'{year}-01-01' and timestamp'{year + 1}-01-01' > {found[1]}"
    if found := re.fullmatch(r"year\((\w+)\) = (\d{4}) and month\(\1\) = (\d+)", predicate):
        first = date(int(found[2]), int(found[3]), 1)
        after = (first + timedelta(days=31)).replace(day=1)
        return f"{found[1]} >= '{first}' and {found[1]} < '{after}'"
    if found := re.fullmatch(r"substr\((\w+), 1, (\d+)\) = '(.*)'", predicate):
        column, length, text = found[1], int(found[2]), found[3]
        if len(text) > length:
            return "false"
        if len(text) < length:
            return f"{column} = '{text}'"
        if not text:
            return f"{column} is not null"
        after = text[:-1] + chr(ord(text[-1]) + 1)
        return f"{column} >= '{text}' and {column} < '{after}'"
    return predicate
