# ---
# level: senior
# minutes: 90
# needs: [airflow]
# spark: false
# datasets: [shop_deliveries]
# topics: [airflow, orchestration, backfill, late data, data quality]
# ---
# %% [markdown]
# # Run three nights, and account for each morning
#
# You wire steps of earlier labs into one nightly run: load, history, gate, publish. Then three nights
# go wrong: a file is late, a batch is bad, a commit's answer is lost. At the end there is a page with
# three mornings: what was served, what was held back, and what a repeat changed.
#
# **You will learn** to
#
# - load a night so that a retry doubles nothing, and a repeat takes no late rows away,
# - keep a bad batch out of the *next* morning as well, and repeat nights in the order of their state,
# - build a run in Airflow that is red when it should be, and an account of what was served.

# %% [markdown]
# ## The data
#
# `shop_deliveries` has a folder for each night, with what arrived since the night before: the sales
# of some shops, and all customers with the city that they live in. A sale has its own day, which can
# be earlier than the night. `corrected` has one file that a shop sends again after the third night.

# %%
import csv
import hashlib
import json
import os
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import matplotlib.pyplot as plt
from IPython.display import HTML, display

import labkit
from labkit.checks.airflow import (
    get_files,
    load_dag,
    put_files,
    run_dag,
    start_airflow,
)
from labkit.checks.parts import server

lab = labkit.open("night_run")
folder = lab.data("shop_deliveries")
for path in sorted(path for path in folder.rglob("*") if path.is_file()):
    print(f"{path.relative_to(folder)!s:52} {len(path.read_text().splitlines())} lines")

# %% [markdown]
# Airflow's environment has no Spark, so none runs here. The lake is a folder of small tables. A
# *table* is a list of dicts, in JSON; a *commit* is one more file, and the file before it stays.
# `replace` is Delta's `replaceWhere`: it takes away the rows that have the given values, and adds
# others, in one commit. A commit can raise `ConnectionError` and stand all the same: let that error
# out, since the run tries again. These functions are given, for all reads and writes.

# %%
TIMEZONE = "Europe/Berlin"


def read(lake: str, table: str) -> list[dict]:
    """The rows of a table; none if there is no such table."""
    commits = sorted(Path(lake, table).glob("*.json"))
    return json.loads(commits[-1].read_text()) if commits else []


def replace(lake: str, table: str, rows: list[dict], **where) -> None:
    """One commit: `rows` take the place of all rows that have the values of `where`."""
    kept = [row for row in read(lake, table) if any(row[name] != where[name] for name in where)]
    commits = Path(lake, table)
    commits.mkdir(parents=True, exist_ok=True)
    number = len(list(commits.glob("*.json")))
    fresh = commits / "fresh"
    fresh.write_text(json.dumps(kept + rows))
    fresh.rename(commits / f"{number:05}.json")
    lost = Path(lake, f"lost-{table}")
    if lost.exists():  # planted: the commit stands, and whoever made it does not know
        lost.unlink()
        raise ConnectionError(f"the answer to a commit of {table} was lost")


def append(lake: str, table: str, rows: list[dict]) -> None:
    """One commit: `rows` are added."""
    replace(lake, table, read(lake, table) + rows)


# %% [markdown]
# Each step of the night stands for a function of an earlier lab. You write two of them below, for
# this lake. The others are given, and keep the contract of their lab. When you have done that lab,
# put your own in their place: what Airflow must know of a step does not change.
#
# | step | what it does | lab |
# |---|---|---|
# | `load_night`, task 1 | a night's files become rows of `sales` | 14 `file_ingest` |
# | `apply_snapshot` | a type 2 history, and tonight's customers: the next history | 02 `scd2`, 07 `dbt_scd` |
# | `build_night`, task 2 | the night's `history` and `report` | 08 `lakehouse_slice` |
# | `audit` | says what is wrong with a night, and keeps that in `audits` | 24 `quality_gates` |
# | `publish` | makes a night's report the one that readers get, in `served` | 21 `shadow_tables` |
# | `note` | keeps in `notes` what is served after a run | |


