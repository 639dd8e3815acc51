"""Checks of lab 29: event time and finished checkpoints move everything, no clock does."""

import copy
import itertools
import json
import os
import random
import shutil
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta

import pytest

from labkit.checks import check
from labkit.checks.parts import part_of

HINTS = {
    "windowed": [
        "`CREATE TEMPORARY TABLE ... (WATERMARK FOR ...) LIKE ...` gives a table a watermark.",
        "In SQL, a window is a table function: `TABLE(TUMBLE(TABLE ..., DESCRIPTOR(...), ...))`. "
        "Group by its start and its end.",
        "`table.exec.source.idle-timeout` says after which silence a source is left out.",
    ],
    "split_late": [
        "In `process_element(self, row, context)`: `context.timestamp()` and "
        "`context.timer_service().current_watermark()`.",
        "An `OutputTag` has a name and a type. `yield tag, row` sends there, `yield row` goes on.",
        "`stream.get_type()` is the type of its rows.",
    ],
    "alerts": [
        "A row that arrives says nothing yet: earlier ones may follow. Keep it, and set a timer "
        "for its time.",
        "A timer runs when the watermark has reached it, once for each key and time, in order. "
        "There, and only there, look for the pattern.",
        "What is kept of a user once nothing more follows? Who removes it, if no row comes?",
        "State is what `context.get_..._state` gives in `open`; an attribute of the object is gone "
        "after a restart.",
    ],
    "exactly_once_files": [
        "Two things: the checkpoints of `env`, and the sink.",
        "A finished file appears when a checkpoint completes, if the file was closed for it. Which "
        "`RollingPolicy` closes files at checkpoints?",
        "The sink has state as well: the files it has begun.",
    ],
    "choose": [
        "First the list of signals that hold, each with its engine. Then decide.",
        "Missing, null and 0 are three things; only one of them is less than 1000.",
    ],
}

START = datetime(2026, 3, 6, 18, tzinfo=UTC)
TIME = "TIMESTAMP_LTZ(3)"
PAYMENTS = [
    *(("event_id", "STRING"), ("store_id", "STRING"), ("card_id", "STRING")),
    *(("amount", "DOUBLE"), ("event_time", TIME)),
]
LOGINS = [("user_id", "STRING"), ("ok", "BOOLEAN"), ("ip", "STRING"), ("at", TIME)]
MINUTE = 60_000
LIMIT = 25  # seconds that a check waits for something to come out
LONG = 200  # seconds for all jobs of a run


# ------------------------------------------------------------------------------- inside Flink


def begin(folder: str, settings: dict, sources: int = 1) -> tuple:
    """In Flink: its two environments, with a folder for files and checkpoints.

    What reads a table sets the parallelism of both to that of the sources.
    """
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    os.environ["JVM_ARGS"] = "--add-opens=java.base/java.util=ALL-UNNAMED"
    os.makedirs(folder, exist_ok=True)
    known = {
        "python.execution-mode": "thread",
        "pipeline.auto-watermark-interval": "1 ms",
        "table.local-time-zone": "UTC",
        "table.exec.resource.default-parallelism": str(sources),
        "restart-strategy.type": "none",
        "execution.checkpointing.dir": f"file://{os.path.abspath(folder)}/checkpoints",
    }
    configuration = Configuration()
    for key, value in {**known, **settings}.items():
        configuration.set_string(key, value)
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    env.set_parallelism(sources)
    return env, StreamTableEnvironment.create(env)


def table(t_env, name: str, path: str, columns: list, watched: bool, mark: str = "") -> None:
    """In Flink: a table of JSON files."""
    declared = ", ".join(f"`{column}` {kind}" for column, kind in columns)
    watch = ", 'source.monitor-interval' = '20 ms'" if watched else ""
    t_env.execute_sql(f"""
        CREATE TEMPORARY TABLE {name} ({declared}{mark}) WITH (
            'connector' = 'filesystem', 'path' = 'file://{os.path.abspath(path)}',
            'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'{watch})""")


def stream_of(t_env, name: str, path: str, columns: list, minutes: int, watched: bool = False):
    """In Flink: a stream of JSON files, with a watermark some minutes behind."""
    from pyflink.common import Row, Types
    from pyflink.datastream import ProcessFunction

    names, kinds = zip(*columns, strict=True)
    place = kinds.index(TIME)
    mark = f", WATERMARK FOR `{names[place]}` AS `{names[place]}` - INTERVAL '{minutes}' MINUTE"
    table(t_env, name, path, columns, watched, mark)
    known = {
        **{"STRING": Types.STRING(), "DOUBLE": Types.DOUBLE(), "BOOLEAN": Types.BOOLEAN()},
        **{"BIGINT": Types.LONG(), TIME: Types.LONG()},
    }

    class WithTime(ProcessFunction):
        def process_element(self, row, context):
            values = list(row)
            values[place] = context.timestamp()
            plain = Row(*values)
            plain.set_field_names(list(names))
            yield plain

    rows = t_env.to_data_stream(t_env.from_path(name))
    types = Types.ROW_NAMED(list(names), [known[kind] for kind in kinds])
    return rows.process(WithTime(), output_type=types)


def keep(stream, path: str) -> None:
    """In Flink: has each element appended to a file, as JSON."""
    from pyflink.common import Row
    from pyflink.datastream import MapFunction

    place = os.path.abspath(path)

    def plain(value):
        if isinstance(value, Row):
            names = getattr(value, "_fields", None)
            return [list(names) if names else None, [plain(each) for each in value]]
        return list(value) if isinstance(value, tuple) else value

    class Keep(MapFunction):
        def open(self, context):
            self.file = open(place, "a", buffering=1)  # noqa: SIM115

        def map(self, value):
            self.file.write(json.dumps(plain(value), default=repr) + "\n")
            return 0

    stream.map(Keep()).set_parallelism(1)


def kept(path: str) -> list:
    """In Flink: what was kept in a file; a line that is still being written is left out."""
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [json.loads(line) for line in file.read().split("\n")[:-1]]


def lines_in(path: str) -> int:
    """In Flink: the number of whole lines in a file."""
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as file:
        return file.read().count(b"\n")


def put(path: str, lines: list[str]) -> None:
    """In Flink: a file, whole at once, in a folder that may be watched."""
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/.{name}", "w") as file:
        file.write("".join(line + "\n" for line in lines))
    os.rename(f"{folder}/.{name}", path)


