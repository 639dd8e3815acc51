# %% date_as_given
# task: partition_path
# fails: test_local_day, test_days_of_23_and_25_hours
# because: Airflow hands the start in UTC: its date is the evening before
# breaks: The day is the date of `interval_start` in `TIMEZONE`, in whatever time zones the ends
#   are given.
# -    day = first.date()
# +    day = first.date()
# +    named = interval_start.date()
# -    return f"{base.removesuffix('/')}/day={day}"
# +    return f"{base.removesuffix('/')}/day={named}"

# %% date_of_the_end
# task: partition_path
# fails: test_local_day, test_a_year_of_paths[partition_path]
# because: the interval ends at the midnight of the next day
# breaks: The day is the date of `interval_start` in `TIMEZONE`, in whatever time zones the ends
#   are given.
# -    return f"{base.removesuffix('/')}/day={day}"
# +    return f"{base.removesuffix('/')}/day={last.date()}"

# %% any_interval
# task: partition_path
# fails: test_what_is_no_day
# because: with `@daily` of Airflow 3, start and end are equal
# breaks: An interval that is not exactly one local day, midnight to midnight, raises
#   `ValueError`.
# -    if clocks != [f"{day}T00:00:00", f"{day + timedelta(days=1)}T00:00:00"]:
# -        raise ValueError(f"{clocks} is not one day")
#

# %% start_alone
# task: partition_path
# fails: test_what_is_no_day
# because: an interval of no time, or of two days, starts at midnight too
# breaks: An interval that is not exactly one local day, midnight to midnight, raises
#   `ValueError`.
# -    if clocks != [f"{day}T00:00:00", f"{day + timedelta(days=1)}T00:00:00"]:
# +    if clocks[0] != f"{day}T00:00:00":

# %% twenty_four_hours
# task: partition_path
# fails: test_days_of_23_and_25_hours, test_what_is_no_day
# because: two days of the year have another length
# breaks: A day can have 23 or 25 hours.
# -    if clocks != [f"{day}T00:00:00", f"{day + timedelta(days=1)}T00:00:00"]:
# +    full = interval_end.astimezone(UTC) - interval_start.astimezone(UTC) == timedelta(days=1)
# +    if clocks[0] != f"{day}T00:00:00" or not full:
# -    zone = ZoneInfo(TIMEZONE)
# +    UTC = ZoneInfo("UTC")
# +    zone = ZoneInfo(TIMEZONE)

# %% twenty_three_to_twenty_five
# task: partition_path
# fails: test_what_is_no_day
# because: 24 hours from midnight are no day when the day has 23
# breaks: An interval that is not exactly one local day, midnight to midnight, raises
#   `ValueError`.
# -    if clocks != [f"{day}T00:00:00", f"{day + timedelta(days=1)}T00:00:00"]:
# +    hours = (interval_end - interval_start) / timedelta(hours=1)
# +    if clocks[0] != f"{day}T00:00:00" or hours not in (23, 24, 25):

# %% naive_is_taken
# task: partition_path
# fails: test_no_time_zone
# because: it is read as the time of the machine, whichever that is
# breaks: An end without a time zone raises `ValueError`.
# -    if interval_start.utcoffset() is None or interval_end.utcoffset() is None:
# -        raise ValueError("an end of the interval has no time zone")
# +    interval_start, interval_end = (
# +        end.replace(tzinfo=end.tzinfo or ZoneInfo(TIMEZONE)) for end in (interval_start, interval_end)
# +    )

# %% only_the_start
# task: partition_path
# fails: test_no_time_zone
# because: the end can be without a time zone as well
# breaks: An end without a time zone raises `ValueError`.
# -    if interval_start.utcoffset() is None or interval_end.utcoffset() is None:
# -        raise ValueError("an end of the interval has no time zone")
# +    if interval_start.utcoffset() is None:
# +        raise ValueError("the start of the interval has no time zone")
# +    interval_end = interval_end.replace(tzinfo=interval_end.tzinfo or ZoneInfo(TIMEZONE))

# %% path_of_a_url
# task: partition_path
# fails: test_base
# because: `Path` makes one slash of the two in `abfss://`
# breaks: `base` can be a URL such as `abfss://lake@shop/landing`: it stays as it is, and exactly
#   one `/` joins it to the day
# -    return f"{base.removesuffix('/')}/day={day}"
# +    return str(Path(base) / f"day={day}")

# %% two_slashes
# task: partition_path
# fails: test_base
# because: in an object store an empty folder name is a folder
# breaks: exactly one `/` joins it to the day, whether or not `base` ends in one.
# -    return f"{base.removesuffix('/')}/day={day}"
# +    return f"{base}/day={day}"

# %% one_string
# task: spark_arguments
# fails: test_words_of_the_command
# because: the shell splits it again, at each blank of a path
# breaks: returns the command of the day as a list of words
# -    return [
# +    words = [
# -        *("--token-variable", config["token_variable"]),
# -    ]
# +        *("--token-variable", config["token_variable"]),
# +    ]
# +    return " ".join(words)

# %% equals_signs
# task: spark_arguments
# fails: test_words_of_the_command
# because: option and value are two words
# breaks: each followed by its value
# -        *("--prices", config["prices"]),
# +        f"--prices={config['prices']}",

# %% output_second
# task: spark_arguments
# fails: test_words_of_the_command
# because: the command reads its options by place
# breaks: The order is `--input`, `--prices`, `--prices-as-of`, `--output`, `--run-id`,
#   `--token-variable`.
# -        *("--input", source),
# +        *("--input", source),
# +        *("--output", partition_path(config["staging"], interval_start, interval_end)),
# -        *("--prices-as-of", day),
# -        *("--output", partition_path(config["staging"], interval_start, interval_end)),
# +        *("--prices-as-of", day),

# %% first_word_alone
# task: spark_arguments
# fails: test_words_of_the_command
# because: `spark_submit` has words of its own
# breaks: a list of words: `config["spark_submit"]`
# -        *config["spark_submit"],
# +        config["spark_submit"][0],

# %% into_the_table
# task: spark_arguments
# fails: test_arguments_of_the_day, test_a_year_of_paths[spark_arguments]
# because: a failed attempt is then half in the table
# breaks: `--input` and `--output` are the day's folders in `config["landing"]` and
#   `config["staging"]`, as `partition_path` has them.
# -        *("--output", partition_path(config["staging"], interval_start, interval_end)),
# +        *("--output", config["staging"]),

# %% own_join
# task: spark_arguments
# fails: test_arguments_of_the_day
# because: the base of `staging` ends in a slash, and the folder is another one
# breaks: `--input` and `--output` are the day's folders in `config["landing"]` and
#   `config["staging"]`, as `partition_path` has them.
# -        *("--output", partition_path(config["staging"], interval_start, interval_end)),
# +        *("--output", f"{config['staging']}/day={day}"),

# %% prices_of_today
# task: spark_arguments
# fails: test_arguments_of_the_day
# because: a backfill of March writes the prices of today
# breaks: `--prices` is `config["prices"]`, and the next option, `--prices-as-of`, is the day as
#   `2026-03-05`: the prices of that day, not of today.
# -        *("--prices-as-of", day),
# +        *("--prices-as-of", f"{datetime.now():%Y-%m-%d}"),

# %% prices_of_the_end
# task: spark_arguments
# fails: test_arguments_of_the_day
# because: at the end of a month it takes the prices of the next one
# breaks: `--prices` is `config["prices"]`, and the next option, `--prices-as-of`, is the day as
#   `2026-03-05`: the prices of that day, not of today.
# -        *("--prices-as-of", day),
# +        *("--prices-as-of", f"{interval_end.astimezone(ZoneInfo(TIMEZONE)):%Y-%m-%d}"),

