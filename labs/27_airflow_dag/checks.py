"""Checks of lab 27: pure functions on made-up days, and chosen nights of the DAG in Airflow."""

import copy
import functools
import itertools
import json
import os
import random
import sys
from datetime import UTC, date, datetime, timedelta, timezone
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
    "partition_path": [
        "Two steps: which local day is it, and is the interval exactly that day?",
        "`astimezone(ZoneInfo(...))` first, `.date()` after it. In UTC most days of Berlin begin "
        "on the evening before.",
        "Do not compare with 24 hours. Compare what the clocks in Berlin show at both ends.",
    ],
    "spark_arguments": [
        "One list, written in the order of the options; `*` unpacks the words of the command.",
        "Everything of the day comes out of `partition_path`, or out of the date in it.",
    ],
    "publish": [
        "Refuse first, copy next, rename last.",
        "A folder cannot be renamed onto a full one. Move the old partition away by a rename, "
        "then the new one in.",
        "What do you do with the copy when it fails halfway?",
    ],
    "expand": [
        "`load.expand(table=tables)` makes the instances; its result is also an argument for "
        "`loaded`.",
        "Which trigger rule waits for all, whatever their state? With an empty list, `load` itself "
        "is skipped.",
        "Return the name from each instance, and compare names. The third value need not be of the "
        "third table.",
    ],
    "build_dag": [
        "Print `describe_dag` of your DAG: are the two ends of its intervals different?",
        "`AirflowFailException` fails a task for good; any other error is tried again.",
        "A sensor in `reschedule` mode gives its slot back between two looks.",
        "Which of your lines run when Airflow reads the file, and which when a task runs?",
    ],
    "backfill": [
        "List the days first, then filter, then number what is left.",
        "Make each midnight from its own date, in Berlin, and convert it. Adding 24 hours to the "
        "midnight before is wrong on two days of the year.",
        "The newest list that holds: the largest date that is not after the day.",
    ],
}

TIMEZONE = "Europe/Berlin"
BERLIN = ZoneInfo(TIMEZONE)
TOKEN, SECRET = "NIGHT_TOKEN", "hush-4711"


def ends(day: str) -> tuple[datetime, datetime]:
    """The midnights around a local day, in UTC."""
    first = date.fromisoformat(day)
    both = (first, first + timedelta(days=1))
    return tuple(datetime(d.year, d.month, d.day, tzinfo=BERLIN).astimezone(UTC) for d in both)


def refusal(call, *arguments) -> str:
    """How a call was refused, `ValueError: ...`; empty if it was not."""
    try:
        call(*arguments)
    except AnswerError as error:
        if error.outcome != "error":  # not written yet, or it takes too long
            raise
        return error.reason
    return ""


# ------------------------------------------------------------------------------- partition_path

DAYS = ["2026-01-01", "2026-03-05", "2026-07-01", "2026-12-31"]


@check("partition_path")
def test_local_day(learner):
    """Names the local day of the interval's start, in whatever time zones the ends are given"""
    zones = (UTC, BERLIN, ZoneInfo("America/New_York"), timezone(timedelta(hours=5, minutes=30)))
    for day in DAYS:
        for both in itertools.product(zones, zones):
            first, last = (end.astimezone(zone) for end, zone in zip(ends(day), both, strict=True))
            found = learner.partition_path("/in", first, last)
            assert found == f"/in/day={day}", (
                f"the interval {first} to {last} is {day} in Berlin; the path is {found}"
            )


@check("partition_path", points=2)
def test_days_of_23_and_25_hours(learner):
    """Knows the days on which clocks change"""
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2027-03-28", 23)):
        said = refusal(learner.partition_path, "/in", *ends(day))
        assert not said, f"{day} has {hours} hours in Berlin, and is refused: {said}"
        found = learner.partition_path("/in", *ends(day))
        assert found == f"/in/day={day}", f"{day} has {hours} hours in Berlin; the path is {found}"


HOUR = timedelta(hours=1)
NO_DAYS = {
    "nothing": (ends("2026-03-05")[0],) * 2,
    "two days": (ends("2026-03-05")[0], ends("2026-03-06")[1]),
    "a day in reverse": ends("2026-03-05")[::-1],
    "a day of UTC": tuple(end + HOUR for end in ends("2026-03-05")),
    "24 hours from a midnight, on the day that has 23": (
        ends("2026-03-29")[0],
        ends("2026-03-29")[0] + 24 * HOUR,
    ),
    "24 hours from a midnight, on the day that has 25": (
        ends("2026-10-25")[0],
        ends("2026-10-25")[0] + 24 * HOUR,
    ),
    "a day and a second": (ends("2026-03-05")[0], ends("2026-03-05")[1] + timedelta(seconds=1)),
    "a day and a microsecond": (
        ends("2026-03-05")[0],
        ends("2026-03-05")[1] + timedelta(microseconds=1),
    ),
    "a day that begins a minute late": (
        ends("2026-03-05")[0] + timedelta(minutes=1),
        ends("2026-03-05")[1],
    ),
    "a day from noon": tuple(end + 12 * HOUR for end in ends("2026-03-05")),
}


@check("partition_path")
def test_what_is_no_day(learner):
    """Refuses an interval that is not exactly one local day"""
    for name, both in NO_DAYS.items():
        said = refusal(learner.partition_path, "/in", *both)
        assert said.startswith("ValueError"), (
            f"{name}, {both[0]} to {both[1]}, is not one day of Berlin, and "
            + (f"gave {said}" if said else "was accepted")
        )


@check("partition_path")
def test_no_time_zone(learner):
    """Refuses an end without a time zone"""
    each = ((True, True), (True, False), (False, True))
    for zone, missing in itertools.product((BERLIN, UTC), each):
        both = [end.astimezone(zone) for end in ends("2026-03-05")]
        given = [
            end.replace(tzinfo=None) if without else end
            for end, without in zip(both, missing, strict=True)
        ]
        said = refusal(learner.partition_path, "/in", *given)
        assert said.startswith("ValueError"), (
            f"{given[0]} to {given[1]}: without a time zone nobody knows which day it is, and it "
            + (f"gave {said}" if said else "was accepted")
        )