def blamed(error) -> Exception:
    """In Flink: what stopped a job, without the trace of Java around it."""
    text = str(error)
    if text.startswith("job: "):
        return error
    causes = [line.strip() for line in text.splitlines() if "Caused by: " in line]
    told = [line for line in causes if "PythonException" in line] or causes[-1:]
    said = told[0].partition("Caused by: ")[2] if told else text
    return RuntimeError("job: " + said.removeprefix("pemja.core.PythonException: ")[:500])


def finish(env) -> None:
    """In Flink: runs a job whose input ends."""
    try:
        env.execute()
    except Exception as error:
        raise blamed(error) from None


def wait(job, until, limit: float) -> bool:
    """In Flink: waits until something is true, the job has ended, or time is up; whether it is."""
    end = time.monotonic() + limit
    while not until():
        try:
            ended = job.get_job_status().result().name in ("FAILED", "CANCELED", "FINISHED")
        except Exception:  # its cluster has ended with it
            ended = True
        if ended or time.monotonic() > end:
            return bool(until())
        # Between two questions: what is waited for is a file, or a state of the job.
        time.sleep(0.02)
    return True


def end(job) -> str:
    """In Flink: ends a job, unless it has ended; why it failed, if it did."""
    with suppress(Exception):  # it has ended already
        job.cancel().result()
    try:
        job.get_job_execution_result().result()
    except Exception as error:
        said = str(blamed(error)).removeprefix("job: ")
        return "" if "Job was cancelled" in said else said
    return ""


def savepoint(job, folder: str, limit: float) -> str:
    """In Flink: stops a job with a savepoint, once all of its tasks run; its path."""
    from pyflink.java_gateway import get_gateway

    form = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType.CANONICAL
    place = f"file://{os.path.abspath(folder)}"
    end = time.monotonic() + limit
    while True:
        try:
            return job._j_job_client.stopWithSavepoint(False, place, form).get()
        except Exception as error:
            early = "not being executed at the moment" in str(error)
            if not early or time.monotonic() > end:
                raise
        # Between two tries: Flink refuses a savepoint until all tasks run.
        time.sleep(0.1)


# While nobody waits: what Flink does for the first time takes longest.


def start_early() -> None:
    """In Flink: its JVM and its planner."""
    begin("early", {})


def query_early() -> None:
    """In Flink: a query over time, and its rows."""
    _, t_env = begin("early", {})
    put("early/query.json", [json.dumps({"at": "2026-03-06T18:00:00Z", "n": 1})])
    mark = ", WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND"
    columns = [("at", "TIMESTAMP_LTZ(3)"), ("n", "DOUBLE")]
    table(t_env, "early", "early/query.json", columns, False, mark)
    spans = "HOP(TABLE early, DESCRIPTOR(`at`), INTERVAL '1' MINUTE, INTERVAL '2' MINUTES)"
    query = f"SELECT window_end, n, MAX(n) FROM TABLE({spans}) GROUP BY window_start, window_end, n"
    with t_env.sql_query(query).execute().collect() as rows:
        list(rows)


def stream_early() -> None:
    """In Flink: a job with functions in Python, stopped with a savepoint."""
    env, t_env = begin("early", {})
    put("early/stream/0.json", [json.dumps({"at": "2026-03-06T18:00:00Z"})])
    columns = [("at", "TIMESTAMP_LTZ(3)")]
    keep(stream_of(t_env, "early", "early/stream", columns, 1, watched=True), "early/kept")
    job = env.execute_async()
    try:
        wait(job, lambda: kept("early/kept"), 30)
        savepoint(job, "early/savepoints", 30)
    finally:
        end(job)
    shutil.rmtree("early")


# ------------------------------------------------------------------------------------- windowed


def described(found) -> list:
    """In Flink: names and types of a table's columns."""
    schema = found._j_table.getResolvedSchema()
    types = [each.getLogicalType().copy(True) for each in schema.getColumnDataTypes()]
    names = schema.getColumnNames()
    return [[name, kind.asSummaryString()] for name, kind in zip(names, types, strict=True)]


def window_row(row) -> list:
    """In Flink: a row of the answer as JSON has it."""
    plain = (str, int, float, type(None))
    values = [each.isoformat() if isinstance(each, datetime) else each for each in row]
    return [each if isinstance(each, plain) else str(each) for each in values]


def run_windows(folder: str, tables: dict) -> dict:
    """In Flink: the windows of tables that end, all in one job."""
    _, t_env = begin(folder, {})
    found = []
    for name, lines in tables.items():
        put(f"{folder}/{name}.json", lines)
        table(t_env, name, f"{folder}/{name}.json", PAYMENTS, False)
    for name in tables:
        found.append(windowed(t_env, name))  # noqa: F821 - the learner's
    columns = [described(each) for each in found]
    if any(each != columns[0] for each in columns):
        return {"columns": columns[1], "rows": [], "kinds": []}
    whole = found[0]
    for each in found[1:]:
        whole = whole.union_all(each)
    try:
        with whole.execute().collect() as rows:
            every = [(str(row.get_row_kind()), window_row(row)) for row in rows]
    except Exception as error:
        raise blamed(error) from None
    kinds = sorted({kind for kind, _ in every})
    return {"columns": columns[0], "rows": [row for _, row in every], "kinds": kinds}


def run_idle(folder: str, waves: list) -> dict:
    """In Flink: the windows after each file of a watched folder, with a source too many.

    With the milliseconds after which `t_env` leaves a silent source out.
    """
    import threading

    from pyflink.java_gateway import get_gateway

    _, t_env = begin(folder, {}, sources=2)
    put(f"{folder}/in/0.json", waves[0][0])
    table(t_env, "watched", f"{folder}/in", PAYMENTS, True)
    result = windowed(t_env, "watched").execute()  # noqa: F821 - the learner's
    found, seen = [], []

    def read():
        try:
            for row in result.collect():
                found.append(window_row(row))
        except Exception:  # the job was cancelled
            pass

    threading.Thread(target=read, daemon=True).start()
    job = result.get_job_client()
    patience = t_env.get_config().get("table.exec.source.idle-timeout", "0 ms")
    times = get_gateway().jvm.org.apache.flink.util.TimeUtils
    try:
        for number, (lines, wanted) in enumerate(waves):
            if number:
                put(f"{folder}/in/{number}.json", lines)
            more = wait(job, lambda wanted=wanted: len(found) >= wanted, LIMIT)
            seen.append(list(found))
            if not more:
                break
    finally:
        end(job)
    return {"seen": seen, "patience": times.parseDuration(patience).toMillis()}


