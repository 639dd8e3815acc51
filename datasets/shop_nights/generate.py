"""Write what shops deliver on six nights, lists of prices, and what stands for a cluster."""

import random
import shutil
from datetime import date, timedelta
from pathlib import Path

FIRST, DAYS = date(2026, 3, 26), 6
MISSING, SHORT = date(2026, 3, 27), date(2026, 3, 30)
PRODUCTS = {"tea": 450, "coffee": 690, "cocoa": 520}
ORDERS = 12  # of a day, in each part


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`landing/day=.../`, `prices/*.csv` and `spark_submit.py`; a larger scale has more orders."""
    rng = random.Random(seed * 1_000 + part)
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        if day == MISSING:
            continue
        place = folder / "landing" / f"day={day}"
        place.mkdir(parents=True, exist_ok=True)
        lines = ["order_id,product,quantity"]
        for each in range(ORDERS):
            order = f"{day:%m%d}{part:02}{each:02}"
            lines.append(f"{order},{rng.choice(list(PRODUCTS))},{rng.randint(1, 5)}")
        if day == SHORT:
            lines = lines[:-2]
        (place / f"orders-{part:02}.csv").write_text("\n".join(lines) + "\n")
        if part == 0:
            (place / "_SUCCESS").write_text(f"{ORDERS * parts}\n")
    if part:
        return
    (folder / "prices").mkdir()
    for day, more in ((date(2026, 3, 1), 0), (date(2026, 3, 31), 50), (date(2026, 4, 1), 90)):
        lines = ["product,cents", *(f"{name},{cents + more}" for name, cents in PRODUCTS.items())]
        (folder / "prices" / f"{day}.csv").write_text("\n".join(lines) + "\n")
    shutil.copyfile(Path(__file__).parent / "spark_submit.py", folder / "spark_submit.py")