# %% a_new_id_each_time
# task: spark_arguments
# fails: test_arguments_of_the_day
# because: the cluster cannot see that a retry is the same job
# breaks: `--run-id` is `config["dag_id"]`, a hyphen and the day: each attempt has the same.
# -        *("--run-id", f"{config['dag_id']}-{day}"),
# +        *("--run-id", f"{config['dag_id']}-{day}-{datetime.now().timestamp()}"),

# %% the_token_itself
# task: spark_arguments
# fails: test_words_of_the_command
# because: arguments are in every list of processes
# breaks: `--token-variable` is `config["token_variable"]`, the *name* of an environment variable
# -        *("--token-variable", config["token_variable"]),
# +        *("--token-variable", os.environ.get(config["token_variable"], "")),

# %% grows_the_settings
# task: spark_arguments
# fails: test_config_is_kept
# because: the next day's command has this day's options too
# breaks: `config` stays as it was.
# -    day = source.rpartition("=")[2]
# +    day = source.rpartition("=")[2]
# +    config["last_day"] = day

# %% copies_over
# task: publish
# fails: test_the_day_is_replaced, test_broken_copy
# because: files of the last delivery that have no successor stay
# breaks: Afterwards the partition has exactly the files of `day_folder`, those in folders too,
#   and nothing of what it had before.
def publish(day_folder: str, table_folder: str) -> None:
    day, table = Path(day_folder), Path(table_folder)
    if not (day / "_SUCCESS").is_file():
        raise ValueError(f"{day} is not complete")
    shutil.copytree(day, table / day.name, dirs_exist_ok=True)


# %% appends
# task: publish
# fails: test_the_day_is_replaced
# because: a second run doubles the day
# breaks: Afterwards the partition has exactly the files of `day_folder`, those in folders too,
#   and nothing of what it had before.
def publish(day_folder: str, table_folder: str) -> None:
    day, table = Path(day_folder), Path(table_folder)
    if not (day / "_SUCCESS").is_file():
        raise ValueError(f"{day} is not complete")
    for path in sorted(day.rglob("*")):
        target = table / day.name / path.relative_to(day)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            with target.open("ab") as out:
                out.write(path.read_bytes())


# %% stays_if_there
# task: publish
# fails: test_the_day_is_replaced
# because: a day that is delivered again is not published
# breaks: Afterwards the partition has exactly the files of `day_folder`, those in folders too,
#   and nothing of what it had before.
# -    if partition.exists():
# -        partition.rename(old)
# -    fresh.rename(partition)
# +    if partition.exists():
# +        shutil.rmtree(fresh)
# +        return
# +    fresh.rename(partition)

# %% top_files_only
# task: publish
# fails: test_the_day_is_replaced, test_publish_a_day_in_folders
# because: partitions can have folders of their own
# breaks: exactly the files of `day_folder`, those in folders too
# -        shutil.copytree(day, fresh)
# +        fresh.mkdir()
# +        for path in day.iterdir():
# +            if not path.is_dir():
# +                shutil.copy(path, fresh)

# %% whole_table
# task: publish
# fails: test_other_days_stay
# because: all other days are gone
# breaks: No other partition of the table changes.
# -    if partition.exists():
# -        partition.rename(old)
# +    for each in table.iterdir():
# +        if each != fresh:
# +            shutil.rmtree(each)

# %% old_partition_stays
# task: publish
# fails: test_other_days_stay
# because: readers of all folders read the day twice
# breaks: No other partition of the table changes.
# -    fresh.rename(partition)
# -    shutil.rmtree(old, ignore_errors=True)
# +    fresh.rename(partition)

# %% moves_staging
# task: publish
# fails: test_staging_stays
# because: the second run finds no staged day
# breaks: `day_folder` stays as it was, so that the task can run again.
# -        shutil.copytree(day, fresh)
# +        shutil.copytree(day, fresh)
# +        shutil.rmtree(day)

# %% unfinished_day
# task: publish
# fails: test_unfinished_day
# because: the job that wrote it may have failed halfway
# breaks: If `day_folder` has no `_SUCCESS`, or does not exist, it raises `ValueError`, and the
#   table stays as it was.
# -    if not (day / "_SUCCESS").is_file():
# +    if not day.is_dir():

# %% says_nothing
# task: publish
# fails: test_unfinished_day
# because: the task is green, and the day is not published
# breaks: If `day_folder` has no `_SUCCESS`, or does not exist, it raises `ValueError`, and the
#   table stays as it was.
# -        raise ValueError(f"{day} is not complete: the job that writes it did not end")
# +        return

# %% another_error
# task: publish
# fails: test_unfinished_day
# because: a caller that handles ValueError does not see it
# breaks: or does not exist, it raises `ValueError`, and the table stays as it was.
# -    if not (day / "_SUCCESS").is_file():
# +    if not day.is_dir():
# +        raise FileNotFoundError(day)
# +    if not (day / "_SUCCESS").is_file():

# %% looks_too_late
# task: publish
# fails: test_unfinished_day, test_broken_copy
# because: the partition has gone before anyone looked
# breaks: If `day_folder` has no `_SUCCESS`, or does not exist, it raises `ValueError`, and the
#   table stays as it was.
# -    if not (day / "_SUCCESS").is_file():
# -        raise ValueError(f"{day} is not complete: the job that writes it did not end")
# -    partition = table / day.name
# +    partition = table / day.name
# +    shutil.rmtree(partition, ignore_errors=True)
# +    if not (day / "_SUCCESS").is_file():
# +        raise ValueError(f"{day} is not complete: the job that writes it did not end")

# %% removes_first
# task: publish
# fails: test_broken_copy
# because: while it copies, and when that fails, the day is gone
# breaks: If a file cannot be copied, the error is raised, and the table stays as it was, without
#   leftovers.
# -    try:
# -        shutil.copytree(day, fresh)
# +    shutil.rmtree(partition, ignore_errors=True)
# +    try:
# +        shutil.copytree(day, fresh)

# %% leaves_the_copy
# task: publish
# fails: test_broken_copy
# because: half a day lies in the table, and readers list folders
# breaks: the table stays as it was, without leftovers.
# -    except BaseException:
# -        shutil.rmtree(fresh, ignore_errors=True)
# -        raise
# +    finally:
# +        pass

# %% swallows_the_error
# task: publish
# fails: test_broken_copy
# because: the task is green, and the day is the old one
# breaks: If a file cannot be copied, the error is raised
# -        shutil.rmtree(fresh, ignore_errors=True)
# -        raise
# +        shutil.rmtree(fresh, ignore_errors=True)
# +        return

# %% skips_what_is_broken
# task: publish
# fails: test_broken_copy
# because: the day is published without a file
# breaks: If a file cannot be copied, the error is raised
# -        shutil.copytree(day, fresh)
# +        shutil.copytree(day, fresh, ignore_dangling_symlinks=True)

# %% table_must_exist
# task: publish
# fails: test_first_day
# because: on the first day there is no table
# breaks: `table_folder` need not exist yet.
# -    table.mkdir(parents=True, exist_ok=True)
# +    if not table.is_dir():
# +        raise ValueError(f"there is no table {table}")


# %% one_task_for_all
# task: expand
# fails: test_an_instance_for_each_table
# because: one bad table fails all, and nothing can be cleared alone
# breaks: `load` is mapped: at run time there is one instance for each table, in the order of the
#   list.
def expand(tables):
    from airflow.sdk import task

    @task
    def load(tables):
        there = []
        for table in tables:
            try:
                load_table(table)
                there.append(table["name"])
            except OSError:
                print("not loaded", table)
        return there

    @task
    def loaded(tables, names):
        missing = [t["name"] for t in tables if t["required"] and t["name"] not in names]
        if missing:
            raise ValueError(f"required, and not loaded: {missing}")
        return names

    return loaded(tables, load(tables))


# %% loads_nothing
# task: expand
# fails: test_load_table_is_called
# because: a name is handed on, and no table was copied
# breaks: An instance calls `load_table` with its table
# -        load_table(table)
# -        return table["name"]
# +        if not Path(table["source"]).exists():
# +            raise FileNotFoundError(table["source"])
# +        return table["name"]

