"""Messages of an order service as a topic holds them: sent twice, reordered, taken back, poison."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

ORDERS = 60
PARTITIONS = 2
START = datetime(2025, 5, 1, 8, tzinfo=UTC)
LIFE = ("created", "paid", "shipped", "delivered")
POISON = (
    lambda order: "<html>502 Bad Gateway</html>",
    lambda order: json.dumps({**order, "amount": "n/a"}),
    lambda order: json.dumps({name: value for name, value in order.items() if name != "order_id"}),
    lambda order: json.dumps({**order, "status": "PAYED"}),
    lambda order: json.dumps(order)[:40],
    lambda order: None,
)


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """Writes morning.jsonl and afternoon.jsonl: one message a line, in the order of sending.

    A part has orders of its own, with all their messages.
    """
    draw = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    messages = _messages(draw, range(ORDERS * first + 1, ORDERS * end + 1))
    half = len(messages) * 3 // 5
    for name, sent in (("morning", messages[:half]), ("afternoon", messages[half:])):
        lines = [json.dumps(message, separators=(",", ":")) for message in sent]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _messages(draw: random.Random, orders: range) -> list[dict]:
    events = _events(draw, orders)
    sent: list[tuple[datetime, dict]] = []
    for event in events:
        happened = datetime.fromisoformat(event["event_time"])
        # A retry overtakes: one event in twelve is sent after its successor may have been.
        delay = draw.choice((45, 90)) * 60 if draw.random() < 0.08 else draw.randrange(1, 30)
        moment = happened + timedelta(seconds=delay)
        sent.append((moment, _message(event, json.dumps({**event, "attempt": 1}), moment)))
        if draw.random() < 0.1:  # no acknowledgement in time: the same event once more
            again = moment + timedelta(seconds=draw.randrange(2, 4000))
            sent.append((again, _message(event, json.dumps({**event, "attempt": 2}), again)))
        if draw.random() < 0.06:
            moment += timedelta(seconds=1)
            poison = draw.choice(POISON)(event)
            sent += [(moment, _message(event, poison, moment))] * draw.choice((1, 1, 2))
        if draw.random() < 0.04:  # written in a transaction, then taken back
            moment += timedelta(seconds=1)
            refund = {
                **event,
                "event_id": event["event_id"] + "-x",
                "seq": 9,
                "status": "cancelled",
            }
            sent.append((moment, {**_message(event, json.dumps(refund), moment), "aborted": True}))
    return [message for _, message in sorted(sent, key=lambda pair: pair[0])]


def _events(draw: random.Random, orders: range) -> list[dict]:
    """The truth: what happened to each order, in steps of its own."""
    events = []
    for number in orders:
        moment = START + timedelta(seconds=draw.randrange(0, 4 * 3600))
        life = list(LIFE[: draw.choice((1, 2, 3, 4, 4))])
        if draw.random() < 0.15:
            life = [*life[:2], "cancelled"]
        amount = draw.randrange(500, 20_000) / 100
        for seq, status in enumerate(life, start=1):
            events.append(
                {
                    "event_id": f"e-{number:04d}-{seq}",
                    "order_id": f"o-{number:04d}",
                    "seq": seq,
                    "status": status,
                    "amount": amount,
                    "event_time": moment.isoformat().replace("+00:00", "Z"),
                }
            )
            moment += timedelta(seconds=draw.randrange(60, 5400))
    return events


def _message(event: dict, value: str | None, moment: datetime) -> dict:
    return {
        "key": event["order_id"],
        "value": value,
        "partition": int(event["order_id"][2:]) % PARTITIONS,
        "timestamp_ms": int(moment.timestamp() * 1000),
        "aborted": False,
    }
