# ---
# level: senior
# minutes: 90
# needs: [flink]
# datasets: [card_payments, shop_logins]
# topics: [flink, watermarks, keyed state, exactly-once, savepoints]
# ---
# %% [markdown]
# # Answer the same question in Flink
#
# The fraud team wants its alert within a second, and someone said "then we need Flink". You write
# four small pipelines in Flink, stop two of them in the middle and let them go on, and set Flink's
# answer beside Spark's. Then you can say with evidence when you would choose which engine.
#
# **You will learn** to
#
# - declare a watermark in Flink, keep a silent source from holding it back, and keep what is late,
# - find a pattern with keyed state and event-time timers, in a job that survives a restart,
# - write files exactly once, and name what an engine is chosen for.

# %% [markdown]
# ## The data
#
# `card_payments` is an hour of payments of four stores: twelve files, one row for each attempt to
# deliver a payment. `shop_logins` is an hour of login attempts in the order of their arrival. Some
# rows of both come late, and some come twice. All times are UTC.

# %%
import json
import os

import labkit
from labkit.checks.parts import server

lab = labkit.open("flink_pipeline")
spark = lab.spark
files = sorted(lab.data("card_payments").glob("*.json"))
logins = (lab.data("shop_logins") / "logins.json").read_text()
print(*files[0].read_text().splitlines()[:3], *logins.splitlines()[:3], sep="\n")

# %% [markdown]
# Flink runs beside this notebook, in a Python of its own: its packages contradict Spark's. A
# function of the notebook goes there as text, so it imports Flink *inside*. These functions are
# given. The first starts Flink on a small cluster in one process.


