"""Write the package of a chain of shops with its tests, and a month of sales."""

import json
import random
import shutil
from datetime import datetime, timedelta
from pathlib import Path

SHOPS = ["Bari", "Lodi", "Turin"]
FIRST, DAYS = datetime(2026, 3, 1), 31
QUIET, BUSY = 4, 40  # sales of a shop on a weekday, on a Saturday


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`sales.json` grows with `scale`; the first part also copies `pricing.py` and its tests."""
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    rows = month(rng, end - first, 1 + 10_000 * first)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "sales.json").write_text(text, "utf-8")
    if part == 0:
        for name in ("pricing.py", "test_pricing.py"):
            shutil.copyfile(Path(__file__).parent / name, folder / name)


def month(rng: random.Random, times: int, first: int) -> list[dict]:
    """Sales in the order of arrival: few dear ones on weekdays, many cheap ones on Saturdays."""
    rows = []
    for shop in SHOPS:
        for day in range(DAYS):
            date = FIRST + timedelta(days=day)
            saturday = date.weekday() == 5
            for _ in range(times * (BUSY if saturday else QUIET)):
                cents = rng.randrange(200, 900) if saturday else rng.randrange(2_000, 9_000)
                sold_at = date + timedelta(seconds=rng.randrange(24 * 3600))
                amount = None if rng.random() < 0.02 else cents
                rows.append((shop, sold_at, amount))
    rng.shuffle(rows)
    return [
        {
            "sale_id": first + number,
            "shop": shop,
            "sold_at": f"{sold_at:%Y-%m-%dT%H:%M:%S}Z",
            "amount": None if cents is None else f"{cents // 100}.{cents % 100:02}",
        }
        for number, (shop, sold_at, cents) in enumerate(rows)
    ]
