"""Hidden checks of lab 29: other payments, other streams, other logins, more briefs."""

import random

from checks import (  # noqa: F401 - `cluster` is a fixture
    LOGINS,
    OTHER,
    PAYMENTS,
    as_alerts,
    as_lines,
    as_windows,
    assert_choice,
    cluster,
    differences,
    divided,
    found_alerts,
    others,
    random_brief,
    random_logins,
    random_payments,
    values,
    windows,
)

from labkit.checks import check


@check("windowed")
def test_other_stores(cluster, seed):  # noqa: F811
    """Adds up the windows of three other tables"""
    rng = random.Random(seed + 70)
    names = {"north": ["n1", None], "south": ["s1", "s2"], "east": ["", "E"]}
    rows = {name: random_payments(rng, stores, 50) for name, stores in names.items()}
    given = {name: as_lines(each) for name, each in rows.items()}
    found = cluster.call("run_windows", "hidden_windows", given)["rows"]
    expected = sorted((row for each in rows.values() for row in windows(each)), key=repr)
    assert as_windows(found) == expected, differences(as_windows(found), expected)


@check("split_late")
def test_other_delays(cluster, seed):  # noqa: F811
    """Splits three streams of other delays"""
    rng = random.Random(seed + 71)
    given = [
        (others(rng, 40), OTHER, 1),
        (random_payments(rng, [None, "x"], 40), PAYMENTS, 25),
        (random_logins(rng, 3, 40), LOGINS, 5),
    ]
    streams = [[columns, minutes, as_lines(rows)] for rows, columns, minutes in given]
    found = cluster.call("run_split", "hidden_split", streams)
    for (rows, columns, minutes), both in zip(given, found, strict=True):
        on_time, late = divided(rows, columns, minutes)
        behind = f"the watermark is {minutes} minutes behind"
        mine = values(both[0])
        assert mine == on_time, (
            f"{behind}; of the rows on time {differences(mine, on_time) or 'the order is another'}"
        )
        mine = values(both[1])
        assert sorted(mine, key=repr) == sorted(late, key=repr), (
            f"{behind}; of the rows that are late {differences(mine, late)}"
        )


@check("alerts")
def test_other_logins(cluster, seed):  # noqa: F811
    """Finds the alerts of other users, with another delay of the watermark"""
    rows = random_logins(random.Random(seed + 72), 5, 250)
    found = as_alerts(cluster.call("run_alerts", "hidden_logins", as_lines(rows), 7))
    expected = found_alerts(rows, minutes=7)
    assert found == expected, differences(found, expected)


@check("exactly_once_files")
def test_another_interval(cluster):  # noqa: F811
    """Takes the interval of checkpoints that it is given"""
    found = cluster.call("run_settings", "hidden_files", 4321)
    assert found[:3] == [4321, "EXACTLY_ONCE", "RETAIN_ON_CANCELLATION"], f"settings are {found}"


@check("choose")
def test_more_briefs(learner, seed):
    """Decides four hundred other briefs"""
    rng = random.Random(seed + 73)
    for _ in range(400):
        assert_choice(learner, random_brief(rng))
