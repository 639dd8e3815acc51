"""Progress that moves: an import merges, loses nothing, and refuses what is no export."""

import copy
import datetime
import json
import shutil

import pytest
from typer.testing import CliRunner

from labkit.cli.main import app
from labkit.home import LabError
from labkit.interview import schedule
from labkit.learner import progress, transfer
from labkit.verdict.outcome import CheckResult

DAY = datetime.timedelta(days=1)


@pytest.fixture
def there(course, tmp_path):
    """A second machine with the same course."""
    (course / "work").mkdir(exist_ok=True)
    other = tmp_path / "there"
    shutil.copytree(course, other)
    return other


def keep(root, **tasks):
    with progress.changing(root) as data:
        data["labs"]["toy"] = {"tasks": tasks}


def kept(root):
    return progress.load(root)["labs"]["toy"]["tasks"]


def result(points, at="2026-10-01T12:00:00+00:00", **more):
    return {"points": points, "max_points": 4, "best": points, "lacked": [], "checked": at, **more}


def answer(root, card, *grades, at=None):
    when = at or schedule.now() - 9 * DAY
    with schedule.changing(root) as data:
        for number, grade in enumerate(grades):
            facts = data["cards"].get(card)
            data["cards"][card] = schedule.graded(facts, grade, when + number * DAY)


def test_all_of_it_moves_to_an_empty_machine(course, there, toy, tmp_path):
    progress.record(toy, [CheckResult("test_a", "double", "passed", "doubles", 2)])
    progress.note(toy, "store", "hints", 2)
    answer(course, "one", "good", "easy")
    with schedule.changing(course) as data:
        data["round"] = {"mine": True}
    file = tmp_path / "a" / "p.json"
    assert transfer.export(course, file) == (2, 1)
    assert transfer.take_over(there, file) == transfer.Imported(2, 2, 1, 1, 0)
    assert progress.load(there) == progress.load(course)
    assert schedule.load(there)["cards"] == schedule.load(course)["cards"]
    assert "round" not in schedule.load(there)
    assert transfer.take_over(there, file) == transfer.Imported(2, 0, 1, 0, 0)
    assert transfer.take_over(course, file) == transfer.Imported(2, 0, 1, 0, 0)


@pytest.mark.parametrize(
    ("here", "elsewhere", "points", "hints"),
    [
        (result(4, hints=1), result(1, "2026-10-02T12:00:00+00:00", hints=3), 4, 3),
        (result(1, hints=3), result(4, hints=1), 4, 3),
        ({"hints": 2}, result(1), 1, 2),
        ({"points": 1, "max_points": 4}, result(1, hints=1), 1, 1),  # of an early version
        (result(1, hints=1), {"points": 1, "max_points": 4}, 1, 1),
        (result(1), {"hints": 2}, 1, 2),
    ],
)
def test_better_result_and_most_hints_are_kept(
    course, there, tmp_path, here, elsewhere, points, hints
):
    keep(course, double=elsewhere)
    keep(there, double=here)
    transfer.export(course, tmp_path / "p.json")
    transfer.take_over(there, tmp_path / "p.json")
    facts = kept(there)["double"]
    assert (facts["points"], facts["best"], facts["hints"]) == (points, points, hints)


def test_of_equal_results_the_later_is_kept_with_what_it_lacked(course, there, tmp_path):
    keep(course, double=result(2, "2026-10-02T09:00:00+09:00", lacked=["b"]))
    keep(there, double=result(2, "2026-10-01T23:00:00+00:00", lacked=["a"], gave_up=True))
    transfer.export(course, tmp_path / "p.json")
    transfer.take_over(there, tmp_path / "p.json")
    assert kept(there)["double"] == result(
        2, "2026-10-02T09:00:00+09:00", lacked=["b"], gave_up=True
    )


def test_what_only_this_machine_has_stays(course, there, tmp_path):
    keep(there, store=result(3))
    keep(course, double=result(2))
    answer(there, "two", "hard")
    answer(course, "one", "good")
    transfer.export(course, tmp_path / "p.json")
    transfer.take_over(there, tmp_path / "p.json")
    assert set(kept(there)) == {"store", "double"}
    assert set(schedule.load(there)["cards"]) == {"one", "two"}


