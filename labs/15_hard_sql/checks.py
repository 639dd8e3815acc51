"""Checks of lab 15: users, payments and trees that can be followed by hand, and the plans."""

import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest

from labkit.checks import (
    Case,
    Queries,
    assert_columns,
    assert_frame,
    assert_rows,
    cases,
    check,
    collect,
    operators,
    stories,
    window_keys,
    with_plan,
)

HINTS = {
    "active_periods": [
        "Sort the rows of a user by their start. What must you know of *all* rows before this one "
        "to see that a new stretch begins here?",
        "A window function over the rows before gives it: the latest end so far. Take care of rows "
        "without an end, and name the frame.",
        "A running count of the beginnings numbers the stretches of a user. Then it is a GROUP BY.",
    ],
    "sessionize": [
        "`lag` gives the time of the event before. An event without one begins a session, too.",
        "What do you know of a session at its first event, that no later event can change?",
        "Carry the time of the session's first event forward: `last` with `ignorenulls`, and a "
        "frame that ends at the current row.",
    ],
    "top_pages": [
        "Work in this order: count, number, cut, and only then join to the users.",
        "Where must a condition on the right side of a LEFT JOIN stand, so that rows without a "
        "partner stay?",
        "Three functions number rows: which one gives no number twice? And what does `NOT IN` say "
        "if the list holds a null?",
    ],
    "funnel": [
        "Sort the events of a user. For each event, ask: which step does it complete, and from "
        "which start?",
        "If several starts are possible, which one leaves the most time for the steps that follow?",
        "One window function for each step carries the latest start with which the step before was "
        "reached, over the rows before this one.",
        "The step of the last position is what the aggregate of each user needs. For the steps "
        "without users: an aggregate without GROUP BY always gives one row.",
    ],
    "running_balance": [
        "First make one row for each country and day. Then every frame can count rows.",
        "`sequence` makes the days between two dates, and `explode` a row of each.",
        "For each window ask three things: which partition, which order, which frame? A total has "
        "no order.",
    ],
    "reporting_tree": [
        "From which employees does a walk through the tree begin, if it goes downwards?",
        "Whom does a walk from the roots never reach?",
        "Carry the ids of the way as an array. It gives root, depth and path, and whose cost each "
        "salary is part of.",
    ],
}

SUBSCRIPTIONS = "user_id long, plan string, started_at timestamp, ended_at timestamp, price double"
EVENTS = "user_id long, event_time timestamp, page string, event_id long"
PAYMENTS = "payment_id long, country string, paid_at timestamp, amount_cents long, plan string"
EMPLOYEES = "id long, manager_id long, salary double"
PAGE = "page string"

PERIODS = "user_id long, from_ts timestamp, to_ts timestamp, plans long"
SESSIONS = f"{EVENTS}, session_id string"
TOP = "user_id long, position int, page string, views long"
FUNNEL = "step string, position int, users long"
BALANCE = (
    "country string, day date, revenue long, revenue_7d long, place int, share double, "
    "last_plan string"
)
TREE = "id long, root long, depth int, path string, cost_below double, cyclic boolean"

GAP = 30
SINCE = "2026-03-05 00:00:00"
TOP_N = 3
STEPS = ["course", "cart", "pay"]
HOURS = 24
AS_OF = date(2026, 3, 14)
SHUFFLES = {"active_periods": 1, "sessionize": 1, "funnel": 3, "running_balance": 4}


def value(text):
    return None if text == "null" else text


def number(text):
    return None if text == "null" else int(text)


def at(text):
    """A time in March 2026: "05" or "05T10:00"; None of "null"."""
    return None if text == "null" else datetime.fromisoformat(f"2026-03-{text}")


def all_of(some, part):
    return [row for case in some for row in getattr(case, part)]


def shuffled(rows):
    return random.Random(15).sample(rows, len(rows))


# -------------------------------------------------------------------------------- active_periods


def period(text):
    """A row of subscriptions: "1 basic 01 05T12:00"."""
    user, plan, start, end = text.split()
    return (int(user), plan, at(start), at(end), 9.0)


def stretch(text):
    user, start, end, plans = text.split()
    return (int(user), at(start), at(end), int(plans))


