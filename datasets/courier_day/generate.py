"""Write a courier's day: logins and parcel scans, one JSON-lines file of each for 90 minutes."""

import json
import os
import random
from datetime import datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 10, 8)
FILES = 8
MINUTES = 90
USERS = 40
PARCELS = 60
HUBS = ["Aarhus", "Bari", "Cork", "Delft", "Evora"]
# How a user logs in: minutes of the failures before a success, counted back from it.
ATTEMPTS = {
    "attack": [9.5, 6, 4, 2, 1],
    "slow attack": [40, 30, 20, 3],
    "interrupted": [9, 8],  # a success comes between, 7 minutes before
    "typing error": [0.5],
}


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """`logins/logins_<time>.json` and `scans/scans_<time>.json`, by the end of their arrival.

    Users and parcels grow linearly with `scale`; a part has users and parcels of its own.
    Modification times are set 90 minutes apart, because a file source reads in their order.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    users, parcels = range(USERS * first, USERS * end), range(PARCELS * first, PARCELS * end)
    write(folder / "logins", [sent for user in users for sent in logins(rng, user)])
    write(folder / "scans", [sent for parcel in parcels for sent in scans(rng, parcel)])


def logins(rng: random.Random, user: int) -> list[tuple[float, dict]]:
    """The logins of a user, each with the minute of its arrival."""
    name, ip = f"u-{user:03d}", f"10.0.{rng.randrange(40)}.{rng.randrange(250)}"
    if user % 20 == 0:  # a robot that never gets in
        times = [(minute + rng.uniform(0, 0.9), False) for minute in range(0, 700, 4)]
        return [sent for minute, ok in times for sent in login(rng, name, minute, ok, ip)]
    sent = []
    for shift in range(rng.choice([2, 3, 4])):
        success = shift * 170 + rng.uniform(50, 150)
        kind = list(ATTEMPTS)[user // 2 % 4] if user % 2 and shift == 1 else "typing error"
        if kind == "interrupted":
            sent += login(rng, name, success - 7, True, ip)
        for back in ATTEMPTS[kind]:
            sent += login(rng, name, success - back, False, ip)
        sent += login(rng, name, success, True, ip)
    return sent


def login(
    rng: random.Random, user: str, minute: float, ok: bool, ip: str
) -> list[tuple[float, dict]]:
    """One login as it arrives: out of order by up to eight minutes, or hours late, or twice."""
    row = {"user_id": user, "at": stamp(minute), "ok": ok, "ip": ip if rng.random() < 0.9 else None}
    arrival = minute + rng.choice([0.1, 0.1, 1, 8]) * rng.random()
    if rng.random() < 0.01:
        arrival += 200  # a depot without a network
    copies = 2 if rng.random() < 0.05 else 1
    return [(arrival + 3 * copy, row) for copy in range(copies)]


def scans(rng: random.Random, parcel: int) -> list[tuple[float, dict]]:
    """The way of a parcel through the hubs, each scan with the minute of its arrival."""
    name, minute = f"p-{parcel:03d}", rng.uniform(0, 240)
    ends = ["delivered"] * 7 + ["lost", "returned", "sorted in circles"]
    kind = ends[parcel % 10]
    stops = rng.randrange(3, 6)
    if kind == "sorted in circles":
        times = [minute + 15 * lap for lap in range(int((700 - minute) / 15))]
        return numbered(rng, name, [(time, rng.choice(HUBS), False) for time in times])
    way = []
    for stop in range(stops):
        way.append((minute, HUBS[stop], False))
        minute += rng.uniform(20, 110) if rng.random() < 0.88 else rng.uniform(130, 200)
    if kind != "lost":
        way.append((minute, HUBS[stops - 1], True))
    if kind == "returned":
        way.append((minute + 45, HUBS[stops - 1], False))
    return numbered(rng, name, way)


def numbered(rng: random.Random, parcel: str, way: list[tuple]) -> list[tuple[float, dict]]:
    """Scans with their ids as they arrive. A handheld sends some again, with another time."""
    sent = []
    for number, (minute, hub, delivered) in enumerate(way):
        row = {
            "event_id": f"{parcel}-{number}",
            "parcel_id": parcel,
            "at": stamp(minute),
            "hub": hub,
            "delivered": delivered,
        }
        sent.append((minute + rng.choice([0.1, 0.5, 8]) * rng.random(), row))
        if rng.random() < 0.08:
            later = minute + rng.choice([2, 60, 200])
            sent.append((later + rng.random(), {**row, "at": stamp(later)}))
    return sent


def stamp(minute: float) -> str:
    return f"{START + timedelta(seconds=int(minute * 60)):%Y-%m-%dT%H:%M:%SZ}"


def write(folder: Path, sent: list[tuple[float, dict]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sent.sort(key=lambda one: one[0])
    for number in range(FILES):
        begun, ended = number * MINUTES, (number + 1) * MINUTES
        time = START + timedelta(minutes=ended)
        path = folder / f"{folder.name}_{time:%H%M}.json"
        with path.open("w", encoding="utf-8", newline="\n") as file:
            rows = [row for minute, row in sent if begun <= minute < ended]
            file.writelines(json.dumps(row) + "\n" for row in rows)
        seconds = (time - datetime(1970, 1, 1)).total_seconds()  # UTC, wherever this runs
        os.utime(path, (seconds, seconds))