@check("partition_path")
def test_base(learner):
    """Leaves the base as it is, and joins it with one slash"""
    bases = ("abfss://lake@shop.net/landing", "in/../in", "./in//a", "s3a://Lake//a/./day=1", "/a")
    for base in bases:
        for end in ("", "/"):
            found = learner.partition_path(base + end, *ends("2026-03-05"))
            expected = f"{base}/day=2026-03-05"
            assert found == expected, f"for the base {base + end!r}, got {found!r}"
    for base in ("file:///", "/"):
        found = learner.partition_path(base, *ends("2026-03-05"))
        assert found == f"{base}day=2026-03-05", f"for the base {base!r}, got {found!r}"


# ------------------------------------------------------------------------------ spark_arguments

SHOP = {
    "dag_id": "shop",
    "landing": "abfss://lake@shop.net/in",
    "prices": "abfss://lake@shop.net/prices/",
    "staging": "/staging/",
    "spark_submit": ["spark-submit", "--master", "local[2]", "job with blank.py"],
    "token_variable": TOKEN,
}
ODD = {
    "dag_id": "Shop-2.b",
    "landing": "/in put/day=2020-01-01/",
    "prices": "/prices 'of' $HOME",
    "staging": "s3://out//day=1",
    "spark_submit": ["run it", "", "--input"],
    "token_variable": "PATH",  # one that is set wherever the answer runs
}


def options(learner, config: dict, day: str) -> dict:
    """The options of the command by name, once its words and their order are right."""
    found = learner.spark_arguments(config, *ends(day))
    assert isinstance(found, list) and all(isinstance(word, str) for word in found), (
        f"the command is {found!r}, expected a list of words"
    )
    size = len(config["spark_submit"])
    assert found[:size] == config["spark_submit"], (
        f"the command starts with {found[:size]}, expected the words of `spark_submit`: "
        f"{config['spark_submit']}"
    )
    names = [
        *("--input", "--prices", "--prices-as-of", "--output", "--run-id", "--token-variable"),
    ]
    assert found[size::2] == names and len(found) == size + 2 * len(names), (
        f"after `spark_submit` come {found[size:]}; expected the options {names}, a value after "
        "each"
    )
    return dict(zip(names, found[size + 1 :: 2], strict=True))


@check("spark_arguments")
def test_words_of_the_command(learner):
    """Is a list of words: the command, then each option and its value, in order"""
    for shop in (SHOP, ODD):
        found = options(learner, copy.deepcopy(shop), "2026-03-05")
        assert found["--prices"] == shop["prices"], (
            f"--prices is {found['--prices']!r}, and the settings have {shop['prices']!r}"
        )
        name = shop["token_variable"]
        assert found["--token-variable"] == name, (
            f"--token-variable is {found['--token-variable']!r}, expected the variable's name, {name}"
        )


@check("spark_arguments", points=2)
def test_arguments_of_the_day(learner):
    """Takes folders, the day of the prices and the run id from the interval"""
    days = ("2026-03-05", "2026-03-29", "2026-12-31", "2026-03-05")
    for shop, day in itertools.product((SHOP, ODD), days):
        found = options(learner, copy.deepcopy(shop), day)
        for name, expected in (
            ("--input", f"{shop['landing'].removesuffix('/')}/day={day}"),
            ("--output", f"{shop['staging'].removesuffix('/')}/day={day}"),
            ("--prices-as-of", day),
            ("--run-id", f"{shop['dag_id']}-{day}"),
        ):
            assert found[name] == expected, f"on {day}, {name} is {found[name]!r}: not {expected!r}"


@check("spark_arguments")
def test_config_is_kept(learner):
    """Leaves the settings as they were"""
    config = copy.deepcopy(SHOP)
    learner.spark_arguments(config, *ends("2026-03-05"))
    assert config == SHOP, f"afterwards the settings are {config}"
    found = options(learner, config, "2026-03-06")
    assert found["--run-id"] == "shop-2026-03-06"


# --------------------------------------------------------------------------------------- publish


def everything(folder: Path) -> dict[str, str]:
    """Files below a folder with their bytes as text; folders have none, and end in a slash."""
    return {
        f"{path.relative_to(folder)}" + ("/" if path.is_dir() else ""): (
            "" if path.is_dir() else path.read_bytes().decode("latin-1")
        )
        for path in sorted(folder.rglob("*"))
    }


def lay(folder: Path, **texts: str) -> Path:
    """A day as the cluster leaves it; `part_0` is the file part-0.csv."""
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / (name.replace("_", "-") + ".csv")).write_text(text)
    (folder / "_SUCCESS").touch()
    return folder


@pytest.fixture
def shop(tmp_path):
    """A table of two days, and a staged delivery of one of them."""
    lay(tmp_path / "table" / "day=2026-03-04", part_0="41,1\n")
    old = lay(tmp_path / "table" / "day=2026-03-05", part_0="old\n", part_1="old\n", part_2="old\n")
    lay(old / "early", part_0="old\n")
    day = lay(tmp_path / "staging" / "day=2026-03-05", part_0="51,7\n", part_7="52,8\n")
    (day / ".rows.crc").write_bytes(b"\x00\xff\r\n")
    lay(day / "late", part_0="53,9\n")
    for path in tmp_path.rglob("*"):  # the answer may run as another user
        path.chmod(0o777 if path.is_dir() else 0o666)
    return tmp_path


def published(learner, shop: Path) -> dict[str, str]:
    """The whole table after a call."""
    learner.publish(str(shop / "staging" / "day=2026-03-05"), str(shop / "table"))
    return everything(shop / "table")


WHOLE = {
    **{".rows.crc": "\x00\xff\r\n", "_SUCCESS": "", "part-0.csv": "51,7\n", "part-7.csv": "52,8\n"},
    **{"late/": "", "late/_SUCCESS": "", "late/part-0.csv": "53,9\n"},
}


def of_day(files: dict[str, str], day: str) -> dict[str, str]:
    """The files of a partition."""
    start = f"day={day}/"
    return {
        n.removeprefix(start): t for n, t in files.items() if n.startswith(start) and n != start
    }


@check("publish", points=2)
def test_the_day_is_replaced(learner, shop):
    """Makes the partition exactly the day's files"""
    found = of_day(published(learner, shop), "2026-03-05")
    assert found == WHOLE, f"the partition has {found}, expected {WHOLE}: what was staged"
    again = of_day(published(learner, shop), "2026-03-05")
    assert again == WHOLE, f"after a second call the partition has {again}, expected {WHOLE}"
    day = shop / "staging" / "day=2026-03-05"
    (day / "part-0.csv").write_text("51,6\n")
    expected = WHOLE | {"part-0.csv": "51,6\n"}
    found = of_day(published(learner, shop), "2026-03-05")
    assert found == expected, f"a number was corrected; the partition has {found}, not {expected}"
    (day / "part-7.csv").unlink()
    del expected["part-7.csv"]
    found = of_day(published(learner, shop), "2026-03-05")
    assert found == expected, f"a file was left out; the partition has {found}, not {expected}"