STRETCHES = stories(
    """
apart: makes a stretch of each period that stands alone, and none across users
1 basic 01 05, 1 plus 07 09, 2 plus 03 08 | 1 01 05 1, 1 07 09 1, 2 03 08 1

overlap: joins periods that overlap
11 basic 01 05, 11 plus 04 09, 11 team 08 12 | 11 01 12 3

contained: is not misled by a period that lies inside another one
21 basic 01 20, 21 plus 03 05, 21 team 10 25, 22 basic 01 09, 22 plus 02 03 |
21 01 25 3, 22 01 09 2

same_start: joins periods that start at the same time
31 basic 01 03, 31 plus 01 09, 31 team 05 07 | 31 01 09 3

touching: joins periods that touch
41 basic 01 05, 41 plus 05 09, 41 team 09 10 | 41 01 10 3

short_gap: separates periods when a second lies between them
51 basic 01 05T10:00:00, 51 plus 05T10:00:01 09 | 51 01 05T10:00:00 1, 51 05T10:00:01 09 1

no_end: has no end for a stretch with a period that has none, and joins all that starts later
61 basic 01 null, 61 plus 05 06, 61 team 20 25, 62 basic 01 05, 62 plus 10 null |
61 01 null 3, 62 01 05 1, 62 10 null 1

no_time: leaves out periods that do not end after their start
71 basic 05 05, 72 basic 07 06, 73 basic 01 09, 73 plus 04 04, 74 basic 01 05, 74 plus 07 07,
74 plus 12 10 | 73 01 09 1, 74 01 05 1

plans: counts a plan once, however often it comes back
81 basic 01 05, 81 plus 05 09, 81 basic 08 12, 81 basic 10 11 | 81 01 12 2
""",
    given=period,
    after=stretch,
)


# ------------------------------------------------------------------------------------ sessionize


def event(text):
    """A page event: "7 05T10:00 cart 701"."""
    user, time, page, event_id = text.split()
    return (number(user), at(time), value(page), int(event_id))


def view(text):
    """A page event of which the page does not matter: "7 05T10:00 701"."""
    user, time, event_id = text.split()
    return (number(user), at(time), "lesson", int(event_id))


def group(text):
    """The events of one session, or of none: "701 702", "null 703"."""
    return tuple(text.split())


SITTINGS = stories(
    """
gap: begins a session after more than 30 minutes, and not after exactly 30
1 01T10:00 101, 1 01T10:30 102, 1 01T11:01 103, 1 01T11:02 104 | 101 102, 103 104

fraction: begins a session when the gap is half a second longer than 30 minutes
2 01T10:00:00 201, 2 01T10:30:00.5 202, 2 01T11:00:00.5 203 | 201, 202 203

chain: lets a session last as long as each gap is short enough
3 01T23:40 301, 3 02T00:05 302, 3 02T00:30 303, 3 02T00:59 304 | 301 302 303 304

same_time: gives events of the same time one session
4 01T10:00 402, 4 01T10:00 401, 4 01T10:00 403, 4 01T10:40 405, 4 01T10:40 404 |
401 402 403, 404 405

users: gives two users two ids, also at the same time
5 01T10:00 501, 6 01T10:00 601, 5 01T10:01 502, 6 01T10:01 602 | 501 502, 601 602

unknown: gives no id to events without a user or a time, and no other event notices them
null 01T10:00 701, null 01T10:10 702, 7 null 703, 7 01T10:00 704, 7 01T10:20 705, 7 null 706 |
null 701, null 702, null 703, null 706, 704 705
""",
    given=view,
    after=group,
)
# Ids of user and number alone, written one after the other: 1 and 11 is 11 and 1.
HOURLY = [view(f"1{user} 02T{hour:02}:00 {user}9{hour:02}") for user in "12" for hour in range(13)]
HOURLY += [view("1 02T05:00 8001"), view("1 02T07:00 8002")]
HOURLY += [view(f"1 03T{hour:02}:00 81{hour:02}") for hour in range(23)]
SITTINGS.append(
    Case(
        "many",
        "keeps apart the ids of users with many sessions",
        given=HOURLY,
        after=[(str(row[3]),) for row in HOURLY],
    )
)
TWICE = [view("9 01T10:00 901"), view("9 01T10:00 901"), view("9 01T10:05 902")]
# Two events at the start of a session, of which any may arrive first.
TIED = [view(f"{user} 01T10:00 {user}00{n}") for user in range(31, 43) for n in (2, 1)]
SEEN = [*all_of(SITTINGS, "given"), *TWICE, *TIED]
# A user who begins, one who goes on, and one with a smaller id than all others.
LATER = [view("4 03T22:45 991"), view("1 03T22:20 992"), view("0 03T22:46 993")]


