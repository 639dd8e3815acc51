"""Hidden checks of lab 19: other random streams, and plans against what the engine holds."""

import random
from datetime import datetime, timedelta

from checks import (
    CLICKED,
    CLICKS,
    IMPRESSIONS,
    SHOWN,
    add_random,
    drive,
    random_plans,
    require_plans,
)
from pyspark.sql import functions as F

from labkit.checks import add_file, check, file_stream, run_stream

START = datetime(2024, 2, 29, 22)  # the leap day ends on the way
SHOWN_UNTIL, CLICKED_UNTIL = [40, 100, 170, 260], [50, 110, 190, 270]


@check("attributed", "unclicked", points=2)
def test_other_streams(task, learner, spark, inbox, tmp_path, seed):
    """finds in random streams of another day what a plain program finds, file by file"""

    def at(minute: float) -> datetime:
        return START + timedelta(minutes=minute)

    files = [
        ([(f"i{n}", n, at(shown))], [(f"k{n}", f"j{n}", at(clicked))])
        for n, (shown, clicked) in enumerate(zip(SHOWN_UNTIL, CLICKED_UNTIL, strict=True))
    ]
    add_random(random.Random(seed + 7), files, SHOWN_UNTIL, CLICKED_UNTIL, count=60)
    run = drive(learner, spark, task, inbox("other"), tmp_path / "checkpoint", files, 2)
    run.require({row[0] for row in [*run.wanted, *run.found()]})


PLANS = [  # seconds; the streams of the check have a row every five minutes
    ((600, 300), (-900, 1200), (900, 0)),
    ((0, 600), (1200, 2400), (0, 0)),
    ((300, 0), (-1800, -600), (0, 1200)),
]


@check("state_plan", points=2)
def test_plans_are_what_the_engine_holds(learner, spark, inbox, tmp_path):
    """says how many rows of a join are in state"""
    newest = START + timedelta(hours=9)
    for number, (delays, bounds, behind) in enumerate(PLANS):
        keep = learner.state_plan(delays, bounds, behind)
        held = engine_holds(spark, inbox(f"plan{number}"), tmp_path / str(number), newest, number)
        told = sum(
            1
            for seconds, late in zip(keep, behind, strict=True)
            for age in range(late, 7201, 300)
            if seconds is None or age <= seconds
        )
        assert told == held, (
            f"with watermarks {delays}, bounds {bounds} and streams {behind} behind, your ages "
            f"{keep} mean {told} rows in state, Spark holds {held}"
        )


def engine_holds(spark, place, checkpoint, newest: datetime, number: int) -> int:
    """The rows in state of a join with the delays and bounds of a plan, with a row each 300 s."""
    delays, bounds, behind = PLANS[number]
    for name, columns, late in zip("ic", (SHOWN, CLICKED), behind, strict=True):
        ages = range(late, 7201, 300)
        times = [newest - timedelta(seconds=age) for age in ages]
        rows = [(f"{name}{n}", n, time) for n, time in enumerate(times)]
        if name == "c":
            rows = [(row[0], "nothing", row[2]) for row in rows]
        add_file(place / name, columns, rows)
        add_file(place / name, columns, [])
    left = file_stream(spark, IMPRESSIONS, place / "i")
    right = file_stream(spark, CLICKS, place / "c").withColumnRenamed("imp_id", "of")
    condition = F.expr(
        f"imp_id = of AND clicked_at >= shown_at + INTERVAL {bounds[0]} SECONDS "
        f"AND clicked_at <= shown_at + INTERVAL {bounds[1]} SECONDS"
    )
    left = left.withWatermark("shown_at", f"{delays[0]} seconds")
    right = right.withWatermark("clicked_at", f"{delays[1]} seconds")
    return run_stream(left.join(right, on=condition), checkpoint)[-1].state_rows


@check("state_plan")
def test_more_random_plans(learner, seed):
    """agrees with plain arithmetic on other random plans"""
    require_plans(learner, random_plans(random.Random(seed + 1), 30))
