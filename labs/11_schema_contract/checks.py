"""Checks of lab 11: contracts in short, values that fit or not, and what a table's log says."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql.types import StructType

from labkit.checks import (
    AnswerError,
    Case,
    TableChanges,
    assert_columns,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    stored_files,
    stored_rows,
    table_files,
    table_rows,
    table_version,
)

HINTS = {
    "compatible": [
        "Make a dict of each side's fields, by name in small letters. Then every name of either "
        "side is one of three cases.",
        "A decimal(10,4) has more digits than a decimal(10,2). Which values of the old type no "
        "longer fit?",
        "A struct on both sides is the same question again, with a path in front of the names.",
    ],
    "conform": [
        "Write one function that takes a column, its type in the batch, and the field; it calls "
        "itself for the fields of a struct.",
        "What does `try_cast` do to 12.345, and how could you notice? Compare with the value that "
        "went in.",
        "For text a pattern says what a number is. Its digits after the point depend on the "
        "field's scale.",
        "`F.struct` of nulls is not null.",
    ],
    "violations": [
        "A chain of `when` gives the first rule that a value breaks, or null.",
        "An array of one struct a field, without its nulls, becomes rows by `F.inline`.",
        "Unknown columns are known from the schema alone; no row need be read.",
    ],
    "append": [
        "Which rows are good is a condition on the row. A join by key loses rows without a key, "
        "and good rows whose key a bad row shares.",
        "Look for what refuses the batch before you write anything.",
        "When no row may go in, which version do you return?",
    ],
    "migrate": [
        "Make a list of steps and a list of reasons first. Touch the table when there are no "
        "reasons.",
        "Delta refuses to alter a column that a constraint names. In which order do you drop, "
        "alter and add?",
        "What does a CHECK make of null? Not what standard SQL does.",
        "`SHOW TBLPROPERTIES` tells the constraints. Delta writes their blanks in its own way.",
    ],
    "deprecate": [
        "Rename nothing. Which column can a writer fill that still knows the old name alone?",
        "In the view both names are the same expression.",
    ],
}

VIOLATIONS = "key string, field string, rule string, value string"
FIELD = re.compile(
    r"(?P<name>\w+)(?: (?P<type>[a-z]+(?:\(\d+,\d+\))?))?(?:\{(?P<fields>.*)\})?(?P<required>[!?])?"
    r"(?: in (?P<allowed>[\w ]+?))?(?: > (?P<above>[\d.]+))?(?: was (?P<was>\w+))?"
)


def contract(text: str, **more: Any) -> dict:
    """A contract in short: `id int!; total decimal(8,2) > 0 was sum; place{city string}`.

    `!` says required and `?` that it is not, as nothing does; `in EUR USD` allowed.
    """
    return {"version": 1, "key": "id", "on_violation": "reject", **more, "fields": fields(text)}


def fields(text: str) -> list[dict]:
    found = []
    for part in re.split(r";\s*(?![^{]*\})", text):
        said = FIELD.fullmatch(part.strip()).groupdict()
        one = {name: value for name, value in said.items() if value is not None}
        if "fields" in one:
            one["fields"] = fields(one["fields"])
        if "required" in one:
            one["required"] = one["required"] == "!"
        if "allowed" in one:
            one["allowed"] = one["allowed"].split()
        if "above" in one:
            one["above"] = float(one["above"]) if "." in one["above"] else int(one["above"])
        found.append(one)
    return found


def ddl_of(fields: Iterable[dict]) -> str:
    return ", ".join(f"{field['name']} {kind_of(field)}" for field in fields)


def kind_of(field: dict) -> str:
    if "type" in field:
        return field["type"]
    inner = [f"{one['name']}:{kind_of(one)}" for one in field["fields"]]
    return f"struct<{','.join(inner)}>"


def at(day: int) -> datetime:
    return datetime(2025, 5, day, 9)


# --------------------------------------------------------------------------------------- compatible


def compared(name: str, title: str, *pairs: tuple[str, str, str], points: int = 1) -> Case:
    """A case from pairs of contracts in short, each with `change field level, ...`."""
    given = [(contract(old), contract(new)) for old, new, _ in pairs]
    after = [
        [tuple(change.split()) for change in changes.split(", ") if change] for *_, changes in pairs
    ]
    return Case(name, title, given=given, after=after, points=points)


COMPARED = [
    compared(
        "optional",
        "Calls it full when an optional field is added or removed",
        ("id int!", "id int!; note string", "add note full"),
        ("id int!; note string", "id int!", "remove note full"),
    ),
    compared(
        "required",
        "Says which side breaks when a required field is added or removed",
        ("id int!", "id int!; note string!", "add note forward"),
        ("id int!; note string!", "id int!", "remove note backward"),
    ),
    compared(
        "require_relax",
        "Sees that an optional field is required now, and a required one optional",
        ("id int!; note string", "id int!; note string!", "require note forward"),
        ("id int!; note string!", "id int!; note string", "relax note backward"),
        ("id int!; note string?; x int?", "id int!; note string!; x int", "require note forward"),
    ),
    compared(
        "widens",
        "Calls it widen when int becomes bigint, or a decimal has room for all old values",
        ("id int", "id bigint", "widen id backward"),
        ("a decimal(8,2)", "a decimal(10,2)", "widen a backward"),
        ("a decimal(8,2)", "a decimal(10,4)", "widen a backward"),
    ),
    compared(
        "narrows",
        "Calls the same steps narrow, the other way round",
        ("id bigint", "id int", "narrow id forward"),
        ("a decimal(10,2)", "a decimal(8,2)", "narrow a forward"),
        ("a decimal(10,4)", "a decimal(8,2)", "narrow a forward"),
    ),
    compared(
        "decimal_loses_room",
        "Calls it retype when a decimal gains digits on one side of the point and loses them on "
        "the other",
        ("a decimal(10,2)", "a decimal(10,4)", "retype a breaking"),
        ("a decimal(10,4)", "a decimal(11,2)", "retype a breaking"),
        points=2,
    ),
    compared(
        "retypes",
        "Calls any other change of a type retype",
        ("a int", "a decimal(10,0)", "retype a breaking"),
        ("a int", "a string", "retype a breaking"),
        ("a string", "a timestamp", "retype a breaking"),
    ),
    compared(
        "renamed",
        "Takes a renamed field for one that is removed and one that is added",
        (
            "id int!; amount decimal(8,2)!",
            "id int!; total decimal(8,2)! was amount",
            "remove amount backward, add total forward",
        ),
        ("a{x string}", "a{y string was x}", "remove a.x full, add a.y full"),
    ),
    compared(
        "order_and_case",
        "Finds no change in another order or in other case",
        ("id int; Note string; a{x int; y int}", "a{Y int; x int}; note string; ID int", ""),
        ("id int!; note string", "id int!; note string", ""),
    ),
    compared(
        "written_as_in_new",
        "Writes a field as the new contract does, and as the old one if it is gone",
        (
            "Amount int; Gone string; Place{Zip int; Lost int}",
            "AMOUNT bigint; place{zip bigint}",
            "widen AMOUNT backward, remove Gone full, widen place.zip backward, "
            "remove Place.Lost full",
        ),
    ),
    compared(
        "two_changes",
        "Has two tuples for a field whose type and required both change",
        ("a int", "a bigint!", "widen a backward, require a forward"),
        ("a{x int}!", "a{x bigint}", "widen a.x backward, relax a backward"),
        ("a{x int}", "a int!", "retype a breaking, require a forward"),
    ),
    compared(
        "nested",
        "Compares the fields of structs one by one, without a tuple for the struct",
        (
            "a{city string; zip int; old string; n bigint}",
            "a{city string; zip string; n int; country string}",
            "retype a.zip breaking, remove a.old full, narrow a.n forward, add a.country full",
        ),
        points=2,
    ),
    compared(
        "whole_struct",
        "Takes a struct that comes, goes, or becomes another type for one change",
        ("id int", "id int; a{x string; y string}!", "add a forward"),
        ("id int; a{x string; y string}", "id int", "remove a full"),
        ("a{x string}", "a string", "retype a breaking"),
        ("a string", "a{x string; y string}", "retype a breaking"),
    ),
    compared(
        "only_the_schema",
        "Compares nothing but names, types and required",
        ("id int > 0; c string in EUR", "id int > 5; c string in EUR USD", ""),
        ("id int; c string", "id int > 0; c string in EUR", ""),
    ),
]


@check("compatible")
@cases(COMPARED)
def test_changes(learner, case):
    """{case}"""
    for (old, new), after in zip(case.given, case.after, strict=True):
        found = learner.compatible(old, new)
        if not isinstance(found, list):
            raise AnswerError("failed", f"returned {type(found).__name__}, expected a list")
        mine, right = Counter(map(tuple, found)), Counter(after)
        if mine != right:
            sides = f"from `{told(old)}` to `{told(new)}`"
            raise AssertionError(f"{sides}: {differing(mine - right, right - mine)}")


def told(contract: dict) -> str:
    """The fields of a contract, as a reason writes them."""
    return ", ".join(
        f"{one['name']} {kind_of(one)}{' required' if one.get('required') else ''}"
        for one in contract["fields"]
    )


def differing(wrong: Counter, missing: Counter) -> str:
    parts = [
        f"{verb} {', '.join(map(str, sorted(which.elements(), key=str)))}"
        for verb, which in (("returned", wrong), ("expected", missing))
        if which
    ]
    return ", ".join(parts)


# ------------------------------------------------------------------------------ conform, violations


@dataclass(frozen=True)
class Values:
    """Values of one type, and what they are in a field of another: a misfit is null there."""

    given: str
    wanted: str
    fit: dict
    misfit: tuple = ()


def numbers(scale: int, *texts: str) -> dict:
    """Values that fit, by what they are: all given as `text`, or as `text=result`."""
    pairs = [(text.split("=") * 2)[:2] for text in texts]
    return {text: Decimal(result).quantize(Decimal(1).scaleb(-scale)) for text, result in pairs}


def dec(*texts: str) -> tuple:
    return tuple(map(Decimal, texts))


FITTING = {
    "text_as_decimal": (
        "Converts text with an exact number to decimal, and no other text",
        Values(
            "string",
            "decimal(6,2)",
            numbers(
                2, "12.50", "-12", "-0=0", "007=7", "0.5", "9999.99", "0012.3=12.3", "-0.01", "0"
            ),
            ("12.345", "0.001", "10000", "99999.9", "n/a", "", "1,5", "-", "1.2.3", "12abc"),
        ),
        2,
    ),
    "spelling": (
        "Takes text with an exponent, a plus, a blank, or a point at either end for no number",
        Values(
            "string",
            "decimal(6,2)",
            {},
            ("1e3", "1E2", "+5", ".5", "7.", " 7", "7 ", "7\n", "-.5", "- 5", "NaN"),
        ),
    ),
    "zeros": (
        "Counts no zeros at the end, nor at the start of a number",
        Values(
            "string", "decimal(6,2)", numbers(2, "12.34000=12.34", "0001.0000=1", "00012.3=12.3")
        ),
        Values("string", "int", {"7.00": 7, "0007": 7, "100": 100}),
        Values(
            "decimal(10,4)",
            "decimal(6,2)",
            {Decimal(text): Decimal(text[:-2]) for text in ("12.3400", "9999.9900", "-0.0100")},
        ),
    ),
    "text_as_whole": (
        "Converts text to int and bigint only if it is a whole number in their range",
        Values(
            "string",
            "int",
            {"2147483647": 2147483647, "-2147483648": -2147483648, "0": 0},
            ("2147483648", "-2147483649", "7.5", "0.1", "1e3", "x", ""),
        ),
        Values(
            "string",
            "bigint",
            {"3000000000": 3000000000, "9223372036854775807": 2**63 - 1},
            ("9223372036854775808", "1.5"),
        ),
    ),
    "decimals": (
        "Takes a decimal that would be rounded, cut or too long for no fit",
        Values(
            "decimal(10,4)",
            "decimal(6,2)",
            {Decimal("1.5000"): Decimal("1.50")},
            dec("12.3450", "-0.0040", "10000.0000"),
        ),
        Values(
            "decimal(12,2)",
            "int",
            {Decimal("7.00"): 7},
            dec("1.50", "-0.50", "3000000000.00"),
        ),
        2,
    ),
    "doubles": (
        "Takes a double for the number that it is printed as",
        Values(
            "double",
            "decimal(6,2)",
            {0.1: Decimal("0.10"), 19.99: Decimal("19.99"), -2.5: Decimal("-2.50")},
            (12.345, 1e10, 0.30000000000000004),
        ),
        Values("double", "bigint", {7.0: 7, 12345678.0: 12345678}, (1.5, -0.25)),
        Values("double", "int", {-7.0: -7}, (3e9, 0.5)),
    ),
    "whole_numbers": (
        "Converts whole numbers to a type that holds them, and not beyond",
        Values("bigint", "int", {7: 7, -2147483648: -2147483648}, (2147483648, -3000000000)),
        Values("int", "bigint", {5: 5}),
        Values("int", "decimal(6,2)", {9999: Decimal("9999.00")}, (10000,)),
    ),
    "no_numbers": (
        "Takes no boolean, date or timestamp for a number",
        Values("boolean", "decimal(6,2)", {}, (True, False)),
        Values("boolean", "int", {}, (True,)),
        Values("date", "int", {}, (date(2025, 5, 1),)),
        Values("timestamp", "bigint", {}, (at(1),)),
    ),
    "strings": (
        "Takes nothing but text for a string, and keeps it letter by letter",
        Values("string", "string", {"04109": "04109", " Lyon ": " Lyon ", "": ""}),
        Values("int", "string", {}, (4109,)),
        Values("decimal(6,2)", "string", {}, dec("1.50")),
        Values("boolean", "string", {}, (True,)),
        Values("timestamp", "string", {}, (at(1),)),
    ),
    "timestamps": (
        "Takes nothing but timestamps for a timestamp",
        Values("timestamp", "timestamp", {at(3): at(3)}),
        Values("string", "timestamp", {}, ("12:00", "2026", "2026-03-05T09:00:00Z")),
        Values("date", "timestamp", {}, (date(2025, 5, 1),)),
        Values("bigint", "timestamp", {}, (1_746_090_000,)),
    ),
    "structs": (
        "Takes nothing but a struct for a struct, and no struct for anything else",
        Values("string", "struct<city:string>", {}, ("Lyon",)),
        Values("struct<city:string>", "string", {}, (("Lyon",),)),
        Values("struct<n:int>", "int", {}, ((1,),)),
    ),
}


@dataclass(frozen=True)
class Placed:
    """Values with the name of the column that they are in."""

    column: str
    values: Values

    @property
    def rows(self) -> list[tuple]:
        return [*self.values.fit.items(), *((value, None) for value in self.values.misfit)]


def fitting() -> list[Case]:
    found, number = [], 0
    for name, (title, *parts) in FITTING.items():
        points = parts.pop() if isinstance(parts[-1], int) else 1
        placed = []
        for values in parts:
            placed.append(Placed(f"c{number}", values))
            number += 1
        found.append(Case(name, title, given=placed, points=points))
    return found


FITS = fitting()
ALL_VALUES = [placed for case in FITS for placed in case.given]
FIT_CONTRACT = contract("id int")
FIT_CONTRACT["fields"] += [
    {"name": one.column, "fields": [{"name": "city", "type": "string"}]}
    if one.values.wanted.startswith("struct")
    else {"name": one.column, "type": one.values.wanted}
    for one in ALL_VALUES
]


def batch_of_values(frame):
    """A row for the first values of all columns, one for the second, and so on."""
    ddl = ", ".join(["id int", *(f"{one.column} {one.values.given}" for one in ALL_VALUES)])
    count = max(len(one.rows) for one in ALL_VALUES)
    rows = [
        (at, *(one.rows[at][0] if at < len(one.rows) else None for one in ALL_VALUES))
        for at in range(count)
    ]
    return frame(ddl, rows)


@pytest.fixture(scope="module")
def fitted(learner, frame):
    """The rows that come back of all values, by id."""
    answer = learner.conform(batch_of_values(frame), FIT_CONTRACT)
    assert_columns(answer, ddl_of(FIT_CONTRACT["fields"]))
    return {row["id"]: row for row in collect(answer)}


@check("conform")
@cases(FITS)
def test_values(fitted, case):
    """{case}"""
    for placed in case.given:
        for at, (value, right) in enumerate(placed.rows):
            if at not in fitted:
                raise AssertionError(
                    f"no row has id {at} any more; the ids came as int, and have a field of type "
                    "int"
                )
            mine = fitted[at][placed.column]
            if mine != right:
                raise AssertionError(
                    f"{shown(value)} as {placed.values.given} in a field of type "
                    f"{placed.values.wanted} became {shown(mine)}, expected {shown(right)}"
                )


def shown(value: Any) -> str:
    return "null" if value is None else str(value) if not isinstance(value, str) else repr(value)


ORDERS = (
    "id bigint!; amount decimal(8,2)! > 0; currency string in EUR USD; "
    "address{city string; floor int}"
)
BATCH = (
    "ADDRESS struct<Floor:bigint,planet:string,city:string>, currency string, note string, "
    "amount string, Id int"
)
LYON, NOWHERE = (1, "Earth", "Lyon"), (None, None, None)
ARRIVED = [
    (LYON, "EUR", "x", "5.00", 1),
    (None, "USD", None, "6", 2),
    (NOWHERE, None, None, "7.50", 3),
    ((2, None, None), "eur", None, "-1", 4),
    (LYON, "EUR", "x", "5.00", 5),
    (LYON, "EUR", "x", "5.00", 5),
    ((3_000_000_000, "Earth", "Rome"), "EUR", "x", "5.00", 6),
    (None, None, None, None, None),
]
CONFORMED = [
    (1, Decimal("5.00"), "EUR", ("Lyon", 1)),
    (2, Decimal("6.00"), "USD", None),
    (3, Decimal("7.50"), None, (None, None)),
    (4, Decimal("-1.00"), "eur", (None, 2)),
    (5, Decimal("5.00"), "EUR", ("Lyon", 1)),
    (5, Decimal("5.00"), "EUR", ("Lyon", 1)),
    (6, Decimal("5.00"), "EUR", ("Rome", None)),
    (None, None, None, None),
]
SHAPES = [
    Case("by_name", "Finds columns and nested fields by name, in any place and case", given=[1]),
    Case("in_structs", "Converts the fields of a struct one by one", given=[6]),
    Case("null_structs", "Keeps a null struct null, and a struct of nulls a struct", given=[2, 3]),
    Case(
        "all_rows",
        "Returns all rows, also those that break a rule or come twice",
        given=[4, 5, None],
    ),
]


@pytest.fixture(scope="module")
def conformed(learner, frame):
    answer = learner.conform(frame(BATCH, ARRIVED), contract(ORDERS))
    assert_columns(answer, ddl_of(fields(ORDERS)))
    return collect(answer)


@check("conform")
@cases(SHAPES)
def test_rows_of_a_batch(conformed, case):
    """{case}"""
    expected = [row for row in CONFORMED if row[0] in case.given]
    assert_rows(
        [row for row in conformed if row["id"] in case.given],
        expected,
        key="id",
        columns=ddl_of(fields(ORDERS)),
    )


@check("conform")
def test_fields_that_the_batch_lacks(learner, frame):
    """Has null in a field that the batch lacks, nested ones too, and all columns of no rows"""
    wanted = contract("id int!; total decimal(8,2)!; a{x int; y string}; b{z int}; t timestamp")
    ddl = ddl_of(wanted["fields"])
    answer = learner.conform(frame("a struct<x:int>, id int", [((1,), 1)]), wanted)
    assert_columns(answer, ddl)
    assert_rows(collect(answer), [(1, None, (1, None), None, None)], key="id", columns=ddl)
    answer = learner.conform(frame("id string, note string", []), wanted)
    assert_columns(answer, ddl)
    assert_rows(collect(answer), [], key="id", columns=ddl)


# --------------------------------------------------------------------------------------- violations

KEY = ["key", "field"]
# Values that do not fit, by key and field.
MISFITS = {
    (str(at), one.column): value
    for one in ALL_VALUES
    for at, (value, fits) in enumerate(one.rows)
    if fits is None
}


@pytest.fixture(scope="module")
def misfits(learner, frame):
    """The violations of all values, by key and field."""
    return violations_of(learner, batch_of_values(frame), FIT_CONTRACT)


def violations_of(learner, batch, contract: dict) -> list:
    answer = learner.violations(batch, contract)
    assert_columns(answer, VIOLATIONS)
    return collect(answer)


@check("violations", points=2)
def test_types(misfits):
    """Reports each value that does not fit, and no other"""
    found = Counter((row["key"], row["field"]) for row in misfits)
    for one in ALL_VALUES:
        for at, (value, _) in enumerate(one.rows):
            place = (str(at), one.column)
            if found[place] != (place in MISFITS):
                raise AssertionError(
                    f"{shown(value)} as {one.values.given} in a field of type {one.values.wanted} "
                    f"has {found[place]} rows, expected {int(place in MISFITS)}"
                )
    if extra := sorted(set(found) - set(MISFITS), key=str):
        raise AssertionError(
            f"key {shown(extra[0][0])} and field {shown(extra[0][1])} have a row, and no value "
            "there breaks a rule"
        )
    if rules := {row["rule"] for row in misfits} - {"type"}:
        raise AssertionError(f"the rule of such a value is {min(rules, key=str)}, expected type")


@check("violations")
def test_values_as_they_came(misfits):
    """Gives the value as it is in the batch, as text"""
    for row in misfits:
        right = as_text(MISFITS.get((row["key"], row["field"])))
        if right is not None and row["value"] != right:
            raise AssertionError(
                f"the violation of the value {right!r} has the value {shown(row['value'])}, "
                "expected it as it is in the batch, cast to string"
            )


def as_text(value: Any) -> str | None:
    """A value cast to string; None where Spark and Python may write it in different ways."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, Decimal, date)) and value != at(1) else None


