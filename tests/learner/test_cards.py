"""Cards beside the labs: how well each topic is known, and which cards to talk about next."""

import datetime

import interview_cards
import pytest

from labkit.interview import schedule
from labkit.interview.schedule import Grade
from labkit.learner import cards, overview, progress
from labkit.verdict.outcome import CheckResult


@pytest.fixture
def deck(course):
    (course / "work").mkdir(exist_ok=True)
    made = [interview_cards.card(name) for name in ("one", "two")]
    return interview_cards.put(course, delta=made)


def passing(task: str) -> CheckResult:
    return CheckResult(f"test_{task}", task, "passed", task, 1)


def asked(root, name: str, grade: Grade, days_ago: int) -> None:
    at = schedule.now() - datetime.timedelta(days=days_ago)
    with schedule.changing(root) as data:
        data["cards"][name] = schedule.graded(None, grade, at)


def test_topic_has_the_tasks_of_its_cards_and_how_well_they_are_known(deck, toy):
    progress.record(toy, [passing("double")])
    asked(deck, "one", "easy", 1)
    rows = {row.name: row for row in cards.topics([toy])}
    assert (rows["delta"].passed, rows["delta"].tasks) == (1, 1)
    assert rows["delta"].cards == {"new": 1, "learning": 0, "known": 1, "due": 0}
    assert (rows["spark"].tasks, sum(rows["spark"].cards.values())) == (0, 0)
    assert "By topic" in overview.page([toy])


def test_after_a_lab_come_the_cards_that_go_with_it_until_others_are_due(deck, toy):
    assert cards.next_talk(deck, []) is None
    assert [line for line in overview.next_lines([toy]) if "Talk" in line] == []
    progress.record(toy, [passing(task) for task in toy.tasks])
    assert overview.next_lines([toy])[-1] == (
        "[bold]Talk:[/] 2 interview cards go with toy · ./lab interview --lab toy"
    )
    asked(deck, "two", "again", 3)
    assert cards.next_talk(deck, [toy]) == cards.Talk(
        "1 card of delta is due", "./lab interview --topic delta"
    )
    asked(deck, "two", "easy", 0)
    asked(deck, "one", "easy", 0)
    assert cards.next_talk(deck, [toy]) is None


def test_due_card_is_named_although_no_lab_is_passed(deck, toy):
    asked(deck, "one", "good", 5)
    assert "1 card of delta is due" in overview.next_lines([toy])[-1]


def test_without_cards_or_with_a_broken_one_nothing_is_said(course, toy):
    progress.record(toy, [passing(task) for task in toy.tasks])
    assert cards.topics([toy]) == []
    assert cards.topics_table([toy]) is None
    interview_cards.put(course, delta=[interview_cards.card(level="junior")])
    assert cards.next_talk(course, [toy]) is None
    assert "By topic" not in overview.page([toy])
