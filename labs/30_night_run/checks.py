"""Checks of lab 30: small made-up lakes, and nights of one DAG in Airflow."""

import copy
import hashlib
import json
import os
import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from labkit.checks import AnswerError, Case, cases, check
from labkit.checks.airflow import (
    describe_dag,
    get_files,
    load_dag,
    put_files,
    run_dag,
    start_airflow,
    touched_by,
)
from labkit.checks.parts import part_of

HINTS = {
    "load_night": [
        "Read and convert everything first; then there is one call of `replace`.",
        "Which rows does this night own? Its key is the night, not the day.",
        "Two lines are copies if all their values are equal: a dict or a set of tuples finds them.",
    ],
    "build_night": [
        "One list answers two questions: the earlier nights whose audit passed. Its greatest is the "
        "base of the history, and all of them count in the report.",
        "Newest of all is not newest before: in a repeat, later nights are there already.",
        "For orders that came twice: sort by night, and let later rows take the place of earlier ones "
        "in a dict.",
        "`city_on` takes the day of the sale.",
    ],
    "build_dag": [
        "Lab 27: which timetable has intervals, and how does a task get their ends?",
        "`trigger_rule` says when `account` may start. What else must come after `publish`, so that "
        "a red task is seen?",
        "Compare the night with `served(lake)` before you publish. Mind the first night.",
        "Which of your lines run when Airflow reads the file, and which when a task runs?",
    ],
    "nights_to_repeat": [
        "Find the earliest changed night that has run; without one, nothing is to do.",
        "A set has each night once, and `sorted` orders it.",
    ],
    "account": [
        "Sort the notes by `number`; the first of each night is its morning.",
        "Make a dict of each version's report, by day and city. What is missing in it counts 0.",
        "Compare over the days and cities of both versions, not of one.",
    ],
}

TIMEZONE = "Europe/Berlin"
BERLIN = ZoneInfo(TIMEZONE)
DAYS = ["2027-02-26", "2027-02-27", "2027-02-28", "2027-03-01", "2027-03-02"]


def refusal(call, *arguments) -> str:
    """How a call was refused, `ValueError: ...`; empty if it was not."""
    try:
        call(*arguments)
    except AnswerError as error:
        if error.outcome != "error":  # not written yet, or it takes too long
            raise
        return error.reason
    return ""


# ------------------------------------------------------------------------------ a lake on disk


def deliver(root: Path, night: str, **files: list[str]) -> None:
    """Files that arrived in a night: `sales_north` is sales-north.csv; lines without their head."""
    folder = root / "landing" / f"night={night}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        head = "customer,city" if name == "customers" else "order_id,customer,day,cents"
        text = "".join(line + "\n" for line in [head, *lines])
        (folder / (name.replace("_", "-") + ".csv")).write_text(text)
    open_up(root)


def fill(root: Path, **tables: list[dict]) -> Path:
    """Tables of the lake, each with one commit."""
    for name, rows in tables.items():
        (root / "lake" / name).mkdir(parents=True)
        (root / "lake" / name / "00000.json").write_text(json.dumps(rows))
    (root / "lake").mkdir(exist_ok=True)
    open_up(root)
    return root