JUDGED = (
    "Id bigint!; amount decimal(8,2)! > 0; currency string? in EUR USD; rate decimal(4,2) > 0.5; "
    "place{city string; floor int}"
)
REPORTED = (
    "amount string, currency string, rate double, id string, place struct<city:string,Floor:string>"
)
GOOD = ("5.00", "EUR", 1.0)
NOT_ALLOWED = {"5": "eur", "6": "EUR ", "7": ""}
BROKEN = [
    Case(
        "required",
        "Reports null in a required field as required",
        given=[(None, "EUR", 1.0, "1", None)],
        after=[("1", "amount", "required", None)],
    ),
    Case(
        "null_key",
        "Reports a row without a key, with a null key",
        given=[("0", "EUR", 1.0, None, None)],
        after=[(None, "Id", "required", None), (None, "amount", "above", "0")],
    ),
    Case(
        "optional_nulls",
        "Finds nothing wrong with null in an optional field, also with allowed or above",
        given=[("5", None, None, "3", None), ("5", "USD", 0.51, "4", (None, None))],
        after=[],
        points=2,
    ),
    Case(
        "allowed",
        "Compares allowed texts letter by letter",
        given=[("5", text, 1.0, key, None) for key, text in NOT_ALLOWED.items()],
        after=[(key, "currency", "allowed", text) for key, text in NOT_ALLOWED.items()],
    ),
    Case(
        "above",
        "Reports a number that is not greater, also one that is equal",
        given=[
            ("0.00", "EUR", 1.0, "8", None),
            ("-1", "EUR", 1.0, "9", None),
            ("0.01", "EUR", 0.5, "10", None),
        ],
        after=[
            ("8", "amount", "above", "0.00"),
            ("9", "amount", "above", "-1"),
            ("10", "rate", "above", "0.5"),
        ],
    ),
    Case(
        "type_alone",
        "Asks nothing else of a value that does not fit, and reports the key as it came",
        given=[("-0.001", "EUR", 1.0, "11", None), ("5", "EUR", 1.0, "x1", None)],
        after=[("11", "amount", "type", "-0.001"), ("x1", "Id", "type", "x1")],
    ),
    Case(
        "nested",
        "Reports fields inside structs, written as the contract does",
        given=[("5", "EUR", 1.0, "12", ("Lyon", "2nd")), ("5", "EUR", 1.0, "13", ("Lyon", "2"))],
        after=[("12", "place.floor", "type", "2nd")],
    ),
    Case(
        "several",
        "Reports every broken value of a row, and of a row that comes twice",
        given=[("0", "GBP", 1.234, "14", ("x", "1.5"))] * 2,
        after=[
            ("14", "amount", "above", "0"),
            ("14", "currency", "allowed", "GBP"),
            ("14", "rate", "type", "1.234"),
            ("14", "place.floor", "type", "1.5"),
        ]
        * 2,
    ),
]


