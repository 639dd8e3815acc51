"""A loop without a screen: its rounds, one task of a lab, what is kept, and the debrief over all."""

import ast
import json

import interview_cards
import pytest
import yaml

from labkit import home
from labkit.course.labs import find_lab, find_labs
from labkit.home import LabError
from labkit.interview import schedule
from labkit.interview.deck import read_deck
from labkit.interview.schedule import Standings
from labkit.learner.rehearsal import debrief, loop, loop_debrief, prompt, rehearse
from labkit.learner.rehearsal.loop import Answer, Loop
from labkit.learner.rehearsal.loop_debrief import LoopDebrief
from labkit.verdict.outcome import CheckResult, Report

ROOT = home.root()
NAMES = ("one", "two", "three", "four")


@pytest.fixture
def deck(course):
    (course / "work").mkdir(exist_ok=True)
    technical = [interview_cards.card(name, minutes=5) for name in NAMES[:3]]
    people = [interview_cards.card("four", topics=["leadership"], practise=None)]
    return read_deck(interview_cards.put(course, delta=technical, leadership=people))


@pytest.fixture
def made(deck, toy) -> Loop:
    return loop.make(deck, toy, task="double", seed=1)


def code(notebook: str) -> str:
    cells = json.loads(notebook)["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


def test_rounds_are_a_task_what_goes_with_it_and_people(made, toy):
    rows = [(stage.name, stage.minutes, stage.cards) for stage in made.stages]
    assert rows == [
        ("1-keyboard", 30, ()),
        ("2-questions", 15, ("one", "two", "three")),
        ("4-people", 5, ("four",)),
    ]
    assert made.rehearsal(made.stages[0]).tasks(toy) == ("double",)
    assert loop.current(toy.root) == made


def test_questions_begin_with_those_of_the_lab_and_fit_the_time():
    deck = read_deck(ROOT)
    standings = Standings({}, schedule.now())
    cards = loop.technical(deck, standings, find_lab("cdc_merge", ROOT))
    about = [card for card in cards if "cdc_merge" in card.labs]
    assert cards[: len(about)] == about and len(about) >= 2
    assert len({card.section for card in cards}) >= 3
    for minutes, chosen in ((30, cards), (20, loop.people(deck, standings))):
        assert minutes - 4 <= sum(card.minutes for card in chosen) <= minutes
        assert len({card.id for card in chosen}) == len(chosen)


@pytest.mark.parametrize("lab", find_labs(ROOT), ids=lambda lab: lab.slug)
def test_of_one_task_the_rest_is_written_and_the_task_is_not(lab):
    for task in lab.tasks:
        text = code(prompt.notebook(lab, [task]))
        stubs = [name for name in lab.tasks if f'NotImplementedError("{name}")' in text]
        assert stubs == [task]
        assert task in prompt.mail([lab], 30, [task])
    others = [name for name in lab.tasks if name != task]
    assert not any(f"- `{name}(" in prompt.mail([lab], 30, [task]) for name in others)


def test_design_round_has_a_brief_of_its_own_and_all_but_the_design(tmp_path):
    lab = find_lab("lakehouse_design", ROOT)
    for seed in (1, 2):
        loop.design(tmp_path / str(seed), lab, seed)
    briefs = [tmp_path / str(seed) / "brief" / "drawn.yaml" for seed in (1, 2)]
    first, second = (yaml.safe_load(path.read_text()) for path in briefs)
    assert first != second
    assert briefs[0].read_text() in (tmp_path / "1" / "PROMPT.md").read_text()
    text = code((tmp_path / "1" / "lakehouse_design.ipynb").read_text())
    defined = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    assert set(lab.tasks) <= defined
    assert "platform" not in defined, "a helper of the reference is part of the answer"
    assert 'read_brief(Path("brief"), "drawn")' in text, "the last cell draws the design"


def test_round_that_is_over_stays_over_and_its_answers_are_kept(made, deck):
    keyboard, questions, _ = made.stages
    made.enter(keyboard)
    made.leave(keyboard)
    again = Loop(made.folder, made.root)
    assert again.stage == questions and not again.begun(questions)
    again.enter(questions)
    found = again.questions(questions, deck)
    found.answered("I would measure.")
    found.tick({0, 1})
    found.grade("good")
    found.skip()
    assert again.begun(questions)
    found = again.questions(questions, deck)
    assert found.card.id == "three", "it goes on where it was stopped"
    found.answered("")
    found.tick(())
    found.grade("again")
    # Stopped before the loop took the answers: the round is still there, and is over.
    found = again.questions(questions, deck)
    assert found.is_over
    again.leave(questions, loop.answered(found, made.root))
    found.forget()
    assert [(one.card, one.said, one.grade) for one in made.answers(questions)] == [
        ("one", (0, 1), "good"), ("two", None, ""), ("three", (), "again"),
    ]  # fmt: skip
    assert set(schedule.load(made.root)) == {"version", "cards"}
    assert set(schedule.load(made.root)["cards"]) == {"one", "three"}


def test_drill_does_not_go_on_with_the_round_of_a_loop(made, deck):
    made.questions(made.stages[1], deck)
    assert loop.Round.open(made.root, deck) is None


@pytest.fixture
def told(made, deck, toy) -> LoopDebrief:
    """The loop with all rounds over: half the task, a strong answer, a skipped one, a poor one."""
    keyboard, questions, people = made.stages
    rehearsal = made.rehearsal(keyboard)
    rehearsal.open()
    rehearsal.finish()
    made.leave(keyboard)
    made.leave(
        questions,
        [
            Answer("one", (0, 1, 2, 3), "easy", 60),
            Answer("two"),
            Answer("three", (3,), "again", 30),
        ],
    )
    made.leave(people, [Answer("four", (0, 1, 2, 3), "easy", 240)])
    checks = [
        CheckResult("test_a", "double", "passed", "a <works>", 1),
        CheckResult("test_b", "double", "failed", "b", 1, hidden=True),
    ]
    report = Report("toy", "graded", 1, tuple(checks))
    return LoopDebrief(made, deck, {keyboard.name: debrief.Debrief(rehearsal, {"toy": report})})


def test_debrief_has_a_score_for_each_round_and_the_weakest_topic(told):
    rows = [(row.reached, row.most, round(row.percent)) for row in told.rows()]
    assert rows == [(1, 2, 50), (9, 24, 38), (8, 8, 100)]
    topic, share = told.weakest()[0]
    # Three cards with 8, 0 and 1 of 8 points, and the task, which all of them practise.
    assert (topic, share) == ("delta", (1 + 0 + 1 / 8 + 1 / 2) / 4)
    assert len(told.weakest()) == 1, "leadership was strong"
    text = loop_debrief.text(told)
    assert "Technical questions: 38 % (9 of 24) in 1 min of 15 min" in text
    assert "./lab interview --topic delta" in text
    assert "the cards two, three: they are due again tomorrow" in text
    assert "toy, with checks and hints: double" in text


def test_page_of_the_debrief_links_to_the_notebook_and_shows_what_was_left_out(told):
    page = loop_debrief.html(told)
    assert 'href="1-keyboard/debrief.html"' in page
    assert "skipped" in page and "three says why" in page
    assert "one says why" not in page, "what was said is not left out"


def test_scores_finish_the_loop(told, toy):
    told.loop.keep(loop_debrief.scores(told))
    assert told.loop.finished and told.loop.scores["1-keyboard"] == [1, 2]
    assert loop.current(toy.root) is None


@pytest.mark.parametrize(
    "change",
    [
        {"version": 9}, {"stages": []}, {"stages": [{"name": "../up"}]}, {"over": "x"},
        {"answers": {"2-questions": [{"card": "one"}]}}, {"scores": {"1-keyboard": "much"}},
    ],
)  # fmt: skip
def test_broken_state_is_one_message(made, change):
    path = made.folder / loop.STATE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(LabError, match="can't be read as a loop"):
        _ = made.stage


def test_folder_with_something_in_it_is_refused(deck, toy, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(LabError, match="not empty"):
        loop.make(deck, toy, seed=1, folder=tmp_path)


def test_lab_of_an_hour_that_was_practised_least_is_chosen(course, toy):
    assert loop.choose(course, []) == toy
    found = loop.choose(ROOT, [])
    assert int(found.about["minutes"]) <= 60 and found.about["level"] != "starter"
    streaming = loop.choose(ROOT, ["streaming"])
    assert int(streaming.about["minutes"]) <= 60 and rehearse.about(streaming, "streaming")


def test_rehearsal_in_a_loop_is_found_by_finish(made, toy):
    rehearsal = made.rehearsal(made.stages[0])
    with pytest.raises(LabError, match="no unfinished rehearsal"):
        rehearse.current(toy.root)  # the loop has not begun it
    rehearsal.open()
    assert rehearse.current(toy.root) == rehearsal
