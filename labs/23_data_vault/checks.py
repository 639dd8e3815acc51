"""Checks of lab 23: hashes of many keys in one query, loads of hand-made batches, random vaults."""

import functools
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import Row

from labkit.checks import (
    SMALL_TABLES,
    AnswerError,
    Case,
    Commit,
    Queries,
    TableChanges,
    assert_columns,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    let_in,
    settings,
    stories,
    table_rows,
    table_version,
    write_commits,
)

HINTS = {
    "hash_key": [
        "Write down what is hashed for ('ab', 'c') and for ('a', 'bc'), for ('a', null, 'b') and "
        "for ('a', 'b', null). Which of your texts are equal?",
        "A mark for null is safe if no text can look like it. What do all your texts begin with?",
        "Any delimiter can stand in a value. Its length in front of each value says where it ends.",
    ],
    "hash_diff": [
        "The types are given so that each gets a text of its own making. Which types does a cast "
        "write in more than one way?",
        "Is there a number that is the same instant in all time zones? Mind the microseconds.",
        "Cast decimals of all kinds to one type first.",
    ],
    "load_hub": [
        "Which statement reads the table, adds what is missing and changes nothing else, in one "
        "commit?",
        "Such a statement inserts a source row for each key that it doesn't find: twice, if the "
        "source has it twice.",
        "`min` of a struct compares its fields one after the other.",
    ],
    "load_satellite": [
        "Which columns together say that a row is there already?",
        "Is a row that says the same as the one before it a copy? Ask again after a late row has "
        "come in between.",
    ],
    "publish_customer": [
        "Make a row for each time at which a source says something of a customer, the deletions of "
        "the shop as well. Then carry both sources forward through these times.",
        "The extract after each extract is known from the times alone. Whose next row isn't in it?",
        "An address is as old as the last row whose address differs from the row before it.",
        "Choose first, and look for changes of what was chosen then.",
    ],
}

START = datetime(2025, 5, 1)


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


# In hours.
MICROSECOND = 1 / 3_600_000_000


def hour_of(text: str) -> float:
    """A time of a case in hours: "3.5"; "3+1" is a microsecond after 3, "-9-1" one before -9."""
    hours, micros = re.fullmatch(r"(-?[\d.]+)([+-]\d+)?", text).groups()
    return float(hours) + int(micros or 0) * MICROSECOND


# ------------------------------------------------------------------------------------- hashes

HASH = re.compile("[0-9a-f]{64}")


@functools.lru_cache(maxsize=1)
def queries_of(spark) -> Queries:
    """One session for all expressions."""
    return Queries(spark)


class Hashes:
    """Values of an expression that the answer made, for many rows in one query."""

    def __init__(self, spark, answer: str, ddl: str, rows: Iterable[tuple], zone: str = "UTC"):
        queries = queries_of(spark)
        self.rows = list(dict.fromkeys(rows))
        numbered = [(number, *row) for number, row in enumerate(self.rows)]
        if not isinstance(answer, str):
            queries.run(answer)
        view = queries.view("rows_to_hash", f"row_number long, {ddl}", numbered)
        with settings(queries.spark, {**SMALL_TABLES, "spark.sql.session.timeZone": zone}):
            frame = queries.run(f"SELECT row_number, (\n{answer}\n) AS hash FROM {view}")
            self.of = {self.rows[row.row_number]: row.hash for row in collect(frame)}

    def assert_apart(self, what: Callable[[tuple], object], rows: Iterable[tuple]) -> None:
        """Rows have the same hash if and only if `what` says that they are equal."""
        by_hash: dict[object, tuple] = {}
        by_value: dict[object, tuple] = {}
        for row in rows:
            mine, value = self.of[row], what(row)
            other = by_hash.setdefault(mine, row)
            assert what(other) == value, f"{other} and {row} differ, and have the same hash {mine}"
            other = by_value.setdefault(value, row)
            assert self.of[other] == mine, (
                f"{other} and {row} are equal, and have two hashes: {self.of[other]} and {mine}"
            )

    def assert_digits(self) -> None:
        """Hashes are 64 hexadecimal digits, and each digit takes many values."""
        for row, value in self.of.items():
            assert isinstance(value, str) and HASH.fullmatch(value), (
                f"the hash of {row} is {value!r}, and not 64 hexadecimal digits in lower case"
            )
        for place, digits in enumerate(zip(*self.of.values(), strict=True)):
            assert len(set(digits)) > 8, (
                f"digit {place + 1} of the hashes is one of {sorted(set(digits))} for all of "
                f"{len(self.of)} keys: it adds nothing, and the hash is shorter than it looks"
            )


def normalised(row: tuple) -> tuple:
    return tuple(None if value is None else value.strip(" ").upper() for value in row)


# What stands for a missing key in many vaults.
ZEROS = ["0" * 32, "0" * 40, "0" * 64]
USUAL = ["|", "||", ",", ";", ":", "-", "_", "#", "^^", "\\", '"', "\x00", "\x1f", "NULL"]


def marks_in(answer: object) -> list[str]:
    """What an expression may put between, before or in place of values: its literals, two of them
    in a row, their characters, and common marks."""
    text = answer if isinstance(answer, str) else ""
    literals = re.findall(r"'((?:[^'\\]|\\.|'')*)'|\"((?:[^\"\\]|\\.)*)\"", text)
    told = [one or two for one, two in literals]
    told += [one.encode("latin-1", "replace").decode("unicode_escape", "replace") for one in told]
    told += [chr(int(code)) for code in re.findall(r"(?i)\bcha?r\(\s*(\d+)\s*\)", text)]
    told = [one for one in dict.fromkeys(told) if 0 < len(one) < 40][:8]
    single = [character for one in told for character in one[:4]]
    return list(dict.fromkeys([*told, *single, *(a + b for a in told for b in told), *USUAL]))


def traps(marks: list[str]) -> list[tuple]:
    """Keys of three columns that are one text if these marks stand between or before them."""
    found = [(None, None, None), ("", "", "")]
    escapes = [one for one in marks if len(one) == 1]
    for one in marks:
        found += [(f"A{one}B", "C", "X"), ("A", f"B{one}C", "X"), ("A", "B", f"C{one}X")]
        found += [(one, "B", "C"), (None, "B", "C"), ("A", one, "C"), ("A", None, "C")]
        found += [("A", "B", one), ("A", "B", None), (f"{one}{one}", "B", "C")]
        # Where a mark is doubled: a text that ends with it, and one that begins with it.
        found += [(f"A{one}", "B", "C"), ("A", f"{one}B", "C")]
        # Where a mark is escaped, and the escape isn't.
        for other in escapes:
            found += [(f"A{other}", "B", f"C{one}D"), (f"A{one}B", f"C{other}", "D")]
            found += [(f"{other}{one}", "B", "C"), (f"A{other}{one}B", "C", "X")]
    return found


# A length in front of each value, without an end to the length, reads both as the same.
LENGTHS = [("1B", "C" * 18, "10" + "D" * 10), ("B18" + "C" * 18, "2", "D" * 10)]

KEYS = "first string, `customer no` string, `a.b` string"
KEY_COLUMNS = ["first", "customer no", "a.b"]


def apart(name: str, title: str, *rows: tuple, points: int = 1) -> Case:
    return Case(name, title, given=rows, points=points)


