"""A notebook that is watched: each save is judged once, for what it changed, in living state."""

import itertools
import threading

import pytest

from labkit.grading.cells import UnreadableError
from labkit.learner import progress
from labkit.learner.watch import Watching, saves

OPEN = 'import labkit\nlab = labkit.open("toy")\nspark = lab.spark\nfrom pyspark.sql import functions as F\n'
RIGHT = 'def double(numbers):\n    return numbers.select("n", (F.col("n") * 2).alias("twice"))\n'
WRONG = RIGHT.replace("*", "+")
STORE = "def store(spark, table, numbers):\n    double(numbers).write.format('delta').saveAsTable(table)\n"


@pytest.fixture
def path(toy):
    toy.work.parent.mkdir(parents=True)
    return toy.work.with_suffix(".py")


@pytest.fixture
def watch(toy, path, spark, monkeypatch):
    monkeypatch.setenv("LAB_ROOT", str(toy.root))
    watched = Watching(toy, path)
    yield watched
    watched.close()


def save(path, *cells):
    path.write_text("".join(f"# %%\n{cell}\n" for cell in cells))


def outcomes(found):
    return {result.id: result.outcome for result in found.results}


def test_save_is_judged_for_what_it_changed(watch, path, toy):
    save(path, OPEN, WRONG, "print('not shown')", 'raise ValueError("no number")')
    found = watch.check()
    assert outcomes(found) == {"test_doubles": "failed", "test_table_holds_doubles": "error"}
    assert str(found.problems[0]) == "cell 4, line 1: ValueError: no number"

    save(path, OPEN, WRONG, STORE)
    assert outcomes(watch.check()) == {
        "test_doubles": "failed",
        "test_table_holds_doubles": "failed",
    }
    assert watch.check() is None

    save(path, OPEN, WRONG, STORE.replace("'delta'", '"delta"'))
    assert watch.check() is None, "other quotes are no other answer"

    save(path, OPEN, RIGHT, STORE)
    assert outcomes(watch.check()) == {
        "test_doubles": "passed",
        "test_table_holds_doubles": "passed",
    }
    assert all(progress.passed(progress.task(toy, task)) for task in toy.tasks)

    save(path, OPEN, RIGHT, STORE + "    raise KeyError('late')\n")
    found = watch.check()
    assert list(outcomes(found)) == ["test_table_holds_doubles"]
    assert "Cell In[3], line 3, in store" in found.results[0].trace


def test_save_half_way_is_told_and_forgets_nothing(watch, path):
    save(path, OPEN, RIGHT, STORE)
    watch.check()
    path.write_text("")
    with pytest.raises(UnreadableError, match="is empty"):
        watch.check()
    save(path, OPEN, RIGHT, STORE)
    assert watch.check() is None


def test_name_that_was_removed_is_gone(watch, path):
    save(path, OPEN, RIGHT, STORE)
    watch.check()
    save(path, OPEN, STORE)
    assert outcomes(watch.check())["test_doubles"] == "error"


def test_saves_are_seen_once_each(tmp_path):
    path = tmp_path / "lab.ipynb"
    path.write_text("1")
    looks = saves(path)
    next(looks)
    path.unlink()
    threading.Timer(0.2, path.write_text, ["22"]).start()
    next(looks)
    path.write_text("333")
    assert len(list(itertools.islice(looks, 1))) == 1
