"""What an edit touches: nothing that a comment changes, everything that it may have changed."""

import pytest

from labkit.grading.cells import Cell
from labkit.learner.edits import edit, used_by_checks

TASKS = ("double", "store")
CELLS = (
    "import labkit\nlab = labkit.open('toy')",
    "LIMIT = 3",
    "def half(n):\n    return n / 2",
    "def double(numbers):\n    return half(numbers) * 4",
    "lab.check('double')",
    "def store(table):\n    return LIMIT",
)
USES = {"double": ["double"], "store": ["store"]}


def cells(**changed: str) -> tuple[Cell, ...]:
    return tuple(Cell(n, changed.get(f"c{n}", source)) for n, source in enumerate(CELLS, 1))


def after(uses=USES, **changed):
    return edit(cells(), cells(**changed), TASKS, uses)


def test_first_look_runs_everything_but_the_checks_of_the_notebook():
    found = edit(None, cells(), TASKS, USES)
    assert found.fresh
    assert [cell.number for cell in found.cells] == [1, 2, 3, 4, 6]
    assert found.tasks == TASKS


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"c4": "def double(numbers):\n    # why\n    return half( numbers ) * 4"},
        {"c5": "lab.hint('double')"},
    ],
)
def test_comment_or_another_hint_changes_nothing(changed):
    assert after(**changed) is None


def test_changed_function_is_run_alone_and_its_task_judged():
    found = after(c6="def store(table):\n    return 4")
    assert not found.fresh
    assert [cell.number for cell in found.cells] == [6]
    assert found.tasks == ("store",)


def test_changed_helper_touches_who_calls_it():
    assert after(c3="def half(n):\n    return n / 3").tasks == ("double",)


def test_task_whose_checks_call_the_changed_one_is_judged_too():
    uses = {"double": ["double"], "store": ["store", "double"]}
    assert after(uses, c4="def double(numbers):\n    return 1").tasks == TASKS


@pytest.mark.parametrize(
    "changed",
    [
        {"c2": "LIMIT = 4"},
        {"c2": "%matplotlib inline"},
        {"c4": "def doubel(numbers):\n    return half(numbers)"},
        {"c4": "def double(numbers:\n"},
        {"c3": "def half(n):\n    return n\nx = half(1)"},
    ],
)
def test_anything_else_runs_everything_afresh(changed):
    found = after(**changed)
    assert found.fresh
    assert found.tasks == TASKS


def test_value_made_with_a_changed_function_is_made_again():
    before = cells(c2="LIMIT = half(6)")
    assert edit(
        before, cells(c2="LIMIT = half(6)", c3="def half(n):\n    return n"), TASKS, USES
    ).fresh


def test_removed_cell_runs_everything_afresh():
    assert edit(cells(), cells()[:-1], TASKS, USES).fresh


def test_uses_are_read_through_fixtures(tmp_path):
    path = tmp_path / "checks.py"
    path.write_text(
        "@pytest.fixture\ndef merged(learner):\n    learner.double(1)\n\n"
        "@check('store', points=2)\ndef test_a(learner, merged):\n    learner.store(2)\n\n"
        "@check('double')\ndef test_b(learner):\n    learner.double(2)\n"
    )
    assert used_by_checks(path, TASKS) == {"double": {"double"}, "store": {"double", "store"}}