# %%
def open_flink() -> tuple:
    """In Flink: its environment for streams, and the one for tables on top of it."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    os.environ["JVM_ARGS"] = "--add-opens=java.base/java.util=ALL-UNNAMED"
    known = {
        "python.execution-mode": "thread",  # Python runs inside Flink's JVM
        "pipeline.auto-watermark-interval": "1 ms",
        "table.local-time-zone": "UTC",
        "table.exec.resource.default-parallelism": "1",
        "restart-strategy.type": "none",
        "execution.checkpointing.dir": f"file://{os.getcwd()}/checkpoints",
    }
    configuration = Configuration()
    for key, value in known.items():
        configuration.set_string(key, value)
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    env.set_parallelism(1)
    return env, StreamTableEnvironment.create(env)


# %% [markdown]
# The second makes a table of JSON files, the third a stream of such a table. Its rows have their
# time in milliseconds since 1970, as a number, and a watermark ten minutes behind. A folder that is
# watched never ends: Flink looks for new files all the time.


# %%
def make_table(t_env, name: str, path: str, columns: str, watched: bool = False) -> None:
    """In Flink: a table of JSON files; `columns` as in SQL."""
    watch = ", 'source.monitor-interval' = '20 ms'" if watched else ""
    t_env.execute_sql(f"""
        CREATE TEMPORARY TABLE {name} ({columns}) WITH (
            'connector' = 'filesystem', 'path' = 'file://{os.path.abspath(path)}',
            'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'{watch})""")


def make_stream(t_env, name: str, path: str, columns: list, watched: bool = False):
    """In Flink: the rows of JSON files as a stream with a watermark ten minutes behind.

    `columns` are pairs of a name and a type; the last one is the time of the row.
    """
    from pyflink.common import Row, Types
    from pyflink.datastream import ProcessFunction

    names = [column for column, _ in columns]
    declared = ", ".join(f"`{column}` {kind}" for column, kind in columns)
    mark = f"WATERMARK FOR `{names[-1]}` AS `{names[-1]}` - INTERVAL '10' MINUTE"
    make_table(t_env, name, path, f"{declared}, {mark}", watched)
    kinds = {"STRING": Types.STRING(), "DOUBLE": Types.DOUBLE(), "BOOLEAN": Types.BOOLEAN()}
    types = [kinds[kind] for _, kind in columns[:-1]] + [Types.LONG()]

    class WithTime(ProcessFunction):
        def process_element(self, row, context):
            plain = Row(*list(row)[:-1], context.timestamp())
            plain.set_field_names(names)
            yield plain

    rows = t_env.to_data_stream(t_env.from_path(name))
    return rows.process(WithTime(), output_type=Types.ROW_NAMED(names, types))


# %% [markdown]
# The last one waits for a job to end and returns its rows. `PAYMENTS` and `LOGINS` are the columns.

# %%
TIME = "TIMESTAMP_LTZ(3)"
PAYMENTS = [
    *(("event_id", "STRING"), ("store_id", "STRING"), ("card_id", "STRING")),
    *(("amount", "DOUBLE"), ("event_time", TIME)),
]
LOGINS = [("user_id", "STRING"), ("ok", "BOOLEAN"), ("ip", "STRING"), ("at", TIME)]


def rows_of(stream) -> list[list]:
    """In Flink: runs a job to its end; the rows of the stream, as lists."""
    with stream.execute_and_collect() as rows:
        return [list(row) for row in rows]


# %% [markdown]
# A watermark says: older rows need not be expected any more. Spark moves it after a micro-batch.
# Flink sends it along with the rows, so it moves *between two rows*: here after each row, in many
# other jobs every 200 ms (`pipeline.auto-watermark-interval`). The cell below shows the watermark
# that each payment of the first file meets, in minutes before the payment.


# %%
def look(path: str) -> list[list]:
    """In Flink: the minutes from the watermark to each payment, if there is a watermark."""
    from pyflink.datastream import ProcessFunction

    class Look(ProcessFunction):
        def process_element(self, row, context):
            mark = context.timer_service().current_watermark()
            behind = (context.timestamp() - mark) / 60_000 if mark > 0 else None
            yield [row.event_id, behind]

    _, t_env = open_flink()
    return rows_of(make_stream(t_env, "first", path, PAYMENTS).process(Look()))


with server("flink", look, open_flink, make_table, make_stream, rows_of) as flink:
    flink.write({"first.json": files[0].read_text()})
    for event_id, behind in flink.call("look", "first.json")[:8]:
        print(event_id, "no watermark yet" if behind is None else f"{behind:6.2f} minutes")

# %% [markdown]
# ## Task 1: revenue of five minutes
#
# Write `windowed(t_env, payments)`. `payments` is the name of a table with the columns `PAYMENTS`
# and without a watermark. It returns a `Table` with one row for each store and window of five
# minutes. The columns, in this order:
#
# | column | type | meaning |
# |---|---|---|
# | `window_start`, `window_end` | `TIMESTAMP(3)` | start and end of the window |
# | `store_id` | `STRING` | |
# | `revenue` | `DOUBLE` | the sum of the amounts |
# | `payments` | `BIGINT` | the number of rows, those without an amount included |
#
# - Windows begin at full five minutes. The start belongs to the window, the end doesn't.
# - The watermark is the greatest `event_time` so far minus ten minutes.
# - A window comes out once, when the watermark has reached its end, and is never corrected.
# - A payment whose window has come out is dropped. No other payment is.
# - A source that sends nothing for half a second doesn't hold the watermark back.
# - Payments without a store count for the store null.
# - A payment that was sent twice counts twice.
# - The function can be called for several tables in one `t_env`, before any of them runs.
#
# Every row has an `event_time`. The revenue of a window without any amount may be null or 0.
# Declare the watermark in SQL or in a `Schema`: then it moves with each row. `t_env` has a setting
# for silent sources; its default is to wait for ever.


# %%
def windowed(t_env, payments: str):
    """Revenue and payments of each store in windows of five minutes, each window once."""
    # BEGIN SOLUTION: give the table a watermark, and add up each store and window
    t_env.get_config().set("table.exec.source.idle-timeout", "500 ms")
    t_env.execute_sql(f"""
        CREATE TEMPORARY TABLE timed_{payments} (
            WATERMARK FOR event_time AS event_time - INTERVAL '10' MINUTE
        ) LIKE {payments}""")
    return t_env.sql_query(f"""
        SELECT window_start, window_end, store_id, SUM(amount) AS revenue, COUNT(*) AS payments
        FROM TABLE(
            TUMBLE(TABLE timed_{payments}, DESCRIPTOR(event_time), INTERVAL '5' MINUTES))
        GROUP BY window_start, window_end, store_id""")
    # END SOLUTION


# %% [markdown]
# The checks run your table over files that end, and over a watched folder with two parallel
# sources of which one has nothing to read.

# %%
lab.check("windowed")

# %% [markdown]
# ## Task 2: keep what is late
#
# A window drops late rows without a word. Write `split_late(stream)`. It takes a stream with a
# watermark and returns two streams, `(on_time, late)`.
#
# - A row is late if its time is not greater than the watermark that it meets.
# - The watermark is that of the stream, whatever its delay.
# - Each row comes out once, in one of the two. A row that was sent twice comes out twice.
# - Rows come out as they are, with all their columns in their order.
# - Rows of `on_time` keep the order in which they came.
# - Columns differ from stream to stream. Each may be null, but the time.
# - The function can be called for several streams of one job.
#
# The row's time is its timestamp in Flink. A
# [`ProcessFunction`](https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/datastream/operators/process_function/)
# sees each row, its timestamp and the watermark. It can send a row to a
# [side output](https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/datastream/side_output/).


# %%
def split_late(stream):
    """The rows that are on time, and those that the watermark has passed."""
    # BEGIN SOLUTION: send late rows to a side output
    from pyflink.datastream import OutputTag, ProcessFunction

    is_late = OutputTag("late", stream.get_type())

    class Split(ProcessFunction):
        def process_element(self, row, context):
            late = context.timestamp() <= context.timer_service().current_watermark()
            if late:
                yield is_late, row
            else:
                yield row

    on_time = stream.process(Split(), output_type=stream.get_type())
    return on_time, on_time.get_side_output(is_late)
    # END SOLUTION


# %%
lab.check("split_late")

# %% [markdown]
# ## Task 3: alerts from keyed state
#
# Somebody tries passwords, and then one fits. Write `alerts(stream)`. `stream` has the columns
# `LOGINS`, with `at` in milliseconds, and a watermark. It returns a stream of rows with the columns
# `user_id`, `first_failed_at`, `success_at` and `failures`, in this order; times are milliseconds.
#
# **The pattern**
#
# - An alert is a success (`ok` is true) with at least three failures of the same user before it.
# - Only failures in the ten minutes before the success count; exactly ten minutes before counts.
# - Attempts are taken in the order of `at`, whatever the order of their arrival.
# - Of attempts with the same `at`, failures come before the success.
# - A success uses up all failures before it, with or without an alert. They count for no later one.
# - `first_failed_at` is the time of the earliest failure that counts, `failures` their number.
#
# **The rows**
#
# - A row that is late, as in Task 2, is ignored. So are rows without a user.
# - A row that is equal to an earlier one in all columns is a copy, and counts once.
# - `ip` may be null; `ok` and `at` are not.
#
# **The job**
#
# - An alert comes out once, when the watermark reaches the time of its success.
# - No state is left of a user when the watermark is more than ten minutes past the last attempt.
# - The job can be stopped with a savepoint, and another one goes on from there. That holds for
#   another parallelism too, and for a job that has one more operator before yours.
#
# A job that was restored meets no watermark until its first row has come. What becomes of rows that
# would have been late before is up to you.
#
# Use a
# [`KeyedProcessFunction`](https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/datastream/operators/process_function/#the-keyedprocessfunction).
# State belongs to one key, and so does a timer. Flink finds the state of an operator again by its
# `uid`.


# %%
def alerts(stream):
    """Successes after three failures or more within ten minutes, user by user."""
    # BEGIN SOLUTION: collect attempts until the watermark passes them, then look for the pattern
    from pyflink.common import Row, Types
    from pyflink.datastream import KeyedProcessFunction
    from pyflink.datastream.state import ListStateDescriptor, MapStateDescriptor

    ten_minutes = 600_000

    class Pattern(KeyedProcessFunction):
        def open(self, context):
            attempts = MapStateDescriptor("waiting", Types.LONG(), Types.PICKLED_BYTE_ARRAY())
            self.waiting = context.get_map_state(attempts)  # those of each time
            self.failed = context.get_list_state(ListStateDescriptor("failed", Types.LONG()))

        def process_element(self, row, context):
            if row.at <= context.timer_service().current_watermark():
                return
            attempts = self.waiting.get(row.at) or []
            if (row.ok, row.ip) not in attempts:
                self.waiting.put(row.at, [*attempts, (row.ok, row.ip)])
                context.timer_service().register_event_time_timer(row.at)

        def on_timer(self, now, context):
            attempts = self.waiting.get(now) or []
            self.waiting.remove(now)
            failed = [at for at in self.failed.get() or [] if at >= now - ten_minutes]
            failed += [now for ok, _ in attempts if not ok]
            if any(ok for ok, _ in attempts):
                if len(failed) >= 3:
                    yield Row(context.get_current_key(), failed[0], now, len(failed))
                failed = []
            self.failed.clear()
            if failed:
                self.failed.update(failed)
                context.timer_service().register_event_time_timer(failed[-1] + ten_minutes + 1)

    names = ["user_id", "first_failed_at", "success_at", "failures"]
    types = [Types.STRING(), Types.LONG(), Types.LONG(), Types.LONG()]
    known = stream.filter(lambda row: row.user_id is not None)
    users = known.key_by(lambda row: row.user_id, key_type=Types.STRING())
    return users.process(Pattern(), output_type=Types.ROW_NAMED(names, types)).uid("pattern")
    # END SOLUTION


# %% [markdown]
# One check makes a savepoint after attempts of hundreds of users and looks at its size; another
# restores it in a job with one more operator and two parallel tasks.

# %%
lab.check("alerts")

# %% [markdown]
# ## Task 4: files, exactly once
#
# Write `exactly_once_files(env, stream, folder, every)`. It sets up checkpoints in `env`, and has
# `stream`, a stream of text, written to files below `folder`, a path as text. The caller starts the
# job.
#
# - Each element is a line in UTF-8, without anything added. Equal ones are lines of their own.
# - A finished file is one without `inprogress` in its name. Readers look at finished files alone,
#   and these never change.
# - A checkpoint is made every `every` milliseconds, in the mode *exactly once*.
# - Once a checkpoint or a savepoint is complete, all rows before it are in finished files.
# - A checkpoint is kept when the job is cancelled.
# - When a job breaks off, another one can go on from its last checkpoint. Afterwards each row is in
#   the finished files once. That holds also for a job that has one more operator before yours.
#
# [`FileSink`](https://nightlies.apache.org/flink/flink-docs-stable/docs/connectors/datastream/filesystem/)
# finishes files in two steps. Its default rule for starting a new file looks at size and clock.


# %%
def exactly_once_files(env, stream, folder: str, every: int) -> None:
    """Writes a stream of text to files, each row once, whatever happens to the job."""
    # BEGIN SOLUTION: set checkpoints, and a sink that finishes its files with them
    from pyflink.common import Encoder
    from pyflink.datastream import CheckpointingMode, ExternalizedCheckpointRetention
    from pyflink.datastream.connectors.file_system import FileSink, RollingPolicy

    env.enable_checkpointing(every, CheckpointingMode.EXACTLY_ONCE)
    kept = ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION
    env.get_checkpoint_config().set_externalized_checkpoint_retention(kept)
    lines = FileSink.for_row_format(folder, Encoder.simple_string_encoder("UTF-8"))
    lines = lines.with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
    stream.sink_to(lines.build()).uid("files")
    # END SOLUTION


# %%
lab.check("exactly_once_files")

# %% [markdown]
# ## Task 5: choose an engine
#
# Two teams argue, and each argues for what it knows. The house agrees on signals. A brief is a
# dict, and a signal holds or doesn't.
#
# | signal | holds if | speaks for |
# |---|---|---|
# | `latency` | `latency_ms` is less than 1000 | Flink, must |
# | `topic` | `sink` is `kafka` and `exactly_once` is true | Flink, must |
# | `table` | `sink` is `delta` and `exactly_once` is true | Spark, must |
# | `backfill` | `same_code_for_batch` is true | Spark, must |
# | `state` | `state_gb` is greater than 200 | Flink |
# | `joins` | `event_time_joins` is greater than 1 | Flink |
# | `team` | `team` has exactly one of `spark` and `flink` | that one |
#
# `choose(brief)` returns a dict with `engine`, a text, and `reasons`, a list of names of signals.
#
# - If a must holds for one engine only, it is `spark` or `flink`. The reasons are its musts.
# - If musts hold for both, the engine is `both`, and the reasons are all musts that hold.
# - If no must holds, the engine with more of the other signals wins. The reasons are its signals.
# - If these are equal in number, or there are none, the engine is `either`. The reasons are all
#   signals that hold.
# - Reasons stand in the order of the table.
# - A key may be missing or null: then its signal doesn't hold. Other keys say nothing.
# - `team` is a list of names; other names in it, and repeated ones, say nothing.
# - `brief` stays as it was.


# %%
def choose(brief: dict) -> dict:
    """The engine that the house's rules choose, and the signals that decided."""
    # BEGIN SOLUTION: find the signals that hold, then let musts decide before the others

    def above(key, limit):
        return brief.get(key) is not None and brief[key] > limit

    latency = brief.get("latency_ms")
    once = bool(brief.get("exactly_once"))
    known = {"spark", "flink"}.intersection(brief.get("team") or [])
    alone = known.pop() if len(known) == 1 else ""
    musts = [
        ("latency", "flink", latency is not None and latency < 1000),
        ("topic", "flink", once and brief.get("sink") == "kafka"),
        ("table", "spark", once and brief.get("sink") == "delta"),
        ("backfill", "spark", bool(brief.get("same_code_for_batch"))),
    ]
    others = [
        ("state", "flink", above("state_gb", 200)),
        ("joins", "flink", above("event_time_joins", 1)),
        ("team", alone, bool(alone)),
    ]
    held = [(name, engine) for name, engine, holds in musts if holds]
    if held:
        engines = {engine for _, engine in held}
        engine = engines.pop() if len(engines) == 1 else "both"
        return {"engine": engine, "reasons": [name for name, _ in held]}
    held = [(name, engine) for name, engine, holds in others if holds]
    flink, spark = (sum(engine == each for _, engine in held) for each in ("flink", "spark"))
    if flink == spark:
        return {"engine": "either", "reasons": [name for name, _ in held]}
    engine = "flink" if flink > spark else "spark"
    return {"engine": engine, "reasons": [name for name, each in held if each == engine]}
    # END SOLUTION


