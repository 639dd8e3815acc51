"""Cards are read whole or refused with file, line and remedy; those of this checkout are sound."""

import json

import interview_cards
import jsonschema
import pytest
import yaml

from labkit import home
from labkit.course.labs import find_labs
from labkit.home import LabError
from labkit.interview.cards import LEVELS, QUESTIONS, SECTIONS, TOPICS
from labkit.interview.deck import read_deck, unknown_tasks
from labkit.interview.questions import read_questions

ROOT = home.root()
DECK = read_deck(ROOT)
SCHEMA = json.loads((ROOT / "docs" / "card.schema.json").read_text("utf-8"))
POINTS = interview_cards.card()["listen_for"]


# ---------------------------------------------------------------- those of this checkout


def test_there_are_cards_of_every_section():
    assert len(DECK) >= 130
    assert {card.section for card in DECK} == set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_cards_follow_the_schema(section):
    text = (ROOT / "interview" / f"{section}.yaml").read_text("utf-8")
    jsonschema.validate(yaml.safe_load(text), SCHEMA)


def test_schema_and_reader_know_the_same_words():
    fields = SCHEMA["items"]["properties"]
    assert fields["topics"]["items"]["enum"] == list(TOPICS)
    assert fields["level"]["enum"] == list(LEVELS)
    assert fields["seed"]["items"]["maximum"] == QUESTIONS


def test_every_task_that_a_card_names_exists():
    assert unknown_tasks(DECK, find_labs(ROOT)) == []


def test_planned_task_that_exists_now_is_one_to_practise():
    known = {f"{lab.slug}.{task}" for lab in find_labs(ROOT) for task in lab.tasks}
    ready = [f"{card.place}: {task}" for card in DECK for task in card.later if task in known]
    assert ready == [], "move these from `later` to `practise`, then `./lab interview --curriculum`"


def test_topics_are_few_and_each_is_used():
    used = [topic for card in DECK for topic in card.topics]
    assert {topic for topic in TOPICS if used.count(topic) < 4} == set()
    assert len(TOPICS) <= 26


def test_readme_names_the_topics_and_sections():
    text = (ROOT / "interview" / "README.md").read_text("utf-8")
    assert [topic for topic in TOPICS if f"| `{topic}` |" not in text] == []
    headings = [line for line in text.splitlines() if line.startswith("### ")]
    assert headings == [f"### {title}: [{s}.yaml]({s}.yaml)" for s, title in SECTIONS.items()]


def test_every_question_has_a_card_that_names_it():
    questions = read_questions(ROOT)
    assert [question.number for question in questions] == list(range(1, QUESTIONS + 1))
    by_table = {(question.number, name) for question in questions for name in question.cards}
    by_card = {(number, card.id) for card in DECK for number in card.seed}
    assert by_table == by_card
    assert {number for number, _ in by_card} == set(range(1, QUESTIONS + 1))


def test_readme_names_every_card():
    text = (ROOT / "interview" / "README.md").read_text("utf-8")
    assert [card.id for card in DECK if f"`{card.id}`" not in text] == []


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"asks": None}, "lacks asks; add it"),
        ({"hint": "x"}, "`hint` is unknown; known are id"),
        ({"id": "Not-A-Name"}, "is `Not-A-Name`; write small letters"),
        ({"level": "junior"}, "is `junior`; write one of mid, senior, staff"),
        ({"minutes": "five"}, "`minutes` is not a whole number; write one from 2 to 15"),
        ({"minutes": 60}, "`minutes` is 60; write a number from 2 to 15"),
        ({"topics": ["delta", "delta"]}, "repeats delta; remove one"),
        ({"topics": ["lakes"]}, "is `lakes`; write one of architecture"),
        ({"topics": "delta"}, "`topics` is not a list"),
        ({"seed": [80]}, "is 80; write a number from 1 to 79"),
        ({"listen_for": POINTS[:3]}, "`listen_for` has 3 entries; it needs 4 to 7"),
        ({"listen_for": [*POINTS, "all"]}, r"`listen_for`\[4\] is not a mapping; write keys"),
        ({"red_flags": []}, "has 0 entries; it needs at least 1"),
        ({"red_flags": [True]}, "is not a text; put it in quotes"),
        ({"finds_out": " "}, "`finds_out` is empty; write it"),
        ({"strong": "too short"}, "has 2 words; an answer aloud has 120 to 220"),
        ({"practise": ["cdc_merge"]}, "is `cdc_merge`; write lab.task"),
        ({"sources": [{"title": "A", "url": "docs.delta.io"}]}, "write an address, https"),
    ],
)
def test_fault_is_told_with_its_line_and_a_remedy(tmp_path, changes, says):
    cards = [interview_cards.card("first"), interview_cards.card("second", **changes)]
    root = interview_cards.put(tmp_path, delta=cards)
    with pytest.raises(LabError, match=says) as caught:
        read_deck(root)
    place = str(caught.value).split(" ")[0].rstrip(":")
    path, line = place.rsplit(":", 1)
    text = (root / "interview" / "delta.yaml").read_text().splitlines()
    begins = next(n for n, row in enumerate(text, 1) if "second" in row or "Not-A-Name" in row)
    assert path == str(root / "interview" / "delta.yaml")
    assert begins <= int(line) <= len(text)


def test_key_that_is_there_twice_is_told(tmp_path):
    root = interview_cards.put(tmp_path, delta=[interview_cards.card()])
    path = root / "interview" / "delta.yaml"
    path.write_text(path.read_text() + "  level: mid\n")
    with pytest.raises(LabError, match=r"delta.yaml:\d+: `level` is there twice; remove one"):
        read_deck(root)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("- id: one\n  asks: [", r"delta.yaml:3: not YAML, .*; mend the line"),
        ("- id: \x01", "is not YAML: .*; save it as UTF-8"),
        ("cards: 1", "delta.yaml:1: the file is not a list"),
    ],
)
def test_file_that_holds_no_cards_is_told(tmp_path, text, says):
    root = interview_cards.put(tmp_path, delta=[])
    (root / "interview" / "delta.yaml").write_text(text)
    with pytest.raises(LabError, match=f"(?s){says}"):
        read_deck(root)


def test_id_and_words_of_a_point_are_there_once(tmp_path):
    twice = interview_cards.card("one", listen_for=interview_cards.card("two")["listen_for"])
    root = interview_cards.put(tmp_path, delta=[interview_cards.card("one")], spark=[twice])
    with pytest.raises(LabError, match=r"spark.yaml:1: its id `one` is also at .*delta.yaml:1"):
        read_deck(root)
    root = interview_cards.put(tmp_path, delta=[interview_cards.card("two")], spark=[twice])
    with pytest.raises(LabError, match=r"its point `two says why` is also at .*delta.yaml:1"):
        read_deck(root)


def test_unknown_section_and_missing_folder_are_told(tmp_path):
    with pytest.raises(LabError, match="has no interview cards.*hand-out"):
        read_deck(tmp_path)
    with pytest.raises(LabError, match=r"holds no cards; take it afresh"):
        read_deck(interview_cards.put(tmp_path))
    with pytest.raises(LabError, match=r"lakes.yaml: there is no such section; one of general"):
        read_deck(interview_cards.put(tmp_path, lakes=[interview_cards.card()]))
