"""Functions that run in Airflow: they start it, describe a DAG, and run chosen days of one.

They go to a process of Airflow's own Python, with the functions that build a DAG: see `part_of` and
`server`. There is no scheduler, and no run waits: where one would, hours pass at once.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import types
from pathlib import Path
from typing import Any

HOURS = 3  # that pass where a run would wait
WAITS = 40  # of one run; more is a run that never ends
TOUCHES = (
    *("open", "os.listdir", "os.scandir", "glob.glob", "os.mkdir", "os.remove", "os.rename"),
    *("socket.connect", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen", "os.system"),
)


def start_airflow() -> None:
    """Imports Airflow, and makes the metadata database and the API that tasks ask."""
    os.environ["AIRFLOW_CONN_FS_DEFAULT"] = '{"conn_type": "fs"}'  # what a FileSensor asks for
    Path("dags").mkdir(exist_ok=True)
    from airflow.api_fastapi.execution_api import versions
    from airflow.sdk.execution_time.supervisor import in_process_api_server
    from airflow.settings import engine
    from airflow.utils.db import initdb
    from cadwyn import HeadVersion, Version, VersionBundle

    initdb()
    # Tasks ask an API in this process, in its newest version. All versions would be made in the
    # first run, which takes seconds; the newest needs the next one alone, for a path in its old form.
    newest, second, third = versions.bundle.versions[:3]
    for change in (*newest.changes, *second.changes):
        change._bound_version_bundle = None
    versions.bundle = VersionBundle(HeadVersion(), newest, second, Version(third.value))
    in_process_api_server().app._cadwyn_initialize()  # else the first request does
    engine.dispose()  # no copy of this process shares a connection


def put_files(files: dict[str, str], gone: list[str]) -> None:
    """Writes files by their path in the folder of this process; removes others, and folders."""
    for path in gone:
        if Path(path).is_dir():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, "utf-8")


def get_files(folder: str) -> dict[str, str]:
    """The text of each file below a folder, by its path in it."""
    found = (path for path in sorted(Path(folder).rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in found}


def touched_by(build: Any, *arguments: Any) -> list[str]:
    """What a call reads, lists, changes or connects to; the code of installed packages aside."""
    own = tuple({os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)})
    own += tuple({sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), "/usr/share/zoneinfo"})
    seen: list[str] = []
    watching = [True]

    def hook(event: str, details: tuple[Any, ...]) -> None:
        if not watching or event not in TOUCHES:
            return
        what = str(details[0]) if details else ""
        if not what.startswith(own):
            seen.append(f"{event} {what}".removesuffix(" "))

    sys.addaudithook(hook)
    try:
        build(*arguments)
    finally:
        watching.clear()
    return sorted(set(seen))


def load_dag(build: Any, *arguments: Any) -> Any:
    """The DAG that a call returns, from a file that makes it, as Airflow reads it."""
    from airflow.dag_processing.dagbag import DagBag

    answer = types.ModuleType("answer")
    answer.__dict__["build"] = lambda: build(*arguments)
    sys.modules["answer"] = answer
    shutil.rmtree("dags")
    # Airflow reads files only in which both words occur: airflow and dag.
    put_files({"dags/built.py": "from answer import build  # for airflow\n\ndag = build()\n"}, [])
    bag = DagBag("dags")
    if bag.import_errors:
        raise RuntimeError(next(iter(bag.import_errors.values())).strip().splitlines()[-1])
    if len(bag.dags) != 1:
        raise RuntimeError(f"the file has {len(bag.dags)} DAGs")
    return next(iter(bag.dags.values()))


def describe_dag(dag: Any, runs: int) -> dict[str, Any]:
    """A DAG's settings, its tasks, and its first data intervals, in UTC."""
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    timetable = coerce_to_core_timetable(dag.timetable)
    intervals: list[list[str]] = []
    last = None
    for _ in range(runs):
        window = TimeRestriction(earliest=dag.start_date, latest=None, catchup=True)
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=window)
        if info is None:
            break
        last = info.data_interval
        utc = [] if last is None else [last.start, last.end]
        intervals.append([each.in_timezone("UTC").isoformat() for each in utc])
    tasks = {}
    for task in dag.tasks:
        limit, delay = task.execution_timeout, task.retry_delay
        backoff = task.retry_exponential_backoff
        known = getattr(task, "partial_kwargs", {}) | getattr(task, "__dict__", {})
        tasks[task.task_id] = {
            "upstream": sorted(task.upstream_task_ids),
            "mapped": task.is_mapped,
            "retries": task.retries,
            "retry_seconds": delay.total_seconds() if hasattr(delay, "total_seconds") else delay,
            "backoff": 2.0 if backoff is True else float(backoff),  # as the scheduler takes it
            "timeout": limit.total_seconds() if limit else None,
            "pool": task.pool,
            "mode": known.get("mode"),
            "deferrable": bool(known.get("deferrable", False)),
            "waits": known.get("timeout"),
            "at_once": known.get("max_active_tis_per_dagrun"),
        }
    return {
        "dag_id": dag.dag_id,
        "start_date": dag.start_date and dag.start_date.in_timezone("UTC").isoformat(),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "intervals": intervals,
        "tasks": tasks,
    }


