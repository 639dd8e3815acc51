"""Hidden checks of lab 15: the same rules on random data, against models in plain Python."""

import random
from collections import Counter
from datetime import date, datetime, timedelta

from checks import (
    BALANCE,
    EMPLOYEES,
    EVENTS,
    FUNNEL,
    PAGE,
    PAYMENTS,
    PERIODS,
    SESSIONS,
    SUBSCRIPTIONS,
    TOP,
    TREE,
    assert_sessions,
    balance,
    ids_of,
)

from labkit.checks import Queries, assert_columns, assert_frame, check, collect

START = datetime(2026, 5, 4)


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


@check("active_periods", points=2)
def test_random_periods(learner, frame, seed):
    """finds the stretches of many users, compared day by day"""
    rng = random.Random(seed)
    rows = []
    for user in range(40):
        for _ in range(rng.randrange(1, 7)):
            begin, length = rng.randrange(60), rng.choice([0, 1, 2, 3, 9, 20, None])
            end = None if length is None else day(begin + length)
            rows.append((user, rng.choice("abc"), day(begin), end, 1.0))
    expected = []
    for user in range(40):
        mine = [row for row in rows if row[0] == user and (row[3] is None or row[3] > row[2])]
        reached = None
        for _, plan, begin, end, _ in sorted(mine, key=lambda row: row[2]):
            end = end or datetime.max
            if reached is None or begin > reached:
                expected.append([user, begin, end, {plan}])
                reached = end
            else:
                reached = max(reached, end)
                expected[-1][2] = reached
                expected[-1][3].add(plan)
    right = [
        (user, begin, None if end == datetime.max else end, len(plans))
        for user, begin, end, plans in expected
    ]
    answer = learner.active_periods(frame(SUBSCRIPTIONS, rows))
    assert_frame(answer, right, key=["user_id", "from_ts"], schema=PERIODS)


@check("sessionize", points=2)
def test_random_sessions(learner, frame, seed):
    """cuts the events of many users into sessions, with another limit"""
    rng = random.Random(seed)
    rows, groups, event_id = [], [], 0
    for user in range(25):
        time, together = rng.randrange(300), []
        for _ in range(rng.randrange(1, 12)):
            gap = rng.choice([0, 1, 7, 12, 13, 40])
            if gap > 12 and together:
                groups.append(tuple(together))
                together = []
            time += gap
            event_id += 1
            rows.append((user, minute(time), "home", event_id))
            together.append(str(event_id))
        groups.append(tuple(together))
    given = rng.sample(rows, len(rows))
    answer = learner.sessionize(frame(EVENTS, given), 12)
    assert_columns(answer, SESSIONS)
    assert_sessions(ids_of(collect(answer)), groups, rows)


@check("top_pages", points=2)
def test_random_favourites(learner, spark, seed):
    """finds the favourite page of many users, with other names, another time and another n"""
    rng = random.Random(seed)
    pages = ["a", "b", "c", "d", "secret", None]
    rows = [
        (rng.randrange(30), minute(rng.randrange(200)), rng.choice(pages), event_id)
        for event_id in range(300)
    ]
    rows += rng.sample(rows, 60)
    users = [user for user in range(0, 40, 2) for _ in range(rng.randrange(1, 3))]
    seen = {(user, page, event_id) for user, time, page, event_id in rows if time >= minute(60)}
    views = Counter((user, page) for user, page, _ in seen if page not in ("secret", None))
    expected = []
    for user in sorted(set(users)):
        mine = sorted((-count, page) for (one, page), count in views.items() if one == user)
        best = [(user, n, page, -count) for n, (count, page) in enumerate(mine[:2], 1)]
        expected += best or [(user, None, None, 0)]
    queries = Queries(spark)
    names = (
        queries.view("contracts", SUBSCRIPTIONS, [(u, "a", START, None, 1.0) for u in users]),
        queries.view("clicks", EVENTS, rows),
        queries.view("unwanted", PAGE, [(None,), ("secret",)]),
    )
    answer = queries.run(learner.top_pages(*names, "2026-05-04 01:00:00", 2))
    assert_frame(answer, expected, key=["user_id", "page"], schema=TOP)