# %%
lab.check("choose")

# %% [markdown]
# ## Put it together
#
# First the same question to both engines: the revenue of five minutes, with a watermark of ten.
# Flink may read the files of a folder in any order, so it gets one file with the rows of all
# twelve, in the order of their arrival. Payments without a time are left out: Spark drops them in
# silence, Flink's watermark stops the job.


# %%
def run_windows() -> list[list]:
    """In Flink: the windows of the evening."""
    _, t_env = open_flink()
    columns = ", ".join(f"`{column}` {kind}" for column, kind in PAYMENTS)
    make_table(t_env, "evening", "evening.json", columns)
    with windowed(t_env, "evening").execute().collect() as rows:
        return [[f"{row[0]:%H:%M}", row[2], row[4]] for row in rows]


def run_split(paths: list[str]) -> list[int]:
    """In Flink: the numbers of late payments of each file, each in a job of its own."""
    found = []
    for path in paths:
        _, t_env = open_flink()
        _, late = split_late(make_stream(t_env, "evening", path, PAYMENTS))
        found.append(len(rows_of(late)))
    return found


def run_alerts() -> list[list]:
    """In Flink: the alerts of the evening."""
    _, t_env = open_flink()
    return rows_of(alerts(make_stream(t_env, "logins", "logins.json", LOGINS)))