# %%
def night_of(interval_start: datetime, interval_end: datetime) -> str:
    """The local day that an interval is, as `2026-03-05`."""
    first, last = (end.astimezone(ZoneInfo(TIMEZONE)) for end in (interval_start, interval_end))
    if first.time() != last.time() or last.date() - first.date() != timedelta(days=1):
        raise ValueError(f"{first} to {last} is not one day")
    return f"{first.date()}"


def customers_of(landing: str, night: str) -> list[dict]:
    """The customers that arrived in a night: `customer`, `city`."""
    with Path(landing, f"night={night}", "customers.csv").open() as lines:
        return list(csv.DictReader(lines))


def apply_snapshot(before: list[dict], customers: list[dict], night: str) -> list[dict]:
    """The history after a night: `night`, `customer`, `city`, `valid_from`, `valid_to`.

    A customer's first city holds from the beginning, another one from the night on.
    """
    history = [row | {"night": night} for row in before]
    open_rows = {row["customer"]: row for row in history if row["valid_to"] is None}
    for each in customers:
        known = open_rows.get(each["customer"])
        if known is None or known["city"] != each["city"]:
            since = "0001-01-01" if known is None else night
            history.append({"night": night, **each, "valid_from": since, "valid_to": None})
            if known is not None:
                known["valid_to"] = night
    return history


def city_on(history: list[dict], customer: str, day: str) -> str:
    """The city of a customer on a day; `unknown` if no row holds then."""
    for row in history:
        ended = row["valid_to"] is not None and row["valid_to"] <= day
        if row["customer"] == customer and row["valid_from"] <= day and not ended:
            return row["city"]
    return "unknown"


def audit(lake: str, night: str) -> list[str]:
    """What is wrong with a night's sales; its row in `audits`: `night`, `passed`, `reasons`."""
    sales = [row for row in read(lake, "sales") if row["night"] == night]
    wrong = sum(row["cents"] <= 0 for row in sales)
    reasons = [f"{wrong} of {len(sales)} sales without a price"] if wrong else []
    reasons += [] if sales else ["no sales"]
    row = {"night": night, "passed": not reasons, "reasons": reasons}
    replace(lake, "audits", [row], night=night)
    return reasons


def served(lake: str) -> dict | None:
    """What readers get now: `version`, `night`, `report`, `signed`; None before the first time."""
    return max(read(lake, "served"), key=lambda row: row["version"], default=None)


def publish(lake: str, night: str, token: str) -> None:
    """Serves the report of a night as the next version, unless exactly that is served already."""
    report = [row for row in read(lake, "report") if row["night"] == night]
    now = served(lake)
    if now is None or (now["night"], now["report"]) != (night, report):
        version = 1 if now is None else now["version"] + 1
        signed = hashlib.sha256(token.encode()).hexdigest()
        row = {"version": version, "night": night, "report": report, "signed": signed}
        append(lake, "served", [row])


def note(lake: str, night: str) -> None:
    """Adds to `notes`: `number`, `night`, the `version` served now, and why the night is `held`."""
    now, notes = served(lake), read(lake, "notes")
    found = [row for row in read(lake, "audits") if row["night"] == night]
    held = found[0]["reasons"] if found else ["not audited"]
    version = None if now is None else now["version"]
    row = {"number": len(notes) + 1, "night": night, "version": version, "held": held}
    append(lake, "notes", [row])


