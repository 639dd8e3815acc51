"""Write the tickets of a help desk, as its mail server and an old paper archive delivered them."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

TICKETS = 400
OPENS = datetime(2026, 3, 16)
ARCHIVE = datetime(1899, 12, 28)
HOURS = 24 * 21  # from before the change to summer time, on 29 March, until Easter
HOT = 0.7  # of the tickets: the first language
LANGUAGES = ["de", "en", "fr", "pt"]
TAGS = ["refund", "parcel", "login", "invoice", "praise", "spam", "Refund"]
PREFIXES = ["", "", "", "", "Re: ", "RE:", "Fwd: Re: ", "fw: fw:\t", "re:\u00a0"]
BLANKS = [" ", " ", " ", "  ", "\t", "\u00a0", " \r\n "]
WORDS = [
    *(
        "Refund",
        "parcel",
        "LOST",
        "Stra\u00dfe",
        "GRO\u1e9e",
        "caf\u00e9",
        "cafe\u0301",
        "\u00c4rger",
    ),
    *("\U0001f600", "\U0001f4e6", "invoice", "re:", "Report", "forward", "login", "for", "no", "5"),
]
LONGEST = 1_000_000
HEADER = "Received: from mail.example by relay.example with ESMTPS id "


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`tickets.json`; the number of tickets grows with `scale`, each part has ids of its own."""
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    rows = [ticket(rng, number) for number in range(TICKETS * first, TICKETS * end)]
    if not part:
        rows[3]["subject"] = ("long " * LONGEST)[:LONGEST]
    rows += [row for row in rows if row["ticket_id"] % 50 == 7]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "tickets.json").write_text(text, "utf-8")


def ticket(rng: random.Random, number: int) -> dict:
    created = (ARCHIVE if number % 40 == 20 else OPENS) + timedelta(
        minutes=rng.randrange(HOURS * 60)
    )
    hours = rng.choice([-5, 0, 1, 30, 100, 400])  # a few clocks are wrong: solved before created
    return {
        "ticket_id": 9001 + number,
        "subject": None if number % 33 == 5 else subject(rng),
        "tags": tags(rng),
        "meta": None if number % 25 == 9 else meta(rng, number),
        "amount": None if rng.random() < 0.06 else round(rng.triangular(-20, 300, 40), 2),
        "created_at": None if number % 90 == 61 else stamp(created),
        "lang": language(rng),
        "solved_at": None if rng.random() < 0.1 else stamp(created + timedelta(hours=hours)),
    }


def stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def subject(rng: random.Random) -> str:
    """Words with prefixes and blanks of several kinds; one in thirty has nothing but blanks."""
    if rng.random() < 0.03:
        return rng.choice(["", " ", "\t\u00a0", "\r\n"])
    words = "".join(rng.choice(WORDS) + rng.choice(BLANKS) for _ in range(rng.randrange(2, 12)))
    return rng.choice(PREFIXES) + words


def tags(rng: random.Random) -> list[str | None] | None:
    if rng.random() < 0.06:
        return None
    found: list[str | None] = [rng.choice(TAGS) for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))]
    return [None if rng.random() < 0.04 else tag for tag in found]


def meta(rng: random.Random, number: int) -> dict[str, str]:
    """Headers of a mail; some servers write a key twice, in capitals and not."""
    found = {"received": f"{HEADER}{rng.randrange(10**9):x}", "mailer": rng.choice("abc") * 40}
    return {**found, "Mailer": "MAILER"} if number % 10 == 4 else found


def language(rng: random.Random) -> str | None:
    if rng.random() < 0.03:
        return None
    return LANGUAGES[0] if rng.random() < HOT else rng.choice(LANGUAGES[1:])