# %% all_loads_must_succeed
# task: expand
# fails: test_when_loaded_runs, test_names_that_were_loaded
# because: one optional table keeps all others from being used
# breaks: `loaded` runs once all instances have ended, whatever became of them, and also if the
#   list is empty.
# -    @task(trigger_rule="all_done")
# +    @task

# %% none_failed
# task: expand
# fails: test_when_loaded_runs
# because: a failed optional table stops it
# breaks: `loaded` runs once all instances have ended, whatever became of them
# -    @task(trigger_rule="all_done")
# +    @task(trigger_rule="none_failed")

# %% empty_is_skipped
# task: expand
# fails: test_when_loaded_runs
# because: on a day without tables it skips itself
# breaks: and also if the list is empty.
# -        there = set(names or [])
# +        from airflow.exceptions import AirflowSkipException
# +
# +        if not tables:
# +            raise AirflowSkipException("no tables today")
# +        there = set(names or [])

# %% one_flag_for_all
# task: expand
# fails: test_a_bad_table_stops_no_other
# because: after the first failure the other instances give up
# breaks: If it fails, the other instances run all the same.
# -    def load(table):
# -        load_table(table)
# +    def load(table, run_id=None):
# +        flag = Path("failed-" + run_id.replace("/", "-"))
# +        if flag.exists():
# +            raise ValueError("another table failed")
# +        try:
# +            load_table(table)
# +        except OSError:
# +            flag.touch()
# +            raise

# %% no_limit
# task: expand
# fails: test_at_most_four
# because: thirty tables take all slots at once
# breaks: At most 4 instances run at the same time in a run of the DAG.
# -    @task(max_active_tis_per_dagrun=4)
# +    @task

# %% never_fails
# task: expand
# fails: test_required_tables
# because: what comes after runs on partial data
# breaks: `loaded` fails if a table with `required` was not loaded, and only then.
# -        if stopped := needed.intersection(missing):
# -            raise ValueError(f"required, and not loaded: {sorted(stopped)}")
# +        if stopped := needed.intersection(missing):
# +            print(f"required, and not loaded: {sorted(stopped)}")

# %% skips_itself
# task: expand
# fails: test_required_tables
# because: skipped looks planned, and the run is green
# breaks: `loaded` fails if a table with `required` was not loaded, and only then.
# -            raise ValueError(f"required, and not loaded: {sorted(stopped)}")
# +            from airflow.sdk.exceptions import AirflowSkipException
# +
# +            raise AirflowSkipException(f"required, and not loaded: {sorted(stopped)}")

# %% all_are_required
# task: expand
# fails: test_when_loaded_runs
# because: an optional table stops the day
# breaks: `loaded` fails if a table with `required` was not loaded, and only then.
# -        if stopped := needed.intersection(missing):
# +        if stopped := missing:

# %% names_by_position
# task: expand
# fails: test_names_that_were_loaded, test_twelve_tables
# because: failed instances hand on nothing, so later values move up
# breaks: `loaded` returns the names of the tables that were loaded, in the order of the list.
# -        return [each["name"] for each in tables if each["name"] in there]
# +        return [each["name"] for each, _ in zip(tables, names or [], strict=False)]

# %% names_sorted
# task: expand
# fails: test_names_that_were_loaded
# because: the source's order is that of the tables' dependencies
# breaks: `loaded` returns the names of the tables that were loaded, in the order of the list.
# -        return [each["name"] for each in tables if each["name"] in there]
# +        return sorted(there)

# %% returns_the_loads
# task: expand
# fails: test_names_that_were_loaded
# because: what comes after does not wait for `loaded`
# breaks: `expand` returns the output of `loaded`, so that a later task can take it as an
#   argument.
# -    return loaded(tables, load.expand(table=tables))
# +    names = load.expand(table=tables)
# +    loaded(tables, names)
# +    return names

# %% its_own_name
# task: build_dag
# fails: test_five_tasks
# because: two DAGs of one name replace each other
# breaks: returns a DAG called `config["dag_id"]` with five tasks: `ingest`, `check`,
#   `transform`, `publish` and `notify`.
# -        config["dag_id"],
# +        "shop_orders",


# %% one_task
# task: build_dag
# fails: test_five_tasks
# because: after a failed publish everything runs again
# breaks: returns a DAG called `config["dag_id"]` with five tasks: `ingest`, `check`,
#   `transform`, `publish` and `notify`.
def build_dag(config: dict):
    import subprocess

    import pendulum
    from airflow.sdk import DAG, CronDataIntervalTimetable, task

    with DAG(
        config["dag_id"],
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
        start_date=pendulum.parse(config["start_date"], tz=TIMEZONE),
        catchup=False,
        max_active_runs=config["max_active_runs"],
    ) as dag:

        @task(retries=config["retries"])
        def publish_all(data_interval_start=None, data_interval_end=None):
            interval = (data_interval_start, data_interval_end)
            subprocess.run(spark_arguments(config, *interval), check=True)
            publish(partition_path(config["staging"], *interval), config["table"])

        publish_all()
    return dag


# %% at_daily
# task: build_dag
# fails: test_intervals, test_the_same_night_again, test_another_dag, test_a_night_of_25_hours
# because: in Airflow 3 its data interval has no length
# breaks: Its runs are days in `TIMEZONE`: each data interval is from one local midnight to the
#   next.
# -        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
# +        schedule="@daily",

# %% days_of_utc
# task: build_dag
# fails: test_intervals, test_the_same_night_again
# because: they begin at one or two o'clock in Berlin
# breaks: Its runs are days in `TIMEZONE`: each data interval is from one local midnight to the
#   next.
# -        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
# +        schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),

# %% every_24_hours
# task: build_dag
# fails: test_intervals
# because: after the 29th of March each run is an hour late
# breaks: Its runs are days in `TIMEZONE`: each data interval is from one local midnight to the
#   next.
# -        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
# +        schedule=DeltaDataIntervalTimetable(timedelta(hours=24)),
# -    from airflow.sdk import DAG, CronDataIntervalTimetable, task
# +    from airflow.sdk import DAG, DeltaDataIntervalTimetable, task

# %% start_that_moves
# task: build_dag
# fails: test_intervals
# because: each time the file is read the first day is another one
# breaks: The first interval is the day `config["start_date"]`, whenever the file is read.
# -        start_date=pendulum.parse(config["start_date"], tz=TIMEZONE),
# +        start_date=pendulum.now(TIMEZONE).subtract(days=1),

# %% start_in_utc
# task: build_dag
# fails: test_intervals
# because: midnight of UTC is one o'clock in Berlin: the first day is left out
# breaks: The first interval is the day `config["start_date"]`, whenever the file is read.
# -        start_date=pendulum.parse(config["start_date"], tz=TIMEZONE),
# +        start_date=pendulum.parse(config["start_date"]),

# %% catches_up
# task: build_dag
# fails: test_settings
# because: the first deployment runs all past days at once
# breaks: `catchup` is off: a backfill is a decision.
# -        catchup=False,
# +        catchup=True,

# %% unlimited_runs
# task: build_dag
# fails: test_settings
# because: a backfill of a year takes all slots
# breaks: At most `max_active_runs` runs are active at the same time.
# -        max_active_runs=config["max_active_runs"],
#

# %% lists_at_the_top
# task: build_dag
# fails: test_building_touches_nothing
# because: the scheduler lists the landing zone every thirty seconds
# breaks: To build it reads and lists no file, and connects to nothing.
# -    with DAG(
# -        config["dag_id"],
# +    first = min(os.listdir(config["landing"]), default="") if os.path.isdir(config["landing"]) else ""
# +    print(first)
# +    with DAG(
# +        config["dag_id"],