# %% [markdown]
# ## Task 1: load a night
#
# A night's folder has the sales of that day, and of days before it whose file was late. So one day's
# rows come from several nights.
#
# `load_night(landing, lake, night)` loads all files `sales-*.csv` of the folder
# `landing/night=2026-03-05` into the table `sales`. The first line of a file has the names
# `order_id`, `customer`, `day` and `cents`, in this order; each other line has four values.
#
# - A row of `sales` has these four, and `night`: the night that loaded it. `cents` is an `int`, all
#   others are text as in the file.
# - `day` is the day of the sale, also if that is not the night.
# - Afterwards the rows of this night are those of its files, and nothing that it had before.
# - Rows of other nights stay, also those of the same day.
# - Equal lines of the folder, in one file or in several, are one row.
# - Each call makes one commit, in `sales`, also if it changes nothing.
# - If the folder does not exist, or `cents` of a line is not a whole number, it raises `ValueError`,
#   and nothing is committed.
# - A folder without such files has no rows; that is no error.
# - It returns the number of rows of the night.


# %%
def load_night(landing: str, lake: str, night: str) -> int:
    """Loads what arrived in a night; the number of its rows."""
    # BEGIN SOLUTION: read the night's files, then replace what this night had loaded
    arrived = Path(landing, f"night={night}")
    if not arrived.is_dir():
        raise ValueError(f"nothing arrived in the night {night}")
    found = {}
    for path in sorted(arrived.glob("sales-*.csv")):
        with path.open() as lines:
            for line in csv.DictReader(lines):
                sale = {"night": night, **line, "cents": int(line["cents"])}
                found[tuple(sale.items())] = sale
    replace(lake, "sales", list(found.values()), night=night)
    return len(found)
    # END SOLUTION


# %%
lab.check("load_night")

# %% [markdown]
# ## Task 2: build what the night will serve
#
# A gate keeps a bad batch from being published tonight. But its rows are in `sales` now, and
# tomorrow's report reads `sales`. So you leave out, each night, what was held back before.
#
# `build_night(landing, lake, night)` makes the rows of this night in two tables.
#
# **`history`**
#
# - It is what `apply_snapshot` makes of the customers that arrived in this night.
# - `before` is the history of the newest earlier night whose audit passed. If there is none, it is
#   empty.
#
# **`report`**, with `night`, `day`, `city`, `orders` and `cents`
#
# - There is one row for each day and city that has sales.
# - It counts the sales of this night, whatever its audit said before, and of each earlier night whose
#   audit passed. No others count: neither later nights nor nights without an audit.
# - An order that several of these nights loaded counts once, as the latest of them has it.
# - A sale's city is that of its customer on the day of the sale, by this night's history.
# - `orders` is the number of sales, `cents` their sum.
#
# **Both**
#
# - Other nights' rows stay, and a second call leaves the same rows as the first.
# - Each call makes one commit in each of the two, also if it changes nothing, and none elsewhere.
# - If the night's folder has no `customers.csv`, it raises `FileNotFoundError`, and nothing is
#   committed.
# - It returns the number of the night's rows in `report`.
#
# Nights and days are text of the same length, so text order is the order in time. In one night no
# order has two rows.


# %%
def build_night(landing: str, lake: str, night: str) -> int:
    """Makes a night's history and report; the number of rows in the report."""
    # BEGIN SOLUTION: find the nights that count, then make history and report
    good = [row["night"] for row in read(lake, "audits") if row["passed"] and row["night"] < night]
    base = max(good, default=None)
    before = [row for row in read(lake, "history") if row["night"] == base]
    history = apply_snapshot(before, customers_of(landing, night), night)
    replace(lake, "history", history, night=night)

    sales = [row for row in read(lake, "sales") if row["night"] in {night, *good}]
    latest = {row["order_id"]: row for row in sorted(sales, key=lambda row: row["night"])}
    orders, cents = Counter(), Counter()
    for sale in latest.values():
        place = sale["day"], city_on(history, sale["customer"], sale["day"])
        orders[place] += 1
        cents[place] += sale["cents"]
    report = [
        {"night": night, "day": day, "city": city, "orders": number, "cents": cents[day, city]}
        for (day, city), number in sorted(orders.items())
    ]
    replace(lake, "report", report, night=night)
    return len(report)
    # END SOLUTION