# ------------------------------------------------------------------------------------- top_pages


def pages(text):
    """Rows of page events: "1 06T10:00 home 101" is one, "1 home*3 101" three of the same page."""
    parts = text.split()
    if len(parts) == 4:
        return [event(text)]
    user, many, first = parts
    page, _, times = many.partition("*")
    return [
        (number(user), at("06T10:00"), value(page), int(first) + one) for one in range(int(times))
    ]


def ranked(text):
    user, position, page, count = text.split()
    return (int(user), number(position), value(page), int(count))


FAVOURITES = stories(
    """
most_viewed: orders the pages of each user by their views
1 | 1 home*2 101, 1 quiz*4 111, 1 cart*1 121 | 1 1 quiz 4, 1 2 home 2, 1 3 cart 1

three: cuts after the three pages with the most views
11 | 11 home*5 201, 11 quiz*4 211, 11 cart*3 221, 11 pay*2 231, 11 course*1 241 |
11 1 home 5, 11 2 quiz 4, 11 3 cart 3

ties: orders equal views by page, and never has a position twice
21, 22 | 21 quiz*1 301, 21 home*1 302, 21 pay*1 303, 21 cart*1 304,
22 quiz*2 311, 22 home*2 313, 22 pay*3 315, 22 cart*2 318 |
21 1 cart 1, 21 2 home 1, 21 3 pay 1, 22 1 pay 3, 22 2 cart 2, 22 3 home 2

delivered_twice: counts an event once that was delivered several times
31 | 31 06T10:00 home 401, 31 06T10:00 home 401, 31 06T10:00 home 401, 31 quiz*2 411 |
31 1 quiz 2, 31 2 home 1

since: counts views at the given time or later
41 | 41 05T00:00 home 501, 41 04T23:59:59 quiz 502, 41 05T00:00 home 503, 41 20T10:00 pay 504 |
41 1 home 2, 41 2 pay 1

hidden: leaves out hidden pages and views without a page, before it cuts
51 | 51 login*5 601, 51 null*4 611, 51 home*3 621, 51 quiz*2 631, 51 cart*1 641 |
51 1 home 3, 51 2 quiz 2, 51 3 cart 1

nothing: keeps a user without a view that counts, once
61, 62, 63 | 62 04T10:00 home 701, 63 login*2 711 |
61 null null 0, 62 null null 0, 63 null null 0

subscribers: has no user without a subscription, and none twice who has two
71, 71, 71 | 71 home*1 801, 72 home*2 811, null quiz*2 821 | 71 1 home 1
""",
    before=int,
    given=pages,
    after=ranked,
)
FAVOURITES = [
    Case(one.name, one.title, one.before, [row for rows in one.given for row in rows], one.after)
    for one in FAVOURITES
]


# ---------------------------------------------------------------------------------------- funnel

