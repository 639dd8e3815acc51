"""Write what a site for online courses knows: subscriptions, page events, payments, employees."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

FIRST_DAY = datetime(2026, 2, 2)
DAYS = 28
USERS = 120  # of each step of the scale
HOT_USER, HOT_SHARE = 7, 0.30  # one school that shares an account, in all parts the same
VISITS = 420  # of other users
PAGES = ["home", "course", "lesson", "quiz", "cart", "pay"]
LIKELY = [6, 5, 8, 3, 3, 2]
HIDDEN = ["login", None, "health"]
PLANS = {"basic": 9.0, "plus": 15.0, "team": 40.0}
COUNTRIES = ["PT", "SE", "NL"]
QUIET_DAYS = {"PT": range(9, 12), "SE": range(5, 20, 2), "NL": range(14, 23)}
STAFF = 40

TIME = pa.timestamp("us", tz="UTC")
SCHEMAS = {
    "subscriptions": pa.schema(
        [
            ("user_id", pa.int64()),
            ("plan", pa.string()),
            ("started_at", TIME),
            ("ended_at", TIME),
            ("price", pa.float64()),
        ]
    ),
    "page_events": pa.schema(
        [
            ("user_id", pa.int64()),
            ("event_time", TIME),
            ("page", pa.string()),
            ("event_id", pa.int64()),
        ]
    ),
    "payments": pa.schema(
        [
            ("payment_id", pa.int64()),
            ("country", pa.string()),
            ("paid_at", TIME),
            ("amount_cents", pa.int64()),
            ("plan", pa.string()),
        ]
    ),
    "employees": pa.schema(
        [("id", pa.int64()), ("manager_id", pa.int64()), ("salary", pa.float64())]
    ),
    "hidden_pages": pa.schema([("page", pa.string())]),
}


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """A parquet file of each table; rows grow linearly with `scale`, the hidden pages don't."""
    random = Random(f"{seed} part {part}" if part else seed)
    rows: dict[str, list[tuple]] = {name: [] for name in SCHEMAS}
    for number in range(scale * part // parts, scale * (part + 1) // parts):
        users = [1000 * number + one for one in range(1, USERS + 1)]
        rows["subscriptions"] += subscriptions(random, users)
        rows["page_events"] += page_events(random, users, first_id=100_000 * number + 1)
        rows["payments"] += payments(random, first_id=10_000 * number + 1)
        rows["employees"] += employees(random, first_id=100 * number + 1)
    if part == 0:
        rows["hidden_pages"] = [(page,) for page in HIDDEN]
    for name, schema in SCHEMAS.items():
        if rows[name]:
            columns = [list(column) for column in zip(*rows[name], strict=True)]
            table = pa.table(columns, schema=schema)
            pq.write_table(table, folder / f"{name}.parquet")


def after(random: Random, start: datetime, days: int) -> datetime:
    return start + timedelta(days=random.randrange(1, days), hours=random.randrange(24))


def subscriptions(random: Random, users: list[int]) -> list[tuple]:
    """One to four periods a user; every eighth user has periods of a certain form."""
    rows = []
    for user in users:
        start = FIRST_DAY - timedelta(days=random.randrange(60, 200))
        periods = []
        for _ in range(random.randrange(1, 5)):
            end = after(random, start, 50)
            periods.append((start, end))
            start = after(random, start, 70)
        first, last = periods[0]
        if user % 8 == 1:  # touches
            periods.append((last, after(random, last, 20)))
        elif user % 8 == 2:  # lies inside, and another one begins before the outer one ends
            long = first + timedelta(days=40)
            periods = [(first, long), (first + timedelta(days=5), first + timedelta(days=8))]
            periods.append((first + timedelta(days=20), long + timedelta(days=9)))
        elif user % 8 == 3:  # never ends
            periods.append((after(random, first, 30), None))
        elif user % 8 == 4:  # was cancelled at once
            periods.append((after(random, first, 90),) * 2)
        for begun, ended in periods:
            plan = random.choice(list(PLANS))
            rows.append((user, plan, begun, ended, PLANS[plan]))
    random.shuffle(rows)
    return rows


def page_events(random: Random, users: list[int], first_id: int) -> list[tuple]:
    """Visits of several pages each; some events twice, some without a user, a time or a page."""
    active = [user for user in users if user % 10]  # every tenth user has no event
    visitors = random.choices(active, k=VISITS)
    visitors += [HOT_USER] * round(VISITS * HOT_SHARE / (1 - HOT_SHARE))
    rows: list[tuple] = []
    for user in visitors:
        time = FIRST_DAY + timedelta(
            days=random.randrange(DAYS), minutes=random.randrange(6 * 60, 23 * 60)
        )
        for page in random.choices(PAGES, LIKELY, k=random.randrange(3, 9)):
            rows.append((user, time, page, first_id + len(rows)))
            # 30 minutes are the limit of a session in the lab, and equal times are common.
            time += timedelta(minutes=random.choice([0, 1, 2, 4, 9, 30, 45]))
    for at in random.sample(range(len(rows)), 60):
        user, time, page, event = rows[at]
        rows[at] = random.choice(
            [
                (None, time, page, event),
                (user, None, page, event),
                (user, time, None, event),
                (user, time, "login", event),
            ]
        )
    rows += random.sample(rows, 40)  # delivered twice
    random.shuffle(rows)
    return rows


def payments(random: Random, first_id: int) -> list[tuple]:
    """A few payments a day and country, none on quiet days; refunds, open ones, equal days."""
    rows: list[tuple] = []
    for country in COUNTRIES:
        for number in range(DAYS):
            if number in QUIET_DAYS[country]:
                continue
            for _ in range(random.randrange(1, 4)):
                plan = random.choice(list(PLANS))
                cents = random.choice([int(100 * PLANS[plan])] * 6 + [-500, None])
                time = FIRST_DAY + timedelta(days=number, minutes=random.randrange(24 * 60))
                shown = plan if random.random() < 0.7 else None
                rows.append((first_id + len(rows), country, time, cents, shown))
    random.shuffle(rows)
    return rows


def employees(random: Random, first_id: int) -> list[tuple]:
    """Two roots, a circle of three with a team below it, one whose manager has left."""
    ids = list(range(first_id, first_id + STAFF))
    random.shuffle(ids)
    *tree, one, two, three, below, left = ids
    rows = [(tree[0], None), (tree[1], None)]
    rows += [(id_, random.choice(tree[max(0, at - 9) : at])) for at, id_ in enumerate(tree[2:], 2)]
    rows += [(one, two), (two, three), (three, one), (below, one), (left, first_id + 99)]
    salaries = [None if random.random() < 0.05 else 500.0 * random.randrange(60, 200) for _ in rows]
    random.shuffle(rows)
    return [(*row, salary) for row, salary in zip(rows, salaries, strict=True)]
