"""Orders, customers and exchange rates of the slow report, beside the job and its event log."""

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

# Read here, so that they travel with this module; the log is made by running the job on this data.
HERE = Path(__file__).parent
BESIDE = {
    path.name: path.read_bytes()
    for path in (HERE / "slow_job.py", HERE / "event_log.jsonl.gz")
    if path.is_file()
}

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


def generate(
    folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1
) -> None:
    """Writes three Parquet files into `folder`, and copies the job and its event log there.

    A part has customers of its own, and orders of all customers; rates and copies are in the first.
    """
    random = Random(f"{seed} part {part}" if part else seed)
    first, end = scale * part // parts, scale * (part + 1) // parts
    if part == 0:
        _write(folder / "rates.parquet", rates(random), RATE_SCHEMA)
        for name, copy in BESIDE.items():
            (folder / name).write_bytes(copy)
    new = range(CUSTOMERS * first + 1, CUSTOMERS * end + 1)
    _write(folder / "customers.parquet", customers(random, new), CUSTOMER_SCHEMA)
    placed = range(ORDERS * first + 1, ORDERS * end + 1)
    _write(folder / "orders.parquet", orders(random, placed, CUSTOMERS * scale), ORDER_SCHEMA)


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


def customers(random: Random, numbers: range) -> list[tuple]:
    """Customers; one in 25 has no country, one in 25 an empty one."""
    rows = []
    for number in numbers:
        country: str | None = random.choice(COUNTRIES)
        if number % 25 == 3:
            country = None
        elif number % 25 == 4:
            country = ""
        segment = None if number % 40 == 9 else random.choice(SEGMENTS)
        rows.append((number, f"Customer {number}", f"c{number}@shop.example", country, segment))
    return rows


def orders(random: Random, numbers: range, known: int) -> list[tuple]:
    """Orders of 13 months by the `known` customers; the README lists what is odd about them."""
    rows = []
    for number in numbers:
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