FUNNELS = stories(
    """
order: counts the steps in their order, with other pages in between
1 01T10:00 course 1, 1 01T10:01 home 2, 1 01T10:02 cart 3, 1 01T10:03 quiz 4, 1 01T10:04 pay 5,
2 01T10:00 cart 6, 2 01T10:01 course 7, 2 01T10:02 pay 8, 3 01T10:00 course 9, 3 01T10:01 cart 10,
4 01T10:00 pay 11, 4 01T10:01 cart 12, 4 01T10:02 course 13, 5 01T10:00 course 14,
5 01T10:01 pay 15, 5 01T10:02 cart 16 | 5 3 1

same_time: orders events of the same time by event_id
1 01T10:00 course 11, 1 01T10:00 cart 12, 1 01T10:00 pay 13, 2 01T10:00 course 23,
2 01T10:00 cart 22, 2 01T10:00 pay 24, 3 01T10:00 pay 31, 3 01T10:00 course 32,
3 01T10:00 cart 33 | 3 2 1

window: allows 24 hours from the first step to the last, and not a second more
1 01T10:00 course 1, 1 01T20:00 cart 2, 1 02T10:00 pay 3, 2 01T10:00 course 4, 2 01T20:00 cart 5,
2 02T10:00:01 pay 6, 3 01T10:00 course 7, 3 02T09:00 cart 8, 3 03T08:00 pay 9, 4 01T10:00 course 10,
4 02T10:00:00.5 cart 11 | 4 3 1

second_try: lets any event of the first step be the start
1 01T10:00 course 1, 1 03T10:00 course 2, 1 03T11:00 cart 3, 1 03T12:00 pay 4, 2 01T10:00 course 5,
2 01T11:00 cart 6, 2 04T10:00 course 7, 2 04T11:00 cart 8, 2 04T12:00 pay 9, 3 01T10:00 course 10,
3 01T20:00 course 11, 3 01T21:00 cart 12, 3 02T19:00 pay 13, 4 01T10:00 cart 14, 4 01T11:00 course 15,
4 01T12:00 cart 16, 4 01T13:00 pay 17 | 4 4 4

earlier_start: keeps the start of the steps that were made, when a first step comes again
1 01T10:00 course 1, 1 01T11:00 cart 2, 1 01T12:00 course 3, 1 01T13:00 pay 4, 2 01T10:00 course 5,
2 02T09:00 cart 6, 2 02T09:30 course 7, 2 02T11:00 pay 8 | 2 2 1

once: counts a user once for each step
1 01T10:00 course 1, 1 01T10:01 cart 2, 1 02T10:00 course 3, 1 02T10:01 cart 4, 1 02T10:01 cart 4,
1 03T10:00 course 5 | 1 1 0

unknown: leaves out events without a user or a time
null 01T10:00 course 1, null 01T10:01 cart 2, null 01T10:02 pay 3, 2 null course 4,
2 01T10:01 cart 5, 3 01T10:00 course 6, 3 null cart 7 | 1 0 0

nobody: has a row for each step, also without any event
| 0 0 0
""",
    given=event,
    after=lambda text: [int(users) for users in text.split()],
)


# ------------------------------------------------------------------------------- running_balance


def payment(text):
    """A payment: "PT 05T10:00 900 basic 17"."""
    country, time, cents, plan, payment_id = text.split()
    return (int(payment_id), country, at(time), number(cents), value(plan))


BALANCES = stories(
    """
days: has a row for each day from the first payment of a country on
revenue |
PT 08T23:59:59.9 900 basic 1, PT 11T00:00 1500 plus 2, PT 11T12:00 500 plus 3, SE 13T10:00 400 basic 4

as_of: leaves out what was paid after as_of, and has a row for as_of itself
revenue, revenue_7d, place, share, last_plan |
NL 12T10:00 500 basic 5, NL 14T23:59 700 plus 6, NL 15T00:00 900 team 7, DE 15T00:00 100 basic 8

null_amount: takes a null amount for 0, also on the first day
revenue, share |
IT 11T10:00 null plus 9, IT 12T10:00 null basic 10, IT 12T11:00 300 null 11, IT 14T10:00 -50 null 12

seven_days: adds up seven days, not seven rows with payments
revenue_7d |
ES 01T10:00 100 basic 13, ES 02T10:00 200 basic 14, ES 07T10:00 400 basic 15, ES 08T09:00 800 basic 16,
ES 08T10:00 1600 basic 17, ES 14T10:00 3200 basic 18

ties: lets days with equal revenue share a place, and skips the places after them
place |
FR 08T10:00 500 basic 19, FR 09T10:00 900 basic 20, FR 10T10:00 500 basic 21, FR 11T10:00 700 basic 22,
FR 12T10:00 900 basic 23, FR 14T10:00 -100 basic 24

share: divides by the whole revenue of the country
share |
AT 10T10:00 300 basic 25, AT 11T10:00 300 basic 26, AT 13T10:00 600 basic 27, AT 14T10:00 200 basic 28

no_revenue: has no share in a country whose whole revenue is 0
share, place |
FI 12T10:00 500 basic 29, FI 13T10:00 -500 basic 30, BE 13T10:00 null basic 31

last_plan: has the latest plan seen until the end of the day
last_plan |
DK 08T10:00 100 null 32, DK 09T09:00 100 team 33, DK 09T18:00 100 plus 34, DK 09T20:00 100 null 35,
DK 11T10:00 100 null 36, DK 12T10:00 100 basic 38, DK 12T10:00 100 team 37, DK 13T08:00 100 plus 40,
DK 13T09:00 100 basic 39
""",
    before=str,
    given=payment,
)