# %% [markdown]
# All three run in one process of Flink. Half of the evening is run once more by itself: as if the
# job had been stopped and restored there.

# %%
lines = [line for path in files for line in path.read_text().splitlines()]
lines = [line + "\n" for line in lines if json.loads(line)["event_time"]]
half = len(lines) // 2
answers = {}
if lab.written("windowed", "split_late", "alerts"):
    with server(
        "flink", open_flink, make_table, make_stream, rows_of, run_windows, run_split, run_alerts,
        windowed, split_late, alerts,
    ) as flink:  # fmt: skip
        parts = {"evening": lines, "first": lines[:half], "second": lines[half:]}
        flink.write({f"{name}.json": "".join(part) for name, part in parts.items()})
        flink.write({"logins.json": logins})
        answers["flink"] = {(start, store): n for start, store, n in flink.call("run_windows")}
        answers["late"] = flink.call("run_split", [f"{name}.json" for name in parts])
        answers["alerts"] = flink.call("run_alerts")
    for row in sorted(answers["alerts"], key=lambda row: row[2]):
        print(row)

# %% [markdown]
# Spark reads the twelve files as a stream, three in a micro-batch. The truth is a batch.

# %%
from pyspark.sql import functions as F

EVENTS = "event_id string, store_id string, card_id string, amount double, event_time timestamp"


