"""Checks of lab 20: five files make five micro-batches; each user, parcel or event is a case."""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor

from labkit.checks import (
    AnswerError,
    Case,
    MicroBatch,
    add_file,
    assert_columns,
    assert_rows,
    cases,
    check,
    collect,
    file_stream,
    forget_last_commit,
    run_stream,
    settings,
    with_batches,
)

HINTS = {
    "fraud": [
        "A success can't be judged when it comes: an older failure, or an older success, may still "
        "be on its way. When is that over? What does Spark call at that moment?",
        "`handleInputRows` only keeps the logins and sets timers. `handleExpiredTimer` of the time "
        "of a success sees all logins up to it, and judges.",
        "Each login needs one more timer, at the time from which on it can't count any more. After "
        "a success everything up to it can go.",
        "A map state whose key is the whole login is a set: a copy finds itself.",
    ],
    "stalled": [
        "Let each scan have a timer of its own, and don't move it. When it fires, which scans are "
        "known for certain?",
        "The timer of a scan fires two hours after it. The scan stalled if the newest scan up to "
        "then is that one, and if it is no delivery.",
        "A timer at the time of a delivery can clear what lies before it. The timers of those "
        "scans are still pending: `deleteTimer` takes their time.",
    ],
    "dedupe_ttl": [
        "One value per `event_id` is enough: the time of the event that came out last.",
        "Sort the rows of a call by `at`. Compare each with the value, not with the watermark: "
        "that one says when to forget, not what a copy is.",
        "When an event comes out while an older timer is pending, that timer fires as well. What "
        "must it look at before it clears?",
    ],
    "inspect": [
        "`operatorProperties` of `state-metadata` is JSON: `timeMode`, and `stateVariables` with "
        "`stateName` and `stateVariableType`.",
        "The option `stateVarName` chooses a variable. The columns differ: `value`, "
        "`list_element`, or `user_map_key` and `user_map_value`. Print one schema of each.",
        "`readRegisteredTimers` is an option of its own, and a reader keeps its options. A query "
        "without timers refuses it.",
    ],
}

LOGINS = "user_id string, at timestamp, ok boolean, ip string"
FRAUD = "user_id string, first_failed_at timestamp, success_at timestamp, failures long"
SCANS = "event_id string, parcel_id string, at timestamp, hub string, delivered boolean"
STALLED = "parcel_id string, last_hub string, last_at timestamp, alert_at timestamp"
EVENTS = "at timestamp, event_id string, text string"
SEEN = "event_id string, at timestamp"
INSPECTED = "kind string, variable string, key string, map_key string, value string"
ROCKS = {
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    )
}
NOON = datetime(2025, 5, 1, 12)
SECOND = 1 / 60  # in minutes


def at(minutes: float) -> datetime:
    return NOON + timedelta(seconds=round(minutes * 60))


def names(ddl: str) -> list[str]:
    return [part.split()[0] for part in ddl.split(", ")]


# ------------------------------------------------------------------------------------------- runs


@dataclass(frozen=True)
class Plan:
    """Files of a run: the newest minute of each but the last, and the delay of the watermark.

    `clock` makes the row that brings this minute. The query restarts before file `restart`.
    """

    ddl: str
    out: str
    key: str
    newest: Sequence[float]
    delay: float
    clock: Callable[[float], tuple]
    restart: int = 3

    def watermark(self, number: int) -> float:
        """The watermark of a file in minutes."""
        return self.newest[number - 2] - self.delay if number > 1 else -1e9

    def due(self, minute: float, arrived: int = 1) -> int | None:
        """The first file, not before `arrived`, at which the watermark has reached this minute."""
        files = range(arrived, len(self.newest) + 2)
        return next((number for number in files if self.watermark(number) >= minute), None)

    def may_bring(self, minute: float) -> list[int]:
        """The files in which a row of this minute is not dropped and moves nothing."""
        return [
            number
            for number, newest in enumerate(self.newest, 1)
            if self.watermark(number - 1) < minute <= newest
        ]


@dataclass
class Run:
    """What a stream did over all files: its micro-batches, and its checkpoint."""

    plan: Plan
    batches: list[MicroBatch]
    checkpoint: Path
    spark: SparkSession

    @cached_property
    def state(self) -> dict[str, list[str]]:
        """What is kept after the last file, as JSON, by the JSON of each part of a key."""
        return read_state(self.spark, self.checkpoint)

    def rows_of(self, key: str) -> list[tuple[int, Row]]:
        """The rows of a key, each with the number of its file."""
        return [
            (batch.number + 1, row)
            for batch in self.batches
            for row in batch.rows
            if row[self.plan.key] == key
        ]

    def kept_of(self, key: str) -> list[str]:
        """What the state holds of a key after the last file, as JSON."""
        return self.state.get(json.dumps(key), [])


def files_of(plan: Plan, given: Iterable[dict[int, list[tuple]]], rng: random.Random) -> list:
    """The rows of all cases, by file and in random order; each file has its row of the clock."""
    files = [[plan.clock(minute)] for minute in (*plan.newest, plan.newest[-1] + 1)]
    for rows in given:
        for number, some in rows.items():
            files[number - 1] += some
    for rows in files:
        rng.shuffle(rows)
    return files


def drive(learner_stream, spark, plan: Plan, files: list, source: Path, checkpoint: Path) -> Run:
    """An answer over all files, stopped and started again before file `plan.restart`."""
    batches: list[MicroBatch] = []
    cut = plan.restart - 1
    with settings(spark, ROCKS):
        for leg in (files[:cut], files[cut:]):
            for rows in leg:
                add_file(source, names(plan.ddl), rows)
            stream = file_stream(spark, plan.ddl, source)
            answer = learner_stream(stream.withWatermark("at", f"{plan.delay} minutes"))
            assert_columns(answer, plan.out)
            batches += run_stream(answer, checkpoint)
    return Run(plan, batches, checkpoint, spark)


def read_state(spark, checkpoint: Path) -> dict[str, list[str]]:
    """All state and timers of a checkpoint as JSON, by each text of the grouping key.

    Of any stateful operator: the checkpoint says which there are.
    """
    path = str(checkpoint)
    found: dict[str, list[str]] = defaultdict(list)
    for operator in spark.read.format("state-metadata").load(path).collect():
        properties = json.loads(operator.operatorProperties or "{}")
        options = [
            {"stateVarName": variable["stateName"]}
            for variable in properties.get("stateVariables", ())
            if not variable["stateName"].startswith("$")
        ]
        if properties.get("timeMode", "NoTime") != "NoTime":
            options.append({"readRegisteredTimers": "true"})
        if not properties:
            options.append({"storeName": operator.stateStoreName})
        for chosen in options:
            reader = spark.read.format("statestore").option("operatorId", operator.operatorId)
            rows = reader.options(**chosen).load(path).drop("partition_id")
            text = F.to_json(F.struct(*[name for name in rows.columns if name != "key"]))
            for key, value in rows.select(F.to_json("key"), text).collect():
                for part in json.loads(key).values():
                    found[json.dumps(part)].append(value)
    return found


