"""Write three days of shop events, 46 columns wide, and the queries that dashboards run on them."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

DAYS = [datetime(2026, 3, 2) + timedelta(days=number) for number in range(3)]
EVENTS = 700  # a day
CUSTOMERS = 30
FIRST_ID = 100_001
COUNTRIES = ["AT", "BE", "DE", "DK", "FR", "NL", "SE"]
CAMPAIGNS = 25
COLUMNS = 46
CAMPAIGN_AT = 40  # its position; Delta keeps statistics of the first 32 columns
# Longer than the 32 characters of a text that statistics keep.
PREFIX = "https://shop.example/campaigns/landing?session="
WORKLOAD = [
    ("customer_id = 7", 400),
    ("cast(customer_id as string) = '7'", 900),
    ("campaign = 'C17'", 600),
    ("event_time >= '2026-03-03' and event_time < '2026-03-04'", 300),
    ("date(event_time) = '2026-03-03'", 120),
    ("year(event_time) = 2026 and month(event_time) = 3", 40),
    ("country = 'DE'", 20),
    ("substr(country, 1, 1) = 'D'", 30),
    ("event_id + 100 = 100907", 60),
    ("hour(event_time) = 3", 2),
    (f"payload = '{PREFIX}000000'", 5),
    (None, 1),
]


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`events_<day>.json`, one file a day in order of time, and `workload.json`.

    Events and customers grow linearly with `scale`. A part has customers and events of its own.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    customers = range(CUSTOMERS * first + 1, CUSTOMERS * end + 1)
    # A few customers make most of the events.
    weights = [1 / (1 + number) for number in range(len(customers))]
    event_id = FIRST_ID + EVENTS * len(DAYS) * first
    for day in DAYS:
        count = EVENTS * (end - first)
        seconds = sorted(rng.sample(range(86_400 * 1000), count))
        rows = []
        for at in seconds:
            customer = rng.choices(customers, weights)[0]
            rows.append(event(rng, event_id, day + timedelta(milliseconds=at), customer))
            event_id += 1
        write(folder / f"events_{day:%Y-%m-%d}.json", rows)
    queries = [
        {"query_id": number, "predicate": predicate, "runs_per_day": runs}
        for number, (predicate, runs) in enumerate(WORKLOAD, 1)
    ]
    write(folder / "workload.json", [] if part else queries)


def event(rng: random.Random, event_id: int, time: datetime, customer: int) -> dict:
    """One event, its columns in the order of the table."""
    row = {
        "event_id": event_id,
        "event_time": f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z",
        "customer_id": customer,
        # A customer has one country: the two columns are correlated.
        "country": COUNTRIES[customer % 7],
        "amount": round(rng.expovariate(1 / 40), 2),
        "payload": f"{PREFIX}{rng.randrange(16**6):06x}",
    }
    for position in range(len(row) + 1, COLUMNS + 1):
        if position == CAMPAIGN_AT:
            row["campaign"] = f"C{rng.randrange(CAMPAIGNS)}"
        else:
            row[f"attr_{position:02}"] = rng.randrange(10)
    return row


def write(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