def counted(payments) -> dict:
    """The number of payments by start of window and store."""
    grouped = payments.groupBy(F.window("event_time", "5 minutes"), "store_id").count()
    start = F.date_format("window.start", "HH:mm")
    return grouped.select(start.alias("start"), "store_id", "count")


if answers:
    folder = str(files[0].parent)
    reader = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 3)
    windows = counted(reader.json(folder).withWatermark("event_time", "10 minutes"))
    writer = windows.writeStream.format("memory").queryName("windows").outputMode("append")
    writer.trigger(availableNow=True).start().awaitTermination()
    truth = counted(spark.read.schema(EVENTS).json(folder)).where("start IS NOT NULL")
    for name, frame in {"spark": spark.table("windows"), "truth": truth}.items():
        answers[name] = {(row[0], row[1]): row[2] for row in frame.collect()}

# %% [markdown]
# Compare windows that all three have. Spark let its last windows wait; Flink's source ended, and
# an end moves the watermark to infinity.

# %%
if answers:
    both = sorted(set(answers["spark"]) & set(answers["truth"]))
    print("windows: ", {name: len(answers[name]) for name in ("flink", "spark", "truth")})
    print("payments:", {
        name: sum(answers[name].get(key, 0) for key in both) for name in ("flink", "spark", "truth")
    })  # fmt: skip
    for start, store in both:
        found = [answers[name].get((start, store), 0) for name in ("flink", "spark", "truth")]
        if len(set(found)) > 1:
            print(start, f"{store:8}", "flink {:3}  spark {:3}  truth {:3}".format(*found))

