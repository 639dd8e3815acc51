"""Write batches of three systems that know the same customers, as JSON lines."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

DAYS = [datetime(2026, 3, 2) + timedelta(days=number) for number in range(5)]
CUSTOMERS = 24
ORDERS = 12
PLACES = ["Dock", "Gate", "Hall", "Pier", "Quay", "Yard"]


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """`crm_<day>.json`, `shop_<day>.json` and `erp_orders_<day>.json`; rows grow with `scale`.

    A part has customers of its own, with what each system says of them and their orders.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    numbers = range(CUSTOMERS * first, CUSTOMERS * end)
    addresses = {number: address(rng) for number in numbers}
    for day, start in enumerate(DAYS):
        crm = [row for number in numbers for row in said_by_crm(rng, number, day, addresses)]
        crm += rng.sample(crm, len(crm) // 6)  # copies
        rng.shuffle(crm)
        write(folder / f"crm_{start:%Y-%m-%d}.json", crm)
        shop = [row for number in numbers for row in said_by_shop(number, day, addresses)]
        write(folder / f"shop_{start:%Y-%m-%d}.json", shop)
        orders = [order(rng, number, day) for number in range(ORDERS * first, ORDERS * end)]
        write(folder / f"erp_orders_{start:%Y-%m-%d}.json", orders)


def said_by_crm(
    rng: random.Random, number: int, day: int, addresses: dict[int, str]
) -> list[dict]:
    """What the CRM says of a customer in the batch of a day: new, changed, or nothing."""
    if number % 8 == 5 or number % 24 == 6:  # the shop's alone, or only in orders
        return []
    is_new = day == min(number % 4, 2)
    if not is_new and rng.random() < 0.7:
        return []
    before = addresses[number]
    if not is_new and rng.random() < 0.5:
        addresses[number] = address(rng)
    told = DAYS[day] + timedelta(hours=6)
    row = {
        "customer_no": written(rng, number),
        "name": f"Customer {number} Ltd",
        "address": None if number % 8 == 3 else "" if number % 8 == 7 else addresses[number],
        "credit_limit": f"{(number % 40 + day // 3) * 250}.50",
        "contacted_at": stamp(told - timedelta(microseconds=rng.randrange(10**9))),
        "load_ts": stamp(told),
        "record_source": "crm",
    }
    if number % 6 != 1:
        return [row]
    # Two changes in one batch: away, and back an hour later.
    back = {**row, "address": before, "load_ts": stamp(told + timedelta(hours=1))}
    return [row, back]


def said_by_shop(number: int, day: int, addresses: dict[int, str]) -> list[dict]:
    """The customer's row in the shop's full extract of a day; none if the shop hasn't got it."""
    is_gone = (number % 8 == 1 and day == 3) or (number % 8 == 2 and day == 4)
    if number % 8 == 6 or is_gone:  # the CRM's alone, or deleted
        return []
    shed = day // 3
    if number % 4 == 0:  # a wrong address for a day
        shed = 9 if day == 2 else 0
    return [
        {
            "customer_no": f"web-{number:03}",
            "name": f"customer {number}",
            "address": addresses[number] if number % 6 == 3 else f"Shed {number}, gate {shed}",
            "load_ts": stamp(DAYS[day] + timedelta(hours=22)),
            "record_source": "shop",
        }
    ]


def order(rng: random.Random, number: int, day: int) -> dict:
    """An order of a customer."""
    customer = number // ORDERS * CUSTOMERS + (rng.randrange(CUSTOMERS) if number % ORDERS else 6)
    return {
        "order_no": f"{day}{number:05}",
        "customer_no": written(rng, customer),
        "load_ts": stamp(DAYS[day] + timedelta(hours=12)),
        "record_source": "erp",
    }


def written(rng: random.Random, number: int) -> str:
    """The key of a customer, as people type it."""
    key = f"web-{number:03}"
    return rng.choice([key, key, key.upper(), f"{key} ", f"  {key.title()}"])


def address(rng: random.Random) -> str:
    return f"{rng.choice(PLACES)} {rng.randrange(1, 60)}"


def stamp(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='microseconds')}Z"


def write(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
