# because: classic operators with templates, a deferred file sensor, a bash command, a day of instants
import shlex
import tempfile
from datetime import time


def partition_path(base: str, interval_start: datetime, interval_end: datetime) -> str:
    if None in (interval_start.tzinfo, interval_end.tzinfo):
        raise ValueError("aware datetimes, please")
    zone = ZoneInfo(TIMEZONE)
    day = interval_start.astimezone(zone).date()
    day = date(day.year, day.month, day.day)
    midnights = [datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1)]
    if [end.timestamp() for end in midnights] != [
        interval_start.timestamp(),
        interval_end.timestamp(),
    ]:
        raise ValueError(f"{interval_start} to {interval_end} is not {day}")
    return base + ("" if base.endswith("/") else "/") + f"day={day.isoformat()}"


def spark_arguments(config: dict, interval_start: datetime, interval_end: datetime) -> list[str]:
    folders = {
        name: partition_path(config[name], interval_start, interval_end)
        for name in ("landing", "staging")
    }
    day = folders["landing"][-10:]
    given = {
        "input": folders["landing"],
        "prices": config["prices"],
        "prices-as-of": day,
        "output": folders["staging"],
        "run-id": "-".join([config["dag_id"], day]),
        "token-variable": config["token_variable"],
    }
    words = list(config["spark_submit"])
    for name, value in given.items():
        words += [f"--{name}", value]
    return words


def publish(day_folder: str, table_folder: str) -> None:
    if not os.path.exists(os.path.join(day_folder, "_SUCCESS")):
        raise ValueError("not finished")
    os.makedirs(table_folder, exist_ok=True)
    target = os.path.join(table_folder, os.path.basename(day_folder))
    # Beside the table, in the same file system: gone in any case when the block ends.
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(table_folder))) as work:
        shutil.copytree(day_folder, f"{work}/new")
        if os.path.isdir(target):
            os.rename(target, f"{work}/old")
        os.rename(f"{work}/new", target)


def expand(tables):
    from airflow.providers.standard.operators.python import PythonOperator

    def load_one(table):
        load_table(table)
        return table["name"]

    def gather(tables, names):
        names = list(names or [])
        for table in tables:
            if table["required"] and table["name"] not in names:
                raise RuntimeError(table["name"])
        return [table["name"] for table in tables if table["name"] in names]

    load = PythonOperator.partial(
        task_id="load", python_callable=load_one, max_active_tis_per_dagrun=4
    ).expand(op_args=tables.map(lambda table: [table]))
    loaded = PythonOperator(
        task_id="loaded",
        python_callable=gather,
        op_args=[tables, load.output],
        trigger_rule="all_done",
    )
    return loaded.output


def build_dag(config: dict):
    import pendulum
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.providers.standard.sensors.filesystem import FileSensor
    from airflow.sdk import DAG, CronDataIntervalTimetable

    year, month, day = map(int, config["start_date"].split("-"))

    def command(start, end):
        return shlex.join(spark_arguments(config, start, end))

    def folder(name, start, end):
        return partition_path(config[name], start, end)

    def compare(folder):
        if not counted(folder) or counted(folder) != promised(folder):
            raise ValueError("not complete")

    between = "data_interval_start, data_interval_end"
    landed = "{{ folder('landing', " + between + ") }}"
    again = {
        "retries": config["retries"],
        "retry_delay": config["retry_seconds"],
        "retry_exponential_backoff": 3,
    }
    dag = DAG(
        dag_id=config["dag_id"],
        schedule=CronDataIntervalTimetable("@daily", timezone=TIMEZONE),
        start_date=pendulum.datetime(year, month, day, tz=TIMEZONE),
        max_active_runs=config["max_active_runs"],
        catchup=False,
        user_defined_macros={"command": command, "folder": folder},
        default_args={"execution_timeout": timedelta(seconds=config["timeout_seconds"])},
    )
    ingest = FileSensor(
        task_id="ingest",
        filepath=landed + "/_SUCCESS",
        deferrable=True,
        timeout=config["wait_seconds"],
        dag=dag,
    )
    check = PythonOperator(task_id="check", python_callable=compare, op_args=[landed], dag=dag)
    transform = BashOperator(
        task_id="transform",
        bash_command="{{ command(" + between + ") }}",
        pool=config["pool"],
        do_xcom_push=False,
        skip_on_exit_code=None,
        dag=dag,
        **again,
    )
    out = PythonOperator(
        task_id="publish",
        python_callable=publish,
        op_args=["{{ folder('staging', " + between + ") }}", config["table"]],
        dag=dag,
        **again,
    )
    notify = PythonOperator(
        task_id="notify",
        python_callable=lambda place: send_notice(config, f"{place[-10:]} is published"),
        op_args=[landed],
        dag=dag,
    )
    notify.set_upstream(out)
    ingest >> check >> transform >> out
    return dag


def backfill(dag: dict, start: date, end: date, force: bool = False) -> list[dict]:
    lists = sorted(dag["price_lists"])
    zone = ZoneInfo(TIMEZONE)
    rows: list[dict] = []
    day = max(start, dag["start_date"])
    while day <= end:
        after = day + timedelta(days=1)
        if force or day not in set(dag["succeeded"]):
            if not lists or day < lists[0]:
                raise ValueError(f"{day}: no prices")
            both = [
                datetime.combine(d, time(), zone).astimezone(ZoneInfo("UTC")) for d in (day, after)
            ]
            rows.append(
                {
                    "prices": [each for each in lists if each <= day][-1].isoformat(),
                    "wave": len(rows) // dag["max_active_runs"],
                    "interval_end": both[1].isoformat(),
                    "interval_start": both[0].isoformat(),
                    "day": day.isoformat(),
                }
            )
        day = after
    return rows