def open_up(root: Path) -> None:
    """Lets the answer write below a folder: it may run as another user."""
    for path in (root, *root.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


def rows_of(root: Path, table: str) -> list[dict]:
    """The rows of a table, by its newest commit."""
    commits = sorted((root / "lake" / table).glob("*.json"))
    return json.loads(commits[-1].read_text()) if commits else []


def commits_of(root: Path) -> dict[str, int]:
    """How many commits each table has."""
    places = sorted(path for path in (root / "lake").iterdir() if path.is_dir())
    return {path.name: len(list(path.glob("*.json"))) for path in places}


def counted(found: dict[str, int]) -> str:
    """Tables and their commits, as a reason shows them: `audits 1, sales 2`."""
    return ", ".join(f"{name} {number}" for name, number in found.items()) or "none"


TELL_APART = ("night", "order_id", "customer", "day", "city")


def shown(value) -> str:
    """A value as a reason shows it; a list of rows has them in brackets."""
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return f"[{'; '.join(map(row_text, value))}]"
    return "null" if value is None else repr(value)


def row_text(row: dict) -> str:
    """A row as a reason shows it: what tells it apart, then the rest."""
    keys = [name for name in TELL_APART if name in row]
    rest = [name for name in row if name not in keys]
    parts = (", ".join(f"{name} {shown(row[name])}" for name in names) for names in (keys, rest))
    return ": ".join(part for part in parts if part)


def assert_same(found: list[dict], expected: list[dict], where: str) -> None:
    """The same rows in any order; the reason has those that differ."""
    left, right = ([json.dumps(row, sort_keys=True) for row in rows] for rows in (found, expected))
    left, right, said = Counter(left), Counter(right), []
    for what, texts in (("unexpected", left - right), ("missing", right - left)):
        rows = [json.loads(text) for text in sorted(texts.elements())]
        said += [f"{what} {row_text(row)}" for row in rows[:3]]
        said += [f"{len(rows) - 3} more are {what}"] * (len(rows) > 3)
    assert not said, f"{where}: {'; '.join(said)}"


# ---------------------------------------------------------------------------------- load_night


def sale(night: str, text: str) -> dict:
    """A row of `sales`: order, customer, day and cents, as a line of a file has them."""
    order, customer, day, cents = text.split(",")
    names = {"night": night, "order_id": order, "customer": customer, "day": day}
    return names | {"cents": int(cents)}


def load(learner, root: Path, night: str) -> int:
    """One call."""
    return learner.load_night(str(root / "landing"), str(root / "lake"), night)


FIRST, SECOND, THIRD = DAYS[1:4]
NORTH = [f"007,c1,{SECOND},450", f" b8, c2 ,{SECOND},-20", f"9,c1,{FIRST},0"]
OTHER = [sale(FIRST, f"1,c1,{FIRST},100"), sale(THIRD, f"5,c9,{SECOND},500")]


@check("load_night", points=2)
def test_rows_of_a_night(learner, tmp_path):
    """Loads all files of sales of the night, each row with its own day and the night"""
    deliver(tmp_path, FIRST, sales_north=[f"1,c1,{FIRST},999"])
    deliver(
        tmp_path, SECOND, sales_north=NORTH, sales_south=[f"10,C3,{SECOND},70"],
        customers=["c1,Bonn"], returns=[f"11,c3,{SECOND},80"],
    )  # fmt: skip
    fill(tmp_path, sales=OTHER)
    number = load(learner, tmp_path, SECOND)
    lines = [*NORTH, f"10,C3,{SECOND},70"]
    found = [row for row in rows_of(tmp_path, "sales") if row.get("night") not in (FIRST, THIRD)]
    assert_same(found, [sale(SECOND, line) for line in lines], f"the night {SECOND}")
    assert number == 4, f"the night has 4 rows, and the call returned {number!r}"


@check("load_night", points=2)
def test_one_day_of_two_nights(learner, tmp_path):
    """Keeps what other nights loaded, also of the same day"""
    deliver(tmp_path, FIRST, sales_north=[f"1,c1,{FIRST},10", f"2,c1,{FIRST},20"])
    deliver(tmp_path, SECOND, sales_south=[f"3,c2,{FIRST},30"], sales_north=[f"4,c1,{SECOND},40"])
    fill(tmp_path)
    for night in (FIRST, SECOND, FIRST):
        load(learner, tmp_path, night)
    expected = [sale(FIRST, f"1,c1,{FIRST},10"), sale(FIRST, f"2,c1,{FIRST},20")]
    expected += [sale(SECOND, f"3,c2,{FIRST},30"), sale(SECOND, f"4,c1,{SECOND},40")]
    where = f"{FIRST} was loaded, then {SECOND} with a late sale of {FIRST}, then {FIRST} again"
    assert_same(rows_of(tmp_path, "sales"), expected, where)


@check("load_night")
def test_a_night_again(learner, tmp_path):
    """Replaces what the night had, when its files are the same and when they are others"""
    deliver(tmp_path, FIRST, sales_a=[f"1,c1,{FIRST},10", f"2,c1,{FIRST},20"])
    fill(tmp_path, sales=OTHER[1:])
    for what in ("once", "twice"):
        load(learner, tmp_path, FIRST)
        expected = [*OTHER[1:], sale(FIRST, f"1,c1,{FIRST},10"), sale(FIRST, f"2,c1,{FIRST},20")]
        assert_same(rows_of(tmp_path, "sales"), expected, f"loaded {what}")
    deliver(tmp_path, FIRST, sales_a=[f"2,c1,{FIRST},25"])
    number = load(learner, tmp_path, FIRST)
    expected = [*OTHER[1:], sale(FIRST, f"2,c1,{FIRST},25")]
    assert_same(rows_of(tmp_path, "sales"), expected, "the shop sent its file again")
    assert number == 1, f"the night has 1 row now, and the call returned {number!r}"


@check("load_night", points=2)
def test_a_lost_answer(learner, tmp_path):
    """Doubles nothing when it runs again after a commit whose answer was lost"""
    deliver(tmp_path, SECOND, sales_a=NORTH)
    fill(tmp_path, sales=OTHER)
    (tmp_path / "lake" / "lost-sales").touch()
    open_up(tmp_path)
    said = refusal(load, learner, tmp_path, SECOND)
    assert said, "the answer to the commit was lost, and no error came out"
    load(learner, tmp_path, SECOND)
    expected = [*OTHER, *(sale(SECOND, line) for line in NORTH)]
    assert_same(rows_of(tmp_path, "sales"), expected, "after a second try")


@check("load_night")
def test_equal_lines(learner, tmp_path):
    """Loads equal lines of the night once, and lines that differ in anything apart"""
    lines = [f"1,c1,{FIRST},10", f"1,c1,{FIRST},11", f"1,c2,{FIRST},10", f"1,c1,{SECOND},10"]
    more = [f"01,c1,{FIRST},10", lines[0]]
    deliver(tmp_path, SECOND, sales_a=[*lines, lines[1]], sales_b=more)
    earlier = sale(FIRST, lines[0])
    fill(tmp_path, sales=[earlier])
    number = load(learner, tmp_path, SECOND)
    expected = [earlier, *(sale(SECOND, line) for line in [*lines, more[0]])]
    assert_same(rows_of(tmp_path, "sales"), expected, "7 lines, of which 2 are copies")
    assert number == 5, f"the night has 5 rows, and the call returned {number!r}"


@check("load_night")
def test_one_commit(learner, tmp_path):
    """Makes one commit each time, in `sales` alone"""
    deliver(tmp_path, FIRST, sales_a=[f"1,c1,{FIRST},1"], sales_b=[f"2,c1,{FIRST},2"])
    fill(tmp_path, sales=OTHER, audits=[], report=[])
    for times in (1, 2):
        load(learner, tmp_path, FIRST)
        found = commits_of(tmp_path)
        expected = {"audits": 1, "report": 1, "sales": 1 + times}
        assert found == expected, (
            f"each table had one commit; the number of calls is {times}, and now the commits are "
            f"{counted(found)}"
        )


BAD = {
    "an empty amount": f"3,c1,{FIRST},",
    "half a cent": f"3,c1,{FIRST},12.5",
    "a word": f"3,c1,{FIRST},free",
}


@check("load_night")
def test_refused(learner, tmp_path):
    """Refuses a folder that is not there and an amount that is none, and commits nothing"""
    fill(tmp_path, sales=OTHER)
    (tmp_path / "landing").mkdir()
    for number, (name, line) in enumerate({"a night without a folder": "", **BAD}.items()):
        night = f"2027-04-0{number + 1}"
        if line:
            deliver(tmp_path, night, sales_a=[f"1,c1,{FIRST},1"], sales_b=[f"2,c1,{FIRST},2", line])
        said = refusal(load, learner, tmp_path, night)
        assert said.startswith("ValueError"), (
            f"{name} " + (f"gave {said}" if said else "was accepted") + "; expected ValueError"
        )
        made = commits_of(tmp_path)["sales"] - 1
        assert made == 0, f"{name} was refused, after {made} commits"


@check("load_night")
def test_a_night_without_sales(learner, tmp_path):
    """Takes a folder without files of sales for a night without rows"""
    deliver(tmp_path, THIRD, customers=["c1,Bonn"])
    fill(tmp_path, sales=OTHER)
    said = refusal(load, learner, tmp_path, THIRD)
    assert not said, f"the folder has no files of sales: {said}"
    assert_same(rows_of(tmp_path, "sales"), OTHER[:1], f"{THIRD} had a row before")
    assert load(learner, tmp_path, THIRD) == 0, "a night without rows has the number 0"
    found = commits_of(tmp_path)["sales"] - 1
    assert found == 2, f"after 2 calls for a night without rows, the new commits are {found}"


def random_sales(rng: random.Random, number: int) -> list[str]:
    """Lines of a delivery, with copies, on any of the days."""
    pool = [
        f"{rng.randint(1, 12)},c{rng.randint(1, 4)},{rng.choice(DAYS)},{rng.randint(1, 3)}00"
        for _ in range(number)
    ]
    return [rng.choice(pool) for _ in range(number)]


def random_loads(learner, root: Path, rng: random.Random) -> None:
    """Loads nights in any order, some again with other files, and compares after each."""
    fill(root)
    loaded: dict[str, list[dict]] = {}
    for _ in range(7):
        night = rng.choice(DAYS)
        north, south = random_sales(rng, 4), random_sales(rng, 5)
        deliver(root, night, sales_north=north, sales_south=south)
        loaded[night] = [sale(night, line) for line in dict.fromkeys([*north, *south])]
        number = load(learner, root, night)
        expected = [row for rows in loaded.values() for row in rows]
        assert_same(rows_of(root, "sales"), expected, f"after {night}, nights in any order")
        assert number == len(loaded[night]), f"{night} has {len(loaded[night])} rows, not {number}"


@check("load_night")
def test_nights_in_any_order(learner, tmp_path, seed):
    """Has exactly the rows of each night's last delivery, whatever the order of the calls"""
    random_loads(learner, tmp_path, random.Random(seed))


# --------------------------------------------------------------------------------- build_night


def known(night: str, text: str) -> dict:
    """A row of `history`: `c1 Bonn 0001-01-01 -`."""
    customer, city, since, until = text.split()
    ends = None if until == "-" else until
    return {
        "night": night, "customer": customer, "city": city, "valid_from": since, "valid_to": ends,
    }  # fmt: skip


def audited(**nights: bool) -> list[dict]:
    """Rows of `audits`: `d1=True` is DAYS[1] and has passed."""
    return [
        {"night": DAYS[int(name[1:])], "passed": passed, "reasons": [] if passed else ["bad"]}
        for name, passed in nights.items()
    ]


def passed_text(audits: dict[str, bool]) -> str:
    """The nights that passed, of those with an audit, as a reason shows them."""
    return ", ".join(sorted(night for night in audits if audits[night])) or "none"


def build(learner, root: Path, night: str) -> int:
    """One call."""
    return learner.build_night(str(root / "landing"), str(root / "lake"), night)


def expected_night(root: Path, night: str, customers: list[str]) -> tuple[list, list]:
    """History and report that a night should have, from the tables as they are."""
    passed = {row["night"] for row in rows_of(root, "audits") if row["passed"]}
    base = ""
    for each in passed:
        if base < each < night:
            base = each
    ways = defaultdict(list)
    for row in rows_of(root, "history"):
        if row["night"] == base:
            ways[row["customer"]].append([row["city"], row["valid_from"], row["valid_to"]])
    for line in customers:
        customer, city = line.split(",")
        way = next((each for each in ways[customer] if each[2] is None), None)
        if way is None:
            ways[customer].append([city, "0001-01-01", None])
        elif way[0] != city:
            way[2] = night
            ways[customer].append([city, night, None])
    history = [
        known(night, f"{customer} {city} {since} {until or '-'}")
        for customer, found in ways.items()
        for city, since, until in found
    ]
    counted: dict[str, dict] = {}
    for row in rows_of(root, "sales"):
        if row["night"] != night and (row["night"] not in passed or row["night"] > night):
            continue
        if counted.get(row["order_id"], row)["night"] <= row["night"]:
            counted[row["order_id"]] = row
    totals: dict[tuple, list[int]] = {}
    for row in counted.values():
        day = row["day"]
        at = [c for c, since, until in ways[row["customer"]] if since <= day < (until or "9")]
        place = totals.setdefault((day, at[0] if at else "unknown"), [0, 0])
        place[0], place[1] = place[0] + 1, place[1] + row["cents"]
    report = [
        {"night": night, "day": day, "city": city, "orders": orders, "cents": cents}
        for (day, city), (orders, cents) in totals.items()
    ]
    return history, report


def of_night(root: Path, table: str, night: str) -> list[dict]:
    """The rows of a night in a table."""
    return [row for row in rows_of(root, table) if row["night"] == night]


def assert_night(learner, root: Path, night: str, customers: list[str], story: str) -> None:
    """A call makes the night's history and report, and returns the number of rows."""
    history, report = expected_night(root, night, customers)
    number = build(learner, root, night)
    assert_same(of_night(root, "history", night), history, f"{story}: `history` of {night}")
    assert_same(of_night(root, "report", night), report, f"{story}: `report` of {night}")
    assert number == len(report), f"the report has {len(report)} rows; the call returned {number!r}"


D0, D1, D2, D3, D4 = DAYS
HISTORY = [
    known(D0, "c1 Rom 0001-01-01 -"),
    known(D1, f"c1 Rom 0001-01-01 {D1}"),
    known(D1, f"c1 Bonn {D1} -"),
    known(D1, "c2 Kiel 0001-01-01 -"),
    known(D2, f"c1 Bonn 0001-01-01 {D2}"),
    known(D2, f"c1 Ulm {D2} -"),
    known(D2, "c2 Kiel 0001-01-01 -"),
    known(D4, f"c1 Bonn 0001-01-01 {D4}"),
    known(D4, f"c1 Rom {D4} -"),
]


def history_after(learner, root: Path, night: str, customers: list[str]) -> list[dict]:
    """The history that a call makes."""
    deliver(root, night, customers=customers, sales_a=[])
    build(learner, root, night)
    return of_night(root, "history", night)


BASES = [
    Case("newest", "builds on the newest earlier night that passed", audited(d0=True, d1=True)),
    Case("held", "leaves out a night that was held", audited(d0=True, d1=True, d2=False)),
    Case("repeat", "builds on no later night", audited(d1=True, d0=True, d4=True, d2=False)),
    Case("none", "begins anew if no earlier night passed", audited(d0=False, d1=False, d4=True)),
    Case("itself", "does not build on itself", audited(d1=True, d3=True)),
]


@check("build_night")
@cases(BASES)
def test_history(learner, tmp_path, case):
    """{case}"""
    mine = [known(D3, f"c1 Oslo {D0} -")]  # of an earlier run of this night
    fill(tmp_path, history=[*HISTORY, *mine], audits=list(case.before), sales=[], report=[])
    customers = ["c1,Ulm", "c2,Kiel", "c3,Bonn"]
    history, _ = expected_night(tmp_path, D3, customers)
    found = history_after(learner, tmp_path, D3, customers)
    passed = sorted(row["night"] for row in case.before if row["passed"])
    assert_same(found, history, f"`history` of {D3}, where {passed} have passed")


SOLD = [
    sale(D0, f"1,c1,{D0},100"),
    sale(D1, f"2,c1,{D1},200"),
    sale(D2, f"3,c1,{D1},3000"),
    sale(D3, f"4,c2,{D3},400"),
    sale(D4, f"5,c1,{D3},50000"),
]
COUNTS = [
    Case("held", "leaves out what was held in an earlier night", audited(d0=True, d1=True, d2=False)),
    Case("unaudited", "leaves out a night without an audit", audited(d0=True, d2=True)),
    Case("later", "leaves out later nights", audited(d0=True, d1=True, d2=True, d4=True)),
    Case("own", "counts its own night, though its audit failed", audited(d1=True, d3=False)),
    Case("alone", "counts its own night if no other passed", []),
]


@check("build_night")
@cases(COUNTS)
def test_what_counts(learner, tmp_path, case):
    """{case}"""
    deliver(tmp_path, D3, customers=["c1,Bonn", "c2,Kiel"])
    fill(tmp_path, sales=SOLD, audits=list(case.before))
    passed = sorted(row["night"] for row in case.before if row["passed"])
    story = f"sales of five nights, of which {passed} have passed"
    assert_night(learner, tmp_path, D3, ["c1,Bonn", "c2,Kiel"], story)


@check("build_night", points=2)
def test_an_order_twice(learner, tmp_path):
    """Counts an order once, as the latest night that counts has it"""
    deliver(tmp_path, D3, customers=["c1,Bonn", "c2,Kiel"])
    sales = [
        sale(D3, f"1,c1,{D1},11"), sale(D1, f"1,c1,{D0},900"), sale(D0, f"1,c1,{D0},7"),
        sale(D1, f"2,c2,{D1},22"), sale(D2, f"2,c2,{D1},5000"), sale(D0, f"2,c2,{D1},6000"),
        sale(D0, f"3,c1,{D1},33"), sale(D4, f"3,c1,{D1},7000"),
    ]  # fmt: skip
    fill(tmp_path, sales=sales, audits=audited(d0=True, d1=True, d2=False, d4=True))
    story = f"orders that came in several nights; {D2} is held, {D4} is later"
    assert_night(learner, tmp_path, D3, ["c1,Bonn", "c2,Kiel"], story)


@check("build_night", points=2)
def test_city_of_the_day(learner, tmp_path):
    """Takes the city of the day of the sale, by this night's history"""
    customers = ["c1,Rom", "c2,Kiel"]
    deliver(tmp_path, D3, customers=customers)
    sales = [sale(D3, f"{number},c1,{day},1{number}") for number, day in enumerate(DAYS)]
    sales += [sale(D1, f"7,c1,{D2},70"), sale(D3, f"8,c9,{D3},80"), sale(D1, f"9,c2,{D3},90")]
    fill(tmp_path, sales=sales, history=HISTORY, audits=audited(d0=True, d1=True, d2=True))
    story = f"c1 moved on {D2} and on {D3}; c9 is no known customer"
    assert_night(learner, tmp_path, D3, customers, story)


@check("build_night")
def test_other_nights_stay(learner, tmp_path):
    """Keeps other nights' rows, and leaves the same when it is called again"""
    deliver(tmp_path, D3, customers=["c1,Ulm"])
    others = [
        {"night": night, "day": D3, "city": "Bonn", "orders": 1, "cents": 5} for night in (D2, D4)
    ]
    stale = {"night": D3, "day": D0, "city": "Oslo", "orders": 9, "cents": 9}
    fill(tmp_path, sales=SOLD, history=HISTORY, report=[stale, *others], audits=audited(d1=True))
    history, report = expected_night(tmp_path, D3, ["c1,Ulm"])
    for what in ("once", "twice"):
        build(learner, tmp_path, D3)
        where = f"after {D3} was built {what}"
        assert_same(rows_of(tmp_path, "history"), [*HISTORY, *history], f"{where}, `history`")
        assert_same(rows_of(tmp_path, "report"), [*others, *report], f"{where}, `report`")


@check("build_night")
def test_commits_of_a_build(learner, tmp_path):
    """Makes one commit in `history` and one in `report` each time, and no other"""
    deliver(tmp_path, D3, customers=["c1,Ulm"])
    fill(tmp_path, sales=SOLD, history=HISTORY, report=[], audits=audited(d1=True), served=[])
    for times in (1, 2):
        build(learner, tmp_path, D3)
        found = commits_of(tmp_path)
        made = dict.fromkeys(("history", "report"), 1 + times)
        assert found == {"audits": 1, "sales": 1, "served": 1} | made, (
            f"each table had one commit; the number of calls is {times}, and now the commits are "
            f"{counted(found)}"
        )


@check("build_night")
def test_an_empty_night(learner, tmp_path):
    """Makes its two commits for a night without any sales as well"""
    deliver(tmp_path, D3, customers=["c1,Bonn"])
    stale = {"night": D3, "day": D0, "city": "Oslo", "orders": 9, "cents": 9}
    fill(tmp_path, sales=SOLD[:1], history=[], report=[stale], audits=audited(d0=False))
    for times in (1, 2):
        assert_night(learner, tmp_path, D3, ["c1,Bonn"], "no sales count")
        found = commits_of(tmp_path)
        expected = {"audits": 1, "history": 1 + times, "report": 1 + times, "sales": 1}
        assert found == expected, f"after call {times} the commits are {counted(found)}"


@check("build_night")
def test_no_customers(learner, tmp_path):
    """Raises without the night's customers, and commits nothing"""
    deliver(tmp_path, D3, sales_a=[f"4,c2,{D3},400"])
    deliver(tmp_path, D2, customers=["c1,Bonn"])
    fill(tmp_path, sales=SOLD, history=HISTORY, report=[], audits=audited(d1=True, d2=True))
    said = refusal(build, learner, tmp_path, D3)
    assert said.startswith("FileNotFoundError"), (
        f"there is no customers.csv in the night {D3}; "
        + (f"the call gave {said}" if said else "the call went on without it")
    )
    found = commits_of(tmp_path)
    assert set(found.values()) == {1}, f"each table had one commit; now they are {counted(found)}"


LOSSES = [
    Case("history", "lets the error out when the commit of `history` is lost, and can run again"),
    Case("report", "lets the error out when the commit of `report` is lost, and can run again"),
]


@check("build_night")
@cases(LOSSES)
def test_a_lost_build(learner, tmp_path, case):
    """{case}"""
    deliver(tmp_path, D3, customers=["c1,Ulm"])
    fill(tmp_path, sales=SOLD, history=HISTORY, report=[], audits=audited(d1=True))
    (tmp_path / "lake" / f"lost-{case.name}").touch()
    open_up(tmp_path)
    said = refusal(build, learner, tmp_path, D3)
    assert said, f"the answer to the commit of `{case.name}` was lost, and no error came out"
    assert_night(learner, tmp_path, D3, ["c1,Ulm"], "after a second try")


def random_lake(root: Path, rng: random.Random) -> tuple[str, list[str]]:
    """A lake of five nights in rows of any order; the night to build, and its customers."""
    audits = [{"night": n, "passed": rng.random() < 0.6, "reasons": []} for n in DAYS]
    audits = rng.sample(audits, rng.randint(2, 5))
    sales = {}
    for _ in range(25):
        night = rng.choice(DAYS)
        order = str(rng.randint(1, 11))
        line = f"{order},c{rng.randint(1, 4)},{rng.choice(DAYS)},{rng.randint(1, 99)}"
        sales.setdefault((night, order), sale(night, line))
    history = []
    for night in DAYS:
        for customer in rng.sample(["c1", "c2", "c3"], 2):
            moved = rng.choice(DAYS)
            history.append(known(night, f"{customer} Bonn 0001-01-01 {moved}"))
            history.append(known(night, f"{customer} {rng.choice(['Kiel', 'Ulm'])} {moved} -"))
    rows = list(sales.values())
    rng.shuffle(rows)
    night = rng.choice(DAYS[1:])
    names = rng.sample(["c1", "c2", "c3"], rng.randint(1, 3))
    customers = [f"{name},{rng.choice(['Bonn', 'Kiel', 'Ulm'])}" for name in names]
    deliver(root, night, customers=customers)
    fill(root, sales=rows, history=history, audits=audits)
    return night, customers


@check("build_night")
def test_lakes_at_random(learner, tmp_path, seed):
    """Makes history and report of nights at random"""
    rng = random.Random(seed)
    for number in range(6):
        root = tmp_path / f"lake-{number}"
        root.mkdir()
        night, customers = random_lake(root, rng)
        audits = {row["night"]: row["passed"] for row in rows_of(root, "audits")}
        assert_night(learner, root, night, customers, f"passed are {passed_text(audits)}")


# ---------------------------------------------------------------------------------- build_dag

TASKS = ["load", "build", "gate", "publish", "account"]
FOUR = TASKS[:4]
SECRET = "hush-4711"


def settings(changes: dict) -> dict:
    """In Airflow: what the DAG is built with; changed folders are below that of this process."""
    here = os.getcwd()
    changes = {
        name: f"{here}/{value}" if name in ("landing", "lake") else value
        for name, value in changes.items()
    }
    return {
        "dag_id": "nights",
        "start_date": "2026-03-20",
        "landing": f"{here}/arrivals",
        "lake": f"{here}/tables",
        "token_variable": "NIGHT_TOKEN",
        "retries": 1,
        "retry_seconds": 240,
        **changes,
    }


def describe(changes: dict, runs: int) -> dict:
    """In Airflow: what the DAG says of itself, and what building it touches."""
    from unittest import mock

    from airflow.sdk.execution_time import context
    from airflow.settings import engine

    build, config = globals()["build_dag"], settings(changes)
    Path(config["landing"]).mkdir(parents=True, exist_ok=True)
    name, asked = config["token_variable"], []

    class Watched(dict):
        def __getitem__(self, key):
            asked.extend([key] * (key == name))
            return super().__getitem__(key)

        def get(self, key, default=None):
            asked.extend([key] * (key == name))
            return super().get(key, default)

    os.environ[name] = "early"
    build(config)  # imports modules
    engine.dispose()  # a query connects again
    watched = {"_get_variable": "Variable.get", "_get_connection": "Connection.get"}
    with (
        mock.patch("os.environ", Watched(os.environ)),
        mock.patch.multiple(context, **{n: mock.Mock(wraps=getattr(context, n)) for n in watched}),
    ):
        touches = touched_by(build, config) + [f"os.environ {each}" for each in asked[:1]]
        touches += [told for name, told in watched.items() if getattr(context, name).called]
    dag = load_dag(build, config)
    pauses = dag.max_consecutive_failed_dag_runs
    return describe_dag(dag, runs) | {"touches": touches, "pauses": pauses}


def run_night(changes: dict, moment: str, interval: list, files: dict, secret: str) -> dict:
    """In Airflow: what a run of this logical date did and left; Airflow finds a missing interval."""
    build, config = globals()["build_dag"], settings(changes)
    os.environ.pop(config["token_variable"], None)
    put_files(files, [])
    dag = load_dag(build, config)
    if secret:
        os.environ[config["token_variable"]] = secret
    try:
        run = run_dag(dag, moment, {}, secret, interval)
    except RuntimeError as error:
        if "does not end" not in str(error):
            raise
        run = {"state": "without an end", "tasks": {}, "handed": {}, "leaks": []}
    lake = get_files(config["lake"]) if Path(config["lake"]).exists() else {}
    names = ("sales", "history", "report", "audits", "served", "notes")
    run["lake"] = {}
    for name in names:
        commits = sorted(each for each in lake if each.startswith(f"{name}/"))
        run["lake"][name] = json.loads(lake[commits[-1]]) if commits else []
    return run


OPEN = pytest.StashKey[dict]()


@pytest.fixture(scope="module")
def airflow(learner, request):
    """One process of Airflow for all checks of an answer, public and hidden."""
    processes = request.config.stash.setdefault(OPEN, {})
    if id(learner) not in processes:
        opened = part_of(
            learner,
            "airflow",
            *(describe_dag, load_dag, run_dag, touched_by, put_files, get_files),
            *(settings, describe, run_night),
            tasks=["load_night", "build_night", "build_dag"],
            first=start_airflow,
        )
        airflow = opened.__enter__()
        request.session.addfinalizer(lambda: opened.__exit__(None, None, None))
        processes[id(learner)] = airflow
    return processes[id(learner)]


def arrived(night: str, sales: list, customers: list | None, top: str = "arrivals") -> dict:
    """The files of a night, by their path in the folder of Airflow's process."""
    folder = f"{top}/night={night}"
    files = {f"{folder}/sales-a.csv": "\n".join(["order_id,customer,day,cents", *sales]) + "\n"}
    if customers is not None:
        files[f"{folder}/customers.csv"] = "\n".join(["customer,city", *customers]) + "\n"
    return files


def ends(day: str) -> list[str]:
    """The midnights around a local day, in UTC."""
    first = date.fromisoformat(day)
    both = (first, first + timedelta(days=1))
    return [datetime(d.year, d.month, d.day, tzinfo=BERLIN).astimezone(UTC).isoformat() for d in both]


def by_hand(night: str) -> tuple[str, list]:
    """Logical date of a run that is started at noon of the day after; Airflow finds its interval."""
    day = date.fromisoformat(night) + timedelta(days=1)
    return datetime(day.year, day.month, day.day, 12, tzinfo=BERLIN).isoformat(), []


def on_schedule(night: str) -> tuple[str, list]:
    """Logical date of a run by the scheduler, which is the start of its interval; the interval."""
    return ends(night)[0], ends(night)


N1, N2, N3, N4, N5, N6, N7 = [f"{date(2026, 3, 28) + timedelta(days=n)}" for n in range(7)]
HERE = ["c1,Bonn", "c2,Kiel"]
MOVED = ["c1,Ulm", "c2,Kiel"]
LINES = {
    N1: [f"{100 + number},c{number % 2 + 1},{N1},{number + 1}00" for number in range(20)],
    N2: [f"201,c1,{N2},500", f"202,c2,{N1},70"],
    N3: [f"301,c1,{N3},900", f"302,c1,{N2},40"],
    N5: [f"501,c2,{N5},5"],
    N6: [f"601,c2,{N6},6"],
    N7: [f"701,c2,{N7},7"],
}
BAD_BATCH = [*LINES[N2][:1], f"203,c2,{N2},-70000", *LINES[N2][1:]]
LOST = {f"tables/lost-{name}": "" for name in ("sales", "history", "served")}
# Name, night, how it starts, files before the run, whether the token is set.
RUNS = {
    "first": (N1, by_hand, arrived(N1, LINES[N1], HERE), True),
    "bad": (N2, on_schedule, arrived(N2, BAD_BATCH, MOVED), True),
    "next": (N3, on_schedule, arrived(N3, LINES[N3], MOVED) | LOST, True),
    "corrected": (N2, by_hand, arrived(N2, LINES[N2], MOVED), True),
    "repeated": (N3, on_schedule, {}, True),
    "nothing": (N4, on_schedule, {}, True),
    "after": (N5, by_hand, arrived(N5, LINES[N5], MOVED), True),
    "no_token": (N6, on_schedule, arrived(N6, LINES[N6], MOVED), False),
    "no_customers": (N7, by_hand, arrived(N7, LINES[N7], None), True),
}


class Nights:
    """What each run did and left; they run in their order, as far as a check asks for them."""

    def __init__(self, airflow) -> None:
        self._airflow, self._left, self._found = airflow, list(RUNS), {}

    def __getitem__(self, name: str) -> dict:
        while name not in self._found:
            first = self._left[0]
            night, starts, files, token = RUNS[first]
            given = ({}, *starts(night), files, SECRET if token else "")
            try:
                self._found[first] = self._airflow.call("run_night", *given)
            except AnswerError as error:
                self._found[first] = error
            del self._left[0]
        if isinstance(self._found[name], AnswerError):
            raise self._found[name]
        return self._found[name]


@pytest.fixture(scope="module")
def about(airflow):
    """What the DAG says of itself, with its first 14 intervals."""
    return airflow.call("describe", {}, 14)


@pytest.fixture(scope="module")
def nights(about, airflow):
    """What each run did."""
    return Nights(airflow)


def state_of(run: dict, name: str) -> str:
    """The state of a task."""
    return run["tasks"].get(name, ["missing"])[0]


def tries_of(run: dict, name: str) -> int:
    """How often a task was tried."""
    return run["tasks"].get(name, ["missing", 0])[1]


def states(run: dict) -> str:
    """The states of the five tasks, as a reason shows them."""
    return ", ".join(f"{name} {state_of(run, name)}" for name in TASKS)


def task_of(about: dict, name: str) -> dict:
    """What the DAG says of a task."""
    assert name in about["tasks"], f"there is no task `{name}`, only {sorted(about['tasks'])}"
    return about["tasks"][name]


def assert_green(run: dict, what: str) -> None:
    """A run ended with success, and so did each of the five tasks."""
    good = all(state_of(run, name) == "success" for name in TASKS)
    assert good and run["state"] == "success", f"{what}: the run is {run['state']}; {states(run)}"


def versions(run: dict) -> list[tuple]:
    """The versions that were served so far: their number and night."""
    return [(row["version"], row["night"]) for row in run["lake"]["served"]]


def cents_served(run: dict) -> int:
    """The sum of the report that is served."""
    newest = max(run["lake"]["served"], key=lambda row: row["version"], default={"report": []})
    return sum(row["cents"] for row in newest["report"])


def total(*nights: str) -> int:
    """What the good deliveries of some nights come to."""
    return sum(int(line.split(",")[3]) for night in nights for line in LINES[night])


@check("build_dag")
def test_names(about):
    """Has the name of the settings and the five tasks"""
    assert about["dag_id"] == "nights", f"the DAG is called {about['dag_id']!r}, expected 'nights'"
    missing = sorted(set(TASKS) - set(about["tasks"]))
    assert not missing, f"the tasks are {sorted(about['tasks'])}; {missing} is not among them"


@check("build_dag")
def test_intervals(about):
    """Has an interval for each local day, from the first day on"""
    for number in range(14):
        day = f"{date(2026, 3, 20) + timedelta(days=number)}"
        found = about["intervals"][number] if number < len(about["intervals"]) else []
        found = [datetime.fromisoformat(end).astimezone(UTC).isoformat() for end in found]
        assert found == ends(day), (
            f"interval {number + 1} of a DAG that starts on 2026-03-20 is {day}, in UTC "
            f"{ends(day)}; this DAG has {found or 'none'}"
        )


@check("build_dag")
def test_runs_at_once(about):
    """Does not catch up, and runs one night at a time"""
    assert about["catchup"] is False, "catch-up is on: the first deployment runs all past nights"
    found = about["max_active_runs"]
    assert found == 1, f"{found} runs may be active at once; each builds on the one before"


@check("build_dag")
def test_retries(about):
    """Has the retries of the settings, and none for `gate`"""
    for name in ("load", "build", "publish"):
        task = task_of(about, name)
        assert task["retries"] == 1, f"`{name}` has {task['retries']} retries, expected 1"
        wait, factor = task["retry_seconds"], task["backoff"]
        assert wait == 240 and factor in (0, 1), (
            f"a retry of `{name}` comes after {wait} s, the next {factor or 1:g} times as late; "
            "expected 240 s each time"
        )
    found = task_of(about, "gate")["retries"]
    assert found == 0, f"`gate` has {found} retries: another try finds the same rows"


@check("build_dag")
def test_building_touches_nothing(about):
    """Reads no file and no variable while the DAG is built"""
    assert not about["touches"], (
        f"building the DAG did: {', '.join(about['touches'][:4])}. Airflow builds it every 30 "
        "seconds, and once more for each task"
    )


@check("build_dag", points=2)
def test_a_good_night(nights):
    """Loads, builds, audits and publishes the night of the interval"""
    run = nights["first"]
    assert_green(run, f"a good night, {N1}, started at noon of the day after")
    found = sorted({row["night"] for row in run["lake"]["sales"]})
    assert found == [N1], f"the run of {N1}, started at noon of the day after, loaded {found}"
    assert len(run["lake"]["sales"]) == 20, f"`sales` has {len(run['lake']['sales'])} rows, not 20"
    found = [(row["night"], row["passed"]) for row in run["lake"]["audits"]]
    assert found == [(N1, True)], f"`audits` has {found} after a good night"
    assert versions(run) == [(1, N1)], f"served are {versions(run)}, expected [(1, '{N1}')]"
    assert cents_served(run) == total(N1), f"{cents_served(run)} is served, not {total(N1)}"


@check("build_dag", points=2)
def test_a_bad_batch(nights):
    """Stops at the gate at its first try, and serves what was served before"""
    run = nights["bad"]
    assert state_of(run, "gate") == "failed", (
        f"a sale of {N2} has a negative amount; the run's logical date is its start: {states(run)}"
    )
    assert tries_of(run, "gate") == 1, f"`gate` was tried {tries_of(run, 'gate')} times"
    assert state_of(run, "publish") == "upstream_failed", f"`gate` failed: {states(run)}"
    assert versions(run) == [(1, N1)], f"the batch was bad, and served are {versions(run)}"
    found = {row["night"]: row["passed"] for row in run["lake"]["audits"]}
    assert found == {N1: True, N2: False}, f"passed are {passed_text(found)}"


FAILED = [
    Case("bad", "is red when the gate failed"),
    Case("nothing", "is red when nothing arrived"),
    Case("no_customers", "is red when the night can't be built"),
    Case("no_token", "is red when it can't publish"),
]


@check("build_dag")
@cases(FAILED)
def test_the_run_fails(nights, case):
    """{case}"""
    run = nights[case.name]
    assert run["state"] == "failed", f"the run is {run['state']}, and its tasks are {states(run)}"


NOTES = [
    Case("first", "notes what is served after a good night", after=[1, []]),
    Case("bad", "notes why a night is held", after=[1, ["1 of 3 sales without a price"]]),
    Case("corrected", "notes a repeat too", after=[2, []]),
    Case("nothing", "notes a night in which nothing arrived", after=[3, ["not audited"]]),
    Case("no_customers", "notes a night that can't be built", after=[4, ["not audited"]]),
    Case("no_token", "notes a night that can't be published", after=[4, []]),
]


@check("build_dag")
@cases(NOTES)
def test_notes(nights, case):
    """{case}"""
    run = nights[case.name]
    position = list(RUNS).index(case.name)
    notes = sorted(run["lake"]["notes"], key=lambda row: row["number"])
    assert len(notes) == position + 1, (
        f"{position + 1} runs have ended, and there are {len(notes)} notes: {states(run)}"
    )
    found = [notes[-1]["night"], notes[-1]["version"], notes[-1]["held"]]
    expected = [RUNS[case.name][0], *case.after]
    assert found == expected, f"the note has night, version and held {found}, expected {expected}"
    assert state_of(run, "account") == "success", f"{states(run)}"


@check("build_dag")
def test_account_comes_last(about):
    """Starts `account` after the four others"""
    before, left = set(), ["account"]
    while left:
        for name in task_of(about, left.pop())["upstream"]:
            left += [name] * (name not in before)
            before.add(name)
    missing = [name for name in FOUR if name not in before]
    assert not missing, f"`account` does not wait for {missing}: it can be noted before them"


@check("build_dag", points=2)
def test_the_next_night(nights):
    """Runs the night after one that failed, and serves it without what was held"""
    run = nights["next"]
    assert_green(run, f"a good night, {N3}, after one that was held; its logical date is its start")
    assert versions(run) == [(1, N1), (2, N3)], f"served are {versions(run)}"
    assert cents_served(run) == total(N1, N3), (
        f"{cents_served(run)} is served; {N1} and {N3} come to {total(N1, N3)}"
    )
    run = nights["after"]
    assert_green(run, "a good night after one in which nothing arrived")


@check("build_dag")
def test_failures_pause_nothing(about):
    """Is not paused by nights that failed"""
    found = about["pauses"]
    assert found == 0, f"after {found} failed runs in a row the DAG is paused: no next night starts"


@check("build_dag")
def test_lost_answers(nights):
    """Tries again when the answer to a commit is lost, and doubles nothing"""
    run = nights["next"]
    for name in ("load", "build", "publish"):
        tries = tries_of(run, name)
        assert tries == 2, f"`{name}` lost an answer and was tried {tries} times: {states(run)}"
    mine = [row for row in run["lake"]["sales"] if row["night"] == N3]
    assert len(mine) == 2, f"{N3} delivered 2 sales, and has {len(mine)} rows"


@check("build_dag", points=2)
def test_a_repeat_of_an_older_night(nights):
    """Repeats an older night without taking the newer one from its readers"""
    run = nights["corrected"]
    assert run["state"] == "success", f"the corrected night {N2}: {run['state']}; {states(run)}"
    assert versions(run) == [(1, N1), (2, N3)], (
        f"{N3} was served, {N2} was repeated, and now served are {versions(run)}"
    )
    found = {row["night"]: row["passed"] for row in run["lake"]["audits"]}
    assert found.get(N2) is True, f"{N2} was corrected; passed are {passed_text(found)}"


@check("build_dag")
def test_a_repeat_of_the_newest_night(nights):
    """Serves the newest night again when it was repeated"""
    run = nights["repeated"]
    assert_green(run, f"{N3} once more")
    assert versions(run)[2:] == [(3, N3)], (
        f"{N3} was repeated after {N2} was corrected; served are {versions(run)}"
    )
    assert cents_served(run) == total(N1, N2, N3), (
        f"{cents_served(run)} is served; three nights come to {total(N1, N2, N3)}"
    )


@check("build_dag")
def test_nothing_arrived(nights):
    """Tries to load as often as it may, and then starts nothing but `account`"""
    run = nights["nothing"]
    assert state_of(run, "load") == "failed", f"nothing arrived: {states(run)}"
    assert tries_of(run, "load") == 2, f"`load` was tried {tries_of(run, 'load')} times, not 2"
    rest = [state_of(run, name) for name in FOUR[1:]]
    assert rest == ["upstream_failed"] * 3, f"nothing arrived: {states(run)}"


@check("build_dag")
def test_not_built(nights):
    """Starts neither `gate` nor `publish` when the night can't be built"""
    run = nights["no_customers"]
    found = [state_of(run, name) for name in FOUR]
    expected = ["success", "failed", "upstream_failed", "upstream_failed"]
    assert found == expected, f"no customers arrived: {states(run)}"
    assert N7 not in [row["night"] for row in run["lake"]["audits"]], f"{N7} was audited"


@check("build_dag")
def test_the_token(nights):
    """Publishes with the token that is set when the task runs"""
    signed = {row["signed"] for row in nights["first"]["lake"]["served"]}
    expected = {hashlib.sha256(SECRET.encode()).hexdigest()}
    assert signed == expected, "the version is not signed with the token of the environment variable"
    run = nights["no_token"]
    assert state_of(run, "publish") == "failed", f"there was no token: {states(run)}"
    assert N6 not in [night for _, night in versions(run)], f"served are {versions(run)}"


@check("build_dag")
def test_small_values(nights):
    """Hands on no more than 200 characters from a task"""
    for key, value in nights["first"]["handed"].items():
        size = len(json.dumps(value))
        assert size <= 200, f"{key} is {size} characters long, and is kept in the database"


@check("build_dag")
def test_no_secret(nights):
    """Shows the token in no argument and no rendered field"""
    run = nights["first"]
    assert not run["leaks"], f"the token can be read in {', '.join(run['leaks'])}"


# ---------------------------------------------------------------------------- nights_to_repeat


def repeat(learner, ran: list[str], changed: list[str]) -> list[str]:
    """The nights to repeat, once their form is right; the lists stay as they were."""
    given = copy.deepcopy([ran, changed])
    found = learner.nights_to_repeat(*given)
    assert isinstance(found, list), f"got a {type(found).__name__}, expected a list"
    return found


REPEATS = [
    Case("middle", "repeats a night and all after it", DAYS, [D2], [D2, D3, D4]),
    Case("two", "begins with the earliest of several", DAYS, [D3, D1], [D1, D2, D3, D4]),
    Case("last", "repeats the last night alone", DAYS, [D4], [D4]),
    Case("gap", "leaves out nights that have not run", [D0, D2, D4], [D2], [D2, D4]),
    Case("not_run", "repeats nothing for a night that has not run", [D0, D2, D3], [D1], []),
    Case("mixed", "begins with a night that has run", [D0, D2, D3], [D3, D1], [D3]),
    Case("twice", "names each night once", [D2, D1, D2, D1], [D1, D1], [D1, D2]),
    Case("any_order", "takes lists in any order", [D4, D0, D3, D1], [D3], [D3, D4]),
    Case("nothing", "repeats nothing if nothing changed", DAYS, [], []),
    Case("never", "repeats nothing if nothing has run", [], [D1], []),
]


@check("nights_to_repeat")
@cases(REPEATS)
def test_nights(learner, case):
    """{case}"""
    found = repeat(learner, list(case.before), list(case.given))
    assert found == list(case.after), (
        f"{list(case.before)} have run and {list(case.given)} changed: got {found}, expected "
        f"{list(case.after)}"
    )


# ------------------------------------------------------------------------------------- account


def cell(day: str, city: str, cents: int) -> dict:
    """A row of a served report."""
    return {"night": "x", "day": day, "city": city, "orders": 1, "cents": cents}


def version(number: int, night: str, *report: dict) -> dict:
    """A row of `served`."""
    rows = [row | {"night": night} for row in report]
    return {"version": number, "night": night, "report": rows, "signed": "-"}


def remark(number: int, night: str, shown: int | None, *held: str) -> dict:
    """A row of `notes`."""
    return {"number": number, "night": night, "version": shown, "held": list(held)}


KEYS = ["night", "served", "cents", "held", "changed"]
DECOYS = {
    "sales": SOLD,
    "audits": audited(d0=True, d1=True, d2=True, d3=True, d4=True),
    "report": [{"night": day, "day": day, "city": "Bonn", "orders": 7, "cents": 7} for day in DAYS],
}


def mornings(learner, root: Path, served: list[dict], notes: list[dict]) -> list[dict]:
    """The account of a lake, once its form is right."""
    fill(root, served=served, notes=notes, **DECOYS)
    found = learner.account(str(root / "lake"))
    assert isinstance(found, list), f"got a {type(found).__name__}, expected a list of dicts"
    for row in found:
        assert sorted(row) == sorted(KEYS), f"a morning has the keys {sorted(row)}, expected {KEYS}"
    return found


def column(rows: list[dict], name: str) -> list:
    """The values of one key."""
    return [row[name] for row in rows]


@check("account", points=2)
def test_what_was_served(learner, tmp_path):
    """Says what was served each morning, by the version that was noted then"""
    served = [
        version(1, D0, cell(D0, "Bonn", 100)),
        version(2, D2, cell(D0, "Bonn", 100), cell(D2, "Bonn", 30), cell(D2, "Kiel", 4)),
        version(3, D2, cell(D0, "Bonn", 100), cell(D2, "Bonn", 5000)),
    ]
    notes = [remark(1, D0, 1), remark(2, D1, 1, "bad"), remark(3, D2, 2), remark(4, D2, 3)]
    found = mornings(learner, tmp_path, served, notes)
    got = [(row["night"], row["served"], row["cents"]) for row in found]
    expected = [(D0, D0, 100), (D1, D0, 100), (D2, D2, 134)]
    assert got == expected, f"night, served and cents are {got}, expected {expected}"


@check("account", points=2)
def test_first_note(learner, tmp_path):
    """Takes the morning from the note with the smallest number, wherever it stands"""
    served = [version(n, D1, cell(D1, "Bonn", n)) for n in (10, 9, 2, 11)]
    notes = [
        remark(12, D1, 2), remark(4, D2, 9, "late"), remark(9, D1, 10, "bad"), remark(5, D0, 11),
        remark(10, D1, 11, "worse"), remark(13, D2, 10),
    ]  # fmt: skip
    found = mornings(learner, tmp_path, served, notes)
    got = [(row["night"], row["cents"], row["held"]) for row in found]
    expected = [(D0, 11, []), (D1, 10, ["bad"]), (D2, 9, ["late"])]
    assert got == expected, f"night, cents and held are {got}, expected {expected}"


@check("account")
def test_held_as_noted(learner, tmp_path):
    """Says what was held as it was noted, though the night has passed since"""
    served = [version(1, D0, cell(D0, "Bonn", 1))]
    notes = [remark(1, D0, 1), remark(2, D1, 1, "no sales", "bad"), remark(3, D1, 1)]
    found = column(mornings(learner, tmp_path, served, notes), "held")
    expected = [[], ["no sales", "bad"]]
    assert found == expected, f"`held` is {found}, expected {expected}"


@check("account")
def test_nothing_served(learner, tmp_path):
    """Knows a morning on which nothing was served, and a lake without notes"""
    notes = [remark(1, D0, None, "bad"), remark(2, D1, 1)]
    found = mornings(learner, tmp_path / "a", [version(1, D1, cell(D0, "Bonn", 6))], notes)
    change = {"day": D0, "city": "Bonn", "then": 0, "now": 6}
    expected = {"night": D0, "served": None, "cents": 0, "held": ["bad"], "changed": [change]}
    assert found[0] == expected, (
        f"nothing was served: got {row_text(found[0])}; expected {row_text(expected)}"
    )
    found = mornings(learner, tmp_path / "b", [], [remark(1, D0, None)])
    expected = [{"night": D0, "served": None, "cents": 0, "held": [], "changed": []}]
    assert found == expected, f"nothing was ever served: got {shown(found)}"
    found = mornings(learner, tmp_path / "c", [], [])
    assert found == [], f"there are no notes, and the account has {shown(found)}"


@check("account", points=2)
def test_changes(learner, tmp_path):
    """Says what is different now, with what came and what went, in order"""
    before = (cell(D1, "Ulm", 10), cell(D0, "Bonn", 20), cell(D1, "Kiel", 30), cell(D1, "Bonn", 5))
    before += (cell(D0, "Oslo", 0),)
    after = (cell(D1, "Kiel", 31), cell(D0, "Bonn", 20), cell(D1, "Bonn", 5), cell(D0, "Rom", 7))
    served = [version(2, D1, *after), version(1, D1, *before)]
    found = mornings(learner, tmp_path, served, [remark(1, D1, 1), remark(2, D1, 2)])
    expected = [
        {"day": D0, "city": "Rom", "then": 0, "now": 7},
        {"day": D1, "city": "Kiel", "then": 30, "now": 31},
        {"day": D1, "city": "Ulm", "then": 10, "now": 0},
    ]
    got = found[0]["changed"]
    assert got == expected, f"`changed` is {shown(got)}, expected {shown(expected)}"


@check("account")
def test_days_up_to_the_night(learner, tmp_path):
    """Compares days up to the night, the night's own included"""
    served = [
        version(1, D1, cell(D0, "Bonn", 1), cell(D1, "Bonn", 1), cell(D2, "Bonn", 1)),
        version(2, D2, cell(D0, "Bonn", 2), cell(D1, "Bonn", 2), cell(D2, "Bonn", 2)),
    ]
    found = mornings(learner, tmp_path, served, [remark(1, D1, 1), remark(2, D2, 2)])
    got = column(found[0]["changed"], "day")
    assert got == [D0, D1], f"the night is {D1}, and `changed` has the days {got}"
    assert found[1]["changed"] == [], "the newest version was served, and `changed` is not empty"


@check("account")
def test_newest_version(learner, tmp_path):
    """Compares with the version of the greatest number, whatever its night"""
    served = [
        version(9, D3, cell(D0, "Bonn", 900)),
        version(10, D0, cell(D0, "Bonn", 1000)),
        version(2, D0, cell(D0, "Bonn", 1)),
    ]
    found = mornings(learner, tmp_path, served, [remark(1, D0, 2)])
    got = column(found[0]["changed"], "now")
    assert got == [1000], f"versions 2, 9 and 10 are there; `now` is {got}, expected [1000]"


@check("account")
def test_writes_nothing(learner, tmp_path):
    """Leaves the lake as it was"""
    served = [version(1, D0, cell(D0, "Bonn", 1))]
    mornings(learner, tmp_path, served, [remark(1, D0, 1)])
    files = {f"{path.relative_to(tmp_path)}" for path in tmp_path.rglob("*") if path.is_file()}
    more = sorted(files - {f"lake/{name}/00000.json" for name in ("notes", "served", *DECOYS)})
    assert not more, f"the account has written {', '.join(more)}"


def random_account(learner, root: Path, rng: random.Random) -> None:
    """The account of a lake at random, compared with one made of dicts."""
    numbers = sorted(rng.sample(range(1, 13), rng.randint(1, 5)))
    served = [
        version(
            number, rng.choice(DAYS),
            *(cell(d, c, rng.randint(0, 2)) for d in DAYS for c in ("Bonn", "Ulm") if rng.random() < 0.6),
        )
        for number in numbers
    ]  # fmt: skip
    notes = [
        remark(number, rng.choice(DAYS), rng.choice([None, *numbers]), *["bad"] * rng.randint(0, 2))
        for number in rng.sample(range(1, 30), 7)
    ]
    rng.shuffle(served)
    rng.shuffle(notes)
    root.mkdir()
    found = mornings(learner, root, served, notes)
    reports = {None: {}} | {
        row["version"]: {(each["day"], each["city"]): each["cents"] for each in row["report"]}
        for row in served
    }
    names = {None: None} | {row["version"]: row["night"] for row in served}
    now = reports[numbers[-1]]
    expected = []
    for night in DAYS:
        mine = [row for row in notes if row["night"] == night]
        if not mine:
            continue
        early = min(mine, key=lambda row: row["number"])
        then = reports[early["version"]]
        changed = []
        for day, city in sorted(set(then) | set(now)):
            one, two = then.get((day, city), 0), now.get((day, city), 0)
            if one != two and day <= night:
                changed.append({"day": day, "city": city, "then": one, "now": two})
        total = sum(then.values())
        row = [night, names[early["version"]], total, early["held"], changed]
        expected.append(dict(zip(KEYS, row, strict=True)))
    for got, wanted in zip(found, expected, strict=False):
        assert got == wanted, f"got {row_text(got)}; expected {row_text(wanted)}"
    assert len(found) == len(expected), f"{len(expected)} nights have notes, not {len(found)}"


@check("account")
def test_accounts_at_random(learner, tmp_path, seed):
    """Makes the account of lakes at random"""
    rng = random.Random(seed)
    for number in range(6):
        random_account(learner, tmp_path / f"lake-{number}", rng)
