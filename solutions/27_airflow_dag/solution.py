# ---
# level: senior
# minutes: 75
# needs: [airflow]
# spark: false
# datasets: [shop_nights]
# topics: [airflow, orchestration, idempotency, backfill, retries]
# ---
# %% [markdown]
# # Write a DAG that can be run twice
#
# The shop's nightly DAG works until someone clears it. A backfill of March wrote April's prices, a
# retry doubled a day, and sensors held all 16 slots until morning. You write it again, on Airflow
# 3, so that every task can run again, on any day, in any order. No Spark runs here: what stands for
# the cluster is a command.
#
# **You will learn** to
#
# - derive every path and argument from the data interval, across time zones and daylight saving,
# - publish a day all or nothing, map tasks over a list that exists only at run time, and say what a
#   failure may stop,
# - set retries, waits, pools and catch-up, and check what Airflow 3 makes of them.

# %% [markdown]
# ## The data
#
# `shop_nights` is what the shops deliver: a folder for each local day in `landing`, with orders and
# a file `_SUCCESS` that holds their number. It comes last. One day is missing, one is incomplete,
# and one is 23 hours long. `prices` has a list for each day on which prices changed.

# %%
import os
import shutil
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import labkit
from labkit.checks.airflow import (
    describe_dag,
    get_files,
    load_dag,
    put_files,
    run_dag,
    start_airflow,
    touched_by,
)
from labkit.checks.parts import server

lab = labkit.open("airflow_dag")
folder = lab.data("shop_nights")
for path in sorted(path for path in folder.rglob("*") if path.is_file()):
    print(f"{path.relative_to(folder)!s:34} {path.stat().st_size:4} bytes")

# %% [markdown]
# All times of the shop are those of Berlin. These functions are given; your tasks may call them.

# %%
TIMEZONE = "Europe/Berlin"


def promised(folder: str) -> int:
    """The number of orders that the shops say they delivered."""
    return int(Path(folder, "_SUCCESS").read_text())


def counted(folder: str) -> int:
    """The number of orders in a folder."""
    texts = [path.read_text() for path in Path(folder).glob("*.csv")]
    return sum(len(text.splitlines()) - 1 for text in texts)  # the first line has the names


def load_table(table: dict) -> None:
    """Copies a table from its `source` to its `target`; raises if there is no source."""
    Path(table["target"]).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(table["source"], table["target"])


def send_notice(config: dict, text: str) -> None:
    """Tells the shop."""
    with Path(config["notices"]).open("a") as notices:
        notices.write(text + "\n")


def shop_config(here: str) -> dict:
    """The settings of the shop's DAG, for data below the folder `here`."""
    return {
        "dag_id": "shop_orders",
        "start_date": "2026-03-01",
        "landing": f"{here}/landing",
        "prices": f"{here}/prices",
        "staging": f"{here}/staging",
        "table": f"{here}/table",
        "notices": f"{here}/notices.txt",
        "spark_submit": [sys.executable, "-I", f"{here}/spark_submit.py"],
        "token_variable": "SHOP_TOKEN",
        "retries": 2,
        "retry_seconds": 300,
        "timeout_seconds": 1800,
        "wait_seconds": 4 * 3600,
        "max_active_runs": 2,
        "pool": "spark",
    }


# %% [markdown]
# ## Task 1: everything from the data interval
#
# A run is about a *data interval*, not about the time at which it happens to start. Airflow hands
# its two ends to each task, as `data_interval_start` and `data_interval_end`, in UTC.
#
# `partition_path(base, interval_start, interval_end)` returns the folder of the interval's day, as
# text: `BASE/day=2026-03-05`.
#
# - The day is the date of `interval_start` in `TIMEZONE`, in whatever time zones the ends are given.
# - An interval that is not exactly one local day, midnight to midnight, raises `ValueError`.
# - A day can have 23 or 25 hours.
# - An end without a time zone raises `ValueError`.
# - `base` can be a URL such as `abfss://lake@shop/landing`: it stays as it is, and exactly one `/`
#   joins it to the day, whether or not `base` ends in one.