@check("publish")
def test_other_days_stay(learner, shop):
    """Changes no other partition, and leaves nothing else in the table"""
    found = published(learner, shop)
    other = of_day(found, "2026-03-04")
    assert other == {"_SUCCESS": "", "part-0.csv": "41,1\n"}, f"the day before now has {other}"
    names = {name.partition("/")[0] for name in found}
    assert names == {"day=2026-03-04", "day=2026-03-05"}, f"the table now has {sorted(names)}"


@check("publish")
def test_staging_stays(learner, shop):
    """Leaves the staged folder as it was"""
    published(learner, shop)
    found = everything(shop / "staging")
    expected = {"day=2026-03-05/": ""} | {f"day=2026-03-05/{n}": t for n, t in WHOLE.items()}
    assert found == expected, f"staging now has {sorted(found)}: a second run of the task needs it"


def assert_kept(learner, shop: Path, day: Path, what: str) -> str:
    """How a publication was refused that must leave the table, and one that is not there, alone."""
    before, beside = everything(shop / "table"), {path.name for path in shop.iterdir()}
    said = refusal(learner.publish, str(day), str(shop / "table"))
    now = everything(shop / "table")
    lost = sorted(set(before) - set(now))
    more = sorted(set(now) - set(before))
    changed = sorted(name for name in now if now[name] != before.get(name, now[name]))
    assert now == before, f"{what}; the table has lost {lost}, gained {more}, changed {changed}"
    left = sorted({path.name for path in shop.iterdir()} - beside)
    assert not left, f"{what}, and {left} is left beside the table"
    fresh = shop / "no table yet"
    refusal(learner.publish, str(day), str(fresh))
    found = sorted(everything(fresh)) if fresh.exists() else []
    assert not found, f"{what}, and there was no table; now it has {found}"
    return said


@check("publish", points=2)
def test_unfinished_day(learner, shop):
    """Refuses a day without `_SUCCESS` or without a folder, and keeps the table"""
    day = shop / "staging" / "day=2026-03-05"
    (day / "_SUCCESS").unlink()
    for what, path in (("without `_SUCCESS`", day), ("that is not there", day.parent / "day=x")):
        said = assert_kept(learner, shop, path, f"the day's folder is one {what}")
        assert said.startswith("ValueError"), f"a folder {what} " + (
            f"gave {said}, expected ValueError" if said else "is published"
        )


BROKEN = [
    Case("at_the_top", "keeps the table when a file cannot be copied", given=["part-5.csv"]),
    Case("in_a_folder", "keeps it when a file in a folder cannot be", given=["late/part-5.csv"]),
]


@check("publish")
@cases(BROKEN)
def test_broken_copy(learner, shop, case):
    """{case}"""
    day = shop / "staging" / "day=2026-03-05"
    (day / case.given[0]).symlink_to("gone.csv")
    said = assert_kept(learner, shop, day, "a file could not be copied")
    assert said, "a file could not be copied, and no error came out: the DAG goes on"


@check("publish")
def test_first_day(learner, shop):
    """Makes the table with its first partition, which has the name of the folder"""
    day = (shop / "staging" / "day=2026-03-05").rename(shop / "staging" / "store=7")
    table = shop / "new" / "table"
    said = refusal(learner.publish, str(day), str(table))
    assert not said, f"there was no table yet: {said}"
    names = sorted({name.partition("/")[0] for name in everything(table)})
    assert names == ["store=7"], f"the folder is called store=7, and the table has {names}"
    found = everything(table / "store=7")
    assert found == WHOLE, f"in a new table the partition has {found}, expected {WHOLE}"


# -------------------------------------------------------------------------------- inside Airflow


def settings(changes: dict) -> dict:
    """In Airflow: what the DAG is built with, for the folder of this process."""
    here = os.getcwd()
    os.environ["NIGHT_TOKEN"] = "hush-4711"
    return {
        "dag_id": "nights",
        "start_date": "2026-03-20",
        "landing": f"{here}/arrivals",
        "prices": f"{here}/price lists",
        "staging": f"{here}/priced",
        "table": f"{here}/sales",
        "notices": f"{here}/told.txt",
        "spark_submit": [sys.executable, "-I", "-S", f"{here}/spark_submit.py"],
        "token_variable": "NIGHT_TOKEN",
        "retries": 1,
        "retry_seconds": 240,
        "timeout_seconds": 1500,
        "wait_seconds": 5 * 3600,
        "max_active_runs": 3,
        "pool": "cluster",
        **changes,
    }


def describe(changes: dict, runs: int) -> dict:
    """In Airflow: what the DAG says of itself, its settings, and what building it touches."""
    from unittest import mock

    from airflow.sdk.execution_time import context
    from airflow.settings import engine

    build, config = globals()["build_dag"], settings(changes)
    Path(config["landing"]).mkdir(exist_ok=True)
    build(config)  # imports modules
    engine.dispose()  # a query connects again
    watched = {"_get_variable": "Variable.get", "_get_connection": "Connection.get"}
    with mock.patch.multiple(context, **{n: mock.Mock(wraps=getattr(context, n)) for n in watched}):
        touches = touched_by(build, config)
        touches += [told for name, told in watched.items() if getattr(context, name).called]
    dag = load_dag(build, config)
    about = describe_dag(dag, runs) | {"touches": touches, "config": config}
    for task in dag.tasks:
        limit = task.max_retry_delay
        seconds = limit.total_seconds() if hasattr(limit, "total_seconds") else limit
        about["tasks"][task.task_id]["longest"] = seconds
    return about


def run_nights(changes: dict, nights: list[dict]) -> list[dict | None]:
    """In Airflow: what each night did and left; None for a wait that would hold this process."""
    build, config = globals()["build_dag"], settings(changes)
    dag = load_dag(build, config)
    ingest = dag.task_dict.get("ingest")
    found = []
    for night in nights:
        if night["waits"] and getattr(ingest, "mode", None) != "reschedule":
            found.append(None)
            continue
        put_files(night["files"], [])
        calls, told = len(get_lines("spark.log")), len(get_lines(config["notices"]))
        run = run_dag(dag, night["at"], night["arrives"], "hush-4711", night["interval"])
        run["table"], run["told"] = get_files(config["table"]), get_lines(config["notices"])[told:]
        run["calls"] = [json.loads(line) for line in get_lines("spark.log")[calls:]]
        found.append(run)
    return found


