"""Write an hour of card payments, one JSON-lines file for each five minutes of arrival."""

import json
import os
import random
from datetime import datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 6, 18)
FILES = 12
MINUTES = 5
STORES = ["airport", "harbour", "market", "station"]
CARDS = 90
NO_NETWORK = ("market", 10, 34)  # the store's payments of these minutes arrive when it is back


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """`payments_<time>.json`, named by the end of the five minutes in which its rows arrived.

    Rows grow linearly with `scale`; a part has cards of its own. Modification times are set five
    minutes apart, because a file source reads in their order.
    """
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    cards = range(CARDS * first, CARDS * end)
    arrivals = [sent for card in cards for sent in shopping(rng, card)]
    arrivals += [again(rng, sent) for sent in rng.sample(arrivals, len(arrivals) // 16)]
    arrivals.sort(key=lambda sent: (sent[0], sent[1]["event_id"]))
    for number in range(FILES):
        begun, ended = number * MINUTES, (number + 1) * MINUTES
        rows = [row for minute, row in arrivals if begun <= minute < ended]
        time = START + timedelta(minutes=ended)
        write(folder / f"payments_{time:%H%M}.json", rows, time)


def shopping(rng: random.Random, card: int) -> list[tuple[float, dict]]:
    """The payments of a card, minutes apart, each with the minute of its arrival."""
    sent = []
    minute = rng.uniform(0, 45)
    for number in range(rng.choice([2, 4, 5, 6, 8])):
        store = rng.choice(STORES)
        row = {
            "event_id": f"p-{card:03d}-{number}",
            "store_id": store,
            "card_id": f"c-{card:03d}",
            "amount": round(rng.uniform(3, 60), 2),
            "event_time": stamp(minute),
        }
        arrival = minute + delay(rng, store, minute)
        if rng.random() < 0.01:
            row["event_time"] = None  # a terminal that lost its clock
        if arrival < FILES * MINUTES:
            sent.append((arrival, row))
        minute += rng.choice([1, 2, 3, 4, 20]) * rng.uniform(0.6, 1.4)
    return sent


def delay(rng: random.Random, store: str, minute: float) -> float:
    """Minutes from the payment to its arrival."""
    closed, first, last = NO_NETWORK
    if store == closed and first <= minute < last:
        return last - minute + rng.uniform(0, 1)
    kind = rng.random()
    if kind < 0.04:
        return rng.uniform(12, 30)  # a terminal in a cellar
    if kind < 0.15:
        return rng.uniform(3, 9)
    return min(rng.expovariate(2), 3)


def again(rng: random.Random, sent: tuple[float, dict]) -> tuple[float, dict]:
    """The same payment sent a second time, half of them with the time of the second attempt."""
    arrival, row = sent
    wait = rng.uniform(0.3, 4)
    restamped = row["event_time"] and rng.random() < 0.5
    time = stamp(minutes(row["event_time"]) + wait) if restamped else row["event_time"]
    return min(arrival + wait, FILES * MINUTES - 0.01), {**row, "event_time": time}


def stamp(minute: float) -> str:
    return f"{START + timedelta(seconds=int(minute * 60)):%Y-%m-%dT%H:%M:%SZ}"


def minutes(time: str) -> float:
    return (datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ") - START).total_seconds() / 60


def write(path: Path, rows: list[dict], modified: datetime) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    seconds = (modified - datetime(1970, 1, 1)).total_seconds()  # UTC, wherever this runs
    os.utime(path, (seconds, seconds))
