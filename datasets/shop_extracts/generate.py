"""Write what a shop delivers on four nights: changes of orders, and full extracts of its customers."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

NIGHTS = [datetime(2026, 5, 4) + timedelta(days=number) for number in range(4)]
CUSTOMERS = 24
ORDERS = 60
NEW_ORDERS = 8
ORDER_IDS = 100  # more than a part of scale 1 uses
HISTORY_DAYS = 30
STATUSES = ["new", "paid", "shipped", "cancelled"]
NAMES = ["Ada", "Ben", "Cleo", "Dan", "Edda", "Finn", "Gus", "Hal", "Ida", "Jo", "Kai", "Lea"]
CITIES = ["Bergen", "Ghent", "Lucca", "Porto", "Turku", None]


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """`orders_<night>.json` and `customers_<night>.json`; rows grow linearly with `scale`.

    A part is a shop of its own, whose ids no other part has.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    shop = Shop(rng, first, end - first)
    for number, night in enumerate(NIGHTS):
        write(folder / f"customers_{night:%Y-%m-%d}.json", shop.extract(number))
        write(folder / f"orders_{night:%Y-%m-%d}.json", shop.changes(number))


class Shop:
    """The source system: its customers and orders as they are, and the changes not delivered yet."""

    def __init__(self, rng: random.Random, before: int, scale: int) -> None:
        self.rng, self.scale = rng, scale
        self.first_order = ORDER_IDS * before + 1
        numbers = range(CUSTOMERS * before, CUSTOMERS * (before + scale))
        self.customers = {1 + number: self.customer(number) for number in numbers}
        self.known = sorted(self.customers)
        self.orders: dict[int, dict] = {}
        self.held_back: list[tuple[int, dict]] = []  # (night on which it is delivered, change)

    def customer(self, number: int) -> dict:
        rng = self.rng
        began = NIGHTS[0] - timedelta(days=rng.randrange(2, 400), minutes=rng.randrange(600))
        name = f"{rng.choice(NAMES)} {number + 1}"
        return {
            "customer_id": number + 1,
            "name": name,
            "city": rng.choice(CITIES),
            "updated_at": began,
        }

    def extract(self, number: int) -> list[dict]:
        """All customers of a night; some come twice, once as they were before a change."""
        rng, rows = self.rng, []
        if number:
            for customer_id in rng.sample(sorted(self.customers), 6 * self.scale):
                before = self.customers[customer_id]
                moment = self.moment(number)
                after = {**before, "updated_at": moment}
                if rng.random() < 0.65:  # else touched: nothing but its time changes
                    others = [city for city in CITIES if city != before["city"]]
                    after["city"] = rng.choice(others)
                if rng.random() < 0.4:  # changed while the extract was read page by page
                    rows.append(before)
                self.customers[customer_id] = after
            for customer_id in rng.sample(sorted(self.customers), self.scale):
                del self.customers[customer_id]
        rows += self.customers.values()
        rng.shuffle(rows)
        return [stamped(row) for row in rows]

    def changes(self, number: int) -> list[dict]:
        """The changes of orders that are delivered on a night, some late, some for a second time."""
        rng = self.rng
        made = self.first_orders() if number == 0 else self.day_of_changes(number)
        rows = [row for night, row in self.held_back if night == number]
        self.held_back = [held for held in self.held_back if held[0] != number]
        newest = {row["order_id"]: row["updated_at"] for row in made}
        for row in made:
            overtaken = row["updated_at"] < newest[row["order_id"]]
            late = 0 < number < len(NIGHTS) - 1 and rng.random() < (0.7 if overtaken else 0.2)
            if late:
                self.held_back.append((rng.randrange(number + 1, len(NIGHTS)), row))
            else:
                rows.append(row)
        if number > 1:
            rows.append(self.placed(max(self.orders) + 1, NIGHTS[number] - timedelta(days=6)))
        rows += rng.sample(rows, len(rows) // 12)  # redelivered
        rng.shuffle(rows)
        return [stamped(row) for row in rows]

    def first_orders(self) -> list[dict]:
        rows = []
        for order_id in range(self.first_order, self.first_order + ORDERS * self.scale):
            moment = NIGHTS[0] - timedelta(minutes=self.rng.randrange(60, HISTORY_DAYS * 24 * 60))
            rows.append(self.placed(order_id, moment))
        return rows

    def day_of_changes(self, number: int) -> list[dict]:
        rng, rows = self.rng, []
        first = max(self.orders) + 1
        for order_id in range(first, first + NEW_ORDERS * self.scale):
            rows.append(self.placed(order_id, self.moment(number)))
        for order_id in rng.sample(range(self.first_order, first), 2 * NEW_ORDERS * self.scale):
            for _ in range(rng.choice([1, 1, 2])):
                before = self.orders[order_id]
                begun = max(before["updated_at"], NIGHTS[number] - timedelta(days=1))
                if begun >= NIGHTS[number] - timedelta(minutes=3):
                    continue
                left = int((NIGHTS[number] - begun).total_seconds()) // 60
                after = {**before, "updated_at": begun + timedelta(minutes=rng.randrange(1, left))}
                if rng.random() < 0.12:
                    after["is_deleted"] = True
                else:
                    after["status"] = rng.choice(STATUSES)
                    after["amount"] = round(before["amount"] * rng.choice([1, 1, 0.9]), 2)
                self.orders[order_id] = after
                rows.append(after)
        return rows

    def placed(self, order_id: int, moment: datetime) -> dict:
        rng = self.rng
        order = {
            "order_id": order_id,
            "customer_id": rng.choice(self.known),
            "status": "new",
            "amount": round(rng.uniform(5, 300), 2),
            "is_deleted": False,
            "updated_at": moment,
        }
        self.orders[order_id] = order
        return order

    def moment(self, number: int) -> datetime:
        """A time on the day that ends with this night."""
        return NIGHTS[number] - timedelta(minutes=self.rng.randrange(1, 24 * 60))


def stamped(row: dict) -> dict:
    return {**row, "updated_at": f"{row['updated_at']:%Y-%m-%dT%H:%M:%SZ}"}


def write(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
