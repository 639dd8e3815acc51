"""Hidden checks of lab 17: random tickets against the old functions, other branches and tables."""

import math
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from checks import (
    BERLIN,
    BLANKS,
    SIZED,
    assert_files,
    days_open,
    in_tasks,
    normal_subject,
    outputs_of,
    tag_score,
    unlike_others,
    vendor_checksum,
    written,
)

from labkit.checks import assert_columns, assert_frame, check

PIECES = ["re:", "Re: ", "FWD:", "fw: ", "report", "ß", "ẞ", "Ä", "é", "e\u0301", "😀", "x" * 15]


@check("normalise_subject")
def test_random_subjects(learner, frame, seed):
    """makes of random subjects what the old function does"""
    rng = random.Random(seed)
    pieces = [*PIECES, *BLANKS, "  "]
    texts = ["".join(rng.choices(pieces, k=rng.randrange(14))) for _ in range(150)]
    rows = [*enumerate(texts), (900, None)]
    assert_frame(
        learner.normalise_subject(frame("number long, subject string", rows)),
        [(number, text, normal_subject(text)) for number, text in rows],
        key=["number", "subject"],
        schema="number long, subject string, subject_norm string",
    )


@check("score_tags")
def test_random_tags(learner, frame, seed):
    """makes of random tags and weights what the old function does"""
    rng = random.Random(seed)
    names = [f"t{number}" for number in range(9)]
    weights = {name: rng.randrange(-4000, 4000) / 4 for name in names[:7]} | {"T1": math.nan}
    tags = [rng.choices([*names, None], k=rng.randrange(6)) for _ in range(120)]
    rows = list(enumerate([*tags, None, ["T1", "t2"]]))
    assert_frame(
        learner.score_tags(frame("number long, tags array<string>", rows), weights),
        [(number, some, tag_score(some, weights)) for number, some in rows],
        key="number",
        schema="number long, tags array<string>, score double",
    )


@check("business_days")
def test_random_days(learner, frame, seed):
    """counts of random times what the old function does, also around changes of the clock"""
    rng = random.Random(seed)
    starts = [datetime(year, 1, 1) for year in (1895, 1916, 1969, 1980, 2026)]
    times = [
        start + timedelta(days=rng.randrange(400), minutes=rng.randrange(1440))
        for start in starts
        for _ in range(20)
    ]
    changes = [datetime(2026, 3, 29), datetime(2026, 10, 25)]
    times += [day + timedelta(minutes=30 * half) for day in changes for half in range(-8, 56, 6)]
    pairs = [(time, time + timedelta(hours=rng.randrange(-60, 500))) for time in times]
    holidays = [
        date.fromordinal(time.replace(tzinfo=UTC).astimezone(BERLIN).toordinal() + 2)
        for time in times[::4]
    ]
    rows = [(number, *pair) for number, pair in enumerate(pairs)]
    assert_frame(
        learner.business_days(
            frame("number long, created_at timestamp, solved_at timestamp", rows), holidays
        ),
        [(*row, days_open(*row[1:], holidays)) for row in rows],
        key=["number", "created_at", "solved_at"],
        schema="number long, created_at timestamp, solved_at timestamp, business_days int",
    )


@check("checksum")
def test_other_checksums(learner, frame, seed):
    """is exact for other texts, with nulls between them"""
    rng = random.Random(seed)
    texts = ["".join(rng.choices("ab ß😀", k=rng.randrange(30))) for _ in range(40)]
    rows = [(text if rng.random() < 0.8 else None, number) for number, text in enumerate(texts)]
    assert_frame(
        learner.checksum(frame("subject string, number long", rows)),
        [(*row, None if row[0] is None else vendor_checksum(row[0])) for row in rows],
        key="number",
        schema="subject string, number long, checksum long",
    )


@check("features")
def test_outputs_of_other_tickets(learner, frame, seed):
    """makes the same outputs of other tickets"""
    rng = random.Random(seed)
    rows = [
        (
            number,
            rng.choice(["x", "y", None]),
            rng.choice([Decimal(-5), Decimal(0), Decimal("0.01"), Decimal(4), Decimal(9), None]),
            datetime(2026, 5, 1) + timedelta(hours=rng.randrange(100)),
        )
        for number in range(60)
    ]
    ddl = "ticket_id long, lang string, amount decimal(12,2), created_at timestamp"
    found = outputs_of(learner.features(unlike_others(frame(ddl, rows))))
    counted = [row for row in rows if row[2] is not None and row[2] > 0]
    total = (len(counted), sum(row[2] for row in counted))
    assert [tuple(row) for row in found["total"]] == [total], "total has another row than expected"
    for name, place in {"by_lang": 1, "by_day": 3}.items():
        values = [row[place].date() if name == "by_day" else row[place] for row in counted]
        wanted = {
            value: (
                values.count(value),
                sum(row[2] for row, one in zip(counted, values, strict=True) if one == value),
            )
            for value in values
        }
        assert {row[0]: tuple(row[1:]) for row in found[name]} == wanted, (
            f"{name} has other rows than expected"
        )
    best = sorted(counted, key=lambda row: (-row[2], row[0]))[:3]
    assert sorted(map(tuple, found["largest"])) == sorted((row[0], row[2]) for row in best), (
        "largest has other rows than expected"
    )


def files_of(learner, spark, frame, table, tasks):
    """What is written of a frame with these tasks, at most 5 rows in a file."""
    given = in_tasks(frame, tasks)
    found = written(spark, lambda name: learner.write_sized(given, name, "lang", 5), table)
    assert_columns(found.frame, SIZED)
    rows = sum(rows for pieces in tasks for rows in pieces.values())
    assert len(found.rows) == rows, f"the table has {len(found.rows)} rows, expected {rows}"
    return found.files


@check("write_sized")
def test_nearly_right_tasks(learner, spark, frame, schema):
    """writes the fewest files where the rows of a partition lie in too many tasks"""
    tasks = [{"a": 3}, {"a": 2}, {None: 5}, {"d": 4}]
    files = files_of(learner, spark, frame, f"{schema}.nearly_right", tasks)
    assert_files(files, {"a": 5, None: 5, "d": 4}, 5)


@check("write_sized")
def test_tasks_share_small_partitions(learner, spark, frame, schema):
    """has no task that writes more than half of the rows, where each partition has one file"""
    shops = [*range(12)]
    rows = [("n", shop, number) for number, shop in enumerate(shops * 2)]
    given = frame("note string, shop int, ticket_id long", rows)
    found = written(
        spark,
        lambda table: learner.write_sized(given.coalesce(1), table, "shop", 2),
        f"{schema}.small",
    )
    assert_files(found.files, {str(shop): 2 for shop in shops}, 2)
    most = max(task.rows for task in found.tasks)
    assert most <= 12, f"a task wrote {most} of the 24 rows, with `rows_per_file` 2"


@check("write_sized")
def test_tasks_with_too_many_rows(learner, spark, frame, schema):
    """writes the fewest files where there are as many tasks, one of them with too many rows"""
    tasks = [{"a": 8}, {"a": 1}, {"d": 4}]
    files = files_of(learner, spark, frame, f"{schema}.too_many", tasks)
    assert_files(files, {"a": 9, "d": 4}, 5)
