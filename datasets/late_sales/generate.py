"""Write a week of sales, customer updates that come late, and calls, one file a day, as JSON lines."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

DAYS = [datetime(2026, 3, 2) + timedelta(days=number) for number in range(5)]
CUSTOMERS = 24
SALES = 60
CALLS = 40
SEGMENTS = ["retail", "trade", "club"]
INVALID = ["", "N/A", "WEB 7", "web-"]


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """`customers_<day>.json`, `sales_<day>.json` and `calls.json`; rows grow linearly with `scale`.

    A part has customers of its own, with their sales and calls.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    customers = [
        Customer(rng, f"{shop}-{number + 1}", number)
        for number in range(CUSTOMERS // 2 * first, CUSTOMERS // 2 * end)
        for shop in ("web", "till")
    ]
    arrivals: list[tuple[int, dict]] = []
    for number in range(SALES * len(DAYS) * first, SALES * len(DAYS) * end):
        arrivals += sale(rng, customers, number)
    for number, day in enumerate(DAYS):
        updates = [row for customer in customers for row in customer.updates[number]]
        updates += rng.sample(updates, len(updates) // 8)  # redelivered
        sales = [row for arrived, row in arrivals if arrived == number]
        sales += rng.sample(sales, len(sales) // 12)  # redelivered
        rng.shuffle(updates)
        rng.shuffle(sales)
        write(folder / f"customers_{day:%Y-%m-%d}.json", updates)
        write(folder / f"sales_{day:%Y-%m-%d}.json", sales)
    calls = [call(rng, customers, number) for number in range(CALLS * first, CALLS * end)]
    write(folder / "calls.json", calls)


class Customer:
    """One customer, and what is said of it on each day."""

    def __init__(self, rng: random.Random, customer_id: str, number: int) -> None:
        self.customer_id = customer_id
        self.updates: list[list[dict]] = [[] for _ in DAYS]
        if number % 12 == 7:
            return  # never delivered
        # Every third number is first heard of days after its sales begin.
        arrives = rng.choice([1, 2, 3]) if number % 3 == 1 else 0
        self.say(rng, arrives, DAYS[0] - timedelta(days=rng.randrange(3, 40)))
        if rng.random() < 0.5:
            day = rng.randrange(arrives, len(DAYS))
            self.say(rng, day, DAYS[day] + timedelta(minutes=rng.randrange(7 * 60, 17 * 60)))
        if number % 4 == 2:  # the past is corrected on the last day
            day = DAYS[1] + timedelta(hours=rng.randrange(24))
            self.say(rng, len(DAYS) - 1, day)

    def say(self, rng: random.Random, number: int, effective_from: datetime) -> None:
        """Adds a row that arrives in the evening of a day."""
        row = {
            "customer_id": self.customer_id,
            "segment": rng.choice(SEGMENTS),
            "effective_from": stamp(effective_from),
            "recorded_at": stamp(DAYS[number] + timedelta(hours=17 + rng.randrange(3))),
        }
        self.updates[number].append(row)


def sale(
    rng: random.Random, customers: list[Customer], number: int
) -> list[tuple[int, dict]]:
    """The deliveries of one sale, each with the number of the day on which it arrives."""
    day = number % len(DAYS)
    sold_at = DAYS[day] + timedelta(minutes=rng.randrange(8 * 60, 17 * 60))
    late = min(day + (2 if number % 11 == 3 else 0), len(DAYS) - 1)
    quantity = rng.randrange(1, 5) * (-1 if number % 17 == 5 else 1)
    price = rng.randrange(500, 9000)
    customer_id = rng.choice(customers).customer_id
    if number % 19 == 2:
        customer_id = None
    elif number % 23 == 4:
        customer_id = rng.choice(INVALID)
    row = {
        "sale_id": number + 1,
        "customer_id": customer_id,
        "product_id": 101 + rng.randrange(30),
        "sold_at": stamp(sold_at),
        "qty": quantity,
        "amount": cents(quantity * price),
        "booked_at": stamp(DAYS[late] + timedelta(hours=17, minutes=rng.randrange(180))),
    }
    rows = [(late, row)]
    if number % 13 == 6 and late < len(DAYS) - 1:  # corrected on a later day
        amount = cents(quantity * (price - rng.randrange(1, 400)))
        booked = DAYS[late + 1] + timedelta(hours=17, minutes=rng.randrange(180))
        rows.append((late + 1, {**row, "amount": amount, "booked_at": stamp(booked)}))
    return rows


def call(rng: random.Random, customers: list[Customer], number: int) -> dict:
    """A call of a customer to the help desk."""
    moment = DAYS[0] + timedelta(minutes=rng.randrange(len(DAYS) * 24 * 60))
    return {
        "call_id": number + 1,
        "customer_id": rng.choice(customers).customer_id,
        "called_at": stamp(moment),
        "minutes": rng.randrange(1, 30),
    }


def cents(amount: int) -> str:
    """An amount as text, so that no float rounds it."""
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02}"


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def write(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