def assert_case(run: Run, key: str, expected: list[tuple[int, tuple]], by: str) -> None:
    """The rows of a key are these, whatever file they came out with."""
    found = [row for _, row in run.rows_of(key)]
    try:
        assert_rows(found, [row for _, row in expected], key=by, columns=run.plan.out)
    except AssertionError as error:
        raise AssertionError(with_batches(f"{key}: {error}", run.batches)) from None


def assert_times(run: Run, expected: dict[str, list[tuple[int, tuple]]], by: str) -> None:
    """Rows that are expected came out with their file."""
    place = names(run.plan.out).index(by)
    for key, wanted in expected.items():
        due = {row[place]: number for number, row in wanted}
        for number, row in run.rows_of(key):
            right = due.get(row[by])
            if right is not None and number != right:
                when = "early" if number < right else "late"
                raise AssertionError(
                    with_batches(
                        f"{key}: the row with {by} {row[by]:%H:%M:%S} came out with file {number}, "
                        f"too {when}. The watermark reaches that time with file {right}",
                        run.batches,
                    )
                )
    for key, wanted in expected.items():
        seen = {row[by] for _, row in run.rows_of(key)}
        lost = [(number, row[place]) for number, row in wanted if row[place] not in seen]
        if lost:
            raise AssertionError(
                with_batches(
                    f"{key}: the row with {by} {lost[0][1]:%H:%M:%S} was due with file "
                    f"{lost[0][0]} and never came out",
                    run.batches,
                )
            )


def assert_nothing_kept(run: Run, keys: Iterable[tuple[str, str]]) -> None:
    """The state holds nothing of these keys after the last file; each with the reason why."""
    end = at(run.plan.watermark(len(run.batches)))
    for key, why in keys:
        kept = run.kept_of(key)
        assert not kept, (
            f"after the last file the watermark is {end:%H:%M}. {key}: {why}. The state still "
            f"holds {len(kept)} row{'s' * (len(kept) > 1)} of it, such as "
            f"{min(kept, key=len)[:160]}"
        )


def assert_small(run: Run, long: str, short: str, why: str) -> None:
    """The state of a key with a long past is about that of its twin without one."""
    sizes = [sum(map(len, run.kept_of(key))) for key in (long, short)]
    assert sizes[0] <= 1.1 * sizes[1] + 40, (
        f"after the last file the state holds {sizes[0]} characters of `{long}` and {sizes[1]} of "
        f"`{short}`. Both have the same rows of late; {why}"
    )


# ------------------------------------------------------------------------------------------ fraud

LOGIN_FILES = Plan(
    LOGINS, FRAUD, "user_id", (30, 60, 90, 120), 5, lambda m: ("clock", at(m), True, "0")
)


def fails(*minutes: float, ip: str | None = "1") -> list[tuple]:
    return [(minute, False, ip) for minute in minutes]


def succeeds(*minutes: float, ip: str | None = "1") -> list[tuple]:
    return [(minute, True, ip) for minute in minutes]


def alarm(first: float, success: float, failures: int, *, arrived: int = 1) -> tuple:
    """What comes out: the file, then the row without its user."""
    return LOGIN_FILES.due(success, arrived), (at(first), at(success), failures)


