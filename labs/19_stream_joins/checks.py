"""Checks of lab 19: six files of each stream, a watermark worked out by hand, and plain Python."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from labkit.checks import (
    Case,
    Commit,
    MicroBatch,
    add_file,
    assert_columns,
    assert_rows,
    cases,
    check,
    file_stream,
    let_in,
    make_frame,
    run_stream,
    settings,
    with_batches,
    write_commits,
)

HINTS = {
    "attributed": [
        "State of a join is freed by two things together: a watermark on each stream, and a "
        "condition that compares the two times. Which bound frees which side?",
        "A second delivery has the same id and the same time. Deduplication on a stream forgets "
        "when the key holds the column of the watermark.",
        "Where does deduplication belong? Behind the join, the join itself keeps every copy for an "
        "hour.",
    ],
    "unclicked": [
        "Which join keeps a row without a partner, and how do you tell such a row afterwards?",
        "With bounds and watermarks, Spark lets the row leave at the right moment. You need no "
        "timer.",
        "Two deliveries of an impression are two rows of the join, each without a partner.",
    ],
    "state_plan": [
        "Start with the watermark: how old is it, measured from the newest time of both streams, "
        "when a stream has a delay and is behind?",
        "What is the last right time that matches a left row? Its side leaves when the watermark is "
        "later than that.",
        "`upper` decides about left rows, `lower` about right rows. Mind the sign of `lower`.",
    ],
    "enrich": [
        "A join of a stream with a batch frame plans the batch side again in each micro-batch. "
        "What would stop it from reading the table again?",
        "Choose the columns of the table before the join, and name those of the result after it.",
    ],
    "enrich_as_of": [
        "An aggregation of clicks would need state. What can you work out on the table alone, so "
        "that one row of it matches a click?",
        "A version ends where the next one of its ad begins. `lead` finds that moment.",
        "The interval is closed at its start and open at its end. The last version has no end, and "
        "a comparison with null is never true.",
    ],
}

IMPRESSIONS = "imp_id string, ad_id long, shown_at timestamp"
CLICKS = "click_id string, imp_id string, clicked_at timestamp"
SHOWN = ["imp_id", "ad_id", "shown_at"]
CLICKED = ["click_id", "imp_id", "clicked_at"]
RESULTS = {
    "attributed": f"{IMPRESSIONS}, click_id string, clicked_at timestamp",
    "unclicked": IMPRESSIONS,
}
NOON = datetime(2025, 5, 1, 12)
HOUR, TEN, TWENTY = timedelta(hours=1), timedelta(minutes=10), timedelta(minutes=20)
MS, US = 1 / 60_000, 1 / 60_000_000  # a millisecond and a microsecond, in minutes
LONG_AGO = datetime(1970, 1, 1)

File = tuple[Sequence[tuple], Sequence[tuple]]  # impressions and clicks of one micro-batch


def at(minutes: float) -> datetime:
    return NOON + timedelta(microseconds=round(minutes * 60_000_000))


def clock(time: datetime | None) -> str:
    if time is None:
        return "no time"
    return f"{time:%H:%M}" if not time.microsecond else f"{time:%H:%M:%S.%f}".rstrip("0")


# ------------------------------------------------------------------------------- a plain reference


@dataclass(frozen=True)
class Truth:
    """What must come out of the two joins, by the number of the micro-batch; the most in state."""

    pairs: dict[tuple, int]
    alone: dict[tuple, int]
    most: list[int]
    most_with_copies: list[int]  # copies of a click may be in state
    marks: list[datetime]


def truth(files: Sequence[File]) -> Truth:
    """The two joins, by the rules of the notebook."""
    newest = [LONG_AGO, LONG_AGO]
    marks: list[datetime] = []
    came: tuple[dict, dict] = ({}, {})
    copies: dict[tuple, int] = {}
    most, most_with_copies = [], []
    for number, file in enumerate(files):
        marks.append(max(LONG_AGO, min(newest[0] - TEN, newest[1] - TWENTY)))
        late = marks[number - 1] if number else LONG_AGO
        for side, rows in enumerate(file):
            for row in rows:
                if row[2] > late:
                    came[side].setdefault(row, number)
                    copies[row] = copies.get(row, 0) + 1
            newest[side] = max([newest[side], *(row[2] for row in rows)])
        mark = marks[number]
        shown = sum(row[2] + HOUR >= mark for row in came[0])
        clicked = sum(row[2] >= mark for row in came[1])
        known = sum(row[2] + TWENTY >= mark for rows in came for row in rows)
        again = sum(copies[row] - 1 for row in came[1] if row[2] >= mark)
        most.append(shown + clicked + known)
        most_with_copies.append(shown + clicked + known + again)
    pairs = {
        (*imp, click[0], click[2]): max(first, second)
        for imp, first in came[0].items()
        for click, second in came[1].items()
        if imp[0] == click[1] and imp[2] <= click[2] <= imp[2] + HOUR
    }
    clicked_ids = {pair[0] for pair in pairs}
    alone = {}
    for imp, first in came[0].items():
        due = [n for n, mark in enumerate(marks) if n >= first and mark > imp[2] + HOUR]
        if imp[0] not in clicked_ids and due:
            alone[imp] = due[0]
    return Truth(pairs, alone, most, most_with_copies, marks)


# -------------------------------------------------------------------------------------- the files

# The watermark with which each file is read:            none  12:15  12:50  12:50  15:00  16:01
NEWEST_SHOWN = [25, 75, 190, 190, 255, 257]
NEWEST_CLICKED = [35, 70, None, 201, 261, 262]
RESTART = 3  # the query is stopped after so many files

# A line: an impression (minute@file, further deliveries after +), then its clicks.
STORIES = {
    "same": "0@1 | 30@1",
    "later": "5@1 | 20@2",
    "before": "18@2 | 20@1",
    "stopped": "60@4 | 70@2",
    "limit": "20@1 | 80@4",
    "over": "20@1 | 80.0000001@4",
    "start": "24@1 | 24@2",
    "ahead": "24@1 | 23.9999999@1",
    "twice": "3@1 | 10@1, 40@2, 40@2",
    "together": "4@1 | 28@1, 28@1",
    "copies": "17@1+1+2+3 | 22@1+1+1+2",
    "many": f"16@1{'+1' * 40}+2+3",
    "many_clicks": f"16.5@1 | 34@1{'+1' * 40}+2",
    "again": "100@4+5+5 |",
    "late_click": "0.5@1 | 49.99998@4",
    "old_click": "0.2@1 | 50.00002@4",
    "late_shown": "30@4 | 55@4",
    "late_alone": "49.99998@4 |",
    "too_old": "14.99998@3 | 30@2",
    "not_old": "15.00002@3 | 31@2",
    "last_late": "179.99998@6 | 200@4",
    "last_in_time": "180.00002@6 | 200@4",
    "late_last_click": "150@5 | 175@6",
    "grace": "90@5 | 110@5",
    "grace_alone": "110@5 |",
    "silent": "52@4 | 90@4",
    "silent_alone": "70@2 |",
    "waiting": "71@2 | 75@5",
    "out_first": "119.99998@3 |",
    "not_yet": "120@3 |",
    "burst": "199.5@5 | 200.5@4",
    "at_the_mark": "181@5 |",
    "before_the_mark": "180.99998@5 |",
    "open": "240@5 |",
    "n": "10@1 | 15@1",
    "N": "10@1 |",
    "p1": "9@1 | 14@1",
    "p2": "9@1 | 14.5@1",
    " n": "10@1 |",
    "n ": "10@1 |",
    "q": "8@1 | 20@1",
    "Q": "8@1 | 20@1",
    " q": "8@1 | 20@1",
    "no_ad": "11@1 | 12@1",
    "no_ad_alone": "12@1 |",
    "first_outside": "13@1 | 12@1, 33@1",
    **{f"nobody{n}": f" | {n + 1}@1" for n in range(8)},
}
ENDS = {"shown": NEWEST_SHOWN, "clicked": NEWEST_CLICKED}


def deliveries(text: str) -> Iterable[tuple[float, int]]:
    """Minute and number of the file of each delivery: `17@1+2` is 17 in file 1, again in file 2."""
    minute, _, numbers = text.strip().partition("@")
    for number in numbers.split("+"):
        yield float(minute), int(number) - 1


def made_files(seed: int) -> list[File]:
    """The six files: the stories, the newest row of each file, and random rows between them."""
    files: list[tuple[list, list]] = [([], []) for _ in NEWEST_SHOWN]
    for name, story in STORIES.items():
        shown, _, clicked = story.partition("|")
        ad = None if name.startswith("no_ad") else len(name)
        for minute, number in deliveries(shown) if shown.strip() else ():
            files[number][0].append((name, ad, at(minute)))
        for place, click in enumerate(clicked.split(",") if clicked.strip() else ()):
            for minute, number in deliveries(click):
                files[number][1].append((f"{name}-{place}", name, at(minute)))
    for number, (shown, clicked) in enumerate(zip(NEWEST_SHOWN, NEWEST_CLICKED, strict=True)):
        files[number][0].append((f"newest{number}", 1, at(shown)))
        if clicked is not None:
            files[number][1].append((f"newest{number}", f"nothing{number}", at(clicked)))
    add_random(random.Random(seed), files, NEWEST_SHOWN, NEWEST_CLICKED)
    return files


def add_random(
    rng: random.Random, files: list, shown_until: list, clicked_until: list, count: int = 25
) -> None:
    """Random impressions, up to two clicks of each, and second deliveries in any file that is open.

    No time is a full minute, so none is equal to a watermark.
    """

    def deliver(side: int, until: list, row: tuple) -> None:
        minute = (row[2] - files_start).total_seconds() / 60
        able = [n for n, end in enumerate(until) if end is not None and end > minute]
        for number in sorted(rng.sample(able, min(len(able), rng.choice([1, 1, 2])))):
            files[number][side].extend([row] * rng.choice([1, 1, 1, 2]))

    files_start = max(row[2] for row in files[0][0]) - timedelta(minutes=shown_until[0])
    for number in range(count):
        end = rng.choice(shown_until) - 2
        minute = rng.randrange(0, int(end)) + rng.randrange(1, 60_000) / 60_000
        time = files_start + timedelta(milliseconds=round(minute * 60_000))
        deliver(0, shown_until, (f"r{number}", rng.choice([1, 2, None]), time))
        for place in range(rng.choice([0, 1, 1, 2])):
            wait = rng.choice([rng.uniform(-5, 65), rng.uniform(0, 60)])
            clicked = time + timedelta(milliseconds=round(wait * 60_000))
            deliver(1, clicked_until, (f"r{number}-{place}", f"r{number}", clicked))


@dataclass
class Run:
    """What a join did over all files, and what it should have done."""

    batches: list[MicroBatch]
    truth: Truth
    wanted: dict[tuple, int]
    changed: dict[str, tuple]  # settings before and after

    def found(self) -> dict[tuple, list[int]]:
        """The numbers of the micro-batches that emitted each row."""
        numbers: dict[tuple, list[int]] = {}
        for batch in self.batches:
            for row in batch.rows:
                numbers.setdefault(tuple(row), []).append(batch.number)
        return numbers

    def require(self, ids: Iterable[str]) -> None:
        """Each row of these impressions came out once, with its micro-batch; no other row did."""
        ids = set(ids)
        found = {row: numbers for row, numbers in self.found().items() if row[0] in ids}
        wanted = {row: number for row, number in self.wanted.items() if row[0] in ids}
        for row in sorted({*found, *wanted}, key=str):
            numbers, due = found.get(row, []), wanted.get(row)
            came = " and ".join(f"file {n + 1}" for n in numbers) or "no file"
            expected = "never" if due is None else f"once, with file {due + 1}"
            assert numbers == ([] if due is None else [due]), with_batches(
                f"{self.told(row)}: came out with {came}, expected {expected}", self.batches
            )

    def told(self, row: tuple) -> str:
        text = f"impression {row[0]!r} of {clock(row[2])}, ad {row[1]}"
        return text if len(row) == 3 else f"{text}, with click {row[3]!r} of {clock(row[4])}"


def all_settings(spark) -> dict[str, str]:
    return {row.key: row.value for row in spark.sql("SET").collect()}


def drive(learner, spark, task: str, place, checkpoint, files: list[File], restart: int) -> Run:
    """The answer over the files, stopped after `restart` of them, then started again."""
    batches: list[MicroBatch] = []
    changed = {}
    kept = {"spark.sql.streaming.multipleWatermarkPolicy": "min"}
    with settings(spark, kept):
        for part in (files[:restart], files[restart:]):
            for shown, clicked in part:
                add_file(place / "impressions", SHOWN, shown)
                add_file(place / "clicks", CLICKED, clicked)
            before = all_settings(spark)
            answer = getattr(learner, task)(
                file_stream(spark, IMPRESSIONS, place / "impressions"),
                file_stream(spark, CLICKS, place / "clicks"),
            )
            after = all_settings(spark)
            for name in {*before, *after}:
                if before.get(name) != after.get(name):
                    changed[name] = before.get(name), after.get(name)
            assert_columns(answer, RESULTS[task])
            batches += run_stream(answer, checkpoint)
    expected = truth(files)
    wanted = expected.pairs if task == "attributed" else expected.alone
    return Run(batches, expected, wanted, changed)


def run_of(task: str):
    """A fixture: the run of a join over all files, made once for all of its checks."""

    @pytest.fixture(scope="module")
    def run(learner, spark, inbox, tmp_path_factory, seed) -> Run:
        checkpoint = tmp_path_factory.mktemp(task) / "checkpoint"
        return drive(learner, spark, task, inbox(task), checkpoint, made_files(seed), RESTART)

    return run


pairs, alone = run_of("attributed"), run_of("unclicked")
RUNS = {"attributed": "pairs", "unclicked": "alone"}


# ------------------------------------------------------------------------------------- attributed


@check("attributed")
@cases(
    [
        Case(
            "hour",
            "Takes clicks of the hour after the impression, both ends included, and no others",
            given=["limit", "over", "start", "ahead"],
            points=2,
        ),
        Case(
            "order",
            "Finds a pair whichever row comes first, also across a restart, at once",
            given=["same", "later", "before", "stopped", "waiting", "burst"],
            points=2,
        ),
        Case(
            "several", "Emits every click of an impression", given=["twice", "together", "first_outside"]
        ),
        Case(
            "copies",
            "Emits a pair once, however often its rows are delivered",
            given=["together", "copies", "many", "many_clicks", "again"],
            points=2,
        ),
        Case(
            "ids",
            "Takes ids as they are",
            given=["n", "N", " n", "n ", "p1", "p2", "q", "Q", " q"],
        ),
        Case("no_ad", "Keeps impressions without an ad", given=["no_ad", "no_ad_alone"]),
        Case(
            "late",
            "Drops what is older than the watermark of the micro-batch before",
            given=["late_click", "late_shown", "too_old", "last_late", "late_last_click"],
        ),
        Case(
            "not_late",
            "Drops nothing else: the watermark is the smaller one, also while one side is silent",
            given=["old_click", "not_old", "last_in_time", "grace", "silent", "burst"],
            points=2,
        ),
    ]
)
def test_pairs(pairs, case):
    """{case}"""
    pairs.require(case.given)


# -------------------------------------------------------------------------------------- unclicked


@check("unclicked")
@cases(
    [
        Case(
            "clicked",
            "Never emits an impression with a click, whichever of the two comes first",
            given=["same", "later", "before", "stopped", "limit", "start", "twice", "waiting"],
            points=2,
        ),
        Case(
            "outside",
            "Takes a click outside the hour for none",
            given=["over", "ahead", "first_outside"],
        ),
        Case(
            "moment",
            "Emits an impression with the first file whose watermark is past its hour",
            given=["silent_alone", "out_first", "not_yet", "at_the_mark", "before_the_mark", "open"],
            points=3,
        ),
        Case(
            "copies",
            "Emits an impression once, however often it is delivered",
            given=["copies", "many", "many_clicks", "again"],
            points=2,
        ),
        Case(
            "late",
            "Drops late impressions, and counts no late click",
            given=["late_click", "late_alone", "late_shown", "too_old", "last_late",
                   "late_last_click"],
        ),
        Case(
            "not_late",
            "Counts rows that are not late, also when their hour is over",
            given=["old_click", "not_old", "last_in_time", "grace", "grace_alone", "silent"],
        ),
        Case(
            "ids",
            "Takes ids as they are",
            given=["n", "N", " n", "n ", "p1", "p2", "q", "Q", " q"],
        ),
        Case("no_ad", "Emits impressions without an ad", given=["no_ad", "no_ad_alone"]),
    ]
)
def test_impressions_without_a_click(alone, case):
    """{case}"""
    alone.require(case.given)


# ------------------------------------------------------------------------------------- both joins


@check("attributed", "unclicked")
def test_rows_by_chance(task, request):
    """Finds the same as a plain program in random rows"""
    run = request.getfixturevalue(RUNS[task])
    stories = set(STORIES)
    run.require({row[0] for row in [*run.wanted, *run.found()] if row[0] not in stories})


@check("attributed", "unclicked", points=2)
def test_state_stays_small(task, request):
    """Keeps what can still find a partner, frees it after a silence, and keeps nothing else"""
    run = request.getfixturevalue(RUNS[task])
    most = run.truth.most if task == "attributed" else run.truth.most_with_copies
    assert len(run.batches) == len(most), with_batches(
        f"{len(most)} files make as many micro-batches, {len(run.batches)} ran", run.batches
    )
    for batch, rows in zip(run.batches, most, strict=True):
        assert batch.state_rows <= rows, with_batches(
            f"after file {batch.number + 1} there are {batch.state_rows} rows in state. The "
            f"watermark is {clock(run.truth.marks[batch.number])}: {rows} rows are enough for the "
            "impressions and clicks that may still find a partner, and for knowing second "
            "deliveries",
            run.batches,
        )


@check("attributed", "unclicked")
def test_settings_stay(task, request):
    """Changes no setting of the session"""
    run = request.getfixturevalue(RUNS[task])
    for name, (before, after) in sorted(run.changed.items()):
        raise AssertionError(
            f"{name} was {before or 'not set'} and is {after or 'not set'}; other queries of the "
            "session run with it, too"
        )


# ------------------------------------------------------------------------------------- state_plan


def planned(watermarks, bounds, behind) -> tuple:
    """How long rows stay, worked out from the watermark of a moment."""
    newest = 10**6
    if watermarks[0] is None or watermarks[1] is None:
        return None, None
    ends = [newest - late - delay for late, delay in zip(behind, watermarks, strict=True)]
    mark = min(ends)
    oldest_left = None if bounds[1] is None else mark - bounds[1]
    oldest_right = None if bounds[0] is None else mark + bounds[0]
    return tuple(None if old is None else newest - old for old in (oldest_left, oldest_right))


def require_plans(learner, plans: Iterable[tuple]) -> None:
    for arguments in plans:
        given, expected = tuple(arguments), planned(*arguments)
        found = learner.state_plan(*given)
        assert isinstance(found, tuple), f"returned {type(found).__name__}, expected a tuple"
        assert found == expected, (
            f"state_plan(watermarks={given[0]}, bounds={given[1]}, behind={given[2]}) is {found}, "
            f"expected {expected}"
        )


@check("state_plan")
@cases(
    [
        Case(
            "both_bounds",
            "Adds the lag of the watermark to what the bounds allow, on each side",
            given=[
                ((600, 1200), (0, 3600), (0, 0)),
                ((1200, 600), (0, 3600), (0, 0)),
                ((600, 600), (-300, 1800), (0, 0)),
                ((0, 0), (0, 0), (0, 0)),
            ],
            points=2,
        ),
        Case(
            "behind",
            "Counts how far the slower stream is behind",
            given=[
                ((600, 1200), (0, 3600), (0, 3600)),
                ((600, 1200), (0, 3600), (900, 0)),
                ((600, 1200), (0, 3600), (500, 0)),
                ((1800, 60), (-60, 60), (0, 1740)),
                ((1800, 60), (-60, 60), (120, 1900)),
            ],
            points=2,
        ),
        Case(
            "no_bound",
            "Knows which side stays for ever when a bound is missing",
            given=[
                ((600, 1200), (None, 3600), (0, 0)),
                ((600, 1200), (0, None), (0, 0)),
                ((600, 1200), (None, None), (0, 0)),
                ((600, 1200), (None, 0), (0, 60)),
                ((0, 0), (0, None), (0, 0)),
            ],
        ),
        Case(
            "no_watermark",
            "Knows that a stream without a watermark holds both sides",
            given=[
                ((None, 1200), (0, 3600), (0, 0)),
                ((600, None), (0, 3600), (0, 0)),
                ((None, None), (0, 3600), (0, 0)),
                ((None, 0), (None, 3600), (0, 9)),
            ],
        ),
        Case(
            "negative",
            "Takes bounds below 0 and above the lag as they are",
            given=[
                ((60, 120), (300, 900), (0, 0)),
                ((60, 120), (-900, -300), (0, 0)),
                ((60, 120), (-900, -120), (0, 0)),
                ((60, 120), (119, 121), (0, 2)),
            ],
        ),
    ]
)
def test_plans(learner, case):
    """{case}"""
    require_plans(learner, case.given)


def random_plans(rng: random.Random, count: int) -> list[tuple]:
    found = []
    for _ in range(count):
        lower, upper = sorted(rng.sample(range(-5000, 5000), 2))
        bounds = rng.choice([(lower, upper)] * 4 + [(None, upper), (lower, None)])
        delays = [rng.randrange(0, 4000) for _ in "lr"]
        if rng.random() < 0.15:
            delays[rng.randrange(2)] = None
        late = [0, 0]
        late[rng.randrange(2)] = rng.choice([0, rng.randrange(0, 8000)])
        found.append((tuple(delays), bounds, tuple(late)))
    return found


@check("state_plan", points=2)
def test_plans_by_chance(learner, seed):
    """Agrees with plain arithmetic on random watermarks, bounds and silences"""
    require_plans(learner, random_plans(random.Random(seed), 40))


# ------------------------------------------------------------------------- enrich and enrich_as_of

TAPS = "valid_from string, clicked_at timestamp, owner string, ad_id long, click_id string"
TAP = [part.split()[0] for part in TAPS.split(", ")]
ADS = "bid decimal(10,2), owner string, ad_id long, campaign string"
HISTORY = (
    "campaign string, valid_from timestamp, bid float, ad_id long, owner string, clicked_at string"
)
FEWEST = {"enrich": "ad_id long", "enrich_as_of": "clicked_at timestamp, ad_id long"}
MORE = {
    "enrich": "campaign string, bid decimal(10,2)",
    "enrich_as_of": "campaign string, bid float",
}


def tap(name: str, ad: int | None, minute: float = 0) -> tuple:
    return ("phone", at(minute), f"o-{name}", ad, name)


@dataclass
class Enriched:
    """What came out with each file, what was expected, and the state after it."""

    batches: list[MicroBatch]
    wanted: list[list[tuple]]
    table: str

    def of(self, number: int, names: Iterable[str] | None = None) -> tuple[list, list]:
        """Rows of one file that came out, and those expected, for some clicks."""
        some = None if names is None else set(names)
        found = [row for batch in self.batches if batch.number == number for row in batch.rows]
        found = [row for row in found if some is None or row.click_id in some]
        return found, [row for row in self.wanted[number] if some is None or row[4] in some]


def enriched(learner, spark, task: str, place, checkpoint, table: str, steps) -> Enriched:
    """One call of the answer; its frame runs over each file, and the table changes in between."""
    answer, batches, wanted = None, [], []
    for taps, expected in steps:
        add_file(place, TAP, taps)
        wanted.append([(*one, *more) for one, more in zip(taps, expected, strict=True)])
        if answer is None:
            answer = getattr(learner, task)(file_stream(spark, TAPS, place), table)
            assert_columns(answer, f"{TAPS}, {MORE[task]}")
        else:
            let_in(make_frame(spark, "n long", [(1,)]), table).collect()
        batches += run_stream(answer, checkpoint)
    return Enriched(batches, wanted, table)


def by_ad(ads: Sequence[tuple], one: tuple) -> tuple:
    """Campaign and bid of the ad of a click; nulls where there is none."""
    return next(((ad[3], ad[0]) for ad in ads if ad[2] == one[3] is not None), (None, None))


def as_of(versions: Sequence[tuple], one: tuple) -> tuple:
    """Campaign and bid of the version that is valid at a click."""
    begun = [v for v in versions if v[3] == one[3] is not None and v[1] <= one[1]]
    best = max(begun, key=lambda version: version[1], default=None)
    return (best[0], best[2]) if best else (None, None)


def ad(number: int | None, campaign: str | None, bid: str | None) -> tuple:
    return (Decimal(bid) if bid else None, "desk", number, campaign)


@pytest.fixture(scope="module")
def now(learner, spark, inbox, tmp_path_factory, shared_schema, seed) -> Enriched:
    """Two files, and a table that another writer changes between them: ad 2 goes, ad 3 comes."""
    rng = random.Random(seed)
    table = f"{shared_schema}.price_list"
    before = [ad(1, "spring", "1.10"), ad(2, "outlet", None), ad(None, "house", "9.90")]
    before += [ad(n, f"c{n}", f"{rng.randrange(1, 99)}.25") for n in range(20, 30)]
    after = [ad(1, "summer", "1.20"), ad(3, "new", "0.30"), ad(None, "house", "9.80")]
    after += [ad(n, f"d{n}", f"{rng.randrange(1, 99)}.75") for n in range(25, 40)]
    gone = [2, *range(20, 25)]
    commits = [Commit("WRITE", before), Commit("MERGE", after, gone=gone)]
    write_commits(spark, table, ADS, commits, key="ad_id", held=1)
    first = [tap("a", 1), tap("b", 2), tap("c", 3), tap("d", None), tap("e", 1), tap("e", 1)]
    first += [tap(f"x{n}", rng.randrange(18, 42)) for n in range(8)]
    second = [tap("f", 1), tap("g", 2), tap("h", 3), tap("i", None), tap("e", 1)]
    second += [tap(f"y{n}", rng.randrange(18, 42)) for n in range(8)]

    steps = [
        (first, [by_ad(before, one) for one in first]),
        (second, [by_ad(after, one) for one in second]),
    ]
    checkpoint = tmp_path_factory.mktemp("now") / "checkpoint"
    return enriched(learner, spark, "enrich", inbox("now"), checkpoint, table, steps)


def version(number: int | None, minute: float, campaign: str | None, bid: float | None) -> tuple:
    return (campaign, at(minute), bid, number, "desk", "never")


@pytest.fixture(scope="module")
def then(learner, spark, inbox, tmp_path_factory, shared_schema, seed) -> Enriched:
    """Two files, and a history to which another writer adds versions between them."""
    rng = random.Random(seed)
    table = f"{shared_schema}.price_history"
    before = [version(1, 30, "b", 2.0), version(1, 10, "a", 1.0)]
    moment = 60 + 500 * MS
    before += [version(1, moment + 500 * US, "c", 3.0)]
    before += [version(2, 10, "a", 1.5), version(2, 20, None, None), version(3, 5, "z", 0.5)]
    before += [version(2, 28, "half", None), version(2, 30, None, 2.5), version(5, 9000, "x", 5.0)]
    before += [version(None, 0, "house", 9.0), version(5, 10, "only", 4.0)]
    before += [version(n, m, f"{n}/{m}", m / 2) for n in (20, 21) for m in rng.sample(range(90), 6)]
    rng.shuffle(before)
    later = [version(1, 40, "late", 2.5), version(6, 0, "new", 6.0), version(3, 70, "y", 0.75)]
    later += [version(20, 95, "end", 8.0)]
    first = [tap("exact", 1, 30), tap("just", 1, 30 - US), tap("last", 1, 600), tap("mid", 1, 45)]
    first += [tap("early", 1, 10 - US), tap("begin", 1, 10), tap("gone", 2, 25), tap("was", 2, 15)]
    first += [tap("none", None, 50), tap("absent", 6, 50), tap("single", 5, 11)]
    first += [tap("in the second before", 1, moment - 100 * MS)]
    first += [tap("in the millisecond before", 1, moment + 400 * US)]
    first += [("phone", datetime(3000, 1, 1), "o-in 3000", 1, "in 3000")]
    first += [tap("twice", 3, 8), tap("twice", 3, 8), tap("half", 2, 29), tap("rest", 2, 31)]
    first += [tap(f"x{n}", rng.choice([20, 21]), rng.randrange(100)) for n in range(10)]
    second = [tap("corrected", 1, 45), tap("still", 1, 35), tap("added", 6, 50), tap("y", 3, 71)]
    second += [tap("twice", 3, 8), tap("later", 1, 61)]
    second += [tap(f"y{n}", rng.choice([20, 21]), rng.randrange(120)) for n in range(10)]

    commits = [Commit("WRITE", before), Commit("WRITE", later)]
    write_commits(spark, table, HISTORY, commits, key=["ad_id", "valid_from"], held=1)
    whole = [*before, *later]
    steps = [
        (first, [as_of(before, one) for one in first]),
        (second, [as_of(whole, one) for one in second]),
    ]
    checkpoint = tmp_path_factory.mktemp("then") / "checkpoint"
    return enriched(learner, spark, "enrich_as_of", inbox("then"), checkpoint, table, steps)


LOOKUPS = {"enrich": "now", "enrich_as_of": "then"}


def require_taps(run: Enriched, task: str, number: int, names: Iterable[str] | None) -> None:
    found, wanted = run.of(number, names)
    assert_rows(found, wanted, key="click_id", columns=f"{TAPS}, {MORE[task]}")


@check("enrich")
@cases(
    [
        Case("values", "Gives each click campaign and bid of its ad", given=["a", "b", "e"]),
        Case("absent", "Keeps clicks whose ad is not in the table", given=["c"]),
        Case("no_ad", "Keeps clicks without an ad, and gives them nothing", given=["d"]),
    ]
)
def test_clicks_with_their_ad(now, case):
    """{case}"""
    require_taps(now, "enrich", 0, case.given)


@check("enrich_as_of")
@cases(
    [
        Case(
            "valid",
            "Gives each click the version that was valid",
            given=["mid", "last", "was", "single", "in 3000"],
            points=2,
        ),
        Case(
            "edge",
            "Begins a version with its own moment",
            given=[
                "exact", "just", "begin", "in the second before", "in the millisecond before",
            ],
        ),
        Case("null", "Leaves a null of the valid version null", given=["gone", "half", "rest"]),
        Case(
            "none",
            "Keeps clicks before the first version, and those without an ad in the table",
            given=["early", "none", "absent"],
        ),
    ]
)
def test_clicks_with_their_version(then, case):
    """{case}"""
    require_taps(then, "enrich_as_of", 0, case.given)


@check("enrich", "enrich_as_of", points=2)
def test_the_table_changes(task, request):
    """Sees in each micro-batch what the table holds by then"""
    run = request.getfixturevalue(LOOKUPS[task])
    some = {row[4] for row in run.wanted[1]} - {"e", "twice"}
    require_taps(run, task, 1, some)


@check("enrich", "enrich_as_of")
def test_every_click_comes_out(task, request):
    """Emits a click as often as it is there, with the file that brings it, and random ones too"""
    run = request.getfixturevalue(LOOKUPS[task])
    for number in range(2):
        require_taps(run, task, number, None)


@check("enrich", "enrich_as_of")
def test_no_state(task, request):
    """Keeps no state"""
    run = request.getfixturevalue(LOOKUPS[task])
    kept = [batch.state_rows for batch in run.batches]
    assert not any(kept), with_batches(
        f"rows in state after each file: {kept}; a lookup in a table needs none", run.batches
    )


@check("enrich", "enrich_as_of")
def test_fewest_columns(task, request, learner, spark, inbox):
    """Takes clicks that have no other columns"""
    run = request.getfixturevalue(LOOKUPS[task])
    place = inbox("few")
    add_file(place, [], [])
    answer = getattr(learner, task)(file_stream(spark, FEWEST[task], place), run.table)
    assert_columns(answer, f"{FEWEST[task]}, {MORE[task]}")