def get_lines(name: str) -> list[str]:
    """In Airflow: the lines of a file; none if it is not there."""
    return Path(name).read_text().splitlines() if Path(name).exists() else []


def watch_loads() -> None:
    """In Airflow: from now on, each table that `load_table` is called with is a line of a file."""
    around = globals()["expand"].__globals__
    load = around.get("load_table")
    if load is None or hasattr(load, "watched"):
        return

    def load_table(table):
        with Path("loads.log").open("a") as loads:
            loads.write(json.dumps(table) + "\n")
        return load(table)

    load_table.watched = True
    around["load_table"] = load_table


def load_lists(lists: dict[str, list[dict]]) -> dict:
    """In Airflow: what a DAG with `expand` says of itself, and a run of it for each day's list."""
    import pendulum
    from airflow.sdk import DAG, task

    def build():
        start = pendulum.datetime(2026, 1, 1)
        with DAG("tables", schedule=None, start_date=start, catchup=False) as dag:

            @task
            def list_tables():
                return json.loads(Path("tables.json").read_text())

            @task
            def report(names):
                return names

            report(globals()["expand"](list_tables()))
        return dag

    watch_loads()
    build()  # a learner's own error, with its lines
    dag = load_dag(build)
    runs = []
    for day, tables in lists.items():
        put_files({"tables.json": json.dumps(tables)}, ["loads.log"])
        run = run_dag(dag, f"{day}T00:00:00+00:00", {})
        runs.append(run | {"loads": [json.loads(line) for line in get_lines("loads.log")]})
    load = dag.task_dict.get("load")
    limits = [getattr(load, f"max_active_tis_per_{each}", None) for each in ("dagrun", "dag")]
    return {"added": describe_dag(dag, 0)["tasks"], "limits": limits, "runs": runs}


OPEN = pytest.StashKey[dict]()


@pytest.fixture(scope="module")
def airflow(learner, dataset, request):
    """One process of Airflow for all checks of an answer, public and hidden."""
    processes = request.config.stash.setdefault(OPEN, {})
    if id(learner) not in processes:
        opened = part_of(
            learner,
            "airflow",
            *(describe_dag, load_dag, run_dag, touched_by, put_files, get_files),
            *(settings, describe, run_nights, get_lines, watch_loads, load_lists),
            tasks=["partition_path", "spark_arguments", "publish", "expand", "build_dag"],
            first=start_airflow,
        )
        airflow = opened.__enter__()
        request.session.addfinalizer(lambda: opened.__exit__(None, None, None))
        command = (dataset("shop_nights") / "spark_submit.py").read_text()
        airflow.write({"spark_submit.py": command})
        processes[id(learner)] = airflow
    return processes[id(learner)]


# ---------------------------------------------------------------------------------------- expand


def wanted(name: str, required: bool = True, there: bool = True) -> dict:
    """A table of the day."""
    source = "tables/there.csv" if there else "tables/gone.csv"
    return {"name": name, "source": source, "target": f"copied/{name}", "required": required}


LISTS = {
    "empty": [],
    "one": [wanted("only")],
    "optional": [wanted("stores", False), wanted("rates", False, False), wanted("items")],
    "required": [wanted("vat", True, False), wanted("staff"), wanted("lines", False)],
    "gone": [wanted("fees", False, False), wanted("tips", False, False)],
}


class Lists:
    """What became of each list; a list is loaded when a check asks for it."""

    def __init__(self, airflow) -> None:
        self._airflow = airflow
        gone = [each for tables in LISTS.values() for each in tables if "gone" in each["source"]]
        yesterday = {each["target"]: "a,b\n0,0\n" for each in gone}
        airflow.write({"tables/there.csv": "a,b\n1,2\n"} | yesterday)
        self.about = airflow.call("load_lists", {})

    @functools.cache  # noqa: B019 - as long as the fixture
    def __getitem__(self, name: str) -> dict:
        day = f"2026-02-{list(LISTS).index(name) + 1:02}"
        return self._airflow.call("load_lists", {day: LISTS[name]})["runs"][0]


@pytest.fixture(scope="module")
def mapped(airflow):
    """What the DAG of mapped tasks says of itself, and a run of it for each list."""
    return Lists(airflow)


def instances(run: dict) -> dict:
    """The states of the instances of `load`."""
    return {name: state for name, (state, _) in run["tasks"].items() if name.startswith("load[")}


@check("expand")
def test_an_instance_for_each_table(mapped):
    """Maps `load` over the list that comes at run time, in its order"""
    tasks = mapped.about["added"]
    assert "load" in tasks and tasks["load"]["mapped"], (
        f"the DAG has the tasks {sorted(tasks)}; expected a mapped task `load`"
    )
    added = sorted(set(tasks) - {"list_tables", "report"})
    assert added == ["load", "loaded"], f"the tasks {added} were added, expected load and loaded"
    for name in ("empty", "one", "gone"):
        found, expected = instances(mapped[name]), len(LISTS[name])
        assert len(found) == expected, f"{expected} tables, and {len(found)} instances of `load`"
    for name, place in (("optional", "load[1]"), ("required", "load[0]")):
        broken = [each for each, state in instances(mapped[name]).items() if state == "failed"]
        assert broken == [place], (
            f"of {[table['name'] for table in LISTS[name]]} one has no source, and is to be {place}; "
            f"failed instances are {broken}"
        )


@check("expand")
def test_load_table_is_called(mapped):
    """Calls `load_table` with each table"""
    for name, tables in LISTS.items():
        found = mapped[name]["loads"]
        lost = [table["name"] for table in tables if table not in found]
        assert not lost, f"`load_table` was not called with the tables {lost}; its calls: {found}"


@check("expand")
def test_a_bad_table_stops_no_other(mapped):
    """Loads the other tables when one fails"""
    for name in ("optional", "required"):
        states = instances(mapped[name])
        assert sorted(states.values()) == ["failed", "success", "success"], (
            f"one of three tables has no source; the instances ended as {states}"
        )


@check("expand")
def test_at_most_four(mapped):
    """Runs at most four instances at once in a run"""
    known = [limit for limit in mapped.about["limits"] if limit is not None]
    assert known and 1 <= min(known) <= 4, (
        f"a run may have {min(known) if known else 'as many instances as there are slots'} at once, "
        "expected at most 4"
    )


