"""Hidden checks of lab 21: tables, commits and steps by chance, judged by plain Python."""

import random
from datetime import date
from decimal import Decimal

from checks import (
    LIVE_COLUMNS,
    SHADOW_COLUMNS,
    STEP_COLUMNS,
    TAXES,
    VERDICTS,
    assert_events,
    assert_rows,
    judged,
    live_row,
    random_taxes,
    shadow_row,
    verdict_rows,
    watched_catch_up,
)

from labkit.checks import Commit, check, make_table, write_commits


@check("compare", points=2)
def test_tables_by_chance(learner, spark, seed):
    """says of each country and day what differs, whatever the rows"""
    live, shadow = random_taxes(random.Random(f"hidden {seed}"), 150)
    expected = {"r1": date(2025, 6, 2), "": date(2025, 6, 7), "R9": date(2025, 6, 1)}
    tolerance = Decimal("0.045")
    found = verdict_rows(learner, spark, live, shadow, tolerance, expected)
    right = judged(live, shadow, tolerance, expected)
    assert_rows(found, right, key=["country", "day"], columns=VERDICTS)


@check("catch_up", points=2)
def test_commits_by_chance(learner, spark, schema, seed):
    """brings what came after a version, 0 as well, once, whatever the live table went through"""
    draw = random.Random(f"catch up {seed}")
    names = [f"h{number}" for number in range(14)]
    nets = {name: f"{draw.randrange(1, 90) * 5}.00" for name in names}
    days = {name: draw.randrange(-9000, 9000) for name in names}
    commits = [
        Commit("WRITE", [live_row(name, days[name], nets[name]) for name in names[at : at + 2]])
        for at in range(0, 14, 2)
    ]
    since = draw.randrange(2, 5)
    commits.insert(since, Commit("OPTIMIZE"))
    after = names[2 * since :]
    there = draw.sample(after, 2) + draw.sample(names[: 2 * since], 2)
    tables = {name: f"{schema}.{name}" for name in ("live", "shadow")}
    write_commits(spark, tables["live"], LIVE_COLUMNS, commits, key="event_id")
    rows = [shadow_row(name, days[name], nets[name], "0.33") for name in there]
    make_table(spark, tables["shadow"], SHADOW_COLUMNS, rows)
    # Version 0 has no event, so after the second call all are there.
    for version, arrived in ((since, after), (0, names)):
        run = watched_catch_up(learner, spark, tables, version)
        right = [
            shadow_row(name, days[name], nets[name], str(Decimal(nets[name]) / 5))
            for name in arrived
            if name not in there
        ]
        assert_events(run, names, rows + right)


@check("roll_back", points=2)
def test_steps_by_chance(learner, spark, schema, seed):
    """goes back to where the last switch came from that was not undone"""
    draw = random.Random(f"steps {seed}")
    tables = [f"{schema}.t{number}" for number in range(4)]
    for number, table in enumerate(tables):
        cells = ("e1", "o1", "AT", Decimal(1), None, Decimal(number))
        write_commits(spark, table, TAXES, [Commit("WRITE", [cells])])
    rows, stack, now = [], [], tables[0]
    for step in range(1, 12):
        if len(stack) > 1 and draw.random() < 0.45:
            old, now, action = now, stack.pop(), "roll_back"
        else:
            old, action = now, "switch"
            now = draw.choice([table for table in tables if table != now])
            stack.append(old)
        rows.append((None, now, step, old, f"{schema}.view", action))
    draw.shuffle(rows)
    spark.sql(f"CREATE VIEW {schema}.view AS SELECT tax, event_id FROM {now}")
    make_table(spark, f"{schema}.steps", STEP_COLUMNS, rows)
    learner.roll_back(spark, f"{schema}.view", f"{schema}.steps")
    found = int(spark.table(f"{schema}.view").first().tax)
    right = tables.index(stack[-1])
    assert found == right, f"after 11 steps the view reads table {found}; {right} is right"