def balance(payments, as_of):
    """What must come back, in plain Python: a dict a row."""
    rows = []
    for country in dict.fromkeys(row[1] for row in payments):
        mine = [row for row in payments if row[1] == country and row[2].date() <= as_of]
        if not mine:
            continue
        revenue = Counter()
        for _, _, paid_at, cents, _ in mine:
            revenue[paid_at.date()] += cents or 0
        first = min(revenue)
        days = [first + timedelta(days=n) for n in range((as_of - first).days + 1)]
        total = sum(revenue.values())
        for day in days:
            seen = [row for row in mine if row[2].date() <= day and row[4] is not None]
            week = [day - timedelta(days=n) for n in range(7)]
            last = max(seen, key=lambda row: (row[2], row[0]), default=None)
            rows.append(
                {
                    "country": country,
                    "day": day,
                    "revenue": revenue[day],
                    "revenue_7d": sum(revenue[one] for one in week),
                    "place": 1 + sum(revenue[one] > revenue[day] for one in days),
                    "share": revenue[day] / total if total else None,
                    "last_plan": last[4] if last else None,
                }
            )
    return rows


# -------------------------------------------------------------------------------- reporting_tree


def employee(text):
    id_, manager, salary = text.split()
    return (int(id_), number(manager), None if salary == "null" else float(salary))


def node(text):
    """A row that must come back: "3 1 2 1/2/3 0"; of somebody in a circle or below one, "4"."""
    id_, *others = text.split()
    if not others:
        return (int(id_), None, None, None, None, True)
    root, depth, path, cost = others
    return (int(id_), int(root), int(depth), path, float(cost), False)


TREES = stories(
    """
levels: follows the managers to the root, over several levels and roots
1 null 900, 2 1 500, 3 2 300, 6 3 100, 5 1 400, 9 null 700, 8 9 50 |
1 1 0 1 1300, 2 1 1 1/2 400, 3 1 2 1/2/3 100, 6 1 3 1/2/3/6 0, 5 1 1 1/5 0, 9 9 0 9 50, 8 9 1 9/8 0

unknown_manager: takes somebody for a root whose manager is nobody's id
21 999 500, 22 21 300 | 21 21 0 21 300, 22 21 1 21/22 0

null_salary: takes a null salary for 0
31 null null, 32 31 null, 33 31 200, 34 32 null | 31 31 0 31 200, 32 31 1 31/32 0,
33 31 1 31/33 0, 34 31 2 31/32/34 0

digits: tells ids apart that begin with the same digits
4 null 10, 41 4 20, 411 41 40, 40 null 80, 410 40 160 |
4 4 0 4 60, 41 4 1 4/41 40, 411 4 2 4/41/411 0, 40 40 0 40 160, 410 40 1 40/410 0

circle: marks employees in a circle
51 52 100, 52 53 100, 53 51 100 | 51, 52, 53

below_circle: marks everybody below a circle
61 62 100, 62 61 100, 63 61 100, 64 63 100 | 61, 62, 63, 64

own_manager: marks somebody who is their own manager
71 71 100, 72 71 50 | 71, 72
""",
    given=employee,
    after=node,
)


# -------------------------------------------------------------------------------------- the calls


@pytest.fixture(scope="module")
def queries(spark):
    """A session with the views on which texts of queries run."""
    queries = Queries(spark)
    subscribed = [(user, "plus", at("01"), None, 9.0) for user in all_of(FAVOURITES, "before")]
    queries.view("subs_7", SUBSCRIPTIONS, shuffled(subscribed))
    queries.view("views_7", EVENTS, shuffled(all_of(FAVOURITES, "given")))
    queries.view("off_7", PAGE, [("login",), (None,), ("health",)])
    queries.view("people_7", EMPLOYEES, shuffled(all_of(TREES, "given")))
    return queries


