"""Write a week of order batches whose producer drifts away from the contract, as Parquet."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 200
MANY = 10_000  # rows of Saturday, when one order is bad
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
CITIES = [("Bergen", "5003"), ("Ghent", "9000"), ("Leipzig", "04109"), ("Porto", "4000")]

ADDRESS = pa.struct({"city": pa.string(), "zip": pa.string()})
WITH_COUNTRY = pa.struct({"city": pa.string(), "zip": pa.string(), "country": pa.string()})
COLUMNS = {
    "order_id": pa.int32(),
    "amount": pa.decimal128(8, 2),
    "currency": pa.string(),
    "placed_at": pa.timestamp("us", tz="UTC"),
    "address": ADDRESS,
}
WIDER = COLUMNS | {"order_id": pa.int64(), "amount": pa.decimal128(10, 2), "channel": pa.string()}


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """One file a weekday, Monday to Saturday; rows grow linearly with `scale`."""
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    for number, (name, make) in enumerate(DAYS.items()):
        count = (MANY if make is saturday else ROWS) * (end - first)
        # No day has ids of another, and no part.
        start = 100_000 * first + 10_000 * number * (end - first) + 1
        rows = [order(rng, start + row, MONDAY + timedelta(days=number)) for row in range(count)]
        columns, rows = make(rng, rows)
        pq.write_table(pa.Table.from_pylist(rows, pa.schema(columns)), folder / f"{name}.parquet")


def order(rng: random.Random, order_id: int, day: datetime) -> dict:
    city, code = rng.choice(CITIES)
    return {
        "order_id": order_id,
        "amount": Decimal(rng.randrange(100, 30_000)) / 100,
        "currency": rng.choice(["EUR", "EUR", "USD"]),
        "placed_at": day + timedelta(minutes=rng.randrange(24 * 60)),
        "address": {"city": city, "zip": code} if rng.random() < 0.9 else None,
        "channel": rng.choice(["web", "web", "shop", None]),
    }


def monday(rng: random.Random, rows: list[dict]) -> tuple[dict, list[dict]]:
    """As the contract says."""
    return COLUMNS, rows


def tuesday(rng: random.Random, rows: list[dict]) -> tuple[dict, list[dict]]:
    """Two texts have swapped places, and a column is written in capitals."""
    order = ["order_id", "amount", "channel", "currency", "placed_at", "address"]
    columns = {name: WIDER[name] if name == "channel" else COLUMNS[name] for name in order}
    columns = {name.upper() if name == "currency" else name: columns[name] for name in order}
    return columns, [row | {"CURRENCY": row["currency"]} for row in rows]


def wednesday(rng: random.Random, rows: list[dict]) -> tuple[dict, list[dict]]:
    """Ids that no int holds, and amounts of more than six digits."""
    for row in rng.sample(rows, 10):
        row["amount"] += 1_000_000
    return WIDER, [row | {"order_id": row["order_id"] + 3_000_000_000} for row in rows]


def thursday(rng: random.Random, rows: list[dict]) -> tuple[dict, list[dict]]:
    """Amounts come as text, some of them with three decimals or none at all; a nested field."""
    odd = ["n/a", "12.345", " 7.50", "1e3"]
    for number, row in enumerate(rows):
        row["amount"] = odd[number // 50 % 4] if number % 50 == 7 else str(row["amount"])
        if row["address"]:
            row["address"] |= {"country": "NO"}
    return WIDER | {"amount": pa.string(), "address": WITH_COUNTRY}, rows


def friday(rng: random.Random, rows: list[dict]) -> tuple[dict, list[dict]]:
    """`amount` is called `total` and `channel` is gone, and nobody was told."""
    columns = {"total" if name == "amount" else name: kind for name, kind in WIDER.items()}
    del columns["channel"]
    return columns, [row | {"total": row["amount"]} for row in rows]


def saturday(rng: random.Random, rows: list[dict]) -> tuple[dict, list[dict]]:
    """One order in ten thousand has no currency."""
    for row in rows[::MANY]:
        row["currency"] = None
    rng.shuffle(rows)
    return WIDER, rows


DAYS = {
    "1_monday": monday,
    "2_tuesday": tuesday,
    "3_wednesday": wednesday,
    "4_thursday": thursday,
    "5_friday": friday,
    "6_saturday": saturday,
}