HASHED_KEYS = [
    apart(
        "normalised",
        "Takes keys for equal that differ in case and in blanks around them",
        ("web-7", "x", "1"),
        ("WEB-7", " x ", "1"),
        ("  Web-7 ", "X", "1  "),
        ("web-8", "x", "1"),
        ("straße", "é", "1"),
        ("STRASSE ", "É", "1"),
    ),
    apart(
        "exact",
        "Tells leading zeros and blanks inside a text apart",
        ("7", "a b", "1"),
        ("07", "a b", "1"),
        ("007", "a b", "1"),
        ("7", "ab", "1"),
        ("7", "a  b", "1"),
        ("7.0", "a b", "1"),
        ("\t7", "a b", "1"),
        ("7\n", "a b", "1"),
        ("7", "a\tb", "1"),
    ),
    apart(
        "one_text",
        "Tells keys apart that are one text when put together",
        ("ab", "c", "d"),
        ("a", "bc", "d"),
        ("a", "b", "cd"),
        ("abcd", "", ""),
        ("", "abcd", ""),
        ("", "", "abcd"),
        *LENGTHS,
        points=2,
    ),
    apart(
        "order",
        "Tells keys with the same values in another order apart",
        ("a", "b", "c"),
        ("b", "a", "c"),
        ("c", "b", "a"),
        ("a", "c", "b"),
        ("a", "a", "b"),
        ("a", "b", "b"),
    ),
    apart(
        "nulls",
        "Tells a null from the empty text, and one place of it from another",
        (None, None, None),
        ("", "", ""),
        ("  ", "", " "),
        ("a", None, "b"),
        ("a", "b", None),
        (None, "a", "b"),
        ("a", "", "b"),
        ("a", " ", "b"),
        ("a", "b", ""),
        ("", None, None),
        (None, "", None),
        (None, None, ""),
        *(("a", text, "b") for text in ("null", "-1", *ZEROS)),
        points=2,
    ),
]


def random_texts(rng: random.Random, marks: list[str], count: int) -> list[tuple]:
    """Keys of a few pieces, so that many are nearly equal."""
    pieces = ["a", "B", "b", " ", "1", "0", *marks]

    def text() -> str | None:
        return None if rng.random() < 0.2 else "".join(rng.choices(pieces, k=rng.choice([0, 1, 2])))

    return [(text(), text(), text()) for _ in range(count)]


@pytest.fixture(scope="module")
def key_hashes(learner, spark, seed):
    """Hashes of the keys of all cases, of traps for what the answer's text holds, and of more."""
    answer = learner.hash_key(KEY_COLUMNS)
    marks = marks_in(answer)
    rows = [row for case in HASHED_KEYS for row in case.given] + traps(marks)
    rows += random_texts(random.Random(f"keys {seed}"), marks, 400)
    return Hashes(spark, answer, KEYS, rows)


@check("hash_key")
@cases(HASHED_KEYS)
def test_keys(key_hashes, case):
    """{case}"""
    key_hashes.assert_apart(normalised, case.given)


@check("hash_key")
def test_digits_of_keys(key_hashes):
    """Makes 64 hexadecimal digits of each key, and of nulls"""
    key_hashes.assert_digits()


@check("hash_key", points=2)
def test_any_characters(key_hashes):
    """Tells all keys apart, with the marks of your expression in their texts, and random ones"""
    key_hashes.assert_apart(normalised, key_hashes.rows)


@check("hash_key")
def test_other_names(learner, spark, key_hashes):
    """Makes the same hash of columns with other names, and goes by the order of the list"""
    rows = [row for case in HASHED_KEYS for row in case.given]
    ddl = "kunde string, nr string, filiale string"
    other = Hashes(spark, learner.hash_key(["kunde", "nr", "filiale"]), ddl, rows)
    for row in rows:
        assert other.of[row] == key_hashes.of[row], (
            f"{row} has another hash in columns named kunde, nr and filiale than in columns named "
            f"{', '.join(KEY_COLUMNS)}: two sources would make two rows of one key"
        )
    one = Hashes(spark, learner.hash_key(["filiale"]), ddl, rows)
    one.assert_apart(lambda row: normalised(row)[2:], rows)
    back = Hashes(spark, learner.hash_key(["nr", "kunde"]), ddl, rows)
    back.assert_apart(lambda row: normalised(row)[:2], rows)


VALUES = "`said by` string, number long, is_open boolean, seen_at timestamp, amount decimal(18,2)"
TYPES = {
    "said by": "string",
    "number": "long",
    "is_open": "boolean",
    "seen_at": "timestamp",
    "amount": "decimal(18,2)",
}
SOME = ("a", 1, True, at(0), Decimal("1.50"))


def but(**values) -> tuple:
    """A row that is SOME but for these values."""
    names = ["text", "number", "is_open", "seen_at", "amount"]
    return tuple(values.get(name, value) for name, value in zip(names, SOME, strict=True))


MICRO = timedelta(microseconds=1)
HASHED_VALUES = [
    apart(
        "texts",
        "Compares texts as they are: case and blanks count",
        *(but(text=text) for text in ("a", "A", " a", "a ", "a  ", "a b", "ab", "á")),
    ),
    apart(
        "nulls",
        "Tells a null from the empty text, 0, false and other nulls",
        *(but(text=text) for text in (None, "", " ", "null", "NULL", "-1", *ZEROS)),
        *(but(number=number) for number in (None, 0, -1)),
        *(but(is_open=value) for value in (None, False, True)),
        but(seen_at=None),
        but(seen_at=datetime(1970, 1, 1)),
        but(amount=None),
        but(amount=Decimal("0.00")),
        (None, None, None, None, None),
        ("", None, None, None, None),
        points=2,
    ),
    apart(
        "numbers",
        "Compares numbers as numbers",
        *(but(number=number) for number in (None, 1, 10, -1, 2**53, 2**53 + 1)),
        *(but(number=number) for number in (2**63 - 1, 2**63 - 2, -(2**63))),
        *(but(amount=Decimal(text)) for text in ("1.50", "1.05", "15.00", "-1.50", "0.01")),
        but(amount=None),
        but(amount=Decimal("9999999999999999.99")),
        but(amount=Decimal("9999999999999999.98")),
    ),
    apart(
        "instants",
        "Tells instants apart that differ by a microsecond",
        *(but(seen_at=at(0) + number * MICRO) for number in (0, 1, 2, 1000, 1000000)),
        *(but(seen_at=datetime(1969, 12, 31, 23, 59, 59) + number * MICRO) for number in (0, 1)),
        *(but(seen_at=datetime(1970, 1, 1) + number * MICRO) for number in (-1, 0, 1)),
        *(but(seen_at=datetime.max - number * MICRO) for number in (0, 1)),
        but(seen_at=at(0) - MICRO),
        but(seen_at=None),
    ),
    apart(
        "between",
        "Tells values apart that are one text when put together",
        but(text="a", number=11),
        but(text="a1", number=1),
        but(text="a11", number=None),
        but(text="a1", number=None),
        but(text="1", number=1),
        but(text="", number=11),
    ),
]
TEXTS = "one string, two string, three string"
# Hours around the moments at which clocks are set in Berlin, there and in UTC.
FOLD = [
    but(seen_at=datetime(2025, month, day, hour, 30))
    for month, day in ((3, 30), (10, 26))
    for hour in (0, 1, 2, 3)
]


def diff_rows() -> list[tuple]:
    return [row for case in HASHED_VALUES for row in case.given] + FOLD


@pytest.fixture(scope="module")
def diff_hashes(learner, spark):
    """Hashes of the rows of all cases."""
    return Hashes(spark, learner.hash_diff(TYPES), VALUES, diff_rows())