@pytest.fixture(scope="module")
def reported(learner, frame):
    """The violations of the rows of all cases, and of many good rows before and after."""
    good = [(*GOOD, str(number), None) for number in range(100, 140)]
    rows = [row for case in BROKEN for row in case.given]
    batch = frame(REPORTED, [*good[:20], *rows, *good[20:]])
    return violations_of(learner, batch, contract(JUDGED, key="ID"))


@check("violations")
@cases(BROKEN)
def test_violations(reported, case):
    """{case}"""
    mine = {row[3] for row in case.given}
    found = [row for row in reported if row["key"] in mine]
    assert_rows(found, case.after, key=KEY, columns=VIOLATIONS)


@check("violations")
def test_good_rows(reported):
    """Has no row for a good row"""
    mine = {row[3] for case in BROKEN for row in case.given}
    assert_rows(
        [row for row in reported if row["key"] not in mine], [], key=KEY, columns=VIOLATIONS
    )


@pytest.fixture(scope="module")
def uneven(learner, frame):
    """The violations of a batch with other columns than the contract: of two rows, and of none."""
    ddl = (
        "currency string, Extra string, tags struct<a:int,b:int>, "
        "PLACE struct<Planet:string,city:string>"
    )
    rows = [("EUR", "x", (1, 2), ("Mars", "Lyon")), (None, None, None, None)]
    said = contract(JUDGED, key="id")
    return [violations_of(learner, frame(ddl, some), said) for some in (rows, [])]