def run_dag(
    dag: Any,
    logical_date: str,
    arrives: dict[str, str],
    secret: str = "",
    interval: list[str] | None = None,
) -> dict[str, Any]:
    """One run to its end: its state, that of each task, what tasks handed on, where `secret` stands.

    Files of `arrives` are written when the run has to wait for the first time. `interval` has both
    ends of the run's data interval; without it Airflow finds them by the logical date.
    """
    import datetime
    from contextlib import nullcontext
    from unittest import mock

    import pendulum
    from airflow.models.renderedtifields import RenderedTaskInstanceFields as Rendered
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.taskreschedule import TaskReschedule
    from airflow.models.xcom import XComModel
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import DataInterval
    from airflow.utils.session import create_session
    from sqlalchemy import select

    waits: list[float] = []
    given: Any = nullcontext()
    if interval:
        found = DataInterval(*map(pendulum.parse, interval))
        timetable = type(coerce_to_core_timetable(dag.timetable))
        find = "infer_manual_data_interval"
        given = mock.patch.object(timetable, find, lambda self, *, run_after: found)

    def earlier(row: Any, *names: str) -> None:
        for name in names:
            if value := getattr(row, name):
                setattr(row, name, value - datetime.timedelta(hours=HOURS))

    def pass_time(seconds: float) -> None:
        if not sys._getframe(1).f_code.co_filename.endswith("airflow/sdk/definitions/dag.py"):
            return sleep(seconds)
        waits.append(seconds)
        if len(waits) > WAITS:
            raise RuntimeError("the run does not end: a task waits for ever")
        put_files(arrives, [])
        with create_session() as session:
            for ti in session.scalars(select(TaskInstance)):
                if str(ti.state) == "up_for_retry":
                    earlier(ti, "end_date")
            for row in session.scalars(select(TaskReschedule)):
                earlier(row, "start_date", "end_date", "reschedule_date")

    sleep = time.sleep
    with given, mock.patch("time.sleep", pass_time):
        run = dag.test(logical_date=pendulum.parse(logical_date))
    with create_session() as session:
        tasks = {}
        for ti in session.scalars(select(TaskInstance).where(TaskInstance.run_id == run.run_id)):
            name = ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]"
            tasks[name] = [str(ti.state), ti.try_number]
        handed, places = {}, list[tuple[str, Any]]()
        for row in session.scalars(select(XComModel).where(XComModel.run_id == run.run_id)):
            name = row.task_id if row.map_index < 0 else f"{row.task_id}[{row.map_index}]"
            handed[f"{name}.{row.key}"] = row.value
            places.append((f"what `{row.task_id}` handed on", row.value))
        for fields in session.scalars(select(Rendered).where(Rendered.run_id == run.run_id)):
            places.append((f"rendered fields of `{fields.task_id}`", fields.rendered_fields))
        of_dag = SerializedDagModel.dag_id == dag.dag_id
        for kept in session.scalars(select(SerializedDagModel).where(of_dag)):
            places.append(("the DAG as Airflow keeps it", kept.data))
        leaks = {place for place, value in places if secret and secret in json.dumps(value)}
    return {"state": str(run.state), "tasks": tasks, "handed": handed, "leaks": sorted(leaks)}