# %%
def partition_path(base: str, interval_start: datetime, interval_end: datetime) -> str:
    """The folder of the local day that the interval is."""
    # BEGIN SOLUTION: find the local day, refuse what is none, and join it to the base
    if interval_start.utcoffset() is None or interval_end.utcoffset() is None:
        raise ValueError("an end of the interval has no time zone")
    zone = ZoneInfo(TIMEZONE)
    first, last = (end.astimezone(zone) for end in (interval_start, interval_end))
    day = first.date()
    # Compared as clocks show it: between two midnights lie 23, 24 or 25 hours.
    clocks = [end.replace(tzinfo=None).isoformat() for end in (first, last)]
    if clocks != [f"{day}T00:00:00", f"{day + timedelta(days=1)}T00:00:00"]:
        raise ValueError(f"{clocks} is not one day")
    return f"{base.removesuffix('/')}/day={day}"
    # END SOLUTION


# %%
lab.check("partition_path")

# %% [markdown]
# `spark_arguments(config, interval_start, interval_end)` returns the command of the day as a list
# of words: `config["spark_submit"]`, then six options, each followed by its value.
#
# - `--input` and `--output` are the day's folders in `config["landing"]` and `config["staging"]`,
#   as `partition_path` has them.
# - `--prices` is `config["prices"]`, and the next option, `--prices-as-of`, is the day as
#   `2026-03-05`: the prices of that day, not of today.
# - `--run-id` is `config["dag_id"]`, a hyphen and the day: each attempt has the same.
# - `--token-variable` is `config["token_variable"]`, the *name* of an environment variable; what
#   is in that variable is read by the command alone.
# - The order is `--input`, `--prices`, `--prices-as-of`, `--output`, `--run-id`,
#   `--token-variable`.
# - `config` stays as it was.


# %%
def spark_arguments(config: dict, interval_start: datetime, interval_end: datetime) -> list[str]:
    """The command that prices the orders of the interval's day, as words."""
    # BEGIN SOLUTION: build the list of words
    source = partition_path(config["landing"], interval_start, interval_end)
    day = source.rpartition("=")[2]
    return [
        *config["spark_submit"],
        *("--input", source),
        *("--prices", config["prices"]),
        *("--prices-as-of", day),
        *("--output", partition_path(config["staging"], interval_start, interval_end)),
        *("--run-id", f"{config['dag_id']}-{day}"),
        *("--token-variable", config["token_variable"]),
    ]
    # END SOLUTION


# %%
lab.check("spark_arguments")

# %% [markdown]
# ## Task 2: publish, all or nothing
#
# The cluster writes a day's folder in staging, such as `staging/day=2026-03-05`, and its file
# `_SUCCESS` last. `publish(day_folder, table_folder)` makes it the partition of the same name in
# `table_folder`. Both are paths as text, without a `/` at the end.
#
# - Afterwards the partition has exactly the files of `day_folder`, those in folders too, and
#   nothing of what it had before.
# - No other partition of the table changes.
# - `day_folder` stays as it was, so that the task can run again.
# - If `day_folder` has no `_SUCCESS`, or does not exist, it raises `ValueError`, and the table
#   stays as it was.
# - If a file cannot be copied, the error is raised, and the table stays as it was, without
#   leftovers.
# - `table_folder` need not exist yet. After an error it may be there, but empty.
#
# Copy to a temporary folder beside the partition first. A rename within one file system is a
# single step; a copy is not.


# %%
def publish(day_folder: str, table_folder: str) -> None:
    """Replaces the day's partition of the table."""
    # BEGIN SOLUTION: copy beside the partition, then rename
    day, table = Path(day_folder), Path(table_folder)
    if not (day / "_SUCCESS").is_file():
        raise ValueError(f"{day} is not complete: the job that writes it did not end")
    partition = table / day.name
    fresh, old = table / f"_new-{day.name}", table / f"_old-{day.name}"
    table.mkdir(parents=True, exist_ok=True)
    if old.exists() and not partition.exists():  # killed between the two renames
        old.rename(partition)
    for left in (fresh, old):  # by an attempt that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        shutil.copytree(day, fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if partition.exists():
        partition.rename(old)
    fresh.rename(partition)
    shutil.rmtree(old, ignore_errors=True)
    # END SOLUTION


# %%
lab.check("publish")

# %% [markdown]
# ## Task 3: tables that are known only at run time
#
# Beside the orders, a source lists the tables that it has today: none, one or thirty. `tables` is
# the output of the task that asks it: at run time, a list of dicts with the keys `name`,
# `source`, `target` and `required`. Names differ, and so do targets. `expand(tables)` is called
# while a DAG is built, and adds two tasks to it: `load` and `loaded`. Import Airflow inside the
# function: the notebook does not have it.
#
# - `load` is mapped: at run time there is one instance for each table, in the order of the list.
# - An instance calls `load_table` with its table. If it fails, the other instances run all the
#   same.
# - At most 4 instances run at the same time in a run of the DAG.
# - `loaded` runs once all instances have ended, whatever became of them, and also if the list is
#   empty.
# - `loaded` fails if a table with `required` was not loaded, and only then.
# - `loaded` returns the names of the tables that were loaded, in the order of the list.
# - `expand` returns the output of `loaded`, so that a later task can take it as an argument.
#
# A mapped task hands on one value for each instance *that succeeded*, so positions say nothing.