@check("violations")
def test_unknown_columns(uneven):
    """Reports each column and nested field that the contract lacks once, also of no rows"""
    right = [(None, name, "unknown", None) for name in ("Extra", "tags", "PLACE.Planet")]
    for found in uneven:
        mine = [row for row in found if row["rule"] != "required"]
        assert_rows(mine, right, key=KEY, columns=VIOLATIONS)


@check("violations")
def test_missing_columns(uneven):
    """Takes a field that the batch lacks for null in every row"""
    for found, rows in zip(uneven, (2, 0), strict=True):
        mine = [row for row in found if row["rule"] != "unknown"]
        right = [(None, name, "required", None) for name in ("Id", "amount")] * rows
        assert_rows(mine, right, key=KEY, columns=VIOLATIONS)


# ------------------------------------------------------------------------------------------- append

SALES = (
    "id bigint!; amount decimal(8,2)! > 0; currency string in EUR USD; "
    "place{city string; floor int}"
)
STORED = "currency string, place struct<city:string,floor:int>, id bigint, amount decimal(8,2)"
DELIVERED = "id int, place struct<city:string,floor:bigint>, Amount string, currency string"


@dataclass(frozen=True)
class Call:
    """What one call made of both tables: versions made, what it returned, and the error."""

    changes: TableChanges
    violations: TableChanges
    newest: int
    result: Any
    error: AnswerError | None

    def returned(self) -> Any:
        if self.error:
            raise self.error
        return self.result


