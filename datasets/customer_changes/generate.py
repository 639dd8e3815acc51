"""Change events of a customer table as a log-based connector delivers them, in six batches."""

import json
import random
from pathlib import Path

CUSTOMERS = 80
EVENTS = 300
BATCHES = 6
TIER_FROM = 4  # the batch from which the row image has a loyalty_tier
START_MS = 1_700_000_000_000
FIRST = ("Ada", "Barbara", "Chien", "Donald", "Edsger", "Frances", "Grace", "Hedy", "Ida", "John")
LAST = (
    "Adler",
    "Brandt",
    "Costa",
    "Duarte",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haas",
    "Ito",
    "Jansen",
)
CITIES = ("Lisbon", "Oslo", "Vienna", "Porto", "Turin", "Ghent", "Lyon", "Graz")
TIERS = ("basic", "silver", "gold")


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """Writes batch-1.jsonl to batch-6.jsonl: one envelope a line, in order of arrival.

    A part has customers of its own; its log positions lie between those of the other parts.
    """
    draw = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    log = _log(draw, CUSTOMERS * first, CUSTOMERS * (end - first), EVENTS * (end - first))
    for event in log:
        event["lsn"] = event["lsn"] * parts + part
    for number, batch in enumerate(_batches(draw, log), start=1):
        lines = [json.dumps(envelope, separators=(",", ":")) for envelope in batch]
        (folder / f"batch-{number}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _batches(draw: random.Random, log: list[dict]) -> list[list[dict]]:
    size = -(-len(log) // BATCHES)
    batches: list[list[dict]] = [[] for _ in range(BATCHES)]
    for position, event in enumerate(log):
        born = position // size
        late = draw.choice((1, 2)) if born and draw.random() < 0.08 else 0
        envelope = _envelope(event, with_tier=born + 1 >= TIER_FROM)
        arrives = min(born + late, BATCHES - 1)
        batches[arrives].append(envelope)
        if event["op"] == "d":
            batches[arrives].append({"op": None})  # a tombstone follows each delete
        if draw.random() < 0.06:  # at least once: the connector restarted
            batches[min(arrives + draw.choice((0, 1)), BATCHES - 1)].append(envelope)
    for batch in batches[1:]:
        batch.append(_keyless(draw, len(batch)))
        draw.shuffle(batch)
    return batches


def _log(draw: random.Random, before: int, customers: int, events: int) -> list[dict]:
    """The truth, in log order: a snapshot of half the customers, then changes.

    Other parts have the `before` customers with lower ids.
    """
    rows: dict[int, dict] = {}
    log: list[dict] = []
    lsn = 1_000
    for customer in range(before + 1, before + customers // 2 + 1):
        rows[customer] = _row(draw, customer)
        lsn += draw.randrange(1, 9)
        log.append({"op": "r", "lsn": lsn, "before": None, "after": dict(rows[customer])})
    while len(log) < events:
        # Few customers change often, so that a batch holds several changes of one.
        customer = before + int(customers * draw.random() ** 2) + 1
        lsn += draw.randrange(1, 9)
        was = rows.get(customer)
        if was is None:
            rows[customer] = _row(draw, customer)
            log.append({"op": "c", "lsn": lsn, "before": None, "after": dict(rows[customer])})
        elif draw.random() < 0.15:
            del rows[customer]
            log.append({"op": "d", "lsn": lsn, "before": dict(was), "after": None})
        else:
            rows[customer] = {**was, **_change(draw)}
            log.append(
                {"op": "u", "lsn": lsn, "before": dict(was), "after": dict(rows[customer])}
            )
    for event in log:
        # Clocks of the source's nodes differ by minutes: ts_ms does not follow the log.
        event["ts_ms"] = START_MS + event["lsn"] * 1_000 + draw.randrange(-300_000, 300_000)
    return log


def _row(draw: random.Random, customer: int) -> dict:
    first, last = draw.choice(FIRST), draw.choice(LAST)
    email = f"{first}.{last}.{customer}@example.com".lower()
    return {
        "customer_id": customer,
        "name": f"{first} {last}",
        "email": email if draw.random() > 0.1 else None,
        "city": draw.choice(CITIES),
        "loyalty_tier": draw.choice(TIERS),
    }


def _change(draw: random.Random) -> dict:
    return draw.choice(
        (
            {"city": draw.choice(CITIES)},
            {"email": None},
            {"loyalty_tier": draw.choice(TIERS)},
            {"name": f"{draw.choice(FIRST)} {draw.choice(LAST)}"},
        )
    )


def _envelope(event: dict, *, with_tier: bool) -> dict:
    return {
        "op": event["op"],
        "ts_ms": event["ts_ms"],
        "source": {"lsn": event["lsn"]},
        "before": _image(event["before"], with_tier),
        "after": _image(event["after"], with_tier),
    }


def _image(row: dict | None, with_tier: bool) -> dict | None:
    if row is None or with_tier:
        return row
    return {name: value for name, value in row.items() if name != "loyalty_tier"}


def _keyless(draw: random.Random, position: int) -> dict:
    """A row of a table without primary key, written by a broken import job."""
    return {
        "op": "c",
        "ts_ms": START_MS + position,
        "source": {"lsn": 500 + position},
        "before": None,
        "after": {
            "customer_id": None,
            "name": draw.choice(FIRST),
            "email": None,
            "city": draw.choice(CITIES),
        },
    }