@check("funnel", points=2)
def test_random_funnel(learner, frame, seed):
    """counts the users of four steps within three hours, compared with every possible start"""
    rng = random.Random(seed)
    steps = ["a", "b", "c", "d"]
    rows = [
        (rng.randrange(30), minute(15 * rng.randrange(40)), rng.choice("abcdx"), event_id)
        for event_id in range(400)
    ]
    reached = Counter()
    for user in range(30):
        mine = sorted((row[1], row[3], row[2]) for row in rows if row[0] == user)
        best = 0
        for at, (start, _, page) in enumerate(mine):
            if page != steps[0]:
                continue
            place = 1
            for time, _, other in mine[at + 1 :]:
                if place < len(steps) and other == steps[place]:
                    place += time <= start + timedelta(hours=3)
            best = max(best, place)
        reached.update(range(1, best + 1))
    expected = [(step, n, reached[n]) for n, step in enumerate(steps, 1)]
    answer = learner.funnel(frame(EVENTS, rows), steps, 3)
    assert_frame(answer, expected, key="step", schema=FUNNEL)


@check("running_balance", points=2)
def test_random_balance(learner, frame, seed):
    """has the right line for each day of some countries with random payments"""
    rng = random.Random(seed)
    as_of = date(2026, 5, 30)
    rows = [
        (
            payment_id,
            rng.choice(["AA", "BB", "CC"]),
            day(rng.choice([1, 2, 5, 9, 10, 18, 19, 26, 27])) + timedelta(hours=rng.randrange(24)),
            rng.choice([None, -100, 100, 200, 300]),
            rng.choice([None, None, "basic", "plus"]),
        )
        for payment_id in range(60)
    ]
    answer = learner.running_balance(frame(PAYMENTS, rows), as_of)
    expected = balance(rows, as_of)
    assert_frame(answer, expected, key=["country", "day"], schema=BALANCE)


@check("reporting_tree", points=2)
def test_random_tree(learner, spark, seed):
    """describes a random forest with a circle in it"""
    rng = random.Random(seed)
    ids = rng.sample(range(1, 500), 24)
    managers = {ids[0]: None, ids[1]: 999, ids[2]: None}
    for at, id_ in enumerate(ids[3:18], 3):
        managers[id_] = rng.choice(ids[max(0, at - 7) : at])
    circle = ids[18:21]
    managers |= dict(zip(circle, [*circle[1:], circle[0]], strict=True))
    managers |= {id_: rng.choice(ids[18 + at - 3 : 18 + at]) for at, id_ in enumerate(ids[21:], 3)}
    salaries = {id_: rng.choice([None, 100.0, 250.0]) for id_ in ids}
    chains: dict[int, list[int]] = {}
    for id_ in ids:
        chain = [id_]
        while managers.get(chain[0]) in managers and managers[chain[0]] not in chain:
            chain.insert(0, managers[chain[0]])
        if managers.get(chain[0]) not in managers:
            chains[id_] = chain
    expected = []
    for id_ in ids:
        if id_ not in chains:
            expected.append((id_, None, None, None, None, True))
            continue
        cost = sum(salaries[one] or 0 for one, way in chains.items() if id_ in way[:-1])
        way = chains[id_]
        path = "/".join(map(str, way))
        expected.append((id_, way[0], len(way) - 1, path, float(cost), False))
    queries = Queries(spark)
    rows = [(id_, managers[id_], salaries[id_]) for id_ in ids]
    name = queries.view("persons", EMPLOYEES, rng.sample(rows, len(rows)))
    answer = queries.run(learner.reporting_tree(name))
    assert_frame(answer, expected, key="id", schema=TREE)