# %%
lab.check("build_night")

# %% [markdown]
# ## Task 3: one run of the night
#
# First a prediction. In this DAG the gate fails, so `publish` does not run. `account` runs all the
# same, so that somebody is told. Is the run red or green?


# %%
def a_gate_that_fails() -> dict:
    """In Airflow: a run in which the second last task does not run."""
    from airflow.sdk import DAG, task

    def build():
        with DAG("prediction", schedule=None) as dag:

            @task
            def gate():
                raise ValueError("a bad batch")

            @task
            def publish():
                """Serves the night."""

            @task(trigger_rule="all_done")
            def account():
                """Says what is served."""

            gate() >> publish() >> account()
        return dag

    run = run_dag(load_dag(build), "2026-03-06T00:00:00+00:00", {})
    return {"run": run["state"], **{name: state for name, (state, _) in run["tasks"].items()}}


if lab.written("load_night", "build_night"):
    with server(
        "airflow", load_dag, run_dag, put_files, a_gate_that_fails, first=start_airflow
    ) as airflow:
        print(airflow.call("a_gate_that_fails"))

# %% [markdown]
# Green. The state of a run is that of its *leaves*, the tasks that nothing comes after. Here the one
# leaf has succeeded.
#
# `build_dag(config)` returns a DAG called `config["dag_id"]`, with the tasks `load`, `build`, `gate`,
# `publish` and `account`. You may add others. The settings are those of `shop_config` below.
#
# **The DAG**
#
# - Its runs are nights: each data interval is from one midnight in `TIMEZONE` to the next, and the
#   first is the day `config["start_date"]`.
# - `catchup` is off, and one run at most is active at the same time.
# - `load`, `build` and `publish` have `config["retries"]` retries, each after
#   `config["retry_seconds"]`. `gate` has none: another try finds the same rows.
# - To build it reads no file and not the token, and connects to nothing.
#
# **A run**
#
# - `load` calls `load_night`, `build` calls `build_night`, both for `config["landing"]` and
#   `config["lake"]`.
# - `gate` calls `audit`, and fails if that returns reasons.
# - `publish` calls `publish` with the token, which is in the environment variable
#   `config["token_variable"]`. If a later night is served, it does not publish, and does not fail.
# - `load`, `build`, `gate` and `publish` start in this order, each only if the one before succeeded.
# - `account` calls `note` once these four have ended, whatever became of them.
# - The run fails if one of these four fails. It succeeds if all tasks succeed.
# - All tasks are about one night: that of the run's data interval, by `night_of`. The clock does not
#   count, nor does `logical_date`.
# - A night that failed does not stop the next one.
# - No task hands on more than 200 characters.
# - The token is in no argument and no rendered field of a task.
#
# Tasks run in Airflow's own Python; it has the standard library and all functions of this notebook
# that you name. Import Airflow inside the function.


# %%
def shop_config(here: str) -> dict:
    """The settings of the night run, for data below the folder `here`."""
    return {
        "dag_id": "shop_night",
        "start_date": "2026-03-01",
        "landing": f"{here}/landing",
        "lake": f"{here}/lake",
        "token_variable": "SHOP_TOKEN",
        "retries": 2,
        "retry_seconds": 300,
    }