def test_card_answered_on_both_machines_is_told(course, there, tmp_path):
    answer(course, "one", "good", "easy")
    answer(there, "one", "hard")
    transfer.export(course, tmp_path / "p.json")
    done = transfer.take_over(there, tmp_path / "p.json")
    assert (done.cards_taken, done.both) == (1, 1)
    assert schedule.load(there)["cards"]["one"]["grades"] == ["good", "easy"]


GOOD = {
    "format": "lakehouse-labs-progress",
    "version": 1,
    "exported": "2026-10-01T12:00:00+00:00",
    "labs": {"toy": {"tasks": {"double": result(2)}}},
    "cards": {},
}


def changed(*path, to):
    data = copy.deepcopy(GOOD)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(data)


DOUBLE = ("labs", "toy", "tasks", "double")
BAD = {
    "empty": ("", "is not what"),
    "no JSON": ("{", "is not what"),
    "deep": ("[" * 100_000, "is not what"),
    "a list": ("[]", "is not what"),
    "another file": ('{"version": 1, "labs": {}}', "is not what"),
    "of the page of cards": ('{"version": 1, "cards": {}}', "lab interview --import"),
    "newer": (changed("version", to=2), "is of a newer version .*; update"),
    "no version": (changed("version", to=None), "changed or cut off"),
    "labs are a list": (changed("labs", to=[]), "changed or cut off"),
    "points are text": (changed(*DOUBLE, "points", to="2"), "changed or cut off"),
    "points are negative": (changed(*DOUBLE, "points", to=-2), "changed or cut off"),
    "points are no number": (changed(*DOUBLE, "points", to=float("nan")), "changed or cut off"),
    "points without an end": (changed(*DOUBLE, "points", to=float("inf")), "changed or cut off"),
    "points of no float": (changed(*DOUBLE, "points", to=10**400), "changed or cut off"),
    "a time that is none": (changed(*DOUBLE, "checked", to="noon"), "changed or cut off"),
    "a time without zone": (
        changed(*DOUBLE, "checked", to="2026-10-01T12:00:00"),
        "changed or cut off",
    ),
    "facts are a number": (changed(*DOUBLE, to=3), "changed or cut off"),
    "titles are numbers": (changed(*DOUBLE, "lacked", to=[1]), "changed or cut off"),
    "a card without times": (changed("cards", "one", to={"grades": ["good"]}), "changed or cut off"),
    "cards are missing": (changed("cards", to=None), "changed or cut off"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_told_and_changes_nothing(course, tmp_path, name):
    text, says = BAD[name]
    keep(course, double=result(1))
    answer(course, "one", "good")
    before = progress.path(course).read_bytes(), schedule.path(course).read_bytes()
    file = tmp_path / "p.json"
    file.write_text(text)
    with pytest.raises(LabError, match=says):
        transfer.take_over(course, file)
    assert (progress.path(course).read_bytes(), schedule.path(course).read_bytes()) == before


def test_export_replaces_an_export_and_nothing_else(course, tmp_path):
    keep(course, double=result(1))
    file = tmp_path / "p.json"
    transfer.export(course, file)
    transfer.export(course, file)
    file.write_text("my notes")
    with pytest.raises(LabError, match="holds no progress"):
        transfer.export(course, file)
    assert file.read_text() == "my notes"


def test_import_that_cannot_be_kept_says_so(course, tmp_path, monkeypatch):
    (course / "work").mkdir(exist_ok=True)
    file = tmp_path / "p.json"
    file.write_text(json.dumps(GOOD))
    monkeypatch.setattr("labkit.home.os.replace", lambda *_: (_ for _ in ()).throw(OSError()))
    with pytest.raises(LabError, match="can't be written"):
        transfer.take_over(course, file)


def lab(*arguments):
    done = CliRunner().invoke(app, list(map(str, arguments)))
    return str(done.exception) if isinstance(done.exception, LabError) else done.output


def test_commands_say_what_they_did(course, there, tmp_path, monkeypatch):
    keep(course, double=result(2), store=result(1))
    answer(course, "one", "good")
    keep(there, store=result(3))
    file = tmp_path / "p.json"
    monkeypatch.setenv("LAB_ROOT", str(course))
    assert "2 tasks, 1 card" in lab("progress", "--export", file)
    monkeypatch.setenv("LAB_ROOT", str(there))
    said = lab("progress", "--import", file)
    assert "2 tasks in the file: 1 new or better there, 1 the same or better here" in said
    assert "1 card in the file: 1 answered later there, 0 the same or later here" in said
    assert "give one of them" in lab("progress", "--import", file, "--export", file)
