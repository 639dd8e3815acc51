# because: a decorated DAG whose tasks hand on the day's folder, and a check that is never retried
import bisect
import itertools


def partition_path(base: str, interval_start: datetime, interval_end: datetime) -> str:
    if not (interval_start.tzinfo and interval_end.tzinfo):
        raise ValueError("no time zone")
    local = [end.astimezone(ZoneInfo(TIMEZONE)) for end in (interval_start, interval_end)]
    first, last = (datetime.fromisoformat(end.isoformat()[:19]) for end in local)
    whole = first.time() == datetime.min.time() and last - first == timedelta(days=1)
    if not whole or any(end.microsecond for end in local):
        raise ValueError("not one day")
    return "/".join([base[:-1] if base.endswith("/") else base, f"day={first:%Y-%m-%d}"])


def spark_arguments(config: dict, interval_start: datetime, interval_end: datetime) -> list[str]:
    def place(name):
        return partition_path(config[name], interval_start, interval_end)

    day = place("landing").split("day=")[-1]
    return config["spark_submit"] + [
        "--input", place("landing"), "--prices", config["prices"], "--prices-as-of", day,
        "--output", place("staging"), "--run-id", f"{config['dag_id']}-{day}",
        "--token-variable", config["token_variable"],
    ]  # fmt: skip


def publish(day_folder: str, table_folder: str) -> None:
    source = Path(day_folder)
    if not source.joinpath("_SUCCESS").exists():
        raise ValueError(source)
    target = Path(table_folder) / source.name
    hidden = Path(table_folder) / f".{source.name}.{os.getpid()}"
    try:
        shutil.copytree(source, hidden / "new")
        if target.exists():
            os.rename(target, hidden / "old")
        os.rename(hidden / "new", target)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def expand(tables):
    from airflow.sdk import get_current_context, task

    @task(task_id="load", max_active_tis_per_dagrun=3)
    def one(table):
        load_table(table)
        return table["name"]

    @task(trigger_rule="all_done")
    def loaded(tables):
        pulled = get_current_context()["ti"].xcom_pull(task_ids="load") or []
        there = {pulled} if isinstance(pulled, str) else set(pulled)
        for each in tables:
            assert each["name"] in there or not each["required"], each
        return [each["name"] for each in tables if each["name"] in there]

    result = loaded(tables)
    one.expand(table=tables) >> result
    return result


def build_dag(config: dict):
    from subprocess import check_call

    from airflow.sdk import CronDataIntervalTimetable, PokeReturnValue, dag, task

    zone = ZoneInfo(TIMEZONE)
    limit = timedelta(seconds=config["timeout_seconds"])
    patient = {
        "retries": config["retries"],
        "retry_delay": timedelta(seconds=config["retry_seconds"]),
        "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(hours=6),
        "execution_timeout": limit,
    }

    @dag(
        dag_id=config["dag_id"],
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
        start_date=datetime.fromisoformat(config["start_date"]).replace(tzinfo=zone),
        catchup=False,
        max_active_runs=config["max_active_runs"],
        default_args=patient,
    )
    def nightly():
        @task.sensor(mode="reschedule", poke_interval=60, timeout=config["wait_seconds"], retries=0)
        def ingest(**context):
            ends = context["data_interval_start"], context["data_interval_end"]
            folder = partition_path(config["landing"], *ends)
            return PokeReturnValue(os.path.isfile(f"{folder}/_SUCCESS"), xcom_value=folder)

        @task(retries=0)
        def check(folder):
            found = counted(folder)
            if not found == promised(folder) > 0:
                raise ValueError(found)
            return found

        @task(pool=config["pool"])
        def transform(found, **context):
            ends = context["data_interval_start"], context["data_interval_end"]
            check_call(spark_arguments(config, *ends))
            return partition_path(config["staging"], *ends)

        @task(task_id="publish")
        def to_table(folder):
            publish(folder, config["table"])
            return folder.rpartition("day=")[2]

        @task
        def notify(day):
            send_notice(config, f"{day} is published")

        notify(to_table(transform(check(ingest()))))

    return nightly()


def backfill(dag: dict, start: date, end: date, force: bool = False) -> list[dict]:
    utc, zone = ZoneInfo("UTC"), ZoneInfo(TIMEZONE)
    done = set() if force else set(dag["succeeded"])
    valid = sorted(dag["price_lists"])
    count = itertools.count()
    plan = []
    for ordinal in range(max(start, dag["start_date"]).toordinal(), end.toordinal() + 1):
        day, after = date.fromordinal(ordinal), date.fromordinal(ordinal + 1)
        if day in done:
            continue
        place = bisect.bisect_right(valid, day)
        if place == 0:
            raise ValueError(f"prices for {day} are missing")
        first, last = (
            datetime.fromisoformat(f"{each}T00:00").replace(tzinfo=zone).astimezone(utc)
            for each in (day, after)
        )
        plan.append(
            {
                "day": str(day),
                "interval_start": first.isoformat(),
                "interval_end": last.isoformat(),
                "wave": next(count) // dag["max_active_runs"],
                "prices": str(valid[place - 1]),
            }
        )
    return plan
