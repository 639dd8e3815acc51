"""Hidden checks of lab 30: more lakes at random, and a night of 25 hours in other folders."""

import random
from datetime import UTC, datetime

import pytest
from checks import (  # noqa: F401 - `airflow` is a fixture
    airflow,
    arrived,
    assert_green,
    assert_night,
    by_hand,
    ends,
    random_account,
    random_lake,
    random_loads,
    repeat,
    task_of,
)

from labkit.checks import check


@check("load_night")
def test_more_nights_in_any_order(learner, tmp_path, seed):
    """Loads other nights in any order"""
    random_loads(learner, tmp_path, random.Random(seed + 1_000))


@check("build_night")
def test_more_lakes(learner, tmp_path, seed):
    """Builds other nights"""
    rng = random.Random(seed + 2_000)
    for number in range(10):
        root = tmp_path / f"lake-{number}"
        root.mkdir()
        night, customers = random_lake(root, rng)
        assert_night(learner, root, night, customers, "a lake at random")


@check("account")
def test_more_accounts(learner, tmp_path, seed):
    """Makes other accounts"""
    rng = random.Random(seed + 3_000)
    for number in range(10):
        random_account(learner, tmp_path / f"lake-{number}", rng)


@check("nights_to_repeat")
def test_more_nights(learner, seed):
    """Repeats nights of two years"""
    rng = random.Random(seed)
    every = [f"{year}-{month:02}-28" for year in (2026, 2027) for month in range(1, 13)]
    for _ in range(20):
        ran, changed = rng.choices(every, k=rng.randint(0, 15)), rng.choices(every, k=3)
        first = min([night for night in changed if night in ran], default="9")
        expected = [night for night in every if night in ran and night >= first]
        found = repeat(learner, ran, changed)
        assert found == expected, f"{ran} have run and {changed} changed: got {found}"


OTHER = {
    "dag_id": "autumn", "start_date": "2026-10-23", "retries": 3, "retry_seconds": 60,
    "landing": "autumn/in", "lake": "autumn/tables", "token_variable": "OTHER_TOKEN",
}  # fmt: skip
LONG = "2026-10-25"


@pytest.fixture(scope="module")
def autumn(airflow):  # noqa: F811
    """A DAG of other settings, and its night of 25 hours."""
    about = airflow.call("describe", OTHER, 4)
    files = arrived(LONG, [f"1,c1,{LONG},50"], ["c1,Bonn"], OTHER["landing"])
    return about, airflow.call("run_night", OTHER, *by_hand(LONG), files, "other-secret")


@check("build_dag")
def test_another_dag(autumn):
    """Builds a DAG of other settings"""
    about, _ = autumn
    assert about["dag_id"] == "autumn", f"the DAG is called {about['dag_id']!r}"
    for name in ("load", "build", "publish"):
        task = task_of(about, name)
        found = (task["retries"], task["retry_seconds"])
        assert found == (3, 60), f"`{name}` has retries and seconds {found}, expected (3, 60)"
    for number, day in enumerate(("2026-10-23", "2026-10-24", LONG, "2026-10-26")):
        found = about["intervals"][number] if number < len(about["intervals"]) else []
        found = [datetime.fromisoformat(end).astimezone(UTC).isoformat() for end in found]
        assert found == ends(day), f"the interval of {day} is {found}, expected {ends(day)}"


@check("build_dag")
def test_a_night_of_25_hours(autumn):
    """Serves a night of 25 hours, from other folders"""
    _, run = autumn
    assert_green(run, LONG)
    found = [(row["night"], len(row["report"])) for row in run["lake"]["served"]]
    assert found == [(LONG, 1)], f"in its folder, served are {found}"
    assert not run["leaks"], f"the token can be read in {', '.join(run['leaks'])}"
