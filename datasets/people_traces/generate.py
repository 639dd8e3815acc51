"""Write the traces that customers leave: a table of people, orders, notes, events and an export."""

import csv
import gzip
import io
import json
import random
from pathlib import Path

PEOPLE = 30
FIRST = ["Zibo", "Quanta", "Orrin", "Velda", "Maxu", "Tessil", "Ilvo", "Brana", "Kemmu", "Ruska"]
LAST = ["Tarrow", "Plim", "Ostrel", "Vanning", "Quoll", "Mirrin", "Zadd", "Heckle", "Ymber", "Foss"]
PHONES = ["+000 {0} {1}", "000-{0}-{1}", "(000) {0}.{1}", "000{0}{1}"]
# Who asks to be forgotten, and who lives at the same address with the same phone. The first one's
# e-mail is the smallest of all, so statistics of the column show it.
ASKS, LIVES_THERE = 17, 18


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`people`, `orders`, `notes`, `events`, `export` and `request`; rows grow with `scale`."""
    rng = random.Random(f"{seed} part {part}" if part else seed)
    files: dict[str, list[dict]] = {name: [] for name in ("people", "orders", "notes", "events")}
    for number in range(scale * part // parts, scale * (part + 1) // parts):
        people = [person(rng, PEOPLE * number + one) for one in range(PEOPLE)]
        shared = {key: people[ASKS][key] for key in ("phone", "address")}
        people[LIVES_THERE].update(shared)
        files["people"] += people
        files["orders"] += [order for one in people for order in orders(rng, one)]
        files["notes"] += notes(people)
        files["events"] += [event(rng, one) for one in people]
        if number == 0:
            write_json(folder / "request.json", [request(people[ASKS])])
    for name, rows in files.items():
        write_json(folder / f"{name}.json", rows)
    write_export(folder / f"export_{part:02}.csv.gz", files)


def write_json(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def write_export(path: Path, files: dict[str, list[dict]]) -> None:
    """What marketing took away, packed; without a time in it, so that equal seeds write equal files."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["name", "email", "orders"])
    for one in files["people"]:
        count = sum(order["subject_id"] == one["subject_id"] for order in files["orders"])
        writer.writerow([one["name"], one["email"], count])
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def person(rng: random.Random, number: int) -> dict:
    """Somebody who can't exist: made-up names, a domain and a country code that nobody has."""
    first, last = FIRST[number % 10], LAST[(number * 3 + number // 10) % 10]
    return {
        "subject_id": f"S-{number:04}",
        "name": f"{first} {last}",
        "email": f"{first}.{last}.{number:04}@mail.example".lower(),
        "phone": PHONES[0].format(555, f"{number:04}"),
        "address": f"{rng.randrange(1, 90)} Nowhere Row",
    }


def spelled(email: str, way: int) -> str:
    """The same e-mail as people and systems write it."""
    return [email, email.upper(), f" {email} ", email.title()][way % 4]


def orders(rng: random.Random, one: dict) -> list[dict]:
    """Four orders of each person, with the e-mail as it was typed that time."""
    number = int(one["subject_id"][2:])
    return [
        {
            "order_id": 10 * number + way,
            "subject_id": one["subject_id"],
            "email": spelled(one["email"], way),
            "amount": rng.randrange(500, 9000) / 100,
        }
        for way in range(4)
    ]


def notes(people: list[dict]) -> list[dict]:
    """What support wrote down: a note a person, two of them about somebody else."""
    texts = [
        "{name} called from {phone}, wants the invoice again",
        "mail from {email}: parcel is late",
        "asked {email} for a photo of the damage",
        "call back: {phone}",
    ]
    rows = []
    for number, one in enumerate(people):
        phone = PHONES[number % 4].format(*one["phone"].split()[1:])
        text = texts[number % 4].format(**{**one, "phone": phone})
        rows.append({"note_id": f"N-{one['subject_id'][2:]}", "note": text, **who(one)})
    about = people[ASKS]
    rows[2]["note"] += f"; {about['name']} will pick it up"
    rows[5] |= {"note": f"no account found for {about['email'].upper()}", "subject_id": None}
    return rows


def who(one: dict) -> dict:
    return {"subject_id": one["subject_id"]}


def event(rng: random.Random, one: dict) -> dict:
    """A login, with the e-mail in a struct and as the key of a map."""
    return {
        "event_id": f"E-{one['subject_id'][2:]}",
        **who(one),
        "payload": {"contact": {"email": one["email"]}, "page": rng.choice(["home", "cart"])},
        "consents": {one["email"]: rng.choice(["yes", "no"])},
        "devices": [{"label": f"phone of {one['name']}", "os": rng.choice(["a", "b"])}],
    }


def request(one: dict) -> dict:
    """What came by mail: who asks, and every text by which we know this person."""
    return {
        "subject_id": one["subject_id"],
        "texts": [one["name"], one["email"], one["phone"], one["subject_id"]],
    }