# %%
def expand(tables):
    """Loads each table of the list; the output of `loaded`, the names that were loaded."""
    # BEGIN SOLUTION: add a mapped task, and one that waits for all its instances
    from airflow.sdk import task

    @task(max_active_tis_per_dagrun=4)
    def load(table):
        load_table(table)
        return table["name"]

    @task(trigger_rule="all_done")
    def loaded(tables, names):
        there = set(names or [])
        missing = [each["name"] for each in tables if each["name"] not in there]
        needed = {each["name"] for each in tables if each["required"]}
        if stopped := needed.intersection(missing):
            raise ValueError(f"required, and not loaded: {sorted(stopped)}")
        return [each["name"] for each in tables if each["name"] in there]

    return loaded(tables, load.expand(table=tables))
    # END SOLUTION


# %%
lab.check("expand")

# %% [markdown]
# ## Task 4: the DAG
#
# `build_dag(config)` returns a DAG called `config["dag_id"]` with five tasks: `ingest`, `check`,
# `transform`, `publish` and `notify`. What `config` holds is in `shop_config` above.
#
# **The DAG**
#
# - Its runs are days in `TIMEZONE`: each data interval is from one local midnight to the next.
# - The first interval is the day `config["start_date"]`, whenever the file is read.
# - `catchup` is off: a backfill is a decision.
# - At most `max_active_runs` runs are active at the same time.
# - To build it reads and lists no file, and connects to nothing.
# - Each task is stopped after `timeout_seconds`.
# - `transform` and `publish` have `retries` retries. The delay of the first is `retry_seconds`, and
#   the factor from one delay to the next is at least 2. (Airflow adds some of its own, at random.)
# - `transform` takes its slot from the pool `config["pool"]`.
#
# **A run**
#
# - Each task starts after the one before it in this list of five, and only if that one succeeded.
# - `ingest` waits until `_SUCCESS` is in the day's folder of `landing`.
# - While it waits, `ingest` holds no slot: it is rescheduled or deferred.
# - `ingest` fails when it has waited for `wait_seconds`.
# - `check` fails, without another try, if the day's folder has no orders, or more or fewer than
#   promised.
# - `transform` runs the command of `spark_arguments`, and fails if the command fails, with whatever
#   exit code.
# - `publish` publishes the day's folder of `staging` into `config["table"]`.
# - `notify` calls `send_notice` with `config` and the text `2026-03-05 is published`, with its day.
# - A run depends on its interval alone: not on the clock, and not on other runs.
# - No task hands on more than 200 characters, whatever the command prints: paths and counts, not
#   rows.
# - The token itself is in no argument and no rendered field of a task.
#
# Tasks run in Airflow's own Python, which has no pandas. Airflow, `pendulum` and the standard
# library are there, and all functions of this notebook that you name. A catch: in Airflow 3,
# `schedule="@daily"` no longer gives an interval. Look at what your DAG has before you believe it.


# %%
def build_dag(config: dict):
    """The shop's DAG: ingest, check, transform, publish, notify."""
    # BEGIN SOLUTION: make the DAG and its five tasks
    import subprocess

    import pendulum
    from airflow.sdk import DAG, CronDataIntervalTimetable, task
    from airflow.sdk.exceptions import AirflowFailException

    again = {
        "retries": config["retries"],
        "retry_delay": timedelta(seconds=config["retry_seconds"]),
        "retry_exponential_backoff": 2.0,
    }
    with DAG(
        config["dag_id"],
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
        start_date=pendulum.parse(config["start_date"], tz=TIMEZONE),
        catchup=False,
        max_active_runs=config["max_active_runs"],
        default_args={"execution_timeout": timedelta(seconds=config["timeout_seconds"])},
    ) as dag:

        @task.sensor(mode="reschedule", poke_interval=300, timeout=config["wait_seconds"])
        def ingest(data_interval_start=None, data_interval_end=None):
            day = partition_path(config["landing"], data_interval_start, data_interval_end)
            return Path(day, "_SUCCESS").exists()

        @task
        def check(data_interval_start=None, data_interval_end=None):
            day = partition_path(config["landing"], data_interval_start, data_interval_end)
            found, expected = counted(day), promised(day)
            if found == 0 or found != expected:
                raise AirflowFailException(f"{found} orders of {expected}")

        @task(pool=config["pool"], **again)
        def transform(data_interval_start=None, data_interval_end=None):
            words = spark_arguments(config, data_interval_start, data_interval_end)
            subprocess.run(words, check=True)

        @task(task_id="publish", **again)
        def publish_day(data_interval_start=None, data_interval_end=None):
            day = partition_path(config["staging"], data_interval_start, data_interval_end)
            publish(day, config["table"])

        @task
        def notify(data_interval_start=None, data_interval_end=None):
            day = partition_path("", data_interval_start, data_interval_end).rpartition("=")[2]
            send_notice(config, f"{day} is published")

        ingest() >> check() >> transform() >> publish_day() >> notify()
    return dag
    # END SOLUTION


