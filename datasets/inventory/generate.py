"""Write the stock of three warehouses, a count of one, order lines and a queue of changes, as JSON."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

NIGHT = datetime(2026, 3, 9, 2)
WAREHOUSES = ["Bari", "Cork", "L'Aquila"]
SKUS = 40  # of each warehouse
COUNTED, NEW = 12, 3  # rows of a count: known skus and new ones
BATCHES, LINES = 3, 20
QUEUED = 30
SENDERS = ["count", "returns", "supplier"]


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`inventory`, `counts`, `orders` and `queue`; rows grow linearly with `scale`."""
    rng = random.Random(f"{seed} part {part}" if part else seed)
    files: dict[str, list[dict]] = {"inventory": [], "counts": [], "orders": [], "queue": []}
    for number in range(scale * part // parts, scale * (part + 1) // parts):
        skus = [f"S-{1000 + 100 * number + sku}" for sku in range(SKUS)]
        stock = [row(rng, warehouse, sku) for warehouse in WAREHOUSES for sku in skus]
        files["inventory"] += stock
        files["counts"] += counts(rng, stock, number)
        for batch in range(1, BATCHES + 1):
            files["orders"] += order_lines(rng, stock, f"B-{batch}")
        files["queue"] += queued(rng, stock)
    for name, rows in files.items():
        text = "".join(json.dumps(one) + "\n" for one in rows)
        (folder / f"{name}.json").write_text(text, "utf-8")


def row(rng: random.Random, warehouse: str, sku: str, *, hours: int = 0) -> dict:
    time = NIGHT + timedelta(hours=hours, minutes=rng.randrange(60))
    return {
        "warehouse": warehouse,
        "sku": sku,
        "qty": rng.randrange(2, 60),
        "updated_at": f"{time.isoformat()}Z",
        "source": rng.choice(SENDERS),
    }


def counts(rng: random.Random, stock: list[dict], number: int) -> list[dict]:
    """What was counted in the first warehouse, an hour later; some skus are new there."""
    known = [one["sku"] for one in rng.sample(stock[:SKUS], COUNTED)]
    new = [f"N-{1000 + 10 * number + sku}" for sku in range(NEW)]
    return [row(rng, WAREHOUSES[0], sku, hours=1) | {"source": "count"} for sku in [*known, *new]]


def order_lines(rng: random.Random, stock: list[dict], batch: str) -> list[dict]:
    """Lines of one batch: one sku twice, one that asks for too much, one that nobody stocks."""
    asked = rng.sample(stock, LINES - 2)
    lines = [
        {
            "batch_id": batch,
            "warehouse": one["warehouse"],
            "sku": one["sku"],
            "qty": rng.randrange(1, 3),
        }
        for one in asked
    ]
    lines[1]["qty"] = asked[1]["qty"] + 5
    unknown = lines[2] | {"sku": "S-0000"}
    return [*lines, {**lines[0], "qty": 1}, unknown]


def queued(rng: random.Random, stock: list[dict]) -> list[dict]:
    """Changes from several senders: some older than the stock, some twice, one sku from two."""
    rows = [
        row(rng, one["warehouse"], one["sku"], hours=rng.choice([-1, 1, 2]))
        for one in rng.sample(stock, QUEUED)
    ]
    newer = row(rng, rows[4]["warehouse"], rows[4]["sku"], hours=5)
    return [*rows, *rows[:3], newer]
