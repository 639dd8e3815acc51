"""Cards are chosen by topic, level, section, question and lab."""

import interview_cards
import pytest

from labkit.course.labs import find_labs
from labkit.home import LabError
from labkit.interview.deck import read_deck, unknown_tasks


@pytest.fixture
def deck(tmp_path):
    card = interview_cards.card
    root = interview_cards.put(
        tmp_path,
        delta=[
            card("log"),
            card("vacuum", topics=["delta", "cost"], level="staff", seed=[8], practise=None),
            card("merge", topics=["ingest"], practise=["toy.store", "other.task"]),
        ],
        spark=[card("join", topics=["joins"], level="mid", seed=None)],
    )
    return read_deck(root)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["log", "vacuum", "merge", "join"]),
        ({"topics": ["cost", "joins"]}, ["vacuum", "join"]),
        ({"topics": ["delta"], "levels": ["staff"]}, ["vacuum"]),
        ({"levels": ["mid", "staff"]}, ["vacuum", "join"]),
        ({"sections": ["spark"]}, ["join"]),
        ({"seed": 6}, ["log", "merge"]),
        ({"practises": "toy"}, ["log", "merge", "join"]),
        ({"practises": "toy.store"}, ["merge"]),
        ({"topics": ["joins"], "sections": ["delta"]}, []),
    ],
)
def test_cards_fit_all_that_is_asked(deck, wanted, found):
    assert [card.id for card in deck.select(**wanted)] == found


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"topics": ["lakes"]}, "no topic `lakes`; there are architecture"),
        ({"levels": ["junior"]}, "no level `junior`; there are mid, senior, staff"),
        ({"sections": ["python"]}, "no section `python`; there are general"),
    ],
)
def test_unknown_word_is_told_with_those_that_exist(deck, wanted, says):
    with pytest.raises(LabError, match=says):
        deck.select(**wanted)


def test_sections_take_turns(deck):
    assert [card.id for card in deck.mixed()] == ["log", "join", "vacuum", "merge"]


def test_card_is_found_by_id_or_the_nearest_is_named(deck):
    assert deck.card("vacuum").section == "delta"
    with pytest.raises(LabError, match="no card `vacum`; did you mean `vacuum`"):
        deck.card("vacum")


def test_task_that_no_lab_has_is_told(deck, course):
    labs = find_labs(course)
    lines = unknown_tasks(deck, labs)
    assert len(lines) == 1
    assert "`practise` names other.task" in lines[0]


def test_strong_answer_keeps_its_paragraphs_and_weights_add_up(deck):
    card = deck.card("log")
    assert [len(paragraph.split()) for paragraph in card.paragraphs] == [90, 40]
    assert card.weight == 8
