"""Hidden checks of lab 27: other days, other lists of tables, and a year of plans."""

from datetime import UTC, date, datetime, timedelta

import pytest
from checks import (  # noqa: F401 - `airflow` is a fixture
    TASKS,
    airflow,
    assert_green,
    column,
    delivery,
    ends,
    night,
    partition,
    plan,
    task_of,
    wanted,
)

from labkit.checks import check

YEAR = [f"{date(2027, 1, 1) + timedelta(days=number)}" for number in range(365)]


@check("partition_path", "spark_arguments")
def test_a_year_of_paths(learner, task):
    """Has one folder for each day around the changes of the clocks"""
    config = {
        "dag_id": "year", "landing": "in", "prices": "p", "staging": "s/",
        "spark_submit": ["run"], "token_variable": "T",
    }  # fmt: skip
    for day in YEAR[80:100] + YEAR[295:310]:
        if task == "partition_path":
            found = learner.partition_path("in", *ends(day))
            assert found == f"in/day={day}", f"{day} is {found}"
        else:
            found = learner.spark_arguments(config, *ends(day))
            assert f"s/day={day}" in found and f"year-{day}" in found, f"on {day}: {found}"


@check("publish")
def test_publish_a_day_in_folders(learner, tmp_path):
    """Publishes a day whose files lie in folders, three times"""
    day = tmp_path / "out" / "day=2027-01-01"
    (day / "store=7").mkdir(parents=True)
    (day / "store=7" / "part-0.csv").write_text("1\n")
    (day / "_SUCCESS").touch()
    for _ in range(3):
        learner.publish(str(day), str(tmp_path / "table"))
    place = tmp_path / "table" / "day=2027-01-01"
    found = sorted(str(each.relative_to(place)) for each in place.rglob("*") if each.is_file())
    assert found == ["_SUCCESS", "store=7/part-0.csv"], f"the partition has {found}"


@check("backfill")
def test_a_year_of_plans(learner):
    """Plans a year: intervals without a gap, waves without a jump"""
    changes = {
        "start_date": date(2027, 1, 10), "max_active_runs": 5, "succeeded": [],
        "price_lists": [date(2027, 6, 1), date(2026, 1, 1)],
    }  # fmt: skip
    rows = plan(learner, YEAR[0], YEAR[-1], **changes)
    assert column(rows, "day") == YEAR[9:], "the plan has other days than the year from its start"
    for one, two in zip(rows, rows[1:], strict=False):
        assert one["interval_end"] == two["interval_start"], f"a gap after {one['day']}"
    assert column(rows, "wave") == [number // 5 for number in range(len(rows))]
    assert set(column(rows, "prices")) == {"2026-01-01", "2027-06-01"}


@check("expand")
def test_twelve_tables(airflow):  # noqa: F811
    """Loads all of twelve tables but the two that are broken"""
    names = [f"t{number * 7 % 12}" for number in range(12)]
    tables = [wanted(name, name == "t3", name not in ("t1", "t8")) for name in names]
    airflow.write({"tables/there.csv": "a,b\n1,2\n"})
    run = airflow.call("load_lists", {"2027-02-01": tables})["runs"][0]
    found = run["handed"].get("report.return_value")
    expected = [name for name in names if name not in ("t1", "t8")]
    assert found == expected, f"the next task was given {found}, expected {expected}"


OTHER = {"dag_id": "autumn", "start_date": "2026-10-20", "retries": 3, "max_active_runs": 1}


@pytest.fixture(scope="module")
def autumn(airflow):  # noqa: F811
    """A night of 25 hours under other settings, and the DAG of these."""
    about = airflow.call("describe", OTHER, 8)
    files = delivery("2026-10-25", "1 tea 2", "2 tea 3") | {
        "price lists/2026-10-01.csv": "product,cents\ntea,50\n",
        "faults.json": "{}",
    }
    again = night("2026-10-25", by_hand=True)
    runs = airflow.call("run_nights", OTHER, [night("2026-10-25", files), again])
    return about, runs


@check("build_dag")
def test_another_dag(autumn):
    """Builds a DAG of other settings, whose days include one of 25 hours"""
    about, _ = autumn
    assert about["dag_id"] == "autumn" and about["max_active_runs"] == 1
    found = [
        [datetime.fromisoformat(end).astimezone(UTC).isoformat() for end in both]
        for both in about["intervals"]
    ]
    days = [f"2026-10-{number}" for number in range(20, 28)]
    expected = [[end.isoformat() for end in ends(day)] for day in days]
    assert found == expected, f"the intervals are {found[4:]}"
    assert task_of(about, "transform")["retries"] == 3
    assert sorted(about["tasks"]) == sorted(TASKS)


@check("build_dag")
def test_a_night_of_25_hours(autumn):
    """Publishes the day of 25 hours, twice"""
    _, runs = autumn
    expected = {"_SUCCESS": "", "part-0.csv": "1,100\n", "part-1.csv": "2,150\n"}
    for run in runs:
        assert_green(run, "2026-10-25", "2026-10-25")
        assert partition(run, "2026-10-25") == expected