# %% reads_at_the_top
# task: build_dag
# fails: test_building_touches_nothing
# because: a file that is slow or gone stops all DAGs of the folder
# breaks: To build it reads and lists no file, and connects to nothing.
# -    with DAG(
# -        config["dag_id"],
# +    here = Path(config["prices"]).parent / "spark_submit.py"
# +    print(len(here.read_text()))
# +    with DAG(
# +        config["dag_id"],

# %% no_time_limit
# task: build_dag
# fails: test_settings
# because: a command that hangs holds its slot for ever
# breaks: Each task is stopped after `timeout_seconds`.
# -        default_args={"execution_timeout": timedelta(seconds=config["timeout_seconds"])},
#

# %% limit_of_the_run
# task: build_dag
# fails: test_settings
# because: `dagrun_timeout` is for the run as a whole, waits included
# breaks: Each task is stopped after `timeout_seconds`.
# -        default_args={"execution_timeout": timedelta(seconds=config["timeout_seconds"])},
# +        dagrun_timeout=timedelta(seconds=config["timeout_seconds"]),

# %% no_retry
# task: build_dag
# fails: test_retries, test_a_lost_attempt
# because: a lost node costs the night
# breaks: `transform` and `publish` have `retries` retries.
# -        @task(pool=config["pool"], **again)
# +        @task(pool=config["pool"])

# %% same_wait_each_time
# task: build_dag
# fails: test_retries
# because: without a factor all delays are equal
# breaks: the factor from one delay to the next is at least 2.
# -        "retry_exponential_backoff": 2.0,
#

# %% waits_five_minutes
# task: build_dag
# fails: test_retries
# because: the settings say otherwise
# breaks: The delay of the first is `retry_seconds`
# -        "retry_delay": timedelta(seconds=config["retry_seconds"]),
#

# %% default_pool
# task: build_dag
# fails: test_settings
# because: nothing limits the jobs on the cluster
# breaks: `transform` takes its slot from the pool `config["pool"]`.
# -        @task(pool=config["pool"], **again)
# +        @task(**again)

# %% around_the_check
# task: build_dag
# fails: test_bad_deliveries[few], test_bad_deliveries[none]
# because: a bad delivery is priced and published
# breaks: Each task starts after the one before it in this list of five, and only if that one
#   succeeded.
# -        ingest() >> check() >> transform() >> publish_day() >> notify()
# +        waited, priced = ingest(), transform()
# +        waited >> check()
# +        waited >> priced >> publish_day() >> notify()

# %% publishes_whatever
# task: build_dag
# fails: test_a_failed_command
# because: partial data is published after a failed job
# breaks: Each task starts after the one before it in this list of five, and only if that one
#   succeeded.
# -        @task(task_id="publish", **again)
# +        @task(task_id="publish", trigger_rule="all_done", **again)

# %% tells_anyway
# task: build_dag
# fails: test_a_failed_command
# because: the shop is told of a day that is not there
# breaks: Each task starts after the one before it in this list of five, and only if that one
#   succeeded.
# -        @task
# -        def notify(data_interval_start=None, data_interval_end=None):
# +        @task(trigger_rule="all_done")
# +        def notify(data_interval_start=None, data_interval_end=None):

# %% does_not_wait
# task: build_dag
# fails: test_waiting, test_order
# because: the check looks at a folder that is not there yet
# breaks: Each task starts after the one before it in this list of five, and only if that one
#   succeeded.
# -        ingest() >> check() >> transform() >> publish_day() >> notify()
# +        ingest()
# +        check() >> transform() >> publish_day() >> notify()

# %% branch_that_skips
# task: build_dag
# fails: test_bad_deliveries[few], test_bad_deliveries[none]
# because: a skipped check looks planned: the bad day is green
# breaks: `check` fails, without another try, if the day's folder has no orders, or more or fewer
#   than promised.
# -    from airflow.sdk.exceptions import AirflowFailException
# +    from airflow.sdk.exceptions import AirflowSkipException as AirflowFailException

# %% looks_for_the_folder
# task: build_dag
# fails: test_waiting
# because: the folder is there before its files are
# breaks: `ingest` waits until `_SUCCESS` is in the day's folder of `landing`.
# -            return Path(day, "_SUCCESS").exists()
# +            return Path(day).parent.exists()

# %% poke_mode
# task: build_dag
# fails: test_the_wait_holds_no_slot, test_waiting
# because: sixteen of them hold all slots until morning
# breaks: While it waits, `ingest` holds no slot: it is rescheduled or deferred.
# -        @task.sensor(mode="reschedule", poke_interval=300, timeout=config["wait_seconds"])
# +        @task.sensor(mode="poke", poke_interval=300, timeout=config["wait_seconds"])

# %% waits_a_week
# task: build_dag
# fails: test_the_wait_holds_no_slot
# because: the default is seven days: nobody hears of the missing delivery
# breaks: `ingest` fails when it has waited for `wait_seconds`.
# -        @task.sensor(mode="reschedule", poke_interval=300, timeout=config["wait_seconds"])
# +        @task.sensor(mode="reschedule", poke_interval=300)

# %% gives_up_softly
# task: build_dag
# fails: test_waiting
# because: a missing delivery is skipped, and the run is green
# breaks: `ingest` fails when it has waited for `wait_seconds`.
# -        @task.sensor(mode="reschedule", poke_interval=300, timeout=config["wait_seconds"])
# +        @task.sensor(
# +            mode="reschedule", poke_interval=300, timeout=config["wait_seconds"], soft_fail=True
# +        )

# %% tries_bad_data_again
# task: build_dag
# fails: test_bad_deliveries[few], test_bad_deliveries[none]
# because: the files do not change; it fails an hour later
# breaks: `check` fails, without another try, if the day's folder has no orders, or more or fewer
#   than promised.
# -        @task
# -        def check(data_interval_start=None, data_interval_end=None):
# +        @task(**again)
# +        def check(data_interval_start=None, data_interval_end=None):
# -                raise AirflowFailException(f"{found} orders of {expected}")
# +                raise ValueError(f"{found} orders of {expected}")

# %% none_is_enough
# task: build_dag
# fails: test_bad_deliveries[none]
# because: an empty day is published, and the table shows no sales
# breaks: `check` fails, without another try, if the day's folder has no orders, or more or fewer
#   than promised.
# -            if found == 0 or found != expected:
# +            if found != expected:

# %% some_are_enough
# task: build_dag
# fails: test_bad_deliveries[few]
# because: a part of the day is published as the day
# breaks: `check` fails, without another try, if the day's folder has no orders, or more or fewer
#   than promised.
# -            if found == 0 or found != expected:
# +            if found == 0:

# %% ignores_the_exit_code
# task: build_dag
# fails: test_a_lost_attempt, test_a_failed_command
# because: the command failed, and the task is green
# breaks: `transform` runs the command of `spark_arguments`, and fails if the command fails, with
#   whatever exit code.
# -            subprocess.run(words, check=True)
# +            subprocess.run(words)

# %% publishes_the_landing
# task: build_dag
# fails: test_a_night
# because: orders without prices are in the table
# breaks: `publish` publishes the day's folder of `staging` into `config["table"]`.
# -            day = partition_path(config["staging"], data_interval_start, data_interval_end)
# -            publish(day, config["table"])
# +            day = partition_path(config["landing"], data_interval_start, data_interval_end)
# +            publish(day, config["table"])

# %% publishes_the_newest
# task: build_dag
# fails: test_any_day
# because: in a backfill the newest staged day is another one
# breaks: A run depends on its interval alone: not on the clock, and not on other runs.
# -            day = partition_path(config["staging"], data_interval_start, data_interval_end)
# -            publish(day, config["table"])
# +            day = max(Path(config["staging"]).iterdir())
# +            publish(str(day), config["table"])

