# because: SQL in SQLite makes report and account; classic operators, and a teardown that keeps the run red
import itertools
import sqlite3


def load_night(landing: str, lake: str, night: str) -> int:
    arrived = Path(landing) / f"night={night}"
    if not arrived.exists():
        raise ValueError(arrived)
    lines = set()
    for path in arrived.glob("sales-*.csv"):
        lines.update(path.read_text().splitlines()[1:])
    rows = []
    for line in lines:
        order, customer, day, cents = line.split(",")
        row = {"night": night, "order_id": order, "customer": customer, "day": day}
        rows.append(row | {"cents": int(cents)})
    kept = [row for row in read(lake, "sales") if row["night"] != night]
    replace(lake, "sales", kept + rows)
    return len(rows)


def build_night(landing: str, lake: str, night: str) -> int:
    customers = customers_of(landing, night)
    db = sqlite3.connect(":memory:")
    db.execute("create table audits (night, passed)")
    db.execute("create table sales (night, order_id, customer, day, cents)")
    audits = [(row["night"], row["passed"]) for row in read(lake, "audits")]
    db.executemany("insert into audits values (?, ?)", audits)
    names = ("night", "order_id", "customer", "day", "cents")
    sales = [tuple(row[name] for name in names) for row in read(lake, "sales")]
    db.executemany("insert into sales values (?, ?, ?, ?, ?)", sales)
    (base,) = db.execute(
        "select max(night) from audits where passed and night < ?", [night]
    ).fetchone()
    history = apply_snapshot(
        [row for row in read(lake, "history") if row["night"] == base], customers, night
    )
    db.create_function("city", 2, lambda customer, day: city_on(history, customer, day))
    found = db.execute(
        """
        with counted as (
            select * from sales s where night = ?1 or night < ?1 and exists (
                select 1 from audits a where a.night = s.night and passed)
        ), newest as (
            select *, row_number() over (partition by order_id order by night desc) n from counted
        )
        select day, city(customer, day), count(*), sum(cents) from newest where n = 1 group by 1, 2
        """,
        [night],
    ).fetchall()
    db.close()
    replace(lake, "history", history, night=night)
    keys = ("night", "day", "city", "orders", "cents")
    rows = [dict(zip(keys, (night, *row), strict=True)) for row in found]
    replace(lake, "report", rows, night=night)
    return len(rows)


def build_dag(config: dict):
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.sdk import DAG, CronDataIntervalTimetable
    from airflow.sdk.exceptions import AirflowFailException

    def night(context) -> str:
        return night_of(context["data_interval_start"], context["data_interval_end"])

    def load(**context):
        load_night(config["landing"], config["lake"], night(context))

    def build(**context):
        build_night(config["landing"], config["lake"], night(context))

    def gate(**context):
        if found := audit(config["lake"], night(context)):
            raise AirflowFailException(found)

    def serve(**context):
        if (served(config["lake"]) or {"night": ""})["night"] > night(context):
            return
        publish(config["lake"], night(context), os.getenv(config["token_variable"]))

    def account(**context):
        note(config["lake"], night(context))

    retries, wait = config["retries"], timedelta(seconds=config["retry_seconds"])
    with DAG(
        dag_id=config["dag_id"],
        schedule=CronDataIntervalTimetable("@daily", timezone=TIMEZONE),
        start_date=datetime.fromisoformat(config["start_date"]).replace(tzinfo=ZoneInfo(TIMEZONE)),
        catchup=False,
        max_active_runs=1,
        default_args={"retries": retries, "retry_delay": wait},
    ) as dag:
        calls = {"load": load, "build": build, "gate": gate, "publish": serve}
        steps = [
            PythonOperator(
                task_id=name, python_callable=call, **({"retries": 0} if name == "gate" else {})
            )
            for name, call in calls.items()
        ]
        last = PythonOperator(task_id="account", python_callable=account).as_teardown()
        for one, two in itertools.pairwise([*steps, last]):
            one >> two
    return dag


def nights_to_repeat(ran: list[str], changed: list[str]) -> list[str]:
    every = sorted(set(ran))
    starts = [number for number, night in enumerate(every) if night in changed]
    return every[starts[0] :] if starts else []


def account(lake: str) -> list[dict]:
    db = sqlite3.connect(":memory:")
    db.execute("create table cells (version, day, city, cents)")
    versions = {}
    for row in read(lake, "served"):
        versions[row["version"]] = row["night"]
        cells = [(row["version"], r["day"], r["city"], r["cents"]) for r in row["report"]]
        db.executemany("insert into cells values (?, ?, ?, ?)", cells)
    newest = max(versions) if versions else None
    found = {}
    for row in sorted(read(lake, "notes"), key=lambda row: (row["night"], row["number"])):
        if row["night"] in found:
            continue
        ask = {"then": row["version"], "now": newest, "night": row["night"]}
        changed = db.execute(
            """
            select day, city, sum(iif(version is :then, cents, 0)) t,
                sum(iif(version is :now, cents, 0)) n
            from cells where day <= :night group by day, city having t <> n order by day, city
            """,
            ask,
        ).fetchall()
        total = "select coalesce(sum(cents), 0) from cells where version is :then"
        found[row["night"]] = {
            "night": row["night"],
            "served": versions.get(row["version"]),
            "cents": db.execute(total, ask).fetchone()[0],
            "held": row["held"],
            "changed": [
                dict(zip(("day", "city", "then", "now"), row, strict=True)) for row in changed
            ],
        }
    db.close()
    return [*found.values()]
