"""What is said of a DAG and of its runs, in Airflow itself."""

import pytest

from labkit.checks.airflow import (
    describe_dag,
    get_files,
    load_dag,
    put_files,
    run_dag,
    start_airflow,
    touched_by,
)
from labkit.checks.parts import server
from labkit.parts.known import AIRFLOW
from labkit.verdict.errors import AnswerError

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif(bool(AIRFLOW.missing()), reason="Airflow is not installed"),
]


def make_dag(secret=""):
    import os
    from datetime import timedelta

    import pendulum
    from airflow.sdk import DAG, CronDataIntervalTimetable, task

    schedule = CronDataIntervalTimetable("0 0 * * *", timezone="Europe/Berlin")
    start = pendulum.datetime(2026, 3, 28, tz="Europe/Berlin")
    with DAG("tried", schedule=schedule, start_date=start) as dag:

        @task.sensor(mode="reschedule", poke_interval=60, timeout=10 * 3600)
        def arrives():
            return os.path.exists("there")

        @task(retries=1, retry_delay=timedelta(hours=1))
        def works(said, ti=None, data_interval_start=None, data_interval_end=None):
            if ti.try_number == 1:
                raise ValueError("the first attempt")
            return [data_interval_start.day, data_interval_end.day]

        @task
        def counts(number):
            return number

        arrives() >> (worked := works(secret))
        counts.expand(number=worked)
    return dag


def look():
    return describe_dag(load_dag(make_dag), 2)


def day(end, arrives, secret="", interval=None):
    return run_dag(load_dag(make_dag, secret), end, arrives, secret, interval)


def imported():
    import sys

    return ["airflow" in sys.modules, "answer" in sys.modules]


def touches():
    import os

    return touched_by(lambda: [open("there", "w").close(), os.listdir("dags"), __import__("this")])


@pytest.fixture(scope="module")
def airflow():
    given = (describe_dag, load_dag, run_dag, touched_by, put_files, get_files)
    with server("airflow", *given, make_dag, look, day, touches, first=start_airflow) as airflow:
        yield airflow


def test_a_dag_says_its_settings_tasks_and_intervals(airflow):
    found = airflow.call("look")
    assert found["intervals"] == [
        ["2026-03-27T23:00:00+00:00", "2026-03-28T23:00:00+00:00"],
        ["2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00"],
    ]
    assert found["start_date"] == "2026-03-27T23:00:00+00:00" and found["catchup"] is False
    tasks = found["tasks"]
    assert tasks["arrives"]["mode"] == "reschedule" and tasks["arrives"]["waits"] == 36_000
    assert tasks["works"]["retries"] == 1 and tasks["works"]["upstream"] == ["arrives"]
    assert tasks["counts"]["mapped"] and tasks["counts"]["at_once"] is None


def test_waits_of_a_run_pass_at_once(airflow):
    found = airflow.call("day", "2026-03-28T23:00:00+00:00", {"there": "now"})
    assert found["tasks"] == {
        "arrives": ["success", 1], "works": ["success", 2],
        "counts[0]": ["success", 1], "counts[1]": ["success", 1],
    }  # fmt: skip
    assert found["state"] == "success"
    assert found["handed"]["works.return_value"] == [27, 28]


def test_a_second_process_knows_nothing_of_the_runs_of_the_first(airflow):
    moment = "2026-04-05T22:00:00+00:00"
    functions = (load_dag, run_dag, put_files, make_dag, day, imported)
    assert airflow.call("day", moment, {"there": "now"})["state"] == "success"
    with server("airflow", *functions, first=start_airflow) as other:
        assert other.call("imported") == [True, False]
        assert other.call("day", moment, {})["tasks"]["arrives"] == ["failed", 1]
    with server("airflow", *functions, first=start_airflow) as other:
        assert other.call("imported") == [True, False]
        assert other.call("day", moment, {"there": "now"})["state"] == "success"


def test_a_run_has_the_interval_that_is_asked_for(airflow):
    ends = ["2026-03-31T22:00:00+00:00", "2026-04-01T22:00:00+00:00"]
    found = airflow.call("day", ends[0], {"there": "now"}, "", ends)
    assert found["handed"]["works.return_value"] == [31, 1]


def test_a_secret_is_found_where_a_run_shows_it(airflow):
    found = airflow.call("day", "2026-03-29T22:00:00+00:00", {"there": "now"}, "hush")
    assert "rendered fields of `works`" in found["leaks"]


def test_what_never_comes_ends_a_wait(airflow):
    airflow.call("put_files", {}, ["there"])
    found = airflow.call("day", "2026-03-30T22:00:00+00:00", {})
    assert found["state"] == "failed"
    assert found["tasks"]["arrives"] == ["failed", 1]
    assert found["tasks"]["works"] == ["upstream_failed", 0]


def test_what_a_call_touches_is_told_apart_from_imports(airflow):
    assert airflow.call("touches") == ["open there", "os.listdir dags"]


def test_a_file_that_makes_no_dag_is_said(airflow):
    with (
        server("airflow", load_dag, put_files, makes_none, first=start_airflow) as other,
        pytest.raises(AnswerError, match="the file has 0 DAGs"),
    ):
        other.call("makes_none")


def makes_none():
    return load_dag(lambda: None)
