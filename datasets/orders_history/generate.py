"""Write the commits of an orders table, with two bad ones, and the batches that they bring."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 9, 20)
ORDERS = {1: 160, 2: 60, 3: 60, 4: 50, 5: 40}  # rows of the loader's batches, by txnVersion
STATUSES = ["open", "open", "paid", "paid", "paid", "shipped", "cancelled"]
NEXT = {"open": "paid", "paid": "shipped"}
BATCH_HOURS = {1: 0, 2: 2, 3: 4, 4: 7, 5: 9}
STATUS_HOURS = {1: 3, 2: 8}
MERGE = (
    "MERGE INTO {table} AS old USING {batch} AS new ON old.order_id = new.order_id "
    "WHEN MATCHED THEN UPDATE SET status = new.status, updated_at = new.updated_at"
)
COMMITS = [
    {"by": "loader", "file": "batch_1.json", "txn": 1},
    {"by": "loader", "file": "batch_2.json", "txn": 2},
    {"by": "status-sync", "file": "status_1.json", "sql": MERGE},
    {"by": "loader", "file": "batch_3.json", "txn": 3},
    {"by": "deploy-417", "sql": "UPDATE {table} SET price = price * 2 WHERE order_id % 2 = 0"},
    {"by": "deploy-417", "sql": "DELETE FROM {table} WHERE status = 'cancelled'"},
    {"by": "loader", "file": "batch_4.json", "txn": 4},
    {"by": "status-sync", "file": "status_2.json", "sql": MERGE},
    {"by": "nightly", "sql": "OPTIMIZE {table}"},
    {"by": "loader", "file": "batch_5.json", "txn": 5},
    {"by": "test-orders", "sql": "DELETE FROM {table} WHERE customer_id = 0"},
]


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`commits.json`, in the order of the table's versions, and the batches that it names.

    Rows grow linearly with `scale`; a part has orders of its own. The commits are always the same.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    known: list[dict] = []
    next_id = 1001 + sum(ORDERS.values()) * first
    for number, rows in ORDERS.items():
        time = START + timedelta(hours=BATCH_HOURS[number])
        count = rows * (end - first)
        batch = [order(rng, order_id, time) for order_id in range(next_id, next_id + count)]
        next_id += count
        write(folder / f"batch_{number}.json", batch)
        known += batch
        # What is known after batches 2 and 4 is what the two updates of the statuses speak of.
        if number % 2 == 0:
            moved = status_changes(rng, known, number // 2)
            write(folder / f"status_{number // 2}.json", moved)
    if part == 0:
        write(folder / "commits.json", COMMITS)


def order(rng: random.Random, order_id: int, time: datetime) -> dict:
    """A new order; customer 0 is the shop's own, for tests, and a gift has no price."""
    return {
        "order_id": order_id,
        "customer_id": 0 if order_id % 70 == 0 else rng.randrange(1, 90),
        "status": rng.choice(STATUSES),
        "price": None if rng.random() < 0.04 else round(rng.uniform(4, 180), 2),
        "updated_at": stamp(time - timedelta(minutes=rng.randrange(1, 90))),
    }


def status_changes(rng: random.Random, known: list[dict], number: int) -> list[dict]:
    """The next status of some orders of odd numbers, which the bad update leaves alone."""
    time = START + timedelta(hours=STATUS_HOURS[number])
    waiting = [row for row in known if row["status"] in NEXT and row["order_id"] % 2]
    moved = rng.sample(waiting, len(waiting) // 8)
    for row in moved:
        row["status"] = NEXT[row["status"]]
    return [
        {"order_id": row["order_id"], "status": row["status"], "updated_at": stamp(time)}
        for row in moved
    ]


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def write(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