class Watch:
    """What calls make of a table, from one look to the next."""

    def __init__(self, spark, table: str) -> None:
        self.spark, self.table, self.last = spark, table, table_version(spark, table)

    def changes(self) -> TableChanges:
        found = changes_since(self.spark, self.table, self.last)
        self.last = replace(self.last, number=self.last.number + found.versions)
        return found


def told_versions(changes: TableChanges) -> str:
    """How many versions were made, and by what."""
    count = f"{changes.versions} version{'' if changes.versions == 1 else 's'}"
    return f"{count} ({', '.join(changes.operations)})" if changes.versions else "no version"


def attempt(call: Callable[..., Any], *given: Any) -> tuple[Any, AnswerError | None]:
    """What a call returns, and the error that it raises; a task not written is no such error."""
    try:
        return call(*given), None
    except AnswerError as error:
        if error.outcome != "error":
            raise
        return None, error


def assert_refused(error: AnswerError | None, names: Iterable[str], story: str) -> None:
    """The call raised `ContractError`, and its text names these fields."""
    if error is None:
        raise AssertionError(f"{story}, and the call returned as if all were well")
    if "ContractError" not in error.reason:
        raise AssertionError(f"{story}, and the call raised {error.reason.splitlines()[0]}")
    lost = [
        name
        for name in names
        if not re.search(rf"(?<![\w.]){re.escape(name)}(?!\.?\w)", error.reason, re.IGNORECASE)
    ]
    if lost:
        raise AssertionError(f"{story}; the error does not name {', '.join(lost)}: {error.reason}")


PARIS = ("Paris", 2)
SOME = [
    (1, PARIS, "5.00", "EUR"),
    (1, PARIS, "0", "EUR"),
    (2, None, "6.5", None),
    (2, None, "6.5", None),
    (None, None, "7", "EUR"),
    (3, PARIS, "1.234", "GBP"),
    (3, PARIS, "1.234", "GBP"),
    (4, ("Paris", 3_000_000_000), "8", "USD"),
]
SOME_GOOD = [
    (1, Decimal("5.00"), "EUR", PARIS),
    (2, Decimal("6.50"), None, None),
    (2, Decimal("6.50"), None, None),
]
SOME_BAD = [
    ("1", "amount", "above", "0"),
    (None, "id", "required", None),
    *[("3", "amount", "type", "1.234"), ("3", "currency", "allowed", "GBP")] * 2,
    ("4", "place.floor", "type", "3000000000"),
]
CLEAN = [(31, PARIS, "1", "EUR"), (32, None, "2", None)]
CLEAN_GOOD = [(31, Decimal("1.00"), "EUR", PARIS), (32, Decimal("2.00"), None, None)]


@pytest.fixture(scope="module")
def calls(learner, spark, frame, shared_schema):
    """Five calls on one table, by what is given, and the rows of both tables after them."""
    table = f"{shared_schema}.sales"
    spark.sql(f"CREATE TABLE {table} ({STORED}) USING delta")
    spark.sql(f"CREATE TABLE {table}_violations ({VIOLATIONS}) USING delta")
    strict, lenient = contract(SALES), contract(SALES, on_violation="quarantine")
    extra = frame(
        "id bigint, amount decimal(8,2), note string, place struct<city:string,planet:string>",
        [(11, Decimal(0), None, None)],
    )
    given = {
        "some_bad": (frame(DELIVERED, SOME), lenient),
        "rejected": (frame(DELIVERED, [(21, None, "1", "EUR"), (22, None, "0", "GBP")]), strict),
        "unknown": (extra, lenient),
        "all_bad": (frame(DELIVERED, [(41, None, None, "EUR")]), lenient),
        "clean": (frame(DELIVERED, CLEAN), strict),
    }
    sales, others = Watch(spark, table), Watch(spark, f"{table}_violations")
    found = {}
    for name, (batch, said) in given.items():
        result, error = attempt(learner.append, spark, table, batch, said)
        changes = sales.changes(), others.changes()
        found[name] = Call(*changes, sales.last.number, result, error)
    return found, stored_rows(spark, table), stored_rows(spark, f"{table}_violations")


@check("append", points=2)
def test_quarantine(calls):
    """Appends the rows without a violation, in the contract's form, and no other"""
    found, rows, _ = calls
    found["some_bad"].returned()
    mine = [row for row in rows if row["id"] is None or row["id"] < 10]
    assert_rows(mine, SOME_GOOD, key="id", columns=ddl_of(fields(SALES)))


