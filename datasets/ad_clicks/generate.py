"""Clicks of an ad network, most of them on one advertiser's ads, and the advertisers by segment."""

from itertools import accumulate
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

CLICKS = 20_000
ADVERTISERS = 60
FIRST_ID = 101
COLLECTORS = 8  # files of clicks
HOT, HOUSE = 0.70, 0.10  # shares of the clicks: one advertiser, and no advertiser
WITHOUT_USER = 0.03
# Ids whose keys with 64 salts Spark's hash spreads well over 8 partitions, so that no seed makes a
# right answer unlucky; the hot advertiser is one of them.
SPREAD = {101, 102, 103, 106, 107, 108, 111, 112, 113, 115, 117, 120, 122, 123, 124, 127}
SPREAD |= {129, 131, 132, 133, 134, 135, 136, 139, 145, 149, 150, 152, 154, 156, 157, 160}
SEGMENTS = ["retail", "travel", "games", "finance", "local"]
FIRST = ["Blue", "North", "Green", "Silver", "Rapid", "Quiet", "Bright", "Old"]
LAST = ["Harbour", "Orchard", "Signal", "Bakery", "Outfit", "Garden", "Atlas", "Studio"]

CLICK_SCHEMA = pa.schema(
    [
        ("click_id", pa.int64()),
        ("advertiser_id", pa.int64()),
        ("user_id", pa.int64()),
        ("cost", pa.float64()),
    ]
)
ADVERTISER_SCHEMA = pa.schema(
    [("advertiser_id", pa.int64()), ("name", pa.string()), ("segment", pa.string())]
)


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """Writes clicks/collector-0.parquet to collector-7.parquet, and advertisers.parquet.

    All parts have the same advertisers, and so the same hot one; the first part has their file.
    """
    random = Random(seed)
    ids = [FIRST_ID + number for number in range(ADVERTISERS)]
    random.shuffle(ids)  # another hot one, and other gone ones, for each seed
    hot = next(advertiser for advertiser in ids if advertiser in SPREAD)
    ids.remove(hot)
    ids.insert(0, hot)
    first, end = scale * part // parts, scale * (part + 1) // parts
    if part:
        random = Random(f"{seed} part {part}")
    rows = clicks(random, ids, range(CLICKS * first, CLICKS * end), users=CLICKS * scale)
    (folder / "clicks").mkdir()
    for number in range(COLLECTORS):
        collected = rows[number::COLLECTORS]
        _write(folder / "clicks" / f"collector-{number}.parquet", collected, CLICK_SCHEMA)
    if part == 0:
        _write(folder / "advertisers.parquet", advertisers(random, ids), ADVERTISER_SCHEMA)


def clicks(random: Random, ids: list[int], numbers: range, *, users: int) -> list[tuple]:
    """The first of `ids` is the hot one; of the others an earlier one has more clicks."""
    tail = ids[1:-5]  # the last five have no clicks
    weights = list(accumulate(1 / (place + 4) for place in range(len(tail))))
    rows = []
    for number in numbers:
        draw = random.random()
        if draw < HOT:
            advertiser = ids[0]
        elif draw < HOT + HOUSE:
            advertiser = None
        else:
            advertiser = random.choices(tail, cum_weights=weights)[0]
        # A crowd of visitors for the hot advertiser, the same few for the others.
        user = random.randrange(users if advertiser == ids[0] else users // 20)
        if random.random() < WITHOUT_USER:
            user = None
        rows.append((5_000_001 + number, advertiser, user, random.randrange(2, 150) / 100))
    return rows


def advertisers(random: Random, ids: list[int]) -> list[tuple]:
    """A row for each advertiser and segment: some have two, every tenth is gone, house ads have no id."""
    rows: list[tuple] = [(None, "House ads", "house")]
    for place, advertiser in enumerate(ids):
        if place % 10 == 4:
            continue
        name = f"{random.choice(FIRST)} {random.choice(LAST)}"
        segments = random.sample(SEGMENTS, 2 if place % 10 == 2 else 1)
        rows += [(advertiser, name, segment) for segment in segments]
    return sorted(rows, key=lambda row: (row[0] or 0, row[2]))


def _write(path: Path, rows: list[tuple], schema: pa.Schema) -> None:
    columns = list(zip(*rows, strict=True))
    pq.write_table(pa.table(columns, schema=schema), path)