@check("hash_diff")
@cases(HASHED_VALUES)
def test_values(diff_hashes, case):
    """{case}"""
    diff_hashes.assert_apart(lambda row: row, case.given)


@check("hash_diff")
def test_digits_of_values(diff_hashes):
    """Makes 64 hexadecimal digits of each row, and of nulls"""
    for row, value in diff_hashes.of.items():
        assert isinstance(value, str) and HASH.fullmatch(value), (
            f"the hash of {row} is {value!r}, and not 64 hexadecimal digits in lower case"
        )


@check("hash_diff", points=2)
def test_time_zones(learner, spark, diff_hashes):
    """Makes the same hash in a session of another time zone"""
    zone = "Europe/Berlin"
    there = Hashes(spark, learner.hash_diff(TYPES), VALUES, diff_rows(), zone)
    for row, value in diff_hashes.of.items():
        assert there.of[row] == value, (
            f"{row} has the hash {value} in a session whose time zone is UTC, and "
            f"{there.of[row]} in one of {zone}: a job in another region finds a change in each row"
        )


@check("hash_diff", points=2)
def test_any_characters_in_values(learner, spark, seed):
    """Tells all rows of texts apart, with the marks of your expression in them, and random ones"""
    answer = learner.hash_diff(dict.fromkeys(["one", "two", "three"], "string"))
    marks = marks_in(answer)
    rows = [*LENGTHS, *traps(marks), *random_texts(random.Random(f"texts {seed}"), marks, 300)]
    Hashes(spark, answer, TEXTS, rows).assert_apart(lambda row: row, rows)


@check("hash_diff")
def test_decimals_of_other_types(learner, spark, diff_hashes):
    """Makes the same hash of a number in any decimal type, and of columns with other names"""
    numbers = ["1.50", "-1.50", "0.00", "-0.10", "15.00", "12345.60"]
    names = ["x", "number of.it", "is_it", "time", "sum"]
    for precision, scale in ((7, 1), (18, 6), (18, 17)):
        type = f"decimal({precision},{scale})"
        types = dict(zip(names, [*list(TYPES.values())[:4], type], strict=True))
        ddl = ", ".join(f"`{name}` {type}" for name, type in types.items())
        place = Decimal(1).scaleb(-scale)
        fit = [Decimal(text) for text in numbers[: 4 if scale == 17 else 6]]
        amounts = [number.quantize(place) for number in [*fit, Decimal("1.5") + place]]
        rows = [but(amount=amount) for amount in amounts]
        mine = Hashes(spark, learner.hash_diff(types), ddl, rows)
        mine.assert_apart(lambda row: row, rows)
        right = diff_hashes.of[SOME]
        assert mine.of[rows[0]] == right, (
            f"{SOME} has the hash {right}, and {mine.of[rows[0]]} in columns named "
            f"{', '.join(names)} of which the last is a {type}: that is a change in each row, "
            "and nobody said anything else"
        )
    types = {"whole": "decimal(18,0)", "tiny": "decimal(18,18)"}
    whole = [Decimal(number) for number in (0, 1, 10, 100, -10, 10**18 - 1, 10**18 - 2)]
    rows = [(number, Decimal(tiny).scaleb(-18)) for number in whole for tiny in (0, 1, 10, -1)]
    ddl = ", ".join(f"{name} {type}" for name, type in types.items())
    Hashes(spark, learner.hash_diff(types), ddl, rows).assert_apart(lambda row: row, rows)
    rows = [(Decimal(number),) for number in (0, 2, 15, 100, -7)]
    whole, cents = (
        Hashes(spark, learner.hash_diff({"units": type}), f"units {type}", rows).of
        for type in ("decimal(9,0)", "decimal(12,2)")
    )
    for row in rows:
        assert whole[row] == cents[row], (
            f"{row[0]} has the hash {whole[row]} in a decimal(9,0), and {cents[row]} in a "
            "decimal(12,2): that is a change, and nobody said anything else"
        )


@check("hash_diff")
def test_order_of_values(learner, spark):
    """Goes by the order of the dict, and by the columns in it alone"""
    rows = [("a", "b", "x"), ("b", "a", "x"), ("a", "b", "y"), ("a", "a", "x"), ("b", "b", "x")]
    ahead = Hashes(spark, learner.hash_diff({"two": "string", "one": "string"}), TEXTS, rows)
    ahead.assert_apart(lambda row: row[:2], rows)
    back = Hashes(spark, learner.hash_diff({"one": "string", "two": "string"}), TEXTS, rows)
    assert ahead.of[rows[0]] == back.of[rows[1]] != back.of[rows[0]], (
        "{two: 'b', one: 'a'} and {one: 'b', two: 'a'} must have one hash, and "
        "{one: 'a', two: 'b'} another: the order of the dict is the order of the values"
    )


# ----------------------------------------------------------------------------- hubs and links


def text_of(text: str) -> str | None:
    """A text of a case: "null" is none, "''" the empty one; "_" is a blank, and "~" a tab."""
    told = {"''": "", "_": " ", "~": "\t"}
    return None if text == "null" else re.sub("''|_|~", lambda sign: told[sign[0]], text)


def named(text: str) -> tuple:
    """A key, when and by whom it was named: "web-1 3 crm", or "o-1 web-1 3 crm" of a link."""
    *key, hour, source = text.split()
    return (*map(text_of, key), at(hour_of(hour)), source)


HUB = "load_ts timestamp, customer_no string, hash_key string, record_source string"
NAMED = "record_source string, note string, customer_no string, load_ts timestamp"
LINK = "record_source string, customer_no string, hash_key string, order_no string, "
LINK += "load_ts timestamp"
RELATED = "customer_no string, load_ts timestamp, order_no string, record_source string"


def loads(text: str) -> list[Case]:
    """Cases of lines `name: title`, then rows stored | rows staged | rows of the table after."""
    return stories(text, before=named, given=named, after=named)


LOADED_KEYS = loads(
    """
new: Makes a row of each new key, written as the hash takes it
| web-1 3 crm, _Web-2_ 3 shop, 007 4 erp, 7 4 erp, _web-3~_ 3 crm, _~web-4_ 3 crm |
WEB-1 3 crm, WEB-2 3 shop, 007 4 erp, 7 4 erp, WEB-3~ 3 crm, ~WEB-4 3 crm

copies: Makes one row of a key that a batch names several times, in several ways
| web-11 3 crm, WEB-11_ 3 crm, _web-11 3 crm, web-12 3 crm, web-12 3 crm |
WEB-11 3 crm, WEB-12 3 crm

first: Takes time and source from the staged row with the smallest time
| web-21 5 crm, web-21 3 shop, WEB-21 4 app, web-22 9 app, web-22 10 zoo, web-22 9.5 app,
web-23 3+1 app, web-23 3 crm, web-24 4 crm, web-24 3+1 shop, web-25 -500000 crm,
web-25 -500000-1 shop |
WEB-21 3 shop, WEB-22 9 app, WEB-23 3 crm, WEB-24 3+1 shop, WEB-25 -500000-1 shop

ties: Takes the smallest source of several with the same time
| web-31 3 shop, web-31 3 crm, _web-31 3 erp, web-32 3 10, web-32 3 9 | WEB-31 3 crm, WEB-32 3 10

known: Leaves a row of the table as it is, if the staged row is older as well
WEB-41 5 crm, WEB-42 5 shop, WEB-43 5 crm |
web-41 7 shop, web-42 3 crm, web-43 5 app |
WEB-41 5 crm, WEB-42 5 shop, WEB-43 5 crm

absent: Leaves keys of the table alone that the batch does not name
WEB-51 5 crm | | WEB-51 5 crm

nulls: Loads a null and an empty text as keys of their own
| null 3 crm, '' 3 shop, __ 4 shop | null 3 crm, '' 3 shop
"""
)
LOADED_LINKS = loads(
    """
pairs: Makes a row of each pair of keys in a link
| o-1 web-1 3 erp, O-1_ web-1 4 erp, o-1 web-2 3 erp, o-2 web-1 3+2 erp, o-2 web-1 3+1 erp |
O-1 WEB-1 3 erp, O-1 WEB-2 3 erp, O-2 WEB-1 3+1 erp

ambiguous: Tells pairs of a link apart that are one text when put together
| o-31 1 3 erp, o-3 11 3 erp, o-4 null 3 erp, null o-4 3 erp, o-4 '' 3 erp, null null 3 erp |
O-31 1 3 erp, O-3 11 3 erp, O-4 null 3 erp, null O-4 3 erp, O-4 '' 3 erp, null null 3 erp

nearly: Loads what is nearly a pair of the table, and is none of it
O-6 '' 3 erp, O-7 null 3 erp, O-8 11 3 erp |
o-6 '' 4 erp, o-6 null 4 erp, o-7 '' 4 erp, o-7 null 4 erp, o-81 1 4 erp |
O-6 '' 3 erp, O-6 null 4 erp, O-7 '' 4 erp, O-7 null 3 erp, O-8 11 3 erp, O-81 1 4 erp

stored: Leaves a pair of the table as it is
O-5 WEB-5 5 erp | o-5 web-5 4 erp, o-5 web-6 4 erp | O-5 WEB-5 5 erp, O-5 WEB-6 4 erp
"""
)