@check("append")
def test_violations_are_kept(calls):
    """Appends all violations of a batch in quarantine to the other table"""
    found, _, rows = calls
    found["some_bad"].returned()
    mine = [row for row in rows if row["key"] is None or int(row["key"]) < 10]
    assert_rows(mine, SOME_BAD, key=KEY, columns=VIOLATIONS)


@check("append")
def test_clean_batch(calls):
    """Appends all of a batch without a violation, and writes no violations"""
    found, rows, _ = calls
    found["clean"].returned()
    mine = [row for row in rows if row["id"] in (31, 32)]
    assert_rows(mine, CLEAN_GOOD, key="id", columns=ddl_of(fields(SALES)))
    if found["clean"].violations.versions:
        raise AssertionError(
            "a batch without a violation made a version of the table of violations: "
            f"{', '.join(found['clean'].violations.operations)}"
        )


@check("append")
def test_one_version(calls):
    """Makes exactly one version of the table for a batch, and returns it"""
    for name in ("some_bad", "clean"):
        call = calls[0][name]
        result = call.returned()
        if call.changes.versions != 1:
            raise AssertionError(f"a batch made {told_versions(call.changes)} of the table")
        assert_version(result, call.newest)


def assert_version(result: Any, newest: int) -> None:
    if type(result) is not int or result != newest:
        raise AnswerError("failed", f"returned {result!r}, expected the version, {newest}")


@check("append")
def test_nothing_to_append(calls):
    """Makes no version when no row may go in, and returns the newest; keeps the violations"""
    call = calls[0]["all_bad"]
    result = call.returned()
    if call.changes.versions:
        raise AssertionError(
            "no row of the batch may go in, and the table has a new version: "
            f"{', '.join(call.changes.operations)}"
        )
    assert_version(result, call.newest)
    mine = [row for row in calls[2] if row["key"] == "41"]
    assert_rows(mine, [("41", "amount", "required", None)], key=KEY, columns=VIOLATIONS)


REFUSED = [
    Case(
        "rejected",
        "Refuses a batch with a violation if the contract says reject",
        given=["amount", "currency"],
    ),
    Case(
        "unknown",
        "Refuses a batch with unknown fields, also if the contract says quarantine",
        given=["note", "place.planet", "amount"],
    ),
]


@check("append")
@cases(REFUSED)
def test_refused_batch(calls, case):
    """{case}"""
    call = calls[0][case.name]
    for name, changes in (("the table", call.changes), ("the other table", call.violations)):
        if changes.versions:
            raise AssertionError(
                f"a batch that is to be refused made a version of {name}: "
                f"{', '.join(changes.operations)}"
            )
    story = f"the batch has violations in {' and '.join(case.given)}"
    assert_refused(call.error, case.given, story)


# ------------------------------------------------------------------------------------------ migrate

OLD = (
    "id int NOT NULL, amount decimal(8,2), currency string, ordered_at timestamp NOT NULL, "
    "note string, channel string, Place struct<city:string,zip:string,floor:int,box:string>, "
    "kept string"
)
OLD_ROWS = [
    (1, Decimal("5.00"), "EUR", at(1), "gift", "web", ("Lyon", "69001", 3, "b"), "k"),
    (2, Decimal("0.01"), "USD", at(2), None, "shop", None, None),
]
NEW = """
id bigint!; total decimal(10,2)! > 0 was Amount; currency string! in EUR USD GBP;
placed_at timestamp? was ordered_at; note string? in gift none; discount decimal(4,2) > 0;
kept string;
place{city string; postal_code string was zip; floor bigint; country string}
"""
NEW_ROWS = [
    (1, Decimal("5.00"), "EUR", at(1), "gift", None, "k", ("Lyon", "69001", 3, None)),
    (2, Decimal("0.01"), "USD", at(2), None, None, None, None),
]


@dataclass(frozen=True)
class Twice:
    """What a call made of a table, its paths and rules then, and the same call again."""

    before: tuple
    after: tuple
    changes: TableChanges
    rules: list[str]
    again: TableChanges
    error: AnswerError | None

    def assert_no_file(self) -> None:
        assert_no_file(self.before, self.after, self.changes)

    def assert_no_more(self) -> None:
        if self.error:
            raise AssertionError(f"the second call raised {self.error.reason}")
        if self.again.versions:
            raise AssertionError(f"the second call made {told_versions(self.again)}, expected none")


def twice(call: Callable[..., Any], spark, table: str, *given: Any) -> Twice:
    watch, before = Watch(spark, table), paths(spark, table)
    call(spark, table, *given)
    changes, after, rules = watch.changes(), paths(spark, table), rules_on(spark, table)
    _, error = attempt(call, spark, table, *given)
    return Twice(before, after, changes, rules, watch.changes(), error)


def paths(spark, table: str) -> tuple[set[str], set[str]]:
    """The data files that the table has, and all that lie in its folder."""
    return set(table_files(spark, table)), set(stored_files(spark, table))


def assert_no_file(before: tuple, after: tuple, changes: TableChanges) -> None:
    """No data file came, went or was written meanwhile; all are at the paths where they were."""
    for now, then in zip(after, before, strict=True):
        for which, verb in ((now - then, "is new"), (then - now, "is gone")):
            if which:
                raise AssertionError(
                    f"{len(then)} data files before and {len(now)} after; "
                    f"{Path(min(which)).name} {verb}, by {', '.join(changes.operations)}"
                )
    if changes.added or changes.removed:
        raise AssertionError(f"files were written, by {', '.join(changes.operations)}")


def make_old(spark, frame, table: str, ddl: str, rows: list, **constraints: str) -> None:
    """A Delta table of these rows in one file, with constraints."""
    said = {f"delta.constraints.{name}": text for name, text in constraints.items()}
    said["delta.checkpointInterval"] = "100"  # or version 10 of a migration writes one
    properties = ", ".join(f"'{name}' = '{text}'" for name, text in said.items())
    spark.sql(f"CREATE TABLE {table} ({ddl}) USING delta TBLPROPERTIES ({properties})")
    given = frame(ddl.replace(" NOT NULL", ""), rows).coalesce(1)
    given.write.format("delta").mode("append").saveAsTable(table)


def rules_on(spark, table: str) -> list[str]:
    """What must be true of a row, says the table: its constraints, and columns without null."""
    said = spark.sql(f"SHOW TBLPROPERTIES {table}").collect()
    checks = [row["value"] for row in said if row["key"].startswith("delta.constraints.")]
    return checks + [
        f"{one.name} IS NOT NULL" for one in spark.table(table).schema if not one.nullable
    ]


