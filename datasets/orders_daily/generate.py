"""Write four weeks of a shop's orders and today's, its customers and its rules, as JSON."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

FIRST = datetime(2026, 2, 2)  # a Monday
DAYS = 29  # the last one is today, a Monday
BAD_DAY = 17  # on this day, amounts in EUR came in cents
ORDERS = 40
CUSTOMERS = 60
CURRENCIES = ["EUR"] * 6 + ["USD"] * 3 + ["SEK"]
PRICE = {"EUR": 1, "USD": 1.1, "SEK": 11}
RULES = [
    {
        "name": "has_customer",
        "kind": "references",
        "column": "customer_id",
        "to": "customers",
        "key": "id",
        "action": "quarantine",
        "threshold": 0.01,
    },
    {
        "name": "one_row_an_order",
        "kind": "unique",
        "columns": ["order_id"],
        "action": "quarantine",
        "threshold": 0.0,
    },
    {
        "name": "returns_are_negative",
        "kind": "row",
        "expression": "(amount < 0) = (status = 'returned')",
        "action": "fail",
        "threshold": 0.05,
    },
    {
        "name": "known_currency",
        "kind": "row",
        "expression": "currency IN ('EUR', 'USD', 'SEK')",
        "action": "fail",
        "threshold": 0.0,
    },
    {
        "name": "small_discount",
        "kind": "row",
        "expression": "CAST(discount AS DOUBLE) < 0.5",
        "action": "warn",
        "threshold": 0.1,
    },
]


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """`history.json`, `today.json`, `customers.json`, `rules.json`; rows grow with `scale`.

    A part has customers of its own, with their orders.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    customers = [f"c-{number + 1}" for number in range(CUSTOMERS * first, CUSTOMERS * end)]
    history, number = [], first * ORDERS * DAYS
    for day in range(DAYS):
        is_sunday = day % 7 == 6
        count = ORDERS * (end - first) // (2 if is_sunday else 1)
        rows = [order(rng, customers, number + place, day) for place in range(count)]
        number += count
        if day == DAYS - 1:
            write(folder / "today.json", broken(rng, rows))
        history += rows
    write(folder / "history.json", [row for row in history if row["day"] < DAYS - 1])
    write(folder / "customers.json", [{"id": name} for name in customers])
    if part == 0:
        (folder / "rules.json").write_text(json.dumps(RULES, indent=1) + "\n", "utf-8")


def order(rng: random.Random, customers: list[str], number: int, day: int) -> dict:
    """One order of a day as it should be, but for what is planted in the history."""
    currency = rng.choice(CURRENCIES)
    is_return = number % 15 == 4
    cents = round(rng.randrange(4000, 6000) * PRICE[currency]) * (-1 if is_return else 1)
    if day == BAD_DAY and currency == "EUR":
        cents *= 100
    return {
        "order_id": number + 1,
        "customer_id": rng.choice(customers),
        "amount": f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}",
        "currency": currency,
        "status": "returned" if is_return else rng.choice(["paid", "shipped"]),
        "discount": rng.choice(["0", "0.1", "0.2"]),
        "placed_at": f"{FIRST + timedelta(days=day, minutes=rng.randrange(1440)):%Y-%m-%dT%H:%M:%SZ}",
        "day": day,
    }


def broken(rng: random.Random, rows: list[dict]) -> list[dict]:
    """Today's orders, with what is planted there."""
    *orphans, nobody, empty, odd, unset = rng.sample(range(len(rows)), 7)
    for place in orphans:
        rows[place]["customer_id"] = f"x-{place}"
    rows[nobody]["customer_id"] = None
    rows[empty]["customer_id"] = ""
    rows[odd]["discount"] = "n/a"
    rows[unset]["discount"] = None
    copies = [dict(rows[place]) for place in (nobody, orphans[0])]  # delivered twice
    return rows + copies


def write(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            told = {name: value for name, value in row.items() if name != "day"}
            file.write(json.dumps(told) + "\n")
