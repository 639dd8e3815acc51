"""Hidden checks of lab 12: the same rules on random tables and queries, against plain Python."""

import copy
import random
from datetime import datetime, timedelta
from statistics import median

from checks import COST, GIB, MIB, QUERIES, SALES, SMALL_FILE, laid_out, report_of, sales

from labkit.checks import (
    ColdFile,
    assert_columns,
    assert_rows,
    check,
    collect,
    make_table,
    table_rows,
    write_cold_table,
)

COLUMNS = ["k", "note", "at", "b", "a"]
DDL = "k long, note string, at timestamp, b long, a long"


def random_file(rng: random.Random) -> ColdFile:
    """A file of keys around a random one, with statistics of k and of some other columns."""
    first = rng.randrange(1000)
    day = datetime(2024, 1, 1) + timedelta(days=rng.randrange(300))
    known = {
        "note": ("a", "b"),
        "at": (day, day + timedelta(days=9)),
        "b": (None, None),
        "a": (rng.randrange(5), 9),
    }
    lacking = rng.choice([None, None, None, "note", "a"])
    ranges = {name: ends for name, ends in known.items() if name != lacking}
    size = rng.choice([rng.randrange(1, GIB), SMALL_FILE, rng.randrange(1, 2 * SMALL_FILE)])
    return ColdFile(size, rng.randrange(1, 900), {"k": (first, first + 100), **ranges})


def cold(spark, table: str, rng: random.Random) -> dict[str, ColdFile]:
    """A table of random commits, and its live files by path."""
    live: dict[str, ColdFile] = {}
    commits, gone = [], {}
    for number in range(6):
        commit: dict[str, ColdFile | None] = {
            f"{number}-{n}.parquet": random_file(rng) for n in range(rng.choice([1, 3, 5]))
        }
        if number in (2, 4):
            commit |= dict.fromkeys(rng.sample(sorted(live), 2))
        if number == 3:
            path = rng.choice(sorted(gone))
            commit[path] = gone[path]
        for path, file in commit.items():
            if file is None:
                gone[path] = live.pop(path)
            else:
                live[path] = file
        commits.append(commit)
    write_cold_table(spark, table, DDL, commits)
    return live


@check("layout_report")
def test_random_report(learner, spark, schema, seed):
    """reports a table without partitions after many commits"""
    table = f"{schema}.random_files"
    live = [*cold(spark, table, random.Random(seed)).values()]
    sizes, rows = [file.bytes for file in live], [file.rows for file in live]
    found = report_of(learner, spark, table)
    skew = found.pop("rows_per_file_skew")
    assert found == {
        "partition_columns": "",
        "files": len(live),
        "bytes": sum(sizes),
        "median_bytes": int(median(sizes)),
        "small_files": sum(size < SMALL_FILE for size in sizes),
        "columns_without_stats": [
            name for name in COLUMNS if any(name not in file.ranges for file in live)
        ],
    }, f"the report is {found!r}"
    expected = max(rows) * len(rows) / sum(rows)
    assert abs(skew - expected) < 1e-9 * expected, f"the skew is {skew!r}"


@check("workload_cost")
def test_random_costs(learner, spark, frame, schema, seed):
    """prices queries for ranges of a key"""
    rng = random.Random(seed)
    table = f"{schema}.random_costs"
    live = cold(spark, table, rng).values()
    workload, expected = [], []
    for number in range(6):
        first, runs = rng.randrange(1000), rng.choice([0, 2, 2, 90])
        last = first + rng.choice([0, 200])
        read = [
            file.bytes
            for file in live
            if file.ranges["k"][0] <= last and file.ranges["k"][1] >= first
        ]
        workload.append((number, f"k between {first} and {last}", runs))
        expected.append((number, len(read), sum(read), sum(read) * runs))
    answer = learner.workload_cost(spark, table, frame(QUERIES, workload))
    assert_columns(answer, COST)
    expected.sort(key=lambda row: (-row[3], row[0]))
    assert_rows(collect(answer), expected, key="query_id", columns=COST, ordered=True)