# %% appends_in_the_task
# task: build_dag
# fails: test_the_same_night_again
# because: the second run finds the first one's files
# breaks: `publish` publishes the day's folder of `staging` into `config["table"]`.
# -            publish(day, config["table"])
# +            target = Path(config["table"], Path(day).name)
# +            target.mkdir(parents=True, exist_ok=True)
# +            for path in Path(day).iterdir():
# +                with (target / path.name).open("a") as out:
# +                    out.write(path.read_text())

# %% day_of_utc
# task: build_dag
# fails: test_a_night
# because: in UTC the interval begins on the evening before
# breaks: `notify` calls `send_notice` with `config` and the text `2026-03-05 is published`, with
#   its day.
# -            send_notice(config, f"{day} is published")
# +            send_notice(config, f"{data_interval_start:%Y-%m-%d} is published")

# %% prices_by_the_clock
# task: build_dag
# fails: test_the_command, test_a_night
# because: a backfill of March writes the prices of today
# breaks: A run depends on its interval alone: not on the clock, and not on other runs.
# -            words = spark_arguments(config, data_interval_start, data_interval_end)
# +            words = spark_arguments(config, data_interval_start, data_interval_end)
# +            words[words.index("--prices-as-of") + 1] = f"{date.today()}"

# %% depends_on_the_day_before
# task: build_dag
# fails: test_any_day
# because: in a backfill the day before may run later
# breaks: A run depends on its interval alone: not on the clock, and not on other runs.
# -            words = spark_arguments(config, data_interval_start, data_interval_end)
# +            words = spark_arguments(config, data_interval_start, data_interval_end)
# +            before = data_interval_start - timedelta(hours=12)
# +            table = Path(config["table"])
# +            if table.exists() and not (table / f"day={before:%Y-%m-%d}").exists():
# +                raise ValueError("the day before is not there")

# %% rows_handed_on
# task: build_dag
# fails: test_small_values
# because: rows are kept in the database of Airflow, for ever
# breaks: No task hands on more than 200 characters, whatever the command prints: paths and
#   counts, not rows.
# -            subprocess.run(words, check=True)
# +            subprocess.run(words, check=True)
# +            folder = Path(words[words.index("--output") + 1])
# +            return [path.read_text() for path in sorted(folder.glob("*.csv"))]

# %% token_as_argument
# task: build_dag
# fails: test_no_secret
# because: the page of the task shows it to all who may see the DAG
# breaks: The token itself is in no argument and no rendered field of a task.
# -        @task(pool=config["pool"], **again)
# -        def transform(data_interval_start=None, data_interval_end=None):
# +        @task(pool=config["pool"], **again)
# +        def transform(token, data_interval_start=None, data_interval_end=None):
# -        ingest() >> check() >> transform() >> publish_day() >> notify()
# +        priced = transform(os.environ[config["token_variable"]])
# +        ingest() >> check() >> priced >> publish_day() >> notify()

# %% token_on_the_command_line
# task: build_dag
# fails: test_no_secret
# because: arguments are in every list of processes
# breaks: The token itself is in no argument and no rendered field of a task.
# -            subprocess.run(words, check=True)
# +            token = os.environ[config["token_variable"]]
# +            subprocess.run([*words, "--token", token], check=True)

# %% without_the_end
# task: backfill
# fails: test_days_in_order
# because: the last day of the month stays wrong
# breaks: There is one dict for each local day from `start` to `end`, in this order.
# -    every = [start + timedelta(days=number) for number in range((end - start).days + 1)]
# +    every = [start + timedelta(days=number) for number in range((end - start).days)]

# %% newest_first
# task: backfill
# fails: test_days_in_order
# because: what builds on the day before then runs before it
# breaks: There is one dict for each local day from `start` to `end`, in this order.
# -    plan = []
# +    planned.reverse()
# +    plan = []

# %% before_the_start
# task: backfill
# fails: test_days_in_order
# because: Airflow makes no run before the start date
# breaks: Days before the DAG's `start_date` are left out.
# -    planned = [day for day in every if day >= dag["start_date"]]
# +    planned = every

# %% force_before_the_start
# task: backfill
# fails: test_what_succeeded
# because: no force makes a run before the start date
# breaks: Days before the DAG's `start_date` are left out.
# -    planned = [day for day in every if day >= dag["start_date"]]
# +    planned = [day for day in every if force or day >= dag["start_date"]]

# %% all_again
# task: backfill
# fails: test_what_succeeded
# because: days that are right run again, for nothing
# breaks: Days that have succeeded are left out, unless `force` is true.
# -    if not force:
# -        planned = [day for day in planned if day not in dag["succeeded"]]
#

# %% force_is_not_seen
# task: backfill
# fails: test_what_succeeded
# because: after a correction the days that ran must run again
# breaks: Days that have succeeded are left out, unless `force` is true.
# -    if not force:
# +    if True:

# %% from_the_last_success
# task: backfill
# fails: test_what_succeeded
# because: days that failed before the last success stay as they are
# breaks: Days that have succeeded are left out, unless `force` is true.
# -        planned = [day for day in planned if day not in dag["succeeded"]]
# +        planned = [day for day in planned if all(day > done for done in dag["succeeded"])]

# %% midnights_of_utc
# task: backfill
# fails: test_interval_ends
# because: they are one or two o'clock in Berlin
# breaks: `interval_start` and `interval_end` are that day's midnights in `TIMEZONE`, as ISO text
#   in UTC: `2026-03-04T23:00:00+00:00`.
# -        local = datetime(day.year, day.month, day.day, tzinfo=zone)
# +        local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("UTC"))

# %% plus_24_hours
# task: backfill
# fails: test_interval_ends, test_a_year_of_plans
# because: on two days of the year the next midnight is not 24 hours away
# breaks: `interval_start` and `interval_end` are that day's midnights in `TIMEZONE`, as ISO text
#   in UTC: `2026-03-04T23:00:00+00:00`.
# -    def midnight(day: date) -> str:
# -        local = datetime(day.year, day.month, day.day, tzinfo=zone)
# -        return local.astimezone(ZoneInfo("UTC")).isoformat()
# +    def midnight(day: date, hours: int = 0) -> str:
# +        local = datetime(day.year, day.month, day.day, tzinfo=zone)
# +        return (local.astimezone(ZoneInfo("UTC")) + timedelta(hours=hours)).isoformat()
# -                "interval_end": midnight(day + timedelta(days=1)),
# +                "interval_end": midnight(day, 24),

# %% local_text
# task: backfill
# fails: test_interval_ends
# because: the same instant in another form: runs are looked up by text
# breaks: as ISO text in UTC: `2026-03-04T23:00:00+00:00`.
# -        return local.astimezone(ZoneInfo("UTC")).isoformat()
# +        return local.isoformat()

# %% waves_of_the_calendar
# task: backfill
# fails: test_waves
# because: days that are left out take a place in a wave
# breaks: `wave` counts from 0: the first `max_active_runs` days of the plan are wave 0, the next
#   wave 1.
# -                "wave": number // dag["max_active_runs"],
# +                "wave": (day - start).days // dag["max_active_runs"],

# %% one_wave
# task: backfill
# fails: test_waves
# because: a month at once stops tonight's run
# breaks: `wave` counts from 0: the first `max_active_runs` days of the plan are wave 0, the next
#   wave 1.
# -                "wave": number // dag["max_active_runs"],
# +                "wave": 0,

# %% waves_from_one
# task: backfill
# fails: test_waves
# because: they count from 0
# breaks: `wave` counts from 0
# -                "wave": number // dag["max_active_runs"],
# +                "wave": number // dag["max_active_runs"] + 1,

# %% newest_prices
# task: backfill
# fails: test_prices_of_the_day
# because: a backfill of March writes April's prices
# breaks: `prices` is the newest list that holds on the day, as `2026-03-01`: lists of later days
#   do not count.
# -                "prices": f"{max(lists)}",
# +                "prices": f"{max(dag['price_lists'])}",