# %%
lab.check("build_dag")

# %% [markdown]
# ## Task 5: plan a backfill
#
# Prices of March were wrong, and days have to run again. `backfill(dag, start, end, force=False)`
# returns the plan, a list of dicts. `start` and `end` are dates, both included. `dag` is a dict:
#
# | key | meaning |
# |---|---|
# | `start_date` | the first day of the DAG, a `date` |
# | `max_active_runs` | how many days may run at the same time |
# | `succeeded` | the days that have run with success, `date`s |
# | `price_lists` | the days from which each list of prices holds, `date`s in any order |
#
# Each dict has the keys `day` (as `2026-03-05`), `interval_start`, `interval_end`, `wave` and
# `prices`.
#
# - There is one dict for each local day from `start` to `end`, in this order.
# - Days before the DAG's `start_date` are left out.
# - Days that have succeeded are left out, unless `force` is true.
# - `interval_start` and `interval_end` are that day's midnights in `TIMEZONE`, as ISO text in UTC:
#   `2026-03-04T23:00:00+00:00`.
# - `wave` counts from 0: the first `max_active_runs` days of the plan are wave 0, the next wave 1.
# - `prices` is the newest list that holds on the day, as `2026-03-01`: lists of later days do not
#   count.
# - A planned day without a list raises `ValueError` with that day in its message.
# - If `end` is before `start`, the plan is empty.
# - `dag` stays as it was.


# %%
def backfill(dag: dict, start: date, end: date, force: bool = False) -> list[dict]:
    """The days to run, in order: day, interval_start, interval_end, wave, prices."""
    # BEGIN SOLUTION: list the days, then give each its interval, wave and prices
    zone = ZoneInfo(TIMEZONE)

    def midnight(day: date) -> str:
        local = datetime(day.year, day.month, day.day, tzinfo=zone)
        return local.astimezone(ZoneInfo("UTC")).isoformat()

    every = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    planned = [day for day in every if day >= dag["start_date"]]
    if not force:
        planned = [day for day in planned if day not in dag["succeeded"]]
    plan = []
    for number, day in enumerate(planned):
        lists = [valid for valid in dag["price_lists"] if valid <= day]
        if not lists:
            raise ValueError(f"no list of prices holds on {day}")
        plan.append(
            {
                "day": f"{day}",
                "interval_start": midnight(day),
                "interval_end": midnight(day + timedelta(days=1)),
                "wave": number // dag["max_active_runs"],
                "prices": f"{max(lists)}",
            }
        )
    return plan
    # END SOLUTION


# %%
lab.check("backfill")

# %% [markdown]
# ## Put it together
#
# Airflow runs beside this notebook, in a folder of its own. Two functions run there: one describes
# your DAG, one runs days of it. A wait passes at once.


# %%
def settings_there() -> dict:
    """In Airflow: the settings for its folder, with the token set."""
    config = shop_config(os.getcwd())
    os.environ[config["token_variable"]] = "a secret"
    return config


def look(runs: int) -> dict:
    """In Airflow: what the DAG says of itself, and what building it touches."""
    config = settings_there()
    about = describe_dag(load_dag(build_dag, config), runs)
    return about | {"touches": touched_by(build_dag, config)}


def run_days(ends: list[str]) -> list[str]:
    """In Airflow: what became of the tasks of the intervals that end then."""
    dag = load_dag(build_dag, settings_there())
    found = [run_dag(dag, end, {})["tasks"] for end in ends]
    return [f"{end}: " + ", ".join(f"{name} {state}" for name, (state, _) in tasks.items())
            for end, tasks in zip(ends, found, strict=True)]  # fmt: skip