@check("files_read")
def test_random_files(learner, spark, schema, seed):
    """counts the files whose range of a key has room for a row"""
    rng = random.Random(seed + 1)
    table = f"{schema}.random_reads"
    live = cold(spark, table, rng).values()
    for value in (rng.randrange(1000), 5000):
        expected = sum(file.ranges["k"][0] <= value <= file.ranges["k"][1] for file in live)
        found = learner.files_read(spark, table, f"k = {value}")
        assert found == expected, f"k = {value}: {found} files, and Spark opens {expected}"


def random_stats(rng: random.Random) -> tuple[dict, list[dict]]:
    names = rng.sample("abcdefgh", 5)
    queries = {
        number: {
            "bytes": 1000 * MIB,
            "by": {name: rng.randrange(0, 1100, 50) * MIB for name in rng.sample(names, 2)},
        }
        for number in range(8)
    }
    runs = [rng.choice([0, 1, 1, 7]) for _ in range(6)]
    workload = [
        {"query_id": number, "predicate": None, "runs_per_day": count}
        for number, count in enumerate(runs)
    ]
    columns = {name: {"smallest_bytes": rng.choice([1, 128 * MIB, GIB])} for name in names}
    return {
        "bytes": rng.choice([9, 2**41, 2**45]),
        "columns": columns,
        "queries": queries,
    }, workload


