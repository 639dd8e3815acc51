"""Hidden checks of lab 20: random data in other files, with other delays of the watermark."""

import random
from dataclasses import replace

from checks import (
    EVENT_FILES,
    HOUR,
    LOGIN_FILES,
    SCAN_FILES,
    SEEN,
    Judged,
    assert_case,
    assert_let_out,
    assert_times,
    at,
    by_file,
    drive,
    events_of,
    files_of,
    let_out,
    logins_of,
    random_events,
    random_logins,
    random_scans,
    scans_of,
    with_keys,
)

from labkit.checks import check

DRAWN = [f"n{number}" for number in range(25)]


def judged(function, spark, plan, draw, rows_of, rng, source, checkpoint) -> Judged:
    """A run over the rows of drawn keys alone."""
    given, after = {}, {}
    for key in DRAWN:
        given[key], after[key] = draw(rng, plan)
    files = files_of(plan, rows_of(given), rng)
    return Judged(drive(function, spark, plan, files, source, checkpoint), with_keys(after), DRAWN)


@check("fraud")
def test_other_logins(learner, spark, inbox, tmp_path, seed):
    """finds what plain Python finds in other logins, with more patience"""
    plan = replace(LOGIN_FILES, newest=(40, 80, 100), delay=20, restart=4)
    rng, place = random.Random(seed + 1), (inbox("logins"), tmp_path / "checkpoint")
    found = judged(learner.fraud, spark, plan, random_logins, logins_of, rng, *place)
    for user in DRAWN:
        assert_case(found.run, user, found.expected[user], "success_at")
    assert_times(found.run, found.expected, "success_at")


@check("stalled")
def test_other_scans(learner, spark, inbox, tmp_path, seed):
    """finds what plain Python finds in other scans, with less patience"""
    plan = replace(SCAN_FILES, newest=(200, 450, 700), delay=10, restart=2)
    rng, place = random.Random(seed + 2), (inbox("scans"), tmp_path / "checkpoint")
    found = judged(learner.stalled, spark, plan, random_scans, scans_of, rng, *place)
    for parcel in DRAWN:
        assert_case(found.run, parcel, found.expected[parcel], "last_at")
    assert_times(found.run, found.expected, "alert_at")


@check("dedupe_ttl")
def test_other_events(learner, spark, frame, inbox, tmp_path, seed):
    """lets out what plain Python lets out of other events, with more patience"""
    plan = replace(EVENT_FILES, newest=(20 * HOUR, 55 * HOUR), delay=300)
    rng = random.Random(seed + 3)
    events, after, seen = {}, {}, []
    for key in DRAWN:
        events[key] = random_events(rng, plan)
        hours = [rng.randrange(-30, 20) for _ in range(rng.choice([0, 1, 3]))]
        after[key] = let_out(events[key], hours)
        seen += [(key, at(hour * HOUR)) for hour in hours]
    files = files_of(plan, [by_file(events_of(key, rows)) for key, rows in events.items()], rng)
    known = frame(SEEN, seen)
    run = drive(
        lambda stream: learner.dedupe_ttl(stream, known),
        *(spark, plan, files, inbox("events"), tmp_path / "checkpoint"),
    )
    expected = {key: events_of(key, after[key]) for key in DRAWN}
    assert_let_out(Judged(run, expected, DRAWN), DRAWN)
