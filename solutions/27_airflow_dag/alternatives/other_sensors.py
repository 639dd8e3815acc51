# because: a classic sensor beside task functions, commands of bash, a pair of loads and a reversed chain


def expand(tables):
    from airflow.sdk import TriggerRule, task

    @task(max_active_tis_per_dagrun=1)
    def load(table):
        load_table(table)
        return {"done": table["name"]}

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def loaded(tables, outcomes):
        there = [outcome["done"] for outcome in outcomes or ()]
        order = [table["name"] for table in tables]
        if any(table["required"] for table in tables if table["name"] not in there):
            raise LookupError("a table is missing")
        return sorted(there, key=order.index)

    return loaded(tables=tables, outcomes=load.expand(table=tables))


def build_dag(config: dict):
    import pendulum
    from airflow.providers.standard.sensors.python import PythonSensor
    from airflow.sdk import DAG, CronDataIntervalTimetable, chain, task
    from airflow.sdk.exceptions import AirflowFailException

    def arrived(data_interval_start, data_interval_end):
        folder = partition_path(config["landing"], data_interval_start, data_interval_end)
        return "_SUCCESS" in os.listdir(folder) if os.path.isdir(folder) else False

    with DAG(
        dag_id=config["dag_id"],
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
        start_date=pendulum.parse(config["start_date"] + "T00:00:00", tz=TIMEZONE),
        catchup=False,
        max_active_runs=config["max_active_runs"],
        default_args={
            "retries": config["retries"],
            "retry_delay": pendulum.duration(seconds=config["retry_seconds"]),
            "retry_exponential_backoff": 2.0,
            "execution_timeout": timedelta(seconds=config["timeout_seconds"]),
        },
    ) as dag:
        ingest = PythonSensor(
            task_id="ingest",
            python_callable=arrived,
            mode="reschedule",
            poke_interval=timedelta(minutes=10),
            timeout=timedelta(seconds=config["wait_seconds"]),
        )

        @task
        def check(data_interval_start, data_interval_end):
            folder = partition_path(config["landing"], data_interval_start, data_interval_end)
            if counted(folder) < max(1, promised(folder)) or counted(folder) > promised(folder):
                raise AirflowFailException(folder)

        @task.bash(pool=config["pool"], do_xcom_push=False, skip_on_exit_code=None)
        def transform(data_interval_start, data_interval_end):
            import shlex

            return shlex.join(spark_arguments(config, data_interval_start, data_interval_end))

        @task(task_id="publish")
        def publish_task(data_interval_start, data_interval_end):
            publish(
                partition_path(config["staging"], data_interval_start, data_interval_end),
                config["table"],
            )

        @task
        def notify(data_interval_start, data_interval_end):
            path = partition_path("x", data_interval_start, data_interval_end)
            send_notice(config, path.removeprefix("x/day=") + " is published")

        chain(ingest, check(), transform(), publish_task(), notify())
    return dag
