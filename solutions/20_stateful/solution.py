# ---
# level: senior
# minutes: 75
# needs: []
# datasets: [courier_day]
# topics: [structured streaming, transformWithState, state, event time, timers]
# ---
# %% [markdown]
# # Keep state per key with transformWithState
#
# A courier's fraud desk wants "three failed logins, then a success, within ten minutes". Its
# logistics desk wants "no scan for two hours". Windows of a fixed length find neither. You write
# stateful processors whose answers depend on event times alone, whose state stays small, and which
# forget nothing when the job restarts. Then you read the state back before a deploy.
#
# **You will learn** to
#
# - find a pattern in event-time order, although rows arrive in any order,
# - report what did *not* happen, with timers, and say when that is proven,
# - keep a memory for 24 hours of event time, hand it to a new query, and look inside a checkpoint.

# %% [markdown]
# ## The data
#
# `courier_day` holds twelve hours of a depot, in two folders. A file has the rows that arrived in
# 90 minutes, and is one micro-batch here. `logins` has one row for each delivery of a login: some
# come minutes late, some twice. `scans` has one row for each time that a handheld sent a scan of a
# parcel. All times are UTC and whole seconds.

# %%
import json
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import labkit

lab = labkit.open("stateful")
spark = lab.spark
folder = lab.data("courier_day")
LOGINS = "user_id string, at timestamp, ok boolean, ip string"
SCANS = "event_id string, parcel_id string, at timestamp, hub string, delivered boolean"
for name, ddl in (("logins", LOGINS), ("scans", SCANS)):
    spark.read.schema(ddl).json(str(folder / name)).orderBy("at").show(3, truncate=False)

# %% [markdown]
# `transformWithState` keeps its state in RocksDB, a store on disk, and refuses Spark's default
# store. The setting counts when a query first starts; a restart uses what its checkpoint says.

# %%
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

PROVIDER = "spark.sql.streaming.stateStore.providerClass"
spark.conf.set(
    PROVIDER, "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
)

# %% [markdown]
# Timers count milliseconds since 1970. In the function below a time without a zone is UTC, because
# the processes of this lab run in UTC. Two more functions open a folder as a stream with a
# watermark of ten minutes, and run a stream to its end.


# %%
def millis(time: datetime) -> int:
    """A time as timers count it."""
    return round(time.timestamp() * 1000)


