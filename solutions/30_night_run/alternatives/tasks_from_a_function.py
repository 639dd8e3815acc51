# because: tasks made by a function, a leaf that only succeeds after all steps; dicts of lists


def load_night(landing: str, lake: str, night: str) -> int:
    arrived = Path(landing, "night=" + night)
    try:
        names = sorted(os.listdir(arrived))
    except FileNotFoundError:
        raise ValueError(f"no delivery for {night}") from None
    texts = [(arrived / name).read_text() for name in names if name[:6] == "sales-"]
    lines = dict.fromkeys(line for text in texts for line in text.split("\n")[1:] if line)
    rows = []
    for each in csv.reader(lines):
        row = dict(zip(("order_id", "customer", "day", "cents"), each, strict=True))
        row["cents"] = int(row["cents"])
        rows.append({**row, "night": night})
    replace(lake, "sales", rows, night=night)
    return len(rows)


def build_night(landing: str, lake: str, night: str) -> int:
    arrived = customers_of(landing, night)
    base, counts = None, {night}
    for row in read(lake, "audits"):
        if row["passed"] and row["night"] < night:
            counts.add(row["night"])
            if base is None or row["night"] > base:
                base = row["night"]
    old = [row for row in read(lake, "history") if base is not None and row["night"] == base]
    new = apply_snapshot(old, arrived, night)
    newest = {}
    for row in read(lake, "sales"):
        if row["night"] in counts:
            other = newest.setdefault(row["order_id"], row)
            if other["night"] < row["night"]:
                newest[row["order_id"]] = row
    places = {}
    for row in newest.values():
        key = (row["day"], city_on(new, row["customer"], row["day"]))
        places.setdefault(key, []).append(row["cents"])
    rows = [
        {"night": night, "day": key[0], "city": key[1], "orders": len(cents), "cents": sum(cents)}
        for key, cents in places.items()
    ]
    for table, made in (("history", new), ("report", rows)):
        replace(lake, table, made, night=night)
    return len(rows)


def build_dag(config: dict):
    from airflow.sdk import DAG, CronDataIntervalTimetable, task

    zone = ZoneInfo(TIMEZONE)
    patient = {"retries": config["retries"], "retry_delay": timedelta(0, config["retry_seconds"])}
    dag = DAG(
        config["dag_id"],
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
        start_date=datetime.fromisoformat(config["start_date"] + "T00:00").replace(tzinfo=zone),
        catchup=False,
        max_active_runs=1,
        max_active_tasks=1,
        default_args={**patient, "depends_on_past": False},
    )
    with dag:

        def step(name, call, **settings):
            def run(**context):
                call(night_of(context["data_interval_start"], context["data_interval_end"]))

            return task(run, task_id=name, **settings)()

        def gate(night):
            reasons = audit(config["lake"], night)
            if len(reasons) > 0:
                raise RuntimeError(str(reasons))

        def to_readers(night):
            now = served(config["lake"])
            later = now is not None and now["night"] > night
            if not later:
                publish(config["lake"], night, os.environ[config["token_variable"]])

        load = step("load", lambda night: load_night(config["landing"], config["lake"], night) and None)
        build = step("build", lambda night: build_night(config["landing"], config["lake"], night))
        check = step("gate", gate, retries=0)
        ready = step("publish", to_readers)
        told = step("account", lambda night: note(config["lake"], night), trigger_rule="all_done")
        green = step("green", lambda night: None)
        load >> build >> check >> ready >> [told, green]
    return dag


def nights_to_repeat(ran: list[str], changed: list[str]) -> list[str]:
    both = set(ran) & set(changed)
    if not both:
        return []
    first = sorted(both)[0]
    return [night for night in sorted(dict.fromkeys(ran)) if not night < first]


def account(lake: str) -> list[dict]:
    reports = {None: {"night": None, "report": []}}
    for row in read(lake, "served"):
        reports[row["version"]] = row
    last = reports[max((version for version in reports if version is not None), default=None)]

    def flat(row):
        return {(each["day"], each["city"]): each["cents"] for each in row["report"]}

    mornings = []
    notes = read(lake, "notes")
    for night in sorted({row["night"] for row in notes}):
        first = min((row for row in notes if row["night"] == night), key=lambda row: row["number"])
        shown = reports[first["version"]]
        then, now = flat(shown), flat(last)
        places = [place for place in then | now if place[0] <= night]
        places.sort()
        mornings.append(
            {
                "night": night,
                "served": shown["night"],
                "cents": sum(then.values()),
                "held": first["held"],
                "changed": [
                    {"day": d, "city": c, "then": then.get((d, c), 0), "now": now.get((d, c), 0)}
                    for d, c in places
                    if then.get((d, c), 0) != now.get((d, c), 0)
                ],
            }
        )
    return mornings