# %%
def build_dag(config: dict):
    """The night run: load, build, gate, publish, account."""
    # BEGIN SOLUTION: make the DAG and its tasks
    import pendulum
    from airflow.sdk import DAG, CronDataIntervalTimetable, task

    landing, lake = config["landing"], config["lake"]
    again = {
        "retries": config["retries"],
        "retry_delay": timedelta(seconds=config["retry_seconds"]),
    }
    with DAG(
        config["dag_id"],
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
        start_date=pendulum.parse(config["start_date"], tz=TIMEZONE),
        catchup=False,
        max_active_runs=1,
    ) as dag:

        @task(**again)
        def load(data_interval_start=None, data_interval_end=None):
            return load_night(landing, lake, night_of(data_interval_start, data_interval_end))

        @task(**again)
        def build(data_interval_start=None, data_interval_end=None):
            return build_night(landing, lake, night_of(data_interval_start, data_interval_end))

        @task(retries=0)
        def gate(data_interval_start=None, data_interval_end=None):
            reasons = audit(lake, night_of(data_interval_start, data_interval_end))
            if reasons:
                raise ValueError("; ".join(reasons))

        @task(task_id="publish", **again)
        def serve(data_interval_start=None, data_interval_end=None):
            night = night_of(data_interval_start, data_interval_end)
            now = served(lake)
            if now is None or now["night"] <= night:
                publish(lake, night, os.environ[config["token_variable"]])

        @task(trigger_rule="all_done")
        def account(data_interval_start=None, data_interval_end=None):
            note(lake, night_of(data_interval_start, data_interval_end))

        @task
        def published():
            """A leaf that is red when a task before it is."""

        steps = load() >> build() >> gate() >> serve()
        steps >> account()
        steps >> published()
    return dag
    # END SOLUTION


# %%
lab.check("build_dag")

# %% [markdown]
# ## Task 4: which nights to repeat, and what to tell
#
# A shop has sent a file again. Its night has to run again, and so has each night after it: their
# histories and reports were made from the state that it left, or without it.
#
# `nights_to_repeat(ran, changed)` returns a list of nights. `ran` has the nights that have run, held
# or not; `changed` those whose delivery changed. Both are lists, in any order.
#
# - It has each night of `changed` that has run, and each night that ran after the earliest of these.
# - No other night is in it: not one that has not run, and not one because of a night that has not
#   run.
# - Each night is there once, also if it is in a list twice, and earlier nights come first.
# - If nothing changed, it is empty.


# %%
def nights_to_repeat(ran: list[str], changed: list[str]) -> list[str]:
    """The nights to run again, in their order."""
    # BEGIN SOLUTION: find the earliest night that changed, and all that ran from then on
    started = [night for night in changed if night in ran]
    return sorted({night for night in ran if started and night >= min(started)})
    # END SOLUTION


# %%
lab.check("nights_to_repeat")

# %% [markdown]
# `account(lake)` returns what became of each morning: a list of dicts, from the tables `notes` and
# `served`. The *morning* of a night is its note with the smallest `number`; other notes are of
# repeats. Rows of both tables can be in any order.
#
# - There is one dict for each night that has a note, and earlier nights come first. Without notes
#   the list is empty.
# - `night` is the night, and `held` is `held` of its morning, as it was noted then.
# - `served` is the night whose report was served in that morning: the one of the noted `version`.
#   `cents` is the sum of that report. If that version is `None`, these are `None` and 0.
# - `changed` says what a reader of that morning would find different now, in the newest version: a
#   list of dicts `day`, `city`, `then`, `now`, with cents.
# - `changed` has each day and city whose cents differ, where the day is not after the night. What
#   one of the two versions does not have counts 0 there; 0 and 0 do not differ.
# - `changed` is in the order of `day`, then `city`.
# - Nothing is written.


