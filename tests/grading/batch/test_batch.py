"""A batch keeps every result, grades nothing twice, and ends with a code that says how it went."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import batches
import pytest
from handed_in import MALFORMED

import labkit.grading.grade
from labkit.course.labs import Lab
from labkit.grading.batch import reports, run, summaries
from labkit.grading.batch.collect import collect
from labkit.grading.batch.results import read_batch, read_plan
from labkit.grading.batch.run import Options
from labkit.home import LabError

HERE = Path(__file__).parents[2]
LONG = bool(os.environ.get("LAB_LONG"))

OPENS = 'import labkit\nlab = labkit.open("toy")\n'


@pytest.fixture
def handed(course, tmp_path, monkeypatch):
    """A folder to hand in to; stand-in workers know the versions and checks of the toy course."""
    monkeypatch.setenv("LAB_ROOT", str(course))
    monkeypatch.setenv(
        "CHECKS", labkit.grading.grade.checks_hash(Lab(0, "toy", course), hidden=True)
    )
    monkeypatch.setenv("VERSIONS", json.dumps(labkit.grading.grade.versions()))
    monkeypatch.setenv("NOTE", str(tmp_path / "taken"))
    folder = tmp_path / "handed"
    folder.mkdir()
    return folder


@pytest.fixture
def taken(tmp_path):
    def read():
        note = tmp_path / "taken"
        return sorted(note.read_text().split()) if note.exists() else []

    return read


def hand_in(folder, *names):
    for name in names:
        (folder / f"{name}.py").write_text(f"{OPENS}# {name}\n")


def stamps(out):
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("*/result.json")}


def test_each_submission_has_its_folder_before_the_next_is_told(handed, tmp_path):
    hand_in(handed, "ada", "bo")
    seen = []

    def look(step):
        seen.append(step.done)
        for name in ("submission.json", "report.html", "result.json"):
            assert (step.row.folder / name).is_file()

    batch = batches.grade(handed, tmp_path / "out", on_step=look)
    assert seen == [1, 2]
    assert [(row.name, row.report.score) for row in batch.rows] == [("ada", 3.0), ("bo", 3.0)]
    assert not batch.missing


def test_malformed_submissions_are_rows_and_need_no_worker(handed, tmp_path, taken):
    (handed / "empty.ipynb").write_text("")
    (handed / "cut.ipynb").write_text('{"cells": [')
    (handed / "folder.ipynb").mkdir()
    (handed / "deep.py").write_text(f"{OPENS}x = y{'.a' * 100_000}\n")
    (handed / "LAB.IPYNB").write_text("{}")
    (handed / "page.html").write_text("<html>")
    (handed / "unknown.py").write_text('import labkit\nlab = labkit.open("nothing")\n')
    (handed / "link.ipynb").symlink_to("cut.ipynb")
    batch = batches.grade(handed, tmp_path / "out", lab=None)
    assert [(row.name, row.report.status) for row in batch.rows] == [
        ("LAB.IPYNB", "unreadable"), ("cut", "unreadable"), ("deep", "unreadable"),
        ("empty", "unreadable"), ("folder", "unreadable"), ("link", "unreadable"),
        ("page.html", "unreadable"), ("unknown", "no_lab"),
    ]  # fmt: skip
    assert all(row.report.message for row in batch.rows)
    assert batch.exit_code == 2
    assert taken() == []


def test_every_kind_of_malformed_file_is_a_row_and_the_rest_is_graded(handed, tmp_path):
    paths = []
    for number, (name, content, _) in enumerate(MALFORMED.values()):
        path = handed / f"{number:02d}" / name
        path.parent.mkdir()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    (handed / "folder.ipynb").mkdir()
    (handed / "gone.ipynb").symlink_to("nowhere")
    (handed / "huge.ipynb").touch()
    os.truncate(handed / "huge.ipynb", 50_000_000)
    os.mkfifo(handed / "pipe.ipynb")
    (handed / "cells.py").write_text("".join(f"# %%\nx = {n}\n" for n in range(2_001)))
    hand_in(handed, "ada")
    paths += sorted(path for path in handed.iterdir() if path.suffix)
    found = collect(list(map(str, paths)))
    batch = batches.grade_batch(
        found, tmp_path / "out", Options(lab="toy"), print, make_pool=batches.pool
    )
    status = {row.name: row.report.status for row in batch.rows}
    assert len(status) == len(MALFORMED) + 6 > 20
    assert [name for name, found in status.items() if found == "graded"] == [
        name for name in status if name.endswith("ada")
    ]
    assert all(row.report.message for row in batch.rows if row.report.status != "graded")
    summaries.write_all(batch.rows, batch.missing, tmp_path / "out")


@pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError(), ValueError("what\nelse")])
def test_file_that_breaks_the_reader_costs_nobody_else_their_row(
    handed, tmp_path, monkeypatch, error
):
    for name in ("ada", "bad", "cy"):
        hand_in(handed, name)
    read = run.read_submission

    def broken(path):
        if path.stem == "bad":
            raise error
        return read(path)

    monkeypatch.setattr(run, "read_submission", broken)
    batch = batches.grade(handed, tmp_path / "out")
    assert [row.report.status for row in batch.rows] == ["graded", "unreadable", "graded"]
    assert type(error).__name__ in batch.rows[1].report.message


def test_result_that_no_report_can_be_made_of_costs_nobody_else_their_row(
    handed, tmp_path, monkeypatch
):
    for name in ("ada", "bad", "cy"):
        hand_in(handed, name)
    texts = reports.texts

    def broken(row, lab):
        if row.name == "bad" and row.report.status == "graded":
            raise RecursionError("deep")
        return texts(row, lab)

    monkeypatch.setattr(reports, "texts", broken)
    batch = batches.grade(handed, tmp_path / "out")
    assert [row.report.status for row in batch.rows] == ["graded", "crashed", "graded"]
    assert "report can't be written (RecursionError" in batch.rows[1].report.message


def test_batch_with_an_open_jvm_says_so(handed, tmp_path):
    hand_in(handed, "ada")
    assert batches.grade(handed, tmp_path / "out", allow_jvm=True).exit_code == 0


def test_name_that_is_no_text_is_graded_like_any_other(handed, tmp_path):
    path = os.fsencode(handed) + b"/\xe4\xff.py"
    with open(path, "w") as out:
        out.write(OPENS)
    (row,) = batches.grade(handed, tmp_path / "out").rows
    assert row.report.score == 3.0
    assert (row.folder / "result.json").read_bytes().decode("utf-8")
    assert json.loads((row.folder / "submission.json").read_text())["path"].endswith(".py")
    summaries.write_all([row], [], tmp_path / "out")


def test_folder_that_cannot_be_written_ends_the_batch_with_a_remedy(handed, tmp_path):
    hand_in(handed, "ada", "bo")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "bo").write_text("a file in the way")
    with pytest.raises(LabError, match="bo can't be written.*--resume"):
        batches.grade(handed, tmp_path / "out")
    assert (tmp_path / "out" / "ada" / "result.json").is_file()


def test_submission_that_takes_its_worker_with_it_is_one_row(handed, tmp_path):
    hand_in(handed, "ada", "die", "zoe")
    batch = batches.grade(handed, tmp_path / "out")
    assert [row.report.status for row in batch.rows] == ["graded", "crashed", "graded"]
    assert batch.rows[1].report.submission_sha256
    assert batch.exit_code == 1


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["ada", "bo"], 0),
        (["ada", "wrong"], 1),
        (["ada", "skip"], 1),
        (["ada", "die"], 1),
        (["ada", "wrong", "broken"], 3),
    ],
)
def test_exit_code_is_the_greatest_of_its_submissions(handed, tmp_path, names, code):
    hand_in(handed, *names)
    assert batches.grade(handed, tmp_path / "out").exit_code == code


def test_resume_grades_only_what_is_new_or_changed(handed, tmp_path, taken):
    out = tmp_path / "out"
    hand_in(handed, "ada", "bo")
    batches.grade(handed, out)
    before = stamps(out)
    hand_in(handed, "cy")
    (handed / "bo.py").write_text(OPENS + "# better\n")
    batch = batches.grade(handed, out, resume=True)
    assert taken() == ["ada", "bo", "bo", "cy"]
    assert stamps(out)["ada"] == before["ada"]
    assert [row.name for row in batch.rows] == ["ada", "bo", "cy"]


@pytest.mark.parametrize("change", ["checks", "data", "beside", "seed", "versions", "result"])
def test_resume_grades_again_when_what_the_verdict_depends_on_changed(
    handed, course, tmp_path, taken, monkeypatch, change
):
    out = tmp_path / "out"
    hand_in(handed, "ada")
    batches.grade(handed, out, seed=7)
    toy = Lab(0, "toy", course)
    if change in ("checks", "data"):
        path = toy.checks if change == "checks" else toy.generator("numbers")
        path.write_text(path.read_text() + "\n# changed\n")
        monkeypatch.setenv("CHECKS", labkit.grading.grade.checks_hash(toy, hidden=True))
    if change == "beside":  # the generator may copy it
        (toy.generator("numbers").parent / "rows.txt").write_text("1")
        monkeypatch.setenv("CHECKS", labkit.grading.grade.checks_hash(toy, hidden=True))
    if change == "versions":
        monkeypatch.setattr("labkit.grading.batch.run.versions", lambda: {"pyspark": "9"})
    if change == "result":
        (out / "ada" / "result.json").write_text('{"version": 1, "lab"')
    batches.grade(handed, out, seed=8 if change == "seed" else 7, resume=True)
    assert taken() == ["ada", "ada"]


def test_resume_keeps_the_seed_of_the_batch(handed, tmp_path):
    hand_in(handed, "ada")
    first = batches.grade(handed, tmp_path / "out")
    hand_in(handed, "bo")
    second = batches.grade(handed, tmp_path / "out", resume=True)
    assert {row.report.seed for row in second.rows} == {first.rows[0].report.seed}


def test_again_repeats_what_crashed_and_nothing_else(handed, tmp_path, taken):
    out = tmp_path / "out"
    hand_in(handed, "ada", "die", "wrong")
    batches.grade(handed, out)
    batches.grade(handed, out, resume=True)
    before = stamps(out)
    assert taken() == ["ada", "wrong"]
    batches.grade(handed, out, resume=True, again=True)
    assert taken() == ["ada", "wrong"]
    assert stamps(out) == before  # it crashed again, in the same words


def test_folder_with_a_batch_is_not_written_over(handed, tmp_path):
    hand_in(handed, "ada")
    batches.grade(handed, tmp_path / "out")
    with pytest.raises(LabError, match="--resume goes on"):
        batches.grade(handed, tmp_path / "out")


def test_shards_together_are_the_batch(handed, tmp_path):
    hand_in(handed, *"abcdefg")
    for part in (1, 2, 3):
        batches.grade(handed, tmp_path / f"part{part}", seed=5, shard=(part, 3))
    parts = [tmp_path / f"part{part}" for part in (1, 2, 3)]
    assert [row.name for row in read_batch(parts).rows] == list("abcdefg")
    assert [len(read_plan(part).names) for part in parts] == [3, 2, 2]
    some = read_batch([parts[0], parts[2]])
    assert some.missing == ("part 2 of 3",)
    assert some.exit_code == 1
    with pytest.raises(LabError, match="are both part 1 of 3"):
        read_batch([parts[0], parts[0]])
    with pytest.raises(LabError, match="holds part 1 of 3"):
        batches.grade(handed, parts[0], seed=5, shard=(2, 3), resume=True)


def test_shard_of_a_batch_too_small_for_it_is_empty_and_no_fault(handed, tmp_path):
    hand_in(handed, "ada")
    batch = batches.grade(handed, tmp_path / "out", seed=5, shard=(2, 2))
    assert (batch.rows, batch.exit_code) == ((), 0)


def test_parts_with_different_seeds_are_told(handed, tmp_path):
    hand_in(handed, "ada", "bo")
    parts = [tmp_path / "part1", tmp_path / "part2"]
    for number, part in enumerate(parts, start=1):
        assert batches.grade(handed, part, seed=number, shard=(number, 2)).exit_code == 0
    assert "different seeds (1, 2)" in read_batch(parts).notes[0]


def test_result_has_its_submission_whatever_else_is_handed_in_later(handed, tmp_path, taken):
    out = tmp_path / "out"
    hand_in(handed, "ada")
    batches.grade(handed, out)
    (handed / "ada.ipynb").write_text("{}")
    batch = batches.grade(handed, out, resume=True)
    assert sorted(Path(row.path).name for row in batch.rows) == ["ada.ipynb", "ada.py"]
    assert len({row.name for row in batch.rows}) == 2


def test_submissions_that_all_others_could_read_are_not_graded(handed, tmp_path, monkeypatch):
    hand_in(handed, "ada")
    monkeypatch.setattr(sys, "base_prefix", str(handed))
    with pytest.raises(LabError, match="which every submission can read"):
        batches.grade(handed, tmp_path / "out")
    assert batches.grade(handed, tmp_path / "out", sandbox=False).exit_code == 0


def test_what_was_graded_without_a_sandbox_is_graded_again_in_one(
    handed, tmp_path, taken, monkeypatch
):
    out = tmp_path / "out"
    hand_in(handed, "ada")
    batches.grade(handed, out)
    result = out / "ada" / "result.json"
    for there, times in (("", 2), ("none here", 1)):
        monkeypatch.setattr("labkit.sandbox.sandbox.reason", lambda there=there: there)
        result.write_text(result.read_text().replace('"sandbox": true', '"sandbox": false'))
        before = len(taken())
        batches.grade(handed, out, resume=True)
        assert len(taken()) - before == times - 1


def test_second_grader_of_a_folder_is_refused(handed, tmp_path):
    hand_in(handed, "ada")

    def look(step):
        with pytest.raises(LabError, match="another `lab grade`"):
            batches.grade(handed, tmp_path / "out", resume=True)

    batches.grade(handed, tmp_path / "out", on_step=look)


def test_killed_at_random_moments_a_batch_loses_nothing_and_grades_nothing_twice(
    handed, tmp_path, taken, monkeypatch
):
    """SIGKILL of the parent: what had a result keeps it, untouched; at most what was under way is new."""
    out, kills = tmp_path / "out", 20 if LONG else 4
    names = [f"s{number:03d}" for number in range(40 * kills)]
    hand_in(handed, *names)
    monkeypatch.setenv("PAUSE", "0.02")
    command = [sys.executable, str(HERE / "batches.py"), str(handed), str(out)]
    chance = random.Random(11)
    for _ in range(kills):
        before = stamps(out)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if chance.random() < 0.8:
            process.stdout.readline()  # the first new result is told
            time.sleep(chance.random() * 0.1)  # the random moment is what is tested
        else:
            time.sleep(chance.random())  # before there is one
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        after = stamps(out)
        assert after.items() >= before.items()
    before = stamps(out)
    assert 0 < len(before) < len(names)
    batch = batches.grade(handed, out, resume=True, workers=2)
    assert [row.name for row in batch.rows] == names
    assert stamps(out).items() >= before.items()
    lost_replies = len(taken()) - len(
        names
    )  # judged, but the parent was dead before it could note it
    assert lost_replies <= 2 * kills
    assert not list(out.rglob(".*.new"))
