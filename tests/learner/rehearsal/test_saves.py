"""Saves of a notebook are logged once each, and their times shared out to the tasks that changed."""

import json
import os
import time

import pytest

from labkit.learner.rehearsal.saves import LOG, Log, Save, spent, task_sources

TASKS = ("double", "store")


def save_notebook(path, **bodies):
    cells = [
        {"cell_type": "code", "source": f"def {name}(x):\n    return {body}\n\n\nother = {body}"}
        for name, body in bodies.items()
    ]
    path.write_text(json.dumps({"nbformat": 4, "cells": cells}))


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "toy.ipynb"
    save_notebook(path, double="1", store="1")
    return path


def test_each_save_is_logged_once(notebook):
    log = Log(notebook.parent, {notebook.name: TASKS})
    assert len(log.look(0.0)) == 1
    assert log.look(1.0) == []
    save_notebook(notebook, double="2", store="1")
    (found,) = log.look(60.0)
    assert (found.elapsed, found.seen) == (60.0, True)
    assert [save.elapsed for save in Log(notebook.parent, {}).read()] == [0.0, 60.0]


def test_save_half_way_is_seen_when_it_is_whole(notebook):
    log = Log(notebook.parent, {notebook.name: TASKS})
    log.look(0.0)
    whole = notebook.read_bytes()
    notebook.write_bytes(whole[:40])
    assert log.look(1.0) == []
    notebook.write_bytes(whole)
    assert len(log.look(2.0)) == 1


def test_save_that_nobody_saw_has_the_time_of_the_file(notebook):
    Log(notebook.parent, {notebook.name: TASKS}).look(0.0)
    save_notebook(notebook, double="2", store="1")
    past = time.time() - 600
    os.utime(notebook, (past, past))
    (found,) = Log(notebook.parent, {notebook.name: TASKS}).look(1_000.0)
    assert not found.seen
    assert found.elapsed == pytest.approx(400, abs=2)


def test_line_that_is_cut_short_or_makes_no_sense_is_passed_over(notebook):
    log = Log(notebook.parent, {notebook.name: TASKS})
    log.look(0.0)
    with (notebook.parent / LOG).open("a") as out:
        out.write('{"file": "toy.ipynb", "elapsed": NaN, "seen": 1, "stamp": 2, "tasks": {}}\n[]\n')
        out.write(
            '{"file": "toy.ipynb", "elapsed": 1, "seen": 1, "stamp": Infinity, "tasks": {}}\n'
        )
        out.write("[" * 5_000 + '\n{"file": "toy.ipynb", "elap')
    assert len(log.read()) == 1


def test_source_of_a_task_is_its_function_alone(notebook):
    assert task_sources(notebook, TASKS)["double"] == "def double(x):\n    return 1"


def test_function_that_does_not_parse_is_told_as_its_cell(notebook):
    save_notebook(notebook, double="(", store="1")
    assert task_sources(notebook, TASKS)["double"].endswith("other = (")


def test_function_in_a_cell_that_is_too_long_to_parse_is_told_as_its_cell(notebook):
    save_notebook(notebook, double="-" * 200_000 + "1", store="1")
    assert len(task_sources(notebook, TASKS)["double"]) > 200_000


def test_time_goes_to_the_tasks_that_a_save_changed():
    saves = [
        Save("n", 0.0, True, 1, {"double": "a", "store": "a"}),
        Save("n", 100.0, True, 2, {"double": "b", "store": "a"}),
        Save("n", 130.0, True, 3, {"double": "b", "store": "a"}),
        Save("n", 230.0, False, 4, {"double": "c", "store": "b"}),
    ]
    found = spent(saves, {"n": TASKS}, until=300.0)
    assert found.tasks == {"n:double": 150.0, "n:store": 50.0}
    assert found.last_change == {"n:double": 230.0, "n:store": 230.0}
    assert found.rest == 100.0
    assert (found.saves, found.unseen) == (3, 1)


def test_two_notebooks_share_one_clock():
    saves = [
        Save("a", 0.0, True, 1, {"double": "a"}),
        Save("b", 0.0, True, 1, {"store": "a"}),
        Save("a", 60.0, True, 2, {"double": "b"}),
        Save("b", 90.0, True, 2, {"store": "b"}),
    ]
    found = spent(saves, {"a": ["double"], "b": ["store"]}, until=90.0)
    assert found.tasks == {"a:double": 60.0, "b:store": 30.0}
    assert found.rest == 0


def test_deleted_function_is_a_change_of_its_task():
    saves = [Save("n", 0.0, True, 1, {"double": "a"}), Save("n", 10.0, True, 2, {})]
    assert spent(saves, {"n": ["double"]}, until=10.0).tasks == {"n:double": 10.0}