@pytest.fixture(scope="module")
def answer(task, learner, frame, request):
    """What comes back for the rows of all cases of a task: a frame, and its rows."""
    if task == "active_periods":
        given = frame(SUBSCRIPTIONS, shuffled(all_of(STRETCHES, "given")))
        found = learner.active_periods(given)
        assert_columns(found, PERIODS)
    elif task == "sessionize":
        found = learner.sessionize(frame(EVENTS, shuffled(SEEN)), GAP)
        assert_columns(found, SESSIONS)
    elif task == "top_pages":
        text = learner.top_pages("subs_7", "views_7", "off_7", SINCE, TOP_N)
        found = request.getfixturevalue("queries").run(text)
        assert_columns(found, TOP)
    elif task == "funnel":
        found = learner.funnel(frame(EVENTS, shuffled(FUNNELS[0].given)), STEPS, HOURS)
        assert_columns(found, FUNNEL)
    elif task == "running_balance":
        given = frame(PAYMENTS, shuffled(all_of(BALANCES, "given")))
        found = learner.running_balance(given, AS_OF)
        assert_columns(found, BALANCE)
    else:
        found = request.getfixturevalue("queries").run(learner.reporting_tree("people_7"))
        assert_columns(found, TREE)
    return SimpleNamespace(frame=found, rows=collect(found))


@pytest.fixture(scope="module")
def funnels(answer, learner, frame):
    """The users of each step, by case."""
    found = {FUNNELS[0].name: answer.rows}
    for case in FUNNELS[1:]:
        counted = learner.funnel(frame(EVENTS, shuffled(case.given)), STEPS, HOURS)
        found[case.name] = collect(counted)
    return found


@pytest.fixture(scope="module")
def ids(answer):
    """The ids of the sessions by event, of the first call."""
    return ids_of(answer.rows)


def ids_of(rows):
    """Ids by event, each event once: an event that is there twice has one id, or a set of them."""
    found = defaultdict(set)
    for row in rows:
        found[row.event_id].add(row.session_id)
    return found


def told(event_id, given=SEEN):
    """An event as a reason names it."""
    user, time, *_ = next(row for row in given if row[3] == event_id)
    return f"event {event_id} (user {user}, {time})"


@check("active_periods")
@cases(STRETCHES)
def test_stretches(answer, case):
    """{case}"""
    mine = {row[0] for row in case.given}
    found = [row for row in answer.rows if row.user_id in mine]
    assert_rows(found, case.after, key=["user_id", "from_ts"], columns=PERIODS)


@check("sessionize")
def test_all_events_come_back(answer):
    """returns every event as often as it was given, with all its columns"""
    assert_rows(answer.rows, SEEN, key="event_id", columns=EVENTS)


@check("sessionize")
@cases(SITTINGS)
def test_sessions(ids, case):
    """{case}"""
    assert_sessions(ids, case.after)


def assert_sessions(ids, groups, given=SEEN):
    """One id for the events of a group, another one for each group, none for those without one."""
    owner = {}
    for together in groups:
        events = [int(event_id) for event_id in together if event_id != "null"]
        lost = [event_id for event_id in events if event_id not in ids]
        assert not lost, f"{told(lost[0], given)} does not come back"
        found = {event_id: sorted(ids[event_id], key=str) for event_id in events}
        if "null" in together:
            wrong = [event_id for event_id in events if found[event_id] != [None]]
            assert not wrong, (
                f"{told(wrong[0], given)} has the session_id {found[wrong[0]][0]!r}, expected null"
            )
            continue
        first = events[0]
        for event_id in events:
            assert None not in found[event_id], f"{told(event_id, given)} has no session_id"
            assert found[event_id] == found[first] and len(found[first]) == 1, (
                f"{told(first, given)} and {told(event_id, given)} are of one session; their ids "
                f"are {', '.join(found[first])} and {', '.join(found[event_id])}"
            )
        other = owner.setdefault(found[first][0], first)
        assert other == first, (
            f"{told(other, given)} and {told(first, given)} are of two sessions, and both have the "
            f"id {found[first][0]}"
        )


def assert_same_ids(before, after, when):
    for event_id, was in before.items():
        now = after.get(event_id, set())
        assert now == was, (
            f"{told(event_id)} had the session_id {', '.join(map(str, was))}; {when} it has "
            f"{', '.join(map(str, now)) or 'no row'}"
        )


