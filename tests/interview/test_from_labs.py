"""The follow-ups of labs: each has one card, which asks it with the lab's answer."""

import interview_cards
import pytest

from labkit import home
from labkit.author.build import build
from labkit.interview import from_labs
from labkit.interview.deck import read_deck

ROOT = home.root()
FOLLOW_UPS = """
# %% [markdown]
# ## Interview follow-ups
#
# 1. Why twice,
#    and not thrice?
# 2. What of null?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Because two
#    is `n` * 2.
# 2. It stays null.
#
# </details>
"""


@pytest.fixture
def asked(toy, course):
    """`asked(**cards)`: the toy lab asks two questions, and these cards name those of a list."""
    source = toy.solution
    source.write_text(source.read_text() + FOLLOW_UPS)
    build(toy)

    def put(**named):
        cards = [
            interview_cards.card(
                name, asked_in=[{"lab": lab, "asks": asks} for lab, asks in questions] or None
            )
            for name, questions in named.items()
        ]
        return read_deck(interview_cards.put(course, delta=cards))

    return put


WHY, NULL = ("toy", "Why twice, and not thrice?"), ("toy", "What of null?")


def test_every_follow_up_of_every_lab_has_one_card_and_every_card_names_one_that_is_asked():
    assert list(from_labs.faults(read_deck(ROOT), ROOT)) == []


def test_card_asks_the_labs_question_after_its_own_with_the_labs_answer(asked, course, toy):
    deck = asked(one=[WHY], two=[NULL])
    found = from_labs.asked_next(deck.card("one"), course)
    assert [(one.asks, one.answer) for one in found] == [
        ("And then?", "Then I measure."),
        ("Why twice, and not thrice? (toy)", "Because two is `n` * 2."),
    ]
    assert from_labs.card_of(deck, toy, NULL[1]).id == "two"
    assert list(from_labs.faults(deck, course)) == []


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"one": [WHY]}, "no card has `asked_in` of lab toy: What of null?"),
        ({"one": [WHY, NULL], "two": [NULL]}, "one has it, too: What of null?"),
        ({"one": [WHY, NULL, ("toy", "What?")]}, "lab toy does not ask: What?"),
        ({"one": [WHY, NULL, ("gone", "What?")]}, "lab gone does not ask: What?"),
    ],
)
def test_faults_name_the_question_and_the_card_goes_on_without_it(asked, course, named, says):
    deck = asked(**named)
    (fault,) = from_labs.faults(deck, course)
    assert fault.endswith(says)
    assert len(from_labs.asked_next(deck.card("one"), course)) <= 3
