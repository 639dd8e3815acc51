# because: a decorated DAG hands the night on; a watcher fails the run; loops in place of counters
from itertools import groupby


def load_night(landing: str, lake: str, night: str) -> int:
    folder = os.path.join(landing, f"night={night}")
    if not os.path.isdir(folder):
        raise ValueError(folder)
    rows = []
    for name in os.listdir(folder):
        if not (name.startswith("sales-") and name.endswith(".csv")):
            continue
        with open(os.path.join(folder, name)) as lines:
            for line in csv.DictReader(lines):
                line["cents"], line["night"] = int(line["cents"]), night
                rows += [line] if line not in rows else []
    replace(lake, "sales", rows, night=night)
    return len(rows)


def build_night(landing: str, lake: str, night: str) -> int:
    customers = customers_of(landing, night)
    passed = sorted(row["night"] for row in read(lake, "audits") if row["passed"])
    passed = passed[: sum(each < night for each in passed)]
    before = []
    if passed:
        before = [row for row in read(lake, "history") if row["night"] == passed[-1]]
    history = apply_snapshot(before, customers, night)
    counted, seen = [], set()
    for row in sorted(read(lake, "sales"), key=lambda row: row["night"], reverse=True):
        if (row["night"] == night or row["night"] in passed) and row["order_id"] not in seen:
            seen.add(row["order_id"])
            counted.append((row["day"], city_on(history, row["customer"], row["day"]), row["cents"]))
    report = []
    for (day, city), group in groupby(sorted(counted), key=lambda each: each[:2]):
        cents = [each[2] for each in group]
        row = {"night": night, "day": day, "city": city}
        report.append(row | {"orders": len(cents), "cents": sum(cents)})
    replace(lake, "report", report, night=night)
    replace(lake, "history", history, night=night)
    return len(report)


def build_dag(config: dict):
    import pendulum
    from airflow.sdk import CronDataIntervalTimetable, dag, task
    from airflow.sdk.exceptions import AirflowSkipException

    patient = {
        "retries": config["retries"],
        "retry_delay": config["retry_seconds"],
        "do_xcom_push": True,
    }

    @dag(
        dag_id=config["dag_id"],
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=pendulum.timezone(TIMEZONE)),
        start_date=pendulum.parse(config["start_date"], tz=TIMEZONE),
        catchup=False,
        max_active_runs=1,
    )
    def nightly():
        @task
        def which(data_interval_start=None, data_interval_end=None):
            return night_of(data_interval_start, data_interval_end)

        @task(**patient)
        def load(night):
            load_night(config["landing"], config["lake"], night)
            return night

        @task(**patient)
        def build(night):
            build_night(config["landing"], config["lake"], night)
            return night

        @task
        def gate(night):
            assert not audit(config["lake"], night)
            return night

        @task(task_id="publish", **patient)
        def to_readers(night):
            now = served(config["lake"])
            if now and now["night"] > night:
                raise AirflowSkipException("a later night is served")
            publish(config["lake"], night, os.environ[config["token_variable"]])

        @task(trigger_rule="all_done")
        def account(night):
            note(config["lake"], night)

        @task(trigger_rule="one_failed", retries=0)
        def watcher():
            raise RuntimeError("a task of this run has failed")

        night = which()
        steps = [load(night)]
        steps.append(build(steps[0]))
        steps.append(gate(steps[1]))
        steps.append(to_readers(steps[2]))
        last = account(night)
        steps >> last
        steps >> watcher()

    return nightly()


def nights_to_repeat(ran: list[str], changed: list[str]) -> list[str]:
    found = []
    for night in sorted(set(ran)):
        if found or night in changed:
            found.append(night)
    return found


def account(lake: str) -> list[dict]:
    versions = sorted(read(lake, "served"), key=lambda row: row["version"])
    now = versions[-1] if versions else {"night": None, "report": []}
    firsts = {}
    for row in read(lake, "notes"):
        if row["night"] not in firsts or row["number"] < firsts[row["night"]]["number"]:
            firsts[row["night"]] = row

    def cents(report, day, city):
        return sum(row["cents"] for row in report if (row["day"], row["city"]) == (day, city))

    found = []
    for night in sorted(firsts):
        first = firsts[night]
        morning = [row for row in versions if row["version"] == first["version"]]
        report = morning[0]["report"] if morning else []
        changed = []
        for day, city in sorted({(row["day"], row["city"]) for row in report + now["report"]}):
            old, new = cents(report, day, city), cents(now["report"], day, city)
            if day <= night and old != new:
                changed.append({"day": day, "city": city, "then": old, "now": new})
        found.append(
            {
                "night": night,
                "served": morning[0]["night"] if morning else None,
                "cents": sum(row["cents"] for row in report),
                "held": first["held"],
                "changed": changed,
            }
        )
    return found
