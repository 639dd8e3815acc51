"""Write six daily batches of product updates and the sales of that week, as JSON lines."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

DAYS = [datetime(2026, 3, 2) + timedelta(days=number) for number in range(6)]
PRODUCTS = 60
SALES = 400
FIRST_ID = 101
MATERIALS = ["Copper", "Oak", "Linen", "Steel", "Cork", "Glass", "Slate", "Wool"]
THINGS = ["kettle", "lamp", "tray", "shelf", "apron", "jar", "clock", "basket", "stool", "mirror"]
CATEGORIES = ["kitchen", "garden", "office", "living", None]


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """`updates_<day>.json`, one file a day, and `sales.json`; rows grow linearly with `scale`.

    A part has products of its own, and their sales.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    numbers = range(PRODUCTS * first, PRODUCTS * end)
    catalogue = [Product(rng, FIRST_ID + number, number) for number in numbers]
    for number, day in enumerate(DAYS):
        rows = [row for product in catalogue for row in product.batch(number)]
        rows += rng.sample(rows, len(rows) // 25)  # redelivered
        rng.shuffle(rows)
        write(folder / f"updates_{day:%Y-%m-%d}.json", rows)
    write(folder / "sales.json", sales(rng, catalogue, range(SALES * first, SALES * end)))


class Product:
    """One product: what the feed has said of it so far, and what it says next."""

    def __init__(self, rng: random.Random, product_id: int, number: int) -> None:
        self.rng, self.product_id = rng, product_id
        self.values = {
            "name": f"{rng.choice(MATERIALS)} {rng.choice(THINGS)}",
            "category": rng.choice(CATEGORIES),
            "price": round(rng.uniform(5, 120), 2),
        }
        self.born = 2 if number % 12 == 5 else 0
        self.pause = {2, 3} if number % 8 == 3 else set()
        self.corrected = {2: "split", 6: "first", 10: "replace"}.get(number % 15)
        self.times: list[datetime] = []

    def batch(self, number: int) -> list[dict]:
        """The rows of this product in the batch of one day."""
        if number < self.born or number in self.pause:
            return []
        rng = self.rng
        if number == self.born:
            self.times.append(self.moment(number))
            return [self.row(self.times[-1], self.values)]
        rows = []
        if rng.random() < 0.55:
            times = sorted({self.moment(number) for _ in range(rng.choice([1, 1, 1, 2, 3]))})
            for moment in times:
                if rng.random() > 0.3:  # else a no-op: the row says what is known already
                    self.values = self.changed()
                self.times.append(moment)
                rows.append(self.row(moment, self.values))
        if number == 4 and self.corrected:
            rows.append(self.row(self.past(), self.changed()))
        return rows

    def changed(self) -> dict:
        """The values with one attribute changed; the category often from or to null."""
        rng, values = self.rng, dict(self.values)
        what = rng.choice(["price", "price", "category", "name"])
        if what == "price":
            factor = rng.choice([0.8, 0.9, 1.1, 1.25])
            values["price"] = round(values["price"] * factor, 2)
        elif what == "category":
            others = [name for name in CATEGORIES if name != values["category"]]
            values["category"] = (
                None if None in others and rng.random() < 0.5 else rng.choice(others)
            )
        else:
            values["name"] = values["name"].split(" (")[0] + f" (v{rng.randrange(2, 99)})"
        return values

    def past(self) -> datetime:
        """When a late correction was effective: inside a version, before the first, or at a start."""
        first = self.times[0]
        if self.corrected == "first":
            return first - timedelta(hours=self.rng.randrange(2, 9))
        if self.corrected == "replace":
            return first
        return first + timedelta(hours=self.rng.randrange(26, 50), seconds=30)

    def moment(self, number: int) -> datetime:
        return DAYS[number] + timedelta(minutes=self.rng.randrange(7 * 60, 20 * 60))

    def row(self, moment: datetime, values: dict) -> dict:
        return {"product_id": self.product_id, **values, "updated_at": stamp(moment)}


def sales(rng: random.Random, catalogue: list[Product], numbers: range) -> list[dict]:
    """Sales of the week: some at the very instant of an update, some of an unknown product."""
    rows = []
    for number in numbers:
        product = rng.choice(catalogue)
        if number % 20 == 7:
            moment = rng.choice(product.times)
        else:
            moment = DAYS[0] + timedelta(minutes=rng.randrange(8 * 60, len(DAYS) * 24 * 60))
        known = number % 50 != 31
        rows.append(
            {
                "sale_id": number + 1,
                "product_id": product.product_id if known else FIRST_ID - 1 - rng.randrange(9),
                "quantity": rng.randrange(1, 6),
                "sold_at": stamp(moment),
            }
        )
    return rows


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def write(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