def right_layout(stats: dict, workload: list[dict]) -> dict:
    target = max(128 * MIB, min(stats["bytes"] // 8192, GIB))
    chosen: dict[str, int] = {}

    def left(query: dict, columns) -> int:
        by = stats["queries"][query["query_id"]]
        return min([by["bytes"], *(by["by"][name] for name in columns if name in by["by"])])

    def best(names) -> list[str]:
        saved = {
            name: sum(
                query["runs_per_day"] * (left(query, chosen) - left(query, [*chosen, name]))
                for query in workload
            )
            for name in names
            if name not in chosen
        }
        ranked = sorted((-bytes_saved, name) for name, bytes_saved in saved.items() if bytes_saved)
        chosen.update({name: -less for less, name in ranked[:1]})
        return [name for _, name in ranked[:1]]

    columns = stats["columns"]
    partition = best([name for name in columns if columns[name]["smallest_bytes"] >= target])
    cluster = best(columns) + best(columns)
    used = [
        name
        for query in workload
        if query["runs_per_day"]
        for name in stats["queries"][query["query_id"]]["by"]
    ]
    return {
        "partition_by": partition,
        "cluster_by": cluster,
        "stats_columns": [name for name in columns if name in used and name not in partition],
        "target_file_bytes": target,
        "reasons": chosen,
    }


@check("choose_layout")
def test_random_layouts(learner, seed):
    """chooses what a slow model chooses, for many workloads"""
    rng = random.Random(seed)
    for _ in range(60):
        stats, workload = random_stats(rng)
        expected = right_layout(stats, workload)
        found = learner.choose_layout(stats, workload)
        assert found == expected and list(found["reasons"]) == list(expected["reasons"]), (
            f"of {stats!r} and {workload!r} came {found!r}"
        )


@check("apply_layout", points=2)
def test_partitions_go(learner, spark, schema, seed):
    """takes the partitions away, in one rewrite, and lets two columns skip"""
    table = f"{schema}.few_sales"
    rows = sales(random.Random(seed + 1))
    make_table(spark, table, SALES, rows, partition_by="country")
    layout = {
        "partition_by": [],
        "cluster_by": ["price", "sale_id"],
        "stats_columns": ["sale_id", "price"],
        "target_file_bytes": 20_000,
        "reasons": {"price": 2, "sale_id": 1},
    }
    made = laid_out(learner, spark, table, layout)
    assert made.partitions == [], f"partitioned by {made.partitions}"
    for predicate in ("price = 250.0", "sale_id = 1200"):
        files = len(spark.table(table).where(predicate).inputFiles())
        assert 2 * files <= len(made.live), f"{predicate}: {files} of {len(made.live)} files"
    assert max(add["size"] for add in made.live.values()) <= 40_000, "a file is too large"
    assert len(made.live) <= 2 * -(-made.bytes_before // 20_000) + 1, "there are too many files"
    assert set(made.rows_in_versions) == {len(rows)}, "a version has other rows"
    assert_rows(table_rows(spark, table), rows, key="sale_id", columns=SALES)
    again = laid_out(learner, spark, table, layout)
    assert not again.actions("add"), "the same layout again wrote files"


@check("apply_layout")
def test_other_statistics_and_back(learner, spark, schema):
    """applies a layout to a small table, with other statistics, and the first one again"""
    table = f"{schema}.six_rows"
    make_table(spark, table, "a long, b long, c long", [(n, 9 * n, n % 3) for n in range(6)])
    layout = {
        "partition_by": [],
        "cluster_by": ["a", "b"],
        "stats_columns": ["a", "b"],
        "target_file_bytes": 10**6,
        "reasons": {"a": 1},
    }
    learner.apply_layout(spark, table, copy.deepcopy(layout))
    # The last one is the layout that the table had first.
    for columns in (["a", "b", "c"], ["a", "b"]):
        layout["stats_columns"] = columns
        made = laid_out(learner, spark, table, layout)
        adds = made.actions("add")
        assert adds, f"the statistics should be those of {columns}, and no file was written"
        assert not any(add["dataChange"] for add in adds), "a stream gets rows a second time"
        assert len(made.live) <= 3, f"six rows are in {len(made.live)} files"


@check("sargable")
def test_random_predicates(learner, frame, seed):
    """holds for the same rows as the predicate, at both ends of many of them"""
    rng = random.Random(seed)
    predicates, rows = [], [(None, None, None)]
    for _ in range(12):
        year, month = rng.randrange(1999, 2031), rng.randrange(1, 13)
        first = datetime(year, month, 1)
        ends = (first, (first + timedelta(days=31)).replace(day=1), datetime(year + 1, 1, 1))
        for end in ends:
            rows += [(None, end, None), (None, end - timedelta(microseconds=1), None)]
        number, moved = rng.randrange(-500, 500), rng.randrange(300)
        sign, compared = rng.choice("+-"), rng.choice(["=", "<", "<=", ">", ">="])
        near = number - moved if sign == "+" else number + moved
        rows += [(near + step, None, None) for step in (-1, 0, 1)] + [(number, None, None)]
        text = "".join(rng.choices("a%_b", k=3))
        rows += [(None, None, text[:n] + tail) for n in (1, 2, 3) for tail in ("", "a", "zz")]
        predicates += [
            f"year(happened) = {year}",
            f"year(happened) = {year} and month(happened) = {month}",
            f"seen_by {sign} {moved} {compared} {number}",
            f"cast(seen_by as string) = '{number}'",
            f"substr(label, 1, {rng.choice([3, 4])}) = '{text}'",
        ]
    answers = [learner.sargable(predicate) for predicate in predicates]
    ddl = "seen_by long, happened timestamp, label string"
    wrong = [
        f"(coalesce({before}, false) <> coalesce({after}, false)) as c{number}"
        for number, (before, after) in enumerate(zip(predicates, answers, strict=True))
    ]
    for row, told in zip(rows, collect(frame(ddl, rows).selectExpr(*wrong)), strict=True):
        for number, differs in enumerate(told):
            assert not differs, f"{predicates[number]} became {answers[number]}; see {row!r}"
    same = sum(before == after for before, after in zip(predicates, answers, strict=True))
    assert same == 0, f"{same} of {len(predicates)} predicates came back as they were"