SAME = (
    "id int; amount decimal(8,2); currency string; ordered_at timestamp; note string; "
    "channel string; place{city string; zip string; floor int; box string}; kept string"
)


def refused(name: str, title: str, names: str, *changes: tuple[str, str], **more: Any) -> Case:
    """A case from what differs from SAME, and the fields that the error names."""
    text = SAME
    for old, new in changes:
        text = text.replace(old, new)
    return Case(name, title, given=[contract(text, **more)], after=names.split())


IN_THE_WAY = [
    refused(
        "types",
        "Refuses a change of type that is not a widening",
        "id amount note place.zip",
        ("decimal(8,2)", "decimal(8,4)"),
        ("note string", "note int"),
        ("zip string", "zip int"),
        ("id int", "id decimal(12,2)"),
    ),
    refused(
        "narrows",
        "Refuses a narrower type, even if all values would fit",
        "amount",
        ("decimal(8,2)", "decimal(6,2)"),
    ),
    refused(
        "new_required",
        "Refuses a new field that is required",
        "since",
        ("note string", "note string; since timestamp!"),
    ),
    refused(
        "lost",
        "Refuses to lose a column or a nested field that is not listed in dropped",
        "note place.zip",
        ("; note string", ""),
        ("; zip string", ""),
        ("id int", "id bigint; more string"),
        dropped=["zip", "place.note"],
    ),
    refused(
        "was_beside_its_field",
        "Refuses to lose a column that `was` names, if the table has the field itself as well",
        "channel",
        ("note string; channel string", "note string was channel"),
    ),
    refused(
        "rows",
        "Refuses rules that a row of the table breaks",
        "total currency note",
        ("amount decimal(8,2)", "total decimal(8,2) > 0.01 was amount"),
        ("currency string", "currency string in USD GBP"),
        ("note string", "note string!"),
        ("id int", "id bigint! > 0; more string"),
    ),
    refused(
        "all_kinds",
        "Names all fields that are in the way, of whatever kind",
        "amount since place.zip",
        ("decimal(8,2)", "decimal(8,0)"),
        ("note string", "note string; since int!"),
        ("zip string; ", ""),
    ),
]


def make_shop(spark, frame, table: str) -> Watch:
    rules = {
        "positive": 'amount > 0 AND channel in ("web", "shop")',
        "currencies": 'currency in ("EUR", "USD")',
    }
    make_old(spark, frame, table, OLD, OLD_ROWS, **rules)
    return Watch(spark, table)


@pytest.fixture(scope="module")
def refusals(learner, spark, frame, shared_schema):
    """A table, and of each case what the call made of it, and its error."""
    shop, found = make_shop(spark, frame, f"{shared_schema}.shop"), {}
    for case in IN_THE_WAY:
        _, error = attempt(learner.migrate, spark, shop.table, case.given[0])
        found[case.name] = shop.changes(), error
    return shop, found


@check("migrate")
@cases(IN_THE_WAY)
def test_refused_migration(refusals, case):
    """{case}; the table has no new version"""
    made, error = refusals[1][case.name]
    story = f"the table can't come to {ddl_of(case.given[0]['fields'])} by metadata alone"
    if case.name == "rows":
        story = f"rows of the table break the contract in {', '.join(case.after)}"
    if made.versions:
        raise AssertionError(f"{story}, and the call made {told_versions(made)}")
    assert_refused(error, case.after, story)


@dataclass(frozen=True)
class Migration:
    """A table that was migrated, and its rows."""

    calls: Twice
    frame: Any
    rows: list


@pytest.fixture(scope="module")
def migrated(learner, spark, frame, shared_schema, refusals):
    """A table that was migrated, and a second call on it."""
    shop, found = refusals
    if any(made.versions for made, _ in found.values()):
        shop = make_shop(spark, frame, f"{shared_schema}.other_shop")
    table, wanted = shop.table, contract(NEW, dropped=["channel", "Place.box", "long_gone"])
    calls = twice(learner.migrate, spark, table, wanted)
    answer = spark.table(table)
    return Migration(calls, answer, collect(answer))


def types_of(schema, path: str = "") -> dict[str, str]:
    """The types of columns and nested fields, by name in small letters."""
    found = {}
    for column in schema:
        name = f"{path}{column.name}".lower()
        if column.dataType.typeName() == "struct":
            found[name] = "struct"
            found |= types_of(column.dataType, f"{name}.")
        else:
            found[name] = column.dataType.simpleString()
    return found


@check("migrate")
def test_fields_of_the_table(migrated):
    """Has the fields of the contract with their types, nested ones too, and no other"""
    mine = types_of(migrated.frame.schema)
    right = types_of(StructType.fromDDL(ddl_of(fields(NEW))))
    for name in sorted(mine.keys() | right.keys()):
        if mine.get(name) != right.get(name):
            raise AssertionError(
                f"{name} is {mine.get(name, 'not there')} in the table, "
                f"expected {right.get(name, 'that it is not there')}"
            )


def picked(row: Any, fields: Iterable[dict]) -> tuple | None:
    """The values of these fields in a row, whatever their order; a struct's as a tuple."""
    if row is None:
        return None
    known = {name.lower(): value for name, value in row.asDict().items()}
    return tuple(
        picked(known.get(field["name"]), field["fields"])
        if "fields" in field
        else known.get(field["name"])
        for field in fields
    )


@check("migrate", points=2)
def test_values_stay(migrated):
    """Keeps the values of fields that stay or are renamed, and has null in new ones"""
    found = [picked(row, fields(NEW)) for row in migrated.rows]
    assert_rows(found, NEW_ROWS, key="id", columns=NAMES)


@check("migrate", points=2)
def test_no_file_is_written(migrated):
    """Writes and removes no data file: all are at the paths where they were"""
    migrated.calls.assert_no_file()


@check("migrate")
def test_second_migration(migrated):
    """Makes no version when it is called again"""
    migrated.calls.assert_no_more()


ROW = (7, Decimal("5.00"), "EUR", at(5), "gift", Decimal("1.00"), "k", ("Lyon", "1", 1, "FR"))
NAMES = ["id", "total", "currency", "placed_at", "note", "discount", "kept", "place"]


def probe(**changed: Any) -> tuple:
    return tuple(changed.get(name, value) for name, value in zip(NAMES, ROW, strict=True))