@check("expand", points=2)
def test_when_loaded_runs(mapped):
    """Runs `loaded` after all instances, also when some failed or none was there"""
    for name in ("empty", "one", "optional", "gone"):
        state = mapped[name]["tasks"].get("loaded", ["missing"])[0]
        assert state == "success", (
            f"the list has {len(LISTS[name])} tables, none of the required ones is missing, and "
            f"`loaded` is {state}"
        )
    state = mapped["required"]["tasks"].get("loaded", ["missing"])[0]
    assert state not in ("upstream_failed", "skipped", "None"), (
        f"an instance failed, and `loaded` did not run: it is {state}"
    )


@check("expand")
def test_required_tables(mapped):
    """Fails `loaded`, and stops what comes after, if a required table is missing"""
    tasks = mapped["required"]["tasks"]
    assert tasks.get("loaded", ["missing"])[0] == "failed", (
        f"`vat` is required and was not loaded, and `loaded` is {tasks.get('loaded')}"
    )
    state = tasks.get("report", ["missing"])[0]
    assert state == "upstream_failed", (
        f"a required table is missing, and the task that takes the names is {state}"
    )


@check("expand", points=2)
def test_names_that_were_loaded(mapped):
    """Hands the names that were loaded to the next task, in the order of the list"""
    for name in ("empty", "one", "optional", "gone"):
        expected = [each["name"] for each in LISTS[name] if each["source"].endswith("there.csv")]
        found = mapped[name]["handed"].get("report.return_value")
        assert found == expected, (
            f"of the tables {[each['name'] for each in LISTS[name]]} the next task was given "
            f"{found}, expected {expected}"
        )


# ------------------------------------------------------------------------------------- build_dag

TASKS = ["ingest", "check", "transform", "publish", "notify"]


def delivery(
    day: str, *orders: str, promised: int | None = None, files: int = 1
) -> dict[str, str]:
    """The files of a day: orders as `1 tea 2`, and their number."""
    names, size = "order_id,product,quantity", len(orders) // files
    number = len(orders) if promised is None else promised
    found = {f"arrivals/day={day}/_SUCCESS": f"{number}\n"}
    for part in range(files):
        mine = orders[part * size : (part + 1) * size if part < files - 1 else None]
        lines = [names, *(order.replace(" ", ",") for order in mine)]
        found[f"arrivals/day={day}/orders-{part}.csv"] = "\n".join(lines) + "\n"
    return found


def night(day: str, files=None, *, arrives=None, waits=False, by_hand=False) -> dict:
    """A run of a day's interval: what is there before, and what comes while it waits.

    The scheduler starts it, so its logical date is the start of the interval. By hand it is started at
    noon of the day after, and Airflow finds its interval.
    """
    interval = [end.isoformat() for end in ends(day)]
    noon = ends(day)[1].astimezone(BERLIN) + timedelta(hours=12)
    run = {"files": files or {}, "arrives": arrives or {}, "waits": waits}
    if by_hand:
        return run | {"at": noon.isoformat(), "interval": []}
    return run | {"at": interval[0], "interval": interval}


PRICES = {
    "price lists/2026-03-01.csv": "product,cents\ntea,100\nmocha,300\n",
    "price lists/2026-03-28.csv": "product,cents\ntea,200\nmocha,300\n",
    "price lists/2026-04-01.csv": "product,cents\ntea,900\nmocha,900\n",
}
FAULTS = {
    "nights-2026-03-29": {"1": -9},  # the first attempt is killed
    "nights-2026-03-28": {"3": 1, "4": 99},  # both after the first two runs of the night
}
MANY = [f"{number} tea 1" for number in range(100, 160)]
NIGHTS = {
    "first": night(
        "2026-03-28",
        delivery("2026-03-28", "1 tea 1", "2 mocha 2", "3 tea 3")
        | PRICES
        | {"faults.json": json.dumps(FAULTS)},
    ),
    "again": night("2026-03-28", delivery("2026-03-28", "1 tea 2", "2 mocha 2"), by_hand=True),
    "few": night("2026-03-31", delivery("2026-03-31", "11 tea 1", "12 tea 1", promised=3)),
    "none": night("2026-04-01", delivery("2026-04-01"), by_hand=True),
    "more": night("2026-04-05", delivery("2026-04-05", "14 tea 1", "15 tea 1", promised=1)),
    "late": night(
        "2026-04-04", arrives=delivery("2026-04-04", "13 tea 1"), waits=True, by_hand=True
    ),
    "never": night(
        "2026-04-02",
        delivery("2026-04-03", "1 tea 1")
        | {"arrivals/day=2026-04-02/orders-0.csv": "order_id,product,quantity\n16,tea,1\n"},
        waits=True,
    ),
    "lost": night(
        "2026-03-29", delivery("2026-03-29", "8 tea 8", "9 tea 9", "10 mocha 1"), by_hand=True
    ),
    "older": night("2026-03-27", delivery("2026-03-27", *MANY, files=2)),
    "down": night("2026-03-28", delivery("2026-03-28", "1 tea 7", "2 mocha 7")),
}
FIRST = {"_SUCCESS": "", "part-0.csv": "1,200\n", "part-1.csv": "2,600\n3,600\n"}
SECOND = {"_SUCCESS": "", "part-0.csv": "1,400\n", "part-1.csv": "2,600\n"}
AUTUMN = {
    "dag_id": "autumn_nights", "start_date": "2026-10-20", "retries": 5, "retry_seconds": 90,
    "timeout_seconds": 700, "wait_seconds": 5400, "max_active_runs": 6, "pool": "small",
}  # fmt: skip


@pytest.fixture(scope="module")
def about(airflow):
    """What the DAG says of itself, with its first 14 intervals."""
    return airflow.call("describe", {}, 14)


@pytest.fixture(scope="module")
def both(about, airflow):
    """What the DAG says of itself under two settings."""
    return [about, airflow.call("describe", AUTUMN, 8)]


class Nights:
    """What each night did; nights run in their order, as far as a check asks for them."""

    def __init__(self, airflow) -> None:
        self._airflow, self._left, self._found = airflow, list(NIGHTS), {}

    def __getitem__(self, name: str) -> dict | None:
        while name not in self._found:
            self._found[self._left[0]] = self._run(self._left[0])
            del self._left[0]
        if isinstance(self._found[name], AnswerError):
            raise self._found[name]
        return self._found[name]

    def _run(self, name: str):
        try:
            return self._airflow.call("run_nights", {}, [NIGHTS[name]])[0]
        except AnswerError as error:
            return error