@pytest.fixture(scope="module")
def cluster(learner, request):
    """One Flink for all checks of a run, public and hidden; it ends with the run."""
    started = vars(request.config).setdefault("flink", {})
    if id(learner) not in started:
        opened = ExitStack()
        started[id(learner)] = opened.enter_context(flink_of(learner))
        request.config.add_cleanup(opened.close)
    return started[id(learner)]


def flink_of(learner):
    """A Flink that knows the functions of this file and the learner's."""
    own = [
        *(begin, table, stream_of, keep, kept, lines_in, put, blamed, finish, wait, end, savepoint),
        *(described, window_row, run_windows, run_idle, run_split, run_alerts, run_restored),
        *(run_files, finished, last_checkpoint, files_below, checkpoints_of, run_settings),
    ]
    tasks = ["windowed", "split_late", "alerts", "exactly_once_files"]
    ahead = [start_early, query_early, stream_early]
    return part_of(learner, "flink", *own, tasks=tasks, ahead=ahead)


def stamp(second: float) -> str:
    return f"{START + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}Z"


def payment(second: float, store: str | None, amount: float | None, number: int = 0) -> dict:
    row = {"event_id": f"p{number}", "store_id": store, "card_id": "c", "amount": amount}
    return row | {"event_time": stamp(second)}


def random_payments(rng: random.Random, stores: list, size: int) -> list[dict]:
    """Payments in the order of arrival: times at full half minutes, so that many meet a border."""
    rows, now = [], 0
    for number in range(size):
        now += rng.choice([0, 0, 30, 60, 150])
        behind = rng.choice([0, 0, 30, 300, 570, 600, 601, 630, 900, 1500])
        amount = rng.choice([None, 1.5, 2.0625, 7.0])
        rows.append(payment(now - behind, rng.choice(stores), amount, number))
        if rng.random() < 0.15:
            rows.append(rows[-1])
    return rows


