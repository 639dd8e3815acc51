"""A rehearsal: a bare folder, an honest clock, the choice of labs, and the debrief at the end."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from labkit import home
from labkit.author import export
from labkit.cli.main import app
from labkit.course.labs import Lab, find_lab, find_labs
from labkit.home import LabError
from labkit.learner import notebook
from labkit.learner.rehearsal import clock, debrief, prompt, rehearse
from labkit.learner.rehearsal.countdown import Countdown
from labkit.learner.rehearsal.rehearse import Rehearsal
from labkit.verdict.outcome import CheckResult, Report

ROOT = home.root()
HELPFUL = re.compile(r"lab\.(check|hint|solution|next)\(|hidden check|You will learn")


def result(task: str, outcome: str = "passed", **more) -> CheckResult:
    return CheckResult(f"test_{task}", task, outcome, f"{task} works", 2, **more)


def told(found: Rehearsal, *checks: CheckResult) -> debrief.Debrief:
    return debrief.Debrief(found, {"toy": Report("toy", "graded", 1, checks)})


@pytest.fixture
def made(toy) -> Rehearsal:
    return rehearse.make([toy], 30)


def run(*words: str, root):
    return CliRunner().invoke(app, list(words), env={"LAB_ROOT": str(root)})


@pytest.mark.parametrize("lab", find_labs(ROOT), ids=lambda lab: lab.slug)
def test_notebook_has_every_task_and_no_help(lab):
    cells = json.loads(prompt.notebook(lab))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    assert HELPFUL.search(text) is None
    assert all(f"def {task}(" in text for task in lab.tasks)
    assert "labkit.open(" in text
    ids = [cell["id"] for cell in cells]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("lab", find_labs(ROOT), ids=lambda lab: lab.slug)
def test_mail_names_the_time_the_situation_and_every_task(lab):
    text = prompt.mail([lab], 50)
    assert HELPFUL.search(text) is None
    assert lab.title in text
    assert "50 minutes" in text
    assert all(f"- `{task}(" in text for task in lab.tasks)
    assert "$" not in text


def test_fresh_folder_holds_prompt_notebook_and_a_clock_that_stands(made):
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "PROMPT.md", "session.json", "toy.ipynb",
    ]  # fmt: skip
    assert made.folder.parent == made.root / "work" / "rehearsals"
    assert (made.begun, made.finished, made.left()) == (False, False, 1800)


def test_session_file_of_another_program_is_no_rehearsal(tmp_path):
    (tmp_path / "session.json").write_text('{"tabs": []}')
    (tmp_path / "below").mkdir()
    assert rehearse.running(tmp_path / "below") is None


def test_folder_with_something_in_it_is_refused(toy, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(LabError, match="not empty"):
        rehearse.make([toy], 30, tmp_path)


def test_clock_runs_on_after_quitting_and_stops_once(made, monkeypatch):
    monkeypatch.setattr(rehearse.clock, "read", lambda what: reading(what, now[0]))
    now = [0.0]

    def reading(what, at):
        return clock.Reading(what, 1e9 + at, at, "x")

    made.open()
    now[0] = 600.0
    made.note("close")
    now[0] = 4_000.0
    made.open()
    assert made.elapsed().seconds == 4_000
    assert made.left() == 1800 - 4_000
    now[0] = 5_000.0
    made.finish()
    now[0] = 9_000.0
    made.finish()
    made.open()
    made.note("close")
    assert made.elapsed().seconds == 5_000
    assert [one.what for one in made.readings] == ["begin", "close", "resume", "finish"]


def test_finish_before_the_beginning_is_refused(made):
    with pytest.raises(LabError, match="has not begun"):
        made.finish()


def test_what_was_changed_outside_the_clock_is_told(made, toy):
    path = made.notebook(toy)
    path.write_text(path.read_text().replace("numbers", "rows"))
    made.open()
    made.finish()
    assert made.changed_since() == []
    path.write_text(path.read_text().replace("rows", "numbers"))
    notes = "\n".join(told(made).notes())
    assert "toy.ipynb was changed before the clock began" in notes
    assert "toy.ipynb was changed after the clock stopped" in notes


SOUND = '{"version": 1, "labs": ["toy"], "minutes": 5, "given": {"a": "b"}, "readings": %s}'


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"version": 9}', '{"version": 1, "labs": ["toy"]}',
        SOUND % '[{"what": "begin"}]', SOUND % "[7]", SOUND % '[], "submitted": [1]',
        SOUND % '[{"what": "begin", "wall": NaN, "steady": 1, "boot": ""}]',
        SOUND % '[], "changed_before": [{}]', SOUND % ("[" * 5_000),
        SOUND.replace("5", "Infinity") % "[]", SOUND.replace('"toy"', "[1]") % "[]",
    ],
)  # fmt: skip
def test_broken_session_file_is_one_message(made, text):
    (made.folder / rehearse.SESSION).write_text(text)
    with pytest.raises(LabError, match="can't be read as a rehearsal"):
        made.session()


@pytest.mark.parametrize("name", ["toy.ipynb", "debrief.html", ".session.lock"])
def test_link_in_a_folder_that_came_back_is_refused(made, toy, course, name):
    made.open()
    path = made.folder / name
    path.unlink(missing_ok=True)
    path.symlink_to(toy.solved)
    before = toy.solved.read_bytes()
    done = run("finish", str(made.folder), root=course)
    assert isinstance(done.exception, LabError)
    assert f"{name} is a link" in str(done.exception)
    assert toy.solved.read_bytes() == before


def test_notebook_of_a_rehearsal_gets_no_help_until_the_finish(made, toy, monkeypatch):
    monkeypatch.chdir(made.folder)
    made.open()
    monkeypatch.setenv("LAB_ROOT", str(toy.root))
    lab = notebook.open_lab("toy")
    monkeypatch.chdir("/")  # leaving the folder does not leave the rehearsal
    helped = (lab.check(), lab.hint("double"), lab.solution("double", give_up=True), lab.next())
    for answer in helped:
        assert "no checks and no hints; 29 min left" in answer.text
    made.finish()
    assert "Twice two is four" in lab.hint("double").text


@pytest.mark.parametrize(
    ("minutes", "topics", "expected"),
    [
        (60, ["streaming"], {"watermarks"}),
        (110, ["streaming", "cdc"], {"watermarks", "cdc_merge"}),
        (50, ["streaming", "cdc"], {"watermarks"}),
        (60, ["scd2"], {"scd2"}),
        (5, ["scd2"], {"scd2"}),
    ],
)
def test_labs_fit_topics_and_time(minutes, topics, expected):
    names = {"warm_up", "cdc_merge", "scd2", "skew", "watermarks", "slow_job"}
    labs = [lab for lab in find_labs(ROOT) if lab.slug in names]
    assert {lab.slug for lab in rehearse.choose(labs, minutes, topics)} == expected


def test_without_topics_the_time_is_filled_and_the_warm_up_is_left_out():
    chosen = rehearse.choose(find_labs(ROOT), 125, [])
    assert 100 <= rehearse.length(chosen) <= 125
    assert "warm_up" not in {lab.slug for lab in chosen}


def test_unknown_topic_names_the_known_ones():
    with pytest.raises(LabError, match="no lab is about cobol; topics: .*delta"):
        rehearse.choose(find_labs(ROOT), 60, ["cobol"])


def test_debrief_shows_reasons_both_answers_and_what_was_late(made, toy, monkeypatch):
    made.open()
    made.finish()
    checks = (result("double", "failed", hidden=True, reason="row 3 is <6>"), result("store"))
    page, text = debrief.html(told(made, *checks)), debrief.text(told(made, *checks))
    assert "row 3 is &lt;6&gt;" in page
    assert "raise NotImplementedError(&#34;double&#34;)" in page
    assert "numbers.select(&#34;n&#34;, (F.col(&#34;n&#34;) * 2)" in page
    assert page.count('type="checkbox"') >= 10
    assert "2 of 4 points" in text
    assert "double: 0 of 2 points, no save" in text
    assert "toy, with checks and hints: double" in text


def test_debrief_in_a_handout_has_no_reference_and_says_who_can_grade(toy, tmp_path):
    export.export([toy], tmp_path / "handout")
    lab = Lab(0, "toy", tmp_path / "handout")
    found = rehearse.make([lab], 30)
    found.open()
    found.finish()
    page = debrief.html(told(found, result("double")))
    assert "Your answer</summary>" in page
    assert "came without hidden checks" in page


@pytest.mark.parametrize("lab", find_labs(ROOT), ids=lambda lab: lab.slug)
def test_every_question_has_a_model_answer_and_a_card(lab):
    found = debrief.questions(lab)
    assert len(found) >= 3
    assert all(question.answer and card for question, card in found)


def test_commands_make_a_folder_and_show_its_clock(course, tmp_path):
    folder = tmp_path / "interview"
    done = run("rehearse", "toy", "--minutes", "20", "--to", str(folder), "--later", root=course)
    assert done.exit_code == 0, done.output
    assert (folder / "PROMPT.md").is_file()
    done = run("rehearse", "toy", "--later", root=course)
    done = run("rehearse", "status", root=course)
    assert "The clock has not begun; you will have 5 min" in done.output
    rehearse.current(course).open()
    assert "of 5 min · 0:04:5" in run("rehearse", "status", root=course).output


def test_folder_that_somebody_else_worked_in_is_graded_here_in_the_sandbox(toy, course, tmp_path):
    export.export([toy], tmp_path / "handout")
    there = rehearse.make([Lab(0, "toy", tmp_path / "handout")], 30, tmp_path / "theirs")
    there.open()
    path = there.notebook(toy)
    written = json.loads(path.read_text("utf-8"))
    for cell in written["cells"]:
        cell["source"] = "".join(cell["source"]).replace(
            'raise NotImplementedError("double")',
            'return numbers.select("n", (F.col("n") * 2).alias("twice"))',
        )
    path.write_text(json.dumps(written), "utf-8")
    there.finish()
    received = tmp_path / "received"
    shutil.move(there.folder, received)

    done = subprocess.run(
        [sys.executable, "-c", "from labkit.cli.main import main; main()", "finish", str(received)],
        env={**os.environ, "LAB_ROOT": str(course)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr  # `store` is a stub
    assert "3 of 4 points" in done.stdout
    assert re.search(r"double: 3 of 3 points, \d+ s", done.stdout)
    kept = json.loads((received / "result-toy.json").read_text("utf-8"))
    assert kept["sandbox"] == (sys.platform == "linux")
    hidden = {check["id"] for check in kept["checks"] if check["hidden"]}
    assert hidden == {"test_doubles_seeded_numbers"}
    page = (received / "debrief.html").read_text("utf-8")
    assert "Your answer beside the reference" in page


def test_lab_of_a_rehearsal_that_is_not_here_is_told(made):
    with pytest.raises(LabError, match="there is no lab `toy`"):
        find_lab("toy", ROOT)
    with pytest.raises(LabError, match="there is no lab `toy`"):
        _ = Rehearsal(made.folder, ROOT).labs


def test_time_left_is_told_in_words_and_as_a_clock(monkeypatch):
    monkeypatch.setattr("labkit.learner.rehearsal.countdown.time.time", lambda: 1_000.0)
    shown = Countdown(1790.4)
    assert repr(shown) == "A rehearsal: 29 min left. `./lab finish` ends it."
    assert "const end = 2790400;" in shown._repr_html_()
    assert "40 s over time" in repr(Countdown(-40))


def test_debrief_draws_the_flowcharts_that_the_notebook_has(made, toy):
    path = made.notebook(toy)
    written = json.loads(path.read_text("utf-8"))
    drawn = '```mermaid\nflowchart LR\n  n0["<lake><br/>✗ no_recovery"]\n```'
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/markdown": [drawn]}}
    code = next(cell for cell in written["cells"] if cell["cell_type"] == "code")
    code["outputs"] = [output]
    path.write_text(json.dumps(written))
    made.open()
    made.finish()
    page = debrief.html(told(made, result("double")))
    assert "Your drawings" in page
    assert "✗ no_recovery" in page and "<lake>" not in page
    for content in ("{", "[" * 5_000):
        path.write_text(content)
        assert debrief.drawings(path) == []