def moment(milliseconds: int) -> datetime:
    """The time of a timer, with its zone."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def stream_of(source: Path | str, ddl: str) -> DataFrame:
    """A folder as a stream: one file a micro-batch, ten minutes of patience."""
    reader = spark.readStream.schema(ddl).option("maxFilesPerTrigger", 1)
    return reader.json(str(source)).withWatermark("at", "10 minutes")


def play(stream: DataFrame, checkpoint: str | None = None) -> list[list[Row]]:
    """Runs a stream over all files there are; the rows of each micro-batch."""
    out: list[list[Row]] = []
    writer = stream.writeStream.foreachBatch(lambda rows, number: out.append(rows.collect()))
    checkpoint = checkpoint or tempfile.mkdtemp(dir=lab.scratch)
    query = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    query.awaitTermination()
    for one in query.recentProgress:
        state = one["stateOperators"][0]
        print(
            f"batch {one['batchId']}: watermark {one['eventTime'].get('watermark', '-')[11:16]}, "
            f"{one['numInputRows']} rows in, {state['numRowsDroppedByWatermark']} dropped, "
            f"{state['numRowsTotal']} rows of state"
        )
    return out


# %% [markdown]
# ## What a processor sees
#
# Spark calls a processor once a key and micro-batch: `handleInputRows` with the rows of the key, in
# no order, then `handleExpiredTimer` once for each timer that the watermark has reached. Spark
# passes the arguments of the latter by name, so they must be called `key`, `timerValues` and
# `expiredTimerInfo`. This one tells what it sees. It sets a timer at the time of each row, and from
# a timer one more, a second later.


# %%
class Tracer(StatefulProcessor):
    """Tells each call."""

    def init(
        self,
        handle: StatefulProcessorHandle,  # gives access to state and timers
    ) -> None:
        self.handle = handle

    def handleInputRows(
        self,
        key,  # a tuple
        rows,  # an iterator
        timerValues,  # tells the watermark
    ) -> Iterator[Row]:
        for row in rows:
            self.handle.registerTimer(millis(row.at))
            yield Row(text=f"{key[0]}: row of {row.at:%H:%M}")

    def handleExpiredTimer(
        self,
        key,
        timerValues,
        expiredTimerInfo,  # tells the timer's time
    ) -> Iterator[Row]:
        due = expiredTimerInfo.getExpiryTimeInMs()
        if due % 60_000 == 0:
            self.handle.registerTimer(due + 1000)
        yield Row(text=f"{key[0]}: timer of {moment(due):%H:%M:%S}")


# %% [markdown]
# `write_files` makes a small source: one list of rows, one file. The file that brings 13:00 puts
# the watermark at 12:50, for the *next* file.


# %%
def write_files(place: Path, ddl: str, *files: list[tuple]) -> Path:
    """A new folder with a JSON file for each list of rows, a minute of modification time apart."""
    made = Path(tempfile.mkdtemp(dir=place))
    for number, rows in enumerate(files):
        path = made / f"{number:02d}.json"
        names = [part.split()[0] for part in ddl.split(", ")]
        texts = [json.dumps(dict(zip(names, row, strict=True)), default=stamp) for row in rows]
        path.write_text("\n".join(texts))
        os.utime(path, (60 * number, 60 * number))
    return made


def stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def on_the_day(clock: str) -> str:
    return f"2026-03-10T{clock}:00Z"


small = write_files(
    lab.scratch,
    "user_id string, at timestamp",
    [("ann", on_the_day("12:00")), ("bob", on_the_day("12:30"))],
    [("ann", on_the_day("12:25")), ("bob", on_the_day("13:00"))],
    [("ann", on_the_day("12:24")), ("ann", on_the_day("12:19")), ("bob", on_the_day("13:10"))],
    [("bob", on_the_day("13:11"))],
)
traced = stream_of(small, "user_id string, at timestamp").groupBy("user_id")
calls = play(traced.transformWithState(Tracer(), "text string", "append", "eventTime"))
for number, rows in enumerate(calls):
    print(number, *[row.text for row in rows], sep="\n    ")

# %% [markdown]
# - In batch 2 the watermark is 12:50, and `ann: row of 12:24` reaches the processor. Spark drops
#   rows by the watermark of the batch *before*, 12:20. So a row that is older than the watermark of
#   its batch is normal, and it comes before the timers.
# - Timers fire in the order of time, also those that a row has set in the past a moment ago.
# - A timer that a *timer* sets in the past waits for the next micro-batch: `12:00:01` fires in
#   batch 2, although the watermark of batch 1 was 12:20.
# - `row.at` of a `Row` has the zone of the session. The same value read back from state has none.
#   Python refuses to compare the two, so keep `millis`.
#
# All three streams of this lab come with a watermark on `at`. Its delay is ten minutes here and may
# differ elsewhere. Your functions set no second one. Keys, times, hubs, `ok` and `delivered` are
# never null. Keys that differ in case or blanks are different keys.
#
# ## Task 1: three failures, then a success
#
# Write `fraud(logins)`. It takes a stream with the columns of `LOGINS` and returns a stream for
# append mode, with one row for each suspicious success. The columns, in this order:
#
# | column | type | meaning |
# |---|---|---|
# | `user_id` | string | |
# | `first_failed_at` | timestamp | the time of the first failure that counts |
# | `success_at` | timestamp | |
# | `failures` | long | how many failures count |
#
# What counts:
#
# - The failures of a success are those of its user, after the user's success before it, and at most
#   ten minutes before it. Exactly ten minutes counts.
# - Three failures or more make a success suspicious.
# - The order is that of `at`, whatever the order of arrival. At equal times failures come first:
#   they count for the success of that time, and not for the one after it.
# - Rows that are equal in all four columns are one login. Failures of one time with different `ip`
#   are several, and a null is an `ip` like any other.
# - All successes of a user at one time are one success.
# - Every row that Spark hands over counts, also one that is older than the watermark of its file.
#
# What the query must hold to:
#
# - A row comes out once, with the first file at which the watermark has reached `success_at`. Not
#   earlier: an older row may still come.
# - A restart from the checkpoint changes nothing.
# - Once the watermark is ten minutes past the last login of a user, nothing of that user is kept.
# - A user who fails all day doesn't fill the state: a failure that is more than ten minutes older
#   than the watermark is not kept.
# - The session's time zone changes no row.
#
# See
# [`transformWithState`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.GroupedData.transformWithState.html)
# and
# [`StatefulProcessorHandle`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.ss/api/pyspark.sql.streaming.StatefulProcessorHandle.html).
# Classes of your own go into the function, or into a cell above it.


# %%
def fraud(logins: DataFrame) -> DataFrame:
    """Successes that follow three or more failures within ten minutes, each once."""

    # BEGIN SOLUTION: keep logins until the watermark has passed them, judge each success by a timer
    class Fraud(StatefulProcessor):
        patience = 10 * 60_000

        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            # A map is a set of logins: a copy finds itself.
            self.logins = handle.getMapState("logins", "at long, ok boolean, ip string", "n int")

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            for row in rows:
                at = millis(row.at)
                self.logins.updateValue((at, row.ok, row.ip), (1,))
                if row.ok:
                    self.handle.registerTimer(at)
                self.handle.registerTimer(at + self.patience)
            return iter([])

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            now = expiredTimerInfo.getExpiryTimeInMs()
            past = [login for login, _ in self.logins.iterator() if login[0] <= now]
            succeeded = any(at == now and ok for at, ok, _ in past)
            failed = [at for at, ok, _ in past if not ok and at >= now - self.patience]
            for login in past:
                if succeeded or login[0] <= now - self.patience:
                    self.logins.removeKey(login)
            if succeeded and len(failed) >= 3:
                yield Row(
                    user_id=key[0],
                    first_failed_at=moment(min(failed)),
                    success_at=moment(now),
                    failures=len(failed),
                )

    schema = "user_id string, first_failed_at timestamp, success_at timestamp, failures long"
    return logins.groupBy("user_id").transformWithState(Fraud(), schema, "append", "eventTime")
    # END SOLUTION


# %% [markdown]
# The check plays five files, one a micro-batch, and restarts the query in the middle of several
# patterns. Each user is a case. It looks at which rows come out with which file, and at what the
# state holds at the end.

# %%
lab.check("fraud")

# %% [markdown]
# ## Task 2: what did not happen
#
# "No scan for two hours" looks like one timer a key: each scan moves it, and when it fires, that is
# the alert. Here is that processor, as it stands in many jobs.


# %%
class OneTimer(StatefulProcessor):
    """The last scan of a parcel and a timer two hours after it."""

    def init(
        self,
        handle: StatefulProcessorHandle,  # gives access to state and timers
    ) -> None:
        self.handle = handle
        self.last = handle.getValueState("last", "at long")

    def handleInputRows(
        self,
        key,  # a tuple
        rows,  # an iterator
        timerValues,  # tells the watermark
    ) -> Iterator[Row]:
        newest = max(millis(row.at) for row in rows)
        if self.last.exists():
            self.handle.deleteTimer(self.last.get()[0] + 7_200_000)
        self.last.update((newest,))
        self.handle.registerTimer(newest + 7_200_000)
        return iter([])

    def handleExpiredTimer(
        self,
        key,
        timerValues,
        expiredTimerInfo,  # tells the timer's time
    ) -> Iterator[Row]:
        self.last.clear()
        yield Row(parcel_id=key[0], alert_at=moment(expiredTimerInfo.getExpiryTimeInMs()))


# %% [markdown]
# It gets the scans of two parcels twice: each in a file of its own, as live, and all in one file,
# as after an outage or in a replay. `p1` rests for three hours after 08:00 and for good after
# 11:30. The same scans give it two alerts, and then one.

# %%
times = [("p1", "08:00"), ("p2", "10:30"), ("p2", "10:40"), ("p1", "11:00"), ("p1", "11:30")]
times += [("p2", "14:00")]
scanned = [(f"e{n}", one, on_the_day(at), "Bari", False) for n, (one, at) in enumerate(times)]
end = [("e9", "p2", on_the_day("20:00"), "Bari", False)]
for name, files in (("live", [*([row] for row in scanned), end]), ("replay", [scanned, end])):
    by_parcel = stream_of(write_files(lab.scratch, SCANS, *files), SCANS).groupBy("parcel_id")
    alerts = by_parcel.transformWithState(
        OneTimer(), "parcel_id string, alert_at timestamp", "append", "eventTime"
    )
    found = [row for batch in play(alerts) for row in batch if row.parcel_id == "p1"]
    print(name, [f"{row.alert_at:%H:%M}" for row in found])

# %% [markdown]
# A timer that is moved answers "has it been quiet until now", and *now* depends on how rows were
# grouped into files. Write `stalled(scans)`, whose answer depends on the scans alone. It takes a
# stream with the columns of `SCANS` and returns a stream for append mode, with one row for each
# stall. The columns, in this order:
#
# | column | type | meaning |
# |---|---|---|
# | `parcel_id` | string | |
# | `last_hub` | string | the hub of the scan after which nothing happened |
# | `last_at` | timestamp | the time of that scan |
# | `alert_at` | timestamp | two hours later |
#
# What counts:
#
# - A parcel stalls after a scan if it has no later scan within two hours. A scan exactly two hours
#   later is in time.
# - A parcel can stall several times. A stall counts also if the next scan is here already when the
#   watermark reaches `alert_at`.
# - A delivery is a scan, so it can be in time for the scan before it. After a delivery a parcel
#   doesn't stall.
# - A scan after a delivery is one like any other: the parcel came back, and can stall again.
# - Scans of a parcel at one time are one scan. It is a delivery if one of them is. Its hub is the
#   last one in alphabetical order.
# - `event_id` doesn't matter.
# - Every row that Spark hands over counts, as in Task 1.
#
# What the query must hold to:
#
# - A row comes out once, with the first file at which the watermark has reached `alert_at`.
# - A restart from the checkpoint changes nothing.
# - Once the watermark has reached a delivery that no later scan follows, nothing of the parcel is
#   kept, no timer either.
# - Once the watermark has reached `alert_at` of a parcel's last scan, nothing of it is kept.
# - A parcel that goes in circles doesn't fill the state: a scan that is more than two hours older
#   than the watermark is not kept.
#
# `deleteTimer` of the handle takes the time of a timer.


# %%
def stalled(scans: DataFrame) -> DataFrame:
    """Scans that no other scan of the parcel follows within two hours, each once."""

    # BEGIN SOLUTION: a timer for each scan; when it fires, look for a scan that followed
    class Stalled(StatefulProcessor):
        patience = 2 * 60 * 60_000

        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.scans = handle.getMapState("scans", "at long", "hub string, delivered boolean")

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            for row in rows:
                at = millis(row.at)
                hub, delivered = self.scans.getValue((at,)) or ("", False)
                delivered = delivered or row.delivered
                self.scans.updateValue((at,), (max(hub, row.hub), delivered))
                self.handle.registerTimer(at + self.patience)
                if delivered:
                    self.handle.registerTimer(at)
            return iter([])

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            now = expiredTimerInfo.getExpiryTimeInMs()
            past = {at: scan for (at,), scan in self.scans.iterator() if at <= now}
            if now in past and past[now][1]:  # nothing before a delivery can stall any more
                over = list(past)
            else:
                over = [at for at in past if at <= now - self.patience]
            last = now - self.patience
            if max(past, default=None) == last and not past[last][1]:
                yield Row(
                    parcel_id=key[0],
                    last_hub=past[last][0],
                    last_at=moment(last),
                    alert_at=moment(now),
                )
            for at in over:
                self.scans.removeKey((at,))
                hub, delivered = self.scans.getValue((at + self.patience,)) or ("", False)
                if not delivered:  # else a delivery needs the same timer
                    self.handle.deleteTimer(at + self.patience)

    schema = "parcel_id string, last_hub string, last_at timestamp, alert_at timestamp"
    return scans.groupBy("parcel_id").transformWithState(Stalled(), schema, "append", "eventTime")
    # END SOLUTION


# %% [markdown]
# The check plays five files with a restart. Two of its parcels have the same scans: one live, the
# other in one file.

# %%
lab.check("stalled")

# %% [markdown]
# ## Task 3: each event once in 24 hours
#
# A handheld that gets no answer sends a scan again, up to a day later, with a new time `at`.
# `dropDuplicatesWithinWatermark` remembers for the delay of the watermark, ten minutes. A longer
# delay would hold back everything else. The `ttlDurationMs` of a state variable is counted by the
# clock, and a query in event time refuses it.
#
# Write `dedupe_ttl(events, seen)`. `events` is a stream with the columns `event_id string`,
# `at timestamp` and any others. It returns a stream for append mode with the columns of `events`,
# in their order and with their types. `seen` is a batch frame (`event_id string`, `at timestamp`):
# what an older query has let out, as if it had come out of this one before the first file.
#
# What counts:
#
# - An event comes out with the file that brings it, unless it is a copy.
# - It is a copy if an event of the same `event_id` has come out, and its own `at` is at most 24
#   hours later than the newest `at` of those that came out. Exactly 24 hours later is a copy, and
#   so is any earlier time.
# - A copy changes nothing: the 24 hours count from the event that came out.
# - Events of one file count in the order of `at`. Of copies at one time any one comes out.
# - `seen` may be empty. It may have an `event_id` several times; the newest `at` counts.
# - Every row that Spark hands over counts, as in Task 1.
#
# What the query must hold to:
#
# - A restart from the checkpoint changes nothing. It comes with the same `seen`.
# - Once the watermark is 24 hours past the newest event that came out for an `event_id`, nothing of
#   it is kept.
#
# `transformWithState` has a parameter `initialState`, a grouped frame. The processor gets its rows
# in `handleInitialState(key, initialState, timerValues)`, one call a row, before the first file. It
# may set timers there.


# %%
def dedupe_ttl(events: DataFrame, seen: DataFrame) -> DataFrame:
    """Each event once in 24 hours of event time, counted from the one that came out."""

    # BEGIN SOLUTION: remember the time of what came out, and forget it by a timer
    class Dedupe(StatefulProcessor):
        memory = 24 * 60 * 60_000

        def init(self, handle: StatefulProcessorHandle) -> None:
            self.handle = handle
            self.out = handle.getValueState("out", "at long")

        def remember(self, at: int) -> bool:
            """Whether an event of this time is none of the 24 hours after the last one."""
            last = self.out.get()
            if last and at <= last[0] + self.memory:
                return False
            self.out.update((at,))
            self.handle.registerTimer(at + self.memory)
            return True

        def handleInitialState(self, key, initialState, timerValues) -> None:
            at, last = millis(initialState.at), self.out.get()
            if not last or at > last[0]:
                self.out.update((at,))
                self.handle.registerTimer(at + self.memory)

        def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
            for row in sorted(rows, key=lambda row: row.at):
                if self.remember(millis(row.at)):
                    yield row

        def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
            # An older timer may find a newer event, which stays.
            if self.out.get()[0] + self.memory <= expiredTimerInfo.getExpiryTimeInMs():
                self.out.clear()
            return iter([])

    return events.groupBy("event_id").transformWithState(
        Dedupe(), events.schema, "append", "eventTime", initialState=seen.groupBy("event_id")
    )
    # END SOLUTION


# %% [markdown]
# The check plays four files over three days, with a restart.

# %%
lab.check("dedupe_ttl")

# %% [markdown]
# ## Task 4: what is in a checkpoint
#
# A deploy changes the code of a processor. What does the old one remember? Two sources of Spark
# read a checkpoint: `state-metadata` names the operators and, in `operatorProperties`, their time
# mode and state variables. `statestore` reads one variable, or the timers.
#
# Write `inspect(spark, checkpoint)`. `checkpoint` is the folder of a query with one stateful
# operator, a `transformWithState`. It returns a batch frame with one row for each value, list
# element, map entry and timer that its state holds after the last finished micro-batch. All columns
# are strings, in this order:
#
# | column | meaning |
# |---|---|
# | `kind` | `value`, `list`, `map` or `timer` |
# | `variable` | the name of the state variable; null for a timer |
# | `key` | the grouping key as JSON, such as `{"user_id":"ann"}` |
# | `map_key` | the key of a map's entry as JSON; null for other kinds |
# | `value` | the value as JSON; of a timer its time in milliseconds, such as `1773144000000` |
#
# - The function knows no name of a variable: it finds all of them in the checkpoint.
# - A query may have no timers, or timers of the clock; no variables, or variables without a row.
# - The JSON is that of `to_json`: an object with the fields of the key or value, as they are called
#   in the state. A null may be left out.
#
# See the
# [state data source](https://spark.apache.org/docs/latest/streaming/structured-streaming-state-data-source.html).
# It has no setting for RocksDB: the checkpoint says which store wrote it.


# %%
def inspect(spark: SparkSession, checkpoint: str) -> DataFrame:
    """All state of a transformWithState query: one row for each value, element, entry and timer."""
    # BEGIN SOLUTION: read each variable that the metadata names, and the timers
    state = spark.read.format("statestore").option("path", checkpoint)
    metadata = spark.read.format("state-metadata").load(checkpoint)
    properties = json.loads(metadata.first()["operatorProperties"])
    empty = "kind string, variable string, key string, map_key string, value string"
    found = spark.createDataFrame([], empty)

    def rows_of(rows: DataFrame, kind: str, variable: str | None, value: str) -> DataFrame:
        none = F.lit(None).cast("string")
        return rows.select(
            F.lit(kind).alias("kind"),
            F.lit(variable).cast("string").alias("variable"),
            F.to_json("key").alias("key"),
            (F.to_json("user_map_key") if kind == "map" else none).alias("map_key"),
            (F.col(value).cast("string") if kind == "timer" else F.to_json(value)).alias("value"),
        )

    values = {"value": "value", "list": "list_element", "map": "user_map_value"}
    for variable in properties["stateVariables"]:
        kind = variable["stateVariableType"].removesuffix("State").lower()
        if kind in values:
            rows = state.option("stateVarName", variable["stateName"]).load()
            found = found.union(rows_of(rows, kind, variable["stateName"], values[kind]))
    if properties["timeMode"] != "NoTime":
        timers = spark.read.format("statestore").option("readRegisteredTimers", "true")
        rows = timers.load(checkpoint)
        found = found.union(rows_of(rows, "timer", None, "expiration_timestamp_ms"))
    return found
    # END SOLUTION


# %% [markdown]
# The checks make three checkpoints with processors of their own.

# %%
lab.check("inspect")

# %% [markdown]
# ## Put it together
#
# First the fraud desk's day. The file in which a row arrives and the one with which an alarm leaves
# are not the same. Look at the state: the robots fail all day, and it doesn't grow.

# %%
if lab.written("fraud"):
    for number, rows in enumerate(play(fraud(stream_of(folder / "logins", LOGINS)))):
        for user, _, time, failures in rows:
            print(f"    batch {number}: {user} at {time:%H:%M} after {failures} failures")

# %% [markdown]
# Now a deploy. The old query de-duplicates the first five files of scans. `inspect` shows what it
# remembers.

# %%
SEEN = "event_id string, at timestamp"
names = sorted((folder / "scans").iterdir())
files = [[tuple(row) for row in spark.read.schema(SCANS).json(str(one)).collect()] for one in names]
morning = write_files(lab.scratch, SCANS, *files[:5])
evening = write_files(lab.scratch, SCANS, *files[5:])
old = tempfile.mkdtemp(dir=lab.scratch)
let_out: list[Row] = []
if lab.written("dedupe_ttl"):
    nothing = spark.createDataFrame([], SEEN)
    batches = play(dedupe_ttl(stream_of(morning, SCANS), nothing), old)
    let_out = [row for batch in batches for row in batch]
if let_out and lab.written("inspect"):
    inspect(spark, old).orderBy("key", "kind").show(4, truncate=False)

# %% [markdown]
# The new query has a new checkpoint. With an empty `seen` it lets copies of the morning out a
# second time; with what came out before it doesn't.

# %%
kept: list[list[Row]] = []
if let_out:
    seen = spark.createDataFrame([(row.event_id, row.at) for row in let_out], SEEN)
    for name, memory in (("empty", nothing), ("handed over", seen)):
        kept = play(dedupe_ttl(stream_of(evening, SCANS), memory))
        ids = [row.event_id for batch in [let_out, *kept] for row in batch]
        print(f"    seen {name}: {len(ids) - len(set(ids))} events came out twice")

# %% [markdown]
# The logistics desk gets the scans without copies. A file of them is what one micro-batch let out.
# Two stateful queries with a folder or a table between them are easier to restart, replay and look
# into than one query with two operators.

# %%
if kept and lab.written("stalled"):
    once = [[tuple(row) for row in rows] for rows in [*batches, *kept] if rows]
    alerts = play(stalled(stream_of(write_files(lab.scratch, SCANS, *once), SCANS)))
    for row in [row for rows in alerts for row in rows][:8]:
        print(f"    {row.parcel_id} in {row.last_hub} since {row.last_at:%H:%M}")

# %% [markdown]
# ## In practice
#
# - **Something else must move time.** A timer fires in a micro-batch, by the watermark of all keys.
#   If the whole source is silent, nobody hears that a parcel stalls. Have sources that may be
#   silent send a heartbeat row, and set an alarm on the age of the watermark.
# - **A filter can stop time.** Spark moves a filter on other columns below `withWatermark`. Rows
#   that are filtered away no longer move the watermark, wherever the filter stands in your code.
# - **Task 2 is nearly a session window.** A session with a gap of two hours ends where a stall
#   begins. But it keeps a delivered parcel for two more hours, as any other; a timer lets it go.
# - **One wrong clock fires all timers.** A row from next year moves the watermark there, and every
#   parcel stalls. Drop rows from the future before the watermark.
# - **Timers are rows.** Each one is stored twice, by key and by time, and `numRowsTotal` doesn't
#   count them. Millions of pending timers show only in the size of checkpoints.
# - **State has a shape.** A changed schema of a variable is refused at the restart, unless the
#   state is encoded as Avro (`spark.sql.streaming.stateStore.encodingFormat`) and the change is one
#   that Avro allows. Otherwise start a new query with `initialState`, as `dedupe_ttl` does, or
#   replay.
# - **RocksDB lives outside of the heap.** Set `boundedMemoryUsage` before containers are killed for
#   memory that no JVM metric shows. Changelog checkpoints upload what changed instead of snapshots.
# - **The number of partitions stays.** The first micro-batch of a stateful query fixes its number
#   of shuffle partitions, and no restart changes it. Choose it for the largest day that you expect.
#   Spark 4.2 can repartition the state of a stopped query, but that API is experimental.
#
# **On Databricks**, `transformWithState` runs in streaming jobs and pipelines, and the state reader
# is the same. Flink's `KeyedProcessFunction` has the same parts. Its CEP library writes Task 1 as a
# pattern, and its savepoints move state between versions of a job, which Spark leaves to you.

# %% [markdown]
# ## Interview follow-ups
#
# 1. When is it safe to say that something did not happen?
# 2. Why can't you keep state in an attribute of the processor?
# 3. A job gives other alerts in a replay than it gave live. Where do you look?
# 4. The state of your job grows by a gigabyte a day. How do you find out why?
# 5. You must add a field to the state of a job that can't lose its memory. How do you deploy?
# 6. When do you take Flink instead?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. When the watermark has passed the end of the time in which it should have happened. Before that
#    an older row may still come. After that Spark drops it, so the answer can't become wrong, only
#    incomplete: count what is dropped.
# 2. Spark makes a new copy of the processor for each task of each micro-batch. The attribute is
#    shared by all keys of a task, gone with the next micro-batch, and in no checkpoint. It seems to
#    work in a test with one key and one file.
# 3. Look for anything that depends on how rows were grouped into micro-batches: timers that are
#    moved, "now", rows compared with the watermark, the order of rows in a call, processing time. A
#    replay has large micro-batches, and the watermark stands still within each.
# 4. Read the state with the state data source: rows by variable, then the largest keys and the
#    oldest times. Then ask which code removes such a row, and whether it is ever called: keys that
#    never come again need a timer. `numRowsTotal` over time shows when it began.
# 5. Test whether the change is one that the encoding allows. If not, run the new version beside the
#    old one with a new checkpoint, give it the old state as `initialState` or replay as much as it
#    needs to remember, compare the outputs, switch the sink. Read the old state before and count.
# 6. When one operator needs a latency of milliseconds for each event, patterns as in CEP, or state
#    that moves between versions by savepoints. If the team and the platform are Spark's, and
#    seconds are fine, the second engine costs more than it gives.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [Structured Streaming
#   guide: transformWithState](https://spark.apache.org/docs/latest/streaming/structured-streaming-transform-with-state.html)
# - Apache Spark, [State data source
#   reader](https://spark.apache.org/docs/latest/streaming/structured-streaming-state-data-source.html)
# - Apache Flink, [Process
#   function](https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/datastream/operators/process_function/)
# - Tyler Akidau, Slava Chernyak, Reuven Lax, *Streaming Systems*, chapter 7: the practicalities of
#   persistent state

# %%
lab.next()