# %%
def account(lake: str) -> list[dict]:
    """What was served each morning, what was held, and what is different now."""
    # BEGIN SOLUTION: take the first note of each night, and compare its version with the newest
    versions = {row["version"]: row for row in read(lake, "served")}

    def cents_of(version) -> Counter:
        report = versions[version]["report"] if version in versions else []
        return Counter({(row["day"], row["city"]): row["cents"] for row in report})

    newest = cents_of(max(versions, default=None))
    mornings = {}
    for row in sorted(read(lake, "notes"), key=lambda row: row["number"]):
        mornings.setdefault(row["night"], row)
    found = []
    for night, morning in sorted(mornings.items()):
        then = cents_of(morning["version"])
        changed = [
            {"day": day, "city": city, "then": then[day, city], "now": newest[day, city]}
            for day, city in sorted({*then, *newest})
            if day <= night and then[day, city] != newest[day, city]
        ]
        version = versions.get(morning["version"])
        found.append(
            {
                "night": night,
                "served": version and version["night"],
                "cents": sum(then.values()),
                "held": morning["held"],
                "changed": changed,
            }
        )
    return found
    # END SOLUTION


# %%
lab.check("account")

# %% [markdown]
# ## Put it together
#
# Airflow runs beside this notebook, in a folder of its own. One function runs nights there and
# returns what their tasks did. In the third night, the answer to a commit is lost.


# %%
def run_nights(nights: list[str]) -> list[str]:
    """In Airflow: what became of the run of each night, task by task."""
    config = shop_config(os.getcwd())
    os.environ[config["token_variable"]] = "a secret"
    dag, told = load_dag(build_dag, config), []
    for night in nights:
        midnight = datetime.fromisoformat(night).replace(tzinfo=ZoneInfo(TIMEZONE))
        run = run_dag(dag, (midnight + timedelta(days=1)).isoformat(), {})
        tasks = [
            f"{name} {state}" + (f" at try {tries}" if tries > 1 else "")
            for name, (state, tries) in run["tasks"].items()
        ]
        told.append(f"night {night}: {run['state']}; {', '.join(tasks)}")
    return told


def page(mornings: list[dict], runs: list[str]) -> HTML:
    """The three mornings on one page, with what Airflow says of the runs."""
    parts = []
    for each in mornings:
        parts.append(f"<h3>The morning after {each['night']}</h3><ul>")
        parts.append(f"<li>served: the report of {each['served']}, {each['cents'] / 100:.2f}</li>")
        parts.append(f"<li>held back: {'; '.join(each['held']) or 'nothing'}</li>")
        lines = [
            f"{row['day']} {row['city']} {row['then'] / 100:.2f} → {row['now'] / 100:.2f}"
            for row in each["changed"]
        ]
        parts.append(f"<li>different now: {'; '.join(lines) or 'nothing'}</li></ul>")
    parts.append("<h3>The runs</h3><ol>" + "".join(f"<li>{run}</li>" for run in runs) + "</ol>")
    return HTML("".join(parts))


def draw(mornings: list[dict]) -> None:
    """A panel for each morning, with what is different now: then and now, by day and city."""
    figure, panels = plt.subplots(
        1, len(mornings), figsize=(10, 2.8), sharex=True, sharey=True, layout="constrained"
    )
    for ax, each in zip(panels, mornings, strict=True):
        places = [f"{row['day'][5:]} {row['city']}" for row in each["changed"]]
        then, now = ([row[name] / 100 for row in each["changed"]] for name in ("then", "now"))
        ax.hlines(places, then, now, color="lightgrey")
        ax.plot(then, places, "o", color="C0", mfc="white", label="that morning")
        ax.plot(now, places, "o", color="C1", label="now")
        ax.set(xlabel=f"after {each['night']}")
        ax.margins(y=0.2)
    panels[0].legend()
    figure.suptitle("What readers saw each morning, and what is different now")
    plt.show()


# %% [markdown]
# Run three nights, then correct the bad file and run again what depends on it. Before you look at
# the page: which numbers of the third morning change, though its night was green? Look for Jena: a
# customer moved there in the night that was held. The picture has a line for each day and city that
# is different now.

