"""Write ticks and quotes of a trading desk, and rides, address bands and blocked rides of a taxi fleet."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

OPENS = datetime(2026, 3, 9, 9)
HOURS = 2
SYMBOLS = ["ACME", "BOLT", "CRUX", "DUNE", "ECHO", "FLUX"]
HOT = 0.6  # of the ticks: the first symbol
UNQUOTED, STALE = "FLUX", "ECHO"  # no quotes; no quotes after the first half hour
TICKS, QUOTES, RIDES = 600, 800, 500
FIRST_IP = 167_772_160  # 10.0.0.0
ADDRESSES = 2**22
BANDS = 60
WIDTHS = [2**8, 2**10, 2**12, 2**14]
BLOCKED = 40


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`ticks`, `quotes`, `rides`, `bands` and `blocked`; all but the bands grow with `scale`.

    Every part has the same symbols and bands; the first part has the bands' file filled.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    times = end - first
    rides = taxi_rides(rng, range(RIDES * first, RIDES * end))
    files = {
        "ticks": ticks(rng, range(TICKS * first, TICKS * end)),
        "quotes": quotes(rng, range(QUOTES * first, QUOTES * end)),
        "rides": rides,
        "bands": [] if part else bands(rng),
        "blocked": blocked(rng, rides, BLOCKED * times),
    }
    for name, rows in files.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.json").write_text(text, "utf-8")


def moment(rng: random.Random, seconds: int = HOURS * 3600) -> str:
    """A time of the session: most to the second, so that several rows share one."""
    time = OPENS + timedelta(seconds=rng.randrange(seconds))
    if rng.random() < 0.3:
        time += timedelta(milliseconds=rng.randrange(1000))
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"


def ticks(rng: random.Random, numbers: range) -> list[dict]:
    rows = []
    for number in numbers:
        symbol = SYMBOLS[0] if rng.random() < HOT else rng.choice(SYMBOLS[1:])
        rows.append(
            {
                "tick_id": 1_000_001 + number,
                "symbol": None if rng.random() < 0.02 else symbol,
                "ts": moment(rng),
                "qty": 10 * rng.randrange(1, 40),
            }
        )
    return rows


def quotes(rng: random.Random, numbers: range) -> list[dict]:
    """Every twentieth corrects the one before it, at the same time; a few have no bid."""
    rows: list[dict] = []
    for number in numbers:
        if number % 20 == 19:
            row = {**rows[-1], "ask": round(rows[-1]["ask"] + 0.05, 2)}
        else:
            symbol = rng.choice([name for name in SYMBOLS if name != UNQUOTED])
            bid = round(20 + rng.randrange(1000) / 100, 2)
            row = {
                "symbol": None if rng.random() < 0.02 else symbol,
                "ts": moment(rng, 1800 if symbol == STALE else HOURS * 3600),
                "bid": None if rng.random() < 0.05 else bid,
                "ask": round(bid + 0.1, 2),
            }
        rows.append({**row, "seq": 1 + number})
    rng.shuffle(rows)
    return rows


def taxi_rides(rng: random.Random, numbers: range) -> list[dict]:
    """Every fiftieth has no id, every hundredth comes twice, some have no address."""
    rows = []
    for number in numbers:
        address = FIRST_IP + rng.randrange(ADDRESSES + ADDRESSES // 10)
        row = {
            "ride_id": None if number % 50 == 30 else 40_001 + number,
            "pickup_ip": None if rng.random() < 0.03 else address,
            "distance": round(rng.expovariate(1 / 6), 1),
            "at": moment(rng),
        }
        rows += [row] * (2 if number % 100 == 60 else 1)
    return rows


def bands(rng: random.Random) -> list[dict]:
    """One block that holds most addresses, and small ones in it, some of which overlap."""
    rows = [{"lo": FIRST_IP, "hi": FIRST_IP + ADDRESSES, "name": "carrier"}]
    for number in range(BANDS - 1):
        width = rng.choice(WIDTHS)
        lo = FIRST_IP + rng.randrange(ADDRESSES // 256) * 256
        rows.append({"lo": lo, "hi": lo + width, "name": f"zone-{number:02}"})
    return rows


def blocked(rng: random.Random, rides: list[dict], count: int) -> list[dict]:
    """Ids of rides, one of them twice, one unknown, and two rows without an id."""
    ids = [ride["ride_id"] for ride in rides if ride["ride_id"]]
    chosen = rng.sample(ids, count - 4)
    return [{"ride_id": number} for number in [*chosen, chosen[0], 1, None, None]]