PROBES = [
    Case(
        "good",
        "Takes rows that keep the contract, also with what it newly allows",
        given=[
            probe(),
            probe(currency="GBP"),
            probe(total=Decimal("99999999.99")),
            probe(note="none"),
            probe(kept="anything"),
        ],
        after=[True],
    ),
    Case(
        "optional_nulls",
        "Takes null in every optional field",
        given=[probe(placed_at=None), probe(note=None), probe(discount=None), probe(place=None)],
        after=[True],
        points=2,
    ),
    Case(
        "required",
        "Refuses null in a required field",
        given=[probe(id=None), probe(total=None), probe(currency=None)],
        after=[False],
    ),
    Case(
        "allowed",
        "Refuses a text that is not allowed",
        given=[probe(currency="CHF"), probe(note="other")],
        after=[False],
    ),
    Case(
        "above",
        "Refuses a number that is not above the bound",
        given=[
            probe(total=Decimal("0.00")),
            probe(total=Decimal("-1.00")),
            probe(discount=Decimal("0.00")),
        ],
        after=[False],
    ),
]


@pytest.fixture(scope="module")
def taken(migrated, frame):
    """Of each row of PROBES, the rules of the table that are not true of it."""
    rows, rules = [row for case in PROBES for row in case.given], migrated.calls.rules
    if not rules:
        return {row: [] for row in rows}
    given = frame(ddl_of(fields(NEW)), rows)
    broken = [f"NOT coalesce({rule}, false) AS r{at}" for at, rule in enumerate(rules)]
    try:
        found = given.selectExpr(*broken).collect()
    except Exception as error:
        raise AnswerError("failed", f"a constraint of the table can't be read: {error}") from error
    return {
        row: [rule for rule, no in zip(rules, said, strict=True) if no]
        for row, said in zip(rows, found, strict=True)
    }


@check("migrate")
@cases(PROBES)
def test_rows_that_the_table_takes(taken, case):
    """{case}"""
    for row in case.given:
        told = (
            ", ".join(
                f"{name} {shown(value)}"
                for name, value, good in zip(NAMES, row, ROW, strict=True)
                if value != good
            )
            or "no field changed"
        )
        if taken[row] and case.after == [True]:
            raise AssertionError(
                f"the table refuses a good row with {told}, by the constraint {taken[row][0]}"
            )
        if not taken[row] and case.after == [False]:
            raise AssertionError(f"the table takes a row with {told}")


# ---------------------------------------------------------------------------------------- deprecate

RENAMED = "id int, amount decimal(10,2), note string"


@dataclass(frozen=True)
class Expansion:
    """A table with both names, its view, and what the calls made."""

    calls: Twice
    schema: Any
    rows: list
    view: Any
    seen: list


@pytest.fixture(scope="module")
def expanded(learner, spark, frame, shared_schema):
    """A table in which `amount` becomes `total`, and batches of writers of either name."""
    table = f"{shared_schema}.renamed"
    rows = [(1, Decimal("1.00"), "x"), (2, None, "y")]
    make_old(spark, frame, table, RENAMED, rows)
    calls = twice(learner.deprecate, spark, table, "amount", "total")
    both = "id int, amount decimal(10,2), total decimal(10,2)"
    writes = [
        ("id int, amount decimal(10,2)", [(3, Decimal("3.00"))]),
        ("id int, total decimal(10,2)", [(4, Decimal("4.00"))]),
        (both, [(5, Decimal("5.00"), Decimal("5.50")), (6, Decimal("6.00"), None)]),
    ]
    for ddl, given in writes:
        write_as_told(frame(ddl, given), table, ddl)
    view = f"{table}_both"
    if not spark.catalog.tableExists(view):
        raise AnswerError("failed", f"the view {view} is not there after the call")
    seen = spark.table(view)
    rows = table_rows(spark, table)
    return Expansion(calls, spark.table(table).schema, rows, seen, collect(seen))


def write_as_told(rows: Any, table: str, ddl: str) -> None:
    """Appends rows as a writer would; the table must take them."""
    try:
        rows.coalesce(1).write.format("delta").mode("append").saveAsTable(table)
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise AnswerError(
            "failed", f"after the call a writer of {ddl} can't append any more: {reason}"
        ) from error


STORED_ROWS = [
    (1, Decimal("1.00"), "x", None),
    (2, None, "y", None),
    (3, Decimal("3.00"), None, None),
    (4, None, None, Decimal("4.00")),
    (5, Decimal("5.00"), None, Decimal("5.50")),
    (6, Decimal("6.00"), None, None),
]
SEEN = [("1.00", "x"), (None, "y"), ("3.00", None), ("4.00", None), ("5.50", None), ("6.00", None)]


@check("deprecate")
def test_table_with_both_names(expanded):
    """Adds the new name with the type of the old one, and leaves all else as it was"""
    columns = "id int, amount decimal(10,2), note string, total decimal(10,2)"
    mine, right = types_of(expanded.schema), ["id", "amount", "note", "total"]
    if sorted(mine) != sorted(right) or mine["total"] != mine["amount"]:
        raise AssertionError(f"the table has the columns {mine}, expected {columns}, in any order")
    assert_rows(expanded.rows, STORED_ROWS, key="id", columns=columns)


@check("deprecate")
def test_no_file_for_a_new_name(expanded):
    """Writes and removes no data file"""
    expanded.calls.assert_no_file()


@check("deprecate", points=2)
def test_view(expanded):
    """Shows the same under both names: the new value, or else the old one; later rows too"""
    right = [
        (number, value and Decimal(value), note, value and Decimal(value))
        for number, (value, note) in enumerate(SEEN, start=1)
    ]
    columns = "id int, amount decimal(10,2), note string, total decimal(10,2)"
    assert_columns(expanded.view, [column.name for column in expanded.schema])
    assert_rows(expanded.seen, right, key="id", columns=columns)


@check("deprecate")
def test_second_call(expanded):
    """Makes no version of the table when it is called again"""
    expanded.calls.assert_no_more()


@check("deprecate")
def test_struct_is_renamed(learner, spark, frame, shared_schema):
    """Does the same for a column of any type, a struct say"""
    table = f"{shared_schema}.structs"
    spark.sql(f"CREATE TABLE {table} (id int, place struct<City:string,at:timestamp>) USING delta")
    learner.deprecate(spark, table, "place", "address")
    kinds = {column.name: column.dataType for column in spark.table(table).schema}
    if kinds.get("address") != kinds.get("place"):
        raise AssertionError(
            f"address is {kinds.get('address')}, and place is {kinds.get('place')}"
        )
    assert_columns(spark.table(f"{table}_both"), spark.table(table).columns)
