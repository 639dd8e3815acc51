"""A round without a screen: the choice of cards, the proposed grade, and each step on disk."""

import interview_cards
import pytest

from labkit.home import LabError
from labkit.interview import drill, schedule
from labkit.interview.deck import Deck, read_deck
from labkit.interview.drill import Round
from labkit.interview.schedule import Standings


@pytest.fixture
def root(tmp_path):
    (tmp_path / "work").mkdir()
    cards = [interview_cards.card(name, minutes=n) for n, name in enumerate(NAMES, 3)]
    return interview_cards.put(tmp_path, delta=cards)


NAMES = ("one", "two", "three", "four", "five", "six")


@pytest.fixture
def deck(root):
    return read_deck(root)


def begin(root, deck, *names):
    return Round.begin(root, deck, [deck.card(name) for name in names])


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({}, NAMES[:5]),
        ({"count": 2}, ("one", "two")),
        ({"minutes": 12}, ("one", "two", "three")),
        ({"minutes": 10}, ("one", "two")),
        ({"count": 1, "minutes": 30}, ("one",)),
    ],
)
def test_round_has_as_many_cards_as_are_asked_for_and_fit(root, deck, limits, found):
    chosen = drill.choose(deck, Standings.of(root), **limits)
    assert tuple(card.id for card in chosen) == found


def test_no_card_that_fits_is_told(root, deck):
    with pytest.raises(LabError, match="take a longer time"):
        drill.choose(deck, Standings.of(root), minutes=2)
    with pytest.raises(LabError, match="fits all of these options"):
        drill.choose(Deck(()), Standings.of(root))


@pytest.mark.parametrize(
    ("said", "grade"),
    [((), "again"), ((0,), "again"), ((0, 3), "hard"), ((0, 1, 3), "good"), ((0, 1, 2, 3), "easy")],
)
def test_grade_follows_from_the_weights_of_what_was_said(deck, said, grade):
    assert drill.proposed(deck.card("one"), said) == grade


def test_round_goes_on_after_every_step(root, deck):
    begin(root, deck, "one", "two").spend(12)
    found = Round.open(root, deck)
    assert (found.card.id, found.at.seconds, found.at.answered) == ("one", 12, False)
    found.answered("I would measure.")
    found = Round.open(root, deck)
    assert (found.at.answered, found.at.answer, found.at.said) == (True, "I would measure.", None)
    found.tick({2, 0})
    found = Round.open(root, deck)
    assert found.at.said == (0, 2)
    found.grade("hard")
    found = Round.open(root, deck)
    assert (found.card.id, found.at.seconds, found.at.grades) == ("two", 0, ("hard",))
    found.skip()
    assert found.is_over and found.card is None
    assert Round.open(root, deck) is None
    facts = schedule.load(root)["cards"]
    assert set(facts) == {"one"}
    assert (facts["one"]["said"], facts["one"]["answer"]) == ([0, 2], "I would measure.")


def test_new_round_takes_the_place_of_an_open_one_and_keeps_its_grades(root, deck):
    found = begin(root, deck, "one", "two")
    found.answered("")
    found.tick(())
    found.grade("again")
    found.answer_file.write_text("half an answer")
    other = begin(root, deck, "three")
    assert Round.open(root, deck).card.id == "three"
    assert not other.answer_file.exists()
    assert schedule.load(root)["cards"]["one"]["grades"] == ["again"]


@pytest.mark.parametrize(
    "kept",
    [
        3,
        {"ids": ["one"], "number": "x"},
        {"ids": ["one"], "said": 4},
        {"ids": ["gone"]},
        {"ids": ["one"], "number": 1},
        {"ids": ["one"], "grades": ["fine"]},
        {"ids": ["one"], "more": 1},
    ],
)
def test_round_that_cannot_be_resumed_is_none_and_the_grades_stay(root, deck, kept):
    with schedule.changing(root) as data:
        data["cards"]["one"] = schedule.graded(None, "good", schedule.now())
        data["round"] = kept
    assert Round.open(root, deck) is None
    assert set(schedule.load(root)["cards"]) == {"one"}


def test_only_an_answer_that_was_ticked_has_a_grade(root, deck):
    with pytest.raises(ValueError, match="ticked"):
        begin(root, deck, "one").grade("good")