@pytest.fixture(scope="module")
def nights(about, airflow):
    """What each night did."""
    return Nights(airflow)


def states(run: dict) -> str:
    """The states of the five tasks, as a reason shows them."""
    return ", ".join(f"{name} {run['tasks'].get(name, ['missing'])[0]}" for name in TASKS)


def task_of(about: dict, name: str) -> dict:
    """What the DAG says of a task."""
    assert name in about["tasks"], f"there is no task `{name}`, only {sorted(about['tasks'])}"
    return about["tasks"][name]


def partition(run: dict, day: str) -> dict[str, str]:
    """The files of a day in the table, after a run."""
    return of_day(run["table"], day)


def assert_green(run: dict, day: str, what: str) -> None:
    """A run ended with each of the five tasks successful, and the shop was told of its day."""
    good = all(run["tasks"].get(name, ["missing"])[0] == "success" for name in TASKS)
    assert good and run["state"] == "success", f"{what}: {states(run)}"
    assert run["told"] == [f"{day} is published"], f"on {day} the shop was told {run['told']}"


@check("build_dag")
def test_five_tasks(both):
    """Has the name of the settings and the five tasks"""
    for about in both:
        name = about["config"]["dag_id"]
        assert about["dag_id"] == name, f"the DAG is called {about['dag_id']!r}, expected {name!r}"
        assert sorted(about["tasks"]) == sorted(TASKS), f"the tasks are {sorted(about['tasks'])}"


@check("build_dag", points=2)
def test_intervals(both):
    """Has an interval for each local day, from the first day on"""
    for about, size in zip(both, (14, 8), strict=True):
        start = about["config"]["start_date"]
        days = [f"{date.fromisoformat(start) + timedelta(days=number)}" for number in range(size)]
        expected = [[end.isoformat() for end in ends(day)] for day in days]
        found = [
            [datetime.fromisoformat(end).astimezone(UTC).isoformat() for end in interval]
            for interval in about["intervals"]
        ]
        for number, day in enumerate(days):
            got = found[number] if number < len(found) else "none"
            assert got == expected[number], (
                f"interval {number + 1} of a DAG that starts on {start} is {day}, in UTC "
                f"{expected[number]}; this DAG has {got}"
            )


@check("build_dag")
def test_order(about):
    """Has each task after the one before it"""
    for before, name in itertools.pairwise(TASKS):
        found = task_of(about, name)["upstream"]
        assert before in found, f"`{name}` starts after {found or 'nothing'}, not after `{before}`"


@check("build_dag")
def test_settings(both):
    """Has the settings for catch-up, active runs, time limits and the pool"""
    for about in both:
        config = about["config"]
        assert about["catchup"] is False, "catch-up is on: the first deployment runs all past days"
        found, expected = about["max_active_runs"], config["max_active_runs"]
        assert found == expected, f"{found} runs may be active at the same time, not {expected}"
        for name in TASKS:
            found, expected = task_of(about, name)["timeout"], config["timeout_seconds"]
            limit = "no limit" if found is None else f"a limit of {found:g} s"
            assert found == expected, f"`{name}` has {limit}, expected {expected} s"
        found, expected = task_of(about, "transform")["pool"], config["pool"]
        assert found == expected, f"`transform` takes a slot of {found}, expected of `{expected}`"


@check("build_dag")
def test_retries(both):
    """Tries `transform` and `publish` again, and at least doubles the wait each time"""
    for about, name in itertools.product(both, ("transform", "publish")):
        task, config = task_of(about, name), about["config"]
        expected = config["retries"]
        assert task["retries"] == expected, (
            f"`{name}` has {task['retries']} retries, expected {expected}"
        )
        found, expected = task["retry_seconds"], config["retry_seconds"]
        assert found == expected, f"`{name}` is tried again after {found} s, expected {expected}"
        factor, longest = task["backoff"] or 1, task["longest"]
        waits = [found * factor**number for number in range(config["retries"])]
        if longest is not None:
            waits = [min(wait, longest) for wait in waits]
        for before, after in itertools.pairwise(waits):
            assert after >= 2 * before, (
                f"the waits of `{name}` are {waits} s: each is to be at least twice the one before"
            )


@check("build_dag")
def test_building_touches_nothing(about):
    """Reads, lists and connects to nothing while the DAG is built"""
    assert not about["touches"], (
        f"building the DAG did: {', '.join(about['touches'][:4])}. Airflow builds it every 30 "
        "seconds, and once more for each task"
    )


@check("build_dag", points=2)
def test_a_night(nights):
    """Runs a night to its end: the table has the day, and the shop is told"""
    run = nights["first"]
    assert_green(run, "2026-03-28", "a complete delivery; the run's logical date is its start")
    found = partition(run, "2026-03-28")
    assert found == FIRST, f"the table has {found} for the day, expected {FIRST}"


@check("build_dag")
def test_the_command(nights, about):
    """Calls the command with the day's arguments, the same in each attempt"""
    config = about["config"]
    for name, day in (("first", "2026-03-28"), ("older", "2026-03-27"), ("lost", "2026-03-29")):
        calls = nights[name]["calls"]
        assert calls, f"on {day} the command was not called"
        expected = [
            *("--input", f"{config['landing']}/day={day}", "--prices", config["prices"]),
            *("--prices-as-of", day, "--output", f"{config['staging']}/day={day}"),
            *("--run-id", f"nights-{day}", "--token-variable", TOKEN),
        ]
        for call in calls:
            assert call == expected, f"for {day} the command got {call}, expected {expected}"


@check("build_dag", points=2)
def test_the_same_night_again(nights):
    """Replaces the day when its night runs a second time, with a corrected delivery"""
    run = nights["again"]
    assert_green(run, "2026-03-28", "the same night a second time, started at noon of the next day")
    found = partition(run, "2026-03-28")
    assert found == SECOND, f"after the second run the day has {found}, expected {SECOND}"


