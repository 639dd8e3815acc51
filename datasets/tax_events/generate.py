"""Nine days of a shop's tax events, a file a day, and what arrives while somebody rebuilds them."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

EVENTS = 12  # a day
DAYS = 9
FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
COUNTRIES = ["AT", "DE", "DE", "EL", "FR", "IT"]


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`history/` has a file for each day, `arriving/` two files that come later.

    The events of a file grow with `scale`. A part has events and files of its own.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    share = scale * (part + 1) // parts - scale * part // parts
    shop = Shop(folder, rng, part, EVENTS * share)
    for day in range(DAYS):
        shop.write(f"history/2026-11-{day + 1:02}", [day] * shop.count)
    # Most events of the evening are of the last day; one in four is late, for a day before.
    shop.write("arriving/evening-1", shop.late())
    shop.write("arriving/evening-2", shop.late())


class Shop:
    """What one part of the shop sends: events with ids of their own."""

    def __init__(self, folder: Path, rng: random.Random, part: int, count: int) -> None:
        self.folder = folder
        self.rng = rng
        self.part = part
        self.count = count
        self.number = 1_000_000 * part

    def late(self) -> list[int]:
        half = max(4, self.count // 2)
        return [self.rng.randrange(DAYS - 1) if n % 4 == 0 else DAYS - 1 for n in range(half)]

    def write(self, name: str, days: list[int]) -> None:
        """A file of events of these days, a line each."""
        path = self.folder / (f"{name}-{self.part:02d}.json" if self.part else f"{name}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{json.dumps(self.event(day))}\n" for day in days))

    def event(self, day: int) -> dict:
        self.number += 1
        at = FIRST_DAY + timedelta(days=day, minutes=self.rng.randrange(24 * 60))
        return {
            "event_id": f"e{self.number:04}",
            "order_id": f"o{self.number // 2:04}",
            "country": self.rng.choice(COUNTRIES),
            "net": self.rng.randrange(500, 20_000) / 100,
            "at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        }