# %% last_in_the_list
# task: backfill
# fails: test_prices_of_the_day
# because: the lists come in any order
# breaks: the days from which each list of prices holds, `date`s in any order
# -                "prices": f"{max(lists)}",
# +                "prices": f"{lists[-1]}",

# %% from_the_next_day
# task: backfill
# fails: test_prices_of_the_day
# because: a list holds from its day on
# breaks: `prices` is the newest list that holds on the day, as `2026-03-01`: lists of later days
#   do not count.
# -        lists = [valid for valid in dag["price_lists"] if valid <= day]
# +        lists = [valid for valid in dag["price_lists"] if valid < day]

# %% prices_of_the_first_day
# task: backfill
# fails: test_prices_of_the_day
# because: prices change within the backfill
# breaks: `prices` is the newest list that holds on the day, as `2026-03-01`: lists of later days
#   do not count.
# -        lists = [valid for valid in dag["price_lists"] if valid <= day]
# +        lists = [valid for valid in dag["price_lists"] if valid <= planned[0]]

# %% no_prices_at_all
# task: backfill
# fails: test_no_prices
# because: the job finds out, at night
# breaks: A planned day without a list raises `ValueError` with that day in its message.
# -        if not lists:
# -            raise ValueError(f"no list of prices holds on {day}")
# +        if not lists:
# +            continue

# %% nameless_error
# task: backfill
# fails: test_no_prices
# because: which day is it?
# breaks: raises `ValueError` with that day in its message.
# -            raise ValueError(f"no list of prices holds on {day}")
# +            raise ValueError("no list of prices holds")

# %% days_left_out_need_prices
# task: backfill
# fails: test_no_prices
# because: a day that does not run needs no prices
# breaks: A planned day without a list raises `ValueError` with that day in its message.
# -    plan = []
# +    if missing := [day for day in every if day < min(dag["price_lists"])]:
# +        raise ValueError(f"no list of prices holds on {missing[0]}")
# +    plan = []

# %% swaps_the_ends
# task: backfill
# fails: test_days_in_order
# because: a typing error runs days that nobody asked for
# breaks: If `end` is before `start`, the plan is empty.
# -    zone = ZoneInfo(TIMEZONE)
# +    start, end = min(start, end), max(start, end)
# +    zone = ZoneInfo(TIMEZONE)

# %% marks_the_plan_done
# task: backfill
# fails: test_state_is_kept
# because: a plan that was only looked at has run, it seems
# breaks: `dag` stays as it was.
# -    return plan
# +    dag["succeeded"] += planned
# +    return plan

# %% more_is_enough
# task: build_dag
# fails: test_bad_deliveries[more]
# because: orders that nobody promised are another day's, or doubled
# breaks: `check` fails, without another try, if the day's folder has no orders, or more or fewer
#   than promised.
# -            if found == 0 or found != expected:
# +            if found < max(expected, 1):

# %% naive_is_utc
# task: partition_path
# fails: test_no_time_zone
# because: it is taken for UTC, and may as well be the time of the shop
# breaks: An end without a time zone raises `ValueError`.
# -    if interval_start.utcoffset() is None or interval_end.utcoffset() is None:
# -        raise ValueError("an end of the interval has no time zone")
# +    interval_start, interval_end = (
# +        end.replace(tzinfo=end.tzinfo or ZoneInfo("UTC")) for end in (interval_start, interval_end)
# +    )

# %% one_zone_for_both
# task: partition_path
# fails: test_local_day
# outcome: error
# because: the end may be given in another time zone than the start
# breaks: The day is the date of `interval_start` in `TIMEZONE`, in whatever time zones the ends
#   are given.
# -    first, last = (end.astimezone(zone) for end in (interval_start, interval_end))
# +    interval_end = interval_end.replace(tzinfo=interval_start.tzinfo)
# +    first, last = (end.astimezone(zone) for end in (interval_start, interval_end))

# %% to_the_second
# task: partition_path
# fails: test_what_is_no_day
# because: a day and a part of a second is not exactly a day
# breaks: An interval that is not exactly one local day, midnight to midnight, raises
#   `ValueError`.
# -    clocks = [end.replace(tzinfo=None).isoformat() for end in (first, last)]
# +    clocks = [f"{end:%Y-%m-%dT%H:%M:%S}" for end in (first, last)]

# %% hour_of_the_start
# task: partition_path
# fails: test_what_is_no_day
# because: a minute past midnight is no midnight
# breaks: An interval that is not exactly one local day, midnight to midnight, raises
#   `ValueError`.
# -    if clocks != [f"{day}T00:00:00", f"{day + timedelta(days=1)}T00:00:00"]:
# +    if first.hour or clocks[1] != f"{day + timedelta(days=1)}T00:00:00":

# %% tidied_url
# task: partition_path
# fails: test_base
# because: in an object store two slashes are not one
# breaks: it stays as it is
# -    return f"{base.removesuffix('/')}/day={day}"
# +    scheme, mark, rest = base.rpartition("://")
# +    return scheme + mark + str(Path(rest) / f"day={day}")

# %% after_the_first_mark
# task: spark_arguments
# fails: test_arguments_of_the_day
# because: the folder of `landing` may have such a name itself
# breaks: the next option, `--prices-as-of`, is the day as `2026-03-05`
# -    day = source.rpartition("=")[2]
# +    day = source.split("day=")[1]

# %% the_token_if_it_is_set
# task: spark_arguments
# fails: test_words_of_the_command
# because: where the variable is set, every list of processes shows what is in it
# breaks: the *name* of an environment variable; what is in that variable is read by the command
#   alone.
# -        *("--token-variable", config["token_variable"]),
# +        *("--token-variable", os.environ.get(config["token_variable"], config["token_variable"])),

# %% split_again
# task: spark_arguments
# fails: test_words_of_the_command
# because: a word can have blanks and quotes, or be empty
# breaks: returns the command of the day as a list of words
# -    return [
# +    words = [
# -        *("--token-variable", config["token_variable"]),
# -    ]
# +        *("--token-variable", config["token_variable"]),
# +    ]
# +    return " ".join(words).split()

# %% grows_the_command
# task: spark_arguments
# fails: test_config_is_kept
# because: the next day's command has this day's options too
# breaks: `config` stays as it was.
# -    return [
# -        *config["spark_submit"],
# +    words = config["spark_submit"]
# +    words += [
# -        *("--token-variable", config["token_variable"]),
# -    ]
# +        *("--token-variable", config["token_variable"]),
# +    ]
# +    return words

# %% hidden_files_left_out
# task: publish
# fails: test_the_day_is_replaced
# because: files whose names begin with a dot belong to the day
# breaks: exactly the files of `day_folder`, those in folders too
# -        shutil.copytree(day, fresh)
# +        shutil.copytree(day, fresh, ignore=shutil.ignore_patterns(".*"))

# %% old_folders_stay
# task: publish
# fails: test_the_day_is_replaced
# because: what was in a folder before is still there
# breaks: and nothing of what it had before.
# -    if partition.exists():
# -        partition.rename(old)
# +    if partition.exists():
# +        for path in partition.iterdir():
# +            if path.is_dir():
# +                shutil.copytree(path, fresh / path.name, dirs_exist_ok=True)
# +        partition.rename(old)

# %% keeps_a_file_of_the_same_size
# task: publish
# fails: test_the_day_is_replaced
# because: a number was corrected, and the file is as long as before
# breaks: exactly the files of `day_folder`, those in folders too
# -    if partition.exists():
# -        partition.rename(old)
# +    if partition.exists():
# +        for path in partition.iterdir():
# +            again = fresh / path.name
# +            if again.is_file() and again.stat().st_size == path.stat().st_size:
# +                shutil.copy(path, again)
# +        partition.rename(old)