@check("build_dag")
def test_any_day(nights):
    """Runs the day of 23 hours, and an older day after newer ones, each with its own prices"""
    run = nights["lost"]
    assert_green(run, "2026-03-29", "2026-03-29, the day of 23 hours, started at noon of the next")
    run = nights["older"]
    assert_green(run, "2026-03-27", "2026-03-27, after newer days, with orders in two files")
    found = partition(run, "2026-03-27")
    rows = [f"{order.split()[0]},100\n" for order in MANY]
    expected = {"_SUCCESS": "", "part-0.csv": "".join(rows[:30]), "part-1.csv": "".join(rows[30:])}
    assert found == expected, (
        f"2026-03-27 has {str(found)[:80]}, expected 60 orders of 100 cents: the prices of its day"
    )
    assert partition(run, "2026-03-28") == SECOND, "running 2026-03-27 changed 2026-03-28"


@check("build_dag")
def test_a_lost_attempt(nights):
    """Tries again when the cluster is lost, and publishes the whole day"""
    run = nights["lost"]
    assert_green(run, "2026-03-29", "the command was killed in its first attempt")
    tries = run["tasks"]["transform"][1]
    assert tries == 2, f"`transform` took {tries} attempts: the first failed, the second did not"
    found = partition(run, "2026-03-29")
    expected = {"_SUCCESS": "", "part-0.csv": "8,1600\n", "part-1.csv": "9,1800\n10,300\n"}
    assert found == expected, f"the day has {found}, expected {expected}"


@check("build_dag", points=2)
def test_a_failed_command(nights):
    """Fails with the command, keeps what was published, and tells the shop nothing"""
    run = nights["down"]
    assert run["state"] == "failed" and run["tasks"].get("transform", [""])[0] == "failed", (
        f"the command failed in all attempts, and the run is {run['state']}: {states(run)}"
    )
    for name in ("publish", "notify"):
        state = run["tasks"].get(name, ["missing"])[0]
        assert state == "upstream_failed", f"`transform` failed, and `{name}` is {state}"
    found = partition(run, "2026-03-28")
    assert found == SECOND, f"the day had been published; now it has {found}"
    assert not run["told"], f"the shop was told {run['told']}"


BAD_NIGHTS = [
    Case("few", "stops a day with fewer orders than promised, at the first attempt"),
    Case("more", "stops a day with more orders than promised, at the first attempt"),
    Case("none", "stops a day without orders, at the first attempt"),
]


@check("build_dag")
@cases(BAD_NIGHTS)
def test_bad_deliveries(nights, case):
    """{case}"""
    run = nights[case.name]
    state, tries = run["tasks"].get("check", ["missing", 0])
    assert state == "failed", f"the delivery is not complete, and `check` is {state}"
    assert tries == 1, f"`check` was tried {tries} times; another try finds the same files"
    assert not run["calls"], f"the command was called all the same: {states(run)}"
    rest = [run["tasks"].get(name, ["missing"])[0] for name in TASKS[2:]]
    assert rest == ["upstream_failed"] * 3, f"`check` failed: {states(run)}"
    assert run["table"] == nights["again"]["table"], "the delivery is bad, and the table changed"
    assert not run["told"], f"the delivery is bad, and the shop was told {run['told']}"


@check("build_dag")
def test_the_wait_holds_no_slot(both):
    """Waits without a slot, and not longer than it may"""
    task = task_of(both[0], "ingest")
    assert task["mode"] == "reschedule" or task["deferrable"], (
        f"`ingest` waits in mode {task['mode']!r}: it holds a slot all the time"
    )
    for each in both:
        found, expected = task_of(each, "ingest")["waits"], each["config"]["wait_seconds"]
        assert found == expected, f"`ingest` waits {found} s at most, expected {expected}"


@check("build_dag")
def test_waiting(nights, about):
    """Goes on when the delivery comes, and fails when none comes"""
    run = nights["late"]
    if run is None and task_of(about, "ingest")["deferrable"]:
        return  # a deferred wait needs a triggerer: what it says of itself was examined
    assert run is not None, "`ingest` holds its slot, and this process, while it waits"
    assert_green(run, "2026-04-04", "the delivery came while `ingest` waited")
    run = nights["never"]
    state = run["tasks"].get("ingest", ["missing"])[0]
    assert state == "failed", f"orders came, and no `_SUCCESS`: {states(run)}"
    for name in TASKS[1:]:
        state = run["tasks"].get(name, ["missing"])[0]
        assert state == "upstream_failed", f"no `_SUCCESS` came, and `{name}` is {state}"


@check("build_dag")
def test_small_values(nights):
    """Hands on no more than 200 characters from a task"""
    for name in ("first", "older"):
        for key, value in nights[name]["handed"].items():
            size = len(json.dumps(value))
            assert size <= 200, f"{key} is {size} characters long, and is kept in the database"


@check("build_dag")
def test_no_secret(nights):
    """Shows the token in no argument and no rendered field"""
    run = nights["first"]
    assert not run["leaks"], f"the token can be read in {', '.join(run['leaks'])}"
    called = [call for call in run["calls"] if any(SECRET in word for word in call)]
    assert not called, "the token is an argument of the command: each list of processes shows it"


# -------------------------------------------------------------------------------------- backfill

STATE = {
    "start_date": date(2026, 3, 26),
    "max_active_runs": 2,
    "succeeded": [date(2026, 3, 28), date(2026, 3, 30)],
    "price_lists": [date(2026, 4, 1), date(2026, 3, 1), date(2026, 3, 29), date(2026, 2, 1)],
}
KEYS = ["day", "interval_start", "interval_end", "wave", "prices"]


def plan(learner, start: str, end: str, force: bool = False, **changes) -> list[dict]:
    """The plan, once its form is right."""
    state = copy.deepcopy(STATE) | changes
    given = (state, date.fromisoformat(start), date.fromisoformat(end))
    found = learner.backfill(*given, True) if force else learner.backfill(*given)
    assert isinstance(found, list), f"the plan is a {type(found).__name__}, expected a list"
    for row in found:
        assert sorted(row) == sorted(KEYS), f"a day has the keys {sorted(row)}, expected {KEYS}"
    return found


def column(rows: list[dict], name: str) -> list:
    """The values of one key."""
    return [row[name] for row in rows]


@check("backfill")
def test_days_in_order(learner):
    """Plans each day from the first to the last, in order, from the DAG's start on"""
    found = column(plan(learner, "2026-03-26", "2026-03-31", succeeded=[]), "day")
    expected = [f"2026-03-{day}" for day in range(26, 32)]
    assert found == expected, f"from 26 to 31 March the plan has {found}"
    found = column(plan(learner, "2026-03-20", "2026-03-27"), "day")
    assert found == ["2026-03-26", "2026-03-27"], f"the DAG starts on 26 March; the plan: {found}"
    found = plan(learner, "2026-03-31", "2026-03-29")
    assert found == [], f"the end is before the start, and the plan is {found}"
    found = column(plan(learner, "2026-03-31", "2026-03-31"), "day")
    assert found == ["2026-03-31"], f"from 31 March to 31 March the plan has {found}"