# %%
if lab.written("load_night", "build_night", "build_dag", "nights_to_repeat", "account"):
    nights = sorted(path.name.partition("=")[2] for path in (folder / "landing").iterdir())
    used = [load_night, build_night, build_dag, shop_config, audit, publish, served, note, night_of]
    with server(
        "airflow", load_dag, run_dag, put_files, get_files, run_nights, *used, first=start_airflow
    ) as airflow:
        files = get_files(str(folder))
        airflow.write({name: text for name, text in files.items() if "landing" in name})
        runs = airflow.call("run_nights", nights[:2])
        airflow.write({"lake/lost-sales": ""})
        runs += airflow.call("run_nights", nights[2:])

        corrected = {name: text for name, text in files.items() if "corrected" in name}
        airflow.write({name.replace("corrected", "landing"): corrected[name] for name in corrected})
        again = nights_to_repeat(nights, [name.split("/")[1][6:] for name in corrected])
        runs += airflow.call("run_nights", again)

        lake = lab.scratch
        tables = airflow.call("get_files", "lake")
        put_files({f"{lake}/{name}": text for name, text in tables.items()}, [])
    mornings = account(str(lake))
    display(page(mornings, runs))
    draw(mornings)

# %% [markdown]
# ## In practice
#
# - **A day is written by several nights.** `replaceWhere day = …` is repeatable only while each day
#   has one writer. With late files, what a night wrote needs a column of its own.
# - **A gate protects one publish.** What it held is still in the table that tomorrow's job reads.
#   Write, audit, publish on a branch or in a staging table does the same as the filter here.
# - **A repeat is not a run.** One night repeated alone leaves the nights after it on a state that is
#   no longer true.
# - **The DAG's `max_active_runs` does not hold for a backfill.** In Airflow 3 a backfill has its own,
#   and that is 10: nights that build on each other build at once. Say
#   `airflow backfill create --max-active-runs 1 --reprocess-behavior completed`.
# - **`depends_on_past` is a decision about consumers**: with it a bad night stops all later ones until
#   somebody comes. Here the next night builds on the last good one, and a repeat mends it.
# - **The last task hides the failure** wherever it runs on `all_done`. A second leaf, or a teardown
#   task, keeps the run red.
# - **Tell what was served, not what ran.** A green run can have served nothing new, and a red one can
#   have served before it failed. The account reads the table that readers read.
#
# **On Databricks**, a job has tasks with *run if* for trigger rules, `max_concurrent_runs`, and
# repair runs. A repair takes the parameters of its run, unless you give it others; nights after it
# are still yours to repeat. With Spark, each task submits a job and passes the night as its
# argument.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. A batch was bad on Tuesday and held back. What do you serve on Wednesday?
# 2. Tuesday's file comes corrected on Friday. What do you run, and in which order?
# 3. The job died after its commit, and Airflow tries again. What must be true?
# 4. Which run of yours could be green although nothing was published?
# 5. The shop asks why Thursday's number has changed. What do you need to have kept?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Wednesday without Tuesday, and the report says so. Its job leaves out what was held: the rows
#    are in the table, but their audit failed. If Wednesday makes no sense without Tuesday, I serve
#    the last good version, and say that instead.
# 2. Tuesday, then each night after it, one at a time: their histories were made without Tuesday's.
#    I set that limit on the backfill itself, since it ignores the DAG's. Readers keep what they
#    have until the newest night is ready; a repeat of an old night never takes its place.
# 3. The second try replaces what the first one wrote: the night is the key of the write, so it does
#    not matter whether the commit was made.
# 4. One whose last task runs on `all_done`, one that skipped, and one that swallowed an error. I
#    look at what is served, and at its age.
# 5. The version that was served that morning, why anything was held, and both inputs. With them I
#    compare by day and city, and name the night whose repeat changed it.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Airflow, [DAG runs](https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/dag-run.html)
# - Apache Airflow, [Trigger rules](https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/dags.html#trigger-rules)
# - Apache Airflow, [Backfill](https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/backfill.html)
# - Delta Lake, [Selective overwrite](https://docs.delta.io/latest/delta-batch.html#selective-overwrite)
