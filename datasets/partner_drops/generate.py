"""Three days of a partner's drops: files that repeat, change, drift and break, with their times."""

import gzip
import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

SHIPMENTS = 20  # a file
CARRIERS = ["Albatros", "Kestrel", "Merlin"]
DAYS = [datetime(2026, 10, number, 6, tzinfo=UTC) for number in (2, 3, 4)]
TYPO = "C02_kg"  # a zero, not the letter


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`day-1/` to `day-3/`: what arrives on each day, in the folders `north` and `south`.

    The lines of a file grow with `scale`. A part has files and shipments of its own.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    share = scale * (part + 1) // parts - scale * part // parts
    drops = Drops(folder, rng, part, SHIPMENTS * share)
    first_day(drops)
    over_night(drops)
    second_day(drops)
    third_day(drops)


class Drops:
    """What one part of the partner writes: lines of new shipments, and files with their times."""

    def __init__(self, folder: Path, rng: random.Random, part: int, lines: int) -> None:
        self.folder = folder
        self.rng = rng
        self.part = part
        self.lines = lines
        self.shipment = 1_000_000 * part
        self.minute = 0

    def shipments(self, day: int, **more: object) -> list[dict]:
        """The shipments of one file; `more` are fields that the first releases do not have."""
        found = []
        for _ in range(self.lines):
            self.shipment += 1
            delivered = DAYS[day] - timedelta(minutes=self.rng.randrange(30, 1400))
            found.append(
                {
                    "shipment_id": self.shipment,
                    "carrier": self.rng.choice(CARRIERS),
                    "weight_kg": self.rng.randrange(5, 400) / 10,
                    "delivered_at": f"{delivered:%Y-%m-%dT%H:%M:%SZ}",
                    **{name: make(self.rng) for name, make in more.items()},
                }
            )
        return found

    def write(self, day: int, name: str, data: bytes, *, days_old: int = 0) -> None:
        """A file of this part, with a modification time of its own that no clock decides."""
        lane, _, file = name.partition("/")
        stem, _, ending = file.partition(".")
        number = f"-{self.part:02d}" if self.part else ""
        path = self.folder / f"day-{day + 1}" / lane / f"{stem}{number}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.minute += 1
        moment = DAYS[day] + timedelta(minutes=self.minute, days=-days_old)
        os.utime(path, (moment.timestamp(),) * 2)


def text(shipments: list[dict]) -> bytes:
    return "".join(f"{json.dumps(one)}\n" for one in shipments).encode()


def co2(rng: random.Random) -> float:
    return rng.randrange(10, 900) / 100


def first_day(drops: Drops) -> None:
    packed = gzip.compress(text(drops.shipments(0)), mtime=0)
    drops.write(0, "south/shipments-002.json.gz", packed)
    drops.write(0, "south/shipments-003.json", b"")
    drops.write(0, "north/_manifest.json", b'{"files": 4}\n')


def over_night(drops: Drops) -> None:
    """Files of the first day that come again on the second: copied, corrected, or finished."""
    north, south, growing = (drops.shipments(0) for _ in range(3))
    drops.write(0, "north/shipments-001.json", text(north))
    drops.write(1, "north/shipments-001-copy.json", text(north))
    drops.write(0, "south/shipments-001.json", text(south))
    corrected = [{**one, "carrier": "Osprey"} for one in south[:2]] + south[2:]
    drops.write(1, "south/shipments-001.json", text(corrected))
    whole = text(growing)
    # The partner is still writing: the last line stops somewhere.
    drops.write(0, "north/shipments-002.json.part", whole[: len(whole) * 2 // 3])
    drops.write(1, "north/shipments-002.json", whole)


def second_day(drops: Drops) -> None:
    exported = text(drops.shipments(1, co2_kg=co2))
    drops.write(1, "north/shipments-003.json", b"\xef\xbb\xbf" + exported[:-25])
    drifting = drops.shipments(1, co2_kg=co2)
    for one in drifting[::7]:
        one[TYPO] = one.pop("co2_kg")
    drops.write(1, "south/shipments-004.json", text(drifting))
    returns = [f"{one['shipment_id']},{one['carrier']}" for one in drifting[:3]]
    rows = "\n".join(["shipment_id,carrier", *returns])
    drops.write(1, "south/returns.csv", f"{rows}\n".encode())


def third_day(drops: Drops) -> None:
    with_units = drops.shipments(2, co2_kg=co2)
    for number, one in enumerate(with_units):
        if number % 3 == 0:
            one["weight_kg"] = f"{one['weight_kg']} kg"
        if number % 5 == 0:
            one["customs"] = {"code": f"86{drops.rng.randrange(10, 99)}", "duties": [1.5, None]}
    drops.write(2, "south/shipments-005.json", text(with_units))
    drops.write(2, "north/shipments-004.json", text(drops.shipments(2)), days_old=40)
    poison = drops.shipments(2, co2_kg=co2)
    for one in poison[3::11]:
        one["weight_kg"] = -one["weight_kg"]
    drops.write(2, "north/shipments-005.json", text(poison))
