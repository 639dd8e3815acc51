"""Orders, customers and exchange rates of the slow report, beside the job and its event log."""

import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

ORDERS = 1_500
CUSTOMERS = 150
RESELLER = 7  # places 45 % of the orders
FIRST_RATE = datetime(2025, 9, 29, tzinfo=UTC)  # a Monday
WEEKS = 60
CURRENCIES = {"EUR": 1.0, "USD": 0.905, "GBP": 1.165, "SEK": 0.085, "CHF": 1.045, "PLN": 0.235}
COUNTRIES = ["DE", "FR", "SE", "GB", "US", "PL", "CH", "NL"]
SEGMENTS = ["consumer", "business", "public"]
STATUSES = ["paid"] * 5 + ["shipped"] * 2 + ["open", "cancelled", "returned"]
WORDS = [
    "please",
    "leave",
    "parcel",
    "with",
    "neighbour",
    "ring",
    "twice",
    "back",
    "door",
    "after",
    "six",
]

TIME = pa.timestamp("us", tz="UTC")
ORDER_SCHEMA = pa.schema(
    [
        ("order_id", pa.int64()),
        ("customer_id", pa.int64()),
        ("ordered_at", TIME),
        ("status", pa.string()),
        ("currency", pa.string()),
        ("amount", pa.decimal128(10, 2)),
        ("channel", pa.string()),
        ("address", pa.string()),
        ("note", pa.string()),
    ]
)
CUSTOMER_SCHEMA = pa.schema(
    [
        ("customer_id", pa.int64()),
        ("name", pa.string()),
        ("email", pa.string()),
        ("country", pa.string()),
        ("segment", pa.string()),
    ]
)
RATE_SCHEMA = pa.schema(
    [
        ("currency", pa.string()),
        ("valid_from", TIME),
        ("valid_to", TIME),
        ("rate", pa.decimal128(10, 6)),
    ]
)


def generate(folder: Path, *, seed: int, scale: int = 1) -> None:
    """Writes three Parquet files into `folder`, and copies the job and its event log there."""
    random = Random(seed)
    here = Path(__file__).parent
    _write(folder / "rates.parquet", rates(random), RATE_SCHEMA)
    _write(folder / "customers.parquet", customers(random, CUSTOMERS * scale), CUSTOMER_SCHEMA)
    _write(folder / "orders.parquet", orders(random, scale), ORDER_SCHEMA)
    for name in ("slow_job.py", "event_log.jsonl.gz"):
        if (here / name).is_file():  # the log is made by running the job on this data
            shutil.copyfile(here / name, folder / name)


def rates(random: Random) -> list[tuple]:
    """A rate a week and currency; SEK misses a week, the newest rate of each has no end."""
    rows = []
    for currency, base in CURRENCIES.items():
        for week in range(WEEKS):
            if currency == "SEK" and week == 30:
                continue
            start = FIRST_RATE + timedelta(weeks=week)
            end = None if week == WEEKS - 1 else start + timedelta(weeks=1)
            # three decimals: every few products end in exactly half a cent
            rate = Decimal(round(base * random.uniform(0.97, 1.03), 3)) if base != 1 else Decimal(1)
            rows.append((currency, start, end, rate.quantize(Decimal("0.000001"))))
    return rows


def customers(random: Random, count: int) -> list[tuple]:
    """Customers; one in 25 has no country, one in 25 an empty one."""
    rows = []
    for number in range(1, count + 1):
        country: str | None = random.choice(COUNTRIES)
        if number % 25 == 3:
            country = None
        elif number % 25 == 4:
            country = ""
        segment = None if number % 40 == 9 else random.choice(SEGMENTS)
        rows.append((number, f"Customer {number}", f"c{number}@shop.example", country, segment))
    return rows


def orders(random: Random, scale: int) -> list[tuple]:
    """Orders of 13 months; what is odd about them is listed in the README."""
    known = CUSTOMERS * scale
    rows = []
    for number in range(1, ORDERS * scale + 1):
        draw = random.random()
        if draw < 0.45:
            customer: int | None = RESELLER
        elif draw < 0.47:
            customer = None
        elif draw < 0.49:
            customer = known + random.randint(1, 1_000)
        else:
            customer = random.randint(1, known)
        at = FIRST_RATE + timedelta(seconds=random.randrange(WEEKS * 7 * 86_400))
        if random.random() < 0.04:  # the second at which one rate ends and the next begins
            at = FIRST_RATE + timedelta(weeks=random.randrange(WEEKS))
        amount = Decimal(random.randint(1, 40_000)).scaleb(-2).quantize(Decimal("0.01"))
        if random.random() < 0.3:
            amount = amount.quantize(Decimal(1)).quantize(Decimal("0.01"))
        rows.append(
            (
                number,
                customer,
                at,
                random.choice(STATUSES),
                _currency(random),
                None if random.random() < 0.02 else amount,
                random.choice(["web", "app", "phone"]),
                f"{random.randint(1, 99)} {random.choice(WORDS)} street, {random.randint(10**4, 10**5)}",
                " ".join(random.choices(WORDS, k=8)),
            )
        )
    return rows


def _currency(random: Random) -> str | None:
    """A currency code as people type it: null and empty stand for euro, XXX has no rate."""
    code = random.choice([*CURRENCIES, "EUR", "EUR"])
    draw = random.random()
    if draw < 0.05:
        return random.choice([None, ""])
    if draw < 0.15:
        return random.choice([code.lower(), f" {code}", f"{code}\t", f"{code.title()} "])
    return "XXX" if draw < 0.17 else code


def _write(path: Path, rows: list[tuple], schema: pa.Schema) -> None:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path, store_schema=False)