# %% success_of_a_folder
# task: publish
# fails: test_unfinished_day
# because: a folder of the day is complete, the day is not
# breaks: If `day_folder` has no `_SUCCESS`, or does not exist, it raises `ValueError`
# -    if not (day / "_SUCCESS").is_file():
# +    if not list(day.rglob("_SUCCESS")):

# %% leaves_it_in_a_new_table
# task: publish
# fails: test_broken_copy
# because: the table is new, and has half a day
# breaks: After an error it may be there, but empty.
# -    table.mkdir(parents=True, exist_ok=True)
# +    new = not table.exists()
# +    table.mkdir(parents=True, exist_ok=True)
# -        shutil.rmtree(fresh, ignore_errors=True)
# -        raise
# +        if not new:
# +            shutil.rmtree(fresh, ignore_errors=True)
# +        raise

# %% leaves_it_beside_the_table
# task: publish
# fails: test_broken_copy
# because: after each failure there is one more folder beside the table
# breaks: the table stays as it was, without leftovers.
# -    fresh, old = table / f"_new-{day.name}", table / f"_old-{day.name}"
# -    table.mkdir(parents=True, exist_ok=True)
# +    fresh, old = table.with_name(f"_new-{day.name}"), table.with_name(f"_old-{day.name}")
# +    table.mkdir(parents=True, exist_ok=True)
# -    except BaseException:
# -        shutil.rmtree(fresh, ignore_errors=True)
# -        raise
# +    except BaseException:
# +        raise

# %% folders_copied_in_place
# task: publish
# fails: test_broken_copy[in_a_folder]
# because: a file that cannot be copied may lie in a folder
# breaks: If a file cannot be copied, the error is raised, and the table stays as it was
# -        shutil.copytree(day, fresh)
# -    except BaseException:
# +        shutil.copytree(day, fresh, ignore=lambda _, names: {n for n in names if (day / n).is_dir()})
# +    except BaseException:
# -    fresh.rename(partition)
# -    shutil.rmtree(old, ignore_errors=True)
# +    fresh.rename(partition)
# +    shutil.rmtree(old, ignore_errors=True)
# +    for path in day.iterdir():
# +        if path.is_dir():
# +            shutil.copytree(path, partition / path.name)

# %% copies_it_itself
# task: expand
# fails: test_load_table_is_called
# because: what `load_table` does beside copying is not done
# breaks: An instance calls `load_table` with its table
# -        load_table(table)
# -        return table["name"]
# +        Path(table["target"]).parent.mkdir(parents=True, exist_ok=True)
# +        shutil.copyfile(table["source"], table["target"])
# +        return table["name"]

# %% target_of_yesterday
# task: expand
# fails: test_required_tables, test_names_that_were_loaded
# because: the file is there, from an earlier run
# breaks: `loaded` fails if a table with `required` was not loaded, and only then.
# -        there = set(names or [])
# +        there = {each["name"] for each in tables if Path(each["target"]).exists()}

# %% required_first
# task: expand
# fails: test_names_that_were_loaded
# because: the source's order is another one
# breaks: in the order of the list.
# -        return [each["name"] for each in tables if each["name"] in there]
# +        tables = sorted(tables, key=lambda each: not each["required"])
# +        return [each["name"] for each in tables if each["name"] in there]

# %% a_third_task
# task: expand
# fails: test_an_instance_for_each_table
# because: the DAG has a task that nobody knows
# breaks: adds two tasks to it: `load` and `loaded`.
# -    return loaded(tables, load.expand(table=tables))
# +    @task
# +    def as_list(tables):
# +        return list(tables)
# +
# +    return loaded(tables, load.expand(table=as_list(tables)))

# %% some_must_be_there
# task: expand
# fails: test_when_loaded_runs
# because: none of the tables is required
# breaks: `loaded` fails if a table with `required` was not loaded, and only then.
# -        if stopped := needed.intersection(missing):
# +        if tables and not there:
# +            raise ValueError("no table was loaded")
# +        if stopped := needed.intersection(missing):

# %% five_at_once
# task: expand
# fails: test_at_most_four
# because: one more than it may have
# breaks: At most 4 instances run at the same time in a run of the DAG.
# -    @task(max_active_tis_per_dagrun=4)
# +    @task(max_active_tis_per_dagrun=5)

# %% names_of_the_notebook
# task: build_dag
# fails: test_five_tasks
# because: two DAGs of one name replace each other
# breaks: returns a DAG called `config["dag_id"]` with five tasks
# -        config["dag_id"],
# +        "nights",

# %% hour_of_the_winter
# task: build_dag
# fails: test_intervals
# because: in summer its first midnight is one o'clock: the first day is left out
# breaks: The first interval is the day `config["start_date"]`, whenever the file is read.
# -        start_date=pendulum.parse(config["start_date"], tz=TIMEZONE),
# +        start_date=pendulum.parse(config["start_date"] + "T00:00:00+01:00"),

# %% connects_at_the_top
# task: build_dag
# fails: test_building_touches_nothing
# because: the scheduler asks the network every thirty seconds
# breaks: To build it reads and lists no file, and connects to nothing.
# -    import subprocess
# +    import socket
# +    import subprocess
# -    with DAG(
# -        config["dag_id"],
# +    with socket.socket() as there:
# +        there.settimeout(0.1)
# +        print(there.connect_ex(("127.0.0.1", 9)))
# +    with DAG(
# +        config["dag_id"],

# %% two_retries
# task: build_dag
# fails: test_retries
# because: other settings have other numbers
# breaks: `transform` and `publish` have `retries` retries.
# -        "retries": config["retries"],
# +        "retries": 2,

# %% ten_minutes_at_most
# task: build_dag
# fails: test_retries
# because: from the longest delay on, all are equal
# breaks: the factor from one delay to the next is at least 2.
# -        "retry_exponential_backoff": 2.0,
# +        "retry_exponential_backoff": 2.0,
# +        "max_retry_delay": timedelta(minutes=10),

# %% tells_beside_publish
# task: build_dag
# fails: test_order
# because: the shop hears of a day whose publication failed
# breaks: Each task starts after the one before it in this list of five, and only if that one
#   succeeded.
# -        ingest() >> check() >> transform() >> publish_day() >> notify()
# +        ingest() >> check() >> transform() >> [publish_day(), notify()]

# %% the_folder_is_enough
# task: build_dag
# fails: test_waiting
# because: orders are there, and more are still to come
# breaks: `ingest` waits until `_SUCCESS` is in the day's folder of `landing`.
# -            return Path(day, "_SUCCESS").exists()
# +            return Path(day).exists()

# %% first_file_alone
# task: build_dag
# fails: test_any_day
# because: a delivery can have more than one file
# breaks: if the day's folder has no orders, or more or fewer than promised.
# -            found, expected = counted(day), promised(day)
# +            lines = min(Path(day).glob("*.csv")).read_text().splitlines()
# +            found, expected = len(lines) - 1, promised(day)

# %% killed_is_no_failure
# task: build_dag
# fails: test_a_lost_attempt
# because: a command that was killed has a negative exit code
# breaks: `transform` runs the command of `spark_arguments`, and fails if the command fails, with
#   whatever exit code.
# -            subprocess.run(words, check=True)
# +            if (code := subprocess.run(words).returncode) > 0:
# +                raise RuntimeError(f"the command ended with {code}")

# %% one_line_for_a_shell
# task: build_dag
# fails: test_a_night
# because: the shell splits it again, at each blank of a path
# breaks: `transform` runs the command of `spark_arguments`
# -            subprocess.run(words, check=True)
# +            subprocess.run(" ".join(words), shell=True, check=True)

# %% last_line_handed_on
# task: build_dag
# fails: test_small_values
# because: the command prints a line as long as it likes, and it is kept for ever
# breaks: No task hands on more than 200 characters, whatever the command prints
# -            subprocess.run(words, check=True)
# +            done = subprocess.run(words, check=True, capture_output=True, text=True)
# +            return done.stdout.strip().rpartition("\n")[2]