def second_of(row: dict, column: str) -> int:
    at = datetime.strptime(row[column], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return int(at.timestamp())


def windows(rows: list[dict], ended: bool = True) -> list[tuple]:
    """The windows by the rules, and of input that has not ended those that are out."""
    sums: dict = {}
    mark = None
    for row in rows:
        at = second_of(row, "event_time")
        start = at - at % 300
        if mark is None or start + 300 > mark:
            sums.setdefault((start, row["store_id"]), []).append(row["amount"])
        mark = at - 600 if mark is None else max(mark, at - 600)
    found = []
    for (start, store), amounts in sums.items():
        if ended or start + 300 <= mark:
            both = [datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat()
                    for at in (start, start + 300)]  # fmt: skip
            total = sum(amount or 0 for amount in amounts)
            found.append((*both, store, total, len(amounts)))
    return sorted(found, key=repr)


def as_windows(rows: list[list]) -> list[tuple]:
    return sorted(((*row[:3], row[3] or 0, row[4]) for row in rows), key=repr)


def differences(found: list, expected: list) -> str:
    """A few rows that one side lacks."""
    missing, more = list(expected), []
    for row in found:
        if row in missing:
            missing.remove(row)
        else:
            more.append(row)
    parts = [f"{len(missing)} missing, such as {missing[0]}"] if missing else []
    parts += [f"{len(more)} too many, such as {more[0]}"] if more else []
    return "; ".join(parts)


COLUMNS = [
    *(["window_start", "TIMESTAMP(3)"], ["window_end", "TIMESTAMP(3)"], ["store_id", "STRING"]),
    *(["revenue", "DOUBLE"], ["payments", "BIGINT"]),
]


def as_lines(rows: list[dict]) -> list[str]:
    return [json.dumps(row) for row in rows]


BORDERS = [
    *(payment(0, "edge", 1.0), payment(299, "edge", 2.0), payment(300, "edge", 4.0)),
    *(payment(899, "edge", 1.0), payment(4, "edge", 8.0)),  # one second before the window is out
    *(payment(900, "edge", 1.0), payment(5, "edge", 16.0)),  # and the second at which it is
    *(payment(301, "edge", 8.0), payment(301, None, None), payment(301, "", 1.0)),
]


@pytest.fixture(scope="module")
def evening(cluster, seed):
    """Two tables with their windows: random payments, and chosen ones at the borders."""
    rng = random.Random(seed)
    rows = {"sent": random_payments(rng, ["a", "A", None], 90), "edges": BORDERS}
    found = cluster.call("run_windows", "evening", {n: as_lines(each) for n, each in rows.items()})
    return rows, found


def assert_columns(found: dict) -> None:
    assert found["columns"] == COLUMNS, (
        f"the columns are {found['columns']}, expected {COLUMNS}"
    )


def of_stores(rows: list[tuple], stores: set) -> list[tuple]:
    return [row for row in rows if row[2] in stores]


@check("windowed")
def test_columns_of_windows(evening):
    """Has the columns of the table above, in order, with their types"""
    assert_columns(evening[1])


@check("windowed", points=2)
def test_windows_by_the_watermark(evening):
    """Adds up what the watermark has not passed, and nothing else"""
    rows, found = evening
    assert_columns(found)
    expected = sorted(windows(rows["sent"]) + windows(rows["edges"]), key=repr)
    mine = as_windows(found["rows"])
    assert mine == expected, (
        f"of {len(expected)} windows of two tables, {differences(mine, expected)} "
        "(start, end, store, revenue, payments)"
    )


@check("windowed")
def test_borders_of_windows(evening):
    """Puts a payment into the right window at its borders, and drops it at the exact second"""
    rows, found = evening
    assert_columns(found)
    expected = of_stores(windows(rows["edges"]), {"edge", ""})
    mine = of_stores(as_windows(found["rows"]), {"edge", ""})
    assert mine == expected, (
        f"payments at {[(each['event_time'][14:19]) for each in BORDERS]}, in this order: "
        f"{differences(mine, expected)} (start, end, store, revenue, payments)"
    )


@check("windowed")
def test_windows_are_final(evening):
    """Never corrects a row that it has given"""
    _, found = evening
    assert_columns(found)
    assert found["kinds"] == ["+I"], (
        f"rows come as {found['kinds']}, expected +I alone: somebody who reads them has to take rows back"
    )


FIRST_WAVE = [payment(second, "idle", 1.0) for second in (0, 60, 310, 700, 1200)]
SECOND_WAVE = [payment(second, "idle", 1.0) for second in (1500, 2100)]


@check("windowed", points=2)
def test_silent_source(cluster):
    """Gives windows while a source is silent, and none before its time"""
    first = windows(FIRST_WAVE, ended=False)
    both = windows(FIRST_WAVE + SECOND_WAVE, ended=False)
    waves = [[as_lines(FIRST_WAVE), len(first)], [as_lines(SECOND_WAVE), len(both)]]
    found = cluster.call("run_idle", "idle", waves, seconds=LONG)
    seen, patience = found["seen"], found["patience"]
    assert patience <= 500, f"a source holds the watermark back until it is silent for {patience} ms"
    assert len(seen) == 2, (
        f"one of two sources has nothing to read; payments until 18:20 came from the other, and "
        f"within {LIMIT} seconds {len(seen[0])} windows came out, expected {len(first)}"
    )
    mine = as_windows(seen[1])
    assert mine == both, (
        f"after payments until 18:35, {differences(mine, both)} "
        "(start, end, store, revenue, payments)"
    )


# ----------------------------------------------------------------------------------- split_late

OTHER = [
    *(("n", "DOUBLE"), ("sent_at", TIME), ("why", "STRING"), ("fine", "BOOLEAN")),
    ("read_at", "BIGINT"),
]


def run_split(folder: str, streams: list) -> list:
    """In Flink: the rows on time and those that are late of some streams, in one job."""
    env, t_env = begin(folder, {})
    for number, (columns, minutes, lines) in enumerate(streams):
        path = f"{folder}/in_{number}.json"
        put(path, lines)
        stream = stream_of(t_env, f"rows_{number}", path, columns, minutes)
        both = split_late(stream.rebalance())  # noqa: F821 - the learner's
        for name, each in zip(("on_time", "late"), both, strict=True):
            keep(each, f"{folder}/{name}_{number}")
    finish(env)
    every = range(len(streams))
    return [[kept(f"{folder}/{name}_{n}") for name in ("on_time", "late")] for n in every]


def millis(row: dict, column: str) -> int:
    return second_of(row, column) * 1000


def time_of(columns: list) -> int:
    """The place of the time among the columns."""
    return [kind for _, kind in columns].index(TIME)


def divided(rows: list[dict], columns: list, minutes: int) -> tuple[list, list]:
    """The rows on time and those that are late, by the rule, as values in the columns' order."""
    sides: tuple[list, list] = ([], [])
    name = columns[time_of(columns)][0]
    mark = None
    for row in rows:
        at = millis(row, name)
        late = mark is not None and at <= mark
        sides[late].append([at if column == name else row[column] for column, _ in columns])
        mark = max(mark or 0, at - minutes * MINUTE)
    return sides


def others(rng: random.Random, size: int) -> list[dict]:
    """Rows of another kind, some of them nothing but a time."""
    rows, now = [], 0
    for _ in range(size):
        now += rng.choice([0, 20, 60, 100])
        at = stamp(now - rng.choice([0, 0, 60, 120, 179, 180, 181, 240, 700]))
        row = {"n": rng.choice([None, 0.5, -1.0]), "why": rng.choice([None, "", "ü"])}
        row |= {"fine": rng.choice([None, True, False]), "sent_at": at}
        rows.append(row | {"read_at": rng.choice([None, 0, 1 << 50])})
        if rng.random() < 0.2:
            rows.append(rows[-1])
    return rows


@pytest.fixture(scope="module")
def two_streams(cluster, seed):
    """Two streams of one job: payments, and rows of other columns and another delay."""
    rng = random.Random(seed + 1)
    edge = [*(payment(s, None, None, s) for s in (1200, 599, 600, 601, 1200, 600)), *BORDERS]
    given = [
        (edge + random_payments(rng, ["a", None], 60), PAYMENTS, 10),
        (others(rng, 60), OTHER, 3),
    ]
    streams = [[columns, minutes, as_lines(rows)] for rows, columns, minutes in given]
    found = cluster.call("run_split", "split", streams)
    return given, found


def values(rows: list) -> list[list]:
    """Rows as lists, without the names that they may have."""
    found = []
    for row in rows:
        named = isinstance(row, list) and len(row) == 2 and isinstance(row[1], list)
        mine = row[1] if named else row
        found.append(mine if isinstance(mine, list) and len(mine) > 3 else [str(mine)] * 9)
    return found


@check("split_late", points=2)
def test_late_by_the_watermark(two_streams):
    """Calls late what is not greater than the watermark it meets, whatever the stream's delay"""
    given, found = two_streams
    for (rows, columns, minutes), both in zip(given, found, strict=True):
        place = time_of(columns)
        times = [row[place] for row in divided(rows, columns, minutes)[1]]
        mine = [row[place] for row in values(both[1])]
        assert sorted(mine, key=repr) == sorted(times, key=repr), (
            f"the watermark is {minutes} minutes behind; of {len(rows)} rows {len(mine)} are "
            f"late, expected {len(times)}; of their times {differences(mine, times)}"
        )


@check("split_late", points=2)
def test_every_row_once(two_streams):
    """Gives each row once, on one of the two sides"""
    given, found = two_streams
    for (rows, columns, minutes), both in zip(given, found, strict=True):
        place = time_of(columns)
        expected = [row[place] for side in divided(rows, columns, minutes) for row in side]
        mine = [row[place] for side in both for row in values(side)]
        assert sorted(mine) == sorted(expected), (
            f"{len(rows)} rows came, {len(mine)} came out on both sides together; of their times "
            f"{differences(mine, expected)}"
        )


@check("split_late")
def test_rows_as_they_are(two_streams):
    """Changes nothing in a row"""
    given, found = two_streams
    for (rows, columns, minutes), both in zip(given, found, strict=True):
        came = [row for side in divided(rows, columns, minutes) for row in side]
        for name, mine in zip(("on_time", "late"), both, strict=True):
            more = [row for row in values(mine) if row not in came]
            assert not more, f"`{name}` has {more[0]}, a row that did not come like this"


@check("split_late")
def test_order_of_rows(two_streams):
    """Keeps the order of what is on time"""
    given, found = two_streams
    for (rows, columns, minutes), both in zip(given, found, strict=True):
        expected = divided(rows, columns, minutes)[0]
        mine = values(both[0])
        other = differences(mine, expected)
        assert mine == expected, (
            f"the rows of `on_time` are others: {other}"
            if other
            else "`on_time` has its rows in another order than that in which they came"
        )


# --------------------------------------------------------------------------------------- alerts


def run_alerts(folder: str, lines: list, minutes: int) -> list:
    """In Flink: the alerts of logins that end."""
    env, t_env = begin(folder, {})
    put(f"{folder}/in.json", lines)
    keep(
        alerts(stream_of(t_env, "logins", f"{folder}/in.json", LOGINS, minutes)),  # noqa: F821
        f"{folder}/out",
    )
    finish(env)
    return kept(f"{folder}/out")


def run_restored(folder: str, first: list, second: list) -> dict:
    """In Flink: alerts until a savepoint, its size, and those of a changed job that goes on."""
    seen = {"out": [], "bytes": 0, "failed": ""}
    place = None
    for number, lines in enumerate((first, second)):
        settings = {"execution.state-recovery.path": place} if place else {}
        env, t_env = begin(folder, settings)
        put(f"{folder}/in/{number}.json", lines)
        stream = stream_of(t_env, "logins", f"{folder}/in", LOGINS, 10, watched=True)
        keep(stream, f"{folder}/seen_{number}")
        if number:  # not chained to the others, so that the graph is another one
            env.set_parallelism(2)
            stream = stream.rebalance().filter(lambda row: True)
        found = alerts(stream)  # noqa: F821 - the learner's
        keep(found.rebalance(), f"{folder}/out_{number}")
        try:
            job = env.execute_async()
        except Exception as error:
            seen["failed"] = str(blamed(error)).removeprefix("job: ")
            return seen
        try:
            size, path = len(lines), f"{folder}/seen_{number}"
            if not wait(job, lambda size=size, path=path: lines_in(path) >= size, LIMIT):
                seen["failed"] = end(job) or "it reads its input again and again, or not at all"
                return seen
            try:
                place = savepoint(job, f"{folder}/savepoints", LIMIT)
            except Exception as error:
                seen["failed"] = end(job) or str(blamed(error)).removeprefix("job: ")
                return seen
        finally:
            end(job)
        seen["out"].append(kept(f"{folder}/out_{number}"))
        if not number:
            below = os.walk(place.removeprefix("file:"))
            seen["bytes"] = sum(os.path.getsize(f"{at}/{n}") for at, _, names in below for n in names)
    return seen


def login(user: str | None, second: float, ok: bool, ip: str | None = "1") -> dict:
    return {"user_id": user, "ok": ok, "ip": ip, "at": stamp(second)}


def found_alerts(rows: list[dict], minutes: int = 10, ended: bool = True) -> list[list]:
    """The alerts by the rules."""
    mark, users, copies = None, {}, set()
    for row in rows:
        at = millis(row, "at")
        if row["user_id"] is not None and (mark is None or at > mark):
            one = (row["user_id"], at, row["ok"], row["ip"])
            if one not in copies:
                copies.add(one)
                users.setdefault(row["user_id"], []).append((at, row["ok"]))
        mark = max(mark or 0, at - minutes * MINUTE)
    found = []
    for user, attempts in users.items():
        failed: list[int] = []
        for at, ok in sorted(attempts):  # false before true
            if not ended and at > mark:
                break
            if not ok:
                failed.append(at)
                continue
            counted = [each for each in failed if each >= at - 10 * MINUTE]
            if len(counted) >= 3:
                found.append([user, counted[0], at, len(counted)])
            failed = []
    return sorted(found)


NAMES = ["user_id", "first_failed_at", "success_at", "failures"]


def as_alerts(rows: list) -> list:
    """Rows of the answer as lists in the columns' order, whether they have names or not."""
    found = []
    for row in rows:
        names, mine = row if len(row) == 2 and isinstance(row[1], list) else (None, row)
        if names and sorted(names) == sorted(NAMES):
            mine = [mine[names.index(name)] for name in NAMES]
        found.append(mine)
    return sorted(found, key=repr)


def random_logins(rng: random.Random, users: int, size: int) -> list[dict]:
    """Attempts in the order of arrival, many at the same time or at a limit."""
    rows, now = [], 0
    names = [*(f"u{n}" for n in range(users)), None]
    for _ in range(size):
        now += rng.choice([0, 10, 10, 20])
        behind = rng.choice([0, 0, 0, 10, 60, 120, 300, 590, 600, 610, 900])
        ok = rng.random() < 0.25
        rows.append(login(rng.choice(names), now - behind, ok, rng.choice(["1", "2", None])))
        if rng.random() < 0.15:
            rows.append(rng.choice(rows[-12:]))
    return rows


def made(user: str, *attempts: str) -> list[dict]:
    """Attempts written as `-60` (a failure, seconds before or after 0) or `+0` with `ok`."""
    return [login(user, int(each.rstrip("ok*")), each.endswith("ok"), each[-1]) for each in attempts]


# Each arrives in this order. The stream's watermark is ten minutes behind the greatest time.
STORIES = {
    "three failures, then a success": made("three", "0", "10", "20", "30ok"),
    "two failures, then a success": made("two", "0", "10", "30ok"),
    "failures exactly ten minutes before": made("exact", "0", "0*", "10", "600ok"),
    "failures a second more than ten minutes before": made("over", "0", "0*", "10", "601ok"),
    "an old failure before three of ten minutes": made("old", "0", "700", "710", "720", "730ok"),
    "another order of arrival": made("order", "30ok", "20", "0", "10"),
    "a failure at the time of the success": made("equal", "30ok", "0", "10", "30"),
    "a success between the failures": made("between", "0", "10", "15ok", "20", "30ok"),
    "two successes": made("twice", "0", "10", "20", "30ok", "40ok"),
    "two successes at the same time": [
        *made("both", "0", "10", "20", "30ok"),
        login("both", 30, True, "2"),
    ],
    "failures, alert, failures, alert": made(
        "again", "0", "10", "20", "30ok", "40", "50", "60", "70", "80ok"
    ),
    "a copy of a failure": made("copy", "0", "10", "10", "0", "30ok"),
    "two failures at the same time from two addresses": made("same", "0", "10", "10*", "30ok"),
    "no user": [row | {"user_id": None} for row in made("x", "0", "10", "20", "30ok")],
    "the user with an empty name": made("", "0", "10", "20", "30ok"),
    "failures and no success": made("none", "0", "10", "20", "30"),
}
# Here the watermark comes to 860 when the attempts before 860 have arrived.
MARK = 860
AT_THE_MARK = {
    "a failure at the watermark, which is late": made("at", "840", "850", "860", "870ok"),
    "a failure a second past the watermark": made("past", "840", "850", "861", "870ok"),
    "a success at the watermark, which is late": made("late", "840", "850", "855", "860ok", "870ok"),
}


def told_stories() -> list[dict]:
    """All stories in one order of arrival."""

    def split(stories: dict, second: int) -> list[list[dict]]:
        every = [row for story in stories.values() for row in story]
        past = [second_of(row, "at") - START.timestamp() >= second for row in every]
        return [[row for row, is_past in zip(every, past, strict=True) if is_past == side]
                for side in (False, True)]  # fmt: skip

    early, late = split(STORIES, 600)
    before, after = split(AT_THE_MARK, MARK)
    return [*early, *late, *before, login("clock", MARK + 600, False), *after]


@pytest.fixture(scope="module")
def evening_of_logins(cluster, seed):
    """Stories and random logins in one job."""
    rng = random.Random(seed + 2)
    rows = told_stories() + [
        row | {"at": stamp(second_of(row, "at") - START.timestamp() + 1800)}
        for row in random_logins(rng, 8, 260)
    ]
    return rows, cluster.call("run_alerts", "logins", as_lines(rows), 10)


@check("alerts", points=2)
def test_stories(evening_of_logins):
    """Knows the pattern in small stories"""
    rows, found = evening_of_logins
    expected, mine = found_alerts(rows), as_alerts(found)
    for title, story in {**STORIES, **AT_THE_MARK}.items():
        user = story[0]["user_id"]
        if user is not None:
            wanted = [row for row in expected if row[0] == user]
            have = [row for row in mine if row and row[0] == user]
            short = [(each["at"][14:19], "ok" if each["ok"] else "failed") for each in story]
            assert have == wanted, f"{title}: after {short} alerts are {have}, expected {wanted}"
    nobody = [row for row in mine if not row or not isinstance(row[0], str)]
    assert not nobody, f"an alert is of no user: {nobody[0]}"


@check("alerts", points=3)
def test_random_logins(evening_of_logins):
    """Gives each alert of many users once, with its numbers"""
    rows, found = evening_of_logins
    expected, mine = found_alerts(rows), as_alerts(found)
    assert mine == expected, (
        f"of {len(expected)} alerts, {differences(mine, expected)} ({', '.join(NAMES)})"
    )


CROWD = 800


def before_the_savepoint() -> list[dict]:
    """Attempts of a crowd that is over, and some users in the middle of a pattern."""
    rows = []
    for number in range(CROWD):
        user, start = f"crowd-{number}", 2395 + number % 60
        rows += [login(user, start + each, False) for each in (0, 1, 2)]
        rows += [login(user, start + 3, True)] if number % 2 else []
    rows.sort(key=lambda row: row["at"])  # the last one 602 seconds before the last watermark
    span = [("a", 0), ("a", 60), ("b", 0), ("b", 30), ("b", 90), ("c", 100)]
    rows += [login(user, 3000 + second, False) for user, second in span]
    # At the savepoint the watermark is 3060: one success is at it, some failures are after it.
    rows += [login("d", 3000 + second, second == 60) for second in (0, 10, 20, 60)]
    return [*rows, login("later", 3660, False)]


def after_the_savepoint() -> list[dict]:
    rows = [("a", 3200, False), ("a", 3210, True), ("b", 3300, True), ("c", 3300, False)]
    rows += [("c", 3400, True), ("later", 3700, False), ("later", 3710, False), ("later", 3720, True)]
    rows = [login(user, second, ok) for user, second, ok in rows]
    # The first one is a copy of an attempt before the savepoint, which the watermark has not passed.
    again = [login("later", 3660, False), login("later", 3660, False, "2")]
    return [*again, *rows, login("end", 6000, False)]


@pytest.fixture(scope="module")
def restored(cluster):
    """Alerts before and after a savepoint."""
    first, second = before_the_savepoint(), after_the_savepoint()
    given = (as_lines(first), as_lines(second))
    return first, second, cluster.call("run_restored", "restored", *given, seconds=LONG)


@check("alerts")
def test_alerts_come_in_time(restored):
    """Gives an alert when the watermark reaches its success"""
    first, _, found = restored
    expected = found_alerts(first, ended=False)
    assert found["out"], f"the job stopped: {found['failed']}"
    mine = as_alerts(found["out"][0])
    assert mine == expected, (
        f"the watermark is 18:51:00; of {len(expected)} alerts until then, "
        f"{differences(mine, expected)}"
    )


@check("alerts", points=2)
def test_state_is_cleared(restored):
    """Keeps no state of users whose attempts are long over"""
    _, _, found = restored
    assert found["bytes"], f"there is no savepoint: {found['failed']}"
    assert found["bytes"] < 10_000, (
        f"{CROWD} users made their last attempt more than ten minutes before the watermark, and five "
        f"users a later one; the savepoint has {found['bytes']:,} bytes, expected less than 10,000 when "
        f"no state of the {CROWD} is left"
    )


@check("alerts", points=2)
def test_alerts_after_a_restart(restored):
    """Goes on from a savepoint, in a job with one more operator and two tasks"""
    first, second, found = restored
    assert len(found["out"]) == 2, (
        f"the changed job did not go on from the savepoint: {found['failed']}"
    )
    done = found_alerts(first, ended=False)
    expected = [row for row in found_alerts(first + second, ended=False) if row not in done]
    mine = as_alerts(found["out"][1])
    assert mine == expected, (
        f"after the restart {differences(mine, expected)} ({', '.join(NAMES)})"
    )


# --------------------------------------------------------------------------- exactly_once_files


def finished(folder: str) -> list[str]:
    """In Flink: the lines of all finished files."""
    return [line for text in files_below(folder).values() for line in text.split("\n")[:-1]]


def last_checkpoint(folder: str) -> str:
    """In Flink: the path of the newest whole checkpoint, if there is one."""
    found = [
        (int(place.rpartition("-")[2]), place)
        for place, _, names in os.walk(f"{folder}/checkpoints")
        if "_metadata" in names
    ]
    return max(found)[1] if found else ""


def run_files(folder: str, first: list, second: list, third: list, every: list) -> dict:
    """In Flink: a job that writes and breaks off, and a changed one that goes on until a savepoint.

    `every` are their intervals. The second one is so long that only the savepoint finishes files.
    """
    from pyflink.common import Types
    from pyflink.datastream import MapFunction

    broken = os.path.abspath(f"{folder}/broken")
    out = os.path.abspath(f"{folder}/out")
    columns = [("text", "STRING"), ("at", "TIMESTAMP_LTZ(3)")]
    passed = os.path.abspath(f"{folder}/passed")
    seen = {"settings": [], "visible": False, "early": {}, "failed": "", "kept": False}

    class Text(MapFunction):
        def map(self, row):
            with open(passed, "a") as file:
                file.write(json.dumps(row.text) + "\n")
            if row.text == "break" and not os.path.exists(broken):
                open(broken, "w").close()
                raise RuntimeError("broken off")
            return row.text

    def start(number: int, place: str):
        settings = {"execution.checkpointing.mode": "AT_LEAST_ONCE"}  # what was there before
        if place:
            settings["execution.state-recovery.path"] = f"file://{os.path.abspath(place)}"
        env, t_env = begin(folder, settings)
        stream = stream_of(t_env, "texts", f"{folder}/in", columns, 10, watched=True)
        texts = stream.map(Text(), output_type=Types.STRING())
        if number:
            texts = texts.rebalance().map(lambda text: text, output_type=Types.STRING())
        exactly_once_files(env, texts, out, every[number])  # noqa: F821 - the learner's
        seen["settings"].append(checkpoints_of(env))
        return env.execute_async()

    put(f"{folder}/in/0.json", first)
    job = start(0, "")
    try:
        seen["visible"] = wait(job, lambda: len(finished(out)) >= len(first), LIMIT)
        seen["early"] = files_below(out)
        if seen["visible"]:
            put(f"{folder}/in/1.json", second)
            wait(job, lambda: "break" in finished(out), LIMIT)  # or until it breaks off
    finally:
        seen["failed"] = end(job)
    place = last_checkpoint(folder)
    seen["kept"] = bool(place)
    if not seen["visible"] or not place:
        return seen
    put(f"{folder}/in/2.json", third)
    os.remove(passed)
    seen["failed"] = ""
    try:
        job = start(1, place)
    except Exception as error:
        seen["failed"] = str(blamed(error)).removeprefix("job: ")
        return seen
    try:
        if wait(job, lambda: {"break", "last"} <= set(kept(passed)), LIMIT):
            savepoint(job, f"{folder}/savepoints", LIMIT)
            seen["late"] = files_below(out)
    except Exception as error:
        seen["failed"] = str(blamed(error)).removeprefix("job: ")
    finally:
        seen["failed"] = end(job) or seen["failed"]
    return seen


def files_below(folder: str) -> dict:
    """In Flink: the finished files by their paths, each with its text."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            if "inprogress" not in name:
                with open(f"{place}/{name}", encoding="utf-8", newline="") as file:
                    found[f"{place}/{name}"] = file.read()
    return found


def checkpoints_of(env) -> list:
    """In Flink: interval, mode, retention and least pause of checkpoints."""
    found = env.get_checkpoint_config()
    each = (found.get_checkpointing_mode(), found.get_externalized_checkpoint_retention())
    names = [str(one).rpartition(".")[2] for one in each]
    return [found.get_checkpoint_interval(), *names, found.get_min_pause_between_checkpoints()]


def run_settings(folder: str, every: int) -> list:
    """In Flink: the settings of checkpoints, without a job."""
    from pyflink.common import Types

    env, _ = begin(folder, {"execution.checkpointing.mode": "AT_LEAST_ONCE"})
    texts = env.from_collection(["a"], type_info=Types.STRING())
    exactly_once_files(env, texts, os.path.abspath(f"{folder}/out"), every)  # noqa: F821
    return checkpoints_of(env)


EVERY = [170, 3_600_000]
FIRST = ["one", "two", "two", "größer", '{"a": "b, c"}', " blank ", ""]
SECOND = ["three", "four", "one", "break"]
THIRD = ["five", "two", "last"]


def as_texts(texts: list[str], second: int) -> list[str]:
    return [json.dumps({"text": text, "at": stamp(second)}) for text in texts]


@pytest.fixture(scope="module")
def written(cluster):
    """What is in files before and after a job broke off."""
    each = [as_texts(texts, n) for n, texts in enumerate((FIRST, SECOND, THIRD))]
    return cluster.call("run_files", "files", *each, EVERY, seconds=LONG)


def lines_of(files: dict) -> list[str]:
    return sorted(line for text in files.values() for line in text.split("\n")[:-1])


@check("exactly_once_files")
def test_settings_of_checkpoints(written):
    """Makes checkpoints as often as asked, exactly once, and keeps them"""
    for every, (interval, mode, retention, pause) in zip(EVERY, written["settings"], strict=False):
        assert interval == every, f"a checkpoint is made every {interval} ms, expected {every}"
        assert pause <= every, f"{pause} ms lie between two checkpoints, expected every {every}"
        assert mode == "EXACTLY_ONCE", f"the mode of checkpoints is {mode}"
        assert retention == "RETAIN_ON_CANCELLATION", f"when the job is cancelled, {retention} holds"


@check("exactly_once_files", points=2)
def test_rows_are_seen_after_a_checkpoint(written):
    """Has rows in finished files once a checkpoint is complete, while the job goes on"""
    found = lines_of(written["early"])
    assert written["visible"], (
        f"{len(FIRST)} rows came, and a checkpoint every {EVERY[0]} ms; within {LIMIT} s finished files "
        f"have {len(found)} lines" + (f": {written['failed']}" if written["failed"] else "")
    )
    assert found == sorted(FIRST), f"finished files have {found}, expected {sorted(FIRST)}"


@check("exactly_once_files", points=3)
def test_exactly_once(written):
    """Neither loses nor doubles a row when the job breaks off and another one goes on"""
    assert written["kept"], "the job broke off, and no checkpoint is left to go on from"
    assert "late" in written, f"a changed job did not go on: {written['failed']}"
    found, expected = lines_of(written["late"]), sorted(FIRST + SECOND + THIRD)
    assert found == expected, (
        f"a job broke off at the row {SECOND[-1]!r}; a changed one went on from its last checkpoint, got "
        f"{THIRD} as well, and was stopped with a savepoint; of the lines that finished files should "
        f"have then, {differences(found, expected)}"
    )


@check("exactly_once_files")
def test_finished_files_stay(written):
    """Never changes a finished file"""
    assert written["visible"], "no file was finished before the job broke off"
    late = written.get("late", {})
    for name, text in written["early"].items():
        assert late.get(name) == text, f"{os.path.basename(name)} was finished, and then changed"


# --------------------------------------------------------------------------------------- choose


def decided(brief: dict) -> dict:
    """What the rules say."""
    once, sink = bool(brief.get("exactly_once")), brief.get("sink")
    latency, state = brief.get("latency_ms"), brief.get("state_gb")
    joins, team = brief.get("event_time_joins"), set(brief.get("team") or [])
    alone = team & {"spark", "flink"}
    musts = {
        "latency": "flink" if latency is not None and latency < 1000 else "",
        "topic": "flink" if once and sink == "kafka" else "",
        "table": "spark" if once and sink == "delta" else "",
        "backfill": "spark" if brief.get("same_code_for_batch") else "",
    }
    wishes = {
        "state": "flink" if state is not None and state > 200 else "",
        "joins": "flink" if joins is not None and joins > 1 else "",
        "team": next(iter(alone)) if len(alone) == 1 else "",
    }
    musts = {name: engine for name, engine in musts.items() if engine}
    wishes = {name: engine for name, engine in wishes.items() if engine}
    if musts:
        engines = set(musts.values())
        return {"engine": engines.pop() if len(engines) == 1 else "both", "reasons": list(musts)}
    votes = list(wishes.values())
    if votes.count("spark") == votes.count("flink"):
        return {"engine": "either", "reasons": list(wishes)}
    engine = max(set(votes), key=votes.count)
    return {"engine": engine, "reasons": [name for name, each in wishes.items() if each == engine]}


def assert_choice(learner, brief: dict, why: str = "") -> None:
    given = copy.deepcopy(brief)
    found, expected = learner.choose(given), decided(brief)
    assert found == expected, f"{why}for {brief} the choice is {found}, expected {expected}"
    assert given == brief, f"afterwards the brief {brief} is {given}"


CALM = {
    "latency_ms": 5000, "sink": "files", "exactly_once": False, "same_code_for_batch": False,
    "state_gb": 5, "event_time_joins": 0, "team": ["spark", "flink"],
}  # fmt: skip
TURNS = {
    "latency": {"latency_ms": 300},
    "topic": {"sink": "kafka", "exactly_once": True},
    "table": {"sink": "delta", "exactly_once": True},
    "backfill": {"same_code_for_batch": True},
    "state": {"state_gb": 900},
    "joins": {"event_time_joins": 3},
    "team": {"team": ["flink"]},
    "the other team": {"team": ["spark"]},
}


@check("choose")
def test_one_signal(learner):
    """Knows each signal by itself, and none"""
    assert_choice(learner, CALM)
    for turn in TURNS.values():
        assert_choice(learner, CALM | turn)


@check("choose", points=2)
def test_two_signals(learner):
    """Lets musts decide before other signals, and counts these"""
    for one, two in itertools.combinations(TURNS.values(), 2):
        assert_choice(learner, CALM | one | two)
    every = {"latency_ms": 1, "same_code_for_batch": True, "state_gb": 201, "event_time_joins": 2}
    assert_choice(learner, CALM | every | {"team": ["flink"]})
    for team in (["spark"], ["flink"]):
        assert_choice(learner, CALM | {"state_gb": 201, "event_time_joins": 2, "team": team})


@check("choose")
def test_limits_of_signals(learner):
    """Takes each limit exactly"""
    for key, limits in {
        "latency_ms": (0, 999, 999.5, 1000, 1001),
        "state_gb": (199, 200, 200.5, 201),
        "event_time_joins": (0, 1, 2),
    }.items():
        for limit in limits:
            assert_choice(learner, CALM | {key: limit})
    for sink, once in itertools.product(("kafka", "delta", "files", None), (True, False, None)):
        assert_choice(learner, CALM | {"sink": sink, "exactly_once": once})


@check("choose")
def test_missing_keys(learner):
    """Takes a missing or null key for a signal that doesn't hold, and other keys for nothing"""
    assert_choice(learner, {})
    assert_choice(learner, {"budget": 3, "latency": 5, "engine": "flink"})
    for turn in TURNS.values():
        assert_choice(learner, turn)
        for key in CALM:
            assert_choice(learner, CALM | {key: None})
            assert_choice(learner, {each: v for each, v in (CALM | turn).items() if each != key})


@check("choose")
def test_teams(learner):
    """Counts the two engines of a team once each, and no other name"""
    for team in (
        [], ["kafka"], ["spark", "kafka"], ["flink", "flink"], ["kafka", "flink", "dbt"],
        ["spark", "flink", "spark"], ["Spark"], ["spark", "spark", "dbt"],
    ):  # fmt: skip
        assert_choice(learner, CALM | {"team": team})
        assert_choice(learner, CALM | {"team": team, "state_gb": 500})


def random_brief(rng: random.Random) -> dict:
    """A brief in which about half of the signals hold."""
    every = {
        "latency_ms": rng.choice([200, 999, 1000, 60_000]),
        "sink": rng.choice(["kafka", "delta", "files"]),
        "exactly_once": rng.random() < 0.5,
        "same_code_for_batch": rng.random() < 0.3,
        "state_gb": rng.choice([1, 200, 201, 5000]),
        "event_time_joins": rng.choice([0, 1, 2, 4]),
        "team": rng.sample(["spark", "flink", "dbt"], rng.randint(0, 3)),
    }
    return {key: value for key, value in every.items() if rng.random() < 0.75}


@check("choose", points=2)
def test_random_briefs(learner, seed):
    """Decides a hundred and fifty briefs by the rules"""
    rng = random.Random(seed)
    for _ in range(150):
        assert_choice(learner, random_brief(rng))
