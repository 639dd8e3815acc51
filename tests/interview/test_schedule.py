"""The schedule: what a grade does, what is due, what is kept, and what another file adds."""

import datetime
import json

import interview_cards
import pytest

from labkit.interview import schedule
from labkit.interview.deck import read_deck
from labkit.interview.schedule import Standings

START = datetime.datetime(2026, 1, 1, 10, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def deck(tmp_path):
    cards = [interview_cards.card(name) for name in ("one", "two", "three", "four")]
    return read_deck(interview_cards.put(tmp_path, delta=cards))


@pytest.mark.parametrize(
    ("grades", "days"),
    [
        ("again", 1),
        ("hard", 1),
        ("good", 2),
        ("easy", 8),
        ("good good", 11),
        ("easy again", 1),
    ],
)
def test_grade_decides_in_how_many_days_a_card_comes_again(grades, days):
    facts, at = None, START
    for grade in grades.split():
        facts = schedule.graded(facts, grade, at)
        at, before = datetime.datetime.fromisoformat(facts["due"]), at
    assert (at - before).days == days
    assert facts["grades"] == grades.split()


def test_due_cards_come_first_then_new_ones_then_the_others(deck):
    kept = {
        "one": schedule.graded(None, "easy", START),
        "three": schedule.graded(None, "good", START),
        "four": schedule.graded(None, "again", START),
    }
    standings = Standings(kept, START + 4 * DAY)
    order = [card.id for card in standings.in_order(deck.cards)]
    assert order == ["four", "three", "two", "one"]
    assert standings.count(deck) == {"new": 1, "learning": 2, "known": 1, "due": 2}


def test_file_that_cannot_be_read_is_put_aside(tmp_path):
    (tmp_path / "work").mkdir()
    file = schedule.path(tmp_path)
    for text in ("{", "[]", '{"cards": {"one": {"due": "soon"}}}', '{"cards": {"one": 3}}'):
        file.write_text(text)
        assert schedule.load(tmp_path) == {"version": 1, "cards": {}}
        assert file.with_suffix(".unreadable.json").read_text() == text
    with schedule.changing(tmp_path) as data:
        data["cards"]["one"] = schedule.graded(None, "good", START)
    assert schedule.load(tmp_path)["cards"]["one"]["grades"] == ["good"]
    assert [path.name for path in file.parent.glob(".interview-*")] == []


def test_interrupted_write_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    with schedule.changing(tmp_path) as data:
        data["cards"]["one"] = schedule.graded(None, "good", START)
    before = schedule.path(tmp_path).read_text()

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("labkit.home.os.replace", stop)
    with pytest.raises(KeyboardInterrupt), schedule.changing(tmp_path) as data:
        data["cards"] = {}
    assert schedule.path(tmp_path).read_text() == before
    assert [path.name for path in schedule.path(tmp_path).parent.glob(".interview-*")] == []


def test_of_each_card_the_later_answer_wins():
    early, late = (schedule.graded(None, "good", START + n * DAY) for n in (0, 5))
    mine = {"cards": {"one": early, "two": late}}
    other = {"cards": {"one": late, "two": early, "three": early}}
    assert schedule.merged(mine, other) == 2
    assert mine["cards"] == {"one": late, "two": late, "three": early}


def test_what_the_page_writes_can_be_read():
    facts = schedule.graded(None, "good", START)
    as_page = {
        **facts,
        "due": "2026-01-03T10:00:00.000Z",
        "last_review": "2026-01-01T10:00:00.000Z",
    }
    assert schedule.sound(json.loads(json.dumps({"version": 1, "cards": {"one": as_page}})))
    assert not schedule.sound({"cards": {"one": {**as_page, "grades": ["fine"]}}})
