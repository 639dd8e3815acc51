"""Write an hour of login attempts, in the order in which they arrived."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 6, 18)
MINUTES = 60
USERS = 60
ATTACKED = 8  # users whose passwords are being tried


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`logins.json`; users grow linearly with `scale`, and a part has users of its own."""
    rng = random.Random(f"{seed} part {part}")
    first, end = scale * part // parts, scale * (part + 1) // parts
    sent = [row for user in range(USERS * first, USERS * end) for row in evening(rng, user)]
    sent += [(arrival + rng.uniform(1, 90), row) for arrival, row in rng.sample(sent, len(sent) // 20)]
    sent.sort(key=lambda each: (each[0], each[1]["user_id"] or "", each[1]["at"]))
    with (folder / "logins.json").open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for _, row in sent)


def evening(rng: random.Random, user: int) -> list[tuple[float, dict]]:
    """The attempts of a user, each with the second at which it arrives."""
    name = f"u-{user:03d}"
    second = rng.uniform(0, MINUTES * 40)
    if user % USERS < ATTACKED:
        tries = [False] * rng.randint(2, 6) + [rng.random() < 0.8]
        gaps = [rng.choice([20, 60, 150, 260]) for _ in tries]
    else:
        tries = [False] * rng.choice([0, 0, 0, 1, 1, 2, 3]) + [True]
        gaps = [rng.choice([15, 40, 900]) for _ in tries]
    rows = []
    for ok, gap in zip(tries, gaps, strict=True):
        at = f"{START + timedelta(seconds=int(second)):%Y-%m-%dT%H:%M:%SZ}"
        row = {"user_id": name, "at": at, "ok": ok, "ip": f"192.0.2.{rng.randint(1, 250)}"}
        if rng.random() < 0.01:
            row["user_id"] = None
        rows.append((second + delay(rng), row))
        second += gap * rng.uniform(0.7, 1.3)
    return rows


def delay(rng: random.Random) -> float:
    """Seconds from an attempt to its arrival."""
    kind = rng.random()
    if kind < 0.03:
        return rng.uniform(700, 1500)
    return rng.uniform(60, 500) if kind < 0.25 else rng.expovariate(0.5)