@check("backfill")
def test_what_succeeded(learner):
    """Leaves out what has succeeded, unless it is forced"""
    found = column(plan(learner, "2026-03-27", "2026-03-31"), "day")
    assert found == ["2026-03-27", "2026-03-29", "2026-03-31"], (
        f"28 and 30 March have succeeded; the plan has {found}"
    )
    found = column(plan(learner, "2026-03-27", "2026-03-30", force=True), "day")
    assert found == [f"2026-03-{day}" for day in range(27, 31)], f"forced, the plan has {found}"
    found = column(plan(learner, "2026-03-20", "2026-03-26", force=True), "day")
    assert found == ["2026-03-26"], f"forced, and the DAG starts on 26 March: {found}"


@check("backfill", points=2)
def test_interval_ends(learner):
    """Gives each day its local midnights, in UTC"""
    changes = {"start_date": date(2026, 3, 1), "succeeded": []}
    rows = plan(learner, "2026-03-28", "2026-03-30", **changes)
    rows += plan(learner, "2026-10-24", "2026-10-26", **changes)
    for row in rows:
        expected = [end.isoformat() for end in ends(row["day"])]
        found = [row["interval_start"], row["interval_end"]]
        assert found == expected, f"{row['day']} is {found}, expected {expected}"


@check("backfill")
def test_waves(learner):
    """Numbers waves of as many planned days as may be active"""
    for active, expected in ((2, [0, 0, 1, 1]), (3, [0, 0, 0, 1]), (1, [0, 1, 2, 3])):
        rows = plan(learner, "2026-03-27", "2026-04-01", max_active_runs=active)
        found = column(rows, "wave")
        assert found == expected, (
            f"4 days are planned, and {active} may be active; the waves are {found}, expected "
            f"{expected}"
        )


@check("backfill")
def test_prices_of_the_day(learner):
    """Takes the newest list of prices that holds on the day"""
    rows = plan(learner, "2026-03-27", "2026-04-02", force=True)
    expected = ["2026-03-01"] * 2 + ["2026-03-29"] * 3 + ["2026-04-01"] * 2
    found = column(rows, "prices")
    assert found == expected, f"from 27 March to 2 April the lists are {found}, not {expected}"


@check("backfill")
def test_no_prices(learner):
    """Refuses a planned day without a list of prices, and names it"""
    state = STATE | {"price_lists": [date(2026, 3, 29)]}
    said = refusal(learner.backfill, copy.deepcopy(state), date(2026, 3, 27), date(2026, 3, 31))
    assert said.startswith("ValueError") and "2026-03-27" in said, (
        "no list holds on 2026-03-27, and the call " + (f"gave {said}" if said else "was accepted")
    )
    said = refusal(learner.backfill, copy.deepcopy(state), date(2026, 3, 28), date(2026, 3, 31))
    assert not said, f"28 March has no list, but has succeeded, so it is not planned: {said}"
    found = column(
        plan(learner, "2026-03-28", "2026-03-31", price_lists=[date(2026, 3, 29)]), "day"
    )
    assert found == ["2026-03-29", "2026-03-31"], f"29 and 31 March are to run; the plan: {found}"
    state["price_lists"] = []
    said = refusal(learner.backfill, copy.deepcopy(state), date(2026, 3, 20), date(2026, 3, 26))
    assert said.startswith("ValueError") and "2026-03-26" in said, (
        "there is no list at all, and the only planned day is 2026-03-26; the call "
        + (f"gave {said}" if said else "was accepted")
    )


def expected_plan(state: dict, start: date, end: date, force: bool) -> list[dict]:
    """The plan by the rules, each for itself; `prices` is empty where no list holds."""
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    days = [day for day in days if day >= state["start_date"]]
    days = [day for day in days if force or day not in state["succeeded"]]
    rows = []
    for number, day in enumerate(days):
        first, last = (each.isoformat() for each in ends(f"{day}"))
        prices = max((f"{each}" for each in state["price_lists"] if each <= day), default="")
        wave = number // state["max_active_runs"]
        values = (f"{day}", first, last, wave, prices)
        rows.append(dict(zip(KEYS, values, strict=True)))
    return rows


@check("backfill")
def test_plans_at_random(learner):
    """Plans days, waves and prices by the rules, for states drawn at random"""
    rng = random.Random(27)
    for _ in range(30):
        first = rng.choice([date(2026, 3, 25), date(2026, 10, 22), date(2027, 12, 28)])
        near = [first + timedelta(days=number) for number in range(-4, 12)]
        state = {
            "start_date": rng.choice(near[:9]),
            "max_active_runs": rng.randint(1, 4),
            "succeeded": rng.sample(near, rng.randint(0, 5)),
            "price_lists": [*rng.sample(near, 3), *([near[0] - timedelta(days=40)] * rng.randint(0, 1))],
        }
        rng.shuffle(state["price_lists"])
        start, end, force = rng.choice(near), rng.choice(near), rng.random() < 0.3
        given = copy.deepcopy(state)
        told = {
            key: [f"{each}" for each in value] if isinstance(value, list) else f"{value}"
            for key, value in state.items()
        }
        call = f"with force={force} and the state {told}, the plan from {start} to {end}"
        expected = expected_plan(state, start, end, force)
        lacking = [row["day"] for row in expected if not row["prices"]]
        if lacking:
            said = refusal(learner.backfill, given, start, end, force)
            assert said.startswith("ValueError") and any(day in said for day in lacking), (
                f"{call}: no list holds on {lacking}, and it "
                + (f"gave {said}" if said else "was accepted")
            )
            continue
        found = learner.backfill(given, start, end, force=force)
        days = column(expected, "day")
        assert column(found, "day") == days, f"{call} plans {column(found, 'day')}, expected {days}"
        for row, right in zip(found, expected, strict=True):
            assert row == right, f"{call} has {row}, expected {right}"


@check("backfill")
def test_state_is_kept(learner):
    """Leaves the state of the DAG as it was"""
    state = copy.deepcopy(STATE)
    learner.backfill(state, date(2026, 3, 20), date(2026, 4, 2))
    learner.backfill(state, date(2026, 3, 26), date(2026, 3, 28), True)
    assert state == STATE, f"afterwards the state is {state}"