# %% [markdown]
# Same rows, same windows, same watermark of ten minutes, and two answers. Flink's watermark moves
# with each row, and so drops more than Spark, whose watermark waits for the end of a micro-batch.
# Neither is wrong: both keep what is at most ten minutes behind.
#
# Now the late rows of the evening, in one job and in two.

# %%
if answers:
    whole, first, second = answers["late"]
    print(f"late in one run: {whole}; in two halves: {first} + {second} = {first + second}")

# %% [markdown]
# ## In practice
#
# - **After a restore.** In Flink a watermark is *not* part of a checkpoint; only windows in SQL
#   keep theirs. A restored job begins without one, as the second half above did: until its first
#   row has come, nothing is late for it. Spark writes its watermark into the checkpoint and goes on
#   with it. So in Flink a function that looks at the watermark may let in a few rows that it would
#   have called late.
# - **Checkpoint or savepoint.** A checkpoint is Flink's own, made all the time and replaced by the
#   next one. A savepoint is yours: made on demand, kept, and portable between versions. Stop a job
#   with a savepoint when you deploy.
# - **Without `uid`**, Flink names operators by their place in the graph. One more operator, and the
#   state of the others is not found. Set one wherever there is state, from the first day.
# - **Exactly once has a price in latency.** Flink handles a row in milliseconds, but a sink of two
#   phases shows it after the next checkpoint. A consumer that must not wait reads uncommitted rows,
#   and handles repeats.
# - **Aligned and unaligned.** A barrier waits for the slowest input. Under backpressure checkpoints
#   become slow; unaligned ones overtake rows in flight, and store them.
# - **Backpressure** shows in the web UI, operator by operator: the first that is busy after one
#   that is backpressured is the cause.
# - **State** lives on the heap or in RocksDB. Larger than memory means RocksDB and incremental
#   checkpoints, and time to restore grows with it.
# - **Kafka.** Idleness is for each partition there, and a connector is a jar of its own whose
#   version follows Flink's. Here files stand for topics.
# - **What it costs.** A second engine is a second way to deploy, a second set of metrics, and
#   people who can be called at night for it. What it does better must be worth that.
#
# **On Databricks** there is no Flink. Real-time mode, `transformWithState` and a cluster that is
# always on go further than micro-batches of some seconds. Look up which operators your version
# allows, and measure, before you pay for a second engine.


# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. A team that runs Spark well asks for Flink. What do you ask them?
# 2. No window has come out for an hour, and rows do arrive. Where do you look?
# 3. What has to be true of source, engine and sink for *exactly once*?
# 4. A Flink job is restored after a deploy, and its state is gone. How can that be?
# 5. What does a watermark guarantee after a restart, in Spark and in Flink?
# 6. A job is backpressured. How do you find the cause, and what happens to its checkpoints?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Which latency, end to end, with which loss if it is missed; where the result goes and whether
#    it must be exactly once there; how much state; whether history must run through the same code;
#    and who is on call. Under a second, or a transactional topic, speaks for Flink. A Delta table
#    and backfills speak for Spark.
# 2. At the watermark, source by source. The slowest input sets it, so one silent partition stops
#    it, unless it is marked idle. Then at clocks: one row in the future moves the watermark, and
#    the rest is late, so it is dropped.
# 3. The source can be read again from a position, that position and the state are stored together,
#    and the sink commits with them or refuses repeats. A side effect inside a function is not
#    covered.
# 4. An operator has no `uid`, and the graph changed; or the job was started without the savepoint;
#    or the state was in a Python attribute. Without `allowNonRestoredState` Flink refuses to start
#    in the first case.
# 5. Spark stores it in the checkpoint, and goes on with it. Flink doesn't, except for windows in
#    SQL: it starts at minus infinity and moves with the first rows. Neither loses a row that is on
#    time, but Flink may let in rows that would have been late before.
# 6. In the graph of the web UI, upstream operators are backpressured, and the first busy one after
#    them is the cause: skew, a slow call, a slow sink. Barriers wait behind rows, so checkpoints
#    take longer, and with them the commits of a sink; unaligned ones help until the cause is
#    removed.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Flink, [Timely stream processing](https://nightlies.apache.org/flink/flink-docs-stable/docs/concepts/time/)
# - Apache Flink, [Savepoints](https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/state/savepoints/)
# - Apache Flink, [Fault tolerance via state snapshots](https://nightlies.apache.org/flink/flink-docs-stable/docs/learn-flink/fault_tolerance/)
# - Apache Flink, [Monitoring back pressure](https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/monitoring/back_pressure/)
