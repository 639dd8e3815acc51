"""The curriculum is fresh, and its paths lead through what there is."""

import re

from labkit import home
from labkit.course.labs import find_labs
from labkit.interview import curriculum
from labkit.interview.cards import QUESTIONS, SECTIONS

ROOT = home.root()


def test_page_is_fresh():
    page = (ROOT / curriculum.PAGE).read_text("utf-8")
    assert page == curriculum.text(ROOT), "run `./lab interview --curriculum`"


def test_every_question_leads_to_a_card():
    rows = re.findall(r"^\| (\d+) \| .+? \| (.+?) \|", curriculum.text(ROOT), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, QUESTIONS + 1))
    assert all(cards.startswith("`") for _, cards in rows)


def test_four_weeks_lead_through_all_labs_and_sections():
    weeks = curriculum.WAYS[1]
    labs = sorted(slug for step in weeks.steps for slug in step.labs)
    assert labs == sorted(lab.slug for lab in find_labs(ROOT)), (
        "give each lab a place in WAYS, then run `./lab interview --curriculum`"
    )
    assert sorted(name for step in weeks.steps for name in step.sections) == sorted(SECTIONS)