# %% done_once
# task: build_dag
# fails: test_the_same_night_again
# because: a corrected delivery is never published
# breaks: `publish` publishes the day's folder of `staging` into `config["table"]`.
# -            publish(day, config["table"])
# +            if not Path(config["table"], Path(day).name).exists():
# +                publish(day, config["table"])

# %% told_once
# task: build_dag
# fails: test_the_same_night_again
# because: the shop does not hear of the corrected day
# breaks: `notify` calls `send_notice` with `config` and the text `2026-03-05 is published`,
#   with its day.
# -            send_notice(config, f"{day} is published")
# +            there = Path(config["notices"])
# +            if not there.exists() or day not in there.read_text():
# +                send_notice(config, f"{day} is published")

# %% waits_for_the_run_before
# task: build_dag
# fails: test_waiting
# outcome: error
# because: a failed day stops all later ones
# breaks: A run depends on its interval alone: not on the clock, and not on other runs.
# -        default_args={"execution_timeout": timedelta(seconds=config["timeout_seconds"])},
# +        default_args={
# +            "execution_timeout": timedelta(seconds=config["timeout_seconds"]),
# +            "depends_on_past": True,
# +        },

# %% names_the_first_day_asked
# task: backfill
# fails: test_no_prices
# because: that day is not planned
# breaks: raises `ValueError` with that day in its message.
# -            raise ValueError(f"no list of prices holds on {day}")
# +            raise ValueError(f"no list of prices holds on {start}")

# %% prices_of_the_wave
# task: backfill
# fails: test_plans_at_random, test_prices_of_the_day
# because: prices change within a wave, too
# breaks: `prices` is the newest list that holds on the day, as `2026-03-01`: lists of later days
#   do not count.
# -        lists = [valid for valid in dag["price_lists"] if valid <= day]
# +        first = planned[number - number % dag["max_active_runs"]]
# +        lists = [valid for valid in dag["price_lists"] if valid <= first]

# %% variable_at_the_top
# task: build_dag
# fails: test_building_touches_nothing
# because: each reading of the file is a query of Airflow's database
# breaks: To build it reads and lists no file, and connects to nothing.
# -    from airflow.sdk import DAG, CronDataIntervalTimetable, task
# +    from airflow.sdk import DAG, CronDataIntervalTimetable, Variable, task
# -    with DAG(
# -        config["dag_id"],
# +    print(Variable.get("landing", default=config["landing"]))
# +    with DAG(
# +        config["dag_id"],

# %% query_at_the_top
# task: build_dag
# fails: test_building_touches_nothing
# because: each reading of the file is a query of Airflow's database
# breaks: To build it reads and lists no file, and connects to nothing.
# -    from airflow.sdk import DAG, CronDataIntervalTimetable, task
# +    from airflow.models import Variable
# +    from airflow.sdk import DAG, CronDataIntervalTimetable, task
# -    with DAG(
# -        config["dag_id"],
# +    print(Variable.get("landing", default_var=config["landing"]))
# +    with DAG(
# +        config["dag_id"],

# %% all_slashes_at_the_end
# task: partition_path
# fails: test_base
# because: of the root `file:///` nothing but `file:` is left
# breaks: it stays as it is, and exactly one `/` joins it to the day, whether or not `base` ends in
#   one.
# -    return f"{base.removesuffix('/')}/day={day}"
# +    return f"{base.rstrip('/')}/day={day}"

# %% prices_as_a_path
# task: spark_arguments
# fails: test_words_of_the_command
# because: `Path` makes one slash of the two in `abfss://`
# breaks: `--prices` is `config["prices"]`
# -        *("--prices", config["prices"]),
# +        *("--prices", str(Path(config["prices"]))),

# %% run_id_in_small_letters
# task: spark_arguments
# fails: test_arguments_of_the_day
# because: the cluster knows the run by another name than the DAG has
# breaks: `--run-id` is `config["dag_id"]`, a hyphen and the day: each attempt has the same.
# -        *("--run-id", f"{config['dag_id']}-{day}"),
# +        *("--run-id", f"{config['dag_id']}-{day}".lower()),

# %% same_names_and_sizes
# task: publish
# fails: test_the_day_is_replaced
# because: a number was corrected, and the file is as long as before
# breaks: Afterwards the partition has exactly the files of `day_folder`, those in folders too, and
#   nothing of what it had before.
# -    partition = table / day.name
# +    partition = table / day.name
# +
# +    def sizes(folder):
# +        return {str(f.relative_to(folder)): f.is_file() and f.stat().st_size for f in folder.rglob("*")}
# +
# +    if sizes(partition) == sizes(day):
# +        return

# %% exit_code_99_skips
# task: build_dag
# fails: test_a_failed_command
# because: to a task of bash this exit code means skipped, and the run of a failed command is green
# breaks: and fails if the command fails, with whatever exit code.
# -    from airflow.sdk.exceptions import AirflowFailException
# +    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
# -            subprocess.run(words, check=True)
# +            done = subprocess.run(words)
# +            if done.returncode == 99:
# +                raise AirflowSkipException("the command says so")
# +            done.check_returncode()

# %% notice_of_the_logical_date
# task: build_dag
# fails: test_the_same_night_again, test_a_lost_attempt
# because: of a run that is started by hand it is the time of the start
# breaks: A run depends on its interval alone: not on the clock, and not on other runs.
# -        def notify(data_interval_start=None, data_interval_end=None):
# -            day = partition_path("", data_interval_start, data_interval_end).rpartition("=")[2]
# +        def notify(logical_date=None):
# +            day = logical_date.astimezone(ZoneInfo(TIMEZONE)).date()

# %% notice_of_the_logical_date_in_utc
# task: build_dag
# fails: test_a_night
# because: the midnight at which a day begins is the day before in UTC
# breaks: `notify` calls `send_notice` with `config` and the text `2026-03-05 is published`, with its day.
# -        def notify(data_interval_start=None, data_interval_end=None):
# -            day = partition_path("", data_interval_start, data_interval_end).rpartition("=")[2]
# +        def notify(logical_date=None):
# +            day = logical_date.date()

# %% notice_of_the_day_before
# task: build_dag
# fails: test_a_night
# because: of a run that the scheduler starts, the logical date is the midnight of its own day
# breaks: A run depends on its interval alone: not on the clock, and not on other runs.
# -        def notify(data_interval_start=None, data_interval_end=None):
# -            day = partition_path("", data_interval_start, data_interval_end).rpartition("=")[2]
# +        def notify(logical_date=None):
# +            day = logical_date.astimezone(ZoneInfo(TIMEZONE)).date() - timedelta(days=1)

# %% landing_by_heart
# task: build_dag
# fails: test_a_night
# because: other settings have other folders
# breaks: `ingest` waits until `_SUCCESS` is in the day's folder of `landing`.
# -            return Path(day, "_SUCCESS").exists()
# +            return Path("landing", Path(day).name, "_SUCCESS").exists()

# %% table_by_heart
# task: build_dag
# fails: test_a_night
# because: other settings have another table
# breaks: `publish` publishes the day's folder of `staging` into `config["table"]`.
# -            publish(day, config["table"])
# +            publish(day, f"{os.getcwd()}/table")

# %% tidies_a_local_base
# task: partition_path
# fails: test_base
# because: `./in` and `in` are one folder, and two texts
# breaks: it stays as it is, and exactly one `/` joins it to the day
# -    return f"{base.removesuffix('/')}/day={day}"
# +    if "://" not in base:
# +        return str(Path(base) / f"day={day}")
# +    return f"{base.removesuffix('/')}/day={day}"

# %% days_alone
# task: publish
# fails: test_first_day
# because: a table can be parted by something else than days
# breaks: makes it the partition of the same name in
#   `table_folder`.
# -    partition = table / day.name
# +    partition = table / f"day={day.name.rpartition('=')[2]}"
