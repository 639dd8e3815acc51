"""Write claims of eight insurers, and who may see which of them; every name is made up."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

# How many of a thousand claims a tenant has. Two names differ by case alone, one has a quote.
TENANTS = {
    "Aurora": 520,
    "Birch": 210,
    "Cedar": 120,
    "O'Hara": 60,
    "Dune": 40,
    "Elm": 25,
    "aurora": 15,
    "Fjord": 10,
}
REGIONS = ["north", "south", "east", "west"]
CODES = [f"D{number:02}" for number in range(1, 13)]
CLAIMS, PATIENTS = 600, 140
STARTS = datetime(2026, 1, 1)

GROUPS = [
    ("ann", "north_team"),
    ("north_team", "analysts"),
    ("analysts", "staff"),
    ("staff", "analysts"),
    ("cleo", "staff"),
    ("ben", "auditors"),
    ("dev", "interns"),
]
FIGURES = ["claim_id", "tenant", "region", "diagnosis", "amount"]
# principal, effect, tenant, region, columns, valid_from, valid_to
GRANTS = [
    ("ann", "allow", "Aurora", "*", FIGURES, "2026-01-01", None),
    ("ann", "allow", "aurora", "north", ["claim_id", "tenant", "amount"], "2026-01-01", None),
    ("ann", "allow", "Cedar", "*", ["*"], "2025-06-01", "2026-02-01"),
    ("ann", "allow", "Dune", "*", ["*"], "2026-09-01", None),
    ("north_team", "allow", "Birch", "north", [*FIGURES, "patient_name"], "2026-01-01", None),
    ("analysts", "allow", "Elm", "east", ["claim_id", "tenant", "icd_code"], "2026-01-01", None),
    ("staff", "allow", "*", "south", ["claim_id", "created_at"], "2026-01-01", None),
    ("staff", "deny", "Fjord", "*", ["*"], "2026-01-01", None),
    ("staff", "deny", "Birch", "*", ["patient_name"], "2026-01-01", "2026-12-31"),
    ("auditors", "allow", "*", "*", ["*"], "2026-01-01", None),
    ("ben", "deny", "O'Hara", "*", ["patient_name", "diagnosis"], "2026-01-01", None),
]


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`claims`, `grants` and `groups`; claims grow with `scale`, grants and groups don't."""
    rng = random.Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    grants = [
        {
            "principal": principal,
            "effect": effect,
            "tenant": tenant,
            "region": region,
            "columns": columns,
            "valid_from": f"{since}T00:00:00Z",
            "valid_to": until and f"{until}T00:00:00Z",
        }
        for principal, effect, tenant, region, columns, since, until in GRANTS
    ]
    files = {
        "claims": [claim(rng, number) for number in range(CLAIMS * first, CLAIMS * end)],
        "grants": [] if part else grants,
        "groups": [] if part else [{"member": member, "group": group} for member, group in GROUPS],
    }
    for name, rows in files.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.json").write_text(text, "utf-8")


def claim(rng: random.Random, number: int) -> dict:
    """Every fortieth has lost its tenant."""
    tenant = rng.choices(list(TENANTS), list(TENANTS.values()))[0]
    # Patients belong to a tenant, so that small tenants have few patients of each code.
    patient = 1 + rng.randrange(PATIENTS) + 1000 * list(TENANTS).index(tenant)
    time = STARTS + timedelta(minutes=rng.randrange(120 * 24 * 60))
    return {
        "claim_id": 70_001 + number,
        "tenant": None if number % 40 == 17 else tenant,
        "region": rng.choice(REGIONS),
        "patient_name": f"Patient {patient:04}",
        "diagnosis": rng.choice(CODES),
        "amount": round(rng.uniform(20, 2_000), 2),
        "created_at": f"{time:%Y-%m-%dT%H:%M:%S}Z",
    }