# %% [markdown]
# Run all nights of the data set, with the first one once more at the end.

# %%
if lab.written("partition_path", "spark_arguments", "publish", "build_dag", "backfill"):
    days = [date(2026, 3, 26) + timedelta(days=number) for number in range(6)]
    lists = [date.fromisoformat(path.stem) for path in (folder / "prices").iterdir()]
    state = {"start_date": days[0], "max_active_runs": 2, "succeeded": [], "price_lists": lists}
    plan = backfill(state, days[0], days[-1])
    ends = [each["interval_end"] for each in plan]
    used = [partition_path, spark_arguments, publish, build_dag, shop_config, settings_there]
    with server(
        "airflow", load_dag, describe_dag, touched_by, run_dag, put_files, get_files,
        look, run_days, *used, first=start_airflow,
    ) as airflow:  # fmt: skip
        airflow.write(get_files(str(folder)))
        about = airflow.call("look", 2)
        print(about["intervals"], about["touches"], *about["tasks"].items(), sep="\n")
        print("\n".join(airflow.call("run_days", [*ends, ends[0]])))
        for name, text in airflow.call("get_files", "table").items():
            print(f"{name:28} {len(text.splitlines())} lines")

# %% [markdown]
# ## In practice
#
# - **An interval is a contract.** Airflow 2 gave each cron schedule an interval; Airflow 3 gives
#   `data_interval_start == data_interval_end` unless you ask for a `CronDataIntervalTimetable`, or
#   the setting `create_cron_data_intervals` is on.
# - **`retry_exponential_backoff` is a number now**, the factor from one delay to the next. `0`, the
#   default, keeps all delays equal; `True` still means 2.
# - **Two renames are not one.** For a moment the day is missing, and a reader can see that. A table
#   format makes it one commit.
# - **Airflow, Lakeflow Jobs, ADF.** Lakeflow Jobs (once Databricks Workflows) start next to the
#   data and share its permissions; ADF copies from anywhere; Airflow joins systems and keeps the
#   history of runs. Choose by what the failures look like.
# - **Assets** let a DAG start when a table changed, not when a clock says so. SLAs left with Airflow
#   3; deadline alerts took their place.
# - **The run id is an idempotency key**: a service that knows it starts no second job when an attempt
#   is repeated.
# - **CI**: build each DAG, look at its intervals and settings, and run one day twice, as here.
#
# **On Databricks**, `{{job.parameters.day}}` with a backfill run takes the place of the data
# interval, `replaceWhere` that of the renamed folder, and a *for each* task that of mapping.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. A task failed at night, and someone cleared it in the morning. What must be true of it?
# 2. Your DAG runs daily at midnight in Berlin. What happens on the last Sunday of March?
# 3. When does a retry make things worse?
# 4. A run is green, and the table is empty. How can that be, and how do you prevent it?
# 5. A sensor waits for a partner. What can go wrong, and what do you set?
# 6. How do you backfill a year without stopping tonight's run?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Its input and output follow from the data interval, it replaces what it wrote before, and a
#    failed attempt leaves nothing that readers see. Then a second run gives the same table.
# 2. The day has 23 hours. Intervals by the local calendar stay one day each; a schedule of 24 hours
#    or one in UTC moves. Each path is made from the local date of the interval's start.
# 3. When the task is not idempotent, when the input is bad and stays bad, and when all tasks retry
#    at once against a source that is overloaded. So: replace instead of append, fail at once on bad
#    data, and wait longer each time.
# 4. A step swallowed an error, or a skipped task counted as success for the trigger rule after it.
#    The gate before publish compares counts, publish has `all_success`, and a notice says how many.
# 5. In poke mode it holds a slot all night, and enough of them stop everything. I reschedule or
#    defer it, give it a timeout, and an owner who is told.
# 6. Days in order, few at a time, in a pool of their own, what succeeded left out, with the prices
#    as they were on each day; and the nightly run has priority.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Airflow, [Best practices](https://airflow.apache.org/docs/apache-airflow/stable/best-practices.html)
# - Apache Airflow, [Timetables](https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/timetable.html)
# - Apache Airflow, [Dynamic task mapping](https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/dynamic-task-mapping.html)
# - Maxime Beauchemin, [Functional data engineering](https://maximebeauchemin.medium.com/functional-data-engineering-a-modern-paradigm-for-batch-data-processing-2327ec32c42a)