class Loads:
    """Tables that the answer loads, and what it must come to, by the answer's own hashes."""

    def __init__(self, learner, spark, frame, shared_schema):
        self.learner, self.spark, self.frame, self.schema = learner, spark, frame, shared_schema
        self.found: dict[tuple, dict[tuple, str]] = {}

    def hashes(self, keys: list[str], rows: Iterable[tuple]) -> dict[tuple, str]:
        """The hash of each of these keys, by the key; no query for those that were asked before."""
        ddl = ", ".join(f"{name} string" for name in keys)
        return self._found(ddl, rows, lambda: self.learner.hash_key(list(keys)))

    def _found(
        self, ddl: str, rows: Iterable[tuple], answer: Callable[[], str]
    ) -> dict[tuple, str]:
        found = self.found.setdefault(ddl, {})
        if others := [row for row in rows if row not in found]:
            found |= Hashes(self.spark, answer(), ddl, others).of
        return found

    def hub_rows(self, names: list[str], keys: list[str], rows: list[tuple]) -> list[tuple]:
        """Rows (key, time, source) in the order of a hub's or link's columns, with hashes."""
        of = self.hashes(keys, [row[:-2] for row in rows])
        found = []
        for *key, time, source in rows:
            told = dict(zip(keys, key, strict=True))
            told |= {"load_ts": time, "record_source": source, "hash_key": of[tuple(key)]}
            found.append(tuple(told[name] for name in names))
        return found

    def hub(self, table: str, keys: list[str], rows: list[tuple], *, ring: str = "") -> None:
        """Loads (key, time, source) into a hub or link; another loader commits to `ring` then."""
        if len(keys) == 1:
            # The table has no note, and copies differ in it.
            numbered = enumerate(rows)
            staged = self.frame(NAMED, [(row[2], f"{n}", row[0], row[1]) for n, row in numbered])
        else:
            staged = self.frame(RELATED, [(row[1], row[2], row[0], row[3]) for row in rows])
        given = let_in(staged, ring) if ring else staged
        self.learner.load_hub(self.spark, table, given, list(keys))


@dataclass(frozen=True)
class Load:
    """What one call made of tables whose rows before it are known."""

    tables: dict[str, str]
    rows: dict[str, list[Row]]
    changes: dict[str, TableChanges]


def load(spark, tables: dict[str, str], call: Callable[[], object]) -> Load:
    start = {name: table_version(spark, table) for name, table in tables.items()}
    call()
    rows = {name: table_rows(spark, table) for name, table in tables.items()}
    changes = {name: changes_since(spark, tables[name], start[name]) for name in tables}
    return Load(tables, rows, changes)


def fill(spark, table: str, ddl: str, rows: list[tuple]) -> None:
    """A table of these rows, which no Spark job writes. No two rows are equal."""
    write_commits(spark, table, ddl, [Commit("WRITE", rows)], key=names(ddl))


def names(ddl: str) -> list[str]:
    return [column.split()[0] for column in ddl.split(", ")]


@pytest.fixture(scope="module")
def loading(learner, quick, frame, shared_schema):
    return Loads(learner, quick, frame, shared_schema)


ONE, TWO = ["customer_no"], ["order_no", "customer_no"]


