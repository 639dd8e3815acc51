"""Write three hours of ad impressions and clicks, one file of each for every 15 minutes of arrival."""

import json
import os
import random
from datetime import datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 13, 18)
FILES = 12
MINUTES = 15
IMPRESSIONS = 600
ADS = [11, 12, 13, 14, 15, 16]
NEW_AD = 17  # shown from 20:00 on; its row comes to the history with a later version
SILENT = (60, 120)  # clicks of these minutes arrive when the collector is back
CAMPAIGNS = ["spring", "outlet", "members", "travel"]


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """`impressions/<time>.json`, `clicks/<time>.json`, named by the end of arrival, and the history.

    Rows grow linearly with `scale`; a part has impressions of its own, the first part has the
    history of ads. Modification times are set 15 minutes apart, because a file source reads in
    their order.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    shown, clicked = [], []
    for number in range(IMPRESSIONS * first, IMPRESSIONS * end):
        impression, clicks = view(rng, number)
        shown += deliveries(rng, impression, 0.05)
        for click in clicks:
            clicked += deliveries(rng, click, 0.06)
    for kind, rows in (("impressions", shown), ("clicks", clicked)):
        (folder / kind).mkdir()
        rows.sort(key=lambda sent: (sent[0], json.dumps(sent[1])))
        for file in range(FILES):
            begun, ended = file * MINUTES, (file + 1) * MINUTES
            some = [row for minute, row in rows if begun <= minute < ended]
            time = START + timedelta(minutes=ended)
            write(folder / kind / f"{time:%H%M}.json", some, time)
    if part == 0:
        write(folder / "ads_history.json", history(random.Random(seed)), START)


def view(rng: random.Random, number: int) -> tuple[tuple, list[tuple]]:
    """An impression and its clicks, each with the minute of its arrival."""
    minute = rng.uniform(0, FILES * MINUTES)
    ad = NEW_AD if minute > 120 and rng.random() < 0.15 else rng.choice(ADS)
    name = f"v-{number:05d}"
    # Some phones send impressions in bundles, and those of quick clicks among them.
    bundled = rng.random() < 0.2
    impression = {"imp_id": name, "ad_id": ad, "shown_at": stamp(minute)}
    clicks = []
    for _ in range(rng.choices([0, 1, 2], weights=[70, 25, 5])[0]):
        wait = min(rng.expovariate(1 / 12), 59) if rng.random() < 0.9 else rng.uniform(61, 100)
        at = minute + (rng.uniform(0, 3) if bundled else wait)
        click = {
            "click_id": f"k-{number:05d}-{len(clicks)}",
            "imp_id": name,
            "clicked_at": stamp(at),
        }
        begun, ended = SILENT
        arrival = at + rng.uniform(0, 3)
        if begun <= arrival < ended:
            arrival = ended + rng.uniform(0, 2)
        clicks.append((arrival, click))
    arrival = minute + (rng.uniform(4, 9) if bundled else rng.uniform(0, 2))
    return (arrival, impression), clicks


def deliveries(rng: random.Random, sent: tuple, share: float) -> list[tuple]:
    """The row, some of them twice."""
    arrival, row = sent
    again = [(arrival + rng.uniform(0, 8), row)] if rng.random() < share else []
    return [sent, *again]


def history(rng: random.Random) -> list[dict]:
    """Two or three versions of each ad, the first one from before the evening."""
    rows = []
    for ad in [*ADS, NEW_AD]:
        begun = 120 if ad == NEW_AD else -24 * 60
        for minute in [begun, *sorted(rng.sample(range(125, 175), rng.choice([1, 2])))]:
            row = {
                "ad_id": ad,
                "campaign": rng.choice(CAMPAIGNS),
                "bid": round(rng.uniform(0.1, 2), 2),
            }
            rows.append({**row, "valid_from": stamp(minute)})
    return rows


def stamp(minute: float) -> str:
    return f"{START + timedelta(seconds=int(minute * 60)):%Y-%m-%dT%H:%M:%SZ}"


def write(path: Path, rows: list[dict], modified: datetime) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    seconds = (modified - datetime(1970, 1, 1)).total_seconds()  # UTC, wherever this runs
    os.utime(path, (seconds, seconds))
