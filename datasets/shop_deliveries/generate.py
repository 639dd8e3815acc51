"""Write what shops deliver on three nights, and one file that a shop sends again."""

import random
from datetime import date, timedelta
from pathlib import Path

NIGHTS = [date(2026, 3, 5) + timedelta(days=number) for number in range(3)]
SHOPS = ("north", "south", "west")
CITIES = ("Bonn", "Kiel", "Ulm")
CUSTOMERS, SALES = 8, 6  # in each part; sales of a shop and day


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`landing/night=.../` and `corrected/night=.../`; a larger scale has more customers."""
    rng = random.Random(seed * 1_000 + part)
    customers = [f"c{part:02}{number}" for number in range(CUSTOMERS)]
    lives = {customer: rng.choice(CITIES) for customer in customers}
    moves = customers[0]  # on the second night
    files: dict[str, list[str]] = {}
    count = 0

    def sell(day: date, customer: str) -> str:
        nonlocal count
        count += 1
        return f"{part:02}{count:04},{customer},{day},{rng.randint(100, 9_900)}"

    for number, night in enumerate(NIGHTS):
        if number == 1:
            lives[moves] = "Jena"  # where nobody else lives
        arrived = f"landing/night={night}"
        files[f"{arrived}/customers.csv"] = [f"{name},{city}" for name, city in lives.items()]
        for shop in SHOPS:
            lines = [sell(night, rng.choice(customers)) for _ in range(SALES)]
            late = (shop, number) == ("south", 0)
            place = f"landing/night={NIGHTS[1]}" if late else arrived
            files[f"{place}/sales-{shop}-{night}.csv"] = lines
    # Sold on the second day to the customer who moved that day, and delivered on the third.
    files[f"landing/night={NIGHTS[2]}/sales-fair-{NIGHTS[1]}.csv"] = [
        sell(NIGHTS[1], moves) for _ in range(3)
    ]
    bad = f"night={NIGHTS[1]}/sales-west-{NIGHTS[1]}.csv"
    files[f"corrected/{bad}"] = files[f"landing/{bad}"]
    files[f"landing/{bad}"] = [
        ",".join([*line.split(",")[:3], f"-{line.split(',')[3]}"]) for line in files[f"landing/{bad}"]
    ]
    for name, lines in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        first = "customer,city" if path.name == "customers.csv" else "order_id,customer,day,cents"
        head = [first] if part == 0 else []
        path.write_text("\n".join([*head, *lines]) + "\n")
