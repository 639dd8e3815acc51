"""Commits of a table of bank accounts: one file each, in order, named by the kind of commit."""

import json
import random
from pathlib import Path

ACCOUNTS = 400
FIRST_ID = 1001
SEGMENTS = ("private", "premium", "business", "student", None)
CITIES = ("Bari", "Como", "Lecce", "Pisa", "Siena", "Turin")
KINDS = ("write", "enable_feed", "write", "optimize", "merge", "merge", "overwrite", "merge")


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`01-write.jsonl` to `08-merge.jsonl`; rows grow linearly with `scale`.

    A part has accounts of its own; commit number n of all parts is one file.
    """
    draw = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    bank = Bank(draw, range(FIRST_ID + ACCOUNTS * first, FIRST_ID + ACCOUNTS * end))
    for number, kind in enumerate(KINDS, start=1):
        rows = getattr(bank, f"commit_{number}", list)()
        lines = [json.dumps(row) + "\n" for row in rows]
        (folder / f"{number:02}-{kind}.jsonl").write_text("".join(lines), encoding="utf-8")


class Bank:
    """The accounts as they are after the last commit, by id; None is an account that is gone."""

    def __init__(self, draw: random.Random, ids: range) -> None:
        self.draw, self.ids = draw, list(ids)
        self.rows: dict[int, dict] = {}

    def commit_1(self) -> list[dict]:
        """Nine tenths of the accounts, before there is a feed."""
        return [self.insert(number) for number in self.ids[: len(self.ids) * 9 // 10]]

    def commit_3(self) -> list[dict]:
        """New accounts; the others follow later."""
        begin, end = len(self.ids) * 9 // 10, len(self.ids) * 97 // 100
        return [self.insert(number) for number in self.ids[begin:end]]

    def commit_5(self) -> list[dict]:
        """Real and empty updates, moves between segments, deletes, and accounts that will go."""
        some = self.sample(0.05)
        rows = [self.upsert(number) for number in some[0::5]]
        rows += [self.upsert(number, balance=self.balance()) for number in some[1::5]]
        rows += [
            self.upsert(number, segment=self.other("segment", number)) for number in some[2::5]
        ]
        rows += [self.upsert(number, city=self.other("city", number)) for number in some[3::5]]
        self.leaving = some[4::5]
        rows += [self.delete(number) for number in self.leaving]
        self.passing = self.ids[len(self.ids) * 97 // 100 :]
        return rows + [self.insert(number) | {"op": "upsert"} for number in self.passing]

    def commit_6(self) -> list[dict]:
        """What came in commit 5 goes, some of what went comes back, further updates."""
        rows = [self.delete(number) for number in self.passing]
        rows += [self.upsert(number, balance=self.balance()) for number in self.sample(0.02)]
        return rows + [self.insert(number) | {"op": "upsert"} for number in self.leaving[::2]]

    def commit_7(self) -> list[dict]:
        """All accounts, of which few have changed."""
        for number in self.sample(0.01):
            self.rows[number]["balance"] = self.balance()
        return list(self.rows.values())

    def commit_8(self) -> list[dict]:
        """The usual day: a few changes."""
        some = self.sample(0.02)
        rows = [self.delete(number) for number in some[0::4]]
        rows += [
            self.upsert(number, segment=self.other("segment", number)) for number in some[1::4]
        ]
        rows += [self.upsert(number, balance=self.balance()) for number in some[2::4]]
        return rows + [self.upsert(number) for number in some[3::4]]

    def insert(self, number: int) -> dict:
        self.rows[number] = {
            "account_id": number,
            "segment": self.draw.choice(SEGMENTS),
            "balance": self.balance(),
            "city": self.draw.choice(CITIES) if self.draw.random() > 0.03 else None,
        }
        return dict(self.rows[number])

    def upsert(self, number: int, **changed: str | float | None) -> dict:
        self.rows[number].update(changed)
        return self.rows[number] | {"op": "upsert"}

    def delete(self, number: int) -> dict:
        return self.rows.pop(number) | {"op": "delete"}

    def balance(self) -> float | None:
        cents = self.draw.randrange(-50_000, 2_000_000)
        return None if self.draw.random() < 0.02 else cents / 100

    def other(self, column: str, number: int) -> str | None:
        values = {"segment": SEGMENTS, "city": CITIES}[column]
        return self.draw.choice([value for value in values if value != self.rows[number][column]])

    def sample(self, share: float) -> list[int]:
        return self.draw.sample(sorted(self.rows), max(8, int(len(self.rows) * share)))