def random_names(rng: random.Random, count: int) -> tuple[list, list, list]:
    """Keys that a hub has, that are staged, and the rows of the hub afterwards."""
    sources = ["crm", "erp", "shop"]
    hours = [hour + more * MICROSECOND for hour in range(4) for more in (0, 1, 900_000)]
    stored = {
        f"X-{number}": (at(rng.choice(hours)), rng.choice(sources))
        for number in rng.sample(range(count), count // 3)
    }
    staged = []
    for _ in range(3 * count):
        key = f"x-{rng.randrange(count)}"
        written = rng.choice([key, key.upper(), f" {key}", f"{key}  "])
        staged.append((written, at(rng.choice(hours)), rng.choice(sources)))
    after = dict(stored)
    for key, time, source in sorted(staged, key=lambda row: row[1:]):
        after.setdefault(key.strip().upper(), (time, source))
    return [(key, *one) for key, one in stored.items()], staged, [
        (key, *one) for key, one in after.items()
    ]


@pytest.fixture(scope="module")
def named_keys(seed):
    """What a hub and a link hold, what is staged for each, and their rows afterwards."""
    parts = [
        [
            [row for case in some for row in getattr(case, part)]
            for some in (LOADED_KEYS, LOADED_LINKS)
        ]
        for part in ("before", "given", "after")
    ]
    for part, more in zip(parts, random_names(random.Random(f"names {seed}"), 30), strict=True):
        part[0] = [*part[0], *more]
    return parts


@pytest.fixture(scope="module")
def loaded_hub(loading, spark, named_keys, shared_schema):
    """A hub and a link before and after one load."""
    stored, staged, _ = named_keys
    for place, keys in enumerate((ONE, TWO)):
        loading.hashes(keys, [row[:-2] for part in named_keys for row in part[place]])
    tables = {name: f"{shared_schema}.{name}" for name in ("hub", "link")}
    for place, (name, ddl, keys) in enumerate((("hub", HUB, ONE), ("link", LINK, TWO))):
        fill(spark, tables[name], ddl, loading.hub_rows(names(ddl), keys, stored[place]))

    def call():
        loading.hub(tables["hub"], ONE, staged[0])
        loading.hub(tables["link"], TWO, staged[1])

    run = load(spark, tables, call)
    assert_columns(spark.table(tables["hub"]), HUB)
    return run


def of_keys(rows, keys: list[str], wanted: list[tuple]) -> list:
    """The rows whose key is one of those of `wanted`."""
    mine = {normalised(row[:-2]) for row in wanted}
    return [row for row in rows if normalised(tuple(row[name] for name in keys)) in mine]


def assert_named(loading, run, name: str, keys: list[str], ddl: str, case: Case) -> None:
    found = of_keys(run.rows[name], keys, [*case.before, *case.given])
    expected = loading.hub_rows(names(ddl), keys, case.after)
    assert_rows(found, expected, key=keys, columns=ddl)


@check("load_hub")
@cases(LOADED_KEYS)
def test_hub(loading, loaded_hub, case):
    """{case}"""
    assert_named(loading, loaded_hub, "hub", ONE, HUB, case)


@check("load_hub")
@cases(LOADED_LINKS)
def test_link(loading, loaded_hub, case):
    """{case}"""
    assert_named(loading, loaded_hub, "link", TWO, LINK, case)


@check("load_hub", points=2)
def test_random_keys(loading, loaded_hub, named_keys):
    """Random keys: each is there once, of the first who named it"""
    mine = [row for row in named_keys[2][0] if (row[0] or "").startswith("X-")]
    found = [row for row in loaded_hub.rows["hub"] if (row.customer_no or "").startswith("X-")]
    assert_rows(found, loading.hub_rows(names(HUB), ONE, mine), key=ONE, columns=HUB)


def assert_grew(run, table: str) -> None:
    """One commit, which only adds files."""
    changes = run.changes[table]
    told = ", ".join(changes.operations)
    assert not changes.removed, (
        f"the load of {table} removed {len(changes.removed)} data file(s), by {told}: rows that "
        "were there are written anew, and nobody can be sure that they are as they were"
    )
    assert changes.versions == 1, (
        f"the load of {table} made {changes.versions} commits ({told}), one was expected: readers "
        "between them see a part of the batch"
    )


def assert_no_commit(spark, table: str, call: Callable[[], object], story: str) -> None:
    """The call leaves the table's version as it is."""
    before = table_version(spark, table)
    call()
    changes = changes_since(spark, table, before)
    count = len(changes.added)
    assert not changes.versions, (
        f"{story}, and the call made {changes.versions} commit(s) by "
        f"{', '.join(changes.operations)}, with {count} new data file(s). A load that brings nothing "
        "new must leave no trace"
    )


@check("load_hub", points=2)
def test_only_new_rows_of_a_hub(loaded_hub):
    """Adds files in one commit, and removes none"""
    assert_grew(loaded_hub, "hub")
    assert_grew(loaded_hub, "link")


@check("load_hub", points=2)
def test_hub_again(loading, loaded_hub, named_keys, spark, seed):
    """Makes no commit when all keys of a batch are known"""
    again = list(named_keys[1][0])
    random.Random(f"again {seed}").shuffle(again)
    table = loaded_hub.tables["hub"]
    story = "the same batch came again, in another order"
    assert_no_commit(spark, table, lambda: loading.hub(table, ONE, again), story)


def assert_two_loaders(
    spark,
    table: str,
    ddl: str,
    key: str | list[str],
    rows: list[tuple],
    call: Callable[[list[str], str], None],
    given: list[str],
) -> None:
    """Calls while another loader commits: two of `rows` to the empty table, then a third.

    `call` gets the batch, and the table whose held commits are made when it is read. It is called
    again after each conflict, the last time alone. First of all it gets an empty batch.
    """
    commits = [Commit("MERGE", rows[:2]), Commit("MERGE", rows[2:3])]
    theirs = write_commits(spark, table, ddl, commits, key=key, held=2)
    assert_no_commit(spark, table, lambda: call([], ""), "table and batch were empty")
    start = table_version(spark, table)
    story = "another loader committed while yours read its rows"
    for ring in (table, table, ""):
        try:
            call(given, ring)
            break
        except AnswerError as error:
            if not ring or error.outcome != "error":
                raise
            assert "concurrent" in error.reason.lower(), f"{story}; the call raised {error.reason}"
            changes = changes_since(spark, table, start)
            own = changes.versions - len(changes.added.intersection(theirs))
            assert own <= 0, f"{story}; the call raised, and had made {own} commit(s)"
    try:
        assert_rows(table_rows(spark, table), rows, key=key, columns=ddl)
    except AssertionError as error:
        told = "the table was empty, and another loader committed rows of the batch meanwhile; "
        raise AssertionError(f"{told}afterwards, {error}") from None


@check("load_hub", points=2)
def test_two_loaders_of_a_hub(loading, spark, shared_schema):
    """Begins with an empty hub; has each key once when another loader inserts the same ones"""
    table = f"{shared_schema}.hub_of_two"
    given = ["web-1 4 crm", "web-2 4 crm", "WEB-11 4 crm", "web-12 4 crm", "WEB-12_ 5 app"]
    right = ["WEB-1 2 crm", "WEB-2 3 shop", "WEB-11 4 crm", "WEB-12 4 crm"]
    rows = loading.hub_rows(names(HUB), ONE, [named(one) for one in right])

    def call(batch: list[str], ring: str) -> None:
        loading.hub(table, ONE, [named(one) for one in batch], ring=ring)

    assert_two_loaders(spark, table, HUB, "customer_no", rows, call, given)


# --------------------------------------------------------------------------------- satellites

SATELLITE = (
    "record_source string, street string, hash_key string, seen_at timestamp, "
    "load_ts timestamp, hash_diff string, credit decimal(12,2)"
)
STAGED = (
    "credit decimal(12,2), note string, customer_no string, street string, region string, "
    "load_ts timestamp, record_source string, seen_at timestamp"
)
# Neither the key columns nor the attributes are in the order of their names.
PAIR = ["region", "customer_no"]
ATTRIBUTES = {"street": "string", "credit": "decimal(12,2)", "seen_at": "timestamp"}


def said(text: str) -> tuple:
    """What a source said: "it web-1 3 crm Quay_1 2.50", with region, key, hour and street.

    Credit and the time in `seen_at` follow from the rest unless the credit is given.
    """
    region, key, hour, source, street, *credit = text.split()
    amount = Decimal(credit[0]) if credit and credit[0] != "null" else None
    seen = None if amount is None else at(0) + MICRO * int(amount * 100)
    key_parts = (text_of(region), text_of(key))
    return (*key_parts, at(hour_of(hour)), source, text_of(street), amount, seen)


def statements(text: str) -> list[Case]:
    return stories(text, before=said, given=said, after=said)


SAID = statements(
    """
new: Makes a row of what is said of a key that has none
| it web-1 3 crm Quay_1 2.50, IT web-2_ 3 shop Pier_2 0.00 |
it web-1 3 crm Quay_1 2.50, it web-2 3 shop Pier_2 0.00

as_it_came: Keeps blanks, case, nulls and empty texts of attributes
| it web-11 3 crm _Quay_1__, it web-12 3 crm null null, it web-13 3 crm '' 0.00,
it web-14 3 crm qUAY_1 1.00 |
it web-11 3 crm _Quay_1__, it web-12 3 crm null null, it web-13 3 crm '' 0.00,
it web-14 3 crm qUAY_1 1.00

repeats: Makes a row of what repeats the row before it, in the table or in the batch
it web-21 3 crm Quay_1 |
it web-21 4 crm Quay_1, it web-22 3 crm Quay_1 2.00, it web-22 4 crm Quay_1 2.00,
it web-22 5 crm Quay_1 2.00 |
it web-21 3 crm Quay_1, it web-21 4 crm Quay_1, it web-22 3 crm Quay_1 2.00,
it web-22 4 crm Quay_1 2.00, it web-22 5 crm Quay_1 2.00

back: Keeps all of a change and its way back in one batch
it web-31 3 crm A | it web-31 5 crm A, it web-31 4 crm B, it web-31 6 crm C |
it web-31 3 crm A, it web-31 4 crm B, it web-31 5 crm A, it web-31 6 crm C

late: Loads rows that are older than those of the table
it web-41 5 crm A, it web-42 5 crm A, it web-42 9 crm A |
it web-41 3 crm A, it web-42 7 crm B, it web-42 2 crm C |
it web-41 3 crm A, it web-41 5 crm A, it web-42 2 crm C, it web-42 5 crm A, it web-42 7 crm B,
it web-42 9 crm A

copies: Makes one row of copies, however their key is written
| it web-51 3 crm A 1.00, it web-51 3 crm A 1.00, _IT WEB-51__ 3 crm A 1.00,
it web-52 3 crm null null, it WEB-52 3 crm null null |
it web-51 3 crm A 1.00, it web-52 3 crm null null

known: Makes no row of what the table has, the first and the last of the batch as well
it web-61 3 crm A 1.00, it web-62 3 crm null null, it web-63 -500000-1 crm A, it web-63 12+1 crm A |
it web-61 3 crm A 1.00, it Web-61_ 3 crm A 1.00, it web-62 3 crm null null,
it web-63 12+1 crm A, it web-63 -500000-1 crm A |
it web-61 3 crm A 1.00, it web-62 3 crm null null, it web-63 -500000-1 crm A, it web-63 12+1 crm A

stays: Leaves a row as it is if the batch says something else for it
it web-65 3 crm A 1.00, it web-66 3 crm null null |
it web-65 3 crm B 1.00, it Web-66_ 3 crm C 2.00 |
it web-65 3 crm A 1.00, it web-66 3 crm null null

sources: Tells two sources at one time apart
it web-71 3 crm A | it web-71 3 shop A, it web-72 3 crm B, it web-72 3 shop C, it web-71 3 CRM A |
it web-71 3 crm A, it web-71 3 shop A, it web-71 3 CRM A, it web-72 3 crm B, it web-72 3 shop C

moments: Tells rows apart that are a moment apart
it web-75 3 crm A, it web-75 -490000 crm A |
it web-75 3+1 crm A, it web-75 3-1 crm B, it web-75 -490000+1 crm A |
it web-75 3 crm A, it web-75 3+1 crm A, it web-75 3-1 crm B, it web-75 -490000 crm A,
it web-75 -490000+1 crm A

keys: Tells keys apart that are one text when put together, and nulls from empty texts
| i tweb-81 3 crm A, it web-81 3 crm A, it null 3 crm A, null it 3 crm A, it '' 3 crm A |
i tweb-81 3 crm A, it web-81 3 crm A, it null 3 crm A, null it 3 crm A, it '' 3 crm A

absent: Leaves keys alone that the batch does not name
it web-91 3 crm A | | it web-91 3 crm A
"""
)
# What a row of a satellite says, in the order in which reasons show it.
SATELLITE_KEY = ["hash_key", "load_ts", "record_source"]


def random_statements(rng: random.Random, count: int) -> list[tuple]:
    """What two sources say of a few customers at a few times; what is said again is a copy."""
    rows = []
    for _ in range(count):
        key, hour = rng.randrange(100, 112), rng.choice(["1", "2-1", "2", "2+1", "3", "5", "8+9"])
        source = rng.choice(["crm", "shop"])
        street = rng.choice(["A", "B", "null", "''"])
        rows.append((f"de web-{key} {hour} {source}", street))
    first = {}
    for start, street in rows:
        first.setdefault(start, street)
    return [said(f"{start} {first[start]}") for start, _ in rows]


class Satellites(Loads):
    """Satellites that the answer loads."""

    def satellite_rows(self, rows: list[tuple], keys: list[str] = PAIR) -> list[tuple]:
        """Rows in the order of a satellite's columns, the first of each, with hashes."""
        first = len(PAIR) - len(keys)
        of = self.hashes(keys, [row[first:2] for row in rows])
        ddl = ", ".join(f"{name} {type}" for name, type in ATTRIBUTES.items())
        content = [row[4:] for row in rows]
        diffs = self._found(ddl, content, lambda: self.learner.hash_diff(dict(ATTRIBUTES)))
        found = {}
        for row in rows:
            key, time, source, (street, credit, seen) = of[row[first:2]], row[2], row[3], row[4:]
            diff = diffs[row[4:]]
            found.setdefault(
                (key, time, source), (source, street, key, seen, time, diff, credit)
            )
        return list(found.values())

    def satellite(
        self, table: str, rows: list[tuple], *, keys: list[str] = PAIR, ring: str = ""
    ) -> None:
        """Loads what was said; another loader commits to `ring` then."""
        given = [
            (credit, f"{number}", key, street, region, time, source, seen)
            for number, (region, key, time, source, street, credit, seen) in enumerate(rows)
        ]
        staged = self.frame(STAGED, given)
        staged = let_in(staged, ring) if ring else staged
        told = dict(ATTRIBUTES)
        self.learner.load_satellite(self.spark, table, staged, list(keys), told)


@pytest.fixture(scope="module")
def saying(learner, quick, frame, shared_schema):
    return Satellites(learner, quick, frame, shared_schema)


@pytest.fixture(scope="module")
def told(seed):
    """What a satellite holds and what is staged."""
    rng = random.Random(f"statements {seed}")
    some = random_statements(rng, 90)
    stored = [row for case in SAID for row in case.before] + list(dict.fromkeys(some[:30]))
    staged = [row for case in SAID for row in case.given] + some[15:]
    rng.shuffle(staged)
    return stored, staged


@pytest.fixture(scope="module")
def loaded_satellite(saying, spark, told, shared_schema):
    """A satellite before and after one load."""
    saying.satellite_rows([*told[0], *told[1], *(row for case in SAID for row in case.after)])
    tables = {"satellite": f"{shared_schema}.satellite"}
    fill(spark, tables["satellite"], SATELLITE, saying.satellite_rows(told[0]))
    run = load(spark, tables, lambda: saying.satellite(tables["satellite"], told[1]))
    assert_columns(spark.table(tables["satellite"]), SATELLITE)
    return run


@check("load_satellite")
@cases(SAID)
def test_satellite(saying, loaded_satellite, case):
    """{case}"""
    of = saying.hashes(PAIR, [row[:2] for row in case.after])
    mine = {of[row[:2]] for row in case.after}
    found = [row for row in loaded_satellite.rows["satellite"] if row.hash_key in mine]
    expected = saying.satellite_rows(case.after)
    assert_rows(found, expected, key=SATELLITE_KEY, columns=SATELLITE)


@check("load_satellite", points=2)
def test_random_statements(saying, loaded_satellite, told):
    """Random batches: each statement of each source is there once, and no other"""
    expected = saying.satellite_rows([*told[0], *told[1]])
    assert_rows(
        loaded_satellite.rows["satellite"], expected, key=SATELLITE_KEY, columns=SATELLITE
    )


@check("load_satellite", points=2)
def test_only_new_rows_of_a_satellite(loaded_satellite):
    """Adds files in one commit, and removes none"""
    assert_grew(loaded_satellite, "satellite")


@check("load_satellite", points=2)
def test_satellite_again(saying, loaded_satellite, told, spark, seed):
    """Makes no commit when all of a batch is there"""
    again = list(told[1])
    random.Random(f"again {seed}").shuffle(again)
    table = loaded_satellite.tables["satellite"]
    story = "the same batch came again, in another order"
    assert_no_commit(spark, table, lambda: saying.satellite(table, again), story)


@check("load_satellite", points=2)
def test_two_loaders_of_a_satellite(saying, spark, shared_schema):
    """Begins with an empty table; has each row once when another loader inserts the same ones"""
    table = f"{shared_schema}.satellite_of_two"
    lines = ["it web-1 2 crm A", "it web-1 3 crm B", "it web-2 3 crm C", "it web-2 4 crm C"]
    rows = saying.satellite_rows([said(one) for one in lines], ["customer_no"])

    def call(batch: list[str], ring: str) -> None:
        given = [said(one) for one in batch]
        saying.satellite(table, given, keys=["customer_no"], ring=ring)

    assert_two_loaders(spark, table, SATELLITE, SATELLITE_KEY, rows, call, [*lines, lines[3]])


# --------------------------------------------------------------------------- publish_customer

CUSTOMERS = "hash_key string, customer_no string, name string, address string, "
CUSTOMERS += "valid_from timestamp, valid_to timestamp"
VAULT_HUB = "record_source string, customer_no string, load_ts timestamp, hash_key string"
VAULT_CRM = (
    "address string, hash_key string, credit long, load_ts timestamp, name string, "
    "record_source string, hash_diff string"
)
VAULT_SHOP = (
    "hash_key string, load_ts timestamp, record_source string, hash_diff string, "
    "name string, address string"
)
NEVER = datetime(1900, 1, 1)
# The last two are a microsecond apart.
EXTRACTS = [2.0, 5.0, 8.0, 11.0, 11 + MICROSECOND]
# An extract that only has a stranger: the shop has deleted everybody else.
LAST = 14.0

# What the sources say of one customer: rows of the CRM by the hour, (name, address), and of the
# shop's extracts, None where the customer isn't in it.
Statement = tuple[str | None, str | None]


def dimension(
    customer_no: str, crm: dict[float, Statement], shop: dict[float, Statement | None]
) -> list[tuple]:
    """The versions of a customer, in plain Python."""
    states: dict[str, tuple[Statement | None, float]] = {"crm": (None, 0), "shop": (None, 0)}
    began = [*crm, *(hour for hour, row in shop.items() if row)]
    versions: list[tuple[float, Statement]] = []
    for hour in sorted({*crm, *shop}):
        for source, rows in (("crm", crm), ("shop", shop)):
            if hour in rows:
                row = rows[hour]
                before, since = states[source]
                is_same = (before or (None, None))[1] == (row or (None, None))[1] and before
                states[source] = (row, since if is_same else hour)
        (one, one_since), (two, two_since) = states["crm"], states["shop"]
        one, two = one or (None, None), two or (None, None)
        name = two[0] if one[0] is None else one[0]
        address = one[1]
        if address is None or (two[1] is not None and two_since > one_since):
            address = two[1]
        if began and hour >= min(began) and (not versions or versions[-1][1] != (name, address)):
            versions.append((hour, (name, address)))
    if not versions:
        return [(key_of(customer_no), customer_no, None, None, NEVER, None)]
    ends = [*(at(hour) for hour, _ in versions[1:]), None]
    return [
        (key_of(customer_no), customer_no, *said, at(hour), end)
        for (hour, said), end in zip(versions, ends, strict=True)
    ]


def key_of(customer_no: str) -> str:
    """A hash key as another loader may have made it."""
    return f"{hash_of_text(customer_no):064x}"


def hash_of_text(text: str) -> int:
    return random.Random(text).getrandbits(256)


def statement(text: str) -> Statement | None:
    """Name and address: "Anna/Quay_1"; "-" is none."""
    if text == "-":
        return None
    name, address = text.split("/")
    return text_of(name), text_of(address)


def of_customer(
    name: str, title: str, crm: str, shop: str, right: str, points: int = 1
) -> Case:
    """What the CRM says, "3:A/x", what each extract of the shop says, and versions, "3:A/x".

    A case is one customer; an extract is as the one before unless said. The last extract has
    nobody, so the CRM alone is published then; that version is added.
    """
    number = name.upper()
    told = {hour_of(one.split(":")[0]): statement(one.split(":")[1]) for one in crm.split()}
    rows = [statement(one) for one in shop.split()] or [None]
    rows += [rows[-1]] * (len(EXTRACTS) - len(rows))
    starts = [(hour_of(one.split(":")[0]), statement(one.split(":")[1])) for one in right.split()]
    at_last = told[max(told)] if told else (None, None)
    if starts and at_last != starts[-1][1]:
        starts.append((LAST, at_last))
    ends = [*(at(hour) for hour, _ in starts[1:]), None]
    after = [
        (key_of(number), number, *said, at(hour), end)
        for (hour, said), end in zip(starts, ends, strict=False)
    ]
    extracts = dict(zip(EXTRACTS, rows, strict=True)) | {LAST: None}
    return Case(name, title, before=[(number, told, extracts)], after=after, points=points)


PUBLISHED = [
    of_customer(
        "crm_alone",
        "Makes versions of what the CRM says, for a customer that the shop never had",
        "-500000-1:A/q 1:A/x 4:A/y 6:A/Y 7:A/_Y 9:B/_Y",
        "-",
        "-500000-1:A/q 1:A/x 4:A/y 6:A/Y 7:A/_Y 9:B/_Y",
    ),
    of_customer(
        "shop_alone",
        "Makes versions of what the shop says, for a customer that the CRM never had",
        "",
        "a/x a/y b/y",
        "2:a/x 5:a/y 8:b/y",
    ),
    of_customer(
        "back",
        "Makes a version of a change back to what was said before",
        "1:A/x 3:A/y 4:A/x 6:A/y",
        "-",
        "1:A/x 3:A/y 4:A/x 6:A/y",
    ),
    of_customer(
        "repeats",
        "Makes no version of rows that repeat, or that change other attributes",
        "1:A/x 3:A/x 6:A/x 7:A/y 9:A/y",
        "a/x",
        "1:A/x 7:A/y",
    ),
    of_customer(
        "names",
        "Takes the name of the CRM, and that of the shop if it is null",
        "1:null/x 3:A/x 6:null/x 9:''/x",
        "a/x b/x b/x",
        "1:null/x 2:a/x 3:A/x 6:b/x 9:''/x",
        points=2,
    ),
    of_customer(
        "newer_shop",
        "Takes the newer address: here the shop's, until the CRM says another",
        "1:A/x 3:A/X 9:A/z",
        "a/p a/p a/q",
        "1:A/x 2:A/p 3:A/X 8:A/q 9:A/z",
        points=2,
    ),
    of_customer(
        "said_again",
        "Takes an address for as old as its first row, when it is said again",
        "1:A/x 6:A/x 9:B/x",
        "a/p",
        "1:A/x 2:A/p 9:B/p",
        points=2,
    ),
    of_customer(
        "away_and_back",
        "Takes an address for new when it comes back after another one or after a null",
        "1:A/x 4:A/y 6:A/x 9:A/null 10:A/x",
        "a/p a/q a/p a/p",
        "1:A/x 2:A/p 4:A/y 5:A/q 6:A/x 8:A/p 10:A/x",
        points=2,
    ),
    of_customer(
        "both_at_once",
        "Takes the address of the CRM if both are equally old",
        "2:A/x 5:A/y",
        "a/p a/q a/_q",
        "2:A/x 5:A/y 8:A/_q",
    ),
    of_customer(
        "close",
        "Takes the address that is newer by a moment",
        "1:A/x 5+1:A/y 8-1:A/z 11:A/w",
        "a/p a/q a/r a/r a/s",
        "1:A/x 2:A/p 5:A/q 5+1:A/y 8-1:A/z 8:A/r 11:A/w 11+1:A/s",
    ),
    of_customer(
        "close_extracts",
        "Takes extracts that are a moment apart for two",
        "1:A/x",
        "a/p a/p a/p - a/q",
        "1:A/x 2:A/p 11:A/x 11+1:A/q",
    ),
    of_customer(
        "gone_in_a_moment",
        "Sees that an extract misses a customer that was in one a moment before",
        "1:A/x",
        "a/p a/p a/p a/q -",
        "1:A/x 2:A/p 11:A/q 11+1:A/x",
    ),
    of_customer(
        "same_address",
        "Makes no version when the same address comes from the other source",
        "1:A/x 6:A/y 9:A/x",
        "a/x a/x a/y a/x",
        "1:A/x 6:A/y 9:A/x",
    ),
    of_customer(
        "null_address",
        "Takes the other address if the newer one is null",
        "1:A/x 3:A/null 9:A/null",
        "a/null a/p a/null a/q",
        "1:A/x 3:A/null 5:A/p 8:A/null 11:A/q",
        points=2,
    ),
    of_customer(
        "empty_address",
        "Takes an empty address for an address",
        "1:A/x 3:A/''",
        "a/null a/null a/''",
        "1:A/x 3:A/''",
    ),
    of_customer(
        "deleted",
        "Knows nothing of the shop while its extracts miss the customer, and again after that",
        "1:A/x",
        "a/p - - a/p",
        "1:A/x 2:A/p 5:A/x 11:A/p",
        points=2,
    ),
    of_customer(
        "deleted_and_back",
        "Takes an address for new when the customer comes back with it",
        "1:A/x 6:A/y",
        "a/p - - a/p",
        "1:A/x 2:A/p 5:A/x 6:A/y 11:A/p",
    ),
    of_customer(
        "deleted_alone",
        "Makes a version of nulls of a customer that the shop deletes and the CRM never had",
        "",
        "a/p a/p -",
        "2:a/p 8:null/null",
        points=2,
    ),
    of_customer(
        "deleted_at_last",
        "Sees that the newest extract misses a customer",
        "",
        "a/p a/p a/p -",
        "2:a/p 11:null/null",
    ),
    of_customer(
        "new_in_the_shop",
        "Begins with the first extract that has the customer",
        "",
        "- - a/p",
        "8:a/p",
    ),
    of_customer(
        "says_nothing",
        "Begins with the first row, even if name and address are null in it",
        "3:null/null 6:A/null",
        "-",
        "3:null/null 6:A/null",
    ),
    of_customer(
        "one_text",
        "Makes versions of name and address that are alike once they are put together",
        "1:A/null 3:null/A 4:''/A 5.5:A/Bx 6:AB/x 7:A|B/x 9:A/B|x",
        "-",
        "1:A/null 3:null/A 4:''/A 5.5:A/Bx 6:AB/x 7:A|B/x 9:A/B|x",
    ),
    of_customer("unheard", "Has a version of nulls of a customer without rows", "", "-", ""),
]
PUBLISHED[-1] = Case(
    "unheard",
    "Has a version of nulls, from 1900 on, of a customer without rows",
    before=PUBLISHED[-1].before,
    after=[(key_of("UNHEARD"), "UNHEARD", None, None, NEVER, None)],
)


def random_people(rng: random.Random, count: int, extracts: list[float]) -> list[tuple]:
    """Customers, and what CRM and shop say of them at random times."""

    def anything() -> Statement:
        return rng.choice([None, "A", "B"]), rng.choice([None, "", "x", "X", " x", "A"])

    people = []
    for number in range(count):
        hours = rng.sample([*range(1, 14)], rng.choice([0, 1, 2, 4, 6]))
        crm = {hour + rng.choice([0, 0, MICROSECOND]): anything() for hour in sorted(hours)}
        chance = rng.choice([0.0, 0.5, 0.9])
        shop = {hour: anything() if rng.random() < chance else None for hour in extracts}
        shop[LAST] = None
        people.append((f"R-{number}", crm, shop))
    return people


def vault_rows(people: list[tuple], rng: random.Random) -> dict[str, list[tuple]]:
    """Rows of hub, CRM and shop, in no order."""
    hub, crm, shop = [], [], []
    for number, told, extracts in people:
        key = key_of(number)
        hub.append(("erp", number, at(rng.randrange(99)), key))
        for hour, (name, address) in told.items():
            credit = rng.randrange(5)
            diff = f"{hash_of_text(repr((name, address, credit))):064x}"
            crm.append((address, key, credit, at(hour), name, "crm", diff))
        for hour, row in extracts.items():
            if row:
                diff = f"{hash_of_text(repr(row)):064x}"
                # An extract may come in two files.
                shop.append((key, at(hour), rng.choice(["shop", "shop 2"]), diff, *row))
    for rows in (hub, crm, shop):
        rng.shuffle(rows)
    return {"hub": hub, "crm": crm, "shop": shop}


def published(
    learner,
    spark,
    schema: str,
    people: list[tuple],
    seed: object,
    *,
    stranger: list[float] = EXTRACTS,
    is_in_crm: bool = True,
) -> list:
    """What the answer publishes of these people, and of a stranger to the hub.

    The stranger is in these extracts, in the last one and in the CRM: so nobody else needs to be.
    """
    told = dict.fromkeys([*stranger, LAST], ("s", "x")) if stranger else {}
    every = [*people, ("STRANGER", {1.0: ("S", "x")} if is_in_crm else {}, told)]
    rows = vault_rows(every, random.Random(f"vault {seed}"))
    rows["hub"] = [row for row in rows["hub"] if row[1] != "STRANGER"]
    vault = {"hub": f"{schema}.keys", "crm": f"{schema}.said_a", "shop": f"{schema}.said_b"}
    for name, ddl in (("hub", VAULT_HUB), ("crm", VAULT_CRM), ("shop", VAULT_SHOP)):
        fill(spark, vault[name], ddl, rows[name])
    answer = learner.publish_customer(spark, vault)
    assert_columns(answer, CUSTOMERS)
    return collect(answer)


@pytest.fixture(scope="module")
def crowd(seed):
    return random_people(random.Random(f"people {seed}"), 60, EXTRACTS)


@pytest.fixture(scope="module")
def customers(learner, quick, shared_schema, crowd, seed):
    """The dimension of all cases and of random customers."""
    people = [one for case in PUBLISHED for one in case.before] + crowd
    return published(learner, quick, shared_schema, people, seed)


DIMENSION_KEY = ["customer_no", "valid_from"]


@check("publish_customer")
@cases(PUBLISHED)
def test_versions(customers, case):
    """{case}"""
    mine = {row[1] for row in case.after}
    found = [row for row in customers if row.customer_no in mine]
    assert_rows(found, case.after, key=DIMENSION_KEY, columns=CUSTOMERS)


@check("publish_customer", points=2)
def test_random_customers(customers, crowd):
    """Random customers: has the versions that follow from what was said"""
    found = [row for row in customers if row.customer_no.startswith("R-")]
    expected = [row for one in crowd for row in dimension(*one)]
    assert_rows(found, expected, key=DIMENSION_KEY, columns=CUSTOMERS)


@check("publish_customer")
def test_strangers(customers):
    """Publishes no customer that the hub does not have"""
    found = {row.customer_no for row in customers}
    numbers = {one[0] for case in PUBLISHED for one in case.before}
    others = {number for number in found if not number or not number.startswith("R-")} - numbers
    assert not others, f"{others} is published, and the hub has no such customer"