LOGIN_CASES = [
    Case(
        "three",
        "Reports a success after three failures or more, and how many they were",
        given={
            "three": {1: [*fails(1, 2, 3), *succeeds(4)]},
            "five": {1: [*fails(1, 2, 3, 4, 5), *succeeds(6)]},
            "two": {1: [*fails(1, 2), *succeeds(4)]},
            "none": {1: succeeds(1)},
            "never in": {1: fails(1, 2, 3, 4)},
            "many": {1: [*fails(*(n / 4 for n in range(44))), *succeeds(11)]},
        },
        after={
            "three": [alarm(1, 4, 3)],
            "five": [alarm(1, 6, 5)],
            "many": [alarm(1, 11, 40)],
        },
        points=2,
    ),
    Case(
        "ten_minutes",
        "Counts a failure exactly ten minutes before the success, and none that is older",
        given={
            "on the limit": {1: [*fails(1, 5, 9), *succeeds(11)]},
            "a second over": {1: [*fails(1, 5, 9), *succeeds(11 + SECOND)]},
            "old ones": {1: [*fails(0, 1, 5, 8, 9), *succeeds(14)]},
            "on the limit later": {2: fails(41, 42, 43), 3: succeeds(51)},
        },
        after={
            "on the limit": [alarm(1, 11, 3)],
            "old ones": [alarm(5, 14, 3)],
            "on the limit later": [alarm(41, 51, 3)],
        },
    ),
    Case(
        "previous_success",
        "Counts only failures after the user's success before",
        given={
            "between": {1: [*fails(1, 2), *succeeds(3), *fails(4), *succeeds(5)]},
            "again at once": {1: [*fails(1, 2, 3), *succeeds(4, 5)]},
            "twice": {1: [*fails(1, 2, 3), *succeeds(4), *fails(5, 6, 7, 8), *succeeds(9)]},
            "late success": {1: [*fails(20, 21, 22), *succeeds(24)], 2: succeeds(21.5)},
        },
        after={
            "again at once": [alarm(1, 4, 3)],
            "twice": [alarm(1, 4, 3), alarm(5, 9, 4)],
        },
    ),
    Case(
        "order",
        "Goes by event time: failures and success may come in any order, in any files",
        given={
            "backwards": {1: [*succeeds(13), *fails(12, 11, 10, 3)]},
            "success first": {1: succeeds(12), 2: fails(8, 9, 10)},
            "success between": {1: [*fails(8, 16), *succeeds(17)], 2: fails(9, 10, 18)},
            "failure after": {1: [*fails(8, 9, 16), *succeeds(10)]},
        },
        after={
            "backwards": [alarm(3, 13, 4)],
            "success first": [alarm(8, 12, 3)],
            "success between": [alarm(8, 17, 4)],
        },
        points=2,
    ),
    Case(
        "equal_times",
        "Takes a failure at the time of a success for one before it, and for none of the next",
        given={
            "same time": {1: [*fails(1, 2, 3), *succeeds(3)]},
            "same time, first": {1: [*succeeds(3), *fails(3, 2, 1)]},
            "not for the next": {1: [*succeeds(3), *fails(3, 4, 5), *succeeds(6)]},
            "same time, later": {1: [*fails(1, 2), *succeeds(3)], 2: fails(3)},
        },
        after={
            "same time": [alarm(1, 3, 3)],
            "same time, first": [alarm(1, 3, 3)],
            "same time, later": [alarm(1, 3, 3)],
        },
    ),
    Case(
        "copies",
        "Takes rows that are equal in all columns for one login, in one file or in two",
        given={
            "in a file": {1: [*fails(1, 1, 2), *succeeds(3)]},
            "in two files": {1: [*fails(1, 2), *succeeds(3)], 2: fails(1, 2)},
            "without ip": {1: [*fails(1, 1, 2, ip=None), *succeeds(3)]},
            "three and copies": {1: [*fails(1, 1, 2, 3, 3), *succeeds(4, 4)], 2: succeeds(4)},
            "after a while": {2: fails(50, 52, 52), 3: [*fails(50, 52), *succeeds(54)]},
        },
        after={"three and copies": [alarm(1, 4, 3)]},
    ),
    Case(
        "ips",
        "Counts failures of one time from different ips, a null among them",
        given={
            "three ips": {
                1: [*fails(1, ip="1"), *fails(1, ip="2"), *fails(1, ip=None), *succeeds(3)]
            },
            "two ips": {1: [*fails(1, ip="1"), *fails(1, ip=None), *succeeds(3)]},
            "no text": {
                1: [*fails(1, ip=""), *fails(1, ip=None), *fails(1, ip=" "), *succeeds(3)]
            },
            "other ip": {1: [*fails(1, 2, 3, ip="7"), *succeeds(4, ip="8")]},
        },
        after={
            "three ips": [alarm(1, 3, 3)],
            "no text": [alarm(1, 3, 3)],
            "other ip": [alarm(1, 4, 3)],
        },
    ),
    Case(
        "one_success",
        "Takes several successes of a user at one time for one",
        given={
            "two ips in": {
                1: [*fails(1, 2, 3), *succeeds(4, ip="1"), *succeeds(4, ip="2")],
                2: succeeds(4, ip=None),
            },
        },
        after={"two ips in": [alarm(1, 4, 3)]},
    ),
    Case(
        "older_than_the_watermark",
        "Counts a row that is older than the watermark of its file, if Spark hands it over",
        given={
            "late failure": {1: [*fails(14, 15), *succeeds(18)], 2: fails(16)},
            "all late": {2: [*fails(5, 6, 7), *succeeds(8)]},
            "late after a restart": {2: [*fails(40, 41), *succeeds(44)], 3: fails(42)},
            "success late": {2: fails(40, 41, 42), 3: succeeds(44)},
            "a row before the timer": {2: [*fails(41, 42, 43), *succeeds(51)], 3: succeeds(80)},
        },
        after={
            "late failure": [alarm(14, 18, 3)],
            "all late": [alarm(5, 8, 3, arrived=2)],
            "late after a restart": [alarm(40, 44, 3)],
            "success late": [alarm(40, 44, 3)],
            "a row before the timer": [alarm(41, 51, 3)],
        },
    ),
    Case(
        "restart",
        "Forgets nothing when the query restarts in the middle of a pattern",
        given={
            "two and one": {2: fails(56, 57), 3: [*fails(58), *succeeds(59)]},
            "only the success": {2: fails(56, 57, 58), 3: succeeds(62)},
            "a timer": {2: [*fails(56, 57, 58), *succeeds(59)]},
            "over three files": {2: fails(59), 3: fails(61, 62), 4: succeeds(69)},
        },
        after={
            "two and one": [alarm(56, 59, 3)],
            "only the success": [alarm(56, 62, 3)],
            "a timer": [alarm(56, 59, 3)],
            "over three files": [alarm(59, 69, 3, arrived=4)],
        },
        points=2,
    ),
    Case(
        "comes_back",
        "Judges a user again who comes back after everything was forgotten",
        given={
            "back": {
                1: [*fails(1, 2, 3), *succeeds(4)],
                3: [*fails(80, 81, 82, 83), *succeeds(84)],
            },
            "back, no more": {1: fails(1, 2), 3: [*fails(80), *succeeds(81)]},
        },
        after={"back": [alarm(1, 4, 3), alarm(80, 84, 4)]},
    ),
    Case(
        "keys",
        "Tells users apart, those that differ in case or blanks, too",
        given={
            "eve": {1: fails(1, 2)},
            "Eve": {1: [*fails(3), *succeeds(4)]},
            "eve ": {1: succeeds(4)},
            " eve": {1: [*fails(1, 2, 3), *succeeds(4)]},
        },
        after={" eve": [alarm(1, 4, 3)]},
    ),
]
# When rows leave, and what is kept; their users are judged by checks of their own.
LEAVING = {
    "reached": ({1: [*fails(22, 23, 24), *succeeds(25)]}, [alarm(22, 25, 3)]),
    "not reached": (
        {1: [*fails(22, 23, 24), *succeeds(25 + SECOND)]},
        [alarm(22, 25 + SECOND, 3)],
    ),
    "reached at 115": ({4: [*fails(112, 113, 114), *succeeds(115)]}, [alarm(112, 115, 3)]),
    "never reached": ({4: [*fails(112, 113, 114), *succeeds(116)]}, []),
}
ENDING = {
    "failed last": {1: fails(1, 2)},
    "failed at 13:45": {4: fails(104, 105)},
    "in at 13:45": {4: succeeds(105)},
    "alarm at 13:45": {4: [*fails(101, 102, 103), *succeeds(105)]},
    "failed after": {4: [*succeeds(99), *fails(100, 101, 102)]},
}
ROBOT = {n: fails(*range(30 * n - 29, 30 * n + 1)) for n in (1, 2, 3, 4)} | {5: fails(120.5)}
TWIN = {4: fails(*range(105, 121)), 5: fails(120.5)}


def judged(logins: Iterable[tuple]) -> list[tuple]:
    """Plain Python's answer for the logins of one user: first failure, success, failures."""
    found, previous = [], -1e9
    alone = set(logins)
    for success in sorted({minute for minute, ok, _ in alone if ok}):
        before = [m for m, ok, _ in alone if not ok and previous < m <= success]
        counted = [minute for minute in before if minute >= success - 10]
        if len(counted) >= 3:
            found.append((min(counted), success, len(counted)))
        previous = success
    return found


def random_logins(rng: random.Random, plan: Plan) -> tuple[dict[int, list], list[tuple]]:
    """A user's logins in random files, and the rows that must come out, each with its file."""
    files: dict[int, list] = defaultdict(list)
    arrived = {}
    for _ in range(28):
        minute = rng.randrange(0, 56)
        login = (minute, rng.random() < 0.2, rng.choice(["1", "", None]))
        for _ in range(rng.choice([1, 1, 2])):
            number = rng.choice(plan.may_bring(minute))
            files[number].append(login)
            arrived[login] = min(number, arrived.get(login, 9))
    wanted = []
    for first, success, failures in judged(login for rows in files.values() for login in rows):
        came = min(arrived[login] for login in arrived if login[:2] == (success, True))
        wanted.append((plan.due(success, came), (at(first), at(success), failures)))
    return files, wanted


def logins_of(users: dict[str, dict[int, list]]) -> list[dict[int, list[tuple]]]:
    """The rows of users as files have them."""
    return [
        {n: [(user, at(minute), ok, ip) for minute, ok, ip in rows] for n, rows in files.items()}
        for user, files in users.items()
    ]


