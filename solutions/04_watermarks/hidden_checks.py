"""Hidden checks of lab 04: random arrival within ten minutes, against plain Python."""

import random
from collections import Counter
from datetime import datetime, timedelta

from checks import COLUMNS, EVENTS, SESSION, SESSIONS, WINDOW, WINDOWS

from labkit.checks import add_file, assert_columns, assert_rows, check, file_stream, run_stream

START = datetime(2024, 2, 29, 23)  # the leap day ends on the way
GAP = timedelta(minutes=15)


def arriving(rng: random.Random, count: int, minutes: int) -> list[list[tuple]]:
    """Events in three files in the order of arrival, each less than ten minutes after its time."""
    sent = []
    for number in range(count):
        minute = rng.uniform(0, minutes)
        row = (
            f"e{number}",
            rng.choice("xyz"),
            rng.choice(["k1", "k2", "k3", "k4"]),
            rng.randrange(1, 400) / 4,
            START + timedelta(seconds=int(minute * 60)),
        )
        sent.append((minute + rng.uniform(0, 9.5), row))
    rows = [row for _, row in sorted(sent)]
    third = len(rows) // 3
    return [rows[:third], rows[third : 2 * third], rows[2 * third :]]


def outcome(
    spark, function, schema: str, source, checkpoint, files: list[list[tuple]]
) -> list[tuple]:
    """What a stream emits over these files and two more, far ahead, which move the watermark."""
    ahead = [START + timedelta(days=days) for days in (2, 4)]
    for rows in [*files, *[[("end", "end", "end", 1.0, time)] for time in ahead]]:
        add_file(source, COLUMNS, rows)
    answer = function(file_stream(spark, EVENTS, source))
    assert_columns(answer, schema)
    batches = run_stream(answer, checkpoint)
    return [tuple(row) for batch in batches for row in batch.rows]


@check("revenue_per_window")
def test_arrival_within_the_watermark_changes_no_window(learner, spark, inbox, tmp_path, seed):
    """finds the same windows as a batch would, whatever the order of arrival within ten minutes"""
    files = arriving(random.Random(seed), 60, 90)
    totals: dict[tuple, list[float]] = {}
    for row in [row for rows in files for row in rows]:
        start = row[4] - timedelta(minutes=row[4].minute % 5, seconds=row[4].second)
        totals.setdefault((start, row[1]), []).append(row[3])
    expected = [
        (start, start + timedelta(minutes=5), store, sum(amounts), len(amounts))
        for (start, store), amounts in totals.items()
    ]
    found = outcome(spark, learner.revenue_per_window, WINDOWS, inbox("source"), tmp_path, files)
    rows = [row for row in found if row[2] != "end"]
    assert_rows(rows, expected, key=WINDOW, columns=WINDOWS)


@check("deduplicate")
def test_each_of_many_events_comes_out_once(learner, spark, inbox, tmp_path, seed):
    """lets each of many events through exactly once, sent up to three times within ten minutes"""
    rng = random.Random(seed)
    files = arriving(rng, 50, 60)
    sent = [list(rows) for rows in files]
    for number, rows in enumerate(files):
        for row in (row for row in rows if rng.random() < 0.4):
            later = row[4] + timedelta(seconds=rng.randrange(1, 180))
            sent[number].append((*row[:4], later))
            sent[min(number + 1, 2)].append(rng.choice([row, (*row[:4], later)]))
    found = Counter(
        row[0]
        for row in outcome(spark, learner.deduplicate, EVENTS, inbox("source"), tmp_path, sent)
    )
    wrong = next((f"e{n}" for n in range(50) if found[f"e{n}"] != 1), None)
    assert wrong is None, f"an event came out {found[wrong]} times"


@check("sessions")
def test_arrival_within_the_watermark_changes_no_session(learner, spark, inbox, tmp_path, seed):
    """finds the same sessions as a batch would, whatever the order of arrival within ten minutes"""
    files = arriving(random.Random(seed), 45, 300)
    expected = []
    events = sorted((row for rows in files for row in rows), key=lambda row: (row[2], row[4]))
    for row in events:
        card, time, amount = row[2], row[4], row[3]
        last = expected[-1] if expected and expected[-1][0] == card else None
        if last and time <= last[2]:
            expected[-1] = (card, last[1], time + GAP, last[3] + 1, last[4] + amount)
        else:
            expected.append((card, time, time + GAP, 1, amount))
    found = outcome(spark, learner.sessions, SESSIONS, inbox("source"), tmp_path, files)
    rows = [row for row in found if row[0] != "end"]
    assert_rows(rows, expected, key=SESSION, columns=SESSIONS)
