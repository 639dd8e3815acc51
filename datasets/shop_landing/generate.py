"""What an ERP and a web shop deliver on four days: CDC of customers, clicks; late, repeated, broken and drifting."""

import json
import random
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

DAYS = [datetime(2026, 6, number, tzinfo=UTC) for number in range(1, 5)]
FIRST = DAYS[0] - timedelta(days=300)  # earlier than any change
CUSTOMERS = 40
EVENTS = 110  # a day
FILE_LINES = 5_000
SEGMENTS = ["consumer", "business", "school"]
COUNTRIES = ["AT", "CH", "DE"]
CHANNELS = ["app", "mail", "search"]
SUMMER = timezone(timedelta(hours=2))
BREAK = (
    lambda event: json.dumps(event)[:-20],
    lambda event: json.dumps({**event, "event_type": "purchase", "amount": -5.0}),
    lambda event: json.dumps({**event, "event_type": "purchase", "amount": "n/a"}),
    lambda event: json.dumps({**event, "event_time": "yesterday"}),
    lambda event: json.dumps({**event, "event_type": "buy"}),
    lambda event: json.dumps({name: event[name] for name in event if name != "event_id"}),
)


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """`customers/<day>/*.json` and `clicks/<day>/*.json`; lines grow linearly with `scale`.

    A part has customers, events and files of its own.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    customers = [Customer(rng, 1 + number) for number in range(CUSTOMERS * first, CUSTOMERS * end)]
    changes = cdc(rng, customers, between=CUSTOMERS * scale if parts > 1 else None)
    clicks = clickstream(rng, customers, range(EVENTS * first, EVENTS * end))
    for day, changed, clicked in zip(DAYS, changes, clicks, strict=True):
        write(folder / "customers" / f"{day:%Y-%m-%d}", "changes", [changed], part)
        write(folder / "clicks" / f"{day:%Y-%m-%d}", "clicks", clicked, part)


class Customer:
    """One customer: the changes that the ERP made, each with the day on which it is delivered."""

    def __init__(self, rng: random.Random, customer_id: int) -> None:
        self.customer_id = customer_id
        self.changes: list[tuple[int, datetime, dict]] = []
        values = {
            "name": f"Customer {customer_id}",
            "segment": rng.choice(SEGMENTS),
            "country": rng.choice(COUNTRIES),
        }
        # Every tenth signs up on the second day after some clicks; of half of them the ERP tells a day late.
        self.born = 1 if customer_id % 10 == 3 else 0
        signed_up = DAYS[1] + timedelta(hours=rng.randrange(8, 16))
        moment = signed_up if self.born else DAYS[0] - timedelta(days=rng.randrange(3, 300))
        delivered = 2 if customer_id % 20 == 3 else self.born
        self.changes.append((delivered, moment, {"op": "c", **values}))
        for number in range(2 if self.born else 0, len(DAYS)):
            if rng.random() < 0.25:
                moment = max(moment, DAYS[number]) + timedelta(minutes=rng.randrange(60, 900))
                what, choices = rng.choice(
                    [("segment", SEGMENTS), ("segment", SEGMENTS), ("country", COUNTRIES)]
                )
                others = [value for value in choices if value != values[what]]
                values = {**values, what: rng.choice(others)}
                late = number + 1 < len(DAYS) and rng.random() < 0.2
                self.changes.append((number + late, moment, {"op": "u", **values}))
        if customer_id % 13 == 7:
            moment = max(moment, DAYS[2]) + timedelta(minutes=rng.randrange(60, 400))
            self.changes.append((3, moment, {"op": "d", **values}))


def cdc(
    rng: random.Random, customers: list[Customer], *, between: int | None
) -> list[list[str]]:
    """The lines of each day; the log position (`lsn`) orders the changes of all customers.

    It counts them, or where other parts have changes `between` follows from minute and customer.
    """
    every = [
        (moment, one.customer_id, day, values)
        for one in customers
        for day, moment, values in one.changes
    ]
    days: list[list[str]] = [[] for _ in DAYS]
    for lsn, (moment, customer_id, day, values) in enumerate(
        sorted(every, key=lambda e: e[:3]), 1000
    ):
        if between:
            lsn = int((moment - FIRST).total_seconds()) // 60 * (between + 1) + customer_id
        change = {"op": values["op"], "lsn": lsn, "ts": stamp(moment), "customer_id": customer_id}
        line = json.dumps({**change, **values})
        days[day].append(line)
        if rng.random() < 0.06:  # the connector restarted
            days[min(day + rng.choice([0, 1]), len(DAYS) - 1)].append(line)
    for lines in days[1:]:
        lines.append(rng.choice(lines)[:-15])
    for lines in days:
        rng.shuffle(lines)
    return days


def clickstream(
    rng: random.Random, customers: list[Customer], events: range
) -> list[list[list[str]]]:
    """The lines of each day, two files or more; the numbers of `events` name those of a day."""
    days: list[list[str]] = [[] for _ in DAYS]
    last = len(DAYS) - 1
    for number, day in enumerate(DAYS):
        known = [one for one in customers if one.born <= number]
        for count in events:
            event = click(rng, known, day, f"e-{number + 1}-{count + 1:06d}", number)
            delay = 3 if count % 50 == 9 else rng.choices([0, 1], [93, 7])[0]
            arrives = min(number + delay, last)
            if rng.random() < 0.04:
                days[arrives].append(rng.choice(BREAK)(event))
                continue
            days[arrives].append(json.dumps(event))
            if rng.random() < 0.06:  # no answer in time: the browser sends it again
                again = {**event, "sent_at": stamp(day + timedelta(hours=30))}
                days[min(arrives + rng.choice([0, 1]), last)].append(json.dumps(again))
    files = []
    for lines in days:
        rng.shuffle(lines)
        size = min(FILE_LINES, len(lines) // 2 + 1)
        files.append([lines[at : at + size] for at in range(0, len(lines), size)])
    files[2].append(list(files[1][0]))  # a file of the day before, delivered again under a new name
    return files


def click(
    rng: random.Random, known: list[Customer], day: datetime, event_id: str, number: int
) -> dict:
    """A view or a purchase; the shop's new release says more, and writes amounts as text."""
    moment = day + timedelta(seconds=rng.randrange(24 * 3600 - 60))
    customer_id = (
        rng.choice(known).customer_id if rng.random() < 0.97 else 900_000 + rng.randrange(9)
    )
    # The app writes local time: after 22:00 UTC its date is the next day's.
    local = moment.astimezone(SUMMER).isoformat() if rng.random() < 0.3 else stamp(moment)
    purchase = rng.random() < 0.35
    event = {
        "event_id": event_id,
        "event_type": "purchase" if purchase else "view",
        "customer_id": customer_id,
        "event_time": local,
        "sent_at": stamp(moment + timedelta(seconds=rng.randrange(1, 30))),
    }
    if purchase:
        amount = rng.randrange(300, 30_000) / 100
        event["amount"] = f"{amount:.2f}" if number >= 3 else amount
    if number >= 2:
        event["channel"] = rng.choice(CHANNELS)
    return event


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def write(folder: Path, name: str, files: list[list[str]], part: int) -> None:
    folder.mkdir(parents=True)
    for number, lines in enumerate(files, start=part * 1000 + 1):
        path = folder / f"{name}-{number}.json"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