@check("sessionize", points=2)
def test_ids_in_another_order(learner, frame, ids):
    """gives the same ids to the same events in another order and in seven partitions"""
    given = frame(EVENTS, sorted(SEEN, key=lambda row: -row[3])).repartition(7)
    again = collect(learner.sessionize(given, GAP))
    assert_same_ids(ids, ids_of(again), "with the events in another order and seven partitions")


@check("sessionize", points=2)
def test_ids_with_later_events(learner, frame, ids):
    """keeps all ids when events are added that are later than all others"""
    more = collect(learner.sessionize(frame(EVENTS, shuffled([*SEEN, *LATER])), GAP))
    assert_same_ids(ids, ids_of(more), "with three later events")


@check("top_pages")
@cases(FAVOURITES)
def test_favourites(answer, case):
    """{case}"""
    mine = {row[0] for row in case.given} | set(case.before)
    found = [row for row in answer.rows if row.user_id in mine]
    assert_rows(found, case.after, key=["user_id", "page"], columns=TOP)


@check("top_pages")
def test_cut_is_early(answer):
    """drops rows beyond n early: the plan has a WindowGroupLimit"""
    assert "WindowGroupLimit" in operators(answer.frame), with_plan(
        "the plan has no WindowGroupLimit: all pages of all users are sorted and numbered, and cut "
        "afterwards",
        answer.frame,
        "Window",
    )


@check("funnel")
@cases(FUNNELS)
def test_users_of_each_step(funnels, case):
    """{case}"""
    (users,) = case.after
    expected = [
        (step, n, count) for n, (step, count) in enumerate(zip(STEPS, users, strict=True), 1)
    ]
    assert_rows(funnels[case.name], expected, key="step", columns=FUNNEL)


@check("running_balance")
@cases(BALANCES)
def test_days_of_a_country(answer, case):
    """{case}"""
    mine = {row[1] for row in case.given}
    names = ["country", "day", *case.before]
    found = [row for row in answer.rows if row.country in mine]
    expected = [{name: row[name] for name in names} for row in balance(case.given, AS_OF)]
    assert_rows(found, expected, key=["country", "day"], columns=names)


@check("running_balance")
def test_no_payment_counts(learner, frame):
    """returns no row when no payment counts"""
    given = frame(PAYMENTS, [payment("PT 15T10:00 900 basic 1")])
    assert_frame(learner.running_balance(given, AS_OF), [], key="country", schema=BALANCE)


@check("reporting_tree")
@cases(TREES)
def test_tree(answer, case):
    """{case}"""
    mine = {row[0] for row in case.given}
    found = [row for row in answer.rows if row.id in mine]
    assert_rows(found, case.after, key="id", columns=TREE)


# -------------------------------------------------------------------------------------- the plans


@check("active_periods", "sessionize", "funnel", "running_balance")
def test_shuffles(task, answer):
    """shuffles no more often than the task allows"""
    found = operators(answer.frame).count("ShuffleExchange")
    assert found <= SHUFFLES[task], with_plan(
        f"the plan has {found} shuffles, at most {SHUFFLES[task]} is asked for",
        answer.frame,
        "ShuffleExchange",
    )


@check("active_periods", "sessionize", "funnel")
def test_no_join(answer):
    """has no join in its plan"""
    joins = sorted({name for name in operators(answer.frame) if named_join(name)})
    assert not joins, with_plan(
        f"the plan has {', '.join(joins)}; rows of one user that meet each other are as many as "
        "the square of their number",
        answer.frame,
        *joins,
    )


def named_join(name):
    return name.endswith("Join") or name == "CartesianProduct"


@check("top_pages", "running_balance", "reporting_tree")
def test_no_nested_loop(answer):
    """has no nested loop and no Cartesian product in its plan"""
    loops = sorted(
        {name for name in operators(answer.frame) if "NestedLoop" in name or "Cartesian" in name}
    )
    assert not loops, with_plan(
        f"the plan has {', '.join(loops)}: every row of one side meets every row of the other",
        answer.frame,
        *loops,
    )


@check("sessionize", "funnel", "running_balance")
def test_windows_have_partitions(answer):
    """has no window over all rows at once"""
    assert all(window_keys(answer.frame)), with_plan(
        "a window has no partition: all rows go to one task, one after the other",
        answer.frame,
        "SinglePartition",
    )