def with_keys(after: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    """Expected rows with their key in front."""
    return {key: [(n, (key, *row)) for n, row in rows if n] for key, rows in after.items()}


@dataclass
class Judged:
    """A run, what each key must give, and random ones among them."""

    run: Run
    expected: dict[str, list[tuple[int, tuple]]]
    drawn: list[str]
    seen: list[tuple[str, float]] = field(default_factory=list)


@pytest.fixture(scope="module")
def fraud(learner, spark, inbox, tmp_path_factory, seed) -> Judged:
    """One run over the logins of all cases."""
    rng = random.Random(seed)
    users = {key: files for case in LOGIN_CASES for key, files in case.given.items()}
    after = {key: rows for case in LOGIN_CASES for key, rows in case.after.items()}
    for key, (files, rows) in LEAVING.items():
        users[key], after[key] = files, rows
    users |= ENDING | {"fails all day": ROBOT, "began late": TWIN}
    after |= {"alarm at 13:45": [alarm(101, 105, 3)]}
    drawn = [f"random {n}" for n in range(8)]
    for key in drawn:
        users[key], after[key] = random_logins(rng, LOGIN_FILES)
    expected = with_keys({key: after.get(key, []) for key in users})
    files = files_of(LOGIN_FILES, logins_of(users), rng)
    checkpoint = tmp_path_factory.mktemp("fraud") / "checkpoint"
    run = drive(learner.fraud, spark, LOGIN_FILES, files, inbox("fraud"), checkpoint)
    return Judged(run, expected, drawn)


@check("fraud")
@cases(LOGIN_CASES)
def test_successes(fraud, case):
    """{case}"""
    for user in case.given:
        assert_case(fraud.run, user, fraud.expected[user], "success_at")


@check("fraud", points=2)
def test_random_logins(fraud):
    """Finds what plain Python finds in random logins in random files"""
    for user in fraud.drawn:
        assert_case(fraud.run, user, fraud.expected[user], "success_at")


@check("fraud", points=2)
def test_a_row_leaves_when_its_success_is_proven(fraud):
    """Lets a row out once, with the first file at which the watermark has reached the success"""
    assert_times(fraud.run, fraud.expected, "success_at")
    for user in LEAVING:
        assert_case(fraud.run, user, fraud.expected[user], "success_at")


@check("fraud", points=2)
def test_users_are_forgotten(fraud):
    """Keeps nothing of a user when the watermark is ten minutes past the last login"""
    every = [*ENDING, *(key for case in LOGIN_CASES for key in case.given)]
    why = "the last login was ten minutes ago or more"
    assert_nothing_kept(fraud.run, [(user, why) for user in every])


@check("fraud")
def test_a_long_past_is_not_kept(fraud):
    """Doesn't fill the state with a user who fails all day"""
    assert_small(fraud.run, "fails all day", "began late", "one of them has failed for two hours")


@check("fraud")
def test_the_zone_of_the_session_changes_nothing(learner, spark, inbox, tmp_path):
    """Finds the same in a session of New York, in the hour when summer time begins"""
    spring = datetime(2026, 3, 8, 7)  # two in the morning there, which is three at once

    def login(user: str, minute: float, ok: bool) -> tuple:
        return user, spring + timedelta(minutes=minute), ok, "1"

    minutes = [("spring", -5, False), ("spring", -2, False), ("spring", 1, False)]
    rows = [login(*one) for one in [*minutes, ("spring", 3, True), ("clock", 20, True)]]
    source = inbox("zone")
    for file in (rows, [login("clock", 21, True)]):
        add_file(source, names(LOGINS), file)
    with settings(spark, ROCKS, spark__sql__session__timeZone="America/New_York"):
        stream = file_stream(spark, LOGINS, source).withWatermark("at", "10 minutes")
        batches = run_stream(learner.fraud(stream), tmp_path / "checkpoint")
    found = [(batch.number + 1, *row) for batch in batches for row in batch.rows]
    wanted = [(2, "spring", *(spring + timedelta(minutes=m) for m in (-5, 3)), 3)]
    assert_rows(found, wanted, key="success_at", columns=f"file int, {FRAUD}")


# ---------------------------------------------------------------------------------------- stalled

SCAN_FILES = Plan(
    SCANS, STALLED, "parcel_id", (120, 300, 480, 660), 30,
    lambda m: (f"clock{m}", "clock", at(m), "Bari", True),
)  # fmt: skip


def scan(*minutes: float, hub: str = "Bari", event: str = "e1") -> list[tuple]:
    return [(minute, hub, False, event) for minute in minutes]


def delivery(*minutes: float, hub: str = "Bari") -> list[tuple]:
    return [(minute, hub, True, "e2") for minute in minutes]


def stall(minute: float, hub: str = "Bari", *, arrived: int = 1) -> tuple:
    """What comes out: the file, then the row without its parcel."""
    alert = minute + 120
    return SCAN_FILES.due(alert, arrived), (hub, at(minute), at(alert))


SCAN_CASES = [
    Case(
        "two_hours",
        "Reports a scan that no other follows within two hours; exactly two hours later is in time",
        given={
            "alone": {1: scan(0)},
            "in time": {1: [*scan(0, 120), *delivery(120)]},
            "in time later": {1: scan(100), 2: [*scan(220), *delivery(250)]},
            "a second over": {1: scan(0), 2: [*scan(120 + SECOND), *delivery(130)]},
            "an hour": {1: scan(0, 60, 120), 2: [*scan(180, 240), *delivery(300)]},
        },
        after={"alone": [stall(0)], "a second over": [stall(0)]},
        points=2,
    ),
    Case(
        "columns",
        "Tells the hub and the time of the last scan, and when two hours were over",
        given={
            "route": {1: [*scan(30, hub="Aarhus"), *scan(90, hub="Cork")]},
            "route backwards": {1: [*scan(90, hub="Cork"), *scan(30, hub="Delft")]},
            "older later": {1: scan(110, hub="Cork"), 2: scan(50, hub="Delft")},
        },
        after={
            "route": [stall(90, "Cork")],
            "route backwards": [stall(90, "Cork")],
            "older later": [stall(110, "Cork")],
        },
    ),
    Case(
        "several",
        "Reports each stall of a parcel",
        given={
            "twice": {1: scan(0), 2: scan(200), 3: [*scan(400), *delivery(410)]},
            "twice more": {1: scan(0, 10), 2: scan(250, 300), 3: delivery(450)},
        },
        after={"twice": [stall(0), stall(200)], "twice more": [stall(10), stall(300)]},
    ),
    Case(
        "next_is_here",
        "Reports a stall also if the next scan is here when the watermark reaches the alert",
        given={
            "in one file": {2: [*scan(0, 200), *delivery(290)]},
            "live": {1: scan(100), 2: scan(260), 3: [*scan(330), *delivery(480)]},
            "after an outage": {3: [*scan(100, 260, 330), *delivery(480)]},
            "five in one": {3: [*scan(95, 216, 337, 458), *delivery(480)]},
        },
        after={
            "in one file": [stall(0)],
            "live": [stall(100), stall(330)],
            "after an outage": [stall(100, arrived=3), stall(330)],
            "five in one": [stall(95, arrived=3), stall(216), stall(337)],
        },
        points=2,
    ),
    Case(
        "delivered",
        "Takes a delivery for a scan in time, and reports no stall after it",
        given={
            "delivered": {1: [*scan(0), *delivery(30)]},
            "delivered at once": {1: delivery(5)},
            "delivered on the limit": {1: [*scan(0), *delivery(120)]},
            "delivered too late": {1: scan(0), 2: delivery(130)},
            "delivered, then older": {1: delivery(100), 2: scan(95, 20)},
        },
        after={"delivered too late": [stall(0)]},
    ),
    Case(
        "returned",
        "Takes a scan after a delivery for one like any other",
        given={
            "returned": {1: [*scan(0), *delivery(10), *scan(50, hub="Cork")]},
            "returned twice": {1: [*delivery(10), *scan(20)], 2: [*delivery(40), *scan(280)]},
            "returned, older file": {1: scan(60), 2: delivery(50)},
            "returned much later": {1: delivery(10), 4: scan(490)},
            "delivered again": {1: [*delivery(10), *scan(20), *delivery(30)]},
        },
        after={
            "returned": [stall(50, "Cork")],
            "returned twice": [stall(280)],
            "returned, older file": [stall(60)],
            "returned much later": [stall(490)],
        },
    ),
    Case(
        "one_time",
        "Takes scans of one time for one: a delivery if one is, else with the last hub by name",
        given={
            "both": {1: [*scan(50), *delivery(50)]},
            "both, other hubs": {1: [*scan(50, hub="Cork"), *delivery(50, hub="Aarhus")]},
            "both, later": {1: scan(100), 2: delivery(100)},
            "both, earlier": {1: delivery(100), 2: scan(100)},
            "hubs": {1: [*scan(50, hub="Cork"), *scan(50, hub="Delft"), *scan(50, hub="Aarhus")]},
            "hubs in files": {1: scan(110, hub="Cork"), 2: scan(110, hub="Bari")},
            "hubs in files 2": {1: scan(110, hub="Bari"), 2: scan(110, hub="Cork")},
            "hub of before": {1: [*scan(50, hub="Evora"), *scan(60, hub="Aarhus")]},
        },
        after={
            "hubs": [stall(50, "Delft")],
            "hubs in files": [stall(110, "Cork")],
            "hubs in files 2": [stall(110, "Cork")],
            "hub of before": [stall(60, "Aarhus")],
        },
    ),
    Case(
        "event_ids",
        "Goes by time, not by event_id: copies and other ids of one time change nothing",
        given={
            "copies": {1: scan(50, 50), 2: scan(50)},
            "other ids": {1: [*scan(60, event="e9"), *scan(60, event="e10")]},
            "same id": {1: scan(0, 70, event="e5"), 2: scan(180, event="e5")},
        },
        after={"copies": [stall(50)], "other ids": [stall(60)], "same id": [stall(180)]},
    ),
    Case(
        "older_than_the_watermark",
        "Counts a scan that is older than the watermark of its file, if Spark hands it over",
        given={
            "fills the gap": {2: scan(50, 250), 3: [*scan(150), *delivery(300)]},
            "late and quiet": {3: scan(95)},
            "late delivery": {2: scan(100), 3: delivery(200)},
        },
        after={
            "late and quiet": [stall(95, arrived=3)],
        },
    ),
    Case(
        "restart",
        "Forgets nothing when the query restarts",
        given={
            "over the restart": {2: scan(250), 3: [*scan(310), *delivery(320)]},
            "quiet over it": {2: scan(250)},
            "delivered before it": {2: [*scan(250), *delivery(260)]},
        },
        after={"quiet over it": [stall(250)]},
        points=2,
    ),
    Case(
        "keys",
        "Tells parcels apart, those that differ in case or blanks, too",
        given={
            "box": {1: scan(0)},
            "Box": {1: scan(100), 2: delivery(110)},
            "box ": {1: scan(50), 2: delivery(60)},
        },
        after={"box": [stall(0)]},
    ),
]
DUE_SCANS = {
    "reached": ({2: scan(150)}, [stall(150)]),
    "not reached": ({2: scan(150 + SECOND)}, [stall(150 + SECOND)]),
    "reached at 630": ({4: scan(510)}, [stall(510)]),
    "never reached": ({4: scan(511)}, []),
}
DELIVERED = {
    "delivered at 22:30": {4: [*scan(560, 600), *delivery(630)]},
    "delivered at once": {4: delivery(629)},
    "scan arrives after": {3: delivery(470), 4: scan(465)},
    "in two files": {3: scan(470), 4: [*scan(480), *delivery(590)]},
    "after a stall": {3: scan(460), 4: delivery(600)},
    "one time": {4: [*scan(620), *delivery(620)]},
    "arrives late": {4: scan(560), 5: delivery(600)},
    "twice, two hours apart": {3: delivery(440), 4: delivery(560)},
}
ALERTED = {
    "alert at 22:30": {3: scan(400), 4: scan(510)},
    "alert before": {3: scan(310, 320)},
    "back after": {1: delivery(20), 4: scan(500)},
}
CIRCLE = {n: scan(*range(180 * n - 240, 180 * n - 60, 20)) for n in (1, 2, 3, 4)}
CIRCLE = {n: [one for one in rows if one[0] >= 0] for n, rows in CIRCLE.items()} | {5: scan(660.5)}
LATE_CIRCLE = {4: scan(*range(520, 660, 20)), 5: scan(660.5)}


def quiet(scans: Iterable[tuple]) -> list[tuple]:
    """Plain Python's answer for the scans of one parcel: hub and minute of each stall."""
    at_once: dict[float, tuple] = {}
    for minute, hub, delivered, _ in scans:
        last, gone = at_once.get(minute, ("", False))
        at_once[minute] = max(last, hub), gone or delivered
    times = sorted(at_once)
    return [
        (minute, at_once[minute][0])
        for minute, after in zip(times, [*times[1:], 1e9], strict=True)
        if after > minute + 120 and not at_once[minute][1]
    ]


def random_scans(rng: random.Random, plan: Plan) -> tuple[dict[int, list], list[tuple]]:
    """A parcel's scans in random files, and the rows that must come out, each with its file."""
    files: dict[int, list] = defaultdict(list)
    arrived: dict[float, int] = {}
    for _ in range(10):
        minute = 40 * rng.randrange(0, 12)
        number = rng.choice(plan.may_bring(minute))
        hub = rng.choice(["Aarhus", "Bari", "Cork"])
        files[number].append((minute, hub, rng.random() < 0.2, "e1"))
        arrived[minute] = min(number, arrived.get(minute, 9))
    stalls = quiet(one for rows in files.values() for one in rows)
    # A row of the same time may come later and change the hub: then it is due with that one's file.
    last = {m: max(n for n, rows in files.items() for one in rows if one[0] == m) for m in arrived}
    return files, [
        (plan.due(minute + 120, last[minute]), (hub, at(minute), at(minute + 120)))
        for minute, hub in stalls
    ]


def scans_of(parcels: dict[str, dict[int, list]]) -> list[dict[int, list[tuple]]]:
    """The rows of parcels as files have them."""
    return [
        {
            number: [(event, key, at(m), hub, gone) for m, hub, gone, event in rows]
            for number, rows in files.items()
        }
        for key, files in parcels.items()
    ]


@pytest.fixture(scope="module")
def stalled(learner, spark, inbox, tmp_path_factory, seed) -> Judged:
    """One run over the scans of all cases."""
    rng = random.Random(seed)
    parcels = {key: files for case in SCAN_CASES for key, files in case.given.items()}
    after = {key: rows for case in SCAN_CASES for key, rows in case.after.items()}
    for key, (files, rows) in DUE_SCANS.items():
        parcels[key], after[key] = files, rows
    parcels |= DELIVERED | ALERTED | {"long circle": CIRCLE, "late circle": LATE_CIRCLE}
    after |= {"after a stall": [stall(460)], "alert at 22:30": [stall(510)]}
    drawn = [f"random {n}" for n in range(8)]
    for key in drawn:
        parcels[key], after[key] = random_scans(rng, SCAN_FILES)
    expected = with_keys({key: after.get(key, []) for key in parcels})
    files = files_of(SCAN_FILES, scans_of(parcels), rng)
    checkpoint = tmp_path_factory.mktemp("stalled") / "checkpoint"
    run = drive(learner.stalled, spark, SCAN_FILES, files, inbox("stalled"), checkpoint)
    return Judged(run, expected, drawn)


@check("stalled")
@cases(SCAN_CASES)
def test_stalls(stalled, case):
    """{case}"""
    for parcel in case.given:
        assert_case(stalled.run, parcel, stalled.expected[parcel], "last_at")


@check("stalled", points=2)
def test_random_scans(stalled):
    """Finds what plain Python finds in random scans in random files"""
    for parcel in stalled.drawn:
        assert_case(stalled.run, parcel, stalled.expected[parcel], "last_at")


@check("stalled", points=2)
def test_a_row_leaves_when_its_stall_is_proven(stalled):
    """Lets a row out once, with the first file at which the watermark has reached `alert_at`"""
    assert_times(stalled.run, stalled.expected, "alert_at")
    for parcel in DUE_SCANS:
        assert_case(stalled.run, parcel, stalled.expected[parcel], "last_at")


@check("stalled", points=2)
def test_delivered_parcels_are_forgotten(stalled):
    """Keeps nothing of a delivered parcel, no timer either"""
    why = "it was delivered"
    assert_nothing_kept(stalled.run, [(parcel, why) for parcel in DELIVERED])


@check("stalled")
def test_reported_parcels_are_forgotten(stalled):
    """Keeps nothing of a parcel when the alert of its last scan is out"""
    why = "the alert of its last scan came out"
    assert_nothing_kept(stalled.run, [(parcel, why) for parcel in (*ALERTED, "reached at 630")])


@check("stalled")
def test_a_long_way_is_not_kept(stalled):
    """Doesn't fill the state with a parcel that goes in circles"""
    assert_small(
        stalled.run, "long circle", "late circle", "one of them has gone in circles for nine hours"
    )


# ------------------------------------------------------------------------------------- dedupe_ttl

HOUR = 60
EVENT_FILES = Plan(
    EVENTS, EVENTS, "event_id", (10 * HOUR, 30 * HOUR, 50 * HOUR), 60,
    lambda m: (at(m), f"clock{m}", "clock"),
)  # fmt: skip
OVER = SECOND / HOUR  # a second, in hours

# By event_id: the hours of its rows in each file, and of those that must come out.
EVENT_CASES = [
    Case(
        "first",
        "Lets an event out with its file, and none of its copies within 24 hours",
        given={
            "new": {1: [5]},
            "two in a file": {1: [5, 6]},
            "two files": {1: [5], 2: [12], 3: [28]},
            "same time": {1: [5, 5], 2: [5]},
            "a day apart": {1: [5], 2: [29]},
        },
        after={
            **{name: {1: [5]} for name in ("new", "two in a file", "two files")},
            **{name: {1: [5]} for name in ("same time", "a day apart")},
        },
        points=2,
    ),
    Case(
        "a_day_over",
        "Lets an event out again that is more than 24 hours later than the one that came out",
        given={
            "a second over": {1: [5], 2: [29 + OVER]},
            "two days": {1: [5], 3: [45]},
            "in one file": {2: [3, 28]},
            "in one file, three": {2: [2, 26, 27]},
            "old file": {1: [1], 3: [25 + OVER]},
        },
        after={
            "a second over": {1: [5], 2: [29 + OVER]},
            "two days": {1: [5], 3: [45]},
            "in one file": {2: [3, 28]},
            "in one file, three": {2: [2, 27]},
            "old file": {1: [1], 3: [25 + OVER]},
        },
    ),
    Case(
        "earlier",
        "Takes an earlier event for a copy, too",
        given={
            "earlier": {1: [8], 2: [2]},
            "much earlier": {2: [29], 3: [10]},
            "days earlier": {1: [9], 2: [-15, -40]},
        },
        after={"earlier": {1: [8]}, "much earlier": {2: [29]}, "days earlier": {1: [9]}},
    ),
    Case(
        "no_renewal",
        "Counts 24 hours from the event that came out, whatever copies came since",
        given={
            "copies between": {1: [5], 2: [20], 3: [30]},
            "copy in the file": {2: [5, 20], 3: [30]},
            "chain": {1: [1], 2: [20, 26, 29], 3: [40]},
        },
        after={
            "copies between": {1: [5], 3: [30]},
            "copy in the file": {2: [5], 3: [30]},
            "chain": {1: [1], 2: [26]},
        },
    ),
    Case(
        "second_memory",
        "Remembers the newest event that came out also when the 24 hours of an older one are over",
        given={
            "again": {1: [4], 2: [29], 3: [50], 4: [50.5]},
            "again, late": {1: [4], 2: [28.5], 3: [31], 4: [50]},
        },
        after={
            "again": {1: [4], 2: [29]},
            "again, late": {1: [4], 2: [28.5]},
        },
    ),
    Case(
        "order_in_a_file",
        "Takes the events of one file in the order of `at`",
        given={"backwards": {1: [9, 7, 5]}, "over a day": {2: [29, 3, 28]}},
        after={"backwards": {1: [5]}, "over a day": {2: [3, 28]}},
    ),
    Case(
        "seen",
        "Takes what `seen` holds for events that came out before the first file",
        given={
            "seen": {1: [5]},
            "seen, on the limit": {2: [26]},
            "seen, over": {2: [26 + OVER]},
            "seen long ago": {1: [3]},
            "seen later": {1: [5], 2: [-7]},
            "seen, new time": {2: [27], 3: [40]},
        },
        after={
            "seen, over": {2: [26 + OVER]},
            "seen long ago": {1: [3]},
            "seen, new time": {2: [27]},
        },
        points=2,
    ),
    Case(
        "seen_twice",
        "Goes by the newest `at` of an event_id that `seen` has several times",
        given={
            "seen twice": {2: [20, 26.5]},
            "seen thrice": {2: [26, 27 + OVER]},
            **{f"seen often {n}": {2: [26.5]} for n in range(12)},
        },
        after={"seen thrice": {2: [27 + OVER]}},
    ),
    Case(
        "restart",
        "Remembers after a restart what came out before it",
        given={"over it": {2: [28], 3: [40]}, "over it, new": {1: [5], 3: [30, 45]}},
        after={"over it": {2: [28]}, "over it, new": {1: [5], 3: [30]}},
    ),
    Case(
        "older_than_the_watermark",
        "Lets an event out that is older than the watermark of its file, if Spark hands it over",
        given={"late and new": {3: [12]}, "late and seen": {2: [12], 3: [13]}},
        after={"late and new": {3: [12]}, "late and seen": {2: [12]}},
    ),
    Case(
        "keys",
        "Tells events apart whose ids differ in case or blanks",
        given={"id": {1: [5]}, "Id": {1: [6]}, "id ": {2: [7]}, " id": {2: [8]}},
        after={"id": {1: [5]}, "Id": {1: [6]}, "id ": {2: [7]}, " id": {2: [8]}},
    ),
]
SEEN_ROWS = [
    *[("seen", 2), ("seen, on the limit", 2), ("seen, over", 2), ("seen, new time", 2)],
    ("seen later", 20),
    *[("seen long ago", -30), ("never comes", 4), ("seen and expired", 25), ("seen at 26", 26)],
    *[("seen twice", -9), ("seen twice", 3), ("seen thrice", 1), ("seen thrice", 3)],
    ("seen thrice", -2),
    *[(f"seen often {n}", hour) for n in range(12) for hour in (-40, -9, 1, 3)],
]
# What the state may not hold at the end, when the watermark is at hour 49.
FORGOTTEN = {"at hour 25": {2: [25]}, "at hour 24": {2: [24]}, "copy since": {2: [20], 3: [44]}}


def let_out(files: dict[int, list[float]], seen: Iterable[float] = ()) -> dict[int, list[float]]:
    """Plain Python's answer for the rows of one event_id: the hours that come out, by file."""
    last = max(seen, default=None)
    found: dict[int, list[float]] = defaultdict(list)
    for number in sorted(files):
        for hour in sorted(files[number]):
            if last is None or hour > last + 24:
                found[number].append(hour)
                last = hour
    return found


def random_events(rng: random.Random, plan: Plan) -> dict[int, list[float]]:
    """The hours of an event_id's rows, in random files."""
    files: dict[int, list[float]] = defaultdict(list)
    for _ in range(rng.randrange(1, 9)):
        hour = rng.randrange(0, 51)
        files[rng.choice(plan.may_bring(hour * HOUR))].append(hour)
    return files


def events_of(key: str, hours: dict[int, list[float]]) -> list[tuple[int, tuple]]:
    """The rows of an event_id, each with its file."""
    return [
        (number, (at(hour * HOUR), key, f"{key}/{number}/{hour}"))
        for number, some in hours.items()
        for hour in some
    ]


def by_file(rows: list[tuple[int, tuple]]) -> dict[int, list[tuple]]:
    files = defaultdict(list)
    for number, row in rows:
        files[number].append(row)
    return files


@pytest.fixture(scope="module")
def deduped(learner, spark, frame, inbox, tmp_path_factory, seed) -> Judged:
    """One run over the events of all cases."""
    rng = random.Random(seed)
    events = {key: files for case in EVENT_CASES for key, files in case.given.items()}
    after = {key: rows for case in EVENT_CASES for key, rows in case.after.items()}
    seen = list(SEEN_ROWS)
    drawn = [f"random {n}" for n in range(20)]
    for key in drawn:
        events[key] = random_events(rng, EVENT_FILES)
        hours = [rng.randrange(-30, 20) for _ in range(rng.choice([0, 0, 1, 2]))]
        after[key] = let_out(events[key], hours)
        seen += [(key, hour) for hour in hours]
    for key, files in FORGOTTEN.items():
        events[key], after[key] = files, let_out(files)
    rng.shuffle(seen)
    expected = {key: events_of(key, after.get(key, {})) for key in events}
    given = [by_file(events_of(key, files)) for key, files in events.items()]
    files = files_of(EVENT_FILES, given, rng)
    seen_frame = frame(SEEN, [(key, at(hour * HOUR)) for key, hour in seen])
    checkpoint = tmp_path_factory.mktemp("dedupe") / "checkpoint"

    def answer(stream):
        return learner.dedupe_ttl(stream, seen_frame)

    run = drive(answer, spark, EVENT_FILES, files, inbox("dedupe"), checkpoint)
    return Judged(run, expected, drawn, seen)


def assert_let_out(judged: Judged, events: Iterable[str]) -> None:
    for event in events:
        assert_case(judged.run, event, judged.expected[event], "at")
        for number, row in judged.run.rows_of(event):
            files = [n for n, wanted in judged.expected[event] if wanted[0] == row["at"]]
            assert files == [number], (
                f"{event}: the event of {row['at']} came out with file {number}; file {files[0]} "
                "brought it, and nothing needs to be waited for"
            )


@check("dedupe_ttl")
@cases(EVENT_CASES)
def test_events(deduped, case):
    """{case}"""
    assert_let_out(deduped, case.given)


@check("dedupe_ttl", points=2)
def test_random_events(deduped):
    """Lets out what plain Python lets out of random events in random files"""
    assert_let_out(deduped, deduped.drawn)


@check("dedupe_ttl", points=2)
def test_events_are_forgotten(deduped):
    """Keeps nothing of an event_id when the watermark is 24 hours past the one that came out"""
    last = defaultdict(lambda: at(-1e6))
    for key, hour in deduped.seen:
        last[key] = max(last[key], at(hour * HOUR))
    for key, rows in deduped.expected.items():
        last[key] = max([last[key], *(row[0] for _, row in rows)])
    gone = [(key, f"the last one is of {time}") for key, time in last.items() if time <= at(1500)]
    assert_nothing_kept(deduped.run, gone)


WIDE = (
    "note string, at timestamp, price decimal(10,2), event_id string, ms long, tags array<string>"
)


@check("dedupe_ttl")
def test_all_columns_stay_and_seen_may_be_empty(learner, spark, frame, inbox, tmp_path):
    """Keeps columns of all types in their order, with an empty `seen`"""
    rows = [
        ("a", at(1), "1.25", "e1", 7, ["x", None]),
        (None, at(2), None, "e2", None, None),
        ("b", at(3), "-7.00", "e1", 8, []),
        ("c", at(4), "0.50", "e3", 9, []),
    ]
    source = inbox("wide")
    add_file(source, names(WIDE), rows)
    stream = file_stream(spark, WIDE, source).withWatermark("at", "10 minutes")
    with settings(spark, ROCKS):
        answer = learner.dedupe_ttl(stream, frame(SEEN, []))
        assert_columns(answer, WIDE)
        batches = run_stream(answer, tmp_path / "checkpoint")
    found = [row for batch in batches for row in batch.rows]
    wanted = [(*row[:2], row[2] and Decimal(row[2]), *row[3:]) for row in rows if row[0] != "b"]
    assert_rows(found, wanted, key="event_id", columns=WIDE)


# ---------------------------------------------------------------------------------------- inspect

CENTURY = 100 * 365 * 24 * 3_600_000
VISITS = "shop string, number long, at timestamp, price double"


def shelf():
    """A processor with a variable of each kind and timers, as a class that its workers can read."""

    class Shelf(StatefulProcessor):
        def init(self, handle):
            self.handle = handle
            self.newest = handle.getValueState("newest", "at timestamp, price double, note string")
            self.prices = handle.getListState("price list", "price double")
            self.by_day = handle.getMapState("value", "day string, hour int", "n long")
            self.next = handle.getValueState("next_timer", "n long")
            self.nothing = handle.getValueState("never written", "n long")

        def handleInputRows(self, key, rows, timerValues):
            for row in rows:
                self.newest.update((row.at, row.price, None))
                self.prices.appendValue((row.price,))
                self.next.update((row.at.minute,))
                self.by_day.updateValue((f"{row.at:%d}", row.at.hour), (int(row.price),))
                self.handle.registerTimer(round(row.at.timestamp() * 1000) + 1234)
                if row.price < 0:
                    self.newest.clear()
            return iter([])

    return Shelf()


def bare():
    """A processor without a variable, with timers of the clock, a hundred years ahead."""

    class Bare(StatefulProcessor):
        def init(self, handle):
            self.handle = handle

        def handleInputRows(self, key, rows, timerValues):
            for row in rows:
                self.handle.registerTimer(round(row.at.timestamp() * 1000) + CENTURY)
            return iter([])

    return Bare()


def counter():
    """A processor with one variable and no timers."""

    class Counter(StatefulProcessor):
        def init(self, handle):
            self.count = handle.getValueState("count", "n long")

        def handleInputRows(self, key, rows, timerValues):
            self.count.update((len(list(rows)),))
            return iter([])

    return Counter()


def shelf_rows(shop: str | None, number: int, kept: Sequence[tuple[float, float]]) -> list[tuple]:
    """What the state holds of a key after these rows (minute, price)."""
    key = {"shop": shop, "number": number}
    found = [
        ("list", "price list", key, None, {"price": price}) for _, price in kept
    ]
    by_day = {(at(m).strftime("%d"), at(m).hour): int(price) for m, price in kept}
    for (day, hour), price in by_day.items():
        found.append(("map", "value", key, {"day": day, "hour": hour}, {"n": price}))
    minute, price = kept[-1]
    found.append(("value", "next_timer", key, None, {"n": at(minute).minute}))
    if price >= 0:
        found.append(("value", "newest", key, None, {"at": at(minute), "price": price}))
    return found


def timer_of(shop: str | None, number: int, minute: float) -> tuple:
    return "timer", None, {"shop": shop, "number": number}, None, millis(minute) + 1234


def millis(minute: float) -> int:
    return round((at(minute) - datetime(1970, 1, 1)).total_seconds() * 1000)


def as_read(row: Row) -> tuple:
    """A row of the answer with its JSON read; nulls are left out, and times are times."""

    def read(text):
        if text is None:
            return None
        try:
            return json.loads(text)
        except ValueError:
            raise AssertionError(f"no JSON: {text!r} in a row of kind {row.kind}") from None

    key, map_key, value = map(read, row[2:])
    if row.kind == "value" and isinstance(value, dict) and isinstance(value.get("at"), str):
        value["at"] = datetime.fromisoformat(value["at"]).replace(tzinfo=None)
    return row.kind, row.variable, key, map_key, value


def as_text(row: tuple) -> tuple:
    """A row in one spelling, to be compared."""

    def spelled(part):
        if isinstance(part, dict):
            some = {name: value for name, value in part.items() if value is not None}
            return json.dumps(some, sort_keys=True, default=str)
        return None if part is None else json.dumps(part)

    return (*row[:2], *map(spelled, row[2:]))


@pytest.fixture(scope="module")
def checkpoints(spark, inbox, tmp_path_factory) -> dict[str, tuple[str, list[tuple]]]:
    """Checkpoints of three queries, and what their state holds."""
    folder, source = tmp_path_factory.mktemp("inspect"), inbox("inspect")
    rows = [("Bari", 1, 0, 2.5), (None, 7, 30, 4.0), ("Cork", 1, 1, 3.0), ("clock", 0, 60, 1.0)]
    more = [("Bari", 1, 61, -1.0), ("Cork", 2, 62, 6.0), ("Bari", 2, 70, 5.0)]
    more += [("Cork", 1, 61.5, 3.0)]
    queries = {
        "shelf": (shelf(), "eventTime", ["shop", "number"]),
        "counter": (counter(), "none", ["shop"]),
        "bare": (bare(), "processingTime", ["shop", "number"]),
    }
    with settings(spark, ROCKS):
        for name, (processor, mode, key) in queries.items():
            for some in (rows, more) if name == "shelf" else ():
                add_file(source, names(VISITS), [(*row[:2], at(row[2]), row[3]) for row in some])
            stream = file_stream(spark, VISITS, source).withWatermark("at", "10 minutes")
            answer = stream.groupBy(*key).transformWithState(processor, "x int", "append", mode)
            run_stream(answer, folder / name)
    forget_last_commit(folder / "counter")  # its second micro-batch has begun, and not finished
    held = [
        *shelf_rows("Bari", 1, [(0, 2.5), (61, -1.0)]),
        *shelf_rows("Bari", 2, [(70, 5.0)]),
        *shelf_rows("Cork", 1, [(1, 3.0), (61.5, 3.0)]),
        *shelf_rows("Cork", 2, [(62, 6.0)]),
        *shelf_rows(None, 7, [(30, 4.0)]),
        *shelf_rows("clock", 0, [(60, 1.0)]),
    ]
    timers = [
        *[timer_of("Bari", 1, 61), timer_of("Bari", 2, 70), timer_of("Cork", 2, 62)],
        *[timer_of("clock", 0, 60), timer_of("Cork", 1, 61.5)],
    ]
    ahead = [
        (*timer_of(shop, number, minute)[:4], millis(minute) + CENTURY)
        for shop, number, minute, _ in [*rows, *more]
    ]
    counted = [
        ("value", "count", {"shop": shop}, None, {"n": 1}) for shop in ("Bari", "Cork", "clock", None)
    ]
    return {
        "shelf": (str(folder / "shelf"), held + timers),
        "counter": (str(folder / "counter"), counted),
        "bare": (str(folder / "bare"), ahead),
    }


@pytest.fixture(scope="module")
def inspected(learner, spark, checkpoints):
    """What the answer reads in each checkpoint."""
    found = {}
    for name, (path, _) in checkpoints.items():
        try:
            frame = learner.inspect(spark, path)
            assert_columns(frame, INSPECTED)
            found[name] = [as_text(as_read(row)) for row in collect(frame)]
        except (AssertionError, AnswerError) as error:
            found[name] = error
    return found


def assert_inspected(inspected, checkpoints, name: str, kind: str = "", columns=INSPECTED) -> None:
    found = inspected[name]
    if isinstance(found, BaseException):
        raise found
    wanted = [as_text(row) for row in checkpoints[name][1]]
    if kind:
        found, wanted = ([row for row in rows if row[0] == kind] for rows in (found, wanted))
    count = len(names(columns))
    found, wanted = ([row[:count] for row in rows] for rows in (found, wanted))
    assert_rows(found, wanted, key=names(columns), columns=columns)


@check("inspect")
@cases(
    [
        Case("value", "Shows each value, of a key with two columns, one of them null"),
        Case("list", "Shows each element of a list"),
        Case("map", "Shows each entry of a map with its key"),
        Case("timer", "Shows each pending timer, and none that has fired"),
    ]
)
def test_kinds(inspected, checkpoints, case):
    """{case}"""
    assert_inspected(inspected, checkpoints, "shelf", case.name)


@check("inspect", points=2)
def test_everything(inspected, checkpoints):
    """Shows every variable and timer of a query after its last micro-batch, and nothing else"""
    assert_inspected(inspected, checkpoints, "shelf")


@check("inspect")
def test_no_timers(inspected, checkpoints):
    """Reads a query without timers"""
    keys = "kind string, variable string, key string"
    assert_inspected(inspected, checkpoints, "counter", columns=keys)


@check("inspect")
def test_an_unfinished_batch(inspected, checkpoints):
    """Shows nothing of a micro-batch that has begun and not finished"""
    assert_inspected(inspected, checkpoints, "counter")


@check("inspect")
def test_no_variables(inspected, checkpoints):
    """Shows the timers of a query without variables, which go by the clock"""
    assert_inspected(inspected, checkpoints, "bare")
